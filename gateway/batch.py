"""Journal rows into columns, fast: what the view hands to every time-series store."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from devices.reading import Reading
from gateway.core.event import Clocked, Measured
from gateway.series import Batch, Kind

if TYPE_CHECKING:
    from gateway.journal import Row

_PLACES: Final = [tuple(range(size)) for size in range(64)]  # `n` of a message's readings, made once


class _KindOf(dict[type, int]):
    """The kind of a value by its exact type, and of a subclass (an enum, say) by what it is."""

    def __missing__(self, kind: type) -> int:
        for base, known in ((bool, Kind.BOOL), (int, Kind.INT), (float, Kind.FLOAT), (str, Kind.TEXT)):
            if issubclass(kind, base):
                return int(known)
        raise TypeError(f"{kind.__name__} is no value of a reading")


_KIND_OF: Final = _KindOf({type(None): 0, bool: 1, int: 2, float: 3, str: 4})
_NUMBERS: Final = frozenset((Kind.BOOL, Kind.INT, Kind.FLOAT))


def batch_of(rows: Iterable[Row], after: int) -> Batch:
    """The readings of consecutive rows that lie behind `after`; only `Measured` events hold any.

    `at` becomes UTC by the row's offset, and from a `Clocked` on by the one it brings. A row that begins before `after`
    is cut, rows wholly before it give nothing. Costs about 0.25 us a reading.
    """
    seqs: list[int] = []
    places: list[int] = []
    ats: list[int] = []
    readings: list[Reading] = []
    last = after
    for row in rows:
        offset = row.offset_ms
        for seq, (at, event) in enumerate(row.events, row.first):
            kind = type(event)
            if kind is Measured:
                if seq <= after:
                    continue
                found = event.readings  # type: ignore[union-attr]  # `kind is Measured` is an isinstance at half price
                size = len(found)
                seqs += [seq] * size
                places += _PLACES[size] if size < len(_PLACES) else range(size)
                ats += [at + offset] * size
                readings += found
            elif kind is Clocked:
                offset = event.offset_ms  # type: ignore[union-attr]  # as above
        last = max(last, row.first + len(row.events) - 1)
    values = [r.value for r in readings]
    kinds = bytes(map(_KIND_OF.__getitem__, map(type, values)))
    numbers: list[Any] = values
    texts: list[str | None] = [None] * len(values)
    if Kind.TEXT in kinds or Kind.NONE in kinds:
        numbers = [v if k in _NUMBERS else None for k, v in zip(kinds, values, strict=True)]
        texts = [v if isinstance(v, str) else None for v in values]
    return Batch(
        after=after,
        last_seq=last,
        seq=seqs,
        n=places,
        at=ats,
        point=[r.point for r in readings],
        number=numbers,
        text=texts,
        kind=kinds,
        measured_at=[r.measured_at for r in readings],
        flags=[r.flags for r in readings],
    )
