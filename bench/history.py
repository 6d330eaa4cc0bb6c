"""What history costs the view: the latest value of 50 000 points, and questions as the console and a platform ask them.

CPU time of this process, so that a busy machine changes nothing; the store is the embedded one on a disk.
"""

from __future__ import annotations

import gc
import random
import resource
import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from bench.rig import say
from devices.catalogue import Catalogue, Device
from gateway.api import shaping
from gateway.api.downloading import Wanted, download
from gateway.api.newest import Newest
from gateway.api.world import World
from gateway.app.view import GC_OBJECTS
from gateway.core.plan import Plan
from gateway.feed import merged
from gateway.latest import Latest
from gateway.registry.reader import Directory
from gateway.render import rfc3339
from gateway.series import Batch, Kind, Query
from gateway.store import duckdb_

POINTS: Final = 50_000
DAYS: Final = 30
STORED: Final = 100  # points, a reading a minute each on every day
FETCHED: Final = 4  # of them as a file
DAY_MS: Final = 86_400_000
START: Final = 20_400 * DAY_MS


def measure_history() -> None:
    """Print the lines."""
    gc.set_threshold(GC_OBJECTS, 20, 20)  # as the view has it
    say("\n## history")
    with tempfile.TemporaryDirectory() as made:
        _latest(Path(made))
        _stored(Path(made))


def _latest(folder: Path) -> None:
    names = [f"city:dev-{i // 5:06d}/metric{i % 5}/" for i in range(POINTS)]
    devices = {f"city:dev-{i:06d}": Device(f"city:dev-{i:06d}", "site") for i in range(POINTS // 5)}
    world = World(
        Plan(catalogue=Catalogue(devices=devices)),
        Directory(folder / "none.sqlite"),
        key=b"k" * 32,
        base_url="",
    )
    latest, newest = Latest(), Newest()
    seq = 0
    costs = []
    size = 0
    for lap in range(6):
        latest.apply(_batch(seq, START + lap, names))
        latest.changes()  # that the values are taken over is the follower's cost, not the question's
        seq += POINTS
        cost, (_, body) = _timed(lambda: newest.body("all", latest, world, lambda _: True, START))
        costs.append(cost)
        size = len(body)
    again, _ = _timed(lambda: newest.body("all", latest, world, lambda _: True, START))
    say(
        f"latest value of {POINTS:,} points, every one changed: {min(costs[1:]):.0f} ms CPU "
        f"(first call {costs[0]:.0f}), {size / 1e6:.1f} MB; nothing changed: {again:.2f} ms"
    )


def _stored(folder: Path) -> None:
    names = [f"city:dev-{i:03d}/temperature/" for i in range(STORED)]
    store: Any = duckdb_.open(duckdb_.Config(close_after_s=0), folder, "history", lambda _: "site")
    chance = random.Random(1)
    seq = 0
    for hour in range(DAYS * 24 + 1):
        batches = [_batch(seq + 100 * m, START + (hour * 60 + m) * 60_000, names, chance) for m in range(60)]
        seq += 6_000
        store.write(merged(batches))
    store.settled(600)
    end = START + DAYS * DAY_MS
    day, _ = _timed(lambda: store.read(Query(names[:1], end - DAY_MS, end)))
    month, found = _timed(lambda: store.read(Query(names, START, end, 900_000, 5_000)))
    again, found = _timed(lambda: store.read(Query(names, START, end, 900_000, 5_000)))
    zone = ZoneInfo("Asia/Shanghai")
    clock = cache(lambda at: rfc3339(at, zone))
    text, _ = _timed(
        lambda: msgspec.json.encode([shaping.rows(series.rows, clock, True) for series in found])
    )
    say(
        f"one point's day {day:.0f} ms CPU; {DAYS} days of {STORED} points at 15 min {month:.0f} ms, again {again:.0f}"
        f" ({sum(len(s.rows) for s in found):,} rows); these as JSON {text:.0f} ms"
    )
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    wanted = Wanted(names[:FETCHED], START, end, None, ZoneInfo("Asia/Shanghai"), "en", False)
    cost, size = _timed(lambda: sum(map(len, download(store, wanted, "csv", folder))))
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    rows = FETCHED * DAYS * 1_440
    say(
        f"download of {rows:,} rows as CSV: {cost * 1000 / rows:.1f} us a row, {size / 1e6:.0f} MB, "
        f"memory +{grown:.0f} MB"
    )
    store.close()


def _batch(after: int, at: int, names: list[str], chance: random.Random | None = None) -> Batch:
    count = len(names)
    numbers: list[float | None] = [
        20.0 + i % 7 + (round(chance.gauss(0, 0.2), 1) if chance else after % 5) for i in range(count)
    ]
    return Batch(
        after, after + count, list(range(after + 1, after + count + 1)), [0] * count, [at] * count, names, numbers,
        [None] * count, bytes([Kind.FLOAT]) * count, [at] * count, [0] * count,
    )  # fmt: skip


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    began = time.process_time()
    result = work()
    return (time.process_time() - began) * 1000, result
