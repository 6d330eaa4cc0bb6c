"""What the view and the time-series stores say to each other: batches in, questions, answers, health.

A store follows the journal: whoever feeds it reads rows from behind `cursor()`, **asked anew before every batch**, for
a store that set a damaged file aside goes back to fill the hole. Feeding the same events twice changes nothing:
`(seq, n)` with the point is the identity of a stored reading. Times are UTC milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import IntEnum
from typing import Any, Final, Protocol, overload

import msgspec

from devices.reading import Value, split_point
from gateway.errors import OperatorFault, WorldFault

POINTS_MAX: Final = 1_000
"""Most points of one question."""

ROWS_MAX: Final = 1_000_000
"""Most rows of one answer: a question's points times its limit. About 150 MB of Python values."""

INTEGER_MAX: Final = 2**53
"""Whole numbers beyond this are kept rounded: stores keep 64-bit floating point."""

SiteOf = Callable[[str], str]
"""Source name to site; "" where the source is unknown."""


class Kind(IntEnum):
    """What a stored value is, so that it reads back as it was written."""

    NONE = 0
    BOOL = 1
    INT = 2
    FLOAT = 3
    TEXT = 4


class Batch(msgspec.Struct):
    """Readings of consecutive events, one list a column, in journal order.

    Holds every reading with `after < seq <= last_seq`. `n` is the reading's place in its event; `number` is None for
    text and no reading, `text` None for all but text; `kind` holds a `Kind` byte each; `flags` are `Flag` bits.
    """

    after: int
    last_seq: int
    seq: list[int]
    n: list[int]
    at: list[int]
    point: list[str]
    number: list[float | None]
    text: list[str | None]
    kind: bytes
    measured_at: list[int | None]
    flags: list[int]

    def __len__(self) -> int:
        return len(self.seq)


class BadQuery(OperatorFault):
    """The question cannot be answered as asked. `code`: points, range, step, limit or rows."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


class Query(msgspec.Struct, frozen=True):
    """Readings of `points` with `since <= at < until` (arrival, UTC ms); raises BadQuery.

    `step_ms` None gives them raw, else rolled up in steps that begin at multiples of it since 1970 (UTC). `limit` is
    the most rows of one point; points times limit is at most ROWS_MAX.
    """

    points: Sequence[str]
    since: int
    until: int
    step_ms: int | None = None
    limit: int = 10_000

    def __post_init__(self) -> None:
        if not 1 <= len(self.points) <= POINTS_MAX:
            raise BadQuery("points", f"ask for 1 to {POINTS_MAX} points, not {len(self.points)}")
        if not 0 <= self.since < self.until < 2**62:
            raise BadQuery("range", "`since` must be before `until`, both after 1970")
        if self.limit < 1:
            raise BadQuery("limit", "`limit` must be at least 1")
        if len(self.points) * self.limit > ROWS_MAX:
            raise BadQuery("rows", f"points times limit must be at most {ROWS_MAX}")
        if self.step_ms is not None:
            if self.step_ms < 1:
                raise BadQuery("step", "`step` must be at least 1 ms")
            if (steps := (self.until - 1) // self.step_ms - self.since // self.step_ms + 1) > self.limit:
                raise BadQuery(
                    "step", f"{steps} steps are more than the limit of {self.limit}: ask for longer ones"
                )


Sample = tuple[int, Value, int | None, int, int, int]
"""One raw reading: at, value, measured_at, flags, seq, n."""

Rollup = tuple[int, float | None, float | None, float | None, Value, int]
"""One step that holds readings: its start, minimum, maximum, mean, last value, count.

Readings that say nothing (no value, not a number) or are flagged INVALID are left out, so a step without any other is
a gap, and gaps are absent rows: nothing is filled in. Texts have only last and count; levels count as 0 and 1.
"""


class Steps(Sequence[Rollup]):
    """Rolled-up rows, kept by columns: a month of a hundred points is two million values already."""

    __slots__ = ("columns",)
    __hash__ = None  # type: ignore[assignment]  # like a list: it is what it holds

    def __init__(self, columns: Sequence[list[Any]]) -> None:
        self.columns = columns

    @property
    def at(self) -> Sequence[int]:
        """Where the steps begin."""
        return self.columns[0]

    def __len__(self) -> int:
        return len(self.columns[0])

    def __iter__(self) -> Iterator[Any]:
        return zip(*self.columns, strict=True)

    @overload
    def __getitem__(self, place: int) -> Rollup: ...

    @overload
    def __getitem__(self, place: slice) -> Steps: ...

    def __getitem__(self, place: int | slice) -> Any:
        found = [column[place] for column in self.columns]
        return Steps(found) if isinstance(place, slice) else tuple(found)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)


class Series(msgspec.Struct, frozen=True):
    """The answer for one point in time order. `more` says that the limit cut it: ask again from its last row's `at`."""

    point: str
    rows: Sequence[Sample] | Sequence[Rollup]
    more: bool = False


class StoreBusy(OperatorFault):
    """Another process holds the store in `folder`."""

    def __init__(self, folder: str) -> None:
        super().__init__(f"the history in {folder} is in use by another process")
        self.folder = folder


class StoreError(WorldFault):
    """The store could not do it now, and nothing of it is kept; the same call may succeed after `retry_after_ms`."""

    def __init__(self, detail: str, retry_after_ms: int = 1_000) -> None:
        super().__init__(detail)
        self.retry_after_ms = retry_after_ms


class Sink(Protocol):
    """A store that is fed. `write` and `close` are called from one thread at a time, the others from any."""

    def cursor(self) -> int:
        """The last seq that is durable here; feed from behind it."""
        ...

    def write(self, batch: Batch) -> None:
        """Store what is behind the cursor and move the cursor to `last_seq`, both or neither. Raises StoreError."""
        ...

    def health(self) -> Mapping[str, Any]:
        """Plain data for people and metrics: `ok` (bool), `cursor`, `problems` (list of short texts), and its own."""
        ...

    def close(self) -> None:
        """Let go of everything; what was written stays."""
        ...


class Selection(msgspec.Struct, frozen=True):
    """Stored readings that arrived before `before` (UTC ms), of these `points` and `metrics` only; None means all."""

    before: int
    points: tuple[str, ...] | None = None
    metrics: tuple[str, ...] | None = None


class Keeping(msgspec.Struct, frozen=True):
    """How many days a store that cleans up by itself is to keep raw readings and roll-ups; None: for good."""

    days: int | None
    rollup_days: int | None = None


class Deletion(msgspec.Struct, frozen=True):
    """What a deletion took away: how many readings, and when the first and the last of them arrived (UTC ms).

    `rows` None: the engine does not say. It is the caller's to keep as the proof.
    """

    rows: int | None
    first_at: int | None = None
    last_at: int | None = None


class Store(Sink, Protocol):
    """A store that can be asked."""

    def read(self, query: Query) -> list[Series]:
        """One series for each point asked, in that order, empty where nothing is known. Raises StoreError."""
        ...

    def forget(self, before: int) -> list[str]:
        """Delete closed days that ended before `before` (UTC ms, by a clock the caller trusts); gives their names."""
        ...

    def delete(self, selection: Selection) -> Deletion:
        """Take the selected readings away for good; done again it takes nothing more. Raises StoreError."""
        ...

    def stored(self, after: int = 0) -> Iterator[Batch]:
        """All that is stored behind the seq `after`, in journal order, in batches of bounded size; for copying and for
        filling a store whose place the journal no longer reaches. Raises StoreError."""
        ...

    def latest(self, points: Sequence[str] | None = None) -> dict[str, Sample]:
        """The last reading of the points (None: all) in journal order; HISTORICAL ones only where nothing else is."""
        ...


class Window(msgspec.Struct, frozen=True):
    """What is asked of each of several points: see `Query`."""

    since: int
    until: int
    step_ms: int | None = None
    limit: int = 10_000

    def question(self, points: Sequence[str]) -> Query:
        """Raises BadQuery."""
        return Query(points, self.since, self.until, self.step_ms, self.limit)


class Part(msgspec.Struct, frozen=True):
    """One series of an answer; of a device changed for another, `stands_for` is that one's point and `until` when."""

    series: Series
    stands_for: str | None = None
    until: int | None = None


def earlier(
    store: Store, window: Window, predecessors: Mapping[str, Sequence[tuple[str, int]]]
) -> list[Part]:
    """What the devices that came before said, each up to its change; those that said nothing are left out.

    `predecessors` holds for each point asked its device's, newest first, as (device, UTC ms of the change). Raises
    StoreError.
    """
    found: list[Part] = []
    for point, before in predecessors.items():
        tail = point[len(split_point(point)[0]) :]
        for old, at in before:
            until = min(window.until, at)
            if until <= window.since:
                break  # those before it were changed even earlier
            shorter = msgspec.structs.replace(window, until=until)
            found += [
                Part(series, point, at)
                for series in store.read(shorter.question([old + tail]))
                if series.rows
            ]
    return found
