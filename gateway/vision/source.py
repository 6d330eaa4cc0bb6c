"""A file or stream of pictures with its time: the clip's own for a file, a monotonic clock for a stream."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import Final

import cv2
import numpy as np

from devices.picture.frame import Pixels

OPEN_MS: Final = 3_000
READ_MS: Final = 3_000
STAMP_SLACK_MS: Final = 10_000  # a stamp later than the file's own length by more than this is broken
SKIP_MAX: Final = 25  # broken frames in a row after which the rest of a file is given up
STREAMS: Final = ("rtsp://", "rtsps://", "rtmp://", "http://", "https://", "udp://", "tcp://")


class CannotOpen(Exception):
    """The source gives no picture; the text says why, as far as it is known."""


class Source:
    """An opened source. Raises CannotOpen. Use in a process that may die: decoders abort on some broken files."""

    def __init__(self, where: str) -> None:
        cv2.setNumThreads(1)
        params = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, OPEN_MS, cv2.CAP_PROP_READ_TIMEOUT_MSEC, READ_MS]
        self._capture = cv2.VideoCapture(where, cv2.CAP_FFMPEG, params)
        if not self._capture.isOpened():
            raise CannotOpen("no picture can be decoded from it")
        fps = self._capture.get(cv2.CAP_PROP_FPS)
        self._fps = fps if math.isfinite(fps) and 0.5 <= fps <= 240 else 25.0
        count = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self.live = where.startswith(STREAMS) and not 0 < count < 1e8
        self.expected_ms = 0 if self.live or count <= 0 else round(count * 1000 / self._fps)
        self._start = time.monotonic()

    def pictures(self, every_ms: int) -> Iterator[tuple[int, Pixels]]:
        """(ms, BGR) of the pictures at least `every_ms` apart; the others are passed over undecoded where possible.

        Ends at the end of a file, or when a stream brings nothing for the read time-out.
        """
        last, index, due, skipped = -1, 0, 0, 0
        while True:
            if not self._capture.grab():
                skipped += 1
                # A damaged frame in the middle of a file is passed over; a stream's silence is its end.
                if self.live or skipped > SKIP_MAX or index * 1000 / self._fps >= self.expected_ms:
                    return
                index += 1
                continue
            skipped = 0
            at = max(self._at(index), last + 1)
            index, last = index + 1, at
            if at < due:
                continue
            read, picture = self._capture.retrieve()
            if read and picture is not None and picture.ndim == 3 and min(picture.shape[:2]) >= 16:
                # Keeps the average rate where frames do not fall on its beat.
                due = max(due + every_ms, at - every_ms // 2) if due else at + every_ms
                yield at, np.asarray(picture, np.uint8)

    def _at(self, index: int) -> int:
        if self.live:
            return round((time.monotonic() - self._start) * 1000)
        by_count = index * 1000 / self._fps
        stamped = self._capture.get(cv2.CAP_PROP_POS_MSEC)
        # Stamps are right for variable rates; files without them say 0 throughout, broken ones anything.
        latest = max(by_count, self.expected_ms) + STAMP_SLACK_MS
        sane = math.isfinite(stamped) and (stamped > 0 or index == 0) and stamped <= latest
        return round(stamped if sane else by_count)

    def close(self) -> None:
        """Let go of the file or connection."""
        self._capture.release()
