"""What one Homie property means, by its datatype and by what it, its name and its node say."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from devices.names import meaning_of
from devices.reading import METRICS, MetricClass
from devices.vocabulary import Meaning, Sense, channelled, number_in, sense, short, understand
from devices.words import Said, said

Row = list[Any]
"""What is known of a property: `[datatype, unit, settable, name, an enum word means broken, channel]`."""

PLAIN_ROW: Final[Sequence[Any]] = ("", "", False, "", False, None)
"""A property nobody described."""

_VALUELESS: Final = frozenset(("color", "datetime", "duration", "json"))
_BARE: Final = frozenset(
    ("degrees", "percent", "percentage", "unit", "reading", "measurement", "level", "data")
)
_EXPLOSIVE: Final = frozenset(("gas_lel", "gas_concentration"))


class WrongValue(Exception):
    """A payload that its datatype does not allow; the convention has it ignored."""


@lru_cache(maxsize=8192)
def subject(node: str, prop: str, kind: str, name: str) -> Sense | None:
    """What a property is about: by its id or name, with its node's type or id where those are too general."""
    own = meaning_of(prop)
    if own is not None and not _general(own):
        return own
    named = meaning_of(name) if name else None
    if named is not None and not _general(named):
        return named
    for around in (kind, node):
        if around:
            found = sense(f"{around}_{prop}") or (sense(around) if prop in _BARE else None)
            if found is not None and not _general(found):
                return found
    return own or named


def _general(meant: Sense) -> bool:
    """`alarm` and `state` say nothing of what is alarmed or in which state."""
    return meant.term.level == "alarm_flag" or meant.term.text == "switch_state"


def value(node: str, prop: str, kind: str, row: Sequence[Any], text: str) -> list[Meaning]:
    """What a payload says. Raises WrongValue if the property's datatype does not allow it."""
    datatype, unit, settable, name, faulty, channel = row
    meant = subject(node, prop, kind, name)
    if datatype in _VALUELESS or meant is None:
        return []
    if channel is not None and channel != meant.channel:
        meant = channelled(meant, channel)
    level = meant.term.level
    if (
        settable
        and level
        and METRICS[level].klass is MetricClass.ALARM
        and datatype not in {"integer", "float"}
    ):
        return []  # what one can set is a setting or a siren
    given = _typed(datatype, text)
    if meant.term.number in _EXPLOSIVE and unit == "%":
        unit = "%LEL"
    if isinstance(given, str):
        return _word(meant, given, unit, faulty)
    return understand(meant, given, unit)


def _typed(datatype: str, text: str) -> bool | float | str:
    """The payload as a value of its datatype; of an unknown one what the payload looks like."""
    if text in {"true", "false"} and datatype not in {"integer", "float"}:
        return text == "true"
    if datatype == "boolean" or (not datatype and text.casefold() in {"true", "false"}):
        raise WrongValue("a boolean is true or false, in lower case")
    number = number_in(text) if datatype in {"", "integer", "float"} else None
    if number is not None:
        return number
    if datatype in {"integer", "float"}:
        raise WrongValue(f"{short(text)[:40]!r} is no number")
    return text


def _word(meant: Sense, text: str, unit: str, faulty: bool) -> list[Meaning]:
    """A word of an enum; `fault` under any key is a fault, and where it may be said the others deny it."""
    level = meant.term.level
    if level and said(text) is Said.FAULT and METRICS[level].klass is not MetricClass.ALARM:
        return [Meaning("fault", meant.channel, True)]
    found = understand(meant, text, unit)
    if faulty and found and level != "fault" and all(m.metric != "fault" for m in found):
        found.append(Meaning("fault", meant.channel, False))
    return found
