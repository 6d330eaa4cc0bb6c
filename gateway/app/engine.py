"""The engine process: MQTT in, codecs, journal, step, delivery out. Nothing here waits for the view."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import itertools
import os
import random
import resource
import select
import shutil
import signal
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import aiomqtt
import msgspec
import structlog

from devices.decode import Decoder
from devices.reading import Reading, device_id, point_id
from gateway.app.channels import make_deliverer
from gateway.app.child import Orders, run
from gateway.clock import Stamper, SystemClock
from gateway.config.settings import EMBEDDED, OWN_SOURCE, Settings, SourceSettings
from gateway.control import ControlServer
from gateway.core.effect import Answered, Ask, Notify, Publish
from gateway.core.event import Acted, Delivered, Gap, Measured
from gateway.core.plan import Plan
from gateway.core.state import State, freeze
from gateway.engine import Engine
from gateway.errors import JournalError
from gateway.ingest import Ingest
from gateway.inprocess import thaw_plan
from gateway.journal import Journal, Suspect
from gateway.mqtt import Session, SessionSettings, parse_broker_url
from gateway.planning import build_plan
from gateway.pump import Pump
from gateway.registry.reader import RegistryReader

SNAPSHOT_EVENTS: Final = 300_000  # replays in seconds; a snapshot sooner costs more than it saves
SNAPSHOT_S: Final = 600.0
SNAPSHOT_STUCK_S: Final = 120.0
GUARDED_MESSAGES: Final = 200  # after an unclean exit, stepped one at a time with their digest on disk
ASKS_MAX: Final = 1000

log = structlog.get_logger(__name__)


class EngineProcess:
    """Owns every part of the engine and wires them; also the engine's `Outlet`."""

    def __init__(self, orders: Orders) -> None:
        self.orders = orders
        self.settings = msgspec.msgpack.decode(orders.settings, type=Settings)
        self.data = Path(orders.data)
        self.journal = Journal(self.data / "journal", bound_bytes=self.settings.journal.bound_bytes)
        self.engine = Engine(self.journal, Stamper(SystemClock()), self, thaw_plan, orders.boot)
        self.sessions: list[Session] = []
        self.tasks: list[asyncio.Task[Any]] = []
        self.asks: asyncio.Queue[Ask] = asyncio.Queue(ASKS_MAX)
        self.snapshot_pid = 0
        self.snapshot_seq = 0
        self.snapshot_at = 0.0
        self.cursors: dict[str, int] = {
            "view": 0
        }  # how far each follower has got; nothing past it is unlinked
        self.told: dict[tuple[str, str], Any] = {}

    # -- start and stop ---------------------------------------------------------------------------------------

    async def main(self, stop: asyncio.Event) -> None:
        """Recover, open the doors, run until stopped, then leave everything on disk."""
        clean = self.engine.start(self._plan())
        self.snapshot_seq = self.engine.state.seq
        gc.collect()
        gc.freeze()
        loop = asyncio.get_running_loop()
        self.snapshot_at = loop.time()
        self.pump = Pump(self.engine, lambda ok, why: self.tell("journal_ok", "", ok))
        self.pump.between = self._snapshot
        self.control = ControlServer(
            self.data / "engine.sock",
            self._act,
            self.status,
            self._replan,
            self._told_from_outside,
            self.cursors.update,
        )
        self.deliverer, self.composer = make_deliverer(
            self.settings,
            self.orders,
            self._installation(),
            self._delivered,
            self.engine.plan.plan,
            self._brief,
        )
        self.ingest = self._ingest(clean)
        self.engine.flush()
        await self.control.start()
        self._task(self.deliverer.run(), "deliver")
        self.deliverer.submit(self.engine.outbox())
        for settings in self.settings.sources:
            self._open(settings)
        self._task(self._ask_loop(), "asks")
        self._task(self._housekeeping(), "housekeeping")
        self._task(self._keep_house(), "journal")
        if self.engine.damaged:
            log.error("journal damaged", what=self.engine.damaged)
        self.tell("journal_ok", "history", not self.engine.damaged)
        self.tell("process_alive", "engine", True)
        self.pump.kick()
        log.info("engine ready", seq=self.engine.state.seq, clean=clean, plan=self.engine.plan.digest[:8])
        stopped = asyncio.create_task(stop.wait(), name="engine.stop")
        done, _ = await asyncio.wait([stopped, *self.tasks], return_when=asyncio.FIRST_COMPLETED)
        await self._close()
        for task in done:
            if task is not stopped:
                task.result()
                raise RuntimeError(f"{task.get_name()} ended")

    async def _close(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.pump.stop()
        await self.control.stop()
        try:
            self.engine.stop()
        except JournalError as error:
            log.error("stopped without a clean journal", reason=str(error))

    def _task(self, work: Any, name: str) -> None:
        self.tasks.append(asyncio.create_task(work, name=f"engine.{name}"))

    def _plan(self) -> Plan:
        return build_plan(self.settings, RegistryReader(self.data / "registry.sqlite"))

    async def _replan(self) -> None:
        """Take on the registry as it is now. Raises PlanRefused: then the plan in force stays."""
        plan = await asyncio.to_thread(self._plan)
        self.engine.replan(plan)
        self.composer.replan(plan)
        self.pump.kick()

    def _ingest(self, clean: bool) -> Ingest:
        sources = {s.name: s.source() for s in self.settings.sources}
        codecs = {s.name: s.codecs for s in self.settings.sources}
        suspect = None if clean else Suspect(self.data / "journal")
        guard = _Guard(suspect) if suspect is not None else None
        ingest = Ingest(
            self.engine, Decoder(self.engine.state.context, codecs), sources, self.pump.kick,
            lambda: self.pump.behind, self.tell, guard,
        )  # fmt: skip
        if guard is not None:
            guard.ingest = ingest
        return ingest

    # -- the brokers ------------------------------------------------------------------------------------------

    def _open(self, source: SourceSettings) -> None:
        """Two sessions: what codecs declare alarm-only has a lane of its own, past every queue of measurements."""
        for role, filters in (("alarm", self.ingest.alarm_filters[source.name]), ("rest", source.filters)):
            if not filters:
                continue
            session = Session(self._session_settings(source, role, filters), self.ingest, rng=random.Random())
            self.sessions.append(session)
            if role == "alarm":
                self.ingest.alarm_sessions[source.name] = session
            self._task(session.run(), f"mqtt.{source.name}.{role}")

    def _session_settings(
        self, source: SourceSettings, role: Any, filters: tuple[str, ...]
    ) -> SessionSettings:
        host, port, username, password = self._address(source)
        return SessionSettings(
            host=host, port=port, username=username, password=password, tls=source.tls, filters=filters,
            client_id=f"csg-{self._installation()}-{_short(source.name)}-{role}", source=source.name, role=role,
            protocol=self._protocol(source), keepalive_s=source.keepalive_s, receive_maximum=source.in_flight,
            # A live message that its publisher also wants kept must not look like a stored one: docs/adr/0004.
            retain_as_published=False,
        )  # fmt: skip

    def _protocol(self, source: SourceSettings) -> Any:
        """The embedded nats-server speaks MQTT 3.1.1 only: asking it for 5 first would look like trouble in its log."""
        if source.broker == EMBEDDED and self.orders.broker_kind == "nats":
            return 311
        return source.protocol

    def _address(self, source: SourceSettings) -> tuple[str, int, str | None, str | None]:
        if source.broker == EMBEDDED:
            from gateway.broker.accounts import load_or_make

            account = load_or_make(self.data / "broker").gateway
            host = "127.0.0.1" if self.orders.broker_host == "0.0.0.0" else self.orders.broker_host  # noqa: S104
            return host, self.orders.broker_port, account.user, account.password
        address = parse_broker_url(source.broker)
        return (address.host, address.port, source.username or address.username,
                source.password or address.password)  # fmt: skip

    def _installation(self) -> str:
        """A name made once: a broker keeps our sessions under it, and two gateways never share one."""
        path = self.data / "installation"
        if not path.exists():
            path.write_text(os.urandom(6).hex())
        return path.read_text().strip()

    async def _ask_loop(self) -> None:
        """Publish what codecs ask for (rebirths), best effort, one short connection at a time."""
        while True:
            ask = await self.asks.get()
            source = next((s for s in self.settings.sources if s.name == ask.source), None)
            if source is None:
                continue
            host, port, username, password = self._address(source)
            with contextlib.suppress(aiomqtt.MqttError, OSError):
                async with aiomqtt.Client(host, port, username=username, password=password) as client:
                    await client.publish(ask.topic, ask.payload, qos=1)

    # -- the outlet -------------------------------------------------------------------------------------------

    def acknowledge(self, tokens: Sequence[Any]) -> None:
        """PUBACKs, all of one session in one write."""
        session: Session | None = None
        epoch, packets = 0, list[int]()
        for token in tokens:
            if token[0] is not session or token[1] != epoch:
                if session is not None:
                    session.acknowledge(epoch, packets)
                session, epoch, packets = token[0], token[1], []
            packets.append(token[2])
        if session is not None:
            session.acknowledge(epoch, packets)

    def deliver(self, effects: Sequence[Notify | Publish]) -> None:
        self.deliverer.submit(effects)

    def withdraw(self, effects: Sequence[str]) -> None:
        self.deliverer.withdraw(effects)

    def ask(self, ask: Ask) -> None:
        with contextlib.suppress(asyncio.QueueFull):
            self.asks.put_nowait(ask)

    def answer(self, answered: Answered, seq: int, durable: bool) -> None:
        self.control.answered(answered, seq, durable)

    def committed(self, seq: int) -> None:
        self.control.nudge(seq)

    # -- what happens -----------------------------------------------------------------------------------------

    def _act(self, act: Acted) -> None:
        self.pump.submit(act)

    def _delivered(self, delivered: Delivered) -> None:
        name = self.engine.effect_name(delivered.effect)
        self.pump.submit(msgspec.structs.replace(delivered, effect=name))

    def tell(self, metric: str, channel: str, value: Any) -> None:
        """The gateway is itself a device: facts about it are readings like any other, told when they change."""
        if self.told.get((metric, channel)) == value:
            return
        self.told[metric, channel] = value
        if metric == "broker_link" and value is True:
            self._end_gap(channel)
        reading = Reading(point_id(device_id(OWN_SOURCE, "engine"), metric, channel), value)
        self.pump.submit(Measured(OWN_SOURCE, [reading]))

    def _end_gap(self, session: str) -> None:
        source = session.rpartition(".")[0]
        since = self.ingest.lost_at.pop(source, None)
        if since is not None and self.engine.state.at > since:
            self.pump.submit(Gap(source, since, self.engine.stamper.at(), "broker link"))

    def _told_from_outside(self, metric: str, channel: str, value: bool, reason: str) -> None:
        """A child died, a client of the broker was thrown out: news even when it is the same news again."""
        log.warning("told", metric=metric, channel=channel, value=value, reason=reason)
        if metric == "broker_trouble":
            channel = f"{channel}: {reason}".replace("/", "_")[:120]
        self.told.pop((metric, channel), None)
        self.tell(metric, channel, value)
        over_s = {"process_alive": 30, "broker_trouble": 600}.get(metric)
        if over_s is not None:
            asyncio.get_running_loop().call_later(over_s, self.tell, metric, channel, not value)

    # -- housekeeping -----------------------------------------------------------------------------------------

    async def _housekeeping(self) -> None:
        """Once a second: correct UTC, take a snapshot when due, look at the disk, keep the journal in its bound."""
        while True:
            await asyncio.sleep(1.0)
            self.engine.reclock()
            if self.ingest.waiting and not self.pump.behind:
                self.ingest.release()
            self.pump.kick()
            if not self.pump.writing:
                self._snapshot()
            self._look_at_disk()

    async def _keep_house(self) -> None:
        """In a thread beside the writer: seal closed hours each second, unlink what nobody needs each minute."""
        for second in itertools.count():
            await asyncio.sleep(1.0)
            try:
                await asyncio.to_thread(self.journal.tidy)
                if second % 60 == 59:
                    gone = await asyncio.to_thread(self.journal.sweep, self._needed_seq())
                    if gone:
                        log.info("journal swept", files=gone)
            except JournalError as error:
                log.warning("journal housekeeping", reason=str(error))

    def _needed_seq(self) -> int:
        """The oldest event somebody may still have to read: our recovery, or a store that lags (its cursor)."""
        return min([self.snapshot_seq, *self.cursors.values()])

    def _look_at_disk(self) -> None:
        usage = shutil.disk_usage(self.data)
        free = 100 * usage.free // usage.total
        self.tell("disk_free_percent", "", float(free))
        self.tell("clock_ok", "", self.engine.stamper.trusted)
        self.tell("quarantined", "", self.engine.state.quarantined)
        self.tell("coalesced", "", self.ingest.counts["coalesced"])
        for name, channel in self.deliverer.health()["channels"].items():
            self.tell("channel_ok", name, channel["failing_since"] is None)

    def _snapshot(self) -> None:
        """A forked child freezes the state as it is now; this process goes on at once.

        Forked only while no thread is in the journal, so that the child inherits no lock held by one. What it froze
        may be a moment ahead of the disk: it waits until the journal has caught up before the snapshot counts.
        """
        now = asyncio.get_running_loop().time()
        if self.snapshot_pid:
            pid, _ = os.waitpid(self.snapshot_pid, os.WNOHANG)
            if not pid:
                if now - self.snapshot_at > SNAPSHOT_STUCK_S:
                    os.kill(self.snapshot_pid, signal.SIGKILL)
                return
            self.snapshot_pid = 0
        events = self.engine.state.seq - self.snapshot_seq
        if (
            self.pump.writing
            or not events
            or (events < SNAPSHOT_EVENTS and now - self.snapshot_at < SNAPSHOT_S)
        ):
            return
        self.snapshot_seq, self.snapshot_at = self.engine.state.seq, now
        pid = os.fork()
        if pid:
            self.snapshot_pid = pid
            return
        code = 1
        try:
            os.nice(10)
            code = _freeze_in_child(self.journal, self.engine.state)
        finally:
            os._exit(code)

    def _brief(self) -> Mapping[str, Any]:
        """A few plain facts for heartbeats."""
        return {
            "seq": self.engine.state.seq,
            "durable": self.engine.durable,
            "links": dict(self.ingest.links),
        }

    def status(self) -> Mapping[str, Any]:
        """The engine's own figures, for health and metrics."""
        usage = resource.getrusage(resource.RUSAGE_SELF)
        state = self.engine.state
        return {
            "seq": state.seq, "utc": state.at + state.offset_ms, "durable": self.engine.durable,
            "pending": self.engine.pending, "points": len(state.points), "devices": len(state.devices),
            "incidents": len(state.incidents), "alarms": len(state.alarms), "timers": len(state.timers),
            "outbox": len(state.outbox), "links": dict(self.ingest.links),
            "counts": {**self.ingest.counts, "messages": self.ingest.messages},
            "waiting": len(self.ingest.waiting), "plan": self.engine.plan.digest,
            "in_flight": sum(s.in_flight for s in self.sessions),
            "cpu_s": usage.ru_utime + usage.ru_stime, "rss_bytes": usage.ru_maxrss * 1024,
            "delivery": self.deliverer.health(), "faulted": len(state.faulted), "quarantined": state.quarantined,
        }  # fmt: skip


class _Guard:
    """After an unclean exit: notes each message on disk before its step, until enough have passed."""

    def __init__(self, suspect: Suspect) -> None:
        self.suspect, self.left = suspect, GUARDED_MESSAGES
        self.ingest: Ingest | None = None
        accused = suspect.previous()
        self.killer = accused.digest if accused is not None and accused.deaths >= 2 else None

    def __call__(self, digest: bytes, summary: str) -> bool:
        if digest == self.killer:
            return True
        self.left -= 1
        try:
            if self.left > 0:
                self.suspect.note(digest, summary)
            else:
                self.suspect.clear()
                self.suspect.close()
                if self.ingest is not None:
                    self.ingest.guard = None
        except JournalError as error:
            log.warning("cannot note the message under suspicion", reason=str(error))
        return False


def _short(name: str) -> str:
    """A source's name as part of a client id: some brokers take no more than 64 characters in all."""
    return name if len(name) <= 24 else f"{name[:15]}-{zlib.crc32(name.encode()):08x}"


def _freeze_in_child(journal: Journal, state: State) -> int:
    """In the forked child: 0 when the snapshot is on disk and the journal reaches as far."""
    data = freeze(state)
    for _ in range(300):
        if (
            journal.last_seq >= state.seq
        ):  # shared with the parent: SQLite itself must not be used after a fork
            journal.save_snapshot(state.seq, data)
            return 0
        select.select([], [], [], 0.1)  # this child is nothing but a wait for the disk
    return 1


async def _main(orders: Orders, stop: asyncio.Event) -> None:
    await EngineProcess(orders).main(stop)


if __name__ == "__main__":
    run(_main)
