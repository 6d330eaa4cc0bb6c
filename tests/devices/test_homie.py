"""Homie: what devices describe and how, values by their datatypes, and how versions 3 and 4 differ."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from devices.codec import Decoded
from devices.codecs import homie
from devices.codecs.homie import LEARNED_MAX
from devices.codecs.homie.description import PROPERTIES_MAX
from tests.devices.reading_rows import INVALID, RETAINED, code, flags, rows, said

D = "homie/5/dev-1"


def tell(topic: str, body: Any, context: dict[str, Any] | None = None, **more: Any) -> Decoded:
    """One message of a device."""
    payload = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    return said(homie, topic, payload, context, **more)


def learn(context: dict[str, Any], decoded: Decoded) -> dict[str, Any]:
    """The context after a message, as the journal would give it back."""
    for item in decoded.learned:
        if item.value is None:
            context.pop(item.key)
        else:
            context[item.key] = msgspec.msgpack.decode(msgspec.msgpack.encode(item.value))
    return context


def described(nodes: dict[str, Any], root: str = "homie") -> dict[str, Any]:
    """The context after a device of version 5 described itself."""
    return learn({}, tell(f"{root}/5/dev-1/$description", {"homie": "5.0", "version": 1, "nodes": nodes}))


def node(kind: str, **properties: dict[str, Any]) -> dict[str, Any]:
    """A node of a type with properties."""
    return {"type": kind, "properties": {k.replace("_", "-"): v for k, v in properties.items()}}


FLAG = {"datatype": "boolean"}


@pytest.mark.parametrize(
    ("kind", "prop", "about", "payload", "reading"),
    [
        ("smoke", "alarm", FLAG, b"true", ("smoke", True)),
        ("smoke-detector", "alarm", FLAG, b"false", ("smoke", False)),
        ("gas", "alarm", FLAG, b"true", ("gas", True)),
        ("co", "alarm", FLAG, b"true", ("co", True)),
        ("water", "leak", FLAG, b"true", ("water_leak", True)),
        ("heat", "alarm", FLAG, b"true", ("heat", True)),
        ("button", "sos", {**FLAG, "retained": False}, b"true", ("sos", True)),
        ("call-point", "state", FLAG, b"true", ("call_point", True)),
        ("door", "contact", FLAG, b"false", ("door_open", True)),
        ("door", "open", {"datatype": "enum", "format": "open,closed"}, b"open", ("door_open", True)),
        ("motion", "motion", FLAG, b"true", ("motion", True)),
        ("detector", "tamper", FLAG, b"true", ("tamper", True)),
        ("detector", "battery-low", FLAG, b"true", ("battery_low", True)),
        ("detector", "battery", {"datatype": "integer", "unit": "%"}, b"87", ("battery", 87)),
        ("detector", "test", FLAG, b"true", ("test", True)),
        ("gas", "concentration", {"datatype": "float", "unit": "%"}, b"12.5", ("gas_concentration", 12.5)),
        ("gas", "concentration", {"datatype": "float", "unit": "ppm"}, b"250", ("gas_ppm", 250)),
        ("hydrant", "pressure", {"datatype": "float", "unit": "Pa"}, b"250000", ("pressure", 250.0)),
        ("hydrant", "pressure", {"datatype": "float", "unit": "psi"}, b"1e1", ("pressure", 68.9475729317)),
        ("temperature", "degrees", {"datatype": "float", "unit": "°F"}, b"212", ("temperature", 100.0)),
        ("meter", "power", {"datatype": "float", "unit": "kW"}, b"2", ("power", 2000.0)),
        ("valve", "valve", {"datatype": "boolean", "settable": True}, b"true", ("valve_open", True)),
        ("siren", "buzzer", {"datatype": "boolean", "settable": True}, b"true", ("buzzer", True)),
    ],
)  # fmt: skip
def test_properties_by_what_the_device_describes(
    kind: str, prop: str, about: dict[str, Any], payload: bytes, reading: tuple[str, Any] | None
) -> None:
    """Id, node type, datatype and unit together say what a value means."""
    context = described({"n": node(kind, **{prop.replace("-", "_"): about})})
    got = [(m, v) for _, m, c, v in rows(tell(f"{D}/n/{prop}", payload, context)) if not c]
    assert got == ([reading] if reading else [])


@pytest.mark.parametrize("payload", [b"TRUE", b"True", b"1", b"on", b"yes", b" true"])
def test_booleans_are_true_and_false(payload: bytes) -> None:
    """The convention ignores all else, and so do we; the message is set aside."""
    context = described({"n": node("smoke", smoke=FLAG)})
    got = tell(f"{D}/n/smoke", payload, context)
    assert code(got) == "wrong-value"
    assert not got.readings


@pytest.mark.parametrize("payload", [b"nan", b"Infinity", b"12,5", b"-", b"0x10", b"warm"])
def test_numbers_are_numbers(payload: bytes) -> None:
    """What is no number says nothing of a temperature."""
    context = described({"n": node("x", temperature={"datatype": "float"})})
    assert code(tell(f"{D}/n/temperature", payload, context)) == "wrong-value"


def test_a_setting_is_no_alarm() -> None:
    """A settable alarm is a siren's switch."""
    context = described({"n": node("smoke", alarm={"datatype": "boolean", "settable": True})})
    assert tell(f"{D}/n/alarm", b"true", context) == Decoded()


def test_two_nodes_of_one_kind_are_told_apart() -> None:
    """Where two properties mean the same their nodes are the channels; where one is alone it has none."""
    context = described(
        {
            "kitchen": node("smoke", alarm=FLAG),
            "hall": node("smoke", alarm=FLAG, battery={"datatype": "integer"}),
        }
    )
    assert rows(tell(f"{D}/kitchen/alarm", b"true", context)) == [("dev-1", "smoke", "kitchen", True)]
    assert rows(tell(f"{D}/hall/alarm", b"false", context)) == [("dev-1", "smoke", "hall", False)]
    assert rows(tell(f"{D}/hall/battery", b"9", context)) == [("dev-1", "battery", "", 9)]


def test_a_description_is_learned_when_it_changes() -> None:
    """It comes back with every connection; a removed device is forgotten."""
    nodes = {"n": node("gas", alarm=FLAG)}
    context = described(nodes)
    assert tell(f"{D}/$description", {"homie": "5.0", "nodes": nodes}, context).learned == ()
    gone = tell(f"{D}/$state", b"", context)
    assert [(i.key, i.value) for i in gone.learned] == [("homie:homie/5/dev-1", None)]
    as_list = [{"id": "n", "type": "gas", "properties": [{"id": "alarm", "datatype": "boolean"}]}]
    drafted = tell(f"{D}/$description", {"homie": "5.0", "nodes": as_list})
    assert learn({}, drafted) == context


def test_each_node_of_a_type_is_discovered() -> None:
    """The status says what kinds of nodes a device has."""
    got = tell(f"{D}/$description", {"homie": "5.0", "nodes": {"a": node("gas"), "b": node("valve")}})
    assert rows(got) == [("dev-1", "discovery", "", "gas"), ("dev-1", "discovery", "b", "valve")]


@pytest.mark.parametrize("body", [b"{", [], {}, {"homie": "4.0"}, 5, b"\xff"])
def test_descriptions_of_no_shape(body: Any) -> None:
    """A description that is none is set aside, and nothing known is forgotten."""
    got = tell(f"{D}/$description", body, {"homie:homie/5/dev-1": [{}, {}]})
    assert got.quarantine
    assert not got.learned


def test_another_root_is_read_once_its_device_is_known() -> None:
    """Any first level may hold a Homie 5 network; until it described itself it may be anything."""
    assert code(tell("estate/5/dev-1/n/smoke", b"true")) == "unknown-topic"
    context = described({"n": node("smoke", smoke=FLAG)}, "estate")
    assert rows(tell("estate/5/dev-1/n/smoke", b"true", context)) == [("estate/dev-1", "smoke", "", True)]
    assert rows(tell("estate/5/dev-1/$state", b"ready")) == [("estate/dev-1", "availability", "", "online")]
    assert code(tell("application/5/device/0102/event/up", {"object": {}})) == "unknown-topic"


def test_versions_3_and_4_describe_themselves_attribute_by_attribute() -> None:
    """Units and datatypes come one a topic, each learned when it changes what is known."""
    context: dict[str, Any] = {}
    base = "homie/pump-2/pipe"
    for topic, payload in [
        ("$type", b"pressure"), ("value/$name", b"Pressure"), ("value/$datatype", b"float"), ("value/$unit", b"psi"),
        ("value/$settable", b"false"), ("value/$format", b"0:200"), ("$properties", b"value"),
    ]:  # fmt: skip
        learn(context, tell(f"{base}/{topic}", payload, context, retained=True))
    assert rows(tell(f"{base}/value", b"100", context)) == [("pump-2", "pressure", "", 689.475729317)]
    assert tell(f"{base}/value/$unit", b"psi", context).learned == ()
    assert code(tell(f"{base}/value", b"high", context)) == "wrong-value"
    assert rows(tell("homie/pump-2/$state", b"ready")) == [
        ("pump-2", "availability", "", "online"), ("pump-2", "fault", "", False),
    ]  # fmt: skip
    assert rows(tell("homie/pump-2/$online", b"false")) == [("pump-2", "availability", "", "offline")]
    assert rows(tell("homie/pump-2/$stats/supply", b"3.29")) == [("pump-2", "supply_voltage", "", 3.29)]
    assert tell("homie/pump-2/$stats/signal", b"24") == Decoded()


@pytest.mark.parametrize("text", [b"smoke detected", b"FIRE", b"alarm", b"1"])
def test_an_alert_is_trouble_and_never_an_alarm(text: bytes) -> None:
    """Alerts tell people that a device needs them; its alarms are properties."""
    assert rows(tell(f"{D}/$alert/smoke", text)) == [("dev-1", "fault", "smoke", True)]


@pytest.mark.parametrize(
    "rest", ["n/valve/set", "n/valve/$target", "$log/error", "$fw/name", "$mac", "$extensions"]
)
def test_what_says_nothing(rest: str) -> None:
    """Commands, targets, logs and the device's paperwork."""
    assert tell(f"{D}/{rest}", b"true") == Decoded()


@pytest.mark.parametrize(
    "topic", ["homie", "homie/x", "homie//$state", "homie/5/x", "x/4/y/z", "homie/" + "x" * 500 + "/a/b"]
)
def test_topics_of_no_shape(topic: str) -> None:
    """Anything of another shape is set aside."""
    assert code(tell(topic, b"true")) == "unknown-topic"


def test_what_is_remembered_is_bounded() -> None:
    """A made-up description of any size leaves a bounded entry, and so do devices of any number."""
    many = {
        f"n{i}": node("gas" * 99, **{f"smoke{j}": {"name": "n" * 999, **FLAG} for j in range(9)})
        for i in range(999)
    }
    entry = described(many)["homie:homie/5/dev-1"]
    assert len(entry[0]) <= PROPERTIES_MAX
    assert len(entry[1]) <= PROPERTIES_MAX
    assert len(msgspec.msgpack.encode(entry)) < 100_000
    full: dict[str, Any] = {f"homie:{n}": [{}, {}] for n in range(LEARNED_MAX)}
    assert tell("homie/new/n/p/$unit", b"psi", full).learned == ()
    assert tell(f"{D}/$description", {"homie": "5.0", "nodes": {"a": node("gas")}}, full).learned == ()


def test_flags() -> None:
    """What the broker replays says so; what cannot be true is kept and flagged."""
    assert flags(tell(f"{D}/n/smoke", b"true", retained=True)) == {RETAINED}
    assert flags(tell(f"{D}/n/humidity", b"400")) == {INVALID}
