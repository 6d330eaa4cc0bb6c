"""What the journal's tests share: rows, every event as a Hypothesis strategy, and a disk that can be bent."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from hypothesis import strategies as st

from devices.reading import Reading
from gateway.core.effect import AlarmChanged, AlarmDoc, Answered, Happened, Withdrawn
from gateway.core.event import (
    FORMAT,
    Acted,
    Clocked,
    Delivered,
    Event,
    Gap,
    Learned,
    Measured,
    Outcome,
    Quarantined,
    Replanned,
    Ticked,
    Verb,
)
from gateway.journal import Journal, RealDisk, Row

START = 1_795_266_000_000  # 2026-11-21T13:00:00Z: the beginning of an hour
HOUR = 3_600_000


def measured(n: int = 0, readings: int = 2) -> Measured:
    """A message of device `n`."""
    points = ("temperature", "humidity", "battery", "smoke_density", "rssi")[:readings]
    return Measured("s", [Reading(f"s:dev{n}/{p}/", 20.5 + n, START + n, 8) for p in points])


def row(
    first: int, events: Sequence[Event] | int = 1, *, at: int = START, offset_ms: int = 0, results: int = 0
) -> Row:
    """A row from `first` on, of these events, or of so many messages, one millisecond apart."""
    these = [measured(first + i) for i in range(events)] if isinstance(events, int) else events
    happened = [Happened(first, Withdrawn([f"{first}.{n}"])) for n in range(results)]
    return Row(FORMAT, first, offset_ms, [(at + i, e) for i, e in enumerate(these)], happened)


def act(n: int = 0, *, at: int = START, args: dict[str, object] | None = None) -> tuple[Row, Acted]:
    """A row that begins at `n` with a person's act and its answer."""
    acted = Acted(f"key{n}", "li", [("operator", "p1")], Verb.TAKE, "20261121-0001", 4, args or {})
    return Row(FORMAT, n, 0, [(at, acted)], [Happened(n, Answered(f"key{n}", True, "ok", 5))]), acted


class BentDisk(RealDisk):
    """A disk on which `trouble` happens at the stage it is filed under, once for each time it is listed."""

    def __init__(self, synchronous: str = "OFF") -> None:
        self.synchronous = synchronous
        self.trouble: dict[str, list[BaseException]] = {}
        self.stages: list[str] = []
        self.free = 1 << 40

    def reached(self, stage: str) -> None:
        self.stages.append(stage)
        if self.trouble.get(stage):
            raise self.trouble[stage].pop(0)

    def free_bytes(self, folder: Path) -> int:
        return self.free


class PowerCut(BaseException):
    """The death of the process, where a test wants it."""


def disk_full() -> sqlite3.Error:
    """What SQLite raises when nothing more fits."""
    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorcode = sqlite3.SQLITE_FULL
    return error


def opened(folder: Path, disk: BentDisk | None = None, bound_bytes: int = 1 << 40) -> Journal:
    """A journal that is open, on a disk that loses nothing but is not waited for."""
    journal = Journal(folder, bound_bytes=bound_bytes, disk=disk or BentDisk())
    journal.open()
    return journal


def seqs(rows: Sequence[Row]) -> list[int]:
    """Every seq the rows hold, in order."""
    return [seq for r in rows for seq in range(r.first, r.last + 1)]


def spoil(path: Path, page: int, pages: int = 1) -> None:
    """Overwrite pages of a file with noise, page 0 being the first, negative ones counting from the end."""
    with path.open("r+b") as file:
        size = path.stat().st_size // 4096
        file.seek((page % size) * 4096)
        file.write(b"\xa5" * 4096 * pages)


# ---- every event there is

_text = st.text(st.characters(codec="utf-8"), max_size=12)
_int = st.integers(-(2**63), 2**63 - 1)
_float = st.floats(allow_nan=False)
_plain = st.recursive(
    st.none() | st.booleans() | _int | _float | _text | st.binary(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_text, inner, max_size=3),
    max_leaves=6,
)
_ms = st.integers(0, 2**48)
readings = st.builds(
    Reading, _text, st.none() | st.booleans() | _int | _float | _text, st.none() | _ms, st.integers(0, 127)
)
_kinds: dict[type, st.SearchStrategy[Event]] = {
    Measured: st.builds(
        Measured,
        _text,
        st.lists(readings, max_size=4),
        st.none() | _text,
        st.integers(0, 2**32 - 1),
        st.booleans(),
    ),
    Learned: st.builds(Learned, _text, _text, _text, _plain),
    Quarantined: st.builds(Quarantined, _text, _text, _text, st.binary(max_size=20), st.integers(0, 2**32)),
    Acted: st.builds(
        Acted,
        _text,
        _text,
        st.lists(st.tuples(_text, _text), max_size=2),
        st.sampled_from(Verb),
        _text,
        st.none() | st.integers(0, 2**31),
        st.dictionaries(_text, _plain, max_size=3),
    ),
    Delivered: st.builds(Delivered, _text, st.sampled_from(Outcome), _text, st.integers(0, 99)),
    Ticked: st.builds(Ticked),
    Replanned: st.builds(Replanned, _text),
    Gap: st.builds(Gap, st.none() | _text, _ms, _ms, _text),
    Clocked: st.builds(Clocked, st.integers(-(2**40), 2**40), _text),
}
events = st.one_of(*_kinds.values())
KINDS = frozenset(_kinds)


@st.composite
def rows(draw: st.DrawFn) -> Row:
    """Any row: every kind of event, in any order, with results."""
    first = draw(st.integers(1, 2**53))
    stamped: list[tuple[int, Event]] = []
    at = draw(st.integers(0, 2**44))
    for event in draw(st.lists(events, min_size=1, max_size=8)):
        at += draw(st.integers(0, 1000))
        stamped.append((at, event))
    changed = AlarmChanged(
        AlarmDoc("a", "s", "r", "d/m/", "d", "m", "", "p", "fire", 1, "UNACK", at, True, None, None)
    )
    seq = st.integers(first, first + len(stamped) - 1)
    happened = draw(
        st.lists(
            st.builds(Happened, seq, st.just(changed) | st.builds(Withdrawn, st.lists(_text))), max_size=2
        )
    )
    return Row(FORMAT, first, draw(st.integers(-(2**40), 2**40)), stamped, happened)
