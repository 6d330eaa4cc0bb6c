"""Sparkplug B: `spBv1.0/<group>/<type>/<edge node>[/<device>]`, protobuf payloads, names and aliases bound in births.

Sources: Eclipse Sparkplug Specification 3.0.0 (chapters 4 to 6), eclipse/tahu sparkplug_b.proto.

- A device is named `<group>/<edge node>/<device>`, the edge node `<group>/<edge node>`. The node is also the gateway of
  its devices: its death is `gateway_availability` and takes every device born under it offline.
- NBIRTH and DBIRTH say what each metric is called, its type, its unit (property `engUnit`) and its alias; that is
  remembered, a birth that says nothing new is not. DATA is read by it. An alias nobody was told of asks for a rebirth
  (`Node Control/Rebirth`), at most once a minute a node, and sets the message aside.
- Messages of a node are numbered 0 to 255. A gap means that something was lost (they travel at QoS 0): the rebirth
  asked for then brings every present value. The message that shows the gap is itself whole and is not set aside.
  Before a node's first NBIRTH nothing is numbered; its data is read as far as it names itself, and its birth asked for.
- An NDEATH counts only with the `bdSeq` of the last NBIRTH: a will may arrive after its node is back.
- Metric names are free text: the vocabulary reads them (`names.py`). Properties, controls and settings say nothing.
- `is_historical` is kept as such, `is_null` is no reading, quality 0 (bad) is invalid and 500 (stale) historical.
- Templates are read member by member, `name/member`; data sets, files and arrays are not kept.
- Commands (NCMD, DCMD) and the host's STATE say nothing about devices. Sparkplug A is not read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from devices.codec import Ask, Decoded, Learned, Message, Topic
from devices.codecs.sparkplug_b.commands import command as command
from devices.codecs.sparkplug_b.examples import EXAMPLES as EXAMPLES
from devices.codecs.sparkplug_b.names import DIALECT, meant
from devices.codecs.sparkplug_b.wire import BOOLEAN, Metric, Payload, WireError, read, rebirth, signed
from devices.instants import clock_flags, from_ms
from devices.reading import Flag, Reading, device_id, point_id
from devices.vocabulary import Meaning, Sense, channelled, clean_channel, riddle, understand

TOPICS: Sequence[Topic] = (Topic("spBv1.0/#"), Topic("STATE/+"))

LIMITS: Final = {"spBv1.0/+/NBIRTH/+": 1 << 20, "spBv1.0/+/DBIRTH/+/+": 1 << 20}
"""A birth describes every metric in full, some 60 to 200 bytes each."""

ASK_EVERY_MS: Final = 60_000
"""A node answers a rebirth within seconds or not at all; asking more often would only add to its load."""

_TYPES: Final = frozenset(("NBIRTH", "NDEATH", "NDATA", "NCMD", "DBIRTH", "DDEATH", "DDATA", "DCMD"))
_BAD, _STALE = 0, 500
_REMEMBERED_MAX: Final = 64  # characters of a text whose meaning is worth remembering
_Row = list[Any]
"""What a birth said of one metric: `[name, type, unit, channel]`; empty for one whose name says nothing to us."""

_Node = list[Any]
"""What is remembered of a node: `[number of its last message or None, bdSeq or None, when a rebirth was asked for]`."""


def decode(context: Mapping[str, Any], message: Message) -> Decoded:
    """Readings of one message. `context` holds what births taught and where each node's numbering stands."""
    parts = message.topic.split("/")
    if parts[0] == "STATE" or (parts[0] == "spBv1.0" and len(parts) == 3 and parts[1] == "STATE"):
        return Decoded()
    expected = 5 if len(parts) > 2 and parts[2].startswith("D") else 4
    if parts[0] != "spBv1.0" or len(parts) != expected or parts[2] not in _TYPES or not all(parts):
        return Decoded(quarantine="unknown-topic: not spBv1.0/<group>/<message type>/<node>[/<device>]")
    _, group, kind, *names = parts
    if kind.endswith("CMD"):
        return Decoded()
    try:
        payload = read(message.payload)
    except WireError as error:
        return Decoded(quarantine=f"not-sparkplug: {error}")
    node, place = f"{group}/{names[0]}", "/".join((group, *names))
    if kind == "NDEATH":
        return _node_death(context, message, payload, node)
    if kind == "NBIRTH":
        return _born(context, message, payload, node, node)
    if kind == "DDEATH":
        readings: tuple[Reading, ...] = (_told(message, place, "availability", "offline", payload.at),)
        problem = None
    elif kind == "DBIRTH":
        return _born(context, message, payload, node, place)
    else:
        readings, problem = _data(context.get(f"birth:{place}") or {}, message, payload, place)
    return _followed(context, message, payload, node, readings, problem, ())


def _node_death(context: Mapping[str, Any], message: Message, payload: Payload, node: str) -> Decoded:
    known = context.get(f"node:{node}")
    given = next((m.value for m in payload.metrics if m.name == "bdSeq"), None)
    if known and known[1] is not None and given is not None and given != known[1]:
        return Decoded()  # the will of a session before the last birth
    gone = [
        _told(message, node, metric, "offline", payload.at)
        for metric in ("gateway_availability", "availability")
    ]
    gone += [
        _told(message, key[len("birth:") :], "availability", "offline", payload.at)
        for key in context
        if key.startswith(f"birth:{node}/")
    ]
    learned = (Learned(f"node:{node}", [None, known[1], known[2]]),) if known and known[0] is not None else ()
    return Decoded(gone, learned=learned)


def _told(message: Message, place: str, metric: str, value: str, at: int | None) -> Reading:
    measured, flags = _when(at, message)
    return Reading(point_id(device_id(message.source, place), metric), value, measured, flags)


def _when(at: Any, message: Message) -> tuple[int | None, int]:
    flags = int(Flag.RETAINED) if message.retained else 0
    measured = from_ms(at)
    return measured, flags if measured is None else flags | clock_flags(measured, message.now)


def _born(context: Mapping[str, Any], message: Message, payload: Payload, node: str, place: str) -> Decoded:
    """The readings of a birth, and what it teaches where that is new."""
    table = _table(payload)
    learned: list[Learned] = []
    if context.get(f"birth:{place}") != table:
        learned.append(Learned(f"birth:{place}", table))
    readings, problem = _data(table, message, payload, place)
    online = [_told(message, place, "availability", "online", payload.at)]
    if place != node:
        return _followed(context, message, payload, node, (*online, *readings), problem, learned)
    online.append(_told(message, place, "gateway_availability", "online", payload.at))
    bd = next((m.value for m in payload.metrics if m.name == "bdSeq" and isinstance(m.value, int)), None)
    state: _Node = [(payload.seq or 0) & 255, bd, 0]
    if context.get(f"node:{node}") != state:
        learned.append(Learned(f"node:{node}", state))
    return Decoded((*online, *readings), problem, _sequence(payload), learned)


def _followed(
    context: Mapping[str, Any],
    message: Message,
    payload: Payload,
    node: str,
    readings: Sequence[Reading],
    problem: str | None,
    learned: Sequence[Learned],
) -> Decoded:
    """The answer, with the node's numbering followed and a rebirth asked for where something is missing."""
    known: _Node = context.get(f"node:{node}") or [None, None, 0]
    last, bd, asked = known
    seq = None if payload.seq is None else payload.seq & 255
    missing = last is None or (seq is not None and seq not in (last, (last + 1) & 255))
    unknown = problem is not None and problem.startswith("unknown-alias")
    asks: tuple[Ask, ...] = ()
    if (missing or unknown) and (not asked or not 0 <= message.now - asked < ASK_EVERY_MS):
        asked = message.now
        group, _, name = node.partition("/")
        asks = (Ask(f"spBv1.0/{group}/NCMD/{name}", rebirth(message.now)),)
    state: _Node = [last if last is None or seq is None else seq, bd, asked]
    if state != known:
        learned = (*learned, Learned(f"node:{node}", state))
    return Decoded(readings, problem, _sequence(payload), learned, asks)


def _sequence(payload: Payload) -> str | None:
    """A message's own id: its number comes round every 256 messages, its time does not."""
    return None if payload.seq is None or payload.at is None else f"{payload.at}.{payload.seq & 255}"


def _table(payload: Payload) -> dict[str, _Row]:
    """What a birth says of each metric, by name and by alias (`#7`), and the channel where two would be one point."""
    rows: list[tuple[Metric, _Row]] = []
    seen: dict[tuple[str, str], int] = {}
    for metric in payload.metrics:
        found = meant(metric.name, metric.type == BOOLEAN) if metric.kept else None
        row: _Row = []
        if found is not None:
            row = [metric.name, metric.type, metric.unit or found[1], found[0].channel]
            which = (_kind(found[0]), found[0].channel)
            seen[which] = seen.get(which, 0) + 1
        rows.append((metric, row))
    table: dict[str, _Row] = {}
    for metric, row in rows:
        if row:
            found = meant(metric.name, metric.type == BOOLEAN)
            assert found is not None
            if seen[_kind(found[0]), found[0].channel] > 1:
                parent = metric.name.rpartition("/")[0]
                row[3] = clean_channel(
                    "_".join(filter(None, (parent.replace("/", "_"), row[3]))) or metric.name
                )
            table[metric.name] = row
        if metric.alias is not None:
            table[f"#{metric.alias}"] = row
    return table


def _kind(found: Sense) -> str:
    return found.term.number or found.term.level or found.term.text


def _data(
    table: Mapping[str, _Row], message: Message, payload: Payload, place: str
) -> tuple[tuple[Reading, ...], str | None]:
    """Readings of a payload's metrics by the birth's table, and what stood in the way."""
    device = device_id(message.source, place)
    readings: list[Reading] = []
    problem = "too-many: more metrics than are read of one message" if payload.more else None
    last: int | None = -1
    for metric in payload.metrics:
        row = table.get(metric.name) if metric.name else None
        if row is None and metric.alias is not None:
            row = table.get(f"#{metric.alias}")
            if row is None and not metric.name:
                problem = problem or f"unknown-alias: {metric.alias} was given a name in no birth we saw"
                continue
        if row is None:
            row = [metric.name, metric.type, "", ""]
        if not row or not metric.kept:
            continue
        name, kind, unit, channel = row
        when = payload.at if metric.at is None else metric.at
        if when != last:  # most often they are all of one time
            last = when
            at, given = _when(when, message)
        flags = given
        if metric.historical or metric.quality == _STALE:
            flags |= int(Flag.HISTORICAL)
        if metric.quality == _BAD:
            flags |= int(Flag.INVALID)
        value = metric.value
        if value is None and not metric.null:
            continue
        say = _said if type(value) is not str or len(value) <= _REMEMBERED_MAX else _said.__wrapped__
        for said in say(
            name, metric.type or kind, metric.unit or unit, channel, None if metric.null else value
        ):
            if said.value is None and said.flags:
                problem = problem or riddle(name, value, said)
            readings.append(
                Reading(f"{device}/{said.metric}/{said.channel}", said.value, at, flags | said.flags)
            )
    return tuple(readings), problem


@lru_cache(maxsize=8192, typed=True)
def _said(name: str, kind: int, unit: str, channel: str, value: Any) -> tuple[Meaning, ...]:
    """What a value says under a metric's name; remembered, for most values come again and again."""
    found = meant(name, kind == BOOLEAN or (kind == 0 and type(value) is bool))
    if found is None:
        return ()
    sense = channelled(found[0], channel) if channel else found[0]
    if type(value) is int:
        value = value != 0 if kind == BOOLEAN else signed(value, kind)
    return tuple(understand(sense, value, "" if type(value) is bool else unit or found[1], DIALECT))
