"""One step's working memory: what it has led to so far, and which incidents it owes the world a new revision of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from msgspec.structs import replace

from devices.reading import METRICS, Reading
from gateway.core.compiled import Compiled
from gateway.core.effect import (
    AlarmChanged,
    AlarmDoc,
    Answered,
    Ask,
    Effect,
    Happened,
    IncidentChanged,
    IncidentDoc,
    Mode,
    Notify,
    Publish,
    Result,
    Told,
    Withdrawn,
)
from gateway.core.state import Alarm, Commanded, Incident, State
from rules.rule import Rule

RECORDING: Final = "recording"
ALARMS_SAID: Final = 50
"""Alarms an incident's document lists (as many as incident/1 does). A storm of some thousand points makes as many
documents: with every alarm in each, the few seconds until they are written and shown would fill the memory.
"""
TOLD_MAX: Final = 60  # rows of one call chain kept on the incident; the deliveries table keeps all


class Turn:
    """Created when a step first has something to say. Collects results in order; `finish` publishes what changed."""

    __slots__ = (
        "answered",
        "at",
        "changed",
        "commands",
        "dirty",
        "heard",
        "n",
        "out",
        "owed",
        "plan",
        "seq",
        "state",
        "utc",
    )

    def __init__(self, state: State, plan: Compiled, seq: int, at: int) -> None:
        self.state, self.plan, self.seq, self.at = state, plan, seq, at
        self.utc = at + state.offset_ms
        self.out: list[Happened] = []
        self.heard: dict[str, bool] = {}  # site -> whether the last P1 chain there had anybody to tell
        self.n = 0
        self.answered: Sequence[Reading] = ()  # live words of devices that owe an answer to a command
        self.changed: dict[str, Alarm] = {}
        self.commands: dict[str, Commanded] = {}
        self.dirty: dict[str, tuple[Incident, list[str]]] = {}
        self.owed: dict[str, list[tuple[Told, str, bool]]] = {}

    def say(self, result: Result) -> None:
        self.out.append(Happened(self.seq, result))

    def effect_id(self) -> str:
        self.n += 1
        return f"{self.seq}.{self.n - 1}"

    def touch(self, incident: Incident, topic: str = "incident.updated") -> None:
        """The incident changed: one new revision at the end of this step, whatever else happens to it."""
        self.dirty.setdefault(incident.id, (incident, []))[1].append(topic)

    def tell(
        self, incident: Incident, person: str, role: str, reason: str, urgent: bool, channel: str
    ) -> None:
        """Owe a person one notification of this incident; it goes out with the step's final revision.

        One step that says the same thing twice (a fault, and what it leaves unguarded) is one message.
        """
        if incident.mode == "simulated":
            channel = RECORDING
        for known, why, loud in self.owed.get(incident.id, ()):
            if (known.person, known.role, known.channel, why) == (
                person,
                role,
                channel,
                reason,
            ) and loud >= urgent:
                return
        told = Told(self.effect_id(), person, role, channel, self.utc, incident.step)
        incident.told.append(told)
        del incident.told[:-TOLD_MAX]
        self.owed.setdefault(incident.id, []).append((told, reason, urgent))
        self.touch(incident)

    def answer(self, key: str, ok: bool, code: str, rev: int | None) -> None:
        self.state.answers[key] = (ok, code, rev, self.at)
        self.say(Answered(key, ok, code, rev))

    def ask(self, source: str, topic: str, payload: bytes) -> None:
        self.say(Ask(self.effect_id(), source, topic, payload))

    def publish(self, topic: str, like: Rule | Alarm, site: str, place: str, data: Mapping[str, Any]) -> None:
        """Hand a fact that is no incident's to the machine receivers that an alarm `like` it there would have."""
        _, _, targets = self.plan.routed(like.hazard, like.priority, site, place)
        for target in targets:
            effect = Publish(self.effect_id(), target, topic, Mode.LIVE, site, self.utc, None, data)
            self.state.outbox[effect.id] = effect
            self.say(effect)

    def withdraw(self, wanted: Callable[[Effect], bool]) -> None:
        gone = [e.id for e in self.state.outbox.values() if not wanted(e)]
        for effect in gone:
            del self.state.outbox[effect]
        if gone:
            self.say(Withdrawn(gone))

    def finish(self) -> list[Happened]:
        """New revisions of every changed incident, with the notifications and publications that carry them."""
        for alarm in self.changed.values():
            self.say(AlarmChanged(alarm_doc(alarm, self.state)))
        for incident, topics in self.dirty.values():
            self._publish(incident, topics)
        return self.out

    def _publish(self, incident: Incident, topics: list[str]) -> None:
        incident.rev += 1
        if any(t in NEWS for t in topics):
            incident.evidence_rev = incident.rev
        topic = max(topics, key=_ORDER.index)
        public = topic != TOLD
        topic = "incident.updated" if topic in (TOLD, "incident.spread") else topic
        doc = incident_doc(incident, self.state, self.plan, self.utc)
        self.say(IncidentChanged(replace(doc, told=tuple(incident.told)), topic))
        for told, reason, urgent in self.owed.get(incident.id, ()):
            notify = Notify(
                told.effect, incident.id, incident.rev, told.person, told.role, told.channel, reason,
                incident.priority, incident.mode, incident.site, told.step, urgent, doc,
            )  # fmt: skip
            self.state.outbox[notify.id] = notify
            self.say(notify)
        if (
            public and incident.mode != "simulated"
        ):  # no configuration can publish a simulated incident anywhere real
            for target in incident.targets:
                publish = Publish(
                    self.effect_id(), target, topic, incident.mode, incident.site, self.utc, doc
                )
                self.state.outbox[publish.id] = publish
                self.say(publish)
        if incident.handling == "closed":
            self._forget(incident)

    def _forget(self, incident: Incident) -> None:
        """A closed incident lives on in the view and the audit; the core keeps it an hour for a reopening."""
        self.state.open.pop(incident.key, None)
        for kind in ("esc", "mute", "back"):
            self.state.drop_timer(f"{kind}:{incident.id}")
        self.state.set_timer(f"gone:{incident.id}", self.at + 3_600_000)


NEWS: Final = ("incident.opened", "incident.spread", "incident.reopened")
TOLD: Final = "told"
"""What became of a call: the console shows it, but nothing that partners see has changed."""
_ORDER: Final = (
    TOLD,
    "incident.updated", "incident.spread", "incident.verified", "incident.controlled", "incident.on_scene",
    "incident.dispatched", "incident.taken", "incident.merged", "incident.reopened", "incident.opened",
    "incident.closed",
)  # fmt: skip


def alarm_doc(alarm: Alarm, state: State) -> AlarmDoc:
    """The alarm as everyone outside the core sees it."""
    metric = METRICS.get(alarm.metric)
    offset = state.offset_ms
    return AlarmDoc(
        alarm.id, alarm.site, alarm.rule, alarm.subject, alarm.device, alarm.metric, alarm.channel, alarm.place,
        alarm.hazard, alarm.priority, alarm.state, alarm.opened_utc, alarm.value, metric.unit if metric else None,
        alarm.incident, alarm.count, alarm.late_ms,
        alarm.shelved_until + offset if alarm.shelved_until is not None else None,
        alarm.out_until + offset if alarm.out_until is not None else None,
        f"{alarm.rule}|{alarm.subject}" in state.faulted,
    )  # fmt: skip


def incident_doc(incident: Incident, state: State, plan: Compiled, utc: int) -> IncidentDoc:
    """The incident as everyone outside the core sees it."""
    alarms = [state.alarms[a] for a in incident.alarms if a in state.alarms]
    first = min(alarms, key=lambda a: (a.priority, a.since)) if alarms else None
    offset = state.offset_ms
    policy = plan.plan.policies.get(incident.policy)
    upcoming: str | None = None
    if policy and incident.next_at is not None and policy.steps:
        upcoming = ",".join(policy.steps[incident.step % len(policy.steps)].to)
    measured: Any = [a.measured_at for a in alarms if a.measured_at is not None]
    return IncidentDoc(
        incident.id, incident.rev, incident.mode, incident.site, incident.hazard, incident.priority,
        incident.handling, incident.verdict, incident.sound, common_place(incident, plan), list(incident.places),
        incident.opened_utc, min(measured) if measured else None, utc,
        [alarm_doc(a, state) for a in _weightiest(alarms)],
        (), incident.cause, max((a.late_ms for a in alarms), default=0),
        incident.muted_until + offset if incident.muted_until is not None else None,
        incident.taken_by, incident.taken_role,
        incident.next_at + offset if incident.next_at is not None else None, upcoming, incident.step,
        title=first.rule if first else "",
        give_back_at=incident.give_back_at + offset if incident.give_back_at is not None else None,
        alarms_total=len(alarms) + incident.beyond if len(alarms) > ALARMS_SAID else 0,
    )  # fmt: skip


def _weightiest(alarms: list[Alarm]) -> list[Alarm]:
    """At most ALARMS_SAID of them, in their order. What stands goes before what is over or set aside: from the list
    is read what may be done next.
    """
    if len(alarms) <= ALARMS_SAID:
        return alarms

    def lightness(alarm: Alarm) -> tuple[bool, bool, int, bool]:
        return alarm.state == "NORM", alarm.out_until is not None, alarm.priority, not alarm.active

    weighed = sorted(range(len(alarms)), key=lambda i: lightness(alarms[i]))
    return [alarms[i] for i in sorted(weighed[:ALARMS_SAID])]


def common_place(incident: Incident, plan: Compiled) -> str:
    """The innermost place that holds every alarm of the incident."""
    if not incident.places:
        return incident.group
    shared: list[str] | None = None
    for place in incident.places:
        path = [p.id for p in plan.catalogue.path(place)] or [place]
        shared = path if shared is None else [p for p in shared if p in path]
    return shared[0] if shared else incident.group
