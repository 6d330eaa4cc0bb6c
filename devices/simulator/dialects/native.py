"""The house's own contract: `community/{site}/{device}/telemetry|event|status`, as devices.codecs.native reads it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from devices.reading import METRICS
from devices.simulator.dialects import Heard, Saying, Wire
from devices.simulator.dialects._plain import BAD_JSON, Plain
from devices.simulator.hardware import is_alarm

# Events that are no alarms go by the name of the condition.
_EVENTS: Final = {
    "test": "test",
    "muted": "hush",
    "battery_low": "low_battery",
    "tamper": "tamper",
    "fault": "fault",
}
KINDS: Final[Sequence[str] | None] = None  # it has them all

_encode = msgspec.json.Encoder().encode


class _Command(msgspec.Struct):
    id: str
    name: str


class Spoken(Plain):
    """Each device for itself over MQTT, with an id on every message and its own clock where it has one."""

    stores = True
    bad = (*BAD_JSON, b'{"v":1,"temperature":NaN}')

    def __init__(self, site: str, devices: Sequence[tuple[str, str]]) -> None:
        super().__init__(site, devices)
        self._site = site
        self._base = f"community/{site}/"

    def can(self, kind: str, metric: str) -> bool:
        return True

    def native(self, name: str) -> str:
        return f"{self._site}/{name}"

    def status(self, name: str, online: bool) -> Sequence[Wire]:
        said = "online" if online else "offline"
        return (Wire(f"{self._base}{name}/status", said.encode(), True, {"availability": said}),)

    def report(self, saying: Saying) -> Sequence[Wire]:
        return (Wire(f"{self._base}{saying.name}/telemetry", _encode(_body(saying)), False, saying.fields),)

    def event(self, saying: Saying) -> Sequence[Wire]:
        metric, active = saying.metric, saying.active
        data: dict[str, Any] = {}
        found: dict[str, Any] = {metric: active}
        if is_alarm(metric):
            kind = "alarm" if active else "alarm_clear"
            data["hazard"] = metric
        else:
            kind = _EVENTS[metric]
            if not active:
                data["value"] = False
        if saying.number and active:
            data["value"] = found[saying.number] = saying.fields[saying.number]
            data["unit"] = METRICS[saying.number].unit
        body: dict[str, Any] = {"v": 1}
        if saying.ts is not None:
            body["ts"] = saying.ts
        body |= {"id": saying.sequence, "type": kind, "data": data}
        return (Wire(f"{self._base}{saying.name}/event", _encode(body), False, found),)

    def filters(self) -> Sequence[str]:
        return (f"{self._base}+/command",)

    def hear(self, topic: str, payload: bytes) -> Heard | None:
        name = topic.removeprefix(self._base).removesuffix("/command")
        try:
            body = msgspec.json.decode(payload, type=_Command)
        except msgspec.MsgspecError:
            return None
        return Heard(name, body.name, body.id) if topic == f"{self._base}{name}/command" else None

    def result(self, heard: Heard, done: bool) -> Wire | None:
        body: dict[str, Any] = {"id": heard.identity, "ok": done}
        if not done:
            body["error"] = f"this device knows no {heard.command}"
        return Wire(f"{self._base}{heard.name}/result", _encode(body), False, {})

    def batch(self, name: str, sayings: Sequence[Saying]) -> Wire:
        return Wire(f"{self._base}{name}/telemetry", _encode([_body(s) for s in sayings]), False, {})


def _body(saying: Saying) -> dict[str, Any]:
    if saying.ts is None:
        return {"v": 1, "id": saying.sequence, **saying.fields}
    return {"v": 1, "ts": saying.ts, "id": saying.sequence, **saying.fields}
