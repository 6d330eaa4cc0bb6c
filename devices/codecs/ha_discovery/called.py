"""What an entity is called, and the options of its config that every component reads alike."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from devices.names import FILLING, meaning_of
from devices.vocabulary import Sense, words_of

Read = tuple[str, str, str, str, str, str] | None
"""`(kind, subject, channel, unit, on, off)` of a row, or None for what says nothing."""

_KEY: Final = re.compile(r"value_json((?:\.\w+|\[\s*(?:'[^']*'|\"[^\"]*\"|\d+)\s*\])+)")
_STEP: Final = re.compile(r"\.(\w+)|\[\s*['\"]?([^'\"\]]*)['\"]?\s*\]")


class Called(msgspec.Struct, frozen=True):
    """Everything an entity is called: the device's own key for it, its name beside the device's, and all names."""

    key: str
    name: str
    all: tuple[str, ...]  # the key first; never empty

    def meaning(self, level: bool = False) -> tuple[str, Sense | None]:
        """The first name that means something (that answers yes or no), and what."""
        for name in self.all:
            found = meaning_of(name)
            if found is not None and (not level or (found.levels and found.term.level)):
                return name, found
        return "", None

    def channel(self, subject: str, found: Sense | None = None) -> str:
        """Which of several it is: as the key says, else what the entity's own name adds to its subject."""
        if found is not None and self.key and meaning_of(self.key) is found:
            return found.channel
        if not self.name:
            return ""
        meant = meaning_of(self.name)
        if meant is not None and (found is None or meant.term is found.term):
            return meant.channel
        told = {*FILLING, *words_of(subject)}
        return "_".join(word for word in words_of(self.name) if word and word not in told)


def called(config: Mapping[str, Any], template: str, topic: str, device_name: str, named: str) -> Called:
    """All names of an entity: the key its template reads, its name, its object id, the last level of its topic."""
    path = _KEY.search(template)
    steps = [a or b for a, b in _STEP.findall(path[1])] if path else []
    key = next((s for s in reversed(steps) if not s.isdecimal()), "")
    levels = [level for level in topic.split("/") if level not in {"state", "status", "value"}]
    name = _unprefixed(text(config.get("name"), 128), device_name)
    own = _unprefixed(text(config.get("object_id") or named, 128), device_name)
    names = [key, name, own, levels[-1] if levels else ""]
    return Called(key, name, (*(n for n in names if n), named or "entity"))


def _unprefixed(name: str, device_name: str) -> str:
    """The entity's own part of a name that repeats the device's."""
    words, own = words_of(name) if name.isascii() else (name,), words_of(device_name) if device_name else ()
    if own and words[: len(own)] == own:
        return "_".join(words[len(own) :])
    return name.removeprefix(device_name).strip() if device_name else name


def payload(config: Mapping[str, Any], which: str, usual: str) -> str:
    """`state_on` or `payload_on`, as Home Assistant makes text of it: true becomes True."""
    for key in (f"state_{which}", f"payload_{which}"):
        value = config.get(key)
        if isinstance(value, str | bool | int | float):
            return str(value)[:64]
    return usual


def text(value: Any, most: int) -> str:
    """An option that is a text, at most so long; empty for anything else."""
    return value[:most] if isinstance(value, str) else ""
