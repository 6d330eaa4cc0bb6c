"""Copies of what is stored: exports for people and programs, imports, and backups that are stores themselves."""

# ruff: noqa: S608  only our own names, whole numbers and quoted paths are put into SQL; values are parameters
from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import msgspec

from gateway.series import StoreError
from gateway.store.duckdb_ import files
from gateway.store.duckdb_.closing import Unfaithful
from gateway.store.duckdb_.files import DAY_MS, Claim, Part, Roll, quoted
from gateway.store.duckdb_.footing import Footing
from gateway.store.duckdb_.packing import PLAIN, STORED, fields_of
from gateway.store.duckdb_.rolling import STEPS_MIN
from gateway.store.duckdb_.shelf import is_sound, short

if TYPE_CHECKING:
    from gateway.store.duckdb_.upkeep import Upkeep


class Copied(msgspec.Struct, frozen=True):
    """What a copy holds: the seq up to which it is whole, its files, how many readings were written, and the bytes.

    `rows` is None where files went as they were, uncounted; `there` files were in place from an earlier copy.
    """

    cursor: int
    files: int
    rows: int | None
    size: int
    there: int = 0


@contextmanager
def _as_files(ground: Footing, upkeep: Upkeep) -> Iterator[None]:
    """Everything stored is in closed files, and none of them changes meanwhile. Raises StoreError."""
    with ground.upkeep:
        if ground.closed:
            raise StoreError("the store is closed")
        try:
            upkeep.close_all()
            yield
        except (duckdb.Error, OSError, Unfaithful) as error:
            raise StoreError(short(error)) from error
        finally:
            upkeep.wake()


def export(
    ground: Footing, upkeep: Upkeep, folder: Path, since: int, until: int, points: Sequence[str] | None
) -> Copied:
    """Write readings with `since <= at < until` (UTC ms) of the points (None: all) below `folder`.

    One Parquet file a part, `day=2024-10-05/readings-<after>-<to>.parquet`, with the columns of the store's own files,
    but `measured_at` in place of `delay`, sorted by point and time; a day without any has none. Raises StoreError;
    files already written stay.
    """
    written, rows, size = 0, 0, 0
    where, parameters = f'"at" >= {since} AND "at" < {until}', list[Any]()
    if points is not None:
        where += " AND point IN (SELECT unnest(?::VARCHAR[]))"
        parameters.append(list(points))
    with _as_files(ground, upkeep):
        for part in ground.shelf.parts:
            if not since // DAY_MS <= part.claim.day <= (until - 1) // DAY_MS:
                continue
            _, after, to = part.claim
            name = (
                f"day={files.day_name(part.claim.day)}/readings-{after}-{to}{'-extra' * part.extra}.parquet"
            )
            fresh = ground.temporary / "export.parquet"
            source = f"SELECT point, site, {fields_of(part.path)} FROM read_parquet({quoted(part.path)}) WHERE {where}"
            count = _written(upkeep, source, parameters, fresh)
            if count:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.move(fresh, folder / name)
                written, rows, size = written + 1, rows + count, size + (folder / name).stat().st_size
        return Copied(ground.shelf.cursor, written, rows, size)


def take_in(ground: Footing, upkeep: Upkeep, folder: Path) -> Copied:
    """Take in the readings below `folder` that `export` wrote, which are not here and were not deleted here.

    Only of events up to the cursor, for what comes behind it the journal brings; an empty store takes all, and goes on
    behind it. So it is for this gateway's own history (a reading is known by seq, place and point), be it of days that
    were forgotten. Raises StoreError; what was taken in stays.
    """
    taken, rows, size = 0, 0, 0
    with _as_files(ground, upkeep):
        shelf = ground.shelf
        limit = shelf.cursor or 2**62
        for path in sorted(folder.glob("day=*/*.parquet")):
            try:
                day = files.day_number(path.parent.name.removeprefix("day="))
            except ValueError:
                continue
            where, parameters = f'seq <= {limit} AND "at" // {DAY_MS} = {day}', list[Any]()
            for gone in shelf.deletions.standing(0):
                taken_away, values = gone.sql()
                where += f" AND NOT ({taken_away})"
                parameters += values
            readings = f"SELECT point, site, {fields_of(path)} FROM read_parquet({quoted(path)})"
            source = f"SELECT point, site, {STORED} FROM ({readings}) r WHERE {where}"
            if here := [str(p.path) for p in shelf.parts if p.claim.day == day]:
                source += (
                    " AND NOT EXISTS (SELECT 1 FROM read_parquet(?) h"
                    " WHERE h.seq = r.seq AND h.n = r.n AND h.point = r.point)"
                )
                parameters.append(here)
            fresh = ground.temporary / "import.parquet"
            count = _written(upkeep, source, parameters, fresh)
            if not count:
                continue
            first, last = _span(upkeep, fresh)
            crc = files.crc_of(fresh)
            claim = Claim(day, first - 1, last)
            part = Part(files.part_path(ground.folder, claim, crc, extra=True), claim, crc, extra=True)
            files.settle(fresh, part.path)
            with ground.writing, ground.sets:
                shelf.parts = sorted([*shelf.parts, part], key=lambda p: p.claim)
                shelf.cursor = max(shelf.cursor, last)
                ground.changes += 1
            taken, rows, size = taken + 1, rows + count, size + part.path.stat().st_size
        return Copied(shelf.cursor, taken, rows, size)


def back_up(ground: Footing, upkeep: Upkeep, folder: Path) -> Copied:
    """Make `folder` hold what the store holds, whole up to its cursor; it opens as a store, and `restore` takes it.

    A second backup into the same folder copies what is new and removes what was deleted or forgotten since. On the disk
    of the store files are linked, not copied: that helps against deleting by mistake, not against a broken disk. A file
    that is damaged here is not copied over its good copy. Raises StoreError; a backup cut off is finished by the next.
    """
    with _as_files(ground, upkeep):
        with ground.sets:
            kept: list[Part | Roll] = [*ground.shelf.parts, *ground.shelf.rolls]
            cursor = ground.shelf.cursor
        bad = [p.path for p in kept if not is_sound(p)]
        if bad:
            raise StoreError(f"{bad[0].name} is not what was written: it is stored again first", 60_000)
        paths = [p.path for p in kept]
        paths += [p for p in (ground.latest, ground.folder / "deletions.json") if p.exists()]
        return _mirror(ground.folder, paths, folder, cursor)


def restore(backup: Path, folder: Path) -> Copied:
    """Make a new store in `folder`, which must not be one yet, of a backup; damaged files are left out and rebuilt.

    Nothing may run on `folder`. Raises StoreError.
    """
    if any(folder.glob("open-*")) or any(folder.glob("day=*")):
        raise StoreError(f"{folder} holds a store already: move it away first")
    parts = [p for p in files.parts(backup) if is_sound(p)]
    rolls = [r for minutes in STEPS_MIN for r in files.rolls(backup, minutes) if is_sound(r)]
    paths = [*(p.path for p in parts), *(r.path for r in rolls)]
    paths += [p for p in (backup / "latest.parquet", backup / "deletions.json") if p.exists()]
    if not parts:
        raise StoreError(f"{backup} is no backup: it has no closed day")
    try:
        return _mirror(backup, paths, folder, max(p.claim.to for p in parts))
    except OSError as error:
        raise StoreError(short(error)) from error


def _mirror(source: Path, paths: Sequence[Path], target: Path, cursor: int) -> Copied:
    """Copy first, then remove what is no longer there, so that a good copy never goes before its follower came."""
    wanted = {path.relative_to(source) for path in paths}
    there = size = 0
    for name in sorted(wanted):
        size += (source / name).stat().st_size
        # The name of a day's file says what is in it.
        if (target / name).exists() and name.parent != Path():
            there += 1
        else:
            files.copy(source / name, target / name, link=name.parent != Path())
    for pattern in ("day=*/*.parquet", "rollups/*/*.parquet"):
        for path in target.glob(pattern):
            if path.relative_to(target) not in wanted:
                path.unlink()
    return Copied(cursor, len(wanted), None, size, there)


def _written(upkeep: Upkeep, source: str, parameters: Sequence[Any], target: Path) -> int:
    """Write the rows of a SELECT as Parquet; how many they were."""
    counts: list[int] = []

    def work(db: duckdb.DuckDBPyConnection) -> None:
        copy = f"COPY ({source}) TO {quoted(target)} ({PLAIN})"
        counts.append(db.execute(copy, list(parameters)).fetchall()[0][0])

    upkeep.exporter.run(work)
    files.sync(target)
    return counts[0]


def _span(upkeep: Upkeep, path: Path) -> tuple[int, int]:
    """First and last seq of a file."""
    spans: list[tuple[int, int]] = []
    upkeep.exporter.run(
        lambda db: spans.append(
            db.execute(f"SELECT min(seq), max(seq) FROM read_parquet({quoted(path)})").fetchall()[0]
        )
    )
    return spans[0]
