"""A live look through a camera: masked before it leaves the camera's process, and written down before it is shown."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from gateway.api.asking import House, Who
from gateway.api.cameras import found_camera, may_change
from gateway.api.evidence import UNIT_MAX, room_of
from gateway.api.parts import Parts
from gateway.api.problems import Problem
from gateway.auth import Principal
from gateway.cameras.door import Refused, Shown
from gateway.evidence.looks import Look

LOOKS_A_MINUTE: Final = 120  # of one person through one camera; a page asks every second or two
TAKEN_AT: Final = "CSG-Taken-At"
VIEW: Final = "CSG-View"

router: Final = APIRouter(tags=["cameras"])

_PICTURE: Final[dict[int | str, dict[str, Any]]] = {200: {
    "description": "The newest picture; people in it are blocks, and all of it until the view is learned.",
    "content": {"image/jpeg": {}},
    "headers": {
        TAKEN_AT: {"description": "When it was taken, UTC milliseconds.", "schema": {"type": "integer"}},
        VIEW: {
            "description": "`learned`: masked by the empty view; `learning`: there is none, so all is blocks.",
            "schema": {"type": "string", "enum": ["learned", "learning"]},
        },
    },
}}  # fmt: skip


@router.get("/cameras/{camera:path}/preview", response_class=Response, responses=_PICTURE)
async def preview(camera: str, who: Who, house: House, request: Request) -> Response:
    """What the camera shows at this moment, masked. Looks are written down: a line a minute."""
    await asyncio.to_thread(_allowed, house, who, camera)
    if request.app.state.rate.over(
        f"preview:{who.actor}:{camera}", LOOKS_A_MINUTE, house.clock.monotonic_ms()
    ):
        raise Problem("rate_limited", retry_after_s=10)
    try:
        shown = await house.cameras.look(camera)
    except Refused as refused:
        if str(refused) == "busy":
            raise Problem("camera_gone", "too many look at once") from refused
        raise Problem("no-picture") from refused
    except OSError as error:
        raise Problem("camera_gone") from error
    await asyncio.to_thread(_looked, house, who, camera)
    return _answer(shown)


def _allowed(house: Parts, who: Principal, camera: str) -> None:
    found_camera(house, who, camera)
    may_change(house, who, camera)
    room_of(house)


def _looked(house: Parts, who: Principal, camera: str) -> None:
    """Write it down. Raises `no_evidence`: what is not written down is not shown."""
    roles = ", ".join(f"{role} {place}".strip() for role, place in who.grants)
    look = Look(who.actor, roles[:UNIT_MAX], "preview", "preview", camera, house.world.place(camera))
    try:
        room_of(house).looks.going_on("preview", look, house.now())
    except sqlite3.Error as error:
        raise Problem("no_evidence", "the log of looks cannot be written") from error


def _answer(shown: Shown) -> Response:
    headers = {
        "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", TAKEN_AT: str(shown.at),
        VIEW: "learned" if shown.learned else "learning",
    }  # fmt: skip
    return Response(shown.jpeg, 200, headers, "image/jpeg")
