"""How long to wait before the next attempt to connect."""

import random

CEILING_S = 60.0
STABLE_S = 10.0  # a connection that lived this long was a good one: start again from one second
# Two gateways with one client id throw each other out, and each connection then lives as long as the other
# waits, up to the ceiling. Only a connection that outlived ten such rounds shows that the other one is gone.
ALONE_S = 600.0
_TAKEN_OVER_FIRST_S = 4.0


class Backoff:
    """Capped exponential delay with full jitter: at most 1, 2, 4, ... 60 s.

    After a take-over it starts at 4 s and is never less than half.
    """

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._failures = 0
        self._take_overs = 0

    def after(self, lived_s: float, *, taken_over: bool) -> float:
        """Seconds to wait, given how long the connection worked (0: it never did) and how it ended."""
        if lived_s >= ALONE_S:
            self._take_overs = 0
        if taken_over:
            ceiling = min(CEILING_S, _TAKEN_OVER_FIRST_S * 2.0 ** min(self._take_overs, 8))
            self._take_overs += 1
            return self._rng.uniform(ceiling / 2, ceiling)
        if lived_s >= STABLE_S:
            self._failures = 0
        ceiling = min(CEILING_S, 2.0 ** min(self._failures, 8))
        self._failures += 1
        return self._rng.uniform(0.0, ceiling)
