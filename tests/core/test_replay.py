"""The fold: what the journal holds is enough to be exactly where we were, from any snapshot, under any hash seed."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from devices.reading import Flag, Reading, point_id
from gateway.core import escalate
from gateway.core.compiled import Compiled
from gateway.core.effect import Happened
from gateway.core.event import Measured, Replanned, Stamped
from gateway.core.state import State, freeze, thaw
from gateway.core.step import advance, bind, step
from gateway.inprocess import Gateway, thaw_plan
from tests.core.community import DEVICES, GAS, estate

NAMES = [d.id.partition(":")[2] for d in (*DEVICES, GAS)] + ["stranger"]
METRICS = ["smoke", "gas", "co", "sos", "pressure", "gas_lel", "battery", "battery_low", "temperature"]
VALUES = [True, False, 1.0, 30.0, 90.0, 300.0, None, "x"]
FLAGS = [0, 0, 0, 0, int(Flag.RETAINED), int(Flag.HISTORICAL), int(Flag.CLOCK_BAD)]

Script = list[tuple[Any, ...]]

measure = st.tuples(
    st.just("measure"), st.sampled_from(NAMES), st.sampled_from(METRICS), st.sampled_from(VALUES),
    st.sampled_from(FLAGS), st.sampled_from([None, None, -600_000, -1000, 0, 3_600_000]),
)  # fmt: skip
act = st.tuples(
    st.just("act"), st.sampled_from(["wang", "sun", "li"]),
    st.sampled_from(["take", "mute", "verdict", "close", "reset", "release", "decline", "on_scene", "reopen"]),
    st.sampled_from(["real", "false"]),
)  # fmt: skip
passed = st.tuples(st.just("advance"), st.sampled_from([0.5, 5, 31, 61, 200, 4000, 100_000]))
dead = st.tuples(st.just("dead"), st.sampled_from([(), ("wecom",), ("wecom", "sms")]))
jump = st.tuples(st.just("jump"), st.sampled_from([-86_400_000, 5000, 31_536_000_000]))
crash = st.tuples(st.just("crash"), st.sampled_from([0, 1000, 10_000_000]))
snapshot = st.tuples(st.just("snapshot"))
life = st.lists(
    st.one_of(measure, measure, measure, act, act, passed, dead, jump, crash, snapshot), max_size=25
)


def live(script: Script) -> Gateway:
    """A gateway that has lived through a script."""
    home = Gateway(estate(gas=True))
    for what, *rest in script:
        if what == "measure":
            device, metric, value, flags, ago = rest
            at = None if ago is None else home.clock.utc_ms() + ago
            home.measure(device, metric, value, flags=flags, measured_at=at)
        elif what == "act" and home.docs:
            home.act(rest[0], rest[1], verdict=rest[2], cause="dust")
        elif what == "advance":
            home.advance(rest[0])
        elif what == "dead":
            home.dead = set(rest[0])
        elif what == "jump":
            home.clock.jump_utc(rest[0])
            home.settle()
        elif what == "crash":
            home.clock.advance(rest[0])
            docs = home.docs
            home = home.crash()
            home.docs = {**docs, **home.docs}
        elif what == "snapshot":
            home.journal.save_snapshot(home.engine.state.seq, freeze(home.engine.state))
    return home


def replayed(home: Gateway, state: State | None = None) -> tuple[State, list[Happened]]:
    """Fold the whole journal, or what comes after `state`, once more."""
    state = state or State()
    plan = Compiled(thaw_plan(home.journal.plans[state.plan])) if state.plan else Compiled(estate())
    bind(state, plan)
    happened: list[Happened] = []
    for row in home.journal.rows_after(state.seq):
        for index, (at, event) in enumerate(row.events):
            seq = row.first + index
            if seq <= state.seq:
                continue
            if isinstance(event, Replanned):
                plan = Compiled(thaw_plan(home.journal.plans[event.digest]))
            happened += step(state, plan, Stamped(seq, at, event))
    return state, happened


@given(life)
@settings(max_examples=60, deadline=None)
def test_replay_equals_live(script: Script) -> None:
    """Folding the journal from nothing ends in the same bytes and asks for the same effects under the same ids."""
    home = live(script)
    state, happened = replayed(home)
    assert freeze(state) == freeze(home.engine.state)
    assert happened == [item for row in home.journal.kept for item in row.happened]


@given(life, st.integers(0, 200))
@settings(max_examples=60, deadline=None)
def test_a_snapshot_anywhere_changes_nothing(script: Script, cut: int) -> None:
    """Thawing a snapshot taken after any event and folding the rest ends in the same bytes."""
    home = live(script)
    whole = State()
    plan = Compiled(estate())
    saved: bytes | None = None
    for row in home.journal.kept:
        for index, (at, event) in enumerate(row.events):
            if isinstance(event, Replanned):
                plan = Compiled(thaw_plan(home.journal.plans[event.digest]))
            step(whole, plan, Stamped(row.first + index, at, event))
            if row.first + index == cut + 1:
                saved = freeze(whole)
    if saved is not None:
        state, _ = replayed(home, thaw(saved))
        assert freeze(state) == freeze(home.engine.state)


@given(life)
@settings(max_examples=40, deadline=None)
def test_every_untaken_p1_has_a_next_step_in_time(script: Script) -> None:
    """Whatever happens: an open P1 incident that no person judged always has a time at which somebody is told next."""
    home = live(script)
    state = home.engine.state
    for incident in state.incidents.values():
        if incident.priority == 1 and escalate.waiting(incident):
            assert incident.next_at is not None
            assert incident.next_at <= state.at + 300_000
            assert state.timers[f"esc:{incident.id}"] == incident.next_at
        if incident.handling in ("taken", "dispatched") and incident.verdict == "unverified":
            assert f"back:{incident.id}" in state.timers


@given(life, st.sampled_from(NAMES), st.sampled_from(METRICS), st.sampled_from(VALUES))
@settings(max_examples=40, deadline=None)
def test_a_repeated_message_changes_nothing(script: Script, device: str, metric: str, value: Any) -> None:
    """The same message of a device, told by its sequence, is folded once."""
    home = live(script)
    home.measure(device, metric, value, sequence="42")
    before = (dict(home.docs), dict(home.alarms), list(home.released))
    home.measure(device, metric, value, sequence="42")
    assert (home.docs, home.alarms, home.released) == before


@given(
    st.lists(
        st.lists(
            st.tuples(st.sampled_from(NAMES[:3]), st.sampled_from(METRICS), st.sampled_from(VALUES)),
            min_size=1,
            max_size=6,
        ),
        max_size=10,
    )
)
@settings(max_examples=40, deadline=None)
def test_points_are_found_whatever_followed_them_before(messages: list[list[tuple[str, str, Any]]]) -> None:
    """Messages name points in any order: that which each was followed by the last time is a hint and no more."""
    plan = Compiled(estate(gas=True))
    lived, anew = State(), State()
    for seq, message in enumerate(messages, 1):
        event = Measured("s", [Reading(point_id(f"s:{d}", m), value) for d, m, value in message])
        anew = thaw(freeze(anew))
        bind(anew, plan)
        for state in (lived, anew):
            advance(state, plan, seq, seq, event)
    assert freeze(lived) == freeze(anew)


def test_bytes_do_not_depend_on_the_hash_seed() -> None:
    """Two processes with different hash seeds freeze the same history to the same bytes."""
    code = (
        "import hashlib\nfrom tests.core.test_replay import live, SCRIPT\nfrom gateway.core.state import freeze\n"
        "print(hashlib.sha256(freeze(live(SCRIPT).engine.state)).hexdigest())"
    )
    root = Path(__file__).parents[2]
    found = {
        subprocess.run(
            [sys.executable, "-c", code], cwd=root, env={**os.environ, "PYTHONHASHSEED": seed}, check=True,
            capture_output=True, text=True,
        ).stdout
        for seed in ("0", "1", "4242")
    }  # fmt: skip
    assert len(found) == 1
    assert hashlib.sha256(freeze(live(SCRIPT).engine.state)).hexdigest() in next(iter(found))


SCRIPT: Script = [
    ("measure", "kitchen", "smoke", True, 0, None),
    ("measure", "corridor", "smoke", True, 0, None),
    ("measure", "hydrant", "pressure", 90.0, 0, 0),
    ("advance", 61),
    ("act", "wang", "take", "real"),
    ("measure", "sos", "sos", True, 0, None),
    ("dead", ("wecom",)),
    ("advance", 4000),
    ("crash", 10_000_000),
    ("measure", "upstairs", "smoke", True, 0, None),
]
