"""A city in one engine: 125 communities of 5 000 devices, each reporting once a minute."""

from __future__ import annotations

import asyncio
from typing import Final

from bench.rig import Load, cpu_s, rss_mb, say, status, until
from gateway.app.supervisor import Supervisor

DEVICES: Final = 625_000
RATE: Final = 10_400.0


async def measure_city(supervisor: Supervisor, seconds: float) -> None:
    """Every device once, then `seconds` (at least a minute) of the steady state: CPU share and memory."""
    assert supervisor.broker is not None
    parts = {p.name: p.process.pid for p in supervisor.parts if p.process}
    meet = Load(supervisor.broker, DEVICES, 1, RATE * 1.5, devices=DEVICES)
    await meet.ready()
    meet.go()
    await meet.done()
    await until(lambda: _calm(supervisor), 120)
    count = round(RATE * max(seconds, 60))
    load = Load(supervisor.broker, count, 1, RATE, devices=DEVICES)
    await load.ready()
    loop = asyncio.get_running_loop()
    before, began = {name: cpu_s(pid) for name, pid in parts.items()}, loop.time()
    seen = (await status(supervisor))["counts"]["messages"]
    load.go()
    await load.done()
    took = loop.time() - began
    used = {name: (cpu_s(pid) - before[name]) / took * 100 for name, pid in parts.items()}
    now = await status(supervisor)
    say(
        f"city of {DEVICES:,} devices at {count / took:,.0f} msg/s: engine {used['engine']:.0f} % and view "
        f"{used['view']:.0f} % of a core, {sum(rss_mb(pid) for pid in parts.values()):,.0f} MB together, "
        f"{now['points']:,} points, {now['counts']['messages'] - seen:,} of {count:,} messages seen, "
        f"coalesced {now['counts']['coalesced']:,}"
    )


async def _calm(supervisor: Supervisor) -> bool:
    now = await status(supervisor)
    return bool(now) and now["in_flight"] == 0 and now["pending"] == 0
