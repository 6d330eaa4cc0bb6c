"""How a view looks when it is right: its lasting edges, learned over time, and how much of them a picture shows."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

from devices.picture.frame import Frame

Structure = NDArray[np.complex64]
"""Edges of a picture 160 wide: strength (grey levels a pixel) and twice their direction as one complex number.

Twice the direction makes an edge and its inverse the same, so a fence that is dark by day and bright in infrared stays
a fence; and the mean over time keeps what stands still and cancels what moves.
"""
Plane = NDArray[np.float32]

EDGE_MIN: Final = 1.6  # grey levels a pixel: compression at usual rates makes edges of up to about one
LASTING: Final = (
    0.5  # |mean|^2 / mean square: the part of the time an edge is there; a wall's corner reaches 0.9
)
GRID: Final = (6, 10)  # cells of the view, rows and columns
FAINT: Final = (
    3.5  # median grey levels a pixel of the lasting edges, below which they are half the codec's work
)
BARE_MIN: Final = 15  # of the 60 cells must be without edges for their brightness to prove anything
BARE_SAME: Final = 0.12  # part of its brightness by which a cell may change
BARE_EXPOSURE: Final = (0.75, 1.35)  # a white car in a dark yard was seen to move the exposure by a quarter
COLOURLESS: Final = 3.0  # levels off 128 in the most colourful cell; infrared after compression was seen at 1
PALE: Final = (
    32.0  # grey levels added to a cell's own before its colour is divided by them: dark colours are noise
)
ALIEN_COLOUR: Final = 0.09  # chroma over luma; white balance was seen to move it by 0.03
WHITE: Final = 250  # grey levels from which on light has washed out whatever is there
LIT: Final = 1.1  # the rest of the picture is brighter by this where it was light that whitened a part
BARE_EDGES: Final = (
    2.0  # times the strength it had, and one grey level: a bare cell in which something has appeared
)
CELL_EDGES: Final = 5  # pixels of lasting edge that a cell needs before anything can be said of it
AGREES: Final = 0.5  # cosine of twice the angle between two edges: within 30 degrees
STRENGTH_LEFT: Final = 0.3  # of an edge, beyond what the light explains (haze, dusk), for it to be kept
CELL_LOST: Final = 0.35  # a cell that kept less of its edges is lost
CELL_FLAT: Final = 0.4  # a lost cell with less strength than this where its edges were shows nothing instead


class Look(msgspec.Struct, frozen=True):
    """One picture as it is compared: edges, their strength, the detail finer than they are, and the light."""

    structure: Structure
    strength: Plane
    fine: Plane
    coarse: Plane  # 20 wide: what is left of a picture far out of focus
    cells: Plane  # mean grey level of each cell of the grid
    tint: Plane  # (rows, columns, 2): mean Cr and Cb of each cell, less 128
    luma: float  # mean grey level, 0..255
    white: NDArray[np.bool_]  # pixels as bright as they can be


class Light(NamedTuple):
    """Brightness and colour of a view's cells when it was last seen well: a cover is told from the light by it."""

    cells: Plane  # as in Look
    tint: Plane


class Match(msgspec.Struct, frozen=True, gc=False):
    """How much of a reference a picture shows, in parts (0..1); `sharp` is a ratio, 1 when nothing changed.

    `kept`: of the lasting edges, weighed by their strength. `lost`: of the cells with lasting edges, those that kept
    nearly none. `flat`: those lost cells that show no other detail instead. `judged`: the number of cells that could be
    judged in this light. `blurred`: the correlation of the coarse pictures, -1..1, 0 where contrast is lacking.
    `bare`: of the cells that never had an edge (asphalt, sky), those as bright as they were, of the same colour and
    still without an edge, 0 where such are few.
    `alien`: of all cells, those of quite another colour than just before; 0 where the picture has none.
    `lit`: of the edges in cells of another colour, those that are still there: it was the light; 0 without any.
    `dazzled`: of the lasting edges, those where all is white now.
    `where` is the rectangle around the lost cells, (x, y, width, height) in 0..1.
    """

    kept: float = 1.0
    lost: float = 0.0
    flat: float = 0.0
    sharp: float = 1.0
    judged: int = 0
    blurred: float = 0.0
    bare: float = 0.0
    alien: float = 0.0
    lit: float = 0.0
    dazzled: float = 0.0
    where: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)


def look(frame: Frame) -> Look:
    """What is compared of a frame."""
    small = frame.small.astype(np.float32)
    soft = cv2.GaussianBlur(small, (0, 0), 1.0)
    across = cv2.Scharr(soft, cv2.CV_32F, 1, 0, scale=1 / 32)
    down = cv2.Scharr(soft, cv2.CV_32F, 0, 1, scale=1 / 32)
    strength = cv2.magnitude(across, down)
    structure = np.empty(small.shape, np.complex64)
    scale = 1 / np.maximum(strength, 1e-3)
    structure.real = (across * across - down * down) * scale
    structure.imag = 2 * across * down * scale
    tall, wide = small.shape
    coarse = cv2.resize(small, (20, max(1, round(20 * tall / wide))), interpolation=cv2.INTER_AREA)
    cells = cv2.resize(small, GRID[::-1], interpolation=cv2.INTER_AREA)
    tint = cv2.resize(frame.half_ycrcb[::2, ::2, 1:], GRID[::-1], interpolation=cv2.INTER_AREA)
    return Look(
        structure,
        _plane(strength),
        _plane(cv2.absdiff(small, soft)),
        _plane(coarse),
        _plane(cells),
        _plane(tint) - 128,
        float(small.mean()),
        frame.small >= WHITE,
    )


class Reference:
    """A running mean of looks: five arrays of at most 160 pixels width."""

    def __init__(self, first: Look, age_ms: int = 0) -> None:
        """`first` is a look, or with the `age_ms` that it took to learn, what an earlier one had `seen`."""
        self.structure = first.structure.copy()
        self.power = np.square(first.strength)
        self.fine = first.fine.copy()
        self.coarse = first.coarse.copy()
        self.cells_luma = first.cells.copy()
        self.tint = first.tint.copy()
        self.luma = first.luma
        self.age_ms = age_ms
        self._prepare()

    @property
    def seen(self) -> Look:
        """The mean of all looks as one look."""
        power = _plane(np.sqrt(self.power))
        none = np.zeros(power.shape, np.bool_)
        return Look(
            self.structure, power, self.fine, self.coarse, self.cells_luma, self.tint, self.luma, none
        )

    def learn(self, seen: Look, passed_ms: int, learn_ms: int, follow_ms: int) -> None:
        """Fold one more look in: an even mean until `learn_ms` old, then one that forgets over `follow_ms`."""
        self.age_ms += passed_ms
        part = passed_ms / max(self.age_ms if self.age_ms <= learn_ms else follow_ms, passed_ms, 1)
        self.structure += np.complex64(part) * (seen.structure - self.structure)
        for mine, new in (
            (self.power, np.square(seen.strength)),
            (self.fine, seen.fine),
            (self.coarse, seen.coarse),
            (self.cells_luma, seen.cells),
            (self.tint, seen.tint),
        ):
            np.add(mine, np.float32(part) * (new - mine), out=mine)
        self.luma += part * (seen.luma - self.luma)
        self._prepare()

    def _prepare(self) -> None:
        self.size = _plane(np.abs(self.structure))
        self.lasting = (self.size > EDGE_MIN) & (np.square(self.size) > LASTING * self.power)

    @property
    def faint(self) -> bool:
        """Whether the edges are so weak (asphalt, a wall) that only the loss of nearly all of them proves anything."""
        return float(np.median(self.size[self.lasting])) < FAINT if self.lasting.any() else True

    @property
    def sharpness(self) -> float:
        """Detail finer than the lasting edges, less the noise beside them, over their strength: in focus 0.29 to 0.9
        was seen, far out of it 0.1 to 0.21; 1 without edges.
        """
        edges, fine = self.lasting[::2, ::2], self.fine[::2, ::2]
        if not edges.any() or edges.all():
            return 1.0
        noise = float(np.percentile(fine[~edges], 25))
        return (float(fine[edges].mean()) - noise) / float(self.size[::2, ::2][edges].mean())

    @property
    def cells(self) -> int:
        """Cells with enough lasting edges to be judged in good light."""
        return int((in_cells(self.lasting) >= CELL_EDGES).sum())

    def match(self, seen: Look, light: Light | None = None) -> Match:
        """How much of this reference the look shows; nothing judged where the light leaves no edge to see.

        `light`: how the view was lit when it was last seen well, without it as it was on average.
        """
        light = light or Light(self.cells_luma, self.tint)
        gain = min(max(seen.luma / max(self.luma, 1.0), 0.05), 1.0)
        visible, kept = kept_edges(self.structure, self.size, self.lasting, seen, gain)
        washed = visible & seen.white
        dazzled = float(self.size[washed].sum()) / max(float(self.size[visible].sum()), 1.0)
        if dazzled and _brighter(seen, light):
            visible = visible & ~seen.white
        weight = np.where(visible, self.size, 0)
        there = in_cells(weight)
        judged = in_cells(visible) >= CELL_EDGES
        count = int(judged.sum())
        if not count:
            return Match(dazzled=dazzled)
        kept_weight = np.where(kept, self.size, 0)
        kept_there = in_cells(kept_weight)
        lost = judged & (kept_there < CELL_LOST * there)
        flat = lost & (in_cells(np.where(visible, seen.strength, 0)) < CELL_FLAT * gain * there)
        weigh = np.sqrt(np.where(judged, there, 0))
        sharp_then = float(self.fine[visible].sum()) / float(weight.sum())
        strength_now = float(seen.strength[kept].sum())
        sharp_now = float(seen.fine[kept].sum()) / strength_now if strength_now else 0.0
        alien = _alien(seen, light)
        coloured = float(there[alien & judged].sum())
        return Match(
            kept=float(kept_weight.sum()) / float(weight.sum()),
            lost=float(weigh[lost].sum() / weigh.sum()),
            flat=float(weigh[flat].sum() / weigh.sum()),
            sharp=sharp_now / max(sharp_then, 1e-3),
            judged=count,
            blurred=correlated(self.coarse, seen.coarse, gain),
            bare=self._bare(seen, light, ~judged, alien),
            alien=float(alien.mean()),
            lit=float(kept_there[alien & judged].sum()) / coloured if coloured else 0.0,
            dazzled=dazzled,
            where=_around(lost | alien),
        )

    def _bare(self, seen: Look, light: Light, bare: NDArray[np.bool_], alien: NDArray[np.bool_]) -> float:
        """How many of the bare cells are as they were, but for the exposure, which went with what left."""
        if int(bare.sum()) < BARE_MIN:
            return 0.0
        ratio = (seen.cells[bare] + 4) / (light.cells[bare] + 4)
        exposure = float(np.median(ratio))
        if not BARE_EXPOSURE[0] < exposure < BARE_EXPOSURE[1]:
            return 0.0
        pixels = max(self.size.size // (GRID[0] * GRID[1]), 1)
        edges, usual = in_cells(seen.strength)[bare], in_cells(np.sqrt(self.power))[bare]
        same = (
            (np.abs(ratio / exposure - 1) < BARE_SAME) & ~alien[bare] & (edges < BARE_EDGES * usual + pixels)
        )
        return float(same.mean())


def _alien(seen: Look, light: Light) -> NDArray[np.bool_]:
    """The cells of a colour that no usual white balance gives them; infrared has none to compare."""
    if float(np.abs(seen.tint).max()) <= COLOURLESS:
        return np.zeros(seen.cells.shape, np.bool_)
    now = seen.tint / (seen.cells[..., None] + PALE)
    then = light.tint / (light.cells[..., None] + PALE)
    return np.asarray(np.abs(now - then).max(axis=2) > ALIEN_COLOUR)


def _brighter(seen: Look, light: Light) -> bool:
    """Whether what is not white is brighter than it was: then light made the rest white, not something near."""
    grey = seen.cells < WHITE
    return not grey.any() or float(np.median((seen.cells[grey] + 4) / (light.cells[grey] + 4))) > LIT


def _around(cells: NDArray[np.bool_]) -> tuple[float, float, float, float]:
    """The rectangle around the cells that are marked, in parts of the picture; the whole where none is."""
    rows, columns = np.flatnonzero(cells.any(axis=1)), np.flatnonzero(cells.any(axis=0))
    if not rows.size:
        return 0.0, 0.0, 1.0, 1.0
    tall, wide = cells.shape
    top, left = float(rows[0]) / tall, float(columns[0]) / wide
    high, long = float(rows[-1] + 1) / tall - top, float(columns[-1] + 1) / wide - left
    return round(left, 4), round(top, 4), round(long, 4), round(high, 4)


def kept_edges(
    structure: Structure, size: Plane, lasting: NDArray[np.bool_], seen: Look, gain: float
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which lasting edges a look in this light could show (those not too faint), and which of them it shows."""
    visible = lasting & (size * np.float32(gain) > 0.7 * EDGE_MIN)
    agreement = seen.structure.real * structure.real + seen.structure.imag * structure.imag
    kept = visible & (agreement > AGREES * seen.strength * size)
    return visible, kept & (seen.strength > np.float32(STRENGTH_LEFT * gain) * size)


def correlated(then: Plane, now: Plane, gain: float) -> float:
    """Correlation of two coarse pictures; 0 where either has lost its contrast beyond what the light explains."""
    a, b = then - then.mean(), now - now.mean()
    spread_a, spread_b = float(a.std()), float(b.std())
    if spread_a < 4 or spread_b < 0.5 * gain * spread_a:
        return 0.0
    return float((a * b).mean()) / (spread_a * spread_b)


def in_cells(picture: NDArray[Any]) -> Plane:
    """Sums over the cells of the grid; what does not divide evenly at the right and lower rim is left out."""
    rows, columns = GRID
    tall, wide = max(1, picture.shape[0] // rows), max(1, picture.shape[1] // columns)
    part = picture[: tall * rows, : wide * columns].astype(np.float32)
    return _plane(part.reshape(rows, tall, columns, wide).sum(axis=(1, 3)))


def _plane(made: Any) -> Plane:
    return np.asarray(made, np.float32)
