"""The overview of all devices, made anew when it is asked for and may have changed, and never for most of the time."""

from __future__ import annotations

import threading
from typing import Final

from devices.catalogue import Catalogue
from gateway.api.world import World
from gateway.clock import Clock
from gateway.core.coverage import Guard
from gateway.health_of import HealthOf, Overview, overview
from gateway.views import Views

CHANGED_MS: Final = 1_000  # with news in the views it is made again after this long
AGE_MAX_MS: Final = 30_000  # devices fall behind without any news
AT_ONCE_MS: Final = 500  # one that takes longer is not made while a scraper waits: a city takes seconds
SHARE: Final = (
    20  # it is kept at least so many times as long as it took, however old it gets: a twentieth of one core
)


class Looking:
    """Keeps the last overview; safe from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._world: World | None = None
        self._guard = Guard(Catalogue())
        self._last: Overview | None = None
        self._seq = 0
        self._made_at = 0
        self._took_ms = 0
        self._making: threading.Thread | None = None

    def glance(self, world: World, views: Views, health: HealthOf, clock: Clock) -> Overview:
        """`look` where that is quick, else the last overview at once, while a thread makes the next one."""
        last = self._last
        if last is None or self._took_ms <= AT_ONCE_MS:
            return self.look(world, views, health, clock)
        if self._making is None or not self._making.is_alive():
            self._making = threading.Thread(
                target=self.look, args=(world, views, health, clock), name="look", daemon=True
            )
            self._making.start()
        return last

    def look(self, world: World, views: Views, health: HealthOf, clock: Clock) -> Overview:
        """The devices of this world as they are, at most AGE_MAX_MS ago or SHARE times as long as looking took."""
        with self._lock:
            start = clock.monotonic_ms()
            age, seq = start - self._made_at, views.applied_seq
            if self._last is not None and self._world is world:
                dear = SHARE * self._took_ms
                if age < max(AGE_MAX_MS if seq == self._seq else CHANGED_MS, dear):
                    return self._last
            if self._world is not world:
                self._world, self._guard = world, Guard(world.catalogue)
            self._last = overview(world.plan, self._guard, views.standing(), health, clock.utc_ms())
            self._seq, self._made_at = seq, start
            self._took_ms = clock.monotonic_ms() - start
            return self._last
