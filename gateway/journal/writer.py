"""The writer: one process that appends rows, and everything that keeps its folder small and whole."""

from __future__ import annotations

import contextlib
import errno
import mmap
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, TypeVar

from gateway.core.event import FORMAT
from gateway.errors import JournalDamaged
from gateway.journal import audit, keeping, snapshots
from gateway.journal.audit import Link
from gateway.journal.disk import Disk, RealDisk, keep, refused, sync_folder
from gateway.journal.hours import HourFile, connect, connect_writer, create_hour, hour_of, listing
from gateway.journal.lock import FolderLock
from gateway.journal.reader import JournalReader
from gateway.journal.recovery import Recovered, settle, tidy_up
from gateway.journal.row import Packer, Row, Stored

BOUND_BYTES: Final = 20_000_000_000  # design section 3
PARTS: Final = 16  # an hour that outgrows this part of the bound goes on in a second file
PART_BYTES_MIN: Final = 1 << 20  # but not below this
RETIRED_MAX: Final = 2  # closed hours that wait for `sweep` with their connection open

T = TypeVar("T")

_INSERT: Final = "INSERT INTO rows(first, last, at, offset_ms, format, blob) VALUES (?, ?, ?, ?, ?, ?)"


class Journal:
    """The journal in `folder`, for the one process that writes it.

    `append` belongs to one thread at a time; `save_snapshot`, `put_plan`, `plan`, `rows_after`, `tidy` and `sweep` may
    run beside it in others, no two `sweep`s at once. Methods raise JournalError where the disk refuses.
    """

    def __init__(self, folder: Path, *, bound_bytes: int = BOUND_BYTES, disk: Disk | None = None) -> None:
        self.folder = Path(folder)
        self.damaged: list[str] = []  # files set aside since `open`
        self._bound = bound_bytes
        self._disk: Disk = disk or RealDisk()
        self._packer = Packer()
        self._lock: FolderLock | None = None
        self._connection: sqlite3.Connection | None = None
        self._file: HourFile | None = None
        self._inode = (0, 0)
        self._bytes = 0
        self._retired: list[sqlite3.Connection] = []
        # Which file is open and which are retired: `append` against `tidy` and `sweep`.
        self._guard = threading.Lock()
        self._doubtful = False  # the last append failed: what it may have left is removed before the next row
        # Shared with forked children; one aligned store at a time, so that they read no half of it.
        self._durable = memoryview(mmap.mmap(-1, 8)).cast("q")
        self._last = 0
        self._tip = audit.GENESIS
        self._clean = False

    # ---- start and stop

    def open(self) -> Recovered:
        """Lock the folder, made if need be, and find out what it holds. Raises JournalBusy, JournalNewer."""
        try:
            for folder in (self.folder, self._snapshots, self._plans):
                folder.mkdir(parents=True, exist_ok=True)
            self._lock = FolderLock(self.folder)
            return self._recover()
        except (sqlite3.Error, OSError) as error:
            self.close()
            raise refused(error) from error
        except BaseException:
            self.close()
            raise

    def mark_clean(self) -> None:
        """Say on disk that the end is meant; the next append takes it back."""
        self._refusable(lambda: keep(self._mark, lambda f: f.write(b"%d\n" % self._last), lambda: None))
        self._clean = True

    def close(self) -> None:
        """Let go of everything. Without `mark_clean` before it, the next start is an unclean one."""
        with self._guard:
            connections, self._retired = [*self._retired, self._connection], []
            self._connection, self._file = None, None
        for connection in connections:
            if connection is not None:
                with contextlib.suppress(sqlite3.Error):  # every append already said what went wrong
                    connection.close()
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    # ---- rows

    @property
    def last_seq(self) -> int:
        """The newest durable seq. In a forked child it goes on with the parent: no SQLite may be used there."""
        return self._durable[0]

    def append(self, row: Row) -> None:
        """Put the row and the audit rows it implies on disk in one transaction: durable on return, or nothing is kept.

        Raises JournalError, after which the same row, or a later one behind a snapshot, may be tried: the file is
        opened anew. Raises ValueError for a row that follows neither the last row nor a snapshot.
        """
        if self._lock is None:
            raise ValueError("the journal is not open")
        self._follows(row)
        stored = self._packer.pack(row)
        links = audit.derive(row, self._tip)
        try:
            self._disk.reached("begin")
            if self._clean:
                self._mark.unlink(missing_ok=True)
                sync_folder(self.folder)
                self._clean = False
            connection = self._ready(row, len(stored[5]))
            self._commit(connection, stored, links)
        except (sqlite3.Error, OSError) as error:
            self._give_up(error)
            raise refused(error) from error
        self._doubtful = False
        self._bytes += len(stored[5])
        self._durable[0] = self._last = row.last
        if links:
            self._tip = links[-1][5]

    def rows_after(self, seq: int) -> Iterator[Row]:
        """Every row with events behind `seq`, in order, cut where `seq` cuts it.

        Raises JournalNewer, and JournalDamaged at the end where something would not read that `open` had not set aside:
        a new `open` does.
        """
        reader = JournalReader(self.folder)
        try:
            while found := reader.rows(seq):
                yield from found
                seq = found[-1].last
        finally:
            reader.close()
        if reader.skipped:
            raise JournalDamaged(self.folder, reader.skipped[0])

    def _follows(self, row: Row) -> None:
        if row.format != FORMAT or not row.events:
            raise ValueError("a row has the present format and at least one event")
        if row.first == self._last + 1:
            return
        newest = self._refusable(lambda: snapshots.snapshots(self._snapshots))
        if row.first <= self._last or not newest or newest[0][0] < row.first - 1:
            raise ValueError(
                f"row {row.first} does not follow {self._last} and no snapshot covers what is between"
            )

    def _ready(self, row: Row, size: int) -> sqlite3.Connection:
        """The connection to the file this row belongs to, opened or made if need be."""
        utc = row.events[0][0] + row.offset_ms
        if self._file is not None:
            if self._connection is None:
                self._reopen(self._file)
            elif _inode(self._file.path) != self._inode:
                raise FileNotFoundError(errno.ENOENT, "the open file was taken away", str(self._file.path))
        fits = self._bytes + size <= max(self._bound // PARTS, PART_BYTES_MIN) or self._bytes == 0
        if self._file is None or self._file.hour != hour_of(utc) or not fits:
            self._file_for(utc, row.first)
        assert self._connection is not None
        return self._connection

    def _reopen(self, file: HourFile) -> None:
        connection = connect_writer(file.path, self._disk.synchronous)
        with self._guard:
            self._connection, self._inode = connection, _inode(file.path)
        self._bytes = file.path.stat().st_size

    def _file_for(self, utc: int, first: int) -> None:
        """Go on in a new file. What a failed append left in the old one goes first: it may become durable later."""
        if self._doubtful and self._connection is not None:
            self._connection.execute("BEGIN IMMEDIATE")
            self._forget(self._connection)
            self._connection.execute("COMMIT")
            if self._file is not None and self._file.first >= first:  # made for this very row: it goes
                with self._guard:
                    connection, self._connection, self._file = self._connection, None, None
                connection.close()
        file = create_hour(self.folder, utc, first, self._disk)
        connection = connect(file.path, self._disk.synchronous)
        surplus: list[sqlite3.Connection] = []
        with self._guard:
            if self._connection is not None:
                self._retired.append(self._connection)
            surplus, self._retired = self._retired[:-RETIRED_MAX], self._retired[-RETIRED_MAX:]
            self._connection, self._file, self._inode = connection, file, _inode(file.path)
        self._bytes = 0
        for old in surplus:
            old.close()

    def _commit(self, connection: sqlite3.Connection, stored: Stored, links: list[Link]) -> None:
        connection.execute("BEGIN IMMEDIATE")
        if self._doubtful:
            self._forget(connection)
        connection.execute(_INSERT, stored)
        if links:
            audit.insert(connection, links)
        self._disk.reached("written")
        connection.execute("COMMIT")
        self._disk.reached("committed")

    def _forget(self, connection: sqlite3.Connection) -> None:
        """Remove what nobody was told is on disk: a commit that failed may still have left its row there."""
        connection.execute("DELETE FROM rows WHERE first > ?", (self._last,))
        connection.execute("DELETE FROM audit WHERE seq > ?", (self._last,))
        connection.execute("UPDATE sqlite_sequence SET seq = (SELECT coalesce(max(seq), 0) FROM audit)")

    def _give_up(self, error: sqlite3.Error | OSError) -> None:
        self._doubtful = True
        with self._guard:
            connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):  # the error that matters is already on its way
                connection.close()
        taken_away = self._file is not None and not self._file.path.exists()
        if taken_away or (isinstance(error, sqlite3.Error) and refused(error).reason == "damaged"):
            self._file = None  # `sweep` or the next start salvages it; the next row begins a new file

    # ---- snapshots and plans

    def save_snapshot(self, seq: int, data: bytes) -> None:
        """Keep the state as it was after the event `seq`; the newest three stay.

        May be called in a forked child, which must then leave with os._exit: it holds copies of our connections. A
        child whose parent is gone is refused: the next writer may by then have given its seqs to other events.
        """

        def before_rename() -> None:
            self._disk.reached("snapshot")
            if self._lock is not None and self._lock.orphaned:
                raise ProcessLookupError(errno.ESRCH, "the journal's writer is gone")

        self._refusable(lambda: snapshots.save(self._snapshots, seq, data, before_rename))

    def put_plan(self, digest: str, data: bytes) -> None:
        """Keep a plan under its digest, before the Replanned that names it is appended."""
        self._refusable(lambda: snapshots.put_plan(self._plans, digest, data, self._disk))

    def plan(self, digest: str) -> bytes | None:
        """A plan's data, None where it is not kept. Raises JournalDamaged."""
        try:
            return snapshots.get_plan(self._plans, digest)
        except OSError as error:
            raise refused(error) from error

    # ---- keeping it small

    def tidy(self) -> None:
        """Copy the open file's write-ahead log into it, without holding up `append`.

        Call about once a second from another thread: otherwise some commit does it every 4 MB, and is late.
        """
        with self._guard:
            file = self._file if self._connection is not None else None
        if file is not None:
            self._refusable(lambda: keeping.checkpoint(file, self._disk))

    def sweep(self, needed_seq: int) -> list[str]:
        """Finish closed hours, and unlink the oldest while the journal is over its bound; the names that went.

        Their audit rows are in `audit.sqlite` first. A file stays that holds the event `needed_seq` or a later one (the
        oldest that some follower has not stored yet), or anything behind the last snapshot but one. Call about once a
        minute.
        """
        with self._guard:
            retired, self._retired = self._retired, []
            current = self._file
        for connection in retired:
            with contextlib.suppress(sqlite3.Error):  # the log stays and is read with its file
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.close()
        self.tidy()
        return self._refusable(lambda: self._sweep(needed_seq, current))

    def _sweep(self, needed_seq: int, current: HourFile | None) -> list[str]:
        files = listing(self.folder)
        closed = files[:-1] if current is None else [f for f in files if f.first < current.first]
        keeping.copy_audit(self.folder, closed, self._disk, self.damaged)
        kept = [seq for seq, _ in snapshots.snapshots(self._snapshots)][:2]
        floor = min(needed_seq, kept[-1] + 1) if kept else 0  # without a snapshot a start needs every row
        gone = keeping.unlink_oldest(self.folder, files, len(closed), floor, self._bound, self._disk)
        keeping.drop_plans(self.folder, self._plans)
        return gone

    # ---- within

    def _recover(self) -> Recovered:
        tidy_up(self.folder)
        damaged: list[str] = []
        try:
            said = int(self._mark.read_bytes())
        except (FileNotFoundError, ValueError):
            said = None
        seq, snapshot = snapshots.newest(self._snapshots, damaged)
        found = settle(self.folder, seq, said is None, self._disk, damaged)
        copied = keeping.copy_audit(self.folder, found.files[:-1], self._disk, damaged)
        self._tip = keeping.tip(self.folder, found.files[-1:], damaged)
        if found.files and found.files[-1].first > copied:
            self._file = found.files[-1]
            self._reopen(self._file)
        self._durable[0] = self._last = found.last_seq
        first_start = not found.last_seq and not damaged
        clean = first_start or (said == found.last_seq and not damaged)
        self._mark.unlink(missing_ok=True)
        sync_folder(self.folder)
        self.damaged = list(damaged)
        return Recovered(
            snapshot, seq, found.last_seq, found.last_at, found.offset_ms, clean, damaged, found.holes
        )

    def _refusable(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except (sqlite3.Error, OSError) as error:
            raise refused(error) from error

    @property
    def _snapshots(self) -> Path:
        return self.folder / "snapshots"

    @property
    def _plans(self) -> Path:
        return self.folder / "plans"

    @property
    def _mark(self) -> Path:
        return self.folder / "clean"


def _inode(path: Path) -> tuple[int, int]:
    stat = path.stat()
    return stat.st_dev, stat.st_ino
