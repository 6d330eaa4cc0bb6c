"""What the states of discovered sensors say, by device class, unit and name.

Sources: developers.home-assistant.io, "Binary sensor entity" (what on means for each device class), "Sensor entity".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from devices.codecs.ha_discovery.called import Called, Read, payload, text
from devices.names import SETTINGS
from devices.reading import METRICS, MetricClass
from devices.terms import SIBLINGS
from devices.units import scale
from devices.vocabulary import sense, words_of

# What "on" says of a binary sensor of each device class. Safety is an alarm of which nothing more is said.
_LEVELS: Final = {
    "battery": "battery_low",
    "carbon_monoxide": "co",
    "connectivity": "online",
    "door": "door_open",
    "garage_door": "door_open",
    "opening": "door_open",
    "window": "door_open",
    "gas": "gas",
    "heat": "heat",
    "moisture": "water_leak",
    "motion": "motion",
    "occupancy": "occupied",
    "power": "mains_power",
    "presence": "presence",
    "problem": "fault",
    "safety": "alarm_unspecified",
    "smoke": "smoke",
    "sound": "audio_detected",
    "tamper": "tamper",
    "vibration": "vibration",
}
_COMFORT: Final = frozenset(
    ("battery_charging", "cold", "light", "lock", "moving", "plug", "running", "update")
)
# A sensor's metric, and its unit where the config names none. Gas in m3 is a meter's volume.
_NUMBERS: Final = {
    "ammonia": ("nh3_ppm", ""),
    "atmospheric_pressure": ("pressure", "hPa"),
    "battery": ("battery", "%"),
    "carbon_dioxide": ("co2_ppm", "ppm"),
    "carbon_monoxide": ("co_ppm", "ppm"),
    "current": ("current", "A"),
    "distance": ("distance", ""),
    "energy": ("energy", "kWh"),
    "gas": ("gas_ppm", ""),
    "humidity": ("humidity", "%"),
    "illuminance": ("illuminance", "lx"),
    "nitrogen_dioxide": ("no2_ppm", ""),
    "pm25": ("pm2_5", ""),
    "power": ("power", "W"),
    "pressure": ("pressure", ""),
    "reactive_power": ("reactive_power", ""),
    "signal_strength": ("rssi", "dBm"),
    "temperature": ("temperature", "°C"),
    "voltage": ("voltage", "V"),
    "volume": ("volume", ""),
    "volume_flow_rate": ("flow", ""),
    "volume_storage": ("volume", ""),
    "water": ("volume", ""),
}
_CONTACT: Final = sense("contact")
_OWN: Final = frozenset(
    ("test", "fault", "muted", "tamper", "battery_low", "end_of_life", "prealarm", "self_test")
)


def binary_sensor(config: Mapping[str, Any], called: Called) -> Read:
    on, off = payload(config, "on", "ON"), payload(config, "off", "OFF")
    known = text(config.get("device_class"), 32)
    if known in _COMFORT:
        return None
    _, found = called.meaning(level=True)
    metric = _LEVELS.get(known, "")
    if found is not None and metric and found.term.level != metric:
        # The class is how it is shown, the name what it is: a smoke detector's test, what safety means.
        alarm = METRICS[metric].klass is MetricClass.ALARM
        own = found.term.level in _OWN or (
            known == "safety" and METRICS[found.term.level].klass is MetricClass.ALARM
        )
        if alarm and own:
            metric = found.term.level
    if metric:
        return "level", metric, called.channel(f"{metric} {known}"), "", on, off
    if found is None or (found.term.alarm_words_only and found.numbers):
        return None if _diagnostic(config) else ("unnamed", called.name or called.all[-1], "", "", "", "")
    metric = found.term.level
    if _CONTACT is not None and found.term is _CONTACT.term:
        metric = "contact_state"
    elif found.term.inverted:
        on, off = off, on
    return "level", metric, called.channel(metric, found), "", on, off


def sensor(config: Mapping[str, Any], called: Called) -> Read:
    known, unit = text(config.get("device_class"), 32), text(config.get("unit_of_measurement"), 16)
    subject, found = called.meaning()
    if known in _NUMBERS:
        limit = found is not None and found.term.number != "" and not found.numbers
        if limit or SETTINGS & {*words_of(called.name), *words_of(called.all[0])}:
            return None  # a statistic, a limit
        metric, usual = _NUMBERS[known]
        finer = found.term.number if found is not None else ""
        if finer and finer != metric and _same(finer, metric):
            metric = finer
        elif metric == "voltage" and unit == "mV":
            metric = "battery_voltage"  # mains are not counted in millivolts
        unit = unit or usual
        if not unit or not _measures(metric, unit):
            return None
        return "number", metric, called.channel(f"{metric} {known}", found), unit, "", ""
    if known and known != "enum":
        return None  # a class of which the house keeps nothing
    if found is None:
        return (
            None
            if _diagnostic(config) or known
            else ("unnamed", called.name or called.all[-1], "", "", "", "")
        )
    return "word", subject[:128], called.channel(subject, found), unit, "", ""


def _same(one: str, other: str) -> bool:
    a, b = METRICS[one].unit, METRICS[other].unit
    return a is not None and b is not None and scale(a, b) is not None


def _measures(metric: str, unit: str) -> bool:
    units = [METRICS[m].unit for m in (metric, *SIBLINGS.get(metric, ()))]
    return any(u is not None and scale(unit, u) is not None for u in units)


def _diagnostic(config: Mapping[str, Any]) -> bool:
    return config.get("entity_category") == "diagnostic"
