"""What the fields of rtl_433's decoders mean: numbers with their unit, bits, and the words security sensors send."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

import msgspec

from devices.reading import METRICS, Flag, MetricClass
from devices.vocabulary import Meaning, Sense, quantity, sense, short, understand, words_of
from devices.words import switch

_INVALID: Final = int(Flag.INVALID)

# Words in a model's name that say what its alarm is about. A name is all a decoder tells of a device's kind.
_SUBJECTS: Final[Mapping[str, str]] = {
    "smoke": "smoke", "fire": "fire_detected", "leak": "water_leak", "leakage": "water_leak",
    "waterleak": "water_leak", "flood": "water_leak", "water": "water_leak", "heat": "heat", "co": "co",
    "sos": "sos", "panic": "sos", "emergency": "sos", "glass": "intrusion", "glassbreak": "intrusion",
    "wh55": "water_leak",  # Ecowitt's leak sensor, whose name is a number
}  # fmt: skip
_SENT_BY_IT: Final = frozenset(
    ("smoke", "fire", "leak", "leakage", "waterleak", "flood", "sos", "panic", "emergency")
)
"""Those that, alone in a message, are the reason for sending it."""

_MOTION: Final = frozenset(("motion", "pir"))
_REMOTES: Final = frozenset(("remote", "keyfob", "fob", "button", "bell", "doorbell"))

# What says who sent and how well it was heard, in every message and in those of user-made decoders (`-X`).
_META_WORDS: Final = """
    time model type subtype id channel unit mic mod freq freq1 freq2 rssi snr noise protocol duration code codes count
    num_rows rows len data raw raw_msg raw_message tristate learn sequence sequence_num seq rolling tag repeat house_id
"""
_META: Final = frozenset(_META_WORDS.split())
_SECRET: Final = re.compile(r"\bpin\b", re.IGNORECASE)


class Device(msgspec.Struct, frozen=True):
    """What a device's name says of it: its words, and the alarm metric they stand for, empty for none."""

    words: frozenset[str]
    subject: str
    tyre: bool


@lru_cache(maxsize=1024)
def device_of(model: str, subtype: str, kind: str) -> Device:
    """The device of a model, a subtype and a type as rtl_433 writes them."""
    words = {*words_of(model), *words_of(subtype)}
    if {"water", "leak"} <= words:
        words.add("waterleak")
    subject = next((_SUBJECTS[w] for w in _SUBJECTS if w in words), "")
    return Device(frozenset(words), subject, kind == "TPMS")


def said(device: Device, fields: Mapping[str, Any], *, whole: bool) -> Iterator[Meaning]:
    """Everything a transmission says, or one value of it (`whole` false). A device being paired says nothing yet."""
    if device.tyre or ("learn" in fields and _yes(fields["learn"])):
        return
    for key, value in fields.items():
        read = _FIELDS.get(key)
        if read is not None:
            yield from read(device, value)
        elif key not in _META and len(key) <= 64:
            yield from _field(key, value)
    if fields.keys() <= _META and (whole or "learn" in fields):
        # Nothing but its sender: sent because of what the sender is there for.
        if device.subject and device.words & _SENT_BY_IT:
            yield Meaning(device.subject, "", True)
        elif device.words & _MOTION:
            yield Meaning("motion", "", True)


def _yes(value: Any) -> bool:
    return value is True or (type(value) is int and value > 0)


# -- fields of any device ---------------------------------------------------------------------------------------

_UNITS: Final = {
    "C": "C", "F": "F", "hPa": "hPa", "kPa": "kPa", "psi": "psi", "PSI": "psi", "bar": "bar", "inHg": "inHg",
    "V": "V", "mV": "mV", "A": "A", "mA": "mA", "W": "W", "kW": "kW", "kWh": "kWh", "Wh": "Wh", "lux": "lx",
    "ppm": "ppm", "ppb": "ppb", "ug_m3": "ug/m3", "cm": "cm", "mm": "mm", "m": "m", "in": "in", "ft": "ft",
    "m3": "m3", "gal": "gal", "L": "L", "l": "L", "pct": "%", "dBm": "dBm",
}  # fmt: skip
_UNIT: Final = re.compile(rf"(.+?)_({'|'.join(sorted(_UNITS, key=len, reverse=True))})")
_BASES: Final = {
    "depth": "water_level", "level": "water_level", "light": "illuminance", "lux": "illuminance", "pm2_5": "pm2_5",
    "estimated_pm2_5": "pm2_5", "power": "power", "voltage": "voltage", "consumption": "volume",
    "volume": "volume", "flow": "flow",
}  # fmt: skip
_WEATHER: Final = re.compile(
    r"(setpoint|dew|wind|gust|rain|storm|strike|uv|soil|moisture|target|min|max|avg)(_|$)"
)


@lru_cache(maxsize=2048)
def _meaning(key: str) -> tuple[str, str, Sense | None]:
    """Metric, unit and sense of a field: a metric for a number of this table, a sense for the vocabulary's."""
    found = _UNIT.fullmatch(key)
    base, unit = (found[1], _UNITS[found[2]]) if found else (key, "")
    if _WEATHER.match(base):
        return "", "", None
    if base in _BASES and (unit or base == "lux"):
        return _BASES[base], unit, None
    return "", unit, sense(base)


def _field(key: str, value: Any) -> Iterator[Meaning]:
    metric, unit, meant = _meaning(key)
    if metric:
        if type(value) is int or type(value) is float:
            yield quantity(metric, "", value, unit)
    elif meant is not None and (not unit or type(value) is int or type(value) is float):
        yield from understand(meant, value, unit)


def _bit(
    metric: str, *, inverted: bool = False, channel: str = ""
) -> Callable[[Device, Any], Iterator[Meaning]]:
    """A field that is 1 or 0; a greater number is a yes (`physical_tamper` counts up)."""

    def read(device: Device, value: Any) -> Iterator[Meaning]:
        if type(value) is str and (switched := switch(value)) is not None:
            value = switched  # older decoders write "Yes" and "No"
        if type(value) is int or type(value) is float or type(value) is bool:
            yield Meaning(metric, channel, (value > 0) ^ inverted if value >= 0 else None)
        elif value is None:
            yield Meaning(metric, channel, None)
        elif METRICS[metric].klass is MetricClass.ALARM:
            yield Meaning(metric, channel, None, _INVALID)

    return read


def _battery(device: Device, value: Any) -> Iterator[Meaning]:
    """1 is fine and 0 is low; a fraction, or a number written as one (`1.000`), is a level of 0 to 1."""
    if type(value) is float and 0 <= value <= 1:
        yield quantity("battery", "", round(value * 100, 3))
    if (type(value) is int or type(value) is float) and value in (0, 1):
        yield Meaning("battery_low", "", value == 0)


def _alarm(device: Device, value: Any) -> Iterator[Meaning]:
    """An alarm of what the device's name says; of a name that says nothing it is a flag, no alarm."""
    yield from _bit(device.subject or "alarm_flag")(device, value)


def _count(device: Device, value: Any) -> Iterator[Meaning]:
    if type(value) is int or type(value) is float:
        yield quantity("volume_index", "", value)  # a meter's own count: its unit stands on the meter


def _nothing(device: Device, value: Any) -> Iterator[Meaning]:
    return iter(())


def _switch(number: str) -> Callable[[Device, Any], Iterator[Meaning]]:
    def read(device: Device, value: Any) -> Iterator[Meaning]:
        if value in ("OPEN", "CLOSED"):
            yield Meaning("digital_input", number, value == "OPEN")

    return read


def _button(device: Device, value: Any) -> Iterator[Meaning]:
    if isinstance(value, str) and value:
        yield Meaning("button", "", short(value))
    elif type(value) is int and 0 < value < 1 << 32:
        yield Meaning("button", "", value)


# -- words ----------------------------------------------------------------------------------------------------------

_WORDS: Final[tuple[tuple[re.Pattern[str], tuple[tuple[str, Any], ...]], ...]] = tuple(
    (re.compile(pattern, re.IGNORECASE), said_)
    for pattern, said_ in (
        (r"\btest", (("test", True),)),
        (r"\bmuted?\b|silence", (("muted", True),)),
        (r"pairing|binding|learn|unknown|^\?*$", ()),
        (r"(panic|sos|emergency).*\b(off|clear\w*|end\w*|cancel\w*)\b", (("sos", False),)),
        (r"\bpanic|\bsos\b|emergency", (("sos", True),)),
        (
            r"post.?leak|(water|leak|flood).*\b(off|clear\w*|end\w*|gone|normal|ok)\b|\bno.?(leak|water|flood)|\bdry\b",
            (("water_leak", False),),
        ),
        (r"smoke.*\b(off|clear\w*|end\w*|normal|ok)\b|no.?smoke", (("smoke", False),)),
        (r"fire.*\b(off|clear\w*|end\w*|normal|ok)\b|no.?fire", (("fire_detected", False),)),
        (r"water|leak|flood", (("water_leak", True),)),
        (r"smoke", (("smoke", True),)),
        (r"\bfire\b", (("fire_detected", True),)),
        (r"low.?batt|batt\w* low|^battery$", (("battery_low", True),)),
        (r"battery (report|ok)|battery level", ()),
        (r"tamper", (("tamper", True),)),
        (r"heartbeat|supervis", (("heartbeat", True),)),
        (r"24 ?h zone", (("alarm_unspecified", True),)),
        (r"alarm off", (("alarm_flag", False),)),
        (r"\bclosed?\b", (("door_open", False),)),
        (r"\bopen(ed)?\b", (("door_open", True),)),
        (r"motion ready|no motion", (("motion", False),)),
        (r"\bmotion|\bpir\b|tripped", (("motion", True),)),
        (r"\balarm\b|\bzone\b", (("alarm_flag", True),)),
        (r"press|\bbutton|\barm\b|disarm|home mode|lights|\bon\b|\boff\b", (("button", None),)),
    )
)


@lru_cache(maxsize=1024)
def _spoken(text: str) -> tuple[Meaning, ...]:
    if _SECRET.search(text):
        return ()
    words = text.replace("_", " ")
    for pattern, found in _WORDS:
        if pattern.search(words):
            return tuple(Meaning(m, "", short(text) if v is None else v) for m, v in found)
    return ()


def _text(device: Device, value: Any) -> Iterator[Meaning]:
    """What an event, a state or a remark says. A number in their place is the maker's code."""
    if isinstance(value, str) and len(value) <= 64:
        for meant in _spoken(value):
            # "Alarm" and no more: of what the name says, if it says.
            flag = meant.metric == "alarm_flag" and device.subject
            yield Meaning(device.subject, "", meant.value) if flag else meant


def _command(device: Device, value: Any) -> Iterator[Meaning]:
    """A remote control's key, or a sensor's word. A sensor's number says again what its other fields say."""
    if isinstance(value, str):
        yield from _text(device, value)
    elif device.words & _REMOTES:
        yield from _button(device, value)


def _motion(device: Device, value: Any) -> Iterator[Meaning]:
    yield from _bit("motion")(device, value) if not isinstance(value, str) else _text(device, value)


_FIELDS: Final[Mapping[str, Callable[[Device, Any], Iterator[Meaning]]]] = {
    "battery_ok": _battery,
    "battery_low": _bit("battery_low"),
    "alarm": _alarm,
    "leakage": _bit("water_leak"),
    "leaknow": _bit("water_leak"),
    "leak": _nothing,  # days with a leak in the last 35, of a water meter
    "detect_wet": _bit("water_leak"),
    "leak_num": _nothing,
    "water": _bit("water_leak"),
    "backflow": _bit("backflow"),
    "smoke": _bit("smoke"),
    "co": _bit("co"),
    "panic": _bit("sos"),
    "test": _bit("test"),
    "tamper": _bit("tamper"),
    "physical_tamper": _bit("tamper"),
    "encoder_tamper": _bit("tamper", channel="encoder"),
    "motion": _motion,
    "opened": _bit("door_open"),
    "open": _bit("door_open"),  # -1: neither switch closed
    "relay": _nothing,  # said again by a repeater
    "contact_open": _bit("door_open"),
    "reed_open": _bit("contact_state", channel="reed"),
    "closed": _bit("door_open", inverted=True),
    "heartbeat": _bit("heartbeat"),
    "consumption": _count,
    "consumption_data": _count,
    **{f"switch{n}": _switch(str(n)) for n in range(1, 6)},
    "button": _button,
    "cmd": _command,
    "command": _command,
    **dict.fromkeys(("event", "state", "remarks", "extradata", "text", "message"), _text),
    # Codes, flags of the protocol, and states whose meaning differs from maker to maker.
    **dict.fromkeys((
        "status", "status_hex", "stype", "xactivity", "esn", "supervised", "restore", "repeater", "spidernet", "else",
        "exception", "counter", "ctr", "sensitivity", "raw_value", "startup", "cmd_id", "msg_type",
        "state_code", "power",
    ), _nothing),
}  # fmt: skip
