"""The pages for people who buy devices, in a real browser: newcomers get their place, sheets go in."""

from __future__ import annotations

import asyncio
import io
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from openpyxl import Workbook
from playwright.async_api import Page, async_playwright, expect

from tests.acceptance.plant import ROOT
from tests.acceptance.running import Running, found, furnish
from tests.parts import require

pytestmark = pytest.mark.acceptance

DIST = ROOT / "dashboards" / "web" / "dist"
PLACES = {
    "places": [
        {"id": "home", "level": "site", "name": "试验小区"},
        {"id": "home-b1", "level": "building", "name": "1号楼", "parent": "home"},
        {"id": "home-b1-101", "level": "household", "name": "101", "parent": "home-b1"},
        {"id": "home-b1-102", "level": "household", "name": "102", "parent": "home-b1"},
    ],
    "devices": [{"id": "local:home/old", "place": "home-b1-101", "kind": "smoke", "name": "客厅烟感"}],
    "people": [{"id": "p1", "name": "值班员", "staff": True, "roles": [["duty_operator", "home"]],
                "addresses": [["recording", "p1"]]}],
}  # fmt: skip
SEEN_MS = 30_000


@asynccontextmanager
async def opened(link: str, *, width: int = 1366, height: int = 768) -> AsyncIterator[tuple[Page, list[str]]]:
    """The console as an administrator sees it, and what the browser complained of."""
    program = require("chromium")
    if not (DIST / "index.html").is_file():
        reason = "the web pages are not built (make setup)"
        if os.environ.get("CSG_REQUIRE_ALL") == "1":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-gpu", "--mute-audio"]
        )
        page = await browser.new_page(viewport={"width": width, "height": height}, locale="zh-CN")
        troubles: list[str] = []
        page.on("console", lambda m: troubles.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda e: troubles.append(str(e)))
        await page.goto(link)
        await expect(page.locator("nav")).to_be_visible(timeout=SEEN_MS)
        yield page, troubles
        await browser.close()


async def speak(gateway: Running, *names: str, smoke: bool = False) -> None:
    """Devices nobody has placed report."""
    async with gateway.device("newcomers") as client:
        for name in names:
            payload = {"v": 1, "smoke": smoke, "temperature": 21.5, "battery": 93}
            await client.publish(f"community/home/{name}/telemetry", json.dumps(payload), qos=1)


async def heard(url: str, page: Page, count: int) -> None:
    """Return when the inbox holds so many."""

    async def there() -> bool:
        answer = await page.request.get(f"{url}/api/v1/inbox")
        return len((await answer.json())["items"]) == count

    await found(there, f"{count} devices in the inbox")


def workbook() -> bytes:
    """A sheet as a property manager fills it in, with one more flat spelt out."""
    book, out = Workbook(), io.BytesIO()
    page = book.create_sheet("设备", 0)
    page.append(["设备编号", "小区", "楼栋", "户室", "类型", "名称"])
    page.append(["local:home/kitchen-103", "试验小区", "1号楼", "103", "燃气", "厨房燃气"])
    book.save(out)
    return out.getvalue()


async def test_newcomers_get_their_place_and_a_sheet_goes_in(tmp_path: Path) -> None:
    """One that burns stands on top, is chosen and placed; others by name; one changed; then a workbook."""
    data = tmp_path / "data"
    furnish(data, PLACES)
    async with Running("run", data) as gateway:
        await gateway.listening()
        link = await gateway.link()
        url = link.partition("/#")[0]
        await speak(gateway, "smoke-1-102", "smoke-1-999", "new")
        await speak(gateway, "burning", smoke=True)
        async with opened(link) as (page, troubles):
            await heard(url, page, 4)
            await page.get_by_role("link", name="待登记").click()
            rows = page.locator("main table").first.locator("tbody tr")
            await expect(rows).to_have_count(4, timeout=SEEN_MS)
            await expect(rows.first).to_contain_text("burning")
            await expect(rows.first).to_contain_text("感烟")

            await rows.first.get_by_role("checkbox").press("Space")
            await page.get_by_label("位置", exact=True).fill("试验小区 1号楼 101")
            await page.locator("[data-test=place-chosen]").press("Enter")
            await expect(page.get_by_text("已登记 1 台")).to_be_visible()
            await expect(rows).to_have_count(3)

            await page.get_by_label("设备名称").fill("home/smoke-{b}-{r}")
            await page.get_by_label("位置编号").fill("home-b{b}-{r}")
            await page.get_by_label("保存为规则").press("Space")
            await page.locator("[data-test=try-pattern]").click()
            await expect(page.get_by_text("将登记 1 台")).to_be_visible()
            await expect(page.get_by_role("alert").filter(has_text="home-b1-999")).to_be_visible()
            await page.locator("[data-test=place-pattern]").click()
            await expect(page.get_by_text("已登记 1 台 · 规则已保存")).to_be_visible()
            await expect(rows).to_have_count(2)

            await rows.filter(has_text="new").get_by_role("checkbox").press("Space")
            await page.get_by_label("旧设备").fill("1号楼 101 客厅烟感 (home/old)")
            await page.locator("[data-test=change]").click()
            await page.locator("[data-test=change]").click()
            await expect(page.get_by_text("已由 home/new 接替")).to_be_visible()
            await expect(rows).to_have_count(1)

            await page.get_by_role("link", name="资料导入").click()
            sheet = tmp_path / "设备.xlsx"
            await asyncio.to_thread(sheet.write_bytes, workbook())
            await page.locator("[data-test=file]").set_input_files(sheet)
            await page.locator("[data-test=try-import]").click()
            await expect(page.locator("[data-test=counts]")).to_contain_text("设备")
            await page.locator("[data-test=import]").click()
            await expect(page.get_by_text("已导入，立即生效。")).to_be_visible()

            await speak(gateway, "smoke-1-101")
            for device, place in (
                ("burning", "home-b1-101"), ("smoke-1-102", "home-b1-102"), ("smoke-1-101", "home-b1-101"),
                ("new", "home-b1-101"), ("kitchen-103", "home-b1-103"),
            ):  # fmt: skip

                async def placed(device: str = device, place: str = place) -> bool:
                    answer = await page.request.get(f"{url}/api/v1/devices/local:home/{device}")
                    known = await answer.json()
                    return bool(known.get("placed")) and known["place"]["id"] == place

                await found(placed, f"{device} at {place}")
            assert troubles == []
