"""The child that decodes one source and runs the analytics: orders on stdin, JSON lines on stdout."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from gateway.vision.orders import Ended, Opened, Orders, Reached, Said, Told

REACHED_MS = 1_000


def look(orders: Orders, say: Callable[[Said], None]) -> None:
    """Look at the source to its end and say what is seen; the last word is an Ended."""
    from devices.discover import discover
    from devices.picture.watch import Watch
    from gateway.vision.overlay import Overlay
    from gateway.vision.source import CannotOpen, Source

    try:
        source = Source(orders.source)
    except CannotOpen as error:
        say(Ended(0, 0, str(error)))
        return
    found: Mapping[str, Any] = discover("devices.vision")
    watch = Watch(
        {name: found[name] for name in orders.analytics}, _view(orders, source.live), options(orders)
    )
    overlay = Overlay(Path(orders.overlay), orders.fps, orders.zones) if orders.overlay else None
    at, said, frames, problem = 0, 0, 0, ""
    try:
        for at, picture in source.pictures(round(1000 / orders.fps)):
            if not frames:
                say(Opened(picture.shape[1], picture.shape[0], source.expected_ms))
            frames += 1
            for name, sight in watch.feed(at, picture):
                say(Told(name, sight))
            if overlay is not None:
                overlay.add(at, picture, watch.standing())
            if at - said >= REACHED_MS:
                said = at
                say(Reached(at))
            if orders.for_s and at >= orders.for_s * 1000:
                break
        else:
            problem = _missing(at, frames, source.expected_ms)
    except OSError as error:
        problem = str(error)
    finally:
        source.close()
        if overlay is not None:
            overlay.close()
    say(Ended(at, frames, problem))


def _missing(at: int, frames: int, expected_ms: int) -> str:
    """What a file promised and did not hold; the last pictures of a whole file lie within two seconds of its end."""
    if not frames:
        return "no picture can be decoded from it"
    if expected_ms - at > 2_000:
        return f"it ends early: {at / 1000:.1f} of {expected_ms / 1000:.1f} s could be read"
    return ""


def options(orders: Orders) -> dict[str, Any]:
    """The settings of the analytics, by the names of their Configs' fields."""
    given: dict[str, Any] = {"zones": tuple(orders.zones)} if orders.zones else {}
    given |= {"model": orders.model} if orders.model is not None else {}
    given |= {"dwell_s": orders.dwell_s} if orders.dwell_s is not None else {}
    return given | ({"learn_s": orders.learn_s} if orders.learn_s is not None else {})


def _view(orders: Orders, live: bool) -> Any:
    """A clip teaches its view in its first seconds; a stream takes the time that it takes in life."""
    from devices.picture.view import CLIP, ViewConfig

    config = ViewConfig() if live else CLIP
    learn_s = orders.learn_s
    return config if learn_s is None else msgspec.structs.replace(config, learn_s=learn_s, ready_s=learn_s)


def main() -> None:
    """Read the orders and carry them out. stdout is ours alone: what libraries print there goes to stderr."""
    out = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    encoder = msgspec.json.Encoder()

    def say(said: Said) -> None:
        out.write(encoder.encode(said) + b"\n")

    look(msgspec.json.decode(sys.stdin.buffer.read(), type=Orders), say)


if __name__ == "__main__":
    main()
