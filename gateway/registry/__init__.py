"""The registry: where things are, whom to call, who may sign in; SQLite, every edit journalled with its version.

`RegistryReader`, `Directory` and `prepare` import no SQLAlchemy, which would cost the engine 23 MB and a quarter of a
second at start; `Registry` does, when it is first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.registry.errors import (
    Invalid,
    NotFound,
    RegistryError,
    RegistryNewer,
    RowProblem,
    VersionConflict,
)
from gateway.registry.migrate import prepare
from gateway.registry.reader import Card, Directory, RegistryReader, Snapshot

if TYPE_CHECKING:
    from gateway.registry.importing import Imported
    from gateway.registry.registry import Edit, Registry

__all__ = [
    "Card",
    "Directory",
    "Edit",
    "Imported",
    "Invalid",
    "NotFound",
    "Registry",
    "RegistryError",
    "RegistryNewer",
    "RegistryReader",
    "RowProblem",
    "Snapshot",
    "VersionConflict",
    "prepare",
]


def __getattr__(name: str) -> Any:
    if name in ("Registry", "Edit"):
        from gateway.registry import registry

        return getattr(registry, name)
    if name == "Imported":
        from gateway.registry.importing import Imported

        return Imported
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
