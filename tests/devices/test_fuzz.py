"""No codec raises, whatever a device sends, and whatever it understood can be stored."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from devices.codec import Decoded, Example, Message
from devices.decode import CODECS, Decoder, has_pulse, urgent
from devices.reading import TEXT_MAX, Flag, Reading, split_point
from devices.terms import TERMS
from tests.devices.reading_rows import NOW, SOURCE

ALL: list[tuple[str, Example]] = [(n, e) for n, codec in CODECS.available() for e in codec.EXAMPLES]
CONTEXT = {key: value for _, e in ALL for key, value in e.context.items()}
DECODER = Decoder({(name, SOURCE): CONTEXT for name in CODECS})

KEYS = st.one_of(
    st.sampled_from(
        [
            *TERMS,
            "v",
            "ts",
            "id",
            "type",
            "data",
            "hazard",
            "value",
            "unit",
            "channel",
            "last_seen",
            "device",
            "state",
        ]
    ),
    st.text(max_size=12),
)
NUMBERS = st.one_of(
    st.integers(),
    st.floats(),
    st.sampled_from([10**30, -(10**400), 2**53, 2**63, -(2**63) - 1, 2**64, 1e308, -0.0, 999, -1]),
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    NUMBERS,
    st.text(max_size=300),
    st.sampled_from(
        [
            "test",
            "on",
            "OFF",
            "报警",
            "alarm",
            "unknown",
            "1",
            "1e999",
            "fire",
            "alarm_clear",
            "\ud800",
            "\0",
            "a/b",
        ]
    ),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(KEYS, inner, max_size=8)),
    max_leaves=30,
)
OBJECTS = st.dictionaries(KEYS, VALUES, max_size=12)
NAMES = st.text("ab /+#$0x楼\ud800", max_size=20)
ENDS = ("", "/availability", "/set", "/smoke", "/action")
TOPICS = st.one_of(
    st.builds("zigbee2mqtt/{}{}".format, NAMES, st.sampled_from(ENDS)),
    st.builds("community/{}/{}".format, NAMES, st.sampled_from(["telemetry", "event", "status"])),
    st.sampled_from(sorted({e.topic for _, e in ALL})),
    st.text(max_size=30),
    st.text("abc/+#$楼\0\ud800", max_size=30),
)


def sound(decoded: Decoded) -> None:
    """What every answer of every codec must be."""
    assert decoded.quarantine is None or re.match(r"[a-z-]+: \S", decoded.quarantine), decoded.quarantine
    assert decoded.quarantine is None or len(decoded.quarantine) < 500
    assert decoded.sequence is None or 0 < len(decoded.sequence) <= 130
    for reading in decoded.readings:
        device, metric, channel = split_point(reading.point)
        assert device.startswith(f"{SOURCE}:")
        assert len(device) > len(SOURCE) + 1
        assert re.fullmatch(r"[a-z0-9_]{1,64}", metric), metric
        assert "/" not in channel
        assert len(channel) <= 64
        value = reading.value
        assert value is None or type(value) in {bool, int, float, str}
        if isinstance(value, str):
            assert len(value) <= TEXT_MAX
            assert value.isprintable()
        elif isinstance(value, int | float):
            assert math.isfinite(value)
            assert abs(value) < 1e15
        assert reading.measured_at is None or abs(reading.measured_at) < 1 << 60
        assert type(reading.flags) is int or isinstance(reading.flags, Flag)
    stored = msgspec.msgpack.encode(decoded.readings)
    assert list(msgspec.msgpack.decode(stored, type=list[Reading])) == list(decoded.readings)
    msgspec.msgpack.encode(decoded.learned)
    assert urgent(decoded) in {True, False}
    assert has_pulse(decoded) in {True, False}


def tell(topic: str, payload: bytes, retained: bool = False) -> Decoded:
    """One message through the door, and what came of it proved sound."""
    decoded = DECODER.decode(Message(SOURCE, topic, payload, retained, NOW))
    sound(decoded)
    return decoded


def written(value: Any) -> bytes:
    """JSON as careless devices write it: NaN, Infinity and lone surrogates too."""
    return json.dumps(value).encode()


@given(TOPICS, st.binary(max_size=200), st.booleans())
def test_any_bytes_on_any_topic(topic: str, payload: bytes, retained: bool) -> None:
    """Random bytes give an answer that can be stored."""
    tell(topic, payload, retained)


@settings(max_examples=400)
@given(TOPICS, st.one_of(OBJECTS, VALUES), st.booleans())
@example("community/a/b/telemetry", {"id": "\ud800"}, False)
@example("zigbee2mqtt/bridge/devices", [{"ieee_address": "0x0000000000000000", "friendly_name": "a/b"}], True)
def test_any_json_on_any_topic(topic: str, value: Any, retained: bool) -> None:
    """Any JSON under any keys gives an answer that can be stored."""
    tell(topic, written(value), retained)


@given(st.sampled_from(ALL), st.data())
def test_mutated_examples(case: tuple[str, Example], data: st.DataObject) -> None:
    """A documented message with bytes changed, cut out or put in gives an answer that can be stored."""
    _, known = case
    payload = bytearray(known.payload)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(payload)))
        payload[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    tell(known.topic, bytes(payload), known.retained)


@given(st.sampled_from(ALL), KEYS, VALUES)
def test_a_value_of_any_kind_in_an_example(case: tuple[str, Example], key: str, value: Any) -> None:
    """A documented message with one value replaced or added gives an answer that can be stored."""
    _, known = case
    try:
        body = json.loads(known.payload)
    except ValueError:
        return
    if isinstance(body, dict):
        for name in [
            key,
            *body,
            *(f"data.{k}" for k in body.get("data", {}) if isinstance(body.get("data"), dict)),
        ]:
            inner = name.removeprefix("data.")
            changed = (
                {**body, "data": {**body["data"], inner: value}} if inner != name else {**body, name: value}
            )
            tell(known.topic, written(changed))


@pytest.mark.parametrize(("name", "case"), ALL, ids=[f"{n}: {e.title}" for n, e in ALL])
def test_every_truncation_of_an_example(name: str, case: Example) -> None:
    """A message cut at any byte gives an answer, and never an alarm that the whole message did not raise."""
    whole = {r.point for r in tell(case.topic, case.payload).readings if r.value is True}
    for cut in range(len(case.payload)):
        got = tell(case.topic, case.payload[:cut])
        assert {r.point for r in got.readings if r.value is True} <= whole, name


@pytest.mark.parametrize(
    "payload",
    [
        b"[" * 60_000,
        b'{"a":' * 10_000,
        b'{"smoke":' + b"9" * 5000 + b"}",
        b'{"smoke":1e999}',
        b'{"temperature":-1e400}',
        b'{"id":"\\ud800"}',
        b'{"note":"' + b"x" * 60_000 + b'"}',
        b'{"' + b"k" * 60_000 + b'":1}',
        b"\x00" * 1000,
        b"\xff\xfe{}",
        b"\xef\xbb\xbf{}",
        b"{}",
        b"[]",
        b"null",
        b"true",
        b'"x"',
        b"0",
        b"-",
        b'{"data":[{}],"type":["alarm"]}',
        b'{"type":"alarm","data":{"hazard":{"a":1},"value":[1]}}',
        json.dumps({f"k{n}": n for n in range(4000)}).encode(),
        b"[" + b'{"smoke":true},' * 3000 + b"{}]",
    ],
    ids=lambda payload: repr(payload[:24]),
)
def test_notorious_payloads(payload: bytes) -> None:
    """Deep nesting, huge numbers, long texts, many keys and half characters give a bounded answer on every topic."""
    for topic in sorted({e.topic for _, e in ALL}):
        assert len(tell(topic, payload).readings) <= 4096, topic
