"""Alarms into incidents by place and hazard, with three independent axes: sound, handling, verdict."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from devices.catalogue import Level
from devices.reading import Hazard
from gateway.core import escalate
from gateway.core.alarm import STANDING, AlarmState, Move, Refusal, move
from gateway.core.effect import Notify
from gateway.core.state import CLEARED_MAX, Alarm, Incident, State
from gateway.core.turn import Turn

ALARMS_MAX: Final = 500
"""Alarms an incident lists by itself; of a storm's further ones each knows its incident, and `members` finds them."""

HANDLING: Final[dict[str, dict[str, str]]] = {
    "open": {"take": "taken", "dispatch": "dispatched", "on_scene": "on_scene", "control": "under_control"},
    "reopened": {
        "take": "taken",
        "dispatch": "dispatched",
        "on_scene": "on_scene",
        "control": "under_control",
    },
    "taken": {
        "release": "open",
        "dispatch": "dispatched",
        "on_scene": "on_scene",
        "control": "under_control",
    },
    "dispatched": {"release": "open", "take": "taken", "on_scene": "on_scene", "control": "under_control"},
    "on_scene": {"control": "under_control", "release": "open"},
    "under_control": {"on_scene": "on_scene"},
    "closed": {"reopen": "reopened"},
}
"""Handling by state and act; closing is allowed from every state but has conditions of its own (`acts`)."""

UNTAKEN: Final = ("open", "reopened")
BY_PERSON: Final = ("real", "false", "test", "drill")


def occur(turn: Turn, alarm: Alarm) -> None:
    """The condition is there (again). Raises or joins an incident unless a person took the point out of service."""
    state = turn.state
    before = alarm.state
    alarm.active = True
    alarm.count += 1
    alarm.state = move(before, Move.OCCUR)
    turn.changed[alarm.id] = alarm
    if alarm.out_until is not None or alarm.shelved_until is not None:
        return
    incident = _open_incident(turn, alarm)
    if alarm.incident != incident.id and alarm.id not in incident.alarms:
        if len(incident.alarms) < ALARMS_MAX:
            incident.alarms.append(alarm.id)
        else:
            incident.beyond += 1
        alarm.incident = incident.id
        _spread(turn, incident, alarm)
    elif before not in STANDING:
        turn.touch(incident)  # a re-alarm of a known point: recorded, one chime, no phones
        if incident.handling in UNTAKEN:
            ring(turn, incident)
    state.alarms[alarm.id] = alarm


def members(state: State, incident: Incident) -> list[Alarm]:
    """All its alarms. Where some are not listed every alarm there is is looked at: for acts, not for each step."""
    if incident.beyond:
        return [a for a in state.alarms.values() if a.incident == incident.id]
    return _listed(state, incident)


def _listed(state: State, incident: Incident) -> list[Alarm]:
    return [state.alarms[a] for a in incident.alarms if a in state.alarms]


def clear(turn: Turn, alarm: Alarm) -> None:
    """The condition is gone. Latching alarms wait for a reset; P3 and P4 need nobody to say they saw it."""
    alarm.active = False
    cleared = turn.state.cleared
    cleared.pop(alarm.subject, None)
    cleared[alarm.subject] = None
    if len(cleared) > CLEARED_MAX:
        del cleared[next(iter(cleared))]
    alarm.state = move(alarm.state, Move.LATCH if alarm.latch else Move.RETURN)
    if alarm.priority >= 3 and alarm.state == AlarmState.RTNUN:
        alarm.state = AlarmState.NORM
    turn.changed[alarm.id] = alarm
    incident = turn.state.incidents.get(alarm.incident or "")
    if incident is None:
        forget_if_done(turn, alarm)
        return
    turn.touch(incident)
    settle(turn, incident)


def settle(turn: Turn, incident: Incident) -> None:
    """Close by itself what needs nobody any more: never P1; P2 once its alarms were seen."""
    if incident.priority == 1 or incident.handling == "closed":
        return
    if any(a.state != AlarmState.NORM for a in _listed(turn.state, incident)):
        return  # which mostly spares a look at every alarm there is
    if not incident.beyond or all(a.state == AlarmState.NORM for a in members(turn.state, incident)):
        close(turn, incident, "cleared")


def close(turn: Turn, incident: Incident, cause: str) -> None:
    """Nothing more to do: the sound ends, nobody else is called, what was not yet sent is withdrawn."""
    incident.handling, incident.sound, incident.muted_until = "closed", "silent", None
    incident.next_at = incident.give_back_at = None
    if cause and not incident.cause:
        incident.cause = cause
    turn.withdraw(lambda e: not (isinstance(e, Notify) and e.incident == incident.id))
    turn.touch(incident, "incident.closed")
    for alarm in members(turn.state, incident):
        forget_if_done(turn, alarm)


def forget_if_done(turn: Turn, alarm: Alarm) -> None:
    if alarm.state == AlarmState.NORM and alarm.shelved_until is None and alarm.out_until is None:
        turn.state.alarms.pop(alarm.id, None)


def ring(turn: Turn, incident: Incident) -> None:
    """Sound on, unless the priority makes none: P4 never, P3 not at night."""
    incident.muted_until = None
    turn.state.drop_timer(f"mute:{incident.id}")
    if incident.priority <= 2 or (incident.priority == 3 and not _quiet(turn, incident.site)):
        incident.sound = "ringing"


def confirm(turn: Turn, hazard: Hazard, place: str) -> None:
    """Several devices agree. Only adds: a wider circle is told, nothing else waits for it."""
    for incident in list(turn.state.incidents.values()):
        if incident.hazard != hazard or incident.handling == "closed" or incident.verdict != "unverified":
            continue
        if any(place in turn.plan.above(p) for p in incident.places):
            incident.verdict = "confirmed_by_devices"
            turn.touch(incident, "incident.verified")
            if incident.handling in UNTAKEN:
                ring(turn, incident)
            escalate.widen(turn, incident)


def relist(state: State, incident: Incident) -> None:
    """After a person dealt with a storm: what still wants something is listed before what is over."""
    if not incident.beyond:
        return
    alarms = members(state, incident)
    over = [a.id for a in alarms if a.state == AlarmState.NORM]
    incident.alarms = [*(a.id for a in alarms if a.state != AlarmState.NORM), *over][:ALARMS_MAX]


def acknowledge(turn: Turn, incident: Incident) -> None:
    """Taking an incident acknowledges its alarms."""
    for alarm in members(turn.state, incident):
        target = move(alarm.state, Move.ACK)
        if not isinstance(target, Refusal):
            alarm.state = target
            turn.changed[alarm.id] = alarm
    relist(turn.state, incident)


def _open_incident(turn: Turn, alarm: Alarm) -> Incident:
    state, plan = turn.state, turn.plan
    known = plan.title(alarm.rule)
    level: Level | None = known.group if known else None
    group = plan.group(alarm.place, Hazard(alarm.hazard), level)
    key = f"{alarm.mode}|{alarm.site}|{alarm.hazard}|{group}" + ("|daily" if alarm.priority == 4 else "")
    if alarm.incident and (mine := state.incidents.get(alarm.incident)) and mine.handling != "closed":
        return mine
    if (name := state.open.get(key)) is not None:
        return state.incidents[name]
    local = datetime.fromtimestamp(turn.utc / 1000, UTC).astimezone(plan.zone(alarm.site))
    day = f"{local:%Y%m%d}"
    number = state.numbers[day] = state.numbers.get(day, 0) + 1
    while len(state.numbers) > 64:
        del state.numbers[next(iter(state.numbers))]
    incident = Incident(
        f"{day}-{number:04d}",
        key,
        alarm.mode,
        alarm.site,
        alarm.hazard,
        alarm.priority,
        group,
        turn.at,
        turn.utc,
    )
    state.incidents[incident.id] = incident
    state.open[key] = incident.id
    return incident


def _spread(turn: Turn, incident: Incident, alarm: Alarm) -> None:
    """A new point, floor or hazard is news: sound again, phones again, and a verdict given before it is open again."""
    new_place = alarm.place not in incident.places
    if new_place:
        incident.places.append(alarm.place)
    worse = alarm.priority < incident.priority
    incident.priority = min(incident.priority, alarm.priority)
    ring(turn, incident)
    if not incident.announced:
        incident.announced = True
        turn.touch(incident, "incident.opened")
        policy, incident.policy, incident.targets = turn.plan.routed(
            incident.hazard, incident.priority, incident.site, alarm.place
        )
        escalate.start(turn, incident, policy)
        return
    turn.touch(incident, "incident.spread")
    if incident.verdict == "false" or worse:
        if incident.verdict == "false":
            incident.verdict, incident.cause = "unverified", ""
        if incident.handling not in UNTAKEN:
            incident.handling, incident.taken_by, incident.taken_role = "open", None, ""
        policy, incident.policy, incident.targets = turn.plan.routed(
            incident.hazard, incident.priority, incident.site, alarm.place
        )
        escalate.start(turn, incident, policy)
    elif incident.priority <= 2:
        escalate.remind(turn, incident, "spread", new_place)


def _quiet(turn: Turn, site: str) -> bool:
    hour = datetime.fromtimestamp(turn.utc / 1000, UTC).astimezone(turn.plan.zone(site)).hour
    start, end = turn.plan.plan.quiet_from_h, turn.plan.plan.quiet_until_h
    return hour >= start or hour < end if start > end else start <= hour < end
