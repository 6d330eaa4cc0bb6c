"""The pytest plug-in: a partner's test is ten lines, and a failed one can be repeated."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

from devices.simulator import SimulatedSite, What

ROOT = Path(__file__).parents[3]
KITCHEN = "b1-u1-f05-502-kitchen-smoke"


def test_a_kitchen_fire_reaches_the_duty_operator(simulated_site: SimulatedSite, gateway: Any) -> None:
    """The example of docs/simulator.md: one alarm is unverified, the second on the floor confirms it."""
    simulated_site.smoke(KITCHEN)
    gateway.advance(15)
    [incident] = gateway.incidents()
    assert (incident["hazard"], incident["mode"], incident["verdict"]) == ("fire", "simulated", "unverified")
    assert incident["place"]["path"][-1] == "kitchen"
    assert gateway.notices("duty_operator")
    simulated_site.smoke("b1-u1-f05-corridor-smoke")
    gateway.advance(15)
    assert gateway.incidents()[0]["verdict"] == "confirmed_by_devices"


def test_a_calm_hour_alarms_nobody(simulated_site: SimulatedSite, gateway: Any) -> None:
    """Noise, jitter and ordinary reports raise nothing, on any seed of a test's name."""
    gateway.advance(3600)
    assert gateway.incidents() == []
    assert gateway.notices("duty_operator") == []


def test_time_is_shared(simulated_site: SimulatedSite, gateway: Any) -> None:
    """After any steps, both stand at the same UTC."""
    for seconds in (0.3, 5, 61.7, 0):
        gateway.advance(seconds)
        assert gateway.clock.utc_ms() == simulated_site.world.utc()


@pytest.mark.parametrize("simulated_site", [{"dialect": "zigbee2mqtt", "devices": 40}], indirect=True)
def test_other_dialects_are_a_parameter(simulated_site: SimulatedSite, gateway: Any) -> None:
    """The same verbs in another dialect end in the same incident."""
    simulated_site.gas(simulated_site.find("gas", count=1), peak=8)
    gateway.advance(60)
    assert [(i["hazard"], i["priority"]) for i in gateway.incidents()] == [("gas", 1)]


def test_a_late_alarm_opens_and_says_how_late(simulated_site: SimulatedSite, gateway: Any) -> None:
    """An alarm that waited in a cut-off device for ten minutes is still an alarm."""
    gateway.advance(10)
    simulated_site.cut_uplink(KITCHEN, seconds=600)
    simulated_site.smoke(KITCHEN, ramp_s=0)
    gateway.advance(500)
    assert gateway.incidents() == []
    gateway.advance(200)
    [incident] = gateway.incidents()
    assert incident["priority"] == 1


def test_duplicates_change_nothing(simulated_site: SimulatedSite, gateway: Any) -> None:
    """The same press, delivered five times, is one press; a second press is a second one."""
    button = simulated_site.find("sos", count=1)
    simulated_site.sos(button)
    gateway.advance(1)
    before = gateway.incidents()
    simulated_site.duplicate(button, times=5)
    gateway.advance(1)
    assert gateway.incidents() == before
    simulated_site.sos(button)
    gateway.advance(1)
    assert gateway.incidents() != before


STORIES: dict[str, set[tuple[str, int]]] = {
    "calm": set(),
    "press_test": set(),
    "kitchen_fire": {("fire", 1)},
    "false_alarm": {("fire", 1)},
    "gas_leak": {("gas", 1)},
    "sos": {("sos", 1)},
    "hydrant_theft": {("water", 3)},
    "chattering": {("water", 3)},
    "detector_dies": {("coverage", 2), ("coverage", 4)},
    "uplink_lost": {("coverage", 2), ("fire", 1)},
}


@pytest.mark.parametrize("story", sorted(STORIES))
def test_stories_end_in_the_incidents_they_tell_of(
    simulated_site: SimulatedSite, gateway: Any, story: str
) -> None:
    """Each story raises its own hazards, once each, and nothing else."""
    gateway.advance(3)
    simulated_site.play(story)
    gateway.advance(1200)
    found = [(i["hazard"], i["priority"]) for i in gateway.incidents()]
    assert sorted(found) == sorted(STORIES[story])


def test_a_storm_hides_nothing(simulated_site: SimulatedSite, gateway: Any) -> None:
    """Among floods, garbage, duplicates and wrong clocks every device in alarm stands on an incident."""
    gateway.advance(3)
    simulated_site.play("storm")
    gateway.advance(100)
    alarmed = {
        simulated_site.device_id(label.device) for label in simulated_site.truth if label.what is What.ALARM
    }
    standing = {alarm["device"] for incident in gateway.incidents() for alarm in incident["alarms"]}
    assert alarmed <= standing


def test_a_failure_tells_the_seed(tmp_path: Path) -> None:
    """A failed test prints what repeats it, and the seed it is given is used."""
    (tmp_path / "test_partner.py").write_text(
        "def test_it(simulated_site):\n    assert simulated_site.seed < 0, simulated_site.seed\n"
    )

    # Where the project is installed, pytest finds the plug-in by itself, and refuses to load it a second time.
    installed = any(e.name == "csg_simulator" for e in entry_points(group="pytest11"))
    plugin = [] if installed else ["-p", "devices.simulator.pytest_plugin"]

    def run(**environment: str) -> str:
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-q", *plugin, "-p", "no:cacheprovider", "--rootdir", str(tmp_path),
             str(tmp_path)],
            cwd=ROOT, env={**os.environ, **environment}, capture_output=True, check=False, text=True,
        ).stdout  # fmt: skip

    assert "repeat with CSG_SIMULATOR_SEED=" in run()
    assert "AssertionError: 4711" in run(CSG_SIMULATOR_SEED="4711")


@pytest.mark.parametrize(
    "simulated_site",
    [{"dialect": name} for name in ("gb26875", "onenet", "hikvision_isapi", "sparkplug_b", "ha_discovery")],
    indirect=True,
)
def test_a_fire_in_another_dialect_reaches_somebody(simulated_site: SimulatedSite, gateway: Any) -> None:
    """Pushed, framed or described before: a partner's test is the same in every dialect."""
    simulated_site.smoke("b1-u1-f05-502-kitchen-smoke")
    gateway.advance(15)
    assert [(i["hazard"], i["priority"]) for i in gateway.incidents()] == [("fire", 1)]
    assert gateway.notices("duty_operator")
