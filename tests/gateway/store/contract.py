"""Promises that every store that can be asked keeps; an engine subclasses `StoreContract` and gives an `Engine`."""

from __future__ import annotations

import contextlib
import math
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.reading import Flag, Value
from gateway.series import Batch, Deletion, Query, Rollup, Sample, Selection, Store
from tests.gateway.store.feeding import DAY, NOON, Happening, Stored, batch, expected, ordered

A, B, FIRE = "home:a/temperature/", "home:a/smoke/", "home:三号楼 1单元=2,/火 警/左"
HOUR = 3_600_000
POINTS = [A, B, FIRE]
EVENTS = [
    Happening(1, NOON, [(A, 21.5, NOON - 20, 0), (B, True, None, Flag.SIMULATED), (FIRE, "报警 \"a\\", NOON - 5, 0)]),
    Happening(2, NOON + 1),
    Happening(3, NOON + 1, [(A, 22, NOON - 19, Flag.INVALID | Flag.CLOCK_BAD), (B, False, 0, 0)]),
    Happening(4, NOON + 5, [(A, None, None, Flag.RETAINED), (FIRE, "", None, 0), (FIRE, "正常", None, 0)]),
    Happening(5, NOON + 6, [(A, math.nan, 5, Flag.INVALID), (A, -0.25, -(2**40), 0), (A, 2**53, 2**50, 0)]),
]  # fmt: skip


class Engine(NamedTuple):
    """One kind of store: how to open a store of it on a folder of its own (again: the same store), and what it can do.

    `settle` waits until what the store does behind one's back is done. `fresh` gives the folder of another, empty store
    as a context manager (for properties, which try many). An engine that cannot do a thing skips its promises by flag.
    """

    open: Callable[[Path], Store]
    fresh: Callable[[], AbstractContextManager[Path]]
    settle: Callable[[Store], None] = lambda store: None
    deletes: bool = True
    counts_deleted: bool = True
    streams: bool = True  # `stored`
    texts: bool = True
    invalid_numbers: bool = True  # keeps "not a number" and "no reading"


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """An empty folder that goes away: `fresh` of engines that live in their folder."""
    with tempfile.TemporaryDirectory() as made:
        yield Path(made)


def everything(store: Store, points: Sequence[str], since: int = 0, until: int = 2**60) -> list[Stored]:
    """All that is stored of these points, as `read` gives it."""
    series = store.read(Query(points, since, until, limit=1_000_000 // len(points)))
    return ordered(Stored(s.point, row) for s in series for row in s.rows)  # type: ignore[arg-type]  # raw rows


def left(happenings: Iterable[Happening], away: Selection) -> list[Stored]:
    """What must be stored once the selection is taken away."""
    gone = {
        (e.seq, n)
        for e in happenings
        for n, (point, *_) in enumerate(e.readings)
        if e.at < away.before
        and (away.points is None or point in away.points)
        and (away.metrics is None or point.rsplit("/", 2)[1] in away.metrics)
    }
    return [s for s in expected(happenings) if (s.sample[4], s.sample[5]) not in gone]


def recomputed(happenings: Iterable[Happening], query: Query) -> list[list[Rollup]]:
    """The roll-up of each point asked, from the events themselves, by its definition (`gateway.series.Rollup`)."""
    assert query.step_ms is not None
    steps: dict[tuple[str, int], list[Value]] = {}
    for _, at, readings in happenings:
        for point, value, _, flags in readings:
            silent = value is None or (isinstance(value, float) and not math.isfinite(value))
            if query.since <= at < query.until and not silent and not flags & Flag.INVALID:
                steps.setdefault((point, at - at % query.step_ms), []).append(value)

    def roll(step: int, values: list[Value]) -> Rollup:
        numbers = [float(v) for v in values if isinstance(v, int | float)]
        if not numbers:
            return step, None, None, None, values[-1], len(values)
        mean = math.fsum(numbers) / len(numbers)
        return step, min(numbers), max(numbers), mean, values[-1], len(values)

    return [[roll(step, steps[p, step]) for q, step in sorted(steps) if q == p] for p in query.points]


class _Mean(float):
    """A mean to nine digits: sums are added up in another order."""

    __hash__ = None  # type: ignore[assignment]  # what is equal only nearly has none

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, float) or math.isnan(self) or math.isnan(other):
            return isinstance(other, float) and math.isnan(self) and math.isnan(other)
        return math.isclose(self, other, rel_tol=1e-9, abs_tol=1e-9)


def nearly(rows: Sequence[Rollup | Sample]) -> list[tuple[object, ...]]:
    """Rolled-up rows with types told apart and means nearly equal."""
    return [
        (step, low, high, None if mean is None else _Mean(mean), f"{type(last).__name__} {last}", count)
        for step, low, high, mean, last, count in rows  # a Sample has six fields as well
    ]


def batches(happenings: Sequence[Happening], size: int) -> Iterator[Batch]:
    """The events in batches of so many events."""
    for start in range(0, len(happenings), size):
        some = happenings[start : start + size]
        yield batch(some)


def days(count: int, a_day: int = 6, points: Sequence[str] = POINTS) -> list[Happening]:
    """So many days of readings, each point in turn."""
    events = []
    for i in range(count * a_day):
        at = NOON + i // a_day * DAY + i % a_day * 90_000
        point = points[i % len(points)]
        value: Value = "火警" if point == FIRE else i % 2 == 0 if point == B else i / 4
        events.append(Happening(i + 1, at, [(point, value, at - 7, 0), (A, i, None, 0)]))
    return events


VALUES: st.SearchStrategy[Value] = st.one_of(
    st.floats(-1e6, 1e6).map(lambda v: round(v, 3) + 0.0),
    st.integers(-1000, 1000),
    st.booleans(),
    st.sampled_from(["开", "关", ""]),
    st.sampled_from([None, math.nan]),
)
GAPS_MS = st.sampled_from([0, 1, 999, 20_000, 61_000, 900_000, 5 * HOUR, DAY])


class StoreContract:
    """Subclass it, give an `engine` fixture, and pytest runs every promise."""

    @pytest.fixture
    def store(self, engine: Engine) -> Iterator[Store]:
        """An empty store."""
        with engine.fresh() as where:
            made = engine.open(where)
            yield made
            made.close()

    def test_a_new_store_is_empty(self, store: Store) -> None:
        """Cursor 0, nothing wrong, a series without rows for whatever is asked."""
        assert store.cursor() == 0
        assert store.health()["ok"]
        assert everything(store, POINTS) == []
        assert store.latest() == {}

    def test_what_is_written_reads_back_equal(self, engine: Engine, store: Store) -> None:
        """Every kind of value with its time, flags, seq and place in the message."""
        events = _able(engine, EVENTS)
        store.write(batch(events))
        assert store.cursor() == 5
        assert everything(store, POINTS) == expected(events)

    def test_writing_again_changes_nothing(self, engine: Engine, store: Store) -> None:
        """The same batch, a part, an overlap: each reading is stored once."""
        events = _able(engine, EVENTS)
        for some in (events[:3], events[:3], events[1:2], events, events[2:]):
            store.write(batch(some))
        assert everything(store, POINTS) == expected(events)

    def test_two_values_of_one_millisecond_are_two(self, store: Store) -> None:
        """In one message and in many."""
        events = [
            Happening(s, NOON, [(A, float(s * 10 + i), None, 0) for i in range(3)]) for s in range(1, 40)
        ]
        store.write(batch(events))
        assert everything(store, [A]) == expected(events)

    def test_it_goes_on_behind_its_cursor(self, engine: Engine) -> None:
        """Cursor and readings survive closing."""
        events = _able(engine, days(2))
        with engine.fresh() as where:
            for some in batches(events, 5):
                store = engine.open(where)
                assert store.cursor() == some.after
                store.write(some)
                store.close()
            store = engine.open(where)
            assert everything(store, POINTS) == expected(events)
            store.close()

    def test_borders_are_half_open_and_limits_say_more(self, store: Store) -> None:
        """`since` belongs, `until` does not; a cut series says so, and asking on from its last row ends it."""
        events = [Happening(i, NOON + i, [(A, float(i), None, 0)]) for i in range(1, 30)]
        store.write(batch(events))
        (cut,) = store.read(Query([A], NOON + 3, NOON + 20, limit=10))
        assert ([r[0] - NOON for r in cut.rows], cut.more) == (list(range(3, 13)), True)
        (rest,) = store.read(Query([A], NOON + 13, NOON + 20, limit=10))
        assert ([r[0] - NOON for r in rest.rows], rest.more) == (list(range(13, 20)), False)

    def test_the_latest_is_the_last_in_the_journal(self, engine: Engine, store: Store) -> None:
        """Of each point; stored data sent late stands for now only where there is nothing else."""
        store.write(batch([
            Happening(1, NOON, [(A, 20.0, None, 0), (B, True, NOON - 99, Flag.HISTORICAL)]),
            Happening(2, NOON + 1, [(A, 15.0, NOON - DAY, Flag.HISTORICAL)]),
            Happening(3, NOON + DAY, [(A + "c", 1, None, 0)]),
        ]))  # fmt: skip
        engine.settle(store)
        assert {p: s[1] for p, s in store.latest().items()} == {A: 20.0, B: True, A + "c": 1}
        assert store.latest([B, "home:nobody/x/"]) == {B: (NOON, True, NOON - 99, Flag.HISTORICAL, 1, 1)}

    def test_a_roll_up_is_what_its_readings_say(self, engine: Engine) -> None:
        """For any readings, restarts and steps: minimum, maximum, mean, last and count as recomputed by hand."""

        @settings(max_examples=20)
        @given(
            st.lists(
                st.tuples(GAPS_MS, st.sampled_from([A, B]), VALUES, st.sampled_from([0, 0, 0, Flag.INVALID])),
                min_size=1,
                max_size=30,
            ),
            st.sampled_from([10_000, 60_000, 120_000, 900_000, HOUR, 6 * HOUR, DAY, 7 * DAY]),
            st.tuples(st.integers(0, 3 * HOUR), st.integers(1, 3 * DAY)),
        )
        def holds(given_: list[tuple[int, str, Value, int]], step_ms: int, asked: tuple[int, int]) -> None:
            at, events = NOON, []
            for i, (gap, point, value, flags) in enumerate(given_, 1):
                at += gap
                events.append(Happening(i, at, [(point, value, None, flags)]))
            events = _able(engine, events)
            with engine.fresh() as where:
                store = engine.open(where)
                for some in batches(events, 7):
                    store.write(some)
                engine.settle(store)
                for since, until in (
                    (NOON - DAY, at + DAY),
                    (NOON + asked[0], NOON + asked[0] + asked[1]),
                ):
                    query = Query([B, A], since, until, step_ms, limit=500_000)
                    found = [nearly(s.rows) for s in store.read(query)]
                    assert found == [nearly(rows) for rows in recomputed(events, query)]
                store.close()

        holds()

    @pytest.mark.parametrize(
        ("points", "metrics", "before"),
        [
            ((A,), None, 2**60),
            (None, ("smoke", "火 警"), 2**60),
            (None, None, NOON + DAY + 100_000),
            ((A, B), ("temperature",), NOON + DAY + 100_000),
            (("home:nobody/x/",), None, 2**60),
            ((), None, 2**60),
        ],
    )
    def test_what_is_deleted_is_gone_for_good(
        self,
        engine: Engine,
        points: tuple[str, ...] | None,
        metrics: tuple[str, ...] | None,
        before: int,
    ) -> None:
        """From raw readings, roll-ups and latest values, counted, and no feeding or new start brings it back."""
        if not engine.deletes:
            pytest.skip("this engine cannot delete")
        events = _able(engine, days(3))
        away = Selection(before, points, metrics)
        with engine.fresh() as where:
            store = engine.open(where)
            for some in batches(events, 6):
                store.write(some)
            engine.settle(store)
            remains, cursor = left(events, away), store.cursor()
            proof = store.delete(away)
            gone = [s for s in expected(events) if s not in remains]
            if engine.counts_deleted:
                times = [s.sample[0] for s in gone]
                assert proof == Deletion(len(gone), min(times, default=None), max(times, default=None))
                assert store.delete(away).rows == 0
            for _ in range(2):
                assert store.cursor() == cursor
                assert everything(store, POINTS) == remains
                rolled = store.read(Query(POINTS, 0, 2**41, step_ms=2**41))
                assert sum(row[5] for s in rolled for row in s.rows) == len(remains)
                assert set(store.latest()) <= {s.point for s in remains}
                for some in batches(events, 18):
                    store.write(some)
                store.close()
                store = engine.open(where)
            news = Happening(19, NOON + 3 * DAY, [(A, 5.5, None, 0)])  # what comes after a deletion stays
            store.write(batch([news]))
            assert everything(store, [A], since=NOON + 3 * DAY) == expected([news])
            store.close()

    def test_all_that_is_stored_comes_back_in_the_order_of_the_journal(self, engine: Engine) -> None:
        """In batches that join on, of bounded size, from behind any seq; fed to another store it stores the same."""
        if not engine.streams:
            pytest.skip("this engine cannot give all it holds")
        events = _able(engine, [*days(3, a_day=10), Happening(31, NOON + 4 * DAY)])
        with engine.fresh() as where, engine.fresh() as other:
            store, copy = engine.open(where), engine.open(other)
            for some in batches(events, 8):
                store.write(some)
            engine.settle(store)
            for after in (0, 9, 10, 25, 31, 99):
                came = list(store.stored(after))
                order = [key for b in came for key in zip(b.seq, b.n, strict=True)]
                wanted = [(e.seq, n) for e in events if e.seq > after for n in range(len(e.readings))]
                assert order == wanted
                reached = after
                for b in came:
                    assert b.after == reached
                    assert b.seq[-1] <= b.last_seq
                    assert b.seq[0] > b.after
                    reached = b.last_seq
            for b in store.stored():
                copy.write(b)
            assert everything(copy, POINTS) == everything(store, POINTS) == expected(events)
            store.close()
            copy.close()

    def test_old_days_are_forgotten_on_request(self, engine: Engine, store: Store) -> None:
        """Days that ended before the given time go, as far as the engine deletes by days, and nothing newer."""
        events = _able(engine, days(3))
        for some in batches(events, 6):
            store.write(some)
        engine.settle(store)
        midnight = NOON + DAY // 2
        store.forget(midnight)
        assert everything(store, POINTS, since=midnight) == expected(e for e in events if e.at >= midnight)


def _able(engine: Engine, events: Iterable[Happening]) -> list[Happening]:
    """The events without what the engine cannot keep, in the places they had: a text becomes a number."""

    def able(value: Value) -> Value:
        if isinstance(value, str) and not engine.texts:
            return float(len(value))
        silent = value is None or (isinstance(value, float) and not math.isfinite(value))
        return 0.125 if silent and not engine.invalid_numbers else value

    return [Happening(s, at, [(p, able(v), m, f) for p, v, m, f in readings]) for s, at, readings in events]
