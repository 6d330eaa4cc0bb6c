"""All that a measurement holds in journal order, though the server keeps it by time: by windows of bounded size."""

# ruff: noqa: S608  the measurement is quoted, all else is whole numbers
from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from gateway.lines import MS
from gateway.series import Batch
from gateway.store.influxdb import questions
from gateway.store.influxdb.asking import Asking, name

_ROWS: Final = (
    50_000  # of one batch, some 50 MB, unless one second brings more; asking for fewer costs the server more
)
_WIDTHS_MS: Final = (86_400_000, 3_600_000, 60_000, 1_000)


class _Span(NamedTuple):
    """Readings with `low <= seq <= high` that arrived in [start, end) ms."""

    low: int
    high: int
    start: int
    end: int
    rows: int

    def with_(self, other: _Span) -> _Span:
        return _Span(
            min(self.low, other.low),
            max(self.high, other.high),
            min(self.start, other.start),
            max(self.end, other.end),
            self.rows + other.rows,
        )


def in_journal_order(asking: Asking, measurement: str, after: int) -> Iterator[Batch]:
    """Everything behind the seq `after`. Raises StoreError."""
    table = name(measurement)
    ends = [
        row[0] // MS
        for how in ("FIRST", "LAST")
        for row in asking.rows(f'SELECT {how}("seq") FROM {table} WHERE time < {questions.TIME_MAX}')
    ]
    if not ends:
        return
    whole = _Span(after + 1, 2**62, ends[0], ends[-1] + 1, 0)
    for span in _spans(asking, measurement, whole, _WIDTHS_MS):
        statement = questions.every(measurement, _condition(span))
        readings = questions.wholes(asking.ask(statement))
        if readings:
            yield questions.batch_of(readings, after)
            after = readings[-1].seq


def _spans(asking: Asking, measurement: str, span: _Span, widths: tuple[int, ...]) -> Iterator[_Span]:
    """The span in pieces of at most _ROWS rows, in journal order.

    Windows of time follow each other in the journal too, except where the clock was set back; those that overlap there
    belong together and are cut by seq instead.
    """
    width, *finer = widths
    statement = (
        f'SELECT MIN("seq"), MAX("seq"), COUNT("seq") FROM {name(measurement)} WHERE {_condition(span)}'
        f" GROUP BY time({width}ms) fill(none)"
    )
    windows = sorted(
        _Span(low, high, max(time // MS, span.start), min(time // MS + width, span.end), rows)
        for time, low, high, rows in asking.rows(statement)
        if rows
    )
    for piece in _joined(windows):
        if piece.rows <= _ROWS:
            yield piece
        elif finer:
            yield from _spans(asking, measurement, piece, tuple(finer))
        else:
            share = max((piece.high - piece.low + 1) * _ROWS // piece.rows, 1)
            for low in range(piece.low, piece.high + 1, share):
                yield piece._replace(low=low, high=min(low + share - 1, piece.high))


def _joined(windows: list[_Span]) -> Iterator[_Span]:
    """Windows by their lowest seq; those that overlap in seq joined, and small neighbours too."""
    groups: list[_Span] = []
    for window in windows:
        if groups and window.low <= groups[-1].high:
            groups[-1] = groups[-1].with_(window)
        else:
            groups.append(window)
    waiting: _Span | None = None
    for group in groups:
        if waiting is None:
            waiting = group
        elif waiting.rows + group.rows <= _ROWS:
            waiting = waiting.with_(group)
        else:
            yield waiting
            waiting = group
    if waiting is not None:
        yield waiting


def _condition(span: _Span) -> str:
    return f'{questions.between(span.start, span.end)} AND "seq" >= {span.low} AND "seq" <= {span.high}'
