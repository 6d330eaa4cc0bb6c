"""What the states of ESPHome's components mean: one function a component, `(object, what, text) -> statements`.

`what` is the topic after the object: `state`, `position/state`. Each raises Unreadable for what it does not understand.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from devices.names import meaning_of
from devices.vocabulary import (
    Dialect,
    Meaning,
    Sense,
    clean_channel,
    number_in,
    sense,
    short,
    understand,
)


class Unreadable(Exception):
    """A state that is not understood; its text is the reason, `code: words`."""


SILENT: Final = frozenset(
    ("light", "fan", "number", "select", "text", "date", "time", "datetime", "update", "humidifier")
)
"""Components whose states are settings or comfort."""

# What the components publish where it is not the canonical unit (esphome.io, the sensors' pages).
_DIALECT: Final = Dialect(units={"pressure": "hPa", "current": "A", "distance": "m", "energy": "kWh"})
# Units that only the node's configuration knows.
_UNSAID: Final = frozenset(
    ("flow", "volume", "water_level", "water_level_percent", "water_level_depth", "pressure")
)
_AIR: Final = (300.0, 1100.0)  # hPa; nothing in a pipe reads so in kPa, bar or MPa
_GENERIC: Final = frozenset(
    ("relay", "switch", "power", "outlet", "plug", "valve", "gas_valve", "water_valve", "button", "event")
)
_CONTACT: Final = sense("contact")
_ACTION: Final = sense("action")
_RELEASED: Final = frozenset(("release", "released", "off", "idle", ""))
_INDEX: Final = re.compile(r"(.*?)_?(\d{1,3})")
_json: Final = msgspec.json.Decoder()


def _channel(name: str) -> str:
    """The object as a channel: none for the usual name of the only one, the number for one of several."""
    index = _INDEX.fullmatch(name)
    if name in _GENERIC or (index and index[1] in _GENERIC and int(index[2]) <= 1):
        return ""
    return index[2] if index and index[1] in _GENERIC else clean_channel(name)


def _state(what: str) -> None:
    if what != "state":
        raise Unreadable("unknown-topic: ESPHome publishes nothing of this component under that name")


def _nameless(name: str) -> Unreadable:
    return Unreadable(f"unknown-topic: {short(name)[:60]} does not say what it measures")


def _binary_sensor(name: str, what: str, text: str) -> list[Meaning]:
    _state(what)
    level = {"ON": True, "OFF": False}.get(text)
    meant = meaning_of(name)
    if meant is None and level is not None and name.endswith("status"):
        return [Meaning("online", "", level)]  # the `status` platform: connected
    if meant is None or not meant.levels or not meant.term.level:
        raise _nameless(name)
    if meant.term.alarm_words_only and meant.numbers:
        raise _nameless(name)  # "heat" alone may be a boiler's demand
    if level is None:
        return understand(Sense(meant.term, meant.channel, "", True, False), text)
    if _CONTACT is not None and meant.term is _CONTACT.term:
        return [Meaning("contact_state", meant.channel, level)]
    return understand(meant, level)


def _sensor(name: str, what: str, text: str) -> list[Meaning]:
    """Numbers, `nan`, and the words of text sensors, whose component is called sensor too."""
    _state(what)
    meant = meaning_of(name)
    if meant is None:
        raise _nameless(name)
    number = number_in(text)
    if number is None and text.casefold() != "nan":
        if not (meant.levels and meant.term.level) and not meant.term.text:
            raise _nameless(name)
        return understand(Sense(meant.term, meant.channel, "", meant.levels, False), text)
    if meant.coded and meant.term.level and number is not None:
        return understand(meant, number)
    metric = meant.term.number
    if not metric or not meant.numbers:
        raise _nameless(name)
    if number is None:
        return [Meaning(metric, meant.channel, None)]
    if metric in _UNSAID and not meant.unit and not (metric == "pressure" and _AIR[0] <= number <= _AIR[1]):
        raise Unreadable(f"unknown-topic: {short(name)[:60]} has no unit; only discovery tells it")
    return understand(Sense(meant.term, meant.channel, meant.unit, False), number, "", _DIALECT)


_BESIDE: Final = frozenset(("muted", "self_test"))


def _switch(name: str, what: str, text: str) -> list[Meaning]:
    _state(what)
    if text not in {"ON", "OFF"}:
        raise Unreadable("unknown-topic: a switch is ON or OFF")
    meant = meaning_of(name)
    if meant is not None and meant.term.level == "buzzer":
        return [Meaning("buzzer", meant.channel, text == "ON")]
    if meant is not None and meant.term.level in _BESIDE:  # a command by that name is obeyed when it is on
        return [
            Meaning(meant.term.level, meant.channel, text == "ON"),
            Meaning("switch_state", _channel(name), text),
        ]
    return [Meaning("switch_state", _channel(name), text)]


def _valve(name: str, what: str, text: str) -> list[Meaning]:
    """A valve that opens lets through already; one that closes is not closed yet and says so when it is."""
    if what == "position/state" or text == "closing":
        return []
    _state(what)
    levels: Mapping[str, bool | None] = {"open": True, "opening": True, "closed": False, "unknown": None}
    if text not in levels:
        raise Unreadable("unknown-topic: a valve is open, closed, opening or closing")
    return [Meaning("valve_open", _channel(name), levels[text])]


def _lock(name: str, what: str, text: str) -> list[Meaning]:
    _state(what)
    if text not in {"LOCKED", "UNLOCKED", "JAMMED", "LOCKING", "UNLOCKING", "NONE"}:
        raise Unreadable("unknown-topic: no state of a lock")
    return [Meaning("fault", clean_channel(name), text == "JAMMED")]


def _cover(name: str, what: str, text: str) -> list[Meaning]:
    """A door or gate with a motor; shutters and blinds are comfort."""
    meant = meaning_of(name)
    door = meant is not None and meant.term.level == "door_open"
    if what != "state" or meant is None or not door or text not in {"open", "closed"}:
        return []
    return [Meaning("door_open", meant.channel, text == "open")]


def _event(name: str, what: str, text: str) -> list[Meaning]:
    _state(what)
    try:
        fields: Any = _json.decode(text.encode())
    except (msgspec.DecodeError, RecursionError):
        fields = None
    kind = fields.get("event_type") if isinstance(fields, dict) else None
    if type(kind) is not str or _ACTION is None:
        raise Unreadable("unknown-topic: an event is an object with an event_type")
    meant = meaning_of(name)
    if meant is not None and meant.term.level == "sos":
        return [] if kind in _RELEASED else [Meaning("sos", meant.channel, True)]
    return understand(Sense(_ACTION.term, _channel(name)), kind)


def _panel(name: str, what: str, text: str) -> list[Meaning]:
    _state(what)
    if text == "triggered":
        return [Meaning("intrusion", "", True)]
    if text == "disarmed" or text.startswith("armed_"):
        return [Meaning("intrusion", "", False)]
    if text in {"pending", "arming", "disarming"}:
        return []
    raise Unreadable(f"unknown-topic: no state of an alarm panel called {short(name)[:40]}")


def _climate(name: str, what: str, text: str) -> list[Meaning]:
    """Of a thermostat what it measures; what it is set to says nothing."""
    metric = {"current_temperature/state": "temperature", "current_humidity/state": "humidity"}.get(what)
    meant = sense(metric) if metric else None
    if meant is None:
        return []
    if number_in(text) is None and text.casefold() != "nan":
        raise Unreadable("unknown-topic: a measurement is a number")
    return understand(Sense(meant.term, clean_channel(name)), text)


COMPONENTS: Final[Mapping[str, Callable[[str, str, str], list[Meaning]]]] = {
    "alarm_control_panel": _panel,
    "binary_sensor": _binary_sensor,
    "climate": _climate,
    "cover": _cover,
    "event": _event,
    "lock": _lock,
    "sensor": _sensor,
    "switch": _switch,
    "text_sensor": _sensor,
    "valve": _valve,
}
"""Every component that says something, by the name it has in topics."""
