"""What somebody does to a camera: blacks it out, covers, sprays, defocuses, moves, turns or freezes it."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from devices.picture.frame import Pixels

TAMPER: Final = {
    "black": "black", "covered": "covered", "sprayed": "covered", "defocused": "defocused", "moved": "moved",
    "rotated": "rotated", "frozen": "frozen",
}  # fmt: skip
"""The kinds of mischief and the type of sight each should give."""


class Mischief:
    """How hard it is done follows from the seed and the start."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._last: Pixels | None = None

    def remember(self, picture: Pixels) -> None:
        """The last living picture, which a frozen camera goes on sending."""
        self._last = picture

    def done(self, picture: Pixels, kind: str, start_s: float, noise: np.random.Generator) -> Pixels:
        """The picture after it; kinds that are no mischief leave it alone."""
        if kind not in TAMPER:
            return picture
        dice = np.random.default_rng([self._seed, round(start_s * 1000), 5])
        tall, wide = picture.shape[:2]
        if kind == "frozen":
            return picture if self._last is None else self._last
        if kind == "black":
            return _clipped(noise.normal(3, 2, picture.shape))
        if kind == "covered":
            # A hand, a bag, tape: one colour, out of focus, some light from one side, now and then a gap.
            cloth = dice.integers(8, 190, 3) + np.linspace(-1, 1, wide)[None, :, None] * dice.uniform(4, 25)
            out = _clipped(cloth + noise.normal(0, 3, picture.shape))
            gap = int(dice.uniform(0, 0.18) * wide)
            out[:, wide - gap :] = picture[:, wide - gap :]
            return np.asarray(cv2.GaussianBlur(out, (0, 0), 3), np.uint8) if gap else out
        if kind == "sprayed":
            thick = dice.uniform(0.72, 0.95)
            soft = cv2.GaussianBlur(picture, (0, 0), wide * 0.04)
            return _clipped(
                (1 - thick) * soft + thick * dice.integers(40, 220, 3) + noise.normal(0, 2, picture.shape)
            )
        if kind == "defocused":
            soft = cv2.GaussianBlur(picture, (0, 0), wide * dice.uniform(0.006, 0.02))
            return _clipped(soft + noise.normal(0, 2, picture.shape))
        side = dice.choice((-1, 1))
        if kind == "moved":
            turn = np.array(
                [[1, 0, side * dice.uniform(0.06, 0.35) * wide], [0, 1, dice.uniform(-0.15, 0.15) * tall]]
            )
        else:
            middle = (wide / 2, tall / 2)
            turn = cv2.getRotationMatrix2D(middle, side * dice.uniform(7, 35), dice.uniform(1.0, 1.2))
        return np.asarray(
            cv2.warpAffine(picture, turn.astype(np.float32), (wide, tall), borderMode=cv2.BORDER_REFLECT),
            np.uint8,
        )


def _clipped(picture: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Pixels:
    return np.asarray(np.clip(picture, 0, 255), np.uint8)
