"""ThingsBoard: device and gateway API, batches, attributes, and what is no telemetry."""

from __future__ import annotations

import json
from typing import Any

import pytest

from devices.codec import Decoded
from devices.codecs import thingsboard
from devices.codecs.thingsboard import DEVICES_MAX
from devices.codecs.thingsboard.values import BATCH_MAX, KEYS_MAX, READINGS_MAX
from devices.reading import Flag
from tests.devices.reading_rows import CLOCK_BAD, INVALID, NOW, RETAINED, code, flags, rows, said

HISTORICAL = int(Flag.HISTORICAL)


def tell(topic: str, body: Any, **more: Any) -> Decoded:
    """One message."""
    payload = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    return said(thingsboard, topic, payload, **more)


def telemetry(body: Any, **more: Any) -> Decoded:
    """One message of a device."""
    return tell("v1/devices/me/telemetry", body, **more)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"smokeAlarm": 1, "smoke_concentration": 35}, {("smoke", True), ("smoke_concentration", 35)}),
        ({"gas": "泄漏", "浓度": 3}, {("gas", True)}),
        ({"coAlarm": False, "co_ppm": 12.5}, {("co", False), ("co_ppm", 12.5)}),
        ({"waterLeak": "leak"}, {("water_leak", True)}),
        ({"sos": True, "batteryVoltage": 3.1}, {("sos", True), ("battery_voltage", 3.1)}),
        ({"door": "open", "motion": 1}, {("door_open", True), ("motion", True)}),
        ({"waterPressure": 310, "flow": 12.5}, {("pressure", 310), ("flow", 12.5)}),
        ({"valve": "closed", "tamper": "normal"}, {("valve_open", False), ("tamper", False)}),
        ({"battery": 3.6}, {("battery_voltage", 3.6)}),
        ({"battery": 3}, {("battery", 3)}),
        ({"battery": 95.5}, {("battery", 95.5)}),
        ({"temperature": {"value": 98.6, "unit": "°F"}}, {("temperature", 37.0)}),
        ({"smoke": "test"}, {("test", True)}),
        ({"smoke": "fault"}, {("fault", True)}),
        ({"smoke": "未知"}, {("smoke", None)}),
        ({"fw_version": "1.2", "config": {"smoke": True}, "list": [1]}, set()),
        ({"smoke_threshold": 1, "gas_alarm_delay": 1, "alarm_smoke_enable": True}, set()),
    ],
)
def test_an_integrators_own_keys(values: dict[str, Any], expected: set[tuple[str, Any]]) -> None:
    """Keys and words in English and Chinese by the common vocabulary; settings say nothing."""
    assert {(m, v) for _, m, _, v in rows(telemetry(values))} == expected


@pytest.mark.parametrize("topic", ["v2/t", "v2/t/j"])
def test_short_topics(topic: str) -> None:
    """The short topics mean what the long one means."""
    assert rows(tell(topic, {"gas": True})) == [("me", "gas", "", True)]


def test_the_devices_time() -> None:
    """ts dates its values; a clock that cannot be right is kept and flagged; another kind of ts is set aside."""
    assert [r.measured_at for r in telemetry({"ts": NOW, "values": {"smoke": True}}).readings] == [NOW]
    assert flags(telemetry({"ts": 946684800000, "values": {"smoke": True}})) == {CLOCK_BAD}
    odd = telemetry({"ts": "yesterday", "values": {"smoke": True}})
    assert (code(odd), rows(odd)) == ("wrong-type", [("me", "smoke", "", True)])


def test_a_batch_keeps_every_value_oldest_first() -> None:
    """What a later entry overtook is history; what it does not speak of is not."""
    batch = [
        {"ts": NOW - 1000, "values": {"pressure": 95}},
        {"ts": NOW - 3000, "values": {"pressure": 310, "battery": 90}},
        {"ts": NOW - 2000, "values": {"pressure": 200}},
    ]
    got = telemetry(batch)
    assert [(r.point.split("/")[1], r.value, r.flags) for r in got.readings] == [
        ("pressure", 310, HISTORICAL), ("battery", 90, 0), ("pressure", 200, HISTORICAL), ("pressure", 95, 0),
    ]  # fmt: skip


def test_an_alarm_that_ended_inside_a_batch_is_still_an_alarm() -> None:
    """Smoke that came and went between two messages was smoke: it is live, and so is its end."""
    batch = [{"ts": NOW - 2000, "values": {"smoke": True}}, {"ts": NOW - 1000, "values": {"smoke": False}}]
    assert [(r.value, r.flags) for r in telemetry(batch).readings] == [(True, 0), (False, 0)]
    normal = [{"ts": NOW - 2000, "values": {"smoke": False}}, {"ts": NOW - 1000, "values": {"smoke": True}}]
    assert [(r.value, r.flags) for r in telemetry(normal).readings] == [(False, HISTORICAL), (True, 0)]


def test_a_gateways_devices_do_not_overtake_each_other() -> None:
    """Each device has its own batch, its own name and its own channel."""
    got = tell(
        "v1/gateway/telemetry", {"A": [{"smoke": False}], "B/2": [{"smoke": True}], "": [{"smoke": True}]}
    )
    assert rows(got) == [("A", "smoke", "A", False), ("B/2", "smoke", "B_2", True)]
    assert flags(got) == {0}
    assert code(got) == "wrong-value"


def test_attributes_never_raise_an_alarm() -> None:
    """Shared attributes come down the same topics: they tell of equipment, and of no fire."""
    body = {"smoke": True, "gas_alarm": 1, "battery_low": True, "humidity": 40}
    expected = {("battery_low", True), ("humidity", 40)}
    for topic in ("v1/devices/me/attributes", "v2/a"):
        assert {(m, v) for _, m, _, v in rows(tell(topic, body))} == expected
    assert {(m, v) for _, m, _, v in rows(tell("v1/gateway/attributes", {"D": body}))} == expected
    assert tell("v1/gateway/attributes", {"device": "D", "data": body}) == Decoded()


SILENT = """
    v1/devices/me/attributes/response/1 v1/devices/me/attributes/request/1 v1/devices/me/rpc/request/7
    v1/devices/me/claim v1/gateway/rpc v1/gateway/attributes/response v1/gateway/claim
    v2/a/req/j/1 v2/r/req/1 v2/fw/request/1/chunk/0 v2/t/p sensor/raw_data
"""


@pytest.mark.parametrize("topic", SILENT.split())
def test_what_is_no_telemetry_says_nothing(topic: str) -> None:
    """Commands, settings and firmware raise nothing, whatever they hold; an answer says what became of a command."""
    body = {"smoke": True, "method": "alarm", "params": {"smoke": True}}
    assert tell(topic, body) == Decoded()
    assert [(m, v) for _, m, _, v in rows(tell("v1/devices/me/rpc/response/7", body))] == [
        ("command_result", "#7 ok")
    ]


@pytest.mark.parametrize(
    "topic", ["v1/devices/me", "v1/devices/other/telemetry", "v1/x", "v2/", "sensor/a/b/data", "v1/gateway"]
)
def test_other_topics_are_left_to_others(topic: str) -> None:
    """Only the documented topics are claimed."""
    assert code(tell(topic, {"smoke": True})) == "unknown-topic"


def test_the_connectors_topics() -> None:
    """The samples of the gateway's MQTT connector: a name in the topic, a name inside, or none."""
    assert rows(tell("sensor/SN-1/data", {"smoke": 1})) == [("SN-1", "smoke", "", True)]
    assert rows(tell("sensor/data", {"serialNumber": "SN-2", "temp": 20})) == [
        ("SN-2", "temperature", "", 20)
    ]
    assert rows(tell("sensor/data", {"temp": 20})) == [("me", "temperature", "", 20)]
    assert rows(tell("sensor/SN-1/disconnect", {})) == [("SN-1", "availability", "", "offline")]
    assert rows(tell("sensor/disconnect", {"serialNumber": "SN-3"})) == [
        ("SN-3", "availability", "", "offline")
    ]
    assert code(tell("sensor/connect", {})) == "missing"


@pytest.mark.parametrize("body", [{}, {"device": 5}, {"device": ""}, [], {"device": "x" * 300}])
def test_a_connection_without_a_name(body: Any) -> None:
    """A device that connects without its name is set aside."""
    assert code(tell("v1/gateway/connect", body)) == "missing"


@pytest.mark.parametrize(
    ("topic", "body", "reason"),
    [
        ("v1/devices/me/telemetry", 5, "wrong-type"),
        ("v1/devices/me/telemetry", [5, {"smoke": True}], "wrong-type"),
        ("v1/devices/me/telemetry", b"\xff", "not-json"),
        ("v1/gateway/telemetry", [], "wrong-type"),
        ("v1/gateway/telemetry", {"A": 5}, "wrong-type"),
        ("v1/gateway/telemetry", {f"d{n}": {} for n in range(DEVICES_MAX + 1)}, "too-many"),
        ("v1/devices/me/telemetry", [{}] * (BATCH_MAX + 1), "too-many"),
        ("v1/devices/me/telemetry", {f"k{n}": 1 for n in range(KEYS_MAX + 1)}, "too-many"),
        ("v1/devices/me/telemetry", {"smoke": "wibble"}, "unknown-word"),
    ],
)
def test_odd_shapes(topic: str, body: Any, reason: str) -> None:
    """Other shapes and sizes give a reason."""
    assert code(tell(topic, body)) == reason


def test_readings_of_one_message_are_bounded() -> None:
    """However the entries are made up, one message gives a bounded number of readings."""
    got = telemetry([{"pressure": 1, "flow": 1, "smoke": 0, "gas": 0, "co_ppm": 1, "temp": 1}] * BATCH_MAX)
    assert len(got.readings) == READINGS_MAX
    assert code(got) == "too-many"


def test_flags() -> None:
    """Retained and invalid stand beside each other; an empty payload says nothing."""
    assert flags(telemetry({"smoke": True, "co_ppm": -1}, retained=True)) == {RETAINED, RETAINED | INVALID}
    assert telemetry(b"") == Decoded()
