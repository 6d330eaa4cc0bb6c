"""Feeds one time-series store: own cursor, own thread, own patience, so that a dead store holds up nobody else."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import structlog

from gateway.batch import batch_of
from gateway.clock import Clock, SystemClock
from gateway.errors import JournalError
from gateway.filling import Filler, Sources
from gateway.journal import JournalReader, Row
from gateway.series import Batch, Sink, StoreError

QUEUE_READINGS: Final = (
    200_000  # handed over, not yet written: 50 MB at worst; past it the feeder reads for itself
)
WRITE_READINGS: Final = 40_000  # one write: 3.8 us a message of five readings against 6.3 at a tenth of it
GATHER_S: Final = 1.0  # a reading is in the store at most this much later than it could be
CATCH_UP_ROWS: Final = 64
BACKOFF_MAX_S: Final = 60.0

log = structlog.get_logger(__name__)


class Feeder:
    """One store and the thread that writes to it. `offer` never blocks; everything else is the thread's."""

    def __init__(
        self,
        name: str,
        store: Sink,
        journal: Path,
        clock: Clock | None = None,
        *,
        gather_s: float = GATHER_S,
        others: Sources = tuple,
        allowed: Callable[[Batch], Batch] = lambda batch: batch,
    ) -> None:
        """`others` may have what the journal lost; `allowed` leaves out of a batch what was erased for good."""
        self.name, self.store = name, store
        self._clock, self._gather_s = clock or SystemClock(), gather_s
        self._allowed = allowed
        self._reader = JournalReader(journal)
        self._filler = Filler(name, self._reader, self._clock, others)
        self._queue: deque[Batch] = deque()
        self._queued = 0
        self._changed = threading.Condition()
        self._stopping = False
        self._catching_up = False
        self.offered_seq = 0
        self.offered_at: int | None = None  # UTC ms of the newest reading that was offered
        self.written_at: int | None = None
        self.written_seq = store.cursor()
        self.readings = 0
        self.failing: str | None = None
        self.failing_since: int | None = None
        self._thread = threading.Thread(target=self._run, name=f"feed.{name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, within_s: float = 5.0) -> None:
        """Write what is at hand, end and close the store; one that hangs is left behind."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._thread.ident is not None:
            self._thread.join(within_s)
        if not self._thread.is_alive():
            self.store.close()

    def offer(self, batch: Batch) -> None:
        """Hand over the next batch; when the store cannot follow it is dropped and read from the journal later."""
        with self._changed:
            self.offered_seq = max(self.offered_seq, batch.last_seq)
            self.offered_at = batch.at[-1] if batch.at else self.offered_at
            if self._queued + len(batch) > QUEUE_READINGS and self._queue:
                self._queue.clear()
                self._queued = 0
            else:
                self._queue.append(batch)
                self._queued += len(batch)
            if self._queued >= WRITE_READINGS or len(self._queue) <= 1:
                self._changed.notify()

    def expect(self, seq: int) -> None:
        """The journal reaches to `seq`, of which nothing is offered to us: what we lack we read for ourselves."""
        with self._changed:
            self.offered_seq = max(self.offered_seq, seq)
            self._changed.notify()

    @property
    def lag(self) -> int:
        """Events the store is behind what was offered."""
        return max(self.offered_seq - self.written_seq, 0)

    @property
    def lag_ms(self) -> int | None:
        """How much older the newest reading here is than the newest offered; None until both are known."""
        if not self.lag:
            return 0
        if self.offered_at is None or self.written_at is None:
            return None
        return max(self.offered_at - self.written_at, 0)

    @property
    def filler(self) -> Filler:
        """What is, or was, filled in from another store, and what nobody has."""
        return self._filler

    def health(self) -> dict[str, Any]:
        """The store's own word with what the feeder knows."""
        said = dict(self.store.health())
        ok = bool(said.get("ok", True)) and self.failing is None
        return {
            **said, "ok": ok, "cursor": self.written_seq, "lag": self.lag, "lag_ms": self.lag_ms,
            "failing": self.failing, "filling": self._filler.filling, "lost": self._filler.lost,
            "holes": list(self._filler.holes),
        }  # fmt: skip

    # -- the thread -------------------------------------------------------------------------------------------

    def _run(self) -> None:
        wait_s = 0.0
        while not self._pause(wait_s):
            try:
                wait_s = 0.0
                batch = self._next()
                if batch is None:
                    continue
                batch = self._allowed(batch)
                self.store.write(batch)
                self.written_seq = self.store.cursor()
                self.written_at = batch.at[-1] if batch.at else self.written_at
                self.readings += len(batch)
                if self.failing is not None:
                    log.info("store writes again", store=self.name)
                    self.failing = self.failing_since = None
            except Exception as error:  # noqa: BLE001 - task supervisor: whatever a store raises is its own trouble
                wait_s = self._failed(error)
        self._reader.close()

    def _failed(self, error: Exception) -> float:
        """Note it, once aloud, and say how long to be patient."""
        now = self._clock.monotonic_ms()
        if self.failing_since is None:
            self.failing_since = now
            known = isinstance(error, StoreError | JournalError)
            log.error("store does not write", store=self.name, reason=str(error), exc_info=not known)
        self.failing = str(error)[:200] or type(error).__name__
        first_s = (error.retry_after_ms if isinstance(error, StoreError) else 1_000) / 1000
        return min(max(first_s, (now - self.failing_since) / 4000), BACKOFF_MAX_S)

    def _pause(self, wait_s: float) -> bool:
        """Wait; True when asked to stop and nothing is left at hand (or the store fails anyway)."""
        with self._changed:
            if wait_s:
                self._changed.wait_for(lambda: self._stopping, wait_s)
                return self._stopping
            if self._catching_up:
                return self._stopping
            if not self._queue and self.lag == 0:
                self._changed.wait_for(lambda: self._stopping or bool(self._queue), 1.0)
            if not self._stopping and self._queued < WRITE_READINGS:
                self._changed.wait_for(
                    lambda: self._stopping or self._queued >= WRITE_READINGS, self._gather_s
                )
            return self._stopping and not self._queue

    def _next(self) -> Batch | None:
        """What comes behind the store's cursor: from the queue where it joins on, else from the journal, else from
        another store.

        The cursor is asked anew each time: a store that set a damaged file aside has gone back.
        """
        cursor = self.written_seq = self.store.cursor()
        self._catching_up = False
        with self._changed:
            while self._queue and self._queue[0].last_seq <= cursor:
                self._queued -= len(self._queue.popleft())
            if self._queue and self._queue[0].after <= cursor:
                taken = list(self._queue)
                self._queue.clear()
                self._queued = 0
                return merged(taken)
            behind = bool(self._queue) or cursor < self.offered_seq
        if not behind:
            return None
        rows = contiguous(self._reader.rows(cursor, CATCH_UP_ROWS))
        self._catching_up = bool(rows)
        if rows and rows[0].first > cursor + 1:
            return self._filler.next(cursor, rows[0])
        return batch_of(rows, cursor) if rows else None


def contiguous(rows: Sequence[Row]) -> list[Row]:
    """The rows up to the first that does not follow on: what lies between is not theirs to speak for."""
    kept = list(rows[:1])
    for row in rows[1:]:
        if row.first != kept[-1].last + 1:
            break
        kept.append(row)
    return kept


def merged(batches: Sequence[Batch]) -> Batch:
    """Consecutive batches as one."""
    first = batches[0]
    if len(batches) == 1:
        return first
    out = Batch(
        first.after, batches[-1].last_seq, [], [], [], [], [], [], b"".join(b.kind for b in batches), [], []
    )
    for batch in batches:
        out.seq += batch.seq
        out.n += batch.n
        out.at += batch.at
        out.point += batch.point
        out.number += batch.number
        out.text += batch.text
        out.measured_at += batch.measured_at
        out.flags += batch.flags
    return out
