"""What every test shares: one printed seed and Hypothesis without a stopwatch."""

from __future__ import annotations

import os
import random
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis.database import DirectoryBasedExampleDatabase

ROOT = Path(__file__).parent.parent
SEED = int(os.environ.get("CSG_SEED") or random.SystemRandom().randrange(2**32))

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
