"""The house's own contract: `community/{site}/{device}/telemetry|event|status`, as devices.codecs.native reads it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from devices.reading import METRICS
from devices.simulator.dialects import Saying, Wire
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


class Spoken:
    """Each device for itself over MQTT, with an id on every message and its own clock where it has one."""

    stores = True
    stamps = False

    def __init__(self, site: str, devices: Sequence[tuple[str, str]]) -> None:
        self._site = site
        self._base = f"community/{site}/"

    def native(self, name: str) -> str:
        return f"{self._site}/{name}"

    def opening(self) -> Iterable[Wire]:
        return ()

    def status(self, name: str, online: bool) -> Wire:
        said = "online" if online else "offline"
        return Wire(f"{self._base}{name}/status", said.encode(), True, {"availability": said})

    def report(self, saying: Saying) -> Wire:
        return Wire(f"{self._base}{saying.name}/telemetry", _encode(_body(saying)), False, saying.fields)

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

    def batch(self, name: str, sayings: Sequence[Saying]) -> Wire:
        return Wire(f"{self._base}{name}/telemetry", _encode([_body(s) for s in sayings]), False, {})

    def severed(self, names: Sequence[str], mains: Sequence[str]) -> Iterable[tuple[str, Wire]]:
        # Devices on batteries hold no connection between two messages, so nobody misses them at once.
        return [(name, self.status(name, False)) for name in mains]

    def will(self, name: str) -> Wire:
        return self.status(name, False)

    def back(self, name: str) -> Wire:
        return self.status(name, True)


def _body(saying: Saying) -> dict[str, Any]:
    if saying.ts is None:
        return {"v": 1, "id": saying.sequence, **saying.fields}
    return {"v": 1, "ts": saying.ts, "id": saying.sequence, **saying.fields}
