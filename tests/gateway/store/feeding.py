"""What store tests share: journal rows in few words, batches of them, and what must then be stored."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from devices.reading import Reading, Value
from gateway.batch import batch_of
from gateway.core.event import Measured, Ticked
from gateway.journal import Row
from gateway.series import Batch, Sample

DAY = 86_400_000
NOON = 20_000 * DAY + DAY // 2  # some day of October 2024


class Happening(NamedTuple):
    """One event: readings as `(point, value, measured_at, flags)`; without any it is a tick."""

    seq: int
    at: int
    readings: Sequence[tuple[str, Value, int | None, int]] = ()


def rows_of(happenings: Iterable[Happening], offset_ms: int = 0) -> list[Row]:
    """Journal rows, cut where the seq jumps."""
    rows: list[Row] = []
    for seq, at, readings in happenings:
        event = Measured("home", [Reading(*r) for r in readings]) if readings else Ticked()
        if not rows or rows[-1].last + 1 != seq:
            rows.append(Row(1, seq, offset_ms, [], []))
        rows[-1].events.append((at - offset_ms, event))
    return rows


def batch(happenings: Sequence[Happening], after: int | None = None) -> Batch:
    """The batch of consecutive events; `after` is what was fed before (None: right before the first)."""
    return batch_of(rows_of(happenings), happenings[0].seq - 1 if after is None else after)


class Stored(NamedTuple):
    """One reading as a store must give it back."""

    point: str
    sample: Sample


def expected(happenings: Iterable[Happening]) -> list[Stored]:
    """What must be stored of these events, each reading once, by point and time."""
    return ordered(
        Stored(point, (at, value, measured, flags, seq, n))
        for seq, at, readings in happenings
        for n, (point, value, measured, flags) in enumerate(readings)
    )


def ordered(stored: Iterable[Stored]) -> list[Stored]:
    """By point, time and journal order, each value with its type, so that True, 1 and 1.0 are three things."""

    def plain(item: Stored) -> Stored:
        at, value, *rest = item.sample
        if isinstance(value, float) and math.isnan(value):
            value = "not a number"  # a NaN is equal to nothing, not even itself
        return Stored(item.point, (at, f"{type(value).__name__} {value}", *rest))  # type: ignore[arg-type]  # a Sample

    return sorted((plain(s) for s in stored), key=lambda s: (s.point, s.sample[0], s.sample[4], s.sample[5]))
