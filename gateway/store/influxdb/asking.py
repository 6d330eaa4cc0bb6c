"""InfluxQL over HTTP: statements out, tables in, piece by piece so that a long answer needs little memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import msgspec

from gateway.lineanswer import retry_after_ms
from gateway.linesink import jitter, short
from gateway.series import StoreError

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

    from gateway.store.influxdb import Config

_PIECE_ROWS: Final = 10_000  # of one piece of an answer
_PIECE_BYTES_MAX: Final = 64 * 2**20  # far more than such a piece needs
_RETRY_MS: Final = 1_000
_TEXT: Final = str.maketrans({"\\": "\\\\", "'": "\\'", "\n": "\\n"})
_NAME: Final = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})


class Table(msgspec.Struct):
    """Rows of one statement and one group, perhaps not all of them: more may follow. A missing value is None."""

    name: str = ""
    columns: list[str] = []
    values: list[list[Any]] = []
    tags: dict[str, str] = {}
    statement: int = 0


class _Result(msgspec.Struct):
    statement_id: int = 0
    series: list[Table] = []
    error: str | None = None


class _Piece(msgspec.Struct):
    results: list[_Result] = []
    error: str | None = None


class _Ping(msgspec.Struct):
    version: str = ""


class Asking:
    """Questions to one server; from any thread. All raise StoreError.

    `patience_ms` bounds the wait for each piece of an answer; None is what the settings say.
    """

    def __init__(self, config: Config, patience_ms: int | None = None) -> None:
        from urllib3 import PoolManager, Timeout

        self._config = config
        self.database, _, self.policy = config.bucket.partition("/")
        self._pool = PoolManager(
            maxsize=4, retries=False, timeout=Timeout((patience_ms or config.timeout_ms) / 1000)
        )
        self._headers = {"Authorization": f"Token {config.token}"} if config.token else {}

    def ask(self, statements: str, database: str | None = None) -> Iterator[Table]:
        """The tables of the statements (InfluxQL, semicolons between), times in nanoseconds since 1970.

        `database` is another than that of the settings.
        """
        fields = {"db": database or self.database, "q": statements, "epoch": "ns"}
        fields |= {"chunked": "true", "chunk_size": str(_PIECE_ROWS)}
        if self.policy and database is None:
            fields["rp"] = self.policy
        response = self.request("POST", "/query", fields=fields)
        try:
            for line in self._lines(response):
                piece = msgspec.json.decode(line, type=_Piece)
                for result in piece.results:
                    if wrong := result.error or piece.error:
                        raise StoreError(f"{self._config.url}: {short(wrong)}", jitter(_RETRY_MS))
                    for table in result.series:
                        table.statement = result.statement_id
                        yield table
                if piece.error:
                    raise StoreError(f"{self._config.url}: {short(piece.error)}", jitter(_RETRY_MS))
        except msgspec.MsgspecError as error:
            raise StoreError(f"{self._config.url}: no answer to a query: {short(error)}") from error
        finally:
            response.drain_conn()
            response.release_conn()

    def rows(self, statement: str) -> Iterator[list[Any]]:
        """The rows of one statement without groups, in the order of its columns."""
        for table in self.ask(statement):
            yield from table.values

    def version(self) -> str:
        """What the server says it is, as "1.8.10" or "v2.7.1"; "" where it does not say."""
        response = self.request("GET", "/ping")
        said = response.headers.get("X-Influxdb-Version")
        if said is None and (body := response.read(4_096)):
            try:
                said = msgspec.json.decode(body, type=_Ping).version  # InfluxDB 3 says it in the body
            except msgspec.MsgspecError:
                said = None
        response.drain_conn()
        return (said or "").lstrip("v")

    def request(self, method: str, path: str, **what: Any) -> BaseHTTPResponse:
        """One request, its answer's body not yet read; an answer of 400 and more raises."""
        from urllib3.exceptions import HTTPError

        url = self._config.url.rstrip("/") + path
        try:
            if method == "POST" and "fields" in what:
                what["encode_multipart"] = False
            response = self._pool.request(method, url, headers=self._headers, preload_content=False, **what)
            if response.status < 400:
                return response
            said = short(response.read(4_096).decode("utf-8", "replace"))
            response.close()
        except (HTTPError, OSError, ValueError) as error:
            raise StoreError(f"{self._config.url}: {short(error)}", jitter(_RETRY_MS)) from error
        retry_ms = retry_after_ms(response.headers)
        said = f"{self._config.url}{path}: {response.status} {response.reason}: {said}"
        raise StoreError(said, jitter(_RETRY_MS) if retry_ms is None else retry_ms)

    def _lines(self, response: BaseHTTPResponse) -> Iterator[bytes]:
        """The pieces of an answer; each ends with a line break."""
        from urllib3.exceptions import HTTPError

        waiting = b""
        try:
            for data in response.stream(2**18):
                *whole, rest = data.split(b"\n")
                if whole:
                    yield waiting + whole[0]
                    yield from whole[1:]
                    waiting = rest
                else:
                    waiting += rest
                if len(waiting) > _PIECE_BYTES_MAX:
                    raise StoreError(f"{self._config.url}: an answer without end", jitter(_RETRY_MS))
        except (HTTPError, OSError) as error:
            raise StoreError(f"{self._config.url}: {short(error)}", jitter(_RETRY_MS)) from error
        if waiting.strip():
            yield waiting

    def close(self) -> None:
        self._pool.clear()


def text(value: str) -> str:
    """A text as InfluxQL writes it."""
    return f"'{value.translate(_TEXT)}'"


def name(value: str) -> str:
    """A name of a database, measurement, tag or field as InfluxQL writes it."""
    return f'"{value.translate(_NAME)}"'
