"""Fires and what is taken for them, laid over real clips: computed flames, a real clip's flames, look-alikes."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from devices.picture.firelight import Painter, flame
from devices.picture.frame import Pixels
from devices.picture.lookalikes import LOOKALIKES

Floats = NDArray[np.float32]

GRID: Final = (64, 96)  # width and height of a computed flame in cells
WARM_UP: Final = 40  # steps until it burns evenly


class Burning:
    """A flame computed as hot gas that rises, whirls and cools (Stam 1999; whirls kept up after Fedkiw et al. 2001).

    `heat` is 0 to about 1.2 by cell; `rise` is how many of its own heights a second the gas climbs. A small flame is
    replaced several times a second, a burning house once (Cetegen and Ahmed 1993: 1.5 over the root of its width in m).
    """

    def __init__(self, dice: random.Random, rise: float) -> None:
        wide, tall = GRID
        self._noise = np.random.default_rng(dice.randrange(1 << 30))
        self._across, self._down = np.meshgrid(
            np.arange(wide, dtype=np.float32), np.arange(tall, dtype=np.float32)
        )
        self._u, self._v, self.heat = (np.zeros((tall, wide), np.float32) for _ in range(3))
        self._rise = rise * tall
        self._cool = rise * dice.uniform(0.9, 1.6)
        self._soft = dice.uniform(0.8, 2.2)  # the smallest whirls, in cells
        self._buoyant = dice.uniform(5, 14)
        self._whirl = dice.uniform(0.2, 0.6)
        self._wind = dice.uniform(-0.3, 0.3) * self._rise
        self._foot = dice.uniform(0.15, 0.42) * wide
        kx = np.fft.rfftfreq(wide) * 2 * np.pi
        ky = np.fft.fftfreq(tall) * 2 * np.pi
        self._k = np.stack(np.meshgrid(kx, ky))
        self._k2 = (self._k**2).sum(axis=0)
        self._k2[0, 0] = 1
        self._fuel = np.zeros(wide, np.float32)
        for _ in range(WARM_UP):
            self.step(1 / 25)

    def step(self, seconds: float) -> None:
        """Go on by so much, at most 1/12 s at a time."""
        wide = GRID[0]
        fresh = cv2.resize(self._noise.random((1, 7), np.float32), (wide, 1), interpolation=cv2.INTER_CUBIC)[
            0
        ]
        self._fuel += np.float32(min(seconds * 6, 1)) * (fresh - self._fuel)
        bed = np.exp(-(((self._across[0] - wide / 2) / self._foot) ** 4)) * (0.35 + 1.1 * self._fuel)
        self.heat[-7:-2] = np.maximum(self.heat[-7:-2], bed)
        # Gas that is as hot as fire moves at `rise`; buoyancy makes up for what drag takes.
        self._v -= np.float32(seconds * self._buoyant * self._rise) * self.heat
        self._u += np.float32(seconds * 2) * (self._wind * self.heat - self._u * 0.3)
        curl: Any = cv2.Sobel(self._v, cv2.CV_32F, 1, 0, scale=0.125) - cv2.Sobel(
            self._u, cv2.CV_32F, 0, 1, scale=0.125
        )
        curl = cv2.GaussianBlur(curl, (0, 0), self._soft)
        size = cv2.GaussianBlur(np.abs(curl), (0, 0), 1.5)
        gx, gy = cv2.Sobel(size, cv2.CV_32F, 1, 0), cv2.Sobel(size, cv2.CV_32F, 0, 1)
        norm = np.sqrt(gx * gx + gy * gy) + 1e-3
        push = np.float32(seconds * self._whirl * 12) * curl
        self._u += push * gy / norm
        self._v -= push * gx / norm
        drag = np.float32(np.exp(-2.5 * seconds))
        self._u, self._v = self._freed(self._u * drag, self._v * drag)
        self._v[-2:] = 0
        self._v[:6] *= 0.8
        back_x, back_y = self._across - self._u * seconds, self._down - self._v * seconds
        moved = [
            cv2.remap(part, back_x, back_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
            for part in (self._u, self._v, self.heat)
        ]
        self._u, self._v, heat = (np.asarray(part, np.float32) for part in moved)
        self.heat = np.maximum(heat - np.float32(seconds * self._cool) * (0.1 + 0.8 * heat), 0)
        self.heat[:3] = 0

    def _freed(self, u: Floats, v: Floats) -> tuple[Floats, Floats]:
        """The flow without what flows together or apart."""
        fu, fv = np.fft.rfft2(u), np.fft.rfft2(v)
        along = (self._k[0] * fu + self._k[1] * fv) / self._k2
        free = [np.fft.irfft2(f - along * k, s=u.shape) for f, k in ((fu, self._k[0]), (fv, self._k[1]))]
        return free[0].astype(np.float32), free[1].astype(np.float32)


def computed(dice: random.Random, width: int, height: int) -> Painter:
    """A computed fire of 8 to 70 % of the picture's height: light on a sensor that saturates, a glow, some smoke."""
    tall = height * float(np.exp(dice.uniform(np.log(0.14), np.log(0.95))))
    wide = tall * dice.uniform(0.5, 1.4)
    # The larger it looks the larger it mostly is, and the slower.
    rise = dice.uniform(1.2, 3.0) * float(np.clip((0.25 * height / tall) ** 0.4, 0.5, 1.6))
    burning = Burning(dice, rise)
    tint = np.array([dice.uniform(0.03, 0.2), dice.uniform(0.25, 0.6), 1.0], np.float32)
    exposure, smoke = dice.uniform(1.5, 7), dice.choice((0, 0, 0.35))
    x, foot = dice.uniform(0.15, 0.85) * width, dice.uniform(max(0.35, tall / height), 1.0) * height
    begins, grows = dice.uniform(0.5, 1.0), dice.uniform(0.0, 0.1)
    shine = dice.uniform(0, 0.25)
    last: float | None = None

    def paint(picture: Pixels, at: float) -> None:
        nonlocal last
        left = 0.0 if last is None else min(at - last, 1.0)
        last = at
        while left > 1e-6:
            step = min(left, 1 / 24)
            burning.step(step)
            left -= step
        size = min(begins + grows * at, 1.0)
        shape = (max(round(wide * size), 6), max(round(tall * size), 8))
        heat = cv2.resize(burning.heat, shape, interpolation=cv2.INTER_CUBIC)
        light = np.clip(heat, 0, 2)[..., None] ** 2 * tint * exposure
        left_x, top = round(x - shape[0] / 2), round(foot - shape[1])
        a, b, c, d = max(left_x, 0), min(left_x + shape[0], width), max(top, 0), min(top + shape[1], height)
        if a >= b or c >= d:
            return
        glow = shine * float(heat.mean()) * 3
        picture[:] = np.clip(picture * (1 + glow * np.array([0.2, 0.5, 1.0])), 0, 255).astype(np.uint8)
        part = light[c - top : d - top, a - left_x : b - left_x]
        under = picture[c:d, a:b].astype(np.float32)
        dim = 1 - np.clip(part[..., 2:] * 0.8, 0, 0.85)  # a flame is not clear as glass
        lit = 255 * (1 - (1 - under / 255 * dim) * np.exp(-part))
        if smoke:
            above = slice(max(c - (d - c) // 2, 0), c + (d - c) // 3)
            hazy = picture[above, a:b].astype(np.float32)
            picture[above, a:b] = (hazy * (1 - smoke) + smoke * 120).astype(np.uint8)
        picture[c:d, a:b] = np.clip(lit, 0, 255).astype(np.uint8)

    return paint


class RealFlames:
    """The flames of a real clip, cut out by their colour picture by picture."""

    def __init__(self, file: Path, box: tuple[float, float, float, float]) -> None:
        capture = cv2.VideoCapture(str(file))
        self._rate = capture.get(cv2.CAP_PROP_FPS)
        self._film: list[Pixels] = []
        self._covers: list[Floats] = []
        self._dark: Floats | None = None
        while (read := capture.read())[0]:
            picture = np.asarray(read[1], np.uint8)
            tall, wide = picture.shape[:2]
            rows = slice(round(box[1] * tall), round((box[1] + box[3]) * tall))
            columns = slice(round(box[0] * wide), round((box[0] + box[2]) * wide))
            part = picture[rows, columns]
            luma, red, blue = cv2.split(cv2.cvtColor(part, cv2.COLOR_BGR2YCrCb))
            shines = (luma > 175) | (luma > self._wall(luma) + 30.0)
            burns = shines & (cv2.subtract(red, blue) > 25)
            soft = cv2.GaussianBlur(burns.astype(np.float32), (0, 0), 1.2)
            self._film.append(part)
            self._covers.append(np.asarray(soft, np.float32))
        capture.release()

    def _wall(self, luma: Any) -> Any:
        """How bright the same place is at its darkest in the first pictures."""
        if self._dark is None or len(self._film) < 40:
            self._dark = luma.astype(np.float32) if self._dark is None else np.minimum(self._dark, luma)
        return self._dark

    def painter(self, dice: random.Random, width: int, height: int) -> Painter:
        """These flames elsewhere: in another size, mirrored, brighter or fainter, faster or slower, from any moment."""
        tall = round(height * float(np.exp(dice.uniform(np.log(0.15), np.log(0.9)))))
        source = self._film[0].shape
        wide = round(tall * source[1] / source[0] * dice.uniform(0.8, 1.3))
        mirror, pace = dice.random() < 0.5, dice.uniform(0.7, 1.4)
        gain = dice.uniform(0.85, 1.25) * np.array(
            [dice.uniform(0.4, 1), dice.uniform(0.8, 1.1), 1.0], np.float32
        )
        left, top = round(dice.uniform(0, 1) * (width - wide)), round(dice.uniform(0, 1) * (height - tall))
        begin, count = dice.randrange(len(self._film)), len(self._film)

        def paint(picture: Pixels, at: float) -> None:
            turn = (begin + round(at * self._rate * pace)) % (2 * count - 2)
            index = turn if turn < count else 2 * count - 2 - turn
            parts = (self._film[index].astype(np.float32) * gain, self._covers[index])
            flame, cover = (
                cv2.resize(part[:, ::-1] if mirror else part, (wide, tall), interpolation=cv2.INTER_CUBIC)
                for part in parts
            )
            a, b, c, d = max(left, 0), min(left + wide, width), max(top, 0), min(top + tall, height)
            cover = np.clip(cover[c - top : d - top, a - left : b - left, None], 0, 1)
            under = picture[c:d, a:b]
            under[...] = np.clip(
                under * (1 - cover) + flame[c - top : d - top, a - left : b - left] * cover, 0, 255
            ).astype(np.uint8)

        return paint


def recoloured(
    picture: Pixels, box: tuple[int, int, int, int], tone: tuple[float, float], much: float, lit: float
) -> None:
    """Turn a part of a picture into a flame's colours, its light and its motion left as they are.

    `tone` is the Cr and Cb to go to, `much` how far (0..1), `lit` the gain of its luma.
    """
    x0, y0, x1, y1 = box
    part: Any = cv2.cvtColor(picture[y0:y1, x0:x1], cv2.COLOR_BGR2YCrCb).astype(np.float32)
    part[..., 0] = np.clip(part[..., 0] * lit, 0, 255)
    part[..., 1:] += much * (np.array(tone, np.float32) - part[..., 1:]) * np.clip(part[..., :1] / 90, 0, 1)
    picture[y0:y1, x0:x1] = cv2.cvtColor(np.clip(part, 0, 255).astype(np.uint8), cv2.COLOR_YCrCb2BGR)


Change = Callable[[Pixels, float], None]


def real_alike(dice: random.Random, width: int, height: int) -> Change:
    """Real motion in a flame's colours: orange traffic, a garden in autumn, a red sky, a screen with a warm film."""
    how = dice.choice(("band", "band", "all", "screen", "gusts", "gusts"))
    tone = (dice.uniform(150, 195), dice.uniform(60, 110))
    much, lit = dice.uniform(0.5, 1.0), dice.uniform(0.9, 1.8)
    tall, wide = round(height * dice.uniform(0.15, 0.5)), round(width * dice.uniform(0.2, 0.7))
    x, y = dice.randrange(width - wide), dice.randrange(height - tall)
    box = (0, 0, width, height) if how == "all" else (x, y, x + wide, y + tall)
    waves = [(dice.uniform(0.4, 2.2), dice.uniform(0, 6.28), dice.uniform(0.02, 0.12)) for _ in range(3)]
    gust = dice.uniform(1, 5)
    across, down = np.meshgrid(np.arange(wide, dtype=np.float32), np.arange(tall, dtype=np.float32))

    def change(picture: Pixels, at: float) -> None:
        if how == "screen":
            small = cv2.resize(picture, (wide, tall), interpolation=cv2.INTER_AREA)
            picture[y : y + tall, x : x + wide] = small
        if how == "gusts":  # the leaves of a real tree or meadow, moved to and fro
            swing = sum(np.sin(6.28 * f * at + p + k * across) for f, p, k in waves) * (
                0.5 + 0.5 * np.sin(at * 0.9)
            )
            part = picture[y : y + tall, x : x + wide].copy()
            picture[y : y + tall, x : x + wide] = cv2.remap(
                part, across + (gust * swing).astype(np.float32), down + (gust * 0.4 * swing).astype(np.float32),
                cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT,
            )  # fmt: skip
        recoloured(picture, box, tone, much, lit)

    return change


FIRES: Final = ("computed", "computed, held by hand", "drawn", "real elsewhere")
ALIKE: Final = ("drawn alike", "drawn alike, held by hand", "real alike", "nothing")
FPS: Final = 10
SECONDS: Final = 12
_BASES: Final = {"dvr": (0.0, 22.0), "i_car": (0.0, 29.0), "i_bottle": (0.0, 39.0)}


class Hearth:
    """The clips that fires are laid over, and the flames of the one that burns; read once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._plays: dict[str, tuple[float, list[Pixels]]] = {}
        self._flames: RealFlames | None = None

    def _play(self, base: str) -> tuple[float, list[Pixels]]:
        if base not in self._plays:
            capture = cv2.VideoCapture(str(self._folder / f"{base}.mp4"))
            pictures = [np.asarray(p, np.uint8) for ok, p in iter(capture.read, (False, None)) if ok]
            self._plays[base] = capture.get(cv2.CAP_PROP_FPS), pictures
            capture.release()
        return self._plays[base]

    def clip(self, kind: str, number: int, seed: int) -> list[tuple[int, Pixels]]:
        """Twelve seconds, in which it burns or seems to from the first; the same for the same seed."""
        dice = random.Random(f"{seed} {kind} {number}")
        rate, pictures = self._play(dice.choice(tuple(_BASES)))
        width, height = dice.choice(((320, 180), (320, 240), (400, 224)))
        change = self._change(kind, number, dice, width, height)
        light = np.array([dice.uniform(0.9, 1.1) for _ in range(3)]) * dice.choice((0.2, 0.5, 1.0, 1.0))
        start, quality = (
            dice.uniform(0, len(pictures) / rate),
            [cv2.IMWRITE_JPEG_QUALITY, dice.randint(30, 90)],
        )
        held = dice.uniform(1, 6) if "held" in kind else dice.choice((0, 0, 0.7))
        pace = [dice.uniform(0.5, 3.5) for _ in range(4)]
        noise, grain = np.random.default_rng(dice.randrange(1 << 30)), dice.uniform(0, 4)
        frames = []
        for n in range(SECONDS * FPS):
            t = n / FPS
            index = round((start + t) * rate) % (2 * len(pictures) - 2)
            seen = pictures[index if index < len(pictures) else 2 * len(pictures) - 2 - index]
            picture = np.asarray(np.clip(cv2.resize(seen, (width, height)) * light, 0, 255), np.uint8)
            change(picture, t)
            if held:
                dx = held * (np.sin(pace[0] * t) + 0.5 * np.sin(pace[1] * 2 * t))
                dy = 0.6 * held * (np.sin(pace[2] * t + 1) + 0.5 * np.sin(pace[3] * 2 * t))
                way = np.array([[1, 0, dx], [0, 1, dy]], np.float32)
                picture = np.asarray(
                    cv2.warpAffine(picture, way, (width, height), borderMode=cv2.BORDER_REPLICATE), np.uint8
                )
            grainy = np.clip(picture + noise.normal(0, grain, (height, width, 1)), 0, 255).astype(np.uint8)
            coded = cv2.imencode(".jpg", grainy, quality)[1]
            frames.append((round(t * 1000), np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)))
        return frames

    def _change(self, kind: str, number: int, dice: random.Random, width: int, height: int) -> Change:
        if kind.startswith("computed"):
            return computed(dice, width, height)
        if kind == "drawn":
            return flame(np.random.default_rng(dice.randrange(1 << 30)), width, height)
        if kind == "real elsewhere":
            self._flames = self._flames or RealFlames(self._folder / "house6.mp4", (0.39, 0.14, 0.19, 0.36))
            return self._flames.painter(dice, width, height)
        if kind.startswith("drawn alike"):
            maker = LOOKALIKES[tuple(LOOKALIKES)[number % len(LOOKALIKES)]]
            return maker(np.random.default_rng(dice.randrange(1 << 30)), width, height)
        return real_alike(dice, width, height) if kind == "real alike" else lambda picture, at: None
