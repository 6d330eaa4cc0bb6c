"""Tasmota's results: relays, buttons and switches that were used, radio codes received, limits of a meter passed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from devices.codecs.tasmota.parts import Part, Words, numbered
from devices.codecs.tasmota.sensors import contact, relay
from devices.codecs.tasmota.zigbee import bridged
from devices.vocabulary import Meaning, Sense, clean_channel, sense, short, understand

_KEYS_MAX: Final = 64
_LIMITS: Final = {"PowerHigh": "overpower", "CurrentHigh": "overcurrent"}


def result(
    context: Mapping[str, Any], base: str, fields: Mapping[str, Any], words: Words
) -> tuple[list[Part], str | None]:
    """What a RESULT says beside the echo of a setting, and a reason to set it aside."""
    parts: list[Part] = []
    problem: str | None = None
    for key, value in list(fields.items())[:_KEYS_MAX]:
        if type(value) is not dict:
            meanings = relay(key, value, words)
        elif key in {"ZbReceived", "LwReceived", "LwDecoded"}:
            found, why = bridged(context, base, value)
            parts, problem, meanings = parts + found, problem or why, []
        elif key == "RfReceived":
            meanings = list(_radio(value))
        else:
            meanings = pressed(key, value, words)
        parts += [Part(base, "", m) for m in meanings]
    return parts, problem


def pressed(key: str, value: Mapping[str, Any], words: Words) -> list[Meaning]:
    """`{"Button1": {"Action": "SINGLE"}}` and the older `stat/x/SWITCH1 {"STATE": "ON"}`; empty for other objects."""
    action = next((v for k, v in value.items() if k.casefold() in {"action", "state", "trig"}), None)
    if type(action) is not str or not action or len(value) != 1:
        return []
    base = key.rstrip("0123456789")
    index = key[len(base) :]
    channel = numbered(int(index[:4] or 1))
    if base == "Button":
        return [Meaning("button", channel, short(words.action(action)))]
    level = contact(key, action, words)
    return level or [
        Meaning("button", channel if base == "Switch" else clean_channel(key), short(words.action(action)))
    ]


def _radio(value: Mapping[str, Any]) -> Iterator[Meaning]:
    """A 433 MHz code: which of the bridge's learned keys it was, and the code itself; its meaning is the owner's."""
    key, data = value.get("RfKey"), value.get("Data")
    if type(key) is int and 0 <= key < 1 << 32:
        yield Meaning("button", "", key)
    if (type(data) is str and data) or type(data) is int:
        yield Meaning("trigger", "", short(str(data)[:64]))


def margins(base: str, fields: Mapping[str, Any]) -> list[Part]:
    """An energy meter's own limits: `MARGINS` objects, and the `WARNING` when it switched off."""
    said = fields.get("MARGINS") if isinstance(fields.get("MARGINS"), dict) else fields
    parts = [
        Meaning(metric, "", value == "ON")
        for key, metric in _LIMITS.items()
        if isinstance(said, dict) and isinstance(value := said.get(key), str) and value in {"ON", "OFF"}
    ]
    if "MaxPowerReached" in fields:
        parts.append(Meaning("overpower", "", True))
    return [Part(base, "", m) for m in parts]


def bare(last: str, text: str, words: Words) -> list[Meaning] | None:
    """A value without JSON: a relay's state, a limit passed, or what a rule publishes under a telling name.

    None if the name says nothing to us.
    """
    if last.startswith("POWER") and (last == "POWER" or last[5:].isdecimal()):
        return relay(last, text, words)
    if last in {"POWER_HIGH", "CURRENT_HIGH"} and text in {"ON", "OFF"}:
        return [Meaning("overpower" if last == "POWER_HIGH" else "overcurrent", "", text == "ON")]
    if last in {"POWER_LOW", "CURRENT_LOW", "VOLTAGE_LOW", "VOLTAGE_HIGH"}:
        return []
    meant = sense(last)
    if meant is None or not text.isprintable():
        return None
    level = words.level(text)
    if level is not None and meant.term.level:
        return understand(Sense(meant.term, meant.channel, meant.unit, meant.levels, False), level)
    return understand(meant, text)
