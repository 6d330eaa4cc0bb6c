"""Whether two pictures of one camera show the same thing, cell by cell, under whatever light.

Light multiplies what is there: a shadow, a lamp or the exposure scales the luma of a patch and leaves its texture and
its chromaticity alone (the assumption of Horprasert et al. 1999 and Cucchiara et al. 2003 for suppressing shadows). In
the logarithm of luma that is an offset, and a soft one but at a shadow's edge: so patches are compared by the fine
detail of the logarithm, by chroma over luma, and only last by how bright they are.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from devices.picture.frame import Pixels

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]

CELL: Final = 4
"""Pixels of `Frame.half` from one cell to the next; a cell looks at the WINDOW x WINDOW pixels around it."""
WINDOW: Final = 9

_DARK: Final = 6.0  # added to luma before the logarithm, so that noise in the dark is not taken for texture
_LOG: Final = np.log(np.arange(256, dtype=np.float32) + np.float32(_DARK))
_PALE: Final = 16.0  # added to luma before chroma is divided by it, for the same reason
GRAIN_MIN: Final = 0.7
GRAIN_MAX: Final = 2.5
"""Luma steps of sensor and codec noise that is left of a sub-stream after `Quiet` and a 3x3 mean."""
_FLAT: Final = 0.002  # detail below which nothing is texture: half a step of 9 % within the window

UNLIKE: Final = 0.5
"""Difference of detail over the detail of both pictures: 0 same surface, 1 nothing in common; the same texture at half
its contrast has 0.2."""
BEYOND: Final = 0.25  # of the texture difference above the usual one of a cell
COLOURED: Final = 0.07  # chroma over luma; a pale blue car on asphalt differs by 0.17, white balance by 0.03
COLOURLESS: Final = 0.018  # chroma over luma that codecs leave in an infrared picture, in 99 of 100 cells
COLOURFUL: Final = 0.025  # from where on it has colour again
BRIGHTER: Final = 0.25  # of log luma against the change of the whole picture: a quarter brighter or darker


class Look(NamedTuple):
    """A picture prepared for comparison: its detail by pixel (at half size), statistics by cell."""

    detail: Floats  # (height, width): log luma less its mean over the window
    mean: Floats  # (3, rows, columns): log luma, Cr over luma, Cb over luma
    busy: Floats  # (rows, columns): mean square of the detail within the window


class Unlikeness(NamedTuple):
    """Where two looks differ, by cell. `hard` is what light alone does not explain."""

    texture: Floats
    hard: Flags
    any: Flags
    light: Floats  # log luma of the first less the second, less the change of the whole picture


def look(ycrcb: Pixels) -> Look:
    """What a picture (half size, YCrCb) shows, prepared for `unlikeness`."""
    fine, smooth = _parted(ycrcb)
    mean = np.empty((3, *_at_cells(smooth).shape), np.float32)
    mean[0] = _at_cells(smooth)
    wide = _at_cells(cv2.blur(ycrcb, (WINDOW, WINDOW)))
    mean[1:] = (wide[..., 1:].transpose(2, 0, 1) - 128) / (wide[..., 0] + _PALE)
    return Look(fine, mean, _boxed(fine * fine))


def detail(ycrcb: Pixels) -> Floats:
    """Only the detail of what a picture shows, as in `look`."""
    return _parted(ycrcb)[0]


def median(looks: list[Look]) -> Look:
    """What most of the pictures show."""
    fine = np.median(np.stack([one.detail for one in looks]), axis=0).astype(np.float32)
    mean = np.median(np.stack([one.mean for one in looks]), axis=0).astype(np.float32)
    return Look(fine, mean, _boxed(fine * fine))


def unlikeness(
    new: Look, old: Look, usual: Floats | None = None, *, coloured: bool = True, grain: float = GRAIN_MAX
) -> Unlikeness:
    """Where `new` shows something else than `old`; `coloured` False leaves chroma out (infrared).

    `grain`: luma steps of noise in them (see `grain_of`).

    `usual` is the texture difference that each cell shows anyway: leaves in the wind, a mark that trembles with its
    pole. Only what goes beyond it counts.
    """
    delta = new.detail - old.detail
    noise = grain * grain * (np.exp(-2 * new.mean[0]) + np.exp(-2 * old.mean[0])) + 2 * _FLAT
    texture = np.asarray(_boxed(delta * delta) / (new.busy + old.busy + noise), np.float32)
    hard = texture > (UNLIKE if usual is None else np.maximum(UNLIKE, usual + BEYOND))
    change = new.mean - old.mean
    change -= np.median(change, axis=(1, 2), keepdims=True)
    if coloured:
        hard |= np.abs(change[1:]).max(axis=0) > COLOURED
    return Unlikeness(texture, hard, hard | (np.abs(change[0]) > BRIGHTER), change[0])


def grain_of(new: Look, old: Look) -> float:
    """Luma steps of noise, from what most cells differ by; GRAIN_MIN to GRAIN_MAX."""
    delta = new.detail - old.detail
    steps = np.median(_boxed(delta * delta) * np.exp(2 * old.mean[0]))
    return float(np.clip(np.sqrt(steps), GRAIN_MIN, GRAIN_MAX))


def colourless(one: Look, before: bool) -> bool:
    """Whether the picture has no colour to speak of: infrared, or a grey day on a grey yard. `before`: it had none."""
    return float(np.percentile(np.abs(one.mean[1:]), 99)) < (COLOURFUL if before else COLOURLESS)


def spread(cells: Flags, shape: tuple[int, ...]) -> Flags:
    """The cells as a mask of the half-size picture's pixels."""
    height, width = shape
    return np.repeat(np.repeat(cells, CELL, axis=0), CELL, axis=1)[:height, :width]


def _parted(ycrcb: Pixels) -> tuple[Floats, Floats]:
    """Log luma, parted into its detail and its mean over the window."""
    log = _LOG[cv2.blur(ycrcb[..., 0], (3, 3))]
    smooth = np.asarray(cv2.blur(log, (WINDOW, WINDOW)), np.float32)
    return np.asarray(log - smooth, np.float32), smooth


def _at_cells(plane: Any) -> Floats:
    """The plane's values in the middle of each cell. Cell (r, c) covers the pixels 4r..4r+3, 4c..4c+3."""
    rows = np.minimum(np.arange(0, plane.shape[0], CELL) + CELL // 2, plane.shape[0] - 1)
    columns = np.minimum(np.arange(0, plane.shape[1], CELL) + CELL // 2, plane.shape[1] - 1)
    return np.asarray(plane[np.ix_(rows, columns)], np.float32)


def _boxed(plane: Floats) -> Floats:
    return _at_cells(cv2.blur(plane, (WINDOW, WINDOW)))
