"""What the texts in a vendor's object say: words of state, numbers with a unit, names of alarms."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from devices.lorawan.brands import dialect_of, meaning_of
from devices.reading import GRAVE, METRICS, MetricClass
from devices.vocabulary import Meaning, sense, understand, words_of
from devices.words import Said, said

TEXT_MAX: Final = 255  # no public codec says a state in more

EVENT_KEYS: Final = frozenset(
    (
        "alarm",
        "alarms",
        "alarm_event",
        "alarm_status",
        "alarm_state",
        "event",
        "events",
        "event_type",
        "event_name",
    )
)
"""Keys, as their joined words, whose text may name the alarm itself."""

_ALARMING_WORDS: Final = (
    "alarm alert leak leakage detected triggered activated active sos panic emergency 报警 告警"
)
_ALARMING: Final = frozenset(_ALARMING_WORDS.split())
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
    return tuple(understand(meant, text, "", dialect_of(brand)))


@lru_cache(maxsize=2048)
def named(key: str, text: str) -> Meaning | None:
    """The alarm or fault that a text under an event key names ("smoke alarm", "cable break alert"), None for none.

    Under `event` a bare "water" may be the name of an input; only a word of alarm beside it makes it one.
    """
    if len(text) > 64:
        return None
    words = words_of(text)
    if key.startswith("event") and not _ALARMING & set(words):
        return None
    meant = sense(text) or sense("_".join(w for w in words if w not in _ENDINGS))
    if meant is None or meant.term.level not in GRAVE or meant.term.inverted:
        return None
    says = said(text)
    if says in _NOT_SO or (METRICS[meant.term.level].klass is MetricClass.ALARM and says not in _PLAINLY):
        return None
    return Meaning(meant.term.level, meant.channel, says is not Said.NORMAL and words[-1] not in _ENDINGS)


_PLAINLY: Final = frozenset((Said.ACTIVE, Said.NORMAL, None))  # not a test, a fault, a pre-alarm
_NOT_SO: Final = frozenset((Said.TEST, Said.UNKNOWN, Said.HUSH))


@lru_cache(maxsize=2048)
def condition(text: str) -> Meaning | None:
    """The condition that an element of a list of alarms names: it is listed, so it is so."""
    meant = sense(text)
    if meant is None or meant.term.level not in GRAVE or meant.term.inverted:
        return None
    return Meaning(meant.term.level, meant.channel, True)
