"""What somebody does to a camera, laid over its pictures: covers, paint, focus, darkness; a change of (picture, t)."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, Final

import cv2
import numpy as np

from devices.picture.frame import Pixels

Change = Callable[[Pixels, float], Pixels]
"""One picture and the seconds since it began; gives a new picture of the same size."""

MISCHIEF: Final = {
    "black": ("black",), "hand": ("covered",), "cloth": ("covered",), "tape": ("covered",), "spray": ("covered",),
    "bag": ("covered", "defocused"), "torch": ("covered",), "defocused": ("defocused",), "moved": ("moved",),
    "rotated": ("rotated", "moved"), "frozen": ("frozen",),
}  # fmt: skip
"""Kinds of tamper and the types each may be told as: the first is the one meant, a second one is right as well."""


def bytes_of(picture: Any) -> Pixels:
    """Grey levels cut to 0..255."""
    return np.asarray(np.clip(picture, 0, 255), np.uint8)


def mischief(kind: str, dice: random.Random, tall: int, wide: int) -> Change:
    """What is done to a picture; moving, turning and freezing are done elsewhere and change nothing here."""
    made = {
        "black": _black, "hand": _hand, "cloth": _cloth, "tape": _tape, "spray": _spray, "bag": _bag,
        "torch": _torch, "defocused": _defocused,
    }.get(kind)  # fmt: skip
    return made(dice, tall, wide) if made else lambda picture, t: picture


def _chance(dice: random.Random) -> np.random.Generator:
    return np.random.default_rng(dice.randrange(1 << 30))


def _black(dice: random.Random, tall: int, wide: int) -> Change:
    """A lens cap or a dead sensor: dark with or without the sensor's noise, at once or within two seconds."""
    noise, level = _chance(dice), dice.uniform(0, 14)
    grain, fade = dice.choice((0.0, 0.0, 2.0, 4.0)), dice.choice((0.0, 0.0, 2.0))

    def black(picture: Pixels, t: float) -> Pixels:
        left = max(0.0, 1 - t / fade) if fade else 0.0
        return bytes_of(picture * left + level * (1 - left) + noise.normal(0, grain or 1e-6, picture.shape))

    return black


def surface(dice: random.Random, tall: int, wide: int, how: str) -> Any:
    """Something near the lens, out of focus: plain, woven, folded, printed or crumpled."""
    noise = _chance(dice)
    down, across = np.indices((tall, wide))
    slope = np.linspace(-1, 1, wide)[None, :, None] * dice.uniform(4, 30)
    out: Any = np.ones((tall, wide, 3)) * noise.integers(10, 220, 3) + slope
    if how == "woven":
        pitch = dice.uniform(4, 9)
        out += 14 * (np.sin(across * 6.28 / pitch) * np.sin(down * 6.28 / pitch))[..., None]
    elif how == "folded":
        angle = dice.uniform(0, 3.14)
        along = across * np.cos(angle) + down * np.sin(angle)
        out += 30 * np.sin(along * 6.28 / dice.uniform(40, 90) + 1.5 * np.sin(down / 31))[..., None]
    elif how == "printed":
        page = bytes_of(out)
        for _ in range(60):
            at = dice.randrange(wide), dice.randrange(tall)
            cv2.putText(page, "safety", at, cv2.FONT_HERSHEY_SIMPLEX, dice.uniform(0.3, 0.9), (30, 30, 30))
        out = cv2.GaussianBlur(page, (0, 0), 1.5).astype(np.float32)
    elif how == "crumpled":
        rough = cv2.resize(noise.normal(0, 1, (max(tall // 18, 2), max(wide // 18, 2))), (wide, tall))
        out += 16 * rough[..., None]
    return out


def _side(dice: random.Random, tall: int, wide: int, part: float, soft: float) -> Any:
    """A mask that covers this part of the view from one side."""
    mask = np.zeros((tall, wide), np.float32)
    side = dice.randrange(4)
    if side < 2:
        mask[:, : round(part * wide)] = 1
    else:
        mask[: round(part * tall)] = 1
    mask = mask if side % 2 else mask[::-1, ::-1]
    return cv2.GaussianBlur(mask, (0, 0), wide * soft, borderType=cv2.BORDER_REPLICATE)[..., None]


def _cloth(dice: random.Random, tall: int, wide: int) -> Change:
    """A cloth or sheet over most of the view that may sway a little."""
    how = dice.choice(("plain", "woven", "folded", "printed", "crumpled"))
    cloth = surface(dice, tall, wide, how)
    mask = _side(dice, tall, wide, dice.choice((0.7, 0.8, 0.9, 1.0, 1.0)), 0.02)
    sway = dice.choice((0.0, 0.0, 3.0))

    def hung(picture: Pixels, t: float) -> Pixels:
        moved = np.roll(cloth, round(sway * np.sin(t * 2)), 1)
        return bytes_of(picture * (1 - mask) + moved * mask)

    return hung


def _tape(dice: random.Random, tall: int, wide: int) -> Change:
    """Tape or a sticker: one colour, light bleeding in at the rim, 60 % of the view or more."""
    tape = surface(dice, tall, wide, "plain")
    mask = _side(dice, tall, wide, dice.uniform(0.6, 1.0), dice.uniform(0.005, 0.03))
    return lambda picture, t: bytes_of(picture * (1 - mask) + tape * mask)


def _hand(dice: random.Random, tall: int, wide: int) -> Change:
    """A palm with fingers before the lens, out of focus, trembling; light shows red between the fingers."""
    tone = np.array(dice.choice(((95, 125, 185), (60, 85, 130), (40, 55, 85), (120, 150, 205))), np.float32)
    down, across = np.indices((tall, wide))
    palm = np.ones((tall, wide), np.float32)
    fingers = dice.randint(2, 4)
    angle, pitch = dice.uniform(-0.5, 0.5), wide / (fingers + 0.3)
    along = (across * np.cos(angle) + down * np.sin(angle)) % pitch
    gap = np.exp(-((along - pitch / 2) ** 2) / (dice.uniform(0.02, 0.06) * wide) ** 2)
    reach = dice.uniform(0.2, 0.6) * tall
    palm -= (dice.uniform(0.3, 0.8) * gap * (down < reach)).astype(np.float32)
    palm = cv2.GaussianBlur(palm, (0, 0), wide * dice.uniform(0.008, 0.025))[..., None]
    shade = (0.75 + 0.4 * np.hypot(across / wide - dice.random(), down / tall - dice.random()))[..., None]
    comes = dice.uniform(0.2, 1.0)

    def held(picture: Pixels, t: float) -> Pixels:
        there = np.roll(palm, (round(2 * np.sin(5 * t)), round(2 * np.cos(4 * t))), (0, 1))
        if t < comes:  # it comes from below
            there = np.where((down > tall * (1 - t / comes))[..., None], there, 0)
        return bytes_of(picture * (1 - there) + tone * shade * there)

    return held


def _spray(dice: random.Random, tall: int, wide: int) -> Change:
    """Paint that grows in spots until it covers most of the lens; what is behind a thin layer is hazy."""
    noise, paint = _chance(dice), np.array([dice.uniform(10, 235) for _ in range(3)])
    down, across = np.indices((tall, wide))
    order = np.full((tall, wide), 9.0)
    for number in range(40):
        x, y, big = noise.random() * wide, noise.random() * tall, wide * noise.uniform(0.06, 0.2)
        rough = np.hypot(across - x, down - y) / big
        order = np.minimum(order, rough**2 + number / 40)
    long, thick = dice.uniform(0.5, 5.0), dice.uniform(0.85, 1.0)
    grain = noise.normal(0, 5, (tall, wide))[..., None]

    def sprayed(picture: Pixels, t: float) -> Pixels:
        level = 1.6 * min(t / long, 1.0)
        mask = (thick * np.clip((level - order) * 4 + 0.5, 0, 1))[..., None]
        behind = cv2.GaussianBlur(picture, (0, 0), wide * 0.01)
        return bytes_of(np.where(mask > 0.02, behind, picture) * (1 - mask) + (paint + grain) * mask)

    return sprayed


def _bag(dice: random.Random, tall: int, wide: int) -> Change:
    """A plastic bag: haze and blur with bright creases."""
    sigma, haze = dice.uniform(0.012, 0.03) * wide, dice.uniform(0.4, 0.75)
    creases = cv2.GaussianBlur(_chance(dice).normal(0, 1, (tall, wide)), (0, 0), wide * 0.02)
    bright = (200 + 35 * creases / creases.std())[..., None]
    return lambda picture, t: bytes_of(cv2.GaussianBlur(picture, (0, 0), sigma) * (1 - haze) + bright * haze)


def _torch(dice: random.Random, tall: int, wide: int) -> Change:
    """Somebody dazzles the camera: white nearly everywhere."""
    down, across = np.indices((tall, wide))
    x, y, far = dice.uniform(0.3, 0.7) * wide, dice.uniform(0.3, 0.7) * tall, dice.uniform(0.8, 1.5) * wide
    glare = (600 * np.exp(-((across - x) ** 2 + (down - y) ** 2) / far**2))[..., None]
    return lambda picture, t: bytes_of(picture * 0.6 + glare)


def _defocused(dice: random.Random, tall: int, wide: int) -> Change:
    """Out of focus by a disc of 3 to 15 pixels radius of 400, at once or turning slowly."""
    radius, gradual = dice.uniform(3, 15) * wide / 400, dice.choice((0.0, 0.0, 4.0))

    def blurred(picture: Pixels, t: float) -> Pixels:
        now = radius * min(1.0, t / gradual) if gradual else radius
        size = 2 * int(np.ceil(now)) + 1
        down, across = np.indices((size, size)) - size // 2
        disc = np.clip(now + 0.5 - np.hypot(down, across), 0, 1)
        return np.asarray(cv2.filter2D(picture, -1, disc / max(disc.sum(), 1e-6)), np.uint8)

    return blurred
