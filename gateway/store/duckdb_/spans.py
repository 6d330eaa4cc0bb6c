"""Roll-ups of many days in one file, sorted by point: what a question over a month reads instead of thirty files.

In a day's file a point has 96 rows of 15 minutes among those of all others, and a question for a hundred points has to
unpack all of it; in a span of 32 days it has 3 072 that lie together. Of 100 points out of 10 000 over 30 days the
query took a fifth of the CPU.

A span holds copies: nothing is kept in it alone. Its name has a digest of the names, and with them of the checksums, of
the roll-ups it was made of, and it goes before any of these changes; so deleting, forgetting, mending and backing up
need not know of it, and what is erased is not left behind in it.
"""

# ruff: noqa: S608  only our own names, whole numbers and quoted paths are put into SQL; values are parameters
from __future__ import annotations

import re
import zlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import duckdb

from gateway.store.duckdb_.closing import Exporter, Unfaithful
from gateway.store.duckdb_.files import Roll, crc_of, day_name, day_number, quoted, remove, sync
from gateway.store.duckdb_.rolling import FIELDS, GROUP_ROWS, slices

MINUTES: Final = (15, 60)
"""Steps that are merged; a day of 1-minute steps has 1 440 rows a point already."""

LENGTHS: Final = (32, 8)
"""Days of a span, longest first; each begins at a multiple of its length since 1970. A short one goes when a long one
holds its days, so that a month up to now is one or two long ones, three short ones and seven days at most."""

_NAME: Final = re.compile(r"(\d{4}-\d{2}-\d{2})-(\d+)-([0-9a-f]{8})-([0-9a-f]{8})\.parquet")


class Span(NamedTuple):
    """The roll-ups in steps of so many minutes of `days` days from `first` on (days since 1970)."""

    path: Path
    minutes: int
    first: int
    days: int
    digest: int
    crc: int

    def holds(self, roll: Roll) -> bool:
        """Whether the roll-up is one of its steps and days."""
        return roll.minutes == self.minutes and self.first <= roll.claim.day < self.first + self.days


class Due(NamedTuple):
    """Roll-ups that may be merged: `days` days from `first` on."""

    minutes: int
    first: int
    days: int
    rolls: Sequence[Roll]


def found(folder: Path) -> Iterator[Span]:
    """The spans in a store's folder, be they of what stands or not."""
    for minutes in MINUTES:
        for path in sorted(folder.glob(f"merged/{minutes}min/*.parquet")):
            if match := _NAME.fullmatch(path.name):
                digest, crc = int(match[3], 16), int(match[4], 16)
                yield Span(path, minutes, day_number(match[1]), int(match[2]), digest, crc)


def span_path(folder: Path, due: Due, digest: int, crc: int) -> Path:
    """Where a span belongs: not among the roll-ups, where everything is there once."""
    name = f"{day_name(due.first)}-{due.days}-{digest:08x}-{crc:08x}.parquet"
    return folder / "merged" / f"{due.minutes}min" / name


def digest_of(rolls: Iterable[Roll]) -> int:
    """Another one for other roll-ups, or for the same ones with other bytes: their names have their checksums."""
    return zlib.crc32("\n".join(sorted(roll.path.name for roll in rolls)).encode())


def due(
    rolls: Collection[Roll], spans: Collection[Span], open_days: Collection[int], newest: int
) -> Due | None:
    """What is to be merged next, newest first: spans that are over, of two files at least, with no open day in them.

    `newest` is the last day there is anything of.
    """
    have = {(span.minutes, span.first, span.days) for span in spans}
    for days in LENGTHS:
        for minutes in MINUTES:
            by_first: dict[int, list[Roll]] = {}
            for roll in rolls:
                if roll.minutes == minutes:
                    by_first.setdefault(roll.claim.day // days * days, []).append(roll)
            for first, of_span in sorted(by_first.items(), reverse=True):
                longer = {(minutes, first // d * d, d) for d in LENGTHS if d >= days}
                over = first + days <= newest and not any(first <= day < first + days for day in open_days)
                if over and len(of_span) > 1 and not have & longer:
                    return Due(minutes, first, days, of_span)
    return None


def merge(exporter: Exporter, wanted: Due, temporary: Path) -> tuple[Path, int]:
    """The span as `(file in the temporary folder, its CRC-32)`. Raises Unfaithful, duckdb.Error, OSError."""
    target = temporary / f"merged-{wanted.minutes}-{wanted.first}-{wanted.days}.parquet"
    scratch = temporary / "merging.slices"
    remove(scratch)
    try:
        exporter.run(lambda db: _merge(db, [str(roll.path) for roll in wanted.rolls], target, scratch))
    finally:
        remove(scratch)
    sync(target)
    return target, crc_of(target)


def _merge(db: duckdb.DuckDBPyConnection, paths: list[str], target: Path, scratch: Path) -> None:
    """By slices of points, as days are rolled up: sorting it all at once takes more memory than there is."""
    counted = "SELECT point, count(*) FROM read_parquet(?) GROUP BY point ORDER BY point"
    db.execute(f"ATTACH {quoted(scratch)} AS scratch")
    for i, (first, last) in enumerate(slices(db.execute(counted, [paths]).fetchall())):
        how = "INSERT INTO scratch.steps" if i else "CREATE TABLE scratch.steps AS"
        db.execute(
            f"{how} SELECT * FROM read_parquet(?) WHERE point BETWEEN ? AND ? ORDER BY point, step, seq",
            [paths, first, last],
        )
    db.execute(
        f"COPY scratch.steps TO {quoted(target)}"
        f" (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {GROUP_ROWS})"
    )
    db.execute("DETACH scratch")
    digest = f"SELECT count(*), bit_xor(hash(point, step, {FIELDS})) FROM read_parquet(?)"
    there, here = (db.execute(digest, [some]).fetchone() for some in (paths, [str(target)]))
    if there != here:
        raise Unfaithful(f"{target.name}: wrote {there}, read {here}")
