"""Where each source's broker is, and how the engine's two sessions to it are set."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import zlib
from pathlib import Path
from typing import Any, Literal

import aiomqtt

from gateway.app.child import Orders
from gateway.app.commands import PATIENCE_S, Connect
from gateway.broker.accounts import load_or_make, write_private
from gateway.cameras.door import Messenger
from gateway.cameras.settings import shares
from gateway.config.settings import EMBEDDED, Settings, SourceSettings
from gateway.core.effect import Ask
from gateway.mqtt import SessionSettings, parse_broker_url, tls_context

ANYWHERE = "0.0.0.0"  # noqa: S104 - compared with what the settings say, never bound


def session_settings(
    source: SourceSettings, role: Literal["alarm", "rest"], filters: tuple[str, ...], orders: Orders
) -> SessionSettings:
    """How one of a source's two sessions connects. The client id is the same at every start."""
    host, port, username, password = address(source, orders)
    return SessionSettings(
        host=host, port=port, username=username, password=password, tls=source.tls, filters=filters,
        client_id=f"csg-{installation(Path(orders.data))}-{_short(source.name)}-{role}", source=source.name, role=role,
        # The embedded nats-server speaks 3.1.1 only: asking for 5 first would look like trouble in its log.
        protocol=311 if source.broker == EMBEDDED and orders.broker_kind == "nats" else source.protocol,
        keepalive_s=source.keepalive_s, receive_maximum=source.in_flight,
        # A live message that its publisher also wants kept must not look like a stored one: docs/adr/0004.
        retain_as_published=False,
    )  # fmt: skip


def address(source: SourceSettings, orders: Orders) -> tuple[str, int, str | None, str | None]:
    """Host, port, user and password of a source's broker."""
    if source.broker == EMBEDDED:
        account = load_or_make(Path(orders.data) / "broker").gateway
        host = "127.0.0.1" if orders.broker_host == ANYWHERE else orders.broker_host
        return host, orders.broker_port, account.user, account.password
    url = parse_broker_url(source.broker)
    return url.host, url.port, source.username or url.username, source.password or url.password


def client(
    source: SourceSettings, orders: Orders, purpose: str = "", timeout_s: float = 10.0
) -> aiomqtt.Client:
    """A client that says something on a source's broker now and then. Raises OSError for certificates it cannot read.

    With a `purpose` it has a name of its own, so that a second connection for it ends the first.
    """
    host, port, username, password = address(source, orders)
    name = f"csg-{installation(Path(orders.data))}-{_short(source.name)}-{purpose}" if purpose else None
    return aiomqtt.Client(
        host, port, username=username, password=password, identifier=name, timeout=timeout_s,
        tls_context=None if source.tls is None else tls_context(source.tls),
    )  # fmt: skip


def carriers(settings: Settings, orders: Orders) -> dict[str, Connect]:
    """What carries commands to the devices of each source: its broker, or the processes of our own cameras."""
    found: dict[str, Connect] = {
        s.name: functools.partial(client, s, orders, "commands", PATIENCE_S)
        for s in settings.sources
        if not s.listen
    }
    parts = {camera.native: part for part, share in shares(settings.cameras).items() for camera in share}
    for camera in settings.cameras:
        found[camera.source] = functools.partial(Messenger, Path(orders.data) / "cameras", parts)
    return found


def installation(data: Path) -> str:
    """A name made once: a broker keeps our sessions under it, and two gateways never share one."""
    path = data / "installation"
    if not path.exists() or not path.read_text().strip():  # empty where the power went as it was made
        write_private(path, os.urandom(6).hex().encode())
    return path.read_text().strip()


async def answer_asks(asks: asyncio.Queue[Ask], settings: Settings, orders: Orders) -> None:
    """Publish what codecs ask for (rebirths), best effort, one short connection at a time; never returns."""
    while True:
        ask = await asks.get()
        source: Any = next((s for s in settings.sources if s.name == ask.source), None)
        if source is None or source.listen:  # nobody to ask: what pushes to us has no broker
            continue
        with contextlib.suppress(aiomqtt.MqttError, OSError):
            async with client(source, orders) as asking:
                await asking.publish(ask.topic, ask.payload, qos=1)


def _short(name: str) -> str:
    """A source's name as part of a client id: some brokers take no more than 64 characters in all."""
    return name if len(name) <= 24 else f"{name[:15]}-{zlib.crc32(name.encode()):08x}"
