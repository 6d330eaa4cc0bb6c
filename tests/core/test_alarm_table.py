"""The ISA-18.2 table, walked pair by pair."""

from __future__ import annotations

import itertools

import pytest

from gateway.core.alarm import STANDING, TABLE, AlarmState, Move, Refusal, move


def test_every_pair_has_an_answer() -> None:
    """No state meets a move it does not know."""
    for state, what in itertools.product(AlarmState, Move):
        assert isinstance(move(state, what), AlarmState | Refusal)
    assert set(TABLE) == set(AlarmState)


@pytest.mark.parametrize("state", AlarmState)
def test_an_occurrence_is_never_lost(state: AlarmState) -> None:
    """From every state, the condition occurring ends in a standing alarm."""
    assert move(state, Move.OCCUR) in STANDING


@pytest.mark.parametrize("state", STANDING)
def test_nobody_resets_what_is_there(state: AlarmState) -> None:
    """A reset never hides a condition that still stands."""
    assert move(state, Move.RESET) is Refusal.ACTIVE


def test_returned_and_unseen_alarms_wait_for_eyes() -> None:
    """An alarm that came and went unseen stays until somebody acknowledges it."""
    assert move(move(AlarmState.NORM, Move.OCCUR), Move.RETURN) == AlarmState.RTNUN
    assert move(AlarmState.RTNUN, Move.ACK) == AlarmState.NORM


def test_latched_alarms_need_acknowledgement_and_reset() -> None:
    """A latched alarm ends by acknowledgement and reset, in that order."""
    state = move(AlarmState.UNACK, Move.LATCH)
    assert move(state, Move.RESET) is Refusal.NOT_ACKNOWLEDGED
    assert move(move(state, Move.ACK), Move.RESET) == AlarmState.NORM
