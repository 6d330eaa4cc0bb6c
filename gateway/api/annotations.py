"""What charts write beside the line: incidents, drills, what was shelved or out of service, and when we were blind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from devices.reading import source_of, split_point
from gateway import text
from gateway.api.parts import Parts
from gateway.api.world import visible
from gateway.auth import Scope
from gateway.core.effect import IncidentDoc
from gateway.render import rfc3339

INCIDENTS_MAX: Final = 200
KEPT_MAX: Final = 200  # of an answer, the newest

Row = tuple[str, str | None, int, int | None, dict[str, str], int | None]
"""kind, id, since, until, title, priority."""


def beside(house: Parts, scope: Scope, points: Sequence[str], since: int, until: int) -> list[Row]:
    """Of the points' devices and the places these stand at, in the order of time."""
    devices = {split_point(point)[0] for point in points}
    places = {house.world.place(device) for device in devices}
    sources = {source_of(device) for device in devices}
    found: list[Row] = []
    for doc in house.views.incidents_within(since, until, INCIDENTS_MAX):
        if visible(scope, doc) and _about(doc, devices, places):
            drill = "drill" in (doc.mode, doc.verdict)
            closed = doc.updated_at if doc.handling == "closed" else None
            title = house.world.rule_title(doc.title)
            found.append(
                ("drill" if drill else "incident", doc.id, doc.opened_at, closed, title, doc.priority)
            )
    for mark in house.marks.within(since, until):
        if mark.kind == "blind":
            if mark.subject in ("", *sources):
                found.append(("blind", mark.subject or None, mark.since, mark.until, _word("blind"), None))
        elif mark.detail in devices:
            found.append((mark.kind, mark.subject, mark.since, mark.until, _word(mark.kind), None))
    return sorted(found, key=lambda row: row[2])[-KEPT_MAX:]


def shaped(rows: Sequence[Row], zone: Any) -> list[dict[str, Any]]:
    """As the API answers them."""
    return [
        {
            "kind": kind, "id": identity, "since": rfc3339(since, zone),
            "until": None if until is None else rfc3339(until, zone), "title": title, "priority": priority,
        }
        for kind, identity, since, until, title, priority in rows
    ]  # fmt: skip


def _about(doc: IncidentDoc, devices: set[str], places: set[str]) -> bool:
    return not places.isdisjoint(doc.places) or any(alarm.device in devices for alarm in doc.alarms)


def _word(kind: str) -> dict[str, str]:
    return {language: text.word(language, "annotation", kind) for language in text.LANGUAGES}
