"""The embedded store closes days in the background and never shows a reading twice or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.series import Query, StoreBusy
from gateway.store import duckdb_
from gateway.store.duckdb_ import closing, files
from gateway.store.duckdb_.store import DuckStore
from tests.gateway.store.feeding import DAY, NOON, Happening, Stored, batch, expected, ordered
from tests.parts import until

A, B = "home:a/temperature/", "home:b/state/"
MIDNIGHT = NOON + DAY // 2
LONG = 30.0  # seconds to wait for a thread that does its work in one


def opened(folder: Path) -> DuckStore:
    """A store whose days close as soon as the next one is a second old."""
    return duckdb_.open(
        duckdb_.Config(close_after_s=1), folder, "history", lambda source: f"estate of {source}"
    )


def stored(store: DuckStore) -> list[Stored]:
    """All there is of A and B."""
    series = store.read(Query([A, B], 0, 2**60, limit=10_000))
    return ordered(Stored(s.point, row) for s in series for row in s.rows)  # type: ignore[arg-type]  # raw rows


def day(number: int, first_seq: int, size: int = 5) -> list[Happening]:
    """Some events of the `number`th day, from two seconds after midnight on."""
    start = MIDNIGHT + number * DAY + 2_000
    return [
        Happening(first_seq + i, start + i, [(A, float(first_seq + i), start, 0), (B, f"状态{i}", None, 8)])
        for i in range(size)
    ]


THREE_DAYS = [*day(0, 1), *day(1, 6), *day(2, 11)]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DuckStore]:
    """A store on an empty folder."""
    made = opened(tmp_path)
    yield made
    made.close()


def parts(folder: Path) -> list[str]:
    """The Parquet files of closed days."""
    return sorted(str(p.relative_to(folder / "history")) for p in folder.glob("history/day=*/*"))


def test_a_day_that_is_over_becomes_parquet(store: DuckStore, tmp_path: Path) -> None:
    """When the next day is old enough the finished one is Parquet and no longer in DuckDB; answers stay equal."""
    store.write(batch(THREE_DAYS[:10]))
    assert store.settled(LONG)
    health = store.health()
    assert (health["ok"], health["open_days"], health["closed_days"]) == (True, ["2024-10-06"], 1)
    assert [p[:20] for p in parts(tmp_path)] == ["day=2024-10-05/part-0-5-"[:20]]
    assert stored(store) == expected(THREE_DAYS[:10])
    store.write(batch(THREE_DAYS[10:]))
    assert store.settled(LONG)
    assert stored(store) == expected(THREE_DAYS)


def test_a_day_stays_open_until_late_arrivals_of_midnight_are_in(tmp_path: Path) -> None:
    """Within the time of grace nothing closes."""
    store = duckdb_.open(duckdb_.Config(close_after_s=600), tmp_path, "history", str)
    store.write(batch(THREE_DAYS[:10]))
    assert store.health()["open_days"] == ["2024-10-05", "2024-10-06"]
    store.close()


def test_closed_days_are_for_everybody(store: DuckStore, tmp_path: Path) -> None:
    """Another process reads closed days, with site and all columns, while the store is open."""
    store.write(batch(THREE_DAYS))
    assert store.settled(LONG)
    program = (
        'import duckdb, sys; print(duckdb.sql("SELECT point, site, at_, number, text, at_ - delay, flags, seq, n FROM'
        ' (SELECT *, \\"at\\" AS at_ FROM read_parquet(\'" + sys.argv[1] + "/history/day=*/*.parquet\'))'
        ' ORDER BY point, seq").fetchall()[0])'
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True
    )
    start = MIDNIGHT + 2_000
    assert done.stdout.strip() == str((A, "estate of home", start, 1.0, None, start, 0, 1, 0))


def test_a_second_process_is_told_apart_from_damage(store: DuckStore, tmp_path: Path) -> None:
    """Opening a store that is open is refused by name, and harms nothing."""
    store.write(batch(THREE_DAYS[:2]))
    with pytest.raises(StoreBusy):
        opened(tmp_path)
    assert stored(store) == expected(THREE_DAYS[:2])
    assert not (tmp_path / "history" / "damaged").exists()


def test_writing_and_asking_go_on_while_a_day_closes(
    store: DuckStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long an export takes, batches and questions do not wait for it."""
    begun, may_end = threading.Event(), threading.Event()
    export = closing.Exporter.export

    def slow(self: closing.Exporter, source: Path, latest: Path) -> tuple[Path, int, Path]:
        begun.set()
        assert may_end.wait(LONG)
        return export(self, source, latest)

    monkeypatch.setattr(closing.Exporter, "export", slow)
    store.write(batch(THREE_DAYS[:10]))
    assert begun.wait(LONG)
    store.write(batch(THREE_DAYS[10:]))
    assert stored(store) == expected(THREE_DAYS)
    assert store.health()["doing"] == "closing 2024-10-05"
    may_end.set()
    assert store.settled(LONG)
    assert stored(store) == expected(THREE_DAYS)


def test_closing_the_store_interrupts_an_export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shutting down in the middle of closing a day takes no time and loses nothing."""
    store = opened(tmp_path)
    begun, go = threading.Event(), threading.Event()
    export = closing.Exporter.export

    def slow(self: closing.Exporter, source: Path, latest: Path) -> tuple[Path, int, Path]:
        begun.set()
        assert go.wait(LONG)
        return export(self, source, latest)

    monkeypatch.setattr(closing.Exporter, "export", slow)
    store.write(batch(THREE_DAYS[:10]))
    assert begun.wait(LONG)
    threading.Timer(0.05, go.set).start()
    store.close()
    monkeypatch.undo()
    again = opened(tmp_path)
    assert again.cursor() == 10
    assert stored(again) == expected(THREE_DAYS[:10])
    again.write(batch(THREE_DAYS[10:]))
    assert again.settled(LONG)
    assert again.health()["closed_days"] == 2
    assert stored(again) == expected(THREE_DAYS)
    again.close()


@pytest.mark.parametrize("step", ["export", "latest", "part", "remove"])
def test_dying_at_any_step_of_closing_keeps_each_reading_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Cut off before, between or after the moves on disk, the next start finds every reading exactly once."""
    store = opened(tmp_path)
    settle = files.settle
    settles: list[Path] = []

    def dies(*_: object) -> None:
        raise OSError("power cut")

    def settles_then_dies(path: Path, target: Path) -> None:
        if len(settles) >= {"latest": 0, "part": 1}[step]:
            dies()
        settles.append(target)
        settle(path, target)

    if step == "export":
        monkeypatch.setattr(closing, "crc_of", dies)
    elif step == "remove":
        monkeypatch.setattr(files, "remove", dies)
    else:
        monkeypatch.setattr(files, "settle", settles_then_dies)
    store.write(batch(THREE_DAYS[:10]))
    until(lambda: any("power cut" in p for p in store.health()["problems"]), "the power cut", LONG)
    assert stored(store) == expected(THREE_DAYS[:10])
    store.close()
    monkeypatch.undo()
    again = opened(tmp_path)
    assert again.health()["ok"]
    assert again.cursor() == 10
    assert stored(again) == expected(THREE_DAYS[:10])
    again.write(batch(THREE_DAYS[10:]))
    assert again.settled(LONG)
    assert stored(again) == expected(THREE_DAYS)
    assert again.health()["open_days"] == ["2024-10-07"]
    again.close()


def test_an_export_that_is_not_faithful_is_thrown_away(
    store: DuckStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The open day stays until its Parquet file was read back and says the same."""
    monkeypatch.setattr(closing, "ends_well", lambda path: False)
    store.write(batch(THREE_DAYS[:10]))
    until(lambda: store.health()["problems"], "a problem", LONG)
    assert not store.health()["ok"]
    assert store.health()["open_days"] == ["2024-10-05", "2024-10-06"]
    assert stored(store) == expected(THREE_DAYS[:10])


def test_late_readings_of_a_closed_day_get_a_part_of_their_own(store: DuckStore, tmp_path: Path) -> None:
    """A clock set back over midnight writes into a day that is closed already; both parts answer together."""
    store.write(batch(THREE_DAYS[:10]))
    assert store.settled(LONG)
    late = [Happening(e.seq + 10, e.at + 500, e.readings) for e in THREE_DAYS[:5]]
    store.write(batch(late))
    again = day(1, 16)
    store.write(batch(again))
    assert store.settled(LONG)
    names = [p.rsplit("-", 1)[0] for p in parts(tmp_path)]
    # The day the clock was set back from looked over too, so it has a part of its own by now.
    assert names == ["day=2024-10-05/part-0-5", "day=2024-10-05/part-10-15", "day=2024-10-06/part-5-10"]
    assert stored(store) == expected([*THREE_DAYS[:10], *late, *again])


def test_old_days_are_forgotten_on_request(store: DuckStore, tmp_path: Path) -> None:
    """Retention deletes whole closed days that ended before the given time, names them, and nothing else."""
    store.write(batch(THREE_DAYS))
    assert store.settled(LONG)
    assert store.forget(MIDNIGHT + DAY - 1) == []
    assert store.forget(MIDNIGHT + DAY) == ["2024-10-05"]
    assert stored(store) == expected(THREE_DAYS[5:])
    assert not (tmp_path / "history" / "day=2024-10-05").exists()
    assert store.cursor() == 15


def test_the_last_reading_of_each_point_outlives_its_day(tmp_path: Path) -> None:
    """A point silent since yesterday still has its last value, also after a new start; news replaces it."""
    store = opened(tmp_path)
    silent = "home:silent/battery/"
    first = Happening(1, MIDNIGHT + 3_000, [(silent, 87, None, 0), (A, 1.0, None, 0)])
    store.write(batch([first, *day(1, 2), *day(2, 7)]))
    assert store.settled(LONG)
    store.close()
    store = opened(tmp_path)
    latest = store.latest()
    assert set(latest) == {silent, A, B}
    assert latest[silent] == (MIDNIGHT + 3_000, 87, None, 0, 1, 0)
    assert latest[A][1] == 11.0
    assert store.latest([silent, "home:unknown/x/"]) == {silent: latest[silent]}
    store.write(batch([Happening(12, MIDNIGHT + 2 * DAY + 9_000, [(silent, 86, None, 0)])]))
    assert store.latest([silent])[silent][1] == 86
    store.close()


def test_stored_data_sent_late_is_not_the_latest(store: DuckStore) -> None:
    """What a device sends from its memory does not stand for now, unless there is nothing else."""
    store.write(batch([
        Happening(1, NOON, [(A, 20.0, None, 0), (B, "old", NOON - 99, 2)]),
        Happening(2, NOON + 1, [(A, 15.0, NOON - DAY, 2)]),
    ]))  # fmt: skip
    assert {p: s[1] for p, s in store.latest().items()} == {A: 20.0, B: "old"}


def test_a_damaged_file_of_last_readings_is_a_smaller_loss(store: DuckStore, tmp_path: Path) -> None:
    """It is set aside and said; open days still give what they know."""
    store.write(batch(THREE_DAYS[:10]))
    assert store.settled(LONG)
    path = tmp_path / "history" / "latest.parquet"
    path.write_bytes(path.read_bytes()[:-20] + os.urandom(20))
    assert {p: s[1] for p, s in store.latest().items()} == {A: 10.0, B: "状态4"}
    assert not store.health()["ok"]
    assert not path.exists()
    assert store.cursor() == 10


def test_steps_hold_minimum_maximum_mean_last_and_count(store: DuckStore) -> None:
    """Rolled up: gaps stay gaps, impossible values are left out, texts have a last, levels count as 0 and 1."""
    h = 3_600_000
    start = NOON - NOON % h
    store.write(batch([
        Happening(1, start, [(A, 1, None, 0), (B, "开", None, 0)]),
        Happening(2, start + 5, [(A, 4.0, None, 0), (A, 9_999.0, None, 1)]),
        Happening(3, start + 5, [(A, 2.5, None, 0), (B, None, None, 0)]),
        Happening(4, start + h, [(A, None, None, 0), (A, float("nan"), None, 0)]),
        Happening(5, start + 2 * h, [(A, True, None, 0)]),
        Happening(6, start + 2 * h + 1, [(A, False, None, 0), (B, "关", None, 0)]),
    ]))  # fmt: skip
    a, b = store.read(Query([A, B], start, start + 3 * h, step_ms=h))
    assert a.rows == [(start, 1.0, 4.0, 2.5, 2.5, 3), (start + 2 * h, 0.0, 1.0, 0.5, False, 2)]
    assert [type(row[4]) for row in a.rows] == [float, bool]
    assert b.rows == [(start, None, None, None, "开", 1), (start + 2 * h, None, None, None, "关", 1)]


def test_steps_go_across_open_and_closed_days(store: DuckStore) -> None:
    """A step that spans midnight joins both days into one row."""
    store.write(batch(THREE_DAYS))
    assert store.settled(LONG)
    (a,) = store.read(Query([A], 0, 2**41, step_ms=2**42))
    assert a.rows == [(0, 1.0, 15.0, 8.0, 15.0, 15)]


def test_answers_come_in_the_order_asked_and_say_where_they_were_cut(store: DuckStore) -> None:
    """One series a point, twice named is once answered, unknown is empty; `more` marks a series that the limit cut."""
    store.write(batch(THREE_DAYS))
    assert store.settled(LONG)
    asked = [B, "home:unknown/x/", A, B]
    series = store.read(Query(asked, 0, 2**60, limit=15))
    assert [(s.point, len(s.rows), s.more) for s in series] == [
        (B, 15, False), ("home:unknown/x/", 0, False), (A, 15, False)]  # fmt: skip
    (one,) = store.read(Query([A], 0, 2**60, limit=14))
    assert (len(one.rows), one.more) == (14, True)
    both = store.read(Query([A, B], 0, 2**60, limit=7))
    assert [(len(s.rows), s.more) for s in both] == [(7, True), (7, True)]
    on = store.read(Query([A], one.rows[-1][0] + 1, 2**60, limit=14))[0]
    assert [*one.rows, *on.rows] == store.read(Query([A], 0, 2**60))[0].rows


def test_borders_are_half_open(store: DuckStore) -> None:
    """`since` belongs to the answer and `until` does not."""
    store.write(batch(THREE_DAYS))
    first = THREE_DAYS[0].at
    (a,) = store.read(Query([A], first, first + 2))
    assert [row[0] for row in a.rows] == [first, first + 1]


@settings(max_examples=25)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 3),
            st.integers(1, 6),
            st.sampled_from(["feed", "feed", "again", "restart", "settle"]),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_any_order_of_days_repeats_and_restarts(steps: list[tuple[int, int, str]]) -> None:
    """Whatever days come, fed once or again, with restarts and closings between, each reading is stored once."""
    with tempfile.TemporaryDirectory() as folder:
        store = opened(Path(folder))
        fed: list[Happening] = []
        for which, size, what in steps:
            news = day(which, len(fed) + 1, size)
            fed += news
            store.write(batch(news))
            if what == "again":
                store.write(batch(fed))
            elif what == "restart":
                store.close()
                store = opened(Path(folder))
            elif what == "settle":
                assert store.settled(LONG)
            assert store.cursor() == len(fed)
        assert stored(store) == expected(fed)
        assert store.health()["problems"] == []
        store.close()
