"""Who may do what: nobody without signing in, each role only its own, nothing written by reading."""

from __future__ import annotations

import re
from typing import Any

import pytest

from gateway.api.app import create_app
from gateway.api.middleware import HEADERS
from gateway.auth import csrf
from gateway.core.acts import PERMITS
from tests.gateway.api.house import House

LINK = "/api/v1/evidence/links/{token}"
OPEN = {("/api/v1/session", "post"), ("/healthz", "get"), ("/metrics", "get"), (LINK, "get")}
"""All that answers somebody who is not signed in: signing in, liveness, metrics to this machine, and a signed link to
one picture."""

ROUTES: list[tuple[str, str]] = [
    (path, method) for path, item in create_app(None).openapi()["paths"].items() for method in item
]
BODIES: dict[str, Any] = {
    "/api/v1/session": {"name": "x", "password": "y"},
    "/api/v1/session/password": {"password": "a long pass phrase"},
    "/api/v1/incidents/{incident}/acts": {"verb": "take"},
    "/api/v1/alarms/{alarm}/acts": {"verb": "reset"},
    "/api/v1/devices/{device}": {"place": "a-1"},
    "/api/v1/catalogue": {},
}


def url(path: str) -> str:
    """A route's address with something in its holes."""
    return re.sub(r"\{\w+\}", "a:hall", path)


@pytest.mark.parametrize(("path", "method"), ROUTES)
async def test_nothing_answers_who_is_not_signed_in(house: House, path: str, method: str) -> None:
    """Every address of the OpenAPI document refuses strangers and false keys alike, before it looks at anything."""
    if (path, method) in OPEN:
        return
    body = BODIES.get(path)
    for headers in (
        {},
        {"Authorization": "Bearer csg_00000000_nonsense"},
        {"Cookie": "csg_session=nonsense"},
    ):
        answer = await house.client().request(method, url(path), json=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "signed_out"), headers
        assert "WWW-Authenticate" in answer.headers


@pytest.mark.parametrize(
    ("path", "method"), [r for r in ROUTES if r[1] in ("put", "post", "delete") and r not in OPEN]
)
async def test_a_browser_writes_only_with_its_csrf_token(house: House, path: str, method: str) -> None:
    """A session cookie alone writes nothing: another site can make a browser send it."""
    admin = house.auth.users.add("root", [("admin", "")], who="t", now=house.now())
    signed = house.auth.redeem(house.auth.make_token(admin.id, now=house.now()), address="1", now=house.now())
    before = house.registry.version()
    for token in (None, "", "nonsense", csrf("another session")):
        headers = {"Cookie": f"csg_session={signed.cookie}", "Idempotency-Key": "k", "If-Match": '"0"'}
        headers |= {} if token is None else {"X-CSRF": token}
        answer = await house.client().request(method, url(path), json=BODIES.get(path), headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "csrf")
    assert house.registry.version() == before
    assert house.auth.session(signed.cookie, house.now()) is not None


READS = {
    "/incidents": {"admin": 200, "operator": 200, "grid_staff": 200, "viewer": 200, "stranger": 200},
    "/alarms": {"admin": 200, "operator": 200, "grid_staff": 200, "viewer": 200, "stranger": 200},
    "/points": {"admin": 200, "operator": 200, "grid_staff": 200, "viewer": 200, "stranger": 200},
    "/history?point=a:hall/smoke/": {"admin": 200, "operator": 200, "grid_staff": 200, "viewer": 200, "stranger": 404},
    "/history/download?point=a:hall/smoke/": {
        "admin": 200, "operator": 200, "grid_staff": 200, "viewer": 200, "stranger": 404,
    },
    "/latest": {"admin": 200, "operator": 200, "grid_staff": 200, "viewer": 200, "stranger": 200},
    "/deletions": {"admin": 200, "operator": 403, "grid_staff": 403, "viewer": 403, "stranger": 403},
    "/devices": {"admin": 200, "operator": 200, "grid_staff": 200, "viewer": 200, "stranger": 200},
    "/devices/a:hall": {"admin": 200, "operator": 200, "grid_staff": 200, "viewer": 200, "stranger": 404},
    "/devices/a:door": {"admin": 200, "operator": 200, "grid_staff": 404, "viewer": 404, "stranger": 404},
    "/coverage": {"admin": 200, "operator": 200, "grid_staff": 200, "viewer": 200, "stranger": 200},
    "/figures/alarms": {"admin": 200, "operator": 200, "grid_staff": 200, "viewer": 200, "stranger": 200},
    "/health/devices": {"admin": 200, "operator": 200, "grid_staff": 200, "viewer": 200, "stranger": 200},
    "/devices/due": {"admin": 200, "operator": 200, "grid_staff": 200, "viewer": 200, "stranger": 200},
    "/places": {"admin": 200, "operator": 200, "grid_staff": 200, "viewer": 200, "stranger": 200},
    "/places/a-1": {"admin": 200, "operator": 200, "grid_staff": 200, "viewer": 200, "stranger": 404},
    "/quarantine": {"admin": 200, "operator": 200, "grid_staff": 403, "viewer": 403, "stranger": 200},
    "/deliveries": {"admin": 200, "operator": 200, "grid_staff": 200, "viewer": 200, "stranger": 200},
    "/audit": {"admin": 200, "operator": 403, "grid_staff": 403, "viewer": 403, "stranger": 403},
    "/recorded": {"admin": 200, "operator": 200, "grid_staff": 403, "viewer": 403, "stranger": 200},
    "/health": {"admin": 200, "operator": 200, "grid_staff": 200, "viewer": 200, "stranger": 200},
    "/catalogue": {"admin": 200, "operator": 200, "grid_staff": 200, "viewer": 200, "stranger": 200},
    "/catalogue/template.xlsx": {"admin": 200, "operator": 200, "grid_staff": 200, "viewer": 200, "stranger": 200},
    "/inbox": {"admin": 200, "operator": 403, "grid_staff": 403, "viewer": 403, "stranger": 403},
    "/placements": {"admin": 200, "operator": 403, "grid_staff": 403, "viewer": 403, "stranger": 403},
    "/devices/a:hall/commands": {"admin": 200, "operator": 200, "grid_staff": 200, "viewer": 200, "stranger": 404},
    "/evidence?incident=none": {"admin": 404, "operator": 404, "grid_staff": 404, "viewer": 404, "stranger": 404},
    "/camera-events": {"admin": 200, "operator": 200, "grid_staff": 200, "viewer": 200, "stranger": 200},
    "/cameras": {"admin": 200, "operator": 200, "grid_staff": 200, "viewer": 200, "stranger": 200},
    "/cameras/a:none/preview": {
        "admin": 404, "operator": 404, "grid_staff": 404, "viewer": 404, "stranger": 404,
    },
    "/cameras/a:none": {"admin": 404, "operator": 404, "grid_staff": 404, "viewer": 404, "stranger": 404},
    "/cameras/a:door/figures": {"admin": 200, "operator": 200, "grid_staff": 403, "viewer": 403, "stranger": 403},
    "/looks": {"admin": 200, "operator": 403, "grid_staff": 403, "viewer": 403, "stranger": 403},
    "/evidence/none/original/none": {
        "admin": 403, "operator": 403, "grid_staff": 403, "viewer": 403, "stranger": 403,
    },
    "/session": {"admin": 200, "operator": 200, "grid_staff": 200, "viewer": 200, "stranger": 200},
}  # fmt: skip
"""What each role gets where."""


async def test_reading_by_role(house: House) -> None:
    """The whole table, and no read leaves a trace in journal, registry or notes."""
    await house.fire()
    before = (house.engine.state.seq, house.registry.version())
    for path, roles in READS.items():
        for role, status in roles.items():
            answer = await house.client(role).get(f"/api/v1{path}")
            assert answer.status_code == status, (path, role, answer.text)
            assert answer.headers["cache-control"] == "no-store" or status != 200
    assert (house.engine.state.seq, house.registry.version()) == before


async def test_the_table_of_reads_is_whole() -> None:
    """Every address one can read stands in the table of roles, but the stream and single incidents."""
    listed = {re.sub(r"\?.*", "", p) for p in READS} | {
        "/devices/{device}",
        "/places/{place}",
        "/devices/{device}/commands",
        "/incidents/{incident}/commands",
        "/stream",
        "/incidents/{incident}",
        "/evidence/links/{token}",
        "/evidence/{picture}/original/{request}",
        "/cameras/{camera}/figures",
        "/cameras/{camera}",
        "/cameras/{camera}/preview",
    }
    reads = {p.removeprefix("/api/v1") for p, m in ROUTES if m == "get" and p.startswith("/api/v1")}
    assert reads <= listed, reads - listed


async def test_acts_by_role(house: House) -> None:
    """Refused exactly where the core's table of rights refuses; a stranger does not learn that it is there."""
    name = await house.fire()
    for role in ("admin", "operator", "grid_staff", "viewer", "stranger"):
        for verb in ("take", "mute", "verdict", "close", "note", "dispatch"):
            answer = await house.client(role).post(
                f"/api/v1/incidents/{name}/acts", json={"verb": verb, "args": {"text": "x"} if verb == "note" else {}},
                headers={"Idempotency-Key": f"{role}-{verb}"},
            )  # fmt: skip
            if role == "stranger":
                assert answer.status_code == 404
            else:
                allowed = role in next(roles for known, roles in PERMITS.items() if known == verb)
                assert (answer.status_code != 403) == allowed, (role, verb, answer.text)


async def test_every_answer_carries_the_security_headers(house: House) -> None:
    """Whatever is asked, found or not: no sniffing, no framing, no scripts from elsewhere."""
    for path in (
        "/",
        "/healthz",
        "/api/v1/incidents",
        "/api/v1/none",
        "/n/nonsense",
        "/metrics",
        "/api/v1/openapi.json",
    ):
        answer = await house.client("operator").get(path)
        for name in HEADERS:
            assert name.decode() in answer.headers, (path, name)
        assert "unsafe-inline" not in answer.headers["content-security-policy"] or path.startswith("/n/")
        assert "server" not in answer.headers


async def test_a_body_over_its_bound_is_refused_unread(house: House) -> None:
    """64 KiB is enough for every act; more is refused by its declared length, and counted where none is declared."""
    client = house.client("admin")
    big = b'{"verb":"' + b"x" * 70_000 + b'"}'
    headers = {"Idempotency-Key": "k", "Content-Type": "application/json"}
    answer = await client.post("/api/v1/incidents/x/acts", content=big, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")

    async def pieces() -> Any:
        for _ in range(20):
            yield big[:4_000]

    answer = await client.post("/api/v1/incidents/x/acts", content=pieces(), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


async def test_metrics_are_open_to_this_machine_and_to_keys_that_see_everything(house: House) -> None:
    """Prometheus on this machine needs no key; from elsewhere one for everything."""
    import httpx

    assert "csg_view_seq" in (await house.client().get("/metrics")).text
    transport = httpx.ASGITransport(house.app, client=("192.0.2.7", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as far:
        assert (await far.get("/metrics")).status_code == 401
        for role, status in (("operator", 403), ("admin", 200)):
            answer = await far.get("/metrics", headers={"Authorization": f"Bearer {house.keys[role]}"})
            assert answer.status_code == status
