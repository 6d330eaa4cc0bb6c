"""What happens before a camera and is no tamper, laid over its pictures: light, weather, traffic, the codec."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, Final

import cv2
import numpy as np

from bench.vision_mischief import Change, bytes_of
from devices.picture.frame import Pixels

HARMLESS: Final = (
    "nothing", "dimmed", "lamp off", "lamps on", "lamp on", "infrared", "exposure", "warmer", "shadow", "headlights",
    "passer", "bus", "crowd", "rain", "fog", "noise", "blocks", "wind", "dirt",
)  # fmt: skip


def harmless(kind: str, dice: random.Random, tall: int, wide: int, frames: Sequence[Pixels]) -> Change:
    """What changes; `frames` are pictures of the clip, from which a crowd takes its clothes."""
    noise = np.random.default_rng(dice.randrange(1 << 30))
    if kind == "crowd":
        return _crowd(dice, tall, wide, frames)
    if kind in ("passer", "bus"):
        return _passing(kind, dice, tall, wide)
    if kind in ("rain", "fog", "noise", "blocks", "wind", "dirt"):
        return _weather(kind, dice, tall, wide, noise)
    return _light(kind, dice, tall, wide)


def _light(kind: str, dice: random.Random, tall: int, wide: int) -> Change:
    down, across = np.indices((tall, wide))
    x, y = dice.random() * wide, dice.random() * tall
    if kind == "dimmed":
        least, long = dice.uniform(0.15, 0.6), dice.choice((0.3, 5.0, 10.0))
        return lambda p, t: bytes_of(p * max(least, 1 - t / long * (1 - least)))
    if kind == "lamp off":
        left = dice.uniform(0.15, 0.5) * np.array([0.8, 0.95, 1.1])
        return lambda p, t: bytes_of(p * left)
    if kind == "lamps on":
        gain = dice.uniform(1.3, 2.2) * np.array([0.9, 1.0, 1.05])
        return lambda p, t: bytes_of(p * gain)
    if kind == "lamp on":
        far = dice.uniform(0.2, 0.5) * wide
        pool = 1 + dice.uniform(0.5, 1.5) * np.exp(-((across - x) ** 2 + (down - y) ** 2) / far**2)[..., None]
        return lambda p, t: bytes_of(p * pool)
    if kind == "infrared":
        gamma, gain = dice.uniform(0.6, 1.3), dice.uniform(0.6, 1.0)
        ring = 1.1 - 0.6 * np.hypot((across - wide / 2) / wide, (down - tall / 2) / tall)[..., None]
        return lambda p, t: bytes_of(
            255 * gain * ring * (cv2.cvtColor(p, cv2.COLOR_BGR2GRAY)[..., None].repeat(3, 2) / 255.0) ** gamma
        )
    if kind == "exposure":
        pace, much = dice.uniform(1.5, 5), dice.uniform(0.3, 0.6)
        return lambda p, t: bytes_of(p * (1 + much * np.sin(t * 6.28 / pace)))
    if kind == "warmer":
        tint = np.array([dice.uniform(0.7, 1.3), 1.0, dice.uniform(0.7, 1.3)])
        return lambda p, t: bytes_of(p * tint)
    if kind == "shadow":
        angle, deep, pace = dice.uniform(0, 6.28), dice.uniform(0.35, 0.6), dice.uniform(0.02, 0.2) * wide
        along = across * np.cos(angle) + down * np.sin(angle)
        return lambda p, t: bytes_of(
            p * (1 - deep / (1 + np.exp((along - along.min() - pace * t) / 3)))[..., None]
        )
    if kind == "headlights":
        return lambda p, t: _headlit(p, t, (0.3 + 0.6 * y / tall) * tall, down, across)
    return lambda p, t: p


def _headlit(picture: Pixels, t: float, y: float, down: Any, across: Any) -> Pixels:
    if t > 6:
        return picture
    wide = picture.shape[1]
    x, big = (t / 6) * wide, wide * (0.05 + 0.04 * t)
    glow = np.exp(-((across - x) ** 2 + (down - y) ** 2) / big**2)[..., None]
    return bytes_of(picture * (1 - 0.35 * min(t, 1)) + 260 * glow)


def _weather(kind: str, dice: random.Random, tall: int, wide: int, noise: np.random.Generator) -> Change:
    if kind == "rain":
        return lambda p, t: _rained(p, noise)
    if kind == "fog":
        most, long = dice.uniform(0.3, 0.55), dice.choice((2.0, 8.0))
        return lambda p, t: bytes_of(p + (190.0 - p) * most * min(1.0, t / long))
    if kind == "noise":
        grain = dice.uniform(6, 14)
        return lambda p, t: bytes_of(p + noise.normal(0, grain, p.shape))
    if kind == "blocks":
        quality = [cv2.IMWRITE_JPEG_QUALITY, dice.randint(8, 20)]
        return lambda p, t: np.asarray(
            cv2.imdecode(cv2.imencode(".jpg", p, quality)[1], cv2.IMREAD_COLOR), np.uint8
        )
    if kind == "wind":
        return lambda p, t: np.roll(p, tuple(noise.integers(-3, 4, 2)), (0, 1))
    down, across = np.indices((tall, wide))
    x, y, big = dice.random() * wide, dice.random() * tall, dice.uniform(0.06, 0.14) * wide
    blob = np.clip(1.6 * np.exp(-((across - x) ** 2 + (down - y) ** 2) / big**2), 0, 0.95)[..., None]
    return lambda p, t: bytes_of(p * (1 - blob) + 40 * blob)


def _rained(picture: Pixels, noise: np.random.Generator) -> Pixels:
    out = picture.copy()
    tall, wide = out.shape[:2]
    for x, y in zip(noise.integers(0, wide, 120), noise.integers(0, tall, 120), strict=True):
        cv2.line(out, (int(x), int(y)), (int(x) + 2, int(y) + 12), (200, 200, 200), 1, cv2.LINE_AA)
    return bytes_of(0.5 * picture + 0.5 * out + noise.normal(0, 4, picture.shape))


def _crowd(dice: random.Random, tall: int, wide: int, frames: Sequence[Pixels]) -> Change:
    """People who walk through, a third of the picture tall or more, in clothes cut from the clip itself."""
    people = []
    for _ in range(dice.randint(6, 14)):
        high, broad = round(dice.uniform(0.3, 0.7) * tall), round(dice.uniform(0.06, 0.14) * wide)
        frame = frames[dice.randrange(len(frames))]
        left, top = dice.randrange(wide - broad), dice.randrange(tall - high)
        clothes = bytes_of(frame[top : top + high, left : left + broad] * dice.uniform(0.4, 1.3))
        mask = np.zeros((high, broad), np.uint8)
        cv2.ellipse(mask, (broad // 2, high // 2), (broad // 2, high // 2), 0, 0, 360, 255, -1)
        people.append((clothes, mask > 0, dice.uniform(0, wide), dice.uniform(-0.2, 0.2) * wide,
                       dice.randrange(tall - high)))  # fmt: skip

    def walking(picture: Pixels, t: float) -> Pixels:
        out = picture.copy()
        for clothes, mask, x, pace, top in people:
            high, broad = mask.shape
            left = round((x + pace * t) % (wide + broad)) - broad
            a, b = max(left, 0), min(left + broad, wide)
            if b > a:
                part = mask[:, a - left : b - left]
                out[top : top + high, a:b][part] = clothes[:, a - left : b - left][part]
        return out

    return walking


def _passing(kind: str, dice: random.Random, tall: int, wide: int) -> Change:
    """Somebody close by or a bus that fills most of the view and is gone within three seconds."""
    bus = kind == "bus"
    colour = np.array([dice.randrange(10, 230) for _ in range(3)])
    width = dice.uniform(0.8, 1.1) if bus else dice.uniform(0.35, 0.6)
    long = dice.uniform(1.5, 3.2) if bus else dice.uniform(1, 2.5)
    return lambda p, t: _passed(p, t / long, width, colour, bus)


def _passed(picture: Pixels, through: float, width: float, colour: Any, bus: bool) -> Pixels:
    if through >= 1:
        return picture
    tall, wide = picture.shape[:2]
    left = round((-width + through * (1 + width)) * wide)
    right, top = round(left + width * wide), round(0.1 * tall) if bus else 0
    out = picture.copy()
    a, b = max(left, 0), min(right, wide)
    if b > a:
        out[top:, a:b] = colour
        if bus:
            upper, lower = round(0.25 * tall), round(0.55 * tall)
            for x in range(left, right, wide // 8):
                cv2.rectangle(out, (x + 4, upper), (x + wide // 8 - 4, lower), (50, 40, 35), -1)
        else:
            out[top:, a:b] = bytes_of(out[top:, a:b] + np.linspace(-25, 25, b - a)[None, :, None])
    return out
