"""The receiving half of the MQTT client: framing in any cut, what it refuses, and what is owed a PUBACK."""

import itertools
import tracemalloc

import mqtt5
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mqtt import inbound
from gateway.mqtt.events import FaultReason
from gateway.mqtt.inbound import Inbound
from gateway.mqtt.wire import MalformedPacket
from tests.gateway.mqtt_helpers import publish, remaining
from tests.gateway.test_mqtt_packets import Paho

SIZE_MAX = 4096

PROPERTIES = b"\x0b\x01\x01\x26\x00\x01k\x00\x03\xff\xfev"  # of them one user property that is no UTF-8


class Ear:
    """An Inbound and all it said."""

    def __init__(self, *, properties: bool = False, size_max: int = SIZE_MAX) -> None:
        self.said: list[tuple[object, ...]] = []
        self.inbound = Inbound(
            properties=properties,
            size_max=size_max,
            received=lambda *call: self.said.append(("received", *call)),
            control=lambda packet: self.said.append(("control", packet)),
            fault=lambda *call: self.said.append(("fault", *call)),
        )

    def feed(self, *parts: bytes) -> list[tuple[object, ...]]:
        for part in parts:
            self.inbound.feed(part)
        return self.said


def stream(*, properties: bool) -> tuple[bytes, list[tuple[object, ...]]]:
    """One of everything, and what it means."""
    none, some = (b"\x00", PROPERTIES) if properties else (b"", b"")
    return (
        publish("a", b"1", properties=none)
        + publish("community/小区/d/telemetry", b"x" * 300, 7, properties=none)
        + b"\xd0\x00"
        + publish("a", b"", 8, flags=0x0B, properties=some)
        + publish("a/b", b"two", 9, flags=0x04, properties=none)
        + b"\x62\x02\x00\x09"
        + publish("too/large", b"y" * 5000, 10, properties=none)
        + publish("bad/#", b"", 11, properties=none)
        + publish("a", b"end", 65_535, properties=none)
    ), [
        ("received", "a", b"1", 0, False, False),
        ("received", "community/小区/d/telemetry", b"x" * 300, 7, False, False),
        ("control", b"\xd0\x00"),
        ("received", "a", b"", 8, True, True),
        ("received", "a/b", b"two", 9, False, False),
        ("control", b"\x62\x02\x00\x09"),
        (
            "fault",
            FaultReason.TOO_LARGE,
            "too/large",
            f"message of {5016 + len(none)} bytes; at most 4096",
            5016 + len(none),
            b"\x40\x02\x00\x0a",
        ),
        (
            "fault",
            FaultReason.BAD_TOPIC,
            "bad/#",
            "topic of 5 bytes is empty, no UTF-8, or holds '+', '#' or NUL",
            11 + len(none),
            b"\x40\x02\x00\x0b",
        ),
        ("received", "a", b"end", 65_535, False, False),
    ]


@pytest.mark.parametrize("properties", [False, True], ids=["3.1.1", "5"])
def test_every_cut_means_the_same(properties: bool) -> None:
    """However the network cuts the stream in two, and byte by byte, the same calls come out."""
    data, meaning = stream(properties=properties)
    for cut in range(len(data) + 1):
        assert Ear(properties=properties).feed(data[:cut], data[cut:]) == meaning
    ear = Ear(properties=properties)
    assert ear.feed(*(data[at : at + 1] for at in range(len(data)))) == meaning
    assert ear.inbound.delivered == 5
    assert ear.inbound.in_flight == 4


@given(st.booleans(), st.lists(st.integers(0, 5600), max_size=12))
def test_any_cuts_mean_the_same(properties: bool, cuts: list[int]) -> None:
    """The same for many cuts at once."""
    data, meaning = stream(properties=properties)
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    parts = [data[begin:end] for begin, end in itertools.pairwise(edges)]
    assert Ear(properties=properties).feed(*parts) == meaning


topics = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0+#"), min_size=1, max_size=40)


@given(
    topics, st.binary(max_size=200), st.integers(0, 1), st.integers(1, 65_535), st.booleans(), st.booleans()
)
def test_reads_what_paho_writes(
    topic: str, payload: bytes, qos: int, packet_id: int, retain: bool, dup: bool
) -> None:
    """A PUBLISH that paho writes is read as it was meant."""
    other = Paho()
    other._send_publish(packet_id, topic.encode(), payload, qos, retain, bool(dup and qos))
    assert Ear().feed(other.written) == [
        ("received", topic, payload, packet_id if qos else 0, retain, bool(dup and qos))
    ]


@given(
    topics,
    st.binary(max_size=200),
    st.integers(0, 2),
    st.integers(1, 65_535),
    st.none() | st.integers(0, 2**32 - 1),
    st.none() | topics,
    st.none() | st.binary(max_size=300),
    st.lists(st.tuples(topics, topics), max_size=5),
)
def test_reads_what_mqtt5_writes(  # noqa: PLR0917 - Hypothesis passes them by position
    topic: str,
    payload: bytes,
    qos: int,
    packet_id: int,
    expiry: int | None,
    content_type: str | None,
    correlation: bytes | None,
    user: list[tuple[str, str]],
) -> None:
    """A PUBLISH of MQTT 5 with any properties gives the same message that the mqtt5 codec gives."""
    written = mqtt5.PublishPacket(
        topic,
        payload,
        qos=mqtt5.QoS(qos),
        packet_id=packet_id if qos else None,
        message_expiry_interval=expiry,
        content_type=content_type,
        correlation_data=correlation,
        user_properties=user,
    ).write()
    assert Ear(properties=True).feed(written) == [
        ("received", topic, payload, packet_id if qos else 0, False, False)
    ]


@pytest.mark.parametrize(
    "data",
    [
        b"\x30\xff\xff\xff\xff\x01",  # a length of five bytes
        b"\x36\x05\x00\x01a\x00\x01",  # QoS 3
        b"\x30\x00",  # no topic length
        b"\x30\x01\x00",
        b"\x30\x02\x00\x05",  # topic longer than the packet
        b"\x30\x02\x00\x05abcde",
        b"\x32\x03\x00\x01a",  # no room for the packet id
        b"\x32\x03\x00\x01a\x00\x01",
        b"\x32\x05\x00\x01a\x00\x00",  # packet id 0
        b"\xd0" + remaining(5000),  # a packet that is no PUBLISH over the limit
        b"\x36" + remaining(5000),
        b"\x30" + remaining(5000) + b"\xff\xff" + b"x" * 5000,  # topic longer than a large packet
    ],
)
def test_what_cannot_be_read_is_malformed(data: bytes) -> None:
    """Broken framing raises MalformedPacket, in whatever cut it arrives, and never delivers anything."""
    for cut in range(min(len(data), 20) + 1):
        ear = Ear()
        with pytest.raises(MalformedPacket):
            ear.feed(data[:cut], data[cut:], b"\x00" * 8)
        assert ear.said == []


@pytest.mark.parametrize(
    "data",
    [
        b"\x30\x03\x00\x01a",  # no property length
        b"\x30\x04\x00\x01a\x05",  # properties longer than the packet
        b"\x30\x05\x00\x01a\x80\x80",  # property length cut off
        b"\x30\x07\x00\x01a\xff\xff\xff\xff",  # a property length of five bytes
    ],
)
def test_broken_properties_are_malformed(data: bytes) -> None:
    """The same for MQTT 5's property length."""
    ear = Ear(properties=True)
    with pytest.raises(MalformedPacket):
        ear.feed(data + b"\x00" * 8)
    assert ear.said == []


@given(st.booleans(), st.lists(st.binary(max_size=40), max_size=6))
def test_any_bytes_are_taken_or_malformed(properties: bool, parts: list[bytes]) -> None:
    """No bytes make the reader raise anything but MalformedPacket."""
    try:
        Ear(properties=properties).feed(*parts)
    except MalformedPacket:
        pass


@pytest.mark.parametrize("raw", [b"", b"\xff\xfe", b"a\0b", b"a/+", b"#", b"\xed\xa0\x80"])
def test_a_bad_topic_is_reported_and_acknowledged(raw: bytes) -> None:
    """A topic that is none does not come back forever and does not keep the next message out."""
    body = len(raw).to_bytes(2, "big") + raw + b"\x00\x05" + b"payload"
    said = Ear().feed(b"\x32" + remaining(len(body)) + body + publish("good", b"next", 6))
    assert [call[:2] for call in said] == [("fault", FaultReason.BAD_TOPIC), ("received", "good")]
    assert said[0][-1] == b"\x40\x02\x00\x05"


@pytest.mark.parametrize("properties", [False, True], ids=["3.1.1", "5"])
def test_256_megabytes_are_skipped_in_little_memory(properties: bool) -> None:
    """The largest packet MQTT can carry costs no more memory than one chunk, is reported with its topic and
    acknowledged once, and the message behind it arrives.
    """
    ear = Ear(properties=properties)
    head = b"\x00\x03big\x01\x00" + (b"\x00" if properties else b"")
    size = 268_435_455
    chunk = b"z" * 262_144
    tracemalloc.start()
    try:
        ear.feed(b"\x32" + remaining(size) + head)
        left = size - len(head)
        while left:
            part = chunk[: min(left, len(chunk))]
            left -= len(part)
            ear.feed(part)
        ear.feed(publish("after", b"", 2, properties=b"\x00" if properties else b""))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000
    assert [call[:3] for call in ear.said] == [
        ("fault", FaultReason.TOO_LARGE, "big"),
        ("received", "after", b""),
    ]
    assert ear.said[0][4:] == (size + 5, b"\x40\x02\x01\x00")
    assert ear.inbound.in_flight == 1


def test_a_large_message_of_qos_0_or_2_is_answered_as_its_qos_wants() -> None:
    """Skipped at QoS 0 nothing is written, at QoS 2 PUBREC."""
    said = Ear().feed(publish("q0", b"y" * 5000), publish("q2", b"y" * 5000, 3, flags=0x04))
    assert [call[-1] for call in said] == [b"", b"\x50\x02\x00\x03"]


def test_the_size_limit_is_exact() -> None:
    """A packet of exactly the limit is taken, one byte more is not."""
    fits = publish("t", b"x" * (SIZE_MAX - 3 - 5), 1)
    assert len(fits) == SIZE_MAX
    over = publish("t", b"x" * (SIZE_MAX - 3 - 4), 2)
    assert [call[0] for call in Ear().feed(fits + over)] == ["received", "fault"]


def test_settling_writes_each_acknowledgement_once() -> None:
    """An id is answered once, in the order given; an unknown id and QoS 0's 0 are left out."""
    ear = Ear()
    ear.feed(b"".join(publish("t", b"", packet_id) for packet_id in (3, 1, 2)))
    assert ear.inbound.in_flight == 3
    assert ear.inbound.settle([1, 3, 1, 0, 77]) == b"\x40\x02\x00\x01\x40\x02\x00\x03"
    assert ear.inbound.in_flight == 1
    assert ear.inbound.settle([1, 3]) == b""
    assert ear.inbound.settle([2]) == b"\x40\x02\x00\x02"
    assert ear.inbound.in_flight == 0


def test_qos_2_is_answered_with_pubrec() -> None:
    """A message at QoS 2, left in an old session, is delivered and gets PUBREC in place of PUBACK."""
    ear = Ear()
    ear.feed(publish("t", b"", 5, flags=0x04))
    assert ear.inbound.settle([5]) == b"\x50\x02\x00\x05"


def test_a_redelivery_before_the_acknowledgement_is_not_delivered_again() -> None:
    """nats-server repeats what is unacknowledged for ack_wait: the copy under way will be acknowledged anyway,
    and a disk that hangs must not make the queue grow by every repetition.
    """
    ear = Ear()
    ear.feed(publish("t", b"x", 5), publish("t", b"x", 5, flags=0x0A))
    assert len(ear.said) == 1
    assert ear.inbound.settle([5]) == b"\x40\x02\x00\x05"
    ear.feed(publish("t", b"x", 5, flags=0x0A))  # sent before our PUBACK arrived
    assert len(ear.said) == 2
    assert ear.inbound.settle([5]) == b"\x40\x02\x00\x05"


def test_another_message_under_an_open_id_is_acknowledged_last() -> None:
    """If a broker uses an id again too early, the older copy's acknowledgement does not acknowledge the newer."""
    ear = Ear()
    ear.feed(publish("t", b"old", 5), publish("t", b"new", 5))
    assert [call[2] for call in ear.said] == [b"old", b"new"]
    assert ear.inbound.in_flight == 1
    assert ear.inbound.settle([5]) == b""
    assert ear.inbound.settle([5]) == b"\x40\x02\x00\x05"
    assert ear.inbound.in_flight == 0
    with pytest.raises(MalformedPacket, match="again and again"):
        ear.feed(*(publish("t", b"", 5) for _ in range(200)))


def test_the_table_of_topics_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream of ever new topics keeps at most so many, and all are delivered."""
    monkeypatch.setattr(inbound, "KNOWN_TOPICS_MAX", 10)
    ear = Ear()
    ear.feed(*(publish(f"t/{number}", b"") for number in range(95)), publish("l" * 300, b""))
    assert len(ear.said) == 96
    assert len(ear.inbound._known) == 10


def test_nothing_is_read_after_the_owner_stopped() -> None:
    """What follows a packet that ended the connection is not delivered."""
    ear = Ear()
    ear.inbound._control = lambda _packet: setattr(ear.inbound, "stopped", True)
    assert ear.feed(b"\xe0\x00" + publish("t", b"", 1)) == []
