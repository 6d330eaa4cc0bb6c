"""A community of any size to simulate, and the catalogue of places that goes with a list of devices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

from devices.catalogue import Catalogue, Device, Level, Place
from devices.reading import device_id
from devices.simulator.hardware import KINDS, Hardware

_FLOORS: Final = 6
_HOMES: Final = 2  # a floor of each unit
_UNITS: Final = 2

_IN_BUILDINGS: Final = frozenset(("hydrant", "smoke", "call_point", "gas", "co", "sos"))
_AT_GATES: Final = ("camera", "access", "panel", "heat", "pressure", "meter", "water_level", "water_leak")

_LEVELS: Final = (("b", Level.BUILDING), ("u", Level.UNIT), ("f", Level.FLOOR))


def community(count: int, kinds: Iterable[str] | None = None) -> tuple[Hardware, ...]:
    """`count` devices of an estate: what is shared first, then building after building; only of `kinds` where given.

    Raises ValueError for a count below 1 or for kinds no estate has.
    """
    wanted = frozenset(kinds) if kinds is not None else frozenset(KINDS)
    if count < 1 or not wanted & KINDS.keys():
        raise ValueError("a community has at least one device, of kinds there are")
    estate = _estate(gates=not wanted & _IN_BUILDINGS)
    return tuple(islice((h for h in estate if h.kind in wanted), count))


def _estate(gates: bool) -> Iterator[Hardware]:
    """Devices without end, at 20 shared ones and about 90 a building; with `gates` also what watches its entrances."""
    yield Hardware("control-panel", "panel")
    for n in (1, 2):
        yield Hardware(f"pump-pipe{n}", "pressure")
        yield Hardware(f"lane-camera{n}", "camera")
        yield Hardware(f"shed-smoke{n}", "smoke")
        yield Hardware(f"shed-meter{n}", "meter")
        yield Hardware(f"gate-access{n}", "access")
    yield Hardware("shed-heat", "heat")
    yield Hardware("garage-flood", "water_level")
    yield Hardware("substation-leak", "water_leak")
    building = 0
    while True:
        building += 1
        b = f"b{building}"
        yield Hardware(f"{b}-yard-hydrant", "hydrant")
        for u in range(1, _UNITS + 1):
            for kind in _AT_GATES if gates else ():
                yield Hardware(f"{b}-u{u}-entrance-{kind}", kind)
            for f in range(1, _FLOORS + 1):
                floor = f"{b}-u{u}-f{f:02}"
                yield Hardware(f"{floor}-corridor-smoke", "smoke")
                if f % 3 == 1:
                    yield Hardware(f"{floor}-corridor-callpoint", "call_point")
                for h in range(1, _HOMES + 1):
                    home = f"{floor}-{f}{h:02}"
                    yield Hardware(f"{home}-kitchen-smoke", "smoke")
                    yield Hardware(f"{home}-kitchen-gas", "gas")
                    if (f + h) % 4 == 0:
                        yield Hardware(f"{home}-kitchen-co", "co")
                        yield Hardware(f"{home}-bedroom-sos", "sos")


def catalogue(site: str, source: str, devices: Sequence[tuple[Hardware, str]]) -> Catalogue:
    """Places and devices of a site, as the names say: `b1-u1-f05-502-kitchen-smoke` hangs in the kitchen of flat 502.

    `devices` are the hardware and the native name a gateway will know it by. A household is the part of the name
    behind a floor that is a number; everything else is a zone.
    """
    places: dict[str, Place] = {site: Place(site, Level.SITE, site)}
    placed: dict[str, Device] = {}
    for unit, native in devices:
        parent, path = site, site
        above = 0
        for part in unit.place.split("-") if unit.place else ():
            path = f"{path}-{part}"
            level = Level.ZONE
            if above < len(_LEVELS) and part[0] == _LEVELS[above][0] and part[1:].isdigit():
                level, above = _LEVELS[above][1], above + 1
            elif part.isdigit():
                level = Level.HOUSEHOLD
            places.setdefault(path, Place(path, level, part, parent, escape_route=part == "corridor"))
            parent = path
        identity = device_id(source, native)
        kind = KINDS[unit.kind]
        placed[identity] = Device(
            identity, parent, unit.kind, unit.name, "SIM", round(unit.period_s or kind.period_s),
            kind.mains if unit.mains is None else unit.mains,
        )  # fmt: skip
    return Catalogue(places, placed)
