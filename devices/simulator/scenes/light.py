"""The light on the yard and what it does to a camera's picture: sun, lamps, infrared, rain, headlights, noise."""

from __future__ import annotations

import math
from typing import Final

import cv2
import msgspec
import numpy as np

from devices.picture.frame import Pixels


class Sky(msgspec.Struct, frozen=True):
    """`gain`: brightness against midday. `warm`: -1 blue to 1 orange. `sun`: where shadows fall, -1 west to 1 east, or
    None without sun. `infrared`: the camera's own lamps, no colour. `noise`: sigma in grey levels.
    """

    gain: float = 1.0
    warm: float = 0.0
    sun: float | None = None
    infrared: bool = False
    noise: float = 2.0

    @staticmethod
    def named(light: str) -> Sky:
        """`day`, `dusk`, `night` (street lamps, colour) or `infrared`; KeyError for any other."""
        return _NAMED[light]

    @staticmethod
    def at_hour(hour: float) -> Sky:
        """A clear day: sunrise at 6, sunset at 18, lamps in the dusk, infrared from 19 to 5."""
        hour %= 24
        if hour < 5 or hour >= 19:
            return _NAMED["infrared"]
        height = math.sin(math.pi * (hour - 5) / 14)
        gain = 0.3 + 0.75 * min(1.0, 1.6 * height)
        sun = (hour - 12) / 6 if 6 < hour < 18 else None
        return Sky(gain, 0.35 * (1 - min(1.0, 2 * height)), sun, False, 2.0 + 3 * (1 - height))


_NAMED: Final = {
    "day": Sky(1.0, 0.0, 0.3),
    "dusk": Sky(0.5, 0.3, None, False, 4.0),
    "night": Sky(0.32, 0.5, None, False, 6.0),
    "infrared": Sky(0.75, 0.0, None, True, 5.0),
}


def lit(
    picture: Pixels, sky: Sky, t: float, dice: np.random.Generator, *, sweep: float, rain: float
) -> Pixels:
    """The picture as the camera sends it under this sky."""
    out = picture.astype(np.float32)
    tall, wide = out.shape[:2]
    if sky.infrared:
        grey = out.mean(axis=2)
        # Lamps beside the lens: bright in the middle and near, dark at the horizon and above.
        ys, xs = np.mgrid[0:tall, 0:wide].astype(np.float32)
        spot = np.exp(-(((xs / wide - 0.5) / 0.55) ** 2 + ((ys / tall - 0.7) / 0.5) ** 2))
        out = np.repeat((grey * (0.25 + 0.9 * spot))[..., None], 3, axis=2)
    else:
        out *= np.array([1 - 0.35 * sky.warm, 1.0 - 0.08 * sky.warm, 1 + 0.2 * sky.warm], np.float32)
        if sky.sun is not None:
            _shadow(out, sky.sun)
        # A breath of cloud, slow enough that exposure follows.
        out *= 1 + 0.06 * math.sin(t / 37.0)
    out *= sky.gain
    if sweep >= 0:
        xs = np.linspace(0, 1, wide, dtype=np.float32)
        out += (130 * np.exp(-(((xs - sweep * 1.4 + 0.2) / 0.16) ** 2)))[None, :, None]
    if rain:
        _rain(out, rain, dice)
    noise = dice.normal(0, sky.noise, (tall, wide, 1 if sky.infrared else 3)).astype(np.float32)
    return np.asarray(np.clip(out + noise, 0, 255), np.uint8)


def _shadow(out: np.ndarray[tuple[int, ...], np.dtype[np.float32]], sun: float) -> None:
    """The house's shadow on the ground, wandering with the sun."""
    tall, wide = out.shape[:2]
    reach = 0.30 * abs(sun) + 0.08
    left = 0.1 - 0.5 * sun
    corners = np.array(
        [
            (left, 0.5),
            (left + 0.7, 0.5),
            (left + 0.7 - sun * 0.2, 0.5 + reach),
            (left - sun * 0.2, 0.5 + reach),
        ]
    )
    mask = np.zeros((tall, wide), np.float32)
    cv2.fillPoly(mask, [np.round(corners * (wide, tall)).astype(np.int32)], (0.42,))
    out *= (1 - cv2.GaussianBlur(mask, (0, 0), 2.0))[..., None]


def _rain(
    out: np.ndarray[tuple[int, ...], np.dtype[np.float32]], rain: float, dice: np.random.Generator
) -> None:
    """Streaks, and the grey veil behind them."""
    tall, wide = out.shape[:2]
    streaks = np.zeros((tall, wide), np.float32)
    for x, y, length in dice.integers((0, 0, 8), (wide, tall, 26), (int(260 * rain), 3)):
        cv2.line(streaks, (int(x), int(y)), (int(x - length // 5), int(y + length)), (70.0,), 1)
    out *= 1 - 0.15 * rain
    out += 22 * rain + streaks[..., None]
