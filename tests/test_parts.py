"""The helpers that other tests stand on do what their names say."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from tests import parts


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which no system part is installed."""
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(parts, "_ALSO_IN", ())


@pytest.mark.usefixtures("nowhere")
def test_a_missing_part_skips_and_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a newcomer's machine a missing broker is a skip that names the command to install it."""
    monkeypatch.delenv("CSG_REQUIRE_ALL", raising=False)
    with pytest.raises(pytest.skip.Exception, match=r"mosquitto is not installed \(make system-deps\)"):
        parts.require("mosquitto")


@pytest.mark.usefixtures("nowhere")
def test_a_missing_part_fails_where_all_are_required(monkeypatch: pytest.MonkeyPatch) -> None:
    """CI never passes by skipping."""
    monkeypatch.setenv("CSG_REQUIRE_ALL", "1")
    with pytest.raises(pytest.fail.Exception, match="mosquitto is not installed"):
        parts.require("mosquitto")


def test_a_program_is_found_under_any_of_its_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part that distributions name differently is still found."""
    program = tmp_path / "chromium-browser"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert parts.require("chromium") == str(program)


async def test_waiting_ends_with_the_value_or_says_what_never_came() -> None:
    """`until` and `async_until` return the first true value, and fail by name after the given time."""
    counter = itertools.count()
    assert parts.until(lambda: next(counter) > 2, "a few polls")
    assert await parts.async_until(lambda: next(counter), "another poll") == 4
    with pytest.raises(pytest.fail.Exception, match="in vain: a broker"):
        parts.until(lambda: None, "a broker", within_s=0)
    with pytest.raises(pytest.fail.Exception, match="in vain: a page"):
        await parts.async_until(lambda: None, "a page", within_s=0)
