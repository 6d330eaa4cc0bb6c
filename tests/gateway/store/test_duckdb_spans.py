"""Roll-ups of many days in one file: they answer what the days' own say, and nothing stays in them that was deleted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from gateway.series import Query, Selection
from gateway.store import duckdb_
from gateway.store.duckdb_ import rolling, spans
from gateway.store.duckdb_.copies import restore
from gateway.store.duckdb_.files import Claim, Roll
from gateway.store.duckdb_.spans import Span
from gateway.store.duckdb_.store import DuckStore
from tests.gateway.store.contract import HOUR, POINTS, A, batches, days, nearly, recomputed
from tests.gateway.store.feeding import DAY, NOON

FIRST = 20_000
"""The day of NOON, at which spans of 8 and of 32 days begin."""

EVENTS = days(9)
LONG = 60.0


def opened(folder: Path) -> DuckStore:
    return duckdb_.open(duckdb_.Config(close_after_s=0), folder, "history", str)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DuckStore]:
    """Eight closed days and an open one; merged a few rows at a time."""
    monkeypatch.setattr(rolling, "_SLICE_ROWS", 30)
    made = opened(tmp_path / "data")
    for some in batches(EVENTS, 6):
        made.write(some)
    assert made.settled(LONG)
    yield made
    made.close()


def merged(folder: Path) -> list[Path]:
    return sorted((folder / "history").glob("merged/*/*.parquet"))


def rolled(store: DuckStore, step_ms: int = HOUR, since: int = NOON - 12 * HOUR) -> list[object]:
    return [nearly(s.rows) for s in store.read(Query(POINTS, since, NOON + 20 * DAY, step_ms, limit=90_000))]


def by_hand(step_ms: int = HOUR, since: int = NOON - 12 * HOUR) -> list[object]:
    query = Query(POINTS, since, NOON + 20 * DAY, step_ms, limit=90_000)
    return [nearly(rows) for rows in recomputed(EVENTS, query)]


def names(paths: list[Path]) -> list[str]:
    """Points in these files."""
    found = duckdb.execute("SELECT DISTINCT point FROM read_parquet(?)", [list(map(str, paths))]).fetchall()
    return sorted(point for (point,) in found)


def test_a_question_reads_one_file_where_days_are_merged(store: DuckStore, tmp_path: Path) -> None:
    """In steps of 15 and 60 minutes, from any moment on; the days' own files are not even opened."""
    assert [p.parent.name for p in merged(tmp_path / "data")] == ["15min", "60min"]
    for path in (tmp_path / "data" / "history").glob("rollups/[16][50]min/*.parquet"):
        path.rename(path.with_suffix(".away"))
    for since in (NOON - 12 * HOUR, NOON + 3 * DAY - 7 * 60_000):
        for step_ms in (900_000, HOUR, 7 * DAY):
            assert rolled(store, step_ms, since) == by_hand(step_ms, since)


def test_what_is_deleted_is_in_no_span(store: DuckStore, tmp_path: Path) -> None:
    """They go before the days change and are made again of what is left."""
    before = merged(tmp_path / "data")
    assert A in names(before)
    store.delete(Selection(2**60, points=(A,)))
    assert not any(path.exists() for path in before)
    assert store.settled(LONG)
    assert len(merged(tmp_path / "data")) == 2
    assert A not in names(merged(tmp_path / "data"))


def test_roll_ups_that_outlived_their_readings_answer_from_a_span(store: DuckStore, tmp_path: Path) -> None:
    """All of a span's days or some of them; and what is deleted from such ones, or forgotten, goes from it as well."""
    store.forget(NOON + 4 * DAY, rollups_before=0)
    assert rolled(store) == by_hand()
    store.forget(2**60, rollups_before=0)
    assert rolled(store) == by_hand()
    store.delete(Selection(2**60, points=(A,)))
    assert store.settled(LONG)
    assert A not in names(merged(tmp_path / "data"))
    store.forget(2**60, rollups_before=NOON + 2 * DAY)
    assert store.settled(LONG)
    (first,) = duckdb.execute(
        "SELECT min(step) FROM read_parquet(?)", [list(map(str, merged(tmp_path / "data")))]
    ).fetchall()[0]
    assert first >= NOON + 3 * DAY // 2


def test_a_damaged_span_is_set_aside_and_made_again(store: DuckStore, tmp_path: Path) -> None:
    """The question that stumbled over it is answered from the days."""
    path = merged(tmp_path / "data")[1]
    path.write_bytes(path.read_bytes()[:-30] + b"\xff" * 26 + b"PAR1")
    assert rolled(store) == by_hand()
    assert any(path.name in p for p in store.health()["problems"])
    assert store.settled(LONG)
    assert path.exists()
    assert rolled(store) == by_hand()


def test_a_span_of_other_roll_ups_goes_at_the_next_start(store: DuckStore, tmp_path: Path) -> None:
    """Whatever was cut off: a span whose days are not those it was made of is not believed. A backup has none."""
    store.backup(tmp_path / "backup" / "history")
    assert not merged(tmp_path / "backup")
    store.close()
    stale = merged(tmp_path / "data")[0]
    next((tmp_path / "data" / "history").glob("rollups/15min/*.parquet")).unlink()
    again = opened(tmp_path / "data")
    assert rolled(again) == by_hand()
    assert again.settled(LONG)
    assert stale.exists()  # made again, of the same days and bytes
    again.close()
    restore(tmp_path / "backup" / "history", tmp_path / "new" / "history")
    new = opened(tmp_path / "new")
    assert new.settled(LONG)
    assert rolled(new) == by_hand()
    assert len(merged(tmp_path / "new")) == 2
    new.close()


def test_days_are_merged_by_eight_and_then_by_thirty_two() -> None:
    """Newest first, once their last day is over; a span of 32 takes the place of its short ones."""

    def due(last: int, *have: tuple[int, int], open_: tuple[int, ...] = ()) -> tuple[int, int] | None:
        rolls = [Roll(Path(f"{d}"), Claim(d, d, d + 1), 0, 15) for d in range(FIRST, FIRST + last)]
        made = [Span(Path(), 15, first, length, 0, 0) for first, length in have]
        found = spans.due(rolls, made, open_, FIRST + last)
        return None if found is None else (found.first, found.days)

    assert due(7) is None
    assert due(8) == (FIRST, 8)
    assert due(8, open_=(FIRST + 3,)) is None
    assert due(17) == (FIRST + 8, 8)
    assert due(17, (FIRST + 8, 8)) == (FIRST, 8)
    assert due(32, (FIRST, 8), (FIRST + 8, 8), (FIRST + 16, 8)) == (FIRST, 32)
    assert due(39, (FIRST, 32)) is None
    assert due(40, (FIRST, 32)) == (FIRST + 32, 8)
