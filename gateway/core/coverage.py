"""Where protection is gone: places of which not one detector can raise an alarm any more.

One silent battery detector is a line on a list; the last working one of a floor is an alarm (design section 4, P2). A
detector counts as impaired while an alarm of a rule that `impairs` stands on it (silent, offline, faulted, covered), or
while a person has taken one of its points out of service; and while a device it speaks through is away.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from devices.bridges import bridges_of
from devices.catalogue import Catalogue, Level, Place

CLASSES: Final[dict[str, str]] = {"smoke": "fire", "heat": "fire", "gas": "gas", "hydrant": "hydrant"}
"""Device kinds that guard, and what their place is guarded against."""

AWAY: Final = ("online", "availability", "gateway_availability")
"""Metrics whose alarms say that a device is not there, and with it nothing that speaks through it."""

_GROUPS: Final[dict[str, tuple[Level, ...]]] = {
    "fire": (Level.FLOOR, Level.BUILDING, Level.SITE),
    "gas": (Level.FLOOR, Level.BUILDING, Level.SITE),
    "hydrant": (Level.BUILDING, Level.SITE),
}
"""The level that is guarded as a whole; where the place tree lacks it, the next wider one is."""

MARKED: Final = ("fire", "gas")
"""Classes in which an escape route and a household that needs help to leave are guarded on their own account."""


class Ward(msgspec.Struct, frozen=True):
    """A place guarded against one thing, and how many devices were installed to do so."""

    place: str
    klass: str
    installed: int

    @property
    def key(self) -> str:
        return f"{self.klass}/{self.place}"


class Guard:
    """Which devices guard what, of one catalogue."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.behind: dict[str, list[str]] = {}  # a bridge -> what guards and speaks through it
        members: dict[tuple[str, str], list[str]] = {}
        for device in catalogue.devices.values():
            klass = CLASSES.get(device.kind)
            if klass is not None:
                for bridge in bridges_of(device.id, device.via):
                    self.behind.setdefault(bridge, []).append(device.id)
                for place in _guarded(list(catalogue.path(device.place)), klass):
                    members.setdefault((place, klass), []).append(device.id)
        self.wards: dict[str, Ward] = {}
        self.of: dict[str, tuple[Ward, ...]] = {}
        for (place, klass), devices in members.items():
            ward = Ward(place, klass, len(devices))
            self.wards[ward.key] = ward
            for name in devices:
                self.of[name] = (*self.of.get(name, ()), ward)


class Impaired:
    """The alarms that impair each device, and how many devices of each ward are impaired.

    It follows from the alarms and the plan, so no snapshot holds it.
    """

    def __init__(self) -> None:
        self.alarms: dict[str, dict[str, None]] = {}
        self.count: dict[str, int] = {}
        self.away: dict[
            str, dict[str, None]
        ] = {}  # devices that are not there at all, by the alarms that say so

    def heard(self, guard: Guard, device: str, alarm: str, bad: bool, away: bool) -> dict[Ward, None]:
        """`note` of a device and, where the alarm says that it is `away`, of every device behind it."""
        names = [device]
        if away or alarm in self.away.get(device, {}):
            bad_here = self.away.setdefault(device, {})
            if away:
                bad_here[alarm] = None
            else:
                del bad_here[alarm]
                if not bad_here:
                    del self.away[device]
            names += guard.behind.get(device, ())
        changed: dict[Ward, None] = {}
        for name in names:
            of_this = bad if name == device else away
            changed.update(dict.fromkeys(self.note(guard, name, alarm, of_this)))
        return changed

    def cut_off(self, catalogue: Catalogue, device: str) -> bool:
        """Whether somebody it speaks through is away, so that its own silence says nothing."""
        known = catalogue.devices.get(device)
        via = known.via if known is not None else ""
        return bool(self.away) and any(bridge in self.away for bridge in bridges_of(device, via))

    def note(self, guard: Guard, device: str, alarm: str, bad: bool) -> tuple[Ward, ...]:
        """An alarm of a device began or ceased to impair it; the wards whose number of working devices changed."""
        wards = guard.of.get(device, ())
        if not wards:
            return ()
        standing = self.alarms.get(device, {})
        if bad is (alarm in standing):
            return ()
        if bad:
            self.alarms.setdefault(device, {})[alarm] = None
            changed, by = not standing, 1
        else:
            del standing[alarm]
            changed, by = not standing, -1
            if changed:
                del self.alarms[device]
        if not changed:
            return ()
        for ward in wards:
            self.count[ward.key] = self.count.get(ward.key, 0) + by
        return wards

    def working(self, ward: Ward) -> int:
        return ward.installed - self.count.get(ward.key, 0)


def _guarded(path: list[Place], klass: str) -> Iterator[str]:
    """The places a device guards: its floor (or what stands for it), and marked places it stands in."""
    levels = {place.level: place.id for place in reversed(path)}
    whole = next((levels[level] for level in _GROUPS[klass] if level in levels), None)
    if whole is not None:
        yield whole
    for place in path:
        if klass in MARKED and (place.escape_route or place.needs_help) and place.id != whole:
            yield place.id
