"""MQTT 3.1.1 bytes made ahead of time, so that the load costs next to nothing while it is measured."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Sequence
from typing import cast


def _string(text: str) -> bytes:
    raw = text.encode()
    return struct.pack(">H", len(raw)) + raw


def _packet(kind: int, body: bytes) -> bytes:
    size, length = b"", len(body)
    while True:
        length, digit = divmod(length, 128)
        size += bytes([digit | (0x80 if length else 0)])
        if not length:
            return bytes([kind]) + size + body


def connect(client: str, user: str, password: str) -> bytes:
    """CONNECT with a clean session (MQTT 3.1.1, 3.1)."""
    head = _string("MQTT") + bytes([4, 0xC2]) + struct.pack(">H", 300)
    return _packet(0x10, head + _string(client) + _string(user) + _string(password))


def subscribe(pattern: str, qos: int) -> bytes:
    return _packet(0x82, b"\x00\x01" + _string(pattern) + bytes([qos]))


def publish(topic: str, payload: bytes, qos: int, packet_id: int) -> bytes:
    """PUBLISH; the id is only sent for QoS 1."""
    number = struct.pack(">H", packet_id) if qos else b""
    return _packet(0x30 | qos << 1, _string(topic) + number + payload)


class Wire(asyncio.Protocol):
    """One connection that counts acknowledgements and hands on everything else it hears."""

    def __init__(self) -> None:
        self.acked = 0
        self.opened = asyncio.get_running_loop().create_future()
        self.writable = asyncio.Event()
        self.writable.set()
        self.messages: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()
        self._rest = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance

    def pause_writing(self) -> None:
        self.writable.clear()

    def resume_writing(self) -> None:
        self.writable.set()

    def write(self, data: bytes) -> None:
        assert self._transport is not None
        self._transport.write(data)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        data = self._rest + data
        at, end = 0, len(data)
        while end - at >= 2:
            length, shift, here = 0, 0, at + 1
            while here < end:
                digit = data[here]
                length |= (digit & 127) << shift
                here, shift = here + 1, shift + 7
                if not digit & 128:
                    break
            else:
                break
            if here + length > end:
                break
            kind = data[at] & 0xF0
            if kind == 0x40:
                self.acked += 1
            elif kind == 0x20 and not self.opened.done():
                self.opened.set_result(data[here + 1])
            elif kind == 0x30:
                self._message(data[at], data[here : here + length])
            at = here + length
        self._rest = data[at:]

    def _message(self, head: int, body: bytes) -> None:
        size = int.from_bytes(body[:2], "big")
        topic, at = body[2 : 2 + size].decode(), 2 + size
        if head & 6:
            self.write(b"\x40\x02" + body[at : at + 2])
            at += 2
        self.messages.put_nowait((topic, body[at:]))


async def open_wire(host: str, port: int, client: str, user: str, password: str) -> Wire:
    """A connection the broker has accepted. Raises ConnectionError when it refuses."""
    _, wire = await asyncio.get_running_loop().create_connection(Wire, host, port)
    wire.write(connect(client, user, password))
    if await wire.opened != 0:
        raise ConnectionError(f"{client} was refused")
    return wire


async def send(wire: Wire, packets: Sequence[bytes], rate: float | None) -> float:
    """Write all packets, `rate` a second or as fast as the broker takes them; gives the seconds it took."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    chunk = 100 if rate is None else max(1, round(rate / 200))
    for at in range(0, len(packets), chunk):
        wire.write(b"".join(packets[at : at + chunk]))
        await wire.writable.wait()
        if rate is None:
            await asyncio.sleep(0)
        else:
            ahead = began + (at + chunk) / rate - loop.time()
            if ahead > 0:
                await asyncio.sleep(ahead)
    return loop.time() - began
