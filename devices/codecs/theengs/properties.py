"""The properties Theengs decodes of Bluetooth and LoRa devices, and those of sensors wired to a gateway."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from devices.reading import METRICS
from devices.units import scale
from devices.vocabulary import Meaning, number_in, quantity, sense, understand, words_of

KEYS_MAX: Final = 128
"""Properties of one message; the richest decoder has some twenty-five, the gateway's own state some forty."""

_PERSONAL: Final = frozenset(("BODY", "AUDIO", "SCALE", "RMAC"))
"""Types that tell of persons: heart rates, headphones, weights, phones."""

_TRACKER: Final = frozenset(("TRACK", "BCON"))
_MEASURED: Final = frozenset(("batt", "batt_low", "lowbatt", "button", "tempc", "tempf", "hum"))
_POWER: Final = frozenset(("ENRG", "PLUG"))
"""Types whose `volt` is the mains or a bus, not the cell that feeds the sensor."""

_NUMBERS: Final[Mapping[str, tuple[str, str]]] = {
    "tempc": ("temperature", "C"),
    "hum": ("humidity", "%"),
    "batt": ("battery", "%"),
    "lux": ("illuminance", "lx"),
    "co2": ("co2_ppm", "ppm"),
    "pm25": ("pm2_5", "ug/m3"),
    "lvl_cm": ("water_level", "cm"),
    "rot": ("angle", "deg"),
    "rssi": ("rssi", "dBm"),
    "pa": ("pressure", "Pa"),
}
_SECOND: Final[Mapping[str, tuple[str, str, str]]] = {
    "tempf": ("tempc", "temperature", "F"),
    "lvl_in": ("lvl_cm", "water_level", "in"),
}
"""The second of two units: read where the first is not there."""

_PROBE: Final = re.compile(r"temp([cf])(\d)")
_AXIS: Final = re.compile(r"acc([xyz])")
_BITS: Final[Mapping[str, str]] = {
    "open": "door_open",
    "motion": "motion",
    "presence": "presence",
    "batt_low": "battery_low",
    "lowbatt": "battery_low",
    "flag_tilt": "tilt",
}
_SUBJECTS: Final[Mapping[str, str]] = {
    "smoke": "smoke", "fire": "fire_detected", "leak": "water_leak", "flood": "water_leak", "gas": "gas", "co": "co",
}  # fmt: skip
"""What an `alarm` is of, by the words of the model's name. Of another name it is a flag: a tyre has one as well."""

_BUTTON: Final = re.compile(r"button(\d?)")

# What says who sent, how, and how it was decoded; `distance` is guessed from the loudness, `weight`, `moi`, `fer` and
# their like measure nothing an estate looks after.
_SKIPPED_WORDS: Final = """
    id name mac mac_type adv_type brand model model_id type cidc acts cont track prmac encr cipher ctr mic packet
    packet_1 packet_2 uuid major minor txpower mfid servicedata servicedatauuid manufacturerdata device version serial
    color status mode unit distance state sync quality wake shake uptime UTCtime unixtime ctrl direction calibrated
    lightlevel position snr pferror packetSize message from to hostname modeltype extprobe displayunit receivers
    moi fer weight current_in current_out avg avgu sum sumu
"""
_SKIPPED: Final = frozenset(_SKIPPED_WORDS.split())


def decoded(fields: Mapping[str, Any]) -> list[Meaning]:
    """What a Bluetooth or LoRa device says. A message of nothing but how loud it was says nothing."""
    kind = fields.get("type")
    kind = kind if isinstance(kind, str) else ""
    if kind in _PERSONAL or "cipher" in fields:
        return []
    given = _few(fields)
    if kind in _TRACKER:
        given = {k: v for k, v in given.items() if k in _MEASURED}
    said = [meant for key, value in given.items() for meant in _property(kind, key, value, fields)]
    said += _meter(given)
    return said if any(m.metric != "rssi" for m in said) else []


def _few(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    return fields if len(fields) <= KEYS_MAX else dict(list(fields.items())[:KEYS_MAX])


def _property(kind: str, key: str, value: Any, fields: Mapping[str, Any]) -> Iterator[Meaning]:
    if key in _NUMBERS:
        yield from _number(*_NUMBERS[key], value)
    elif key in _SECOND:
        first, metric, unit = _SECOND[key]
        if first not in fields:
            yield from _number(metric, unit, value)
    elif key in _BITS:
        if kind != "WCVR":  # a blind: `open` is how far, `motion` its own
            yield from _bit(_BITS[key], value)
    elif key == "alarm":
        yield from _bit(_subject(fields.get("model")), value)
    elif key == "pres":
        yield from _pressure(kind, value)
    elif key == "volt":
        yield from _number("voltage" if kind in _POWER else "battery_voltage", "V", value)
    elif key in _ELECTRICAL:
        if kind in _POWER:
            yield from _number(*_ELECTRICAL[key], value)
    elif key not in _SKIPPED:
        yield from _other(key, value, fields)


_ELECTRICAL: Final = {"power": ("power", "W"), "energy": ("energy", "kWh"), "current": ("current", "A")}


def _other(key: str, value: Any, fields: Mapping[str, Any]) -> Iterator[Meaning]:
    """Numbered probes, axes and buttons, and whatever the common vocabulary knows (`leak`, `smoke`, `tamper`)."""
    if (probe := _PROBE.fullmatch(key)) is not None:
        if probe[1] == "c" or f"tempc{probe[2]}" not in fields:
            yield from _number("temperature", probe[1].upper(), value, probe[2])
    elif (axis := _AXIS.fullmatch(key)) is not None:
        yield from _number("acceleration", "m/s2", value, axis[1])
    elif (button := _BUTTON.fullmatch(key)) is not None:
        if type(value) is int and 0 < value < 256:  # 0: not pressed
            yield Meaning("button", button[1], value)
    elif (meant := sense(key)) is not None:
        yield from understand(meant, value)


def _subject(model: Any) -> str:
    words = set(words_of(model[:64])) if isinstance(model, str) else set()
    return next((_SUBJECTS[w] for w in _SUBJECTS if w in words), "alarm_flag")


def _meter(fields: Mapping[str, Any]) -> Iterator[Meaning]:
    """A meter that names its units beside: `sum` and `sumu`, `avg` and `avgu`."""
    unit, rate = fields.get("sumu"), fields.get("avgu")
    if isinstance(unit, str) and unit:
        metric = "energy" if scale(unit, "kWh") is not None else "volume"
        yield from _number(metric, unit, fields.get("sum")) if scale(unit, METRICS[metric].unit or "") else ()
    if isinstance(rate, str) and scale(rate, "W") is not None:
        yield from _number("power", rate, fields.get("avg"))


def _pressure(kind: str, value: Any) -> Iterator[Meaning]:
    if type(value) is bool or (kind == "CTMO" and value in (0, 1)):
        yield Meaning("presence", "", bool(value))
    else:
        yield from _number("pressure", "bar" if kind == "TIRE" else "hPa", value)


def _number(metric: str, unit: str, value: Any, channel: str = "") -> Iterator[Meaning]:
    if isinstance(value, str):  # gateways before 2021 wrote numbers as text
        value = number_in(value)
    if type(value) is int or type(value) is float:
        yield quantity(metric, channel, value, unit)


def _bit(metric: str, value: Any) -> Iterator[Meaning]:
    if type(value) is bool or (type(value) is int and value in (0, 1)):
        yield Meaning(metric, "", bool(value))
    elif value in ("true", "false"):
        yield Meaning(metric, "", value == "true")


def wired(module: str, fields: Mapping[str, Any]) -> list[Meaning]:
    """What a gateway says of itself and of what is wired to it."""
    given = _few(fields)
    if module == "SYS":
        said = [Meaning("heartbeat", "", True), *_number("rssi", "dBm", given.get("rssi"))]
        return [*said, *_number("device_temperature", "C", given.get("tempc"))]
    if module == "GPIOInput":
        level = given.get("gpio")
        return [Meaning("digital_input", "", level == "HIGH")] if level in ("HIGH", "LOW") else []
    if module == "ONOFF":
        return list(_bit("relay", given.get("cmd")))
    if module == "HCSR04":
        return list(_number("distance", "cm", given.get("distance")))
    if "detected" in given and "C37" in module:  # the water probes C-37, YL-83 and HM-RD
        return list(_bit("water_leak", given["detected"]))
    if (
        module == "GAS"
    ):  # an MQ-2: the comparator on the board says yes or no, `gas` is the bare reading of a pin
        return list(_bit("gas", given.get("detected")))
    kind = "ENRG" if module in {"RN8209", "INA226"} else ""
    said = [meant for key, value in given.items() for meant in _property(kind, key, value, fields)]
    if "temp" in given and given.get("unit") in ("C", "F"):
        said = [m for m in said if m.metric != "temperature"]
        said += _number("temperature", str(given["unit"]), given["temp"])
    return said
