"""Finds how a view was moved: the shift and turn under which a picture shows the edges of its reference again."""

from __future__ import annotations

from typing import Final

import cv2
import msgspec
import numpy as np

from devices.picture.reference import Look, Plane, Reference, Structure, kept_edges

ANGLES: Final = (*range(-40, 41, 4), 60, -60, 90, -90, 180)
"""Degrees that are tried: edges agree within 30 degrees and smear over two pixels, so four apart misses none."""

ZOOMS: Final = (0.8, 1.2, 1.4)  # tried without a turn: a lens pushed in or out, a camera carried nearer
TURNED_ZOOM: Final = 1.15  # tried with every turn up to 40 degrees: who turns a camera seldom keeps its place
OVERLAP_MIN: Final = 0.25  # of the reference's edges must still be in the picture for a shift to be believed


class Alignment(msgspec.Struct, frozen=True, gc=False):
    """The reference's picture turned by `angle` degrees (counter-clockwise) about its middle, enlarged `zoom` times and
    moved by `x`, `y` (parts of the picture) is what is seen; `kept` of its edges then agree (0..1, of those still in
    the picture, which are `share` of all).
    """

    angle: float
    zoom: float
    x: float
    y: float
    kept: float
    share: float

    @property
    def rank(self) -> float:
        """What is compared: many edges that agree rather than few in a corner that agree perfectly."""
        return float(self.kept * min(self.share, 1.0) ** 0.5)

    def agrees(self, other: Alignment) -> bool:
        """Whether both say the same of how the view was moved, but for their steps."""
        away = max(abs(self.x - other.x), abs(self.y - other.y))
        return abs(self.angle - other.angle) <= 4 and self.zoom == other.zoom and away <= 0.04


def aligned(reference: Reference, seen: Look) -> Alignment:
    """The best of all tried alignments. About 20 ms: for a view that is suspected, not for every frame."""
    lasting = np.where(reference.lasting, reference.structure, 0).astype(np.complex64)
    now = _spectrum(_evened(seen.structure, seen.strength), _padded(lasting.shape))
    ways = [(float(angle), 1.0) for angle in ANGLES] + [(0.0, zoom) for zoom in ZOOMS]
    ways += [(float(angle), TURNED_ZOOM) for angle in ANGLES if 0 < abs(angle) <= 40]
    best = max((_tried(lasting, *way, now, seen, reference.luma) for way in ways), key=lambda a: a.rank)
    if best.angle and abs(best.angle) <= 40:
        near = [_tried(lasting, best.angle + d, best.zoom, now, seen, reference.luma) for d in (-2, 2)]
        best = max([best, *near], key=lambda a: a.rank)
    return best


def _tried(lasting: Structure, angle: float, zoom: float, now: Plane, seen: Look, luma: float) -> Alignment:
    turned = _turned(lasting, angle, zoom)
    size = np.abs(turned).astype(np.float32)
    then = _spectrum(_evened(turned, size), now.shape)
    product = cv2.mulSpectrums(now, then, 0, conjB=True)
    peaks = cv2.idft(product, flags=cv2.DFT_COMPLEX_OUTPUT)[..., 0]
    row, column = np.unravel_index(int(peaks.argmax()), peaks.shape)
    tall, wide = lasting.shape
    down = int(row) if row <= now.shape[0] // 2 else int(row) - now.shape[0]
    across = int(column) if column <= now.shape[1] // 2 else int(column) - now.shape[1]
    moved = _shifted(turned, down, across)
    size = np.abs(moved).astype(np.float32)
    gain = min(max(seen.luma / max(luma, 1.0), 0.05), 1.0)
    visible, kept = kept_edges(moved, size, size > 0.5, seen, gain)
    inside = float(size[visible].sum())
    share = inside / max(float(np.abs(lasting).sum()), 1.0)
    part = float(size[kept].sum()) / max(inside, 1.0) if share >= OVERLAP_MIN else 0.0
    return Alignment(angle, zoom, across / wide, down / tall, part, share)


def _turned(structure: Structure, angle: float, zoom: float) -> Structure:
    """The edges of the picture turned about its middle: their places and, by twice the angle, their directions."""
    if not angle and zoom == 1:
        return structure
    tall, wide = structure.shape
    # cv2 turns counter-clockwise as one sees it, where y points down: an edge's direction turns by minus the angle.
    turn = cv2.getRotationMatrix2D((wide / 2 - 0.5, tall / 2 - 0.5), angle, zoom)
    real: Plane = np.asarray(cv2.warpAffine(structure.real.copy(), turn, (wide, tall)), np.float32)
    imaginary: Plane = np.asarray(cv2.warpAffine(structure.imag.copy(), turn, (wide, tall)), np.float32)
    spun: Structure = ((real + 1j * imaginary) * np.exp(-2j * np.radians(angle))).astype(np.complex64)
    return spun


def _shifted(structure: Structure, down: int, across: int) -> Structure:
    """Moved by whole pixels, nothing coming in at the rim."""
    out = np.zeros_like(structure)
    tall, wide = structure.shape
    if abs(down) < tall and abs(across) < wide:
        to = (slice(max(down, 0), tall + min(down, 0)), slice(max(across, 0), wide + min(across, 0)))
        of = (slice(max(-down, 0), tall - max(down, 0)), slice(max(-across, 0), wide - max(across, 0)))
        out[to] = structure[of]
    return out


def _evened(structure: Structure, strength: Plane) -> Structure:
    """Strong edges brought down to the others, or one window frame would decide alone."""
    return (structure / np.maximum(strength, 6.0)).astype(np.complex64)


def _spectrum(structure: Structure, shape: tuple[int, ...]) -> Plane:
    """Its Fourier transform, padded with nothing to `shape` (rows, columns), as two planes side by side."""
    padded = np.zeros((*shape[:2], 2), np.float32)
    padded[: structure.shape[0], : structure.shape[1], 0] = structure.real
    padded[: structure.shape[0], : structure.shape[1], 1] = structure.imag
    return np.asarray(cv2.dft(padded, flags=cv2.DFT_COMPLEX_OUTPUT), np.float32)


def _padded(shape: tuple[int, ...]) -> tuple[int, int]:
    """Room for shifts of half the picture each way without wrapping onto itself, in sizes quick to transform."""
    return cv2.getOptimalDFTSize(shape[0] * 3 // 2), cv2.getOptimalDFTSize(shape[1] * 3 // 2)
