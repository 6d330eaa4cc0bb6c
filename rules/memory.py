"""The only things a rule may remember, each with the bound that keeps it small.

All are mutable msgspec structs of plain numbers, texts, lists and dicts: a msgpack round trip gives an equal memory
that goes on to say exactly the same (tests/rules/test_properties.py). They hold no reference to anything that could
refer back, hence gc=False. A new kind of memory is a change to the journal's meaning: fields are only added at the
end, with defaults, and tags are never reused. Times are UTC milliseconds of the stamps.
"""

from __future__ import annotations

from typing import Final

import msgspec

from devices.bridges import bridges_of

SLOTS_MAX: Final = 62
"""Entries of a `Window`: its time is cut into 60 slots, and both ends may be partly inside."""

DEVICES_MAX: Final = 256
"""Devices a `Votes` remembers. A floor holds fewer detectors; more cannot change what a quorum already says."""

POINTS_MAX: Final = 16
"""Active points a `Votes` remembers of one device; more than the channels of any detector."""


class Since(msgspec.Struct, gc=False, array_like=True, tag="since"):
    """Whether something holds, since when, and whether the rule says so yet. Bounded by its three fields."""

    active: bool = False
    since: int = 0  # when `active` last changed; 0 in a fresh memory
    firing: bool = False


class Window(msgspec.Struct, gc=False, array_like=True, tag="window"):
    """The extremes of a number over a sliding time: at most one of each slot, so at most SLOTS_MAX.

    `slots` rises; `values` falls for maxima and rises for minima, so the first is the extreme of the whole window.
    """

    slots: list[int] = msgspec.field(default_factory=list)
    values: list[float] = msgspec.field(default_factory=list)
    last: float = 0.0
    firing: bool = False
    until: int = 0  # while firing: when it ends if nothing more is heard

    def add(self, slot: int, value: float, *, keep_high: bool) -> None:
        """Take in the newest value: older ones that it outdoes can never be the extreme again."""
        slots, values = self.slots, self.values
        while values and (values[-1] <= value if keep_high else values[-1] >= value):
            slots.pop()
            values.pop()
        if not slots or slots[-1] < slot:  # else this slot already holds one that is further out
            slots.append(slot)
            values.append(value)
        self.last = value

    def forget_before(self, slot: int) -> None:
        """Drop what lies in slots before `slot`."""
        old = 0
        while old < len(self.slots) and self.slots[old] < slot:
            old += 1
        if old:
            del self.slots[:old]
            del self.values[:old]
        if not self.slots and not self.firing:
            self.last = 0.0  # as fresh as new, and so forgettable


class Votes(msgspec.Struct, gc=False, array_like=True, tag="votes"):
    """Which devices say yes, by their active points, and when those that no longer do said so last.

    Bounded by DEVICES_MAX devices together and POINTS_MAX points each; what exceeds them is not counted.
    """

    active: dict[str, list[str]] = msgspec.field(default_factory=dict)
    left: dict[str, int] = msgspec.field(default_factory=dict)
    firing: bool = False

    def yes(self, device: str, point: str) -> None:
        """One point of a device says yes."""
        points = self.active.get(device)
        if points is None:
            if self.left.pop(device, None) is None and len(self.active) + len(self.left) >= DEVICES_MAX:
                return
            self.active[device] = [point]
        elif point not in points and len(points) < POINTS_MAX:
            points.append(point)

    def no(self, device: str, point: str, now: int) -> None:
        """One point of a device says no; the device has left when none of its points says yes."""
        points = self.active.get(device)
        if points is not None and point in points:
            points.remove(point)
            if not points:
                del self.active[device]
                self.left[device] = now

    def forget_until(self, then: int) -> None:
        """Drop devices that left at or before `then`."""
        if self.left:
            self.left = {device: at for device, at in self.left.items() if at > then}

    def count(self) -> int:
        """How many distinct devices count now: a panel is no second one beside the detectors that speak through it."""
        if len(self.active) + len(self.left) < 2:
            return len(self.active) + len(self.left)
        devices = {*self.active, *self.left}
        return len(devices - {bridge for device in devices for bridge in bridges_of(device)})


Memory = Since | Window | Votes
"""Any memory; the tags let a snapshot decode one without knowing its rule."""
