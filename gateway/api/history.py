"""What points said before: raw or in steps, with the gaps, what is old, and what people did meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

import msgspec
from fastapi import APIRouter, Header, Query
from starlette.responses import Response, StreamingResponse

from devices.reading import METRICS, source_of, split_point
from gateway.api import downloading, history_shapes, shaping, window
from gateway.api.annotations import beside, shaped
from gateway.api.asking import House, Who, answer
from gateway.api.owed import Silence, period_s, silences
from gateway.api.parts import Parts
from gateway.api.problems import Problem
from gateway.api.window import Points, Since, Step, Until, entity_tag, matches, permitted, span
from gateway.api.world import World
from gateway.render import rfc3339
from gateway.series import BadQuery, Part, StoreError, Window, earlier

router: Final = APIRouter(tags=["points"])
IfNoneMatch = Annotated[str | None, Header(alias="If-None-Match")]


@router.get(
    "/history", response_model=history_shapes.History, responses={304: {"description": "As you have it."}}
)
def history(
    who: Who, house: House, *, point: Points, since: Since = None, until: Until = None, step: Step = None,
    max_points: Annotated[
        int | None, Query(ge=10, le=window.ROWS_MAX, description="Without `step`: as fine as so many rows allow.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=window.ROWS_MAX, description="Rows of one point.")] = 5_000,
    if_none_match: IfNoneMatch = None,
) -> Response:  # fmt: skip
    """Stored readings, raw or rolled up in steps. Nothing is filled in: `gaps` say where a device owed reports.

    A device that was changed for another goes on as that one's past: its points follow as series of their own, up to
    the change, with `stands_for` the point that was asked for.
    """
    permitted(house, who, point)
    if house.history is None:
        raise Problem("no_history")
    asked = Window(*span(house, since, until), None if step is None else step * 1000, limit)
    scope = house.world.scope(who.grants)
    marked = beside(house, scope, point, asked.since, asked.until)
    devices = list(dict.fromkeys(split_point(name)[0] for name in point))
    tag = entity_tag(house, asked, point, max_points, marked, [period_s(house, device) for device in devices])
    headers = {"ETag": tag, "Cache-Control": "no-store"}
    if matches(if_none_match, tag):
        return Response(status_code=304, headers=headers)
    try:
        found, asked = _read(house, point, asked, max_points if step is None else None)
        before = {p: house.registry.predecessors(split_point(p)[0]) for p in point}
        found += earlier(house.history, asked, before)
        quiet = silences(house, point, asked.since, asked.until)
    except BadQuery as error:
        raise Problem("bad_query", str(error)) from error
    except StoreError as error:
        raise Problem("store_failed") from error
    zone = house.world.zone(house.world.site(source_of(devices[0])))
    # All series have the same steps: to say each time once is most of what an answer costs.
    clock = rfc3339 if asked.step_ms is None else cache(rfc3339)
    body = {
        "since": rfc3339(asked.since, zone), "until": rfc3339(asked.until, zone),
        "step_s": None if asked.step_ms is None else asked.step_ms // 1000,
        "series": [_series(one, house.world, clock, asked.step_ms is not None, quiet) for one in found],
        "annotations": shaped(marked, zone),
    }  # fmt: skip
    return answer(body, headers=headers)


@router.get(
    "/history/download",
    response_class=StreamingResponse,
    responses={200: {"description": "The file.", "content": {t: {} for t in downloading.TYPES.values()}}},
)
def download(
    who: Who, house: House, *, point: Points, since: Since = None, until: Until = None, step: Step = None,
    format: Annotated[  # noqa: A002  the parameter's name in the address
        downloading.Format, Query(description="`csv` (RFC 4180) or `parquet`.")
    ] = "csv",
    language: Annotated[downloading.Language, Query(description="Of the header.")] = "zh-CN",
    bom: Annotated[
        bool | None, Query(description="Begin CSV with a byte order mark, as Excel wants; for zh-CN if absent.")
    ] = None,
) -> Response:  # fmt: skip
    """All stored readings of the window as a file, point by point in the order of time, however many they are.

    It is written while it is read: where the store fails midway the transfer breaks off.
    """
    permitted(house, who, point)
    if house.history is None:
        raise Problem("no_history")
    since_ms, until_ms = span(house, since, until)
    site = house.world.site(source_of(split_point(point[0])[0]))
    wanted = downloading.Wanted(
        tuple(point), since_ms, until_ms, None if step is None else step * 1000, house.world.zone(site), language,
        language == "zh-CN" if bom is None else bom,
    )  # fmt: skip
    try:
        body = downloading.download(house.history, wanted, format, house.data)
    except BadQuery as error:
        raise Problem("bad_query", str(error)) from error
    except StoreError as error:
        raise Problem("store_failed") from error
    name = f"history-{rfc3339(since_ms, wanted.zone)[:10]}.{format}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return StreamingResponse(body, 200, headers, downloading.TYPES[format])


def _read(
    house: Parts, points: list[str], asked: Window, max_points: int | None
) -> tuple[list[Part], Window]:
    """The series, and the window in the step that was chosen. Raises BadQuery, StoreError."""
    assert house.history is not None
    if max_points is None:
        return [Part(one) for one in house.history.read(asked.question(points))], asked
    if asked.until - asked.since <= window.RAW_MS:
        raw = msgspec.structs.replace(asked, limit=max_points)
        found = house.history.read(raw.question(points))
        if not any(series.more for series in found):
            return [Part(one) for one in found], raw
    asked = window.stepped(msgspec.structs.replace(asked, limit=max_points), max_points)
    return [Part(one) for one in house.history.read(asked.question(points))], asked


def _series(
    part: Part, world: World, clock: Callable[[int, ZoneInfo], str], rolled: bool, quiet: dict[str, Silence]
) -> dict[str, Any]:
    device, metric, _ = split_point(part.series.point)
    known = METRICS.get(metric)
    zone = world.zone(world.site(source_of(device)))
    silent = quiet.get(device, Silence((), None))
    return {
        "point": part.series.point, "unit": known.unit if known else None, "stands_for": part.stands_for,
        "until": None if part.until is None else rfc3339(part.until, zone),
        "rows": shaping.rows(part.series.rows, lambda at: clock(at, zone), rolled), "more": part.series.more,
        "gaps": [[rfc3339(start, zone), rfc3339(end, zone)] for start, end in silent.gaps],
        "stale_since": None if silent.stale_since is None else rfc3339(silent.stale_since, zone),
    }  # fmt: skip
