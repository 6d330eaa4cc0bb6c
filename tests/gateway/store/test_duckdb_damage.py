"""A damaged file of the embedded store is set aside and said, and the journal fills the hole, doubling nothing."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.series import Query, StoreError
from gateway.store import duckdb_
from gateway.store.duckdb_ import files
from gateway.store.duckdb_.openday import OpenDay
from gateway.store.duckdb_.store import DuckStore
from tests.gateway.store.feeding import DAY, NOON, Happening, Stored, batch, expected, ordered

A = "home:a/temperature/"
LONG = 30.0
ROOT = Path(__file__).parents[3]
MIDNIGHT = NOON + DAY // 2
EVENTS = [Happening(i + 1, MIDNIGHT + (i // 4) * DAY + 2_000 + i, [(A, i / 8, None, 0)]) for i in range(16)]
"""Four days of four events each; the first three get closed."""


def opened(folder: Path) -> DuckStore:
    return duckdb_.open(duckdb_.Config(close_after_s=1), folder, "history", str)


def stored(store: DuckStore) -> list[Stored]:
    series = store.read(Query([A], 0, 2**60, limit=1_000_000))
    return ordered(Stored(s.point, row) for s in series for row in s.rows)  # type: ignore[arg-type]  # raw rows


def feed(store: DuckStore, events: list[Happening], size: int = 3, *, to: int = 10**9) -> None:
    """What a follower does: batches from behind the cursor, asked anew each time."""
    while news := [e for e in events if store.cursor() < e.seq <= to][:size]:
        store.write(batch(news, store.cursor()))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with three closed days and one open, all of EVENTS."""
    store = opened(tmp_path)
    feed(store, EVENTS)
    assert store.settled(LONG)
    assert stored(store) == expected(EVENTS)
    store.close()
    return tmp_path


def part(folder: Path, day: int) -> Path:
    """The Parquet file of the `day`th day."""
    return sorted(folder.glob("history/day=*/*.parquet"))[day]


def open_day(folder: Path) -> Path:
    """The file of the open day."""
    return next(folder.glob("history/open-*.duckdb"))


@pytest.mark.parametrize(
    "harm",
    [
        pytest.param(lambda b: b"", id="empty"),
        pytest.param(lambda b: b[:1000], id="cut short"),
        pytest.param(lambda b: b"\0" * len(b), id="zeroed"),
        pytest.param(lambda b: b[:4096] + b"\xff" * 8192 + b[12288:], id="header overwritten"),
    ],
)
def test_a_damaged_open_day_is_stored_again(folder: Path, harm: object) -> None:
    """The view comes up without it, says so, and asks for the journal from where that file began."""
    path = open_day(folder)
    path.write_bytes(harm(path.read_bytes()))  # type: ignore[operator]  # a function, see above
    store = opened(folder)
    assert store.cursor() == 12
    assert stored(store) == expected(EVENTS[:12])
    health = store.health()
    assert not health["ok"]
    assert path.name in health["problems"][0]
    assert [p.name for p in (folder / "history" / "damaged").iterdir()] == [f"history-{path.name}"]
    feed(store, EVENTS)
    assert stored(store) == expected(EVENTS)
    store.close()


def test_a_rotten_block_is_found_at_the_latest_when_it_is_read(tmp_path: Path) -> None:
    """Whichever block of an open day rots, its day is set aside and stored again; a part never passes for the whole."""
    chance = random.Random(1)
    events = [Happening(i + 1, MIDNIGHT + 2_000 + i, [(A, chance.random(), None, 0)]) for i in range(60_000)]
    store = opened(tmp_path)
    feed(store, events, 20_000)
    store.close()
    path = open_day(tmp_path)
    whole = path.read_bytes()
    everything = Query([A], 0, 2**60, step_ms=2**61)
    found_by_reading = 0
    for block in range(
        12_288, len(whole), 262_144
    ):  # DuckDB's layout: three headers of 4 KiB, then blocks of 256 KiB
        for left in (tmp_path / "history").glob("open-*"):
            left.unlink()
        path.write_bytes(whole[: block + 5_000] + b"\x5a" * 64 + whole[block + 5_064 :])
        store = opened(tmp_path)
        if store.cursor() == 60_000:  # nothing shows yet
            (seen,) = store.read(everything)
            found_by_reading += store.cursor() == 0
            assert bool(seen.rows) == (store.cursor() == 60_000)
        feed(store, events, 20_000)
        assert store.read(everything)[0].rows[0][5] == 60_000
        store.close()
    assert found_by_reading


@pytest.mark.parametrize("day", [0, 1, 2])
@pytest.mark.parametrize("size", [1, 3, 16])
def test_a_damaged_closed_day_is_stored_again_between_those_that_stand(
    folder: Path, day: int, size: int
) -> None:
    """Whichever day it was, however the journal is cut, each reading is there once in the end, and the day closed."""
    path = part(folder, day)
    path.write_bytes(path.read_bytes()[:-1])
    store = opened(folder)
    assert store.cursor() == day * 4
    assert store.health()["storing_again_until"] == 16
    assert stored(store) == expected(e for e in EVENTS if (e.seq - 1) // 4 != day)
    feed(store, EVENTS, size)
    assert store.health()["storing_again_until"] is None
    news = [Happening(17, MIDNIGHT + 3 * DAY + 9_000, [(A, 99.0, None, 0)])]
    feed(store, news)
    assert store.settled(LONG)
    assert stored(store) == expected([*EVENTS, *news])
    assert store.health()["open_days"] == ["2024-10-08"]
    assert store.health()["closed_days"] == 3
    store.close()
    again = opened(folder)
    assert (again.cursor(), again.health()["ok"]) == (17, True)
    assert stored(again) == expected([*EVENTS, *news])
    again.close()


def test_a_restart_while_a_hole_is_filled(folder: Path) -> None:
    """Filling goes on from the beginning of the hole after each new start, and still doubles nothing."""
    part(folder, 0).write_bytes(b"")
    part(folder, 1).write_bytes(b"PAR1 nothing PAR0")
    for to in (2, 6, 10, 14):
        store = opened(folder)
        assert store.cursor() == 0
        feed(store, EVENTS, 2, to=to)
        assert store.cursor() == to
        store.close()
    store = opened(folder)
    feed(store, EVENTS, 2)
    assert stored(store) == expected(EVENTS)
    store.close()
    store = opened(folder)
    assert store.cursor() == 16
    store.close()


def test_news_while_a_hole_is_filled_come_after_it(folder: Path) -> None:
    """Feeding in journal order, the live readings follow what is stored again; a hole beyond the journal is said."""
    part(folder, 0).write_bytes(b"")
    store = opened(folder)
    swept = [e for e in EVENTS if e.seq > 2]  # the journal no longer has 1 and 2
    store.write(batch(swept[:5], 2))
    feed(store, [*swept, Happening(17, MIDNIGHT + 3 * DAY + 9_000, [(A, 99.0, None, 0)])])
    assert store.health()["missing"] == [(0, 2)]
    assert stored(store) == expected(
        [*swept, Happening(17, MIDNIGHT + 3 * DAY + 9_000, [(A, 99.0, None, 0)])]
    )
    store.close()


def test_a_closed_day_damaged_while_we_run(folder: Path) -> None:
    """A question that fails on a Parquet file sets it aside, answers with the rest, and the journal fills the hole."""
    store = opened(folder)
    path = part(folder, 1)
    whole = path.read_bytes()
    path.write_bytes(whole[:-40] + b"\xff" * 36 + whole[-4:])  # both ends are there, the footer is not
    assert stored(store) == expected(e for e in EVENTS if (e.seq - 1) // 4 != 1)
    assert store.cursor() == 4
    feed(store, EVENTS)
    assert stored(store) == expected(EVENTS)
    store.close()


def test_a_silent_flip_of_bits_is_found_after_the_next_closing(folder: Path) -> None:
    """Recent closed days are compared with their checksum each night, while the journal may still hold them."""
    path = part(folder, 2)
    data = bytearray(path.read_bytes())
    data[10] ^= 1
    path.write_bytes(data)
    store = opened(folder)
    feed(store, [Happening(17, MIDNIGHT + 4 * DAY + 9_000, [(A, 99.0, None, 0)])])
    assert store.settled(LONG)
    store.write(
        batch([Happening(18, MIDNIGHT + 4 * DAY + 9_001)]) if store.cursor() == 17 else batch(EVENTS, 0)
    )
    until_set_aside(store)
    assert path.name in store.health()["problems"][0]
    assert store.cursor() <= 17
    store.close()


def until_set_aside(store: DuckStore) -> None:
    from tests.parts import until

    until(lambda: store.health()["problems"], "the damaged day to be set aside", LONG)


def test_only_the_newest_damaged_files_are_kept(tmp_path: Path) -> None:
    """Evidence is bounded."""
    for i in range(30):
        path = tmp_path / f"open-{i}.duckdb"
        path.write_bytes(b"x")
        files.set_aside(tmp_path, path)
    assert len(list((tmp_path / "damaged").iterdir())) == 16


def test_a_left_over_of_a_closed_day_is_removed(folder: Path) -> None:
    """Power failed after a day was closed and before its DuckDB file was removed: it is not counted twice."""
    store = opened(folder)
    feed(store, [Happening(17, MIDNIGHT + 4 * DAY, [(A, 1.0, None, 0)])])
    store.close()
    left = open_day(folder)
    copy = left.read_bytes()
    store = opened(folder)
    feed(store, [Happening(18, MIDNIGHT + 4 * DAY + 9_000, [(A, 2.0, None, 0)])])
    assert store.settled(LONG)
    store.close()
    left.write_bytes(copy)
    store = opened(folder)
    assert not left.exists()
    assert len(stored(store)) == 18
    assert store.health()["ok"]
    store.close()


def test_a_file_whose_making_was_cut_off_is_no_damage(tmp_path: Path) -> None:
    """A day file without tables held nothing."""
    opened(tmp_path).close()
    import duckdb

    duckdb.connect(str(tmp_path / "history" / "open-2024-10-05-0.duckdb")).close()
    store = opened(tmp_path)
    assert store.health()["ok"]
    feed(store, EVENTS)
    assert store.settled(LONG)
    assert stored(store) == expected(EVENTS)
    store.close()


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from gateway.series import StoreError
from tests.gateway.store.test_duckdb_damage import A, EVENTS, MIDNIGHT, Happening, batch, feed, opened, stored, expected
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store = opened(Path(sys.argv[1]))
events = [Happening(i + 1, MIDNIGHT + 2_000 + i, [(A, i * 0.37, i, 0)]) for i in range(60_000)]
feed(store, events, 5_000, to=10_000)
unlimited = resource.RLIM_INFINITY
resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, unlimited))
failed = 0
try:
    feed(store, events, 5_000)
except StoreError as error:
    failed = store.cursor()
    assert not store.health()["ok"]
assert 10_000 <= failed < 60_000, failed
resource.setrlimit(resource.RLIMIT_FSIZE, (unlimited, unlimited))
feed(store, events, 5_000)
assert store.health()["ok"], store.health()
assert stored(store) == expected(events)
store.close()
print("full at", failed)
"""


def test_a_full_disk_loses_nothing() -> None:
    """A write that finds no room raises, keeps the cursor, and succeeds when there is room again."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-c", FULL_DISK, folder], capture_output=True, text=True, check=False
        )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("full at")


KILLED = """
import sys
from pathlib import Path
from tests.gateway.store.test_duckdb_damage import living, opened, batch
store = opened(Path(sys.argv[1]))
print(store.cursor(), flush=True)
while True:
    news = living(store.cursor())
    store.write(batch(news, store.cursor()))
    print(store.cursor(), flush=True)
"""


def living(after: int) -> list[Happening]:
    """Forty events behind `after`; every hundredth begins a new day."""
    return [
        Happening(s, MIDNIGHT + s // 100 * DAY + 2_000 + s, [(A, s / 8, None, 0), (A, float(s), s, 8)])
        for s in range(after + 1, after + 41)
    ]


def test_kill_9_at_any_moment_loses_and_doubles_nothing(tmp_path: Path, seed: int) -> None:
    """Killed while writing, changing days and closing them: what was confirmed is there, once, and nothing damaged."""
    chance = random.Random(seed)
    cursor = 0
    for _ in range(4):
        child = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        assert child.stdout is not None
        lines = chance.randrange(1, 30)
        said = [int(child.stdout.readline()) for _ in range(lines)]
        child.kill()
        said += [int(line) for line in child.stdout.read().split("\n")[:-1]]
        child.stdout.close()
        child.wait()
        assert said[0] >= cursor
        cursor = said[-1]
        store = opened(tmp_path)
        assert store.cursor() >= cursor
        assert stored(store) == expected(_lived(store.cursor()))
        assert store.health()["problems"] == []
        store.close()


def _lived(to: int) -> list[Happening]:
    return [event for start in range(0, to, 40) for event in living(start) if event.seq <= to]


def test_a_closed_store_says_so(tmp_path: Path) -> None:
    """After close nothing is written or answered."""
    store = opened(tmp_path)
    store.close()
    with pytest.raises(StoreError, match="closed"):
        store.write(batch(EVENTS))
    with pytest.raises(StoreError, match="closed"):
        stored(store)
    store.close()


def test_an_engine_that_lost_its_footing_is_no_damage(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fatal error of DuckDB itself starts it anew; no file is blamed, and the same batch goes in afterwards."""
    import duckdb

    store = opened(folder)
    news = [Happening(17, MIDNIGHT + 3 * DAY + 9_000, [(A, 99.0, None, 0)])]

    def fails(*_: object) -> None:
        raise duckdb.FatalException(
            "FATAL Error: the database has been invalidated because of a previous error"
        )

    with monkeypatch.context() as patched:
        patched.setattr(OpenDay, "append", fails)
        with pytest.raises(StoreError, match="invalidated"):
            feed(store, news)
    assert store.cursor() == 16
    assert not (folder / "history" / "damaged").exists()
    assert stored(store) == expected(EVENTS)
    feed(store, news)
    assert stored(store) == expected([*EVENTS, *news])
    assert store.health()["ok"]
    store.close()


def test_dying_while_a_file_is_set_aside_does_not_forget_the_hole(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where to store again is noted before the damaged file is moved."""
    part(folder, 1).write_bytes(b"")
    path = part(folder, 1)

    def dies(*_: object) -> None:
        raise OSError("power cut")

    with monkeypatch.context() as patched:
        patched.setattr(files, "set_aside", dies)
        with pytest.raises(StoreError, match="power cut"):
            opened(folder)
    path.unlink()  # the move itself got through
    store = opened(folder)
    assert store.cursor() == 4
    feed(store, EVENTS)
    assert stored(store) == expected(EVENTS)
    store.close()
