"""ChirpStack: whose event it is, when it was, what tells it from its copies, and what comes over HTTP."""

from __future__ import annotations

import json
from typing import Any

import pytest

from devices.codec import Decoded, Push, Reply
from devices.codecs import chirpstack
from tests.devices.reading_rows import CLOCK_BAD, NOW, RETAINED, code, flags, rows, said

EUI = "24e124136b502a19"
TOPIC = f"application/a/device/{EUI}/event"
TIME, AT = "2025-11-21T21:20:00.123456789+00:00", NOW - 500 + 123


def tell(kind: str, topic: str = TOPIC, **body: Any) -> Decoded:
    """One event that says what is given."""
    return said(chirpstack, f"{topic}/{kind}", json.dumps(body))


@pytest.mark.parametrize(
    ("topic", "body", "native"),
    [
        (TOPIC, {"deviceInfo": {"devEui": EUI.upper(), "deviceName": "hall"}}, EUI),
        (TOPIC, {}, EUI),
        (TOPIC, {"deviceInfo": {"devEui": "nonsense"}}, EUI),
        (TOPIC, {"devEUI": "JOEkE2tQKhk="}, EUI),
        (TOPIC, {"devEUI": "JOEkE2tQKhk!"}, EUI),
        ("anything", {"devEUI": EUI.upper(), "deviceName": "hall"}, EUI),
        ("anything", {"deviceInfo": {"deviceName": "3号楼/hall"}}, "3号楼/hall"),
    ],
)
def test_a_device_goes_by_its_eui(topic: str, body: dict[str, Any], native: str) -> None:
    """The DevEUI names a device, in lower case, wherever it stands and however v3 writes it."""
    assert rows(tell("join", topic, **body)) == [(native, "device_joined", "", True)]


def test_a_device_without_a_name() -> None:
    """An event of nobody is set aside."""
    assert code(tell("up", "anything", object={"smoke": 1})) == "missing"
    assert code(tell("up", "anything", deviceInfo={"devEui": 5, "deviceName": ""})) == "missing"


@pytest.mark.parametrize(
    ("body", "at"),
    [
        ({"time": TIME}, AT),
        ({"publishedAt": TIME}, AT),
        ({"rxInfo": [5, {}, {"time": None}, {"time": TIME}]}, AT),
        ({"rxInfo": {"time": TIME}}, None),
        ({"time": 5}, None),
        ({}, None),
    ],
)
def test_when_it_was_measured(body: dict[str, Any], at: int | None) -> None:
    """The time of reception, to the nanosecond in v4, with the gateway in v3."""
    assert [r.measured_at for r in tell("up", object={"smoke": 1}, **body).readings] == [at]


def test_a_server_whose_clock_is_wrong() -> None:
    """A time that cannot be right is kept and marked: the alarm counts all the same."""
    got = tell("up", object={"smoke": 1}, time="2031-01-01T00:00:00Z")
    assert flags(got) == {CLOCK_BAD}
    assert rows(got) == [(EUI, "smoke", "", True)]


def test_what_tells_an_uplink_from_its_copies() -> None:
    """The server's id of the uplink; else the frame counter with address and time, which a restart does not repeat."""
    assert tell("up", object={"smoke": 1}, deduplicationId="id-1", time=TIME).sequence == "id-1"
    first = tell("up", object={"smoke": 1}, devAddr="0018", fCnt=7, time=TIME).sequence
    assert first == f"0018.7.{AT}"
    assert tell("up", object={"smoke": 1}, devAddr="0018", time=TIME).sequence == f"0018.0.{AT}"
    later = tell("up", object={"smoke": 1}, devAddr="0018", fCnt=7, time=TIME.replace("21:20", "21:21"))
    assert later.sequence != first
    assert tell("up", object={"smoke": 1}).sequence is None
    assert tell("up", object={"smoke": 1}, deduplicationId="x" * 65).sequence is None


def test_retained_is_no_news() -> None:
    """An event that the broker kept says so on each reading, and an empty one deletes it."""
    body = json.dumps({"object": {"smoke": 1, "battery": 95.0}})
    assert flags(said(chirpstack, f"{TOPIC}/up", body, retained=True)) == {RETAINED}
    assert said(chirpstack, f"{TOPIC}/up", b"") == Decoded()


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ({}, {"mains_power": False, "link_margin": 0}),
        ({"margin": -32, "batteryLevel": 0.39}, {"mains_power": False, "link_margin": -32, "battery": 0.39}),
        ({"externalPowerSource": True, "batteryLevel": 100}, {"mains_power": True, "link_margin": 0}),
        ({"batteryLevelUnavailable": True}, {"mains_power": False, "link_margin": 0, "battery": None}),
        ({"margin": "x", "batteryLevel": []}, {"mains_power": False}),
    ],
)
def test_status(body: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Fields of their default value are left out by the server; a level that is not known is no reading."""
    got = tell("status", deviceInfo={"devEui": EUI}, **body)
    assert {metric: value for _, metric, _, value in rows(got)} == wanted
    assert flags(got) == {0}


@pytest.mark.parametrize("place", [None, 5, {"latitude": "x", "longitude": []}])
def test_a_location_of_no_shape(place: Any) -> None:
    """Nothing is made of it."""
    assert rows(tell("location", location=place)) == []


@pytest.mark.parametrize("kind", ["ack", "txack", "log", "error"])
def test_downlinks_and_the_server_say_nothing(kind: str) -> None:
    """Neither an acknowledgement nor a log line raises anything, whatever stands in it."""
    assert tell(kind, object={"smoke": 1}, description="smoke alarm") == Decoded()


def test_another_services_words() -> None:
    """An integration event is read as far as it is understood, and never set aside."""
    got = tell(
        "integration", object={"info_fields": {"temp": {"value": 25.0, "timestamp": 1}}, "dnlink": None}
    )
    assert rows(got) == [(EUI, "temperature", "", 25.0)]
    assert got.quarantine is None
    assert tell("integration", object=[1]) == Decoded()


@pytest.mark.parametrize(
    "body",
    [
        {"objectJSON": "{"},
        {"objectJSON": ""},
        {"object": {}},
        {"object": [1]},
        {"object": "smoke"},
    ],
)
def test_no_object(body: dict[str, Any]) -> None:
    """Bytes that nobody decoded are set aside with a sign of life; without bytes there is nothing to decode."""
    got = tell("up", fPort=2, data="AQ==", **body)
    assert rows(got) == [(EUI, "heartbeat", "", True)]
    assert code(got) == "no-codec"
    assert tell("up", fPort=2, data="", **body).quarantine is None
    assert tell("up", data="AQ==", **body).quarantine is None, "port 0 is the network's own"


@pytest.mark.parametrize("body", [b"[]", b"5", b'{"deviceInfo":[]}', b'{"rxInfo":', b"\xff", b"{}x", b"null"])
def test_events_of_no_shape(body: bytes) -> None:
    """What is no event is set aside with a reason."""
    got = said(chirpstack, f"{TOPIC}/up", body)
    assert code(got) in {"wrong-type", "not-json"}
    assert not got.readings


@pytest.mark.parametrize(
    "topic", ["application/a/device/b/command/down", "", "up/", "application/a/device/b/event/x"]
)
def test_other_topics(topic: str) -> None:
    """Commands and unknown events are for others to read."""
    assert code(said(chirpstack, topic, b"{}")) == "unknown-topic"


def test_events_over_http() -> None:
    """The HTTP integration's posts are read like the messages; anything else is refused at once."""
    taken = chirpstack.admit(
        Push(
            "POST", "hooks/a", {"event": "up"}, {}, b'{"object":{"smoke":1},"devEUI":"' + EUI.encode() + b'"}'
        ),
        "",
    )
    assert isinstance(taken, tuple)
    assert rows(said(chirpstack, *taken)) == [(EUI, "smoke", "", True)]
    for push in (Push("GET", "", {"event": "up"}), Push("POST", ""), Push("POST", "", {"event": "../x"})):
        answer = chirpstack.admit(push, "")
        assert isinstance(answer, Reply)
        assert answer.status == 400
