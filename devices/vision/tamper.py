"""Tamper: the camera is blinded, out of focus, turned away or shows an old picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from devices.picture.analytic import Example, Sight
from devices.picture.frame import Frame

KINDS: Final = ("black", "covered", "defocused", "moved", "rotated", "frozen")

METRICS: Mapping[str, str] = dict.fromkeys(KINDS, "camera_tamper")


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

    def feed(self, frame: Frame) -> Sequence[Sight]:
        """At most one sight: a tamper begun or over."""
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


EXAMPLES: Sequence[Example] = ()
