"""Motion, intrusion and crossed lines."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.picture.drawing import car, drawn
from devices.picture.frame import Frame, Pixels, View
from devices.picture.hours import DAY, WEEK, Hours, armed
from devices.picture.tracks import TRACKS_MAX, Line, Tracks
from devices.vision.motion import Config, Motion


def passing(picture: Pixels, at: float) -> None:
    """A car goes from left to right between the third and the sixth second."""
    if 3 <= at < 6:
        car(picture, round((at - 3) * 75), 100)


def told(run: Motion, seconds: float = 11, view: View | None = None) -> list[tuple[str, str]]:
    """Types and zones of what begins."""
    out = []
    for at, picture in drawn(seconds, passing):
        frame = Frame(at, picture)
        frame.view = view if view is not None else frame.view
        out += [(s.type, s.zone) for s in run.feed(frame) if s.end is None]
    return out


def test_an_intrusion_is_motion_in_armed_hours() -> None:
    """The calendar is said from outside: at noon it is motion, at midnight an intrusion too."""
    night = Hours(22 * 60, 6 * 60)
    noon, midnight = Motion(Config(armed=(night,))), Motion(Config(armed=(night,)))
    noon.calendar(0, 12 * 60)
    midnight.calendar(0, 6 * DAY + 23 * 60 + 59)
    assert told(noon) == [("motion", "")]
    assert sorted(told(midnight)) == [("intrusion", ""), ("motion", "")]


@pytest.mark.parametrize(("way", "crossed"), [("left", 1), ("right", 0), ("both", 1)])
def test_a_line_is_crossed_one_way(way: str, crossed: int) -> None:
    """Whoever walks down the drawn line has a car that goes to the right of the picture on their left."""
    run = Motion(Config(lines=(Line((0.5, 0.2), (0.5, 1.0), way, "gate"),)))
    assert [one for one in told(run) if one[0] == "line_crossing"] == [("line_crossing", "gate")] * crossed


def test_nothing_moves_in_a_view_that_is_not_usable() -> None:
    """A covered or settling camera reports no motion."""
    assert told(Motion(Config()), view=View(settling=True)) == []


@given(st.integers(0, DAY), st.integers(0, DAY), st.integers(0, 6), st.integers(0, WEEK - 1))
def test_hours_hold_from_start_to_end(start: int, end: int, day: int, minute: int) -> None:
    """Hours of one day hold for as many minutes as they are long, past midnight and past Sunday."""
    hours = Hours(start, end, (day,))
    length = (end - start) % DAY or DAY
    assert hours.hold(minute) == ((minute - day * DAY - start) % WEEK < length)
    assert armed((hours,), None)


def test_wrong_hours_and_lines_are_refused() -> None:
    """Numbers that mean nothing are said to."""
    wrong: list[tuple[Any, ...]] = [(-1, 5), (0, 1441)]
    for one in wrong:
        with pytest.raises(ValueError, match="1440"):
            Hours(*one)
    with pytest.raises(ValueError, match="left, right or both"):
        Line((0, 0), (1, 1), "up")
    with pytest.raises(ValueError, match="two different points"):
        Line((0.5, 0.5), (0.5, 0.5))


boxes = st.tuples(*[st.floats(0, 1, allow_nan=False)] * 4)


@given(st.lists(st.lists(boxes, max_size=80), max_size=12))
def test_tracks_stay_few(pictures: list[list[tuple[float, float, float, float]]]) -> None:
    """However many blobs a picture has, at most 32 are followed."""
    tracks = Tracks()
    for index, found in enumerate(pictures):
        assert len(tracks.feed(index * 200, found)) <= TRACKS_MAX
