"""Models nobody had shown us before: what their makers publish, and what was wrong with it before it was mended.

Sources: public codecs and test files (modrisb/tg563a-payload-decoder, ArwinTechnology/SENSO8,
TheThingsNetwork/lorawan-devices, theengs/decoder, OpenMQTTGateway, merbanan/rtl_433, Shelly's API documents, Dahua's
event codes); rows are `metric`, or `metric/channel`, and the value in the house's unit. What else a message says is
listed as well, so that none of it becomes an alarm unseen.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from devices.decode_lines import decode_lines

Said = dict[str, Any]


def understood(topic: str, payload: Any, form: str = "") -> tuple[Said, str | None]:
    """What a message says, and the code of the reason it is set aside with, if any."""
    text = payload if isinstance(payload, str) else json.dumps(payload)
    (line,) = decode_lines([json.dumps({"topic": topic, "payload": text, "format": form or None})])
    out = json.loads(line)
    said = {r["metric"] + (f"/{r['channel']}" if r["channel"] else ""): r["value"] for r in out["readings"]}
    return said, out["quarantine"] and out["quarantine"].split(":")[0]


def chirpstack(fields: Said) -> tuple[Said, str | None]:
    """An object of a codec of ChirpStack's, of a brand we have no words of."""
    up = {
        "deviceInfo": {"devEui": "0102030405060708", "deviceProfileName": "P"},
        "fPort": 1,
        "object": fields,
    }
    return understood("application/1/device/0102030405060708/event/up", up)


STATUS = dict.fromkeys(
    ("brightness", "temperatureOutOfRange", "obstacleDetected", "airInletCovered", "tooLongInactivity", "smokeAlarm",
     "batteryLow", "smokeChamberFailure", "fouledSmokeChamber", "ultrasonicSensorFailure", "buzzerFailure"), 0,
)  # fmt: skip
FINE: Said = {"temperature": 26, "battery_low": False, "smoke": False, "fault": False, "obstructed": False}

SMOKE: list[tuple[Said, Said]] = [
    ({}, {}),
    ({"smokeAlarm": 1}, {"smoke": True}),
    ({"smokeChamberFailure": 1}, {"fault": True}),
    ({"fouledSmokeChamber": 1}, {"fault": True}),
    ({"buzzerFailure": 1}, {"fault": True}),
    ({"ultrasonicSensorFailure": 1}, {"fault": True}),
    ({"obstacleDetected": 1}, {"obstructed": True}),
    ({"airInletCovered": 1}, {"obstructed": True}),
    ({"batteryLow": 1}, {"battery_low": True}),
]


@pytest.mark.parametrize(("status", "said"), SMOKE)
def test_a_detector_that_names_the_part_that_failed(status: Said, said: Said) -> None:
    """TG563A: the fault of any part is the device's, whichever of them is told first; counters are none."""
    fields = {
        "temperature": 26,
        "status": {**STATUS, **status},
        "smokeErrorCounter": 255,
        "faultTimeCounter": 99960,
    }
    assert chirpstack(fields) == ({**FINE, **said}, None)


EVENTS: list[tuple[Said, Said]] = [
    ({"event": "water_leak_alert", "battery": 99}, {"water_leak": True, "battery": 99}),
    ({"event": "cable_break_alert", "battery": 99}, {"fault": True, "battery": 99}),
    ({"event": "heartbeat/button", "battery": 99}, {"battery": 99}),
    ({"event": "sos", "battery": 90}, {"sos": True, "battery": 90}),
    ({"eventType": "SOS alarm", "batteryVoltage": 3.1}, {"sos": True, "battery_voltage": 3.1}),
    ({"eventType": "smoke alarm test", "smoke": 0}, {"smoke": False}),
    ({"event": "gas leak recovered"}, {"gas": False}),
    ({"event": "low battery alarm"}, {"battery_low": True}),
    ({"event": "tamper alarm cleared"}, {"tamper": False}),
]


@pytest.mark.parametrize(("fields", "said"), EVENTS)
def test_an_event_by_its_name(fields: Said, said: Said) -> None:
    """Alarms and faults that a text names, and their ends; a test is neither."""
    assert chirpstack(fields) == (said, None)


def test_sensative_says_tamper_and_door_in_reports() -> None:
    """Strips write `doorReport` where others write `door`."""
    fields = {"tamperReport": {"value": True}, "doorReport": {"value": False}}
    up = {
        "end_device_ids": {"device_id": "d", "dev_eui": "0102030405060708"},
        "uplink_message": {"decoded_payload": fields, "version_ids": {"brand_id": "sensative"}},
    }
    assert understood("v3/app@ttn/devices/d/up", up) == ({"tamper": True, "door_open": False}, None)


WRAPPED: list[tuple[Said, Said]] = [
    (
        {"data": {"gasAlarm": 1, "gasValue": 24.5, "faultStatus": 0}},
        {"gas": True, "gas_lel": 24.5, "fault": False},
    ),
    ({"data": {"smoke": True, "temp": 21.0}}, {"smoke": True, "temperature": 21}),
    ({"values": {"smoke": 1.0}}, {"smoke": True}),
    ({"readings": [{"smokeAlarm": 1}]}, {"smoke": True}),
    ({"payload": {"data": {"fireAlarm": 1}}}, {"fire_detected": True}),
    ({"alarms": {"smoke": 1, "gas": 0}}, {"smoke": True, "gas": False}),
    ({"smoke_data": True}, {"smoke": True}),
    ({"volume_m3": 12.5}, {"volume": 12.5}),
]


@pytest.mark.parametrize(("fields", "said"), WRAPPED)
def test_what_is_wrapped_says_what_it_says_outside(fields: Said, said: Said) -> None:
    """A group called data holds readings, and makes no number of an alarm; m3 is a unit, no channel."""
    assert chirpstack(fields) == (said, None)


METERS: list[tuple[Said, Said]] = [
    ({"error_code": 0, "total_volume": 12345, "leak_status": 2, "battery_recovered": 3640, "ambient_temp": "23°C"},
     {"fault": False, "volume": 12.345, "water_leak": False, "battery_voltage": 3.64, "temperature": 23.0}),
    ({"error_code": 384, "leak_status": 4}, {"backflow": True, "water_leak": True}),
    ({"error_code": 419, "leak_status": 3}, {"fault": True, "water_leak": True}),
]  # fmt: skip


@pytest.mark.parametrize(("report", "said"), METERS)
def test_a_meter_that_tells_a_leak_by_its_size(report: Said, said: Said) -> None:
    """Quandify CubicMeter: codes of its own, litres, a unit behind the number."""
    up = {
        "end_device_ids": {"device_id": "d", "dev_eui": "0102030405060708"},
        "uplink_message": {
            "f_port": 1,
            "decoded_payload": {"type": "statusReport", "length": 28, "decoded": report},
            "version_ids": {"brand_id": "quandify"},
        },
    }
    assert understood("v3/app@ttn/devices/d/up", up) == (said, None)


CARRIER: list[tuple[Said, Said]] = [
    ({"alarm": "gas"}, {"gas": True}),
    ({"alarm": "燃气泄漏"}, {"gas": True}),
    ({"报警状态": "火警"}, {"fire_detected": True}),
    ({"alarm": "漏水报警"}, {"water_leak": True}),
    ({"alarm_event": "smoke"}, {"smoke": True}),
    ({"alarm": "normal"}, {"alarm_unspecified": False}),
    ({"buzzer_failure": 1, "smoke_state": 0}, {"fault": True, "smoke": False}),
]


@pytest.mark.parametrize(("payload", "said"), CARRIER)
def test_an_alarm_whose_word_says_of_what(payload: Said, said: Said) -> None:
    """Behind a carrier's platform, of a product without a profile: gas is no fire, and water neither."""
    body = {"messageType": "dataReport", "productId": "1", "deviceId": "d", "IMEI": "869", "payload": payload}
    assert understood("ctwing", body, "ctwing") == (said, None)


THINGS: list[tuple[Said, Said]] = [
    ({"sensorFailure": 0, "buzzerFailure": True, "smokeAlarm": False}, {"fault": True, "smoke": False}),
    ({"communicationFault": 0, "memory_error": 0}, {"fault": False}),
    ({"temperature_error": 0.25, "calibration_error": -3, "error_count": 4}, {}),
    ({"batteryFailure": True}, {"battery_defect": True}),
    ({"waterPressure": "0.32MPa", "temp": "21.5 °C"}, {"pressure": 320.0, "temperature": 21.5}),
    ({"waterPressure": "0.32 apples"}, {}),
    ({"battery": None, "smoke": None}, {"battery": None, "smoke": None}),
    ({"boilerRoomGasAlarm": 1, "kitchenSmoke": False}, {"gas/boiler_room": True, "smoke/kitchen": False}),
    ({"lastSmoke": 1, "testSmoke": True, "cityGas": 3, "floorHeat": True, "fireExtinguisher": True}, {}),
    ({"alarm": "smoke", "data": {"co_alarm": True, "level": {"value": 3}}}, {"smoke": True, "co": True}),
    ({"alarms": ["water leak", "tamper"]}, {"water_leak": True, "tamper": True}),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "said"), THINGS)
def test_free_keys(fields: Said, said: Said) -> None:
    """Parts that fail, deviations that are no faults, numbers that bring their unit, readings that are not there."""
    assert understood("v1/devices/me/telemetry", fields) == (said, None)


ZIGBEE: list[tuple[Said, Said]] = [
    ({"battery": None, "battery_low": False}, {"battery": None, "battery_low": False}),
    ({"fault": False, "trouble": True}, {"fault": True}),
    ({"action": "fire"}, {"call_point": True}),
]


@pytest.mark.parametrize(("state", "said"), ZIGBEE)
def test_zigbee2mqtt(state: Said, said: Said) -> None:
    """A null is no reading of the charge, a trouble counts over no fault, a keypad's fire key is a call."""
    assert understood("zigbee2mqtt/d", state) == (said, None)


RADIO: list[tuple[Said, Said]] = [
    ({"model": "LaCrosse-TX141THBv2", "id": 168, "temperature_C": 20.1, "test": "Yes"},
     {"temperature": 20.1, "test": True}),
    ({"model": "LaCrosse-TX141THBv2", "id": 168, "test": "No"}, {"test": False}),
    ({"model": "Honeywell-ActivLink", "subtype": "Contact", "id": "c5a", "battery_ok": 1, "alert": "Normal",
      "open": 1, "tampered": 1, "relay": 1}, {"battery_low": False, "door_open": True, "tamper": True}),
    ({"model": "Honeywell-ActivLink", "subtype": "Contact", "id": "c5a", "open": -1}, {"door_open": None}),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "said"), RADIO)
def test_rtl_433(fields: Said, said: Said) -> None:
    """Words for yes and no of older decoders, a contact between its two switches, a repeater that is no relay."""
    assert understood("rtl_433/pi/events", {"time": "2026-11-01 10:00:00", **fields}) == (said, None)


@pytest.mark.parametrize("detected", ["true", "false"])
def test_a_gas_board_at_a_theengs_gateway(detected: str) -> None:
    """The board's comparator says gas; the reading of its pin is no concentration."""
    body = {"gas": 540, "detected": detected}
    assert understood("home/OMG/GAStoMQTT/mq2", body) == ({"gas": detected == "true"}, None)


SHELLY = [
    ("flood.alarm", {"water_leak": True}), ("flood.alarm_off", {"water_leak": False}),
    ("cable_unplugged", {"fault": True}), ("flood.cable_unplugged", {"fault": True}),
    ("cable_plugged", {"fault": False}),
]  # fmt: skip


@pytest.mark.parametrize(("event", "said"), SHELLY)
def test_shelly_flood(event: str, said: Said) -> None:
    """Events by the name that webhooks give them, too; a probe that is pulled out is a fault."""
    params = {
        "ts": 1763760000.1,
        "events": [{"component": "flood:0", "id": 0, "event": event, "ts": 1763760000.1}],
    }
    frame = {"src": "shellyflood-a", "dst": "x/events", "method": "NotifyEvent", "params": params}
    assert understood("shellyflood-a/events/rpc", frame) == (said, None)


@pytest.mark.parametrize(
    ("name", "said"), [("Kitchen smoke", {"smoke/kitchen": True}), ("Pump", {"digital_input/Pump": True})]
)
def test_a_switch_that_its_owner_named(name: str, said: Said) -> None:
    """Tasmota's switch texts are names that people give."""
    assert understood("tele/hall/SENSOR", {"Time": "2026-11-01T10:00:00", name: "ON"}) == (said, None)


def test_an_emergency_call_of_a_dahua_panel_is_one() -> None:
    """It is a person who calls, no input."""
    line = "Code=RCEmergencyCall;action=Start;index=0"
    assert understood("dahua", line, "dahua-event") == ({"sos": True}, None)


NODES = [
    ("hall/sensor/hall_temperature/state", "21.5", {"temperature": 21.5}),
    ("hall-sensor/binary_sensor/hall_sensor_smoke/state", "ON", {"smoke": True}),
    ("hall/binary_sensor/hall_north_smoke/state", "ON", {"smoke/north": True}),
    ("hall/binary_sensor/north_hall_smoke/state", "ON", {"smoke/north_hall": True}),
]


@pytest.mark.parametrize(("topic", "payload", "said"), NODES)
def test_a_node_that_names_itself_in_every_object(topic: str, payload: str, said: Said) -> None:
    """ESPHome's `${name} Smoke`: the node's own name before an object's is no channel."""
    assert understood(topic, payload) == (said, None)
