"""Worked examples of The Things Stack's messages: its tests and its reference page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from devices.codec import Example

_EUI: Final = "24e124136b502a19"
_V3: Final = "v3/estate@ttn/devices/b3-f05-hall"
_V2: Final = "estate/devices/b3-f05-hall"
_TIME: Final = "2025-11-21T21:20:00.077429315Z"


def _body(**more: Any) -> bytes:
    """One v3 message with what every message carries."""
    ids = {"device_id": "b3-f05-hall", "dev_eui": _EUI.upper(), "dev_addr": "260B6EA6"}
    return msgspec.json.encode({"end_device_ids": ids, "received_at": _TIME, **more})


def _up(brand: str = "", port: int = 85, normalized: Any = None, **fields: Any) -> bytes:
    """An uplink with its decoded payload."""
    message: dict[str, Any] = {
        "session_key_id": "AXA50tHUGUucuzS/bCGMNw==",
        "f_port": port,
        "f_cnt": 12,
        "frm_payload": "AQB1XA==",
        "rx_metadata": [{"gateway_ids": {"gateway_id": "gw-1"}, "rssi": -46}],
        "received_at": _TIME,
    }
    if fields:
        message["decoded_payload"] = fields
    if normalized is not None:
        message["normalized_payload"] = normalized
    if brand:
        message["version_ids"] = {"brand_id": brand, "model_id": "any"}
    return _body(uplink_message=message)


EXAMPLES: Sequence[Example] = (
    Example(
        "Smoke detector that says what it saw in a sentence",
        f"{_V3}/up",
        _up(
            "nexelec",
            typeOfMessage="Smoke Alarm",
            smokeAlarm="Local smoke Alarm activated",
            smokeAlarmHush="Smoke alarm stopped because no smoke anymore",
            smokeLocalProductTest="Smoke test off",
            temperature={"value": 24.5, "unit": "°C"},
        ),
        [
            (_EUI, "smoke", "", True),
            (_EUI, "muted", "", False),
            (_EUI, "test", "", False),
            (_EUI, "temperature", "", 24.5),
        ],
    ),
    Example(
        "A sensor's fault, a removal and a critical battery are no alarm",
        f"{_V3}/up",
        _up(
            "nexelec",
            smokeSensorStatus="Smoke sensor fault",
            antiTearDetectionStatus="Product removed from its based just now",
            batteryLevel="Critical",
            batteryVoltage={"value": 2250, "units": "mV"},
            rmgLifetime={"value": 7, "unit": "month"},
        ),
        [
            (_EUI, "fault", "", True),
            (_EUI, "tamper", "", True),
            (_EUI, "battery_low", "", True),
            (_EUI, "battery_voltage", "", 2.25),
            (_EUI, "life_remaining", "", 7),
        ],
    ),
    Example(
        "Fire alarm and high temperature; the battery byte's low flag left in by the codec",
        f"{_V3}/up",
        _up("netvox", port=6, Device="RA02A", Volt=15.8, FireAlarm="Alarm", HighTempAlarm="No Alarm"),
        [
            (_EUI, "fire_detected", "", True),
            (_EUI, "temperature_high", "", False),
            (_EUI, "battery_voltage", "", 15.8),
            (_EUI, "battery_low", "", True),
        ],
    ),
    Example(
        "Carbon monoxide, and a battery that says itself that it is low",
        f"{_V3}/up",
        _up("netvox", port=6, Device="RA02C", Volt="2.4(low battery)", COAlarm="Alarm"),
        [
            (_EUI, "co", "", True),
            (_EUI, "battery_voltage", "", 2.4),
            (_EUI, "battery_low", "", True),
        ],
    ),
    Example(
        "Emergency button",
        f"{_V3}/up",
        _up("netvox", port=6, Device="R312A", Volt=3, Alarm=1),
        [(_EUI, "sos", "", True), (_EUI, "battery_voltage", "", 3)],
    ),
    Example(
        "Several of one kind go by their keys; whether a contact is wet or dry is wiring",
        f"{_V3}/up",
        _up("netvox", port=6, Device="R311W", WaterLeak_1="NoLeak", WaterLeak_2="Leak", OnOff=1),
        [
            (_EUI, "water_leak", "WaterLeak_1", False),
            (_EUI, "water_leak", "WaterLeak_2", True),
            (_EUI, "contact_state", "", 1),
        ],
    ),
    Example(
        "The answer to a command says nothing of the air",
        f"{_V3}/up",
        _up("netvox", port=7, Cmd="GetAlarmThresholdRsp", Device="RA02A", AlarmThreshold=60),
    ),
    Example(
        "Versions at start-up",
        f"{_V3}/up",
        _up("netvox", port=6, Device="R311W", SWver=10, HWver=11, Datecode="20191112"),
    ),
    Example(
        "No sensor is no reading",
        f"{_V3}/up",
        _up("netvox", port=6, Device="RA07Series", Volt=12, NH3="NoSensor", CO=20),
        [
            (_EUI, "nh3_ppm", "", None),
            (_EUI, "co_ppm", "", 20),
            (_EUI, "supply_voltage", "", 12),
        ],
    ),
    Example(
        "A status of which only the port says what it is of: a panic button",
        f"{_V3}/up",
        _up("browan", port=147, status=1, battery=3.9),
        [(_EUI, "sos", "", True), (_EUI, "battery_voltage", "", 3.9)],
    ),
    Example(
        "The same key on the water leak detector's port",
        f"{_V3}/up",
        _up("browan", port=106, status=0, battery=3.6),
        [(_EUI, "water_leak", "", False), (_EUI, "battery_voltage", "", 3.6)],
    ),
    Example(
        "Valve closed by a flood that is over",
        f"{_V3}/up",
        _up("mclimate", port=2, reason="keepalive", valveState=False, boxTamper=True, flood=False),
        [
            (_EUI, "reason", "", "keepalive"),
            (_EUI, "valve_open", "", False),
            (_EUI, "tamper", "", True),
            (_EUI, "water_leak", "", False),
        ],
    ),
    Example(
        "Impossible pressure is kept and marked",
        f"{_V3}/up",
        _up("ellenex", port=1, pressure=-1192, batteryVoltage=3.4),
        [(_EUI, "pressure", "", -119200.0), (_EUI, "battery_voltage", "", 3.4)],
    ),
    Example(
        "Water level: the maker counts in centimetres",
        f"{_V3}/up",
        _up("milesight-iot", level=2, battery=92),
        [(_EUI, "water_level", "", 20.0), (_EUI, "battery", "", 92)],
    ),
    Example(
        "Values wrapped in objects",
        f"{_V3}/up",
        _up("sensative", port=1, floodAlarm={"value": True}, flood={"value": 80}, battery=80),
        [
            (_EUI, "water_leak", "", True),
            (_EUI, "flood_level", "", 80),
            (_EUI, "battery", "", 80),
        ],
    ),
    Example(
        "A text that names the alarm",
        f"{_V3}/up",
        _up("unheard-of", port=1, alarm="smoke", battery=3000),
        [(_EUI, "smoke", "", True), (_EUI, "battery_voltage", "", 3.0)],
    ),
    Example(
        "The normalized payload says what the vendor's own words left open",
        f"{_V3}/up",
        _up(port=1, normalized=[{"water": {"leak": True}, "air": {"temperature": 20}}], s=1, temperature=21),
        [(_EUI, "temperature", "", 21), (_EUI, "water_leak", "", True)],
    ),
    Example(
        "Normalized alone",
        f"{_V3}/up/normalized",
        _body(
            uplink_normalized={
                "f_port": 1,
                "normalized_payload": {"action": {"contactState": "open"}},
                "received_at": _TIME,
            }
        ),
        [(_EUI, "door_open", "", True)],
    ),
    Example(
        "The payload formatter failed: the device lives, and somebody must look",
        f"{_V3}/up",
        _up("dragino"),
        [(_EUI, "heartbeat", "", True)],
        quarantine="no-codec",
    ),
    Example(
        "Written at the console, not by the device",
        f"{_V3}/up",
        _body(
            simulated=True,
            uplink_message={"f_port": 1, "decoded_payload": {"smoke": 1}, "received_at": _TIME},
        ),
        [(_EUI, "smoke", "", True)],
        quarantine="simulated",
    ),
    Example(
        "Joined",
        f"{_V3}/join",
        _body(join_accept={"session_key_id": "AXBSH1Pk6Z0G166RlH16CQ==", "received_at": _TIME}),
        [(_EUI, "device_joined", "", True)],
    ),
    Example(
        "Located",
        f"{_V3}/location/solved",
        _body(location_solved={"location": {"latitude": 31.2304, "longitude": 121.4737}}),
        [(_EUI, "latitude", "", 31.2304), (_EUI, "longitude", "", 121.4737)],
    ),
    Example(
        "A downlink's way", f"{_V3}/down/queued", _body(downlink_queued={"f_port": 15, "frm_payload": "vu8="})
    ),
    Example(
        "A command put into the queue",
        f"{_V3}/down/push",
        b'{"downlinks":[{"f_port":15,"decoded_payload":{"smoke":1}}]}',
    ),
    Example(
        "Legacy v2",
        f"{_V2}/up",
        msgspec.json.encode(
            {
                "app_id": "estate",
                "dev_id": "b3-f05-hall",
                "hardware_serial": _EUI.upper(),
                "port": 10,
                "counter": 3,
                "payload_raw": "C4gBACUAAQ==",
                "payload_fields": {"WATER_LEAK_STATUS": 1, "BAT_V": 2.952},
                "metadata": {"time": _TIME},
            }
        ),
        [(_EUI, "water_leak", "", True), (_EUI, "battery_voltage", "", 2.952)],
    ),
    Example("v2 repeats every field on a topic of its own", f"{_V2}/up/WATER_LEAK_STATUS", b"1"),
    Example(
        "v2 activation",
        f"{_V2}/events/activations",
        msgspec.json.encode({"dev_eui": _EUI.upper(), "metadata": {"time": _TIME}}),
        [(_EUI, "device_joined", "", True)],
    ),
    Example("Not JSON", f"{_V3}/up", b"{", quarantine="not-json"),
    Example("An envelope of another shape", f"{_V3}/up", b'{"uplink_message":5}', quarantine="wrong-type"),
    Example("Nobody is named", f"{_V3}/up", b"{}", quarantine="missing"),
    Example("Somebody else's devices", "home/devices/lamp/up", b'{"smoke":1}', quarantine="unknown-topic"),
)
