"""Signing in over HTTP: passwords, one-time links, cookies."""

from __future__ import annotations

import httpx

from tests.gateway.api.house import House

PASSWORD = "a long pass phrase"


async def signed_in(house: House, name: str = "li") -> tuple[httpx.AsyncClient, dict[str, str]]:
    """A browser that came in by a one-time link, and the header of its writes."""
    user = house.auth.users.add(name, [("operator", "site-a")], who="t", now=house.now())
    client = house.client()
    answer = await client.post(
        "/api/v1/session", json={"token": house.auth.make_token(user.id, now=house.now())}
    )
    assert answer.status_code == 200
    return client, {"X-CSRF": answer.json()["csrf"]}


async def test_a_one_time_link_signs_in_once_and_asks_for_a_password(house: House) -> None:
    """First the link, then a password of one's own; the link opens nothing again."""
    user = house.auth.users.add("li", [("operator", "site-a")], who="t", now=house.now())
    token = house.auth.make_token(user.id, now=house.now())
    client = house.client()
    answer = await client.post("/api/v1/session", json={"token": token})
    said = answer.json()
    assert said["user"]["name"] == "li"
    assert said["user"]["grants"] == [{"role": "operator", "place": "site-a"}]
    assert said["set_password"] is True
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Secure" not in cookie  # the tests speak http; see below
    again = await house.client().post("/api/v1/session", json={"token": token})
    assert (again.status_code, again.json()["code"]) == (401, "wrong")
    header = {"X-CSRF": said["csrf"]}
    weak = await client.put("/api/v1/session/password", json={"password": "short"}, headers=header)
    assert (weak.status_code, weak.json()["code"]) == (422, "invalid")
    assert "short" not in weak.text
    assert (
        await client.put("/api/v1/session/password", json={"password": PASSWORD}, headers=header)
    ).status_code == 204
    assert (await client.get("/api/v1/session")).json()["set_password"] is False
    fresh = await house.client().post("/api/v1/session", json={"name": "LI ", "password": PASSWORD})
    assert fresh.status_code == 200


async def test_a_cookie_is_secure_where_people_come_by_https(house: House) -> None:
    """Behind an https address the cookie never travels by http."""
    house.parts.base_url = "https://safety.example"
    user = house.auth.users.add("li", [("viewer", "")], who="t", now=house.now())
    token = house.auth.make_token(user.id, now=house.now())
    answer = await house.client().post("/api/v1/session", json={"token": token})
    assert "Secure" in answer.headers["set-cookie"]


async def test_signing_out_ends_the_session(house: House) -> None:
    """Afterwards the cookie opens nothing, wherever it was copied to."""
    client, header = await signed_in(house)
    cookie = client.cookies["csg_session"]
    assert (await client.delete("/api/v1/session", headers=header)).status_code == 204
    answer = await house.client().get("/api/v1/session", headers={"Cookie": f"csg_session={cookie}"})
    assert answer.status_code == 401


async def test_guessing_is_slowed_down_and_told_nothing(house: House) -> None:
    """A wrong name and a wrong password say the same; after a few tries one waits, told by Retry-After."""
    user = house.auth.users.add("li", [("viewer", "")], who="t", now=house.now())
    house.auth.users.set_password(user.id, PASSWORD, who="t", now=house.now())
    client = house.client()
    answers = [
        await client.post("/api/v1/session", json={"name": name, "password": "wrong wrong wrong"})
        for name in ("nobody", "li", "li", "li", "li", "li", "li")
    ]
    assert answers[0].json() == answers[1].json()
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) >= 1
    house.clock.advance(60_000)
    good = await client.post("/api/v1/session", json={"name": "li", "password": PASSWORD})
    assert good.status_code == 200


async def test_half_a_sign_in_is_told_what_is_missing(house: House) -> None:
    """Neither a token with a name, nor a name without a password; and what was sent is never repeated."""
    for body in (
        {},
        {"name": "li"},
        {"name": "li", "token": "t"},
        {"password": "secret words"},
        {"user": "li"},
    ):
        answer = await house.client().post("/api/v1/session", json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
        assert "secret words" not in answer.text


async def test_an_api_key_cannot_change_a_password(house: House) -> None:
    """A key belongs to a program: it has no session to sign out of and no password."""
    client = house.client("admin")
    assert (await client.put("/api/v1/session/password", json={"password": PASSWORD})).status_code == 403
    assert (await client.get("/api/v1/session")).json()["csrf"] == ""
