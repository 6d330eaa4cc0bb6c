"""Whether a picture stands still as no camera's picture does: even an empty yard trembles with the sensor's noise."""

from __future__ import annotations

from collections import deque
from typing import Final

import cv2
import numpy as np

from devices.picture.frame import Frame, Pixels

BLOCKS: Final = (16, 9)  # of the picture, across and down
PAIRS: Final = 15  # of neighbouring frames that are judged together, three seconds at five a second
PUMPED: Final = (
    4  # of them may differ: a codec redraws a standing picture with every key frame, once a second or less
)
DEAD: Final = 0.35  # part of the quietest tremble seen so far
DEAD_MAX: Final = (
    0.8  # grey levels in any block; frozen streams were seen at 0 to 0.6, living ones from 1.1 on
)
QUIET_TO_TELL: Final = 0.3  # a view that ever was quieter than this cannot be told from a frozen one
CALMS_MS: Final = 8_000  # after so long a tremble is the view's own, and not that of a codec that calms down
DRIFT: Final = 8.0  # grey levels in any block since it stood still; key frames redraw by up to 4
UNKNOWN: Final = 255.0


class Stillness:
    """Learns how still the view can be, and says since when it has been stiller than that.

    What is judged is the block that differs most between two neighbouring frames: a car leaves, the noise stays.
    """

    def __init__(self) -> None:
        self.quiet = UNKNOWN  # the least tremble so far: grey levels in the block that trembles most
        self._last: tuple[int, Pixels] | None = None
        self._pairs: deque[tuple[int, float]] = deque(maxlen=PAIRS)
        self._recent: deque[tuple[int, float]] = deque(maxlen=64)
        self._since: tuple[int, Pixels] | None = None

    def feed(self, frame: Frame, learning: bool) -> int | None:
        """The time of the frame since which the picture has stood still; None while it lives or cannot be told."""
        grey = frame.half_grey
        last, self._last = self._last, (frame.at, grey)
        if last is None or last[1].shape != grey.shape:
            self._pairs.clear()
            self._since = None
            return None
        self._pairs.append((last[0], _loudest(grey, last[1])))
        if len(self._pairs) < PAIRS:
            return None
        tremble = sorted(pair[1] for pair in self._pairs)[PAIRS - 1 - PUMPED]
        if learning or self.quiet == UNKNOWN:
            self.quiet = min(self.quiet, tremble)
        dead = tremble <= min(DEAD * self.quiet, DEAD_MAX)
        if dead:
            self._recent.clear()
        else:
            self._recent.append((frame.at, tremble))
        while self._recent and frame.at - self._recent[0][0] >= CALMS_MS:
            self.quiet = min(self.quiet, self._recent.popleft()[1])
        if self._since is not None and _loudest(grey, self._since[1]) > DRIFT:
            dead = False
        if not dead or self.quiet < QUIET_TO_TELL:
            self._since = None
        elif self._since is None:
            self._since = next(at for at, level in self._pairs if level <= tremble), grey
        return None if self._since is None else self._since[0]


def _loudest(one: Pixels, other: Pixels) -> float:
    difference = cv2.absdiff(one, other).astype(np.float32)
    return float(cv2.resize(difference, BLOCKS, interpolation=cv2.INTER_AREA).max())
