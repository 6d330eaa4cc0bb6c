"""The door to the codecs: a message's topic decides who reads it, and limits hold before anybody does."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, cast

from msgspec import structs

from devices.codec import COMMANDS, Ask, Codec, Commanding, Decoded, Message, Read, Topic
from devices.discover import Plugins, discover
from devices.profile import PROFILES, Profiles
from devices.reading import METRICS, Flag, MetricClass, split_point
from devices.topics import matches, specificity

PAYLOAD_MAX: Final = 65_536
"""Bytes of one message. A codec may raise it for its own topics: `LIMITS`, filter -> bytes."""

DEPTH_MAX: Final = 32
"""How deep JSON may nest. The deepest documented message (zigbee2mqtt's device list) nests 12 deep."""

TOPIC_MAX: Final = 1024
"""Characters of a topic name; MQTT allows 65 535, the longest documented one has about 200."""

OWN: Final = ("gateway/incidents/", "gateway/events/")
"""Where we publish ourselves; never read back. Devices may use other topics below `gateway/`: it is a common prefix."""

_TOPICS_MAX: Final = 65_536
"""Topics remembered of a source; the others cost a microsecond more. Of odd ones it holds for all sources together, and
past it they are found out anew: that costs more, so no source may use up the room of the others for good.
"""
_BOUND_MAX: Final = 8192  # of these those that a codec may keep a memory of its own for, 1 KB each
_SOURCES_MAX: Final = 256
_FIRSTS_MAX: Final = 1024  # first levels remembered per source, likewise

CODECS: Final[Plugins] = discover("devices.codecs")

_Reader = tuple[str, tuple[str, str], Read]
"""A codec that may read a topic: its name, the key of its context, its `decode` or what it bound to the topic."""

_BOM, _TEXTS = b"\xef\xbb\xbf", (b"{", b"[", b'"', b"<")
"""A byte order mark that some senders put before JSON and XML; a parser may ignore it (RFC 8259, 8.1), and does not."""

_ARRAY, _OBJECT, _MARK = b"[{\xef"  # numbers: bytes are searched for one many times faster than for bytes
_EMPTY: Final[Mapping[str, Any]] = {}


class Decoder:
    """Decodes messages of any source with the codecs that claim their topics.

    `contexts[codec, source]` is what that codec has learned there; it is read on every message and never written: the
    caller folds each `Learned` into it. `sources[name]` lists the codecs a source may use; empty or absent means all.
    Raises PluginUnknown or PluginMissing, when built, for a codec that is not there. A codec that raises is for the
    caller to isolate. `profiles` are handed to the codecs that say `PROFILED`; without them they use the shipped ones.

    A source of one codec is read by it, whatever the topic. Else a first level that a single codec names
    (`community/`, `zigbee2mqtt/`) goes straight to it. Where it answers `unknown-topic`, and for all other topics,
    every codec whose filters match is asked, the most specific first: the first that understood something answers,
    else the first that knew the topic at all. So a codec that claims `#` must say `unknown-topic` where it is unsure.
    """

    def __init__(
        self,
        contexts: Mapping[tuple[str, str], Mapping[str, Any]] | None = None,
        sources: Mapping[str, Sequence[str]] | None = None,
        codecs: Mapping[str, Codec] | None = None,
        profiles: Profiles | None = None,
    ) -> None:
        self._contexts = contexts if contexts is not None else {}
        self._sources = dict(sources or {})
        if codecs is None:
            codecs = {name: cast("Codec", module) for name, module in CODECS.available()}
            for name in sorted({n for allowed in self._sources.values() for n in allowed}):
                codecs = {**codecs, name: cast("Codec", CODECS[name])}
        self._codecs = codecs
        self._profiles = profiles
        self._topics = {name: self._claimed_by(codec) for name, codec in codecs.items()}
        self._met: dict[str, dict[str, _Reader | None]] = {}
        self._firsts: dict[str, dict[str, _Reader | None]] = {}
        self._claims: dict[tuple[str, str], tuple[_Reader, ...]] = {}

    def topics(self, source: str) -> list[Topic]:
        """Every topic filter the source's codecs claim, each once, sorted."""
        claimed = {t.filter: t for name in self._names(source) for t in self._topics[name]}
        return [claimed[f] for f in sorted(claimed)]

    def crowded(self) -> frozenset[str]:
        """The codecs that say `CROWDED`: several devices speak on one of their topics."""
        return frozenset(n for n, codec in self._codecs.items() if getattr(codec, "CROWDED", False))

    def decode(self, message: Message) -> Decoded:
        """What the message means. Never raises unless a codec does."""
        return self.answer(message)[1]

    def answer(self, message: Message) -> tuple[str, Decoded]:
        """`decode` together with the name of the codec that answered, empty when none did."""
        source, topic, payload = message.source, message.topic, message.payload
        if payload and payload[0] == _MARK and payload[:3] == _BOM and payload[3:4] in _TEXTS:
            payload = payload[3:]
            message = structs.replace(message, payload=payload)
        try:
            reader = self._met[source][topic]
        except KeyError:
            problem = bad_topic(topic)
            if problem is not None:
                return "", Decoded(quarantine=problem)
            reader = self._meet(source, topic)
        if len(payload) > PAYLOAD_MAX and not topic.startswith(OWN):
            limit = self._limit(source, topic)
            if len(payload) > limit:
                return "", Decoded(quarantine=f"too-large: {len(payload)} bytes, at most {limit}")
        # One bracket is no depth; finding out that there is no second one is cheaper than counting.
        if (_ARRAY in payload or _OBJECT in payload[1:]) and too_deep(payload):
            return "", Decoded(quarantine=f"too-deep: JSON nested more than {DEPTH_MAX} deep")
        if reader is not None:
            name, key, read = reader
            decoded = read(self._contexts.get(key, _EMPTY), message)
            if decoded.quarantine is None or not decoded.quarantine.startswith("unknown-topic"):
                return name, decoded
        if topic.startswith(OWN):
            return "", Decoded()
        silent: tuple[str, Decoded] | None = None
        for name, key, read in self._claimed(source, topic):
            decoded = read(self._contexts.get(key, _EMPTY), message)
            if decoded.quarantine is not None and decoded.quarantine.startswith("unknown-topic"):
                continue
            if decoded.readings or decoded.learned or decoded.asks:
                return name, decoded
            silent = silent or (name, decoded)
        return silent or ("", Decoded(quarantine=f"unknown-topic: no codec reads {topic[:120]}"))

    def command(
        self, source: str, native: str, name: str, identity: str, expires_at: int, family: str = ""
    ) -> Sequence[Ask] | str:
        """What to send so that a device does `name`, or why nothing is (`Codec`, `command`).

        `family` is the codec that understood the device before; empty where that is not known. Then every family of the
        source that could mean the device speaks: a message that nobody listens to does nothing, and a valve that does
        not close does harm.
        """
        if name not in COMMANDS:
            return f"not-taken: there is no command {name[:40]}"
        names = [n for n in self._names(source) if hasattr(self._codecs[n], "command")]
        if family and family in self._codecs:
            names = [n for n in names if n == family or getattr(self._codecs[n], "DESCRIBES", False)]
            names.sort(key=lambda n: n != family)
        found: list[Ask] = []
        problem = f"not-taken: devices of {family or 'this source'} are not told anything"
        for codec in names:
            known = self._contexts.get((codec, source), _EMPTY)
            speaks: Commanding = cast("Commanding", self._codecs[codec])
            said = speaks.command(known, native, name, identity, expires_at)
            if isinstance(said, str):
                problem = problem if said.startswith("unknown-device") and len(names) > 1 else said
                continue
            found += [ask for ask in said if ask not in found]
            if family:
                break
        return found or problem

    def _names(self, source: str) -> list[str]:
        allowed = self._sources.get(source) or ()
        return [name for name in self._codecs if not allowed or name in allowed]

    def _claimed_by(self, codec: Codec) -> Sequence[Topic]:
        """The topics of a codec; one that reads whatever profiles name claims just those."""
        claims = getattr(codec, "claims", None)
        claimed: Sequence[Topic] = claims(self._profiles) if claims and self._profiles else codec.TOPICS
        return claimed

    def _reader(self, source: str, name: str) -> _Reader:
        codec = self._codecs[name]
        if self._profiles is None or not getattr(codec, "PROFILED", False):
            return name, (name, source), codec.decode
        profiles = self._profiles
        return name, (name, source), lambda known, message: codec.decode(_Profiled(known, profiles), message)

    def _meet(self, source: str, topic: str) -> _Reader | None:
        """Who reads a well-formed topic by its first level, remembered topic by topic."""
        first = topic[: topic.find("/") + 1]
        firsts = self._firsts.get(source)
        reader = firsts[first] if firsts is not None and first in firsts else self._first(source, first)
        if len(self._met) >= _SOURCES_MAX and source not in self._met:
            self._met.clear()
        met = self._met.setdefault(source, {})
        # A city goes round more topics than that: forgetting the known for the new would never meet one again.
        if len(met) < _TOPICS_MAX:
            if reader is not None and len(met) < _BOUND_MAX:
                name, key, read = reader
                bind: Callable[[str, str], Read] | None = getattr(self._codecs[name], "bind", None)
                reader = (name, key, bind(source, topic) if bind is not None else read)
            met[topic] = reader
        return reader

    def _first(self, source: str, first: str) -> _Reader | None:
        """The only codec that names this first level, or the source's only one, remembered."""
        if len(self._firsts) >= _SOURCES_MAX and source not in self._firsts:
            self._firsts.clear()
        firsts = self._firsts.setdefault(source, {})
        if len(firsts) >= _FIRSTS_MAX:
            firsts.clear()
        allowed = self._names(source)
        names = [
            name
            for name in allowed
            if first != "gateway/"  # partly ours: looked at topic by topic
            and (
                len(self._sources.get(source) or ()) == 1
                or (first and any(t.filter.startswith(first) for t in self._topics[name]))
            )
        ]
        found = firsts[first] = self._reader(source, names[0]) if len(names) == 1 else None
        return found

    def _claimed(self, source: str, topic: str) -> tuple[_Reader, ...]:
        """Every codec whose filters match, the most specific first, remembered."""
        key = (source, topic)
        if key in self._claims:
            return self._claims[key]
        if len(self._claims) >= _TOPICS_MAX:
            self._claims.clear()
        claims = []
        for name in self._names(source):
            fitting = [specificity(t.filter) for t in self._topics[name] if matches(t.filter, topic)]
            if fitting:
                claims.append((tuple(-n for n in max(fitting)), name))
        found = self._claims[key] = tuple(self._reader(source, name) for _, name in sorted(claims))
        return found

    def _limit(self, source: str, topic: str) -> int:
        """The most bytes a message on this topic may have: the greatest that a codec asks for."""
        own: list[Mapping[str, int]] = [getattr(self._codecs[n], "LIMITS", {}) for n in self._names(source)]
        return max([PAYLOAD_MAX, *(size for o in own for f, size in o.items() if matches(f, topic))])


class _Profiled(Mapping[str, Any]):
    """What a codec has learned, with the profiles under their key; made for every message, so it copies nothing."""

    __slots__ = ("_known", "_profiles")

    def __init__(self, known: Mapping[str, Any], profiles: Profiles) -> None:
        self._known, self._profiles = known, profiles

    def __getitem__(self, key: str) -> Any:
        return self._known[key] if key in self._known or key != PROFILES else self._profiles

    def get(self, key: str, default: Any = None) -> Any:
        """As of any mapping; a missing key costs no exception."""
        found = self._known.get(key, default)
        return self._profiles if key == PROFILES and key not in self._known else found

    def __iter__(self) -> Iterator[str]:
        return iter({**self._known, PROFILES: None})

    def __len__(self) -> int:
        return len(self._known) + (PROFILES not in self._known)


def bad_topic(topic: str) -> str | None:
    """Why a topic cannot be part of a point's name, or None."""
    if len(topic) > TOPIC_MAX:
        return f"bad-topic: {len(topic)} characters, at most {TOPIC_MAX}"
    if "\0" in topic or (not topic.isascii() and any("\ud800" <= c <= "\udfff" for c in topic)):
        return "bad-topic: not text (MQTT 5, 1.5.4)"
    return None


_STRINGS: Final = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BRACKETS: Final = re.compile(rb"[\[\]{}]")


def too_deep(payload: bytes) -> bool:
    """Whether a payload that begins like JSON nests deeper than we follow; brackets inside strings do not count."""
    if payload.count(b"{") + payload.count(b"[") <= DEPTH_MAX:
        return False
    if payload.lstrip()[:1] not in {b"{", b"["}:
        return False
    depth = 0
    for bracket in _BRACKETS.finditer(_STRINGS.sub(b"", payload)):
        depth += 1 if bracket[0] in b"[{" else -1
        if depth > DEPTH_MAX:
            return True
    return False


_NOT_LIVE: Final = int(Flag.INVALID | Flag.HISTORICAL | Flag.RETAINED)


@lru_cache(maxsize=262_144)
def _weight(point: str) -> tuple[bool, bool]:
    """Whether a point's metric is of alarm class, and whether each of its True is a new event."""
    metric = METRICS.get(split_point(point)[1])
    return (metric.klass is MetricClass.ALARM, metric.pulse) if metric is not None else (False, False)


def urgent(decoded: Decoded) -> bool:
    """Whether the message holds a live, active alarm and must be committed at once."""
    for reading in decoded.readings:  # a loop, for this is asked of every message
        if reading.value is True and not reading.flags & _NOT_LIVE and _weight(reading.point)[0]:
            return True
    return False


def has_pulse(decoded: Decoded) -> bool:
    """Whether the message holds a pulse (an SOS press), so that its digest is needed to tell duplicates apart.

    Every pulse is of alarm class: only an urgent message can hold one.
    """
    for reading in decoded.readings:
        if reading.value is True and not reading.flags & _NOT_LIVE and _weight(reading.point)[1]:
            return True
    return False
