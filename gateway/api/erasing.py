"""Erasing stored readings for good, on somebody's right to it, and the proof of every deletion."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterable
from typing import Any, Final

import msgspec
from fastapi import APIRouter
from starlette.responses import Response

from devices.reading import split_point
from gateway.api import history_shapes, shaping
from gateway.api.asking import LIMIT, Cursor, House, Limit, Who, answer, page, require, unpack
from gateway.api.parts import Parts
from gateway.api.problems import Problem
from gateway.api.world import World
from gateway.auth import Action
from gateway.proofs import Why
from gateway.render import rfc3339
from gateway.retention import POINTS_MAX, Outcome, Retention

router: Final = APIRouter(tags=["records"])


@router.post("/erasures", response_model=history_shapes.Erased)
async def erase(wanted: history_shapes.ErasureAsked, who: Who, house: House) -> Response:
    """Erase what these points said until now, in every store; each leaves a line in /deletions.

    It is kept from coming back out of the journal or another store. Erasing again takes nothing more. Incidents and
    the audit stay: they are the record of what was done.
    """
    retention = _retention(house)
    points = await asyncio.to_thread(points_of, house, wanted.points, wanted.device, wanted.place)
    for device in {split_point(point)[0] for point in points}:
        require(house, who, Action.ERASE, house.world.place(device))
    done = await asyncio.to_thread(
        erased, house, retention, points, Why(who.actor, wanted.reason, wanted.case)
    )
    zone = house.world.zone("")
    stores = [
        {
            **msgspec.structs.asdict(one), "first_at": None if one.first_at is None else rfc3339(one.first_at, zone),
            "last_at": None if one.last_at is None else rfc3339(one.last_at, zone),
        }
        for one in done
    ]  # fmt: skip
    return answer({"points": len(points), "stores": stores})


@router.get("/deletions", response_model=history_shapes.DeletionPage)
def deletions(who: Who, house: House, cursor: Cursor = None, limit: Limit = LIMIT) -> Response:
    """Every deletion of stored readings, oldest first, as a chain of hashes that is followed with the first page."""
    require(house, who, Action.AUDIT)
    proofs = _retention(house).proofs
    after = unpack(cursor, tuple[int])
    found = proofs.lines(after[0] if after else 0, limit)
    items = shaping.chained(found, house.world.zone(""))
    following = (found[-1].seq,) if len(found) == limit else None
    more: dict[str, Any] = {"broken_at": proofs.broken_at() if after is None else None}
    return page(house, items, following, **more)


def points_of(house: Parts, points: Iterable[str], device: str | None, place: str | None) -> list[str]:
    """The points that are meant, with those of devices that were changed for others. Raises `not_found`, `too_many`."""
    devices = [device] if device is not None else []
    if place is not None:
        devices += _below(house.world, place)
    devices += [old for one in devices for old, _ in house.registry.predecessors(one)]
    found = [*points, *(last.point for one in dict.fromkeys(devices) for last in house.latest.of_device(one))]
    if not found or any(point.count("/") < 2 for point in found):
        raise Problem("not_found", "no such point, or a device or place that never said anything")
    if len(found) > POINTS_MAX:
        raise Problem("too_many", f"{len(found)} points; at most {POINTS_MAX} at once")
    return list(dict.fromkeys(found))


def erased(house: Parts, retention: Retention, points: list[str], why: Why) -> list[Outcome]:
    """Erase them here and in every store. Raises `store_failed` where not even the proof can be kept."""
    try:
        said = [last.at for last in map(house.latest.get, points) if last is not None]
        done = retention.erase(points, why, house.now(), max(said, default=0))
    except sqlite3.Error as error:
        raise Problem("store_failed", "the proof of it cannot be kept; nothing was erased") from error
    house.latest.erase(points)
    return done


def _below(world: World, place: str) -> list[str]:
    return [row.id for row in world.catalogue.devices.values() if world.below(row.place, place)]


def _retention(house: Parts) -> Retention:
    if house.retention is None:
        raise Problem("no_history")
    return house.retention
