"""A simulated site: devices, verbs, truth, and real bytes by hand or over a real broker."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from typing import Any, Final, Protocol, Self

from devices.catalogue import Catalogue
from devices.reading import device_id
from devices.simulator.community import catalogue, community
from devices.simulator.dialects import Unspoken, kinds_of
from devices.simulator.hardware import Hardware, hardware, nearest
from devices.simulator.scenarios import SCENARIOS, Step
from devices.simulator.truth import Truth
from devices.simulator.verbs import Verbs
from devices.simulator.world import Sent, World

START_UTC_MS: Final = 1_795_276_800_000
"""2026-11-22 00:00 in Shanghai: when a site begins that was given neither a clock nor a broker."""

LIVE_TRUTH: Final = 10_000  # labels kept where nobody knows how long it will run

_FOR_EVER: Final = 1 << 62


class Clock(Protocol):
    """What a shared clock must tell."""

    def utc_ms(self) -> int: ...


class SimulatedSite(Verbs):
    """Fake hardware of one site, the same bytes for the same seed.

    `devices` is how many, or which: native names, or `(name, kind[, period_s[, mains]])`. `dialect` is one of
    `devices.simulator.dialects.DIALECTS`. `clock` tells when the site begins, and `catch_up()` follows it. `spread_s`
    is how long it takes until all devices have reported once (default 3 s, more for more than 1 500 devices). `truth`
    bounds how many labels are kept (default: all, or the newest 10 000 with a broker).

    Without a broker, messages come from `advance`, `messages` and iteration. With `broker`
    (`mqtt[s]://user:password@host:port`) the site publishes them itself, QoS 1: in `with`, what `advance` gives has
    also been sent and acknowledged when it returns; in `async with`, `run_live` lives in real time. Dialects that are
    posted or framed (`carrier`) take `http[s]://[:secret@]host[:port]/path` or `tcp://host:port` there, for `run_live`
    alone. Raises ValueError for what cannot be.
    """

    def __init__(
        self,
        seed: int = 1,
        *,
        site: str = "sim",
        dialect: str = "native",
        broker: str | None = None,
        clock: Clock | None = None,
        devices: int | Sequence[str | Sequence[object]] = 120,
        spread_s: float | None = None,
        truth: int | None = None,
    ) -> None:
        units = (
            community(devices, kinds_of(dialect))
            if isinstance(devices, int)
            else tuple(map(hardware, devices))
        )
        self.seed, self.name, self.broker = seed, site, broker
        self._clock = clock
        start = START_UTC_MS
        if clock is not None:
            start = clock.utc_ms()
        elif broker is not None:
            start = _utc_ms()
        spread = spread_s if spread_s is not None else max(3.0, len(units) / 500)
        keep = truth if truth is not None or broker is None else LIVE_TRUTH
        self.world = World(seed, site, units, dialect, start, spread, keep)
        self._line: Any = None

    # -- looking ----------------------------------------------------------------------------------------------

    @property
    def truth(self) -> Truth:
        """The label of every message sent."""
        return self.world.truth

    @property
    def devices(self) -> tuple[Hardware, ...]:
        """All devices, in order."""
        return tuple(u.hardware for u in self.world.units.values())

    def device_id(self, name: str, source: str = "sim") -> str:
        """The id under which a gateway that calls this source `source` will know the device."""
        return device_id(source, self.world.dialect.native(self.world.unit(name).name))

    def catalogue(self, source: str = "sim") -> Catalogue:
        """Places and devices of the site, for a gateway's plan."""
        native = self.world.dialect.native
        return catalogue(self.name, source, [(h, native(h.name)) for h in self.devices])

    def clock_ms(self) -> int | None:
        """What the shared clock says, or None without one."""
        return self._clock.utc_ms() if self._clock is not None else None

    # -- time -------------------------------------------------------------------------------------------------

    def advance(self, seconds: float) -> list[Sent]:
        """Let time pass and give everything sent meanwhile; with a broker in `with`, it has then been acknowledged.

        There the step begins at the real time and is over in a moment, so times in its messages run ahead by up to
        `seconds`; a gateway takes clocks more than five minutes ahead for wrong.
        """
        if self._line is not None:
            self.world.epoch_ms += (self.clock_ms() or _utc_ms()) - self.world.utc()
        sent = self.world.advance_to(self.world.now + round(seconds * 1000))
        if self._line is not None:
            self._line.publish(sent)
        return sent

    def catch_up(self) -> list[Sent]:
        """Everything until the shared clock's present. ValueError without a clock."""
        if self._clock is None:
            raise ValueError("the site has no clock to catch up with")
        return self.advance(max(0, self._clock.utc_ms() - self.world.utc()) / 1000)

    def messages(self, until_ms: int) -> Iterator[Sent]:
        """Messages one by one until that UTC; verbs may be called between them and take part."""
        return self.world.walk_to(until_ms - self.world.epoch_ms)

    def __iter__(self) -> Iterator[Sent]:
        """Messages without end."""
        return self.world.walk_to(_FOR_EVER)

    def play(self, scenario: str) -> None:
        """Let a story begin now; it goes on as time passes. ValueError for an unknown one or a missing device."""
        if scenario not in SCENARIOS:
            raise ValueError(
                f"no scenario {scenario!r}{nearest(scenario, SCENARIOS)} There are {', '.join(SCENARIOS)}"
            )
        self._follow(SCENARIOS[scenario](self), self.world.now)

    def do(self, verb: str, who: Any, **args: Any) -> None:
        """A verb by its name."""
        getattr(self, verb)(who, **args)

    def _follow(self, steps: Iterator[Step], since: int) -> None:
        step = next(steps, None)
        if step is None:
            return

        def act() -> None:
            with contextlib.suppress(Unspoken):  # it happens all the same; such hardware just does not tell
                self.do(step.verb, step.who, **step.args)
            self._follow(steps, since)

        self.world.after(since + step.at_s * 1000 - self.world.now, act)

    # -- a broker ---------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        if self.broker is not None:
            if self.world.dialect.carrier != "mqtt":
                raise ValueError("what no broker carries is sent by `run_live` alone, in `async with`")
            from devices.simulator.line_sync import SyncLine

            self._line = SyncLine(self.broker, self.world, self.name)
            self._line.open()
        return self

    def __exit__(self, *_: object) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing to let go of: `run_live` opens and closes its connections itself."""


def _utc_ms() -> int:
    return time.time_ns() // 1_000_000  # noqa: TID251  fake hardware has a clock of its own
