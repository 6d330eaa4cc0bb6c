"""What is sent down to a discovered device: the command topics and payloads that its configs name.

Sources: home-assistant.io, "MQTT switch", "MQTT siren", "MQTT valve", "MQTT button", "MQTT lock", "MQTT cover".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from devices.codec import Ask
from devices.names import meaning_of
from devices.vocabulary import words_of

Told = tuple[str, str, str]
"""`(command, topic, payload)`; a command ends in `?` where a switch may do it, for want of one that certainly does."""

_SIREN_WORDS: Final = frozenset(("siren", "alarm", "bell", "horn", "buzzer"))
_GATES: Final = frozenset(("door", "garage", "gate"))
_PLAIN: Final = frozenset(("", "{{ value }}", "{{value}}"))
_PAYLOAD_MAX: Final = 256


def pseudo_topic(native: str) -> str:
    """Where what a device takes is remembered beside the topics of its states; no topic holds a null character."""
    return f"command\0{native}"


def takes(component: str, config: Mapping[str, Any], named: str) -> list[Told]:
    """What an entity can be told. Entities whose command goes through a template of their own take nothing."""
    topic, template = config.get("command_topic"), config.get("command_template")
    reader = _TAKING.get(component)
    if reader is None or not isinstance(topic, str) or not 0 < len(topic) <= 512 or {"+", "#"} & set(topic):
        return []
    if not isinstance(template, str | None) or (template or "").strip() not in _PLAIN:
        return []
    return [(name, topic, payload[:_PAYLOAD_MAX]) for name, payload in reader(config, named)]


def _siren(config: Mapping[str, Any], named: str) -> Iterator[tuple[str, str]]:
    for name, which, usual in (("siren_on", "on", "ON"), ("siren_off", "off", "OFF")):
        value = _payload(config, which, usual)
        # Without a template of its own a siren is told in JSON.
        plain = config.get("command_template") is not None
        yield name, value if plain else msgspec.json.encode({"state": value}).decode()


def _switch(config: Mapping[str, Any], named: str) -> Iterator[tuple[str, str]]:
    about, words = _about(config, named)
    on, off = _payload(config, "on", "ON"), _payload(config, "off", "OFF")
    if about == "muted":
        yield "mute", on
    elif about in {"test", "self_test"}:
        yield "self_test", on
    elif about in {"buzzer", "alarm_flag"} or words & _SIREN_WORDS:
        yield from (("siren_on", on), ("siren_off", off))
    elif config.get("entity_category") is None and about in {"", "relay", "switch_state"}:
        yield from (("relay_off", off), ("siren_on?", on), ("siren_off?", off))


def _valve(config: Mapping[str, Any], named: str) -> Iterator[tuple[str, str]]:
    if config.get("reports_position") is True:
        yield "valve_close", str(config.get("position_closed", 0))
    else:
        yield "valve_close", _payload(config, "close", "CLOSE")


def _button(config: Mapping[str, Any], named: str) -> Iterator[tuple[str, str]]:
    about, words = _about(config, named)
    press = _payload(config, "press", "PRESS")
    if about == "muted" or words & {"mute", "silence", "hush"}:
        yield "mute", press
    elif about in {"test", "self_test"} or "test" in words:
        yield "self_test", press


def _lock(config: Mapping[str, Any], named: str) -> Iterator[tuple[str, str]]:
    yield "unlock", _payload(config, "unlock", "UNLOCK")


def _cover(config: Mapping[str, Any], named: str) -> Iterator[tuple[str, str]]:
    if config.get("device_class") in _GATES:
        yield "unlock", _payload(config, "open", "OPEN")


_TAKING: Final = {
    "button": _button,
    "cover": _cover,
    "lock": _lock,
    "siren": _siren,
    "switch": _switch,
    "valve": _valve,
}


def _payload(config: Mapping[str, Any], which: str, usual: str) -> str:
    value = config.get(f"payload_{which}")
    return str(value) if isinstance(value, str | bool | int | float) else usual


def _about(config: Mapping[str, Any], named: str) -> tuple[str, set[str]]:
    """The metric that the entity's name or object id means, and all their words."""
    names = [n for n in (config.get("name"), config.get("object_id"), named) if isinstance(n, str) and n]
    metrics = (m.term.level or m.term.text for n in names if (m := meaning_of(n[:128])) is not None)
    return next((m for m in metrics if m), ""), {word for n in names for word in words_of(n[:128])}


def command(
    context: Mapping[str, Any], native: str, name: str, identity: str, expires_at: int
) -> Sequence[Ask] | str:
    """The one entity that does it; where several do, none is chosen."""
    rows = context.get(f"discovery-topic:{pseudo_topic(native)}")
    if not rows:
        return "unknown-device: no discovery config of it names a command topic"
    told = [entry for row in rows.values() for entry in row]
    fitting = [e for e in told if e[0] == name] or [e for e in told if e[0] == f"{name}?"]
    if len(fitting) != 1:
        return f"not-taken: {len(fitting)} of its entities do {name}"
    return (Ask(fitting[0][1], fitting[0][2].encode()),)
