"""Hands acts to the engine and turns its answers into ours; shared by the console's routes and the personal page."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any, Final

from gateway.api.parts import Parts
from gateway.api.problems import Problem
from gateway.auth import Principal, second_person_ok
from gateway.control import ActAnswer
from gateway.core.effect import AlarmDoc, IncidentDoc
from gateway.core.event import Acted, Verb
from gateway.errors import EngineGone

KEY: Final = re.compile(r"[\x21-\x7e]{1,128}")
TEXT_MAX: Final = 200  # characters of an argument
INTEGER_MAX: Final = 2**53  # what JSON carries everywhere

ARGS: Final[Mapping[Verb, Mapping[str, type]]] = {
    Verb.VERDICT: {"verdict": str, "cause": str},
    Verb.DISPATCH: {"person": str},
    Verb.CLOSE: {"reason": str},
    Verb.RESET: {"gone": bool},
    Verb.NOTE: {"text": str},
    Verb.SHELVE: {"until_ms": int, "reason": str},
    Verb.OUT_OF_SERVICE: {"until_ms": int, "order": str, "second": str},
}
"""What an act may carry; anything else is a mistake worth telling before it is journalled for good."""

ACTS: Final = tuple(str(verb) for verb in Verb if verb is not Verb.COMMAND)
"""What people do with incidents and alarms."""


def verb_of(word: str) -> Verb:
    """Raises `invalid`, also for what is asked of devices: commands have an address of their own."""
    if word not in ACTS:
        raise Problem("invalid", f"verb: expected one of {', '.join(ACTS)}")
    return Verb(word)


def checked(verb: Verb, args: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments, known and bounded. Raises `invalid`."""
    known = ARGS.get(verb, {})
    for name, value in args.items():
        kind = known.get(name)
        if kind is None:
            raise Problem(
                "invalid", f"args: {verb} knows {', '.join(known) or 'no arguments'}, not {name[:40]!r}"
            )
        if type(value) is not kind or _too_long(value):
            raise Problem("invalid", f"args.{name}: expected {_expected(kind)}")
    return dict(args)


def _too_long(value: Any) -> bool:
    return len(value) > TEXT_MAX if isinstance(value, str) else abs(value) > INTEGER_MAX


def _expected(kind: type) -> str:
    return (
        f"a text of at most {TEXT_MAX} characters"
        if kind is str
        else "a boolean"
        if kind is bool
        else "an integer"
    )


async def act(house: Parts, acted: Acted) -> ActAnswer:
    """Send it to the engine. Raises `engine_gone`."""
    try:
        return await house.control.act(acted)
    except EngineGone as error:
        raise Problem("engine_gone") from error


async def act_as(
    house: Parts, who: Principal, key: str | None, verb: Verb, doc: IncidentDoc | AlarmDoc, version: int | None,
    args: Mapping[str, Any],
) -> ActAnswer:  # fmt: skip
    """A signed-in user or key acts on what they see. Raises a `Problem` for every refusal."""
    if key is None or not KEY.fullmatch(key):
        raise Problem("idempotency_key")
    wanted = checked(verb, args)
    if verb is Verb.NOTE:
        role = who.grants[0][0] if who.grants else ""
        wanted = await asyncio.to_thread(
            note_args, house, who.actor, role, doc.id, wanted, f"{who.user}:{key}"
        )
    if verb is Verb.OUT_OF_SERVICE and doc.priority == 1 and isinstance(doc, AlarmDoc):
        await asyncio.to_thread(_second_person, house, who, doc, str(wanted.get("second", "")))
    said = await act(house, Acted(f"{who.user}:{key}", who.actor, who.grants, verb, doc.id, version, wanted))
    if not said.ok:
        raise Problem(said.code, rev=said.rev, seq=said.seq)
    return said


def note_args(
    house: Parts, actor: str, role: str, incident: str, args: Mapping[str, Any], key: str
) -> dict[str, Any]:
    """Keep the text beside the journal and give what the journal may hold: its id. Raises `invalid` without a text."""
    text = str(args.get("text", "")).strip()
    if not text:
        raise Problem("invalid", "args.text: expected what you want to write down")
    return {"note": house.notes.add(incident, actor, role, house.now(), text, identity=key[:200])}


def _second_person(house: Parts, who: Principal, doc: AlarmDoc, second: str) -> None:
    """Whoever stands by must hold the right themselves; that they exist is not enough."""
    world = house.world
    grants = [
        g for u in house.auth.users.all() if not u.disabled and second in (u.id, u.person) for g in u.grants
    ]
    if second in (who.actor, who.user) or not second_person_ok(
        who.actor, second, grants, Verb.OUT_OF_SERVICE, doc.place, world.catalogue, world.grids
    ):
        raise Problem("second_person")
