"""All that is stored, in journal order and bounded memory: for other stores, which are fed from it."""

# ruff: noqa: S608  only our own names, whole numbers and quoted paths are put into SQL; values are parameters
from __future__ import annotations

import heapq
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import duckdb

from gateway.series import Batch, StoreError
from gateway.store.duckdb_.closing import connect
from gateway.store.duckdb_.files import Part, quoted
from gateway.store.duckdb_.footing import Chosen, Footing
from gateway.store.duckdb_.openday import OpenDay
from gateway.store.duckdb_.packing import fields_of
from gateway.store.duckdb_.reading import Statement
from gateway.store.duckdb_.shelf import short

_BATCH_ROWS: Final = 10_000
_WINDOW_ROWS: Final = 20_000  # of an open day, asked for at a time

_NAN: Final = float("nan")

Row = tuple[int, int, int, str, int, float | None, str | None, int | None, int]
Rows = Generator[Row, None, None]


def stored(ground: Footing, after: int) -> Iterator[Batch]:
    """What lies behind the seq `after`, as `gateway.series.Store.stored` promises. Raises StoreError.

    A closed day is sorted by a DuckDB of its own, which puts on disk what is too much for its memory; days come one
    after the other, except where clocks that were set back made them overlap.
    """
    reached = after
    while True:
        with ground.sets:
            if ground.closed:
                raise StoreError("the store is closed")
            group = _next_group(ground.shelf.days, ground.shelf.parts, reached)
            changes = ground.changes
        if not group:
            return
        try:
            for batch in _batches(_merged(ground, group, reached), reached):
                yield batch
                reached = batch.last_seq
        except (duckdb.Error, OSError) as error:
            if changes == ground.changes:
                raise StoreError(short(error)) from error
            continue  # a file was exchanged under us: go on from where we are
        reached = max(reached, *(file.claim.to for file in group))


def _next_group(days: Sequence[OpenDay], parts: Sequence[Part], after: int) -> list[OpenDay | Part]:
    """The files that hold what comes next, and whatever overlaps with them."""
    files: list[OpenDay | Part] = [*parts, *days]
    waiting = sorted((f for f in files if f.claim.to > after), key=lambda f: f.claim[1:])
    del waiting[_until_gap(waiting) :]
    return waiting


def _until_gap(files: Sequence[OpenDay | Part]) -> int:
    """How many of the files, sorted by where they begin, hang together with the first."""
    reach = 0
    for i, file in enumerate(files):
        if i and file.claim.after >= reach:
            return i
        reach = max(reach, file.claim.to)
    return len(files)


def _merged(ground: Footing, group: Iterable[OpenDay | Part], after: int) -> Rows:
    streams = [
        _of_open(ground, file, after) if isinstance(file, OpenDay) else _of_part(ground, file.path, after)
        for file in group
    ]
    try:
        yield from streams[0] if len(streams) == 1 else heapq.merge(*streams, key=lambda row: row[:2])
    finally:
        for stream in streams:
            stream.close()


def _of_open(ground: Footing, day: OpenDay, after: int) -> Rows:
    """An open day lies in journal order: windows of it, each asked for like any question."""
    last: tuple[int, int] = (after, 2**60)
    while True:
        sql = (
            f'SELECT r.seq, r.n, r."at", p.point, r.kind, r.number, r.text, r.measured_at, r.flags'
            f" FROM (SELECT * FROM {day.alias}.readings WHERE seq > {last[0]} OR (seq = {last[0]} AND n > {last[1]})"
            f" ORDER BY seq, n LIMIT {_WINDOW_ROWS}) r JOIN {day.alias}.points p ON p.id = r.point"
            " ORDER BY r.seq, r.n"
        )
        rows = ground.ask(_only(day), _saying(sql), _all_rows, list[Row]())
        yield from rows
        if len(rows) < _WINDOW_ROWS:
            return
        last = rows[-1][:2]


def _only(day: OpenDay) -> Callable[[], Chosen]:
    return lambda: Chosen([day])


def _saying(sql: str) -> Callable[[Chosen], Statement]:
    return lambda _: Statement(sql, [])


def _all_rows(answer: duckdb.DuckDBPyConnection) -> list[Row]:
    return answer.fetchall()


def _of_part(ground: Footing, path: Path, after: int) -> Rows:
    config = ground.config
    db = connect(config.memory_mb, 1, ground.temporary / f"streaming-{threading.get_native_id()}")
    try:
        found = db.execute(
            'SELECT seq, n, "at", point, kind, number, text, measured_at, flags FROM'
            f" (SELECT point, {fields_of(path)} FROM read_parquet({quoted(path)}) WHERE seq > {after}) ORDER BY seq, n"
        )
        while rows := found.fetchmany(_BATCH_ROWS):
            yield from rows
    finally:
        db.close()


def _batches(rows: Iterable[Row], after: int) -> Iterator[Batch]:
    """The rows in batches that end where an event ends."""
    some: list[Row] = []
    for row in rows:
        if len(some) >= _BATCH_ROWS and row[0] != some[-1][0]:
            yield _batch(some, after)
            after, some = some[-1][0], []
        some.append(row)
    if some:
        yield _batch(some, after)


def _batch(rows: Sequence[Row], after: int) -> Batch:
    columns: list[list[Any]] = [list(column) for column in zip(*rows, strict=True)]
    seq, n, at, point, kind, number, text, measured_at, flags = columns
    # With kind 3 a missing number is one that is not a number; texts have theirs, and so has no reading.
    number = [_NAN if v is None and k == 3 else v for v, k in zip(number, kind, strict=True)]
    return Batch(after, seq[-1], seq, n, at, point, number, text, bytes(kind), measured_at, flags)
