"""The catalogue as workbooks and CSV files: what people fill in, and what they are told when it is wrong."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from gateway.demo_community import demo_community
from gateway.registry import Invalid, Registry
from gateway.registry.columns import SHEETS
from gateway.registry.sheets import csv_zip, read, workbook
from gateway.registry.spelt import said

NOW = 1_795_276_800_000


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    with closing(Registry.open(tmp_path / "registry.sqlite")) as opened:
        yield opened


def book(**sheets: list[list[Any]]) -> bytes:
    """A workbook with these sheets."""
    made = Workbook()
    del made[made.sheetnames[0]]
    for title, rows in sheets.items():
        page = made.create_sheet(title)
        for row in rows:
            page.append(row)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def told(data: bytes, name: str = "x.xlsx", places: dict[str, Any] | None = None) -> list[str]:
    with pytest.raises(Invalid) as refused:
        read(data, name, places or {})
    return [str(p) for p in refused.value.problems]


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("form", [workbook, csv_zip])
def test_what_is_written_reads_back_the_same(registry: Registry, form: Any, language: str) -> None:
    """An export of the whole demo estate, imported again in either language and form, changes nothing."""
    registry.import_catalogue(demo_community(), who="u", now=NOW)
    document = registry.export(people=True)
    again = read(form(document, language), "estate", {})
    done = registry.import_catalogue(again.document, who="u", now=NOW)
    assert done.added == done.changed == {"grids": 0, "places": 0, "devices": 0, "people": 0}
    assert done.unchanged["devices"] == len(document["devices"]) > 100


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_a_template_is_empty_until_it_is_filled_in(language: str) -> None:
    """Its example rows are not read, its headings are known, and choices are offered where there are some."""
    data = workbook({}, language, template=True)
    assert read(data, "template.xlsx", {}).document == {s.table: [] for s in SHEETS}
    pages = load_workbook(io.BytesIO(data))
    assert len(pages.sheetnames) == len(SHEETS)
    assert pages[pages.sheetnames[1]].data_validations.dataValidation


def test_devices_may_spell_their_place_out(registry: Registry) -> None:
    """A property manager's list of buildings, floors and flats makes the places, each once, however it is written."""
    rows: list[list[Any]] = [
        [
            "设备编号",
            "小区",
            "楼栋",
            "单元",
            "楼层",
            "户室",
            "区域",
            "类型",
            "市电供电",
            "安装日期",
            "ext:house_code",
        ],
        [
            "lora:k1",
            "阳光花园",
            "3号楼",
            "1单元",
            "5层",
            502.0,
            "厨房",
            "可燃气体探测器",
            "是",
            "2026/11/2",
            "H-1",
        ],
        ["lora:k2", "阳光花园", "03栋", 1, 5, "502室", None, "smoke", "否", None, None],
        [None, None, "", None, None, None, None, None, None, None, None],
        ["lora:k3", "阳光花园", "3", None, None, None, "楼顶", "烟感", None, None, None],
    ]
    found = read(book(设备=rows), "x.xlsx", {})
    places = {p["id"]: p["name"] for p in found.document["places"]}
    assert places == {
        "阳光花园": "阳光花园", "阳光花园-b3": "3号楼", "阳光花园-b3-u1": "1单元", "阳光花园-b3-u1-f5": "5层",
        "阳光花园-b3-u1-f5-502": "502", "阳光花园-b3-u1-f5-502-厨房": "厨房", "阳光花园-b3-楼顶": "楼顶",
    }  # fmt: skip
    devices = found.document["devices"]
    assert devices[0] == {
        "id": "lora:k1", "place": "阳光花园-b3-u1-f5-502-厨房", "kind": "gas", "mains": True,
        "installed_on": "2026-11-02", "external_ids": {"house_code": "H-1"},
    }  # fmt: skip
    assert (devices[1]["place"], devices[1]["kind"], devices[1]["mains"]) == (
        "阳光花园-b3-u1-f5-502",
        "smoke",
        False,
    )
    assert devices[2]["kind"] == "smoke"
    assert found.lines["devices"] == [2, 3, 5]
    registry.import_catalogue(found.document, who="u", now=NOW)
    known = {p["id"]: p for p in registry.export(people=False)["places"]}
    again = read(book(设备=rows), "x.xlsx", known)
    assert again.document.get("places", []) == []
    assert registry.import_catalogue(again.document, who="u", now=NOW).unchanged["devices"] == 3


def test_the_only_site_need_not_be_named() -> None:
    """With one site known the column may stay empty; with none or two it is asked for, by line."""
    rows = [["id", "building"], ["a:1", "1"]]
    site = {"s": {"level": "site", "name": "S", "parent": None}}
    assert read(book(devices=rows), "x", site).document["devices"][0]["place"] == "s-b1"
    assert told(book(devices=rows)) == [
        "devices row 2, site: expected the site, as there is not exactly one, found nothing"
    ]
    with_places = book(places=[["id", "level", "name"], ["s", "小区", "S"]], devices=rows)
    assert read(with_places, "x", {}).document["devices"][0]["place"] == "s-b1"


@pytest.mark.parametrize(
    ("name", "number"),
    [("3号楼", "3"), ("03栋", "3"), ("3", "3"), ("第3单元", "3"), ("502室", "502"), ("A座", "A座"), ("-1层", "-1"),
     ("3B号楼", "3B"), ("会所", "会所"), ("0", "0"), (" 7F ", "7F")],
)  # fmt: skip
def test_what_a_name_comes_down_to(name: str, number: str) -> None:
    """Numbers with the words of buildings, units, floors and flats are the number alone."""
    assert said(name) == number


@pytest.mark.parametrize(
    ("data", "name", "why"),
    [
        (book(Foo=[["id"]]), "x.xlsx", "a sheet or file named one of"),
        (b"PK\x03\x04 nonsense", "x.xlsx", "a workbook or a zip of CSV files"),
        (b"id,name\n1,2\n", "things.csv", "a sheet or file named one of"),
        (b"\xff\xff\xff", "devices.csv", "UTF-8 or GB 18030"),
        (
            book(devices=[["id", "palce"], ["a:1", "s"]]),
            "x.xlsx",
            "devices row 1, 2: expected a column of 设备",
        ),
        (book(devices=[["id", "编号", "设备编号"], ["a:1", "s", "t"]]), "x.xlsx", "expected"),
        (b"id,id\n1,2\n", "devices.csv", "each column once"),
    ],
)
def test_what_cannot_be_read_says_why(data: bytes, name: str, why: str) -> None:
    """A wrong file, sheet or heading is named with what was expected."""
    assert why in told(data, name)[0]


def test_a_misspelt_heading_names_the_nearest() -> None:
    """`位置编码` is told to be 位置编号."""
    assert told(book(设备=[["设备编号", "位置编码"], ["a:1", "s"]]))[0].endswith("nearest: 位置编号")


def test_wrong_cells_are_named_by_their_line(registry: Registry) -> None:
    """Every wrong cell at once, by sheet, the line a person sees, and column; nothing is written."""
    data = book(
        places=[["编号", "级别", "名称", "上级编号", "纬度", "经度"], ["示例", "楼栋", "x"], ["s", "小区", "S"],
                ["b", "楼洞", "B", "s"], ["c", "楼栋", "C", "nowhere", "north", 120]],
        devices=[["id", "place", "mains", "test_due"], [], ["a:1", "s", "maybe"], ["a1", "s"],
                 ["a:2", "s", None, "soon"]],
    )  # fmt: skip
    found = read(data, "x.xlsx", {})
    with pytest.raises(Invalid) as refused:
        registry.import_catalogue(found.document, who="u", now=NOW)
    problems = found.at_lines(refused.value.problems)
    assert [(p.table, p.row, p.column) for p in problems] == [
        ("places", 4, "level"), ("places", 5, "geo.lat"), ("devices", 3, "mains"), ("devices", 4, "id"),
        ("devices", 5, "test_due"),
    ]  # fmt: skip


@pytest.mark.parametrize(("heads", "table"), [
    ("设备编号,楼栋,类型", "devices"), ("编号,级别,名称", "places"), ("id,place,kind", "devices"),
    ("编号,姓名,联系方式", "people"),
    ("编号,名称", ""), ("颜色", ""), ("", ""),
])  # fmt: skip
def test_a_csv_says_by_its_columns_what_it_is(heads: str, table: str) -> None:
    """A lone file may be called anything; where its columns fit several sheets, or none, its name must tell."""
    if table:
        assert list(read(f"{heads}\n".encode(), "三期清单.csv", {}).document) == [table]
    else:
        assert "a sheet or file named one of" in told(f"{heads}\n".encode(), "三期清单.csv")[0]


def test_a_kind_that_nobody_knows_is_no_kind() -> None:
    """A detector under a word of its own would stand in no coverage and be missed by nobody: it is told by its cell.
    Whoever has kinds of their own writes them in ASCII.
    """
    rows = [["设备编号", "位置编号", "类型"], ["a:1", "s", "烟感"], ["a:2", "s", "烟雾"], ["a:3", "s", "烟感探测"],
            ["a:4", "s", "barrier"]]  # fmt: skip
    with pytest.raises(Invalid) as refused:
        read(book(设备=rows), "x.xlsx", {})
    assert [(p.row, p.column, p.found, p.nearest) for p in refused.value.problems] == [
        (3, "kind", "烟雾", None), (4, "kind", "烟感探测", "烟感探测器"),
    ]  # fmt: skip
    assert read(book(设备=[rows[0], rows[4]]), "x.xlsx", {}).document["devices"][0]["kind"] == "barrier"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_csv_as_spreadsheets_write_it(encoding: str, separator: str) -> None:
    """With or without byte order mark, in UTF-8 or GB 18030, with commas, semicolons or tabs, quoted or not."""
    text = (
        separator.join(["设备编号", "位置编号", "名称"])
        + "\r\n"
        + separator.join(["a:1", "s", '"厨房 烟感"'])
        + "\r\n"
    )
    rows = read(text.encode(encoding), "path/设备.csv", {}).document["devices"]
    assert rows == [{"id": "a:1", "place": "s", "name": "厨房 烟感"}]


def test_cells_cannot_be_formulas() -> None:
    """A name that a spreadsheet would run is written with a quote before it and read back as it was."""
    document = {
        "devices": [
            {"id": "a:1", "place": "s", "name": name} for name in ("=1+1", "@x", "+1", "-2", "'q", "x")
        ]
    }
    data = workbook(document, "en")
    page = load_workbook(io.BytesIO(data))["devices"]
    names = [str(c.value) for c in next(page.iter_cols(min_col=4, max_col=4, min_row=2))]
    assert not any(name[0] in "=+-@" for name in names)
    assert [d["name"] for d in read(data, "x", {}).document["devices"]] == [
        d["name"] for d in document["devices"]
    ]


def test_a_bomb_is_refused() -> None:
    """A zip that unpacks to more than a catalogue can be is not unpacked."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("devices.csv", b"\0" * (257 << 20))
    assert "MiB unpacked" in told(out.getvalue())[0]


CELLS = st.one_of(st.none(), st.booleans(), st.integers(-(10**20), 10**20), st.floats(), st.text(max_size=20))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(CELLS, max_size=6), max_size=6))
def test_nothing_in_a_sheet_raises_anything_else(rows: list[list[Any]]) -> None:
    """Whatever cells hold, it is a document or a refusal."""
    headings = ["id", "building", "kind", "mains", "report_period_s", "test_due"]
    text = "\n".join(
        "\t".join("" if c is None else str(c).replace("\0", "") for c in row) for row in [headings, *rows]
    )
    try:
        read(
            text.encode("utf-8", "replace"),
            "devices.csv",
            {"s": {"level": "site", "name": "S", "parent": None}},
        )
    except Invalid:
        pass


@given(st.binary(max_size=300))
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    """Nor whatever a file holds."""
    for start in (b"", b"PK\x03\x04"):
        try:
            read(start + data, "devices.csv", {})
        except Invalid:
            pass
