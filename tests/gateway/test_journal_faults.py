"""What happens to the journal when the disk refuses, the power goes, or a file comes back changed."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.core.event import FORMAT, Gap
from gateway.errors import JournalError, JournalNewer
from gateway.journal import Journal, JournalReader
from gateway.journal.disk import DAMAGED_KEPT, refused
from gateway.journal.recovery import SEQ_LEAP
from tests.gateway.journals import (
    HOUR,
    START,
    BentDisk,
    PowerCut,
    act,
    disk_full,
    measured,
    opened,
    row,
    seqs,
    spoil,
)

ROOT = Path(__file__).parent.parent.parent
APPEND = ("begin", "create", "written", "committed")


@pytest.mark.parametrize("stage", APPEND)
@pytest.mark.parametrize("error", [disk_full(), OSError(5, "Input/output error"), OSError(30, "Read-only")])
def test_a_failed_append_is_said_and_may_be_tried_again(
    tmp_path: Path, stage: str, error: sqlite3.Error | OSError
) -> None:
    """Whatever fails at whatever stage, JournalError names it, and the same row goes in once the disk is back."""
    disk = BentDisk()
    journal = opened(tmp_path, disk)
    journal.append(row(1))
    disk.trouble[stage] = [error, error]
    second, _ = act(2, at=START + HOUR)  # another hour, so that a file is made, too
    for _ in range(2):
        with pytest.raises(JournalError) as refusal:
            journal.append(second)
        assert refusal.value.reason in {"full", "io", "read_only"}
    journal.append(second)
    journal.append(act(3, at=START + HOUR)[0])
    journal.close()
    again = opened(tmp_path)
    assert seqs(list(again.rows_after(0))) == [1, 2, 3]
    assert JournalReader(tmp_path).verify_audit().ok
    again.close()


@pytest.mark.parametrize("stage", ["written", "committed"])
def test_what_a_failed_append_left_never_doubles_a_seq(tmp_path: Path, stage: str) -> None:
    """Also where the failed commit is on disk after all, the next try replaces it, with more events behind it."""
    disk = BentDisk()
    journal = opened(tmp_path, disk)
    journal.append(act(1)[0])
    disk.trouble[stage] = [OSError(5, "Input/output error")]
    first_try, acted = act(2)
    with pytest.raises(JournalError):
        journal.append(first_try)
    journal.append(row(2, [acted, measured(7)]))
    assert seqs(JournalReader(tmp_path).rows(0)) == [1, 2, 3]
    assert JournalReader(tmp_path).verify_audit().ok
    journal.close()


def test_a_failed_row_is_forgotten_where_the_next_is_in_another_hour(tmp_path: Path) -> None:
    """A row that stayed behind after a failed commit goes before the journal turns to a new file."""
    disk = BentDisk()
    journal = opened(tmp_path, disk)
    journal.append(act(1)[0])
    disk.trouble["committed"] = [OSError(5, "Input/output error")]
    with pytest.raises(JournalError):
        journal.append(act(2)[0])
    journal.save_snapshot(40, b"s")
    journal.append(row(41, [Gap(None, START, START + HOUR, "disk")], at=START + HOUR))
    journal.close()
    again = opened(tmp_path)
    assert seqs(list(again.rows_after(0))) == [1, 41]
    assert JournalReader(tmp_path).verify_audit().ok
    again.close()


@pytest.mark.parametrize("stage", APPEND)
def test_power_lost_at_any_stage_keeps_every_row_that_was_told(tmp_path: Path, stage: str) -> None:
    """After a power cut the rows appended before are there, the one under way wholly or not at all, in order."""
    disk = BentDisk()
    journal = opened(tmp_path, disk)
    for n in range(1, 6):
        journal.append(act(n, at=START + n * HOUR)[0])
    disk.trouble[stage] = [PowerCut()]
    with pytest.raises(PowerCut):
        journal.append(act(6, at=START + 6 * HOUR)[0])
    journal.close()
    again = Journal(tmp_path)
    found = again.open()
    assert found.last_seq == (6 if stage == "committed" else 5)
    assert (found.holes, found.damaged, found.clean) == ([], [], False)
    again.append(act(found.last_seq + 1, at=START + 7 * HOUR)[0])
    assert seqs(list(again.rows_after(0))) == list(range(1, found.last_seq + 2))
    assert JournalReader(tmp_path).verify_audit().ok
    again.close()


def keep(journal: Journal, what: str) -> None:
    """Write a file of that kind."""
    if what == "snapshot":
        journal.save_snapshot(2, b"two")
    else:
        journal.put_plan("00112233", b"plan")


@pytest.mark.parametrize("stage", ["snapshot", "plan"])
def test_power_lost_while_a_file_is_written_leaves_the_old_ones(tmp_path: Path, stage: str) -> None:
    """Half a snapshot or plan is never seen, and its remains are gone after the next start."""
    disk = BentDisk()
    journal = opened(tmp_path, disk)
    journal.append(row(1))
    journal.save_snapshot(1, b"one")
    disk.trouble[stage] = [PowerCut()]
    journal.append(row(2))
    with pytest.raises(PowerCut):
        keep(journal, stage)
    journal.close()
    again = Journal(tmp_path)
    assert again.open().snapshot == b"one"
    assert again.plan("00112233") is None
    assert not list(tmp_path.rglob("*.new"))
    again.close()


@pytest.mark.parametrize("stage", ["snapshot", "plan"])
def test_a_disk_that_refuses_a_file_says_so(tmp_path: Path, stage: str) -> None:
    """A snapshot or plan that could not be kept raises JournalError and leaves nothing behind."""
    disk = BentDisk()
    journal = opened(tmp_path, disk)
    disk.trouble[stage] = [OSError(28, "No space left on device")]
    with pytest.raises(JournalError, match="full"):
        keep(journal, stage)
    assert not list(tmp_path.rglob("*.new"))
    journal.close()


def test_a_folder_that_went_away_is_noticed_at_once(tmp_path: Path) -> None:
    """SQLite would go on writing into the unlinked file: we say missing, and go on when the folder is back."""
    folder = tmp_path / "journal"
    journal = opened(folder)
    journal.append(row(1))
    folder.rename(tmp_path / "unplugged")
    for _ in range(2):
        with pytest.raises(JournalError) as refusal:
            journal.append(row(2))
        assert refusal.value.reason == "missing"
    (tmp_path / "unplugged").rename(folder)
    journal.append(row(2))
    assert seqs(list(journal.rows_after(0))) == [1, 2]
    journal.close()


def test_an_hour_file_that_was_deleted_under_us_is_begun_anew(tmp_path: Path) -> None:
    """The append that notices fails, the next goes into a new file; a reader sees from where on there are rows."""
    journal = opened(tmp_path)
    journal.append(row(1))
    for path in tmp_path.glob("2026*"):
        path.unlink()
    with pytest.raises(JournalError, match="missing"):
        journal.append(row(2))
    journal.append(row(2))
    reader = JournalReader(tmp_path)
    assert seqs(reader.rows(0)) == [2]
    assert reader.oldest_seq() == 2
    journal.close()


def test_a_disk_that_is_really_full_keeps_what_it_took(tmp_path: Path) -> None:
    """Against a limit of the operating system: rows until it refuses, a reason, and every told row there after."""
    code = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from gateway.errors import JournalError\n"
        "from gateway.journal import Journal\n"
        "from tests.gateway.journals import measured, row\n"
        "journal = Journal(Path(sys.argv[1])); journal.open()\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))\n"
        "try:\n"
        "    for n in range(1, 10_000):\n"
        "        journal.append(row(n, [measured(n, 5)]))\n"
        "        print(n, flush=True)\n"
        "except JournalError as error:\n"
        "    print(error.reason, flush=True)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True, cwd=ROOT
    )
    *told, reason = run.stdout.split()
    assert reason in {"full", "io"}
    assert len(told) > 10
    journal = opened(tmp_path)
    kept = seqs(list(journal.rows_after(0)))
    assert kept[: len(told)] == [int(n) for n in told]
    assert len(kept) <= len(told) + 1
    journal.append(row(len(kept) + 1))
    journal.close()


def test_a_file_where_the_folder_should_be_is_refused(tmp_path: Path) -> None:
    """A path that is no folder raises JournalError, nothing stranger."""
    (tmp_path / "journal").write_text("x")
    with pytest.raises(JournalError):
        Journal(tmp_path / "journal").open()


def test_every_refusal_of_sqlite_has_a_reason() -> None:
    """Reasons are the documented words, whatever the system says."""
    known = {"full", "io", "read_only", "missing", "damaged", "busy"}
    for code in (10, 13, 8, 14, 11, 26, 5, 6, 1, 10 | 3 << 8):
        error = sqlite3.OperationalError("x")
        error.sqlite_errorcode = code
        assert refused(error).reason in known
    assert refused(sqlite3.ProgrammingError("x")).reason == "io"
    assert refused(OSError()).reason == "io"


# ---- damage


def written(folder: Path, rows: int = 300) -> list[Path]:
    """Two hours of rows with acts among them, closed; the files in order."""
    journal = opened(folder)
    for n in range(rows):
        at = START + n * 2 * HOUR // rows
        events = [measured(n * 100 + i, 5) for i in range(9)]
        a_row = row(1 + n * 10, [*events, act(0)[1]], at=at)
        journal.append(a_row)
    journal.close()
    return sorted(folder.glob("2026*.sqlite"))


def test_a_damaged_page_in_the_last_file_costs_only_what_is_on_it(tmp_path: Path) -> None:
    """The file is set aside and named, everything that still reads is carried over, and the hole is told."""
    *_, last = written(tmp_path)
    spoil(last, 40, 3)
    journal = Journal(tmp_path)
    found = journal.open()
    assert found.damaged == [f"{last.name}.damaged"]
    assert not found.clean
    kept = seqs(list(journal.rows_after(0)))
    missing = [seq for first, end in found.holes for seq in range(first, end + 1)]
    assert sorted(kept + missing) == list(range(1, 3001))
    assert 0 < len(missing) < 1000
    assert found.last_seq == 3000
    journal.append(row(3001, at=START + 2 * HOUR))
    assert seqs(JournalReader(tmp_path).rows(3000)) == [3001]
    journal.close()
    later = Journal(tmp_path)
    assert later.open().damaged == []
    later.close()


def test_a_lost_end_leaves_out_seqs_that_may_have_been_used(tmp_path: Path) -> None:
    """Where the newest rows are unreadable no seq is given twice: ids of effects are made of them."""
    *_, last = written(tmp_path)
    size = last.stat().st_size
    os.truncate(last, size - size % 4096 - 4096 * (size // 4096 // 2))
    journal = Journal(tmp_path)
    found = journal.open()
    assert found.last_seq > 3000 + SEQ_LEAP // 2
    kept = seqs(list(journal.rows_after(0)))
    assert found.holes == [(kept[-1] + 1, found.last_seq)]
    assert kept == list(range(1, kept[-1] + 1))
    assert int(last.stem.partition("-")[2]) + 100 < kept[-1] < 2900
    journal.append(row(found.last_seq + 1, [Gap(None, START, START + HOUR, "damaged")], at=START + 2 * HOUR))
    journal.close()
    again = opened(tmp_path)
    assert seqs(list(again.rows_after(found.last_seq))) == [found.last_seq + 1]
    again.close()


@pytest.mark.parametrize("content", [b"", b"not a database at all" * 1000])
def test_a_last_file_that_is_no_database_is_set_aside(tmp_path: Path, content: bytes) -> None:
    """Nothing of it reads: the hours before are used, the next seq is beyond what it may have held."""
    first, last = written(tmp_path)
    last.write_bytes(content)
    journal = Journal(tmp_path)
    found = journal.open()
    assert found.damaged == [f"{last.name}.damaged"]
    kept = seqs(list(journal.rows_after(0)))
    assert kept == list(range(1, int(last.stem.partition("-")[2])))
    assert found.holes == [(len(kept) + 1, found.last_seq)]
    assert found.last_seq >= SEQ_LEAP
    assert first.exists()
    assert not last.exists()
    journal.close()


def test_a_changed_row_behind_the_snapshot_is_found_at_the_start(tmp_path: Path) -> None:
    """SQLite does not see a flipped bit in a blob; our checksum does, and the row is a hole, not a lie."""
    *_, last = written(tmp_path)
    with contextlib.closing(sqlite3.connect(last)) as connection, connection:
        (first,) = connection.execute("SELECT first FROM rows ORDER BY first LIMIT 1 OFFSET 20").fetchone()
        connection.execute(
            "UPDATE rows SET blob = substr(blob, 1, 50) || x'00' || substr(blob, 52) WHERE first = ?",
            (first,),
        )
    journal = Journal(tmp_path)
    found = journal.open()
    assert found.holes == [(first, first + 9)]
    assert found.last_seq == 3000
    journal.close()


def test_damage_before_the_snapshot_does_not_touch_the_start(tmp_path: Path) -> None:
    """A start that folds from a snapshot does not read, check or move hours it does not need."""
    first, _ = written(tmp_path)
    journal = opened(tmp_path)
    journal.save_snapshot(2990, b"state")
    journal.mark_clean()
    journal.close()
    spoil(first, 40, 3)
    again = Journal(tmp_path)
    found = again.open()
    assert (found.clean, found.damaged, found.holes) == (True, [], [])
    assert seqs(list(again.rows_after(2990))) == list(range(2991, 3001))
    again.close()


def test_power_lost_while_salvaging_loses_nothing_more(tmp_path: Path) -> None:
    """A start that dies between setting the damaged file aside and putting the sound rows in place can be repeated."""
    *_, last = written(tmp_path)
    spoil(last, 40, 3)
    disk = BentDisk()
    disk.trouble["salvage"] = [PowerCut()]
    with pytest.raises(PowerCut):
        Journal(tmp_path, disk=disk).open()
    journal = Journal(tmp_path)
    found = journal.open()
    assert found.last_seq == 3000
    assert found.holes
    assert len(seqs(list(journal.rows_after(0)))) > 2000
    journal.close()


def test_files_set_aside_are_bounded(tmp_path: Path) -> None:
    """A disk that damages something at every start does not fill itself with evidence."""
    for n in range(DAMAGED_KEPT + 3):
        journal = opened(tmp_path)
        journal.append(row(1 + n * (SEQ_LEAP + 1))) if n == 0 else None
        journal.close()
        (tmp_path / f"2026112123-{n + 2}.sqlite").write_bytes(b"rubbish" * 100)
    journal = opened(tmp_path)
    assert len(list(tmp_path.glob("*.damaged"))) <= DAMAGED_KEPT
    journal.close()


def test_damage_met_while_running_turns_to_a_new_file(tmp_path: Path) -> None:
    """An append that finds its file damaged fails once; the next is kept in a new file, with the chain whole."""
    disk = BentDisk()
    journal = opened(tmp_path, disk)
    journal.append(act(1)[0])
    damage = sqlite3.DatabaseError("database disk image is malformed")
    damage.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    disk.trouble["written"] = [damage]
    with pytest.raises(JournalError, match="damaged"):
        journal.append(act(2)[0])
    journal.append(act(2)[0])
    assert len(list(tmp_path.glob("2026*.sqlite"))) == 2
    assert seqs(JournalReader(tmp_path).rows(0)) == [1]
    assert seqs(JournalReader(tmp_path).rows(1)) == [2]
    assert JournalReader(tmp_path).verify_audit().ok
    journal.close()


def test_a_journal_of_a_newer_release_is_left_alone(tmp_path: Path) -> None:
    """Rows or files of a later format stop the start with a reason; nothing is set aside."""
    *_, last = written(tmp_path, 4)
    with contextlib.closing(sqlite3.connect(last)) as connection, connection:
        connection.execute("UPDATE rows SET format = ?", (FORMAT + 1,))
    with pytest.raises(JournalNewer):
        Journal(tmp_path).open()
    with contextlib.closing(sqlite3.connect(last)) as connection, connection:
        connection.execute("UPDATE rows SET format = ?", (FORMAT,))
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(JournalNewer):
        Journal(tmp_path).open()
    assert not list(tmp_path.glob("*.damaged"))


@pytest.mark.parametrize("corrupt", [False, True])
@pytest.mark.parametrize("wait", [0, HOUR])
def test_a_file_made_for_a_row_that_failed_goes_when_the_row_is_tried_again(
    tmp_path: Path, corrupt: bool, wait: int
) -> None:
    """A new hour's first row fails: the next try, in this hour or the next, leaves one file that begins with it."""
    disk = BentDisk()
    journal = opened(tmp_path, disk)
    journal.append(act(1)[0])
    error = sqlite3.DatabaseError("database disk image is malformed")
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT if corrupt else sqlite3.SQLITE_FULL
    disk.trouble["committed"] = [error]
    with pytest.raises(JournalError):
        journal.append(act(2, at=START + HOUR)[0])
    journal.append(act(2, at=START + HOUR + wait)[0])
    journal.append(act(3, at=START + 3 * HOUR)[0])
    assert [p.stem.partition("-")[2] for p in sorted(tmp_path.glob("2026*.sqlite"))] == ["1", "2", "3"]
    journal.sweep(0)
    journal.append(act(4, at=START + 4 * HOUR)[0])
    journal.sweep(0)
    journal.close()
    reader = JournalReader(tmp_path)
    assert [r.seq for r in reader.audit()] == [1, 2, 3, 4]
    assert reader.verify_audit().ok
    assert seqs(list(opened(tmp_path).rows_after(0))) == [1, 2, 3, 4]


def test_an_hour_whose_audit_was_copied_takes_no_more_rows(tmp_path: Path) -> None:
    """Dying between making a file and its first row must not lead back into an hour that is closed for good."""
    disk = BentDisk()
    journal = opened(tmp_path, disk)
    journal.append(act(1)[0])
    disk.trouble["written"] = [OSError(5, "Input/output error"), PowerCut()]
    with pytest.raises(JournalError):
        journal.append(act(2, at=START + HOUR)[0])
    journal.sweep(0)
    with pytest.raises(PowerCut):
        journal.append(act(2, at=START + HOUR)[0])
    journal.close()
    journal = opened(tmp_path)
    journal.append(act(2)[0])  # the clock went back meanwhile: the first hour again
    journal.append(act(3, at=START + HOUR)[0])
    journal.sweep(0)
    assert [r.seq for r in JournalReader(tmp_path).audit()] == [1, 2, 3]
    assert JournalReader(tmp_path).verify_audit().ok
    journal.close()


def test_an_hour_file_without_a_row_goes_at_the_next_start(tmp_path: Path) -> None:
    """Dying between making a file and writing its first row leaves nothing to trip over."""
    disk = BentDisk()
    journal = opened(tmp_path, disk)
    journal.append(row(1))
    disk.trouble["written"] = [PowerCut()]
    with pytest.raises(PowerCut):
        journal.append(row(2, at=START + HOUR))
    journal.close()
    assert len(list(tmp_path.glob("2026*.sqlite"))) == 2
    again = opened(tmp_path)
    assert len(list(tmp_path.glob("2026*.sqlite"))) == 1
    again.append(row(2, at=START + 5 * HOUR))
    assert seqs(list(again.rows_after(0))) == [1, 2]
    again.close()
