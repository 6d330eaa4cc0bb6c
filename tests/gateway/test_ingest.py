"""What happens to a message between the broker and the engine, and what coalescing may never do."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from devices.reading import Flag, Reading
from gateway.core.event import Measured
from gateway.ingest import Waiting

numbers = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30)


def message(metric: str, value: Any) -> Measured:
    return Measured("s", [Reading(f"s:d/{metric}/", value)])


@given(numbers)
def test_coalescing_keeps_the_extremes_and_the_last_word(values: list[float]) -> None:
    """However many measurements merge: minimum, maximum and last are kept, the last one last, all marked."""
    held = Waiting(message("temperature", values[0]), 0)
    for n, value in enumerate(values[1:], 1):
        assert held.merge(message("temperature", value), n)
    kept = held.event().readings
    assert kept[-1].value == values[-1]
    assert {min(values), max(values)} <= {r.value for r in kept}
    assert len(kept) <= 3
    assert held.tokens == list(range(len(values)))
    if len(values) > 1:
        assert all(r.flags & Flag.COALESCED for r in kept)


def test_alarm_levels_that_differ_never_merge() -> None:
    """A smoke bit that changes is never merged away; one that stays the same may be."""
    held = Waiting(message("smoke", False), 1)
    assert held.merge(message("smoke", False), 2)
    assert not held.merge(message("smoke", True), 3)
    assert held.tokens == [1, 2]


def test_one_message_alone_is_itself() -> None:
    """What met no other message goes on unchanged."""
    only = message("temperature", 1.0)
    assert Waiting(only, 1).event() is only


def test_points_that_come_in_between_are_kept() -> None:
    """Messages of one device need not hold the same points."""
    held = Waiting(message("temperature", 1.0), 1)
    assert held.merge(message("humidity", 40.0), 2)
    assert {r.point for r in held.event().readings} == {"s:d/temperature/", "s:d/humidity/"}
