"""Devices without a place: seeing them, placing them one by one or by their names, and changing a broken one."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from starlette.responses import Response

from devices.reading import source_of, split_point
from gateway.api import listings, shaping
from gateway.api.asking import (
    LIMIT,
    Cursor,
    Fresh,
    House,
    Limit,
    Who,
    answer,
    anywhere,
    page,
    require,
    unpack,
)
from gateway.api.catalogue import invalid, replan
from gateway.api.parts import Parts
from gateway.api.problems import Problem
from gateway.auth import Action, Principal, allows
from gateway.auth.grants import ROLES_FOR
from gateway.core.effect import AlarmDoc
from gateway.newcomers import kind_of, unplaced
from gateway.registry import Invalid
from gateway.registry.newcomers import Settled, Wish, suggested_kind
from gateway.registry.placing import Placement, fitter
from gateway.render import rfc3339

ALARMS_MAX: Final = 1_000  # standing alarms looked at: those of unplaced devices among them come first
FITTING_MAX: Final = 10_000  # devices of one pattern: an edit of a second or two; asked again it goes on
SHOWN_MAX: Final = 500  # of these listed in the answer; the figures count all
METRICS_MAX: Final = 32  # of one device shown

router: Final = APIRouter(tags=["catalogue"])


@router.get("/inbox", response_model=listings.InboxPage, dependencies=[Fresh])
def inbox(
    who: Who, house: House, site: Annotated[str | None, Query(max_length=400)] = None, cursor: Cursor = None,
    limit: Limit = LIMIT,
) -> Response:  # fmt: skip
    """Devices that were heard and have no place: first those that alarm now, then as they were first heard."""
    anywhere(who, ROLES_FOR[Action.CATALOGUE])
    alarms = _alarms(house)
    after = unpack(cursor, tuple[int])
    retired = house.registry.retired()

    def wanted(device: str) -> bool:
        place = house.world.site(source_of(device))
        return (site is None or place == site) and _may_place(house, who, place)

    start = after[0] if after is not None else 0
    found = unplaced(house.latest, house.world.catalogue.devices, retired, start)
    names = [d for d in alarms if after is None and wanted(d)]
    some = list(islice(((at, d) for at, d in found if d not in alarms and wanted(d)), limit))
    following = (some[-1][0],) if len(some) == limit else None
    names += [d for _, d in some]
    return page(house, [_row(house, d, alarms.get(d, []), retired.get(d)) for d in names], following)


@router.post("/inbox/place", response_model=listings.Settled)
async def place(wanted: listings.PlaceAsked, who: Who, house: House) -> Response:
    """Place devices named one by one, or all that wait and fit a pattern. None that has a place is moved.

    `kind` empty: each as its metrics tell. `dry_run` says what it would do; `save` keeps the pattern for newcomers.
    """
    if (wanted.devices is None) == (wanted.pattern is None):
        raise Problem("invalid", "either `devices` or `pattern`")
    if wanted.save and wanted.pattern is None:
        raise Problem("invalid", "`save` keeps a pattern")
    if wanted.save:
        require(house, who, Action.CATALOGUE)
    rule = Placement(wanted.pattern or "", wanted.place, wanted.kind)
    wishes, more = await asyncio.to_thread(_wishes, house, who, wanted, rule)
    for target in {wish.place for wish in wishes}:
        if target in house.world.catalogue.places:
            require(house, who, Action.CATALOGUE, target)
    settled, version = await asyncio.to_thread(_settle, house, who.actor, wishes, rule, wanted)
    planned = await replan(house) if settled.placed and not wanted.dry_run else False
    missing = Counter(wish.place for wish in settled.homeless).most_common(SHOWN_MAX)
    return answer({
        "dry_run": wanted.dry_run, "matches": list(islice(_matches(house, settled), SHOWN_MAX)),
        "placed": len(settled.placed), "known": len(settled.known), "refused": len(settled.refused),
        "missing": [{"place": name, "devices": count} for name, count in missing],
        "more": more, "saved": wanted.save and not wanted.dry_run, "version": version, "planned": planned,
    })  # fmt: skip


@router.get("/placements", response_model=listings.Placements)
def placements(who: Who, house: House) -> Response:
    """The saved rules that place newcomers, the first that fits counts."""
    require(house, who, Action.CATALOGUE)
    rules = house.registry.placements()
    return answer({"items": [{"pattern": r.pattern, "place": r.place, "kind": r.kind} for r in rules]})


@router.put("/placements", response_model=listings.Placement)
async def put_placement(wanted: listings.Placement, who: Who, house: House) -> Response:
    """Keep a rule, or change the one with its pattern. Newcomers that fit go to their place some seconds later."""
    require(house, who, Action.CATALOGUE)
    rule = Placement(wanted.pattern, wanted.place, wanted.kind)
    await asyncio.to_thread(_keep, house, who.actor, rule)
    return answer(wanted.model_dump())


@router.delete("/placements", status_code=204)
async def remove_placement(
    who: Who, house: House, pattern: Annotated[str, Query(min_length=1, max_length=200)]
) -> Response:
    """Take a rule away; what it placed stays."""
    require(house, who, Action.CATALOGUE)
    await asyncio.to_thread(house.registry.remove_placement, pattern, who=who.actor, now=house.now())
    return Response(status_code=204)


@router.post("/devices/{device:path}/replace", response_model=listings.Replaced)
async def replace(device: str, wanted: listings.ReplaceAsked, who: Who, house: House) -> Response:
    """A broken device was changed for another: that one takes its place and name and shows its history as its past.

    Of the old one nothing is expected any more. The new one must not be in the catalogue; it need not be heard yet.
    """
    require(house, who, Action.CATALOGUE, house.world.place(device))
    require(house, who, Action.CATALOGUE, house.world.site(source_of(wanted.by)))
    version = await asyncio.to_thread(_replace, house, who.actor, device, wanted)
    planned = await replan(house)
    body = {"id": wanted.by, "replaces": device, "version": version, "planned": planned}
    return answer(body, headers={"ETag": f'"{version}"'})


# -- the inbox ------------------------------------------------------------------------------------------------------


def _alarms(house: Parts) -> dict[str, list[AlarmDoc]]:
    """Standing alarms of devices without a place, the most urgent device first."""
    found: dict[str, list[AlarmDoc]] = {}
    heard = house.latest.of_device
    for doc in house.views.alarms(True, None, ALARMS_MAX):
        if doc.device not in house.world.catalogue.devices and heard(doc.device):
            found.setdefault(doc.device, []).append(doc)
    urgent = sorted(found, key=lambda d: (min(a.priority for a in found[d]), min(a.since for a in found[d])))
    return {device: found[device] for device in urgent}


def _may_place(house: Parts, who: Principal, site: str) -> bool:
    return allows(who.grants, Action.CATALOGUE, site, house.world.catalogue, house.world.grids)


def _row(house: Parts, device: str, alarms: Sequence[AlarmDoc], retired_at: int | None) -> dict[str, Any]:
    world, source = house.world, source_of(device)
    site = world.site(source)
    zone = world.zone(site)
    record = house.devices_health.record(device)
    points = house.latest.of_device(device)
    last_at = house.latest.device_last_at(device)
    known = world.catalogue.sources.get(source)
    now = house.now()
    return {
        "device": device, "source": source, "native": device[len(source) + 1 :], "site": site,
        "place": world.where(site), "simulated": known is not None and known.simulated,
        "first_at": rfc3339(record.first_at, zone) if record is not None and record.first_at else None,
        "last_at": rfc3339(last_at, zone) if last_at is not None else None,
        "points": [shaping.point(last, world, now) for last in points[:METRICS_MAX]], "points_total": len(points),
        "alarms": [shaping.alarm(doc, world) for doc in alarms],
        "suggested_kind": suggested_kind(split_point(last.point)[1] for last in points),
        "taken_out_at": rfc3339(retired_at, zone) if retired_at is not None else None,
    }  # fmt: skip


# -- placing --------------------------------------------------------------------------------------------------------


def _wishes(
    house: Parts, who: Principal, wanted: listings.PlaceAsked, rule: Placement
) -> tuple[list[Wish], bool]:
    """Which device is to go where; and whether there are more that fit than are done at once."""
    if wanted.devices is not None:
        for source in {source_of(device) for device in wanted.devices}:
            require(house, who, Action.CATALOGUE, house.world.site(source))
        return [_wish(house, device, wanted.place, rule.kind) for device in wanted.devices], False
    try:
        asked = fitter(rule)
    except Invalid as error:
        raise invalid(error) from error
    found: list[Wish] = []
    for device in _waiting(house, who):
        target = asked.place(device)
        if target is None:
            continue
        if len(found) == FITTING_MAX:
            return found, True
        found.append(_wish(house, device, target, rule.kind))
    return found, False


def _waiting(house: Parts, who: Principal) -> Iterator[str]:
    known = house.world.catalogue.devices
    for _, device in unplaced(house.latest, known, house.registry.retired()):
        if _may_place(house, who, house.world.site(source_of(device))):
            yield device


def _wish(house: Parts, device: str, target: str, kind: str) -> Wish:
    return Wish(device, target, kind or kind_of(house.latest, device))


def _settle(
    house: Parts, actor: str, wishes: Sequence[Wish], rule: Placement, wanted: listings.PlaceAsked
) -> tuple[Settled, int]:
    now = house.now()
    settled = house.registry.settle(wishes, who=actor, now=now, dry_run=wanted.dry_run)
    version = settled.version
    if wanted.save and not wanted.dry_run:
        version = _keep(house, actor, rule)
    return settled, version


def _matches(house: Parts, settled: Settled) -> Iterator[dict[str, Any]]:
    """What becomes of each device, those that need a person first."""
    where = house.world.where
    for wish in settled.homeless:
        yield {"device": wish.device, "place": {"id": wish.place, "path": [], "text": wish.place}, "kind": wish.kind,
               "outcome": "missing"}  # fmt: skip
    for device in settled.refused:
        yield {"device": device, "place": None, "kind": "", "outcome": "refused"}
    for wish in settled.placed:
        yield {"device": wish.device, "place": where(wish.place), "kind": wish.kind, "outcome": "placed"}
    for device in settled.known:
        kind = house.world.catalogue.devices[device].kind if device in house.world.catalogue.devices else ""
        yield {"device": device, "place": where(house.world.place(device)), "kind": kind, "outcome": "known"}


def _keep(house: Parts, actor: str, rule: Placement) -> int:
    try:
        return house.registry.put_placement(rule, who=actor, now=house.now())
    except Invalid as error:
        raise invalid(error) from error


def _replace(house: Parts, actor: str, device: str, wanted: listings.ReplaceAsked) -> int:
    try:
        return house.registry.replace_device(
            device, wanted.by, who=actor, now=house.now(), model=wanted.model
        )
    except Invalid as error:
        raise invalid(error) from error
