"""What was deleted for good: remembered, so that neither the journal nor a backup brings it back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np

from devices.reading import split_point
from gateway.series import Selection
from gateway.store.duckdb_.files import DAY_MS, Claim, set_aside, settle

if TYPE_CHECKING:
    from numpy.typing import NDArray

_KEPT: Final = 10_000  # far more than a community's moves in the years a backup is kept; the oldest go first


class Gone(msgspec.Struct, frozen=True):
    """The selected readings up to the seq `to` are deleted, or with `pending` about to be."""

    selection: Selection
    to: int
    pending: bool = True

    def covers(self, other: Gone) -> bool:
        """Whether everything the other takes is taken by this one: deletions come again each night, an hour later."""
        mine, its = self.selection, other.selection
        return (
            (mine.points, mine.metrics) == (its.points, its.metrics)
            and mine.before >= its.before
            and self.to >= other.to
        )

    def met(self, claim: Claim) -> bool:
        """Whether a file that claims this may hold what is selected."""
        return claim.day * DAY_MS < self.selection.before and claim.after <= self.to

    def takes(self, point: str) -> bool:
        """Whether readings of this point may be selected."""
        points, metrics = self.selection.points, self.selection.metrics
        return (points is None or point in points) and (metrics is None or split_point(point)[1] in metrics)

    def rows(self, points: Sequence[str], at: NDArray[Any], seq: NDArray[Any]) -> NDArray[Any]:
        """Which of these readings are deleted."""
        taken = {point: self.takes(point) for point in set(points)}
        named: NDArray[Any] = np.fromiter((taken[p] for p in points), "?", len(points))
        return named & (at < self.selection.before) & (seq <= self.to)

    def sql(self, time: str = '"at"') -> tuple[str, list[Any]]:
        """The condition for rows of Parquet files, with its parameters."""
        points, metrics = self.selection.points, self.selection.metrics
        where, parameters = f"{time} < {self.selection.before} AND seq <= {self.to}", list[Any]()
        if points is not None:
            where += " AND point IN (SELECT unnest(?::VARCHAR[]))"
            parameters.append(list(points))
        if metrics is not None:
            where += " AND split_part(point, '/', -2) IN (SELECT unnest(?::VARCHAR[]))"
            parameters.append(list(metrics))
        return where, parameters


class Deletions:
    """The deletions of a store, in the file `deletions.json` of its folder."""

    def __init__(self, folder: Path, note: Callable[[str], None]) -> None:
        self._path = folder / "deletions.json"
        self._known: list[Gone] = []
        try:
            self._known = msgspec.json.decode(self._path.read_bytes(), type=list[Gone])
        except FileNotFoundError:
            pass
        except msgspec.MsgspecError:
            note(
                f"{self._path.name}: not what was written; set aside as {set_aside(folder, self._path).name}"
            )

    def add(self, gone: Gone) -> None:
        """Remember one, pending or done, in place of what it covers; on disk when this returns."""
        self._save([g for g in self._known if not gone.covers(g)] + [gone])

    def again(self, claims: Iterable[Claim]) -> None:
        """Files of before a deletion came back: what they may hold is deleted once more."""
        met = {i for i, gone in enumerate(self._known) for claim in claims if gone.met(claim)}
        if met:
            self._save(
                [msgspec.structs.replace(g, pending=g.pending or i in met) for i, g in enumerate(self._known)]
            )

    def pending(self) -> Gone | None:
        """The first that has still to be carried out."""
        return next((g for g in self._known if g.pending), None)

    def done_before(self, gone: Gone) -> list[Gone]:
        """What it continues: the same selection up to an earlier time, carried out."""
        return [g for g in self._known if not g.pending and gone.covers(g)]

    def standing(self, after: int) -> list[Gone]:
        """Those that take something behind the seq `after`."""
        return [g for g in self._known if g.to > after]

    def _save(self, known: list[Gone]) -> None:
        known = known[-_KEPT:]
        fresh = self._path.with_suffix(".new")
        fresh.write_bytes(msgspec.json.encode(known))
        settle(fresh, self._path)
        self._known = known
