"""The relational views: a fold of the journal that may be repeated, cut anywhere, and made again."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.effect import AlarmChanged, IncidentChanged
from gateway.core.event import Quarantined
from gateway.inprocess import Gateway
from gateway.journal import Row
from gateway.views import IncidentFilter, Views, ViewsNewer
from gateway.views import views as module
from tests.gateway.journals import row


def story() -> Gateway:
    """A night: a fire that spreads, people who act, a channel that fails, a message nobody understands."""
    gateway = Gateway()
    gateway.measure("d1", "smoke", True)
    gateway.advance(61)
    gateway.dead.add("recording")
    gateway.measure("d2", "gas", True)
    gateway.advance(5)
    gateway.dead.clear()
    first = min(gateway.docs)
    gateway.act("duty_operator", "take", first)
    gateway.measure("d1", "temperature", 21.5)
    gateway.act("duty_operator", "verdict", first, verdict="false", cause="cooking")
    gateway.measure("d1", "smoke", False)
    gateway.act("duty_operator", "reset", first)
    gateway.act("duty_operator", "close", first)
    gateway.engine.submit(Quarantined("sim", "t", "unknown", b"\xff", 1))
    gateway.settle()
    return gateway


STORY = story()
ROWS: list[Row] = STORY.journal.kept


def plain(docs: object) -> bytes:
    """Documents to compare: a sequence comes back from disk as a list, whatever it was."""
    return msgspec.json.encode(docs, order="sorted")


def dump(views: Views) -> list[tuple[object, ...]]:
    """Every row of every table, and the cursor."""
    views.flush()
    with sqlite3.connect(views.path) as connection:
        found: list[tuple[object, ...]] = []
        for table in ("incidents", "alarms", "occurrences", "answered", "deliveries", "quarantine", "cursor"):
            found += [(table, *r) for r in connection.execute(f"SELECT * FROM {table} ORDER BY 1")]
    connection.close()
    return found


def folded(folder: Path, *lots: Sequence[Row], name: str = "views.sqlite") -> list[tuple[object, ...]]:
    """The tables after these lots of rows."""
    views = Views(folder / name)
    for lot in lots:
        views.apply(lot)
    found = dump(views)
    views.close()
    return found


def test_the_views_hold_what_the_core_said(tmp_path: Path) -> None:
    """Every incident and alarm as its last document, every call with its outcome, what was not understood."""
    views = Views(tmp_path / "views.sqlite")
    views.apply(ROWS)
    shown = {d.id: d for d in views.incidents(IncidentFilter(), 100)}
    assert plain(shown) == plain(STORY.docs)
    assert plain({a.id: a for a in views.alarms(None, None, 100)}) == plain(STORY.alarms)
    assert len(views.incidents(IncidentFilter(open=True), 100)) == len(shown) - 1
    outcomes = {d.outcome for d in views.deliveries(None, None, 500)}
    assert {"sent", "failed"} <= outcomes
    assert "pending" not in outcomes
    assert [q.payload for q in views.quarantined(None, 10)] == [b"\xff"]
    assert views.applied_seq == ROWS[-1].last
    views.close()


def test_rows_applied_again_change_nothing(tmp_path: Path) -> None:
    """Twice, thrice, or from the middle again: the tables are the same."""
    once = folded(tmp_path, ROWS, name="once")
    assert folded(tmp_path, ROWS, ROWS, ROWS[len(ROWS) // 2 :], name="again") == once


def test_statements_repeated_after_a_lost_cursor_change_nothing(tmp_path: Path) -> None:
    """A power cut may take the cursor back behind what the tables hold: folding from there gives the same tables."""
    once = folded(tmp_path, ROWS, name="once")
    views = Views(tmp_path / "back")
    views.apply(ROWS)
    views.applied_seq = 0
    views.apply(ROWS)
    assert dump(views) == once
    views.close()


@settings(max_examples=25)
@given(cuts=st.lists(st.integers(1, len(ROWS) - 1), max_size=6))
def test_it_does_not_matter_how_the_rows_come(cuts: list[int]) -> None:
    """One lot, many, or a restart between any two: the tables are the same."""
    places = [0, *sorted(set(cuts)), len(ROWS)]
    with TemporaryDirectory() as name:
        folder = Path(name)
        whole = folded(folder, ROWS, name="whole")
        for start, end in pairwise(places):
            parts = folded(folder, ROWS[start:end], name="parts")  # opened anew each time
        assert parts == whole


def test_changes_come_in_order_and_once(tmp_path: Path) -> None:
    """What watchers hear: every change of a document with its seq, and nothing on a repeat."""
    views = Views(tmp_path / "views.sqlite")
    changes = views.apply(ROWS)
    assert [c.seq for c in changes] == sorted(c.seq for c in changes)
    documents = (h for r in ROWS for h in r.happened if isinstance(h.result, IncidentChanged | AlarmChanged))
    assert len(list(documents)) == len(changes)
    assert views.apply(ROWS) == []
    views.close()


def test_a_damaged_file_is_set_aside_and_made_again(tmp_path: Path) -> None:
    """Garbage where the views were: kept beside, and the journal gives the same tables."""
    once = folded(tmp_path, ROWS, name="once")
    path = tmp_path / "views.sqlite"
    path.write_bytes(b"this is no database" * 1000)
    assert folded(tmp_path, ROWS) == once
    assert (tmp_path / "views.sqlite.damaged-1").exists()


def test_a_newer_file_is_left_alone(tmp_path: Path) -> None:
    """A release that does not know the file's version refuses and touches nothing."""
    path = tmp_path / "views.sqlite"
    Views(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(ViewsNewer):
        Views(path)
    assert path.read_bytes() == before


def test_quarantine_is_bounded_and_old_things_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest quarantined rows stay; closed incidents go after their time, open ones never."""
    monkeypatch.setattr(module, "QUARANTINE_MAX", 10)
    views = Views(tmp_path / "views.sqlite")
    views.apply(ROWS)
    last = views.applied_seq
    views.apply([row(last + 1, [Quarantined("s", "t", "r", b"x", 1) for _ in range(50)])])
    end = STORY.clock.utc_ms()
    while views.sweep(end, 1100):
        pass
    assert [q.seq for q in views.quarantined(None, 100)] == list(range(last + 50, last + 40, -1))
    assert len(views.incidents(IncidentFilter(), 100)) == len(STORY.docs)
    while views.sweep(end + 1101 * module.DAY_MS, 1100):
        pass
    assert {d.handling for d in views.incidents(IncidentFilter(), 100)} == {"open"}
    assert views.deliveries(None, None, 10) == []
    views.close()


def test_measurements_alone_write_nothing(tmp_path: Path) -> None:
    """A thousand messages move the cursor in memory; `flush` brings it to disk."""
    views = Views(tmp_path / "views.sqlite")
    views.apply([row(1, 1000)])
    assert (views.applied_seq, views.stored_seq) == (1000, 0)
    views.flush()
    assert views.stored_seq == 1000
    views.close()
    assert Views(tmp_path / "views.sqlite").applied_seq == 1000


def test_lost_devices_are_those_an_absence_rule_names(tmp_path: Path) -> None:
    """Silence raises, the next word clears: the view says so of the device."""
    gateway = Gateway()
    gateway.measure("d1", "temperature", 20.0)
    gateway.advance(8 * 86_400)
    views = Views(tmp_path / "views.sqlite")
    views.apply(gateway.journal.kept)
    assert views.lost_devices(["sim:d1", "sim:d2"]) == {"sim:d1"}
    gateway.measure("d1", "temperature", 20.0)
    views.apply(gateway.journal.kept)
    assert views.lost_devices(["sim:d1"]) == set()
    views.close()
