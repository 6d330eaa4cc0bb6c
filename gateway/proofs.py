"""Proof of every deletion: an append-only chain that says what went, never what it was; and what must not come back.

`proofs.sqlite` lies apart from the views because it cannot be made again from the journal. A line's `hash` is SHA-256
over the line before it and the line itself, made as the audit's (`gateway.journal.audit.link`), so one tool checks
both. Lines hold counts, times, names of metrics and of points, an actor's id and a word for the reason: no measured
value and no text that somebody typed.

An erasure is also remembered, until it can mean nothing any more: what arrived before it is left out of everything
that is written to a store later, so that neither a store that was away nor one that is filled again from the journal
brings it back.
"""

from __future__ import annotations

import sqlite3
import threading
from itertools import compress
from pathlib import Path
from typing import Any, Final

import msgspec

from gateway.journal.audit import GENESIS, link
from gateway.series import Batch, Deletion, Selection

POINTS_SHOWN: Final = 200
"""Points a line names; of more it says how many. A household has some dozens."""

PICTURES_CLASS: Final = "pictures"
"""What is owed in this class is `gateway.evidence`'s to finish, and no store's."""

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS proofs(
  seq INTEGER PRIMARY KEY, utc INTEGER NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL, previous BLOB NOT NULL,
  hash BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS erased(point TEXT PRIMARY KEY, before INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS owed(
  id INTEGER PRIMARY KEY, store TEXT NOT NULL, class TEXT NOT NULL, selection BLOB NOT NULL, why BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS swept(store TEXT, class TEXT, before INTEGER NOT NULL, PRIMARY KEY (store, class));
"""

_encode: Final = msgspec.json.Encoder(order="sorted").encode
_unpack: Final = msgspec.msgpack.Decoder(Selection).decode


class Why(msgspec.Struct, frozen=True):
    """On whose word: `by` is `retention` or an actor (`user:...`, `key:...`, `local`); `reason` a setting or a word.

    `case` is the number under which the request is kept elsewhere, if it has one.
    """

    by: str
    reason: str
    case: str = ""


class Proof(msgspec.Struct, frozen=True):
    """One line. `utc` in milliseconds; `body` is JSON as it was hashed; hashes in hex."""

    seq: int
    utc: int
    kind: str  # retention, erased
    body: str
    previous: str
    hash: str


class Owed(msgspec.Struct, frozen=True):
    """A deletion that was begun, or that a store could not do yet."""

    id: int
    store: str
    klass: str
    selection: Selection
    why: Why


class Proofs:
    """Safe from several threads; methods block for milliseconds. Raises sqlite3.Error where the disk refuses."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.executescript(_SCHEMA)
        self._erased: dict[str, int] = dict(self._connection.execute("SELECT point, before FROM erased"))
        self._newest = max(self._erased.values(), default=0)
        found = self._connection.execute("SELECT max(seq) FROM proofs").fetchone()[0]
        self.count: int = found or 0
        """Lines there are: whoever keeps an answer of stored readings compares it."""

    def add(self, store: str, klass: str, selection: Selection, gone: Deletion, why: Why, now: int) -> Proof:
        """Append a line for what a store took away. `klass` is a privacy class, or `points` or `days`."""
        points = selection.points
        body = {
            "store": store, "class": klass, "before": selection.before, "rows": gone.rows,
            "first_at": gone.first_at, "last_at": gone.last_at, "by": why.by, "reason": why.reason, "case": why.case,
            "points": None if points is None else points[:POINTS_SHOWN],
            "points_total": None if points is None else len(points), "metrics": selection.metrics,
        }  # fmt: skip
        text = _encode(body).decode()
        kind = "retention" if why.by == "retention" else "erased"
        with self._lock, self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            last = self._connection.execute(
                "SELECT seq, hash FROM proofs ORDER BY seq DESC LIMIT 1"
            ).fetchone()
            seq, previous = (last[0] + 1, last[1]) if last else (1, GENESIS)
            made = link(previous, seq, now, kind, text)
            self._connection.execute(
                "INSERT INTO proofs VALUES (?, ?, ?, ?, ?, ?)", (seq, now, kind, text, previous, made)
            )
            self.count = seq
        return Proof(seq, now, kind, text, previous.hex(), made.hex())

    def lines(self, after: int = 0, limit: int = 1_000) -> list[Proof]:
        """Lines behind the seq `after`, in order."""
        query = "SELECT seq, utc, kind, body, previous, hash FROM proofs WHERE seq > ? ORDER BY seq LIMIT ?"
        with self._lock:
            found = self._connection.execute(query, (after, limit)).fetchall()
        return [
            Proof(seq, utc, kind, body, before.hex(), own.hex())
            for seq, utc, kind, body, before, own in found
        ]

    def broken_at(self) -> int | None:
        """The seq of the first line that does not follow from the one before it; None where the chain holds."""
        after, previous = 0, GENESIS.hex()
        while found := self.lines(after):
            for line in found:
                made = link(bytes.fromhex(previous), line.seq, line.utc, line.kind, line.body).hex()
                if (line.seq, line.previous, line.hash) != (after + 1, previous, made):
                    return after + 1
                after, previous = line.seq, line.hash
        return None

    # -- what must not come back ------------------------------------------------------------------------------

    def forbid(self, selection: Selection) -> None:
        """From now on nothing of these points that arrived before is written again."""
        rows = [(point, selection.before) for point in selection.points or ()]
        query = (
            "INSERT INTO erased VALUES (?, ?) "
            "ON CONFLICT(point) DO UPDATE SET before = max(before, excluded.before)"
        )
        with self._lock, self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany(query, rows)
            self._erased.update((p, max(b, self._erased.get(p, 0))) for p, b in rows)
            self._newest = max(self._newest, selection.before)

    def allowed(self, batch: Batch) -> Batch:
        """The batch without what was erased. Of news it looks at one number."""
        if not batch.at or batch.at[0] >= self._newest:
            return batch
        with self._lock:
            kept = [at >= self._erased.get(p, 0) for p, at in zip(batch.point, batch.at, strict=True)]
        if all(kept):
            return batch
        columns: dict[str, Any] = {
            name: list(compress(getattr(batch, name), kept))
            for name in ("seq", "n", "at", "point", "number", "text", "measured_at", "flags")
        }
        return msgspec.structs.replace(batch, kind=bytes(compress(batch.kind, kept)), **columns)

    def forgive(self, before: int) -> None:
        """Forget erasures older than any reading that is kept anywhere (UTC ms)."""
        with self._lock, self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.execute("DELETE FROM erased WHERE before < ?", (before,))
            self._erased = {p: b for p, b in self._erased.items() if b >= before}

    # -- what a store still owes ------------------------------------------------------------------------------

    def owe(self, store: str, klass: str, selection: Selection, why: Why) -> int:
        """Written before anything is deleted, so that no deletion is without its line, whenever we are cut off."""
        packed = (store, klass, msgspec.msgpack.encode(selection), msgspec.msgpack.encode(why))
        with self._lock, self._connection:
            made = self._connection.execute(
                "INSERT INTO owed(store, class, selection, why) VALUES (?, ?, ?, ?)", packed
            )
            return int(made.lastrowid or 0)

    def owed(self) -> list[Owed]:
        """What is still to be done, the oldest first."""
        with self._lock:
            found = self._connection.execute(
                "SELECT id, store, class, selection, why FROM owed ORDER BY id"
            ).fetchall()
        return [
            Owed(name, store, klass, _unpack(selection), msgspec.msgpack.decode(why, type=Why))
            for name, store, klass, selection, why in found
        ]

    def done(self, owed: int) -> None:
        with self._lock, self._connection:
            self._connection.execute("DELETE FROM owed WHERE id = ?", (owed,))

    # -- how far retention has got ----------------------------------------------------------------------------

    def swept(self, store: str, klass: str) -> int:
        """Before when (UTC ms) readings of the class are gone from the store already; 0 for never."""
        query = "SELECT before FROM swept WHERE store = ? AND class = ?"
        with self._lock:
            found = self._connection.execute(query, (store, klass)).fetchone()
        return found[0] if found else 0

    def sweep_done(self, store: str, klass: str, before: int) -> None:
        query = "INSERT INTO swept VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET before = excluded.before"
        with self._lock, self._connection:
            self._connection.execute(query, (store, klass, before))

    def close(self) -> None:
        with self._lock:
            self._connection.close()
