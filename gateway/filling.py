"""Fills a store whose place the journal no longer reaches, from another store; what nobody has is said aloud as a hole.

A store that was away longer than the journal keeps, or one that was set up today beside a year of history, is behind
the journal's first row. The journal stays small by that (design section 3), so the readings in between come from a
store that has them, in journal order, and then the journal goes on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import msgspec
import structlog

from gateway.clock import Clock
from gateway.journal import JournalReader, Row
from gateway.series import Batch, StoreError

HOLES_KEPT: Final = 20
PATIENCE_MS: Final = 3_600_000
"""So long a store that could fill a hole may fail before the hole is left: longer than a restart, less than a day."""

log = structlog.get_logger(__name__)

Sources = Callable[[], Sequence[Any]]
"""The other stores there are now, whom to ask first in front; one that cannot be asked has no `stored`."""


class Hole(msgspec.Struct, frozen=True):
    """Events `first` to `last` that a store will never have. `since` and `until` are UTC ms, None where unknown."""

    first: int
    last: int
    since: int | None
    until: int | None


class Filler:
    """One store's; used by its feeder's thread alone, but for `holes`, `lost` and `filling`."""

    def __init__(self, name: str, reader: JournalReader, clock: Clock, sources: Sources) -> None:
        self._name, self._reader, self._clock, self._sources = name, reader, clock, sources
        self._open: Iterator[Batch] | None = None
        self._source: Any = None
        self._cursor = 0
        self._failing_since: int | None = None
        self.holes: deque[Hole] = deque(maxlen=HOLES_KEPT)
        self.lost = 0
        self.filling: tuple[int, int] | None = None
        """`(cursor, to)` while another store is read; else None."""

    def next(self, cursor: int, row: Row) -> Batch:
        """What follows `cursor`, of which the journal has nothing before `row`. Raises StoreError: try again.

        The batch may hold nothing and only move the cursor to the row. One that reaches beyond the row is not cut.
        """
        to = row.first - 1
        if self._source is None or cursor != self._cursor:
            self._choose(cursor, to)
        batch = self._read(cursor, to)
        if batch is None:
            batch = self._jump(cursor, row)
        else:
            self.filling = (batch.last_seq, to)
        self._cursor, self._failing_since = batch.last_seq, None
        if batch.last_seq >= to:
            self._open = self._source = self.filling = None
        return batch

    def _choose(self, cursor: int, to: int) -> None:
        """The first store that has all of it, else the one that reaches furthest; none where nobody has more."""
        reach = [(s, s.cursor()) for s in self._sources() if hasattr(s, "stored")]
        further = [(s, seq) for s, seq in reach if seq > cursor]
        furthest = max(further, key=lambda r: r[1])[0] if further else None
        self._source = next((s for s, seq in further if seq >= to), furthest)
        self._open, self._cursor = None, cursor
        if self._source is not None:
            log.info("store is filled from another", store=self._name, after=cursor, to=to)

    def _read(self, cursor: int, to: int) -> Batch | None:
        """The source's next batch behind `cursor`, None when it has no more or has failed for too long."""
        if self._source is None:
            return None
        try:
            if self._open is None:
                self._open = self._source.stored(cursor)
            return next((batch for batch in self._open if batch.last_seq > cursor), None)
        except StoreError:
            self._open = None
            now = self._clock.monotonic_ms()
            self._failing_since = now if self._failing_since is None else self._failing_since
            if now - self._failing_since < PATIENCE_MS:
                raise
            log.error("the other store does not give what it has", store=self._name, after=cursor, to=to)
            self._source = None
            return None

    def _jump(self, cursor: int, row: Row) -> Batch:
        """To the row: as far as the source reaches there was no reading, what it does not reach is lost."""
        to = row.first - 1
        known = cursor if self._source is None else min(max(self._source.cursor(), cursor), to)
        if known < to:
            self._say(known, row)
        return Batch(cursor, to, [], [], [], [], [], [], b"", [], [])

    def _say(self, known: int, row: Row) -> None:
        audited = self._reader.audit(known, 1)
        since = audited[0].utc if audited and audited[0].seq < row.first else None
        until = row.events[0][0] + row.offset_ms
        hole = Hole(known + 1, row.first - 1, since, until)
        self.holes.append(hole)
        self.lost += hole.last - hole.first + 1
        log.error("history has a hole: neither the journal nor another store has it", store=self._name,
                  first=hole.first, last=hole.last, since=since, until=until)  # fmt: skip
