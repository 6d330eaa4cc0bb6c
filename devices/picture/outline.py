"""Which of two pictures shows a thing and which the place without it: the one in which its outline parts two surfaces.

Where something came or went, both pictures agree outside its outline and differ inside. Ground goes on across that line
as if it were not there; a thing ends at it, all along. So the step in light and colour across the line is measured in
both pictures, point by point, and each point is one vote. What the ground happens to show inside (a hedge, a kerb, a
wall) casts few votes, for it follows the line nowhere but by chance. This is the comparison of edges along the contour
that tells left from stolen objects in the literature (Connell et al. 2004; Tian et al. 2008), with colour beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import cv2
import numpy as np

from devices.picture.likeness import CELL, Flags, Floats, Look, spread

REACH: Final = 4  # pixels of the half picture, to both sides of the line: beyond a codec's and a lens's blur
RIM: Final = 6  # pixels kept around the cells that changed
CHANGED: Final = 0.12  # of log luma, or of colour weighed as below, by which pixels inside differ
COLOUR: Final = 4.0  # chroma over luma weighed so that a coat's colour counts like its brightness
MOST: Final = 75  # per cent of the pixels there differ by less
PART: Final = 0.5  # of that, as at the middle of a blurred edge
FAINT: Final = 0.05  # a step so small is noise: two such in both pictures are half a vote
STEP_MIN: Final = 0.1  # of log luma: a fainter shadow changes no cell
UNEVEN: Final = 0.14  # of log luma, by which a shadow is uneven: noise, a soft rim, the sky's light in it
TINT: Final = 0.12  # chroma over luma: skylight in a shadow is bluer than the sun
EDGE_PART: Final = 0.9  # of the pixels; some marks on the ground are sharper than the codec
SETTLED: Final = 0.3  # of the line; amid dense traffic hardly anything ever is, and the whole line is asked
POINTS_MIN: Final = 8  # along the line; fewer are no outline


class Pair(NamedTuple):
    """The place before and after: log luma and weighed colour of every pixel."""

    before: Floats
    after: Floats


def pair(ground: Look, candidate: Look, standing: Flags) -> Pair:
    """What to compare. Where nothing is `standing` the candidate is something that passed, and the ground is seen."""
    seen = Look(
        np.where(spread(standing, ground.detail.shape), candidate.detail, ground.detail),
        np.where(standing, candidate.mean, ground.mean), ground.busy,
    )  # fmt: skip
    return Pair(_picture(ground), _picture(seen))


def outlined(pictures: Pair, cells: Flags, open_: Flags) -> float:
    """-1 (the thing is there after) to 1 (it was there before): mean vote along the outline of what changed in `cells`.

    `open_`: cells in which it is not settled yet what is there; a line along them is no outline. 0 where there is
    none to ask.
    """
    rows, columns = np.nonzero(cells)
    if not len(rows):
        return 0.0
    part = (
        slice(max(int(rows.min()) * CELL - 2 * RIM, 0), (int(rows.max()) + 1) * CELL + 2 * RIM),
        slice(max(int(columns.min()) * CELL - 2 * RIM, 0), (int(columns.max()) + 1) * CELL + 2 * RIM),
    )
    before, after = (one[part] for one in pictures)
    shape = pictures.before.shape[:2]
    unsettled = _around(spread(open_, shape)[part]) > 0
    votes = [
        _vote(before, after, line, unsettled) for line in _lines(before, after, spread(cells, shape)[part])
    ]
    return max(votes, key=abs)


def _vote(before: Floats, after: Floats, thing: Any, unsettled: Flags) -> float:
    """The mean vote along the outlines of the pixels of `thing` (1 or 0)."""
    lines, _ = cv2.findContours(thing, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not lines:
        return 0.0
    points = np.concatenate([line[:, 0] for line in lines])
    soft = cv2.GaussianBlur(thing.astype(np.float32), (0, 0), 2)
    inward = np.stack(
        [cv2.Sobel(soft, cv2.CV_32F, across, 1 - across)[points[:, 1], points[:, 0]] for across in (1, 0)],
        axis=1,
    )
    inward /= np.linalg.norm(inward, axis=1, keepdims=True) + 1e-6
    inner = np.round(points + REACH * inward).astype(int)
    outer = np.round(points - REACH * inward).astype(int)
    size = (thing.shape[1], thing.shape[0])
    shown = np.all((inner >= 0) & (inner < size) & (outer >= 0) & (outer < size), axis=1)
    inner, outer = inner[shown], outer[shown]
    parted = (thing[inner[:, 1], inner[:, 0]] > 0) & (thing[outer[:, 1], outer[:, 0]] == 0)
    settled = parted & ~unsettled[outer[:, 1], outer[:, 0]]
    if np.count_nonzero(settled) >= max(POINTS_MIN, SETTLED * np.count_nonzero(parted)):
        parted = settled
    inner, outer = inner[parted], outer[parted]
    if len(inner) < POINTS_MIN:
        return 0.0
    step_before, step_after = (_step(one, inner, outer) for one in (before, after))
    return float(np.mean((step_before - step_after) / (step_before + step_after + FAINT)))


def edge_of_light(pictures: Pair, cells: Flags, soft: Flags) -> bool:
    """Whether all that changed in `cells` is that the edge of a shadow or a pool of light came to lie there.

    `soft`: cells beside them that became evenly darker or brighter and nothing else. Then every pixel at the edge lies
    between its old light and theirs, its colour what it was; a thing that casts a shadow shows what is beyond both.
    """
    change = pictures.after - pictures.before
    beside = change[spread(soft, change.shape[:2])]
    if len(beside) < np.count_nonzero(cells) * CELL * CELL:
        return False
    step = float(np.median(beside[:, 0]))
    if abs(step) < STEP_MIN or float(np.median(np.abs(beside[:, 0] - step))) > UNEVEN / 2:
        return False
    here = change[spread(cells, change.shape[:2])]
    between = (here[:, 0] > min(step, 0) - UNEVEN) & (here[:, 0] < max(step, 0) + UNEVEN)
    pale = np.abs(here[:, 1:]).max(axis=1) < TINT * COLOUR
    return float(np.mean(between & pale)) > EDGE_PART


def _lines(before: Floats, after: Floats, cells: Flags) -> Iterator[Any]:
    """The pixels of what changed in and just around these, 1 or 0: all of them, and those that changed most.

    Colour is blurred and spreads beyond a thing, so that the first may lie too far out; a thing of several colours may
    fall apart in the second.
    """
    near = _around(cells) > 0
    apart = cv2.blur(np.abs(after - before).sum(axis=2), (3, 3))
    for least in (CHANGED, max(CHANGED, float(np.percentile(apart[near], MOST)) * PART)):
        changed = (near & (apart > least)).astype(np.uint8)
        changed = np.asarray(cv2.morphologyEx(changed, cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8)), np.uint8)
        changed = np.asarray(cv2.morphologyEx(changed, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)), np.uint8)
        lines, _ = cv2.findContours(changed, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        yield cv2.drawContours(np.zeros_like(changed), lines, -1, (1,), cv2.FILLED)


def _around(cells: Flags) -> Any:
    """1 in these pixels and those within a cell of them."""
    return cv2.dilate(cells.astype(np.uint8), np.ones((2 * CELL + 1, 2 * CELL + 1), np.uint8))


def _step(picture: Floats, inner: Any, outer: Any) -> Floats:
    """How much the picture changes from each inner point to its outer one."""
    even: Any = cv2.blur(picture, (3, 3))
    across = even[inner[:, 1], inner[:, 0]] - even[outer[:, 1], outer[:, 0]]
    return np.asarray(np.linalg.norm(across, axis=1), np.float32)


def _picture(one: Look) -> Floats:
    """Log luma and weighed colour of every pixel, put together again from detail and means."""
    tall, wide = one.detail.shape
    means = cv2.resize(one.mean.transpose(1, 2, 0), (one.mean.shape[2] * CELL, one.mean.shape[1] * CELL))
    picture = np.asarray(means[:tall, :wide], np.float32) * np.array([1, COLOUR, COLOUR], np.float32)
    picture[..., 0] += one.detail
    return picture
