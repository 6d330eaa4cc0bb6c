"""The demo's camera: a fire lane by day, rendered as it is watched, in which a car parks now and then."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Final

import msgspec

from devices.simulator.scenes.scene import Happening, Scene
from devices.simulator.streaming import jpeg_of

FPS: Final = 4.0
WIDTH: Final = 480
LOOP_S: Final = 60
"""The same minute again and again: each picture is rendered once (14 ms of a core) and kept (24 kB; with and without
the car 12 MB in all), so that from the third minute on the camera costs nothing."""

ROUND_S: Final = 300
PARKS_S: Final = (45, 135)
"""Of each round: when the car stands in the lane. The first one comes when the view has been learned."""

YARD: Final = Scene(seed=11, fps=FPS, width=WIDTH, people=1.0, cars=0.4)


class LaneCamera:
    """What it shows at `now` seconds of the show, to everybody the same. Safe from several threads."""

    def __init__(self, scene: Scene = YARD) -> None:
        self._scene = msgspec.structs.replace(scene, seconds=1 / scene.fps)
        self._began = time.monotonic()
        self._kept: dict[tuple[int, bool], bytes] = {}
        self._lock = threading.Lock()

    def pictures(self) -> Iterator[tuple[float, bytes]]:
        """For one who connects now: seconds since then, and the JPEG; without an end."""
        fps = self._scene.fps
        first = round((time.monotonic() - self._began) * fps)
        shown = first
        while True:
            yield (shown - first) / fps, self.jpeg(shown)
            shown += 1

    def jpeg(self, n: int) -> bytes:
        """The picture number `n` of the show."""
        fps = self._scene.fps
        place, parked = n % round(LOOP_S * fps), PARKS_S[0] <= n / fps % ROUND_S < PARKS_S[1]
        with self._lock:
            known = self._kept.get((place, parked))
            if known is None:
                car = (Happening(kind="parked", start_s=0, end_s=LOOP_S),) if parked else ()
                scene = msgspec.structs.replace(self._scene, from_s=place / fps, happenings=car)
                known = self._kept[place, parked] = jpeg_of(next(scene.frames())[1])
            return known
