"""What an object says by its keys alone, when no profile speaks for its product.

The vocabulary reads the keys; three things it would take too lightly are told apart and reported: a code other than 0
and 1 under an alarm's key (one maker's 2 is a high alarm, another's is silence), a key that sounds like an alarm and is
not understood, and the word of a state nobody knows. None of them may read as normal.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import msgspec

from devices.alarm_names import EVENT_KEYS, condition, joined, named
from devices.names import settings_group
from devices.reading import GRAVE, METRICS, Flag, MetricClass
from devices.terms import Term
from devices.vocabulary import Dialect, Meaning, Sense, number_in, quoted, sense, understand, words_of
from devices.words import Said, said

KEYS_MAX: Final = 256
"""Keys read of one payload; the richest public product model has about sixty."""

DEPTH_MAX: Final = 4
"""How deep objects are followed: service, its data, a struct in it, its value."""

ITEMS_MAX: Final = 64
"""Objects read of one list."""

_INVALID: Final = int(Flag.INVALID)
_BATTERY: Final = sense("battery")
_VOLTAGE: Final = Term(number="voltage")
_CURRENT: Final = Term(number="current", unit="A")
_DIALECT: Final = Dialect(
    senses={
        **{
            key: found
            for key, found in (("electricQuantity", _BATTERY), ("electric_quantity", _BATTERY))
            if found is not None
        },
        # Electrical fire monitors name their phases as the terminals are marked.
        **{f"{letter}{phase}": Sense(_VOLTAGE, phase) for letter in "uU" for phase in "abc"},
        **{f"{letter}{phase}": Sense(_CURRENT, phase) for letter in "iI" for phase in "abc"},
    }
)


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_GENERIC: Final = _set("""
    alarm alarms alert alerts warn warning state status flag event active triggered code type dev
    device sensor detector 报警 告警 警报 状态 报警状态 告警状态
""")
"""Words that name no subject. A key of these alone is about the thing the service is named for."""

_ALARMING: Final = _set("""
    alarm alarms alert alerts warn warning 报警 告警 警报 报警状态 告警状态
""")
_LIFE: Final = _ALARMING | _set("""
    fire smoke gas co flame leak leakage flood sos panic emergency help danger tamper fault error
""")
_SIGNS: Final = ("报警", "告警", "火", "烟", "燃气", "泄漏", "泄露", "漏水", "求助")
_STATES: Final = _set("""
    state status event
""")
_SETTINGS: Final = _set("""
    threshold thresholds thd limit time times interval period volume duration delay enable enabled
    switch version count counter num number sensitivity set setting calibration cfg config min max
    upper lower range unit name desc id url sn model
""")


class _Key(msgspec.Struct, frozen=True, gc=False):
    """What a key means under a service's name: its sense, or whether it sounds like something one must not miss."""

    meant: Sense | None
    alarming: bool
    coded: bool  # an alarm told by a number that may be more than yes and no


@lru_cache(maxsize=8192)
def _key(key: str, subject: str) -> _Key:
    words = frozenset(words_of(key)) if len(key) <= 64 else frozenset[str]()
    found = _DIALECT.sense(key) or _chinese(key)
    bare = words <= _GENERIC and bool(words)
    if bare and words & (_ALARMING | _STATES | {"flag", "active", "triggered", "状态"}):
        about = subject_of(subject)
        if about is not None:
            found = Sense(about.term, about.channel, numbers=False)
        elif words & _ALARMING:
            found = Sense(Term("alarm_unspecified", bits=True))
        else:
            found = None
    level = found.term.level if found is not None and found.levels else ""
    alarm = bool(level) and METRICS[level].klass is MetricClass.ALARM
    counted = found is not None and bool(found.term.number) and found.numbers and not words & _STATES
    sounds = bool(words & _LIFE) or any(sign in key for sign in _SIGNS) or (bare and bool(words & _STATES))
    return _Key(found, found is None and sounds and not words & _SETTINGS, alarm and not counted)


def _chinese(key: str) -> Sense | None:
    """A Chinese key, written without spaces: 烟雾报警状态 is the state of 烟雾报警."""
    for end in ("状态", "标志", "值"):
        bare = key.removesuffix(end)
        if bare != key and (found := sense(bare)) is not None:
            return found
    bare = key.removesuffix("状态").removesuffix("报警").removesuffix("告警")
    found = sense(bare) if bare and bare != key else None
    return Sense(found.term, found.channel, numbers=False) if found is not None else None


@lru_cache(maxsize=1024)
def event_of(name: str) -> str | None:
    """The metric that an event of this name states by happening: an alarm or a fault; None for any other name."""
    words = frozenset(words_of(name)) if len(name) <= 64 else frozenset[str]()
    if words <= _GENERIC and words & _ALARMING:
        return "alarm_unspecified"
    found = sense(name) if name else None
    if found is None or not found.term.level or not found.levels:
        return None
    klass = METRICS[found.term.level].klass
    if klass is MetricClass.ALARM or (
        klass is MetricClass.FAULT and not (found.term.number and found.numbers)
    ):
        return found.term.level
    return None


@lru_cache(maxsize=1024)
def subject_of(service: str) -> Sense | None:
    """What a service's or an event's name is about, where that can be wrong: `smokeDetector`, `gas_alarm`, `tamper`."""
    found = sense(service) if service else None
    return found if found is not None and found.term.level in GRAVE else None


class Words:
    """Reads objects by their keys alone."""

    def __init__(self, subject: str, skipped: frozenset[str]) -> None:
        self.subject, self.skipped = subject, skipped
        self.said: dict[tuple[str, str], Meaning] = {}
        self.problem: str | None = None
        self._left = KEYS_MAX

    def read(self, body: Any) -> None:
        """Read an object or a list of them."""
        self._read(body, self.subject, self.skipped, 0)

    def _read(self, body: Any, subject: str, skipped: frozenset[str], depth: int) -> None:
        if type(body) is list:
            for item in body[:ITEMS_MAX]:
                if type(item) in _OBJECTS and depth < DEPTH_MAX:
                    self._read(item, subject, skipped, depth + 1)
            return
        for key, value in body.items():
            if key in skipped:
                continue
            self._left -= 1
            if self._left < 0:
                self.problem = self.problem or f"more than {KEYS_MAX} keys"
                return
            kind = type(value)
            if kind in _OBJECTS:
                inside = _inside(value)
                if inside is not None:
                    if depth < DEPTH_MAX and not settings_group(key):
                        self._read(inside, key if subject_of(key) else subject, frozenset(), depth + 1)
                    continue
                if kind is list and joined(key) in EVENT_KEYS:
                    for meant in _listed(joined(key), value):
                        self._keep(meant)
                    continue
            usual = kind is bool or (kind is int and 0 <= value <= _USUAL_MAX) or kind is str
            says = (
                _usual if usual and len(key) <= _LONG and (kind is not str or len(value) <= _LONG) else _says
            )
            meanings, problem = says(key, subject, value)
            if problem is not None and self.problem is None:
                self.problem = problem
            for meant in meanings:
                self._keep(meant)

    def _keep(self, meant: Meaning) -> None:
        place = (meant.metric, meant.channel)
        there = self.said.get(place)
        if there is None or (meant.value is True and there.value is not True):
            self.said[place] = meant


def _listed(key: str, items: list[Any]) -> list[Meaning]:
    """What a list of the names of alarms says."""
    found = [named(key, item) or condition(item) for item in items[:ITEMS_MAX] if type(item) is str]
    return [meant for meant in found if meant is not None]


_OBJECTS: Final = (dict, list)
_LONG: Final = 64  # characters of a key or a word that is remembered; subjects have at most 255
_USUAL_MAX: Final = 100  # codes and percentages come again, other numbers seldom do


def _says(key: str, subject: str, value: Any) -> tuple[tuple[Meaning, ...], str | None]:
    """What one value says under its key, and None or what is puzzling about it."""
    plain = value["value"] if type(value) is dict else value
    if type(plain) is str and joined(key) in EVENT_KEYS and (alarm := named(joined(key), plain)) is not None:
        return (alarm,), None
    known = _key(key, subject) if len(key) <= _LONG else _key.__wrapped__(key, subject)
    meant = known.meant
    if meant is None:
        return (), _puzzling(key, value) if known.alarming and not _harmless(value) else None
    if known.coded and _code(plain):
        return (Meaning(meant.term.level, meant.channel, None, _INVALID),), _puzzling(key, plain)
    if not meant.numbers and plain in (0, 1, "0", "1"):
        plain = value = plain in (1, "1")  # under "alarm" a 0 and a 1 are no measurements
    meanings = tuple(understand(meant, value, _unit(meant, plain), _DIALECT))
    riddle = not meanings and not _harmless(plain) and bool(frozenset(words_of(key)) & _ALARMING)
    riddle = riddle or (type(plain) is str and any(m.value is None and m.flags & _INVALID for m in meanings))
    return meanings, _puzzling(key, plain) if riddle else None


_usual: Final = lru_cache(maxsize=8192, typed=True)(_says)


def _puzzling(key: str, value: Any) -> str:
    return f"{quoted(key) or 'it'} says {quoted(str(value))}"


def _inside(value: Any) -> Any:
    """The object or list of objects to read on in: the value itself, or what a `{"value": {...}}` wraps."""
    if isinstance(value, dict):
        inner = value.get("value", value)
        return inner if isinstance(inner, dict) else None
    return value if isinstance(value, list) and value and type(value[0]) in _OBJECTS else None


def _harmless(value: Any) -> bool:
    """Whether a value can be passed over under a key nobody knows: nothing, or a word that says all is well."""
    if isinstance(value, str):
        return not value.strip() or said(value) is Said.NORMAL or value.strip().casefold() == "online"
    return value is None or value is False


def _code(value: Any) -> bool:
    """Whether a value is a number that is neither yes nor no."""
    number = number_in(value.strip()) if isinstance(value, str) else value
    return isinstance(number, int | float) and not isinstance(number, bool) and number not in (0, 1)


def _unit(meant: Sense, value: Any) -> str:
    """Batteries come in volts or millivolts and pipes in MPa or kPa, and no model says which. No battery has a hundred
    volts; a fire main has at most 2.4 MPa (GB 50974-2014, 6.2.1), and one that holds water more than 2.4 kPa."""
    if meant.coded or meant.unit or meant.term.number not in _UNSAID:
        return ""
    number = number_in(value) if isinstance(value, str) else value
    if isinstance(number, bool) or not isinstance(number, int | float):
        return ""
    if meant.term.number == "pressure":
        return "MPa" if abs(number) <= _MAIN_MPA else ""
    return "mV" if abs(number) >= 100 else ""


_UNSAID: Final = ("battery_voltage", "pressure")
_MAIN_MPA: Final = 2.4
