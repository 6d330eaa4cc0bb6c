"""What both connections to a broker share: its address, the will, and who speaks for whom."""

from __future__ import annotations

import ssl
from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit

from devices.simulator.dialects import Wire
from devices.simulator.world import World

PORTS: Final = {"mqtt": 1883, "mqtts": 8883}
KEEPALIVE_S: Final = 30
IN_FLIGHT: Final = 100  # messages unacknowledged at a time; embedded brokers allow 1000 and more
BACKOFF_S: Final = (0.2, 0.5, 1.0, 2.0, 5.0)


class Address(NamedTuple):
    """Where a broker is and how it knows us."""

    host: str
    port: int
    tls: bool
    user: str | None
    password: str | None

    def context(self) -> ssl.SSLContext | None:
        """TLS with the system's authorities, for mqtts."""
        return ssl.create_default_context() if self.tls else None


def address(url: str) -> Address:
    """`mqtt[s]://[user:password@]host[:port]`, percent-encoded. ValueError, without the password, for anything else."""
    parts = urlsplit(url)
    if parts.scheme not in PORTS or not parts.hostname:
        raise ValueError("the broker is mqtt[s]://[user:password@]host[:port]")
    return Address(
        parts.hostname, parts.port or PORTS[parts.scheme], parts.scheme == "mqtts",
        unquote(parts.username) if parts.username else None, unquote(parts.password) if parts.password else None,
    )  # fmt: skip


def client_id(world: World, name: str) -> str:
    """One session name per site and start, so that two simulators do not throw each other out."""
    return f"sim-{name}-{world.epoch_ms:x}"[:64]


def wills(world: World) -> tuple[Wire | None, Wire | None]:
    """What the broker says should this process die, and what unsays it.

    MQTT knows one will per connection and one connection speaks for all: it is the bridge's where the dialect has one,
    else that of the panel, which stands for the site's transmission unit, or of another device on mains. Not every
    dialect has them.
    """
    first = min(world.units.values(), key=lambda u: (u.kind.name != "panel", not u.mains, u.index))
    return world.dialect.will(first.name), world.dialect.back(first.name)
