"""The history of a point on the devices page, in a real browser: a night in which the detector said nothing."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from devices.reading import Reading
from gateway.clock import SystemClock
from gateway.core.event import FORMAT, Event, Measured
from gateway.journal import Journal, Row
from tests.acceptance.running import Running, furnish
from tests.acceptance.test_inbox_page import PLACES, SEEN_MS, opened

pytestmark = pytest.mark.acceptance

DEVICE = "local:home/old"
MINUTE = 60_000
HOUR = 60 * MINUTE
HOUSE: dict[str, Any] = {**PLACES, "devices": [
    {"id": DEVICE, "place": "home-b1-101", "kind": "smoke", "name": "客厅烟感", "report_period_s": 600}
]}  # fmt: skip
SILENT = (9 * HOUR, 13 * HOUR)
"""From and to, since the first of 23 hours of reports."""


def remember(data: Path) -> None:
    """A journal as a gateway leaves it that ran for 23 hours: a temperature every 10 minutes, but for some hours."""
    start = SystemClock().utc_ms() - 23 * HOUR
    spoken = [m for m in range(0, 23 * HOUR, 10 * MINUTE) if not SILENT[0] < m < SILENT[1]]
    events: list[tuple[int, Event]] = [
        (
            start + m,
            Measured("home", [Reading(f"{DEVICE}/temperature/", round(21.5 + 3 * math.sin(m / HOUR), 1))]),
        )
        for m in spoken
    ]
    journal = Journal(data / "journal")
    journal.open()
    journal.append(Row(FORMAT, 1, 0, events, []))
    journal.mark_clean()
    journal.close()


async def drawn(page: Page, lines: int, gaps: int) -> None:
    """The chart has so many lines and gaps, each within it."""
    chart = page.locator("[data-test=history]")
    await expect(chart.locator("[data-test=line]")).to_have_count(lines, timeout=SEEN_MS)
    await expect(chart.locator("[data-test=gap]")).to_have_count(gaps)
    outside = await chart.locator("svg").evaluate(
        """svg => { const frame = svg.getBoundingClientRect();
        return [...svg.querySelectorAll("text, path")].map((part) => part.getBoundingClientRect())
          .filter((box) => box.left < frame.left || box.right > frame.right + 1).length; }"""
    )
    assert outside == 0


async def test_a_points_history_shows_its_gap(tmp_path: Path) -> None:
    """A line on either side of the silent hours and none across, in both languages, with the unit; a month as well."""
    data = tmp_path / "data"
    furnish(data, HOUSE)
    remember(data)
    async with Running("run", data) as gateway:
        await gateway.listening()
        async with opened(await gateway.link()) as (page, troubles):
            await page.get_by_role("link", name="设备", exact=True).click()
            await page.get_by_role("button", name="温度").click(timeout=SEEN_MS)
            chart = page.locator("[data-test=history]")
            await drawn(page, 2, 1)
            await expect(chart).to_contain_text("1号楼 101 客厅烟感")
            await expect(chart).to_contain_text("℃")
            await expect(chart).to_contain_text("应报未报")
            await page.screenshot(path=tmp_path / "history-zh.png", full_page=True)
            await chart.get_by_role("button", name="30").click()
            await expect(chart.get_by_role("button", name="30")).to_have_attribute("aria-pressed", "true")
            await expect(chart.locator("[data-test=band]").first).to_be_attached(timeout=SEEN_MS)
            await page.screenshot(path=tmp_path / "history-month.png", full_page=True)
            await page.get_by_role("button", name="English").click()
            await chart.get_by_role("button", name="1 d").click()
            await drawn(page, 2, 1)
            await expect(chart).to_contain_text("Reports missing")
            await page.screenshot(path=tmp_path / "history-en.png", full_page=True)
            assert troubles == []
