"""A picture stands still when no place in it trembles any more; a quiet view or a key frame redrawn is not that."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from devices.picture.drawing import yard
from devices.picture.frame import Frame, Pixels
from devices.picture.stillness import Stillness


def grainy(much: float, seconds: float, start: float = 0.0) -> Iterator[tuple[int, Pixels]]:
    """The yard at five pictures a second, with sensor noise of `much` grey levels."""
    noise = np.random.default_rng(5)
    for n in range(round(seconds * 5)):
        picture = yard() + noise.normal(0, much, (180, 320, 1))
        yield round(start * 1000) + n * 200, np.clip(picture, 0, 255).astype(np.uint8)


def stood(frames: Iterator[tuple[int, Pixels]], still: Stillness, learn_ms: int = 5_000) -> set[int | None]:
    """What is said of all these frames."""
    return {still.feed(Frame(at, picture), learning=at < learn_ms) for at, picture in frames}


@pytest.mark.parametrize("redrawn", [0.0, 2.0])
def test_a_repeated_picture_is_seen_though_key_frames_redraw_it(redrawn: float) -> None:
    """From 8 s on one picture comes again and again, once a second a little otherwise: it stands since then."""
    still = Stillness()
    assert stood(grainy(3, 8), still) == {None}
    last = next(grainy(3, 1))[1]
    other = np.clip(last + redrawn, 0, 255).astype(np.uint8)
    frozen = ((8_000 + n * 200, other if n // 5 % 2 else last) for n in range(40))
    said = [still.feed(Frame(at, picture), learning=False) for at, picture in frozen]
    assert said[-1] is not None
    assert 7_500 <= said[-1] <= 8_500


def test_a_view_that_calms_down_and_one_that_never_trembled_are_not_frozen() -> None:
    """Less noise at noon than at dusk is no frozen picture; nor is one that stood still from its first second on."""
    calm = Stillness()
    assert stood(grainy(6, 8), calm) | stood(grainy(2, 12, 8), calm) == {None}
    assert stood(grainy(0, 16), Stillness()) == {None}
