"""One fake device: what it measures, how its battery falls, how its numbers climb towards an alarm. Pure."""

from __future__ import annotations

import hashlib
import math
from collections import deque
from typing import Any, Final, NamedTuple

from devices.simulator.dialects import Saying
from devices.simulator.hardware import KINDS, NORMALLY_TRUE, Gauge, Hardware
from devices.simulator.truth import Label, What

DAY_MS: Final = 86_400_000
STORED_MAX: Final = 200
"""Messages a device keeps while it cannot send; then the oldest go. Real ones keep 10 to some hundreds."""

_MASK: Final = (1 << 64) - 1
_BATTERY_FIELDS: Final = "battery"

# What flowing water costs: 15 L/s, a fully opened outdoor hydrant (GB 50974: 10 to 15 L/s), takes 120 kPa off.
_DROP: Final = 120 / 900**2


class Ramp(NamedTuple):
    """A number on its way: from `start` at `since` to `end` at `until` (world ms); it stays there."""

    since: int
    until: int
    start: float
    end: float

    def at(self, t: int) -> float:
        if t >= self.until:
            return self.end
        return self.start + (self.end - self.start) * max(0, t - self.since) / (self.until - self.since)


class Stored(NamedTuple):
    """A saying that could not be sent, and what it was going to be."""

    saying: Saying
    event: bool
    what: What
    verb: str


class Unit:
    """The state of one device. Its dice are its own, so what one device does changes nothing in another's bytes."""

    __slots__ = (
        "_dice", "active", "battery", "beating", "cut", "dead", "deaf", "drain", "hardware", "index", "kind", "last",
        "levels", "mains", "offsets", "period_ms", "phase", "ramps", "sequence", "skew_ms", "stored",
    )  # fmt: skip

    def __init__(self, seed: int, index: int, hardware: Hardware) -> None:
        self.hardware, self.index, self.kind = hardware, index, KINDS[hardware.kind]
        self.mains = self.kind.mains if hardware.mains is None else hardware.mains
        self.period_ms = max(1, round((hardware.period_s or self.kind.period_s) * 1000))
        digest = hashlib.blake2b(f"{seed}/{hardware.name}".encode(), digest_size=8).digest()
        self._dice = int.from_bytes(digest, "big")
        self.phase = self.chance()
        self.battery = 100.0 if self.mains else 60 + 40 * self.chance()
        self.drain = (0.02 + 0.03 * self.chance()) / DAY_MS  # % a ms: five to ten years on a full one
        self.offsets = tuple((2 * self.chance() - 1) * g.spread for g in self.kind.gauges)
        self.sequence = 0
        self.skew_ms = 0
        self.dead = self.deaf = self.cut = self.beating = False
        self.active: dict[str, str] | None = None  # alarm metric -> the verb that raised it
        self.levels: dict[str, bool] | None = None  # what is not as usual
        self.ramps: dict[str, Ramp] | None = None
        self.stored: deque[Stored] | None = None
        self.last: tuple[str, bytes, bool, Label] | None = None

    @property
    def name(self) -> str:
        return self.hardware.name

    def chance(self) -> float:
        """The next of its dice: 0 <= x < 1. A linear congruential generator (Knuth's MMIX); the high bits are good."""
        self._dice = (self._dice * 6364136223846793005 + 1442695040888963407) & _MASK
        return (self._dice >> 33) / 2147483648

    def gauge(self, metric: str) -> int:
        """Which of its instruments measures a metric. Raises ValueError when none does."""
        for number, gauge in enumerate(self.kind.gauges):
            if gauge.metric == metric:
                return number
        raise ValueError(f"{self.name} ({self.kind.name}) does not measure {metric}")

    def level(self, metric: str) -> bool:
        """What it says of a level now."""
        usual = metric in NORMALLY_TRUE
        return usual if self.levels is None else self.levels.get(metric, usual)

    def put(self, metric: str, value: bool) -> None:
        """A level changes. What is as usual again, and is not said in every report, is no longer said."""
        if self.levels is None:
            self.levels = {}
        self.levels[metric] = value
        if value == (metric in NORMALLY_TRUE):
            del self.levels[metric]

    def steer(self, metric: str, end: float, t: int, over_ms: int) -> None:
        """Let a number walk from where it is to `end`."""
        number = self.gauge(metric)
        if self.ramps is None:
            self.ramps = {}
        self.ramps[metric] = Ramp(t, t + over_ms, self._calm(self.kind.gauges[number], number, t), end)

    def settle(self, t: int, over_ms: int) -> None:
        """Let every number that was steered walk back to where it usually is."""
        for metric in list(self.ramps or ()):
            number = self.gauge(metric)
            self.steer(metric, self.kind.gauges[number].base + self.offsets[number], t, over_ms)

    def _calm(self, gauge: Gauge, number: int, t: int) -> float:
        ramp = self.ramps.get(gauge.metric) if self.ramps is not None else None
        if ramp is not None:
            return ramp.at(t)
        value = gauge.base + self.offsets[number]
        if gauge.swing:
            value += gauge.swing * math.sin(6.283185307179586 * (t / DAY_MS + self.phase))
        return value

    def _show(self, gauge: Gauge, number: int, t: int) -> float:
        """What the instrument shows at world time `t`."""
        value = self._calm(gauge, number, t)
        if gauge.noise:
            value += gauge.noise * (self.chance() + self.chance() - 1)
        if gauge.metric == "pressure" and self.ramps is not None and "flow" in self.ramps:
            value -= _DROP * self.ramps["flow"].at(t) ** 2
        value = min(gauge.high, max(gauge.low, value))
        return round(value, gauge.decimals) if gauge.decimals else round(value)

    def fields(self, t: int) -> dict[str, Any]:
        """Everything a report says at world time `t`."""
        found: dict[str, Any] = {}
        for metric in self.kind.levels:
            found[metric] = self.level(metric)
        if self.levels is not None:
            found |= self.levels
        for number, gauge in enumerate(self.kind.gauges):
            found[gauge.metric] = self._show(gauge, number, t)
        if not self.mains:
            found[_BATTERY_FIELDS] = round(max(0.0, self.battery - self.drain * t))
        return found

    def store(self, stored: Stored) -> None:
        """Keep what cannot be sent."""
        if self.stored is None:
            self.stored = deque(maxlen=STORED_MAX)
        self.stored.append(stored)
