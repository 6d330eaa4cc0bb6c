"""Regions of cells that changed: which of them are things, and which only light."""

from __future__ import annotations

from typing import Final, NamedTuple

import cv2
import numpy as np

from devices.picture.layers import grown
from devices.picture.likeness import Flags, Unlikeness

JOIN: Final = 2  # cells (8 pixels of the half picture): parts so near each other are one thing
BESIDE: Final = 8  # cells: how far beside its edge a shadow is looked for
WIDTH_MIN: Final = 3

_LIGHT_TEXTURE: Final = 0.10  # part of a region's inside whose texture may differ though only the light does
_LIGHT_SPREAD: Final = 0.10  # of log luma: a shadow is even to 10 %
_INSIDE_MIN: Final = 4  # cells; smaller regions have no inside to judge


class Region(NamedTuple):
    """Cells that belong together, and their rectangle in cells."""

    cells: Flags
    x: int
    y: int
    width: int
    height: int

    @property
    def upright(self) -> bool:
        """Whether it is as narrow as a person: half as wide as high, or less."""
        return self.height >= 2 * self.width

    @property
    def around(self) -> Flags:
        """The cells of its rectangle and those beside it."""
        flags = np.zeros(self.cells.shape, np.bool_)
        flags[max(self.y - 1, 0) : self.y + self.height + 2, max(self.x - 2, 0) : self.x + self.width + 2] = (
            True
        )
        return flags

    @property
    def near(self) -> Flags:
        """The cells around its rectangle where another part of the same thing may be: its own size and a half away."""
        reach = max(JOIN, 3 * max(self.width, self.height) // 2)
        flags = np.zeros(self.cells.shape, np.bool_)
        top, left = max(self.y - reach, 0), max(self.x - reach, 0)
        flags[top : self.y + self.height + reach, left : self.x + self.width + reach] = True
        return flags


def regions(cells: Flags, size_min: int) -> list[Region]:
    """The connected regions of at least `size_min` cells, near parts joined and holes filled, largest first.

    A region less than WIDTH_MIN cells wide or high is the edge of something else.
    """
    size = 2 * JOIN + 1
    joined = cv2.morphologyEx(
        np.pad(cells.astype(np.uint8), JOIN), cv2.MORPH_CLOSE, np.ones((size, size), np.uint8)
    )[JOIN:-JOIN, JOIN:-JOIN]
    outlines, _ = cv2.findContours(np.ascontiguousarray(joined), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    found = []
    for outline in outlines:
        x, y, width, height = cv2.boundingRect(outline)
        if min(width, height) < WIDTH_MIN or width * height < size_min:
            continue
        filled = cv2.drawContours(np.zeros(cells.shape, np.uint8), [outline], 0, (1,), cv2.FILLED) > 0
        if np.count_nonzero(filled) >= size_min:
            found.append(Region(np.asarray(filled), x, y, width, height))
    return sorted(found, key=lambda region: -int(np.count_nonzero(region.cells)))


def only_light(region: Region, against: Unlikeness) -> bool:
    """Whether the region is a shadow or a patch of light: its inside is the same surface, evenly darker or brighter.

    A region too thin to have an inside is no thing that stands either, unless its colour or texture says so all over.
    """
    inside = ~grown(~region.cells, 2)
    if np.count_nonzero(inside) < _INSIDE_MIN:
        return bool(against.hard[region.cells].mean() < 0.5)
    even = float(np.std(against.light[inside])) < _LIGHT_SPREAD
    return bool(against.hard[inside].mean() < _LIGHT_TEXTURE and even)


def soft(region: Region, standing: Flags, against: Unlikeness) -> Flags:
    """The cells beside a region that became darker or brighter and show the same surface still."""
    return np.asarray(standing & ~against.hard & grown(region.cells, BESIDE) & ~region.cells)
