"""The plan of settings and registry, and what the engine starts with where they cannot be read."""

from __future__ import annotations

from pathlib import Path

import msgspec
import structlog

from gateway.config.settings import Settings
from gateway.core.plan import Plan
from gateway.planning import PlanRefused, build_plan
from gateway.registry.errors import RegistryError
from gateway.registry.reader import RegistryReader, Snapshot

log = structlog.get_logger(__name__)


class Plans:
    """`trouble` says why the first plan could not be made; empty where it could."""

    def __init__(self, settings: Settings, data: Path) -> None:
        self._settings, self._reader = settings, RegistryReader(data / "registry.sqlite")
        self.trouble = ""

    def build(self) -> Plan:
        """As settings, rule files and registry are now. Raises PlanRefused, RegistryError."""
        return build_plan(self._settings, self._reader)

    def first(self) -> Plan | None:
        """The same at the start, where nothing is in force yet; None where it cannot be made.

        A damaged file must not cost the alarms: the engine then goes on by the plan it had last.
        """
        try:
            return self.build()
        except (PlanRefused, RegistryError) as error:
            self.trouble = str(error)
            log.error("no plan can be made: going on by the last one", reason=self.trouble)
            return None

    def bare(self) -> Plan:
        """Shipped rules and call chains, no places and no people: better than nothing where there never was a plan."""
        return build_plan(msgspec.structs.replace(self._settings, rules=()), _Empty())


class _Empty:
    """A registry that nobody has written to."""

    def snapshot(self) -> Snapshot:
        return Snapshot()
