"""Places, sources and devices as frozen values: where things are and whose they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum

import msgspec


class Datum(StrEnum):
    """The coordinate systems seen in Chinese estates; converted at the edge, never guessed."""

    WGS84 = "WGS-84"
    GCJ02 = "GCJ-02"
    CGCS2000 = "CGCS2000"


class Geo(msgspec.Struct, frozen=True):
    """A coordinate in degrees with the datum it was measured in."""

    lat: float
    lon: float
    datum: Datum = Datum.WGS84


class Level(StrEnum):
    """Levels of the place tree; unit and household may be absent, names are data."""

    SITE = "site"
    BUILDING = "building"
    UNIT = "unit"
    FLOOR = "floor"
    HOUSEHOLD = "household"
    ZONE = "zone"


class Place(msgspec.Struct, frozen=True):
    """One node of the place tree. `id` is stable; `name` is what people say. `grid` names the grid it belongs to."""

    id: str
    level: Level
    name: str
    parent: str | None = None
    grid: str | None = None
    external_ids: Mapping[str, str] = {}
    geo: Geo | None = None
    escape_route: bool = False
    needs_help: bool = False  # somebody here needs help to leave (需协助疏散人员); never says who or why
    business: bool = False  # no home but a business (a restaurant, a shop), with all below it


class Source(msgspec.Struct, frozen=True):
    """One broker connection or listener. `simulated` binds everything it says to the recording channel."""

    name: str
    site: str
    simulated: bool = False
    time_zone: str = "Asia/Shanghai"
    codecs: tuple[str, ...] = ()  # empty = every codec


class Device(msgspec.Struct, frozen=True):
    """One device in its place. `kind` is a word of the glossary (smoke, gas, hydrant, camera, ...).

    `report_period_s` is how often it is expected to say something, when known. `via` is the device it speaks through,
    where its id does not tell (see `devices.bridges`).
    """

    id: str
    place: str
    kind: str = ""
    name: str = ""
    model: str = ""
    report_period_s: int | None = None
    mains: bool = False
    via: str = ""


class Catalogue(msgspec.Struct, frozen=True):
    """Everything that is placed, by id. Raises nothing: unknown ids are None, for a device may be unplaced."""

    places: dict[str, Place] = {}
    devices: dict[str, Device] = {}
    sources: dict[str, Source] = {}

    def path(self, place: str | None) -> Iterator[Place]:
        """The place and its ancestors, innermost first; ends at the site or at the first unknown id."""
        seen = 0
        while place is not None and (node := self.places.get(place)) is not None and seen < 16:
            yield node
            place, seen = node.parent, seen + 1

    def at_level(self, place: str, level: Level) -> str | None:
        """The id of the ancestor (or the place itself) at `level`, or None."""
        return next((p.id for p in self.path(place) if p.level is level), None)
