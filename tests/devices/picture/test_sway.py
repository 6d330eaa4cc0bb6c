"""How far a view went is found, and what passes through it is not taken for that."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from devices.picture.drawing import HEIGHT, WIDTH, car, yard
from devices.picture.frame import Pixels
from devices.picture.sway import shift


def ycrcb(picture: Pixels, seed: int) -> Pixels:
    noise = np.random.default_rng(seed).normal(0, 2.5, picture.shape)
    return np.asarray(
        cv2.cvtColor(np.clip(picture + noise, 0, 255).astype(np.uint8), cv2.COLOR_BGR2YCrCb), np.uint8
    )


@pytest.mark.parametrize("way", [(3.2, -1.6), (-6.0, 2.4), (1.6, 4.0)])
def test_a_hand_that_is_not_steady(way: tuple[float, float]) -> None:
    """The way the whole view went is found to within two pixels, whatever drives through it."""
    before, after = yard(), yard()
    car(before, 100, 90)
    car(after, 112, 90)
    moved = cv2.warpAffine(
        after, np.array([[1, 0, way[0]], [0, 1, way[1]]]), (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE
    )
    found = shift(ycrcb(before, 1), ycrcb(np.asarray(moved, np.uint8), 2))
    assert found == pytest.approx(way, abs=2.0)


def test_what_crosses_a_bare_yard_is_no_sway() -> None:
    """A car that has nearly all the edges of the view drives on; the camera stands."""
    before, after = np.full((2, HEIGHT, WIDTH, 3), 90, np.uint8)
    car(before, 60, 120)
    car(after, 68, 120)
    assert shift(ycrcb(before, 1), ycrcb(after, 2)) == (0.0, 0.0)


def test_a_cut_is_no_sway() -> None:
    """Another picture altogether is not the same one moved."""
    other = np.ascontiguousarray(yard()[::-1, ::-1] // 2 + 60)
    assert shift(ycrcb(yard(), 1), ycrcb(other, 2)) == (0.0, 0.0)
