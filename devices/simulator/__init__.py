"""Fake hardware that speaks real bytes: a community of any size, from a seed, by hand or over a real broker."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from devices.simulator.dialects import Unspoken
    from devices.simulator.live import run_live
    from devices.simulator.scenarios import SCENARIOS, Step
    from devices.simulator.site import START_UTC_MS, SimulatedSite
    from devices.simulator.truth import Label, Truth, What
    from devices.simulator.world import Sent

__all__ = [
    "SCENARIOS", "START_UTC_MS", "Label", "Sent", "SimulatedSite", "Step", "Truth", "Unspoken", "What", "run_live",
]  # fmt: skip

# Loaded when asked for: pytest imports this package in every run of an environment that has it (`pytest_plugin`).
_HOMES: Final = {
    "SCENARIOS": "scenarios",
    "START_UTC_MS": "site",
    "Label": "truth",
    "Sent": "world",
    "SimulatedSite": "site",
    "Step": "scenarios",
    "Truth": "truth",
    "Unspoken": "dialects",
    "What": "truth",
    "run_live": "live",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(name)
    return getattr(import_module(f"devices.simulator.{_HOMES[name]}"), name)
