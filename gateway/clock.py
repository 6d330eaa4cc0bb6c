"""The only place that asks what time it is, and the stamper that turns two unreliable clocks into one honest order.

A stamp's `at` is a counter in milliseconds. It begins as UTC and from then on advances by the monotonic clock alone, so
timers measured in it neither freeze nor all fire when somebody sets the clock. UTC is `at + offset_ms`; when the
system's UTC walks away from that, a `Clocked` event corrects the offset, never the stamp. The cases this was built for:

- Start without a battery-backed clock: the system says 1970 or 2000 until the network answers. Such a time is before
  this software existed (`UTC_FLOOR_MS`), so it never replaces a believable one: stamps go on one millisecond after the
  last, and UTC goes on from the last known UTC, which is too early by the time we were off but never earlier than
  what we already wrote down. A first start ever has nothing better and counts from 1970; either way `trusted` is
  False, for the gateway's own `clock_ok` reading. The network's step then arrives as one `Clocked`.
- Start after a power cut with a sound clock: UTC is later than the last stamp's, so it is believed, and `at` has
  advanced by the time we were off. (That we were blind for that time is the engine's `Gap`, not ours.)
- Start with a believable UTC that is before the last stamp's: the clock was wrong then or is wrong now, and the system
  is the only witness. `at` goes on from the last stamp, and the first `correction` follows the system. A machine that
  restores a saved time at boot therefore shows two corrections: back to the saved time, forward to the network's.
- A step by hand or by NTP while running: one `Clocked`. Slewing moves both clocks alike and needs none.
- A suspended laptop: the monotonic clock of Linux and macOS stands still, so elapsed-time timers take up where they
  were and an escalation resumes at its next step; UTC is ahead afterwards, one `Clocked`.
- A paused virtual machine: the host decides whether the guest's monotonic clock stands still (then as above) or jumps
  (then `at` jumps with it, as if we had been busy all that time, and the engine's late wake-up says that it was blind).
"""

from __future__ import annotations

import time
from typing import Final, Protocol

from gateway.core.event import Clocked

UTC_FLOOR_MS: Final = 1_767_225_600_000
"""2026-01-01T00:00:00Z, before the first release: a system clock that says less was never set."""

TOLERANCE_MS: Final = 1000
"""UTC may differ from `at + offset_ms` by this much before it is corrected, then it is corrected to nothing left."""

CORRECT_EVERY_MS: Final = 10_000
"""Shortest time between two corrections: a clock flapping all day costs at most 8 640 audit rows."""

_READ_WITHIN_MS: Final = 20  # a reading of both clocks that took longer says nothing about their difference


class Clock(Protocol):
    """Milliseconds of a clock that never goes back, and milliseconds UTC as the system believes it."""

    def monotonic_ms(self) -> int: ...

    def utc_ms(self) -> int: ...


class SystemClock:
    """The operating system's clocks."""

    def monotonic_ms(self) -> int:
        return time.monotonic_ns() // 1_000_000

    def utc_ms(self) -> int:
        return time.time_ns() // 1_000_000


class ManualClock:
    """A clock that moves when it is told to; for tests, simulations and demonstrations."""

    def __init__(self, start_utc_ms: int = UTC_FLOOR_MS, monotonic_ms: int = 0) -> None:
        self._utc = start_utc_ms
        self._monotonic = monotonic_ms

    def monotonic_ms(self) -> int:
        return self._monotonic

    def utc_ms(self) -> int:
        return self._utc

    def advance(self, ms: int) -> None:
        """Let time pass: both clocks move on by `ms` (not negative, ValueError)."""
        if ms < 0:
            raise ValueError("time does not pass backwards; jump_utc sets the clock back")
        self._monotonic += ms
        self._utc += ms

    def jump_utc(self, ms: int) -> None:
        """Set the system's UTC `ms` forward, or back when negative, while no time passes."""
        self._utc += ms


class Stamper:
    """Gives the time of the next stamp and says when UTC must be corrected. One owner, one thread.

    It keeps no offset: that is part of what the journal's events fold into, and is handed in.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.resume(0, 0, fresh=True)

    def resume(self, last_at: int, offset_ms: int, *, fresh: bool = False) -> int:
        """Take up after the stamp `last_at`, UTC then being `last_at + offset_ms`; gives the time of the next stamp.

        `fresh` where no stamp was ever given: the first one is UTC as the system has it.
        """
        utc = self._clock.utc_ms()
        self._base_monotonic = self._clock.monotonic_ms()
        self._base_at = self._last_at = utc if fresh else max(last_at + 1, utc - offset_ms)
        self._correct_from = self._base_at
        return self._base_at

    def at(self) -> int:
        """The time of a stamp given now: milliseconds, never less than any before."""
        at = self._base_at + self._clock.monotonic_ms() - self._base_monotonic
        self._last_at = max(self._last_at, at)
        return self._last_at

    @property
    def trusted(self) -> bool:
        """Whether the system's clock can have been set at all."""
        return self._clock.utc_ms() >= UTC_FLOOR_MS

    def correction(self, offset_ms: int) -> Clocked | None:
        """The correction of UTC that is due now, or None, where `offset_ms` is the one in force.

        Ask after every wake-up and before stamping a batch. What it gives must be stamped as the next event.
        """
        before = self._clock.monotonic_ms()
        utc = self._clock.utc_ms()
        if self._clock.monotonic_ms() - before > _READ_WITHIN_MS:
            return None  # we were put to sleep between the two; the next call sees better
        at = self.at()
        ours = at + offset_ms
        if abs(utc - ours) <= TOLERANCE_MS or at < self._correct_from:
            return None
        if utc < UTC_FLOOR_MS <= ours:
            return None
        self._correct_from = at + CORRECT_EVERY_MS
        return Clocked(utc - at, "utc_ahead" if utc > ours else "utc_behind")
