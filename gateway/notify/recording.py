"""The channel that sends nothing: it keeps every notice, so demos, tests and simulations can see who was told what."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from gateway.notice import SENT, Client, Example, House, Notice, SendOutcome

FILE: Final = "recorded.jsonl"


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="recording"):
    """Needs no settings. `keep` notices stay in memory, `file_bytes_max` before the file starts anew (one is kept)."""

    keep: int = 1000
    file_bytes_max: int = 4_000_000


class Recorded(msgspec.Struct, frozen=True):
    """One line of the file: the notice as its receiver would have seen it, without an address. `at` is UTC ms."""

    at: int
    effect: str
    type: str
    mode: str
    site: str
    priority: int
    urgent: bool
    person: str | None
    language: str
    title: str
    short: str
    body: str
    link: str | None
    incident: str | None
    rev: int | None
    reason: str = ""


class RecordingClient:
    """Appends to `DATA/recorded.jsonl`. A disk that refuses loses the line, never the notice in memory."""

    def __init__(self, config: Config, house: House) -> None:
        self._config, self._path, self._now = config, house.data / FILE, house.utc_ms
        self._kept: deque[Recorded] = deque(maxlen=max(config.keep, 1))
        self.unwritten = 0

    def record(self, notice: Notice) -> None:
        row = _row(notice, self._now())
        self._kept.append(row)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            if self._path.exists() and self._path.stat().st_size >= self._config.file_bytes_max:
                self._path.replace(_older(self._path))
            with self._path.open("ab") as file:
                file.write(msgspec.json.encode(row) + b"\n")
        except OSError:
            self.unwritten += 1

    def recent(self, n: int = 100) -> list[Recorded]:
        """The last `n` notices of this process, newest first."""
        return list(self._kept)[: -n - 1 : -1] if n > 0 else []

    async def serve(self) -> None:
        return

    async def close(self) -> None:
        return


def open(config: Config, house: House) -> Client:  # noqa: A001 -- the name every channel module gives it
    """The client; the folder is made when the first notice comes."""
    return RecordingClient(config, house)


async def send(client: RecordingClient, notice: Notice) -> SendOutcome:
    """Keep it. Always succeeds: whoever is only recorded has been "told" as far as anybody ever will."""
    client.record(notice)
    return SENT


def recent(data: Path, n: int = 100) -> list[Recorded]:
    """The last `n` lines written by any process, newest first; what another process, the view, shows."""
    lines: list[bytes] = []
    for path in (_older(data / FILE), data / FILE):
        try:
            lines += path.read_bytes().splitlines()
        except OSError:
            continue  # not written yet
    found: list[Recorded] = []
    for line in reversed(lines):
        if len(found) >= n:
            break
        try:
            found.append(msgspec.json.decode(line, type=Recorded))
        except msgspec.DecodeError:
            continue  # the line a crash cut short
    return found


def example(example: Example) -> Mapping[str, Any]:
    """The line an example leaves in the file."""
    made: dict[str, Any] = json.loads(msgspec.json.encode(_row(example.notice, example.notice.at)))
    return made


def _row(notice: Notice, now: int) -> Recorded:
    incident = notice.incident or {}
    return Recorded(
        now, notice.effect, notice.type, notice.mode, notice.site, notice.priority, notice.urgent, notice.person,
        notice.language, notice.title, notice.short, notice.body, notice.link, incident.get("id"), incident.get("rev"),
        notice.reason,
    )  # fmt: skip


def _older(path: Path) -> Path:
    return path.with_suffix(".1.jsonl")


EXAMPLES: Final = (
    Example(
        "A simulated kitchen fire is kept, not sent",
        Config(),
        Notice(
            "81234.0", "notice.called", "simulated", "sunshine", 1, 1_795_115_529_000,
            "【模拟】火警 待核实：3号楼 1单元 5层 502 厨房",
            "【模拟】火警 待核实：3号楼1单元5层502 厨房 感烟报警，03:12:07。",
            "【模拟】火警 待核实：3号楼1单元5层502 厨房 感烟报警，03:12:07。", "zh-CN", True, "called", "p-grid-1",
        ),
        {
            "at": 1_795_115_529_000, "effect": "81234.0", "type": "notice.called", "mode": "simulated",
            "site": "sunshine", "priority": 1, "urgent": True, "person": "p-grid-1", "language": "zh-CN",
            "title": "【模拟】火警 待核实：3号楼 1单元 5层 502 厨房",
            "short": "【模拟】火警 待核实：3号楼1单元5层502 厨房 感烟报警，03:12:07。",
            "body": "【模拟】火警 待核实：3号楼1单元5层502 厨房 感烟报警，03:12:07。",
            "link": None, "incident": None, "rev": None, "reason": "called",
        },
    ),
)  # fmt: skip
