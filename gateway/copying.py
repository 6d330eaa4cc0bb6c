"""Copies one store into another, to be gone on with after any end, and compares what both hold by day.

A day's sum does not depend on the order of rows: it is the sum of a hash of each reading, so that stores that give
their rows in other orders can be compared.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from math import isnan
from pathlib import Path
from typing import Any, Final

import msgspec

from gateway.series import Batch, Kind

DAY_MS: Final = 86_400_000
SAVE_EVERY: Final = (
    50  # batches between two savings of the place: what came since is copied again, to no effect
)
_MASK: Final = 2**64 - 1

_pack: Final = msgspec.msgpack.Encoder().encode


class Sums(msgspec.Struct):
    """`(readings, sum)` of each UTC day of arrival, by its number since 1970."""

    days: dict[int, tuple[int, int]] = {}

    def add(self, batch: Batch) -> None:
        columns = zip(
            batch.at, batch.point, batch.seq, batch.n, batch.kind, batch.number, batch.text, batch.measured_at,
            batch.flags, strict=True,
        )  # fmt: skip
        for at, point, seq, n, kind, number, text, measured_at, flags in columns:
            value = text if kind == Kind.TEXT else None if number is None or isnan(number) else float(number)
            packed = _pack((at, point, seq, n, kind, value, measured_at, int(flags)))
            one = int.from_bytes(hashlib.blake2b(packed, digest_size=8).digest(), "big")
            count, total = self.days.get(at // DAY_MS, (0, 0))
            self.days[at // DAY_MS] = (count + 1, (total + one) & _MASK)

    @property
    def rows(self) -> int:
        return sum(count for count, _ in self.days.values())


class Place(msgspec.Struct):
    """How far a copy has got; `since` and `until` (UTC ms, by arrival) are what it is of."""

    since: int
    until: int
    after: int = 0
    sums: Sums = msgspec.field(default_factory=Sums)


def load(file: Path, since: int, until: int) -> Place:
    """The place of the last try of the same copy, else the beginning."""
    try:
        known = msgspec.json.decode(file.read_bytes(), type=Place)
    except (FileNotFoundError, msgspec.MsgspecError):
        return Place(since, until)
    return known if (known.since, known.until) == (since, until) else Place(since, until)


def copied(source: Any, target: Any, place: Place, file: Path) -> Iterator[Place]:
    """Copy what lies behind the place, which moves with it; gives it after each batch. Raises StoreError, OSError.

    The target takes what is behind its own cursor: it is new, or was filled by this. Nothing is written twice.
    """
    for number, batch in enumerate(source.stored(place.after)):
        wanted = within(batch, place.since, place.until)
        target.write(wanted)
        place.sums.add(wanted)
        place.after = batch.last_seq
        if number % SAVE_EVERY == SAVE_EVERY - 1:
            save(file, place)
        yield place
    save(file, place)


def save(file: Path, place: Place) -> None:
    """Write the place so that it is whole or as before. Raises OSError."""
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_suffix(".new")
    with fresh.open("wb") as made:
        made.write(msgspec.json.encode(place))
        made.flush()
        os.fsync(made.fileno())
    fresh.replace(file)


def summed(store: Any, place: Place) -> Iterator[Sums]:
    """What a store holds of the same, up to where the copy got; gives the sums as they grow. Raises StoreError."""
    sums = Sums()
    for batch in store.stored(0):
        sums.add(within(batch, place.since, place.until, place.after))
        yield sums
        if batch.last_seq >= place.after:
            break


def differing(one: Sums, other: Sums) -> list[int]:
    """Days that are not equal, in order."""
    return sorted(day for day in {*one.days, *other.days} if one.days.get(day) != other.days.get(day))


def within(batch: Batch, since: int, until: int, last: int | None = None) -> Batch:
    """The readings with `since <= at < until`, and of events up to `last`; the batch speaks for the same events."""
    keep = [
        i for i, at in enumerate(batch.at) if since <= at < until and (last is None or batch.seq[i] <= last)
    ]
    if len(keep) == len(batch):
        return batch
    columns: dict[str, Any] = {
        name: [getattr(batch, name)[i] for i in keep]
        for name in ("seq", "n", "at", "point", "number", "text", "measured_at", "flags")
    }
    return msgspec.structs.replace(batch, kind=bytes(batch.kind[i] for i in keep), **columns)
