"""What the MQTT tests share: a recording listener, a scripted broker, real brokers, and a fast load."""

import asyncio
import contextlib
import random
import socket
import struct
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from gateway.mqtt import LinkEvent, Listener, Session, SessionSettings
from tests.parts import async_until, require, until


class Message(NamedTuple):
    """One call of `Listener.received`, with the epoch it came in."""

    epoch: int
    topic: str
    payload: bytes
    packet_id: int
    retain: bool
    dup: bool


class Recorder(Listener):
    """Keeps all it is told; acknowledges at the end of each chunk when `acks`."""

    def __init__(self, *, acks: bool = True) -> None:
        self.acks = acks
        self.messages: list[Message] = []
        self.events: list[LinkEvent] = []
        self.drains = 0
        self.owed: list[int] = []

    def received(
        self, session: Session, topic: str, payload: bytes, packet_id: int, retain: bool, dup: bool, /
    ) -> None:
        self.messages.append(Message(session.epoch, topic, payload, packet_id, retain, dup))
        if packet_id:
            self.owed.append(packet_id)

    def drained(self, session: Session, /) -> None:
        self.drains += 1
        if self.acks:
            session.acknowledge(session.epoch, self.owed)
            self.owed = []

    def link(self, _session: Session, event: LinkEvent, /) -> None:
        self.events.append(event)

    @property
    def payloads(self) -> list[bytes]:
        return [message.payload for message in self.messages]

    def of(self, kind: type) -> list[LinkEvent]:
        return [event for event in self.events if isinstance(event, kind)]


class Hasty(random.Random):
    """Chance without patience: each delay is a hundredth of a second, so that reconnecting costs a test nothing."""

    def uniform(self, _a: float, _b: float) -> float:
        return 0.01


@contextlib.asynccontextmanager
async def running(
    settings: SessionSettings, listener: Listener, *, ready: bool = True
) -> AsyncIterator[Session]:
    """A session at work; with `ready`, from the time its filters are granted."""
    session = Session(settings, listener, rng=Hasty())
    task = asyncio.create_task(session.run())
    try:
        if ready:
            await async_until(session.ready.is_set, "the session to be ready")
        yield session
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def settings(port: int, **changes: object) -> SessionSettings:
    """Settings for a broker on this machine; anything may be changed."""
    known: dict[str, object] = {
        "host": "127.0.0.1",
        "port": port,
        "client_id": "gateway-under-test",
        "filters": ("#",),
        "source": "s1",
    }
    return SessionSettings(**{**known, **changes})  # type: ignore[arg-type]  # a test names what it changes


def free_port() -> int:
    """A port nobody has just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


# ------------------------------------------------------------------------------------------ a scripted broker

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

CONNACK_311 = b"\x20\x02\x00\x00"
CONNACK_5 = b"\x20\x03\x00\x00\x00"


async def read_packet(reader: asyncio.StreamReader) -> bytes:
    """One MQTT packet, whole."""
    head = await reader.readexactly(2)
    length, shift = head[1] & 0x7F, 7
    while head[-1] & 0x80:
        head += await reader.readexactly(1)
        length |= (head[-1] & 0x7F) << shift
        shift += 7
    return head + await reader.readexactly(length)


@contextlib.asynccontextmanager
async def scripted(*scripts: Script) -> AsyncIterator[int]:
    """A broker whose n-th connection follows the n-th script (the last one from then on); gives its port.

    What a script raises because the peer went away ends only that connection.
    """
    count = 0
    serving: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        task = asyncio.current_task()
        assert task is not None
        serving.add(task)
        script = scripts[min(count, len(scripts) - 1)]
        count += 1
        try:
            await script(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        if serving:
            await asyncio.wait(serving, timeout=5)  # the session has left, so each script sees the end


async def greet(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    *,
    connack: bytes = CONNACK_311,
    codes: bytes = b"\x01",
) -> bytes:
    """Answer CONNECT and SUBSCRIBE; gives the CONNECT packet."""
    connect = await read_packet(reader)
    writer.write(connack)
    subscribe = await read_packet(reader)
    body = subscribe[2:4] + (b"\x00" if connack[1] > 2 else b"") + codes
    writer.write(bytes((0x90, len(body))) + body)
    return connect


def publish(
    topic: str, payload: bytes, packet_id: int = 0, *, flags: int = 0x02, properties: bytes = b""
) -> bytes:
    """A PUBLISH packet; `properties` with their length for MQTT 5. QoS 0 where `packet_id` is 0."""
    raw = topic.encode()
    body = struct.pack(">H", len(raw)) + raw
    if packet_id:
        body += struct.pack(">H", packet_id)
    else:
        flags &= ~0x06
    body += properties + payload
    return bytes((0x30 | flags,)) + remaining(len(body)) + body


def remaining(length: int) -> bytes:
    """A remaining length, spelled independently of the code under test."""
    out = b""
    while length > 127:
        out += bytes((length % 128 + 128,))
        length //= 128
    return out + bytes((length,))


# ------------------------------------------------------------------------------------------------ real brokers


class Mosquitto:
    """A mosquitto of the test's own; `stop` and `kill` may be followed by `start` on the same port and files."""

    def __init__(self, folder: Path, *options: str, port: int | None = None) -> None:
        self.program = require("mosquitto")
        self.folder = folder
        self.port = port or free_port()
        self._process: subprocess.Popen[bytes] | None = None
        lines = options or ("allow_anonymous true",)
        (folder / "m.conf").write_text(
            "\n".join(
                (
                    "user root",
                    f"listener {self.port} 127.0.0.1",
                    "persistence true",
                    f"persistence_location {folder}/",
                    "max_inflight_messages 1000",
                    "max_queued_messages 0",
                    f"log_dest file {folder}/m.log",
                    *lines,
                    "",
                )
            )
        )

    def start(self) -> None:
        self._process = subprocess.Popen(
            [self.program, "-c", str(self.folder / "m.conf")],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until(self._listens, "mosquitto to listen")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait(10)
        self._process = None

    @property
    def log(self) -> str:
        return (self.folder / "m.log").read_text()

    def _listens(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, "mosquitto ended"
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


@contextlib.contextmanager
def mosquitto(folder: Path, *options: str) -> Iterator[Mosquitto]:
    """A running mosquitto; its options replace `allow_anonymous true`."""
    broker = Mosquitto(folder, *options)
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


class Load:
    """A publisher at QoS 1 over MQTT 3.1.1, pipelined, that knows what was acknowledged to it.

    Written on streams rather than with a client library so that 20 000 messages take about a second and the tests
    of the client do not lean on the client.
    """

    def __init__(
        self, port: int, client_id: str = "load", user: str | None = None, password: str | None = None
    ) -> None:
        self._port = port
        self._client_id = client_id
        self._account = (user, password)
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self.acknowledged = 0

    async def __aenter__(self) -> "Load":
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        user, password = self._account
        body = b"\x00\x04MQTT\x04" + bytes((0x02 | (0xC0 if user else 0),)) + b"\x00\x3c"
        for text in (self._client_id, user, password):
            if text is not None:
                body += struct.pack(">H", len(text)) + text.encode()
        self._writer.write(b"\x10" + remaining(len(body)) + body)
        assert await read_packet(self._reader) == CONNACK_311
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._writer is not None
        if not self._writer.is_closing():
            self._writer.write(b"\xe0\x00")
        self._writer.close()

    async def send(
        self, messages: list[tuple[str, bytes]], *, window: int = 500, retain: bool = False
    ) -> None:
        """Publish all and wait for every PUBACK; raises IncompleteReadError or ConnectionError when cut off."""
        assert self._reader is not None
        assert self._writer is not None
        pending: set[int] = set()
        following = iter(enumerate(messages))
        done = False
        while not done or pending:
            while not done and len(pending) < window:
                found = next(following, None)
                if found is None:
                    done = True
                    break
                index, (topic, payload) = found
                packet_id = index % 65_535 + 1
                pending.add(packet_id)
                self._writer.write(publish(topic, payload, packet_id, flags=0x03 if retain else 0x02))
            await self._writer.drain()
            if pending:
                answer = await read_packet(self._reader)
                assert answer[0] == 0x40, answer
                pending.discard(int.from_bytes(answer[2:4], "big"))
                self.acknowledged += 1
