"""What is asked of history: which points, from when to when, in steps of what; and whether the asker has it already."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final

import msgspec
from fastapi import Query
from pydantic import AwareDatetime

from devices.reading import split_point
from gateway.api.parts import Parts
from gateway.api.problems import Problem
from gateway.auth import Principal
from gateway.series import Window

HISTORY_MS: Final = 24 * 3_600_000  # asked without `since`
POINTS_MAX: Final = 50
ROWS_MAX: Final = 20_000  # of one point
STEPS_S: Final = (60, 900, 3_600, 6 * 3_600, 86_400, 7 * 86_400, 31 * 86_400)
"""Steps that are chosen for whoever says only how many points a chart has; stores keep the first three ready."""

RAW_MS: Final = 2 * 86_400_000
"""Up to here raw readings are tried before steps are taken: two days of a reading a minute are few enough to look."""

SETTLED_MS: Final = 60_000
"""A window that ended so long ago, with the store beyond it, gets no more readings: they are kept by arrival."""

Points = Annotated[
    list[str], Query(min_length=1, max_length=POINTS_MAX, description="Repeat it for several.")
]
Since = Annotated[AwareDatetime | None, Query(description="RFC 3339; 24 h before `until` if absent.")]
Until = Annotated[AwareDatetime | None, Query(description="RFC 3339; now if absent.")]
Step = Annotated[int | None, Query(ge=1, le=31_622_400, description="Seconds; without it raw readings.")]


def permitted(house: Parts, who: Principal, points: Sequence[str]) -> None:
    """Raise `not_found` for a point the asker may not see, as for one that there is not."""
    world = house.world
    scope = world.scope(who.grants)
    for name in points:
        if name.count("/") < 2 or not scope.covers(world.place(split_point(name)[0])):
            raise Problem("not_found", f"point {name[:100]!r}")


def span(house: Parts, since: datetime | None, until: datetime | None) -> tuple[int, int]:
    """The window in UTC ms. Raises `bad_query`."""
    end = to_ms(until) if until is not None else house.now() + 1
    start = to_ms(since) if since is not None else max(end - HISTORY_MS, 0)
    if not start < end:
        raise Problem("bad_query", "`since` must be before `until`")
    return start, end


def to_ms(at: datetime) -> int:
    """UTC ms. Raises `bad_query`."""
    try:
        return round(at.timestamp() * 1000)
    except (OverflowError, ValueError) as error:  # the year 1, in a zone east of Greenwich
        raise Problem("bad_query", "a time no calendar of ours holds") from error


def stepped(window: Window, max_points: int) -> Window:
    """The window in the finest step of STEPS_S that gives at most so many rows; a longer one where none does."""
    length_ms = window.until - window.since
    fits = (s for s in STEPS_S if length_ms // (s * 1000) + 2 <= max_points)
    step_s = next(fits, -(-length_ms // (1000 * max(max_points - 2, 1))))
    return msgspec.structs.replace(window, step_ms=step_s * 1000)


def entity_tag(house: Parts, window: Window, *question: object) -> str:
    """Equal tags mean equal answers. Strong for a window that is over; weak for one that still gets readings.

    `question` is whatever else decides the answer. A deletion, another plan and another store change the past too.
    """
    settled = all(f.written_at is not None and f.written_at >= window.until for f in house.feeders)
    closed = settled and window.until + SETTLED_MS <= house.now()
    deletions = house.retention.proofs.count if house.retention is not None else 0
    moving = None if closed else ([f.written_seq for f in house.feeders], house.now() // SETTLED_MS)
    kept = (question, window, deletions, house.world.digest, moving, type(house.history).__name__)
    digest = hashlib.sha256(msgspec.msgpack.encode(kept)).hexdigest()[:24]
    return f'"{digest}"' if closed else f'W/"{digest}"'


def matches(if_none_match: str | None, tag: str) -> bool:
    """Whether the asker has the answer (RFC 9110, 13.1.2: weak comparison)."""
    given = {one.strip().removeprefix("W/") for one in (if_none_match or "").split(",")}
    return "*" in given or tag.removeprefix("W/") in given
