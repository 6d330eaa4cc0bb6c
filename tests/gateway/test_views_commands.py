"""Commands in the views: the last word on each, newest first, and old files brought up."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from gateway.core.effect import CommandChanged, CommandDoc, Happened
from gateway.core.event import Ticked
from gateway.journal import Row
from gateway.views import Views
from gateway.views.tables import SCHEMA

AT = 1_795_276_800_000


def doc(name: str, state: str = "requested", at: int = AT, device: str = "s:valve") -> CommandDoc:
    return CommandDoc(name, device, "valve_close", "p1", "h502", "site", "live", state, at, 1)


def row(seq: int, *docs: CommandDoc) -> Row:
    happened = [Happened(seq, CommandChanged(d)) for d in docs]
    return Row(1, seq, 0, [(AT, Ticked())], happened)


def test_the_last_word_counts(tmp_path: Path) -> None:
    """Each change replaces the one before, rows read again change nothing, and other devices' are apart."""
    views = Views(tmp_path / "views.sqlite")
    rows = [
        row(1, doc("c1.0")),
        row(2, doc("c2.0", at=AT + 1), doc("c3.0", device="s:siren")),
        row(3, doc("c1.0", "sent")),
    ]
    changes = views.apply(rows)
    assert [c.doc.id for c in changes] == ["c1.0", "c2.0", "c3.0", "c1.0"]
    assert views.apply(rows) == []
    assert [(c.id, c.state) for c in views.commands("s:valve", 10)] == [
        ("c2.0", "requested"),
        ("c1.0", "sent"),
    ]
    assert [c.id for c in views.recent_commands(AT + 1, 10)] == ["c2.0"]
    assert views.sweep(AT + 500 * 86_400_000, 400) == 3
    assert views.commands("s:valve", 10) == []
    views.close()


def test_views_of_the_first_version_are_brought_up(tmp_path: Path) -> None:
    """A file without the table gets it, and goes on where it was."""
    path = tmp_path / "views.sqlite"
    connection = sqlite3.connect(path)
    connection.executescript(f"{SCHEMA} UPDATE cursor SET seq = 41; PRAGMA user_version = 1;")
    connection.close()
    views = Views(path)
    assert views.applied_seq == 41
    views.apply([row(42, doc("c1.0"))])
    assert [c.id for c in views.commands("s:valve", 10)] == ["c1.0"]
    views.close()
    assert Views(path).applied_seq == 42
