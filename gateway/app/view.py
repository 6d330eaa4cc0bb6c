"""The view process: follows the journal, keeps views and history, answers the API; the engine never waits for it."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import socket
import sqlite3
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import structlog

from gateway.api.app import create_app
from gateway.api.catalogue import replan
from gateway.api.erasing import erased, points_of
from gateway.api.figuring import reported
from gateway.api.health import fingerprint, report
from gateway.api.hub import Hub
from gateway.api.notes import Notes
from gateway.api.parts import Parts
from gateway.api.static import default_web
from gateway.api.world import World
from gateway.app.channels import link_key
from gateway.app.child import Orders, many_files, run
from gateway.app.pages import GRACE_S, PageServer
from gateway.app.storedoor import SOCKET, StoreDoor, Work
from gateway.app.stores import Stores
from gateway.auth import EVERYWHERE, Auth
from gateway.auth.signin import TOKEN_MAX_MS
from gateway.cameras.roster import Roster
from gateway.chain import mended
from gateway.clock import UTC_FLOOR_MS, SystemClock
from gateway.config.settings import Settings
from gateway.control import ControlClient, Reported
from gateway.errors import EngineGone
from gateway.evidence.room import open_room
from gateway.follow import Follower
from gateway.health_of import HealthOf
from gateway.latest import Latest
from gateway.marks import Marks
from gateway.newcomers import Newcomers
from gateway.planning import PlanRefused, build_plan
from gateway.registry import Registry, RegistryError
from gateway.registry.reader import Directory, RegistryReader
from gateway.series import StoreError
from gateway.views import Change, Views

PULSE_S: Final = 2.0
REOPEN_S: Final = 30.0
PLACING_S: Final = 1.0
SWEEP_S: Final = 3600.0
FIGURES_S: Final = 60.0
SAVE_S: Final = 900.0  # a city takes seconds; what was learned since is learned again, or lost
ROOM_S: Final = 60.0  # cameras fill what is left of the bound in some minutes at the soonest
SWEEPS_MAX: Final = 1_000  # of some thousand rows each; what is left waits an hour
DAY_MS: Final = 86_400_000
TAIL_EVENTS: Final = 200_000  # a second or two of reading at the start
SWITCH_S: Final = 0.001  # whoever watches waits a millisecond for the threads that follow and store, not five
GC_OBJECTS: Final = 50_000  # rows come and go by thousands without cycles; Python's own is 700

log = structlog.get_logger(__name__)


class ViewProcess:
    """Owns every part of the view and wires them."""

    def __init__(self, orders: Orders) -> None:
        self.orders = orders
        self.settings = msgspec.msgpack.decode(orders.settings, type=Settings)
        self.data = Path(orders.data)
        self.clock = SystemClock()
        self.failed: asyncio.Event = asyncio.Event()
        self.tasks: list[asyncio.Task[Any]] = []
        self.plan_seen = ""
        self.told: dict[str, bool] = {}
        self.parts_said = b""

    async def main(self, stop: asyncio.Event) -> None:
        """Open everything, follow and answer until stopped, then leave everything on disk."""
        many_files()
        await asyncio.to_thread(self._open)
        self.loop = asyncio.get_running_loop()
        self.hub = self.house.hub = Hub(self.views.applied_seq)
        await asyncio.to_thread(self.follower.start)
        for feeder in self.stores.feeders:
            feeder.start()
        gc.collect()
        gc.freeze()
        gc.set_threshold(GC_OBJECTS, 20, 20)
        self.door = StoreDoor(self.data / SOCKET, self._work())
        await self.door.start()
        sys.setswitchinterval(SWITCH_S)
        server = PageServer(create_app(self.house))
        self._task(server.serve([self._socket()]), "web")
        self._task(self._nudges(), "nudges")
        self._task(self._pulses(), "pulse")
        self._task(self._sweeps(), "sweep")
        self._task(self._room(), "evidence")
        self._task(self._reopens(), "stores")
        self._task(self._placing(), "placing")
        self._task(self._saves(), "health")
        self._task(self._figures(), "figures")
        log.info("view ready", seq=self.views.applied_seq, points=len(self.latest), url=self.orders.web_url)
        ended = [asyncio.create_task(stop.wait(), name="view.stop"),
                 asyncio.create_task(self.failed.wait(), name="view.failed")]  # fmt: skip
        done, _ = await asyncio.wait([*ended, *self.tasks], return_when=asyncio.FIRST_COMPLETED)
        await self._close(server)
        for task in ended:
            task.cancel()
        if self.failed.is_set():
            raise SystemExit(1)
        for task in done:
            if task not in ended:
                task.result()
                raise RuntimeError(f"{task.get_name()} ended")

    def _open(self) -> None:
        """Everything that may block: files, migrations, what stores remember."""
        data = self.data
        self.registry = Registry.open(data / "registry.sqlite")
        self.auth = Auth(self.registry)
        self._first_sign_in()
        self.directory = Directory(data / "registry.sqlite")
        self.key = link_key(data)
        self.views = Views(data / "views.sqlite")
        self.latest = Latest()
        self.health = HealthOf(data / "health.sqlite")
        self.control = ControlClient(data / "engine.sock")
        self.stores = Stores(self.settings, data, self.clock)
        self.house = Parts(
            data, self.views, self.latest, self.stores.feeders, None, self.control, self.registry, self.auth,
            self.directory, mended(data / "notes.sqlite", Notes), Hub(0), self._world(), self.key, self.orders.web_url,
            default_web(), cameras=Roster(self.settings.cameras, data / "cameras"),
            clock=self.clock, replanned=self.take_on_plan, devices_health=self.health, unopened=self.stores.unopened,
            retention=self.stores.retention, marks=mended(data / "marks.sqlite", Marks),
        )  # fmt: skip
        room = self.house.evidence = open_room(
            data, self.stores.proofs, self.settings.evidence.bound_bytes, lambda: self.house.world.catalogue,
            {camera.source for camera in self.settings.cameras},
        )  # fmt: skip
        for name in self.settings.stores:
            self.stores.open(name)
        self.house.history = self.stores.history()
        latest_seq = max(self.views.applied_seq - TAIL_EVENTS, 0)  # without a store the journal's end must do
        if (near := self.stores.nearest()) is not None:
            try:
                self.latest.load(near.latest())
                latest_seq = near.cursor()
            except StoreError as error:
                log.error("latest values begin with the journal's end", reason=str(error))
        self.follower = self.house.follower = Follower(
            data / "journal", self.views, self.latest, self.stores.feeders, self._applied, self._ended,
            latest_seq=latest_seq, health=self.health, marks=self.house.marks, clock=self.clock,
            sightings=None if room is None else room.sightings,
        )  # fmt: skip

    def _work(self) -> Work:
        """What `csg store` may ask of us."""
        return Work(
            self.stores, lambda points, device, place: points_of(self.house, points, device, place),
            lambda points, why: erased(self.house, self.stores.retention, points, why),
        )  # fmt: skip

    def _first_sign_in(self) -> None:
        """While nobody has a password: a one-time token in a file only the gateway's user can read."""
        path = self.data / "secrets" / "first-sign-in"
        now = self.clock.utc_ms()
        known = [u for u in self.auth.users.all() if ("admin", EVERYWHERE) in u.grants and not u.disabled]
        chosen = any(user.has_password for user in known)
        young = path.exists() and now - path.stat().st_mtime * 1000 < TOKEN_MAX_MS
        if young and known and not chosen:
            return
        token = self.auth.first_token(now=now)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.unlink(missing_ok=True)
        if token is not None:
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(token + "\n")

    def _world(self) -> World:
        plan = build_plan(self.settings, RegistryReader(self.data / "registry.sqlite"))
        return World(plan, self.directory, key=self.key, base_url=self.orders.web_url)

    async def take_on_plan(self) -> None:
        """See the registry as it is now. A plan that cannot be made leaves the one we show."""
        try:
            self.house.world = await asyncio.to_thread(self._world)
        except (PlanRefused, RegistryError) as error:
            log.error("the plan cannot be made; names and places stay as they were", reason=str(error))

    def _socket(self) -> socket.socket:
        """The listening socket that the supervisor holds for us, so that a restart loses no connection attempt."""
        if self.orders.web_fd >= 0:
            return socket.socket(fileno=os.dup(self.orders.web_fd))
        web = socket.create_server((self.settings.web.host, self.settings.web.port))
        self.house.base_url = self.orders.web_url or f"http://{web.getsockname()[0]}:{web.getsockname()[1]}"
        return web

    # -- the follower's thread --------------------------------------------------------------------------------

    def _applied(self, seq: int, changes: Sequence[Change]) -> None:
        self.loop.call_soon_threadsafe(self.hub.applied, seq, changes)

    def _ended(self, _error: BaseException) -> None:
        """Without a follower we would show an old world as if it were now: the process ends and is started again."""
        self.loop.call_soon_threadsafe(self.failed.set)

    # -- tasks ------------------------------------------------------------------------------------------------

    def _task(self, work: Any, name: str) -> None:
        self.tasks.append(asyncio.create_task(work, name=f"view.{name}"))

    async def _nudges(self) -> None:
        async for seq, news in self.control.nudges():
            self.follower.nudge(seq, news)

    async def _pulses(self) -> None:
        """Every two seconds: is the engine there, has the plan changed, how are the parts, and who should know?"""
        pulse = self.house.pulse
        while True:
            with contextlib.suppress(EngineGone):
                pulse.status = await self.control.status()
                pulse.heard_at = self.clock.monotonic_ms()
                plan = str(pulse.status.get("plan", ""))
                if plan != self.plan_seen:
                    if self.plan_seen:
                        await self.take_on_plan()
                    self.plan_seen = plan
                await self._tell_stores()
                await self.control.followed(self._cursors())
            said = fingerprint(self.house)
            if said != self.parts_said:
                self.parts_said = said
                self.hub.tell("health", msgspec.json.encode(report(self.house, full=True)))
            await asyncio.sleep(PULSE_S)

    def _cursors(self) -> dict[str, int]:
        """What the journal must keep: for the views and for the store next to us. Other stores have its bound only,
        or one that is away for good would fill the disk; what they miss they get from that one."""
        cursors = {"view": self.views.stored_seq}
        if (near := self.stores.nearest()) is not None:
            cursors["history"] = near.cursor()
        return cursors

    async def _tell_stores(self) -> None:
        """A store that fails is a fact about the gateway, and so a reading of its own device."""
        states = {feeder.name: feeder.failing for feeder in self.stores.feeders}
        states.update(self.house.unopened)
        for name, failing in states.items():
            if self.told.get(name, True) != (failing is None):
                await self.control.tell("store_ok", name, failing is None, failing or "")
                self.told[name] = failing is None

    async def _sweeps(self) -> None:
        """Once an hour: what is past its time goes."""
        while True:
            now = self.clock.utc_ms()
            days = self.settings.retention.incidents_days
            await asyncio.to_thread(self._sweep_views, now, days)
            await asyncio.to_thread(self.house.notes.sweep, now - days * DAY_MS)
            await asyncio.to_thread(self.auth.sweep, now)
            try:
                await asyncio.to_thread(self.house.marks.sweep, now - days * DAY_MS)
                if now >= UTC_FLOOR_MS:  # an unset clock must not date anything
                    if self.house.evidence is not None:
                        await asyncio.to_thread(self.house.evidence.sweep, now)
                    await asyncio.to_thread(self.stores.retention.sweep, now)
            except sqlite3.Error as error:
                log.error("nothing is deleted while its proof cannot be kept", reason=str(error))
            await asyncio.sleep(SWEEP_S)

    async def _room(self) -> None:
        """Once a minute: pictures that are needed least make room where the bound is reached."""
        while True:
            await asyncio.sleep(ROOM_S)
            if self.house.evidence is not None:
                try:
                    await asyncio.to_thread(self.house.evidence.sweeping.room, self.clock.utc_ms())
                except (sqlite3.Error, OSError) as error:
                    log.error("no room for new pictures", reason=str(error))

    def _sweep_views(self, now: int, days: int) -> None:
        for _ in range(SWEEPS_MAX):
            if not self.views.sweep(now, days):
                return

    async def _saves(self) -> None:
        """What was learned of devices reaches the disk now and then; a disk that refuses is asked again."""
        while True:
            await asyncio.sleep(SAVE_S)
            try:
                await asyncio.to_thread(self.health.save)
            except sqlite3.Error as error:
                log.error("what was learned of devices is not saved", reason=str(error))

    async def _figures(self) -> None:
        """Once a minute the day's figures are readings of the gateway's own device, for whoever reads only those."""
        while True:
            await asyncio.sleep(FIGURES_S)
            try:
                await self.control.report(await asyncio.to_thread(self._day))
            except EngineGone:
                continue  # its absence is told elsewhere
            except sqlite3.Error as error:
                log.error("no figures this minute", reason=str(error))

    def _day(self) -> list[Reported]:
        house = self.house
        found = house.figuring.look(self.views, house.world, self.clock)
        overview = house.looking.look(house.world, self.views, self.health, self.clock)
        lags = {f.name: f.lag_ms / 1000 for f in self.stores.feeders if f.lag_ms is not None}
        return reported(found, overview, lags)

    async def _placing(self) -> None:
        """Newcomers whose name a saved rule knows get their place, and the engine hears of it."""
        newcomers = Newcomers(self.latest, self.registry, self.clock)
        while True:
            await asyncio.sleep(PLACING_S)
            try:
                if not await asyncio.to_thread(newcomers.due):
                    continue
                if await asyncio.to_thread(newcomers.place):
                    await replan(self.house)
            except RegistryError as error:
                log.error("newcomers wait for their place", reason=str(error))

    async def _reopens(self) -> None:
        """A store that did not open is tried again; it fills up from the journal by itself."""
        while True:
            await asyncio.sleep(REOPEN_S)
            for name in list(self.house.unopened):
                feeder = await asyncio.to_thread(self.stores.open, name)
                if feeder is not None:
                    feeder.start()
                    self.follower.add(feeder)
                    self.house.history = self.stores.history()

    async def _close(self, server: PageServer) -> None:
        self.hub.close()
        self.door.stop()
        server.should_exit = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GRACE_S + 2):
                await asyncio.gather(
                    *(t for t in self.tasks if t.get_name() == "view.web"), return_exceptions=True
                )
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.control.close()
        await asyncio.to_thread(self._close_files)
        gc.unfreeze()  # or DuckDB complains at exit of what it never got back

    def _close_files(self) -> None:
        self.follower.stop()
        self.stores.close()
        try:
            self.health.close()
        except sqlite3.Error as error:
            log.error("what was learned of devices is not saved", reason=str(error))
        self.views.close()
        self.house.notes.close()
        self.house.marks.close()
        if self.house.evidence is not None:
            self.house.evidence.close()
        self.auth.close()
        self.registry.close()
        self.directory.close()


async def _main(orders: Orders, stop: asyncio.Event) -> None:
    await ViewProcess(orders).main(stop)


if __name__ == "__main__":
    run(_main)
