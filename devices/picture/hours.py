"""Hours of the week in which something is armed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

DAY: Final = 1440  # minutes
WEEK: Final = 7 * DAY


class Hours(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From `start` to `end`, minutes of the local day (0..1440), on `days` (0: Monday); past midnight if end <= start.

    22:00 to 06:00 on Monday is Monday's night until Tuesday at six. Raises ValueError for other numbers.
    """

    start: int
    end: int
    days: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6)

    def __post_init__(self) -> None:
        if not (0 <= self.start <= DAY and 0 <= self.end <= DAY and all(0 <= day <= 6 for day in self.days)):
            raise ValueError("hours are minutes of the day from 0 to 1440, days numbers from 0 (Monday) to 6")

    def hold(self, minute: int) -> bool:
        """Whether a minute of the week (0: Monday 00:00) lies in them."""
        length = (self.end - self.start) % DAY or DAY
        return any((minute - day * DAY - self.start) % WEEK < length for day in self.days)


def armed(hours: Sequence[Hours], minute: int | None) -> bool:
    """Whether any of the hours holds; without hours, or when nobody knows the time, it is armed."""
    return not hours or minute is None or any(one.hold(minute) for one in hours)
