"""What is done at the start, and when a closed file will not read: look, set damage aside, carry over what is sound."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from gateway.errors import RowDamaged
from gateway.journal.audit import insert
from gateway.journal.disk import Disk, remove, set_aside, sync_folder
from gateway.journal.hours import NEW, ROWS_AFTER, SALVAGED, SCHEMA, HourFile, connect, create, listing
from gateway.journal.row import Packer, check, offset_after

SEQ_LEAP: Final = 1_000_000_000
"""Seqs left out where a lost end may have used some: more than an hour file can hold (277 000 a second).

An effect's id is made of its seq, and receivers take a second effect of one id for a repeat: no seq may serve twice.
"""


_ROWS: Final = "SELECT first, last, at, offset_ms, format, blob FROM rows ORDER BY first"
_AUDIT: Final = "SELECT seq, utc, kind, body, previous, hash FROM audit ORDER BY seq"


class Salvage(NamedTuple):
    """The file's new name, and the last seq it used, None where the end itself is lost."""

    name: str
    last: int | None


class Recovered(msgspec.Struct):
    """What `Journal.open` found.

    `snapshot` is the newest sound one and `snapshot_seq` its seq (None, 0). `last_seq` is the highest seq that may
    have been used: the next row begins after it. `last_at` and `offset_ms` are of the last row (0 without one).
    `clean` says that the last writer ended on purpose. `damaged` names files that were set aside; `holes` are the
    `(first, last)` seqs behind the snapshot that cannot be had: append a Gap after either.
    """

    snapshot: bytes | None
    snapshot_seq: int
    last_seq: int
    last_at: int
    offset_ms: int
    clean: bool
    damaged: list[str] = []
    holes: list[tuple[int, int]] = []


class Settled(NamedTuple):
    """The files that are left, in order, and what they say; see `Recovered`."""

    files: list[HourFile]
    last_seq: int
    last_at: int
    offset_ms: int
    holes: list[tuple[int, int]]


def settle(folder: Path, seq: int, unclean: bool, disk: Disk, damaged: list[str]) -> Settled:
    """Make every file readable that holds events behind the snapshot at `seq`; names set aside go to `damaged`.

    Raises sqlite3.Error, OSError, JournalNewer.
    """
    used = seq
    files = listing(folder)
    for index in range(len(files) - 1, -1, -1):
        file, newest = files[index], index == len(files) - 1
        if not newest and files[index + 1].first <= seq + 1:
            break
        if not sound(file.path, seq, whole=newest and unclean):
            found = salvage(file, disk)
            damaged.append(found.name)
            if found.last is not None:
                used = max(used, found.last)
            elif newest:
                used = max(used, file.first - 1, _last_row(listing(folder))[0]) + SEQ_LEAP
    files = listing(folder)
    if files and not _spans(files[-1].path, 0):  # made for a row that never came
        remove(files.pop().path)
    last, at, offset_ms = _last_row(files)
    used = max(used, last)
    holes = []
    expected = seq + 1
    for index, file in enumerate(files):
        if index == len(files) - 1 or files[index + 1].first > seq + 1:
            for first, end in _spans(file.path, seq):
                if first > expected:
                    holes.append((expected, first - 1))
                expected = end + 1
    if used >= expected:
        holes.append((expected, used))
    return Settled(files, used, at, offset_ms, holes)


def _spans(path: Path, after: int) -> list[tuple[int, int]]:
    connection = connect(path, "NORMAL")
    try:
        return connection.execute(
            "SELECT first, last FROM rows WHERE last > ? ORDER BY first", (after,)
        ).fetchall()
    finally:
        connection.close()


def _last_row(files: list[HourFile]) -> tuple[int, int, int]:
    """The last seq, its `at` and the offset in force after it; zeros where there is no row."""
    for file in reversed(files):
        connection = connect(file.path, "NORMAL")
        try:
            found = connection.execute(f"{_ROWS} DESC LIMIT 1").fetchone()
        finally:
            connection.close()
        if found is not None:
            row = Packer().unpack(file.path, found)
            return row.last, row.events[-1][0], offset_after(row)
    return 0, 0, 0


def tidy_up(folder: Path) -> None:
    """Finish or undo what a dying process left half done. Raises OSError."""
    for path in sorted(folder.rglob(f"*{NEW}")):
        remove(path)
    for path in sorted(folder.glob(f"*{SALVAGED}")):
        target = path.with_name(path.name.removesuffix(SALVAGED))
        if target.exists():
            remove(path)  # the damaged file was not set aside yet: it will be looked at again
        else:
            path.rename(target)
    sync_folder(folder)


def sound(path: Path, after: int, *, whole: bool) -> bool:
    """Whether every row behind the seq `after` is what we wrote; with `whole`, whether both tables read to their ends.

    Raises JournalNewer, and sqlite3.Error where the file cannot even be tried (permission, busy).
    """
    try:
        connection = connect(path, "NORMAL")  # not only to read: the last to close cleans up behind itself
        try:
            for stored in connection.execute(ROWS_AFTER, {"after": after, "limit": -1}):
                check(path, stored)
            if whole:  # leaf pages only: what a blob holds is checked when it is read
                connection.execute("SELECT max(last), max(at), max(format) FROM rows").fetchone()
                connection.execute("SELECT sum(length(body)), max(hash) FROM audit").fetchone()
            for stored in connection.execute(f"{_ROWS} DESC LIMIT 1"):
                check(path, stored)
        finally:
            connection.close()
    except RowDamaged:
        return False
    except sqlite3.Error as error:
        if is_damage(error):
            return False
        raise
    return True


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the error is about what the file holds, not about getting at it."""
    code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
    return code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_IOERR} or str(
        error
    ).startswith("no such table")


def salvage(file: HourFile, disk: Disk) -> Salvage:
    """Set a damaged file aside; a new one of its name holds every row that still reads.

    Raises sqlite3.Error, OSError.
    """
    carried = file.path.with_name(file.path.name + SALVAGED)
    remove(carried)
    building = file.path.with_name(file.path.name + SALVAGED + NEW)
    create(building, SCHEMA, disk)
    new = connect(building, disk.synchronous)
    try:
        new.execute("BEGIN IMMEDIATE")
        last = _carry(file.path, new)
        new.execute("COMMIT")
        (kept,) = new.execute("SELECT count(*) FROM rows").fetchone()
    finally:
        new.close()
    if kept:
        building.rename(carried)
        sync_folder(carried.parent)
    else:
        remove(building)
    name = set_aside(file.path)
    disk.reached("salvage")
    if kept:
        carried.rename(file.path)
        sync_folder(file.path.parent)
    return Salvage(name, last)


def _carry(path: Path, new: sqlite3.Connection) -> int | None:
    """Copy from both ends towards the damage; the last seq seen, None where the end does not read."""

    def row(found: Any) -> None:
        seqs.append(found[1])
        try:
            check(path, found)
        except RowDamaged:
            return
        new.execute("INSERT OR IGNORE INTO rows VALUES (?, ?, ?, ?, ?, ?)", found)

    def audit_row(found: Any) -> None:
        insert(new, [found])

    seqs: list[int] = []
    end = None
    try:
        old = connect(path, salvaging=True)
    except sqlite3.Error as error:
        if is_damage(error):
            return None
        raise
    try:
        if _each(old, f"{_ROWS} ASC", row):
            end = max(seqs, default=None)
        else:
            seqs.clear()
            _each(old, f"{_ROWS} DESC", row)
            end = seqs[0] if seqs else None
        if not _each(old, f"{_AUDIT} ASC", audit_row):
            _each(old, f"{_AUDIT} DESC", audit_row)
    finally:
        old.close()
    return end


def _each(connection: sqlite3.Connection, query: str, take: Callable[[Any], None]) -> bool:
    """Hand over rows until damage stops us; whether none did."""
    cursor: sqlite3.Cursor | None = None
    while True:
        try:
            cursor = connection.execute(query) if cursor is None else cursor
            found = cursor.fetchone()
        except sqlite3.Error as error:
            if is_damage(error):
                return False
            raise
        if found is None:
            return True
        take(found)
