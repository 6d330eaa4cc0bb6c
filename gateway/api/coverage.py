"""How well places are guarded now, which devices have troubles, what is due, and learned report periods to adopt."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from starlette.responses import Response

from devices.catalogue import Device
from devices.reading import source_of
from gateway.api import health_shapes as shapes
from gateway.api.asking import LIMIT, Cursor, Fresh, House, Limit, Who, answer, pack, page, require, unpack
from gateway.api.catalogue import IfMatch, put_row, replan, version_seen
from gateway.api.parts import Parts
from gateway.api.problems import Problem
from gateway.auth import Action, Scope, allows
from gateway.core.coverage import CLASSES
from gateway.health_of import PROBLEMS, Overview
from gateway.registry import NotFound
from gateway.render import rfc3339

MISSING_MAX: Final = 50  # devices listed of one place; the figures count all

router: Final = APIRouter(tags=["health"])
Text = Annotated[str | None, Query(max_length=400)]


@router.get("/coverage", response_model=shapes.CoveragePage, dependencies=[Fresh])
def coverage(
    who: Who, house: House, place: Text = None, cursor: Cursor = None, limit: Limit = LIMIT
) -> Response:
    """Guarded places with how many of their detectors can raise an alarm right now, the worst first."""
    world, seen = house.world, look(house)
    inside = _inside(house, world.scope(who.grants), place)

    def may_know(where: str) -> bool:
        return allows(who.grants, Action.READ_PEOPLE, where, world.catalogue, world.grids)

    after = unpack(cursor, tuple[float, int, str, str])
    items: list[dict[str, Any]] = []
    last: tuple[Any, ...] | None = None
    following: tuple[Any, ...] | None = None
    for one in seen.wards:
        key = (one.percent, -len(one.missing), one.ward.place, one.ward.klass)
        if (after is not None and key <= after) or not inside(one.ward.place):
            continue
        node = world.catalogue.places.get(one.ward.place)
        if node is not None and node.needs_help and not may_know(node.id):
            continue  # that somebody there needs help is theirs who would carry them; its floor is listed anyway
        if len(items) == limit:
            following = last
            break
        last = key
        items.append({
            "place": world.where(one.ward.place), "level": str(node.level) if node else "",
            "class": one.ward.klass, "marked": one.marked, "installed": one.ward.installed, "working": one.working,
            "percent": one.percent,
            "missing": [
                {**_named(house, world.catalogue.devices[d]), "causes": _causes(house, seen, d)}
                for d in one.missing[:MISSING_MAX] if d in world.catalogue.devices
            ],
        })  # fmt: skip
    sums: dict[str, list[int]] = {}
    for device in world.catalogue.devices.values():
        klass = CLASSES.get(device.kind)
        if klass is not None and inside(device.place):
            counted = sums.setdefault(klass, [0, 0])
            counted[0] += 1
            counted[1] += device.id not in seen.why
    return answer({
        "at": rfc3339(seen.at, world.zone("")), "items": items, "next": None if following is None else pack(following),
        "seq": house.hub.seq,
        "classes": [
            {"class": klass, "installed": n, "working": w, "percent": round(100 * w / n, 1)}
            for klass, (n, w) in sorted(sums.items())
        ],
    })  # fmt: skip


@router.get("/health/devices", response_model=shapes.AilingPage, dependencies=[Fresh])
def ailing(
    who: Who, house: House, place: Text = None, problem: shapes.Trouble | None = None, cursor: Cursor = None,
    limit: Limit = LIMIT,
) -> Response:  # fmt: skip
    """Devices of the catalogue with something wrong, the worst first. `problem` leaves those that have it."""
    world, seen = house.world, look(house)
    devices = world.catalogue.devices
    inside = _inside(house, world.scope(who.grants), place)
    after = unpack(cursor, tuple[int, int, str])
    counts = dict.fromkeys(PROBLEMS, 0)
    items: list[dict[str, Any]] = []
    last: tuple[Any, ...] | None = None
    following: tuple[Any, ...] | None = None
    for one in seen.ailing:
        known = devices.get(one.device)
        if known is None or not inside(known.place):
            continue
        counts[one.problems[0]] += 1
        key = (PROBLEMS.index(one.problems[0]), -len(one.problems), one.device)
        if (after is not None and key <= after) or (problem is not None and problem not in one.problems):
            continue
        if len(items) == limit:
            following = following or last
            continue
        last = key
        zone = world.zone(world.site(source_of(one.device)))
        figures = house.devices_health.figures(one.device, seen.at)
        items.append({
            **_named(house, known), "model": known.model, "site": world.site(source_of(one.device)),
            "report_period_s": known.report_period_s, "problems": list(one.problems),
            "causes": _causes(house, seen, one.device), "health": shapes.device_health(figures, zone),
        })  # fmt: skip
    return answer({
        "at": rfc3339(seen.at, world.zone("")), "counts": counts, "items": items,
        "next": None if following is None else pack(following), "seq": house.hub.seq,
    })  # fmt: skip


@router.get("/devices/due", response_model=shapes.DuePage, dependencies=[Fresh])
def due(
    who: Who,
    house: House,
    place: Text = None,
    within_days: Annotated[
        int, Query(ge=0, le=3660, description="From today on; what is past is in it.")
    ] = 30,
    cursor: Cursor = None,
    limit: Limit = LIMIT,
) -> Response:
    """Devices whose life, calibration or test is due, the earliest first."""
    world = house.world
    inside = _inside(house, world.scope(who.grants), place)
    today = datetime.fromtimestamp(house.now() / 1000, UTC).astimezone(world.zone("")).date().isoformat()
    after = unpack(cursor, tuple[str, str, str])
    items: list[dict[str, Any]] = []
    last: tuple[Any, ...] | None = None
    for one in house.registry.due(today, within_days):
        known = world.catalogue.devices.get(one.device)
        key = (one.day, one.device, one.what)
        if known is None or (after is not None and key <= after) or not inside(known.place):
            continue
        if len(items) == limit:
            return page(house, items, last)
        last = key
        named = _named(house, known)
        items.append({"device": named.pop("id"), **named, "what": one.what, "day": one.day,
                      "overdue": one.day < today})  # fmt: skip
    return page(house, items, None)


@router.post("/devices/{device:path}/adopt-period", response_model=shapes.Adopted)
async def adopt(device: str, who: Who, house: House, if_match: IfMatch = None) -> Response:
    """Take the learned report period into the catalogue: from then on its silence is judged by it."""
    expected = version_seen(if_match)
    known = house.world.catalogue.devices.get(device)
    if known is None:
        raise Problem("not_found")
    require(house, who, Action.CATALOGUE, known.place)
    learned = house.devices_health.figures(device, house.now())
    if learned is None or learned.period_s is None or not learned.steady:
        raise Problem("nothing_learned")
    period_s = max(round(learned.period_s), 1)
    version = await asyncio.to_thread(_adopt, house, who.actor, device, period_s, expected)
    planned = await replan(house)
    body = {"id": device, "report_period_s": period_s, "version": version, "planned": planned}
    return answer(body, headers={"ETag": f'"{version}"'})


def look(house: Parts) -> Overview:
    """All devices as they are, at most some seconds ago."""
    return house.looking.look(house.world, house.views, house.devices_health, house.clock)


def _adopt(house: Parts, actor: str, device: str, period_s: int, expected: int) -> int:
    try:
        row, _ = house.registry.get("devices", device)
    except NotFound as error:
        raise Problem("not_found") from error
    return put_row(house, actor, {**row, "report_period_s": period_s}, expected)


def _inside(house: Parts, scope: Scope, place: str | None) -> Callable[[str], bool]:
    """Whether a place is asked for and may be seen; remembers its answers."""
    known: dict[str, bool] = {}

    def inside(where: str) -> bool:
        found = known.get(where)
        if found is None:
            found = scope.covers(where) and (place is None or house.world.below(where, place))
            known[where] = found
        return found

    return inside


def _named(house: Parts, device: Device) -> dict[str, Any]:
    return {
        "id": device.id,
        "name": device.name,
        "kind": device.kind,
        "place": house.world.where(device.place),
    }


def _causes(house: Parts, seen: Overview, device: str) -> list[dict[str, Any]]:
    zone = house.world.zone(house.world.site(source_of(device)))
    return [
        {"rule": why.rule, "title": house.world.rule_title(why.rule), "since": rfc3339(why.since, zone),
         "out_of_service_until": None if why.out_until is None else rfc3339(why.out_until, zone)}
        for why in seen.why.get(device, ())
    ]  # fmt: skip
