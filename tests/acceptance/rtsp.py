"""A network camera that speaks RTSP (RFC 2326) over TCP and sends its JPEGs as RTP (RFC 2435)."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import Iterator, Sequence

FPS = 8
CHUNK = 1200
SDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=yard\r\nt=0 0\r\nm=video 0 RTP/AVP 26\r\na=control:track1\r\n"


def packets(jpeg: bytes, sequence: int, stamp: int) -> Iterator[bytes]:
    """One baseline 4:2:0 JPEG as RTP packets, its quantisation tables with it."""
    tables, at, size = b"", 2, (0, 0)
    while jpeg[at + 1] != 0xDA:  # the markers before the scan
        length = int.from_bytes(jpeg[at + 2 : at + 4], "big")
        body = jpeg[at + 4 : at + 2 + length]
        if jpeg[at + 1] == 0xDB:
            tables += b"".join(body[n + 1 : n + 65] for n in range(0, len(body), 65))
        elif jpeg[at + 1] == 0xC0:
            size = (int.from_bytes(body[3:5], "big"), int.from_bytes(body[1:3], "big"))
        at += 2 + length
    scan = jpeg[at + 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big") : -2]
    for n, offset in enumerate(range(0, len(scan), CHUNK)):
        last = offset + CHUNK >= len(scan)
        head = struct.pack(">BBHII", 0x80, (0x80 if last else 0) | 26, (sequence + n) % 65536, stamp, 7)
        head += struct.pack(">II", offset, (1 << 24) | (255 << 16) | (size[0] // 8 << 8) | size[1] // 8)
        if offset == 0:
            head += struct.pack(">BBH", 0, 0, len(tables)) + tables
        yield head + scan[offset : offset + CHUNK]


class RtspCamera:
    """`async with RtspCamera(film)`: plays the JPEGs (sides divisible by 8) again and again to whoever asks."""

    def __init__(self, film: Sequence[bytes]) -> None:
        self._film = film
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    @property
    def url(self) -> str:
        return f"rtsp://127.0.0.1:{self.port}/yard"

    async def __aenter__(self) -> RtspCamera:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                asked = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                verb = asked.split(" ", 1)[0].lstrip("$\x00")
                number = asked.partition("CSeq: ")[2].partition("\r\n")[0]
                more, body = "", ""
                if verb == "DESCRIBE":
                    more, body = f"Content-Type: application/sdp\r\nContent-Length: {len(SDP)}\r\n", SDP
                elif verb == "SETUP":
                    more = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 1\r\n"
                elif verb == "OPTIONS":
                    more = "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n"
                writer.write(f"RTSP/1.0 200 OK\r\nCSeq: {number}\r\n{more}\r\n{body}".encode())
                if verb == "PLAY":
                    task = asyncio.create_task(self._play(writer))
                    self._tasks.add(task)
                    task.add_done_callback(self._tasks.discard)
        writer.close()

    async def _play(self, writer: asyncio.StreamWriter) -> None:
        sequence = 0
        with contextlib.suppress(ConnectionError):
            for n in range(1_000_000):
                for packet in packets(self._film[n % len(self._film)], sequence, n * 90_000 // FPS):
                    writer.write(b"$\x00" + len(packet).to_bytes(2, "big") + packet)
                    sequence += 1
                await writer.drain()
                await asyncio.sleep(1 / FPS)
