"""Things cut out of real clips, and drawn ones, to be laid over other clips: cars, bottles, boxes, people."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any, Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from devices.picture.frame import Pixels

Floats = NDArray[np.float32]

_CARS_S: Final = (5.7, 6.1, 16.0, 16.4, 17.0, 26.2)  # of i_car: whole cars before an empty yard
_EMPTY_S: Final = (20.5, 21.5, 22.5, 23.5, 24.0)
_LORRIES_S: Final = (2.0, 4.0, 8.0, 12.0, 16.0, 20.0, 22.0)  # of dvr
_BOTTLES: Final = ((0.07, 0.27, 0.12, 0.62), (0.43, 0.27, 0.12, 0.62))  # of i_bottle; gone at 20 s


class Thing(NamedTuple):
    """A picture of something (BGR) and how much of what is behind each pixel it hides, 0..1."""

    bgr: Floats
    cover: Floats

    def sized(self, height: int, mirrored: bool = False, gain: float = 1.0) -> Thing:
        """So many pixels high, its shape kept."""
        width = max(round(self.bgr.shape[1] * height / self.bgr.shape[0]), 3)
        way = cv2.INTER_AREA if height < self.bgr.shape[0] else cv2.INTER_LINEAR
        bgr, cover = (cv2.resize(part, (width, height), interpolation=way) for part in self)
        if mirrored:
            bgr, cover = bgr[:, ::-1], cover[:, ::-1]
        return Thing(np.asarray(bgr * gain, np.float32), np.asarray(cover, np.float32))

    def over(self, picture: Pixels, x: float, foot: float) -> None:
        """Lay it over the picture in place: its middle at `x`, its lower edge at `foot`, in pixels."""
        tall, wide = self.cover.shape
        left, top = round(x - wide / 2), round(foot - tall)
        a, b = max(left, 0), min(left + wide, picture.shape[1])
        c, d = max(top, 0), min(top + tall, picture.shape[0])
        if a >= b or c >= d:
            return
        part = (slice(c - top, d - top), slice(a - left, b - left))
        cover = self.cover[part][..., None]
        under = picture[c:d, a:b]
        under[...] = np.clip(under * (1 - cover) + self.bgr[part] * cover, 0, 255).astype(np.uint8)


def at_seconds(file: Path, seconds: tuple[float, ...]) -> list[Pixels]:
    """The pictures of a clip at these times."""
    capture = cv2.VideoCapture(str(file))
    wanted = {round(s * capture.get(cv2.CAP_PROP_FPS)) for s in seconds}
    found: list[Pixels] = []
    for index in range(max(wanted) + 1):
        if not capture.grab():
            break
        if index in wanted:
            found.append(np.asarray(capture.retrieve()[1], np.uint8))
    capture.release()
    return found


def cut_outs(folder: Path) -> dict[str, list[Thing]]:
    """`car` (seen from above), `lorry` (motorway traffic, small), `bottle`: from the footage's clips."""
    yard = _middle(at_seconds(folder / "i_car.mp4", _EMPTY_S))
    cars = [c for p in at_seconds(folder / "i_car.mp4", _CARS_S) for c in _cut(p, yard, 0.03, 45)]
    road = at_seconds(folder / "dvr.mp4", tuple(n * 0.75 for n in range(30)))
    lorries = [
        c for p in at_seconds(folder / "dvr.mp4", _LORRIES_S) for c in _cut(p, _middle(road), 0.004, 24)
    ]
    with_bottles, without = at_seconds(folder / "i_bottle.mp4", (2.0, 20.0))
    return {"car": cars, "lorry": lorries, "bottle": [_bottle(with_bottles, without, b) for b in _BOTTLES]}


def _middle(pictures: list[Pixels]) -> Pixels:
    return np.asarray(np.median(np.stack(pictures), axis=0), np.uint8)


def _differs(picture: Pixels, empty: Pixels, least: int) -> Pixels:
    gain = np.median((picture + 8.0) / (empty + 8.0), axis=(0, 1))
    apart = np.abs(picture - empty * gain).max(axis=2)
    return np.asarray(cv2.blur(apart.astype(np.float32), (3, 3)) > least, np.uint8)


def _cut(picture: Pixels, empty: Pixels, least: float, apart: int) -> list[Thing]:
    """What differs from the empty view and lies wholly within the picture."""
    joined = cv2.morphologyEx(_differs(picture, empty, apart), cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
    tall, wide = joined.shape
    found = []
    for outline in cv2.findContours(joined, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)[0]:
        x, y, w, h = cv2.boundingRect(outline)
        if w * h < least * tall * wide or x < 2 or y < 2 or x + w > wide - 2 or y + h > tall - 2:
            continue
        if cv2.contourArea(outline) < 0.6 * w * h or not 0.4 < w / h < 3:
            continue  # several in a row
        mask: Any = cv2.drawContours(np.zeros_like(joined), [outline], 0, (1,), cv2.FILLED)
        mask = cv2.erode(mask, np.ones((3, 3), np.uint8)).astype(np.float32)
        soft = cv2.GaussianBlur(mask, (3, 3), 0)
        found.append(Thing(picture[y : y + h, x : x + w].astype(np.float32), soft[y : y + h, x : x + w]))
    return found


def _bottle(picture: Pixels, empty: Pixels, box: tuple[float, float, float, float]) -> Thing:
    tall, wide = picture.shape[:2]
    part = (
        slice(round(box[1] * tall), round((box[1] + box[3]) * tall)),
        slice(round(box[0] * wide), round((box[0] + box[2]) * wide)),
    )
    rows, columns = np.nonzero(_differs(picture[part], empty[part], 36))
    hull = cv2.convexHull(np.stack([columns, rows], axis=1).astype(np.int32))
    mask = cv2.fillConvexPoly(np.zeros(picture[part].shape[:2], np.float32), hull, (1.0,))
    soft = cv2.GaussianBlur(mask, (3, 3), 0)
    return Thing(picture[part].astype(np.float32), np.asarray(soft, np.float32))


def box(texture: Pixels, dice: random.Random) -> Thing:
    """A box, a bag or a heap, its surface a piece of a real picture in another colour."""
    tall, wide = 96, round(96 * dice.uniform(0.6, 2.0))
    height, width = texture.shape[:2]
    side = min(dice.randint(24, 90), height - 2)
    x, y = dice.randrange(width - side), dice.randrange(height - side)
    piece = cv2.resize(texture[y : y + side, x : x + side], (wide, tall)).astype(np.float32)
    tint = np.array([1 + dice.choice((0.08, 0.08, 0.35)) * dice.uniform(-1, 1) for _ in range(3)])
    piece = np.clip((piece * dice.uniform(0.3, 1.0) + dice.uniform(0, 110)) * tint, 0, 255)
    piece[: round(tall * dice.uniform(0.1, 0.4))] *= dice.uniform(1.1, 1.4)  # its upper side is lit
    cover = np.zeros((tall, wide), np.float32)
    shape = dice.choice(("box", "heap", "bag"))
    if shape == "box":
        cover[2:-2, 2:-2] = 1
    elif shape == "heap":
        corners = [(wide * dice.uniform(0.2, 0.8), 3), (wide - 3, tall - 3), (3, tall - 3)]
        cv2.fillPoly(cover, [np.array(corners, np.int32)], (1.0,))
    else:
        cv2.ellipse(cover, (wide // 2, tall // 2), (wide // 2 - 3, tall // 2 - 3), 0, 0, 360, (1.0,), -1)
    return Thing(piece.astype(np.float32), np.asarray(cv2.GaussianBlur(cover, (3, 3), 0), np.float32))


def person(dice: random.Random, step: float) -> Thing:
    """Somebody upright in the course of a step (any number; whole ones are whole steps)."""
    tall, wide = 120, 60
    bgr, cover = np.zeros((tall, wide, 3), np.uint8), np.zeros((tall, wide), np.uint8)
    coat = tuple(dice.uniform(15, 230) for _ in range(3))
    trousers = tuple(dice.uniform(15, 120) for _ in range(3))
    swing = round(14 * np.sin(2 * np.pi * step))
    for picture, tones in ((bgr, (trousers, coat, (120.0, 150.0, 190.0))), (cover, ((255.0,),) * 3)):
        for side in (-1, 1):
            cv2.line(picture, (30, 64), (30 + side * swing, 117), tones[0], 11)
            cv2.line(picture, (30 + side * 8, 34), (30 - side * swing, 62), tones[1], 8)
        cv2.rectangle(picture, (20, 26), (40, 68), tones[1], -1)
        cv2.circle(picture, (30, 13), 10, tones[2], -1)
    return Thing(bgr.astype(np.float32), (cover / 255).astype(np.float32))
