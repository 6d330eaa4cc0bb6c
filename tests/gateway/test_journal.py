"""The journal's writer: durable on return, in order, one process, an hour a file; what a start finds."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.reading import Reading
from gateway.core.event import FORMAT, Clocked, Measured, Quarantined, Ticked
from gateway.errors import JournalBusy, JournalDamaged, JournalNewer
from gateway.journal import Journal, JournalReader, RealDisk, Row
from gateway.journal.snapshots import PLANS_KEPT, SNAPSHOTS_KEPT
from tests.gateway.journals import HOUR, START, BentDisk, opened, row, rows, seqs


def test_a_first_start_is_clean_and_empty(tmp_path: Path) -> None:
    """A new folder is made and holds nothing."""
    found = Journal(tmp_path / "deep" / "journal").open()
    assert (found.snapshot, found.last_seq, found.last_at, found.offset_ms) == (None, 0, 0, 0)
    assert (found.clean, found.damaged, found.holes) == (True, [], [])


@settings(max_examples=30)
@given(st.lists(rows(), min_size=1, max_size=5))
def test_what_was_appended_is_there_at_the_next_start(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[Row]
) -> None:
    """Rows come back equal and in order, with the last stamp and the offset in force after it."""
    folder = tmp_path_factory.mktemp("journal")
    journal = opened(folder)
    first = 1
    written = []
    for a_row in drawn:
        happened = [type(h)(h.seq - a_row.first + first, h.result) for h in a_row.happened]
        written.append(Row(FORMAT, first, a_row.offset_ms, a_row.events, happened))
        journal.append(written[-1])
        first = written[-1].last + 1
    journal.close()
    again = Journal(folder, disk=BentDisk())
    found = again.open()
    assert list(again.rows_after(0)) == written
    assert found.last_seq == written[-1].last
    assert found.last_at == written[-1].events[-1][0]
    assert not found.clean
    again.close()


def test_the_offset_after_the_last_row_is_recovered(tmp_path: Path) -> None:
    """A Clocked in the last row decides the offset, not what the row began with."""
    journal = opened(tmp_path)
    journal.append(row(1, [Ticked(), Clocked(-42, "utc_behind"), Ticked()], offset_ms=7))
    journal.close()
    again = Journal(tmp_path)
    assert again.open().offset_ms == -42
    again.close()


def test_only_a_marked_end_is_clean_and_only_once(tmp_path: Path) -> None:
    """`clean` needs mark_clean and no append behind it, and the next start takes the mark away."""
    journal = opened(tmp_path)
    journal.append(row(1))
    journal.mark_clean()
    journal.close()

    def start() -> bool:
        nonlocal journal
        journal = Journal(tmp_path, disk=BentDisk())
        return journal.open().clean

    assert start()
    journal.close()
    assert not start()
    journal.mark_clean()
    journal.append(row(2))
    journal.close()
    assert not start()
    journal.close()


def test_an_hour_is_a_file_named_by_utc_and_first_seq(tmp_path: Path) -> None:
    """The hour is UTC's by the row's first event, also when UTC is set back; order is by seq."""
    journal = opened(tmp_path)
    journal.append(row(1, at=START - 1))
    journal.append(row(2, at=START))
    journal.append(row(3, at=START + 1, offset_ms=-HOUR))
    journal.append(row(4, at=START + 2, offset_ms=-HOUR))
    journal.close()
    assert sorted(p.name for p in tmp_path.glob("*-*.sqlite")) == [
        "2026112112-1.sqlite",
        "2026112112-3.sqlite",
        "2026112113-2.sqlite",
    ]
    again = opened(tmp_path)
    assert seqs(list(again.rows_after(0))) == [1, 2, 3, 4]
    again.append(row(5, at=START + 3, offset_ms=-HOUR))
    assert len(list(tmp_path.glob("*-*.sqlite"))) == 3
    again.close()


def test_an_hour_that_outgrows_its_part_of_the_bound_goes_on_in_a_second_file(tmp_path: Path) -> None:
    """One busy hour cannot make the oldest file bigger than a sixteenth of the bound."""
    journal = opened(tmp_path, bound_bytes=32 << 20)
    noise = Quarantined("s", "t", "r", os.urandom(200_000), 200_000)
    for n in range(1, 31):
        journal.append(row(n, [noise]))
        if n == 10:  # the size counts on over a restart
            journal.close()
            journal = opened(tmp_path, bound_bytes=32 << 20)
    journal.close()
    files = list(tmp_path.glob("2026112113-*.sqlite"))
    assert len(files) == 3
    assert all(p.stat().st_size < 2.2 * (1 << 20) for p in files)
    assert seqs(list(opened(tmp_path).rows_after(0))) == list(range(1, 31))


@pytest.mark.parametrize("first", [0, 1, 3, 99])
def test_a_row_that_does_not_follow_is_our_bug(tmp_path: Path, first: int) -> None:
    """No seq is used twice and none is left out without a snapshot that covers it."""
    journal = opened(tmp_path)
    journal.append(row(1))
    with pytest.raises(ValueError, match="does not follow"):
        journal.append(row(first))
    journal.append(row(2))
    journal.close()


def test_a_row_may_follow_a_snapshot(tmp_path: Path) -> None:
    """After an outage the journal goes on behind the snapshot, and a start from it sees no hole."""
    journal = opened(tmp_path)
    journal.append(row(1))
    journal.save_snapshot(50, b"state")
    journal.append(row(51, at=START + 5))
    journal.close()
    again = Journal(tmp_path)
    found = again.open()
    assert (found.snapshot_seq, found.last_seq, found.holes) == (50, 51, [])
    assert seqs(list(again.rows_after(50))) == [51]
    again.close()


def test_empty_rows_other_formats_and_closed_journals_are_our_bugs(tmp_path: Path) -> None:
    """A row without events, of another format, or for a journal that is not open is refused loudly."""
    journal = Journal(tmp_path)
    with pytest.raises(ValueError, match="not open"):
        journal.append(row(1))
    journal.open()
    for wrong in (Row(FORMAT, 1, 0, [], []), Row(FORMAT + 1, 1, 0, [(1, Ticked())], [])):
        with pytest.raises(ValueError, match="format"):
            journal.append(wrong)
    journal.close()


def test_values_that_are_no_msgpack_never_reach_the_disk(tmp_path: Path) -> None:
    """A number beyond 64 bits is an error of ours, raised before anything is written."""
    journal = opened(tmp_path)
    message = Measured("s", [Reading("p/m/", 2**70)])
    with pytest.raises(OverflowError):
        journal.append(row(1, [message]))
    journal.append(row(1))
    journal.close()


def test_two_writers_are_refused_and_the_first_is_named(tmp_path: Path) -> None:
    """A second open says which process holds the journal; when that is gone, it opens."""
    journal = opened(tmp_path)
    with pytest.raises(JournalBusy) as busy:
        Journal(tmp_path).open()
    assert busy.value.pid == os.getpid()
    journal.close()
    opened(tmp_path).close()


def test_the_lock_dies_with_its_process(tmp_path: Path) -> None:
    """A killed writer leaves no lock behind, not even in a child it had forked."""
    code = (
        "import os, sys, signal\n"
        "from pathlib import Path\n"
        "from gateway.journal import Journal\n"
        "journal = Journal(Path(sys.argv[1])); journal.open()\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    print('forked', flush=True); sys.stdin.read(); os._exit(0)\n"
        "os.waitpid(child, 0)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"forked\n"
        with pytest.raises(JournalBusy):
            Journal(tmp_path).open()
        parent.kill()
        parent.wait()
        opened(tmp_path).close()


def test_snapshots_the_newest_three_are_kept_and_the_newest_is_used(tmp_path: Path) -> None:
    """A start folds from the newest snapshot; older ones than the third go."""
    journal = opened(tmp_path)
    for n in range(1, 6):
        journal.append(row(n))
        journal.save_snapshot(n, b"state %d" % n * 1000)
    journal.close()
    assert len(list((tmp_path / "snapshots").iterdir())) == SNAPSHOTS_KEPT
    again = Journal(tmp_path)
    found = again.open()
    assert (found.snapshot, found.snapshot_seq) == (b"state 5" * 1000, 5)
    again.close()


@pytest.mark.parametrize("how", ["flip", "cut", "header", "empty"])
def test_a_damaged_snapshot_gives_way_to_the_one_before(tmp_path: Path, how: str) -> None:
    """A snapshot that is not what we wrote is set aside and named, and the tail is folded from the previous one."""
    journal = opened(tmp_path)
    for n in range(1, 4):
        journal.append(row(n))
        journal.save_snapshot(n, os.urandom(2000))
    journal.close()
    newest = max((tmp_path / "snapshots").glob("*.snapshot"))
    data = bytearray(newest.read_bytes())
    match how:
        case "flip":
            data[1000] ^= 1
        case "cut":
            del data[-5:]
        case "header":
            data[0] ^= 1
        case _:
            data.clear()
    newest.write_bytes(data)
    again = Journal(tmp_path)
    found = again.open()
    assert found.snapshot_seq == 2
    assert [name.endswith(".damaged") for name in found.damaged] == [True]
    assert seqs(list(again.rows_after(2))) == [3]
    assert not found.clean
    again.close()


def test_a_snapshot_of_a_newer_release_is_not_called_damaged(tmp_path: Path) -> None:
    """Going back to an older release stops with a reason and touches nothing."""
    journal = opened(tmp_path)
    journal.append(row(1))
    journal.save_snapshot(1, b"x")
    journal.close()
    (path,) = (tmp_path / "snapshots").iterdir()
    data = bytearray(path.read_bytes())
    data[5] += 1
    path.write_bytes(data)
    with pytest.raises(JournalNewer):
        Journal(tmp_path).open()
    assert path.read_bytes() == bytes(data)


def test_a_forked_child_can_save_a_snapshot_while_we_append(tmp_path: Path) -> None:
    """The child's snapshot is whole, and our journal does not notice that there was a child."""
    journal = opened(tmp_path, BentDisk("FULL"))
    journal.append(row(1))
    data = os.urandom(200_000)
    child = os.fork()
    if child == 0:
        try:
            while journal.last_seq < 20:  # the child sees how far its parent got
                select.select([], [], [], 0.001)
            journal.save_snapshot(1, data)
        finally:
            os._exit(0)
    for n in range(2, 50):
        journal.append(row(n))
    os.waitpid(child, 0)
    journal.append(row(50))
    journal.close()
    again = Journal(tmp_path)
    found = again.open()
    assert found.snapshot == data
    assert seqs(list(again.rows_after(0))) == list(range(1, 51))
    again.close()


def test_an_orphaned_child_keeps_its_snapshot_to_itself(tmp_path: Path) -> None:
    """A child that outlives its killed parent must not add a snapshot of seqs that its successor gives out anew."""
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from gateway.errors import JournalError\n"
        "from gateway.journal import Journal\n"
        "journal = Journal(Path(sys.argv[1])); journal.open()\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    print('forked', flush=True); sys.stdin.readline()\n"
        "    try: journal.save_snapshot(7, b'x')\n"
        "    except JournalError as error: print(error, flush=True)\n"
        "    os._exit(0)\n"
        "os.waitpid(child, 0)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        parent.stdout.readline()
        parent.kill()
        parent.wait()
        parent.stdin.write(b"\n")
        parent.stdin.flush()
        assert b"gone" in parent.stdout.readline()
    assert not list((tmp_path / "snapshots").iterdir())


def test_plans_are_kept_by_digest(tmp_path: Path) -> None:
    """A plan comes back as it was put, an unknown one is None, and a name that is no digest is refused."""
    journal = opened(tmp_path)
    journal.put_plan("0123456789abcdef", b"plan" * 100)
    journal.put_plan("0123456789abcdef", b"plan" * 100)
    assert journal.plan("0123456789abcdef") == b"plan" * 100
    assert JournalReader(tmp_path).plan("0123456789abcdef") == b"plan" * 100
    assert journal.plan("ffffffffffffffff") is None
    for wrong in ("../clean", "", "ABCDEF0123456789"):
        with pytest.raises(ValueError, match="digest"):
            journal.plan(wrong)
    journal.close()


def test_a_damaged_plan_is_said_and_may_be_put_again(tmp_path: Path) -> None:
    """A plan whose bytes changed is never used, and the right one replaces it."""
    journal = opened(tmp_path)
    journal.put_plan("0123456789abcdef", b"plan" * 100)
    (tmp_path / "plans" / "0123456789abcdef").write_bytes(b"no plan")
    with pytest.raises(JournalDamaged):
        journal.plan("0123456789abcdef")
    journal.put_plan("0123456789abcdef", b"plan" * 100)
    assert journal.plan("0123456789abcdef") == b"plan" * 100
    assert PLANS_KEPT > 1
    journal.close()


def test_the_real_disk_is_the_default_and_syncs_every_commit(tmp_path: Path) -> None:
    """Without being told otherwise a journal is on a real disk, with synchronous=FULL."""
    assert RealDisk.synchronous == "FULL"
    journal = Journal(tmp_path)
    journal.open()
    journal.append(row(1))
    connection = journal._connection
    assert connection is not None
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    journal.close()
