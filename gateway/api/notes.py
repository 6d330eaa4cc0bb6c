"""What people write about an incident: the text beside the journal, which holds only the note's id.

`notes.sqlite` lies apart from the views because it cannot be made again from the journal.
"""

from __future__ import annotations

import secrets
import threading
from pathlib import Path
from typing import Final

import msgspec

from gateway.chain import open_beside

TEXT_MAX: Final = 500
NOTES_MAX: Final = 200  # shown with one incident

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS notes(
  id TEXT PRIMARY KEY, incident TEXT NOT NULL, person TEXT NOT NULL, role TEXT NOT NULL, at INTEGER NOT NULL,
  text TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS notes_incident ON notes(incident, at);
"""


class Note(msgspec.Struct, frozen=True):
    """One note; `at` is UTC ms."""

    id: str
    incident: str
    person: str
    role: str
    at: int
    text: str


class Notes:
    """Safe from several threads; methods block for milliseconds."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._connection = open_beside(path, _SCHEMA)

    def add(
        self, incident: str, person: str, role: str, at: int, text: str, identity: str | None = None
    ) -> str:
        """Keep a note and give its id. The same `identity` again changes nothing."""
        name = identity or f"note-{secrets.token_hex(8)}"
        with self._lock:
            self._connection.execute(
                "INSERT OR IGNORE INTO notes VALUES (?, ?, ?, ?, ?, ?)",
                (name, incident, person, role, at, text[:TEXT_MAX]),
            )
        return name

    def of(self, incident: str) -> list[Note]:
        """The notes of an incident, oldest first; the newest NOTES_MAX of them."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT id, incident, person, role, at, text FROM notes WHERE incident = ? ORDER BY at DESC LIMIT ?",
                (incident, NOTES_MAX),
            ).fetchall()
        return [Note(*row) for row in reversed(rows)]

    def sweep(self, before: int) -> None:
        """Forget notes written before that time (UTC ms)."""
        with self._lock:
            self._connection.execute("DELETE FROM notes WHERE at < ?", (before,))

    def close(self) -> None:
        with self._lock:
            self._connection.close()
