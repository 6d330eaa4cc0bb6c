"""Every question of every Grafana board, asked of the real servers after an evening in a simulated estate.

Grafana itself is packaged nowhere we may take it from: what it does to a query before it asks is done here as its
documentation says, and the documents are held against what it needs to load them.
"""

from __future__ import annotations

import itertools
import json
import re
import urllib.parse
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import pytest_asyncio

from dashboards.grafana.build import HERE, documents
from dashboards.grafana.panels import COLUMNS, SCHEMA, SOURCES, STORES
from devices.codec import Message
from devices.decode import Decoder
from devices.reading import Flag, Reading, point_id
from devices.simulator import SimulatedSite
from gateway.api.figuring import reported
from gateway.batch import batch_of
from gateway.core.event import Acted, Learned, Measured, Verb
from gateway.journal import JournalReader
from gateway.series import Batch, Sink
from gateway.store import influxdb, victoriametrics
from tests.gateway.api import house as house_module
from tests.gateway.api.house import House, furnish
from tests.gateway.store.feeding import NOON
from tests.gateway.store.realservers import Server, influxd, proxy, victoria

pytestmark = pytest.mark.acceptance

MINUTE = 60_000
MINUTES = 40
DEVICES = (
    "b1-yard-hydrant", "b2-yard-hydrant", "pump-pipe1", "b1-u1-f01-101-kitchen-gas", "b1-u1-f01-102-kitchen-gas",
    "b1-u1-f01-101-kitchen-co", "b1-u1-f01-corridor-smoke", "b1-u1-f02-corridor-smoke", "shed-meter1",
)  # fmt: skip


class Evening(NamedTuple):
    """What the servers hold, and when it was."""

    influx: Server
    vm: Server
    since: int
    until: int


def own(*said: tuple[str, str, Any]) -> Measured:
    """What the engine tells of itself."""
    return Measured("gateway", [Reading(point_id("gateway:engine", m, c), v) for m, c, v in said])


async def live(house: House) -> list[str]:
    """The evening: water drawn, gas leaking, a fire taken and called false, and a battery that runs out.

    Gives what `/metrics` said in each of the last ten minutes.
    """
    engine, parts = house.engine, house.parts
    site = SimulatedSite(7, site="site-a", clock=house.clock, devices=DEVICES)
    decoder = Decoder(engine.state.context)
    said = []
    engine.submit(own(
        *((f"{what}_ok", "", True) for what in ("journal", "clock", "ingest")), ("broker_link", "a.rest", True),
        ("channel_ok", "recording", True), ("store_ok", "city", True), ("disk_free_percent", "", 71.0),
        ("quarantined", "", 0), ("coalesced", "", 0),
    ))  # fmt: skip
    plot = {
        3: lambda: site.draw_water("b1-yard-hydrant", seconds=600),
        5: lambda: site.pressure("b2-yard-hydrant", 90),
        8: lambda: site.gas("b1-u1-f01-101-kitchen-gas"),
        10: lambda: site.smoke("b1-u1-f01-corridor-smoke"),
        14: lambda: site.clear("b1-u1-f01-corridor-smoke"),
        16: lambda: site.low_battery("b1-u1-f02-corridor-smoke"),
    }
    for minute in range(MINUTES):
        if minute in plot:
            plot[minute]()
        house.clock.advance(MINUTE)
        for sent in site.catch_up():
            message = Message("a", sent.topic, sent.payload, sent.retained, house.now())
            codec, decoded = decoder.answer(message)
            for learned in decoded.learned:
                engine.submit(Learned(codec, "a", learned.key, learned.value))
            if decoded.readings:
                marked = [Reading(r.point, r.value, None, r.flags | Flag.SIMULATED) for r in decoded.readings]
                engine.submit(Measured("a", marked, decoded.sequence))
        engine.tick()
        house.settle()
        if minute == 12:
            fire = next(i.id for i in engine.state.incidents.values() if i.hazard == "fire")
            for n, (verb, args) in enumerate(
                ((Verb.TAKE, {}), (Verb.VERDICT, {"verdict": "false", "cause": "steam"}))
            ):
                engine.submit(Acted(f"act{n}", "王值班", (("operator", "site-a"),), verb, fire, None, args))
            house.settle()
        if minute >= MINUTES - 10:
            await house.level()
            parts.pulse.heard_at = house.clock.monotonic_ms()
            said.append((await house.client().get("/metrics")).text)
            found = parts.figuring.look(parts.views, parts.world, parts.clock)
            overview = parts.looking.look(parts.world, parts.views, parts.devices_health, parts.clock)
            engine.submit(own(*reported(found, overview, {"city": 0.5})))
            house.settle()
    return said


def batches(journal: Path) -> Iterator[Batch]:
    """Everything in the journal, as stores are fed."""
    reader, after = JournalReader(journal), 0
    while rows := reader.rows(after):
        yield batch_of(rows, after)
        after = rows[-1].last
    reader.close()


def post(url: str, body: str) -> None:
    with urllib.request.urlopen(url, body.encode(), timeout=20) as answer:
        answer.read()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def evening(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Evening]:
    """Both servers with what the real stores wrote, and VictoriaMetrics with what `/metrics` said besides."""
    with ExitStack() as stack:
        folder = tmp_path_factory.mktemp("influxd")
        influx = stack.enter_context(influxd(folder))
        front = stack.enter_context(proxy(influx.url))
        flags = ("-retentionPeriod=100y", "-dedup.minScrapeInterval=1ms")
        vm = stack.enter_context(victoria(tmp_path_factory.mktemp("vm"), *flags))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                house_module, "START_UTC_MS", NOON
            )  # a server refuses what lies far ahead of its clock
            home = tmp_path_factory.mktemp("house")
            house = House(home, furnish(home / "registry.sqlite"))
        await house.start()
        house.parts.pulse.status = {
            **house.parts.pulse.status, "pending": 0, "cpu_s": 1.5, "rss_bytes": 80_000_000, "quarantined": 0,
            "counts": {"messages": 900, "coalesced": 0},
            "delivery": {"channels": {"recording": {"failing_since": None}}},
        }  # fmt: skip
        said = await live(house)
        until = house.now()
        influx.ask("/query", q='CREATE DATABASE "community"')
        world = house.parts.world
        sinks: list[Sink] = [
            influxdb.open(influxdb.Config(front.url, "community"), home, "city", world.site),
            victoriametrics.open(victoriametrics.Config(vm.url), home, "boards", world.site),
        ]
        for batch, sink in itertools.product(batches(home / "journal"), sinks):
            sink.write(batch)
        for back, text in enumerate(reversed(said)):
            stamp = until - back * MINUTE
            post(f"{vm.url}/api/v1/import/prometheus?timestamp={stamp}", text)
        vm.ask("/internal/force_flush")
        for sink in sinks:
            sink.close()
        await house.stop()
        yield Evening(influx, vm, NOON, until + 1)


def targets(store: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """`(board, panel, target)` of every question, as committed."""
    for path in sorted((HERE / store / "boards").glob("*.json")):
        for panel in json.loads(path.read_text("utf-8"))["panels"]:
            for target in panel["targets"]:
                yield path.stem, panel["title"], target


def put_in(text: str, evening: Evening, sites: str = ".*") -> str:
    """What Grafana puts in for its variables and ours: all sites or some by name, no part of a device id."""
    length = evening.until - evening.since
    known = {
        "$timeFilter": f"time >= {evening.since}ms and time <= {evening.until}ms", "${__to}": str(evening.until),
        "$__interval": "5m", "$__range": f"{length // 1000}s", "$site": sites, "$building": "",
    }  # fmt: skip
    for name, value in known.items():
        text = text.replace(name, value)
    assert "$" not in text.replace("$/", "")  # `$/` ends a regular expression
    return text


def influx_series(evening: Evening, query: str) -> list[dict[str, Any]]:
    """The series of the answer. Fails where the server finds fault."""
    answer = json.loads(evening.influx.ask("/query", db="community", q=query, epoch="ms"))
    (result,) = answer["results"]
    assert "error" not in result, (query, result)
    return [s for s in result.get("series", ()) if any(v is not None for row in s["values"] for v in row[1:])]


def vm_series(evening: Evening, target: dict[str, Any], expr: str) -> list[dict[str, Any]]:
    """The series of the answer. Fails where the server finds fault."""
    if target["instant"]:
        path, times = "/api/v1/query", {"time": evening.until / 1000}
    else:
        path = "/api/v1/query_range"
        times = {"start": evening.since / 1000, "end": evening.until / 1000, "step": 300}
    answer = json.loads(evening.vm.ask(path, query=expr, **{k: str(v) for k, v in times.items()}))
    assert answer["status"] == "success", (expr, answer)
    found: list[dict[str, Any]] = answer["data"]["result"]
    return found


@pytest.mark.asyncio(loop_scope="module")
async def test_every_panel_has_an_answer_from_influxdb(evening: Evening) -> None:
    """Each InfluxQL query parses on the server and gives series with values."""
    asked = list(targets("influxdb"))
    empty = [
        (board, panel, query)
        for board, panel, target in asked
        for sites in (".*", "(site-a|site-b)")
        if not influx_series(evening, query := put_in(target["query"], evening, sites))
    ]
    assert not empty
    assert len(asked) > 50


@pytest.mark.asyncio(loop_scope="module")
async def test_every_panel_has_an_answer_from_victoriametrics(evening: Evening) -> None:
    """Each PromQL expression parses on the server and gives series."""
    asked = list(targets("victoriametrics"))
    empty = [
        (board, panel, expr)
        for board, panel, target in asked
        for sites in (".*", "(site-a|site-b)")
        if not vm_series(evening, target, expr := put_in(target["expr"], evening, sites))
    ]
    assert not empty
    assert len(asked) > 55


@pytest.mark.asyncio(loop_scope="module")
async def test_the_numbers_are_the_evenings(evening: Evening) -> None:
    """Not only some answer: the hydrant at 0.09 MPa, the leak past 10 %LEL, the false alarm; both stores alike."""

    def first(store: str, board: str, panel: str) -> float:
        target = next(t for b, p, t in targets(store) if (b, p) == (board, panel))
        if store == "influxdb":
            values = [
                v[1] for s in influx_series(evening, put_in(target["query"], evening)) for v in s["values"]
            ]
        else:
            found = vm_series(evening, target, put_in(target["expr"], evening))
            values = [float(s["value"][1]) for s in found]
        return float(values[0])

    for store in STORES:
        assert first(store, "hydrants", "低于 0.10 MPa 的设备") == 1
        assert first(store, "hydrants", "最低水压") == pytest.approx(0.09, abs=0.01)
        assert first(store, "gas", "最高燃气浓度") > 10
        assert first(store, "alarms", "误报率") == 100
        assert first(store, "detectors", "低电量设备（≤15%）") == 1
    for panel in ("接警用时中位数", "每10分钟平均报警", "当前报警", "10分钟峰值"):
        assert first("influxdb", "alarms", panel) == first("victoriametrics", "alarms", panel)


@pytest.mark.asyncio(loop_scope="module")
async def test_the_variables_have_values(evening: Evening) -> None:
    """The sites to choose from, by the questions the boards ask for them."""
    for store in STORES:
        for path in sorted((HERE / store / "boards").glob("*.json")):
            for variable in json.loads(path.read_text("utf-8"))["templating"]["list"]:
                if variable["type"] != "query":
                    continue
                if store == "influxdb":
                    found = {v[1] for s in influx_series(evening, variable["query"]) for v in s["values"]}
                else:
                    asked = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["query"]["query"])
                    assert asked
                    window = {"start": str(evening.since / 1000), "end": str(evening.until / 1000)}
                    path_ = f"/api/v1/label/{asked[2]}/values?" + urllib.parse.urlencode(
                        {"match[]": asked[1], **window}
                    )
                    found = set(json.loads(evening.vm.ask(path_))["data"])
                assert "site-a" in found


def test_the_documents_are_what_the_description_makes() -> None:
    """`python -m dashboards.grafana.build` writes them; nobody edits them by hand."""
    made = dict(documents())
    assert {path for store in STORES for path in (HERE / store / "boards").glob("*")} == set(made)
    for path, text in made.items():
        assert path.read_text("utf-8") == text, path.name


@pytest.mark.parametrize("store", STORES)
def test_grafana_can_load_them(store: str) -> None:
    """Ids and names unique, nothing overlaps or leaves the grid, every panel says in both languages what it is."""
    uids, sizes = set(), set()
    for path in (HERE / store / "boards").glob("*.json"):
        board = json.loads(path.read_text("utf-8"))
        uids.add(board["uid"])
        sizes.add(len(board["uid"]) <= 40)
        assert board["schemaVersion"] == SCHEMA
        assert board["id"] is None
        ids = [panel["id"] for panel in board["panels"]]
        assert len(set(ids)) == len(ids)
        taken: set[tuple[int, int]] = set()
        for panel in board["panels"]:
            at = panel["gridPos"]
            cells = set(
                itertools.product(range(at["x"], at["x"] + at["w"]), range(at["y"], at["y"] + at["h"]))
            )
            assert at["x"] + at["w"] <= COLUMNS
            assert not taken & cells, panel["title"]
            taken |= cells
            assert re.search("[一-鿿]|CPU", panel["title"])
            assert re.search("[A-Za-z]{3}", panel["description"])
            assert panel["type"] in {"timeseries", "stat", "gauge", "bargauge", "table"}
            steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
            values = [step["value"] for step in steps]
            assert values[0] is None
            assert values[1:] == sorted(values[1:])
            refs = [target["refId"] for target in panel["targets"]]
            assert len(set(refs)) == len(refs) > 0
            assert all(
                target["datasource"] == panel["datasource"] == SOURCES[store] for target in panel["targets"]
            )
    assert len(uids) == 6
    assert sizes == {True}


@pytest.mark.parametrize("store", STORES)
def test_provisioning_names_the_data_source_and_no_secret(store: str) -> None:
    """The boards' data source is the provisioned one; address and credentials come from the environment."""
    import yaml

    folder = HERE / store / "provisioning"
    (source,) = yaml.safe_load((folder / "datasources" / "csg.yaml").read_text("utf-8"))["datasources"]
    assert {"type": source["type"], "uid": source["uid"]} == SOURCES[store]
    assert source["url"].startswith("$CSG_")
    assert all("$CSG_" in secret for secret in source["secureJsonData"].values())
    (provider,) = yaml.safe_load((folder / "dashboards" / "csg.yaml").read_text("utf-8"))["providers"]
    assert provider["type"] == "file"
    assert provider["options"]["path"].endswith(f"csg-{store}")
