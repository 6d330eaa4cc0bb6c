"""A gateway and a site that share their time: what the site sends, the gateway receives at that very moment."""

from __future__ import annotations

from typing import Any

from devices.simulator.site import SimulatedSite


def listening(gateway: type[Any], site: SimulatedSite, plan: Any, clock: Any) -> Any:
    """An instance of `gateway` (its constructor takes plan and clock) whose `advance` plays the site to it."""

    class Listening(gateway):  # type: ignore[misc]  # the gateway is only known when it runs
        """`advance` moves both clocks from message to message."""

        def advance(self, seconds: float) -> None:
            start = self.clock.monotonic_ms()
            until = start + round(seconds * 1000)
            world_end = site.world.now + round(seconds * 1000)
            shift = world_end - until
            for sent in site.world.walk_to(world_end):
                ahead = site.world.now - shift - self.clock.monotonic_ms()
                if ahead > 0:
                    super().advance(ahead / 1000)
                self.receive(sent.topic, sent.payload, sent.retained)
            super().advance((until - self.clock.monotonic_ms()) / 1000)

    return Listening(plan, clock)
