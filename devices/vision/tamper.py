"""Tamper: the camera is blinded, out of focus, turned away or shows an old picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

from devices.picture.analytic import UNRELIABLE, Example, Sight
from devices.picture.drawing import drawn
from devices.picture.frame import Frame, Pixels
from devices.picture.standing import Standing

KINDS: Final = ("black", "covered", "defocused", "moved", "rotated", "frozen")

METRICS: Mapping[str, str] = dict.fromkeys(KINDS, "camera_tamper") | {UNRELIABLE: ""}


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A fault of the view must stand `confirm_s` (a truck passes in less) and be gone `over_s` to be over."""

    confirm_s: float = 4.0
    over_s: float = 2.0


class Tamper:
    """Tells the fault of the view when it has stood long enough, under the name it had most of that time."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._since: int | None = None
        self._bad_at = 0
        self._counts: Counter[str] = Counter()
        self._told: Sight | None = None
        self._score = 0.0
        self._vague = Standing(UNRELIABLE, round(config.confirm_s * 1000), round(config.over_s * 1000))

    def feed(self, frame: Frame) -> Sequence[Sight]:
        """A tamper begun or over; and since when there is nothing sharp in the view by which one could be told."""
        return [*self._vague.feed(frame.at, frame.view.vague), *self._tamper(frame)]

    def _tamper(self, frame: Frame) -> Sequence[Sight]:
        fault = frame.view.fault
        if fault:
            self._bad_at = frame.at
            if self._since is None:
                self._since, self._score = frame.view.since or frame.at, 0.0
                self._counts.clear()
            self._counts[fault] += 1
            self._score = max(self._score, frame.view.score)
            return self._begin(frame)
        if self._since is None or frame.at - self._bad_at < self._config.over_s * 1000:
            return ()
        told, self._told, self._since = self._told, None, None
        return () if told is None else (msgspec.structs.replace(told, end=self._bad_at),)

    def _begin(self, frame: Frame) -> Sequence[Sight]:
        assert self._since is not None, "a fault has a beginning"
        if self._told is not None or frame.at - self._since < self._config.confirm_s * 1000:
            return ()
        kind = self._counts.most_common(1)[0][0]
        self._told = Sight(kind, self._since, score=round(self._score, 3), box=frame.view.box)
        return (self._told,)


def start(config: Config) -> Tamper:
    """A fresh run for one camera."""
    return Tamper(config)


def _from(
    at_s: float, change: Callable[[Pixels], Pixels | None]
) -> Callable[[], Iterator[tuple[int, Pixels]]]:
    """A drawn clip of 22 s to which `change` is done from `at_s` on for ten seconds."""

    def paint(picture: Pixels, t: float) -> None:
        if at_s <= t < at_s + 10 and (changed := change(picture)) is not None:
            picture[:] = changed

    return lambda: drawn(22, paint)


def _black(picture: Pixels) -> None:
    picture[:] = 4


def _cloth(picture: Pixels) -> None:
    picture[:] = (60, 80, 110)


def _blurred(picture: Pixels) -> Pixels:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 4), np.uint8)


def _warped(turn: NDArray[np.float64]) -> Callable[[Pixels], Pixels]:
    def warp(picture: Pixels) -> Pixels:
        tall, wide = picture.shape[:2]
        return np.asarray(
            cv2.warpAffine(picture, turn, (wide, tall), borderMode=cv2.BORDER_REFLECT), np.uint8
        )

    return warp


def _dimmed(picture: Pixels) -> Pixels:
    return (picture * 0.3).astype(np.uint8)


def _grey(picture: Pixels) -> Pixels:
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), np.uint8)


def _behind_cloth() -> Iterator[tuple[int, Pixels]]:
    """A cloth hung before the lens before anybody looked."""
    return drawn(14, lambda picture, t: _cloth(picture))


def _never_sharp() -> Iterator[tuple[int, Pixels]]:
    """Out of focus from the first picture on."""

    def blur(picture: Pixels, t: float) -> None:
        picture[:] = _blurred(picture)

    return drawn(14, blur)


def _stuck() -> Iterator[tuple[int, Pixels]]:
    """The same picture again and again from 8 s on."""
    last = None
    for at, picture in drawn(22, lambda picture, t: None):
        last = picture if last is None or at < 8_000 else last
        yield at, last


_SHIFT: Final = np.array([[1.0, 0.0, 60.0], [0.0, 1.0, 12.0]])
_TURN: Final = np.asarray(cv2.getRotationMatrix2D((160.0, 90.0), 14.0, 1.0), np.float64)

EXAMPLES: Sequence[Example] = (
    Example("the picture goes black", _from(8, _black), (("black", 8, 8.4, True),)),
    Example("a cloth hangs before the lens", _from(8, _cloth), (("covered", 8, 8.4, True),)),
    Example("somebody turns the focus", _from(8, _blurred), (("defocused", 8, 8.4, True),)),
    Example("the camera is pushed aside", _from(8, _warped(_SHIFT)), (("moved", 8, 9.5, True),)),
    Example("the camera is turned on its mount", _from(8, _warped(_TURN)), (("rotated", 8, 9.5, True),)),
    Example("the picture stands still", _stuck, (("frozen", 7.7, 9.5, False),)),
    Example("a cloth has always hung before the lens", _behind_cloth, (("unreliable", 2.9, 3.4, False),)),
    Example("it was never in focus", _never_sharp, (("unreliable", 2.9, 3.4, False),)),
    Example("the light goes down to a third", _from(8, _dimmed)),
    Example("the camera goes to night mode", _from(8, _grey)),
)
