"""How Homie devices describe themselves: one document in version 5, one attribute a topic before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from devices.codecs.homie.properties import PLAIN_ROW, Row, subject
from devices.vocabulary import clean_channel
from devices.words import Said, said

PROPERTIES_MAX: Final = 256
"""Properties remembered of one device."""

Entry = list[Any]
"""What is remembered of a device: `[{node: type}, {"node/property": row}]`; lists, as the journal gives them back."""

_TEXT: Final = 64
_DATATYPES: Final = frozenset(
    ("integer", "float", "boolean", "string", "enum", "color", "datetime", "duration", "json")
)
_json: Final = msgspec.json.Decoder()


def entry_key(root: str, version: int, device: str) -> str:
    """The context key under which a device's description is remembered."""
    return f"homie:{root}/5/{device}" if version == 5 else f"homie:{device}"


def described(payload: bytes) -> tuple[Entry, list[tuple[int, tuple[str, str]]]] | str:
    """What a `$description` says, and its nodes' types numbered from 0; a reason where it is none."""
    try:
        document = _json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return f"not-json: {error}"
    if not isinstance(document, dict) or not str(document.get("homie", "")).startswith("5"):
        return "wrong-type: a description is an object of Homie 5"
    types: dict[str, str] = {}
    rows: dict[str, Row] = {}
    for node, about in _named(document.get("nodes")):
        if len(types) < PROPERTIES_MAX and "/" not in node:
            types[node] = _text(about.get("type"))
        for name, prop in _named(about.get("properties")):
            if len(rows) < PROPERTIES_MAX and "/" not in name:
                rows[f"{node}/{name}"] = [
                    _datatype(prop.get("datatype")),
                    _text(prop.get("unit"))[:16],
                    prop.get("settable") is True,
                    _text(prop.get("name")),
                    _faulty(prop.get("datatype"), prop.get("format")),
                    "",
                ]
    kinds = list(enumerate((node, kind) for node, kind in types.items() if kind))
    return _channelled([types, rows]), kinds


def attribute(entry: Entry | None, rest: tuple[str, ...], text: str) -> Entry | None:
    """The device's entry after one attribute of version 3 or 4; None if it changes nothing."""
    types, rows = (dict(entry[0]), dict(entry[1])) if entry else ({}, {})
    if len(rest) == 2 and rest[1] == "$type":
        types[rest[0]] = _text(text)
    elif len(rest) == 3 and rest[2] in {"$datatype", "$unit", "$settable", "$name", "$format"}:
        name = f"{rest[0]}/{rest[1]}"
        row = list(rows.get(name, PLAIN_ROW))
        if rest[2] == "$datatype":
            row[0] = _datatype(text)
        elif rest[2] == "$unit":
            row[1] = _text(text)[:16]
        elif rest[2] == "$settable":
            row[2] = text == "true"
        elif rest[2] == "$name":
            row[3] = _text(text)
        else:
            row[4] = _faulty("enum", text)
        if row == rows.get(name, list(PLAIN_ROW)):
            return None
        rows[name] = row
    else:
        return None
    if len(types) > PROPERTIES_MAX or len(rows) > PROPERTIES_MAX:
        return None
    changed = _channelled([types, rows])
    return changed if changed != (entry or [{}, {}]) else None


def _named(items: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Nodes and properties: objects by id, or, in drafts of version 5, a list of objects with an `id`."""
    if isinstance(items, dict):
        pairs = list(items.items())
    elif isinstance(items, list):
        pairs = [(i.get("id"), i) for i in items if isinstance(i, dict)]
    else:
        pairs = []
    for name, about in pairs[:PROPERTIES_MAX]:
        if isinstance(name, str) and 0 < len(name) <= _TEXT and isinstance(about, dict):
            yield name, about


def _channelled(entry: Entry) -> Entry:
    """The entry with a channel for each property that is not the only one of its meaning: its node, or itself."""
    types, rows = entry
    meant: dict[str, tuple[str, str]] = {}
    for name in rows:
        node, _, prop = name.partition("/")
        found = subject(node, prop, types.get(node, ""), rows[name][3])
        if found is not None:
            term = found.term
            meant[name] = (term.level or term.number or term.text, found.channel)
    several = Counter(meant.values())
    nodes = Counter((what, name.partition("/")[0]) for name, what in meant.items())
    for name, what in meant.items():
        node, _, prop = name.partition("/")
        alone, beside = several[what] == 1, nodes[what, node] > 1
        channel = what[1] if alone else clean_channel(f"{node}_{prop}" if beside else node)
        rows[name] = [*rows[name][:5], channel]
    return [types, rows]


def _text(value: Any) -> str:
    return value[:_TEXT] if isinstance(value, str) else ""


def _datatype(value: Any) -> str:
    return value if isinstance(value, str) and value in _DATATYPES else ""


def _faulty(datatype: Any, form: Any) -> bool:
    """Whether one of an enum's words says that the thing is broken."""
    if datatype != "enum" or not isinstance(form, str):
        return False
    return any(said(word) is Said.FAULT for word in form[:512].split(","))
