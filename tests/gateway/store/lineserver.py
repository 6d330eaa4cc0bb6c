"""A server of InfluxDB's v2 write path in memory: keeps every request's bytes, and values by series and time."""

from __future__ import annotations

import gzip
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from devices.reading import Value, point_id
from gateway.series import Kind
from tests.gateway.store.feeding import Stored

_SPLIT = {mark: re.compile(rf"(?<!\\){mark}") for mark in ", ="}
_FIELD = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|[^,]*)')


class Request(NamedTuple):
    """One request as it came over the wire, its body unpacked."""

    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: str


class Answer(NamedTuple):
    """What to answer, and the lines to keep before."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    keep: list[str] | None = None  # None: all on success, none otherwise


class LineServer:
    """`answer(lines)` decides each request; it accepts everything unless replaced."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.values: dict[tuple[str, int], dict[str, Any]] = {}
        self.answer: Callable[[list[str]], Answer] = lambda lines: Answer(204)
        self.url = ""

    def stored(self) -> list[Stored]:
        """Every reading it holds."""
        found = []
        for (series, time), fields in self.values.items():
            tags = {
                k: _unescape(v) for k, v in (_SPLIT["="].split(t, 1) for t in _SPLIT[","].split(series)[1:])
            }
            point = point_id(tags["device"], tags["metric"], tags.get("channel", ""))
            sample = (
                time // 1_000_000,
                _value(fields),
                fields.get("measured_at"),
                fields.get("flags", 0),
                fields["seq"],
                fields.get("n", time % 1_000),
            )
            found.append(Stored(point, sample))
        return found

    def take(self, request: Request) -> Answer:
        """Keep the request, and the lines that the answer keeps, as InfluxDB would: the last value of a time wins."""
        self.requests.append(request)
        lines = request.body.split("\n")
        answer = self.answer(lines)
        keep = answer.keep if answer.keep is not None else lines if answer.status < 300 else []
        for line in keep:
            series, fields, time = _SPLIT[" "].split(line, 1)[0], *_fields_and_time(line)
            self.values.setdefault((series, time), {}).update(fields)
        return answer


def _fields_and_time(line: str) -> tuple[dict[str, Any], int]:
    rest, time = _SPLIT[" "].split(line, 1)[1].rsplit(" ", 1)
    fields: dict[str, Any] = {}
    for name, text in _FIELD.findall(rest):
        if text.startswith('"'):
            fields[name] = re.sub(r"\\(.)", r"\1", text[1:-1])
        else:
            fields[name] = int(text[:-1]) if text.endswith("i") else float(text)
    return fields, int(time)


def _value(fields: dict[str, Any]) -> Value:
    kind, number = fields.get("kind"), fields.get("value", fields.get("invalid"))
    words = fields.get("text", fields.get("invalid_text"))
    if words is not None:
        return str(words)
    if number is None:
        return None if kind is None else float("nan")
    if kind is None:
        return int(number) if number.is_integer() else float(number)
    return bool(number) if kind == Kind.BOOL else int(number) if kind == Kind.INT else float(number)


def _unescape(tag: str) -> str:
    text = re.sub(r"\\([, =])", r"\1", tag)
    return text[:-1] if text.endswith("\\ ") else text  # the space that keeps a last backslash from escaping


@contextmanager
def line_server() -> Iterator[LineServer]:
    """A running server on a port of its own."""
    state = LineServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            url = urlsplit(self.path)
            answer = state.take(Request(url.path, parse_qs(url.query), dict(self.headers), body.decode()))
            if answer.status == 0:
                self.close_connection = True  # as a server that dies does
                return
            self.send_response(answer.status)
            for name, text in (*answer.headers, ("Content-Length", str(len(answer.body)))):
                self.send_header(name, text)
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
