"""The gateway as a user runs it, and what its processes cost."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, Literal

import httpx
import msgspec

from gateway.app.supervisor import Supervisor
from gateway.broker import EmbeddedBroker
from gateway.config import BrokerSettings, Settings, SourceSettings, WebSettings, check
from gateway.registry import Registry

ROOT: Final = Path(__file__).parent.parent
TICK_S: Final = 1 / os.sysconf("SC_CLK_TCK")
BUILDINGS: Final = 300
"""One for each alarm of the latency runs."""

Kind = Literal["mosquitto", "nats"]


def say(text: str) -> None:
    """A line of the report."""
    print(text, flush=True)


def cpu_s(pid: int, *, children: bool = False) -> float:
    """User and system time of a process so far, with that of its ended children if asked for.

    Linux: /proc/PID/stat, fields 14 to 17.
    """
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11 : 15 if children else 13])) * TICK_S


def rss_mb(pid: int) -> float:
    """Resident memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def pss_mb(pid: int) -> float:
    """Memory of a process, of what it shares with others its part; 0 for one that is gone."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1e3


def catalogue() -> dict[str, Any]:
    """A building for every alarm, so that each alarm is an incident of its own, and somebody to tell."""
    places: list[dict[str, Any]] = [{"id": "home", "level": "site", "name": "Bench", "parent": None}]
    places += [
        {"id": f"b{n}", "level": "building", "name": f"b{n}", "parent": "home"} for n in range(BUILDINGS)
    ]
    devices = [{"id": f"local:s0/alarm{n}", "place": f"b{n}", "kind": "smoke"} for n in range(BUILDINGS)]
    people = [{"id": "p1", "name": "p1", "staff": True, "roles": [["duty_operator", "home"]],
               "addresses": [["recording", "p1"]]}]  # fmt: skip
    return {"places": places, "devices": devices, "people": people}


def settings_for(folder: Path, kind: Kind) -> Settings:
    """Defaults on free ports, with incidents published over MQTT."""
    report = check(None)
    assert report.settings is not None
    return msgspec.structs.replace(
        report.settings, data=str(folder), web=WebSettings(port=0), broker=BrokerSettings(port=18_830, prefer=kind),
        sources=(SourceSettings("local", "home"),),
        channels={**report.settings.channels, "out": {"kind": "mqtt"}},
    )  # fmt: skip


@asynccontextmanager
async def gateway(
    kind: Kind,
    documents: Iterable[dict[str, Any]] | None = None,
    ready_s: float = 30,
    stores: Mapping[str, Mapping[str, Any]] | None = None,
    sources: tuple[SourceSettings, ...] = (),
) -> AsyncIterator[Supervisor]:
    """A running gateway in a temporary folder; ready when its engine is subscribed.

    `documents` are its catalogue; `stores` stand in place of the embedded one, `sources` beside the broker's.
    """
    with tempfile.TemporaryDirectory(prefix="csg-bench-") as name:
        settings = settings_for(Path(name), kind)
        settings = msgspec.structs.replace(settings, sources=(*settings.sources, *sources))
        if stores is not None:
            settings = msgspec.structs.replace(settings, stores=stores)
        registry = Registry.open(Path(name) / "registry.sqlite")
        for document in documents if documents is not None else (catalogue(),):
            registry.import_catalogue(document, who="bench", now=1)
        registry.close()
        supervisor = Supervisor(settings, lambda text: print(f"  ! {text}", file=sys.stderr))
        await supervisor.start()
        try:
            await until(lambda: ready(supervisor), ready_s)
            yield supervisor
        finally:
            await supervisor.stop()


@asynccontextmanager
async def bare_broker(kind: Kind) -> AsyncIterator[EmbeddedBroker]:
    """The same broker with the same settings and nobody on it."""
    with tempfile.TemporaryDirectory(prefix="csg-bench-") as name:
        broker = EmbeddedBroker(Path(name), port=18_930, prefer=kind)
        await broker.start()
        running = asyncio.create_task(broker.run(), name="bench.broker")
        try:
            yield broker
        finally:
            running.cancel()
            await broker.stop()


def pids_of(supervisor: Supervisor) -> dict[str, int]:
    """The processes of a running gateway, with its broker, by name."""
    found = {p.name: p.process.pid for p in supervisor.parts if p.process}
    assert supervisor.broker is not None
    return {**found, "broker": supervisor.broker.pid or 0}


async def ready(supervisor: Supervisor) -> bool:
    """Whether the engine is subscribed and the console answers."""
    links = (await status(supervisor)).get("links", {})
    if not links or any(state != "up" for state in links.values()):
        return False
    try:
        async with httpx.AsyncClient() as client:
            return (await client.get(f"{supervisor.url}/healthz")).status_code == 200
    except httpx.HTTPError:
        return False


async def status(supervisor: Supervisor) -> dict[str, Any]:
    """The engine's figures, empty while it does not answer."""
    from gateway.errors import EngineGone

    try:
        return await supervisor.control.status()
    except EngineGone:
        return {}


async def calm(supervisor: Supervisor) -> bool:
    """Whether the engine has nothing left to write or to acknowledge."""
    now = await status(supervisor)
    return bool(now) and now["in_flight"] == 0 and now["pending"] == 0


async def figure(supervisor: Supervisor, series: str) -> int:
    """The least of what `/metrics` says of the series that begin so; 0 where it names none."""
    async with httpx.AsyncClient(timeout=60) as client:
        text = (await client.get(f"{supervisor.url}/metrics")).text
    return min(
        (int(float(line.split()[-1])) for line in text.splitlines() if line.startswith(series)), default=0
    )


async def until(condition: Callable[[], Any], within_s: float, every_s: float = 0.02) -> float:
    """Wait for it; gives how long it took. Raises TimeoutError."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with asyncio.timeout(within_s):
        while not await condition():  # noqa: ASYNC110 - it asks another process
            await asyncio.sleep(every_s)
    return loop.time() - began


class Load:
    """The load process: prepared with `ready`, let go with `go`, over when `done` returns."""

    def __init__(
        self,
        broker: EmbeddedBroker,
        count: int,
        qos: int,
        rate: float | None = None,
        first: int = 0,
        devices: int = 1000,
        streamed: bool = False,
    ) -> None:
        """`streamed` makes messages as they are sent: more work meanwhile, and no memory for millions of them."""
        account = broker.bridge_credentials
        self.orders = {
            "host": "127.0.0.1",
            "port": broker.port,
            "name": f"load{first}",
            "user": account.user,
            "password": account.password,
            "count": count,
            "qos": qos,
            "rate": rate,
            "first": first,
            "devices": devices,
            "streamed": streamed,
        }

    async def ready(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bench.load", cwd=ROOT,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(self.orders).encode() + b"\n")
        await self.process.stdout.readline()

    def go(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(b"go\n")

    async def done(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = await self.process.stdout.readline()
        await self.process.wait()
        found: dict[str, Any] = json.loads(line) if line else {}
        return found
