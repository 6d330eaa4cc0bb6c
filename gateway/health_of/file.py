"""`health.sqlite`: the records of all devices across restarts; what is damaged is set aside and learned anew."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec
import structlog

from gateway.health_of.record import DAY_MS, Record
from gateway.views.tables import connect, set_aside

VERSION: Final = 1
FORGOTTEN_MS: Final = 400 * DAY_MS  # a device not heard for longer begins anew
SCHEMA: Final = """
CREATE TABLE devices(id TEXT PRIMARY KEY, record BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE cursor(one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER NOT NULL);
INSERT INTO cursor VALUES (1, 0);
"""
PUT: Final = "INSERT INTO devices VALUES (?, ?) ON CONFLICT(id) DO UPDATE SET record = excluded.record"

log = structlog.get_logger(__name__)
_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Record).decode


class HealthFile:
    """The file of one process. Nothing in it is needed for an alarm: whatever is wrong with it, it is made again."""

    def __init__(self, path: Path) -> None:
        """Open or make it. Raises sqlite3.OperationalError where the disk refuses."""
        self.path = path
        try:
            self._file = _opened(path)
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError as error:
            log.error("what was learned of devices is damaged and begins anew", reason=str(error))
            set_aside(path)
            self._file = _opened(path)

    def load(self) -> tuple[int, dict[str, Record]]:
        """How far the records reach, and the records; none of a file that cannot be read."""
        try:
            seq = int(self._file.execute("SELECT seq FROM cursor").fetchone()[0])
            found = {
                name: _decode(blob) for name, blob in self._file.execute("SELECT id, record FROM devices")
            }
        except (sqlite3.DatabaseError, msgspec.MsgspecError, TypeError) as error:
            log.error("what was learned of devices cannot be read and begins anew", reason=str(error))
            self.restart()
            return 0, {}
        newest = max((r.last_at for r in found.values()), default=0)
        return seq, {name: r for name, r in found.items() if newest - r.last_at < FORGOTTEN_MS}

    def save(self, seq: int, records: Iterable[tuple[str, bytes]]) -> None:
        """Records with how far they reach, both or neither. Raises sqlite3.Error."""
        self._file.execute("BEGIN IMMEDIATE")
        try:
            self._file.executemany(PUT, records)
            self._file.execute("UPDATE cursor SET seq = ?", (seq,))
            self._file.execute("COMMIT")
        except BaseException:
            if self._file.in_transaction:  # a full disk has ended it already
                self._file.execute("ROLLBACK")
            raise

    def restart(self) -> None:
        """Keep the file aside and begin an empty one."""
        self._file.close()
        set_aside(self.path)
        self._file = _opened(self.path)

    def close(self) -> None:
        self._file.close()


def packed(record: Record) -> bytes:
    """A record as it is stored."""
    return _encode(record)


def read_only(path: Path) -> dict[str, Record]:
    """The records of a file that another process may hold; none where there is no file. Raises sqlite3.Error."""
    if not path.exists():
        return {}
    file = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    try:
        return {
            name: _decode(blob) for name, blob in file.execute("SELECT id, record FROM devices ORDER BY id")
        }
    finally:
        file.close()


def _opened(path: Path) -> sqlite3.Connection:
    file = connect(path)
    try:
        found = file.execute("PRAGMA user_version").fetchone()[0]
        if not found:
            file.executescript(f"BEGIN; {SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;")
        elif found != VERSION:
            raise sqlite3.DatabaseError(f"version {found}; this release knows {VERSION}")
    except BaseException:
        file.close()
        raise
    return file
