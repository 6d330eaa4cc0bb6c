"""A device on its page, in a real browser: its dates, whom it stands for, its household as a business, its keys."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect

from gateway.registry import Registry
from tests.acceptance.running import Running, furnish
from tests.acceptance.test_inbox_page import PLACES, SEEN_MS, opened

LOOK_MS = 2_000  # keys that have only just appeared take no press: a person looks first

pytestmark = pytest.mark.acceptance

OLD, NEW = "local:home/old-gas", "local:home/new-gas"
HOUSE: dict[str, Any] = {**PLACES, "devices": [
    {"id": OLD, "place": "home-b1-101", "kind": "gas", "name": "厨房燃气"}
]}  # fmt: skip


async def test_a_devices_dates_predecessors_and_keys(tmp_path: Path) -> None:
    """Changed for another, the new one names the old; its dates are saved; as a business its life ends sooner."""
    data = tmp_path / "data"
    furnish(data, HOUSE)
    with closing(Registry.open(data / "registry.sqlite")) as registry:
        registry.replace_device(OLD, NEW, who="test", now=1_790_000_000_000)
    async with Running("run", data) as gateway:
        await gateway.listening()
        async with gateway.device("d") as client:
            await client.publish(
                "community/home/new-gas/telemetry", json.dumps({"v": 1, "gas": False}), qos=1
            )
        async with opened(await gateway.link()) as (page, troubles):
            await page.get_by_role("link", name="设备", exact=True).click()
            await page.locator("[data-test=open-device]").first.click()
            card = page.locator("[data-test=device-card]")
            await expect(card.locator("[data-test=predecessors]")).to_contain_text("old-gas", timeout=SEEN_MS)
            await card.locator("[data-test=installed_on]").fill("2025-03-01")
            await card.locator("[data-test=save-days]").click()
            await expect(card.locator("[data-test=ends-on]")).to_contain_text("2030-03-01", timeout=SEEN_MS)
            await card.locator("[data-test=business]").click()
            await expect(card.locator("[data-test=ends-on]")).to_contain_text("2028-03-01", timeout=SEEN_MS)
            await page.wait_for_timeout(LOOK_MS)
            await card.locator("[data-test=tell-mute]").click()
            await expect(card.locator("[data-test=state-mute]")).to_contain_text("已发送", timeout=SEEN_MS)
            assert troubles == []
