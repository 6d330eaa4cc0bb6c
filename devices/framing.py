"""Cuts frames out of a byte stream: glued ones, cut ones, and those behind damage or noise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import msgspec


class Shape(msgspec.Struct, frozen=True):
    """How a family's frames lie in a stream.

    A frame begins with `start` and ends with `end`; its first `head` bytes tell its length. `measure(head)` is the
    length of the whole frame, or 0 where no frame has such a head; `sound(frame)` is whether a whole frame passes its
    own checks.
    """

    start: bytes
    end: bytes
    head: int
    measure: Callable[[bytes], int]
    sound: Callable[[bytes], bool]


class Piece(msgspec.Struct, frozen=True, gc=False):
    """A sound frame, or the beginning of what looked like one and is none (at least its head)."""

    data: bytes
    sound: bool


WHOLE: Final = 0  # what `_look` says of a frame that is sound, of one that is none, and of one not here yet
DAMAGED: Final = 1
OPEN: Final = 2


def cut(buffer: bytearray, shape: Shape) -> Iterator[Piece]:
    """Take every frame from the front of the buffer, and the noise between them; an incomplete frame stays.

    Where a head turns out to be none, the search goes on one byte further, for its length may be what is damaged. A
    head that still waits for its bytes does not hold up a whole frame behind it: noise that claims to be long costs no
    alarm its time. Damage in a row is one piece, however often it looks like a head. Never raises.
    """
    told = False  # of the damage in front of the next sound frame
    while True:
        at = buffer.find(shape.start)
        if at < 0:
            del buffer[: len(buffer) - _kept(buffer, shape.start)]
            return
        if at:
            del buffer[:at]
        state, size = _look(buffer, 0, shape)
        if state == OPEN:
            behind = _behind(buffer, shape)
            if not behind:
                return
            state, size = DAMAGED, behind
            data = bytes(buffer[: shape.head])
        elif state == DAMAGED:
            data = bytes(buffer[: max(size, shape.head)])
            size = 1
        else:
            data = bytes(buffer[:size])
        del buffer[:size]
        if state == WHOLE:
            told = False
            yield Piece(data, True)
        elif not told:
            told = True
            yield Piece(data, False)


def _look(buffer: bytearray, at: int, shape: Shape) -> tuple[int, int]:
    """What begins at a start mark, and the length it says it has."""
    if len(buffer) < at + shape.head:
        return OPEN, 0
    size = shape.measure(bytes(buffer[at : at + shape.head]))
    if not size:
        return DAMAGED, 0
    if len(buffer) < at + size:
        return OPEN, size
    whole = buffer.endswith(shape.end, at, at + size) and shape.sound(bytes(buffer[at : at + size]))
    return (WHOLE if whole else DAMAGED), size


def _behind(buffer: bytearray, shape: Shape) -> int:
    """Where a whole frame begins behind the waiting head at the front; 0 if none is there."""
    at = 1
    last = buffer.rfind(shape.end)  # nothing that begins behind the last end mark is whole
    while (at := buffer.find(shape.start, at, max(last, 0))) >= 0:
        if _look(buffer, at, shape)[0] == WHOLE:
            return at
        at += 1
    return 0


def _kept(buffer: bytearray, start: bytes) -> int:
    """How many of the last bytes may be the beginning of a start mark."""
    return next((n for n in range(len(start) - 1, 0, -1) if buffer.endswith(start[:n])), 0)
