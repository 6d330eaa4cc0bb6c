"""The gateway's own cameras: how each is, what the register says of it, and a snooze."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Body
from starlette.responses import Response

from devices.reading import source_of
from gateway.api import camera_shapes as shapes
from gateway.api.asking import LIMIT, Cursor, Fresh, House, Limit, Who, answer, page, require, unpack
from gateway.api.catalogue import ERRORS_MAX, IfMatch, version_seen
from gateway.api.parts import Parts
from gateway.api.problems import Problem
from gateway.auth import Action, Principal
from gateway.cameras.lastwords import Culprit
from gateway.cameras.state import TOLD_BY, standing, word_of
from gateway.core.alarm import STANDING
from gateway.registry import Invalid, NotFound, VersionConflict
from gateway.registry.cameras import (
    ANALYTICS,
    PICTURED,
    POINTS_MAX,
    SNOOZE_MAX_MS,
    THRESHOLDS,
    ZONE_KINDS,
    ZONES_MAX,
    CameraRecord,
    camera,
    camera_of,
    put_camera,
    versioned_cameras,
)
from gateway.registry.saying import expected, found

TRIES: Final = 5  # a snooze is asked for without a version: somebody may just be writing
SIMULATED: Final = "simulated-"
LIMITS: Final[Mapping[str, Any]] = {
    "thresholds": THRESHOLDS, "zones_max": ZONES_MAX, "points_max": POINTS_MAX, "snooze_max_ms": SNOOZE_MAX_MS,
    "kinds": ZONE_KINDS, "analytics": ANALYTICS, "pictures": PICTURED,
}  # fmt: skip

Kept = tuple[CameraRecord, int]
"""A camera's record and its version."""

NEW: Final[Kept] = (CameraRecord(), 0)

router: Final = APIRouter(tags=["cameras"])


@router.get("/cameras", response_model=shapes.CameraPage, dependencies=[Fresh])
def cameras(who: Who, house: House, cursor: Cursor = None, limit: Limit = LIMIT) -> Response:
    """The cameras of csg.yaml and of the register that you may see, by id."""
    world = house.world
    scope = world.scope(who.grants)
    after = unpack(cursor, tuple[str])
    known = versioned_cameras(house.registry.path)
    names = sorted(known.keys() | house.cameras.configured.keys())
    start = bisect_right(names, after[0]) if after else 0
    seen = [name for name in names[start:] if scope.covers(world.place(name))]
    items = shaped(house, {name: known.get(name, NEW) for name in seen[:limit]})
    return page(house, items, (seen[limit - 1],) if len(seen) > limit else None)


@router.post("/cameras/{camera:path}/snooze", response_model=shapes.CameraDetail)
async def snooze(camera: str, wanted: shapes.Snooze, who: Who, house: House) -> Response:
    """Silence what it sees in its zones for some minutes; a covered or lost camera is told all the same."""
    return await asyncio.to_thread(_snoozed, house, who, camera, house.now() + wanted.minutes * 60_000)


@router.delete("/cameras/{camera:path}/snooze", response_model=shapes.CameraDetail)
async def end_snooze(camera: str, who: Who, house: House) -> Response:
    """Hear of it again: what stands is told anew."""
    return await asyncio.to_thread(_snoozed, house, who, camera, None)


@router.get("/cameras/{camera:path}", response_model=shapes.CameraDetail, dependencies=[Fresh])
def one_camera(camera: str, who: Who, house: House) -> Response:
    """One camera with the limits of its record and, in `ETag`, the version an edit must name."""
    return _detail(house, camera, found_camera(house, who, camera))


@router.put(
    "/cameras/{camera:path}", response_model=shapes.CameraDetail,
    openapi_extra={"requestBody": {"required": True, "content": {
        "application/json": {"schema": {"$ref": "#/components/schemas/CameraRecordShape"}}
    }}},
)  # fmt: skip
async def put_record(
    camera: str, wanted: Annotated[Any, Body()], who: Who, house: House, if_match: IfMatch = None
) -> Response:
    """Write the whole record; the camera follows within seconds. Other zones or thresholds begin its analytics anew."""
    seen = version_seen(if_match)
    return await asyncio.to_thread(_put, house, who, camera, wanted, seen)


def _put(house: Parts, who: Principal, name: str, wanted: Any, seen: int) -> Response:
    found_camera(house, who, name)
    may_change(house, who, name)
    try:
        record = camera_of(wanted, house.now())
        version = _written(house, who, name, record, seen)
    except Invalid as error:
        raise _invalid(error) from error
    except VersionConflict as conflict:
        raise Problem("precondition_failed", current=_one(house, name, _kept(house, name))) from conflict
    return _detail(house, name, (record, version))


def _snoozed(house: Parts, who: Principal, name: str, until: int | None) -> Response:
    found_camera(house, who, name)
    may_change(house, who, name)
    for _ in range(TRIES):
        record, version = _kept(house, name)
        if version == 0:
            raise Problem(
                "not_now", "the camera is not registered, so it says nothing that could be silenced"
            )
        if record.snoozed_until == until:
            return _detail(house, name, (record, version))
        record = msgspec.structs.replace(record, snoozed_until=until)
        try:
            return _detail(house, name, (record, _written(house, who, name, record, version)))
        except VersionConflict:
            continue
    raise Problem("precondition_failed")


def _written(house: Parts, who: Principal, name: str, record: CameraRecord, seen: int) -> int:
    database = house.registry.database
    return put_camera(database, name, record, who=who.actor, now=house.now(), expected=seen)


def _invalid(error: Invalid) -> Problem:
    """Every wrong field, so that a person mends them in one go."""
    told = [
        {
            "field": _legible(problem.column), "expected": problem.expected, "found": problem.found,
            "said": {"expected": expected(problem), "found": found(problem)},
        }
        for problem in error.problems[:ERRORS_MAX]
    ]  # fmt: skip
    return Problem("invalid", _legible(str(error)), errors=told, errors_total=len(error.problems))


def _legible(text: str) -> str:
    """A key of the request may hold half a character, which no answer can repeat."""
    return text[:400].encode("utf-8", "backslashreplace").decode()


# -- who may do what --------------------------------------------------------------------------------------------


def found_camera(house: Parts, who: Principal, name: str) -> Kept:
    """The camera's record. Raises `not_found` where there is no such camera that one may see."""
    kept = _kept(house, name)
    if kept is NEW and name not in house.cameras.configured:
        raise Problem("not_found")
    if not house.world.scope(who.grants).covers(house.world.place(name)):
        raise Problem("not_found")
    return kept


def may_change(house: Parts, who: Principal, name: str) -> None:
    """Raise `forbidden` for whoever may not: a camera that has no place yet may look anywhere."""
    placed = house.world.catalogue.devices.get(name)
    if placed is None:
        require(house, who, Action.CATALOGUE)
    else:
        require(house, who, Action.CAMERAS, placed.place)


def _kept(house: Parts, name: str) -> Kept:
    try:
        return camera(house.registry.database, name)
    except NotFound:
        return NEW


# -- shapes -----------------------------------------------------------------------------------------------------


def _detail(house: Parts, name: str, kept: Kept) -> Response:
    return answer({**_one(house, name, kept), "limits": LIMITS}, headers={"ETag": f'"{kept[1]}"'})


def _one(house: Parts, name: str, kept: Kept) -> dict[str, Any]:
    return shaped(house, {name: kept})[0]


def shaped(house: Parts, wanted: Mapping[str, Kept]) -> list[dict[str, Any]]:
    """Cameras as the API answers them."""
    now = house.now()
    apart = house.cameras.apart(now)
    since: dict[str, dict[tuple[str, str], int]] = {}
    for doc in house.views.standing_on(list(wanted)):
        if doc.state in STANDING:
            since.setdefault(doc.device, {})[doc.metric, doc.channel] = doc.since
    return [
        _shaped(house, name, kept, since.get(name, {}), apart.get(name), now) for name, kept in wanted.items()
    ]


def _shaped(
    house: Parts, name: str, kept: Kept, since: Mapping[tuple[str, str], int], culprit: Culprit | None, now: int
) -> dict[str, Any]:  # fmt: skip
    world, (record, version) = house.world, kept
    configured, placed = house.cameras.configured.get(name), world.catalogue.devices.get(name)
    source = world.catalogue.sources.get(source_of(name))
    said = house.latest.of_device(name)
    word = word_of(record, said, now, configured=configured is not None, apart=culprit is not None)
    begun: Sequence[int] = [at for (metric, _), at in since.items() if metric == TOLD_BY.get(word)]
    if word == "apart" and culprit is not None:
        begun = [culprit.at]
    simulated = source.simulated if source is not None else source_of(name).startswith(SIMULATED)
    return {
        "id": name, "name": (placed.name if placed else "") or name.rpartition("/")[2],
        "site": world.site(source_of(name)), "place": placed.place if placed else None,
        "place_name": world.where(placed.place)["text"] if placed else "", "simulated": simulated,
        "configured": configured is not None, "state": word, "since": min(begun, default=None),
        "told_at": house.latest.device_last_at(name),
        "standing": [
            {"metric": metric, "channel": channel, "since": since.get((metric, channel))}
            for metric, channel in standing(said)
        ],
        "missing": record.missing, "record": msgspec.to_builtins(record), "version": version,
    }  # fmt: skip
