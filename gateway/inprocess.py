"""A whole gateway in one process under a manual clock: for partners' tests, simulated worlds and demonstrations.

The same codecs, engine, rules and core as live; only the disk, the clock and the channels are ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from devices.catalogue import Catalogue, Source
from devices.codec import Message
from devices.decode import Decoder, has_pulse, urgent
from devices.reading import Flag, Reading, Value, device_id, point_id
from gateway.clock import ManualClock, Stamper
from gateway.core.effect import (
    AlarmChanged,
    AlarmDoc,
    Answered,
    Ask,
    Command,
    Effect,
    IncidentChanged,
    IncidentDoc,
    Notify,
    Publish,
)
from gateway.core.event import Acted, Delivered, Learned, Measured, Outcome, Quarantined, Verb
from gateway.core.plan import Person, Plan, Policy, Route, Step
from gateway.engine import Engine
from gateway.journal import Recovered, Row
from rules.load import shipped, thaw

START_UTC_MS: Final = 1_795_276_800_000  # 2026-11-22 00:00 in Shanghai


class MemoryJournal:
    """The journal's contract without a disk: what was appended is durable until the object goes.

    `fail` holds reasons to raise instead, taken from the front: a simulated disk fault.
    """

    def __init__(self) -> None:
        self.kept: list[Row] = []
        self.snapshot: tuple[int, bytes] | None = None
        self.plans: dict[str, bytes] = {}
        self.fail: list[Exception] = []
        self._clean = False

    def open(self) -> Recovered:
        seq, data = self.snapshot or (0, None)
        last = self.kept[-1] if self.kept else None
        return Recovered(
            snapshot=data,
            snapshot_seq=seq,
            last_seq=last.first + len(last.events) - 1 if last else seq,
            last_at=last.events[-1][0] if last else 0,
            offset_ms=last.offset_ms if last else 0,
            clean=self._clean,
        )

    def append(self, row: Row) -> None:
        if self.fail:
            raise self.fail.pop(0)
        self._clean = False
        self.kept.append(row)

    def rows_after(self, seq: int) -> Iterator[Row]:
        return (row for row in list(self.kept) if row.first + len(row.events) > seq + 1)

    def save_snapshot(self, seq: int, data: bytes) -> None:
        if self.fail:
            raise self.fail.pop(0)
        self.snapshot = (seq, data)

    def put_plan(self, digest: str, data: bytes) -> None:
        self.plans[digest] = data

    def plan(self, digest: str) -> bytes | None:
        return self.plans.get(digest)

    def mark_clean(self) -> None:
        self._clean = True

    def close(self) -> None:
        """Nothing to let go of."""


class _Outlet:
    """Channels that work at once, or not at all where the test says so, and remember everything."""

    def __init__(self, home: Gateway) -> None:
        self.home = home

    def acknowledge(self, tokens: Sequence[Any]) -> None:
        self.home.acknowledged.extend(tokens)

    def redeliver(self) -> None:
        """Nothing is in flight here: `receive` hands a message over and has it committed, or raises."""

    def deliver(self, effects: Sequence[Notify | Publish]) -> None:
        self.home.released.extend(effects)
        self.home.undelivered.extend(effects)

    def withdraw(self, effects: Sequence[str]) -> None:
        self.home.undelivered = [e for e in self.home.undelivered if e.id not in effects]

    def command(self, command: Command) -> None:
        self.home.commanded.append(command)
        self.home.undelivered.append(command)

    def ask(self, ask: Ask) -> None:
        self.home.asked.append(ask)

    def answer(self, answered: Answered, seq: int, durable: bool) -> None:
        self.home.answers[answered.key] = answered

    def committed(self, seq: int, news: bool) -> None:
        """Nobody follows here."""


def default_plan(source: Source | None = None, catalogue: Catalogue | None = None) -> Plan:
    """The shipped rules, one source `sim` of one site `sim`, and a call chain of four people named for their roles."""
    source = source or Source("sim", "sim")
    base = catalogue or Catalogue()
    chain = Policy(
        steps=(Step(0, ("duty_operator",)), Step(60, ("building_lead",)), Step(120, ("grid_staff",))),
        repeat_s=180,
        confirmed=("micro_station",),
    )
    people = {
        role: Person(role, ((role, source.site),), ("recording",))
        for role in ("duty_operator", "building_lead", "grid_staff", "micro_station")
    }
    return Plan(
        rules=shipped().rules,
        catalogue=msgspec.structs.replace(base, sources={**base.sources, source.name: source}),
        policies={
            "p1": chain,
            "p2": Policy(steps=(Step(0, ("duty_operator",), urgent=False),), repeat_s=900),
        },
        route=Route(routes=(Route(priority=(1,), policy="p1"), Route(priority=(2,), policy="p2"))),
        people=people,
    )


def thaw_plan(data: bytes) -> Plan:
    """The plan of its canonical bytes, its rules' kinds included. Raises msgspec.ValidationError."""
    plan = msgspec.msgpack.decode(data, type=Plan)
    return msgspec.structs.replace(plan, rules=thaw(plan.rules))


class Gateway:
    """`receive` bytes, `advance` time, look at `incidents()` and `notices(person)`, `act` as a person.

    `clock` may be shared with a simulated site: time then moves for both. `dead` channels fail every call; `command` is
    the way to devices.
    """

    def __init__(
        self, plan: Plan | None = None, clock: ManualClock | None = None, journal: MemoryJournal | None = None
    ) -> None:
        self.clock = clock or ManualClock(START_UTC_MS)
        self.journal = journal or MemoryJournal()
        self.plan = plan or default_plan()
        self.released: list[Notify | Publish] = []
        self.undelivered: list[Effect] = []
        self.commanded: list[Command] = []
        self.acknowledged: list[Any] = []
        self.asked: list[Ask] = []
        self.answers: dict[str, Answered] = {}
        self.dead: set[str] = set()
        self.docs: dict[str, IncidentDoc] = {}
        self.alarms: dict[str, AlarmDoc] = {}
        self._acts = self._seen = 0
        self.engine = Engine(self.journal, Stamper(self.clock), _Outlet(self), thaw_plan)
        self.engine.start(self.plan)
        self.decoder = Decoder(self.engine.state.context)
        self.settle()
        self._collect()

    @property
    def source(self) -> Source:
        return next(iter(self.plan.catalogue.sources.values()))

    def receive(self, topic: str, payload: bytes, retained: bool = False, *, dup: bool = False) -> None:
        """One message of the first source, as its broker would hand it over; committed when this returns."""
        source = self.source
        now = self.clock.utc_ms()
        codec, decoded = self.decoder.answer(Message(source.name, topic, payload, retained, now))
        for learned in decoded.learned:
            self.engine.submit(Learned(codec, source.name, learned.key, learned.value))
        if decoded.quarantine is not None:
            self.engine.submit(Quarantined(source.name, topic, decoded.quarantine, payload, len(payload)))
        readings = decoded.readings
        if readings:
            if source.simulated:
                readings = [
                    Reading(r.point, r.value, r.measured_at, r.flags | Flag.SIMULATED) for r in readings
                ]
            event = Measured(source.name, readings, decoded.sequence, 1 if has_pulse(decoded) else 0, dup)
            self.engine.submit(event, None, urgent(decoded))
        self.settle()

    def measure(
        self, device: str, metric: str, value: Value, channel: str = "", *, flags: int = 0,
        measured_at: int | None = None, sequence: str | None = None,
    ) -> None:  # fmt: skip
        """One reading of a device of the first source, past the codecs."""
        source = self.source
        point = point_id(device_id(source.name, device), metric, channel)
        reading = Reading(point, value, measured_at, flags)
        self.engine.submit(Measured(source.name, [reading], sequence))
        self.settle()

    def advance(self, seconds: float) -> None:
        """Let time pass: every timer fires at its own time, in order."""
        end = self.clock.monotonic_ms() + round(seconds * 1000)
        while True:
            left = end - self.clock.monotonic_ms()
            due = self.engine.due_in_ms()
            if due is None or due > left:
                self.clock.advance(left)
                return
            self.clock.advance(max(due, 1) if left else 0)
            self.engine.tick()
            self.settle()
            if not left:
                return

    def settle(self) -> None:
        """Write everything and let the channels do their work until nothing is left to do."""
        self.engine.reclock()
        for _ in range(100):
            self.engine.flush()
            self._collect()
            waiting, self.undelivered = self.undelivered, []
            if not waiting:
                return
            for effect in waiting:
                where = effect.channel if isinstance(effect, Notify) else getattr(effect, "target", "command")
                dead = where in self.dead
                self.engine.submit(Delivered(effect.id, Outcome.FAILED if dead else Outcome.SENT))
        raise AssertionError("channels and core never come to rest")

    def act(
        self, user: str, verb: str, target: str | None = None, *, role: str = "operator", place: str = "",
        version: int | None = None, key: str | None = None, **args: Any,
    ) -> Answered:  # fmt: skip
        """`user`, who holds `role` on `place`, does something to an incident (the newest when not given) or alarm."""
        self._acts += 1
        key = key or f"act-{self._acts}"
        wanted = target or max(self.docs)
        self.engine.submit(Acted(key, user, ((role, place),), Verb(verb), wanted, version, args))
        self.settle()
        return self.answers[key]

    def incidents(self) -> list[dict[str, Any]]:
        """Every incident as incident/1, oldest first."""
        from gateway.render import incident_1

        names: Mapping[str, str] = {}
        return [incident_1(doc, self.plan.catalogue, names) for _, doc in sorted(self.docs.items())]

    def notices(self, person: str) -> list[dict[str, Any]]:
        """What one person was told: reason, channel, incident, in order."""
        return [
            {"reason": e.reason, "channel": e.channel, "incident": e.incident, "step": e.step, "mode": e.mode}
            for e in self.released
            if isinstance(e, Notify) and e.person == person
        ]

    def crash(self) -> Gateway:
        """Die without a word and start again from what is on disk."""
        return Gateway(self.plan, self.clock, self.journal)

    def _collect(self) -> None:
        for row in self.journal.kept[self._seen :]:
            for item in row.happened:
                if isinstance(item.result, IncidentChanged):
                    self.docs[item.result.doc.id] = item.result.doc
                elif isinstance(item.result, AlarmChanged):
                    self.alarms[item.result.doc.id] = item.result.doc
        self._seen = len(self.journal.kept)
