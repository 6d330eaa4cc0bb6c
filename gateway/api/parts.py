"""What the API is made of, handed to it once by the process that owns it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.api.figuring import Figuring
from gateway.api.hub import Hub
from gateway.api.looking import Looking
from gateway.api.newest import Newest
from gateway.api.notes import Notes
from gateway.api.world import World
from gateway.auth import Auth
from gateway.cameras.roster import Roster
from gateway.clock import Clock, SystemClock
from gateway.control import ControlClient
from gateway.evidence.room import EvidenceRoom
from gateway.feed import Feeder
from gateway.follow import Follower
from gateway.health_of import HealthOf
from gateway.latest import Latest
from gateway.marks import Marks
from gateway.registry import Registry
from gateway.registry.reader import Directory
from gateway.retention import Retention
from gateway.series import Store
from gateway.views import Views


class Pulse:
    """What was last heard of the engine: its figures, and when (monotonic ms)."""

    def __init__(self) -> None:
        self.status: Mapping[str, Any] = {}
        self.heard_at: int | None = None


@dataclass
class Parts:
    """Everything a route may use. `world` is exchanged when a new plan is in force; nothing else is."""

    data: Path
    views: Views
    latest: Latest
    feeders: Sequence[Feeder]
    history: Store | None
    control: ControlClient
    registry: Registry
    auth: Auth
    directory: Directory
    notes: Notes
    hub: Hub
    world: World
    link_key: bytes
    base_url: str = ""
    web: Path | None = None
    follower: Follower | None = None
    pulse: Pulse = field(default_factory=Pulse)
    clock: Clock = field(default_factory=SystemClock)
    replanned: Callable[[], Awaitable[None]] | None = None
    devices_health: HealthOf = field(default_factory=HealthOf)
    looking: Looking = field(default_factory=Looking)
    figuring: Figuring = field(default_factory=Figuring)
    unopened: dict[str, str] = field(default_factory=dict)  # store -> why it does not open
    retention: Retention | None = None
    newest: Newest = field(default_factory=Newest)
    marks: Marks = field(default_factory=Marks)
    evidence: EvidenceRoom | None = None
    cameras: Roster = field(default_factory=Roster)

    def now(self) -> int:
        """UTC ms."""
        return self.clock.utc_ms()

    def age_ms(self) -> int | None:
        """How old what we show may be: since we last knew that the engine lives and that nothing was left to read.

        None before the first time.
        """
        level_at = self.follower.level_at if self.follower is not None else self.pulse.heard_at
        if level_at is None or self.pulse.heard_at is None:
            return None
        return max(self.clock.monotonic_ms() - min(level_at, self.pulse.heard_at), 0)
