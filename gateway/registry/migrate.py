"""Brings a registry file to this release's schema; a start calls it before anything else opens the file."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from gateway.registry.errors import RegistryError, RegistryNewer

HEAD: Final = "0005"
"""The newest file in `migrations/versions`. Adding a schema is adding a file there and naming it here."""

_MIGRATIONS: Final = Path(__file__).parent / "migrations"


def revision(path: Path) -> str | None:
    """The schema of the file, or None where there is no registry yet. Raises RegistryError for a file that is none."""
    if not path.exists():
        return None
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            if not connection.execute(
                "SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'"
            ).fetchone():
                return None
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            return str(row[0]) if row else None
    except sqlite3.Error as error:
        raise RegistryError(path, str(error)) from error


def newer_is_refused(path: Path) -> None:
    """Raise RegistryNewer for a file of a newer release. What cannot be read is for others to judge."""
    try:
        found = revision(path)
    except RegistryError:
        return
    if found is not None and found > HEAD:
        raise RegistryNewer(path, found, HEAD)


def prepare(path: Path) -> bool:
    """Create the file or upgrade it; True if anything was done. Safe in two processes at once, and when repeated.

    Raises RegistryNewer for a file of a newer release, RegistryError when the disk or the file refuses.
    """
    before = revision(path)
    if before == HEAD:
        return False  # without importing Alembic, which costs every start 140 ms and 11 MB
    newer_is_refused(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.touch(mode=0o600)  # phone numbers and hashes: for the gateway's own user only
    _upgrade(path)
    return True


def _upgrade(path: Path) -> None:
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory
    from sqlalchemy.exc import DBAPIError

    from gateway.registry.database import Database
    from gateway.registry.tables import Base

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    script = ScriptDirectory.from_config(config)

    def upgrade(revision: Any, _context: Any) -> Any:
        return script._upgrade_revs(HEAD, revision)

    database = Database(path)
    try:
        # One IMMEDIATE transaction: a second process waits here and then finds the work done.
        with database.writing() as connection, EnvironmentContext(config, script, fn=upgrade) as environment:
            environment.configure(
                connection=connection, target_metadata=Base.metadata, transactional_ddl=True
            )
            environment.run_migrations()
    except DBAPIError as error:
        raise RegistryError(path, str(error.orig)) from error
    finally:
        database.close()
