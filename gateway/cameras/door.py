"""How engine and view ask a camera's process for pictures: one local socket a process, a message and its answer."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec
import structlog

from devices.codec import LIFE_MS, Ask
from gateway.control import frame, listen_privately, read_frame
from gateway.core.effect import Command

ANSWER_S: Final = 2.0

log = structlog.get_logger(__name__)


LATER: Final = ("no-picture",)
"""Refusals that another try may not meet."""


class Refused(Exception):
    """The device takes no such command, and asking again would not help."""


class Carrier(Protocol):
    """What carries commands to devices: `async with` it, then publish. A client of a broker is one."""

    async def __aenter__(self) -> Any: ...

    async def __aexit__(self, *_: Any) -> None: ...

    async def publish(self, topic: str, payload: bytes, qos: int) -> None: ...


class Whose(msgspec.Struct, frozen=True):
    """On whose behalf a camera is asked: an incident, by its id and priority; None where there is none."""

    incident: str | None = None
    priority: int | None = None


class Order(msgspec.Struct, frozen=True):
    """The body of a native command (`devices.codecs.native.commands`) as it comes in at the door."""

    id: str
    name: str
    expires: int
    args: Whose = Whose()

    @property
    def at(self) -> int:
        """When it was first asked for, UTC ms: the same at every try."""
        return self.expires - LIFE_MS


def written(command: Command) -> tuple[Ask, ...]:
    """The native command to one of our own cameras, which also learns whose alarm asks."""
    native = command.device.partition(":")[2]
    order = Order(
        command.command, command.name, command.expires_at, Whose(command.incident, command.priority)
    )
    return (Ask(f"community/{native}/command", msgspec.json.encode(order)),)


class Shown(msgspec.Struct, frozen=True):
    """A camera's newest picture (UTC ms `at`) with everybody in it hidden. `learned`: by the view it has learned;
    without one the whole picture is blocks.
    """

    at: int
    jpeg: bytes
    learned: bool


class Door:
    """The camera process's side. `asked(native, order)` answers with "" or the code of a refusal, `shown(native)` with
    a preview or such a code.
    """

    def __init__(
        self,
        path: Path,
        asked: Callable[[str, Order], str],
        shown: Callable[[str], Awaitable[Shown | str]],
    ) -> None:
        self._path, self._asked, self._shown = path, asked, shown
        self._server: asyncio.AbstractServer | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def open(self) -> None:
        """Listen, for this user only."""
        self._server = await listen_privately(self._path, self._serve)

    async def close(self) -> None:
        """Take no more, and hang up."""
        self._path.unlink(missing_ok=True)
        if self._server is not None:
            self._server.close()
        for writer in list(self._writers):
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while True:
                message = await read_frame(reader)
                if "show" in message:
                    found = await self._shown(str(message["show"]))
                    more = {"code": found} if isinstance(found, str) else msgspec.structs.asdict(found)
                    writer.write(frame({"ok": not isinstance(found, str), **more}))
                    continue
                order = msgspec.json.decode(message["payload"], type=Order)
                _, site, camera, _ = str(message["topic"]).split("/")
                code = self._asked(f"{site}/{camera}", order)
                writer.write(frame({"ok": not code, "code": code}))
        except (
            asyncio.IncompleteReadError,
            ConnectionError,
            ValueError,
            KeyError,
            msgspec.DecodeError,
        ) as error:
            if not isinstance(error, asyncio.IncompleteReadError | ConnectionError):
                log.warning("a message at the camera's door makes no sense", reason=str(error)[:200])
        finally:
            self._writers.discard(writer)
            writer.close()


class Messenger:
    """The engine's side: a carrier to the processes of the cameras. `parts` says which has which, by native name."""

    def __init__(self, folder: Path, parts: Mapping[str, str]) -> None:
        self._folder, self._parts = folder, parts

    async def __aenter__(self) -> Messenger:
        return self

    async def __aexit__(self, *_: Any) -> None:
        return None

    async def publish(self, topic: str, payload: bytes, qos: int) -> None:
        """Hand it over; returns once the process has done it. Raises OSError, or Refused when it never will."""
        part = self._parts.get("/".join(topic.split("/")[1:3]))
        if part is None:
            raise OSError("no such camera")
        answer = await _said(self._folder / f"{part}.sock", {"topic": topic, "payload": payload, "qos": qos})
        if not answer.get("ok"):
            code = str(answer.get("code"))
            raise OSError(code) if code in LATER else Refused(code)


async def show(socket: Path, native: str) -> Shown:
    """The view's side: a preview of the camera of this native name. Raises OSError (of which TimeoutError is one) when
    the process does not answer within ANSWER_S, Refused with its code when it has nothing to show."""
    answer = await _said(socket, {"show": native})
    if not answer.get("ok"):
        raise Refused(str(answer.get("code")))
    try:
        return msgspec.convert(answer, Shown)
    except msgspec.ValidationError as error:
        raise OSError(str(error)) from error


async def _said(socket: Path, message: Mapping[str, Any]) -> dict[str, Any]:
    """What the process behind a socket answers. Raises OSError."""
    async with asyncio.timeout(ANSWER_S):
        reader, writer = await asyncio.open_unix_connection(str(socket))
        try:
            writer.write(frame(message))
            return await read_frame(reader)
        except (asyncio.IncompleteReadError, ValueError, msgspec.DecodeError) as error:
            raise OSError(str(error)) from error
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
