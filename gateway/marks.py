"""Marks on the time line: when we were blind, and when alarms were shelved or out of service; what charts write beside.

Incidents and drills are in the views for as long as these; here is what the views keep only while it lasts. Rows come
from the journal, which the follower reads again from where the views stood, so each has a key and may come twice.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from gateway.core.effect import AlarmChanged, AlarmDoc
from gateway.core.event import Clocked, Gap
from gateway.journal import Row, walk

MARKS_MAX: Final = 500

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS marks(
  kind TEXT, subject TEXT, since INTEGER, until INTEGER NOT NULL, place TEXT NOT NULL, detail TEXT NOT NULL,
  PRIMARY KEY (kind, subject, since)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS marks_by_end ON marks(until);
"""
_BEGIN: Final = "INSERT OR IGNORE INTO marks VALUES (?, ?, ?, ?, ?, ?)"
_STANDING: Final = (
    "SELECT since, until FROM marks WHERE kind = ? AND subject = ? AND since <= ? AND until > ?"
)
_MOVE: Final = "UPDATE marks SET until = ? WHERE kind = ? AND subject = ? AND since = ?"


class Mark(msgspec.Struct, frozen=True):
    """`kind`: `blind` (subject: a source, empty for all), `shelved` or `out_of_service` (an alarm). Times UTC ms.

    `until` is when it is planned to end where that is not past yet. `place` is empty for `blind`; `detail` is the
    reason's word, or the device.
    """

    kind: str
    subject: str
    since: int
    until: int
    place: str
    detail: str


class Marks:
    """`apply` from one thread, everything else from any."""

    def __init__(self, path: Path | str = ":memory:") -> None:
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.executescript(_SCHEMA)
        self._suspended = {
            (kind, subject)
            for kind, subject in self._connection.execute(
                "SELECT kind, subject FROM marks WHERE kind != 'blind'"
            )
        }
        self.changes = 0

    def apply(self, rows: Sequence[Row]) -> None:
        """Fold rows in; most hold nothing for us and cost next to nothing. Raises sqlite3.Error."""
        found: list[tuple[int, Any]] = []
        for row in rows:
            if any(type(event) is Gap for _, event in row.events):
                found += [(utc - at, event) for _, at, utc, event in walk(row) if type(event) is Gap]
            docs = [(h.seq, h.result.doc) for h in row.happened if type(h.result) is AlarmChanged]
            if docs:
                times = {seq: utc for seq, _, utc, event in walk(row) if type(event) is not Clocked}
                found += [
                    (times.get(seq, 0), doc) for seq, doc in docs if times.get(seq) and self._concerns(doc)
                ]
        if not found:
            return
        with self._lock, self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            for number, what in found:
                if isinstance(what, Gap):
                    blind = (
                        "blind",
                        what.source or "",
                        what.since + number,
                        what.until + number,
                        "",
                        what.reason,
                    )
                    self._connection.execute(_BEGIN, blind)
                else:
                    self._alarm(what, number)
            self.changes += 1

    def _concerns(self, doc: AlarmDoc) -> bool:
        return (
            doc.shelved_until is not None
            or doc.out_of_service_until is not None
            or ("shelved", doc.id) in self._suspended
            or ("out_of_service", doc.id) in self._suspended
        )

    def _alarm(self, doc: AlarmDoc, at: int) -> None:
        """Begin, prolong or end what stands beside the alarm."""
        for kind, until in (("shelved", doc.shelved_until), ("out_of_service", doc.out_of_service_until)):
            row = self._connection.execute(_STANDING, (kind, doc.id, at, at)).fetchone()
            if row is not None:
                self._connection.execute(_MOVE, (at if until is None else until, kind, doc.id, row[0]))
            elif until is not None and until > at:
                self._connection.execute(_BEGIN, (kind, doc.id, at, until, doc.place or doc.site, doc.device))
                self._suspended.add((kind, doc.id))

    def within(self, since: int, until: int) -> list[Mark]:
        """What touches the window (UTC ms), by time; the newest MARKS_MAX."""
        query = (
            "SELECT kind, subject, since, until, place, detail FROM marks WHERE until > ? AND since < ? "
            "ORDER BY since DESC LIMIT ?"
        )
        with self._lock:
            found = self._connection.execute(query, (since, until, MARKS_MAX)).fetchall()
        return [Mark(*row) for row in reversed(found)]

    def sweep(self, before: int) -> None:
        """Forget what ended before (UTC ms)."""
        with self._lock:
            self._connection.execute("DELETE FROM marks WHERE until < ?", (before,))

    def close(self) -> None:
        with self._lock:
            self._connection.close()
