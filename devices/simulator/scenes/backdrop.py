"""The yard that stands still: a house with windows, trees, a fence, a road, a fire lane, a bench."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import cv2
import numpy as np

from devices.picture.frame import Pixels
from devices.picture.zone import Zone

LANE: Final = Zone(((0.08, 0.66), (0.62, 0.66), (0.70, 0.84), (0.02, 0.84)), "lane")
ROAD: Final = (0.86, 1.0)  # upper and lower edge of the road at the front, parts of the height
PAVEMENT: Final = (0.56, 0.65)


@lru_cache(maxsize=8)
def backdrop(seed: int, size: tuple[int, int], bench: bool) -> Pixels:
    """The empty yard of this seed in daylight, (height, width, 3); seeds differ in colours, windows and trees."""
    dice = np.random.default_rng([seed, 1])
    wide, tall = size
    out = np.empty((tall, wide, 3), np.uint8)
    out[:] = _colour(dice, (190, 175, 160), 20)  # sky
    horizon = int(tall * dice.uniform(0.42, 0.52))
    _house(out, dice, horizon)
    out[horizon:] = _colour(dice, (95, 105, 100), 15)  # ground
    _mottle(out[horizon:], dice, 9.0)
    cv2.fillPoly(out, [_corners(LANE.points, size)], tuple(int(c) for c in _colour(dice, (88, 90, 92), 8)))
    cv2.polylines(out, [_corners(LANE.points, size)], True, (60, 190, 215), max(1, wide // 220))
    out[int(tall * ROAD[0]) :] = _colour(dice, (70, 72, 74), 8)
    _mottle(out[int(tall * ROAD[0]) :], dice, 5.0)
    for x in range(0, wide, wide // 8):
        cv2.rectangle(out, (x, int(tall * 0.93)), (x + wide // 20, int(tall * 0.94)), (210, 210, 210), -1)
    _trees(out, dice, horizon)
    for _ in range(int(dice.integers(1, 4))):
        x = int(dice.uniform(0.05, 0.95) * wide)
        cv2.rectangle(out, (x, int(tall * 0.1)), (x + max(2, wide // 130), int(tall * 0.6)), (70, 70, 75), -1)
    if bench:
        x, y = int(wide * 0.76), int(tall * 0.70)
        cv2.rectangle(out, (x, y), (x + wide // 9, y + tall // 30), (40, 70, 120), -1)
        cv2.rectangle(out, (x, y - tall // 14), (x + wide // 9, y - tall // 22), (50, 80, 135), -1)
        for leg in (x + 3, x + wide // 9 - 6):
            cv2.rectangle(out, (leg, y), (leg + 3, y + tall // 14), (30, 40, 60), -1)
    return np.asarray(cv2.GaussianBlur(out, (0, 0), 0.7), np.uint8)


def _house(out: Pixels, dice: np.random.Generator, horizon: int) -> None:
    tall, wide = out.shape[:2]
    left, right = int(dice.uniform(0.0, 0.2) * wide), int(dice.uniform(0.6, 0.95) * wide)
    roof = int(dice.uniform(0.02, 0.12) * tall)
    cv2.rectangle(
        out, (left, roof), (right, horizon), tuple(int(c) for c in _colour(dice, (120, 140, 165), 35)), -1
    )
    _mottle(out[roof:horizon, left:right], dice, 4.0)
    rows, columns = int(dice.integers(3, 6)), int(dice.integers(5, 10))
    for row in range(rows):
        for column in range(columns):
            x = left + (right - left) * (column * 2 + 1) // (columns * 2 + 1)
            y = roof + (horizon - roof) * (row * 2 + 1) // (rows * 2 + 1)
            w, h = (right - left) // (columns * 2 + 1), (horizon - roof) // (rows * 2 + 1)
            glass = tuple(int(c) for c in _colour(dice, (95, 80, 70), 30))
            cv2.rectangle(out, (x, y), (x + w, y + h), glass, -1)
            cv2.rectangle(out, (x, y), (x + w, y + h), (215, 220, 220), 1)


def _trees(out: Pixels, dice: np.random.Generator, horizon: int) -> None:
    tall, wide = out.shape[:2]
    for _ in range(int(dice.integers(2, 5))):
        x, r = int(dice.uniform(0, 1) * wide), int(dice.uniform(0.05, 0.1) * wide)
        y = horizon - r // 2
        cv2.rectangle(out, (x - r // 10, y), (x + r // 10, int(tall * 0.6)), (45, 60, 75), -1)
        for _ in range(40):
            at = (int(x + dice.normal(0, r * 0.5)), int(y - r * 0.5 + dice.normal(0, r * 0.4)))
            leaf = tuple(int(c) for c in _colour(dice, (50, 95, 60), 25))
            cv2.circle(out, at, max(2, int(r * dice.uniform(0.1, 0.3))), leaf, -1)


def _mottle(part: Pixels, dice: np.random.Generator, strength: float) -> None:
    """Asphalt, plaster: blots of several sizes."""
    tall, wide = part.shape[:2]
    blots = np.zeros((tall, wide), np.float32)
    for cell in (3, 12, 40):
        coarse = dice.normal(0, strength / 2, (tall // cell + 2, wide // cell + 2)).astype(np.float32)
        blots += np.asarray(cv2.resize(coarse, (wide, tall), interpolation=cv2.INTER_CUBIC), np.float32)
    part[:] = np.clip(part + blots[..., None], 0, 255).astype(np.uint8)


def _colour(dice: np.random.Generator, around: tuple[int, int, int], spread: float) -> Pixels:
    return np.asarray(np.clip(np.array(around) + dice.uniform(-spread, spread, 3), 0, 255), np.uint8)


def _corners(
    points: tuple[tuple[float, float], ...], size: tuple[int, int]
) -> np.ndarray[tuple[int, ...], np.dtype[np.int32]]:
    return np.round(np.array(points) * size).astype(np.int32)
