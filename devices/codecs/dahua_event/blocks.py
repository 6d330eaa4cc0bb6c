"""Bytes of a Dahua message to its events: `Code=...` text, flattened `Events[0]....=` lines, JSON, multipart around."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any, Final

import msgspec

from devices.cameras.multipart import parts

EVENTS_MAX: Final = 64
"""Events of one message; a push holds one, a stretch of a stream a few."""

_LINES_MAX: Final = 1024
_DEPTH_MAX: Final = 8
_WRAPPED: Final = ("--", "Content-", "content-")
_BLOCK: Final = re.compile(
    r"Code=(?P<code>[\w .\-]{1,64})(?:;\s*action=(?P<action>\w{0,16}))?(?:;\s*index=(?P<index>-?\d{0,9}))?"
    r"(?:;\s*data=(?P<data>.*))?",
    re.IGNORECASE | re.DOTALL,
)
_START: Final = re.compile(r"^[ \t]*Code=", re.IGNORECASE | re.MULTILINE)
_HEARTBEAT: Final = re.compile(r"^[ \t]*Heartbeat[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_FLAT: Final = re.compile(r"^Events\[(\d{1,3})\]\.([\w.\[\]\-]{1,128})=(.*)$")
_json: Final = msgspec.json.Decoder()


class Event(msgspec.Struct, frozen=True):
    """One event as it was written.

    `index` is None where it is not said; `cut` where the text form, which always says it, does not. `broken` is an
    event whose data are JSON that cannot be read.
    """

    code: str
    action: str = ""
    index: int | None = None
    data: dict[str, Any] = {}
    device: str = ""
    broken: bool = False
    cut: bool = False


HEARTBEAT: Final = Event("Heartbeat", "Pulse")


def events_in(payload: bytes) -> list[Event]:
    """The events of a message. Raises ValueError, whose text is a quarantine reason, for what holds none."""
    try:
        text = payload.decode().strip()
    except UnicodeDecodeError:  # names of rules in GB 18030; pictures beside the event
        text = payload.decode("gb18030", "replace").strip()
    if not text.startswith(_WRAPPED):
        found = _events(text)
    else:
        found = []
        for part in parts(payload.strip()):
            if not part.picture and part.body:
                found += _events(part.body.decode("utf-8", "replace").strip())
    if not found:
        raise ValueError("missing: neither an event nor a heartbeat")
    return found[:EVENTS_MAX]


def _events(text: str) -> list[Event]:
    if text[:1] in ("{", "["):
        return _from_json(text)
    if text.startswith("Events["):
        return _flattened(text)
    starts = [m.start() for m in _START.finditer(text)][:EVENTS_MAX]
    found = [HEARTBEAT] if _HEARTBEAT.search(text) else []
    for start, end in pairwise([*starts, len(text)]):
        block = _BLOCK.match(text[start:end].strip())
        if block is not None:
            found.append(_of_block(block))
    return found


def _of_block(block: re.Match[str]) -> Event:
    data, broken = _data(block["data"] or "")
    index = int(block["index"]) if block["index"] not in (None, "", "-") else None
    return Event(block["code"].strip(), block["action"] or "", index, data, "", broken, index is None)


def _data(text: str) -> tuple[dict[str, Any], bool]:
    """The object after `data=`. Anything but an object is free text and no harm; a broken object is."""
    text = text.strip()
    if not text.startswith("{"):
        return {}, False
    try:
        found = _json.decode(text[: text.rfind("}") + 1])
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return {}, True
    return (found, False) if isinstance(found, dict) else ({}, False)


def _from_json(text: str) -> list[Event]:
    try:
        body = _json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise ValueError(f"not-json: {str(error)[:120]}") from None
    told = body
    if isinstance(body, dict):
        params = body.get("params")
        inner = params.get("eventList") if isinstance(params, dict) else None
        told = body.get("Events", inner if inner is not None else [body])
    if not isinstance(told, list):
        raise ValueError("wrong-type: events come as an array")
    device = _device(body) if isinstance(body, dict) else ""
    found = [_of_json(one, device) for one in told[:EVENTS_MAX] if isinstance(one, dict)]
    return [event for event in found if event is not None]


def _of_json(one: dict[str, Any], device: str) -> Event | None:
    base = one.get("EventBaseInfo")
    head = base if isinstance(base, dict) else one
    code = head.get("Code", head.get("code"))
    if type(code) is not str or not 0 < len(code.strip()) <= 64:
        return None
    action = head.get("Action", head.get("action", ""))
    index = _whole(head.get("Index", head.get("index")))
    data = one.get("Data", one.get("data", one))
    own = _device(one) or device
    return Event(
        code.strip(),
        action if type(action) is str else "",
        index,
        data if isinstance(data, dict) else {},
        own,
    )


def _device(told: dict[str, Any]) -> str:
    """What the hardware calls itself, where the message says so."""
    for key in ("PhysicalAddress", "MacAddress", "SerialNo", "SN", "DeviceID", "DeviceId"):
        name = told.get(key)
        if type(name) is str and 0 < len(name.strip()) <= 64:
            return name.strip()
    return ""


def _whole(value: Any) -> int | None:
    if type(value) is str and re.fullmatch(r"-?\d{1,9}", value.strip(), re.ASCII):
        return int(value)
    return value if type(value) is int and -(10**9) < value < 10**9 else None


def _flattened(text: str) -> list[Event]:
    """`Events[0].EventBaseInfo.Code=...`: each line one leaf; the numbers of inner arrays do not count."""
    trees: dict[str, dict[str, Any]] = {}
    for line in text.splitlines()[:_LINES_MAX]:
        leaf = _FLAT.match(line.strip())
        if leaf is None:
            continue
        path = [level.partition("[")[0] for level in leaf[2].split(".")][:_DEPTH_MAX]
        tree = trees.setdefault(leaf[1], {})
        for level in path[:-1]:
            inner = tree.setdefault(level, {})
            if not isinstance(inner, dict):
                break
            tree = inner
        else:
            tree.setdefault(path[-1], leaf[3].strip())
    found = [_of_json(tree, "") for tree in list(trees.values())[:EVENTS_MAX]]
    return [event for event in found if event is not None]
