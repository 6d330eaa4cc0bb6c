"""What the parts of a Tasmota message have in common: statements with their device, units, and the message's time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import msgspec

from devices.codec import Message
from devices.instants import clock_flags, from_iso, from_ms
from devices.reading import METRICS, Flag, MetricClass, Reading, device_id, point_id
from devices.vocabulary import Meaning, clean_channel

READINGS_MAX: Final = 512
"""Statements taken from one message; the firmware's own limit is a message of some 4 KB."""


class Words(msgspec.Struct, frozen=True):
    """The words this device uses (`StateText`, and the firmware's language)."""

    online: str = "Online"
    offline: str = "Offline"
    off: str = "OFF"
    on: str = "ON"
    toggle: str = "TOGGLE"
    hold: str = "HOLD"

    def level(self, text: str) -> bool | None:
        """Whether a state word means on; None if it is neither on nor off."""
        if text in (self.on, "ON"):
            return True
        return False if text in (self.off, "OFF") else None

    def action(self, text: str) -> str:
        """What was done at a button, in the firmware's own words, lower case."""
        usual = {self.toggle: "toggle", self.hold: "hold", self.on: "on", self.off: "off"}
        return usual.get(text) or text.casefold()


class Part(msgspec.Struct, frozen=True, gc=False):
    """One statement of a message: the device's native name, the sensor object it stood in, and what it says."""

    device: str
    group: str
    meant: Meaning


def readings(message: Message, parts: Sequence[Part], fields: Mapping[str, Any]) -> tuple[Reading, ...]:
    """The statements as readings; sensor objects that say the same of one device get their names as channels."""
    at = measured_at(fields)
    flags = int(Flag.RETAINED) if message.retained else 0
    if at is not None:
        flags |= clock_flags(at, message.now)
    groups: dict[tuple[str, str, str], str] = {}
    shared: set[tuple[str, str, str]] = set()
    for part in parts[:READINGS_MAX]:
        if part.group:
            key = (part.device, part.meant.metric, part.meant.channel)
            if groups.setdefault(key, part.group) != part.group:
                shared.add(key)
    source = message.source
    found: dict[str, Reading] = {}
    for part in parts[:READINGS_MAX]:
        meant, channel = part.meant, part.meant.channel
        if shared and part.group and (part.device, meant.metric, channel) in shared:
            channel = clean_channel(f"{part.group}_{channel}" if channel else part.group)
        point = _point(source, part.device, meant.metric, channel)
        there = found.get(point)
        if there is None or (meant.value is True and there.value is not True and is_alarm(meant.metric)):
            found[point] = Reading(point, meant.value, at, flags | meant.flags)
    return tuple(found.values())


@lru_cache(maxsize=16384)
def _point(source: str, device: str, metric: str, channel: str) -> str:
    return point_id(device_id(source, device), metric, channel)


def measured_at(fields: Mapping[str, Any]) -> int | None:
    """UTC ms by `Epoch`, by a `Time` in seconds, or by one with an offset; the usual local `Time` is no moment."""
    for said in (fields.get("Epoch"), fields.get("Time")):
        if type(said) is int or type(said) is float:
            return from_ms(round(said * 1000)) if abs(said) < 1e11 else None
    return from_iso(fields.get("Time"))


def is_alarm(metric: str) -> bool:
    """Whether the metric is of alarm class."""
    return METRICS[metric].klass is MetricClass.ALARM


def numbered(index: int) -> str:
    """The channel of the n-th of several, counted from 1: the first has none."""
    return "" if index <= 1 else str(index)
