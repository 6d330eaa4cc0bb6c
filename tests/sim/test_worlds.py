"""What must hold in every world, whatever its seed."""

from __future__ import annotations

import pytest

from gateway.core import escalate
from gateway.core.effect import Notify, Publish
from gateway.core.event import Gap
from gateway.core.state import State, freeze
from gateway.health_of import HealthOf, overview
from tests.core.test_replay import replayed
from tests.sim.world import World

SEEDS = range(40)


@pytest.fixture(scope="module")
def worlds() -> list[World]:
    """Forty worlds of three hundred turns, each lived through once.

    In every fourth the disk is away for long and the engine keeps little meanwhile: their journals have holes.
    """
    made = []
    for seed in SEEDS:
        world = World(seed) if seed % 4 else World(seed, die=0.001, disk=0.05, backlog=10)
        world.run(300)
        made.append(world)
    return made


def test_the_worlds_are_hard(worlds: list[World]) -> None:
    """The worlds really crash, and really lose their disk: a test of the tests."""
    assert sum(w.deaths for w in worlds) > 100
    assert sum(len(w.released) for w in worlds) > 1000
    assert any(e.id.startswith("boot") for w in worlds for _, e in w.released)
    assert sum(w.redelivered for w in worlds) > 10


def test_nothing_acknowledged_is_lost(worlds: list[World]) -> None:
    """Every message that was acknowledged is in the journal, and every message sent is acknowledged in the end."""
    for world in worlds:
        stored = world.stored()
        assert world.acknowledged == set(world.sent), world.boots
        for number in world.acknowledged:
            assert f"n{number}" in stored


def test_every_acknowledged_alarm_is_part_of_an_incident(worlds: list[World]) -> None:
    """A live alarm that was acknowledged was an incident of its device."""
    for world in worlds:
        devices = {a.device for doc in world.docs().values() for a in doc.alarms}
        for event in world.sent.values():
            for reading in event.readings:
                if reading.value is True and "/fault/" not in reading.point:  # an older fault is no news
                    assert reading.point.split("/")[0] in devices


def test_followers_know_the_last_word(worlds: list[World]) -> None:
    """Whoever reads only the journal knows every incident as it is, whatever rows a dead disk cost."""
    for world in worlds:
        world.engine.flush()
        docs = world.docs()
        for incident in world.engine.state.incidents.values():
            assert docs[incident.id].rev == incident.rev


def test_no_effect_repeats_under_a_new_id(worlds: list[World]) -> None:
    """An effect that goes out again after a crash carries the id it had; one id never means two things."""
    for world in worlds:
        meaning: dict[str, tuple[object, ...]] = {}
        for _, effect in world.released:
            if effect.id.startswith("boot"):
                continue
            said = _meaning(effect)
            assert meaning.setdefault(effect.id, said) == said
        assert len(set(meaning.values())) == len(meaning)


def test_whoever_is_owed_a_call_got_it(worlds: list[World]) -> None:
    """In the end nothing is left in the outbox that was not handed to a channel."""
    for world in worlds:
        out = {world.engine.effect_name(e.id).split("-")[-1] for _, e in world.released} | world.withdrawn
        wanted = {
            item.result.id
            for row in world.journal.kept
            for item in row.happened
            if isinstance(item.result, Notify | Publish)
        }
        assert wanted <= out
        assert world.engine.state.outbox == {}


def test_every_untaken_p1_reaches_the_next_person_in_time(worlds: list[World]) -> None:
    """While nobody acts the call chain goes on: when its time comes, somebody more is told."""
    for world in worlds:
        for incident in list(world.engine.state.incidents.values()):
            if incident.priority == 1 and escalate.waiting(incident):
                assert incident.next_at is not None
                before = len(incident.told)
                first = incident.told[-1] if incident.told else None
                world.clock.advance(max(incident.next_at - world.engine.stamper.at(), 0) + 1)
                world.calm_down()
                assert len(incident.told) > before or incident.told[-1] != first


def test_a_place_is_unguarded_exactly_while_no_detector_of_it_works(worlds: list[World]) -> None:
    """The alarm of an unguarded place stands while every detector of it is impaired, and never otherwise.

    Whoever reads only the journal counts the same.
    """
    stood = 0
    for world in worlds:
        world.engine.flush()
        state, plan = world.engine.state, world.engine.plan
        impaired = {
            a.device
            for a in state.alarms.values()
            if a.out_until is not None or (a.active and plan.rules[a.rule].impairs)
        }
        followed = overview(plan.plan, plan.guard, world.standing(), HealthOf(), state.utc(state.at))
        assert set(followed.why) == impaired
        for one in followed.wards:
            members = {name for name, wards in plan.guard.of.items() if one.ward in wards}
            alarm = state.alarms.get(f"gateway.unguarded|{one.ward.key}")
            assert (alarm is not None and alarm.active) is (members <= impaired)
            assert state.impaired.working(one.ward) == len(members - impaired) == one.working
            stood += members <= impaired
    assert stood > 5


def test_the_state_is_what_the_journal_says(worlds: list[World]) -> None:
    """Folding the journal again ends in the same bytes, in worlds whose journal has no hole."""
    for world in worlds:
        world.engine.flush()
        seqs = [row.first + i for row in world.journal.kept for i in range(len(row.events))]
        if seqs != list(range(1, len(seqs) + 1)):
            continue
        state, _ = replayed(world)  # type: ignore[arg-type]  # has the journal replayed() looks at
        assert freeze(state) == freeze(world.engine.state)
    assert isinstance(state, State)


def test_blind_time_is_said(worlds: list[World]) -> None:
    """Every start after a death says from when to when we were blind."""
    for world in worlds:
        gaps = [e for row in world.journal.kept for _, e in row.events if isinstance(e, Gap)]
        assert len([g for g in gaps if g.reason == "not running"]) <= world.boots - 1
        assert all(g.until >= g.since for g in gaps)


def _meaning(effect: Notify | Publish) -> tuple[object, ...]:
    if isinstance(effect, Notify):
        return (effect.incident, effect.rev, effect.person, effect.channel, effect.reason)
    if effect.doc is None:  # a fact that is no incident's: a place may be left unguarded again and again
        return (effect.target, effect.topic, effect.at, str(sorted(effect.data.items())))
    return (effect.doc.id, effect.doc.rev, effect.target, effect.topic)
