"""Killed with 50 000 devices: how long until an alarm that comes meanwhile is out."""

from __future__ import annotations

import asyncio
from typing import Final

from bench.alarms import Heard, listen_mqtt, raise_alarm
from bench.city import COMMUNITIES, kill_engine, rest
from bench.rig import BUILDINGS, Kind, Load, catalogue, gateway, say, until
from bench.wire import open_wire

DEVICES: Final = 50_000
RATE: Final = 8_000.0
ROUNDS: Final = 3
PATIENCE_S: Final = 60.0


async def measure_recovery(kind: Kind) -> None:
    """Every device heard twice, then SIGKILL for the engine, and an alarm in the same moment; a few times over."""
    document = catalogue()
    document["devices"] += [
        {
            "id": f"local:s{n % COMMUNITIES}/d{n}",
            "kind": "gas",
            "report_period_s": 60,
            "place": f"b{n % BUILDINGS}",
        }
        for n in range(DEVICES)
    ]
    async with gateway(kind, [document], ready_s=120) as supervisor:
        broker = supervisor.broker
        assert broker is not None
        load = Load(broker, 2 * DEVICES, 1, RATE, devices=DEVICES, streamed=True)
        await load.ready()
        load.go()
        await load.done()
        await rest(supervisor)
        heard = Heard()
        listening = asyncio.create_task(listen_mqtt(broker, heard, 0), name="bench.mqtt")
        account = broker.device_credentials
        sender = await open_wire("127.0.0.1", broker.port, "bench-alarm", account.user, account.password)
        loop = asyncio.get_running_loop()
        for n in range(ROUNDS):
            began = loop.time()
            killing = asyncio.create_task(kill_engine(supervisor), name="bench.kill")
            await asyncio.sleep(0)
            raise_alarm(sender, n)

            async def out(name: str = str(n)) -> bool:
                return name in heard.at

            await until(out, PATIENCE_S)
            back_s, size = await killing
            say(
                f"recovery of {DEVICES:,} devices: after SIGKILL subscribed again in {back_s:.1f} s with {size:.0f} "
                f"MB, an alarm of that moment out over MQTT after {heard.at[str(n)] - began:.1f} s"
            )
            await rest(supervisor)
        listening.cancel()
        sender.close()
