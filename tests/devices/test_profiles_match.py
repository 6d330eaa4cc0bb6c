"""Which profile reads a payload, what `like` takes over, and how profiles reach a codec through the door."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from devices.codec import Decoded, Message
from devices.codecs import profiled
from devices.decode import Decoder
from devices.decode_lines import decode_lines
from devices.inner import Origin, profile_for
from devices.profile import PROFILES, Match, Profile, Profiles, profiles_of
from devices.profile_load import compile_profile, shipped, shipped_profiles
from devices.profile_match import fits
from tests.devices.reading_rows import NOW, rows


@pytest.mark.parametrize(
    ("match", "payload", "wanted"),
    [
        ({"starts": "7e"}, b"\x7e\x01", True),
        ({"starts": "7E01"}, b"\x7e\x01", True),
        ({"starts": "7e02"}, b"\x7e\x01", False),
        ({"starts": "7e"}, {"a": 1}, False),
        ({"size": 2}, b"\x7e\x01", True),
        ({"size": 3}, b"\x7e\x01", False),
        ({"where": [{"at": 1, "is": 1}]}, b"\x7e\x01", True),
        ({"where": [{"at": [0, 2], "is": 0x7E01}]}, b"\x7e\x01", True),
        ({"where": [{"at": 1, "bit": 0, "is": 0}]}, b"\x7e\x01", False),
        ({"where": [{"at": 9}]}, b"\x7e\x01", False),
        ({"where": [{"at": 9, "exists": False}]}, b"\x7e\x01", True),
        ({"where": [{"at": "/m", "is": "W3"}]}, {"m": "W3"}, True),
        ({"where": [{"at": "/m", "one_of": ["W3", 4]}]}, {"m": 4}, True),
        ({"where": [{"at": "/m", "one_of": ["W3", 4]}]}, {"m": 5}, False),
        ({"where": [{"at": "/m", "starts": "W"}]}, {"m": "W3"}, True),
        ({"where": [{"at": "/m", "starts": "W"}]}, {"m": 3}, False),
        ({"where": [{"at": "/m", "exists": False}]}, {"m": 3}, False),
        ({"where": [{"at": "/m", "is": None}]}, {"m": None}, True),
        ({"where": [{"at": "/m", "is": 1}]}, {"m": 1.0}, True),
        ({"where": [{"at": "/m", "is": 1}]}, {"m": "1"}, True),
        ({"where": [{"at": "/m", "is": 1}]}, {"m": True}, False),
        ({"where": [{"at": "/m", "is": True}]}, {"m": True}, True),
        ({"where": [{"at": "/m", "is": "[1]"}]}, {"m": [1]}, False),
        ({"starts": "e783"}, "烟", True),
        ({"size": 1}, "\ud800", True),
        ({"service": "a"}, {}, True),
        ({"service": ["b", "c"]}, {}, False),
    ],
    ids=str,
)
def test_the_looks_of_a_payload(match: dict[str, Any], payload: Any, wanted: bool) -> None:
    """All conditions must hold."""
    assert fits(msgspec.convert(match, Match), payload, "a") is wanted


def named(name: str, **match: Any) -> Profile:
    return compile_profile({"name": name, "match": match, "fields": [{"at": "/s", "metric": "smoke"}]})


def test_the_best_profile_is_taken() -> None:
    """A site's own before a shipped one, the product before the looks, what is looked at before what is not."""
    looks = {"where": [{"at": "/s"}]}
    exact, both = named("exact", product="x"), named("both", product="x", **looks)
    by_looks, other = named("looks", **looks), named("other", product="y")
    for_codec = named("codec", codec="onenet", product="x")
    origin = Origin(
        {PROFILES: Profiles([exact, both, by_looks, other, for_codec])},
        Message("s", "", b""),
        "ctwing",
        "x",
        "d",
    )
    assert profile_for(origin, {"s": 1}) is both
    assert profile_for(origin, {"t": 1}) is exact
    assert profile_for(msgspec.structs.replace(origin, product="z"), {"s": 1}) is by_looks
    assert profile_for(msgspec.structs.replace(origin, product="z"), {"t": 1}) is None
    own = msgspec.structs.replace(origin, context={PROFILES: Profiles([both], [by_looks])})
    assert profile_for(own, {"s": 1}) is by_looks


def test_a_profile_of_nothing_but_a_codec_is_for_nobody() -> None:
    """It would take every payload of the codec; it is there to be named by another one's `like`."""
    origin = Origin(
        {PROFILES: Profiles([named("all", codec="ctwing"), named("none")])},
        Message("s", "", b""),
        "ctwing",
        "x",
        "",
    )
    assert profile_for(origin, {"s": 1}) is None


def test_what_a_registry_remembers_is_bounded() -> None:
    """Invented product ids do not fill the memory."""
    known = Profiles([named("a", product="x")])
    for n in range(5000):
        assert known.of_product("ctwing", str(n)) == ()
    assert len(known._by_product) <= 1024
    assert [c.profile.name for c in known.of_product("ctwing", "x")] == ["a"]


def test_like_takes_everything_but_match_and_cases() -> None:
    """A profile that is like another one is that one for another product, with its own keys instead."""
    base = {"name": "base", "match": {"product": "x"}, "ignore": ["z"], "time": {"at": "/t"},
            "fields": [{"at": "/s", "metric": "smoke"}],
            "cases": [{"name": "c", "json": {"s": 1}, "readings": {"smoke": True}}]}  # fmt: skip
    made = compile_profile(
        {"name": "b", "like": "base", "match": {"product": "y"}, "ignore": ["q"]}, {"base": base}
    )
    assert (made.match.product, made.ignore, made.cases) == ("y", ("q",), ())
    assert made.time is not None
    assert made.fields[0].metric == "smoke"


# -- the door --------------------------------------------------------------------------------------------------------


def decoder(*own: Profile, **sources: tuple[str, ...]) -> Decoder:
    return Decoder({}, sources, profiles=Profiles(shipped_profiles(), own))


def ask(door: Decoder, topic: str, body: Any, source: str = "s") -> Decoded:
    return door.decode(Message(source, topic, json.dumps(body).encode(), False, NOW))


def test_a_profile_names_topics_nobody_else_reads() -> None:
    """A device of no known dialect is read by the topic its profile names, and the topic is subscribed to."""
    mine = compile_profile(
        {"name": "mine", "match": {"topic": "factory/+/smoke"}, "fields": [{"at": "/st", "metric": "smoke"}]}
    )
    door = decoder(mine, s=("profiled",))
    assert [t.filter for t in door.topics("s")] == ["factory/+/smoke"]
    assert rows(ask(door, "factory/hall/smoke", {"st": 1})) == [("hall", "smoke", "", True)]
    assert rows(ask(decoder(mine), "factory/hall/smoke", {"st": 1})) == [("hall", "smoke", "", True)]
    assert ask(decoder(mine), "factory/hall/lamp", {"st": 1}).quarantine is not None


def test_an_operators_word_counts_before_a_dialect() -> None:
    """A topic named in a profile is read by it, though a codec claims all of its tree."""
    mine = compile_profile({
        "name": "mine", "match": {"topic": "zigbee2mqtt/odd"},
        "fields": [{"at": "/smoke", "metric": "smoke", "inverted": True}],
    })  # fmt: skip
    door = decoder(mine)
    assert [r[1:] for r in rows(ask(door, "zigbee2mqtt/odd", {"smoke": False}))] == [("smoke", "", True)]
    assert rows(ask(door, "zigbee2mqtt/hall", {"smoke": False})) == [("hall", "smoke", "", False)]


def test_a_codec_sees_what_it_learned_beside_the_profiles() -> None:
    """The profiles stand under one reserved key; what was learned is still all there."""
    mine = compile_profile(
        {"name": "mine", "match": {"product": "7"}, "fields": [{"at": "/st", "metric": "smoke"}]}
    )
    door = Decoder({("ctwing", "s"): {"imei:h": "861"}}, {"s": ("ctwing",)}, profiles=Profiles((), [mine]))
    body = {"messageType": "dataReport", "deviceId": "h", "productId": 7, "payload": {"st": 1}}
    assert rows(ask(door, "ctwing", body)) == [("861", "smoke", "", True)]


def test_without_profiles_the_shipped_ones_apply() -> None:
    """A codec run on its own uses what the house ships."""
    assert profiles_of({}) is shipped()
    assert profiles_of({PROFILES: "x"}) is shipped()
    mine = Profiles()
    assert profiles_of({PROFILES: mine}) is mine


def test_lines_are_decoded_by_the_profiles_given() -> None:
    """`csg decode --profile` tries a profile before it is put to work."""
    mine = compile_profile(
        {"name": "mine", "match": {"topic": "f/+"}, "fields": [{"at": "/st", "metric": "smoke"}]}
    )
    line = json.dumps({"topic": "f/hall", "payload": '{"st":1}'})
    ((with_profile, without),) = zip(
        decode_lines([line], Profiles((), [mine])), decode_lines([line]), strict=True
    )
    assert [(r["metric"], r["value"], r["alarm"]) for r in json.loads(with_profile)["readings"]] == [
        ("smoke", True, True)
    ]
    assert json.loads(without)["readings"] == []


@pytest.mark.parametrize(
    ("topic_filter", "topic", "device"),
    [
        ("f/+/smoke", "f/hall/smoke", "hall"),
        ("f/+/+/x", "f/3/7/x", "3/7"),
        ("f/#", "f/3/7", "3/7"),
        ("f/#", "f", "f"),
        ("f/x", "f/x", "f/x"),
        ("+/y/#", "a/y/b/c", "a/b/c"),
    ],
)
def test_a_topic_names_the_device(topic_filter: str, topic: str, device: str) -> None:
    """The levels a filter leaves open, else the whole topic."""
    assert profiled.native(topic_filter, topic) == device
