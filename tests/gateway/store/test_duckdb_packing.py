"""A closed day takes few bytes, of devices with one reading a message or with several, and reads back the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.store import Estate
from gateway.feed import merged
from gateway.series import Query, Selection
from gateway.store import duckdb_
from gateway.store.duckdb_.files import DAY_MS

FIRST = 20_000 * DAY_MS


@pytest.mark.parametrize(
    ("readings", "devices", "bytes_each"), [(1, 60, 4.9), (5, 24, 1.9)], ids=["one", "five"]
)
def test_a_day_takes_few_bytes(tmp_path: Path, readings: int, devices: int, bytes_each: float) -> None:
    """A day of a reading a minute; deleting a device's points from it keeps it so."""
    store = duckdb_.open(duckdb_.Config(close_after_s=0), tmp_path, "history", str)
    estate = Estate(7, devices, readings)
    for some in (range(1_440), range(1_440, 1_441)):
        store.write(merged([estate.minute(minute) for minute in some]))
    assert store.settled(60)
    query = Query([estate.points[-1]], FIRST, FIRST + DAY_MS)
    before = store.read(query)[0].rows
    assert [row[0] // 60_000 for row in before] == list(range(FIRST // 60_000, FIRST // 60_000 + 1_440))
    gone = tuple(estate.points[:readings])
    for left in (devices, devices - 1):
        (part,) = (tmp_path / "history").glob("day=*/part-*.parquet")
        assert part.stat().st_size / (left * 1_440 * readings) < bytes_each
        assert store.read(query)[0].rows == before
        if left == devices:
            assert store.delete(Selection(2**60, points=gone)).rows == 1_441 * readings
    store.close()
