"""VictoriaMetrics, written through its InfluxDB v2 write API; boards ask it in PromQL (docs/influxdb.md).

Series a point, labels channel, device, metric and site:

    reading_value, reading_invalid (instead, where flagged INVALID), reading_seq, reading_flags, reading_measured_at,
    reading_shift_ms

`reading_flags` has a sample where they are not 0, and one where they are 0 again.

It stores numbers at milliseconds, nothing else, and therefore this is a store that is written and not asked:

- A text, no reading, and what is not a finite number have no place there: left out, and counted in health (`left_out`).
- Readings of one point in one millisecond would become one: the later ones go to the next free milliseconds and say in
  `reading_shift_ms` by how much; only where a second does not suffice they are lost, counted (`collapsed`).
- It acknowledges before its disk has it. Our cursor on disk therefore trails by SETTLE_MS, and after a request that
  failed we go back as far and send again. Run it with `-dedup.minScrapeInterval=1ms`, or what is sent again counts
  twice; `prepare` looks whether it does.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec

from devices.reading import Flag, split_point
from gateway.clock import Clock, SystemClock
from gateway.lines import BREAKS, TAG, SeriesNames
from gateway.linesink import Cursor, LineSink, short
from gateway.series import Batch, Deletion, Keeping, Kind, Selection, SiteOf, StoreError

SETTLE_MS: Final = 15_000
"""It writes what it took to its disk within a second or two (pending rows, then parts, with fsync)."""

_DOUBT_MS: Final = 60_000
_FLAG: Final = re.compile(r'^flag\{name="([^"]+)", value="([^"]*)"', re.MULTILINE)
_SHIFT_MAX_MS: Final = 1_000
# It reads a backslash that is written twice as one; InfluxDB reads two.
_ESCAPED: Final = TAG | {ord("\\"): "\\\\"}
_POINTS_KEPT: Final = 1_000_000
_DAY_MS: Final = 86_400_000
_UNITS_DAYS: Final = {
    "h": 1 / 24,
    "d": 1,
    "w": 7,
    "y": 365,
    "": 31,
}  # VictoriaMetrics' flags; no unit is months
_NEVER_MS: Final = _DAY_MS  # when a server that cannot do a thing at all may be asked for it again


class Config(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="victoriametrics"
):
    """Where to write: the server, or `http://vminsert:8480/insert/0/influx` of a cluster.

    `token` is what a proxy in front asks for. `batch_lines` is the most lines of one request; `timeout_ms` bounds each.
    """

    url: Annotated[str, msgspec.Meta(pattern=r"^https?://[^/@\s]+(/\S*)?$")]
    token: str = ""
    measurement: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")] = "reading"
    batch_lines: Annotated[int, msgspec.Meta(ge=1, le=50_000)] = 40_000
    timeout_ms: Annotated[int, msgspec.Meta(ge=100, le=300_000)] = 10_000
    gzip: bool = True

    @property
    def bucket(self) -> str:
        """What the v2 write API wants and VictoriaMetrics does not look at."""
        return "csg"

    @property
    def org(self) -> str:
        """As the bucket."""
        return ""

    def __repr__(self) -> str:
        return f"victoriametrics.Config(url={self.url!r}, token=***)"


def open(config: Config, data_dir: Path, name: str, site_of: SiteOf) -> VictoriaSink:  # noqa: A001  the contract's word
    """The writer for the store `name`; asks nothing of the server yet."""
    lines = NumberLines(config.measurement, site_of)
    return VictoriaSink(config, data_dir / "cursors", f"victoria-{name}", lines)


def prepare(config: Config, keeping: Keeping) -> Iterator[str]:
    """Look whether it keeps long enough and drops what is sent twice; its flags are its own, nothing is changed.

    Raises StoreError.
    """
    flags = dict(_flags(_ask(config, "/metrics", {})))
    if "retentionPeriod" not in flags:
        yield f"{config.url} does not say how it was started (a cluster's vminsert does not): look at vmstorage's flags"
        return
    kept = flags["retentionPeriod"]
    days = _days(kept)
    wanted = keeping.days
    enough = days is not None and wanted is not None and days >= wanted
    yield f"{config.url} keeps readings for -retentionPeriod={kept}" + (
        ""
        if enough
        else f", but the settings say {f'{wanted} days' if wanted else 'for good'}: start it with more"
    )
    if flags.get("dedup.minScrapeInterval", "") in {"", "0", "0s"}:
        yield "it counts what is sent again twice: start it with -dedup.minScrapeInterval=1ms"
    else:
        yield f"it drops what is sent again: -dedup.minScrapeInterval={flags['dedup.minScrapeInterval']}"
    yield "it makes no roll-ups by itself; boards roll up when they ask"


class NumberLines:
    """Readings that are finite numbers as lines; "" for the others."""

    def __init__(self, measurement: str, site_of: SiteOf) -> None:
        self._names = SeriesNames(measurement, site_of, lambda text: _label(text).translate(_ESCAPED))
        self._last: dict[str, int] = {}
        self._flagged: set[str] = set()
        self.left_out = 0
        self.collapsed = 0

    def anew(self) -> None:
        """Lines will be made again from an earlier seq, and must come out the same."""
        self._last.clear()
        self._flagged.clear()

    def of(self, batch: Batch) -> Iterator[str]:
        ready, name_of, taken, invalid = self._names.ready, self._names.name, self._last, int(Flag.INVALID)
        flagged = self._flagged
        if len(taken) > _POINTS_KEPT:
            taken.clear()
            flagged.clear()
        columns = zip(
            batch.point,
            batch.seq,
            batch.at,
            batch.number,
            batch.kind,
            batch.measured_at,
            batch.flags,
            strict=True,
        )
        for point, seq, at, number, kind, measured_at, flags in columns:
            if kind == Kind.TEXT or number is None or number - number != 0:
                self.left_out += 1
                yield ""
                continue
            shift = ""
            time_ms = at
            if at <= (last := taken.get(point, 0)):
                if last - at < _SHIFT_MAX_MS:
                    time_ms = last + 1
                    shift = f"shift_ms={time_ms - at}i,"
                else:
                    self.collapsed += 1  # or the clock was set back, and nothing is there yet: nobody knows
            taken[point] = time_ms
            value = f"{'invalid' if flags & invalid else 'value'}={float(number)!r},"
            measured = "" if measured_at is None else f"measured_at={measured_at}i,"
            marks = ""
            if flags or point in flagged or not last:
                marks = f"flags={flags}i,"
                (flagged.add if flags else flagged.discard)(point)
            series = ready.get(point) or name_of(point)
            yield f"{series} {value}{measured}{shift}{marks}seq={seq}i {time_ms}000000"


class VictoriaSink(LineSink):
    """A `gateway.series.Sink` whose server may forget the last seconds when it dies."""

    def __init__(
        self, config: Config, folder: Path, name: str, lines: NumberLines, clock: Clock | None = None
    ) -> None:
        super().__init__(config, folder, name, lines)
        self._config = config
        self._numbers = lines
        self._clock = clock or SystemClock()
        self._trail: deque[tuple[int, Cursor]] = deque(
            [(0, self._cursor)]
        )  # by the monotonic clock, one a second
        self._links = self._seen = 0  # connections made so far, and when we last looked
        self._doubted_at = -_DOUBT_MS
        self._count_connections()

    def write(self, batch: Batch) -> None:
        try:
            super().write(batch)
        except StoreError:
            self._go_back()
            raise
        # A new connection may mean that it died and came back between two writes. Once a minute that is believed: some
        # proxies make one for every request.
        now = self._clock.monotonic_ms()
        if self._seen and self._links != self._seen and now - self._doubted_at >= _DOUBT_MS:
            self._doubted_at = now
            self._go_back()
        self._seen = self._links

    def _requests(self, batch: Batch) -> Iterator[tuple[int, int, list[str]]]:
        """Sorted, for 0.25 us a line: those of a series lie together then, which spares it a fifth of its work."""
        for to, at, lines in super()._requests(batch):
            yield to, at, sorted(lines)

    def _count_connections(self) -> None:
        pool = self._client.api_client.rest_client.pool_manager.connection_from_url(self._config.url)
        plain: Any = pool.ConnectionCls

        def connect(connection: Any) -> None:
            self._links += 1
            plain.connect(connection)

        pool.ConnectionCls = type("Counted", (plain,), {"connect": connect})

    def _certain(self) -> Cursor:
        now = self._clock.monotonic_ms()
        if self._cursor.seq > self._trail[-1][1].seq and (
            now - self._trail[-1][0] >= 1_000 or len(self._trail) < 2
        ):
            self._trail.append((now, self._cursor))
        while len(self._trail) > 1 and now - self._trail[1][0] >= SETTLE_MS:
            self._trail.popleft()
        return self._trail[0][1]

    def _go_back(self) -> None:
        """What it may have lost is fed again."""
        self._cursor = self._durable = self._certain()
        self._trail = deque([(0, self._cursor)])
        self._numbers.anew()

    def health(self) -> Mapping[str, Any]:
        """`left_out` counts readings that are no numbers, `collapsed` those that found no millisecond of their own."""
        counts = {"left_out": self._numbers.left_out, "collapsed": self._numbers.collapsed}
        return {**super().health(), **counts}

    def delete(self, selection: Selection) -> Deletion:
        """Whole series, which is all it can: so only a selection of everything up to now, and no class of data by age.

        Raises StoreError.
        """
        if selection.before <= self._cursor.at:
            raise StoreError(
                "VictoriaMetrics deletes whole series only: its retention must do the rest", _NEVER_MS
            )
        rows = 0
        for labels in _chosen(selection):
            asked = {"query": f"sum(count_over_time({self._config.measurement}_seq{{{labels}}}[40y]))"}
            answer = msgspec.json.decode(_ask(self._config, "/api/v1/query", asked), type=_Answer)
            rows += sum(int(float(one.value[1])) for one in answer.data.result)
            chosen = ",".join(filter(None, (f'__name__=~"{self._config.measurement}_.+"', labels)))
            _ask(self._config, "/api/v1/admin/tsdb/delete_series", {"match[]": f"{{{chosen}}}"})
        return Deletion(rows)


class _Vector(msgspec.Struct):
    value: tuple[float, str]


class _Data(msgspec.Struct):
    result: list[_Vector]


class _Answer(msgspec.Struct):
    data: _Data


def _chosen(selection: Selection) -> Iterator[str]:
    """The selection as labels of PromQL; a label that must be absent is equal to ""."""
    if selection.points is not None:
        for point in dict.fromkeys(selection.points):
            device, metric, channel = map(_label, split_point(point))
            if selection.metrics is None or split_point(point)[1] in selection.metrics:
                yield f"device={_quoted(device)},metric={_quoted(metric)},channel={_quoted(channel)}"
    elif selection.metrics is not None:
        yield from (f"metric={_quoted(_label(metric))}" for metric in selection.metrics)
    else:
        yield ""


def _label(text: str) -> str:
    """A name as it is kept in a label: breaks spelt out, for a line cannot hold them."""
    return text.translate(BREAKS)


def _quoted(text: str) -> str:
    return msgspec.json.encode(text).decode()


def _ask(config: Config, path: str, fields: Mapping[str, str]) -> bytes:
    """The body of the answer. Raises StoreError."""
    from urllib3 import request
    from urllib3.exceptions import HTTPError

    headers = {"Authorization": f"Token {config.token}"} if config.token else {}
    try:
        answer = request(
            "GET", config.url.rstrip("/") + path, fields=fields, headers=headers, timeout=config.timeout_ms / 1000,
            retries=False,
        )  # fmt: skip
    except (HTTPError, OSError, ValueError) as error:
        raise StoreError(f"{config.url}: {short(error)}") from error
    if answer.status >= 400:
        raise StoreError(
            f"{config.url}{path}: {answer.status} {short(answer.data.decode('utf-8', 'replace'))}"
        )
    return answer.data


def _flags(metrics: bytes) -> Iterator[tuple[str, str]]:
    """The flags it was started with, from its own metrics."""
    yield from _FLAG.findall(metrics.decode("utf-8", "replace"))


def _days(period: str) -> float | None:
    """What `-retentionPeriod` says, in days; a plain number is months. None where it is not understood."""
    found = re.fullmatch(r"([0-9.]+)([hdwy]?)", period)
    return float(found[1]) * _UNITS_DAYS[found[2]] if found else None
