"""Native telemetry: one JSON object of metrics, or an array of them in time order. This is the hot path."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import nextafter
from typing import Any, Final

import msgspec

from devices.codec import Decoded, Message
from devices.instants import EARLIEST_MS, clock_flags, from_ms
from devices.reading import METRICS, Flag, MetricClass, Reading, Value, point_id
from devices.terms import RANGES
from devices.vocabulary import HUGE, clean_channel, sense, short
from devices.words import Said, said, switch

VERSION: Final = 1
KEYS_MAX: Final = 256  # of one object; the richest device on the market sends fewer than a hundred
BATCH_MAX: Final = 1024  # objects in one array; 64 KiB hold about that many useful ones
_KEYS_KNOWN_MAX: Final = 4096  # of all devices together; past it only metrics are still known
_KEYS_OWN_MAX: Final = 16  # of a device that is remembered; any further one costs a microsecond each time
_KEY_KNOWN_MAX: Final = 256  # characters of a key worth remembering: all of them are 4 MB at most

Known = tuple[int, str, float | None, float]
"""How to read one key: its kind, how its points end (`/metric/channel`), and the range its numbers can be true in, None
where it is no number's. A device that is remembered has whole points there.
"""

_NUMBER, _LEVEL, _ANY = range(3)
_KINDS: Final = {
    MetricClass.MEASUREMENT: _NUMBER,
    MetricClass.ALARM: _LEVEL,
    MetricClass.FAULT: _LEVEL,
    MetricClass.TEST: _LEVEL,
    MetricClass.STATUS: _ANY,
}
# Ranges hold their ends, and HUGE is no number of ours.
_STORABLE: Final = (nextafter(-HUGE, 0.0), nextafter(HUGE, 0.0))
_METRICS: Final = {
    name: (kind, *(RANGES.get(name, _STORABLE) if kind == _NUMBER else (None, 0.0)))
    for name, kind in ((m.name, _KINDS[m.klass]) for m in METRICS.values())
}
_ABSENT: Final = object()
_INVALID: Final = int(Flag.INVALID)
_RETAINED: Final = int(Flag.RETAINED)
_UNNAMED: Final = re.compile(r"[^a-z0-9]+")
_json: Final = msgspec.json.Decoder()

# What a key means is the same for every device, so it is remembered once: a memory of each device's points is a
# gigabyte in a city, and fetching them from there takes longer than putting the two halves together. Of as many devices
# as `bind` is asked for it is worth having.
_STANDING: Final[dict[str, Known]] = {
    name: (kind, point_id("", name), low, high) for name, (kind, low, high) in _METRICS.items()
}
_known: Final[dict[str, Known]] = dict(_STANDING)


class Speaker(msgspec.Struct, gc=False):
    """Who speaks on a topic. Its points are `prefix` and what `known` says: nothing and the point where it has a memory
    of its own, else its name and what is the same for every device.
    """

    device: str
    prefix: str
    known: dict[str, Known]

    def meet(self, key: str) -> Known:
        """How to read a key that is not in `known`."""
        kind, end, low, high = known = _known.get(key) or _meet(key)
        if not self.prefix:
            known = kind, self.device + end, low, high
            if len(self.known) < _KEYS_OWN_MAX and len(key) <= _KEY_KNOWN_MAX:
                self.known[key] = known
        return known


def remembered(device: str) -> Speaker:
    """A speaker with a memory of its own, some 1 KB, for as long as somebody holds it."""
    return Speaker(device, "", {})


def stranger(device: str) -> Speaker:
    """A speaker for one message."""
    return Speaker(device, device, _known)


def telemetry(speaker: Speaker, context: Mapping[str, Any], message: Message) -> Decoded:
    """The readings of one telemetry message."""
    try:
        data = _json.decode(message.payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Decoded(quarantine=f"not-json: {error}")
    readings: list[Reading] = []
    problems: list[str] = []
    flags = _RETAINED if message.retained else 0
    if type(data) is dict:
        own = _read(speaker, data, flags, message.now, readings, problems)
    elif type(data) is list and data:
        if len(data) > BATCH_MAX:
            problems.append(
                f"too-many: {len(data)} objects in one batch, at most {BATCH_MAX}; the newest are kept"
            )
        ids: list[str] = []
        for item in data[-BATCH_MAX:]:
            if type(item) is dict:
                ids.append(_read(speaker, item, flags, message.now, readings, problems) or "")
            else:
                problems.append("wrong-type: an element of the batch is no object")
        own = f"{ids[0]}..{ids[-1]}" if ids and all(ids) else None
    else:
        return Decoded(quarantine="wrong-type: telemetry is neither an object nor an array of objects")
    return Decoded(readings, reason(problems) if problems else None, own)


def _read(
    speaker: Speaker,
    data: dict[str, Any],
    flags: int,
    now: int,
    readings: list[Reading],
    problems: list[str],
) -> str | None:
    """Append what one object says; its sequence."""
    own = data.pop("id", None)
    at = data.pop("ts", _ABSENT)  # taken out, as id and v, for what is left is looked at key by key
    if at is _ABSENT:
        at = None
    elif type(at) is not int or not EARLIEST_MS <= at <= now:  # the usual case is done with one comparison
        at = from_ms(at)
        if at is None:
            problems.append("wrong-type: ts is not a number of milliseconds")
        else:
            flags |= clock_flags(at, now)
    version = data.pop("v", VERSION)
    if len(data) > KEYS_MAX:
        problems.append(f"too-many: {len(data)} keys, at most {KEYS_MAX}")
        data = dict(list(data.items())[:KEYS_MAX])
    if version != VERSION:
        problems.append("version: v is not 1, understood as far as it goes")
    prefix, known = speaker.prefix, speaker.known
    for key, value in data.items():
        try:
            kind, end, low, high = known[key]
        except KeyError:
            kind, end, low, high = speaker.meet(key)
        if low is not None:
            kind_of = type(value)
            if (kind_of is float or kind_of is int) and low <= value <= high:
                readings.append(Reading(prefix + end, value, at, flags))
                continue
        elif value is True or value is False:
            readings.append(Reading(prefix + end, value, at, flags))
            continue
        _odd(key, kind, value, Reading(prefix + end, None, at, flags), readings, problems)
    return own if own is None else sequence(own)


def _meet(key: str) -> Known:
    """How to read a key that is no metric's name, seen for the first time or too long to be remembered."""
    name = _UNNAMED.sub("_", key.casefold()).strip("_")
    known = _STANDING.get(name) if name in _METRICS else _alarm(key)
    if known is None:
        name = name[:64] or "unknown"
        known = (_ANY, point_id("", name, "" if name == key else clean_channel(key)), None, 0.0)
    if len(key) <= _KEY_KNOWN_MAX:
        if len(_known) >= _KEYS_KNOWN_MAX:
            _known.clear()
            _known.update(_STANDING)
        _known[key] = known
    return known


def _alarm(key: str) -> Known | None:
    """How to read a key that is no metric and names an alarm all the same (`smokeAlarm`): a maker's way of writing must
    not cost the fire. Keys that may hold a number of it are not taken for one."""
    meant = sense(key)
    if meant is None or not meant.levels or not meant.term.level or (meant.numbers and meant.term.number):
        return None
    if METRICS[meant.term.level].klass is not MetricClass.ALARM:
        return None
    return _LEVEL, point_id("", meant.term.level, clean_channel(meant.channel)), None, 0.0


def _odd(
    key: str, kind: int, value: Any, empty: Reading, readings: list[Reading], problems: list[str]
) -> None:
    """Everything that is not an ordinary number or level: no reading, out of range, texts, wrong types."""
    flags = empty.flags
    kept: Value
    if value is None:
        readings.append(empty)
        return
    if kind == _LEVEL:
        level = _lenient(value)
        problems.append(f"wrong-type: {short(key)} is not true or false")
        if level is None:
            return
        kept = level
    elif kind == _NUMBER:
        if type(value) is not float and type(value) is not int:
            problems.append(f"wrong-type: {short(key)} is not a number")
            return
        kept, flags = (value if -HUGE < value < HUGE else None), flags | _INVALID
    elif type(value) is str:
        kept = short(value)
    elif type(value) is bool:
        kept = value
    elif type(value) is int or type(value) is float:
        kept, flags = (value, flags) if -HUGE < value < HUGE else (None, flags | _INVALID)
    else:
        kept = short(msgspec.json.encode(value).decode())
    readings.append(Reading(empty.point, kept, empty.measured_at, flags))


def _lenient(value: Any) -> bool | None:
    """What a mistyped level says, if it can be said: 0, 1, and the words for them."""
    if type(value) is int and value in (0, 1):
        return bool(value)
    if type(value) is not str:
        return None
    switched = switch(value)
    if switched is not None:
        return switched
    return {Said.ACTIVE: True, Said.NORMAL: False}.get(said(value) or Said.UNKNOWN)


def sequence(given: Any) -> str | None:
    """The device's own id of the message: a text or a whole number of at most 64 characters."""
    if type(given) is int:
        return str(given) if -HUGE < given < HUGE else None
    return given[:64] if type(given) is str and given else None


def reason(problems: list[str]) -> str:
    """One line for the quarantine: the first problem, and how many more there were."""
    return problems[0] if len(problems) == 1 else f"{problems[0]} (and {len(problems) - 1} more)"
