"""Rendered scenes are the same for the same seed, know their truth, and hold what analytics are judged by."""

from __future__ import annotations

import numpy as np
import pytest

from devices.picture.view import CLIP
from devices.picture.watch import Watch
from devices.simulator.scenes import Happening, Scene, Truth
from devices.vision import tamper


def test_equal_scenes_give_equal_pictures() -> None:
    """A scene is its seed and settings; a part of it is entered at any moment; another seed is another yard."""
    scene = Scene(seed=4, seconds=1, fps=4, width=160, light="night", rain=0.5, neon=True, people=5, cars=3)
    first, again = list(scene.frames()), list(scene.frames())
    assert [at for at, _ in first] == [0, 250, 500, 750]
    assert all(np.array_equal(a, b) for (_, a), (_, b) in zip(first, again, strict=True))
    assert first[0][1].shape == (90, 160, 3)
    assert first[0][1].dtype == np.uint8
    other = next(Scene(seed=5, seconds=1, fps=4, width=160, light="night").frames())[1]
    assert not np.array_equal(first[0][1], other)


def test_the_truth_is_known() -> None:
    """What analytics should see follows from what happens; benign happenings are no truth."""
    happens = (
        Happening(kind="parked", start_s=9, end_s=20),
        Happening(kind="sprayed", start_s=5, end_s=8),
        Happening(kind="headlights", start_s=1, end_s=3),
    )
    assert Scene(happenings=happens).truth == (
        Truth("tamper", "covered", 5, 8),
        Truth("occupation", "occupied", 9, 20),
    )


@pytest.mark.parametrize(
    ("kind", "light", "wanted"),
    [
        ("covered", "infrared", ["covered"]),
        ("rotated", "day", ["rotated"]),
        ("switched", "dusk", []),
        ("infrared", "day", []),
    ],
)
def test_tamper_in_rain_and_crowd(kind: str, light: str, wanted: list[str]) -> None:
    """With people, cars and rain about, tamper is told and light is not."""
    happens = (Happening(kind=kind, start_s=7, end_s=30),)
    scene = Scene(
        seed=8, seconds=14, fps=3, width=320, light=light, rain=0.7, people=8, cars=2, happenings=happens
    )
    watch = Watch({"tamper": tamper}, CLIP, {})
    assert [seen.sight.type for at, picture in scene.frames() for seen in watch.feed(at, picture)] == wanted
