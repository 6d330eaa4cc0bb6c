"""What a parent and the child that looks at pictures say to each other: one JSON line each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from devices.picture.analytic import Sight
from devices.picture.logistic import Model
from devices.picture.zone import Zone

FPS: Final = 5.0
"""Pictures analysed a second: enough for flicker and for a car that parks, and a fifth of the work of all."""


class Orders(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the child is to look at. `overlay` is a file to draw into, "" for none; `for_s` 0 means to the end; `model`
    the weights of possible flame, None for those that ship.
    """

    source: str
    analytics: Sequence[str]
    zones: Sequence[Zone] = ()
    dwell_s: float | None = None
    learn_s: float | None = None
    fps: float = FPS
    for_s: float = 0.0
    overlay: str = ""
    model: Model | None = None


class Opened(msgspec.Struct, frozen=True, tag="opened"):
    """The source gives pictures. `expected_ms` is the length that a file claims, 0 for a stream."""

    width: int
    height: int
    expected_ms: int


class Told(msgspec.Struct, frozen=True, tag="told"):
    """A sight began (no end) or ended."""

    analytic: str
    sight: Sight


class Reached(msgspec.Struct, frozen=True, tag="reached"):
    """How far it has got, said at least once a second of its work."""

    at: int


class Ended(msgspec.Struct, frozen=True, tag="ended"):
    """No more pictures. `problem` is "" or what went wrong, in plain words."""

    at: int
    frames: int
    problem: str = ""


Said = Opened | Told | Reached | Ended
