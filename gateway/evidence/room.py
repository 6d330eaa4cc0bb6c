"""The evidence as the view process has it: pictures, the log of looks, the key of originals, and what deletes."""

from __future__ import annotations

from pathlib import Path

from gateway.evidence.looks import Looks
from gateway.evidence.sealing import evidence_key
from gateway.evidence.store import BYTES_MAX, FOLDER, Evidence
from gateway.evidence.sweeping import Sweeping
from gateway.proofs import Proofs


class EvidenceRoom:
    """Opens everything in the data folder. Raises sqlite3.Error, OSError, and ValueError for a key that is none."""

    def __init__(self, data: Path, proofs: Proofs, *, bytes_max: int = BYTES_MAX) -> None:
        self.key = evidence_key(data)
        self.pictures = Evidence(data / FOLDER, bytes_max=bytes_max)
        self.looks = Looks(data / FOLDER / "looks.sqlite")
        self.sweeping = Sweeping(self.pictures, self.looks, proofs)

    def close(self) -> None:
        """Leave everything on disk."""
        self.pictures.close()
        self.looks.close()
