"""The lock on a journal's folder: one writing process, named, and never outlived by its children."""

from __future__ import annotations

import fcntl
import os
import weakref
from pathlib import Path
from typing import Final

from gateway.errors import JournalBusy


class FolderLock:
    """Holds `lock` in a folder until it is released or the process dies; the file names the process."""

    def __init__(self, folder: Path) -> None:
        """Raises JournalBusy where another process, or this one, has it, and OSError."""
        descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            text = os.read(descriptor, 20)
            os.close(descriptor)
            raise JournalBusy(folder, int(text) if text.strip().isdigit() else None) from error
        except OSError:
            os.close(descriptor)
            raise
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, b"%d\n" % os.getpid(), 0)
        self._descriptor: int | None = descriptor
        self._owner = os.getpid()
        _HELD.add(self)

    @property
    def orphaned(self) -> bool:
        """Whether we are a forked child whose parent, the owner, is gone."""
        return self._owner not in {os.getpid(), os.getppid()}

    def release(self) -> None:
        """Let go. In a forked child this gives up the child's hold alone."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


_HELD: Final[weakref.WeakSet[FolderLock]] = weakref.WeakSet()


def _release_in_child() -> None:
    """A forked child shares its parent's flock, and would keep the folder locked when the parent is killed."""
    for lock in list(_HELD):
        lock.release()


os.register_at_fork(after_in_child=_release_in_child)
