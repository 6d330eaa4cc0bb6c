"""Alarm-management figures as they leave the gateway: by place over the API, by site in /metrics, as readings."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from devices.reading import METRICS
from gateway.api import figuring
from gateway.api.figuring import Figuring, gather, reported, simulated
from gateway.control import ControlClient, ControlServer, Reported
from gateway.core.plan import Plan
from gateway.inprocess import START_UTC_MS
from gateway.views import Views
from tests.gateway.api.house import House


async def test_the_api_answers_by_place_and_metrics_say_the_same(house: House) -> None:
    """The operator of one site sees its figures, a stranger none of it; /metrics has them by site."""
    await house.fire()
    operator = (await house.client("operator").get("/api/v1/figures/alarms")).json()
    (site,) = operator["sites"]
    assert (site["site"], site["raised"]["1"], site["last_10min"]) == ("site-a", 1, 1)
    assert site["top"][0]["title"]["en"]
    assert operator["simulated"] is False
    viewer = (await house.client("viewer").get("/api/v1/figures/alarms")).json()
    assert [s["raised"]["1"] for s in viewer["sites"]] == [1]
    stranger = (await house.client("stranger").get("/api/v1/figures/alarms")).json()
    assert [(s["site"], s["raised"]["1"]) for s in stranger["sites"]] == [("site-b", 0)]
    assert (await house.client().get("/api/v1/figures/alarms")).status_code == 401
    long = {"since": "2020-01-01T00:00:00Z"}
    assert (await house.client("operator").get("/api/v1/figures/alarms", params=long)).status_code == 422
    house.parts.figuring = Figuring()
    metrics = (await house.client().get("/metrics")).text
    assert 'csg_alarms_raised{priority="P1",site="site-a"} 1.0' in metrics
    assert 'csg_alarms_10min{site="site-b"} 0.0' in metrics


async def test_what_the_gateway_reports_of_itself(house: House) -> None:
    """Figures by site, devices by health, coverage and stores: known metrics, channels without a slash, numbers."""
    await house.fire()
    parts = house.parts
    found = parts.figuring.look(parts.views, parts.world, parts.clock)
    overview = parts.looking.look(parts.world, parts.views, parts.devices_health, parts.clock)
    told = reported(found, overview, {"history": 0.5})
    values = {(metric, channel): value for metric, channel, value in told}
    assert len(values) == len(told)
    assert values["alarms_raised", "site-a P1"] == 1
    assert values["store_lag_s", "history"] == 0.5
    assert ("coverage_percent", "fire") in values
    assert all(m in METRICS and "/" not in c and isinstance(v, float) for m, c, v in told)


async def test_simulated_devices_count_only_where_there_are_no_others(house: House) -> None:
    """In a demonstration they do, and the answer says so; beside a real site they are left out."""
    await house.fire()
    await house.fire("b:hall")
    world = house.parts.world
    sources = dict(world.plan.catalogue.sources)

    def played(*names: str) -> None:
        marked = {n: msgspec.structs.replace(s, simulated=n in names) for n, s in sources.items()}
        catalogue = msgspec.structs.replace(house.plan.catalogue, sources=marked)
        world.plan = msgspec.structs.replace(house.plan, catalogue=catalogue)

    def counted() -> int:
        return len(gather(house.parts.views, world, START_UTC_MS - 1, house.now() + 1).occurrences)

    assert isinstance(world.plan, Plan)
    both = counted()
    played("b")
    assert simulated(world) == {"b"}
    assert counted() < both
    client = house.client("admin")
    assert (await client.get("/api/v1/figures/alarms")).json()["simulated"] is False
    played("a", "b")
    assert counted() == both
    assert (await client.get("/api/v1/figures/alarms")).json()["simulated"] is True


async def test_more_than_one_answer_looks_at_shortens_the_window(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A storm without end: the newest are counted and `since` says from when on."""
    monkeypatch.setattr(figuring, "ROWS_MAX", 100)
    views: Views = house.parts.views
    rows = [(f"a{n}", START_UTC_MS + n) for n in range(110)]
    views._writer.executemany(
        "INSERT INTO occurrences VALUES (?, ?, NULL, 'site-a', 'a-1', 'a:x', 'smoke', 'r', 1)", rows
    )
    seen = gather(views, house.parts.world, START_UTC_MS - 1, START_UTC_MS + 10_000_000)
    assert len(seen.occurrences) == 100
    assert seen.since == START_UTC_MS + 10 + 600_000


async def test_readings_reach_the_engine_in_one_piece(tmp_path: Path) -> None:
    """All numbers of a minute come as one message; what is no number ends the connection and nothing else."""
    told: list[list[Reported]] = []

    async def never() -> None: ...

    server = ControlServer(
        tmp_path / "s", lambda _: None, dict, never, lambda *_: None, lambda _: None,
        report=lambda readings: told.append(list(readings)),
    )  # fmt: skip
    await server.start()
    client = ControlClient(tmp_path / "s")
    await client.report([("flood_percent", "home", 0.5), ("alarms_stale", "home", 2.0)])
    assert told == [[("flood_percent", "home", 0.5), ("alarms_stale", "home", 2.0)]]
    await client.close()
    await server.stop()
