"""What moves in the yard: people who walk and stop, cars that pass with their lamps, a sign that flickers."""

from __future__ import annotations

import math
from typing import Final

import cv2
import numpy as np

from devices.picture.frame import Pixels
from devices.simulator.scenes.backdrop import PAVEMENT
from devices.simulator.scenes.light import Sky

_SLOTS: Final = 24  # the most that can be about at once, people or cars


class Actors:
    """Where everybody is follows from the seed and the time alone, so a scene may be entered at any moment."""

    def __init__(self, seed: int, people: float, cars: float, neon: bool) -> None:
        self._people, self._cars, self._neon = people, cars, neon
        self._seed = seed

    def draw(self, picture: Pixels, t: float, sky: Sky, *, parked: bool) -> None:
        """Draw them as they are at `t` s onto the daylight picture."""
        for slot in range(_SLOTS):
            self._person(picture, t, slot)
        if parked:
            _car(picture, 0.22, 0.76, 0.26, (200, 200, 205))
        for slot in range(_SLOTS):
            self._passing(picture, t, slot, sky, shining=False)

    def shine(self, picture: Pixels, t: float, sky: Sky) -> None:
        """Draw what gives light of its own onto the picture as the sky has lit it."""
        if sky.infrared:
            return  # white spots at most; the sign is behind the reach of the camera's lamps
        if self._neon:
            self._sign(picture, t)
        for slot in range(_SLOTS):
            self._passing(picture, t, slot, sky, shining=True)

    def _turn(
        self, kind: int, slot: int, t: float, period: float, share: float
    ) -> tuple[float, np.random.Generator] | None:
        """How far through its passage (0..1) this slot's actor is, and its dice; None while it is away."""
        shifted = t + period * slot / _SLOTS
        turn = math.floor(shifted / period)
        dice = np.random.default_rng([self._seed, kind, slot, turn + 1_000])
        if dice.uniform() >= min(share / _SLOTS * 2, 1.0):
            return None
        through = (shifted / period - turn) * 2  # half of its time it is about
        return (through, dice) if through < 1 else None

    def _person(self, picture: Pixels, t: float, slot: int) -> None:
        found = self._turn(2, slot, t, 50.0, self._people * 2)
        if found is None:
            return
        through, dice = found
        tall, wide = picture.shape[:2]
        stops = dice.uniform(0.2, 0.8) if dice.uniform() < 0.4 else 2.0  # some stop to talk for a while
        progress = through if through < stops else max(stops, through - 0.25)
        x = (progress if dice.uniform() < 0.5 else 1 - progress) * 1.1 - 0.05
        y = dice.uniform(PAVEMENT[0], 0.9)
        high = tall * (0.1 + 0.16 * (y - 0.5))
        step = math.sin(t * 7 + slot) * high * 0.1
        foot = (int(x * wide), int(y * tall))
        coat = tuple(int(c) for c in dice.integers(20, 230, 3))
        hip, neck = int(foot[1] - high * 0.45), int(foot[1] - high * 0.85)
        for side in (-1, 1):
            cv2.line(
                picture,
                (foot[0], hip),
                (int(foot[0] + side * step), foot[1]),
                (40, 40, 50),
                max(1, int(high * 0.1)),
            )
        cv2.rectangle(
            picture, (int(foot[0] - high * 0.13), neck), (int(foot[0] + high * 0.13), hip), coat, -1
        )
        cv2.circle(
            picture, (foot[0], int(foot[1] - high * 0.93)), max(1, int(high * 0.09)), (120, 150, 190), -1
        )

    def _passing(self, picture: Pixels, t: float, slot: int, sky: Sky, *, shining: bool) -> None:
        found = self._turn(3, slot, t, 16.0, self._cars * 2)
        if found is None:
            return
        through, dice = found
        lane = dice.uniform() < 0.3  # some drive through the fire lane without stopping
        y, length = (0.76, 0.24) if lane else (0.94, 0.3)
        x = through * 1.6 - 0.3
        back = dice.uniform() < 0.5
        colour = tuple(int(c) for c in dice.integers(20, 240, 3))
        at = (1 - x if back else x, y, length)
        if shining:
            _lamps(picture, *at, ahead=sky.gain < 0.6, braking=math.sin(t * 2.3 + slot) > 0.3, back=back)
        else:
            _car(picture, *at, colour)

    def _sign(self, picture: Pixels, t: float) -> None:
        """A neon sign: two tubes of orange and red, one of which flickers as worn tubes do."""
        tall, wide = picture.shape[:2]
        x, y = int(wide * 0.70), int(tall * 0.30)
        shine = 0.55 + 0.45 * math.sin(t * 19.0) * math.sin(t * 5.3)
        cv2.rectangle(
            picture, (x, y), (x + wide // 8, y + tall // 20), (20, int(120 * shine), int(255 * shine)), -1
        )
        cv2.rectangle(picture, (x, y + tall // 14), (x + wide // 8, y + tall // 9), (30, 20, 235), 3)


def _car(picture: Pixels, x: float, y: float, length: float, colour: tuple[int, ...]) -> None:
    """A car seen from the side, its middle at (x, y) of the picture."""
    cx, cy, half, high = _placed(picture, x, y, length)
    dark = tuple(c // 3 for c in colour)
    cv2.ellipse(picture, (cx, cy + high), (half, high // 4), 0, 0, 360, (45, 45, 48), -1)  # its shadow
    cv2.rectangle(picture, (cx - half, cy - high // 3), (cx + half, cy + high * 2 // 3), colour, -1)
    roof = np.array([(-0.62, -0.33), (-0.4, -1.0), (0.35, -1.0), (0.62, -0.33)]) * (half, high) + (cx, cy)
    cv2.fillPoly(picture, [np.round(roof).astype(np.int32)], dark)
    for wheel in (cx - half * 3 // 5, cx + half * 3 // 5):
        cv2.circle(picture, (wheel, cy + high * 2 // 3), max(2, high // 3), (25, 25, 25), -1)


def _lamps(
    picture: Pixels, x: float, y: float, length: float, *, ahead: bool, braking: bool, back: bool
) -> None:
    """Its lamps: headlights when it is dark, tail lights with them, brighter when it brakes."""
    cx, cy, half, high = _placed(picture, x, y, length)
    front, size = (-1 if back else 1) * half, max(2, high // 6)
    if ahead:
        cv2.circle(picture, (cx + front, cy), size * 2, (235, 250, 255), -1)
    if ahead or braking:
        cv2.circle(picture, (cx - front, cy), size, (40, 40, 255 if braking else 170), -1)


def _placed(picture: Pixels, x: float, y: float, length: float) -> tuple[int, int, int, int]:
    """Middle, half its length and its height in pixels."""
    tall, wide = picture.shape[:2]
    return int(x * wide), int(y * tall), int(length * wide / 2), int(length * wide * 0.17)
