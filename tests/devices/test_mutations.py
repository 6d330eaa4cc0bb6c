"""Spoilt messages of every codec, as many as asked for: none raises, and the work of each is bounded by its size.

`CSG_FUZZ` is how many (twenty thousand without it; a million takes some minutes), `CSG_FUZZ_SEED` where to begin. Every
example of every codec is changed by a seeded die: bits, bytes, cuts, repeats, pieces of others, numbers and words that
have broken parsers before. Check sums are made right again in half of the cases, so that what lies behind them is
tried. Work is counted in lines of the house's own code, never by a clock.
"""

from __future__ import annotations

import base64
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import partial
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any, Final

import pytest
from msgspec import structs

from devices.codec import Example, Message
from devices.codecs.gb26875 import frame as gb26875
from devices.codecs.meokon import frame as meokon
from devices.decode import CODECS, Decoder
from tests.devices.reading_rows import NOW, SOURCE
from tests.devices.test_fuzz import sound

COUNT: Final = int(os.environ.get("CSG_FUZZ", "20000"))
SEED: Final = int(os.environ.get("CSG_FUZZ_SEED", "1"))
CHUNK: Final = 5000
MEASURED: Final = 20  # of so many messages one is run with its work counted, which is slow

LINES: Final = 3000  # of our code for the smallest message, whatever is in it
LINES_A_BYTE: Final = (
    40  # and for each of its bytes: a key of three bytes is looked up, understood and stored
)
READINGS_A_BYTE: Final = 4  # a MEOKON record of two bytes is 16 inputs and a part of 16 outputs

ALL: Final[list[tuple[str, Example]]] = [(n, e) for n, codec in CODECS.available() for e in codec.EXAMPLES]
TOPICS: Final = sorted({e.topic for _, e in ALL})
DEVICES: Final = str(Path(__file__).parents[2] / "devices")

# Pieces that have broken parsers before.
TOKENS: Final = (
    b"null", b"true", b"-1", b"1e999", b"NaN", b"9" * 400, b"{}", b"[]", b'""', b"[[[[", b'{"a":', b"\\ud800", b"\0",
    b"\xff\xff\xff\xff", b"\x7f", b"\x80", b"\xef\xbb\xbf", b"@@", b"##", b"\xa5\x5a", b"\x55\xaa",
    b"<!DOCTYPE", b"&#0;", "报警".encode(), b"alarm", b"fire", b"test", b"0", b"1", b"\r\n", b"\x00\x04", b"\xff\x03",
)  # fmt: skip


KEYS: Final = sorted(
    {
        key
        for _, e in ALL
        if e.payload[:1] == b"{"
        for key in re.findall(r'"([^"\\]{1,40})":', e.payload.decode())
    }
    | {"", "a/b", "\ud800", "smoke", "value", "报警", "x" * 70}
)
VALUES: Final[tuple[Any, ...]] = (
    None, True, False, 0, 1, -1, 2, 255, 999, 1e16, -1e308, 10**30, float("nan"), float("inf"), "", "1", "on", "OFF",
    "test", "alarm", "unknown", "报警", "\ud800", "\0", "x" * 300, "1e999", "2025-11-21T21:19:58Z", [], {}, [1], [[]],
    {"value": 1}, {"a": {"b": []}}, "AAAA", "0x00158d0001a2b3c4",
)  # fmt: skip


def _gb26875(data: bytes) -> bytes:
    """The frame with its length and check sum made right."""
    if data[:4] == b"4040" or len(data) < gb26875.EMPTY:
        return data
    packet = gb26875.parse(data)
    unit = data[gb26875.HEAD : -3][: gb26875.UNIT_MAX]
    return gb26875.encode(
        gb26875.Packet(
            packet.serial,
            packet.main,
            packet.user,
            packet.sent,
            packet.source,
            packet.target,
            packet.command,
            unit,
        )
    )


def _meokon(data: bytes) -> bytes:
    """The frame with its length and check sum made right."""
    try:
        raw = bytes.fromhex(data.decode()) if data[:1] in {b"a", b"A"} else data
    except ValueError:
        return data
    if not 29 <= len(raw) <= meokon.FRAME_MAX:
        return data
    body = b"\xa5\x5a" + raw[2:3] + len(raw).to_bytes(2, "big") + raw[5:-4]
    return body + meokon.crc(body).to_bytes(2, "big") + b"\x55\xaa"


REPAIRS: Final[dict[str, Callable[[bytes], bytes]]] = {"gb26875": _gb26875, "meokon": _meokon}


def mutated(payload: bytes, die: Random) -> bytes:
    """The payload with one to four things done to it."""
    data = bytearray(payload)
    for _ in range(die.randint(1, 4)):
        at = die.randint(0, len(data))
        end = min(len(data), at + die.choice((1, 1, 2, 4, 16, 200)))
        match die.randrange(8):
            case 0 if data:
                data[min(at, len(data) - 1)] ^= 1 << die.randrange(8)
            case 1:
                data[at:end] = die.randbytes(end - at)
            case 2:
                del data[at:end]
            case 3:
                data[at:at] = die.randbytes(die.randint(1, 8))
            case 4:
                data[at:at] = data[at:end] * die.choice((1, 2, 30))
            case 5:
                data[at:end] = die.choice(TOKENS)
            case 6:
                other = die.choice(ALL)[1].payload
                begin = die.randint(0, len(other))
                data[at:end] = other[begin : begin + die.choice((1, 8, 64))]
            case _:
                del data[at:]
    return bytes(data[:65_536])


def reshaped(payload: bytes, die: Random) -> bytes:
    """JSON with one to three of its values, keys or branches changed; anything else as `mutated` has it."""
    try:
        body = json.loads(payload)
    except (ValueError, RecursionError):
        return mutated(payload, die)
    for _ in range(die.randint(1, 3)):
        holders = [h for h in _holders(body) if h]
        if not holders:
            return json.dumps(die.choice(VALUES)).encode()
        holder = die.choice(holders)
        key = die.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
        match die.randrange(4):
            case 0:
                holder[key] = deepcopy(die.choice(VALUES))
            case 1:
                del holder[key]
            case 2 if isinstance(holder, dict):
                holder[die.choice(KEYS)] = holder.pop(key)
            case _:
                holder[key] = [deepcopy(holder[key]) for _ in range(die.choice((1, 2, 40)))]
    return json.dumps(body, ensure_ascii=die.random() < 0.5).encode("utf-8", "surrogatepass")[:65_536]


def _holders(node: Any) -> Iterator[Any]:
    """Every object and list in a JSON value."""
    if isinstance(node, dict | list):
        yield node
        for inner in list(node.values()) if isinstance(node, dict) else node:
            yield from _holders(inner)


class Work:
    """Counts the lines of the house's own code that run."""

    def __init__(self) -> None:
        self.lines = 0

    def trace(self, frame: FrameType, event: str, _: Any) -> Any:
        """What `sys.settrace` calls."""
        if event == "call":
            return self.trace if frame.f_code.co_filename.startswith(DEVICES) else None
        self.lines += event == "line"
        return self.trace


def counted(run: Callable[[], Any]) -> int:
    """The lines a call takes."""
    work, before = Work(), sys.gettrace()
    sys.settrace(work.trace)
    try:
        run()
    finally:
        sys.settrace(before)
    return work.lines


@pytest.mark.parametrize("chunk", range((COUNT + CHUNK - 1) // CHUNK))
def test_spoilt_messages(chunk: int) -> None:
    """No message raises; what is understood can be stored; readings and work grow no faster than the message."""
    die = Random(f"{SEED}.{chunk}")
    context = {key: value for _, e in ALL for key, value in e.context.items()}
    door = Decoder({(name, SOURCE): context for name in CODECS})
    own = {
        name: Decoder({(name, SOURCE): context}, {SOURCE: (name,)})
        for name in sorted({name for name, _ in ALL})
    }
    for number in range(min(CHUNK, COUNT - chunk * CHUNK)):
        name, example = die.choice(ALL)
        payload = (reshaped if die.random() < 0.5 else mutated)(example.payload, die)
        if name in REPAIRS and die.random() < 0.5:
            payload = REPAIRS[name](payload)[:65_536]
        topic = die.choice(TOPICS) if die.random() < 0.1 else example.topic
        decoder = own[name] if die.random() < 0.5 else door
        message = Message(SOURCE, topic, payload, die.random() < 0.2, NOW)
        where = (
            f"seed {SEED}.{chunk}, message {number} ({name}): {topic!r} {base64.b64encode(payload).decode()}"
        )
        try:
            decoded = decoder.decode(message)
            # A reason may quote a device's word, and that may begin with what prints as a space.
            sound(
                structs.replace(
                    decoded, quarantine=decoded.quarantine and " ".join(decoded.quarantine.split())
                )
            )
            assert len(decoded.readings) <= 64 + READINGS_A_BYTE * len(payload)
            assert len(decoded.learned) <= 64 + len(payload)
            if not number % MEASURED:
                lines = counted(partial(decoder.decode, message))
                assert lines <= LINES + LINES_A_BYTE * len(payload), f"{lines} lines"
        except Exception as error:
            error.add_note(where)
            raise
