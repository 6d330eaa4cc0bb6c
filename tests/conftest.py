"""What every test shares: one printed seed, Hypothesis without a stopwatch, and who runs beside whom."""

from __future__ import annotations

import os
import random
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis.database import DirectoryBasedExampleDatabase

STORIES = "tests/acceptance/"
ROOT = Path(__file__).parent.parent
SEED = int(os.environ.get("CSG_SEED") or random.SystemRandom().randrange(2**32))
os.environ["CSG_SEED"] = str(SEED)  # processes that share the work (`pytest -n 2`) share the seed

settings.register_profile(
    "house",
    deadline=None,  # a busy machine is not a wrong program
    print_blob=True,
    database=DirectoryBasedExampleDatabase(ROOT / ".cache" / "hypothesis"),
)
settings.load_profile("house")


def pytest_report_header() -> str:
    """Say with which seed this run can be repeated, and whether skips count as failures."""
    forbids = os.environ.get("CSG_REQUIRE_ALL") == "1"
    return f"CSG_SEED={SEED}" + ("; CSG_REQUIRE_ALL=1: a missing part fails its tests" if forbids else "")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With `--dist loadfile`: the stories on real parts go one after the other in one process, first, for each of them
    fills a machine by itself; all other files go to whoever is free."""
    if config.getoption("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]  # says nothing of its types

    shared = LoadFileScheduling(config, log)
    of_file = shared._split_scope
    shared._split_scope = lambda nodeid: STORIES if nodeid.startswith(STORIES) else of_file(nodeid)
    return shared


@pytest.fixture
def seed() -> int:
    """The run's seed for simulated worlds: random, printed, and repeated with CSG_SEED=<number>."""
    return SEED


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put the seed beside the failure of any test that asked for it."""
    report = yield
    if report.failed and "seed" in getattr(item, "fixturenames", ()):
        report.sections.append(("seed", f"repeat with CSG_SEED={SEED}"))
    return report
