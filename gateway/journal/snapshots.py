"""Snapshots of the state and the plans they were made under: whole files, written beside and renamed.

A snapshot file is the header `CSGS`, format (2 bytes), seq (8), SHA-256 of the data (32), big-endian, then the data as
one zstd frame. Names are `<seq, 20 digits>.snapshot`. A plan is one zstd frame with a checksum, named by its digest.
"""

from __future__ import annotations

import hashlib
import io
import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final

import zstandard

from gateway.core.event import FORMAT
from gateway.errors import JournalDamaged, JournalNewer
from gateway.journal.disk import Disk, keep, set_aside

SNAPSHOTS_KEPT: Final = 3  # the newest may turn out damaged, and the one before it, too
PLANS_KEPT: Final = 8  # newest plans that stay whether or not an event names them: the next event may

_HEAD: Final = struct.Struct(">4sHQ32s")
_MAGIC: Final = b"CSGS"
_SUFFIX: Final = ".snapshot"
_DIGEST: Final = re.compile(r"[0-9a-f]{8,64}")


def snapshots(folder: Path) -> list[tuple[int, Path]]:
    """`(seq, path)` of what is kept, newest first. Raises OSError."""
    return sorted(((int(p.stem), p) for p in folder.glob(f"*{_SUFFIX}") if p.stem.isdecimal()), reverse=True)


def save(folder: Path, seq: int, data: bytes, before_rename: Callable[[], None]) -> None:
    """Keep a snapshot and drop the oldest. Touches nothing but files below `folder`. Raises OSError."""

    def write(file: BinaryIO) -> None:
        file.write(_HEAD.pack(_MAGIC, FORMAT, seq, hashlib.sha256(data).digest()))
        compressor = zstandard.ZstdCompressor(level=1)  # a stream: a second copy of 500 MB would be felt
        compressor.copy_stream(io.BytesIO(data), file, size=len(data))

    keep(folder / f"{seq:020d}{_SUFFIX}", write, before_rename)
    for _, old in snapshots(folder)[SNAPSHOTS_KEPT:]:
        old.unlink(missing_ok=True)


def load(path: Path, seq: int) -> bytes:
    """The data of a snapshot file. Raises JournalDamaged, JournalNewer, OSError."""
    with path.open("rb") as file:
        head = file.read(_HEAD.size)
        if len(head) < _HEAD.size:
            raise JournalDamaged(path, "cut short")
        magic, fmt, said, digest = _HEAD.unpack(head)
        if magic != _MAGIC or said != seq:
            raise JournalDamaged(path, "header")
        if fmt > FORMAT:
            raise JournalNewer(path, fmt, FORMAT)
        body = file.read()
    try:
        data: bytes = zstandard.ZstdDecompressor().decompress(body)
    except (zstandard.ZstdError, MemoryError) as error:  # a damaged frame may claim any size
        raise JournalDamaged(path, str(error) or "size") from error
    if hashlib.sha256(data).digest() != digest:
        raise JournalDamaged(path, "digest")
    return data


def newest(folder: Path, damaged: list[str]) -> tuple[int, bytes | None]:
    """The newest sound snapshot, `(0, None)` without one; damaged ones are set aside and named in `damaged`.

    Raises OSError, JournalNewer.
    """
    for seq, path in snapshots(folder):
        try:
            return seq, load(path, seq)
        except JournalDamaged:
            damaged.append(set_aside(path))
    return 0, None


def plan_path(folder: Path, digest: str) -> Path:
    """Where a plan is kept. Raises ValueError for what is no digest."""
    if not _DIGEST.fullmatch(digest):
        raise ValueError(f"no plan digest: {digest!r}")
    return folder / digest


def put_plan(folder: Path, digest: str, data: bytes, disk: Disk) -> None:
    """Keep a plan; one already there is the same one. Raises OSError, ValueError."""
    path = plan_path(folder, digest)
    try:
        if get_plan(folder, digest) is not None:
            path.touch()  # the newest stay
            return
    except JournalDamaged:
        set_aside(path)
    compressed = zstandard.ZstdCompressor(level=3, write_checksum=True).compress(data)
    keep(path, lambda file: file.write(compressed), lambda: disk.reached("plan"))


def get_plan(folder: Path, digest: str) -> bytes | None:
    """A plan's data, None where it is not kept. Raises JournalDamaged, OSError, ValueError."""
    path = plan_path(folder, digest)
    try:
        data: bytes = zstandard.ZstdDecompressor().decompress(path.read_bytes())
    except FileNotFoundError:
        return None
    except (zstandard.ZstdError, MemoryError) as error:  # a damaged frame may claim any size
        raise JournalDamaged(path, str(error) or "size") from error
    return data


def drop_plans(folder: Path, wanted: set[str]) -> None:
    """Forget plans that nothing kept refers to, the newest few excepted. Raises OSError."""
    plans = [p for p in folder.iterdir() if _DIGEST.fullmatch(p.name)]
    plans.sort(key=lambda p: p.stat().st_mtime_ns, reverse=True)
    for path in plans[PLANS_KEPT:]:
        if path.name not in wanted:
            path.unlink(missing_ok=True)
