"""Keeping the folder small: audit rows of closed hours copied, the oldest hours unlinked, forgotten plans dropped."""

from __future__ import annotations

import json
import sqlite3
from itertools import pairwise
from pathlib import Path
from typing import Final

from gateway.journal import audit, snapshots
from gateway.journal.disk import COMPANIONS, Disk, remove, set_aside
from gateway.journal.hours import HourFile, connect, listing
from gateway.journal.recovery import is_damage, salvage, sound

RESERVE_BYTES: Final = 256 << 20  # kept free for the newest hour when others fill the disk
LOG_WORTH: Final = 256 << 10  # bytes of write-ahead log below which a checkpoint is not worth its fsync
LOST: Final = b"\xff" * 32
"""Stands for the hash of a row that is lost: a chain that goes on from it never looks whole."""

_NO_ROW: Final = 2**62  # behind every seq


def checkpoint(file: HourFile, disk: Disk) -> None:
    """Copy the write-ahead log into the file, beside its writer and readers. Raises sqlite3.Error."""
    try:
        if file.path.with_name(f"{file.path.name}-wal").stat().st_size < LOG_WORTH:
            return
    except FileNotFoundError:
        return
    connection = connect(file.path, disk.synchronous)
    try:
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
    finally:
        connection.close()


def copy_audit(folder: Path, closed: list[HourFile], disk: Disk, damaged: list[str]) -> int:
    """Copy the audit of closed hours that is not copied yet, up to which file: no row may be added to it or before.

    Files set aside for it are named in `damaged`. Raises sqlite3.Error, OSError, JournalNewer.
    """
    try:
        return _copy(folder, closed, disk, damaged)
    except sqlite3.Error as error:
        if not is_damage(error):
            raise
        damaged.append(set_aside(folder / "audit.sqlite"))  # hours that are still here fill the new one
        return _copy(folder, closed, disk, damaged)


def _copy(folder: Path, closed: list[HourFile], disk: Disk, damaged: list[str]) -> int:
    kept = audit.open_audit(folder, disk)
    try:
        through = audit.copied(kept)
        for file in closed:
            if file.first <= through:
                continue
            try:
                audit.copy(kept, file, disk)
            except sqlite3.Error as error:
                if not is_damage(error) or sound(file.path, _NO_ROW, whole=True):
                    raise  # not this file's fault
                damaged.append(salvage(file, disk).name)
                if file.path.exists():
                    audit.copy(kept, file, disk)
        return audit.copied(kept)
    finally:
        kept.close()


def tip(folder: Path, open_file: list[HourFile], damaged: list[str]) -> bytes:
    """The hash that the next audit row follows. Raises sqlite3.Error."""
    for path in (*(f.path for f in open_file), folder / "audit.sqlite"):
        connection = connect(path)
        try:
            found = audit.tip_of(connection)
        finally:
            connection.close()
        if found is not None:
            return found
    return LOST if any(".sqlite" in name for name in damaged) else audit.GENESIS


def unlink_oldest(
    folder: Path, files: list[HourFile], closed: int, floor: int, bound: int, disk: Disk
) -> list[str]:
    """Unlink from the oldest while there is too much, of the first `closed` of `files`, what ends before `floor`.

    Raises OSError.
    """
    sizes = [_size(f.path) for f in files]
    total = sum(sizes)
    gone: list[str] = []
    for (file, behind), size in zip(list(pairwise(files))[:closed], sizes, strict=False):
        if total <= bound and disk.free_bytes(folder) >= RESERVE_BYTES:
            break
        if behind.first > floor:
            break
        disk.reached("unlink")
        remove(file.path)
        total -= size
        gone.append(file.path.name)
    return gone


def _size(path: Path) -> int:
    return sum(p.stat().st_size for c in COMPANIONS if (p := path.with_name(path.name + c)).exists())


def drop_plans(folder: Path, plans: Path) -> None:
    """Forget plans that no kept hour was decided under, the newest few excepted. Raises sqlite3.Error, OSError."""
    if len(list(plans.iterdir())) <= snapshots.PLANS_KEPT:
        return
    files = listing(folder)
    oldest = files[0].first if files else 0
    wanted: set[str] = set()
    before: str | None = None
    for path in (folder / "audit.sqlite", *(f.path for f in files)):
        connection = connect(path)
        try:
            for seq, body in connection.execute(
                "SELECT seq, body FROM audit WHERE kind = 'replanned' ORDER BY seq"
            ):
                digest = json.loads(body)["digest"]
                if seq < oldest:
                    before = digest
                else:
                    wanted.add(digest)
        finally:
            connection.close()
    snapshots.drop_plans(plans, wanted | ({before} if before else set()))
