"""Incidents and alarms: what is open, what happened, and what people do about it."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Header, Query
from starlette.responses import Response

from gateway.api import models, shaping
from gateway.api.acting import act_as, verb_of
from gateway.api.allowed import allowed
from gateway.api.asking import LIMIT, Cursor, Fresh, House, Limit, Who, answer, page, unpack
from gateway.api.problems import Problem
from gateway.api.world import visible
from gateway.render import rfc3339, zone_of
from gateway.views import IncidentFilter

SCAN_MAX: Final = (
    5_000  # rows looked at for one page; with few grants a page may be short although more follow
)

router: Final = APIRouter(tags=["incidents"])
Key = Annotated[
    str | None, Header(alias="Idempotency-Key", description="Made by you; the same again does nothing twice.")
]
Name = Annotated[str | None, Query(max_length=128)]


@router.get("/incidents", response_model=models.IncidentPage, dependencies=[Fresh])
def incidents(
    who: Who, house: House, state: Literal["open", "closed", "all"] = "open", site: Name = None, hazard: Name = None,
    cursor: Cursor = None, limit: Limit = LIMIT,
) -> Response:  # fmt: skip
    """Incidents, newest first."""
    world, views = house.world, house.views
    scope = world.scope(who.grants)
    before = unpack(cursor, tuple[int, str])
    open_ = {"open": True, "closed": False}.get(state)
    items: list[dict[str, Any]] = []
    scanned = 0
    while True:
        found = views.incidents(IncidentFilter(open_, site, hazard, before), limit)
        for doc in found:
            before = (doc.opened_at, doc.id)
            if visible(scope, doc):
                items.append(shaping.incident(doc, world, house.directory))
                if len(items) == limit:
                    return page(house, items, before)
        scanned += len(found)
        if len(found) < limit:
            return page(house, items, None)
        if scanned >= SCAN_MAX:
            return page(house, items, before)


@router.get("/incidents/{incident}", response_model=models.IncidentDetail, dependencies=[Fresh])
def one_incident(incident: str, who: Who, house: House) -> Response:
    """One incident with its whole call chain, notes, and what you may do now."""
    doc = house.views.incident(incident)
    world = house.world
    if doc is None or not visible(world.scope(who.grants), doc):
        raise Problem("not_found")
    zone = zone_of(doc, world.catalogue)
    shaped = shaping.incident(doc, world, house.directory)
    shaped["acts"] = allowed(doc, who.actor, who.grants, world.catalogue, world.grids, house.now())
    shaped["notes"] = [
        {"id": n.id, "at": rfc3339(n.at, zone), "person": shaping.person(n.person, n.role, house.directory),
         "role": n.role, "text": n.text}
        for n in house.notes.of(doc.id)
    ]  # fmt: skip
    shaped["data_seq"] = house.hub.seq
    return answer(shaped, headers={"ETag": f'"{doc.rev}"'})


@router.post("/incidents/{incident}/acts", response_model=models.ActAnswerShape)
async def act_on_incident(
    incident: str, wanted: models.Act, who: Who, house: House, key: Key = None
) -> Response:
    """take release decline mute verdict dispatch on_scene control reset close reopen note."""
    doc = house.views.incident(incident)
    if doc is None or not visible(house.world.scope(who.grants), doc):
        raise Problem("not_found")
    said = await act_as(house, who, key, verb_of(wanted.verb), doc, wanted.version, wanted.args)
    return answer({"ok": True, "code": said.code, "rev": said.rev, "seq": said.seq, "durable": said.durable})


@router.get("/alarms", response_model=models.AlarmPage, dependencies=[Fresh], tags=["alarms"])
def alarms(
    who: Who, house: House, state: Literal["standing", "all"] = "standing", site: Name = None,
    cursor: Cursor = None, limit: Limit = LIMIT,
) -> Response:  # fmt: skip
    """Alarms, newest first. Standing ones are all that still need anybody, shelved and out of service included."""
    world = house.world
    scope = world.scope(who.grants)
    before = unpack(cursor, tuple[int, str])
    items: list[dict[str, Any]] = []
    scanned = 0
    while True:
        found = house.views.alarms(True if state == "standing" else None, before, limit)
        for doc in found:
            before = (doc.since, doc.id)
            if visible(scope, doc) and (site is None or doc.site == site):
                items.append(shaping.alarm(doc, world))
                if len(items) == limit:
                    return page(house, items, before)
        scanned += len(found)
        if len(found) < limit:
            return page(house, items, None)
        if scanned >= SCAN_MAX:
            return page(house, items, before)


@router.post("/alarms/{alarm:path}/acts", response_model=models.ActAnswerShape, tags=["alarms"])
async def act_on_alarm(alarm: str, wanted: models.Act, who: Who, house: House, key: Key = None) -> Response:
    """reset shelve unshelve out_of_service in_service."""
    doc = house.views.alarm(alarm)
    if doc is None or not visible(house.world.scope(who.grants), doc):
        raise Problem("not_found")
    said = await act_as(house, who, key, verb_of(wanted.verb), doc, wanted.version, wanted.args)
    return answer({"ok": True, "code": said.code, "rev": said.rev, "seq": said.seq, "durable": said.durable})
