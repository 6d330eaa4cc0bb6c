"""What passes between the deliverer and a channel: a notice in, an outcome out, and the channel's own description.

A channel is one file in `gateway/notify/` with the shape of `ChannelModule`; adding one is adding one file.
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Protocol, cast

import msgspec

from gateway.core.effect import Mode

TRY_LIMIT_MS: Final = 15_000  # Standard Webhooks 1.0.0: 15 to 30 s; the short end, for somebody waits


class Notice(msgspec.Struct, frozen=True):
    """One message, rendered, for one receiver: a person (then `person` and `address` are set) or a machine.

    `effect` is the id that stays the same over retries and restarts. `type` is an event type of the webhook contract
    for machines, `notice.<reason>` for people. `title` and `body` start with the mode's mark; `short` is at most 70
    characters, without the link. `incident` is incident/1 or None. Times are UTC ms.
    """

    effect: str
    type: str
    mode: str
    site: str
    priority: int
    at: int
    title: str
    body: str
    short: str
    language: str
    urgent: bool = False
    reason: str = ""
    person: str | None = None
    address: str | None = None
    link: str | None = None
    incident: Mapping[str, Any] | None = None
    data: Mapping[str, Any] = {}


class Sent(StrEnum):
    """How one try ended: did it fail, and may it be tried again?"""

    SENT = "sent"
    RETRY = "retry"  # failed; a later try may do better
    FAILED = "failed"  # failed, and trying again cannot help: this address, this message
    REFUSED = "refused"  # the receiver, or our own binding, said never
    LATER = "later"  # not tried yet: a limit of the receiver; does not count as a try


class SendOutcome(msgspec.Struct, frozen=True):
    """`detail` is short, technical and free of addresses, secrets and personal data. `after_ms` asks for patience."""

    result: Sent
    detail: str = ""
    after_ms: int | None = None


SENT: Final = SendOutcome(Sent.SENT)


class Broker(msgspec.Struct, frozen=True):
    """Where the gateway's own broker listens, with the account for it."""

    host: str
    port: int
    username: str = ""
    password: str = ""

    def __repr__(self) -> str:
        return f"Broker({self.host}:{self.port})"


class House(msgspec.Struct, frozen=True):
    """What a channel may use of the house.

    `gateway` is the id of this installation: letters, digits and hyphens. `utc_ms` and `monotonic_ms` are the clock.
    `status` gives a few plain facts for heartbeats. `broker` is the embedded one, when there is one.
    """

    data: Path
    gateway: str
    utc_ms: Callable[[], int]
    monotonic_ms: Callable[[], int]
    status: Callable[[], Mapping[str, Any]] = dict
    broker: Broker | None = None


class Client(Protocol):
    """An open channel. `serve` keeps a connection or a heartbeat and runs until cancelled; it may return at once."""

    async def serve(self) -> None: ...
    async def close(self) -> None: ...


class Example(msgspec.Struct, frozen=True):
    """One documented notice and exactly what the channel makes of it; run as a test and printed in the reference."""

    title: str
    config: Any
    notice: Notice
    expect: Mapping[str, Any]


class ChannelModule(Protocol):
    """What a module `gateway/notify/<channel>.py` offers at module level.

    `Config` is a frozen `msgspec.Struct` with tag field `kind`: the channel's settings and limits. `send` makes one
    try and never raises for anything a receiver may do; waiting, repeating and giving up are the deliverer's.
    `example` gives what the channel makes of one of `EXAMPLES`, without sending it.
    """

    Config: type[Any]
    EXAMPLES: Sequence[Example]

    def open(self, config: Any, house: House) -> Client: ...
    async def send(self, client: Any, notice: Notice) -> SendOutcome: ...
    def example(self, example: Example) -> Mapping[str, Any]: ...


class ChannelInstance(msgspec.Struct):
    """A configured channel: its name, its kind (the tag of its `Config`), an open client, how much it takes at once.

    `concurrency` counts tries under way; half of it is kept free for P1. `types` are the event types its receiver
    asked for, none meaning all.
    """

    name: str
    kind: str
    client: Client
    sender: Callable[[Any, Notice], Awaitable[SendOutcome]]
    concurrency: int = 8
    try_limit_ms: int = TRY_LIMIT_MS
    types: tuple[str, ...] = ()

    @property
    def records_only(self) -> bool:
        """Whether it is the channel that sends nothing: decided by what it is, not by its name in a configuration."""
        return self.kind == RECORDING

    async def send(self, notice: Notice) -> SendOutcome:
        """One try. A simulated notice is refused by every channel but the recording one, whoever asks."""
        if not self.records_only and notice.mode not in _REAL_MODES:
            return SIMULATED_REFUSED
        return await self.sender(self.client, notice)

    def wants(self, topic: str) -> bool:
        return not self.types or topic in self.types


def open_channel(name: str, config: Any, house: House) -> ChannelInstance:
    """The channel a decoded `Config` asks for, open and ready; call inside the event loop.

    Raises ValueError for settings that cannot work, OSError for a folder that cannot be written.
    """
    module = cast(ChannelModule, importlib.import_module(type(config).__module__))
    return ChannelInstance(
        name,
        str(type(config).__struct_config__.tag),
        module.open(config, house),
        module.send,
        getattr(config, "concurrency", 8),
        getattr(config, "try_limit_ms", TRY_LIMIT_MS),
        tuple(getattr(config, "types", ())),
    )


def hush(*libraries: str) -> None:
    """Shut the logs of libraries that write addresses into them: those of webhooks and robots are keys."""
    for name in libraries:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


RECORDING: Final = "recording"
SIMULATED_REFUSED: Final = SendOutcome(Sent.REFUSED, "simulated-is-only-recorded")
_REAL_MODES: Final = (Mode.LIVE, Mode.DRILL, Mode.TEST)  # a word we do not know is no permission
