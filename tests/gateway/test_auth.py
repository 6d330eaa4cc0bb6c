"""Signing in and staying signed in: no default password, single-use tokens, only hashes on disk, times as told."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gateway.auth import Auth, Busy, Principal, SignedIn, SignInRefused, csrf, csrf_ok
from gateway.auth.passwords import LENGTH_MAX, WAITING_MAX, Checker, hash_password, verify, weakness
from gateway.auth.signin import ABSOLUTE_MS, DUTY_MS, IDLE_MS, SESSIONS_MAX, TOKEN_MAX_MS, TOKEN_MIN_MS
from gateway.registry import Directory, Invalid, NotFound, Registry, RegistryError, VersionConflict

NOW = 1_795_276_800_000
HOME = "192.0.2.1"
GOOD = "correct horse battery"


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    with closing(Registry.open(tmp_path / "registry.sqlite")) as opened:
        yield opened


@pytest.fixture
def auth(registry: Registry) -> Iterator[Auth]:
    with closing(Auth(registry)) as opened:
        yield opened


def first(auth: Auth, now: int = NOW) -> SignedIn:
    """The administrator, signed in with the first token."""
    token = auth.first_token(now=now)
    assert token is not None
    return auth.redeem(token, address=HOME, now=now)


async def with_password(auth: Auth, name: str = "wang", role: str = "operator") -> str:
    """A user who has a password; gives their id."""
    user = auth.users.add(name, [(role, "")], who="t", now=NOW)
    await asyncio.to_thread(auth.users.set_password, user.id, GOOD, who="t", now=NOW)
    return user.id


def refused(code: str) -> pytest.RaisesExc[SignInRefused]:
    return pytest.RaisesExc(SignInRefused, match=f"^{code}$")


def test_a_full_disk_keeps_nobody_out_who_is_in(
    auth: Auth, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That somebody was seen cannot be written down: sessions and keys open all the same, and the page stays up."""
    cookie = first(auth).cookie
    _, key = auth.keys.add("partner", [("viewer", "")], who="t", now=NOW)

    def full(_database: object) -> None:
        raise RegistryError(Path("registry.sqlite"), "database or disk is full")

    monkeypatch.setattr(type(registry.database), "writing", full)
    later = NOW + 3_600_000
    assert auth.session(cookie, later) is not None
    assert auth.key(key, later) is not None
    with pytest.raises(RegistryError):
        auth.sign_out(cookie)


# -- the first start ------------------------------------------------------------------------------------------------


async def test_the_first_start_has_no_default_password(auth: Auth) -> None:
    """Nobody signs in with a name and a guess; the printed token does, and asks for a password."""
    for password in ("", "admin", "password", "admin12345"):
        with refused("wrong"):
            await auth.sign_in("admin", password, address=password, now=NOW)
    signed_in = first(auth)
    assert signed_in.principal.name == "admin"
    assert signed_in.principal.grants == (("admin", ""),)
    assert signed_in.principal.set_password
    await auth.set_password(signed_in.principal, GOOD, now=NOW)
    known = auth.session(signed_in.cookie, NOW)
    assert known is not None
    assert not known.set_password
    assert auth.first_token(now=NOW) is None


def test_each_start_before_the_password_gives_a_fresh_token(auth: Auth) -> None:
    """The link of the last start opens, the one before it no longer does, and there is one administrator."""
    old, new = auth.first_token(now=NOW), auth.first_token(now=NOW + 1)
    assert old is not None
    assert new is not None
    with refused("wrong"):
        auth.redeem(old, address=HOME, now=NOW + 2)
    assert auth.redeem(new, address=HOME, now=NOW + 2).principal.name == "admin"
    assert [user.name for user in auth.users.all()] == ["admin"]


def test_a_name_that_is_taken_gets_no_rights_by_it(auth: Auth) -> None:
    """Somebody called admin who may only look is not made administrator by the first start."""
    auth.users.add("admin", [("viewer", "")], who="t", now=NOW)
    principal = first(auth).principal
    assert principal.name.startswith("admin-")
    assert auth.users.named("admin").grants == (("viewer", ""),)


# -- one-time tokens ------------------------------------------------------------------------------------------------


def test_a_token_opens_once(auth: Auth) -> None:
    """The second use is refused, also after a restart of everything that keeps state in memory."""
    token = auth.first_token(now=NOW)
    assert token is not None
    auth.redeem(token, address=HOME, now=NOW)
    with refused("wrong"):
        auth.redeem(token, address=HOME, now=NOW)
    with closing(Auth(auth.registry)) as after_restart, refused("wrong"):
        after_restart.redeem(token, address=HOME, now=NOW)


def test_of_many_at_once_one_gets_in(auth: Auth) -> None:
    """A token sent by ten threads in the same moment signs one of them in."""
    token = auth.first_token(now=NOW)
    assert token is not None
    got: list[str] = []
    start = threading.Barrier(10)

    def run(number: int) -> None:
        start.wait(20)
        try:
            auth.redeem(token, address=f"192.0.2.{number}", now=NOW)
            got.append("in")
        except SignInRefused as error:
            got.append(error.code)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(got) == ["in", *["wrong"] * 9]


@pytest.mark.parametrize(
    ("asked_ms", "given_ms"),
    [(0, TOKEN_MIN_MS), (TOKEN_MIN_MS, TOKEN_MIN_MS), (3_600_000, 3_600_000), (10**12, TOKEN_MAX_MS)],
)
def test_a_token_ends_in_time(auth: Auth, asked_ms: int, given_ms: int) -> None:
    """It lives as long as asked within 15 minutes and 24 hours, to the millisecond."""
    user = first(auth).principal.user
    token, other = (auth.make_token(user, now=NOW, ttl_ms=asked_ms) for _ in range(2))
    auth.redeem(token, address=HOME, now=NOW + given_ms - 1)
    with refused("wrong"):
        auth.redeem(other, address=HOME, now=NOW + given_ms)


def test_a_token_for_nobody(auth: Auth) -> None:
    """There is no token for a user that does not exist, and a disabled one's does not open."""
    with pytest.raises(NotFound):
        auth.make_token("u-none", now=NOW)
    user = auth.users.add("wang", [("viewer", "")], who="t", now=NOW)
    token = auth.make_token(user.id, now=NOW)
    auth.users.change(user.id, who="t", now=NOW, disabled=True)
    with refused("wrong"):
        auth.redeem(token, address=HOME, now=NOW)


# -- passwords ------------------------------------------------------------------------------------------------------


async def test_a_password_signs_in_whatever_the_keyboard(auth: Auth) -> None:
    """Names are without case; the same characters in another Unicode form are the same password."""
    user = auth.users.add(" WANG ", [("viewer", "")], who="t", now=NOW)
    await asyncio.to_thread(auth.users.set_password, user.id, "密码café１２３４５", who="t", now=NOW)
    signed_in = await auth.sign_in("Wang", "密码cafe\u030112345", address=HOME, now=NOW)
    assert signed_in.principal.user == user.id


async def test_wrong_and_unknown_are_told_alike(auth: Auth) -> None:
    """A stranger cannot learn which names exist: same refusal for each, a disabled user's included."""
    identity = await with_password(auth)
    first(auth)
    for name, password in (("wang", "wrong password"), ("nobody", GOOD), ("wang", "x" * 100_000)):
        with refused("wrong"):
            await auth.sign_in(name, password, address=name + password[:5], now=NOW)
    auth.users.change(identity, who="t", now=NOW, disabled=True)
    with refused("wrong"):
        await auth.sign_in("wang", GOOD, address=HOME, now=NOW)


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("short", "too_short"), ("九个字符的密码啊啊", "too_short"), ("x" * (LENGTH_MAX + 1), "too_long"),
        ("administrator", "common"), ("1111111111", "common"), ("aabbaabbaabb", "common"),
        ("wangxiaoming", "is_name"), ("WangXiaoMing123", "is_name"), (GOOD, None), ("十个字符的密码就够了", None),
    ],
)  # fmt: skip
def test_weak_passwords_are_refused_with_a_reason(password: str, why: str | None) -> None:
    """Length counts, not kinds of characters; names and what everybody guesses do not pass."""
    assert weakness(password, "wangxiaoming") == why


def test_a_refused_password_is_in_no_message(auth: Auth) -> None:
    """What is said about a weak password can be logged."""
    user = auth.users.add("wang", [("viewer", "")], who="t", now=NOW)
    with pytest.raises(Invalid) as error:
        auth.users.set_password(user.id, "s3cr3t", who="t", now=NOW)
    assert "s3cr3t" not in str(error.value)
    assert error.value.problems[0].expected == "at least 10 characters"


async def test_an_old_hash_is_renewed_at_sign_in(auth: Auth) -> None:
    """Hashes with older parameters are replaced when the password is known anyway."""
    from pwdlib import PasswordHash
    from pwdlib.hashers.argon2 import Argon2Hasher

    identity = await with_password(auth)
    weak = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=1024, parallelism=1),)).hash(GOOD)
    auth.users.store_hash(identity, weak, who="t", now=NOW)
    await auth.sign_in("wang", GOOD, address=HOME, now=NOW)
    _, stored = auth.users.hash_of("wang")
    assert stored is not None
    assert "m=19456,t=2,p=1" in stored
    assert verify(GOOD, stored) == (True, None)
    assert verify(GOOD, "no hash at all") == (False, None)
    assert verify(GOOD, None) == (False, None)


async def test_a_flood_of_passwords_is_refused_not_queued() -> None:
    """Past a bounded number of waiting checks the answer is Busy, at once."""
    with closing(Checker()) as checker:
        hashed = hash_password(GOOD)
        tries = [asyncio.create_task(checker.verify(GOOD, hashed)) for _ in range(WAITING_MAX + 3)]
        done = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(d, Busy) for d in done) == 3
    assert sum(d == (True, None) for d in done) == WAITING_MAX


async def test_guessing_is_slowed_down(auth: Auth) -> None:
    """The sixth wrong try of a name from one address must wait; its owner elsewhere need not."""
    await with_password(auth)
    for _ in range(5):
        with refused("wrong"):
            await auth.sign_in("wang", "guess", address="203.0.113.9", now=NOW)
    with refused("wait") as error:
        await auth.sign_in("wang", GOOD, address="203.0.113.9", now=NOW)
    assert error.value.wait_ms == 2000
    assert (await auth.sign_in("wang", GOOD, address=HOME, now=NOW)).principal.name == "wang"
    assert (await auth.sign_in("wang", GOOD, address="203.0.113.9", now=NOW + 2000)).principal.name == "wang"


async def test_a_try_nobody_looked_at_does_not_count(auth: Auth) -> None:
    """While too many passwords are being checked the answer is "busy", and the user is not slowed down for it."""
    await with_password(auth)
    others = [asyncio.create_task(auth.checker.hash(GOOD)) for _ in range(WAITING_MAX)]
    await asyncio.sleep(0)
    for _ in range(10):
        with refused("busy"):
            await auth.sign_in("wang", GOOD, address=HOME, now=NOW)
    await asyncio.gather(*others)
    signed_in = await auth.sign_in("wang", GOOD, address=HOME, now=NOW)
    assert signed_in.cookie not in repr(signed_in)


async def test_tries_sent_together_count_together(auth: Auth) -> None:
    """Twenty guesses in the same moment are not twenty free tries."""
    await with_password(auth)
    tries = [auth.sign_in("wang", f"guess {n}", address=HOME, now=NOW) for n in range(20)]
    done = await asyncio.gather(*tries, return_exceptions=True)
    codes = [d.code for d in done if isinstance(d, SignInRefused)]
    assert codes.count("wrong") == 5
    assert codes.count("wait") == 15


# -- sessions -------------------------------------------------------------------------------------------------------


def test_what_is_on_disk_opens_nothing(auth: Auth, registry: Registry) -> None:
    """Whoever steals the file has no cookie, no CSRF token, no one-time token and no key, only their hashes."""
    signed_in = first(auth)
    token = auth.make_token(signed_in.principal.user, now=NOW)
    _, key = auth.keys.add("city", [("viewer", "")], who="t", now=NOW)
    stolen = b"".join(p.read_bytes() for p in registry.path.parent.iterdir())
    for secret in (signed_in.cookie, signed_in.csrf, token, key.split("_", 2)[2]):
        assert secret.encode() not in stolen
    assert signed_in.principal.session.encode() in stolen
    assert auth.session(signed_in.principal.session, NOW) is None
    assert auth.session("", NOW) is None
    assert auth.session("x" * 10_000, NOW) is None


def test_a_session_ends_when_idle_and_in_the_end(auth: Auth) -> None:
    """Twelve hours unseen end it, being seen keeps it, seven days end it anyway."""
    idle, busy = first(auth), first(auth)
    assert auth.session(idle.cookie, NOW + IDLE_MS - 1) is not None
    assert auth.session(idle.cookie, NOW + 2 * IDLE_MS - 2) is not None
    assert auth.session(idle.cookie, NOW + 3 * IDLE_MS) is None
    at = NOW
    while at < NOW + ABSOLUTE_MS:
        assert auth.session(busy.cookie, at) is not None
        at += IDLE_MS - 1
    assert auth.session(busy.cookie, NOW + ABSOLUTE_MS) is None
    assert busy.expires_at == NOW + ABSOLUTE_MS


def test_a_duty_screen_stays_until_it_is_revoked(auth: Auth) -> None:
    """Nobody signs in at three in the morning: it outlives idle weeks, and ends when revoked or after 180 days."""
    user = auth.users.add("desk", [("operator", "site")], who="t", now=NOW)
    screen = auth.redeem(auth.make_token(user.id, now=NOW), address=HOME, now=NOW, duty=True)
    assert screen.principal.via == "duty"
    assert auth.session(screen.cookie, NOW + DUTY_MS - 1) is not None
    assert auth.session(screen.cookie, NOW + DUTY_MS) is None
    assert [s.duty for s in auth.sessions(NOW, user.id)] == [True]
    assert auth.end(screen.principal.session)
    assert auth.session(screen.cookie, NOW) is None
    assert not auth.end(screen.principal.session)


def test_only_the_desk_may_have_a_duty_screen(auth: Auth) -> None:
    """A phone of the grid staff does not stay signed in for half a year."""
    user = auth.users.add("phone", [("grid_staff", "g")], who="t", now=NOW)
    with refused("not_allowed"):
        auth.redeem(auth.make_token(user.id, now=NOW), address=HOME, now=NOW, duty=True)


async def test_a_new_password_ends_every_other_session(auth: Auth) -> None:
    """Whoever changes a password because it leaked is rid of whoever used it; a token made before is void."""
    here, thief = first(auth), first(auth)
    token = auth.make_token(here.principal.user, now=NOW)
    await auth.set_password(here.principal, GOOD, now=NOW)
    assert auth.session(here.cookie, NOW) is not None
    assert auth.session(thief.cookie, NOW) is None
    with refused("wrong"):
        auth.redeem(token, address=HOME, now=NOW)


def test_signing_out_and_revoking(auth: Auth) -> None:
    """Signing out ends one session, revoking all of a user, both at once and for good."""
    one, two = first(auth), first(auth)
    auth.sign_out(one.cookie)
    auth.sign_out(one.cookie)
    assert auth.session(one.cookie, NOW) is None
    assert auth.revoke(two.principal.user) == 1
    assert auth.session(two.cookie, NOW) is None


def test_sessions_of_one_user_are_bounded(auth: Auth) -> None:
    """A script that signs in for ever ends its own oldest sessions and fills no disk."""
    user = auth.users.add("wang", [("viewer", "")], who="t", now=NOW)
    opened = [
        auth.redeem(auth.make_token(user.id, now=NOW + n), address=HOME, now=NOW + n)
        for n in range(SESSIONS_MAX + 2)
    ]
    assert len(auth.sessions(NOW, user.id)) == SESSIONS_MAX
    assert auth.session(opened[0].cookie, NOW) is None
    assert auth.session(opened[-1].cookie, NOW) is not None


def test_what_is_over_is_swept(auth: Auth) -> None:
    """Idle and expired sessions and tokens leave the table; duty screens and fresh ones stay."""
    fresh_user = first(auth).principal.user
    auth.make_token(fresh_user, now=NOW)
    user = auth.users.add("desk", [("operator", "s")], who="t", now=NOW)
    auth.redeem(auth.make_token(user.id, now=NOW), address=HOME, now=NOW, duty=True)
    assert auth.sweep(NOW) == 0
    assert auth.sweep(NOW + TOKEN_MAX_MS) == 4  # the idle session, the open token and two that were used
    assert [s.duty for s in auth.sessions(NOW)] == [True]


def test_a_csrf_token_belongs_to_its_session(auth: Auth) -> None:
    """The token of one session does not allow a write with the cookie of another."""
    one, two = first(auth), first(auth)
    assert one.csrf == csrf(one.cookie)
    assert csrf_ok(one.cookie, one.csrf)
    for wrong in (two.csrf, "", one.csrf[:-1], "é" * 32):
        assert not csrf_ok(one.cookie, wrong)


# -- users ----------------------------------------------------------------------------------------------------------


def test_a_user_who_is_a_person_acts_as_that_person(auth: Auth, registry: Registry) -> None:
    """Taking an incident at the desk and from the phone is taking it as the same person."""
    registry.import_catalogue({"people": [{"id": "p1", "name": "王示例", "staff": True}]}, who="t", now=NOW)
    user = auth.users.add("wang", [("operator", "s")], who="t", now=NOW, person="p1")
    principal = auth.redeem(auth.make_token(user.id, now=NOW), address=HOME, now=NOW).principal
    assert (principal.actor, principal.user) == ("p1", user.id)
    with closing(Directory(registry.path)) as directory:
        assert directory.name(user.id) == "wang"
    with pytest.raises(Invalid, match="the id of a person"):
        auth.users.add("li", [("operator", "s")], who="t", now=NOW, person="p2")
    registry.forget_person("p1", who="t", now=NOW)
    assert auth.sessions(NOW) == []
    assert auth.users.get(user.id).disabled
    assert b"wang" not in b"".join(p.read_bytes() for p in registry.path.parent.iterdir())


def test_users_are_edited_with_a_version(auth: Auth) -> None:
    """Grants change as a whole; whoever saw an older version is refused; each edit is journalled without the name."""
    user = auth.users.add("wang", [("viewer", "s")], who="t", now=NOW)
    changed = auth.users.change(
        user.id, who="t", now=NOW, expected=user.version, grants=[("operator", "s"), ("viewer", "t")]
    )
    assert changed.grants == (("operator", "s"), ("viewer", "t"))
    with pytest.raises(VersionConflict):
        auth.users.change(user.id, who="t", now=NOW, expected=user.version, disabled=True)
    edits = auth.registry.edits(row=user.id)
    assert [edit.what for edit in edits] == ["user.put", "user.put"]
    assert "wang" not in repr(edits)


@pytest.mark.parametrize(
    ("name", "grants", "why"),
    [
        ("wang", [("viewer", "")], "a name nobody signs in with yet"),
        ("", [("viewer", "")], "1 to 64 characters"),
        ("a\nb", [("viewer", "")], "on one line"),
        ("li", [("oprator", "")], "nearest: operator"),
        ("li", [], "1 to 64 grants"),
    ],
)
def test_wrong_users_are_refused(auth: Auth, name: str, grants: list[tuple[str, str]], why: str) -> None:
    """What cannot be is said with the cell, and nothing is written."""
    auth.users.add("Wang", [("viewer", "")], who="t", now=NOW)
    with pytest.raises(Invalid, match=why):
        auth.users.add(name, grants, who="t", now=NOW)
    assert len(auth.users.all()) == 1


def test_the_last_administrator_stays(auth: Auth) -> None:
    """Nobody can lock everybody out; with a second administrator the first may go."""
    admin = first(auth).principal.user
    with pytest.raises(Invalid, match="one user left"):
        auth.users.change(admin, who="t", now=NOW, disabled=True)
    with pytest.raises(Invalid, match="one user left"):
        auth.users.change(admin, who="t", now=NOW, grants=[("admin", "site")])
    assert not auth.users.get(admin).disabled
    auth.users.add("second", [("admin", "")], who="t", now=NOW)
    assert auth.users.change(admin, who="t", now=NOW, disabled=True).disabled


# -- keys -----------------------------------------------------------------------------------------------------------


def test_a_key_opens_until_it_ends(auth: Auth) -> None:
    """Only the whole text opens; it carries its grants; revoked or expired it opens nothing."""
    key, text = auth.keys.add("city", [("viewer", "s")], who="t", now=NOW, expires_at=NOW + 1000)
    assert text.startswith(f"csg_{key.id}_")
    principal = auth.key(text, NOW)
    assert principal == Principal(
        f"key:{key.id}", f"key:{key.id}", "city", "zh-CN", (("viewer", "s"),), "key"
    )
    for wrong in (
        text[:-1],
        text + "x",
        text.replace("csg_", "csx_"),
        f"csg_{key.id}_",
        "csg",
        "",
        "é" * 99,
        "x" * 999,
    ):
        assert auth.key(wrong, NOW) is None
    assert auth.key(text, NOW + 1000) is None
    other, text = auth.keys.add("lab", [("viewer", "s")], who="t", now=NOW)
    assert auth.key(text, NOW + 10**12) is not None
    auth.keys.revoke(other.id, who="t", now=NOW)
    auth.keys.revoke(other.id, who="t", now=NOW)
    assert auth.key(text, NOW) is None
    with pytest.raises(NotFound):
        auth.keys.revoke("none", who="t", now=NOW)
    with pytest.raises(Invalid, match="a time ahead"):
        auth.keys.add("late", [("viewer", "s")], who="t", now=NOW, expires_at=NOW)
    assert [e.what for e in auth.registry.edits()] == ["key.add", "key.add", "key.revoke"]


def test_a_keys_last_use_is_kept_by_the_minute(auth: Auth) -> None:
    """A partner who asks a thousand times a second does not write a thousand times a second."""
    _, text = auth.keys.add("city", [("viewer", "s")], who="t", now=NOW)
    for at in (NOW, NOW + 59_999, NOW + 60_000):
        auth.key(text, at)
        assert auth.keys.all()[0].last_used_at == (NOW + 60_000 if at == NOW + 60_000 else NOW)
