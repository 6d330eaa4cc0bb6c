"""The evidence as the view process has it: pictures, the log of looks, the key of originals, and what deletes."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection
from pathlib import Path

import structlog

from devices.catalogue import Catalogue
from gateway.evidence.looks import Looks
from gateway.evidence.sealing import evidence_key
from gateway.evidence.sightings import Sightings
from gateway.evidence.store import BYTES_MAX, FOLDER, Evidence
from gateway.evidence.sweeping import Sweeping
from gateway.proofs import Proofs

log = structlog.get_logger(__name__)


class EvidenceRoom:
    """Opens everything in the data folder. Raises sqlite3.Error, OSError, and ValueError for a key that is none."""

    def __init__(
        self,
        data: Path,
        proofs: Proofs,
        bytes_max: int = BYTES_MAX,
        catalogue: Callable[[], Catalogue] = Catalogue,
        own: Collection[str] = (),
    ) -> None:
        """`catalogue` gives the one in force, `own` are the sources of the gateway's own cameras."""
        self.key = evidence_key(data)
        self.pictures = Evidence(data / FOLDER, bytes_max=bytes_max)
        self.looks = Looks(data / FOLDER / "looks.sqlite")
        self.sweeping = Sweeping(self.pictures, self.looks, proofs)
        self.sightings = Sightings(self.pictures, catalogue, own)

    def sweep(self, now: int) -> None:
        """What is past its time goes. Raises sqlite3.Error: what could not be proved stays."""
        try:
            self.sweeping.sweep(now)
        except OSError as error:
            log.error("pictures past their time are still there", reason=str(error))

    def close(self) -> None:
        """Leave everything on disk."""
        self.pictures.close()
        self.looks.close()


def open_room(
    data: Path, proofs: Proofs, bytes_max: int, catalogue: Callable[[], Catalogue], own: Collection[str]
) -> EvidenceRoom | None:
    """The evidence; None, and a word in the log, where it does not open."""
    try:
        return EvidenceRoom(data, proofs, bytes_max, catalogue, own)
    except (sqlite3.Error, OSError, ValueError) as error:
        log.error("no pictures are shown: the evidence folder does not open", reason=str(error))
        return None
