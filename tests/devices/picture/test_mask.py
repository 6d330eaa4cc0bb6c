"""What masking hides, what it leaves, and that it gives no picture rather than a wrong one."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.picture.mask import MaskingFailed, Pixels, face_finder, masked

HEIGHT, WIDTH = 360, 640


def yard(seed: int = 1) -> Pixels:
    """An empty yard with fine detail everywhere and a camera's noise."""
    dice = np.random.default_rng(seed)
    picture = np.full((HEIGHT, WIDTH, 3), 120, np.uint8)
    for n in range(0, WIDTH, 16):
        cv2.line(picture, (n, 0), (n, HEIGHT), (80, 95, 90), 1)
    cv2.rectangle(picture, (20, 20), (200, 140), (60, 110, 150), -1)
    noisy = picture.astype(np.int16) + dice.normal(0, 3, picture.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)


def somebody(picture: Pixels, x: int, y: int, tall: int = 120) -> Pixels:
    """Drawn at x, y with a face of two eyes and a mouth, in a checked shirt."""
    out = picture.copy()
    head = tall // 7
    shirt = np.indices((tall - 2 * head, 2 * head)).sum(axis=0) // 4 % 2 * 150 + 40
    out[y + 2 * head : y + tall, x - head : x + head] = shirt[:, :, None]
    cv2.circle(out, (x, y + head), head, (150, 170, 220), -1)
    for eye in (-head // 2, head // 2):
        cv2.circle(out, (x + eye, y + head - 3), max(head // 5, 1), (20, 20, 20), -1)
    cv2.ellipse(out, (x, y + head + head // 2), (head // 2, 3), 0, 0, 180, (40, 40, 120), 2)
    return out


def detail(picture: Pixels, x: int, y: int, size: int) -> float:
    """How much changes from pixel to pixel in a square: zero inside a block."""
    part = picture[y : y + size, x : x + size].astype(np.float32)
    return float(np.abs(np.diff(part, axis=0)).mean() + np.abs(np.diff(part, axis=1)).mean())


def flat(picture: Pixels, block: int, x: int, y: int) -> bool:
    """Whether the block that holds a pixel is one colour."""
    top, left = y // block * block, x // block * block
    part = picture[top : top + block, left : left + block].reshape(-1, 3)
    return bool((part == part[0]).all())


@pytest.mark.parametrize("grey", [True, False])
@pytest.mark.parametrize("light", [0.7, 1.0, 1.3])
def test_people_become_blocks_and_the_yard_stays(light: float, grey: bool) -> None:
    """Whoever came since the reference is hidden from head to foot, by other light too; the rest can be seen."""
    now = np.clip(somebody(yard(2), 420, 150).astype(np.float32) * light, 0, 255).astype(np.uint8)
    reference = cv2.cvtColor(yard(), cv2.COLOR_BGR2GRAY) if grey else yard()
    out = masked(now, np.asarray(reference, np.uint8), None, ())
    assert all(flat(out, 24, x, y) for x in (405, 420, 435) for y in range(152, 268, 8))
    assert (out[300:, :300] == now[300:, :300]).all(), "what did not change is shown as it is"


def test_the_alarms_own_box_is_shown() -> None:
    """What raised the alarm can be judged; who stands beside it cannot be recognised."""
    now = somebody(somebody(yard(2), 120, 180), 420, 150)
    box = (80 / WIDTH, 170 / HEIGHT, 80 / WIDTH, 140 / HEIGHT)
    out = masked(now, yard(), box, ())
    assert (out[170:310, 80:160] == now[170:310, 80:160]).all()
    assert flat(out, 24, 420, 165)


def test_a_fine_box_shows_a_shape_and_no_plate() -> None:
    """Small blocks: less than the picture, more than the coarse ones around them."""
    now, box = somebody(yard(2), 420, 150), (0.6, 0.4, 0.15, 0.4)
    seen = {
        show: detail(masked(now, None, box, (), show=show), 410, 180, 40)
        for show in ("clear", "fine", "hidden")
    }
    assert seen["clear"] > seen["fine"] > seen["hidden"]
    assert flat(masked(now, None, box, (), show="fine"), 6, 420, 190)


@pytest.mark.parametrize("reference", [None, np.zeros((100, 100), np.uint8), np.zeros((4, 4, 3), np.uint8)])
def test_without_a_usable_reference_everything_is_hidden(reference: Pixels | None) -> None:
    """No reference, one of another shape or one of a few pixels: the whole picture but the box is blocks."""
    out = masked(somebody(yard(), 420, 150), reference, (0.0, 0.0, 0.1, 0.1), ())
    assert all(flat(out, 24, x, y) for x in range(72, WIDTH, 24) for y in range(48, HEIGHT, 24))


def test_a_view_that_has_nothing_in_common_with_the_reference_is_hidden() -> None:
    """A camera that was moved, or light that went on in one half: too much is hidden, never too little."""
    out = masked(np.ascontiguousarray(yard()[::-1, ::-1]), yard(), None, ())
    assert flat(out, 24, 100, 80)
    assert flat(out, 24, 540, 280)


def test_the_picture_is_cut_to_the_zone_and_what_is_beside_it_hidden() -> None:
    """Its size is the zone's; the corners of the cut outside the polygon are blocks even where nothing changed."""
    triangle = ((0.25, 0.25), (0.75, 0.25), (0.25, 0.75))
    out = masked(yard(2), yard(), None, triangle)
    assert out.shape == (181, 321, 3)
    assert (out[:80, :80] == yard(2)[90:170, 160:240]).all()
    assert detail(out, 260, 130, 48) < 0.3 * detail(yard(2), 420, 220, 48)


def test_a_box_shows_nothing_outside_the_zone() -> None:
    """The alarm's box reaches over the zone's edge: the neighbour's garden stays hidden."""
    out = masked(yard(2), yard(), (0.0, 0.0, 1.0, 1.0), ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0)))
    assert (out[:60, :60] == yard(2)[:60, :60]).all()
    assert flat(out, 24, 600, 320)


def test_a_face_model_hides_more_and_never_less() -> None:
    """What it finds is hidden in the box too; finding nothing changes nothing; one that fails leaves no picture."""
    now, box = somebody(yard(2), 420, 150), (0.6, 0.35, 0.15, 0.5)
    plain = masked(now, yard(), box, ())
    assert (masked(now, yard(), box, (), faces=lambda _: ()) == plain).all()
    refined = masked(
        now, yard(), box, (), faces=lambda _: [(402, 150, 36, 36), (-9, -9, 4, 4), (639, 359, 90, 90)]
    )
    assert detail(plain, 405, 152, 30) > 4 * detail(refined, 405, 152, 30)

    def broken(_: Pixels) -> list[tuple[int, int, int, int]]:
        raise cv2.error("bad layer")

    with pytest.raises(MaskingFailed, match="bad layer"):
        masked(now, yard(), box, (), faces=broken)


def test_what_is_no_model_is_said(tmp_path: object) -> None:
    """A file that cannot be read as a face model is refused by name."""
    from pathlib import Path

    path = Path(str(tmp_path)) / "faces.onnx"
    path.write_bytes(b"not a model")
    with pytest.raises(MaskingFailed, match=r"faces\.onnx"):
        face_finder(path)


@pytest.mark.parametrize(
    "bad",
    [
        np.zeros((HEIGHT, WIDTH), np.uint8), np.zeros((HEIGHT, WIDTH, 4), np.uint8),
        np.zeros((HEIGHT, WIDTH, 3), np.float32), np.zeros((0, 0, 3), np.uint8), np.zeros((8, 640, 3), np.uint8),
    ],
)  # fmt: skip
def test_what_is_no_picture_gives_none(bad: Pixels) -> None:
    """Wrong shapes and types are refused, not guessed at."""
    with pytest.raises(MaskingFailed):
        masked(bad, None, None, ())


def test_a_zone_of_nothing_gives_no_picture() -> None:
    """A line is no zone."""
    with pytest.raises(MaskingFailed, match="zone"):
        masked(yard(), yard(), None, ((0.5, 0.0), (0.5, 1.0)))


parts = st.floats(-0.5, 1.5, allow_nan=False)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(16, 90), st.integers(16, 160), st.tuples(parts, parts, parts, parts) | st.none(),
    st.lists(st.tuples(parts, parts), max_size=6).filter(lambda z: len(z) != 1), st.booleans(), st.integers(0, 99),
)  # fmt: skip
def test_whatever_is_asked_it_gives_a_picture_inside_the_old_one_or_none(
    height: int, width: int, box: tuple[float, float, float, float] | None, zone: list[tuple[float, float]],
    known: bool, seed: int,
) -> None:  # fmt: skip
    """Any size, box and zone: a picture no larger than before, or MaskingFailed; inputs are not written to."""
    bgr = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    before, reference = bgr.copy(), np.full((height // 2 or 1, width // 2 or 1), 90, np.uint8)
    try:
        out = masked(bgr, reference if known else None, box, zone, show="fine")
    except MaskingFailed:
        return
    finally:
        assert (bgr == before).all()
    assert out.shape[0] <= height
    assert out.shape[1] <= width
    assert out.dtype == np.uint8
