"""Zone occupation: something stays where nothing may stand, or something that belongs there is gone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import cv2
import msgspec
import numpy as np

from devices.picture.analytic import Example, Sight
from devices.picture.drawing import car, drawn
from devices.picture.frame import Frame, Pixels
from devices.picture.layers import Ground, Layers, alike, grown
from devices.picture.likeness import CELL, Flags, Look, colourless, detail, look
from devices.picture.outline import Pair, edge_of_light, outlined, pair
from devices.picture.quiet import Quiet
from devices.picture.region import JOIN, Region, only_light, regions, soft
from devices.picture.steady import Steady
from devices.picture.zone import Zone, box_of, masked

METRICS: Final[Mapping[str, str]] = {"occupied": "obstruction", "removed": "object_removed"}

STEP_MAX_MS: Final = 2000  # time passes at most this fast between two frames: an outage is no standing time
SETTLE_MS: Final = 2000  # a change of the light is waited for at most so long; then what is seen counts
SAMPLES_MAX: Final = 24  # pictures a ground is the median of; passing traffic is in less than half of them
LOOK_MS: Final = 400  # how often cells are put together to regions
GONE_MS: Final = (
    1000  # nothing of an object seen to stand for so long, after HIDDEN_MS or BACK_MS: it is gone
)
ALIVE: Final = {"occupied": 0.15, "removed": 0.5}  # of its cells that must be seen unchanged for it to go on
ABSORB_MS: Final = 3_600_000  # after an hour the gap left by something removed is what is normal there
LIGHT_MS: Final = 20_000  # light that stands so long (a lamp, the sun's edge) is part of the ground
TOGETHER_MS: Final = 3000  # parts that came so shortly after one another and lie near are one thing
CORE_MS: Final = 1000  # and parts that came so shortly after one another say whether it still stands
BESIDE: Final = 3  # cells: what came with something and lies so near it goes with it
RESTLESS: Final = 0.3  # of the cells around something upright that must move for it to be a person
OTHER_VIEW: Final = 0.6  # of all cells standing differently: no object but another view, to be learned anew
OBJECTS_MAX: Final = 16  # told at a time; more would be the same message to a person


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """`dwell_s`: how long something must stand. `learn_s`: of usable pictures for the first ground in colour and the
    first in infrared, in which the zone should mostly be as it ought to be. `size_min`: of the picture's area.
    """

    zones: tuple[Zone, ...] = ()
    dwell_s: float = 60.0
    learn_s: float = 5.0
    size_min: float = 0.003


class _Object(msgspec.Struct):
    """Something told, until it is over; its times are of the analytic's clock."""

    sight: Sight
    cells: Flags
    core: Flags  # of its cells, those that came with it: smoke and snow beside it do not keep it standing
    since: int
    seen: int
    last: int


class Occupation:
    """One camera's run; see `devices.picture.layers` for what it remembers."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._dwell = max(round(config.dwell_s * 1000), 500)
        self._clock = 0  # ms in which the view was usable
        self._came = 0  # when the last picture came
        self._at = 0  # the time of which the last middle picture was
        self._looked = 0
        self._settling = 0  # ms that the light has been changing
        self._begin((0, 0))

    def feed(self, frame: Frame) -> list[Sight]:
        """The objects that were believed, or were gone, at this frame."""
        told: list[Sight] = []
        shape = frame.half_grey.shape
        if shape != self._shape:
            told += self._end(self._objects)
            self._begin(shape)
        self._settling = self._settling + max(frame.at - self._came, 0) if frame.view.settling else 0
        self._came = frame.at
        if frame.view.fault or 0 < self._settling <= SETTLE_MS:
            self._quiet.forget()
            return told  # the clock stands still: nothing begins, nothing ends
        picture = self._steady.steadied(frame.half_ycrcb)
        at, middle = self._quiet.feed(frame.at, picture)
        passed = min(max(at - self._at, 0), STEP_MAX_MS)
        self._at = max(at, self._at)
        self._clock += passed
        now = look(middle)
        coloured = not (frame.view.monochrome or colourless(now, not self._coloured))
        if coloured != self._coloured:
            self._switch(now, coloured)
        if self._layers is None:
            self._learn(now, picture)
            return told
        self._steady.follow(detail(picture), self._layers.ground.look, self._layers.has)
        self._layers.feed(now, self._steady.inside(now.busy.shape), self._clock, passed)
        if self._clock - self._looked >= LOOK_MS:
            self._looked = self._clock
            told += self._look()
        return told

    def _begin(self, shape: tuple[int, ...]) -> None:
        self._shape = shape
        self._coloured = True
        self._grounds: dict[bool, Ground] = {}  # by whether the picture has colour
        self._samples: list[tuple[int, Look]] = []
        self._layers: Layers | None = None
        self._steady = Steady()
        self._quiet = Quiet()
        self._objects: list[_Object] = []
        self._looked = 0
        self._zones: list[tuple[str, Flags]] = []
        cells = (-(-shape[0] // CELL), -(-shape[1] // CELL))
        for zone in self._config.zones or (None,):
            mask = masked([zone] if zone else [], cells) > 0
            self._zones.append((zone.name if zone else "", np.asarray(mask)))
        self._size_min = max(round(self._config.size_min * cells[0] * cells[1]), 4)

    def _switch(self, now: Look, coloured: bool) -> None:
        """Day to infrared or back: what stands there is supposed to stand there still."""
        old, self._coloured = self._grounds.get(not coloured), coloured
        if self._samples and not alike(now, self._samples[0][1]):
            self._samples.clear()
        if coloured not in self._grounds and old is not None and alike(now, old.look):
            self._grounds[coloured] = old  # a grey day, or lamps that show the same: nothing to learn
        ground = self._grounds.get(coloured)
        if ground is not None and self._layers is not None and ground is self._layers.ground:
            self._layers.colours(now, coloured)
        else:
            self._layers = None if ground is None else Layers(ground, self._clock, self._held(), coloured)

    def _held(self) -> Flags:
        held = np.zeros(self._zones[0][1].shape, np.bool_)
        for one in self._objects:
            if one.sight.type == "occupied":
                held |= one.cells
        return held

    def _learn(self, now: Look, picture: Pixels) -> None:
        span = round(self._config.learn_s * 1000)
        if not self._samples or self._clock - self._samples[-1][0] >= span // SAMPLES_MAX:
            self._samples.append((self._clock, now))
        self._steady.follow(detail(picture), self._samples[0][1])
        if self._clock - self._samples[0][0] < span and len(self._samples) < SAMPLES_MAX:
            return
        ground = Ground([sample for _, sample in self._samples])
        self._samples.clear()
        ground.unknown |= self._held()
        self._grounds[self._coloured] = ground
        self._layers = Layers(ground, self._clock, self._held(), self._coloured)
        for one in self._objects:
            one.seen = self._clock

    def _look(self) -> Iterator[Sight]:
        """Put standing cells together, tell what is new and what is over."""
        layers = self._layers
        assert layers is not None, "asked only after learning"
        standing = layers.standing(self._clock, self._dwell)
        if standing.mean() > OTHER_VIEW:
            yield from self._end(self._objects)
            self._begin(self._shape)
            return
        against = layers.against()
        for one in self._objects:
            alive = one.core & standing
            if np.count_nonzero(alive) >= ALIVE[one.sight.type] * np.count_nonzero(one.core):
                one.seen, one.last = self._clock, int(np.median(layers.last[alive]))
        over = [one for one in self._objects if self._clock - one.seen > GONE_MS]
        for one in over:
            with_it = grown(one.cells, BESIDE) & (abs(layers.since - one.since) <= TOGETHER_MS)
            layers.end(one.cells | with_it, one.since + TOGETHER_MS)
        yield from self._end(over)
        standing &= layers.has
        lit = standing.copy()
        pictures = None
        for region in regions(standing & against.hard, self._size_min):
            if only_light(region, against):
                continue
            start = self._at - (self._clock - self._since(region, layers, standing))
            if not self._part(region, start):
                pictures = pictures or pair(layers.ground.look, layers.candidate, standing)
                if edge_of_light(pictures, region.cells, soft(region, standing, against)):
                    continue
                yield from self._found(region, layers, standing, against.hard, pictures)
            lit &= ~region.cells
        for one in self._objects:
            lit &= ~one.cells
            if one.sight.type == "removed" and self._at - one.sight.start > ABSORB_MS:
                layers.absorb(one.cells)
        layers.absorb(lit & (self._clock - layers.since >= max(LIGHT_MS, self._dwell)))

    def _since(self, region: Region, layers: Layers, standing: Flags) -> int:
        return int(np.median(layers.since[region.cells & standing]))

    def _part(self, region: Region, start: int, kind: str = "") -> bool:
        """Whether the region is part of something that was told; it is counted to it.

        What is larger than that is only if it is of the same `kind`: a car is no part of the mark that it hides.
        """
        size = np.count_nonzero(region.cells)
        for one in self._objects:
            shared = np.count_nonzero(region.cells & grown(one.cells, 1))
            larger = size > np.count_nonzero(one.cells)
            near = grown(region.cells, JOIN) if larger else region.near
            fits = not larger or one.sight.type == kind
            together = abs(start - one.sight.start) <= TOGETHER_MS and np.any(near & one.cells)
            if shared > 0.3 * size or (together and fits):
                one.cells |= region.cells
                if abs(start - one.sight.start) <= CORE_MS:
                    one.core |= region.cells
                return True
        return False

    def _found(
        self, region: Region, layers: Layers, standing: Flags, hard: Flags, pictures: Pair
    ) -> Iterator[Sight]:
        if region.upright and layers.restless(region.around) > RESTLESS:
            return  # somebody who stands and talks; a thing would be still
        since = self._since(region, layers, standing)
        start = self._at - (self._clock - since)
        kind = "removed" if outlined(pictures, region.cells, layers.has & ~standing) > 0 else "occupied"
        if self._part(region, start, kind):
            return
        for name, zone in self._zones:
            inside = region.cells & zone
            if np.count_nonzero(inside) < self._size_min or len(self._objects) >= OBJECTS_MAX:
                continue
            taken = {one.sight.start for one in self._objects}
            while start in taken:  # type, start and zone name a sight
                start += 1
            box = box_of(region.x, region.y, region.width, region.height, zone.shape)
            sight = Sight(
                kind, start, None, round(0.5 + 0.5 * float(hard[region.cells].mean()), 3), box, name
            )
            self._objects.append(
                _Object(sight, region.cells.copy(), region.cells.copy(), since, self._clock, self._clock)
            )
            yield sight

    def _end(self, objects: Iterable[_Object]) -> list[Sight]:
        over = list(objects)
        self._objects = [one for one in self._objects if not any(one is other for other in over)]
        return [
            msgspec.structs.replace(one.sight, end=max(self._at - (self._clock - one.last), one.sight.start))
            for one in over
        ]


def start(config: Config) -> Occupation:
    """A fresh run for one camera."""
    return Occupation(config)


def _parking(picture: Pixels, at: float) -> None:
    """A car drives in, stands from the 9th to the 18th second, and drives away; another only passes."""
    if 7 <= at < 20:
        car(picture, round(80 - max(9 - at, 0) * 90 + max(at - 18, 0) * 160), 90)
    if 12 <= at < 14:
        car(picture, round(330 - (at - 12) * 250), 135)


def _shadow(picture: Pixels, at: float) -> None:
    """The sun goes, and a lamp lights a part of the yard."""
    shade = 0.6 if at >= 7 else 1.0
    picture[:] = (picture * shade).astype(np.uint8)
    if at >= 9:
        down, across = np.indices(picture.shape[:2])
        pool = 1 + 0.9 * np.exp(-((across - 150) ** 2 + (down - 110) ** 2) / 1800)
        picture[:] = np.clip(picture * pool[..., None], 0, 255).astype(np.uint8)


def _taken(picture: Pixels, at: float) -> None:
    """What stood there from the first is carried away."""
    if at < 8:
        cv2.rectangle(picture, (150, 80), (190, 140), (50, 150, 60), -1)
        cv2.rectangle(picture, (156, 90), (184, 110), (220, 220, 230), -1)


EXAMPLES: Final = (
    Example(
        "a car parks while another passes",
        lambda: drawn(24, _parking),
        (("occupied", 8.0, 10.5, True),),
        {"dwell_s": 5.0},
    ),
    Example("the light changes", lambda: drawn(20, _shadow), (), {"dwell_s": 5.0}),
    Example(
        "what belongs there is taken away",
        lambda: drawn(18, _taken),
        (("removed", 7.5, 9.0, False),),
        {"dwell_s": 5.0},
    ),
)
