"""What a name that people gave to a measuring point means: "Cellar water leak" is a leak, in the cellar.

Formats in which the user names every point (ESPHome, Home Assistant discovery, Homie) put places and rooms before what
is measured. The vocabulary reads whole keys only, so the longest tail it understands is the meaning and the words
before it are the channel. Nothing may follow the subject ("water heater" is no water), and one word that also stands
for ordinary things ("hot water", "city gas") is no alarm unless an alarm word stands beside it. Chinese names are cut
likewise, sign by sign.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from devices.terms import LEVEL_WORDS, NUMBER_WORDS, STATE_WORDS, TERMS
from devices.vocabulary import Sense, channelled, clean_channel, sense, words_of

NAME_MAX: Final = 128
"""Characters of a name that is looked at."""

WORDS_MAX: Final = 12
"""Words of a name that are looked at; a longer one is a sentence."""

ORDINARY: Final = frozenset(
    ("water", "gas", "fire", "flame", "heat", "co", "help", "emergency", "alarm", "state", "switch")
)
"""Subjects that need an alarm word when other words stand before them."""

_SETTINGS: Final = """
    min max minimum maximum limit limits threshold target setpoint set calibration offset correction duration time
    interval timeout delay period count counter average avg mean sum today yesterday daily weekly monthly delta last
    previous next history enable enabled disable disabled mode config configuration reset restart mute silence test
    simulate simulation demo no non not without raw forecast low high
"""
SETTINGS: Final = frozenset(_SETTINGS.split())
"""Words that make a name a setting, a statistic or a denial of what follows: such a name means nothing to us."""

_GROUPS: Final = re.compile(
    r"(^|_)(config|configuration|settings?|enabled?|thresholds?|calibration|range|request|reply|response|downlink|"
    r"versions?|limits?|schedule|hibernate|min|max|capabilit(y|ies)|supported|supports)(_|$)"
)

_LONG: Final = frozenset(name for name in TERMS if "_" in name)
FILLING: Final = STATE_WORDS | LEVEL_WORDS | NUMBER_WORDS
"""Words that say nothing of their own in a name."""


@lru_cache(maxsize=8192)
def meaning_of(name: str) -> Sense | None:
    """What a free name means, with the words before the subject as its channel; None if it says nothing certain."""
    found = sense(name)
    if found is not None:
        return found
    words = words_of(name) if len(name) <= NAME_MAX else ()
    if len(words) > WORDS_MAX:
        return None
    if len(words) == 1 and not name.isascii():
        return _unspaced(words[0])
    for start in range(1, len(words)):
        before, tail = words[:start], words[start:]
        if tail[0] in FILLING or before[0] == "alarm" or SETTINGS & set(before):
            continue
        found = sense("_".join(tail))
        if found is None:
            continue
        subject = [word for word in tail if word not in FILLING]
        if len(subject) == 1 and subject[0] in ORDINARY and found.numbers and "_".join(tail) not in _LONG:
            return None
        named = [word for word in before if word not in FILLING]
        channel = clean_channel("_".join([*named, found.channel] if found.channel else named))
        return channelled(found, channel)
    return None


def _unspaced(name: str) -> Sense | None:
    """A Chinese name, which is written without spaces: the longest tail that is a subject of its own."""
    for start in range(1, len(name)):
        found = sense(name[start:])
        if found is not None:
            before = name[:start]
            return None if _DENYING.search(before) else channelled(found, clean_channel(before))
    return None


@lru_cache(maxsize=4096)
def settings_group(key: str) -> bool:
    """Whether an object under this key holds settings, or the answer to a command: nothing in it was measured."""
    return _GROUPS.search("_".join(words_of(key[:64]))) is not None


_DENYING: Final = re.compile("无|未|非|不|最|平均|上限|下限|阈值|设定|校准|测试|屏蔽")
