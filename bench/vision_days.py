"""Simulated camera-days: a rendered yard from nine to nine through day and infrared night, and what is true of it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import msgspec

from devices.picture.frame import Pixels
from devices.picture.zone import Zone
from devices.simulator.scenes import Happening, Scene

STEP_S: Final = 12.0  # between two pictures; each stands for all the time to the next
PART_S: Final = 1800.0
CLOSE_S: Final = (
    8.0  # at the end of each half hour, at CLOSE_FPS: long enough for possible flame to be believed
)
CLOSE_FPS: Final = 5.0
DAY_S: Final = 86_400.0
DWELL_S: Final = 300.0
STEP_TAKEN_S: Final = 2.0  # of a gap between pictures occupation counts no more as standing time
HOUR: Final = 9.0  # at which a day begins
WEATHERS: Final[dict[str, dict[str, Any]]] = {
    "clear": {"people": 3, "cars": 1.0},
    "rain": {"people": 2, "cars": 1.5, "rain": 0.7},
    "crowd": {"people": 10, "cars": 0.5},
    "traffic": {"people": 4, "cars": 3.0, "rain": 0.2},
}


class Day(NamedTuple):
    """24 hours; `parked` are the stretches (s) in which a car stands in the lane for longer than the dwell time."""

    weather: str
    scene: Scene
    parked: tuple[tuple[float, float], ...]

    @property
    def zones(self) -> tuple[Zone, ...]:
        """The fire lane."""
        return (self.scene.lane,)

    def options(self) -> dict[str, Any]:
        """For the analytics. Occupation counts 2 of each 12 s as standing: its times are a sixth."""
        part = STEP_TAKEN_S / STEP_S
        return {"zones": self.zones, "dwell_s": DWELL_S * part, "learn_s": 360 * part}

    def frames(self) -> Iterator[tuple[int, Pixels]]:
        """(ms, picture): one every 12 s, and eight seconds of five a second at the end of every half hour."""
        start = 0.0
        while start < DAY_S:
            close = start + PART_S - CLOSE_S
            for at, long, fps in ((start, PART_S - CLOSE_S, 1 / STEP_S), (close, CLOSE_S, CLOSE_FPS)):
                yield from _part(self.scene, at, long, fps)
            start += PART_S


def day(number: int, seed: int) -> Day:
    """Day `number` (0..): weathers take turns, the rest falls as the dice of the seed do.

    Every day has twelve changes of the light (clouds, lamps, headlights that sweep by), six cars that stop in the fire
    lane for one to four minutes, and two that stay for ten to forty.
    """
    dice = random.Random(f"{seed} day {number}")
    weather = tuple(WEATHERS)[number % len(WEATHERS)]
    happens = []
    for _ in range(12):
        start = dice.uniform(3600, DAY_S)
        kind = dice.choice(("dimmed", "switched", "headlights"))
        happens.append(Happening(kind=kind, start_s=start, end_s=start + dice.uniform(30, 1800)))
    hours = dice.sample(range(1, 23), 8)  # one car an hour at most
    parked = []
    for turn, hour in enumerate(hours):
        start = hour * 3600 + dice.uniform(0, 900)
        long = dice.uniform(600, 2400) if turn < 2 else dice.uniform(60, 240)
        happens.append(Happening(kind="parked", start_s=start, end_s=start + long))
        if long > DWELL_S:
            parked.append((start, start + long))
    scene = Scene(
        seed=dice.randrange(1_000_000), hour=HOUR, seconds=DAY_S, width=320, neon=True,
        happenings=tuple(happens), **WEATHERS[weather],
    )  # fmt: skip
    return Day(weather, scene, tuple(sorted(parked)))


def _part(scene: Scene, at: float, seconds: float, fps: float) -> Iterator[tuple[int, Pixels]]:
    yield from msgspec.structs.replace(scene, from_s=at, seconds=seconds, fps=fps).frames()
