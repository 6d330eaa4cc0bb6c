"""A partner's receiver and a person's phone: what leaves the house is signed, repeated until heard, acted on once."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

import httpx
import jsonschema_rs
import pytest
from playwright.async_api import async_playwright, expect

from gateway.app.channels import link_key
from gateway.clock import SystemClock
from gateway.core.event import Acted
from gateway.incident1 import schema
from gateway.linkpage import PAGE_BYTES_MAX
from gateway.links import Link, make, read
from tests.acceptance.running import Running, every, found, free_port, furnish
from tests.parts import require

PLACES: dict[str, Any] = {
    "places": [
        {"id": "home", "level": "site", "name": "试验小区", "parent": None},
        {"id": "b1", "level": "building", "name": "1号楼", "parent": "home"},
        {"id": "b2", "level": "building", "name": "2号楼", "parent": "home"},
    ],
    "devices": [
        {"id": "local:home/d1", "place": "b1", "kind": "smoke"},
        {"id": "local:home/d2", "place": "b2", "kind": "smoke"},
    ],
    "people": [{"id": "p1", "name": "值班员", "staff": True, "roles": [["duty_operator", "home"]],
                "addresses": [["recording", "p1"]]}],
}  # fmt: skip
BROKER = "broker: {{port: {port}, prefer: mosquitto}}\n"
WEBHOOK = """
channels:
  city: {{kind: webhook, url: "http://127.0.0.1:{port}/hook", secrets: ["file:{secret}"],
         allow_private: true, allow_http: true}}
"""


class Got(NamedTuple):
    """One request as the partner's receiver saw it, and what it answered."""

    id: str
    timestamp: str
    signature: str
    body: bytes
    answered: int

    @property
    def said(self) -> dict[str, Any]:
        decoded: dict[str, Any] = json.loads(self.body)
        return decoded


class Receiver:
    """A partner's web server on a port of its own, which may be busy (503) or gone."""

    def __init__(self) -> None:
        self.port = free_port()
        self.secret = f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"
        self.answer = 200
        self.got: list[Got] = []
        self._server: ThreadingHTTPServer | None = None

    def start(self) -> None:
        """Listen; again on the same port after `stop`."""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                made, at, signature = (self.headers[f"webhook-{n}"] for n in ("id", "timestamp", "signature"))
                receiver.got.append(Got(made, at, signature, body, receiver.answer))
                self.send_response(receiver.answer)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """The test says what matters."""

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Gone: connections are refused."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def of(self, kind: str, *, answered: int = 200) -> list[Got]:
        return [g for g in list(self.got) if g.answered == answered and g.said["type"] == kind]

    def verify(self, got: Got) -> None:
        """As Standard Webhooks 1.0 has it: HMAC-SHA256 of `id.timestamp.body` with the shared key, within 5 minutes."""
        key = base64.b64decode(self.secret.removeprefix("whsec_"))
        signed = f"{got.id}.{got.timestamp}.".encode() + got.body
        wanted = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        assert f"v1,{wanted}" in got.signature.split()
        assert abs(SystemClock().utc_ms() / 1000 - int(got.timestamp)) < 300


async def alarm(gateway: Running, device: str) -> None:
    async with gateway.device("alarm") as client:
        body = json.dumps({"v": 1, "id": device, "type": "alarm", "data": {"hazard": "fire"}})
        await client.publish(f"community/home/{device}/event", body, qos=1)


@pytest.mark.acceptance
@pytest.mark.slow
async def test_a_partner_hears_everything_signed_and_in_order(tmp_path: Path) -> None:
    """A receiver that is busy and then gone gets the same message again, signed; later states follow in order."""
    require("mosquitto")
    data, city = tmp_path / "data", Receiver()
    city.answer = 503
    city.start()
    furnish(data, PLACES)
    secret = tmp_path / "city.secret"
    secret.write_text(city.secret)
    secret.chmod(0o600)
    config = BROKER.format(port=free_port()) + WEBHOOK.format(port=city.port, secret=secret)
    try:
        async with Running("run", data, config=config) as gateway:
            async with gateway.signed_in() as client:
                await gateway.listening()
                incident = await heard_after_all(gateway, city)
                await heard_who_took_it(client, city, incident)
            assert await gateway.interrupt() == 0
    finally:
        city.stop()
    for got in city.got:
        city.verify(got)
    states = [
        g.said["data"] for g in city.got if g.answered == 200 and g.said["type"].startswith("incident.")
    ]
    assert [s["rev"] for s in states] == sorted({s["rev"] for s in states})
    shape = jsonschema_rs.Draft202012Validator(schema())
    for one in states:
        shape.validate(one)


async def heard_after_all(gateway: Running, city: Receiver) -> str:
    """The opened incident reaches the receiver although it was busy, then gone; gives its id."""
    await alarm(gateway, "d1")

    async def tried() -> list[Got]:
        return city.of("incident.opened", answered=503)

    refused = (await found(tried, "the first try"))[0]
    city.stop()

    async def in_vain() -> bool:
        health = (await gateway.control.status())["delivery"]["channels"]["city"]
        return str(health["last_detail"]).startswith("Connect")

    await found(in_vain, "a try that reaches nobody")

    async def told() -> bool:
        return any(r.person == "p1" and r.reason == "called" for r in gateway.recorded())

    await found(told, "the person on duty is told all the same", 20)
    city.answer = 200
    city.start()

    async def opened() -> list[Got]:
        return city.of("incident.opened")

    heard = (await found(opened, "the receiver hears of the incident"))[0]
    assert heard.id == refused.id
    assert heard.body == refused.body
    assert heard.said["data"]["mode"] == "live"
    return str(heard.said["data"]["id"])


async def heard_who_took_it(client: httpx.AsyncClient, city: Receiver, incident: str) -> None:
    """A later state follows under another id, and a sign of life comes by itself."""
    answer = await client.post(
        f"/api/v1/incidents/{incident}/acts", json={"verb": "take"}, headers={"Idempotency-Key": "t1"}
    )
    assert answer.status_code == 200, answer.text

    async def taken() -> list[Got]:
        return city.of("incident.taken")

    later = (await found(taken, "the receiver hears who took it"))[0]
    assert later.said["data"]["handling"] == "taken"
    assert later.id not in {g.id for g in city.of("incident.opened")}

    async def beats() -> list[Got]:
        return city.of("gateway.heartbeat") + city.of("gateway.heartbeat", answered=503)

    await found(beats, "a heartbeat")


def form(page: str, act: str) -> dict[str, str]:
    """The hidden fields of the page's form for `act`."""
    for inside in re.findall(r"<form.*?</form>", page, re.DOTALL):
        fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', inside))
        if fields.get("act") == act:
            return fields
    raise AssertionError(f"no form to {act} on the page")


@asynccontextmanager
async def house(tmp_path: Path) -> AsyncIterator[tuple[Running, httpx.AsyncClient]]:
    """A running gateway and an administrator's client."""
    require("mosquitto")
    data = tmp_path / "data"
    furnish(data, PLACES)
    async with Running("run", data, config=BROKER.format(port=free_port())) as gateway:
        async with gateway.signed_in() as client:
            await gateway.listening()
            yield gateway, client
        assert await gateway.interrupt() == 0


async def called(gateway: Running, client: httpx.AsyncClient, device: str) -> tuple[dict[str, Any], str]:
    """Let a device alarm: its incident, and the link in the notice that the person on duty was sent."""
    await alarm(gateway, device)

    async def incident() -> dict[str, Any] | None:
        rows = await every(client, "/incidents")
        return next((i for i in rows for a in i["alarms"] if a["device"] == f"local:home/{device}"), None)

    opened = await found(incident, "the incident")

    async def link() -> str | None:
        rows = (r for r in gateway.recorded() if r.incident == opened["id"] and r.person == "p1")
        return next((r.link for r in rows if r.link), None)

    return opened, await found(link, "the link in the notice")


@pytest.mark.acceptance
@pytest.mark.slow
async def test_the_link_in_a_notice_acts_once_and_only_when_pressed(tmp_path: Path) -> None:
    """Looking changes nothing, taking works once, and a link that is old, foreign or cut opens nothing."""
    # The phone has no cookies and runs no scripts: all it has is the link.
    async with house(tmp_path) as (gateway, client), httpx.AsyncClient(timeout=30) as phone:
        incident, link = await called(gateway, client, "d1")

        async def opens() -> httpx.Response | None:
            answer = await phone.get(link)
            return answer if answer.status_code == 200 else None

        async def state() -> dict[str, Any]:
            said: dict[str, Any] = (await client.get(f"/api/v1/incidents/{incident['id']}")).json()
            return said

        async def told() -> bool:
            return all(row["outcome"] == "sent" for row in (await state())["told"])

        await found(opens, "the page opens")
        await found(told, "the notice is on record as sent")
        before = await state()
        for query in ("?act=take", "?act=verdict&verdict=real", ""):
            page = await phone.get(link + query)
            assert page.status_code == 200
        await phone.head(link)
        assert len(page.content) <= PAGE_BYTES_MAX
        assert page.headers["Cache-Control"] == "no-store"
        assert "<script" not in page.text
        assert "1号楼" in page.text
        assert "火警" in page.text
        assert (await state())["rev"] == before["rev"]
        assert acts(gateway) == []

        take = form(page.text, "take")
        await phone.post(link, data={**take, "csrf": "x"})
        assert (await state())["handling"] == "open"

        answer = await phone.post(link, data=take)
        assert answer.status_code == 200
        assert "已接警，请尽快到场。" in answer.text
        taken = await state()
        assert (taken["handling"], taken["taken_by"]["id"]) == ("taken", "p1")
        again = await phone.post(link, data=take)
        assert "已接警，请尽快到场。" in again.text
        assert (await state())["rev"] == taken["rev"]
        assert len({act.key for act in acts(gateway)}) == 1

        await nothing_opens(phone, link, take, gateway)


async def nothing_opens(
    phone: httpx.AsyncClient, link: str, fields: dict[str, str], gateway: Running
) -> None:
    """Links that are too old, signed elsewhere, or cut on their way: no incident is shown, nothing is done."""
    now = SystemClock().utc_ms()
    key = link_key(gateway.data)
    base, _, token = link.rpartition("/")
    says = read(key, token, now)
    assert isinstance(says, Link)
    done = len(acts(gateway))
    old = make(key, says.effect, says.person, says.incident, now - 120_000)
    foreign = make(b"x" * 32, says.effect, says.person, says.incident, now + 3_600_000)
    for wrong, status, why in (
        (old, 410, "链接已过期"),
        (foreign, 404, "链接无效"),
        (token[:-4], 404, "链接无效"),
    ):
        for answer in (await phone.get(f"{base}/{wrong}"), await phone.post(f"{base}/{wrong}", data=fields)):
            assert answer.status_code == status
            assert why in answer.text
            assert "1号楼" not in answer.text
    assert len(acts(gateway)) == done


def acts(gateway: Running) -> list[Acted]:
    """What people did, as the journal has it."""
    return [e for row in gateway.rows() for _, e in row.events if isinstance(e, Acted)]


@pytest.mark.acceptance
@pytest.mark.slow
async def test_the_link_works_on_a_small_phone_without_scripts(tmp_path: Path) -> None:
    """On 390 by 844 and without scripts the first key is in sight, wide enough for a thumb, and takes the incident."""
    program = require("chromium")
    async with house(tmp_path) as (gateway, client), async_playwright() as playwright:
        incident, link = await called(gateway, client, "d2")
        browser = await playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
        )
        context = await browser.new_context(
            viewport={"width": 390, "height": 844}, java_script_enabled=False, locale="zh-CN"
        )
        page = await context.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        await page.goto(link)
        await expect(page.get_by_text("2号楼").first).to_be_visible()
        assert all(address.startswith(link.rpartition("/n/")[0]) for address in asked)
        key = page.get_by_role("button", name="接警，我来")
        box = await key.bounding_box()
        assert box is not None
        assert box["height"] >= 44
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
        assert box["y"] + box["height"] <= 844
        await key.click()
        await expect(page.get_by_role("status")).to_contain_text("已接警，请尽快到场。", timeout=20_000)
        await page.goto(link)
        await expect(page.get_by_text("您已接警")).to_be_visible()
        await expect(page.get_by_role("button", name="接警，我来")).to_have_count(0)

        async def taken() -> bool:
            said = (await client.get(f"/api/v1/incidents/{incident['id']}")).json()
            return (said["handling"], said["taken_by"]["id"]) == ("taken", "p1")

        await found(taken, "the console shows who took it")
        await context.close()
        await browser.close()
