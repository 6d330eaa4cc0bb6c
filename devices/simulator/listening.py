"""A gateway and a site that share their time: what the site sends, the gateway receives at that very moment."""

from __future__ import annotations

from typing import Any, Final

from devices.codec import Reply
from devices.decode import CODECS
from devices.simulator.site import SimulatedSite
from devices.simulator.world import Sent

_KEY: Final = "of the simulated source"


def arriving(site: SimulatedSite, sent: Sent) -> list[tuple[str, bytes]]:
    """Topics and payloads as an engine gets them: a broker's as they are, else what the family's codec takes."""
    dialect = site.world.dialect
    if dialect.carrier == "mqtt":
        return [(sent.topic, sent.payload)]
    codec: Any = CODECS[site.world.speaking]
    if dialect.carrier == "tcp":
        return [(f.topic, f.data) for f in codec.frames(bytearray(sent.payload), sent.at) if f.topic]
    push = dialect.push(sent.topic, sent.payload, _KEY)
    taken: Reply | tuple[str, bytes] = codec.admit(push, _KEY)
    return [] if isinstance(taken, Reply) else [taken]


def listening(gateway: type[Any], site: SimulatedSite, plan: Any, clock: Any) -> Any:
    """An instance of `gateway` (its constructor takes plan and clock) whose `advance` plays the site to it."""

    class Listening(gateway):  # type: ignore[misc]  # the gateway is only known when it runs
        """`advance` moves both clocks from message to message."""

        _told = 0

        def advance(self, seconds: float) -> None:
            start = self.clock.monotonic_ms()
            until = start + round(seconds * 1000)
            world_end = site.world.now + round(seconds * 1000)
            shift = world_end - until
            for sent in site.world.walk_to(world_end):
                ahead = site.world.now - shift - self.clock.monotonic_ms()
                if ahead > 0:
                    super().advance(ahead / 1000)
                for topic, payload in arriving(site, sent):
                    self.receive(topic, payload, sent.retained)
                self._tell()
            super().advance((until - self.clock.monotonic_ms()) / 1000)
            self._tell()

        def _tell(self) -> None:
            """What the gateway asks of devices reaches them at once, in their own dialect."""
            for command in self.commanded[self._told :]:
                native = command.device.partition(":")[2]
                asks = self.decoder.command(
                    command.source, native, command.name, command.command, command.expires_at
                )
                for ask in asks if not isinstance(asks, str) else ():
                    site.hear(ask.topic, ask.payload)
            self._told = len(self.commanded)

    return Listening(plan, clock)
