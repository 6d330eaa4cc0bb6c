"""One file a rule kind: a frozen tagged struct that judges."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import msgspec

from devices.discover import discover
from rules.example import Example


@lru_cache(maxsize=1)
def kinds() -> Mapping[str, type[Any]]:
    """Every rule kind by the word a rule file uses for it, in alphabetical order."""
    found: dict[str, type[Any]] = {}
    for _name, module in discover(__name__).available():
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, msgspec.Struct) and hasattr(value, "SUBJECT"):
                found[str(value.__struct_config__.tag)] = value
    return MappingProxyType(dict(sorted(found.items())))


def examples() -> list[tuple[str, Example]]:
    """Every documented example with the name of the module that holds it."""
    return [(name, example) for name, module in discover(__name__).available() for example in module.EXAMPLES]
