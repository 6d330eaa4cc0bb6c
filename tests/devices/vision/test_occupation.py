"""Zone occupation: what stands is told in time, what passes or is only light never is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import cv2
import numpy as np
import pytest

from devices.picture.analytic import Sight
from devices.picture.drawing import HEIGHT, WIDTH, car, drawn
from devices.picture.frame import Frame, Pixels, View, fitted
from devices.picture.zone import Zone
from devices.simulator.scenes import Happening, Scene
from devices.vision.occupation import Config, Occupation

FOOTAGE = Path(__file__).parents[4] / "shared" / "footage"
Paint = Callable[[Pixels, float], None]


def seen(
    run: Occupation, frames: Iterable[tuple[int, Pixels]], view: View | None = None
) -> list[tuple[int, Sight]]:
    """What a run tells, and when."""
    told = []
    for at, picture in frames:
        frame = Frame(at, fitted(picture))
        if view is not None:
            frame.view = view
        told += [(at, sight) for sight in run.feed(frame)]
    return told


def parked(start: float, end: float) -> Paint:
    """A car that is simply there for a while."""

    def paint(picture: Pixels, at: float) -> None:
        if start <= at < end:
            car(picture, 80, 90)

    return paint


@pytest.mark.parametrize("fps", [3, 5, 12])
def test_a_parked_car_is_told_in_time_at_any_rate(fps: int) -> None:
    """On within the dwell time and 3 s, off within 5 s of leaving, with its own times, at 3 to 12 pictures a second."""
    told = seen(Occupation(Config(dwell_s=5)), drawn(21, parked(7, 15), fps))
    assert [sight.type for _, sight in told] == ["occupied", "occupied"]
    (on, begun), (off, ended) = told
    assert 12_000 <= on <= 15_000
    assert 15_000 <= off <= 20_000
    assert abs(begun.start - 7_000) <= 500
    assert ended.end is not None
    assert abs(ended.end - 15_000) <= 1_000


def test_only_the_zone_counts() -> None:
    """What stands beside the zone is nobody's business."""
    elsewhere = Zone(((0.7, 0.4), (1, 0.4), (1, 1), (0.7, 1)), "exit")
    here = Zone(((0.2, 0.4), (0.6, 0.4), (0.6, 0.9), (0.2, 0.9)), "lane")
    told = seen(Occupation(Config(dwell_s=4, zones=(elsewhere, here))), drawn(14, parked(7, 14)))
    assert [sight.zone for _, sight in told] == ["lane"]


def test_traffic_without_end_is_no_object() -> None:
    """Cars of all colours that pass one after the other through the same place occupy nothing."""

    def paint(picture: Pixels, at: float) -> None:
        if at >= 6:
            turn, through = divmod(at, 1.6)
            patch = picture.copy()
            car(patch, round(-84 + through / 1.6 * (WIDTH + 84)), 90)
            picture[:] = np.roll(patch, round(turn) % 3, axis=2) if turn % 3 else patch

    assert seen(Occupation(Config(dwell_s=4)), drawn(20, paint)) == []


def test_a_standing_car_is_never_taken_for_ground() -> None:
    """A minute later it still occupies the zone, and a sight that began is not told twice."""
    told = seen(Occupation(Config(dwell_s=5)), drawn(70, parked(7, 99), 2))
    assert [(sight.type, sight.end) for _, sight in told] == [("occupied", None)]


def test_night_mode_keeps_what_stands() -> None:
    """When the camera goes to infrared and back, the car that stands goes on standing, and leaves once."""

    def paint(picture: Pixels, at: float) -> None:
        parked(7, 32)(picture, at)
        if 14 <= at < 24:
            grey = 255 - cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY) // 2
            picture[:] = grey[..., None]

    told = seen(Occupation(Config(dwell_s=4, learn_s=4)), drawn(40, paint))
    assert [sight.type for _, sight in told] == ["occupied", "occupied"]
    assert told[1][0] >= 32_000


def test_a_blind_view_stops_the_clock() -> None:
    """While the view is not usable nothing begins and nothing ends."""
    run = Occupation(Config(dwell_s=5))
    clip = list(drawn(30, parked(7, 20)))
    before = seen(run, [one for one in clip if one[0] < 10_000])
    during = seen(run, [one for one in clip if 10_000 <= one[0] < 26_000], View(fault="covered"))
    after = seen(run, [one for one in clip if one[0] >= 26_000])
    assert before == during == after == []


def test_another_size_starts_anew() -> None:
    """A stream that comes back in another size ends what stood, and is learned again."""
    run = Occupation(Config(dwell_s=4))
    first = seen(run, drawn(13, parked(7, 13)))
    other = (
        (at + 13_000, cv2.resize(picture, (WIDTH // 2, HEIGHT // 2)))
        for at, picture in drawn(8, parked(0, 8))
    )
    second = seen(run, ((at, np.asarray(picture, np.uint8)) for at, picture in other))
    assert [sight.end is None for _, sight in first + second] == [True, False]


def test_a_car_leaves_nothing_behind_in_a_busy_lane() -> None:
    """Where traffic hid the ground while it was learned, what a parked car uncovers is ground and no second car."""

    def paint(picture: Pixels, at: float) -> None:
        if at < 7 and at % 1.0 < 0.45:  # nearly half of the first pictures show a passing car here
            car(picture, round(60 + at % 1.0 * 60), 90)
        parked(7, 16)(picture, at)

    told = seen(Occupation(Config(dwell_s=5)), drawn(26, paint))
    assert [sight.end is None for _, sight in told if sight.type == "occupied"] == [True, False]


@pytest.mark.skipif(not FOOTAGE.is_dir(), reason="labelled footage is not here")
def test_real_footage() -> None:
    """The parked car of the footage is found in its time; nothing is found in moving traffic."""

    def clip(name: str, every: int) -> Iterable[tuple[int, Pixels]]:
        capture = cv2.VideoCapture(str(FOOTAGE / name))
        for index in range(10_000):
            if not capture.grab():
                return
            if index % every == 0:
                yield round(index * 1000 / 12.5), np.asarray(capture.retrieve()[1], np.uint8)

    told = seen(Occupation(Config(dwell_s=10)), clip("syn_parked_car_a.mp4", 3))
    assert [sight.type for _, sight in told] == ["occupied", "occupied"]
    assert told[0][0] <= 21_000
    assert 37_920 <= told[1][0] <= 42_920
    assert seen(Occupation(Config(dwell_s=5)), clip("i_car.mp4", 3)) == []


@pytest.mark.parametrize(("kind", "wanted"), [("parked", "occupied"), ("removed", "removed")])
def test_rain_at_night_hides_nothing(kind: str, wanted: str) -> None:
    """A car that parks is `occupied` and a small dark bench carried off is `removed`, in rain and a dim yard."""
    scene = Scene(
        seed=5, seconds=17, fps=4, width=320, light="dusk", rain=0.7, people=0, cars=0,
        happenings=(Happening(kind=kind, start_s=7.5, end_s=30),),
    )  # fmt: skip
    config = Config(dwell_s=6, zones=(scene.lane,) if kind == "parked" else ())
    told = seen(Occupation(config), scene.frames())
    assert [sight.type for _, sight in told] == [wanted]
    assert abs(told[0][1].start - 7500) <= 1000
    assert told[0][0] <= 16_500
