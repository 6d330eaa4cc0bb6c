"""Profiles: what a field, a value list, a record and a match mean, which profile applies, and that none ever raises."""

from __future__ import annotations

from typing import Any

import pytest

from devices.codec import Message
from devices.decode import CODECS
from devices.inner import Origin, inner_by, profile_for
from devices.profile import Match, Profile
from devices.profile_apply import RECORDS_MAX, Applied, apply
from devices.profile_check import live, payload_of
from devices.profile_load import compile_profile, shipped_data, shipped_profiles
from devices.profile_match import fits
from devices.reading import Flag
from tests.devices.reading_rows import INVALID, NOW

HISTORICAL = int(Flag.HISTORICAL)


def profile(*fields: dict[str, Any], **more: Any) -> Profile:
    """A profile with these fields."""
    return compile_profile({"name": "p", "fields": list(fields), **more})


def spoken(applied: Applied) -> dict[str, Any]:
    """Metric (and channel) to value."""
    said = ((s.meaning.metric, s.meaning.channel, s.meaning.value) for s in applied.statements)
    return {f"{m}/{c}" if c else m: v for m, c, v in said}


def says(field: dict[str, Any], payload: Any) -> dict[str, Any]:
    """What one field makes of a payload."""
    return spoken(apply(profile(field), payload))


def code(applied: Applied) -> str | None:
    return applied.problem.split(":")[0] if applied.problem else None


# -- shipped ---------------------------------------------------------------------------------------------------------

CASES = [(p, c) for p in shipped_profiles() for c in p.cases]


@pytest.mark.parametrize(("one", "case"), CASES, ids=[f"{p.name}: {c.name}" for p, c in CASES])
def test_every_case_of_a_shipped_profile_comes_true(one: Profile, case: Any) -> None:
    """What a shipped profile says of its documented payloads is what the document says."""
    got = inner_by(Origin({}, Message("s", "", b""), "", "", "d"), one, payload_of(case), None)
    assert live(got) == case.readings
    assert (got.problem is not None) == case.aside


@pytest.mark.parametrize("name", [p.name for p in shipped_profiles()])
def test_a_shipped_profile_names_its_document_and_is_sure_of_its_product(name: str) -> None:
    """Each says where its numbers are from, has cases, and is found by the payload's own looks in its codec."""
    (one,) = (p for p in shipped_profiles() if p.name == name)
    assert one.source
    assert len(one.cases) >= 1
    origin = Origin(
        {}, Message("s", "", b""), next(iter(codecs_of(one.match))), "a product nobody bound", "d"
    )
    assert profile_for(origin, payload_of(one.cases[0])) is one


def codecs_of(match: Match) -> tuple[str, ...]:
    """The codecs a profile is for; all that hand on payloads where it names none."""
    named = match.codec if isinstance(match.codec, tuple) else (match.codec,)
    return tuple(str(n) for n in named) or ("ctwing", "huawei_iotda", "onenet")


def test_shipped_profiles_do_not_take_each_others_payloads() -> None:
    """No payload is claimed by two products."""
    for one, case in CASES:
        others = [p.name for p in shipped_profiles() if p is not one and fits(p.match, payload_of(case))]
        bound = {name for name in others if shipped_data()[name]["match"].get("codec") == one.match.codec}
        assert not bound


def test_codecs_named_by_shipped_profiles_exist_and_want_profiles() -> None:
    """A profile for a codec that does not hand on its payloads would never be used."""
    for one in shipped_profiles():
        for name in codecs_of(one.match):
            assert CODECS[name].PROFILED


# -- fields ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "payload", "wanted"),
    [
        ({"at": "/a/b", "metric": "temperature"}, {"a": {"b": 21.5}}, {"temperature": 21.5}),
        ({"at": "/a/1", "metric": "temperature"}, {"a": [1, "22"]}, {"temperature": 22}),
        ({"at": "/a~1b/~0", "metric": "temperature"}, {"a/b": {"~": 3}}, {"temperature": 3}),
        ({"at": "", "metric": "temperature"}, 20, {"temperature": 20}),
        ({"at": "/t", "metric": "temperature", "scale": 0.1}, {"t": 303}, {"temperature": 30.3}),
        ({"at": "/t", "metric": "temperature", "offset": -100}, {"t": 119}, {"temperature": 19}),
        ({"at": "/p", "metric": "pressure", "unit": "MPa"}, {"p": 0.3}, {"pressure": 300}),
        ({"at": "/p", "metric": "pressure", "channel": "in"}, {"p": 5}, {"pressure/in": 5}),
        ({"at": "/b", "metric": "battery", "no_reading": [255, "--"]}, {"b": "--"}, {"battery": None}),
        ({"at": "/b", "metric": "battery"}, {"b": None}, {"battery": None}),
        ({"at": "/b", "metric": "battery"}, {}, {}),
        ({"at": "/s", "metric": "smoke"}, {"s": 1}, {"smoke": True}),
        ({"at": "/s", "metric": "smoke"}, {"s": "报警"}, {"smoke": True}),
        ({"at": "/s", "metric": "smoke"}, {"s": False}, {"smoke": False}),
        ({"at": "/s", "metric": "smoke", "inverted": True}, {"s": 0}, {"smoke": True}),
        ({"at": "/s", "metric": "smoke", "bit": 2}, {"s": 4}, {"smoke": True}),
        ({"at": "/s", "metric": "smoke", "bit": 2}, {"s": "4"}, {"smoke": True}),
        ({"at": "/s", "metric": "smoke", "type": "hex", "bit": 4}, {"s": "1F"}, {"smoke": True}),
        ({"at": "/s", "values": {1: {"smoke": True, "battery": 3}}}, {"s": 1}, {"smoke": True, "battery": 3}),
        ({"at": "/s", "values": {"AL": {"smoke": True}}}, {"s": " al "}, {"smoke": True}),
        ({"at": "/s", "values": {"true": {"smoke": True}}}, {"s": True}, {"smoke": True}),
        ({"at": "/s", "values": {"1": {"smoke": True}}}, {"s": 1.0}, {"smoke": True}),
        ({"at": "/s", "values": {0: {}}}, {"s": 0}, {}),
        ({"at": "/s", "metric": "smoke", "values": {5: True, 0: False}}, {"s": "5"}, {"smoke": True}),
        ({"at": "/s", "metric": "smoke", "values": {5: None}}, {"s": 5}, {"smoke": None}),
        ({"at": "/s", "metric": "availability"}, {"s": "online"}, {"availability": "online"}),
        ({"at": "/t", "metric": "temperature"}, {"t": 9e99}, {"temperature": None}),
    ],
    ids=str,
)  # fmt: skip
def test_what_a_field_of_an_object_says(field: dict[str, Any], payload: Any, wanted: dict[str, Any]) -> None:
    """A pointer, then bit, no reading, values, scale and offset, then unit, in this order."""
    field = {
        **field,
        **({"values": {str(k): v for k, v in field["values"].items()}} if "values" in field else {}),
    }
    assert says(field, payload) == wanted


@pytest.mark.parametrize(
    ("field", "payload", "wanted"),
    [
        ({"at": 0, "metric": "battery"}, "64", 100),
        ({"at": [0, 2], "metric": "temperature"}, "0102", 258),
        ({"at": [0, 2], "metric": "temperature", "order": "little"}, "0201", 258),
        ({"at": [0, 2], "metric": "temperature", "type": "int"}, "fff6", -10),
        ({"at": 0, "metric": "temperature", "type": "int"}, "f6", -10),
        ({"at": [0, 4], "metric": "temperature", "type": "float"}, "41ac0000", 21.5),
        ({"at": [0, 4], "metric": "temperature", "type": "float", "order": "little"}, "0000ac41", 21.5),
        ({"at": [0, 2], "metric": "temperature", "type": "float"}, "4d60", 21.5),
        ({"at": [0, 4], "metric": "temperature", "type": "float"}, "7fc00000", None),
        ({"at": [0, 2], "metric": "temperature", "type": "text"}, "3231", 21),
        ({"at": [0, 2], "metric": "temperature", "type": "digits"}, "0021", 21),
        ({"at": [0, 2], "metric": "temperature", "bit": [4, 4]}, "01a5", 10),
        ({"at": [0, 2], "metric": "temperature", "no_reading": [65535]}, "ffff", None),
    ],
    ids=str,
)
def test_what_a_field_of_bytes_says(field: dict[str, Any], payload: str, wanted: Any) -> None:
    """Numbers of both byte orders and signs, floats of all sizes, digits and text."""
    assert says(field, bytes.fromhex(payload)) == {field["metric"]: wanted}


@pytest.mark.parametrize(
    ("inside", "payload"),
    [
        ({"as": "bytes"}, b"\x01"),
        ({"as": "hex"}, "01"),
        ({"as": "hex"}, b"01"),
        ({"as": "base64"}, "AQ=="),
        ({"as": "base64"}, b"AQ=="),
        ({"at": "/d", "as": "base64"}, {"d": "AQ=="}),
        ({"at": "/d/x", "as": "hex"}, {"d": {"x": "01"}}),
    ],
    ids=str,
)
def test_where_the_bytes_are_written(inside: dict[str, Any], payload: Any) -> None:
    """Bytes come raw or as text, alone or inside an object."""
    assert spoken(apply(profile({"at": 0, "metric": "smoke"}, payload=inside), payload)) == {"smoke": True}


@pytest.mark.parametrize("payload", ['{"s":1}', b'{"s":1}', {"s": 1}])
def test_an_object_may_be_written_as_text(payload: Any) -> None:
    """JSON within JSON is read as an object."""
    assert says({"at": "/s", "metric": "smoke"}, payload) == {"smoke": True}


@pytest.mark.parametrize(
    "payload", [b"", "", b"\xff", None, 5, [], {}, {"d": 3}, {"d": None}, "zz", {"d": "z"}]
)
@pytest.mark.parametrize("how", ["json", "text", "hex", "base64", "bytes"])
def test_a_payload_that_is_not_so_written_is_set_aside_or_says_nothing(payload: Any, how: str) -> None:
    """Nothing is read as normal that could not be read."""
    at: Any = "/s" if how == "json" else 0
    applied = apply(profile({"at": at, "metric": "smoke"}, payload={"at": "/d", "as": how}), payload)
    assert False not in spoken(applied).values()


# -- what is not known is not normal ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "raw"),
    [
        ({"values": {"0": {"smoke": False}, "1": {"smoke": True}}}, 2),
        ({"metric": "smoke", "values": {"0": False}}, 1),
        ({"metric": "smoke"}, 2),
        ({"metric": "smoke"}, "wibble"),
        ({"metric": "smoke"}, [1]),
        ({"metric": "smoke", "bit": 1}, -1),
        ({"metric": "smoke", "bit": 1}, "x"),
        ({"metric": "smoke"}, 1.5),
    ],
    ids=str,
)
def test_a_value_nobody_listed_is_set_aside_and_its_alarm_unknown(field: dict[str, Any], raw: Any) -> None:
    """Neither alarm nor normal: no value, marked invalid, and the message kept aside."""
    applied = apply(profile({"at": "/s", **field}), {"s": raw})
    assert [(s.meaning.metric, s.meaning.value, s.meaning.flags) for s in applied.statements] == [
        ("smoke", None, INVALID)
    ]
    assert code(applied) == "unknown-value"


def test_a_packet_cut_short_says_what_it_still_holds() -> None:
    """An alarm before the cut is read; the message is set aside for the rest."""
    applied = apply(
        profile({"at": 0, "metric": "smoke"}, {"at": [1, 2], "metric": "battery_voltage"}), b"\x01\x0b"
    )
    assert (spoken(applied), code(applied)) == ({"smoke": True}, "too-short")


# -- time, name, records ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("clock", "raw", "wanted"),
    [
        ({}, NOW, NOW),
        ({}, str(NOW), NOW),
        ({"unit": "s"}, NOW // 1000, NOW // 1000 * 1000),
        ({}, "2025-11-21T21:20:00Z", 1_763_760_000_000),
        ({"type": "digits"}, "20251122052000", 1_763_760_000_000),
        ({}, "251122052000", 1_763_760_000_000),
        ({"zone": "+00:00"}, "251121212000", 1_763_760_000_000),
        ({"unit": "s", "since": "2018-09-10T00:00:00+08:00"}, 50_062_636, 1_586_571_436_000),
        ({}, "251399999999", None),
        ({}, True, None),
        ({}, None, None),
        ({}, 1e300, None),
        ({}, "yesterday", None),
    ],
    ids=str,
)
def test_times_a_device_writes(clock: dict[str, Any], raw: Any, wanted: int | None) -> None:
    """Milliseconds, seconds since any date, ISO 8601 and twelve or fourteen digits; nonsense is no time."""
    applied = apply(profile({"at": "/s", "metric": "smoke"}, time={"at": "/t", **clock}), {"s": 1, "t": raw})
    assert [s.measured_at for s in applied.statements] == [wanted]


def test_a_device_may_be_named_in_its_payload() -> None:
    """Behind a gateway, the name in the payload is the device's; without one the envelope's stands."""
    named = profile({"at": "/s", "metric": "smoke"}, device="/sn")
    origin = Origin({}, Message("s", "", b""), "ctwing", "", "outer")
    for payload, device in (({"s": 1, "sn": 17}, "17"), ({"s": 1, "sn": True}, "outer"), ({"s": 1}, "outer")):
        assert [r.point for r in inner_by(origin, named, payload, None).readings] == [f"s:{device}/smoke/"]


def saved(**more: Any) -> Profile:
    """Six-byte records of a time and a bit, counted by the first byte."""
    return compile_profile({
        "name": "p",
        "records": {"at": 1, "size": 5, "count": 0, "time": {"at": [0, 4], "unit": "s"},
                    "fields": [{"at": 4, "metric": "smoke"}], **more},
    })  # fmt: skip


def packet(*records: tuple[int, int]) -> bytes:
    """Its bytes."""
    return bytes([len(records)]) + b"".join(t.to_bytes(4, "big") + bytes([v]) for t, v in records)


def test_of_saved_measurements_the_newest_is_now() -> None:
    """By their own times, wherever it stands: an old alarm in a batch is history and never an alarm."""
    old, new = NOW // 1000 - 9000, NOW // 1000
    for records in (packet((old, 1), (new, 0)), packet((new, 0), (old, 1))):
        applied = apply(saved(), records)
        found = {s.meaning.value: (s.meaning.flags, s.measured_at) for s in applied.statements}
        assert found == {True: (HISTORICAL, old * 1000), False: (0, new * 1000)}


@pytest.mark.parametrize(("place", "live_value"), [("first", True), ("last", False)])
def test_without_times_the_place_tells_the_newest(place: str, live_value: bool) -> None:
    """`newest` says at which end a device writes the present."""
    applied = apply(saved(newest=place, time=None), packet((0, 1), (0, 0)))
    assert [s.meaning.value for s in applied.statements if not s.meaning.flags] == [live_value]


def test_records_are_bounded_and_a_missing_one_is_said() -> None:
    """A counter that promises more than there is sets the message aside; no batch is read without end."""
    short = apply(saved(), b"\x05" + packet((NOW // 1000, 1))[1:])
    assert (spoken(short), code(short)) == ({"smoke": True}, "too-short")
    many = compile_profile(
        {"name": "p", "records": {"at": "/l", "fields": [{"at": "/s", "metric": "smoke"}]}}
    )
    assert len(apply(many, {"l": [{"s": 0}] * 5000}).statements) == RECORDS_MAX


def test_what_a_record_saved_up_stands_beside_what_is_now() -> None:
    """Readings of one point at several times are all given on, the historical ones marked."""
    got = inner_by(
        Origin({}, Message("s", "", b""), "", "", "d"), saved(), packet((100, 1), (200, 0), (300, 1)), None
    )
    assert [(r.value, bool(r.flags & Flag.HISTORICAL)) for r in got.readings] == [
        (True, True), (False, True), (True, False),
    ]  # fmt: skip


# -- the rest of an object -------------------------------------------------------------------------------------------


def test_other_keys_are_read_by_their_words_unless_told_otherwise() -> None:
    """A profile adds to the vocabulary; `ignore` and `rest: nothing` stop it, and a profile's word counts before it."""
    field = {"at": "/smoke", "metric": "smoke", "inverted": True}
    payload = {"smoke": 0, "battery": 80, "humidity": 40}
    for more, wanted in (
        ({}, {"smoke": True, "battery": 80, "humidity": 40}),
        ({"ignore": ["humidity"]}, {"smoke": True, "battery": 80}),
        ({"rest": "nothing"}, {"smoke": True}),
    ):
        got = inner_by(Origin({}, Message("s", "", b""), "", "", "d"), profile(field, **more), payload, None)
        assert live(got) == wanted


def test_a_payload_that_says_nothing_shows_at_least_life() -> None:
    """A profile whose value list says "nothing" still shows that the device spoke."""
    got = inner_by(
        Origin({}, Message("s", "", b""), "", "", "d"),
        profile({"at": "/s", "values": {"0": {}}}),
        {"s": 0},
        7,
    )
    assert (live(got), got.problem) == ({"heartbeat": True}, None)
