"""A view that hangs or dies under load delays no alarm, and what it missed it reads up from the journal."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import aiomqtt
import httpx
import pytest

from gateway.core.event import Measured
from tests.acceptance.running import Running, every, found, free_port, furnish, note
from tests.parts import require

DEVICES = 40
RATE = 2_000  # messages a second that the load aims at; a slow machine sends fewer
ALARMS = 12
LATE_S = 10.0  # an alarm that takes longer is one that waited for the view
PLACES: dict[str, Any] = {
    "places": [
        {"id": "home", "level": "site", "name": "试验小区", "parent": None},
        *({"id": f"b{n}", "level": "building", "name": f"{n}号楼", "parent": "home"} for n in range(ALARMS)),
    ],
    "devices": [{"id": f"local:home/alarm{n}", "place": f"b{n}", "kind": "smoke"} for n in range(ALARMS)],
    "people": [{"id": "p1", "name": "值班员", "staff": True, "roles": [["duty_operator", "home"]],
                "addresses": [["recording", "p1"]]}],
}  # fmt: skip
CONFIG = """
broker: {{port: {port}, prefer: mosquitto}}
channels:
  out: {{kind: mqtt}}
"""


class Load:
    """Measurements as fast as asked for, each with a number of its own, until told to stop."""

    def __init__(self, gateway: Running) -> None:
        self._gateway = gateway
        self.sent = 0
        self.enough = asyncio.Event()

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        async with self._gateway.device("load") as client:
            client.pending_calls_threshold = RATE
            began = loop.time()
            while not self.enough.is_set():
                due = min(int((loop.time() - began) * RATE) - self.sent, 200)
                async with asyncio.TaskGroup() as group:
                    for _ in range(due):
                        group.create_task(self._one(client, self.sent))
                        self.sent += 1
                await asyncio.sleep(0.01)

    async def _one(self, client: aiomqtt.Client, n: int) -> None:
        body = json.dumps({"v": 1, "pulse_count": n, "temperature": 20.5, "battery": 90})
        await client.publish(f"community/home/d{n % DEVICES}/telemetry", body, qos=1)


class Listener:
    """When each alarming device was first heard of over the MQTT channel."""

    def __init__(self, gateway: Running) -> None:
        self._gateway = gateway
        self.heard: dict[str, float] = {}
        self.ready = asyncio.Event()

    async def run(self) -> None:
        async with self._gateway.device("listener", gateway=True) as client:
            await client.subscribe("gateway/incidents/#", qos=1)
            self.ready.set()
            async for message in client.messages:
                assert isinstance(message.payload, bytes)
                for alarm in json.loads(message.payload)["alarms"]:
                    self.heard.setdefault(alarm["device"], time.monotonic())


@pytest.mark.acceptance
@pytest.mark.slow
async def test_alarms_leave_while_the_view_hangs_and_it_catches_up(tmp_path: Path) -> None:
    """The view stopped and then killed under load: alarms leave by MQTT and are told; the next view has everything."""
    require("mosquitto")
    data = tmp_path / "data"
    furnish(data, PLACES)
    async with Running("run", data, config=CONFIG.format(port=free_port())) as gateway:
        async with gateway.signed_in() as client:
            await gateway.listening()
            sent = await the_view_hangs_and_dies(gateway)
            await caught_up(gateway, client, sent)
        assert await gateway.interrupt() == 0


async def the_view_hangs_and_dies(gateway: Running) -> int:
    """Under load, with alarms before, during and after; gives the number of messages of the load."""
    load, listener = Load(gateway), Listener(gateway)
    async with asyncio.TaskGroup() as group:
        listening = group.create_task(listener.run())
        group.create_task(load.run())
        await listener.ready.wait()

        async def loaded(sent: int) -> None:
            async def more() -> bool:
                return load.sent >= sent

            await found(more, f"{sent} messages sent")

        began = time.monotonic()
        await loaded(RATE)
        stopped = gateway.child("view")
        assert stopped is not None
        os.kill(stopped, signal.SIGSTOP)
        slowest = await alarms_leave(gateway, listener, range(ALARMS // 4))
        await loaded(load.sent + 2 * RATE)
        slowest = max(slowest, await alarms_leave(gateway, listener, range(ALARMS // 4, ALARMS // 2)))
        os.kill(stopped, signal.SIGKILL)
        slowest = max(slowest, await alarms_leave(gateway, listener, range(ALARMS // 2, ALARMS)))

        async def again() -> bool:
            return gateway.child("view") not in (None, stopped)

        await found(again, "the view is started again")
        note(f"{load.sent / (time.monotonic() - began):.0f} messages/s, {load.sent} in all")
        load.enough.set()
        listening.cancel()
    note(f"the slowest alarm left after {slowest * 1000:.0f} ms")
    assert "view ended" in gateway.said()
    return load.sent


async def alarms_leave(gateway: Running, listener: Listener, numbers: range) -> float:
    """Each alarm reaches the MQTT channel and a person; gives the longest way in seconds."""
    slowest = 0.0
    async with gateway.device("alarms") as device:
        for n in numbers:
            name = f"local:home/alarm{n}"
            body = json.dumps({"v": 1, "id": f"a{n}", "type": "alarm", "data": {"hazard": "fire"}})
            began = time.monotonic()
            await device.publish(f"community/home/alarm{n}/event", body, qos=1)

            async def out(name: str = name) -> bool:
                return name in listener.heard

            await found(out, f"the alarm of {name} on the MQTT channel", LATE_S)
            slowest = max(slowest, listener.heard[name] - began)

    async def told() -> bool:
        places = {f"{n}号楼" for n in numbers}
        titles = [row.title for row in gateway.recorded() if row.person == "p1" and row.reason == "called"]
        return all(any(place in title for title in titles) for place in places)

    await found(told, "the person on duty was told of each", LATE_S)
    return slowest


async def caught_up(gateway: Running, client: httpx.AsyncClient, sent: int) -> None:
    """Everything the journal holds is in the history, every incident as the journal's last word has it."""

    async def quiet() -> bool:
        status = await gateway.control.status()
        return not (status["in_flight"] or status["outbox"] or status["pending"])

    await found(quiet, "the engine has stored everything")
    journal = [
        reading.value
        for row in gateway.rows()
        for _, event in row.events
        if isinstance(event, Measured) and event.source == "local"
        for reading in event.readings
        if "/pulse_count/" in reading.point
    ]
    kept = {int(value or 0) for value in journal}
    coalesced = (await gateway.control.status())["counts"]["coalesced"]
    assert kept <= set(range(sent))
    assert (
        sent - len(kept) <= coalesced
    )  # what a slow disk makes us merge is counted, and nothing else is missing
    note(f"{len(kept)} in the journal, {coalesced} coalesced")

    async def all_there() -> bool:
        return await history(client) == kept

    await found(all_there, f"{len(kept)} messages in the history")

    async def equal() -> bool:
        shown = await every(client, "/incidents", state="all", limit=200)
        wanted = {i: (d.rev, d.handling, d.verdict, d.sound) for i, d in gateway.docs().items()}
        return {i["id"]: (i["rev"], i["handling"], i["verdict"], i["sound"]) for i in shown} == wanted

    await found(equal, "the view's incidents are the journal's")
    fires = [d for d in gateway.docs().values() if d.hazard == "fire"]
    assert sorted(a.device for d in fires for a in d.alarms) == sorted(
        f"local:home/alarm{n}" for n in range(ALARMS)
    )


async def history(client: httpx.AsyncClient) -> set[int]:
    """The numbers of the messages that the history holds."""
    points = [f"local:home/d{n}/pulse_count/" for n in range(DEVICES)]
    answer = await client.get("/api/v1/history", params={"point": points, "limit": 20_000})
    if answer.status_code != 200:
        return set()
    return {int(value) for one in answer.json()["series"] for _, value in one["rows"]}
