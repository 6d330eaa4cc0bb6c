"""What writing to InfluxDB and VictoriaMetrics costs, and whether their servers keep up with all a gateway takes in.

Real servers on this machine: the same 40 000 readings a write that the feeder gives (1 000 devices, five readings a
message, as `make bench` sends them). InfluxDB here is 1.6, whose older write path a proxy stands in front of; the
proxy's time is in nobody's figure but the rate's.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from bench.rig import ROOT, cpu_s, say
from gateway.lines import Lines
from gateway.linesink import LineSink
from gateway.series import Batch, Kind
from gateway.store import influxdb, victoriametrics
from tests.gateway.store.realservers import Server, influxd, victoria

DEVICES: Final = 1_000
FIVE: Final = ("smoke", "smoke_obscuration", "temperature", "battery", "rssi")
WRITE_READINGS: Final = 40_000  # gateway.feed.WRITE_READINGS
START_MS: Final = 1_795_276_800_000

_PROXY: Final = (
    "import sys; from tests.gateway.store.realservers import proxy\n"
    "with proxy(sys.argv[1]) as way: print(way.url, flush=True); sys.stdin.read()"
)


class Figures(NamedTuple):
    """Of one run: lines a second, and us CPU a line of ours and of the server."""

    rate: float
    ours_us: float
    server_us: float
    bytes_a_reading: float


def measure_influx(seconds: float) -> None:
    """Print what the lines cost, and a line for each server that is installed."""
    say("\n## time-series servers")
    some = batches(1)[0]
    lines = Lines("reading", lambda source: "幸福里")
    for _ in lines.of(some):
        pass
    began = time.process_time()
    for _ in lines.of(some):
        pass
    say(f"making lines: {(time.process_time() - began) / len(some) * 1e6:.2f} us CPU a reading")
    writes = max(round(seconds * 2), 5)
    for name, run in (("influxdb 1.6", influx_run), ("victoria-metrics", victoria_run)):
        with tempfile.TemporaryDirectory() as made:
            figures = run(Path(made), batches(writes))
        if figures is None:
            say(f"{name}: not installed")
            continue
        rate = 1e6 / max(figures.ours_us, figures.server_us)
        say(
            f"{name}: {figures.rate:,.0f} readings/s, one writer; ours {figures.ours_us:.2f} us CPU a reading,"
            f" the server {figures.server_us:.2f} us, {figures.bytes_a_reading:.1f} bytes on its disk;"
            f" with a core each {rate:,.0f} readings/s, as of {rate / 5:,.0f} messages of five"
        )


def batches(count: int) -> list[Batch]:
    """So many writes of the feeder."""
    points = [[f"bench:d{d:05d}/{metric}/" for metric in FIVE] for d in range(DEVICES)]
    made, seq = [], 0
    for _ in range(count):
        after = seq
        batch = Batch(after, after, [], [], [], [], [], [], b"", [], [])
        kinds = bytearray()
        while len(batch) < WRITE_READINGS:
            device, seq = points[seq % DEVICES], seq + 1
            at = START_MS + seq // 8
            batch.seq += [seq] * 5
            batch.n += range(5)
            batch.at += [at] * 5
            batch.point += device
            batch.number += [0.0, seq % 40 / 1000, 18 + seq % 80 / 10, 96.0, -71.0 + seq % 3]
            batch.text += [None] * 5
            kinds += bytes((Kind.BOOL, Kind.FLOAT, Kind.FLOAT, Kind.INT, Kind.INT))
            batch.measured_at += [at - 35] * 5
            batch.flags += [0] * 5
        batch.kind, batch.last_seq = bytes(kinds), seq
        made.append(batch)
    return made


def influx_run(folder: Path, work: list[Batch]) -> Figures | None:
    """None where it is not installed."""
    if not shutil.which("influxd"):
        return None
    with influxd(folder) as server, proxied(server) as url:
        server.ask("/query", q="CREATE DATABASE bench")
        config = influxdb.Config(url, "bench", timeout_ms=60_000)
        return _figures(server, influxdb.open(config, folder, "bench", _site), work, folder)


def victoria_run(folder: Path, work: list[Batch]) -> Figures | None:
    """None where it is not installed."""
    if not shutil.which("victoria-metrics"):
        return None
    with victoria(folder, "-retentionPeriod=100y", "-dedup.minScrapeInterval=1ms") as server:
        config = victoriametrics.Config(server.url, timeout_ms=60_000)
        sink = victoriametrics.open(config, folder, "bench", _site)
        return _figures(server, sink, work, folder / "vm", lambda: server.ask("/internal/force_flush"))


def _site(source: str) -> str:
    return "幸福里"


def _figures(
    server: Server,
    sink: LineSink,
    work: list[Batch],
    folder: Path,
    settle: Callable[[], object] = lambda: None,
) -> Figures:
    sink.write(work[0])  # names, connection, first files
    cpu, ours, began = cpu_s(server.pid), time.process_time(), time.perf_counter()
    for batch in work[1:]:
        sink.write(batch)
    took, used = time.perf_counter() - began, time.process_time() - ours
    settle()
    theirs = cpu_s(server.pid) - cpu
    health = sink.health()
    assert health["ok"], health["problems"]
    sink.close()
    count = sum(map(len, work[1:]))
    size = sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())
    return Figures(count / took, used / count * 1e6, theirs / count * 1e6, size / (count + WRITE_READINGS))


@contextmanager
def proxied(server: Server) -> Iterator[str]:
    """The way through the proxy, in a process of its own, so that its time is not ours."""
    with subprocess.Popen(
        [sys.executable, "-c", _PROXY, server.url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.kill()
