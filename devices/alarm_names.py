"""Alarms and faults that a text names: `alarm: "smoke"`, `event: "gas leak recovered"`, `alarms: ["tamper"]`."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from devices.reading import GRAVE, METRICS, MetricClass
from devices.vocabulary import Meaning, Sense, sense, words_of
from devices.words import Said, said

_KEYS: Final = (
    "alarm alarms alarm_event alarm_status alarm_state event events event_type event_name 报警状态 告警状态"
)
EVENT_KEYS: Final = frozenset(_KEYS.split())
"""Keys, as their joined words, whose text may name the alarm itself."""

_ALARMING_WORDS: Final = (
    "alarm alert leak leakage detected triggered activated active sos panic emergency 报警 告警"
)
_ALARMING: Final = frozenset(_ALARMING_WORDS.split())
_ENDINGS: Final = frozenset((
    "cleared", "clear", "off", "normal", "ended", "restored", "recovered", "release", "released", "resolved",
    "no", "not",
))  # fmt: skip
_DENIALS: Final = frozenset(("no", "not", "non", "without"))
_TEXT_MAX: Final = 64


@lru_cache(maxsize=4096)
def joined(key: str) -> str:
    """A key's words joined with underscores."""
    return "_".join(words_of(key[:64]))


@lru_cache(maxsize=2048)
def named(key: str, text: str) -> Meaning | None:
    """The alarm or fault that a text under an event key (joined) names ("cable break alert"), None for none.

    Under `event` a bare "water" may be the name of an input; only a word of alarm beside it makes it one.
    """
    if len(text) > _TEXT_MAX:
        return None
    words = words_of(text)
    if key.startswith("event") and not _ALARMING & set(words):
        return None
    meant = _about(text) or sense("_".join(w for w in words if w not in _ENDINGS))
    if meant is None or meant.term.level not in GRAVE or meant.term.inverted:
        return None
    says = said(text)
    if says in _NOT_SO or (METRICS[meant.term.level].klass is MetricClass.ALARM and says not in _PLAINLY):
        return None
    over = says is Said.NORMAL or words[-1] in _ENDINGS or words[0] in _DENIALS
    return Meaning(meant.term.level, meant.channel, not over)


_PLAINLY: Final = frozenset((Said.ACTIVE, Said.NORMAL, None))  # not a test, a fault, a pre-alarm
_NOT_SO: Final = frozenset((Said.TEST, Said.UNKNOWN, Said.HUSH))


@lru_cache(maxsize=2048)
def condition(text: str) -> Meaning | None:
    """The condition that an element of a list of alarms names: it is listed, so it is so."""
    meant = _about(text) if len(text) <= _TEXT_MAX else None
    if meant is None or meant.term.level not in GRAVE or meant.term.inverted:
        return None
    return Meaning(meant.term.level, meant.channel, True)


def _about(text: str) -> Sense | None:
    """What a text is about; Chinese puts the word of alarm behind it, without a space."""
    return sense(text) or sense(text.strip().removesuffix("报警").removesuffix("告警"))
