"""The world of fake hardware: devices that speak when it is their time, in a time of its own; pure."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import EllipsisType
from typing import Any, Final, NamedTuple

import msgspec

from devices.reading import METRICS
from devices.simulator.dialects import Saying, Wire, dialect
from devices.simulator.hardware import Hardware, nearest
from devices.simulator.truth import Label, Truth, What
from devices.simulator.unit import Stored, Unit

KEEPALIVE_MS: Final = 60_000
"""What mains devices agree with the broker on; it says their will after one and a half of it (MQTT 3.1.1, 3.1.2.10)."""

REPEAT_MS: Final = 60_000
"""A device in alarm says so again after this long, however seldom it usually speaks."""

BATCH_MAX: Final = 100  # stored reports in one late message; well under the contract's 64 KiB

_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"


class Sent(NamedTuple):
    """One message as the broker gets it: UTC ms, topic, payload, retained."""

    at: int
    topic: str
    payload: bytes
    retained: bool


class World:
    """Devices and what is due. `now` is world time in ms, from 0; it passes only in `advance_to`.

    UTC of a message is `epoch_ms` + world time / `speed`: both may be set while nothing is under way, for a site that
    lives faster than life or was asleep.
    """

    def __init__(
        self,
        seed: int,
        site: str,
        units: Sequence[Hardware],
        speaking: str = "native",
        epoch_ms: int = 0,
        spread_s: float = 3.0,
        keep: int | None = None,
    ) -> None:
        self.speaking = speaking
        self.dialect = dialect(speaking, site, [(u.name, u.kind) for u in units])
        self.units = {u.name: Unit(seed, i, u) for i, u in enumerate(units)}
        if len(self.units) < len(units):
            raise ValueError("two devices have the same name")
        self.epoch_ms, self.speed, self.now = epoch_ms, 1.0, 0
        self.truth = Truth(keep)
        # Ids never repeat after a restart, for a gateway drops repeated ones.
        self._boot = _base36(epoch_ms // 1000)
        self._out: list[Sent] = []
        self._due: list[tuple[int, int, Callable[[], object] | Unit]] = []
        self._ties = 0
        self._open(spread_s)

    # -- time -------------------------------------------------------------------------------------------------

    def utc(self) -> int:
        """UTC ms now, as the world has it."""
        return self.epoch_ms + (self.now if self.speed == 1 else int(self.now / self.speed))

    def due_ms(self) -> int | None:
        """World time of what comes next; it is now when something already waits to be fetched."""
        if self._out:
            return self.now
        return self._due[0][0] if self._due else None

    def after(self, ms: float, work: Callable[[], object]) -> None:
        """Do something that much later."""
        self._ties += 1
        heapq.heappush(self._due, (self.now + max(0, round(ms)), self._ties, work))

    def advance_to(self, t: int) -> list[Sent]:
        """Let time pass until `t` and give everything said meanwhile, in order."""
        due = self._due
        while due and due[0][0] <= t:
            self._next()
        self.now = max(self.now, t)
        out, self._out = self._out, []
        return out

    def walk_to(self, t: int) -> Iterator[Sent]:
        """`advance_to` one message at a time; time stands at each message while it is looked at."""
        while True:
            out, self._out = self._out, []
            yield from out
            if self._out:
                continue  # whoever looked made somebody speak
            if not self._due or self._due[0][0] > t:
                break
            self._next()
        self.now = max(self.now, t)

    def _next(self) -> None:
        at, _, what = heapq.heappop(self._due)
        self.now = max(self.now, at)
        if isinstance(what, Unit):
            self._beat(what)
        else:
            what()

    # -- life -------------------------------------------------------------------------------------------------

    def _open(self, spread_s: float) -> None:
        self.reopen()
        for unit in self.units.values():
            self.after(unit.chance() * spread_s * 1000, lambda unit=unit: self.join(unit))  # type: ignore[misc]  # lambda with a default

    def join(self, unit: Unit) -> None:
        """A device comes up: it says that it is there and how it is, and from then on speaks by its period."""
        for wire in self.dialect.status(unit.name, True):
            self.send(unit, wire, What.STATUS)
        self.report(unit, "")
        if not unit.beating:
            unit.beating = True
            self.after_unit(unit, unit.period_ms * unit.chance())

    def after_unit(self, unit: Unit, ms: float) -> None:
        """The device's next report by the clock."""
        self._ties += 1
        heapq.heappush(self._due, (self.now + max(1, round(ms)), self._ties, unit))

    def _beat(self, unit: Unit) -> None:
        if unit.dead:
            unit.beating = False
            return
        self.report(unit, "")
        # Quartz and duty cycles: each period comes out up to two per cent longer or shorter.
        self.after_unit(unit, unit.period_ms * (0.98 + 0.04 * unit.chance()))

    # -- speech -----------------------------------------------------------------------------------------------

    def say(self, unit: Unit, **more: Any) -> Saying:
        """What the device would say now, under its next id."""
        unit.sequence += 1
        ts = self.utc() + unit.skew_ms if unit.kind.clock or self.dialect.stamps else None
        return Saying(
            unit.hardware.name, f"{self._boot}-{unit.sequence}", ts, more.pop("fields", None) or unit.fields(self.now),
            **more,
        )  # fmt: skip

    def report(self, unit: Unit, verb: str, what: What | None = None) -> None:
        """Telemetry: all the device knows. Says itself whether it repeats an alarm."""
        if unit.dead:
            return
        if what is None:
            what = What.REPEAT if unit.active else What.REPORT
        if unit.active and not verb:
            verb = next(iter(unit.active.values()))
        self._speak(unit, self.say(unit), False, what, verb)

    def event(
        self, unit: Unit, what: What, verb: str, metric: str, active: bool = True, number: str = ""
    ) -> None:
        """Something happened to the device, and it says so at once."""
        if not unit.dead:
            self._speak(unit, self.say(unit, metric=metric, active=active, number=number), True, what, verb)

    def _speak(self, unit: Unit, saying: Saying, event: bool, what: What, verb: str) -> None:
        if unit.cut:
            # Without a clock a device cannot say when it was: of those, only what happened is worth sending later.
            if self.dialect.stores and (event or saying.ts is not None):
                unit.store(Stored(saying, event, what, verb))
            return
        if event:
            self.send_event(unit, saying, what, verb)
        else:
            for wire in self.dialect.report(saying):
                self.send(unit, wire, what, verb, saying)

    def send_event(self, unit: Unit, saying: Saying, what: What, verb: str) -> None:
        for wire in self.dialect.event(saying):
            self.send(unit, wire, what, verb, saying)
            what = What.REPORT

    def send(
        self,
        unit: Unit | None,
        wire: Wire,
        what: What,
        verb: str = "",
        saying: Saying | None = None,
        rows: tuple[tuple[int | None, Any], ...] = (),
        of: int | None = None,
    ) -> None:
        """Put a message on the wire and label it."""
        label = Label(
            self.truth.total, self.utc(), unit.hardware.name if unit is not None else "", what, verb, wire.topic,
            saying.sequence if saying is not None else None, _told(wire, saying),
            None if rows or what is What.GARBAGE else wire.readings, rows, of,
        )  # fmt: skip
        self.truth.add(label)
        self._out.append(Sent(label.at, wire.topic, wire.payload, wire.retained))
        if unit is not None and saying is not None:
            unit.last = (wire.topic, wire.payload, wire.retained, label)

    def again(self, wire: Wire, first: Label) -> None:
        """The same bytes once more."""
        label = msgspec.structs.replace(
            first, n=self.truth.total, at=self.utc(), what=What.DUPLICATE, verb="duplicate", of=first.n
        )
        self.truth.add(label)
        self._out.append(Sent(label.at, wire.topic, wire.payload, wire.retained))

    def reopen(self) -> None:
        """What stands between devices and broker introduces itself again."""
        for wire in self.dialect.opening():
            self.send(None, wire, What.BRIDGE)

    # -- what verbs are made of -------------------------------------------------------------------------------

    def unit(self, name: str) -> Unit:
        """The device of that name. Raises KeyError with the nearest name."""
        try:
            return self.units[name]
        except KeyError:
            raise KeyError(f"no device {name!r}{nearest(name, self.units)}") from None

    def begin_alarm(self, unit: Unit, metric: str, verb: str, number: str) -> None:
        """The alarm's first word, and from then on its repetitions."""
        if unit.dead:
            return
        if METRICS[metric].pulse:
            self.event(unit, What.ALARM, verb, metric)
            return
        fresh = not unit.active or metric not in unit.active
        unit.active = {**(unit.active or {}), metric: verb}
        unit.put(metric, True)
        self.event(unit, What.ALARM if fresh else What.REPEAT, verb, metric, True, number)
        if fresh and unit.period_ms > REPEAT_MS:
            self.after(REPEAT_MS, lambda: self._repeat(unit, metric))

    def _repeat(self, unit: Unit, metric: str) -> None:
        if unit.dead or not unit.active or metric not in unit.active:
            return
        self.report(unit, unit.active[metric], What.REPEAT)
        self.after(REPEAT_MS, lambda: self._repeat(unit, metric))

    def sever(self, names: Iterable[str], verb: str) -> None:
        """Devices are gone: when nothing was heard for one and a half keepalives, somebody says so for them."""
        lost = [self.units[name] for name in names]

        def wills() -> None:
            gone = [u for u in lost if u.dead or u.cut]
            mains = [u.name for u in gone if u.mains]
            for name, wire in self.dialect.severed([u.name for u in gone], mains):
                self.send(self.units.get(name), wire, What.WILL, verb)

        self.after(KEEPALIVE_MS * 3 / 2, wills)

    def deliver_stored(self, unit: Unit, verb: str) -> None:
        """What the device could not send comes now, the oldest first: reports in batches, what happened by itself."""
        stored, unit.stored = unit.stored or (), None
        batch: list[Saying] = []
        for one in stored:
            if not one.event:
                batch.append(one.saying)
            if batch and (one.event or len(batch) == BATCH_MAX):
                self.send_batch(unit, batch, verb)
                batch = []
            if one.event:
                self.send_event(unit, one.saying._replace(late=True), What.LATE, verb)
        if batch:
            self.send_batch(unit, batch, verb)

    def send_batch(self, unit: Unit, batch: Sequence[Saying], verb: str) -> None:
        """Reports of the past in one message."""
        rows = tuple((s.ts, self.dialect.kept(s.fields)) for s in batch)
        stands_for = batch[0]._replace(sequence=f"{batch[0].sequence}..{batch[-1].sequence}")
        self.send(unit, self.dialect.batch(unit.name, batch), What.LATE, verb, stands_for, rows)


def _told(wire: Wire, saying: Saying | None) -> int | None:
    """The time a decoder must find in a message."""
    if isinstance(wire.measured_at, EllipsisType):
        return saying.ts if saying is not None else None
    return wire.measured_at


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits or "0"
