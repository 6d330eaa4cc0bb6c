"""Around every request: security headers, a bound on its size, and a count for the metrics."""

from __future__ import annotations

import asyncio
from typing import Final

from fastapi import Request
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.api.metrics import Requests
from gateway.api.problems import Problem
from gateway.clock import Clock

BODY_MAX: Final = 64 * 1024
BODY_S: Final = 30.0  # until all of a body is here; of LARGE ones until the next piece is
LARGE: Final = ("/api/v1/catalogue",)
"""Addresses that read their body themselves, after they know who asks (`limited_body`)."""

CONSOLE_POLICY: Final = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
HEADERS: Final = {
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"x-frame-options": b"DENY",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"permissions-policy": b"camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    b"content-security-policy": CONSOLE_POLICY.encode(),
}
"""On every answer, unless the route says otherwise (the personal page has a stricter policy of its own)."""
HSTS: Final = (b"strict-transport-security", b"max-age=31536000")


class TooLarge(HTTPException):
    """The body went over its bound while it was read. An HTTPException, for that is what FastAPI lets through there."""

    def __init__(self) -> None:
        super().__init__(413)


class TooSlow(HTTPException):
    """The body did not come in time: whoever holds it back must not hold a connection for good."""

    def __init__(self) -> None:
        super().__init__(408)


class Guard:
    """Pure ASGI, so that streams pass through unbuffered."""

    def __init__(self, app: ASGIApp, requests: Requests, clock: Clock) -> None:
        self.app, self.requests, self.clock = app, requests, clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = self.clock.monotonic_ms()
        status = 500

        async def wrapped(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                given = {name.lower() for name, _ in message["headers"]}
                more = [(name, value) for name, value in HEADERS.items() if name not in given]
                if scope.get("scheme") == "https":
                    more.append(HSTS)
                message["headers"] = [*message["headers"], *more]
            await send(message)

        try:
            if _declared(scope) > _bound(scope):
                await Problem("too_large").response()(scope, receive, wrapped)
                return
            await self.app(scope, _limited(receive, _bound(scope), scope["path"] in LARGE), wrapped)
        finally:
            route = getattr(scope.get("route"), "path", "other")
            self.requests.count(scope["method"], route, status, self.clock.monotonic_ms() - began)


async def limited_body(request: Request, bound: int) -> bytes:
    """The whole body of an address in LARGE. Raises `too_large`."""
    found = bytearray()
    async for chunk in request.stream():
        found += chunk
        if len(found) > bound:
            raise Problem("too_large")
    return bytes(found)


def _bound(scope: Scope) -> int:
    return 2**62 if scope["path"] in LARGE else BODY_MAX


def _declared(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else 2**63
    return 0


def _limited(receive: Receive, bound: int, large: bool) -> Receive:
    """A body without a declared length is counted as it comes, and one that does not come is given up."""
    size = 0
    late: float | None = None  # loop time
    whole = False  # what is waited for then is that the client leaves

    async def limited() -> Message:
        nonlocal size, late, whole
        if whole:
            return await receive()
        if late is None or large:
            late = asyncio.get_running_loop().time() + BODY_S
        try:
            async with asyncio.timeout_at(late):
                message = await receive()
        except TimeoutError:
            raise TooSlow from None
        whole = message["type"] != "http.request" or not message.get("more_body", False)
        if message["type"] == "http.request":
            size += len(message.get("body", b""))
            if size > bound:
                raise TooLarge
        return message

    return limited
