"""The engine process: MQTT in, codecs, journal, step, delivery out. Nothing here waits for the view."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import itertools
import random
import resource
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
import structlog

from devices.codec import Ask as CodecAsk
from devices.decode import Decoder
from devices.reading import Reading, device_id, point_id
from gateway.app.brokers import answer_asks, installation, session_settings
from gateway.app.channels import make_deliverer
from gateway.app.child import Orders, run
from gateway.app.commands import Commander, unanswered_checks
from gateway.app.plans import Plans
from gateway.app.platforms import every_way
from gateway.app.snapshots import Snapshots
from gateway.clock import Stamper, SystemClock
from gateway.config.profilefiles import site_profiles
from gateway.config.settings import OWN_SOURCE, Settings, SourceSettings
from gateway.control import ControlServer, Kept, Reported, Say
from gateway.core.effect import Answered, Ask, Command, Notify, Publish
from gateway.core.event import Acted, Delivered, Gap, Measured
from gateway.engine import Engine
from gateway.errors import JournalError
from gateway.guard import Guard
from gateway.ingest import Ingest
from gateway.inprocess import thaw_plan
from gateway.journal import Journal, Suspect
from gateway.listen.inlet import Inlet, Inlets
from gateway.mqtt import Session
from gateway.pump import Pump

GC_THRESHOLD: Final = (50_000, 20, 50)  # what the hot path makes is freed by reference count; cycles are rare
SWITCH_S: Final = 0.001  # the journal's thread gives way to an alarm after a millisecond, not after five
ASKS_MAX: Final = 1000

log = structlog.get_logger(__name__)


class EngineProcess:
    """Owns every part of the engine and wires them; also the engine's `Outlet`."""

    def __init__(self, orders: Orders) -> None:
        self.orders = orders
        self.settings = msgspec.msgpack.decode(orders.settings, type=Settings)
        self.data = Path(orders.data)
        self.plans = Plans(self.settings, self.data)
        self.journal = Journal(self.data / "journal", bound_bytes=self.settings.journal.bound_bytes)
        self.engine = Engine(self.journal, Stamper(SystemClock()), self, thaw_plan, orders.boot)
        self.sessions: list[Session] = []
        self.tasks: list[asyncio.Task[Any]] = []
        self.asks: asyncio.Queue[Ask] = asyncio.Queue(ASKS_MAX)
        self.cursors: dict[str, int] = {
            "view": 0
        }  # how far each follower has got; nothing past it is unlinked
        self.told: dict[tuple[str, str], Any] = {}

    # -- start and stop ---------------------------------------------------------------------------------------

    async def main(self, stop: asyncio.Event) -> None:
        """Recover, open the doors, run until stopped, then leave everything on disk."""
        clean = self.engine.start(self.plans.first())
        if not self.engine.state.plan:
            self.engine.replan(self.plans.bare())
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GC_THRESHOLD)
        sys.setswitchinterval(SWITCH_S)
        loop = asyncio.get_running_loop()
        self.snapshots = Snapshots(self.engine, self.journal, loop.time())
        self.pump = Pump(self.engine, lambda ok, why: self.tell("journal_ok", "", ok))
        self.pump.between = lambda: self.snapshots.look(loop.time())
        self.control = ControlServer(
            self.data / "engine.sock", self._act, self.status, self._replan, self._told_from_outside,
            self.cursors.update, self._inlet, report=self._reported,
        )  # fmt: skip
        self.deliverer, self.composer = make_deliverer(
            self.settings,
            self.orders,
            installation(self.data),
            self._delivered,
            self.engine.plan.plan,
            self._brief,
        )
        self.ingest = self._ingest(clean)
        self.inlets = Inlets(self.ingest, self.settings.sources)
        self.commander = self._commander()
        self.engine.flush()
        self.inlets.expect()
        await self.control.start()
        self._task(self.deliverer.run(), "deliver")
        for effect in self.engine.outbox():
            if isinstance(effect, Command):
                self.command(effect)
        self.deliverer.submit([e for e in self.engine.outbox() if not isinstance(e, Command)])
        self._task(self.commander.run(), "commands")
        for settings in self.settings.sources:
            if not settings.listen:
                self._open(settings)
        self._task(answer_asks(self.asks, self.settings, self.orders), "asks")
        self._task(self._housekeeping(), "housekeeping")
        self._task(self._keep_house(), "journal")
        if self.engine.damaged:
            log.error("journal damaged", what=self.engine.damaged)
        self.tell("journal_ok", "history", not self.engine.damaged)
        self.tell("registry_ok", "", not self.plans.trouble)
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

    async def _replan(self) -> None:
        """Take on the registry as it is now. Raises PlanRefused: then the plan in force stays."""
        plan = await asyncio.to_thread(self.plans.build)
        self.engine.replan(plan)
        self.composer.replan(plan)
        self.pump.kick()

    def _ingest(self, clean: bool) -> Ingest:
        sources = {s.name: s.source() for s in self.settings.sources}
        codecs = {s.name: s.codecs for s in self.settings.sources}
        suspect = None if clean else Suspect(self.data / "journal")
        guard = Guard(suspect, self._killer) if suspect is not None else None
        profiles, wrong = site_profiles(Path(name) for name in self.settings.profiles)
        # They were checked before the start; a file that changed since costs its own profiles only.
        for problem in wrong:
            log.error("profile left out", problem=str(problem))
        decoder = Decoder(self.engine.state.context, codecs, profiles=profiles)
        return Ingest(
            self.engine, decoder, sources, self.pump.kick,
            lambda: self.pump.behind, self.tell, guard,
        )  # fmt: skip

    def _commander(self) -> Commander:
        clock = self.engine.stamper

        def now() -> int:
            return clock.at() + self.engine.state.offset_ms

        self.inlets.report = self._delivered
        ways = dict.fromkeys(self.inlets.sources, self.inlets.order)
        return every_way(self.settings, self.orders, self._encoded, self._delivered, now, ways)

    def _encoded(self, command: Command) -> Sequence[CodecAsk] | str:
        """What to send to the device, in the dialect that it speaks."""
        source, _, native = command.device.partition(":")
        family = self.ingest.families.get(command.device, "")
        return self.ingest.decoder.command(
            source, native, command.name, command.command, command.expires_at, family
        )

    # -- the brokers ------------------------------------------------------------------------------------------

    def _open(self, source: SourceSettings) -> None:
        """Two sessions: what codecs declare alarm-only has a lane of its own, past every queue of measurements."""
        lanes: tuple[tuple[Literal["alarm", "rest"], tuple[str, ...]], ...] = (
            ("alarm", self.ingest.alarm_filters[source.name]),
            ("rest", source.filters),
        )
        for role, filters in lanes:
            if not filters:
                continue
            session = Session(
                session_settings(source, role, filters, self.orders), self.ingest, rng=random.Random()
            )
            self.sessions.append(session)
            if role == "alarm":
                self.ingest.alarm_sessions[source.name] = session
            self._task(session.run(), f"mqtt.{source.name}.{role}")

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

    def redeliver(self) -> None:
        """Every session anew: whose messages were given up is not known, and a disk is not dead every day."""
        for session in self.sessions:
            session.reconnect()

    def deliver(self, effects: Sequence[Notify | Publish]) -> None:
        self.deliverer.submit(effects)

    def withdraw(self, effects: Sequence[str]) -> None:
        self.deliverer.withdraw(effects)
        self.commander.withdraw(effects)

    def command(self, command: Command) -> None:
        self.commander.submit(command)

    def ask(self, ask: Ask) -> None:
        with contextlib.suppress(asyncio.QueueFull):
            self.asks.put_nowait(ask)

    def answer(self, answered: Answered, seq: int, durable: bool) -> None:
        self.control.answered(answered, seq, durable)

    def committed(self, seq: int, news: bool) -> None:
        self.control.nudge(seq, news)

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

    def _killer(self, summary: str) -> None:
        self._told_from_outside(
            "process_alive", f"engine: died twice on {summary}".replace("/", "_"), False, summary
        )

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

    def _reported(self, figures: Sequence[Reported]) -> None:
        own = device_id(OWN_SOURCE, "engine")
        self.pump.submit(Measured(OWN_SOURCE, [Reading(point_id(own, m, c), v) for m, c, v in figures]))

    def _inlet(self, answer: Kept, say: Say) -> Inlet:
        return self.inlets.open(answer, say)

    # -- housekeeping -----------------------------------------------------------------------------------------

    async def _housekeeping(self) -> None:
        """Once a second: correct UTC, take a snapshot when due, look at the disk, keep the journal in its bound."""
        while True:
            await asyncio.sleep(1.0)
            self.engine.reclock()
            self.ingest.settle()
            if self.ingest.waiting and not self.pump.behind:
                self.ingest.release()
            self.pump.kick()
            if not self.pump.writing:
                self.snapshots.look(asyncio.get_running_loop().time())
            for unanswered in unanswered_checks(self.engine.state):
                self.pump.submit(unanswered)
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
        return min([self.snapshots.seq, *self.cursors.values()])

    def _look_at_disk(self) -> None:
        usage = shutil.disk_usage(self.data)
        free = 100 * usage.free // usage.total
        self.tell("disk_free_percent", "", float(free))
        self.tell("clock_ok", "", self.engine.stamper.trusted)
        self.tell("quarantined", "", self.engine.state.quarantined)
        self.tell("ingest_ok", "", not self.pump.behind)
        self.tell("coalesced", "", self.ingest.counts["coalesced"])
        for name, channel in self.deliverer.health()["channels"].items():
            self.tell("channel_ok", name, channel["failing_since"] is None)

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
            "listener": self.inlets.figures,
            "waiting": len(self.ingest.waiting), "plan": self.engine.plan.digest,
            "in_flight": sum(s.in_flight for s in self.sessions),
            "cpu_s": usage.ru_utime + usage.ru_stime, "rss_bytes": usage.ru_maxrss * 1024,
            "delivery": self.deliverer.health(), "faulted": len(state.faulted), "quarantined": state.quarantined,
        }  # fmt: skip


async def _main(orders: Orders, stop: asyncio.Event) -> None:
    await EngineProcess(orders).main(stop)


if __name__ == "__main__":
    run(_main)
