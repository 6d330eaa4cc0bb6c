"""The catalogue as people fill it in: sheets and columns with headings in both languages, and what a cell says."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

import msgspec

from devices.catalogue import Level
from gateway import text
from gateway.registry.documents import DAYS


class Column(msgspec.Struct, frozen=True):
    """One column: its key in a document, its headings, what its cells hold (text number yes day list words)."""

    key: str
    zh: str
    en: str
    holds: str = "text"
    note_zh: str = ""
    note_en: str = ""


class Sheet(msgspec.Struct, frozen=True):
    """One table of the document as a sheet."""

    table: str
    zh: str
    en: str
    columns: tuple[Column, ...]


PARTS: Final = ("site", "building", "unit", "floor", "household", "zone")
"""Levels a device's row may spell out instead of a place's id: see `gateway.registry.spelt`."""

SHEETS: Final = (
    Sheet("grids", "网格", "grids", (
        Column("id", "编号", "id"), Column("name", "名称", "name"), Column("parent", "上级编号", "parent"),
    )),
    Sheet("places", "位置", "places", (
        Column("id", "编号", "id"), Column("level", "级别", "level", "words"), Column("name", "名称", "name"),
        Column("parent", "上级编号", "parent"), Column("grid", "网格编号", "grid"),
        Column("lat", "纬度", "lat", "number"), Column("lon", "经度", "lon", "number"),
        Column("datum", "坐标系", "datum", "text", "WGS-84、GCJ-02 或 CGCS2000", "WGS-84, GCJ-02 or CGCS2000"),
        Column("escape_route", "疏散通道", "escape route", "yes", "是或否", "yes or no"),
        Column(
            "needs_help", "需协助疏散", "needs help", "yes", "只填是或否，不写是谁", "yes or no; never who or why",
        ),
        Column(
            "business", "经营场所", "business", "yes", "是或否；餐饮等商用，下级位置同此",
            "yes or no; a restaurant, a shop; with all places below it",
        ),
    )),
    Sheet("devices", "设备", "devices", (
        Column("id", "设备编号", "id", "text", "数据来源:设备自报的名称", "source:the name the device gives itself"),
        Column("place", "位置编号", "place", "text", "填写后其余位置列可不填", "then the next six may stay empty"),
        Column("site", "小区", "site"), Column("building", "楼栋", "building"), Column("unit", "单元", "unit"),
        Column("floor", "楼层", "floor"), Column("household", "户室", "household"), Column("zone", "区域", "zone"),
        Column("kind", "类型", "kind", "words"), Column("name", "名称", "name"), Column("model", "型号", "model"),
        Column("report_period_s", "上报周期（秒）", "report period (s)", "number"),
        Column("mains", "市电供电", "mains", "yes", "是或否", "yes or no"),
        Column("via", "经由设备编号", "via", "text", "经哪台网关上报", "the gateway it speaks through"),
        Column("installed_on", "安装日期", "installed on", "day"),
        Column("expires_on", "到期日期", "expires on", "day"),
        Column("calibration_due", "下次标定日期", "calibration due", "day"),
        Column("test_due", "下次测试日期", "test due", "day"),
    )),
    Sheet("people", "人员", "people", (
        Column("id", "编号", "id"), Column("name", "姓名", "name"), Column("language", "语言", "language"),
        Column("staff", "工作人员", "staff", "yes"),
        Column("roles", "职责", "roles", "list", "职责@位置或网格编号，分号隔开", "role@place or grid; role@..."),
        Column("addresses", "联系方式", "addresses", "list", "渠道=地址，分号隔开", "channel=address; ..."),
    )),
)  # fmt: skip

EXTERNAL: Final = ("ext:", "外部编号:")
"""A heading that begins so names an id elsewhere: `ext:house_code`."""

EXAMPLE: Final = ("示例", "example")
"""A row whose first cell begins with one of these is an example and not read."""

SEPARATORS: Final = {"roles": "@", "addresses": "="}

_SPOKEN: Final = {
    "烟感": "smoke", "感烟": "smoke", "烟感探测器": "smoke", "独立式烟感": "smoke", "烟雾报警器": "smoke",
    "温感": "heat", "感温": "heat", "燃气": "gas", "气感": "gas", "可燃气体": "gas", "燃气报警器": "gas",
    "手报": "call_point", "手动报警按钮": "call_point", "一键报警": "sos", "求助按钮": "sos", "水压": "pressure",
    "消防栓": "hydrant", "主机": "panel", "用传": "transmission", "漏水": "water_leak", "摄像头": "camera",
    "监控": "camera", "声光报警器": "siren", "感烟探测器": "smoke", "烟雾探测器": "smoke", "烟感报警器": "smoke",
    "感温探测器": "heat", "燃气探测器": "gas", "煤气报警器": "gas", "一氧化碳": "co", "紧急按钮": "sos",
    "消防主机": "panel", "水浸": "water_leak", "切断阀": "valve", "电磁阀": "valve",
}  # fmt: skip
"""Kinds as people in estates call them."""

_YES: Final = {"是", "有", "yes", "y", "true", "1", "√", "✓", "x"}
_NO: Final = {"否", "无", "no", "n", "false", "0", "", "×", "-"}


def sheet_named(name: str) -> Sheet | None:
    """The sheet of this title, in either language."""
    wanted = name.strip().lower()
    return next((s for s in SHEETS if wanted in (s.zh, s.en, s.table)), None)


def column_named(sheet: Sheet, heading: str) -> str | None:
    """The key of a column by its heading in either language, `ext:<name>` for an id elsewhere; None for neither."""
    wanted = heading.strip()
    for prefix in EXTERNAL:
        bare = wanted.replace("：", ":")
        if (
            bare.lower().startswith(prefix)
            and len(bare) > len(prefix)
            and sheet.table in ("places", "devices")
        ):
            return f"ext:{bare[len(prefix) :].strip()}"
    wanted = wanted.lower()
    return next((c.key for c in sheet.columns if wanted in (c.zh.lower(), c.en, c.key)), None)


def words(key: str) -> Mapping[str, str]:
    """What may stand in a column of words, and what it means: words of both languages and the plain value."""
    table = "level" if key == "level" else "kind"
    values = list(Level) if key == "level" else list(text.group("en", "kind"))
    found = {str(value): str(value) for value in values}
    for language in text.LANGUAGES:
        for value, word in text.group(language, table).items():
            if value in found.values():
                found.setdefault(word.strip().lower(), value)
    return {**_SPOKEN, **found} if table == "kind" else found


def value_of(column: Column, cell: Any) -> Any:
    """What a cell says, as a document holds it; None for an empty one. What it cannot read it gives back as text."""
    if isinstance(cell, str):
        cell = cell.strip().removeprefix("'")
    if cell is None or cell == "":
        return None
    match column.holds:
        case "yes":
            said = str(cell).strip().lower()
            return True if said in _YES else False if said in _NO else cell
        case "number":
            return _number(cell)
        case "day":
            return cell.date().isoformat() if isinstance(cell, datetime) else _day(cell)
        case "list":
            mark = SEPARATORS[column.key]
            return [_pair(one, mark) for one in _plain(cell).replace("；", ";").split(";") if one.strip()]
        case "words":
            return words(column.key).get(_plain(cell).lower(), _plain(cell))
        case _:
            return _plain(cell)


def cell_of(column: Column, value: Any, language: str) -> Any:
    """A document's value as a cell, safe against being taken for a formula."""
    if value is None:
        return None
    if column.holds == "yes":
        return ("是" if value else "否") if language == "zh-CN" else ("yes" if value else "no")
    if column.holds == "list":
        return safe("; ".join(SEPARATORS[column.key].join(pair) for pair in value))
    if column.holds == "words":
        table = "level" if column.key == "level" else "kind"
        return safe(text.group(language, table).get(value, value))
    return value if isinstance(value, int | float) and not isinstance(value, bool) else safe(str(value))


def safe(cell: str) -> str:
    """The text with a quote before it where a spreadsheet would run it as a formula; reading takes the quote away."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r", "'") else cell


def _plain(cell: Any) -> str:
    """Text as people see it: a spreadsheet keeps 502 as 502.0."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    return str(cell).strip()


def _number(cell: Any) -> Any:
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return int(cell) if float(cell).is_integer() else cell
    try:
        number = float(str(cell))
    except ValueError:
        return cell
    return int(number) if number.is_integer() else number


def _day(cell: Any) -> str:
    """2026-11-22, also where somebody wrote 2026/11/22 or 2026年11月22日; anything else stays as it is."""
    if isinstance(cell, date):
        return cell.isoformat()
    said = str(cell).strip()
    parts = (
        said.replace("年", "-")
        .replace("月", "-")
        .replace("日", "")
        .replace("/", "-")
        .replace(".", "-")
        .split("-")
    )
    if len(parts) == 3 and all(p.strip().isdigit() for p in parts) and len(parts[0].strip()) == 4:
        year, month, day = (int(p) for p in parts)
        return f"{year:04}-{month:02}-{day:02}"
    return said


def _pair(one: str, mark: str) -> list[str]:
    left, _, right = one.strip().replace("＠", "@").replace("＝", "=").partition(mark)
    return [left.strip(), right.strip()]


assert all(c.key in DAYS for s in SHEETS for c in s.columns if c.holds == "day")
