"""Journals of every format that was ever written load for ever."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec

from gateway.core.event import Ticked
from gateway.journal import Journal, JournalReader, Row
from tests.golden import make_journal_v1 as v1

GOLDEN = Path(__file__).parent.parent / "golden"


def test_format_1_loads(tmp_path: Path) -> None:
    """Events, results, snapshot, plan, audit and the clean end of the golden journal come back as they were written."""
    folder = tmp_path / "journal"
    shutil.copytree(GOLDEN / "journal-v1", folder)
    journal = Journal(folder)
    found = journal.open()
    assert (found.snapshot, found.snapshot_seq, found.clean) == (v1.SNAPSHOT, 6, True)
    assert (found.last_seq, found.last_at, found.offset_ms) == (30, v1.START + v1.HOUR + 3, -250)
    assert (found.damaged, found.holes) == ([], [])
    # As bytes, because sequences come back as lists, also where a default is an empty tuple.
    assert [msgspec.msgpack.encode(r) for r in journal.rows_after(0)] == [
        msgspec.msgpack.encode(r) for r in v1.rows()
    ]
    assert journal.plan(v1.PLAN) == b"a plan"
    reader = JournalReader(folder)
    assert [(r.seq, r.kind) for r in reader.audit()] == [
        (1, "replanned"),
        (6, "gap"),
        (27, "acted"),
        (28, "clocked"),
        (29, "delivered"),
        (30, "gap"),
    ]
    check = reader.verify_audit()
    assert check.ok
    assert check.tip == (GOLDEN / "journal-v1" / "audit-tip").read_text().strip()
    journal.append(Row(1, 31, -250, [(found.last_at, Ticked())], []))
    journal.close()
