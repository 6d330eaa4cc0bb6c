"""What `make bench` prints: the gateway beside mosquitto_sub and a bare paho callback, in one run on one machine."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import os
import platform
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from bench.alarms import ALARMS, measure_alarms
from bench.nodered import NodeRed
from bench.rig import (
    Kind,
    Load,
    bare_broker,
    calm,
    cpu_s,
    figure,
    gateway,
    pids_of,
    rss_mb,
    say,
    status,
    until,
)
from gateway.app.supervisor import Supervisor
from gateway.broker import EmbeddedBroker


def _part(name: str) -> Any:
    """A module of a part, loaded when its turn comes: this process is the supervisor of `start`, and counted there."""
    return importlib.import_module(f"bench.{name}")


ALONE: Final[Mapping[str, Callable[[Kind, float], None]]] = {
    "confirm": lambda kind, seconds: asyncio.run(_part("confirm").measure_confirm(kind, seconds)),
    "recovery": lambda kind, _seconds: asyncio.run(_part("recovery").measure_recovery(kind)),
    "decode": lambda _kind, _seconds: _part("decode").measure_decode(),
    "history": lambda _kind, _seconds: _part("history").measure_history(),
    "influx": lambda _kind, seconds: _part("influx").measure_influx(seconds),
    "store": lambda _kind, seconds: _part("store").measure_store(seconds),
    "disk": lambda _kind, _seconds: _part("store").measure_disk(),
    "cameras": lambda _kind, seconds: asyncio.run(_part("cameras").measure_cameras(seconds)),
    "stores": lambda kind, seconds: asyncio.run(_part("following").measure_following(kind, seconds)),
    "city": lambda kind, seconds: asyncio.run(_part("city").measure_city(kind, seconds)),
}
"""What has a gateway of its own, or none."""
PARTS: Final = ("start", "qos1", "lagging", "qos0", "latency", "nodered")
EXTRA: Final = (
    "city",
    "stores",
    "store",
    "disk",
    "cameras",
)  # minutes long, or a long warm-up: only when asked for by name
COUNT_PER_S: Final = 10_000  # messages of a flat-out run per second asked for; it takes as long as it takes


def main(seconds: float, only: Sequence[str]) -> None:
    """Run the parts asked for on every broker that is installed."""
    say(
        f"# {platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}"
    )
    if {"nodered", "lagging"} & set(only):  # measured against our rate and mosquitto_sub's of the same run
        only = [*only, "qos1"]
    kinds: list[Kind] = ["mosquitto", "nats"] if shutil.which("mosquitto", path=_path()) else ["nats"]
    for kind in kinds:
        parts = [p for p in PARTS if not only or p in only]
        if parts:
            asyncio.run(measure(kind, seconds, parts))
    for name, measure_it in ALONE.items():
        if name in only or (not only and name not in EXTRA):
            measure_it(kinds[0], seconds)


def _path() -> str:
    return os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"


async def measure(kind: Kind, seconds: float, parts: Sequence[str]) -> None:
    """All parts on one broker, and what others make of the same load there."""
    say(f"\n## {kind}")
    count = round(seconds * COUNT_PER_S)
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with gateway(kind) as supervisor:
        if "start" in parts:
            say(
                f"cold start to first subscription {loop.time() - began:.2f} s (broker, engine, view together)"
            )
            await asyncio.sleep(3)
            sizes = {p.name: rss_mb(p.process.pid) for p in supervisor.parts if p.process}
            sizes["broker"] = rss_mb(supervisor.broker.pid or 0) if supervisor.broker else 0.0
            sizes["supervisor"] = rss_mb(os.getpid())
            text = ", ".join(f"{name} {size:.0f}" for name, size in sizes.items())
            say(f"idle memory {sum(sizes.values()):.0f} MB ({text})")
        ours = {}
        first = 0
        for part, qos in (("qos1", 1), ("lagging", 1), ("qos0", 0)):
            if part in parts:
                await _warm(supervisor)
                ours[part] = await _flat_out(supervisor, count, qos, first, view=part != "lagging")
                first += count
        if "latency" in parts:
            half = ours["qos1"]["rate"] / 2 if "qos1" in ours else 15_000.0
            for number, rate in enumerate((1000.0, half, None)):
                await measure_alarms(supervisor, rate, seconds, number * ALARMS)
    async with bare_broker(kind) as broker, _node_red("nodered" in parts) as red:
        for part, qos in (("qos1", 1), ("qos0", 0)):
            if part in parts:
                theirs = [await _mosquitto_sub(broker, count, qos)] if shutil.which("mosquitto_sub") else []
                theirs.append(await _paho(broker, count, qos))
                if red is not None and qos == 1:
                    started = await red.start(broker, count)
                    theirs.append(await _beside(broker, started, f"node-red {red.version}", count, qos))
                for mine in (part, "lagging") if qos and "lagging" in ours else (part,):
                    _table(mine, ours[mine], [t for t in theirs if t])


@contextlib.asynccontextmanager
async def _node_red(wanted: bool) -> AsyncIterator[NodeRed | None]:
    """An installed Node-RED where one is wanted and can be had."""
    if not wanted:
        yield None
        return
    red = NodeRed()
    try:
        yield red if await red.install() else None
    finally:
        red.close()


async def _warm(supervisor: Supervisor) -> None:
    """Every device met once, so that the run measures the steady state."""
    load = Load(_broker(supervisor), 2000, 1)
    await load.ready()
    load.go()
    await load.done()
    await until(lambda: calm(supervisor), 30)


def _broker(supervisor: Supervisor) -> Any:
    assert supervisor.broker is not None
    return supervisor.broker


async def _flat_out(
    supervisor: Supervisor, count: int, qos: int, first: int, *, view: bool
) -> dict[str, Any]:
    """As fast as broker and load go: sustained rate of the engine, then how long the view takes to catch up.

    Without `view` that process is stopped meanwhile, as one that hangs; it is shorter than the patience with those.
    """
    load = Load(_broker(supervisor), count, qos, first=first)
    await load.ready()
    loop = asyncio.get_running_loop()
    before = await status(supervisor)
    pids = pids_of(supervisor)
    if not view:
        os.kill(pids["view"], signal.SIGSTOP)
    cpu = {name: cpu_s(pid) for name, pid in pids.items()}
    began = loop.time()
    load.go()
    seen, last, moved = 0, began, began
    while seen < count and loop.time() - moved < 3:
        await asyncio.sleep(0.02)
        now = await status(supervisor)
        if now and now["counts"]["messages"] - before["counts"]["messages"] > seen:
            seen, moved = now["counts"]["messages"] - before["counts"]["messages"], loop.time()
            last = moved
    sent = await load.done()
    await until(lambda: calm(supervisor), 30)
    after = await status(supervisor)
    memory = rss_mb(pids["engine"])
    if not view:
        os.kill(pids["view"], signal.SIGCONT)
    lag_s = await until(lambda: _caught_up(supervisor, after["seq"]), 120)
    used = {name: (cpu_s(pid) - cpu[name]) / max(seen, 1) * 1e6 for name, pid in pids.items()}
    used["load"] = sent["cpu_s"] / count * 1e6
    return {
        "who": "gateway",
        "rate": seen / (last - began),
        "seen": seen,
        "cpu": used,
        "lag_s": lag_s,
        "memory": memory,
        "lost": count - seen,
        "coalesced": after["counts"]["coalesced"] - before["counts"]["coalesced"],
    }


async def _caught_up(supervisor: Supervisor, seq: int) -> bool:
    """Whether the view has stored everything up to `seq`."""
    return await figure(supervisor, "csg_view_seq") >= seq


async def _mosquitto_sub(broker: EmbeddedBroker, count: int, qos: int) -> dict[str, Any]:
    """The C client that does nothing, with the same load on a broker of its own."""
    account = broker.credentials
    process = await asyncio.create_subprocess_exec(
        "mosquitto_sub", "-h", "127.0.0.1", "-p", str(broker.port), "-u", account.user, "-P", account.password,
        "-q", str(qos), "-t", "community/#", "-C", str(count), "-W", "60", "-i", "bench-sub",
        stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    return await _beside(broker, process, "mosquitto_sub", count, qos)


async def _paho(broker: EmbeddedBroker, count: int, qos: int) -> dict[str, Any]:
    account = broker.credentials
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.paho_counter", "127.0.0.1", str(broker.port), account.user,
        account.password, str(count), str(qos), stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parent.parent,
    )  # fmt: skip
    assert process.stdout is not None
    await process.stdout.readline()
    return await _beside(broker, process, "paho", count, qos)


async def _beside(
    broker: EmbeddedBroker, process: asyncio.subprocess.Process, who: str, count: int, qos: int
) -> dict[str, Any]:
    """What another client makes of the same load; empty when it did not get all of it (QoS 0 may lose)."""
    await asyncio.sleep(0.5)
    load = Load(broker, count, qos)
    await load.ready()
    loop = asyncio.get_running_loop()
    before, began = cpu_s(process.pid), loop.time()
    load.go()
    used = before
    try:
        async with asyncio.timeout(60):
            while process.returncode is None:
                with contextlib.suppress(OSError):
                    used = cpu_s(process.pid)
                await asyncio.wait((asyncio.ensure_future(process.wait()),), timeout=0.02)
    except TimeoutError:
        process.kill()
        return {}
    took = loop.time() - began
    await load.done()
    return {"who": who, "rate": count / took, "cpu": {who: (used - before) / count * 1e6}}


def _table(part: str, ours: dict[str, Any], theirs: Sequence[dict[str, Any]]) -> None:
    cost = ours["cpu"]
    say(
        f"{part}: gateway {ours['rate']:,.0f} msg/s, engine {cost['engine']:.1f} + view {cost['view']:.1f} us CPU a "
        f"message (broker {cost['broker']:.1f}, load {cost['load']:.1f}), lost {ours['lost']}, "
        f"coalesced {ours['coalesced']}, view caught up {ours['lag_s']:.1f} s later, engine {ours['memory']:.0f} MB"
    )
    for other in theirs:
        used = next(iter(other["cpu"].values()))
        ratio = ours["rate"] / other["rate"]
        say(f"      {other['who']} {other['rate']:,.0f} msg/s, {used:.1f} us; the gateway is {ratio:.2f}x")
