"""How rules read a value: as a truth or as a number, or not at all."""

from __future__ import annotations

import math
from typing import Final

from devices.reading import Value

_NUMBERS: Final = (float, int)


def truth(value: Value) -> bool | None:
    """True or False; also for the numbers 1 and 0 that some hardware sends for them. None: says neither."""
    if value is None or isinstance(value, str):
        return None
    return True if value == 1 else False if value == 0 else None


def number(value: Value) -> float | None:
    """A finite float that can be calculated with. None for everything else: truths, words, NaN, endless digits."""
    if isinstance(value, bool) or not isinstance(value, _NUMBERS):
        return None
    try:
        plain = float(value)
    except OverflowError:  # an integer beyond 1.8e308, which JSON can write down
        return None
    return plain if math.isfinite(plain) else None
