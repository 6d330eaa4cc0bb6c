"""Places in a picture: drawn zones as masks, pixel boxes as parts of the whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import cv2
import msgspec
import numpy as np

from devices.picture.frame import Pixels

Box = tuple[float, float, float, float]
"""x, y, width, height of a rectangle, each 0..1 of the picture, from its upper left corner."""

WHOLE: Final[Box] = (0.0, 0.0, 1.0, 1.0)
POINTS_MAX: Final = 64  # a drawn line has a dozen; more is a mistake or an attack


class Zone(msgspec.Struct, frozen=True):
    """A polygon in a camera's picture, points (x, y) in 0..1; closed by itself. `name` becomes a point's channel."""

    points: tuple[tuple[float, float], ...]
    name: str = ""

    def __post_init__(self) -> None:
        if not 3 <= len(self.points) <= POINTS_MAX:
            raise ValueError(f"a zone has 3 to {POINTS_MAX} points, not {len(self.points)}")
        if not all(0 <= part <= 1 for point in self.points for part in point):
            raise ValueError("the points of a zone are parts of the picture, each 0 to 1")


def zone_of(text: str, name: str = "") -> Zone:
    """The zone written as `x,y x,y x,y ...`; raises ValueError with what is wrong."""
    points = []
    for pair in text.split():
        try:
            x, y = (float(part) for part in pair.split(","))
        except ValueError:
            raise ValueError(f"{pair!r} is not x,y with both from 0 to 1") from None
        points.append((x, y))
    return Zone(tuple(points), name)


def masked(zones: Sequence[Zone], shape: Sequence[int]) -> Pixels:
    """255 inside any of the zones, 0 outside, uint8 (height, width) of `shape`; no zone at all means everywhere."""
    height, width = shape[:2]
    mask = np.full((height, width), 0 if zones else 255, np.uint8)
    for zone in zones:
        corners = np.array(zone.points, np.float64) * (width, height)
        cv2.fillPoly(mask, [np.round(corners).astype(np.int32)], (255,))
    return mask


def box_of(x: float, y: float, width: float, height: float, shape: Sequence[int]) -> Box:
    """The pixel rectangle as parts of a picture of `shape` (height, width, ...), cut to it, four decimals."""
    tall, wide = shape[:2]
    left, top = min(max(x / wide, 0.0), 1.0), min(max(y / tall, 0.0), 1.0)
    right, bottom = min(max((x + width) / wide, 0.0), 1.0), min(max((y + height) / tall, 0.0), 1.0)
    return round(left, 4), round(top, 4), round(right - left, 4), round(bottom - top, 4)
