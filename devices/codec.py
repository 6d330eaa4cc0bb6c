"""The shape of a codec plug-in: one device family, message in, readings out, no state of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol
from zlib import crc32

import msgspec

from devices.reading import Reading


class Topic(msgspec.Struct, frozen=True):
    """An MQTT topic filter a codec claims.

    `alarm_only` says that nothing but alarm-class messages ever comes on it, so it is worth a session of its own.
    """

    filter: str
    alarm_only: bool = False


class Message(msgspec.Struct, frozen=True, gc=False):
    """One message as codecs see it. `now` is our receive time (UTC ms), for judging the device's clock only."""

    source: str
    topic: str
    payload: bytes
    retained: bool = False
    now: int = 0


class Learned(msgspec.Struct, frozen=True, array_like=True):
    """Something a codec must remember (an alias table, a discovery config).

    It is journalled, folded into bounded state, and handed back under `key` in the `context` of later messages of the
    same codec and source. `value` is plain msgpack data; None forgets the key.
    """

    key: str
    value: Any


class Ask(msgspec.Struct, frozen=True, array_like=True):
    """A message the codec wants sent back because it cannot understand without it (a Sparkplug rebirth)."""

    topic: str
    payload: bytes


class Decoded(msgspec.Struct, frozen=True, gc=False):
    """What a message meant.

    `quarantine` is None or a short reason (`code: human words`): the message is then kept aside, and `readings` hold
    what was understood in spite of it. `sequence` is the device's own id of the message, for telling duplicates.
    No readings and no quarantine means: understood, and says nothing (a command, a log line). `faces`: so many events
    about faces were in it and were dropped.
    """

    readings: Sequence[Reading] = ()
    quarantine: str | None = None
    sequence: str | None = None
    learned: Sequence[Learned] = ()
    asks: Sequence[Ask] = ()
    faces: int = 0


Read = Callable[[Mapping[str, Any], Message], Decoded]
"""What understands messages: `Codec.decode`, or what `bind` gave for one topic."""


class Push(msgspec.Struct, frozen=True):
    """One HTTP request to a source that listens. Names of headers and of the query are as sent, headers lower-case."""

    method: str
    path: str  # below the source's own address, without a leading slash
    query: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}
    body: bytes = b""


class Reply(msgspec.Struct, frozen=True):
    """What an HTTP sender is answered."""

    status: int = 200
    body: bytes = b""
    media_type: str = "text/plain; charset=utf-8"


class Frame(msgspec.Struct, frozen=True):
    """One frame cut out of a byte stream (TCP) or a datagram (UDP).

    `data` is decoded as the payload of a message under `topic`; an empty topic means that there is nothing to take (a
    bad checksum, an answer to us). `confirm` is sent back once the frame is on disk, at once where nothing is taken;
    without that the sender repeats. `refuse` is sent back at once, and the frame is not taken. `remark` is something
    the sender should be told besides (that its clock is wrong), after the confirm and at most once an hour a topic.
    `reply` is the serial number of a frame of ours that this one answers, and whether the device took it.
    """

    data: bytes
    topic: str = ""
    confirm: bytes | None = None
    refuse: bytes | None = None
    remark: bytes | None = None
    reply: tuple[int, bool] | None = None


LIFE_MS: Final = 60_000
"""A command expires so long after somebody asked for it: `expires_at` less this is when."""

LINE: Final = "line:"
"""How the topic of an `Ask` begins that goes over the device's own connection and to no broker; behind it stands the
topic of the frames that come over that connection."""


CALL: Final = "call:"
"""How the topic of an `Ask` begins that goes through the platform's own HTTP interface; behind it stands the name that
the platform has for the device, the payload is the command's name."""


class Access(msgspec.Struct, frozen=True):
    """What a platform must be told to take a command. `commands` holds, by our names, what the product's model calls
    them: the part of the request that says what the device is to do, as its maker writes it.
    """

    product: str
    key: str  # CTWing's MasterKey, OneNET's access_key, IoTDA's secret access key (SK)
    url: str = ""  # of the platform; empty for the public one
    app: str = ""  # CTWing's App Key, IoTDA's access key id (AK)
    secret: str = ""  # CTWing's App Secret
    project: str = ""  # IoTDA's, as are the next two
    instance: str = ""
    region: str = ""  # named for the editions that want the derived signature
    commands: Mapping[str, Mapping[str, Any]] = {}

    def __repr__(self) -> str:
        return f"Access({self.product}, {sorted(self.commands)})"  # never a key


def number_of(identity: str) -> int:
    """The number that stands for a command's id where a family's ids are numbers; results name it as `#<number>`."""
    return crc32(identity.encode()) & 0x7FFF_FFFF


class Request(msgspec.Struct, frozen=True):
    """One HTTP request to a platform. Where the platform took it, the answer has the key `taken`, or without that says
    `{"code": 0}`. The text or number under `ticket` is the platform's own id of the command, by which it tells later
    what became of it; the number at the end of `outcome` is the device's own answer, where the platform waited for it.
    """

    url: str
    headers: Mapping[str, str]
    body: bytes
    method: str = "POST"
    taken: str = ""
    ticket: tuple[str, ...] = ()
    outcome: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Request({self.url})"  # the headers hold a signature


class Example(msgspec.Struct, frozen=True):
    """One documented message and what it means; run as a test and printed in the reference pages.

    `readings` are `(device, metric, channel, value)` rows in any order; every reading the codec gives is listed.
    """

    title: str
    topic: str
    payload: bytes
    readings: Sequence[tuple[str, str, str, Any]] = ()
    quarantine: str | None = None  # the reason's code, the part before the colon
    retained: bool = False
    context: Mapping[str, Any] = msgspec.field(default_factory=dict)


class Codec(Protocol):
    """What a module `devices/codecs/<family>.py` offers at module level.

    `decode` is pure and never raises for anything a device may send: what it cannot understand it quarantines with a
    reason. It may memoise, bounded, what follows from its arguments alone.

    A family that takes no profiles may also offer `bind(source: str, topic: str) -> Read`: `decode` for this source and
    topic alone, kept for the messages that follow, so that what the topic tells is found out once. It may remember,
    about a kilobyte; for topics beyond so many `decode` is called.

    A family that pushes over HTTP may also offer `admit(request: Push, secret: str) -> Reply | tuple[str, bytes]`: what
    to answer at once (an address check, a wrong signature), or the topic and payload to take; and `TAKEN: Reply`, the
    answer once those are on disk (an empty 200 without it). Without `admit` the body of a POST or PUT is taken as it
    is, under its path as topic; who may send is then told by the secret in the source's address alone. `SIGNED = True`
    says that `admit` itself proves the sender (a signature over the request): then the address holds no secret.
    `PUSH_MAX: int` is the largest body in bytes it takes, for requests that carry more than the message (pictures);
    without it the largest of `LIMITS`, at least 64 KiB, counts. `admit` is pure and never raises for any request.

    A family that speaks frames over TCP or UDP offers `frames(buffer: bytearray, now: int) -> Iterator[Frame]` (now in
    UTC ms): a generator that takes every whole frame, and garbage before one, from the front of the buffer and leaves
    an incomplete tail for the next bytes. It never raises, and ends after one pass over the buffer. A datagram is a
    buffer of its own.

    Such a family may also offer `tell(order: bytes, heard: bytes, serial: int, now: int) -> bytes`: the frame that
    carries an order, the payload of an `Ask` that its `command` gave under a topic that begins with `LINE`. `heard` is
    how the last frame of that connection began (64 bytes), `serial` (0 to 32 767) comes back in `Frame.reply`, and the
    same order tried again has the same one.

    A family whose platform takes commands over HTTP may also offer `request(access: Access, device: str, name: str,
    expires_at: int, now: int) -> Request | str`: the request that has the platform tell a device something, the
    `device` and `name` of an `Ask` that its `command` gave under a topic that begins with `CALL`; or why there is none.
    `PLATFORM: Sequence[str]` names the settings of a platform that it needs besides product and key.

    A family whose devices can be told to do something offers `command(context, native, name, identity, expires_at) ->
    Sequence[Ask] | str`: what to send, in order and not retained, so that the device of that native name does `name`
    (one of `COMMANDS`); or why nothing is sent,
    `unknown-device: ...` where the family knows no device of that name, `not-taken: ...` where the device, or the
    family, takes no such command. `identity` is the same at every try, `expires_at` is UTC ms; families that can send
    them do. Nothing is ever sent on a guess of the wiring: a relay that may open a valve as well as close it is
    `not-taken`. `command` is pure and never raises. `CROWDED = True` says that several devices speak on one topic.
    `DESCRIBES = True` says that it may speak for devices that another
    family reads (Home Assistant discovery).
    """

    TOPICS: Sequence[Topic]
    EXAMPLES: Sequence[Example]

    def decode(self, context: Mapping[str, Any], message: Message) -> Decoded: ...


COMMANDS: Final = frozenset(
    (
        "siren_on", "siren_off", "snapshot", "valve_close", "unlock", "relay_off", "mute", "self_test", "duty_check",
        "read_state", "read_version", "read_configuration", "read_clock", "set_clock", "initialise",
    )
)  # fmt: skip
"""Every command there is. None opens a gas valve: that is done by hand, where somebody has looked."""


class Commanding(Protocol):
    """The part of a codec that tells devices something; see `Codec`."""

    def command(
        self, context: Mapping[str, Any], native: str, name: str, identity: str, expires_at: int
    ) -> Sequence[Ask] | str: ...
