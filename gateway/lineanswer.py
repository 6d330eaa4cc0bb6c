"""What servers of line protocol say when they do not take a request: which lines are bad, what may pass, how long."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

_REFUSED: Final = frozenset((400, 422))  # the request was understood and something in it will never be taken
_TOO_LARGE: Final = 413
_WAIT_MAX_S: Final = 300  # nobody may send us away for longer

# InfluxDB 1.x and 2.x: "partial write: field type conflict: ... dropped=3"; the other lines of the request are in.
_DROPPED: Final = re.compile(r"partial write:.* dropped=(\d+)", re.DOTALL)
# InfluxDB Cloud Serverless: "error parsing line 2 (1-based): ..."
_NUMBERED: Final = re.compile(r"line (\d+) \(1-based\): ([^\n\"]*)")


class Refusal(msgspec.Struct, frozen=True):
    """A request that will not be taken as it is.

    `bad` holds the places of lines that the server named, each with its reason; the others of the request may be in or
    not. `dropped` is how many it left out where it took the others (0: it did not say).
    """

    why: str
    bad: Mapping[int, str] = {}
    dropped: int = 0
    too_large: bool = False


class _Line(msgspec.Struct):
    line_number: int = 0
    original_line: str = ""
    error_message: str = ""


def refusal(status: int | None, reason: str | None, body: object, lines: Sequence[str]) -> Refusal | None:
    """What is wrong with the request of these lines; None where the answer does not speak of them.

    InfluxDB 3 answers a partial write with 400 and `{"error": ..., "data": [{"line_number": 2 (from 1),
    "original_line": ..., "error_message": ...}]}` (docs.influxdata.com, influxdb3/core/write-data/troubleshoot); a
    number counts only where that line begins as the server says.
    """
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body or "")
    why = f"{status} {reason}: {' '.join(text.split())[:300]}"
    if status == _TOO_LARGE:
        return Refusal(why, too_large=True) if len(lines) > 1 else None
    if status not in _REFUSED:
        return None
    dropped = _DROPPED.search(text)
    return Refusal(why, _named(text, status, lines), int(dropped[1]) if dropped else 0)


def retry_after_ms(headers: Mapping[str, str] | None) -> int | None:
    """What the server asked for, in seconds, within reason; None where it did not, or not in a number."""
    asked = (headers or {}).get("Retry-After", "")
    return min(int(asked), _WAIT_MAX_S) * 1_000 if asked.isascii() and asked.isdigit() else None


def _named(text: str, status: int | None, lines: Sequence[str]) -> dict[int, str]:
    bad: dict[int, str] = {}
    for line in _data(text):
        place = line.line_number - 1
        begins = line.original_line[:60]
        if 0 <= place < len(lines) and begins and lines[place].startswith(begins):
            bad[place] = f"{status} {' '.join(line.error_message.split())[:300]}"
    if not bad:
        for number, why in _NUMBERED.findall(text):
            if 1 <= int(number) <= len(lines):
                bad[int(number) - 1] = f"{status} {' '.join(why.split())[:300]}"
    return bad


def _data(text: str) -> list[_Line]:
    try:
        said: Any = msgspec.json.decode(text)
        data = said.get("data") if isinstance(said, dict) else None
        return msgspec.convert(data if isinstance(data, list) else [data], list[_Line])
    except msgspec.MsgspecError:
        return []
