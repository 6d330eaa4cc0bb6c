"""Killed at any instant: what the broker was told we have, we have; each alarm calls once."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from pathlib import Path

import pytest

from gateway.core.effect import IncidentChanged, Notify
from gateway.core.event import Measured
from gateway.journal import JournalReader
from tests.acceptance.plant import Plant

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
