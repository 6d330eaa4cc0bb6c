"""Held-out clips: tamper and harmless things of many kinds laid over real clips by dice, with what should be told."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

from devices.picture.frame import Pixels

ONSET_S: Final = 8.0
OVER_S: Final = 20.0
FPS: Final = 5
BASES: Final = ("dvr", "i_car", "i_bottle", "house6")
TAMPER: Final = {
    "black": "black", "plain cover": "covered", "textured cover": "covered", "sprayed": "covered",
    "defocused": "defocused", "moved": "moved", "rotated": "rotated", "frozen": "frozen",
}  # fmt: skip
"""Kinds of tamper and the type each should be told as."""

BENIGN: Final = (
    "lamp off", "lamp on", "infrared", "dusk", "exposure", "rain", "blocks", "wind", "dirt", "headlights",
    "passer", "bus", "nothing",
)  # fmt: skip

Change = Callable[[Pixels, float], Pixels]


def decoded(file: Path, from_s: float, seconds: float) -> list[Pixels]:
    """Five pictures a second of a clip."""
    capture = cv2.VideoCapture(str(file))
    rate = capture.get(cv2.CAP_PROP_FPS)
    wanted = {round((from_s + n / FPS) * rate) for n in range(round(seconds * FPS))}
    pictures: list[Pixels] = []
    index = 0
    while index <= max(wanted) and capture.grab():
        if index in wanted:
            pictures.append(np.asarray(capture.retrieve()[1], np.uint8))
        index += 1
    capture.release()
    return pictures


def laid(pictures: list[Pixels], kind: str, dice: random.Random) -> Iterator[tuple[int, Pixels]]:
    """The clip seen through a window of it, with `kind` from the eighth second on, compressed as a sub-stream is."""
    window = _Window(pictures[0], dice)
    change = _changes(kind, dice, window.tall, window.wide)
    quality = dice.randint(50, 90)
    noise = np.random.default_rng(dice.randrange(1 << 30))
    grain = dice.uniform(0.5, 2.5)
    last: Pixels | None = None
    for n, picture in enumerate(pictures):
        t = n / FPS
        on = t >= ONSET_S
        if on and kind in ("moved", "rotated"):
            seen = window.aside(picture, kind)
        else:
            seen = window.straight(picture)
        if on:
            seen = change(seen, t - ONSET_S)
        if on and kind == "frozen" and last is not None:
            yield round(t * 1000), last
            continue
        grainy = np.clip(seen + noise.normal(0, grain, seen.shape), 0, 255).astype(np.uint8)
        coarse = 14 if kind == "blocks" and on else quality
        coded = cv2.imencode(".jpg", grainy, [cv2.IMWRITE_JPEG_QUALITY, coarse])[1]
        last = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)
        yield round(t * 1000), last


class _Window:
    """A part of the whole picture, so that a camera that is turned away sees what really is beside it."""

    def __init__(self, picture: Pixels, dice: random.Random) -> None:
        self.tall, self.wide = picture.shape[:2]
        self.part = dice.uniform(0.6, 0.75)
        self.mirror = dice.random() < 0.5
        slack = 1 - self.part
        self.x, self.y = dice.uniform(0, slack), dice.uniform(0, slack)
        self.turn = dice.choice((-1, 1)) * dice.choice((10, 15, 20, 30, 45, 90))
        far, way = dice.uniform(0.05, 0.4), dice.uniform(0, 2 * np.pi)
        self.dx, self.dy = far * np.cos(way), far * np.sin(way)
        # Towards the side where there is more to see, or nearly all of it would be mirrored rim.
        if not -0.1 < self.x + self.dx * self.part < slack + 0.1:
            self.dx = -self.dx
        if not -0.1 < self.y + self.dy * self.part < slack + 0.1:
            self.dy = -self.dy

    def straight(self, picture: Pixels) -> Pixels:
        """What the camera sees as it was put up."""
        return self._warped(picture, 0.0, 0.0, 0.0)

    def aside(self, picture: Pixels, kind: str) -> Pixels:
        """What it sees when somebody has moved or turned it."""
        if kind == "moved":
            return self._warped(picture, 0.0, self.dx, self.dy)
        return self._warped(picture, self.turn, 0.0, 0.0)

    def _warped(self, picture: Pixels, turn: float, dx: float, dy: float) -> Pixels:
        source = picture[:, ::-1] if self.mirror else picture
        zoom = 1 / self.part
        cx = (self.x + self.part * (0.5 + dx)) * self.wide
        cy = (self.y + self.part * (0.5 + dy)) * self.tall
        matrix = cv2.getRotationMatrix2D((cx, cy), turn, zoom)
        matrix[0, 2] += self.wide / 2 - cx
        matrix[1, 2] += self.tall / 2 - cy
        return np.asarray(
            cv2.warpAffine(
                np.ascontiguousarray(source), matrix, (self.wide, self.tall), flags=cv2.INTER_AREA,
                borderMode=cv2.BORDER_REFLECT,
            ),
            np.uint8,
        )  # fmt: skip


def _cloth(dice: random.Random, tall: int, wide: int, textured: bool) -> Any:
    noise = np.random.default_rng(dice.randrange(1 << 30))
    colour = noise.integers(10, 220, 3)
    slope = np.linspace(-1, 1, wide)[None, :, None] * dice.uniform(4, 30)
    out: Any = np.ones((tall, wide, 3)) * colour + slope
    if textured:
        how = dice.choice(("weave", "folds", "print", "crumpled"))
        down, across = np.indices((tall, wide))
        if how == "weave":
            pitch = dice.uniform(4, 9)
            out += 14 * (np.sin(across * 6.28 / pitch) * np.sin(down * 6.28 / pitch))[..., None]
        elif how == "folds":
            angle = dice.uniform(0, 3.14)
            along = across * np.cos(angle) + down * np.sin(angle)
            out += 30 * np.sin(along * 6.28 / dice.uniform(40, 90) + 1.5 * np.sin(down / 31))[..., None]
        elif how == "print":
            page = _bytes(out)
            for _ in range(60):
                at = dice.randrange(wide), dice.randrange(tall)
                cv2.putText(
                    page, "safety 73", at, cv2.FONT_HERSHEY_SIMPLEX, dice.uniform(0.3, 0.9), (30, 30, 30)
                )
            out = page
            out = cv2.GaussianBlur(out, (0, 0), 1.5)  # nothing so near is sharp
        else:
            rough = cv2.resize(noise.normal(0, 1, (max(tall // 18, 2), max(wide // 18, 2))), (wide, tall))
            out += 16 * rough[..., None]
    return out


def _covers(dice: random.Random, tall: int, wide: int, textured: bool) -> Change:
    cloth = _cloth(dice, tall, wide, textured)
    part = dice.choice((0.6, 0.7, 0.8, 0.9, 1.0, 1.0))
    side = dice.randrange(4)
    mask = np.zeros((tall, wide), np.float32)
    if side == 0:
        mask[:, : round(part * wide)] = 1
    elif side == 1:
        mask[:, round((1 - part) * wide) :] = 1
    elif side == 2:
        mask[: round(part * tall)] = 1
    else:
        mask[round((1 - part) * tall) :] = 1
    soft = cv2.GaussianBlur(mask, (0, 0), wide * 0.02, borderType=cv2.BORDER_REPLICATE)[..., None]
    return lambda p, t: _bytes(p * (1 - soft) + cloth * soft)


def _bytes(picture: Any) -> Pixels:
    return np.asarray(np.clip(picture, 0, 255), np.uint8)


def _changes(kind: str, dice: random.Random, tall: int, wide: int) -> Change:
    """What is done to each picture, given the seconds since it began; kinds done elsewhere change nothing here."""
    if kind in TAMPER:
        return _mischief(kind, dice, tall, wide)
    return _light(kind, dice, tall, wide) or _weather(kind, dice, tall, wide)


def _mischief(kind: str, dice: random.Random, tall: int, wide: int) -> Change:
    noise = np.random.default_rng(dice.randrange(1 << 30))
    if kind == "black":
        level = dice.uniform(0, 14)
        return lambda p, t: _bytes(np.full_like(p, level))
    if kind in ("plain cover", "textured cover"):
        return _covers(dice, tall, wide, kind[0] == "t")
    if kind == "sprayed":
        rough = cv2.resize(noise.random((5, 8)), (wide, tall), interpolation=cv2.INTER_CUBIC)
        thick = np.clip(dice.uniform(0.75, 0.95) + 0.25 * (rough - 0.5), 0, 1)[..., None]
        paint = noise.integers(10, 230, 3)
        return lambda p, t: _bytes(cv2.GaussianBlur(p, (0, 0), wide * 0.03) * (1 - thick) + paint * thick)
    if kind == "defocused":
        sigma = dice.choice((2.5, 3, 4, 6, 9, 12)) * wide / 400
        return lambda p, t: _bytes(cv2.GaussianBlur(p, (0, 0), sigma))
    return lambda p, t: p


def _light(kind: str, dice: random.Random, tall: int, wide: int) -> Change | None:
    down, across = np.indices((tall, wide))
    if kind == "lamp off":
        left, warm = dice.uniform(0.15, 0.5), np.array([0.8, 0.95, 1.1])
        return lambda p, t: _bytes(p * left * warm)
    if kind == "lamp on":
        x, y, far = dice.random() * wide, dice.random() * tall, dice.uniform(0.2, 0.5) * wide
        pool = 1 + dice.uniform(0.5, 1.5) * np.exp(-((across - x) ** 2 + (down - y) ** 2) / far**2)[..., None]
        return lambda p, t: _bytes(p * pool)
    if kind == "infrared":
        gamma, gain = dice.uniform(0.6, 1.3), dice.uniform(0.6, 1.0)
        ring = 1.1 - 0.6 * np.hypot((across - wide / 2) / wide, (down - tall / 2) / tall)[..., None]
        return lambda p, t: _bytes(
            255 * gain * ring * (cv2.cvtColor(p, cv2.COLOR_BGR2GRAY)[..., None].repeat(3, 2) / 255.0) ** gamma
        )
    if kind == "dusk":
        least = dice.uniform(0.15, 0.3)
        return lambda p, t: _bytes(p * max(least, 1 - t / 10 * (1 - least)))
    if kind == "exposure":
        pace, much = dice.uniform(1.5, 5), dice.uniform(0.3, 0.6)
        return lambda p, t: _bytes(p * (1 + much * np.sin(t * 6.28 / pace)))
    if kind == "headlights":
        y = dice.uniform(0.3, 0.9) * tall
        return lambda p, t: _headlit(p, t, y, down, across)
    return None


def _weather(kind: str, dice: random.Random, tall: int, wide: int) -> Change:
    noise = np.random.default_rng(dice.randrange(1 << 30))
    down, across = np.indices((tall, wide))
    if kind == "rain":
        return lambda p, t: _rained(p, noise)
    if kind == "wind":
        return lambda p, t: np.roll(p, tuple(noise.integers(-3, 4, 2)), (0, 1))
    if kind == "dirt":
        x, y, big = dice.random() * wide, dice.random() * tall, dice.uniform(0.06, 0.14) * wide
        blob = np.clip(1.6 * np.exp(-((across - x) ** 2 + (down - y) ** 2) / big**2), 0, 0.95)[..., None]
        return lambda p, t: _bytes(p * (1 - blob) + 40 * blob)
    if kind == "passer":
        colour, width, long = noise.integers(10, 200, 3), dice.uniform(0.35, 0.6), dice.uniform(1, 2.5)
        return lambda p, t: _passed(p, t / long, width, colour, 0)
    if kind == "bus":
        colour, width, long = noise.integers(60, 240, 3), dice.uniform(0.8, 1.1), dice.uniform(1.5, 3.2)
        return lambda p, t: _passed(p, t / long, width, colour, 1)
    return lambda p, t: p


def _rained(picture: Pixels, noise: np.random.Generator) -> Pixels:
    out = picture.copy()
    tall, wide = out.shape[:2]
    for x, y in zip(noise.integers(0, wide, 120), noise.integers(0, tall, 120), strict=True):
        cv2.line(out, (int(x), int(y)), (int(x) + 2, int(y) + 12), (200, 200, 200), 1, cv2.LINE_AA)
    return _bytes(0.5 * picture + 0.5 * out + noise.normal(0, 4, picture.shape))


def _headlit(picture: Pixels, t: float, y: float, down: Any, across: Any) -> Pixels:
    if t > 6:
        return picture
    wide = picture.shape[1]
    x, big = (t / 6) * wide, wide * (0.05 + 0.04 * t)
    glow = np.exp(-((across - x) ** 2 + (down - y) ** 2) / big**2)[..., None]
    return _bytes(picture * (1 - 0.35 * min(t, 1)) + 260 * glow)


def _passed(picture: Pixels, through: float, width: float, colour: Any, bus: int) -> Pixels:
    if through >= 1:
        return picture
    tall, wide = picture.shape[:2]
    left = round((-width + through * (1 + width)) * wide)
    right, top = round(left + width * wide), 0 if not bus else round(0.1 * tall)
    out = picture.copy()
    a, b = max(left, 0), min(right, wide)
    if b > a:
        out[top:, a:b] = colour
        if bus:
            upper, lower = round(0.25 * tall), round(0.55 * tall)
            for x in range(left, right, wide // 8):
                cv2.rectangle(out, (x + 4, upper), (x + wide // 8 - 4, lower), (50, 40, 35), -1)
        else:
            out[top:, a:b] = _bytes(out[top:, a:b] + np.linspace(-25, 25, b - a)[None, :, None])
    return out
