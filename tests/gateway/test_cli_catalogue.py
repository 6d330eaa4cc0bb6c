"""`csg catalogue`: a workbook goes in and comes out again, and every wrong cell is said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from openpyxl import load_workbook
from typer.testing import CliRunner

from gateway.cli import app
from gateway.registry import RegistryReader


def csg(data: Path, *arguments: str) -> tuple[int, str]:
    """The exit code and all that was said."""
    more = () if arguments[0] == "template" else ("--data", str(data))
    result = CliRunner().invoke(app, ["catalogue", *arguments, *more])
    return result.exit_code, result.output


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """The template with one device filled in."""
    path = tmp_path / "estate.xlsx"
    assert csg(tmp_path, "template", str(path))[0] == 0
    book = load_workbook(path)
    book["设备"].append(
        ["local:home/k1", None, "阳光花园", "3号楼", None, "5层", "502", None, "烟感", "厨房"]
    )
    book.save(path)
    return path


def test_a_filled_in_template_goes_in_and_comes_out(tmp_path: Path, filled: Path) -> None:
    """A dry run writes nothing, the import makes the places, twice is as good as once, and an export goes in again."""
    data = tmp_path / "data"
    code, said = csg(data, "import", str(filled), "--dry-run")
    assert (code, "devices: 1 added" in said, "Nothing was written." in said) == (0, True, True)
    assert RegistryReader(data / "registry.sqlite").snapshot().catalogue.devices == {}
    code, said = csg(data, "import", str(filled), "--json")
    assert json.loads(said)["added"] == {"grids": 0, "places": 4, "devices": 1, "people": 0}
    catalogue = RegistryReader(data / "registry.sqlite").snapshot().catalogue
    assert catalogue.devices["local:home/k1"].kind == "smoke"
    assert [p.name for p in catalogue.path(catalogue.devices["local:home/k1"].place)] == [
        "502",
        "5层",
        "3号楼",
        "阳光花园",
    ]
    assert "0 added, 0 changed, 1 as before" in csg(data, "import", str(filled))[1]
    for name in ("out.xlsx", "out.zip", "out.json"):
        out = tmp_path / name
        assert csg(data, "export", str(out), "--lang", "en")[0] == 0
        assert (out.stat().st_mode & 0o777) == 0o600
        assert "devices: 0 added, 0 changed, 1 as before" in csg(data, "import", str(out))[1]


def test_wrong_cells_are_said_by_line_and_nothing_is_written(tmp_path: Path, filled: Path) -> None:
    """Each wrong cell by sheet, line and column, as text and as JSON, with exit code 2."""
    book = load_workbook(filled)
    book["设备"].append(["k2", "nowhere"])
    book.save(filled)
    data = tmp_path / "data"
    code, said = csg(data, "import", str(filled))
    assert code == 2
    assert "devices row 4, id: expected a device id" in said
    code, said = csg(data, "import", str(filled), "--json")
    assert json.loads(said)["problems"][0]["row"] == 4
    assert RegistryReader(data / "registry.sqlite").snapshot().catalogue.places == {}


def test_what_is_no_catalogue_is_said(tmp_path: Path) -> None:
    """A missing file, a wrong ending and an unknown language end with a reason, not a traceback."""
    assert csg(tmp_path, "import", str(tmp_path / "none.xlsx"))[0] == 1
    (tmp_path / "bad.json").write_text("{")
    assert csg(tmp_path, "import", str(tmp_path / "bad.json"))[0] == 1
    assert csg(tmp_path, "export", str(tmp_path / "x.doc"))[0] == 2
    assert csg(tmp_path, "template", str(tmp_path / "t.xlsx"), "--lang", "fr")[0] == 2
