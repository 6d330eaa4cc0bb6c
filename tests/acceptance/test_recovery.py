"""A dead, hanging or powerless engine: the first alarm afterwards is told, and no silence of ours becomes an alarm."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from devices.reading import Reading, point_id
from gateway.clock import ManualClock, Stamper, SystemClock
from gateway.core.effect import IncidentChanged, Notify, Publish
from gateway.core.event import Gap, Measured
from gateway.core.state import freeze
from gateway.engine import Engine
from gateway.inprocess import thaw_plan
from gateway.journal import Journal
from gateway.planning import build_plan
from gateway.registry.reader import RegistryReader
from tests.acceptance.plant import Plant, reached
from tests.acceptance.running import Running, found, free_port, furnish, note
from tests.parts import require

DEVICES = 50_000
BUILDINGS = 100
TAIL = 5_000  # messages after the snapshot, which a start has to fold
BATCH = 2_000  # messages a row
AWAY_MS = 3 * 3_600_000  # without power
KINDS = (
    ("smoke", "smoke", False),
    ("gas", "gas_lel", True),
    ("heat", "temperature", False),
    ("co", "co", True),
)


def estate() -> dict[str, Any]:
    """Fifty thousand detectors in a hundred buildings, and one person on duty."""
    places: list[dict[str, Any]] = [{"id": "home", "level": "site", "name": "试验小区", "parent": None}]
    places += [
        {"id": f"b{n}", "level": "building", "name": f"{n}号楼", "parent": "home"} for n in range(BUILDINGS)
    ]
    devices = [
        {"id": name(n), "place": f"b{n % BUILDINGS}", "kind": KINDS[n % 4][0], "report_period_s": 60,
         "mains": KINDS[n % 4][2]}
        for n in range(DEVICES)
    ]  # fmt: skip
    people = [{"id": "p1", "name": "值班员", "staff": True, "roles": [["duty_operator", "home"]],
               "addresses": [["recording", "p1"]]}]  # fmt: skip
    return {"places": places, "devices": devices, "people": people}


def name(n: int) -> str:
    return f"local:home/d{n}"


class _Nowhere:
    """Nothing of the past leaves: the process of then is gone."""

    def deliver(self, effects: list[Notify | Publish]) -> None:
        raise AssertionError(f"the quiet past told somebody something: {effects[0]}")

    def __getattr__(self, called: str) -> Any:
        return lambda *_: None


def lived(plant: Plant) -> int:
    """The journal as an engine leaves it that dies three hours ago: a snapshot, a tail, no farewell. Gives its seq."""
    clock = ManualClock(SystemClock().utc_ms() - AWAY_MS)
    journal = Journal(plant.data / "journal")
    engine = Engine(journal, Stamper(clock), _Nowhere(), thaw_plan, "then")  # type: ignore[arg-type]  # __getattr__
    engine.start(build_plan(plant.settings, RegistryReader(plant.data / "registry.sqlite")))
    engine.flush()

    def report(first: int, count: int) -> None:
        for n in range(first, first + count):
            metric = KINDS[n % 4][1]
            value: Any = False if metric == "smoke" else 20.0 if metric == "temperature" else 0.0
            readings = [
                Reading(point_id(name(n), metric, ""), value),
                Reading(point_id(name(n), "battery", ""), 90),
            ]
            engine.submit(Measured("local", readings))
            if n % BATCH == BATCH - 1:
                engine.flush()
                clock.advance(100)
        engine.flush()

    report(0, DEVICES)
    journal.save_snapshot(engine.state.seq, freeze(engine.state))
    report(0, TAIL)
    assert len(engine.state.devices) >= DEVICES
    journal.close()  # and no mark_clean: it was killed
    return engine.state.seq


@pytest.mark.acceptance
@pytest.mark.slow
async def test_fifty_thousand_devices_come_back(tmp_path: Path) -> None:
    """After hours without power and after SIGKILL the next alarm is told, and no silence is reported as an alarm."""
    async with Plant(tmp_path, document=estate()) as plant:
        began = time.monotonic()
        last = await asyncio.to_thread(lived, plant)
        note(f"{last} events written in {time.monotonic() - began:.1f} s")

        began = time.monotonic()
        await plant.start()
        note(f"answers {time.monotonic() - began:.1f} s after the start")
        await told(plant, 0)
        note(f"the first alarm was told {time.monotonic() - began:.1f} s after the start")
        await quiet_but_for(plant, last, {name(0)})

        began = time.monotonic()
        await plant.crash()
        await told(plant, 4)
        note(f"after SIGKILL the next alarm was told in {time.monotonic() - began:.1f} s")
        await quiet_but_for(plant, last, {name(0), name(4)})
        assert (await plant.control.status())["devices"] >= DEVICES
        assert await plant.stop() == 0


async def told(plant: Plant, n: int) -> None:
    """The smoke detector `n` alarms, and the person on duty hears of it."""
    async with plant.client("alarm") as client:
        body = json.dumps({"v": 1, "id": f"a{n}", "type": "alarm", "data": {"hazard": "fire"}})
        await client.publish(f"community/home/d{n}/event", body, qos=1)

    async def called() -> bool:
        return any(
            isinstance(r, Notify) and r.person == "p1" and name(n) in {a.device for a in r.doc.alarms}
            for r in plant.results()
        )

    await reached(called, f"somebody is told of {name(n)}", within_s=30)


async def quiet_but_for(plant: Plant, last: int, alarming: set[str]) -> None:
    """Since the power is back, time went by that nobody saw; of all devices only these have an incident."""
    blind = [e for seq, e in plant.events() if isinstance(e, Gap) and e.source is None and seq > last]
    assert blind
    assert blind[0].until - blind[0].since >= AWAY_MS - 60_000
    docs = [r.doc for r in plant.results() if isinstance(r, IncidentChanged)]
    assert {a.device for d in docs for a in d.alarms if a.device.startswith("local:")} == alarming


@pytest.mark.acceptance
@pytest.mark.slow
async def test_an_alarm_sent_to_a_hanging_engine_is_told(tmp_path: Path) -> None:
    """The engine hangs, a detector alarms meanwhile: the broker keeps it, and the engine's successor tells somebody."""
    require("mosquitto")
    data = tmp_path / "data"
    people = [{"id": "p1", "name": "值班员", "staff": True, "roles": [["duty_operator", "home"]],
               "addresses": [["recording", "p1"]]}]  # fmt: skip
    home = {"id": "home", "level": "site", "name": "试验小区", "parent": None}
    furnish(data, {"places": [home], "people": people})
    config = f"broker: {{port: {free_port()}, prefer: mosquitto}}\n"
    async with Running("run", data, config=config) as gateway:
        await gateway.listening()
        hanging = gateway.child("engine")
        assert hanging is not None
        os.kill(hanging, signal.SIGSTOP)
        async with gateway.device() as client:
            body = json.dumps({"v": 1, "id": "a1", "type": "alarm", "data": {"hazard": "gas"}})
            await client.publish("community/home/d1/event", body, qos=1)

        async def told() -> bool:
            return any(r.person == "p1" and r.type == "notice.called" for r in gateway.recorded())

        await found(told, "the person on duty is told by the next engine", 90)
        assert "engine ended (no heartbeat)" in gateway.said()
        gas = [d for d in gateway.docs().values() if d.hazard == "gas"]
        assert [a.count for d in gas for a in d.alarms] == [1]
        assert await gateway.interrupt() == 0
