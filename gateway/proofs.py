"""Proof of every deletion: an append-only chain that says what went, never what it was; and what must not come back.

`proofs.sqlite` lies apart from the views because it cannot be made again from the journal. Its lines are a
`gateway.chain.Chain`; they hold counts, times, names of metrics and of points, an actor's id and a word for the reason:
no measured value and no text that somebody typed.

An erasure is also remembered, until it can mean nothing any more: what arrived before it is left out of everything
that is written to a store later, so that neither a store that was away nor one that is filled again from the journal
brings it back.
"""

from __future__ import annotations

import threading
from itertools import compress
from pathlib import Path
from typing import Any, Final

import msgspec

from gateway.chain import Chain, open_beside
from gateway.journal.audit import AuditRow
from gateway.series import Batch, Deletion, Selection

POINTS_SHOWN: Final = 200
"""Points a line names; of more it says how many. A household has some dozens."""

PICTURES_CLASS: Final = "pictures"
"""What is owed in this class is `gateway.evidence`'s to finish, and no store's."""

_SCHEMA: Final = """
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
        self._connection = open_beside(path, _SCHEMA)
        self._chain = Chain(self._connection, self._lock, "proofs")
        self._erased: dict[str, int] = dict(self._connection.execute("SELECT point, before FROM erased"))
        self._newest = max(self._erased.values(), default=0)

    @property
    def count(self) -> int:
        """Lines there are: whoever keeps an answer of stored readings compares it."""
        return self._chain.seq

    def add(
        self, store: str, klass: str, selection: Selection, gone: Deletion, why: Why, now: int
    ) -> AuditRow:
        """Append a line for what a store took away. `klass` is a privacy class, or `points` or `days`."""
        points = selection.points
        body = {
            "store": store, "class": klass, "before": selection.before, "rows": gone.rows,
            "first_at": gone.first_at, "last_at": gone.last_at, "by": why.by, "reason": why.reason, "case": why.case,
            "points": None if points is None else points[:POINTS_SHOWN],
            "points_total": None if points is None else len(points), "metrics": selection.metrics,
        }  # fmt: skip
        kind = "retention" if why.by == "retention" else "erased"
        return self._chain.add(kind, _encode(body).decode(), now)

    def lines(self, after: int = 0, limit: int = 1_000) -> list[AuditRow]:
        """Lines behind the seq `after`, in order."""
        return self._chain.lines(after, limit)

    def broken_at(self) -> int | None:
        """The seq of the first line that does not follow from the one before it; None where the chain holds."""
        return self._chain.broken_at(from_first=True)

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
