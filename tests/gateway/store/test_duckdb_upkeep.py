"""Roll-ups, deletions and copies of the embedded store survive a death between any two steps on disk."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.series import Query, Selection, StoreError
from gateway.store import duckdb_
from gateway.store.duckdb_ import files, rolling
from gateway.store.duckdb_.closing import Exporter
from gateway.store.duckdb_.copies import restore
from gateway.store.duckdb_.store import DuckStore
from tests.gateway.store.contract import (
    HOUR,
    POINTS,
    A,
    B,
    batches,
    days,
    everything,
    left,
    nearly,
    recomputed,
)
from tests.gateway.store.feeding import DAY, NOON, Happening, batch, expected

LONG = 30.0
EVENTS = days(3)
AWAY = Selection(2**60, points=(A,))
MIDNIGHT = NOON + DAY // 2


def opened(folder: Path, backups: str = "") -> DuckStore:
    return duckdb_.open(duckdb_.Config(close_after_s=0, backups=backups), folder, "history", str)


def feed(store: DuckStore, events: list[Happening] = EVENTS) -> None:
    """What a follower does, and then waiting until all is settled."""
    while news := [e for e in events if e.seq > store.cursor()][:6]:
        store.write(batch(news, store.cursor()))
    assert store.settled(LONG)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DuckStore]:
    """Two closed days, rolled up, and an open one."""
    made = opened(tmp_path / "data")
    feed(made)
    yield made
    made.close()


def rolled(store: DuckStore, step_ms: int = HOUR) -> list[list[tuple[object, ...]]]:
    query = Query(POINTS, NOON - 9 * HOUR, NOON + 9 * DAY, step_ms, limit=90_000)
    return [nearly(s.rows) for s in store.read(query)]


def by_hand(events: list[Happening], step_ms: int = HOUR) -> list[list[tuple[object, ...]]]:
    query = Query(POINTS, NOON - 9 * HOUR, NOON + 9 * DAY, step_ms, limit=90_000)
    return [nearly(rows) for rows in recomputed(events, query)]


def history(folder: Path, pattern: str) -> list[Path]:
    """Files of the store, oldest first."""
    return sorted((folder / "history").glob(pattern))


def test_each_closed_day_is_rolled_up_in_three_lengths(store: DuckStore, tmp_path: Path) -> None:
    """And the roll-ups, not the readings, answer questions whose steps they fit: without readings they still do."""
    for length in ("1min", "15min", "60min"):
        names = [p.name[:10] for p in history(tmp_path / "data", f"rollups/{length}/*.parquet")]
        assert names == ["2024-10-04", "2024-10-05"]
    whole = rolled(store)
    assert whole == by_hand(EVENTS)
    assert store.forget(MIDNIGHT + DAY, rollups_before=MIDNIGHT) == ["2024-10-04", "2024-10-05"]
    assert everything(store, POINTS, until=MIDNIGHT + DAY) == []
    assert rolled(store) == [[row for row in rows if row[0] >= MIDNIGHT] for rows in whole]  # type: ignore[operator]  # an int
    fine = store.read(Query([A], MIDNIGHT, MIDNIGHT + DAY, step_ms=1_000, limit=90_000))
    assert fine[0].rows == []


def test_late_readings_of_a_rolled_up_day_join_its_roll_up(store: DuckStore) -> None:
    """A part that a closed day gets later is rolled up beside the first, and both add up."""
    late = [Happening(e.seq + 18, e.at + 40_000, e.readings) for e in EVENTS[:6]]
    news = [Happening(e.seq + 24, e.at + DAY, e.readings) for e in EVENTS[12:]]
    events = [*EVENTS, *late, *news]
    feed(store, events)
    for step_ms in (60_000, 900_000, HOUR, 7 * DAY):
        assert rolled(store, step_ms) == by_hand(events, step_ms)


def test_a_long_day_is_rolled_up_by_slices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not fit in memory at once gives the same answer."""
    monkeypatch.setattr(rolling, "_SLICE_ROWS", 3)
    store = opened(tmp_path)
    feed(store)
    assert rolled(store) == by_hand(EVENTS)
    assert len(history(tmp_path, "rollups/*/*.parquet")) == 6
    store.close()


def test_a_damaged_roll_up_is_made_again(store: DuckStore, tmp_path: Path) -> None:
    """From the readings, which answer meanwhile."""
    path = history(tmp_path / "data", "rollups/60min/*.parquet")[0]
    path.write_bytes(path.read_bytes()[:-30] + b"\xff" * 26 + b"PAR1")
    assert rolled(store) == by_hand(EVENTS)
    assert any(path.name in p for p in store.health()["problems"])
    feed(store, [*EVENTS, Happening(19, NOON + 3 * DAY)])
    assert rolled(store) == by_hand(EVENTS)
    assert len(history(tmp_path / "data", "rollups/60min/*.parquet")) == 2


@contextmanager
def images(folder: Path, into: Path) -> Iterator[list[Path]]:
    """A copy of the folder as it was before each move and removal on disk, and one of the end."""
    made: list[Path] = []
    turn = threading.RLock()

    def before(act: Callable[..., object]) -> Callable[..., object]:
        def doing(path: Path, *args: object, **kwargs: object) -> object:
            where = args[0] if args else path  # what changes for the next start is where a file goes
            if (
                isinstance(where, Path)
                and folder in where.parents
                and "tmp" not in where.relative_to(folder).parts
            ):
                with turn:
                    made.append(shutil.copytree(folder, into / str(len(made))))
            return act(path, *args, **kwargs)

        return doing

    with pytest.MonkeyPatch.context() as patched:
        for name in ("replace", "unlink"):
            patched.setattr(Path, name, before(getattr(Path, name)))
        yield made
    made.append(shutil.copytree(folder, into / str(len(made))))


def test_dying_anywhere_in_closing_and_rolling_up(tmp_path: Path) -> None:
    """Every image of the disk opens whole, is fed on, and answers each reading once, raw and rolled up."""
    store = opened(tmp_path / "data")
    with images(tmp_path / "data", tmp_path / "images") as found:
        for some in batches(EVENTS[:12], 6):  # the second batch closes the day of the first
            store.write(some)
        assert store.settled(LONG)
    store.close()
    assert len(found) >= 6  # last readings, part, open file, three roll-ups
    for image in found:
        again = opened(image)
        assert again.health()["problems"] == []
        feed(again)
        assert everything(again, POINTS) == expected(EVENTS)
        assert rolled(again) == by_hand(EVENTS)
        again.close()


def test_dying_anywhere_in_a_deletion(tmp_path: Path) -> None:
    """Every image of the disk has all or ends with what is left; once begun it is finished by itself."""
    events = EVENTS[:12]
    all_of_it, rest = expected(events), left(events, AWAY)
    store = opened(tmp_path / "data")
    feed(store, events)
    with images(tmp_path / "data", tmp_path / "images") as found:
        assert store.delete(AWAY).rows == len(all_of_it) - len(rest)
        assert store.settled(LONG)
    store.close()
    assert len(found) >= 10
    for image in found:
        begun = (image / "history" / "deletions.json").exists()
        again = opened(image)
        assert again.settled(LONG)
        assert everything(again, POINTS) == (rest if begun else all_of_it)
        rows = again.read(Query([A], 0, 2**41, 2**41))[0].rows
        assert sum(row[5] for row in rows) == (0 if begun else sum(s.point == A for s in all_of_it))
        assert (A in again.latest()) is not begun
        assert again.cursor() == 12
        assert again.health()["problems"] == []
        again.close()


def test_what_was_deleted_stays_away_when_its_file_is_stored_again(store: DuckStore, tmp_path: Path) -> None:
    """The journal fills the hole of a damaged file without it, whether its day is closed or open."""
    store.delete(AWAY)
    store.close()
    for damaged in (
        *history(tmp_path / "data", "day=*/*.parquet"),
        *history(tmp_path / "data", "open-*.duckdb"),
    ):
        damaged.write_bytes(b"")
    again = opened(tmp_path / "data")
    assert again.cursor() == 0
    feed(again)
    assert everything(again, POINTS) == left(EVENTS, AWAY)
    again.close()


def test_what_outlived_its_readings_can_be_deleted(store: DuckStore) -> None:
    """Steps of roll-ups whose readings are forgotten go too."""
    store.forget(2**60, rollups_before=0)
    proof = store.delete(Selection(MIDNIGHT, points=(A,)))
    assert proof.rows == 0
    (a, b) = store.read(Query([A, B], 0, MIDNIGHT, step_ms=HOUR * 24 * 365 * 60))
    assert (a.rows, bool(b.rows)) == ([], True)


def test_a_backup_is_a_store(store: DuckStore, tmp_path: Path) -> None:
    """Made while writing goes on, it holds all up to its cursor; the next one into the same folder follows."""
    target = tmp_path / "backups" / "history"
    copied = store.backup(target)
    assert (copied.cursor, copied.there) == (18, 0)
    other = opened(tmp_path / "backups")
    assert other.cursor() == 18
    assert everything(other, POINTS) == expected(EVENTS)
    assert rolled(other) == by_hand(EVENTS)
    other.close()
    more = [*EVENTS, Happening(19, NOON + 2 * DAY + HOUR, [(A, 0.5, None, 0)])]
    feed(store, more)
    assert store.backup(target).there > 0
    store.delete(Selection(2**60, points=(B,)))
    store.backup(target)
    back = restore(target, tmp_path / "new" / "history")
    assert back.cursor == 19
    new = opened(tmp_path / "new")
    assert everything(new, POINTS) == left(more, Selection(2**60, points=(B,))) == everything(store, POINTS)
    new.close()
    with pytest.raises(StoreError, match="already"):
        restore(target, tmp_path / "new" / "history")
    with pytest.raises(StoreError, match="no backup"):
        restore(tmp_path / "nothing", tmp_path / "newer")


def test_a_damaged_day_comes_back_from_the_backup(store: DuckStore, tmp_path: Path) -> None:
    """Whole, without the journal, and without what was deleted since the backup; said aloud."""
    store.backup(tmp_path / "data" / "kept" / "monday")
    store.delete(Selection(2**60, points=(B,)))
    store.close()
    for day in history(tmp_path / "data", "day=2024-10-05/*.parquet"):
        day.write_bytes(day.read_bytes()[:-1])
    again = opened(tmp_path / "data", backups="kept")
    assert again.cursor() == 18
    assert again.settled(LONG)
    assert everything(again, POINTS) == left(EVENTS, Selection(2**60, points=(B,)))
    assert any("brought back from the backup" in p for p in again.health()["problems"])
    again.close()


def test_what_neither_journal_nor_backup_has_is_said(store: DuckStore, tmp_path: Path) -> None:
    """Which events are lost."""
    store.close()
    history(tmp_path / "data", "day=2024-10-04/*.parquet")[0].write_bytes(b"")
    again = opened(tmp_path / "data", backups="none")
    again.write(batch(EVENTS[8:], 8))  # the journal was swept up to there
    assert again.health()["missing"] == [(0, 8)]
    assert any("events 1 to 8" in p for p in again.health()["problems"])
    again.close()


def test_an_export_comes_back_into_another_store(store: DuckStore, tmp_path: Path) -> None:
    """All of it or some points and times; taking it in twice, or where it is already, adds nothing."""
    whole = store.export(tmp_path / "all")
    assert (whole.cursor, whole.rows) == (18, len(expected(EVENTS)))
    some = store.export(tmp_path / "some", since=NOON + DAY, until=NOON + DAY + 100_000, points=[A])
    wanted = [
        s for s in expected(EVENTS) if s.point == A and NOON + DAY <= s.sample[0] < NOON + DAY + 100_000
    ]
    assert (some.files, some.rows) == (1, len(wanted))
    assert store.import_(tmp_path / "all").rows == 0
    other = opened(tmp_path / "other")
    assert other.import_(tmp_path / "some").rows == len(wanted)
    assert everything(other, POINTS) == wanted
    other.close()
    third = opened(tmp_path / "third")
    assert third.import_(tmp_path / "all").rows == whole.rows
    assert third.import_(tmp_path / "all").rows == 0
    assert everything(third, POINTS) == expected(EVENTS)
    assert rolled(third) == by_hand(EVENTS)
    assert [s for b in third.stored() for s in b.seq] == sorted(s.sample[4] for s in expected(EVENTS))
    third.close()


def test_what_is_taken_into_a_hole_joins_its_steps(tmp_path: Path) -> None:
    """Readings that journal and store never had, from an export of another copy: each step's last value is right."""
    events = [
        Happening(i, NOON + i * 1_000, [(A, i, None, 0), (B, float(i), None, 0)][i > 45 :])
        for i in range(1, 60)
    ]
    events.append(Happening(60, NOON + DAY, [(A, 60, None, 0)]))
    whole, holed = opened(tmp_path / "whole"), opened(tmp_path / "holed")
    feed(whole, events)
    for some in (events[:6], events[20:40], events[45:]):
        holed.write(batch(some))
    assert holed.settled(LONG)
    whole.export(tmp_path / "export")
    assert holed.import_(tmp_path / "export").rows == 2 * (14 + 5)
    for step_ms in (10_000, 60_000, HOUR, 7 * DAY):
        assert rolled(holed, step_ms) == by_hand(events, step_ms)
    whole.close()
    holed.close()


def test_forgotten_days_come_back_from_an_export(store: DuckStore, tmp_path: Path) -> None:
    """Raw again, not counted twice beside the roll-ups that were kept, and without what was deleted since."""
    store.export(tmp_path / "all")
    store.delete(Selection(2**60, points=(B,)))
    assert store.settled(LONG)
    store.forget(2**60, rollups_before=0)
    before = rolled(store)
    assert everything(store, POINTS) == []
    store.import_(tmp_path / "all")
    assert everything(store, POINTS) == left(EVENTS, Selection(2**60, points=(B,)))
    assert rolled(store) == before
    assert store.cursor() == 18


def test_writing_goes_on_during_a_backup(
    store: DuckStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what is written meanwhile is not in it, but in the store."""
    begun, may_end = threading.Event(), threading.Event()
    export = Exporter.export

    def slow(self: Exporter, source: Path, latest: Path) -> tuple[Path, int, Path]:
        begun.set()
        assert may_end.wait(LONG)
        return export(self, source, latest)

    monkeypatch.setattr(Exporter, "export", slow)
    cursors: list[int] = []
    thread = threading.Thread(target=lambda: cursors.append(store.backup(tmp_path / "b" / "history").cursor))
    thread.start()
    assert begun.wait(LONG)
    news = Happening(19, NOON + 2 * DAY + HOUR, [(A, 0.5, None, 0)])
    store.write(batch([news]))
    assert everything(store, POINTS) == expected([*EVENTS, news])
    may_end.set()
    thread.join()
    assert everything(store, POINTS) == expected([*EVENTS, news])
    other = opened(tmp_path / "b")
    assert everything(other, POINTS) == expected(EVENTS)
    assert other.cursor() == 18
    other.close()


def test_a_file_kept_half_copied_is_no_part(tmp_path: Path) -> None:
    """A copy cut off leaves a name that nobody reads, and the next copy goes over it."""
    (tmp_path / "from").write_bytes(b"whole")
    (tmp_path / "to.new").write_bytes(b"wh")
    files.copy(tmp_path / "from", tmp_path / "to")
    assert (tmp_path / "to").read_bytes() == b"whole"
    assert not (tmp_path / "to.new").exists()


def test_all_comes_in_journal_order_while_days_close(store: DuckStore) -> None:
    """A stream begun before a day closed goes on after it, in order and without a gap."""
    more = [*EVENTS, *(Happening(e.seq + 6, e.at + DAY, e.readings) for e in EVENTS[12:])]
    stream = store.stored(10)
    first = next(stream)
    feed(store, more)
    rest = list(stream)
    seqs = [s for b in (first, *rest) for s in b.seq]
    assert seqs == sorted(s.sample[4] for s in expected(more) if s.sample[4] > 10)
