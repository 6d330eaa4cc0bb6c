"""Journal rows become columns without losing or adding a reading."""

from __future__ import annotations

from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.reading import Flag, Reading
from gateway.batch import batch_of
from gateway.core.event import Clocked, Event, Measured, Ticked
from gateway.journal import Row
from gateway.series import BadQuery, Kind, Query
from tests.gateway.store.feeding import Happening, rows_of

VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False)
    | st.text(max_size=8)
)
READINGS = st.lists(
    st.tuples(
        st.sampled_from(["home:a/smoke/", "home:火/temperature/1"]),
        VALUES,
        st.none() | st.just(5),
        st.just(0),
    ),
    max_size=4,
)


def test_every_reading_is_in_its_row_of_columns() -> None:
    """A batch holds seq, place, time, point, value, device time and flags of each reading, in journal order."""
    rows = rows_of([
        Happening(7, 1_000, [("home:a/smoke/", True, 900, 8), ("home:a/temperature/", 21.5, None, 0)]),
        Happening(8, 1_001),
        Happening(9, 1_002, [("home:b/state/x", "开", 1, Flag.RETAINED), ("home:b/count/", 3, 2, 0)]),
        Happening(10, 1_003, [("home:b/count/", None, 2, 0)]),
    ])  # fmt: skip
    batch = batch_of(rows, 6)
    assert (batch.after, batch.last_seq, len(batch)) == (6, 10, 5)
    assert batch.seq == [7, 7, 9, 9, 10]
    assert batch.n == [0, 1, 0, 1, 0]
    assert batch.at == [1_000, 1_000, 1_002, 1_002, 1_003]
    assert batch.point == [
        "home:a/smoke/",
        "home:a/temperature/",
        "home:b/state/x",
        "home:b/count/",
        "home:b/count/",
    ]
    assert batch.number == [True, 21.5, None, 3, None]
    assert batch.text == [None, None, "开", None, None]
    assert list(batch.kind) == [Kind.BOOL, Kind.FLOAT, Kind.TEXT, Kind.INT, Kind.NONE]
    assert batch.measured_at == [900, None, 1, 2, 2]
    assert batch.flags == [8, 0, 4, 0, 0]


def test_times_become_utc() -> None:
    """`at` is the stamp plus the offset in force, which a correction of the clock changes from itself on."""
    measured = Measured("home", [Reading("home:a/smoke/", True)])
    events: list[tuple[int, Event]] = [(100, measured), (200, Clocked(7, "ntp")), (300, measured)]
    assert batch_of([Row(1, 1, 5_000, events, [])], 0).at == [5_100, 307]


def test_a_clock_correction_counts_even_where_it_is_not_wanted_again() -> None:
    """Reading on from the middle of a row, what was corrected before still holds."""
    measured = Measured("home", [Reading("home:a/smoke/", True)])
    events: list[tuple[int, Event]] = [(100, measured), (200, Clocked(7, "ntp")), (300, measured)]
    batch = batch_of([Row(1, 1, 5_000, events, [])], 2)
    assert (batch.seq, batch.at, batch.last_seq) == ([3], [307], 3)


def test_rows_without_readings_still_move_on() -> None:
    """Ticks, acts and deliveries give no readings, and the batch still says how far it goes."""
    batch = batch_of([Row(1, 5, 0, [(1, Ticked()), (2, Ticked())], [])], 4)
    assert (len(batch), batch.after, batch.last_seq) == (0, 4, 6)
    assert (len(batch_of([], 9)), batch_of([], 9).last_seq) == (0, 9)


def test_long_messages_keep_their_places() -> None:
    """A message of hundreds of readings numbers them all."""
    readings = [("home:a/flow/", float(i), None, 0) for i in range(300)]
    assert batch_of(rows_of([Happening(1, 1, readings)]), 0).n == list(range(300))


def test_values_of_subclasses_are_what_they_derive_from() -> None:
    """An enum's word is a text; something that is no value at all is a bug and says so."""

    class Word(StrEnum):
        ON = "on"

    def one(value: object) -> list[Row]:
        reading = Reading("home:a/state/", value)  # type: ignore[arg-type]  # what a careless codec might give
        return [Row(1, 1, 0, [(1, Measured("home", [reading]))], [])]

    batch = batch_of(one(Word.ON), 0)
    assert (list(batch.kind), batch.text) == ([Kind.TEXT], ["on"])
    with pytest.raises(TypeError, match="bytes"):
        batch_of(one(b"x"), 0)


@given(st.lists(READINGS, max_size=12), st.integers(0, 12))
def test_cutting_anywhere_loses_and_doubles_nothing(
    messages: list[list[tuple[str, object, int | None, int]]], cut: int
) -> None:
    """What is behind `after` and what is not are together the whole."""
    happenings = [Happening(i + 1, 100 + i, m) for i, m in enumerate(messages)]  # type: ignore[arg-type]  # as drawn
    rows = rows_of(happenings)
    whole, rest = batch_of(rows, 0), batch_of(rows, cut)
    head = [i for i, seq in enumerate(whole.seq) if seq <= cut]
    for column in ("seq", "n", "at", "point", "number", "text", "measured_at", "flags"):
        assert getattr(whole, column)[len(head) :] == getattr(rest, column)
    assert whole.kind[len(head) :] == rest.kind
    assert len(whole) == sum(len(m) for m in messages)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"points": []}, "points"),
        ({"points": ["p"] * 1001, "limit": 1}, "points"),
        ({"since": 5, "until": 5}, "range"),
        ({"since": -1}, "range"),
        ({"limit": 0}, "limit"),
        ({"limit": 1_000_001}, "rows"),
        ({"points": ["a", "b"], "limit": 500_001}, "rows"),
        ({"step_ms": 0}, "step"),
        ({"since": 0, "until": 100, "step_ms": 10, "limit": 9}, "step"),
        ({"since": 5, "until": 101, "step_ms": 10, "limit": 10}, "step"),
    ],
)
def test_questions_without_bounds_are_refused(change: dict[str, object], code: str) -> None:
    """A question that could take the view's memory or time is refused with a code before it reaches a store."""
    asked: dict[str, object] = {"points": ["p"], "since": 0, "until": 100, **change}
    with pytest.raises(BadQuery) as refused:
        Query(**asked)  # type: ignore[arg-type]  # as drawn above
    assert refused.value.code == code


def test_the_limit_counts_the_steps_that_can_be() -> None:
    """Ten steps fit a limit of ten; the borders of the question may cut one more."""
    Query(["p"], 0, 100, 10, 10)
    Query(["p"], 5, 101, 10, 11)
