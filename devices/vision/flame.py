"""Possible flame: a flame-coloured region that flickers as flames do. It asks a person to look; it detects no fires."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec
import numpy as np

from devices.picture.analytic import UNRELIABLE, Example, Sight
from devices.picture.drawing import HEIGHT, WIDTH, drawn
from devices.picture.firelight import flame
from devices.picture.flame_model import SHIPPED
from devices.picture.flicker import NAMES, WINDOW_MS, Candidate, Window
from devices.picture.frame import Frame, Pixels
from devices.picture.logistic import Model
from devices.picture.lookalikes import LOOKALIKES
from devices.picture.places import Places
from devices.picture.standing import Standing
from devices.picture.teaching import JUDGE_MS
from devices.picture.zone import Zone, box_of, masked

METRICS: Final[Mapping[str, str]] = {"possible_flame": "possible_flame", "unreliable": ""}

BLIND_MS: Final = 3000  # a view that is not usable for so long is told
INSIDE: Final = 0.3  # of a region that must lie in a zone


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """`zones`: where a flame is looked for, everywhere without any. `model`: the weights; `csg vision calibrate` makes
    them from a site's own clips. Raises ValueError for weights of other features than today's.
    """

    zones: tuple[Zone, ...] = ()
    model: Model = SHIPPED

    def __post_init__(self) -> None:
        if self.model.features != NAMES:
            raise ValueError("these weights are of other features: calibrate again with this version")


class Flame:
    """One camera's run: 2.4 seconds of pictures at half size, and what was suspected where."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._window = Window()
        self._places = Places("possible_flame", WINDOW_MS)
        self._blind = Standing(UNRELIABLE, BLIND_MS, 1000)
        self._due = 0
        self._shape: tuple[int, ...] = ()
        self._mask: Pixels | None = None

    def feed(self, frame: Frame) -> list[Sight]:
        """Flames that began or ended, and since when nothing can be said.

        A view that only settles (the light changes) is judged all the same: a fire changes the light.
        """
        blind = bool(frame.view.fault) or frame.view.monochrome
        told = self._blind.feed(frame.at, blind)
        if blind:
            self._window.clear()
            return told + self._places.stop()
        if frame.half.shape != self._shape:
            self._shape = frame.half.shape
            self._mask = masked(self._config.zones, self._shape) if self._config.zones else None
        if self._window.add(frame) and frame.at >= self._due:
            self._due = frame.at + JUDGE_MS
            found = [
                (
                    box_of(one.x, one.y, one.width, one.height, self._shape),
                    self._config.model.probability(one.features),
                )
                for one in self._window.candidates()
                if self._inside(one)
            ]
            told += self._places.feed(frame.at, found)
        return told

    def _inside(self, one: Candidate) -> bool:
        if self._mask is None:
            return True
        part = self._mask[one.y : one.y + one.height, one.x : one.x + one.width]
        return float(np.mean(part > 0)) >= INSIDE


def start(config: Config) -> Flame:
    """A fresh run for one camera."""
    return Flame(config)


def _burning(picture: Pixels, at: float) -> None:
    """A bin burns from the 2nd to the 14th second."""
    if 2 <= at < 14:
        _FIRE(picture, at)


def _lamps(picture: Pixels, at: float) -> None:
    """Neon that fails, an indicator that blinks, somebody in orange."""
    for painter in _ALIKE:
        painter(picture, at)


_FIRE: Final = flame(np.random.default_rng(3), WIDTH, HEIGHT)
_ALIKE: Final = [
    LOOKALIKES[name](np.random.default_rng(4), WIDTH, HEIGHT)
    for name in ("neon", "tail_lights", "orange_clothes")
]

EXAMPLES: Final = (
    Example("a fire", lambda: drawn(20, _burning), (("possible_flame", 0.0, 6.0, True),)),
    Example("lamps and clothes of its colour", lambda: drawn(12, _lamps)),
)
