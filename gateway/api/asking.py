"""Who is asking and for what page: the dependencies that routes share."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Annotated, Any, Final, TypeVar

import msgspec
from fastapi import Depends, Query, Request, Security
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer
from starlette.responses import Response

from gateway.api.parts import Parts
from gateway.api.problems import Problem
from gateway.auth import EVERYWHERE, Action, Principal, allows, csrf_ok
from gateway.core.event import Verb

COOKIE: Final = "csg_session"
CSRF_HEADER: Final = "X-CSRF"
SAFE: Final = ("GET", "HEAD", "OPTIONS")
LIMIT_MAX: Final = 500
LIMIT: Final = 100
INTEGER_MAX: Final = 2**62  # larger numbers are no database's

T = TypeVar("T")

_cookie = APIKeyCookie(name=COOKIE, auto_error=False, description="The session of a browser.")
_bearer = HTTPBearer(auto_error=False, description="An API key: csg_<id>_<secret>.")
_json = msgspec.json.Encoder().encode


def parts_of(request: Request) -> Parts:
    """What the application was made of."""
    found: Parts = request.app.state.parts
    return found


House = Annotated[Parts, Depends(parts_of)]


def signed_in(
    request: Request,
    house: House,
    cookie: Annotated[str | None, Security(_cookie)] = None,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)] = None,
) -> Principal:
    """Who asks, by API key or session; a write by session must carry its CSRF token. Runs in a thread."""
    now = house.now()
    if bearer is not None:
        found = house.auth.key(bearer.credentials, now)
        if found is None:
            raise Problem("signed_out")
        return found
    found = house.auth.session(cookie, now) if cookie else None
    if found is None or cookie is None:
        raise Problem("signed_out")
    if request.method not in SAFE and not csrf_ok(cookie, request.headers.get(CSRF_HEADER, "")):
        raise Problem("csrf")
    return found


Who = Annotated[Principal, Depends(signed_in)]


async def fresh(house: House, min_seq: Annotated[int | None, Query(ge=0, le=2**62)] = None) -> None:
    """Wait (2 s at most) until the views hold `min_seq`, the `seq` an act answered."""
    if min_seq is not None:
        await house.hub.reached(min_seq)


Fresh = Depends(fresh)
Limit = Annotated[int, Query(ge=1, le=LIMIT_MAX, description="Rows of one page.")]
Cursor = Annotated[str | None, Query(max_length=400, description="`next` of the page before.")]


def require(house: Parts, who: Principal, action: Action | Verb, place: str = EVERYWHERE) -> None:
    """Raise `forbidden` unless one of the grants allows it there."""
    world = house.world
    if not allows(who.grants, action, place, world.catalogue, world.grids):
        raise Problem("forbidden")


def anywhere(who: Principal, roles: Iterable[str]) -> None:
    """Raise `forbidden` unless the principal holds one of the roles somewhere."""
    wanted = set(roles)
    if not any(role in wanted for role, _ in who.grants):
        raise Problem("forbidden")


def answer(value: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """JSON that no cache keeps: it is of the moment and of one person."""
    return Response(
        _json(value), status, {"Cache-Control": "no-store", **(headers or {})}, "application/json"
    )


def page(house: Parts, items: list[Any], following: tuple[Any, ...] | None, **more: Any) -> Response:
    """One page of rows, where the next begins, and what else belongs to it."""
    following_text = None if following is None else pack(following)
    return answer({"items": items, "next": following_text, "seq": house.hub.seq, **more})


def pack(place: tuple[Any, ...]) -> str:
    """A cursor: nobody outside is meant to read it."""
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(place)).rstrip(b"=").decode()


def unpack(cursor: str | None, shape: type[T]) -> T | None:
    """What `pack` made. Raises `bad_cursor`."""
    if cursor is None:
        return None
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        found = msgspec.msgpack.decode(raw, type=shape)
    except (ValueError, msgspec.MsgspecError) as error:
        raise Problem("bad_cursor") from error
    if any(isinstance(part, int) and abs(part) > INTEGER_MAX for part in found):  # type: ignore[attr-defined]  # a tuple
        raise Problem("bad_cursor")
    return found
