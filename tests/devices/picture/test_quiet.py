"""The middle of the last pictures: rain is gone, what stays is there at its own time, and slow cameras do not lag."""

from __future__ import annotations

import numpy as np
import pytest

from devices.picture.quiet import Quiet


@pytest.mark.parametrize(("step", "count"), [(200, 5), (333, 5), (500, 5), (1000, 3), (3000, 1)])
def test_the_middle_of_what_two_seconds_hold(step: int, count: int) -> None:
    """Every pixel is the median of at most five pictures, and the time is that of the middle one."""
    dice = np.random.default_rng(step)
    pictures = [dice.integers(0, 256, (6, 9, 3)).astype(np.uint8) for _ in range(12)]
    quiet = Quiet()
    for n, picture in enumerate(pictures):
        at, middle = quiet.feed(n * step, picture)
    assert at == (11 - count // 2) * step
    assert np.array_equal(middle, np.median(np.stack(pictures[-count:]), axis=0).astype(np.uint8))


def test_time_never_goes_back_while_it_fills() -> None:
    """From the first picture on there is a middle, and its time only grows."""
    quiet = Quiet()
    black = np.zeros((4, 4, 3), np.uint8)
    times = [quiet.feed(at, black)[0] for at in range(0, 2000, 200)]
    assert times == sorted(times)
    assert times[0] == 0


def test_a_drop_is_not_seen_and_a_thing_is() -> None:
    """What is in one picture of five is gone; what came in the last three is there."""
    quiet = Quiet()
    for n in range(5):
        picture = np.full((4, 4, 3), 90, np.uint8)
        if n == 1:
            picture[0, 0] = 255  # a drop
        if n >= 2:
            picture[2, 2] = 10  # a thing
        _, middle = quiet.feed(200 * n, picture)
    assert middle[0, 0, 0] == 90
    assert middle[2, 2, 0] == 10


def test_another_size_begins_anew() -> None:
    """Pictures of two sizes are never mixed."""
    quiet = Quiet()
    quiet.feed(0, np.zeros((4, 4, 3), np.uint8))
    at, middle = quiet.feed(200, np.ones((6, 6, 3), np.uint8))
    assert (at, middle.shape) == (200, (6, 6, 3))
