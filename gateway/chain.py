"""Lines that follow from one another by their hashes, in an SQLite file of their own: nobody changes one unseen."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

import structlog

from gateway.journal.audit import GENESIS, AuditRow, link
from gateway.views.tables import set_aside

T = TypeVar("T")

log = structlog.get_logger(__name__)

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS {table}(
  seq INTEGER PRIMARY KEY, utc INTEGER NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL,
  previous BLOB NOT NULL, hash BLOB NOT NULL
);
"""


def open_beside(path: Path, schema: str = "") -> sqlite3.Connection:
    """A file of what the journal cannot give again: what is committed is on disk. For threads that share a lock.

    Raises sqlite3.Error.
    """
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.executescript(schema)
    return connection


def mended(path: Path, opened: Callable[[Path], T]) -> T:
    """`opened(path)`; a file that is damaged is set aside first, under a name that says so, and begins anew.

    For what people read beside the alarms: a page without its old notes is worth more than none. Raises sqlite3.Error
    where the disk refuses.
    """
    try:
        return opened(path)
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError as error:
        aside = set_aside(path)
        log.error(
            "a damaged file is set aside and begins anew", file=str(path), kept=str(aside), reason=str(error)
        )
        return opened(path)


class Chain:
    """The chain in `table` of a connection, made if absent; `lock` guards the connection. Raises sqlite3.Error.

    A line's `hash` is SHA-256 over the hash before it and the line itself, made as the audit's
    (`gateway.journal.audit.link`), so one tool checks all of them. Only the oldest end may be deleted.
    """

    def __init__(self, connection: sqlite3.Connection, lock: threading.Lock, table: str) -> None:
        connection.executescript(_SCHEMA.format(table=table))
        self._connection, self._lock = connection, lock
        columns = f"SELECT seq, utc, kind, body, previous, hash FROM {table}"  # noqa: S608  our own table
        self._last = f"{columns} ORDER BY seq DESC LIMIT 1"
        self._behind = f"{columns} WHERE seq > ? ORDER BY seq LIMIT ?"
        self._insert = f"INSERT INTO {table} VALUES (?, ?, ?, ?, ?, ?)"  # noqa: S608  our own table
        last = self._connection.execute(self._last).fetchone()
        self.seq: int = last[0] if last else 0
        """The newest line's; 0 before the first."""

    def add(self, kind: str, body: str, now: int) -> AuditRow:
        """Append a line; it is on disk when this returns."""
        with self._lock, self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            last = self._connection.execute(self._last).fetchone()
            seq, previous = (last[0] + 1, last[5]) if last else (1, GENESIS)
            made = link(previous, seq, now, kind, body)
            self._connection.execute(self._insert, (seq, now, kind, body, previous, made))
            self.seq = seq
        return AuditRow(seq, now, kind, body, previous.hex(), made.hex())

    def lines(self, after: int = 0, limit: int = 1_000) -> list[AuditRow]:
        """Lines behind the seq `after`, in order."""
        with self._lock:
            found = self._connection.execute(self._behind, (after, limit)).fetchall()
        return [AuditRow(s, u, k, b, before.hex(), own.hex()) for s, u, k, b, before, own in found]

    def broken_at(self, *, from_first: bool) -> int | None:
        """The seq of the first line that does not follow from the one before it; None where the chain holds.

        Without `from_first` the oldest line kept is believed: what it followed may be gone in good order.
        """
        after, previous = 0, GENESIS.hex() if from_first else ""
        while found := self.lines(after):
            for line in found:
                if not previous:
                    after, previous = line.seq - 1, GENESIS.hex() if line.seq == 1 else line.previous
                made = link(bytes.fromhex(previous), line.seq, line.utc, line.kind, line.body).hex()
                if (line.seq, line.previous, line.hash) != (after + 1, previous, made):
                    return line.seq
                after, previous = line.seq, line.hash
        return None
