"""Signing in and staying signed in: passwords, one-time tokens, sessions and keys, each told what `now` is."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import secrets
from typing import Any, Final

import msgspec
from sqlalchemy import delete, insert, select, update

from gateway.auth.grants import Action, Grant, roles_for
from gateway.auth.keys import ApiKey, Keys, digest
from gateway.auth.passwords import Busy, Checker
from gateway.auth.throttle import Throttle
from gateway.auth.users import User, Users, require_good
from gateway.registry.errors import RegistryError
from gateway.registry.registry import Registry
from gateway.registry.tables import SessionRow, TokenRow, UserRow

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 86_400_000
IDLE_MS: Final = 12 * HOUR_MS  # a shift
ABSOLUTE_MS: Final = 7 * DAY_MS
DUTY_MS: Final = (
    180 * DAY_MS
)  # a screen on the wall: nobody signs it in at three in the morning; it can be revoked
SEEN_EVERY_MS: Final = (
    5 * MINUTE_MS
)  # how exactly idle time is kept: one write in five minutes, not one a request
SESSIONS_MAX: Final = 50  # of one user; the one seen longest ago ends
TOKEN_MIN_MS: Final = 15 * MINUTE_MS
TOKEN_MAX_MS: Final = 24 * HOUR_MS
BUSY_WAIT_MS: Final = 1000
ADMIN: Final = "admin"
SIGN_IN: Final = "sign_in"  # what a one-time token is for


class SignInRefused(Exception):
    """`code`: `wrong` (name or password or token, never which), `wait` or `busy` (for `wait_ms`), `not_allowed`."""

    def __init__(self, code: str, wait_ms: int = 0) -> None:
        super().__init__(code)
        self.code, self.wait_ms = code, wait_ms


class Principal(msgspec.Struct, frozen=True):
    """Whoever is asking. `actor` is the id that acts carry and call chains know: the person, else the user or key.

    `via` is `session`, `duty` or `key`. `set_password`: signed in by a token and without a password yet: ask for one.
    """

    actor: str
    user: str
    name: str
    language: str
    grants: tuple[Grant, ...]
    via: str
    session: str = ""  # the session's hash, for revoking it; opens nothing
    set_password: bool = False


class SignedIn(msgspec.Struct, frozen=True):
    """A new session: `cookie` is its 256-bit secret, told once; `csrf` goes into the header of every write."""

    principal: Principal
    cookie: str
    csrf: str
    expires_at: int

    def __repr__(self) -> str:
        return f"SignedIn({self.principal.user})"  # a log must not open the console


class SessionInfo(msgspec.Struct, frozen=True):
    """One session as its user or an administrator sees it."""

    hash: str
    user: str
    duty: bool
    created_at: int
    seen_at: int
    expires_at: int


class Auth:
    """Every way in. Async methods are for the loop; the others block for milliseconds and are safe in threads."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.users = Users(registry.database)
        self.keys = Keys(registry.database)
        self.throttle = Throttle()
        self.checker = Checker()
        self._database = registry.database

    def close(self) -> None:
        self.checker.close()

    # -- signing in -------------------------------------------------------------------------------------------

    async def sign_in(
        self, name: str, password: str, *, address: str, now: int, duty: bool = False
    ) -> SignedIn:
        """By name and password from `address`. `duty` asks for a session that stays. Raises SignInRefused.

        A name that does not exist takes as long and says the same as a wrong password.
        """
        if wait := self.throttle.wait_ms(name, address, now):
            raise SignInRefused("wait", wait)
        # Counted before the slow check: a hundred tries sent at once are a hundred tries, not one.
        self.throttle.failed(name, address, now)
        user, hashed = self.users.hash_of(name)
        try:
            right, better = await self.checker.verify(password, hashed)
        except Busy:
            self.throttle.uncounted(name, address)
            raise SignInRefused("busy", BUSY_WAIT_MS) from None
        if user is None or not right:
            raise SignInRefused("wrong")
        self.throttle.succeeded(name, address)
        if better is not None:
            with self._database.writing() as connection:
                connection.execute(update(UserRow).where(UserRow.id == user).values(hash=better))
        return self._begin(self.users.get(user), now, duty)

    def redeem(self, token: str, *, address: str, now: int, duty: bool = False) -> SignedIn:
        """By a one-time token, which from then on opens nothing. Raises SignInRefused."""
        # A token has no name; the address stands for it, so that nobody slows down others' tokens.
        if wait := self.throttle.wait_ms(address, address, now):
            raise SignInRefused("wait", wait)
        with self._database.writing() as connection:
            key = digest(token)
            # Used in the same statement that looks: of two at once, one finds it unused.
            done = connection.execute(
                update(TokenRow)
                .where(
                    TokenRow.hash == key,
                    TokenRow.purpose == SIGN_IN,
                    TokenRow.used_at.is_(None),
                    TokenRow.expires_at > now,
                )
                .values(used_at=now)
            )
            user = (
                connection.execute(
                    select(TokenRow.user)
                    .join(UserRow, UserRow.id == TokenRow.user)
                    .where(TokenRow.hash == key, UserRow.disabled.is_(False))
                ).scalar()
                if done.rowcount
                else None
            )
        if user is None:
            self.throttle.failed(address, address, now)
            raise SignInRefused("wrong")
        return self._begin(self.users.get(user), now, duty)

    def make_token(self, user: str, *, now: int, ttl_ms: int = HOUR_MS) -> str:
        """A one-time token that signs the user in within `ttl_ms` (15 minutes to 24 hours). Raises NotFound."""
        self.users.get(user)
        token = secrets.token_urlsafe(32)
        expires_at = now + min(max(ttl_ms, TOKEN_MIN_MS), TOKEN_MAX_MS)
        with self._database.writing() as connection:
            connection.execute(delete(TokenRow).where(TokenRow.expires_at <= now))
            connection.execute(
                insert(TokenRow).values(
                    hash=digest(token),
                    purpose=SIGN_IN,
                    user=user,
                    created_at=now,
                    expires_at=expires_at,
                    used_at=None,
                )
            )
        return token

    def first_token(self, *, now: int, ttl_ms: int = TOKEN_MAX_MS) -> str | None:
        """While no administrator has a password: a fresh token for `admin`, voiding the one before. Else None.

        There is no default password. Who starts the gateway reads the link on its terminal and chooses one.
        """
        user = self.users.ensure_admin(ADMIN, now=now)
        if user is None:
            return None
        with self._database.writing() as connection:
            connection.execute(delete(TokenRow).where(TokenRow.user == user.id))
        return self.make_token(user.id, now=now, ttl_ms=ttl_ms)

    async def set_password(self, principal: Principal, password: str, *, now: int) -> None:
        """The signed-in user's own; every other session of theirs ends. Raises Invalid, Busy."""
        require_good(password, principal.name)
        hashed = await self.checker.hash(password)
        self.users.store_hash(principal.user, hashed, who=principal.actor, now=now, keep=principal.session)

    # -- staying signed in ------------------------------------------------------------------------------------

    def session(self, cookie: str, now: int) -> Principal | None:
        """Who the cookie belongs to, if it still opens anything; this counts as being seen."""
        if not cookie or len(cookie) > 128:
            return None
        key = digest(cookie)
        with self._database.reading() as connection:
            row = connection.execute(select(SessionRow).where(SessionRow.hash == key)).first()
        if row is None or _over(row, now):
            return None
        if abs(now - row.seen_at) >= SEEN_EVERY_MS:
            # A disk that is full keeps nobody out who is in.
            with contextlib.suppress(RegistryError), self._database.writing() as connection:
                connection.execute(update(SessionRow).where(SessionRow.hash == key).values(seen_at=now))
        user = self.users.get(row.user)
        return None if user.disabled else _principal(user, "duty" if row.duty else "session", key)

    def key(self, text: str, now: int) -> Principal | None:
        """Who an API key belongs to, if it opens anything now."""
        found = self.keys.opened_by(text, now)
        return None if found is None else _of_key(found)

    def sign_out(self, cookie: str) -> None:
        """End the session; one that is over already stays over."""
        self.end(digest(cookie))

    def end(self, session: str) -> bool:
        """End a session by its hash; False when there was none."""
        with self._database.writing() as connection:
            return connection.execute(delete(SessionRow).where(SessionRow.hash == session)).rowcount > 0

    def revoke(self, user: str) -> int:
        """End every session and void every open token of the user; gives how many sessions ended."""
        with self._database.writing() as connection:
            connection.execute(delete(TokenRow).where(TokenRow.user == user))
            return connection.execute(delete(SessionRow).where(SessionRow.user == user)).rowcount

    def sessions(self, now: int, user: str | None = None) -> list[SessionInfo]:
        """Sessions that are open now, last seen first."""
        query = select(SessionRow).order_by(SessionRow.seen_at.desc())
        if user is not None:
            query = query.where(SessionRow.user == user)
        with self._database.reading() as connection:
            return [
                SessionInfo(r.hash, r.user, bool(r.duty), r.created_at, r.seen_at, r.expires_at)
                for r in connection.execute(query)
                if not _over(r, now)
            ]

    def sweep(self, now: int) -> int:
        """Delete what is over: call it hourly. Gives how many rows went."""
        with self._database.writing() as connection:
            tokens = connection.execute(delete(TokenRow).where(TokenRow.expires_at <= now)).rowcount
            sessions = connection.execute(
                delete(SessionRow).where(
                    (SessionRow.expires_at <= now)
                    | (SessionRow.duty.is_(False) & (SessionRow.seen_at <= now - IDLE_MS))
                )
            ).rowcount
            return tokens + sessions

    def _begin(self, user: User, now: int, duty: bool) -> SignedIn:
        if duty and not any(role in roles_for(Action.DUTY_SCREEN) for role, _ in user.grants):
            raise SignInRefused("not_allowed")
        cookie = secrets.token_urlsafe(32)
        key = digest(cookie)
        expires_at = now + (DUTY_MS if duty else ABSOLUTE_MS)
        with self._database.writing() as connection:
            open_ones = (
                connection.execute(
                    select(SessionRow.hash)
                    .where(SessionRow.user == user.id)
                    .order_by(SessionRow.seen_at.desc())
                )
                .scalars()
                .all()
            )
            for old in open_ones[SESSIONS_MAX - 1 :]:
                connection.execute(delete(SessionRow).where(SessionRow.hash == old))
            connection.execute(
                insert(SessionRow).values(
                    hash=key, user=user.id, duty=duty, created_at=now, seen_at=now, expires_at=expires_at
                )
            )
        return SignedIn(
            _principal(user, "duty" if duty else "session", key), cookie, csrf(cookie), expires_at
        )


def csrf(cookie: str) -> str:
    """The CSRF token of a session: follows from its secret, so it is stored nowhere and a stolen table has none."""
    mac = hmac.new(cookie.encode("utf-8", "replace"), b"csg csrf 1", hashlib.sha256).digest()
    return base64.urlsafe_b64encode(mac[:24]).decode()


def csrf_ok(cookie: str, header: str) -> bool:
    """Whether a write's header belongs to its session; compared in constant time."""
    return hmac.compare_digest(csrf(cookie).encode(), header.encode("utf-8", "replace"))


def _over(row: Any, now: int) -> bool:
    return now >= row.expires_at or (not row.duty and now - row.seen_at >= IDLE_MS)


def _principal(user: User, via: str, session: str) -> Principal:
    return Principal(
        user.person or user.id,
        user.id,
        user.name,
        user.language,
        user.grants,
        via,
        session,
        not user.has_password,
    )


def _of_key(key: ApiKey) -> Principal:
    identity = f"key:{key.id}"
    return Principal(identity, identity, key.name, "zh-CN", key.grants, "key")
