"""The files an hour long: their names, their tables, and how each is opened."""

from __future__ import annotations

import re
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

from gateway.errors import JournalNewer
from gateway.journal.disk import Disk, remove, sync_folder

SCHEMA_VERSION: Final = 1
AUDIT_TABLE: Final = """
CREATE TABLE audit(seq INTEGER PRIMARY KEY AUTOINCREMENT, utc INTEGER NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL,
    previous BLOB NOT NULL, hash BLOB NOT NULL);
"""  # AUTOINCREMENT: SQLite then remembers the highest seq ever, which tells when the last row was taken away
SCHEMA: Final = f"""{AUDIT_TABLE}
CREATE TABLE rows(first INTEGER PRIMARY KEY, last INTEGER NOT NULL, at INTEGER NOT NULL, offset_ms INTEGER NOT NULL,
    format INTEGER NOT NULL, blob BLOB NOT NULL);
PRAGMA user_version = {SCHEMA_VERSION};
"""

BUSY_S: Final = 1.0  # nobody else writes; a reader may be recovering the write-ahead log
CHECKPOINT_PAGES: Final = 1000  # 4 MB: the most a commit copies where `tidy` is not called
NEW: Final = ".new"
SALVAGED: Final = ".salvaged"

_NAME: Final = re.compile(r"(\d{10})-(\d{1,19})\.sqlite")


class HourFile(NamedTuple):
    """A file of the journal. No row in it begins before `first`, none ends at or after the next file's."""

    first: int
    hour: str
    path: Path


def hour_of(utc: int) -> str:
    """`YYYYMMDDHH` of a UTC in milliseconds."""
    return datetime.fromtimestamp(utc / 1000, UTC).strftime("%Y%m%d%H").zfill(10)


def listing(folder: Path) -> list[HourFile]:
    """The journal's files in the order of their rows. Raises OSError."""
    found = [
        HourFile(int(match[2]), match[1], path)
        for path in folder.iterdir()
        if (match := _NAME.fullmatch(path.name))
    ]
    return sorted(found)


def connect(path: Path, synchronous: str | None = None, *, salvaging: bool = False) -> sqlite3.Connection:
    """Open an existing file: to write with `synchronous`, else to read. Raises sqlite3.Error, JournalNewer.

    `salvaging` also opens one that is shorter than its header says. A writer may have been killed in the middle of a
    change that only a writer can undo: then one is opened for that, before the one that only reads.
    """
    try:
        return _connect(path, synchronous, salvaging)
    except sqlite3.OperationalError as error:
        code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
        if synchronous is not None or code != sqlite3.SQLITE_READONLY:
            raise
    _connect(path, "FULL", salvaging).close()
    return _connect(path, None, salvaging)


def _connect(path: Path, synchronous: str | None, salvaging: bool) -> sqlite3.Connection:
    mode = "ro" if synchronous is None else "rw"
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        isolation_level=None,
        timeout=BUSY_S,
        check_same_thread=False,  # each has one user at a time, not always in the thread that opened it
    )
    connection.text_factory = _text
    try:
        if salvaging:  # what makes SQLite read on: btree.c, lockBtree
            connection.execute("PRAGMA writable_schema = ON")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > SCHEMA_VERSION:
            raise JournalNewer(path, version, SCHEMA_VERSION)
        if synchronous is not None:
            connection.execute(f"PRAGMA synchronous = {synchronous}")
            connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
    except BaseException:
        connection.close()
        raise
    return connection


def connect_writer(path: Path, synchronous: str) -> sqlite3.Connection:
    """Open a file to append to it, also one that was sealed. Raises sqlite3.Error, JournalNewer."""
    connection = connect(path, synchronous)
    try:
        log_on(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def log_on(connection: sqlite3.Connection) -> None:
    """Have the file use a write-ahead log, which lets readers and the writer be. Raises sqlite3.Error."""
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise sqlite3.OperationalError(f"no write-ahead log on this file system ({mode})")


def _text(raw: bytes) -> str:
    """Damaged text reads as something else, which its hash tells, rather than as an error without a code."""
    return raw.decode(errors="replace")


def create(path: Path, schema: str, disk: Disk) -> None:
    """Make an empty file that nobody sees half-made. Raises sqlite3.Error, OSError."""
    beside = path.with_name(path.name + NEW)
    remove(beside)
    connection = sqlite3.connect(beside, isolation_level=None)
    try:
        log_on(connection)
        connection.execute(f"PRAGMA synchronous = {disk.synchronous}")
        connection.executescript(schema)
    finally:
        connection.close()
    disk.reached("create")
    beside.rename(path)
    sync_folder(path.parent)


def seal(connection: sqlite3.Connection) -> None:
    """Turn a file nobody writes any more into one without companions; one that is being read stays as it is."""
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        connection.execute("PRAGMA journal_mode = DELETE").fetchone()
    except sqlite3.OperationalError:
        return  # its log is read with it, and goes with it


def create_hour(folder: Path, utc: int, first: int, disk: Disk) -> HourFile:
    """A new file for rows from `first` on. Raises sqlite3.Error, OSError.

    One that was made for `first` before goes: whatever failed in it was never told to be there.
    """
    for old in listing(folder):
        if old.first >= first:
            remove(old.path)
    hour = hour_of(utc)
    path = folder / f"{hour}-{first}.sqlite"
    create(path, SCHEMA, disk)
    return HourFile(first, hour, path)


ROWS_AFTER: Final = """
SELECT first, last, at, offset_ms, format, blob FROM rows
WHERE first >= coalesce((SELECT max(first) FROM rows WHERE first <= :after), 0) AND last > :after
ORDER BY first LIMIT :limit
"""
"""Rows with events behind `:after`, the first of which may begin before it."""
