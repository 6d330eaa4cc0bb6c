"""The tables of `views.sqlite`, and opening it: what is damaged is set aside and made again from the journal."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

import structlog

from gateway.errors import OperatorFault

VERSION: Final = 3
BUSY_MS: Final = 5000

SCHEMA: Final = """
CREATE TABLE incidents(
  id TEXT PRIMARY KEY, rev INTEGER NOT NULL, open INTEGER NOT NULL, site TEXT NOT NULL, place TEXT NOT NULL,
  hazard TEXT NOT NULL, priority INTEGER NOT NULL, mode TEXT NOT NULL, opened_at INTEGER NOT NULL,
  closed_at INTEGER, seq INTEGER NOT NULL, doc BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX incidents_by_time ON incidents(opened_at DESC, id DESC);
CREATE INDEX incidents_open ON incidents(open, opened_at DESC, id DESC);
CREATE INDEX incidents_closed ON incidents(closed_at) WHERE closed_at IS NOT NULL;
CREATE TABLE alarms(
  id TEXT PRIMARY KEY, standing INTEGER NOT NULL, state TEXT NOT NULL, site TEXT NOT NULL, place TEXT NOT NULL,
  device TEXT NOT NULL, metric TEXT NOT NULL, since INTEGER NOT NULL, changed_at INTEGER NOT NULL,
  seq INTEGER NOT NULL, doc BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX alarms_standing ON alarms(standing, since DESC, id DESC);
CREATE INDEX alarms_device ON alarms(device, metric);
CREATE INDEX alarms_changed ON alarms(changed_at) WHERE standing = 0;
CREATE TABLE deliveries(
  effect TEXT PRIMARY KEY, seq INTEGER NOT NULL, n INTEGER NOT NULL, at INTEGER NOT NULL, incident TEXT, rev INTEGER,
  site TEXT NOT NULL, place TEXT NOT NULL, mode TEXT NOT NULL, person TEXT, role TEXT NOT NULL, channel TEXT NOT NULL,
  reason TEXT NOT NULL, priority INTEGER NOT NULL, step INTEGER, outcome TEXT NOT NULL, detail TEXT NOT NULL,
  tries INTEGER NOT NULL, ended_at INTEGER
) WITHOUT ROWID;
CREATE INDEX deliveries_by_seq ON deliveries(seq DESC, n DESC);
CREATE INDEX deliveries_incident ON deliveries(incident, seq, n);
CREATE INDEX deliveries_by_time ON deliveries(at);
CREATE TABLE quarantine(
  seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, source TEXT NOT NULL, topic TEXT NOT NULL, reason TEXT NOT NULL,
  size INTEGER NOT NULL, payload BLOB NOT NULL
);
CREATE TABLE cursor(one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER NOT NULL, at INTEGER NOT NULL);
INSERT INTO cursor VALUES (1, 0, 0);
"""

LATER: Final = {
    2: """
CREATE TABLE commands(
  id TEXT PRIMARY KEY, device TEXT NOT NULL, place TEXT NOT NULL, asked_at INTEGER NOT NULL, seq INTEGER NOT NULL,
  doc BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX commands_device ON commands(device, asked_at DESC, id DESC);
CREATE INDEX commands_by_time ON commands(asked_at);
""",
    3: """
CREATE TABLE occurrences(
  alarm TEXT NOT NULL, at INTEGER NOT NULL, ended_at INTEGER, site TEXT NOT NULL, place TEXT NOT NULL,
  device TEXT NOT NULL, metric TEXT NOT NULL, rule TEXT NOT NULL, priority INTEGER NOT NULL,
  PRIMARY KEY (alarm, at)
) WITHOUT ROWID;
CREATE INDEX occurrences_by_time ON occurrences(at);
CREATE TABLE answered(incident TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX answered_by_time ON answered(at);
""",
}
"""What each version since the first adds. Nothing is filled in: journals of older versions hold nothing for it."""

log = structlog.get_logger(__name__)


class ViewsNewer(OperatorFault):
    """`path` was written by a newer release. Nothing was touched."""

    def __init__(self, path: Path, found: int) -> None:
        super().__init__(f"{path} has version {found}; this release knows up to {VERSION}")
        self.path, self.found = path, found


def opened(path: Path) -> sqlite3.Connection:
    """The writing connection to views that are sound: made if absent, set aside and made anew if damaged.

    Raises ViewsNewer, and sqlite3.OperationalError where the disk refuses.
    """
    try:
        return _open(path)
    except sqlite3.OperationalError:
        raise  # locked, full, read-only: setting the file aside would help nobody
    except sqlite3.DatabaseError as error:
        log.error("views damaged, made again from the journal", reason=str(error))
        set_aside(path)
        return _open(path)


def _open(path: Path) -> sqlite3.Connection:
    connection = connect(path)
    try:
        found = connection.execute("PRAGMA user_version").fetchone()[0]
        if found > VERSION:
            raise ViewsNewer(path, found)
        if found < VERSION:
            more = "".join(sql for version, sql in LATER.items() if version > found)
            schema = more if found else SCHEMA + more
            connection.executescript(f"BEGIN; {schema} PRAGMA user_version = {VERSION}; COMMIT;")
        if (said := connection.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
            raise sqlite3.DatabaseError(said)
    except BaseException:
        connection.close()
        raise
    return connection


def connect(path: Path) -> sqlite3.Connection:
    """A connection that may be used from several threads, one at a time."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
    connection.execute("PRAGMA journal_mode = WAL")
    # NORMAL: a power cut may take the newest transactions, cursor included; the journal has them still.
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection


def set_aside(path: Path) -> Path:
    """Rename the file out of the way, keeping it for whoever wants to look; gives where it is."""
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    path.rename(aside)
    for rest in ("-wal", "-shm"):
        path.with_name(path.name + rest).unlink(missing_ok=True)
    return aside
