"""What holds of every rule kind, whatever it is asked and told."""

from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.catalogue import Level
from devices.reading import Hazard, Reading, Value
from rules.cases import Bench
from rules.kinds.quorum import Quorum
from rules.kinds.rate import Rate
from rules.kinds.threshold import Threshold
from rules.memory import DEVICES_MAX, POINTS_MAX, SLOTS_MAX, Memory, Votes, Window
from rules.rule import Match, Rule, Verdict
from tests.rules.strategies import POINTS, any_values, events, kinds, levels, rates, thresholds

Events = list[tuple[int, str, Value]]


def again(memory: Any) -> Any:
    """The memory after a round trip through its bytes."""
    return msgspec.msgpack.decode(msgspec.msgpack.encode(memory), type=Memory)


def play(
    kind: Any, told: Events, *, in_time: bool = True, round_trips: bool = False
) -> list[tuple[int, Verdict]]:
    """Every verdict of one memory told `told`, with ticks when they are due or all of them only at the end."""
    memory, now, said = kind.fresh(), 1_700_000_000_000, []
    for gap, point, value in told:
        upto = now + gap
        while in_time and (due := kind.wake(memory)) is not None and due <= upto:
            said.append((due, kind.tick(memory, due)))
        now = upto
        said.append((now, kind.judge(memory, Reading(point, value), now)))
        if round_trips:
            memory = again(memory)
    end = now + 3000
    while (due := kind.wake(memory)) is not None and due <= end:
        when = due if in_time else end
        said.append((when, kind.tick(memory, when)))
        assert kind.wake(memory) is None or kind.wake(memory) > due, (
            "a tick at its time must get something done"
        )
    return said


def last(said: list[tuple[int, Verdict]]) -> Verdict:
    """What stands at the end; every subject starts normal."""
    return next((v for _, v in reversed(said) if v is not Verdict.HOLD), Verdict.NORMAL)


@given(kinds, any_values)
def test_calm_means_quiet(kind: Any, value: Value) -> None:
    """What is called calm would not have been an alarm, and would have left no trace."""
    if kind.calm(value):
        memory = kind.fresh()
        assert kind.judge(memory, Reading("s1/smoke/", value), 1_700_000_000_000) is not Verdict.ALARM
        assert memory == kind.fresh()
        assert kind.wake(memory) is None


@given(kinds, st.lists(st.tuples(st.integers(0, 4000), st.sampled_from(POINTS), any_values), max_size=25))
def test_nothing_a_device_says_makes_a_rule_raise(kind: Any, told: Events) -> None:
    """Any value, in any state of the memory, gives a verdict, and the memory stays encodable."""
    assert all(isinstance(verdict, Verdict) for _, verdict in play(kind, told, round_trips=True))


@given(kinds, events)
def test_memory_survives_a_round_trip_at_any_moment(kind: Any, told: Events) -> None:
    """A snapshot after every reading changes no verdict and no time of one."""
    assert play(kind, told) == play(kind, told, round_trips=True)


@given(kinds, events)
def test_a_late_tick_ends_where_one_in_time_does(kind: Any, told: Events) -> None:
    """However late time is told, what stands at the end is the same."""
    assert last(play(kind, told)) is last(play(kind, told, in_time=False))


@given(kinds, events)
def test_a_memory_that_says_nothing_is_fresh(kind: Any, told: Events) -> None:
    """Rules forget: long after the last word, when all has ended, nothing is left to keep."""
    quiet: list[tuple[int, str, Value]] = [(60_000, point, False) for point in POINTS]
    memory, now = kind.fresh(), 1_700_000_000_000
    for gap, point, value in [*told, *quiet]:
        now += gap
        kind.judge(memory, Reading(point, value), now)
    kind.tick(memory, now + 60_000)
    if kind.wake(memory) is None and not (isinstance(kind, Threshold) and memory.active):
        assert memory == kind.fresh()


@given(kinds, events)
def test_other_subjects_change_nothing(kind: Any, told: Events) -> None:
    """What one subject is told, no other subject hears."""
    rule = Rule("r", {}, Hazard.FIRE, 3, Match(), kind)
    floors = {f"s{n}": [("floor", f"f{n}")] for n in (1, 2, 3)}

    def subject(point: str) -> str:
        return point if kind.SUBJECT == "point" else f"f{point[1]}"

    together, alone = Bench(rule, floors), Bench(rule, floors)
    now = 1_700_000_000_000
    for gap, point, value in told:
        now += gap
        together.read(now, point, value)
        if subject(point) == subject(POINTS[0]):
            alone.read(now, point, value)
    together.pass_time(now + 60_000)
    alone.pass_time(now + 60_000)
    assert [c for c in together.changes if c[1] == subject(POINTS[0])] == alone.changes


@given(thresholds(), st.lists(levels, max_size=30), events)
def test_inside_the_band_nothing_changes(kind: Threshold, values: list[float], told: Events) -> None:
    """Readings between threshold and clear change neither verdict nor memory, in whatever state."""
    if kind.clear is None:
        return
    inside = [v for v in values if min(x for x in (kind.above, kind.below, kind.clear) if x is not None) < v]
    inside = [v for v in inside if v < max(x for x in (kind.above, kind.below, kind.clear) if x is not None)]
    memory, now = kind.fresh(), 1_700_000_000_000
    for gap, point, value in told:
        now += gap
        kind.judge(memory, Reading(point, value), now)
    before = again(memory)
    for value in inside:
        assert kind.judge(memory, Reading("s1/smoke/", value), now) is Verdict.HOLD
    assert memory == before


@given(rates, st.lists(st.tuples(st.integers(0, 4000), levels), min_size=1, max_size=40))
def test_rate_agrees_with_looking_at_every_reading(kind: Rate, told: list[tuple[int, float]]) -> None:
    """A change within the window is always seen; none is seen that is older than the window and one slot."""
    kind = msgspec.structs.replace(kind, keep_firing_for_s=0)
    within = max(1, round(1000 * kind.within_s))
    slot = -(-within // 60)
    memory, now, seen = kind.fresh(), 1_700_000_000_000, []
    for gap, value in told:
        now += gap
        seen.append((now, value))
        verdict = kind.judge(memory, Reading("h1/pressure/", value), now)
        sign = 1 if kind.direction == "fall" else -1
        surely = any(sign * (v - value) >= kind.by for at, v in seen if at >= now - within)
        perhaps = any(sign * (v - value) >= kind.by for at, v in seen if at >= now - within - slot)
        assert verdict is Verdict.ALARM or not surely
        assert verdict is Verdict.NORMAL or perhaps


@pytest.mark.parametrize("direction", ["rise", "fall"])
def test_a_window_stays_small_under_ten_thousand_readings(direction: Any, seed: int) -> None:
    """Random walks, long falls and bursts within one millisecond: never more than SLOTS_MAX entries."""
    rng = random.Random(seed)
    kind = Rate(direction=direction, by=5, within_s=60)
    for step in (0, 1, 7, 250, 5000):
        memory, now, value = kind.fresh(), 1_700_000_000_000, 0.0
        for _ in range(2000):
            now += rng.randint(0, 2 * step)
            value += rng.choice((-1.0, 1.0, rng.uniform(-20, 20)))
            kind.judge(memory, Reading("h1/pressure/", value), now)
            assert len(memory.slots) == len(memory.values) <= SLOTS_MAX


def test_a_steady_fall_at_any_pace_stays_small() -> None:
    """The worst series for a window of maxima: every value is a new entry."""
    kind = Rate(direction="fall", by=1e9, within_s=60)
    memory = kind.fresh()
    for n in range(10_000):
        kind.judge(memory, Reading("h1/pressure/", -float(n)), n * 37)
        assert len(memory.slots) <= SLOTS_MAX


def test_votes_stay_small_under_ten_thousand_readings(seed: int) -> None:
    """However many devices and channels speak up, the memory of a quorum is bounded, and it still says alarm."""
    rng = random.Random(seed)
    kind = Quorum(count=2, within_s=300, place=Level.FLOOR)
    memory, now = kind.fresh(), 1_700_000_000_000
    for _ in range(10_000):
        now += rng.randint(0, 100)
        point = f"s{rng.randint(0, 2000)}/smoke/{rng.randint(0, 100)}"
        kind.judge(memory, Reading(point, rng.random() < 0.7), now)
        assert isinstance(memory, Votes)
        assert memory.count() <= DEVICES_MAX
        assert all(len(points) <= POINTS_MAX for points in memory.active.values())
    assert memory.firing
    assert len(msgspec.msgpack.encode(memory)) < DEVICES_MAX * (POINTS_MAX + 1) * 24


def test_one_loud_device_leaves_room_for_others() -> None:
    """A device with a thousand active channels is one vote and takes the place of one."""
    kind = Quorum(count=2, within_s=300, place=Level.FLOOR)
    memory = kind.fresh()
    for n in range(1000):
        assert kind.judge(memory, Reading(f"loud/smoke/{n}", True), n) is Verdict.NORMAL
    assert kind.judge(memory, Reading("s2/smoke/", True), 2000) is Verdict.ALARM


def test_a_window_is_fresh_again_when_its_last_value_is_too_old() -> None:
    """What a window held is not told apart from nothing once it has left."""
    memory = Window()
    memory.add(3, 20.0, keep_high=True)
    memory.forget_before(4)
    assert memory == Window()
