"""What is wrong with a profile beyond its shape, all of it at once: names, units, places, values, and its cases."""

from __future__ import annotations

import binascii
import difflib
from base64 import b64decode
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from devices.codec import Message
from devices.inner import Inner, Origin, inner_by
from devices.instants import from_iso
from devices.profile import At, Bit, Case, Clock, Field, Profile
from devices.profile_apply import form
from devices.profile_match import fits
from devices.reading import METRICS, Flag, MetricClass, Value, split_point
from devices.topics import valid_filter
from devices.units import known, scale

Path = tuple[str | int, ...]


class Wrong(msgspec.Struct, frozen=True):
    """One thing wrong with a profile: where (keys and list positions from the top), what would be right, what is there,
    and the word that was probably meant."""

    path: Path
    expected: str
    found: str
    nearest: str | None = None

    def __str__(self) -> str:
        near = f"; nearest: {self.nearest}" if self.nearest else ""
        where = ".".join(str(p) for p in self.path)
        return f"{where}: expected {self.expected}, found {self.found}{near}"


def wrong_with(profile: Profile) -> Iterator[Wrong]:
    """What the shape cannot say: metrics and units must exist, values fit their metric, and cases come true."""
    before = False
    for wrong in _meaning(profile):
        before = True
        yield wrong
    if not before:
        yield from _cases(profile)


def _meaning(profile: Profile) -> Iterator[Wrong]:
    records = profile.records
    if not profile.fields and records is None:
        yield Wrong(("fields",), "at least one field, or records", "none")
    if profile.match.starts and not _is_hex(profile.match.starts):
        yield Wrong(("match", "starts"), "hexadecimal digits, two a byte", repr(profile.match.starts))
    if profile.match.topic and not valid_filter(profile.match.topic):
        yield Wrong(
            ("match", "topic"), "an MQTT topic filter such as factory/+/smoke", repr(profile.match.topic)
        )
    yield from _clock(profile.time, ("time",))
    for i, where in enumerate(profile.match.where):
        yield from _place(where.at, where.bit, ("match", "where", i))
    if profile.device is not None:
        yield from _place(profile.device, None, (), "device")
    for path, fields in (
        (("fields",), profile.fields),
        (("records", "fields"), records.fields if records else ()),
    ):
        for i, field in enumerate(fields):
            yield from (msgspec.structs.replace(w, path=(*path, i, *w.path)) for w in _field(field))
    yield from _mixed(profile)
    if records is not None:
        yield from _clock(records.time, ("records", "time"))
        if not isinstance(records.at, str) and not records.size:
            yield Wrong(("records", "size"), "the bytes of one record", "none")


def _place(at: At, bit: Bit | None, path: Path, key: str = "at") -> Iterator[Wrong]:
    """A pointer begins with a slash; offsets are not negative and stay within what one message can hold."""
    if isinstance(at, str) and at and not at.startswith("/"):
        yield Wrong((*path, key), "a JSON pointer, which starts with /", repr(at), f"/{at}")
    if isinstance(at, int) and not 0 <= at < _BYTES_MAX:
        yield Wrong((*path, key), f"an offset from 0 to {_BYTES_MAX - 1}", repr(at))
    if isinstance(at, tuple) and not (0 <= at[0] < _BYTES_MAX and 1 <= at[1] <= _CUT_MAX):
        yield Wrong((*path, key), f"[first, how many], 1 to {_CUT_MAX} of them", repr(list(at)))
    low, many = bit if isinstance(bit, tuple) else (bit or 0, 1)
    if not (0 <= low < _BITS_MAX and 1 <= many <= _BITS_MAX):
        yield Wrong((*path, "bit"), f"a bit from 0 to {_BITS_MAX - 1}, or [lowest, how many]", repr(bit))


_BYTES_MAX: Final = 65_536
_CUT_MAX: Final = 255
_BITS_MAX: Final = 64


def _is_hex(text: str) -> bool:
    try:
        return bytes.fromhex(text) is not None
    except ValueError:
        return False


def _mixed(profile: Profile) -> Iterator[Wrong]:
    """Keys of JSON and offsets of bytes do not mix: one of them would never be found."""
    how = profile.payload.as_ or form(profile)
    for i, field in enumerate(profile.fields):
        if isinstance(field.at, str) != (how == "json"):
            wanted = "a pointer such as /state" if how == "json" else "an offset, or [first, how many]"
            yield Wrong(("fields", i, "at"), f"{wanted}: the payload is read as {how}", repr(field.at))


def _clock(clock: Clock | None, path: Path) -> Iterator[Wrong]:
    if clock is not None and from_iso(clock.since) is None:
        yield Wrong(
            (*path, "since"), "a date with its offset, as 2018-09-10T00:00:00+08:00", repr(clock.since)
        )
    if clock is not None and from_iso(f"2025-01-01T00:00:00{clock.zone}") is None:
        yield Wrong((*path, "zone"), "an offset such as +08:00", repr(clock.zone))


def _field(field: Field) -> Iterator[Wrong]:
    if not field.metric and not field.values:
        yield Wrong(("metric",), "a metric", "none")
    elif field.metric:
        yield from _metric(field.metric, ("metric",))
    yield from _place(field.at, field.bit, ())
    if "/" in field.channel or len(field.channel) > 64:
        yield Wrong(("channel",), "at most 64 characters without /", repr(field.channel))
    canonical = METRICS[field.metric].unit if field.metric in METRICS else None
    if field.unit and not known(field.unit):
        yield Wrong(("unit",), "a unit such as kPa, mV, ppm", repr(field.unit))
    elif field.unit and canonical and scale(field.unit, canonical) is None:
        yield Wrong(("unit",), f"a unit that measures what {canonical} does", repr(field.unit))
    if field.metric in METRICS and METRICS[field.metric].klass is not MetricClass.MEASUREMENT:
        for key in ("scale", "offset", "unit"):
            if getattr(field, key) != Field.__struct_defaults__[_DEFAULTED.index(key)]:
                yield Wrong((key,), f"nothing: {field.metric} is no measurement", repr(getattr(field, key)))
    for raw, meant in field.values.items():
        pairs = meant.items() if isinstance(meant, dict) else ((field.metric, meant),)
        for metric, value in pairs:
            path: Path = ("values", raw, metric) if isinstance(meant, dict) else ("values", raw)
            if metric in METRICS:
                yield from _value(metric, value, path)
            elif isinstance(meant, dict) or not field.metric:
                yield from _metric(metric, path)


_DEFAULTED: Final = Field.__struct_fields__[1:]  # `at` alone has no default


def _metric(name: object, path: Path) -> Iterator[Wrong]:
    if name not in METRICS:
        near = difflib.get_close_matches(str(name), METRICS, 1)
        yield Wrong(
            path,
            "a metric of docs/reference/metrics.md",
            repr(name) if name else "none",
            next(iter(near), None),
        )


def _value(metric: str, value: object, path: Path) -> Iterator[Wrong]:
    klass = METRICS[metric].klass
    if klass is MetricClass.MEASUREMENT:
        right, wanted = isinstance(value, int | float) and not isinstance(value, bool), "a number"
    elif klass is MetricClass.STATUS:
        right, wanted = isinstance(value, bool | int | float | str), "true, false, a number or a text"
    else:
        right, wanted = isinstance(value, bool), "true or false"
    if not right and value is not None:
        yield Wrong(path, f"{wanted} for {metric}, or null for no reading", repr(value))


# -- cases --------------------------------------------------------------------------------------------------------


def _cases(profile: Profile) -> Iterator[Wrong]:
    for i, case in enumerate(profile.cases):
        payload = payload_of(case)
        if payload is msgspec.UNSET:
            yield Wrong(("cases", i), "one of json, text, hex, base64", "none, or one that cannot be read")
            continue
        if i == 0 and not fits(msgspec.structs.replace(profile.match, service=()), payload):
            yield Wrong(("cases", 0), "first a payload that `match` is for", "one that it is not for")
        got = inner_by(Origin({}, Message("case", "", b""), "", "", profile.name), profile, payload, None)
        said = live(got)
        if said != dict(case.readings):
            yield Wrong(("cases", i, "readings"), str(said), str(dict(case.readings)))
        if (got.problem is not None) != case.aside:
            problem = got.problem or "no problem"
            yield Wrong(("cases", i, "aside"), str(got.problem is not None).lower(), problem)


def payload_of(case: Case) -> Any:
    """The payload of a case; UNSET where it has none or one that cannot be read."""
    try:
        if case.hex is not None:
            return bytes.fromhex(case.hex)
        if case.base64 is not None:
            return b64decode(case.base64, validate=True)
    except (ValueError, binascii.Error):
        return msgspec.UNSET
    return case.text if case.text is not None else case.json


def live(got: Inner) -> dict[str, Value]:
    """What a payload says now, as cases write it: `metric` or `metric/channel` to value."""
    named = ((split_point(r.point)[1:], r) for r in got.readings)
    return {
        f"{metric}/{channel}" if channel else metric: r.value
        for (metric, channel), r in named
        if not r.flags & Flag.HISTORICAL
    }
