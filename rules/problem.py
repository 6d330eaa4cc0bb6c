"""One thing that is wrong with a rule file, said so that its writer can mend it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

import msgspec

Path = tuple[str | int, ...]
"""Where in the parsed document: keys and list positions from the top, e.g. ("rules", 3, "when", "abov")."""


class Problem(msgspec.Struct, frozen=True):
    """`message` is a whole clause in English; `expected` says what would be right; `nearest` is the likely meant word.

    A problem about something absent carries the path it would have had.
    """

    path: Path
    message: str
    expected: str = ""
    nearest: str | None = None

    def under(self, *prefix: str | int) -> Problem:
        """The same problem seen from further up the document."""
        return msgspec.structs.replace(self, path=(*prefix, *self.path))

    def __str__(self) -> str:
        text = f"{dotted(self.path)}: {self.message}"
        if self.expected:
            text += f"; expected {self.expected}"
        if self.nearest is not None:
            text += f"; did you mean {self.nearest}?"
        return text


def dotted(path: Path) -> str:
    """A path as people write it: `rules[3].when.abov`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.lstrip(".") or "document"


def nearest(word: object, words: Iterable[str]) -> str | None:
    """The word most like `word`, if any is like it at all."""
    return next(iter(difflib.get_close_matches(str(word), list(words), n=1)), None)


def unknown(path: Path, what: str, word: object, words: Iterable[str]) -> Problem:
    """`word` is not one of `words`: say which are, and which was probably meant."""
    known = sorted(words)
    # A list of 200 metric names helps nobody; beyond a dozen the nearest one says more.
    expected = f"one of {', '.join(known)}" if len(known) <= 12 else ""
    return Problem(path, f"unknown {what} {word!r}", expected, nearest(word, known))
