"""The catalogue as a workbook or as CSV files: in, out, and an empty one to fill in."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from gateway.registry.columns import (
    EXAMPLE,
    PARTS,
    SHEETS,
    Column,
    Sheet,
    cell_of,
    column_named,
    sheet_named,
    value_of,
    words,
)
from gateway.registry.documents import ROWS_MAX
from gateway.registry.errors import Invalid, RowProblem
from gateway.registry.spelt import Spelt
from gateway.shape import nearest

UNPACKED_MAX: Final = 256 << 20  # bytes a workbook or zip may hold unpacked: 500 000 rows of 500
COLUMNS_MAX: Final = 100
_LISTS_MAX: Final = 1000  # rows of a template with drop-down lists
_FORMULA_MAX: Final = (
    255  # characters of a list written into a cell's rule (ECMA-376, formula of a data validation)
)


class Book(msgspec.Struct):
    """What was read: the document, and for each row of it the line it stood in, so that a person finds the cell."""

    document: dict[str, list[dict[str, Any]]]
    lines: dict[str, list[int]]
    problems: list[RowProblem] = []

    def at_lines(self, problems: Iterable[RowProblem]) -> list[RowProblem]:
        """The problems of an import with the lines of the sheet instead of the rows of the document."""
        found = []
        for problem in problems:
            lines = self.lines.get(problem.table, [])
            row = lines[problem.row - 1] if 0 < problem.row <= len(lines) else problem.row
            found.append(msgspec.structs.replace(problem, row=row))
        return found


def read(data: bytes, name: str, places: Mapping[str, Mapping[str, Any]]) -> Book:
    """The document of a workbook (.xlsx), a zip of CSV files, or one CSV file, told apart by their first bytes.

    `name` is the file's, which says of a lone CSV which sheet it is (`devices.csv`, `设备.csv`). `places` are the
    registry's rows, for devices that spell their place out. Raises Invalid for anything else.
    """
    tables = list(_tables(data, name))
    book = Book({}, {})
    spelt = Spelt({**places, **_own_places(tables)})
    for sheet, rows in sorted(tables, key=lambda pair: SHEETS.index(pair[0])):
        _sheet(book, sheet, rows, spelt)
    if spelt.made:
        made = book.document.setdefault("places", [])
        lines = book.lines.setdefault("places", [])
        made.extend(spelt.made.values())
        lines.extend(0 for _ in spelt.made)
    if book.problems:
        raise Invalid(sorted(book.problems))
    return book


def workbook(
    document: Mapping[str, Sequence[Mapping[str, Any]]], language: str, *, template: bool = False
) -> bytes:
    """The document as .xlsx; a template also has a line of examples, notes and lists to choose from."""
    from openpyxl import Workbook
    from openpyxl.comments import Comment
    from openpyxl.styles import Font
    from openpyxl.worksheet.datavalidation import DataValidation

    book = Workbook()
    del book[book.sheetnames[0]]
    for sheet in SHEETS:
        page = book.create_sheet(sheet.zh if language == "zh-CN" else sheet.en)
        columns, externals = _columns(sheet, document, template)
        page.append(
            [c.zh if language == "zh-CN" else c.en for c in columns] + [f"ext:{e}" for e in externals]
        )
        for index, column in enumerate(columns, 1):
            cell = page.cell(1, index)
            cell.font = Font(bold=True)
            if template and (note := column.note_zh if language == "zh-CN" else column.note_en):
                cell.comment = Comment(note, "csg")
            if template and column.key in ("level", "kind"):
                choices = list(
                    dict.fromkeys(cell_of(column, v, language) for v in words(column.key).values())
                )
                formula = f'"{",".join(choices)}"'
                if len(formula) <= _FORMULA_MAX:
                    listed = DataValidation("list", formula1=formula, allow_blank=True)
                    page.add_data_validation(listed)
                    letter = page.cell(1, index).column_letter
                    listed.add(f"{letter}2:{letter}{_LISTS_MAX}")
        if template:
            page.append(_EXAMPLES[sheet.table][language])
        for row in _rows(sheet, columns, externals, document, language):
            page.append(row)
        page.freeze_panes = "A2"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def csv_zip(document: Mapping[str, Sequence[Mapping[str, Any]]], language: str) -> bytes:
    """The document as a zip of CSV files with a byte order mark, which spreadsheets need to read Chinese."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for sheet in SHEETS:
            columns, externals = _columns(sheet, document, False)
            text = io.StringIO()
            writer = csv.writer(text)
            writer.writerow(
                [c.zh if language == "zh-CN" else c.en for c in columns] + [f"ext:{e}" for e in externals]
            )
            writer.writerows(_rows(sheet, columns, externals, document, language))
            packed.writestr(f"{sheet.table}.csv", text.getvalue().encode("utf-8-sig"))
    return out.getvalue()


# -- reading --------------------------------------------------------------------------------------------------------

KINDS_SAID: Final = ("烟感", "温感", "燃气", "手报", "消火栓", "门禁")
"""Some words for kinds that a refusal gives for examples; the template lists all."""

_Table = tuple[Sheet, list[list[Any]]]


def _tables(data: bytes, name: str) -> Iterator[_Table]:
    if not data.startswith(b"PK"):
        rows = _csv_rows(data)
        yield _headed(rows) or _named(name.rpartition("/")[2].rpartition(".")[0]), rows
        return
    try:
        packed = zipfile.ZipFile(io.BytesIO(data))
    except zipfile.BadZipFile as error:
        raise _unreadable("a workbook or a zip of CSV files", str(error)) from error
    with packed:
        if sum(entry.file_size for entry in packed.infolist()) > UNPACKED_MAX:
            raise _unreadable(f"at most {UNPACKED_MAX >> 20} MiB unpacked", "more")
        if "[Content_Types].xml" in packed.namelist():
            yield from _book_rows(data)
            return
        found = [n for n in packed.namelist() if n.lower().endswith(".csv") and not n.startswith("__MACOSX")]
        if not found:
            raise _unreadable("a zip with .csv files", "none")
        for entry in found:
            yield _named(entry.rpartition("/")[2].rpartition(".")[0]), _csv_rows(packed.read(entry))


def _headed(rows: list[list[Any]]) -> Sheet | None:
    """The one sheet that has all the columns of a CSV, whatever its file is called; None where that is not one."""
    headings = [h for h in _headings(rows)[0] if h.strip()]
    fitting = [s for s in SHEETS if headings and all(column_named(s, h) for h in headings)]
    return fitting[0] if len(fitting) == 1 else None


def _book_rows(data: bytes) -> Iterator[_Table]:
    from openpyxl import load_workbook

    try:
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        pages = [(page.title, page) for page in book.worksheets]
        known = [(sheet, page) for title, page in pages if (sheet := sheet_named(title)) is not None]
        if not known:
            _named(pages[0][0] if pages else "")
        for sheet, page in known:
            page.reset_dimensions()
            rows = [list(row[:COLUMNS_MAX]) for row in page.iter_rows(max_row=ROWS_MAX + 2, values_only=True)]
            yield sheet, rows
    except (KeyError, ValueError, TypeError, OSError, zipfile.BadZipFile, SyntaxError) as error:
        # What openpyxl raises for a damaged file is not documented; its XML errors are SyntaxErrors.
        raise _unreadable("a workbook that can be read", f"{type(error).__name__}: {error}"[:200]) from error


def _csv_rows(data: bytes) -> list[list[Any]]:
    """Rows of a CSV in UTF-8 or GB 18030, with the separator its first line has most of."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = data.decode("gb18030")
        except UnicodeDecodeError as error:
            raise _unreadable("text in UTF-8 or GB 18030", str(error)) from error
    first = text.partition("\n")[0]
    separator = max(",;\t，", key=first.count)
    try:
        return [
            list(row[:COLUMNS_MAX]) for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        ]
    except csv.Error as error:
        raise _unreadable("lines of comma-separated values", str(error)) from error


def _sheet(book: Book, sheet: Sheet, rows: list[list[Any]], spelt: Spelt) -> None:
    headings, start = _headings(rows)
    keys = _keys(book, sheet, headings)
    columns = {c.key: c for c in sheet.columns}
    out, lines = book.document.setdefault(sheet.table, []), book.lines.setdefault(sheet.table, [])
    for number, cells in enumerate(rows[start:], start + 1):
        if not any(str(c).strip() for c in cells if c is not None) or _is_example(cells):
            continue
        row: dict[str, Any] = {}
        for key, cell in zip(keys, cells, strict=False):
            if key is not None and (value := value_of(columns.get(key, _TEXT), cell)) is not None:
                row[key] = value
        out.append(_shaped(book, sheet, row, number, spelt))
        lines.append(number)


def _shaped(book: Book, sheet: Sheet, row: dict[str, Any], number: int, spelt: Spelt) -> dict[str, Any]:
    """A row as a document holds it: ids elsewhere and coordinates together, a place that is spelt out found."""
    external = {key[4:]: str(row.pop(key)) for key in [k for k in row if k.startswith("ext:")]}
    if external:
        row["external_ids"] = external
    geo = {key: row.pop(key) for key in ("lat", "lon", "datum") if key in row}
    if geo and sheet.table == "places":
        row["geo"] = geo
    if sheet.table == "devices":
        kind = row.get("kind")
        if kind is not None and not kind.isascii():  # a word for a kind of somebody's own is written in ASCII
            known = words("kind")
            wanted = f"a kind of device ({', '.join(KINDS_SAID)}, ...)"
            book.problems.append(RowProblem("devices", number, "kind", wanted, kind, nearest(kind, known)))
        parts: dict[str, str] = {level: str(row.pop(level)) for level in PARTS if level in row}
        if "place" not in row and parts:
            place = spelt.place(parts)
            if place is not None:
                row["place"] = place
            else:
                wanted = "the site, as there is not exactly one"
                book.problems.append(RowProblem("devices", number, "site", wanted, "nothing"))
    return row


def _headings(rows: list[list[Any]]) -> tuple[list[str], int]:
    """The first line that holds anything, and the index of the line behind it."""
    for index, row in enumerate(rows):
        if any(str(c).strip() for c in row if c is not None):
            return ["" if c is None else str(c) for c in row], index + 1
    return [], 0


def _keys(book: Book, sheet: Sheet, headings: list[str]) -> list[str | None]:
    keys: list[str | None] = []
    for index, heading in enumerate(headings):
        key = column_named(sheet, heading) if heading.strip() else None
        if heading.strip() and (key is None or key in keys):
            known = [c.zh for c in sheet.columns] + [c.en for c in sheet.columns]
            wanted = (
                "each column once"
                if key
                else f"a column of {sheet.zh} ({', '.join(known[: len(known) // 2])})"
            )
            near = None if key else nearest(heading.strip(), known)
            book.problems.append(RowProblem(sheet.table, 1, f"{index + 1}", wanted, heading.strip(), near))
            key = None
        keys.append(key)
    return keys


def _own_places(tables: list[_Table]) -> dict[str, dict[str, Any]]:
    """The places the book itself brings, so that devices may spell those out too."""
    book, nobody = Book({}, {}), Spelt({})
    for sheet, rows in tables:
        if sheet.table == "places":
            _sheet(book, sheet, rows, nobody)
    return {str(p["id"]): p for p in book.document.get("places", []) if {"id", "level", "name"} <= p.keys()}


def _is_example(cells: list[Any]) -> bool:
    return bool(cells) and str(cells[0] or "").strip().lower().startswith(EXAMPLE)


def _named(title: str) -> Sheet:
    sheet = sheet_named(title)
    if sheet is None:
        known = [s.zh for s in SHEETS] + [s.table for s in SHEETS]
        wanted = f"a sheet or file named one of {', '.join(known)}"
        near = nearest(title, known) if title else None
        raise Invalid([RowProblem("document", 0, "", wanted, title or "none", near)])
    return sheet


def _unreadable(expected: str, what: str) -> Invalid:
    return Invalid([RowProblem("document", 0, "", expected, what)])


_TEXT: Final = Column("", "", "")

# -- writing --------------------------------------------------------------------------------------------------------


def _columns(
    sheet: Sheet, document: Mapping[str, Sequence[Mapping[str, Any]]], template: bool
) -> tuple[list[Column], list[str]]:
    """The columns to write: devices name their place by id, but a template shows how to spell it out."""
    externals = sorted({e for row in document.get(sheet.table, ()) for e in row.get("external_ids", ())})
    spelt = PARTS if sheet.table == "devices" and not template else ()
    return [c for c in sheet.columns if c.key not in spelt], externals


def _rows(
    sheet: Sheet, columns: list[Column], externals: list[str],
    document: Mapping[str, Sequence[Mapping[str, Any]]], language: str,
) -> Iterator[list[Any]]:  # fmt: skip
    for row in document.get(sheet.table, ()):
        flat = {**row, **row.get("geo", {})}
        ids = row.get("external_ids", {})
        yield [cell_of(c, flat.get(c.key), language) for c in columns] + [
            cell_of(_TEXT, ids.get(e), language) for e in externals
        ]


_EXAMPLES: Final[dict[str, dict[str, list[Any]]]] = {
    "grids": {"zh-CN": ["示例 g1", "第一网格", "c1"], "en": ["example g1", "First grid", "c1"]},
    "places": {
        "zh-CN": ["示例 sunshine-b3", "楼栋", "3号楼", "sunshine", "g1", None, None, None, "否", "否"],
        "en": ["example sunshine-b3", "building", "Building 3", "sunshine", "g1", None, None, None, "no", "no"],
    },
    "devices": {
        "zh-CN": ["示例 local:kitchen-1", None, "阳光花园", "3号楼", "1单元", "5层", "502", "厨房",
                  "独立式感烟火灾探测报警器", "厨房烟感", "SD1", 86400, "否", "2026-11-22"],
        "en": ["example local:kitchen-1", None, "Sunshine", "3", "1", "5", "502", "kitchen", "smoke",
               "Kitchen smoke alarm", "SD1", 86400, "no", "2026-11-22"],
    },
    "people": {
        "zh-CN": ["示例 p1", "张三", "zh-CN", "是", "grid_staff@g1; duty_operator@sunshine", "wecom=..."],
        "en": ["example p1", "Zhang San", "zh-CN", "yes", "grid_staff@g1; duty_operator@sunshine", "wecom=..."],
    },
}  # fmt: skip
