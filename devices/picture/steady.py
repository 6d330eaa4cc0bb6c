"""Keeps pictures in place: undoes the small shifts of a camera on a swaying pole or a loosening mount."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from devices.picture.frame import Pixels
from devices.picture.likeness import CELL, WINDOW, Flags, Floats, Look, spread

REACH: Final = (
    8.0  # pixels of the half picture, 2.5 % of its width; beyond it the camera was moved (see tamper)
)
STEP: Final = 1.5  # pixels a picture: the estimate is of first order and right only near the truth
_OUTLIER: Final = 0.5  # of log luma: how much a single pixel may say
_OTHER: Final = 0.5  # of all cells: a view that was pushed differs everywhere
_TEXTURE: Final = 5e-6  # mean square gradient needed along both axes; without texture nothing can be said


class Steady:
    """The shift between a camera's pictures and a reference, followed step by step (Lucas and Kanade 1981)."""

    def __init__(self) -> None:
        self.x = self.y = 0.0  # pixels of the half picture by which the view has wandered

    def steadied(self, ycrcb: Pixels) -> Pixels:
        """The picture moved back by the shift known so far."""
        if abs(self.x) < 0.25 and abs(self.y) < 0.25:
            return ycrcb
        back = np.array([[1, 0, -self.x], [0, 1, -self.y]], np.float32)
        height, width = ycrcb.shape[:2]
        return np.asarray(
            cv2.warpAffine(ycrcb, back, (width, height), borderMode=cv2.BORDER_REPLICATE), np.uint8
        )

    def inside(self, cells: tuple[int, ...]) -> Flags:
        """Cells that a steadied picture really shows; the others lie at the side it wandered from."""
        rows, columns = np.indices(cells) * CELL
        reach_x, reach_y = abs(self.x) + WINDOW / 2, abs(self.y) + WINDOW / 2
        if abs(self.x) < 1 and abs(self.y) < 1:
            return np.ones(cells, np.bool_)
        wide, high = cells[1] * CELL - 1, cells[0] * CELL - 1
        out = (columns < reach_x) if self.x < -1 else (columns > wide - reach_x) if self.x > 1 else False
        return np.asarray(
            ~(out | ((rows < reach_y) if self.y < -1 else (rows > high - reach_y) if self.y > 1 else False))
        )

    def follow(self, now: Floats, reference: Look, other: Flags | None = None) -> None:
        """Correct the shift by what is left of it between the detail of a steadied picture and the reference.

        `other`: cells that show something else than the reference; they have no say, unless that is nearly all of them.
        What passes hardly disturbs: its detail has nothing to do with the reference's gradients.
        """
        rest = np.clip(now - reference.detail, -_OUTLIER, _OUTLIER)
        across = cv2.Sobel(reference.detail, cv2.CV_32F, 1, 0, scale=0.125)
        down = cv2.Sobel(reference.detail, cv2.CV_32F, 0, 1, scale=0.125)
        if other is not None and other.any() and other.mean() < _OTHER:
            weight = ~spread(other, rest.shape)
            across, down = across * weight, down * weight
        xx, yy, xy = (float(np.mean(part)) for part in (across * across, down * down, across * down))
        determinant = xx * yy - xy * xy
        if min(xx, yy) < _TEXTURE or determinant < 0.05 * xx * yy:
            return
        bx, by = -float(np.mean(across * rest)), -float(np.mean(down * rest))
        step_x, step_y = (yy * bx - xy * by) / determinant, (xx * by - xy * bx) / determinant
        self.x = float(np.clip(self.x + np.clip(step_x, -STEP, STEP), -REACH, REACH))
        self.y = float(np.clip(self.y + np.clip(step_y, -STEP, STEP), -REACH, REACH))
