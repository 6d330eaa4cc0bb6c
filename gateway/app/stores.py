"""Opens a configured time-series store by the kind its settings name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from devices.discover import discover
from gateway.config.plugins import STORES
from gateway.config.settings import Settings, store_configs


def open_store(name: str, settings: Settings, data: Path) -> Any:
    """A `gateway.series.Sink`, or a `Store` where it can be asked. Raises what the store raises, and PluginMissing."""
    config = store_configs(settings)[name]
    kind = type(config).__module__
    sites = {source.name: source.site for source in settings.sources}
    listed = discover(STORES)
    module = next(listed[plugin] for plugin in listed if kind.startswith(f"{STORES}.{plugin}"))
    return module.open(config, data, name, lambda source: sites.get(source, ""))
