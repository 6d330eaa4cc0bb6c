"""One commit of the journal: events with their times and what they led to, and the bytes they become.

Wire format of a blob (format 1): one byte 0 (plain) or 1 (zstd), CRC-32 (4 bytes) of the columns first, last, at and
offset_ms (8 bytes each, signed) and of the rest, all little-endian, then msgpack of `[plain, tagged, happened]`:
`plain` is `[[at, event]...]` of the events that are msgpack arrays (tag first), `tagged` `[[place, at, event]...]` of
those that are maps, with their place in the row; msgspec decodes no union of both kinds, hence two lists.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Union, get_args

import msgspec
import zstandard

from gateway.core.effect import Happened
from gateway.core.event import FORMAT, Clocked, Event
from gateway.errors import JournalNewer, RowDamaged


class Row(msgspec.Struct, frozen=True, array_like=True):
    """What one commit holds. The seq of `events[i]` is `first + i`.

    `offset_ms` is in force before the first event: UTC of an event is `at + offset_ms` until a `Clocked` in the row
    brings its own. Sequences inside events come back from disk as lists, whatever they were.
    """

    format: int
    first: int
    offset_ms: int
    events: list[tuple[int, Event]]
    happened: list[Happened]

    @property
    def last(self) -> int:
        """The seq of the last event."""
        return self.first + len(self.events) - 1


def walk(row: Row) -> Iterator[tuple[int, int, int, Event]]:
    """`(seq, at, utc, event)` of each event; a `Clocked` has the UTC that it brings."""
    offset = row.offset_ms
    for seq, (at, event) in enumerate(row.events, row.first):
        if type(event) is Clocked:
            offset = event.offset_ms
        yield seq, at, at + offset, event


def offset_after(row: Row) -> int:
    """The offset in force after the row's last event."""
    for _, event in reversed(row.events):
        if type(event) is Clocked:
            return event.offset_ms
    return row.offset_ms


def after(row: Row, seq: int) -> Row:
    """The part of the row behind `seq`, which is none of its events or any but the last."""
    if seq < row.first:
        return row
    cut = seq + 1 - row.first
    passed = Row(row.format, row.first, row.offset_ms, row.events[:cut], [])
    happened = [h for h in row.happened if h.seq > seq]
    return Row(row.format, seq + 1, offset_after(passed), row.events[cut:], happened)


_KINDS: Final = get_args(Event)
_TAGGED: Final = frozenset(k for k in _KINDS if not k.__struct_config__.array_like)
# A union made at run time is no type for mypy; what comes out of it is checked by msgspec.
_PLAIN_EVENT: Any = Union[tuple(k for k in _KINDS if k not in _TAGGED)]  # noqa: UP007  X | Y takes no tuple
_TAGGED_EVENT: Any = Union[tuple(_TAGGED)]  # noqa: UP007  X | Y takes no tuple

Stored = tuple[int, int, int, int, int, bytes]
"""A row of the table `rows`: first, last, at of the last event, offset_ms, format, blob."""

_HEAD: Final = struct.Struct("<BI")
_COLUMNS: Final = struct.Struct("<4q")
_PLAIN, _ZSTD = 0, 1
_COMPRESS_FROM = 128  # bytes: below it zstd saves less than a fifth and costs more than the encoding
_LEVEL = 1  # level 3 saves 3 % more and costs a fifth more time


class Packer:
    """Rows to blobs and back. Not for two threads at a time."""

    def __init__(self) -> None:
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(
            tuple[list[tuple[int, _PLAIN_EVENT]], list[tuple[int, int, _TAGGED_EVENT]], list[Happened]]
        ).decode
        self._compress = zstandard.ZstdCompressor(level=_LEVEL).compress
        self._decompress = zstandard.ZstdDecompressor().decompress

    def pack(self, row: Row) -> Stored:
        """A row as it is stored. Raises TypeError, OverflowError or ValueError for what msgpack does not have."""
        plain: list[tuple[int, Event]] = row.events
        tagged = [(i, at, event) for i, (at, event) in enumerate(row.events) if type(event) in _TAGGED]
        if tagged:
            plain = [pair for pair in row.events if type(pair[1]) not in _TAGGED]
        body = self._encode((plain, tagged, row.happened))
        kind = _PLAIN
        if len(body) >= _COMPRESS_FROM:
            kind, body = _ZSTD, self._compress(body)
        columns = (row.first, row.last, row.events[-1][0], row.offset_ms)
        crc = zlib.crc32(body, zlib.crc32(_COLUMNS.pack(*columns)))
        return *columns, row.format, _HEAD.pack(kind, crc) + body

    def unpack(self, path: Path, stored: Stored) -> Row:
        """The row that was found in `path`. Raises RowDamaged, JournalNewer."""
        check(path, stored)
        first, _, _, offset_ms, fmt, blob = stored
        body = blob[_HEAD.size :]
        try:
            if blob[0] == _ZSTD:
                body = self._decompress(body)
            events, tagged, happened = self._decode(body)
        except (zstandard.ZstdError, msgspec.MsgspecError) as error:
            raise RowDamaged(path, first, str(error)) from error
        for place, at, event in tagged:
            events.insert(place, (at, event))
        return Row(fmt, first, offset_ms, events, happened)


def check(path: Path, stored: Stored) -> None:
    """Raise RowDamaged where a row is not what we wrote, JournalNewer where a later release wrote it."""
    first, last, at, offset_ms, fmt, blob = stored
    try:
        kind, crc = _HEAD.unpack_from(blob)
        columns = zlib.crc32(_COLUMNS.pack(first, last, at, offset_ms))
        same = zlib.crc32(memoryview(blob)[_HEAD.size :], columns) == crc
    except (struct.error, TypeError) as error:  # cut short, or a column of another type
        raise RowDamaged(path, first, str(error)) from error
    if not same or kind not in {_PLAIN, _ZSTD}:
        raise RowDamaged(path, first, "checksum")
    if fmt != FORMAT:
        raise JournalNewer(path, fmt, FORMAT)
