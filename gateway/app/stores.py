"""The view's time-series stores: opened by the kind their settings name, each with a feeder, one of them asked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import structlog

from devices.discover import PluginMissing, discover
from gateway.chain import mended
from gateway.clock import Clock
from gateway.config.plugins import STORES
from gateway.config.settings import Settings, store_configs
from gateway.errors import GatewayError
from gateway.feed import Feeder
from gateway.proofs import Proofs
from gateway.retention import Retention

EMBEDDED_KIND: Final = "duckdb"

log = structlog.get_logger(__name__)


def plugin_of(name: str, settings: Settings) -> tuple[Any, Any]:
    """The plug-in module of a configured store and its `Config`. Raises PluginMissing, KeyError."""
    config = store_configs(settings)[name]
    kind = type(config).__module__
    listed = discover(STORES)
    return next(listed[plugin] for plugin in listed if kind.startswith(f"{STORES}.{plugin}")), config


def open_store(name: str, settings: Settings, data: Path) -> Any:
    """A `gateway.series.Sink`, or a `Store` where it can be asked. Raises what the store raises, and PluginMissing."""
    module, config = plugin_of(name, settings)
    sites = {source.name: source.site for source in settings.sources}
    return module.open(config, data, name, lambda source: sites.get(source, ""))


class Stores:
    """Opens what can be opened; what cannot is tried again. `feeders` and `unopened` are shared with the API."""

    def __init__(self, settings: Settings, data: Path, clock: Clock) -> None:
        self._settings, self._data, self._clock = settings, data, clock
        self.feeders: list[Feeder] = []
        self.unopened: dict[str, str] = {}
        self.proofs = mended(data / "proofs.sqlite", Proofs)
        kept = settings.retention
        self.retention = Retention(
            self.proofs, self.opened, tuple(settings.stores), kept.days_of, kept.rollup_days
        )

    def open(self, name: str) -> Feeder | None:
        """A store that does not open is a store that fails: history waits, everything else goes on."""
        try:
            store = open_store(name, self._settings, self._data)
        except (GatewayError, OSError, PluginMissing) as error:
            if name not in self.unopened:
                log.error("store does not open", store=name, reason=str(error))
            self.unopened[name] = str(error)[:200]
            return None
        self.unopened.pop(name, None)
        feeder = Feeder(
            name, store, self._data / "journal", self._clock, others=lambda: self._others(name),
            allowed=self.proofs.allowed,
        )  # fmt: skip
        self.feeders.append(feeder)
        return feeder

    def opened(self) -> dict[str, Any]:
        """Every store that is open, by name."""
        return {feeder.name: feeder.store for feeder in self.feeders}

    def history(self) -> Any:
        """The store that answers questions: the one the settings name, else the embedded one, else any that can.

        None while it is not open, or where it cannot be asked: another one would give other answers.
        """
        wanted = self._settings.history
        if wanted is not None:
            store = self.opened().get(wanted)
            return store if hasattr(store, "read") else None
        return self.nearest()

    def nearest(self) -> Any:
        """The store that costs least to ask: the embedded one, else any that can be asked; else None."""
        can = [(name, store) for name, store in self.opened().items() if hasattr(store, "latest")]
        embedded = (store for name, store in can if self._kind(name) == EMBEDDED_KIND)
        return next(embedded, can[0][1] if can else None)

    def _kind(self, name: str) -> str:
        return str(self._settings.stores[name]["kind"])

    def _others(self, name: str) -> Sequence[Any]:
        """Whom a store is filled from, the embedded one first."""
        found = sorted(self.opened().items(), key=lambda item: self._kind(item[0]) != EMBEDDED_KIND)
        return [store for other, store in found if other != name]

    def close(self) -> None:
        """Write what is at hand and let go of all."""
        for feeder in self.feeders:
            feeder.stop()
        self.proofs.close()
