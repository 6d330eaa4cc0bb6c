"""The embedded store at work: readings in by batch, questions out, everything else handed to those who do it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import duckdb

from gateway.series import Batch, Deletion, Query, Sample, Selection, Series, SiteOf, StoreError
from gateway.store.duckdb_ import Config, files
from gateway.store.duckdb_.columns import Columns
from gateway.store.duckdb_.copies import Copied, back_up, export, take_in
from gateway.store.duckdb_.deletions import Gone
from gateway.store.duckdb_.files import DAY_MS
from gateway.store.duckdb_.footing import Chosen, Footing
from gateway.store.duckdb_.reading import answer, latest_of, newest, question
from gateway.store.duckdb_.shelf import is_damage, overlap, short
from gateway.store.duckdb_.steps import fitting, stepped, stepped_answer
from gateway.store.duckdb_.streaming import stored
from gateway.store.duckdb_.upkeep import Upkeep

_HOLES_KEPT: Final = 20


class DuckStore:
    """A `gateway.series.Store`; the package's page tells of its files. Raises StoreBusy, StoreError."""

    def __init__(self, config: Config, folder: Path, site_of: SiteOf) -> None:
        self._config = config
        self._site_of = site_of
        self._failing: str | None = None  # why the last write failed, until one succeeds
        self._missing: deque[tuple[int, int]] = deque(maxlen=_HOLES_KEPT)
        self._newest_at = 0
        self._ground = Footing(config, folder)
        self._upkeep = Upkeep(self._ground)

    # ------------------------------------------------------------------------------------------------ writing

    def cursor(self) -> int:
        return self._ground.shelf.cursor

    def write(self, batch: Batch) -> None:
        ground = self._ground
        with ground.writing:
            if ground.closed:
                raise StoreError("the store is closed")
            if not ground.usable:
                ground.reload(())
            shelf = ground.shelf
            if batch.last_seq <= shelf.cursor:
                return
            if batch.after > shelf.cursor and (shelf.cursor or shelf.rewind):
                self._missed(shelf.cursor, batch.after)
            try:
                self._store(batch)
                self._seal()
            except (duckdb.Error, OSError) as error:
                self._failing = f"writing: {short(error)}"
                if isinstance(error, duckdb.Error) and is_damage(error):
                    ground.reload((), examine=True)
                raise StoreError(short(error)) from error
            self._failing = None

    def _missed(self, after: int, to: int) -> None:
        """The journal no longer has what is not stored here: said, for nobody can help it any more."""
        self._missing.append((after, to))
        if self._ground.shelf.rewind is not None:
            self._ground.note(
                f"events {after + 1} to {to} are in no journal and no backup: their readings are lost"
            )

    def _store(self, batch: Batch) -> None:
        ground, shelf = self._ground, self._ground.shelf
        columns = Columns(batch, shelf.cursor)
        gone = shelf.deletions.standing(shelf.cursor)
        for run in columns.runs():
            points, arrays = columns.take(run, shelf.claims, gone)
            if points:
                with ground.sets:
                    day = shelf.day_for(ground.db, run.day)
                day.append(ground.db, points, arrays, columns.texts, run.to, self._site_of)
            self._newest_at = int(columns.at[run.rows.stop - 1])
            shelf.cursor = run.to
        if shelf.cursor < batch.last_seq:
            shelf.advance(ground.db, batch.last_seq)

    def _seal(self) -> None:
        """Give days that are over to the background."""
        shelf = self._ground.shelf
        if not shelf.filled():
            return
        today, time_of_day = divmod(self._newest_at, DAY_MS)
        over = [d for d in shelf.days if d.day != today and not d.sealed]
        if not over or time_of_day < self._config.close_after_s * 1000:
            return
        with self._ground.sets:
            for day in over:
                day.sealed = True
        self._upkeep.wake()

    # ------------------------------------------------------------------------------------------------ reading

    def read(self, query: Query) -> list[Series]:
        first, last = query.since // DAY_MS, (query.until - 1) // DAY_MS
        ground, shelf = self._ground, self._ground.shelf

        def chosen() -> Chosen:
            return Chosen(
                [d for d in shelf.days if first <= d.day <= last],
                [p for p in shelf.parts if first <= p.claim.day <= last],
            )

        if query.step_ms is None:
            return answer(
                query,
                ground.ask(
                    chosen,
                    lambda c: question(query, c.tables(), [p.path for p in c.parts]),
                    lambda cursor: cursor.fetchall(),
                    [],
                ),
            )
        minutes = fitting(query)

        def with_rolls() -> Chosen:
            days, parts, _ = chosen()
            rolls = shelf.rolled(minutes or 0, first, last)
            # What was imported of days whose roll-ups are kept is in these.
            known = [
                p for p in parts if not p.extra or not any(overlap(r.claim, p.claim) for r in rolls.alone)
            ]
            return Chosen(days, known, rolls)

        return stepped_answer(
            query,
            ground.ask(
                with_rolls,
                lambda c: stepped(query, c.tables(), c.parts, minutes, c.rolls),
                lambda cursor: cursor.fetchnumpy(),
                None,
            ),
        )

    def latest(self, points: Sequence[str] | None = None) -> dict[str, Sample]:
        ground = self._ground

        def ask() -> dict[str, Sample]:
            known = ground.latest if ground.latest.exists() else None
            return latest_of(
                ground.ask(
                    lambda: Chosen(ground.shelf.days),
                    lambda c: newest(points, c.tables(), known),
                    lambda cursor: cursor.fetchall(),
                    [],
                )
            )

        try:
            return ask()
        except StoreError:
            if not ground.latest.exists():
                raise
            # The open days read well, so it is this file, which is a convenience: what it alone knew shows again with
            # the point's next report.
            ground.reload([ground.latest])
            return ask()

    def stored(self, after: int = 0) -> Iterator[Batch]:
        return stored(self._ground, after)

    # ----------------------------------------------------------------------------------------------- deleting

    def forget(self, before: int, rollups_before: int | None = None) -> list[str]:
        """Delete closed days that ended before `before` (UTC ms, by a clock the caller trusts); gives their names.

        Their roll-ups go with them, or where `rollups_before` is given only those of days that ended before that.
        """
        with self._ground.upkeep:
            gone = self._upkeep.remover.forget(before, before if rollups_before is None else rollups_before)
        self._upkeep.wake()  # spans that had some of it went with it
        return gone

    def delete(self, selection: Selection) -> Deletion:
        """Rewrites what holds the selected readings: half a microsecond of CPU for each reading of the days concerned.

        Readings whose raw days are forgotten go from the roll-ups by whole steps and are not counted. What comes later
        is not concerned, and what is fed or brought back again stays away.
        """
        ground = self._ground
        with ground.upkeep:
            with ground.writing:
                if ground.closed:
                    raise StoreError("the store is closed")
                top = max([ground.shelf.cursor, *(c.to for c in ground.shelf.claims)])
            try:
                return self._upkeep.remover.delete(Gone(selection, top))
            finally:
                self._upkeep.wake()

    # ------------------------------------------------------------------------------------------------- copies

    def export(
        self, folder: Path, since: int = 0, until: int = 2**60, points: Sequence[str] | None = None
    ) -> Copied:
        """Write readings with `since <= at < until` as Parquet, a file a day, into `folder`; see `copies.export`."""
        return export(self._ground, self._upkeep, folder, since, until, points)

    def import_(self, folder: Path) -> Copied:
        """Take in what `export` wrote and is not here; see `copies.take_in`."""
        return take_in(self._ground, self._upkeep, folder)

    def backup(self, folder: Path) -> Copied:
        """Make `folder` a store that holds what this one holds now; see `copies.back_up`."""
        return back_up(self._ground, self._upkeep, folder)

    # ------------------------------------------------------------------------------------------ health and end

    def settled(self, timeout_s: float) -> bool:
        """Wait until the background has nothing left to do; False where that takes longer."""
        return self._upkeep.settled(timeout_s)

    def health(self) -> Mapping[str, Any]:
        """`ok` is False while something fails or is being stored again, and once something was set aside."""
        ground = self._ground
        with ground.sets:
            shelf = ground.shelf
            problems = [*ground.problems, *([self._failing] if self._failing else [])]
            return {
                "ok": not problems and shelf.rewind is None and ground.usable,
                "cursor": shelf.cursor,
                "problems": problems,
                "storing_again_until": shelf.rewind and shelf.rewind.until,
                "missing": list(self._missing),
                "open_days": [files.day_name(d.day) for d in shelf.days],
                "closed_days": len({p.claim.day for p in shelf.parts}),
                "rolled_up_days": len({r.claim.day for r in shelf.rolls}),
                "doing": self._upkeep.doing,
            }

    def close(self) -> None:
        ground = self._ground
        with ground.sets:
            if ground.closed:
                return
            ground.closed = True
            ground.sets.notify_all()
        self._upkeep.stop()
        ground.let_go()
