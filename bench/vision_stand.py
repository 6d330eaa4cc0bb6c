"""Held-out clips for occupation: things left, taken, moved or passing in real clips, and what should be told."""

from __future__ import annotations

import random
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import cv2
import numpy as np

from bench.vision_things import Thing, at_seconds, box, cut_outs, person
from devices.picture.frame import Pixels
from devices.picture.zone import Zone

LEARN_S: Final = 5.0
DWELL_S: Final = 5.0
TOLD_S: Final = DWELL_S + 3  # after it came
OVER_S: Final = 5.0  # after it left
KINDS: Final = ("left", "left among passers", "taken", "taken and put back", "moved")
QUIET: Final = (
    "passers", "stops shortly", "shadow", "light drifts", "lamp", "rain", "sways", "noise", "blocks", "headlights",
)  # fmt: skip
"""Kinds in which something stands or is gone, and kinds in which nothing should be told."""

_BASES: Final = {
    "dvr": (0.0, 22.5), "i_car": (0.0, 29.5), "i_bottle": (0.0, 5.4), "i_bottle empty": (18.6, 21.6),
    "house6": (0.0, 29.5),
}  # fmt: skip
"""Parts of the clips in which nothing of their own stands or is taken, played to and fro."""

_FEET: Final = {
    "dvr": (0.05, 0.95, 0.6, 0.95), "i_car": (0.2, 0.8, 0.4, 0.9), "i_bottle": (0.3, 0.7, 0.5, 0.95),
    "i_bottle empty": (0.1, 0.7, 0.5, 0.95), "house6": (0.6, 0.9, 0.6, 0.95),
}  # fmt: skip
"""Where a thing may stand: x from, x to, foot from, foot to."""


class Case(NamedTuple):
    """A clip and what should be told of it."""

    name: str
    frames: list[tuple[int, Pixels]]
    zones: tuple[Zone, ...]
    came: float | None  # s; from when on something stands that should be told
    left: float | None  # s; from when on it does not
    types: tuple[str, ...]  # what it may be told as
    seconds: float


class Stage:
    """The footage's clips and the things cut out of them, read once."""

    def __init__(self, folder: Path) -> None:
        self._things = cut_outs(folder)
        self._plays: dict[str, tuple[float, list[Pixels]]] = {}
        self._folder = folder
        self._textures = at_seconds(folder / "house6.mp4", (2.0, 20.0)) + at_seconds(
            folder / "dvr.mp4", (2.0,)
        )

    def _play(self, base: str) -> tuple[float, list[Pixels]]:
        if base not in self._plays:
            start, end = _BASES[base]
            capture = cv2.VideoCapture(str(self._folder / f"{base.partition(' ')[0]}.mp4"))
            rate = capture.get(cv2.CAP_PROP_FPS)
            pictures = [p for ok, p in iter(capture.read, (False, None)) if ok]
            capture.release()
            self._plays[base] = (
                rate,
                [np.asarray(p, np.uint8) for p in pictures[round(start * rate) : round(end * rate)]],
            )
        return self._plays[base]

    def thing(self, dice: random.Random) -> Thing:
        """Something that can stand about."""
        kind = dice.choice(("car", "lorry", "lorry", "bottle", "box", "box"))
        return box(dice.choice(self._textures), dice) if kind == "box" else dice.choice(self._things[kind])

    def case(self, kind: str, number: int, seed: int) -> Case:
        """The clip of this kind and number; the same for the same seed."""
        dice = random.Random(f"{seed} {kind} {number}")
        base = dice.choice(tuple(_BASES))
        rate, pictures = self._play(base)
        fps = dice.choice((3.0, 5.0, 5.0, 8.0))
        came = dice.uniform(7.5, 10)
        left = came + DWELL_S + dice.uniform(5, 9)
        seconds = left + (8 if kind in KINDS else 3)
        tall, wide = pictures[0].shape[:2]
        high = round(tall * np.exp(dice.uniform(np.log(0.14), np.log(0.55))))
        thing = self.thing(dice).sized(high, dice.random() < 0.5, dice.uniform(0.7, 1.1))
        x0, x1, y0, y1 = _FEET[base]
        x = dice.uniform(x0, x1) * wide
        foot = max(dice.uniform(y0, y1) * tall, high + 3)
        act = _acts(_Plan(kind, thing, x, foot, came, left, wide), dice, self)
        zones = _zones(base, dice, thing, x, foot, wide, tall)
        soften = _weather(kind, dice, came, tall, wide)
        frames: list[tuple[int, Pixels]] = []
        shadow = dice.random() < 0.5
        for n in range(round(seconds * fps)):
            t = n / fps
            index = round(t * rate) % (2 * len(pictures) - 2)
            picture = pictures[index if index < len(pictures) else 2 * len(pictures) - 2 - index].copy()
            act(picture, t, shadow)
            frames.append((round(t * 1000), soften(picture, t)))
        frames = _sent(frames, fps, dice, kind)
        told = {"left": ("occupied",), "left among passers": ("occupied",), "moved": ("occupied", "removed")}
        types = told.get(kind, ("removed",)) if kind in KINDS else ()
        ends = kind not in ("taken", "moved")
        return Case(
            f"{kind} {number} on {base} {fps:g}/s {high / tall:.2f}", frames, zones, came if types else None,
            left if types and ends else None, types, seconds,
        )  # fmt: skip


Act = Callable[[Pixels, float, bool], None]


class _Plan(NamedTuple):
    """What stands where (pixels: its middle, its foot) and when it comes and goes (s)."""

    kind: str
    thing: Thing
    x: float
    foot: float
    came: float
    left: float
    wide: int


def _acts(plan: _Plan, dice: random.Random, stage: Stage) -> Act:
    """What happens in the clip; the last argument says whether things have a shadow at their feet."""
    kind, thing, x, foot, came, left, wide = plan
    arrive, depart = (dice.choice(("pop", "drive", "carry")) for _ in range(2))
    side, far = dice.choice((-1, 1)), wide * 0.9
    linger = dice.uniform(0.5, 3.5)
    walkers = _Walkers(dice, stage, wide, foot, 3.5 if kind in ("left among passers", "passers") else 0)
    bearer = dice.random()
    shift = dice.choice((-1, 1)) * dice.uniform(0.5, 1.3) * thing.cover.shape[1]
    if kind == "stops shortly":
        left = came + DWELL_S * dice.uniform(0.3, 0.7)

    def carried(picture: Pixels, since: float, height: float) -> None:
        """Somebody who stands beside the thing at `since` 0 for `linger` seconds and walks in before and off after."""
        out = -since if since < 0 else max(since - linger, 0.0)
        if out < 6:
            body = person(random.Random(bearer), out * 1.4 if out else 0.1 * np.sin(since * 2))
            body.sized(max(round(height), 40)).over(
                picture, x + side * (thing.cover.shape[1] * 0.6 + out * 60), foot + 4
            )

    def laid(picture: Pixels, at: float, shadow: bool) -> None:
        if shadow:
            tall, broad = thing.cover.shape
            under = picture.copy()
            cv2.ellipse(
                under,
                (round(at), round(foot)),
                (round(broad * 0.55), max(round(tall * 0.08), 2)),
                0,
                0,
                360,
                (0, 0, 0),
                -1,
            )
            picture[...] = cv2.addWeighted(picture, 0.55, under, 0.45, 0)
        thing.over(picture, at, foot)

    def act(picture: Pixels, t: float, shadow: bool) -> None:
        stands = came <= t < left
        if kind in ("left", "left among passers", "stops shortly"):
            at = x
            if arrive == "drive" and came - 1.6 < t < came:
                at = x - side * far * (came - t) ** 1.5 / 2
            elif depart == "drive" and left <= t < left + 1.6:
                at = x + side * far * (t - left) ** 1.5 / 2
            if stands or at != x:
                laid(picture, at, shadow)
            if arrive == "carry":
                carried(picture, t - came, max(thing.cover.shape[0] * 1.3, 70))
            if depart == "carry":
                carried(picture, t - left + linger, max(thing.cover.shape[0] * 1.3, 70))
        elif kind in ("taken", "taken and put back"):
            if t < came or (kind != "taken" and t >= left):
                laid(picture, x, shadow)
            if arrive == "carry":
                carried(picture, t - came, max(thing.cover.shape[0] * 1.3, 70))
        elif kind == "moved":
            laid(picture, x if t < came else x + shift, shadow)
            if arrive == "carry":
                carried(picture, t - came, max(thing.cover.shape[0] * 1.3, 70))
        walkers(picture, t)

    return act


class _Walkers:
    """People and cars that pass before whatever stands there, one after the other."""

    def __init__(self, dice: random.Random, stage: Stage, wide: int, foot: float, every: float) -> None:
        self._wide, self._foot, self._every = wide, foot, every
        self._seed = dice.random()
        self._cars = [stage.thing(dice).sized(round(dice.uniform(40, 110))) for _ in range(16)]

    def __call__(self, picture: Pixels, t: float) -> None:
        for turn in range(16):
            if not self._every:
                return
            dice = random.Random(f"{turn} {self._seed}")
            pace, way, walks = dice.uniform(70, 260), dice.choice((-1, 1)), dice.random() < 0.6
            since = t - self._every * (turn + dice.uniform(0, 0.6))
            here = (since * pace) if way > 0 else self._wide - since * pace
            if not -80 < here < self._wide + 80 or since < 0:
                continue
            foot = self._foot + dice.uniform(-8, 25)
            if walks:
                person(random.Random(turn), since * 1.6).sized(round(dice.uniform(70, 130))).over(
                    picture, here, foot
                )
            else:
                self._cars[turn].over(picture, here, foot)


def _zones(
    base: str, dice: random.Random, thing: Thing, x: float, foot: float, wide: int, tall: int
) -> tuple[Zone, ...]:
    """A polygon around where it stands; in clips where nothing else stays about, often the whole picture."""
    if base in ("i_car", "i_bottle", "i_bottle empty") and dice.random() < 0.5:
        return ()
    high, broad = thing.cover.shape
    grow = dice.uniform(0.1, 0.6)
    left, right = (x - broad * (0.5 + grow)) / wide, (x + broad * (0.5 + grow)) / wide
    top, bottom = (foot - high * (1 + grow)) / tall, (foot + high * grow * 0.5) / tall
    low = 0.58 if base == "house6" else 0.0
    x0, x1, y0, y1 = max(left, low), min(right, 1.0), max(top, 0.0), min(bottom, 1.0)
    return (Zone(((x0, y0), (x1, y0), (x1, y1), (x0, y1))),)


def _weather(
    kind: str, dice: random.Random, came: float, tall: int, wide: int
) -> Callable[[Pixels, float], Pixels]:
    """What the camera makes of the yard: noise, sway, light that drifts, and what the kind is about."""
    noise = np.random.default_rng(dice.randrange(1 << 30))
    grain = dice.choice((0, 1.5, 3, 5)) if kind != "noise" else 9
    shake = dice.choice((0, 0, 1.0, 2.0)) if kind != "sways" else 3.0
    drift = dice.choice((0, 0, 0.25)) if kind != "light drifts" else 0.6
    down, across = np.mgrid[0:tall, 0:wide].astype(np.float32)
    spot = (dice.uniform(0.2, 0.8) * wide, dice.uniform(0.3, 0.9) * tall)
    big, much = dice.uniform(0.08, 0.25) * wide, dice.uniform(0.4, 0.9)
    edge = (spot[0] - across) * np.cos(much * 6) + (spot[1] - down) * np.sin(much * 6)
    shaded = np.clip(0.5 + edge / dice.uniform(2, 10), 0, 1)
    far = np.hypot(across - spot[0], (down - spot[1]) * 1.5)
    inside = np.clip(0.5 + (big - far) / dice.uniform(2, 10), 0, 1)
    pool = np.exp(-((across - spot[0]) ** 2 + (down - spot[1]) ** 2) / big**2 / 2)
    cool = np.array([1.06, 1.0, 0.95])

    def made(picture: Pixels, t: float) -> Pixels:
        out: Any = picture.astype(np.float32)
        if drift:
            out = 255 * (out / 255) ** (1 + drift * np.sin(t / 6) * 0.7) * (1 - 0.3 * drift * np.sin(t / 9))
        if kind == "shadow" and t >= came:
            shade = np.maximum(shaded if much > 0.65 else inside, 0) * 0.5
            out *= 1 - shade[..., None] * cool
        if kind == "lamp" and t >= came:
            out *= 1 + 1.2 * much * pool[..., None] * np.array([0.8, 0.95, 1.05])
        if kind == "headlights":
            here = (t * 60) % (wide * 2)
            out += (
                200 * np.exp(-((across - here) ** 2 + (down - spot[1]) ** 2) / (wide * 0.08) ** 2)[..., None]
            )
        if kind == "rain":
            for x, y in zip(noise.integers(0, wide, 90), noise.integers(0, tall, 90), strict=True):
                out[y : y + 10, x] = out[y : y + 10, x] * 0.5 + 100
        if shake:
            dx, dy = shake * np.sin(t * 2.1 + much), shake * 0.6 * np.sin(t * 2.9)
            matrix = np.array([[1, 0, dx], [0, 1, dy]], np.float32)
            out = cv2.warpAffine(out, matrix, (wide, tall), borderMode=cv2.BORDER_REPLICATE)
        if grain:
            out = out + noise.normal(0, grain, out.shape)
        return np.asarray(np.clip(out, 0, 255), np.uint8)

    return made


def _sent(
    frames: list[tuple[int, Pixels]], fps: float, dice: random.Random, kind: str
) -> list[tuple[int, Pixels]]:
    """The clip as a camera sends it: JPEGs, or a film of few bits a second."""
    tall, wide = frames[0][1].shape[:2]
    if dice.random() < 0.5 and kind != "blocks":
        quality = [cv2.IMWRITE_JPEG_QUALITY, dice.randint(30, 90)]
        return [
            (at, np.asarray(cv2.imdecode(cv2.imencode(".jpg", p, quality)[1], 1), np.uint8))
            for at, p in frames
        ]
    codec, rate = dice.choice(("libx264", "mpeg4")), dice.choice((60, 120, 250)) if kind != "blocks" else 40
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "clip.mp4"
        subprocess.run(
            ["ffmpeg", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "bgr24", "-s", f"{wide}x{tall}",
             "-r", f"{fps:g}", "-i", "-", "-c:v", codec, "-threads", "1", "-g", "50", "-b:v", f"{rate}k",
             "-pix_fmt", "yuv420p", str(file)],
            input=b"".join(p.tobytes() for _, p in frames), check=True,
        )  # fmt: skip
        return [(at, p) for (at, _), p in zip(frames, _read(file), strict=False)]


def _read(file: Path) -> Iterator[Pixels]:
    capture = cv2.VideoCapture(str(file))
    yield from (np.asarray(p, np.uint8) for ok, p in iter(capture.read, (False, None)) if ok)
    capture.release()


class Verdict(NamedTuple):
    """How a run compares with what should have been told."""

    hit: bool  # told in time, as what it was
    over: bool  # ended in time, where it had an end
    wrong: tuple[str, ...]  # what was told besides


def verdict(case: Case, events: Sequence[Any]) -> Verdict:
    """`events` have type, start, told and end (None: stands) in seconds."""
    if case.came is None:
        return Verdict(True, True, tuple(f"{e.type} {e.start:.1f}" for e in events))
    mine = [e for e in events if -1.5 <= e.start - case.came <= 5 and e.type in case.types]
    hit = any(e.told <= case.came + TOLD_S for e in mine)
    over = case.left is None or all(e.end is not None and -1 <= e.end - case.left <= OVER_S for e in mine)
    wrong = tuple(f"{e.type} {e.start:.1f}" for e in events if e not in mine)
    return Verdict(hit, hit and over, wrong)
