"""Roll-ups of closed days in steps of 1, 15 and 60 minutes, and how rolled-up rows are rolled up further.

A roll-up file belongs to one part and says what that part alone says, so a day of several parts has several, and they
add up: each row keeps what merging needs. Columns: point, step (its start, UTC ms), count, texts (how many of these
were texts), min, max and mean (null where they equal `number`, which saves most of the bytes), kind, number and text of
the last value, seq and n. Sorted by point and step.

`seq` with `n` tells which of two last values is the later one. It is the last reading's own only where it has to be:
what everybody's last reading of the step has (and n is 0) tells the same while readings arrived in the order of their
times, and is a number for all points where their own take a byte a reading each.
"""

# ruff: noqa: S608  only our own names, whole numbers and quoted paths are put into SQL; values are parameters
from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import duckdb

from gateway.store.duckdb_.closing import Exporter
from gateway.store.duckdb_.files import crc_of, quoted, remove, sync
from gateway.store.duckdb_.packing import PLAIN as PACKED
from gateway.store.duckdb_.reading import ORDER, SAYS_SOMETHING

MINUTE_MS: Final = 60_000
STEPS_MIN: Final = (1, 15, 60)
"""Lengths of the steps that are kept, each a multiple of the one before."""

_SLICE_ROWS: Final = 300_000  # rolled up at a time: some 30 MB of aggregates, however long the day
GROUP_ROWS: Final = 30_720
"""A row group of 15-minute steps holds a day of 320 points: neighbours are read alone."""

_COARSE: Final = f"{PACKED}, ROW_GROUP_SIZE {GROUP_ROWS}"
_PACKED: Final = {1: f"{_COARSE}, PARQUET_VERSION V2, DICTIONARY_SIZE_LIMIT 1000", 15: _COARSE, 60: _COARSE}
"""Steps of a minute as differences, which are all the same: a dictionary of a day's 1 440 is for that made too small.
Means of longer steps take twice as much the newer way, for their bytes are taken apart."""

_LAST: Final = ", ".join(f"arg_max_null({c}, {ORDER}) AS {c}" for c in ("kind", "number", "text", "seq", "n"))

FIELDS: Final = "count, texts, min, max, mean, kind, number, text, seq, n"
"""What a rolled-up row says beside its point and step."""

PLAIN: Final = (
    "count, texts, coalesce(min, number) AS min, coalesce(max, number) AS max,"
    " coalesce(mean, number) AS mean, kind, number, text, seq, n"
)
"""`FIELDS` of a stored row, with what was left out because it equals the last number."""


def rolled(step_ms: int) -> str:
    """`point, step, FIELDS` as a select list over readings, for GROUP BY point, step."""
    return (
        f'point, "at" - "at" % {step_ms} AS step, count(*) AS count, count(*) - count(number) AS texts,'
        f" min(number) AS min, max(number) AS max, avg(number) AS mean, {_LAST}"
    )


def merged(step_ms: int) -> str:
    """`point, step, FIELDS` as a select list over rows that are rolled up already, for GROUP BY ALL but the point."""
    weighed = "sum(mean * (count - texts)) / nullif(sum(count - texts), 0)"
    return (
        f"point, step - step % {step_ms} AS step, sum(count)::BIGINT AS count, sum(texts)::BIGINT AS texts,"
        f" min(min) AS min, max(max) AS max, {weighed} AS mean, {_LAST}"
    )


def roll_up(exporter: Exporter, part: Path, temporary: Path, *, alone: bool) -> dict[int, tuple[Path, int]]:
    """The roll-ups of `part`, as `(file in the temporary folder, its CRC-32)` by minutes. Raises duckdb.Error, OSError.

    `alone`: no other file has readings of that day from between the first and the last of its events. Costs about
    1.5 us of CPU a reading that comes once a minute.
    """
    targets = {minutes: temporary / f"{part.stem}-{minutes}.parquet" for minutes in STEPS_MIN}
    scratch = temporary / f"{part.stem}.slices"
    remove(scratch)
    try:
        exporter.run(lambda db: _roll_up(db, part, targets, scratch, alone))
    finally:
        remove(scratch)
    for path in targets.values():
        sync(path)
    return {minutes: (path, crc_of(path)) for minutes, path in targets.items()}


def _roll_up(
    db: duckdb.DuckDBPyConnection, part: Path, targets: Mapping[int, Path], scratch: Path, alone: bool
) -> None:
    """Go through the part by slices of points, for its groups would not fit in memory.

    Where there are several, `scratch` is a DuckDB file that holds them until they are written in one go.
    """
    source = f"read_parquet({quoted(part)})"
    cuts = slices(
        db.execute(f"SELECT point, count(*) FROM {source} GROUP BY point ORDER BY point").fetchall()
    )
    if len(cuts) > 1:
        db.execute(f"ATTACH {quoted(scratch)} AS scratch")
    for i, (first, last) in enumerate(cuts):
        _slice(db, source, first, last)
        if len(cuts) > 1:
            for minutes in STEPS_MIN:
                how = "INSERT INTO" if i else "CREATE TABLE"
                db.execute(f"{how} scratch.m{minutes} {'' if i else 'AS '}FROM slice{minutes}")
    short = ", ".join(f"nullif({c}, number) AS {c}" for c in ("min", "max", "mean"))
    lasts = _lasts(db, source) if alone else None
    for minutes, target in targets.items():
        made = f"scratch.m{minutes}" if len(cuts) > 1 else f"slice{minutes}"
        said, parameters = short, list[Any]()
        if lasts:
            ms = minutes * MINUTE_MS
            by_step = {step // ms: seq for step, seq in lasts}  # the last one stays, and is the highest
            parameters.append([by_step.get(i, 0) for i in range(min(by_step), max(by_step) + 1)])
            said += f", $1[step // {ms} - {min(by_step) - 1}] AS seq, 0::INTEGER AS n"
        db.execute(
            f"COPY (SELECT * REPLACE ({said}) FROM {made}) TO {quoted(target)} ({_PACKED[minutes]})",
            parameters or None,
        )
    if len(cuts) > 1:
        db.execute("DETACH scratch")


def _lasts(db: duckdb.DuckDBPyConnection, source: str) -> list[tuple[int, int]] | None:
    """Each minute with its last event, in order; None where some came after those of a later minute."""
    found = db.execute(
        f'SELECT "at" - "at" % {MINUTE_MS} AS step, min(seq), max(seq) FROM {source} GROUP BY step ORDER BY step'
    ).fetchall()
    if any(last >= first for (_, _, last), (_, first, _) in pairwise(found)):
        return None
    return [(step, last) for step, _, last in found]


def slices(points: Sequence[tuple[str, int]]) -> list[tuple[str, str]]:
    """First and last point of each slice; one at least, of nothing."""
    cuts: list[tuple[str, str]] = []
    first, rows = 0, 0
    for i, (_, count) in enumerate(points):
        rows += count
        if rows >= _SLICE_ROWS or i == len(points) - 1:
            cuts.append((points[first][0], points[i][0]))
            first, rows = i + 1, 0
    return cuts or [("", "")]


def _slice(db: duckdb.DuckDBPyConnection, source: str, first: str, last: str) -> None:
    """Roll up the points from `first` to `last`, each length of step from the one before, into `slice1` and so on."""
    finer: str | None = None
    for minutes in STEPS_MIN:
        ms = minutes * MINUTE_MS
        if finer is None:
            wanted = f"point BETWEEN $1 AND $2 AND {SAYS_SOMETHING}"
            select = f"SELECT {rolled(ms)} FROM {source} WHERE {wanted} GROUP BY point, step"
        else:
            select = f"SELECT {merged(ms)} FROM {finer} GROUP BY point, step - step % {ms}"
        table = f"slice{minutes}"
        db.execute(
            f"CREATE OR REPLACE TEMP TABLE {table} AS {select} ORDER BY point, step",
            [first, last] if finer is None else None,
        )
        finer = table
