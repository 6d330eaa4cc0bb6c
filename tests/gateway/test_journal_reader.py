"""Followers: another process reads what was committed, in order, whatever happens to the files under it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import JournalError
from gateway.journal import JournalReader
from tests.gateway.journals import HOUR, START, BentDisk, act, measured, opened, row, seqs, spoil

ROOT = Path(__file__).parent.parent.parent


def follow(reader: JournalReader, cursor: int, limit: int = 64) -> list[int]:
    """Every seq behind the cursor, read call by call."""
    got: list[int] = []
    while found := reader.rows(cursor, limit):
        got += seqs(found)
        cursor = got[-1]
    return got


def test_an_empty_journal_has_nothing_to_read(tmp_path: Path) -> None:
    """Before the first row there is no row, no last seq, and the first that may come is 1."""
    reader = JournalReader(tmp_path)
    journal = opened(tmp_path)
    assert (reader.rows(0), reader.last_seq(), reader.oldest_seq()) == ([], 0, 1)
    journal.append(row(1, 3))
    assert (seqs(reader.rows(0)), reader.last_seq(), reader.oldest_seq()) == ([1, 2, 3], 3, 1)
    journal.close()


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    """A reader without a journal raises JournalError, so the follower waits and tries again."""
    reader = JournalReader(tmp_path / "nowhere")
    for ask in (reader.last_seq, reader.oldest_seq, lambda: reader.rows(0)):
        with pytest.raises(JournalError, match="missing"):
            ask()
    with pytest.raises(ValueError, match="limit"):
        reader.rows(0, 0)


@settings(max_examples=25)
@given(
    st.lists(
        st.tuples(st.integers(1, 5), st.sampled_from([1, 60_000, HOUR // 2, HOUR, 5 * HOUR])),
        min_size=1,
        max_size=12,
    ),
    st.integers(1, 4),
    st.data(),
)
def test_every_event_behind_any_cursor_is_read_once(
    tmp_path_factory: pytest.TempPathFactory,
    story: list[tuple[int, int]],
    limit: int,
    data: st.DataObject,
) -> None:
    """From any cursor, with any limit, live or later: all seqs behind it, in order, none twice."""
    folder = tmp_path_factory.mktemp("journal")
    journal = opened(folder)
    reader = JournalReader(folder)
    last, at, live = 0, START, 0
    for count, wait in story:
        at += wait
        journal.append(row(last + 1, count, at=at))
        last += count
        if data.draw(st.booleans()):
            got = follow(reader, live, limit)
            assert got == list(range(live + 1, last + 1))
            live = last
    assert reader.last_seq() == last
    assert reader.oldest_seq() == 1
    cursor = data.draw(st.integers(0, last))
    assert follow(reader, cursor, limit) == list(range(cursor + 1, last + 1))
    journal.close()
    assert follow(JournalReader(folder), cursor, limit) == list(range(cursor + 1, last + 1))


def test_results_come_with_the_events_that_led_to_them(tmp_path: Path) -> None:
    """A cut row brings only the results of the events it still has."""
    journal = opened(tmp_path)
    journal.append(row(1, 3, results=2))
    reader = JournalReader(tmp_path)
    assert len(reader.rows(0)[0].happened) == 2
    assert reader.rows(1)[0].happened == []
    journal.close()


def test_a_reader_that_fell_behind_the_oldest_hour_can_tell(tmp_path: Path) -> None:
    """Hours are unlinked under an open reader: it reads on from the oldest, and sees that it missed some."""
    journal = opened(tmp_path, bound_bytes=1)
    reader = JournalReader(tmp_path)
    journal.append(row(1, 5))
    assert seqs(reader.rows(0, 1)) == [1, 2, 3, 4, 5]
    for n in range(1, 6):
        journal.append(row(1 + n * 5, 5, at=START + n * HOUR))
    journal.save_snapshot(30, b"s")
    assert journal.sweep(30)
    assert reader.oldest_seq() == 26
    (found,) = reader.rows(5)
    assert found.first == 26
    assert reader.last_seq() == 30
    journal.close()


def test_a_file_that_goes_between_the_look_and_the_open_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader that listed an hour which is gone when it opens it goes on with the next."""
    journal = opened(tmp_path)
    journal.append(row(1))
    journal.append(row(2, at=START + HOUR))
    reader = JournalReader(tmp_path)
    files = reader._listing()
    journal.close()
    files[0].path.unlink()
    monkeypatch.setattr(reader, "_listing", lambda: files)  # the race, held still
    assert seqs(reader.rows(0)) == [2]
    assert reader.oldest_seq() == 2


def test_a_file_replaced_under_the_reader_is_opened_anew(tmp_path: Path) -> None:
    """When a start salvages the hour a reader has open, the reader goes on in the new file of that name."""
    journal = opened(tmp_path)
    for n in range(1, 200):
        journal.append(row(n * 10 - 9, [measured(n * 77 + i, 5) for i in range(10)]))
    journal.close()
    reader = JournalReader(tmp_path)
    cursor = follow(reader, 0)[-1]
    (path,) = tmp_path.glob("2026*.sqlite")
    spoil(path, path.stat().st_size // 8192)
    journal = opened(tmp_path)
    assert journal.damaged
    journal.append(row(1991))
    assert follow(reader, cursor) == [1991]
    journal.close()


def test_a_damaged_row_is_passed_over_and_named(tmp_path: Path) -> None:
    """A follower does not stop at a row nobody can read; it sees the hole in the seqs and the place in `skipped`."""
    journal = opened(tmp_path)
    for n in range(1, 4):
        journal.append(row(n))
    connection = journal._connection
    assert connection is not None
    connection.execute("UPDATE rows SET offset_ms = 7 WHERE first = 2")
    reader = JournalReader(tmp_path)
    assert [r.first for r in reader.rows(0)] == [1, 3]
    assert reader.rows(1)[0].first == 3
    assert ["row 2" in s for s in reader.skipped] == [True]
    journal.close()


def test_a_damaged_file_is_passed_over_and_named(tmp_path: Path) -> None:
    """An hour that is no database any more costs its rows and no others."""
    journal = opened(tmp_path)
    for n in range(3):
        journal.append(row(n + 1, at=START + n * HOUR))
    journal.close()
    middle = sorted(tmp_path.glob("2026*.sqlite"))[1]
    middle.write_bytes(b"rubbish" * 1000)
    reader = JournalReader(tmp_path)
    assert follow(reader, 0) == [1, 3]
    assert any(middle.name in s for s in reader.skipped)


def test_what_a_killed_writer_left_half_done_is_undone_for_the_reader(tmp_path: Path) -> None:
    """A closed hour whose writer died in the middle of a change reads as before it, with no writer to help."""
    journal = opened(tmp_path)
    for n in range(1, 201):
        journal.append(row(n * 10 - 9, [measured(n * 77 + i, 5) for i in range(10)]))
    journal.append(row(2001, at=START + HOUR))
    journal.sweep(0)
    journal.close()
    closed = min(tmp_path.glob("2026*.sqlite"))
    code = (
        "import os, sqlite3, sys\n"
        "connection = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "connection.execute('PRAGMA cache_size = 1')\n"
        "connection.execute('BEGIN')\n"
        "connection.execute('UPDATE rows SET blob = zeroblob(3000)')\n"
        "os._exit(0)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(closed)], check=True)
    assert closed.with_name(f"{closed.name}-journal").stat().st_size > 0
    reader = JournalReader(tmp_path)
    assert follow(reader, 0) == list(range(1, 2002))
    assert not reader.skipped


def test_a_stopped_reader_never_holds_up_the_writer(tmp_path: Path) -> None:
    """A reader in another process that stopped between two calls lets appends, checkpoints and hours go on."""
    journal = opened(tmp_path, BentDisk("FULL"))
    journal.append(row(1))
    code = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from gateway.journal import JournalReader\n"
        "reader = JournalReader(Path(sys.argv[1])); reader.rows(0)\n"
        "print('read', flush=True); sys.stdin.readline()\n"
        "cursor, got = 1, 1\n"
        "while found := reader.rows(cursor):\n"
        "    assert found[0].first == cursor + 1\n"
        "    cursor = found[-1].last\n"
        "print(cursor, flush=True)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
    ) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        assert other.stdout.readline() == b"read\n"
        for n in range(1, 101):
            journal.append(
                row(n * 20 - 18, [measured(n * 99 + i, 5) for i in range(20)], at=START + n * HOUR // 40)
            )
            journal.tidy()
        journal.sweep(0)
        logs = sorted(tmp_path.glob("*-wal"), key=lambda p: p.name)
        assert all(p.stat().st_size < 1 << 20 for p in logs)
        other.stdin.write(b"\n")
        other.stdin.flush()
        assert other.stdout.readline() == b"2001\n"
    journal.close()


def test_the_audit_of_a_journal_in_use_can_be_followed(tmp_path: Path) -> None:
    """Reading the audit while it is written and copied gives every row once."""
    journal = opened(tmp_path)
    got: list[int] = []
    for n in range(1, 30):
        journal.append(act(n, at=START + n * HOUR // 4)[0])
        if n % 5 == 0:
            journal.sweep(0)
        if n % 3 == 0:
            got += [r.seq for r in JournalReader(tmp_path).audit(got[-1] if got else 0)]
    assert got == list(range(1, 28))
    journal.close()
