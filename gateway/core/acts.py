"""What people may do, whether they may do it now, and what it changes: every act gets an answer."""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace

from gateway.core import commanding, escalate, incident, judge
from gateway.core.alarm import Move, Refusal, move
from gateway.core.effect import Notify
from gateway.core.event import Acted, Verb
from gateway.core.plan import Policy
from gateway.core.state import ANSWER_KEEP_MS, Alarm, Incident
from gateway.core.turn import TOLD, Turn

_STAFF: Final = (
    "admin", "operator", "grid_staff", "grid_lead", "micro_station", "micro_station_lead", "building_lead",
    "property_manager", "fire_safety_manager", "fire_safety_responsible",
)  # fmt: skip
_HELP: Final = (
    "household",
    "household_lead",
    "contractor",
    "volunteer",
    "monitoring_centre",
    "duty_operator",
)
_DESK: Final = ("admin", "operator")
PERMITS: Final[dict[Verb, tuple[str, ...]]] = {
    Verb.TAKE: (*_STAFF, *_HELP),
    Verb.RELEASE: (*_STAFF, *_HELP),
    Verb.DECLINE: (*_STAFF, *_HELP),
    Verb.ON_SCENE: (*_STAFF, *_HELP),
    Verb.NOTE: (*_STAFF, *_HELP),
    Verb.MUTE: (*_DESK, "duty_operator"),
    Verb.VERDICT: (*_STAFF, "duty_operator"),
    Verb.DISPATCH: (*_DESK, "duty_operator", "grid_lead"),
    Verb.CONTROL: (*_STAFF, "duty_operator"),
    Verb.CLOSE: (*_DESK, "duty_operator"),
    Verb.REOPEN: (*_DESK, "duty_operator"),
    Verb.RESET: (*_DESK, "duty_operator"),
    Verb.SHELVE: (*_DESK, "duty_operator"),
    Verb.UNSHELVE: (*_DESK, "duty_operator"),
    Verb.OUT_OF_SERVICE: ("admin", "operator"),
    Verb.IN_SERVICE: ("admin", "operator", "duty_operator"),
    Verb.COMMAND: (*_DESK, "duty_operator", "property_manager", "micro_station_lead"),
}
"""Which roles may do what, on places they hold the role for. A household never gives a verdict: staff verify."""

_ALARM_VERBS: Final = (Verb.SHELVE, Verb.UNSHELVE, Verb.OUT_OF_SERVICE, Verb.IN_SERVICE)
SHELVE_MAX_MS: Final = 12 * 3_600_000
OUT_MAX_MS: Final = 30 * 86_400_000


def acted(turn: Turn, act: Acted) -> None:
    """Decide an act and answer it: once per key, whatever happens in between."""
    known = turn.state.answers.get(act.key)
    if known is not None:
        ok, code, rev, _ = known
        turn.answer(act.key, ok, code, rev)
        return
    _forget_old_answers(turn)
    if act.verb is Verb.COMMAND:
        device = turn.plan.catalogue.devices.get(act.target)
        allowed = device is not None and permitted(turn, act, [device.place])
        code = commanding.asked(turn, act) if allowed else "not_found" if device is None else "forbidden"
        turn.answer(act.key, code == "ok", code, None)
        return
    target: Incident | Alarm | None = turn.state.incidents.get(act.target) or turn.state.alarms.get(
        act.target
    )
    if target is None:
        turn.answer(act.key, False, "not_found", None)
        return
    places = target.places if isinstance(target, Incident) else [target.place]
    if not permitted(turn, act, [*places, target.site]):
        turn.answer(act.key, False, "forbidden", None)
        return
    if isinstance(target, Incident):
        code = _on_incident(turn, act, target)
        rev = target.rev + (1 if target.id in turn.dirty else 0)
    else:
        code, rev = _on_alarm(turn, act, target), None
    turn.answer(act.key, code == "ok", code, rev)


def permitted(turn: Turn, act: Acted, places: list[str]) -> bool:
    """Whether one of the actor's grants covers one of the places; a grant on "" covers everything."""
    above = {a: None for place in places for a in turn.plan.above(place)}
    return any(role in PERMITS[act.verb] and (not place or place in above) for role, place in act.grants)


def _on_incident(turn: Turn, act: Acted, target: Incident) -> str:
    verb = act.verb
    if verb in _ALARM_VERBS:
        return "not_an_alarm"
    if verb is Verb.MUTE:
        return _mute(turn, target)
    if verb is Verb.NOTE:
        turn.touch(target)
        return "ok"
    if verb is Verb.VERDICT:
        return _verdict(turn, act, target)
    if verb is Verb.CLOSE:
        return _close(turn, act, target)
    if verb is Verb.RESET:
        alarms = incident.members(turn.state, target)
        if act.args.get("gone") is True and target.verdict in incident.BY_PERSON:
            judge.gone(turn, [a for a in alarms if a.active])
        return _reset(turn, alarms, target)
    if verb is Verb.DECLINE:
        if target.handling == "closed":
            return "closed"
        if target.taken_by == act.user:
            _untake(turn, target)
        escalate.declined(turn, target, act.user)
        return "ok"
    return _handle(turn, act, target)


def _handle(turn: Turn, act: Acted, target: Incident) -> str:
    """The handling axis: take, release, dispatch, on scene, under control, reopen."""
    verb = act.verb
    if verb is Verb.TAKE and target.handling == "taken":
        return "ok" if target.taken_by == act.user else "taken_by_other"
    if verb is Verb.RELEASE and target.taken_by not in (None, act.user) and not _at_desk(act):
        return "taken_by_other"
    after = incident.HANDLING[target.handling].get(str(verb))
    if after is None:
        return "closed" if target.handling == "closed" else "not_now"
    if verb is Verb.RELEASE:
        _untake(turn, target)
        if escalate.waiting(target):
            escalate.run(turn, target)
        return "ok"
    if verb is Verb.REOPEN:
        _reopen(turn, target)
        return "ok"
    target.handling = after
    if target.taken_by is None or verb is Verb.TAKE:
        target.taken_by, target.taken_role = act.user, act.grants[0][0] if act.grants else ""
    target.sound, target.muted_until = "silent", None
    turn.state.drop_timer(f"mute:{target.id}")
    escalate.hold(turn, target)
    incident.acknowledge(turn, target)
    if verb in (Verb.TAKE, Verb.DISPATCH) and target.verdict not in incident.BY_PERSON:
        policy = turn.plan.plan.policies.get(target.policy, Policy())
        target.give_back_at = turn.at + policy.give_back_s * 1000
        turn.state.set_timer(f"back:{target.id}", target.give_back_at)
    else:
        _keep(turn, target)
    turn.touch(target, {"take": "incident.taken", "dispatch": "incident.dispatched", "on_scene": "incident.on_scene",
                        "control": "incident.controlled"}[str(verb)])  # fmt: skip
    incident.settle(turn, target)
    return "ok"


def _untake(turn: Turn, target: Incident) -> None:
    target.handling, target.taken_by, target.taken_role = "open", None, ""
    _keep(turn, target)
    incident.ring(turn, target)
    turn.touch(target)


def _keep(turn: Turn, target: Incident) -> None:
    """Nobody needs to be given it back."""
    target.give_back_at = None
    turn.state.drop_timer(f"back:{target.id}")


def _reopen(turn: Turn, target: Incident) -> None:
    state = turn.state
    if target.key in state.open:
        target.key = f"{target.key}|{target.id}"  # another incident has the place by now; both stay
    state.open[target.key] = target.id
    state.drop_timer(f"gone:{target.id}")
    target.handling, target.taken_by, target.verdict, target.cause = "reopened", None, "unverified", ""
    incident.ring(turn, target)
    turn.touch(target, "incident.reopened")
    escalate.start(turn, target, turn.plan.plan.policies.get(target.policy))


def _mute(turn: Turn, target: Incident) -> str:
    """Only the sound, and only for a while: it comes back by itself if nobody takes the incident."""
    if target.sound != "ringing":
        return "not_now"
    target.sound = "muted"
    target.muted_until = turn.at + turn.plan.plan.mute_s * 1000
    turn.state.set_timer(f"mute:{target.id}", target.muted_until)
    turn.touch(target)
    return "ok"


def unmuted(turn: Turn, target: Incident) -> None:
    """The mute ran out."""
    if target.sound == "muted":
        target.sound, target.muted_until = "silent", None
        if target.handling in incident.UNTAKEN:
            incident.ring(turn, target)
        turn.touch(target)


def _verdict(turn: Turn, act: Acted, target: Incident) -> str:
    """Real, false, test or drill: only a person says so, and only of what they have seen."""
    said = str(act.args.get("verdict", ""))
    if said not in incident.BY_PERSON:
        return "bad_verdict"
    if target.handling == "closed":
        return "closed"
    if act.version is not None and act.version < target.evidence_rev:
        return "changed"  # a new alarm came in that this person had not seen
    target.verdict, target.cause = said, str(act.args.get("cause", ""))[:64]
    target.sound, target.muted_until = "silent", None
    turn.state.drop_timer(f"mute:{target.id}")
    escalate.hold(turn, target)
    if target.handling in incident.UNTAKEN:
        target.handling, target.taken_by = "taken", act.user
        target.taken_role = act.grants[0][0] if act.grants else ""
    _keep(turn, target)
    incident.acknowledge(turn, target)
    turn.touch(target, "incident.verified")
    if said == "real":
        escalate.widen(turn, target)
    incident.settle(turn, target)
    return "ok"


def _close(turn: Turn, act: Acted, target: Incident) -> str:
    if target.handling == "closed":
        return "closed"
    if act.version is not None and act.version < target.evidence_rev:
        return "changed"
    if target.priority == 1 and target.verdict not in incident.BY_PERSON:
        return "no_verdict"
    alarms = incident.members(turn.state, target)
    if any(a.active and a.out_until is None for a in alarms):
        return str(Refusal.ACTIVE)
    if any(a.latch and a.state != "NORM" and a.out_until is None for a in alarms):
        return "not_reset"
    incident.acknowledge(turn, target)
    incident.close(turn, target, str(act.args.get("reason", ""))[:64])
    return "ok"


def _reset(turn: Turn, alarms: list[Alarm], target: Incident | None) -> str:
    """Reset what has returned and was acknowledged; what is still there refuses, and says so."""
    refused, done = "", False
    for alarm in alarms:
        after = move(alarm.state, Move.RESET)
        if isinstance(after, Refusal):
            refused = refused or (str(after) if after is not Refusal.NOTHING else "")
            continue
        alarm.state, done = after, True
        turn.changed[alarm.id] = alarm
    if target is not None and done:
        incident.relist(turn.state, target)
        turn.touch(target)
        incident.settle(turn, target)
    if refused:
        return refused
    return "ok" if done else str(Refusal.NOTHING)


def _on_alarm(turn: Turn, act: Acted, target: Alarm) -> str:
    owner = turn.state.incidents.get(target.incident or "")
    until = act.args.get("until_ms")
    turn.changed[target.id] = target
    if act.verb is Verb.RESET:
        return _reset(turn, [target], owner)
    if act.verb is Verb.SHELVE:
        if target.priority == 1:
            return "never_p1"
        if not act.args.get("reason") or (due := _until(turn, until, SHELVE_MAX_MS)) is None:
            return "bad_args"
        target.shelved_until = due
    elif act.verb is Verb.OUT_OF_SERVICE:
        due = _until(turn, until, OUT_MAX_MS)
        if due is None or not act.args.get("order"):
            return "bad_args"
        if target.priority == 1 and act.args.get("second") in (None, "", act.user):
            return "second_person"  # a work order, a second person and an expiry (standards 4)
        target.out_until = due
    elif (act.verb is Verb.UNSHELVE and target.shelved_until is not None) or (
        act.verb is Verb.IN_SERVICE and target.out_until is not None
    ):
        back(turn, target)
        return "ok"
    else:
        return str(Refusal.NOTHING)
    turn.state.set_timer(f"alarm:{target.id}", due)
    if owner is not None:
        turn.touch(owner)
    return "ok"


def back(turn: Turn, target: Alarm) -> None:
    """Shelving or out of service ends: the live condition is evaluated again, and one that still stands is new."""
    target.shelved_until = target.out_until = None
    turn.state.drop_timer(f"alarm:{target.id}")
    turn.changed[target.id] = target
    if target.active:
        target.state = "NORM"
        incident.occur(turn, target)
    else:
        incident.forget_if_done(turn, target)


def _until(turn: Turn, until: Any, longest_ms: int) -> int | None:
    """The stamp time of a UTC end time that lies ahead and not too far, or None."""
    if not isinstance(until, int) or not turn.utc < until <= turn.utc + longest_ms:
        return None
    return until - turn.state.offset_ms


def _at_desk(act: Acted) -> bool:
    return any(role in _DESK or role == "duty_operator" for role, _ in act.grants)


def _forget_old_answers(turn: Turn) -> None:
    """Answers are kept in order of time, so the old ones stand first."""
    answers = turn.state.answers
    while answers:
        first = next(iter(answers))
        if turn.at - answers[first][3] < ANSWER_KEEP_MS:
            return
        del answers[first]


def told(turn: Turn, notify: Notify, outcome: str) -> None:
    """Write on the call chain what became of a call."""
    target = turn.state.incidents.get(notify.incident)
    if target is None:
        return
    for index, row in enumerate(target.told):
        if row.effect == notify.id:
            target.told[index] = replace(row, outcome=outcome)
            turn.touch(target, TOLD)
            return
