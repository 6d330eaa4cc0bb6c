"""An engine that answers when the test says so, behind the real control socket; and codecs that push and frame."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from devices.codec import Decoded, Frame, Message, Push, Reply, Topic
from gateway.config import SourceSettings
from gateway.control import ControlServer
from gateway.listen.bounds import Figures
from gateway.listen.family import Family
from gateway.listen.uplink import Uplink
from tests.parts import async_until

KEY = "correct-horse-16"


class Engine:
    """`received` holds (source, topic, payload) in order. While `holds`, nothing is answered until `keep()`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.received: list[tuple[str, str, bytes]] = []
        self.listening: list[dict[str, Any]] = []
        self.told: list[tuple[str, bool, str]] = []
        self.say: Callable[[Mapping[str, Any]], None] = lambda _: None
        self.gone = 0
        self.holds = False
        self.refusal: str | None = None
        self._held: list[tuple[Callable[[Sequence[int]], None], int]] = []
        self._server: ControlServer | None = None

    async def start(self) -> None:
        self._server = ControlServer(
            self.path,
            lambda _: None,
            dict,
            _never,
            lambda *_: None,
            lambda _: None,
            lambda answer, say: _Inlet(self, answer, say),
        )
        await self._server.start()

    async def stop(self) -> None:
        """As a dying engine: connections end, and what was not answered never will be."""
        if self._server is not None:
            await self._server.stop()
            self.path.unlink(missing_ok=True)
            self._server = None
        self._held = []

    def keep(self) -> None:
        """Everything held is on disk now."""
        held, self._held = self._held, []
        for answer, name in held:
            answer([name])


class _Inlet:
    def __init__(
        self,
        engine: Engine,
        answer: Callable[[Sequence[int]], None],
        say: Callable[[Mapping[str, Any]], None],
    ) -> None:
        self._engine, self._answer = engine, answer
        engine.say = say

    def receive(self, name: int, message: Mapping[str, Any]) -> str | None:
        engine = self._engine
        engine.received.append((message["source"], message["topic"], message["payload"]))
        if engine.refusal is None:
            engine._held.append((self._answer, name))
            if not engine.holds:
                engine.keep()
        return engine.refusal

    def listening(self, message: Mapping[str, Any]) -> None:
        self._engine.listening.append(dict(message))

    def told(self, message: Mapping[str, Any]) -> None:
        self._engine.told.append((message["effect"], message["took"], message["why"]))

    def gone(self) -> None:
        self._engine.gone += 1


async def _never() -> None:
    raise AssertionError("nobody asks for a plan here")


class Line:
    """`async with Line(folder)`: an engine and an uplink to it, connected."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.engine = Engine(folder / "engine.sock")
        self._settings = settings
        self.figures = Figures(["s"])

    async def __aenter__(self) -> Line:
        await self.engine.start()
        self.uplink = Uplink(self.engine.path, **self._settings)
        self._running = asyncio.create_task(self.uplink.run())
        await async_until(lambda: self.engine.listening, "the uplink is connected")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)
        await self.engine.stop()


def cold() -> bool:
    """No alarm."""
    return False


def hot() -> bool:
    """An alarm."""
    return True


# -- codecs ---------------------------------------------------------------------------------------------------


def _decode(_context: Mapping[str, Any], _message: Message) -> Decoded:
    return Decoded()


def _admit(push: Push, secret: str) -> Reply | tuple[str, bytes]:
    if push.body == b"burst":
        raise RuntimeError("a bug of the codec")
    signature = push.query.get("signature", "")
    if not hmac.compare_digest(signature, f"{secret}:{push.query.get('nonce', '')}"):
        return Reply(401)
    if push.method == "GET":
        return Reply(body=push.query["msg"].encode())
    return f"signed/{push.path}", push.body


signed = SimpleNamespace(
    TOPICS=(Topic("signed/#"),), EXAMPLES=(), decode=_decode, admit=_admit, SIGNED=True,
    TAKEN=Reply(body=b'{"code":0}', media_type="application/json"), PUSH_MAX=200_000,
)  # fmt: skip
"""A platform that proves itself with `signature = secret:nonce`, and checks the address by GET."""


def _frames(buffer: bytearray, now: int) -> Iterator[Frame]:
    while b"\n" in buffer:
        line, _, rest = bytes(buffer).partition(b"\n")
        buffer[:] = rest
        if line == b"burst":
            raise RuntimeError("a bug of the codec")
        if line.startswith(b"!"):
            yield Frame(line, refuse=b"no\n")
        elif line.startswith((b"took ", b"denied ")):
            yield Frame(line, reply=(int(line.split()[1]), line.startswith(b"took")))
        elif line == b"hello":
            yield Frame(line, confirm=b"hello %d\n" % now)
        else:
            remark = b"your clock is wrong\n" if line.startswith(b"late") else None
            yield Frame(line, "framed/x", confirm=b"ok " + line + b"\n", remark=remark)


def _tell(order: bytes, heard: bytes, serial: int, now: int) -> bytes:
    if order == b"burst":
        raise RuntimeError("a bug of the codec")
    return b"do %s after %s %d\n" % (order, heard, serial)


framed = SimpleNamespace(TOPICS=(Topic("framed/#"),), EXAMPLES=(), decode=_decode, frames=_frames, tell=_tell)
"""A line is a frame, confirmed by `ok <line>`; `!...` is refused by `no`, `hello` answered and not taken, `late...`
brings a remark; `took <serial>` and `denied <serial>` answer what the device was told."""


def family(codec: Any = None, name: str = "native") -> Family:
    return Family(SourceSettings("s", "home", listen="http", codecs=(name,), key=KEY), codec)
