"""Pictures of camera events: which there are, a short link to one, and the log of who looked."""

from __future__ import annotations

import hashlib
import hmac
import sqlite3
from typing import Any, Final

import msgspec
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from gateway import links
from gateway.api import evidence_shapes as shapes
from gateway.api import shaping
from gateway.api.asking import LIMIT, Cursor, House, Limit, Who, answer, page, require, unpack
from gateway.api.parts import Parts
from gateway.api.problems import Problem
from gateway.api.world import visible
from gateway.auth import EVERYWHERE, Action, Principal, allows
from gateway.evidence.looks import Kind, Look
from gateway.evidence.room import EvidenceRoom
from gateway.evidence.rows import EventRow, PictureRow
from gateway.links import Link
from gateway.render import rfc3339

LINK_MS: Final = 14 * 60_000  # a token's end is rounded up to the minute: never more than 15
LOOKS_A_MINUTE: Final = 30  # of one link: each leaves a line
BEFORE_MS: Final = 120_000  # what a camera saw so long before the incident opened belongs to it
REQUESTS_MS: Final = 86_400_000
SCAN_MAX: Final = 5_000
UNIT_MAX: Final = 100
JPEG: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "The picture.", "content": {"image/jpeg": {}}}
}

router: Final = APIRouter(tags=["evidence"])


@router.get("/evidence", response_model=shapes.EvidenceList)
def evidence(who: Who, house: House, incident: str = Query(max_length=128)) -> Response:
    """What cameras saw of an incident, oldest first, with the pictures there are."""
    doc = house.views.incident(incident)
    if doc is None or not visible(house.world.scope(who.grants), doc):
        raise Problem("not_found")
    room = room_of(house)
    until = doc.updated_at if doc.handling == "closed" else house.now()
    devices = list(dict.fromkeys(alarm.device for alarm in doc.alarms))
    try:
        found = room.pictures.of_incident(incident, devices, doc.opened_at - BEFORE_MS, until)
        items = shaped(house, room, [e for e in found if may(house, who, Action.EVIDENCE, e)])
    except sqlite3.Error as error:
        raise Problem("no_evidence") from error
    return answer({"items": items})


@router.get("/camera-events", response_model=shapes.CameraEventPage)
def camera_events(
    who: Who, house: House, camera: str | None = Query(None, max_length=400), unreviewed: bool = False,
    cursor: Cursor = None, limit: Limit = LIMIT,
) -> Response:  # fmt: skip
    """What cameras saw, newest first: those of one camera, or those nobody judged."""
    room = room_of(house)
    before = unpack(cursor, tuple[int, str])
    chosen: list[EventRow] = []
    scanned = 0
    try:
        while len(chosen) < limit and scanned < SCAN_MAX:
            found = room.pictures.events(before, limit - len(chosen), camera=camera, unreviewed=unreviewed)
            if not found:
                before = None
                break
            scanned += len(found)
            before = (found[-1].at, found[-1].id)
            chosen += [event for event in found if may(house, who, Action.EVIDENCE, event)]
        items = shaped(house, room, chosen)
    except sqlite3.Error as error:
        raise Problem("no_evidence") from error
    return page(house, items, before)


@router.post("/evidence/{picture}/link", response_model=shapes.PictureLink)
def link(picture: str, wanted: shapes.LinkAsked, who: Who, house: House) -> Response:
    """A link to the masked picture, for you alone and for less than 15 minutes; it needs no sign-in."""
    room = room_of(house)
    row, event = found_picture(house, room, who, picture, Action.EVIDENCE)
    now = house.now()
    why = wanted.reason or (f"incident {event.incident}" if event.incident else "review")
    line = written(room, "link", look_of(who, event, row.id, why, wanted.unit), now)
    token = links.make(_key(house), row.id, who.actor, str(line), now + LINK_MS)
    return answer(
        {
            "url": f"/api/v1/evidence/links/{token}",
            "expires_at": rfc3339(now + LINK_MS, house.world.zone(event.site)), "recipient": who.actor,
        }
    )  # fmt: skip


@router.get("/evidence/links/{token}", response_class=Response, responses=JPEG)
def follow_link(token: str, request: Request, house: House) -> Response:
    """The masked picture behind a link. The look is written down before it is shown."""
    room, now = room_of(house), house.now()
    read = links.read(_key(house), token, now)
    if not isinstance(read, Link):
        raise Problem("wrong")
    if request.app.state.rate.over(f"evidence:{token}", LOOKS_A_MINUTE, house.clock.monotonic_ms()):
        raise Problem("rate_limited", retry_after_s=60)
    try:
        row = room.pictures.picture(read.effect)
        event = room.pictures.event(row.event) if row is not None else None
        asked = room.looks.line(int(read.incident))
    except sqlite3.Error as error:
        raise Problem("no_evidence") from error
    if row is None or event is None or asked is None:
        raise Problem("not_found")
    data = masked_bytes(room, row)
    given = msgspec.json.decode(asked.body, type=Look)
    written(room, "look", msgspec.structs.replace(given, who=read.person), now)
    return picture_answer(data)


@router.get("/looks", response_model=shapes.LookPage)
def looks(who: Who, house: House, cursor: Cursor = None, limit: Limit = LIMIT) -> Response:
    """Who looked at what and why, oldest first, as a chain of hashes that is followed with the first page."""
    require(house, who, Action.AUDIT)
    room, after = room_of(house), unpack(cursor, tuple[int])
    try:
        found = room.looks.lines(after[0] if after else 0, limit)
        broken = room.looks.broken_at() if after is None else None
    except sqlite3.Error as error:
        raise Problem("no_evidence") from error
    items = shaping.chained(found, house.world.zone(""))
    return page(house, items, (found[-1].seq,) if len(found) == limit else None, broken_at=broken)


# -- what other routes of evidence share --------------------------------------------------------------------------


def room_of(house: Parts) -> EvidenceRoom:
    """The evidence. Raises `no_evidence`."""
    if house.evidence is None:
        raise Problem("no_evidence")
    return house.evidence


def may(house: Parts, who: Principal, action: Action, event: EventRow) -> bool:
    """Whether somebody may do this with what was seen there."""
    world = house.world
    return allows(who.grants, action, event.place or event.site or EVERYWHERE, world.catalogue, world.grids)


def found_event(house: Parts, room: EvidenceRoom, who: Principal, event: str, action: Action) -> EventRow:
    """The event. Raises `not_found` where there is none that one may see, `forbidden` where one may not do this."""
    try:
        row = room.pictures.event(event)
    except sqlite3.Error as error:
        raise Problem("no_evidence") from error
    if row is None or not may(house, who, Action.EVIDENCE, row):
        raise Problem("not_found")
    if not may(house, who, action, row):
        raise Problem("forbidden")
    return row


def found_picture(
    house: Parts, room: EvidenceRoom, who: Principal, picture: str, action: Action
) -> tuple[PictureRow, EventRow]:
    """The picture with its event. Raises as `found_event`."""
    try:
        row = room.pictures.picture(picture)
    except sqlite3.Error as error:
        raise Problem("no_evidence") from error
    if row is None:
        raise Problem("not_found")
    return row, found_event(house, room, who, row.event, action)


def look_of(
    who: Principal, event: EventRow, what: str, why: str, unit: str = "", *, by: str = "", case: str = ""
) -> Look:
    """The line of this person's look."""
    roles = ", ".join(f"{role} {place}".strip() for role, place in who.grants)
    return Look(who.actor, unit or roles[:UNIT_MAX], why, what, event.camera, event.place, by, case)


def written(room: EvidenceRoom, kind: Kind, look: Look, now: int) -> int:
    """Its number in the log. Raises `no_evidence`: what is not written down is not shown."""
    try:
        return room.looks.add(kind, look, now).seq
    except sqlite3.Error as error:
        raise Problem("no_evidence", "the log of looks cannot be written") from error


def masked_bytes(room: EvidenceRoom, row: PictureRow) -> bytes:
    """The JPEG as it was stored. Raises `not_found`, and `no_evidence` where it is another one."""
    try:
        data = room.pictures.path_of(row, sealed=False).read_bytes()
    except FileNotFoundError as error:
        raise Problem("not_found") from error
    except OSError as error:
        raise Problem("no_evidence") from error
    if hashlib.sha256(data).hexdigest() != row.sha256:
        raise Problem("no_evidence", "the picture is not the one that was stored")
    return data


def picture_answer(data: bytes) -> Response:
    """A JPEG that nobody else keeps."""
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return Response(data, 200, headers, "image/jpeg")


def shaped(house: Parts, room: EvidenceRoom, events: list[EventRow]) -> list[dict[str, Any]]:
    """Events with their pictures as the API answers them. Raises sqlite3.Error."""
    pictures: dict[str, list[PictureRow]] = {}
    for row in room.pictures.pictures([event.id for event in events]):
        pictures.setdefault(row.event, []).append(row)
    return [_shaped(house, room, event, pictures.get(event.id, [])) for event in events]


def _shaped(house: Parts, room: EvidenceRoom, event: EventRow, pictures: list[PictureRow]) -> dict[str, Any]:
    zone, since = house.world.zone(event.site), house.now() - REQUESTS_MS
    return {
        "id": event.id, "camera": event.camera, "site": event.site, "place": house.world.where(event.place),
        "zone": event.zone, "type": event.type, "at": rfc3339(event.at, zone), "score": event.score,
        "priority": event.priority, "incident": event.incident, "mode": "simulated" if event.simulated else "live",
        "verdict": event.verdict, "reviewed_by": event.reviewed_by,
        "reviewed_at": None if event.reviewed_at is None else rfc3339(event.reviewed_at, zone), "held": event.held,
        "purpose": "public_safety",
        "pictures": [
            {
                "id": row.id, "moment": row.moment, "at": rfc3339(row.at, zone), "width": row.width,
                "height": row.height, "sha256": row.sha256, "expires": rfc3339(row.expires, zone),
                "original": row.original is not None,
                "requests": [
                    request_shaped(house, event, one)
                    for one in (room.pictures.requests(row.id, since) if row.original is not None else ())
                ],
            }
            for row in pictures
        ],
    }  # fmt: skip


def request_shaped(house: Parts, event: EventRow, request: Any) -> dict[str, Any]:
    """A request for an original as the API answers it."""
    zone = house.world.zone(event.site)
    until = None if request.granted_at is None else rfc3339(request.granted_at + LINK_MS, zone)
    return {
        "id": request.id, "at": rfc3339(request.asked_at, zone), "asked_by": request.asked_by, "unit": request.unit,
        "reason": request.reason, "granted_by": request.granted_by, "until": until,
    }  # fmt: skip


def _key(house: Parts) -> bytes:
    """Another key than that of personal links, so that one is never taken for the other."""
    return hmac.new(house.link_key, b"csg evidence link 1", hashlib.sha256).digest()
