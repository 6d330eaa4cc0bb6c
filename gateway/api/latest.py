"""The latest value of every point in one call."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Header, Query
from starlette.responses import Response

from gateway.api import history_shapes
from gateway.api.asking import Fresh, House, Who
from gateway.api.points import wanted_devices
from gateway.api.window import matches

router: Final = APIRouter(tags=["points"])
Text = Annotated[str | None, Query(max_length=400)]


@router.get(
    "/latest",
    response_model=history_shapes.Newest,
    dependencies=[Fresh],
    responses={304: {"description": "As you have it."}},
)
def latest(
    who: Who, house: House, site: Text = None, place: Text = None,
    if_none_match: Annotated[str | None, Header(alias="If-None-Match")] = None,
) -> Response:  # fmt: skip
    """What every point said last, in the order they were first heard. `flags` are bits, as GET /points names them."""
    world = house.world
    want = wanted_devices(house, world.scope(who.grants), site, place)
    tag, body = house.newest.body((who.grants, site, place), house.latest, world, want, house.now())
    headers = {"ETag": tag, "Cache-Control": "no-store"}
    if matches(if_none_match, tag):
        return Response(status_code=304, headers=headers)
    return Response(body, 200, headers, "application/json")
