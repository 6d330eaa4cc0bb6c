"""When to write: at once for alarms, within 100 ms for the rest, off the loop, and never waiting for a dead disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import structlog

from gateway.core.event import Event
from gateway.engine import OUTRANK_MS, Batch, Engine
from gateway.errors import JournalError

LINGER_S: Final = 0.1  # the longest a measurement waits for its commit (design section 3)
QUIET_S: Final = (
    LINGER_S / 2
)  # without a message for so long the broker has none, or waits for acknowledgements
PROMPT_S: Final = 0.02  # and where one comes so soon after them, it did wait
HALF_WINDOW_MAX: Final = 500  # half of the window we ask brokers for
FULL_S: Final = 60.0  # so long a window is taken for full at the number it stopped at; then more is tried
BEHIND_MAX: Final = 20_000  # events stepped while a write is under way: half a second of the fastest broker
RETRY_S: Final = (0.5, 1.0, 2.0, 5.0)

log = structlog.get_logger(__name__)


def _nothing() -> None:
    return None


class Pump:
    """Drives an `Engine` on a running loop. Call `kick` after submitting; everything else follows.

    `half_window` is half the broker's in-flight window as far as we know it: with so many unacknowledged it would soon
    stop sending, so a commit starts then whatever the clock says. It is found by trying: larger with every commit, down
    to half of the number at which nothing more came. Few large commits cost a fifth of many small ones.
    `journal_ok` hears when writing starts or stops to work.
    """

    def __init__(self, engine: Engine, journal_ok: Callable[[bool, str], None]) -> None:
        self.engine, self._journal_ok, self.half_window = engine, journal_ok, HALF_WINDOW_MAX
        self._full = 0  # messages unacknowledged when the broker waited for us; 0: it never did of late
        self._full_until = 0.0
        self._perhaps_full = 0  # as many when nothing more came
        self._acknowledged_at = 0.0
        self._pending = 0  # at the last look
        self._moved_at = 0.0
        self._in_write = 0
        self._loop = asyncio.get_running_loop()
        self._pool = ThreadPoolExecutor(1, "journal")
        self._writing: asyncio.Future[None] | None = None
        self._linger: asyncio.TimerHandle | None = None
        self._wake: asyncio.TimerHandle | None = None
        self._wake_at = 0.0
        self._tries = 0
        self._broken = False
        self._stopped = False
        self._said_ok = True
        self.between: Callable[[], None] = (
            _nothing  # called when a write has ended and the next has not begun
        )

    def submit(self, event: Event, urgent: bool = True) -> None:
        """Submit and kick: for whatever is not the message stream."""
        self.engine.submit(event, None, urgent)
        self.kick()

    def kick(self) -> None:
        """Start a commit now, or see to it that one starts in time."""
        self._plan_wake()
        if not self.engine.durable:
            self.engine.outrank()
        engine = self.engine
        pending = engine.pending
        if pending > self._pending:
            self._arrived(pending)
        self._pending = pending
        if self._writing is not None or self._broken or self._stopped:
            return
        if pending >= self.half_window:
            if not self._full or self._loop.time() > self._full_until:
                self.half_window = min(2 * self.half_window, HALF_WINDOW_MAX)
            self._write()
        elif engine.urgent:
            self._write()
        elif pending and self._linger is None:
            self._linger = self._loop.call_later(LINGER_S, self._lingered)

    def _arrived(self, pending: int) -> None:
        """What the arrival of messages says about the broker's window."""
        now = self._moved_at = self._loop.time()
        if self._perhaps_full and self._writing is None:
            if now - self._acknowledged_at < PROMPT_S:
                self._full, self._full_until = self._perhaps_full, now + FULL_S
                self.half_window = max(1, self._full // 2)
            self._perhaps_full = 0
        if pending + self._in_write > self._full:
            self._full = 0

    def _lingered(self) -> None:
        """Time is up. If nothing came lately the window may be full; what follows the acknowledgements will tell."""
        self._linger = None
        if self._loop.time() - self._moved_at > QUIET_S:
            self._perhaps_full = self.engine.pending
        self._write()

    def _write(self) -> None:
        if self._linger is not None:
            self._linger.cancel()
            self._linger = None
        if self._writing is not None or self._stopped:
            return
        try:
            self.engine.mend()
        except JournalError as error:
            self._retry(error)
            return
        self._in_write, self._pending = self.engine.pending, 0
        batches = self.engine.take()
        if not batches:
            return
        late = self._loop.call_later(OUTRANK_MS / 1000, self._overdue, batches)
        self._writing = self._loop.run_in_executor(self._pool, self.engine.write, batches)
        self._writing.add_done_callback(lambda done: self._written(done, batches, late))

    def _overdue(self, batches: Sequence[Batch]) -> None:
        self.engine.overdue(batches)
        self._say(False, "slow")

    def _written(
        self, done: asyncio.Future[None], batches: Sequence[Batch], late: asyncio.TimerHandle
    ) -> None:
        late.cancel()
        self._writing, self._in_write = None, 0
        error = done.exception()
        if error is None:
            self._tries = 0
            self.engine.written(batches)
            self._acknowledged_at = self._loop.time()
            self._say(True, "")
            self.between()
            self.kick()
        else:
            if not isinstance(error, JournalError):  # a bug of ours: no reason to hold back a fire
                log.error("journal refused what we wrote", exc_info=error)
            self.engine.failed(batches)
            self._retry(error)

    def _retry(self, error: BaseException) -> None:
        """The disk is away: say so, keep what we have, and try again with a growing pause."""
        wait_s = RETRY_S[min(self._tries, len(RETRY_S) - 1)]
        self._tries += 1
        self._broken = True
        log.error("journal cannot be written", reason=str(error), again_in_s=wait_s)
        self._say(False, str(error))
        self._loop.call_later(wait_s, self._again)

    def _again(self) -> None:
        self._broken = False
        if not self._stopped:
            self._write()

    def _say(self, ok: bool, reason: str) -> None:
        """Tell it once when it changes; what that leads to is submitted like anything else and outranks too."""
        if ok != self._said_ok:
            self._said_ok = ok
            self._journal_ok(ok, reason)
            self.kick()

    def _plan_wake(self) -> None:
        due = self.engine.due_in_ms()
        if due is None:
            return
        at = self._loop.time() + due / 1000
        if self._wake is not None:
            if self._wake_at <= at + 0.0005:
                return
            self._wake.cancel()
        self._wake_at = at
        self._wake = self._loop.call_later(due / 1000 + 0.001, self._ticked)

    def _ticked(self) -> None:
        self._wake = None
        self.engine.tick()
        self.kick()

    @property
    def behind(self) -> bool:
        """Whether writing does not keep up: time to coalesce measurements."""
        return (self._writing is not None or self._broken) and self.engine.pending > BEHIND_MAX

    @property
    def writing(self) -> bool:
        """Whether the journal's thread is at work: no moment to fork."""
        return self._writing is not None

    async def stop(self) -> None:
        """Wait for the write under way; nothing more is started. The engine's own `stop` writes the rest."""
        self._stopped = True
        for timer in (self._linger, self._wake):
            if timer is not None:
                timer.cancel()
        if self._writing is not None:
            await asyncio.wait([self._writing], timeout=5)
        self._pool.shutdown(wait=False)
