"""What a newcomer sees: one command, one link, a fire on the screen, three different keys, and a clean end."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from tests.acceptance.running import Running, every, found, free_port, note
from tests.parts import require

SEEN_MS = 60_000  # what a person sees within 30 s, on a machine that does much else
PRESSED_MS = 20_000

# Everything the headline ever said, however short: what stands there for seconds is not missed by asking too seldom.
DIARY = """
window.diary = [];
setInterval(() => {
  const at = (name) => document.querySelector(`[data-test=${name}]`)?.innerText.trim() ?? '';
  const line = JSON.stringify([at('place'), at('what'), at('handling')]);
  if (at('place') && window.diary.at(-1) !== line) window.diary.push(line);
}, 50);
"""


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """The Chromium of this machine."""
    program = require("chromium")
    async with async_playwright() as playwright:
        playwright.selectors.set_test_id_attribute("data-test")
        browser = await playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
        )
        try:
            yield browser
        finally:
            await browser.close()


async def asked(context: BrowserContext, path: str) -> Any:
    """What the API answers to the user who is signed in on the page."""
    answer = await context.request.get(path)
    assert answer.ok, await answer.text()
    return await answer.json()


def when(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


@pytest.mark.acceptance
@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_a_newcomer_sees_a_fire_and_ends_it(tmp_path: Path) -> None:
    """One command and one link show the fire, who is told, and that take, mute and verdict are three things; Ctrl-C
    ends everything, and the next start goes on with the same incident."""
    data = tmp_path / "data"
    async with chromium() as browser:
        context = await browser.new_context(locale="zh-CN", viewport={"width": 1440, "height": 900})
        await context.add_init_script(DIARY)
        page = await context.new_page()
        async with Running("demo", data) as gateway:
            link = await gateway.link()
            began = time.monotonic()
            url = link.partition("/#/")[0]
            await page.goto(link)
            incident = await the_fire_comes(page, context, url, began)
            incident = await three_keys(page, context, url, incident["id"])
            camera = await the_lane_is_blocked(context, url)
            before = await asked(context, f"{url}/api/v1/incidents/{incident['id']}")
            assert await gateway.interrupt() == 0
            assert "Stopped." in gateway.said()
        async with Running("demo", data) as gateway:
            async with gateway.signed_in() as client:
                await the_same_incident(client, before)
                again = (await client.get(f"/api/v1/cameras/{camera['id']}")).json()
                assert (again["record"], again["version"]) == (camera["record"], camera["version"])
            assert await gateway.interrupt(group=False) == 0


async def the_fire_comes(page: Page, context: BrowserContext, url: str, began: float) -> dict[str, Any]:
    """Without a touch: devices report, one detector makes a fire nobody verified, a second one confirms it."""
    hero = page.get_by_test_id("hero")
    await expect(page.get_by_test_id("what")).to_contain_text("多点报警", timeout=SEEN_MS)
    note(f"confirmed on the screen {time.monotonic() - began:.1f} s after the link was printed")
    diary = [json.loads(line) for line in await page.evaluate("window.diary")]
    first = diary[0]
    assert first[0].startswith("1号楼 1单元 5层")
    assert "502" in first[0]
    assert first[1] == "火警 待核实"
    assert first[2] == "待接警"
    await expect(hero).to_contain_text("【模拟】")
    await expect(hero).to_contain_text("一级")
    await expect(page.get_by_test_id("age")).to_contain_text("秒")

    chain = page.get_by_test_id("chain")
    for name in ("值班员甲（示例）", "值班员乙（示例）", "住户"):
        await expect(chain).to_contain_text(name)
    # The wider circle: whoever can be there in minutes need not wait for their step.
    for name in ("队员甲（示例）", "站长（示例）", "网格员甲（示例）", "物业经理（示例）"):
        await expect(chain).to_contain_text(name, timeout=PRESSED_MS)

    reporting = {row["device"] for row in await paged(context, f"{url}/api/v1/points?limit=500")}
    assert len(reporting) > 100
    incidents = [i for i in await paged(context, f"{url}/api/v1/incidents") if i["hazard"] == "fire"]
    assert len(incidents) == 1
    incident: dict[str, Any] = incidents[0]
    assert incident["mode"] == "simulated"
    assert incident["priority"] == 1
    assert all(row["channel"] == "recording" for row in incident["told"])
    return incident


async def paged(context: BrowserContext, address: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    cursor = ""
    while True:
        said = await asked(context, address + cursor)
        items += said["items"]
        if said["next"] is None:
            return items
        cursor = f"{'&' if '?' in address else '?'}cursor={said['next']}"


async def three_keys(page: Page, context: BrowserContext, url: str, incident: str) -> dict[str, Any]:
    """Mute stops the sound, take stops the "nobody answers" steps, a verdict says what it was; none does another's."""

    async def now() -> dict[str, Any]:
        said: dict[str, Any] = await asked(context, f"{url}/api/v1/incidents/{incident}")
        return said

    handling = page.get_by_test_id("handling")
    await page.get_by_test_id("mute").get_by_role("button").click()
    await expect(page.get_by_test_id("mute-left")).to_be_visible(timeout=PRESSED_MS)
    muted = await now()
    assert (muted["sound"], muted["handling"], muted["verdict"]) == ("muted", "open", "confirmed_by_devices")
    assert muted["next"] is not None
    await expect(handling).to_have_text("待接警")
    await expect(page.get_by_test_id("next")).to_contain_text("秒后通知")

    await page.get_by_test_id("take").get_by_role("button").click()
    await expect(handling).to_have_text("已接警", timeout=PRESSED_MS)
    await expect(page.get_by_test_id("next")).to_have_text("已接警，不再逐级上报")
    taken = await now()
    assert (taken["handling"], taken["verdict"]) == ("taken", "confirmed_by_devices")
    assert taken["next"] is None
    assert taken["taken_by"]["name"] == "admin"
    told = called(taken)

    async def past_the_next_step() -> bool:
        return time.time() > when(muted["next"]["at"]) + 2  # noqa: TID251  the step was due by the clock on the wall

    await found(past_the_next_step, "the time at which the next step would have been told", 150)
    later = await now()
    assert called(later) == told
    assert later["next"] is None

    await page.get_by_test_id("false").get_by_role("button").click()
    send = page.get_by_test_id("send-false")
    await expect(send).to_be_visible()
    await page.get_by_text("烹饪").click()

    async def passed_on() -> bool:
        if await send.count():
            await send.click()  # for a moment after it opened, the list takes a press for a bounced key
        return not await send.count()

    await found(passed_on, "the cause is sent", 20)
    await expect(page.get_by_test_id("what")).to_contain_text("误报", timeout=PRESSED_MS)
    await expect(handling).to_have_text("已接警")
    judged = await now()
    assert (judged["verdict"], judged["cause"], judged["handling"]) == ("false", "cooking", "taken")
    return judged


async def the_lane_is_blocked(context: BrowserContext, url: str) -> dict[str, Any]:
    """A camera of rendered pictures looks at the fire lane; a car parks there, and a picture of it is kept, masked."""
    (camera,) = await paged(context, f"{url}/api/v1/cameras?limit=500")
    assert (camera["place"], camera["simulated"], camera["missing"]) == ("sunshine-lane", True, [])

    async def blocked() -> dict[str, Any] | None:
        said = await paged(context, f"{url}/api/v1/incidents?state=all")
        return next((i for i in said if i["hazard"] == "obstruction"), None)

    incident = await found(blocked, "the car in the fire lane is told", 120)
    assert (incident["priority"], incident["mode"]) == (3, "simulated")
    shown = await context.request.get(f"{url}/api/v1/cameras/{camera['id']}/preview")
    assert (shown.status, shown.headers["csg-view"]) == (200, "learned")

    async def pictured() -> dict[str, Any] | None:
        (seen,) = await paged(context, f"{url}/api/v1/camera-events?camera={camera['id']}")
        return seen if len(seen["pictures"]) == 3 else None

    seen = await found(pictured, "three pictures of it are kept", 20)
    assert (seen["type"], seen["zone"], seen["mode"]) == ("occupied", "lane", "simulated")
    looking: dict[str, Any] = await asked(context, f"{url}/api/v1/cameras/{camera['id']}")
    assert looking["state"] == "looking"
    return looking


def called(incident: dict[str, Any]) -> list[tuple[str, str]]:
    """Who was called, and when."""
    return [(str(row["person"]["id"]), row["at"]) for row in incident["told"]]


async def the_same_incident(client: httpx.AsyncClient, before: dict[str, Any]) -> None:
    """After the next start: the same incident in the same state, and not a second one."""

    async def there() -> dict[str, Any] | None:
        answer = await client.get(f"/api/v1/incidents/{before['id']}")
        if answer.status_code != 200:
            return None
        said: dict[str, Any] = answer.json()
        return said if said["rev"] >= before["rev"] else None

    after = await found(there, "the incident is there again")
    same = ("opened_at", "handling", "verdict", "cause", "taken_by", "mode", "hazard", "priority")
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    assert called(after)[: len(called(before))] == called(before)
    fires = [i for i in await every(client, "/incidents", state="all") if i["hazard"] == "fire"]
    assert [i["id"] for i in fires] == [before["id"]]


@pytest.mark.acceptance
@pytest.mark.slow
async def test_two_demos_side_by_side(tmp_path: Path) -> None:
    """A second demo started at the same moment finds ports of its own, says so, and shows its own fire."""
    port = free_port()
    async with (
        Running("demo", tmp_path / "a", port=port) as a,
        Running("demo", tmp_path / "b", port=port) as b,
    ):
        urls = [await a.url(), await b.url()]
        assert len(set(urls)) == 2
        moved = [one for one, url in zip((a, b), urls, strict=True) if not url.endswith(f":{port}")]
        assert moved, "one of them had to move"
        for one in moved:
            assert f"Port {port} is busy: the console is on port" in one.said()
        assert any("is busy: devices connect to" in one.said() for one in (a, b))
        for one in (a, b):
            async with one.signed_in() as client:

                async def fire(client: httpx.AsyncClient = client) -> bool:
                    return any(i["hazard"] == "fire" for i in await every(client, "/incidents"))

                await found(fire, "the fire of each demo")
        assert await a.interrupt() == 0
        async with httpx.AsyncClient(timeout=30) as stranger:
            assert (await stranger.get(f"{urls[1]}/healthz")).status_code == 200
        assert await b.interrupt() == 0


@pytest.mark.acceptance
async def test_ctrl_c_while_it_is_still_starting(tmp_path: Path) -> None:
    """Whoever thinks better of it at once gets a clean end: no part is started again, none is left."""
    async with Running("demo", tmp_path / "data") as gateway:

        async def starting() -> bool:
            return gateway.child("engine") is not None

        await found(starting, "the engine is being started")
        assert await gateway.interrupt() == 0
        assert "starting it again" not in gateway.said()
