"""What distinguishes a flame from everything else of its colour: features of flame-coloured regions over 2.4 seconds.

The rule of colour is Celik and Demirel's of 2009 (in YCbCr a flame has Cr well above Cb), those of motion follow
Toereyin et al. 2006: a flame flickers, each of its pixels for itself, its outline never rests, and it stays where it
burns.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from devices.picture.frame import Frame, Pixels
from devices.picture.sway import Way, shift

WINDOW_MS: Final = 2400
STEP_MS: Final = (
    115  # pictures nearer to each other than this tell nothing new: 8 a second at most, 5 are enough
)
SAMPLES_MIN: Final = 7  # in a window: below 3 pictures a second flicker is not seen
SAMPLES_MAX: Final = 24
REGIONS_MAX: Final = 8  # the largest of a picture; bounds the work a scene of lanterns makes
AREA_MIN: Final = 12  # pixels of the half picture: a flame of 7 by 7 at 640x360
PAD: Final = 3
SWAY_MIN: Final = 0.35  # pixels of the half picture; a smaller sway does no harm

LUMA_MIN: Final = 85  # below it nothing shines
RED_MIN: Final = 142  # Cr; 128 is no colour
SPREAD_MIN: Final = 30  # Cr - Cb
RESTLESS: Final = 7.0  # standard deviation of luma in the window; a wall in codec noise has 2 to 3

NAMES: Final = (
    "flicker", "alone", "outline", "restless", "drift", "breadth", "pulse",
    "growth", "glow", "red", "range", "reversal", "regular", "modes",
)  # fmt: skip
"""flicker: how much a pixel varies over its mean; alone: part of that which the others do not share; outline: part of
the area that changes from picture to picture; restless: the same with the region kept in place; drift: how far it went,
in its own widths (log); breadth: area ever covered over area covered at a time (log); pulse: variation of the area;
growth: of the area from first to second half (log); glow: how much brighter inside than at the rim; red: Cr less Cb;
range: how far colour and luma differ within it; reversal: how often a pixel's change turns around; regular: how much
the region's brightness repeats itself, as a lamp's does that blinks or turns; modes: how much of its change two
patterns that grow and fade do not explain: lamps need one or two however they blink, a flame is never the same twice.
"""

BOUNDS: Final = {
    "flicker": (0.07, 9.0), "outline": (0.22, 1.4), "restless": (0.0, 1.4), "reversal": (0.15, 1.0),
    "modes": (0.05, 1.0),
}  # fmt: skip
"""What every flame has, with room to spare (nine of ten windows of real and drawn fires: flicker above 0.09, outline
0.37 to 1.05, reversal above 0.24, modes above 0.09). A lamp that brakes or blinks, a sky, a running text do not."""


def plausible(features: NDArray[np.float64]) -> bool:
    """Whether a region can be a flame at all; only those are weighed."""
    return all(low <= features[NAMES.index(name)] <= high for name, (low, high) in BOUNDS.items())


class Candidate(NamedTuple):
    """A flame-coloured region: its features in the order of NAMES, and its rectangle in pixels of the half picture."""

    features: NDArray[np.float64]
    x: int
    y: int
    width: int
    height: int


class Window:
    """The last 2.4 seconds of one camera, thinned to 8 pictures a second."""

    def __init__(self) -> None:
        self._samples: deque[tuple[int, Pixels]] = deque(maxlen=SAMPLES_MAX)
        self._ways: dict[int, Way] = {}  # by a sample's time: the view's shift since the sample before

    def add(self, frame: Frame) -> bool:
        """Take the frame unless it comes too soon after the last; whether it was taken."""
        if self._samples and frame.at - self._samples[-1][0] < STEP_MS:
            return False
        if self._samples and self._samples[-1][1].shape != frame.half_ycrcb.shape:
            self.clear()
        self._samples.append((frame.at, frame.half_ycrcb))
        while frame.at - self._samples[0][0] > WINDOW_MS:
            self._samples.popleft()
        return True

    def clear(self) -> None:
        """Forget: what was seen before has nothing to do with what comes."""
        self._samples.clear()
        self._ways.clear()

    def candidates(self) -> Iterator[Candidate]:
        """The flame-coloured regions of the window, largest first; none before it is full enough to judge."""
        if len(self._samples) < SAMPLES_MIN or self._samples[-1][0] - self._samples[0][0] < 0.7 * WINDOW_MS:
            return
        pictures = np.stack([picture for _, picture in self._samples])
        coloured, there = _suspect(pictures)
        if np.count_nonzero(there) < AREA_MIN:
            return
        if self._steadied(pictures):
            coloured, there = _suspect(pictures)
        count, label, stats, _ = cv2.connectedComponentsWithStats(there)
        order = sorted(range(1, count), key=lambda one: -int(stats[one, cv2.CC_STAT_AREA]))
        for one in order[:REGIONS_MAX]:
            x, y, width, height, area = (int(value) for value in stats[one])
            if area < AREA_MIN:
                break
            top, left = max(y - PAD, 0), max(x - PAD, 0)
            part = (slice(None), slice(top, y + height + PAD), slice(left, x + width + PAD))
            features = measured(pictures[part], coloured[part].astype(np.bool_), label[part[1:]] == one)
            if plausible(features):
                yield Candidate(features, x, y, width, height)

    def _steadied(self, pictures: Pixels) -> bool:
        """Lay the pictures over the last one, as if the camera had not swayed; whether any of them had to be moved."""
        times = [at for at, _ in self._samples]
        self._ways = {at: self._ways[at] for at in times if at in self._ways}
        moved, x, y = False, 0.0, 0.0
        for index in range(len(times) - 1, 0, -1):
            if times[index] not in self._ways:
                self._ways[times[index]] = shift(pictures[index - 1], self._samples[index][1])
            x, y = x + self._ways[times[index]][0], y + self._ways[times[index]][1]
            if max(abs(x), abs(y)) >= SWAY_MIN:
                moved = True
                pictures[index - 1] = cv2.warpAffine(
                    pictures[index - 1], np.array([[1, 0, x], [0, 1, y]], np.float32), pictures.shape[2:0:-1],
                    borderMode=cv2.BORDER_REPLICATE,
                )  # fmt: skip
        return moved


def _suspect(pictures: Pixels) -> tuple[Pixels, Pixels]:
    """Where each picture has the colour of a flame, and the restless places that have it now and then."""
    coloured = np.stack([flame_coloured(picture) for picture in pictures])
    often = np.count_nonzero(coloured, axis=0) * 5 >= len(pictures)  # so that tongues of flame belong to it
    restless = _deviation(pictures) >= RESTLESS
    there = cv2.morphologyEx((often & restless).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    return coloured, np.asarray(there, np.uint8)


def flame_coloured(ycrcb: Pixels) -> Pixels:
    """1 where a pixel has the colour of a flame, else 0."""
    luma, red, blue = cv2.split(ycrcb)
    spread = cv2.subtract(red, blue)
    return np.asarray((luma >= LUMA_MIN) & (red >= RED_MIN) & (spread >= SPREAD_MIN), np.uint8)


def measured(pictures: Pixels, coloured: NDArray[np.bool_], region: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The features of a region: `pictures` (time, height, width, YCrCb), `coloured` (time, height, width): where they
    have the colour of a flame, `region` (height, width): the restless pixels it is made of.
    """
    luma = pictures[..., 0].astype(np.float32)
    inside = luma[:, region]
    hot = (
        coloured & region & (luma >= min(float(inside.mean()), 240.0))
    )  # what shines, on a wall of the same colour
    areas = hot.sum(axis=(1, 2)).astype(np.float64)
    area = max(float(areas.mean()), 1.0)
    deviation = float(inside.std(axis=0).mean())
    centres = _centres(hot, areas)
    change = np.diff(inside, axis=0)
    turns = (change[1:] * change[:-1] < 0) & (np.minimum(np.abs(change[1:]), np.abs(change[:-1])) > 3)
    half = len(areas) // 2
    ever = hot.mean(axis=0)
    core = cv2.erode((ever > 0.5).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    rim = region & ~core
    mean = luma.mean(axis=0)
    glow = float(mean[core].mean() - mean[rim].mean()) if core.any() and rim.any() else 0.0
    shown = (
        pictures[hot].astype(np.float32)
        if hot.any()
        else pictures[:, region].reshape(-1, 3).astype(np.float32)
    )
    ends = centres[[0, 1, 2, -3, -2, -1]]
    drift = np.abs(ends[3:].mean(axis=0) - ends[:3].mean(axis=0)).max()
    return np.array(
        [
            deviation / (float(inside.mean()) + 1),
            1 - float(inside.mean(axis=1).std()) / (deviation + 1),
            float(np.count_nonzero(hot[1:] ^ hot[:-1])) / (len(hot) - 1) / area,
            _restless(hot, centres) / area,
            np.log1p(float(drift) / np.sqrt(area)),
            np.log(np.count_nonzero(ever > 0.1) / area + 0.1),
            float(areas.std() / area),
            float(np.log((areas[half:].mean() + area / 10) / (areas[:half].mean() + area / 10))),
            glow / 100,
            float((shown[:, 1] - shown[:, 2]).mean() / 100),
            float(shown[:, 0].std() + shown[:, 1].std()) / 100,
            float(turns.mean()),
            _regular(inside.mean(axis=1)),
            _modes(inside),
        ]
    )


def _modes(luma: NDArray[np.float32]) -> float:
    """The part of the variance over time (rows) that the two strongest patterns leave unexplained, 0..1."""
    centred = luma - luma.mean(axis=0)
    powers = np.linalg.eigvalsh((centred @ centred.T).astype(np.float64))
    return float(max(powers[:-2].sum(), 0.0) / (powers.sum() + 1e-6))


def _regular(brightness: NDArray[np.float32]) -> float:
    """The highest autocorrelation of a brightness at 2 pictures or more, -1..1; 0 where it does not change."""
    centred = brightness - brightness.mean()
    power = float(np.mean(centred**2))
    if power < 1:
        return 0.0
    lags = range(2, max(len(centred) * 2 // 3, 3))
    return max(float(np.mean(centred[lag:] * centred[:-lag])) / power for lag in lags)


def _deviation(pictures: Pixels) -> NDArray[np.float32]:
    """How much each pixel's luma varies, standard deviation over time."""
    luma = pictures[..., 0].astype(np.float32)
    return np.asarray(luma.std(axis=0), np.float32)


def _centres(masks: NDArray[np.bool_], areas: NDArray[np.float64]) -> NDArray[np.float64]:
    """The middle of each mask (row, column); an empty one is where the one before was, at first in the middle."""
    rows, columns = np.arange(masks.shape[1]), np.arange(masks.shape[2])
    down, right = masks.sum(axis=2) @ rows, masks.sum(axis=1) @ columns
    centres = np.stack([down, right], axis=1) / np.maximum(areas, 1)[:, None]
    last = np.array([masks.shape[1] / 2, masks.shape[2] / 2])
    for index in range(len(centres)):
        last = centres[index] = centres[index] if areas[index] else last
    return centres


def _restless(masks: NDArray[np.bool_], centres: NDArray[np.float64]) -> float:
    """Mean number of pixels that change between neighbouring pictures once the region's way is undone."""
    total = 0.0
    for index in range(1, len(masks)):
        way = centres[index] - centres[index - 1]
        down, right = np.clip(np.round(way), -PAD * 4, PAD * 4).astype(int)
        moved = np.roll(masks[index - 1], (down, right), axis=(0, 1))
        total += float(np.count_nonzero(masks[index] ^ moved))
    return total / (len(masks) - 1)
