"""The register of cameras: why each one looks, at what, who was told, and what is looked for where in its picture."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from gateway.registry.documents import Day
from gateway.registry.errors import Invalid, NotFound, RegistryError, RowProblem, VersionConflict
from gateway.registry.reader import connect

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
SNOOZE_MAX_MS: Final = 24 * 3_600_000  # a camera that is silent for longer should be taken out
REQUIRED: Final = ("purpose", "sees", "notice", "assessed_on")
"""Without these a camera does not start (standards.md section 7: PIPL art. 26, 55, 56; camera rules 2025)."""

Said = Annotated[str, Meta(max_length=500, pattern=r"^[^\x00-\x1f]*$")]


class CameraZone(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A polygon in the picture, points (x, y) in 0..1. `name` becomes a part of its point's id and never changes."""

    name: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")]
    kind: ZoneKind
    points: Annotated[tuple[tuple[float, float], ...], Meta(min_length=3, max_length=64)]


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
    snoozed_until: int | None = None
    shared: bool = False
    pictures: tuple[PictureType, ...] = PICTURED

    @property
    def missing(self) -> tuple[str, ...]:
        """What the register still lacks for the camera to start."""
        said = (self.purpose, self.sees, self.notice, self.assessed_on)
        return tuple(name for name, value in zip(REQUIRED, said, strict=True) if not value)


def camera_of(data: Any, now: int) -> CameraRecord:
    """The record in a plain mapping, as the API and the command line get it. Raises Invalid."""
    try:
        record = msgspec.convert(data, CameraRecord)
    except msgspec.ValidationError as error:
        raise _invalid("", "the fields of a camera", str(error)) from error
    for name, value in record.thresholds.items():
        if name not in THRESHOLDS:
            raise _invalid("thresholds", f"one of {', '.join(THRESHOLDS)}", name)
        low, high = THRESHOLDS[name]
        if not low <= value <= high:
            raise _invalid("thresholds", f"{name} from {low:g} to {high:g}", f"{value:g}")
    for zone in record.zones:
        if not all(0 <= part <= 1 for point in zone.points for part in point):
            raise _invalid("zones", "points from 0 to 1", zone.name)
    if len({zone.name for zone in record.zones}) < len(record.zones):
        raise _invalid("zones", "each name once", "a name twice")
    if record.snoozed_until is not None and record.snoozed_until > now + SNOOZE_MAX_MS:
        raise _invalid("snoozed_until", "at most 24 hours from now", "a later time")
    return record


def _invalid(column: str, expected: str, found: str) -> Invalid:
    return Invalid([RowProblem("cameras", 1, column, expected, found)])


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
    try:
        connection = connect(path)
        if connection is None:
            return {}
        with closing(connection):
            if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'cameras'").fetchone():
                return {}
            rows = connection.execute(f"SELECT id, {', '.join(_COLUMNS)} FROM cameras")  # noqa: S608  our own names
            return {row[0]: _record(row[1:]) for row in rows}
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
