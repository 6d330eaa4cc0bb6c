"""What is sent down to a Zigbee device: `zigbee2mqtt/<friendly name>/set`, of properties its exposes say can be set.

Sources: zigbee2mqtt.io, "MQTT topics and messages" (`/set`), "Exposes" and the pages of sirens, valves and detectors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from devices.codec import Ask
from devices.vocabulary import sense, words_of

Does = dict[str, list[Any]]
"""What a device can be told: `{command: [property, value]}`, in the value's own JSON."""

SOUND_S: Final = 600
"""How long a siren sounds that must be told so; it is told again while the fire lasts, and silenced by `siren_off`."""

_DEPTH: Final = 4
_ITEMS_MAX: Final = 256
_TEXT_MAX: Final = 64
_CLOSING: Final = ("close", "closed", "off", "stop")
_TESTING: Final = ("start", "test", "selftest", "self_test", "checking", "on", "")
_MUTING: Final = ("mute", "silence", "on")
_SIREN: Final = frozenset(("alarm_flag", "buzzer"))
_encode: Final = msgspec.json.Encoder().encode


def doable(exposes: Any, description: Any) -> Does:
    """What a device of these exposes can be told; `description` is the model's, which says what its switch turns."""
    words = words_of(description[:255]) if isinstance(description, str) else ()
    found: Does = {}
    _collect(exposes, "valve" in words or "shutoff" in words, found, 0)
    return found


def _collect(exposes: Any, is_valve: bool, found: Does, depth: int) -> None:
    if not isinstance(exposes, list) or depth > _DEPTH:
        return
    for item in exposes[:_ITEMS_MAX]:
        if not isinstance(item, dict):
            continue
        prop, access = item.get("property"), item.get("access")
        if prop == "warning" and item.get("type") == "composite":
            _warning(item, found)
        elif item.get("type") == "lock" and isinstance(item.get("features"), list):
            _lock(item["features"], found)
        elif not isinstance(prop, str):
            if item.get("type") in ("switch", None):  # lights, locks, climates: nothing we turn
                _collect(item.get("features"), is_valve, found, depth + 1)
        elif isinstance(access, int) and access & 2 and 0 < len(prop) <= _TEXT_MAX and "endpoint" not in item:
            _property(prop, item, is_valve, found)


def _warning(item: Mapping[str, Any], found: Does) -> None:
    """The siren of the IAS warning cluster (HS2WD-E and its like): what the device shows of its features."""
    features = item.get("features")
    names = {f.get("name"): f for f in features if isinstance(f, dict)} if isinstance(features, list) else {}
    modes = names.get("mode", {}).get("values")
    levels = names.get("level", {}).get("values")
    if not isinstance(modes, list) or "stop" not in modes:
        return
    sound: dict[str, Any] = {"mode": "fire" if "fire" in modes else "emergency"}
    if isinstance(levels, list) and levels:
        sound["level"] = next((v for v in ("very_high", "high") if v in levels), levels[-1])
    if "strobe" in names:
        sound["strobe"] = True
    if "duration" in names:
        sound["duration"] = SOUND_S
    found["siren_on"] = ["warning", sound]
    found["siren_off"] = ["warning", {"mode": "stop"}]


def _lock(features: list[Any], found: Does) -> None:
    """A lock says itself which way it turns: `state`, LOCK or UNLOCK."""
    for item in features[:_ITEMS_MAX]:
        if isinstance(item, dict) and item.get("property") == "state" and item.get("value_off") == "UNLOCK":
            access = item.get("access")
            if isinstance(access, int) and access & 2:
                _put(found, "unlock", "state", "UNLOCK")


def _property(prop: str, item: Mapping[str, Any], is_valve: bool, found: Does) -> None:
    meant = sense(prop)
    level = meant.term.level if meant is not None else ""
    words = set(words_of(prop))
    if level in _SIREN or words == {"siren"}:
        _both(found, "siren_on", "siren_off", prop, item)
    if prop == "state" and not is_valve:
        _both(found, "siren_on", "relay_off", prop, item)
        _both(found, "siren_on", "siren_off", prop, item)
    if level == "valve_open" or (is_valve and prop == "state"):
        off = item.get("value_off")
        _put(found, "valve_close", prop, off if _plain(off) else _of(item, _CLOSING))
    if level == "muted" or prop == "buzzer":
        on = item.get("value_on")
        _put(found, "mute", prop, on if _plain(on) and prop != "buzzer" else _of(item, _MUTING))
    if level in {"test", "self_test"} or prop == "selftest":
        on = item.get("value_on")
        _put(found, "self_test", prop, on if _plain(on) else _of(item, _TESTING))


def _both(found: Does, on: str, off: str, prop: str, item: Mapping[str, Any]) -> None:
    _put(found, on, prop, item.get("value_on"))
    _put(found, off, prop, item.get("value_off"))


def _put(found: Does, name: str, prop: str, value: Any) -> None:
    """The first property that means it counts, but a siren's own over a switch that may be anything."""
    if _plain(value) and (name not in found or found[name][0] == "state"):
        found[name] = [prop, value]


def _plain(value: Any) -> bool:
    return isinstance(value, bool) or (isinstance(value, str) and len(value) <= _TEXT_MAX)


def _of(item: Mapping[str, Any], wanted: Sequence[str]) -> str | None:
    """The value of an enum that says what is wanted, in its own spelling."""
    values = item.get("values")
    given = [v for v in values if isinstance(v, str)] if isinstance(values, list) else []
    return next((v for word in wanted for v in given if v.casefold() == word), None)


def command(
    context: Mapping[str, Any], native: str, name: str, identity: str, expires_at: int
) -> Sequence[Ask] | str:
    """What the bridge's list of devices says it takes. The bridge knows no ids of commands and no time limits."""
    for key, entry in context.items():
        friendly = key.removeprefix("device:")
        if friendly is key or not isinstance(entry, list) or native not in (entry[0], friendly):
            continue
        does: Does = entry[3] if len(entry) > 3 else {}
        if name not in does:
            return f"not-taken: nothing this device lets be set means {name}"
        prop, value = does[name]
        return (Ask(f"zigbee2mqtt/{friendly}/set", _encode({prop: value})),)
    return "unknown-device: the bridge has not listed it"
