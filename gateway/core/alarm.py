"""The alarm table of ISA-18.2 (IEC 62682): states and moves as data; shelving and out of service lie beside it."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class AlarmState(StrEnum):
    """Where an alarm is. The LATCHED states have returned to normal and wait for a reset."""

    NORM = "NORM"
    UNACK = "UNACK"
    ACKED = "ACKED"
    RTNUN = "RTNUN"
    LATCHED_UNACK = "LATCHED_UNACK"
    LATCHED_ACKED = "LATCHED_ACKED"


class Move(StrEnum):
    """What can happen to an alarm. RETURN is the condition going away; LATCH the same for a latching alarm."""

    OCCUR = "occur"
    RETURN = "return"
    LATCH = "latch"
    ACK = "ack"
    RESET = "reset"


class Refusal(StrEnum):
    """Why a move is not allowed; also the code of the answer to an act."""

    ACTIVE = "alarm_active"  # the condition is still there: a reset would hide it
    NOT_ACKNOWLEDGED = "not_acknowledged"
    NOTHING = "nothing_to_do"


_S, _M, _R = AlarmState, Move, Refusal
TABLE: Final[dict[AlarmState, dict[Move, AlarmState | Refusal]]] = {
    _S.NORM: {
        _M.OCCUR: _S.UNACK, _M.RETURN: _S.NORM, _M.LATCH: _S.NORM, _M.ACK: _R.NOTHING, _M.RESET: _R.NOTHING,
    },
    _S.UNACK: {
        _M.OCCUR: _S.UNACK, _M.RETURN: _S.RTNUN, _M.LATCH: _S.LATCHED_UNACK, _M.ACK: _S.ACKED, _M.RESET: _R.ACTIVE,
    },
    _S.ACKED: {
        _M.OCCUR: _S.ACKED, _M.RETURN: _S.NORM, _M.LATCH: _S.LATCHED_ACKED, _M.ACK: _R.NOTHING, _M.RESET: _R.ACTIVE,
    },
    _S.RTNUN: {
        _M.OCCUR: _S.UNACK, _M.RETURN: _S.RTNUN, _M.LATCH: _S.RTNUN, _M.ACK: _S.NORM, _M.RESET: _R.NOT_ACKNOWLEDGED,
    },
    _S.LATCHED_UNACK: {
        _M.OCCUR: _S.UNACK, _M.RETURN: _S.LATCHED_UNACK, _M.LATCH: _S.LATCHED_UNACK, _M.ACK: _S.LATCHED_ACKED,
        _M.RESET: _R.NOT_ACKNOWLEDGED,
    },
    _S.LATCHED_ACKED: {
        _M.OCCUR: _S.UNACK, _M.RETURN: _S.LATCHED_ACKED, _M.LATCH: _S.LATCHED_ACKED, _M.ACK: _R.NOTHING,
        _M.RESET: _S.NORM,
    },
}  # fmt: skip
"""Every state under every move. A `Refusal` leaves the state alone."""

STANDING: Final = (AlarmState.UNACK, AlarmState.ACKED)
"""States in which the condition itself is there now."""


def move(state: str, what: Move) -> AlarmState | Refusal:
    """Where `what` takes an alarm in `state`, or why it may not."""
    return TABLE[AlarmState(state)][what]
