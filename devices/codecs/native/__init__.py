"""The house's own MQTT contract: `community/{site}/{device}/telemetry|event|status|command|result`, in JSON.

The contract is published as JSON Schemas in `docs/reference/native`. What is decided beside it:

- The device's native name is `{site}/{device}`, so that one broker may serve several sites.
- A telemetry key that is no metric of the table is kept as a status under its own name, made to fit
  `[a-z0-9_]{1,64}`; where that changes the name, the point's channel keeps it as it was sent. A key that differs from
  a metric only in case or punctuation (`Smoke`) is that metric; one that names an alarm in words everybody uses
  (`smokeAlarm`, `fire`, `water_leakage`) is that alarm. Objects and arrays are kept as JSON text.
- A value of the wrong type is set aside with the reason and the rest of the message is understood. An alarm written as
  1, "true" or "alarm" is raised all the same: the maker's mistake must not cost the fire.
- An alarm event without a hazard we know raises `alarm_unspecified`, which is treated as a fire.
- A clock before 2020 or more than five minutes ahead is kept and flagged. Seconds are not taken for milliseconds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from types import MethodType
from typing import Any, Final

import msgspec

from devices.codec import Decoded, Message, Read, Topic
from devices.codecs.native.commands import command as command
from devices.codecs.native.events import event
from devices.codecs.native.examples import EXAMPLES as EXAMPLES
from devices.codecs.native.telemetry import Speaker, remembered, stranger, telemetry
from devices.outcome import result
from devices.reading import Flag, Reading, device_id, point_id

TOPICS: Sequence[Topic] = (
    Topic("community/+/+/event", alarm_only=True),
    Topic("community/+/+/telemetry"),
    Topic("community/+/+/status"),
    Topic("community/+/+/command"),
    Topic("community/+/+/result"),
)

_TOPIC: Final = re.compile(r"community/([A-Za-z0-9._-]{1,64}/[A-Za-z0-9._-]{1,64})/([a-z]{1,16})")
_ID_MAX: Final = 64  # characters of a command's id; ours have some ten


def _status(speaker: Speaker, context: Mapping[str, Any], message: Message) -> Decoded:
    """`online` or `offline`, as text or as JSON (`"online"`, `{"state": "online"}`); empty forgets the retained one."""
    text: Any = message.payload.strip().decode("utf-8", "replace")
    if not text:
        return Decoded()
    if text[0] in '"{':
        try:
            data = msgspec.json.decode(message.payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return Decoded(quarantine=f"not-json: {error}")
        text = data.get("state", data.get("status")) if isinstance(data, dict) else data
    said = text.casefold() if isinstance(text, str) else ""
    if said not in {"online", "offline"}:
        return Decoded(quarantine="wrong-value: status is neither online nor offline")
    flags = int(Flag.RETAINED) if message.retained else 0
    return Decoded((Reading(point_id(speaker.device, "availability"), said, None, flags),))


def _nothing(speaker: Speaker, context: Mapping[str, Any], message: Message) -> Decoded:
    """Commands are ours: understood, and no reading."""
    return Decoded()


class _Result(msgspec.Struct):
    id: str = ""
    ok: Any = None
    state: Any = None
    error: Any = None


_result_of: Final = msgspec.json.Decoder(_Result)


def _result(speaker: Speaker, context: Mapping[str, Any], message: Message) -> Decoded:
    """What became of a command: `<id> ok <state>` or `<id> failed <error>`, as the device says it.

    A `state` that is an object holds metrics, as telemetry does.
    """
    try:
        said = _result_of.decode(message.payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Decoded(quarantine=f"not-json: {error}")
    if not said.id or len(said.id) > _ID_MAX or type(said.ok) is not bool:
        return Decoded(quarantine="missing: a result says id and ok")
    state, why = (words if isinstance(words, str) else "" for words in (said.state, said.error))
    text = result(said.id, None if said.ok else why, state)
    flags = int(Flag.RETAINED) if message.retained else 0
    found = [Reading(point_id(speaker.device, "command_result"), text, None, flags)]
    problem = None
    if said.ok and isinstance(said.state, dict) and said.state:  # what it measures now, as in its telemetry
        measured = msgspec.structs.replace(message, payload=msgspec.json.encode({**said.state, "v": 1}))
        decoded = telemetry(speaker, context, measured)
        found += decoded.readings
        problem = decoded.quarantine
    return Decoded(found, problem, f"r{said.id}")


_Reads = Callable[[Speaker, Mapping[str, Any], Message], Decoded]
_READERS: Final[Mapping[str, _Reads]] = {
    "telemetry": telemetry,
    "event": event,
    "status": _status,
    "command": _nothing,
    "result": _result,
}


def _unknown(speaker: Speaker, context: Mapping[str, Any], message: Message) -> Decoded:
    return Decoded(
        quarantine="unknown-topic: not community/{site}/{device}/telemetry, event, status, command, result"
    )


def bind(source: str, topic: str) -> Read:
    """`decode` for one topic, that of one device, with a memory of what its points are called."""
    device, read = _route(source, topic)
    return MethodType(read, remembered(device))  # a partial, were it not for its call through C


def decode(context: Mapping[str, Any], message: Message) -> Decoded:
    """Readings of one message of the contract; needs no context. Never raises for anything a device may send."""
    device, read = _route(message.source, message.topic)
    return read(stranger(device), context, message)


def _route(source: str, topic: str) -> tuple[str, _Reads]:
    """The device that speaks on a topic, and who reads it."""
    found = _TOPIC.fullmatch(topic)
    if found is None:
        return "", _unknown
    return device_id(source, found[1]), _READERS.get(found[2], _unknown)
