"""The audit: what people and the gateway did, as a chain of hashes that is kept for good.

A row is derived from an event when it is appended, in the same transaction, in the hour file; `sweep` copies the rows
of closed hours to `audit.sqlite` before their file may go. `hash` is SHA-256 over the previous row's hash (32 zero
bytes before the first) and the UTF-8 JSON array `[seq, utc, kind, body]` without spaces and with text unescaped; `body`
is the JSON text as stored, keys sorted. The chain tells accidents and clumsy hands; against somebody who can rewrite
the file from the change on, compare `AuditCheck.tip` with one that was kept elsewhere.
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from gateway.core.effect import Answered
from gateway.core.event import Acted, Clocked, Delivered, Event, Gap, Replanned
from gateway.journal.disk import Disk, refused
from gateway.journal.hours import AUDIT_TABLE, SCHEMA_VERSION, HourFile, connect, create, listing, seal
from gateway.journal.row import Row, walk

GENESIS: Final = bytes(32)
WITHHELD: Final = "withheld"
DETAIL_MAX: Final = 200  # characters of a delivery's technical detail
TARGET_MAX: Final = 300  # characters; a subject may hold a device's own name of up to 255

_CHUNK: Final = 1000
_SCHEMA: Final = f"""{AUDIT_TABLE}
CREATE TABLE copied(first INTEGER NOT NULL);
INSERT INTO copied(first) VALUES (-1);
CREATE INDEX plans ON audit(seq) WHERE kind = 'replanned';
PRAGMA user_version = {SCHEMA_VERSION};
"""  # noqa: S608  made of constants
_INSERT: Final = "INSERT OR IGNORE INTO audit(seq, utc, kind, body, previous, hash) VALUES (?, ?, ?, ?, ?, ?)"
_SELECT: Final = "SELECT seq, utc, kind, body, previous, hash FROM audit WHERE seq > ? ORDER BY seq LIMIT ?"

# Identifiers pass, text does not; ids of people are ours and pass whole.
_WORD: Final = re.compile(r"[A-Za-z0-9_.:/@+-]{0,64}")
_PHONE: Final = re.compile(r"(?<!\d)(?:(?:\+|00)\d{7,15}|(?:86)?1[3-9]\d{9}|0\d{2,3}-?\d{7,8})(?!\d)")
_IDS: Final = frozenset({"person", "second"})


class AuditRow(msgspec.Struct, frozen=True):
    """One link of a chain. `utc` in milliseconds, `body` JSON text as it was hashed, hashes in hex."""

    seq: int
    utc: int
    kind: str  # of the audit: acted replanned delivered gap clocked
    body: str
    previous: str
    hash: str


class AuditCheck(msgspec.Struct, frozen=True):
    """Whether the chain holds. `rows` links were followed, up to the hash `tip`.

    Where it does not hold, `problem` is changed, missing or inserted and `seq` names the row; of a missing row that no
    hour file remembers, the first seq it can have had.
    """

    ok: bool
    rows: int
    tip: str
    problem: str = ""
    seq: int | None = None


def link(previous: bytes, seq: int, utc: int, kind: str, body: str) -> bytes:
    """The hash of a row behind the row with the hash `previous`."""
    text = json.dumps([seq, utc, kind, body], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(previous + text.encode()).digest()


Link = tuple[int, int, str, str, bytes, bytes]


def derive(row: Row, tip: bytes) -> list[Link]:
    """The audit rows of a journal row, behind the hash `tip`, as they are stored."""
    links: list[Link] = []
    if not any(type(event) in _BODIES for _, event in row.events):
        return links
    answers = {h.seq: h.result for h in row.happened if type(h.result) is Answered}
    for seq, _, utc, event in walk(row):
        make = _BODIES.get(type(event))
        if make is not None:
            facts = make(event)
            answer = answers.get(seq)
            if answer is not None and type(event) is Acted:
                facts |= {"ok": answer.ok, "code": answer.code, "rev": answer.rev}
            kind = type(event).__name__.lower()
            body = msgspec.json.encode(facts, order="sorted").decode()
            new = link(tip, seq, utc, kind, body)
            links.append((seq, utc, kind, body, tip, new))
            tip = new
    return links


def audited(event: Event) -> bool:
    """Whether such an event leaves an audit row."""
    return type(event) in _BODIES


def _acted(e: Acted) -> dict[str, Any]:
    return {
        "user": e.user,
        "verb": e.verb,
        "target": e.target[:TARGET_MAX],
        "version": e.version,
        "key": _safe(e.key),
        "grants": e.grants,
        "args": {k: v if k in _IDS else _safe(v) for k, v in e.args.items() if _WORD.fullmatch(k)},
    }


def _safe(value: object) -> object:
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int | str) and _WORD.fullmatch(str(value)) and not _PHONE.search(str(value)):
        return value
    return WITHHELD


_BODIES: Final[Mapping[type, Callable[[Any], dict[str, Any]]]] = {
    Acted: _acted,
    Replanned: lambda e: {"digest": e.digest},
    Delivered: lambda e: {
        "effect": e.effect,
        "outcome": e.outcome,
        "detail": _PHONE.sub(WITHHELD, e.detail[:DETAIL_MAX]),
        "tries": e.tries,
    },
    Gap: lambda e: {"source": e.source, "since": e.since, "until": e.until, "reason": e.reason},
    Clocked: lambda e: {"offset_ms": e.offset_ms, "reason": e.reason},
}


def insert(connection: sqlite3.Connection, links: Iterable[Link]) -> None:
    """Store links, each seq once, in the transaction that is open. Raises sqlite3.Error."""
    connection.executemany(_INSERT, links)


def open_audit(folder: Path, disk: Disk) -> sqlite3.Connection:
    """`audit.sqlite`, to write. Raises sqlite3.Error, OSError, JournalNewer."""
    path = folder / "audit.sqlite"
    if not path.exists():
        create(path, _SCHEMA, disk)
    return connect(path, disk.synchronous)


def copied(connection: sqlite3.Connection) -> int:
    """The name's seq of the newest hour file whose rows are all in `audit.sqlite`; -1 where none is."""
    return int(connection.execute("SELECT first FROM copied").fetchone()[0])


def copy(connection: sqlite3.Connection, file: HourFile, disk: Disk) -> None:
    """Copy a closed hour's rows, exactly once, out of the file that is sealed for it. Raises sqlite3.Error, OSError."""
    hour = connect(file.path, disk.synchronous)
    try:
        seal(hour)  # before the copy counts: what a kill leaves of it is then undone by the next one
        connection.execute("BEGIN IMMEDIATE")
        try:
            insert(connection, hour.execute(_SELECT, (0, -1)))
            connection.execute("UPDATE copied SET first = ?", (file.first,))
            disk.reached("copy")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
    finally:
        hour.close()


def tip_of(connection: sqlite3.Connection) -> bytes | None:
    """The hash of the newest row in a file, None where it has none. Raises sqlite3.Error."""
    found = connection.execute("SELECT hash FROM audit ORDER BY seq DESC LIMIT 1").fetchone()
    return found[0] if found else None


def stored(folder: Path, after: int) -> Iterator[AuditRow]:
    """Every row behind the seq `after`, from `audit.sqlite` and the hour files it does not hold yet.

    Raises JournalError. Holds no transaction while the caller looks at a row.
    """
    while True:
        through = -1
        try:
            if (folder / "audit.sqlite").exists():
                kept = connect(folder / "audit.sqlite")
                try:
                    through = copied(kept)
                    for row in _rows(kept, after):
                        after = row.seq
                        yield row
                finally:
                    kept.close()
            for file in listing(folder):
                if file.first <= through:
                    continue
                try:
                    hour = connect(file.path)
                except sqlite3.Error:
                    if file.path.exists():
                        raise
                    break  # copied and unlinked under us: its rows are in audit.sqlite now
                try:
                    for row in _rows(hour, after):
                        after = row.seq
                        yield row
                finally:
                    hour.close()
            else:
                return
        except (sqlite3.Error, OSError) as error:
            raise refused(error) from error


def _rows(connection: sqlite3.Connection, after: int) -> Iterator[AuditRow]:
    while chunk := connection.execute(_SELECT, (after, _CHUNK)).fetchall():
        for seq, utc, kind, body, previous, digest in chunk:
            yield AuditRow(seq, utc, kind, body, bytes(previous).hex(), bytes(digest).hex())
        after = chunk[-1][0]


def highest(folder: Path) -> int:
    """The highest seq that ever had an audit row, as SQLite remembers it beside the rows. Raises JournalError."""
    seqs = [0]
    try:
        for path in (folder / "audit.sqlite", *(f.path for f in listing(folder)[-2:])):
            if path.exists():
                connection = connect(path)
                try:
                    seqs.extend(r[0] for r in connection.execute("SELECT seq FROM sqlite_sequence"))
                finally:
                    connection.close()
    except (sqlite3.Error, OSError) as error:
        raise refused(error) from error
    return max(seqs)


def verify(rows: Iterable[AuditRow], last: int, between: Callable[[int, int], int | None]) -> AuditCheck:
    """Follow the chain over `rows`, whose newest must have the seq `last` (0 for none).

    `between(a, b)` gives the first seq in between that should have had a row, None where nobody knows.
    """
    tip, before, seq, count = GENESIS.hex(), "", 0, 0
    for row in rows:
        if link(bytes.fromhex(row.previous), row.seq, row.utc, row.kind, row.body).hex() != row.hash:
            return AuditCheck(False, count, tip, "changed", row.seq)
        if row.previous != tip:
            if row.previous == before:
                return AuditCheck(False, count, tip, "inserted", seq)
            return AuditCheck(False, count, tip, "missing", between(seq, row.seq) or seq + 1)
        tip, before, seq, count = row.hash, tip, row.seq, count + 1
    if last > seq:
        return AuditCheck(False, count, tip, "missing", between(seq, last + 1) or last)
    return AuditCheck(True, count, tip)
