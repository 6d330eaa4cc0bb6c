"""The overview of all devices: nobody who only scrapes waits for that of a city."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import pytest

from devices.catalogue import Catalogue
from gateway.api import looking
from gateway.clock import ManualClock
from tests.parts import until


def test_a_scraper_gets_the_last_one_while_the_next_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where looking takes long, a glance answers at once with what there is, and what is new comes a little later."""
    clock, gate, made = ManualClock(), threading.Event(), ["first", "second"]

    def slow(*_: Any) -> str:
        if len(made) == 1:
            gate.wait(30)
        clock.advance(looking.AT_ONCE_MS + 1)
        return made.pop(0)

    monkeypatch.setattr(looking, "overview", slow)
    world: Any = SimpleNamespace(catalogue=Catalogue(), plan=None)
    views: Any = SimpleNamespace(applied_seq=1, standing=list)
    health: Any = None
    desk: Any = looking.Looking()
    assert desk.glance(world, views, health, clock) == "first"
    clock.advance(max(looking.AGE_MAX_MS, looking.SHARE * (looking.AT_ONCE_MS + 1)))
    assert desk.glance(world, views, health, clock) == "first"
    assert desk.glance(world, views, health, clock) == "first"
    gate.set()
    until(lambda: desk.glance(world, views, health, clock) == "second", "the next one")
    assert made == []


def test_one_that_takes_long_is_kept_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking at a city takes a twentieth of one core at most, also where that makes it older than usual."""
    clock, made = ManualClock(), list[int]()
    took_ms = looking.AGE_MAX_MS

    def slow(*_: Any) -> str:
        made.append(1)
        clock.advance(took_ms)
        return "seen"

    monkeypatch.setattr(looking, "overview", slow)
    world: Any = SimpleNamespace(catalogue=Catalogue(), plan=None)
    views: Any = SimpleNamespace(applied_seq=1, standing=list)
    health: Any = None
    desk: Any = looking.Looking()
    for seq in range(looking.SHARE - 1):
        views.applied_seq = seq
        desk.look(world, views, health, clock)
        assert made == [1]
        clock.advance(took_ms)
    desk.look(world, views, health, clock)
    assert made == [1, 1]
