"""Devices that speak frames over TCP or UDP: each frame is confirmed once it is on disk, and not before."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple

import structlog

from devices.codec import Frame
from gateway.errors import EngineGone
from gateway.listen.bounds import Figures
from gateway.listen.family import Family
from gateway.listen.orders import Line, Lines
from gateway.listen.uplink import Uplink, UplinkBusy

IDLE_S: Final = 600.0  # without a whole frame; panels send a heartbeat at least every few minutes
PEERS_MAX: Final = 1_000  # connections of one source; the next one takes the place of the least useful
BUFFER_MAX: Final = 65_536  # bytes of an incomplete frame; the longest known protocol needs 1 054
READ_MAX: Final = 16_384
UNCONFIRMED_MAX: Final = 64  # frames of one peer that wait for the disk; then it is not read any further
REMARK_MS: Final = 3_600_000
REMARKS_MAX: Final = 10_000  # devices remembered; past it the memory starts again
ANSWERS_MAX: Final = 65_536  # bytes of confirmations a peer has not read

log = structlog.get_logger(__name__)


class _Peer:
    """One connection."""

    def __init__(self, writer: asyncio.StreamWriter, heard: float) -> None:
        self.writer, self.heard = writer, heard
        self.buffer = bytearray()
        self.proven = False  # has sent a whole frame
        self.waiting = 0
        self.room = asyncio.Event()
        self.room.set()

    @property
    def open(self) -> bool:
        """Whether somebody is there."""
        return not self.writer.is_closing()

    def answer(self, data: bytes | None) -> None:
        """Send it, if somebody is there and reads."""
        if data and not self.writer.is_closing():
            if self.writer.transport.get_write_buffer_size() > ANSWERS_MAX:
                self.writer.transport.abort()
            else:
                self.writer.write(data)


class _Taker:
    """What TCP and UDP do alike with a frame."""

    def __init__(self, family: Family, uplink: Uplink, figures: Figures, utc: Callable[[], int]) -> None:
        self.family, self._uplink, self._figures, self._utc = family, uplink, figures, utc
        self._remarked: dict[str, int] = {}
        self.lines = Lines(family, utc)

    def cut(self, buffer: bytearray) -> list[Frame] | None:
        """The whole frames of a buffer; None where the codec raised."""
        return self.family.frames(buffer, self._utc())

    def take(self, frame: Frame, line: Line, ended: Callable[[], None]) -> bool:
        """Answer the frame in its time; True if it waits for the disk, and then `ended` hears when it does no more."""
        if frame.refuse is not None:
            self._figures.count(self.family.name, "frames_refused")
            line.answer(frame.refuse)
            return False
        self.lines.heard(frame, line)
        if not frame.topic:
            line.answer(frame.confirm)
            self._figures.count(self.family.name, "answered")
            return False
        hot = partial(self.family.hot, frame.topic, frame.data)
        try:
            kept = self._uplink.offer(self.family.name, frame.topic, frame.data, hot)
        except UplinkBusy:
            self._figures.count(self.family.name, "busy")
        except EngineGone:
            self._figures.count(self.family.name, "engine_gone")
        else:
            kept.add_done_callback(partial(self._kept, frame, line, ended))
            return True
        return False  # unconfirmed: the device repeats it

    def _kept(self, frame: Frame, line: Line, ended: Callable[[], None], kept: asyncio.Future[None]) -> None:
        ended()
        if kept.cancelled() or kept.exception() is not None:
            self._figures.count(self.family.name, "engine_gone")
            return
        self._figures.count(self.family.name, "taken")
        line.answer(frame.confirm)
        if frame.remark is not None and self._may_remark(frame.topic):
            line.answer(frame.remark)

    def _may_remark(self, topic: str) -> bool:
        """Whether this device was told nothing of the kind for an hour."""
        now = self._utc()
        if now - self._remarked.get(topic, -REMARK_MS) < REMARK_MS:
            return False
        if len(self._remarked) >= REMARKS_MAX:
            self._remarked.clear()
        self._remarked[topic] = now
        return True


class Streams(_Taker):
    """A TCP server for one source. A peer that sends garbage, or nothing, is in nobody's way."""

    def __init__(
        self, family: Family, uplink: Uplink, figures: Figures, utc: Callable[[], int],
        *, idle_s: float = IDLE_S, peers_max: int = PEERS_MAX,
    ) -> None:  # fmt: skip
        super().__init__(family, uplink, figures, utc)
        self._idle_s, self._peers_max = idle_s, peers_max
        self.peers: set[_Peer] = set()
        self._loop = asyncio.get_running_loop()
        self._server: asyncio.AbstractServer | None = None

    async def open(self, host: str, port: int) -> int:
        """Listen, and give the port. Raises OSError."""
        server = self._server = await asyncio.start_server(self._serve, host, port, backlog=256)
        return int(server.sockets[0].getsockname()[1])

    def close(self) -> None:
        """Stop listening and let go of everybody."""
        self.lines.close()
        if self._server is not None:
            self._server.close()
        for peer in list(self.peers):
            peer.writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = _Peer(writer, self._loop.time())
        self._make_room()
        self.peers.add(peer)
        held = writer.get_extra_info("socket")
        with contextlib.suppress(OSError):  # a connection that is gone already
            held.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        try:
            why = await self._read(peer, reader)
        except TimeoutError:
            why = "silent"
        except ConnectionError:
            why = "lost"
        finally:
            self.peers.discard(peer)
            writer.close()
        if peer.proven:
            log.info("peer gone", source=self.family.name, peer=_name(writer), why=why)
        if why not in ("closed", "lost"):
            self._figures.count(self.family.name, "peers_dropped")

    async def _read(self, peer: _Peer, reader: asyncio.StreamReader) -> str:
        """Until it ends; says why. Only a whole frame counts as having heard something."""
        while True:
            async with asyncio.timeout_at(peer.heard + self._idle_s):
                data = await reader.read(READ_MAX)
                if not data:
                    return "closed"
                peer.buffer += data
                if not await self._cut(peer):
                    return "unreadable"
                await peer.writer.drain()

    async def _cut(self, peer: _Peer) -> bool:
        """Take the frames that are whole, so many at a time; False when the rest can become none any more."""
        frames = self.cut(peer.buffer)
        if frames is None:
            return False
        for frame in frames:
            await peer.room.wait()
            if frame.refuse is None:
                peer.heard = self._loop.time()
                if not peer.proven:
                    peer.proven = True
                    log.info("peer", source=self.family.name, peer=_name(peer.writer))
            if self.take(frame, peer, partial(self._ended, peer)):
                peer.waiting += 1
                if peer.waiting >= UNCONFIRMED_MAX:
                    peer.room.clear()
        return len(peer.buffer) <= BUFFER_MAX

    def _ended(self, peer: _Peer) -> None:
        peer.waiting -= 1
        if peer.waiting < UNCONFIRMED_MAX:
            peer.room.set()

    def _make_room(self) -> None:
        """When full: whoever never sent a frame goes first, then whoever was silent longest."""
        if len(self.peers) < self._peers_max:
            return
        least = min(self.peers, key=lambda peer: (peer.proven, peer.heard))
        self.peers.discard(least)
        self._figures.count(self.family.name, "peers_dropped")
        least.writer.transport.abort()


class Datagrams(_Taker, asyncio.DatagramProtocol):
    """A UDP server for one source; each datagram holds whole frames."""

    _transport: asyncio.DatagramTransport | None = None

    async def open(self, host: str, port: int) -> int:
        """Listen, and give the port. Raises OSError."""
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(host, port))
        self._transport = transport
        return int(transport.get_extra_info("sockname")[1])

    def close(self) -> None:
        """Stop listening."""
        self.lines.close()
        if self._transport is not None:
            self._transport.close()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        buffer, line = bytearray(data), _Sender(self._transport, addr)
        for frame in self.cut(buffer) or ():
            self.take(frame, line, _nothing)
        if buffer:
            self._figures.count(self.family.name, "frames_refused")


class _Sender(NamedTuple):
    """Where datagrams came from: the way back to whoever sent them."""

    transport: asyncio.DatagramTransport | None
    addr: tuple[str, int]

    @property
    def open(self) -> bool:
        """Whether we still listen; whether they do, only their answer tells."""
        return self.transport is not None and not self.transport.is_closing()

    def answer(self, data: bytes | None) -> None:
        """Send it."""
        if data and self.transport is not None and not self.transport.is_closing():
            self.transport.sendto(data, self.addr)


def _nothing() -> None:
    return None


def _name(writer: asyncio.StreamWriter) -> str:
    host, port, *_ = writer.get_extra_info("peername") or ("?", 0)
    return f"{host}:{port}"
