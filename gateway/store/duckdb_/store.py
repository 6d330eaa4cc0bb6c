"""The embedded store at work: readings in by batch, questions out, days closed in the background."""

from __future__ import annotations

import fcntl
import shutil
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import duckdb

from gateway.errors import GatewayError
from gateway.series import Batch, Query, Sample, Series, SiteOf, StoreBusy, StoreError
from gateway.store.duckdb_ import Config, files
from gateway.store.duckdb_.closing import Exporter, Unfaithful, connect, give_way
from gateway.store.duckdb_.columns import Columns
from gateway.store.duckdb_.files import DAY_MS, Part
from gateway.store.duckdb_.openday import OpenDay
from gateway.store.duckdb_.reading import OpenTable, Statement, answer, latest_of, newest, question
from gateway.store.duckdb_.shelf import FileLost, Shelf, is_damage, is_sound, short

_RETRY_S: Final = 60.0  # after a day could not be closed: a full disk does not empty in seconds
_SCRUB_DAYS: Final = 8  # closed days read again after each closing, while the journal may still hold them
_PROBLEMS_KEPT: Final = 20

Files = tuple[list[OpenDay], list[Part]]


class DuckStore:
    """A `gateway.series.Store`; the package's page tells of its files.

    Locks are taken in this order: `_writing` (one writer), then `_sets` (which files there are). Questions hold neither
    while they run, they are only counted, so that a file is never exchanged under them.
    """

    def __init__(self, config: Config, folder: Path, site_of: SiteOf) -> None:
        self._config = config
        self._folder = folder
        self._latest = folder / "latest.parquet"
        self._site_of = site_of
        folder.mkdir(parents=True, exist_ok=True)
        self._held = (folder / "lock").open("a")
        try:
            fcntl.flock(self._held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._held.close()
            raise StoreBusy(str(folder)) from error
        self._temporary = folder / "tmp"
        shutil.rmtree(self._temporary, ignore_errors=True)
        self._temporary.mkdir()
        self._writing = threading.RLock()
        self._sets = threading.Condition(threading.RLock())
        self._readers = 0
        self._exchange = False
        self._changes = 0  # counts exchanges of files: a question that failed across one is asked again
        self._usable = True  # False after files could not be taken up anew; tried again at the next write
        self._closed = False
        self._closer: threading.Thread | None = None
        self._exporter = Exporter(self._temporary, config.memory_mb)
        self._closing: str | None = None
        self._failing: str | None = None  # why the last write failed, until one succeeds
        self._problems: deque[str] = deque(maxlen=_PROBLEMS_KEPT)
        self._missing: deque[tuple[int, int]] = deque(maxlen=_PROBLEMS_KEPT)
        self._newest_at = 0
        self._shelf = Shelf(folder, self._problems.append)
        try:
            self._take_up((), examine=False)
        except GatewayError:
            self._held.close()
            raise

    # ------------------------------------------------------------------------------------------------ writing

    def cursor(self) -> int:
        return self._shelf.cursor

    def write(self, batch: Batch) -> None:
        with self._writing:
            if self._closed:
                raise StoreError("the store is closed")
            if not self._usable:
                self._reload(())
            shelf = self._shelf
            if batch.last_seq <= shelf.cursor:
                return
            if batch.after > shelf.cursor and (shelf.cursor or shelf.rewind):
                self._missing.append((shelf.cursor, batch.after))
            try:
                self._store(batch)
                self._seal()
            except (duckdb.Error, OSError) as error:
                self._failing = f"writing: {short(error)}"
                if isinstance(error, duckdb.Error) and is_damage(error):
                    self._reload((), examine=True)
                raise StoreError(short(error)) from error
            self._failing = None

    def _store(self, batch: Batch) -> None:
        shelf = self._shelf
        columns = Columns(batch, shelf.cursor)
        for run in columns.runs():
            points, arrays = columns.take(run, shelf.claims)
            if points:
                with self._sets:
                    day = shelf.day_for(self._db, run.day)
                day.append(self._db, points, arrays, columns.texts, run.to, self._site_of)
            self._newest_at = int(columns.at[run.rows.stop - 1])
            shelf.cursor = run.to
        if shelf.cursor < batch.last_seq:
            shelf.advance(self._db, batch.last_seq)

    def _seal(self) -> None:
        """Give days that are over to the closing thread."""
        if not self._shelf.filled():
            return
        today, time_of_day = divmod(self._newest_at, DAY_MS)
        over = [d for d in self._shelf.days if d.day != today and not d.sealed]
        if not over or time_of_day < self._config.close_after_s * 1000:
            return
        with self._sets:
            for day in over:
                day.sealed = True
            if self._closer is None:
                self._closer = threading.Thread(target=self._close_days, name="history.closing", daemon=True)
                self._closer.start()
            self._sets.notify_all()

    # ------------------------------------------------------------------------------------------------ reading

    def read(self, query: Query) -> list[Series]:
        first, last = query.since // DAY_MS, (query.until - 1) // DAY_MS

        def chosen() -> Files:
            return (
                [d for d in self._shelf.days if first <= d.day <= last],
                [p for p in self._shelf.parts if first <= p.claim.day <= last],
            )

        return answer(query, self._ask(chosen, lambda tables, parts: question(query, tables, parts)))

    def latest(self, points: Sequence[str] | None = None) -> dict[str, Sample]:
        def ask() -> dict[str, Sample]:
            known = self._latest if self._latest.exists() else None
            return latest_of(
                self._ask(lambda: (self._shelf.days, []), lambda tables, _: newest(points, tables, known))
            )

        try:
            return ask()
        except StoreError:
            if not self._latest.exists():
                raise
            # The open days read well, so it is this file, which is a convenience: what it alone knew shows again with
            # the point's next report.
            self._reload([self._latest])
            return ask()

    def _ask(
        self,
        chosen: Callable[[], Files],
        make: Callable[[Sequence[OpenTable], Sequence[Path]], Statement | None],
    ) -> list[tuple[Any, ...]]:
        """The rows of what `make` says of the chosen files; asked again where files changed meanwhile."""
        for _ in range(4):
            with self._counted() as db:
                with self._sets:
                    days, parts = chosen()
                    changes = self._changes
                statement = make([OpenTable(d.alias, d.ids) for d in days], [p.path for p in parts])
                if statement is None:
                    return []
                try:
                    return db.execute(statement.sql, statement.parameters).fetchall()
                except duckdb.Error as error:
                    failure = error
            if changes != self._changes:
                continue
            bad = [p.path for p in parts if not is_sound(p)]
            if not bad and not is_damage(failure):
                break
            self._reload(bad, examine=is_damage(failure))
        raise StoreError(short(failure)) from failure

    @contextmanager
    def _counted(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with self._sets:
            self._sets.wait_for(lambda: not self._exchange)
            if self._closed or not self._usable:
                raise StoreError("the store is closed" if self._closed else "the store is being repaired")
            db = self._db.cursor()
            self._readers += 1
        try:
            yield db
        finally:
            db.close()
            with self._sets:
                self._readers -= 1
                self._sets.notify_all()

    @contextmanager
    def _exchanging(self) -> Iterator[None]:
        """Nobody asks while a file is taken away and brought back: DuckDB opens no file twice."""
        with self._sets:
            self._sets.wait_for(lambda: not self._exchange)
            self._exchange = True
            self._sets.wait_for(lambda: self._readers == 0)
            try:
                yield
            finally:
                self._exchange = False
                self._changes += 1
                self._sets.notify_all()

    def _reload(self, bad: Iterable[Path], *, examine: bool = False) -> None:
        """Take all files up anew, setting aside the bad and, with `examine`, every open day that cannot be read."""
        with self._writing, self._exchanging():
            self._usable = False
            self._put_down()
            self._take_up(bad, examine=examine)
            self._usable = True

    def _take_up(self, bad: Iterable[Path], *, examine: bool) -> None:
        """A fresh DuckDB with all files that are whole, one try more than there are damaged ones; raises StoreError."""
        while True:
            try:
                self._db = connect(self._config.memory_mb, self._config.threads, self._temporary / "main")
                self._shelf.load(self._db, bad, examine=examine)
            except FileLost:
                self._put_down()
            except (duckdb.Error, OSError) as error:
                raise StoreError(short(error)) from error
            else:
                return

    def _put_down(self) -> None:
        for day in self._shelf.days:
            day.detach(self._db)  # writes its log into the file, which `close` alone would leave undone
        self._db.close()

    # ------------------------------------------------------------------------------------------- closing days

    def _close_days(self) -> None:
        give_way()
        while (day := self._next_over()) is not None:
            try:
                self._closing = files.day_name(day.day)
                self._close_day(day)
            except (duckdb.Error, OSError, Unfaithful, StoreError) as error:
                if self._closed:
                    return
                self._problems.append(f"closing {files.day_name(day.day)}: {short(error)}")
                self._repair(error)
                with self._sets:
                    self._sets.wait_for(lambda: self._closed, _RETRY_S)
            finally:
                self._closing = None

    def _next_over(self) -> OpenDay | None:
        """The next day to close, waited for; None when the store closes."""
        with self._sets:
            self._sets.wait_for(lambda: self._closed or any(d.sealed for d in self._shelf.days))
            return None if self._closed else next(d for d in self._shelf.days if d.sealed)

    def _close_day(self, day: OpenDay) -> None:
        """Export, check, put in place, then remove; cut off at any point it is done again, or found done."""
        if not day.frozen:
            with self._exchanging():
                if day not in self._shelf.days:
                    return  # the files were taken up anew meanwhile
                with self._db.cursor() as db:
                    day.detach(db)
                    day.frozen = True
                    day.attach(db)
        exported, crc, fresh = self._exporter.export(day.path, self._latest)
        with self._sets:
            if day not in self._shelf.days:
                return
            files.settle(fresh, self._latest)
            target = files.part_path(self._folder, day.claim, crc)
            files.settle(exported, target)  # from here on the day is closed, and its file a left-over
            self._shelf.closed(day, Part(target, day.claim, crc))
            self._changes += 1
            with self._db.cursor() as db:
                day.detach(db)
            self._sets.notify_all()
        files.remove(day.path)
        recent = [p for p in self._shelf.parts if p.claim.day > day.day - _SCRUB_DAYS]
        if bad := [p.path for p in recent if not is_sound(p)]:
            self._reload(bad)

    def _repair(self, error: Exception) -> None:
        if not isinstance(error, duckdb.Error):
            return
        try:
            self._reload((), examine=is_damage(error))
        except StoreError as again:
            self._problems.append(short(again))

    def settled(self, timeout_s: float) -> bool:
        """Wait until no day is left to be closed; False where that takes longer."""
        with self._sets:
            return self._sets.wait_for(lambda: not any(d.sealed for d in self._shelf.days), timeout_s)

    def forget(self, before: int) -> list[str]:
        """Delete closed days that ended before `before` (UTC ms, by a clock the caller trusts); gives their names."""
        with self._sets:
            old = [p for p in self._shelf.parts if (p.claim.day + 1) * DAY_MS <= before]
            self._shelf.parts = [p for p in self._shelf.parts if p not in old]
            self._changes += bool(old)
        for part in old:
            part.path.unlink(missing_ok=True)
            if not any(part.path.parent.iterdir()):
                part.path.parent.rmdir()
        return sorted({files.day_name(part.claim.day) for part in old})

    # ------------------------------------------------------------------------------------------ health and end

    def health(self) -> Mapping[str, Any]:
        """`ok` is False while something fails or is being stored again, and once something was set aside."""
        with self._sets:
            shelf = self._shelf
            problems = [*self._problems, *([self._failing] if self._failing else [])]
            return {
                "ok": not problems and shelf.rewind is None and self._usable,
                "cursor": shelf.cursor,
                "problems": problems,
                "storing_again_until": shelf.rewind and shelf.rewind.until,
                "missing": list(self._missing),
                "open_days": [files.day_name(d.day) for d in shelf.days],
                "closed_days": len({p.claim.day for p in shelf.parts}),
                "closing": self._closing,
            }

    def close(self) -> None:
        with self._sets:
            if self._closed:
                return
            self._closed = True
            self._sets.notify_all()
        self._exporter.stop()
        if self._closer is not None:
            self._closer.join()
        with self._writing, self._exchanging():
            self._put_down()
            self._held.close()
