"""Devices and places as rows: what is where, edited with a version so that two people never overwrite each other."""

from __future__ import annotations

import asyncio
import re
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Header, Query
from starlette.responses import Response

from devices.catalogue import Place
from devices.reading import source_of
from gateway.api import listings, shaping
from gateway.api.asking import LIMIT, Cursor, Fresh, House, Limit, Who, answer, page, require, unpack
from gateway.api.health_shapes import device_health
from gateway.api.parts import Parts
from gateway.api.points import wanted_devices
from gateway.api.problems import Problem
from gateway.api.world import World
from gateway.auth import Action
from gateway.errors import EngineGone
from gateway.registry import Invalid, NotFound, VersionConflict
from gateway.registry.documents import DAYS
from gateway.registry.saying import expected, found
from gateway.render import rfc3339

KEPT: Final = (*DAYS, "external_ids", "via")
"""Fields of a device that came after the first clients: one that does not know them must not empty them."""

ERRORS_MAX: Final = 100  # told at once; `errors_total` counts all

PLACED, HEARD = 0, 1  # the two lists that /devices walks, one after the other

router: Final = APIRouter(tags=["catalogue"])
Text = Annotated[str | None, Query(max_length=400)]
IfMatch = Annotated[
    str | None, Header(alias="If-Match", description='The version you saw, as in `ETag`; "0" for a new one.')
]


@router.get("/devices", response_model=listings.DevicePage, dependencies=[Fresh])
def devices(
    who: Who, house: House, site: Text = None, place: Text = None, kind: Text = None, cursor: Cursor = None,
    limit: Limit = LIMIT,
) -> Response:  # fmt: skip
    """Devices of the catalogue by id, then those that were heard and are not placed yet."""
    world = house.world
    want = wanted_devices(house, world.scope(who.grants), site, place)
    stage, last = unpack(cursor, tuple[int, int | str]) or (PLACED, "")
    names: list[str] = []
    following: tuple[Any, ...] | None = None
    if stage == PLACED:
        some = world.devices_after(str(last), limit)
        names = [d.id for d in some if want(d.id) and (kind is None or d.kind == kind)]
        stage, last = (PLACED, some[-1].id) if len(some) == limit else (HEARD, 0)
        following = (stage, last)
    if stage == HEARD:
        # Those that were heard and are in no catalogue have no kind, so asking for one leaves them out.
        start = last if isinstance(last, int) and last >= 0 else 0
        heard, onward = house.latest.devices(start, limit - len(names)) if kind is None else ([], None)
        names += [d for d in heard if d not in world.catalogue.devices and want(d)]
        following = None if onward is None else (HEARD, onward)
    lost = house.views.lost_devices(names) if names else set()
    items = [shaping.device(d, world, house.latest.device_last_at(d), d in lost) for d in names]
    return page(house, items, following)


@router.get("/devices/{device:path}", response_model=listings.DeviceDetail, dependencies=[Fresh])
def one_device(device: str, who: Who, house: House) -> Response:
    """One device with its points and, in `ETag`, the version an edit must name."""
    world = house.world
    said = house.latest.of_device(device)
    known = device in world.catalogue.devices
    if not (said or known) or not world.scope(who.grants).covers(world.place(device)):
        raise Problem("not_found")
    row, version = _stored(house, device)
    now = house.now()
    learned = device_health(
        house.devices_health.figures(device, now), world.zone(world.site(source_of(device)))
    )
    more = {
        "version": version,
        "points": [shaping.point(last, world, now) for last in said],
        "health": learned,
        "predecessors": [
            {"id": old, "changed_at": rfc3339(at, world.zone(world.site(source_of(device))))}
            for old, at in house.registry.predecessors(device)
        ],
        **{key: value for key, value in row.items() if key in KEPT},
        **({"ends_on": house.registry.ends_on(row)} if row else {}),
    }
    lost = device in house.views.lost_devices([device])
    body = shaping.device(device, world, house.latest.device_last_at(device), lost, more)
    return answer(body, headers={"ETag": f'"{version or 0}"'})


@router.put("/devices/{device:path}", response_model=listings.Edited)
async def put_device(
    device: str, wanted: listings.DeviceEdit, who: Who, house: House, if_match: IfMatch = None
) -> Response:
    """Place a device, or change its row. The engine takes it on at once."""
    expected = version_seen(if_match)
    world = house.world
    if device in world.catalogue.devices:
        require(house, who, Action.CATALOGUE, world.place(device))
    require(house, who, Action.CATALOGUE, wanted.place)
    row = {"id": device, **{k: v for k, v in wanted.model_dump().items() if v is not None}}
    row = {**await asyncio.to_thread(_kept, house, device, wanted), **row}
    version = await asyncio.to_thread(put_row, house, who.actor, row, expected)
    planned = await replan(house)
    return answer({"id": device, "version": version, "planned": planned}, headers={"ETag": f'"{version}"'})


@router.get("/places", response_model=listings.PlacePage, dependencies=[Fresh])
def places(who: Who, house: House, cursor: Cursor = None, limit: Limit = LIMIT) -> Response:
    """The places you may see, by id."""
    world = house.world
    scope = world.scope(who.grants)
    after = unpack(cursor, tuple[str])
    items: list[dict[str, Any]] = []
    for identity in sorted(world.catalogue.places):
        if (after is not None and identity <= after[0]) or not scope.covers(identity):
            continue
        if len(items) == limit:
            return page(house, items, (items[-1]["id"],))
        node = world.catalogue.places[identity]
        items.append(_place(world, node))
    return page(house, items, None)


@router.get("/places/{place:path}", response_model=listings.PlaceDetail, dependencies=[Fresh])
def one_place(place: str, who: Who, house: House) -> Response:
    """One place and, in `ETag`, the version an edit must name."""
    world = house.world
    node = world.catalogue.places.get(place)
    if node is None or not world.scope(who.grants).covers(place):
        raise Problem("not_found")
    row, version = _stored(house, place, "places")
    body = {**_place(world, node), "business": bool(row.get("business")), "version": version}
    return answer(body, headers={"ETag": f'"{version or 0}"'})


@router.put("/places/{place:path}", response_model=listings.Edited)
async def put_place(
    place: str, wanted: listings.PlaceEdit, who: Who, house: House, if_match: IfMatch = None
) -> Response:
    """Mark a place as a business, or as a home again: gas detectors there are changed sooner."""
    expected = version_seen(if_match)
    if place not in house.world.catalogue.places:
        raise Problem("not_found")
    require(house, who, Action.CATALOGUE, place)
    row, _ = await asyncio.to_thread(_stored, house, place, "places")
    edited = {**row, "business": wanted.business}
    version = await asyncio.to_thread(put_row, house, who.actor, edited, expected, "places")
    planned = await replan(house)
    return answer({"id": place, "version": version, "planned": planned}, headers={"ETag": f'"{version}"'})


def _place(world: World, node: Place) -> dict[str, Any]:
    return {
        **world.where(node.id), "level": str(node.level), "name": node.name, "parent": node.parent,
        "grid": node.grid, "business": node.business,
    }  # fmt: skip


def _stored(house: Parts, identity: str, table: str = "devices") -> tuple[dict[str, Any], int | None]:
    """Its row as an import writes it, and its version; nothing and None where it is not in the catalogue."""
    try:
        return house.registry.get(table, identity)
    except NotFound:
        return {}, None


def _kept(house: Parts, device: str, wanted: listings.DeviceEdit) -> dict[str, Any]:
    """Dates and ids elsewhere that the row has and the edit does not speak of."""
    return {
        k: v for k, v in _stored(house, device)[0].items() if k in KEPT and k not in wanted.model_fields_set
    }


def version_seen(if_match: str | None) -> int:
    """The version an edit names in `If-Match`."""
    if if_match is None:
        raise Problem("precondition_required")
    said = re.fullmatch(r'(?:W/)?"?([0-9]{1,15})"?', if_match.strip())
    if said is None:
        raise Problem("precondition_failed")
    return int(said[1])


def put_row(house: Parts, actor: str, row: dict[str, Any], expected: int, table: str = "devices") -> int:
    """Write the row of a device (or of another table) whose version is `expected`; gives its new one. Blocks."""
    try:
        return house.registry.put(table, row, who=actor, now=house.now(), expected=expected)
    except VersionConflict as conflict:
        raise Problem("precondition_failed", current=conflict.current) from conflict
    except Invalid as error:
        raise invalid(error) from error


def invalid(error: Invalid) -> Problem:
    """Every wrong cell, so that a person mends them in one go."""
    told = [
        {**msgspec.to_builtins(problem), "said": {"expected": expected(problem), "found": found(problem)}}
        for problem in error.problems[:ERRORS_MAX]
    ]
    return Problem("invalid", str(error), errors=told, errors_total=len(error.problems))


async def replan(house: Parts) -> bool:
    """Ask the engine to take the registry on as it is now; the view does so itself."""
    planned = True
    try:
        await house.control.replan()
    except EngineGone:
        planned = False  # it reads the registry when it starts
    if house.replanned is not None:
        await house.replanned()
    return planned
