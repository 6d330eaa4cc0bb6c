"""Hashes and checks passwords with argon2id, few at a time, so that guessing costs the guesser and not the house."""

from __future__ import annotations

import asyncio
import secrets
import threading
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, TypeVar

from pwdlib import PasswordHash
from pwdlib.exceptions import PwdlibError
from pwdlib.hashers.argon2 import Argon2Hasher

T = TypeVar("T")

LENGTH_MIN: Final = 10  # NIST SP 800-63B asks for 8 at least, without rules on kinds of characters
LENGTH_MAX: Final = 256  # longer would only be work for us
AT_ONCE: Final = 2  # two cores, and 19 MiB each
WAITING_MAX: Final = 20

# OWASP Password Storage Cheat Sheet: argon2id with m=19456 (19 MiB), t=2, p=1.
_HASHER: Final = PasswordHash((Argon2Hasher(time_cost=2, memory_cost=19_456, parallelism=1),))

_COMMON: Final = frozenset({
    "1234567890", "0123456789", "1q2w3e4r5t", "qwertyuiop", "password12", "password123", "1111111111",
    "0000000000", "8888888888", "6666666666", "a123456789", "woaini1314", "woaini520", "admin12345",
    "administrator", "abcd123456", "1234qwerasdf", "qwer123456", "asdfghjkl;", "iloveyou123", "5201314520",
    "1qaz2wsx3edc", "qq123456789", "password1234", "123456789a", "1234567890a", "admin123456", "a1234567890",
    "aaaaaaaaaa", "12345678910", "11111111111",
})  # fmt: skip


class Busy(Exception):
    """Too many passwords are being checked; try again in a second."""


def weakness(password: str, name: str = "") -> str | None:
    """Why the password is refused: `too_short`, `too_long`, `is_name`, `common`; None when it is good enough."""
    text = _normal(password)
    if len(text) < LENGTH_MIN:
        return "too_short"
    if len(text) > LENGTH_MAX:
        return "too_long"
    folded = text.casefold()
    if name and folded.strip("0123456789!@#$") == name.casefold():
        return "is_name"
    if folded in _COMMON or len(set(folded)) < 4:
        return "common"
    return None


def hash_password(password: str) -> str:
    """The argon2id hash with its parameters and salt, as one text. Takes some 20 ms of one core: call in a thread."""
    return _HASHER.hash(_normal(password))


def verify(password: str, hashed: str | None) -> tuple[bool, str | None]:
    """Whether it is the password, and a new hash where the stored one has older parameters.

    `hashed` None (no such user, no password yet) costs the same time and is never right.
    """
    if len(password) > LENGTH_MAX * 4:
        return False, None
    try:
        right, better = _HASHER.verify_and_update(_normal(password), hashed or _nobody())
    except PwdlibError:  # a stored text that is no hash
        return False, None
    return (right, better) if hashed is not None else (False, None)


class Checker:
    """Runs `verify` and `hash_password` for the loop in AT_ONCE threads, with a bounded queue before them."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="argon2")
        self._waiting = 0

    async def verify(self, password: str, hashed: str | None) -> tuple[bool, str | None]:
        """As `verify`; raises Busy past WAITING_MAX."""
        return await self._run(partial(verify, password, hashed))

    async def hash(self, password: str) -> str:
        """As `hash_password`; raises Busy past WAITING_MAX."""
        return await self._run(partial(hash_password, password))

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: partial[T]) -> T:
        if self._waiting >= WAITING_MAX:
            raise Busy
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._waiting -= 1


_lock: Final = threading.Lock()
_dummy: list[str] = []


def _nobody() -> str:
    """A hash nobody's password has, made once: an unknown name must cost what a known one does."""
    with _lock:
        if not _dummy:
            _dummy.append(_HASHER.hash(secrets.token_urlsafe(32)))
        return _dummy[0]


def _normal(password: str) -> str:
    """One form of the same characters, whichever keyboard they came from (NIST SP 800-63B, 5.1.1.2)."""
    return unicodedata.normalize("NFKC", password)
