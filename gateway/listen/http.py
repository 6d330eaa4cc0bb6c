"""`/push/{source}/{key}/...`: what devices and platforms post is answered 200 once it is on disk, and not before."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Final
from urllib.parse import parse_qsl

import msgspec
import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from devices.codec import Push, Reply
from gateway.api.problems import MEDIA_TYPE, PREFIX
from gateway.control import FRAME_MAX
from gateway.errors import EngineGone
from gateway.listen.bounds import BODIES_MAX, Bucket, Figures
from gateway.listen.family import Family
from gateway.listen.uplink import NotTaken, Uplink, UplinkBusy

BODY_S: Final = 10.0  # for the whole body; a carrier sends its few kilobytes in one packet or two
FIELDS_MAX: Final = 64  # of a query
PAYLOAD_MAX: Final = FRAME_MAX - 8_192  # what fits through the control socket with its names

_NOBODY: Final = b"\0" * 32
"""Compared with where there is no such source, so that the time says nothing about which exist."""

REFUSALS: Final[Mapping[str, tuple[int, str, int | None]]] = {
    "not_found": (404, "There is nothing at this address.", None),
    "method_not_allowed": (405, "This address does not take the method.", None),
    "bad_request": (400, "The request cannot be read.", None),
    "slow": (408, "The body did not come in time.", None),
    "too_large": (413, "The body is larger than this source takes.", None),
    "rate_limited": (429, "Too much of this source at once; send it again.", 1),
    "busy": (503, "Too many messages wait to be written; send it again.", 2),
    "engine_gone": (503, "The message could not be kept for certain; send it again.", 5),
    "internal": (500, "A bug of ours. It is in the log.", None),
}
"""Code -> (HTTP status, what it means, seconds of Retry-After). Codes are only ever added."""

log = structlog.get_logger(__name__)


def refusal(code: str) -> Response:
    """An RFC 9457 problem document. It never says which part of an address was wrong."""
    status, title, again_s = REFUSALS[code]
    body = {"type": PREFIX + code, "title": title, "status": status, "code": code}
    headers = {"Cache-Control": "no-store"}
    if again_s is not None:
        headers["Retry-After"] = str(again_s)
    return Response(msgspec.json.encode(body), status, headers, MEDIA_TYPE)


class PushApp:
    """The application for all sources that listen over HTTP. `clock` gives seconds that never go back."""

    def __init__(
        self, families: Mapping[str, Family], uplink: Uplink, figures: Figures, clock: Callable[[], float],
        *, body_s: float = BODY_S,
    ) -> None:  # fmt: skip
        self._families, self._uplink, self._figures, self._clock = families, uplink, figures, clock
        self._body_s = body_s
        self._buckets = {name: Bucket() for name in families}
        self._keys = {
            name: sha256(family.key.encode()).digest() for name, family in families.items() if family.key
        }
        self._reading = 0  # bytes of bodies held now
        routes = [
            Route(path, self._push, methods=["GET", "POST", "PUT"])
            for path in ("/push/{source}", "/push/{source}/{rest:path}")
        ]
        self.app = Starlette(routes=routes, exception_handlers={HTTPException: _http, Exception: _bug})

    async def _push(self, request: Request) -> Response:
        family = self._families.get(request.path_params["source"])
        path = self._inside(family, request.path_params.get("rest", ""))
        if family is None or path is None:
            self._figures.strangers += 1
            return refusal("not_found")
        try:
            async with asyncio.timeout(self._body_s):
                body = await self._body(request, family.push_max)
            query = _query(request.scope["query_string"])
        except TimeoutError:
            return self._refuse(family, "slow", "slow")
        except (ClientDisconnect, ValueError):
            return self._refuse(family, "refused", "bad_request")
        if isinstance(body, str):
            return self._refuse(family, body, body)
        return await self._admitted(family, Push(request.method, path, query, dict(request.headers), body))

    def _inside(self, family: Family | None, rest: str) -> str | None:
        """The path below the source's own address; None for a wrong key, as for a source that is not there."""
        if family is not None and family.signed:
            return rest
        key, _, path = rest.partition("/")
        known = self._keys.get(family.name, _NOBODY) if family is not None else _NOBODY
        # Digests have one length, so the time does not tell the key's either.
        return path if hmac.compare_digest(sha256(key.encode()).digest(), known) else None

    async def _body(self, request: Request, bound: int) -> bytes | str:
        """The whole body, or the word for why not."""
        declared = request.headers.get("content-length", "0")
        if not declared.isdigit() or int(declared) > bound:
            return "too_large"
        found = bytearray()
        try:
            async for chunk in request.stream():
                found += chunk
                self._reading += len(chunk)
                if len(found) > bound:
                    return "too_large"
                if self._reading > BODIES_MAX:
                    return "busy"
            return bytes(found)
        finally:
            self._reading -= len(found)

    async def _admitted(self, family: Family, push: Push) -> Response:
        """Let the codec say what to take, and answer when it is kept."""
        admitted = family.admit(push)
        if isinstance(admitted, Reply):
            self._figures.count(family.name, "answered" if admitted.status < 400 else "refused")
            return _said(admitted)
        topic, payload = admitted
        if len(payload) > PAYLOAD_MAX:
            return self._refuse(family, "too_large", "too_large")
        if not self._buckets[family.name].take(self._clock()) and not family.hot(topic, payload):
            return self._refuse(family, "limited", "rate_limited")
        try:
            await self._uplink.offer(family.name, topic, payload, lambda: family.hot(topic, payload))
        except UplinkBusy:
            return self._refuse(family, "busy", "busy")
        except EngineGone:
            return self._refuse(family, "engine_gone", "engine_gone")
        except NotTaken as error:
            log.error("engine refused a push", source=family.name, code=str(error))
            return self._refuse(family, "refused", "internal")
        self._figures.count(family.name, "taken")
        return _said(family.taken)

    def _refuse(self, family: Family, word: str, code: str) -> Response:
        self._figures.count(family.name, word)
        return refusal(code)


def _query(raw: bytes) -> dict[str, str]:
    """Raises ValueError for more fields than any sender has reason to send."""
    return dict(parse_qsl(raw.decode("latin-1"), keep_blank_values=True, max_num_fields=FIELDS_MAX))


def _said(reply: Reply) -> Response:
    """A codec's own answer; where it is empty and says no, a problem document instead."""
    plain = {404: "not_found", 405: "method_not_allowed", 500: "internal"}.get(reply.status)
    if plain is not None and not reply.body:
        return refusal(plain)
    headers = {
        "Content-Type": reply.media_type,
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(reply.body, reply.status, headers)


async def _http(_request: Request, error: Exception) -> Response:
    """No such route, or a method no source takes."""
    status = error.status_code if isinstance(error, HTTPException) else 404
    return refusal("method_not_allowed" if status == 405 else "not_found")


async def _bug(_request: Request, error: Exception) -> Response:
    """API boundary: said as a problem, and never with the address in the log, for the key is in it."""
    log.error("listener raised", error=repr(error)[:200])
    return refusal("internal")
