"""The files of the embedded store: their names, what each claims, and moving them without losing them."""

from __future__ import annotations

import os
import re
import zlib
from datetime import date
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

DAY_MS: Final = 86_400_000
_EPOCH: Final = date(1970, 1, 1).toordinal()
_PART: Final = re.compile(r"part-(\d+)-(\d+)-([0-9a-f]{8})\.parquet")
_OPEN: Final = re.compile(r"open-(\d{4}-\d{2}-\d{2})-(\d+)\.duckdb")
_MAGIC: Final = b"PAR1"  # Parquet format: first and last four bytes of a whole file
_DAMAGED_KEPT: Final = 8  # files; evidence for a person, not a second archive


class Claim(NamedTuple):
    """Every reading of this UTC day (days since 1970) with `after < seq <= to` is stored."""

    day: int
    after: int
    to: int


class Part(NamedTuple):
    """A closed day's file, or one of them."""

    path: Path
    claim: Claim
    crc: int


class Rewind(msgspec.Struct, frozen=True):
    """The journal behind `after` is being stored again, up to `until`."""

    after: int
    until: int


def day_name(day: int) -> str:
    """`2026-11-21` of days since 1970."""
    return date.fromordinal(_EPOCH + day).isoformat()


def day_number(name: str) -> int:
    """Days since 1970 of `2026-11-21`; ValueError for anything else."""
    return date.fromisoformat(name).toordinal() - _EPOCH


def part_path(folder: Path, claim: Claim, crc: int) -> Path:
    """Where a part belongs."""
    return folder / f"day={day_name(claim.day)}" / f"part-{claim.after}-{claim.to}-{crc:08x}.parquet"


def open_path(folder: Path, day: int, after: int) -> Path:
    """Where an open day belongs."""
    return folder / f"open-{day_name(day)}-{after}.duckdb"


def parts(folder: Path) -> list[Part]:
    """The closed days, oldest first; files with other names are nobody's business here."""
    found = []
    for path in folder.glob("day=*/part-*.parquet"):
        match = _PART.fullmatch(path.name)
        try:
            day = day_number(path.parent.name.removeprefix("day="))
        except ValueError:
            continue
        if match:
            claim = Claim(day, int(match[1]), int(match[2]))
            found.append(Part(path, claim, int(match[3], 16)))
    return sorted(found, key=lambda p: p.claim)


def open_days(folder: Path) -> list[tuple[Path, int, int]]:
    """`(path, day, after)` of the open days, oldest first."""
    named = ((path, _OPEN.fullmatch(path.name)) for path in folder.glob("open-*.duckdb"))
    return sorted(((p, day_number(m[1]), int(m[2])) for p, m in named if m), key=lambda f: f[1:])


def ends_well(path: Path) -> bool:
    """Whether a Parquet file has both its ends: a file cut short or never filled has not. Reads eight bytes."""
    with path.open("rb") as file:
        if file.read(4) != _MAGIC:
            return False
        file.seek(-4, os.SEEK_END)
        return file.read(4) == _MAGIC


def crc_of(path: Path) -> int:
    """CRC-32 of the whole file."""
    crc = 0
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            crc = zlib.crc32(block, crc)
    return crc


def settle(path: Path, target: Path) -> None:
    """Put a finished file in its place so that a power cut leaves either none or all of it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    sync(path)
    path.replace(target)
    sync(target.parent)
    sync(target.parent.parent)


def sync(path: Path) -> None:
    """Make the bytes of a file, or the renames and removals in a folder, survive a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove(path: Path) -> None:
    """Remove a DuckDB or Parquet file, with the write-ahead log of the former."""
    path.unlink(missing_ok=True)
    path.with_name(path.name + ".wal").unlink(missing_ok=True)


def set_aside(folder: Path, path: Path) -> Path:
    """Move a damaged file and its write-ahead log to `damaged/`, where the newest few are kept. Gives its new path."""
    aside = folder / "damaged"
    aside.mkdir(exist_ok=True)
    name, copy = f"{path.parent.name}-{path.name}", 0
    while (target := aside / (f"{name}.{copy}" if copy else name)).exists():
        copy += 1
    for suffix in ("", ".wal"):
        source = path.with_name(path.name + suffix)
        if source.exists():
            source.replace(target.with_name(target.name + suffix))
    for old in sorted(aside.iterdir(), key=lambda p: p.stat().st_mtime)[: -2 * _DAMAGED_KEPT]:
        old.unlink()
    return target


def load_rewind(folder: Path) -> Rewind | None:
    """The journal range being stored again, if any. A file that says nothing means everything."""
    try:
        return msgspec.json.decode((folder / "rewind.json").read_bytes(), type=Rewind)
    except FileNotFoundError:
        return None
    except msgspec.MsgspecError:
        return Rewind(0, 0)


def save_rewind(folder: Path, rewind: Rewind | None) -> None:
    """Remember, or forget, which journal range is being stored again."""
    path = folder / "rewind.json"
    if rewind is None:
        path.unlink(missing_ok=True)
        sync(folder)
        return
    fresh = path.with_suffix(".new")
    fresh.write_bytes(msgspec.json.encode(rewind))
    settle(fresh, path)
