"""A gateway with an InfluxDB and a VictoriaMetrics beside its own history: both die under load, and the view too."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from pathlib import Path

import httpx
import pytest

from gateway.core.event import Measured
from tests.acceptance.running import Running, found, free_port, furnish
from tests.gateway.store.realservers import Server, influxd, proxy, victoria
from tests.parts import require

DEVICES = 20
PART = 250  # messages between two disasters
PLACES = {"places": [{"id": "home", "level": "site", "name": "试验小区", "parent": None}]}
CONFIG = """
broker: {{port: {port}, prefer: mosquitto}}
stores:
  history: {{kind: duckdb}}
  city: {{kind: influxdb, url: "{influx}", bucket: city, timeout_ms: 5000}}
  boards: {{kind: victoriametrics, url: "{victoria}", timeout_ms: 5000}}
"""


@pytest.mark.acceptance
@pytest.mark.slow
async def test_stores_and_view_die_under_load(tmp_path: Path) -> None:
    """Kill -9 of both servers and, twice, of the view: each store has every reading of the journal, and none twice."""
    require("mosquitto")
    for name in ("influxd", "vm"):
        (tmp_path / name).mkdir()
    data = tmp_path / "data"
    furnish(data, PLACES)
    flags = ("-retentionPeriod=100y", "-dedup.minScrapeInterval=1ms")
    with (
        influxd(tmp_path / "influxd") as influx,
        proxy(influx.url) as way,
        victoria(tmp_path / "vm", *flags) as vm,
    ):
        influx.ask("/query", q="CREATE DATABASE city")
        config = CONFIG.format(port=free_port(), influx=way.url, victoria=vm.url)
        async with Running("run", data, config=config) as gateway:
            await gateway.listening()
            await sent(gateway, 0)
            await view_dies(gateway)
            await sent(gateway, 1)
            for server in (influx, vm):
                server.kill()
            await sent(gateway, 2)
            await failing(gateway)
            for server in (influx, vm):
                await asyncio.to_thread(server.start)
            await sent(gateway, 3)
            await view_dies(gateway)
            await sent(gateway, 4)
            await settled(gateway)
            wanted = journal(gateway)
            assert len(wanted) == 5 * PART * 3

            async def in_influx() -> bool:
                return await asyncio.to_thread(influx_has, influx) == wanted

            async def in_victoria() -> bool:
                return await asyncio.to_thread(victoria_has, vm) == wanted

            await found(in_influx, "every reading once in InfluxDB", 90)
            await found(in_victoria, "every reading once in VictoriaMetrics", 90)


async def sent(gateway: Running, part: int) -> None:
    """A part of the load, acknowledged."""
    async with gateway.device("load") as client:
        for n in range(part * PART, (part + 1) * PART):
            body = json.dumps({"v": 1, "pulse_count": n, "temperature": n / 8, "battery": 90})
            await client.publish(f"community/home/d{n % DEVICES}/telemetry", body, qos=1)


async def view_dies(gateway: Running) -> None:
    """Kill -9; returns when the next one is there."""
    died = gateway.child("view")
    assert died is not None
    os.kill(died, signal.SIGKILL)

    async def again() -> bool:
        return gateway.child("view") not in (None, died)

    await found(again, "the view is started again")


async def failing(gateway: Running) -> None:
    """Both stores are said to fail, and the embedded one is not."""
    async with httpx.AsyncClient(base_url=await gateway.url(), timeout=10) as client:

        async def said() -> bool:
            try:
                text = (await client.get("/metrics")).text
            except httpx.HTTPError:
                return False
            states = {
                name: f'csg_store_failing{{store="{name}"}} 1.0' in text
                for name in ("city", "boards", "history")
            }
            return states == {"city": True, "boards": True, "history": False}

        await found(said, "the metrics say which stores fail")


async def settled(gateway: Running) -> None:
    """The engine has everything on disk."""

    async def quiet() -> bool:
        status = await gateway.control.status()
        return not (status["in_flight"] or status["pending"])

    await found(quiet, "the engine has stored everything")


def journal(gateway: Running) -> list[tuple[str, int, float]]:
    """Every reading of the load: point, seq, number."""
    return sorted(
        (reading.point, row.first + i, float(reading.value))
        for row in gateway.rows()
        for i, (_, event) in enumerate(row.events)
        if isinstance(event, Measured) and event.source == "local"
        for reading in event.readings
        if isinstance(reading.value, int | float)
    )


def influx_has(server: Server) -> list[tuple[str, int, float]]:
    """The same of InfluxDB."""
    asked = 'SELECT "device", "metric", "seq", "value" FROM "reading" WHERE "device" =~ /^local:/'
    (result,) = json.loads(server.ask("/query", db="city", q=asked))["results"]
    rows = [row for series in result.get("series", []) for row in series["values"]]
    return sorted((f"{device}/{metric}/", seq, float(value)) for _, device, metric, seq, value in rows)


def victoria_has(server: Server) -> list[tuple[str, int, float]]:
    """The same of VictoriaMetrics."""
    server.ask("/internal/force_flush")
    values: dict[tuple[str, str, int], dict[str, float]] = {}
    for line in server.ask("/api/v1/export", **{"match[]": '{device=~"local:.+"}'}).splitlines():
        series = json.loads(line)
        tags = series["metric"]
        for at, value in zip(series["timestamps"], series["values"], strict=True):
            values.setdefault((tags["device"], tags["metric"], at), {})[tags["__name__"]] = value
    return sorted(
        (f"{device}/{metric}/", int(fields["reading_seq"]), float(fields["reading_value"]))
        for (device, metric, _), fields in values.items()
        if "reading_value" in fields
    )
