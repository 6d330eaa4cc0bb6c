"""Cutting frames out of a stream, with a toy frame: `<`, a length, that many bytes, their check sum, `>`."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.framing import Piece, Shape, cut

SHAPE = Shape(
    b"<<",
    b">",
    3,
    lambda head: head[2] + 5 if head[2] < 200 else 0,
    lambda frame: sum(frame[3:-2]) & 0xFF == frame[-2],
)


def toy(data: bytes) -> bytes:
    """A sound frame."""
    return b"<<" + bytes((len(data),)) + data + bytes((sum(data) & 0xFF,)) + b">"


def fed(*chunks: bytes) -> tuple[list[Piece], bytes]:
    """The pieces a connection gives that receives these chunks, and what stays in its buffer."""
    buffer = bytearray()
    pieces = []
    for chunk in chunks:
        buffer += chunk
        pieces += list(cut(buffer, SHAPE))
    return pieces, bytes(buffer)


def whole(pieces: list[Piece]) -> list[bytes]:
    """The sound frames among pieces."""
    return [p.data for p in pieces if p.sound]


def test_frames_may_be_glued_and_cut_anywhere() -> None:
    """Two frames in a row come out as two, at whichever byte the stream was cut, and nothing is left."""
    stream = toy(b"one") + toy(b"") + toy(b"<<two>>")
    for at in range(len(stream) + 1):
        pieces, rest = fed(stream[:at], stream[at:])
        assert whole(pieces) == [toy(b"one"), toy(b""), toy(b"<<two>>")]
        assert all(p.sound for p in pieces)
        assert rest == b""
    assert whole(fed(*(bytes((b,)) for b in stream))[0]) == [toy(b"one"), toy(b""), toy(b"<<two>>")]


@pytest.mark.parametrize(
    "noise",
    [b"hello", b"<", b"<<", b"<<<", b"<<\xff", b"<<\x64wait for me", b"<<\x01a\x00>", b"\x00" * 500, b">"],
)
def test_noise_costs_a_frame_nothing(noise: bytes) -> None:
    """A frame behind noise comes out at once, even where the noise claims to be a longer frame."""
    pieces, rest = fed(noise + toy(b"fire"))
    assert whole(pieces) == [toy(b"fire")]
    assert rest == b""


def test_damage_in_a_row_is_one_piece() -> None:
    """What looked like a head is told once for each stretch of damage, with at least the bytes of a head."""
    bad = b"<<\x03abcX>" * 5
    pieces, _ = fed(bad + toy(b"a") + bad + toy(b"b"))
    assert [p.sound for p in pieces] == [False, True, False, True]
    assert pieces[0].data == b"<<\x03abcX>"
    assert [len(p.data) for p in fed(b"<<\xffxyz" + toy(b""))[0]] == [3, 5]


def test_noise_is_not_kept() -> None:
    """Of bytes that begin no frame at most the beginning of a mark stays; of a head that waits, everything."""
    assert fed(b"x" * 1000) == ([], b"")
    assert fed(b"x" * 1000 + b"<") == ([], b"<")
    assert fed(b"x<<\x05ab") == ([], b"<<\x05ab")


@given(st.lists(st.one_of(st.binary(max_size=30), st.binary(max_size=40).map(toy)), max_size=8), st.data())
def test_any_stream_in_any_chunks(parts: list[bytes], data: st.DataObject) -> None:
    """However a stream is cut up, it ends, keeps less than a frame, and gives the frame that stands at its end."""
    stream = b"".join(parts) + toy(b"last")
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    edges = [0, *cuts, len(stream)]
    pieces, rest = fed(*(stream[a:b] for a, b in pairwise(edges)))
    assert toy(b"last") in whole(pieces)[-1:]
    assert len(rest) < 205
    assert sum(len(frame) for frame in whole(pieces)) <= len(stream)
    assert len(pieces) <= 2 * len(whole(pieces)) + 1
