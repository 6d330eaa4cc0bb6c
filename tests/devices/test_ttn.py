"""The Things Stack: whose message it is, sessions and copies, simulations, and the legacy v2."""

from __future__ import annotations

import json
from typing import Any

import pytest

from devices.codec import Decoded
from devices.codecs import ttn
from tests.devices.reading_rows import CLOCK_BAD, INVALID, NOW, RETAINED, code, flags, rows, said

EUI = "24e124136b502a19"
TOPIC = "v3/app@ttn/devices/hall"
TIME, AT = "2025-11-21T21:20:00.123456789Z", NOW - 500 + 123
IDS = {"device_id": "hall", "dev_eui": EUI.upper(), "dev_addr": "260B6EA6"}


def tell(topic: str = f"{TOPIC}/up", ids: Any = None, **body: Any) -> Decoded:
    """One v3 message."""
    return said(ttn, topic, json.dumps({"end_device_ids": IDS if ids is None else ids, **body}))


def up(**message: Any) -> Decoded:
    """One v3 uplink."""
    return tell(uplink_message=message)


def test_a_device_goes_by_its_eui_or_its_id() -> None:
    """The DevEUI in lower case; a device activated by hand may have none and goes by its id."""
    payload = {"decoded_payload": {"smoke": 1}}
    assert rows(tell(uplink_message=payload)) == [(EUI, "smoke", "", True)]
    assert rows(tell(ids={"device_id": "hall"}, uplink_message=payload)) == [("hall", "smoke", "", True)]
    assert rows(tell(ids={"device_id": "hall", "dev_eui": "?"}, uplink_message=payload)) == [
        ("hall", "smoke", "", True)
    ]
    assert code(tell(ids={}, uplink_message=payload)) == "missing"
    assert code(tell(ids={"device_id": 5}, uplink_message=payload)) == "missing"


@pytest.mark.parametrize(
    ("message", "outer", "at"),
    [
        ({"received_at": TIME}, {"received_at": "2025-11-21T21:21:00Z"}, AT),
        ({}, {"received_at": TIME}, AT),
        ({"received_at": 5}, {}, None),
    ],
)
def test_when_it_was_measured(message: dict[str, Any], outer: dict[str, Any], at: int | None) -> None:
    """When the network server heard it, before the application server did."""
    got = tell(uplink_message={"decoded_payload": {"smoke": 1}, **message}, **outer)
    assert [r.measured_at for r in got.readings] == [at]


def test_what_tells_an_uplink_from_its_copies() -> None:
    """Session, frame counter and time: a counter that begins again after a restart is no copy."""
    body = {"decoded_payload": {"smoke": 1}, "session_key_id": "k", "f_cnt": 7, "received_at": TIME}
    assert up(**body).sequence == f"k.7.{AT}"
    assert up(**{**body, "f_cnt": None}).sequence == f"k.0.{AT}"
    assert up(**{**body, "received_at": "2025-11-21T22:20:00Z"}).sequence != f"k.7.{AT}"
    assert up(**{**body, "session_key_id": None}).sequence == f"260B6EA6.7.{AT}"
    assert up(decoded_payload={"smoke": 1}).sequence is None
    normalized = tell(uplink_normalized={**body, "normalized_payload": {"water": {"leak": True}}})
    assert normalized.sequence == f"k.7.{AT}n", "it follows the uplink and is no copy of it"


def test_a_clock_that_is_wrong() -> None:
    """Kept and marked; the alarm counts all the same."""
    got = up(decoded_payload={"smoke": 1}, received_at="2031-01-01T00:00:00Z")
    assert (flags(got), rows(got)) == ({CLOCK_BAD}, [(EUI, "smoke", "", True)])


def test_retained_is_no_news() -> None:
    """A message that the broker kept says so on each reading; an empty one deletes it."""
    body = json.dumps({"end_device_ids": IDS, "uplink_message": {"decoded_payload": {"smoke": 1}}})
    assert flags(said(ttn, f"{TOPIC}/up", body, retained=True)) == {RETAINED}
    assert said(ttn, f"{TOPIC}/up", b"") == Decoded()


def test_a_simulation_calls_nobody_out() -> None:
    """An uplink typed in at the console is kept, marked so that nobody judges it, and set aside."""
    got = tell(simulated=True, uplink_message={"decoded_payload": {"smoke": 1}})
    assert (rows(got), flags(got), code(got)) == ([(EUI, "smoke", "", True)], {INVALID}, "simulated")


def test_the_vendor_counts() -> None:
    """The same key means what the vendor means by it, by the server's word or by the DevEUI."""
    got = up(decoded_payload={"Alarm": 1}, version_ids={"brand_id": "netvox"})
    assert rows(got) == [(EUI, "sos", "", True)]
    ids = {"device_id": "x", "dev_eui": "00137ADDD2EE9EE9"}
    assert rows(tell(ids=ids, uplink_message={"decoded_payload": {"Alarm": 1}}))[0][1] == "sos"
    assert rows(up(decoded_payload={"Alarm": 1}, version_ids={"brand_id": "dragino"})) == [
        (EUI, "alarm_flag", "", True)
    ]
    assert rows(up(decoded_payload={"Alarm": 1}, version_ids={"brand_id": 5}))[0][1] == "alarm_flag"


def test_nothing_decoded() -> None:
    """Bytes that no formatter decoded are set aside with a sign of life; port 0 and empty frames are not."""
    got = up(f_port=2, frm_payload="AQ==")
    assert (rows(got), code(got)) == ([(EUI, "heartbeat", "", True)], "no-codec")
    assert up(f_port=2).quarantine is None
    assert up(frm_payload="AQ==").quarantine is None


def test_services() -> None:
    """What a service makes of an uplink is read as far as it is understood; its other words are its own business."""
    got = tell(f"{TOPIC}/service/data", service_data={"service": "x", "data": {"temperature": 21, "frob": 1}})
    assert (rows(got), got.quarantine) == ([(EUI, "temperature", "", 21)], None)
    assert tell(f"{TOPIC}/service/data", service_data={"service": "x", "data": [1]}) == Decoded()
    assert tell(f"{TOPIC}/service/data", service_data=5) == Decoded()
    assert rows(tell(f"{TOPIC}/location/solved", location_solved={"location": 5})) == []


@pytest.mark.parametrize("end", ["queued", "sent", "ack", "nack", "failed", "push", "replace", "invalidated"])
def test_downlinks_say_nothing(end: str) -> None:
    """A command on its way raises nothing, whatever it holds."""
    assert tell(f"{TOPIC}/down/{end}", uplink_message={"decoded_payload": {"smoke": 1}}) == Decoded()


@pytest.mark.parametrize("body", [b"[]", b"5", b'{"uplink_message":[]}', b"{", b"\xff", b"null"])
def test_messages_of_no_shape(body: bytes) -> None:
    """What is no message is set aside with a reason."""
    assert code(said(ttn, f"{TOPIC}/up", body)) in {"wrong-type", "not-json"}


def legacy(topic: str = "app/devices/hall/up", **body: Any) -> Decoded:
    """One v2 message."""
    return said(ttn, topic, json.dumps(body))


def test_the_legacy_stack() -> None:
    """v2: serial number or id, counter, time of the server, payload fields."""
    got = legacy(
        dev_id="hall",
        hardware_serial=EUI.upper(),
        port=1,
        counter=7,
        payload_raw="AQ==",
        payload_fields={"smoke": 1},
        metadata={"time": TIME},
    )
    assert rows(got) == [(EUI, "smoke", "", True)]
    assert (got.sequence, got.readings[0].measured_at) == (f".7.{AT}", AT)
    assert rows(legacy(dev_id="hall", payload_fields={"smoke": 1})) == [("hall", "smoke", "", True)]
    assert code(legacy(dev_id="hall", port=1, payload_raw="AQ==")) == "no-codec"
    assert code(legacy(dev_id=5, payload_fields={"smoke": 1})) == "unknown-topic"


@pytest.mark.parametrize(
    ("topic", "body"),
    [
        ("home/devices/lamp/up", b"ON"),
        ("home/devices/lamp/up", b'{"smoke":1}'),
        ("home/devices/lamp/up", b'{"uplink_message":[]}'),
        ("home/devices/lamp/down", b"ON"),
        ("home/devices/lamp/events/activations", b"ON"),
        ("home/devices/lamp/events/activations", b"[]"),
        ("elsewhere", b"{}"),
    ],
)
def test_others_may_call_their_topics_alike(topic: str, body: bytes) -> None:
    """Outside `v3/` only a body that is ours makes the message ours."""
    assert code(said(ttn, topic, body)) == "unknown-topic"


def test_legacy_events() -> None:
    """v2's activations say that a device joined; downlinks and field topics say nothing."""
    assert rows(legacy("app/devices/hall/events/activations", metadata={"time": TIME})) == [
        ("hall", "device_joined", "", True)
    ]
    for end in ("down", "events/down/acks", "up/smoke"):
        assert legacy(f"app/devices/hall/{end}", smoke=True) == Decoded()
