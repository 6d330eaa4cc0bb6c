"""One synchronous function be everything: an event goes in, state moves, and what should be done comes out."""

from __future__ import annotations

from heapq import heappop
from typing import Final

from gateway.core import acts, commanding, escalate, guard, incident, judge, lost
from gateway.core.compiled import Compiled
from gateway.core.effect import Command, Happened, Notify
from gateway.core.event import (
    Acted,
    Clocked,
    Delivered,
    Event,
    Gap,
    Learned,
    Measured,
    Outcome,
    Quarantined,
    Replanned,
    Stamped,
)
from gateway.core.state import CONTEXT_KEYS_MAX, State
from gateway.core.turn import Turn

NOTHING: Final[list[Happened]] = []
"""What a quiet step leads to. Shared: never append to it."""


def step(state: State, plan: Compiled, stamped: Stamped) -> list[Happened]:
    """Fold one stamped event. Runs to completion; the same history gives the same results, ids and bytes."""
    return advance(state, plan, stamped.seq, stamped.at, stamped.event)


def advance(state: State, plan: Compiled, seq: int, at: int, event: Event) -> list[Happened]:
    """`step` without the wrapper, for the hot path. Due timers fire first, in (due, key) order."""
    state.seq, state.at = seq, at
    turn: Turn | None = None
    if type(event) is Gap:
        _gap(state, plan, event)  # first, or the silence of a blind spell would ring out before it is excused
    if state.heap and state.heap[0][0] <= at:
        turn = Turn(state, plan, seq, at)
        _fire(turn)
    if type(event) is Measured:
        turn = judge.measured(state, plan, turn, seq, at, event)
    elif type(event) is not Learned:
        turn = turn or Turn(state, plan, seq, at)
        _other(turn, event)
    else:
        _learn(state, event)
    if turn is None:
        return NOTHING
    if turn.answered:
        commanding.heard(turn, turn.answered)
    if turn.changed:
        guard.follow(turn)
        lost.follow(turn)
    if turn.dirty:
        commanding.automatic(turn)
    for site, heard in turn.heard.items():
        guard.nobody(turn, site, heard)
    out = turn.finish()
    for change in commanding.changes(turn):
        turn.say(change)
    return out


def bind(state: State, plan: Compiled) -> None:
    """Give a thawed state's memories their types again under the plan it was frozen under. Changes no byte of it."""
    judge.rebind(state, plan)
    guard.recount(state, plan)


def wake(state: State) -> int | None:
    """When the shell owes us a Ticked, in stamp time; None when nothing waits."""
    heap, timers = state.heap, state.timers
    while heap and timers.get(heap[0][1]) != heap[0][0]:
        heappop(heap)
    return heap[0][0] if heap else None


def _fire(turn: Turn) -> None:
    """Every timer due by now, each once; those set anew in the course wait for their own time."""
    state = turn.state
    heap, timers = state.heap, state.timers
    while heap and heap[0][0] <= turn.at:
        due, key = heappop(heap)
        if timers.get(key) != due:
            continue
        del timers[key]
        kind, _, name = key.partition(":")
        if kind == "abs":
            judge.silent(turn, name)
        elif kind == "rule":
            judge.ticked(turn, name)
        elif kind == "lost":
            lost.settled(turn, name)
        elif kind == "cmd":
            commanding.due(turn, name)
        elif kind == "alarm":
            if (alarm := state.alarms.get(name)) is not None:
                acts.back(turn, alarm)
        elif (known := state.incidents.get(name)) is not None:
            if kind == "esc":
                escalate.due(turn, known)
            elif kind == "mute":
                acts.unmuted(turn, known)
            elif kind == "back" and known.handling in ("taken", "dispatched"):
                incident.ring(turn, known)
                escalate.give_back(turn, known)
            elif kind == "gone":
                del state.incidents[name]


def _other(turn: Turn, event: Event) -> None:
    match event:
        case Acted():
            acts.acted(turn, event)
        case Delivered():
            _delivered(turn, event)
        case Quarantined():
            turn.state.quarantined += 1
        case Replanned():
            turn.state.plan = event.digest
            bind(turn.state, turn.plan)
            _replanned(turn)
        case Clocked():
            turn.state.offset_ms = event.offset_ms
            turn.utc = turn.at + event.offset_ms
        case _:
            pass  # Ticked and Gap: timers have fired, the gap is folded


def _delivered(turn: Turn, event: Delivered) -> None:
    effect = turn.state.outbox.pop(event.effect, None)
    if isinstance(effect, Command):
        commanding.delivered(turn, effect, event.outcome is Outcome.SENT, event.detail)
    if not isinstance(effect, Notify):
        return
    acts.told(turn, effect, str(event.outcome))
    if event.outcome is not Outcome.SENT:
        escalate.failed(turn, effect)


def _learn(state: State, event: Learned) -> None:
    known = state.context.setdefault((event.codec, event.source), {})
    known.pop(event.key, None)
    if event.value is None:
        return
    known[event.key] = event.value
    if len(known) > CONTEXT_KEYS_MAX:
        del known[next(iter(known))]


def _gap(state: State, plan: Compiled, event: Gap) -> None:
    """Time we or a source were blind: absence does not count it. Armed timers find out when they fire."""
    names = [event.source] if event.source is not None else list(plan.catalogue.sources)
    for name in names:
        source = state.source(name)
        since = max(event.since, source.blind_until)
        if event.until > since:
            source.blind_ms += event.until - since
            source.blind_since, source.blind_until = since, event.until


def _replanned(turn: Turn) -> None:
    """Placed devices are watched from now on even if they never spoke; alarms of removed rules end with that reason."""
    state, plan = turn.state, turn.plan
    for name in plan.catalogue.devices:
        state.device(name)
    for device in state.devices.values():
        if device.id in plan.retired:
            for rule in device.absent:
                judge.end_alarm(turn, rule, device.id)
            device.absent = ()
        device.absent = tuple(rule for rule in device.absent if rule in plan.rules)
        state.drop_timer(f"abs:{device.id}")
        judge.watch(state, plan, device)
    guard.replanned(turn)
    lost.replanned(state, plan)
    for alarm in list(state.alarms.values()):
        if alarm.rule not in plan.rules and alarm.priority > 1:
            alarm.latch = False
            incident.clear(turn, alarm)
    for known in list(state.incidents.values()):
        policy, known.policy, known.targets = plan.routed(
            known.hazard, known.priority, known.site, known.places[0] if known.places else known.group
        )
        if policy is not None and known.handling != "closed":
            known.step %= max(len(policy.steps), 1)
            if escalate.waiting(known) and (known.next_at is None or not known.told):
                escalate.start(turn, known, policy)
