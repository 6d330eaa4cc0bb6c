"""What decoding costs: microseconds of one core a message, for every family a gateway understands."""

from __future__ import annotations

import gc
import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Any, Final, cast

import msgspec

from bench.rig import say
from devices.codec import Codec, Example, Message
from devices.decode import CODECS, Decoder

TARGETS_US: Final[Mapping[str, float]] = {"native": 3.0, "gb26875": 10.0}
"""What a message may cost; other families are allowed `OTHERS_US`."""

OTHERS_US: Final = 15.0

USUAL_BYTES: Final = 1024
"""Longer examples are lists and descriptions that come once (device lists, births, scenes); they are told apart."""

NOW: Final = 1_795_276_800_000  # the examples' devices tell times before this, 2026-11-22
_LOOP: Final = 50  # messages between two looks at the clock: short, so that some loops are not disturbed
_ROUNDS: Final = (
    25  # of all messages, so that each is looked at over the whole time; the least disturbed counts
)

NATIVE_FIVE: Final = json.dumps(
    {
        "v": 1,
        "ts": NOW,
        "smoke": False,
        "smoke_obscuration": 0.004,
        "temperature": 21.5,
        "battery": 96,
        "rssi": -71,
    }
).encode()
"""The message that design and targets speak of: five readings."""


class Timed:
    """Something done again and again: how many us it took at best, and of how many bytes it was."""

    def __init__(self, work: Callable[[], object], title: str = "", size: int = 0) -> None:
        self.work, self.title, self.size = work, title, size
        self.us = math.inf

    def look(self) -> None:
        """One round."""
        work = self.work
        began = time.perf_counter_ns()
        for _ in range(_LOOP):
            work()
        self.us = min(self.us, (time.perf_counter_ns() - began) / _LOOP / 1000)


def measure_decode(only: Sequence[str] = ()) -> None:
    """Print a line a family, and last those that miss their target. `only` names families; empty is all."""
    parsing = Timed(lambda: _json.decode(NATIVE_FIVE))
    families = {
        name: (_decoding(name, cast("Codec", module)), _cutting(cast("Codec", module)))
        for name, module in CODECS.available()
        if not only or name in only
    }
    everything = [parsing, *(one for pair in families.values() for some in pair for one in some)]
    gc.disable()  # as good as in the engine, which freezes what lives long
    try:
        for _ in range(_ROUNDS):
            for one in everything:
                one.look()
    finally:
        gc.enable()
    say("\n## decode (us a message, one core, the median of a family's usual messages)")
    say(f"this core parses the JSON of native's message in {parsing.us:.2f} us")
    missed = [name for name, (decoding, cutting) in families.items() if not _told(name, decoding, cutting)]
    say(f"above target: {', '.join(f'{name} ({_target(name):g} us)' for name in missed) or 'none'}")


_json: Final = msgspec.json.Decoder()


def _target(name: str) -> float:
    return TARGETS_US.get(name, OTHERS_US)


def _told(name: str, decoding: Sequence[Timed], cutting: Sequence[Timed]) -> bool:
    """Print a family's line; whether it keeps its target."""
    usual = [one for one in decoding if one.size <= USUAL_BYTES]
    long = [one for one in decoding if one.size > USUAL_BYTES]
    half, slowest = median(one.us for one in usual), max(usual, key=lambda one: one.us)
    text = f"{name:16} {half:6.1f} (slowest {slowest.us:.1f}: {slowest.title})"
    if cutting:
        text += f"; cut from a stream and answered {median(one.us for one in cutting):.1f}"
    if long:
        most = max(long, key=lambda one: one.us)
        text += f"; long: {most.us:.0f} for {most.size} bytes"
    say(text)
    return half <= _target(name)


def _decoding(name: str, codec: Codec) -> list[Timed]:
    """The family's messages, through the door every message takes."""
    examples: Sequence[Example] = [e for e in codec.EXAMPLES if e.readings and e.quarantine is None]
    if name == "native":
        topic = "community/estate/b1-u1-f05-502-kitchen-smoke/telemetry"
        examples = [Example("five readings", topic, NATIVE_FIVE)]
    return [_through_the_door(name, codec, example) for example in examples]


def _through_the_door(name: str, codec: Codec, example: Example) -> Timed:
    decoder = Decoder({(name, "bench"): example.context}, {"bench": (name,)}, {name: codec})
    message = Message("bench", example.topic, example.payload, example.retained, NOW)
    return Timed(lambda: decoder.answer(message), example.title, len(example.payload))


def _cutting(codec: Codec) -> list[Timed]:
    """What it takes besides to cut a frame out of a stream and to write its answer."""
    cut: Any = getattr(codec, "frames", None)  # a part of a package may have that name as well
    if not callable(cut):
        return []
    frames = [e.payload for e in codec.EXAMPLES if any(f.topic for f in cut(bytearray(e.payload), NOW))]
    return [Timed(lambda payload=payload: list(cut(bytearray(payload), NOW))) for payload in frames]  # type: ignore[misc]  # lambda with a default
