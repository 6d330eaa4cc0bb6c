"""Who is told next, and when: call chains that go on until a human acts."""

from __future__ import annotations

from gateway.core.effect import Notify, Told
from gateway.core.plan import Policy
from gateway.core.state import Incident
from gateway.core.turn import RECORDING, Turn

FALLBACK_CHANNEL = RECORDING


def start(turn: Turn, incident: Incident, policy: Policy | None) -> None:
    """Begin the chain: the steps due at once go out with the incident's first revision."""
    incident.step = incident.round = 0
    incident.next_at = None
    if policy is not None and policy.steps:
        run(turn, incident)
    elif incident.priority == 1 and incident.mode == "live":
        turn.heard[incident.site] = False


def run(turn: Turn, incident: Incident) -> None:
    """Tell the step that is due, and set the time of the next. A step nobody holds is passed at once.

    The next step counts from now, not from when this one was due: after a gap the chain resumes at its next step and
    neither skips one nor fires several together.
    """
    policy = turn.plan.plan.policies.get(incident.policy)
    if policy is None or not policy.steps:
        return
    heard = False
    for _ in range(len(policy.steps)):
        step = policy.steps[incident.step]
        reached = _tell(turn, incident, step.to, "called" if incident.round == 0 else "reminded", step.urgent)
        heard = heard or reached
        upcoming = incident.step + 1
        if upcoming < len(policy.steps):
            wait_s = policy.steps[upcoming].after_s - step.after_s
        else:
            upcoming, wait_s = 0, policy.repeat_s
            incident.round += 1
        incident.step = upcoming
        if wait_s <= 0:
            continue
        if reached or upcoming == 0:
            break
    else:
        wait_s = policy.repeat_s
    if incident.priority == 1 and incident.mode == "live":
        turn.heard[incident.site] = heard
    incident.next_at = turn.at + max(wait_s, 1) * 1000
    turn.state.set_timer(f"esc:{incident.id}", incident.next_at)
    turn.touch(incident)


def due(turn: Turn, incident: Incident) -> None:
    """The timer of the chain came: nobody has acted, so the next step is told."""
    if incident.next_at is not None and waiting(incident):
        run(turn, incident)


def waiting(incident: Incident) -> bool:
    """Whether the "nobody answers" steps go on: nobody has it, and nobody has said that there is nothing to do."""
    return incident.handling in ("open", "reopened") and incident.verdict not in ("false", "test", "drill")


def hold(turn: Turn, incident: Incident) -> None:
    """A human acted: the chain waits. Calls not yet sent are withdrawn; whoever was told stays told."""
    incident.next_at = None
    turn.state.drop_timer(f"esc:{incident.id}")
    turn.withdraw(
        lambda e: (
            not (isinstance(e, Notify) and e.incident == incident.id and e.reason in ("called", "reminded"))
        )
    )


def give_back(turn: Turn, incident: Incident) -> None:
    """Whoever took it neither arrived nor reported: it is open again and the chain resumes at its next step."""
    taker, role = incident.taken_by, incident.taken_role
    incident.handling, incident.taken_by, incident.taken_role, incident.give_back_at = "open", None, "", None
    turn.touch(incident)
    if taker is not None and taker in turn.plan.plan.people:
        turn.tell(incident, taker, role, "given_back", True, first_channel(turn, taker))
    run(turn, incident)


def widen(turn: Turn, incident: Incident) -> None:
    """Devices confirm: the wider circle is told at once, whoever was told already only once more at their step."""
    policy = turn.plan.plan.policies.get(incident.policy)
    if policy is not None and policy.confirmed:
        told = {t.person for t in incident.told}
        _tell(turn, incident, policy.confirmed, "confirmed", True, skip=told)


def remind(turn: Turn, incident: Incident, reason: str, urgent: bool) -> None:
    """A new point or floor: everybody told so far hears of it once."""
    seen: dict[str, str] = {t.person: t.role for t in incident.told}
    for person, role in seen.items():
        if person in turn.plan.plan.people:
            turn.tell(incident, person, role, reason, urgent, first_channel(turn, person))


def first_channel(turn: Turn, person: str) -> str:
    known = turn.plan.plan.people.get(person)
    return known.channels[0] if known and known.channels else FALLBACK_CHANNEL


def failed(turn: Turn, notify: Notify) -> None:
    """A channel gave up: try the person's next one; when a whole step came to nothing, go to the next step now."""
    incident = turn.state.incidents.get(notify.incident)
    person = turn.plan.plan.people.get(notify.person)
    if incident is None or incident.handling == "closed":
        return
    channels = person.channels if person else ()
    at = channels.index(notify.channel) + 1 if notify.channel in channels else len(channels)
    if at < len(channels) and notify.mode != "simulated":
        turn.tell(incident, notify.person, notify.role, notify.reason, notify.urgent, channels[at])
        return
    _next_if_hopeless(turn, incident)


def declined(turn: Turn, incident: Incident, person: str) -> None:
    """Somebody cannot come: when nobody of the chain so far can, the next step is told now."""
    incident.told = [
        Told(t.effect, t.person, t.role, t.channel, t.at, t.step, t.outcome, "decline")
        if t.person == person
        else t
        for t in incident.told
    ]
    turn.touch(incident)
    _next_if_hopeless(turn, incident)


def _next_if_hopeless(turn: Turn, incident: Incident) -> None:
    """Go to the next step of this round at once; a new round waits its time, or dead channels would spin."""
    if waiting(incident) and incident.next_at is not None and incident.step != 0 and hopeless(incident):
        run(turn, incident)


def hopeless(incident: Incident) -> bool:
    """Nobody told so far can still answer: each failed on their last try or declined."""
    last: dict[str, Told] = {t.person: t for t in incident.told}
    return all(t.outcome in ("failed", "refused") or t.answer == "decline" for t in last.values())


def _tell(
    turn: Turn,
    incident: Incident,
    roles: tuple[str, ...],
    reason: str,
    urgent: bool,
    skip: set[str] | None = None,
) -> bool:
    """Tell everybody who holds one of the roles, once each. True when there was anybody."""
    reached: dict[str, str] = {}
    for role in roles:
        for person in turn.plan.holders(role, incident.places):
            if skip is None or person not in skip:
                reached.setdefault(person, role)
    for person, role in reached.items():
        turn.tell(incident, person, role, reason, urgent, first_channel(turn, person))
    return bool(reached)
