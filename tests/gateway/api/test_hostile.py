"""What an attacker or a broken program sends to every address: a problem document, never a bug, never a hang."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway.api import hub as hub_module
from gateway.api import middleware
from gateway.api.app import create_app
from gateway.api.middleware import HEADERS
from gateway.api.problems import MEDIA_TYPE
from tests.gateway.api.house import House
from tests.gateway.api.test_person_api import form, link

NAMES = (
    "..%2f..%2fetc%2fpasswd", "%00", "%ff", "%ed%a0%80", "x" * 3_000, "%0d%0aSet-Cookie:a=b", "'%20or%201=1--",
    "9" * 30, "a/b",
)  # fmt: skip
BODIES = (
    b"", b"null", b"[]", b"{}", b"1e999", b'{"a":' * 5_000, b"[" * 60_000, b"\xff\xfe", b"\xef\xbb\xbf{}",
    b'{"verb":{"a":1}}', b'{"verb":"take","args":[1]}', b'{"verb":"take","version":1e400}',
    b'{"verb":"take","version":' + b"9" * 60 + b"}", b'{"verb":"note","args":{"text":"\\ud800"}}',
    b'{"verb":"note","args":{"text":"\\u0000"}}', b'{"name":"\xed\xa0\x80"}', b'{"places":[' + b"{}," * 999 + b"{}]}",
    b"PK\x03\x04" + b"\0" * 60,
)  # fmt: skip
QUESTIONS = (
    "cursor=x&limit=-1", "cursor=%00", "limit=" + "9" * 40, "min_seq=-1", "site=%00&state=%ff", "point=%00//&step=0",
    "since=0001-01-01T00:00:00%2B14:00&until=9999-12-31T23:59:59-14:00&point=a:hall/smoke/", "point=&since=x",
    "point=a/b/c&point=%ed%a0%80", "place=%ff&lang=xx", "within_days=" + "9" * 20, "incident=%00", "name=%00",
)  # fmt: skip
METHODS = ("get", "head", "options", "post", "put", "patch", "delete", "x" * 40)
KNOWN: dict[str, Any] = create_app(None).openapi()["paths"]
NO_END = "/api/v1/stream"


async def test_every_address_withstands_everything(house: House) -> None:
    """All routes x odd names, bodies, questions and methods: below 500, in problem+json, with our headers on it.

    As an administrator, whom the least is refused early.
    """
    await house.fire()
    client = house.client("admin")
    for path, known in KNOWN.items():
        if path == NO_END:
            continue
        asked: list[tuple[str, str, bytes | None]] = []
        here = re.sub(r"\{\w+\}", "a:hall", path)
        for method in METHODS:
            asked.append((method, here, None))
            if method in known and "{" in path:
                asked += [(method, re.sub(r"\{\w+\}", name, path), b"{}") for name in NAMES]
            if method in known and method in ("post", "put"):
                asked += [(method, here, body) for body in BODIES]
            if method in known and method == "get":
                asked += [(method, f"{here}?{question}", None) for question in QUESTIONS]
        for method, url, body in asked:
            headers = {"Idempotency-Key": "k", "If-Match": '"0"', "Content-Type": "application/json"}
            with capture_logs() as logged:  # or a bug takes half a minute to be drawn
                answer = await client.request(method.upper(), url, content=body, headers=headers)
            told = (method, url[:100], (body or b"")[:40], answer.status_code, logged or answer.text[:200])
            assert answer.status_code < 500 or answer.json()["code"] in ("no_history", "no_evidence"), told
            assert answer.status_code < 400 or answer.headers["content-type"] == MEDIA_TYPE, told
            assert all(name.decode() in answer.headers for name in HEADERS), told


async def test_a_bug_carries_the_security_headers_too(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer to a bug of ours is made outside of the guard, and is no way around it."""
    monkeypatch.setattr(house.parts.views, "alarms", None)
    with capture_logs() as logged:
        answer = await house.client("admin").get("/api/v1/alarms")
    assert [one["event"] for one in logged] == ["request failed"]
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert all(name.decode() in answer.headers for name in HEADERS)


async def test_a_body_that_does_not_come_is_given_up(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever announces a body and holds it back hears 408, also without signing in; an open stream goes on."""
    monkeypatch.setattr(middleware, "BODY_S", 0.1)

    async with house.served("admin") as client, asyncio.timeout(20), client.stream("GET", NO_END) as stream:
        for path in ("/api/v1/session", "/api/v1/catalogue"):
            reader, writer = await asyncio.open_connection(client.base_url.host, client.base_url.port)
            key = client.headers["Authorization"]
            head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {key}\r\nContent-Length: 99\r\n"
            writer.write(f"{head}Content-Type: application/json\r\n\r\n{{".encode())
            assert b" 408 " in await reader.readline()
            await reader.readuntil(b'"code":"slow"')
            writer.close()
        assert stream.status_code == 200
        await anext(stream.aiter_lines())


async def test_one_key_cannot_take_every_stream(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A viewer's program that never closes its streams leaves room for the duty desk."""
    monkeypatch.setattr(hub_module, "EACH_MAX", 2)
    hub = house.parts.hub
    async with house.served("viewer") as client, client.stream("GET", NO_END), client.stream("GET", NO_END):
        third = await client.get(NO_END)
        assert (third.status_code, third.json()["code"]) == (429, "rate_limited")
        assert "Retry-After" in third.headers
        desk = {"Authorization": f"Bearer {house.keys['operator']}"}
        async with client.stream("GET", NO_END, headers=desk) as other:
            assert other.status_code == 200
            assert len(hub.clients) == 3


async def test_a_form_of_too_many_fields_is_a_bad_request(house: House) -> None:
    """The personal page answers nonsense with itself."""
    await house.fire()
    client, address = house.client(), link(house, "p-duty")
    fields = form((await client.get(address)).text, "take")
    answer = await client.post(address, data={**fields, **{f"f{n}": "" for n in range(100)}})
    assert answer.status_code == 200
    assert 'role="alert"' in answer.text
