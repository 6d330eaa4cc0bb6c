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

    The first nine pictures are taken within `ready_ms` of good view, the next in four times that, and so on: a view is
    wanted soon, whoever stood there at the start should not stay in it, and who comes to stand there not come into it.
    """

    def __init__(self, ready_ms: int) -> None:
        self._first_ms = max(ready_ms // SAMPLES, 1)
        self._views: dict[bool, _Middle] = {}

    def learn(self, frame: Frame, standing: Iterable[Box]) -> None:
        """A picture of good view; `standing` is where something is that does not belong there, and is not learned."""
        mode = frame.view.monochrome
        mine = self._views.get(mode)
        if mine is None or (mine.samples and mine.samples[0][1].shape != frame.half.shape):
            mine = self._views[mode] = _Middle(self._first_ms)
        mine.learn(frame, standing)

    def forget(self, box: Box, since: int) -> None:
        """Something stands there since the frames' time `since`: what was learned of it before it was known goes."""
        for mine in self._views.values():
            mine.forget(box, since)

    def of(self, monochrome: bool) -> Pixels | None:
        """The view in colour or infrared, uint8 BGR at most 320 wide; None until it is known. Never changed."""
        mine = self._views.get(monochrome)
        return mine.middle if mine is not None else None


class _Middle:
    def __init__(self, every_ms: int) -> None:
        self.samples: deque[tuple[int, Pixels]] = deque(maxlen=SAMPLES)
        self.middle: Pixels | None = None
        self._every, self._taken = every_ms, 0

    def learn(self, frame: Frame, standing: Iterable[Box]) -> None:
        if self.samples and frame.at - self.samples[-1][0] < self._every:
            return
        sample = frame.half.copy()
        if self.middle is not None:
            for box in standing:
                part = _part(box, sample)
                sample[part] = self.middle[part]
        self.samples.append((frame.at, sample))
        self._taken += 1
        if self._taken % SAMPLES == 0:
            self._every = min(4 * self._every, EVERY_MAX_MS)
        self._settle()

    def forget(self, box: Box, since: int) -> None:
        before = [sample for at, sample in self.samples if at < since]
        if not before:
            return
        part = _part(box, before[0])
        calm = _middle([sample[part] for sample in before])
        for at, sample in self.samples:
            if at >= since:
                sample[part] = calm
        self._settle()

    def _settle(self) -> None:
        if len(self.samples) == SAMPLES:
            self.middle = _middle([sample for _, sample in self.samples])


def _middle(pictures: list[Pixels]) -> Pixels:
    half = len(pictures) // 2
    return np.asarray(np.partition(np.stack(pictures), half, axis=0)[half], np.uint8).copy()


def _part(box: Box, picture: Pixels) -> tuple[slice, slice]:
    left, top, right, bottom = pixels_of(box, picture.shape[1], picture.shape[0])
    return slice(top, bottom), slice(left, right)
