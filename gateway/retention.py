"""Takes readings away: those past the time of their class, hourly, and those a person has a right to see gone.

Every deletion leaves a line in the proofs. A store that cannot do it now owes it and is asked again; one that cannot
delete at all is said aloud and listed. The journal is not rewritten: it is bounded by size, and what it still holds of
an erased point is never written to a store again (`Proofs.allowed`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from inspect import signature
from typing import Any, Final

import msgspec
import structlog

from devices.reading import METRICS, Privacy
from gateway.proofs import PICTURES_CLASS, Proofs, Why
from gateway.series import Deletion, Selection, StoreError

DAY_MS: Final = 86_400_000
DAYS_CLASS: Final = "days"
POINTS_CLASS: Final = "points"
POINTS_MAX: Final = 10_000
"""Most points of one erasure: a large building's; a longer list is a mistake."""

REASONS: Final = ("request", "consent", "moved_out", "purpose_met", "unlawful", "wrong")
"""Why somebody has readings erased: PIPL art. 47 (request, consent withdrawn, purpose met, unlawful), a household that
moved out, and data that is wrong or of a test."""

log = structlog.get_logger(__name__)


class Outcome(msgspec.Struct, frozen=True):
    """What became of a deletion in one store: `deleted` (with its proof's seq), `owed` or `cannot`."""

    store: str
    result: str
    rows: int | None = None
    first_at: int | None = None
    last_at: int | None = None
    proof: int | None = None


class Retention:
    """One for the process, a deletion at a time. `stores` gives those that are open, `names` all that are set up."""

    def __init__(
        self,
        proofs: Proofs,
        stores: Callable[[], Mapping[str, Any]],
        names: Sequence[str],
        days_of: Callable[[Privacy], int],
        rollup_days: int = 0,
    ) -> None:
        self.proofs, self._stores, self._names, self._days_of = proofs, stores, names, days_of
        self._rollups_longer_ms = max(rollup_days - days_of(Privacy.PUBLIC), 0) * DAY_MS
        self._one = threading.Lock()
        self._said: set[tuple[str, str]] = set()

    def sweep(self, now: int) -> int:
        """What is past its time at `now` (UTC ms by a clock that is set) goes; gives how many lines that left.

        Boundaries are whole UTC days, so that each store looks once a day.
        """
        with self._one:
            lines = self._settle(now)
            oldest = _midnight(now, self._days_of(Privacy.PUBLIC))
            for name, store in self._stores().items():
                for privacy in (Privacy.PERSONAL, Privacy.HOUSEHOLD):
                    before = _midnight(now, self._days_of(privacy))
                    if before > oldest:
                        selection = Selection(before, None, _metrics(privacy))
                        lines += self._past(name, store, str(privacy), selection, now)
                lines += self._past(name, store, DAYS_CLASS, Selection(oldest), now)
            self.proofs.forgive(oldest)
        return lines

    def erase(self, points: Iterable[str], why: Why, now: int, newest: int = 0) -> list[Outcome]:
        """Everything of these points up to `now`, in every store, and what came `newest` (UTC ms) where that is later,
        for the journal's clock may be a little ahead. Raises ValueError for too many.
        """
        chosen = tuple(dict.fromkeys(points))
        if not 1 <= len(chosen) <= POINTS_MAX:
            raise ValueError(f"1 to {POINTS_MAX} points, not {len(chosen)}")
        selection = Selection(max(now, newest) + 1, chosen)
        with self._one:
            self.proofs.forbid(selection)
            stores = self._stores()
            return [self._erase(name, stores.get(name), selection, why, now) for name in self._names]

    # -- one store --------------------------------------------------------------------------------------------

    def _erase(self, name: str, store: Any, selection: Selection, why: Why, now: int) -> Outcome:
        if store is not None and not hasattr(store, "delete"):
            log.error("store cannot delete; erase it there by its own means", store=name)
            return Outcome(name, "cannot")
        owed = self.proofs.owe(name, POINTS_CLASS, selection, why)
        try:
            if store is None:
                raise StoreError("the store is not open")
            gone = store.delete(selection)
        except StoreError as error:
            log.error("store owes an erasure", store=name, reason=str(error))
            return Outcome(name, "owed")
        proof = self.proofs.add(name, POINTS_CLASS, selection, gone, why, now)
        self.proofs.done(owed)
        return Outcome(name, "deleted", gone.rows, gone.first_at, gone.last_at, proof.seq)

    def _settle(self, now: int) -> int:
        """What stores owe, of those that are open; also what we were cut off in, which then takes nothing more."""
        stores, lines = self._stores(), 0
        for owed in self.proofs.owed():
            if owed.klass == PICTURES_CLASS:
                continue
            store = stores.get(owed.store)
            if store is None and owed.store in self._names:
                continue
            if store is not None:
                try:
                    gone = self._gone(store, owed.klass, owed.selection)
                except StoreError as error:
                    log.warning("store still owes an erasure", store=owed.store, reason=str(error))
                    continue
                self.proofs.add(owed.store, owed.klass, owed.selection, gone, owed.why, now)
                lines += 1
            self.proofs.done(owed.id)  # also of a store that is configured no more
        return lines

    def _past(self, name: str, store: Any, klass: str, selection: Selection, now: int) -> int:
        """Readings of one class of data, or whole days; gives 1 where a line was left, 0 where nothing was there."""
        if selection.before <= self.proofs.swept(name, klass):
            return 0
        if not hasattr(store, "forget" if klass == DAYS_CLASS else "delete"):
            if (name, klass) not in self._said:
                self._said.add((name, klass))
                log.warning("store does not delete: its own server must", store=name, kind=klass)
            return 0
        setting = "retention.history_days" if klass == DAYS_CLASS else f"retention.{klass}_days"
        why = Why("retention", setting)
        owed = self.proofs.owe(name, klass, selection, why)
        try:
            gone = self._gone(store, klass, selection)
        except StoreError as error:
            log.error("retention waits", store=name, kind=klass, reason=str(error))
            self.proofs.done(owed)  # the next sweep tries again, and further
            return 0
        if gone.rows != 0:
            self.proofs.add(name, klass, selection, gone, why, now)
        self.proofs.sweep_done(name, klass, selection.before)
        self.proofs.done(owed)
        return int(gone.rows != 0)

    def _gone(self, store: Any, klass: str, selection: Selection) -> Deletion:
        """Take it away. Whole days go by their name, uncounted. Raises StoreError."""
        if klass != DAYS_CLASS:
            found: Deletion = store.delete(selection)
            return found
        # Only a store that makes roll-ups of its own keeps them for longer.
        own_rollups = "rollups_before" in signature(store.forget).parameters
        longer = {"rollups_before": selection.before - self._rollups_longer_ms} if own_rollups else {}
        days = store.forget(selection.before, **longer)
        return Deletion(None, _day_at(days[0]), _day_at(days[-1]) + DAY_MS - 1) if days else Deletion(0)


def _metrics(privacy: Privacy) -> tuple[str, ...]:
    return tuple(sorted(m.name for m in METRICS.values() if m.privacy is privacy))


def _midnight(now: int, days: int) -> int:
    return (now - days * DAY_MS) // DAY_MS * DAY_MS


def _day_at(name: str) -> int:
    return round(datetime.fromisoformat(name).replace(tzinfo=UTC).timestamp() * 1000)
