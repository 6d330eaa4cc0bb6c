"""Placement by name: where devices go whose names say where they are.

A pattern is a device id, or the name behind its source, with named gaps: `smoke-{b}-{f}-{r}` fits `smoke-3-5-502`, and
the place `sunshine-b{b}-f{f}-{r}` is then `sunshine-b3-f5-502`. A gap takes one or more characters other than
`- _ . / :` and spaces, and `{name:2}` exactly two of any digits or letters. There is nothing else to it, so no pattern
can be slow.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from devices.reading import source_of
from gateway.registry.errors import Invalid, RowProblem

PATTERN_MAX: Final = 200
GAPS_MAX: Final = 8
_GAP: Final = re.compile(r"\{([a-z][a-z0-9_]{0,31})(?::([1-9][0-9]?))?\}")
_ONE: Final = r"[^-_./:\s]+"


class Placement(msgspec.Struct, frozen=True):
    """A rule: devices whose id fits `pattern` go to `place` and are of `kind` (empty: unknown)."""

    pattern: str
    place: str
    kind: str = ""


class BadPattern(ValueError):
    """The pattern or the place cannot be understood; the text says why."""


class Fitter:
    """One placement ready to be asked. Raises BadPattern."""

    def __init__(self, placement: Placement) -> None:
        self.placement = placement
        text = placement.pattern
        if not text or len(text) > PATTERN_MAX:
            raise BadPattern(f"a pattern has 1 to {PATTERN_MAX} characters")
        literal = _GAP.sub("", text)
        if "{" in literal or "}" in literal:
            raise BadPattern("a gap is written {name} or {name:2}: small letters, digits, _")
        names: list[str] = []
        built, last, open_end = "", 0, False
        for gap in _GAP.finditer(text):
            name, width = gap[1], gap[2]
            if name in names:
                raise BadPattern(f"{{{name}}} stands twice in the pattern")
            if names and gap.start() == last and open_end and not width:
                raise BadPattern(
                    f"something must stand between {{{names[-1]}}} and {{{name}}}, or a width in them"
                )
            names.append(name)
            built += re.escape(text[last : gap.start()])
            built += f"(?P<{name}>[^\\W_]{{{width}}})" if width else f"(?P<{name}>{_ONE})"
            last, open_end = gap.end(), not width
        if not names or len(names) > GAPS_MAX:
            raise BadPattern(f"a pattern has 1 to {GAPS_MAX} gaps such as {{room}}")
        unknown = [gap[1] for gap in _GAP.finditer(placement.place) if gap[1] not in names]
        if unknown:
            raise BadPattern(f"the place names {{{unknown[0]}}}, which the pattern does not have")
        self._whole = ":" in literal  # a pattern that names the source is asked of the whole id
        self._regex = re.compile(built + re.escape(text[last:]))

    def place(self, device: str) -> str | None:
        """The id of the place for this device, None where its name does not fit."""
        name = device if self._whole else device[len(source_of(device)) + 1 :]
        found = self._regex.fullmatch(name)
        if found is None:
            return None
        return _GAP.sub(lambda gap: found[gap[1]], self.placement.place)


def fitter(placement: Placement) -> Fitter:
    """The same for a rule that somebody asks for now. Raises Invalid."""
    try:
        return Fitter(placement)
    except BadPattern as error:
        problem = RowProblem("placement_rules", 1, "pattern", str(error), repr(placement.pattern))
        raise Invalid([problem]) from error
