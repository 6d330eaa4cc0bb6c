"""The people who sign in: users with their grants, every change journalled."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from gateway.auth.grants import Grant
from gateway.auth.passwords import hash_password, weakness
from gateway.registry.database import Database
from gateway.registry.errors import Invalid, NotFound, RowProblem, VersionConflict
from gateway.registry.tables import GrantRow, PersonRow, SessionRow, TokenRow, UserRow
from gateway.roles import SIGN_IN_ROLES
from gateway.shape import found, nearest, one_of

GRANTS_MAX: Final = 64


class User(msgspec.Struct, frozen=True):
    """One sign-in. `has_password` False: only a one-time token gets in. `person`: who they are in the directory."""

    id: str
    name: str
    person: str | None
    language: str
    disabled: bool
    has_password: bool
    created_at: int
    version: int
    grants: tuple[Grant, ...] = ()


class Users:
    """Users in the registry. Methods block for milliseconds; `set_password` for tens, call it in a thread."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def all(self) -> list[User]:
        """Every user, by name."""
        with self.database.reading() as connection:
            return [
                _user(connection, row) for row in connection.execute(select(UserRow).order_by(UserRow.name))
            ]

    def get(self, identity: str) -> User:
        """Raises NotFound."""
        with self.database.reading() as connection:
            return self._get(connection, UserRow.id == identity, identity)

    def named(self, name: str) -> User:
        """By the name they sign in with. Raises NotFound."""
        with self.database.reading() as connection:
            return self._get(connection, UserRow.name == sign_in_name(name), name)

    def add(
        self,
        name: str,
        grants: Sequence[Grant],
        *,
        who: str,
        now: int,
        language: str = "zh-CN",
        person: str | None = None,
    ) -> User:
        """A new user without a password: give them a one-time link. Raises Invalid (name in use, wrong grant)."""
        name = sign_in_name(name)
        identity = f"u-{secrets.token_hex(4)}"
        with self.database.editing(who, now) as writer:
            connection = writer.connection
            check(connection, name, grants, person, language)
            if connection.execute(select(UserRow.id).where(UserRow.name == name)).first() is not None:
                raise _invalid("name", "a name nobody signs in with yet", found(name))
            version = writer.edit("user.put", identity, None, {"grants": list(grants), "person": person})
            _insert(connection, grants, id=identity, name=name, person=person, language=language, created_at=now,
                    version=version)  # fmt: skip
            return self._get(connection, UserRow.id == identity, identity)

    def change(
        self,
        identity: str,
        *,
        who: str,
        now: int,
        expected: int | None = None,
        grants: Sequence[Grant] | None = None,
        language: str | None = None,
        disabled: bool | None = None,
    ) -> User:
        """Change what is given. Disabling ends every session. Raises NotFound, VersionConflict, Invalid.

        The last user who may manage users everywhere can neither be disabled nor lose that grant.
        """
        with self.database.editing(who, now) as writer:
            connection = writer.connection
            before = self._get(connection, UserRow.id == identity, identity)
            if expected is not None and before.version != expected:
                raise VersionConflict("users", identity, before.version)
            had_admins = bool(_admins(connection))
            check(
                connection,
                before.name,
                before.grants if grants is None else grants,
                None,
                before.language if language is None else language,
            )
            after = {
                "grants": list(before.grants if grants is None else grants),
                "disabled": before.disabled if disabled is None else disabled,
            }
            version = writer.edit(
                "user.put", identity, {"grants": list(before.grants), "disabled": before.disabled}, after
            )
            connection.execute(
                update(UserRow)
                .where(UserRow.id == identity)
                .values(
                    version=version,
                    disabled=after["disabled"],
                    language=before.language if language is None else language,
                )
            )
            if grants is not None:
                _set_grants(connection, identity, grants)
            if had_admins and not _admins(connection):
                raise _invalid("grants", "one user left who manages users everywhere", "the last one going")
            if after["disabled"]:
                _end(connection, identity)
            return self._get(connection, UserRow.id == identity, identity)

    def set_password(
        self, identity: str, password: str, *, who: str, now: int, keep: str | None = None
    ) -> None:
        """Set it and end every session and open token of the user, but the session whose hash is `keep`.

        Raises NotFound, or Invalid whose `expected` says what a good password is.
        """
        user = self.get(identity)
        require_good(password, user.name)
        self.store_hash(identity, hash_password(password), who=who, now=now, keep=keep)

    def store_hash(self, identity: str, hashed: str, *, who: str, now: int, keep: str | None = None) -> None:
        """The second half of `set_password`, for a caller who hashed elsewhere."""
        with self.database.editing(who, now) as writer:
            self._get(writer.connection, UserRow.id == identity, identity)
            version = writer.edit("user.password", identity, None, None)
            change = update(UserRow).where(UserRow.id == identity).values(hash=hashed, version=version)
            writer.connection.execute(change)
            _end(writer.connection, identity, keep)

    def ensure_admin(self, name: str, *, now: int) -> User | None:
        """The user to hand a first sign-in to: None once somebody who manages users everywhere has a password."""
        with self.database.editing("start", now) as writer:
            connection = writer.connection
            admins = _admins(connection)
            if any(hashed is not None for _, hashed in admins):
                return None
            identity = admins[0][0] if admins else f"u-{secrets.token_hex(4)}"
            if not admins:
                if connection.execute(select(UserRow.id).where(UserRow.name == name)).first() is not None:
                    name = f"{name}-{identity[2:]}"  # somebody else has the name: their rights stay what they are
                version = writer.edit("user.put", identity, None, {"grants": [["admin", ""]], "person": None})
                grants = [("admin", "")]
                _insert(connection, grants, id=identity, name=name, person=None, language="zh-CN", created_at=now,
                        version=version)  # fmt: skip
            return self._get(connection, UserRow.id == identity, identity)

    def hash_of(self, name: str) -> tuple[str | None, str | None]:
        """`(user id, password hash)` of an enabled user by sign-in name, `(None, None)` for anybody else."""
        with self.database.reading() as connection:
            row = connection.execute(
                select(UserRow.id, UserRow.hash).where(
                    UserRow.name == sign_in_name(name), UserRow.disabled.is_(False)
                )
            ).first()
            return (row[0], row[1]) if row is not None else (None, None)

    def _get(self, connection: Connection, condition: Any, asked: str) -> User:
        row = connection.execute(select(UserRow).where(condition)).first()
        if row is None:
            raise NotFound("users", asked)
        return _user(connection, row)


def sign_in_name(name: str) -> str:
    """One form of a sign-in name: what people see as the same is the same."""
    return name.strip().casefold()


def require_good(password: str, name: str) -> None:
    """Raises Invalid with what a good password is. The password itself is in no message."""
    wanted = {
        "too_short": "at least 10 characters",
        "too_long": "at most 256 characters",
        "is_name": "something else than the name",
        "common": "something nobody guesses",
    }
    if (why := weakness(password, name)) is not None:
        raise _invalid("password", wanted[why], why)


def check(
    connection: Connection,
    name: str,
    grants: Sequence[Grant],
    person: str | None = None,
    language: str = "zh-CN",
) -> None:
    """Raises Invalid for what no user or key may be."""
    problems: list[RowProblem] = []
    if not 1 <= len(name) <= 64 or any(c < " " or c == "\x7f" for c in name):
        problems.append(RowProblem("users", 1, "name", "1 to 64 characters on one line", found(name)))
    if language not in ("zh-CN", "en"):
        problems.append(RowProblem("users", 1, "language", "one of zh-CN, en", found(language)))
    if not 1 <= len(grants) <= GRANTS_MAX:
        problems.append(RowProblem("users", 1, "grants", f"1 to {GRANTS_MAX} grants", f"{len(grants)}"))
    problems += [
        RowProblem(
            "users", 1, f"grants[{i}]", one_of(SIGN_IN_ROLES), found(role), nearest(role, SIGN_IN_ROLES)
        )
        for i, (role, _) in enumerate(grants)
        if role not in SIGN_IN_ROLES
    ]
    known = select(PersonRow.id).where(PersonRow.id == person, PersonRow.forgotten_at.is_(None))
    if person is not None and connection.execute(known).first() is None:
        problems.append(RowProblem("users", 1, "person", "the id of a person", found(person)))
    if problems:
        raise Invalid(problems)


def _insert(connection: Connection, grants: Sequence[Grant], **columns: Any) -> None:
    connection.execute(insert(UserRow).values(hash=None, disabled=False, **columns))
    _set_grants(connection, columns["id"], grants)


def _invalid(column: str, expected: str, what: str) -> Invalid:
    return Invalid([RowProblem("users", 1, column, expected, what)])


def _set_grants(connection: Connection, user: str, grants: Iterable[Grant]) -> None:
    connection.execute(delete(GrantRow).where(GrantRow.user == user))
    connection.execute(
        insert(GrantRow),
        [{"user": user, "role": role, "place": place} for role, place in sorted(set(grants))],
    )


def _admins(connection: Connection) -> list[tuple[str, str | None]]:
    """Id and hash of the enabled users who are administrators of everything, by name."""
    query = (
        select(UserRow.id, UserRow.hash)
        .join(GrantRow, GrantRow.user == UserRow.id)
        .where(GrantRow.role == "admin", GrantRow.place == "", UserRow.disabled.is_(False))
        .order_by(UserRow.name)
    )
    return [(row[0], row[1]) for row in connection.execute(query)]


def _end(connection: Connection, user: str, keep: str | None = None) -> None:
    """End the user's sessions, but the one kept, and void their open tokens."""
    connection.execute(delete(SessionRow).where(SessionRow.user == user, SessionRow.hash != (keep or "")))
    connection.execute(delete(TokenRow).where(TokenRow.user == user))


def _user(connection: Connection, row: Any) -> User:
    grants = connection.execute(
        select(GrantRow.role, GrantRow.place)
        .where(GrantRow.user == row.id)
        .order_by(GrantRow.role, GrantRow.place)
    )
    return User(
        row.id,
        row.name,
        row.person,
        row.language,
        bool(row.disabled),
        row.hash is not None,
        row.created_at,
        row.version,
        tuple((role, place) for role, place in grants),
    )
