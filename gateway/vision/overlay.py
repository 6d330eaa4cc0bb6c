"""Draws what the analytics see into a film of its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from devices.picture.frame import Pixels, fitted
from devices.picture.watch import Seen
from devices.picture.zone import Zone

CODECS: Final = {".webm": "VP80", ".mp4": "mp4v", ".avi": "MJPG"}
_ZONE, _SIGHT, _TEXT = (255, 200, 0), (0, 0, 255), (255, 255, 255)  # BGR


class Overlay:
    """A film of the analysed pictures with zones, boxes and times. Raises OSError when it cannot be written."""

    def __init__(self, file: Path, fps: float, zones: Sequence[Zone]) -> None:
        self._file, self._fps, self._zones = file, fps, zones
        self._writer: cv2.VideoWriter | None = None
        self._size = (0, 0)

    def add(self, at: int, picture: Pixels, standing: Iterable[Seen]) -> None:
        """One picture (any size) with the sights that stand."""
        frame = fitted(picture).copy()
        if self._writer is None:
            # VP8 wants even sides.
            self._size = (frame.shape[1] // 2 * 2, frame.shape[0] // 2 * 2)
            code = cv2.VideoWriter.fourcc(*CODECS[self._file.suffix])
            self._writer = cv2.VideoWriter(str(self._file), cv2.CAP_FFMPEG, code, self._fps, self._size)
            if not self._writer.isOpened():
                raise OSError(f"cannot write {self._file}")
        if frame.shape[1::-1] != self._size:
            frame = np.asarray(cv2.resize(frame, self._size), np.uint8)
        wide, tall = self._size
        for zone in self._zones:
            corners = np.round(np.array(zone.points) * (wide, tall)).astype(np.int32)
            cv2.polylines(frame, [corners], True, _ZONE, 1)
        for row, (analytic, sight) in enumerate(standing):
            x, y, width, height = sight.box
            upper = (round(x * wide), round(y * tall))
            cv2.rectangle(
                frame, upper, (round((x + width) * wide) - 1, round((y + height) * tall) - 1), _SIGHT, 2
            )
            _write(
                frame,
                f"{analytic}: {sight.type} {sight.score:.2f} since {sight.start / 1000:.1f} s",
                34 + 16 * row,
            )
        _write(frame, f"{at / 1000:.1f} s", 16)
        self._writer.write(frame)

    def close(self) -> None:
        """Finish the film."""
        if self._writer is not None:
            self._writer.release()


def _write(frame: Pixels, text: str, y: int) -> None:
    for colour, thick in (((0, 0, 0), 3), (_TEXT, 1)):
        cv2.putText(frame, text, (6, y), cv2.FONT_HERSHEY_SIMPLEX, 0.45, colour, thick, cv2.LINE_AA)
