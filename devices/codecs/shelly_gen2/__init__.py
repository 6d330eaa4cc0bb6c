"""Shelly's second generation and after (Plus, Pro, Gen3, Gen4): RPC frames and component status under a free prefix.

Sources: shelly-api-docs.shelly.cloud, Gen2+: General (RPC protocol, Notifications), Components and Services (MQTT and
each component), Dynamic components (BTHome, Virtual); bthome.io for the objects of Bluetooth devices.

- `<prefix>/events/rpc` carries notifications, `<prefix>/status/<component>` the whole status of one component,
  `<prefix>/online` the will, `<src of a question>/rpc` an answer. The prefix is the owner's text; a frame's `src` is
  the device's own id (model and MAC), so a frame teaches which device speaks under a prefix, and until one came the
  device goes by the prefix.
- `NotifyStatus` holds what changed: what it leaves out is unchanged, not normal. In a whole status an absent `errors`
  says that there are none, and an `errors` of null that they are gone.
- The first of several components (`switch:0`) has no channel, the others go by their number.
- A Bluetooth device behind a gateway goes by its own MAC. What its sensors measure stands in their configuration alone:
  it is learned from any answer that tells it (`Shelly.GetComponents`, `BTHomeSensor.GetConfig`), and asked for once a
  value of an unknown sensor comes. Virtual components are understood by their documented role, not by their name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import msgspec

from devices.codec import Decoded, Message, Topic
from devices.codecs.shelly_gen2.blu import advert
from devices.codecs.shelly_gen2.commands import command as command
from devices.codecs.shelly_gen2.components import KNOWN, split
from devices.codecs.shelly_gen2.examples import EXAMPLES as EXAMPLES
from devices.codecs.shelly_gen2.frames import Said, component, frame, prefix_key, settle
from devices.vocabulary import Meaning

TOPICS: Sequence[Topic] = (Topic("#"),)

_TOPIC: Final = re.compile(
    r"(?P<prefix>.{1,255}?)/(?:(?P<status>status|command)/(?P<component>[a-z0-9_]{1,32}(?::\d{1,5})?)"
    r"|(?P<end>online|rpc|events/rpc|command))",
    re.DOTALL,
)
_BLU: Final = re.compile(r"shelly-blu/events/(?P<mac>[0-9a-fA-F:]{12,17})")
_UNSURE: Final = Decoded(quarantine="unknown-topic: no topic of a Shelly of the second generation")
_ONLINE: Final = {b"true": "online", b"false": "offline"}
_json: Final = msgspec.json.Decoder()


@lru_cache(maxsize=8192)
def _parsed(topic: str) -> tuple[str, str, str]:
    """Prefix, what kind of topic it is, and the component; the kind is empty where it is none of ours."""
    found = _TOPIC.fullmatch(topic)
    if found is None:
        return "", "", ""
    named = found["component"] or ""
    if named and split(named)[0] not in KNOWN and ":" not in named:
        return "", "", ""
    return found["prefix"], found["status"] or found["end"], named


def decode(context: Mapping[str, Any], message: Message) -> Decoded:
    """Readings of one message. `context` holds who speaks under a prefix and what dynamic components measure."""
    prefix, kind, named = _parsed(message.topic)
    if not kind:
        found = _BLU.fullmatch(message.topic)
        return _body(message, lambda body: advert(message, body, found["mac"])) if found else _UNSURE
    if kind == "online":
        said = _ONLINE.get(message.payload)
        if said is None:
            return Decoded() if not message.payload and prefix_key(prefix) in context else _UNSURE
        device = context.get(prefix_key(prefix), prefix)
        return settle(Said(device, [Meaning("availability", "", said)]), message)
    if kind == "command":
        return Decoded() if named or prefix_key(prefix) in context else _UNSURE
    if kind == "status":
        if not message.payload:
            return Decoded()
        return _body(message, lambda body: component(context, message, prefix, named, body))
    learns = prefix if kind == "events/rpc" else ""
    return _body(message, lambda body: frame(context, message, body, learns))


def _body(message: Message, read: Any) -> Decoded:
    """The object a message holds, read; what holds none is not certain to be ours."""
    if message.payload[:1] != b"{":
        return _UNSURE
    try:
        body = _json.decode(message.payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Decoded(quarantine=f"not-json: {error}")
    answer: Decoded = read(body)
    return answer
