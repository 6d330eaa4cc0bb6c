"""The disk as the journal sees it: where a test may break it, how its refusals are named, how a small file is kept."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from gateway.errors import JournalError

DAMAGED_KEPT: Final = 8  # files set aside for whoever wants to know why; more of them say nothing new
DAMAGED: Final = ".damaged"
COMPANIONS: Final = ("", "-wal", "-shm", "-journal")  # what SQLite keeps beside a database


class Disk(Protocol):
    """What a test or a simulated world may bend. Pass one to `Journal`; `RealDisk` bends nothing."""

    synchronous: str
    """SQLite's `synchronous`: FULL keeps the promise. A simulated world that never loses power may say OFF."""

    def reached(self, stage: str) -> None:
        """Called at every point where a power cut would make a difference.

        Stages of `append`: begin, written (before COMMIT), committed (after it); create (a new hour file); of
        `save_snapshot` and `put_plan`: snapshot, plan (before the rename); of `sweep`: copy (audit, before COMMIT),
        unlink; of recovery: salvage. Raising sqlite3.Error or OSError is a fault, sleeping a slow disk, any other
        BaseException the death of the process.
        """

    def free_bytes(self, folder: Path) -> int:
        """What the file system of `folder` has left for us. Raises OSError."""


class RealDisk:
    """The disk as it is."""

    synchronous = "FULL"

    def reached(self, stage: str) -> None:
        """Nothing happens here."""

    def free_bytes(self, folder: Path) -> int:
        return shutil.disk_usage(folder).free


_SQLITE: Final = {
    sqlite3.SQLITE_FULL: "full",
    sqlite3.SQLITE_IOERR: "io",
    sqlite3.SQLITE_READONLY: "read_only",
    sqlite3.SQLITE_PERM: "read_only",
    sqlite3.SQLITE_CANTOPEN: "missing",
    sqlite3.SQLITE_CORRUPT: "damaged",
    sqlite3.SQLITE_NOTADB: "damaged",
    sqlite3.SQLITE_BUSY: "busy",
    sqlite3.SQLITE_LOCKED: "busy",
}
_ERRNO: Final = {
    errno.ENOSPC: "full",
    errno.EDQUOT: "full",
    errno.EROFS: "read_only",
    errno.EACCES: "read_only",
    errno.EPERM: "read_only",
    errno.ENOENT: "missing",
    errno.ENOTDIR: "missing",
}


def refused(error: sqlite3.Error | OSError) -> JournalError:
    """The disk's refusal in our words; what has no better name is io."""
    if isinstance(error, OSError):
        reason = _ERRNO.get(error.errno or 0, "io")
    else:  # the low byte is the primary result code (sqlite.org/rescode.html); errors of the module itself have none
        reason = _SQLITE.get((getattr(error, "sqlite_errorcode", None) or 0) & 0xFF, "io")
        if str(error).startswith("no such table"):
            reason = "damaged"
    return JournalError(reason, f"{type(error).__name__}: {error}")


def sync_folder(folder: Path) -> None:
    """Make names in `folder` as durable as the files they name. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def keep(path: Path, write: Callable[[BinaryIO], object], before_rename: Callable[[], None]) -> None:
    """Write a whole file or none: beside it, on disk, then renamed over it, and the name on disk. Raises OSError."""
    beside = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        with beside.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        before_rename()
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def remove(path: Path) -> None:
    """Unlink a file with its companions, the file itself first: without it they mean nothing. Raises OSError."""
    for companion in COMPANIONS:
        path.with_name(path.name + companion).unlink(missing_ok=True)


def set_aside(path: Path) -> str:
    """Rename a damaged file and its companions out of the way, keep the newest few; its new name. Raises OSError."""
    number = 0
    while (aside := path.with_name(f"{path.name}{f'.{number}' if number else ''}{DAMAGED}")).exists():
        number += 1
    for companion in COMPANIONS:
        there = path.with_name(path.name + companion)
        if there.exists():
            there.rename(aside.with_name(aside.name + companion))
    old = sorted(path.parent.glob(f"*{DAMAGED}"), key=lambda p: p.stat().st_mtime_ns)
    for surplus in old[:-DAMAGED_KEPT]:
        remove(surplus)
    sync_folder(path.parent)
    return aside.name
