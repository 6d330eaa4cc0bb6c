"""Where a profile's fields stand: JSON pointers, cuts of bytes and text, and the times written in them."""

from __future__ import annotations

import struct
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from devices.instants import from_iso, from_ms
from devices.profile import At, Bit, Clock
from devices.vocabulary import number_in, short

ABSENT: Final = object()
"""Not there, which is not the same as a null that is there."""

EXACT: Final = 1e15
"""Larger numbers are no measurements (`vocabulary.HUGE`)."""


def raw_at(body: Any, at: At, kind: str | None = None, order: str = "big", start: int = 0) -> Any:
    """What stands there: a JSON value, or a number or text cut out of bytes or text."""
    if isinstance(at, str):
        found = pointed(body, at)
        return _hex(found) if kind == "hex" and type(found) is str else found
    if isinstance(at, int):
        first, length = at + start, 1
        if type(body) is bytes and kind is None and first < len(body):
            return body[first]
    else:
        first, length = at[0] + start, at[1]
    if type(body) not in _CUTTABLE or first + length > len(body):
        return ABSENT
    cut = body[first : first + length]
    if type(cut) is str:
        return _hex(cut) if kind == "hex" else cut.strip()
    return _number(cut, kind or "uint", order)


_CUTTABLE: Final = (bytes, str)


def _hex(text: str) -> Any:
    try:
        return int(text, 16)
    except ValueError:
        return text


def _number(cut: bytes, kind: str, order: str) -> Any:
    """Bytes as a number or a text. Sizes no format has for a float read as text of hex digits, which nothing lists."""
    if kind in {"uint", "int"}:
        little = order == "little"
        return int.from_bytes(cut, "little" if little else "big", signed=kind == "int")
    ordered = cut[::-1] if order == "little" else cut
    if kind == "float" and len(cut) in _FLOATS:
        return struct.unpack(_FLOATS[len(cut)], ordered)[0]
    if kind == "text":
        return cut.split(b"\0", 1)[0].decode("utf-8", "replace").strip()
    return ordered.hex()


_FLOATS: Final = {2: ">e", 4: ">f", 8: ">d"}


def bits_of(raw: Any, bit: Bit) -> Any:
    """Bits of a whole number; of anything else a text that no list of values holds."""
    if isinstance(raw, str):
        raw = number_in(raw)
    if isinstance(raw, float) and raw.is_integer():
        raw = int(raw)
    if isinstance(raw, bool) or not isinstance(raw, int) or raw < 0:
        return "no bits"
    if isinstance(bit, int):
        return raw >> bit & 1
    return raw >> bit[0] & ((1 << bit[1]) - 1)


def pointed(body: Any, pointer: str) -> Any:
    """What a pointer points at, ABSENT for nothing."""
    for part in _parts(pointer):
        if isinstance(body, dict):
            body = body.get(part, ABSENT)
        elif isinstance(body, list) and part.isascii() and part.isdigit() and int(part[:9]) < len(body):
            body = body[int(part[:9])]
        else:
            return ABSENT
    return body


@lru_cache(maxsize=4096)
def _parts(pointer: str) -> tuple[str, ...]:
    """RFC 6901, section 4."""
    return tuple(p.replace("~1", "/").replace("~0", "~") for p in pointer.split("/")[1:])


def first_key(pointer: Any) -> str | None:
    """The key of the outermost object a pointer goes through; None for an offset."""
    return (_parts(pointer) or (None,))[0] if isinstance(pointer, str) else None


def name_at(at: At | None, body: Any) -> str:
    """The device's own name in the payload; empty where there is none."""
    raw = raw_at(body, at, "text", "big") if at is not None else None
    return short(str(raw)) if isinstance(raw, str | int) and not isinstance(raw, bool) else ""


def time_at(clock: Clock | None, body: Any, start: int) -> int | None:
    if clock is None:
        return None
    raw = raw_at(body, clock.at, clock.type, clock.order, start)
    if isinstance(raw, str) and raw.isascii():
        if clock.type != "digits" and (number := number_in(raw)) is not None and len(raw) not in {12, 14}:
            raw = number
        else:
            return from_iso(raw) if not raw.isdigit() else _digits(raw, clock.zone)
    since = _since(clock.since)
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not -EXACT < raw < EXACT:
        return None
    return from_ms(raw * (1000 if clock.unit == "s" else 1) + since)


@lru_cache(maxsize=256)
def _since(text: str) -> int:
    return from_iso(text) or 0


def _digits(text: str, zone: str) -> int | None:
    full = text if len(text) == 14 else f"20{text}"
    try:
        return from_iso(datetime.strptime(full, "%Y%m%d%H%M%S").isoformat() + zone)  # noqa: DTZ007  # zone is added
    except ValueError:
        return None
