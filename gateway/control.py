"""The door between the view and the engine: a local socket for acts, questions and nudges."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec
import structlog

from gateway.core.effect import Answered
from gateway.core.event import Acted
from gateway.errors import EngineGone

FRAME_MAX: Final = 4 * 1024 * 1024
BUFFER_MAX: Final = 1024 * 1024  # a client that does not read is dropped: the engine never waits for one
ANSWER_S: Final = 10.0

log = structlog.get_logger(__name__)
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(dict[str, Any]).decode


class ActAnswer(msgspec.Struct, frozen=True):
    """What became of an act. `durable` False: it counts now, but is not on disk yet."""

    ok: bool
    code: str
    rev: int | None
    seq: int
    durable: bool


def frame(message: Mapping[str, Any]) -> bytes:
    body = _encode(message)
    return len(body).to_bytes(4, "big") + body


async def listen_privately(
    path: Path, serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
) -> asyncio.AbstractServer:
    """Listen on a local socket for this user only; one left by a dead process is replaced. Raises OSError."""
    path.unlink(missing_ok=True)  # noqa: ASYNC240  a name in our own folder, at a start
    before = os.umask(0o177)
    try:
        return await asyncio.start_unix_server(serve, str(path))
    finally:
        os.umask(before)


async def read_frame(reader: asyncio.StreamReader) -> dict[str, Any]:
    """The next message. Raises IncompleteReadError at the end, ValueError for a frame over the limit."""
    size = int.from_bytes(await reader.readexactly(4), "big")
    if size > FRAME_MAX:
        raise ValueError(f"frame of {size} bytes")
    return _decode(await reader.readexactly(size))


class Inlet(Protocol):
    """A client that brings messages, or says how it listens for them."""

    def receive(self, name: int, message: Mapping[str, Any]) -> str | None:
        """A message with its source, topic, payload and retained flag: None, or the code of a refusal."""

    def listening(self, message: Mapping[str, Any]) -> None:
        """Its `links` (name -> `up`, or why not) and `figures` (source -> what -> count)."""

    def told(self, message: Mapping[str, Any]) -> None:
        """What became of the order with this `effect`: `took`, and `why` not."""

    def gone(self) -> None:
        """The client is gone."""


Reported = tuple[str, str, float]
"""Metric, channel and value of one reading of the gateway's own device."""

Say = Callable[[Mapping[str, Any]], None]
Kept = Callable[[Sequence[int]], None]


class ControlServer:
    """The engine's side. `act` submits; its answer comes back through `answered` after the commit.

    `inlet` makes the other end for a client that brings messages; what it is given tells the client which are kept, and
    says anything else to it.
    """

    def __init__(
        self,
        path: Path,
        act: Callable[[Acted], None],
        status: Callable[[], Mapping[str, Any]],
        replan: Callable[[], Awaitable[None]],
        tell: Callable[[str, str, bool, str], None],
        followed: Callable[[Mapping[str, int]], None],
        inlet: Callable[[Kept, Say], Inlet] | None = None,
        *,
        report: Callable[[Sequence[Reported]], None] | None = None,
    ) -> None:
        self.path, self._act, self._status, self._replan, self._tell = path, act, status, replan, tell
        self._followed, self._inlet, self._report = followed, inlet, report
        self._inlets: dict[asyncio.StreamWriter, Inlet] = {}
        self._writers: set[asyncio.StreamWriter] = set()
        self._asked: dict[str, list[tuple[asyncio.StreamWriter, int]]] = {}
        self._server: asyncio.AbstractServer | None = None

    async def start(self) -> None:
        """Listen on the socket, for this user only. A socket left by a dead engine is replaced."""
        self._server = await listen_privately(self.path, self._serve)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for writer in list(self._writers):
            writer.close()

    def nudge(self, seq: int, news: bool = False) -> None:
        """Tell followers how far the journal reaches, and whether somebody waits for what is new in it."""
        self._send_all(frame({"seq": seq, "news": news}))

    def answered(self, answer: Answered, seq: int, durable: bool) -> None:
        """Hand an act's answer to whoever asked."""
        for writer, name in self._asked.pop(answer.key, ()):
            self._send(writer, {"id": name, "ok": answer.ok, "code": answer.code, "rev": answer.rev,
                                "seq": seq, "durable": durable})  # fmt: skip

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while True:
                await self._one(await read_frame(reader), writer)
        except (
            asyncio.IncompleteReadError,
            ConnectionError,
            ValueError,
            KeyError,
            msgspec.DecodeError,
        ) as error:
            if isinstance(error, ValueError | KeyError | msgspec.DecodeError):
                log.warning("control client dropped", reason=str(error)[:200])
        finally:
            if (inlet := self._inlets.pop(writer, None)) is not None:
                inlet.gone()
            self._writers.discard(writer)
            writer.close()

    async def _one(self, message: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        name = int(message.get("id", 0))
        match message.get("do"):
            case "act":
                act = msgspec.convert(message["act"], Acted)
                self._asked.setdefault(act.key, []).append((writer, name))
                self._act(act)
            case "status":
                self._send(writer, {"id": name, "ok": True, "status": dict(self._status())})
            case "replan":
                await self._replan()
                self._send(writer, {"id": name, "ok": True})
            case "tell":
                self._tell(str(message["metric"]), str(message["channel"]), bool(message["value"]),
                           str(message.get("reason", "")))  # fmt: skip
                self._send(writer, {"id": name, "ok": True})
            case "followed":
                self._followed({str(k): int(v) for k, v in message["cursors"].items()})
                self._send(writer, {"id": name, "ok": True})
            case "report" if self._report is not None:
                self._report(msgspec.convert(message["readings"], list[Reported]))
                self._send(writer, {"id": name, "ok": True})
            case "receive" | "listening" | "told" as what if self._inlet is not None:
                if writer not in self._inlets:
                    self._inlets[writer] = self._inlet(
                        partial(self._kept, writer), partial(self._send, writer)
                    )
                if what == "listening":
                    self._inlets[writer].listening(message)
                elif what == "told":
                    self._inlets[writer].told(message)
                elif (code := self._inlets[writer].receive(name, message)) is not None:
                    self._send(writer, {"id": name, "ok": False, "code": code})
            case other:
                self._send(writer, {"id": name, "ok": False, "code": f"unknown: {other}"})

    def _kept(self, writer: asyncio.StreamWriter, names: Sequence[int]) -> None:
        self._write(writer, b"".join(frame({"id": name, "ok": True}) for name in names))

    def _send_all(self, data: bytes) -> None:
        for writer in list(self._writers):
            self._write(writer, data)

    def _send(self, writer: asyncio.StreamWriter, message: Mapping[str, Any]) -> None:
        self._write(writer, frame(message))

    def _write(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        if writer.is_closing():
            return
        if writer.transport.get_write_buffer_size() > BUFFER_MAX:
            log.warning("control client too slow, dropped")
            self._writers.discard(writer)
            writer.transport.abort()
            return
        writer.write(data)


class ControlClient:
    """The view's side. Connects when first needed and again after a loss."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._names = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._reader: asyncio.Task[None] | None = None
        self._nudged = asyncio.Event()
        self._seq, self._news = 0, False
        self._lock = asyncio.Lock()

    async def act(self, acted: Acted) -> ActAnswer:
        """Raises EngineGone when there is no engine, or it does not answer in time."""
        answer = await self._ask({"do": "act", "act": msgspec.to_builtins(acted)})
        return msgspec.convert({k: v for k, v in answer.items() if k != "id"}, ActAnswer)

    async def status(self) -> dict[str, Any]:
        """The engine's own figures. Raises EngineGone."""
        found = (await self._ask({"do": "status"})).get("status")
        return found if isinstance(found, dict) else {}

    async def replan(self) -> None:
        """Ask the engine to read the registry again. Raises EngineGone."""
        await self._ask({"do": "replan"})

    async def tell(self, metric: str, channel: str, value: bool, reason: str) -> None:
        """A fact about the gateway's own parts, as a reading of its own device. Raises EngineGone."""
        await self._ask(
            {"do": "tell", "metric": metric, "channel": channel, "value": value, "reason": reason}
        )

    async def followed(self, cursors: Mapping[str, int]) -> None:
        """How far each part that reads the journal has got: what lies behind all of them may be unlinked.

        Raises EngineGone.
        """
        await self._ask({"do": "followed", "cursors": dict(cursors)})

    async def report(self, readings: Sequence[Reported]) -> None:
        """Numbers about the gateway, all at once, as readings of its own device. Raises EngineGone."""
        await self._ask({"do": "report", "readings": readings})

    async def nudges(self) -> AsyncIterator[tuple[int, bool]]:
        """The last seq the engine wrote, whenever it moves, and whether news came with it. Goes on across restarts."""
        while True:
            with contextlib.suppress(EngineGone):
                await self._connect()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await self._nudged.wait()
            self._nudged.clear()
            news, self._news = self._news, False
            yield self._seq, news

    async def close(self) -> None:
        if self._reader is not None:
            self._reader.cancel()
        if self._writer is not None:
            self._writer.close()

    async def _ask(self, message: dict[str, Any]) -> dict[str, Any]:
        writer = await self._connect()
        name = next(self._names)
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[name] = future
        try:
            writer.write(frame({"id": name, **message}))
            async with asyncio.timeout(ANSWER_S):
                return await future
        except (ConnectionError, TimeoutError) as error:
            raise EngineGone(str(error) or "no answer in time") from error
        finally:
            self._waiting.pop(name, None)

    async def _connect(self) -> asyncio.StreamWriter:
        async with self._lock:
            if self._writer is not None and not self._writer.is_closing():
                return self._writer
            try:
                reader, self._writer = await asyncio.open_unix_connection(str(self.path))
            except OSError as error:
                raise EngineGone(str(error)) from error
            self._reader = asyncio.create_task(self._read(reader, self._writer), name="control.read")
            return self._writer

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                message = await read_frame(reader)
                if "seq" in message and "id" not in message:
                    self._seq = int(message["seq"])
                    self._news = self._news or bool(message.get("news"))
                    self._nudged.set()
                elif (
                    future := self._waiting.get(int(message.get("id", 0)))
                ) is not None and not future.done():
                    future.set_result(message)
        except (asyncio.IncompleteReadError, ConnectionError, ValueError, msgspec.DecodeError):
            pass
        finally:
            writer.close()
            for future in self._waiting.values():
                if not future.done():
                    future.set_exception(ConnectionResetError("engine gone"))
