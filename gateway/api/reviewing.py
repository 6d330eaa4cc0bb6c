"""What people say of camera events: true, false or unknown; kept for a case; and how often a camera was wrong."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from starlette.responses import Response

from gateway.api import evidence_shapes as shapes
from gateway.api.asking import House, Who, answer, require
from gateway.api.evidence import found_event, look_of, room_of, shaped, written
from gateway.api.parts import Parts
from gateway.api.problems import Problem
from gateway.auth import Action
from gateway.evidence.room import EvidenceRoom
from gateway.evidence.rows import DAY_MS, EVENT_DAYS, FALSE_DAYS

DAYS_MAX: Final = 92

router: Final = APIRouter(tags=["evidence"])


@router.post("/camera-events/{event}/review", response_model=shapes.CameraEventShape)
def review(event: str, wanted: shapes.Review, who: Who, house: House) -> Response:
    """Say whether it was true. The last word counts; pictures of a false alarm go after 7 days instead of 30."""
    room, now = room_of(house), house.now()
    row = found_event(house, room, who, event, Action.REVIEW)
    days = FALSE_DAYS if wanted.verdict == "false" else EVENT_DAYS
    try:
        room.pictures.review(row.id, wanted.verdict, who.actor, now, row.kept_at + days * DAY_MS)
    except sqlite3.Error as error:
        raise Problem("no_evidence") from error
    return _now_is(house, room, row.id)


@router.post("/camera-events/{event}/hold", response_model=shapes.CameraEventShape)
def hold(event: str, wanted: shapes.Hold, who: Who, house: House) -> Response:
    """Keep its pictures for a case until `case` null ends it; both are written into the log of looks."""
    room, now = room_of(house), house.now()
    row = found_event(house, room, who, event, Action.HOLD)
    case = wanted.case if wanted.case is not None else row.held or ""
    kind: Any = "hold" if wanted.case is not None else "hold_ended"
    written(room, kind, look_of(who, row, row.id, "legal hold", case=case), now)
    try:
        room.pictures.hold(row.id, wanted.case)
    except sqlite3.Error as error:
        raise Problem("no_evidence") from error
    return _now_is(house, room, row.id)


@router.get("/cameras/{camera:path}/figures", response_model=shapes.CameraFigures)
def figures(
    camera: str, who: Who, house: House, days: Annotated[int, Query(ge=1, le=DAYS_MAX)] = 7
) -> Response:
    """How many of a camera's events were true and how many false, day by day; and how many nobody judged."""
    room, world = room_of(house), house.world
    require(house, who, Action.READ, world.place(camera))
    zone = world.zone(world.site(camera.partition(":")[0]))
    today = datetime.fromtimestamp(house.now() / 1000, UTC).astimezone(zone).date()
    rows: list[dict[str, Any]] = []
    try:
        for back in range(days, -1, -1):
            date = today - timedelta(days=back)
            since, until = (
                round(datetime.combine(date + timedelta(days=n), time(), zone).timestamp() * 1000)
                for n in (0, 1)
            )
            judged = room.pictures.judged(camera, since, until)
            words = ("true", "false", "unknown", "unreviewed")
            rows.append({"date": date.isoformat(), **{word: judged.get(word, 0) for word in words}})
    except sqlite3.Error as error:
        raise Problem("no_evidence") from error
    return answer({
        "camera": camera, "days": rows, "false_per_day": round(sum(row["false"] for row in rows[:-1]) / days, 3),
        "unreviewed": sum(row["unreviewed"] for row in rows),
    })  # fmt: skip


def _now_is(house: Parts, room: EvidenceRoom, event: str) -> Response:
    try:
        row = room.pictures.event(event)
        if row is None:
            raise Problem("not_found")
        return answer(shaped(house, room, [row])[0])
    except sqlite3.Error as error:
        raise Problem("no_evidence") from error
