"""`/metrics` for Prometheus: engine, view, stores, streams and requests, in a registry of our own."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway import text
from gateway.api.parts import Parts
from gateway.figures_named import FALSE, NAMED, RAISED, causes
from gateway.listen.address import is_listener

BUCKETS: Final = (0.005, 0.025, 0.1, 0.5, 2.5, 10.0)
LINK_UP: Final = "up"  # what the engine says of a broker session that works; anything else is why not
METHODS: Final = ("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH")

ENGINE: Final[Mapping[str, str]] = {
    "seq": "Last event stamped.", "pending": "Events not yet on disk.", "points": "Points known.",
    "devices": "Devices known.", "incidents": "Incidents in the core.", "alarms": "Alarms in the core.",
    "timers": "Timers armed.", "outbox": "Effects not yet ended.", "waiting": "Measurements waiting under overload.",
    "in_flight": "Messages not yet acknowledged.", "cpu_s": "CPU seconds of the engine.",
    "rss_bytes": "Largest resident memory of the engine.", "faulted": "Rules faulted for a subject.",
    "quarantined": "Messages quarantined since the journal began.",
}  # fmt: skip


class Requests:
    """Counts requests by route template, so that no address a stranger makes up becomes a series."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._total = Counter(
            "csg_http_requests", "Requests answered.", ("method", "route", "status"), registry=registry
        )
        self._time = Histogram(
            "csg_http_seconds", "Time to answer.", ("route",), buckets=BUCKETS, registry=registry
        )

    def count(self, method: str, route: str, status: int, elapsed_ms: int) -> None:
        known = method if method in METHODS else "other"
        self._total.labels(known, route, str(status)).inc()
        if not route.endswith("/stream"):  # a stream lasts as long as somebody watches
            self._time.labels(route).observe(elapsed_ms / 1000)


class HouseCollector(Collector):
    """Reads the parts when asked; nothing is counted twice."""

    def __init__(self, house: Parts) -> None:
        self.house = house

    def collect(self) -> Iterator[Metric]:
        house = self.house
        now = house.clock.monotonic_ms()
        heard = house.pulse.heard_at
        up = heard is not None and now - heard < 10_000
        yield _gauge("csg_engine_up", "Whether the engine answered within 10 s.", float(up))
        yield from _engine(house.pulse.status)
        yield _gauge("csg_view_seq", "Last event in the views.", house.hub.seq)
        if house.follower is not None:
            yield _gauge(
                "csg_view_lag_events", "Events in the journal and not yet in the views.", house.follower.lag
            )
            yield CounterMetricFamily("csg_view_events", "Events followed.", house.follower.messages)
        age = house.age_ms()
        if age is not None:
            yield _gauge("csg_view_data_age_seconds", "How old what the API shows may be.", age / 1000)
        yield _gauge("csg_latest_points", "Points with a latest value.", len(house.latest))
        yield _gauge("csg_sse_clients", "Open event streams.", len(house.hub.clients))
        for name, count in house.views.counts().items():
            yield _gauge(f"csg_view_{name}", f"Rows: {name.replace('_', ' ')}.", count)
        yield from _stores(house)
        yield from _stores_say(house)
        yield from _devices(house)
        yield from _alarm_management(house)
        yield from _evidence(house)
        missing = sum(text.missing().values())
        yield CounterMetricFamily("csg_texts_missing", "Texts asked for that no language has.", missing)


def exposition(registry: CollectorRegistry) -> bytes:
    """The text Prometheus reads."""
    return generate_latest(registry)


def _engine(status: Mapping[str, Any]) -> Iterator[Metric]:
    for name, about in ENGINE.items():
        if isinstance(status.get(name), int | float):
            yield _gauge(f"csg_engine_{name}", about, float(status[name]))
    if "durable" in status:
        yield _gauge(
            "csg_engine_durable", "Whether the journal takes what comes.", float(bool(status["durable"]))
        )
    links = status.get("links")
    up = {name: said == LINK_UP for name, said in links.items()} if isinstance(links, Mapping) else {}
    sessions = {name: well for name, well in up.items() if not is_listener(name)}
    yield _family("csg_mqtt_link", "Whether a broker session is up.", "session", sessions)
    yield from _listener(status, {name: well for name, well in up.items() if is_listener(name)})
    counted = CounterMetricFamily("csg_ingest", "What became of messages.", labels=["what"])
    for name, value in sorted(_numbers(status.get("counts"))):
        counted.add_metric([name], value)
    yield counted
    delivery = status.get("delivery")
    channels = delivery.get("channels") if isinstance(delivery, Mapping) else None
    said = channels if isinstance(channels, Mapping) else {}
    well = {name: row.get("failing_since") is None for name, row in said.items() if isinstance(row, Mapping)}
    yield _family("csg_channel_ok", "Whether a channel's last send worked.", "channel", well)


def _listener(status: Mapping[str, Any], up: Mapping[str, bool]) -> Iterator[Metric]:
    """Sources that listen: nothing where there are none."""
    figures = status.get("listener")
    if not up or not isinstance(figures, Mapping):
        return
    yield _family("csg_listen_up", "Whether a way in for pushes is open.", "link", up)
    peers = {source: counts.get("peers") for source, counts in figures.items() if "peers" in counts}
    yield _family("csg_listen_peers", "Devices connected over TCP.", "source", peers)
    counted = CounterMetricFamily("csg_listen", "What became of pushes.", labels=["source", "what"])
    for source, counts in sorted(figures.items()):
        for what, value in sorted(_numbers(counts)):
            if what != "peers":
                counted.add_metric([source, what], value)
    yield counted


def _stores(house: Parts) -> Iterator[Metric]:
    ok = GaugeMetricFamily("csg_store_ok", "Whether a store takes what comes.", labels=["store"])
    lag = GaugeMetricFamily("csg_store_lag_events", "Events a store is behind.", labels=["store"])
    written = CounterMetricFamily("csg_store_readings", "Readings written since the start.", labels=["store"])
    late = GaugeMetricFamily(
        "csg_store_lag_seconds", "How much older its newest reading is.", labels=["store"]
    )
    lost = CounterMetricFamily(
        "csg_store_lost_events", "Events that neither journal nor another store had for it.", labels=["store"]
    )
    for feeder in house.feeders:
        ok.add_metric([feeder.name], float(bool(feeder.health()["ok"])))
        lag.add_metric([feeder.name], feeder.lag)
        written.add_metric([feeder.name], feeder.readings)
        lost.add_metric([feeder.name], feeder.filler.lost)
        if feeder.lag_ms is not None:
            late.add_metric([feeder.name], feeder.lag_ms / 1000)
    for name in house.unopened:
        ok.add_metric([name], 0.0)
    yield from (ok, lag, late, written, lost)
    if house.retention is not None:
        yield CounterMetricFamily("csg_deletions", "Proof lines of deletions.", house.retention.proofs.count)
        owed = len(house.retention.proofs.owed())
        yield _gauge("csg_deletions_owed", "Deletions that a store could not do yet.", owed)


def _stores_say(house: Parts) -> Iterator[Metric]:
    """What stores themselves count: lines a server will never take, readings it cannot hold."""
    cursor = GaugeMetricFamily("csg_store_cursor", "Last event a store has for good.", labels=["store"])
    failing = GaugeMetricFamily("csg_store_failing", "Whether the last write failed.", labels=["store"])
    counted = CounterMetricFamily(
        "csg_store_not_kept",
        "Readings a store's server refused, cannot hold, or had to merge.",
        labels=["store", "why"],
    )
    for feeder in house.feeders:
        said = feeder.health()
        cursor.add_metric([feeder.name], said["cursor"])
        failing.add_metric([feeder.name], float(said["failing"] is not None))
        for why in ("refused", "left_out", "collapsed"):
            if why in said:
                counted.add_metric([feeder.name, why], said[why])
    yield from (cursor, failing, counted)


def _devices(house: Parts) -> Iterator[Metric]:
    """Devices of the catalogue, each once by the worst that is wrong with it, and the share that can alarm now."""
    seen = house.looking.glance(house.world, house.views, house.devices_health, house.clock)
    yield _family("csg_devices", "Devices by their worst problem.", "health", seen.counts)
    shares = {klass: working / installed for klass, (installed, working) in seen.classes.items()}
    yield _family("csg_coverage_ratio", "Share of detectors that can raise an alarm.", "class", shares)
    yield _gauge("csg_devices_learned", "Devices of which figures are kept.", len(house.devices_health))


def _alarm_management(house: Parts) -> Iterator[Metric]:
    """The last day's figures of each site (EEMUA 191), under the names that the gateway's own readings have."""
    found = house.figuring.look(house.views, house.world, house.clock)
    for one in NAMED:
        values = {f.site: value for f in found if (value := one.of(f)) is not None}
        yield _family(f"csg_{one.metric}", one.about, "site", values)
    raised = GaugeMetricFamily(f"csg_{RAISED}", "Alarms raised in the last day.", labels=["site", "priority"])
    false = GaugeMetricFamily(f"csg_{FALSE}", "False alarms of the last day.", labels=["site", "cause"])
    for figures in found:
        for priority, count in figures.raised.items():
            raised.add_metric([figures.site, f"P{priority}"], count)
        for cause, count in causes(figures).items():
            false.add_metric([figures.site, cause], count)
    yield from (raised, false)


def _evidence(house: Parts) -> Iterator[Metric]:
    """Camera events and pictures kept, those nobody judged, and pictures that were not kept, by reason."""
    if house.evidence is None:
        return
    try:
        figures = house.evidence.pictures.figures()
    except sqlite3.Error:
        return  # what cannot be read is no zero
    lost = CounterMetricFamily("csg_evidence_lost", "Pictures that were not kept.", labels=["why"])
    for name, value in sorted(figures.items()):
        if name.startswith("lost_"):
            lost.add_metric([name.removeprefix("lost_")], value)
        else:
            yield _gauge(f"csg_evidence_{name}", f"Evidence of camera events: {name}.", value)
    yield lost


def _gauge(name: str, about: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, about, value)


def _family(name: str, about: str, label: str, values: Any) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, about, labels=[label])
    for key, value in sorted(_numbers(values)):
        family.add_metric([key], value)
    return family


def _numbers(values: Any) -> Iterator[tuple[str, float]]:
    if isinstance(values, Mapping):
        yield from ((str(k), float(v)) for k, v in values.items() if isinstance(v, bool | int | float))
