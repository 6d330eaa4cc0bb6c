"""Bytes of a Hikvision message to its events: XML of any namespace or none, JSON, several in one, multipart around."""

from __future__ import annotations

import re
from typing import Any, Final
from xml.parsers import expat

import msgspec

from devices.cameras.multipart import parts

EVENTS_MAX: Final = 32
"""Events of one message: an alert stream cut by time rather than by event holds a few."""

DEPTH_MAX: Final = 32
NODES_MAX: Final = 4096
"""Elements of a document; an event of a thermal camera with all its regions has about 300."""

_WRAPPED: Final = (b"--", b"Content-", b"content-")
_ROOT: Final = "EventNotificationAlert"
_OPENS: Final = re.compile(rb"<(?:\w{1,16}:)?EventNotificationAlert(?=[\s>])")
_END: Final = f"</{_ROOT}>"
_ROOT_BYTES, _END_BYTES = _ROOT.encode(), _END.encode()
_ENDS: Final = re.compile(rb"</(?:\w{1,16}:)?EventNotificationAlert\s*>")
_BARE: Final = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[0-9a-fA-F]{1,6});)")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_CONTROLS: Final = bytes(sorted({*range(0x20)} - {*b"\t\n\r"}))
_LEAF: Final = re.compile(r"<([A-Za-z]\w*)>([^<>&]*)</\1>", re.ASCII)
_HEAD: Final = re.compile(r"<EventNotificationAlert(?:\s[^<>&]*)?>", re.ASCII)
_json: Final = msgspec.json.Decoder()


def events_in(payload: bytes) -> list[dict[str, Any]]:
    """The events of a message, elements by their local names; repeated ones as a list, leaves as text.

    Raises ValueError, whose text is a quarantine reason, for what is neither XML nor JSON of an event.
    """
    text = payload.strip()
    if not text.startswith(_WRAPPED):
        found = _events(text)
    else:
        found, problem = [], ""
        for part in parts(text):
            try:
                found += [] if part.picture else _events(part.body)
            except ValueError as error:  # a field of the form beside the event is no event
                problem = problem or str(error)
        if problem and not found:
            raise ValueError(problem)
    if not found:
        raise ValueError("missing: no event in the message")
    return found[:EVENTS_MAX]


def _events(body: bytes) -> list[dict[str, Any]]:
    if body[:1] in (b"{", b"["):
        return _from_json(body)
    spans = _spans(body)
    if spans:
        if b"<!DOCTYPE" in body:
            _no_doctype()
        return [_document(span) for span in spans]
    if body[:1] == b"<" or body[3:4] == b"<":
        _document(body)  # says what is wrong with it
        raise ValueError(f"wrong-type: no {_ROOT}")
    return _from_json(body.removeprefix(b"\xef\xbb\xbf"))


def _spans(payload: bytes) -> list[bytes]:
    if payload.endswith(_END_BYTES) and payload.count(_ROOT_BYTES) == 2:  # one event, as nearly always
        only = _OPENS.search(payload)
        return [payload[only.start() :]] if only else []
    found: list[bytes] = []
    at = 0
    while len(found) < EVENTS_MAX:
        start = _OPENS.search(payload, at)
        end = _ENDS.search(payload, start.end()) if start else None
        if start is None or end is None:
            break
        found.append(payload[start.start() : end.end()])
        at = end.end()
    return found


def _from_json(body: bytes) -> list[dict[str, Any]]:
    text = body.strip()
    if text[:1] == b"{":  # the boundary of the next event may be glued to this one
        text = text[: text.rfind(b"}") + 1]
    try:
        told = _json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"not-json: {str(error)[:120]}") from None
    found = told if isinstance(told, list) else [told]
    if not found or not all(isinstance(one, dict) for one in found):
        raise ValueError("wrong-type: an event is an object")
    inner = [one.get(_ROOT, one) for one in found[:EVENTS_MAX]]
    return [one for one in inner if isinstance(one, dict)]


def _document(data: bytes) -> dict[str, Any]:
    """The children of the root. What careless firmware writes (a bare `&`, GB 18030) is read too.

    Raises ValueError for what is not XML, declares a document type, or is too deep or too large.
    """
    flat = flat_leaves(data)
    if flat is not None:
        return flat
    try:
        return parsed(data)
    except expat.ExpatError as error:
        try:
            text = data.decode()
        except UnicodeDecodeError:
            text = data.decode("gb18030", "replace")
        repaired = _CONTROL.sub("", _BARE.sub("&amp;", text)).encode()
        if repaired == data:
            raise ValueError(f"not-xml: {error}") from None
        try:
            return parsed(repaired)
        except expat.ExpatError:
            raise ValueError(f"not-xml: {error}") from None


def flat_leaves(data: bytes) -> dict[str, Any] | None:
    """A document of plain leaves only, which nearly all are: read in a third of the time a parser needs."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    head = _HEAD.match(text)
    if head is None or not text.endswith(_END) or data.translate(None, _CONTROLS) != data:
        return None
    leaves = _LEAF.findall(text, head.end())
    tags = 2 * len(leaves) + 2
    if text.count("<") != tags or text.count(">") != tags or "&" in text:
        return None  # there is more than leaves; bare text between them is layout
    found = {name: value.strip() for name, value in leaves}
    return found if len(found) == len(leaves) else None


def parsed(data: bytes) -> dict[str, Any]:
    """The children of the root as expat reads them. Raises ExpatError, and ValueError for what it may not hold."""
    root: dict[str, Any] = {}
    open_: list[dict[str, Any]] = [root]
    text, nodes = "", 0

    def start(name: str, _: Any) -> None:
        nonlocal text, nodes
        nodes += 1
        if nodes > NODES_MAX or len(open_) > DEPTH_MAX:
            raise ValueError(f"too-deep: more than {DEPTH_MAX} levels or {NODES_MAX} elements")
        open_.append({})
        text = ""

    def chars(more: str) -> None:
        nonlocal text
        text += more

    def end(name: str) -> None:
        nonlocal text
        value: Any = (
            open_.pop() or text.strip()
        )  # of an element with children the text between them is layout
        text = ""
        if ":" in name:
            name = name.rpartition(":")[2]
        above = open_[-1]
        if name not in above:
            above[name] = value
        elif isinstance(above[name], list):
            above[name].append(value)
        else:
            above[name] = [above[name], value]

    parser = expat.ParserCreate("utf-8")
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = chars
    parser.StartDoctypeDeclHandler = _no_doctype
    parser.Parse(data, True)
    inner = next(iter(root.values()))
    return inner if isinstance(inner, dict) else {}


def _no_doctype(*_: Any) -> None:
    raise ValueError("not-xml: a document type is not accepted")
