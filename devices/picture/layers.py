"""Two layers of a view: the ground, which follows the light, and in each cell a candidate for something that stands.

A candidate is what a cell shows instead of its ground, kept while it is seen again and again. Traffic leaves candidates
that nobody sees a second time; a parked car is one that stays though traffic hides it now and then. The ground is never
adapted where something differs from it, so nothing that stands is ever taken for ground.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from devices.picture.likeness import Flags, Floats, Look, Unlikeness, grain_of, median, spread, unlikeness

Times = NDArray[np.int64]

SEEN_PART: Final = (
    0.6  # of its time that something must be seen: traffic may hide it, a queue of cars is no object
)
HIDDEN_MS: Final = (
    3000  # a candidate not seen for so long, or for as long as it was, gives way to what is there now
)
GLIMPSE_MS: Final = 300  # but for at least so long: one frame proves nothing
BACK_MS: Final = 1200  # the ground seen for so long: what stood there is gone
ADAPT_MS: Final = 60_000  # time constant with which the ground follows what still looks like it (sun, wet)
UNSURE: Final = (
    0.3  # of the pictures of a ground that showed something else in a cell: perhaps that was the ground
)
SURE_MS: Final = (
    3000  # seen for so long in all it was; else the first thing to stand so long in such a cell is its ground
)
CLOSER: Final = 0.1  # of the texture difference, by which a candidate must beat a ground that fits as well
CLEAR: Final = 0.15  # of each picture in which a candidate is seen: the rain before it averages out
HELD_MS: Final = 86_400_000  # what stood before the light changed has stood long enough
SAME_LOOK: Final = (
    0.3  # of the cells may differ in a picture that shows the same without its colours: a lorry passes
)


class Ground:
    """What a view looks like with nothing in it, and how much each cell's texture differs anyway."""

    def __init__(self, samples: list[Look]) -> None:
        """From pictures of one kind of light; what is in less than half of them in a place is not ground there."""
        self.look = median(samples)
        self.grain = float(np.median([grain_of(sample, self.look) for sample in samples]))
        compared = [unlikeness(sample, self.look, grain=self.grain) for sample in samples]
        self.usual: Floats = np.median(np.stack([one.texture for one in compared]), axis=0).astype(np.float32)
        self.unknown: Flags = np.zeros(self.usual.shape, np.bool_)  # something stood there all the time
        self.unsure: Flags = np.mean(np.stack([one.hard for one in compared]), axis=0) > UNSURE
        self.hasty: Flags = np.zeros(
            self.usual.shape, np.bool_
        )  # cells that were unsure and took the first thing


class Layers:
    """The candidates before one ground. Times are of the caller's clock (ms), which stands still while it is blind."""

    def __init__(self, ground: Ground, clock: int, held: Flags, coloured: bool) -> None:
        """`held`: cells in which something stood before, under another ground; it is supposed to stand there still."""
        cells = ground.usual.shape
        self.ground = ground
        self.coloured = coloured
        self.candidate = Look(*(part.copy() for part in ground.look))
        self.has: Flags = np.zeros(cells, np.bool_)
        self.since: Times = np.full(cells, clock, np.int64)
        self.last: Times = np.full(cells, clock, np.int64)
        self._held = held.copy()  # until the next picture shows it in this light
        self._seen_ms: Times = np.zeros(cells, np.int64)
        self._back_ms: Times = np.zeros(cells, np.int64)
        self._shown_ms: Times = np.zeros(cells, np.int64)  # of the ground, in cells that are not sure of it
        self.like: Flags = np.zeros(cells, np.bool_)  # cells that show their candidate now

    def feed(self, now: Look, shown: Flags, clock: int, passed: int) -> None:
        """Bring every cell up to this picture, `passed` ms after the last; `shown`: cells that it really shows."""
        if self._held.any():
            self._take_over(now, clock)
        ground = self.ground
        # Whatever is kept of a picture is kept in the exposure and white balance of the ground.
        now.mean[...] -= np.median(now.mean - ground.look.mean, axis=(1, 2), keepdims=True)
        grain = grain_of(now, ground.look)
        ground.grain += (grain - ground.grain) * (1 if grain > ground.grain else min(passed / ADAPT_MS, 1))
        differs = self._unlike(now, ground.look)
        same = self._unlike(now, self.candidate)
        absent = (differs.any | (ground.unknown & self.has)) & shown
        like = self.has & ~same.any & (absent | (same.texture + CLOSER < differs.texture))
        self._back_ms = np.where(absent | like | ~shown, 0, self._back_ms + passed)
        self._seen_ms += np.where(like, passed, 0)
        self.last[like] = clock
        self.like = like
        self.has &= self._back_ms < BACK_MS
        lapsed = (
            absent & ~like & (~self.has | (clock - self.last > np.clip(self._seen_ms, GLIMPSE_MS, HIDDEN_MS)))
        )
        blended(self.candidate, now, like, CLEAR, coloured=self.coloured)
        self._uncover(now, lapsed & ground.unknown)
        self._put(now, lapsed & ~ground.unknown, clock)
        if ground.unsure.any():
            first = ground.unsure & self.standing(clock, SURE_MS) & (2 * self._shown_ms < self._seen_ms)
            ground.hasty |= first
            self.absorb(first)
            self._shown_ms += np.where(absent | ~shown, 0, passed)
            ground.unsure &= self._shown_ms < SURE_MS
        self._adapt(now, ~absent & ~self.has & shown, differs, passed)

    def standing(self, clock: int, dwell_ms: int) -> Flags:
        """Cells where one and the same thing has stood for the dwell time."""
        age = clock - self.since
        seen = self._seen_ms >= SEEN_PART * age
        return np.asarray(self.has & (age >= dwell_ms) & seen & (clock - self.last <= HIDDEN_MS))

    def restless(self, near: Flags) -> float:
        """Part of the cells near something that show neither their ground nor anything that stays: it moves there."""
        there = near & self.has
        calm = there & (self.like | (self._back_ms > 0))
        return 1 - float(calm.sum()) / max(float(there.sum()), 1.0)

    def against(self) -> Unlikeness:
        """How the candidates differ from their ground."""
        return self._unlike(self.candidate, self.ground.look)

    def absorb(self, cells: Flags) -> None:
        """Take the candidates of these cells for ground."""
        cells = cells & self.has
        if cells.any():
            copied(self.ground.look, self.candidate, cells)
            self.has &= ~cells
            self.ground.unsure &= ~cells

    def end(self, cells: Flags, until: int) -> None:
        """Something that stood in these cells from before `until` is gone: what still looks like it was ground.

        Where a part of it was hastily taken for ground, what stands there next is.
        """
        taken = grown(cells, 2) & self.ground.hasty
        self.ground.unsure |= taken
        self.ground.hasty &= ~taken
        self._shown_ms[taken] = 0
        old = cells & self.has & (self.since <= until)
        self.absorb(old & self.like)
        self.has &= ~old

    def colours(self, now: Look, coloured: bool) -> None:
        """From here on pictures have colour, or none. A candidate seen without takes its colours from this picture."""
        if coloured and not self.coloured:
            self.coloured = False
            same = self._unlike(now, self.candidate)
            np.copyto(self.candidate.mean[1:], now.mean[1:], where=~same.any)
        self.coloured = coloured

    def _unlike(self, new: Look, old: Look) -> Unlikeness:
        ground = self.ground
        return unlikeness(new, old, ground.usual, coloured=self.coloured, grain=ground.grain)

    def _take_over(self, now: Look, clock: int) -> None:
        differs = self._unlike(now, self.ground.look).any
        held = self._held & (differs | self.ground.unknown)
        self._put(now, held, clock)
        self.since[held] = clock - HELD_MS
        self._seen_ms[held] = HELD_MS
        self._held[...] = False

    def _put(self, now: Look, cells: Flags, clock: int) -> None:
        if cells.any():
            copied(self.candidate, now, cells)
            self.has |= cells
            self.since[cells] = self.last[cells] = clock
            self._seen_ms[cells] = 0

    def _uncover(self, now: Look, cells: Flags) -> None:
        """What stood there from the first is gone: what is there now is the ground."""
        if cells.any():
            copied(self.ground.look, now, cells)
            self.ground.unknown &= ~cells
            self.has &= ~cells

    def _adapt(self, now: Look, calm: Flags, differs: Unlikeness, passed: int) -> None:
        calm = ~grown(~calm, 1)  # the rim of an object is not eaten from outside
        rate = min(passed / ADAPT_MS, 1.0)
        blended(self.ground.look, now, calm, rate, coloured=self.coloured)
        self.ground.usual += np.float32(rate) * calm * (differs.texture - self.ground.usual)


def blended(to: Look, of: Look, cells: Flags, rate: float, *, coloured: bool) -> None:
    """Move what `to` shows in these cells by a part `rate` towards what `of` shows; its chroma only if `coloured`."""
    wide = spread(cells, to.detail.shape).astype(np.float32) * np.float32(rate)
    weight = cells.astype(np.float32) * np.float32(rate)
    to.detail[...] += wide * (of.detail - to.detail)
    to.mean[0] += weight * (of.mean[0] - to.mean[0])
    if coloured:
        to.mean[1:] += weight * (of.mean[1:] - to.mean[1:])
    to.busy[...] += weight * (of.busy - to.busy)


def alike(new: Look, old: Look) -> bool:
    """Whether two pictures show the same in their texture, whatever their colours."""
    return float(np.mean(unlikeness(new, old, coloured=False).hard)) < SAME_LOOK


def copied(to: Look, of: Look, cells: Flags) -> None:
    """Put what `of` shows in these cells into `to`."""
    np.copyto(to.detail, of.detail, where=spread(cells, to.detail.shape))
    np.copyto(to.mean, of.mean, where=cells)
    np.copyto(to.busy, of.busy, where=cells)


def grown(cells: Flags, by: int) -> Flags:
    """The cells and those within `by` of them, diagonals included."""
    size = 2 * by + 1
    return np.asarray(cv2.dilate(cells.astype(np.uint8), np.ones((size, size), np.uint8)) > 0)
