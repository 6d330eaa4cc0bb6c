"""Fixtures for anybody's tests: `simulated_site`, and `gateway`, a whole gateway that listens to it."""

from __future__ import annotations

import os
import zlib
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from devices.simulator.site import SimulatedSite

# Loaded by every pytest run of an environment that has this package: the simulator itself is imported only by tests
# that ask for it, so that other people's runs stay as fast as they were.


@pytest.fixture
def simulated_site(request: pytest.FixtureRequest) -> SimulatedSite:
    """A site of 120 devices without a broker. Its seed follows from the test's name, or is CSG_SIMULATOR_SEED.

    The seed is printed when the test fails. `@pytest.mark.parametrize("simulated_site", [{"devices": 20}],
    indirect=True)` passes other arguments to `SimulatedSite`.
    """
    from devices.simulator.site import SimulatedSite

    seed = int(os.environ.get("CSG_SIMULATOR_SEED") or zlib.crc32(request.node.nodeid.encode()))
    request.node.stash[_SEED] = seed
    return SimulatedSite(seed, **getattr(request, "param", {}))


@pytest.fixture
def gateway(simulated_site: SimulatedSite) -> Any:
    """A gateway in this process that hears the simulated site; `advance(seconds)` lets time pass for both.

    Everything else is `gateway.inprocess.Gateway`: `incidents()` (incident/1), `notices(person)`, `act(user, verb)`.
    People are named for their roles: `duty_operator`, `building_lead`, `grid_staff`, `micro_station`.
    """
    import importlib

    # By name: `devices` never imports `gateway` (the arrow of the house), and only this fixture needs one.
    try:
        inprocess = importlib.import_module("gateway.inprocess")
        clocks = importlib.import_module("gateway.clock")
    except ModuleNotFoundError as error:
        pytest.skip(f"there is no gateway to listen: {error}")
    from devices.catalogue import Source
    from devices.simulator.listening import listening

    site = simulated_site
    source = Source("sim", site.name, simulated=True)
    plan = inprocess.default_plan(source, site.catalogue(source.name))
    return listening(inprocess.Gateway, site, plan, clocks.ManualClock(site.world.utc()))


_SEED = pytest.StashKey[int]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Say with which seed a failed test can be repeated."""
    report = yield
    seed = item.stash.get(_SEED, None)
    if report.failed and seed is not None:
        report.sections.append(("simulated site", f"repeat with CSG_SIMULATOR_SEED={seed}"))
    return report
