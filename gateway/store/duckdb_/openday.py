"""One open day: a DuckDB file that is appended to, attached to the store's DuckDB under a name of its own."""

# ruff: noqa: S608  only our own names, whole numbers and quoted paths are put into SQL; values are parameters
from __future__ import annotations

from array import array
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import duckdb
import numpy as np

from devices.reading import source_of, split_point
from gateway.errors import OperatorFault
from gateway.series import Kind, SiteOf
from gateway.store.duckdb_.columns import NO_TIME
from gateway.store.duckdb_.files import Claim, open_path, quoted

FORMAT: Final = 1

# No key and no index: an ART index costs more than the append itself, and claims make it needless. `number` is NULL for
# text, for no reading and, with kind 3, for what is not a number (DuckDB takes a NaN in as NULL). Device, metric and
# channel follow from the point and cost nothing until asked.
_TABLES: Final = """
CREATE TABLE {0}.claim ("after" BIGINT, "to" BIGINT, format INTEGER);
INSERT INTO {0}.claim VALUES ({1}, {1}, {2});
CREATE TABLE {0}.points (
    id INTEGER, point VARCHAR, site VARCHAR, source VARCHAR,
    device VARCHAR AS (regexp_replace(point, '/[^/]*/[^/]*$', '')),
    metric VARCHAR AS (split_part(point, '/', -2)), channel VARCHAR AS (split_part(point, '/', -1)));
CREATE TABLE {0}.readings (
    point INTEGER, seq BIGINT, n INTEGER, "at" BIGINT, kind UTINYINT, number DOUBLE, text VARCHAR, measured_at BIGINT,
    flags INTEGER);
"""


class StoreNewer(OperatorFault):
    """A later release wrote this file; nothing was touched."""

    def __init__(self, path: Path, found: int) -> None:
        super().__init__(f"{path} has format {found}; this release reads up to {FORMAT}")
        self.path = path


class OpenDay:
    """The readings of `day` behind `after`, up to `to`; `ids` numbers its points.

    `sealed`: nothing is written any more and closing may begin. `frozen`: attached for reading only.
    """

    def __init__(self, path: Path, day: int, after: int, to: int, ids: dict[str, int]) -> None:
        self.path = path
        self.day = day
        self.after = after
        self.to = to
        self.ids = ids
        self.alias = f"d{day}_{after}"
        self.sealed = False
        self.frozen = False

    @property
    def claim(self) -> Claim:
        return Claim(self.day, self.after, self.to)

    @classmethod
    def create(cls, db: duckdb.DuckDBPyConnection, folder: Path, day: int, after: int) -> OpenDay:
        """A new, empty day. Raises duckdb.Error."""
        made = cls(open_path(folder, day, after), day, after, after, {})
        made.attach(db)
        db.begin()
        try:
            db.execute(_TABLES.format(made.alias, after, FORMAT))
            db.commit()
        except duckdb.Error:
            undo(db)
            made.detach(db)
            raise
        return made

    @classmethod
    def load(cls, db: duckdb.DuckDBPyConnection, path: Path, day: int, after: int) -> OpenDay | None:
        """The day in a file, None where making it was cut off with nothing stored. Raises duckdb.Error, StoreNewer."""
        found = cls(path, day, after, after, {})
        found.attach(db)
        tables = (
            f"SELECT 1 FROM duckdb_tables() WHERE database_name = '{found.alias}' AND table_name = 'claim'"
        )
        if db.execute(tables).fetchone() is None:
            found.detach(db)
            return None
        row = db.execute(f'SELECT "to", format FROM {found.alias}.claim').fetchone()
        assert row is not None  # the row was written in the transaction that made the table
        known, written = row
        if written > FORMAT:
            raise StoreNewer(path, written)
        # What is stored claims itself: an UPDATE beside each batch would be a tenth of its cost.
        found.to = max(
            known, *db.execute(f"SELECT coalesce(max(seq), 0) FROM {found.alias}.readings").fetchall()[0]
        )
        found.ids = dict(db.execute(f"SELECT point, id FROM {found.alias}.points").fetchall())
        return found

    def attach(self, db: duckdb.DuckDBPyConnection) -> None:
        """Make the file known to DuckDB under `alias`, for reading only once it is frozen."""
        # Small row groups keep checkpoints short: each rewrites the last one.
        how = "READ_ONLY" if self.frozen else "ROW_GROUP_SIZE 30720"
        db.execute(f"ATTACH {quoted(self.path)} AS {self.alias} ({how})")

    def detach(self, db: duckdb.DuckDBPyConnection) -> None:
        """Let DuckDB forget the file; questions under way still end well."""
        with suppress(duckdb.Error):  # it was not attached, or is too damaged to be put away in order
            db.execute(f"DETACH {self.alias}")

    def examine(self, db: duckdb.DuckDBPyConnection) -> None:
        """Read everything once; raises duckdb.Error where a block is damaged."""
        for table in ("readings", "points"):
            db.execute(f"SELECT bit_xor(hash(COLUMNS(*))) FROM {self.alias}.{table}").fetchall()

    def append(
        self,
        db: duckdb.DuckDBPyConnection,
        points: list[str],
        arrays: Mapping[str, Any],
        texts: list[str],
        to: int,
        site_of: SiteOf,
    ) -> None:
        """Store readings and with them claim up to `to`. Raises duckdb.Error, and nothing is kept."""
        ids: list[Any] = list(map(self.ids.get, points))
        fresh: dict[str, int] = {}
        if None in ids:
            new = dict.fromkeys(p for p, i in zip(points, ids, strict=True) if i is None)
            fresh = {p: i for i, p in enumerate(new, len(self.ids))}
            ids = [fresh[p] if i is None else i for p, i in zip(points, ids, strict=True)]
        # DuckDB finds the arrays by this variable's name and scans them in place.
        incoming = {"point": np.frombuffer(array("i", ids), "i4"), **arrays}
        if fresh:
            db.begin()
        try:
            if fresh:
                self._intern(db, fresh, site_of)
            stored = db.execute(
                f'INSERT INTO {self.alias}.readings SELECT point, seq, n, "at", kind,'
                f" CASE WHEN kind BETWEEN {Kind.BOOL:d} AND {Kind.FLOAT:d} THEN number END,"
                f" {'$1[text]' if texts else 'NULL'}, nullif(measured_at, {NO_TIME}), flags FROM incoming",
                [texts] if texts else None,
            ).fetchone()
            assert stored == (len(incoming["seq"]),)
            if fresh:
                db.commit()
        except duckdb.Error:
            undo(db)
            raise
        self.ids.update(fresh)
        self.to = max(to, self.to)

    def delete(
        self, db: duckdb.DuckDBPyConnection, ids: list[int], after: int, to: int, before: int
    ) -> tuple[int, int, int]:
        """Delete readings of these points with `after < seq <= to` that arrived before `before`.

        Gives how many, and when the first and the last arrived. Raises duckdb.Error, and nothing is deleted.
        """
        where = (
            f'seq > {after} AND seq <= {to} AND "at" < {before} AND point IN (SELECT unnest($1::INTEGER[]))'
        )
        readings = f"{self.alias}.readings"
        counted = (
            f'SELECT count(*), coalesce(min("at"), 0), coalesce(max("at"), 0) FROM {readings} WHERE {where}'
        )
        count, first, last = db.execute(counted, [ids]).fetchall()[0]
        if count:
            db.begin()
            try:
                # What is stored claims itself, and this no longer will.
                db.execute(f'UPDATE {self.alias}.claim SET "to" = {self.to}')
                db.execute(f"DELETE FROM {readings} WHERE {where}", [ids])
                db.commit()
            except duckdb.Error:
                undo(db)
                raise
        return count, first, last

    def checkpoint(self, db: duckdb.DuckDBPyConnection) -> None:
        """Write the log into the file, as far as others leave it free."""
        with suppress(duckdb.Error):  # somebody reads: detaching does it then
            db.execute(f"CHECKPOINT {self.alias}")

    def advance(self, db: duckdb.DuckDBPyConnection, to: int) -> None:
        """Claim up to `to`: what came since held no reading of this day. Raises duckdb.Error."""
        if to > self.to:
            db.execute(f'UPDATE {self.alias}.claim SET "to" = {to}')
            self.to = to

    def _intern(self, db: duckdb.DuckDBPyConnection, fresh: Mapping[str, int], site_of: SiteOf) -> None:
        sources = [source_of(split_point(point)[0]) for point in fresh]
        db.execute(
            f"INSERT INTO {self.alias}.points (id, point, site, source) SELECT unnest($1::INTEGER[]),"
            " unnest($2::VARCHAR[]), unnest($3::VARCHAR[]), unnest($4::VARCHAR[])",
            [list(fresh.values()), list(fresh), [site_of(source) for source in sources], sources],
        )


def undo(db: duckdb.DuckDBPyConnection) -> None:
    """Roll back what a failed statement or commit may have left open."""
    with suppress(duckdb.Error):  # a failed commit has already rolled back
        db.rollback()
