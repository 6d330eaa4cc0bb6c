"""The registry: places, devices, grids and people as rows, edited by API, import or command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from sqlalchemy import delete, func, insert, select, update

from gateway.registry.database import Database, Writer
from gateway.registry.documents import DAYS
from gateway.registry.errors import Invalid, NotFound, RowProblem, VersionConflict
from gateway.registry.importing import (
    WHAT,
    Imported,
    apply,
    clear_person,
    exported,
    rows,
    table_rows,
    understood,
)
from gateway.registry.lives import Due, businesses, due, expiry
from gateway.registry.migrate import prepare
from gateway.registry.newcomers import Settled, Wish, settle, sorted_out
from gateway.registry.placing import Placement, fitter
from gateway.registry.reader import RegistryReader, Snapshot
from gateway.registry.tables import (
    Base,
    DeviceRow,
    EditRow,
    GrantRow,
    GridRow,
    PersonRow,
    PlacementRow,
    PlaceRow,
    ReplacementRow,
    RoleRow,
    SessionRow,
    TokenRow,
    UserRow,
)
from gateway.shape import found

PAGE_MAX: Final = 1000
PREDECESSORS_MAX: Final = 16  # a post has seen so many devices in a lifetime
PLACEMENTS_MAX: Final = 200  # each newly heard device is held against all of them


class Edit(msgspec.Struct, frozen=True):
    """One journalled edit. `what` is `device.put`, `person.forget`, ...; `before` and `after` hold no personal data."""

    version: int
    at: int
    who: str
    what: str
    row: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


class _Undo(Exception):
    pass


class Registry:
    """The writing side. Methods block for milliseconds (an import of 50 000 devices for seconds): call in a thread.

    `who` is the id of the user, person or key that edits; `now` UTC ms. `expected` is the version the editor saw: None
    for whatever it is, 0 for "must not exist". All raise RegistryError when the disk refuses.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.database = Database(path)

    @classmethod
    def open(cls, path: Path) -> Registry:
        """Create or upgrade the file, then open it. Raises RegistryNewer, RegistryError."""
        prepare(path)
        return cls(path)

    def close(self) -> None:
        self.database.close()

    # -- reading ----------------------------------------------------------------------------------------------

    def version(self) -> int:
        """The number of the last edit; the plan must be made again when it has moved."""
        with self.database.reading() as connection:
            return int(connection.execute(select(func.max(EditRow.version))).scalar() or 0)

    def snapshot(self) -> Snapshot:
        """Catalogue, people and grids at one version, for the plan."""
        return RegistryReader(self.path).snapshot()

    def get(self, table: str, identity: str) -> tuple[dict[str, Any], int]:
        """One row of grids, places, devices or people as an import writes it, and its version. Raises NotFound."""
        with self.database.reading() as connection:
            version = connection.execute(
                select(_column(table, "version")).where(_column(table, "id") == identity)
            ).scalar()
            if version is None:
                raise NotFound(table, identity)
            found_rows = table_rows(connection, table, identity)
        if not found_rows:  # a person who was forgotten
            raise NotFound(table, identity)
        return found_rows[0], int(version)

    def export(self, *, people: bool) -> dict[str, Any]:
        """The whole registry as a document; an import of it changes nothing. Without `people` no personal data."""
        with self.database.reading() as connection:
            return exported(connection, people=people)

    def edits(
        self, after: int = 0, limit: int = 100, *, what: str | None = None, row: str | None = None
    ) -> list[Edit]:
        """Edits after a version, oldest first, of one kind or row where asked."""
        query = (
            select(
                EditRow.version,
                EditRow.at,
                EditRow.who,
                EditRow.what,
                EditRow.row,
                EditRow.before,
                EditRow.after,
            )
            .where(EditRow.version > after)
            .order_by(EditRow.version)
        )
        if what is not None:
            query = query.where(EditRow.what == what)
        if row is not None:
            query = query.where(EditRow.row == row)
        with self.database.reading() as connection:
            return [
                Edit(*r[:5], _json(r[5]), _json(r[6]))
                for r in connection.execute(query.limit(min(max(limit, 1), PAGE_MAX)))
            ]

    # -- editing ----------------------------------------------------------------------------------------------

    def import_catalogue(self, document: Any, *, who: str, now: int, dry_run: bool = False) -> Imported:
        """Put in what the document holds, leave the rest. Raises Invalid with every wrong cell, and changes nothing."""
        wanted = understood(document)
        done: Imported | None = None
        try:
            with self.database.editing(who, now) as writer:
                done = apply(writer, wanted)
                if dry_run:
                    raise _Undo
        except _Undo:
            assert done is not None
            return msgspec.structs.replace(done, dry_run=True, version=self.version())
        return done

    def put(
        self, table: str, row: Mapping[str, Any], *, who: str, now: int, expected: int | None = None
    ) -> int:
        """Create or replace one row of grids, places, devices or people; gives its version.

        Raises VersionConflict when somebody else was faster, Invalid for what cannot be.
        """
        document = understood({table: [dict(row)]})
        identity = str(row["id"])
        with self.database.editing(who, now) as writer:
            self._expect(writer, table, identity, expected)
            apply(writer, document)
            writer.flush()
            return int(
                writer.connection.execute(
                    select(_column(table, "version")).where(_column(table, "id") == identity)
                ).scalar_one()
            )

    def remove(self, table: str, identity: str, *, who: str, now: int, expected: int | None = None) -> None:
        """Take a device, or an empty place or grid, out of the catalogue. Its history stays. People are forgotten.

        Raises NotFound, VersionConflict, or Invalid naming what still stands in it.
        """
        with self.database.editing(who, now) as writer:
            current = self._expect(writer, table, identity, expected)
            if current is None:
                raise NotFound(table, identity)
            if (used := _used(writer, table, identity)) is not None:
                raise Invalid(
                    [RowProblem(table, 1, "id", "one that nothing refers to", f"{found(identity)}, {used}")]
                )
            before = {k: v for k, v in rows(writer.connection, table)[identity].items() if k != "version"}
            writer.edit(f"{WHAT[table]}.remove", identity, before, None)
            writer.connection.execute(
                delete(Base.metadata.tables[table]).where(_column(table, "id") == identity)
            )

    def replace_device(self, old: str, new: str, *, who: str, now: int, model: str | None = None) -> int:
        """A defective device was changed for another: the new one takes its place and name. Gives its version.

        History stays under the old id and is shown as the new one's (`predecessors`). Of the old one nothing is
        expected any more. Raises NotFound for the old one, Invalid for a new id that is none or is taken.
        """
        with self.database.editing(who, now) as writer:
            known = rows(writer.connection, "devices")
            if old not in known:
                raise NotFound("devices", old)
            if new in known:
                raise Invalid(
                    [RowProblem("devices", 1, "id", "the id of a device not in the catalogue", found(new))]
                )
            before = {k: v for k, v in known[old].items() if k != "version"}
            # Dates belong to the hardware, place and name to the post.
            row = {k: v for k, v in table_rows(writer.connection, "devices", old)[0].items() if k not in DAYS}
            row |= {"id": new, **({"model": model} if model is not None else {})}
            document = understood({"devices": [row]})
            version = writer.edit("device.replaced", old, before, {"by": new})
            writer.connection.execute(delete(DeviceRow).where(DeviceRow.id == old))
            writer.connection.execute(
                insert(ReplacementRow)
                .prefix_with("OR REPLACE")
                .values(old=old, new=new, at=now, version=version)
            )
            # A device that comes back into use is nobody's past.
            writer.connection.execute(delete(ReplacementRow).where(ReplacementRow.old == new))
            return apply(writer, document).version

    def predecessors(self, device: str) -> list[tuple[str, int]]:
        """The devices this one stands for, newest first, each with the UTC ms at which it was changed."""
        found_rows: list[tuple[str, int]] = []
        with self.database.reading() as connection:
            while len(found_rows) < PREDECESSORS_MAX:
                row = connection.execute(
                    select(ReplacementRow.old, ReplacementRow.at).where(ReplacementRow.new == device)
                ).first()
                if row is None or any(row[0] == known for known, _ in found_rows):
                    break
                found_rows.append((row[0], row[1]))
                device = row[0]
        return found_rows

    def retired(self) -> dict[str, int]:
        """Devices that were changed for others or taken out and not put in again, each with the UTC ms of it."""
        gone = EditRow.what.in_(("device.replaced", "device.remove"))
        query = select(EditRow.row, func.max(EditRow.at)).where(gone).group_by(EditRow.row)
        query = query.where(EditRow.row.not_in(select(DeviceRow.id)))
        with self.database.reading() as connection:
            return {row[0]: row[1] for row in connection.execute(query)}

    def ends_on(self, row: Mapping[str, Any]) -> str | None:
        """The day a device's life ends, of its row: as written, or by kind, place and the day it was installed."""
        with self.database.reading() as connection:
            business = str(row["place"]) in businesses(connection)
        return expiry(str(row.get("kind", "")), row.get("installed_on"), row.get("expires_on"), business)

    def due(self, today: str, within_days: int) -> list[Due]:
        """What is due of all devices until so many days after `today` (2026-11-22), earliest first."""
        with self.database.reading() as connection:
            return due(connection, today, within_days)

    # -- newcomers and the rules that place them --------------------------------------------------------------

    def settle(self, wishes: Sequence[Wish], *, who: str, now: int, dry_run: bool = False) -> Settled:
        """Place devices that have no place yet; those that have one stay where they are."""
        if dry_run:
            with self.database.reading() as connection:
                return sorted_out(connection, wishes)
        with self.database.editing(who, now) as writer:
            return settle(writer, wishes)

    def placements(self) -> list[Placement]:
        """The rules that place newly heard devices, in the order they were made."""
        query = select(PlacementRow.pattern, PlacementRow.place, PlacementRow.kind).order_by(
            PlacementRow.version
        )
        with self.database.reading() as connection:
            return [Placement(*row) for row in connection.execute(query)]

    def put_placement(self, rule: Placement, *, who: str, now: int) -> int:
        """Keep a rule, or change the one with its pattern; gives its version. Raises Invalid."""
        fitter(rule)
        with self.database.editing(who, now) as writer:
            same = PlacementRow.pattern == rule.pattern
            old = writer.connection.execute(select(PlacementRow.place, PlacementRow.kind).where(same)).first()
            before = None if old is None else {"place": old[0], "kind": old[1]}
            if old is None and len(self.placements()) >= PLACEMENTS_MAX:
                raise Invalid(
                    [RowProblem("placement_rules", 1, "", f"at most {PLACEMENTS_MAX} rules", "one more")]
                )
            after = {"place": rule.place, "kind": rule.kind}
            version = writer.edit("placement.put", rule.pattern, before, after)
            writer.connection.execute(delete(PlacementRow).where(same))
            writer.connection.execute(
                insert(PlacementRow).values(pattern=rule.pattern, version=version, **after)
            )
            return version

    def remove_placement(self, pattern: str, *, who: str, now: int) -> None:
        """Take a rule away. Raises NotFound."""
        with self.database.editing(who, now) as writer:
            same = PlacementRow.pattern == pattern
            old = writer.connection.execute(select(PlacementRow.place, PlacementRow.kind).where(same)).first()
            if old is None:
                raise NotFound("placement_rules", pattern)
            writer.edit("placement.remove", pattern, {"place": old[0], "kind": old[1]}, None)
            writer.connection.execute(delete(PlacementRow).where(same))

    def forget_person(self, identity: str, *, who: str, now: int) -> None:
        """Delete the person's name, numbers and roles, and close a linked sign-in; the id stays: the journal has it.

        The text is overwritten on disk, not only unlinked. Raises NotFound. Forgetting twice is forgetting once.
        """
        with self.database.editing(who, now) as writer:
            connection = writer.connection
            state = connection.execute(
                select(PersonRow.forgotten_at).where(PersonRow.id == identity)
            ).one_or_none()
            if state is None:
                raise NotFound("people", identity)
            if state[0] is not None:
                return
            version = writer.edit("person.forget", identity, None, None)
            clear_person(connection, identity)
            connection.execute(
                update(PersonRow)
                .where(PersonRow.id == identity)
                .values(name="", staff=False, forgotten_at=now, version=version)
            )
            for user in (
                connection.execute(select(UserRow.id).where(UserRow.person == identity)).scalars().all()
            ):
                version = writer.edit("user.forget", user, None, None)
                connection.execute(
                    update(UserRow)
                    .where(UserRow.id == user)
                    .values(name=f"forgotten-{user}", hash=None, disabled=True, version=version)
                )
                for table in (SessionRow, TokenRow, GrantRow):
                    connection.execute(delete(table).where(table.user == user))
        self.database.forget_freed_pages()

    def _expect(self, writer: Writer, table: str, identity: str, expected: int | None) -> int | None:
        """The row's version, or None; raises VersionConflict unless it is the expected one."""
        current = writer.connection.execute(
            select(_column(table, "version")).where(_column(table, "id") == identity)
        ).scalar()
        if expected is not None and (current or 0) != expected:
            raise VersionConflict(table, identity, current)
        return current


def _used(writer: Writer, table: str, identity: str) -> str | None:
    """What keeps a place or grid from going, in words."""
    if table == "people":
        return "a person; forget them instead"
    uses: list[tuple[Any, str]] = []
    if table == "places":
        uses = [(PlaceRow.parent, "which holds places"), (DeviceRow.place, "which holds devices")]
    elif table == "grids":
        uses = [(GridRow.parent, "which holds grids"), (PlaceRow.grid, "which places belong to")]
    if table in ("places", "grids"):
        uses += [
            (RoleRow.target, "where somebody holds a role"),
            (GrantRow.place, "where somebody holds a grant"),
        ]
    for column, words in uses:
        if writer.connection.execute(select(column).where(column == identity).limit(1)).first() is not None:
            return words
    return None


def _column(table: str, name: str) -> Any:
    return Base.metadata.tables[table].c[name]


def _json(text: str | None) -> Any:
    return None if text is None else msgspec.json.decode(text)
