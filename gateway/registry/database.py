"""The registry's connections: many readers, one writer at a time, and a transaction that journals its edits."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
from sqlalchemy import URL, Connection, create_engine, event, func, insert, select
from sqlalchemy.exc import DBAPIError

from gateway.registry.errors import RegistryError
from gateway.registry.tables import EditRow

BUSY_MS: Final = (
    5000  # another process (the CLI) writes for milliseconds; a lock held longer is a fault to report
)

_encode: Final = msgspec.json.Encoder(order="sorted").encode


class Writer:
    """A transaction under way. Every change goes through `edit`, which gives the row its version."""

    def __init__(self, connection: Connection, who: str, now: int) -> None:
        self.connection, self.who, self.now = connection, who, now
        self._last = int(connection.execute(select(func.max(EditRow.version))).scalar() or 0)
        self._edits: list[dict[str, Any]] = []

    def edit(self, what: str, row: str, before: Any, after: Any) -> int:
        """Journal one edit and give its version. `before` and `after` must hold no personal data."""
        self._last += 1
        self._edits.append({
            "version": self._last, "at": self.now, "who": self.who, "what": what, "row": row,
            "before": None if before is None else _encode(before).decode(),
            "after": None if after is None else _encode(after).decode(),
        })  # fmt: skip
        return self._last

    @property
    def version(self) -> int:
        """The last version given."""
        return self._last

    def flush(self) -> None:
        if self._edits:
            self.connection.execute(insert(EditRow), self._edits)
            self._edits = []


class Database:
    """One SQLite file. Safe to use from several threads; writers of this process wait for each other."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._engine = create_engine(URL.create("sqlite", database=str(path)))
        self._lock = threading.Lock()
        event.listen(self._engine, "connect", _connected)
        event.listen(self._engine, "begin", _begun)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A consistent view. Raises RegistryError."""
        try:
            with self._engine.connect() as connection, connection.begin():
                yield connection
        except DBAPIError as error:
            raise RegistryError(self.path, str(error.orig)) from error

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction, on disk when it ends, undone by any exception. Raises RegistryError."""
        try:
            with self._lock, self._engine.connect() as connection:
                connection.execution_options(csg_write=True)
                with connection.begin():
                    yield connection
        except DBAPIError as error:
            raise RegistryError(self.path, str(error.orig)) from error

    @contextmanager
    def editing(self, who: str, now: int) -> Iterator[Writer]:
        """A transaction whose edits are journalled as `who` at `now`."""
        with self.writing() as connection:
            writer = Writer(connection, who, now)
            yield writer
            writer.flush()

    def forget_freed_pages(self) -> None:
        """Move the write-ahead log into the file and empty it, so that deleted text is on no page of either."""
        with self._lock, self._engine.connect() as connection:
            raw = connection.connection.dbapi_connection
            assert raw is not None
            raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def close(self) -> None:
        self._engine.dispose()


def _connected(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver would begin transactions by itself, and too late for DDL
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA secure_delete = ON")  # a forgotten name is overwritten, not only unlinked
    cursor.close()


def _begun(connection: Connection) -> None:
    # IMMEDIATE: a writer that first reads would otherwise fail when another writes in between.
    write = connection.get_execution_options().get("csg_write")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
