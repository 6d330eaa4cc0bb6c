"""Puts a catalogue document into the registry: whole or not at all, and twice is as good as once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Table, bindparam, delete, insert, select, update

from gateway.registry.database import Writer
from gateway.registry.documents import (
    LEVELS,
    CatalogueDocument,
    PersonIn,
    device_values,
    grid_values,
    place_values,
)
from gateway.registry.errors import Invalid, RowProblem
from gateway.registry.tables import AddressRow, Base, PersonRow, RoleRow
from gateway.registry.tree import Known, wrong
from gateway.shape import faults, written

PROBLEMS_MAX: Final = 1000  # told at once; somebody with more has the wrong file
WHAT: Final = {"grids": "grid", "places": "place", "devices": "device", "people": "person"}

Rows = dict[str, dict[str, Any]]


class Imported(msgspec.Struct, frozen=True):
    """What an import did, or would do when `dry_run`: rows per table, and the registry's version after it."""

    added: dict[str, int]
    changed: dict[str, int]
    unchanged: dict[str, int]
    version: int
    dry_run: bool = False


def understood(document: Any) -> CatalogueDocument:
    """The plain data as a document. Raises Invalid with every wrong cell."""
    problems = [
        _cell(f.path, f.expected, f.found, f.nearest)
        for f in islice(faults(document, CatalogueDocument), PROBLEMS_MAX)
    ]
    if problems:
        raise Invalid(problems)
    return msgspec.convert(document, CatalogueDocument)


def apply(writer: Writer, document: CatalogueDocument) -> Imported:
    """Write what differs, journalling each row. Raises Invalid, and then nothing must be committed."""
    connection = writer.connection
    before = {table: rows(connection, table) for table in ("grids", "places")}
    before["devices"] = rows(connection, "devices") if document.devices else {}
    after = {
        "grids": {g.id: grid_values(g) for g in document.grids},
        "places": {
            p.id: place_values(p) for p in sorted(document.places, key=lambda p: LEVELS.index(p.level))
        },
        "devices": {d.id: device_values(d) for d in document.devices},
    }
    people = _people(connection) if document.people else {}
    known = Known(
        {**before["grids"], **after["grids"]},
        {**before["places"], **after["places"]},
        [i for i, row in people.items() if row["forgotten_at"] is not None],
    )
    problems = list(islice(wrong(document, known), PROBLEMS_MAX))
    if problems:
        raise Invalid(sorted(problems))
    # A parent may come after its child, and zones stand in zones; all is there when the transaction ends.
    connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
    counts = {table: _write(writer, table, before[table], after[table]) for table in after}
    counts["people"] = _write_people(writer, people, document.people)
    added, changed, unchanged = ({t: c[i] for t, c in counts.items()} for i in range(3))
    return Imported(added, changed, unchanged, writer.version)


def rows(connection: Connection, table: str, identity: str | None = None) -> Rows:
    """Every row of a table by id, as columns; or the one row asked for."""
    query = select(_table(table))
    if identity is not None:
        query = query.where(_table(table).c.id == identity)
    return {row["id"]: dict(row) for row in connection.execute(query).mappings()}


def _write(writer: Writer, table: str, before: Rows, after: Rows) -> tuple[int, int, int]:
    added: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    for identity, values in after.items():
        old = before.get(identity)
        was = None if old is None else {k: v for k, v in old.items() if k != "version"}
        if was == values:
            continue
        version = writer.edit(f"{WHAT[table]}.put", identity, was, values)
        (added if old is None else changed).append({**values, "version": version})
    target = _table(table)
    if added:
        writer.connection.execute(insert(target), added)
    if changed:
        columns: dict[str, Any] = {c: bindparam(f"new_{c}") for c in changed[0] if c != "id"}
        writer.connection.execute(
            update(target).where(target.c.id == bindparam("row_id")).values(columns),
            [
                {"row_id": row["id"], **{f"new_{c}": v for c, v in row.items() if c != "id"}}
                for row in changed
            ],
        )
    return len(added), len(changed), len(after) - len(added) - len(changed)


def _people(connection: Connection, identity: str | None = None) -> Rows:
    """People with their roles (sorted) and addresses (in order)."""
    people = rows(connection, "people", identity)
    for row in people.values():
        row["roles"], row["addresses"] = [], []
    roles = select(RoleRow.person, RoleRow.role, RoleRow.target).order_by(RoleRow.role, RoleRow.target)
    addresses = select(AddressRow.person, AddressRow.channel, AddressRow.address).order_by(
        AddressRow.position
    )
    if identity is not None:
        roles, addresses = (
            roles.where(RoleRow.person == identity),
            addresses.where(AddressRow.person == identity),
        )
    for person, role, target in connection.execute(roles):
        people[person]["roles"].append((role, target))
    for person, channel, address in connection.execute(addresses):
        people[person]["addresses"].append((channel, address))
    return people


def _write_people(writer: Writer, before: Rows, people: Iterable[PersonIn]) -> tuple[int, int, int]:
    added = changed = same = 0
    for person in people:
        old = before.get(person.id)
        values = {
            "name": person.name,
            "language": person.language,
            "staff": person.staff,
            "roles": sorted(set(person.roles)),
            "addresses": list(person.addresses),
        }
        was = None if old is None else {k: old[k] for k in values}
        if was == values:
            same += 1
            continue
        version = writer.edit("person.put", person.id, _public(was, values), _public(values, was))
        _put_person(writer.connection, person.id, values, version, new=old is None)
        added += old is None
        changed += old is not None
    return added, changed, same


def _put_person(
    connection: Connection, identity: str, values: Mapping[str, Any], version: int, *, new: bool
) -> None:
    columns = {k: values[k] for k in ("name", "language", "staff")}
    if new:
        connection.execute(
            insert(PersonRow).values(id=identity, forgotten_at=None, version=version, **columns)
        )
    else:
        connection.execute(
            update(PersonRow).where(PersonRow.id == identity).values(version=version, **columns)
        )
    clear_person(connection, identity)
    if values["roles"]:
        connection.execute(
            insert(RoleRow),
            [{"person": identity, "role": role, "target": target} for role, target in values["roles"]],
        )
    if values["addresses"]:
        connection.execute(
            insert(AddressRow),
            [
                {"person": identity, "position": i, "channel": channel, "address": address}
                for i, (channel, address) in enumerate(values["addresses"])
            ],
        )


def clear_person(connection: Connection, identity: str) -> None:
    """Take away the person's roles and addresses."""
    connection.execute(delete(RoleRow).where(RoleRow.person == identity))
    connection.execute(delete(AddressRow).where(AddressRow.person == identity))


def _public(values: Mapping[str, Any] | None, other: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """What the journal of edits may keep for good: no name, no number, and of residents not where they live."""
    if values is None:
        return None
    shown: dict[str, Any] = {k: values[k] for k in ("language", "staff")}
    if values["staff"] and (other is None or other["staff"]):
        shown["roles"] = values["roles"]
    shown["channels"] = [channel for channel, _ in values["addresses"]]
    shown["changed"] = sorted(k for k in values if other is None or values[k] != other[k])
    return shown


def _cell(path: tuple[Any, ...], expected: str, what: str, nearest: str | None) -> RowProblem:
    """Tables and rows instead of a key path: `("places", 3, "geo", "lat")` is places row 4, geo.lat."""
    if len(path) < 2 or not isinstance(path[1], int):
        return RowProblem(
            str(path[0]) if path else "document",
            0,
            written(path[1:]) if path[1:] else "",
            expected,
            what,
            nearest,
        )
    return RowProblem(
        str(path[0]), path[1] + 1, written(path[2:]) if path[2:] else "", expected, what, nearest
    )


def exported(connection: Connection, *, people: bool) -> dict[str, Any]:
    """The whole registry as a document that `understood` takes; without `people` it holds no personal data."""
    tables = ("grids", "places", "devices", *(("people",) if people else ()))
    return {table: table_rows(connection, table) for table in tables}


def table_rows(connection: Connection, table: str, identity: str | None = None) -> list[dict[str, Any]]:
    """One table, or one row of it, as an import writes it. Forgotten people are not in it."""
    if table == "people":
        return [
            {"id": key, "name": row["name"], "language": row["language"], "staff": row["staff"],
             "roles": [list(r) for r in row["roles"]], "addresses": [list(a) for a in row["addresses"]]}
            for key, row in _people(connection, identity).items() if row["forgotten_at"] is None]  # fmt: skip
    found = rows(connection, table, identity).values()
    if table == "places":
        return list(_places(found))
    return [_devices_row(row) if table == "devices" else _without_nothing(row) for row in found]


def _devices_row(row: dict[str, Any]) -> dict[str, Any]:
    ids = msgspec.json.decode(row["external_ids"])
    return _without_nothing({**row, "external_ids": ids or None})


def _places(all_rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for row in sorted(all_rows, key=lambda r: (LEVELS.index(r["level"]), r["id"])):
        place = {k: v for k, v in row.items() if k not in ("lat", "lon", "datum")}
        place["external_ids"] = msgspec.json.decode(row["external_ids"])
        if row["lat"] is not None:
            place["geo"] = {k: row[k] for k in ("lat", "lon", "datum")}
        yield _without_nothing(place)


def _without_nothing(row: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in row.items() if v is not None and k != "version"}


def _table(name: str) -> Table:
    return Base.metadata.tables[name]
