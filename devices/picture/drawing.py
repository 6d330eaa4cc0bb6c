"""Small drawn clips for the EXAMPLES of analytics: a yard, things that come and go, noise as a sensor has it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import cv2
import numpy as np

from devices.picture.frame import Pixels

WIDTH, HEIGHT = 320, 180


def yard() -> Pixels:
    """An empty yard: rough ground, a wall, marks and a door, BGR."""
    rng = np.random.default_rng(5)
    coarse = rng.normal(0, 10, (HEIGHT // 4, WIDTH // 4, 1)).astype(np.float32)
    rough: Any = cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    picture: Pixels = np.clip(96 + rough[..., None] + np.zeros(3), 0, 255).astype(np.uint8)
    cv2.rectangle(picture, (0, 0), (WIDTH, 50), (128, 136, 140), -1)
    cv2.rectangle(picture, (220, 12), (250, 50), (60, 80, 95), -1)
    for x in range(20, WIDTH, 60):
        cv2.line(picture, (x, 176), (x + 12, 56), (190, 190, 190), 2)
    return picture


def car(picture: Pixels, x: int, y: int) -> None:
    """A car seen from the side, its upper left corner at (x, y), 84 by 40."""
    cv2.rectangle(picture, (x, y + 14), (x + 84, y + 34), (40, 60, 170), -1)
    cv2.rectangle(picture, (x + 18, y), (x + 64, y + 16), (45, 65, 180), -1)
    cv2.rectangle(picture, (x + 23, y + 3), (x + 39, y + 14), (190, 170, 150), -1)
    cv2.rectangle(picture, (x + 43, y + 3), (x + 59, y + 14), (190, 170, 150), -1)
    for wheel in (18, 66):
        cv2.circle(picture, (x + wheel, y + 34), 7, (25, 25, 25), -1)


def drawn(
    seconds: float, paint: Callable[[Pixels, float], None], fps: int = 5
) -> Iterator[tuple[int, Pixels]]:
    """A clip of the yard: `paint(picture, at_s)` draws into each picture before noise comes over it."""
    rng = np.random.default_rng(6)
    base = yard()
    for index in range(round(seconds * fps)):
        picture = base.copy()
        paint(picture, index / fps)
        noisy = picture + rng.normal(0, 2.5, picture.shape)
        yield round(index * 1000 / fps), np.clip(noisy, 0, 255).astype(np.uint8)
