"""A store whose place the journal no longer reaches: filled from another store, or the hole is said aloud."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.batch import batch_of
from gateway.clock import ManualClock
from gateway.feed import Feeder, contiguous
from gateway.filling import PATIENCE_MS, Filler
from gateway.follow import Follower
from gateway.journal import Journal, JournalReader
from gateway.latest import Latest
from gateway.series import StoreError
from gateway.views import Views
from tests.gateway.api.shelf import Shelf
from tests.gateway.journals import START, act, opened, row
from tests.parts import until

HOUR = 3_600_000


def hours(folder: Path) -> Journal:
    """A journal of six hours, each of ten messages and an act: seqs 1 to 66."""
    journal = opened(folder / "journal", bound_bytes=1)
    for hour in range(6):
        first = 1 + 11 * hour
        journal.append(row(first, 10, at=START + hour * HOUR))
        journal.append(act(first + 10, at=START + hour * HOUR + 20)[0])
    return journal


def swept(journal: Journal) -> int:
    """Let the journal keep its bound; gives the oldest seq it still has."""
    journal.save_snapshot(56, b"state")
    journal.save_snapshot(66, b"state")
    journal.sweep(66)
    oldest = JournalReader(journal.folder).oldest_seq()
    assert 23 < oldest <= 56
    return oldest


def full(folder: Path, to: int = 66) -> Shelf:
    """A store that has everything up to an event."""
    shop = Shelf()
    reader = JournalReader(folder / "journal")
    while rows := contiguous(reader.rows(shop.last)):
        shop.write(batch_of(rows, shop.last))
    shop.rows = {key: value for key, value in shop.rows.items() if key[0] <= to}
    shop.last = to
    return shop


def fed(store: Shelf, folder: Path, *others: Any) -> Feeder:
    """A feeder that runs and knows how far the journal reaches."""
    feeder = Feeder("city", store, folder / "journal", gather_s=0.005, others=lambda: others)
    feeder.expect(66)
    feeder.start()
    return feeder


def test_a_store_that_is_set_up_late_gets_all_of_the_past(tmp_path: Path) -> None:
    """What the journal no longer has comes from the store that has it, the rest from the journal: each reading once."""
    journal = hours(tmp_path)
    embedded = full(tmp_path)
    swept(journal)
    late = Shelf()
    feeder = fed(late, tmp_path, object(), embedded)
    until(lambda: late.last == 66, "the store to be filled")
    feeder.stop()
    assert late.rows == embedded.rows
    assert feeder.health()["lost"] == 0
    assert feeder.health()["filling"] is None
    journal.close()


def test_a_store_behind_the_bound_goes_on_from_its_place(tmp_path: Path) -> None:
    """It had the first twenty events: only what follows is brought, by seq."""
    journal = hours(tmp_path)
    embedded, away = full(tmp_path), full(tmp_path, to=20)
    swept(journal)
    feeder = fed(away, tmp_path, embedded)
    until(lambda: away.last == 66, "the store to be filled")
    feeder.stop()
    assert away.rows == embedded.rows
    journal.close()


def test_without_a_source_the_hole_is_said_and_the_store_goes_on(tmp_path: Path) -> None:
    """From which event to which, from when to when, and how many: in health, for good in the log; then news goes on."""
    journal = hours(tmp_path)
    away = full(tmp_path, to=20)
    oldest = swept(journal)
    feeder = fed(away, tmp_path)
    until(lambda: away.last == 66, "the store to go on")
    feeder.stop()
    (hole,) = feeder.health()["holes"]
    assert (hole.first, hole.last) == (21, oldest - 1)
    assert hole.since == START + HOUR + 20  # the act after event 20: the audit remembers it for good
    assert hole.until == START + (oldest - 1) // 11 * HOUR
    assert feeder.health()["lost"] == oldest - 21
    assert min(seq for seq, _ in away.rows if seq > 20) == oldest
    journal.close()


def test_a_source_that_does_not_reach_the_journal_leaves_the_rest_a_hole(tmp_path: Path) -> None:
    """What another store has of it is brought; only what nobody has is lost."""
    journal = hours(tmp_path)
    some = full(tmp_path, to=15)
    oldest = swept(journal)
    away = Shelf()
    feeder = fed(away, tmp_path, some)
    until(lambda: away.last == 66, "the store to go on")
    feeder.stop()
    (hole,) = feeder.health()["holes"]
    assert (hole.first, hole.last) == (16, oldest - 1)
    assert {key: away.rows[key] for key in some.rows} == some.rows
    journal.close()


def test_a_source_that_fails_is_asked_again_and_left_after_an_hour(tmp_path: Path) -> None:
    """Its repair takes minutes and loses nothing; one that never comes back does not hold the store for ever."""
    journal = hours(tmp_path)
    source = full(tmp_path)
    oldest = swept(journal)
    clock = ManualClock(START)
    reader = JournalReader(tmp_path / "journal")
    first = reader.rows(0)[0]
    filler = Filler("city", reader, clock, lambda: [source])
    source.shut = StoreError("being repaired")
    with pytest.raises(StoreError):
        filler.next(0, first)
    source.shut = None
    assert filler.next(0, first).last_seq == 3
    source.shut = StoreError("gone for good")
    with pytest.raises(StoreError):
        filler.next(3, first)
    clock.advance(PATIENCE_MS - 1)
    with pytest.raises(StoreError):
        filler.next(3, first)
    clock.advance(1)
    assert filler.next(3, first).last_seq == oldest - 1
    assert [(h.first, h.last) for h in filler.holes] == [(4, oldest - 1)]
    journal.close()


def test_a_hole_in_what_is_followed_is_each_stores_own(tmp_path: Path) -> None:
    """The view itself was away for too long: a store that lacks the readings is not told that there were none."""
    journal = hours(tmp_path)
    source, lacking = full(tmp_path), Shelf()
    oldest = swept(journal)
    feeders = [
        Feeder(f"s{n}", store, tmp_path / "journal", gather_s=0.005, others=lambda: [source])
        for n, store in enumerate((source, lacking))
    ]
    views = Views(tmp_path / "views.sqlite")
    follower = Follower(tmp_path / "journal", views, Latest(), feeders, lambda *_: None, lambda _: None)
    for feeder in feeders:
        feeder.start()
    follower.start()
    until(lambda: lacking.last == 66 and views.applied_seq == 66, "everybody to follow")
    follower.stop()
    for feeder in feeders:
        feeder.stop()
    views.close()
    assert lacking.rows == source.rows
    assert min(seq for seq, _ in lacking.rows) < oldest
    journal.close()


def test_only_rows_that_follow_on_speak_for_each_other() -> None:
    """A damaged row in between ends the lot, so that it is missed and not passed over."""
    rows = [row(1, 3), row(4, 2), row(9, 1), row(10, 1)]
    assert contiguous(rows) == rows[:2]
    assert contiguous(rows[2:]) == rows[2:]
    assert contiguous([]) == []
