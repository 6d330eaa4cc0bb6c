"""Reads a payload as its profile says."""

from __future__ import annotations

import binascii
import math
from base64 import b64decode
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, Final

import msgspec

from devices.profile import At, Field, Profile
from devices.profile_match import same
from devices.profile_raw import ABSENT, EXACT, bits_of, first_key, name_at, pointed, raw_at, time_at
from devices.reading import METRICS, Flag, MetricClass
from devices.terms import Term
from devices.vocabulary import Meaning, Sense, checked, number_in, quantity, short, understand

RECORDS_MAX: Final = 512
"""Records read of one message: MEOKON meters save 600 at most, W306 meters 48; a payload of 64 KiB holds few more."""

_INVALID: Final = int(Flag.INVALID)
_HISTORICAL: Final = int(Flag.HISTORICAL)

_json: Final = msgspec.json.Decoder()


class Statement(msgspec.Struct, frozen=True, gc=False):
    """One statement of a payload: a meaning, and when it was measured if the payload says so (UTC ms)."""

    meaning: Meaning
    measured_at: int | None = None


class Applied(msgspec.Struct, frozen=True):
    """What a profile made of a payload. `problem` is None or a short reason (`code: words`) to set the message aside
    besides; `body` is the part that was read, for whoever reads the rest; `device` the name it gives itself."""

    statements: Sequence[Statement] = ()
    problem: str | None = None
    body: Any = None
    device: str = ""


def apply(profile: Profile, payload: Any) -> Applied:
    """What the payload says: an object as JSON gives it, text, or bytes. Never raises."""
    body = _inside(profile, payload)
    if isinstance(body, _Unreadable):
        return Applied(problem=body.why)
    at = time_at(profile.time, body, 0)
    said = _Said()
    statements = [Statement(m, at) for m in said.fields(profile.fields, body, 0)]
    if profile.records is not None:
        statements += _records(profile, body, said)
    return Applied(statements, said.problem, body, name_at(profile.device, body))


class _Unreadable(msgspec.Struct, frozen=True):
    why: str


def _inside(profile: Profile, payload: Any) -> Any:
    """The part to be read, in the form the fields count in."""
    inside = profile.payload
    body = pointed(payload, inside.at) if inside.at else payload
    if body is ABSENT:
        return _Unreadable(f"no-profile: {profile.name} finds nothing at {inside.at}")
    try:
        return _as(inside.as_ or form(profile), body)
    except (ValueError, binascii.Error, msgspec.DecodeError, RecursionError) as error:
        return _Unreadable(f"no-profile: {profile.name} cannot read the payload: {str(error)[:120]}")


@lru_cache(maxsize=1024)
def form(profile: Profile) -> str:
    """What the fields count in, where the profile does not say: keys of JSON, or bytes."""
    places: list[Any] = [f.at for f in profile.fields]
    places += [profile.records.at] if profile.records is not None else []
    return "json" if not places or any(isinstance(at, str) for at in places) else "bytes"


def _as(how: str, body: Any) -> Any:
    if how == "json":
        return _json.decode(body) if isinstance(body, bytes | str) else body
    if how == "text":
        text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
        if not isinstance(text, str):
            raise ValueError("it is no text")
        return text
    if isinstance(body, str):
        if how == "base64":
            return b64decode(body, validate=True)
        if how == "hex":
            return bytes.fromhex(body)
    if isinstance(body, bytes):
        if how == "hex":
            return bytes.fromhex(body.decode("ascii"))
        return b64decode(body, validate=True) if how == "base64" else body
    raise ValueError(f"it is not {how}")


class _Said:
    """Collects what fields say and the first thing that was not understood."""

    def __init__(self) -> None:
        self.problem: str | None = None

    def fields(self, fields: Iterable[Field], body: Any, start: int) -> Iterator[Meaning]:
        for field in fields:
            raw = raw_at(body, field.at, field.type, field.order, start)
            if raw is ABSENT:
                if type(body) is not dict and type(body) is not list:
                    self.problem = self.problem or f"too-short: nothing at {field.at}"
                continue
            if field.bit is not None:
                raw = bits_of(raw, field.bit)
            yield from self.one(field, raw)

    def one(self, field: Field, raw: Any) -> Sequence[Meaning]:
        if raw is None or (field.no_reading and any(same(raw, n) for n in field.no_reading)):
            metrics = [field.metric] if field.metric else sorted(_spoken_of(field))
            return [Meaning(m, field.channel, None) for m in metrics]
        if field.values:
            return self.listed(field, raw)
        klass = METRICS[field.metric].klass
        if klass is MetricClass.MEASUREMENT:
            number = number_in(raw.strip()) if type(raw) is str else raw
            if type(number) is not int and type(number) is not float:
                return self.unknown(field, raw)
            return (_measured(field, number),)
        if type(raw) in _NUMBERS and raw in (0, 1):
            return (Meaning(field.metric, field.channel, bool(raw) ^ field.inverted),)
        if klass is MetricClass.STATUS and isinstance(raw, str):
            return (Meaning(field.metric, field.channel, short(raw)),)
        said = understand(_sense(field), raw) if isinstance(raw, str | bool) else []
        if not said or (said[0].value is None and said[0].flags & _INVALID):
            return self.unknown(field, raw)
        return said

    def listed(self, field: Field, raw: Any) -> Sequence[Meaning]:
        meant = _listed(field, raw)
        if meant is ABSENT:
            return self.unknown(field, raw)
        pairs = meant.items() if isinstance(meant, dict) else ((field.metric, meant),)
        return [_stated(metric, field, value) for metric, value in pairs]

    def unknown(self, field: Field, raw: Any) -> list[Meaning]:
        """A value nobody listed: set aside, and no alarm that stands here may read as normal because of it."""
        self.problem = self.problem or f"unknown-value: {field.at or 'it'} says {short(str(raw))[:64]}"
        alarms = [m for m in sorted(_spoken_of(field)) if METRICS[m].klass is MetricClass.ALARM]
        return [Meaning(m, field.channel, None, _INVALID) for m in alarms]


_NUMBERS: Final = (int, bool, float)


@lru_cache(maxsize=4096)
def _sense(field: Field) -> Sense:
    return Sense(Term(level=field.metric, bits=True, inverted=field.inverted), field.channel)


def _spoken_of(field: Field) -> set[str]:
    """Every metric a field may speak of."""
    named = {m for v in field.values.values() if isinstance(v, dict) for m in v}
    return named | ({field.metric} if field.metric else set())


def _listed(field: Field, raw: Any) -> Any:
    key = (
        str(raw).casefold()
        if isinstance(raw, bool)
        else f"{raw:g}"
        if type(raw) is float
        else str(raw).strip()
    )
    meant = field.values.get(key, ABSENT)
    if meant is ABSENT:
        folded = key.casefold()
        meant = next((v for k, v in field.values.items() if str(k).casefold() == folded), ABSENT)
    return meant


def _stated(metric: str, field: Field, value: Any) -> Meaning:
    if isinstance(value, bool):
        return Meaning(metric, field.channel, value ^ (field.inverted and metric == field.metric))
    if isinstance(value, int | float):
        return checked(metric, field.channel, value)
    return Meaning(metric, field.channel, short(value) if isinstance(value, str) else None)


def _measured(field: Field, raw: float) -> Meaning:
    if isinstance(raw, float) and not math.isfinite(raw):
        return Meaning(field.metric, field.channel, None)
    if (field.scale != 1.0 or field.offset != 0.0) and -EXACT < raw < EXACT:
        # 303 hundredths are 3.03, not 3.0300000000000002
        scaled = float(f"{raw * field.scale + field.offset:.12g}")
        raw = int(scaled) if isinstance(raw, int) and scaled.is_integer() else scaled
    return quantity(field.metric, field.channel, raw, field.unit)


def _records(profile: Profile, body: Any, said: _Said) -> Iterator[Statement]:
    """Each record's statements, the newest ones live. A pulse in an old record is history like all of it."""
    records = profile.records
    assert records is not None
    if isinstance(records.at, str):
        listed = pointed(body, records.at)
        blocks = [(r, 0) for r in listed[:RECORDS_MAX]] if isinstance(listed, list) else []
    else:
        begin = records.at if isinstance(records.at, int) else records.at[0]
        count = raw_at(body, records.count, "uint", "big") if records.count is not None else RECORDS_MAX
        length = len(body) if isinstance(body, bytes | str) else 0
        whole = max(0, length - begin) // records.size if records.size else 0
        wanted = count if isinstance(count, int) else 0
        if records.count is not None and wanted > whole:
            said.problem = said.problem or f"too-short: {whole} records of {wanted}"
        blocks = [(body, begin + i * records.size) for i in range(min(wanted, whole, RECORDS_MAX))]
    times = [time_at(records.time, block, start) for block, start in blocks]
    newest = _newest(times, records.newest)
    order = list(range(len(blocks)) if records.newest == "last" else range(len(blocks) - 1, -1, -1))
    if None not in times:
        order.sort(key=lambda i: times[i] or 0)
    for index in order:  # oldest first, as all batches are
        block, start = blocks[index]
        flags = 0 if index == newest else _HISTORICAL
        for meaning in said.fields(records.fields, block, start):
            marked = msgspec.structs.replace(meaning, flags=meaning.flags | flags) if flags else meaning
            yield Statement(marked, times[index])


def _newest(times: Sequence[int | None], place: str) -> int:
    """The record of now: the latest by their own times, of equal ones or without times the one in its place."""
    order = range(len(times)) if place == "first" else range(len(times) - 1, -1, -1)
    known = [t for t in times if t is not None]
    latest = max(known, default=None)
    return next((i for i in order if latest is None or times[i] == latest), 0)


@lru_cache(maxsize=1024)
def consumed(profile: Profile) -> frozenset[str]:
    """The keys of a JSON object that the profile speaks for, so that nobody reads them a second time."""
    places: list[At | None] = [f.at for f in profile.fields]
    places += [profile.device, profile.time.at if profile.time else None]
    places += [profile.records.at, profile.records.count] if profile.records else []
    keys = {first_key(at) for at in places} | {i.lstrip("/") for i in profile.ignore}
    return frozenset(k for k in keys if k)
