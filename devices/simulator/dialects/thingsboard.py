"""ThingsBoard's gateway API: one connection tells of all devices by name, with the times of what they measured.

Awkward on purpose: a batch newest first, devices whose names are the keys of an object, a device that disconnects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from devices.simulator.dialects import Saying, Wire
from devices.simulator.dialects._plain import SENSORS, SPOKEN, Key, Plain, encode, write

KINDS: Final[Sequence[str] | None] = SENSORS
_BASE: Final = "v1/gateway/"


class Spoken(Plain):
    """The gateway has the clock, and keeps what it cannot send."""

    stores = True
    stamps = True
    kinds = KINDS
    keys: ClassVar[Mapping[str, Key]] = SPOKEN

    def status(self, name: str, online: bool) -> Sequence[Wire]:
        said = {"availability": "online" if online else "offline"}
        topic, body = (
            ("connect", {"device": name, "type": self.kind[name]})
            if online
            else ("disconnect", {"device": name})
        )
        return (Wire(_BASE + topic, encode(body), False, said, None),)

    def report(self, saying: Saying) -> Sequence[Wire]:
        entry, found = _entry(saying)
        return (Wire(f"{_BASE}telemetry", encode({saying.name: [entry]}), False, found),)

    def batch(self, name: str, sayings: Sequence[Saying]) -> Wire:
        entries = [_entry(saying)[0] for saying in reversed(sayings)]
        return Wire(f"{_BASE}telemetry", encode({name: entries}), False, {})


def _entry(saying: Saying) -> tuple[dict[str, Any], dict[str, Any]]:
    written, found = write(SPOKEN, saying.fields)
    return {"ts": saying.ts, "values": written}, found
