"""Left or removed, thing or light: told by the line along which the place changed, whatever lies behind it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from devices.picture.drawing import HEIGHT, WIDTH
from devices.picture.firelight import clouds
from devices.picture.frame import Pixels
from devices.picture.likeness import look, unlikeness
from devices.picture.outline import edge_of_light, outlined, pair
from devices.picture.region import regions, soft


def hedge(seed: int) -> Pixels:
    """A place full of edges, rougher than anything that is laid before it."""
    rng = np.random.default_rng(seed)
    rough = np.stack([cv2.resize(clouds(rng, 5), (WIDTH, HEIGHT)) for _ in range(3)], axis=-1)
    picture = np.clip(40 + 150 * rough, 0, 255).astype(np.uint8)
    for x in range(0, WIDTH, 40):
        cv2.line(picture, (x, 0), (x + 25, HEIGHT), (200, 210, 200), 2)
    return picture


def grainy(picture: Pixels, seed: int) -> Pixels:
    noise = np.random.default_rng(seed).normal(0, 2, picture.shape)
    seen = np.clip(picture + noise, 0, 255).astype(np.uint8)
    return np.asarray(cv2.cvtColor(seen, cv2.COLOR_BGR2YCrCb), np.uint8)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("tone", [(70, 70, 70), (90, 140, 170), (225, 225, 220)])
def test_what_is_there_and_what_is_gone(seed: int, tone: tuple[int, int, int]) -> None:
    """A plain box before a hedge was left when it came, and removed when it went, though it hid what is busier."""
    empty, full = hedge(seed), hedge(seed)
    cv2.rectangle(full, (130, 70), (190, 120), tone, -1)
    before, after = look(grainy(empty, 1)), look(grainy(full, 2))
    came, went = unlikeness(after, before), unlikeness(before, after)
    nowhere = np.zeros_like(came.any)
    assert outlined(pair(before, after, came.any), regions(came.hard, 11)[0].cells, nowhere) < -0.1
    assert outlined(pair(after, before, went.any), regions(went.hard, 11)[0].cells, nowhere) > 0.1


def test_what_passed_has_no_vote() -> None:
    """A car that drove by beside the place is no longer what is seen there."""
    empty, full = hedge(1), hedge(1)
    cv2.rectangle(empty, (130, 70), (190, 120), (70, 70, 70), -1)
    cv2.rectangle(full, (196, 40), (300, 160), (250, 250, 250), -1)
    before, after = look(grainy(empty, 1)), look(grainy(full, 2))
    standing = np.zeros(before.busy.shape, np.bool_)
    standing[17:31, 32:48] = True
    assert outlined(pair(before, after, standing), standing, np.zeros_like(standing)) > 0.2


def test_what_is_not_settled_is_no_outline() -> None:
    """Where only half of a gap has been seen for long enough, its rest is not taken for a thing that came."""
    empty, full = hedge(0), hedge(0)
    cv2.rectangle(full, (130, 70), (190, 120), (70, 70, 70), -1)
    before, after = look(grainy(full, 1)), look(grainy(empty, 2))
    went = unlikeness(after, before).any
    standing = went.copy()
    standing[:, 38:] = False
    half = regions(standing, 11)[0].cells
    pictures = pair(before, after, standing)
    assert outlined(pictures, half, went & ~standing) > outlined(pictures, half, np.zeros_like(went))
    assert outlined(pictures, half, went & ~standing) > 0.1


def test_nothing_changed_is_no_outline() -> None:
    """Where nothing differs nothing is claimed."""
    one = look(grainy(hedge(2), 1))
    nowhere = np.zeros(one.busy.shape, np.bool_)
    assert outlined(pair(one, one, nowhere), nowhere, nowhere) == 0.0
    nowhere[10:20, 10:20] = True
    assert outlined(pair(one, one, nowhere), nowhere, nowhere) == 0.0


@pytest.mark.parametrize("thing", [False, True])
def test_the_edge_of_a_shadow(thing: bool) -> None:
    """A shadow's sharp edge is light; a post that stands in its own shadow's edge is not."""
    empty = np.full((HEIGHT, WIDTH, 3), 150, np.uint8)
    full = empty.copy()
    full[:, 180:] //= 2
    if thing:
        cv2.rectangle(full, (176, 60), (188, 120), (30, 40, 200), -1)
        cv2.rectangle(full, (176, 80), (188, 90), (240, 240, 240), -1)
    before, after = look(grainy(empty, 1)), look(grainy(full, 2))
    against = unlikeness(after, before)
    region = regions(against.hard, 11)[0]
    beside = soft(region, against.any, against)
    assert edge_of_light(pair(before, after, against.any), region.cells, beside) is not thing
