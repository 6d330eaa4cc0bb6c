"""What one camera has said: its levels, the native messages that say them, and what an earlier process left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from devices.picture.analytic import UNRELIABLE, Plugin, Sight
from devices.picture.reading import reading_of
from devices.reading import METRICS, MetricClass, split_point

Level = tuple[str, str]
"""A metric and its channel."""

SETTLE_MS: Final = 180_000
LEVELS_MAX: Final = 128  # standing at once; zones times types are far fewer
VIEW_RELIABLE: Final = "view_reliable"
STILL: Final = "camera_tamper"
"""What a snooze does not silence: a camera that sees nothing must say so."""


class Message(NamedTuple):
    """One message of the native dialect: the last part of its topic (telemetry or event) and its body."""

    kind: str
    body: Mapping[str, Any]

    @property
    def payload(self) -> bytes:
        """Its JSON."""
        return msgspec.json.encode(self.body)

    @property
    def alarm(self) -> bool:
        """Whether it may raise an alarm: such a message is never dropped for room before any other."""
        return self.kind == "event"


class Told:
    """One camera. Every method gives the messages to send, in order; times are UTC ms.

    `inherited`: levels that stood when the process before this one ended. Their end is told once the camera has been
    seen well for a while without them coming back; until then they stand.
    """

    def __init__(self, device: str, inherited: frozenset[Level] = frozenset()) -> None:
        self._device, self._settle_ms = device, SETTLE_MS
        self._sights: dict[tuple[str, str, int, str], Level] = {}
        self._inherited = set(inherited)
        self._seen_ms, self._seen_at = 0, 0
        self._status: dict[str, Any] = {}
        self._snoozed = False
        self._blind: set[tuple[int, int]] = set()  # analytics that see nothing at present, and since when

    def settles(self, settle_ms: int) -> None:
        """How long the camera must be seen well before what was inherited is over."""
        self._settle_ms = settle_ms

    def renewed(self) -> None:
        """The analytics begin anew: what stands is from before, and ends as such."""
        self._inherited |= set(self._sights.values())
        self._sights.clear()
        self._blind.clear()
        self._seen_ms = 0

    def stopped(self, now: int) -> Iterator[Message]:
        """A person took the camera out of use: nothing stands any more, and whether it is online nobody knows."""
        standing = sorted(self.standing)
        self._inherited.clear()
        self._sights.clear()
        self._blind.clear()
        for level in standing:
            if not self._silent(level):
                yield self._message(level, False, now)
        yield from self.status({"camera_online": None}, now)

    def says(self, metric: str) -> Any:
        """What was last said of a fact; None before."""
        return self._status.get(metric)

    @property
    def standing(self) -> frozenset[Level]:
        """Levels that stand, snoozed or not."""
        return frozenset(self._sights.values()) | self._inherited

    def sight(self, plugin: Plugin, sight: Sight, now: int) -> Iterator[Message]:
        """A sight began or ended."""
        if sight.type == UNRELIABLE:
            # Several analytics may see nothing, each for its own reason: reliable once none of them says so.
            why = (id(plugin), sight.start)
            (self._blind.add if sight.end is None else self._blind.discard)(why)
            yield from self.status({VIEW_RELIABLE: not self._blind}, now)
            return
        reading = reading_of(plugin, self._device, sight)
        if reading is None:
            return
        _, metric, channel = split_point(reading.point)
        level = (metric, channel)
        before = level in self.standing
        key = (metric, sight.type, sight.start, sight.zone)
        if sight.end is None and len(self._sights) < LEVELS_MAX:
            self._sights[key] = level
        elif sight.end is not None:
            self._sights.pop(key, None)
        self._inherited.discard(level)
        if before != (level in self.standing) and not self._silent(level):
            yield self._message(level, level in self.standing, now, sight)

    def status(self, said: Mapping[str, Any], now: int) -> Iterator[Message]:
        """Facts that are told when they change, and again with every `restate`."""
        news = {k: v for k, v in said.items() if self._status.get(k) != v}
        self._status.update(news)
        if news:
            yield Message("telemetry", {"v": 1, "ts": now, **news})

    def seen(self, usable: bool, now: int) -> Iterator[Message]:
        """A picture was judged; inherited levels end after enough usable ones."""
        if not self._inherited:
            return
        self._seen_ms += min(max(now - self._seen_at, 0), 2_000) if usable else 0
        self._seen_at = now
        if self._seen_ms >= self._settle_ms:
            over, self._inherited = self._inherited, set()
            for level in sorted(over - self.standing):
                if not self._silent(level):
                    yield self._message(level, False, now)

    def snooze(self, on: bool, now: int) -> Iterator[Message]:
        """A person wants no news of what is seen, or wants it again; what stands ends, or is told again."""
        if on == self._snoozed:
            return
        for level in sorted(self.standing):
            if level[0] != STILL:
                yield self._message(level, not on, now)
        self._snoozed = on

    def restate(self, now: int) -> Iterator[Message]:
        """Everything that holds, again: what was lost on the way is healed by it."""
        if self._status:
            yield Message("telemetry", {"v": 1, "ts": now, **self._status})
        for level in sorted(self.standing):
            if not self._silent(level):
                yield self._message(level, True, now)

    def _silent(self, level: Level) -> bool:
        return self._snoozed and level[0] != STILL

    def _message(self, level: Level, on: bool, now: int, sight: Sight | None = None) -> Message:
        metric, channel = level
        if METRICS[metric].klass is not MetricClass.ALARM:
            # A native status has no channel: it stands while any of its zones says so.
            stands = any(name == metric for name, _ in self.standing - {level}) or on
            return Message("telemetry", {"v": 1, "ts": now, metric: stands})
        data: dict[str, Any] = {"hazard": metric, "channel": channel}
        if sight is not None:
            data |= {"score": sight.score, "box": sight.box}
        return Message("event", {"v": 1, "ts": now, "type": "alarm" if on else "alarm_clear", "data": data})
