"""A batch as arrays that DuckDB scans without copying, cut into runs of one UTC day."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from gateway.series import Batch
from gateway.store.duckdb_.deletions import Gone
from gateway.store.duckdb_.files import DAY_MS, Claim

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

NO_TIME: Final = -(2**62)
"""Stands for "the device said nothing" until SQL makes it NULL. One bit less than there is, to stay a BIGINT in SQL."""


class Run(NamedTuple):
    """Consecutive readings of one UTC day: `rows` of the columns. They are all the batch has with `seq <= to`."""

    day: int
    to: int
    rows: slice


class Columns:
    """The readings of a batch behind `cursor`. The fields are those of `Batch`, as arrays.

    Python's own `array` turns a list into a buffer in a third of numpy's time, hence the detour.
    """

    def __init__(self, batch: Batch, cursor: int) -> None:
        first = bisect_right(batch.seq, cursor) if batch.after < cursor else 0
        self.point = batch.point[first:] if first else batch.point
        self.seq = _whole(batch.seq[first:] if first else batch.seq)
        self.n = _whole(batch.n[first:] if first else batch.n)
        self.at = _whole(batch.at[first:] if first else batch.at)
        self.flags = _whole(batch.flags[first:] if first else batch.flags)
        self.kind: Array = np.frombuffer(batch.kind, "u1")[first:]
        measured = batch.measured_at[first:] if first else batch.measured_at
        try:
            self.measured_at = _whole(measured)
        except TypeError:  # a None among them
            self.measured_at = _whole([NO_TIME if m is None else m for m in measured])
        number: list[Any] = batch.number[first:] if first else batch.number
        try:
            self.number: Array = np.frombuffer(array("d", number))
        except TypeError:
            self.number = np.frombuffer(array("d", [0.0 if v is None else v for v in number]))
        # Texts go in once each, and each row names its own by place, counted from 1; 0 is no text.
        texts = batch.text[first:] if first else batch.text
        self.texts = [text for text in dict.fromkeys(texts) if text is not None]
        place: Mapping[str | None, int] = {text: i for i, text in enumerate(self.texts, 1)}
        self.text: Array = (
            np.fromiter((place.get(t, 0) for t in texts), "i4") if self.texts else np.zeros(len(texts), "i4")
        )
        self._last_seq = batch.last_seq

    def __len__(self) -> int:
        return len(self.point)

    def runs(self) -> Iterator[Run]:
        """The readings in journal order, cut where the UTC day changes: days come back where the clock was set."""
        if not self.point:
            return
        days = self.at // DAY_MS
        starts = [0, *(np.flatnonzero(np.diff(days)) + 1).tolist(), len(days)]
        for start, stop in pairwise(starts):
            to = self._last_seq if stop == len(days) else int(self.seq[stop]) - 1
            yield Run(int(days[start]), to, slice(start, stop))

    def take(self, run: Run, claims: list[Claim], gone: Sequence[Gone]) -> tuple[list[str], dict[str, Array]]:
        """The run's points and its other arrays by name, without what `claims` already hold and what is `gone`."""
        points = self.point[run.rows]
        arrays = {
            name: getattr(self, name)[run.rows]
            for name in ("seq", "n", "at", "kind", "number", "text", "measured_at", "flags")
        }
        seq = arrays["seq"]
        new = np.ones(len(seq), "?")
        for claim in claims:
            if claim.day == run.day:
                new &= (seq <= claim.after) | (seq > claim.to)
        for deletion in gone:
            new &= ~deletion.rows(points, arrays["at"], seq)
        if new.all():
            return points, arrays
        return [points[i] for i in np.flatnonzero(new)], {
            name: values[new] for name, values in arrays.items()
        }


def _whole(values: list[Any]) -> Array:
    """64-bit whole numbers, by the C API's quickest way; TypeError for None."""
    return np.frombuffer(array("q", values), "i8")
