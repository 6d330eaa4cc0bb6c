"""What the core says of protection itself: a place that no detector watches any more, a P1 that reached nobody."""

from __future__ import annotations

from devices.reading import point_id
from gateway.core.compiled import NOBODY, UNGUARDED, Compiled
from gateway.core.coverage import AWAY, Impaired, Ward
from gateway.core.effect import Mode
from gateway.core.judge import Fact, end_alarm, raise_alarm
from gateway.core.state import Alarm, State
from gateway.core.turn import Turn


def recount(state: State, plan: Compiled) -> None:
    """Count anew under another plan, or after a thaw: it all follows from the alarms."""
    state.impaired = Impaired()
    for alarm in state.alarms.values():
        bad = _impairs(plan, alarm)
        state.impaired.heard(plan.guard, alarm.device, alarm.id, bad, _away(plan, alarm))


def follow(turn: Turn) -> None:
    """What this step's alarms mean for the places their devices guard."""
    state, plan = turn.state, turn.plan
    for alarm in list(turn.changed.values()):
        bad = _impairs(plan, alarm)
        for ward in state.impaired.heard(plan.guard, alarm.device, alarm.id, bad, _away(plan, alarm)):
            _ward(turn, ward, alarm.device)


def replanned(turn: Turn) -> None:
    """A new plan: places may be guarded otherwise now, or no more."""
    guard = turn.plan.guard
    for alarm in [a for a in turn.state.alarms.values() if a.rule == UNGUARDED.id and a.active]:
        ward = guard.wards.get(alarm.subject)
        if ward is None:
            end_alarm(turn, UNGUARDED.id, alarm.subject)
        else:
            _ward(turn, ward, alarm.device)
    for device in list(turn.state.impaired.alarms):
        for ward in guard.of.get(device, ()):
            _ward(turn, ward, device)


def _ward(turn: Turn, ward: Ward, device: str) -> None:
    """The last working device of a guarded place gone is an alarm, the first one back its end."""
    working = turn.state.impaired.working(ward)
    current = turn.state.alarms.get(f"{UNGUARDED.id}|{ward.key}")
    if (current is not None and current.active) is (working == 0):
        return
    if working == 0:
        fact = Fact(point_id(device, "coverage", ward.klass), 0)
        raise_alarm(turn, UNGUARDED, ward.key, fact, place=ward.place)
    else:
        end_alarm(turn, UNGUARDED.id, ward.key)
    mode, site = turn.plan.mode(device), turn.plan.source(device).site
    if mode is not Mode.SIMULATED:
        told = {"place": ward.place, "class": ward.klass, "installed": ward.installed, "working": working}
        turn.publish("coverage.changed", UNGUARDED, site, ward.place, told)


def _impairs(plan: Compiled, alarm: Alarm) -> bool:
    rule = plan.rules.get(alarm.rule)
    return alarm.out_until is not None or (alarm.active and rule is not None and rule.impairs)


def _away(plan: Compiled, alarm: Alarm) -> bool:
    """Whether it says that the device is not there, and so nothing that speaks through it."""
    rule = plan.rules.get(alarm.rule)
    return alarm.active and alarm.metric in AWAY and rule is not None and rule.impairs


def nobody(turn: Turn, site: str, reached: bool) -> None:
    """Whether the last P1 call chain of a site had anybody to tell; an empty one is an alarm of its own."""
    subject = f"site/{site}"
    alarm = turn.state.alarms.get(f"{NOBODY.id}|{subject}")
    if not reached and (alarm is None or not alarm.active):
        raise_alarm(turn, NOBODY, subject, Fact(point_id(f"gateway:{site}", "channel_ok"), False))
    elif reached and alarm is not None and alarm.active:
        end_alarm(turn, NOBODY.id, subject)
