"""InfluxDB 2, and what speaks its v2 write API: readings as line protocol, followed by a cursor of our own.

One line a reading, in one measurement (`reading` unless set):

    reading,channel=C,device=D,metric=M,site=S value=21.5,measured_at=1i,kind=3i,seq=7i,n=0i,at=2i,flags=0i NANOSECONDS

Tags that are empty are left out. A number or level (0, 1) is in `value`, a text in `text` (line breaks as spaces); a
reading of nothing, or of what is not a finite number, has neither; `kind` says which it is (gateway.series.Kind).

InfluxDB keeps one value for a series and time, so two readings of a point in one millisecond would become one. The time
is therefore `at` plus `(seq * 1000 + n) mod 1 000 000` nanoseconds: distinct as long as a millisecond brings fewer than
1 000 messages and a message fewer than 1 000 readings, and the same whenever it is written again, so that writing twice
changes nothing. The true time is in the field `at`.

Nothing is dropped because the server is away: `write` raises StoreError, the cursor stays, the caller waits and tries
again. Only a line the server itself refuses is left out; it goes to `<name>.refused` beside the cursor and into health.
"""

from __future__ import annotations

import os
import random
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec

from devices.reading import source_of, split_point
from gateway.series import Batch, Kind, SiteOf, StoreError

if TYPE_CHECKING:
    from influxdb_client.client.write_api import WriteApi

_REFUSED_BYTES_MAX: Final = 10_000_000  # of one file of refused lines; one older file is kept beside it
_REFUSED_KEPT: Final = 20  # in health
_SEARCHES_MAX: Final = (
    64  # requests to find the bad lines of one refused request; what is left is refused together
)
_POINTS_KEPT: Final = 1_000_000  # series names ready made, some 200 MB at worst; then they are made anew
_RETRY_MS: Final = 1_000
_REFUSED: Final = frozenset((400, 422))  # the request was understood and something in it will never be taken
_TOO_LARGE: Final = 413
_MISCONFIGURED: Final = frozenset((401, 403, 404))  # a person must act; meanwhile everything waits
_MISCONFIGURED_RETRY_MS: Final = 30_000

# Line protocol: commas, spaces and equal signs of tags are escaped; it knows no way to write a line break there.
_TAG: Final = str.maketrans({",": "\\,", " ": "\\ ", "=": "\\=", "\n": "\\n", "\r": "\\r", "\t": "\\t"})
_TEXT: Final = str.maketrans({'"': '\\"', "\\": "\\\\", "\n": " ", "\r": " "})


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="influxdb"):
    """Where to write. `token` may be empty where the server asks for none; 1.8 takes `user:password` in its place.

    `batch_lines` is the most lines of one request; `timeout_ms` bounds each request.
    """

    url: Annotated[str, msgspec.Meta(pattern=r"^https?://[^/@\s]+(/\S*)?$")]
    bucket: str
    org: str = ""
    token: str = ""
    measurement: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z][A-Za-z0-9_.-]*$")] = "reading"
    batch_lines: Annotated[int, msgspec.Meta(ge=1, le=50_000)] = 5_000
    timeout_ms: Annotated[int, msgspec.Meta(ge=100, le=300_000)] = 10_000
    gzip: bool = True

    def __repr__(self) -> str:
        return f"influxdb.Config(url={self.url!r}, bucket={self.bucket!r}, org={self.org!r}, token=***)"


class Cursor(msgspec.Struct, frozen=True):
    """What is remembered of a server: everything up to `seq` was confirmed by it."""

    seq: int
    url: str
    bucket: str


def open(config: Config, data_dir: Path, name: str, site_of: SiteOf) -> InfluxSink:  # noqa: A001  the contract's word
    """The writer for the store `name`; asks nothing of the server yet."""
    return InfluxSink(config, data_dir / "cursors", name, site_of)


class InfluxSink:
    """A `gateway.series.Sink`."""

    def __init__(self, config: Config, folder: Path, name: str, site_of: SiteOf) -> None:
        from influxdb_client.client.influxdb_client import InfluxDBClient
        from influxdb_client.client.write_api import SYNCHRONOUS

        folder.mkdir(parents=True, exist_ok=True)
        self._config = config
        self._lines = Lines(config.measurement, site_of)
        self._file = folder / f"influx-{name}.json"
        self._refused_file = folder / f"influx-{name}.refused"
        self._cursor = self._load()
        self._durable = self._cursor
        self._refused = 0
        self._last_refused: deque[str] = deque(maxlen=_REFUSED_KEPT)
        self._failing: str | None = None
        # The caller waits and tries again, so the client must not: a retry inside would hold it up unseen.
        self._client = InfluxDBClient(
            config.url,
            config.token,
            org=config.org,
            timeout=config.timeout_ms,
            enable_gzip=config.gzip,
            retries=False,
        )
        self._api: WriteApi = self._client.write_api(write_options=SYNCHRONOUS)

    def cursor(self) -> int:
        return self._durable

    def write(self, batch: Batch) -> None:
        try:
            for to, lines in self._requests(batch):
                self._send(lines, [_SEARCHES_MAX])
                self._cursor = to
            self._cursor = max(self._cursor, batch.last_seq)
        except StoreError as error:
            self._failing = str(error)
            raise
        else:
            self._failing = None
        finally:
            self._save()

    def _requests(self, batch: Batch) -> Iterator[tuple[int, list[str]]]:
        """The lines behind the cursor in requests that end with a whole event, with the seq they reach to."""
        lines: list[str] = []
        last = self._cursor
        for seq, line in zip(batch.seq, self._lines.of(batch), strict=True):
            if seq <= self._cursor:
                continue
            if seq != last and len(lines) >= self._config.batch_lines:
                yield last, lines
                lines = []
            lines.append(line)
            last = seq
        if lines:
            yield last, lines

    def _send(self, lines: Sequence[str], searches: list[int]) -> None:
        """Write these lines; those that the server will never take are set aside. Raises StoreError."""
        refusal = self._post(lines)
        if refusal is None:
            return
        searches[0] -= 1
        if len(lines) == 1 or searches[0] <= 0:
            self._refuse(lines, refusal)
            return
        # The server may have taken the good lines, or none. Writing them again is harmless, so halving finds the bad
        # ones whatever the server's habits.
        half = len(lines) // 2
        self._send(lines[:half], searches)
        self._send(lines[half:], searches)

    def _post(self, lines: Sequence[str]) -> str | None:
        """One request; None, or why the server will not take it as it is. Raises StoreError for what may pass."""
        from influxdb_client.client.exceptions import InfluxDBError
        from influxdb_client.rest import ApiException
        from urllib3.exceptions import HTTPError

        config = self._config
        try:
            self._api.write(config.bucket, config.org, "\n".join(lines).encode())
        except ApiException as error:
            said = f"{error.status} {error.reason}: {_short(error.body)}"
            if error.status in _REFUSED or (error.status == _TOO_LARGE and len(lines) > 1):
                return said
            retry_ms = (
                _MISCONFIGURED_RETRY_MS if error.status in _MISCONFIGURED else _retry_after_ms(error.headers)
            )
            raise StoreError(f"{config.url}: {said}", retry_ms) from error
        except (InfluxDBError, HTTPError, OSError, ValueError) as error:
            # ValueError: an answer that is no UTF-8, say from something that is no InfluxDB.
            raise StoreError(f"{config.url}: {_short(error)}", _jitter(_RETRY_MS)) from error
        return None

    def _refuse(self, lines: Sequence[str], why: str) -> None:
        self._refused += len(lines)
        self._last_refused.append(
            f"{why} <- {lines[0][:200]}" + (f" and {len(lines) - 1} more" if lines[1:] else "")
        )
        if self._refused_file.exists() and self._refused_file.stat().st_size > _REFUSED_BYTES_MAX:
            self._refused_file.replace(self._refused_file.with_suffix(".refused.1"))
        with self._refused_file.open("a", encoding="utf-8") as file:
            file.writelines(f"# {why}\n{line}\n" for line in lines)

    def health(self) -> Mapping[str, Any]:
        """`ok` is False while writing fails and once lines were refused; `refused` counts them since the start."""
        problems = [*([self._failing] if self._failing else []), *self._last_refused]
        return {
            "ok": not problems,
            "cursor": self._durable,
            "problems": problems,
            "refused": self._refused,
            "server": self._config.url,
        }

    def close(self) -> None:
        self._client.close()  # type: ignore[no-untyped-call]  # the library annotates only a part of itself

    def _load(self) -> int:
        """Where we were with this server and bucket; another one begins anew."""
        try:
            known = msgspec.json.decode(self._file.read_bytes(), type=Cursor)
        except FileNotFoundError:
            return 0
        except (OSError, msgspec.MsgspecError):
            return 0  # writing everything again changes nothing there
        return known.seq if (known.url, known.bucket) == (self._config.url, self._config.bucket) else 0

    def _save(self) -> None:
        if self._cursor == self._durable:
            return
        fresh = self._file.with_suffix(".new")
        try:
            with fresh.open("wb") as file:
                file.write(msgspec.json.encode(Cursor(self._cursor, self._config.url, self._config.bucket)))
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._file)
        except OSError as error:
            raise StoreError(f"{self._file}: {error}") from error
        self._durable = self._cursor


class Lines:
    """Readings as lines. Costs about 1.5 us a reading."""

    def __init__(self, measurement: str, site_of: SiteOf) -> None:
        self._measurement = measurement
        self._site_of = site_of
        self._series: dict[str, str] = {}

    def of(self, batch: Batch) -> Iterator[str]:
        """One line for each reading, in order."""
        columns = zip(
            batch.point,
            batch.seq,
            batch.n,
            batch.at,
            batch.number,
            batch.text,
            batch.kind,
            batch.measured_at,
            batch.flags,
            strict=True,
        )
        for point, seq, n, at, number, text, kind, measured_at, flags in columns:
            value = ""
            if kind == Kind.TEXT:
                value = f'text="{(text or "").translate(_TEXT)}",'
            elif (
                number is not None and number - number == 0
            ):  # neither a NaN nor infinite: the protocol has no word
                value = f"value={float(number)!r},"
            measured = "" if measured_at is None else f"measured_at={measured_at}i,"
            series = self._series.get(point) or self._name(point)
            time_ns = at * 1_000_000 + (seq * 1_000 + n) % 1_000_000
            yield f"{series} {value}{measured}kind={kind}i,seq={seq}i,n={n}i,at={at}i,flags={flags}i {time_ns}"

    def _name(self, point: str) -> str:
        device, metric, channel = split_point(point)
        site = self._site_of(source_of(device))
        # Sorted by name, which spares InfluxDB the sorting.
        tags = (("channel", channel), ("device", device), ("metric", metric), ("site", site))
        name = ",".join((self._measurement, *(f"{key}={_tag(text)}" for key, text in tags if text)))
        if len(self._series) >= _POINTS_KEPT:
            self._series.clear()
        self._series[point] = name
        return name


def _tag(text: str) -> str:
    escaped = text.translate(_TAG)
    # A backslash at the end would escape what follows the tag; the client library adds a space, and so do we.
    return escaped + "\\ " if escaped.endswith("\\") else escaped


def _retry_after_ms(headers: Mapping[str, str] | None) -> int:
    """What the server asked for, in seconds, within reason; else our own second."""
    asked = (headers or {}).get("Retry-After", "")
    return min(int(asked), 300) * 1_000 if asked.isdigit() else _jitter(_RETRY_MS)


def _jitter(ms: int) -> int:
    """Half as much again at most, so that many gateways do not come back in one instant."""
    return ms + random.randrange(ms // 2 + 1)


def _short(said: object) -> str:
    return " ".join(str(said).split())[:300]
