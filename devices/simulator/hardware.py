"""What fake hardware there is: the kinds, their instruments, how often they speak, and what they normally say."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from devices.reading import METRICS, MetricClass


class Gauge(NamedTuple):
    """One number an instrument shows, in the metric's canonical unit.

    `base` is the usual value; each single device stands up to `spread` beside it, swings by `swing` over a day and
    trembles by `noise`. What it can show ends at `low` and `high`; it shows `decimals` of them.
    """

    metric: str
    base: float
    spread: float = 0.0
    swing: float = 0.0
    noise: float = 0.0
    decimals: int = 1
    low: float = 0.0
    high: float = 1e6


class Onset(NamedTuple):
    """How an alarm comes about: which number climbs to which value within how many seconds (when nobody says)."""

    gauge: str
    set_point: float
    ramp_s: float


class Kind(NamedTuple):
    """One kind of device. `levels` are said true or false in every report; `clock` is whether it can tell the time."""

    name: str
    period_s: int
    mains: bool
    levels: tuple[str, ...]
    gauges: tuple[Gauge, ...]
    onsets: dict[str, Onset | None]  # what it can raise an alarm of
    clock: bool = True


_TEMPERATURE: Final = Gauge("temperature", 21.0, 4.0, 2.5, 0.3, 1, -40.0, 120.0)
_RSSI: Final = Gauge("rssi", -82.0, 14.0, 1.0, 2.0, 0, -120.0, -40.0)
_DAY_S: Final = 86_400

# Set points. Smoke: EN 14604 tests detectors to answer between 0.05 and 0.2 dB/m. Heat: EN 54-5 class A1, 54-65 degC.
# Gas: household detectors are set between 5 and 20 %LEL (GB 15322.2), mostly at 10. CO: in the order of 150-300 ppm.
# Hydrants: 0.14 MPa and more in normal use (GB 50974); city mains stand at about 0.3 MPa.
KINDS: Final[dict[str, Kind]] = {
    k.name: k
    for k in (
        Kind("smoke", _DAY_S, False, ("smoke",),
             (Gauge("smoke_obscuration", 0.005, 0.003, 0.001, 0.002, 3), _TEMPERATURE, _RSSI),
             {"smoke": Onset("smoke_obscuration", 0.15, 12)}),
        Kind("heat", _DAY_S, False, ("heat",), (_TEMPERATURE, _RSSI), {"heat": Onset("temperature", 58, 45)}),
        Kind("gas", 60, True, ("gas",), (Gauge("gas_lel", 0.3, 0.3, 0.1, 0.3, 1, 0, 100), _TEMPERATURE),
             {"gas": Onset("gas_lel", 11, 30)}),
        Kind("co", _DAY_S, False, ("co",), (Gauge("co_ppm", 2, 2, 1, 1, 0, 0, 2000), _TEMPERATURE),
             {"co": Onset("co_ppm", 200, 45)}),
        Kind("call_point", 3600, True, ("call_point",), (Gauge("supply_voltage", 24, 0.4, 0, 0.1, 1),),
             {"call_point": None}),
        Kind("sos", _DAY_S, False, (), (_RSSI,), {"sos": None}, clock=False),
        Kind("hydrant", 300, False, ("hydrant_open",),
             (Gauge("pressure", 300, 35, 12, 3, 1, 0, 1600), Gauge("flow", 0, 0, 0, 0, 0, 0, 4000),
              Gauge("temperature", 12, 2, 3, 0.2, 1, -40, 80), _RSSI),
             {"pressure_low": Onset("pressure", 60, 30)}),
        Kind("pressure", 300, True, (), (Gauge("pressure", 420, 40, 5, 4, 1, 0, 1600),),
             {"pressure_low": Onset("pressure", 40, 30)}),
        Kind("panel", 30, True, ("fire_detected", "panel_power_fault"),
             (Gauge("supply_voltage", 26.4, 0.5, 0, 0.1, 1), Gauge("loop_current", 180, 30, 0, 4, 0)),
             {"fire_detected": None}),
        Kind("water_level", 600, True, ("water_level_alarm",), (Gauge("water_level", 20, 15, 4, 2, 0, 0, 4000),),
             {"water_level_alarm": Onset("water_level", 320, 60)}),
        Kind("water_leak", _DAY_S, False, ("water_leak",), (_RSSI,), {"water_leak": None}, clock=False),
        Kind("camera", 60, True, ("camera_online",), (Gauge("vehicle_count", 0, 0, 0, 0, 0, 0, 99),),
             {"obstruction": None, "fire_detected": None}),
        Kind("access", 3600, True, ("door_open",), (), {"door_forced": None}),
        Kind("meter", 60, True, (),
             (Gauge("current", 9000, 6000, 5000, 400, 0, 0, 63_000), Gauge("voltage", 226, 3, 3, 1, 1, 0, 300),
              Gauge("leakage_current", 6, 4, 1, 1, 0, 0, 1000), Gauge("temperature", 27, 4, 4, 0.5, 1, -40, 200)),
             {"overcurrent": Onset("current", 34_000, 20)}),
        Kind("siren", 60, True, ("buzzer",), (), {}),
        Kind("valve", 60, True, ("valve_open",), (), {}),
    )
}  # fmt: skip

# The usual word at the end of a device's name, where it is not the kind itself.
_SUFFIXES: Final = {
    "callpoint": "call_point",
    "pipe": "pressure",
    "flood": "water_level",
    "leak": "water_leak",
}
# What is normally true; every other level is normally false.
NORMALLY_TRUE: Final = frozenset(("camera_online", "relay", "valve_open"))

_NATIVE: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Hardware(NamedTuple):
    """One device of a site: its native name, its kind, and what differs from the kind."""

    name: str
    kind: str
    period_s: float = 0  # 0: the kind's own
    mains: bool | None = None

    @property
    def place(self) -> str:
        """Its place by the naming scheme: the name without its last part."""
        return self.name.rpartition("-")[0]


def hardware(given: str | Sequence[object]) -> Hardware:
    """One device from its name alone, or from `(name, kind[, period_s[, mains]])`.

    Raises ValueError for a name MQTT or the contract does not allow, or when the kind cannot be told from the name.
    """
    unit = Hardware(given, kind_of(given)) if isinstance(given, str) else Hardware(*given)  # type: ignore[arg-type]  # checked below
    if unit.kind not in KINDS:
        raise ValueError(f"{unit.name}: no kind {unit.kind!r}; there are {', '.join(KINDS)}")
    if not _NATIVE.fullmatch(unit.name):
        raise ValueError(f"{unit.name!r}: a native name has 1 to 64 of A-Z a-z 0-9 . _ -")
    return unit


def kind_of(name: str) -> str:
    """The kind a device's name ends with, a number behind it aside (`yard-hydrant2`). Raises ValueError."""
    last = name.rpartition("-")[2].rstrip("0123456789")
    kind = _SUFFIXES.get(last, last)
    if kind not in KINDS:
        raise ValueError(f"{name}: the last part names no kind; there are {', '.join((*KINDS, *_SUFFIXES))}")
    return kind


def nearest(name: str, names: Iterable[str]) -> str:
    """A hint for somebody who mistyped a name."""
    close = difflib.get_close_matches(name, list(names), 1, 0.5)
    return f"; did you mean {close[0]}?" if close else ""


def is_alarm(metric: str) -> bool:
    """Whether a metric is of alarm class."""
    return METRICS[metric].klass is MetricClass.ALARM
