"""A broker and an engine as real processes, that tests may kill, stop and start again."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import aiomqtt
import msgspec

from gateway.app.child import Orders
from gateway.broker import EmbeddedBroker
from gateway.config import Settings, SourceSettings, check
from gateway.control import ControlClient
from gateway.core.event import Event
from gateway.errors import EngineGone
from gateway.journal import JournalReader, Row
from tests.parts import require

ROOT = Path(__file__).parents[2]


async def reached(condition: Callable[[], Awaitable[bool]], what: str, within_s: float) -> None:
    """Ask again and again until it holds; fails with `what` when it does not in time."""
    try:
        async with asyncio.timeout(within_s):
            while not await condition():  # noqa: ASYNC110 - it asks another process
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"not within {within_s:g} s: {what}") from None


class Plant:
    """`async with Plant(folder)`: the broker runs; `start()` the engine, `kill()` it, look at what it wrote."""

    def __init__(
        self, data: Path, *, prefer: Literal["mosquitto", "nats"] = "mosquitto", channels: dict[str, Any] | None = None,
        document: dict[str, Any] | None = None, program: tuple[str, ...] = ("-m", "gateway.app.engine"),
    ) -> None:  # fmt: skip
        require("mosquitto" if prefer == "mosquitto" else "nats-server")
        self.data = data
        self.broker = EmbeddedBroker(data / "broker", port=0, prefer=prefer)
        report = check(None)
        assert report.settings is not None
        self.settings: Settings = msgspec.structs.replace(
            report.settings, data=str(data), sources=(SourceSettings("local", "home"),),
            channels={**report.settings.channels, **(channels or {})},
        )  # fmt: skip
        self.document = document
        self.program = program
        self.control = ControlClient(data / "engine.sock")
        self.process: asyncio.subprocess.Process | None = None
        self.boots = 0

    async def __aenter__(self) -> Plant:
        if self.document is not None:
            from gateway.registry import Registry

            registry = Registry.open(self.data / "registry.sqlite")
            registry.import_catalogue(self.document, who="test", now=1)
            registry.close()
        await self.broker.start()
        self._running = asyncio.create_task(self.broker.run(), name="plant.broker")
        return self

    async def __aexit__(self, *_: object) -> None:
        self.kill()
        if self.process is not None:
            await self.process.wait()
        await self.control.close()
        self._running.cancel()
        await self.broker.stop()

    async def start(self) -> None:
        """Start the engine; returns when it answers."""
        await self.launch()
        await reached(self._answers, "the engine answers", within_s=30)

    async def launch(self) -> None:
        """Start the engine, whatever becomes of it."""
        self.boots += 1
        orders = msgspec.msgpack.encode(
            Orders("engine", str(self.data), msgspec.msgpack.encode(self.settings), broker_host="127.0.0.1",
                   broker_port=self.broker.port, broker_kind=self.broker.kind, boot=f"boot{self.boots}")
        )  # fmt: skip
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, *self.program, cwd=ROOT,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        assert self.process.stdin is not None
        self.process.stdin.write(len(orders).to_bytes(4, "big") + orders)

    async def _answers(self) -> bool:
        try:
            links = (await self.control.status())["links"]
        except (EngineGone, KeyError):
            return False
        return bool(links) and all(state == "up" for state in links.values())

    def kill(self) -> None:
        """SIGKILL, as a power cut would."""
        if self.process is not None and self.process.returncode is None:
            self.process.send_signal(signal.SIGKILL)

    async def crash(self) -> None:
        """Kill it and start it again."""
        self.kill()
        assert self.process is not None
        await self.process.wait()
        await self.control.close()
        self.control = ControlClient(self.data / "engine.sock")
        await self.start()

    async def stop(self) -> int:
        """A clean stop; gives the exit code."""
        assert self.process is not None
        assert self.process.stdin is not None
        self.process.stdin.close()
        return await self.process.wait()

    def client(self, name: str = "device", *, gateway: bool = False) -> aiomqtt.Client:
        """A client of the broker: a device, or (to listen to everything) the gateway's own account."""
        account = self.broker.credentials if gateway else self.broker.device_credentials
        return aiomqtt.Client(
            "127.0.0.1", self.broker.port, username=account.user, password=account.password, identifier=name,
            max_inflight_messages=200,
        )  # fmt: skip

    def rows(self) -> Iterator[Row]:
        """Everything the journal holds, in order."""
        reader = JournalReader(self.data / "journal")
        after = 0
        while rows := reader.rows(after):
            yield from rows
            after = rows[-1].first + len(rows[-1].events) - 1

    def events(self) -> Iterator[tuple[int, Event]]:
        for row in self.rows():
            for index, (_, event) in enumerate(row.events):
                yield row.first + index, event

    def results(self) -> list[Any]:
        return [item.result for row in self.rows() for item in row.happened]

    async def settled(self) -> None:
        """Return when nothing is in flight and the broker has nothing left for us.

        nats-server sends what was never acknowledged again only after its ack_wait of 3 s.
        """
        loop = asyncio.get_running_loop()
        quiet_s = 1.0 if self.broker.kind == "mosquitto" else 5.0
        seen, since = -1, loop.time()

        async def still() -> bool:
            nonlocal seen, since
            try:
                status = await self.control.status()
            except EngineGone:
                return False
            if status["counts"]["messages"] != seen or status["in_flight"] or status["outbox"]:
                seen, since = status["counts"]["messages"], loop.time()
            return loop.time() - since > quiet_s

        await reached(still, "everything is stored", within_s=60)
