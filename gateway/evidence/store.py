"""The evidence folder: rows in `evidence.sqlite`, pictures in files beside it, a folder a day, bounded in bytes.

Several processes use it at once: those with cameras add, the view reads, reviews and deletes.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from gateway.evidence.rows import DAY_MS, PULLED, CameraEvent, EventRow, PictureRow, Request, Verdict

FOLDER: Final = "evidence"  # in the data folder
BYTES_MAX: Final = 2_000_000_000  # about 60 000 pictures of 30 kB
EVENTS_MAX: Final = 500_000
WAIT_S: Final = 2.0  # for another process's transaction, which takes milliseconds
PAGE_MAX: Final = 500

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS events(
  id TEXT PRIMARY KEY, camera TEXT NOT NULL, place TEXT NOT NULL, site TEXT NOT NULL, zone TEXT NOT NULL,
  type TEXT NOT NULL, at INTEGER NOT NULL, score REAL, priority INTEGER, incident TEXT, simulated INTEGER NOT NULL,
  kept_at INTEGER NOT NULL, verdict TEXT, reviewed_by TEXT, reviewed_at INTEGER, held TEXT
);
CREATE INDEX IF NOT EXISTS events_of_camera ON events(camera, at);
CREATE INDEX IF NOT EXISTS events_of_incident ON events(incident, at) WHERE incident IS NOT NULL;
CREATE INDEX IF NOT EXISTS events_by_time ON events(at, id);
CREATE TABLE IF NOT EXISTS pictures(
  id TEXT PRIMARY KEY, event TEXT NOT NULL REFERENCES events(id), moment TEXT NOT NULL, at INTEGER NOT NULL,
  sha256 TEXT NOT NULL, bytes INTEGER NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL, original TEXT,
  expires INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS pictures_of_event ON pictures(event);
CREATE INDEX IF NOT EXISTS pictures_by_end ON pictures(expires);
CREATE TABLE IF NOT EXISTS requests(
  id TEXT PRIMARY KEY, picture TEXT NOT NULL, asked_by TEXT NOT NULL, unit TEXT NOT NULL, reason TEXT NOT NULL,
  asked_at INTEGER NOT NULL, granted_by TEXT, granted_at INTEGER
);
CREATE TABLE IF NOT EXISTS counts(what TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID;
"""
_UNREVIEWED: Final = f"verdict IS NULL AND type != '{PULLED}'"
_EVENT: Final = ", ".join(EventRow.__struct_fields__)
_PICTURE: Final = ", ".join(PictureRow.__struct_fields__)
_REQUEST: Final = ", ".join(Request.__struct_fields__)


class Evidence:
    """Safe from several threads; methods block for milliseconds. Raises sqlite3.Error, OSError."""

    def __init__(self, folder: Path, *, bytes_max: int = BYTES_MAX) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder, self.bytes_max = folder, bytes_max
        self._lock = threading.Lock()
        path = folder / "evidence.sqlite"
        self._connection = sqlite3.connect(
            path, timeout=WAIT_S, isolation_level=None, check_same_thread=False
        )
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.execute("PRAGMA secure_delete = ON")  # what is deleted is not left in free pages
        self._connection.executescript(_SCHEMA)
        path.chmod(0o600)

    # -- adding -----------------------------------------------------------------------------------------------

    def add_event(self, event: CameraEvent, now: int, *, day_max: int = EVENTS_MAX) -> bool:
        """Keep the event's row; False where it is there already, or `day_max` of that camera in the 24 hours before."""
        row = (
            event.id, event.camera, event.place, event.site, event.zone, event.type, event.at, event.score,
            event.priority, event.incident, int(event.simulated), now,
            event.camera, event.at - DAY_MS, event.at, day_max,
        )  # fmt: skip
        query = (
            "INSERT OR IGNORE INTO events(id, camera, place, site, zone, type, at, score, priority, incident, "
            "simulated, kept_at) SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? "
            "WHERE (SELECT count(*) FROM events WHERE camera = ? AND at > ? AND at <= ?) < ?"
        )
        with self._lock:
            return self._connection.execute(query, row).rowcount == 1

    def add_picture(self, row: PictureRow, jpeg: bytes, sealed: bytes | None) -> None:
        """Files first, then the row: what a crash leaves between is a file without a row, which the sweep removes."""
        _write(self.path_of(row, sealed=False), jpeg)
        if sealed is not None:
            _write(self.path_of(row, sealed=True), sealed)
        values = tuple(getattr(row, name) for name in PictureRow.__struct_fields__)
        query = f"INSERT OR REPLACE INTO pictures({_PICTURE}) VALUES ({', '.join('?' * len(values))})"  # noqa: S608  names of our own fields
        with self._lock:
            self._connection.execute(query, values)

    def count(self, what: str, n: int = 1) -> None:
        """Count what was not kept, by its reason."""
        query = "INSERT INTO counts VALUES (?, ?) ON CONFLICT(what) DO UPDATE SET n = n + excluded.n"
        with self._lock:
            self._connection.execute(query, (what, n))

    # -- reading ----------------------------------------------------------------------------------------------

    def event(self, event: str) -> EventRow | None:
        found = self._events("WHERE id = ?", (event,))
        return found[0] if found else None

    def events(
        self, before: tuple[int, str] | None = None, limit: int = PAGE_MAX, *, camera: str | None = None,
        unreviewed: bool = False,
    ) -> list[EventRow]:  # fmt: skip
        """Newest first, behind `(at, id)` of the last one seen."""
        wanted, values = ["1"], list[Any]()
        if camera is not None:
            wanted.append("camera = ?")
            values.append(camera)
        if unreviewed:
            wanted.append(_UNREVIEWED)
        if before is not None:
            wanted.append("(at, id) < (?, ?)")
            values += before
        return self._events(
            f"WHERE {' AND '.join(wanted)} ORDER BY at DESC, id DESC LIMIT ?", (*values, limit)
        )

    def of_incident(
        self, incident: str, cameras: Sequence[str], since: int, until: int, limit: int = PAGE_MAX
    ) -> list[EventRow]:
        """What was kept for the incident, or seen by these cameras from `since` to `until` (UTC ms), oldest first."""
        cameras = cameras[:PAGE_MAX]
        marks = ", ".join("?" * len(cameras))
        return self._events(
            f"WHERE incident = ? OR (incident IS NULL AND camera IN ({marks}) AND at BETWEEN ? AND ?) "
            "ORDER BY at, id LIMIT ?",
            (incident, *cameras, since, until, limit),
        )

    def picture(self, picture: str) -> PictureRow | None:
        found = self._pictures("WHERE id = ?", (picture,))
        return found[0] if found else None

    def pictures(self, events: Iterable[str]) -> list[PictureRow]:
        """Of these events (at most PAGE_MAX), in order of time."""
        wanted = tuple(events)[:PAGE_MAX]
        return self._pictures(f"WHERE event IN ({', '.join('?' * len(wanted))}) ORDER BY at, id", wanted)

    def expired(self, now: int, limit: int) -> list[PictureRow]:
        """Pictures past their time that no legal hold keeps, oldest first."""
        return self._pictures(
            "WHERE expires <= ? AND event IN (SELECT id FROM events WHERE held IS NULL) ORDER BY expires LIMIT ?",
            (now, limit),
        )

    def least(self, limit: int) -> list[PictureRow]:
        """Those that go first when room is needed: false alarms, then others, reviewed P1; oldest first.

        Never those of a P1 that nobody has judged, nor what is held.
        """
        query = (
            f"SELECT {', '.join('p.' + n for n in PictureRow.__struct_fields__)} FROM pictures p "  # noqa: S608  our own names
            "JOIN events e ON e.id = p.event WHERE e.held IS NULL AND (e.priority IS NOT 1 OR e.verdict IS NOT NULL) "
            "ORDER BY e.verdict IS NOT 'false', e.priority IS 1, p.at LIMIT ?"
        )
        with self._lock:
            return [PictureRow(*row) for row in self._connection.execute(query, (limit,)).fetchall()]

    def bytes(self) -> int:
        """Bytes of all pictures."""
        return int(self._one("SELECT coalesce(sum(bytes), 0) FROM pictures"))

    def figures(self) -> dict[str, int]:
        """For /metrics: rows, bytes, and what was not kept by its reason."""
        with self._lock:
            lost = {f"lost_{what}": n for what, n in self._connection.execute("SELECT what, n FROM counts")}
        return {
            "events": int(self._one("SELECT count(*) FROM events")),
            "unreviewed": int(self._one(f"SELECT count(*) FROM events WHERE {_UNREVIEWED}")),  # noqa: S608  a constant
            "pictures": int(self._one("SELECT count(*) FROM pictures")), "bytes": self.bytes(), **lost,
        }  # fmt: skip

    def judged(self, camera: str, since: int, until: int) -> dict[str, int]:
        """How many events of the camera in [since, until) have which verdict; `unreviewed` for none.

        Pictures that a sensor's alarm asked for are no word of the camera's.
        """
        query = (
            "SELECT coalesce(verdict, 'unreviewed'), count(*) FROM events "
            "WHERE camera = ? AND at >= ? AND at < ? AND type != ? GROUP BY 1"
        )
        with self._lock:
            return dict(self._connection.execute(query, (camera, since, until, PULLED)).fetchall())

    # -- what people decide -----------------------------------------------------------------------------------

    def review(self, event: str, verdict: Verdict, by: str, now: int, expires: int) -> None:
        """What a person says of it, the last word counting; its pictures then expire at `expires` (UTC ms)."""
        with self._lock, self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.execute(
                "UPDATE events SET verdict = ?, reviewed_by = ?, reviewed_at = ? WHERE id = ?",
                (verdict, by, now, event),
            )
            self._connection.execute("UPDATE pictures SET expires = ? WHERE event = ?", (expires, event))

    def hold(self, event: str, case: str | None) -> None:
        """Keep its pictures for a case, or no longer."""
        with self._lock:
            self._connection.execute("UPDATE events SET held = ? WHERE id = ?", (case, event))

    def ask(self, request: Request) -> None:
        """Keep a request for an original."""
        values = tuple(getattr(request, name) for name in Request.__struct_fields__)
        query = f"INSERT INTO requests({_REQUEST}) VALUES ({', '.join('?' * len(values))})"  # noqa: S608  our own names
        with self._lock:
            self._connection.execute(query, values)

    def request(self, request: str) -> Request | None:
        with self._lock:
            found = self._connection.execute(f"SELECT {_REQUEST} FROM requests WHERE id = ?", (request,))  # noqa: S608  our own names
            row = found.fetchone()
        return Request(*row) if row else None

    def requests(self, picture: str, since: int) -> list[Request]:
        """Requests for a picture's original that were made after `since` (UTC ms), oldest first."""
        query = f"SELECT {_REQUEST} FROM requests WHERE picture = ? AND asked_at > ? ORDER BY asked_at"  # noqa: S608  our own names
        with self._lock:
            return [Request(*row) for row in self._connection.execute(query, (picture, since)).fetchall()]

    def grant(self, request: str, by: str, now: int) -> bool:
        """Let a request through; False where somebody already did."""
        query = "UPDATE requests SET granted_by = ?, granted_at = ? WHERE id = ? AND granted_by IS NULL"
        with self._lock:
            return self._connection.execute(query, (by, now, request)).rowcount == 1

    # -- taking away ------------------------------------------------------------------------------------------

    def remove(self, pictures: Sequence[PictureRow]) -> None:
        """The files, then the rows: a picture is gone when its row is, whatever cuts us off."""
        for row in pictures:
            for sealed in (False, True):
                self.path_of(row, sealed=sealed).unlink(missing_ok=True)
        with self._lock, self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany("DELETE FROM pictures WHERE id = ?", [(row.id,) for row in pictures])

    def forget(self, events_before: int, requests_before: int) -> None:
        """Rows of events without pictures from before, and beyond EVENTS_MAX; and old requests (UTC ms)."""
        bare = "id NOT IN (SELECT event FROM pictures) AND held IS NULL"
        with self._lock, self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.execute(f"DELETE FROM events WHERE at < ? AND {bare}", (events_before,))  # noqa: S608  a constant
            self._connection.execute(
                f"DELETE FROM events WHERE {bare} AND id IN "  # noqa: S608  a constant
                "(SELECT id FROM events ORDER BY at DESC LIMIT -1 OFFSET ?)",
                (EVENTS_MAX,),
            )
            self._connection.execute("DELETE FROM requests WHERE asked_at < ?", (requests_before,))

    def strays(self, older_than: int) -> list[Path]:
        """Files without a row, last written before (UTC ms): what a crash left."""
        found: list[Path] = []
        for day in sorted(p for p in self.folder.iterdir() if p.is_dir()):
            files = [f for f in day.iterdir() if f.stat().st_mtime_ns < older_than * 1_000_000]
            for start in range(0, len(files), PAGE_MAX):
                part = files[start : start + PAGE_MAX]
                marks = ", ".join("?" * len(part))
                known = {p.id for p in self._pictures(f"WHERE id IN ({marks})", [f.stem for f in part])}
                found += [f for f in part if f.stem not in known]
        return found

    def path_of(self, row: PictureRow, *, sealed: bool) -> Path:
        """Where its masked JPEG lies, or its sealed original."""
        day = datetime.fromtimestamp(max(row.at, 0) / 1000, UTC)
        return self.folder / f"{day:%Y%m%d}" / f"{row.id}{'.sealed' if sealed else '.jpg'}"

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def _events(self, rest: str, values: Sequence[Any]) -> list[EventRow]:
        with self._lock:
            found = self._connection.execute(f"SELECT {_EVENT} FROM events {rest}", values).fetchall()  # noqa: S608  our own names
        return [_event(row) for row in found]

    def _pictures(self, rest: str, values: Sequence[Any]) -> list[PictureRow]:
        with self._lock:
            found = self._connection.execute(f"SELECT {_PICTURE} FROM pictures {rest}", values).fetchall()  # noqa: S608  our own names
        return [PictureRow(*row) for row in found]

    def _one(self, query: str) -> Any:
        with self._lock:
            return self._connection.execute(query).fetchone()[0]


def _event(row: Sequence[Any]) -> EventRow:
    fields = dict(zip(EventRow.__struct_fields__, row, strict=True))
    return EventRow(**(fields | {"simulated": bool(fields["simulated"])}))  # SQLite has no booleans


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all, readable by the gateway's user alone."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    draft = path.with_name(f"{path.name}.draft")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
