"""Promises that every store keeps."""

from __future__ import annotations

import math
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from devices.reading import Flag
from gateway.series import Query, Sink
from gateway.store import duckdb_, influxdb
from gateway.store.duckdb_.store import DuckStore
from tests.gateway.store.feeding import DAY, NOON, Happening, Stored, batch, expected, ordered
from tests.gateway.store.lineserver import LineServer, line_server

A, B, FIRE = "home:a/temperature/", "home:a/smoke/", "home:三号楼 1单元=2,/火 警/左"


class Case:
    """One kind of store under test: how to open it, and how to learn what it holds without its help or with it."""

    def __init__(self, folder: Path, server: LineServer | None) -> None:
        self.folder = folder
        self.server = server
        self.opened: list[Sink] = []

    def open(self, folder: Path | None = None) -> Sink:
        """The store in `folder`, or where it is."""
        where = folder or self.folder
        store: Sink
        if self.server is None:
            store = duckdb_.open(duckdb_.Config(), where, "history", _site)
        else:
            config = influxdb.Config(self.server.url, "community", batch_lines=1_000)
            store = influxdb.open(config, where, "city", _site)
        self.opened.append(store)
        return store

    def stored(self, store: Sink, points: list[str], since: int = 0, until: int = 2**60) -> list[Stored]:
        """Everything stored of these points."""
        if self.server is not None:
            return ordered(s for s in self.server.stored() if s.point in points)
        assert isinstance(store, DuckStore)
        series = store.read(Query(points, since, until, limit=1_000_000 // len(points)))
        return ordered(Stored(s.point, row) for s in series for row in s.rows)  # type: ignore[arg-type]  # raw rows


def _site(source: str) -> str:
    return {"home": "幸福里"}.get(source, "")


@pytest.fixture(params=["duckdb", "influxdb"])
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Case]:
    """Each kind of store in turn."""
    if request.param == "duckdb":
        made = Case(tmp_path / "data", None)
        yield made
    else:
        with line_server() as server:
            made = Case(tmp_path / "data", server)
            yield made
    for store in made.opened:
        store.close()


EVENTS = [
    Happening(1, NOON, [(A, 21.5, NOON - 20, 0), (B, True, None, Flag.SIMULATED), (FIRE, "报警 \"a\\", NOON - 5, 0)]),
    Happening(2, NOON + 1),
    Happening(3, NOON + 1, [(A, 22, NOON - 19, Flag.INVALID | Flag.CLOCK_BAD), (B, False, 0, 0)]),
    Happening(4, NOON + 5, [(A, None, None, Flag.RETAINED), (FIRE, "", None, 0), (FIRE, "正常", None, 0)]),
    Happening(5, NOON + 6, [(A, math.nan, 5, Flag.INVALID), (A, -0.25, -(2**40), 0), (A, 2**53, 2**50, 0)]),
]  # fmt: skip
POINTS = [A, B, FIRE]


def test_a_new_store_has_nothing(case: Case) -> None:
    """Before anything is fed the cursor is 0, and nothing is wrong."""
    store = case.open()
    assert store.cursor() == 0
    assert store.health()["ok"]
    assert case.stored(store, POINTS) == []


def test_what_is_written_reads_back_equal(case: Case) -> None:
    """Numbers, levels, texts in any script, no reading and not-a-number come back as what they were, with all marks."""
    store = case.open()
    store.write(batch(EVENTS))
    assert store.cursor() == 5
    assert case.stored(store, POINTS) == expected(EVENTS)
    assert store.health()["ok"]


def test_writing_again_changes_nothing(case: Case) -> None:
    """The same batch, a part of it, or an overlap with news stores each reading once."""
    store = case.open()
    store.write(batch(EVENTS[:3]))
    store.write(batch(EVENTS[:3]))
    store.write(batch(EVENTS[1:2]))
    store.write(batch(EVENTS))
    store.write(batch(EVENTS[2:]))
    assert case.stored(store, POINTS) == expected(EVENTS)


def test_a_new_start_goes_on_where_the_last_ended(case: Case) -> None:
    """The cursor and all readings survive closing; feeding goes on behind the cursor."""
    store = case.open()
    store.write(batch(EVENTS[:3]))
    store.close()
    store = case.open()
    assert store.cursor() == 3
    store.write(batch(EVENTS[3:]))
    assert case.stored(store, POINTS) == expected(EVENTS)


@pytest.mark.parametrize("torn", [0, 1, 7, 200])
def test_dying_between_data_and_cursor_stores_each_reading_once(
    case: Case, tmp_path: Path, torn: int
) -> None:
    """Whatever of a write reached the disk when power failed, feeding from the cursor makes it whole and not double."""
    store = case.open()
    store.write(batch(EVENTS[:2]))
    before = shutil.copytree(case.folder, tmp_path / "before")
    store.write(batch(EVENTS[2:]))
    image = _image(case.folder, before, tmp_path / "image", torn, sink_only=case.server is not None)
    store.close()
    again = case.open(image)
    after = again.cursor()
    assert after <= 5
    assert after >= 1 or torn > 100
    again.write(batch([e for e in EVENTS if e.seq > after], after))
    assert again.cursor() == 5
    assert case.stored(again, POINTS) == expected(EVENTS)


def _image(folder: Path, before: Path, image: Path, torn: int, *, sink_only: bool) -> Path:
    """The disk at the moment of death: a log without its last bytes, or a cursor from before with the data sent."""
    if sink_only:
        return shutil.copytree(before, image)
    shutil.copytree(folder, image)
    for log in image.rglob("*.wal"):
        log.write_bytes(log.read_bytes()[: -torn or None])
    return image


def test_events_without_readings_move_the_cursor(case: Case) -> None:
    """A quiet house is not read again from its last reading at every start."""
    store = case.open()
    store.write(batch(EVENTS[:1]))
    store.write(batch([Happening(s, NOON + s) for s in range(2, 40)]))
    assert store.cursor() == 39
    store.close()
    assert case.open().cursor() == 39


def test_two_values_in_one_millisecond_are_two(case: Case) -> None:
    """In one message, in two messages, in a thousand: nothing of one point and time is merged."""
    events = [Happening(s, NOON, [(A, float(s * 10 + i), None, 0) for i in range(3)]) for s in range(1, 900)]
    store = case.open()
    store.write(batch(events))
    assert case.stored(store, [A]) == expected(events)


def test_a_hundred_thousand_points(case: Case) -> None:
    """As many points as a district has, in one batch, each findable."""
    names = [f"home:楼{i % 97}-{i}/temperature/" for i in range(100_000)]
    events = [Happening(i + 1, NOON + i // 50, [(name, i / 8, None, 0)]) for i, name in enumerate(names)]
    store = case.open()
    store.write(batch(events))
    some = names[::9_999]
    assert case.stored(store, some) == expected(e for e in events if e.readings[0][0] in some)


def test_a_hole_in_the_journal_does_not_stop_it(case: Case) -> None:
    """Where the journal was swept before the store had read it, the store goes on behind the hole."""
    store = case.open()
    store.write(batch(EVENTS[:1]))
    later = Happening(90, NOON + 99, [(A, 1.0, None, 0)])
    store.write(batch([later], 89))
    assert store.cursor() == 90
    assert case.stored(store, POINTS) == expected([EVENTS[0], later])


def test_readings_of_several_days(case: Case) -> None:
    """A batch may span midnight, even several, and a clock set back may return to the day before."""
    days = (0, 1, 1, 3, 2, 3, 0)
    events = [Happening(i + 1, NOON + d * DAY + i, [(A, float(i), None, 0)]) for i, d in enumerate(days)]
    store = case.open()
    store.write(batch(events))
    assert store.cursor() == len(events)
    assert case.stored(store, [A]) == expected(events)


@pytest.mark.parametrize("open_", [duckdb_.open, influxdb.open])
def test_plug_ins_have_one_shape(open_: Callable[..., Sink]) -> None:
    """Every engine opens with config, data folder, name and the way to a source's site."""
    assert open_.__code__.co_varnames[:4] == ("config", "data_dir", "name", "site_of")


def test_looking_at_the_settings_loads_no_engine() -> None:
    """`csg check` and the engine learn the settings of every store without its libraries: start time and memory."""
    program = (
        "import sys; import gateway.store.duckdb_, gateway.store.influxdb;"
        " print([m for m in ('duckdb', 'numpy', 'pyarrow', 'influxdb_client', 'urllib3') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_embedded_store_needs_no_pyarrow(tmp_path: Path) -> None:
    """Writing, closing a day and asking go without it: 60 MB less in the process that shows alarms."""
    program = (
        "import sys; from pathlib import Path; from gateway.store import duckdb_; from gateway.series import Query;"
        " from tests.gateway.store.feeding import *;"
        " store = duckdb_.open(duckdb_.Config(close_after_s=0), Path(sys.argv[1]), 'history', str);"
        " store.write(batch([Happening(1, NOON, [('home:a/x/', 1, None, 0)]),"
        " Happening(2, NOON + DAY, [('home:a/x/', 'a', None, 0)])]));"
        " assert store.settled(30); store.read(Query(['home:a/x/'], 0, 2**60)); store.latest(); store.close();"
        " print([m for m in ('pyarrow', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
