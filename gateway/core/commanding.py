"""Commands to devices: who may ask, what is sent, whether it was obeyed, and who is told when it was not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from devices.catalogue import Device, Level
from devices.codec import number_of
from devices.reading import Hazard, Reading, point_id, source_of, split_point
from gateway.core.command import (
    ANSWER_MS,
    CONFIRM_MS,
    EXPIRES_MS,
    MOVES,
    OFFERS,
    PENDING,
    TRIES_MAX,
    CommandState,
    Offer,
    Press,
    Step,
    spoken,
)
from gateway.core.compiled import COMMAND_FAILED, NOBODY_ON_DUTY
from gateway.core.effect import Command, CommandChanged, CommandDoc
from gateway.core.event import Acted
from gateway.core.judge import Fact, end_alarm, raise_alarm
from gateway.core.state import Commanded, Incident
from gateway.core.turn import Turn

TAKEN: Final = "taken"
"""What the shell says of a message that the device itself has confirmed, where its family does (`Delivered.detail`)."""

CARRIED_OUT: Final = "done"
"""The same where a platform waited for the device, which did it. Of what is `certain` the state counts all the same."""

TICKET: Final = "ticket:"
"""Before the platform's own id of a command it took, which its later word on it names (`Delivered.detail`)."""

KEPT_MS: Final = 3_600_000
"""A command that is over is remembered so long: a device that obeys late is heard."""


def asked(turn: Turn, act: Acted) -> str:
    """A person asks a device for something; the code of the answer."""
    device = turn.plan.catalogue.devices.get(act.target)
    name = str(act.args.get("name", ""))
    if device is None:
        return "not_found"
    why = refusal(turn, device, name)
    if why:
        return why
    offer = OFFERS[device.kind, name]
    if act.args.get("anyway") is not True and (why := _unready(turn, device, offer)):
        return why
    if offer.press is Press.TWO and not _confirmed(turn, act, name):
        return "confirm"
    _begin(turn, device, name, act.user, _nearest(turn, device))
    return "ok"


def refusal(turn: Turn, device: Device, name: str) -> str:
    """Why this is never sent to this device, or not now; empty when it may be."""
    offer = OFFERS.get((device.kind, name))
    if offer is None:
        return "not_offered"
    if not spoken(offer, turn.plan.source(device.id)):
        return "not_offered"
    if offer.within is not None and turn.plan.catalogue.at_level(device.place, offer.within) is None:
        return "not_offered"
    if offer.electric and in_gas_zone(turn, device.place):
        return "gas_zone"
    if offer.hazard is not None and not any(
        _covers(turn, i, device.place) for i in _open(turn, offer.hazard)
    ):
        return "no_incident"
    if any(
        c.device == device.id and c.name == name and c.state in PENDING for c in turn.state.commands.values()
    ):
        return "pending"
    return ""


def in_gas_zone(turn: Turn, place: str) -> bool:
    """Whether gas may have reached the place: an incident of gas is open on its floor, or in its building."""
    return any(_covers(turn, known, place) for known in _open(turn, Hazard.GAS))


def automatic(turn: Turn) -> None:
    """A fire alarm opened, spread or was confirmed in this step: sound what may sound by itself, look where one can."""
    for known, topics in list(turn.dirty.values()):
        if known.hazard != Hazard.FIRE or known.priority != 1 or known.verdict in ("false", "test", "drill"):
            continue
        if not any(topic in _NEWS for topic in topics) or known.handling == "closed":
            continue
        wide = known.verdict in ("confirmed_by_devices", "real")
        for device in turn.plan.obeys.get(known.site, ()):
            name = next(n for (kind, n), offer in OFFERS.items() if kind == device.kind and offer.automatic)
            near = _covers(turn, known, device.place) if not wide else _in_group(turn, known, device.place)
            asked_now = any(
                c.device == device.id and c.name == name and turn.at - c.asked_at < EXPIRES_MS
                for c in turn.state.commands.values()
            )
            if not near or asked_now or str(turn.plan.mode(device.id)) != known.mode:
                continue
            if not refusal(turn, device, name):
                _begin(turn, device, name, "", known)


def heard(turn: Turn, readings: Sequence[Reading]) -> None:
    """Live readings of a device that owes an answer."""
    said: dict[str, list[tuple[str, Any]]] = {}
    for reading in readings:
        device, metric, _ = split_point(reading.point)
        said.setdefault(device, []).append((metric, reading.value))
    for command in list(turn.state.commands.values()):
        offer = OFFERS.get((command.kind, command.name))
        for metric, value in said.get(command.device, ()):
            if metric == RESULT and offer is not None and isinstance(value, str):
                _resulted(turn, command, offer, value)
        if offer is not None and any(pair in offer.confirms for pair in said.get(command.device, ())):
            _move(turn, command, Step.OBEYED)


def _resulted(turn: Turn, command: Commanded, offer: Offer, value: str) -> None:
    """The word on one command of its device or its platform: `<id> ok <state>` or `<id> failed <error>`.

    Of a valve or a power switch "ok" alone may only mean that it was heard: it counts with the state that was asked
    for, else what it measures does.
    """
    identity, outcome, words, *_ = (*value.split(" ", 2), "", "", "")
    if identity != command.id and identity not in command.tickets and identity != f"#{number_of(command.id)}":
        return
    if outcome == "failed":
        command.detail = f"refused: {words}"[:64]
        _move(turn, command, Step.REFUSED)
    elif outcome == "ok" and (not offer.certain or words.casefold() in _DONE):
        _move(turn, command, Step.OBEYED)


def delivered(turn: Turn, effect: Command, sent: bool, detail: str) -> None:
    """What became of the message to the device."""
    command = turn.state.commands.get(effect.command)
    if command is None or command.effect != effect.id:
        return
    command.detail = "" if sent else detail[:64]
    if sent and detail.startswith(TICKET):
        command.tickets = (*command.tickets, detail.removeprefix(TICKET))
    if not sent:
        never = detail.startswith(_NEVER)
        _move(turn, command, Step.REFUSED if never else Step.UNDELIVERED)
        return
    _move(turn, command, Step.DELIVERED)
    offer = OFFERS[command.kind, command.name]
    if command.state != CommandState.SENT:
        return
    if (not offer.confirms and detail == TAKEN) or (detail == CARRIED_OUT and not offer.certain):
        _move(turn, command, Step.OBEYED)
    elif not offer.confirms:
        command.state = str(CommandState.UNCONFIRMED)
        _over(turn, command)
    elif offer.patience_ms:
        turn.state.set_timer(f"cmd:{command.id}", turn.at + offer.patience_ms)


def due(turn: Turn, name: str) -> None:
    """The time of a command came: ask again, give up, or forget it."""
    command = turn.state.commands.get(name)
    if command is None:
        return
    if command.state not in PENDING:
        del turn.state.commands[name]
        return
    offer = OFFERS.get((command.kind, command.name))
    heard = offer is not None and offer.patience_ms and command.state == CommandState.SENT
    if heard or command.tries >= TRIES_MAX or turn.at >= command.until:
        _move(turn, command, Step.SPENT if offer is None or offer.certain else Step.UNANSWERED)
        return
    _move(turn, command, Step.LATE)
    _send(turn, command)


def _nearest(turn: Turn, device: Device) -> Incident | None:
    """The incident in which a person asks it for something: the most urgent, oldest one that is open where it is."""
    mode = str(turn.plan.mode(device.id))
    there = [
        i for i in turn.state.incidents.values()
        if i.handling != "closed" and i.mode == mode and _covers(turn, i, device.place)
    ]  # fmt: skip
    return min(there, key=lambda i: (i.priority, i.opened_at, i.id), default=None)


def _begin(turn: Turn, device: Device, name: str, user: str, known: Incident | None) -> None:
    state = turn.state
    number = turn.effect_id()
    command = Commanded(
        f"c{number}", device.id, device.kind, name, user, turn.plan.place(device.id), turn.plan.source(device.id).site,
        str(turn.plan.mode(device.id)), str(CommandState.REQUESTED), turn.at, turn.at + EXPIRES_MS,
        incident=known.id if known is not None else None, priority=known.priority if known is not None else None,
    )  # fmt: skip
    state.commands[command.id] = command
    state.device(device.id).owes = True
    _send(turn, command)


def _send(turn: Turn, command: Commanded) -> None:
    command.tries += 1
    effect = Command(
        turn.effect_id(), command.id, command.device, source_of(command.device), command.name,
        command.until + turn.state.offset_ms, command.mode, command.site, command.incident, command.priority,
    )  # fmt: skip
    command.effect = effect.id
    turn.state.outbox[effect.id] = effect
    turn.say(effect)
    turn.state.set_timer(f"cmd:{command.id}", min(turn.at + ANSWER_MS, command.until))
    _tell(turn, command)


def _move(turn: Turn, command: Commanded, step: Step) -> None:
    before = command.state
    command.state = str(MOVES[CommandState(before)][step])
    if command.state == before:
        return
    _tell(turn, command)
    subject = f"{command.device}|{command.name}"
    if command.state == CommandState.FAILED and (command.user or step is not Step.REFUSED):
        hazard = str(Hazard.GAS) if command.name == "valve_close" else None
        if command.name == "duty_check" and before == CommandState.SENT:  # it rang, and nobody came
            raise_alarm(turn, NOBODY_ON_DUTY, subject, Fact(point_id(command.device, "duty_answered"), False))
        else:
            fact = Fact(point_id(command.device, "relay", command.name), False)
            raise_alarm(turn, COMMAND_FAILED, subject, fact, hazard)
    elif command.state == CommandState.CONFIRMED:
        for rule in (COMMAND_FAILED, NOBODY_ON_DUTY):
            end_alarm(turn, rule.id, subject)
    if command.state not in PENDING:
        _over(turn, command)


def _over(turn: Turn, command: Commanded) -> None:
    """Nothing more is sent; the command is forgotten after a while."""
    turn.withdraw(lambda effect: not (isinstance(effect, Command) and effect.command == command.id))
    turn.state.set_timer(f"cmd:{command.id}", turn.at + KEPT_MS)
    _tell(turn, command)
    device = turn.state.devices.get(command.device)
    late = any(
        c.device == command.device and c.state != CommandState.CONFIRMED for c in turn.state.commands.values()
    )
    if device is not None:
        device.owes = late


def _tell(turn: Turn, command: Commanded) -> None:
    turn.commands[command.id] = command


def doc(command: Commanded, offset_ms: int) -> CommandDoc:
    """The command as everyone outside the core sees it."""
    return CommandDoc(
        command.id, command.device, command.name, command.user, command.place, command.site, command.mode,
        command.state, command.asked_at + offset_ms, command.tries, command.detail,
    )  # fmt: skip


def changes(turn: Turn) -> list[CommandChanged]:
    """What this step changed of commands."""
    return [CommandChanged(doc(c, turn.state.offset_ms)) for c in turn.commands.values()]


def _unready(turn: Turn, device: Device, offer: Offer) -> str:
    """Why it may come to nothing; a person may insist."""
    known = turn.state.devices.get(device.id)
    if known is None or not known.seen or known.absent:
        return "silent"
    if offer.before is not None:
        point = turn.state.points.get(point_id(device.id, offer.confirms[0][0]))
        if point is None or point.value is None:
            return "state_unknown"
        if point.value != offer.before:
            return "already"
    return ""


def _confirmed(turn: Turn, act: Acted, name: str) -> bool:
    """The second press, by the same person and soon enough; the first one arms it."""
    key = f"{act.user}|{act.target}|{name}"
    armed: Mapping[str, int] = turn.state.armed
    since = armed.get(key)
    if act.args.get("confirm") is True and since is not None and turn.at - since <= CONFIRM_MS:
        del turn.state.armed[key]
        return True
    turn.state.armed = {k: at for k, at in armed.items() if turn.at - at <= CONFIRM_MS} | {key: turn.at}
    return False


def _open(turn: Turn, hazard: Hazard) -> list[Incident]:
    return [i for i in turn.state.incidents.values() if i.hazard == hazard and i.handling != "closed"]


def _covers(turn: Turn, known: Incident, place: str) -> bool:
    """Whether the place is on a floor of the incident; where the tree knows no floors, in a building of it."""
    path = [node.id for node in turn.plan.catalogue.path(place)]
    for own in known.places:
        top = (
            turn.plan.catalogue.at_level(own, Level.FLOOR)
            or turn.plan.catalogue.at_level(own, Level.BUILDING)
            or own
        )
        if top in path or own in path:
            return True
    return False


def _in_group(turn: Turn, known: Incident, place: str) -> bool:
    return any(node.id == known.group for node in turn.plan.catalogue.path(place))


_NEWS: Final = ("incident.opened", "incident.spread", "incident.verified", "incident.reopened")
RESULT: Final = "command_result"
_DONE: Final = ("closed", "off")
"""States in which a valve or a switch has done what it was told."""

_NEVER: Final = ("not-taken", "unknown-device", "no_way", "denied")
"""How the shell says that a device, its family or its source takes no such command (`Codec.command`)."""
