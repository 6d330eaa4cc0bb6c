"""A whole gateway in one test: real engine, journal, registry, views and API, with clock and channels in our hands."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from devices.reading import Reading
from gateway.api.app import create_app
from gateway.api.hub import Hub
from gateway.api.notes import Notes
from gateway.api.parts import Parts
from gateway.api.world import World
from gateway.auth import Auth
from gateway.cameras.roster import Roster
from gateway.cameras.settings import CameraSettings
from gateway.clock import ManualClock, Stamper
from gateway.config.cameras import with_cameras
from gateway.config.settings import Settings, SourceSettings
from gateway.control import ControlClient, ControlServer
from gateway.core.effect import Answered, Ask, Command, Notify, Publish
from gateway.core.event import Acted, Delivered, Event, Measured, Outcome
from gateway.engine import Engine
from gateway.evidence.room import EvidenceRoom
from gateway.feed import Feeder
from gateway.follow import Follower
from gateway.inprocess import START_UTC_MS, thaw_plan
from gateway.journal import Journal
from gateway.latest import Latest
from gateway.marks import Marks
from gateway.planning import build_plan
from gateway.proofs import Proofs
from gateway.registry import Registry
from gateway.registry.reader import Directory, RegistryReader
from gateway.retention import Retention
from gateway.views import Change, Views
from tests.gateway.api.shelf import Shelf
from tests.parts import async_until

LINK_KEY = b"k" * 32
DETECTOR = "a:hall"
OTHER = "b:hall"

CATALOGUE: dict[str, Any] = {
    "grids": [{"id": "grid-1", "name": "第一网格"}],
    "places": [
        {"id": "site-a", "level": "site", "name": "阳光花园"},
        {"id": "a-1", "level": "building", "name": "1号楼", "parent": "site-a", "grid": "grid-1"},
        {"id": "a-1-101", "level": "household", "name": "101", "parent": "a-1"},
        {"id": "a-2", "level": "building", "name": "2号楼", "parent": "site-a"},
        {"id": "site-b", "level": "site", "name": "月光花园"},
        {"id": "b-1", "level": "building", "name": "1号楼", "parent": "site-b"},
    ],
    "devices": [
        {"id": DETECTOR, "place": "a-1-101", "kind": "smoke", "name": "厅", "report_period_s": 3600},
        {"id": "a:door", "place": "a-2", "kind": "access"},
        {"id": OTHER, "place": "b-1", "kind": "smoke"},
    ],
    "people": [
        {"id": "p-duty", "name": "王值班", "staff": True, "roles": [["duty_operator", "site-a"]],
         "addresses": [["recording", "1"]]},
        {"id": "p-grid", "name": "李网格", "staff": True, "roles": [["grid_staff", "grid-1"]], "language": "en",
         "addresses": [["recording", "2"]]},
        {"id": "p-home", "name": "张住户", "roles": [["household", "a-1-101"]], "addresses": [["recording", "3"]]},
    ],
}  # fmt: skip

GRANTS = {
    "admin": ("admin", ""),
    "operator": ("operator", "site-a"),
    "grid_staff": ("grid_staff", "grid-1"),
    "viewer": ("viewer", "a-1"),
    "stranger": ("operator", "site-b"),
}
"""Whom the tests ask as: each holds one grant; the stranger is an operator elsewhere."""


def furnish(path: Path) -> dict[str, str]:
    """Make a registry with the catalogue and one API key for each role; gives the keys."""
    registry = Registry.open(path)
    registry.import_catalogue(CATALOGUE, who="test", now=START_UTC_MS)
    auth = Auth(registry)
    made = {
        role: auth.keys.add(role, [grant], who="test", now=START_UTC_MS)[1] for role, grant in GRANTS.items()
    }
    auth.close()
    registry.database.forget_freed_pages()  # all in one file: it is copied for each test
    registry.close()
    return made


class House:
    """`measure` and `act` reach the engine as live; `client(role)` asks the API as that role."""

    def __init__(self, folder: Path, keys: dict[str, str], cameras: tuple[CameraSettings, ...] = ()) -> None:
        """`folder` holds a furnished registry (`furnish`), which gave the keys."""
        self.folder = folder
        self.clock = ManualClock(START_UTC_MS)
        self.settings = with_cameras(
            Settings(
                data=str(folder),
                sources=(SourceSettings("a", "site-a"), SourceSettings("b", "site-b")),
                channels={"recording": {"kind": "recording"}},
                cameras=cameras,
            )
        )
        self.keys = keys
        self.registry = Registry(folder / "registry.sqlite")
        self.auth = Auth(self.registry)
        self.plan = build_plan(self.settings, RegistryReader(folder / "registry.sqlite"))
        self.journal = Journal(folder / "journal")
        self.engine = Engine(self.journal, Stamper(self.clock), self, thaw_plan)
        self.engine.start(self.plan)
        self.sent: list[Notify | Publish] = []
        self.told: list[Command] = []
        self.server = ControlServer(
            folder / "engine.sock", self._act, self._status, self._replan, lambda *_: None, lambda _: None
        )
        self.replans = 0
        self.store = Shelf()
        self.directory = Directory(folder / "registry.sqlite")
        self.control = ControlClient(folder / "engine.sock")
        views, latest = Views(folder / "views.sqlite"), Latest()
        self.proofs = Proofs(folder / "proofs.sqlite")
        feeder = Feeder("history", self.store, folder / "journal", gather_s=0.01, allowed=self.proofs.allowed)
        kept = self.settings.retention
        retention = Retention(self.proofs, lambda: {"history": self.store}, ("history",), kept.days_of)
        self.parts = Parts(
            folder, views, latest, [feeder], self.store, self.control, self.registry, self.auth, self.directory,
            Notes(folder / "notes.sqlite"), Hub(views.applied_seq), self._world(), LINK_KEY, "http://test", None,
            clock=self.clock, replanned=self._replanned, retention=retention, marks=Marks(folder / "marks.sqlite"),
            cameras=Roster(self.settings.cameras, folder / "cameras"),
        )  # fmt: skip
        self.evidence = self.parts.evidence = EvidenceRoom(folder, self.proofs)
        self.follower = self.parts.follower = Follower(
            folder / "journal", views, latest, [feeder], self._applied, self._ended, clock=self.clock,
            health=self.parts.devices_health, marks=self.parts.marks,
        )  # fmt: skip
        self.app = create_app(self.parts)
        self.ended: list[BaseException] = []
        self._clients: list[httpx.AsyncClient] = []
        self._nudging: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self.loop = asyncio.get_running_loop()
        await self.start_engine()
        self.follower.start()
        for feeder in self.parts.feeders:
            feeder.start()
        self._nudging = asyncio.create_task(self._nudge())
        self.settle()
        self.follower.nudge(self.engine.state.seq)
        await self.level()

    async def start_engine(self) -> None:
        await self.server.start()
        self.parts.pulse.status, self.parts.pulse.heard_at = self._status(), self.clock.monotonic_ms()

    async def stop(self) -> None:
        if self._nudging is not None:
            self._nudging.cancel()
        for client in self._clients:
            await client.aclose()
        await self.control.close()
        await self.server.stop()
        self.follower.stop()
        for feeder in self.parts.feeders:
            feeder.stop()
        self.parts.views.close()
        self.parts.notes.close()
        self.parts.marks.close()
        self.evidence.close()
        self.proofs.close()
        self.auth.close()
        self.registry.close()
        self.directory.close()
        self.journal.close()
        assert not self.ended

    def now(self) -> int:
        return self.clock.utc_ms()

    def client(self, role: str | None = None) -> httpx.AsyncClient:
        """Asks as the holder of that role's API key; without one as nobody."""
        headers = {"Authorization": f"Bearer {self.keys[role]}"} if role is not None else {}
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        client = httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers)
        self._clients.append(client)
        return client

    @contextlib.asynccontextmanager
    async def served(self, role: str) -> AsyncIterator[httpx.AsyncClient]:
        """The same over a real socket, for what must stream."""
        config = uvicorn.Config(
            self.app, port=0, log_config=None, lifespan="off", ws="none", timeout_graceful_shutdown=1
        )
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve())
        await async_until(lambda: server.started, "the server to listen")
        port = server.servers[0].sockets[0].getsockname()[1]
        headers = {"Authorization": f"Bearer {self.keys[role]}"}
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=10
        ) as client:
            yield client
        self.parts.hub.close()
        server.should_exit = True
        await task

    async def level(self) -> None:
        """Wait until the views and the store hold everything."""
        seq = self.engine.state.seq
        assert await self.parts.hub.reached(seq, 10)
        await async_until(lambda: self.store.broken or self.store.last >= seq, "the store to follow")

    async def measure(self, device: str, metric: str, value: Any) -> None:
        """One reading, committed and followed."""
        await self.happen(Measured(device.partition(":")[0], [Reading(f"{device}/{metric}/", value)]))

    async def happen(self, event: Event) -> None:
        self.engine.submit(event)
        self.settle()
        await self.level()

    async def fire(self, device: str = DETECTOR) -> str:
        """A detector alarms; gives the incident's id."""
        await self.measure(device, "smoke", True)
        site = "site-a" if device.startswith("a:") else "site-b"
        return max(
            i.id for i in self.engine.state.incidents.values() if i.site == site and i.hazard == "fire"
        )

    def settle(self) -> None:
        """Write everything, and let every channel say that it sent."""
        self.engine.flush()
        while waiting := [e for e in self.sent if e.id in self.engine.state.outbox]:
            for effect in waiting:
                self.engine.submit(Delivered(effect.id, Outcome.SENT))
            self.engine.flush()

    # -- the engine's outlet ------------------------------------------------------------------------------------

    def acknowledge(self, tokens: Sequence[Any]) -> None:
        """Nobody waits for acknowledgements."""

    def redeliver(self) -> None:
        """No broker is here to ask."""

    def deliver(self, effects: Sequence[Notify | Publish]) -> None:
        self.sent.extend(effects)

    def withdraw(self, effects: Sequence[str]) -> None:
        """Nothing waits: everything is sent at once."""

    def command(self, command: Command) -> None:
        """No device is here to obey: what becomes of it the tests say."""
        self.told.append(command)

    def ask(self, ask: Ask) -> None:
        """No codec is here to ask."""

    def answer(self, answered: Answered, seq: int, durable: bool) -> None:
        self.server.answered(answered, seq, durable)

    def committed(self, seq: int, news: bool) -> None:
        if hasattr(self, "server"):
            self.server.nudge(seq, news)

    # -- wiring -------------------------------------------------------------------------------------------------

    def _act(self, act: Acted) -> None:
        self.engine.submit(act)
        self.settle()

    def _status(self) -> dict[str, Any]:
        return {
            "seq": self.engine.state.seq,
            "durable": True,
            "links": {"a.rest": "up"},
            "plan": self.engine.plan.digest,
        }

    async def _replan(self) -> None:
        self.replans += 1
        self.engine.replan(build_plan(self.settings, RegistryReader(self.folder / "registry.sqlite")))
        self.settle()

    async def _replanned(self) -> None:
        self.plan = build_plan(self.settings, RegistryReader(self.folder / "registry.sqlite"))
        self.parts.world = self._world()

    def _world(self) -> World:
        return World(self.plan, self.directory, key=LINK_KEY, base_url="http://test")

    def _applied(self, seq: int, changes: Sequence[Change]) -> None:
        self.loop.call_soon_threadsafe(self.parts.hub.applied, seq, changes)

    def _ended(self, error: BaseException) -> None:
        self.ended.append(error)

    async def _nudge(self) -> None:
        async for seq, news in self.control.nudges():
            self.follower.nudge(seq, news)
