"""Runs several analytics over one camera's frames: the view is judged first, then each sees the same frame."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from devices.picture.analytic import Analytic, Plugin, Sight, configured
from devices.picture.frame import Frame, Pixels, fitted
from devices.picture.view import Gate, ViewConfig


class Seen(NamedTuple):
    """A sight and the analytic that saw it."""

    analytic: str
    sight: Sight


class Watch:
    """One camera. Memory is that of the gate, of the analytics, and of the sights that stand (bounded by them)."""

    def __init__(self, plugins: Mapping[str, Plugin], view: ViewConfig, options: Mapping[str, Any]) -> None:
        """`options` are fields of the analytics' Configs by name; each takes those it knows."""
        self.gate = Gate(view)
        self._runs: Sequence[tuple[str, Analytic]] = [(n, configured(p, options)) for n, p in plugins.items()]
        self._standing: dict[tuple[str, str, int, str], Seen] = {}

    def feed(self, at: int, bgr: Pixels) -> list[Seen]:
        """What began or ended with this picture (uint8 BGR of any size), taken at `at` ms."""
        frame = Frame(at, fitted(bgr))
        frame.view = self.gate.judge(frame)
        out = []
        for name, run in self._runs:
            for sight in run.feed(frame):
                seen = Seen(name, sight)
                key = (name, sight.type, sight.start, sight.zone)
                if sight.end is None:
                    self._standing[key] = seen
                else:
                    self._standing.pop(key, None)
                out.append(seen)
        return out

    def standing(self) -> Iterator[Seen]:
        """The sights that have begun and not ended, oldest first."""
        yield from sorted(self._standing.values(), key=lambda seen: seen.sight.start)
