"""Whether a payload is what a profile is for."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from devices.profile import Match, Where, many
from devices.profile_raw import ABSENT, bits_of, raw_at


def fits(match: Match, payload: Any, service: str = "") -> bool:
    """Whether the payload is what the profile is for, as far as its looks go (codec and product are seen before)."""
    if match.service != () and service not in many(match.service):
        return False
    kind = type(payload)
    data = payload if kind is bytes else payload.encode("utf-8", "replace") if kind is str else None
    if match.starts and (data is None or data[: len(match.starts) // 2].hex() != match.starts.lower()):
        return False
    if match.size is not None and (data is None or len(data) != match.size):
        return False
    return not match.where or all(_holds(condition, payload) for condition in match.where)


def _holds(condition: Where, payload: Any) -> bool:
    raw = raw_at(payload, condition.at)
    if raw is ABSENT:
        return not condition.exists
    if condition.bit is not None:
        raw = bits_of(raw, condition.bit)
    if condition.is_ is not msgspec.UNSET:
        return same(raw, condition.is_)
    if condition.starts:
        return isinstance(raw, str) and raw.startswith(condition.starts)
    if condition.one_of:
        return any(same(raw, wanted) for wanted in condition.one_of)
    return condition.exists


def same(raw: Any, wanted: Any) -> bool:
    """Whether a raw value is the one a profile writes; 1, 1.0 and "1" are, and true is no 1."""
    if type(raw) is type(wanted) or (type(raw) in _NUMBERS and type(wanted) in _NUMBERS):
        return bool(raw == wanted)
    return type(raw) in _PLAIN and str(raw) == str(wanted)


_NUMBERS: Final = (int, float)
_PLAIN: Final = (int, float, str)
