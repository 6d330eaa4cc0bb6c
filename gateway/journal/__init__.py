"""The journal: what happened to us, durable, in order, in files an hour long (docs/adr/0002-journal.md)."""

from gateway.journal.audit import AuditCheck, AuditRow
from gateway.journal.disk import Disk, RealDisk
from gateway.journal.reader import JournalReader
from gateway.journal.recovery import Recovered
from gateway.journal.row import Row, offset_after, walk
from gateway.journal.suspect import Accused, Suspect
from gateway.journal.writer import Journal

__all__ = [
    "Accused",
    "AuditCheck",
    "AuditRow",
    "Disk",
    "Journal",
    "JournalReader",
    "RealDisk",
    "Recovered",
    "Row",
    "Suspect",
    "offset_after",
    "walk",
]
