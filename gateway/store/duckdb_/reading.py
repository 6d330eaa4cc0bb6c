"""Questions to the embedded store as SQL over open days and closed days alike, and rows back into values."""

# ruff: noqa: S608  only our own names, whole numbers and quoted paths are put into SQL; values are parameters
from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from devices.reading import Flag, Value
from gateway.series import Kind, Query, Sample, Series
from gateway.store.duckdb_.packing import FIELDS, by_layout

ORDER: Final = "((seq << 20) | n)"
"""Journal order as one number: seq, then the place in the message. A message has far fewer than 2**20 readings."""

SAYS_SOMETHING: Final = (
    f"kind <> {Kind.NONE:d} AND (flags & {Flag.INVALID:d}) = 0 AND (kind = {Kind.TEXT:d} OR isfinite(number))"
)
"""What a rolled-up step counts (see gateway.series.Rollup)."""

# What was sent live outranks what a device sent late from its memory, then the journal's order decides.
_NEWEST: Final = (
    f"(((CASE WHEN (flags & {Flag.HISTORICAL:d}) = 0 THEN 1 ELSE 0 END)::BIGINT << 62) | {ORDER})"
)

_VALUE: Final[Mapping[int, Callable[[Any, Any], Value]]] = {
    Kind.NONE: lambda number, text: None,
    Kind.BOOL: lambda number, text: number != 0,
    Kind.INT: lambda number, text: int(number),
    Kind.FLOAT: lambda number, text: math.nan if number is None else number,  # DuckDB takes in NaN as NULL
    Kind.TEXT: lambda number, text: text,
}


class OpenTable(NamedTuple):
    """An attached open day as a question sees it: its name in SQL and its number for each point."""

    alias: str
    ids: Mapping[str, int]


class Statement(NamedTuple):
    """SQL with its parameters."""

    sql: str
    parameters: list[Any]


def question(query: Query, tables: Iterable[OpenTable], parts: Sequence[Path]) -> Statement | None:
    """The statement that answers `query` for raw readings; None where no file can know anything."""
    points = list(dict.fromkeys(query.points))
    found, parameters = sources(points, tables, parts, f'"at" >= {query.since} AND "at" < {query.until}')
    if not found:
        return None
    everything = " UNION ALL ".join(found)
    # One more than the limit tells a cut series from one that just fits.
    cut = query.limit + 1
    if len(points) == 1:
        tail = f'ORDER BY "at", seq, n LIMIT {cut}'
    else:
        place = 'row_number() OVER (PARTITION BY point ORDER BY "at", seq, n)'
        tail = f'QUALIFY {place} <= {cut} ORDER BY point, "at", seq, n'
    return Statement(f"SELECT point, {FIELDS} FROM ({everything}) {tail}", parameters)


def answer(query: Query, rows: Iterable[tuple[Any, ...]]) -> list[Series]:
    """The rows of `question`'s statement as one series a point, in the order asked."""
    found: dict[str, list[Any]] = {point: [] for point in query.points}
    for point, *columns in rows:
        found[point].append(_sample(*columns))
    cut = query.limit
    return [
        Series(point, samples[:cut] if (more := len(samples) > cut) else samples, more)
        for point, samples in found.items()
    ]


def newest(points: Sequence[str] | None, tables: Iterable[OpenTable], known: Path | None) -> Statement | None:
    """The statement for the last reading of each point (None: of all); `known` is the file of last readings, if any."""
    wanted = None if points is None else list(dict.fromkeys(points))
    found, parameters = sources(wanted, tables, [known] if known else [], "true", last=True)
    if not found:
        return None
    return Statement(f"SELECT point, {_last()} FROM ({' UNION ALL '.join(found)}) GROUP BY point", parameters)


def latest_of(rows: Iterable[tuple[Any, ...]]) -> dict[str, Sample]:
    """The rows of `newest`'s statement by point."""
    return {point: _sample(*columns) for point, *columns in rows}


def merge_latest(day: str, known: str | None, since: int) -> str:
    """The SELECT that joins the readings of `day` into the file of last readings (`known`: its SQL, or None).

    What `known` has from before `since` (UTC ms) is dropped: names that nobody uses any more must not pile up.
    """
    fresh = f"SELECT p.point, p.site, {FIELDS} FROM {_last_rows(day, 'true')} r JOIN {day}.points p ON p.id = r.point"
    everything = fresh
    if known is not None:
        everything += f' UNION ALL SELECT point, site, {FIELDS} FROM {known} WHERE "at" >= {since}'
    site = f"arg_max_null(site, {_NEWEST}) AS site"
    return f"SELECT point, {site}, {_last()} FROM ({everything}) GROUP BY point ORDER BY point"


def _last() -> str:
    return ", ".join(f"arg_max_null({column}, {_NEWEST}) AS {column}" for column in FIELDS.split(", "))


def _last_rows(day: str, where: str) -> str:
    """The last reading of each point of an open day: one aggregate to find the row is a quarter of eight of them."""
    rows = f"SELECT arg_max(rowid, {_NEWEST}) FROM {day}.readings WHERE {where} GROUP BY point"
    return f"(SELECT * FROM {day}.readings WHERE rowid IN ({rows}))"


def sources(
    points: list[str] | None,
    tables: Iterable[OpenTable],
    parts: Sequence[Path],
    where: str,
    *,
    last: bool = False,
) -> tuple[list[str], list[Any]]:
    """A SELECT for each open day that knows any of the points, and one for each layout of Parquet files.

    `last`: of last rows only.
    """
    found: list[str] = []
    parameters: list[Any] = []
    for alias, ids in tables:
        narrowed = where
        if points is not None:
            known = [ids[point] for point in points if point in ids]
            if not known:
                continue
            narrowed = f"point IN ({', '.join(map(str, known))}) AND {where}"
        rows = _last_rows(alias, narrowed) if last else f"(SELECT * FROM {alias}.readings WHERE {narrowed})"
        found.append(f"SELECT p.point, {FIELDS} FROM {rows} r JOIN {alias}.points p ON p.id = r.point")
    for fields, paths in by_layout(parts).items():
        narrowed = where
        parameters.append([str(path) for path in paths])
        if points is not None:
            # `= ?` prunes row groups by their bounds and Bloom filters where a list of one would not.
            wanted = "point = ?" if len(points) == 1 else f"point IN ({', '.join('?' * len(points))})"
            narrowed = f"{wanted} AND {where}"
            parameters += points
        found.append(
            f"SELECT point, {fields} FROM read_parquet(?, hive_partitioning = false) WHERE {narrowed}"
        )
    return found, parameters


def _sample(  # noqa: PLR0917  a row's columns in order
    at: int,
    kind: int,
    number: float | None,
    text: str | None,
    measured_at: int | None,
    flags: int,
    seq: int,
    n: int,
) -> Sample:
    return at, _VALUE[kind](number, text), measured_at, flags, seq, n
