"""A closed day takes few bytes, of devices with one reading a message or with several, and reads back the same.

Parts of earlier releases, which have `measured_at` itself, are as good as those of today.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from bench.store import Estate
from gateway.feed import merged
from gateway.series import Query, Selection
from gateway.store import duckdb_
from gateway.store.duckdb_.copies import restore
from gateway.store.duckdb_.files import DAY_MS, crc_of, part_path, parts, quoted
from tests.gateway.store.contract import HOUR, POINTS, A, B, days, everything, nearly, recomputed
from tests.gateway.store.feeding import DAY, NOON, Happening, batch, expected

FIRST = 20_000 * DAY_MS


@pytest.mark.parametrize(
    ("readings", "devices", "bytes_each"), [(1, 60, 4.4), (5, 24, 1.6)], ids=["one", "five"]
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
        rolls = sum(path.stat().st_size for path in (tmp_path / "history").glob("rollups/*/*.parquet"))
        assert rolls / (left * 1_440 * readings) < 1.5
        assert store.read(query)[0].rows == before
        if left == devices:
            assert store.delete(Selection(2**60, points=gone)).rows == 1_441 * readings
            assert store.settled(60)
    store.close()


EVENTS = days(4)


def earlier(folder: Path, nth: int) -> None:
    """Write the nth part as a release that kept `measured_at` did."""
    part = parts(folder / "history")[nth]
    fresh = folder / "fresh.parquet"
    duckdb.execute(
        f'COPY (SELECT * EXCLUDE (delay), "at" - delay AS measured_at FROM read_parquet({quoted(part.path)}))'
        f" TO {quoted(fresh)} (FORMAT parquet, COMPRESSION zstd)"
    )
    part.path.unlink()
    fresh.replace(part_path(folder / "history", part.claim, crc_of(fresh)))


def test_parts_with_measured_at_are_parts_like_others(tmp_path: Path) -> None:
    """Asked, streamed, exported, taken in, backed up, brought back, erased from: no matter who wrote them."""

    def opened(name: str, backups: str = "") -> duckdb_.store.DuckStore:
        return duckdb_.open(duckdb_.Config(close_after_s=0, backups=backups), tmp_path / name, "history", str)

    first = opened("data")
    first.write(batch(EVENTS))
    assert first.settled(60)
    first.close()
    earlier(tmp_path / "data", 1)
    store = opened("data")
    assert everything(store, POINTS) == expected(EVENTS)
    streamed = [
        (seq, n, point, measured)
        for some in store.stored(0)
        for seq, n, point, measured in zip(some.seq, some.n, some.point, some.measured_at, strict=True)
    ]
    assert streamed == [(e.seq, n, r[0], r[2]) for e in EVENTS for n, r in enumerate(e.readings)]
    store.export(tmp_path / "export")
    second = opened("second")
    second.import_(tmp_path / "export")
    assert everything(second, POINTS) == expected(EVENTS)
    second.close()
    third = opened("third")
    third.import_(tmp_path / "data" / "history")  # the store's own files, of both kinds
    assert set(everything(third, POINTS)) <= set(expected(EVENTS))
    third.close()
    store.backup(tmp_path / "backup")
    restore(tmp_path / "backup", tmp_path / "back" / "history")
    back = opened("back")
    assert everything(back, POINTS) == expected(EVENTS)
    back.close()
    erased = sum(r[0] == A for e in EVENTS for r in e.readings)
    assert store.delete(Selection(2**60, points=(A,))).rows == erased
    assert everything(store, POINTS) == [s for s in expected(EVENTS) if s.point != A]
    store.close()


@pytest.mark.parametrize("set_back_ms", [0, 150_000], ids=["in order", "clock set back"])
def test_a_last_value_is_the_journals_last(tmp_path: Path, set_back_ms: int) -> None:
    """Also where edges from the readings themselves, or late parts, are put together with roll-ups."""
    store = duckdb_.open(duckdb_.Config(close_after_s=0), tmp_path, "history", str)
    events = [
        Happening(
            i + 1,
            NOON + i * 40_000 - (set_back_ms if i > 398 else 0),
            [(A if i % 2 and i <= 398 else B, float(i), None, 0), (B, i / 7, None, 0)],
        )
        for i in range(400)
    ]
    late = [Happening(402 + i, e.at + 1_000, e.readings) for i, e in enumerate(events[100:140])]
    events = [*events, Happening(401, NOON + DAY, [(A, 1.0, None, 0)]), *late]
    events.append(Happening(442, NOON + DAY + 1_000, [(B, 2.0, None, 0)]))
    for some in (events[:401], events[401:]):
        store.write(batch(some))
        assert store.settled(60)
    for since, step_ms in (
        (0, 60_000),
        (0, 300_000),
        (20 * 60_000, 6 * HOUR),
        (7 * 60_000, 15 * 60_000),
        (31_000, HOUR),
    ):
        query = Query([A, B], NOON + since, NOON + 6 * HOUR - 13_000, step_ms, limit=90_000)
        found = [nearly(series.rows) for series in store.read(query)]
        assert found == [nearly(rows) for rows in recomputed(events, query)]
    store.close()
