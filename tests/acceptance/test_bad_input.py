"""Whatever devices send, it is understood, quarantined or bounded, and a real alarm among it still gets out."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from gateway.core.effect import IncidentChanged, Notify
from gateway.core.event import Quarantined
from tests.acceptance.plant import Plant, reached
from tests.acceptance.test_kill import PEOPLE

NASTY: list[tuple[str, bytes]] = [
    ("community/home/x1/telemetry", b"{"),
    ("community/home/x1/telemetry", b""),
    ("community/home/x1/telemetry", b"\xff\xfe\x00\x01" * 100),
    ("community/home/x1/telemetry", b'{"v":1,"temperature":NaN}'),
    ("community/home/x1/telemetry", b'{"v":1,"temperature":"hot","smoke":"maybe","battery":[1,2]}'),
    ("community/home/x1/telemetry", b'{"v":1,"a":' + b"[" * 5000 + b"]" * 5000 + b"}"),
    ("community/home/x1/telemetry", b'{"v":1,"ts":' + b"9" * 400 + b',"temperature":1}'),
    ("community/home/x1/telemetry", b'{"v":1,"ts":946684800000,"temperature":1}'),
    ("community/home/x1/telemetry", b'{"v":1,"ts":4102444800000,"temperature":1}'),
    ("community/home/x1/telemetry", b"[" + b'{"v":1,"temperature":1},' * 3000 + b'{"v":1}]'),
    ("community/home/x1/telemetry", b'{"v":1,"temperature":1e400,"battery":-5}'),
    ("community/home/x1/event", b'{"v":1,"type":"explode"}'),
    ("community/home/x1/event", b'"alarm"'),
    ("community/home/x1/event/extra", b"{}"),
    ("community//x1/event", b"{}"),
    ("unknown/topic/of/somebody", b"\x00" * 1000),
    ("zigbee2mqtt/hall", b"null"),
    ("zigbee2mqtt/bridge/devices", b"[{}]"),
    ("zigbee2mqtt/hall", b'{"smoke":"\xed\xa0\x80"}'),
]


@pytest.mark.parametrize("prefer", ["mosquitto", "nats"])
async def test_garbage_does_not_hide_an_alarm(tmp_path: Path, prefer: str) -> None:
    """Malformed, huge, deep, binary and absurd messages are set aside with a reason; the engine never falls over."""
    async with Plant(tmp_path, prefer=prefer, document=PEOPLE) as plant:  # type: ignore[arg-type]  # parametrised
        await plant.start()
        assert plant.process is not None
        pid = plant.process.pid
        account = plant.broker.bridge_credentials
        for topic, payload in NASTY:
            await _publish(plant, account.user, account.password, topic, payload)
        await _publish(
            plant, account.user, account.password, "community/home/big/telemetry", b"x" * 10_000_000
        )
        alarm = json.dumps({"v": 1, "type": "alarm", "data": {"hazard": "fire"}}).encode()
        await _publish(plant, account.user, account.password, "community/home/real/event", alarm)

        async def told() -> bool:
            calls = [r for r in plant.results() if isinstance(r, Notify) and r.person == "p1"]
            return any(r.priority == 1 for r in calls)  # of the unread ones among the nasty they hear as P2

        await reached(told, "somebody is told", within_s=20)
        assert plant.process.pid == pid
        assert plant.process.returncode is None
        reasons = {e.reason.partition(":")[0] for _, e in plant.events() if isinstance(e, Quarantined)}
        assert len(reasons) >= 5, reasons
        docs = [r.doc for r in plant.results() if isinstance(r, IncidentChanged)]
        assert any(a.device == "local:home/real" for d in docs for a in d.alarms)
        status = await plant.control.status()
        assert status["counts"]["codec_faults"] == 0
        assert status["faulted"] == 0


async def _publish(plant: Plant, user: str, password: str, topic: str, payload: bytes) -> None:
    """As a device that may be thrown out for what it sends: each message over a connection of its own."""
    process = await asyncio.create_subprocess_exec(
        "mosquitto_pub", "-p", str(plant.broker.port), "-u", user, "-P", password, "-q", "1", "-t", topic, "-s",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with asyncio.timeout(5):
            await process.communicate(payload)
    except TimeoutError:
        process.kill()
        await process.wait()


async def test_a_flooding_device_does_not_hide_an_alarm(tmp_path: Path) -> None:
    """While one device floods as fast as it can, another's alarm is told, and nothing alarm-class is lost."""
    async with Plant(tmp_path, document=PEOPLE) as plant:
        await plant.start()
        stop = asyncio.Event()

        async def flood() -> None:
            async with plant.client("flood") as client:
                n = 0
                while not stop.is_set():
                    n += 1
                    body = json.dumps({"v": 1, "temperature": n % 50, "battery": 90})
                    await client.publish("community/home/noisy/telemetry", body, qos=0)
                    if n % 200 == 0:
                        await asyncio.sleep(0)

        noise = asyncio.create_task(flood())
        async with plant.client("quiet") as client:
            for n in range(20):
                body = json.dumps({"v": 1, "id": f"a{n}", "type": "alarm", "data": {"hazard": "gas"}})
                await client.publish(f"community/home/quiet{n}/event", body, qos=1)

        async def all_alarms() -> bool:
            docs = [r.doc for r in plant.results() if isinstance(r, IncidentChanged)]
            return len({a.device for d in docs for a in d.alarms if a.hazard == "gas"}) == 20

        await reached(all_alarms, "every alarm is an incident", within_s=20)
        stop.set()
        await noise
