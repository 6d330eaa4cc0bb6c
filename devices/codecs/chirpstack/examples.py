"""Worked examples of ChirpStack events: its tests and its reference page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from devices.codec import Example

_EUI: Final = "24e124136b502a19"
_V4: Final = f"application/3f2a/device/{_EUI}/event"
_V3: Final = f"application/7/device/{_EUI}"
_TIME: Final = "2025-11-21T21:20:00.000104729+00:00"


def _event(profile: str = "", **more: Any) -> bytes:
    """One v4 event with what every event carries."""
    info = {"deviceName": "b3-f05-hall", "devEui": _EUI, "deviceProfileName": profile}
    body = {
        "deduplicationId": "3ac7e3c4-4401-4b8d-9386-a5c902f9202d",
        "time": _TIME,
        "deviceInfo": info,
        **more,
    }
    return msgspec.json.encode(body)


def _up(profile: str = "", port: int = 85, **fields: Any) -> bytes:
    """An uplink with its decoded object."""
    radio = {"rxInfo": [{"gatewayId": "0016c001f153a14c", "rssi": -36, "snr": 10.5}]}
    return _event(profile, devAddr="00189440", fCnt=13, fPort=port, data="AQB1XA==", object=fields, **radio)


EXAMPLES: Sequence[Example] = (
    Example(
        "Smoke detector in alarm while its button is pressed; numbers are always doubles",
        f"{_V4}/up",
        _up("YOBIIQ", smokeAlarm="Alarm", testButtonPressed="Pushed", batteryLevelInPercentage=95.0),
        [(_EUI, "smoke", "", True), (_EUI, "test", "", True), (_EUI, "battery", "", 95.0)],
    ),
    Example(
        "Alarm from a neighbouring detector, mains lost, low battery: three different things",
        f"{_V4}/up",
        _up("YOBIIQ", interconnectAlarm="Alarm", powerEvent="AC Power Off", lowBatteryAlarm="Alarm"),
        [
            (_EUI, "smoke_remote", "", True),
            (_EUI, "mains_power", "", False),
            (_EUI, "battery_low", "", True),
        ],
    ),
    Example(
        "Gas detector: valve, relay, and its sensor's remaining life in seconds",
        f"{_V4}/up",
        _up(
            "Milesight",
            gas_status="alarm",
            valve_status="off",
            relay_output_status="on",
            life_remain=2629746.0,
        ),
        [
            (_EUI, "gas", "", True),
            (_EUI, "valve_open", "", False),
            (_EUI, "relay", "", True),
            (_EUI, "life_remaining", "", 1.0),
        ],
    ),
    Example(
        "Gas detector that will expire: no alarm",
        f"{_V4}/up",
        _up("Milesight", alarm="device will be invalid soon"),
        [(_EUI, "end_of_life", "", True)],
    ),
    Example(
        "Water leak",
        f"{_V4}/up",
        _up("Milesight", leakage_status="leak", temperature=21.5, humidity=50.5, battery=92.0),
        [
            (_EUI, "water_leak", "", True),
            (_EUI, "temperature", "", 21.5),
            (_EUI, "humidity", "", 50.5),
            (_EUI, "battery", "", 92.0),
        ],
    ),
    Example(
        "Stored measurements sent late are history, whatever they say",
        f"{_V4}/up",
        _up("Milesight", history=[{"timestamp": 1763750000.0, "leakage_status": "leak"}]),
        [(_EUI, "water_leak", "", True)],
    ),
    Example(
        "A retained uplink",
        f"{_V4}/up",
        _up("Milesight", leakage_status="leak"),
        [(_EUI, "water_leak", "", True)],
        retained=True,
    ),
    Example(
        "Door: open, its box shut; the number of openings says nothing",
        f"{_V4}/up",
        _up("Dragino", DOOR_OPEN_STATUS=1.0, DOOR_OPEN_TIMES=2.0, ALARM=0.0, BAT_V=2.996),
        [
            (_EUI, "door_open", "", True),
            (_EUI, "alarm_flag", "", False),
            (_EUI, "battery_voltage", "", 2.996),
        ],
    ),
    Example(
        "Hydrant or cover tilted about one axis: a status for rules to judge",
        f"{_V4}/up",
        _up("Milesight", angle_x=45.0, threshold_x="trigger", threshold_y="normal"),
        [(_EUI, "angle", "x", 45.0), (_EUI, "tilt", "x", True), (_EUI, "tilt", "y", False)],
    ),
    Example(
        "Pipe pressure with its unit beside it",
        f"{_V4}/up",
        _up(pressure={"displayName": "Pressure", "value": 2.5, "unit": "bar"}),
        [(_EUI, "pressure", "", 250.0)],
    ),
    Example(
        "Pressure and water over a probe: units in the keys, current loop",
        f"{_V4}/up",
        _up("Dragino", Water_pressure_MPa=0.31, Water_deep_cm=120.0, IDC_intput_mA=4.2),
        [
            (_EUI, "pressure", "", 310.0),
            (_EUI, "water_level_depth", "", 1.2),
            (_EUI, "loop_current", "", 4.2),
        ],
    ),
    Example(
        "Current transformer over its threshold",
        f"{_V4}/up",
        _up(
            "Milesight",
            current=25.0,
            current_alarm={"current_threshold_alarm": "yes", "current_over_range_alarm": "no"},
        ),
        [
            (_EUI, "current", "", 25000.0),
            (_EUI, "current_threshold", "", True),
            (_EUI, "overcurrent", "", False),
        ],
    ),
    Example(
        "Settings read back: understood, and nothing measured",
        f"{_V4}/up",
        _up("Milesight", report_interval=600.0, temperature_alarm_config={"threshold_max": 30.0}),
    ),
    Example(
        "CayenneLPP: every channel in an object of its own",
        f"{_V4}/up",
        _up(port=1, temperatureSensor={"1": 25.0}, digitalInput={"3": 1.0}, barometer={"5": 1013.2}),
        [
            (_EUI, "temperature", "1", 25.0),
            (_EUI, "digital_input", "3", True),
            (_EUI, "pressure_barometric", "5", 101.32),
        ],
    ),
    Example(
        "A word nobody knows on an alarm key is neither alarm nor normal",
        f"{_V4}/up",
        _up(smokeAlarm="Purple", tamper=0.0),
        [(_EUI, "smoke", "", None), (_EUI, "tamper", "", False)],
        quarantine="unknown-word",
    ),
    Example(
        "No codec in the device profile: the device lives, and somebody must look",
        f"{_V4}/up",
        _event(fPort=8, fCnt=52, data="AQAIAgABAwABBAAABQAABgAABwAA"),
        [(_EUI, "heartbeat", "", True)],
        quarantine="no-codec",
    ),
    Example(
        "An uplink without payload only keeps the link",
        f"{_V4}/up",
        _event(fCnt=53),
        [(_EUI, "heartbeat", "", True)],
    ),
    Example(
        "An object of which nothing is known",
        f"{_V4}/up",
        _up(frobnication=7.0),
        quarantine="unknown-keys",
    ),
    Example(
        "Status on batteries; the margin may be negative",
        f"{_V4}/status",
        _event(margin=-4, batteryLevel=88.3),
        [
            (_EUI, "mains_power", "", False),
            (_EUI, "link_margin", "", -4),
            (_EUI, "battery", "", 88.3),
        ],
    ),
    Example(
        "Status on mains: the battery level is not one",
        f"{_V4}/status",
        _event(margin=10, externalPowerSource=True),
        [(_EUI, "mains_power", "", True), (_EUI, "link_margin", "", 10)],
    ),
    Example(
        "Status of a device that cannot measure its battery",
        f"{_V4}/status",
        _event(margin=10, batteryLevelUnavailable=True),
        [
            (_EUI, "mains_power", "", False),
            (_EUI, "link_margin", "", 10),
            (_EUI, "battery", "", None),
        ],
    ),
    Example("Joined", f"{_V4}/join", _event(devAddr="00189440"), [(_EUI, "device_joined", "", True)]),
    Example(
        "Located",
        f"{_V4}/location",
        _event(location={"latitude": 31.2304, "longitude": 121.4737, "altitude": 4}),
        [(_EUI, "latitude", "", 31.2304), (_EUI, "longitude", "", 121.4737)],
    ),
    Example("A downlink acknowledged", f"{_V4}/ack", _event(acknowledged=True, fCntDown=3)),
    Example("A downlink sent", f"{_V4}/txack", _event(downlinkId=3461958127, fCntDown=2)),
    Example("The server's log", f"{_V4}/log", _event(level="ERROR", code="UPLINK_MIC")),
    Example(
        "v3: the object is text, the DevEUI base64",
        f"{_V3}/event/up",
        msgspec.json.encode(
            {
                "devEUI": "JOEkE2tQKhk=",
                "fPort": 85,
                "data": "AQ==",
                "objectJSON": '{"smoke":1,"battery":92}',
            }
        ),
        [(_EUI, "smoke", "", True), (_EUI, "battery", "", 92)],
    ),
    Example(
        "v3 before 3.11",
        f"{_V3}/rx",
        b'{"devEUI":"24e124136b502a19","fPort":85,"object":{"door":"open"}}',
        [(_EUI, "door_open", "", True)],
    ),
    Example("Not JSON", f"{_V4}/up", b"{", quarantine="not-json"),
    Example("An envelope of another shape", f"{_V4}/up", b'{"deviceInfo":5}', quarantine="wrong-type"),
    Example("Not an event", "application/7/device/x/command/down", b"{}", quarantine="unknown-topic"),
)
