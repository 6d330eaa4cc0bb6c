"""What the embedded store stands on: its files, its DuckDB, and the locks under which files are exchanged."""

from __future__ import annotations

import fcntl
import shutil
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

import duckdb

from gateway.errors import GatewayError
from gateway.series import StoreBusy, StoreError
from gateway.store.duckdb_ import Config
from gateway.store.duckdb_.closing import connect
from gateway.store.duckdb_.files import Part, Roll
from gateway.store.duckdb_.openday import OpenDay
from gateway.store.duckdb_.reading import OpenTable, Statement
from gateway.store.duckdb_.shelf import FileLost, Shelf, is_damage, is_sound, short
from gateway.store.duckdb_.spans import Span
from gateway.store.duckdb_.steps import Rolls

_PROBLEMS_KEPT: Final = 20

Answer = TypeVar("Answer")


class Chosen(NamedTuple):
    """The files that a question concerns."""

    days: Sequence[OpenDay] = ()
    parts: Sequence[Part] = ()
    rolls: Rolls = Rolls({}, (), {})

    def tables(self) -> list[OpenTable]:
        """The open days as a question sees them."""
        return [OpenTable(d.alias, d.ids) for d in self.days]


class Footing:
    """The files of one store, held by this process alone.

    Locks are taken in this order: `upkeep` (one change of closed days at a time), `writing` (one writer), then `sets`
    (which files there are). Questions hold none while they run, they are only counted, so that a file is never
    exchanged under them. Raises StoreBusy, StoreError.
    """

    def __init__(self, config: Config, folder: Path) -> None:
        self.config = config
        self.folder = folder
        self.latest = folder / "latest.parquet"
        folder.mkdir(parents=True, exist_ok=True)
        self._held = (folder / "lock").open("a")
        try:
            fcntl.flock(self._held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._held.close()
            raise StoreBusy(str(folder)) from error
        self.temporary = folder / "tmp"
        shutil.rmtree(self.temporary, ignore_errors=True)
        self.temporary.mkdir()
        self.upkeep = threading.RLock()
        self.writing = threading.RLock()
        self.sets = threading.Condition(threading.RLock())
        self._readers = 0
        self._exchange = False
        self.changes = 0  # counts exchanges of files: a question that failed across one is asked again
        self.usable = True  # False after files could not be taken up anew; tried again at the next write
        self.closed = False
        self.problems: deque[str] = deque(maxlen=_PROBLEMS_KEPT)
        backups = folder.parent / config.backups if config.backups else None
        self.shelf = Shelf(folder, self.problems.append, backups)
        try:
            self._take_up((), examine=False)
        except GatewayError:
            self._held.close()
            raise

    def ask(
        self,
        chosen: Callable[[], Chosen],
        make: Callable[[Chosen], Statement | None],
        take: Callable[[duckdb.DuckDBPyConnection], Answer],
        nothing: Answer,
    ) -> Answer:
        """What `take` makes of the answer to `make`, said of the chosen files; asked again where they changed.

        `nothing` where there is nothing to ask. Raises StoreError.
        """
        for _ in range(4):
            with self.counted() as db:
                with self.sets:
                    files_ = chosen()
                    changes = self.changes
                statement = make(files_)
                if statement is None:
                    return nothing
                try:
                    return take(db.execute(statement.sql, statement.parameters))
                except duckdb.Error as error:
                    failure = error
            if changes != self.changes:
                continue
            suspects: list[Part | Roll | Span] = [
                *files_.parts,
                *files_.rolls.of_parts.values(),
                *files_.rolls.alone,
                *set(files_.rolls.spans.values()),
            ]
            bad = [p.path for p in suspects if not is_sound(p)]
            if not bad and not is_damage(failure):
                break
            self.reload(bad, examine=is_damage(failure))
        raise StoreError(short(failure)) from failure

    @contextmanager
    def counted(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection to ask with; no file is exchanged until it is given back. Raises StoreError."""
        with self.sets:
            self.sets.wait_for(lambda: not self._exchange)
            if self.closed or not self.usable:
                raise StoreError("the store is closed" if self.closed else "the store is being repaired")
            db = self.db.cursor()
            self._readers += 1
        try:
            yield db
        finally:
            db.close()
            with self.sets:
                self._readers -= 1
                self.sets.notify_all()

    @contextmanager
    def exchanging(self) -> Iterator[None]:
        """Nobody asks while a file is taken away and brought back: DuckDB opens no file twice."""
        with self.sets:
            self.sets.wait_for(lambda: not self._exchange)
            self._exchange = True
            self.sets.wait_for(lambda: self._readers == 0)
            try:
                yield
            finally:
                self._exchange = False
                self.changes += 1
                self.sets.notify_all()

    def reload(self, bad: Iterable[Path], *, examine: bool = False) -> None:
        """Take all files up anew, setting aside the bad and, with `examine`, every open day that cannot be read."""
        with self.writing, self.exchanging():
            self.usable = False
            self.put_down()
            self._take_up(bad, examine=examine)
            self.usable = True

    def _take_up(self, bad: Iterable[Path], *, examine: bool) -> None:
        """A fresh DuckDB with all files that are whole, one try more than there are damaged ones; raises StoreError."""
        while True:
            try:
                self.db = connect(self.config.memory_mb, self.config.threads, self.temporary / "main")
                self.shelf.load(self.db, bad, examine=examine)
            except FileLost:
                self.put_down()
            except (duckdb.Error, OSError) as error:
                raise StoreError(short(error)) from error
            else:
                return

    def put_down(self) -> None:
        """Let go of DuckDB with all files."""
        for day in self.shelf.days:
            day.detach(self.db)  # writes its log into the file, which `close` alone would leave undone
        self.db.close()

    def note(self, problem: str) -> None:
        """Something went wrong that people must see."""
        self.problems.append(problem)

    def let_go(self) -> None:
        """Put everything down for good."""
        with self.writing, self.exchanging():
            self.put_down()
            self._held.close()
