"""Following the journal from any process: read-only, in short transactions, never in the writer's way."""

from __future__ import annotations

import os
import sqlite3
from collections import deque
from pathlib import Path
from typing import Final

from gateway.errors import JournalError, RowDamaged
from gateway.journal import audit
from gateway.journal.audit import AuditCheck, AuditRow, audited
from gateway.journal.disk import refused
from gateway.journal.hours import ROWS_AFTER, HourFile, connect, listing
from gateway.journal.recovery import is_damage
from gateway.journal.row import Packer, Row, after, walk
from gateway.journal.snapshots import get_plan

ROWS_MAX: Final = 64  # rows a call gives at most unless it asks for another number
BYTES_MAX: Final = 4 << 20  # of blobs in one call: a reader that fell behind must not fill its memory
SKIPPED_KEPT: Final = 100  # damaged places remembered for whoever reports them


class JournalReader:
    """A follower's view of the journal in `folder`. One user at a time; close it, or leave it to the process's end.

    A cursor is a seq. Files come and go under it: `rows` begins behind the cursor, and where the first seq it gives is
    not the next one, what lay between is gone (older than `oldest_seq`), damaged (`skipped` says where), or was never
    written (the disk was away; a `Gap` follows). Every method raises JournalError where the disk refuses, and
    JournalNewer where a newer release wrote what it finds.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = Path(folder)
        self._packer = Packer()
        self._file: HourFile | None = None
        self._inode = (0, 0)
        self._connection: sqlite3.Connection | None = None
        self.skipped: deque[str] = deque(maxlen=SKIPPED_KEPT)

    def rows(self, after: int, limit: int = ROWS_MAX) -> list[Row]:
        """Up to `limit` rows with the events behind the seq `after`, in order; none when there is nothing yet.

        A row that `after` cuts through is given from there on.
        """
        if limit < 1:
            raise ValueError("limit is at least 1")
        if self._connection is not None:
            found = self._fetch(after, limit)
            if found and found[0].first == after + 1:
                return found
        files = self._listing()
        start = max((i for i, f in enumerate(files) if f.first <= after + 1), default=0)
        for file in files[start:]:
            if self._enter(file):
                found = self._fetch(after, limit)
                if found:
                    return found
        return []

    def last_seq(self) -> int:
        """The newest seq on disk, 0 where there is none."""
        for file in reversed(self._listing()):
            if self._enter(file):
                found = self._one("SELECT last FROM rows ORDER BY first DESC LIMIT 1")
                if found is not None:
                    return found
        return 0

    def oldest_seq(self) -> int:
        """The oldest seq still on disk, or the one that comes first where nothing was written yet."""
        files = self._listing()
        for file in files:
            if self._enter(file):
                found = self._one("SELECT first FROM rows ORDER BY first LIMIT 1")
                if found is not None:
                    return found
        return files[0].first if files else 1

    def plan(self, digest: str) -> bytes | None:
        """The data of a plan that is still kept. Raises JournalDamaged."""
        try:
            return get_plan(self._folder / "plans", digest)
        except OSError as error:
            raise refused(error) from error

    def audit(self, after: int = 0, limit: int = 1000) -> list[AuditRow]:
        """Up to `limit` audit rows behind the seq `after`, in order."""
        found = []
        for row in audit.stored(self._folder, after):
            found.append(row)
            if len(found) >= limit:
                break
        return found

    def verify_audit(self) -> AuditCheck:
        """Follow the whole chain and say whether it holds, and where it breaks."""
        last = audit.highest(self._folder)  # first: rows that come while we look are no contradiction
        return audit.verify(audit.stored(self._folder, 0), last, self._audited_between)

    def close(self) -> None:
        """Let go of the file that is open."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _audited_between(self, a: int, b: int) -> int | None:
        cursor = a
        while cursor < b - 1 and (found := self.rows(cursor)):
            for row in found:
                for seq, _, _, event in walk(row):
                    if seq >= b:
                        return None
                    if audited(event):
                        return seq
            cursor = found[-1].last
        return None

    def _listing(self) -> list[HourFile]:
        try:
            return listing(self._folder)
        except OSError as error:
            raise refused(error) from error

    def _enter(self, file: HourFile) -> bool:
        """Have `file` open; False where it is gone or its header does not read."""
        try:
            stat = os.stat(file.path)
            inode = (stat.st_dev, stat.st_ino)
            if self._connection is not None and self._inode == inode:
                return True
            self.close()
            self._connection = connect(file.path)
            self._file, self._inode = file, inode
        except FileNotFoundError:
            return False
        except sqlite3.Error as error:
            if is_damage(error):
                self._skip(f"{file.path.name}: {error}")
                return False
            trouble = refused(error)
            if trouble.reason == "missing" and not file.path.exists():
                return False  # unlinked between the listing and now
            raise trouble from error
        return True

    def _one(self, query: str) -> int | None:
        assert self._connection is not None
        try:
            found = self._connection.execute(query).fetchone()
        except sqlite3.Error as error:
            raise self._trouble(error) from error
        return None if found is None else int(found[0])

    def _fetch(self, behind: int, limit: int) -> list[Row]:
        """Rows of the file that is open; damaged ones are skipped and noted."""
        assert self._connection is not None
        assert self._file is not None
        found: list[Row] = []
        size = 0
        try:
            cursor = self._connection.execute(ROWS_AFTER, {"after": behind, "limit": -1})
            try:
                for stored in cursor:
                    try:
                        row = self._packer.unpack(self._file.path, stored)
                    except RowDamaged as damage:
                        self._skip(str(damage))
                        continue
                    found.append(after(row, behind))
                    size += len(stored[5])
                    if len(found) >= limit or size >= BYTES_MAX:
                        break
            finally:
                cursor.close()  # ends the read transaction: the log can be reset
        except sqlite3.Error as error:
            if is_damage(error):
                self._skip(f"{self._file.path.name}: {error}")
                self.close()
            else:
                raise self._trouble(error) from error
        return found

    def _skip(self, what: str) -> None:
        if what not in self.skipped:
            self.skipped.append(what)

    def _trouble(self, error: sqlite3.Error) -> JournalError:
        self.close()
        return refused(error)
