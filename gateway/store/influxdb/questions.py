"""Questions about readings as InfluxQL, and tables back into readings."""

# ruff: noqa: S608  names and texts go into InfluxQL quoted by `asking`, all else is our own names and whole numbers
from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from devices.reading import Value, point_id, split_point
from gateway.lines import MS, arrival_of, kind_of, place_of, tag_of, text_of
from gateway.series import Batch, Kind, Query, Rollup, Sample
from gateway.store.influxdb.asking import Table, name, text

TIME_MAX: Final = 2**63 - 2  # nanoseconds; the last instant InfluxQL knows, in 2262
GROUPS: Final = '"device", "metric", "channel"'

# What makes a reading, in the order that `_sample` takes it.
_FIELDS: Final = (
    '"seq", "n", "at", "kind", "value", "invalid", "text", "invalid_text", "measured_at", "flags"'
)
Names = tuple[str, str, str]
"""The tags of a point: device, metric, channel."""


class Whole(NamedTuple):
    """A stored reading with the name of its point."""

    seq: int
    n: int
    point: str
    sample: Sample
    kind: int


def names_of(point: str) -> Names:
    """The tags that a point's readings carry."""
    device, metric, channel = map(tag_of, split_point(point))
    return device, metric, channel


def point_of(names: Names) -> str:
    """The point that these tags name."""
    return point_id(*map(text_of, names))


def grouped(table: Table) -> Names:
    """The tags of a table of a statement with GROUP BY GROUPS."""
    return table.tags.get("device", ""), table.tags.get("metric", ""), table.tags.get("channel", "")


def of_points(points: Iterable[Names]) -> str:
    """The condition that a reading is of one of these points. A tag that is absent is equal to ''."""
    each = (
        f'("device" = {text(d)} AND "metric" = {text(m)} AND "channel" = {text(c)})' for d, m, c in points
    )
    return f"({' OR '.join(each)})"


def between(since: int, until: int) -> str:
    """The condition that a reading arrived with `since <= at < until` (UTC ms)."""
    return f"time >= {max(since, 0) * MS} AND time < {min(until * MS, TIME_MAX)}"


def raw(measurement: str, where: str, limit: int) -> str:
    """The statement for readings in time order, grouped by point, at most `limit` of each."""
    return f"SELECT {_FIELDS} FROM {name(measurement)} WHERE {where} GROUP BY {GROUPS} LIMIT {limit}"


def every(measurement: str, where: str) -> str:
    """The statement for readings of all points, each with its tags behind its fields."""
    return f"SELECT {_FIELDS}, {GROUPS} FROM {name(measurement)} WHERE {where}"


def last(measurement: str, where: str) -> str:
    """The statement for the last reading of each point by time."""
    others = _FIELDS.partition(", ")[2]
    return f'SELECT LAST("seq"), {others} FROM {name(measurement)} WHERE {where} GROUP BY {GROUPS}'


def newest(measurement: str, where: str) -> str:
    """The statement for the last event of each point in journal order: one of its readings, if it has several."""
    others = _FIELDS.partition(", ")[2]
    return f'SELECT MAX("seq"), {others} FROM {name(measurement)} WHERE {where} GROUP BY {GROUPS}'


def backwards(measurement: str, where: str, limit: int) -> str:
    """The statement for the last `limit` readings of one point, newest first."""
    return f"SELECT {_FIELDS} FROM {name(measurement)} WHERE {where} ORDER BY time DESC LIMIT {limit}"


def rolled(measurement: str, where: str, query: Query) -> str:
    """The four statements whose tables `Steps` takes."""
    assert query.step_ms is not None
    step = min(query.step_ms, TIME_MAX // MS)
    tail = f"FROM {name(measurement)} WHERE {where} GROUP BY time({step}ms), {GROUPS} fill(none)"
    return "; ".join((
        f'SELECT MIN("value"), MAX("value"), MEAN("value"), COUNT("value") {tail}',
        f'SELECT LAST("value"), "kind", "seq" {tail}',
        f'SELECT COUNT("text") {tail}',
        f'SELECT LAST("text"), "seq" {tail}',
    ))  # fmt: skip


class Steps:
    """The roll-up of one point, put together from the tables of the four statements of `rolled`."""

    def __init__(self) -> None:
        self._numbers: dict[int, Sequence[Any]] = {}
        self._last: dict[int, tuple[int, Value]] = {}
        self._texts: dict[int, int] = {}

    def take(self, table: Table) -> None:
        for time, *cells in table.values:
            step = time // MS
            match table.statement:
                case 0 if cells[3]:
                    self._numbers[step] = cells
                case 2 if cells[0]:
                    self._texts[step] = cells[0]
                case 1 if cells[0] is not None:
                    self._newest(
                        step, cells[2], _value(_kind(cells[1], cells[0], None, None, None), cells[0], None)
                    )
                case 3 if cells[0] is not None:
                    self._newest(step, cells[1], cells[0])

    def _newest(self, step: int, seq: int, value: Value) -> None:
        if step not in self._last or seq > self._last[step][0]:
            self._last[step] = seq, value

    def rows(self) -> list[Rollup]:
        """In time order."""
        found: list[Rollup] = []
        for step, (_, value) in sorted(self._last.items()):
            low, high, mean, count = self._numbers.get(step, (None, None, None, 0))
            found.append(
                (step, _float(low), _float(high), _float(mean), value, count + self._texts.get(step, 0))
            )
        return found


def samples(table: Table) -> list[Sample]:
    """The readings of a table of `raw`, `last`, `newest`, `backwards`; the time is the first of its columns."""
    return [_sample(*row) for row in table.values]


def wholes(tables: Iterable[Table]) -> list[Whole]:
    """The tables of `every`'s statement in journal order, each reading once."""
    found: dict[tuple[int, int], Whole] = {}
    for table in tables:
        for *fields, device, metric, channel in table.values:
            one = _sample(*fields)
            point = point_of((device or "", metric or "", channel or ""))
            found[one[4], one[5]] = Whole(one[4], one[5], point, one, _kind(*fields[4:9]))
    return [found[key] for key in sorted(found)]


def batch_of(readings: Sequence[Whole], after: int) -> Batch:
    """Consecutive readings in journal order as one batch behind the seq `after`."""
    rows = [r.sample for r in readings]
    numbers = [
        float(r.sample[1]) if r.kind != Kind.TEXT and r.sample[1] is not None else None for r in readings
    ]
    return Batch(
        after,
        readings[-1].seq,
        [r.seq for r in readings],
        [r.n for r in readings],
        [row[0] for row in rows],
        [r.point for r in readings],
        numbers,
        [str(r.sample[1]) if r.kind == Kind.TEXT else None for r in readings],
        bytes(r.kind for r in readings),
        [row[2] for row in rows],
        [row[3] for row in rows],
    )


def _sample(  # noqa: PLR0917  a row's columns in order
    time_ns: int,
    seq: int,
    n: int | None,
    at: int | None,
    kind: int | None,
    value: float | None,
    invalid: float | None,
    words: str | None,
    invalid_words: str | None,
    measured_at: int | None,
    flags: int | None,
) -> Sample:
    number = value if invalid is None else invalid
    said = words if invalid_words is None else invalid_words
    return (
        arrival_of(time_ns) if at is None else at,
        _value(_kind(kind, value, invalid, words, invalid_words), number, said),
        measured_at,
        flags or 0,
        seq,
        place_of(time_ns) if n is None else n,
    )


def _kind(
    kind: int | None, value: float | None, invalid: float | None, words: str | None, invalid_words: str | None
) -> int:
    """What the line says, or what it leaves to be told from its value."""
    if kind is not None:
        return kind
    return kind_of(value if invalid is None else invalid, words if invalid_words is None else invalid_words)


def _value(kind: int, number: float | None, words: str | None) -> Value:
    match kind:
        case Kind.NONE:
            return None
        case Kind.TEXT:
            return words or ""
        case _ if number is None:
            return math.nan
        case Kind.BOOL:
            return number != 0
        case Kind.INT:
            return int(number)
    return float(number)


def _float(number: float | None) -> float | None:
    return None if number is None else float(number)
