"""The registry keeps what was put in, journals every edit, and forgets people when told to."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from devices.catalogue import Datum, Device, Geo, Level, Place
from gateway.core.plan import Grid, Person
from gateway.registry import (
    Directory,
    Invalid,
    NotFound,
    Registry,
    RegistryError,
    RegistryNewer,
    RegistryReader,
    VersionConflict,
    prepare,
)
from gateway.registry.database import Database
from gateway.registry.migrate import HEAD, revision
from gateway.registry.tables import Base

NOW = 1_795_276_800_000
WHO = "u-1"
DOCUMENT: dict[str, Any] = {
    "grids": [{"id": "g1", "name": "第一网格", "parent": "c1"}, {"id": "c1", "name": "阳光社区"}],
    "places": [
        {"id": "s", "level": "site", "name": "阳光花园", "grid": "c1"},
        {"id": "s-b1", "level": "building", "name": "1号楼", "parent": "s", "grid": "g1",
         "geo": {"lat": 30.5, "lon": 120, "datum": "GCJ-02"}, "external_ids": {"house_code": "330-1"}},
        {"id": "s-b1-101", "level": "household", "name": "101", "parent": "s-b1", "needs_help": True},
    ],
    "devices": [
        {"id": "hall:s/k1", "place": "s-b1-101", "kind": "smoke", "name": "厨房", "report_period_s": 3600},
        {"id": "hall:s/k2", "place": "s-b1", "kind": "gas", "mains": True},
    ],
    "people": [
        {"id": "p1", "name": "张示例", "staff": True, "roles": [["duty_operator", "s"]],
         "addresses": [["wecom", "wecombot://k"], ["sms", "13900000000"]]},
        {"id": "p2", "name": "李示例", "language": "en", "roles": [["household", "s-b1-101"]],
         "addresses": [["sms", "13911111111"]]},
    ],
}  # fmt: skip


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    with closing(Registry.open(tmp_path / "registry.sqlite")) as opened:
        opened.import_catalogue(DOCUMENT, who=WHO, now=NOW)
        yield opened


# -- schema ---------------------------------------------------------------------------------------------------------


def test_the_migrations_make_exactly_the_tables(tmp_path: Path) -> None:
    """What the migration files build and what the code expects are the same schema."""
    path = tmp_path / "registry.sqlite"
    assert prepare(path)
    assert revision(path) == HEAD
    with closing(Database(path)) as database, database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_preparing_again_does_nothing(tmp_path: Path) -> None:
    """A second start finds the schema in place, and the file is for its owner alone."""
    path = tmp_path / "data" / "registry.sqlite"
    assert prepare(path)
    assert not prepare(path)
    assert path.stat().st_mode & 0o077 == 0


def test_two_processes_may_prepare_at_once(tmp_path: Path) -> None:
    """Engine and view start together on an empty folder: both go on, on one schema."""
    path = tmp_path / "registry.sqlite"
    code = "import sys; from pathlib import Path; from gateway.registry import prepare; prepare(Path(sys.argv[1]))"
    root = Path(__file__).parents[2]
    starts = [subprocess.Popen([sys.executable, "-c", code, str(path)], cwd=root) for _ in range(4)]
    assert [start.wait(60) for start in starts] == [0, 0, 0, 0]
    assert revision(path) == HEAD


def test_a_newer_registry_is_left_alone(tmp_path: Path) -> None:
    """After a downgrade the start refuses and says so; the file stays as it was."""
    path = tmp_path / "registry.sqlite"
    prepare(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    before = path.read_bytes()
    with pytest.raises(RegistryNewer, match=r"schema 9999; this release knows up to"):
        prepare(path)
    assert path.read_bytes() == before


def test_a_file_that_is_no_registry_is_told(tmp_path: Path) -> None:
    """A damaged file is an error with the path in it, not a fresh start over it."""
    path = tmp_path / "registry.sqlite"
    path.write_bytes(b"this is not a database" * 100)
    with pytest.raises(RegistryError, match=r"registry\.sqlite"):
        prepare(path)
    with pytest.raises(RegistryError):
        RegistryReader(path).snapshot()
    with pytest.raises(RegistryError):
        Directory(path).name("p1")


# -- reading --------------------------------------------------------------------------------------------------------


def test_a_snapshot_is_what_was_put_in(registry: Registry) -> None:
    """Places, devices, grids and people arrive as the frozen values the plan is made of, without names."""
    snapshot = registry.snapshot()
    assert snapshot.version == 9
    assert snapshot.catalogue.places["s-b1"] == Place(
        "s-b1", Level.BUILDING, "1号楼", "s", "g1", {"house_code": "330-1"}, Geo(30.5, 120.0, Datum.GCJ02)
    )
    assert snapshot.catalogue.places["s-b1-101"].needs_help
    assert snapshot.catalogue.devices["hall:s/k1"] == Device(
        "hall:s/k1", "s-b1-101", "smoke", "厨房", "", 3600, False
    )
    assert snapshot.catalogue.devices["hall:s/k2"].mains
    assert snapshot.grids == {"c1": Grid("c1", "阳光社区"), "g1": Grid("g1", "第一网格", "c1")}
    assert snapshot.people == {
        "p1": Person("p1", (("duty_operator", "s"),), ("wecom", "sms"), "zh-CN"),
        "p2": Person("p2", (("household", "s-b1-101"),), ("sms",), "en"),
    }


def test_before_the_first_start_the_registry_is_empty(tmp_path: Path) -> None:
    """The engine may start before anybody made the file."""
    reader = RegistryReader(tmp_path / "registry.sqlite")
    assert reader.snapshot().catalogue.devices == {}
    assert reader.version() == 0
    assert Directory(tmp_path / "registry.sqlite").name("p1") is None


def test_the_directory_follows_every_edit(registry: Registry) -> None:
    """A changed number counts from the next message on, in whichever process it was changed."""
    with closing(Directory(registry.path)) as directory:
        assert directory.address("p1", "sms") == "13900000000"
        assert directory.address("p1", "fax") is None
        assert (directory.name("p1"), directory.language("p2"), directory.language("nobody")) == (
            "张示例", "en", "zh-CN")  # fmt: skip
        assert directory.staff("p1")
        assert not directory.staff("p2")
        row = {**DOCUMENT["people"][0], "addresses": [["sms", "13922222222"], ["sms", "13933333333"]]}
        registry.put("people", row, who=WHO, now=NOW)
        assert directory.address("p1", "sms") == "13922222222"
        registry.forget_person("p1", who=WHO, now=NOW)
        assert directory.address("p1", "sms") is None
        assert directory.name("p1") is None


def test_readers_never_wait_for_a_writer(registry: Registry) -> None:
    """While an import is under way others read what was there before."""
    inside, go_on = threading.Event(), threading.Event()

    def long_edit() -> None:
        with registry.database.editing(WHO, NOW) as writer:
            writer.edit("test", "x", None, None)
            writer.flush()
            inside.set()
            go_on.wait(20)

    worker = threading.Thread(target=long_edit)
    worker.start()
    try:
        assert inside.wait(20)
        assert registry.snapshot().version == 9
        assert registry.version() == 9
    finally:
        go_on.set()
        worker.join(20)
    assert registry.version() == 10


# -- editing --------------------------------------------------------------------------------------------------------


def test_every_edit_is_journalled_with_its_version(registry: Registry) -> None:
    """Who, when, what, before and after; the row's version is the number of its last edit."""
    row, version = registry.get("devices", "hall:s/k2")
    assert row == {"id": "hall:s/k2", "place": "s-b1", "kind": "gas", "name": "", "model": "", "mains": True}
    moved = registry.put("devices", {**row, "place": "s-b1-101"}, who="u-7", now=NOW + 5, expected=version)
    assert registry.get("devices", "hall:s/k2")[1] == moved == registry.version() == 10
    (edit,) = registry.edits(after=9)
    assert (edit.version, edit.at, edit.who, edit.what, edit.row) == (
        10, NOW + 5, "u-7", "device.put", "hall:s/k2")  # fmt: skip
    assert edit.before is not None
    assert edit.after is not None
    assert (edit.before["place"], edit.after["place"]) == ("s-b1", "s-b1-101")
    assert [e.version for e in registry.edits(what="place.put")] == [3, 4, 5]
    assert [e.version for e in registry.edits(row="s-b1", limit=1)] == [4]


def test_two_editors_do_not_overwrite_each_other(registry: Registry) -> None:
    """Whoever saw an older version is refused and told the current one; 0 means the row must be new."""
    row, version = registry.get("devices", "hall:s/k2")
    registry.put("devices", {**row, "name": "one"}, who=WHO, now=NOW, expected=version)
    with pytest.raises(VersionConflict) as refused:
        registry.put("devices", {**row, "name": "two"}, who=WHO, now=NOW, expected=version)
    assert refused.value.current == 10
    with pytest.raises(VersionConflict):
        registry.put("devices", row, who=WHO, now=NOW, expected=0)
    with pytest.raises(VersionConflict):
        registry.put("devices", {**row, "id": "hall:s/k9"}, who=WHO, now=NOW, expected=3)
    registry.put("devices", {**row, "id": "hall:s/k9"}, who=WHO, now=NOW, expected=0)
    assert registry.get("devices", "hall:s/k2")[0]["name"] == "one"


def test_saving_what_is_there_is_no_edit(registry: Registry) -> None:
    """A form saved unchanged moves no version and causes no new plan."""
    row, version = registry.get("devices", "hall:s/k1")
    assert registry.put("devices", row, who=WHO, now=NOW) == version
    assert registry.version() == 9


def test_a_replaced_device_takes_the_place_of_the_old(registry: Registry) -> None:
    """The new one has the old one's place, name and kind; the old one is gone from the catalogue."""
    registry.replace_device("hall:s/k1", "hall:s/k3", who=WHO, now=NOW, model="SD2")
    devices = registry.snapshot().catalogue.devices
    assert "hall:s/k1" not in devices
    assert devices["hall:s/k3"] == Device("hall:s/k3", "s-b1-101", "smoke", "厨房", "SD2", 3600, False)
    assert [e.what for e in registry.edits(after=9)] == ["device.replaced", "device.put"]
    with pytest.raises(NotFound):
        registry.replace_device("hall:s/k1", "hall:s/k4", who=WHO, now=NOW)
    with pytest.raises(Invalid, match="not in the catalogue"):
        registry.replace_device("hall:s/k2", "hall:s/k3", who=WHO, now=NOW)
    with pytest.raises(Invalid, match="source, colon"):
        registry.replace_device("hall:s/k2", "k3", who=WHO, now=NOW)
    assert "hall:s/k2" in registry.snapshot().catalogue.devices


def test_only_what_is_empty_is_removed(registry: Registry) -> None:
    """A place with something in it, or somebody on it, stays, and the answer says what holds it."""
    for table, identity, why in (
        ("places", "s-b1", "holds places"),
        ("places", "s-b1-101", "holds devices"),
        ("places", "s", "holds places"),
        ("grids", "c1", "holds grids"),
        ("grids", "g1", "places belong to"),
        ("people", "p1", "forget them instead"),
    ):
        with pytest.raises(Invalid, match=why):
            registry.remove(table, identity, who=WHO, now=NOW)
    registry.remove("devices", "hall:s/k1", who=WHO, now=NOW)
    with pytest.raises(Invalid, match="holds a role"):
        registry.remove("places", "s-b1-101", who=WHO, now=NOW)
    with pytest.raises(NotFound):
        registry.remove("devices", "hall:s/k1", who=WHO, now=NOW)
    registry.forget_person("p2", who=WHO, now=NOW)
    registry.remove("places", "s-b1-101", who=WHO, now=NOW)
    assert "s-b1-101" not in registry.snapshot().catalogue.places


# -- people ---------------------------------------------------------------------------------------------------------


def test_edits_of_people_hold_no_personal_data(registry: Registry) -> None:
    """The journal of edits is kept for good: it says that a number changed, never the number or where one lives."""
    registry.put(
        "people", {**DOCUMENT["people"][1], "name": "王示例", "addresses": [["sms", "13944444444"]]},
        who=WHO, now=NOW,
    )  # fmt: skip
    kept = repr(registry.edits(limit=1000))
    for text in ("张示例", "李示例", "王示例", "139", "wecombot"):
        assert text not in kept
    last = registry.edits(after=9)[0]
    assert last.after == {
        "changed": ["addresses", "name"],
        "channels": ["sms"],
        "language": "en",
        "staff": False,
    }
    staff = registry.edits(row="p1")[0]
    assert staff.after is not None
    assert staff.after["roles"] == [["duty_operator", "s"]]


def test_a_forgotten_person_is_gone_from_the_disk(registry: Registry) -> None:
    """Name and numbers are on no page of the file nor of its log; the id stays, and nobody can bring it back."""
    registry.forget_person("p2", who=WHO, now=NOW)
    registry.forget_person("p2", who=WHO, now=NOW)
    folder = registry.path.parent
    left = b"".join(p.read_bytes() for p in folder.iterdir())
    assert "李示例".encode() not in left
    assert b"13911111111" not in left
    assert "张示例".encode() in left
    assert list(registry.snapshot().people) == ["p1"]
    assert [row["id"] for row in registry.export(people=True)["people"]] == ["p1"]
    with pytest.raises(NotFound):
        registry.get("people", "p2")
    with pytest.raises(NotFound):
        registry.forget_person("p3", who=WHO, now=NOW)
    with pytest.raises(Invalid, match="was not forgotten"):
        registry.import_catalogue(DOCUMENT, who=WHO, now=NOW)
    assert [e.what for e in registry.edits(after=9)] == ["person.forget"]


def test_an_export_without_people_holds_no_personal_data(registry: Registry) -> None:
    """The catalogue alone may be handed on."""
    assert set(registry.export(people=False)) == {"grids", "places", "devices"}
