"""The listener process: what is pushed over HTTP, TCP and UDP goes to the engine, and is answered once it is kept."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import structlog

from gateway.app.child import Orders, many_files, run
from gateway.clock import SystemClock
from gateway.config.profilefiles import site_profiles
from gateway.config.settings import Settings, SourceSettings
from gateway.listen.address import Address, link_name
from gateway.listen.bounds import Figures
from gateway.listen.family import Family
from gateway.listen.frames import Datagrams, Streams
from gateway.listen.orders import order_of
from gateway.listen.uplink import Uplink

AGAIN_S: Final = 5.0  # until a busy port is tried again
SAY_S: Final = 2.0

log = structlog.get_logger(__name__)


class ListenerProcess:
    """Owns every way in and wires them to the engine."""

    def __init__(self, orders: Orders) -> None:
        self.orders = orders
        self.settings = msgspec.msgpack.decode(orders.settings, type=Settings)
        self.sources = [s for s in self.settings.sources if s.pushed]
        self.figures = Figures([s.name for s in self.sources])
        self.links: dict[str, str] = {}
        self.servers: list[tuple[str, Streams | Datagrams]] = []
        self.tasks: list[asyncio.Task[Any]] = []

    async def main(self, stop: asyncio.Event) -> None:
        """Open every way in and hold it open until stopped."""
        many_files()
        self.uplink = Uplink(Path(self.orders.data) / "engine.sock", ordered=self._ordered)
        self._task(self.uplink.run(), "uplink")
        over_http: list[Family] = []
        profiles, _ = site_profiles(
            Path(name) for name in self.settings.profiles
        )  # the engine says what is wrong
        for source in self.sources:
            family = Family(source, profiles=profiles)
            for address in source.listens:
                self.links[link_name(source.name, address.kind)] = "not open yet"
                if address.kind == "http":
                    over_http.append(family)
                else:
                    self._hold(source, family, address)
        server = self._web(over_http) if over_http else None
        self._task(self._says(), "says")
        stopped = asyncio.create_task(stop.wait(), name="listener.stop")
        # A way in that is open for good has ended its task well; any other end is ours.
        lasting = [t for t in self.tasks if not t.get_name().startswith("listener.open")]
        done, _ = await asyncio.wait([stopped, *lasting], return_when=asyncio.FIRST_COMPLETED)
        await self._close(server)
        for task in done:
            if task is not stopped:
                task.result()
                raise RuntimeError(f"{task.get_name()} ended")
        stopped.cancel()

    def _task(self, work: Any, name: str) -> None:
        self.tasks.append(asyncio.create_task(work, name=f"listener.{name}"))

    def _hold(self, source: SourceSettings, family: Family, address: Address) -> None:
        kind = Streams if address.kind == "tcp" else Datagrams
        door = kind(family, self.uplink, self.figures, SystemClock().utc_ms)
        door.lines.told = self.uplink.told
        self.servers.append((source.name, door))
        link = link_name(source.name, address.kind)
        self._task(self._open(door, address, link), f"open.{link}")

    def _ordered(self, message: Mapping[str, Any]) -> None:
        """The engine wants a device told something: over the line on which it was heard, TCP before UDP."""
        order = order_of(message)
        doors = [door.lines for name, door in self.servers if name == order.source]
        if not doors:
            self.uplink.told(order.effect, False, "unreachable: nothing listens for this source")
            return
        next((lines for lines in doors if lines.has(order.topic)), doors[0]).send(order)

    async def _open(self, door: Streams | Datagrams, address: Address, link: str) -> None:
        """Take the port, now or as soon as it is free: it stands in the devices, so no other will do."""
        while True:
            try:
                await door.open(address.host, address.port)
            except OSError as error:
                if self.links[link] != str(error):
                    log.error("cannot listen", link=link, address=str(address), reason=str(error))
                self._state(link, str(error))
                await asyncio.sleep(AGAIN_S)
            else:
                log.info("listening", link=link, address=str(address))
                self._state(link, "up")
                return

    def _web(self, families: list[Family]) -> Any:
        """The HTTP server, on the socket that the supervisor holds, so that a restart loses no connection attempt."""
        from gateway.listen.http import PushApp
        from gateway.listen.web import PushServer

        wanted = self.settings.listener
        held = (
            socket.socket(fileno=os.dup(self.orders.listen_fd))
            if self.orders.listen_fd >= 0
            else socket.create_server((wanted.host, wanted.port))
        )
        loop = asyncio.get_running_loop()
        app = PushApp({f.name: f for f in families}, self.uplink, self.figures, loop.time)
        server = PushServer(app.app)
        self._task(server.run_on(held), "web")
        for family in families:
            self._state(link_name(family.name, "http"), "up")
        return server

    def _state(self, link: str, state: str) -> None:
        self.links[link] = state
        self._say()

    def _say(self) -> None:
        counts = {name: dict(counter) for name, counter in self.figures.counts.items()}
        for name, door in self.servers:
            if isinstance(door, Streams):
                counts[name]["peers"] = len(door.peers)
        self.uplink.say(self.links, {**counts, "": {"strangers": self.figures.strangers}})

    async def _says(self) -> None:
        while True:
            self._say()
            await asyncio.sleep(SAY_S)

    async def _close(self, server: Any) -> None:
        """Take nothing new, answer what is under way, let go."""
        for _, door in self.servers:
            door.close()
        if server is not None:
            server.should_exit = True
            web = [t for t in self.tasks if t.get_name() == "listener.web"]
            await asyncio.wait(web, timeout=5)
        self.uplink.say({}, {})  # closed in order, and no news
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


async def _main(orders: Orders, stop: asyncio.Event) -> None:
    await ListenerProcess(orders).main(stop)


if __name__ == "__main__":
    run(_main)
