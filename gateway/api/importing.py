"""The catalogue as a whole: in and out, as JSON, workbook or CSV, and an empty workbook to fill in."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Final, Literal

import msgspec
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from gateway.api import listings
from gateway.api.asking import House, Who, answer, require
from gateway.api.catalogue import invalid, replan
from gateway.api.middleware import limited_body
from gateway.api.parts import Parts
from gateway.api.problems import Problem
from gateway.auth import Action, Scope
from gateway.registry import Invalid
from gateway.registry.sheets import Book, csv_zip, read, workbook

IMPORT_BYTES_MAX: Final = 64 << 20  # 500 000 rows of some 120 bytes

JSON: Final = "application/json"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ZIP: Final = "application/zip"
CSV: Final = "text/csv"
PACKED: Final = b"PK"
"""What a zip begins with, and so a workbook: a client that names no type is understood all the same."""

_BINARY: Final = {"schema": {"type": "string", "format": "binary"}}
_TAKES: Final = {
    JSON: {"schema": {
        "type": "object", "description": "grids, places, devices, people; what it does not mention stays."}},
    XLSX: _BINARY, ZIP: _BINARY, CSV: _BINARY,
}  # fmt: skip

router: Final = APIRouter(tags=["catalogue"])
Language = Annotated[
    Literal["zh-CN", "en"], Query(alias="lang", description="Of headings and words in a workbook or CSV.")
]


@router.post(
    "/catalogue", response_model=listings.Imported,
    openapi_extra={"requestBody": {"required": True, "content": _TAKES}},
)  # fmt: skip
async def import_catalogue(
    who: Who, request: Request, house: House, dry_run: bool = False,
    name: Annotated[
        str, Query(max_length=255, description="Of a lone CSV: devices.csv says which table it is.")
    ] = "",
) -> Response:  # fmt: skip
    """Import a catalogue: all of it or nothing. `dry_run` says what it would do.

    JSON, a workbook, a zip of CSV files or one CSV, by Content-Type. Of sheets, `errors` name the line of the sheet.
    """
    require(house, who, Action.CATALOGUE)
    require(house, who, Action.PEOPLE)
    raw = await limited_body(request, IMPORT_BYTES_MAX)
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    sheets = kind in (XLSX, ZIP, CSV) or raw.startswith(PACKED)
    done = await asyncio.to_thread(_import, house, who.actor, raw, name, sheets, dry_run)
    planned = False if dry_run else await replan(house)
    return answer({**done, "planned": planned})


@router.get(
    "/catalogue",
    response_model=listings.CatalogueDocument,
    responses={200: {"content": {XLSX: _BINARY, ZIP: _BINARY}}},
)
def export_catalogue(
    who: Who, house: House, language: Language = "zh-CN",
    form: Annotated[
        Literal["json", "xlsx", "csv"], Query(alias="format", description="csv is a zip with one file a table.")
    ] = "json",
    people: Annotated[bool, Query(description="With names and numbers: keep the file safe.")] = False,
) -> Response:  # fmt: skip
    """The catalogue as far as you may see it; an import of it changes nothing. People only for who may read them."""
    if people:
        require(house, who, Action.READ_PEOPLE)
    document = _visible(house.registry.export(people=people), house.world.scope(who.grants))
    if form == "json":
        return answer(document)
    made = workbook(document, language) if form == "xlsx" else csv_zip(document, language)
    return _file(made, *((XLSX, "catalogue.xlsx") if form == "xlsx" else (ZIP, "catalogue.zip")))


@router.get(
    "/catalogue/template.xlsx", response_class=Response, responses={200: {"content": {XLSX: _BINARY}}}
)
def template(_who: Who, language: Language = "zh-CN") -> Response:
    """An empty workbook with headings, examples and lists to choose from."""
    return _file(workbook({}, language, template=True), XLSX, "template.xlsx")


def _import(house: Parts, actor: str, raw: bytes, name: str, sheets: bool, dry_run: bool) -> dict[str, Any]:
    book: Book | None = None
    try:
        if sheets:
            places = {str(p["id"]): p for p in house.registry.export(people=False)["places"]}
            book = read(raw, name, places)
        document = book.document if book is not None else msgspec.json.decode(raw)
        done = house.registry.import_catalogue(document, who=actor, now=house.now(), dry_run=dry_run)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem("invalid", f"not JSON: {error}") from error
    except Invalid as error:
        raise invalid(Invalid(book.at_lines(error.problems)) if book is not None else error) from error
    found: dict[str, Any] = msgspec.to_builtins(done)
    return found


def _visible(document: dict[str, Any], scope: Scope) -> dict[str, Any]:
    """The rows that the holder of the scope may see; grids as far as places name them."""
    if scope.everything:
        return document
    places = [row for row in document["places"] if scope.covers(row["id"])]
    grids = {row.get("grid") for row in places}
    return {
        **document,
        "grids": [row for row in document["grids"] if row["id"] in grids],
        "places": places,
        "devices": [row for row in document["devices"] if scope.covers(row["place"])],
    }


def _file(data: bytes, kind: str, name: str) -> Response:
    headers = {"Cache-Control": "no-store", "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(data, 200, headers, kind)
