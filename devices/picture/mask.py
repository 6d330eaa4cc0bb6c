"""Hides who is in a picture before it is stored: cut to the zone, everything that moved in made into coarse blocks.

What differs from the reference (the empty view) is foreground and is pixelated, with a generous rim; without a
reference everything is. A person who was there when the reference was learned is background and stays visible, and
somebody dressed like the wall may be missed: this hides most people, never surely all, and no face is looked for or
recognised. A face finder of the operator's own only adds to what is hidden.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Flags = NDArray[np.uint8]
"""0 or 255 for each pixel, or 0 or 1 for each block."""
Box = tuple[float, float, float, float]
"""x, y, width, height, 0..1 of the whole picture."""
Point = tuple[float, float]
Show = Literal["clear", "fine", "hidden"]
"""What becomes of the alarm's own box: left as it is, made into small blocks (a vehicle can be told from a pile of
boxes, its plate not be read), or treated like everything else."""

Faces = Callable[[Pixels], Sequence[tuple[int, int, int, int]]]
"""Where a picture (uint8 BGR) seems to hold faces: x, y, width, height in its pixels."""

BLOCKS: Final = 15
"""Blocks in the height of the whole picture. Of a face that fills half the height seven rows are left; people stop
recognising even faces they know well at about 16 (Harmon and Julesz, Science 180, 1973; Bachmann 1991: 15 to 18)."""
FINE: Final = (
    4  # small blocks are a quarter of a block: 6 pixels of 360, more than a stroke of a plate's character
)
SIDE_MIN: Final = 16  # pixels of a cut: less shows nothing
DIFFERS: Final = 14.0
"""Grey levels (of 255, after blurring) by which foreground differs; compression noise of cameras is 3 to 6."""
ROUGHER: Final = 7.0  # grey levels of mean change between neighbours; noise and compression make up to 4
SHARE: Final = 0.02  # of a block's pixels that make it foreground: an arm reaches into a corner
WORK_WIDTH: Final = 320
LEVELS_KEPT: Final = 16  # steps of brightness a block may have: averages of many pictures give away less
FACE_RIM: Final = 0.35  # of a found face's size is hidden around it: hair and chin help to recognise
FACE_SCORE: Final = 0.5  # of cv2.FaceDetectorYN: low, since too much hidden harms nobody


class MaskingFailed(Exception):
    """The picture could not be masked. It must not be stored."""


def masked(
    bgr: Pixels,
    reference: Pixels | None,
    box: Box | None,
    zone: Sequence[Point],
    *,
    show: Show = "clear",
    faces: Faces | None = None,
) -> Pixels:
    """The picture (uint8, height x width x 3) cut to the zone, with everybody in it hidden.

    `reference` is the empty view, grey or BGR, of any size with the picture's shape; without one, or with another
    shape, everything but the box is hidden. What lies in the cut but outside the polygon is hidden too; an empty `zone`
    is the whole picture. Faces are hidden wherever they are found, in the box too. Raises MaskingFailed, and then there
    is no picture.
    """
    if bgr.ndim != 3 or bgr.shape[2] != 3 or bgr.dtype != np.uint8 or min(bgr.shape[:2]) < SIDE_MIN:
        raise MaskingFailed(f"not a picture: {bgr.dtype} {bgr.shape}")
    try:
        return _masked(bgr, reference, box, zone, show, faces)
    except (cv2.error, ValueError, IndexError, ArithmeticError, MemoryError) as error:
        raise MaskingFailed(str(error)[:200]) from error


def face_finder(model: Path) -> Faces:
    """The operator's own model (ONNX of the YuNet kind, as cv2.FaceDetectorYN reads it). Raises MaskingFailed.

    One of a thread: it keeps the size of the last picture.
    """
    try:
        finder = cv2.FaceDetectorYN.create(str(model), "", (320, 320), FACE_SCORE)
    except cv2.error as error:
        raise MaskingFailed(f"{model.name} is no face model: {error}"[:200]) from error

    def find(bgr: Pixels) -> list[tuple[int, int, int, int]]:
        finder.setInputSize((bgr.shape[1], bgr.shape[0]))
        found: Any = finder.detect(bgr)[1]  # None where there are none
        return [
            (round(f[0]), round(f[1]), round(f[2]), round(f[3])) for f in (() if found is None else found)
        ]

    return find


def _masked(
    bgr: Pixels,
    reference: Pixels | None,
    box: Box | None,
    zone: Sequence[Point],
    show: Show,
    faces: Faces | None,
) -> Pixels:
    height, width = bgr.shape[:2]
    block = max(-(-height // BLOCKS), 8)
    hidden = _foreground(bgr, reference, block)
    inside = np.full((height, width), 255, np.uint8)
    left, top, right, bottom = 0, 0, width, height
    if zone:
        corners = np.array([[_within(x, width), _within(y, height)] for x, y in zone], np.int32)
        inside[:] = 0
        cv2.fillPoly(inside, [corners], 255)
        left, top = corners.min(axis=0)
        right, bottom = corners.max(axis=0) + 1
    coarse = _blocks(bgr, block)
    out = np.where((hidden | ~inside)[:, :, None] > 0, coarse, bgr)
    if box is not None and show != "hidden":
        x0, y0, x1, y1 = pixels_of(box, width, height)
        source = bgr if show == "clear" else _blocks(bgr, max(block // FINE, 2))
        out[y0:y1, x0:x1] = np.where(
            inside[y0:y1, x0:x1, None] > 0, source[y0:y1, x0:x1], coarse[y0:y1, x0:x1]
        )
    for x, y, w, h in faces(bgr) if faces is not None else ():
        dx, dy = round(w * FACE_RIM), round(h * FACE_RIM)
        x0, x1 = (min(max(v, 0), width) for v in (x - dx, x + w + dx))
        y0, y1 = (min(max(v, 0), height) for v in (y - dy, y + h + dy))
        out[y0:y1, x0:x1] = coarse[y0:y1, x0:x1]
    cut = np.ascontiguousarray(out[top:bottom, left:right], dtype=np.uint8)
    if min(cut.shape[:2]) < SIDE_MIN:
        raise MaskingFailed(f"the zone leaves {cut.shape[1]}x{cut.shape[0]} pixels")
    return cut


def _foreground(bgr: Pixels, reference: Pixels | None, block: int) -> Flags:
    """255 for every pixel of a block in which something differs from the reference, and of its neighbours."""
    height, width = bgr.shape[:2]
    everything = np.full((height, width), 255, np.uint8)
    if reference is None or reference.ndim not in (2, 3) or min(reference.shape[:2]) < SIDE_MIN:
        return everything
    if abs(reference.shape[1] * height - reference.shape[0] * width) > 2 * max(width, height):
        return everything  # the stream's shape has changed since
    differs = _differs(bgr, reference)
    rows, columns = -(-height // block), -(-width // block)
    # Each block's share of differing pixels.
    full = cv2.resize(differs, (width, height), interpolation=cv2.INTER_NEAREST)
    padded = cv2.copyMakeBorder(
        full, 0, rows * block - height, 0, columns * block - width, cv2.BORDER_REPLICATE
    )
    share = padded.reshape(rows, block, columns, block).mean(axis=(1, 3)) / 255
    touched = (share > SHARE).astype(np.uint8)
    touched = np.asarray(cv2.dilate(touched, np.ones((3, 3), np.uint8)), np.uint8)
    # What a body surrounds or lies between its parts belongs to it: clothes as grey as the wall.
    for contour in cv2.findContours(touched, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)[0]:
        cv2.fillConvexPoly(touched, cv2.convexHull(contour), 1)
    grown = touched.repeat(block, axis=0).repeat(block, axis=1)[:height, :width]
    return np.asarray(grown * 255, np.uint8)


def _differs(bgr: Pixels, reference: Pixels) -> Flags:
    """Where picture and reference differ, 255 or 0, at most WORK_WIDTH wide; a change of light as a whole is none."""
    width = min(WORK_WIDTH, bgr.shape[1], reference.shape[1])
    size = (width, max(round(bgr.shape[0] * width / bgr.shape[1]), 1))
    ours: Any = bgr if reference.ndim == 3 else cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY)
    sharp = [cv2.resize(p, size, interpolation=cv2.INTER_AREA).astype(np.float32) for p in (ours, reference)]
    now, then = (cv2.GaussianBlur(p, (5, 5), 0) for p in sharp)
    # The whole picture may be brighter or darker than the reference: the middle of the ratios says by how much.
    gain = float(np.clip(np.median((now + 8.0) / (then + 8.0)), 0.5, 2.0))
    apart = np.abs(now - then * gain)
    # A striped shirt may be as grey as the wall on the whole: how much changes from pixel to pixel is compared too.
    busy, calm = (cv2.GaussianBlur(np.abs(p - q), (9, 9), 0) for p, q in zip(sharp, (now, then), strict=True))
    rough = np.abs(busy - calm * gain)
    if apart.ndim == 3:
        apart, rough = apart.max(axis=2), rough.max(axis=2)
    least = max(gain, 0.7)
    return np.asarray(((apart > DIFFERS * least) | (rough > ROUGHER * least)) * 255, np.uint8)


def _blocks(bgr: Pixels, block: int) -> Pixels:
    """The picture in squares of one colour each, in LEVELS_KEPT steps."""
    height, width = bgr.shape[:2]
    rows, columns = -(-height // block), -(-width // block)
    padded = cv2.copyMakeBorder(
        bgr, 0, rows * block - height, 0, columns * block - width, cv2.BORDER_REPLICATE
    )
    mean = padded.reshape(rows, block, columns, block, 3).mean(axis=(1, 3))
    step = 256 / LEVELS_KEPT
    flat = (np.floor(mean / step) * step + step / 2).astype(np.uint8)
    grown = flat.repeat(block, axis=0).repeat(block, axis=1)[:height, :width]
    return np.asarray(grown, np.uint8)


def _within(share: float, size: int) -> int:
    return min(max(round(share * size), 0), size - 1)


def pixels_of(box: Box, width: int, height: int) -> tuple[int, int, int, int]:
    """Left, top, right and lower end of the box in a picture of that size."""
    x, y, w, h = box
    return (
        _within(x, width),
        _within(y, height),
        min(max(round((x + w) * width), 0), width),
        min(max(round((y + h) * height), 0), height),
    )
