"""What can happen to simulated devices: each verb is one thing that people, fire, water or time do to them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from devices.instants import EARLIEST_MS
from devices.simulator.dialects import Saying, Unspoken, Wire
from devices.simulator.hardware import Hardware, Onset
from devices.simulator.obeying import Obeying
from devices.simulator.truth import What
from devices.simulator.unit import Unit
from devices.simulator.world import BATCH_MAX, World

Who = str | Iterable[str] | Callable[[Hardware], bool]
"""A device's native name, several names, or a question asked of each device."""

RESET_MS: Final = 946_684_800_000
"""2000-01-01T00:00:00Z, where the clock chip of many devices starts when its battery was out."""

_STEPS: Final = 3  # reports on the way to an alarm: devices speak when their number moves
_TEST_MS: Final = 5_000  # how long a test sounds
_HUSH_MS: Final = 600_000  # EN 14604: an alarm silenced at the device comes back within 15 minutes
_DRAW_STEP_MS: Final = 10_000  # how often a hydrant speaks while water flows


class Verbs(Obeying):
    """Verbs act at the present moment of the world; what they set off comes as time passes.

    Each gives the names it acted on. KeyError: no such device (with the nearest name). ValueError: the device has no
    such instrument, or nothing fits; Unspoken, one of those: the site's dialect has no words for it.
    """

    world: World

    def find(self, kind: str | None = None, place: str = "", count: int | None = None) -> tuple[str, ...]:
        """Names of the devices of a kind whose place or name holds `place`, in the site's order, at most `count`."""
        found = (
            u.name
            for u in self.world.units.values()
            if (kind is None or u.kind.name == kind) and place in u.name
        )
        return tuple(
            name for name, _ in zip(found, range(count if count is not None else 10**9), strict=False)
        )

    # -- alarms -----------------------------------------------------------------------------------------------

    def smoke(self, who: Who, *, ramp_s: float | None = None) -> tuple[str, ...]:
        """Smoke enters a detector; the alarm comes after `ramp_s` (default 12 s)."""
        return self._raise(who, "smoke", "smoke", ramp_s)

    def heat(self, who: Who, *, ramp_s: float | None = None) -> tuple[str, ...]:
        """It gets hot at a heat detector; alarm after `ramp_s` (default 45 s)."""
        return self._raise(who, "heat", "heat", ramp_s)

    def gas(self, who: Who, *, ramp_s: float | None = None, peak: float | None = None) -> tuple[str, ...]:
        """Gas leaks: %LEL climbs; alarm at the set point after `ramp_s` (default 30 s), then on to `peak`."""
        return self._raise(who, "gas", "gas", ramp_s, peak)

    def co(self, who: Who, *, ramp_s: float | None = None) -> tuple[str, ...]:
        """Carbon monoxide gathers; alarm after `ramp_s` (default 45 s)."""
        return self._raise(who, "co", "co", ramp_s)

    def sos(self, who: Who) -> tuple[str, ...]:
        """Somebody presses the SOS button. Every press is new."""
        return self._raise(who, "sos", "sos", 0)

    def call_point(self, who: Who) -> tuple[str, ...]:
        """Somebody breaks the glass of a manual call point."""
        return self._raise(who, "call_point", "call_point", 0)

    def alarm(self, who: Who, metric: str, *, ramp_s: float | None = None) -> tuple[str, ...]:
        """Any other alarm a device has: a panel's `fire_detected`, a leak, a flood, an overload, a forced door."""
        return self._raise(who, metric, metric, ramp_s)

    def park(self, who: Who, *, after_s: float = 20) -> tuple[str, ...]:
        """A car stops where the camera watches the fire lane; it counts as an obstruction after `after_s`."""
        units = self._units(who, "obstruction")
        for unit in units:
            unit.steer("vehicle_count", 1, self.world.now, 0)
            self.world.report(unit, "park")
        return self._raise(who, "obstruction", "park", after_s)

    def clear(self, who: Who, *, over_s: float = 10) -> tuple[str, ...]:
        """The danger is over: numbers fall back within `over_s`, then the device says that it is well again."""

        def well(unit: Unit) -> None:
            for metric in sorted(unit.active or ()):
                unit.put(metric, False)
                self.world.event(unit, What.CLEAR, "clear", metric, False)
            unit.active = None
            self.world.report(unit, "clear")

        def one(unit: Unit) -> None:
            unit.settle(self.world.now, round(over_s * 1000))
            self.world.after(over_s * 1000, lambda: well(unit))

        return self._each(who, one)

    # -- people at the device ---------------------------------------------------------------------------------

    def press_test(self, who: Who, *, rings: bool = False) -> tuple[str, ...]:
        """Somebody presses the test button. With `rings` it is a model that reports its own alarm beside the test."""

        def one(unit: Unit) -> None:
            for metric in unit.kind.onsets if rings else ():
                self.world.begin_alarm(unit, metric, "press_test", "")
            self._toggle(unit, What.TEST, "press_test", "test", True)
            self.world.after(_TEST_MS, lambda: self._toggle(unit, What.TEST, "press_test", "test", False))
            if rings:
                self.world.after(_TEST_MS, lambda: self.clear(unit.name, over_s=0))

        return self._each(who, one, "test")

    def hush(self, who: Who) -> tuple[str, ...]:
        """Somebody silences the device itself; it falls back after ten minutes."""

        def one(unit: Unit) -> None:
            self._toggle(unit, What.HUSH, "hush", "muted", True)
            self.world.after(_HUSH_MS, lambda: self._toggle(unit, What.HUSH, "hush", "muted", False))

        return self._each(who, one, "muted")

    def tamper(self, who: Who, *, restore_s: float | None = None) -> tuple[str, ...]:
        """Somebody takes the device off its base, and puts it back after `restore_s`."""

        def one(unit: Unit) -> None:
            self._toggle(unit, What.TAMPER, "tamper", "tamper", True)
            if restore_s is not None:
                self.world.after(
                    restore_s * 1000, lambda: self._toggle(unit, What.TAMPER, "tamper", "tamper", False)
                )

        return self._each(who, one, "tamper")

    def low_battery(self, who: Who, *, percent: float = 9) -> tuple[str, ...]:
        """The battery is nearly empty. ValueError for a device on mains."""

        def one(unit: Unit) -> None:
            if unit.mains:
                raise ValueError(f"{unit.name} runs on mains")
            unit.battery = percent + unit.drain * self.world.now
            self._toggle(unit, What.LOW_BATTERY, "low_battery", "battery_low", True, "battery")

        return self._each(who, one, "battery_low")

    def new_battery(self, who: Who) -> tuple[str, ...]:
        """Somebody puts a new battery in. ValueError for a device on mains."""

        def one(unit: Unit) -> None:
            if unit.mains:
                raise ValueError(f"{unit.name} runs on mains")
            unit.battery = 100 + unit.drain * self.world.now
            self._toggle(unit, What.LOW_BATTERY, "new_battery", "battery_low", False)

        return self._each(who, one, "battery_low")

    # -- water ------------------------------------------------------------------------------------------------

    def draw_water(
        self, who: Who, *, flow: float = 600, seconds: float | None = None, ramp_s: float = 5
    ) -> tuple[str, ...]:
        """Water is drawn from a hydrant: `flow` L/min for `seconds` or until `clear`; its pressure drops."""

        def flowing(unit: Unit) -> None:
            if unit.level("hydrant_open"):
                self.world.report(unit, "draw_water", What.REPEAT)
                self.world.after(_DRAW_STEP_MS, lambda: flowing(unit))

        def one(unit: Unit) -> None:
            unit.steer("flow", flow, self.world.now, round(ramp_s * 1000))
            self.world.after(
                ramp_s * 1000, lambda: self.world.begin_alarm(unit, "hydrant_open", "draw_water", "")
            )
            self.world.after(ramp_s * 1000 + 1, lambda: flowing(unit))
            if seconds is not None:
                self.world.after((ramp_s + seconds) * 1000, lambda: self.clear(unit.name, over_s=3))

        return self._each([u.name for u in self._units(who, gauge="flow")], one, "hydrant_open")

    def pressure(self, who: Who, kpa: float, *, over_s: float = 20) -> tuple[str, ...]:
        """Let the pressure go to `kpa` within `over_s`, and stay there until `clear`."""

        def one(unit: Unit) -> None:
            unit.steer("pressure", kpa, self.world.now, round(over_s * 1000))
            for step in range(1, _STEPS + 1):
                self.world.after(over_s * 1000 * step / _STEPS, lambda: self.world.report(unit, "pressure"))

        return self._each([u.name for u in self._units(who, gauge="pressure")], one)

    # -- silence ----------------------------------------------------------------------------------------------

    def die(self, who: Who) -> tuple[str, ...]:
        """The device is gone without a word: no more messages, at most a will said by the broker."""

        def one(unit: Unit) -> None:
            unit.dead = True
            unit.active = unit.ramps = unit.stored = None

        names = self._each(who, one)
        self.world.sever(names, "die")
        return names

    def revive(self, who: Who) -> tuple[str, ...]:
        """A dead device comes up again."""

        def one(unit: Unit) -> None:
            if unit.dead:
                unit.dead, unit.levels = False, None
                self.world.join(unit)

        return self._each(who, one)

    def cut_uplink(self, who: Who | None = None, *, seconds: float | None = None) -> tuple[str, ...]:
        """Devices (all by default) cannot send, for `seconds` or until `restore_uplink`. They store what they can."""

        def one(unit: Unit) -> None:
            unit.cut = True

        names = self._each(who if who is not None else list(self.world.units), one)
        self.world.sever(names, "cut_uplink")
        if seconds is not None:
            self.world.after(seconds * 1000, lambda: self.restore_uplink(names))
        return names

    def restore_uplink(self, who: Who | None = None) -> tuple[str, ...]:
        """The uplink is back: devices say that they are there, then all they stored, then how they are now."""
        names = [u.name for u in self._units(who if who is not None else list(self.world.units)) if u.cut]
        for unit in (self.world.units[n] for n in names):
            unit.cut = False
        if len(names) == len(self.world.units):
            self.world.reopen()

        def one(unit: Unit) -> None:
            if unit.dead:
                return
            for wire in self.world.dialect.status(unit.name, True):
                self.world.send(unit, wire, What.STATUS, "restore_uplink")
            self.world.deliver_stored(unit, "cut_uplink")
            self.world.report(unit, "restore_uplink")

        return self._each(names, one)

    # -- lies -------------------------------------------------------------------------------------------------

    def replay_late(self, who: Who, *, minutes: float = 30, alarm: str = "") -> tuple[str, ...]:
        """Reports of the last `minutes` come only now, in one batch; with `alarm` (a metric) an alarm that old as well.

        ValueError for a device without a clock or in a dialect whose devices store nothing.
        """

        def one(unit: Unit) -> None:
            if not unit.kind.clock or not self.world.dialect.stores:
                raise ValueError(f"{unit.name} stores nothing with its time")
            ago_ms = round(minutes * 60_000)
            if alarm:
                saying = self._past(unit, ago_ms)._replace(metric=alarm, late=True)
                self.world.send_event(unit, saying, What.LATE, "replay_late")
            every_ms = max(unit.period_ms, ago_ms // BATCH_MAX + 1)
            past = [self._past(unit, ms) for ms in range(ago_ms, 0, -every_ms)]
            self.world.send_batch(unit, past, "replay_late")

        return self._each(who, one)

    def duplicate(self, who: Who, *, times: int = 1) -> tuple[str, ...]:
        """The device's last message once more, byte for byte, as at-least-once delivery does."""

        def one(unit: Unit) -> None:
            if unit.last is None:
                raise Unspoken(f"{unit.name} has said nothing yet")
            topic, payload, retained, label = unit.last
            for _ in range(times):
                self.world.again(Wire(topic, payload, retained, label.readings or {}), label)

        return self._each(who, one)

    def skew_clock(self, who: Who, seconds: float | None = None) -> tuple[str, ...]:
        """The device's clock is `seconds` ahead (negative: behind) from now on; None sets it back to 2000-01-01."""

        def one(unit: Unit) -> None:
            unit.skew_ms = round(seconds * 1000) if seconds is not None else RESET_MS - self.world.utc()

        return self._each(who, one)

    def flood(self, who: Who, *, per_s: float = 50, seconds: float = 10) -> tuple[str, ...]:
        """The device goes mad and reports `per_s` times a second."""

        def one(unit: Unit) -> None:
            for n in range(round(per_s * seconds)):
                self.world.after(n * 1000 / per_s, lambda: self.world.report(unit, "flood", What.FLOOD))

        return self._each(who, one)

    def garbage(self, who: Who) -> tuple[str, ...]:
        """The device sends what no device should: cut and binary JSON, NaN, 200 brackets deep, 70 KB."""

        def one(unit: Unit) -> None:
            for wire in self.world.dialect.garbage(self.world.say(unit)):
                self.world.send(unit, wire, What.GARBAGE, "garbage")

        return self._each(who, one)

    # -- how --------------------------------------------------------------------------------------------------

    def _units(self, who: Who, alarm: str = "", gauge: str = "") -> list[Unit]:
        """The devices meant, each with the instrument asked for."""
        if isinstance(who, str):
            units: Sequence[Unit] = [self.world.unit(who)]
        elif callable(who):
            units = [u for u in self.world.units.values() if who(u.hardware)]
        else:
            units = [self.world.unit(name) for name in who]
        if not units:
            raise ValueError("no device of the site fits")
        for unit in units:
            if alarm and alarm not in unit.kind.onsets and alarm not in unit.kind.levels:
                raise ValueError(f"{unit.name} ({unit.kind.name}) cannot raise {alarm}")
            if alarm:
                self._speaks(unit, alarm)
            if gauge:
                unit.gauge(gauge)
        return list(units)

    def _each(self, who: Who, work: Callable[[Unit], None], says: str = "") -> tuple[str, ...]:
        units = self._units(who)
        for unit in units if says else ():
            self._speaks(unit, says)
        for unit in units:
            work(unit)
        return tuple(u.name for u in units)

    def _raise(
        self, who: Who, metric: str, verb: str, ramp_s: float | None, peak: float | None = None
    ) -> tuple[str, ...]:
        world = self.world
        units = self._units(who, metric)
        for unit in units:
            onset: Onset | None = unit.kind.onsets.get(metric)
            over_ms = round(1000 * (ramp_s if ramp_s is not None else onset.ramp_s if onset else 0))
            if onset is not None:
                unit.steer(onset.gauge, onset.set_point, world.now, over_ms)
                for step in range(1, _STEPS):
                    if over_ms >= 1000:
                        world.after(over_ms * step / _STEPS, lambda u=unit: world.report(u, verb))  # type: ignore[misc]  # lambda with a default
            self._at(over_ms, unit, metric, verb, onset, peak)
        return tuple(u.name for u in units)

    def _at(
        self, over_ms: int, unit: Unit, metric: str, verb: str, onset: Onset | None, peak: float | None
    ) -> None:
        def alarm() -> None:
            self.world.begin_alarm(unit, metric, verb, onset.gauge if onset else "")
            if onset is not None and not unit.dead:  # it does not stop at the set point
                end = peak if peak is not None else onset.set_point * 1.6
                unit.steer(onset.gauge, end, self.world.now, max(over_ms, 10_000))

        if over_ms:
            self.world.after(over_ms, alarm)
        else:
            alarm()

    def _speaks(self, unit: Unit, metric: str) -> None:
        """Unspoken where the dialect has no word for that."""
        if not self.world.dialect.can(unit.kind.name, metric):
            raise Unspoken(
                f"{unit.name}: in the dialect {self.world.speaking} a {unit.kind.name} has no word for {metric}"
            )

    def _toggle(self, unit: Unit, what: What, verb: str, metric: str, value: bool, number: str = "") -> None:
        if unit.dead:
            return
        unit.put(metric, value)
        self.world.event(unit, what, verb, metric, value, number)

    def _past(self, unit: Unit, ago_ms: int) -> Saying:
        saying = self.world.say(unit, fields=unit.fields(max(0, self.world.now - ago_ms)))
        past: Any = saying.ts
        return saying._replace(ts=max(EARLIEST_MS, past - ago_ms))
