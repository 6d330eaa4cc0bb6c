"""Whether a picture stands still as no camera's picture does: even an empty yard trembles with the sensor's noise."""

from __future__ import annotations

from collections import deque
from typing import Final

import cv2
import numpy as np

from devices.picture.frame import Frame, Pixels

LAG_MS: Final = (
    900  # a frame is compared with one this old, so the slow tremble of a compressed stream counts too
)
KEPT_MAX: Final = 32  # frames, at most 320 x 320 each
DEAD: Final = 0.25  # part of the quietest tremble seen so far
DEAD_MAX: Final = 0.35  # mean grey levels; a repeated frame, compressed anew, was seen to differ by 0 to 0.14
MOVES: Final = 1.0  # grey levels in any place of 20 x 20 pixels: something moved there
QUIET_TO_TELL: Final = 0.08  # a view that ever was quieter than this cannot be told from a frozen one


class Stillness:
    """Learns how still the view can be, and says since when it has been stiller than that."""

    def __init__(self) -> None:
        self._kept: deque[tuple[int, Pixels]] = deque(maxlen=KEPT_MAX)
        self._quiet = 255.0
        self._since: int | None = None

    def feed(self, frame: Frame, learning: bool) -> int | None:
        """The time of the frame since which the picture has stood still; None while it lives or cannot be told."""
        grey = frame.half_grey
        if self._kept and self._kept[-1][1].shape != grey.shape:
            self._kept.clear()
            self._since = None
        while len(self._kept) > 1 and frame.at - self._kept[1][0] >= LAG_MS:
            self._kept.popleft()
        old = self._kept[0] if self._kept else None
        if not self._kept or frame.at - self._kept[-1][0] >= LAG_MS // 6:
            self._kept.append((frame.at, grey))
        if old is None or frame.at - old[0] < LAG_MS:
            return self._since
        difference = cv2.absdiff(grey, old[1])
        mean = float(difference.mean())
        dead = (
            mean < min(DEAD * self._quiet, DEAD_MAX)
            and float(np.max(cv2.blur(difference, (20, 20)))) <= MOVES
        )
        if learning or not dead:
            self._quiet = min(self._quiet, mean)
        if not dead or self._quiet < QUIET_TO_TELL:
            self._since = None
        elif self._since is None:
            self._since = old[0]
        return self._since
