"""The log of looks: who of which unit saw which picture, when and why; a chain of hashes, kept three years.

State Council Order 799, article 16: a log of every look-up with reason, content, person and unit. Network Data Security
Regulations, article 12: records of passing personal data on are kept at least three years. A line's hash is made as the
audit's (`gateway.journal.audit.link`), and the file itself refuses changes: lines only go from the oldest end, once
they are three years older than the newest.
"""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path
from typing import Final, Literal

import msgspec

from gateway.journal.audit import GENESIS, link

KEPT_MS: Final = 3 * 366 * 86_400_000

Kind = Literal["link", "look", "asked", "granted", "original", "hold", "hold_ended"]

_SCHEMA: Final = f"""
CREATE TABLE IF NOT EXISTS looks(
  seq INTEGER PRIMARY KEY AUTOINCREMENT, utc INTEGER NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL,
  previous BLOB NOT NULL, hash BLOB NOT NULL
);
CREATE TRIGGER IF NOT EXISTS unchanged BEFORE UPDATE ON looks
BEGIN SELECT RAISE(ABORT, 'a look is never changed'); END;
CREATE TRIGGER IF NOT EXISTS three_years BEFORE DELETE ON looks
WHEN old.utc > (SELECT max(utc) FROM looks) - {KEPT_MS}
BEGIN SELECT RAISE(ABORT, 'a look is kept three years'); END;
"""  # noqa: S608  made of a constant
_SELECT: Final = "SELECT seq, utc, kind, body, previous, hash FROM looks WHERE seq > ? ORDER BY seq LIMIT ?"
_encode: Final = msgspec.json.Encoder(order="sorted").encode


class Look(msgspec.Struct, frozen=True):
    """What is written of one look. `who` and `by` are actors (a person or a key), `by` who let them where another did.

    `what` is a picture's or an event's id.
    """

    who: str
    unit: str
    why: str
    what: str
    camera: str
    place: str
    by: str = ""
    case: str = ""


class Line(msgspec.Struct, frozen=True):
    """One line. `utc` in milliseconds; `body` is JSON as it was hashed; hashes in hex."""

    seq: int
    utc: int
    kind: str
    body: str
    previous: str
    hash: str


class Looks:
    """Safe from several threads; every line is on disk when `add` returns. Raises sqlite3.Error: then show nothing."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.executescript(_SCHEMA)
        path.chmod(0o600)

    def add(self, kind: Kind, look: Look, now: int) -> Line:
        """Write it down, before anything is shown."""
        text = _encode(look).decode()
        with self._lock, self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            last = self._connection.execute(
                "SELECT seq, hash FROM looks ORDER BY seq DESC LIMIT 1"
            ).fetchone()
            seq, previous = (last[0] + 1, last[1]) if last else (1, GENESIS)
            made = link(previous, seq, now, kind, text)
            self._connection.execute(
                "INSERT INTO looks VALUES (?, ?, ?, ?, ?, ?)", (seq, now, kind, text, previous, made)
            )
        return Line(seq, now, kind, text, previous.hex(), made.hex())

    def lines(self, after: int = 0, limit: int = 1_000) -> list[Line]:
        """Lines behind the seq `after`, in order."""
        with self._lock:
            found = self._connection.execute(_SELECT, (after, limit)).fetchall()
        return [Line(s, u, k, b, before.hex(), own.hex()) for s, u, k, b, before, own in found]

    def line(self, seq: int) -> Line | None:
        """One line; None where it is none or gone."""
        found = self.lines(seq - 1, 1)
        return found[0] if found and found[0].seq == seq else None

    def broken_at(self) -> int | None:
        """The seq of the first line that does not follow from the one before it; None where the chain holds.

        The oldest line kept is believed: what it followed may be gone after its three years.
        """
        after, previous = 0, ""
        while found := self.lines(after):
            for line in found:
                made = link(bytes.fromhex(line.previous), line.seq, line.utc, line.kind, line.body).hex()
                if line.hash != made or (previous and (line.seq, line.previous) != (after + 1, previous)):
                    return line.seq
                if line.seq == 1 and line.previous != GENESIS.hex():
                    return 1
                after, previous = line.seq, line.hash
        return None

    def sweep(self, now: int) -> int:
        """Lines older than three years go, save the newest; gives how many went."""
        with self._lock, self._connection:
            query = (
                "DELETE FROM looks WHERE seq < (SELECT coalesce(min(seq), 0) FROM looks WHERE utc >= min(?, "
                "(SELECT max(utc) FROM looks)) - ?)"
            )
            return self._connection.execute(query, (now, KEPT_MS)).rowcount

    def close(self) -> None:
        with self._lock:
            self._connection.close()
