"""Worked examples of discovery: configs, and the states they let us understand; tests and reference page at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from devices.codec import Example

_B: Final = "homeassistant/binary_sensor"
_S: Final = "homeassistant/sensor"
_DEV: Final = "b3-f05-0a1b2c"


def _topic(
    kind: str,
    subject: str,
    channel: str = "",
    unit: str = "",
    template: str = "",
    on: str = "",
    off: str = "",
) -> list[Any]:
    return [kind, _DEV, subject, channel, unit, template, on, off]


_LEARNED: Final[dict[str, Any]] = {
    "discovery-topic:estate/f05/smoke": {"a": _topic("level", "smoke", on="ON", off="OFF")},
    "discovery-topic:estate/f05/state": {
        "a": _topic("level", "smoke", template="{{ value_json.smoke }}", on="True", off="False"),
        "b": _topic("number", "battery", unit="%", template="{{ value_json.battery }}"),
        "c": _topic(
            "level", "door_open", "back", template="{{ value_json.contact }}", on="False", off="True"
        ),
        "d": _topic("number", "temperature", unit="°F", template="{{ value_json.t | float / 10 }}"),
    },
    "discovery-topic:estate/f05/online": {"a": _topic("availability", "availability", on="1", off="0")},
    "discovery-topic:estate/f05/gas": {"a": _topic("word", "gas_lel", unit="%LEL")},
    "discovery-topic:estate/f05/odd": {"a": _topic("opaque", "smoke", template="{{ states('sensor.x') }}")},
    "discovery-topic:estate/f05/beer": {"a": _topic("unnamed", "Beer")},
    "discovery-topic:estate/f05/attributes": {},
    "discovery-topic:estate/f05/valve": {"a": _topic("valve", "valve_open", on="open", off="closed")},
    "discovery-topic:estate/f05/siren": {"a": _topic("level", "buzzer", on="ON", off="OFF")},
    "discovery-topic:estate/f05/panel": {"a": _topic("panel", "intrusion", on="triggered")},
    "discovery-topic:estate/f05/press": {"a": _topic("trigger", "button_short_press", "sos", on="1")},
    "discovery-topic:estate/f05/event": {"a": _topic("event", "sos")},
    "discovery-topic:estate/f05/codes": {
        "a": _topic("level", "smoke", "hall", on="4711", off="4712"),
        "b": _topic("level", "smoke", "attic", on="0815", off="0816"),
    },
}

EXAMPLES: Sequence[Example] = (
    Example(
        "A binary sensor is announced: learned, and no state of it",
        f"{_B}/b3_f05/smoke/config",
        b'{"name":"Smoke","stat_t":"estate/f05/smoke","dev_cla":"smoke","dev":{"ids":["b3-f05-0a1b2c"],"name":"Hall"}}',
        [(_DEV, "discovery", "", "binary_sensor")],
        retained=True,
    ),
    Example(
        "A sensor with base topic, abbreviations and template",
        f"{_S}/b3_f05/t/config",
        b'{"~":"estate/f05","stat_t":"~/state","val_tpl":"{{ value_json.t | float / 10 }}","dev_cla":"temperature",'
        b'"unit_of_meas":"\xc2\xb0F","avty_t":"~/online","pl_avail":"1","pl_not_avail":"0",'
        b'"dev":{"cns":[["mac","0a:1b:2c:3d:4e:5f"]]}}',
        [("0a:1b:2c:3d:4e:5f", "discovery", "", "sensor")],
        retained=True,
    ),
    Example(
        "A whole device in one message",
        "homeassistant/device/b3_f05/config",
        b'{"dev":{"ids":"b3-f05-0a1b2c"},"o":{"name":"maker"},"cmps":{"s":{"p":"binary_sensor","device_class":"smoke",'
        b'"value_template":"{{ value_json.smoke }}"},"b":{"p":"sensor","device_class":"battery",'
        b'"unit_of_measurement":"%","value_template":"{{ value_json.battery }}"}},"state_topic":"estate/f05/state"}',
        [(_DEV, "discovery", "", "device")],
        retained=True,
    ),
    Example(
        "Without a device the object in the topic is the name",
        f"{_B}/garden/config",
        b'{"name":"Beer","state_topic":"estate/f05/beer"}',
        [("garden", "discovery", "", "binary_sensor")],
        retained=True,
    ),
    Example("A config removed", f"{_B}/garden/config", b"", [], retained=True),
    Example("A component nobody knows", "homeassistant/timer/bla/config", b"{}", []),
    Example("Not a config", f"{_B}/bla/not_config", b"{}", []),
    Example("Home Assistant was started", "homeassistant/status", b"online", []),
    Example("A config that is none", f"{_B}/bla/config", b'{"name":', [], quarantine="not-json"),
    Example(
        "The state of a smoke detector",
        "estate/f05/smoke",
        b"ON",
        [(_DEV, "smoke", "", True)],
        context=_LEARNED,
    ),
    Example(
        "Another word is no state, and not normal",
        "estate/f05/smoke",
        b"wibble",
        [(_DEV, "smoke", "", None)],
        quarantine="unknown-word",
        context=_LEARNED,
    ),
    Example(
        "One message, four entities: booleans compared as text, a contact that is false, a unit converted",
        "estate/f05/state",
        b'{"smoke":false,"battery":87,"contact":false,"t":680}',
        [
            (_DEV, "smoke", "", False),
            (_DEV, "battery", "", 87),
            (_DEV, "door_open", "back", True),
            (_DEV, "temperature", "", 20.0),
        ],
        context=_LEARNED,
    ),
    Example(
        "What a message does not hold is not said; null is no reading",
        "estate/f05/state",
        b'{"smoke":null,"battery":4}',
        [(_DEV, "smoke", "", None), (_DEV, "battery", "", 4)],
        retained=True,
        context=_LEARNED,
    ),
    Example(
        "Availability in the config's own words",
        "estate/f05/online",
        b"0",
        [(_DEV, "availability", "", "offline")],
        context=_LEARNED,
    ),
    Example(
        "A sensor without a class, by its name and unit",
        "estate/f05/gas",
        b"12.5",
        [(_DEV, "gas_lel", "", 12.5)],
        context=_LEARNED,
    ),
    Example("Unavailable", "estate/f05/gas", b"unavailable", [(_DEV, "gas_lel", "", None)], context=_LEARNED),
    Example(
        "A template that asks for more than the message is not guessed at",
        "estate/f05/odd",
        b"ON",
        [],
        quarantine="template",
        context=_LEARNED,
    ),
    Example(
        "An entity that does not say what it measures",
        "estate/f05/beer",
        b"ON",
        [],
        quarantine="unknown-entity",
        context=_LEARNED,
    ),
    Example("Attributes say nothing", "estate/f05/attributes", b'{"smoke":true}', [], context=_LEARNED),
    Example(
        "A valve that opens lets through",
        "estate/f05/valve",
        b'{"state":"opening"}',
        [(_DEV, "valve_open", "", True)],
        context=_LEARNED,
    ),
    Example("A valve that closes is not closed yet", "estate/f05/valve", b"closing", [], context=_LEARNED),
    Example(
        "A siren",
        "estate/f05/siren",
        b'{"state":"ON","tone":"fire"}',
        [(_DEV, "buzzer", "", True)],
        context=_LEARNED,
    ),
    Example(
        "An alarm panel",
        "estate/f05/panel",
        b"armed_away",
        [(_DEV, "intrusion", "", False)],
        context=_LEARNED,
    ),
    Example(
        "A device trigger",
        "estate/f05/press",
        b"1",
        [(_DEV, "button", "sos", "button_short_press")],
        context=_LEARNED,
    ),
    Example(
        "An event of what is called SOS",
        "estate/f05/event",
        b'{"event_type":"press"}',
        [(_DEV, "sos", "", True)],
        context=_LEARNED,
    ),
    Example(
        "Several entities share a topic of codes: each takes its own",
        "estate/f05/codes",
        b"0815",
        [(_DEV, "smoke", "attic", True)],
        context=_LEARNED,
    ),
    Example("A topic of which no config spoke", "estate/f06/smoke", b"ON", [], quarantine="unknown-topic"),
)
