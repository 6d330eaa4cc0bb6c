"""One rendered scene: an estate's yard under a light and a weather, with people, cars and what somebody does to it."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import msgspec
import numpy as np

from devices.picture.frame import Pixels
from devices.picture.zone import Zone
from devices.simulator.scenes.actors import Actors
from devices.simulator.scenes.backdrop import LANE, backdrop
from devices.simulator.scenes.light import Sky, lit
from devices.simulator.scenes.mischief import TAMPER, Mischief


class Happening(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something done to the scene from `start_s` to `end_s`.

    `kind` is a tamper (black, covered, sprayed, defocused, moved, rotated, frozen), `parked` (a car stands in the fire
    lane), `removed` (the bench before the house is gone), or one of the benign: `dimmed` (clouds, a lamp fails),
    `switched` (a lamp on or off), `infrared` (the camera goes to night mode), `headlights` (a car's lamps sweep by).
    """

    kind: str
    start_s: float
    end_s: float


class Truth(msgspec.Struct, frozen=True):
    """What an analytic should see: its name, the type of the sight, and when (s)."""

    analytic: str
    type: str
    start_s: float
    end_s: float


class Scene(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A clip to be rendered. Equal scenes give equal pictures.

    `light` is `day`, `dusk`, `night` or `infrared`, or `hour` (0..24) sets the sun of a clear day with infrared at
    night. `people` and `cars` are in view on average; `rain` 0..1; `neon`: a shop's red and orange sign that flickers.
    `quality` is that of the JPEG the camera sends. Times count from `from_s`, so that a long day can be rendered in
    parts.
    """

    seed: int = 0
    seconds: float = 30.0
    fps: float = 5.0
    width: int = 640
    light: str = "day"
    hour: float | None = None
    people: float = 1.0
    cars: float = 0.5
    rain: float = 0.0
    neon: bool = False
    quality: int = 60
    from_s: float = 0.0
    happenings: tuple[Happening, ...] = ()

    @property
    def lane(self) -> Zone:
        """The fire lane before the house, in which `parked` cars stand and other cars only pass."""
        return LANE

    @property
    def truth(self) -> tuple[Truth, ...]:
        """What should be seen, in order of its start."""
        found = []
        for one in sorted(self.happenings, key=lambda h: h.start_s):
            if one.kind in TAMPER:
                found.append(Truth("tamper", TAMPER[one.kind], one.start_s, one.end_s))
            elif one.kind in ("parked", "removed"):
                kind = "occupied" if one.kind == "parked" else "removed"
                found.append(Truth("occupation", kind, one.start_s, one.end_s))
        return tuple(found)

    def frames(self) -> Iterator[tuple[int, Pixels]]:
        """(ms, BGR) pictures of `width` x 9/16 `width`."""
        size = (self.width, self.width * 9 // 16)
        yard = backdrop(self.seed, size, bench=True)
        bare = backdrop(self.seed, size, bench=False)
        actors = Actors(self.seed, self.people, self.cars, self.neon)
        mischief = Mischief(self.seed)
        dice = np.random.default_rng([self.seed, round(self.from_s * 1000), 7])
        for n in range(round(self.seconds * self.fps)):
            t = self.from_s + n / self.fps
            now = [h for h in self.happenings if h.start_s <= t < h.end_s]
            kinds = {h.kind for h in now}
            sky = self._sky(t, kinds)
            picture = (bare if "removed" in kinds else yard).copy()
            actors.draw(picture, t, sky, parked="parked" in kinds)
            picture = lit(picture, sky, t, dice, sweep=_sweep(now, t), rain=self.rain)
            actors.shine(picture, t, sky)
            for happening in now:
                picture = mischief.done(picture, happening.kind, happening.start_s, dice)
            if "frozen" not in kinds:
                mischief.remember(picture)
            sent = cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, self.quality])[1], 1)
            yield round(t * 1000), np.asarray(sent, np.uint8)

    def _sky(self, t: float, kinds: set[str]) -> Sky:
        sky = Sky.at_hour(self.hour + t / 3600) if self.hour is not None else Sky.named(self.light)
        if "dimmed" in kinds:
            sky = msgspec.structs.replace(sky, gain=sky.gain * 0.45)
        if "switched" in kinds:
            sky = msgspec.structs.replace(sky, gain=sky.gain * 0.3, warm=0.25)
        if "infrared" in kinds:
            sky = Sky.named("infrared")
        return sky


def _sweep(now: list[Happening], t: float) -> float:
    """Where a sweep of headlights is, 0..1 across the picture; below 0 without one."""
    return next(((t - h.start_s) / (h.end_s - h.start_s) for h in now if h.kind == "headlights"), -1.0)
