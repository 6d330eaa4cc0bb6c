"""What is wrong with a sheet is said in Chinese too."""

from __future__ import annotations

import re
from typing import Any

import pytest

from gateway.registry import Invalid
from gateway.registry.documents import CatalogueDocument
from gateway.registry.errors import RowProblem
from gateway.registry.importing import understood
from gateway.registry.placing import Placement, fitter
from gateway.registry.saying import expected, found
from gateway.registry.sheets import read
from gateway.registry.tree import Known, wrong

ENGLISH = re.compile(r"\b(an?|the|of|with|that|which|characters|each|none|nothing|row)\b")


def problems(document: dict[str, Any]) -> list[RowProblem]:
    """All that is wrong with a document by itself."""
    try:
        made: CatalogueDocument = understood(document)
    except Invalid as error:
        return list(error.problems)
    rows = {t: {r.id: {"id": r.id, "level": str(getattr(r, "level", "")), "parent": getattr(r, "parent", None)}
                for r in getattr(made, t)} for t in ("grids", "places")}  # fmt: skip
    return list(wrong(made, Known(rows["grids"], rows["places"], ["gone"])))


SITE = {"id": "s", "level": "site", "name": "S"}
FLOOR = {"id": "f", "level": "floor", "name": "F", "parent": "s"}
WRONG: list[dict[str, Any]] = [
    {"devices": [{"id": "kitchen", "place": "s"}]},
    {"devices": [{"id": "a:b"}]},
    {"devices": [{"id": "a:b", "place": " s"}]},
    {"devices": [{"id": "a:b", "place": "s", "name": "x" * 300}]},
    {"devices": [{"id": "a:b", "place": "s", "mains": "perhaps"}]},
    {"devices": [{"id": "a:b", "place": "s", "report_period_s": "often"}]},
    {"devices": [{"id": "a:b", "place": "s", "report_period_s": 0}]},
    {"devices": [{"id": "a:b", "place": "s", "installed_on": "last year"}]},
    {"places": [{**SITE, "geo": {"lat": 100, "lon": 0}}]},
    {"places": [SITE], "devices": [{"id": "a:b", "place": "s", "installed_on": "2026-02-30"}]},
    {"devices": [{"id": "a:b", "place": "s", "colour": "red"}]},
    {"devices": [{"id": "a:b", "place": "s"}]},
    {"places": [{**SITE, "level": "moon"}]},
    {"places": [{**SITE, "name": ""}]},
    {"places": [SITE, SITE]},
    {"places": [{**SITE, "parent": "s"}]},
    {"places": [{**FLOOR, "parent": None}]},
    {"places": [SITE, FLOOR, {**FLOOR, "id": "b", "level": "building", "parent": "f"}]},
    {"places": [{**FLOOR, "level": "zone", "parent": "f"}]},
    {"places": [{**SITE, "grid": "g"}]},
    {"places": [SITE], "grids": [{"id": "s", "name": "G"}]},
    {"grids": [{"id": "g", "name": "G", "parent": "g"}]},
    {"people": [{"id": "gone", "name": "P"}]},
    {"people": [{"id": "p", "name": "P", "roles": [["captain", "s"]]}]},
    {"people": [{"id": "p", "name": "P", "language": "fr"}]},
]


@pytest.mark.parametrize("document", WRONG, ids=str)
def test_every_mistake_of_a_sheet_has_chinese_words(document: dict[str, Any]) -> None:
    """No English sentence is left in what a property manager reads; the English one stays as it is."""
    told = problems(document)
    assert told
    for problem in told:
        for said, english in ((expected(problem), problem.expected), (found(problem), problem.found)):
            assert said["en"] == english
            assert not ENGLISH.search(said["zh-CN"].replace(repr(problem.found), "")), said


@pytest.mark.parametrize(
    "data",
    [
        b"PK\x03\x04",
        b"\xff\xff\xfe,\x00",
        "设备编号,楼栋\na:b,1\n".encode(),
        "设备编号,颜色\na:b,红\n".encode(),
        "设备编号,位置编号,类型\na:b,s,烟雾\n".encode(),
    ],
)
def test_a_file_that_cannot_be_read_says_so_in_chinese(data: bytes) -> None:
    """Damaged files, unknown columns, a site that cannot be told."""
    with pytest.raises(Invalid) as refused:
        read(data, "devices.csv", {})
    for problem in refused.value.problems:
        assert not ENGLISH.search(expected(problem)["zh-CN"]), problem


@pytest.mark.parametrize("pattern", ["", "no gap", "{x}{y}", "{x}-{x}", "{A}", "{x}"])
def test_a_pattern_that_cannot_be_says_why_in_chinese(pattern: str) -> None:
    """Each reason there is."""
    with pytest.raises(Invalid) as refused:
        fitter(Placement(pattern, "s-{z}"))
    (problem,) = refused.value.problems
    assert not ENGLISH.search(expected(problem)["zh-CN"]), problem
