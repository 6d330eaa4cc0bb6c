"""What is remembered of one device's behaviour: a few counters and short strings of bytes, whatever it sends."""

from __future__ import annotations

import struct
from typing import Final

import msgspec

from devices.reading import Flag

DAY_MS: Final = 86_400_000
REPORT_MS: Final = 5_000
"""Messages within this time of a report's first belong to it: many devices send one value a message, in a burst."""

GAPS_MAX: Final = 15  # times between reports that are kept: the median withstands seven strange ones
WEEK: Final = 7  # closed days that are kept
SLOT_MS: Final = 3 * 3_600_000
SLOTS: Final = 7 * 8  # seven days in steps of three hours
POINTS_MAX: Final = 32  # days with a battery level
REPLACED_BY: Final = 20.0  # percent that a level may rise from day to day; more is another battery
USUAL_SLOTS: Final = 128  # the usual link moves this slowly: about 16 days
AHEAD_MS: Final = 5 * 60_000  # a device clock this far ahead of ours is bad (design section 3, "Time")

GAP: Final = struct.Struct("<I")  # tenths of a second
DAY: Final = struct.Struct("<IHII")  # messages, changes, of those with a time, with a bad one
POINT: Final = struct.Struct("<HB")  # day since 1970, half percents
NO_LINK: Final = 0  # a slot in which nothing was heard
OFFSET: Final = {"rssi": 200, "linkquality": 0}
"""Added to a link value so that it fits into a byte: dBm from -199 to 55, link quality (IEEE 802.15.4) 0 to 255."""

_BAD: Final = int(Flag.CLOCK_BAD)
_COALESCED: Final = int(Flag.COALESCED)
_U32: Final = 2**32 - 1
_U16: Final = 2**16 - 1


class Record(msgspec.Struct, gc=False, array_like=True):
    """One device. Times are UTC ms, days are counted from 1970 in UTC; fields are only added, with defaults.

    `seq` is the last event folded in, so that folding it again changes nothing.
    """

    seq: int = 0
    first_at: int = 0
    last_at: int = 0
    report_at: int = 0  # when the report under way began
    gaps: bytes = b""
    day: int = 0
    messages: int = 0  # of today, as the next three
    changes: int = 0
    clocked: int = 0
    clock_bad: int = 0
    ahead_ms: int | None = None  # its clock against ours, by the promptest message of today
    ahead_before_ms: int | None = None  # and of the last day that had one
    week: bytes = b""  # closed days, the newest last
    battery: bytes = b""
    per_day: float | None = None  # percent of battery, by the points
    link_metric: str = ""
    link: bytes = b""  # the worst of each three hours, the newest last
    link_slot: int = 0
    link_usual: float = 0.0
    available: bool | None = None
    alarm_at: int = 0  # since when the newest alarm stands


def heard(
    record: Record, at: int, measured_at: int | None, flags: int, blind_until: int, messages: int = 1
) -> None:
    """Live messages came, the last of them this one.

    Time between reports that we did not hear all of (`blind_until`) teaches nothing.
    """
    day = at // DAY_MS
    if day != record.day:
        roll(record, day)
    record.messages += messages
    if measured_at is not None:
        record.clocked += messages
        ahead = measured_at - at
        if flags & _BAD or ahead > AHEAD_MS:
            record.clock_bad += messages
        elif record.ahead_ms is None or ahead > record.ahead_ms:
            record.ahead_ms = ahead
    if not record.first_at:
        record.first_at = at
    since = at - record.report_at
    if since >= REPORT_MS or since < 0:  # below zero: our own clock was set back
        if since > 0 and record.report_at and record.report_at >= blind_until and not flags & _COALESCED:
            record.gaps = (record.gaps + GAP.pack(min(since // 100, _U32)))[-GAPS_MAX * GAP.size :]
        record.report_at = at
    record.last_at = at


def roll(record: Record, day: int) -> None:
    """A new day begins: close the one before. A clock that was set far back begins the week anew."""
    passed = day - record.day
    if record.day and passed > 0:
        closed = DAY.pack(
            min(record.messages, _U32),
            min(record.changes, _U16),
            min(record.clocked, _U32),
            min(record.clock_bad, _U32),
        )
        silent = bytes(DAY.size * min(passed - 1, WEEK))
        record.week = (record.week + closed + silent)[-WEEK * DAY.size :]
    elif passed < -1:
        record.week = b""
    elif record.day:
        return
    record.day = day
    record.messages = record.changes = record.clocked = record.clock_bad = 0
    if record.ahead_ms is not None:
        record.ahead_before_ms, record.ahead_ms = record.ahead_ms, None


def powered(record: Record, percent: float) -> None:
    """A battery level came: the lowest of each day is a point of the trend."""
    level = round(min(max(percent, 0.0), 100.0) * 2)
    points = record.battery
    if points:
        day, before = POINT.unpack_from(points, len(points) - POINT.size)
        if day == record.day:
            if level >= before:
                return
            points = points[: -POINT.size]
        elif level - before > REPLACED_BY * 2:
            points = b""
    record.battery = (points + POINT.pack(min(record.day, _U16), level))[-POINTS_MAX * POINT.size :]
    record.per_day = slope([(d, v / 2) for d, v in POINT.iter_unpack(record.battery)])


def linked(record: Record, metric: str, value: float) -> None:
    """The strength of its radio link: of a device that tells it in two ways the first one counts."""
    record.link_metric = record.link_metric or metric
    if metric != record.link_metric:
        return
    level = min(max(round(value) + OFFSET[metric], 1), 255)
    slot = record.last_at // SLOT_MS
    passed = slot - record.link_slot
    if passed == 0 and record.link:
        if level < record.link[-1]:
            record.link = record.link[:-1] + bytes((level,))
        return
    if not record.link:
        record.link_usual = float(level)
    elif passed > 0:
        record.link_usual += (record.link[-1] - record.link_usual) / USUAL_SLOTS
    missed = bytes(min(max(passed - 1, 0), SLOTS)) if record.link else b""
    record.link = (record.link + missed + bytes((level,)))[-SLOTS:]
    record.link_slot = slot


def present(record: Record, online: bool) -> None:
    """It, or its bridge, says whether it is there; each change counts."""
    if record.available is not None and record.available is not online:
        record.changes += 1
    record.available = online


def alarmed(record: Record, since: int) -> None:
    """An alarm on it stands since `since`; each new one counts once."""
    if since <= record.alarm_at:
        return
    day = since // DAY_MS
    if day > record.day:
        roll(record, day)
    record.alarm_at = since
    record.changes += 1


POINTS_MIN: Final = 5
SPAN_MIN_DAYS: Final = 7


def slope(points: list[tuple[int, float]]) -> float | None:
    """Least squares: how much a day, or None from too few points or days to say."""
    if len(points) < POINTS_MIN or points[-1][0] - points[0][0] < SPAN_MIN_DAYS:
        return None
    x = sum(day for day, _ in points) / len(points)
    y = sum(level for _, level in points) / len(points)
    spread = sum((day - x) ** 2 for day, _ in points)
    return sum((day - x) * (level - y) for day, level in points) / spread if spread else None
