"""What devices may be told, who told them, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Query
from pydantic import Field
from starlette.responses import Response

from devices.catalogue import Catalogue, Device, Level
from devices.reading import Hazard, source_of
from gateway.api import models, shaping
from gateway.api.acting import KEY, act
from gateway.api.asking import Fresh, House, Who, answer
from gateway.api.parts import Parts
from gateway.api.problems import Problem
from gateway.api.world import World, visible
from gateway.auth import Grant, allows
from gateway.core.command import OFFERS, PENDING, QUESTION, CommandState, Offer, spoken
from gateway.core.effect import CommandDoc, IncidentDoc
from gateway.core.event import Acted, Verb
from gateway.render import rfc3339

HISTORY: Final = 50
NEAR_MAX: Final = 200
"""Devices shown beside one incident; a floor has some dozens."""

RECENT: Final = 500
AT_INCIDENTS: Final = frozenset(("siren", "valve", "door", "access", "barrier", "charger", "camera"))
"""Kinds that are shown wherever they stand near; a detector only where it alarms, to be muted."""

CALM: Final = frozenset(("self_test", "duty_check")) | {
    name for (_, name), o in OFFERS.items() if o == QUESTION
}
"""Asked on a quiet day: not shown beside an incident."""

router: Final = APIRouter(tags=["commands"])
Key = Annotated[
    str | None, Header(alias="Idempotency-Key", description="Made by you; the same again does nothing twice.")
]
Limit = Annotated[int, Query(ge=1, le=HISTORY, description="Rows of the history.")]


class CommandShape(models.Shape):
    """One command. `state` goes requested, sent, and then confirmed, unconfirmed or failed."""

    id: str
    device: str
    name: str
    person: models.PersonShape
    automatic: bool = Field(description="Nobody pressed: a fire sounded it.")
    place: models.PlaceRef
    site: str
    mode: str
    state: str = Field(description="requested sent confirmed unconfirmed failed")
    asked_at: models.Time
    tries: int
    detail: str = Field(description="`code: words` of why the last try was not sent; empty where it was.")


class OfferShape(models.Shape):
    """`why` is the problem code that a request would surely be refused with; null says that it may be tried."""

    name: str
    press: str = Field(description="one or two: then the first request answers `confirm`")
    electric: bool = Field(description="Switches a current: never sent where gas may be.")
    answers: bool = Field(
        description="Devices of this kind can say that they obeyed; else it ends `unconfirmed`."
    )
    why: str | None


class DeviceCommands(models.Shape):
    device: str
    kind: str
    name: str
    place: models.PlaceRef
    offered: list[OfferShape]
    items: list[CommandShape]


class NearCommands(models.Shape):
    items: list[DeviceCommands]
    seq: int


class AskedCommand(models.Asked):
    """A command. `confirm`: the second press. `anyway`: in spite of `silent`, `state_unknown` or `already`."""

    name: Annotated[str, Field(min_length=1, max_length=32)]
    confirm: bool = False
    anyway: bool = False


@router.get("/incidents/{incident}/commands", response_model=NearCommands, dependencies=[Fresh])
def near_incident(incident: str, who: Who, house: House) -> Response:
    """What may be told to devices on the floors of an incident, and what they were told since it opened."""
    world = house.world
    doc = house.views.incident(incident)
    scope = world.scope(who.grants)
    if doc is None or not visible(scope, doc):
        raise Problem("not_found")
    told: dict[str, list[CommandDoc]] = {}
    for command in house.views.recent_commands(doc.opened_at, RECENT):
        told.setdefault(command.device, []).append(command)
    alarming = {a.device for a in doc.alarms}
    items = []
    for device in near(world.catalogue, doc.places):
        if not scope.covers(device.place) or (device.kind not in AT_INCIDENTS and device.id not in alarming):
            continue
        offered = [
            row
            for row in offers(world, device, who.grants, told.get(device.id, ()), doc)
            if row["name"] not in CALM and row["why"] not in ("not_offered", "no_incident")
        ]
        if offered:
            items.append(_device(house, device, offered, told.get(device.id, ())))
    return answer({"items": items[:NEAR_MAX], "seq": house.hub.seq})


@router.get("/devices/{device:path}/commands", response_model=DeviceCommands, dependencies=[Fresh])
def of_device(device: str, who: Who, house: House, limit: Limit = 20) -> Response:
    """What this device may be told, and what it was told before, newest first."""
    known = _known(house, who.grants, device)
    told = house.views.commands(device, limit)
    return answer(_device(house, known, offers(house.world, known, who.grants, told), told))


@router.post(
    "/devices/{device:path}/commands",
    response_model=models.ActAnswerShape,
    status_code=202,
    tags=["commands"],
)
async def tell_device(device: str, wanted: AskedCommand, who: Who, house: House, key: Key = None) -> Response:
    """Ask a device for something. 202: it is on its way, and `state` of its command says how far.

    The first press of a two-step command is refused with the problem `confirm` and nothing is sent; the same request
    with `confirm` and an Idempotency-Key of its own, within 30 s and by the same person, sends it.
    """
    if key is None or not KEY.fullmatch(key):
        raise Problem("idempotency_key")
    known = _known(house, who.grants, device)
    args: dict[str, Any] = {"name": wanted.name}
    args |= {"confirm": True} if wanted.confirm else {}
    args |= {"anyway": True} if wanted.anyway else {}
    said = await act(
        house, Acted(f"{who.user}:{key}", who.actor, who.grants, Verb.COMMAND, known.id, None, args)
    )
    if not said.ok:
        raise Problem(said.code, seq=said.seq)
    return answer(
        {"ok": True, "code": said.code, "rev": said.rev, "seq": said.seq, "durable": said.durable}, status=202
    )


def offers(
    world: World,
    device: Device,
    grants: Iterable[Grant],
    told: Iterable[CommandDoc],
    incident: IncidentDoc | None = None,
) -> list[dict[str, Any]]:
    """Every command of the device's kind, with why it would be refused as far as tables and `told` can say.

    The core decides when somebody asks: it knows every incident, and whether the device is there.
    """
    source = world.catalogue.sources.get(source_of(device.id))
    may = allows(grants, Verb.COMMAND, device.place, world.catalogue, world.grids)
    pending = {c.name for c in told if c.device == device.id and c.state in PENDING}
    return [
        {"name": name, "press": str(offer.press), "electric": offer.electric, "answers": bool(offer.confirms),
         "why": _why(world.catalogue, device, offer, incident) or ("" if may else "forbidden")
         or ("pending" if name in pending else "") or None}
        for (kind, name), offer in OFFERS.items()
        if kind == device.kind and spoken(offer, source)
    ]  # fmt: skip


def _why(catalogue: Catalogue, device: Device, offer: Offer, incident: IncidentDoc | None) -> str:
    if offer.within is not None and catalogue.at_level(device.place, offer.within) is None:
        return "not_offered"
    if incident is None:
        return ""
    if offer.electric and incident.hazard == Hazard.GAS and incident.handling != "closed":
        return "gas_zone"
    return "no_incident" if offer.hazard is not None and incident.hazard != offer.hazard else ""


def near(catalogue: Catalogue, places: Iterable[str]) -> list[Device]:
    """Devices on the floors of these places, or in their buildings where the tree knows no floors; valves first."""
    tops = {catalogue.at_level(p, Level.FLOOR) or catalogue.at_level(p, Level.BUILDING) or p for p in places}
    found = [
        d
        for d in catalogue.devices.values()
        if any(kind == d.kind for kind, _ in OFFERS)
        and any(node.id in tops for node in catalogue.path(d.place))
    ]
    kinds = {kind: n for n, kind in enumerate(("valve", "siren", "door", "access", "charger", "barrier"))}
    return sorted(found, key=lambda d: (kinds.get(d.kind, len(kinds)), d.id))


def shape(doc: CommandDoc, house: Parts) -> dict[str, Any]:
    """One command as the API and the stream show it."""
    world = house.world
    return {
        "id": doc.id, "device": doc.device, "name": doc.name,
        "person": shaping.person(doc.user or None, "", house.directory), "automatic": not doc.user,
        "place": world.where(doc.place), "site": doc.site, "mode": doc.mode, "state": doc.state,
        "asked_at": rfc3339(doc.asked_at, world.zone(doc.site)), "tries": doc.tries,
        "detail": doc.detail if doc.state != CommandState.CONFIRMED else "",
    }  # fmt: skip


def _device(
    house: Parts, device: Device, offered: list[dict[str, Any]], told: Iterable[CommandDoc]
) -> dict[str, Any]:
    return {
        "device": device.id, "kind": device.kind, "name": device.name, "place": house.world.where(device.place),
        "offered": offered, "items": [shape(doc, house) for doc in told],
    }  # fmt: skip


def _known(house: Parts, grants: tuple[Grant, ...], device: str) -> Device:
    """The device, placed and to be seen. Raises `not_found`: what has no place is told nothing."""
    known = house.world.catalogue.devices.get(device)
    if known is None or not house.world.scope(grants).covers(known.place):
        raise Problem("not_found")
    return known
