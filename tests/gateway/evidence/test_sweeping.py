"""How long pictures stay, what goes first when room is short, the proof of it, and the log of looks."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.evidence.looks import KEPT_MS, Look, Looks
from gateway.evidence.rows import DAY_MS
from gateway.evidence.store import Evidence
from gateway.evidence.sweeping import Sweeping
from gateway.proofs import Proofs
from gateway.retention import Retention
from tests.gateway.evidence.seen import CAMERA, NOW, event, files, keep

LOOK = Look("person:chen", "yard", "incident", "p1", CAMERA, "b1")


class Room:
    """An evidence folder with everything that deletes from it."""

    def __init__(self, data: Path, bytes_max: int = 10**9) -> None:
        self.evidence = Evidence(data / "evidence", bytes_max=bytes_max)
        self.looks, self.proofs = Looks(data / "looks.sqlite"), Proofs(data / "proofs.sqlite")
        self.sweeping = Sweeping(self.evidence, self.looks, self.proofs)

    def left(self) -> list[str]:
        """Ids of events that still have pictures."""
        return [e.id for e in reversed(self.evidence.events()) if self.evidence.pictures([e.id])]

    def said(self) -> list[dict[str, Any]]:
        """Bodies of the proof lines."""
        return [msgspec.json.decode(line.body) for line in self.proofs.lines()]

    def close(self) -> None:
        """Close every file."""
        self.evidence.close()
        self.looks.close()
        self.proofs.close()


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    made = Room(tmp_path)
    yield made
    made.close()


def test_pictures_go_after_thirty_days_with_a_proof(room: Room) -> None:
    """Not a moment before; then files and rows are gone, the event stays for the figures, a line says what went."""
    keep(room.evidence, event(priority=1))
    assert room.sweeping.sweep(NOW + 30 * DAY_MS - 1) == 0
    assert room.sweeping.sweep(NOW + 30 * DAY_MS) == 3
    assert files(room.evidence.folder) == []
    assert room.evidence.event(event().id) is not None
    (line,) = room.said()
    assert (line["store"], line["class"], line["rows"], line["reason"], line["by"]) == (
        "evidence", "pictures", 3, "evidence.expired", "retention",
    )  # fmt: skip
    assert line["points"] == [f"{event().id}-{moment}" for moment in ("before", "onset", "now")]
    assert room.proofs.broken_at() is None
    assert room.sweeping.sweep(NOW + 30 * DAY_MS) == 0
    room.sweeping.sweep(NOW + 367 * DAY_MS)
    assert room.evidence.event(event().id) is None


def test_a_legal_hold_keeps_them(room: Room) -> None:
    """While a case number stands beside an event nothing of it goes, neither by age nor for room."""
    keep(room.evidence, event())
    room.evidence.hold(event().id, "2025-0815")
    room.evidence.bytes_max = 1
    assert room.sweeping.sweep(NOW + 400 * DAY_MS) == 0
    room.evidence.hold(event().id, None)
    assert room.sweeping.sweep(NOW + 400 * DAY_MS) == 3


def test_room_is_made_from_false_alarms_first(room: Room) -> None:
    """Oldest false alarms, then what is not P1, then judged P1; a P1 nobody judged always stays."""
    seen = {
        "p1": event(NOW, priority=1), "p1_judged": event(NOW + 1, priority=1), "old": event(NOW + 2),
        "false_old": event(NOW + 3), "false_new": event(NOW + 4), "new": event(NOW + 5),
    }  # fmt: skip
    for one in seen.values():
        keep(room.evidence, one)
    for name, verdict in (("p1_judged", "true"), ("false_old", "false"), ("false_new", "false")):
        room.evidence.review(seen[name].id, verdict, "person:chen", NOW, NOW + DAY_MS)  # type: ignore[arg-type]  # three words
    order = []
    for _ in range(6):
        before = room.left()
        room.evidence.bytes_max = room.evidence.bytes()
        while room.left() == before and room.sweeping.room(NOW + 9):
            room.evidence.bytes_max = room.evidence.bytes()
        order += [name for name, one in seen.items() if one.id in before and one.id not in room.left()]
    assert order == ["false_old", "false_new", "old", "new", "p1_judged"]
    assert room.left() == [seen["p1"].id]
    assert {line["reason"] for line in room.said()} == {"evidence.room"}


def test_no_room_is_made_while_there_is_room(room: Room) -> None:
    """Below the bound nothing goes."""
    keep(room.evidence, event())
    assert room.sweeping.room(NOW) == 0
    assert room.said() == []


def test_a_deletion_that_was_cut_off_is_finished_with_its_line(room: Room) -> None:
    """The process died after the files went: the next sweep says so, once."""
    keep(room.evidence, event())
    removing = room.evidence.remove

    def cut_off(rows: Any) -> None:
        removing(rows[:1])
        raise OSError("gone")

    room.evidence.remove = cut_off  # type: ignore[method-assign, assignment]  # the disk goes away
    with pytest.raises(OSError, match="gone"):
        room.sweeping.sweep(NOW + 31 * DAY_MS)
    Retention(room.proofs, dict, (), lambda _: 30).sweep(
        NOW + 31 * DAY_MS
    )  # what others delete strikes out nothing
    room.evidence.remove = removing  # type: ignore[method-assign]  # and comes back
    room.sweeping.sweep(NOW + 31 * DAY_MS)
    assert [line["rows"] for line in room.said()] == [3]
    assert room.proofs.owed() == []
    assert files(room.evidence.folder) == []


def test_files_nobody_knows_are_removed_later(room: Room) -> None:
    """What a crash left beside the rows goes after an hour; what is just being written stays."""
    keep(room.evidence, event())
    folder = next(p for p in room.evidence.folder.iterdir() if p.is_dir())
    for name, age_s in (("old.jpg", 7_200), ("new.jpg", 10)):
        (folder / name).write_bytes(b"x")
        os.utime(folder / name, (NOW / 1000 - age_s, NOW / 1000 - age_s))
    room.sweeping.sweep(NOW)
    assert "old.jpg" not in files(room.evidence.folder)
    assert len(files(room.evidence.folder)) == 4


def test_looks_are_a_chain(room: Room) -> None:
    """Each line holds who, of which unit, why, what and when; a changed file is told."""
    for n in range(3):
        room.looks.add("look", LOOK, NOW + n)
    lines = room.looks.lines()
    assert msgspec.json.decode(lines[0].body) == {
        "who": "person:chen", "unit": "yard", "why": "incident", "what": "p1", "camera": CAMERA, "place": "b1",
        "by": "", "case": "",
    }  # fmt: skip
    assert [line.utc for line in lines] == [NOW, NOW + 1, NOW + 2]
    assert room.looks.broken_at() is None


def test_the_log_of_looks_cannot_be_changed(room: Room, tmp_path: Path) -> None:
    """The file refuses an update and an early deletion; who forces it leaves a broken chain."""
    for n in range(3):
        room.looks.add("look", LOOK, NOW + n)
    other = sqlite3.connect(tmp_path / "looks.sqlite")
    with pytest.raises(sqlite3.Error, match="never changed"):
        other.execute("UPDATE looks SET body = '{}'")
    with pytest.raises(sqlite3.Error, match="three years"):
        other.execute("DELETE FROM looks WHERE seq = 2")
    other.executescript("DROP TRIGGER three_years; DELETE FROM looks WHERE seq = 2;")
    other.close()
    assert room.looks.broken_at() == 3


def test_looks_stay_three_years(room: Room) -> None:
    """The oldest go after three years, the chain behind them holds, and the newest always stays."""
    for at in (NOW, NOW + DAY_MS, NOW + KEPT_MS + 2):
        room.looks.add("look", LOOK, at)
    assert room.looks.sweep(NOW + KEPT_MS) == 0
    assert room.looks.sweep(NOW + KEPT_MS + 2) == 1
    assert [line.seq for line in room.looks.lines()] == [2, 3]
    assert room.looks.broken_at() is None
    assert room.looks.sweep(NOW + 9 * KEPT_MS) == 1 - 1
    room.looks.add("look", LOOK, NOW + 9 * KEPT_MS)
    assert [line.seq for line in room.looks.lines()] == [2, 3, 4]
    assert room.looks.sweep(NOW + 9 * KEPT_MS) == 2
    assert room.looks.broken_at() is None
