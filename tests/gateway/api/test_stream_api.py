"""The event stream: what comes, to whom, and how one goes on after a break."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from gateway.api import hub as hub_module
from gateway.api import stream as stream_module
from gateway.api.hub import Hub, News
from gateway.core.effect import AlarmDoc
from gateway.views import Change
from tests.gateway.api.house import OTHER, House
from tests.parts import async_until


class Listener:
    """A client that reads events until it is told to stop."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str, Any]] = []
        self.comments = 0

    def named(self, name: str) -> list[Any]:
        return [data for kind, _, data in self.events if kind == name]

    @property
    def last_id(self) -> str:
        return str(next(i for _, i, _ in reversed(self.events) if i))


@asynccontextmanager
async def listening(client: httpx.AsyncClient, last_id: str | None = None) -> AsyncIterator[Listener]:
    """An open stream."""
    found = Listener()
    headers = {} if last_id is None else {"Last-Event-ID": last_id}

    async def read(answer: httpx.Response) -> None:
        kind, identity, data = "", "", ""
        async for line in answer.aiter_lines():
            name, _, value = line.partition(": ")
            if line.startswith(":"):
                found.comments += 1
            elif name == "event":
                kind = value
            elif name == "id":
                identity = value
            elif name == "data":
                data = value
            elif not line and data:
                found.events.append((kind, identity, json.loads(data)))
                kind, identity, data = "", "", ""

    async with client.stream("GET", "/api/v1/stream", headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        task = asyncio.create_task(read(answer))
        await async_until(lambda: found.named("ping"), "the first ping")
        yield found
        task.cancel()


async def test_a_fire_arrives_and_a_break_loses_nothing(house: House) -> None:
    """incident/1 with its call chain; whoever comes back with the last id gets exactly what came since."""
    async with house.served("operator") as client:
        async with listening(client) as first:
            name = await house.fire()
            await async_until(lambda: first.named("incident"), "the incident")
            (ping, *_) = first.named("ping")
            assert ping["age_ms"] == 0
            assert first.comments >= 1
        assert first.named("incident")[0]["id"] == name
        assert first.named("incident")[0]["told"]
        last = first.last_id
        house.clock.advance(1000)
        await house.measure("a:other", "smoke", True)
        async with listening(client, last) as second:
            await async_until(lambda: second.named("incident"), "what came meanwhile")
        assert not second.named("reset")
        ids = [int(i) for _, i, _ in second.events if i]
        assert ids == sorted(ids)
        assert min(ids) > int(last)


async def test_what_cannot_be_resumed_is_reset(house: House) -> None:
    """An id from before the ring, or from a journal that is no more: read everything anew."""
    house.parts.hub._floor = 5
    async with house.served("operator") as client:
        for last in ("1", "999999999"):
            async with listening(client, last) as heard:
                await resets(heard)


async def resets(heard: Listener) -> None:
    """Wait for a reset."""
    await async_until(lambda: heard.named("reset"), "the reset")


async def test_nobody_hears_of_what_they_may_not_see(house: House) -> None:
    """An operator of the other estate hears of theirs and never of ours."""
    async with house.served("stranger") as client, listening(client) as heard:
        await house.fire()
        other = await house.fire(OTHER)
        await async_until(lambda: heard.named("incident"), "their own incident")
        assert {i["id"] for i in heard.named("incident")} == {other}
        assert "site-a" not in str(heard.events)


async def test_a_device_that_falls_silent_is_an_event(house: House) -> None:
    """Silence is itself an alarm: the stream says `device`, lost, and the list shows it."""
    await house.measure("a:hall", "smoke", False)
    async with house.served("admin") as client, listening(client) as heard:
        for _ in range(100):
            due = house.engine.due_in_ms()
            if due is None:
                break
            house.clock.advance(due + 1)
            house.engine.tick()
            house.settle()
            if any(a.metric == "online" for a in house.engine.state.alarms.values()):
                break
        await house.level()
        await async_until(lambda: heard.named("device"), "the device event")
        assert heard.named("device")[0]["lost"] is True
        lost = [d["id"] for d in (await client.get("/api/v1/devices")).json()["items"] if d["lost"]]
        assert heard.named("device")[0]["id"] in lost


async def test_a_stream_ends_with_its_session(house: House, monkeypatch: Any) -> None:
    """A revoked key hears nothing from the next ping on."""
    monkeypatch.setattr(stream_module, "PING_S", 0.05)
    monkeypatch.setattr(stream_module, "_still", lambda *_: False)
    async with house.served("operator") as client, client.stream("GET", "/api/v1/stream") as answer:
        house.clock.advance(1_000)
        async with asyncio.timeout(10):
            async for _ in answer.aiter_lines():
                house.clock.advance(1_000)
    await async_until(lambda: not house.parts.hub.clients, "the client to be forgotten")


def alarm(seq: int) -> Change:
    """An alarm that changed at `seq`."""
    doc = AlarmDoc(
        f"r|{seq}", "site-a", "r", "s", "a:x", "smoke", "", "a-1", "fire", 1, "UNACK", 0, True, None, None
    )
    return Change(seq, 0, doc)


async def test_a_client_that_does_not_read_is_bounded_and_reset() -> None:
    """Past its queue it keeps one reset and what comes after; nobody else notices."""
    hub = Hub(0)
    slow, quick = hub.join(lambda _: True, None), hub.join(lambda _: True, None)
    seen: list[News] = []
    for seq in range(1, hub_module.QUEUE + 50):
        hub.applied(seq, [alarm(seq)])
        seen += await quick.take(0)
    assert [n.seq for n in seen] == list(range(1, hub_module.QUEUE + 50))
    kept = await slow.take(0)
    assert len(kept) <= hub_module.QUEUE
    assert kept[0].kind == "reset"
    assert [n.seq for n in kept[1:]] == list(range(kept[0].seq + 1, hub_module.QUEUE + 50))


async def test_the_ring_is_bounded_and_knows_what_it_lost() -> None:
    """Resuming within the ring gives everything, one before it a reset."""
    hub = Hub(0)
    last = hub_module.RING + 10
    for seq in range(1, last + 1):
        hub.applied(seq, [alarm(seq)])
    within = hub.join(lambda _: True, last - 5)
    assert [n.seq for n in await within.take(0)] == list(range(last - 4, last + 1))
    assert [n.kind for n in await hub.join(lambda _: True, 5).take(0)] == ["reset"]
    assert await hub.join(lambda _: True, last).take(0) == []


async def test_only_the_last_event_of_a_seq_may_be_resumed_from() -> None:
    """Two events of one seq: a client that saw the first only must get both again."""
    hub = Hub(0)
    client = hub.join(lambda _: True, None)
    hub.applied(7, [alarm(7), alarm(7)])
    assert [n.last for n in await client.take(0)] == [False, True]


async def test_waiting_for_a_seq_ends_when_it_is_there() -> None:
    """`min_seq`: True as soon as the views hold it, False after the patience given."""
    hub = Hub(3)
    assert await hub.reached(3)
    waiting = asyncio.create_task(hub.reached(5))
    await asyncio.sleep(0)
    hub.applied(4, [])
    assert not waiting.done()
    hub.applied(6, [])
    assert await waiting
    assert not await hub.reached(99, 0.01)
    assert not hub._waiters
