"""InfluxDB: readings as line protocol through the v2 write API, questions through InfluxQL.

The lines are described in gateway/lines.py, the patience in gateway/linesink.py. InfluxQL's `/query` is what 1.x, 2.x
(with a mapping of the bucket to a database, which `prepare` makes) and 3.x have in common; docs/influxdb.md says which
servers were really run. With `read: false` it is a store that is only written.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec

from gateway.linesink import LineSink
from gateway.series import SiteOf

if TYPE_CHECKING:
    from gateway.series import Keeping


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="influxdb"):
    """Where to write. `token` may be empty where the server asks for none; 1.8 takes `user:password` in its place.

    `bucket` is the database on 1.x (`database/policy` names a retention policy) and on 3.x. `batch_lines` is the most
    lines of one request (the larger, the cheaper for the server); `timeout_ms` bounds each. `read` says
    whether the server is also asked.
    """

    url: Annotated[str, msgspec.Meta(pattern=r"^https?://[^/@\s]+(/\S*)?$")]
    bucket: Annotated[str, msgspec.Meta(min_length=1)]
    org: str = ""
    token: str = ""
    measurement: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z][A-Za-z0-9_.-]*$")] = "reading"
    batch_lines: Annotated[int, msgspec.Meta(ge=1, le=50_000)] = 40_000
    timeout_ms: Annotated[int, msgspec.Meta(ge=100, le=300_000)] = 10_000
    gzip: bool = True
    read: bool = True

    def __repr__(self) -> str:
        return f"influxdb.Config(url={self.url!r}, bucket={self.bucket!r}, org={self.org!r}, token=***)"


def open(config: Config, data_dir: Path, name: str, site_of: SiteOf) -> LineSink:  # noqa: A001  the contract's word
    """The store `name`, which can be asked unless `read` is false; asks nothing of the server yet."""
    from gateway.lines import Lines
    from gateway.store.influxdb.store import InfluxStore

    lines = Lines(config.measurement, site_of)
    kind = InfluxStore if config.read else LineSink
    return kind(config, data_dir / "cursors", f"influx-{name}", lines)


def prepare(config: Config, keeping: Keeping) -> Iterator[str]:
    """Make on the server what is missing, saying each thing done, found or impossible; see setup.py."""
    from gateway.store.influxdb.setup import prepare as steps

    return steps(config, keeping)
