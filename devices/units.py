"""Unit names as vendors write them, and the conversion into each metric's one canonical unit."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

# name: (dimension, factor to the dimension's first unit, offset added after scaling). Factors are exact by definition
# (SI brochure; psi, inch, foot, gallon by the international pound, inch and US gallon), month = 365.2425 / 12 days.
_TABLE: Final[tuple[tuple[str, tuple[tuple[str, float, float], ...]], ...]] = (
    ("ratio", (("%", 1, 0), ("pct", 1, 0), ("percent", 1, 0), ("percentage", 1, 0), ("%rh", 1, 0), ("rh", 1, 0),
               ("fraction", 100, 0), ("‰", 0.1, 0))),
    ("voltage", (("V", 1, 0), ("volt", 1, 0), ("volts", 1, 0), ("mV", 0.001, 0), ("kV", 1000, 0))),
    ("current", (("mA", 1, 0), ("A", 1000, 0), ("amp", 1000, 0), ("amps", 1000, 0), ("µA", 0.001, 0),
                 ("uA", 0.001, 0))),
    ("temperature", (("degC", 1, 0), ("°C", 1, 0), ("ºC", 1, 0), ("℃", 1, 0), ("C", 1, 0), ("celsius", 1, 0),
                     ("degF", 5 / 9, -160 / 9), ("°F", 5 / 9, -160 / 9), ("ºF", 5 / 9, -160 / 9),
                     ("℉", 5 / 9, -160 / 9), ("F", 5 / 9, -160 / 9), ("fahrenheit", 5 / 9, -160 / 9),
                     ("K", 1, -273.15), ("kelvin", 1, -273.15))),
    ("pressure", (("kPa", 1, 0), ("Pa", 0.001, 0), ("hPa", 0.1, 0), ("mbar", 0.1, 0), ("bar", 100, 0),
                  ("MPa", 1000, 0), ("psi", 6.894757293168361, 0), ("mmHg", 0.133322387415, 0),
                  ("inHg", 3.386388640341, 0), ("atm", 101.325, 0), ("mH2O", 9.80665, 0), ("kgf/cm2", 98.0665, 0),
                  ("kgf/cm²", 98.0665, 0))),
    # A lower explosive limit is a percentage of that limit; vendors write the unit in these ways and mean one thing.
    ("explosive", (("%LEL", 1, 0), ("LEL", 1, 0), ("LEL %", 1, 0), ("% LEL", 1, 0), ("LEL%", 1, 0))),
    ("concentration", (("ppm", 1, 0), ("ppb", 0.001, 0))),
    ("dust", (("ug/m3", 1, 0), ("µg/m³", 1, 0), ("μg/m³", 1, 0), ("ug/m³", 1, 0), ("mg/m3", 1000, 0),
              ("mg/m³", 1000, 0))),
    ("length", (("mm", 1, 0), ("cm", 10, 0), ("m", 1000, 0), ("meters", 1000, 0), ("metres", 1000, 0),
                ("in", 25.4, 0), ("inch", 25.4, 0), ("ft", 304.8, 0))),
    ("energy", (("kWh", 1, 0), ("Wh", 0.001, 0), ("MWh", 1000, 0))),
    ("power", (("W", 1, 0), ("watt", 1, 0), ("kW", 1000, 0), ("mW", 0.001, 0))),
    ("reactive", (("VAR", 1, 0), ("kVAR", 1000, 0))),
    ("flow", (("L/min", 1, 0), ("L/s", 60, 0), ("L/h", 1 / 60, 0), ("m3/h", 1000 / 60, 0), ("m³/h", 1000 / 60, 0),
              ("gal/min", 3.785411784, 0), ("gpm", 3.785411784, 0),
              ("lpm", 1, 0), ("lps", 60, 0))),
    ("volume", (("m3", 1, 0), ("m³", 1, 0), ("L", 0.001, 0), ("liter", 0.001, 0), ("litre", 0.001, 0),
                ("gal", 0.003785411784, 0))),
    ("light", (("lx", 1, 0), ("lux", 1, 0))),
    ("acceleration", (("m/s2", 1, 0), ("m/s²", 1, 0), ("g", 9.80665, 0), ("mg", 0.00980665, 0))),
    ("angle", (("deg", 1, 0), ("°", 1, 0), ("degrees", 1, 0))),
    ("level", (("dBm", 1, 0),)), ("ratio_db", (("dB", 1, 0),)), ("loudness", (("dBFS", 1, 0),)),
    ("obscuration", (("dB/m", 1, 0),)),
    ("life", (("month", 1, 0), ("months", 1, 0), ("s", 1 / 2629746, 0), ("sec", 1 / 2629746, 0),
              ("h", 3600 / 2629746, 0), ("day", 86400 / 2629746, 0), ("days", 86400 / 2629746, 0), ("year", 12, 0))),
)  # fmt: skip

_UNITS: Final = {name: (dim, factor, offset) for dim, rows in _TABLE for name, factor, offset in rows}
# Case decides only where both spellings exist (mW and MW would); a lone "kpa" or "LUX" is not ambiguous.
_FOLDED: Final = {name.casefold(): unit for name, unit in reversed(_UNITS.items())}

_SYMBOLS: Final = {"degC": "°C", "deg": "°", "ug/m3": "µg/m³", "m3": "m³"}


@lru_cache(maxsize=1024)
def _find(unit: str) -> tuple[str, float, float] | None:
    name = unit.strip()
    return _UNITS.get(name) or _FOLDED.get(name.casefold())


@lru_cache(maxsize=4096)
def scale(unit: str, canonical: str) -> tuple[float, float] | None:
    """`(factor, offset)` with `canonical value = value * factor + offset`; None if the two do not measure the same."""
    if unit == canonical:
        return 1.0, 0.0
    given, wanted = _find(unit), _find(canonical)
    if given is None or wanted is None or given[0] != wanted[0]:
        return None
    return given[1] / wanted[1], (given[2] - wanted[2]) / wanted[1]


def known(unit: str) -> bool:
    """Whether the unit is in the table at all."""
    return _find(unit) is not None


def convert(value: float, unit: str, canonical: str) -> float | None:
    """`value` in the canonical unit, or None if `unit` is unknown or measures something else.

    An equal unit gives the very same number back. A converted one is rounded to 12 significant digits, so that 2.6 A
    is 2600 mA and not 2600.0000000000005.
    """
    scaled = scale(unit, canonical)
    if scaled is None:
        return None
    factor, offset = scaled
    if factor == 1.0 and offset == 0.0:
        return value
    return float(f"{value * factor + offset:.12g}")


def symbol(unit: str | None) -> str | None:
    """How people write a canonical unit: `degC` is °C."""
    return _SYMBOLS.get(unit, unit) if unit else unit
