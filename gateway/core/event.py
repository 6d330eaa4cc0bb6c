"""Everything that can happen to us: the journal's alphabet.

Journal rows carry a format number. Structs here only gain fields with defaults, at the end; tags are never reused.
Times are UTC milliseconds unless they say "elapsed".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

import msgspec

from devices.reading import Reading

FORMAT: Final = 1


class Measured(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="m"):
    """All readings of one message. `sequence` is the device's own message id.

    `digest` is a CRC of topic and payload, set only where a pulse rides on the message; `dup` is the DUP flag.
    """

    source: str
    readings: Sequence[Reading]
    sequence: str | None = None
    digest: int = 0
    dup: bool = False


class Learned(msgspec.Struct, frozen=True, array_like=True, tag="l"):
    """A codec learned something; `value` None forgets the key."""

    codec: str
    source: str
    key: str
    value: Any


class Quarantined(msgspec.Struct, frozen=True, array_like=True, tag="q"):
    """A message we could not understand, kept with the reason. `size` is its true size; `payload` may be cut."""

    source: str
    topic: str
    reason: str
    payload: bytes
    size: int


class Verb(StrEnum):
    """Acts of people. Taking, muting and giving a verdict are three different things."""

    TAKE = "take"  # 接警: somebody is on it; stops the "nobody answers" steps only
    RELEASE = "release"  # gives it back
    DECLINE = "decline"  # cannot come: the next person is asked at once
    MUTE = "mute"  # 消音: only the sound
    VERDICT = "verdict"  # args: verdict real|false|test|drill, cause?
    DISPATCH = "dispatch"  # 已派员; args: person?
    ON_SCENE = "on_scene"
    CONTROL = "control"  # 已控制
    CLOSE = "close"  # 已办结; args: reason?
    REOPEN = "reopen"
    NOTE = "note"  # args: note id (text lives in a side table)
    RESET = "reset"  # 复位, alarm: ends a latched alarm whose condition is gone
    SHELVE = "shelve"  # 搁置, alarm, never P1; args: until_ms, reason
    UNSHELVE = "unshelve"
    OUT_OF_SERVICE = "out_of_service"  # 屏蔽/停用; alarm; args: until_ms, order, second (person)
    IN_SERVICE = "in_service"
    COMMAND = "command"  # device; args: name, confirm? (second press), anyway? (in spite of a warning)


class Acted(msgspec.Struct, frozen=True, tag="acted"):
    """A person, or a partner's key, asked for something. `key` makes it idempotent for 24 h.

    `grants` are the actor's `(role, place)` rights at that time; `target` an incident or alarm id; `version` the
    incident's `rev` the actor saw, or None.
    """

    key: str
    user: str
    grants: Sequence[tuple[str, str]]
    verb: Verb
    target: str
    version: int | None = None
    args: Mapping[str, Any] = {}


class Outcome(StrEnum):
    """How an effect ended. RETRYING is reported once, when the first try failed."""

    SENT = "sent"
    FAILED = "failed"  # this channel gave up; the core chooses what next
    REFUSED = "refused"  # the receiver or our own binding said never (410, simulated source)


class Delivered(msgspec.Struct, frozen=True, array_like=True, tag="d"):
    """What became of an effect. `detail` is short, technical, and free of personal data."""

    effect: str
    outcome: Outcome
    detail: str = ""
    tries: int = 1


class Ticked(msgspec.Struct, frozen=True, array_like=True, tag="t"):
    """Time passed and nothing else did."""


class Replanned(msgspec.Struct, frozen=True, tag="replanned"):
    """From here on the plan with this digest decides."""

    digest: str


class Gap(msgspec.Struct, frozen=True, tag="gap"):
    """We were blind from `since` to `until` (stamps' time): a source, or everything when `source` is None."""

    source: str | None
    since: int
    until: int
    reason: str


class Clocked(msgspec.Struct, frozen=True, tag="clocked"):
    """UTC is `at + offset_ms` from here on. The stamp itself never jumps."""

    offset_ms: int
    reason: str


Event = Measured | Learned | Quarantined | Acted | Delivered | Ticked | Replanned | Gap | Clocked


class Stamped(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """An event with its place in the journal (`seq`, no gaps) and its time `at`.

    `at` is milliseconds that advance by the monotonic clock from the last stamp and never go back. Until the first
    `Clocked` it is UTC; after it UTC is `at + offset_ms`.
    """

    seq: int
    at: int
    event: Event
