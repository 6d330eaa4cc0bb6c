"""Simulated hardware of other families reaches a whole gateway: over a broker, pushed over HTTP, framed over TCP."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import quote

import pytest

from devices.simulator import SimulatedSite, run_live
from gateway.broker.accounts import load_or_make
from tests.acceptance.running import Running, found, free_port, furnish
from tests.parts import require

pytestmark = pytest.mark.acceptance

KEY = "correct-horse-16"
SPEED = 10
PEOPLE = {
    "places": [{"id": "home", "level": "site", "name": "试验小区", "parent": None}],
    "people": [{"id": "p1", "name": "值班员", "staff": True, "roles": [["duty_operator", "home"]],
                "addresses": [["recording", "p1"]]}],
}  # fmt: skip


@pytest.mark.slow
async def test_three_families_alarm_beside_each_other(tmp_path: Path) -> None:
    """A Tasmota bridge on the broker, CTWing's pushes and a panel's frames: each fire is a P1, somebody is called."""
    require("mosquitto")
    data, secret, web, panel = tmp_path / "data", tmp_path / "key", free_port(), free_port()
    furnish(data, PEOPLE)
    secret.write_text(KEY)
    secret.chmod(0o600)
    config = (
        f"listener: {{port: {web}}}\nsources:\n"
        "  - {name: radio, site: home}\n"
        f"  - {{name: ct, site: home, listen: http, codecs: [ctwing], key: 'file:{secret}'}}\n"
        f"  - {{name: panels, site: home, listen: 'tcp://127.0.0.1:{panel}', codecs: [gb26875]}}\n"
    )
    async with Running("run", data, config=config) as gateway:
        await gateway.listening()
        account = load_or_make(data / "broker").devices
        broker = f"mqtt://{quote(account.user)}:{quote(account.password)}@127.0.0.1:{gateway.broker_port()}"
        sites = {
            "radio": SimulatedSite(3, dialect="tasmota", broker=broker, devices=60),
            "ct": SimulatedSite(
                3, dialect="ctwing", broker=f"http://127.0.0.1:{web}/push/ct/{KEY}", devices=60
            ),
            "panels": SimulatedSite(3, dialect="gb26875", broker=f"tcp://127.0.0.1:{panel}", devices=60),
        }
        stop = asyncio.Event()
        running = [
            asyncio.create_task(run_live(site, "kitchen_fire", speed=SPEED, stop=stop))
            for site in sites.values()
        ]
        kitchen = "b1-u1-f05-502-kitchen-smoke"
        wanted = {site.device_id(kitchen, source) for source, site in sites.items()}

        async def burning() -> bool:
            for task in running:
                if task.done():
                    task.result()
            fires = [d for d in gateway.docs().values() if d.hazard == "fire" and d.priority == 1]
            return wanted <= {alarm.device for doc in fires for alarm in doc.alarms}

        await found(burning, "a P1 of each family", 60)

        async def told() -> bool:
            return any(r.person == "p1" and r.type == "notice.called" for r in gateway.recorded())

        await found(told, "the person on duty is called", 30)
        stop.set()
        assert all(sent > 0 for sent in await asyncio.gather(*running))
