"""The MQTT session against a scripted broker: what a real broker rarely does on request."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine

import pytest
import uvloop

from gateway.mqtt import (
    Connected,
    FaultReason,
    Lost,
    LostReason,
    ProtocolFault,
    Refused,
    Session,
    SubscriptionRefused,
)
from tests.gateway.mqtt_helpers import (
    CONNACK_5,
    CONNACK_311,
    Hasty,
    Recorder,
    free_port,
    greet,
    publish,
    read_packet,
    running,
    scripted,
    settings,
)
from tests.parts import async_until


async def forever(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A 3.1.1 broker that says nothing more."""
    await greet(reader, writer)
    await reader.read()


async def test_epochs_and_old_acknowledgements() -> None:
    """An acknowledgement of an older epoch is dropped, so that it cannot meet a message under the same id."""
    written = bytearray()

    async def first(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await greet(reader, writer)
        writer.write(publish("t", b"lost", 1))

    async def second(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await greet(reader, writer, connack=b"\x20\x02\x01\x00")
        writer.write(publish("t", b"again", 1, flags=0x0A))
        while data := await reader.read(100):
            written.extend(data)

    ear = Recorder(acks=False)
    async with scripted(first, second) as port, running(settings(port, protocol=311), ear) as session:
        await async_until(lambda: len(ear.messages) == 2, "both deliveries")
        assert [(m.epoch, m.payload, m.dup) for m in ear.messages] == [
            (1, b"lost", False),
            (2, b"again", True),
        ]
        assert ear.of(Connected) == [Connected(False, 311), Connected(True, 311)]
        assert (session.epoch, session.in_flight) == (2, 1)
        session.acknowledge(1, [1])
        assert session.in_flight == 1
        session.acknowledge(2, [1])
        assert session.in_flight == 0
        await async_until(lambda: written, "the acknowledgement")
        assert bytes(written) == b"\x40\x02\x00\x01"


async def test_many_acknowledgements_are_one_write() -> None:
    """A batch of PUBACKs reaches the transport as one piece, in the order given."""
    heard: list[bytes] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await greet(reader, writer)
        writer.write(b"".join(publish("t", b"", packet_id) for packet_id in range(1, 501)))
        while data := await reader.read(65_536):
            heard.append(data)

    ear = Recorder()
    async with scripted(script) as port, running(settings(port, protocol=311), ear):
        await async_until(lambda: heard, "the acknowledgements")
    assert heard[0][:2000] == b"".join(
        b"\x40\x02" + packet_id.to_bytes(2, "big") for packet_id in range(1, 501)
    )
    assert ear.drains == 1


async def test_auto_falls_back_to_311_and_remembers() -> None:
    """A broker that does not know MQTT 5 is asked again at once in 3.1.1, and later only so."""
    levels: list[int] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connect = await read_packet(reader)
        level = connect[connect.index(b"MQTT") + 4]
        levels.append(level)
        if level == 5:
            writer.write(b"\x20\x02\x00\x01")
            return
        writer.write(CONNACK_311)
        await read_packet(reader)
        writer.write(b"\x90\x03\x00\x01\x01")
        await asyncio.sleep(0)
        writer.write(publish("t", b"x", 1))
        await read_packet(reader)

    ear = Recorder()
    async with scripted(script) as port, running(settings(port), ear, ready=False) as session:
        await async_until(lambda: len(levels) >= 4, "reconnections")
        assert session.protocol == 311
    assert levels[:4] == [5, 4, 4, 4]
    assert ear.payloads[0] == b"x"
    assert ear.events[0] == Refused(1, "unacceptable protocol version")


async def test_auto_tries_311_where_a_broker_only_hangs_up() -> None:
    """An old broker that closes the connection at an MQTT 5 CONNECT is found out after two attempts."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connect = await read_packet(reader)
        if connect[connect.index(b"MQTT") + 4] == 5:
            return
        writer.write(CONNACK_311)
        await read_packet(reader)
        writer.write(b"\x90\x03\x00\x01\x01")
        await reader.read()

    ear = Recorder()
    async with scripted(script) as port, running(settings(port), ear) as session:
        assert session.protocol == 311
    assert [event.reason for event in ear.events if isinstance(event, Lost)] == [LostReason.CLOSED] * 2


async def test_a_protocol_that_was_asked_for_stays() -> None:
    """With a fixed version a refusal is told and tried again, never another version."""
    levels: list[int] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connect = await read_packet(reader)
        levels.append(connect[connect.index(b"MQTT") + 4])
        writer.write(b"\x20\x02\x00\x01")

    ear = Recorder()
    async with scripted(script) as port, running(settings(port, protocol=5), ear, ready=False):
        await async_until(lambda: len(levels) >= 3, "attempts")
    assert set(levels) == {5}


async def test_refused_filters_are_told_and_the_others_work() -> None:
    """Every SUBACK code is looked at: a refusal, and a grant of QoS 0 only, which would lose messages."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await greet(reader, writer, connack=CONNACK_5, codes=b"\x01\x87\x00\x8f")
        writer.write(publish("a", b"x", 1, properties=b"\x00"))
        await reader.read()

    ear = Recorder()
    wanted = settings(0 + 1883, filters=("a", "b", "c", "d"))
    async with scripted(script) as port, running(settings(port, filters=wanted.filters), ear):
        await async_until(lambda: ear.messages, "a message")
    assert ear.of(SubscriptionRefused) == [
        SubscriptionRefused("b", 0x87),
        SubscriptionRefused("c", 0),
        SubscriptionRefused("d", 0x8F),
    ]


async def test_a_take_over_is_its_own_reason() -> None:
    """DISCONNECT 0x8E says that another client has our client id; other reasons keep their words."""

    async def taken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await greet(reader, writer, connack=CONNACK_5)
        writer.write(b"\xe0\x01\x8e")
        await reader.read()

    async def shutting_down(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await greet(reader, writer, connack=CONNACK_5)
        writer.write(b"\xe0\x01\x8b")
        await reader.read()

    ear = Recorder()
    async with scripted(taken, shutting_down) as port, running(settings(port), ear, ready=False):
        await async_until(lambda: len(ear.of(Lost)) >= 2, "both endings")
    assert ear.of(Lost)[:2] == [
        Lost(LostReason.TAKEN_OVER, "0x8e session taken over"),
        Lost(LostReason.DISCONNECTED, "0x8b server shutting down"),
    ]


@pytest.mark.parametrize(
    ("garbage", "connack"),
    [
        (b"\x36\x05\x00\x01a\x00\x01", CONNACK_311),  # QoS 3
        (b"\xf0\x00", CONNACK_311),  # AUTH in 3.1.1
        (b"\xe0\x00", CONNACK_311),  # DISCONNECT in 3.1.1
        (b"\x20\x02\x00\x00", CONNACK_311),  # CONNACK again
        (b"\x90\x03\x00\x01\x01", CONNACK_311),  # SUBACK again
        (b"\x90\x03\x00\x02\x01", CONNACK_311),
        (b"\x62\x00", CONNACK_311),  # PUBREL without packet id
        (b"\x00\x00", CONNACK_5),
        (b"\x30\xff\xff\xff\xff\xff", CONNACK_5),
    ],
)
async def test_garbage_costs_a_reconnect(garbage: bytes, connack: bytes) -> None:
    """Bytes that are no MQTT are told as a fault, and the next connection works; messages before them count."""

    none = b"\x00" if connack == CONNACK_5 else b""

    async def broken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await greet(reader, writer, connack=connack)
        await writer.drain()
        writer.write(
            publish("t", b"before", properties=none) + garbage + publish("t", b"never", properties=none)
        )
        await reader.read()

    async def sound(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await greet(reader, writer, connack=connack)
        writer.write(publish("t", b"after", properties=none))
        await reader.read()

    ear = Recorder()
    async with scripted(broken, sound) as port:
        protocol = 5 if connack == CONNACK_5 else 311
        async with running(settings(port, protocol=protocol), ear):
            await async_until(lambda: b"after" in ear.payloads, "the message after the reconnect")
    assert ear.payloads == [b"before", b"after"]
    fault, lost = ear.events[1:3]
    assert isinstance(fault, ProtocolFault)
    assert fault.reason is FaultReason.MALFORMED
    assert isinstance(lost, Lost)
    assert lost.reason is LostReason.PROTOCOL


@pytest.mark.parametrize(
    "answer",
    [b"\x30\x03\x00\x01t", b"\x20\x05\x00", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x20\x02\x02\x00"],
)
async def test_what_is_no_broker_is_told_and_tried_again(answer: bytes) -> None:
    """A server that answers CONNECT with something else gives no message and no epoch."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_packet(reader)
        writer.write(answer)
        await writer.drain()

    ear = Recorder()
    async with scripted(script) as port, running(settings(port, protocol=311), ear, ready=False) as session:
        await async_until(lambda: len(ear.of(Lost)) >= 2, "two attempts")
        assert session.epoch == 0
    assert ear.messages == []


async def test_a_large_message_is_skipped_reported_and_acknowledged() -> None:
    """In 3.1.1 nothing tells the broker our limit: the message is skipped and the one behind it arrives."""
    acknowledged = bytearray()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await greet(reader, writer)
        writer.write(publish("big", b"x" * 3_000_000, 1) + publish("t", b"after", 2))
        while data := await reader.read(100):
            acknowledged.extend(data)

    ear = Recorder()
    async with scripted(script) as port, running(settings(port, protocol=311), ear):
        await async_until(lambda: len(acknowledged) >= 8, "both acknowledgements")
    assert bytes(acknowledged[:8]) == b"\x40\x02\x00\x01\x40\x02\x00\x02"
    assert ear.payloads == [b"after"]
    (fault,) = ear.of(ProtocolFault)
    assert isinstance(fault, ProtocolFault)
    assert (fault.reason, fault.topic, fault.packet_size) == (FaultReason.TOO_LARGE, "big", 3_000_012)


async def test_qos_2_is_carried_through() -> None:
    """Messages at QoS 2 that an older client left in the session are taken, not fought over."""
    heard = bytearray()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await greet(reader, writer)
        writer.write(publish("t", b"x", 9, flags=0x04))
        heard.extend(await reader.readexactly(4))
        writer.write(b"\x62\x02\x00\x09")
        heard.extend(await reader.readexactly(4))
        await reader.read()

    ear = Recorder()
    async with scripted(script) as port, running(settings(port, protocol=311), ear):
        await async_until(lambda: len(heard) == 8, "PUBREC and PUBCOMP")
    assert bytes(heard) == b"\x50\x02\x00\x09\x70\x02\x00\x09"


async def test_silence_ends_the_connection() -> None:
    """A broker that answers no PINGREQ for 1.5 keepalives is given up."""
    pings = bytearray()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await greet(reader, writer)
        while data := await reader.read(100):
            pings.extend(data)

    ear = Recorder()
    async with scripted(script, forever) as port, running(settings(port, protocol=311, keepalive_s=1), ear):
        await async_until(lambda: ear.of(Lost), "the session to give up")
    assert isinstance(ear.events[1], Lost)
    assert ear.events[1].reason is LostReason.SILENT
    assert pings[:2] == b"\xc0\x00"


async def test_the_server_keepalive_of_5_replaces_ours() -> None:
    """A broker that wants to hear us each second is not kept waiting for our thirty."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await greet(reader, writer, connack=b"\x20\x06\x00\x00\x03\x13\x00\x01")
        assert await read_packet(reader) == b"\xc0\x00"
        writer.write(b"\xd0\x00" + publish("t", b"pinged", properties=b"\x00"))
        await reader.read()

    ear = Recorder()
    async with scripted(script) as port, running(settings(port), ear):
        await async_until(lambda: ear.payloads == [b"pinged"], "a ping within the server's keepalive")


async def test_pausing_stops_reading_and_is_no_silence() -> None:
    """While paused nothing is delivered and pings go on without counting; resumed, all of it arrives."""
    pings = 0

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal pings
        await greet(reader, writer)
        await reader.readexactly(2)
        pings += 1
        writer.write(b"\xd0\x00" + publish("t", b"x"))
        while await reader.readexactly(2):
            pings += 1
            writer.write(b"\xd0\x00")

    ear = Recorder()
    async with scripted(script) as port, running(settings(port, protocol=311, keepalive_s=1), ear) as session:
        session.pause()
        await async_until(lambda: pings >= 5, "pings for more than two keepalives")
        assert ear.messages == []
        assert ear.of(Lost) == []
        session.resume()
        await async_until(lambda: ear.messages, "the message")
        await async_until(lambda: pings >= 7, "more pings")
        assert ear.of(Lost) == []


async def test_pause_survives_a_reconnect() -> None:
    """A session paused for back-pressure stays paused on the next connection."""
    go = asyncio.Event()

    async def first(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await greet(reader, writer)
        await go.wait()

    async def second(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await greet(reader, writer)
        await reader.readexactly(2)  # the ping: SUBACK is long read, what follows must wait
        writer.write(publish("t", b"x"))
        await reader.read()

    ear = Recorder()
    async with (
        scripted(first, second) as port,
        running(settings(port, protocol=311, keepalive_s=1), ear) as session,
    ):
        session.pause()
        session._link.end(Lost(LostReason.CLOSED, "cut by the test"))  # type: ignore[union-attr]  # is connected
        go.set()
        await async_until(lambda: session.epoch == 2 and session.ready.is_set(), "the second connection")
        await asyncio.sleep(1.0)  # two pings long: the message has been on the wire for a while
        assert ear.messages == []
        session.resume()
        await async_until(lambda: ear.messages, "the message")


async def test_no_answer_in_time() -> None:
    """A server that accepts and says nothing is given up after connect_timeout_s, and so is one without SUBACK."""

    async def mute(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_packet(reader)
        writer.write(CONNACK_311)
        await reader.read()

    ear = Recorder()
    wanted = {"protocol": 311, "connect_timeout_s": 0.2}
    async with scripted(mute, half, forever) as port, running(settings(port, **wanted), ear):
        pass
    lost = [event for event in ear.events if isinstance(event, Lost)]
    assert [event.reason for event in lost] == [LostReason.TIMED_OUT, LostReason.TIMED_OUT]


async def test_nobody_there() -> None:
    """A refused connection and a name that does not resolve are told as unreachable, again and again."""
    for wanted in (
        settings(free_port()),
        settings(1, host="no-such-host.invalid"),
        settings(1, host="a" * 70),
    ):
        ear = Recorder()
        async with running(wanted, ear, ready=False):
            await async_until(lambda told=ear: len(told.of(Lost)) >= 2, "two attempts")  # type: ignore[misc]  # bound now
        assert {event.reason for event in ear.events if isinstance(event, Lost)} == {LostReason.UNREACHABLE}


async def test_a_clean_end_says_goodbye_and_writes_what_is_owed() -> None:
    """Cancelling the session sends the acknowledgements given so far and DISCONNECT, and tells no loss."""
    heard = bytearray()
    closed = asyncio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await greet(reader, writer)
        writer.write(publish("t", b"x", 1))
        while data := await reader.read(100):
            heard.extend(data)
        closed.set()

    ear = Recorder()
    async with scripted(script) as port:
        async with running(settings(port, protocol=311), ear):
            await async_until(lambda: ear.messages, "the message")
        await asyncio.wait_for(closed.wait(), 10)
    assert bytes(heard) == b"\x40\x02\x00\x01\xe0\x00"
    assert ear.of(Lost) == []


async def test_cancelled_at_any_moment() -> None:
    """A session cancelled while it connects, waits or reads ends and leaves nothing behind."""
    async with scripted(forever) as port:
        for rounds in range(12):
            session = Session(settings(port, protocol=311), Recorder(), rng=Hasty())
            task = asyncio.create_task(session.run())
            for _ in range(rounds):
                await asyncio.sleep(0)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            assert task.cancelled()
            assert not session.ready.is_set()


@pytest.mark.parametrize(
    "story",
    [
        test_cancelled_at_any_moment,
        test_epochs_and_old_acknowledgements,
        test_a_large_message_is_skipped_reported_and_acknowledged,
        test_a_clean_end_says_goodbye_and_writes_what_is_owed,
        test_pause_survives_a_reconnect,
        test_no_answer_in_time,
        test_nobody_there,
    ],
)
def test_the_same_on_uvloop(story: Callable[[], Coroutine[object, object, None]]) -> None:
    """The promises hold on the loop that production uses, whose transports behave differently at their ends."""
    uvloop.run(story())
