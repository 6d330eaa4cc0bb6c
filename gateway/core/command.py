"""What may be asked of a device, by whose hand, and how far a request has got: three tables, no behaviour.

A gateway that can close a valve or ring a siren can do harm: what is not in `OFFERS` is never sent. Fire pumps,
sprinklers, smoke fans, shutters and lifts belong to the fire panel, and so do riser and building gas valves to the gas
company; a gas valve is closed from afar and opened only by hand, where somebody has looked.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

from devices.catalogue import Level, Source
from devices.reading import Hazard, Value


class Press(StrEnum):
    """How a person asks for it."""

    ONE = "one"
    TWO = "two"  # pressed, then confirmed within `CONFIRM_MS`


class Offer(msgspec.Struct, frozen=True):
    """One command of one kind of device.

    `electric`: it switches a current, so it is never sent into a gas zone. `hazard`: offered only while an incident of
    that hazard is open there; None always. `within`: only where the device stands in a place of this level.
    `automatic`: also sent by itself when a fire alarm opens there. `confirms`: metrics and values by which devices say
    that it was done, any one counts; none where they cannot. `before`: what the first of those metrics must be known to
    say, else the person is told and may insist. `certain`: a device that takes it and stays mute has not done it, and
    somebody must go; of the others many are made so that they never say. `families`: only of sources that speak one of
    these; empty for all. `patience_ms`: a device that took it is asked once and has so long to say it; 0 for
    `ANSWER_MS` and another try.
    """

    press: Press = Press.ONE
    electric: bool = False
    hazard: Hazard | None = None
    within: Level | None = None
    automatic: bool = False
    confirms: tuple[tuple[str, Value], ...] = ()
    before: Value = None
    certain: bool = False
    families: tuple[str, ...] = ()
    patience_ms: int = 0


_MUTE: Final = Offer(confirms=(("muted", True),))
_TEST: Final = Offer(
    confirms=(
        ("test", True),
        ("self_test", True),
        ("self_test", "running"),
        ("self_test", "checking"),
        ("self_test_result", "checking"),
    )
)
_ON: Final = (("switch_state", "ON"), ("switch_state", "on"))
_OFF: Final = (("relay", False), ("switch_state", "OFF"), ("switch_state", "off"))

_LINE: Final = ("gb26875",)
QUESTION: Final = Offer(
    families=_LINE
)  # the device's own answer on its line confirms it (GB/T 26875.3-2011, 6.5)

DUTY_MS: Final = 600_000
"""A transmission device holds the prompt of a duty check (查岗) for ten minutes; then nobody was there."""

_ASKED: Final[dict[str, tuple[str, ...]]] = {
    "transmission": ("read_state", "read_version", "read_configuration", "read_clock", "set_clock"),
    "panel": ("read_state", "read_version", "read_configuration", "read_clock"),
    **dict.fromkeys(
        ("smoke", "heat", "gas", "co", "call_point", "pressure", "meter", "valve"), ("read_state",)
    ),
}
"""Questions, by kind of device; a panel is asked what it does and never told to do anything."""

OFFERS: Final[dict[tuple[str, str], Offer]] = {
    ("siren", "siren_on"): Offer(
        electric=True,
        automatic=True,
        confirms=(("buzzer", True), ("alarm_flag", True), ("relay", True), *_ON),
    ),
    ("siren", "siren_off"): Offer(  # a contact that opens sparks like one that closes
        electric=True,
        confirms=(("buzzer", False), ("alarm_flag", False), *_OFF),
    ),
    ("camera", "snapshot"): Offer(automatic=True),
    ("valve", "valve_close"): Offer(
        # A valve turned by a switch says what its switch says; codecs send to one only where off is known to close it.
        press=Press.TWO,
        within=Level.HOUSEHOLD,
        confirms=(("valve_open", False), ("switch_state", "OFF")),
        before=True,
        certain=True,
    ),
    ("door", "unlock"): Offer(electric=True, hazard=Hazard.FIRE),
    ("access", "unlock"): Offer(electric=True, hazard=Hazard.FIRE),
    ("barrier", "unlock"): Offer(electric=True, hazard=Hazard.FIRE),
    ("charger", "relay_off"): Offer(electric=True, confirms=_OFF, certain=True),
    ("meter", "relay_off"): Offer(electric=True, confirms=_OFF, certain=True),
    ("smoke", "mute"): _MUTE,
    ("heat", "mute"): _MUTE,
    ("gas", "mute"): _MUTE,
    ("co", "mute"): _MUTE,
    ("smoke", "self_test"): _TEST,
    ("heat", "self_test"): _TEST,
    ("gas", "self_test"): _TEST,
    ("co", "self_test"): _TEST,
    ("transmission", "duty_check"): Offer(
        confirms=(("duty_answered", True),), certain=True, families=_LINE, patience_ms=DUTY_MS
    ),
    ("transmission", "initialise"): Offer(press=Press.TWO, families=_LINE),
    **{(kind, name): QUESTION for kind, names in _ASKED.items() for name in names},
}
"""Everything that may be sent, by kind of device and name of command."""

AUTOMATIC: Final = frozenset(kind for (kind, _), offer in OFFERS.items() if offer.automatic)
"""Kinds of devices that a fire sets going by itself."""

NAMES: Final = tuple(sorted({name for _, name in OFFERS}))
"""Every name of a command; codecs say which of them their devices take."""

CONFIRM_MS: Final = 30_000
"""The second press of a two-step command comes within this time of the first."""

ANSWER_MS: Final = 10_000
"""A device that has not said within this time that it obeyed is asked again."""

TRIES_MAX: Final = 3

EXPIRES_MS: Final = 60_000
"""A command not sent within this time is not sent at all: whoever asked has long done something else."""


def spoken(offer: Offer, source: Source | None) -> bool:
    """Whether devices of this source can be told so at all."""
    return not offer.families or (source is not None and not set(offer.families).isdisjoint(source.codecs))


class CommandState(StrEnum):
    """How far a command has got."""

    REQUESTED = "requested"  # decided; on its way out
    SENT = "sent"  # the broker has it; the device has not said anything yet
    CONFIRMED = "confirmed"  # the device reports what was asked for
    UNCONFIRMED = "unconfirmed"  # sent to a device that does not report it
    FAILED = "failed"  # not sent, or never obeyed: somebody must go


class Step(StrEnum):
    """What can happen to a command."""

    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    OBEYED = "obeyed"
    REFUSED = "refused"  # the device, or its family, takes no such command: asking again would not help
    LATE = "late"  # no answer in time
    SPENT = "spent"  # no answer in time, and no try left
    UNANSWERED = "unanswered"  # the same, of a command whose silence means little


_C, _S = CommandState, Step
MOVES: Final[dict[CommandState, dict[Step, CommandState]]] = {
    _C.REQUESTED: {
        _S.DELIVERED: _C.SENT, _S.UNDELIVERED: _C.REQUESTED, _S.OBEYED: _C.CONFIRMED, _S.REFUSED: _C.FAILED,
        _S.LATE: _C.REQUESTED, _S.SPENT: _C.FAILED, _S.UNANSWERED: _C.FAILED,
    },
    _C.SENT: {
        _S.DELIVERED: _C.SENT, _S.UNDELIVERED: _C.SENT, _S.OBEYED: _C.CONFIRMED, _S.REFUSED: _C.FAILED,
        _S.LATE: _C.REQUESTED, _S.SPENT: _C.FAILED, _S.UNANSWERED: _C.UNCONFIRMED,
    },
    _C.CONFIRMED: dict.fromkeys(Step, _C.CONFIRMED),
    _C.UNCONFIRMED: {**dict.fromkeys(Step, _C.UNCONFIRMED), _S.OBEYED: _C.CONFIRMED},
    # A valve that closes late is closed: its own word outranks our patience.
    _C.FAILED: {**dict.fromkeys(Step, _C.FAILED), _S.OBEYED: _C.CONFIRMED},
}  # fmt: skip
"""Every state under every step."""

PENDING: Final = (CommandState.REQUESTED, CommandState.SENT)
