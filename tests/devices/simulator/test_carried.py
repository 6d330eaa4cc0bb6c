"""What no broker carries: posts and frames are answered one by one, and what was not answered is sent again."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus

import pytest

from devices.codec import Push, Reply
from devices.codecs import gb26875, onenet
from devices.codecs.gb26875.frame import CONFIRM, SEND, parse
from devices.simulator import SimulatedSite, run_live
from tests.parts import async_until

SECRET = "a secret/with:marks"


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def served(serve: Serve) -> AsyncIterator[str]:
    """A server's host and port; at the end its connections have ended as well."""
    connections: set[asyncio.Task[None]] = set()

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections.add(task)
        try:
            await serve(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(one, "127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    await asyncio.gather(*connections, return_exceptions=True)


class Receiver:
    """Takes requests, answers them from a list of statuses (200 when it is used up), and keeps what it took."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.taken: list[tuple[str, bytes]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                line, *headers = head.decode().strip().split("\r\n")
                sizes = [h.partition(":")[2] for h in headers if h.lower().startswith("content-length:")]
                body = await reader.readexactly(int(sizes[0]))
                status = HTTPStatus(self.statuses.pop(0) if self.statuses else 200)
                if status == HTTPStatus.OK:
                    self.taken.append((line.split()[1], body))
                writer.write(f"HTTP/1.1 {status} {status.phrase}\r\nContent-Length: 0\r\n\r\n".encode())


async def test_posts_arrive_in_order_and_are_signed() -> None:
    """Busy and broken answers are waited out; every message is taken once, in order, with a proof that holds."""
    receiver = Receiver(200, 503, 200, 429, 500)
    async with served(receiver.serve) as where:
        broker = f"http://:{SECRET.replace('/', '%2F').replace(':', '%3A')}@{where}/push/x"
        site = SimulatedSite(3, dialect="onenet", broker=broker, devices=20, truth=10_000)
        stop = asyncio.Event()
        running = asyncio.create_task(run_live(site, speed=20, stop=stop))
        await async_until(lambda: len(receiver.taken) >= 40, "the first reports")
        stop.set()
        assert await running == len(receiver.taken)
    for label, (path, body) in zip(site.truth, receiver.taken, strict=False):
        assert path == "/push/x"
        taken = onenet.admit(Push("POST", "", {}, {}, body), SECRET)
        assert not isinstance(taken, Reply)
        assert label.device.encode() in taken[1]


async def test_a_wrong_address_ends_it() -> None:
    """A receiver that knows no such sender is not asked for ever."""
    async with served(Receiver(*[404] * 50).serve) as where:
        site = SimulatedSite(3, dialect="ctwing", broker=f"http://{where}", devices=5)
        with pytest.raises(ValueError, match="answers 404"):
            await run_live(site, seconds=20)


async def test_frames_that_were_not_confirmed_are_sent_again() -> None:
    """The centre hangs up on the first connection without a word; on the next every frame is confirmed."""
    taken: list[bytes] = []
    connections = 0

    async def centre(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        buffer = bytearray()
        while data := await reader.read(4096):
            if connections == 1:
                break
            buffer += data
            for frame in gb26875.frames(buffer, 1_795_276_800_000):
                assert frame.confirm is not None
                assert parse(frame.confirm).command == CONFIRM
                taken.append(frame.data)
                writer.write(frame.confirm)

    said: list[str] = []
    async with served(centre) as where:
        site = SimulatedSite(3, dialect="gb26875", broker=f"tcp://{where}", devices=20, truth=10_000)
        stop = asyncio.Event()
        running = asyncio.create_task(run_live(site, speed=20, stop=stop, told=said.append))
        await async_until(lambda: len(taken) >= 40, "the first frames")
        stop.set()
        sent = await running
    assert sent == site.truth.total
    assert any("hung up" in words or "lost" in words for words in said)
    assert all(parse(frame).command == SEND for frame in taken)


@pytest.mark.parametrize(
    ("dialect", "broker"),
    [
        ("ctwing", "mqtt://127.0.0.1:1"),
        ("ctwing", "tcp://h:1"),
        ("gb26875", "tcp://h"),
        ("gb26875", "http://h:1/x"),
    ],
)
async def test_an_address_must_suit_the_dialect(dialect: str, broker: str) -> None:
    """What cannot carry the dialect is refused before anything is sent, and the error says what can."""
    site = SimulatedSite(3, dialect=dialect, broker=broker, devices=5)
    with pytest.raises(ValueError, match="wants an address of the kind"):
        await run_live(site)
    with pytest.raises(ValueError, match="run_live"), site:
        site.advance(1)
