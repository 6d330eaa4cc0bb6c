"""A real InfluxDB in trouble while it is written: whatever happened, everything sent is stored, and nothing twice."""

from __future__ import annotations

import contextlib
import random
import shutil
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import pytest

from gateway.journal import Journal
from gateway.lines import MS
from gateway.series import Sink, StoreError
from gateway.store import influxdb
from gateway.store.influxdb.store import InfluxStore
from tests.gateway.store.contract import everything
from tests.gateway.store.feeding import NOON, Happening, batch, expected, rows_of
from tests.gateway.store.realservers import Proxy, Server, Trouble, influxd, proxy
from tests.parts import until

POINTS = [f"home:楼{i}/temperature/" for i in range(7)] + ["home:门 3/state/左"]
EVENTS = [
    Happening(i, NOON + i // 3, [(POINTS[i % 7], i / 8, NOON, 0), (POINTS[7], f"状态{i}", None, 0)])
    for i in range(1, 1_501)
]
SLOW_S = 0.4
TIMEOUT_MS = 200


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that only its clients' way is troubled of."""
    with influxd(tmp_path_factory.mktemp("influxd")) as running:
        yield running


@pytest.fixture
def way(server: Server, request: pytest.FixtureRequest) -> Iterator[Proxy]:
    """The way to an empty database on it, named as the test."""
    server.ask("/query", q=f'CREATE DATABASE "{_database(request)}"')
    with proxy(server.url) as front:
        yield front


@pytest.fixture
def store(way: Proxy, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[InfluxStore]:
    """A store there, 40 lines a request."""
    made = opened(way.url, _database(request), tmp_path)
    yield made
    made.close()


def _database(request: pytest.FixtureRequest) -> str:
    return f"d{abs(hash(request.node.name))}"


def opened(url: str, bucket: str, folder: Path, timeout_ms: int = 5_000, lines: int = 40) -> InfluxStore:
    config = influxdb.Config(url, bucket, batch_lines=lines, timeout_ms=timeout_ms)
    made = influxdb.open(config, folder, "city", lambda source: "幸福里")
    assert isinstance(made, InfluxStore)
    return made


def fed(store: InfluxStore, events: Sequence[Happening], pause_s: float = 0.0) -> int:
    """Feed as the gateway does, from behind the cursor, again and again; gives how often it failed."""
    failed = 0
    pause = threading.Event()
    while (cursor := store.cursor()) < events[-1].seq:
        try:
            store.write(batch(events[cursor : cursor + 100], cursor))
        except StoreError:
            failed += 1
            assert failed < 5_000
            pause.wait(pause_s)
    return failed


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(Trouble(500, b"internal"), id="500"),
        pytest.param(Trouble(503, b'{"error":"timeout"}', passed_on=True), id="503 though it was taken"),
        pytest.param(Trouble(429, b"slow down", (("Retry-After", "3"),)), id="429"),
        pytest.param(Trouble(404, b'{"error":"database not found"}'), id="404"),
        pytest.param(Trouble(401, b'{"error":"unauthorized"}'), id="401"),
        pytest.param(Trouble(502, b"\xff\x00<html>"), id="garbage"),
        pytest.param(Trouble(0), id="line cut before"),
        pytest.param(Trouble(0, passed_on=True), id="line cut after it was taken"),
        pytest.param(Trouble(400, b'{"error":"partial write: nonsense dropped=1"}', passed_on=True), id="400 partial"),
        pytest.param(Trouble(422, b'{"code":"unprocessable entity"}'), id="422"),
    ],
)  # fmt: skip
def test_every_third_request_fails(store: InfluxStore, way: Proxy, trouble: Trouble) -> None:
    """Whatever the answer, and whether the lines were taken or not before it was given."""
    way.trouble = lambda nth: trouble if nth % 3 == 2 else None
    failed = fed(store, EVENTS)
    assert (failed > 20) == (trouble.status not in (400, 422))
    assert store.health()["refused"] == 0
    assert everything(store, POINTS) == expected(EVENTS)


def test_answers_that_come_too_late(way: Proxy, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """A server that takes the lines but answers after our patience ended is written to again."""
    store = opened(way.url, _database(request), tmp_path, TIMEOUT_MS, 500)
    way.trouble = lambda nth: Trouble(204, passed_on=True, wait_s=SLOW_S) if nth in (2, 5) else None
    assert fed(store, EVENTS) == 2
    assert everything(store, POINTS) == expected(EVENTS)
    store.close()


def test_lines_it_will_never_take(server: Server, store: InfluxStore, request: pytest.FixtureRequest) -> None:
    """A field of another type on the server refuses every text; each is set aside by itself and every number is in."""
    conflict = f"{store.health()['server']}/api/v2/write?bucket={_database(request)}&precision=ns"
    line = f"reading,x=y text=1 {NOON * MS}"  # in the same shard, for types are a shard's
    with urllib.request.urlopen(conflict, line.encode(), timeout=5) as answer:
        assert answer.status == 204
    some = [
        Happening(i, NOON + i, [(POINTS[0], i / 8, None, 0), *([(POINTS[7], "坏", None, 0)] if i % 20 == 0 else [])])
        for i in range(1, 301)
    ]  # fmt: skip
    assert fed(store, some) == 0
    assert store.health()["refused"] == 15
    assert "field type conflict" in store.health()["problems"][-1]
    assert everything(store, POINTS) == [s for s in expected(some) if s.point == POINTS[0]]


def _reached(store: Sink, seq: int) -> bool:
    return store.cursor() > seq


def test_it_is_killed_under_load_and_comes_back(tmp_path: Path) -> None:
    """Power fails at the server, twice; its log has what it acknowledged, ours is fed again."""
    with influxd(tmp_path) as server, proxy(server.url) as way:
        server.ask("/query", q="CREATE DATABASE city")
        store = opened(way.url, "city", tmp_path)
        feeder = threading.Thread(target=fed, args=(store, EVENTS, 0.02))
        feeder.start()
        for part in (len(EVENTS) // 4, len(EVENTS) // 2):
            until(partial(_reached, store, part), "a part to be written")
            server.kill()
            until(lambda: not store.health()["ok"], "the writer to notice")
            server.start()
        feeder.join(60)
        assert store.cursor() == EVENTS[-1].seq
        server.kill()
        server.start()
        assert everything(store, POINTS) == expected(EVENTS)
        store.close()


def test_its_disk_fills_and_is_emptied(tmp_path: Path) -> None:
    """Nothing is acknowledged that has no room, and all is in once there is room and it was started anew."""
    disk = tmp_path / "disk"
    disk.mkdir()
    with small_disk(disk), influxd(disk) as server, proxy(server.url) as way:
        server.ask("/query", q="CREATE DATABASE city")
        store = opened(way.url, "city", tmp_path)
        fed(store, EVENTS[:200])
        free = shutil.disk_usage(disk).free
        (disk / "ballast").write_bytes(b"\0" * (free - free % 4096 - 16_384))
        feeder = threading.Thread(target=fed, args=(store, EVENTS, 0.02))
        feeder.start()
        until(lambda: "no space left" in str(store.health()["problems"]), "the disk to be full")
        reached = store.cursor()
        assert reached < EVENTS[-1].seq
        (disk / "ballast").unlink()
        server.kill()  # 1.6 goes on saying that there is no space until it is started anew
        server.start()
        feeder.join(60)
        assert store.cursor() == EVENTS[-1].seq
        assert store.health()["refused"] == 0
        assert everything(store, POINTS) == expected(EVENTS)
        store.close()


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """Four megabytes mounted at `folder`; skips where this is not allowed."""
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )  # fmt: skip
    if done.returncode:
        pytest.skip(f"no small disk can be mounted here: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


FOLLOW = """
import sys
from pathlib import Path
from gateway.batch import batch_of
from gateway.journal import JournalReader
from gateway.series import Sink, StoreError
from gateway.store import influxdb

folder, url, last = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
store = influxdb.open(influxdb.Config(url, "city", batch_lines=40), folder, "city", lambda source: "幸福里")
reader = JournalReader(folder / "journal")
while (cursor := store.cursor()) < last:
    store.write(batch_of(reader.rows(cursor, 4), cursor))
    print(store.cursor(), flush=True)
"""


def test_we_are_killed_under_load(server: Server, tmp_path: Path) -> None:
    """Kill -9 of the process that writes, again and again, at whatever point: the next goes on from its own cursor."""
    journal = Journal(tmp_path / "journal")
    journal.open()
    for i in range(0, len(EVENTS), 25):
        for row in rows_of(EVENTS[i : i + 25]):
            journal.append(row)
    journal.close()
    server.ask("/query", q="CREATE DATABASE city")
    chance = random.Random(4)
    command = [sys.executable, "-c", FOLLOW, str(tmp_path)]
    deaths = 0
    with proxy(server.url) as way:
        way.trouble = lambda nth: Trouble(204, passed_on=True, wait_s=chance.random() / 100)
        done = 0
        while done < EVENTS[-1].seq:
            with subprocess.Popen(
                [*command, way.url, str(EVENTS[-1].seq)], stdout=subprocess.PIPE, text=True
            ) as ours:
                assert ours.stdout is not None
                for _ in range(chance.randrange(2, 7)):
                    done = int(ours.stdout.readline() or done)
                threading.Event().wait(chance.random() / 50)  # somewhere inside the next write
                deaths += ours.poll() is None
                ours.kill()
        assert deaths >= 3
        store = opened(way.url, "city", tmp_path)
        assert store.cursor() == EVENTS[-1].seq
        assert everything(store, POINTS) == expected(EVENTS)
        store.close()
