"""The gateway at its most with an InfluxDB or a VictoriaMetrics that follows it, all on this one machine.

Three figures each: how long a flat-out load takes until the last reading of it is in the store; what engine, view,
broker and server use of the CPU for a reading, which says what two cores of their own would carry (without the load,
and without the proxy in front of InfluxDB 1.6); and a steady load below the first, at which the lag must not grow.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from bench.influx import proxied
from bench.rig import Kind, Load, calm, cpu_s, figure, gateway, pids_of, say, status, until
from gateway.app.supervisor import Supervisor
from gateway.feed import WRITE_READINGS
from tests.gateway.store.realservers import influxd, victoria

READINGS: Final = 5  # a message
SHARES: Final = (0.9, 0.75, 0.6, 0.45)  # of what was done flat out; the first that holds is told
SECONDS_MIN: Final = 30.0  # of a steady load: in less, a lag that grows slowly stays unseen
_PATIENCE_S: Final = 300.0


class Beside(NamedTuple):
    """A server that is followed, and the settings of the store that writes to it."""

    name: str
    pid: int
    settings: dict[str, Any]


async def measure_following(kind: Kind, seconds: float) -> None:
    """Print two lines for each server that is installed."""
    say(f"\n## stores that follow, {kind}")
    for program, run in (("influxd", _influx), ("victoria-metrics", _victoria)):
        if not shutil.which(program):
            say(f"{program}: not installed")
            continue
        with tempfile.TemporaryDirectory() as made, run(Path(made)) as beside:
            stores = {"history": {"kind": "duckdb"}, "beside": beside.settings}
            async with gateway(kind, stores=stores) as supervisor:
                await _follow(supervisor, beside, seconds)


@contextmanager
def _influx(folder: Path) -> Iterator[Beside]:
    with influxd(folder) as server, proxied(server) as url:
        server.ask("/query", q="CREATE DATABASE bench")
        yield Beside(
            "influxdb 1.6",
            server.pid,
            {"kind": "influxdb", "url": url, "bucket": "bench", "timeout_ms": 60_000},
        )


@contextmanager
def _victoria(folder: Path) -> Iterator[Beside]:
    with victoria(folder, "-retentionPeriod=100y", "-dedup.minScrapeInterval=1ms") as server:
        settings = {"kind": "victoriametrics", "url": server.url, "timeout_ms": 60_000}
        yield Beside("victoria-metrics", server.pid, settings)


async def _follow(supervisor: Supervisor, beside: Beside, seconds: float) -> None:
    count = round(seconds * 10_000)
    await _send(supervisor, 2_000, 0, None)
    await _stored(supervisor)
    loop, pids = asyncio.get_running_loop(), {**pids_of(supervisor), "server": beside.pid}
    before = {name: cpu_s(pid) for name, pid in pids.items()}
    began = loop.time()
    await _send(supervisor, count, 2_000, None)
    taken_s = loop.time() - began
    await _stored(supervisor)
    stored_s = loop.time() - began
    together = count / stored_s
    used = {name: (cpu_s(pid) - before[name]) / count / READINGS * 1e6 for name, pid in pids.items()}
    say(
        f"{beside.name}: {count:,} messages of {READINGS} readings flat out taken in at {count / taken_s:,.0f} msg/s,"
        f" all stored {stored_s - taken_s:.1f} s later: {together * READINGS:,.0f} readings/s together"
    )
    say(
        f"{beside.name}: us CPU a reading {', '.join(f'{name} {each:.2f}' for name, each in used.items())}:"
        f" two cores of their own carry {2e6 / sum(used.values()):,.0f} readings/s"
    )
    first = 2_000 + count
    for share in SHARES:
        rate = together * share
        lags = await _steady(supervisor, rate, max(seconds, SECONDS_MIN), first)
        first += round(rate * max(seconds, SECONDS_MIN))
        holds = lags[1] <= lags[0] + WRITE_READINGS / READINGS / 2
        say(
            f"{beside.name}: {rate * READINGS:,.0f} readings/s steadily: {lags[0]:,} events behind half-way,"
            f" {lags[1]:,} at the end: {'bounded' if holds else 'growing'}"
        )
        await _stored(supervisor)
        if holds:
            return


async def _send(supervisor: Supervisor, count: int, first: int, rate: float | None) -> None:
    assert supervisor.broker is not None
    load = Load(supervisor.broker, count, 1, rate=rate, first=first, streamed=rate is not None)
    await load.ready()
    load.go()
    await load.done()


async def _steady(supervisor: Supervisor, rate: float, seconds: float, first: int) -> tuple[int, int]:
    """How many events the store was behind the engine half-way and at the end: the most of three looks each."""
    sending = asyncio.create_task(_send(supervisor, round(rate * seconds), first, rate))
    lags = []
    for pause in (seconds / 2 - 2, seconds / 2 - 2):
        await asyncio.sleep(pause)
        looks = []
        for _ in range(3):
            looks.append(await _behind(supervisor))
            await asyncio.sleep(0.5)
        lags.append(max(looks))
    await sending
    return lags[0], lags[1]


async def _stored(supervisor: Supervisor) -> None:
    """Wait until the engine has nothing in flight and the store has it all."""

    await until(lambda: calm(supervisor), _PATIENCE_S)
    wanted: int = (await status(supervisor))["seq"]

    async def all_there() -> bool:
        return await _cursor(supervisor) >= wanted

    await until(all_there, _PATIENCE_S, 0.1)


async def _behind(supervisor: Supervisor) -> int:
    """Events between what the engine has on disk and what the store has confirmed."""
    reached: int = (await status(supervisor)).get("seq", 0)
    return reached - await _cursor(supervisor)


async def _cursor(supervisor: Supervisor) -> int:
    return await figure(supervisor, 'csg_store_cursor{store="beside"}')
