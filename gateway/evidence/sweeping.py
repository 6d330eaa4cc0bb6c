"""Takes pictures away: those past their time, and the least needed when room is short; each time with a proof line.

The proof is a line of the same chain as every other deletion (`gateway.proofs`, store `evidence`): how many, from when
to when, which pictures, on whose word; never what was in them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gateway.evidence.looks import Looks
from gateway.evidence.rows import DAY_MS, ROWS_DAYS, PictureRow
from gateway.evidence.store import Evidence
from gateway.proofs import PICTURES_CLASS, Proofs, Why
from gateway.series import Deletion, Selection

STORE: Final = "evidence"
EXPIRED: Final = "evidence.expired"
ROOM: Final = "evidence.room"
CHUNK: Final = 200  # pictures one proof line names
FILL: Final = 0.9  # of the bound is left after making room, so that it is not made with every picture
STRAY_MS: Final = 3_600_000  # a file without a row may be one that is just being written


class Sweeping:
    """One for the process that deletes. Raises sqlite3.Error, OSError: what could not be proved stays."""

    def __init__(self, evidence: Evidence, looks: Looks, proofs: Proofs) -> None:
        self._evidence, self._looks, self._proofs = evidence, looks, proofs

    def sweep(self, now: int) -> int:
        """What is past its time at `now` (UTC ms by a clock that is set) goes; gives how many pictures that were."""
        self._settle(now)
        gone = 0
        while found := self._evidence.expired(now, CHUNK):
            self._take(found, EXPIRED, now)
            gone += len(found)
        gone += self.room(now)
        for path in self._evidence.strays(now - STRAY_MS):
            path.unlink(missing_ok=True)
        self._evidence.forget(now - ROWS_DAYS * DAY_MS, now - ROWS_DAYS * DAY_MS)
        self._looks.sweep(now)
        return gone

    def room(self, now: int) -> int:
        """Where the bound is reached the least needed go; gives how many. A P1 nobody judged never does."""
        held, bound = self._evidence.bytes(), self._evidence.bytes_max
        if held < bound:
            return 0
        gone = 0
        while held > bound * FILL and (found := self._evidence.least(CHUNK)):
            picked: list[PictureRow] = []
            for row in found:
                if held <= bound * FILL:
                    break
                picked.append(row)
                held -= row.bytes
            self._take(picked, ROOM, now)
            gone += len(picked)
        return gone

    def _settle(self, now: int) -> None:
        """What we were cut off in: the pictures go, and the line that says so comes."""
        for owed in self._proofs.owed():
            if owed.klass == PICTURES_CLASS:
                names = owed.selection.points or ()
                self._evidence.remove([row for row in map(self._evidence.picture, names) if row is not None])
                self._proofs.add(STORE, PICTURES_CLASS, owed.selection, Deletion(len(names)), owed.why, now)
                self._proofs.done(owed.id)

    def _take(self, pictures: Sequence[PictureRow], reason: str, now: int) -> None:
        """What is to go is written down first, so that no deletion is without its line, whenever we are cut off."""
        times = [row.at for row in pictures]
        selection, why = Selection(now, tuple(row.id for row in pictures)), Why("retention", reason)
        owed = self._proofs.owe(STORE, PICTURES_CLASS, selection, why)
        self._evidence.remove(pictures)
        self._proofs.add(
            STORE, PICTURES_CLASS, selection, Deletion(len(pictures), min(times), max(times)), why, now
        )
        self._proofs.done(owed)
