"""What a profile says: how one product's own payload, inside an envelope we know, becomes the house's readings.

A profile is data, written by an operator or shipped in `devices/profiles/*.yaml`; `docs/profiles.md` explains it to its
writer. `devices.profile_load` checks it, `devices.profile_apply` uses it. Codecs ask `profiles_of(context)`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from devices.topics import matches, specificity

PROFILES: Final = "profiles"
"""The reserved key of a codec's context under which the profiles stand; no codec learns under it."""

At = str | int | tuple[int, int]
"""Where: a JSON pointer (`/a/b`, RFC 6901), a byte or character, or `[first, how many]` of them. All count from 0."""

Name = Annotated[
    str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$", description="a name of small letters, digits and -")
]
Bit = int | tuple[int, int]
"""A bit of a number, 0 the lowest, or `[lowest, how many]` of them."""
OneOrMore = str | int | tuple[str | int, ...]
Type = Literal["uint", "int", "float", "text", "digits", "hex"]
"""How bytes are read. `digits` are BCD, two digits a byte; `hex` is a number written in hexadecimal letters."""


class Where(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One condition on the payload: something is there, is this value, is one of these, or is a text that starts so.
    Bytes are compared as the whole number they are, or as its `bit`."""

    at: At
    is_: Any = msgspec.field(default=msgspec.UNSET, name="is")
    one_of: tuple[Any, ...] = ()
    starts: str = ""
    bit: Bit | None = None
    exists: bool = True


class Match(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which payloads a profile is for: all that is written must hold. `starts` is hexadecimal, `size` in bytes.

    With nothing but `codec` it matches nothing: such a profile is there to be named by another one's `like`.
    """

    codec: OneOrMore = ()
    product: OneOrMore = ()
    service: OneOrMore = ()
    topic: str = ""
    starts: str = ""
    size: int | None = None
    where: tuple[Where, ...] = ()


class Inside(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the part to be read stands, and how it is written there. Without `as` the fields tell."""

    at: str = ""
    as_: Literal["", "json", "text", "hex", "base64", "bytes"] = msgspec.field(default="", name="as")


class Clock(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The device's own time: a number since `since` (ISO 8601 with its offset; 1970 UTC without), ISO 8601 text, or 12
    or 14 digits (yyMMddHHmmss, yyyyMMddHHmmss) in `zone`."""

    at: At
    type: Type | None = None
    order: Literal["big", "little"] = "big"
    unit: Literal["ms", "s"] = "ms"
    since: str = "1970-01-01T00:00:00Z"
    zone: str = "+08:00"


class Field(msgspec.Struct, frozen=True, forbid_unknown_fields=True, eq=False):
    """One thing the payload says. Raw value, then `bit`, `no_reading`, `values`, `scale` and `offset`, then `unit`.

    `values` maps what stands there to what it means: a value of `metric`, or `{metric: value, ...}`; `{}` says nothing.
    A value that is not listed is never taken for normal: it is set aside, and an alarm metric reads "unknown".
    """

    at: At
    metric: str = ""
    channel: str = ""
    type: Type | None = None
    order: Literal["big", "little"] = "big"
    bit: Bit | None = None
    scale: float = 1.0
    offset: float = 0.0
    unit: str = ""
    inverted: bool = False
    no_reading: tuple[Any, ...] = ()
    values: Mapping[str, Any] = {}


class Records(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Measurements a device has saved up: a JSON list, or `count` blocks of `size` bytes from `at` on.

    `at` in their fields and time counts from the record's own start. The newest is now, all others are historical.
    """

    at: At
    fields: Annotated[tuple[Field, ...], Meta(min_length=1, max_length=64)]
    size: Annotated[int, Meta(ge=0, le=4096)] = 0
    count: At | None = None
    newest: Literal["first", "last"] = "first"
    time: Clock | None = None


class Case(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An example that must come true, the first one of a payload that `match` is for.

    One of `json`, `text`, `hex`, `base64` is the payload as the envelope's codec hands it on. `readings` is everything
    it says now, the words of its other keys with it: `metric` or `metric/channel` to value. `aside` expects that the
    message is set aside besides.
    """

    name: str
    readings: Mapping[str, Any]
    json: Any = msgspec.UNSET
    text: str | None = None
    hex: str | None = None
    base64: str | None = None
    aside: bool = False


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, eq=False):
    """One profile; equal to itself alone, so that what follows from it can be remembered.

    `rest` says what becomes of a JSON object's other keys: `words` has the vocabulary read them. `source` names the
    document its numbers are from. `device` is where the payload carries the device's own name.
    """

    name: Name
    fields: Annotated[tuple[Field, ...], Meta(max_length=256)] = ()
    source: str = ""
    like: str = ""
    match: Match = Match()
    payload: Inside = Inside()
    device: At | None = None
    time: Clock | None = None
    records: Records | None = None
    rest: Literal["words", "nothing"] = "words"
    ignore: tuple[str, ...] = ()
    cases: tuple[Case, ...] = ()


def many(value: OneOrMore) -> tuple[str, ...]:
    """One or more, as texts: YAML reads a product's number as a number."""
    return tuple(str(v) for v in value) if isinstance(value, tuple) else (str(value),)


class Candidate(msgspec.Struct, frozen=True, gc=False):
    """A profile whose codec and product fit, and what to look at first: whether it is for bytes, or a key it needs."""

    profile: Profile
    binary: bool
    key: str | None


class Profiles:
    """The profiles that apply, and which of them a payload may be for. Immutable; what it remembers is bounded.

    Of several that fit, a site's own comes before a shipped one, one that names the product before one that goes by the
    payload's looks, then the order of the files decides.
    """

    def __init__(self, shipped: Iterable[Profile] = (), own: Iterable[Profile] = ()) -> None:
        mine = tuple(own)
        listed = [*((p, False) for p in mine), *((p, True) for p in shipped)]
        listed.sort(key=lambda entry: (entry[1], entry[0].match.product == (), _plain(entry[0].match)))
        self.all: Final = tuple(profile for profile, _ in listed)
        self._by_product: dict[tuple[str, str], tuple[Candidate, ...]] = {}
        by_topic = [p for p in self.all if p.match.topic]
        by_topic.sort(key=lambda p: specificity(p.match.topic), reverse=True)
        self.with_topic: Final = tuple(by_topic)

    def of_product(self, codec: str, product: str) -> tuple[Candidate, ...]:
        """Those whose codec and product fit, the best first; what they say of the payload is for `fits` to see."""
        key = (codec, product)
        found = self._by_product.get(key)
        if found is None:
            if len(self._by_product) >= _PRODUCTS_MAX:
                self._by_product.clear()
            found = self._by_product[key] = tuple(
                _candidate(p) for p in self.all if _for(p.match, codec, product)
            )
        return found

    def of_topic(self, topic: str) -> Sequence[Profile]:
        """Those whose topic filter matches, the most specific first."""
        return [p for p in self.with_topic if matches(p.match.topic, topic)]


_PRODUCTS_MAX: Final = 1024  # an estate has dozens; a stranger's invented ids must not fill memory


def _candidate(profile: Profile) -> Candidate:
    """A pointer's first key must be in an object for the pointer to find anything there."""
    needed = (w.at for w in profile.match.where if isinstance(w.at, str) and w.exists)
    keys = (at.split("/")[1] for at in needed if at and "~" not in at)
    return Candidate(profile, bool(profile.match.starts), next(keys, None))


def _plain(match: Match) -> bool:
    return not (match.starts or match.where or match.service or match.size is not None)


def _for(match: Match, codec: str, product: str) -> bool:
    if match.topic or (match.product == () and _plain(match)):
        return False
    if match.codec != () and codec not in many(match.codec):
        return False
    return match.product == () or product in many(match.product)


def profiles_of(context: Mapping[str, Any]) -> Profiles:
    """The profiles a codec was handed in its context; where there are none, the shipped ones."""
    given = context.get(PROFILES)
    if isinstance(given, Profiles):
        return given
    return _shipped()


@lru_cache(maxsize=1)
def _shipped() -> Profiles:
    from devices.profile_load import shipped  # here, for it imports this module

    return shipped()
