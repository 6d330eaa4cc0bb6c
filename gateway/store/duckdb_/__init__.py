"""The embedded store: DuckDB for open days, one Parquet file for each closed one.

In the folder `history`, days being UTC days of arrival (`at`):

- `open-2026-11-21-<after>.duckdb` holds an open day. One file a day, so that closing it is unlinking it: dropping a day
  out of one big file kept its pages, and exporting from it fought with the writer for one buffer pool (writes of 5 ms
  took 58 ms, and the export ran out of memory). Only this process may open it.
- `day=2026-11-21/part-<after>-<to>-<crc32>.parquet` holds a closed day (zstd, sorted by point and, newest first, `at`);
  any process may read it. Columns: point, site, at, kind (0 none, 1 level, 2 whole number, 3 number, 4 text), number
  (null with kind 3 is not a number), text, delay (ms from the device's word to `at`, so `"at" - delay` is what it said;
  null where it said nothing), flags, seq, n. Parts of before November 2026 have `measured_at` in place of `delay`. A
  day that got late readings, or that a backup was made of while it was open, has several parts; imported readings are
  in `extra-...` and claim nothing.
- `rollups/15min/2026-11-21-<after>-<to>-<crc32>.parquet` (and `1min`, `60min`) holds a part rolled up; see
  `rolling.py`. They may outlive their part.
- `deletions.json`: what was deleted for good, lest the journal or a backup bring it back.
- `latest.parquet`: the last reading of each point from closed days. `damaged/`: files set aside. `rewind.json`: which
  journal range is being stored again because its file was damaged.

Each file claims a range: it has every reading of its day with `after < seq <= to`. A reading that a file claims is
never stored again, whatever is fed; that, not the cursor, is what makes writing idempotent, and it holds when a damaged
file sends the cursor back.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec

from gateway.series import SiteOf

if TYPE_CHECKING:
    from gateway.store.duckdb_.store import DuckStore


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="duckdb"):
    """Settings of the embedded store.

    `folder` lies in the data folder. `memory_mb` bounds DuckDB's buffers for writing and reading, and once more for the
    time of closing a day. `threads` is how many a question may use. A day closes when the next one is `close_after_s`
    old. `backups` is a folder of backups, or one backup, from which damaged files come back (absolute, or in the data
    folder); empty is none.
    """

    folder: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$")] = "history"
    memory_mb: Annotated[int, msgspec.Meta(ge=64, le=65_536)] = 96
    threads: Annotated[int, msgspec.Meta(ge=1, le=64)] = 1
    close_after_s: Annotated[int, msgspec.Meta(ge=0, le=43_200)] = 600
    backups: Annotated[str, msgspec.Meta(max_length=4096)] = ""


def open(config: Config, data_dir: Path, name: str, site_of: SiteOf) -> DuckStore:  # noqa: A001  the contract's word
    """The store in `data_dir / config.folder`, made if absent; raises StoreBusy, StoreError. It needs no `name`."""
    from gateway.store.duckdb_.store import DuckStore

    del name
    return DuckStore(config, data_dir / config.folder, site_of)
