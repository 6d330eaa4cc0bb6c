"""What the texts in a vendor's object say: words of state, numbers with a unit, names of alarms."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from devices.alarm_names import EVENT_KEYS, joined, named
from devices.lorawan.brands import dialect_of, meaning_of
from devices.vocabulary import Meaning, understand

TEXT_MAX: Final = 255  # no public codec says a state in more


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
