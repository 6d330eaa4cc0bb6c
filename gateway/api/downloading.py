"""Stored readings as a file, in bounded memory: CSV as it is read, Parquet by way of a file beside the data.

CSV is RFC 4180: CRLF, commas, quotes doubled. A text that a spreadsheet would take for a formula begins with an
apostrophe, for what devices say is nobody's to run (OWASP, "CSV injection"); Parquet holds it as it was.
"""

from __future__ import annotations

import csv
import io
import math
import tempfile
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

import msgspec

from devices.reading import METRICS, split_point
from gateway import text
from gateway.api.shaping import flag_names
from gateway.render import rfc3339
from gateway.series import Query, Store

Format = Literal["csv", "parquet"]
Language = Literal["zh-CN", "en"]
TYPES: Final = {"csv": "text/csv; charset=utf-8; header=present", "parquet": "application/vnd.apache.parquet"}
DAY_MS: Final = 86_400_000
PAGE_ROWS: Final = 20_000
STEPS_MAX: Final = 10_000  # of one page, where rows are steps
EMPTY_MAX: Final = 3  # pages without a row, after which the store is asked where rows go on
PIECE: Final = 64 * 1024  # bytes
RAW: Final = ("at", "point", "value", "unit", "measured_at", "flags")
ROLLED: Final = ("at", "point", "min", "max", "mean", "last", "count", "unit")


class Wanted(msgspec.Struct, frozen=True):
    """What is to be in the file. Times are UTC ms; `zone` is the one they are written in."""

    points: Sequence[str]
    since: int
    until: int
    step_ms: int | None
    zone: ZoneInfo
    language: Language
    bom: bool


def download(store: Store, wanted: Wanted, kind: Format, folder: Path) -> Iterator[bytes]:
    """The file in pieces. The first rows are read before this returns: raises StoreError while there is time to say so.

    `folder` takes the Parquet file while it is made.
    """
    rows = _rows(store, wanted)
    first = list(islice(rows, 1))
    whole = chain(first, rows)
    return _csv(whole, wanted) if kind == "csv" else _parquet(whole, wanted, folder)


def _rows(store: Store, wanted: Wanted) -> Iterator[tuple[str, Any]]:
    """`(point, row)`, a page at a time: a day, and what a page holds of it."""
    for point in wanted.points:
        if wanted.step_ms is None:
            pages = _raw(store, point, wanted)
        else:
            pages = _steps(store, point, wanted, wanted.step_ms)
        for page in pages:
            yield from ((point, row) for row in page)


def _raw(store: Store, point: str, wanted: Wanted) -> Iterator[Sequence[Any]]:
    at, limit, seen, days = wanted.since, PAGE_ROWS, set[tuple[int, int]](), 1
    while at < wanted.until:
        end = min((at // DAY_MS + days) * DAY_MS, wanted.until)
        (series,) = store.read(Query([point], at, end, None, limit))
        rows: Sequence[Any] = series.rows
        fresh = [row for row in rows if (row[4], row[5]) not in seen]
        yield fresh
        if not series.more:
            days = 1 if rows else 2 * days  # a window from 1970 to 9999 is mostly empty
            at, limit, seen = end, PAGE_ROWS, set()
            continue
        last = rows[-1][0]
        if last == at and not fresh:
            limit *= 2  # more readings in one millisecond than a page holds
        seen = {(row[4], row[5]) for row in rows if row[0] == last}
        at = last


def _steps(store: Store, point: str, wanted: Wanted, step_ms: int) -> Iterator[Sequence[Any]]:
    at, empty = wanted.since, 0
    while at < wanted.until:
        end = min((at // step_ms + STEPS_MAX) * step_ms, wanted.until)
        (series,) = store.read(Query([point], at, end, step_ms, STEPS_MAX + 1))
        yield series.rows
        at, empty = end, 0 if series.rows else empty + 1
        if empty >= EMPTY_MAX and at < wanted.until:
            at, empty = _next(store, point, at, wanted.until, step_ms), 0


def _next(store: Store, point: str, since: int, until: int, step_ms: int) -> int:
    """Where readings go on behind many empty pages, found in coarse steps, then in finer ones; `until` if nowhere."""
    end = until
    while end - since > STEPS_MAX * step_ms:
        coarse = max(step_ms, -(-(end - since) // STEPS_MAX))
        (series,) = store.read(Query([point], since, end, coarse, STEPS_MAX + 1))
        if not series.rows:
            return end
        began = series.rows[0][0]
        since, end = max(began, since), min(began + coarse, end)
    return since


def _csv(rows: Iterator[tuple[str, Any]], wanted: Wanted) -> Iterator[bytes]:
    made = io.StringIO(newline="")
    writer = csv.writer(made, lineterminator="\r\n")
    columns = RAW if wanted.step_ms is None else ROLLED
    if wanted.bom:
        made.write("\ufeff")
    writer.writerow([text.word(wanted.language, "history", name) for name in columns])
    units = {point: _unit(point) for point in wanted.points}
    for point, row in rows:
        at = rfc3339(row[0], wanted.zone)
        if wanted.step_ms is None:
            measured = "" if row[2] is None else rfc3339(row[2], wanted.zone)
            writer.writerow([at, point, _cell(row[1]), units[point], measured, " ".join(flag_names(row[3]))])
        else:
            writer.writerow([at, point, *(_cell(value) for value in row[1:6]), units[point]])
        if made.tell() >= PIECE:
            yield made.getvalue().encode()
            made.seek(0)
            made.truncate()
    yield made.getvalue().encode()


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, float) and not math.isfinite(value):
        return ""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return "'" + value
    return value


def _unit(point: str) -> str:
    known = METRICS.get(split_point(point)[1])
    return (known.unit if known else None) or ""


def _parquet(rows: Iterator[tuple[str, Any]], wanted: Wanted, folder: Path) -> Iterator[bytes]:
    """Rows into a database file in lots, that into Parquet (zstd), and that in pieces; both files go in the end."""
    import duckdb

    rolled = wanted.step_ms is not None
    with tempfile.TemporaryDirectory(prefix="download-", dir=folder) as made:
        target = Path(made) / "history.parquet"
        with duckdb.connect(str(Path(made) / "rows.duckdb")) as database:
            database.execute("SET memory_limit = '128MB'")
            database.execute("SET threads = 1")
            database.execute(_ROLLED_TABLE if rolled else _RAW_TABLE)
            while lot := list(islice(rows, PAGE_ROWS)):
                columns = _rolled_columns(lot) if rolled else _raw_columns(lot)
                database.register("lot", columns)
                database.execute("INSERT INTO rows SELECT * FROM lot")
                database.unregister("lot")
            quoted = str(target).replace("'", "''")
            database.execute(f"COPY rows TO '{quoted}' (FORMAT parquet, COMPRESSION zstd)")
        with target.open("rb") as file:
            while piece := file.read(PIECE):
                yield piece


_RAW_TABLE: Final = (
    "CREATE TABLE rows(at_ms BIGINT, point VARCHAR, number DOUBLE, text VARCHAR, measured_at_ms BIGINT, "
    "flags UTINYINT, seq BIGINT, n INTEGER)"
)
_ROLLED_TABLE: Final = (
    "CREATE TABLE rows(at_ms BIGINT, point VARCHAR, min DOUBLE, max DOUBLE, mean DOUBLE, last_number DOUBLE, "
    "last_text VARCHAR, count BIGINT)"
)


def _raw_columns(lot: list[tuple[str, Any]]) -> dict[str, Any]:
    values = [row[1] for _, row in lot]
    return {
        "at_ms": _whole([row[0] for _, row in lot]), "point": _texts([point for point, _ in lot]),
        "number": _numbers(values), "text": _texts([v if isinstance(v, str) else None for v in values]),
        "measured_at_ms": _whole([row[2] for _, row in lot]), "flags": _whole([row[3] for _, row in lot]),
        "seq": _whole([row[4] for _, row in lot]), "n": _whole([row[5] for _, row in lot]),
    }  # fmt: skip


def _rolled_columns(lot: list[tuple[str, Any]]) -> dict[str, Any]:
    last = [row[4] for _, row in lot]
    return {
        "at_ms": _whole([row[0] for _, row in lot]), "point": _texts([point for point, _ in lot]),
        "min": _numbers([row[1] for _, row in lot]), "max": _numbers([row[2] for _, row in lot]),
        "mean": _numbers([row[3] for _, row in lot]), "last_number": _numbers(last),
        "last_text": _texts([v if isinstance(v, str) else None for v in last]),
        "count": _whole([row[5] for _, row in lot]),
    }  # fmt: skip


def _whole(values: list[int | None]) -> Any:
    import numpy as np

    known = np.array([0 if v is None else v for v in values], dtype=np.int64)
    return np.ma.masked_array(known, mask=[v is None for v in values])


def _numbers(values: list[Any]) -> Any:
    """Numbers and levels (0, 1); a text and no reading are null, not a number stays what it is."""
    import numpy as np

    numeric = [isinstance(v, bool | int | float) for v in values]
    known = np.array([float(v) if ok else 0.0 for v, ok in zip(values, numeric, strict=True)])
    return np.ma.masked_array(known, mask=[not ok for ok in numeric])


def _texts(values: list[str | None]) -> Any:
    import numpy as np

    return np.array(values, dtype=object)
