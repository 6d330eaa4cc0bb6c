"""What can go wrong in the gateway, as one tree; the class says whose fault it is, the attributes carry the evidence.

GatewayError
├── OperatorFault          somebody must change something before we can go on
│   ├── JournalBusy        another process writes this journal
│   └── JournalNewer       the journal was written by a newer release
├── WorldFault             a disk, a network or a file failed us; trying again may help
│   ├── EngineGone         the engine does not answer; its supervisor starts it again
│   ├── JournalError       the disk refused; nothing of the request was kept
│   └── JournalDamaged     a stored file does not say what we wrote
│       └── RowDamaged     one row of it
"""

from __future__ import annotations

from pathlib import Path


class GatewayError(Exception):
    """Everything the gateway raises on purpose; anything else is a bug of ours."""


class OperatorFault(GatewayError):
    """A person must change something: a configuration, a second process, a version."""


class WorldFault(GatewayError):
    """Something outside our code failed."""


class JournalBusy(OperatorFault):
    """Another process, `pid` where it said so, holds the journal in `folder`."""

    def __init__(self, folder: Path, pid: int | None) -> None:
        super().__init__(f"the journal in {folder} is in use" + (f" by process {pid}" if pid else ""))
        self.folder = folder
        self.pid = pid


class JournalNewer(OperatorFault):
    """`path` carries format `found`; this release reads up to `known`. Nothing was touched."""

    def __init__(self, path: Path, found: int, known: int) -> None:
        super().__init__(f"{path} has format {found}; this release reads up to {known}")
        self.path = path
        self.found = found
        self.known = known


class JournalError(WorldFault):
    """The disk refused. `reason`: full, io, read_only, missing, damaged or busy; `detail`: the system's own word."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"journal: {reason}: {detail}")
        self.reason = reason
        self.detail = detail


class JournalDamaged(WorldFault):
    """The file at `path` cannot be what we wrote, and could not be set aside or read around."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} is damaged: {reason}")
        self.path = path
        self.reason = reason


class RowDamaged(JournalDamaged):
    """The row that begins at `first` fails its checksum or does not decode."""

    def __init__(self, path: Path, first: int, reason: str) -> None:
        super().__init__(path, f"row {first}: {reason}")
        self.first = first


class EngineGone(WorldFault):
    """The engine does not answer: it is being started again, or it was never started."""
