"""Pictures of an incident on the duty page, in a real browser: opened by a key, logged, and judged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect

from gateway.evidence.looks import Looks
from gateway.evidence.store import Evidence
from tests.acceptance.running import Running, found, furnish
from tests.acceptance.test_inbox_page import PLACES, SEEN_MS, opened
from tests.gateway.evidence.seen import event, frames, keeper

pytestmark = pytest.mark.acceptance

HOUSE: dict[str, Any] = {**PLACES, "devices": [
    {"id": "local:home/hall", "place": "home-b1-101", "kind": "smoke", "name": "厅"}
]}  # fmt: skip


async def test_pictures_open_by_a_key_and_are_judged(tmp_path: Path) -> None:
    """Nothing is shown unasked; a press shows all three and leaves a line each; false alarm is one more press."""
    data = tmp_path / "data"
    furnish(data, HOUSE)
    async with Running("run", data) as gateway:
        await gateway.listening()
        async with gateway.device("d") as client:
            await client.publish("community/home/hall/telemetry", json.dumps({"v": 1, "smoke": True}), qos=1)
        async with opened(await gateway.link()) as (page, troubles):
            hero = page.locator("[data-test=hero]")
            await expect(hero).to_be_visible(timeout=SEEN_MS)
            said = await page.evaluate("fetch('/api/v1/incidents').then((r) => r.json())")
            incident = said["items"][0]
            at = await page.evaluate(f"Date.parse('{incident['opened_at']}')")
            evidence = Evidence(data / "evidence")
            seen = event(
                at, incident=incident["id"], place="home-b1-101", site="home", camera="cameras-home:yard"
            )
            assert keeper(evidence).keep(seen, frames(at), None, (0.3, 0.3, 0.4, 0.4), (), at).pictures == 3
            await page.reload()
            panel = page.locator("[data-test=evidence]")
            await expect(panel).to_contain_text("疑似火焰", timeout=SEEN_MS)
            await expect(panel.locator("img")).to_have_count(0)
            await panel.locator("[data-test=look]").click()
            await expect(panel.locator("img")).to_have_count(3, timeout=SEEN_MS)

            async def shown() -> bool:
                script = "[...document.querySelectorAll('[data-test=evidence] img')].every((i) => i.naturalWidth > 0)"
                return bool(await page.evaluate(script))

            assert await found(shown, "three pictures", 10)
            await expect(panel.get_by_role("link", name="yard")).to_have_attribute(
                "href", "#/cameras/cameras-home%3Ayard"
            )
            await panel.locator("[data-test=say-false]").click()
            pressed = panel.locator("[data-test=say-false][aria-pressed=true]")
            await expect(pressed).to_be_visible(timeout=SEEN_MS)
            kept = evidence.event(seen.id)
            evidence.close()
            assert kept is not None
            assert kept.verdict == "false"
            looks = Looks(data / "evidence" / "looks.sqlite")
            assert sorted(line.kind for line in looks.lines()) == ["link"] * 3 + ["look"] * 3
            looks.close()
            assert troubles == []
