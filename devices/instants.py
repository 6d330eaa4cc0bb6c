"""The times devices write, read into UTC milliseconds and judged for what their clocks are worth."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from devices.reading import Flag

AHEAD_MAX_MS: Final = 5 * 60 * 1000
"""Design section 3, Time: a clock further ahead than this is wrong; received time then orders."""

EARLIEST_MS: Final = 1_577_836_800_000
"""2020-01-01. A clock that says less was reset (1970, 2000, 2010 and 2016 are usual), or counts seconds for ms."""

_TEXT_MAX: Final = 40  # 2024-11-23T15:13:45.123456789+01:00 has 35 characters


def clock_flags(measured_at: int, now: int) -> int:
    """`Flag.CLOCK_BAD` if the time cannot be right beside our own `now` (0: unknown), else 0. Late is not wrong."""
    if measured_at < EARLIEST_MS or (now and measured_at > now + AHEAD_MAX_MS):
        return int(Flag.CLOCK_BAD)
    return 0


def from_ms(value: Any) -> int | None:
    """UTC milliseconds from a JSON number; None if it is none, or no date that could be written down.

    Whether it means seconds is not guessed: such a value is a date in January 1970 and `clock_flags` says so.
    """
    if type(value) is int:
        return value if -_END_MS < value < _END_MS else None
    if type(value) is float:
        return int(value) if -_END_MS < value < _END_MS else None
    return None


def from_iso(value: Any) -> int | None:
    """UTC milliseconds from an ISO 8601 text with its offset; None for anything else, a text without offset too."""
    if type(value) is not str or len(value) > _TEXT_MAX:
        return None
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return None
    if at.tzinfo is None:
        return None
    return round(at.timestamp() * 1000)


_END_MS: Final = 253_402_300_800_000  # the year 10000
