"""What labelled clips teach about flames, and how well a model does on clips that it never saw."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

import msgspec
import numpy as np

from devices.picture.flicker import NAMES, WINDOW_MS, Window
from devices.picture.frame import Frame, Pixels, fitted
from devices.picture.logistic import Model, fit
from devices.picture.places import Places
from devices.picture.zone import WHOLE, Box, box_of

JUDGE_MS: Final = 800
"""How often the last seconds are judged."""
AROUND_MS: Final = 3000  # before and after a labelled fire neither fire nor its absence is taught
FOLDS_MAX: Final = 6


class Span(msgspec.Struct, frozen=True):
    """A fire in a clip, in ms, and where it is."""

    start: int
    end: int
    box: Box = WHOLE


class Example(msgspec.Struct, frozen=True):
    """A flame-coloured region at a moment; `fire` None where the label leaves it open."""

    at: int
    box: Box
    features: tuple[float, ...]
    fire: bool | None


class Lesson(msgspec.Struct, frozen=True):
    """One clip: its examples, its fires, how long it is. `share` says how much it counts beside others."""

    clip: str
    kind: str
    ends: int
    fires: tuple[Span, ...]
    examples: tuple[Example, ...]
    share: float = 1.0


class Result(msgspec.Struct, frozen=True):
    """What a model did on one clip: when it found each fire (ms after its start, None: not), and its false alarms."""

    clip: str
    kind: str
    ends: int
    found: tuple[int | None, ...]
    false: int


def studied(
    clip: str, kind: str, frames: Iterable[tuple[int, Pixels]], fires: Sequence[Span] = (), share: float = 1.0
) -> Lesson:
    """The lesson of a clip given as (ms, BGR picture) pairs."""
    window = Window()
    due, at = 0, 0
    examples: list[Example] = []
    for at, picture in frames:
        frame = Frame(at, fitted(picture))
        if not window.add(frame) or at < due:
            continue
        due = at + JUDGE_MS
        for one in window.candidates():
            box = box_of(one.x, one.y, one.width, one.height, frame.half.shape)
            examples.append(Example(at, box, tuple(float(f) for f in one.features), _taught(at, box, fires)))
    return Lesson(clip, kind, at, tuple(fires), tuple(examples), share)


def taught(lessons: Sequence[Lesson]) -> Model:
    """The model that these clips teach, every clip counting the same for its share; ValueError without both kinds."""
    rows: list[tuple[float, ...]] = []
    labels: list[bool] = []
    shares: list[float] = []
    for lesson in lessons:
        clear = [example for example in lesson.examples if example.fire is not None]
        rows += [example.features for example in clear]
        labels += [bool(example.fire) for example in clear]
        shares += [lesson.share / max(len(clear), 1)] * len(clear)
    return fit(
        NAMES,
        np.array(rows, np.float64).reshape(-1, len(NAMES)),
        np.array(labels, np.bool_),
        np.array(shares),
    )


def judged(model: Model, lesson: Lesson) -> Result:
    """What the model would have told of this clip."""
    places = Places("possible_flame", WINDOW_MS)
    moments = sorted({example.at for example in lesson.examples})
    steps = sorted({*moments, *range(0, lesson.ends, JUDGE_MS)})  # a judgement that found nothing counts too
    told: list[tuple[int, Box]] = []
    last = -JUDGE_MS
    for at in steps:
        if at not in moments and at - last < JUDGE_MS:
            continue
        last = at
        here = [example for example in lesson.examples if example.at == at]
        found = [(one.box, model.probability(np.array(one.features))) for one in here]
        told += [(at, sight.box) for sight in places.feed(at, found) if sight.end is None]
    when = tuple(
        next((at - fire.start for at, box in told if _in(at, box, fire)), None) for fire in lesson.fires
    )
    false = sum(all(_taught(at, box, [fire]) is False for fire in lesson.fires) for at, box in told)
    return Result(lesson.clip, lesson.kind, lesson.ends, when, false)


def cross_validated(
    lessons: Sequence[Lesson], fixed: Sequence[Lesson], told: Callable[[str], None]
) -> list[Result]:
    """Each of `lessons` judged by a model taught without it (by all others and `fixed`), in at most six parts."""
    folds = max(min(FOLDS_MAX, len(lessons)), 1)
    results: list[Result] = []
    for fold in range(folds):
        held = [lesson for index, lesson in enumerate(lessons) if index % folds == fold]
        rest = [lesson for index, lesson in enumerate(lessons) if index % folds != fold]
        told(f"{fold + 1}/{folds}")
        try:
            model = taught([*rest, *fixed])
        except ValueError:  # without the held clips there is no fire left, or nothing but fire
            continue
        results += [judged(model, lesson) for lesson in held]
    return results


def _taught(at: int, box: Box, fires: Sequence[Span]) -> bool | None:
    """Whether a region seen over the window before `at` is fire; None where that is open."""
    for fire in fires:
        if _in(at, box, fire):
            return True
        if fire.start - AROUND_MS <= at <= fire.end + AROUND_MS + WINDOW_MS:
            return None
    return False


def _in(at: int, box: Box, fire: Span) -> bool:
    across, down = box[0] + box[2] / 2 - fire.box[0], box[1] + box[3] / 2 - fire.box[1]
    inside = 0 <= across <= fire.box[2] and 0 <= down <= fire.box[3]
    return inside and fire.start + WINDOW_MS // 2 <= at <= fire.end + WINDOW_MS // 2
