"""The console's files, the words of health, and the metrics."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.api.health import WORDS
from gateway.api.static import default_web
from gateway.series import StoreError
from tests.gateway.api.house import House
from tests.parts import async_until


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A console as the build leaves it, and a secret beside it."""
    dist = tmp_path / "dist"
    (dist / "assets").mkdir(parents=True)
    (dist / "index.html").write_text("<!doctype html><title>console</title>")
    (dist / "assets" / "index-BqK3x9Zt.js").write_text("1")
    (dist / "favicon.svg").write_text("<svg/>")
    (tmp_path / "secret.txt").write_text("secret")
    return dist


async def test_files_are_served_and_other_addresses_are_views_of_the_console(
    house: House, built: Path
) -> None:
    """Hashed files are kept for good, the page itself is always asked for, a missing file is missing."""
    house.parts.web = built
    client = house.client()
    for path, kind, cache in (
        ("/", "text/html", "no-cache"),
        ("/devices/somewhere", "text/html", "no-cache"),
        ("/assets/index-BqK3x9Zt.js", "javascript", "immutable"),
        ("/favicon.svg", "image/svg+xml", "no-cache"),
    ):
        answer = await client.get(path)
        assert answer.status_code == 200, path
        assert kind in answer.headers["content-type"]
        assert cache in answer.headers["cache-control"]
    for path in ("/assets/none.js", "/secret.txt", "/api/v2/x", "/api/v1/none"):
        answer = await client.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "no_route"), path


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/assets/../../secret.txt",
        "/%00",
        "/" + "x" * 5000,
    ],
)
async def test_nothing_outside_is_served(house: House, built: Path, path: str) -> None:
    """However the path is written."""
    house.parts.web = built
    assert "secret" not in (await house.client().get(path)).text


async def test_without_a_build_the_page_says_how_to_build_it(house: House) -> None:
    """503 in words, in both languages, instead of an empty page."""
    house.parts.web = None
    answer = await house.client().get("/")
    assert answer.status_code == 503
    assert "make setup" in answer.text
    assert "值班页面" in answer.text


async def test_other_methods_on_pages_are_refused_in_our_own_words(house: House) -> None:
    """405 as a problem, with what is allowed."""
    answer = await house.client("admin").post("/api/v1/incidents", json={})
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert "GET" in answer.headers["allow"]


def test_the_build_lies_where_the_wheel_puts_it() -> None:
    """One place from a checkout and from site-packages."""
    assert default_web().parts[-3:] == ("dashboards", "web", "dist")


def test_every_state_of_health_has_words_in_both_languages() -> None:
    """Two texts each, and they differ."""
    for name, (zh, en) in WORDS.items():
        assert zh, name
        assert en, name
        assert any("一" <= c <= "鿿" for c in zh)
        assert en.isascii()


async def test_health_names_the_part_that_is_not_well(house: House) -> None:
    """A failing store and a lost broker are said by name; a viewer learns only whether to trust the page."""
    client = house.client("operator")
    assert (await client.get("/api/v1/health")).json()["ok"] is True
    house.store.broken = StoreError("full", 10)
    await house.measure("a:hall", "temperature", 20.0)
    await async_until(lambda: house.parts.feeders[0].failing, "the store to fail")
    house.parts.pulse.status = {
        **house.parts.pulse.status,
        "links": {"a.rest": "connection refused"},
        "durable": False,
    }
    said = (await client.get("/api/v1/health")).json()
    assert {p["name"] for p in said["parts"] if not p["ok"]} == {"engine", "mqtt.a.rest", "store.history"}
    viewer = (await house.client("viewer").get("/api/v1/health")).json()
    assert {p["name"] for p in viewer["parts"]} == {"engine", "view"}
    metrics = (await house.client().get("/metrics")).text
    assert 'csg_store_ok{store="history"} 0.0' in metrics
    assert 'csg_mqtt_link{session="a.rest"} 0.0' in metrics
    house.store.broken = None


async def test_metrics_have_no_series_that_strangers_can_make(house: House) -> None:
    """Made-up addresses and methods count under one name."""
    client = house.client("admin")
    for n in range(5):
        await client.get(f"/made/up/{n}")
        await client.request(f"MADE{n}", "/api/v1/incidents")
        await client.get(f"/api/v1/incidents/{n}")
    text = (await client.get("/metrics")).text
    assert "made" not in text.lower().replace("csg", "")
    assert 'route="/incidents/{incident}",status="404"} 5.0' in text


async def test_liveness_says_nothing_else(house: House) -> None:
    """For load balancers and the supervisor: alive, without a detail."""
    answer = await house.client().get("/healthz")
    assert (answer.status_code, answer.text) == (200, "ok\n")
