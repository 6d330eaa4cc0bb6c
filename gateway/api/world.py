"""The plan as the view sees it: names, places, titles and advice, exchanged as a whole when a new plan is in force."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from devices.catalogue import Catalogue, Device
from devices.reading import source_of
from gateway import render
from gateway.auth import Grant, Scope
from gateway.core.effect import AlarmDoc, CommandDoc, IncidentDoc
from gateway.core.plan import Grid, Plan, digest
from gateway.text import LANGUAGES
from gateway.wording import Composer, Directory


class World:
    """One plan with everything that follows from it for rendering and for who may see what. Immutable to its users."""

    def __init__(self, plan: Plan, directory: Directory, *, key: bytes, base_url: str) -> None:
        self.plan = plan
        self.titles = render.rule_titles(plan)
        self.composer = Composer(plan, directory, key=key, base_url=base_url)

    @property
    def catalogue(self) -> Catalogue:
        return self.plan.catalogue

    @property
    def grids(self) -> Mapping[str, Grid]:
        return self.plan.grids

    @cached_property
    def digest(self) -> str:
        """Of all that decides how things are shown and to whom."""
        return digest(self.plan)

    @cached_property
    def device_ids(self) -> list[str]:
        """Ids of the catalogue's devices in order, for paging."""
        return sorted(self.catalogue.devices)

    def devices_after(self, last: str, limit: int) -> list[Device]:
        """Devices of the catalogue behind an id, in order."""
        start = bisect_right(self.device_ids, last) if last else 0
        return [self.catalogue.devices[i] for i in self.device_ids[start : start + limit]]

    def scope(self, grants: tuple[Grant, ...]) -> Scope:
        """What the holder of these grants may see of this world."""
        return Scope(grants, self.catalogue, self.grids)

    def site(self, source: str) -> str:
        """The site of a source; an unknown source is its own site, as in the core."""
        known = self.catalogue.sources.get(source)
        return known.site if known else source

    def place(self, device: str) -> str:
        """Where the device is; an unplaced one stands at its site, as in the core."""
        known = self.catalogue.devices.get(device)
        return known.place if known else self.site(source_of(device))

    def zone(self, site: str) -> ZoneInfo:
        """The time zone of the first source of a site."""
        found = next((s for s in self.catalogue.sources.values() if s.site == site), None)
        return ZoneInfo(found.time_zone if found else render.ZONE_DEFAULT)

    def below(self, place: str, top: str) -> bool:
        """Whether a place is `top` or lies below it, by the place tree."""
        return place == top or any(node.id == top for node in self.catalogue.path(place))

    def where(self, place: str) -> dict[str, Any]:
        """A place as every row shows it: `id`, the names from the site inwards, and the text people read."""
        names = [node.name for node in self.catalogue.path(place)][::-1]
        return {"id": place, "path": names, "text": render.place_text(self.catalogue, place) or place}

    def rule_title(self, rule: str) -> dict[str, str]:
        """A rule's title in both languages; the id of one we no longer have."""
        known = self.titles.get(rule, {})
        return {language: known.get(language, rule) for language in LANGUAGES}

    def advice(self, doc: IncidentDoc) -> dict[str, str]:
        """The step card: what to do first, in both languages."""
        return {language: self.composer.advice(doc, language, "") for language in LANGUAGES}


def places_of(doc: IncidentDoc | AlarmDoc | CommandDoc) -> tuple[str, ...]:
    """Where an incident, alarm or command is; whoever may see one of these places may see it."""
    if not isinstance(doc, IncidentDoc):
        return (doc.place, doc.site)
    return (*doc.places, doc.place, doc.site)


def visible(scope: Scope, doc: IncidentDoc | AlarmDoc | CommandDoc) -> bool:
    """Whether the holder of the scope may see it. Its site counts as its place only where it has no other."""
    places = [p for p in places_of(doc)[:-1] if p]
    return any(scope.covers(place) for place in places or [doc.site])
