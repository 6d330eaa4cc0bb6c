"""Sparkplug B: births and aliases, numbering and rebirths, deaths, and bytes that lie."""

from __future__ import annotations

import zlib
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from devices.codec import Decoded
from devices.codecs import sparkplug_b
from devices.codecs.sparkplug_b import ASK_EVERY_MS, wire
from devices.codecs.sparkplug_b.examples import (
    AT,
    BOOL,
    DOUBLE,
    FLOAT,
    INT,
    LONG,
    TEMPLATE,
    TEXT,
    field,
    metric,
    payload,
)
from devices.codecs.sparkplug_b.names import meant
from devices.codecs.sparkplug_b.wire import METRICS_MAX, WireError, read, signed
from tests.devices.reading_rows import NOW, RETAINED, code, flags, rows, said

NODE = "Estate/edge-01"
DEVICE = f"{NODE}/hall"


def tell(kind: str, body: bytes, context: dict[str, Any] | None = None, **more: Any) -> Decoded:
    """One message of the edge node, or of its device `hall` where the type is a device's."""
    topic = f"spBv1.0/Estate/{kind}/edge-01" + ("/hall" if kind.startswith("D") else "")
    return said(sparkplug_b, topic, body, context, **more)


def learn(context: dict[str, Any], decoded: Decoded) -> dict[str, Any]:
    """The context after a message, as the journal would give it back."""
    for learned in decoded.learned:
        context[learned.key] = msgspec.msgpack.decode(msgspec.msgpack.encode(learned.value))
    return context


def born(bd: int = 7) -> dict[str, Any]:
    """What is known after a node and its device `hall` were born: numbers 0 and 1 are used."""
    context = learn({}, tell("NBIRTH", payload(0, metric("bdSeq", None, 8, LONG, bd))))
    birth = payload(
        1,
        metric("Smoke", 1, 11, BOOL, 0),
        metric("Battery", 2, 3, INT, 90),
        metric("Uptime Ticks", 3, 8, LONG, 5),
    )
    return learn(context, tell("DBIRTH", birth, context))


def test_data_is_read_by_what_its_birth_said() -> None:
    """Name, type and unit of an alias come from the last birth of that device, and of no other."""
    context = born()
    got = tell("DDATA", payload(2, metric("", 1, 0, BOOL, 1), metric("", 2, 0, INT, 12)), context)
    assert rows(got) == [(DEVICE, "smoke", "", True), (DEVICE, "battery", "", 12)]
    other = said(
        sparkplug_b, "spBv1.0/Estate/DDATA/edge-01/lift", payload(2, metric("", 1, 0, BOOL, 1)), context
    )
    assert rows(other) == []
    assert code(other) == "unknown-alias"
    node = tell("NDATA", payload(2, metric("", 1, 0, BOOL, 1)), context)
    assert code(node) == "unknown-alias"


def test_a_birth_is_learned_only_where_it_is_new() -> None:
    """A node that is born again with the same metrics costs no journal row but its number."""
    context = born()
    assert sorted(context) == [f"birth:{NODE}", f"birth:{DEVICE}", f"node:{NODE}"]
    birth = payload(
        2, metric("Smoke", 1, 11, BOOL, 1), metric("Battery", 2, 3, INT, 91), metric("Uptime Ticks", 3, 8)
    )
    assert [item.key for item in tell("DBIRTH", birth, context).learned] == [f"node:{NODE}"]
    renamed = payload(2, metric("Heat Alarm", 1, 11, BOOL, 1))
    keys = [item.key for item in tell("DBIRTH", renamed, context).learned]
    assert keys == [f"birth:{DEVICE}", f"node:{NODE}"]


def test_a_metric_we_do_not_keep_is_not_an_unknown_alias() -> None:
    """An alias that was born with a name that says nothing is silently passed over."""
    got = tell("DDATA", payload(2, metric("", 3, 0, LONG, 6)), born())
    assert (rows(got), code(got), list(got.asks)) == ([], None, [])


def test_numbers_that_follow_ask_for_nothing() -> None:
    """0 to 255 and round again is one unbroken stream; a message seen twice breaks nothing."""
    context = born()
    for number in [*range(2, 256), *range(5), 4]:
        got = tell("DDATA", payload(number, metric("", 2, 0, INT, 50)), context)
        assert (code(got), list(got.asks)) == (None, [])
        learn(context, got)
    assert context[f"node:{NODE}"][0] == 4


def test_a_gap_asks_for_a_rebirth_and_keeps_the_values() -> None:
    """What was lost comes back with the births; what arrived counts at once. Numbering goes on from there."""
    context = born()
    got = tell("DDATA", payload(9, metric("", 1, 0, BOOL, 1)), context)
    assert rows(got) == [(DEVICE, "smoke", "", True)]
    assert code(got) is None
    assert [ask.topic for ask in got.asks] == ["spBv1.0/Estate/NCMD/edge-01"]
    (asked,) = read(got.asks[0].payload).metrics
    assert (asked.name, asked.type, asked.value, asked.at) == ("Node Control/Rebirth", 11, True, NOW)
    assert read(got.asks[0].payload).at == NOW
    learn(context, got)
    assert list(tell("DDATA", payload(10, metric("", 1, 0, BOOL, 1)), context).asks) == []


def test_a_rebirth_is_asked_for_once_a_minute_at_most() -> None:
    """A node that does not answer is not flooded, and is asked again later, even by a clock that was set back."""
    context: dict[str, Any] = {}
    body = payload(4, metric("", 1, 0, BOOL, 1))
    first = tell("DDATA", body, context, now=NOW)
    assert (len(first.asks), code(first)) == (1, "unknown-alias")
    learn(context, first)
    assert list(tell("DDATA", body, context, now=NOW + ASK_EVERY_MS - 1).asks) == []
    assert len(tell("DDATA", body, context, now=NOW + ASK_EVERY_MS).asks) == 1
    assert len(tell("DDATA", body, context, now=NOW - 1).asks) == 1
    assert tell("DDATA", body, context, now=NOW + 1).learned == (), "nothing new was learned"


def test_a_node_never_seen_born_is_asked_and_understood_by_name() -> None:
    """Data that names itself counts before the first birth; numbering starts with the birth."""
    got = tell("DDATA", payload(200, metric("Gas Leak", None, 11, BOOL, 1)))
    assert rows(got) == [(DEVICE, "gas", "", True)]
    assert len(got.asks) == 1
    context = learn({}, got)
    assert context[f"node:{NODE}"][0] is None
    again = tell("DDATA", payload(7, metric("Gas Leak", None, 11, BOOL, 0)), context)
    assert (rows(again), list(again.asks)) == ([(DEVICE, "gas", "", False)], [])


def test_a_death_counts_once_and_only_for_its_own_session() -> None:
    """An NDEATH with the bdSeq of an earlier session says nothing; one with the present takes all devices along."""
    context = born(bd=7)
    assert rows(tell("NDEATH", payload(None, metric("bdSeq", None, 8, LONG, 6)), context)) == []
    got = tell("NDEATH", payload(None, metric("bdSeq", None, 8, LONG, 7)), context)
    assert rows(got) == [
        (NODE, "gateway_availability", "", "offline"),
        (NODE, "availability", "", "offline"),
        (DEVICE, "availability", "", "offline"),
    ]
    learn(context, got)
    assert tell("NDEATH", payload(None, metric("bdSeq", None, 8, LONG, 7)), context).learned == ()
    anew = tell("NBIRTH", payload(0, metric("bdSeq", None, 8, LONG, 8)), context)
    assert [r[3] for r in rows(anew)] == ["online", "online"]
    assert learn(context, anew)[f"node:{NODE}"] == [0, 8, 0]
    unnumbered = tell("NDEATH", payload(None), context)
    assert len(rows(unnumbered)) == 3, "a death without bdSeq is believed"


def test_the_past_and_the_broken_are_marked() -> None:
    """Historical, stale, bad and retained values are kept and flagged; each with its own time."""
    body = payload(
        2,
        metric("", 1, 11, BOOL, 1, historical=True, at=AT - 9_000),
        metric("", 2, 3, INT, 40, quality=0),
        metric("", 2, 3, INT, 41, quality=500),
        metric("", 2, 3, INT, 42, quality=192),
    )
    got = tell("DDATA", body, born())
    assert [(r.value, r.flags, r.measured_at) for r in got.readings] == [
        (True, 2, AT - 9_000),
        (40, 1, AT),
        (41, 2, AT),
        (42, 0, AT),
    ]
    assert flags(tell("DDATA", payload(2, metric("", 1, 11, BOOL, 1)), born(), retained=True)) == {RETAINED}
    mad = tell("DDATA", payload(2, metric("", 1, 11, BOOL, 1), at=AT + 10**9), born())
    assert [(r.value, r.flags) for r in mad.readings] == [(True, 32)], "a clock ahead never silences an alarm"


def test_no_value_is_no_reading() -> None:
    """Null and NaN are no reading; a metric with neither value nor null says nothing at all."""
    body = payload(
        2,
        metric("Smoke", None, 11, null=True),
        metric("Temperature", None, 9, FLOAT, float("nan")),
        metric("Heat", None, 11),
    )
    assert rows(tell("DDATA", body, born())) == [
        (DEVICE, "smoke", "", None),
        (DEVICE, "temperature", "", None),
    ]


@pytest.mark.parametrize(
    ("name", "kind", "tag", "value", "unit", "expected"),
    [
        ("Fire/Alarm", 11, BOOL, 1, "", [("fire_detected", "", True)]),
        ("Panel/Manual Call Point", 11, BOOL, 1, "", [("call_point", "", True)]),
        ("B3/F05/Smoke Detector/Alarm", 11, BOOL, 1, "", [("smoke", "b3_f05", True)]),
        ("No 1/Smoke Alarm", 11, BOOL, 1, "", [("smoke", "1", True)]),
        ("No Smoke", 11, BOOL, 1, "", []),
        ("Last Fire Alarm", 11, BOOL, 1, "", []),
        ("Smoke Alarm Inhibit", 11, BOOL, 1, "", []),
        ("Outputs/Fire Alarm", 11, BOOL, 1, "", []),
        ("Properties/Smoke Alarm", 11, BOOL, 1, "", []),
        ("SOS", 11, BOOL, 1, "", [("sos", "", True)]),
        ("Water Leak", 11, BOOL, 0, "", [("water_leak", "", False)]),
        ("Door", 11, BOOL, 1, "", [("door_open", "", True)]),
        ("PIR", 11, BOOL, 1, "", [("motion", "", True)]),
        ("Tamper", 11, BOOL, 1, "", [("tamper", "", True)]),
        ("Low Battery", 11, BOOL, 1, "", [("battery_low", "", True)]),
        ("Mains Fault", 11, BOOL, 1, "", [("mains_fault", "", True)]),
        ("Self Test", 12, TEXT, b"OK", "", [("self_test", "", "OK")]),
        ("Test Button", 11, BOOL, 1, "", [("test", "", True)]),
        ("CO", 9, FLOAT, 35.0, "ppm", [("co_ppm", "", 35.0)]),
        ("Gas/%LEL", 9, FLOAT, 12.5, "", [("gas_lel", "", 12.5)]),
        ("Pipe Pressure", 10, DOUBLE, 0.35, "MPa", [("pressure", "", 350.0)]),
        ("Hydrant/Pressure/Value", 9, FLOAT, 3.5, "bar", [("pressure", "", 350.0)]),
        ("Tank Level", 9, FLOAT, 1.5, "m", [("water_level", "", 1500.0)]),
        ("Valve", 11, BOOL, 1, "", [("valve_open", "", True)]),
        ("Ambient Temperature", 9, FLOAT, 68.0, "degF", [("temperature", "", 20.0)]),
        ("Set Temperature", 9, FLOAT, 21.0, "", []),
        ("Battery/V", 9, FLOAT, 3.6, "", [("battery_voltage", "", 3.6)]),
        ("Humidity", 7, INT, 55, "%", [("humidity", "", 55)]),
        ("Siren", 13, LONG, AT, "", []),
    ],
)  # fmt: skip
def test_free_names(name: str, kind: int, tag: int, value: Any, unit: str, expected: list[Any]) -> None:
    """Whatever a maker calls it: the last words say what it is, settings and commands say nothing."""
    more = {"unit": unit} if unit else {}
    got = tell("DDATA", payload(2, metric(name, None, kind, tag, value, **more)))
    assert [(m, c, v) for _, m, c, v in rows(got)] == expected


def test_a_number_is_its_type() -> None:
    """Negative whole numbers travel as two's complement of 32 bits, of 64, or of their own width."""
    assert [signed(v, 1) for v in (0xFFFFFFFF, 0xFF, 0x7F)] == [-1, -1, 127]
    assert [signed(v, 2) for v in (0xFFFFFFFD, 0xFFFD, 0x7FFF)] == [-3, -3, 32767]
    assert [signed(v, 3) for v in (0xFFFFFFFF, 0x7FFFFFFF)] == [-1, 2**31 - 1]
    assert [signed(v, 4) for v in (2**64 - 1, 2**63 - 1)] == [-1, 2**63 - 1]
    assert signed(0xFFFFFFFF, 7) == 0xFFFFFFFF


@given(st.integers(-(2**15), 2**15 - 1), st.integers(-(2**63), 2**63 - 1))
def test_signed_undoes_the_wire(small: int, large: int) -> None:
    """Every number of a signed type comes back as it was."""
    assert signed(small & 0xFFFFFFFF, 2) == small
    assert signed(large & 0xFFFFFFFFFFFFFFFF, 4) == large


def digits(value: Any) -> int:
    """How many significant digits a number is written with."""
    return len(Decimal(repr(value)).normalize().as_tuple().digits)


@given(st.floats(width=32, allow_nan=False))
@example(0.02)
@example(999999986991104.0)
def test_a_single_float_is_the_shortest_decimal_that_is_it(value: float) -> None:
    """0.02 in 32 bits reads 0.02, and no float changes by being shortened."""
    (got,) = read(payload(0, metric("x", None, 9, FLOAT, value))).metrics
    assert field(FLOAT, got.value) == field(FLOAT, value)
    assert digits(got.value) <= digits(value)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["", "Smoke", "温度"]),
            st.integers(0, 2**40),
            st.booleans(),
            st.integers(0, 2**64 - 1),
        ),
        max_size=20,
    ),
    st.integers(0, 255),
)
def test_what_is_written_is_read(items: list[tuple[str, int, bool, int]], seq: int) -> None:
    """Names, aliases, flags and numbers come back in order, whether written plainly or not."""
    body = payload(seq, *(metric(n, a, 8, LONG, v, historical=h) for n, a, h, v in items))
    got = read(body)
    assert (got.at, got.seq) == (AT, seq)
    assert [(m.name, m.alias, m.historical, m.value) for m in got.metrics] == items


@given(st.binary(max_size=300))
def test_any_bytes_are_a_payload_or_are_refused(data: bytes) -> None:
    """Nothing but WireError comes of bytes that are none."""
    try:
        got = read(data)
    except WireError:
        return
    assert len(got.metrics) <= METRICS_MAX


@given(st.data())
def test_a_cut_payload_is_refused(data: st.DataObject) -> None:
    """A payload cut inside a field is refused, never half understood."""
    body = field(0x12, metric("Smoke", 1, 11, BOOL, 1, at=AT, unit="V"))
    cut = data.draw(st.integers(1, len(body) - 1))
    with pytest.raises(WireError):
        read(body[:cut])


def test_sizes_are_bounded() -> None:
    """Too many metrics, templates without end, and a bomb: each stops at its limit and says so."""
    many = tell("DDATA", payload(2, *[metric("Smoke", None, 11, BOOL, 0)] * (METRICS_MAX + 1)), born())
    assert len(many.readings) == METRICS_MAX
    assert code(many) == "too-many"
    deep = metric("Smoke", None, 11, BOOL, 1)
    for _ in range(wire.DEPTH_MAX + 1):
        deep = metric("t", None, 19, TEMPLATE, field(0x12, deep))
    assert rows(tell("DDATA", payload(2, deep), born())) == []
    bomb = field(0x22, b"SPBV1.0_COMPRESSED") + field(0x2A, zlib.compress(bytes(wire.INFLATED_MAX + 10)))
    assert code(tell("DDATA", bomb, born())) == "not-sparkplug"
    torn = field(0x22, b"SPBV1.0_COMPRESSED") + field(0x2A, b"not zlib")
    assert code(tell("DDATA", torn, born())) == "not-sparkplug"
    assert meant("x" * 300, True) is None


def test_the_state_of_hosts_and_other_namespaces() -> None:
    """What is not a node's or a device's message says nothing; what is no Sparkplug B is not ours."""
    for topic in ("spBv1.0/STATE/host", "STATE/host"):
        assert said(sparkplug_b, topic, b"OFFLINE") == Decoded()
    for topic in (
        "spAv1.0/Estate/DDATA/e/d",
        "spBv1.0/Estate/DDATA/e",
        "spBv1.0/Estate/NDATA/e/d",
        "a",
        "spBv1.0//NDATA/e",
    ):
        assert code(said(sparkplug_b, topic, b"")) == "unknown-topic"


def test_a_message_is_known_again_by_its_time_and_number() -> None:
    """A number alone comes round every 256 messages; with its time it is the message's own."""
    assert tell("DDATA", payload(2, metric("Smoke", None, 11, BOOL, 1)), born()).sequence == f"{AT}.2"
    assert tell("DDATA", field(0x18, 2), born()).sequence is None
