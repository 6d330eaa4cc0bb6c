"""The same seed gives the same bytes, and every byte means what the truth says."""

from __future__ import annotations

import ast
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.simulator import SCENARIOS, Sent, SimulatedSite, What
from gateway.clock import ManualClock
from tests.devices.simulator.hearing import agree

ROOT = Path(__file__).parents[3]
DIALECTS = ("native", "zigbee2mqtt")
SHELL = {
    "__init__",
    "site",
    "live",
    "line",
    "line_sync",
    "carried",
    "pytest_plugin",
    "listening",
    "streaming",
    "lane_camera",
}


def story(
    seed: int, dialect: str = "native", scenario: str = "storm", seconds: float = 200
) -> tuple[SimulatedSite, list[Sent]]:
    """A site that plays a story from its third second, and all it sent."""
    site = SimulatedSite(seed, dialect=dialect)
    sent = site.advance(3)
    site.play(scenario)
    return site, sent + site.advance(seconds)


def digest(sent: list[Sent]) -> str:
    """One line that stands for all that was sent."""
    whole = b"\n".join(f"{m.at} {m.topic} {m.retained} ".encode() + m.payload for m in sent)
    return hashlib.sha256(whole).hexdigest()


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_same_seed_sends_the_same_bytes(dialect: str) -> None:
    """A failure seen once can be seen again."""
    (_, first), (_, second), (_, other) = story(7, dialect), story(7, dialect), story(8, dialect)
    assert first == second
    assert digest(first) != digest(other)


def test_hash_seeds_change_nothing() -> None:
    """No set or dict order of the interpreter gets into the bytes."""
    code = (
        "from tests.devices.simulator.test_bytes import *;"
        "print(digest(story(7)[1]), digest(story(7, 'zigbee2mqtt')[1]))"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": hashseed},
            capture_output=True, check=True, text=True,
        ).stdout
        for hashseed in ("0", "1")
    }  # fmt: skip
    assert digests == {f"{digest(story(7)[1])} {digest(story(7, 'zigbee2mqtt')[1])}\n"}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("scenario", sorted(SCENARIOS))
def test_every_message_means_what_the_truth_says(dialect: str, scenario: str) -> None:
    """Decoded by the house's codecs, a message gives the readings of its label, no more and no less."""
    seconds = 1300 if scenario in ("demo", "demo_loop", "uplink_lost") else 400
    site, sent = story(3, dialect, scenario, seconds)
    counts = agree(site, sent)
    assert counts == dict(site.truth.counts)
    assert counts[What.STATUS] >= 120
    assert counts[What.REPORT] > 120


@given(st.integers(0, 2**64 - 1), st.sampled_from(DIALECTS), st.sampled_from(sorted(SCENARIOS)))
@settings(max_examples=15)
def test_that_holds_for_any_seed(seed: int, dialect: str, scenario: str) -> None:
    """No seed makes a device say what it cannot mean."""
    agree(*story(seed, dialect, scenario, 130))


def test_devices_have_their_own_dice() -> None:
    """What one device does changes nothing in what another says."""
    calm, busy = SimulatedSite(5), SimulatedSite(5)
    busy.smoke("b1-u1-f05-502-kitchen-smoke")
    busy.flood("b1-yard-hydrant", seconds=3)
    other = "b1-u1-f03-301-kitchen-gas"
    assert [m for m in calm.advance(300) if other in m.topic] == [
        m for m in busy.advance(300) if other in m.topic
    ]


def test_how_time_is_cut_changes_nothing() -> None:
    """One long step, many short ones and message by message send the same."""
    whole = SimulatedSite(5).advance(90)
    parts_site, walk_site = SimulatedSite(5), SimulatedSite(5)
    assert [m for _ in range(900) for m in parts_site.advance(0.1)] == whole
    assert list(walk_site.messages(walk_site.world.epoch_ms + 90_000)) == whole


def test_a_shared_clock_is_followed() -> None:
    """`catch_up` gives what is due by the clock that was handed in, and no more; it needs one."""
    clock = ManualClock(1_795_276_800_000)
    site, alone = SimulatedSite(5, clock=clock), SimulatedSite(5)
    clock.advance(90_000)
    assert site.catch_up() == alone.advance(90)
    assert site.catch_up() == []
    with pytest.raises(ValueError, match="no clock"):
        alone.catch_up()


def test_ids_do_not_repeat_after_a_restart() -> None:
    """A gateway that remembers ids must not take a restarted device's messages for old ones."""

    def ids(ms: int) -> set[tuple[str, str | None]]:
        site = SimulatedSite(1, clock=ManualClock(ms))
        site.advance(100)
        return {(label.device, label.sequence) for label in site.truth if label.sequence}

    assert not ids(1_795_276_800_000) & ids(1_795_276_801_000)


def test_the_heart_is_pure() -> None:
    """All but the shell touches no clock, chance, thread, socket or disk."""
    banned = {
        "asyncio",
        "time",
        "random",
        "uuid",
        "logging",
        "socket",
        "sqlite3",
        "threading",
        "paho",
        "aiomqtt",
    }
    for path in sorted((ROOT / "devices" / "simulator").rglob("*.py")):
        if path.stem in SHELL and path.parent.name == "simulator":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not banned & {n.split(".")[0] for n in names}, path.name
