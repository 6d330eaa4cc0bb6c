"""The door: limits before codecs, who may read what, what is urgent, and `csg decode`."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest

from devices import decode
from devices.codec import Codec, Decoded, Learned, Message, Read, Topic
from devices.decode import (
    DEPTH_MAX,
    PAYLOAD_MAX,
    TOPIC_MAX,
    Decoder,
    has_pulse,
    too_deep,
    urgent,
)
from devices.decode_lines import decode_lines, shown
from devices.discover import PluginUnknown
from devices.reading import Flag, Reading
from tests.devices.reading_rows import code, rows


def codec(*filters: str, says: str | None = None, **more: Any) -> Codec:
    """A codec that answers with its context's `name`, or sets aside with `says`."""

    def read(context: Mapping[str, Any], message: Message) -> Decoded:
        return Decoded(
            (Reading(f"{message.source}:{message.topic}/name/", context.get("name")),), quarantine=says
        )

    return cast(
        "Codec", SimpleNamespace(TOPICS=[Topic(f) for f in filters], EXAMPLES=(), decode=read, **more)
    )


def ask(decoder: Decoder, topic: str, payload: bytes = b"{}", source: str = "s") -> tuple[str, Decoded]:
    """What the door answers to one message."""
    return decoder.answer(Message(source, topic, payload))


def test_the_more_specific_claim_is_asked_first() -> None:
    """Of several codecs that claim a topic the one naming more of it reads; one that disowns it passes it on."""
    decoder = Decoder(
        codecs={
            "all": codec("#"),
            "mine": codec("a/+/c"),
            "picky": codec("a/b/c", says="unknown-topic: not of mine"),
            "other": codec("a/b/d"),
        }
    )
    assert ask(decoder, "a/b/c")[0] == "mine"
    assert ask(decoder, "a/b/x")[0] == "all"
    assert ask(decoder, "a/b/d")[0] == "other"
    assert ask(Decoder(codecs={"picky": codec("a/b/c", says="unknown-topic: no")}), "a/b/c") == (
        "",
        Decoded(quarantine="unknown-topic: no codec reads a/b/c"),
    )


def test_whoever_understood_something_answers() -> None:
    """A codec that knows the topic and finds nothing in the message does not hide one that does."""
    mute = SimpleNamespace(TOPICS=[Topic("+/+/state")], EXAMPLES=(), decode=lambda *_: Decoded())
    decoder = Decoder(codecs={"mute": cast("Codec", mute), "all": codec("#")})
    assert ask(decoder, "x/b/state")[0] == ask(decoder, "a/b/c")[0] == "all"
    assert ask(Decoder(codecs={"mute": cast("Codec", mute)}), "a/b/state") == ("mute", Decoded())


def test_a_source_may_name_its_codecs() -> None:
    """A source with codecs is read by these alone, by its only one whatever the topic; others are read by all."""
    three = {"one": codec("x"), "two": codec("y"), "three": codec("z")}
    decoder = Decoder(sources={"s": ("one", "three"), "t": (), "v": ("one",)}, codecs=three)
    assert ask(decoder, "x")[0] == "one"
    assert code(ask(decoder, "y")[1]) == "unknown-topic"
    assert ask(decoder, "y", source="v")[0] == ask(decoder, "", source="v")[0] == "one"
    assert ask(decoder, "y", source="t")[0] == ask(decoder, "y", source="u")[0] == "two"
    assert [t.filter for t in decoder.topics("s")] == ["x", "z"]
    assert [t.filter for t in decoder.topics("t")] == ["x", "y", "z"]


def test_a_codec_that_is_not_there_is_refused_at_once() -> None:
    """A source with a mistyped codec is found when the decoder is built, with the nearest name."""
    with pytest.raises(PluginUnknown, match="did you mean native"):
        Decoder(sources={"s": ("nativ",)})


def test_contexts_are_kept_apart_by_codec_and_source() -> None:
    """What one codec learned at one source is given to that codec for that source, as the caller last folded it."""
    contexts: dict[tuple[str, str], dict[str, Any]] = {("one", "s"): {"name": 1}, ("one", "t"): {"name": 2}}
    decoder = Decoder(contexts, codecs={"one": codec("x"), "two": codec("y")})
    seen = [ask(decoder, topic, source=source)[1].readings[0].value for topic in "xy" for source in "st"]
    assert seen == [1, 2, None, None]
    contexts["two", "s"] = {"name": 3}
    assert ask(decoder, "y")[1].readings[0].value == 3


def test_sizes_are_limited_before_any_codec() -> None:
    """A payload over the limit is set aside with its true size; a codec may raise the limit for topics of its own."""
    decoder = Decoder(codecs={"one": codec("x", "y/+", LIMITS={"y/big": 10 * PAYLOAD_MAX})})
    assert ask(decoder, "x", b" " * PAYLOAD_MAX)[0] == "one"
    assert (
        ask(decoder, "x", b" " * (PAYLOAD_MAX + 1))[1].quarantine == "too-large: 65537 bytes, at most 65536"
    )
    assert ask(decoder, "y/big", b" " * 10 * PAYLOAD_MAX)[0] == "one"
    assert code(ask(decoder, "y/small", b" " * 10 * PAYLOAD_MAX)[1]) == "too-large"
    assert code(ask(decoder, "x", b"x" * 10_000_000)[1]) == "too-large"
    assert code(ask(decoder, "nobody", b"x" * 10_000_000)[1]) == "too-large"


@pytest.mark.parametrize(
    "payload", [b"[" * (DEPTH_MAX + 1), b' {"a":' * (DEPTH_MAX + 1), b"[{" * 40, b"[" * 65_536]
)
def test_depth_is_limited_before_any_codec(payload: bytes) -> None:
    """JSON that nests too deep never reaches a parser."""
    assert code(ask(Decoder(codecs={"one": codec("x")}), "x", payload)[1]) == "too-deep"


@pytest.mark.parametrize(
    "payload",
    [
        b"[" * DEPTH_MAX + b"]" * DEPTH_MAX,
        b"[" + b"{}," * 500 + b"{}]",
        b'{"a":"' + b"[" * 500 + b'"}',
        rb'{"a":"\"' + b"{" * 500 + b'"}',
        b"\xff\xd8" + b"[{" * 500,  # a picture
        b"<a>" + b"[" * 500,
        b"",
    ],
)
def test_many_brackets_are_not_deep(payload: bytes) -> None:
    """Wide JSON, brackets in strings, and bytes that are no JSON pass."""
    assert not too_deep(payload)


@pytest.mark.parametrize("topic", ["x" * (TOPIC_MAX + 1), "a\0b", "a\ud800"])
def test_topics_that_cannot_name_a_point(topic: str) -> None:
    """Endless topics and such as are no text are set aside."""
    assert code(ask(Decoder(codecs={"all": codec("#")}), topic)[1]) == "bad-topic"


def test_a_byte_order_mark_costs_no_alarm() -> None:
    """Programs that begin UTF-8 with a mark are understood; bytes that only look like one are left to the codec."""
    fire = b'\xef\xbb\xbf{"v":1,"type":"alarm","data":{"hazard":"fire"}}'
    found = Decoder().decode(Message("s", "community/a/b/event", fire))
    assert [r.value for r in found.readings] == [True]
    seen: list[bytes] = []

    def read(_context: Mapping[str, Any], message: Message) -> Decoded:
        seen.append(message.payload)
        return Decoded()

    raw = cast("Codec", SimpleNamespace(TOPICS=[Topic("raw/#")], EXAMPLES=(), decode=read))
    Decoder(codecs={"raw": raw}).decode(Message("s", "raw/x", b"\xef\xbb\xbf\x01\x02"))
    assert seen == [b"\xef\xbb\xbf\x01\x02"]


def test_what_we_publish_is_not_read_back() -> None:
    """Our own output is understood and says nothing, whatever its size."""
    decoder = Decoder(codecs={"all": codec("#")})
    assert ask(decoder, "gateway/incidents/a/1", b"x" * 10 * PAYLOAD_MAX) == ("", Decoded())


def test_the_memos_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any number of topics, first levels and sources is routed with bounded memos."""
    for bound in ("_TOPICS_MAX", "_FIRSTS_MAX", "_SOURCES_MAX"):
        monkeypatch.setattr(decode, bound, 3)
    decoder = Decoder(codecs={"one": codec("+"), "two": codec("a/#")})
    for n in range(30):
        assert ask(decoder, f"t{n}", source=f"s{n % 5}")[0] == "one"
        assert ask(decoder, f"t{n}/x", source=f"s{n % 5}")[0] == ""
        assert ask(decoder, f"a/{n}", source=f"s{n % 5}")[0] == "two"
        assert len(decoder._met) <= 3
        assert all(len(met) <= 3 for met in decoder._met.values())
        assert len(decoder._firsts) <= 3
        assert len(decoder._claims) <= 3
        assert all(len(firsts) <= 3 for firsts in decoder._firsts.values())


def test_a_topic_is_bound_once_and_only_so_many_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a codec binds to a topic reads its later messages; past the bound, `decode` reads as well."""
    monkeypatch.setattr(decode, "_BOUND_MAX", 2)
    bound: list[tuple[str, str]] = []

    def bind(source: str, topic: str) -> Read:
        bound.append((source, topic))
        return lambda context, message: Decoded((Reading(f"{topic}/bound/", context.get("name")),))

    decoder = Decoder({("one", "s"): {"name": 5}}, codecs={"one": codec("a/+", bind=bind)})
    for _ in range(2):
        found = [ask(decoder, f"a/{n}")[1].readings[0] for n in range(3)]
        assert [(r.point, r.value) for r in found] == [
            ("a/0/bound/", 5),
            ("a/1/bound/", 5),
            ("s:a/2/name/", 5),
        ]
    assert bound == [("s", "a/0"), ("s", "a/1")]


def test_a_first_level_of_one_codec_goes_straight_to_it() -> None:
    """Only a topic that codec disowns is offered to those whose wildcards match it too."""
    decoder = Decoder(
        codecs={"mine": codec("a/+"), "all": codec("#"), "shared": codec("b/+"), "other": codec("b/x")}
    )
    assert [ask(decoder, t)[0] for t in ("a/b", "b/x", "b/y", "c", "a")] == [
        "mine",
        "other",
        "shared",
        "all",
        "all",
    ]
    picky = Decoder(codecs={"mine": codec("a/+", says="unknown-topic: no"), "all": codec("#")})
    assert ask(picky, "a/b")[0] == "all"


@pytest.mark.parametrize(
    ("point", "value", "flags", "is_urgent", "pulse"),
    [
        ("s:a/b/smoke/", True, 0, True, False),
        ("s:a/sos/", True, 0, True, True),
        ("s:a/sos/", True, Flag.SIMULATED | Flag.CLOCK_BAD, True, True),
        ("s:a/sos/", False, 0, False, False),
        ("s:a/smoke/", True, Flag.RETAINED, False, False),
        ("s:a/smoke/", True, Flag.HISTORICAL, False, False),
        ("s:a/smoke/", None, Flag.INVALID, False, False),
        ("s:a/smoke/", True, Flag.INVALID, False, False),
        ("s:a/battery_low/", True, 0, False, False),
        ("s:a/temperature/", 1, 0, False, False),
        ("s:a/firmware/", True, 0, False, False),
    ],
)
def test_what_is_urgent(point: str, value: Any, flags: int, is_urgent: bool, pulse: bool) -> None:
    """A live active alarm is committed at once, and a pulse is told apart."""
    decoded = Decoded((Reading("s:a/rssi/", 1), Reading(point, value, None, int(flags))))
    assert urgent(decoded) is is_urgent
    assert has_pulse(decoded) is pulse


def lines(*records: Any) -> list[dict[str, Any]]:
    """What `csg decode` makes of records, or of raw lines."""
    raw = [r if isinstance(r, str | bytes) else json.dumps(r) for r in records]
    return [json.loads(line) for line in decode_lines(raw)]


def test_a_decoded_line_has_every_field() -> None:
    """One line in gives one line out, in the documented form."""
    (got,) = lines(
        {
            "id": "x",
            "format": "zigbee2mqtt",
            "topic": "zigbee2mqtt/楼/a",
            "payload": '{"smoke":true,"temperature":-300}',
        }
    )
    common = {"device": "楼/a", "channel": None, "historical": False, "measured_at": None}
    assert got == {
        "id": "x",
        "format": "zigbee2mqtt",
        "readings": [
            {
                **common,
                "metric": "smoke",
                "value": True,
                "unit": None,
                "class": "alarm",
                "alarm": True,
                "invalid": False,
            },
            {
                **common,
                "metric": "temperature",
                "value": -300,
                "unit": "°C",
                "class": "measurement",
                "alarm": None,
                "invalid": True,
            },
        ],
        "quarantine": None,
    }


def test_the_topic_decides_without_a_format() -> None:
    """A line without a format is read by the codec that claims its topic, which is named in the answer."""
    got = lines(
        {"id": 5, "topic": "community/a/b/telemetry", "payload": '{"v":1,"ts":1763760000000,"x":1}'},
        {"topic": "nobody", "payload": ""},
        {"topic": "gateway/incidents/x/1", "payload": ""},
        {"format": "zigbee2mqtt", "topic": "community/a/b/telemetry", "payload": "{}"},
    )
    assert [(g["id"], g["format"], (g["quarantine"] or "").split(":")[0]) for g in got] == [
        (5, "native", ""),
        (None, None, "unknown-topic"),
        (None, None, ""),
        (None, "zigbee2mqtt", "unknown-topic"),
    ]
    assert got[0]["readings"][0]["measured_at"] == 1_763_760_000_000
    assert got[0]["readings"][0]["class"] == "status"


def test_what_a_line_teaches_holds_for_the_next() -> None:
    """A bridge's list of devices names the devices of the lines after it, and forgets them when it says so."""
    listed = [{"ieee_address": "0x00158d0001a2b3c4", "friendly_name": "hall", "definition": None}]
    told = {"topic": "zigbee2mqtt/bridge/devices", "payload": json.dumps(listed)}
    spoken = {"topic": "zigbee2mqtt/hall", "payload": '{"smoke":true}'}
    got = lines(spoken, told, spoken, {"format": "zigbee2mqtt", **spoken}, {**told, "payload": "[]"}, spoken)
    assert [r["device"] for g in got for r in g["readings"] if r["metric"] == "smoke"] == [
        "hall", "0x00158d0001a2b3c4", "0x00158d0001a2b3c4", "hall"
    ]  # fmt: skip


@pytest.mark.parametrize(
    "record",
    [
        "x",
        "[]",
        "5",
        "[" * 3000,
        '"\ud800"',
        b"\xff",
        {},
        {"topic": 1, "payload": ""},
        {"topic": "a", "payload": 1},
        {"topic": "a"},
        {"topic": "a", "payload": "?", "encoding": "base64"},
        {"topic": "a", "payload": "", "encoding": "hex"},
        {"topic": "a", "payload": "", "now": "x"},
        {"id": 10**40, "topic": 1},
        {"id": {"a": 1}, "topic": 1},
    ],
)
def test_a_bad_line_becomes_a_bad_line(record: Any) -> None:
    """Whatever stands in a line, the answer is a line that says what is wrong with it."""
    (got,) = lines(record)
    assert got["quarantine"].startswith("bad-record")
    assert got["readings"] == []


def test_formats_nobody_knows_are_named() -> None:
    """An unknown format is set aside with the nearest name; empty lines are skipped."""
    got = lines(
        "",
        "  ",
        {"format": "zigbee-mqtt", "topic": "a", "payload": ""},
        {"format": 5, "topic": "a", "payload": ""},
    )
    assert [(g["quarantine"] or "").split(":")[0] for g in got] == ["unknown-format", ""] or got[0][
        "quarantine"
    ]
    assert "zigbee2mqtt" in got[0]["quarantine"]


def test_bytes_come_as_base64() -> None:
    """A binary payload is given in base64, and a retained one says so."""
    payload = base64.b64encode(b'{"smoke":true}').decode()
    (got,) = lines({"topic": "zigbee2mqtt/x", "payload": payload, "encoding": "base64", "retained": True})
    assert [r["alarm"] for r in got["readings"]] == [True]


def test_historical_statements_are_status() -> None:
    """Stored data sent late states no live alarm."""
    got = shown(Reading("decode:a/smoke/", True, 5, int(Flag.HISTORICAL)))
    assert (got["class"], got["alarm"], got["historical"]) == ("status", None, True)


def test_learned_is_what_the_caller_folds() -> None:
    """The decoder itself never changes a context."""
    contexts: dict[tuple[str, str], dict[str, Any]] = {}
    listed = json.dumps([{"ieee_address": "0x00158d0001a2b3c4", "friendly_name": "hall"}]).encode()
    name, got = Decoder(contexts).answer(Message("s", "zigbee2mqtt/bridge/devices", listed))
    assert name == "zigbee2mqtt"
    assert got.learned == [Learned("device:hall", ["0x00158d0001a2b3c4", "", {}])]
    assert contexts == {}
    assert rows(got) == [("bridge", "inventory", "", 1)]
