"""The view is judged as a person would: light is not tamper, and what cannot be told is not claimed."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
import pytest

from devices.picture.align import aligned
from devices.picture.drawing import drawn, yard
from devices.picture.frame import Frame, Pixels, View, fitted
from devices.picture.reference import Reference, look
from devices.picture.view import CLIP, Gate
from devices.picture.watch import Watch
from devices.picture.zone import WHOLE, Zone, box_of, masked, zone_of
from devices.vision import tamper


def judged(frames: Iterable[tuple[int, Pixels]]) -> list[tuple[int, View]]:
    """The view at each frame."""
    gate = Gate(CLIP)
    return [(at, gate.judge(Frame(at, fitted(picture)))) for at, picture in frames]


def nothing(picture: Pixels, t: float) -> None:
    """What is painted when nothing happens."""


def test_a_switched_light_settles_and_is_no_fault() -> None:
    """For a moment after the light changes nothing may be concluded; then all is as before."""

    def switched(picture: Pixels, t: float) -> None:
        if t >= 8:
            picture[:] = (picture * 0.35).astype(np.uint8)

    views = judged(drawn(14, switched))
    assert {view.reason for at, view in views if 8_000 <= at < 9_000} == {"settling"}
    assert all(view.reliable and view.learned for at, view in views if at > 10_500)
    assert not any(view.fault for _, view in views)


def test_night_mode_is_seen_as_monochrome() -> None:
    """A picture without colour is monochrome within two seconds, and the view stays the right one."""

    def night(picture: Pixels, t: float) -> None:
        if t >= 8:
            picture[:] = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)

    def quietly(frames: Iterable[tuple[int, Pixels]]) -> Iterable[tuple[int, Pixels]]:
        for at, picture in frames:  # the sensor's noise has no colour at night
            grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
            yield at, picture if at < 8_000 else np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), np.uint8)

    views = judged(quietly(drawn(20, night)))
    assert not any(view.monochrome or view.fault for at, view in views if at < 8_000)
    assert all(view.monochrome and not view.fault for at, view in views if at > 10_000)


def test_a_view_without_edges_claims_nothing() -> None:
    """Before a bare wall no cover can be told from the wall, so none is told."""
    wall = np.full((180, 320, 3), 140, np.uint8)
    noise = np.random.default_rng(3)

    def frames() -> Iterable[tuple[int, Pixels]]:
        for n in range(80):
            bright = wall if n < 50 else wall // 2
            yield n * 200, np.clip(bright + noise.normal(0, 2, wall.shape), 0, 255).astype(np.uint8)

    assert {view.fault for _, view in judged(frames())} == {""}


def test_a_picture_that_never_trembles_is_not_called_frozen() -> None:
    """A drawn or noiseless picture that stood still from the beginning cannot be told from a frozen one."""
    assert {v.fault for _, v in judged((n * 200, yard()) for n in range(100))} == {""}


def test_a_reconnected_stream_of_another_size_is_learned_anew() -> None:
    """A change of the picture's size is no tamper, whatever the new shape."""
    frames = list(drawn(8, nothing))
    for size in ((640, 360), (240, 240), (160, 90)):
        more = [(at + 8_000, np.asarray(cv2.resize(p, size), np.uint8)) for at, p in frames]
        assert {view.fault for _, view in judged([*frames, *more])} == {""}


@pytest.mark.parametrize("size", [(16, 16), (17, 300), (300, 17), (1920, 1080)])
def test_any_size_is_judged(size: tuple[int, int]) -> None:
    """No shape of picture breaks the judge."""
    noise = np.random.default_rng(1)
    pictures = [noise.integers(0, 255, (size[1], size[0], 3), np.uint8) for _ in range(3)]
    assert len(judged((n * 1000, pictures[n % 3]) for n in range(9))) == 9


@pytest.mark.parametrize(
    ("angle", "zoom", "x", "y"), [(0, 1, 0.2, -0.1), (12, 1, 0, 0), (-24, 1, 0.1, 0), (0, 1.2, 0, 0)]
)
def test_an_alignment_is_found(angle: float, zoom: float, x: float, y: float) -> None:
    """How the view was moved is measured: within two degrees and three hundredths of the picture."""
    pictures = [picture for _, picture in drawn(3, nothing)]
    reference = Reference(look(Frame(0, pictures[0])))
    for picture in pictures[1:]:
        reference.learn(look(Frame(0, picture)), 200, 10_000, 10_000)
    turn = cv2.getRotationMatrix2D((160.0, 90.0), angle, zoom)
    turn[0, 2] += x * 320
    turn[1, 2] += y * 180
    moved = np.asarray(cv2.warpAffine(pictures[0], turn, (320, 180), borderMode=cv2.BORDER_REFLECT), np.uint8)
    found = aligned(reference, look(Frame(0, moved)))
    assert abs(found.angle - angle) <= 2
    assert abs(found.x - x) <= 0.03
    assert abs(found.y - y) <= 0.03
    assert found.kept > 0.6


def test_a_passing_truck_is_no_tamper() -> None:
    """What fills the picture for less than the time to confirm is not told."""

    def truck(picture: Pixels, t: float) -> None:
        if 8 <= t < 11:
            picture[:] = (70, 90, 160)

    watch = Watch({"tamper": tamper}, CLIP, {})
    assert [seen for at, picture in drawn(16, truck) for seen in watch.feed(at, picture)] == []


def test_what_stands_is_known_and_the_same_twice() -> None:
    """Two runs over the same frames see the same, and a tamper that has not ended stands."""

    def black(picture: Pixels, t: float) -> None:
        if t >= 6:
            picture[:] = 0

    runs = []
    for _ in range(2):
        watch = Watch({"tamper": tamper}, CLIP, {})
        told = [seen for at, picture in drawn(12, black) for seen in watch.feed(at, picture)]
        assert list(watch.standing()) == told
        runs.append(told)
    assert runs[0] == runs[1]
    assert [seen.sight.type for seen in runs[0]] == ["black"]


@pytest.mark.parametrize("colour", [(40, 120, 200), (150, 40, 120), (60, 160, 40)])
def test_a_folded_cloth_is_a_cover_and_no_other_view(colour: tuple[int, int, int]) -> None:
    """Folds have edges of their own; what is near the lens, of another colour and nowhere known is still a cover."""
    folds = 25 * np.sin(np.arange(320) / 9.0)[None, :, None]

    def cloth(picture: Pixels, t: float) -> None:
        if t >= 8:
            hung = np.clip(np.array(colour) + folds + np.zeros((180, 1, 1)), 0, 255)
            picture[:, :270] = hung[:, :270].astype(np.uint8)

    watch = Watch({"tamper": tamper}, CLIP, {})
    told = [seen for at, picture in drawn(15, cloth) for seen in watch.feed(at, picture)]
    assert [seen.sight.type for seen in told] == ["covered"]


def test_a_turned_camera_stays_turned_when_things_are_carried_off() -> None:
    """What it was recognised by may leave: without its old edges the view has not come back."""

    def turned(picture: Pixels, t: float) -> None:
        if t >= 11:  # half of what made the view is gone
            picture[:, :150] = (110, 112, 110)
        if t >= 8:
            turn = cv2.getRotationMatrix2D((160.0, 90.0), 14.0, 1.0)
            picture[:] = cv2.warpAffine(picture, turn, (320, 180), borderMode=cv2.BORDER_REFLECT)

    watch = Watch({"tamper": tamper}, CLIP, {})
    told = [seen for at, picture in drawn(20, turned) for seen in watch.feed(at, picture)]
    assert [(seen.sight.type, seen.sight.end) for seen in told] == [("rotated", None)]


def test_zones_and_boxes() -> None:
    """A zone is a polygon of parts of the picture, a box is cut to it; what is not one is refused in words."""
    zone = zone_of("0,0 0.5,0 0.5,1 0,1")
    assert zone == Zone(((0, 0), (0.5, 0), (0.5, 1), (0, 1)))
    mask = masked([zone], (10, 20, 3))
    assert mask[:, :10].all()
    assert not mask[:, 12:].any()
    assert masked([], (4, 4)).all()
    assert box_of(-5, 0, 400, 90, (180, 320)) == (0.0, 0.0, 1.0, 0.5)
    assert WHOLE == (0.0, 0.0, 1.0, 1.0)
    for wrong in ("0,0 1,1", "0,0 1,1 2,0", "a,b 1,1 0,1", "0;0 1;1 0;1", "nan,0 1,0 1,1"):
        with pytest.raises(ValueError, match=r"zone|x,y"):
            zone_of(wrong)


@pytest.mark.parametrize(("level", "told"), [(2.6, {""}), (9.0, {"covered"})])
def test_light_that_whitens_a_part_is_no_cover_and_a_torch_is(level: float, told: set[str]) -> None:
    """What is washed out by a lamp is not judged while the rest is brighter too; white all over, nothing is seen."""

    def lit(picture: Pixels, t: float) -> None:
        if t >= 8:
            picture[:] = np.clip(picture * level + (120 if level > 5 else 0), 0, 255).astype(np.uint8)

    assert {view.fault for at, view in judged(drawn(13, lit)) if at >= 10_000} == told


@pytest.mark.parametrize("colour", [(180, 60, 90), (60, 60, 190)])
def test_paint_over_a_bare_yard_is_a_cover_by_its_colour(colour: tuple[int, int, int]) -> None:
    """Three quarters of a grey yard with edges in one corner only: colour tells what lost edges cannot."""

    def bare(picture: Pixels, t: float) -> None:
        noise = np.random.default_rng(round(t * 1000))
        picture[:, 80:] = np.clip(noise.normal(110, 2, (180, 240, 1)), 0, 255)
        if t >= 8:
            picture[:, 100:] = colour

    views = judged(drawn(13, bare))
    assert {view.fault for at, view in views if at < 8_000} == {""}
    assert {view.fault for at, view in views if at >= 9_000} == {"covered"}
