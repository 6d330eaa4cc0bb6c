"""What bounds the listener: how much of one source, how many bytes at once; and what it counted."""

from __future__ import annotations

from collections import Counter
from typing import Final

RATE_PER_S: Final = 1_000.0
"""Messages of one source a second: 60 000 devices that report every minute. Measured beside other work on two shared
cores, the listener answers 1 500 to 4 000 posts a second."""
BURST: Final = 2_000.0  # what a platform sends at once after an outage

BODIES_MAX: Final = 32 * 1024 * 1024  # bytes of all requests being read


class Bucket:
    """A token bucket. Times are seconds of a clock that never goes back."""

    def __init__(self, rate: float = RATE_PER_S, burst: float = BURST) -> None:
        self._rate, self._burst = rate, burst
        self._tokens, self._at = burst, 0.0

    def take(self, now: float) -> bool:
        """Whether there is room for one more now."""
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True


class Figures:
    """Counts by source and what became of it, for health and metrics. The words are few: each is a series."""

    WORDS: Final = (
        "taken", "answered", "refused", "too_large", "slow", "limited", "busy", "engine_gone", "frames_refused",
        "peers_dropped",
    )  # fmt: skip

    def __init__(self, sources: list[str]) -> None:
        self.counts: dict[str, Counter[str]] = {
            name: Counter(dict.fromkeys(self.WORDS, 0)) for name in sources
        }
        self.strangers = 0
        """Requests to no source of ours, or with a wrong key."""

    def count(self, source: str, word: str) -> None:
        self.counts[source][word] += 1
