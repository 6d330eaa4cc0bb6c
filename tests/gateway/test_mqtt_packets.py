"""Packets written and read by the MQTT client, against paho byte by byte and against the mqtt5 codec."""

import socket
from collections.abc import Callable
from typing import Any

import mqtt5
import paho.mqtt.client as paho
import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from gateway.mqtt import packets5, packets311
from gateway.mqtt.answers import Accepted, Dropped, Granted, Turned
from gateway.mqtt.wire import (
    DISCONNECT_PACKET,
    PINGREQ_PACKET,
    PUBACK_WORD,
    PUBCOMP_WORD,
    PUBREC_WORD,
    MalformedPacket,
    read_length,
    write_length,
    write_string,
    write_words,
)
from tests.gateway.mqtt_helpers import settings


class Paho(paho.Client):
    """paho, keeping what it would write."""

    def __init__(self, client_id: str = "c") -> None:
        super().__init__(CallbackAPIVersion.VERSION2, client_id, clean_session=False, protocol=paho.MQTTv311)
        self.written = b""
        self._sock = socket.socket()  # never connected; without one paho writes no PUBLISH. paho closes it

    def _packet_queue(self, *arguments: Any, **_: Any) -> MQTTErrorCode:
        assert self._sock is not None
        self.written += bytes(arguments[1])
        return MQTTErrorCode.MQTT_ERR_SUCCESS


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=200)


@given(client_id=texts, user=st.none() | texts, password=texts, keepalive=st.integers(1, 65_535))
def test_connect_equals_paho(client_id: str, user: str | None, password: str, keepalive: int) -> None:
    """CONNECT of 3.1.1 is what paho writes, byte for byte, with and without an account."""
    secret = password if user is not None else None
    other = Paho(client_id)
    if user is not None:
        other.username_pw_set(user, secret)
    other._send_connect(keepalive)
    ours = settings(1883, client_id=client_id, username=user, password=secret, keepalive_s=keepalive)
    assert packets311.connect(ours) == other.written


@given(st.lists(texts.map(lambda text: text.replace("#", "x").replace("+", "x")), min_size=1, max_size=200))
def test_subscribe_equals_paho(filters: list[str]) -> None:
    """SUBSCRIBE of 3.1.1 is what paho writes, also beyond 127 bytes."""
    other = Paho()
    other._send_subscribe(False, [(pattern.encode(), 1) for pattern in filters])
    assert packets311.subscribe(1, settings(1883, filters=tuple(filters))) == other.written


def test_short_packets_equal_paho() -> None:
    """PUBACK, PUBREC, PUBCOMP, PINGREQ and DISCONNECT are what paho writes, and what mqtt5 writes for success."""
    other = Paho()
    for packet_id in (1, 255, 256, 65_535):
        other._send_puback(packet_id)
        other._send_pubrec(packet_id)
        other._send_pubcomp(packet_id)
        ours = write_words((PUBACK_WORD | packet_id, PUBREC_WORD | packet_id, PUBCOMP_WORD | packet_id))
        assert ours == other.written
        assert ours == (
            mqtt5.PubAckPacket(packet_id).write()
            + mqtt5.PubRecPacket(packet_id).write()
            + mqtt5.PubCompPacket(packet_id).write()
        )
        other.written = b""
    other._send_pingreq()
    assert other.written == PINGREQ_PACKET == mqtt5.PingReqPacket().write()
    other.written = b""
    other._send_disconnect()
    assert other.written == DISCONNECT_PACKET == mqtt5.DisconnectPacket().write()


def test_connect_of_5_keeps_the_session_and_says_our_limits() -> None:
    """CONNECT of 5 asks for the kept session, its expiry, the window and the packet limit, and no aliases."""
    ours = settings(1883, username="u", password="p", session_expiry_s=77, receive_maximum=555)
    packet, size = mqtt5.read(memoryview(packets5.connect(ours)))
    assert isinstance(packet, mqtt5.ConnectPacket)
    assert size == len(packets5.connect(ours))
    assert (packet.clean_start, packet.session_expiry_interval, packet.receive_max) == (False, 77, 555)
    assert (packet.max_packet_size, packet.topic_alias_max) == (ours.announced_packet_size, 0)
    assert (packet.username, packet.password, packet.keep_alive) == ("u", b"p", ours.keepalive_s)


def test_subscribe_of_5_asks_retained_once() -> None:
    """SUBSCRIBE of 5: QoS 1, stored copies for a new subscription only, Retain As Published as set."""
    for as_published in (True, False):
        ours = settings(1883, filters=("a/#", "b"), retain_as_published=as_published)
        packet, _ = mqtt5.read(memoryview(packets5.subscribe(1, ours)))
        assert isinstance(packet, mqtt5.SubscribePacket)
        assert [each.pattern for each in packet.topic_filters] == ["a/#", "b"]
        for each in packet.topic_filters:
            assert each.max_qos == mqtt5.QoS.AT_LEAST_ONCE
            assert each.retain_as_published is as_published
            assert each.retain_handling == mqtt5.RetainHandling.SEND_IF_SUBSCRIPTION_NOT_EXISTS


CONNACKS = (
    (packets311, b"\x20\x02\x00\x00", Accepted(False)),
    (packets311, b"\x20\x02\x01\x00", Accepted(True)),
    (packets311, b"\x20\x02\x00\x01", Turned(1, "unacceptable protocol version", True)),
    (packets311, b"\x20\x02\x00\x04", Turned(4, "bad user name or password")),
    (packets311, b"\x20\x02\x00\x05", Turned(5, "not authorized")),
    (packets311, b"\x20\x02\x00\x84", Turned(0x84, "refused with code 132")),
    (packets5, b"\x20\x03\x00\x00\x00", Accepted(False)),
    (packets5, b"\x20\x03\x01\x00\x00", Accepted(True)),
    (packets5, b"\x20\x0b\x01\x00\x08\x13\x00\x0a\x11\x00\x00\x00\x07", Accepted(True, 10, 7)),
    (packets5, b"\x20\x03\x00\x84\x00", Turned(0x84, "unsupported protocol version", True)),
    (packets5, b"\x20\x08\x00\x86\x05\x1f\x00\x02no", Turned(0x86, "bad user name or password: no")),
    # A 3.1.1 server that does not know level 5 answers in its own form.
    (packets5, b"\x20\x02\x00\x01", Turned(1, "unacceptable protocol version", True)),
)


@pytest.mark.parametrize(("dialect", "packet", "meaning"), CONNACKS)
def test_connack(dialect: object, packet: bytes, meaning: Accepted | Turned) -> None:
    """Each CONNACK is read as what it says, and cut at any byte it is malformed."""
    read: Callable[[bytes], Accepted | Turned] = dialect.read_connack  # type: ignore[attr-defined]  # a module
    assert read(packet) == meaning
    for cut in range(len(packet)):
        with pytest.raises(MalformedPacket):
            read(packet[:cut])


SUBACKS = (
    (packets311, b"\x90\x05\x00\x01\x01\x00\x80", Granted(1, (1, 0, 0x80))),
    (packets311, b"\x90\x96\x01\x00\x01" + b"\x01" * 148, Granted(1, (1,) * 148)),
    (packets5, b"\x90\x06\x00\x01\x00\x01\x87\x8f", Granted(1, (1, 0x87, 0x8F))),
)


@pytest.mark.parametrize(("dialect", "packet", "meaning"), SUBACKS)
def test_suback(dialect: object, packet: bytes, meaning: Granted) -> None:
    """Each SUBACK gives one code per filter, and cut at any byte it is malformed."""
    read: Callable[[bytes], Granted] = dialect.read_suback  # type: ignore[attr-defined]  # a module
    assert read(packet) == meaning
    for cut in range(len(packet)):
        with pytest.raises(MalformedPacket):
            read(packet[:cut])


def test_disconnect() -> None:
    """An MQTT 5 broker's DISCONNECT says why; a 3.1.1 broker has none to send."""
    assert packets5.read_disconnect(b"\xe0\x00") == Dropped(0, "normal disconnection")
    assert packets5.read_disconnect(b"\xe0\x01\x8e") == Dropped(0x8E, "session taken over")
    assert packets5.read_disconnect(b"\xe0\x07\x8b\x05\x1f\x00\x02no") == Dropped(
        0x8B, "server shutting down: no"
    )
    with pytest.raises(MalformedPacket):
        packets311.read_disconnect(b"\xe0\x00")


@pytest.mark.parametrize(
    ("read", "packet"),
    [
        (packets5.read_connack, b"\x20\x03\x00\x77\x00"),
        (packets5.read_connack, b"\x20\x02\x00\x00"),
        (packets5.read_connack, b"\x20\x03\x00\x00\x00more"),
        (packets5.read_connack, b"\xd0\x00"),
        (packets5.read_suback, b"\xd0\x00"),
        (packets5.read_suback, b"\x90\x04\x00\x01\x00\x77"),
        (packets5.read_disconnect, b"\xd0\x00"),
        (packets311.read_connack, b"\x20\x02\x02\x00"),
        (packets311.read_connack, b"\x20\x03\x00\x00\x00"),
        (packets311.read_suback, b"\x90\x02\x00\x01"),
    ],
)
def test_broken_answers_are_malformed(read: Callable[[bytes], object], packet: bytes) -> None:
    """Whatever a broken broker answers, the result is MalformedPacket: no panic, no other exception."""
    with pytest.raises(MalformedPacket):
        read(packet)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # part of mqtt5's panic
def test_a_broken_string_in_an_answer_is_malformed() -> None:
    """A reason that is no UTF-8, on which mqtt5 0.8 panics with a BaseException, costs a connection and no more."""
    with pytest.raises(MalformedPacket, match="UTF-8"):
        packets5.read_connack(b"\x20\x08\x00\x00\x05\x1f\x00\x02\xff\xfe")


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_malformed(data: bytes) -> None:
    """No bytes make the readers raise anything but MalformedPacket."""
    for read in (
        packets311.read_connack,
        packets311.read_suback,
        packets5.read_connack,
        packets5.read_suback,
        packets5.read_disconnect,
    ):
        try:
            read(data)
        except MalformedPacket:
            pass


@given(st.integers(0, 268_435_455))
def test_lengths_go_there_and_back(value: int) -> None:
    """A remaining length is read as it was written, needs all its bytes, and equals paho's."""
    written = write_length(value)
    assert read_length(written, 0, len(written)) == (value, len(written))
    for cut in range(len(written)):
        assert read_length(written, 0, cut) is None
    packet = bytearray()
    Paho()._pack_remaining_length(packet, value)
    assert written == bytes(packet)


def test_length_of_five_bytes_is_malformed() -> None:
    """A fifth length byte is refused as soon as the fourth says that it comes."""
    with pytest.raises(MalformedPacket):
        read_length(b"\xff\xff\xff\xff", 0, 4)


def test_string_too_long_is_ours_to_refuse() -> None:
    """A string over 65 535 bytes is a ValueError, never a wrong packet."""
    assert len(write_string("x" * 65_535)) == 65_537
    with pytest.raises(ValueError, match="65536"):
        write_string("x" * 65_536)
