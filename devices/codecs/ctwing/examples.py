"""CTWing messages and what they mean; the packets of makers are those their integrators published."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from devices.codec import Example

_T: Final = "ctwing"
_IMEI: Final = "860374051096202"
_HUB: Final = "acf7baaee65e431eadfb8f5fe50e8b81"
_AT: Final = 1_763_760_000_000


def _push(kind: str = "dataReport", **more: Any) -> bytes:
    """A message with the envelope all share; `more` adds to it, and None takes a key away."""
    body = {
        "timestamp": _AT,
        "tenantId": "10461180",
        "protocol": "lwm2m",
        "productId": "15045240",
        "messageType": kind,
        "deviceId": _HUB,
        "IMSI": "undefined",
        "IMEI": _IMEI,
        **more,
    }
    return msgspec.json.encode({k: v for k, v in body.items() if v is not None})


def _data(payload: Any, **more: Any) -> bytes:
    return _push(upPacketSN=-1, upDataSN=-1, topic="v1/up/ad19", serviceId="", payload=payload, **more)


EXAMPLES: Sequence[Example] = (
    Example(
        "A product model's own keys: smoke",
        _T,
        _data({"smoke_state": 1, "smoke_value": 50, "battery_value": 88, "temperature": 25, "rsrp": -1000}),
        [
            (_IMEI, "smoke", "", True),
            (_IMEI, "smoke_density", "", 50),
            (_IMEI, "battery", "", 88),
            (_IMEI, "temperature", "", 25),
        ],
    ),
    Example(
        "The same under a service, all well",
        _T,
        _data(
            {
                "serviceId": "data_report",
                "serviceData": {"smoke_state": 0, "tamper_state": 0, "battery_value": 88},
            }
        ),
        [(_IMEI, "smoke", "", False), (_IMEI, "tamper", "", False), (_IMEI, "battery", "", 88)],
    ),
    Example(
        "Several services in one message",
        _T,
        _data(
            [
                {"serviceId": "a", "serviceData": {"SmokeAlarm": True}},
                {"serviceId": "b", "serviceData": {"battery_voltage": 3210}},
            ]
        ),
        [(_IMEI, "smoke", "", True), (_IMEI, "battery_voltage", "", 3.21)],
    ),
    Example(
        "What is all in the name of a service: its bare alarm is smoke",
        _T,
        _data({"serviceId": "smokeDetector", "serviceData": {"alarm": 1, "humidity": 40}}),
        [(_IMEI, "smoke", "", True), (_IMEI, "humidity", "", 40)],
    ),
    Example(
        "An alarm without a word of what is an alarm all the same",
        _T,
        _data({"alarm_state": 1, "battery_level": 90}),
        [(_IMEI, "alarm_unspecified", "", True), (_IMEI, "battery", "", 90)],
    ),
    Example(
        "Gas: 2 is the high alarm of this model, which a profile knows",
        _T,
        _data({"gas_sensor_state": 2, "gas_value": 25, "valve_state": 2, "fan_state": 2, "error_code": 0}),
        [
            (_IMEI, "gas", "", True),
            (_IMEI, "gas_lel", "", 25),
            (_IMEI, "fault", "", False),
            (_IMEI, "battery_defect", "", False),
        ],
    ),
    Example(
        "A code of an unknown product under an alarm's key is no alarm, and is not normal either",
        _T,
        _data({"water_leak_state": 3}),
        [(_IMEI, "water_leak", "", None)],
        quarantine="no-profile",
    ),
    Example(
        "A key that sounds like an alarm and is not understood is set aside",
        _T,
        _data({"devState": 1, "electricQuantity": 100}),
        [(_IMEI, "battery", "", 100)],
        quarantine="no-profile",
    ),
    Example(
        "Nothing understood: the device is alive and waits for a profile",
        _T,
        _data({"fw": "1.2", "pci": 12}),
        [(_IMEI, "heartbeat", "", True)],
        quarantine="no-profile",
    ),
    Example(
        "Transparent data of a product with a profile (W308, its daily report)",
        _T,
        _data({"APPdata": "UFUAMBAKLwgBAAMAGwL75SxogDAwcVR5BQgAAAAAAS9kdwJVcVJZAvmvgAL75SwAAAAAAA=="}),
        [
            (_IMEI, "smoke", "", False),
            (_IMEI, "battery_low", "", False),
            (_IMEI, "fault", "", False),
            (_IMEI, "battery_voltage", "", 3.03),
            (_IMEI, "battery", "", 100),
            (_IMEI, "temperature", "", 19),
            (_IMEI, "rssi", "", -89),
            (_IMEI, "self_test_result", "", "passed"),
        ],
    ),
    Example(
        "A hydrant's (W306): dry",
        _T,
        _data(
            {
                "APPdata": "UFUAPBAAAAYBAAMAJwMnuwpogDAwYGckCQYAAQAADjxkZAJVcVCnAAAAAAAAAEYAAAAAAAAAAAEDJ7sKAAAAAA=="
            }
        ),
        [
            (_IMEI, "pressure_low", "", True),
            (_IMEI, "supervisory", "", False),
            (_IMEI, "battery_low", "", False),
            (_IMEI, "fault", "", False),
            (_IMEI, "battery_voltage", "", 3.644),
            (_IMEI, "battery", "", 100),
            (_IMEI, "temperature", "", 0),
            (_IMEI, "rssi", "", -167),
            (_IMEI, "pressure", "", 0),
        ],
    ),
    Example(
        "Transparent data nobody has a profile for",
        _T,
        _data({"APPdata": "AQFWMS4wAAAAACMAAAAH/wAlODYyNTkyMDUxNjUxNDcy"}),
        [(_IMEI, "heartbeat", "", True)],
        quarantine="no-profile",
    ),
    Example(
        "JSON sent through the pipe for bytes",
        _T,
        _data({"APPdata": "eyJTbW9rZUFsYXJtIjoxLCJiYXR0ZXJ5Ijo4MH0="}),
        [(_IMEI, "smoke", "", True), (_IMEI, "battery", "", 80)],
    ),
    Example(
        "A product whose one code says everything, by its profile: muted",
        _T,
        _data(
            {
                "serviceId": "notification",
                "serviceData": {"TData": 30, "Battery_Level": 100, "Alarm_Status": 2, "AlarmLevel": 100},
            }
        ),
        [(_IMEI, "muted", "", True), (_IMEI, "battery", "", 100)],
    ),
    Example(
        "A maker who counts the other way round, known by its keys",
        _T,
        _data({"smoke_state": 0, "smoke_value": 61, "battery_value": 92, "cell_ID": 38848339}),
        [(_IMEI, "smoke", "", True), (_IMEI, "smoke_density", "", 61), (_IMEI, "battery", "", 92)],
    ),
    Example(
        "An event: battery low",
        _T,
        _push(
            "eventReport",
            serviceId=1002,
            eventType=2,
            eventContent={"battery_voltage": 1, "battery_state": 1},
        ),
        [(_IMEI, "battery_voltage", "", 1), (_IMEI, "battery_low", "", True)],
    ),
    Example(
        "An event: smoke",
        _T,
        _push("eventReport", serviceId=1001, eventType=2, eventContent={"smoke_state": 1}),
        [(_IMEI, "smoke", "", True)],
    ),
    Example(
        "A warning that says no smoke: makers count both ways, and only a profile knows",
        _T,
        _push("eventReport", serviceId=1001, eventType=2, eventContent={"smoke_state": 0}),
        [(_IMEI, "smoke", "", None)],
        quarantine="no-profile",
    ),
    Example(
        "An information that says so is believed",
        _T,
        _push("eventReport", serviceId=1003, eventType=1, eventContent={"smoke_state": 0}),
        [(_IMEI, "smoke", "", False)],
    ),
    Example(
        "A self-test is a test",
        _T,
        _push("eventReport", serviceId=1007, eventType=1, eventContent={"smoke_state": "test"}),
        [(_IMEI, "test", "", True)],
    ),
    Example(
        "Online; nobody has told the IMEI yet",
        _T,
        _push("deviceOnlineOfflineReport", iccid="undefined", eventType=1, IMEI=None, IMSI=None),
        [(_HUB, "availability", "", "online")],
    ),
    Example(
        "Offline, once the IMEI is known",
        _T,
        _push("deviceOnlineOfflineReport", iccid="undefined", eventType=0, IMEI=None, IMSI=None),
        [(_IMEI, "availability", "", "offline")],
        context={f"imei:{_HUB}": _IMEI},
    ),
    Example(
        "A device without an IMEI",
        "ctwing/push",
        _data({"door_state": 1}, protocol="mqtt", IMEI="", IMSI=""),
        [(_HUB, "door_open", "", True)],
    ),
    Example(
        "What became of a command",
        _T,
        _push("commandResponse", taskId=1, result={"resultCode": "DELIVERED", "resultDetail": ""}),
        [],
    ),
    Example(
        "A kind of message not documented",
        _T,
        _push("deviceMoved", payload={}),
        [(_IMEI, "heartbeat", "", True)],
        quarantine="unknown-kind",
    ),
    Example("Not JSON", _T, b"smoke", [], quarantine="not-json"),
    Example(
        "No device", _T, b'{"messageType":"dataReport","payload":{"smoke_state":1}}', [], quarantine="missing"
    ),
    Example("No kind", _T, b'{"deviceId":"d1","payload":{}}', [], quarantine="missing"),
)
