"""Which acts make sense on an incident now, for somebody with these grants; the core decides again when asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from devices.catalogue import Catalogue
from gateway.auth import Grant, allows
from gateway.core.alarm import STANDING
from gateway.core.effect import IncidentDoc
from gateway.core.event import Verb
from gateway.core.incident import BY_PERSON, HANDLING
from gateway.core.plan import Grid

REOPEN_MS: Final = 3_600_000  # as long as the core keeps a closed incident (gateway.core.turn)
ON_INCIDENTS: Final = (
    Verb.TAKE, Verb.RELEASE, Verb.DECLINE, Verb.MUTE, Verb.VERDICT, Verb.DISPATCH, Verb.ON_SCENE, Verb.CONTROL,
    Verb.RESET, Verb.CLOSE, Verb.REOPEN, Verb.NOTE,
)  # fmt: skip
_DESK: Final = ("admin", "operator", "duty_operator")


def allowed(
    doc: IncidentDoc,
    actor: str,
    grants: Iterable[Grant],
    catalogue: Catalogue,
    grids: Mapping[str, Grid],
    now: int,
) -> list[str]:
    """The verbs, in the order of their keys."""
    held = tuple(grants)
    places = [*doc.places, doc.place, doc.site]
    return [
        str(verb)
        for verb in ON_INCIDENTS
        if _fits(verb, doc, actor, held, now)
        and any(allows(held, verb, place, catalogue, grids) for place in places if place)
    ]


def _fits(verb: Verb, doc: IncidentDoc, actor: str, grants: tuple[Grant, ...], now: int) -> bool:
    closed = doc.handling == "closed"
    forgotten = closed and now - doc.updated_at >= REOPEN_MS
    states = [a.state for a in doc.alarms if a.out_of_service_until is None]
    active = any(state in STANDING for state in states)
    judged = doc.verdict in BY_PERSON
    match verb:
        case Verb.NOTE:
            return not forgotten
        case Verb.MUTE:
            return doc.sound == "ringing"
        case Verb.DECLINE | Verb.VERDICT:
            return not closed
        case Verb.RESET:
            latched = any(a.state == "LATCHED_ACKED" for a in doc.alarms)
            return not closed and (latched or (judged and active))
        case Verb.CLOSE:
            latched = any(state.startswith("LATCHED") for state in states)
            return not (closed or active or latched or (doc.priority == 1 and not judged))
        case Verb.REOPEN:
            return closed and not forgotten
        case Verb.RELEASE if doc.taken_by not in (None, actor):
            return str(verb) in HANDLING[doc.handling] and any(role in _DESK for role, _ in grants)
    return str(verb) in HANDLING.get(doc.handling, {})
