"""What a state topic's message says, by the rows that its entities left."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from devices.codecs.ha_discovery.calls import Undefined, written
from devices.codecs.ha_discovery.nodes import ABSENT
from devices.codecs.ha_discovery.templates import compiled
from devices.names import meaning_of
from devices.reading import METRICS, Flag, MetricClass
from devices.vocabulary import Meaning, Sense, number_in, quantity, sense, short, understand
from devices.words import Said, said

Said_ = tuple[list[Meaning], str | None]
"""Statements, and a reason to set the message aside."""

_INVALID: Final = int(Flag.INVALID)
_ACTION: Final = sense("action")
_RELEASED: Final = frozenset(("release", "released", "off", "idle", ""))
_NOTHING: Final[Said_] = ([], None)
_json: Final = msgspec.json.Decoder()


def parsed(payload: bytes) -> Any:
    """The payload's JSON, or ABSENT."""
    try:
        return _json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ABSENT


def state(row: Sequence[Any], text: str, body: Any) -> Said_:
    """What one entity's row makes of a payload; `body` is its JSON or ABSENT."""
    kind, _, subject, channel, _, template, _, _ = row
    if kind == "opaque":
        return [], f"template: not understood: {short(template)}"
    if kind == "unnamed":
        return [], f"unknown-entity: {short(str(subject))[:64]} does not say what it measures"
    value: Any = text
    if template:
        node = compiled(template)
        if node is None:
            return [], "template: not understood"
        try:
            value = node(text, body)
            if value is not None and not isinstance(value, str | bool | int | float | dict):
                return _NOTHING
        except Undefined:
            return _NOTHING
    elif isinstance(body, dict) and kind in {"level", "switch", "valve", "position", "lock", "event"}:
        value = body
    if isinstance(value, dict) and kind != "event":
        value = value.get("position" if kind == "position" else "state", "")
        if isinstance(value, dict | list):
            return [], "wrong-type: the state is neither a word nor a number"
    if isinstance(value, str) and not value.strip():
        return _NOTHING
    if value is None or value == "None":
        metric = _metric(kind, subject)
        return ([Meaning(metric, channel, None)] if metric else []), None
    return _KINDS[kind](row, value)


def _metric(kind: str, subject: str) -> str:
    if kind == "word":
        meant = meaning_of(subject)
        return (meant.term.level or meant.term.number or meant.term.text) if meant else ""
    return subject if subject in METRICS and kind not in {"event", "trigger"} else ""


def _level(row: Sequence[Any], value: Any) -> Said_:
    _, _, metric, channel, _, _, on, off = row
    text = written(value)
    if text == on:
        return [Meaning(metric, channel, True)], None
    if text == off:
        return [Meaning(metric, channel, False)], None
    problem = f"unknown-word: {short(text)[:64]!r} is neither {short(on)!r} nor {short(off)!r}"
    if said(text) is Said.UNKNOWN:
        return [Meaning(metric, channel, None)], None
    if METRICS[metric].klass is MetricClass.ALARM:
        return [Meaning(metric, channel, None, _INVALID)], problem
    return [], problem


def _switch(row: Sequence[Any], value: Any) -> Said_:
    found, problem = _level(row, value)
    words = [
        Meaning(m.metric, m.channel, None if m.value is None else "ON" if m.value else "OFF") for m in found
    ]
    return words, problem


def _number(row: Sequence[Any], value: Any) -> Said_:
    _, _, metric, channel, unit, _, _, _ = row
    number = number_in(value.strip()) if isinstance(value, str) else value
    if type(number) is int or type(number) is float:
        return [quantity(metric, channel, number, unit)], None
    if isinstance(value, str) and said(value) is Said.UNKNOWN:
        return [Meaning(metric, channel, None)], None
    return [], f"wrong-value: {short(str(value))[:64]!r} is no number"


def _word(row: Sequence[Any], value: Any) -> Said_:
    _, _, subject, channel, unit, _, _, _ = row
    meant = meaning_of(subject)
    if meant is None:
        return _NOTHING
    number = number_in(value.strip()) if isinstance(value, str) else None
    given = value if number is None else number
    numeric = type(given) is int or type(given) is float
    coded = meant.coded  # "smoke state": a number there is no density of smoke
    levels = meant.levels and (coded or not numeric)
    found = understand(Sense(meant.term, channel, meant.unit, levels, meant.numbers, coded), given, unit)
    unknown = any(m.value is None and m.flags & _INVALID for m in found)
    return found, f"unknown-word: {short(str(value))[:64]!r}" if unknown else None


def _valve(row: Sequence[Any], value: Any) -> Said_:
    """A valve that opens lets through already; one that closes is not closed yet and says so when it is."""
    text = written(value)
    if text == "closing":
        return _NOTHING
    return _level(row, row[6] if text == "opening" else text)


def _position(row: Sequence[Any], value: Any) -> Said_:
    number = number_in(value) if isinstance(value, str) else value
    closed = number_in(row[7])
    if type(number) not in {int, float} or number is None or closed is None:
        return _NOTHING  # opening and closing, until it says where it stands
    return [Meaning(row[2], row[3], number != closed)], None


def _cover(row: Sequence[Any], value: Any) -> Said_:
    return _level(row, value) if value in {row[6], row[7]} else _NOTHING


def _lock(row: Sequence[Any], value: Any) -> Said_:
    return [Meaning("fault", row[3], value == row[6])], None


def _panel(row: Sequence[Any], value: Any) -> Said_:
    if value == "triggered":
        return [Meaning("intrusion", row[3], True)], None
    if value == "disarmed" or (isinstance(value, str) and value.startswith("armed_")):
        return [Meaning("intrusion", row[3], False)], None
    if value in {"pending", "arming", "disarming"}:
        return _NOTHING
    return [], f"unknown-word: {short(str(value))[:64]!r} is no state of an alarm panel"


def _event(row: Sequence[Any], value: Any) -> Said_:
    kind = value.get("event_type") if isinstance(value, dict) else None
    if type(kind) is not str:
        return [], "wrong-type: an event is an object with an event_type"
    if row[2] == "button":
        return _button(row[3], kind)
    return ([], None) if kind in _RELEASED else ([Meaning(row[2], row[3], True)], None)


def _trigger(row: Sequence[Any], value: Any) -> Said_:
    """A device trigger: with a payload only that one, without any message."""
    return _button(row[3], row[2]) if not row[6] or value == row[6] else _NOTHING


def _button(channel: str, text: str) -> Said_:
    return (understand(Sense(_ACTION.term, channel), text) if _ACTION else []), None


def _availability(row: Sequence[Any], value: Any) -> Said_:
    text = written(value)
    if text in {row[6], row[7]}:
        return [Meaning("availability", "", "online" if text == row[6] else "offline")], None
    return _NOTHING


_KINDS: Final[Mapping[str, Callable[[Sequence[Any], Any], Said_]]] = {
    "availability": _availability,
    "cover": _cover,
    "event": _event,
    "level": _level,
    "lock": _lock,
    "number": _number,
    "panel": _panel,
    "position": _position,
    "switch": _switch,
    "trigger": _trigger,
    "valve": _valve,
    "word": _word,
}
