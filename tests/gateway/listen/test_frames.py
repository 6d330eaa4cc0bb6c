"""Frames over TCP and UDP: confirmed once kept, whatever the neighbours on the port do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.listen import frames
from gateway.listen.frames import UNCONFIRMED_MAX, Datagrams, Streams
from tests.gateway.listen.rig import Line, family, framed
from tests.parts import async_until

NOW = 1_795_276_800_000
Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Port(Line):
    """A line with a TCP port before it."""

    def __init__(self, folder: Path, *, idle_s: float = 60.0, peers_max: int = 1000, **settings: Any) -> None:
        super().__init__(folder, **settings)
        self._limits: dict[str, Any] = {"idle_s": idle_s, "peers_max": peers_max}

    async def __aenter__(self) -> Port:
        await super().__aenter__()
        self.streams = Streams(family(framed), self.uplink, self.figures, lambda: NOW, **self._limits)
        self.port = await self.streams.open("127.0.0.1", 0)
        return self

    async def __aexit__(self, *gone: object) -> None:
        self.streams.close()
        await async_until(lambda: not self.streams.peers, "everybody has gone")
        await super().__aexit__(*gone)

    @asynccontextmanager
    async def peer(self) -> AsyncIterator[Ends]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield reader, writer
        finally:
            writer.close()


async def said(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(20):
        return await reader.readline()


async def ended(reader: asyncio.StreamReader) -> None:
    """Return when they have closed."""
    async with asyncio.timeout(20):
        try:
            await reader.read()
        except ConnectionResetError:
            pass


async def test_a_frame_is_confirmed_when_it_is_kept(tmp_path: Path) -> None:
    """Before the commit a panel hears nothing and keeps its frame; after it, the frame's own confirmation."""
    async with Port(tmp_path) as port, port.peer() as (reader, writer):
        port.engine.holds = True
        writer.write(b"fire\n")
        await async_until(lambda: port.engine.received, "the engine has it")
        assert port.engine.received == [("s", "framed/x", b"fire")]
        answer = asyncio.create_task(said(reader))
        await asyncio.sleep(0)
        assert not answer.done()
        port.engine.keep()
        assert await answer == b"ok fire\n"


async def test_glued_and_cut_frames_are_all_confirmed_in_order(tmp_path: Path) -> None:
    """However the network cuts and glues the stream, each frame is taken once, in order."""
    sent = [b"frame %d" % n for n in range(300)]  # several times what may wait at once
    async with Port(tmp_path) as port, port.peer() as (reader, writer):
        whole = b"".join(frame + b"\n" for frame in sent)
        writer.write(whole[:1])
        await writer.drain()
        for start in range(1, len(whole), 997):
            writer.write(whole[start : start + 997])
            await writer.drain()
        for frame in sent:
            assert await said(reader) == b"ok " + frame + b"\n"
        assert [payload for _, _, payload in port.engine.received] == sent


async def test_what_is_refused_or_only_answered_is_not_kept(tmp_path: Path) -> None:
    """A bad frame is refused and a greeting answered at once; neither reaches the engine."""
    async with Port(tmp_path) as port, port.peer() as (reader, writer):
        writer.write(b"!bad\nhello\n")
        assert await said(reader) == b"no\n"
        assert await said(reader) == b"hello %d\n" % NOW
        assert port.engine.received == []


async def test_a_remark_follows_the_confirm_once_an_hour(tmp_path: Path) -> None:
    """What a device should know besides comes after its confirm, and not with every frame."""
    async with Port(tmp_path) as port, port.peer() as (reader, writer):
        writer.write(b"late 1\nlate 2\nfine\n")
        heard = [await said(reader) for _ in range(4)]
        assert heard == [b"ok late 1\n", b"your clock is wrong\n", b"ok late 2\n", b"ok fine\n"]


async def test_a_bad_peer_disturbs_no_good_one(tmp_path: Path) -> None:
    """Garbage, a codec's bug, half a frame: the neighbour on the same port is confirmed as if alone."""
    async with Port(tmp_path) as port, port.peer() as (good, writer):
        for bad in (b"\xff" * 200_000, b"burst\n", b"half a fra", b"!\n" * 5000, b"\n" * 3000):
            async with port.peer() as (_, other):
                other.write(bad)
                writer.write(b"fire\n")
                assert await said(good) == b"ok fire\n"
        assert port.engine.received.count(("s", "framed/x", b"fire")) == 5


async def test_without_an_engine_nothing_is_confirmed(tmp_path: Path) -> None:
    """The panel hears nothing, so it repeats; when the engine is back the repetition is confirmed."""
    async with Port(tmp_path, gone_s=0.05) as port, port.peer() as (reader, writer):
        await port.engine.stop()
        writer.write(b"fire\n")
        await async_until(lambda: port.figures.counts["s"]["engine_gone"], "it is given up")
        port.engine.listening.clear()
        await port.engine.start()
        await async_until(lambda: port.engine.listening, "connected again")
        writer.write(b"fire again\n")
        assert await said(reader) == b"ok fire again\n"
        assert port.engine.received == [("s", "framed/x", b"fire again")]


async def test_a_peer_that_sends_no_whole_frame_is_let_go(tmp_path: Path) -> None:
    """Silence ends a connection, and so does dripping: only whole frames count as having heard something."""
    async with Port(tmp_path, idle_s=0.3) as port:
        async with port.peer() as (reader, _):
            await ended(reader)
        async with port.peer() as (reader, writer):
            closed = asyncio.create_task(ended(reader))
            while not closed.done():
                writer.write(b"x")
                await asyncio.wait([closed], timeout=0.02)
        assert port.figures.counts["s"]["peers_dropped"] == 2


async def test_a_frame_without_end_is_let_go(tmp_path: Path) -> None:
    """A buffer holds so much and no more."""
    async with Port(tmp_path) as port, port.peer() as (reader, writer):
        writer.write(b"x" * (frames.BUFFER_MAX + 1))
        await ended(reader)
        assert port.figures.counts["s"]["peers_dropped"] == 1


async def test_a_full_port_has_room_for_the_next_panel(tmp_path: Path) -> None:
    """Whoever never sent a frame makes room first, then whoever was silent longest: an alarm is never locked out."""
    async with Port(tmp_path, peers_max=2) as port, port.peer() as (old, panel), port.peer() as (squatter, _):
        panel.write(b"1\n")
        assert await said(old) == b"ok 1\n"
        await async_until(lambda: len(port.streams.peers) == 2, "both are there")
        async with port.peer() as (new, writer):
            writer.write(b"2\n")
            assert await said(new) == b"ok 2\n"
            await ended(squatter)
            async with port.peer() as (newest, latest):
                latest.write(b"3\n")
                assert await said(newest) == b"ok 3\n"
                await ended(old)
                writer.write(b"4\n")
                assert await said(new) == b"ok 4\n"


async def test_a_peer_that_waits_for_much_is_not_read_further(tmp_path: Path) -> None:
    """While so many of its frames wait for the disk, a peer's next ones stay in the network."""
    async with Port(tmp_path) as port, port.peer() as (reader, writer):
        port.engine.holds = True
        for n in range(UNCONFIRMED_MAX):
            writer.write(b"%d\n" % n)
        await async_until(lambda: len(port.engine.received) == UNCONFIRMED_MAX, "they wait")
        writer.write(b"next\n")
        async with port.peer() as (other, neighbour):
            port.engine.holds = False
            neighbour.write(b"n\n")  # keeps everything held, too
            assert await said(other) == b"ok n\n"
        for n in range(UNCONFIRMED_MAX):
            assert await said(reader) == b"ok %d\n" % n
        assert await said(reader) == b"ok next\n"
        payloads = [payload for _, _, payload in port.engine.received]
        assert payloads.index(b"n") < payloads.index(b"next")


class _Caller(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.heard: list[bytes] = []

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.heard.append(data)


async def test_datagrams_are_confirmed_like_streams(tmp_path: Path) -> None:
    """Over UDP each datagram stands alone: whole frames are kept and confirmed, the rest is counted."""
    async with Line(tmp_path) as line:
        door = Datagrams(family(framed), line.uplink, line.figures, lambda: NOW)
        port = await door.open("127.0.0.1", 0)
        caller = _Caller()
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: caller, remote_addr=("127.0.0.1", port)
        )
        try:
            line.engine.holds = True
            transport.sendto(b"fire\nsmoke\n")
            await async_until(lambda: len(line.engine.received) == 2, "both are there")
            assert caller.heard == []
            line.engine.keep()
            await async_until(lambda: len(caller.heard) == 2, "both are confirmed")
            assert caller.heard == [b"ok fire\n", b"ok smoke\n"]
            for bad in (b"", b"half", b"burst\n", b"!no\n"):
                transport.sendto(bad)
            await async_until(lambda: len(caller.heard) == 3, "the bad one is refused")
            assert caller.heard[2] == b"no\n"
        finally:
            transport.close()
            door.close()


async def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    """Opening a busy port raises, so that the listener can say so and try again."""
    async with Port(tmp_path) as port:
        second = Streams(family(framed), port.uplink, port.figures, lambda: NOW)
        with pytest.raises(OSError, match="in use"):
            await second.open("127.0.0.1", port.port)
        second.close()
