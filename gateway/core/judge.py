"""Readings against rules: what is live, what is a repeat, and which alarms follow."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from devices.reading import METRICS, Flag, MetricClass, Reading, is_pulse, point_id, split_point
from gateway.core import incident
from gateway.core.compiled import RULE_FAULT, VERIFY, Bound, Compiled
from gateway.core.event import Measured
from gateway.core.news import repeated, unseen
from gateway.core.state import Alarm, DeviceState, PointState, State
from gateway.core.turn import Turn
from rules.rule import Rule, Verdict

AHEAD_MS: Final = 5 * 60_000  # a device clock this far ahead of ours is bad (design section 3, "Time")
LATE_MS: Final = 60_000  # an alarm measured this long ago is marked late
CUT_OFF_MS: Final = 600_000  # until silence behind a bridge that is away is looked at again


class Fact(msgspec.Struct, frozen=True, gc=False):
    """What an alarm goes by: a point, what it read, when by the device's word, and how late that was."""

    point: str
    value: Any = None
    measured_at: int | None = None
    late_ms: int = 0


_ASIDE: Final = int(Flag.INVALID | Flag.HISTORICAL | Flag.RETAINED)
_RETAINED: Final = int(Flag.RETAINED)
_HISTORICAL: Final = int(Flag.HISTORICAL)
_CLOCK_BAD: Final = int(Flag.CLOCK_BAD)
_INVALID: Final = int(Flag.INVALID)


def measured(  # noqa: PLR0912 - the hot path: a call per reading would cost more than it would tidy
    state: State, plan: Compiled, turn: Turn | None, seq: int, at: int, event: Measured
) -> Turn | None:
    """Fold one message in. The quiet path searches one dict a message and allocates nothing."""
    device: DeviceState | None = None
    point: PointState | None = None
    utc = at + state.offset_ms
    owed = False
    for reading in event.readings:
        near = point.next if point is not None else None
        if near is None or near.id != reading.point or near.rules is None:
            near = _find(state, plan, reading.point, point)
        point = near
        if point.device is not device:
            device = point.device
            if (event.sequence is not None or event.digest) and repeated(device, event, at):
                return turn
            if not reading.flags & _RETAINED:
                device.last_at = at
                device.seen = True
                if device.absent:
                    turn = turn or Turn(state, plan, seq, at)
                    _returned(turn, device)
                device.blind_ms = state.source(event.source).blind_ms
        value = reading.value
        if reading.flags & _ASIDE or value is None:
            if reading.flags & _RETAINED and value is True and unseen(state, point, reading):
                turn = _verify(turn or Turn(state, plan, seq, at), point, reading)
            continue
        late_ms = 0
        moment = reading.measured_at
        if moment is not None and not reading.flags & _CLOCK_BAD and moment - utc <= AHEAD_MS:
            last = point.measured_at
            if last is not None and moment <= last:
                if moment == last and value == point.value and not reading.flags:
                    continue  # the same word again
                if moment < last:
                    if value is True and point.value is not True:
                        turn = _verify(turn or Turn(state, plan, seq, at), point, reading)
                    continue
            point.measured_at = moment
            late_ms = utc - moment if utc - moment > LATE_MS else 0
        point.value = value
        if device is not None and device.owes:
            owed = True
        for bound in point.rules or ():
            if bound.calm(value) and not (point.memory if bound.on_point else state.memory.get(bound.id)):
                continue
            turn = turn or Turn(state, plan, seq, at)
            _judge(turn, bound, point, reading, late_ms)
        if state.verifying and point.id in state.verifying:
            del state.verifying[point.id]
            end_alarm(turn := turn or Turn(state, plan, seq, at), VERIFY.id, point.id)
    if owed:
        turn = turn or Turn(state, plan, seq, at)
        turn.answered = [r for r in event.readings if not r.flags & _ASIDE]
    return turn


def _find(state: State, plan: Compiled, name: str, last: PointState | None = None) -> PointState:
    """A point by its name, which from now on follows `last`; seen for the first time under this plan it gets its device
    and rules."""
    point = state.points.get(name)
    if point is None:
        device_name = split_point(name)[0]
        known = device_name in state.devices
        device = state.device(device_name)
        if not known:
            watch(state, plan, device)
        point = state.points[name] = PointState(name, device)
    if point.rules is None:
        point.rules = plan.bind(name)
        if point.memory:
            point.memory = _typed(plan, point.memory)
    if last is not None:
        last.next = point
    return point


def _typed(plan: Compiled, memory: dict[str, Any]) -> dict[str, Any] | None:
    """Memory carries over where rule id and memory type are equal; the rest is forgotten."""
    kept: dict[str, Any] = {}
    for rule, plain in memory.items():
        bound = plan.bound.get(rule)
        if bound is None:
            continue
        kind = type(bound.fresh())
        if type(plain) is kind:
            kept[rule] = plain
            continue
        try:
            kept[rule] = msgspec.convert(msgspec.to_builtins(plain), kind)
        except msgspec.ValidationError:
            continue
    return kept or None


def rebind(state: State, plan: Compiled) -> None:
    """A new plan, or a thawed state: bindings are found anew at the next word of each point."""
    for point in state.points.values():
        point.rules = None
    state.memory = {
        rule: {s: m[rule] for s, plain in memory.items() if (m := _typed(plan, {rule: plain})) is not None}
        for rule, memory in state.memory.items()
        if rule in plan.bound
    }


def watch(state: State, plan: Compiled, device: DeviceState) -> None:
    """Arm the device's absence timer at its earliest deadline."""
    dues = [d for rule in plan.absence(device.id) if (d := _deadline(state, plan, device, rule)) is not None]
    if dues:
        state.set_timer(f"abs:{device.id}", min(dues))


def _deadline(state: State, plan: Compiled, device: DeviceState, rule: Rule) -> int | None:
    """When the device's silence becomes an alarm: time we were blind does not count.

    Short blind spells only extend it. After one of at least half the allowed silence the device gets all of it anew,
    for it may have spoken while nobody could hear.
    """
    if rule.id in device.absent:
        return None
    due: int = rule.when.deadline(device.last_at, plan.period_s(device.id))
    allowed = due - device.last_at
    source = state.source(device.id.partition(":")[0])
    due += source.blind_ms - device.blind_ms
    if source.blind_until > device.last_at and 2 * (source.blind_until - source.blind_since) >= allowed:
        due = max(due, source.blind_until + allowed)
    return due


def silent(turn: Turn, name: str) -> None:
    """The absence timer of a device came: raise what is due, and watch for the rest."""
    device = turn.state.devices.get(name)
    if device is None:
        return
    if turn.state.impaired.cut_off(turn.plan.catalogue, name):
        turn.state.set_timer(f"abs:{name}", turn.at + CUT_OFF_MS)  # one alarm of the bridge, not one a device
        return
    for rule in turn.plan.absence(name):
        due = _deadline(turn.state, turn.plan, device, rule)
        if due is not None and due <= turn.at:
            device.absent = (*device.absent, rule.id)
            raise_alarm(turn, rule, name, Fact(point_id(name, "online")))
    watch(turn.state, turn.plan, device)


def _returned(turn: Turn, device: DeviceState) -> None:
    """The device speaks again."""
    absent, device.absent = device.absent, ()
    for rule in absent:
        end_alarm(turn, rule, device.id)
    watch(turn.state, turn.plan, device)


def _judge(turn: Turn, bound: Bound, point: PointState, reading: Reading, late_ms: int) -> None:
    """Ask one rule. A rule that raises is faulted for this subject: its last verdict stands and an alarm says so."""
    state = turn.state
    if reading.value is True and bound.on_point and is_pulse(point.id):
        _forget(point, bound.id)  # every one is news, also while the last is still shown
    subject, memory = _memory(turn, bound, point)
    if subject is None:
        return
    try:
        verdict = bound.judge(memory, reading, turn.at)
        due = bound.wake(memory)
    except Exception:  # noqa: BLE001 - rule isolation: one broken rule must not take the others with it
        _fault(turn, bound, subject, point.device.id)
        return
    if f"{bound.id}|{subject}" in state.faulted:
        del state.faulted[f"{bound.id}|{subject}"]
        end_alarm(turn, RULE_FAULT.id, f"{bound.id}|{subject}")
    key = f"rule:{bound.id}|{subject}"
    if due is None:
        state.drop_timer(key)
    else:
        state.set_timer(key, max(due, turn.at + 1))
    if bound.on_point:
        _forget_fresh(bound, point, memory, due)
    _apply(turn, bound, verdict, subject, Fact(point.id, reading.value, reading.measured_at, late_ms))


def _memory(turn: Turn, bound: Bound, point: PointState) -> tuple[str | None, Any]:
    """The subject and its memory (made when first needed) under one rule; no subject when it has no such place."""
    if bound.on_point:
        if point.memory is None:
            point.memory = {}
        memory = point.memory.get(bound.id)
        if memory is None:
            memory = point.memory[bound.id] = bound.fresh()
        return point.id, memory
    subject: str | None = point.device.id
    if bound.subject == "place":
        subject = turn.plan.catalogue.at_level(turn.plan.place(point.device.id), bound.kind.place)
        if subject is None:
            return None, None
    store = turn.state.memory.setdefault(bound.id, {})
    memory = store.get(str(subject))
    if memory is None:
        memory = store[str(subject)] = bound.fresh()
    return subject, memory


def _forget_fresh(bound: Bound, point: PointState, memory: Any, due: int | None) -> None:
    """Memory that says nothing is not kept: a quiet point costs nothing."""
    if due is None and point.memory is not None and memory == bound.fresh():
        del point.memory[bound.id]
        if not point.memory:
            point.memory = None


def _forget(point: PointState | None, rule: str) -> None:
    """Let a rule start anew on a point."""
    if point is not None and point.memory is not None:
        point.memory.pop(rule, None)
        point.memory = point.memory or None


def _apply(turn: Turn, bound: Bound, verdict: Verdict, subject: str, fact: Fact) -> None:
    """Turn a verdict into what it means: an alarm begins or ends, or an incident is confirmed."""
    if verdict is Verdict.HOLD:
        return
    device = split_point(fact.point)[0]
    if bound.confirm:
        if verdict is Verdict.ALARM:
            place = subject if bound.subject == "place" else turn.plan.place(device)
            incident.confirm(turn, bound.rule.hazard, place)
        return
    if verdict is Verdict.NORMAL:
        end_alarm(turn, bound.id, subject)
        return
    pulse = fact.value is True and is_pulse(fact.point)
    current = turn.state.alarms.get(f"{bound.id}|{subject}")
    if current is not None and current.active and not pulse:
        current.value = fact.value
        return
    raise_alarm(turn, bound.rule, subject, fact)
    point = turn.state.points.get(fact.point)
    if pulse and point is not None:  # a press is over as it happens: nothing else will ever say so
        _judge(turn, bound, point, Reading(fact.point, False, fact.measured_at), fact.late_ms)


def raise_alarm(
    turn: Turn, rule: Rule, subject: str, fact: Fact, hazard: str | None = None, place: str | None = None
) -> None:
    """The rule's condition is there on this subject; `place` where it is not the device's own."""
    state, plan = turn.state, turn.plan
    name = f"{rule.id}|{subject}"
    alarm = state.alarms.get(name)
    if alarm is None:
        device, metric, channel = split_point(fact.point)
        alarm = Alarm(
            id=name, rule=rule.id, subject=subject, device=device, metric=metric, channel=channel,
            place=place or plan.place(device),
            site=plan.source(device).site,
            mode=str(plan.mode(device)),
            hazard=hazard or str(rule.hazard),
            priority=rule.priority,
            latch=rule.latch,
            state="NORM",
            since=turn.at,
            opened_utc=turn.utc,
        )  # fmt: skip
        state.alarms[name] = alarm
    if not alarm.active:
        alarm.since, alarm.opened_utc = turn.at, turn.utc
    alarm.value, alarm.measured_at, alarm.late_ms = fact.value, fact.measured_at, fact.late_ms
    incident.occur(turn, alarm)


def end_alarm(turn: Turn, rule: str, subject: str) -> None:
    """The rule's condition is gone from this subject, if it ever was there."""
    alarm = turn.state.alarms.get(f"{rule}|{subject}")
    if alarm is not None and alarm.active:
        incident.clear(turn, alarm)


def gone(turn: Turn, alarms: list[Alarm]) -> None:
    """A person who gave a verdict says that the condition is gone: many detectors never send the end of an alarm.

    The rule forgets what it knew of the subject, so the device's next word counts as new.
    """
    for alarm in alarms:
        end_alarm(turn, alarm.rule, alarm.subject)
        _forget(turn.state.points.get(alarm.subject), alarm.rule)
        turn.state.memory.get(alarm.rule, {}).pop(alarm.subject, None)
        turn.state.drop_timer(f"rule:{alarm.rule}|{alarm.subject}")


def _verify(turn: Turn, point: PointState, reading: Reading) -> Turn:
    """An old active alarm we never saw end: ask somebody to look, without calling people out for it."""
    metric = split_point(point.id)[1]
    known = METRICS.get(metric)
    if known is None or known.klass is not MetricClass.ALARM or known.pulse:
        return turn
    if any(a.active and a.subject == point.id for a in turn.state.alarms.values()):
        return turn
    hazard = str(turn.plan.hazard_of(metric))
    moment = reading.measured_at
    late_ms = max(turn.utc - moment, 0) if moment is not None else 0
    turn.state.verifying[point.id] = turn.at
    raise_alarm(turn, VERIFY, point.id, Fact(point.id, True, moment, late_ms), hazard)
    return turn


def _fault(turn: Turn, bound: Bound, subject: str, device: str) -> None:
    key = f"{bound.id}|{subject}"
    if key not in turn.state.faulted:
        turn.state.faulted[key] = turn.at
        raise_alarm(turn, RULE_FAULT, key, Fact(point_id(device, "rule_ok"), False))


def ticked(turn: Turn, key: str) -> None:
    """A rule's timer came: `rule|subject`."""
    rule, _, subject = key.partition("|")
    bound = turn.plan.bound.get(rule)
    if bound is None:
        return
    point = turn.state.points.get(subject) if bound.on_point else None
    store = (point.memory or {}) if point else turn.state.memory.get(rule, {})
    memory = store.get(rule if point else subject)
    if memory is None:
        return
    if point is not None and point.rules is None:
        point = _find(turn.state, turn.plan, point.id)
        memory = (point.memory or {}).get(rule)
        if memory is None:
            return
    try:
        verdict = bound.tick(memory, turn.at)
        due = bound.wake(memory)
    except Exception:  # noqa: BLE001 - rule isolation, as in _judge
        _fault(turn, bound, subject, point.device.id if point else "gateway:engine")
        return
    if due is not None:
        turn.state.set_timer(f"rule:{key}", max(due, turn.at + 1))
    if point is not None:
        _forget_fresh(bound, point, memory, due)
        _apply(turn, bound, verdict, subject, Fact(point.id, point.value, point.measured_at))
    elif bound.confirm:
        if verdict is Verdict.ALARM:
            incident.confirm(turn, bound.rule.hazard, subject)
    elif verdict is Verdict.NORMAL:
        end_alarm(turn, rule, subject)
    if point is None and verdict is Verdict.NORMAL and due is None and memory == bound.fresh():
        del store[subject]
