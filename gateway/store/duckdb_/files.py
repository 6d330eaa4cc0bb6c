"""The files of the embedded store: their names, what each claims, and moving them without losing them."""

from __future__ import annotations

import os
import re
import shutil
import zlib
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

DAY_MS: Final = 86_400_000
_EPOCH: Final = date(1970, 1, 1).toordinal()
_PART: Final = re.compile(r"(part|extra)-(\d+)-(\d+)-([0-9a-f]{8})\.parquet")
_OPEN: Final = re.compile(r"open-(\d{4}-\d{2}-\d{2})-(\d+)\.duckdb")
_ROLL: Final = re.compile(r"(\d{4}-\d{2}-\d{2})-(\d+)-(\d+)-([0-9a-f]{8})\.parquet")
_MAGIC: Final = b"PAR1"  # Parquet format: first and last four bytes of a whole file
_DAMAGED_KEPT: Final = 8  # files; evidence for a person, not a second archive


class Claim(NamedTuple):
    """Every reading of this UTC day (days since 1970) with `after < seq <= to` is stored."""

    day: int
    after: int
    to: int


class Part(NamedTuple):
    """A closed day's file, or one of them; `extra` readings were imported, lie in that range and claim nothing."""

    path: Path
    claim: Claim
    crc: int
    extra: bool = False


class Roll(NamedTuple):
    """The roll-up of a part's readings in steps of so many minutes."""

    path: Path
    claim: Claim
    crc: int
    minutes: int


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


def part_path(folder: Path, claim: Claim, crc: int, *, extra: bool = False) -> Path:
    """Where a part belongs."""
    kind = "extra" if extra else "part"
    return folder / f"day={day_name(claim.day)}" / f"{kind}-{claim.after}-{claim.to}-{crc:08x}.parquet"


def roll_path(folder: Path, claim: Claim, minutes: int, crc: int) -> Path:
    """Where a roll-up belongs: not beside its part, where everything is readings."""
    name = f"{day_name(claim.day)}-{claim.after}-{claim.to}-{crc:08x}.parquet"
    return folder / "rollups" / f"{minutes}min" / name


def open_path(folder: Path, day: int, after: int) -> Path:
    """Where an open day belongs."""
    return folder / f"open-{day_name(day)}-{after}.duckdb"


def parts(folder: Path) -> list[Part]:
    """The closed days, oldest first; files with other names are nobody's business here."""
    found = []
    for path in folder.glob("day=*/*.parquet"):
        match = _PART.fullmatch(path.name)
        try:
            day = day_number(path.parent.name.removeprefix("day="))
        except ValueError:
            continue
        if match:
            claim = Claim(day, int(match[2]), int(match[3]))
            found.append(Part(path, claim, int(match[4], 16), match[1] == "extra"))
    return sorted(found, key=lambda p: p.claim)


def rolls(folder: Path, minutes: int) -> list[Roll]:
    """The roll-ups in steps of so many minutes, oldest first."""
    named = ((p, _ROLL.fullmatch(p.name)) for p in folder.glob(f"rollups/{minutes}min/*.parquet"))
    return sorted(
        Roll(p, Claim(day_number(m[1]), int(m[2]), int(m[3])), int(m[4], 16), minutes) for p, m in named if m
    )


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


def copy(path: Path, target: Path, *, link: bool = False) -> None:
    """A whole copy in its place, or nothing; with `link` the same bytes under a second name where the disk can."""
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(target.name + ".new")
    fresh.unlink(missing_ok=True)
    if link:
        with suppress(OSError):  # another disk, or one without links
            os.link(path, fresh)
    if not fresh.exists():
        shutil.copyfile(path, fresh)
    settle(fresh, target)


def quoted(path: Path) -> str:
    """A path as an SQL text, where no parameter may stand."""
    return "'" + str(path).replace("'", "''") + "'"


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


def spares(backups: Path, claim: Claim) -> list[Path]:
    """Files in a backup, or in a folder of backups, that hold exactly what a lost part held, newest first."""
    name = f"day={day_name(claim.day)}/part-{claim.after}-{claim.to}-*.parquet"
    found = [*backups.glob(name), *backups.glob(f"*/{name}")]
    return sorted(found, key=lambda p: p.stat().st_mtime, reverse=True)


def written_crc(path: Path) -> int:
    """The CRC-32 that the name of a part or roll-up gives."""
    return int(path.stem.rpartition("-")[2], 16)


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
