"""Signing in and out: passwords, one-time links, and the session that follows."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from gateway.api import models
from gateway.api.asking import COOKIE, House, Who, answer
from gateway.api.parts import Parts
from gateway.api.problems import Problem
from gateway.auth import Busy, Principal, SignInRefused, csrf
from gateway.registry import Invalid
from gateway.render import rfc3339

router: Final = APIRouter(tags=["session"])


@router.post("/session", response_model=models.SessionShape)
async def sign_in(wanted: models.SignIn, request: Request, house: House) -> Response:
    """Sign in by name and password, or by a one-time token. Sets the cookie `csg_session`."""
    address = request.client.host if request.client else ""
    now = house.now()
    try:
        if wanted.token is not None and wanted.name is None and wanted.password is None:
            signed = await asyncio.to_thread(
                house.auth.redeem, wanted.token, address=address, now=now, duty=wanted.duty
            )
        elif wanted.name is not None and wanted.password is not None and wanted.token is None:
            signed = await house.auth.sign_in(
                wanted.name, wanted.password, address=address, now=now, duty=wanted.duty
            )
        else:
            raise Problem("invalid", "expected name and password, or token alone")
    except SignInRefused as refused:
        wait_s = -(-refused.wait_ms // 1000) if refused.wait_ms else None
        raise Problem(refused.code, retry_after_s=wait_s) from refused
    except Busy as error:
        raise Problem("busy") from error
    body = _session(house, signed.principal, signed.csrf, signed.expires_at)
    response = answer(body)
    response.set_cookie(
        COOKIE, signed.cookie, max_age=max((signed.expires_at - now) // 1000, 0), path="/", httponly=True,
        samesite="strict", secure=_secure(request, house),
    )  # fmt: skip
    return response


@router.get("/session", response_model=models.SessionShape)
def session(who: Who, request: Request, house: House) -> Response:
    """Who is signed in, and the CSRF token of the session (empty for API keys, which need none)."""
    cookie = request.cookies.get(COOKIE, "")
    return answer(_session(house, who, csrf(cookie) if who.session else "", None))


@router.delete("/session", status_code=204)
def sign_out(who: Who, request: Request, house: House) -> Response:
    """End the session. An API key has none to end."""
    if who.session:
        house.auth.end(who.session)
    response = Response(status_code=204)
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict", secure=_secure(request, house))
    return response


@router.put("/session/password", status_code=204)
async def set_password(wanted: models.NewPassword, who: Who, house: House) -> Response:
    """Set one's own password; every other session of the user ends."""
    if not who.session:
        raise Problem("forbidden")
    try:
        await house.auth.set_password(who, wanted.password, now=house.now())
    except Invalid as error:
        raise Problem("invalid", f"password: expected {error.problems[0].expected}") from error
    except Busy as error:
        raise Problem("busy") from error
    return Response(status_code=204)


def _session(house: Parts, who: Principal, token: str, expires_at: int | None) -> dict[str, Any]:
    zone = house.world.zone("")
    return {
        "user": {"id": who.user, "name": who.name, "language": who.language, "person": who.actor,
                 "grants": [{"role": role, "place": place} for role, place in who.grants]},
        "csrf": token, "set_password": who.set_password,
        "expires_at": None if expires_at is None else rfc3339(expires_at, zone),
    }  # fmt: skip


def _secure(request: Request, house: Parts) -> bool:
    """Whether the browser will only ever see us by https: then the cookie must never travel by http."""
    return request.url.scheme == "https" or house.base_url.startswith("https://")
