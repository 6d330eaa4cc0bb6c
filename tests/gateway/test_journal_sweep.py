"""Keeping the journal small: the oldest hours go, never one that somebody needs, and their audit stays."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from gateway.core.event import Replanned
from gateway.errors import JournalError
from gateway.journal import Journal, JournalReader
from gateway.journal.keeping import RESERVE_BYTES
from gateway.journal.snapshots import PLANS_KEPT
from tests.gateway.journals import HOUR, START, BentDisk, PowerCut, act, opened, row, seqs

HOURS = 10


def hours(
    folder: Path, *, bound_bytes: int = 1, disk: BentDisk | None = None, snapshots: bool = True
) -> Journal:
    """An open journal of ten hours with ten acts each: seqs 1 to 100; snapshots at 90 and 100."""
    journal = opened(folder, disk, bound_bytes)
    for n in range(1, HOURS * 10 + 1):
        journal.append(act(n, at=START + (n - 1) // 10 * HOUR + n)[0])
        if snapshots and n in {90, 100}:
            journal.save_snapshot(n, b"state")
    return journal


def left(folder: Path) -> list[int]:
    """The first seqs of the hours that are left."""
    return sorted(int(p.stem.partition("-")[2]) for p in folder.glob("2026*.sqlite"))


def test_a_journal_within_its_bound_keeps_everything(tmp_path: Path) -> None:
    """Nothing goes before size asks for it."""
    journal = hours(tmp_path, bound_bytes=1 << 30)
    assert journal.sweep(1000) == []
    assert len(left(tmp_path)) == HOURS
    journal.close()


def test_the_oldest_go_first_until_the_bound_is_kept(tmp_path: Path) -> None:
    """Only as many hours go as the bound asks for, oldest first, and each with its companions."""
    journal = hours(tmp_path, bound_bytes=1 << 30)
    journal.sweep(0)
    journal.close()
    size = sum(p.stat().st_size for p in tmp_path.glob("2026*"))
    bound = size * 6 // 10
    journal = opened(tmp_path, bound_bytes=bound)
    gone = journal.sweep(1000)
    assert 4 <= len(gone) <= 7  # an hour is a tenth, the open one has companions
    assert left(tmp_path) == [1 + 10 * n for n in range(len(gone), HOURS)]
    assert not [p for name in gone for p in tmp_path.glob(f"{name}*")]
    assert sum(p.stat().st_size for p in tmp_path.glob("2026*")) <= bound
    journal.close()


@pytest.mark.parametrize(("needed", "oldest"), [(1, 1), (10, 1), (11, 11), (45, 41), (1000, 91)])
def test_no_hour_goes_that_a_follower_or_the_last_two_snapshots_need(
    tmp_path: Path, needed: int, oldest: int
) -> None:
    """However much there is too much: what holds `needed_seq`, or is behind the snapshot before the newest, stays."""
    journal = hours(tmp_path)
    journal.sweep(needed)
    assert left(tmp_path)[0] == oldest
    assert seqs(list(journal.rows_after(oldest - 1)))[0] == oldest
    journal.close()


def test_without_a_snapshot_nothing_goes(tmp_path: Path) -> None:
    """A start would need every row."""
    journal = hours(tmp_path, snapshots=False)
    assert journal.sweep(1000) == []
    journal.close()


def test_a_disk_that_others_fill_costs_old_hours_not_new_rows(tmp_path: Path) -> None:
    """When the disk has less than the reserve left, unneeded hours go although the journal is within its bound."""
    disk = BentDisk()
    journal = hours(tmp_path, bound_bytes=1 << 30, disk=disk)
    disk.free = RESERVE_BYTES - 1
    assert len(journal.sweep(1000)) == HOURS - 1
    journal.close()


def test_audit_rows_outlive_their_hours(tmp_path: Path) -> None:
    """Every audit row is in audit.sqlite before its hour goes, and the chain holds across."""
    journal = hours(tmp_path)
    journal.sweep(1000)
    assert [r.seq for r in JournalReader(tmp_path).audit()] == list(range(1, 101))
    journal.append(act(101, at=START + 20 * HOUR)[0])
    journal.close()
    journal = opened(tmp_path)
    journal.append(act(102, at=START + 21 * HOUR)[0])
    journal.close()
    check = JournalReader(tmp_path).verify_audit()
    assert (check.ok, check.rows) == (True, 102)


@pytest.mark.parametrize("stage", ["copy", "unlink"])
def test_power_lost_while_sweeping_loses_no_audit_row(tmp_path: Path, stage: str) -> None:
    """A sweep that dies anywhere is repeated by the next one."""
    disk = BentDisk()
    journal = hours(tmp_path, disk=disk)
    disk.trouble[stage] = [PowerCut()]
    with pytest.raises(PowerCut):
        journal.sweep(1000)
    journal.close()
    journal = opened(tmp_path, bound_bytes=1)
    journal.sweep(1000)
    assert left(tmp_path) == [91]
    check = JournalReader(tmp_path).verify_audit()
    assert (check.ok, check.rows) == (True, 100)
    journal.close()


def test_a_closed_hour_is_one_file(tmp_path: Path) -> None:
    """A swept hour has no companions, so that it can be copied; one that somebody reads is left as it is."""
    journal = hours(tmp_path)
    reader = JournalReader(tmp_path)
    reader.rows(0)
    journal.sweep(0)
    files = sorted(tmp_path.glob("2026*.sqlite"))
    assert [p.name for p in files if p.with_name(f"{p.name}-wal").exists()] == [files[0].name, files[-1].name]
    assert seqs(reader.rows(0))[0] == 1
    journal.close()


def test_a_sweep_that_cannot_copy_keeps_the_hours(tmp_path: Path) -> None:
    """A disk that refuses the audit's copy says so and costs no file."""
    disk = BentDisk()
    journal = hours(tmp_path, disk=disk)
    disk.trouble["copy"] = [OSError(28, "No space left on device")]
    with pytest.raises(JournalError, match="full"):
        journal.sweep(1000)
    assert len(left(tmp_path)) == HOURS
    journal.close()


def test_rows_are_appended_while_another_thread_sweeps(tmp_path: Path) -> None:
    """Sweeping and tidying beside the writer neither loses a row nor stops one."""
    journal = opened(tmp_path, BentDisk("FULL"), bound_bytes=200_000)
    stop = threading.Event()
    errors: list[BaseException] = []

    def sweep() -> None:
        try:
            while not stop.is_set():
                journal.tidy()
                journal.sweep(10**9)
        except BaseException as error:
            errors.append(error)
            raise

    thread = threading.Thread(target=sweep)
    thread.start()
    for n in range(1, 301):
        journal.append(act(n, at=START + n * HOUR // 20)[0])
        if n % 20 == 0:
            journal.save_snapshot(n, b"state")
    stop.set()
    thread.join()
    assert not errors
    oldest = JournalReader(tmp_path).oldest_seq()
    assert 1 < oldest <= 281
    assert seqs(list(journal.rows_after(0))) == list(range(oldest, 301))
    assert JournalReader(tmp_path).verify_audit().rows == 300
    journal.close()


def test_plans_stay_while_a_kept_hour_was_decided_under_them(tmp_path: Path) -> None:
    """A plan goes when it was replaced before the oldest hour, and not the one in force when that hour began."""
    journal = opened(tmp_path, bound_bytes=1)
    plans = [f"{n:016x}" for n in range(30)]
    for n, digest in enumerate(plans):
        journal.put_plan(digest, digest.encode())
        journal.append(row(n * 2 + 1, [Replanned(digest)], at=START + n // 10 * HOUR + n))
        journal.append(row(n * 2 + 2, at=START + n // 10 * HOUR + n))
        if n in {19, 25}:
            journal.save_snapshot(n * 2 + 2, b"state")
    journal.sweep(1000)
    assert left(tmp_path) == [41]
    kept = [p for p in plans if journal.plan(p) is not None]
    assert kept == plans[19:]
    assert len(kept) > PLANS_KEPT
    journal.close()
