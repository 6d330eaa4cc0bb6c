"""Keys and parameters into incident/1: places, times and titles as people and machines outside read them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from devices.catalogue import Catalogue, Level, Place
from devices.reading import source_of
from gateway import text
from gateway.core.effect import AlarmDoc, IncidentDoc, Mode
from gateway.core.plan import Grid, Plan
from gateway.incident1 import (
    ALARMS_MAX,
    NAME,
    Alarm1,
    Case1,
    Geo1,
    Incident1,
    Links1,
    Next1,
    Place1,
    TakenBy1,
    Title,
)

ZONE_DEFAULT: Final = "Asia/Shanghai"
RESIDENT_ROLES: Final = ("household", "resident", "")
"""Roles whose holders are never named outside. An unknown role is nobody's permission to print a name."""

_LIFE_SAFETY: Final = ("fire", "gas", "co", "sos")
OWN_SOURCE: Final = "gateway"  # config.settings.OWN_SOURCE, which is more to import than all of this
NATIVE_MAX: Final = 40  # characters of a device's own name, beside its site

_TEXT_MAX: Final = 255  # as long as a reading's text may be

Titles = Mapping[str, Mapping[str, str]]


def rule_titles(plan: Plan) -> dict[str, Mapping[str, str]]:
    """Rule id -> title by language, with the core's own rules."""
    from gateway.core.compiled import BUILT_IN  # the rule compiler behind it is not needed to render

    return {rule.id: rule.title for rule in (*BUILT_IN.values(), *plan.rules)}


def incident_1(
    doc: IncidentDoc,
    catalogue: Catalogue,
    people_names: Mapping[str, str],
    *,
    grids: Mapping[str, Grid] | None = None,
    titles: Titles | None = None,
    base_url: str = "",
) -> dict[str, Any]:
    """The incident as incident/1 (see `gateway.incident1`), a plain dict.

    `people_names` are names of staff by person id; residents stay unnamed whatever it holds. Never raises for any
    document the core can make, also when places, devices or rules are gone from the catalogue by now.
    """
    zone = zone_of(doc, catalogue)
    alarms = _important(doc.alarms)
    total = max(doc.alarms_total, len(alarms))
    shape = Incident1(
        schema=NAME,
        id=doc.id,
        rev=doc.rev,
        mode=Mode(doc.mode).value,
        site=doc.site,
        hazard=doc.hazard,
        priority=doc.priority,
        handling=doc.handling,
        verdict=doc.verdict,
        sound=doc.sound,
        title=Title(
            *(title(doc, language, titles, unplaced(doc, catalogue)) for language in ("zh-CN", "en"))
        ),
        place=_place(doc, catalogue, grids or {}),
        opened_at=rfc3339(doc.opened_at, zone),
        measured_at=None if doc.measured_at is None else rfc3339(doc.measured_at, zone),
        updated_at=rfc3339(doc.updated_at, zone),
        alarms=[
            Alarm1(a.id, a.device, a.metric, a.state, rfc3339(a.since, zone), _value(a.value), a.unit)
            for a in alarms[:ALARMS_MAX]
        ],
        taken_by=_taken_by(doc, people_names),
        next=None if doc.next_at is None else Next1(rfc3339(doc.next_at, zone), doc.next_step),
        cases=[
            Case1(str(c.get("partner", "")), str(c.get("number", "")), str(c.get("stage", "")))
            for c in doc.cases
        ],
        links=Links1(f"{base_url.rstrip('/')}/api/v1/incidents/{doc.id}"),
        alarms_total=total if total > ALARMS_MAX else msgspec.UNSET,
    )
    made: dict[str, Any] = msgspec.to_builtins(shape)
    return made


def title(doc: IncidentDoc, language: str, titles: Titles | None = None, nowhere: str | None = None) -> str:
    """【模拟】火警 待核实（已接警）: the mode's mark, what it is, how sure we are, and how far it is handled."""
    said = mark(doc.mode, language) + headline(doc, language, titles, nowhere)
    if doc.handling == "open":
        return said
    return text.say(
        language, "message.titled", title=said, handling=text.word(language, "handling", doc.handling)
    )


def headline(
    doc: IncidentDoc, language: str, titles: Titles | None = None, nowhere: str | None = None
) -> str:
    """What it is and how sure we are, without place and mark: "火警 待核实". `nowhere`: see `unplaced`.

    A P1 is called by its hazard, everything else by the title of its rule. "Unverified" is said of P1 only: it is
    what tells one detector's word from a fire.
    """
    named = (titles or {}).get(doc.title, {}).get(language, "")
    if not named or (doc.priority == 1 and doc.hazard in _LIFE_SAFETY):
        named = text.word(language, "headline", doc.hazard)
    if doc.verdict != "unverified" or doc.priority == 1:
        verdict = text.word(language, "verdict", doc.verdict)
        named = text.say(language, "message.headline", what=named, verdict=verdict)
    return text.say(language, "message.nowhere", what=named) if nowhere is not None else named


def mark(mode: str, language: str) -> str:
    """ "" for live, else the mark every title and message of that mode starts with. An unknown mode is a test."""
    return text.word(language, "mark", mode if text.has(f"mark.{mode}") else Mode.TEST)


def statement(alarm: AlarmDoc, language: str, titles: Titles | None = None) -> str:
    """What one alarm says: its metric's word, or its rule's title where it has no metric (a device that is silent)."""
    if text.has(f"metric.{alarm.metric}"):
        return text.word(language, "metric", alarm.metric)
    return (titles or {}).get(alarm.rule, {}).get(language, "") or text.word(language, "hazard", alarm.hazard)


def place_text(catalogue: Catalogue, place: str) -> str:
    """ "3号楼 1单元 5层 502 厨房": the names below the site, or the site's own; "" for a place we do not know."""
    path = _path(catalogue, place)
    below = [p.name for p in path if p.level is not Level.SITE]
    return " ".join(below or [p.name for p in path])


def compact(place: str) -> str:
    """ "3号楼1单元5层502 厨房": without the spaces that nobody needs after a Chinese character, for short messages."""
    words = place.split(" ")
    last = len(words) - 1
    return "".join(w if i == last or _chinese(w) else w + " " for i, w in enumerate(words))


def zone_of(doc: IncidentDoc, catalogue: Catalogue) -> ZoneInfo:
    """The time zone of the source its first alarm came from, else of its site, else China's."""
    sources = catalogue.sources
    source = sources.get(source_of(doc.alarms[0].device)) if doc.alarms else None
    if source is None:
        source = next((s for s in sources.values() if s.site == doc.site), None)
    return _zone(source.time_zone if source else ZONE_DEFAULT)


def rfc3339(at: int, zone: ZoneInfo) -> str:
    """UTC ms as `2026-11-21T03:12:07.125+08:00`. A time no calendar holds is said as the nearest one that does."""
    bounded = min(max(at, 0), 253_370_764_800_000)  # 1970 to 9999-01-01: every zone's offset still fits
    return datetime.fromtimestamp(bounded / 1000, UTC).astimezone(zone).isoformat(timespec="milliseconds")


def _place(doc: IncidentDoc, catalogue: Catalogue, grids: Mapping[str, Grid]) -> Place1:
    path = _path(catalogue, _narrowed(doc, catalogue))
    external: dict[str, str] = {}
    grid: str | None = None
    geo: Geo1 | None = None
    for node in path:
        external.update(node.external_ids)
        grid = node.grid or grid
        geo = Geo1(node.geo.lat, node.geo.lon, node.geo.datum.value) if node.geo else geo
    where = where_text(doc, catalogue)
    known = grids.get(grid or "")
    return Place1([p.name for p in path], where, known.name if known else grid, geo, external)


def where_text(doc: IncidentDoc, catalogue: Catalogue) -> str:
    """Where people must go; with the name of a device that nobody has placed, for its site alone is no address."""
    where, nowhere = place_text(catalogue, _narrowed(doc, catalogue)), unplaced(doc, catalogue)
    if not where:
        return where_unplaced(doc, catalogue)
    return where if nowhere is None else f"{where} {text.shorten(nowhere, NATIVE_MAX)}"


def unplaced(doc: IncidentDoc, catalogue: Catalogue) -> str | None:
    """The name that a device without a place gives itself, of the most urgent alarm that has none; else None.

    The gateway's own parts stand at its site and nobody looks for them.
    """
    return next((name for a in _important(doc.alarms) if (name := unplaced_name(a, catalogue))), None)


def unplaced_name(alarm: AlarmDoc, catalogue: Catalogue) -> str | None:
    """What its device calls itself, where nobody has placed it. One taken out since alarmed at the place it had."""
    source, _, native = alarm.device.partition(":")
    if alarm.device in catalogue.devices or source == OWN_SOURCE or alarm.place not in ("", alarm.site):
        return None
    return native or None


def _narrowed(doc: IncidentDoc, catalogue: Catalogue) -> str:
    """The incident's place; of one at a site whose devices got their place since, and all the same, that place."""
    known = catalogue.places.get(doc.place)
    if known is None or known.level is not Level.SITE:
        return doc.place
    devices = {alarm.device for alarm in doc.alarms}
    places = {catalogue.devices[device].place for device in devices if device in catalogue.devices}
    if doc.alarms_total or len(places) != 1 or not devices <= catalogue.devices.keys():
        return doc.place
    (place,) = places
    return place if any(node.id == doc.place for node in catalogue.path(place)) else doc.place


def where_unplaced(doc: IncidentDoc, catalogue: Catalogue) -> str:
    """The name or id of the device for an incident that has no place we know: somebody may still find it."""
    if not doc.alarms:
        return doc.place or doc.site
    device = doc.alarms[0].device
    known = catalogue.devices.get(device)
    return (known.name if known and known.name else device) or doc.place or doc.site


def _taken_by(doc: IncidentDoc, people_names: Mapping[str, str]) -> TakenBy1 | None:
    if doc.taken_by is None:
        return None
    if doc.taken_role in RESIDENT_ROLES:
        return TakenBy1(None, None, doc.taken_role)
    return TakenBy1(doc.taken_by, people_names.get(doc.taken_by), doc.taken_role)


def _important(alarms: Sequence[AlarmDoc]) -> list[AlarmDoc]:
    return sorted(alarms, key=lambda a: (a.priority, a.state == "NORM", a.since, a.id))


def _value(value: Any) -> bool | int | float | str | None:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if value - value == 0 else None  # JSON has no NaN and no infinity
    return str(value)[:_TEXT_MAX]


def _path(catalogue: Catalogue, place: str) -> list[Place]:
    return list(catalogue.path(place))[::-1]


def _chinese(word: str) -> bool:
    return bool(word) and "一" <= word[-1] <= "鿿"


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo(ZONE_DEFAULT)
