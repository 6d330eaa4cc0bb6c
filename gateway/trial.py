"""Tries whether receivers hear us: one message marked as a test each, sent from here, with what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final

import msgspec
from msgspec.structs import replace

from gateway import render, text
from gateway.app.brokers import installation
from gateway.broker.accounts import FILE, load_or_make
from gateway.clock import SystemClock
from gateway.config import Settings, channel_configs, target_names
from gateway.core.effect import Mode
from gateway.errors import OperatorFault
from gateway.notice import Broker, ChannelInstance, House, Notice, Sent, open_channel
from gateway.registry.reader import Directory

TOPIC: Final = "gateway.test"


class UnknownTarget(OperatorFault):
    """There is no machine receiver of that name, or no way to that person."""

    def __init__(self, name: str, known: Sequence[str], person: str | None = None) -> None:
        there = ", ".join(known) or "none"
        said = f"{name!r} is no machine receiver; there are {there} (a channel to people needs --person)"
        super().__init__(
            said if person is None else f"{person!r} has no address on {name!r}; there are {there}"
        )


class _Try(msgspec.Struct, frozen=True):
    """What to try: the receiver as people call it, its channel, and for a person the address."""

    target: str
    channel: str
    person: str | None = None
    address: str | None = None
    language: str = text.DEFAULT


class Tried(msgspec.Struct, frozen=True):
    """One receiver: its name, its channel, and how its one try ended (`sent`, or not, with a short reason)."""

    target: str
    channel: str
    result: str
    detail: str = ""

    @property
    def ok(self) -> bool:
        return self.result == Sent.SENT


async def try_targets(
    settings: Settings, names: Sequence[str] = (), person: str | None = None
) -> list[Tried]:
    """One try to each machine receiver of `names`, or over each such channel to `person`; all of them without names.

    They go together; nothing is journalled and nothing repeated. A channel on the embedded broker needs the gateway
    running on its configured port. Raises UnknownTarget, RegistryError, and ValueError or OSError for a channel that
    cannot be opened.
    """
    wanted = _machines(settings, names) if person is None else _ways_to(settings, person, names)
    house = _house(settings)
    channels = _open(settings, house, {one.channel for one in wanted})
    serving = [asyncio.create_task(c.client.serve(), name=f"trial[{c.name}]") for c in channels.values()]
    try:
        tries = (_try(one, channels.get(one.channel), _notice(settings, house, one)) for one in wanted)
        return list(await asyncio.gather(*tries))
    finally:
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
        for channel in channels.values():
            await channel.client.close()


def _machines(settings: Settings, names: Sequence[str]) -> list[_Try]:
    targets = target_names(settings)
    for name in names:
        if name not in targets:
            raise UnknownTarget(name, sorted(targets))
    return [_Try(name, targets[name]) for name in names or sorted(targets)]


def _ways_to(settings: Settings, person: str, names: Sequence[str]) -> list[_Try]:
    directory = Directory(Path(settings.data) / "registry.sqlite")
    try:
        card = directory.card(person)
    finally:
        directory.close()
    if card is None or not card.addresses:
        raise UnknownTarget("any channel", [], person)
    ways = dict(reversed(card.addresses))  # the first address on a channel is the preferred one
    for name in names:
        if name not in ways:
            raise UnknownTarget(name, sorted(ways), person)
    return [_Try(f"{person} over {n}", n, person, ways[n], card.language) for n in names or sorted(ways)]


async def _try(one: _Try, channel: ChannelInstance | None, notice: Notice) -> Tried:
    target, name = one.target, one.channel
    if channel is None:
        return Tried(target, name, Sent.FAILED, "no-channel")
    if one.person is None and not channel.wants(TOPIC):
        return Tried(target, name, "not-wanted", f"its `types` leave out {TOPIC}")
    try:
        async with asyncio.timeout(channel.try_limit_ms / 1000):
            outcome = await channel.send(notice)
    except TimeoutError:
        return Tried(target, name, Sent.FAILED, "time-limit")
    return Tried(target, name, outcome.result, outcome.detail)


def _open(settings: Settings, house: House, names: Collection[str]) -> dict[str, ChannelInstance]:
    """These channels, without heartbeats: no partner may take this for a gateway that is running."""
    found: dict[str, ChannelInstance] = {}
    for name, config in channel_configs(settings).items():
        if name in names:
            still = replace(config, heartbeat_s=0) if hasattr(config, "heartbeat_s") else config
            found[name] = open_channel(name, still, house)
    return found


def _house(settings: Settings) -> House:
    data, clock = Path(settings.data), SystemClock()
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    broker = None
    if (data / "broker" / FILE).exists():  # made by the gateway's first start
        account = load_or_make(data / "broker").gateway
        broker = Broker("127.0.0.1", settings.broker.port, account.user, account.password)
    return House(data, installation(data), clock.utc_ms, clock.monotonic_ms, broker=broker)


def _notice(settings: Settings, house: House, one: _Try) -> Notice:
    now, site, language = house.utc_ms(), settings.sites[0], text.known_language(one.language)
    what = text.word(language, "topic", TOPIC.replace(".", "_"))
    title = text.say(
        language, "message.system", mark=render.mark(Mode.TEST, language), what=what, subject=site
    )
    return Notice(
        f"test-{now}", TOPIC, Mode.TEST, site, 4, now, title, title, title, language,
        reason="test", person=one.person, address=one.address, data={"gateway": house.gateway},
    )  # fmt: skip
