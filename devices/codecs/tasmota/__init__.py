"""Tasmota firmware: telemetry, relays, switches and buttons of Wi-Fi devices, and the Zigbee devices behind a bridge.

Sources: tasmota.github.io, "MQTT", "Buttons and Switches", "Zigbee", "ADC", "RF Protocol", and the firmware's sensor
drivers for key names and units.

- FullTopic may put `tele`, `stat` or `cmnd` first (the default) or right before the last level; what remains is the
  device: by default `tasmota_XXXXXX` from the end of its MAC. Commands (`cmnd`) say nothing.
- A Zigbee device behind a bridge goes by the bridge and the name its owner gave it, else by its IEEE address where the
  bridge told it (at joining, in `ZbStatus`, `ZbInfo`), else by the bridge and its short address, which may change.
- Several sensors of one kind: the first of a list (phases, tariffs, `Switch1`) has no channel, the others their number;
  sensor objects that measure the same go by their names.
- Inputs (`Switch1`) are `digital_input`: whether on means wet or dry is wiring and not in the message. An input that
  its owner named after what it watches (`SwitchText1 Smoke`) is understood by that name.
- Localised words for online, offline, on and off are learned from `tasmota/discovery/<mac>/config`.
- Replies to commands are echoes of settings; only relays, buttons and switches are read there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import msgspec

from devices.codec import Decoded, Learned, Message, Topic
from devices.codecs.tasmota.commands import command as command
from devices.codecs.tasmota.commands import order_key
from devices.codecs.tasmota.examples import EXAMPLES as EXAMPLES
from devices.codecs.tasmota.parts import Part, Words, readings
from devices.codecs.tasmota.results import bare, margins, pressed, result
from devices.codecs.tasmota.sensors import sensors, state
from devices.codecs.tasmota.zigbee import joined, known_devices
from devices.reading import Flag, Reading, device_id, point_id
from devices.vocabulary import Meaning

_PREFIXES: Final = ("tele", "stat", "cmnd")

CROWDED: Final = True
"""A Zigbee bridge tells of all its devices on its own topic."""

TOPICS: Sequence[Topic] = (
    Topic("tasmota/discovery/#"),
    *(Topic(f"{prefix}/#") for prefix in _PREFIXES),
    *(Topic("+/" * depth + f"{prefix}/+") for depth in range(1, 5) for prefix in _PREFIXES),
)

LEARNED_MAX: Final = 8192
"""Devices and Zigbee devices remembered of one source; beyond it new ones are read without being remembered."""

_NAME_MAX: Final = 255
_SILENT: Final = frozenset(("LOGGING", "UPGRADE", "UPTIME", "INFO1", "INFO2", "WAKEUP", "HASS_STATE"))
_DISCOVERY: Final = "tasmota/discovery/"
_json: Final = msgspec.json.Decoder()
_NOTHING: Final = Decoded()


@lru_cache(maxsize=16384)
def _place(topic: str) -> tuple[str, str, str] | None:
    """Prefix, device and last level of a topic by either order of FullTopic."""
    levels = topic.split("/")
    if len(levels) < 3:
        return None
    if levels[0] in _PREFIXES:
        prefix, base = levels[0], "/".join(levels[1:-1])
    elif levels[-2] in _PREFIXES:
        prefix, base = levels[-2], "/".join(levels[:-2])
    else:
        return None
    return (prefix, base, levels[-1]) if 0 < len(base) <= _NAME_MAX and levels[-1] else None


def decode(context: Mapping[str, Any], message: Message) -> Decoded:
    """Readings of one message. `context` holds localised words and the addresses of Zigbee devices."""
    if message.topic.startswith(_DISCOVERY):
        return _discovery(context, message)
    place = _place(message.topic)
    if place is None:
        return Decoded(
            quarantine="unknown-topic: no level of it is tele, stat or cmnd where FullTopic puts it"
        )
    prefix, base, last = place
    payload = message.payload
    if prefix == "cmnd" or not payload or last in _SILENT:
        return _NOTHING
    words = _words(context.get(f"tasmota:{base}"))
    if last == "LWT":
        return _availability(base, words, message)
    if payload[:1] != b"{":
        return _told(message, base, bare(last, _text(payload), words))
    try:
        fields = _json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Decoded(quarantine=f"not-json: {error}")
    parts, problem = _parts(context, base, last, fields, words)
    if parts is None:
        if prefix == "stat" and last.isupper():
            return _NOTHING  # with SetOption4 a command's reply comes under the command's name
        return Decoded(quarantine=f"unknown-topic: Tasmota publishes nothing under {last[:40]}")
    learned = _unlearned(context, known_devices(base, fields)) if b'"IEEEAddr"' in payload else ()
    inner = fields.get("StatusSNS")
    return Decoded(
        readings(message, parts, inner if isinstance(inner, dict) else fields), problem, learned=learned
    )


def _parts(
    context: Mapping[str, Any], base: str, last: str, fields: Mapping[str, Any], words: Words
) -> tuple[list[Part] | None, str | None]:
    """What the object under this last level says, and a reason to set it aside; None for a level we do not know."""
    if last in {"SENSOR", "ZbReceived", "LwReceived", "LwDecoded"}:
        parts, problem = sensors(context, base, last, fields, words)
        return parts + joined(base, fields), problem
    if last == "STATE":
        return state(base, fields, words), None
    if last == "RESULT" or last.startswith("STATUS"):
        inner, status = fields.get("StatusSNS"), fields.get("StatusSTS")
        parts, problem = (
            sensors(context, base, "SENSOR", inner, words) if isinstance(inner, dict) else ([], None)
        )
        if isinstance(status, dict):
            parts += state(base, status, words)
        if last == "RESULT":
            more, why = result(context, base, fields, words)
            parts, problem = parts + more + joined(base, fields), problem or why
        return parts, problem
    if last.rstrip("0123456789") in {"BUTTON", "SWITCH"}:
        return [Part(base, "", m) for m in pressed(last.capitalize(), fields, words)], None
    if last in {"MARGINS", "WARNING"}:
        return margins(base, fields), None
    if last == "INFO3":
        return [Part(base, "", Meaning("restart", "", True))], None
    return None, None


def _told(message: Message, base: str, meanings: list[Meaning] | None) -> Decoded:
    if meanings is None:
        return Decoded(quarantine="unknown-topic: neither a relay's state nor a name that says what it means")
    return Decoded(readings(message, [Part(base, "", m) for m in meanings], {}))


def _text(payload: bytes) -> str:
    return payload[:256].decode("utf-8", "replace").strip()


def _words(learned: Any) -> Words:
    return Words(*learned) if learned else Words()


def _availability(base: str, words: Words, message: Message) -> Decoded:
    said = _text(message.payload)
    value = {words.online: "online", words.offline: "offline"}.get(said) or {
        "online": "online",
        "offline": "offline",
    }.get(said.casefold())
    if value is None:
        return Decoded(quarantine="wrong-value: neither the word for online nor the one for offline")
    return Decoded((_reading(message, base, Meaning("availability", "", value)),))


def _discovery(context: Mapping[str, Any], message: Message) -> Decoded:
    """The device's own description: where it publishes, and its words where they are not the usual ones."""
    if not message.payload or not message.topic.endswith("/config"):
        return _NOTHING  # removed, or a sample of its sensors, which is no reading
    try:
        fields = _json.decode(message.payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Decoded(quarantine=f"not-json: {error}")
    name = fields.get("t") if isinstance(fields, dict) else None
    if not isinstance(name, str) or not name:
        return Decoded(quarantine="missing: the description names no topic")
    tokens = {"%prefix%/": "", "%topic%": name}
    tokens |= {"%hostname%": str(fields.get("hn")), "%id%": str(fields.get("mac"))}
    told = fields.get("ft")
    base = full = told if isinstance(told, str) else "%prefix%/%topic%/"
    for token, value in tokens.items():
        base = base.replace(token, value)
    base = base.strip("/")
    if not 0 < len(base) <= _NAME_MAX:
        return Decoded(quarantine="wrong-value: the device's topic has no or too many characters")
    words = _described(fields)
    known = context.get(f"tasmota:{base}")
    change = None if words == Words() else list(msgspec.structs.astuple(words))
    found = {} if change == known else {f"tasmota:{base}": change}
    last = full.rstrip("/").endswith("%prefix%") or None
    learned = _unlearned(context, {**found, order_key(base): last})
    return Decoded((_reading(message, base, Meaning("discovery", "", True)),), learned=learned)


def _described(fields: Mapping[str, Any]) -> Words:
    states = fields.get("state")
    given = [*states[:4]] if isinstance(states, list) else []
    texts = [fields.get("onln"), fields.get("ofln"), *given]
    usual = msgspec.structs.astuple(Words())
    both = zip([*texts, *([None] * 6)], usual, strict=False)
    return Words(*(t[:32] if isinstance(t, str) and t else u for t, u in both))


def _unlearned(context: Mapping[str, Any], found: Mapping[str, Any]) -> tuple[Learned, ...]:
    """Of what was found out, all that is not known yet."""
    room = LEARNED_MAX - len(context)
    new = [(k, v) for k, v in found.items() if context.get(k) != v and (v is not None or k in context)]
    return tuple(Learned(k, v) for k, v in new if k in context or (room := room - 1) >= 0)


def _reading(message: Message, base: str, meant: Meaning) -> Reading:
    flags = int(Flag.RETAINED) if message.retained else 0
    point = point_id(device_id(message.source, base), meant.metric, meant.channel)
    return Reading(point, meant.value, None, flags | meant.flags)
