"""Compiles settings, registry and rule files into the `Plan` that decides, and says where it would reach nobody."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, Protocol

import msgspec

from devices.catalogue import Catalogue, Device, Level, Source
from devices.reading import Hazard, device_id, source_of
from gateway.config.document import Problem
from gateway.config.rulefiles import merged, site_rules
from gateway.config.settings import OWN_SOURCE, Settings, target_names
from gateway.config.shipped import route, shipped
from gateway.core.compiled import Compiled
from gateway.core.plan import Plan
from gateway.errors import OperatorFault
from gateway.registry.reader import Snapshot

OWN_PARTS: Final = ("engine", "view", "broker")
"""The gateway's own devices, placed at its first site so that its alarms reach whoever is on duty there."""

P1_HAZARDS: Final = (Hazard.FIRE, Hazard.GAS, Hazard.CO, Hazard.SOS)


class HasSnapshot(Protocol):
    """`Registry` and `RegistryReader`; the reader costs no SQLAlchemy."""

    def snapshot(self) -> Snapshot: ...


class PlanRefused(OperatorFault):
    """Rule files changed on disk and are wrong now; the plan in force stays. `problems` say file and line."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(str(p) for p in problems[:5]))
        self.problems = tuple(problems)


class Finding(msgspec.Struct, frozen=True):
    """Something in the plan that a person should mend. `code` is stable:

    `nobody` (no P1 of this place calls anybody), `late` (not at once), `no_channel`, `unknown_channel`, `no_site`,
    `unknown_source`.
    """

    code: str
    where: str
    text: str


def build_plan(settings: Settings, registry: HasSnapshot) -> Plan:
    """The plan of these settings and the registry as it is now. The same input gives the same digest.

    Raises PlanRefused for rule files that are wrong, RegistryError for a registry that cannot be read.
    """
    loaded, problems = site_rules(Path(name) for name in settings.rules)
    if problems:
        raise PlanRefused(problems)
    snapshot = registry.snapshot()
    return Plan(
        rules=merged(loaded),
        catalogue=_catalogue(settings, snapshot.catalogue),
        policies={**shipped().policies, **settings.policies},
        route=route(settings.routes, tuple(target_names(settings))),
        people=snapshot.people,
        grids=snapshot.grids,
        retired=snapshot.retired,
    )


def _catalogue(settings: Settings, placed: Catalogue) -> Catalogue:
    """The registry's places and devices with the sources of the settings, and the gateway itself among them."""
    sources = {s.name: s.source() for s in settings.sources}
    home = settings.sites[0]
    sources[OWN_SOURCE] = Source(OWN_SOURCE, home, time_zone=settings.sources[0].time_zone)
    devices = dict(placed.devices)
    for part in OWN_PARTS:
        own = device_id(OWN_SOURCE, part)
        devices.setdefault(own, Device(own, home, OWN_SOURCE))
    return Catalogue(placed.places, devices, sources)


def findings(settings: Settings, plan: Plan) -> list[Finding]:
    """What is worth a warning before the first alarm, for `csg doctor` and the console."""
    return [*_people(settings, plan), *_sites(settings, plan), *_chains(settings, plan)]


def _people(settings: Settings, plan: Plan) -> Iterator[Finding]:
    known = set(settings.channels)
    for person in plan.people.values():
        if person.roles and not person.channels:
            yield Finding("no_channel", person.id, "holds a role and has no address: no call can reach them")
        for channel in person.channels:
            if channel not in known:
                yield Finding(
                    "unknown_channel",
                    person.id,
                    f"has an address on {channel!r}, which is no channel; "
                    f"there are {', '.join(sorted(known))}",
                )


def _sites(settings: Settings, plan: Plan) -> Iterator[Finding]:
    places = plan.catalogue.places
    for site in settings.sites:
        node = places.get(site)
        if node is None or node.level is not Level.SITE:
            yield Finding(
                "no_site",
                site,
                "is the site of a source and no place of level site in the catalogue: what "
                "is not placed one by one has nobody above it",
            )
    unknown: dict[str, int] = {}
    for device in plan.catalogue.devices:
        if (source := source_of(device)) not in plan.catalogue.sources:
            unknown[source] = unknown.get(source, 0) + 1
    for source, count in sorted(unknown.items()):
        text = f"is no source of the settings; {count} devices of the catalogue name it"
        yield Finding("unknown_source", source, text)


def _chains(settings: Settings, plan: Plan) -> Iterator[Finding]:
    """For every building (or site without one): whom the P1 chains reach, if anybody."""
    compiled = Compiled(plan)
    # Simulated sites may stay without people: nobody would be called for them anyway.
    live = {s.site for s in settings.sources if not s.simulated}
    for place, site in _wards(plan, settings.sites):
        if site not in live:
            continue
        for hazard in P1_HAZARDS:
            policy, name, _ = compiled.routed(hazard, 1, site, place)
            steps = policy.steps if policy else ()
            reached = [any(compiled.holders(role, (place,)) for role in step.to) for step in steps]
            if not any(reached):
                yield Finding(
                    "nobody", place, f"a P1 {hazard} there calls nobody: no one holds a role of {name}"
                )
            elif not reached[0]:
                first = steps[reached.index(True)]
                yield Finding(
                    "late",
                    place,
                    f"a P1 {hazard} there calls nobody for {first.after_s} s: no one holds "
                    f"{' or '.join(steps[0].to)}",
                )


def _wards(plan: Plan, sites: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Buildings with their site, and sites that have none."""
    with_buildings: set[str] = set()
    for place in plan.catalogue.places.values():
        if place.level is Level.BUILDING:
            site = plan.catalogue.at_level(place.id, Level.SITE)
            if site is not None:
                with_buildings.add(site)
                yield place.id, site
    yield from ((site, site) for site in sites if site not in with_buildings)
