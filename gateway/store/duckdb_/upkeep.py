"""The background work of the embedded store: closing days, rolling them up and merging that, finishing deletions."""

from __future__ import annotations

import threading
from typing import Final

import duckdb

from gateway.series import StoreError
from gateway.store.duckdb_ import files
from gateway.store.duckdb_.closing import Exporter, Unfaithful, give_way
from gateway.store.duckdb_.files import Part, Roll
from gateway.store.duckdb_.footing import Footing
from gateway.store.duckdb_.openday import OpenDay
from gateway.store.duckdb_.removing import Remover
from gateway.store.duckdb_.rolling import roll_up
from gateway.store.duckdb_.shelf import is_damage, is_sound, short
from gateway.store.duckdb_.spans import Due, Span, digest_of, merge, span_path

_RETRY_S: Final = 60.0  # after something could not be done: a full disk does not empty in seconds
_SCRUB_DAYS: Final = 8  # closed days read again after each closing, while the journal may still hold them


class Upkeep:
    """Does one thing at a time, in a thread of its own that gives way to everything else.

    Nothing here holds a lock that writing waits for while it works: files are made beside those that stand, and
    exchanged at the end.
    """

    def __init__(self, ground: Footing) -> None:
        self._ground = ground
        self.exporter = Exporter(ground.temporary, ground.config.memory_mb)
        self.remover = Remover(ground, self.exporter)
        self.doing: str | None = None
        self._looked = -1  # looked for once a change of files
        self._found: tuple[Part | None, Due | None] = (None, None)
        self._thread = threading.Thread(target=self._run, name="history.upkeep", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """See whether there is something to do."""
        with self._ground.sets:
            self._ground.sets.notify_all()

    def stop(self) -> None:
        """Interrupt what runs and end the thread; `ground.closed` is set already."""
        self.exporter.stop()
        self._thread.join()

    def settled(self, timeout_s: float) -> bool:
        """Wait until nothing is left to be done; False where that takes longer."""
        with self._ground.sets:
            return self._ground.sets.wait_for(lambda: not self._due(), timeout_s)

    def close_all(self) -> None:
        """Make Parquet of everything stored until now, open days as well, for those who need all of it as files.

        What comes meanwhile goes into a new file of the day. The caller holds `ground.upkeep`. Raises StoreError,
        duckdb.Error, OSError, Unfaithful.
        """
        ground = self._ground
        with ground.writing:
            if not ground.shelf.filled():
                raise StoreError("a damaged file is being stored again: try when that is done", 60_000)
            with ground.sets:
                for day in ground.shelf.days:
                    day.sealed = True
        while (over := next((d for d in ground.shelf.days if d.sealed), None)) is not None:
            self._close_day(over)

    # -- the thread -------------------------------------------------------------------------------------------

    def _due(self) -> bool:
        """Called under `sets`."""
        shelf = self._ground.shelf
        return any(d.sealed for d in shelf.days) or shelf.deletions.pending() is not None or any(self._next())

    def _next(self) -> tuple[Part | None, Due | None]:
        """A part without its roll-ups, else roll-ups to be merged; called under `sets`, and after every question."""
        ground = self._ground
        if self._looked != ground.changes:
            self._looked = ground.changes
            part = ground.shelf.unrolled()
            self._found = part, None if part is not None else ground.shelf.unmerged()
        return self._found

    def _run(self) -> None:
        give_way()
        ground = self._ground
        while True:
            with ground.sets:
                ground.sets.wait_for(lambda: ground.closed or self._due())
            if ground.closed:
                return
            try:
                with ground.upkeep:
                    self._do_next()
            except (duckdb.Error, OSError, Unfaithful, StoreError) as error:
                if ground.closed:
                    return
                ground.note(f"{self.doing}: {short(error)}")
                self._repair(error)
                with ground.sets:
                    ground.sets.wait_for(lambda: ground.closed, _RETRY_S)
            finally:
                self.doing = None
                with ground.sets:
                    ground.sets.notify_all()

    def _do_next(self) -> None:
        shelf = self._ground.shelf
        with self._ground.sets:
            over = next((d for d in shelf.days if d.sealed), None)
            gone = shelf.deletions.pending()
            part, due = self._next()
        if over is not None:
            self.doing = f"closing {files.day_name(over.day)}"
            self._close_day(over)
            self._scrub(over.day)
        elif gone is not None:
            self.doing = "deleting"
            self.remover.carry_out(gone)
        elif part is not None:
            self.doing = f"rolling up {files.day_name(part.claim.day)}"
            self._roll_up(part)
        elif due is not None:
            self.doing = f"merging {due.days} days from {files.day_name(due.first)}"
            self._merge(due)

    def _close_day(self, day: OpenDay) -> None:
        """Export, check, put in place, then remove; cut off at any point it is done again, or found done."""
        ground = self._ground
        if not day.frozen:
            with ground.counted() as db:
                day.checkpoint(db)  # here, so that detaching below has nothing left to write
            with ground.exchanging():
                if day not in ground.shelf.days:
                    return  # the files were taken up anew meanwhile
                with ground.db.cursor() as db:
                    day.detach(db)
                    day.frozen = True
                    day.attach(db)
        exported, crc, fresh = self.exporter.export(day.path, ground.latest)
        part = Part(files.part_path(ground.folder, day.claim, crc), day.claim, crc)
        with ground.sets:
            if day not in ground.shelf.days:
                return
        files.settle(fresh, ground.latest)
        files.settle(exported, part.path)  # from here on the day is closed, and its file a left-over
        with ground.sets:
            if day in ground.shelf.days:
                ground.shelf.closed(day, part)
                ground.changes += 1
                with ground.db.cursor() as db:
                    day.detach(db)
            ground.sets.notify_all()
        files.remove(day.path)

    def _scrub(self, day: int) -> None:
        """Compare the days before with their checksums."""
        ground = self._ground
        recent = [p for p in ground.shelf.parts if p.claim.day > day - _SCRUB_DAYS]
        if bad := [p.path for p in recent if not is_sound(p)]:
            ground.reload(bad)

    def _roll_up(self, part: Part) -> None:
        ground = self._ground
        made: list[Roll] = []
        with ground.sets:
            alone = ground.shelf.alone(part)
        for minutes, (path, crc) in roll_up(self.exporter, part.path, ground.temporary, alone=alone).items():
            roll = Roll(files.roll_path(ground.folder, part.claim, minutes, crc), part.claim, crc, minutes)
            files.settle(path, roll.path)
            made.append(roll)
        with ground.sets:
            shelf = ground.shelf
            fresh = {r.path for r in made}
            stale = [r for r in shelf.rolls if r.claim == part.claim and r.path not in fresh]
            if part in shelf.parts:
                shelf.exchange(stale, made)
                ground.changes += 1
            else:  # set aside meanwhile: what was made of it is not to be trusted
                stale = made
        for roll in stale:
            files.remove(roll.path)

    def _merge(self, due: Due) -> None:
        ground = self._ground
        made, crc = merge(self.exporter, due, ground.temporary)
        digest = digest_of(due.rolls)
        path = span_path(ground.folder, due, digest, crc)
        files.settle(made, path)
        with ground.sets:
            ground.changes += 1
            if ground.shelf.merged(Span(path, due.minutes, due.first, due.days, digest, crc)):
                return
        files.remove(path)

    def _repair(self, error: Exception) -> None:
        if not isinstance(error, duckdb.Error):
            return
        ground = self._ground
        try:
            files_: list[Part | Roll] = [*ground.shelf.parts, *ground.shelf.rolls] if is_damage(error) else []
            bad = [file.path for file in files_ if not is_sound(file)]
            ground.reload(bad, examine=is_damage(error))
        except StoreError as again:
            ground.note(short(again))
