"""The catalogue document: what may be imported and what an export gives back, in the words of `devices.catalogue`.

grids:   [{id, name, parent?}]
places:  [{id, level, name, parent?, grid?, external_ids?, geo? {lat, lon, datum?}, escape_route?, needs_help?,
           business?}]
devices: [{id, place, kind?, name?, model?, report_period_s?, mains?, external_ids?, installed_on?, expires_on?,
          calibration_due?, test_due?, via?}]; dates as 2026-11-22
people:  [{id, name, language?, staff?, roles? [[role, place or grid]], addresses? [[channel, address]]}]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from devices.catalogue import Datum, Device, Geo, Level, Place
from gateway.core.plan import Grid

ROWS_MAX: Final = 500_000  # of one table; ten times the largest estate, so a runaway export is refused early

Id = Annotated[
    str,
    Meta(
        pattern=r"^[^\s\x00-\x1f]([^\x00-\x1f]{0,126}[^\s\x00-\x1f])?$",
        description="an id of 1 to 128 characters, no space at its ends",
    ),
]
DeviceId = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}:[^\x00-\x1f]{1,255}$",
        description="a device id: source, colon, the name the device gives itself",
    ),
]
Text = Annotated[
    str,
    Meta(
        max_length=255, pattern=r"^[^\x00-\x1f]*$", description="a text of at most 255 characters on one line"
    ),
]
Name = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=255,
        pattern=r"^[^\x00-\x1f]+$",
        description="a name of 1 to 255 characters on one line",
    ),
]
Day = Annotated[
    str,
    Meta(pattern=r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$", description="a day as 2026-11-22"),
]
Address = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=500,
        pattern=r"^[^\x00-\x1f]+$",
        description="an address of 1 to 500 characters on one line",
    ),
]


class GridIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A node of the grid tree."""

    id: Id
    name: Name
    parent: Id | None = None


class GeoIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A coordinate in degrees."""

    lat: Annotated[float, Meta(ge=-90, le=90)]
    lon: Annotated[float, Meta(ge=-180, le=180)]
    datum: Datum = Datum.WGS84


class PlaceIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A node of the place tree."""

    id: Id
    level: Level
    name: Name
    parent: Id | None = None
    grid: Id | None = None
    external_ids: dict[Name, Text] = {}
    geo: GeoIn | None = None
    escape_route: bool = False
    needs_help: bool = False
    business: bool = False


class DeviceIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A device in its place. Reports at most once in a month, or it is not supervised at all.

    Without `expires_on` it follows from `installed_on` and the kind: see `gateway.registry.lives`.
    """

    id: DeviceId
    place: Id
    kind: Text = ""
    name: Text = ""
    model: Text = ""
    report_period_s: Annotated[int, Meta(ge=1, le=2_678_400)] | None = None
    mains: bool = False
    external_ids: dict[Name, Text] = {}
    installed_on: Day | None = None
    expires_on: Day | None = None
    calibration_due: Day | None = None
    test_due: Day | None = None
    via: Text | None = None


class PersonIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody who can be told. Addresses stand in order of preference: the next one is the fallback."""

    id: Id
    name: Name
    language: Literal["zh-CN", "en"] = "zh-CN"
    staff: bool = False
    roles: Annotated[tuple[tuple[str, str], ...], Meta(max_length=64)] = ()
    addresses: Annotated[tuple[tuple[Name, Address], ...], Meta(max_length=16)] = ()


class CatalogueDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One document. What it does not mention stays as it is."""

    grids: Annotated[tuple[GridIn, ...], Meta(max_length=ROWS_MAX)] = ()
    places: Annotated[tuple[PlaceIn, ...], Meta(max_length=ROWS_MAX)] = ()
    devices: Annotated[tuple[DeviceIn, ...], Meta(max_length=ROWS_MAX)] = ()
    people: Annotated[tuple[PersonIn, ...], Meta(max_length=ROWS_MAX)] = ()


DAYS: Final = ("installed_on", "expires_on", "calibration_due", "test_due")
"""The columns of a device that hold a day."""

LEVELS: Final = tuple(Level)
"""From the widest to the innermost."""


def grid_values(row: Grid | GridIn) -> dict[str, Any]:
    """The columns of a grid."""
    return {"id": row.id, "name": row.name, "parent": row.parent}


def place_values(row: Place | PlaceIn) -> dict[str, Any]:
    """The columns of a place."""
    geo = row.geo
    return {
        "id": row.id, "level": str(row.level), "name": row.name, "parent": row.parent, "grid": row.grid,
        "external_ids": _sorted_json(row.external_ids),
        "lat": None if geo is None else float(geo.lat), "lon": None if geo is None else float(geo.lon),
        "datum": None if geo is None else str(geo.datum),
        "escape_route": row.escape_route, "needs_help": row.needs_help,
        "business": row.business,
    }  # fmt: skip


def device_values(row: DeviceIn) -> dict[str, Any]:
    """The columns of a device."""
    return {
        "id": row.id, "place": row.place, "kind": row.kind, "name": row.name, "model": row.model,
        "report_period_s": row.report_period_s, "mains": row.mains, "via": row.via,
        "external_ids": _sorted_json(row.external_ids),
        **{day: getattr(row, day) for day in DAYS},
    }  # fmt: skip


def _sorted_json(ids: Mapping[str, str]) -> str:
    return msgspec.json.encode(ids, order="sorted").decode() if ids else "{}"


def place_of(row: Sequence[Any]) -> Place:
    """The place of one row, its columns in the order of the table. Raises ValueError for a level no release wrote."""
    identity, level, name, parent, grid, external_ids, lat, lon, datum, escape_route, needs_help, business = (
        row
    )
    geo = None if lat is None or lon is None else Geo(lat, lon, Datum(datum or Datum.WGS84))
    ids = {} if external_ids == "{}" else msgspec.json.decode(external_ids, type=dict[str, str])
    marks = (escape_route != 0, needs_help != 0, business != 0)
    return Place(identity, Level(level), name, parent, grid, ids, geo, *marks)


def device_of(row: Sequence[Any]) -> Device:
    """The device of one row, its columns in the order of the table."""
    identity, place, kind, name, model, period_s, mains, via = row
    return Device(identity, place, kind, name, model, period_s, mains != 0, via or "")
