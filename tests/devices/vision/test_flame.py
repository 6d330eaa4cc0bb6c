"""Possible flame: fires are found, their look-alikes are not, and the weights are what the clips say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest

from devices.picture.firelight import flame, scene
from devices.picture.flicker import NAMES
from devices.picture.frame import Frame, Pixels, View
from devices.picture.logistic import Model, fit, poisson, wilson
from devices.picture.lookalikes import LOOKALIKES
from devices.picture.teaching import Lesson, Span, judged, studied, taught
from devices.vision.flame import Config, Flame

FOOTAGE = Path(__file__).parents[4] / "shared" / "footage"


def filmed(maker: object, seed: int, seconds: float, fps: int = 5) -> Iterator[tuple[int, Pixels]]:
    """A drawn clip of a painter the shipped weights were not fitted on (their seeds are other ones)."""
    paint = scene(maker, seed, width=320, height=180)  # type: ignore[arg-type]  # pytest hands makers over as objects
    return ((round(n * 1000 / fps), paint(n / fps, None)) for n in range(round(seconds * fps)))


def types(run: Flame, frames: Iterator[tuple[int, Pixels]], view: View | None = None) -> list[str]:
    """The types of what begins."""
    told = []
    for at, picture in frames:
        frame = Frame(at, picture)
        frame.view = view if view is not None else frame.view
        told += [sight.type for sight in run.feed(frame) if sight.end is None]
    return told


@pytest.mark.parametrize("seed", [903, 911])
def test_a_fire_is_told_within_ten_seconds(seed: int) -> None:
    """A drawn fire asks somebody to look within 10 s."""
    assert "possible_flame" in types(Flame(Config()), filmed(flame, seed, 10))


@pytest.mark.parametrize("name", sorted(LOOKALIKES))
def test_look_alikes_are_not(name: str) -> None:
    """Neon, tail lights, beacons, orange clothes, sunset, leaves, flags, lanterns and running text are no flames."""
    assert types(Flame(Config()), filmed(LOOKALIKES[name], 9000, 8)) == []


@pytest.mark.parametrize("view", [View(monochrome=True), View(fault="covered")])
def test_it_says_when_it_cannot_tell(view: View) -> None:
    """In infrared and with a view that is not usable it says so and claims nothing."""
    assert types(Flame(Config()), filmed(flame, 903, 8), view) == ["unreliable"]


def test_weights_of_other_features_are_refused() -> None:
    """A file fitted by another version is not used in silence."""
    old = Model(("flicker",), (0.0,), (1.0,), (1.0, 0.0), 0.0)
    with pytest.raises(ValueError, match="calibrate again"):
        Config(model=old)
    with pytest.raises(ValueError, match="finite"):
        Model(("flicker",), (0.0,), (0.0,), (1.0, 0.0), 0.0)


def test_a_regression_finds_what_separates() -> None:
    """Fitted weights tell two kinds apart by the feature that does, whatever scale it has."""
    rng = np.random.default_rng(1)
    labels = np.arange(200) % 5 == 0
    rows = np.stack([rng.normal(0, 1, 200), 1000 + 50 * labels + rng.normal(0, 10, 200)], axis=1)
    model = fit(("noise", "telling"), rows, labels, np.ones(200))
    right = [(model.probability(row) > 0.5) == label for row, label in zip(rows, labels, strict=True)]
    assert np.mean(right) > 0.97
    assert abs(model.weights[1]) > 5 * abs(model.weights[0])
    with pytest.raises(ValueError, match="both kinds"):
        fit(("noise", "telling"), rows, np.zeros(200, np.bool_), np.ones(200))


def test_intervals_are_those_of_the_tables() -> None:
    """Wilson's interval of 4 of 4 and Poisson's of 0 and of 3 counts, to two digits."""
    assert wilson(4, 4) == pytest.approx((0.510, 1.0), abs=0.002)
    assert wilson(0, 0) == (0.0, 1.0)
    assert poisson(0, 1)[1] == pytest.approx(3.69, abs=0.1)
    assert poisson(3, 1) == pytest.approx((0.62, 8.77), abs=0.1)


def test_lessons_teach_and_judge() -> None:
    """Labelled clips become weights; a clip is judged by when its fire was found and by its false alarms."""
    lessons: list[Lesson] = []
    for seed in (41, 42):
        lessons.append(studied(f"fire {seed}", "flame", filmed(flame, seed, 8), [Span(0, 8000)]))
        lessons.append(studied(f"leaves {seed}", "leaves", filmed(LOOKALIKES["leaves"], seed, 6)))
        lessons.append(studied(f"glints {seed}", "glints", filmed(LOOKALIKES["glints"], seed, 6)))
    model = taught(lessons)
    assert model.features == NAMES
    results = [judged(model, lesson) for lesson in lessons]
    assert all(result.found[0] is not None for result in results if result.kind == "flame")
    assert sum(result.false for result in results) == 0
    again = msgspec.json.decode(msgspec.json.encode(lessons[0]), type=Lesson)
    assert judged(model, again) == results[0]


@pytest.mark.skipif(not FOOTAGE.is_dir(), reason="labelled footage is not here")
def test_the_burning_house_is_found() -> None:
    """House6 of the footage asks for a look within 10 s of any start; the car park and the bottles never do."""

    def clip(name: str, first: int, count: int, fps: float) -> Iterator[tuple[int, Pixels]]:
        capture = cv2.VideoCapture(str(FOOTAGE / name))
        for index in range(first + count):
            if not capture.grab():
                return
            if index >= first and index % 3 == 0:
                yield round((index - first) * 1000 / fps), np.asarray(capture.retrieve()[1], np.uint8)

    for first in (0, 200):
        assert "possible_flame" in types(Flame(Config()), clip("house6.mp4", first, 150, 15))
    assert types(Flame(Config()), clip("i_bottle.mp4", 60, 200, 15)) == []
