"""Tries whether machine receivers hear us: one marked `gateway.test` each, sent from here, with what became of it."""

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

TOPIC: Final = "gateway.test"


class UnknownTarget(OperatorFault):
    """There is no machine receiver of that name."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(f"{name!r} is no machine receiver; there are {', '.join(known) or 'none'}")


class Tried(msgspec.Struct, frozen=True):
    """One receiver: its name, its channel, and how its one try ended (`sent`, or not, with a short reason)."""

    target: str
    channel: str
    result: str
    detail: str = ""

    @property
    def ok(self) -> bool:
        return self.result == Sent.SENT


async def try_targets(settings: Settings, names: Sequence[str] = ()) -> list[Tried]:
    """One try to each of `names` (all without any), together; nothing is journalled and nothing repeated.

    A channel on the embedded broker needs the gateway running on its configured port. Raises UnknownTarget, and
    ValueError or OSError for a channel that cannot be opened.
    """
    targets = target_names(settings)
    wanted = {name: targets.get(name, "") for name in names or sorted(targets)}
    for name in names:
        if name not in targets:
            raise UnknownTarget(name, sorted(targets))
    house = _house(settings)
    channels = _open(settings, house, set(wanted.values()))
    serving = [asyncio.create_task(c.client.serve(), name=f"trial[{c.name}]") for c in channels.values()]
    notice = _notice(settings, house)
    try:
        return list(await asyncio.gather(*(_try(n, c, channels.get(c), notice) for n, c in wanted.items())))
    finally:
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
        for channel in channels.values():
            await channel.client.close()


async def _try(target: str, name: str, channel: ChannelInstance | None, notice: Notice) -> Tried:
    if channel is None:
        return Tried(target, name, Sent.FAILED, "no-channel")
    if not channel.wants(TOPIC):
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


def _notice(settings: Settings, house: House) -> Notice:
    now, site, language = house.utc_ms(), settings.sites[0], text.DEFAULT
    what = text.word(language, "topic", TOPIC.replace(".", "_"))
    title = text.say(
        language, "message.system", mark=render.mark(Mode.TEST, language), what=what, subject=site
    )
    return Notice(
        f"test-{now}", TOPIC, Mode.TEST, site, 4, now, title, title, title, language,
        data={"gateway": house.gateway},
    )  # fmt: skip
