"""One vocabulary for every JSON dialect: what a vendor's key and value mean in the house's own metrics.

A key is cut into words (`lowBatteryAlarm` is `low battery alarm`). The longest run of words that stands in `TERMS` is
its subject; every other word must be a word of state ("alarm", "status"), a unit ("mv"), or a channel ("l1", "2",
"left"), else the key is not understood. So settings such as `temperature_calibration` or `alarm_time` never pass for
readings, and a model nobody has seen yet is understood by its words alone.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import msgspec

from devices.reading import METRICS, TEXT_MAX, Condition, Flag, MetricClass, Value
from devices.terms import (
    CHANNELS,
    CODE_WORDS,
    LEVEL_WORDS,
    NUMBER_WORDS,
    PART_FAULT,
    PARTS,
    RANGES,
    SIBLINGS,
    STATE_WORDS,
    TERMS,
    Term,
)
from devices.units import convert, known, scale
from devices.words import HUMP, Said, normal, said, switch


class Sense(msgspec.Struct, frozen=True, gc=False):
    """What a key means before its value is seen: the term, and what the words around the subject add."""

    term: Term
    channel: str = ""
    unit: str = ""  # said by the key itself
    levels: bool = True  # may be a yes or no
    numbers: bool = True  # may be a number
    coded: bool = False  # a whole number is a code, of which only 0 and 1 are understood


class Dialect(msgspec.Struct, frozen=True):
    """Where one wire format differs: units it does not spell out, numbers that mean "no reading", keys of its own."""

    units: Mapping[str, str] = {}  # metric -> unit
    no_reading: Mapping[str, tuple[float, ...]] = {}  # metric -> the vendor's numbers for "no reading"
    senses: Mapping[str, Sense] = {}  # key as written -> its meaning here

    def sense(self, key: str) -> Sense | None:
        """What the key means in this format, or None if its words are not all understood."""
        return self.senses.get(key) or sense(key)


PLAIN: Final = Dialect()


class Meaning(msgspec.Struct, frozen=True, gc=False):
    """One statement understood: `flags` are `Flag` bits; value None says that there is no reading."""

    metric: str
    channel: str
    value: Value
    flags: int = 0


_NUMBERS: Final = (int, float)
_INVALID: Final = int(Flag.INVALID)  # an int: arithmetic on flags is slow
_JOINED: Final = re.compile(r"(^|_)(?:([mkh])_(a|v|w|pa|wh)|(d)_(bm)|(deg)_([cf]))(?=_|$)")
_COUNTED: Final = re.compile(r"([a-z]{3,})(\d{1,2})")
_KEY_MAX: Final = 64  # the longest key in a public device database has 44 characters


def words_of(key: str) -> tuple[str, ...]:
    """The words of a key: camel humps and everything that is no letter or digit separate; `kPa` and `mV` are one."""
    return tuple(_JOINED.sub(r"\1\2\3\4\5\6\7", normal(HUMP.sub("_", key))).split("_"))


@lru_cache(maxsize=8192)
def sense(key: str) -> Sense | None:
    """What the key means, or None if its words are not all understood."""
    if len(key) > _KEY_MAX:
        return None
    words = words_of(key)
    found = _subject(words)
    if found is None and any(map(_COUNTED.fullmatch, words)):
        # `temp1` is `temp 1`, where it is no word of its own
        cut = (m.groups() if (m := _COUNTED.fullmatch(word)) else (word,) for word in words)
        found = _subject(tuple(part for parts in cut for part in parts))
        return None if found is None or found.term.whole else found
    return found


def _subject(words: tuple[str, ...]) -> Sense | None:
    """The longest run of words that is a subject, with the others around it."""
    for length in range(len(words), 0, -1):
        for start in range(len(words) - length + 1):
            term = TERMS.get("_".join(words[start : start + length]))
            if term is not None:
                found = _around(term, words[:start] + words[start + length :])
                if found is not None:
                    return found
    return None


def _around(term: Term, rest: tuple[str, ...]) -> Sense | None:
    channel: list[str] = []
    unit, levels, numbers, coded = "", True, True, False
    for word in rest:
        if CHANNELS.fullmatch(word) and word not in TERMS and not (word in _UNITS and _is_unit(term, word)):
            channel.append(word)
        elif term.number and _is_unit(term, word):
            unit, levels = word, False
        elif term.whole:
            return None
        elif word in PARTS and (term is PART_FAULT or term is _FAULT):
            term = PART_FAULT
        elif word in LEVEL_WORDS:
            numbers, coded = False, True
        elif word in NUMBER_WORDS:
            levels = False
        elif word not in STATE_WORDS:
            return None
        else:
            coded = coded or word in CODE_WORDS
    return Sense(term, "_".join(channel), unit, levels, numbers, coded and levels)


def channelled(meant: Sense, channel: str) -> Sense:
    """The same sense of another channel."""
    return Sense(meant.term, channel, meant.unit, meant.levels, meant.numbers, meant.coded)


_FAULT: Final = TERMS["fault"]
_UNITS: Final = frozenset(
    ("b", "c", "f", "m3")
)  # "temperature_c"; but "current_a" is phase A more often than amperes


def _is_unit(term: Term, word: str) -> bool:
    return bool(term.number) and _fits(term.number, word)


def _fits(metric: str, unit: str) -> bool:
    return any(_measures(m, unit) for m in (metric, *SIBLINGS.get(metric, ())))


def _measures(metric: str, unit: str) -> bool:
    canonical = METRICS[metric].unit
    return canonical is not None and scale(unit, canonical) is not None


def understand(meant: Sense, value: Any, unit: str = "", dialect: Dialect = PLAIN) -> list[Meaning]:
    """Everything a value says under a key of this sense; empty when it says nothing the house keeps.

    `unit` is the one the message or the device's own description names; it outranks the key's and the dialect's. Never
    raises. No reading (null, "NoSensor", NaN) becomes None; what cannot be true keeps its value with `Flag.INVALID`;
    so does, with value None, a word or code on an alarm key that nobody knows: it must not read as normal (`riddle`).
    """
    kind = type(value)
    if kind is bool:
        if not meant.levels and meant.numbers and not meant.unit and _alarming(meant.term):
            # No number is a boolean: under `smoke_data` it can only be the alarm.
            return [Meaning(meant.term.level, meant.channel, value ^ meant.term.inverted)]
        return _level(meant, value ^ meant.term.inverted)
    if kind is int or kind is float:
        return _number(meant, value, unit, dialect)
    if kind is str:
        return _text(meant, value, unit, dialect)
    if value is None:
        term, level = meant.term, meant.term.level if meant.levels else ""
        if level and term.number and METRICS[level].klass is not MetricClass.ALARM:
            level = ""  # of a battery's charge there is no reading; nobody asked whether it is low
        metric = level or term.number or term.text
        return [Meaning(metric, meant.channel, None)] if metric else []
    if kind is list:
        # Only faults come as lists of their names; an empty one says that there are none.
        return _level(meant, bool(value)) if meant.term.any_word and len(value) <= _KEY_MAX else []
    if kind is dict and "value" in value and not isinstance(value["value"], dict):
        named = value.get("unit")
        return understand(meant, value["value"], named if type(named) is str else unit, dialect)
    return []


def _alarming(term: Term) -> bool:
    return term.level != "" and METRICS[term.level].klass is MetricClass.ALARM


def _level(meant: Sense, value: bool) -> list[Meaning]:
    return [Meaning(meant.term.level, meant.channel, value)] if meant.levels and meant.term.level else []


def _number(meant: Sense, value: float, unit: str, dialect: Dialect) -> list[Meaning]:
    term = meant.term
    if meant.coded and not unit and (type(value) is int or _whole(value)):
        return _code(meant, value)
    if meant.levels and term.level and not unit and (value in (0, 1) if term.bits else not term.number):
        if isinstance(value, float) and not math.isfinite(value):
            return [Meaning(term.level, meant.channel, None)]
        return _level(meant, (value != 0) ^ term.inverted)
    if not meant.numbers or not term.number:
        return []
    named = unit or meant.unit
    if named and known(named) and not _fits(term.number, named):
        return []  # `current_value` in degrees Celsius: the key was misread, not the number mismeasured
    return [quantity(term.number, meant.channel, value, named, dialect, term.unit)]


def _whole(value: float) -> bool:
    return value.is_integer() or not math.isfinite(value)


def _code(meant: Sense, value: float) -> list[Meaning]:
    """What a whole number says as a code: 0 and 1 are no and yes; others differ from maker to maker, but of a fault
    every code but 0 is one. A quantity's state says nothing of the quantity."""
    term = meant.term
    if not term.level:
        return []
    if type(value) is float and not math.isfinite(value):
        return [Meaning(term.level, meant.channel, None)]
    if value in (0, 1) or term.any_word:
        return _level(meant, (value != 0) ^ term.inverted)
    if METRICS[term.level].klass is MetricClass.ALARM:
        return [Meaning(term.level, meant.channel, None, _INVALID)]
    return [] if term.bits or term.number else _level(meant, not term.inverted)


def riddle(key: str, value: Any, meant: Meaning) -> str | None:
    """Why a message is set aside in which an alarm's key says what nobody knows (`code: words`); None for all else."""
    if meant.value is not None or not meant.flags & _INVALID:
        return None
    if METRICS[meant.metric].klass is not MetricClass.ALARM:
        return None
    if type(value) is dict:
        value = value.get("value")
    text = value if type(value) is str else None
    if text is None:
        text = str(value) if type(value) in _NUMBERS and -HUGE < value < HUGE else "something else"
    kind = "code" if number_in(text) is not None else "word"
    return f"unknown-{kind}: {quoted(key) or 'it'} says {quoted(text)}"


def quantity(
    metric: str, channel: str, value: float, unit: str = "", dialect: Dialect = PLAIN, default: str = ""
) -> Meaning:
    """A number of a known metric in its canonical unit. `default` is the unit when nobody names one.

    Some metrics follow from the unit: gas in %LEL is `gas_lel`, gas in m3 a meter's `volume`.
    """
    if value in dialect.no_reading.get(metric, ()) or (isinstance(value, float) and not math.isfinite(value)):
        return Meaning(metric, channel, None)
    unit = unit or dialect.units.get(metric, "") or default
    if not unit and metric == "battery_voltage" and abs(value) >= 1000:
        unit = "mV"  # no battery has a thousand volts
    canonical = METRICS[metric].unit
    flags = 0
    if unit and unit != canonical:
        if not _measures(metric, unit):
            other = next((m for m in SIBLINGS.get(metric, ()) if _measures(m, unit)), None)
            if other is not None:
                return quantity(other, channel, value, unit)
            # A number in a unit that cannot be its own is kept, never judged.
            flags = _INVALID if canonical is not None else 0
        elif canonical is not None and -HUGE < value < HUGE:
            value = convert(value, unit, canonical) or 0.0
    return checked(metric, channel, value, flags)


def checked(metric: str, channel: str, value: float, flags: int = 0) -> Meaning:
    """The number with `Flag.INVALID` if it cannot be true for the metric; one too big to store becomes None."""
    if not -HUGE < value < HUGE:
        return Meaning(metric, channel, None, flags | _INVALID)
    low, high = RANGES.get(metric, _ANY)
    return Meaning(metric, channel, value, flags if low <= value <= high else flags | _INVALID)


def _text(meant: Sense, value: str, unit: str, dialect: Dialect) -> list[Meaning]:
    term, text = meant.term, value.strip()
    if not text:
        return []  # an empty action or text is the dialect's way of saying nothing
    if (own := term.words.get(normal(text))) is not None:
        return [Meaning(own[0], meant.channel, own[1])]
    if term.number and meant.numbers and (number := number_in(text)) is not None:
        return _number(meant, number, unit, dialect)
    if term.number and meant.numbers and (measured := _MEASURE.fullmatch(text)) and known(measured[2]):
        return _number(meant, float(measured[1]), measured[2], dialect)
    if not term.text_first and meant.levels and term.level:
        spoken = _spoken(meant, text)
        if spoken is not None:
            return spoken
    if term.text:
        return [Meaning(term.text, meant.channel, short(value))]
    if not (meant.levels and term.level):
        silent = term.number and meant.numbers and said(text) is Said.UNKNOWN
        return [Meaning(term.number, meant.channel, None)] if silent else []
    if METRICS[term.level].klass is MetricClass.ALARM and not term.alarm_words_only:
        return [Meaning(term.level, meant.channel, None, _INVALID)]
    return []


_OTHER_CONDITION: Final = {
    Said.TEST: "test",
    Said.FAULT: "fault",
    Said.PREALARM: "prealarm",
    Said.HUSH: "muted",
    Said.LOW_BATTERY: "battery_low",
    Said.TAMPER: "tamper",
    Said.END_OF_LIFE: "end_of_life",
}
_OWN_WORD: Final = {metric: spoken for spoken, metric in _OTHER_CONDITION.items()} | {
    "battery_defect": Said.FAULT
}


def _spoken(meant: Sense, text: str) -> list[Meaning] | None:
    """A word under a key that answers yes or no; None when the word is not understood."""
    term = meant.term
    switched = switch(text)
    if switched is not None:
        # An on/off under `heat` is a thermostat's switch. A bare boolean still means what a JSON boolean means.
        return [] if term.alarm_words_only else _level(meant, switched ^ term.inverted)
    spoken = said(text)
    metric = METRICS[term.level]
    if spoken is Said.UNKNOWN:
        return [Meaning(term.level, meant.channel, None)]
    if spoken is Said.NORMAL or spoken is Said.ACTIVE or (spoken and spoken is _OWN_WORD.get(term.level)):
        return _level(meant, spoken is not Said.NORMAL)
    if term.any_word:
        return _level(meant, True)
    if spoken is not None and metric.condition is Condition.ALARM:
        # A smoke key that says "test" is a test, "fault" a fault: different things, and none of them is normal.
        return [Meaning(_OTHER_CONDITION[spoken], meant.channel, True)]
    return None


def number_in(text: str) -> float | None:
    """The number a text consists of, as `12.5`, `-1` or `1.2e1`; None for anything else, `nan` and `0x10` too."""
    if len(text) > _NUMBER_MAX:
        return None
    if text.isdecimal() and text.isascii():
        return int(text)
    if not _NUMBER.fullmatch(text):
        return None
    value = float(text)
    return int(text) if _WHOLE.fullmatch(text) else value


def short(text: str) -> str:
    """The text as a reading may hold it: at most 255 characters, without control characters."""
    cut = text[:TEXT_MAX]
    return cut if cut.isprintable() else "".join(c if c.isprintable() else " " for c in cut)


def quoted(text: str) -> str:
    """A device's own word as a reason quotes it: one line of at most 64 characters, with single spaces."""
    return " ".join(short(text[:64]).split())


def clean_channel(text: str) -> str:
    """The text as a channel may hold it: no slash, at most 64 printable characters."""
    return short(text[:_KEY_MAX]).replace("/", "_")


_NUMBER: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_WHOLE: Final = re.compile(r"[+-]?\d+", re.ASCII)
_NUMBER_MAX: Final = 32
_MEASURE: Final = re.compile(
    r"([+-]?\d{1,15}(?:\.\d{1,15})?)\s*([^\d\s.,:;+-]\S{0,9})", re.ASCII
)  # `0.32 MPa`
HUGE: Final = (
    1e15  # beyond it a double no longer tells thousandths apart, and nothing here is measured in such numbers
)
_ANY: Final = (-HUGE, HUGE)
