"""The middle of the last few pictures: rain, snow and sensor noise are in one of them in a place, things in most."""

from __future__ import annotations

from collections import deque
from typing import Final

import cv2
import numpy as np

from devices.picture.frame import Pixels

PICTURES: Final = 5
SPAN_MS: Final = (
    2000  # from the oldest to the newest of them; a slow camera has fewer, at last only the newest
)


class Quiet:
    """The last pictures of one camera, at most five. Their middle lags: it shows the time of the middle picture."""

    def __init__(self) -> None:
        self._kept: deque[tuple[int, Pixels]] = deque(maxlen=PICTURES)

    def forget(self) -> None:
        """What comes next shows something else, or the same in another light."""
        self._kept.clear()

    def feed(self, at: int, picture: Pixels) -> tuple[int, Pixels]:
        """The middle value of every pixel (uint8, any channels) over the last 1, 3 or 5 pictures, and its time (ms)."""
        if self._kept and self._kept[-1][1].shape != picture.shape:
            self.forget()
        self._kept.append((at, picture))
        while at - self._kept[0][0] > SPAN_MS:
            self._kept.popleft()
        odd = len(self._kept) - 1 + len(self._kept) % 2
        of = [self._kept[n] for n in range(-odd, 0)]
        return of[odd // 2][0], _middle([one for _, one in of])


def _middle(of: list[Pixels]) -> Pixels:
    """Of one, three or five pictures; a sort in full would cost ten times as much."""
    if len(of) == 1:
        return of[0]
    if len(of) == 3:
        return _of_three(*of)
    low = cv2.max(cv2.min(of[0], of[1]), cv2.min(of[2], of[3]))
    high = cv2.min(cv2.max(of[0], of[1]), cv2.max(of[2], of[3]))
    return _of_three(np.asarray(low, np.uint8), np.asarray(high, np.uint8), of[4])


def _of_three(one: Pixels, two: Pixels, three: Pixels) -> Pixels:
    middle = cv2.max(cv2.min(one, two), cv2.min(cv2.max(one, two), three))
    return np.asarray(middle, np.uint8)
