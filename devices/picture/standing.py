"""A condition that must stand before it is believed and be gone before it is over."""

from __future__ import annotations

from typing import Final

from devices.picture.analytic import Sight
from devices.picture.zone import WHOLE, Box

SLACK: Final = (
    0.25  # part of the frames within `on_ms` that may say otherwise: one flickering frame proves nothing
)


class Standing:
    """Turns a yes or no a frame into sights of one type: told after `on_ms` of yes, ended after `off_ms` of no.

    A start is the first frame of the yes that was believed. An isolated no within `on_ms` does not begin it anew: only
    when the no's make up more than a quarter of the time. The score of the sight is the highest seen.
    """

    def __init__(self, type_: str, on_ms: int, off_ms: int, zone: str = "") -> None:
        self.type, self.on_ms, self.off_ms, self.zone = type_, on_ms, off_ms, zone
        self.on = False
        self._since: int | None = None  # the first yes of the present run
        self._last_yes = 0
        self._last = 0
        self._no_ms = 0  # time within the run that said no
        self._score, self._box = 0.0, WHOLE

    def feed(self, at: int, yes: bool, score: float = 1.0, box: Box = WHOLE) -> list[Sight]:
        """What began or ended at this frame (at most one sight)."""
        passed, self._last = at - self._last, at
        if yes:
            if self._since is None:
                self._since, self._no_ms, self._score = at, 0, 0.0
            self._last_yes = at
            if score >= self._score:
                self._score, self._box = score, box
            if not self.on and at - self._since >= self.on_ms:
                self.on = True
                return [self._sight(None)]
            return []
        if self._since is None:
            return []
        self._no_ms += passed
        if self.on:
            return self.stop() if at - self._last_yes >= self.off_ms else []
        if self._no_ms > SLACK * max(at - self._since, self.on_ms):
            self._since = None
        return []

    def stop(self) -> list[Sight]:
        """End it at its last yes, as when the view changes so that nothing can be said any more."""
        ended = [self._sight(self._last_yes)] if self.on else []
        self.on, self._since = False, None
        return ended

    def _sight(self, end: int | None) -> Sight:
        assert self._since is not None, "a sight has a start"
        return Sight(self.type, self._since, end, round(self._score, 3), self._box, self.zone)
