"""By how far the whole view went from one picture to the next: a camera held by hand, or one on a mast in the wind."""

from __future__ import annotations

from typing import Any, Final

import cv2
import numpy as np

from devices.picture.frame import SMALL_WIDTH, Pixels, narrowed

Way = tuple[float, float]
"""Pixels to the right and down."""

REACH: Final = (
    0.06  # of the width: a hand does not go farther in a tenth of a second; a cut or a flash seems to
)
SURE: Final = 0.12  # of the correlation in one peak; things that move by themselves leave less
_SOFT: Final = 9  # pixels of the small picture: what is larger is light, not edges
_CLIP: Final = 24.0  # grey levels: lamps, flames and their glow may say no more than other edges


def shift(before: Pixels, after: Pixels) -> Way:
    """How far what stands still went between two pictures (YCrCb, of one shape); (0, 0) where that is unsure.

    Phase correlation (Kuglin and Hines 1975) of their edges, to a part of a pixel.
    """
    old, new = _edges(before), _edges(after)
    scale = before.shape[1] / old.shape[1]
    window = cv2.createHanningWindow((old.shape[1], old.shape[0]), cv2.CV_32F)
    (x, y), sure = cv2.phaseCorrelate(old, new, window)  # it may write to its inputs: they are ours
    if sure < SURE or max(abs(x), abs(y)) > REACH * old.shape[1] or not _explains(old, new, x, y):
        return 0.0, 0.0
    return x * scale, y * scale


def _explains(old: Any, new: Any, x: float, y: float) -> bool:
    """Whether three of the picture's quarters are more alike for the shift and none is less.

    A car that crosses a bare yard has most of the edges, and is no camera that sways.
    """
    moved = cv2.warpAffine(
        old, np.array([[1, 0, x], [0, 1, y]], np.float32), old.shape[::-1], borderMode=cv2.BORDER_REPLICATE
    )
    still, swayed = (
        cv2.resize(np.abs(new - one), (2, 2), interpolation=cv2.INTER_AREA).ravel() for one in (old, moved)
    )
    return bool(np.count_nonzero(swayed < 0.97 * still) >= 3 and np.all(swayed < 1.03 * still))


def _edges(ycrcb: Pixels) -> Any:
    luma = narrowed(np.ascontiguousarray(ycrcb[..., 0]), SMALL_WIDTH).astype(np.float32)
    return np.clip(luma - cv2.blur(luma, (_SOFT, _SOFT)), -_CLIP, _CLIP)
