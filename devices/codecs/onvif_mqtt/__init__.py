"""ONVIF event broker (Profile M): `<prefix>/onvif-ej/<topic>[/&<source values>]` with `{UtcTime, Source, Data}`.

Source: ONVIF Core Specification, "Event Broker" (onvif/specs, doc/Core.xml). What topics mean:
`devices/cameras/onvif.py`.

- A device is named by the topic prefix and, where the event has a source, its values as the topic has them:
  `Estate/Cam12/1/2/FireLane` is a rule, `Estate/Cam12/smoke_loop_1` an input. Each is a place of its own.
- Namespaces do not count: `tnsaxis:IO` is `IO`. Values are texts, numbers or booleans alike.
- Property events are retained; the copy a broker stored is marked as such. An empty payload deletes a property: who
  loitered has left, any other state is no longer known.
- Whether an input is normally open or closed no message tells: it stays a `digital_input`.
- Faces are dropped: nobody is recognised here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import msgspec

from devices.cameras.onvif import gone, statements, told
from devices.codec import Decoded, Message, Topic
from devices.codecs.onvif_mqtt.examples import EXAMPLES as EXAMPLES
from devices.instants import from_iso
from devices.vocabulary import short

_PREFIX_LEVELS: Final = 5
"""Levels a topic prefix may have; it is free text, and a filter must spell out each level."""

TOPICS: Sequence[Topic] = tuple(
    Topic("+/" * levels + "onvif-ej/#") for levels in range(1, _PREFIX_LEVELS + 1)
)

_NAME_MAX: Final = 512
_MARK: Final = "/onvif-ej/"


class _Body(msgspec.Struct):
    utc: Any = msgspec.field(name="UtcTime", default=None)
    source: Any = msgspec.field(name="Source", default=None)
    data: Any = msgspec.field(name="Data", default=None)


_body: Final = msgspec.json.Decoder(_Body)


def decode(context: Mapping[str, Any], message: Message) -> Decoded:
    """Readings of one event. Nothing is learned: every event stands for itself."""
    prefix, mark, rest = message.topic.partition(_MARK)
    if not mark or not prefix or not rest or len(message.topic) > _NAME_MAX:
        return Decoded(quarantine="unknown-topic: not <prefix>/onvif-ej/<topic>")
    topic, source = place(rest)
    if not message.payload:
        return told(message, f"{prefix}/{source}" if source else prefix, gone(topic), None)
    try:
        body = _body.decode(message.payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Decoded(quarantine=f"not-json: {short(str(error))}")
    given, data = body.source, body.data
    if not source and isinstance(given, dict):
        source = "/".join(short(v)[:64] for v in list(given.values())[:8] if type(v) is str and v)
    device = f"{prefix}/{source}" if source else prefix
    if data is not None and not isinstance(data, dict):
        return Decoded(quarantine="wrong-type: Data is an object")
    return told(message, device, statements(topic, data or {}), _at(body.utc), topic)


@lru_cache(maxsize=4096)
def place(rest: str) -> tuple[str, str]:
    """What follows the payload prefix as the topic without namespaces and the values of the source."""
    local, _, source = rest.partition("/&")
    levels = [level.rpartition(":")[2] for level in local.split("/")]
    return "/".join(level for level in levels if level), source.strip("/")


def _at(utc: Any) -> int | None:
    """UtcTime is UTC, whether it says so or not."""
    if type(utc) is str and utc and utc[-1] not in "Zz" and "+" not in utc and utc.count("-") < 3:
        utc += "Z"
    return from_iso(utc)
