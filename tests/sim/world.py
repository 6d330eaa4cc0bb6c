"""A seeded world: devices, an honest at-least-once broker, a disk that fails, channels that die, a clock that jumps.

The engine in it is the real one; only time, disk, network and people are ours. Everything follows from the seed.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Sequence
from typing import Any

from devices.reading import Reading
from gateway.clock import ManualClock, Stamper
from gateway.core.effect import (
    AlarmChanged,
    Answered,
    Ask,
    Command,
    IncidentChanged,
    IncidentDoc,
    Notify,
    Publish,
)
from gateway.core.event import Acted, Delivered, Measured, Outcome, Verb
from gateway.core.state import freeze
from gateway.engine import BACKLOG_EVENTS_MAX, Engine
from gateway.errors import JournalError
from gateway.inprocess import START_UTC_MS, MemoryJournal, thaw_plan
from gateway.views import Standing
from tests.core.community import estate

DEVICES = ("kitchen", "corridor", "upstairs", "other", "hydrant", "sos")


class Crash(Exception):
    """The process dies here."""


class Disk(MemoryJournal):
    """A journal whose disk can refuse, and whose process can die before or after a write."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world

    def append(self, row: Any) -> None:
        self.world.maybe_die("before write")
        if self.world.disk_down:
            raise JournalError("full", "simulated")
        super().append(row)
        self.world.maybe_die("after write")

    def save_snapshot(self, seq: int, data: bytes) -> None:
        if self.world.disk_down:
            raise JournalError("full", "simulated")
        super().save_snapshot(seq, data)


class World:
    """`run(n)` lives through n turns. What it sent, what was acknowledged and what got out is kept for the checkers."""

    def __init__(
        self, seed: int, *, die: float = 0.01, disk: float = 0.02, backlog: int = BACKLOG_EVENTS_MAX
    ) -> None:
        """Chances a turn of dying and of the disk's going or coming back; events kept while it is away."""
        self.rng = random.Random(seed)
        self.clock = ManualClock(START_UTC_MS)
        self.die, self.disk, self.backlog = die, disk, backlog
        self.redelivered = 0
        self.disk_down = False
        self.dead_channels: set[str] = set()
        self.deaths = 0
        self.number = 0
        self.unsent: deque[tuple[int, Measured]] = deque()  # at the broker, not yet handed over
        self.in_flight: dict[int, Measured] = {}  # handed over, not acknowledged
        self.sent: dict[int, Measured] = {}
        self.acknowledged: set[int] = set()
        self.released: list[tuple[int, Notify | Publish]] = []  # (monotonic ms, effect)
        self.withdrawn: set[str] = set()
        self.waiting: list[Notify | Publish] = []
        self.armed = False
        self.boots = 0
        self.journal = Disk(self)
        self._start()

    # -- the engine's life ------------------------------------------------------------------------------------

    def maybe_die(self, _where: str) -> None:
        if self.armed and self.rng.random() < self.die:
            raise Crash

    def _start(self) -> None:
        self.boots += 1
        self.armed = False
        self.disk_down = False
        self.engine = Engine(
            self.journal, Stamper(self.clock), self, thaw_plan, f"boot{self.boots}", self.backlog
        )
        self.engine.start(estate())
        self.engine.flush()
        self.waiting = []
        self.deliver([e for e in self.engine.outbox() if not isinstance(e, Command)])
        self.armed = True
        self._hand_back()

    def _hand_back(self) -> None:
        """A broker hands over again what was never acknowledged, before anything newer, to whoever connects."""
        for number, event in reversed(list(self.in_flight.items())):
            self.unsent.appendleft((number, event))
        self.in_flight.clear()

    def _alive(self, work: Any) -> None:
        """Do something; if the process dies of it, it comes back some time later."""
        try:
            self.maybe_die("before step")
            work()
            self.maybe_die("after step")
        except Crash:
            self.deaths += 1
            self.clock.advance(self.rng.choice((50, 3000, 40_000, 700_000)))
            self._start()

    # -- the outlet -------------------------------------------------------------------------------------------

    def acknowledge(self, tokens: Sequence[Any]) -> None:
        for number in tokens:
            self.acknowledged.add(number)
            self.in_flight.pop(number, None)

    def redeliver(self) -> None:
        self.redelivered += 1
        self._hand_back()

    def deliver(self, effects: Sequence[Notify | Publish]) -> None:
        self.maybe_die("before release")
        self.released.extend((self.clock.monotonic_ms(), e) for e in effects)
        self.waiting.extend(effects)
        self.maybe_die("after release")

    def withdraw(self, effects: Sequence[str]) -> None:
        self.withdrawn.update(effects)
        self.waiting = [e for e in self.waiting if e.id not in effects]

    def command(self, command: Command) -> None:
        """No device of this world obeys."""

    def ask(self, ask: Ask) -> None:
        """Nobody answers here."""

    def answer(self, answered: Answered, seq: int, durable: bool) -> None:
        """Acts of this world do not wait for their answers."""

    def committed(self, seq: int, news: bool) -> None:
        """Nobody follows here."""

    # -- what happens -----------------------------------------------------------------------------------------

    def run(self, turns: int) -> None:
        for _ in range(turns):
            self.turn()
        self.calm_down()

    def turn(self) -> None:
        rng = self.rng
        self.clock.advance(rng.choice((1, 20, 200, 1000, 5000)))
        roll = rng.random()
        if roll < 0.45:
            self._publish()
        elif roll < 0.5:
            self._alive(self._somebody_acts)
        elif roll < 0.5 + self.disk:
            self.disk_down = not self.disk_down
        elif roll < 0.56:
            self.dead_channels = set(rng.sample(("sms", "wecom"), rng.choice((0, 0, 1, 2))))
        elif roll < 0.57:
            self.clock.jump_utc(rng.choice((-86_400_000, 3_600_000, 31_536_000_000)))
        elif roll < 0.58 and not self.disk_down:
            self._alive(lambda: self.journal.save_snapshot(self.engine.state.seq, freeze(self.engine.state)))
        self._alive(self._hand_over)
        self._alive(self._settle)

    def calm_down(self) -> None:
        """Everything heals; whatever is owed is done."""
        self.die, self.disk_down, self.dead_channels = 0.0, False, set()
        for _ in range(50):
            self.clock.advance(200)
            self._hand_over()
            self._settle()
            if not (self.unsent or self.in_flight or self.waiting):
                return
        raise AssertionError("the world does not come to rest")

    def _publish(self) -> None:
        rng = self.rng
        device = rng.choice(DEVICES)
        metric, value = {
            "hydrant": ("pressure", rng.choice((90.0, 120.0, 300.0))),
            "sos": ("sos", True),
        }.get(device, (rng.choice(("smoke", "smoke", "fault")), rng.random() < 0.3))
        self.number += 1
        reading = Reading(
            f"sim:{device}/{metric}/", value, self.clock.utc_ms() - rng.choice((0, 0, 500, 90_000))
        )
        event = Measured("sim", [reading], f"n{self.number}")
        self.sent[self.number] = event
        self.unsent.append((self.number, event))
        if rng.random() < 0.05:
            self.unsent.append((self.number, event))  # the device repeats itself

    def _hand_over(self) -> None:
        while self.unsent and self.rng.random() < 0.8:
            number, event = self.unsent.popleft()
            self.in_flight[number] = event
            self.engine.submit(event, number, any(r.value is True for r in event.readings))

    def _settle(self) -> None:
        """A commit, a tick and the channels' answers, as the pump would."""
        engine = self.engine
        engine.reclock()
        engine.tick()
        if not engine.durable:
            engine.outrank()
        batches = []
        try:
            engine.mend()
            batches = engine.take()
            engine.write(batches)
        except JournalError:
            engine.failed(batches)
        else:
            engine.written(batches)
        waiting, self.waiting = self.waiting, []
        for effect in waiting:
            channel = effect.channel if isinstance(effect, Notify) else effect.target
            outcome = Outcome.FAILED if channel in self.dead_channels else Outcome.SENT
            engine.submit(Delivered(engine.effect_name(effect.id), outcome))

    def _somebody_acts(self) -> None:
        known = [i for i in self.engine.state.incidents.values() if i.handling != "closed"]
        if known:
            incident = self.rng.choice(known)
            verb = Verb(self.rng.choice(("take", "mute", "verdict", "reset", "close", "release", "on_scene")))
            verdict = self.rng.choice(("real", "false"))
            self.number += 1
            grants = (("operator", ""),)
            self.engine.submit(
                Acted(
                    f"act{self.number}",
                    "wang",
                    grants,
                    verb,
                    incident.id,
                    None,
                    {"verdict": verdict, "gone": True},
                )
            )

    # -- what came of it --------------------------------------------------------------------------------------

    def stored(self) -> dict[str, Measured]:
        """Every message in the journal by its sequence."""
        return {
            str(event.sequence): event
            for row in self.journal.kept
            for _, event in row.events
            if isinstance(event, Measured) and event.source == "sim"
        }

    def docs(self) -> dict[str, IncidentDoc]:
        """The last revision of every incident in the journal."""
        return {
            item.result.doc.id: item.result.doc
            for row in self.journal.kept
            for item in row.happened
            if isinstance(item.result, IncidentChanged)
        }

    def standing(self) -> list[Standing]:
        """What a view that reads the journal knows of alarms."""
        docs = {
            item.result.doc.id: item.result.doc
            for row in self.journal.kept
            for item in row.happened
            if isinstance(item.result, AlarmChanged)
        }
        return [
            Standing(d.id, d.rule, d.device, d.metric, d.state, d.since, d.out_of_service_until)
            for d in docs.values()
        ]
