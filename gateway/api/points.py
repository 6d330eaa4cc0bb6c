"""What points say now, a page at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from starlette.responses import Response

from devices.reading import source_of
from gateway.api import listings, shaping
from gateway.api.asking import LIMIT, Cursor, Fresh, House, Limit, Who, page, unpack
from gateway.api.parts import Parts
from gateway.auth import Scope
from gateway.render import rfc3339

router: Final = APIRouter(tags=["points"])
Text = Annotated[str | None, Query(max_length=400)]


@router.get("/points", response_model=listings.PointPage, dependencies=[Fresh])
def points(
    who: Who, house: House, *, site: Text = None, place: Text = None, device: Text = None,
    predecessors: Annotated[
        bool, Query(description="With `device`: also what those said last that were changed for it.")
    ] = False, cursor: Cursor = None, limit: Limit = LIMIT,
) -> Response:  # fmt: skip
    """The latest value of each point, in the order they were first heard."""
    want = wanted_devices(house, house.world.scope(who.grants), site, place)
    now = house.now()
    if device is not None:
        found = house.latest.of_device(device) if want(device) else []
        items = [shaping.point(last, house.world, now) for last in found]
        if predecessors and want(device):
            items += _before(house, device, now)
        return page(house, items, None)
    after = unpack(cursor, tuple[int])
    some, following = house.latest.page(after[0] if after else 0, limit, want)
    items = [shaping.point(last, house.world, now) for last in some]
    return page(house, items, None if following is None else (following,))


def _before(house: Parts, device: str, now: int) -> Iterator[dict[str, Any]]:
    """The last values of the devices this one was changed for, shown as old."""
    for old, at in house.registry.predecessors(device):
        zone = house.world.zone(house.world.site(source_of(old)))
        for last in house.latest.of_device(old):
            shown = shaping.point(last, house.world, now)
            yield {**shown, "stale": True, "changed_at": rfc3339(at, zone)}


def wanted_devices(house: Parts, scope: Scope, site: str | None, place: str | None) -> Callable[[str], bool]:
    """Which devices a question is about, of those its asker may see."""
    world = house.world
    below: dict[str, bool] = {}

    def want(device: str) -> bool:
        where = world.place(device)
        if site is not None and world.site(device.partition(":")[0]) != site:
            return False
        if place is not None:
            inside = below.get(where)
            if inside is None:
                inside = below[where] = world.below(where, place)
            if not inside:
                return False
        return scope.covers(where)

    return want
