"""What a Sparkplug metric's free name means: the vocabulary, asked for its last words first dropped from the left."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import Final

from devices.units import known
from devices.vocabulary import Dialect, Sense, sense, words_of

NAME_MAX: Final = 255

# Branches of the tree that are no process values (the specification's Node Control and Properties, and their like).
_NO_VALUES: Final = """
    node_control device_control properties node_info device_info node_metrics config configuration settings setpoints
    setpoint parameters limits thresholds commands outputs control
"""
_BRANCHES: Final = frozenset(_NO_VALUES.split())
# Words before the subject that turn a statement into a setting, a command, a memory or its opposite.
_OTHERWISE: Final = """
    enable enabled disable disabled reset ack acknowledge mute silence no not non last previous prev max min maximum
    minimum avg average set setpoint sp limit threshold config setting settings command cmd simulate simulated
    simulation test force delay calibration offset count counter inhibit bypass bypassed isolate isolated shelved
    history expected target
"""
_TURNING: Final = frozenset(_OTHERWISE.split())
_VALUE_WORDS: Final = frozenset(("value", "pv", "val", "present_value", "reading"))


def _need(key: str) -> Sense:
    found = sense(key)
    assert found is not None, key
    return found


_HIGH_LEVEL: Final = _need("water_level_alarm")

DIALECT: Final = Dialect(
    senses={
        "level": _need("water_level"),
        "tank_level": _need("water_level"),
        **dict.fromkeys(
            (
                "level_high_alarm", "high_level_alarm", "level_high", "high_level", "level_high_high", "level_hh",
                "level_high_high_alarm", "level_alarm", "overflow", "overflow_alarm",
            ),
            _HIGH_LEVEL,
        ),
        **dict.fromkeys(("gauge_pressure", "inlet_pressure", "outlet_pressure"), _need("pressure")),
    },
)  # fmt: skip
"""Words of process control that the house's vocabulary leaves to its formats."""

_ANGLE: Final = _need("angle")


@lru_cache(maxsize=16384)
def meant(name: str, boolean: bool) -> tuple[Sense, str] | None:
    """What a metric of this name says, and the unit its name ends in; None if it is not understood.

    `boolean` tells a switch from a number: a tilt that is a number is an angle.
    """
    if len(name) > NAME_MAX:
        return None
    segments = [words for part in name.split("/") if (words := words_of(part)) != ("",)]
    if not segments or any("_".join(words) in _BRANCHES for words in segments[:-1]):
        return None
    unit = ""
    last = "_".join(segments[-1])
    if len(segments) > 1 and (known(name.rsplit("/", 1)[1].strip()) or last in _VALUE_WORDS):
        unit = "" if last in _VALUE_WORDS else name.rsplit("/", 1)[1].strip()
        segments = segments[:-1]
    found = _suffix([word for words in segments for word in words])
    if found is None:
        return None
    if not boolean and found.term.level == "tilt":
        return Sense(_ANGLE.term, found.channel, found.unit), unit
    return found, unit


def _speaks(found: Sense) -> bool:
    """Whether any value says something: `detector 7 temperature` is no yes or no, `7 temperature` is a number."""
    term = found.term
    return bool((found.levels and term.level) or (found.numbers and term.number) or term.text)


def _suffix(words: list[str]) -> Sense | None:
    """The longest run of words at the end that is understood, unless what stands before it turns its meaning."""
    for start in range(len(words)):
        found = DIALECT.sense("_".join(words[start:]))
        if found is not None and _speaks(found):
            before = [
                word
                for word, after in pairwise(words[: start + 1])
                if not (word == "no" and after.isdigit())  # "No 1" counts, "no smoke" denies
            ]
            return None if not _TURNING.isdisjoint(before) else found
    return None
