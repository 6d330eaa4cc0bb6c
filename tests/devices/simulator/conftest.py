"""The simulator's own fixtures, also where the project is not installed and pytest does not find its plug-in."""

from devices.simulator.pytest_plugin import gateway, simulated_site

__all__ = ["gateway", "simulated_site"]
