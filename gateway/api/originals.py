"""The unmasked picture of a P1: one person asks and says why, another lets them, and then they may look for a while."""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
from typing import Final

from fastapi import APIRouter
from starlette.responses import Response

from gateway.api import evidence_shapes as shapes
from gateway.api.asking import House, Who, answer
from gateway.api.evidence import (
    JPEG,
    LINK_MS,
    REQUESTS_MS,
    found_picture,
    look_of,
    picture_answer,
    request_shaped,
    room_of,
    written,
)
from gateway.api.problems import Problem
from gateway.auth import Action, Principal
from gateway.evidence.room import EvidenceRoom
from gateway.evidence.rows import Request
from gateway.evidence.sealing import Unsealable, unseal

WAITING_MAX: Final = 20  # requests of a day for one picture

router: Final = APIRouter(tags=["evidence"])


@router.post("/evidence/{picture}/original", response_model=shapes.OriginalRequest)
def ask(picture: str, wanted: shapes.OriginalAsked, who: Who, house: House) -> Response:
    """Ask to see the original, and say why. Somebody else who may must let you."""
    _person(who)
    room, now = room_of(house), house.now()
    row, event = found_picture(house, room, who, picture, Action.ORIGINAL)
    if row.original is None:
        raise Problem("not_found", "no original is kept of it")
    request = Request(
        secrets.token_hex(8), row.id, who.actor, wanted.unit.strip(), wanted.reason.strip(), now, None, None
    )
    try:
        if len(room.pictures.requests(row.id, now - REQUESTS_MS)) >= WAITING_MAX:
            raise Problem("rate_limited", retry_after_s=3600)
        written(room, "asked", look_of(who, event, row.id, request.reason, request.unit), now)
        room.pictures.ask(request)
    except sqlite3.Error as error:
        raise Problem("no_evidence") from error
    return answer(request_shaped(house, event, request))


@router.post("/evidence/{picture}/original/{request}/grant", response_model=shapes.OriginalRequest)
def grant(picture: str, request: str, who: Who, house: House) -> Response:
    """Let somebody else see it, for less than 15 minutes. You must have signed in yourself, and be another person."""
    if who.via != "session":
        raise Problem(
            "forbidden", "sign in yourself: neither a key nor a screen that stays signed in may grant"
        )
    room, now = room_of(house), house.now()
    row, event = found_picture(house, room, who, picture, Action.ORIGINAL)
    asked = _request(room, row.id, request)
    if asked.asked_by == who.actor:
        raise Problem("second_person")
    if now - asked.asked_at >= REQUESTS_MS:
        raise Problem("not_granted", "it was asked for too long ago")
    if asked.granted_by is None:
        by = look_of(who, event, row.id, asked.reason, by=asked.asked_by)
        written(room, "granted", by, now)
        try:
            room.pictures.grant(asked.id, who.actor, now)
        except sqlite3.Error as error:
            raise Problem("no_evidence") from error
    return answer(request_shaped(house, event, _request(room, row.id, request)))


@router.get("/evidence/{picture}/original/{request}", response_class=Response, responses=JPEG)
def look(picture: str, request: str, who: Who, house: House) -> Response:
    """The original, for whoever asked, once another person has let them. The look is written down first."""
    _person(who)
    room, now = room_of(house), house.now()
    row, event = found_picture(house, room, who, picture, Action.ORIGINAL)
    asked = _request(room, row.id, request)
    if asked.asked_by != who.actor:
        raise Problem("forbidden")
    if asked.granted_by is None or asked.granted_at is None or not 0 <= now - asked.granted_at < LINK_MS:
        raise Problem("not_granted")
    try:
        data = unseal(room.key, row.id, room.pictures.path_of(row, sealed=True).read_bytes())
    except FileNotFoundError as error:
        raise Problem("not_found") from error
    except (OSError, Unsealable) as error:
        raise Problem("no_evidence", str(error)[:200]) from error
    if hashlib.sha256(data).hexdigest() != row.original:
        raise Problem("no_evidence", "the picture is not the one that was stored")
    written(room, "original", look_of(who, event, row.id, asked.reason, asked.unit, by=asked.granted_by), now)
    return picture_answer(data)


def _person(who: Principal) -> None:
    """Raise `forbidden` for keys: whoever makes a key would be both persons."""
    if who.via == "key":
        raise Problem("forbidden", "originals are for people who have signed in")


def _request(room: EvidenceRoom, picture: str, request: str) -> Request:
    try:
        found = room.pictures.request(request)
    except sqlite3.Error as error:
        raise Problem("no_evidence") from error
    if found is None or found.picture != picture:
        raise Problem("not_found")
    return found
