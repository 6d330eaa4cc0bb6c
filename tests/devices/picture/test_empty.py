"""The empty view: who passes is not in it, what stands is kept out, and it is not known before it was seen."""

from __future__ import annotations

import numpy as np

from devices.picture.drawing import HEIGHT, WIDTH, car, yard
from devices.picture.empty import EVERY_MAX_MS, SAMPLES, Empty
from devices.picture.frame import Frame, Pixels, View

READY_MS = 9_000
BOX = (100 / WIDTH, 90 / HEIGHT, 90 / WIDTH, 45 / HEIGHT)


def _apart(one: Pixels | None, other: Pixels) -> float:
    """How far two pictures are apart where the car stands, in grey levels."""
    assert one is not None
    part = np.s_[90:135, 100:190]
    return float(np.abs(one[part].astype(np.int16) - other[part]).mean())


def _parked() -> Pixels:
    picture = yard()
    car(picture, 100, 92)
    return picture


def _learn(empty: Empty, since: int, pictures: int, every: int, shows: Pixels, **more: bool) -> int:
    for n in range(pictures):
        view = View(monochrome=more.get("monochrome", False))
        empty.learn(Frame(since + n * every, shows, view), [BOX] if more.get("standing") else [])
    return since + pictures * every


def test_it_is_known_after_its_time_and_holds_nobody_who_passed() -> None:
    """Not before the ninth picture; what was in four of nine is not in it, and pictures between do not count."""
    empty = Empty(READY_MS)
    at = _learn(empty, 0, 4, 1_000, _parked())
    at = _learn(empty, at, 4, 1_000, yard())
    _learn(empty, at - 500, 5, 10, yard())
    assert empty.of(False) is None
    _learn(empty, at, 1, 1_000, yard())
    assert _apart(empty.of(False), yard()) == 0


def test_who_stays_is_kept_out_for_long() -> None:
    """After the first two hours who stays half an hour is not taken for the view; who stays for hours is."""
    empty = Empty(READY_MS)
    at = _learn(empty, 0, 7_200, 1_000, yard())
    at = _learn(empty, at, 180, 10_000, _parked())
    assert _apart(empty.of(False), yard()) == 0
    _learn(empty, at, SAMPLES, EVERY_MAX_MS, _parked())
    assert _apart(empty.of(False), _parked()) == 0


def test_what_is_known_to_stand_never_becomes_the_view() -> None:
    """A car that was told stays out of it as long as it stands; when it has gone nothing is left of it."""
    empty = Empty(READY_MS)
    at = _learn(empty, 0, 10, 1_000, yard())
    at = _learn(empty, at, 20, EVERY_MAX_MS, _parked(), standing=True)
    assert _apart(empty.of(False), yard()) == 0
    _learn(empty, at, 20, EVERY_MAX_MS, yard())
    assert _apart(empty.of(False), yard()) == 0


def test_what_was_learned_of_it_before_it_was_told_goes() -> None:
    """A car that stood there for most of the time until it was believed leaves the view when it is told."""
    empty = Empty(READY_MS)
    at = _learn(empty, 0, 3, 1_000, yard())
    _learn(empty, at, 6, 1_000, _parked())
    assert _apart(empty.of(False), _parked()) == 0
    empty.forget(BOX, at - 200)
    assert _apart(empty.of(False), yard()) == 0
    empty.forget(BOX, 0)
    assert _apart(empty.of(False), yard()) == 0


def test_infrared_and_another_size_are_views_of_their_own() -> None:
    """By night the view is learned anew and the day's is kept; a stream of another shape begins again."""
    empty = Empty(READY_MS)
    night = np.repeat(yard().mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8)
    at = _learn(empty, 0, SAMPLES, 1_000, yard())
    at = _learn(empty, at, SAMPLES - 1, 1_000, night, monochrome=True)
    assert (empty.of(True) is None, empty.of(False) is None) == (True, False)
    at = _learn(empty, at, 1, 1_000, night, monochrome=True)
    assert _apart(empty.of(True), night) == 0
    _learn(empty, at, 1, 1_000, yard()[:120])
    assert empty.of(False) is None
