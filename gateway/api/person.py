"""The personal page behind a notification's link: looked at by GET, acted on by POST, without cookies or scripts."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Final
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request
from starlette.responses import Response

from gateway import linkpage, links
from gateway.api.acting import act, note_args
from gateway.api.asking import House
from gateway.api.parts import Parts
from gateway.api.problems import Problem
from gateway.auth.throttle import network
from gateway.core.effect import IncidentDoc
from gateway.core.event import Acted, Verb
from gateway.linkpage import Answer, Asked, State
from gateway.links import Link, LinkRefused
from gateway.wording import HOME_ROLES

MINUTE_MS: Final = 60_000
PER_ADDRESS: Final = 120  # pages a minute from one address: an office of grid staff in a storm
PER_LINK: Final = 40  # of one link
KEPT_MAX: Final = 10_000
FIELDS_MAX: Final = 20

router: Final = APIRouter(include_in_schema=False)


class Rate:
    """Counts by key within a minute, in bounded memory; forgets the key unused longest."""

    def __init__(self) -> None:
        self._counts: OrderedDict[str, tuple[int, int]] = OrderedDict()

    def over(self, key: str, limit: int, now: int) -> bool:
        """Count one, and say whether it is one too many."""
        began, count = self._counts.get(key, (now, 0))
        if not 0 <= now - began < MINUTE_MS:
            began, count = now, 0
        self._counts[key] = (began, count + 1)
        self._counts.move_to_end(key)
        while len(self._counts) > KEPT_MAX:
            self._counts.popitem(last=False)
        return count >= limit


@router.get("/n/{token}")
async def look(token: str, request: Request, house: House) -> Response:
    """What, where, since when and what to do. Changes nothing."""
    return await asyncio.to_thread(_looked, house, token, request)


@router.post("/n/{token}")
async def press(token: str, request: Request, house: House) -> Response:
    """One of the page's buttons; the page comes back with what became of it."""
    found = await asyncio.to_thread(_opened, house, token, request)
    if isinstance(found, Response):
        return found
    link, doc, role = found
    raw = await request.body()
    try:
        fields = dict(
            parse_qsl(raw.decode("utf-8", "replace"), max_num_fields=FIELDS_MAX, keep_blank_values=True)
        )
    except ValueError:  # more fields than any page of ours has
        fields = {}
    wanted = linkpage.asked(fields)
    if wanted is None or not links.csrf_ok(house.link_key, token, wanted.csrf):
        said = Answer("note", False, "bad_request")
        return await asyncio.to_thread(_page, house, token, link, doc, role, said)
    said, seq = await _perform(house, link, doc, role, wanted)
    if seq:
        await house.hub.reached(seq)
    now_is = await asyncio.to_thread(house.views.incident, link.incident)
    return await asyncio.to_thread(_page, house, token, link, now_is or doc, role, said)


async def _perform(
    house: Parts, link: Link, doc: IncidentDoc, role: str, wanted: Asked
) -> tuple[Answer, int]:
    """The act as that person, in the role they were told in first; a verdict's note is an act of its own."""
    grants = _grants(house, link.person, role)
    key = f"link:{link.effect}:{wanted.once}:{wanted.act}"
    shown = str(wanted.verdict or wanted.act)
    args: dict[str, object] = {}
    if wanted.act == "verdict":
        args = {"verdict": wanted.verdict, **({"cause": wanted.cause} if wanted.cause else {})}
    try:
        if wanted.act == "note":
            args = await asyncio.to_thread(
                note_args, house, link.person, role, doc.id, {"text": wanted.note}, f"{key}:{link.person}"
            )
        said = await act(
            house, Acted(key, link.person, grants, Verb(wanted.act), doc.id, wanted.version, args)
        )
        if said.ok and wanted.act == "verdict" and wanted.note:
            note = await asyncio.to_thread(
                note_args, house, link.person, role, doc.id, {"text": wanted.note}, f"{key}:{link.person}"
            )
            await act(house, Acted(f"{key}:note", link.person, grants, Verb.NOTE, doc.id, None, note))
    except Problem as problem:
        return Answer(shown, False, problem.code), 0
    return Answer(shown, said.ok, said.code, said.durable), said.seq


def _looked(house: Parts, token: str, request: Request) -> Response:
    found = _opened(house, token, request)
    if isinstance(found, Response):
        return found
    link, doc, role = found
    return _page(house, token, link, doc, role, None)


def _opened(house: Parts, token: str, request: Request) -> Response | tuple[Link, IncidentDoc, str]:
    """The link, its incident and the role it was sent for; or the page that says why not. Raises `rate_limited`."""
    rate: Rate = request.app.state.rate
    now = house.now()
    address = network(request.client.host if request.client else "")
    if rate.over(f"a {address}", PER_ADDRESS, now) or rate.over(f"l {token[:80]}", PER_LINK, now):
        raise Problem("rate_limited", retry_after_s=60)
    link = links.read(house.link_key, token, now)
    if isinstance(link, LinkRefused):
        return _refused(now, expired=link is LinkRefused.EXPIRED, request=request)
    doc = house.views.incident(link.incident)
    if (
        doc is None or link.person not in house.world.plan.people
    ):  # not folded yet, or a person taken off the list
        return _refused(now, expired=False, request=request)
    return link, doc, _role(house, link, doc)


def _role(house: Parts, link: Link, doc: IncidentDoc) -> str:
    """The role the person was told in: other buttons and other advice for the people in the flat."""
    for row in reversed(doc.told):
        if row.effect == link.effect or row.person == link.person:
            return row.role
    roles = house.world.plan.people[link.person].roles
    return roles[0][0] if roles else "household"


def _grants(house: Parts, person: str, role: str) -> tuple[tuple[str, str], ...]:
    """The person's roles as grants, the one they were told in first: it is written beside their name."""
    roles = house.world.plan.people[person].roles
    return tuple(sorted(roles, key=lambda held: held[0] != role))


def _page(house: Parts, token: str, link: Link, doc: IncidentDoc, role: str, said: Answer | None) -> Response:
    world = house.world
    language = house.directory.language(link.person)
    state = State(
        house.now(), mine=doc.taken_by == link.person, may_verdict=role not in HOME_ROLES, answer=said
    )
    body = linkpage.page(
        world.composer.incident(doc), link, language, state, links.csrf(house.link_key, token),
        advice=world.composer.advice(doc, language, role),
    )  # fmt: skip
    return Response(body, headers=dict(linkpage.HEADERS))


def _refused(now: int, *, expired: bool, request: Request) -> Response:
    """In the language the browser asks for: of the person we know nothing here."""
    language = "en" if request.headers.get("Accept-Language", "").lower().startswith("en") else "zh-CN"
    state = State(now, status="expired" if expired else "invalid")
    return Response(
        linkpage.page(None, None, language, state, ""), 410 if expired else 404, dict(linkpage.HEADERS)
    )
