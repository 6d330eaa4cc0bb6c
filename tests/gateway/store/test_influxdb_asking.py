"""Asking a real InfluxDB 1.6 where it is hard: clocks set back, limits inside a millisecond, names of any script."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from devices.reading import Flag
from gateway.clock import SystemClock
from gateway.series import Batch, Keeping, Query, Selection, StoreError
from gateway.store import influxdb
from gateway.store.influxdb import journal
from gateway.store.influxdb.store import InfluxStore
from tests.gateway.store.contract import everything
from tests.gateway.store.feeding import DAY, NOON, Happening, batch, expected
from tests.gateway.store.realservers import Server, influxd, proxy

A, B = "home:a/temperature/", "home:b/smoke/"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests here, each with a database of its own."""
    with influxd(tmp_path_factory.mktemp("influxd")) as running:
        yield running


@pytest.fixture
def config(server: Server, request: pytest.FixtureRequest) -> Iterator[influxdb.Config]:
    """An empty database, not yet made."""
    with proxy(server.url) as way:
        yield influxdb.Config(way.url, f"d{abs(hash(request.node.name))}")


@pytest.fixture
def store(server: Server, config: influxdb.Config, tmp_path: Path) -> Iterator[InfluxStore]:
    """A store in it."""
    server.ask("/query", q=f'CREATE DATABASE "{config.bucket}"')
    made = influxdb.open(config, tmp_path, "city", lambda source: "幸福里")
    assert isinstance(made, InfluxStore)
    yield made
    made.close()


BACK = [
    Happening(1, NOON, [(A, 1, None, 0), (B, 1, None, 0)]),
    Happening(2, NOON + 50_000, [(A, 2, None, 0), (A, 3, None, 0)]),
    Happening(3, NOON + 10_000, [(A, 4, None, 0), (A, 5, None, 0)]),  # the clock was set back
    Happening(4, NOON + 20_000, [(B, 6, None, Flag.HISTORICAL)]),
]


def test_latest_does_not_freeze_when_the_clock_is_set_back(store: InfluxStore) -> None:
    """What came last in the journal is the latest, though a reading of a later time is there."""
    store.write(batch(BACK))
    assert {p: s[1] for p, s in store.latest().items()} == {A: 5, B: 1}
    assert {p: s[1] for p, s in store.latest([A]).items()} == {A: 5}


@pytest.mark.parametrize("late", [1, 99, 100, 1_150])
def test_latest_is_what_was_sent_live(store: InfluxStore, late: int) -> None:
    """However much a device sends from its memory afterwards; where there is nothing else, the last of that."""
    live = [Happening(1, NOON, [(A, 1, None, 0), (A, 2, None, 0)])]
    memory = [
        Happening(2 + i, NOON + 1 + i, [(A, -1, i, Flag.HISTORICAL), (B, i, i, Flag.HISTORICAL)])
        for i in range(late)
    ]
    store.write(batch(live + memory))
    assert {p: s[1] for p, s in store.latest().items()} == {A: 2, B: late - 1}


EARLIER = (
    "reading,device=home:a,metric=temperature,site=幸福里 value=21.0,measured_at={m}i,kind=3i,seq=1i,n=0i,at={t}i,"
    "flags=0i {t}001000\n"
    "reading,device=home:b,metric=smoke,site=幸福里 value=1.0,kind=1i,seq=1i,n=1i,at={t}i,flags=2i {t}001001\n"
    'reading,device=home:a,metric=temperature,site=幸福里 text="x",kind=4i,seq=2i,n=0i,at={u}i,flags=0i {u}002000'
)
"""Lines of before November 2026."""


def test_lines_of_earlier_releases_read_the_same(
    store: InfluxStore, server: Server, config: influxdb.Config
) -> None:
    """Asked for raw, rolled up, as latest values, in journal order, and erased, between those of today."""
    old = [
        Happening(1, NOON, [(A, 21.0, NOON - 5, 0), (B, True, None, 2)]),
        Happening(2, NOON + 9, [(A, "x", None, 0)]),
    ]
    body = EARLIER.format(t=NOON, u=NOON + 9, m=NOON - 5).encode()
    urllib.request.urlopen(f"{server.url}/write?db={config.bucket}", body, timeout=10).close()
    new = [
        Happening(3, NOON + 20, [(A, value, NOON, 0) for value in (20, 20.0, "y", None, 20.5, True)]),
        Happening(4, NOON + 30, [(B, False, None, 0)]),
    ]
    store.write(batch(new))
    assert everything(store, [A, B]) == expected(old + new)
    assert [len(b) for b in store.stored()] == [10]
    assert {p: s[1] for p, s in store.latest().items()} == {A: True, B: False}
    rows = store.read(Query([A, B], NOON, NOON + 60_000, 60_000))
    assert [s.rows[0][4:] for s in rows] == [(True, 7), (False, 2)]
    gone = store.delete(Selection(NOON + 9, (A,)))
    assert (gone.rows, gone.first_at, gone.last_at) == (1, NOON, NOON)


@pytest.mark.parametrize("rows", [1, 3, 50])
def test_the_journal_s_order_where_the_clock_was_set_back(
    store: InfluxStore, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    """By a minute, by days, again and again: everything comes in the order of the journal, in batches that join on."""
    jumps = [0, 5, 900, -700, 60_000, 61_000, -3 * DAY, -3 * DAY + 5, 2 * DAY, 0, 1, -500, 3_600_000]
    events = [
        Happening(i, NOON + jump, [(A, i, None, 0), (B, True, i, 0)]) for i, jump in enumerate(jumps * 4, 1)
    ]
    store.write(batch(events))
    monkeypatch.setattr(journal, "_ROWS", rows)
    came: list[Batch] = list(store.stored())
    assert [key for b in came for key in zip(b.seq, b.n, strict=True)] == [
        (e.seq, n) for e in events for n in (0, 1)
    ]
    assert [b.after for b in came[1:]] == [b.last_seq for b in came[:-1]]
    assert [v for b in came for v in b.number] == [v for e in events for v in (float(e.seq), 1.0)]
    assert [e for b in store.stored(30) for e in b.seq][:2] == [31, 31]


def test_a_limit_inside_a_millisecond_cuts_in_the_order_of_the_journal(store: InfluxStore) -> None:
    """The server's order there is another one where seq passes a thousand."""
    events = [Happening(s, NOON, [(A, float(s), None, 0)]) for s in range(990, 1_011)]
    store.write(batch(events))
    (series,) = store.read(Query([A], NOON, NOON + 1, limit=5))
    assert ([row[4] for row in series.rows], series.more) == ([990, 991, 992, 993, 994], True)


def test_a_source_that_moved_to_another_site(
    store: InfluxStore, config: influxdb.Config, tmp_path: Path
) -> None:
    """Its readings are one series, and one that was written under both sites counts once."""
    events = [Happening(i, NOON + i, [(A, i, None, 0)]) for i in range(1, 9)]
    store.write(batch(events[:5]))
    (tmp_path / "cursors" / "influx-city.json").unlink()
    moved = influxdb.open(config, tmp_path, "city", lambda source: "和平苑")
    moved.write(batch(events))
    moved.close()
    assert everything(store, [A]) == expected(events)


@pytest.mark.parametrize(
    "name",
    [
        "a'b",
        'q"uo\\te',
        "end\\",
        "sp ace,com=ma",
        "火警/左",
        "\\n",
        "x' OR 'a'='a",
        "{}",
        "%s;DROP",
        "tab\tin",
    ],
)
def test_any_name_is_asked_for_and_deleted_by_itself(store: InfluxStore, name: str) -> None:
    """No name says more than itself to the server."""
    point, other = f"home:{name}/temperature/", "home:other/temperature/"
    events = [Happening(1, NOON, [(point, 1.5, None, 0), (other, 2.5, None, 0)])]
    store.write(batch(events))
    assert everything(store, [point, other]) == expected(events)
    if "\t" not in name:  # a break is spelt out there, and nobody can tell
        assert set(store.latest()) == {point, other}
    assert store.delete(Selection(2**60, (point,))).rows == 1
    assert set(store.latest()) == {other}


def test_what_the_server_says_is_wrong_is_passed_on(config: influxdb.Config, tmp_path: Path) -> None:
    """No database: questions say so, and do not answer with nothing."""
    store = influxdb.open(config, tmp_path, "city", str)
    assert isinstance(store, InfluxStore)
    with pytest.raises(StoreError, match="database not found"):
        store.read(Query([A], 0, 1))
    store.close()


def test_a_store_that_is_only_written(config: influxdb.Config, tmp_path: Path) -> None:
    """`read: false` gives no store that can be asked."""
    only = influxdb.open(influxdb.Config(config.url, "b", read=False), tmp_path, "city", str)
    assert not hasattr(only, "read")
    only.close()


def test_setting_up_a_server(server: Server, config: influxdb.Config, tmp_path: Path) -> None:
    """Database, retention and roll-ups are made once, found the second time, and never changed; the roll-ups are
    right: minimum, maximum, mean, last and count without what cannot be true."""
    made = list(influxdb.prepare(config, Keeping(400, 4_000)))
    assert sum(line.startswith("made") for line in made) == 5
    assert "is InfluxDB 1.6" in made[0]
    found = list(influxdb.prepare(config, Keeping(400, 4_000)))
    assert all(line.startswith("found") for line in found[1:])
    other = list(influxdb.prepare(config, Keeping(30)))
    assert [line for line in other if "left it" in line] == [
        "found the retention policy autogen kept 400 days and left it: the settings say 30 days",
        "found the retention policy csg_rollup kept 4000 days and left it: the settings say for good",
    ]
    store = influxdb.open(config, tmp_path, "city", lambda source: "幸福里")
    minute = SystemClock().utc_ms() // 60_000 * 60_000 - 3_600_000  # young enough to be kept
    values = [(3.5, 0), (1.0, 0), (9_999.0, Flag.INVALID), (2.0, 0)]
    store.write(batch([Happening(i, minute + i, [(A, v, None, f)]) for i, (v, f) in enumerate(values, 1)]))
    for name in ("1m", "15m", "1h"):
        (query,) = [
            row[1]
            for series in json.loads(server.ask("/query", q="SHOW CONTINUOUS QUERIES"))["results"][0][
                "series"
            ]
            if series["name"] == config.bucket
            for row in series["values"]
            if row[0].endswith(f"_{name}")
        ]
        select = query.partition(" BEGIN ")[2].removesuffix(" END")
        by_hand = select.replace(
            " GROUP BY", f" WHERE time >= {minute}ms AND time < {minute + 3_600_000}ms GROUP BY"
        )
        server.ask("/query", q=by_hand)
        asked = f'SELECT "min","max","mean","last","count" FROM "csg_rollup"."reading_{name}"'
        answer = json.loads(server.ask("/query", db=config.bucket, q=asked))
        ((_, *cells),) = answer["results"][0]["series"][0]["values"]
        assert cells == [1.0, 3.5, 6.5 / 3, 2.0, 3]
    # Roll-ups outlive readings, and go with a point that is erased.
    assert isinstance(store, InfluxStore)
    assert store.forget(minute + 2 * DAY) != []
    assert _rows(server, config) == 3
    assert store.delete(Selection(2**60, (B,))).rows == 0
    assert _rows(server, config) == 3
    assert store.delete(Selection(2**60, (A,))).rows == 0
    assert _rows(server, config) == 0
    store.close()


def _rows(server: Server, config: influxdb.Config) -> int:
    """Steps there are in all roll-ups."""
    asked = 'SELECT COUNT("count") FROM "csg_rollup"./reading_.*/'
    answer = json.loads(server.ask("/query", db=config.bucket, q=asked))
    return sum(series["values"][0][1] for series in answer["results"][0].get("series", []))
