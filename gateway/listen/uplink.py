"""The listener's line to the engine: messages in order over the control socket, each answered once it is on disk."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import structlog

from gateway.control import frame, read_frame
from gateway.errors import EngineGone, GatewayError

PATIENCE_S: Final = 10.0  # a message without an answer for so long is given up; its sender repeats it
GONE_S: Final = 5.0
"""An engine away for longer than a restart takes is gone: senders hear it at once. The most impatient platform
(OneNET) gives up after 5 s by itself."""
RETRY_S: Final = 0.2
OUTSTANDING_MAX: Final = 1_000  # messages not yet answered
RESERVE: Final = 1_000  # as many again for alarms: what hangs is then the disk, and P1 goes out without it
BUFFER_MAX: Final = 4 * 1024 * 1024  # bytes a hanging engine has not read yet

log = structlog.get_logger(__name__)


class UplinkBusy(GatewayError):
    """So many messages wait for the engine that this one must be sent again."""


class NotTaken(GatewayError):
    """The engine refused the message for good; the text is its code."""


class _Waiting:
    __slots__ = ("data", "done", "until")

    def __init__(self, data: bytes, until: float, done: asyncio.Future[None]) -> None:
        self.data, self.until, self.done = data, until, done


class Uplink:
    """Call `offer` for each message and `run` once.

    What an engine that dies has not answered is sent again to its successor, before anything newer: it may have been
    stored already, and is then stored once more, which the core tells from a second event where it can (by the device's
    sequence, by time and value). A repeated call is accepted, a lost one is not. `ordered` hears what the engine wants
    devices told; what became of it is for `told`, and lost with an engine that dies, whose successor asks again.
    """

    def __init__(
        self,
        path: Path,
        *,
        patience_s: float = PATIENCE_S,
        gone_s: float = GONE_S,
        outstanding: int = OUTSTANDING_MAX,
        ordered: Callable[[Mapping[str, Any]], None] | None = None,
    ) -> None:
        self._path, self._patience_s, self._gone_s, self._outstanding = path, patience_s, gone_s, outstanding
        self._ordered = ordered
        self._names = itertools.count(1)
        self._waiting: dict[int, _Waiting] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._said: dict[str, Any] = {"do": "listening", "links": {}, "figures": {}}
        self._loop = asyncio.get_running_loop()
        self._lost_at = self._loop.time()

    @property
    def outstanding(self) -> int:
        """Messages whose answer is not there yet."""
        return len(self._waiting)

    def offer(
        self, source: str, topic: str, payload: bytes, hot: Callable[[], bool], retained: bool = False
    ) -> asyncio.Future[None]:
        """Send a message; the future is done when it is on disk, or fails with EngineGone or NotTaken.

        `hot` is asked, only when there is no room, whether the message is a live alarm. Raises UplinkBusy, EngineGone.
        """
        now = self._loop.time()
        if self._writer is None and now - self._lost_at > self._gone_s:
            raise EngineGone(f"away for {now - self._lost_at:.0f} s")
        many = len(self._waiting)
        if many >= self._outstanding and (many >= self._outstanding + RESERVE or not hot()):
            raise UplinkBusy(f"{many} messages wait for the engine")
        if self._unread() > BUFFER_MAX:
            raise UplinkBusy("the engine does not read")
        name = next(self._names)
        data = frame(
            {
                "id": name,
                "do": "receive",
                "source": source,
                "topic": topic,
                "payload": payload,
                "retained": retained,
            }
        )
        done: asyncio.Future[None] = self._loop.create_future()
        self._waiting[name] = _Waiting(data, now + self._patience_s, done)
        self._write(data)
        return done

    def say(self, links: Mapping[str, str], figures: Mapping[str, Mapping[str, int]]) -> None:
        """How each way in is (`up`, or why not) and what was counted, as health and metrics show it."""
        self._said = {
            "do": "listening",
            "links": dict(links),
            "figures": {k: dict(v) for k, v in figures.items()},
        }
        self._greet()

    def told(self, effect: str, took: bool, why: str) -> None:
        """What became of an order: whether the device took it, and `code: words` where it did not."""
        self._write(frame({"id": 0, "do": "told", "effect": effect, "took": took, "why": why}))

    async def run(self) -> None:
        """Keep the line up, until cancelled."""
        sweeping = asyncio.create_task(self._sweep(), name="uplink.sweep")
        try:
            while True:
                try:
                    reader, writer = await asyncio.open_unix_connection(str(self._path))
                except OSError:
                    await asyncio.sleep(RETRY_S)
                    continue
                try:
                    await self._speak(reader, writer)
                finally:
                    self._writer = None
                    self._lost_at = self._loop.time()
                    writer.close()
                log.warning("engine lost", waiting=len(self._waiting))
        finally:
            sweeping.cancel()

    async def _speak(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection: first what waits, in its order, then whatever is offered."""
        self._writer = writer
        self._greet()
        for waiting in self._waiting.values():
            self._write(waiting.data)
        try:
            while True:
                message = await read_frame(reader)
                if message.get("do") == "order" and self._ordered is not None:
                    self._ordered(message)
                else:
                    self._answered(message)
        except (asyncio.IncompleteReadError, ConnectionError, ValueError, msgspec.DecodeError):
            return

    def _greet(self) -> None:
        self._write(frame({"id": 0, **self._said}))

    def _write(self, data: bytes) -> None:
        """Now, if there is somebody; else to the next one, with all that waits. uvloop raises on a closed transport."""
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(data)

    def _unread(self) -> int:
        if self._writer is None or self._writer.is_closing():
            return 0
        return self._writer.transport.get_write_buffer_size()

    def _answered(self, message: Mapping[str, Any]) -> None:
        waiting = self._waiting.pop(int(message.get("id", 0)), None)
        if waiting is None or waiting.done.done():
            return
        if message.get("ok"):
            waiting.done.set_result(None)
        else:
            waiting.done.set_exception(NotTaken(str(message.get("code", "refused"))))

    async def _sweep(self) -> None:
        """Give up what waits too long: all of it once the engine counts as gone, else the oldest."""
        while True:
            await asyncio.sleep(min(0.1, self._patience_s / 4))
            now = self._loop.time()
            gone = self._writer is None and now - self._lost_at > self._gone_s
            for name, waiting in list(self._waiting.items()):
                if not gone and waiting.until > now:
                    break
                del self._waiting[name]
                if not waiting.done.done():
                    waiting.done.set_exception(EngineGone("gone" if gone else "no answer in time"))
