"""What was learned of a view outlives its process: a cover over a restart is told, and damaged memories are refused."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.picture.drawing import drawn
from devices.picture.frame import Frame, Pixels, View, fitted
from devices.picture.remembered import BYTES_MAX, CannotRestore
from devices.picture.view import CLIP, Gate


def nothing(picture: Pixels, t: float) -> None:
    """What is painted when nothing happens."""


def covered(picture: Pixels, t: float) -> None:
    """A cloth before the lens."""
    picture[:] = (60, 80, 110)


@cache
def saved() -> bytes:
    """What is kept of the drawn yard."""
    gate = Gate(CLIP)
    assert gate.saved() == b"", "nothing is learned yet"
    for at, picture in drawn(6, nothing):
        gate.judge(Frame(at, fitted(picture)))
    return gate.saved()


def restarted(change: Callable[[Pixels, float], None], wide: int = 320) -> tuple[Gate, list[View]]:
    """A gate that goes on with what was saved, and its views of two more seconds."""
    gate = Gate(CLIP)
    gate.restore(saved())
    pictures = ((at, cv2.resize(p, (wide, wide * 9 // 16))) for at, p in drawn(2, change))
    return gate, [gate.judge(Frame(at, fitted(np.asarray(p, np.uint8)))) for at, p in pictures]


def test_a_cover_that_came_during_a_restart_is_told_at_once() -> None:
    """The first picture after a restart is compared with what was learned before it; the right view is no fault."""
    assert {view.fault for view in restarted(covered)[1]} == {"covered"}
    good = restarted(nothing)[1]
    assert {view.fault for view in good} == {""}
    assert good[0].learned
    assert len(saved()) < BYTES_MAX


def test_pictures_of_another_size_are_learned_anew_and_it_is_said() -> None:
    """What was learned of another size is not compared, whatever it shows."""
    gate, views = restarted(covered, wide=160)
    assert gate.forgot
    assert not views[0].learned
    assert {view.fault for view in views} == {""}


@given(st.data())
def test_no_damage_is_taken_for_a_view(data: st.DataObject) -> None:
    """Cut short, or with any byte changed, it is refused and nothing is known."""
    whole = saved()
    at = data.draw(st.integers(0, len(whole) - 1))
    if data.draw(st.booleans()):
        broken = whole[:at]
    else:
        broken = whole[:at] + bytes((whole[at] ^ data.draw(st.integers(1, 255)),)) + whole[at + 1 :]
    gate = Gate(CLIP)
    with pytest.raises(CannotRestore):
        gate.restore(broken)
    assert gate.saved() == b""
