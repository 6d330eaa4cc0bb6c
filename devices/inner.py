"""What stands inside a carrier's envelope: read by its product's profile, else by its words, and never lost.

A profile that fits comes first. Where none does, an object's keys are understood by the vocabulary, and bytes that turn
out to be JSON likewise. What is left over is set aside with the reason `no-profile`, and says at least that its device
is alive, so that the device waits in the inbox for a profile.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from devices.codec import Message
from devices.inner_words import Words
from devices.instants import clock_flags
from devices.profile import Profile, profiles_of
from devices.profile_apply import apply, consumed
from devices.profile_match import fits
from devices.reading import Flag, Reading, Value, device_id, point_id
from devices.vocabulary import Meaning, short

_HISTORICAL: Final = int(Flag.HISTORICAL)
_RETAINED: Final = int(Flag.RETAINED)
_json: Final = msgspec.json.Decoder()


class Origin(msgspec.Struct, frozen=True):
    """Where a payload comes from: the message, its codec's context and name, the product, the device's native name."""

    context: Mapping[str, Any]
    message: Message
    codec: str
    product: str
    native: str


class Inner(msgspec.Struct, frozen=True):
    """What a payload says. `problem` is None or the reason to set the message aside besides; `profiled` says that a
    profile read it, so that nothing in it was left to words alone."""

    readings: tuple[Reading, ...] = ()
    problem: str | None = None
    profiled: bool = False


class Gathered:
    """Puts the payloads of one message together: each point once, an alarm over everything, the first problem kept."""

    def __init__(self) -> None:
        self.points: dict[tuple[str, bool], Reading] = {}
        self.problem: str | None = None

    def add(self, inner: Inner) -> None:
        """Take in what one payload said. Historical readings of a point stand beside the live one."""
        self.problem = self.problem or inner.problem
        for reading in inner.readings:
            key = (reading.point, bool(reading.flags & _HISTORICAL))
            there = self.points.get(key)
            if key[1]:
                self.points[f"{reading.point}@{reading.measured_at}", True] = reading
            elif there is None or (there.value is not True and reading.value is True):
                self.points[key] = reading

    @property
    def readings(self) -> tuple[Reading, ...]:
        """Everything said, in order."""
        return tuple(self.points.values())


def inner(origin: Origin, payload: Any, service: str = "", at: int | None = None) -> Inner:
    """What a payload says: an object, a list, text or bytes. `service` is what the envelope calls the part, `at` when
    the envelope says it was measured. Never raises."""
    profile = profile_for(origin, payload, service)
    if profile is None and type(payload) in _TEXTS and (found := parsed(payload)) is not None:
        payload = found
        profile = profile_for(origin, payload, service)
    return inner_by(origin, profile, payload, at, service)


def inner_by(
    origin: Origin, profile: Profile | None, payload: Any, at: int | None, service: str = ""
) -> Inner:
    """`inner` once it is known whose profile applies, if anybody's."""
    if profile is None:
        if type(payload) not in _OBJECTS:
            alive = spoken(origin.message, origin.native, "heartbeat", True, at)
            return Inner((alive,), f"no-profile: {_what(payload)} of product {_shown(origin)}")
        said = _Readings(origin.message, origin.native, at)
        problem = said.words(payload, service, frozenset(), origin)
    else:
        applied = apply(profile, payload)
        said = _Readings(origin.message, applied.device or origin.native, at)
        for statement in applied.statements:
            said.add(statement.meaning, statement.measured_at)
        problem = applied.problem
        if profile.rest == "words" and type(applied.body) in _OBJECTS:
            left = said.words(applied.body, service, consumed(profile), origin)
            problem = problem or left
    if not said.readings and (profile is None or problem is None):
        said.add(_ALIVE, None)
        if profile is None:
            problem = problem or f"no-profile: nothing understood of product {_shown(origin)}"
    return Inner(tuple(said.readings.values()), problem, profile is not None)


_OBJECTS: Final = (dict, list)
_TEXTS: Final = (bytes, str)
_ALIVE: Final = Meaning("heartbeat", "", True)


class _Readings:
    """Meanings of one device becoming readings: a point is said once, an alarm over everything."""

    def __init__(self, message: Message, native: str, at: int | None) -> None:
        self.readings: dict[str, Reading] = {}
        self._device = device_id(message.source, native)
        self._now, self._at = message.now, at
        self._retained = _RETAINED if message.retained else 0
        self._flags = self._retained | (clock_flags(at, message.now) if at is not None else 0)

    def add(self, meant: Meaning, own: int | None) -> None:
        """A meaning, at the payload's own time or else the envelope's."""
        point = f"{self._device}/{meant.metric}/{meant.channel}"
        when, flags = self._at, self._flags
        if own is not None:
            when, flags = own, self._retained | clock_flags(own, self._now)
        key = point if not meant.flags & _HISTORICAL else f"{point}@{when}"
        there = self.readings.get(key)
        if there is None or (meant.value is True and there.value is not True):
            self.readings[key] = Reading(point, meant.value, when, flags | meant.flags)

    def words(self, body: Any, service: str, skipped: frozenset[str], origin: Origin) -> str | None:
        """What an object's keys say that nobody spoke for; the answer is the reason to set it aside, if any."""
        words = Words(service, skipped)
        words.read(body)
        for meant in words.said.values():
            point = f"{self._device}/{meant.metric}/{meant.channel}"
            if point not in self.readings:
                self.readings[point] = Reading(point, meant.value, self._at, self._flags | meant.flags)
        return f"no-profile: {words.problem}; product {_shown(origin)}" if words.problem else None


def profile_for(origin: Origin, payload: Any, service: str = "") -> Profile | None:
    """The profile of the payload's product, the best of those that fit; None where there is none."""
    for candidate in profiles_of(origin.context).of_product(origin.codec, origin.product):
        if type(payload) is dict:
            if candidate.binary or (candidate.key is not None and candidate.key not in payload):
                continue
        elif candidate.key is not None and not isinstance(payload, list):
            continue
        if fits(candidate.profile.match, payload, service):
            return candidate.profile
    return None


def parsed(payload: bytes | str) -> Any:
    """The object or list a text consists of, else None; many a device sends JSON through a pipe made for bytes."""
    if payload[:1] not in (b"{", b"[", "{", "["):
        return None
    try:
        return _json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, UnicodeEncodeError, RecursionError):
        return None


def spoken(
    message: Message, native: str, metric: str, value: Value, at: int | None = None, channel: str = ""
) -> Reading:
    """What an envelope itself says of a device: that it is online, or by speaking at all that it is alive."""
    flags = _RETAINED if message.retained else 0
    flags |= clock_flags(at, message.now) if at is not None else 0
    return Reading(point_id(device_id(message.source, native), metric, channel), value, at, flags)


def name_of(value: Any) -> str:
    """An id as platforms write it, text or number; empty for none and for the words that mean none."""
    if type(value) is str:
        name = value.strip()
        return "" if name in _NOBODY else short(name)
    return str(value) if type(value) is int and abs(value) < 1 << 64 else ""


_NOBODY: Final = frozenset(("", "undefined", "null", "None"))


def _what(payload: Any) -> str:
    if isinstance(payload, bytes):
        return f"{len(payload)} bytes {payload[:24].hex()}"
    return f"the text {short(payload)[:48]!r}" if isinstance(payload, str) else short(repr(payload))[:48]


def _shown(origin: Origin) -> str:
    return short(origin.product)[:64] or "unknown"
