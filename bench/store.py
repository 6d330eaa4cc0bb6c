"""What the embedded store does: points a second, CPU and bytes a point, questions, and the longest write meanwhile."""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np

from bench.rig import say
from gateway.series import Batch, Query, Selection
from gateway.store import duckdb_
from gateway.store.duckdb_.files import DAY_MS
from gateway.store.duckdb_.store import DuckStore

MILLIONS: Final = 20
DEVICES: Final = 2_000
"""Each sends a message of five readings a minute, as design's bench does."""

MINUTES: Final = 1_440
_START: Final = 20_000 * DAY_MS
_METRICS: Final = (("battery", 2), ("pressure", 3), ("rssi", 2), ("smoke", 1), ("temperature", 3))
_QUESTION_DAYS: Final = 30


class Estate:
    """Seeded devices that report like real ones: once a minute, none at the same moment, values that change little."""

    def __init__(self, seed: int, devices: int = DEVICES, readings: int = 5) -> None:
        self._rng = np.random.default_rng(seed)
        self.devices, self.readings = devices, readings
        self._phase = self._rng.integers(0, 60_000, devices)
        self._temperature = 18 + 8 * self._rng.random(devices)
        self._pressure = 0.3 + 0.1 * self._rng.random(devices)
        self._battery = self._rng.integers(60, 100, devices).astype(float)
        self._metrics = _METRICS[-readings:]
        names = [f"estate:b{d % 40:02d}-u{d % 3 + 1}-{d:05d}-smoke" for d in range(devices)]
        self.points = [f"{name}/{metric}/" for name in names for metric, _ in self._metrics]
        self._kinds = bytes(kind for _, kind in self._metrics)
        self._seq = 0

    def minute(self, number: int) -> Batch:
        """What all of them say in that minute since the start, in the order of arrival."""
        rng, count = self._rng, self.devices
        at = _START + number * 60_000 + (self._phase + rng.integers(-400, 400, count)).clip(0, 59_999)
        order = np.argsort(at, kind="stable")
        self._temperature += rng.choice([0, 0, 0, 0, 0, 0, 0.1, -0.1], count)
        self._battery -= rng.random(count) < 1 / 20_000
        values = {
            "battery": self._battery,
            "pressure": np.round(self._pressure + rng.choice([0, 0, 0, 0.001, -0.001], count), 3),
            "rssi": -70.0 + rng.integers(-2, 3, count),
            "smoke": np.zeros(count),
            "temperature": np.round(self._temperature, 1),
        }
        k = self.readings
        after = self._seq
        self._seq += count
        many = np.repeat(order, k)
        columns = np.stack([values[name] for name, _ in self._metrics], axis=1)
        sorted_at = np.repeat(at[order], k)
        lag = np.repeat(rng.integers(20, 400, count), k)
        place = (many * k + np.tile(np.arange(k), count)).tolist()
        points = self.points
        return Batch(
            after,
            self._seq,
            np.repeat(np.arange(after + 1, self._seq + 1), k).tolist(),
            np.tile(np.arange(k), count).tolist(),
            sorted_at.tolist(),
            [points[i] for i in place],
            columns[order].ravel().tolist(),
            [None] * (count * k),
            self._kinds * count,
            (sorted_at - lag).tolist(),
            [0] * (count * k),
        )


class Writes:
    """Batches written one after the other: how long each took, and the CPU of the writing thread."""

    def __init__(self, store: DuckStore) -> None:
        self._store = store
        self.points, self.wall_s, self.cpu_s, self.longest_ms = 0, 0.0, 0.0, 0.0

    def write(self, batch: Batch) -> None:
        """One batch."""
        began, cpu, queued = time.perf_counter(), time.process_time(), _queued_s()
        self._store.write(batch)
        # Less the time for which the machine had no core to give: on a busy one that is most of it.
        took = time.perf_counter() - began - (_queued_s() - queued)
        self.points += len(batch)
        self.wall_s += took
        self.cpu_s += time.process_time() - cpu
        self.longest_ms = max(self.longest_ms, took * 1000)


def measure_store(seconds: float) -> None:
    """Print what the embedded store does, a line a figure with its target.

    BENCH_STORE_MILLIONS in the environment says how many million readings are put on disk (20).
    """
    millions = float(os.environ.get("BENCH_STORE_MILLIONS", MILLIONS))
    say(f"\n## store (embedded; {DEVICES} devices, five readings a message, seeded)")
    with tempfile.TemporaryDirectory() as folder:
        _writing(Path(folder) / "writing", seconds)
        _whole_days(Path(folder) / "days", millions)
        _alone(Path(folder) / "alone")
    with tempfile.TemporaryDirectory() as folder:
        _questions(Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        _meanwhile(Path(folder))


def measure_disk() -> None:
    """Only the bytes a reading, of which BENCH_STORE_MILLIONS are stored."""
    say(f"\n## disk (embedded store; {DEVICES} devices, seeded)")
    with tempfile.TemporaryDirectory() as folder:
        _whole_days(Path(folder) / "days", float(os.environ.get("BENCH_STORE_MILLIONS", MILLIONS)))
        _alone(Path(folder) / "alone")


def _opened(folder: Path) -> DuckStore:
    return duckdb_.open(duckdb_.Config(close_after_s=0), folder, "history", lambda source: "幸福里")


def _batches(estate: Estate, first: int, minutes: int, gather: int = 4) -> Iterator[Batch]:
    """Minutes of the estate, some in a batch as the feeder gathers them (40 000 readings)."""
    from gateway.feed import merged

    for start in range(first, first + minutes, gather):
        yield merged([estate.minute(m) for m in range(start, min(start + gather, first + minutes))])


def _writing(folder: Path, seconds: float) -> None:
    """Flat out into one open day."""
    store, estate = _opened(folder), Estate(1)
    batches = list(_batches(estate, 0, 80))
    store.write(batches[0])  # every point met once
    writes = Writes(store)
    for batch in batches[1:]:
        writes.write(batch)
    minute = 80
    while writes.wall_s < seconds and minute < MINUTES:
        for batch in _batches(estate, minute, 4):
            writes.write(batch)
        minute += 4
    store.close()
    say(
        f"writing {writes.points / writes.wall_s:,.0f} points/s in the store alone (target 200,000),"
        f" {writes.cpu_s / writes.points * 1e6:.2f} us CPU a point (target 1.5), longest write"
        f" {writes.longest_ms:.0f} ms"
    )


def _whole_days(folder: Path, millions: float) -> None:
    """Whole days until so many readings are stored and closed: bytes a point, and what closing costs."""
    store, estate = _opened(folder), Estate(2)
    days = max(round(millions * 1e6 / (DEVICES * 5 * MINUTES)), 1)
    writes = Writes(store)
    for batch in _batches(estate, 0, days * MINUTES):
        writes.write(batch)
    writes.write(next(_batches(estate, days * MINUTES, 1)))
    while not store.settled(1.0):
        pass
    parts = list((folder / "history").glob("day=*/*.parquet"))
    rolls = list((folder / "history").glob("rollups/*/*.parquet"))
    raw, rolled = (sum(p.stat().st_size for p in some) for some in (parts, rolls))
    points = days * DEVICES * 5 * MINUTES
    say(
        f"{points / 1e6:.1f} million points on disk {raw / points:.2f} bytes each, {(raw + rolled) / points:.2f} with"
        f" roll-ups (target 4); written at {writes.points / writes.wall_s:,.0f} points/s while days close,"
        f" longest write {writes.longest_ms:.0f} ms"
    )
    _ask_one(store, estate, days)
    store.close()


def _ask_one(store: DuckStore, estate: Estate, days: int) -> None:
    """A day of one point."""
    points = estate.points[7::997][:9]
    queries = [Query([p], _START, _START + DAY_MS) for p in points]
    took = [_took(partial(store.read, query)) for query in queries]
    cpu = [_took(partial(store.read, query), time.process_time) for query in queries]
    say(
        f"a day of one point {median(took):.1f} ms, {median(cpu):.1f} ms CPU, of {days} closed days (target 10)"
    )


def _alone(folder: Path) -> None:
    """The dear case: devices that send one reading a message, so that none shares its times with another."""
    store, estate = _opened(folder), Estate(3, 2_000, 1)
    for batch in _batches(estate, 0, MINUTES + 1, 20):
        store.write(batch)
    while not store.settled(1.0):
        pass
    history = folder / "history"
    raw, rolled = (
        sum(p.stat().st_size for p in history.glob(f"{w}/*.parquet")) for w in ("day=*", "rollups/*")
    )
    points = 2_000 * MINUTES
    say(
        f"of devices that send one reading a message: {raw / points:.2f} bytes a point,"
        f" {(raw + rolled) / points:.2f} with roll-ups (target 4)"
    )
    store.close()


def _questions(folder: Path) -> None:
    """30 days of 100 points at 15 minutes, from roll-ups; all report each quarter hour only, to fill in time."""
    store, estate = _opened(folder), Estate(4, 400)
    for batch in _thinned(estate, _QUESTION_DAYS):
        store.write(batch)
    while not store.settled(1.0):
        pass
    until = _START + _QUESTION_DAYS * DAY_MS
    scattered, near = estate.points[3::20], sorted(estate.points)[1_000:1_100]
    for name, points in (("all over the estate", scattered), ("of one building", near)):
        query = Query(points, _START, until, 900_000, limit=_QUESTION_DAYS * 96)
        rows = sum(len(s.rows) for s in store.read(query))
        took = [_took(partial(store.read, query)) for _ in range(5)]
        cpu = [_took(partial(store.read, query), time.process_time) for _ in range(3)]
        say(
            f"{_QUESTION_DAYS} days of {len(points)} of {len(estate.points)} points {name} at 15 min"
            f" {median(took):.0f} ms, {median(cpu):.0f} ms CPU, {rows:,} rows (target 200)"
        )
    store.close()


def _thinned(estate: Estate, days: int) -> Iterator[Batch]:
    for day in range(days):
        for quarter in range(96):
            yield estate.minute(day * MINUTES + quarter * 15)
    yield estate.minute(days * MINUTES)


def _meanwhile(folder: Path) -> None:
    """The longest write while eight hours of 5 000 points are closed, rolled up, deleted from and copied."""
    store, estate = _opened(folder), Estate(5, 1_000)
    for batch in _batches(estate, 0, 480, 8):
        store.write(batch)
    rest = _batches(estate, MINUTES, 2 * MINUTES, 2)
    alone = _beside(store, rest, lambda: threading.Event().wait(2))
    works: list[tuple[str, Callable[[], Any]]] = [
        ("closing and rolling up", lambda: store.settled(120)),
        ("deleting a metric", lambda: store.delete(Selection(2**60, metrics=("rssi",)))),
        ("backing up", lambda: store.backup(folder / "backup")),
        ("exporting", lambda: store.export(folder / "export")),
    ]
    for name, work in works:
        longest, took = _beside(store, rest, work)
        say(
            f"longest write while {name} ({took:.1f} s) {longest:.0f} ms, {alone[0]:.0f} ms alone (target 100)"
        )
    store.close()


def _beside(store: DuckStore, batches: Iterator[Batch], work: Callable[[], Any]) -> tuple[float, float]:
    """The longest write of 10 000 readings, every 50 ms, while `work` runs, in ms; and how long that took, in s."""
    thread = threading.Thread(target=work)
    writes, pause = Writes(store), threading.Event()
    writes.write(next(batches))  # may be what closes a day
    began = time.perf_counter()
    thread.start()
    while thread.is_alive():
        writes.write(next(batches))
        pause.wait(0.05)
    return writes.longest_ms, time.perf_counter() - began


def _queued_s() -> float:
    """How long this thread has waited for a core so far (Linux, proc(5): the second figure of schedstat, in ns)."""
    try:
        return int(Path("/proc/thread-self/schedstat").read_text("ascii").split()[1]) / 1e9
    except OSError:
        return 0.0


def _took(work: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    """Milliseconds."""
    began = clock()
    work()
    return (clock() - began) * 1000
