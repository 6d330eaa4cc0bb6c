"""Motion in a zone, intrusion when the zone is armed, and lines crossed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

from devices.picture.analytic import Example, Sight
from devices.picture.drawing import car, drawn
from devices.picture.frame import Frame, Pixels
from devices.picture.hours import WEEK, Hours, armed
from devices.picture.standing import Standing
from devices.picture.tracks import Line, Tracks
from devices.picture.zone import Box, Zone, box_of, masked

METRICS: Final[Mapping[str, str]] = {
    "motion": "motion",
    "intrusion": "intrusion",
    "line_crossing": "line_crossing",
}

ON_MS: Final = 600  # rain, an insect and a flash of light do not last so long in one place
OFF_MS: Final = 3000
FOLLOW_MS: Final = 1500  # time constant of the background: what stands still for some seconds moves no more
USUAL_MS: Final = 45_000  # time constant of what moves anyway: leaves, flags, water
USUAL: Final = 2.5  # times what moves anyway
MOVED: Final = 0.14  # of log luma with its soft part taken out: an edge of 14 % where there was none
DENSE: Final = 0.35  # of the pixels around that must have moved; rain is thin
SOFT: Final = 11  # pixels of the small picture; what is softer than that is light
WAKE_MS: Final = 1500  # of pictures after a start or a gap before motion is believed
GAP_MS: Final = 3000

_JOIN: Final = np.ones((7, 7), np.uint8)  # parts so near one another move together
_LOG: Final = np.log(np.arange(256, dtype=np.float32) + np.float32(12))  # as in likeness; 12 quiets the dark


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """`armed`: hours in which motion in a zone is an intrusion; none means that there are no intrusions, only motion.
    `lines`: told at any time without `armed`, else in its hours. `size_min`: of the picture's area.
    """

    zones: tuple[Zone, ...] = ()
    armed: tuple[Hours, ...] = ()
    lines: tuple[Line, ...] = ()
    size_min: float = 0.002


class Motion:
    """One camera's run: three small planes and at most 32 tracks."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._tracks = Tracks()
        zones = config.zones or (None,)
        self._moving = [Standing("motion", ON_MS, OFF_MS, zone.name if zone else "") for zone in zones]
        self._intruding = [Standing("intrusion", ON_MS, OFF_MS, zone.name if zone else "") for zone in zones]
        self._crossed = [Standing("line_crossing", 0, OFF_MS, line.name) for line in config.lines]
        self._at: int | None = None
        self._woken = 0
        self._ground: NDArray[np.float32] | None = None
        self._usual: NDArray[np.float32] | None = None
        self._before: Pixels = np.zeros((0, 0), np.uint8)  # what had changed in the picture before
        self._masks: list[Pixels] = []
        self._week: tuple[int, int] | None = None  # (frame time in ms, minute of the week then)

    def calendar(self, at: int, minute: int) -> None:
        """At `at` (the frames' time) it is this minute of the local week (0: Monday 00:00).

        Said now and then by whoever knows the calendar; between two sayings it goes on with the frames. Before the
        first one a zone with hours is armed.
        """
        self._week = (at, minute % WEEK)

    def feed(self, frame: Frame) -> list[Sight]:
        """Motion, intrusions and crossings that began or ended with this frame."""
        boxes = self._blobs(frame)
        on_guard = armed(self._config.armed, self._minute(frame.at))
        told: list[Sight] = []
        for zone, moving, intruding in zip(self._masks, self._moving, self._intruding, strict=True):
            inside = [box for box in boxes if _touches(box, zone)]
            largest = max(inside, key=lambda box: box[2] * box[3], default=(0.0, 0.0, 0.0, 0.0))
            score = min(0.5 + largest[2] * largest[3] / (20 * self._config.size_min), 1.0)
            told += moving.feed(frame.at, bool(inside), score, largest)
            if self._config.armed:
                told += intruding.feed(frame.at, bool(inside) and on_guard, score, largest)
        steps = self._tracks.feed(frame.at, boxes)
        for line, crossed in zip(self._config.lines, self._crossed, strict=True):
            over = [box for way, box in steps if on_guard and line.crossed(*way)]
            told += crossed.feed(frame.at, bool(over), 1.0, over[0] if over else (0.0, 0.0, 0.0, 0.0))
        return told

    def _minute(self, at: int) -> int | None:
        if self._week is None:
            return None
        since, minute = self._week
        return (minute + (at - since) // 60_000) % WEEK

    def _blobs(self, frame: Frame) -> list[Box]:
        """Rectangles around what moves, as parts of the picture."""
        small = cv2.blur(frame.small, (3, 3))
        log = _LOG[small]
        detail = log - cv2.blur(log, (SOFT, SOFT))
        passed = 0 if self._at is None else frame.at - self._at
        self._at = frame.at
        fresh = self._ground is None or self._ground.shape != detail.shape
        if fresh or passed > GAP_MS or not frame.view.reliable:
            if fresh:
                self._masks = [masked([zone], detail.shape) for zone in self._config.zones] or [
                    masked((), detail.shape)
                ]
                self._usual = np.zeros(detail.shape, np.float32)
            self._ground, self._woken = detail, 0
            self._before = np.zeros(detail.shape, np.uint8)
            return []
        assert self._ground is not None, "made with the first frame"
        assert self._usual is not None, "made with the first frame"
        moved = np.abs(detail - self._ground)
        self._ground += np.float32(min(passed / FOLLOW_MS, 1)) * (detail - self._ground)
        changed = moved > np.maximum(MOVED, USUAL * self._usual)
        self._usual += np.float32(min(passed / USUAL_MS, 1)) * (moved - self._usual)
        self._woken += passed
        if self._woken < WAKE_MS:
            return []
        before = self._before
        self._before = np.asarray(cv2.dilate(changed.astype(np.uint8), np.ones((3, 3), np.uint8)), np.uint8)
        lasting = (changed & (before > 0)).astype(np.float32)  # a drop of rain is in one picture only
        dense = (cv2.blur(lasting, (5, 5)) > DENSE).astype(np.uint8)
        count, _, stats, _ = cv2.connectedComponentsWithStats(cv2.dilate(dense, _JOIN))
        least = self._config.size_min * detail.size
        boxes = []
        for x, y, width, height, area in stats[1:count]:
            if area >= least:
                boxes.append(box_of(int(x), int(y), int(width), int(height), detail.shape))
        return boxes[:64]


def _touches(box: Box, zone: Pixels) -> bool:
    """Whether the middle or the foot of a blob lies in the zone."""
    tall, wide = zone.shape
    column = min(int((box[0] + box[2] / 2) * wide), wide - 1)
    rows = (min(int((box[1] + part * box[3]) * tall), tall - 1) for part in (0.5, 0.98))
    return any(bool(zone[row, column]) for row in rows)


def start(config: Config) -> Motion:
    """A fresh run for one camera."""
    return Motion(config)


def _passing(picture: Pixels, at: float) -> None:
    """A car passes from the 4th to the 7th second, downwards past a line across the yard."""
    if 4 <= at < 7:
        car(picture, round(40 + (at - 4) * 60), round(50 + (at - 4) * 40))


def _raining(picture: Pixels, at: float) -> None:
    """Rain, and the light goes down."""
    rng = np.random.default_rng(round(at * 1000))
    picture[:] = (picture * (1 - 0.04 * at)).astype(np.uint8)
    for x, y in rng.integers(0, (310, 170), (60, 2)):
        cv2.line(picture, (int(x), int(y)), (int(x) + 1, int(y) + 7), (170, 170, 170), 1)


_LINE: Final = Line((0.0, 0.75), (1.0, 0.75), "right", "gate")

EXAMPLES: Final = (
    Example(
        "a car passes and crosses the line",
        lambda: drawn(12, _passing),
        (("motion", 3.8, 5.0, True), ("line_crossing", 4.5, 6.6, True)),
        {"lines": (_LINE,)},
    ),
    Example(
        "it crosses the other way", lambda: drawn(12, _passing), (("motion", 3.8, 5.0, True),),
        {"lines": (msgspec.structs.replace(_LINE, way="left"),)},
    ),
    Example(
        "armed, and nobody says what time it is",
        lambda: drawn(12, _passing),
        (("motion", 3.8, 5.0, True), ("intrusion", 3.8, 5.0, True)),
        {"armed": (Hours(22 * 60, 6 * 60),)},
    ),
    Example("rain and dusk", lambda: drawn(12, _raining)),
)  # fmt: skip
