"""Teaches possible flame from labelled clips, each studied in a child that a broken file may kill."""

from __future__ import annotations

import contextlib
import difflib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from devices.picture.logistic import Model, poisson, wilson
from devices.picture.teaching import Lesson, Result, Span, cross_validated, taught
from devices.picture.zone import WHOLE, Box
from gateway.vision.quiet import QUIET

LABELS: Final = "labels.json"
FIRE: Final = "fire"
TYPES: Final = (
    FIRE, "smoke", "parked", "object_left", "object_removed", "tamper_black", "tamper_covered", "tamper_defocused",
    "tamper_moved", "benign_dim", "benign_irgrey",
)  # fmt: skip
"""Types of events that labels may hold; only fires teach, the others are there for other evaluations."""
FPS: Final = 5.0
STUDY_S: Final = 900.0  # of one clip; a decoder that hangs is given up
RENDERED_S: Final = 8.0
RENDERED_FLAMES: Final = 6  # drawn fires for each kind of look-alike, so that both sides weigh about the same


class Event(msgspec.Struct, frozen=True):
    """A labelled span of a clip, in seconds; `box` is x, y, width, height as parts of the picture."""

    type: str
    start_s: float
    end_s: float
    box: Box = WHOLE


class Clip(msgspec.Struct, frozen=True):
    """A labelled clip. Without events nothing in it is a fire."""

    file: str
    events: tuple[Event, ...] = ()


class Labels(msgspec.Struct, frozen=True):
    """The file labels.json beside the clips. Keys beyond these are notes."""

    clips: tuple[Clip, ...]


class Study(msgspec.Struct, frozen=True):
    """What a child is to study."""

    file: str
    clip: str
    fires: tuple[Span, ...]
    fps: float = FPS


class Report(msgspec.Struct, frozen=True):
    """How well the model does on clips it was not taught by, and the model taught by all."""

    model: Model
    real: tuple[Result, ...]
    drawn: tuple[Result, ...]


class CannotCalibrate(Exception):
    """What is wrong with the clips or their labels, in plain words."""


def labelled(folder: Path) -> Labels:
    """The labels of a folder of clips; CannotCalibrate names what is wrong and where."""
    file = folder / LABELS
    try:
        labels = msgspec.json.decode(file.read_bytes(), type=Labels)
    except OSError as error:
        raise CannotCalibrate(
            f"{file}: {error.strerror} (docs/vision-analytics.md says what it holds)"
        ) from None
    except msgspec.DecodeError as error:
        raise CannotCalibrate(f"{file}: {error}") from None
    for clip in labels.clips:
        for event in clip.events:
            if event.type not in TYPES:
                near = difflib.get_close_matches(event.type, TYPES, 1)
                hint = f"; did you mean {near[0]}?" if near else ""
                raise CannotCalibrate(f"{file}: {clip.file}: there is no event {event.type!r}{hint}")
            if not 0 <= event.start_s <= event.end_s:
                raise CannotCalibrate(f"{file}: {clip.file}: an event ends before it starts")
    if not labels.clips:
        raise CannotCalibrate(f"{file}: no clips")
    return labels


def studied_in_child(folder: Path, clip: Clip) -> Lesson:
    """The lesson of a clip, studied where a broken file may do what it likes; CannotCalibrate says what it did."""
    file = folder / clip.file
    if not file.is_file():
        raise CannotCalibrate(f"{clip.file}: there is no such file")
    fires = tuple(
        Span(round(event.start_s * 1000), round(event.end_s * 1000), event.box)
        for event in clip.events
        if event.type == FIRE
    )
    order = msgspec.json.encode(Study(str(file.resolve()), clip.file, fires))
    try:
        done = subprocess.run(
            [sys.executable, "-m", "gateway.vision.calibrating"], input=order, capture_output=True,
            timeout=STUDY_S, check=False, env={**QUIET, **os.environ},
        )  # fmt: skip
        return msgspec.json.decode(done.stdout, type=Lesson)
    except subprocess.TimeoutExpired:
        raise CannotCalibrate(f"{clip.file}: decoding hangs") from None
    except msgspec.DecodeError:
        raise CannotCalibrate(f"{clip.file}: no picture can be decoded from it") from None


def kinds() -> int:
    """How many clips `drawn_lessons` draws of each."""
    from devices.picture.lookalikes import LOOKALIKES

    return len(LOOKALIKES) + RENDERED_FLAMES


def drawn_lessons(each: int) -> Iterator[Lesson]:
    """Lessons of drawn fires and of `each` drawn clips of every kind of look-alike."""
    from devices.picture.firelight import flame, scene
    from devices.picture.lookalikes import LOOKALIKES
    from devices.picture.teaching import studied

    makers = [*LOOKALIKES.items(), *[("flame", flame)] * RENDERED_FLAMES]
    for index, (name, maker) in enumerate(makers * each):
        fps = (5, 6, 8, 12)[index % 4]
        width, height = ((400, 224), (640, 360), (320, 180))[index % 3]
        paint = scene(maker, index, width=width, height=height)
        frames = ((round(n * 1000 / fps), paint(n / fps, None)) for n in range(round(RENDERED_S * fps)))
        fires = [Span(0, round(RENDERED_S * 1000))] if name == "flame" else []
        yield studied(f"drawn {name} {index}", name, frames, fires)


def calibrated(real: Sequence[Lesson], drawn: Sequence[Lesson], told: Callable[[str], None]) -> Report:
    """The model of all lessons, and honest figures: each clip judged by a model that was taught without it.

    Each real clip counts as much as four drawn ones. Raises CannotCalibrate when there is no fire, or nothing else.
    """
    weighty = [msgspec.structs.replace(lesson, share=4.0) for lesson in real]
    try:
        model = taught([*weighty, *drawn])
    except ValueError:
        raise CannotCalibrate(
            "fires and other things are needed: label both, or let drawn ones help"
        ) from None
    seen = cross_validated(weighty, drawn, told)
    unseen = cross_validated(drawn, weighty, told)
    sources = [*(lesson.clip for lesson in real), *([f"{len(drawn)} drawn clips"] if drawn else [])]
    return Report(msgspec.structs.replace(model, sources=tuple(sources)), tuple(seen), tuple(unseen))


def figures(results: Sequence[Result]) -> dict[str, Any]:
    """Fires found of all with the 95 % interval, median delay (s), false alarms an hour with theirs."""
    found = [when for result in results for when in result.found]
    hits = sorted(when for when in found if when is not None)
    quiet = sum(result.ends for result in results if not result.found) / 3_600_000
    false = sum(result.false for result in results)
    low, high = wilson(len(hits), len(found))
    least, most = poisson(false, quiet)
    return {
        "fires": len(found), "found": len(hits), "found_low": round(low, 3), "found_high": round(high, 3),
        "delay_s": round(hits[len(hits) // 2] / 1000, 1) if hits else None,
        "false": false, "hours": round(quiet, 3), "false_hour_low": round(least, 1),
        "false_hour_high": round(most, 1) if quiet else None,
    }  # fmt: skip


def read_model(file: Path) -> Model:
    """The weights that `csg vision calibrate` wrote; CannotCalibrate says what is wrong with them."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=Model)
    except OSError as error:
        raise CannotCalibrate(f"{file}: {error.strerror}") from None
    except msgspec.DecodeError as error:
        raise CannotCalibrate(f"{file}: {error}") from None


def _study() -> None:
    """The child: an order on stdin, a lesson on stdout; what libraries print goes to stderr."""
    from devices.picture.teaching import studied
    from gateway.vision.source import CannotOpen, Source

    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Study)
    with contextlib.suppress(CannotOpen):  # nothing said is "no picture"
        source = Source(order.file)
        lesson = studied(order.clip, "real", source.pictures(round(1000 / order.fps)), order.fires)
        source.close()
        if lesson.ends:
            out.write(msgspec.json.encode(lesson))
    out.close()


if __name__ == "__main__":
    _study()
