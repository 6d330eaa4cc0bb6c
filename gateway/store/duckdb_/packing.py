"""How the numbers of a Parquet file are written: plain, or as differences, whichever is smaller for this day.

Devices of several readings a message have the same times and numbers under each of their points, and zstd finds these
again where they are plain: 1.7 bytes a reading, against 3.4 as differences. Devices of one reading a message have
nothing to find, and differences take 4.4 bytes where plain numbers take 6.5 (`csg bench --only store`).
"""

# ruff: noqa: S608  only our own names, whole numbers and quoted paths are put into SQL
from __future__ import annotations

from pathlib import Path
from typing import Final

import duckdb

from gateway.store.duckdb_.files import quoted
from gateway.store.duckdb_.reading import FIELDS

PLAIN: Final = "FORMAT parquet, COMPRESSION zstd"
DIFFERENCES: Final = f"{PLAIN}, PARQUET_VERSION V2"
"""Whole numbers as DELTA_BINARY_PACKED (Parquet's Encodings.md), which Arrow, Spark and DuckDB read."""

_SAMPLE_ROWS: Final = 100_000

# A block of differences is as wide as its largest is above its smallest. Backwards in time, the one step from a point's
# first reading to the next point's last is the largest of its block and widens an eighth of it; forwards it is the
# smallest and widens all of it, to twice the bytes.
ORDER: Final = '"at" DESC, seq DESC, n DESC'
"""Within a point: newest first."""


def smaller(db: duckdb.DuckDBPyConnection, scratch: Path) -> str:
    """What packs a sample of the attached `day` best, all points of some devices; `scratch` is written and removed.

    Raises duckdb.Error, OSError.
    """
    rows, devices = db.execute(
        "SELECT (SELECT count(*) FROM day.readings), (SELECT count(DISTINCT device) FROM day.points)"
    ).fetchall()[0]
    few = -(-devices * _SAMPLE_ROWS // max(rows, 1))
    chosen = f"(SELECT device FROM day.points GROUP BY device ORDER BY hash(device) LIMIT {few})"
    sample = (
        f"SELECT {FIELDS} FROM day.readings r JOIN day.points p ON p.id = r.point WHERE p.device IN {chosen}"
        f" ORDER BY p.point, {ORDER}"
    )
    sizes: dict[str, int] = {}
    try:
        for packing in (PLAIN, DIFFERENCES):
            db.execute(f"COPY ({sample}) TO {quoted(scratch)} ({packing})")
            sizes[packing] = scratch.stat().st_size
    finally:
        scratch.unlink(missing_ok=True)
    return min(sizes, key=lambda packing: sizes[packing])


def packing_of(db: duckdb.DuckDBPyConnection, path: Path) -> str:
    """How a file is packed already."""
    found = db.execute(
        "SELECT count(*) FROM parquet_metadata(?) WHERE contains(encodings, 'DELTA_BINARY_PACKED')",
        [str(path)],
    ).fetchall()
    return DIFFERENCES if found[0][0] else PLAIN
