"""Keeps secrets out of the file: `${NAME}` reads the environment, `file:PATH` a file; a literal one is an error."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from gateway.config.document import Document, Problem
from gateway.shape import Path as KeyPath
from gateway.shape import nearest

SECRET_BYTES_MAX: Final = 65_536  # a certificate chain fits, a wrong file does not

_WORDS: Final = frozenset({
    "password", "passwd", "passphrase", "secret", "secrets", "token", "api_key", "apikey", "api_token",
    "access_token", "auth_token", "private_key",
})  # fmt: skip
_REFERENCE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_URL_PASSWORD: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/@\s]*:[^/@\s]+@")
_KEY_IN_URL: Final = re.compile(
    r"[a-z][a-z0-9+.-]*://\S*[?&](access_token|token|key|sign|secret|password)=[^&\s]+", re.IGNORECASE
)
# Standard Webhooks secrets and our own keys tell on themselves.
_LITERAL: Final = re.compile(r"whsec_|csg_[a-z0-9]{8}_")

REFERENCE: Final = "a reference: ${NAME} for the environment or file:PATH"


class Secret(str):
    """A resolved secret while the document is checked: shows itself as *** in any problem about it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "***"


def revealed(data: Any) -> Any:
    """The checked data with every `Secret` as the plain text it stands for."""
    if isinstance(data, dict):
        return {key: revealed(value) for key, value in data.items()}
    if isinstance(data, list):
        return [revealed(value) for value in data]
    return str(data) if isinstance(data, Secret) else data


class Resolver:
    """Replaces the references below some keys of one document. What cannot be read becomes a problem.

    A secret's text never enters a problem; a missing one is replaced by a stand-in so that the rest is still checked.
    """

    def __init__(self, document: Document, base: Path, environ: Mapping[str, str]) -> None:
        self.document, self.base, self.environ = document, base, environ
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []

    def resolved(self, data: Any, path: KeyPath, *, secret: bool = False) -> Any:
        """`data` with every reference replaced by its `Secret`."""
        if isinstance(data, dict):
            # An apprise address is a key as a whole, whatever its scheme.
            whole = data.get("kind") == "apprise"
            return {
                k: self.resolved(
                    v,
                    (*path, k),
                    secret=secret or _is_secret(k) or (whole and k == "url") or _is_source_key((*path, k)),
                )
                for k, v in data.items()
            }
        if isinstance(data, list):
            return [self.resolved(v, (*path, i), secret=secret) for i, v in enumerate(data)]
        if isinstance(data, str) and (match := _REFERENCE.fullmatch(data)) is not None:
            return self._environment(match[1], path)
        if isinstance(data, str) and data.startswith("file:"):
            return self._file(data.removeprefix("file:"), path)
        if data is None or isinstance(data, bool):
            return data
        if isinstance(data, str) and "${" in data:
            self._problem(path, "${NAME} alone as the whole value", "a reference within a longer text")
        elif path[-1:] == ("broker",) and isinstance(data, str) and "@" in data:
            self._problem(path, "an address without a user; write username: and password: ${NAME} beside it",
                          "an address with one")  # fmt: skip
            return "mqtt://-"
        elif secret or (isinstance(data, str) and _tells(data)):
            name = "_".join(re.sub(r"[^A-Za-z0-9]+", "_", str(p)).upper() for p in path)
            self._problem(path, REFERENCE, "a secret written in the file", f"${{CSG_{name}}}")
            return Secret("-")
        return data

    def _environment(self, name: str, path: KeyPath) -> Secret:
        value = self.environ.get(name, "")
        if not value:
            near = nearest(name, [n for n, text in self.environ.items() if text])
            self._problem(path, f"the environment variable {name} to be set", "nothing of that name", near)
        return Secret(value or "-")

    def _file(self, name: str, path: KeyPath) -> Secret:
        place = self.base / name.strip()
        try:
            with place.open("rb") as file:
                value = file.read(SECRET_BYTES_MAX + 1)
            mode = place.stat().st_mode
            text = value.decode().rstrip("\r\n")
        except UnicodeDecodeError:
            self._problem(path, "text in UTF-8", f"other bytes in {place}")
            return Secret("-")
        except (OSError, ValueError) as error:
            self._problem(path, "a file that can be read", _why(place, error))
            return Secret("-")
        if not text or len(value) > SECRET_BYTES_MAX:
            self._problem(
                path, f"a secret of 1 to {SECRET_BYTES_MAX} bytes", f"{len(value)} bytes in {place}"
            )
            return Secret("-")
        if mode & 0o077:
            self.warnings.append(
                self.document.problem(
                    path, "a file only its owner can read (chmod 600)", f"{place} with mode {mode & 0o777:o}"
                )
            )
        return Secret(text)

    def _problem(self, path: KeyPath, expected: str, what: str, nearest: str | None = None) -> None:
        self.problems.append(self.document.problem(path, expected, what, nearest))


def _tells(text: str) -> bool:
    """Whether a text is a secret by its own looks: an address with a password or key in it, or a marked one."""
    return any(pattern.match(text) for pattern in (_URL_PASSWORD, _KEY_IN_URL, _LITERAL))


def _is_secret(key: str) -> bool:
    return key.lower().replace("-", "_") in _WORDS


def _is_source_key(path: KeyPath) -> bool:
    """`key` of a source that listens; elsewhere (`tls.key`) the word names a file."""
    if len(path) == 4 and path[0] == "sources" and path[2] == "platform":
        return path[3] in {"key", "secret"}
    return len(path) == 3 and path[0] == "sources" and path[2] == "key"


def _why(place: Path, error: Exception) -> str:
    return f"{place}: {error.strerror or 'unreadable'}" if isinstance(error, OSError) else "no path"
