"""A city in one engine: 125 communities of 5 000 placed devices, each of which reports once a minute."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Iterator
from itertools import count as count_from
from pathlib import Path
from typing import Any, Final

import httpx

from bench.rig import (
    Kind,
    Load,
    calm,
    cpu_s,
    figure,
    gateway,
    pids_of,
    pss_mb,
    ready,
    rss_mb,
    say,
    status,
    until,
)
from gateway.app.supervisor import Supervisor

COMMUNITIES: Final = 125
DEVICES: Final = 625_000
PERIOD_S: Final = 60
BUILDINGS: Final = 20
KIND: Final = "gas"  # four shipped rules on what such a device reads and two on its silence
IMPORTED: Final = 100_000  # devices of one import
STEADY_S_MIN: Final = 2 * PERIOD_S
STUCK_S: Final = 60.0  # without one more message nothing will come of it
LOOK_S: Final = 2.0
SAY_EVERY: Final = 5  # looks


async def measure_city(kind: Kind, seconds: float, devices: int = DEVICES) -> None:
    """Place every device, hear each for the first time, then measure `seconds` of what every further minute is like."""
    rate = devices / PERIOD_S
    say(f"city: importing {devices:,} devices of {COMMUNITIES} communities, then starting ...")
    async with gateway(kind, city(devices), ready_s=300) as supervisor:
        say("city: every device once ...")
        await _run(supervisor, devices, rate, devices, 0)
        steady = max(seconds, STEADY_S_MIN)
        say(f"city: {steady:.0f} s at {rate:,.0f} msg/s ...")
        found = await _run(supervisor, round(steady * rate), rate, devices, devices)
        say("city: killing the engine ...")
        back_s, size = await kill_engine(supervisor)
    shares = ", ".join(f"{name} {share:.0%}" for name, share in found["share"].items())
    sizes = ", ".join(f"{name} {size:,.0f}" for name, size in found["rss"].items())
    say(
        f"city of {devices:,} devices at {found['rate']:,.0f} msg/s: of one core {shares} "
        f"(snapshots {found['snapshots']:.0%} of the engine's); memory {sizes} MB, at most {found['peak']:,.0f} MB "
        f"together while a snapshot was taken; {found['points']:,} points; {found['seen']:,} messages of "
        f"{found['sent']:,} and our own seen, {found['coalesced']} coalesced; at most {found['in_flight']:,} "
        f"unacknowledged, the view at most {found['lag']:,} events behind, its slowest answer {found['slowest']:.1f} s"
    )
    cost = found["cost"]
    say(
        f"engine {cost['engine']:.1f} + view {cost['view']:.1f} us CPU a message (snapshots and all that runs beside "
        f"included): {sum(cost.values()) * rate / 1e6:.0%} of one core at {rate:,.0f} msg/s"
    )
    say(f"after SIGKILL the engine is subscribed again in {back_s:.1f} s, with {size:,.0f} MB")


def city(devices: int) -> Iterator[dict[str, Any]]:
    """The catalogue in parts that one import takes. Somebody is on duty in each community."""
    places: list[dict[str, Any]] = []
    people: list[dict[str, Any]] = []
    for n in range(COMMUNITIES):
        places.append({"id": f"c{n}", "level": "site", "name": f"c{n}", "parent": None})
        places += [
            {"id": f"c{n}-b{b}", "level": "building", "name": f"b{b}", "parent": f"c{n}"}
            for b in range(BUILDINGS)
        ]
        people.append({"id": f"p{n}", "name": f"p{n}", "staff": True, "roles": [["duty_operator", f"c{n}"]],
                       "addresses": [["recording", f"p{n}"]]})  # fmt: skip
    yield {"places": places, "people": people}
    for first in range(0, devices, IMPORTED):
        yield {
            "devices": [
                {"id": f"local:s{n % COMMUNITIES}/d{n}", "kind": KIND, "report_period_s": PERIOD_S,
                 "place": f"c{n % COMMUNITIES}-b{n // COMMUNITIES % BUILDINGS}"}
                for n in range(first, min(first + IMPORTED, devices))
            ]
        }  # fmt: skip


async def _run(supervisor: Supervisor, count: int, rate: float, devices: int, first: int) -> dict[str, Any]:
    """`count` messages at `rate`; what the processes used meanwhile, and the most that was ever left to do."""
    assert supervisor.broker is not None
    load = Load(supervisor.broker, count, 1, rate, first=first, devices=devices, streamed=True)
    await load.ready()
    pids = pids_of(supervisor)
    loop = asyncio.get_running_loop()
    before, began = await status(supervisor), loop.time()
    used = {name: cpu_s(pid, children=True) for name, pid in pids.items()}
    alone = cpu_s(pids["engine"])
    found: dict[str, Any] = {"in_flight": 0, "lag": 0, "peak": 0.0, "slowest": 0.0}
    load.go()
    sending = asyncio.create_task(load.done(), name="bench.load")
    for look in count_from(1):
        await asyncio.wait((sending,), timeout=LOOK_S)
        now = await status(supervisor)
        if now:
            seen = now["counts"]["messages"] - before["counts"]["messages"]
            found["in_flight"] = max(found["in_flight"], now["in_flight"])
            family = [*_family(pids["engine"]), pids["view"]]
            found["peak"] = max(found["peak"], sum(map(pss_mb, family)))
            if look % SAY_EVERY == 0:
                asked = loop.time()
                try:
                    lag = max(now["seq"] - await figure(supervisor, "csg_view_seq"), 0)
                except httpx.TimeoutException:
                    say("      the view did not answer in a minute")
                    continue
                found["lag"] = max(found["lag"], lag)
                found["slowest"] = max(found["slowest"], loop.time() - asked)
                say(
                    f"      {loop.time() - began:4.0f} s: {seen:,} of {count:,} messages, {now['in_flight']} held, "
                    f"view {lag:,} behind, engine {rss_mb(pids['engine']):,.0f} MB, view {rss_mb(pids['view']):,.0f} MB"
                )
        if sending.done():
            break
    await rest(supervisor)
    took = loop.time() - began
    after = await status(supervisor)
    await until(lambda: _level(supervisor, after["seq"]), 120)
    spent = {name: cpu_s(pid, children=True) - used[name] for name, pid in pids.items()}
    children = spent["engine"] - (cpu_s(pids["engine"]) - alone)
    seen = after["counts"]["messages"] - before["counts"]["messages"]
    return {
        **found,
        "rate": seen / took,
        "share": {name: seconds / took for name, seconds in spent.items()},
        "snapshots": children / took,
        "rss": {name: rss_mb(pids[name]) for name in ("engine", "view")},
        "points": after["points"],
        "sent": count,
        "cost": {name: spent[name] / max(seen, 1) * 1e6 for name in ("engine", "view")},
        "seen": seen,
        "coalesced": after["counts"]["coalesced"] - before["counts"]["coalesced"],
    }


async def kill_engine(supervisor: Supervisor) -> tuple[float, float]:
    """Kill the engine without a word: seconds until its successor is subscribed, and that one's memory in MB."""
    part = next(p for p in supervisor.parts if p.name == "engine")
    assert part.process is not None
    killed = part.process.pid
    os.kill(killed, signal.SIGKILL)

    async def back() -> bool:
        return part.process is not None and part.process.pid != killed and await ready(supervisor)

    took = await until(back, 300)
    return took, rss_mb(part.process.pid)


def _family(pid: int) -> list[int]:
    """The process and the children it has just now."""
    with contextlib.suppress(OSError):
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [pid, *map(int, children)]
    return [pid]


async def rest(supervisor: Supervisor) -> None:
    """Wait until nothing is left to do, however long a slow machine takes. Raises TimeoutError when nothing moves."""
    loop = asyncio.get_running_loop()
    seen, moved = -1, loop.time()
    while not await calm(supervisor):
        now = await status(supervisor)
        if now and now["counts"]["messages"] > seen:
            seen, moved = now["counts"]["messages"], loop.time()
        if loop.time() - moved > STUCK_S:
            raise TimeoutError(f"{now.get('in_flight')} messages are not acknowledged")
        await asyncio.sleep(0.1)


async def _level(supervisor: Supervisor, seq: int) -> bool:
    return await figure(supervisor, "csg_view_seq") >= seq
