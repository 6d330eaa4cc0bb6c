"""What was kept for those who check: quarantine, deliveries, audit, and what the recording channel was told."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from starlette.responses import Response

from gateway.api import listings, shaping
from gateway.api.asking import (
    INTEGER_MAX,
    LIMIT,
    Cursor,
    Fresh,
    House,
    Limit,
    Who,
    anywhere,
    page,
    require,
    unpack,
)
from gateway.api.problems import Problem
from gateway.auth import Action
from gateway.auth.grants import ROLES_FOR, Scope
from gateway.errors import JournalError
from gateway.journal import JournalReader
from gateway.notify import recording
from gateway.render import rfc3339

SCAN_MAX: Final = 5_000
RECORDED_MAX: Final = 500

router: Final = APIRouter(tags=["records"])
Name = Annotated[str | None, Query(max_length=128)]


@router.get("/quarantine", response_model=listings.QuarantinePage, dependencies=[Fresh])
def quarantine(who: Who, house: House, cursor: Cursor = None, limit: Limit = LIMIT) -> Response:
    """Messages nobody understood, newest first, with the reason. For operators: a payload may hold anything."""
    anywhere(who, ROLES_FOR[Action.AUDIT])
    world = house.world
    scope = _desk_scope(house, who.grants)
    before = unpack(cursor, tuple[int])
    last = before[0] if before else None
    items: list[dict[str, Any]] = []
    found = house.views.quarantined(last, limit)
    for row in found:
        site = world.site(row.source)
        if scope.covers(site):
            items.append({
                "seq": row.seq, "at": rfc3339(row.at, world.zone(site)), "site": site, "source": row.source,
                "topic": row.topic, "reason": row.reason, "size": row.size,
                "payload": row.payload.decode("utf-8", "backslashreplace"),
            })  # fmt: skip
    return page(house, items, (found[-1].seq,) if len(found) == limit else None)


@router.get("/deliveries", response_model=listings.DeliveryPage, dependencies=[Fresh])
def deliveries(
    who: Who, house: House, incident: Name = None, cursor: Cursor = None, limit: Limit = LIMIT
) -> Response:
    """Who and what was told, newest first, and what became of it."""
    world = house.world
    scope = world.scope(who.grants)
    before = unpack(cursor, tuple[int, int])
    items: list[dict[str, Any]] = []
    scanned = 0
    while True:
        found = house.views.deliveries(incident, before, limit)
        for row in found:
            before = (row.seq, row.n)
            if not scope.covers(row.place or row.site):
                continue
            zone = world.zone(row.site)
            items.append({
                "effect": row.effect, "at": rfc3339(row.at, zone), "incident": row.incident, "rev": row.rev,
                "site": row.site, "mode": row.mode, "person": shaping.person(row.person, row.role, house.directory),
                "role": row.role, "channel": row.channel, "reason": row.reason, "priority": row.priority,
                "step": row.step, "outcome": row.outcome, "detail": row.detail, "tries": row.tries,
                "ended_at": None if row.ended_at is None else rfc3339(row.ended_at, zone),
            })  # fmt: skip
            if len(items) == limit:
                return page(house, items, before)
        scanned += len(found)
        if len(found) < limit:
            return page(house, items, None)
        if scanned >= SCAN_MAX:
            return page(house, items, before)


@router.get("/audit", response_model=listings.AuditPage)
def audit(
    who: Who, house: House, after: Annotated[int, Query(ge=0, le=INTEGER_MAX)] = 0, cursor: Cursor = None,
    limit: Limit = LIMIT,
) -> Response:  # fmt: skip
    """Who did what, oldest first, as a chain of hashes; for those who may see everything."""
    require(house, who, Action.AUDIT)
    behind = unpack(cursor, tuple[int])
    reader = JournalReader(house.data / "journal")
    try:
        found = reader.audit(behind[0] if behind else after, limit)
    except JournalError as error:
        raise Problem("store_failed") from error
    finally:
        reader.close()
    items = shaping.chained(found, house.world.zone(""))
    return page(house, items, (found[-1].seq,) if len(found) == limit else None)


@router.get("/recorded", response_model=listings.RecordedPage)
def recorded(who: Who, house: House, limit: Annotated[int, Query(ge=1, le=RECORDED_MAX)] = LIMIT) -> Response:
    """The last notices of the recording channel, newest first: what people would have read. For operators."""
    anywhere(who, ROLES_FOR[Action.READ_PEOPLE])
    world = house.world
    scope = _desk_scope(house, who.grants)
    items = []
    for row in recording.recent(house.data, RECORDED_MAX):
        if not scope.covers(row.site):
            continue
        items.append({
            "at": rfc3339(row.at, world.zone(row.site)), "effect": row.effect, "type": row.type, "mode": row.mode,
            "site": row.site, "priority": row.priority, "urgent": row.urgent, "reason": row.reason,
            "person": {"id": row.person, "name": house.directory.name(row.person) if row.person else None},
            "language": row.language, "title": row.title, "short": row.short, "body": _unlinked(row),
            "incident": row.incident,
            # The link opens the page as that person. Simulated people lend theirs, so that a newcomer can look.
            "link": row.link if row.mode == "simulated" else None,
        })  # fmt: skip
        if len(items) == limit:
            break
    return page(house, items, None)


def _unlinked(row: recording.Recorded) -> str:
    """The text without its personal link, which would let whoever reads it here act as somebody else."""
    if row.link is None or row.mode == "simulated":
        return row.body
    return row.body.replace(row.link, "…")


def _desk_scope(house: House, grants: tuple[tuple[str, str], ...]) -> Scope:
    """What one sees as administrator or operator, leaving out what one may only read."""
    return house.world.scope(tuple(g for g in grants if g[0] in ROLES_FOR[Action.AUDIT]))
