"""Gathers what the alarm-management figures are made of, and keeps those of the last day for some seconds."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Final

from devices.reading import source_of
from gateway.api.world import World
from gateway.clock import Clock
from gateway.control import Reported
from gateway.figures import TEN_MS, Figures, Seen, figures
from gateway.figures_named import readings
from gateway.health_of import Overview
from gateway.health_of.overview import OWN_SOURCE
from gateway.views import Views

DAY_MS: Final = 86_400_000
KEPT_MS: Final = 30_000
ROWS_MAX: Final = 100_000
"""Rows of each kind that one answer looks at: about half a second. Where there are more, the window begins later."""

SITES_MAX: Final = 50  # reported once a minute; a larger city asks `/metrics`


def gather(views: Views, world: World, since: int, until: int) -> Seen:
    """What the views know of [since, until) UTC ms. Simulated devices count only where there are no others."""
    came = views.occurrences(since - TEN_MS, until, ROWS_MAX)
    handled = views.handled(since, until, ROWS_MAX)
    for rows, oldest in ((came, came[-1].at + TEN_MS if came else 0),
                         (handled, handled[-1].opened_at if handled else 0)):  # fmt: skip
        if len(rows) == ROWS_MAX:
            since = max(since, oldest)
    unanswered = views.unanswered(since, until, ROWS_MAX)
    standing = views.standing()
    played = simulated(world)
    if played:
        came = [o for o in came if source_of(o.device) not in played]
        standing = [s for s in standing if source_of(s.device) not in played]
        handled = [h for h in handled if h.mode != "simulated"]
        unanswered = [u for u in unanswered if u.mode != "simulated"]
    handled = [h for h in handled if h.opened_at >= since]
    return Seen(since, until, came, handled, unanswered, standing)


def simulated(world: World) -> frozenset[str]:
    """The simulated sources beside real ones; none where all are simulated, as in a demonstration."""
    devices = [s for s in world.catalogue.sources.values() if s.name != OWN_SOURCE]
    played = frozenset(s.name for s in devices if s.simulated)
    return played if len(played) < len(devices) else frozenset()


def sites(world: World, seen: Seen) -> list[str]:
    """Every site of the plan, and any other that an alarm names."""
    named = {s.site for s in world.catalogue.sources.values()}
    return sorted(named.union(o.site for o in seen.occurrences))


class Figuring:
    """The last day's figures of all sites, safe from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made_at: int | None = None
        self._last: list[Figures] = []

    def look(self, views: Views, world: World, clock: Clock) -> list[Figures]:
        """Of the 24 hours up to now, or up to some seconds ago."""
        with self._lock:
            now = clock.monotonic_ms()
            if self._made_at is None or now - self._made_at >= KEPT_MS:
                until = clock.utc_ms() + 1
                seen = gather(views, world, until - DAY_MS, until)
                self._last = [figures(seen, site) for site in sites(world, seen)]
                self._made_at = now
            return self._last


def reported(found: list[Figures], overview: Overview, lags_s: Mapping[str, float]) -> list[Reported]:
    """What the gateway's own device says once a minute, for boards that see nothing but readings: the last day's
    figures of sites, device health, guarded classes and stores."""
    covered = {klass: 100 * working / n for klass, (n, working) in overview.classes.items() if n}
    return [
        *(reading for one in found[:SITES_MAX] for reading in readings(one)),
        *(("devices_by_health", problem, float(n)) for problem, n in sorted(overview.counts.items())),
        *(("coverage_percent", klass, round(percent, 2)) for klass, percent in sorted(covered.items())),
        *(("store_lag_s", name, lag) for name, lag in sorted(lags_s.items())),
    ]  # fmt: skip
