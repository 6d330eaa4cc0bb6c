"""Following the journal: nothing lost, nothing twice, and no dead store holds up the rest."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.reading import Flag, Reading
from gateway import feed as feed_module
from gateway import follow
from gateway.batch import batch_of
from gateway.core.effect import AlarmChanged, AlarmDoc, Happened
from gateway.core.event import FORMAT, Measured, Ticked
from gateway.feed import Feeder, merged
from gateway.follow import Follower
from gateway.journal import Journal, Row
from gateway.latest import Latest
from gateway.series import StoreError
from gateway.views import Change, Views
from tests.gateway.api.shelf import Shelf
from tests.gateway.journals import START, row
from tests.parts import until


class Following:
    """A journal and everything that follows it."""

    def __init__(self, folder: Path, *stores: Shelf) -> None:
        self.folder, self.stores = folder, stores
        self.heard: list[Change] = []
        self.ended: list[BaseException] = []
        self.level = threading.Event()
        self.views, self.latest = Views(folder / "views.sqlite"), Latest()
        self.feeders = [
            Feeder(f"s{n}", store, folder / "journal", gather_s=0.005) for n, store in enumerate(stores)
        ]
        self.follower = Follower(
            folder / "journal", self.views, self.latest, self.feeders, self._applied, self.ended.append,
            latest_seq=stores[0].cursor() if stores else self.views.applied_seq,
        )  # fmt: skip
        if stores:
            self.latest.load(stores[0].latest())

    def start(self) -> None:
        for feeder in self.feeders:
            feeder.start()
        self.follower.start()

    def stop(self) -> None:
        self.follower.stop()
        for feeder in self.feeders:
            feeder.stop()
        self.views.close()

    def reached(self, seq: int) -> None:
        self.follower.nudge(seq)
        until(lambda: self.views.applied_seq >= seq, f"the views to reach {seq}")

    def _applied(self, _seq: int, changes: Sequence[Change]) -> None:
        self.heard.extend(changes)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """An open journal."""
    made = Journal(tmp_path / "journal")
    made.open()
    yield made
    made.close()


def alarm(seq: int) -> Row:
    """A row that raises an alarm."""
    doc = AlarmDoc(
        f"r|{seq}", "site", "r", "s", "s:x", "smoke", "", "p", "fire", 1, "UNACK", 0, True, None, None
    )
    return Row(FORMAT, seq, 0, [(START + seq, Ticked())], [Happened(seq, AlarmChanged(doc))])


def test_what_is_committed_is_followed(tmp_path: Path, journal: Journal) -> None:
    """Views, latest values, store and watchers all get it, each once and in order."""
    shelf = Shelf()
    following = Following(tmp_path, shelf)
    following.start()
    for n in range(20):
        journal.append(row(1 + 11 * n, 10, at=START + n))
        journal.append(alarm(11 + 11 * n))
    following.reached(220)
    until(lambda: shelf.last == 220, "the store")
    assert len(following.heard) == 20
    assert [c.seq for c in following.heard] == list(range(11, 221, 11))
    assert len(shelf.rows) == 400
    assert len(following.latest) == len({p for p, _ in shelf.rows.values()})
    following.stop()
    assert not following.ended


def test_a_view_that_was_stopped_catches_up(tmp_path: Path, journal: Journal) -> None:
    """Everything that happened meanwhile arrives, nothing twice, and latest values begin where the store left off."""
    shelf = Shelf()
    first = Following(tmp_path, shelf)
    first.start()
    journal.append(row(1, 10))
    journal.append(alarm(11))
    first.reached(11)
    until(lambda: shelf.last == 11, "the store")
    first.stop()
    for n in range(100):
        journal.append(row(12 + n * 10, 10))
    journal.append(alarm(1012))
    second = Following(tmp_path, shelf)
    assert len(second.latest) == 20
    second.start()
    second.reached(1012)
    until(lambda: shelf.last == 1012, "the store")
    assert [c.seq for c in second.heard] == [1012]
    assert len(shelf.rows) == 2 * 1010
    second.stop()


def test_without_a_nudge_it_looks_by_itself(tmp_path: Path, journal: Journal) -> None:
    """The engine may die between commit and nudge: what it wrote is found all the same."""
    following = Following(tmp_path)
    following.start()
    until(lambda: following.follower.level_at is not None, "nothing to read")
    journal.append(alarm(1))
    until(lambda: following.heard, "the alarm without a nudge")
    following.stop()


def test_a_dead_store_holds_up_nobody(
    tmp_path: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It fails, is tried again with patience, its memory is bounded, and when it is back it misses nothing."""
    monkeypatch.setattr(feed_module, "QUEUE_READINGS", 100)
    well, dead = Shelf(), Shelf()
    dead.broken = StoreError("the server is away", 10)
    following = Following(tmp_path, well, dead)
    following.start()
    for n in range(100):
        journal.append(row(1 + 10 * n, 10))
    following.reached(1000)
    until(lambda: well.last == 1000, "the store that is well")
    until(lambda: following.feeders[1].failing, "the failure to show")
    assert following.feeders[1].health()["ok"] is False
    assert following.feeders[1]._queued <= 100 + 10 * 64 * 2  # one lot over the bound at most
    assert dead.last == 0
    dead.broken = None
    until(lambda: dead.last == 1000, "the store that came back")
    assert dead.rows == well.rows
    assert following.feeders[1].health()["ok"] is True
    following.stop()


def test_a_store_that_raises_a_bug_is_only_its_own_trouble(tmp_path: Path, journal: Journal) -> None:
    """Whatever a plug-in raises, views and the other stores go on."""
    well, odd = Shelf(), Shelf()
    odd.broken = ZeroDivisionError("a bug of the store")
    following = Following(tmp_path, well, odd)
    following.start()
    journal.append(row(1, 10))
    following.reached(10)
    until(lambda: well.last == 10, "the store that is well")
    until(lambda: following.feeders[1].failing, "the failure to show")
    following.stop()
    assert not following.ended


def test_a_store_that_goes_back_is_filled_again(tmp_path: Path, journal: Journal) -> None:
    """A damaged file was set aside: the cursor goes back, and the hole is read from the journal."""
    shelf = Shelf()
    following = Following(tmp_path, shelf)
    following.start()
    journal.append(row(1, 50))
    following.reached(50)
    until(lambda: shelf.last == 50, "the store")
    for key in [k for k in shelf.rows if k[0] > 20]:
        del shelf.rows[key]
    shelf.last = 20
    journal.append(row(51, 10))
    following.reached(60)
    until(lambda: shelf.last == 60, "the hole to be filled")
    assert sorted({seq for seq, _ in shelf.rows}) == list(range(1, 61))
    following.stop()


def test_another_journal_begins_the_views_anew(tmp_path: Path) -> None:
    """Somebody restored an older data folder: views of a future that never was are set aside."""
    long, short = tmp_path / "long", tmp_path / "short"
    for folder, size in ((long, 100), (short, 5)):
        journal = Journal(folder / "journal")
        journal.open()
        journal.append(row(1, size))
        journal.append(alarm(size + 1))
        journal.close()
    following = Following(long)
    following.start()
    following.reached(101)
    following.stop()
    (short / "views.sqlite").write_bytes((long / "views.sqlite").read_bytes())
    again = Following(short)
    again.start()
    until(lambda: again.views.applied_seq == 6, "the shorter journal")
    assert [a.id for a in again.views.alarms(None, None, 10)] == ["r|6"]
    again.stop()


def test_news_end_the_pause_after_a_large_read(
    tmp_path: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside a flood of measurements reads are few and large; an alarm does not wait for the next of them."""
    monkeypatch.setattr(follow, "BUSY_S", 3600.0)
    following = Following(tmp_path)
    following.start()
    journal.append(row(1, follow.BUSY_EVENTS))
    following.reached(follow.BUSY_EVENTS)
    journal.append(alarm(follow.BUSY_EVENTS + 1))
    following.follower.nudge(follow.BUSY_EVENTS + 1, news=True)
    until(lambda: following.heard, "the alarm")
    following.stop()


def test_a_full_disk_ends_nothing(tmp_path: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the views cannot be written the page shows what it has and says how old that is; then it goes on."""
    monkeypatch.setattr(follow, "RETRY_S", 0.01)
    following = Following(tmp_path)
    following.start()
    journal.append(alarm(1))
    following.reached(1)
    with following.views._writing:
        pages = following.views._writer.execute("PRAGMA page_count").fetchone()[0]
        following.views._writer.execute(f"PRAGMA max_page_count = {pages}")
    for n in range(2, 400):
        journal.append(alarm(n))
    following.follower.nudge(399)
    until(lambda: following.follower.trouble is not None, "the disk to be full")
    assert "full" in str(following.follower.trouble)
    assert following.views.alarm("r|1") is not None
    with following.views._writing:
        following.views._writer.execute("PRAGMA max_page_count = 1000000")
    following.reached(399)
    assert following.follower.trouble is None
    assert (len(following.heard), following.ended) == (399, [])
    following.stop()


def test_an_end_that_nobody_asked_for_is_told(tmp_path: Path, journal: Journal) -> None:
    """A follower that dies silently would show an old world: its process hears of it."""
    following = Following(tmp_path)
    following.views._writer.close()
    following.follower.start()
    journal.append(alarm(1))
    following.follower.nudge(1)
    until(lambda: following.ended, "the end to be told")


def test_batches_join_as_if_they_had_been_one() -> None:
    """What waited together is written together, unchanged."""
    rows = [row(1, 3), row(4, 2), row(6, 4)]
    parts = [batch_of([r], r.first - 1) for r in rows]
    assert merged(parts) == batch_of(rows, 0)


def reading(point: str, value: object, flags: int = 0, measured_at: int | None = None) -> Reading:
    """One reading."""
    return Reading(point, value, measured_at, flags)  # type: ignore[arg-type]  # any value


def latest_after(*readings: Reading) -> Latest:
    """Latest values after these messages, one a row."""
    latest = Latest()
    for n, one in enumerate(readings, 1):
        latest.apply(batch_of([Row(FORMAT, n, 0, [(START + n, Measured("s", [one]))], [])], n - 1))
    return latest


def test_the_last_word_counts_and_old_news_only_where_there_is_none() -> None:
    """Any kind of value after any other; stored data sent late never hides what is live."""
    p = "s:d/m/"
    for values in ([1, "text", 2.5], ["a", None], [True, 7, "b", "c"], [None, 0.0], [1.5, False]):
        found = latest_after(*(reading(p, v) for v in values)).get(p)
        assert found is not None
        assert found.value == values[-1]
        assert type(found.value) is type(values[-1])
    old = int(Flag.HISTORICAL)
    live_first = latest_after(reading(p, 1), reading(p, 2, old)).get(p)
    assert live_first is not None
    assert live_first.value == 1
    only_old = latest_after(reading(p, 1, old), reading(p, 2, old)).get(p)
    assert only_old is not None
    assert (only_old.value, only_old.flags) == (2, old)
    then_live = latest_after(reading(p, 1, old), reading(p, 2)).get(p)
    assert then_live is not None
    assert (then_live.value, then_live.flags) == (2, 0)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3), st.integers()), max_size=30))
def test_the_last_word_counts_in_any_order(said: list[tuple[str, int, int]]) -> None:
    """Points come in the order they first came, in another one, or new ones among them."""
    latest = Latest()
    readings = [reading(f"s:{d}/m{m}/", float(value % 100)) for d, m, value in said]
    latest.apply(batch_of([Row(FORMAT, 1, 0, [(START, Measured("s", readings))], [])], 0))
    assert {p.point: p.value for d in "abc" for p in latest.of_device(f"s:{d}")} == {
        r.point: r.value for r in readings
    }


def test_points_of_a_device_are_found_and_paged() -> None:
    """By device in the order first heard; by page with a filter, each once."""
    latest = latest_after(*(reading(f"s:d{n % 3}/m{n}/", n, measured_at=n) for n in range(9)))
    assert [p.point for p in latest.of_device("s:d1")] == ["s:d1/m1/", "s:d1/m4/", "s:d1/m7/"]
    assert latest.of_device("s:none") == []
    assert latest.device_last_at("s:d2") == START + 9
    assert latest.device_last_at("s:none") is None
    found, after = [], 0
    while True:
        page, onward = latest.page(after, 2, lambda device: device != "s:d0")
        found += [p.point for p in page]
        if onward is None:
            break
        after = onward
    assert found == [f"s:d{n % 3}/m{n}/" for n in range(9) if n % 3]
    assert latest.devices(0, 2) == (["s:d0", "s:d1"], 2)
    assert latest.devices(2, 2) == (["s:d2"], None)


def test_names_without_end_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A device that makes up points fills no memory: they are counted, those that are known go on."""
    monkeypatch.setattr("gateway.latest.POINTS_MAX", 5)
    latest = latest_after(*(reading(f"s:d/m{n}/", n) for n in range(20)), reading("s:d/m0/", 99))
    assert (len(latest), latest.refused) == (5, 15)
    known = latest.get("s:d/m0/")
    assert known is not None
    assert known.value == 99


def test_three_million_points_fit_into_a_gigabyte() -> None:
    """Measured on a tenth of a city: names, index and columns together stay under 330 bytes a point."""
    import tracemalloc

    points = 100_000
    names = [f"city-{n % 125:03d}:estate/device-{n // 5:06d}/metric{n % 5}/" for n in range(points)]
    rows = Row(FORMAT, 1, 0, [(START, Measured("s", [Reading(n, 20.5, START) for n in names]))], [])
    batch = batch_of([rows], 0)
    batch.point = ["".join(list(n)) for n in names]  # names of its own, as they come from disk
    del rows, names
    tracemalloc.start()
    latest = Latest()
    before = tracemalloc.get_traced_memory()[0]
    latest.apply(batch)
    size = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    name_bytes = sum(len(n) + 49 for n in batch.point)
    assert (size + name_bytes) / points < 330
