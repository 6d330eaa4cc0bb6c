"""A store in memory that keeps the whole contract, for tests of whatever feeds, fills, asks or empties stores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from devices.reading import Flag, split_point
from gateway.series import Batch, Deletion, Query, Rollup, Sample, Selection, Series, StoreError


class Shelf:
    """A store in memory. `broken` makes every write and deletion fail, `shut` that others are filled from it."""

    def __init__(self) -> None:
        self.rows: dict[tuple[int, int], tuple[str, Sample]] = {}
        self.last = 0
        self.broken: Exception | None = None
        self.shut: StoreError | None = None

    def cursor(self) -> int:
        return self.last

    def write(self, batch: Batch) -> None:
        if self.broken is not None:
            raise self.broken
        for i, seq in enumerate(batch.seq):
            if seq > self.last:
                value: Any = batch.text[i] if batch.text[i] is not None else batch.number[i]
                sample = (batch.at[i], value, batch.measured_at[i], batch.flags[i], seq, batch.n[i])
                self.rows[seq, batch.n[i]] = (batch.point[i], sample)
        self.last = max(self.last, batch.last_seq)

    def forget(self, before: int) -> list[str]:
        self.rows = {key: row for key, row in self.rows.items() if row[1][0] >= before}
        return []

    def read(self, query: Query) -> list[Series]:
        found = []
        for point in query.points:
            rows = [s for p, s in self.rows.values() if p == point and query.since <= s[0] < query.until]
            rows.sort(key=lambda s: (s[0], s[4], s[5]))
            if query.step_ms is not None:
                found.append(Series(point, _rolled(rows, query.step_ms)))
            else:
                found.append(Series(point, rows[: query.limit], len(rows) > query.limit))
        return found

    def delete(self, selection: Selection) -> Deletion:
        if self.broken is not None:
            raise self.broken
        gone = {key: row for key, row in self.rows.items() if _chosen(selection, *row)}
        times = [sample[0] for _, sample in gone.values()]
        self.rows = {key: row for key, row in self.rows.items() if key not in gone}
        return Deletion(len(gone), min(times, default=None), max(times, default=None))

    def stored(self, after: int = 0) -> Iterator[Batch]:
        for first in range(after, self.last, 3):
            if self.shut is not None:
                raise self.shut
            last = min(first + 3, self.last)
            keys = [key for key in sorted(self.rows) if first < key[0] <= last]
            rows = [self.rows[key] for key in keys]
            values = [sample[1] for _, sample in rows]
            texts = [v if isinstance(v, str) else None for v in values]
            numbers: list[Any] = [None if isinstance(v, str) else v for v in values]
            yield Batch(
                first, last, [k[0] for k in keys], [k[1] for k in keys], [s[0] for _, s in rows],
                [p for p, _ in rows], numbers, texts, bytes(kind_of(v) for v in values), [s[2] for _, s in rows],
                [s[3] for _, s in rows],
            )  # fmt: skip

    def latest(self, points: Sequence[str] | None = None) -> dict[str, Sample]:
        return {p: s for _, (p, s) in sorted(self.rows.items()) if points is None or p in points}

    def health(self) -> dict[str, Any]:
        return {"ok": self.broken is None, "cursor": self.last, "problems": []}

    def close(self) -> None:
        """Nothing to let go of."""


def kind_of(value: Any) -> int:
    """The kind of a stored value."""
    return {type(None): 0, bool: 1, int: 2, float: 3, str: 4}[type(value)]


def _chosen(selection: Selection, point: str, sample: Sample) -> bool:
    return (
        sample[0] < selection.before
        and (selection.points is None or point in selection.points)
        and (selection.metrics is None or split_point(point)[1] in selection.metrics)
    )


def _rolled(rows: Sequence[Sample], step_ms: int) -> list[Rollup]:
    """Numbers and levels in steps."""
    steps: dict[int, list[Sample]] = {}
    for row in rows:
        if row[1] is not None and not row[3] & Flag.INVALID:
            steps.setdefault(row[0] // step_ms * step_ms, []).append(row)
    found: list[Rollup] = []
    for start, inside in steps.items():
        numbers = [float(r[1]) for r in inside if not isinstance(r[1], str | None)]
        if numbers:
            low, high, mean = min(numbers), max(numbers), sum(numbers) / len(numbers)
            found.append((start, low, high, mean, inside[-1][1], len(inside)))
        else:
            found.append((start, None, None, None, inside[-1][1], len(inside)))
    return found
