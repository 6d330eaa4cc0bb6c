"""Fake hardware that speaks real bytes: a community of any size, from a seed, by hand or over a real broker."""

from devices.simulator.live import run_live
from devices.simulator.scenarios import SCENARIOS, Step
from devices.simulator.site import START_UTC_MS, SimulatedSite
from devices.simulator.truth import Label, Truth, What
from devices.simulator.world import Sent

__all__ = ["SCENARIOS", "START_UTC_MS", "Label", "Sent", "SimulatedSite", "Step", "Truth", "What", "run_live"]
