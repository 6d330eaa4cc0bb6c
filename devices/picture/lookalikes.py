"""Drawn things that people take for flames: what possible flame must not fall for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from devices.picture.firelight import TILE, Maker, Painter, Pixels, clouds, over, place, sampled


def neon(rng: Generator, width: int, height: int) -> Painter:
    """A sign in a warm colour that flickers as a whole, blinks, or has a letter that fails."""
    x, y, wide, tall = place(rng, width, height, 0.08, 0.35)
    wide *= 2
    letters = np.zeros((tall, wide), np.float32)
    for one in range(4):
        at = int(wide * (0.08 + one * 0.23))
        cv2.rectangle(letters, (at, tall // 6), (at + wide // 8, tall - tall // 6), 1, max(tall // 8, 1))
    colour = np.array([rng.uniform(0, 90), rng.uniform(40, 140), 255], np.float32)
    rate, duty, bad = rng.uniform(0.5, 6), rng.uniform(0.3, 0.9), int(rng.integers(0, 5))
    random = rng.random(1024)

    def paint(picture: Pixels, at: float) -> None:
        lit = letters * (1.0 if (at * rate) % 1 < duty else 0.15)
        if bad < 4:
            part = slice(int(wide * (0.05 + bad * 0.23)), int(wide * (0.25 + bad * 0.23)))
            lit[:, part] = letters[:, part] * random[int(at * 24) % 1024]
        soft = cv2.GaussianBlur(lit, (0, 0), 1 + tall / 40)
        over(
            picture,
            x,
            y,
            np.broadcast_to(colour, (tall, wide, 3)).astype(np.float32),
            np.clip(soft * 1.4, 0, 1),
        )

    return paint


def ticker(rng: Generator, width: int, height: int) -> Painter:
    """Red or amber text that runs across a dot-matrix sign."""
    x, y, wide, tall = place(rng, width, height, 0.06, 0.2)
    wide *= 4
    dots = max(tall // 10, 1)
    text = np.zeros((tall, wide * 4), np.float32)
    for one in range(24):
        at = int(text.shape[1] * one / 24)
        kind = int(rng.integers(0, 3))
        if kind == 0:
            cv2.line(text, (at, tall // 6), (at + tall // 2, tall - tall // 6), 1, dots * 2)
        elif kind == 1:
            cv2.circle(text, (at + tall // 4, tall // 2), tall // 4, 1, dots)
        else:
            cv2.rectangle(text, (at, tall // 5), (at + tall // 2, tall - tall // 5), 1, dots)
    colour = np.array([20, rng.uniform(20, 150), 255], np.float32)
    speed = rng.uniform(20, 120)

    def paint(picture: Pixels, at: float) -> None:
        shown = np.roll(text, -int(at * speed), axis=1)[:, :wide]
        over(picture, x, y, np.full((tall, wide, 3), 12, np.float32), np.full((tall, wide), 0.9, np.float32))
        over(picture, x, y, np.broadcast_to(colour, (tall, wide, 3)).astype(np.float32), shown)

    return paint


def _lamp(
    picture: Pixels, x: float, y: float, size: float, strength: float, colour: NDArray[np.float64]
) -> None:
    """A round light with its halo; white in the middle where it is strong."""
    reach = max(int(size * 3), 3)
    down, across = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(np.float32)
    far = (across**2 + down**2) / max(size, 1) ** 2
    cover = np.clip(strength * np.exp(-far / 2) * 1.6, 0, 1)
    white = np.clip(strength * np.exp(-far * 1.5) * 1.2 - 0.3, 0, 1)[..., None]
    patch = colour * (1 - white) + 255 * white
    over(picture, int(x) - reach, int(y) - reach, patch.astype(np.float32), cover.astype(np.float32))


def tail_lights(rng: Generator, width: int, height: int) -> Painter:
    """A vehicle's rear lamps: driving off, braking, standing with its indicator on."""
    x, y = rng.uniform(0.1, 0.9) * width, rng.uniform(0.2, 0.9) * height
    size, gap = rng.uniform(1.5, 7), rng.uniform(8, 50)
    move = rng.uniform(-0.15, 0.15, 2) * (width, height) * int(rng.integers(0, 2))
    red, amber = np.array([30.0, 40.0, 255.0]), np.array([20.0, 150.0, 255.0])
    blink, brake = int(rng.integers(0, 2)), rng.uniform(0.1, 1)

    def paint(picture: Pixels, at: float) -> None:
        here_x, here_y = x + move[0] * at, y + move[1] * at
        strength = 1.3 if (at * brake) % 1 < 0.4 else 0.7
        for side in (-1, 1):
            _lamp(picture, here_x + side * gap / 2, here_y, size, strength, red)
        if blink and (at * 1.5) % 1 < 0.5:  # 90 a minute, UN Regulation 48
            _lamp(picture, here_x + gap / 2 + size * 2, here_y, size, 1.2, amber)

    return paint


def beacon(rng: Generator, width: int, height: int) -> Painter:
    """A turning amber lamp on a vehicle or a machine, with the light it throws around."""
    x, y = rng.uniform(0.1, 0.9) * width, rng.uniform(0.1, 0.9) * height
    size, rate = rng.uniform(2, 9), rng.uniform(1, 3)
    colour = np.array([10.0, rng.uniform(90, 170), 255.0])

    def paint(picture: Pixels, at: float) -> None:
        strength = max(np.cos(2 * np.pi * rate * at), 0.0) ** 4
        _lamp(picture, x, y, size * 3, 0.3 * strength, colour)
        _lamp(picture, x, y, size, 0.2 + 1.3 * strength, colour)

    return paint


def orange_clothes(rng: Generator, width: int, height: int) -> Painter:
    """Somebody in an orange vest who walks, or stands and works with their arms."""
    tall = rng.uniform(0.15, 0.6) * height
    x, y = rng.uniform(0.1, 0.9) * width, rng.uniform(0.2, 0.7) * height
    speed = rng.uniform(-0.25, 0.25) * width * int(rng.integers(0, 2))
    colour = (int(rng.uniform(20, 70)), int(rng.uniform(70, 150)), int(rng.uniform(210, 255)))
    step = rng.uniform(1.2, 2.2)

    def paint(picture: Pixels, at: float) -> None:
        here = x + speed * at
        swing = np.sin(2 * np.pi * step * at)
        foot, hip, head = int(y + tall / 2), int(y + tall / 8), int(y - tall / 2)
        for side in (-1, 1):
            cv2.line(
                picture,
                (int(here), hip),
                (int(here + side * swing * tall / 6), foot),
                (60, 45, 40),
                max(int(tall / 12), 1),
            )
        cv2.ellipse(
            picture,
            (int(here), int(y - tall / 8)),
            (max(int(tall / 8), 2), max(int(tall / 4), 3)),
            swing * 3,
            0,
            360,
            colour,
            -1,
        )
        for side in (-1, 1):
            hand = (int(here + side * tall / 6 + swing * tall / 10), int(y + side * swing * tall / 8))
            cv2.line(picture, (int(here), int(y - tall / 4)), hand, colour, max(int(tall / 16), 1))
        cv2.circle(picture, (int(here), head), max(int(tall / 12), 1), (120, 150, 190), -1)
        stripe = int(y - tall / 10)
        cv2.line(
            picture,
            (int(here - tall / 8), stripe),
            (int(here + tall / 8), stripe),
            (210, 225, 220),
            max(int(tall / 30), 1),
        )

    return paint


def flag(rng: Generator, width: int, height: int) -> Painter:
    """A red or orange cloth in the wind."""
    x, y, wide, tall = place(rng, width, height, 0.1, 0.4)
    wide *= 2
    colour = np.array([rng.uniform(10, 60), rng.uniform(20, 130), rng.uniform(190, 255)], np.float32)
    wave, speed, depth = rng.uniform(1, 3), rng.uniform(0.5, 2.5), rng.uniform(0.1, 0.4)
    down, across = np.mgrid[0:tall, 0:wide].astype(np.float32)

    def paint(picture: Pixels, at: float) -> None:
        phase = 2 * np.pi * (wave * across / wide - speed * at)
        shade = 1 - depth * (0.5 + 0.5 * np.cos(phase + 0.6 * np.sin(3 * at)))
        edge = tall * 0.12 * np.sin(phase) * across / wide
        cover = ((down > tall * 0.12 + edge) & (down < tall * 0.88 + edge)).astype(np.float32)
        over(picture, x, y, (shade[..., None] * colour).astype(np.float32), cover)

    return paint


def leaves(rng: Generator, width: int, height: int) -> Painter:
    """Autumn leaves that the wind shakes, gusts and calm by turns."""
    x, y, wide, tall = place(rng, width, height, 0.2, 0.6)
    noise, shape = clouds(rng, 5), clouds(rng, 3)
    down, across = np.mgrid[0:tall, 0:wide].astype(np.float32)
    cover = (sampled(shape, across, down) > 0.4).astype(np.float32)
    hue, gust, rate = rng.uniform(60, 150), rng.uniform(1, 4), rng.uniform(0.5, 2)

    def paint(picture: Pixels, at: float) -> None:
        shift = gust * np.sin(2 * np.pi * (rate * at + across / wide)) * (0.5 + 0.5 * np.sin(0.7 * at))
        tone = sampled(noise, across * 2 + shift * 2 + TILE, down * 2 + shift + TILE)
        patch = np.stack([tone * 60, 40 + tone * hue, 120 + tone * 130], axis=-1)
        over(picture, x, y, patch.astype(np.float32), cover)

    return paint


def twinkle(rng: Generator, width: int, height: int) -> Painter:
    """A string of small warm lamps, each blinking for itself."""
    x, y, wide, tall = place(rng, width, height, 0.2, 0.5)
    count = int(rng.integers(8, 40))
    places = rng.random((count, 2)) * (wide * 2, tall) + (x, y)
    rates, phases = rng.uniform(0.3, 2.5, count), rng.random(count)
    colour = np.array([40.0, rng.uniform(90, 170), 255.0])
    size = rng.uniform(1, 2.5)

    def paint(picture: Pixels, at: float) -> None:
        for (here_x, here_y), rate, phase in zip(places, rates, phases, strict=True):
            if (at * rate + phase) % 1 < 0.6:
                _lamp(picture, here_x, here_y, size, 1.0, colour)

    return paint


def sunset(rng: Generator, width: int, height: int) -> Painter:
    """A low sun in a red sky, and clouds that drift before it."""
    noise = clouds(rng)
    x, y = rng.uniform(0.2, 0.8) * width, rng.uniform(0.1, 0.4) * height
    drift, size = rng.uniform(2, 12), rng.uniform(8, 30)
    down, across = np.mgrid[0 : height // 2, 0:width].astype(np.float32)
    far = np.sqrt((across - x) ** 2 + (down - y) ** 2)
    cover = np.clip((height / 2 - down) / (height / 6), 0, 1).astype(np.float32)

    def paint(picture: Pixels, at: float) -> None:
        cloud = sampled(noise, across * 0.5 + drift * at, down * 0.8)
        light = np.clip(1.4 - far / width * 1.6, 0.2, 1.2) * (0.6 + 0.4 * cloud)
        core = np.exp(-((far / size) ** 2)) * (0.5 + 0.5 * cloud)
        patch = np.stack(
            [60 * light + 180 * core, 130 * light + 150 * core, 235 * light + 60 * core], axis=-1
        )
        over(picture, 0, 0, patch.astype(np.float32), cover)

    return paint


def glints(rng: Generator, width: int, height: int) -> Painter:
    """A low sun on wet ground or water: warm sparks where ripples turn."""
    x, y, wide, tall = place(rng, width, height, 0.15, 0.4)
    wide *= 2
    noise = clouds(rng, 5)
    down, across = np.mgrid[0:tall, 0:wide].astype(np.float32)
    speed, level = rng.uniform(10, 50), rng.uniform(0.62, 0.75)
    warm = rng.uniform(90, 200)

    def paint(picture: Pixels, at: float) -> None:
        first = sampled(noise, across * 2 + speed * at, down * 5)
        second = sampled(noise, across * 2.6 - speed * at * 0.7 + 40, down * 5.7 + 40)
        spark = np.clip(((first + second) / 2 - level) * 12, 0, 1).astype(np.float32)
        patch = np.stack([40 + 150 * spark, warm + 50 * spark, np.full_like(spark, 250)], axis=-1)
        over(picture, x, y, patch.astype(np.float32), spark)

    return paint


def lanterns(rng: Generator, width: int, height: int) -> Painter:
    """Red lanterns that sway, lit from inside."""
    count = int(rng.integers(1, 6))
    places = rng.random((count, 2)) * (width * 0.8, height * 0.5) + (width * 0.1, height * 0.15)
    size, rate, swing = rng.uniform(4, 18), rng.uniform(0.3, 1.2), rng.uniform(0, 6)
    colour = (int(rng.uniform(20, 60)), int(rng.uniform(30, 100)), 245)

    def paint(picture: Pixels, at: float) -> None:
        for index, (here_x, here_y) in enumerate(places):
            way = swing * np.sin(2 * np.pi * rate * at + index)
            middle = (int(here_x + way), int(here_y))
            cv2.ellipse(picture, middle, (max(int(size * 1.2), 2), max(int(size), 2)), 0, 0, 360, colour, -1)
            cv2.ellipse(
                picture,
                middle,
                (max(int(size * 0.5), 1), max(int(size * 0.6), 1)),
                0,
                0,
                360,
                (90, 170, 255),
                -1,
            )

    return paint


def welding(rng: Generator, width: int, height: int) -> Painter:
    """An arc that flares and pauses, its glare on what is around, sparks that fly from it."""
    x, y = rng.uniform(0.15, 0.85) * width, rng.uniform(0.3, 0.9) * height
    size, cool = rng.uniform(2, 8), rng.uniform(0.7, 1.0)
    random, pause = rng.random(1024), rng.uniform(0.2, 0.8)
    colour = np.array([255.0, 245.0 * cool, 225.0 * cool])
    count, speed = int(rng.integers(0, 30)), rng.uniform(0.15, 0.5) * height
    hue = rng.uniform(110, 200)

    def paint(picture: Pixels, at: float) -> None:
        if (at * 0.23 + pause) % 1 < 0.25:
            return
        strength = 0.5 + float(random[int(at * 25) % 1024])
        _lamp(picture, x, y, size * 4, 0.35 * strength, colour)
        _lamp(picture, x, y, size, 1.5 * strength, colour)
        sparks = np.random.default_rng(int(at * 25))
        for way, far in zip(sparks.uniform(0, 2 * np.pi, count), sparks.random(count) ** 2, strict=True):
            fall = speed * far * far
            here = np.array([x + np.cos(way) * speed * far, y - abs(np.sin(way)) * speed * far * 0.7 + fall])
            there = here + np.array([np.cos(way) * 3, 2.0])
            ends = [(int(one[0]), int(one[1])) for one in (here, there)]
            cv2.line(picture, ends[0], ends[1], (60, hue * (1 - 0.5 * far), 255), 1, cv2.LINE_AA)

    return paint


def traffic_lights(rng: Generator, width: int, height: int) -> Painter:
    """Red and amber signals in their black boxes, with the red man who blinks."""
    count = int(rng.integers(1, 4))
    places = rng.random((count, 2)) * (width * 0.9, height * 0.7) + (width * 0.05, height * 0.1)
    size, period = rng.uniform(2, 8), rng.uniform(4, 12)
    tones = np.array([[40.0, 40.0, 255.0], [20.0, 150.0, 255.0], [40.0, 40.0, 255.0]])

    def paint(picture: Pixels, at: float) -> None:
        for index, (x, y) in enumerate(places):
            corner, other = (int(x - size * 1.5), int(y - size * 2)), (int(x + size * 1.5), int(y + size * 8))
            cv2.rectangle(picture, corner, other, (18, 18, 18), -1)
            turn = (at / period + index / 3) % 1
            which = 0 if turn < 0.5 else 1 if turn < 0.7 else 2
            if which < 2 or (at * 2) % 1 < 0.5:
                _lamp(picture, x, y + which * size * 3, size, 1.0, tones[which])

    return paint


def lit_wall(rng: Generator, width: int, height: int) -> Painter:
    """A brick wall, a curtain or an awning in warm colours, under a lamp that fails or a screen that changes."""
    x, y, wide, tall = place(rng, width, height, 0.2, 0.7)
    noise = clouds(rng, 5)
    down, across = np.mgrid[0:tall, 0:wide].astype(np.float32)
    grain = sampled(noise, across * 1.7, down * 1.7)[..., None] * rng.uniform(0.1, 0.5)
    colour = np.array([rng.uniform(20, 90), rng.uniform(60, 150), rng.uniform(180, 255)], np.float32)
    random, pace, depth = rng.random(1024), rng.uniform(1, 25), rng.uniform(0.1, 0.7)
    patches = sampled(clouds(rng, 2), across, down)[..., None]

    def paint(picture: Pixels, at: float) -> None:
        here, there = random[int(at * pace) % 1024], random[int(at * pace * 0.7) % 1024 - 5]
        light = 1 - depth * (here * patches + there * (1 - patches))
        patch = np.clip(colour * (0.7 + grain) * light, 0, 255)
        over(picture, x, y, patch.astype(np.float32), np.ones((tall, wide), np.float32))

    return paint


LOOKALIKES: Final[Mapping[str, Maker]] = {
    maker.__name__: maker
    for maker in (
        neon, ticker, tail_lights, beacon, orange_clothes, flag, leaves, twinkle, sunset, glints, lanterns,
        welding, traffic_lights, lit_wall,
    )
}  # fmt: skip
"""What is often taken for a flame, by name."""
