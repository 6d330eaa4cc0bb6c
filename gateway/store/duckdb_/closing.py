"""Turning an open day into Parquet: sorted, checked against its source, and whole before anybody sees it."""

# ruff: noqa: S608  only our own names, whole numbers and quoted paths are put into SQL; values are parameters
from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

import duckdb

from gateway.store.duckdb_.files import DAY_MS, crc_of, ends_well, quoted, sync
from gateway.store.duckdb_.packing import DIFFERENCES, FIELDS, ORDER, STORED, fields_of
from gateway.store.duckdb_.reading import merge_latest

# Everything that is stored beside the point itself; one hash over it, the same in any order, tells whether all of it
# arrived.
_DIGEST: Final = f"SELECT count(*), bit_xor(hash({FIELDS})), sum(hash({FIELDS}) >> 24) FROM"


_LATEST_MS: Final = 400 * DAY_MS  # a point silent for longer than a year is no longer worth starting with


class Unfaithful(Exception):
    """The exported file does not say what the open day said; nothing was changed."""


class Exporter:
    """Does long work on files, each in a DuckDB of its own: the writer keeps its buffers and its files."""

    def __init__(self, temporary: Path, memory_mb: int) -> None:
        self._temporary = temporary
        self._memory_mb = memory_mb
        self._lock = threading.Lock()
        self._running: set[duckdb.DuckDBPyConnection] = set()
        self._stopped = False

    def export(self, source: Path, latest: Path) -> tuple[Path, int, Path]:
        """`(parquet, its CRC-32, new file of last readings)` of an open day that nobody writes any more.

        All lies in the temporary folder. Costs about 1.1 us of CPU a reading. Raises Unfaithful, duckdb.Error.
        """
        part = self._temporary / (source.stem + ".parquet")
        newest = self._temporary / (source.stem + ".latest.parquet")
        self.run(lambda db: self._export(db, source, part, latest, newest))
        if not (ends_well(part) and ends_well(newest)):
            raise Unfaithful(f"{part.name} was not written whole")
        sync(part)  # here, where nobody waits for it
        return part, crc_of(part), newest

    def stop(self) -> None:
        """Interrupt what runs and refuse to begin; an interrupted export raises duckdb.InterruptException."""
        with self._lock:
            self._stopped = True
            for db in self._running:
                db.interrupt()

    def run(self, work: Callable[[duckdb.DuckDBPyConnection], None]) -> None:
        """Do some work in a DuckDB of its own. Raises duckdb.Error, and InterruptException once stopped."""
        db = connect(self._memory_mb, 1, self._temporary / f"work-{threading.get_native_id()}")
        try:
            with self._lock:
                if self._stopped:
                    raise duckdb.InterruptException("closing stopped")
                self._running.add(db)
            work(db)
        finally:
            with self._lock:
                self._running.discard(db)
            db.close()

    @staticmethod
    def _export(db: duckdb.DuckDBPyConnection, source: Path, part: Path, latest: Path, newest: Path) -> None:
        db.execute(f"ATTACH {quoted(source)} AS day (READ_ONLY)")
        # Sorted by the point's place among all points, a number, and spelled out afterwards: sorting the texts
        # themselves costs twice the time and more memory than there is.
        db.execute(
            "CREATE TEMP TABLE places AS"
            " SELECT id, point, site, row_number() OVER (ORDER BY point) AS place FROM day.points"
        )
        db.execute(
            "COPY (WITH names AS MATERIALIZED (SELECT list(point ORDER BY place) AS points,"
            f" list(site ORDER BY place) AS sites FROM places)"
            f" SELECT (SELECT points FROM names)[place] AS point, (SELECT sites FROM names)[place] AS site, {STORED}"
            " FROM (SELECT places.place, r.* EXCLUDE (point) FROM day.readings r JOIN places ON places.id = r.point"
            f"  ORDER BY places.place, {ORDER})) TO {quoted(part)} ({DIFFERENCES})"
        )
        there = db.execute(f"{_DIGEST} day.readings").fetchone()
        here = db.execute(
            f"{_DIGEST} (SELECT {fields_of(part)} FROM read_parquet({quoted(part)}))"
        ).fetchone()
        if there != here:
            raise Unfaithful(f"{part.name}: wrote {there}, read {here}")
        known = f"read_parquet({quoted(latest)})" if latest.exists() else None
        newest_at = db.execute('SELECT coalesce(max("at"), 0) FROM day.readings').fetchall()[0][0]
        merged = merge_latest("day", known, newest_at - _LATEST_MS)
        db.execute(f"COPY ({merged}) TO {quoted(newest)} (FORMAT parquet, COMPRESSION zstd)")


def connect(memory_mb: int, threads: int, temporary: Path) -> duckdb.DuckDBPyConnection:
    """A DuckDB of our own that holds nothing yet, bounded, and never asks the network for an extension."""
    return duckdb.connect(
        ":memory:",
        config={
            "memory_limit": f"{memory_mb}MB",
            "threads": threads,
            "temp_directory": str(temporary),
            "max_temp_directory_size": "8GB",
            # Checkpoints come often and are short: at 8 MB of log and row groups of 30 720, under 100 ms at 200 000
            # readings a second; with DuckDB's own 16 MB and 122 880 they took 110 to 140.
            "checkpoint_threshold": "4MB",
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        },
    )


def give_way() -> None:
    """Let everything else on the machine go before the calling thread: closing a day has all night."""
    if sys.platform == "linux":  # elsewhere a thread has no priority of its own
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
