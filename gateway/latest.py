"""The last reading of every point, in memory: columns, because three million points must fit into a gigabyte."""

from __future__ import annotations

import threading
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, compress
from typing import Final

import msgspec

from devices.reading import Flag, Value
from gateway.series import Batch, Kind, Sample

POINTS_MAX: Final = (
    4_000_000  # a device that makes up names must not fill the memory; later points are counted only
)
PENDING_MAX: Final = (
    10_000  # readings that wait to be written: what still lies in a core's cache, 3 ms of work
)
UNTRIED: Final = 20  # lots written as they are after one in which few points came twice
SCAN_MAX: Final = 50_000  # points looked at for one page: about 20 ms

_HISTORICAL: Final = int(Flag.HISTORICAL)
_TEXT: Final = int(Kind.TEXT)
_NEVER: Final = -(2**63)  # stands for "the device said no time" in a column of integers


class Last(msgspec.Struct, frozen=True, gc=False):
    """The last reading of a point. Times are UTC ms; `measured_at` is the device's word; `flags` are `Flag` bits."""

    point: str
    value: Value
    at: int
    measured_at: int | None
    flags: int


class Columns(msgspec.Struct, frozen=True):
    """Every point in the order first heard, one list a column; `changes` grows with whatever comes."""

    changes: int
    names: list[str]
    values: list[Value]
    at: list[int]
    measured_at: list[int | None]
    flags: list[int]


class Latest:
    """Written by one thread, read from any. The last reading in journal order counts; a HISTORICAL one only where the
    point has nothing else, as in `gateway.series.Store.latest`.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._names: list[str] = []
        self._index: dict[str, int] = {}
        self._devices: dict[str, int] = {}  # device -> its newest point; `_older` leads on to the others
        self._older = array("i")
        self._number = array("d")
        self._kind = array("B")
        self._text: dict[int, str] = {}
        self._at = array("q")
        self._measured = array("q")
        self._flags = array("B")
        self._pending: list[Batch] = []
        self._waiting = 0
        self._untried = 0
        self.refused = 0
        self._changes = 0

    def __len__(self) -> int:
        with self._lock:
            self._settle()
            return len(self._names)

    def apply(self, batch: Batch) -> None:
        """Take over a batch that follows what is known; what it says is seen from now on.

        Batches wait until somebody asks or PENDING_MAX readings wait: then only the last of each point is written.
        """
        with self._lock:
            self._pending.append(batch)
            self._waiting += len(batch)
            if self._waiting >= PENDING_MAX:
                self._settle()

    def _settle(self) -> None:
        """Write what waits. About 0.3 us a point: this is on the view's hot path."""
        pending, self._pending, self._waiting = self._pending, [], 0
        if not pending:
            return
        self._changes += 1
        columns: Iterable[_Column] = chain.from_iterable(map(_columns, pending))
        if not any(flags & _HISTORICAL for batch in pending for flags in set(batch.flags)):
            columns = self._newest(pending, columns)  # stored data sent late must be looked at one by one
        index, number, kinds, ats = self._index, self._number, self._kind, self._at
        measured, all_flags = self._measured, self._flags
        names, near = self._names, 0
        for point, value, text, kind, at, moment, flags in columns:
            # A device's next point mostly stands beside the last one: a look there is half of a search.
            i = near if near < len(names) and names[near] == point else index.get(point)
            if i is None:
                i = self._add(point)
                if i < 0:
                    continue
            near = i + 1
            if flags & _HISTORICAL and not all_flags[i] & _HISTORICAL:
                continue
            if value is None or kinds[i] == _TEXT:
                self._put_text(i, kind, text)
            if value is not None:
                number[i] = value
            kinds[i] = kind
            ats[i] = at
            measured[i] = _NEVER if moment is None else moment
            all_flags[i] = flags

    def _newest(self, batches: Sequence[Batch], columns: Iterable[_Column]) -> Iterable[_Column]:
        """The columns, or of those only the last of each point where that saves looking at most of them.

        Where it saved nothing it is not tried for a while: a city says each point once a minute.
        """
        if self._untried:
            self._untried -= 1
            return columns
        last: dict[str, int] = {}
        size = 0
        for batch in batches:
            last.update(zip(batch.point, range(size, size + len(batch)), strict=True))
            size += len(batch)
        if 2 * len(last) > size:
            if (
                size >= PENDING_MAX
            ):  # a small lot, written because somebody asked, says nothing about the next
                self._untried = UNTRIED
            return columns
        wanted = bytearray(size)
        for place in last.values():
            wanted[place] = 1
        return compress(columns, wanted)

    def load(self, samples: Mapping[str, Sample]) -> None:
        """Begin with what a store remembers; only while nothing else is known."""
        with self._lock:
            self._changes += 1
            for point, (at, value, moment, flags, _seq, _n) in samples.items():
                i = self._add(point)
                if i < 0:
                    continue
                if isinstance(value, str):
                    self._text[i] = value
                elif value is not None:
                    self._number[i] = value
                self._kind[i] = _kind_of(value)
                self._at[i] = at
                self._measured[i] = _NEVER if moment is None else moment
                self._flags[i] = flags

    def get(self, point: str) -> Last | None:
        """The last reading of one point."""
        with self._lock:
            self._settle()
            i = self._index.get(point)
            return None if i is None or not self._at[i] else self._last(i)

    def of_device(self, device: str) -> list[Last]:
        """Every point of a device, in the order they were first seen."""
        with self._lock:
            self._settle()
            return [self._last(i) for i in reversed(list(self._chain(device))) if self._at[i]]

    def device_last_at(self, device: str) -> int | None:
        """When the device was last heard (UTC ms), stored data it sent late not counted; None for never."""
        with self._lock:
            self._settle()
            heard = [
                self._at[i] for i in self._chain(device) if not self._flags[i] & _HISTORICAL and self._at[i]
            ]
        return max(heard) if heard else None

    def devices(self, after: int, limit: int) -> tuple[list[str], int | None]:
        """Names of devices that said something, in the order they were first heard, and where to go on."""
        with self._lock:
            self._settle()
            names = list(self._devices)[after : after + limit]
            return names, (after + limit if after + limit < len(self._devices) else None)

    def page(self, after: int, limit: int, want: Callable[[str], bool]) -> tuple[list[Last], int | None]:
        """Up to `limit` points from place `after` on whose device `want` accepts, and where to go on (None: the end).

        Looks at SCAN_MAX points at most, so a page may hold fewer than there are.
        """
        with self._lock:
            self._settle()
        found: list[Last] = []
        end = min(after + SCAN_MAX, len(self._names))
        i = after
        while i < end and len(found) < limit:
            device = self._names[i].rsplit("/", 2)[0]
            if self._at[i] and want(device):
                with self._lock:
                    found.append(self._last(i))
            i += 1
        return found, (i if i < len(self._names) else None)

    def changes(self) -> int:
        """Grows with whatever comes: equal numbers, equal values."""
        with self._lock:
            self._settle()
            return self._changes

    def columns(self) -> Columns:
        """All of it at one moment. About 0.3 us a point; erased points have the time 0."""
        with self._lock:
            self._settle()
            kinds, names, ats = self._kind.tolist(), list(self._names), self._at.tolist()
            values: list[Value] = [*self._number]
            measured: list[int | None] = [*self._measured]
            flags, changes = self._flags.tolist(), self._changes
            texts = dict(self._text)
        if set(kinds) - {Kind.FLOAT}:
            for i, kind in enumerate(kinds):
                if kind != Kind.FLOAT:
                    values[i] = _value(kind, values[i], texts.get(i, ""))  # type: ignore[arg-type]  # still numbers
        if _NEVER in measured:
            measured = [None if m == _NEVER else m for m in measured]
        return Columns(changes, names, values, ats, measured, flags)

    def erase(self, points: Iterable[str]) -> None:
        """Forget what these points said; what they say next counts again."""
        with self._lock:
            self._settle()
            self._changes += 1
            for i in (self._index[point] for point in points if point in self._index):
                self._text.pop(i, None)
                self._number[i], self._kind[i], self._at[i] = 0.0, Kind.NONE, 0
                self._measured[i], self._flags[i] = _NEVER, _HISTORICAL

    def _chain(self, device: str) -> Iterator[int]:
        i = self._devices.get(device, -1)
        while i >= 0:
            yield i
            i = self._older[i]

    def _add(self, point: str) -> int:
        i = len(self._names)
        if i >= POINTS_MAX:
            self.refused += 1
            return -1
        self._names.append(point)
        self._index[point] = i
        device = point.rsplit("/", 2)[0]
        self._older.append(self._devices.get(device, -1))
        self._devices[device] = i
        self._number.append(0.0)
        self._kind.append(0)
        self._at.append(0)
        self._measured.append(_NEVER)
        self._flags.append(_HISTORICAL)  # so that whatever comes first counts
        return i

    def _put_text(self, i: int, kind: int, text: str | None) -> None:
        """What is rare: a text comes, or something else comes after one."""
        if kind == _TEXT:
            self._text[i] = text or ""
        else:
            self._text.pop(i, None)

    def _last(self, i: int) -> Last:
        value = _value(self._kind[i], self._number[i], self._text.get(i, ""))
        measured = self._measured[i]
        return Last(
            self._names[i], value, self._at[i], None if measured == _NEVER else measured, self._flags[i]
        )


_Column = tuple[str, float | None, str | None, int, int, int | None, int]


def _columns(batch: Batch) -> Iterator[_Column]:
    return zip(
        batch.point,
        batch.number,
        batch.text,
        batch.kind,
        batch.at,
        batch.measured_at,
        batch.flags,
        strict=True,
    )


def _value(kind: int, number: float, text: str) -> Value:
    """A value as it was said, from its columns."""
    if kind == Kind.FLOAT:
        return number
    if kind == Kind.BOOL:
        return number != 0
    if kind == Kind.INT:
        return int(number)
    return text if kind == Kind.TEXT else None


def _kind_of(value: Value) -> int:
    if value is None:
        return Kind.NONE
    for kind, known in ((bool, Kind.BOOL), (int, Kind.INT), (float, Kind.FLOAT)):
        if isinstance(value, kind):
            return known
    return Kind.TEXT
