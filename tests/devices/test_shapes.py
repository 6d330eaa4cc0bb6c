"""Every shape in which makers write one alarm, through every family whose keys are free: none of it is passed over.

And every shape that says that all is well, that is a setting, or that only speaks of alarms: none of it raises one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from devices.decode_lines import decode_lines

Body = dict[str, Any]
Shape = Callable[[str], Body]

SUBJECTS = {
    "smoke": "smoke", "fire": "fire_detected", "flame": "fire_detected", "gas": "gas", "gasLeak": "gas",
    "methane": "gas", "co": "co", "carbonMonoxide": "co", "waterLeak": "water_leak", "waterLeakage": "water_leak",
    "leak": "water_leak", "flood": "water_leak", "sos": "sos", "panic": "sos", "emergency": "sos", "heat": "heat",
    "tamper": "tamper", "lowBattery": "battery_low",
}  # fmt: skip


def snake(key: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", key).lower()


ALARMS: dict[str, Shape] = {
    "alarm": lambda k: {k: "alarm"},
    "Alarm": lambda k: {f"{k}Alarm": True},
    "_alarm": lambda k: {f"{snake(k)}_alarm": 1},
    "_ALARM": lambda k: {f"{snake(k).upper()}_ALARM": "ALARM"},
    "Status": lambda k: {f"{k}Status": "alarm"},
    "_status": lambda k: {f"{snake(k)}_status": 1},
    "State": lambda k: {f"{k}State": 1},
    "Detected": lambda k: {f"{k}Detected": True},
    "Triggered": lambda k: {f"{k}Triggered": True},
    "is": lambda k: {f"is{k[0].upper()}{k[1:]}": True},
    "Warning": lambda k: {f"{k}Warning": 1},
    "Flag": lambda k: {f"{k}Flag": 1},
    "SensorState": lambda k: {f"{k}SensorState": "alarm"},
    "value": lambda k: {k: {"value": True}},
    "alarms": lambda k: {"alarms": {k: True}},
    "data": lambda k: {"data": {k: True}},
    "dataAlarm": lambda k: {"data": {f"{k}Alarm": 1}},
    "status": lambda k: {"status": {k: True}},
    "sensor": lambda k: {"sensor": {k: True}},
    "own": lambda k: {k: {"alarm": True}},
    "ownState": lambda k: {k: {"state": "alarm"}},
    "word": lambda k: {"alarm": snake(k)},
    "words": lambda k: {"alarm": f"{snake(k).replace('_', ' ')} alarm"},
    "event": lambda k: {"event": f"{snake(k)}_alarm"},
    "list": lambda k: {"alarms": [snake(k)]},
}

NORMAL = (False, 0, "0", "false", "normal", "OFF", "no", "clear", "正常", None, "")
SETTINGS: Body = {
    "Threshold": 50, "AlarmThreshold": 1, "AlarmEnabled": True, "AlarmEnable": 1, "Sensitivity": 1, "AlarmDuration": 1,
    "AlarmCount": 3, "SensorEnabled": True, "AlarmTime": 1_763_760_000, "DetectionMode": "alarm", "Calibration": 1,
    "AlarmVolume": 1, "Type": "alarm", "Interval": 1, "AlarmDelay": 1, "Max": 1, "AlarmSwitch": 1, "AlarmMuted": True,
    "Test": "alarm",
}  # fmt: skip


def quiet(key: str) -> Iterator[Body]:
    """Bodies about the subject that raise nothing."""
    for value in NORMAL:
        yield from (
            {key: value},
            {f"{key}Alarm": value},
            {f"{snake(key)}_status": value},
            {key: {"value": value}},
        )
        yield from ({"alarms": {key: value}}, {"data": {f"{key}Alarm": value}}, {key: {"alarm": value}})
    for end, value in SETTINGS.items():
        yield from (
            {f"{key}{end}": value},
            {"data": {f"{key}{end}": value}},
            {"config": {f"{key}{end}": value}},
        )
    words = snake(key).replace("_", " ")
    for group in ("config", "settings", "threshold", "capabilities"):
        yield from ({group: {key: True}}, {group: {f"{key}Alarm": 1}})
    yield from (
        {"event": f"{words} alarm cleared"},
        {"alarm": f"{words} alarm recovered"},
        {"alarm": f"no {words}"},
    )
    yield from ({"event": f"{words} alarm test"}, {"alarms": []}, {"supported": [snake(key)]})
    yield from ({"sensorType": snake(key)}, {"model": f"{words} alarm"}, {"name": f"{words} alarm"})


def thingsboard(body: Body) -> Body:
    return {"topic": "v1/devices/me/telemetry", "payload": json.dumps(body)}


def chirpstack(body: Body) -> Body:
    up = {"deviceInfo": {"devEui": "0102030405060708"}, "fPort": 1, "object": body}
    return {"topic": "application/1/device/0102030405060708/event/up", "payload": json.dumps(up)}


def ctwing(body: Body) -> Body:
    push = {"messageType": "dataReport", "productId": "1", "deviceId": "d", "IMEI": "8", "payload": body}
    return {"format": "ctwing", "topic": "ctwing", "payload": json.dumps(push)}


def iotda(body: Body) -> Body:
    services = [{"service_id": "S", "properties": body}]
    notified = {"header": {"device_id": "d", "node_id": "d"}, "body": {"services": services}}
    push = {"resource": "device.property", "event": "report", "notify_data": notified}
    return {"format": "huawei-iotda", "topic": "h", "payload": json.dumps(push)}


FAMILIES = [thingsboard, chirpstack, ctwing, iotda]


@pytest.mark.parametrize("family", FAMILIES)
def test_an_alarm_is_one_however_it_is_written(family: Callable[[Body], Body]) -> None:
    """In a key, a group, a list, a text, as a boolean, a bit or a word."""
    cases = [(metric, shape(key)) for key, metric in SUBJECTS.items() for shape in ALARMS.values()]
    missed = []
    lines = decode_lines(json.dumps(family(body)) for _, body in cases)
    for (metric, body), line in zip(cases, lines, strict=True):
        if not any(r["metric"] == metric and r["value"] is True for r in json.loads(line)["readings"]):
            missed.append((body, line))
    assert missed == []


@pytest.mark.parametrize("family", FAMILIES)
def test_what_raises_nothing(family: Callable[[Body], Body]) -> None:
    """Normal in every word, settings, tests, ends, and names that only speak of an alarm."""
    bodies = [body for key in SUBJECTS for body in quiet(key)]
    lines = decode_lines(json.dumps(family(body)) for body in bodies)
    raised = [
        (body, line)
        for body, line in zip(bodies, lines, strict=True)
        if any(r["alarm"] for r in json.loads(line)["readings"])
    ]
    assert raised == []


@pytest.mark.parametrize("key", ["smokeAlarm", "fire", "water_leakage", "gasLeakDetected", "panicButton"])
def test_our_own_contract_knows_an_alarm_by_its_words(key: str) -> None:
    """A device of the native contract that writes them in its own way still raises them."""
    line = {"topic": "community/s/d/telemetry", "payload": json.dumps({"v": 1, key: True})}
    (out,) = decode_lines([json.dumps(line)])
    assert [r["alarm"] for r in json.loads(out)["readings"]] == [True]
