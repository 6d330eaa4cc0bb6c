"""Stamps never go back and never jump with UTC; UTC is corrected once, and in the open."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.clock import (
    CORRECT_EVERY_MS,
    TOLERANCE_MS,
    UTC_FLOOR_MS,
    Clock,
    ManualClock,
    Stamper,
    SystemClock,
)
from gateway.core.event import Clocked

NOW = UTC_FLOOR_MS + 30_000_000_000
DAY = 86_400_000


def test_the_first_stamp_ever_is_utc_and_then_time_just_passes() -> None:
    """`at` begins as UTC and advances with the monotonic clock; nothing needs correcting."""
    clock = ManualClock(NOW)
    stamper = Stamper(clock)
    assert stamper.at() == NOW
    clock.advance(1234)
    assert stamper.at() == NOW + 1234
    assert stamper.correction(0) is None


@pytest.mark.parametrize("step", [3_600_000, -3_600_000, 5000, -5000, 40 * 365 * DAY])
def test_a_step_of_utc_moves_the_offset_not_the_stamps(step: int) -> None:
    """When somebody sets the clock, stamps go on as if nothing happened and one Clocked says what did."""
    clock = ManualClock(NOW)
    stamper = Stamper(clock)
    clock.advance(1000)
    clock.jump_utc(step)
    assert stamper.at() == NOW + 1000
    assert stamper.correction(0) == Clocked(step, "utc_ahead" if step > 0 else "utc_behind")
    clock.advance(CORRECT_EVERY_MS)
    assert stamper.correction(step) is None
    assert stamper.at() + step == clock.utc_ms()


@pytest.mark.parametrize("step", [0, 1, -1, TOLERANCE_MS, -TOLERANCE_MS])
def test_a_second_of_difference_is_left_alone(step: int) -> None:
    """Up to the tolerance nothing is corrected."""
    clock = ManualClock(NOW)
    stamper = Stamper(clock)
    clock.jump_utc(step)
    assert stamper.correction(0) is None


@pytest.mark.parametrize("step", [TOLERANCE_MS + 1, -TOLERANCE_MS - 1])
def test_more_than_a_second_is_corrected_whole(step: int) -> None:
    """Past the tolerance the correction leaves no difference."""
    clock = ManualClock(NOW)
    stamper = Stamper(clock)
    clock.jump_utc(step)
    corrected = stamper.correction(0)
    assert corrected is not None
    assert corrected.offset_ms == step


def test_a_flapping_clock_costs_one_correction_every_ten_seconds() -> None:
    """A clock that jumps every second is followed, but cannot fill the journal."""
    clock = ManualClock(NOW)
    stamper = Stamper(clock)
    offset, corrections = 0, 0
    for second in range(60):
        clock.advance(1000)
        clock.jump_utc(5000 if second % 2 else -5000)
        corrected = stamper.correction(offset)
        if corrected is not None:
            offset, corrections = corrected.offset_ms, corrections + 1
    assert 2 <= corrections <= 60_000 // CORRECT_EVERY_MS + 1


def test_a_sound_start_believes_utc_and_counts_the_time_off() -> None:
    """After an hour without power `at` is an hour on, under the offset it had, and nothing is corrected."""
    clock = ManualClock(NOW + 3_600_000, monotonic_ms=77)
    stamper = Stamper(clock)
    assert stamper.resume(NOW - 500, 500) == NOW + 3_600_000 - 500
    assert stamper.correction(500) is None


def test_a_believable_utc_in_the_past_is_followed_from_the_next_stamp_on() -> None:
    """A clock set back while we were off moves UTC back at once; stamps go on one millisecond later."""
    clock = ManualClock(NOW)
    stamper = Stamper(clock)
    assert stamper.resume(NOW + DAY, 0) == NOW + DAY + 1
    assert stamper.correction(0) == Clocked(-DAY - 1, "utc_behind")


@pytest.mark.parametrize("unset", [0, 946_684_800_000])
def test_a_clock_that_was_never_set_replaces_no_believable_time(unset: int) -> None:
    """Boot at 1970 or 2000: time goes on from the last stamp until the network answers, then one step forward."""
    clock = ManualClock(unset)
    stamper = Stamper(clock)
    assert stamper.resume(NOW, 0) == NOW + 1
    assert not stamper.trusted
    clock.advance(5000)
    assert stamper.correction(0) is None
    clock.jump_utc(NOW + DAY - clock.utc_ms())
    assert stamper.trusted
    assert stamper.at() == NOW + 5001
    assert stamper.correction(0) == Clocked(DAY - 5001, "utc_ahead")


def test_a_first_start_without_a_clock_counts_from_1970_until_the_network_answers() -> None:
    """With nothing better known the unset clock is used, marked untrusted, and then corrected once."""
    clock = ManualClock(3000)
    stamper = Stamper(clock)
    assert stamper.at() == 3000
    assert not stamper.trusted
    clock.advance(60_000)
    clock.jump_utc(NOW)
    assert stamper.correction(0) == Clocked(NOW, "utc_ahead")
    assert stamper.at() == 63_000


def test_a_reboot_without_a_clock_after_such_a_first_start_keeps_utc() -> None:
    """The second boot at 1970 goes on from the corrected UTC of the first, not from 1970."""
    stamper = Stamper(ManualClock(2000))
    assert stamper.resume(63_000, NOW) == 63_001
    assert stamper.correction(NOW) is None


class TornClock:
    """A clock whose process is put to sleep for a minute between its two readings, the first time."""

    def __init__(self) -> None:
        self.reads = 0

    def monotonic_ms(self) -> int:
        self.reads += 1
        return 60_000 if self.reads > 2 else 0

    def utc_ms(self) -> int:
        return NOW + (60_000 if self.reads > 2 else 0)


def test_a_reading_torn_by_sleep_corrects_nothing() -> None:
    """When a minute passes between asking the two clocks, their difference is not believed."""
    stamper = Stamper(TornClock())
    assert stamper.correction(0) is None
    assert stamper.correction(0) is None
    assert stamper.at() == NOW + 60_000


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["advance", "jump", "correct", "restart"]), st.integers(0, 3 * DAY), st.booleans()
        )
    )
)
def test_stamps_never_go_back_whatever_the_clocks_do(story: list[tuple[str, int, bool]]) -> None:
    """Whatever happens, `at` never falls, and advances by no more than time really passed while we ran."""
    clock = ManualClock(NOW)
    stamper = Stamper(clock)
    at, offset = stamper.at(), 0
    for what, ms, back in story:
        before = at
        match what:
            case "advance":
                clock.advance(ms)
                at = stamper.at()
                assert at == before + ms
            case "jump":
                clock.jump_utc(-ms if back else ms)
                at = stamper.at()
                assert at == before
            case "correct":
                corrected = stamper.correction(offset)
                offset = corrected.offset_ms if corrected else offset
                at = stamper.at()
                assert at == before
            case _:
                stamper = Stamper(clock)
                at = stamper.resume(at, offset)
                assert at > before


def test_the_system_clock_is_a_clock() -> None:
    """Ours measures milliseconds: its monotonic side never falls, its UTC is after the floor on a set machine."""
    clock: Clock = SystemClock()
    first = clock.monotonic_ms()
    assert clock.monotonic_ms() >= first
    assert 10**12 < clock.utc_ms() < 10**14


def test_a_manual_clock_does_not_run_backwards() -> None:
    """Time passing backwards is a mistake in a test, not a story."""
    with pytest.raises(ValueError, match="jump_utc"):
        ManualClock().advance(-1)
