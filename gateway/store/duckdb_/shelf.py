"""Which files the embedded store has, what they claim, and from where it needs the journal."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path

import duckdb

from gateway.series import StoreError
from gateway.store.duckdb_ import files, spans
from gateway.store.duckdb_.deletions import Deletions
from gateway.store.duckdb_.files import Claim, Part, Rewind, Roll
from gateway.store.duckdb_.openday import OpenDay
from gateway.store.duckdb_.rolling import STEPS_MIN
from gateway.store.duckdb_.spans import Due, Span
from gateway.store.duckdb_.steps import Rolls


class FileLost(Exception):
    """A damaged file was set aside while DuckDB had it open."""


class Shelf:
    """The open days, the closed ones, and the cursor that follows from them. For one thread at a time.

    A new open day begins at the cursor and takes its day's readings from there on; a sealed one takes none. So each
    claim is true as long as events are fed in order. When a file is lost the cursor goes back to where it began
    (`rewind`), and while the hole is filled a second file of a day is made in front of the one that stands, whose
    readings are left out by its claim. Until the hole is filled no day may be closed: its part would claim what is not
    there yet.
    """

    def __init__(self, folder: Path, note: Callable[[str], None], backups: Path | None = None) -> None:
        self._folder = folder
        self._note = note
        self._backups = backups
        self.deletions = Deletions(folder, note)
        self.days: list[OpenDay] = []
        self.parts: list[Part] = []
        self.rolls: list[Roll] = []
        self.spans: list[Span] = []
        self.cursor = 0
        self.rewind: Rewind | None = None
        self.claims: list[Claim] = []  # what stands beyond the cursor; empty unless a hole is being filled

    def load(self, db: duckdb.DuckDBPyConnection, bad: Iterable[Path], *, examine: bool) -> None:
        """Find and attach all files. The `bad` and what cannot be opened are set aside; `examine` reads everything.

        Raises FileLost: call it again with a fresh DuckDB, one that stumbled over a damaged file may not be trusted
        with the others. Raises StoreError where the machine, not a file, is at fault.
        """
        self.days, self.parts, self.rolls, self.spans = [], [], [], []
        aside = set(bad)
        self._load_closed(aside)
        for path, day, after in files.open_days(self._folder):
            try:
                found = OpenDay.load(db, path, day, after)
                if found is not None and examine:
                    found.examine(db)
            except duckdb.Error as error:
                if not is_damage(error) or "has been invalidated" in str(error):
                    raise StoreError(short(error)) from error
                self._lose(path, after, short(error))
                raise FileLost from error
            if found is None:
                files.remove(path)
            elif any(
                p.claim[:2] == (day, after) and p.claim.to >= found.to for p in self.parts if not p.extra
            ):
                found.detach(db)  # it was closed, and only its left-over not yet removed
                files.remove(path)
            else:
                self.days.append(found)
        self._decide()

    def _load_closed(self, aside: set[Path]) -> None:
        for part in files.parts(self._folder):
            if part.path in aside or not files.ends_well(part.path):
                self._lose_part(part)
            elif not part.extra and any(p.claim == part.claim for p in self.parts if not p.extra):
                # A deletion was cut off after its new file and before it took the old one away; it is pending still.
                files.remove(part.path)
            else:
                self.parts.append(part)
        for minutes in STEPS_MIN:
            for roll in files.rolls(self._folder, minutes):
                if roll.path not in aside and files.ends_well(roll.path):
                    self.rolls.append(roll)
        for span in spans.found(self._folder):
            if span.digest != spans.digest_of(filter(span.holds, self.rolls)):
                files.remove(span.path)  # what it was made of changed, or has to be made again
            elif span.path not in aside and files.ends_well(span.path):
                self.spans.append(span)
            else:
                aside.add(span.path)
        aside -= {r.path for r in self.rolls}
        for path in sorted(aside):
            if path.exists():  # last readings, or what is made again of others: nothing depends on it
                self._set_aside(path, "not what was written")

    def _decide(self) -> None:
        claims = [*(p.claim for p in self.parts if not p.extra), *(d.claim for d in self.days)]
        top = max((claim.to for claim in (*claims, *(p.claim for p in self.parts))), default=0)
        known = files.load_rewind(self._folder)
        rewind = known and Rewind(min(known.after, top), max(known.until, top))
        if rewind is not None and rewind.after == rewind.until:
            rewind = None  # what was lost was the newest: there is nothing behind it to go back from
        self.rewind = rewind
        self.cursor, self.claims = (top, []) if rewind is None else (rewind.after, claims)
        if rewind != known:
            files.save_rewind(self._folder, rewind)

    def _lose(self, path: Path, after: int, reason: str) -> None:
        """Set a damaged file aside; first of all, and for every start to come, note from where to store again."""
        known = files.load_rewind(self._folder) or Rewind(after, 0)
        files.save_rewind(self._folder, Rewind(min(known.after, after), known.until))
        self._set_aside(path, reason)

    def _lose_part(self, part: Part) -> None:
        """A closed day comes back from a backup where there is one, else from the journal."""
        if part.extra:
            self._set_aside(part.path, "not what was written; import it again")
            return
        for spare in files.spares(self._backups, part.claim) if self._backups else ():
            crc = files.written_crc(spare)
            if not is_sound(Part(spare, part.claim, crc)):
                continue
            self._set_aside(part.path, "not what was written")
            target = files.part_path(self._folder, part.claim, crc)
            files.copy(spare, target)
            self.parts.append(Part(target, part.claim, crc))
            self.deletions.again([part.claim])  # the backup may be older than they are
            self._note(f"{target.name}: brought back from the backup {spare.parent.parent}")
            return
        self._lose(part.path, part.claim.after, "not what was written")

    def part_of(self, roll: Roll) -> Part | None:
        """The part that a roll-up was made of, if it is there."""
        return next((p for p in self.parts if p.claim == roll.claim and not p.extra), None)

    def alone(self, part: Part) -> bool:
        """Whether no other file has readings of the part's day from between its events."""
        others = [*(p.claim for p in self.parts if p != part), *(d.claim for d in self.days)]
        return not any(overlap(claim, part.claim) for claim in others)

    def rolled(self, minutes: int, first: int, last: int) -> Rolls:
        """The roll-ups of the days from `first` to `last` that may answer.

        One whose part is gone answers for it, unless readings of its time came back in another file. Where some were
        imported among those of a part, which is later cannot be told from its roll-up any more.
        """
        of_parts: dict[Part, Roll] = {}
        alone: list[Roll] = []
        standing = {p.claim: p for p in self.parts if not p.extra}
        asked = [r for r in self.rolls if r.minutes == minutes and first <= r.claim.day <= last]
        by_day: dict[int, list[Claim]] = {}
        for claim in (*standing, *(d.claim for d in self.days)):
            by_day.setdefault(claim.day, []).append(claim)
        imported = [p.claim for p in self.parts if p.extra]
        for roll in asked:
            part = standing.get(roll.claim)
            if any(overlap(claim, roll.claim) for claim in imported):
                continue
            if part is not None:
                of_parts[part] = roll
            elif not any(overlap(c, roll.claim) for c in by_day.get(roll.claim.day, ())):
                alone.append(roll)
        return Rolls(of_parts, alone, self._instead(asked, set(of_parts.values()), set(alone)))

    def _instead(self, asked: Collection[Roll], *sorts: set[Roll]) -> dict[Roll, Span]:
        """The spans that say of the days asked what roll-ups of one of the `sorts` say, and nothing else."""
        instead: dict[Roll, Span] = {}
        for span in self.spans:
            held = set(filter(span.holds, asked))
            if any(held <= sort for sort in sorts):
                instead |= dict.fromkeys(held, span)
        return instead

    def exchange(self, away: Collection[Roll], made: Sequence[Roll]) -> None:
        """Other roll-ups stand from now on. Spans that have any of them go at once, before the roll-ups do."""
        gone = set(away) | set(made)
        stale = [span for span in self.spans if any(map(span.holds, gone))]
        self.spans = [span for span in self.spans if span not in stale]
        self.rolls = [roll for roll in self.rolls if roll not in gone] + list(made)
        for span in stale:
            files.remove(span.path)

    def unmerged(self) -> Due | None:
        """Roll-ups of days that are over and lie in files of their own still; none while a hole is being filled."""
        if self.rewind is not None:
            return None
        open_days = {d.day for d in self.days}
        newest = max((*open_days, *(p.claim.day for p in self.parts)), default=0)
        return spans.due(self.rolls, self.spans, open_days, newest)

    def merged(self, span: Span) -> bool:
        """Take a new span up, in place of shorter ones; False where its roll-ups changed meanwhile."""
        if span.digest != spans.digest_of(filter(span.holds, self.rolls)):
            return False
        within = [
            s for s in self.spans
            if s.minutes == span.minutes and span.first <= s.first < span.first + span.days
        ]  # fmt: skip
        self.spans = [s for s in self.spans if s not in within] + [span]
        for shorter in within:
            files.remove(shorter.path)
        return True

    def unrolled(self) -> Part | None:
        """The newest part that lacks a roll-up. What was imported has none."""
        have = {(r.claim, r.minutes) for r in self.rolls}
        wanting = (
            p for p in reversed(self.parts) if not p.extra
            and any((p.claim, m) not in have for m in STEPS_MIN)
        )  # fmt: skip
        return next(wanting, None)

    def filled(self) -> bool:
        """Whether nothing is being stored again (any more)."""
        if self.rewind is not None and self.cursor >= self.rewind.until:
            files.save_rewind(self._folder, None)
            self.rewind, self.claims = None, []
        return self.rewind is None

    def day_for(self, db: duckdb.DuckDBPyConnection, day: int) -> OpenDay:
        """The file for readings of this day from behind the cursor, made if there is none. Raises duckdb.Error."""
        fitting = [d for d in self._fitting() if d.day == day]
        if fitting:
            return fitting[-1]
        made = OpenDay.create(db, self._folder, day, self.cursor)
        self.days = sorted([*self.days, made], key=lambda d: d.claim)
        return made

    def advance(self, db: duckdb.DuckDBPyConnection, to: int) -> None:
        """Events up to `to` held no readings: remember that they are done, so that they are not read again."""
        if fitting := self._fitting():
            fitting[-1].advance(db, to)
        self.cursor = to

    def _fitting(self) -> list[OpenDay]:
        return [d for d in self.days if not d.sealed and d.after <= self.cursor]

    def closed(self, day: OpenDay, part: Part) -> None:
        """The part stands for the open day from now on."""
        self.parts = sorted([*self.parts, part], key=lambda p: p.claim)
        self.days = [d for d in self.days if d is not day]

    def _set_aside(self, path: Path, reason: str) -> None:
        target = files.set_aside(self._folder, path)
        self._note(f"{path.name}: {reason}; set aside as {target.name}")


def overlap(one: Claim, other: Claim) -> bool:
    """Whether both speak of the same events of a day."""
    return one.day == other.day and max(one.after, other.after) < min(one.to, other.to)


def is_sound(part: Part | Roll | Span) -> bool:
    """Whether a closed day is byte for byte what was written. One that is gone was taken away, not damaged."""
    try:
        return files.crc_of(part.path) == part.crc
    except FileNotFoundError:
        return True
    except OSError:
        return False  # the disk cannot read it


def is_damage(error: duckdb.Error) -> bool:
    """Whether DuckDB says that a file is not what it wrote, or that it lost its own footing."""
    if isinstance(error, duckdb.FatalException | duckdb.InternalException | duckdb.SerializationException):
        return True
    words = (
        "orrupt",
        "not a valid DuckDB database",
        "not read enough bytes",
        "replaying WAL",
        "has been invalidated",
    )
    return any(word in str(error) for word in words)


def short(error: Exception) -> str:
    """An error's first line."""
    return str(error).split("\n", 1)[0][:300]
