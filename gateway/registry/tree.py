"""What makes a catalogue hang together: parents that exist and stand higher, ids that mean one thing, no rings."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final

from gateway.registry.documents import DAYS, LEVELS, CatalogueDocument, DeviceIn
from gateway.registry.errors import RowProblem
from gateway.roles import ROLES
from gateway.shape import found, nearest, one_of

DEPTH_MAX: Final = 15  # of either tree, as far as `Catalogue.path` and the core look

Rows = Mapping[str, Mapping[str, Any]]


class Known:
    """The ids and rows that exist or will exist once the document is in: tables of columns by id."""

    def __init__(self, grids: Rows, places: Rows, forgotten: Collection[str] = ()) -> None:
        self.grids, self.places, self.forgotten = grids, places, frozenset(forgotten)


def wrong(document: CatalogueDocument, known: Known) -> Iterator[RowProblem]:
    """Every row of the document that cannot be, given all that is known. `known` already holds the document's rows."""
    yield from _twice("grids", document.grids)
    yield from _twice("places", document.places)
    yield from _twice("devices", document.devices)
    yield from _twice("people", document.people)
    for n, grid in enumerate(document.grids, 1):
        if grid.id in known.places:
            yield RowProblem("grids", n, "id", "an id that is no place's", found(grid.id))
        if grid.parent is not None and grid.parent not in known.grids:
            yield _missing("grids", n, "parent", "the id of a grid", grid.parent, known.grids)
        elif _ring(grid.id, known.grids):
            yield RowProblem(
                "grids", n, "parent", f"a parent above it, at most {DEPTH_MAX} deep", "a ring or more"
            )
    own = {place.id for place in document.places}
    children: dict[str, list[str]] = {}
    for identity, row in known.places.items():
        if identity not in own and row["parent"] in own:
            children.setdefault(row["parent"], []).append(identity)
    for n, place in enumerate(document.places, 1):
        if place.grid is not None and place.grid not in known.grids:
            yield _missing("places", n, "grid", "the id of a grid", place.grid, known.grids)
        yield from _place(n, known.places[place.id], known.places)
        for child in children.get(place.id, ()):
            if not _above(str(place.level), known.places[child]["level"]):
                yield RowProblem(
                    "places",
                    n,
                    "level",
                    f"a level above {known.places[child]['level']}, the level of {found(child)} in it",
                    str(place.level),
                )
    for n, device in enumerate(document.devices, 1):
        yield from _device(n, device, known.places)
    for n, person in enumerate(document.people, 1):
        if person.id in known.forgotten:
            yield RowProblem("people", n, "id", "an id whose person was not forgotten", found(person.id))
        yield from roles_wrong(n, person.roles, known)


def roles_wrong(n: int, roles: Sequence[tuple[str, str]], known: Known) -> Iterator[RowProblem]:
    """Roles that nobody can hold, or on nothing."""
    for i, (role, target) in enumerate(roles):
        if role not in ROLES:
            yield RowProblem("people", n, f"roles[{i}][0]", one_of(ROLES), found(role), nearest(role, ROLES))
        if target not in known.places and target not in known.grids:
            yield _missing(
                "people",
                n,
                f"roles[{i}][1]",
                "the id of a place or grid",
                target,
                [*known.places, *known.grids],
            )


def _place(n: int, row: Mapping[str, Any], places: Rows) -> Iterator[RowProblem]:
    level, parent = row["level"], row["parent"]
    if level == LEVELS[0]:
        if parent is not None:
            yield RowProblem("places", n, "parent", "nothing: a site stands at the top", found(parent))
        return
    if parent is None:
        yield RowProblem("places", n, "parent", f"the id of a place above a {level}", "nothing")
    elif parent not in places:
        yield _missing("places", n, "parent", "the id of a place", parent, places)
    elif not _above(places[parent]["level"], level):
        higher = one_of(LEVELS[: LEVELS.index(level) + (level == LEVELS[-1])])
        yield RowProblem(
            "places",
            n,
            "parent",
            f"a parent of a higher level ({higher})",
            f"{found(parent)}, a {places[parent]['level']}",
        )
    elif places[parent]["level"] == level and _ring(row["id"], places):  # only zones stand in their own level
        yield RowProblem(
            "places", n, "parent", f"a parent above it, at most {DEPTH_MAX} deep", "a ring or more"
        )


def _device(n: int, device: DeviceIn, places: Rows) -> Iterator[RowProblem]:
    if device.place not in places:
        yield _missing("devices", n, "place", "the id of a place", device.place, places)
    for column in DAYS:
        if (day := getattr(device, column)) is not None and not _is_day(day):
            yield RowProblem("devices", n, column, "a day of the calendar", found(day))


def _above(parent: str, child: str) -> bool:
    """Whether a place of one level may hold one of the other; a zone may hold zones (a garage and its bays)."""
    a, b = LEVELS.index(parent), LEVELS.index(child)
    return a < b or a == b == len(LEVELS) - 1


def _ring(identity: str, rows: Rows) -> bool:
    """Whether the way up does not end within DEPTH_MAX."""
    node: str | None = identity
    for _ in range(DEPTH_MAX + 1):
        row = rows.get(node) if node is not None else None
        if row is None:
            return False
        node = row["parent"]
    return node is not None


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _twice(table: str, rows: Sequence[Any]) -> Iterator[RowProblem]:
    first: dict[str, int] = {}
    for n, row in enumerate(rows, 1):
        if row.id in first:
            yield RowProblem(
                table, n, "id", "each id once", f"{found(row.id)} again (first in row {first[row.id]})"
            )
        first.setdefault(row.id, n)


def _missing(table: str, n: int, column: str, expected: str, what: str, known: Collection[str]) -> RowProblem:
    # Looking for the nearest of 50 000 ids takes a second; people with so many import from a program.
    near = nearest(what, known) if len(known) <= 2000 else None
    return RowProblem(table, n, column, expected, found(what), near)
