"""The shape of an analytic plug-in: pictures in, sights out, and nothing remembered without bound."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from devices.picture.frame import Frame, Pixels
from devices.picture.zone import WHOLE, Box


class Sight(msgspec.Struct, frozen=True, gc=False):
    """Something a camera saw, from `start` (ms, the frames' time) to `end`, None while it stands.

    `start` is when it began by the pictures' own word, not when it was believed. `score` 0..1 says how sure, `box`
    where. A sight is told twice: when it is believed (`end` None) and when it is over, with the same type, start and
    zone. `zone` is the name of the drawn zone, "" without one.
    """

    type: str
    start: int
    end: int | None = None
    score: float = 1.0
    box: Box = WHOLE
    zone: str = ""


UNRELIABLE = "unreliable"
"""The type by which an analytic says that it sees nothing at present because the view is not usable."""


class Analytic(Protocol):
    """One camera's run of one analytic. Deterministic: no clock, no chance; its memory is bounded by its config."""

    def feed(self, frame: Frame) -> Sequence[Sight]:
        """The sights that began or ended with this frame.

        `frame.view` says whether the view is usable. Frames come in the order of their time, at any rate from 1 to 25
        a second, with gaps; the size of the picture may change between two frames (a reconnected stream).
        """
        ...


class Example(msgspec.Struct, frozen=True):
    """A drawn clip and the sights in it; run as a test and printed in the reference.

    `frames` gives (ms, BGR picture) pairs; `options` are fields of the plug-in's Config; `sights` are
    `(type, earliest start, latest start, ends)` in seconds, in order of their start, and nothing else may be seen.
    """

    title: str
    frames: Callable[[], Iterable[tuple[int, Pixels]]]
    sights: Sequence[tuple[str, float, float, bool]] = ()
    options: Mapping[str, Any] = msgspec.field(default_factory=dict)


class Plugin(Protocol):
    """What a module `devices/vision/<analytic>.py` offers at module level.

    `Config` is a frozen, keyword-only msgspec struct in which every field has a default; fields named `zones`
    (tuple[Zone, ...]), `dwell_s` and `learn_s` are filled from a camera's settings and from the command line.
    `METRICS` names every type of sight it can tell and the metric of `devices.reading` it becomes ("" for none).
    """

    @property
    def Config(self) -> type[msgspec.Struct]:  # noqa: N802  a class of the module
        """Its settings."""
        ...

    @property
    def METRICS(self) -> Mapping[str, str]:  # noqa: N802  a constant of the module
        """Its types of sight and their metrics."""
        ...

    @property
    def EXAMPLES(self) -> Sequence[Example]:  # noqa: N802  a constant of the module
        """What it should see in drawn clips."""
        ...

    def start(self, config: Any) -> Analytic:
        """A fresh run for one camera."""
        ...


def configured(plugin: Plugin, options: Mapping[str, Any]) -> Analytic:
    """The plug-in started with those of the options that its Config knows; the others belong to its neighbours."""
    known = set(plugin.Config.__struct_fields__)
    return plugin.start(plugin.Config(**{name: value for name, value in options.items() if name in known}))
