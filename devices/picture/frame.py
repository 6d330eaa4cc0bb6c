"""One picture of one camera, with what several analytics ask of it computed once."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Final

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

WIDTH_MAX: Final = 640
HEIGHT_MAX: Final = 360
"""Analytics see at most 640x360, the usual sub-stream: larger pictures are made smaller, others are left alone."""

HALF_WIDTH: Final = 320
SMALL_WIDTH: Final = 160


class View(msgspec.Struct, frozen=True, gc=False):
    """What is known about the camera's view when a frame was taken (see `devices.picture.view`).

    `fault` is "" or what is wrong with the view at this moment: black, covered, defocused, moved, rotated, frozen.
    `settling`: the light of the whole picture has just changed (a switch, headlights, the exposure, day to infrared);
    comparisons with earlier frames mean nothing for a moment. `monochrome`: the picture has no colour (infrared at
    night). `learned`: there is a reference to compare with, so a view without fault is known to be the right one.
    `vague`: but the reference has hardly an edge, or no sharp one, so a cover, a move or a turn could not be told;
    the view may have been covered or out of focus from the beginning.
    `since` is the time of the first frame with a fault (any), None without; `score` 0..1 says how sure, `box` where.
    """

    fault: str = ""
    settling: bool = False
    monochrome: bool = False
    learned: bool = False
    since: int | None = None
    score: float = 1.0
    box: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)
    vague: bool = False

    @property
    def reliable(self) -> bool:
        """Whether an analytic may conclude anything from this frame; `reason` says why not."""
        return not self.fault and not self.settling

    @property
    def reason(self) -> str:
        """Why the view is not reliable: the fault, `settling`, or "" when it is."""
        return self.fault or ("settling" if self.settling else "")


UNSEEN: Final = View()
"""The view of a frame nobody has judged: usable, and nothing known about it."""


class Frame:
    """One picture. `at` is in milliseconds of the clip or of a monotonic clock and never goes back within a camera;
    `bgr` is uint8 (height, width, 3), at most 640x360; every derived array is made once and shared, so write to none.
    """

    def __init__(self, at: int, bgr: Pixels, view: View = UNSEEN) -> None:
        self.at = at
        self.bgr = bgr
        self.view = view  # set by the watch before any analytic sees the frame

    @cached_property
    def grey(self) -> Pixels:
        """Luma (ITU-R BT.601, as cv2's BGR2GRAY), uint8 (height, width)."""
        return _pixels(cv2.cvtColor(self.bgr, cv2.COLOR_BGR2GRAY))

    @cached_property
    def half(self) -> Pixels:
        """BGR at most 320 wide, uint8."""
        return narrowed(self.bgr, HALF_WIDTH)

    @cached_property
    def half_grey(self) -> Pixels:
        """Luma of `half`, uint8."""
        return _pixels(cv2.cvtColor(self.half, cv2.COLOR_BGR2GRAY))

    @cached_property
    def half_ycrcb(self) -> Pixels:
        """`half` as Y, Cr, Cb (cv2's BGR2YCrCb; 128 is no colour), uint8."""
        return _pixels(cv2.cvtColor(self.half, cv2.COLOR_BGR2YCrCb))

    @cached_property
    def small(self) -> Pixels:
        """Luma at most 160 wide, uint8: for judging the picture as a whole."""
        return narrowed(self.half_grey, SMALL_WIDTH)


def fitted(bgr: Pixels) -> Pixels:
    """The picture made to fit 640x360, its shape kept; one that fits is returned as it is."""
    height, width = bgr.shape[:2]
    scale = min(WIDTH_MAX / width, HEIGHT_MAX / height)
    return bgr if scale >= 1 else _resized(bgr, max(1, round(width * scale)), max(1, round(height * scale)))


def narrowed(picture: Pixels, width: int) -> Pixels:
    """The picture made `width` pixels wide, its shape kept; a narrower one is returned as it is."""
    height, own = picture.shape[:2]
    return picture if own <= width else _resized(picture, width, max(1, round(height * width / own)))


def _resized(picture: Pixels, width: int, height: int) -> Pixels:
    return _pixels(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA))


def _pixels(made: Any) -> Pixels:
    """cv2's stubs promise less than it does: these calls keep uint8."""
    return np.asarray(made, dtype=np.uint8)
