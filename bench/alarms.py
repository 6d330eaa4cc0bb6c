"""How late an alarm is: from the publisher's socket to MQTT and to a browser's event stream."""

from __future__ import annotations

import asyncio
import json
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import httpx

from bench.rig import Load, say
from bench.wire import Wire, open_wire, publish, subscribe
from gateway.app.supervisor import Supervisor
from gateway.broker import EmbeddedBroker

ALARMS: Final = 100
FLOOD_PER_S: Final = 120_000  # QoS 0, more than this machine takes: the broker is free to drop of it
PATIENCE_S: Final = 5.0


class Heard:
    """When the incident of each alarm's device was first heard on one way out, in loop seconds."""

    def __init__(self) -> None:
        self.at: dict[str, float] = {}

    def hear(self, text: str) -> None:
        """Take in a message that may name devices of alarms."""
        now = asyncio.get_running_loop().time()
        for part in text.split('"local:s0/alarm')[1:]:
            self.at.setdefault(part.split('"')[0], now)


async def measure_alarms(supervisor: Supervisor, rate: float | None, seconds: float, first: int) -> None:
    """Alarms one after another beside telemetry at `rate`, or more than anybody can take (None).

    Each opens an incident of its own.
    """
    broker = supervisor.broker
    assert broker is not None
    count = round((rate or FLOOD_PER_S) * (seconds + 2))
    load = Load(broker, count, 1 if rate else 0, rate, first=5_000_000)
    await load.ready()
    mqtt, sse = Heard(), Heard()
    account = broker.device_credentials
    sender = await open_wire("127.0.0.1", broker.port, f"bench-alarm{first}", account.user, account.password)
    listening = [
        asyncio.create_task(listen_mqtt(broker, mqtt, first), name="bench.mqtt"),
        asyncio.create_task(_listen_sse(supervisor, sse), name="bench.sse"),
    ]
    await asyncio.sleep(0.5)
    load.go()
    await asyncio.sleep(1)
    sent: dict[str, float] = {}
    for n in range(first, first + ALARMS):
        sent[str(n)] = asyncio.get_running_loop().time()
        raise_alarm(sender, n)
        await asyncio.sleep(seconds / ALARMS)
    await load.done()
    await asyncio.sleep(1)
    for task in listening:
        task.cancel()
    sender.close()
    for name, heard in (("MQTT out", mqtt), ("a browser (SSE)", sse)):
        took = [(heard.at[n] - at) * 1000 for n, at in sent.items() if n in heard.at]
        beside = f"{rate:,.0f} msg/s" if rate else "a flood (QoS 0)"
        say(
            f"alarm to {name} beside {beside}: p50 {percentile(took, 50):.1f} ms, "
            f"p99 {percentile(took, 99):.1f} ms; {len(sent) - len(took)} of {len(sent)} not heard"
        )


def raise_alarm(sender: Wire, n: int) -> None:
    """A fire of the n-th building's own device."""
    body = json.dumps({"v": 1, "type": "alarm", "id": f"a{n}", "data": {"hazard": "fire"}}).encode()
    sender.write(publish(f"community/s0/alarm{n}/event", body, 1, n + 1))


async def listen_mqtt(broker: EmbeddedBroker, heard: Heard, first: int) -> None:
    """Hear incidents over MQTT until cancelled; `first` makes the client's name its own."""
    own = broker.credentials
    wire = await open_wire("127.0.0.1", broker.port, f"bench-out{first}", own.user, own.password)
    wire.write(subscribe("gateway/incidents/#", 0))
    while True:
        _, payload = await wire.messages.get()
        heard.hear(payload.decode())


async def _listen_sse(supervisor: Supervisor, heard: Heard) -> None:
    """As a signed-in duty page would. The one-time link is kept as a cookie for the second run."""
    data = Path(supervisor.settings.data)
    cookie = data / "bench-cookie"
    async with httpx.AsyncClient(base_url=supervisor.url, timeout=httpx.Timeout(30, read=None)) as client:
        if not cookie.exists():
            token = (data / "secrets" / "first-sign-in").read_text().strip()
            answer = await client.post("/api/v1/session", json={"token": token})
            answer.raise_for_status()
            cookie.write_text(answer.cookies["csg_session"])
        client.cookies.set("csg_session", cookie.read_text())
        async with client.stream("GET", "/api/v1/stream") as stream:
            async for line in stream.aiter_lines():
                if line.startswith("data:"):
                    heard.hear(line)


def percentile(values: Sequence[float], percent: int) -> float:
    """Inclusive percentile; not a number for an empty list."""
    if len(values) < 2:
        return values[0] if values else float("nan")
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]
