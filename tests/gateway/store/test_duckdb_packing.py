"""A closed day is packed the way that is smaller for its devices, and says the same either way."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from bench.store import Estate
from gateway.feed import merged
from gateway.series import Query, Selection
from gateway.store import duckdb_
from gateway.store.duckdb_.files import DAY_MS
from gateway.store.duckdb_.packing import DIFFERENCES, PLAIN, packing_of

FIRST = 20_000 * DAY_MS


@pytest.mark.parametrize(
    ("readings", "packing", "bytes_each"), [(1, DIFFERENCES, 5.0), (5, PLAIN, 2.5)], ids=["one", "five"]
)
def test_a_day_is_packed_the_smaller_way(
    tmp_path: Path, readings: int, packing: str, bytes_each: float
) -> None:
    """Of devices with one reading a message as differences; of those with five plain. Deleting keeps it so."""
    store = duckdb_.open(duckdb_.Config(close_after_s=0), tmp_path, "history", str)
    estate = Estate(7, 8, readings)
    for some in (range(1_440), range(1_440, 1_441)):
        store.write(merged([estate.minute(minute) for minute in some]))
    assert store.settled(60)
    point = estate.points[-1]
    query = Query([point], FIRST, FIRST + DAY_MS)
    before = store.read(query)[0].rows
    assert len(before) == 1_440
    assert [row[0] for row in before] == sorted(row[0] for row in before)
    for gone in ((), tuple(estate.points[:readings])):
        if gone:
            assert store.delete(Selection(2**60, points=gone)).rows == 1_441 * readings
        (part,) = (tmp_path / "history").glob("day=*/part-*.parquet")
        rows = (8 - bool(gone)) * 1_440 * readings
        assert part.stat().st_size / rows < bytes_each
        assert packing_of(duckdb.connect(), part) == packing
        assert store.read(query)[0].rows == before
    store.close()
