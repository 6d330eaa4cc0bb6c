"""Shelly's first generation: `shellies/<id>/...`, mostly one bare value a topic.

Sources: Shelly API reference, Gen1 devices (MQTT, common and each device), and its CoIoT tables for ranges.

- A device is named by the id its topics carry, which the firmware makes of model and MAC (`shellysmoke-D8BFC0AABBCC`).
- The first of several (`relay/0`, `emeter/0`) has no channel, the others go by their number.
- 999 degrees or percent, -1 and `unknown` mean that there is no reading.
- `sensor/temperature` is in the unit the owner chose and does not say which; a device that reports Fahrenheit
  elsewhere (`tmp.units` of `info`) is remembered.
- `relay/0/energy` and its like count watt-minutes and start again with the device; `emeter/0/total` counts watt-hours
  and stays. Of an energy meter only the latter is kept.
- The press of a button is a button; which one calls for help is the site's to say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from devices.codec import Decoded, Message, Topic
from devices.codecs.shelly_gen1.commands import command as command
from devices.codecs.shelly_gen1.examples import EXAMPLES as EXAMPLES
from devices.codecs.shelly_gen1.report import announce, report
from devices.codecs.shelly_gen1.values import JSON, SCALARS, answer, said_json, unit_key
from devices.reading import TEXT_MAX
from devices.vocabulary import Meaning

TOPICS: Sequence[Topic] = (Topic("shellies/#"),)

_SHARED: Final = "shellies/"
_TOPIC: Final = re.compile(
    r"shellies/(?P<id>.{1,200}?)/(?P<path>(?:sensor|relay|emeter|emeter_n|input|input_event|longpush|light|white|color"
    r"|roller|valve|thermostat|ext_temperature|ext_temperatures|ext_humidity|ext_humidities|ext_switch|adc|settings"
    r"|temperature|temperature_f|temperature_status|overtemperature|overload|loaderror|voltage|power|energy"
    r"|info|status|announce|online|command)(?:/.*)?)",
    re.DOTALL,
)
_COMMANDS: Final = frozenset(("command", "set"))
_SECOND: Final = re.compile(
    r"status/[a-z0-9_]+(:\d+)?"
)  # the second generation, under the first one's prefix


@lru_cache(maxsize=4096)
def _parsed(topic: str) -> tuple[str, str, str] | None:
    """Device, what it is about (numbers taken out), and the channel; None for a topic of another make."""
    found = _TOPIC.fullmatch(topic)
    if found is None or _SECOND.fullmatch(found["path"]):
        return None
    parts = found["path"].split("/")
    numbers = [p for p in parts if p.isascii() and p.isdecimal()]
    number = numbers[0][:4] if numbers else "0"
    return found["id"], "/".join(p for p in parts if p not in numbers), "" if int(number) == 0 else number


def decode(context: Mapping[str, Any], message: Message) -> Decoded:
    """Readings of one message. `context` holds the devices that measure in Fahrenheit."""
    if message.topic == "shellies/announce":
        return announce(message, "")
    if message.topic == "shellies/command":
        return Decoded()
    parsed = _parsed(message.topic)
    if parsed is None:
        return Decoded(quarantine="unknown-topic: no topic of a Shelly of the first generation")
    name, kind, channel = parsed
    if not message.payload or not _COMMANDS.isdisjoint(kind.split("/")):
        return Decoded()  # a retained message deleted, or somebody's command to the device
    if kind in _WHOLE:
        return _WHOLE[kind](context, message, name)
    try:
        text = message.payload.decode().strip()
    except UnicodeDecodeError as error:
        return Decoded(quarantine=f"not-text: {error}")
    return _value(context, message, name, kind, channel, text)


_WHOLE: Final[Mapping[str, Callable[[Mapping[str, Any], Message, str], Decoded]]] = {
    "info": report,
    "status": report,
    "announce": lambda context, message, name: announce(message, name),
}


def _value(
    context: Mapping[str, Any], message: Message, name: str, kind: str, channel: str, text: str
) -> Decoded:
    if kind in JSON:
        return said_json(kind, channel, text, name, message)
    read = SCALARS.get(kind)
    if read is None:
        return Decoded()  # lamps, roller blinds, settings: nothing the house keeps
    if len(text) > TEXT_MAX:
        return Decoded(quarantine=f"wrong-value: {len(text)} characters for one value")
    said = read(text, str(context.get(unit_key(name), "")))
    if said is None:
        return Decoded(quarantine=f"wrong-value: {kind} does not say {text[:64]!r}")
    return answer(name, [Meaning(s.metric, s.channel or channel, s.value, s.flags) for s in said], message)
