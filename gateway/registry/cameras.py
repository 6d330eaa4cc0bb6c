"""The register of cameras: why each one looks, at what, who was told, and what is looked for where in its picture."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from gateway.registry.documents import Day
from gateway.registry.errors import Invalid, NotFound, RegistryError, RowProblem, VersionConflict
from gateway.registry.reader import connect
from gateway.shape import faults, found, nearest, one_of, written

if TYPE_CHECKING:
    from gateway.registry.database import Database

ZoneKind = Literal["fire_lane", "exit", "charging_shed", "watch", "mask"]
OCCUPIED: Final[tuple[ZoneKind, ...]] = ("fire_lane", "exit", "charging_shed")
"""Zones in which nothing may stand."""

ANALYTICS: Final = ("tamper", "occupation", "motion", "flame")
PictureType = Literal["occupied", "removed", "intrusion", "possible_flame"]
PICTURED: Final[tuple[PictureType, ...]] = ("occupied", "removed", "intrusion", "possible_flame")
"""Sights of which pictures may be kept: a blind camera has none to show, and mere motion is nobody's affair."""
THRESHOLDS: Final[Mapping[str, tuple[float, float]]] = {
    "dwell_s": (1, 86_400), "learn_s": (1, 3_600), "confirm_s": (0.5, 60), "over_s": (0.5, 60),
    "size_min": (0.0005, 0.5), "view_learn_s": (2, 86_400), "view_ready_s": (2, 3_600), "frozen_s": (3, 600),
}  # fmt: skip
"""What a person may set, with the least and the most of each: see the analytics' own settings of these names."""

ZONES_MAX: Final = 32
POINTS_MAX: Final = 64  # of one zone
ZONE_KINDS: Final[tuple[ZoneKind, ...]] = (*OCCUPIED, "watch", "mask")
WRONG_MAX: Final = 100  # faults told at once
SNOOZE_MAX_MS: Final = 24 * 3_600_000  # a camera that is silent for longer should be taken out
REQUIRED: Final = ("purpose", "sees", "notice", "assessed_on")
"""Without these a camera does not start (standards.md section 7: PIPL art. 26, 55, 56; camera rules 2025)."""

Said = Annotated[
    str,
    Meta(
        max_length=500,
        pattern=r"^[^\x00-\x1f\ud800-\udfff]*$",
        description="a text of at most 500 characters on one line",
    ),
]
Share = Annotated[float, Meta(ge=0, le=1)]


class CameraZone(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A polygon in the picture, points (x, y) in 0..1. `name` becomes a part of its point's id and never changes."""

    name: Annotated[
        str,
        Meta(
            pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$",
            description="a name of 1 to 32 small letters, digits, - and _",
        ),
    ]
    kind: ZoneKind
    points: Annotated[
        tuple[Annotated[tuple[Share, Share], Meta(description="a point [x, y], each from 0 to 1")], ...],
        Meta(min_length=3, max_length=POINTS_MAX, description=f"3 to {POINTS_MAX} points"),
    ]


class ArmedHours(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Minutes of the local day (0..1440), past midnight if `end` <= `start`; `days` from 0, Monday."""

    start: Annotated[int, Meta(ge=0, le=1440)]
    end: Annotated[int, Meta(ge=0, le=1440)]
    days: tuple[Annotated[int, Meta(ge=0, le=6)], ...] = (0, 1, 2, 3, 4, 5, 6)


class CameraRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One camera's row. `sees`: its angle, in words. `notice`: where the sign hangs that tells people. `assessed_on`:
    the day of the impact assessment. `armed` empty: nothing in a watch zone is an intrusion. `snoozed_until` UTC ms.
    `shared`: it sees shared space and no private room; without that no picture of it is ever kept. `pictures`: the
    types of events that keep pictures then; those that a sensor's alarm asks for are kept beside them.
    """

    purpose: Said = ""
    sees: Said = ""
    notice: Said = ""
    assessed_on: Day | None = None
    zones: Annotated[tuple[CameraZone, ...], Meta(max_length=ZONES_MAX)] = ()
    analytics: tuple[Literal["tamper", "occupation", "motion", "flame"], ...] = ANALYTICS
    thresholds: dict[str, float] = {}
    armed: Annotated[tuple[ArmedHours, ...], Meta(max_length=16)] = ()
    snoozed_until: Annotated[int, Meta(ge=0)] | None = None
    shared: bool = False
    pictures: tuple[PictureType, ...] = PICTURED

    @property
    def missing(self) -> tuple[str, ...]:
        """What the register still lacks for the camera to start."""
        said = (self.purpose, self.sees, self.notice, self.assessed_on)
        return tuple(name for name, value in zip(REQUIRED, said, strict=True) if not value)


def camera_of(data: Any, now: int) -> CameraRecord:
    """The record in a plain mapping, as the API and the command line get it. Raises Invalid with all that is wrong;
    each `column` is where, as `zones[0].points[2]`."""
    wrong = [
        _wrong(written(fault.path) if fault.path else "", fault.expected, fault.found, fault.nearest)
        for fault in faults(data, CameraRecord)
    ]
    if wrong:
        raise Invalid(wrong[:WRONG_MAX])
    record = msgspec.convert(data, CameraRecord)
    wrong = list(_nonsense(record, now))
    if wrong:
        raise Invalid(wrong[:WRONG_MAX])
    return record


def _nonsense(record: CameraRecord, now: int) -> Iterator[RowProblem]:
    """What no type says."""
    for name, value in record.thresholds.items():
        low, high = THRESHOLDS.get(name, (0, 0))
        if name not in THRESHOLDS:
            yield _wrong("thresholds", one_of(THRESHOLDS), found(name), nearest(name, THRESHOLDS))
        elif not low <= value <= high:
            yield _wrong(f"thresholds.{name}", f"a number from {low:g} to {high:g}", f"{value:g}")
    for n, zone in enumerate(record.zones):
        if zone.name in {z.name for z in record.zones[:n]}:
            yield _wrong(f"zones[{n}].name", "each name once", found(zone.name))
    for name in ("analytics", "pictures"):
        words: tuple[str, ...] = getattr(record, name)
        if len(set(words)) < len(words):
            yield _wrong(name, "each word once", "a word twice")
    if record.snoozed_until is not None and record.snoozed_until > now + SNOOZE_MAX_MS:
        yield _wrong("snoozed_until", "at most 24 hours from now", "a later time")


def _wrong(column: str, expected: str, said: str, near: str | None = None) -> RowProblem:
    return RowProblem("cameras", 1, column, expected, said, near)


_COLUMNS: Final = CameraRecord.__struct_fields__
_JSON: Final = frozenset(("zones", "analytics", "thresholds", "armed", "pictures"))


def _record(row: Sequence[Any]) -> CameraRecord:
    data = {
        name: msgspec.json.decode(value) if name in _JSON else value
        for name, value in zip(_COLUMNS, row, strict=True)
    }
    return msgspec.convert(data | {"shared": bool(data["shared"])}, CameraRecord)  # SQLite has no booleans


def read_cameras(path: Path) -> dict[str, CameraRecord]:
    """Every record by device id, read without SQLAlchemy; empty while there is no registry. Raises RegistryError."""
    return {device: record for device, (record, _) in versioned_cameras(path).items()}


def versioned_cameras(path: Path) -> dict[str, tuple[CameraRecord, int]]:
    """Every record with its version by device id, as `read_cameras`."""
    try:
        connection = connect(path)
        if connection is None:
            return {}
        with closing(connection):
            if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'cameras'").fetchone():
                return {}
            columns = ", ".join(("id", "version", *_COLUMNS))
            rows = connection.execute(f"SELECT {columns} FROM cameras")  # noqa: S608  our own names
            return {device: (_record(row), version) for device, version, *row in rows}
    except (sqlite3.Error, msgspec.MsgspecError) as error:
        raise RegistryError(path, str(error)) from error


def camera(database: Database, identity: str) -> tuple[CameraRecord, int]:
    """The record of a camera's device id, and its version. Raises NotFound."""
    from sqlalchemy import select

    from gateway.registry.tables import CameraRow

    columns = [getattr(CameraRow, name) for name in _COLUMNS]
    with database.reading() as connection:
        row = connection.execute(select(*columns, CameraRow.version).where(CameraRow.id == identity)).first()
    if row is None:
        raise NotFound("cameras", identity)
    return _record(row[:-1]), int(row[-1])


def put_camera(
    database: Database,
    identity: str,
    record: CameraRecord,
    *,
    who: str,
    now: int,
    expected: int | None = None,
) -> int:
    """Write the whole record and give its version; the edit is journalled, for it is what a court asks for.

    `expected` as in `Registry`. Raises VersionConflict.
    """
    from sqlalchemy import delete, insert, select

    from gateway.registry.tables import CameraRow

    after = msgspec.to_builtins(record)
    with database.editing(who, now) as writer:
        columns = [getattr(CameraRow, name) for name in _COLUMNS]
        row = writer.connection.execute(
            select(*columns, CameraRow.version).where(CameraRow.id == identity)
        ).first()
        if expected is not None and (row[-1] if row else 0) != expected:
            raise VersionConflict("cameras", identity, row[-1] if row else None)
        before = None if row is None else msgspec.to_builtins(_record(row[:-1]))
        version = writer.edit("camera.put", identity, before, after)
        values = {k: msgspec.json.encode(v).decode() if k in _JSON else v for k, v in after.items()}
        writer.connection.execute(delete(CameraRow).where(CameraRow.id == identity))
        writer.connection.execute(insert(CameraRow).values(id=identity, version=version, **values))
        return version
