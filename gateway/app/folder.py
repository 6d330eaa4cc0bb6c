"""The data folder, held by one gateway: made where it is not, refused where another has it or a newer one wrote it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.errors import JournalBusy, OperatorFault
from gateway.journal.lock import FolderLock
from gateway.registry.migrate import newer_is_refused


class FolderTaken(OperatorFault):
    """Another gateway, `pid` where it said so, runs on the folder."""

    def __init__(self, folder: Path, pid: int | None) -> None:
        super().__init__(f"another gateway runs on {folder}" + (f" (process {pid})" if pid else ""))
        self.folder, self.pid = folder, pid


@contextmanager
def held(data: Path) -> Iterator[None]:
    """The folder is ours within. Raises FolderTaken, RegistryNewer, OSError."""
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        lock = FolderLock(data)
    except JournalBusy as busy:
        raise FolderTaken(data, busy.pid) from busy
    try:
        newer_is_refused(data / "registry.sqlite")
        yield
    finally:
        lock.release()
