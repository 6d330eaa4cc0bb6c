"""Importing a catalogue: whole or not at all, twice is once, and every wrong cell is named."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from copy import deepcopy
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devices.reading import split_point
from gateway.demo_community import DEMO_SITE, demo_community, demo_devices
from gateway.registry import Invalid, Registry, prepare

NOW = 1_795_276_800_000
SMALL: dict[str, Any] = {
    "grids": [{"id": "g", "name": "网格"}],
    "places": [
        {"id": "s", "level": "site", "name": "S"},
        {"id": "b", "level": "building", "name": "B", "parent": "s"},
        {"id": "z", "level": "zone", "name": "Z", "parent": "b"},
    ],
    "devices": [{"id": "x:d", "place": "b"}],
    "people": [{"id": "p", "name": "P", "roles": [["grid_staff", "g"]], "addresses": [["sms", "1"]]}],
}


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    with closing(Registry.open(tmp_path / "registry.sqlite")) as opened:
        yield opened


def put(document: dict[str, Any], table: str, index: int, **columns: Any) -> dict[str, Any]:
    """A copy with some columns of one row changed; None for a whole column takes it out."""
    changed = deepcopy(document)
    row = changed[table][index]
    for name, value in columns.items():
        row[name] = value
    return changed


WRONG: list[tuple[str, Any, list[str]]] = [
    ("no document", [], ["document row 0: expected a mapping with grids, places, devices, people, found a list of 0"]),
    ("an unknown table", {"device": []}, [
        ("device row 0: expected one of grids, places, devices, people, found the unknown key \"device\"; "
        "nearest: devices")]),
    ("a table that is none", {"devices": {}}, ["devices row 0: expected a list, each a mapping, found an empty mapping"
     ]),
    ("a column unknown", put(SMALL, "devices", 0, plce="b"), [
        ("devices row 1, plce: expected one of id, place, kind, name, model, report_period_s, mains, external_ids, "
        "installed_on, expires_on, calibration_due, test_due, ..., "
        "found the unknown key \"plce\"; nearest: place")]),
    ("a column missing", {"devices": [{"id": "x:d"}]}, [
        ("devices row 1: expected the key place (an id of 1 to 128 characters, no space at its ends), "
        "found no such key")]),
    ("a wrong type", put(SMALL, "devices", 0, report_period_s="60"), [
        "devices row 1, report_period_s: expected a whole number from 1 to 2678400, found \"60\"; nearest: 60"]),
    ("a wrong cell in a cell", put(SMALL, "places", 1, geo={"lat": 99, "lon": 0}), [
        "places row 2, geo.lat: expected a number from -90 to 90, found 99"]),
    ("a device without its source", put(SMALL, "devices", 0, id="d"), [
        "devices row 1, id: expected a device id: source, colon, the name the device gives itself, found \"d\""]),
    ("a level misspelt", put(SMALL, "places", 1, level="bulding"), [
        ("places row 2, level: expected one of site, building, unit, floor, household, zone, found \"bulding\"; "
        "nearest: building")]),
    ("a place that does not exist", put(SMALL, "devices", 0, place="bb"), [
        "devices row 1, place: expected the id of a place, found \"bb\"; nearest: b"]),
    ("a parent that does not exist", put(SMALL, "places", 1, parent="t"), [
        "places row 2, parent: expected the id of a place, found \"t\""]),
    ("no parent", put(SMALL, "places", 1, parent=None), [
        "places row 2, parent: expected the id of a place above a building, found nothing"]),
    ("a site in something", put(SMALL, "places", 0, parent="b"), [
        "places row 1, parent: expected nothing: a site stands at the top, found \"b\""]),
    ("a parent below", put(SMALL, "places", 1, parent="z"), [
        "places row 2, parent: expected a parent of a higher level (site), found \"z\", a zone"]),
    ("a ring of zones", {"places": [*SMALL["places"][:2], {"id": "z", "level": "zone", "name": "Z", "parent": "y"},
                                    {"id": "y", "level": "zone", "name": "Y", "parent": "z"}]}, [
        "places row 3, parent: expected a parent above it, at most 15 deep, found a ring or more",
        "places row 4, parent: expected a parent above it, at most 15 deep, found a ring or more"]),
    ("a ring of grids", put(SMALL, "grids", 0, parent="g"), [
        "grids row 1, parent: expected a parent above it, at most 15 deep, found a ring or more"]),
    ("a grid that does not exist", put(SMALL, "places", 0, grid="h"), [
        "places row 1, grid: expected the id of a grid, found \"h\""]),
    ("one id for a place and a grid", put(SMALL, "grids", 0, id="b"), [
        "grids row 1, id: expected an id that is no place's, found \"b\"",
        "people row 1, roles[0][1]: expected the id of a place or grid, found \"g\""]),
    ("an id twice", {"grids": [*SMALL["grids"], *SMALL["grids"]]}, [
        "grids row 2, id: expected each id once, found \"g\" again (first in row 1)"]),
    ("a role nobody knows", put(SMALL, "people", 0, roles=[["grid_stuff", "g"]]), [
        ("people row 1, roles[0][0]: expected one of household, duty_operator, micro_station, micro_station_lead, "
        "building_lead, household_lead, grid_staff, grid_lead, property_manager, fire_safety_manager, "
        "fire_safety_responsible, contractor, ..., found \"grid_stuff\"; nearest: grid_staff")]),
    ("a role on nothing", put(SMALL, "people", 0, roles=[["grid_staff", "q"]]), [
        "people row 1, roles[0][1]: expected the id of a place or grid, found \"q\""]),
    ("a language we do not speak", put(SMALL, "people", 0, language="fr"), [
        "people row 1, language: expected one of en, zh-CN, found \"fr\""]),
    ("a line break in a name", put(SMALL, "people", 0, name="P\nQ"), [
        "people row 1, name: expected a name of 1 to 255 characters on one line, found \"P\\nQ\""]),
    ("several tables at once", {"grids": [{"id": "g"}], "people": [{"name": "P"}]}, [
        "grids row 1: expected the key name (a name of 1 to 255 characters on one line), found no such key",
        "people row 1: expected the key id (an id of 1 to 128 characters, no space at its ends), found no such key"]),
]  # fmt: skip


@pytest.mark.parametrize(("document", "said"), [w[1:] for w in WRONG], ids=[w[0] for w in WRONG])
def test_every_wrong_cell_is_named_and_nothing_is_written(
    registry: Registry, document: Any, said: list[str]
) -> None:
    """Table, row and column, what was expected and found; the registry stays as it was."""
    with pytest.raises(Invalid) as refused:
        registry.import_catalogue(document, who="u", now=NOW)
    assert [str(p) for p in refused.value.problems] == said
    assert registry.version() == 0


def test_moving_a_place_checks_what_stands_in_it(registry: Registry) -> None:
    """A building cannot become a floor while a unit stands in it, though the document names only the building."""
    registry.import_catalogue(SMALL, who="u", now=NOW)
    registry.put("places", {"id": "u", "level": "unit", "name": "U", "parent": "b"}, who="u", now=NOW)
    with pytest.raises(Invalid) as refused:
        registry.put("places", {"id": "b", "level": "floor", "name": "B", "parent": "s"}, who="u", now=NOW)
    assert [str(p) for p in refused.value.problems] == [
        'places row 1, level: expected a level above unit, the level of "u" in it, found floor'
    ]
    assert registry.get("places", "b")[0]["level"] == "building"


def test_a_dry_run_says_what_would_happen_and_does_nothing(registry: Registry) -> None:
    """The counts are those of the real import; the registry stays empty."""
    would = registry.import_catalogue(SMALL, who="u", now=NOW, dry_run=True)
    assert (would.dry_run, would.version, registry.version()) == (True, 0, 0)
    did = registry.import_catalogue(SMALL, who="u", now=NOW)
    assert (did.added, did.changed, did.unchanged) == (would.added, would.changed, would.unchanged)
    assert did.added == {"grids": 1, "places": 3, "devices": 1, "people": 1}
    assert did.version == 6


def test_an_import_changes_only_what_it_names(registry: Registry) -> None:
    """Rows that are not mentioned stay; one changed cell is one edit."""
    registry.import_catalogue(SMALL, who="u", now=NOW)
    did = registry.import_catalogue(
        {"devices": [{"id": "x:d", "place": "z"}, {"id": "x:e", "place": "s"}]}, who="u", now=NOW
    )
    assert (did.added["devices"], did.changed["devices"], did.version) == (1, 1, 8)
    assert {d.id: d.place for d in registry.snapshot().catalogue.devices.values()} == {"x:d": "z", "x:e": "s"}
    assert len(registry.snapshot().catalogue.places) == 3


# -- the demo's document --------------------------------------------------------------------------------------------


def test_the_demo_community_can_be_imported(registry: Registry) -> None:
    """Its document is right as it is, and importing it at every start of the demo changes nothing after the first."""
    first = registry.import_catalogue(demo_community(), who="demo", now=NOW)
    assert first.added["devices"] >= 120
    again = registry.import_catalogue(demo_community(), who="demo", now=NOW + 1)
    assert again.version == first.version


def test_demo_devices_say_where_they_are() -> None:
    """A device's name is its place and what it is; its id and place follow from it."""
    rows = {row["id"]: row for row in demo_community()["devices"]}
    names = list(demo_devices())
    assert len(names) == len(rows) == len({name for name, _ in names})
    assert ("b3-u1-f05-502-kitchen-smoke", "smoke") in names
    assert ("b3-u1-f05-corridor-smoke", "smoke") in names
    for name, kind in names:
        row = rows[f"demo:{DEMO_SITE}/{name}"]
        assert row["kind"] == kind
        assert row["place"] == f"{DEMO_SITE}-{name.rpartition('-')[0]}"
        assert split_point(f"{row['id']}/smoke/")[0] == row["id"]


def test_demo_people_can_only_be_recorded() -> None:
    """Nobody of the demo has an address outside the recording channel, and every name says that it is invented."""
    for person in demo_community()["people"]:
        assert [channel for channel, _ in person["addresses"]] == ["recording"]
        assert "示例" in person["name"]


# -- properties -----------------------------------------------------------------------------------------------------

NAMES = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=12)
ORDER = ("site", "building", "unit", "floor", "household", "zone")


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """Documents that hang together: places below higher ones, devices and roles on places and grids that exist."""
    grids: list[dict[str, Any]] = []
    for n in range(draw(st.integers(0, 3))):
        above = draw(st.sampled_from(["", *(g["id"] for g in grids)]))
        grids.append({"id": f"g{n}", "name": draw(NAMES), **({"parent": above} if above else {})})
    places: list[dict[str, Any]] = [{"id": "p0", "level": "site", "name": draw(NAMES)}]
    for n in range(1, draw(st.integers(1, 8))):
        parent = draw(st.sampled_from(places))
        rank = min(draw(st.integers(ORDER.index(parent["level"]) + 1, 6)), 5)
        place: dict[str, Any] = {"id": f"p{n}", "level": ORDER[rank], "name": draw(NAMES), "parent": parent["id"],
                 "escape_route": draw(st.booleans()), "needs_help": draw(st.booleans()),
                 "external_ids": draw(st.dictionaries(NAMES, NAMES, max_size=2))}  # fmt: skip
        if draw(st.booleans()):
            place["geo"] = {"lat": draw(st.floats(-90, 90)), "lon": draw(st.floats(-180, 180)),
                            "datum": draw(st.sampled_from(["WGS-84", "GCJ-02", "CGCS2000"]))}  # fmt: skip
        if draw(st.booleans()) and grids:
            place["grid"] = draw(st.sampled_from(grids))["id"]
        places.append(place)
    anywhere = st.sampled_from([*(p["id"] for p in places), *(g["id"] for g in grids)])
    devices = [
        {"id": f"src:{name}", "place": draw(st.sampled_from(places))["id"], "kind": draw(NAMES),
         "report_period_s": draw(st.none() | st.integers(1, 2_678_400)), "mains": draw(st.booleans())}
        for name in draw(st.lists(NAMES, max_size=5, unique=True))
    ]  # fmt: skip
    people = [
        {"id": f"h{n}", "name": draw(NAMES), "staff": draw(st.booleans()),
         "language": draw(st.sampled_from(["zh-CN", "en"])),
         "roles": draw(st.lists(st.tuples(st.sampled_from(["household", "grid_staff"]), anywhere), max_size=3)),
         "addresses": draw(st.lists(st.tuples(NAMES, NAMES), max_size=3))}
        for n in range(draw(st.integers(0, 3)))
    ]  # fmt: skip
    return {"grids": draw(st.permutations(grids)), "places": draw(st.permutations(places)), "devices": devices,
            "people": people}  # fmt: skip


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty registry to copy: making its schema takes longer than the rest of an example."""
    path = tmp_path_factory.mktemp("prepared") / "registry.sqlite"
    prepare(path)
    return path


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(one=documents(), other=documents())
def test_what_is_exported_imports_as_nothing_new(
    prepared: Path, one: dict[str, Any], other: dict[str, Any]
) -> None:
    """Import is idempotent in any order of rows, and an export, into the same or a fresh registry, is the registry."""
    with TemporaryDirectory() as folder:
        for name in ("a.sqlite", "b.sqlite"):
            shutil.copy(prepared, Path(folder) / name)
        with closing(Registry.open(Path(folder) / "a.sqlite")) as registry:
            first = registry.import_catalogue(one, who="u", now=NOW)
            assert registry.import_catalogue(one, who="u", now=NOW).version == first.version
            try:
                registry.import_catalogue(other, who="u", now=NOW)
            except Invalid:
                # Rows of the first may stand in the way of the second (a child whose parent would sink below it).
                assert registry.version() == first.version
            whole, snapshot = registry.export(people=True), registry.snapshot()
            assert registry.import_catalogue(whole, who="u", now=NOW).version == snapshot.version
        with closing(Registry.open(Path(folder) / "b.sqlite")) as fresh:
            fresh.import_catalogue(whole, who="u", now=NOW)
            copy = fresh.snapshot()
            assert copy.catalogue == snapshot.catalogue
            assert (copy.people, copy.grids) == (snapshot.people, snapshot.grids)
            assert fresh.export(people=True) == whole or sorted_rows(
                fresh.export(people=True)
            ) == sorted_rows(whole)


def sorted_rows(document: dict[str, Any]) -> dict[str, Any]:
    return {table: sorted(rows, key=lambda row: row["id"]) for table, rows in document.items()}
