"""No payload makes a profile raise, and whatever it answers can be stored."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from devices.codec import Message
from devices.inner import Inner, Origin, inner, inner_by
from devices.profile import Profile
from devices.profile_check import payload_of
from devices.profile_load import shipped_profiles

CASES = [(p, c) for p in shipped_profiles() for c in p.cases]

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda x: (
        st.lists(x, max_size=4)
        | st.dictionaries(st.text(max_size=4) | st.sampled_from("stab"), x, max_size=4)
    ),
    max_leaves=12,
)
PLACES = st.sampled_from(["/s", "/a/0", "", "/t/x"])
OFFSETS = st.integers(0, 12) | st.tuples(st.integers(0, 9), st.integers(1, 9))


@st.composite
def any_profile(draw: st.DrawFn) -> Profile:
    """A right profile of any kind."""
    at = PLACES if draw(st.booleans()) else OFFSETS
    field = st.fixed_dictionaries(
        {
            "at": at,
            "metric": st.sampled_from(["smoke", "battery", "pressure", "availability", "fault", "restart"]),
        },
        optional={
            "type": st.sampled_from(["uint", "int", "float", "text", "digits", "hex"]),
            "order": st.sampled_from(["big", "little"]),
            "bit": st.integers(0, 63) | st.tuples(st.integers(0, 9), st.integers(1, 9)),
            "inverted": st.booleans(),
            "no_reading": st.lists(st.integers(0, 255) | st.text(max_size=2), max_size=2),
            "values": st.just({"0": None, "1": None, "": {"smoke": True}}),
            "channel": st.just("c"),
        },
    )
    clock = st.none() | st.fixed_dictionaries(
        {"at": at}, optional={"unit": st.just("s"), "type": st.just("digits")}
    )
    data = draw(st.fixed_dictionaries(
        {"name": st.just("p"), "fields": st.lists(field, min_size=1, max_size=4), "time": clock,
         "device": st.none() | at,
         "payload": st.just({}) | st.fixed_dictionaries({"at": st.sampled_from(["", "/s"])})},
        optional={"records": st.fixed_dictionaries(
            {"at": at, "size": st.integers(1, 5), "fields": st.lists(field, min_size=1, max_size=2), "time": clock},
            optional={"count": at})},
    ))  # fmt: skip
    return msgspec.convert(data, Profile)


@given(any_profile(), JSON | st.binary(max_size=40) | st.text(max_size=20))
def test_no_payload_makes_a_profile_raise(one: Profile, payload: Any) -> None:
    """Any profile, even one that fits nothing, of any payload: an answer, finite, that can be journalled."""
    got = inner_by(Origin({}, Message("s", "", b""), "ctwing", "x", "d"), one, payload, None)
    assert isinstance(got, Inner)
    msgspec.msgpack.encode(got)


@given(st.sampled_from(CASES), st.integers(0, 80), st.binary(max_size=3))
def test_a_damaged_packet_never_raises(pair: Any, cut: int, tail: bytes) -> None:
    """Documented packets cut anywhere, with other bytes behind, are read as far as they go or set aside."""
    one, case = pair
    payload = payload_of(case)
    data = payload[:cut] + tail if isinstance(payload, bytes) else json.dumps(payload).encode()[:cut] + tail
    origin = Origin({}, Message("s", "", b""), one.match.codec or "ctwing", "x", "d")
    for got in (inner_by(origin, one, data, None), inner(origin, data)):
        assert got.readings or got.problem
        msgspec.msgpack.encode(got)
