"""Killed at any instant: what the broker was told we have, we have; each alarm calls once."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from pathlib import Path

import pytest

from gateway.core.effect import IncidentChanged, Notify
from gateway.core.event import Measured, Quarantined
from gateway.journal import JournalReader
from tests.acceptance.plant import Plant, reached

TELEMETRY = 4000
ALARMS = 40
KILLS = 8
PEOPLE = {
    "places": [{"id": "home", "level": "site", "name": "试验小区", "parent": None}],
    "people": [{"id": "p1", "name": "值班员", "staff": True, "roles": [["duty_operator", "home"]],
                "addresses": [["recording", "p1"]]}],
}  # fmt: skip


@pytest.mark.parametrize("prefer", ["mosquitto", "nats"])
async def test_killed_under_load_nothing_acknowledged_is_lost(tmp_path: Path, seed: int, prefer: str) -> None:
    """SIGKILL many times under load on a real broker: sent = stored, each alarm once, the audit chain whole."""
    rng = random.Random(seed)
    async with Plant(tmp_path, prefer=prefer, document=PEOPLE) as plant:  # type: ignore[arg-type]  # parametrised
        await plant.start()
        done = asyncio.Event()

        async def publish() -> None:
            async with plant.client("load") as client:
                for n in range(TELEMETRY):
                    topic = f"community/home/d{n % 50}/telemetry"
                    body = {"v": 1, "id": f"t{n}", "pulse_count": n, "temperature": 20.5, "battery": 90}
                    await client.publish(topic, json.dumps(body), qos=1)
                    if n % (TELEMETRY // ALARMS) == 0:
                        body = {"v": 1, "id": f"a{n}", "type": "alarm", "data": {"hazard": "fire"}}
                        await client.publish(f"community/home/alarm{n}/event", json.dumps(body), qos=1)
            done.set()

        load = asyncio.create_task(publish())
        for _ in range(KILLS):
            await asyncio.wait((asyncio.create_task(done.wait()),), timeout=rng.uniform(0.05, 0.6))
            await plant.crash()
        await load
        await plant.settled()

        stored = Counter(
            int(reading.value or 0)
            for _, event in plant.events()
            if isinstance(event, Measured) and event.source == "local"
            for reading in event.readings
            if "/pulse_count/" in reading.point
        )
        assert sorted(stored) == list(range(TELEMETRY))
        results = plant.results()
        last = {r.doc.id: r.doc for r in results if isinstance(r, IncidentChanged)}
        fire = [d for d in last.values() if d.hazard == "fire"]
        assert len(fire) == 1
        alarms = {a.device: a.count for a in fire[0].alarms}
        assert alarms == {f"local:home/alarm{n}": 1 for n in range(0, TELEMETRY, TELEMETRY // ALARMS)}
        notices = [r for r in results if isinstance(r, Notify)]
        assert len({n.id for n in notices}) == len(notices)
        assert JournalReader(tmp_path / "journal").verify_audit().ok
        assert await plant.stop() == 0


# An engine that dies at once on a message with the word poison in it, as one would on a fault in compiled code, and
# whose disk takes its time, so that what it was sent is still unacknowledged when the power goes.
SLOW_S = 0.5
DEADLY = f"""
import os, runpy, time
from devices.decode import Decoder
from gateway.engine import Engine
answer, write = Decoder.answer, Engine.write
def deadly(self, message):
    if b"poison" in message.payload:
        os._exit(9)
    return answer(self, message)
def slow(self, batches):
    time.sleep({SLOW_S})
    return write(self, batches)
Decoder.answer, Engine.write = deadly, slow
runpy.run_module("gateway.app.engine", run_name="__main__")
"""


async def test_a_message_that_kills_is_set_aside_and_the_alarm_behind_it_is_heard(tmp_path: Path) -> None:
    """Two deaths in the step of one message after an unclean exit: it is kept, said, and passed over."""
    async with Plant(tmp_path, document=PEOPLE, program=("-c", DEADLY)) as plant:
        await plant.start()
        assert plant.process is not None
        async with plant.client("load") as client:
            for n in range(5):
                await client.publish(
                    f"community/home/d{n}/telemetry", b'{"v": 1, "temperature": 20.5}', qos=1
                )
            await client.publish("community/home/d5/telemetry", b'{"v": 1, "temperature": "poison"}', qos=1)
            body = {"v": 1, "id": "a", "type": "alarm", "data": {"hazard": "fire"}}
            await client.publish("community/home/alarm/event", json.dumps(body), qos=1)
        for _ in range(3):  # the first one, unwatched, and two more
            assert await plant.process.wait() == 9
            await plant.launch()

        async def burning() -> bool:
            return any(isinstance(r, IncidentChanged) and r.doc.hazard == "fire" for r in plant.results())

        await reached(burning, "the fire is an incident", within_s=20)
        await plant.settled()
        [bad] = [event for _, event in plant.events() if isinstance(event, Quarantined)]
        assert (bad.topic, bad.payload) == (
            "community/home/d5/telemetry",
            b'{"v": 1, "temperature": "poison"}',
        )
        assert bad.reason.startswith("killer")
        assert any(
            "d5_telemetry" in r.point
            for _, e in plant.events()
            if isinstance(e, Measured)
            for r in e.readings
        )
        assert await plant.stop() == 0


async def test_the_power_going_again_and_again_accuses_no_message(tmp_path: Path, seed: int) -> None:
    """Killed over and over while one alarm waits for a slow disk, the engine never takes the alarm for the cause."""
    rng = random.Random(seed)
    async with Plant(tmp_path, document=PEOPLE, program=("-c", DEADLY)) as plant:
        await plant.start()
        await plant.crash()
        async with plant.client("load") as client:
            body = {"v": 1, "id": "a", "type": "alarm", "data": {"hazard": "fire"}}
            await client.publish("community/home/alarm/event", json.dumps(body), qos=1)
        for _ in range(4):
            await asyncio.sleep(rng.uniform(0, SLOW_S / 2))
            await plant.crash()
        await plant.settled()
        assert not [event for _, event in plant.events() if isinstance(event, Quarantined)]
        assert any(isinstance(r, IncidentChanged) and r.doc.hazard == "fire" for r in plant.results())
        assert await plant.stop() == 0
