"""Follows the journal: reads rows as they are committed and gives them to views, latest values, stores and watchers."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import structlog

from gateway.batch import batch_of
from gateway.clock import Clock, SystemClock
from gateway.errors import JournalError
from gateway.evidence.sightings import Sightings
from gateway.feed import Feeder, contiguous
from gateway.health_of import HealthOf
from gateway.journal import JournalReader
from gateway.latest import Latest
from gateway.marks import Marks
from gateway.views import Change, Views

ROWS: Final = 64  # read ahead at most; a call gives at most 4 MB of blobs besides
POLL_S: Final = 1.0  # without a nudge: the engine may have died between commit and nudge
PACE_S: Final = (
    0.01  # between two reads: each costs some 0.3 ms whatever it finds, and an alarm waits 5 ms for it
)
BUSY_S: Final = (
    0.04  # after a lot of BUSY_EVENTS without news: fewer, larger reads cost a third less a message
)
BUSY_EVENTS: Final = 100
RETRY_S: Final = 1.0

log = structlog.get_logger(__name__)


class Follower:
    """One thread over one journal. `on_applied(seq, changes)` is called there after the views hold the changes.

    `on_end(error)` is called there when the thread ends without being asked to: the process should end with it.
    """

    def __init__(
        self,
        journal: Path,
        views: Views,
        latest: Latest,
        feeders: Sequence[Feeder],
        on_applied: Callable[[int, Sequence[Change]], None],
        on_end: Callable[[BaseException], None],
        *,
        latest_seq: int = 0,
        health: HealthOf | None = None,
        marks: Marks | None = None,
        sightings: Sightings | None = None,
        clock: Clock | None = None,
    ) -> None:
        """`latest_seq` is how far `latest` was warmed: rows behind it are read again for its sake.

        `health` is given all rows that are read; those it missed are not read again only for it.
        """
        self.health, self.marks, self.sightings = health, marks, sightings
        self.views, self.latest, self.feeders = views, latest, list(feeders)
        self._reader = JournalReader(journal)
        self._on_applied, self._on_end = on_applied, on_end
        self._clock = clock or SystemClock()
        self._latest_seq = latest_seq
        self._wake, self._stop, self._news = threading.Event(), threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="follow", daemon=True)
        self.cursor = 0
        self.journal_seq = 0
        self.messages = 0
        self.level_at: int | None = None  # monotonic ms at which there was nothing left to read
        self.trouble: str | None = None

    def start(self) -> None:
        """Find where to begin, then follow. A journal that is shorter than our cursor is another journal."""
        last = self._reader.last_seq()
        if last < self.views.applied_seq:
            log.error("the journal is not the one the views followed; they begin anew", journal=last,
                      views=self.views.applied_seq)  # fmt: skip
            self.views.restart()
            if self.health is not None:
                self.health.restart()
        self.cursor = min(self.views.applied_seq, self._latest_seq)
        self.journal_seq = last
        for feeder in self.feeders:
            feeder.expect(last)
        self._thread.start()

    def stop(self) -> None:
        """End after the batch under way."""
        self._stop.set()
        self._wake.set()
        self._news.set()
        if self._thread.ident is not None:
            self._thread.join(10.0)
        self._reader.close()

    def nudge(self, seq: int, news: bool = False) -> None:
        """The journal reaches to `seq` now; `news` is more than measurements, and is not kept waiting. Never blocks."""
        if news:
            self._news.set()
        if seq > self.journal_seq:
            self.journal_seq = seq
            self._wake.set()

    def add(self, feeder: Feeder) -> None:
        """One more store, from the next batch on; what came before it reads for itself."""
        self.feeders = [*self.feeders, feeder]
        feeder.expect(self.journal_seq)

    @property
    def lag(self) -> int:
        """Events the views are behind what is known to be in the journal."""
        behind: int = self.journal_seq - self.views.applied_seq
        return max(behind, 0)

    @property
    def skipped(self) -> Sequence[str]:
        """Damaged places of the journal that were read around."""
        return tuple(self._reader.skipped)

    def catch_up(self) -> int:
        """Apply everything there is to read now, in this thread; gives how many events. For tests and tools."""
        total = 0
        while done := self._once():
            total += done
        return total

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                if done := self._careful():
                    self._rest(self._pause(done))
                else:
                    self._wake.wait(POLL_S)
                    self._wake.clear()
        except BaseException as error:  # task supervisor: the process hears of it and ends
            log.exception("following the journal ended")
            self._on_end(error)

    def _rest(self, pause_s: float) -> None:
        """Wait between two reads; past the shortest pause news end it."""
        self._stop.wait(min(pause_s, PACE_S))
        if pause_s > PACE_S:
            self._news.wait(pause_s - PACE_S)

    def _pause(self, done: int) -> float:
        """Seconds until the next read: none while more is left than this one gave."""
        if self.journal_seq - self.cursor > done:
            return 0.0
        return BUSY_S if done >= BUSY_EVENTS else PACE_S

    def _careful(self) -> int:
        """One read; a disk that refuses is asked again, anything else ends the thread."""
        try:
            done = self._once()
        except (
            JournalError,
            sqlite3.OperationalError,
        ) as error:  # of the views: the disk is full, or refuses
            if self.trouble is None:
                log.error("the journal cannot be followed", reason=str(error))
            self.trouble = str(error)
            self._stop.wait(RETRY_S)
            return 0
        self.trouble = None
        return done

    def _once(self) -> int:
        """Read and hand on one lot; gives how many events it had."""
        self._news.clear()  # what is told from here on may be behind what is read now
        rows = contiguous(self._reader.rows(self.cursor, ROWS))
        if not rows:
            self.level_at = self._clock.monotonic_ms()
            self.views.flush()
            return 0
        # What the journal lost is not ours to speak for: each store sees the hole and fills it where it can.
        batch = batch_of(rows, max(self.cursor, rows[0].first - 1))
        if self.marks is not None:
            self.marks.apply(rows)  # before the views, whose place on disk says what is read again
        if self.sightings is not None:
            self.sightings.apply(rows)  # as the marks
        changes = self.views.apply(rows)
        if batch.last_seq > self._latest_seq:
            self.latest.apply(batch)
        if self.health is not None:
            self.health.apply(rows, batch)
        for feeder in self.feeders:
            feeder.offer(batch)
        done = batch.last_seq - self.cursor
        self.cursor = batch.last_seq
        self.journal_seq = max(self.journal_seq, self.cursor)
        self.messages += done
        self._on_applied(self.views.applied_seq, changes)
        return done
