"""Rolled-up questions: from stored roll-ups where they fit the steps asked, from the readings where not, and joined."""

# ruff: noqa: S608  only our own names, whole numbers and quoted paths are put into SQL; values are parameters
from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from gateway.series import Kind, Query, Series, Steps
from gateway.store.duckdb_.files import DAY_MS, Part, Roll
from gateway.store.duckdb_.reading import SAYS_SOMETHING, OpenTable, Statement, sources
from gateway.store.duckdb_.rolling import (
    FIELDS,
    MINUTE_MS,
    PLAIN,
    STEPS_MIN,
    merged,
    rolled,
)
from gateway.store.duckdb_.spans import Span

if TYPE_CHECKING:
    from numpy.typing import NDArray

COLUMNS: Final = ("step", "min", "max", "mean", "kind", "number", "text", "count", "place")
"""What the statement answers with; `place` is the point's among those asked."""


class Rolls(NamedTuple):
    """The roll-ups of one length of step: of parts that are there, and those that outlived their readings.

    `spans` has the file that holds a roll-up beside others of its days, where there is one that may be read instead.
    """

    of_parts: Mapping[Part, Roll]
    alone: Sequence[Roll]
    spans: Mapping[Roll, Span]


def fitting(query: Query) -> int | None:
    """The longest kept steps, in minutes, of which the steps asked are made; None where none are."""
    assert query.step_ms is not None
    return next((m for m in reversed(STEPS_MIN) if query.step_ms % (m * MINUTE_MS) == 0), None)


def stepped(
    query: Query, tables: Sequence[OpenTable], parts: Sequence[Part], minutes: int | None, rolls: Rolls
) -> Statement | None:
    """The statement that answers a rolled-up question; None where no file can know anything.

    Where only roll-ups are left, the first kept step of the answer is given whole though `since` may lie within it.
    """
    assert query.step_ms is not None
    points = list(dict.fromkeys(query.points))
    unit = (minutes or 1) * MINUTE_MS
    # Whole kept steps lie from `low` to `high`; what hangs over is asked of the readings themselves.
    low, high = -(-query.since // unit) * unit, query.until // unit * unit
    kept = {p: rolls.of_parts[p] for p in parts if p in rolls.of_parts and low < high}
    whole = [p for p in parts if p not in kept]
    edges = [
        p for p in kept if p.claim.day * DAY_MS < low or (p.claim.day + 1) * DAY_MS > high
    ]  # days are made of whole steps
    within = f'"at" >= {query.since} AND "at" < {query.until}'
    pieces: list[str] = []
    parameters: list[Any] = []

    def readings(of_tables: Sequence[OpenTable], of_parts: Sequence[Part], where: str) -> None:
        found, values = sources(points, of_tables, [p.path for p in of_parts], where)
        if found:
            everything = " UNION ALL ".join(found)
            pieces.append(
                f"SELECT {rolled(query.step_ms or unit)} FROM ({everything}) WHERE {SAYS_SOMETHING}"
                " GROUP BY point, step"
            )
            parameters.extend(values)

    def steps(of_rolls: Sequence[Roll], since: int, until: int) -> None:
        if of_rolls:
            wanted = "point = ?" if len(points) == 1 else f"point IN ({', '.join('?' * len(points))})"
            pieces.append(
                f"SELECT point, step, {PLAIN} FROM read_parquet(?) WHERE {wanted}"
                f" AND step >= {since} AND step < {until}"
            )
            paths = dict.fromkeys(str(rolls.spans.get(r, r).path) for r in of_rolls)
            parameters.extend([list(paths), *points])

    readings(tables, whole, within)
    readings((), edges, f'{within} AND NOT ("at" >= {low} AND "at" < {high})')
    steps(list(kept.values()), low, high)
    steps(rolls.alone, query.since // unit * unit, query.until)
    if not pieces:
        return None
    days = [r.claim.day for r in (*kept.values(), *rolls.alone)]
    single = len(pieces) == 1 and (not days or (query.step_ms == unit and len(set(days)) == len(days)))
    rows = " UNION ALL ".join(f"SELECT point, step, {FIELDS} FROM ({piece})" for piece in pieces)
    if not single:
        rows = f"SELECT {merged(query.step_ms)} FROM ({rows}) GROUP BY point, step - step % {query.step_ms}"
    asked = "(SELECT unnest(?::VARCHAR[]) AS point, unnest(range(?)) AS place)"
    sql = f"SELECT {', '.join(COLUMNS)} FROM ({rows}) JOIN {asked} USING (point)"
    return Statement(sql, [*parameters, points, len(points)])


def stepped_answer(query: Query, columns: Mapping[str, NDArray[Any]] | None) -> list[Series]:
    """The columns of `stepped`'s statement as one series a point, in the order asked."""
    assert query.step_ms is not None
    points = list(dict.fromkeys(query.points))
    if columns is None or not len(columns["place"]):
        return [Series(point, []) for point in points]
    nth = (columns["step"] - columns["step"].min()) // query.step_ms
    place = columns["place"]
    key = place * (nth.max() + 1) + nth
    runs = _runs(key, place, len(points))
    if runs is None:
        order = np.argsort(key, kind="stable")
        nth, place = nth[order], place[order]
        runs = list(pairwise(np.searchsorted(place, np.arange(len(points) + 1)).tolist()))
        textless = Kind.TEXT not in columns["kind"]  # moving objects is slow
        columns = {n: c if textless and n == "text" else c[order] for n, c in columns.items()}
    whole = [
        _shared(columns["step"], nth, query.step_ms),
        *(_plain(columns[name]) for name in ("min", "max", "mean")),
        _values(columns["kind"], columns["number"], columns["text"]),
        _plain(columns["count"]),
    ]
    found: list[list[list[Any]]] = [[[] for _ in whole] for _ in points]
    for start, end in runs:
        if start < end:
            for column, values in zip(found[place[start]], whole, strict=True):
                column.extend(values[start:end])
    return [
        Series(point, (some := Steps(columns))[: query.limit], len(some) > query.limit)
        for point, columns in zip(points, found, strict=True)
    ]


def _runs(key: NDArray[Any], place: NDArray[Any], points: int) -> list[tuple[int, int]] | None:
    """From and to of runs of one point that only have to be laid end to end, in order; None where it is to be sorted.

    Files are sorted by point and step, so unless SQL merged them an answer is some runs a point and file.
    """
    cuts = np.flatnonzero((np.diff(key) <= 0) | (np.diff(place) != 0)) + 1
    if len(cuts) > 4 * points + len(key) // 64:
        return None
    starts, ends = np.concatenate(([0], cuts)), np.concatenate((cuts, [len(key)]))
    order = np.argsort(key[starts])
    starts, ends = starts[order], ends[order]
    if (key[ends[:-1] - 1] >= key[starts[1:]]).any():
        return None
    return list(zip(starts.tolist(), ends.tolist(), strict=True))


def _shared(steps: NDArray[Any], nth: NDArray[Any], step_ms: int) -> list[int]:
    """The steps as Python numbers, one object for all points' rows of a step: their making is a tenth of an answer."""
    if nth.max() >= len(steps):  # few rows, far apart
        return _plain(steps)
    each = (steps[0] - nth[0] * step_ms + np.arange(nth.max() + 1) * step_ms).astype(object)
    return list(each[nth].tolist())


def _values(kinds: NDArray[Any], numbers: NDArray[Any], texts: NDArray[Any]) -> list[Any]:
    """Each row's last value as what it was written as."""
    present = np.unique(kinds).tolist()
    if len(present) == 1:
        return _of_kind(present[0], numbers, texts)
    made = np.empty(len(kinds), object)
    for kind in present:
        these = np.asarray(kinds == kind)
        made[these] = _of_kind(kind, numbers[these], texts[these] if kind == Kind.TEXT else texts)
    return list(made.tolist())


def _of_kind(kind: int, numbers: NDArray[Any], texts: NDArray[Any]) -> list[Any]:
    if kind == Kind.TEXT:
        return _plain(texts)
    bare = np.ma.getdata(numbers)
    if kind == Kind.BOOL:
        return [v != 0 for v in bare.tolist()]
    if kind == Kind.INT:
        return [int(v) for v in bare.tolist()]  # beyond 64 bits as well
    return list(bare.tolist())


def _plain(column: NDArray[Any]) -> list[Any]:
    """A column as Python values, None where it has none: numpy's own way is slower by half."""
    values: list[Any] = np.ma.getdata(column).tolist()
    for i in np.flatnonzero(np.ma.getmaskarray(column)).tolist():
        values[i] = None
    return values
