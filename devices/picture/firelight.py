"""Drawn fires, and the pictures of a camera that sees them or what looks like them.

Each is a painter: seeded once, then `paint(picture, at_s)` draws it into a BGR picture in place at any time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]
Painter = Callable[[Pixels, float], None]
Maker = Callable[[Generator, int, int], Painter]
"""Makes a painter for pictures of a width and height."""

TILE: Final = 128  # noise repeats after so many pixels


def clouds(rng: Generator, octaves: int = 4) -> Floats:
    """Periodic cloud noise, 0..1."""
    total = np.zeros((TILE, TILE), np.float32)
    for octave in range(octaves):
        cells = 4 << octave
        coarse = rng.random((cells, cells), np.float32)
        wide = np.tile(coarse, (3, 3))
        smooth = cv2.resize(wide, (3 * TILE, 3 * TILE), interpolation=cv2.INTER_CUBIC)
        total += smooth[TILE : 2 * TILE, TILE : 2 * TILE] / (1 << octave)
    return np.asarray((total - total.min()) / (np.ptp(total) + 1e-6), np.float32)


def sampled(noise: Floats, across: Floats, down: Floats) -> Floats:
    return noise[down.astype(np.int32) % TILE, across.astype(np.int32) % TILE]


def place(rng: Generator, width: int, height: int, least: float, most: float) -> tuple[int, int, int, int]:
    """A rectangle of `least` to `most` of the picture's height, somewhere."""
    tall = int(height * np.exp(rng.uniform(np.log(least), np.log(most))))
    wide = max(int(tall * rng.uniform(0.4, 1.2)), 6)
    tall = max(tall, 8)
    return int(rng.integers(0, max(width - wide, 1))), int(rng.integers(0, max(height - tall, 1))), wide, tall


def over(picture: Pixels, x: int, y: int, patch: Floats, cover: Floats) -> None:
    """Lay a BGR patch over the picture, as far as it lies inside; `cover` 0..1."""
    height, width = picture.shape[:2]
    left, top = max(x, 0), max(y, 0)
    right, bottom = min(x + patch.shape[1], width), min(y + patch.shape[0], height)
    if left >= right or top >= bottom:
        return
    part = (slice(top - y, bottom - y), slice(left - x, right - x))
    under = picture[top:bottom, left:right]
    seen = cover[part][..., None]
    under[...] = np.clip(under * (1 - seen) + patch[part] * seen, 0, 255).astype(np.uint8)


def _heat(amount: Floats, tint: float) -> Floats:
    """Colours of glowing soot from deep red to near white; `tint` moves the whole scale (soot, exposure)."""
    red = np.clip(amount * 2.2 + 0.35, 0, 1)
    green = np.clip(amount * 1.5 - 0.12 + tint, 0, 1)
    blue = np.clip(amount * 1.5 - 0.75 + tint, 0, 1)
    return np.asarray(np.stack([blue, green, red], axis=-1) * 255, np.float32)


def flame(rng: Generator, width: int, height: int) -> Painter:
    """A fire: tongues that rise, part and meet, its foot where it burns, its light on what is around it."""
    x, y, wide, tall = place(rng, width, height, 0.06, 0.5)
    noise, sway = clouds(rng), clouds(rng, 2)
    rise = tall * rng.uniform(0.8, 2.5)  # pixels a second: it is replaced once or twice a second
    tint, hot, ragged = rng.uniform(-0.1, 0.15), rng.uniform(0.8, 1.5), rng.uniform(0.7, 1.3)
    shine, grow = rng.uniform(0, 0.25), rng.uniform(-0.03, 0.15)
    grain = TILE / max(wide, 24) * rng.uniform(0.35, 0.8)
    down, across = np.mgrid[0:tall, 0:wide].astype(np.float32)
    up = 1 - down / tall

    def paint(picture: Pixels, at: float) -> None:
        size = min(1.0, 0.6 + grow * at) if grow > 0 else 1.0
        lean = (sway[int(at * 40) % TILE, :wide].mean() - 0.5) * wide
        side = np.abs(across - wide / 2 - lean * up**2) / (wide / 2) * (1.2 + 0.5 * up)
        moving = sampled(noise, across * grain + at * 9, (down + rise * at) * grain * 0.7)
        fine = sampled(noise, across * grain * 2.3 - at * 13, (down + 1.7 * rise * at) * grain * 1.6)
        amount = hot * (1.15 - side**2 - up / size) + ragged * (moving + 0.5 * fine - 0.85)
        amount = np.clip(amount, 0, 1.2).astype(np.float32)
        flicker = float(sway[int(at * 53) % TILE, int(at * 31) % TILE])
        glow = np.clip(picture.astype(np.float32) * (1 + shine * flicker * np.array([0.3, 0.7, 1.2])), 0, 255)
        picture[...] = glow.astype(np.uint8)
        over(picture, x, y, _heat(amount, tint), np.clip(amount * 3, 0, 1))

    return paint


def scene(
    maker: Maker, seed: int, *, width: int = 400, height: int = 224
) -> Callable[[float, Pixels | None], Pixels]:
    """A camera's picture at a time, with the thing in it: over a given picture, or over a drawn yard by day or night.

    Sensor noise and the codec's loss (as JPEG's) come on top, the same for a seed and a time.
    """
    rng = np.random.default_rng(seed)
    ground = cv2.resize(clouds(rng, 5), (width, height))[..., None] * 60 + rng.uniform(15, 130, 3)
    for _ in range(12):
        corner = (int(rng.integers(0, width)), int(rng.integers(0, height)))
        size = (int(rng.integers(10, width // 3)), int(rng.integers(10, height // 3)))
        tone = tuple(float(value) for value in rng.uniform(20, 170, 3))
        cv2.rectangle(ground, corner, (corner[0] + size[0], corner[1] + size[1]), tone, -1)
    ground = ground * rng.choice([0.25, 0.5, 1.0])
    quality, grain = int(rng.integers(25, 85)), rng.uniform(0.5, 5)
    painter: Painter | None = None
    noises = rng.normal(0, grain, (7, height, width, 1))

    def taken(at: float, under: Pixels | None = None) -> Pixels:
        nonlocal painter
        picture = np.clip(ground, 0, 255).astype(np.uint8) if under is None else under.copy()
        if painter is None:
            painter = maker(np.random.default_rng(seed + 1), picture.shape[1], picture.shape[0])
        painter(picture, at)
        picture = cv2.GaussianBlur(picture, (3, 3), 0.6)
        if under is None:
            picture = np.clip(picture + noises[int(at * 1000) % 7], 0, 255).astype(np.uint8)
        coded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)

    return taken
