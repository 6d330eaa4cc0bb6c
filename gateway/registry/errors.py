"""What can go wrong in the registry; the class says whose fault it is, the attributes carry the evidence."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from gateway.errors import GatewayError, OperatorFault, WorldFault


class RegistryNewer(OperatorFault):
    """`path` was written by a newer release: it has schema `found`, this one knows `known`. Nothing was touched."""

    def __init__(self, path: Path, found: str, known: str) -> None:
        super().__init__(f"{path} has schema {found}; this release knows up to {known}")
        self.path, self.found, self.known = path, found, known


class RegistryError(WorldFault):
    """The database refused (locked for too long, disk full, not a database); nothing of the request was kept."""

    def __init__(self, path: Path, detail: str) -> None:
        super().__init__(f"registry {path}: {detail}")
        self.path, self.detail = path, detail


class RowProblem(msgspec.Struct, frozen=True, order=True):
    """One wrong cell: `row` counts from 1 within its table; `column` is empty where the whole row is wrong."""

    table: str
    row: int
    column: str
    expected: str
    found: str
    nearest: str | None = None

    def __str__(self) -> str:
        near = f"; nearest: {self.nearest}" if self.nearest else ""
        where = f"{self.table} row {self.row}" + (f", {self.column}" if self.column else "")
        return f"{where}: expected {self.expected}, found {self.found}{near}"


class NotFound(GatewayError):
    """There is no `table` row with this `id`."""

    def __init__(self, table: str, identity: str) -> None:
        super().__init__(f"no {identity!r} in {table}")
        self.table, self.id = table, identity


class VersionConflict(GatewayError):
    """Somebody else edited the row since it was read: it is at version `current` (None: it does not exist)."""

    def __init__(self, table: str, identity: str, current: int | None) -> None:
        super().__init__(f"{identity!r} in {table} is at version {current}")
        self.table, self.id, self.current = table, identity, current


class Invalid(GatewayError):
    """What was asked for cannot be: `problems` say which cell and what would be right. Nothing was changed."""

    def __init__(self, problems: Sequence[RowProblem]) -> None:
        super().__init__("; ".join(str(p) for p in problems[:5]) + ("; ..." if len(problems) > 5 else ""))
        self.problems = tuple(problems)
