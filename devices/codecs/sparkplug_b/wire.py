"""Sparkplug B's protobuf on the wire: a bounded reader of payloads, and a writer of the commands we send.

Field numbers: eclipse/tahu, sparkplug_b/sparkplug_b.proto. Encoding: protobuf.dev, "Encoding". What a payload may hold
beside that (data sets, files, extensions) is stepped over unread.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from functools import lru_cache
from struct import Struct
from typing import Any, Final

import msgspec

METRICS_MAX: Final = 1024
"""Metrics read of one payload, those inside templates counted."""

DEPTH_MAX: Final = 4
"""How deep templates may nest; the specification's examples nest twice."""

INFLATED_MAX: Final = 1 << 20
"""Bytes a compressed payload may unfold to."""

INT8, INT16, INT32, INT64 = 1, 2, 3, 4
BOOLEAN: Final = 11
_DATE_TIME: Final = 13

_COMPRESSED: Final = "SPBV1.0_COMPRESSED"
_FLOAT, _DOUBLE = Struct("<f"), Struct("<d")
_UNITS: Final = frozenset(("engunit", "engunits", "unit", "units", "engineeringunits", "engineeringunit"))
_Field = tuple[int, int, int]


class WireError(ValueError):
    """The bytes are no Sparkplug payload; the text says why."""


class Metric(msgspec.Struct, gc=False):
    """One metric as sent. `type` is 0 and `name` empty where the sender left them to the birth.

    `value` is as the wire has it (whole numbers unsigned, see `signed`), None where there is none; `kept` is False for
    a kind of value nobody here reads. `quality` is the property of that name (192 good, 500 stale, 0 bad).
    """

    name: str = ""
    alias: int | None = None
    at: int | None = None
    type: int = 0
    historical: bool = False
    null: bool = False
    value: Any = None
    kept: bool = True
    unit: str = ""
    quality: int = 192


class Payload(msgspec.Struct, gc=False):
    """One payload: its time, its number (0-255) and its metrics; `more` says that some were left unread."""

    at: int | None = None
    seq: int | None = None
    metrics: list[Metric] = []
    more: bool = False


def read(data: bytes) -> Payload:
    """A payload from its bytes, a compressed one unfolded. Raises WireError."""
    try:
        got, uuid, body = _payload(data)
        if uuid == _COMPRESSED and body:
            outer = got
            got, _, _ = _payload(_inflate(body))
            got.seq = outer.seq if got.seq is None else got.seq
    except IndexError:
        raise WireError("it ends in the middle of a field") from None
    except UnicodeDecodeError:
        raise WireError("a name is not text") from None
    return got


def signed(value: int, kind: int) -> int:
    """A whole number of a signed type, which travels as its two's complement in 32 or 64 bits (or in its own width)."""
    if kind == INT64:
        return value - (1 << 64) if value >= 1 << 63 else value
    if kind in (INT8, INT16, INT32):
        value &= 0xFFFF_FFFF
        if value >= 1 << 31:
            return value - (1 << 32)
        bits = 8 if kind == INT8 else 16
        if kind != INT32 and 1 << (bits - 1) <= value < 1 << bits:
            return value - (1 << bits)
    return value


def rebirth(now: int) -> bytes:
    """The command that makes an edge node send its births again (specification, 6.4.20: NCMD)."""
    return boolean("Node Control/Rebirth", True, now)


def boolean(name: str, value: bool, at: int) -> bytes:
    """A payload that writes one boolean metric by its name, at a time in UTC ms (NCMD, DCMD)."""
    text = name.encode()
    stamp = b"\x18" + _encoded(at)
    metric = b"\x0a" + _encoded(len(text)) + text + stamp + b"\x20\x0b\x70" + bytes((value,))
    return b"\x08" + _encoded(at) + b"\x12" + _encoded(len(metric)) + metric


def _encoded(value: int) -> bytes:
    out = bytearray()
    value = max(value, 0)
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of more than one byte and where it ends."""
    value, shift = data[at] & 127, 7
    while True:
        at += 1
        byte = data[at]
        if byte < 128:
            return (value | byte << shift) & 0xFFFF_FFFF_FFFF_FFFF, at + 1
        value |= (byte & 127) << shift
        shift += 7
        if shift > 63:
            raise WireError("a number of more than ten bytes")


def _fields(data: bytes, at: int, end: int) -> list[_Field]:
    """All fields between two offsets: `(tag, value, 0)` of a number, `(tag, start, end)` of anything else."""
    out: list[_Field] = []
    while at < end:
        tag = data[at]
        at += 1
        if tag > 127:
            tag, at = _varint(data, at - 1)
        wire = tag & 7
        if wire == 0:
            value = data[at]
            at += 1
            if value > 127:
                value, at = _varint(data, at - 1)
            out.append((tag, value, 0))
            continue
        start = at
        if wire == 2:
            length = data[at]
            start = at + 1
            if length > 127:
                length, start = _varint(data, at)
            at = start + length
        elif wire == 5:
            at += 4
        elif wire == 1:
            at += 8
        else:
            raise WireError(f"wire type {wire} is not used by protobuf 2 messages")
        out.append((tag, start, at))
    if at > end:
        raise WireError("a field is longer than what holds it")
    return out


def _payload(data: bytes) -> tuple[Payload, str, bytes]:
    got, uuid, body = Payload(metrics=[]), "", b""
    for tag, first, last in _fields(data, 0, len(data)):
        if tag == 0x12:
            _metric(data, first, last, got, "", 0)
        elif tag == 0x08:
            got.at = first
        elif tag == 0x18:
            got.seq = first
        elif tag == 0x22:
            uuid = data[first:last].decode()
        elif tag == 0x2A:
            body = data[first:last]
    return got, uuid, body


@lru_cache(maxsize=4096)
def _single(raw: bytes) -> float:
    """A 32-bit float as the shortest decimal that is the same 32-bit float: 0.02, not 0.0199999995529652."""
    if len(raw) < 4:
        raise IndexError
    value: float = _FLOAT.unpack(raw)[0]
    short = float(f"{value:.7g}")
    try:
        return short if _FLOAT.pack(short) == raw else value
    except OverflowError:  # rounding the largest floats up leaves their range
        return value


def _double(raw: bytes) -> float:
    if len(raw) < 8:
        raise IndexError
    value: float = _DOUBLE.unpack(raw)[0]
    return value


_WHOLE: Final = {0x10: "alias", 0x18: "at", 0x20: "type", 0x50: "value", 0x58: "value"}
_TRUTH: Final = {0x28: "historical", 0x38: "null", 0x70: "value"}
_REAL: Final[dict[int, Callable[[bytes], float]]] = {0x65: _single, 0x69: _double}


def _metric(data: bytes, at: int, end: int, into: Payload, under: str, depth: int) -> None:
    """One metric, and where it is a template instance, those inside it as `name/member`."""
    if len(into.metrics) >= METRICS_MAX:
        into.more = True
        return
    plain = _PLAIN.fullmatch(data, at, end)
    if plain is not None and not under:
        into.metrics.append(_plain(plain.groups()))
        return
    got = Metric()
    template: tuple[int, int] | None = None
    for tag, first, last in _fields(data, at, end):
        if tag in _WHOLE:
            setattr(got, _WHOLE[tag], first)
        elif tag in _TRUTH:
            setattr(got, _TRUTH[tag], first != 0)
        elif tag == 0x0A:
            got.name = data[first:last].decode()
        elif tag == 0x7A:
            got.value = data[first:last].decode("utf-8", "replace")
        elif tag in _REAL:
            got.value = _REAL[tag](data[first:last])
        elif tag == 0x4A:
            _properties(data, first, last, got)
        elif tag == 0x92:
            template = first, last
        elif tag in (0x82, 0x8A):
            got.kept = False
    if under:
        got.name = f"{under}/{got.name}"
    if got.type > 14 or got.type == _DATE_TIME:
        got.kept = False
    into.metrics.append(got)
    if template is not None and depth < DEPTH_MAX:
        _template(data, *template, into, got.name, depth + 1)


_ANY: Final = rb"([\x80-\xff]{0,9}[\x00-\x7f])"
_PLAIN: Final = re.compile(
    rb"(?:\x10%b)?(?:\x18%b)?(?:\x20([\x00-\x0c\x0e]))?(?:\x28([\x00\x01]))?(?:\x38([\x00\x01]))?"
    rb"(?:[\x50\x58]%b|\x65(.{4})|\x69(.{8})|\x70([\x00\x01]))?" % ((_ANY,) * 3),
    re.DOTALL,
)
"""A metric of DATA as nearly all senders write it: fields in order, by its alias, one number. Read in one step."""


def _plain(groups: tuple[bytes | None, ...]) -> Metric:
    alias, at, kind, historical, null, whole, single, double, truth = groups
    value: Any = None
    if single is not None:
        value = _single(single)
    elif whole is not None:
        value = _number(whole)
    elif truth is not None:
        value = truth == b"\1"
    elif double is not None:
        value = _double(double)
    return Metric(
        "",
        None if alias is None else _number(alias),
        None if at is None else _number(at),
        0 if kind is None else kind[0],
        historical == b"\1",
        null == b"\1",
        value,
    )


@lru_cache(maxsize=4096)
def _number(raw: bytes) -> int:
    """A number from all its bytes; most are seen again (aliases, one time on every metric of a message)."""
    return raw[0] if len(raw) == 1 else _varint(raw, 0)[0]


def _template(data: bytes, start: int, end: int, into: Payload, under: str, depth: int) -> None:
    fields = _fields(data, start, end)
    if any(tag == 0x28 and value for tag, value, _ in fields):
        return  # a definition holds defaults, not what was measured
    for tag, first, last in fields:
        if tag == 0x12:
            _metric(data, first, last, into, under, depth)


def _properties(data: bytes, start: int, end: int, got: Metric) -> None:
    """The engineering unit and the quality among a metric's properties; keys and values are two lists in step."""
    fields = _fields(data, start, end)
    keys = [data[first:last] for tag, first, last in fields if tag == 0x0A]
    values = [(first, last) for tag, first, last in fields if tag == 0x12]
    for key, (first, last) in zip(keys, values, strict=False):
        name = key.decode("utf-8", "replace").replace(" ", "").replace("_", "").casefold()
        if name in _UNITS or name == "quality":
            for tag, begin, stop in _fields(data, first, last):
                if tag == 0x42 and name != "quality":
                    got.unit = data[begin:stop].decode("utf-8", "replace")[:16]
                elif tag in (0x18, 0x20) and name == "quality":
                    got.quality = begin


def _inflate(body: bytes) -> bytes:
    unfold = zlib.decompressobj(47)  # 32 + 15: gzip and zlib alike, told by their header
    try:
        data = unfold.decompress(body, INFLATED_MAX)
    except zlib.error as error:
        raise WireError(f"its body does not unfold ({error})") from None
    if unfold.unconsumed_tail:
        raise WireError(f"its body unfolds to more than {INFLATED_MAX} bytes")
    return data
