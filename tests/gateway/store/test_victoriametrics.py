"""A real VictoriaMetrics, written and in trouble: every number is stored once, what is no number is counted."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from devices.reading import Flag, point_id
from gateway.clock import ManualClock
from gateway.series import Keeping, Selection, Sink, StoreError
from gateway.store import victoriametrics
from gateway.store.victoriametrics import NumberLines, VictoriaSink
from tests.gateway.store.feeding import NOON, Happening, batch, expected
from tests.gateway.store.realservers import Server, victoria
from tests.parts import until

A, B = "home:楼 1/temperature/", 'home:b="\\/state/左'
DEDUP = ("-retentionPeriod=100y", "-dedup.minScrapeInterval=1ms")
EVENTS = [
    Happening(i, NOON + i * 10, [(A, i / 8, NOON, 0), (B, i % 2 == 0, None, Flag.SIMULATED)]) for i in range(1, 1_501)
]  # fmt: skip


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server that keeps for good and drops what comes twice."""
    with victoria(tmp_path, *DEDUP) as running:
        yield running


@pytest.fixture
def clock() -> ManualClock:
    """Moved by hand."""
    return ManualClock()


@pytest.fixture
def sink(server: Server, tmp_path: Path, clock: ManualClock) -> Iterator[VictoriaSink]:
    """A writer to it, 40 lines a request."""
    made = opened(server, tmp_path, clock)
    yield made
    made.close()


def opened(server: Server, folder: Path, clock: ManualClock) -> VictoriaSink:
    config = victoriametrics.Config(server.url, batch_lines=40, timeout_ms=5_000)
    lines = NumberLines("reading", lambda source: "幸福里")
    return VictoriaSink(config, folder / "cursors", "victoria-city", lines, clock)


def fed(sink: VictoriaSink, events: Sequence[Happening], pause_s: float = 0.0) -> None:
    """Feed as the gateway does, from behind the cursor, again and again."""
    pause = threading.Event()
    while (cursor := sink.cursor()) < events[-1].seq:
        try:
            sink.write(batch(events[cursor : cursor + 100], cursor))
        except StoreError:
            pause.wait(pause_s)


Kept = list[tuple[str, int, float, int | None, int, int]]


def kept(server: Server) -> Kept:
    """Every reading it holds: point, arrival, number, measured_at, flags, seq; by seq and point, as sent."""
    server.ask("/internal/force_flush")
    found: dict[tuple[str, int], dict[str, Any]] = {}
    for line in server.ask("/api/v1/export", **{"match[]": '{__name__=~"reading_.+"}'}).splitlines():
        series = json.loads(line)
        tags = series["metric"]
        point = point_id(*(tags.get(name, "") for name in ("device", "metric", "channel")))
        for at, value in zip(series["timestamps"], series["values"], strict=True):
            fields = found.setdefault((point, at), {})
            assert tags["__name__"] not in fields  # nothing twice
            fields[tags["__name__"].removeprefix("reading_")] = value
    rows = [
        (point, at - f.get("shift_ms", 0), f["value"] if "value" in f else f["invalid"], f.get("measured_at"),
         f.get("flags", 0), f["seq"])
        for (point, at), f in found.items()
    ]  # fmt: skip
    return sorted(rows, key=lambda row: (row[5], row[0], row[2]))


def sent(events: Sequence[Happening]) -> Kept:
    """What must be there of these events."""
    rows = [
        (point, at, float(value), measured, int(flags), seq)
        for seq, at, readings in events
        for point, value, measured, flags in readings
        if isinstance(value, int | float) and math.isfinite(value)
    ]
    assert len(rows) <= len(expected(events))
    return sorted(rows, key=lambda row: (row[5], row[0], row[2]))


def test_every_number_is_stored_with_its_marks(server: Server, sink: VictoriaSink) -> None:
    """Levels as 0 and 1, each with arrival, device time, flags and seq, whatever the device is called."""
    fed(sink, EVENTS)
    assert kept(server) == sent(EVENTS)
    assert (sink.health()["left_out"], sink.health()["collapsed"], sink.health()["ok"]) == (0, 0, True)


def test_flags_are_said_once_when_they_are_none_again(server: Server, sink: VictoriaSink) -> None:
    """So that the last of them is true, and a healthy point costs no series more."""
    flags = (0, 0, 2, 2, 0, 0, 0)
    fed(sink, [Happening(i, NOON + i, [(A, i, None, f)]) for i, f in enumerate(flags, 1)])
    server.ask("/internal/force_flush")
    (line,) = server.ask("/api/v1/export", **{"match[]": "reading_flags"}).splitlines()
    assert json.loads(line)["values"] == [0, 2, 2, 0]


def test_what_is_no_number_is_left_out_and_counted(server: Server, sink: VictoriaSink) -> None:
    """Texts, no reading, not a number: it would keep a text as 0, which is a lie."""
    values = ("报警", None, math.nan, math.inf, 3, -0.25)
    events = [Happening(i, NOON + i, [(A, value, None, 0)]) for i, value in enumerate(values, 1)]
    fed(sink, events)
    assert kept(server) == sent(events)
    assert len(kept(server)) == 2
    assert sink.health()["left_out"] == 4


def test_what_cannot_be_true_is_on_no_board(server: Server, sink: VictoriaSink) -> None:
    """A reading flagged invalid is kept under a name of its own."""
    fed(sink, [Happening(1, NOON, [(A, 9_999, None, Flag.INVALID), (A, 21.0, None, 0)])])
    server.ask("/internal/force_flush")
    shown = [
        json.loads(line) for line in server.ask("/api/v1/export", **{"match[]": "reading_value"}).splitlines()
    ]
    assert [series["values"] for series in shown] == [[21]]


def test_values_of_one_millisecond_are_as_many(server: Server, sink: VictoriaSink) -> None:
    """In one message or several: the later ones lie on the next free milliseconds and say by how much."""
    events = [Happening(i, NOON + i // 4, [(A, i + n / 8, None, 0) for n in range(3)]) for i in range(1, 61)]
    fed(sink, events)
    assert kept(server) == sent(events)
    fed(sink, [*events, Happening(61, NOON + 61, [(A, 1.0, None, 0)])])
    assert sink.health()["collapsed"] == 0


def test_written_again_after_a_lost_cursor_nothing_is_twice(
    server: Server, sink: VictoriaSink, tmp_path: Path, clock: ManualClock
) -> None:
    """As after kill -9 of ours: the cursor on disk is from before, all comes again and lands on the same places."""
    fed(sink, EVENTS)
    again = opened(server, tmp_path, clock)
    assert again.cursor() < EVENTS[-1].seq
    fed(again, EVENTS)
    again.close()
    assert kept(server) == sent(EVENTS)


def test_the_cursor_on_disk_trails(
    sink: VictoriaSink, server: Server, tmp_path: Path, clock: ManualClock
) -> None:
    """What was acknowledged less than 15 s ago may still be lost there; older is kept for good."""
    for seconds in range(1, 41):
        clock.advance(1_000)
        sink.write(batch(EVENTS[seconds - 1 : seconds], seconds - 1))
    assert sink.cursor() == 40
    again = opened(server, tmp_path, clock)
    assert 20 <= again.cursor() <= 25
    again.close()


def _reached(store: Sink, seq: int) -> bool:
    return store.cursor() > seq


def test_it_is_killed_under_load_and_comes_back(server: Server, sink: VictoriaSink) -> None:
    """It loses what it had acknowledged and not yet written; we go back and send it again."""
    feeder = threading.Thread(target=fed, args=(sink, EVENTS, 0.02))
    feeder.start()
    for part in (len(EVENTS) // 4, len(EVENTS) // 2):
        until(partial(_reached, sink, part), "a part to be written")
        server.kill()
        until(lambda: not sink.health()["ok"], "the writer to notice")
        server.start()
    feeder.join(60)
    assert kept(server) == sent(EVENTS)


def test_it_died_between_two_writes(server: Server, sink: VictoriaSink, clock: ManualClock) -> None:
    """It was back before we wrote again: no request failed, but the connection is a new one."""
    clock.advance(100_000)
    fed(sink, EVENTS[:1_000])
    server.kill()
    server.start()
    sink.write(batch(EVENTS[1_000:], 1_000))
    assert sink.cursor() < 1_000
    fed(sink, EVENTS)
    assert kept(server) == sent(EVENTS)


def test_its_disk_is_full(tmp_path: Path, clock: ManualClock) -> None:
    """It takes nothing while it has less room than it was told to leave; with room again everything is in."""
    with victoria(tmp_path, *DEDUP, "-storage.minFreeDiskSpaceBytes=1000000GB") as server:
        sink = opened(server, tmp_path, clock)
        until(lambda: _refused(sink), "the server to be read-only")
        reached = sink.cursor()
        assert reached < EVENTS[-1].seq
        server.kill()
        server.command.pop()
        server.start()
        fed(sink, EVENTS)
        assert kept(server) == sent(EVENTS)
        sink.close()


def _refused(sink: VictoriaSink) -> bool:
    try:
        cursor = sink.cursor()
        sink.write(batch(EVENTS[cursor : cursor + 10], cursor))
    except StoreError:
        return True
    return False


def test_a_point_can_be_erased(server: Server, sink: VictoriaSink) -> None:
    """All of it at once; what arrived before some time cannot be taken alone, and it says so."""
    fed(sink, EVENTS[:50])
    server.ask("/internal/force_flush")
    with pytest.raises(StoreError, match="whole series"):
        sink.delete(Selection(NOON + 100, (A,)))
    assert sink.delete(Selection(NOON + 1_000_000, (B,))).rows == 50
    assert {row[0] for row in kept(server)} == {A}
    assert sink.delete(Selection(NOON + 1_000_000, metrics=("temperature",))).rows == 50
    assert kept(server) == []


def test_what_set_up_finds(server: Server, tmp_path: Path) -> None:
    """Whether it keeps long enough and drops what comes twice; nothing is changed."""
    said = "\n".join(victoriametrics.prepare(victoriametrics.Config(server.url), Keeping(400)))
    assert "-retentionPeriod=100y" in said
    assert "start it" not in said
    bad = tmp_path / "bad"
    bad.mkdir()
    with victoria(bad) as plain:
        said = "\n".join(victoriametrics.prepare(victoriametrics.Config(plain.url), Keeping(400)))
    assert "-retentionPeriod=1, but the settings say 400 days" in said
    assert "start it with -dedup.minScrapeInterval=1ms" in said


def test_settings_do_not_show_their_token() -> None:
    """A log line with the settings is no leak."""
    assert "geheim" not in repr(victoriametrics.Config("http://x", token="geheim"))
