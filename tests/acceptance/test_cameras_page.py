"""The cameras page in a real browser, with a real camera: registered, drawn on, snoozed, and what it told judged."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from playwright.async_api import Locator, Page, expect

from gateway.clock import SystemClock
from gateway.evidence.store import Evidence
from gateway.registry import Registry
from gateway.registry.cameras import camera, put_camera
from tests.acceptance.mjpeg import Camera, rendered
from tests.acceptance.running import Running, found, furnish
from tests.acceptance.test_inbox_page import PLACES, SEEN_MS, opened
from tests.gateway.evidence.seen import event, frames, keeper
from tests.parts import require

pytestmark = pytest.mark.acceptance

CAMERA = "cameras-home:home/gate"
HOUSE: dict[str, Any] = {**PLACES, "devices": [
    {"id": CAMERA, "place": "home-b1", "kind": "camera", "name": "北门"}
]}  # fmt: skip
FORM = {"purpose": "消防车通道占用", "sees": "北门车道", "notice": "北门立柱", "assessed_on": "2026-10-01"}
LANE = [(0.1, 0.6), (0.9, 0.6), (0.9, 0.9), (0.1, 0.9)]


async def press(page: Page, face: Locator, *points: tuple[float, float]) -> None:
    """Press there, in parts of the picture."""
    box = await face.bounding_box()
    assert box is not None
    for x, y in points:
        await page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])


def edited_elsewhere(data: Path) -> None:
    """Another person saves the same camera."""
    registry = Registry.open(data / "registry.sqlite")
    record, version = camera(registry.database, CAMERA)
    other = msgspec.structs.replace(record, notice="南门立柱")
    put_camera(registry.database, CAMERA, other, who="other", now=1, expected=version)
    registry.close()


def told(data: Path) -> str:
    """The camera told something a minute ago, with pictures; its event."""
    at = SystemClock().utc_ms() - 60_000
    evidence = Evidence(data / "evidence")
    seen = event(at, type="occupied", place="home-b1", site="home", camera=CAMERA, zone="lane")
    assert keeper(evidence).keep(seen, frames(at), None, (0.3, 0.3, 0.4, 0.4), (), at).pictures == 3
    evidence.close()
    return seen.id


async def test_a_camera_is_registered_drawn_on_snoozed_and_judged(tmp_path: Path) -> None:
    """What is missing is said; a zone that crosses itself is refused; saved, the camera starts and its picture comes;
    another person's edit loses nothing; a snooze shows its end; an event is judged and counted."""
    require("mosquitto")
    data = tmp_path / "data"
    furnish(data, HOUSE)
    async with Camera({"quiet": rendered()}) as source:
        config = f"data: {data}\ncameras:\n  - {{name: gate, site: home, url: '{source.url}'}}\n"
        async with (
            Running("run", data, config=config) as gateway,
            opened(await gateway.link()) as (page, troubles),
        ):
            seen = told(data)
            await page.get_by_role("link", name="摄像机").click()
            row = page.locator("[data-test=cameras] li")
            await expect(row).to_contain_text(
                "未完成登记：缺用途、拍摄范围、告示位置、影响评估日期", timeout=SEEN_MS
            )
            assert source.asked == 0
            await row.get_by_role("button").press("Enter")

            face, line = page.locator("[data-test=face]"), LANE[:3]
            await page.locator("[data-test=draw]").click()
            await press(page, face, *line, (0.5, 0.3))
            await expect(page.locator("[data-test=refused]")).to_contain_text("相交")
            await press(page, face, LANE[3], LANE[0])
            await expect(page.locator("[data-test=zone]")).to_have_count(1)
            await page.locator("[data-test=point]").first.press("ArrowUp")
            for field, words in FORM.items():
                await page.locator(f"[data-test=field-{field}]").fill(words)
            await page.get_by_text("阈值", exact=True).click()
            dwell = page.locator("[data-test=threshold-dwell_s]")
            await dwell.fill("0")
            await page.locator("[data-test=save]").click()
            await expect(page.locator("[data-test=wrong]")).to_contain_text("1 到 86400")
            await dwell.fill("120")
            await page.locator("[data-test=save]").click()
            await expect(page.get_by_text("已保存，几秒内生效")).to_be_visible()
            await expect(page.locator("[data-test=camera-words]").last).to_contain_text(
                "正常", timeout=SEEN_MS
            )
            preview = page.locator("[data-test=preview]")
            await preview.scroll_into_view_if_needed()  # unseen, it is not asked for
            await expect(page.locator("[data-test=live]")).to_be_visible(timeout=SEEN_MS)
            await expect(preview.locator("img")).to_have_attribute(
                "src", re.compile("^data:image"), timeout=SEEN_MS
            )

            await page.reload()  # the address says which camera is open
            await expect(preview).to_be_visible(timeout=SEEN_MS)

            edited_elsewhere(data)
            if not await page.locator("[data-test=field-sees]").is_visible():
                await page.locator("[data-test=record] summary").first.click()
            await page.locator("[data-test=field-sees]").fill("北门车道，不含住户窗户")
            await page.locator("[data-test=save]").click()
            await expect(page.locator("[data-test=conflict]")).to_contain_text("告示位置")
            await page.locator("[data-test=save]").click()
            await expect(page.locator("[data-test=conflict]")).to_have_count(0)
            kept, _ = stored(data)
            assert (kept.sees, kept.notice) == ("北门车道，不含住户窗户", "南门立柱")
            assert kept.thresholds == {"dwell_s": 120}
            assert [zone.kind for zone in kept.zones] == ["fire_lane"]
            assert kept.zones[0].points[0] == pytest.approx((0.1, 0.59), abs=0.01)

            await page.locator("[data-test=minutes]").fill("30")
            await page.locator("[data-test=snooze-go]").click()
            await expect(page.locator("[data-test=snooze]")).to_contain_text("已暂停报警，到")
            await page.locator("[data-test=end-snooze]").click()
            await expect(page.locator("[data-test=snooze-go]")).to_be_visible()
            assert stored(data)[0].snoozed_until is None

            told_of = page.locator(f"[data-test=seen-{seen}]")
            await told_of.locator("[data-test=look]").click()
            await expect(told_of.locator("img")).to_have_count(3)

            async def shown() -> bool:
                loaded = "(all) => all.every((i) => i.naturalWidth > 0)"
                return bool(await told_of.locator("img").evaluate_all(loaded))

            assert await found(shown, "three pictures", 10)
            await told_of.locator("[data-test=say-false]").click()
            today = page.locator("[data-test=figures] tbody tr").first.locator("td")
            await expect(today.nth(1)).to_have_text("1")
            await page.locator("[data-test=unreviewed]").check()
            await expect(told_of).to_have_count(0)
            await page.set_viewport_size({"width": 390, "height": 844})
            assert await page.evaluate("document.documentElement.scrollWidth") <= 390
            assert [text for text in troubles if "412" not in text and "409" not in text] == []


def stored(data: Path) -> tuple[Any, int]:
    """The camera's record as the register has it now."""
    registry = Registry.open(data / "registry.sqlite")
    try:
        return camera(registry.database, CAMERA)
    finally:
        registry.close()
