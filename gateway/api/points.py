"""What points say now and what they said before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from pydantic import AwareDatetime
from starlette.responses import Response

from devices.reading import METRICS, source_of, split_point
from gateway.api import listings, shaping
from gateway.api.asking import LIMIT, Cursor, Fresh, House, Limit, Who, answer, page, unpack
from gateway.api.parts import Parts
from gateway.api.problems import Problem
from gateway.api.world import World
from gateway.auth import Scope
from gateway.render import rfc3339
from gateway.series import BadQuery, Part, StoreError, Window, earlier

HISTORY_MS: Final = 24 * 3_600_000  # asked without `since`
POINTS_MAX: Final = 50
ROWS_MAX: Final = 20_000  # of one point

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


@router.get("/history", response_model=listings.History)
def history(
    who: Who,
    house: House,
    point: Annotated[
        list[str], Query(min_length=1, max_length=POINTS_MAX, description="Repeat it for several.")
    ],
    since: Annotated[
        AwareDatetime | None, Query(description="RFC 3339; 24 h before `until` if absent.")
    ] = None,
    until: Annotated[AwareDatetime | None, Query(description="RFC 3339; now if absent.")] = None,
    step: Annotated[
        int | None, Query(ge=1, le=31_622_400, description="Seconds; without it raw readings.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=ROWS_MAX, description="Rows of one point.")] = 5_000,
) -> Response:
    """Stored readings, raw or rolled up in steps. A gap is absent rows: nothing is filled in.

    A device that was changed for another goes on as that one's past: its points follow as series of their own, up to
    the change, with `stands_for` the point that was asked for.
    """
    world = house.world
    scope = world.scope(who.grants)
    for name in point:
        if name.count("/") < 2 or not scope.covers(world.place(split_point(name)[0])):
            raise Problem("not_found", f"point {name[:100]!r}")
    if house.history is None:
        raise Problem("no_history")
    end = _ms(until) if until is not None else house.now() + 1
    start = _ms(since) if since is not None else max(end - HISTORY_MS, 0)
    window = Window(start, end, None if step is None else step * 1000, limit)
    try:
        found: list[Part] = [Part(one) for one in house.history.read(window.question(point))]
        found += earlier(
            house.history, window, {p: house.registry.predecessors(split_point(p)[0]) for p in point}
        )
    except BadQuery as error:
        raise Problem("bad_query", str(error)) from error
    except StoreError as error:
        raise Problem("store_failed") from error
    return answer({"series": [_series(one, world, step is not None) for one in found]})


def _series(part: Part, world: World, rolled: bool) -> dict[str, Any]:
    device, metric, _ = split_point(part.series.point)
    known = METRICS.get(metric)
    zone = world.zone(world.site(source_of(device)))
    return {
        "point": part.series.point, "unit": known.unit if known else None, "stands_for": part.stands_for,
        "until": None if part.until is None else rfc3339(part.until, zone),
        "rows": shaping.rows(part.series.rows, zone, rolled), "more": part.series.more,
    }  # fmt: skip


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


def _ms(at: datetime) -> int:
    try:
        return round(at.timestamp() * 1000)
    except (OverflowError, ValueError) as error:  # the year 1, in a zone east of Greenwich
        raise Problem("bad_query", "a time no calendar of ours holds") from error
