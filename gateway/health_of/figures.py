"""The figures that follow from a device's record: period, battery, link, clock, changes, messages."""

from __future__ import annotations

from statistics import median
from struct import Struct
from typing import Final

import msgspec
from msgspec.structs import replace

from gateway.health_of.record import DAY, DAY_MS, GAP, NO_LINK, OFFSET, SLOT_MS, SLOTS, WEEK, Record, roll

GAPS_MIN: Final = 6  # fewer teach nothing
NEAR: Final = 0.25  # a gap this close to the median is one report period
STEADY: Final = 0.6  # share of such gaps from which on a device keeps a period at all
LOW_PERCENT: Final = 15.0
"""Where the shipped rule asks for a new battery; days are counted until there."""

FALLING: Final = -0.01  # percent a day: less is noise
DAYS_MAX: Final = 3650  # further off is not worth a number
MONTH_DAYS: Final = 30
RECENT_SLOTS: Final = 8  # a day

_WEEKS: Final = [Struct("<" + DAY.format.removeprefix("<") * days) for days in range(WEEK + 1)]


class Figures(msgspec.Struct, frozen=True):
    """What a device was learned to be like; None where there is not enough to say.

    Times are UTC ms. Link values are in dBm (`rssi`) or 0 to 255 (`linkquality`), each the worst of three hours.
    `changes` are new alarms on it, and its goings and comings.
    """

    first_at: int
    last_at: int
    period_s: float | None  # the median time between its last reports
    steady: bool  # whether most of its reports keep that time
    battery: float | None
    battery_per_month: float | None
    battery_days_left: int | None
    link_metric: str | None
    link_min: int | None
    link_median: float | None
    link_recent: float | None  # the median of its last day
    link_usual: float | None
    clock_bad: float | None  # share of the last week's times that cannot be true
    clock_ahead_ms: int | None
    changes_today: int
    changes_most: int  # on one day of the last week
    messages_today: int
    messages_per_day: float | None  # of the closed days of the last week


def figures(record: Record, now: int) -> Figures:
    """Everything at `now`; the record stays as it is."""
    *closed, today = days(record, now)
    period_s, steady = period(record.gaps)
    week, recent = links(record, now)
    return Figures(
        record.first_at, record.last_at, period_s, steady,
        record.battery[-1] / 2 if record.battery else None,  # the last byte of the last point
        None if record.per_day is None else round(record.per_day * MONTH_DAYS, 2), days_left(record),
        record.link_metric or None,
        min(week) if week else None,
        median(week) if week else None,
        median(recent) if recent else None,
        round(usual_link(record), 1) if record.link else None,
        clock_bad([*closed, today]), clock_ahead_ms(record),
        today[1], max(day[1] for day in (*closed, today)),
        today[0], round(sum(day[0] for day in closed) / len(closed), 1) if closed else None,
    )  # fmt: skip


def days(record: Record, now: int) -> list[tuple[int, ...]]:
    """Messages, changes, of those with a time and with a bad one: of up to seven closed days, and of today, last."""
    if now // DAY_MS > record.day:
        record = replace(record)
        roll(record, now // DAY_MS)
    today = (record.messages, record.changes, record.clocked, record.clock_bad)
    return [*DAY.iter_unpack(record.week), today]


def worst_days(record: Record, now: int) -> tuple[int, int, int]:
    """Of the same days: the most changes on one, and of all of them the bad times and the times."""
    if now // DAY_MS > record.day:
        record = replace(record)
        roll(record, now // DAY_MS)
    if not record.week:
        return record.changes, record.clock_bad, record.clocked
    said = _WEEKS[len(record.week) // DAY.size].unpack(record.week)
    return (
        max(record.changes, *said[1::4]),
        record.clock_bad + sum(said[3::4]),
        record.clocked + sum(said[2::4]),
    )


def clock_bad(week: list[tuple[int, ...]]) -> float | None:
    """The share of times that cannot be true; None where the device says none."""
    clocked = sum(day[2] for day in week)
    return round(sum(day[3] for day in week) / clocked, 4) if clocked else None


def clock_ahead_ms(record: Record) -> int | None:
    """The device's clock against ours, of the last day on which it told a time."""
    return record.ahead_ms if record.ahead_ms is not None else record.ahead_before_ms


def usual_link(record: Record) -> float:
    """What its link usually is, in the unit of its metric."""
    return record.link_usual - OFFSET.get(record.link_metric, 0)


def period(gaps: bytes) -> tuple[float | None, bool]:
    """The median time between reports in seconds, and whether most of them keep it."""
    found = sorted(gap for (gap,) in GAP.iter_unpack(gaps))
    if len(found) < GAPS_MIN:
        return None, False
    middle = median(found)
    near = sum(abs(gap - middle) <= NEAR * middle for gap in found)
    return round(middle / 10, 1), near >= STEADY * len(found)


def days_left(record: Record) -> int | None:
    """Days until the battery is at LOW_PERCENT, if it falls at all; None where it cannot be said."""
    if not record.battery:
        return None
    level = record.battery[-1] / 2
    if level <= LOW_PERCENT:
        return 0
    if record.per_day is None or record.per_day > FALLING:
        return None
    days = round((level - LOW_PERCENT) / -record.per_day)
    return days if days <= DAYS_MAX else None


def links(record: Record, now: int) -> tuple[list[int], list[int]]:
    """The worst of each three hours of the last seven days in which it was heard, and those of the last day."""
    ago = max(now // SLOT_MS - record.link_slot, 0)
    kept = record.link[-(SLOTS - ago) :] if ago < SLOTS else b""
    recent = _lately(record, now)
    offset = OFFSET.get(record.link_metric, 0)
    return [v - offset for v in kept if v != NO_LINK], [v - offset for v in recent if v != NO_LINK]


def lowest_lately(record: Record, now: int) -> int | None:
    """The least of the last day's link values; None where none was heard."""
    heard = _lately(record, now).replace(bytes((NO_LINK,)), b"")
    return min(heard) - OFFSET.get(record.link_metric, 0) if heard else None


def _lately(record: Record, now: int) -> bytes:
    ago = max(now // SLOT_MS - record.link_slot, 0)
    return record.link[-(RECENT_SLOTS - ago) :] if ago < RECENT_SLOTS else b""
