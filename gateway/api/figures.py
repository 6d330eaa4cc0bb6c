"""How alarms load the people at the desk, site by site: the figures of EEMUA 191 and ISA-18.2 over any window."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter
from pydantic import Field
from starlette.responses import Response

from gateway.api.asking import Fresh, House, Who, answer
from gateway.api.figuring import gather, simulated, sites
from gateway.api.models import Bilingual, PlaceRef, Shape, Time
from gateway.api.parts import Parts
from gateway.api.problems import Problem
from gateway.api.window import Since, Until, span
from gateway.api.world import World
from gateway.auth import Scope
from gateway.figures import TARGET_MS, Figures, figures
from gateway.render import rfc3339

SPAN_MAX_MS: Final = 400 * 86_400_000

router: Final = APIRouter(tags=["figures"])
Percent = Annotated[float | None, Field(description="0 to 100; null where there was nothing to count.")]


class FrequentAlarm(Shape):
    alarm: str
    rule: str
    title: Bilingual
    device: str
    metric: str
    place: PlaceRef
    priority: int
    count: int
    fleeting: int = Field(description="How many of them were over within 10 s.")
    chattering: bool = Field(description="It came three times within a minute.")


class SiteFigures(Shape):
    """One site: its control room is one operating position. Rates count P1 to P3; P4 is a daily list."""

    site: str
    last_10min: int
    rate_10min: float = Field(
        description="Mean alarms in ten minutes: 1 is manageable, 2 the limit (EEMUA 191)."
    )
    peak_10min: int
    flood_percent: float = Field(
        description="Percent of the window in flood: from more than 10 alarms in ten minutes to fewer than 5."
    )
    raised: dict[str, int] = Field(description="Alarms by priority, `1` to `4`.")
    top_percent: Percent
    top: list[FrequentAlarm] = Field(description="The ten that came most often.")
    chattering: int
    fleeting: int
    standing: int = Field(description="As of now, as the three that follow.")
    stale: int = Field(description="Standing for more than 24 h.")
    shelved: int
    out_of_service: int
    answer_median_s: float | None = Field(
        description="Until a P1 or P2 incident was first taken, gone to or judged."
    )
    answer_p95_s: float | None
    late_percent: Percent
    judged: int = Field(description="Incidents called real or false by a person.")
    false_percent: Percent
    false_causes: dict[str, int]
    unanswered: int = Field(description="Incidents whose call chain came to its end and began anew.")


class AlarmFigures(Shape):
    since: Time = Field(description="Later than asked where more came than one answer looks at.")
    until: Time
    target_s: int = Field(description="In which P1 and P2 are to be answered.")
    simulated: bool = Field(
        description="Whether all of it is simulated. Beside real devices, those do not count."
    )
    sites: list[SiteFigures]
    seq: int


@router.get("/figures/alarms", response_model=AlarmFigures, dependencies=[Fresh])
def alarms(who: Who, house: House, since: Since = None, until: Until = None) -> Response:
    """Alarm-management figures of the sites one may see, of those parts of them that one may see.

    `since` is 24 h before `until` if absent; a window is 400 days at most. Counting began with the release that brought
    these figures, and reaches back as far as incidents are kept.
    """
    start, end = span(house, since, until)
    if end - start > SPAN_MAX_MS:
        raise Problem("bad_query", "a window is 400 days at most")
    world = house.world
    scope = world.scope(who.grants)
    seen = gather(house.views, world, start, end)
    zone = world.zone("")
    visible = _visible(world, scope)
    found = [
        figures(seen, site, scope.covers)
        for site in sites(world, seen)
        if site in visible or scope.covers(site)
    ]
    devices = [s for s in world.catalogue.sources.values() if s.simulated]
    return answer({
        "since": rfc3339(seen.since, zone), "until": rfc3339(seen.until, zone), "target_s": TARGET_MS // 1000,
        "simulated": bool(devices) and not simulated(world),
        "sites": [_shaped(house, one) for one in found], "seq": house.hub.seq,
    })  # fmt: skip


def _visible(world: World, scope: Scope) -> set[str]:
    """The sites of which something may be seen, beside those that may be seen whole."""
    if scope.everything:
        return set()
    seen = (place for place in world.catalogue.places if scope.covers(place))
    return {[*world.catalogue.path(place)][-1].id for place in seen}


def _shaped(house: Parts, one: Figures) -> dict[str, Any]:
    world = house.world
    return {
        "site": one.site, "last_10min": one.last_10min, "rate_10min": one.rate_10min, "peak_10min": one.peak_10min,
        "flood_percent": one.flood_percent, "raised": {str(p): n for p, n in one.raised.items()},
        "top_percent": one.top_percent,
        "top": [
            {"alarm": t.alarm, "rule": t.rule, "title": world.rule_title(t.rule), "device": t.device,
             "metric": t.metric, "place": world.where(t.place), "priority": t.priority, "count": t.count,
             "fleeting": t.fleeting, "chattering": t.chattering}
            for t in one.top
        ],
        "chattering": one.chattering, "fleeting": one.fleeting, "standing": one.standing, "stale": one.stale,
        "shelved": one.shelved, "out_of_service": one.out_of_service, "answer_median_s": one.answer_median_s,
        "answer_p95_s": one.answer_p95_s, "late_percent": one.late_percent, "judged": one.judged,
        "false_percent": one.false_percent, "false_causes": one.false_causes, "unanswered": one.unanswered,
    }  # fmt: skip
