"""A network camera: an HTTP server of JPEGs one after the other, which shows, stalls, breaks and dies as it is told."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Mapping, Sequence

import cv2

from devices.simulator.scenes import Happening, Scene

FPS = 8
STALL, GARBAGE = "stall", "garbage"


def rendered(*happenings: Happening, seconds: float = 3.0, width: int = 320) -> list[bytes]:
    """A quiet yard as JPEGs; with noise, so that it lives."""
    scene = Scene(seed=3, seconds=seconds, fps=FPS, width=width, people=0, cars=0, happenings=happenings)
    return [cv2.imencode(".jpg", picture)[1].tobytes() for _, picture in scene.frames()]


class Camera:
    """`async with Camera(films)`: shows `films[self.shows]` again and again to whoever asks."""

    def __init__(self, films: Mapping[str, Sequence[bytes]], shows: str = "quiet") -> None:
        self.films, self.shows = films, shows
        self.port = 0
        self.asked = 0
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> Camera:
        await self.on()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.off()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/video.mjpg"

    async def on(self) -> None:
        """Listen, on the port it had before."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def off(self) -> None:
        """Pull the plug."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        self.asked += 1
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(
                b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n"
            )
            for n in itertools.count():
                if self.shows == STALL:
                    await asyncio.sleep(3600)
                if self.shows == GARBAGE:
                    body = bytes(n * k % 256 for k in range(4000))
                else:
                    film = self.films[self.shows]
                    body = film[n % len(film)]
                writer.write(
                    b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n"
                    % (len(body), body)
                )
                await writer.drain()
                await asyncio.sleep(1 / FPS)
        self._writers.discard(writer)
        writer.close()
