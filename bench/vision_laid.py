"""Held-out clips: tamper and harmless things laid over windows of real clips by dice, encoded as cameras encode."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import cv2
import numpy as np

from bench.vision_harmless import harmless
from bench.vision_mischief import MISCHIEF, Change, mischief
from devices.picture.frame import Pixels, narrowed

BASES: Final = ("dvr", "i_car", "i_bottle", "house6")
SIZES: Final = (
    (320, 180), (320, 180), (320, 180), (320, 240), (320, 240), (352, 288), (400, 224), (400, 224), (640, 360),
    (640, 480),
)  # fmt: skip
RATES: Final = (5, 5, 5, 6, 6, 8, 10, 12.5, 15, 25)
"""Mostly slow and small, which is cheap to make and no easier to judge; the rest shows what rate and size matter."""
CODECS: Final = (
    ("libx264", "-preset", "superfast", "-crf", "23"), ("libx264", "-preset", "superfast", "-crf", "30"),
    ("libx264", "-preset", "superfast", "-crf", "35"), ("libx264", "-preset", "superfast", "-b:v", "150k"),
    ("mpeg4", "-q:v", "4"), ("mpeg4", "-q:v", "8"), ("mpeg4", "-b:v", "300k"),
    ("mjpeg", "-q:v", "4"), ("mjpeg", "-q:v", "12"),
)  # fmt: skip
PROCESS_S: Final = 60


class Clip(NamedTuple):
    """One made clip: what happens in it (`kind`) from `onset` to `over`, in its own seconds, and how it was made."""

    kind: str
    onset: float
    over: float
    learn_s: float
    made: str

    @property
    def meant(self) -> tuple[str, ...]:
        """The types it may be told as; () for what is harmless."""
        return MISCHIEF.get(self.kind, ())


@lru_cache(maxsize=6)
def _decoded(file: Path) -> tuple[float, list[Pixels]]:
    """A clip's rate and pictures, made 320 wide."""
    capture = cv2.VideoCapture(str(file))
    pictures: list[Pixels] = []
    while len(pictures) < 900 and (read := capture.read())[0]:
        pictures.append(narrowed(np.asarray(read[1], np.uint8), 320))
    rate = capture.get(cv2.CAP_PROP_FPS)
    capture.release()
    return rate, pictures


def made(base: Path, kind: str, dice: random.Random, out: Path) -> Clip:
    """Writes one clip of 18 to 26 s to `out` (mp4 or avi); the same dice make the same clip."""
    source_rate, pictures = _decoded(base)
    size, rate, codec = dice.choice(SIZES), dice.choice(RATES), dice.choice(CODECS)
    seconds = dice.uniform(18, 26)
    onset = max(7.0, dice.uniform(0.3, 0.7) * seconds)
    over = seconds if dice.random() < 0.6 else min(onset + dice.uniform(8, 11), seconds)
    learn_s = dice.choice((3.0, 5.0, 6.0))
    window = _Window(pictures[0], size, dice)
    first, speed = dice.uniform(0, 3), dice.choice((0.6, 1.0, 1.0, 1.3))
    tall, wide = window.tall, window.wide
    change = _change(kind, dice, window, pictures)
    grade, grain = _grade(dice), dice.choice((0.0, 0.8, 1.5, 2.5))
    noise = np.random.default_rng(dice.randrange(1 << 30))
    frozen_grain = dice.choice((0.0, 0.0, 0.4))

    def frames() -> Iterator[Pixels]:
        last: Pixels | None = None
        for n in range(round(seconds * rate)):
            t = n / rate
            on = onset <= t < over
            if on and kind == "frozen" and last is not None:
                yield _grainy(last, frozen_grain, noise)
                continue
            index = round((first + t * speed) * source_rate) % (2 * len(pictures) - 2)
            picture = pictures[index if index < len(pictures) else 2 * len(pictures) - 2 - index]
            seen = grade(window.seen(picture, kind if on else "", t - onset))
            last = _grainy(change(seen, t - onset) if on else seen, grain, noise)
            yield last

    _encode(frames(), (wide, tall), size, rate, codec, out)
    how = f"{base.stem} {size[0]}x{size[1]} {rate:g}/s {' '.join(codec)} part {window.part:.2f} {window.how(kind)}"
    return Clip(kind, onset, over, learn_s, how)


def _change(kind: str, dice: random.Random, window: _Window, pictures: Sequence[Pixels]) -> Change:
    if kind in MISCHIEF:
        return mischief(kind, dice, window.tall, window.wide)
    some = [window.seen(pictures[dice.randrange(len(pictures))], "", 0) for _ in range(6)]
    return harmless(kind, dice, window.tall, window.wide, some)


def _grade(dice: random.Random) -> Any:
    """A camera's own look: gamma, contrast and colour, the same throughout the clip."""
    gamma, low, high = dice.uniform(0.7, 1.5), dice.choice((0, 0, 12)), dice.choice((255, 255, 225))
    table = (low + (high - low) * (np.arange(256) / 255.0) ** gamma).astype(np.uint8)
    colour = dice.choice((1.0, 1.0, 0.6))

    def graded(picture: Pixels) -> Pixels:
        out = cv2.LUT(picture, table)
        if colour < 1:
            grey = cv2.cvtColor(cv2.cvtColor(out, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
            out = cv2.addWeighted(out, colour, grey, 1 - colour, 0)
        return np.asarray(out, np.uint8)

    return graded


def _grainy(picture: Pixels, grain: float, noise: np.random.Generator) -> Pixels:
    if not grain:
        return picture
    dots = noise.standard_normal((*picture.shape[:2], 1), np.float32) * grain
    return np.asarray(np.clip(picture + dots, 0, 255), np.uint8)


class _Window:
    """The whole picture or a part of it; a camera turned away sees what really is beside the part, or a made-up rim."""

    def __init__(self, picture: Pixels, size: tuple[int, int], dice: random.Random) -> None:
        self._own = picture.shape[:2]
        self.tall = self._own[0]
        self.wide = min(self._own[1], round(self.tall * size[0] / size[1] / 2) * 2)
        self.part = dice.choice((1.0, 1.0, dice.uniform(0.5, 0.8), dice.uniform(0.5, 0.8)))
        self.mirror = dice.random() < 0.5
        self.x, self.y = (dice.uniform(0.5 * self.part, 1 - 0.5 * self.part) for _ in "xy")
        self.turn = dice.choice((-1, 1)) * dice.choice((3, 5, 8, 12, 20, 30, 45, 90))
        far, way = dice.uniform(0.05, 0.4), dice.uniform(0, 2 * np.pi)
        self.dx, self.dy = far * np.cos(way), far * np.sin(way)
        self.slides = dice.choice((0.0, 0.0, 1.5))
        self.rim = dice.choice(
            (cv2.BORDER_REFLECT, cv2.BORDER_REFLECT, cv2.BORDER_REPLICATE, cv2.BORDER_CONSTANT)
        )

    def how(self, kind: str) -> str:
        """For the report: by how much it is moved or turned."""
        rim = f"rim {self.rim} slides {self.slides:g}"
        if kind == "moved":
            return f"by {self.dx:.2f},{self.dy:.2f} {rim}"
        return f"by {self.turn} degrees {rim}" if kind == "rotated" else ""

    def seen(self, picture: Pixels, kind: str, t: float) -> Pixels:
        """What the camera sees; `t` seconds after it began to be moved or rotated, if that is the kind."""
        done = min(1.0, t / self.slides) if self.slides else 1.0
        turn = self.turn * done if kind == "rotated" else 0.0
        dx, dy = (self.dx * done, self.dy * done) if kind == "moved" else (0.0, 0.0)
        source = picture[:, ::-1] if self.mirror else picture
        zoom = 1 / self.part
        tall, wide = self._own
        cx, cy = self.x * wide + dx * self.part * self.wide, (self.y + dy * self.part) * tall
        matrix = cv2.getRotationMatrix2D((cx, cy), turn, zoom)
        matrix[0, 2] += self.wide / 2 - cx
        matrix[1, 2] += self.tall / 2 - cy
        return np.asarray(
            cv2.warpAffine(np.ascontiguousarray(source), matrix, (self.wide, self.tall), flags=cv2.INTER_LINEAR,
                           borderMode=self.rim),
            np.uint8,
        )  # fmt: skip


def _encode(
    frames: Iterator[Pixels], own: tuple[int, int], size: tuple[int, int], rate: float, codec: Sequence[str], out: Path
) -> None:  # fmt: skip
    command = [
        "ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "bgr24", "-s", f"{own[0]}x{own[1]}",
        "-r", f"{rate:g}", "-i", "-", "-vf", f"scale={size[0]}:{size[1]}:flags=bicubic", "-threads", "1",
        "-c:v", *codec, "-g", f"{round(4 * rate)}", "-pix_fmt", "yuvj420p" if codec[0] == "mjpeg" else "yuv420p",
        str(out),
    ]  # fmt: skip
    encoder = subprocess.Popen(command, stdin=subprocess.PIPE)
    assert encoder.stdin is not None, "a pipe was asked for"
    with encoder.stdin:
        for frame in frames:
            encoder.stdin.write(frame.tobytes())
    if encoder.wait(PROCESS_S):
        raise OSError(f"ffmpeg could not write {out}")
