"""The writing half of every store that speaks InfluxDB's v2 write API: a cursor of our own, patience, a refused file.

Nothing is dropped because the server is away: `write` raises StoreError, the cursor stays, the caller waits and tries
again. Only a line the server itself refuses is left out; it goes to `<prefix>-<name>.refused` beside the cursor, into
health and into `/metrics`.
"""

from __future__ import annotations

import os
import random
import zlib
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

from gateway.lineanswer import Refusal, refusal, retry_after_ms
from gateway.series import Batch, StoreError

if TYPE_CHECKING:
    from influxdb_client.client.write_api import WriteApi

_REFUSED_BYTES_MAX: Final = 10_000_000  # of one file of refused lines; one older file is kept beside it
_REFUSED_KEPT: Final = 20  # in health
_SEARCHES_MAX: Final = 200  # requests to find the bad lines of one; what is left then is refused together
_RETRY_MS: Final = 1_000
_MISCONFIGURED: Final = frozenset((401, 403, 404))  # a person must act; meanwhile everything waits
_MISCONFIGURED_RETRY_MS: Final = 30_000
_GZIP: Final = 31  # zlib's window size that means "with a gzip header"
_GZIP_LEVEL: Final = 1  # a fifth of the CPU of the default for lines a quarter longer


class Target(Protocol):
    """Where and how to write; the Config of a plug-in. `batch_lines` is the most lines of one request, `timeout_ms`
    bounds each."""

    @property
    def url(self) -> str: ...
    @property
    def bucket(self) -> str: ...
    @property
    def org(self) -> str: ...
    @property
    def token(self) -> str: ...
    @property
    def batch_lines(self) -> int: ...
    @property
    def timeout_ms(self) -> int: ...
    @property
    def gzip(self) -> bool: ...


class Encoder(Protocol):
    """Makes lines of readings."""

    def of(self, batch: Batch) -> Iterator[str]:
        """One line for each reading, in order; "" for one that the server cannot keep."""
        ...


class Cursor(msgspec.Struct, frozen=True):
    """What is remembered of a server: everything up to `seq`, which arrived at `at`, was confirmed by it."""

    seq: int
    url: str
    bucket: str
    at: int = 0


class LineSink:
    """A `gateway.series.Sink` for the server `target`; asks nothing of it before the first write."""

    def __init__(self, target: Target, folder: Path, name: str, lines: Encoder) -> None:
        from influxdb_client.client.influxdb_client import InfluxDBClient
        from influxdb_client.client.write_api import SYNCHRONOUS

        folder.mkdir(parents=True, exist_ok=True)
        self._target = target
        self._lines = lines
        self._file = folder / f"{name}.json"
        self._refused_file = folder / f"{name}.refused"
        self._cursor = self._load()
        self._durable = self._saved = self._cursor
        self._lines_max = target.batch_lines
        self._written = 0
        self._refused = 0
        self._last_refused: deque[str] = deque(maxlen=_REFUSED_KEPT)
        self._failing: str | None = None
        # The caller waits and tries again, so the client must not: a retry inside would hold it up unseen.
        self._client = InfluxDBClient(
            target.url, target.token, org=target.org, timeout=target.timeout_ms, retries=False
        )
        if target.gzip:
            # By our own hand: the client packs at the highest level, which costs more than all the rest together.
            self._client.api_client.default_headers["Content-Encoding"] = "gzip"
        self._api: WriteApi = self._client.write_api(write_options=SYNCHRONOUS)

    def cursor(self) -> int:
        return self._durable.seq

    def write(self, batch: Batch) -> None:
        try:
            for to, at, lines in self._requests(batch):
                self._send(lines, [_SEARCHES_MAX])
                self._written += len(lines)
                self._lines_max = min(self._lines_max + self._lines_max // 64 + 1, self._target.batch_lines)
                self._move(to, at)
            self._move(batch.last_seq, self._cursor.at)
        except StoreError as error:
            self._failing = str(error)
            raise
        else:
            self._failing = None
        finally:
            self._save()

    def _move(self, seq: int, at: int) -> None:
        if seq > self._cursor.seq:
            self._cursor = Cursor(seq, self._target.url, self._target.bucket, at)

    def _certain(self) -> Cursor:
        """What the server has for good; what it may still lose is sent again after a restart of ours."""
        return self._cursor

    def _requests(self, batch: Batch) -> Iterator[tuple[int, int, list[str]]]:
        """The lines behind the cursor in requests that end with a whole event, with the seq and time they reach to."""
        lines: list[str] = []
        after = self._cursor.seq
        last, last_at = after, self._cursor.at
        new = _behind(batch, after)
        for seq, at, line in zip(new.seq, new.at, self._lines.of(new), strict=True):
            if seq != last and len(lines) >= self._lines_max:
                yield last, last_at, lines
                lines = []
            if line:
                lines.append(line)
            last, last_at = seq, at
        if lines:
            yield last, last_at, lines

    def _send(self, lines: Sequence[str], searches: list[int]) -> None:
        """Write these lines; those that the server will never take are set aside. Raises StoreError."""
        while (refused := self._post(lines)) is not None:
            if refused.too_large:
                self._lines_max = max(len(lines) // 2, 1)  # and slowly more again
            else:
                searches[0] -= 1
            if len(lines) == 1 or searches[0] <= 0 or refused.dropped == len(lines):
                self._refuse(lines, refused.why)
                return
            if not refused.bad:
                # The server may have taken the good lines, or none. Writing them again is harmless, so halving finds
                # the bad ones whatever the server's habits.
                half = len(lines) // 2
                self._send(lines[:half], searches)
                self._send(lines[half:], searches)
                return
            for place, why in sorted(refused.bad.items()):
                self._refuse([lines[place]], why)
            lines = [line for place, line in enumerate(lines) if place not in refused.bad]
            if not lines:
                return

    def _post(self, lines: Sequence[str]) -> Refusal | None:
        """One request; None, or why the server will not take it as it is. Raises StoreError for what may pass."""
        from influxdb_client.client.exceptions import InfluxDBError
        from influxdb_client.rest import ApiException
        from urllib3.exceptions import HTTPError

        target = self._target
        body = "\n".join(lines).encode()
        if target.gzip:
            packer = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP)
            body = packer.compress(body) + packer.flush()
        try:
            self._api.write(target.bucket, target.org, body)
        except ApiException as error:
            if refused := refusal(error.status, error.reason, error.body, lines):
                return refused
            misconfigured = error.status in _MISCONFIGURED
            retry_ms = _MISCONFIGURED_RETRY_MS if misconfigured else retry_after_ms(error.headers)
            said = f"{target.url}: {error.status} {error.reason}: {short(error.body)}"
            raise StoreError(said, jitter(_RETRY_MS) if retry_ms is None else retry_ms) from error
        except (InfluxDBError, HTTPError, OSError, ValueError) as error:
            # ValueError: an answer that is no UTF-8, say from something that is no InfluxDB.
            raise StoreError(f"{target.url}: {short(error)}", jitter(_RETRY_MS)) from error
        return None

    def _refuse(self, lines: Sequence[str], why: str) -> None:
        self._refused += len(lines)
        self._written -= len(lines)
        self._last_refused.append(
            f"{why} <- {lines[0][:200]}" + (f" and {len(lines) - 1} more" if lines[1:] else "")
        )
        try:
            if self._refused_file.exists() and self._refused_file.stat().st_size > _REFUSED_BYTES_MAX:
                self._refused_file.replace(self._refused_file.with_suffix(".refused.1"))
            with self._refused_file.open("a", encoding="utf-8") as file:
                file.writelines(f"# {why}\n{line}\n" for line in lines)
        except OSError as error:
            raise StoreError(f"{self._refused_file}: {error}") from error

    def health(self) -> Mapping[str, Any]:
        """`ok` is False while writing fails and once lines were refused; `refused` and `written` count lines since the
        start."""
        problems = [*([self._failing] if self._failing else []), *self._last_refused]
        return {
            "ok": not problems,
            "cursor": self._durable.seq,
            "problems": problems,
            "refused": self._refused,
            "written": self._written,
            "server": self._target.url,
        }

    def close(self) -> None:
        self._client.close()  # type: ignore[no-untyped-call]  # the library annotates only a part of itself

    def _load(self) -> Cursor:
        """Where we were with this server and bucket; another one begins anew."""
        anew = Cursor(0, self._target.url, self._target.bucket)
        try:
            known = msgspec.json.decode(self._file.read_bytes(), type=Cursor)
        except (OSError, msgspec.MsgspecError):
            return anew  # writing everything again changes nothing there
        return known if (known.url, known.bucket) == (anew.url, anew.bucket) else anew

    def _save(self) -> None:
        certain = self._certain()
        if certain != self._saved:
            fresh = self._file.with_suffix(".new")
            try:
                with fresh.open("wb") as file:
                    file.write(msgspec.json.encode(certain))
                    file.flush()
                    os.fsync(file.fileno())
                fresh.replace(self._file)
            except OSError as error:
                raise StoreError(f"{self._file}: {error}") from error
            self._saved = certain
        self._durable = self._cursor


def _behind(batch: Batch, cursor: int) -> Batch:
    """What the batch has behind the cursor."""
    first = bisect_right(batch.seq, cursor) if batch.after < cursor else 0
    if not first:
        return batch
    columns = {name: getattr(batch, name)[first:] for name in batch.__struct_fields__[2:]}
    return Batch(cursor, batch.last_seq, **columns)


def jitter(ms: int) -> int:
    """Half as much again at most, so that many gateways do not come back in one instant."""
    return ms + random.randrange(ms // 2 + 1)


def short(said: object) -> str:
    """What a server said, fit for one line."""
    return " ".join(str(said).split())[:300]
