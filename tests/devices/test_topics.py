"""Topic filters, clocks and the ISO times devices write."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.client import topic_matches_sub

from devices.instants import clock_flags, from_iso, from_ms
from devices.reading import Flag
from devices.topics import matches, specificity, valid_filter

LEVELS = st.lists(st.sampled_from(["", "a", "b", "楼", "$SYS", "+"]), min_size=1, max_size=4)
NAMES = st.lists(st.sampled_from(["", "a", "b", "楼", "$SYS"]), min_size=1, max_size=4)


@given(LEVELS, st.booleans(), NAMES)
def test_filters_match_as_paho_matches(levels: list[str], hashed: bool, names: list[str]) -> None:
    """Our matching and paho's agree on every pair of filter and topic."""
    wanted = "/".join([*levels, "#"] if hashed else levels)
    topic = "/".join(names)
    if not topic or not wanted:
        return  # MQTT 5, 4.7.3: names and filters are at least one character long
    assert matches(wanted, topic) == topic_matches_sub(wanted, topic)


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("a/+/b", True),
        ("#", True),
        ("+", True),
        ("a/#", True),
        ("a/#/b", False),
        ("a+", False),
        ("", False),
        ("a\0", False),
        ("x" * 65_536, False),
        ("/", True),
    ],
)
def test_which_filters_a_broker_accepts(text: str, valid: bool) -> None:
    """Wildcards stand alone in their level, and # only last (MQTT 5, 4.7.1)."""
    assert valid_filter(text) is valid


def test_the_more_specific_filter_is_greater() -> None:
    """Of two filters that match, the one naming more levels comes first."""
    ordered = ["#", "+/+", "zigbee2mqtt/#", "community/+/+/event"]
    assert sorted(["zigbee2mqtt/#", "community/+/+/event", "#", "+/+"], key=specificity) == ordered


@pytest.mark.parametrize(
    ("value", "at"),
    [
        ("1970-01-01T00:00:01Z", 1000),
        ("2025-11-22T05:20:00.5+08:00", 1_763_760_000_500),
        ("2025-11-22", None),
        ("x", None),
        (5, None),
        ("0001-01-01T00:00:00+14:00", -62_135_647_200_000),
        ("9" * 99, None),
        (None, None),
    ],
)
def test_iso_times(value: Any, at: int | None) -> None:
    """Only a text with date, time and offset is a moment."""
    assert from_iso(value) == at


@pytest.mark.parametrize(
    ("value", "at"),
    [(5, 5), (5.9, 5), (True, None), ("5", None), (None, None), (10**30, None), (float("nan"), None)],
)
def test_milliseconds(value: Any, at: int | None) -> None:
    """Only a finite number within ten thousand years is a moment."""
    assert from_ms(value) == at


def test_without_our_own_time_only_the_calendar_judges() -> None:
    """A now of zero is unknown: nothing is ahead of it."""
    assert clock_flags(4_000_000_000_000, 0) == 0
    assert clock_flags(946_684_800_000, 0) == Flag.CLOCK_BAD
