"""The catalogue in and out over HTTP, as people keep it: workbooks and CSV."""

from __future__ import annotations

import csv
import io
import zipfile

import pytest
from openpyxl import Workbook, load_workbook

from gateway.api.importing import CSV, XLSX, ZIP
from tests.gateway.api.house import House

URL = "/api/v1/catalogue"


def book(rows: list[list[object]], title: str = "设备") -> bytes:
    """A workbook with one sheet."""
    made, out = Workbook(), io.BytesIO()
    page = made.create_sheet(title, 0)
    for row in rows:
        page.append(row)
    made.save(out)
    return out.getvalue()


SHEET: list[list[object]] = [
    ["设备编号", "小区", "楼栋", "户室", "类型"],
    ["a:hall-2", "阳光花园", "3", "301", "烟感"],
]


async def test_a_workbook_is_tried_then_taken_in(house: House) -> None:
    """Places spelt out in it are made, a dry run makes none, and the engine has it at once."""
    client = house.client("admin")
    version = house.registry.version()
    tried = await client.post(f"{URL}?dry_run=true", content=book(SHEET), headers={"Content-Type": XLSX})
    assert (tried.status_code, tried.json()["added"]["devices"], tried.json()["added"]["places"]) == (
        200,
        1,
        2,
    )
    assert house.registry.version() == version
    done = await client.post(URL, content=book(SHEET), headers={"Content-Type": XLSX})
    assert done.json()["planned"] is True
    assert house.engine.plan.catalogue.devices["a:hall-2"].kind == "smoke"
    again = await client.post(URL, content=book(SHEET), headers={"Content-Type": XLSX})
    assert not any({**again.json()["added"], **again.json()["changed"]}.values())


async def test_what_is_wrong_is_told_by_sheet_line_and_column(house: House) -> None:
    """The line is the sheet's own, so that a person finds the cell; nothing was changed."""
    rows: list[list[object]] = [*SHEET, ["no source", "阳光花园", "3", "302", "烟感"]]
    answer = await house.client("admin").post(URL, content=book(rows), headers={"Content-Type": XLSX})
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["table"], error["row"], error["column"]) == (422, "devices", 3, "id")
    assert (await house.client("admin").get("/api/v1/devices/a:hall-2")).status_code == 404


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
async def test_a_lone_csv_says_by_its_columns_or_its_name_what_it_is(house: House, encoding: str) -> None:
    """As spreadsheets save it in China, with either encoding; where its columns fit several sheets its name tells."""
    text = "\n".join(",".join(str(c) for c in row) for row in SHEET).encode(encoding)
    client = house.client("admin")
    either = "编号,名称\ng1,第一网格\n".encode(encoding)
    nameless = await client.post(URL, content=either, headers={"Content-Type": CSV})
    assert (nameless.status_code, nameless.json()["code"]) == (422, "invalid")
    tried = await client.post(f"{URL}?dry_run=true", content=text, headers={"Content-Type": CSV})
    assert tried.json()["added"]["devices"] == 1
    done = await client.post(
        f"{URL}?name=设备.csv", content=text, headers={"Content-Type": f"{CSV}; charset=gbk"}
    )
    assert done.json()["added"]["devices"] == 1


async def test_a_zip_of_csv_files_and_a_workbook_without_a_type_are_understood(house: House) -> None:
    """What begins as a zip is one; anything else without a known type is JSON, as it always was."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as zipped:
        text = io.StringIO()
        csv.writer(text).writerows(SHEET)
        zipped.writestr("devices.csv", text.getvalue())
    client = house.client("admin")
    done = await client.post(f"{URL}?dry_run=true", content=packed.getvalue(), headers={"Content-Type": ZIP})
    assert done.json()["added"]["devices"] == 1
    bare = await client.post(f"{URL}?dry_run=true", content=book(SHEET))
    assert bare.json()["added"]["devices"] == 1
    for damaged in (b"PK\x03\x04 and no more", book(SHEET)[:-400]):
        answer = await client.post(URL, content=damaged, headers={"Content-Type": XLSX})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


async def test_an_export_is_an_import_that_changes_nothing(house: House) -> None:
    """In each form, with people where they are asked for."""
    client = house.client("admin")
    for form, kind in (("json", "application/json"), ("xlsx", XLSX), ("csv", ZIP)):
        out = await client.get(URL, params={"format": form, "people": "true", "lang": "en"})
        assert (out.status_code, out.headers["content-type"]) == (200, kind)
        back = await client.post(URL, content=out.content, headers={"Content-Type": kind})
        assert back.status_code == 200, back.text
        assert not any({**back.json()["added"], **back.json()["changed"]}.values()), form
        assert back.json()["unchanged"]["people"] == 3


async def test_nobody_reads_out_more_than_they_may_see(house: House) -> None:
    """Each role its places and what stands there; people only for who may read them everywhere."""
    viewer = (await house.client("viewer").get(URL)).json()
    assert {p["id"] for p in viewer["places"]} == {"a-1", "a-1-101"}
    assert {d["place"] for d in viewer["devices"]} == {"a-1-101"}
    assert [g["id"] for g in viewer["grids"]] == ["grid-1"]
    assert "people" not in viewer
    for role in ("viewer", "operator", "grid_staff", "stranger"):
        assert (await house.client(role).get(f"{URL}?people=true")).status_code == 403
    everything = (await house.client("admin").get(URL)).json()
    assert len(everything["places"]) == 6
    assert "people" not in everything
    assert (await house.client("operator").post(URL, content=book(SHEET))).status_code == 403
    assert (await house.client().get(URL)).status_code == 401


async def test_the_template_is_a_workbook_that_brings_nothing(house: House) -> None:
    """In either language: its examples are not read."""
    client = house.client("admin")
    for language, sheet in (("zh-CN", "设备"), ("en", "devices")):
        answer = await client.get(f"{URL}/template.xlsx?lang={language}")
        assert answer.headers["content-type"] == XLSX
        assert sheet in load_workbook(io.BytesIO(answer.content)).sheetnames
        done = await client.post(URL, content=answer.content, headers={"Content-Type": XLSX})
        assert not any(done.json()["added"].values())
    assert (await client.get(f"{URL}/template.xlsx?lang=fr")).status_code == 422


async def test_an_edit_by_a_client_that_knows_no_dates_empties_none(house: House) -> None:
    """Days and ids elsewhere stay as they are unless the edit speaks of them; null takes them away."""
    client = house.client("admin")
    dated = {"id": "a:gas", "place": "a-1-101", "kind": "gas", "installed_on": "2026-01-02",
             "external_ids": {"asset": "7"}}  # fmt: skip
    await client.post(URL, json={"devices": [dated]})
    for body, installed_on in (({}, "2026-01-02"), ({"installed_on": None}, None)):
        tag = (await client.get("/api/v1/devices/a:gas")).headers["etag"]
        row = {"place": "a-1-101", "kind": "gas", "name": f"厨房 {installed_on}", **body}
        answer = await client.put("/api/v1/devices/a:gas", json=row, headers={"If-Match": tag})
        assert answer.status_code == 200, answer.text
        now = (await client.get("/api/v1/devices/a:gas")).json()
        assert (now["name"], now.get("installed_on"), now["external_ids"]) == (
            row["name"],
            installed_on,
            {"asset": "7"},
        )
