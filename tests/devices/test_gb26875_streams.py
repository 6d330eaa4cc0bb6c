"""GB/T 26875.3 as a stream: glued, cut, spoilt and noisy, and as lines of `csg decode`."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.codecs import gb26875
from devices.codecs.gb26875.frame import parse, to_bytes, to_ms
from devices.decode_lines import decode_lines
from devices.reading import MetricClass
from tests.devices.gb26875_frames import FRAMES, HOME, frame, streamed, tell
from tests.devices.reading_rows import NOW, code, rows

PIECES = [frame(name) for name in ("F1", "C1", "L1", "N1")]


def test_frames_glued_and_cut_at_any_byte() -> None:
    """Frames in a row are all taken in order, wherever the stream is cut, each with its own confirm."""
    stream = frame("F1") + frame("C1") + frame("L1")
    for at in range(len(stream)):
        taken = streamed(stream[:at], stream[at:])
        assert [f.data for f in taken] == [frame("F1"), frame("C1"), frame("L1")]
        assert all(f.confirm and not f.refuse for f in taken)


def test_a_clock_that_is_wrong_is_set() -> None:
    """A frame a minute off our time brings the command that sets the clock; one that agrees does not."""
    sent = frame("F1")
    at = to_ms(parse(sent).sent)
    assert at is not None
    for drift_ms, told in (
        (0, False),
        (59_000, False),
        (-59_000, False),
        (61_000, True),
        (-86_400_000, True),
    ):
        (taken,) = gb26875.frames(bytearray(sent), at + drift_ms)
        assert (taken.remark is not None) is told
    (taken,) = gb26875.frames(bytearray(sent), at + 61_000)
    assert taken.remark is not None
    command = parse(taken.remark)
    assert (command.command, command.source, command.target) == (1, parse(sent).target, parse(sent).source)
    assert command.data == b"\x5a\x01" + to_bytes(at + 61_000)
    assert [f.data for f in gb26875.frames(bytearray(taken.remark), at)] == [taken.remark]


@pytest.mark.parametrize(
    "noise",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"@",
        b"@@",
        b"@@@",
        b"##",
        b"@@" + b"\xff" * 40,
        b"@@" + bytes(22) + b"\x00\x04\x02",  # claims 1 024 bytes to come
        frame("F1")[:60],
        frame("N1"),
    ],
)
def test_a_fire_behind_noise_is_taken_at_once(noise: bytes) -> None:
    """Neither noise nor a frame cut off, which claims the bytes to come, delays the alarm behind it."""
    taken = streamed(noise + frame("L1"))
    assert taken[-1].data == frame("L1")
    assert taken[-1].confirm
    assert sum(f.refuse is not None for f in taken) <= 1


@given(
    st.lists(
        st.one_of(st.binary(max_size=60), st.sampled_from(PIECES)),
        max_size=6,
    ),
    st.data(),
)
def test_mutated_streams(parts: list[bytes], data: st.DataObject) -> None:
    """Flipped bits, cuts and noise never raise nor hang; the frame at the end is found, all stays bounded."""
    stream = bytearray(b"".join(parts))
    for _ in range(data.draw(st.integers(0, 8))):
        if stream:
            stream[data.draw(st.integers(0, len(stream) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    stream += frame("L1")
    at = data.draw(st.integers(0, len(stream)))
    buffer = bytearray(stream[:at])
    taken = list(gb26875.frames(buffer, NOW))
    buffer += stream[at:]
    taken += list(gb26875.frames(buffer, NOW))
    assert taken[-1].data == frame("L1")
    assert not buffer
    assert len(taken) <= len(stream) // 15 + 2
    got = tell(bytes(stream))
    assert len(got.readings) <= len(stream)
    assert ("000000000000/1.3.000600d9", "fire_detected", "", True) in rows(got)


@given(st.sampled_from(sorted(FRAMES)), st.data())
def test_no_single_bit_makes_an_alarm(name: str, data: st.DataObject) -> None:
    """One flipped bit anywhere in a frame fails its checks: nothing of it is believed."""
    spoilt = bytearray(bytes.fromhex(FRAMES[name]))
    spoilt[data.draw(st.integers(0, len(spoilt) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    got = tell(bytes(spoilt))
    assert not got.readings
    assert got.quarantine


@pytest.mark.parametrize(
    "payload",
    [b"", b"@", b"4040", b"4040zz", b"4040 0", b"hello", b"\x00" * 2000, b"@" * 5000, b"@@" * 3000 + b"##"],
)
def test_what_is_no_frame_is_set_aside(payload: bytes) -> None:
    """Anything but frames gives a reason and no reading."""
    got = tell(payload)
    assert code(got) == "bad-frame"
    assert not got.readings


def test_frames_in_csg_decode() -> None:
    """A device maker gives frames as base64 or as hex, without a topic, and sees every statement with its class."""
    lines = [
        {
            "id": 1,
            "format": "gb26875",
            "payload": base64.b64encode(frame("F1")).decode(),
            "encoding": "base64",
        },
        {"id": 2, "format": "gb26875", "payload": FRAMES["F1 smoke"]},
        {"id": 3, "format": "gb26875", "payload": (frame("F4") + frame("C1")).hex()},
    ]
    first, second, third = (json.loads(line) for line in decode_lines(json.dumps(line) for line in lines))
    assert first["readings"] == second["readings"]
    alarms = [(r["device"], r["metric"], r["class"]) for r in first["readings"] if r["alarm"]]
    assert alarms == [(f"{HOME}/1.1.0002000a", "smoke", MetricClass.ALARM)]
    assert {r["metric"] for r in third["readings"] if r["value"] is True} == {"mains_fault", "heartbeat"}
    assert not any(line["quarantine"] for line in (first, second, third))
