"""Theengs Gateway and OpenMQTTGateway: `<base>/<gateway>/<module>toMQTT/...`, in JSON.

Sources: theengs.io decoder, devices and their properties (`tag` and `type` in "Adding decoders"); OpenMQTTGateway,
docs/use: BLE, RF, LoRa, sensors, gateway.

- `BTtoMQTT/<MAC>` and `LORAtoMQTT/<id>` carry a device's decoded properties; whichever gateway hears it, the device
  goes by its own MAC. Sensors wired to the gateway are the gateway's, under the topic they come on.
- Values come twice, in Celsius and Fahrenheit, centimetres and inches: the first is read, the second where it is alone.
- `pres` is an air pressure in hPa, a tyre's in bar, or somebody's presence: kind of value and `type` tell which.
- `distance` of a Bluetooth device is a guess from its loudness, and not kept. Phones, watches, scales and trackers
  tell of persons, not of equipment: of them nothing is kept but the battery of a tracker.
- An encrypted advert and a bare radio code are set aside with that reason: a key in the gateway, or a decoder, reads
  them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import msgspec

from devices.codec import Decoded, Message, Topic
from devices.codecs.theengs.examples import EXAMPLES as EXAMPLES
from devices.codecs.theengs.properties import KEYS_MAX, decoded, wired
from devices.instants import clock_flags, from_iso, from_ms
from devices.reading import Flag, Reading, device_id, point_id
from devices.vocabulary import Meaning, short

TOPICS: Sequence[Topic] = (Topic("#"),)

_TOPIC: Final = re.compile(
    r"(?P<gateway>(?:.{1,128}/)?[^/]{1,64})/(?:(?P<module>[A-Za-z0-9_]{1,32})toMQTT(?:/(?P<rest>.{1,128}))?|(?P<will>LWT))",
    re.DOTALL,
)
_COMMAND: Final = re.compile(r".+/commands/MQTTto[A-Za-z0-9_]{1,32}(?:/.*)?", re.DOTALL)
_MAC: Final = re.compile(r"[0-9A-Fa-f]{2}(:?[0-9A-Fa-f]{2}){5}")
_UNSURE: Final = Decoded(quarantine="unknown-topic: no topic of Theengs or OpenMQTTGateway")
_WILLS: Final = frozenset((b"online", b"offline"))
_INVALID: Final = int(Flag.INVALID)
_json: Final = msgspec.json.Decoder()

_RAW: Final = frozenset(("433", "RF", "RF2", "SRFB", "RFM69", "Pilight"))
_SILENT: Final = frozenset(("IR", "2G", "SERIAL", "FASTLED", "undecoded"))
_OTHERS: Final = frozenset(("RTL_433",))  # the format of rtl_433, which has a codec of its own


@lru_cache(maxsize=8192)
def _parsed(topic: str) -> tuple[str, str, str]:
    """Gateway, module (`LWT` for its will) and the rest of the topic; the module is empty for a topic of others."""
    found = _TOPIC.fullmatch(topic)
    if found is None or found["module"] in _OTHERS:
        return "", "command" if _COMMAND.fullmatch(topic) else "", ""
    return found["gateway"], found["module"] or "LWT", found["rest"] or ""


def decode(context: Mapping[str, Any], message: Message) -> Decoded:
    """Readings of one message; needs no context."""
    gateway, module, rest = _parsed(message.topic)
    if not module:
        return _UNSURE
    if module == "LWT":
        if message.payload not in _WILLS:
            return _UNSURE
        return _settle(
            message, gateway, [Meaning("gateway_availability", "", message.payload.decode())], None
        )
    if module in _SILENT or module == "command" or not message.payload:
        return Decoded()
    try:
        fields = _json.decode(message.payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Decoded(quarantine=f"not-json: {error}")
    if not isinstance(fields, dict):
        return Decoded(quarantine="wrong-type: a message is an object")
    if module in _RAW:
        return Decoded(quarantine="raw-code: a radio code that no decoder in the gateway knows")
    at = from_iso(fields.get("UTCtime")) or _seconds(fields.get("unixtime"))
    if module in {"BT", "LORA"}:
        return _READERS[module](message, rest, fields, at)
    name = f"{gateway}/{rest}"[:255] if rest else gateway
    given = fields.get("addr")  # a one-wire thermometer has an address of its own
    if isinstance(given, str) and 0 < len(given) <= 64:
        name = given
    return _settle(message, name, wired(module, fields), at, len(fields))


def _bluetooth(message: Message, rest: str, fields: dict[str, Any], at: int | None) -> Decoded:
    name = address(fields.get("id")) or address(rest) or address(fields.get("mac"))
    if name is None:
        return Decoded(quarantine="missing: the message names no device")
    answer = _settle(message, name, decoded(fields), at, len(fields))
    if "cipher" not in fields:
        return answer
    reason = f"encrypted: the adverts of {short(name)[:64]} need their key in the gateway"
    return Decoded(answer.readings, reason)


def _lora(message: Message, rest: str, fields: dict[str, Any], at: int | None) -> Decoded:
    if "hex" in fields:
        return Decoded(quarantine="raw-code: a radio message that no decoder in the gateway knows")
    name = address(fields.get("id")) or address(rest)
    if name is None:
        return Decoded()  # one person's message to another (WiPhone)
    return _settle(message, name, decoded(fields), at, len(fields))


_READERS: Final[Mapping[str, Callable[[Message, str, dict[str, Any], int | None], Decoded]]] = {
    "BT": _bluetooth,
    "LORA": _lora,
}


@lru_cache(maxsize=8192)
def _address(text: str) -> str:
    if not _MAC.fullmatch(text):
        return text
    plain = text.replace(":", "").upper()
    return ":".join(plain[i : i + 2] for i in range(0, 12, 2))


def address(given: Any) -> str | None:
    """A device's MAC in one spelling, or its id (a beacon's UUID) as it is; None for what names nothing."""
    return _address(given) if isinstance(given, str) and 0 < len(given) <= 128 else None


def _seconds(value: Any) -> int | None:
    return from_ms(value * 1000) if type(value) is int and 0 < value < 1 << 40 else None


def _settle(message: Message, name: str, said: Sequence[Meaning], at: int | None, count: int = 0) -> Decoded:
    flags = int(Flag.RETAINED) if message.retained else 0
    if at is not None:
        flags |= clock_flags(at, message.now)
    problem = None if count <= KEYS_MAX else f"too-many: {count} keys, at most {KEYS_MAX}"
    device = device_id(message.source, name)
    found: dict[str, Reading] = {}
    for meant in said:
        if meant.value is None and meant.flags & _INVALID:
            problem = problem or f"unknown-word: {meant.metric} of {short(name)[:64]} is neither yes nor no"
        point = point_id(device, meant.metric, meant.channel)
        there = found.get(point)
        if there is None or (meant.value is True and there.value is not True):
            found[point] = Reading(point, meant.value, at, flags | meant.flags)
    return Decoded(list(found.values()), problem)
