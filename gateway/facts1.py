"""The shapes of what machines are told beside incidents: the `data` of every such event, in MQTT and webhooks.

Over MQTT an event is `{"type", "at" (UTC ms), "mode", "title", "data"}` on `gateway/events/{site}/{type}`, over a
webhook `{"type", "timestamp", "data"}` with `mode` and `site` in `data`. Fields are only ever added, so receivers must
ignore what they do not know. `schema()` is published as `docs/reference/events-1.schema.json`. No resident's data is
in it.
"""

from __future__ import annotations

from inspect import cleandoc
from typing import Any, Final

import msgspec


class DeviceFact(msgspec.Struct, frozen=True):
    """A device that has said nothing for longer than its rules allow, and that it speaks again.

    It is lost too when its will, or the bridge it speaks through, says that it is offline. `place` is the id of its
    place, that of its site where it has none. `bridge`: a bridge, whose loss is told for every device of its source;
    those that are still silent an hour after its return follow one by one. `heard_at` (UTC ms) is when the last message
    from or about it came; None of a device that never spoke. Silence while we could not hear is none.
    """

    device: str
    place: str
    kind: str
    bridge: bool
    heard_at: int | None


class CoverageFact(msgspec.Struct, frozen=True, rename={"klass": "class"}):
    """The last working detector of a place is gone (`working` is 0), or one works again.

    `class` is what they detect: fire, gas, hydrant and so on.
    """

    place: str
    klass: str
    installed: int
    working: int


class HeartbeatFact(msgspec.Struct, frozen=True):
    """The gateway lives (webhooks, each minute). `links` says `up` of each broker session, or why it is not."""

    gateway: str
    seq: int | msgspec.UnsetType = msgspec.UNSET
    durable: bool | msgspec.UnsetType = msgspec.UNSET
    links: dict[str, str] | msgspec.UnsetType = msgspec.UNSET


class TrialFact(msgspec.Struct, frozen=True):
    """Somebody tries whether this receiver hears us (`csg channels test`). Nothing has happened."""

    gateway: str


FACTS: Final[dict[str, type[msgspec.Struct]]] = {
    "device.lost": DeviceFact,
    "device.returned": DeviceFact,
    "coverage.changed": CoverageFact,
    "gateway.heartbeat": HeartbeatFact,
    "gateway.test": TrialFact,
}
"""Event type -> the shape of its data."""


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of `data` for each type, as published."""
    shapes, parts = msgspec.json.schema_components(
        list(dict.fromkeys(FACTS.values())), ref_template="#/$defs/{name}"
    )
    named = dict(zip(dict.fromkeys(FACTS.values()), shapes, strict=True))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:csg:schema:events-1",
        "title": "data of events that are no incident's",
        "type": "object",
        "description": "One property an event type: the shape of that event's `data`.",
        "properties": {name: named[shape] for name, shape in FACTS.items()},
        "$defs": {
            name: {**part, "description": cleandoc(part["description"])} for name, part in parts.items()
        },
    }
