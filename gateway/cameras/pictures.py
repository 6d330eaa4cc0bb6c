"""The last minutes of one camera as JPEGs in bounded memory: what was before, at the onset, and now."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from typing import Final, NamedTuple

import cv2
import numpy as np

from devices.picture.frame import Pixels
from devices.picture.zone import Zone

DENSE_MS: Final = 30_000
EVERY_MS: Final = 1_000
KEPT_MS: Final = 180_000
SPARSE_MS: Final = 10_000
"""Beyond the last half minute, one in ten seconds: what blocks a lane is told a minute after it came, or two."""
BYTES_MAX: Final = 4_500_000
"""Of one camera: 45 pictures of 640x360 at quality 80 are about 2.3 MB, of a very busy scene twice that."""
QUALITY: Final = 80
BEFORE_MS: Final = 5_000  # so long before the onset is before it: what caused it may be in view still earlier


class Picture(NamedTuple):
    """`at` is UTC ms; `jpeg` at most 640x360, masked zones black, nothing else hidden: never store it as it is."""

    at: int
    jpeg: bytes


class Pictures:
    """One camera's ring. Safe from several threads: the capture adds, whoever needs pictures reads."""

    def __init__(self) -> None:
        self._ring: deque[Picture] = deque()
        self._sparse: deque[Picture] = deque()  # those before the ring
        self._bytes = 0
        self._lock = threading.Lock()

    def add(self, at: int, bgr: Pixels) -> None:
        """Keep the picture of UTC ms `at`, unless one less than a second old is there."""
        with self._lock:
            if self._ring and 0 <= at - self._ring[-1].at < EVERY_MS:
                return
        jpeg = encoded(bgr)
        if jpeg is None:
            return
        with self._lock:
            self._ring.append(Picture(at, jpeg))
            self._bytes += len(jpeg)
            while len(self._ring) > 1 and at - self._ring[0].at > DENSE_MS:
                self._thin(self._ring.popleft())
            # A UTC clock that was put back leaves pictures of the future: they go by size.
            while self._sparse and (at - self._sparse[0].at > KEPT_MS or self._bytes > BYTES_MAX):
                self._bytes -= len(self._sparse.popleft().jpeg)
            while len(self._ring) > 1 and self._bytes > BYTES_MAX:
                self._bytes -= len(self._ring.popleft().jpeg)

    def _thin(self, picture: Picture) -> None:
        if not self._sparse or not 0 <= picture.at - self._sparse[-1].at < SPARSE_MS:
            self._sparse.append(picture)
        else:
            self._bytes -= len(picture.jpeg)

    def newest(self) -> Picture | None:
        """The newest picture, at most a second older than what the camera shows, None before the first."""
        with self._lock:
            return self._ring[-1] if self._ring else None

    def three(self, onset: int) -> list[Picture]:
        """Before, at the onset (UTC ms) and now: at most three, in order, none twice; fewer where fewer are kept."""
        with self._lock:
            ring = [*self._sparse, *self._ring]
        if not ring:
            return []
        wanted = [
            next((p for p in reversed(ring) if p.at <= onset - BEFORE_MS), ring[0]),
            min(ring, key=lambda p: abs(p.at - onset)),
            ring[-1],
        ]
        return sorted(set(wanted))

    @property
    def size(self) -> int:
        """Bytes kept."""
        return self._bytes


def encoded(bgr: Pixels) -> bytes | None:
    """The picture as a JPEG; None where none can be made of it."""
    done, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return np.asarray(data).tobytes() if done else None


def painted(bgr: Pixels, masks: Iterable[Zone]) -> None:
    """Paint these zones of the picture black, in place."""
    tall, wide = bgr.shape[:2]
    for mask in masks:
        corners = np.round(np.array(mask.points) * (wide, tall)).astype(np.int32)
        cv2.fillPoly(bgr, [corners], (0, 0, 0))


def decoded(jpeg: bytes) -> Pixels | None:
    """The picture again as uint8 BGR, None for bytes that are none."""
    found = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    return None if found is None else np.asarray(found, np.uint8)
