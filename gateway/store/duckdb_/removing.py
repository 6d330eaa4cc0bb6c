"""Taking readings away for good: from open days, closed days, roll-ups and the file of last readings."""

# ruff: noqa: S608  only our own names, whole numbers and quoted paths are put into SQL; values are parameters
from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import duckdb

from gateway.series import Deletion, StoreError
from gateway.store.duckdb_ import files
from gateway.store.duckdb_.closing import Exporter, Unfaithful
from gateway.store.duckdb_.deletions import Gone
from gateway.store.duckdb_.files import DAY_MS, Part, Roll, quoted
from gateway.store.duckdb_.footing import Footing
from gateway.store.duckdb_.openday import OpenDay
from gateway.store.duckdb_.packing import DIFFERENCES, PLAIN
from gateway.store.duckdb_.shelf import short

_AT_ONCE: Final = 30_000
"""Events of an open day that are looked through under the writer's lock: some 20 ms, of five readings each."""

_BREATH_S: Final = 0.01
"""Between two windows: a lock that is asked for again at once never comes to whoever waits for it."""


class Remover:
    """Carries out deletions, and forgets whole days. The caller holds `ground.upkeep`."""

    def __init__(self, ground: Footing, exporter: Exporter) -> None:
        self._ground = ground
        self._exporter = exporter
        self._pause = threading.Event()  # never set

    def delete(self, gone: Gone) -> Deletion:
        """Note it, do it, note that it is done: cut off anywhere, the next start does the rest. Raises StoreError."""
        shelf = self._ground.shelf
        try:
            with self._ground.sets:
                done = shelf.deletions.done_before(gone)
                shelf.deletions.add(gone)
            return self.carry_out(gone, done)
        except (duckdb.Error, OSError, Unfaithful) as error:
            raise StoreError(short(error)) from error

    def carry_out(self, gone: Gone, done: Sequence[Gone] = ()) -> Deletion:
        """What is pending, looking only where `done`, earlier ones of the same selection, did not.

        Done again it takes nothing more. Raises duckdb.Error, OSError, Unfaithful, StoreError.
        """
        ground, shelf = self._ground, self._ground.shelf
        taken = [self._from_open(day, gone) for day in list(shelf.days) if gone.met(day.claim)]
        taken += [
            self._from_part(part, gone)
            for part in list(shelf.parts)
            if gone.met(part.claim) and not any(_swept(d, part) for d in done)
        ]
        for roll in list(shelf.rolls):
            if gone.met(roll.claim) and shelf.part_of(roll) is None:
                self._from_roll(roll, gone)
        self._from_latest(gone)
        with ground.sets:
            shelf.deletions.add(Gone(gone.selection, gone.to, pending=False))
            ground.sets.notify_all()
        rows = sum(d.rows or 0 for d in taken)
        firsts = [d.first_at for d in taken if d.first_at is not None]
        lasts = [d.last_at for d in taken if d.last_at is not None]
        return Deletion(rows, min(firsts, default=None), max(lasts, default=None))

    def forget(self, before: int, rollups_before: int) -> list[str]:
        """Remove closed days that ended before `before`, and roll-ups of days before `rollups_before` (UTC ms).

        Roll-ups live at least as long as their readings, of which they would only be made again.
        """
        ground, shelf = self._ground, self._ground.shelf
        rollups_before = min(before, rollups_before)
        with ground.sets:
            old = [p for p in shelf.parts if (p.claim.day + 1) * DAY_MS <= before]
            rolls = [r for r in shelf.rolls if (r.claim.day + 1) * DAY_MS <= rollups_before]
            shelf.parts = [p for p in shelf.parts if p not in old]
            shelf.exchange(rolls, ())
            ground.changes += bool(old or rolls)
        for path in (*(p.path for p in old), *(r.path for r in rolls)):
            path.unlink(missing_ok=True)
        for part in old:
            if part.path.parent.exists() and not any(part.path.parent.iterdir()):
                part.path.parent.rmdir()
        return sorted({files.day_name(part.claim.day) for part in old})

    def _from_open(self, day: OpenDay, gone: Gone) -> Deletion:
        """Under the writer's lock, a window of events at a time."""
        ground = self._ground
        ids = [number for point, number in list(day.ids.items()) if gone.takes(point)]
        if not ids:
            return Deletion(0)
        if day.frozen:  # its closing was cut off, and begins anew afterwards
            with ground.exchanging(), ground.db.cursor() as db:
                day.detach(db)
                day.frozen = False
                day.attach(db)
        rows, first_at, last_at = 0, list[int](), list[int]()
        low, high = day.after, min(gone.to, day.to)
        while low < high:
            upto = min(low + _AT_ONCE, high)
            with ground.writing:
                if day not in ground.shelf.days:
                    raise StoreError("the files were taken up anew meanwhile")
                count, first, last = day.delete(ground.db, ids, low, upto, gone.selection.before)
            if count:
                rows += count
                first_at.append(first)
                last_at.append(last)
            low = upto
            self._pause.wait(_BREATH_S)
        return Deletion(rows, min(first_at, default=None), max(last_at, default=None))

    def _from_part(self, part: Part, gone: Gone) -> Deletion:
        """A new file without them takes the part's place; its roll-ups go first and are made again of what is left."""
        ground, shelf = self._ground, self._ground.shelf
        made = self._without(part.path, gone, '"at"', DIFFERENCES)
        if made is None:
            return Deletion(0)
        fresh, crc, rows, first, last = made
        with ground.sets:
            stale = [r for r in shelf.rolls if r.claim == part.claim]
            shelf.exchange(stale, ())
            ground.changes += bool(stale)
        for roll in stale:
            files.remove(roll.path)
        target = Part(files.part_path(ground.folder, part.claim, crc), part.claim, crc)
        files.settle(fresh, target.path)
        with ground.sets:
            standing = part in shelf.parts
            shelf.parts = [target if p == part else p for p in shelf.parts]
            ground.changes += 1
        if not standing:
            files.remove(target.path)
            raise StoreError(f"{part.path.name} was set aside meanwhile")
        if target.path != part.path:
            files.remove(part.path)
        return Deletion(rows, first, last)

    def _from_roll(self, roll: Roll, gone: Gone) -> None:
        """A step that holds a selected reading goes whole: what it says cannot be taken apart any more."""
        ground, shelf = self._ground, self._ground.shelf
        made = self._without(roll.path, gone, "step", PLAIN)
        if made is None:
            return
        fresh, crc, *_ = made
        path = files.roll_path(ground.folder, roll.claim, roll.minutes, crc)
        files.settle(fresh, path)
        with ground.sets:
            target = Roll(path, roll.claim, crc, roll.minutes)
            shelf.exchange([roll], [target])
            ground.changes += 1
        if path != roll.path:
            files.remove(roll.path)

    def _from_latest(self, gone: Gone) -> None:
        ground = self._ground
        if ground.latest.exists() and (made := self._without(ground.latest, gone, '"at"', PLAIN)) is not None:
            files.settle(made[0], ground.latest)

    def _without(
        self, path: Path, gone: Gone, time: str, packing: str
    ) -> tuple[Path, int, int, int, int] | None:
        """`(new file, its CRC-32, rows gone, first and last time)`, or None where nothing of it is selected."""
        where, parameters = gone.sql(time)
        source = f"read_parquet({quoted(path)})"
        fresh = self._ground.temporary / (path.stem + ".less.parquet")
        found: list[tuple[int, int, int]] = []

        def work(db: duckdb.DuckDBPyConnection) -> None:
            counted = f"SELECT count(*), min({time}), max({time}) FROM {source} WHERE {where}"
            found.append(db.execute(counted, parameters).fetchall()[0])
            if not found[0][0]:
                return
            db.execute(
                f"COPY (SELECT * FROM {source} WHERE NOT ({where})) TO {quoted(fresh)} ({packing})",
                parameters,
            )
            left = f"(SELECT count(*) FROM {source}) - (SELECT count(*) FROM read_parquet({quoted(fresh)}))"
            if db.execute(f"SELECT {left}").fetchall() != [(found[0][0],)]:
                raise Unfaithful(f"{fresh.name} does not hold what is left")

        self._exporter.run(work)
        rows, first, last = found[0]
        if not rows:
            return None
        files.sync(fresh)
        return fresh, files.crc_of(fresh), rows, first, last


def _swept(done: Gone, part: Part) -> bool:
    """Whether an earlier deletion of the same selection went through all of the part."""
    return (part.claim.day + 1) * DAY_MS <= done.selection.before and part.claim.to <= done.to
