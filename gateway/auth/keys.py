"""The keys of partners' programs: shown once, kept as hashes, with grants of their own and an end."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import insert, select, update

from gateway.auth.grants import Grant
from gateway.auth.users import check
from gateway.registry.database import Database
from gateway.registry.errors import Invalid, NotFound, RegistryError, RowProblem
from gateway.registry.tables import ApiKeyRow
from gateway.shape import found

KEY_USED_EVERY_MS: Final = 60_000  # how exactly "last used" is kept: one write a minute, not one a request


class ApiKey(msgspec.Struct, frozen=True):
    """One partner's key, without its secret. Times are UTC ms; `expires_at` None never does."""

    id: str
    name: str
    grants: tuple[Grant, ...]
    created_by: str
    created_at: int
    expires_at: int | None
    last_used_at: int | None
    revoked_at: int | None


class Keys:
    """API keys in the registry. Methods block for milliseconds."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def add(
        self, name: str, grants: Sequence[Grant], *, who: str, now: int, expires_at: int | None = None
    ) -> tuple[ApiKey, str]:
        """A new key and its text `csg_<id>_<secret>`, which is told this once and kept nowhere. Raises Invalid."""
        identity, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
        with self.database.editing(who, now) as writer:
            connection = writer.connection
            check(connection, name, grants)
            if expires_at is not None and expires_at <= now:
                raise Invalid([RowProblem("api_keys", 1, "expires_at", "a time ahead", found(expires_at))])
            writer.edit(
                "key.add", identity, None, {"name": name, "grants": list(grants), "expires_at": expires_at}
            )
            connection.execute(
                insert(ApiKeyRow).values(
                    id=identity,
                    hash=digest(secret),
                    name=name,
                    grants=msgspec.json.encode(list(grants)).decode(),
                    created_by=who,
                    created_at=now,
                    expires_at=expires_at,
                    last_used_at=None,
                    revoked_at=None,
                )
            )
        key = ApiKey(identity, name, tuple(grants), who, now, expires_at, None, None)
        return key, f"csg_{identity}_{secret}"

    def all(self) -> list[ApiKey]:
        """Every key, revoked and expired ones too, oldest first."""
        with self.database.reading() as connection:
            return [_key(row) for row in connection.execute(select(ApiKeyRow).order_by(ApiKeyRow.created_at))]

    def revoke(self, identity: str, *, who: str, now: int) -> None:
        """From now on the key opens nothing. Raises NotFound."""
        with self.database.editing(who, now) as writer:
            done = writer.connection.execute(
                update(ApiKeyRow)
                .where(ApiKeyRow.id == identity, ApiKeyRow.revoked_at.is_(None))
                .values(revoked_at=now)
            )
            if done.rowcount:
                writer.edit("key.revoke", identity, None, None)
            elif (
                writer.connection.execute(select(ApiKeyRow.id).where(ApiKeyRow.id == identity)).first()
                is None
            ):
                raise NotFound("api_keys", identity)

    def opened_by(self, text: str, now: int) -> ApiKey | None:
        """The key whose text this is, if it opens anything now."""
        parts = text.split("_", 2)
        if len(parts) != 3 or parts[0] != "csg" or len(text) > 128:
            return None
        with self.database.reading() as connection:
            row = connection.execute(select(ApiKeyRow).where(ApiKeyRow.id == parts[1])).first()
        # Compared although a hash of 256 random bits cannot be guessed piecemeal: it costs nothing.
        if row is None or not hmac.compare_digest(row.hash, digest(parts[2])):
            return None
        if row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= now):
            return None
        if row.last_used_at is None or now - row.last_used_at >= KEY_USED_EVERY_MS:
            # A disk that is full keeps nobody out: when it was used last is worth less than what it opens.
            with contextlib.suppress(RegistryError), self.database.writing() as connection:
                connection.execute(update(ApiKeyRow).where(ApiKeyRow.id == row.id).values(last_used_at=now))
        return _key(row)


def digest(secret: str) -> str:
    """SHA-256 of a random secret. 256 random bits need no salt and no slow hash: there is nothing to guess."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _key(row: Any) -> ApiKey:
    return ApiKey(
        row.id,
        row.name,
        msgspec.json.decode(row.grants, type=tuple[Grant, ...]),
        row.created_by,
        row.created_at,
        row.expires_at,
        row.last_used_at,
        row.revoked_at,
    )
