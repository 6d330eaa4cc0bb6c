"""The event stream (SSE): what changes, as it changes, for everybody who may see it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Header, Request
from starlette.responses import Response, StreamingResponse

from gateway.api import commands, shaping
from gateway.api.asking import COOKIE, House, Who
from gateway.api.health import detailed
from gateway.api.hub import Client, News
from gateway.api.parts import Parts
from gateway.api.problems import Problem
from gateway.api.world import visible
from gateway.auth import Principal
from gateway.core.effect import AlarmDoc, CommandDoc, IncidentDoc
from gateway.render import rfc3339

PING_S: Final = 10.0
RETRY_MS: Final = 2_000
FRAMES: Final = 64  # events kept ready made while the last of the watchers takes them
ALARM_STATES_LOST: Final = ("UNACK", "ACKED")

router: Final = APIRouter(tags=["stream"])
_json = msgspec.json.Encoder().encode


@router.get(
    "/stream",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def stream(
    request: Request,
    who: Who,
    house: House,
    last_event_id: Annotated[str | None, Header(alias="Last-Event-ID", max_length=40)] = None,
) -> Response:
    """Events `incident`, `alarm`, `command`, `device`, `health`, `reset`, and `ping` (every 10 s, with the data's age).

    `id` is the seq; with `Last-Event-ID` one gets what came since, or `reset`: then read everything anew.
    """
    if house.hub.full(who.actor):
        raise Problem("rate_limited", retry_after_s=5)
    last_id = int(last_event_id) if last_event_id is not None and last_event_id.isdecimal() else None
    client = house.hub.join(_wants(house, who), last_id, who.actor)
    return StreamingResponse(
        _frames(house, client, request, who),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _frames(house: Parts, client: Client, request: Request, who: Principal) -> AsyncIterator[bytes]:
    clock = house.clock
    try:
        yield f"retry: {RETRY_MS}\n\n".encode() + ping(house)
        pinged = clock.monotonic_ms()
        while not client.closed:
            left_s = PING_S - (clock.monotonic_ms() - pinged) / 1000
            taken = await client.take(max(left_s, 0.0))
            if taken:
                yield b"".join(frame(house, news) for news in taken)
            if clock.monotonic_ms() - pinged >= PING_S * 1000:
                if not await asyncio.to_thread(_still, house, request, who):
                    return
                yield ping(house)
                pinged = clock.monotonic_ms()
    finally:
        house.hub.leave(client)


def frame(house: Parts, news: News) -> bytes:
    """One event as it goes over the wire. Only the last event of a seq carries it as id: see `News.last`.

    Made once for everybody who watches: it holds nothing that depends on who reads it.
    """
    made = house.hub.frames
    key = (news.seq, news.kind, news.doc.id if news.doc is not None else "", news.last)
    found = None if news.doc is None else made.get(key)
    if found is None:
        head = f"id: {news.seq}\n" if news.last else ""
        body = news.data or _json(_shape(house, news))
        found = f"{head}event: {news.kind}\ndata: ".encode() + body + b"\n\n"
        if news.doc is not None:
            made[key] = found
            while len(made) > FRAMES:
                made.popitem(last=False)
    return found


def ping(house: Parts) -> bytes:
    """Time and age of the data, as a comment (docs/contracts.md) and as an event for clients that see no comments."""
    at = rfc3339(house.now(), house.world.zone(""))
    body = _json({"at": at, "seq": house.hub.seq, "age_ms": house.age_ms()})
    return f": ping {at}\nevent: ping\ndata: ".encode() + body + b"\n\n"


def _shape(house: Parts, news: News) -> dict[str, Any]:
    doc = news.doc
    if isinstance(doc, IncidentDoc):
        return shaping.incident(doc, house.world, house.directory)
    if isinstance(doc, CommandDoc):
        return commands.shape(doc, house)
    if isinstance(doc, AlarmDoc) and news.kind == "device":
        lost = doc.state in ALARM_STATES_LOST
        return shaping.device(doc.device, house.world, house.latest.device_last_at(doc.device), lost)
    if isinstance(doc, AlarmDoc):
        return shaping.alarm(doc, house.world)
    return {"seq": news.seq}


def _wants(house: Parts, who: Principal) -> Any:
    """What this client may see, by the world as it is now."""
    world, scope = house.world, house.world.scope(who.grants)
    sees_parts = detailed(who.grants)

    def wants(news: News) -> bool:
        nonlocal world, scope
        if world is not house.world:  # a new plan: places and grids may have moved
            world, scope = house.world, house.world.scope(who.grants)
        if news.doc is None:
            return sees_parts or news.kind != "health"
        return visible(scope, news.doc)

    return wants


def _still(house: Parts, request: Request, who: Principal) -> bool:
    """Whether the session or key still opens anything, and with the same grants."""
    now = house.now()
    if who.session:
        found = house.auth.session(request.cookies.get(COOKIE, ""), now)
    else:
        found = house.auth.key(request.headers.get("Authorization", "").partition(" ")[2], now)
    return found is not None and found.grants == who.grants
