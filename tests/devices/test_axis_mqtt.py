"""Axis: events of cameras and their applications, the parts they come from, and the connection."""

from __future__ import annotations

import json
from typing import Any

import pytest

from devices.codec import Decoded
from devices.codecs import axis_mqtt
from devices.codecs.axis_mqtt.examples import scenario, told
from tests.devices.reading_rows import CLOCK_BAD, INVALID, NOW, RETAINED, code, flags, rows, said

SERIAL = "ACCC8E123456"


def tell(topic: str, source: Any, data: Any, **more: Any) -> Decoded:
    """One event of a camera."""
    return said(axis_mqtt, *told(topic, source, data), **more)


@pytest.mark.parametrize(
    ("data", "meant"),
    [({"active": "1"}, True), ({"active": "0"}, False), ({"active": True}, True), ({"active": "?"}, None)],
)
@pytest.mark.parametrize(
    ("application", "metric"),
    [("VMD", "motion"), ("MotionGuard", "motion"), ("FenceGuard", "intrusion"), ("LoiteringGuard", "loitering")],
)  # fmt: skip
def test_applications_say_their_state(application: str, metric: str, data: Any, meant: bool | None) -> None:
    """Active or not; what is neither is no reading and never normal."""
    got = tell(f"axis:CameraApplicationPlatform/{application}/Camera1Profile1", {}, data)
    assert rows(got) == [(f"{SERIAL}/Camera1Profile1", metric, "", meant)]
    assert flags(got) == ({0} if meant is not None else {INVALID})


@pytest.mark.parametrize(
    ("kind", "metric"),
    [("TimeInArea", "loitering"), ("ObjectInArea", "intrusion"), ("LineCrossing", "line_crossing"),
     ("Crossline", "motion"), ("motion", "motion"), (None, "motion")],
)  # fmt: skip
def test_scenarios_by_their_kind(kind: str | None, metric: str) -> None:
    """A scenario whose kind is not known is motion, never an alarm."""
    data = {"active": "1"} | ({"scenarioType": kind} if kind else {})
    assert [(m, v) for _, m, _, v in rows(said(axis_mqtt, *scenario("Device1Scenario1", **data)))] == [
        (metric, True)
    ]


def test_each_class_of_a_scenario_is_told() -> None:
    """People and vehicles are said besides, and are gone when the scenario ends; a face is not."""
    on = said(axis_mqtt, *scenario("S", active="1", scenarioType="ObjectInArea", classTypes="human car face"))
    assert {m: v for _, m, _, v in rows(on)} == {
        "intrusion": True,
        "person_detected": True,
        "vehicle_detected": True,
        "object_class": "human car",
    }
    off = said(axis_mqtt, *scenario("S", active="0", scenarioType="ObjectInArea", classTypes="human"))
    assert {m: v for _, m, _, v in rows(off)}["person_detected"] is False


def test_parts_of_one_device_stay_apart() -> None:
    """Ports 0 and 1 are two; a camera's only channel is the camera."""
    names = {rows(tell("onvif:Device/axis:IO/Port", {"port": n}, {"state": "1"}))[0][0] for n in "01"}
    assert names == {f"{SERIAL}/0", f"{SERIAL}/1"}
    alone = tell("onvif:VideoSource/axis:Tampering", {"channel": "1"}, {"tampering": "0"})
    second = tell("onvif:VideoSource/axis:Tampering", {"channel": "2"}, {"tampering": "0"})
    assert rows(alone)[0][0] == SERIAL
    assert rows(second)[0][0] == f"{SERIAL}/2"


def test_the_topic_in_the_payload_counts() -> None:
    """The bridge may leave the event's topic out of the MQTT topic, and may have a prefix of its own."""
    body = told("onvif:Device/axis:Sensor/PIR", {"sensor": "0"}, {"state": "1"})[1]
    for topic in (f"axis/{SERIAL}/event", f"axis/{SERIAL}/event/anything/else", f"site/b3/{SERIAL}/event"):
        assert rows(said(axis_mqtt, topic, body)) == [(f"{SERIAL}/0", "motion", "", True)]


def test_times_and_stored_copies_are_marked() -> None:
    """Milliseconds as they are; a clock ahead and a retained copy are marked."""
    topic, body = told("onvif:Device/axis:Sensor/PIR", {"sensor": "0"}, {"state": "1"})
    moved = {**json.loads(body), "timestamp": NOW}
    got = said(axis_mqtt, topic, json.dumps(moved), retained=True)
    assert {r.measured_at for r in got.readings} == {NOW}
    assert flags(got) == {RETAINED}
    ahead = {**moved, "timestamp": NOW + 3_600_000}
    assert flags(said(axis_mqtt, topic, json.dumps(ahead))) == {CLOCK_BAD}
    wrong: list[Any] = ["soon", None, True, [], 1e300]
    for mad in wrong:
        got = said(axis_mqtt, topic, json.dumps({**moved, "timestamp": mad}))
        assert {r.measured_at for r in got.readings} == {None}


@pytest.mark.parametrize(
    ("body", "state"),
    [("Connected", "online"), ("Disconnected", "offline"), ("Connection Lost", "offline"),
     ('{"status": "connected"}', "online"), ('"lost"', "offline"), ("Perhaps", None), ("{", None), ("[1]", None)],
)  # fmt: skip
def test_the_connection_message_is_free_text(body: str, state: str | None) -> None:
    """The words Axis proposes, bare or in JSON; any other is set aside."""
    got = said(axis_mqtt, f"axis/{SERIAL}/connection", body)
    assert rows(got) == ([(SERIAL, "availability", "", state)] if state else [])
    assert (code(got) is None) == (state is not None)


@pytest.mark.parametrize("message", [None, 123, "x", [], True])
def test_an_event_without_a_message_is_set_aside(message: Any) -> None:
    """Nothing is read from half an event."""
    body = json.dumps({"topic": "onvif:Device/axis:Sensor/PIR", "message": message})
    got = said(axis_mqtt, f"axis/{SERIAL}/event/x", body)
    assert (rows(got), code(got)) == ([], "missing")


def test_a_message_whose_parts_are_of_the_wrong_kind_says_nothing_true() -> None:
    """Data that is no object leaves no reading of a state."""
    body = {"topic": "onvif:Device/axis:Sensor/PIR", "message": {"source": [1], "data": "1"}}
    got = said(axis_mqtt, f"axis/{SERIAL}/event/x", json.dumps(body))
    assert {r.value for r in got.readings} <= {None}
    assert code(got) == "unknown-word"
