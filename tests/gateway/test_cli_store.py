"""`csg store` at the terminal: with a gateway that runs and without, and a copy that is gone on with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gateway import copying
from gateway.batch import batch_of
from gateway.cli import app
from gateway.copying import Place, Sums, copied, differing, load, summed, within
from gateway.feed import contiguous
from gateway.journal import Journal, JournalReader
from gateway.series import Selection
from gateway.store import duckdb_
from gateway.store.duckdb_.store import DuckStore
from tests.gateway.api.shelf import Shelf
from tests.gateway.journals import START, row
from tests.gateway.test_view_process import view
from tests.parts import until

DAY = 86_400_000


def run(*words: str) -> tuple[int, Any]:
    """The exit code and what was printed as JSON."""
    done = CliRunner().invoke(app, ["store", *words, "--json"])
    lines = [line for line in done.stdout.splitlines() if line.startswith(("{", "["))]
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, json.loads(lines[-1]) if lines else done.output


def house(folder: Path, days: int = 3) -> Path:
    """A data folder whose embedded store holds ten messages of two readings on each day; gives its csg.yaml."""
    data = folder / "data"
    journal = Journal(data / "journal")
    journal.open()
    for day in range(days):
        journal.append(row(1 + 10 * day, 10, at=START + day * DAY))
    journal.close()
    store = duckdb_.open(duckdb_.Config(), data, "history", lambda _: "site")
    reader = JournalReader(data / "journal")
    while rows := contiguous(reader.rows(store.cursor())):
        store.write(batch_of(rows, store.cursor()))
    store.close()
    config = folder / "csg.yaml"
    config.write_text(
        f"data: {data}\nstores:\n  history: {{kind: duckdb}}\n  second: {{kind: duckdb, folder: second}}\n",
        encoding="utf-8",
    )
    return config


def test_how_the_stores_are_without_a_gateway(tmp_path: Path) -> None:
    """Each with its place; the one that answers history is marked; exit code 0 where all is well."""
    code, said = run("status", "--config", str(house(tmp_path)))
    assert code == 0
    assert [(s["store"], s["history"], s["cursor"]) for s in said["stores"]] == [
        ("history", True, 30), ("second", False, 0),
    ]  # fmt: skip


def test_a_store_that_needs_no_setting_up_says_so(tmp_path: Path) -> None:
    """One by name, or all; a name that is none is a wrong question."""
    config = str(house(tmp_path, days=1))
    assert run("init", "--config", config) == (
        0, {"ok": True, "stores": {name: ["it needs no setting up"] for name in ("history", "second")}},
    )  # fmt: skip
    assert run("init", "histroy", "--config", config)[0] == 2


@pytest.fixture
def shelves() -> tuple[Shelf, Shelf]:
    """One with a hundred readings over four days, and an empty one."""
    full = Shelf()
    for seq in range(1, 101):
        full.rows[seq, 0] = (f"s:d{seq % 3}/m/", (START + seq * DAY // 25, seq / 4, None, 0, seq, 0))
        full.last = seq
    return full, Shelf()


def finish(work: Iterator[Any]) -> None:
    """To its end."""
    for _ in work:
        pass


def test_a_copy_goes_on_where_it_was_cut_off(
    shelves: tuple[Shelf, Shelf], tmp_path: Path, monkeypatch: Any
) -> None:
    """Whatever of the last batches was not noted is copied again to no effect, and the sums are those of all."""
    monkeypatch.setattr(copying, "SAVE_EVERY", 4)
    full, new = shelves
    file = tmp_path / "copies" / "a-b.json"
    for number, _ in enumerate(copied(full, new, load(file, 0, 2**60), file)):
        if number == 9:
            break
    assert new.last == 30
    place = load(file, 0, 2**60)
    assert place.after == 24
    finish(copied(full, new, place, file))
    assert new.rows == full.rows
    *_, sums = summed(new, place)
    assert place.sums.rows == 100
    assert differing(place.sums, sums) == []
    assert load(file, 5, 2**60).after == 0  # another copy begins anew


def test_a_copy_that_is_not_the_same_is_found_by_day(shelves: tuple[Shelf, Shelf], tmp_path: Path) -> None:
    """A value that changed, a reading more and one that is missing, each on its own day."""
    full, new = shelves
    place = Place(0, 2**60)
    finish(copied(full, new, place, tmp_path / "place.json"))
    point, sample = new.rows[3, 0]
    new.rows[3, 0] = (point, (sample[0], 99.0, *sample[2:]))
    new.delete(Selection(START + 2 * DAY + DAY // 2 + 1, (new.rows[61, 0][0],), None))
    *_, sums = summed(new, place)
    assert START // DAY in differing(place.sums, sums)
    assert 1 <= len(differing(place.sums, sums)) <= 4


def test_a_part_of_the_time_is_copied(shelves: tuple[Shelf, Shelf], tmp_path: Path) -> None:
    """Only what arrived in it; the rest moves the place alone."""
    full, new = shelves
    place = Place(START + DAY, START + 2 * DAY)
    finish(copied(full, new, place, tmp_path / "place.json"))
    assert new.last == 100
    assert {sample[0] for _, sample in new.rows.values()} == {
        s[0] for _, s in full.rows.values() if START + DAY <= s[0] < START + 2 * DAY
    }
    *_, sums = summed(new, place)
    assert sums == place.sums


def test_the_order_of_rows_is_no_difference() -> None:
    """Sums are of sets: what two stores hold alike is alike in any order."""
    batches = [batch_of([row(n, 1)], n - 1) for n in range(1, 6)]
    one, other = Sums(), Sums()
    for batch in batches:
        one.add(batch)
    for batch in reversed(batches):
        other.add(batch)
    assert one == other
    assert within(batches[0], 0, 2**60) is batches[0]


def test_a_store_is_copied_at_the_terminal(tmp_path: Path) -> None:
    """From the embedded store into a second one: counted, compared, and the same again changes nothing."""
    config = str(house(tmp_path))
    asked = ("copy", "--from", "history", "--to", "second", "--config", config)
    done = {"rows": 60, "days": 3, "verified": True, "differing": []}
    if not hasattr(DuckStore, "stored"):
        assert run(*asked)[0] == 2  # this store cannot be copied from
        return
    assert run(*asked) == (0, done)
    assert run(*asked) == (0, done)
    assert run("copy", "--from", "second", "--to", "second", "--config", config)[0] == 2


def test_a_running_gateway_does_it_itself(tmp_path: Path) -> None:
    """It holds the store: status, an erasure with its proof, and the chain are asked of it; a copy is not."""
    config = house(tmp_path, days=1)
    data = tmp_path / "data"
    with view(data):
        until((data / "view.sock").exists, "the door")
        assert (data / "view.sock").stat().st_mode & 0o777 == 0o600
        code, said = run("status", "--config", str(config))
        assert (code, [s["store"] for s in said["stores"]]) == (0, ["history"])  # as the view was started
        until(
            lambda: run("status", "--config", str(config))[1]["stores"][0]["cursor"] == 10,
            "the store to follow",
        )
        code, gone = run(
            "erase", "--point", "s:dev1/temperature/", "--reason", "request", "--yes", "--config", str(config)
        )
        assert gone["points"] == 1
        assert gone["stores"][0]["result"] in ("deleted", "cannot")
        code, said = run("proofs", "--config", str(config))
        assert (code, said["broken_at"]) == (0, None)
        assert len(said["lines"]) == (gone["stores"][0]["result"] == "deleted")
        assert (
            run("erase", "--device", "s:none", "--reason", "request", "--yes", "--config", str(config))[0]
            == 1
        )
        assert (
            run("erase", "--device", "s:dev1", "--reason", "revenge", "--yes", "--config", str(config))[0]
            == 1
        )
        assert run("copy", "--from", "history", "--to", "second", "--config", str(config))[0] == 1
        assert run("backup", str(tmp_path / "b"), "--store", "none", "--config", str(config))[0] == 1
    assert not (data / "view.sock").exists()
