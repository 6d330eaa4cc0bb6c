"""Whether a camera's stream lives: lost, back, slow. Numbers in, levels out; no clock."""

from __future__ import annotations

from typing import Final

LOST_S: Final = 8.0
"""Without a picture for so long a camera is lost: two read time-outs of 3 s and a little, so within 10 s."""
START_S: Final = 9.0  # a stream that never gave a picture after the start
SLOW: Final = 0.5  # of the usual rate
SLOW_FOR_S: Final = 30.0
USUAL_S: Final = 600.0  # time constant of the usual rate
FIRST_S: Final = 60.0  # of pictures before anything counts as usual


class Liveness:
    """One camera. `look` once a second or so; `online` is None until it is known."""

    def __init__(self, now: float) -> None:
        self._began, self._last = now, now
        self.online: bool | None = None
        self.slow = False
        self._usual = 0.0
        self._seen_s = 0.0
        self._slow_s = 0.0

    def look(self, now: float, picture_at: float | None, rate: float) -> None:
        """`now` and `picture_at` (of the newest picture) in monotonic seconds, `rate` in pictures a second (0: not
        known at present)."""
        passed, self._last = min(max(now - self._last, 0.0), 5.0), now
        if picture_at is not None and now - picture_at < LOST_S:
            self.online = True
        elif picture_at is not None or now - self._began >= START_S:
            self.online = False
        if not self.online or rate <= 0:
            self._slow_s = 0.0
            return
        if self._seen_s >= FIRST_S and rate < SLOW * self._usual:
            self._slow_s += passed  # the usual is not learned from what is unusual
            self.slow = self.slow or self._slow_s >= SLOW_FOR_S
            return
        self._slow_s = 0.0
        self.slow = False
        self._seen_s += passed
        self._usual += (rate - self._usual) * min(1.0, passed / min(USUAL_S, max(self._seen_s, passed, 1e-9)))
