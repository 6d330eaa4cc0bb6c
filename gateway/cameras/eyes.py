"""One camera's analytics as its register wants them: zones to those that look there, the view judged once for all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from devices.picture.analytic import Analytic, Plugin, Sight, configured
from devices.picture.empty import Empty
from devices.picture.frame import Frame, Pixels, View
from devices.picture.hours import Hours
from devices.picture.view import Gate, ViewConfig
from devices.picture.zone import Box, Zone
from gateway.registry.cameras import OCCUPIED, CameraRecord

NONE: Final[Mapping[str, Mapping[str, Any]]] = {}
VIEW: Final = {"view_learn_s": "learn_s", "view_ready_s": "ready_s", "frozen_s": "frozen_s"}

FOREIGN: Final = frozenset(("occupied", "possible_flame"))
"""What stands for long in one place and is no part of the view; what was removed leaves the view as it is now."""


class Eyes:
    """Memory is that of the gate and the analytics, each bounded by its settings."""

    def __init__(
        self,
        plugins: Mapping[str, Plugin],
        record: CameraRecord,
        extra: Mapping[str, Mapping[str, Any]] = NONE,
    ) -> None:
        """`plugins` by name; those the record asks for and has zones for, where they need some, are run.

        `extra`: more settings of an analytic, by its name.
        """
        self.record = record
        wanted = {VIEW[name]: value for name, value in record.thresholds.items() if name in VIEW}
        config = ViewConfig(**wanted)
        self.gate = Gate(config)
        self.view = View()
        self._empty = Empty(round(config.ready_s * 1000))
        self._standing: dict[tuple[str, int, str], Box] = {}
        self.runs: dict[str, Analytic] = {}
        self.plugins: dict[str, Plugin] = {}
        for name in record.analytics:
            options = options_of(name, record)
            if name in plugins and options is not None:
                self.plugins[name] = plugins[name]
                self.runs[name] = configured(plugins[name], {**options, **extra.get(name, {})})

    def calendar(self, at: int, minute: int) -> None:
        """At `at` (the frames' time) it is this minute of the local week: armed hours need it."""
        for run in self.runs.values():
            tell = getattr(run, "calendar", None)
            if tell is not None:
                tell(at, minute)

    def look(self, at: int, bgr: Pixels) -> Iterator[tuple[Plugin, Sight]]:
        """What began or ended with this picture (at most 640x360), taken at monotonic ms `at`."""
        frame = Frame(at, bgr)
        frame.view = self.view = self.gate.judge(frame)
        if self.view.reliable:
            self._empty.learn(frame, self._standing.values())
        for name, run in self.runs.items():
            for sight in run.feed(frame):
                key = (sight.type, sight.start, sight.zone)
                if sight.end is not None:
                    self._standing.pop(key, None)
                elif sight.type in FOREIGN:
                    self._standing[key] = sight.box
                    self._empty.forget(sight.box, sight.start)
                yield self.plugins[name], sight

    @property
    def reference(self) -> Pixels | None:
        """The view with nobody in it, to mask pictures by; None while it is not known or this is another view."""
        view = self.view
        return self._empty.of(view.monochrome) if view.learned and not view.fault else None


def options_of(analytic: str, record: CameraRecord) -> dict[str, Any] | None:
    """The settings of an analytic in the record's words; None where there is nothing to look at."""
    options: dict[str, Any] = {k: v for k, v in record.thresholds.items() if k not in VIEW}
    if analytic == "occupation":
        zones = [z for z in record.zones if z.kind in OCCUPIED]
    elif analytic == "motion":
        zones = [z for z in record.zones if z.kind == "watch"]
        options["armed"] = tuple(Hours(h.start, h.end, h.days) for h in record.armed)
    else:
        return options
    options["zones"] = tuple(Zone(z.points, z.name) for z in zones)
    return options if zones else None


def masks_of(record: CameraRecord) -> tuple[Zone, ...]:
    """What nobody may see: painted black before anything else."""
    return tuple(Zone(z.points, z.name) for z in record.zones if z.kind == "mask")
