"""What the texts in a vendor's object say: words of state, numbers with a unit, names of alarms."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from devices.lorawan.brands import dialect_of, meaning_of
from devices.reading import METRICS, MetricClass
from devices.units import known
from devices.vocabulary import Meaning, sense, understand, words_of
from devices.words import Said, said

TEXT_MAX: Final = 255  # no public codec says a state in more

EVENT_KEYS: Final = frozenset(
    ("alarm", "alarms", "alarm_event", "alarm_status", "alarm_state", "event", "events")
)
"""Keys, as their joined words, whose text may name the alarm itself."""

_MEASURE: Final = re.compile(r"([+-]?\d{1,15}(?:\.\d{1,15})?)\s*([^\d\s.,:;+-][^\s]{0,9})", re.ASCII)
_ALARMING: Final = frozenset(
    ("alarm", "alert", "leak", "leakage", "detected", "triggered", "activated", "active", "报警", "告警")
)
_ENDINGS: Final = frozenset((
    "cleared", "clear", "off", "normal", "ended", "restored", "recovered", "release", "released", "resolved",
    "no", "not",
))  # fmt: skip


@lru_cache(maxsize=4096)
def joined(key: str) -> str:
    """A key's words joined with underscores."""
    return "_".join(words_of(key[:64]))


@lru_cache(maxsize=16_384)
def spoken(brand: str, group: str, key: str, text: str) -> tuple[Meaning, ...]:
    """What a text says under a key; a few hundred of them make up nearly all that devices ever say."""
    if joined(key) in EVENT_KEYS:
        alarm = named(joined(key), text)
        if alarm is not None:
            return (alarm,)
    meant = meaning_of(brand, group, key)
    if meant is None:
        return ()
    measured = _MEASURE.fullmatch(text.strip()) if meant.term.number else None
    if measured is not None and known(measured[2]):
        return tuple(understand(meant, float(measured[1]), measured[2], dialect_of(brand)))
    return tuple(understand(meant, text, "", dialect_of(brand)))


@lru_cache(maxsize=2048)
def named(key: str, text: str) -> Meaning | None:
    """The alarm that a text under an event key names ("smoke alarm", "gas leak cleared"), None if it names none.

    Under `event` a bare "water" may be the name of an input; only a word of alarm beside it makes it one.
    """
    if len(text) > 64:
        return None
    words = words_of(text)
    if key.startswith("event") and not _ALARMING & set(words):
        return None
    meant = sense(text) or sense("_".join(w for w in words if w not in _ENDINGS))
    if meant is None or not meant.term.level or meant.term.inverted:
        return None
    says = said(text)
    if METRICS[meant.term.level].klass is not MetricClass.ALARM or says not in _PLAINLY:
        return None
    return Meaning(meant.term.level, meant.channel, says is not Said.NORMAL)


_PLAINLY: Final = frozenset((Said.ACTIVE, Said.NORMAL, None))  # not a test, a fault, a pre-alarm


@lru_cache(maxsize=2048)
def condition(text: str) -> Meaning | None:
    """The condition that an element of a list of alarms names: it is listed, so it is so."""
    meant = sense(text)
    if meant is None or not meant.term.level or meant.term.inverted or not grave(meant.term.level):
        return None
    return Meaning(meant.term.level, meant.channel, True)


@lru_cache(maxsize=512)
def grave(metric: str) -> bool:
    """Whether a metric is an alarm or a fault, of which an active one outranks any other word on it."""
    return METRICS[metric].klass in {MetricClass.ALARM, MetricClass.FAULT}
