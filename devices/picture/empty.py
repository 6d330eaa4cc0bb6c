"""What a view looks like with nobody in it: the middle of pictures over time, to hide what differs from it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final

import numpy as np

from devices.picture.frame import Frame, Pixels
from devices.picture.mask import pixels_of
from devices.picture.zone import Box

SAMPLES: Final = 9
"""Pictures of which the middle is taken: what is in fewer than five of them in a place is not part of the view."""
EVERY_MAX_MS: Final = 600_000
"""Between two of them in the end: who stays less than 50 minutes in one place is never taken for the view."""


class Empty:
    """One camera's empty view, of colour and of infrared apart. Memory: twice ten pictures of at most 320 wide.

    The first pictures are taken within `ready_ms` of good view, then half as often with each round, for a view is
    wanted soon and whoever stood there at the start should not stay in it.
    """

    def __init__(self, ready_ms: int) -> None:
        self._first_ms = max(ready_ms // SAMPLES, 1)
        self._views: dict[bool, _Middle] = {}

    def learn(self, frame: Frame, standing: Iterable[Box]) -> None:
        """A picture of good view; `standing` is where something is that does not belong there, and is not learned."""
        mode = frame.view.monochrome
        mine = self._views.get(mode)
        if mine is None or (mine.samples and mine.samples[0].shape != frame.half.shape):
            mine = self._views[mode] = _Middle(self._first_ms)
        mine.learn(frame, standing)

    def of(self, monochrome: bool) -> Pixels | None:
        """The view in colour or infrared, uint8 BGR at most 320 wide; None until it is known. Never changed."""
        mine = self._views.get(monochrome)
        return mine.middle if mine is not None else None


class _Middle:
    def __init__(self, every_ms: int) -> None:
        self.samples: deque[Pixels] = deque(maxlen=SAMPLES)
        self.middle: Pixels | None = None
        self._every, self._taken, self._at = every_ms, 0, 0

    def learn(self, frame: Frame, standing: Iterable[Box]) -> None:
        if self.samples and frame.at - self._at < self._every:
            return
        self._at = frame.at
        sample = frame.half.copy()
        if self.middle is not None:
            for box in standing:
                left, top, right, bottom = pixels_of(box, sample.shape[1], sample.shape[0])
                sample[top:bottom, left:right] = self.middle[top:bottom, left:right]
        self.samples.append(sample)
        self._taken += 1
        if self._taken % SAMPLES == 0:
            self._every = min(2 * self._every, EVERY_MAX_MS)
        if len(self.samples) == SAMPLES:
            self.middle = np.partition(np.stack(self.samples), SAMPLES // 2, axis=0)[SAMPLES // 2].copy()
