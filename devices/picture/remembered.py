"""What a camera has learned of its view as bytes, so that who covers the lens during a restart is found out."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Final

import msgspec
import numpy as np

from devices.picture.reference import GRID, Look, Plane, Reference

MAGIC: Final = b"csgview1"
BYTES_MAX: Final = 2_000_000
"""More is no view: two references of at most 160 x 360 pixels at half precision are below one million."""
PIXELS_MAX: Final = 160 * 360


class CannotRestore(ValueError):
    """These bytes are no view, or not a whole one; the text says why."""


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """What lasts: the size (height, width, 3) of the pictures, the references by mode (True is monochrome), what part
    of their edges is usually seen, the mode last seen, and the quietest tremble of the picture (mean grey levels).
    """

    shape: tuple[int, int, int]
    references: Mapping[bool, Reference]
    usual: Mapping[bool, float]
    monochrome: bool
    quiet: float


class _Planes(msgspec.Struct, frozen=True, array_like=True):
    modes: tuple[bool, ...]  # both, where one reference serves for colour and infrared
    usual: tuple[float, ...]
    size: tuple[int, int]
    luma: float
    age_ms: int
    structure: bytes  # real parts, then imaginary ones
    strength: bytes
    fine: bytes
    coarse: bytes
    cells: bytes
    tint: bytes


class _File(msgspec.Struct, frozen=True, array_like=True):
    shape: tuple[int, int, int]
    monochrome: bool
    quiet: float
    references: tuple[_Planes, ...]


def written(memory: Memory) -> bytes:
    """The memory as at most `BYTES_MAX` bytes: magic, CRC-32 of the rest, msgpack with planes of half precision."""
    planes = []
    serves: dict[Reference, list[bool]] = {}
    for mode, reference in memory.references.items():
        serves.setdefault(reference, []).append(mode)
    for reference, modes in serves.items():
        seen = reference.seen
        parts = np.stack((seen.structure.real, seen.structure.imag))
        planes.append(
            _Planes(
                tuple(modes), tuple(memory.usual.get(mode, 0.9) for mode in modes), seen.strength.shape[:2], seen.luma,
                reference.age_ms,
                *(_halves(p) for p in (parts, seen.strength, seen.fine, seen.coarse, seen.cells, seen.tint)),
            )
        )  # fmt: skip
    body = msgspec.msgpack.encode(_File(memory.shape, memory.monochrome, memory.quiet, tuple(planes)))
    return MAGIC + zlib.crc32(body).to_bytes(4, "big") + body


def read(data: bytes) -> Memory:
    """The memory that `written` gave. Raises CannotRestore for anything else, however it was damaged."""
    if not data.startswith(MAGIC) or len(data) > BYTES_MAX:
        raise CannotRestore("not a view of this version")
    body = data[len(MAGIC) + 4 :]
    if zlib.crc32(body).to_bytes(4, "big") != data[len(MAGIC) : len(MAGIC) + 4]:
        raise CannotRestore("damaged")
    try:
        file = msgspec.msgpack.decode(body, type=_File)
        references: dict[bool, Reference] = {}
        usual: dict[bool, float] = {}
        for planes in file.references:
            reference = Reference(_look(planes), max(planes.age_ms, 0))
            references |= dict.fromkeys(planes.modes, reference)
            usual |= dict(zip(planes.modes, planes.usual, strict=True))
        return Memory(
            shape=file.shape, references=references, usual=usual, monochrome=file.monochrome, quiet=file.quiet
        )
    except (msgspec.MsgspecError, ValueError) as error:
        raise CannotRestore(f"not a view: {error}") from error


def _halves(plane: object) -> bytes:
    return np.asarray(plane, np.float16).tobytes()


def _look(planes: _Planes) -> Look:
    tall, wide = planes.size
    if min(tall, wide) < 1 or tall * wide > PIXELS_MAX or not 0 <= planes.luma <= 255:
        raise CannotRestore("of no size or light that a view has")
    parts = _plane(planes.structure, 2, tall, wide)
    structure = np.empty((tall, wide), np.complex64)
    structure.real, structure.imag = parts
    return Look(
        structure, _plane(planes.strength, tall, wide), _plane(planes.fine, tall, wide),
        _plane(planes.coarse, max(1, round(20 * tall / wide)), 20), _plane(planes.cells, *GRID),
        _plane(planes.tint, *GRID, 2), planes.luma, np.zeros((tall, wide), np.bool_),
    )  # fmt: skip


def _plane(data: bytes, *shape: int) -> Plane:
    """Raises ValueError where the bytes are not of this shape, or not all of them numbers."""
    plane = np.frombuffer(data, np.float16).astype(np.float32).reshape(shape)
    if not np.isfinite(plane).all():
        raise CannotRestore("not all of it numbers")
    return plane
