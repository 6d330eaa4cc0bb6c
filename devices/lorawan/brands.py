"""Which vendor made a LoRaWAN device, and what a key means in that vendor's objects."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from devices.lorawan.vendors import BRANDS, COMMON
from devices.terms import CHANNELS, Term
from devices.vocabulary import Dialect, Sense, channelled, sense, words_of

_ALIASES: Final = {
    "bmeters": "b-meters",
    "merryiot": "browan",
    "tabs": "browan",
    "milesight-iot": "milesight",
    "ursalink": "milesight",
    "sensecap": "seeed",
    "strips": "sensative",
}

# First digits of a DevEUI, as the vendors' own devices carry them (IEEE registration authority).
_EUIS: Final = {
    "00137a": "netvox",
    "24e124": "milesight",
    "58a0cb": "browan",
    "a81758": "elsys",
    "a84041": "dragino",
    "e8e1e1": "browan",
    "fc48c9": "yobiiq",
}


@lru_cache(maxsize=8192)
def brand_of(make: str, profile: str, dev_eui: str) -> str:
    """The vendor: its id at the network server, else a word of the device profile's name, else its DevEUI's digits.

    Empty for a vendor that needs no words of its own.
    """
    if make:
        name = make.casefold()
        name = _ALIASES.get(name, name)
        return name if name in BRANDS else ""
    for word in re.split(r"[^a-z0-9]+", profile.casefold()):
        name = _ALIASES.get(word, word)
        if name and name in BRANDS:
            return name
    return _EUIS.get(dev_eui[:6], "")


_DIALECTS: Final = {name: Dialect(units={**COMMON.units, **brand.units}) for name, brand in BRANDS.items()}


def dialect_of(brand: str) -> Dialect:
    """The units a vendor leaves out."""
    return _DIALECTS[brand]


_SPLIT: Final = re.compile(r"([a-z]{3,})(\d{1,2})")
_UNIT: Final = re.compile(r"(^|_)([mkh])_(a|v|w|pa|wh)(?=_|$)")  # `mA` and `MPa` have humps too
_WRAPPERS: Final = frozenset(("data", "value", "values", "reading", "readings"))
"""Groups that hold whatever was measured: what stands in them is no more a number than it would be outside."""

_INDEX: Final = re.compile(r"\d{1,2}|[xyz]|l\d")
_MANY: Final = frozenset(("current", "acceleration", "water_leak"))


@lru_cache(maxsize=16_384)
def meaning_of(brand: str, group: str, key: str) -> Sense | None:
    """What a key of a vendor's object means; `group` is the key of the object it stands in, empty at the top."""
    found = _find(brand, group, key)
    if found is None or not BRANDS[brand].key_channels:
        return found
    metric = found.term.level or found.term.number
    if not found.channel and metric not in _MANY:
        return found
    return channelled(found, key[:64].replace("/", "_"))


def _find(brand: str, group: str, key: str) -> Sense | None:
    if len(key) > 64 or len(group) > 64:
        return None
    if group.casefold() in _WRAPPERS:
        group = ""
    own = _cut(key)
    both = (*_cut(group), *own) if group else own
    for table in (BRANDS[brand].terms, COMMON.terms):
        for words in dict.fromkeys((both, own)):
            found = _in_table(table, words)
            if found is not None:
                return found
    for text in dict.fromkeys((f"{group}_{key}" if group else key, "_".join(both), key, "_".join(own))):
        found = sense(text)
        if found is not None:
            return found
    return None


def _cut(key: str) -> tuple[str, ...]:
    """The words of a key, a number at the end of one cut off (`channel1State` is `channel 1 state`)."""
    words: list[str] = []
    for word in _UNIT.sub(r"\1\2\3", "_".join(words_of(key))).split("_"):
        cut = _SPLIT.fullmatch(word)
        words.extend(cut.groups() if cut is not None else (word,))
    return tuple(words)


def _in_table(table: Mapping[str, Term | Sense], words: tuple[str, ...]) -> Sense | None:
    found = table.get("_".join(words))
    if found is not None:
        return found if isinstance(found, Sense) else Sense(found)
    for at, word in enumerate(words):
        if _INDEX.fullmatch(word) and CHANNELS.fullmatch(word) and len(words) > 1:
            found = table.get("_".join(words[:at] + words[at + 1 :]))
            if isinstance(found, Term):
                return Sense(found, word)
    return None
