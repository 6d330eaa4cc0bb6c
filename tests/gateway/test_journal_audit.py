"""The audit chain: what leaves a row, what never stands in it, and that nobody changes it unseen."""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.core.effect import Answered, Happened
from gateway.core.event import (
    FORMAT,
    Clocked,
    Delivered,
    Event,
    Gap,
    Learned,
    Outcome,
    Quarantined,
    Replanned,
    Ticked,
)
from gateway.journal import Journal, JournalReader, Row
from tests.gateway.journals import HOUR, START, BentDisk, PowerCut, act, measured, opened, row


def bodies(folder: Path) -> list[tuple[int, str, dict[str, object]]]:
    """Seq, kind and facts of every audit row."""
    return [(r.seq, r.kind, json.loads(r.body)) for r in JournalReader(folder).audit()]


def test_acts_answers_plans_deliveries_gaps_and_clocks_leave_a_row(tmp_path: Path) -> None:
    """What people and the gateway did is audited, what devices said is not."""
    _, acted = act()
    events: list[Event] = [
        measured(),
        acted,
        Learned("c", "s", "k", 1),
        Replanned("abc"),
        Ticked(),
        Delivered("7.0", Outcome.SENT, "200", 2),
        Quarantined("s", "t", "r", b"", 0),
        Gap("s", 1, 2, "link"),
        Clocked(5, "utc_ahead"),
    ]
    journal = opened(tmp_path)
    answered = Happened(11, Answered("key0", False, "not_found", None))
    journal.append(Row(FORMAT, 10 - 9, 0, [(START, Ticked())] * 9, []))
    journal.append(Row(FORMAT, 10, 0, [(START, e) for e in events], [answered]))
    journal.close()
    assert bodies(tmp_path) == [
        (
            11,
            "acted",
            {
                "user": "li",
                "verb": "take",
                "target": "20261121-0001",
                "version": 4,
                "key": "key0",
                "grants": [["operator", "p1"]],
                "args": {},
                "ok": False,
                "code": "not_found",
                "rev": None,
            },
        ),
        (13, "replanned", {"digest": "abc"}),
        (15, "delivered", {"effect": "7.0", "outcome": "sent", "detail": "200", "tries": 2}),
        (17, "gap", {"source": "s", "since": 1, "until": 2, "reason": "link"}),
        (18, "clocked", {"offset_ms": 5, "reason": "utc_ahead"}),
    ]
    assert [r.utc for r in JournalReader(tmp_path).audit(17)] == [START + 5]


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("false", True),
        ("cooking", True),
        ("note-01HZX3K9", True),
        (1_795_266_000_000, True),
        (None, True),
        (True, True),
        (0.5, True),
        ("王阿姨说是炒菜", False),
        ("she said it was cooking", False),
        ("13800138000", False),
        (13800138000, False),
        ("+8613800138000", False),
        ("call:010-62345678", False),
        ("x" * 65, False),
        (["a", "list"], False),
        ({"a": "map"}, False),
    ],
)
def test_text_and_phone_numbers_are_withheld(tmp_path: Path, value: object, kept: bool) -> None:
    """The audit is kept for good, so it holds identifiers and numbers only; ids of people pass, whatever they are."""
    journal = opened(tmp_path)
    journal.append(act(1, args={"reason": value, "person": "王", "a key of text": 1})[0])
    journal.close()
    ((_, _, facts),) = bodies(tmp_path)
    assert facts["args"] == {"reason": value if kept else "withheld", "person": "王"}


def test_a_phone_number_in_a_delivery_is_withheld(tmp_path: Path) -> None:
    """A gateway that answers with the number it dialled does not get it into the audit."""
    journal = opened(tmp_path)
    journal.append(row(1, [Delivered("1.0", Outcome.FAILED, "busy: 13800138000 line 2")]))
    journal.close()
    ((_, _, facts),) = bodies(tmp_path)
    assert facts["detail"] == "busy: withheld line 2"


def test_the_chain_is_what_its_page_says(tmp_path: Path) -> None:
    """Anybody with SHA-256 and JSON can follow the chain from 32 zero bytes."""
    chain(tmp_path)
    tip = bytes(32)
    rows = JournalReader(tmp_path).audit()
    for r in rows:
        text = json.dumps([r.seq, r.utc, r.kind, r.body], ensure_ascii=False, separators=(",", ":"))
        assert r.previous == tip.hex()
        tip = hashlib.sha256(tip + text.encode()).digest()
        assert r.hash == tip.hex()
    check = JournalReader(tmp_path).verify_audit()
    assert (check.ok, check.rows, check.tip) == (True, len(rows), tip.hex())


def chain(folder: Path, *, hours: int = 4, sweep: bool = True) -> None:
    """Ten acts over some hours with measurements between; all hours but the last copied to `audit.sqlite`."""
    journal = opened(folder)
    for n in range(10):
        first = 1 + 3 * n
        acted = act(first)[1]
        journal.append(row(first, [measured(n), acted, measured(n)], at=START + n * hours * HOUR // 10))
    if sweep:
        journal.sweep(0)
    journal.close()


def test_an_empty_audit_is_whole(tmp_path: Path) -> None:
    """No rows, nothing to object to."""
    opened(tmp_path).close()
    check = JournalReader(tmp_path).verify_audit()
    assert (check.ok, check.rows) == (True, 0)
    assert JournalReader(tmp_path).audit() == []


def test_the_audit_is_read_in_pages(tmp_path: Path) -> None:
    """`after` and `limit` walk over copied and open hours without a row twice or missing."""
    chain(tmp_path)
    reader = JournalReader(tmp_path)
    got: list[int] = []
    while page := reader.audit(got[-1] if got else 0, 3):
        assert len(page) <= 3
        got += [r.seq for r in page]
    assert got == list(range(2, 30, 3))


def change(r: sqlite3.Connection, seq: int) -> None:
    r.execute("UPDATE audit SET body = replace(body, 'li', 'wu') WHERE seq = ?", (seq,))


def change_time(r: sqlite3.Connection, seq: int) -> None:
    r.execute("UPDATE audit SET utc = utc + 1 WHERE seq = ?", (seq,))


def take(r: sqlite3.Connection, seq: int) -> None:
    r.execute("DELETE FROM audit WHERE seq = ?", (seq,))


def add(r: sqlite3.Connection, seq: int) -> None:
    """A row between two others, forged well: it follows the one before it, and its own hash is right."""
    (previous,) = r.execute(
        "SELECT hash FROM audit WHERE seq < ? ORDER BY seq DESC LIMIT 1", (seq,)
    ).fetchone() or (bytes(32),)
    text = json.dumps([seq, START, "gap", "{}"], separators=(",", ":"))
    digest = hashlib.sha256(previous + text.encode()).digest()
    r.execute("INSERT INTO audit VALUES (?, ?, 'gap', '{}', ?, ?)", (seq, START, previous, digest))


@pytest.mark.parametrize("seq", [2, 8, 14, 26])
@pytest.mark.parametrize(
    ("tamper", "said"), [(change, "changed"), (change_time, "changed"), (take, "missing")]
)
def test_a_changed_or_missing_row_is_named(
    tmp_path: Path, tamper: Callable[[sqlite3.Connection, int], None], said: str, seq: int
) -> None:
    """First, middle and newest rows, copied or not: verify says what happened to which seq."""
    chain(tmp_path)
    for path in (tmp_path / "audit.sqlite", *tmp_path.glob("2026*.sqlite")):
        with contextlib.closing(sqlite3.connect(path)) as connection, connection:
            tamper(connection, seq)
    check = JournalReader(tmp_path).verify_audit()
    assert (check.ok, check.problem, check.seq) == (False, said, seq)


def test_the_newest_row_taken_away_is_missed(tmp_path: Path) -> None:
    """Also the last row of all, behind which no other points at it."""
    chain(tmp_path)
    last = max(tmp_path.glob("2026*.sqlite"))
    with contextlib.closing(sqlite3.connect(last)) as connection, connection:
        take(connection, 29)
    check = JournalReader(tmp_path).verify_audit()
    assert (check.ok, check.problem, check.seq) == (False, "missing", 29)


@pytest.mark.parametrize("seq", [1, 3, 9, 13])
def test_an_inserted_row_is_named(tmp_path: Path, seq: int) -> None:
    """A forged row that fits the one before it does not fit the one behind it."""
    chain(tmp_path)
    with contextlib.closing(sqlite3.connect(tmp_path / "audit.sqlite")) as connection, connection:
        add(connection, seq)
    check = JournalReader(tmp_path).verify_audit()
    assert (check.ok, check.problem, check.seq) == (False, "inserted", seq)


def test_a_missing_row_of_unlinked_hours_is_named_by_the_first_seq_it_can_have(tmp_path: Path) -> None:
    """Where the journal itself is gone, nobody knows better than between which seqs."""
    chain(tmp_path)
    for path in sorted(tmp_path.glob("2026*.sqlite"))[:-1]:
        path.unlink()
    with contextlib.closing(sqlite3.connect(tmp_path / "audit.sqlite")) as connection, connection:
        take(connection, 8)
    check = JournalReader(tmp_path).verify_audit()
    assert (check.problem, check.seq) == ("missing", 6)


@pytest.mark.parametrize("times", [1, 2])
def test_a_crash_while_copying_copies_exactly_once(tmp_path: Path, times: int) -> None:
    """Dying before the copy's commit, once or twice, neither loses nor doubles an audit row."""
    chain(tmp_path, sweep=False)
    disk = BentDisk()
    disk.trouble["copy"] = [PowerCut()] * times
    for _ in range(times):
        journal = Journal(tmp_path, disk=disk)
        with pytest.raises(PowerCut):
            journal.open()
    journal = Journal(tmp_path, disk=disk)
    journal.open()
    journal.append(act(31, at=START + 9 * HOUR)[0])
    journal.sweep(0)
    journal.sweep(0)
    journal.close()
    assert [r.seq for r in JournalReader(tmp_path).audit()] == [*range(2, 30, 3), 31]
    assert JournalReader(tmp_path).verify_audit().ok


def test_a_lost_audit_file_is_filled_again_from_the_hours(tmp_path: Path) -> None:
    """Damage to `audit.sqlite` is set aside and named, and the hours that are still here make a new one."""
    chain(tmp_path)
    (tmp_path / "audit.sqlite").write_bytes(b"no database" * 999)
    journal = Journal(tmp_path, disk=BentDisk())
    assert journal.open().damaged == ["audit.sqlite.damaged"]
    assert JournalReader(tmp_path).verify_audit().ok
    assert len(JournalReader(tmp_path).audit()) == 10
    journal.close()


def test_an_audit_lost_with_its_hours_never_looks_whole_again(tmp_path: Path) -> None:
    """When nothing is left to go on from, the chain that begins anew says that something is missing before it."""
    journal = opened(tmp_path)
    journal.append(act(1)[0])
    journal.append(row(2, at=START + HOUR))
    journal.sweep(0)
    journal.close()
    min(tmp_path.glob("2026*.sqlite")).unlink()
    (tmp_path / "audit.sqlite").write_bytes(b"no database" * 999)
    journal = opened(tmp_path)
    journal.append(act(3, at=START + 2 * HOUR)[0])
    journal.close()
    check = JournalReader(tmp_path).verify_audit()
    assert (check.ok, check.problem) == (False, "missing")


def test_audit_damaged_while_running_is_set_aside_by_the_sweep(tmp_path: Path) -> None:
    """A sweep that finds `audit.sqlite` or a closed hour unreadable names it and goes on."""
    journal = opened(tmp_path)
    for n in range(1, 5):
        journal.append(act(n, at=START + n * HOUR)[0])
    journal.sweep(0)
    (tmp_path / "audit.sqlite").write_bytes(b"no database" * 999)
    for n in range(5, 9):
        journal.append(act(n, at=START + n * HOUR)[0])
    closed = sorted(tmp_path.glob("2026*.sqlite"))[-3]
    closed.with_name(closed.name + "-wal").unlink(missing_ok=True)
    closed.write_bytes(b"no database" * 999)
    journal.sweep(0)
    assert sorted(journal.damaged) == sorted(["audit.sqlite.damaged", f"{closed.name}.damaged"])
    journal.append(act(9, at=START + 9 * HOUR)[0])
    journal.close()
    check = JournalReader(tmp_path).verify_audit()
    assert (check.problem, check.seq) == ("missing", 6)
