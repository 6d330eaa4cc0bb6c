"""Opens the configured channels and wires delivery: texts, links, addresses."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import structlog

from gateway.app.child import Orders
from gateway.broker.accounts import load_or_make
from gateway.clock import SystemClock
from gateway.config import RECORDING, Settings, channel_configs, target_names
from gateway.core.event import Delivered
from gateway.core.plan import Plan
from gateway.deliver import Deliverer
from gateway.links import load_key
from gateway.notice import Broker, House, open_channel
from gateway.notify.recording import Config as RecordingConfig
from gateway.registry.reader import Directory
from gateway.wording import Composer

log = structlog.get_logger(__name__)


def link_key(data: Path, *, mend: bool = False) -> bytes:
    """The key that signs personal links; the engine makes links, the view reads them.

    A damaged one costs the links that were sent, never the alarms: with `mend` it is set aside and another one made.
    Raises ValueError for a damaged one, OSError.
    """
    path = data / "secrets" / "link.key"
    try:
        return load_key(path)
    except ValueError as error:
        if not mend:
            raise
        log.error("links sent so far open nothing any more", reason=str(error))
        path.replace(path.with_name("link.key.damaged"))
        return load_key(path)


def make_deliverer(
    settings: Settings,
    orders: Orders,
    installation: str,
    report: Callable[[Delivered], None],
    plan: Plan,
    status: Callable[[], Mapping[str, Any]],
) -> tuple[Deliverer, Composer]:
    """Delivery with every configured channel open; the recording channel is there whatever the settings say."""
    data, clock = Path(orders.data), SystemClock()
    broker = None
    if orders.broker_port:
        account = load_or_make(data / "broker").gateway
        broker = Broker(orders.broker_host, orders.broker_port, account.user, account.password)
    house = House(data, installation, clock.utc_ms, clock.monotonic_ms, status, broker)
    configs = {RECORDING: RecordingConfig(), **channel_configs(settings)}
    channels = {name: open_channel(name, config, house) for name, config in configs.items()}
    directory = Directory(data / "registry.sqlite")
    composer = Composer(plan, directory, key=link_key(data, mend=True), base_url=orders.web_url)
    deliverer = Deliverer(
        channels, target_names(settings), directory, report, composer, clock=clock, rng=random.Random()
    )
    return deliverer, composer
