"""Real time-series servers for tests, and a proxy that lends InfluxDB 1.6 the v2 write path and can make trouble."""

from __future__ import annotations

import http.client
import itertools
import socket
import subprocess
import threading
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

from tests.parts import require, until

_INFLUX = """
reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
dir = "{folder}/meta"
[data]
dir = "{folder}/data"
wal-dir = "{folder}/wal"
query-log-enabled = false
[http]
bind-address = "127.0.0.1:{port}"
log-enabled = false
[monitor]
store-enabled = false
[continuous_queries]
log-enabled = false
run-interval = "1s"
"""


class Server:
    """A server process that can be stopped and started again at the same address, with the same files."""

    def __init__(self, command: Sequence[str], url: str, alive: str, log: Path) -> None:
        self.command, self.url, self._alive, self._log = list(command), url, url + alive, log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Of the process that runs."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Returns when it answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self.command, stdout=log, stderr=log)
        until(self._answers, f"{self.command[0]} to answer")

    def kill(self) -> None:
        """At once, as when the power fails."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(self._alive, timeout=5):
                return True
        except OSError:
            return False

    def ask(self, path: str, **query: str) -> str:
        """A GET, or a POST where the query is long; the answer's body."""
        data = urllib.parse.urlencode(query).encode() if query else None
        with urllib.request.urlopen(self.url + path, data, timeout=20) as answer:
            return str(answer.read().decode())


@contextmanager
def influxd(folder: Path, *before: str) -> Iterator[Server]:
    """InfluxDB 1.6 from Debian, its files in `folder`; `before` goes before the command (a limit, say)."""
    program = require("influxd")
    port, rpc = free_port(), free_port()
    config = folder / "influxdb.conf"
    config.write_text(_INFLUX.format(folder=folder, port=port, rpc=rpc))
    server = Server(
        [*before, program, "-config", str(config)], f"http://127.0.0.1:{port}", "/ping", folder / "log"
    )
    yield from _running(server)


@contextmanager
def victoria(folder: Path, *flags: str) -> Iterator[Server]:
    """VictoriaMetrics from Debian."""
    program = require("victoria-metrics")
    port = free_port()
    command = [program, f"-httpListenAddr=127.0.0.1:{port}", f"-storageDataPath={folder / 'vm'}", *flags]
    yield from _running(Server(command, f"http://127.0.0.1:{port}", "/health", folder / "log"))


def _running(server: Server) -> Iterator[Server]:
    try:
        server.start()
        yield server
    finally:
        server.kill()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


class Trouble(NamedTuple):
    """What the proxy does with one write: answers `status` (0: cuts the line without a word), with the request passed
    on first or not, after `wait_s`."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    passed_on: bool = False
    wait_s: float = 0.0


class Proxy:
    """`trouble(nth)` says what befalls the nth write (from 1); None passes it on."""

    def __init__(self, upstream: str) -> None:
        self.upstream = upstream
        self.trouble: Callable[[int], Trouble | None] = lambda nth: None
        self.writes = itertools.count(1)
        self.url = ""


@contextmanager
def proxy(upstream: str) -> Iterator[Proxy]:
    """Takes /api/v2/write, /query and /ping; only writes meet trouble."""
    state = Proxy(upstream)
    pause = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            self._handle()

        def do_POST(self) -> None:
            self._handle()

        def _handle(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            url = urllib.parse.urlsplit(self.path)
            if url.path != "/api/v2/write":
                self._answer(*self._pass_on(self.path, body))
                return
            asked = dict(urllib.parse.parse_qsl(url.query))
            database, _, policy = asked["bucket"].partition("/")
            query = {"db": database, "precision": asked["precision"], **({"rp": policy} if policy else {})}
            path = f"/write?{urllib.parse.urlencode(query)}"
            trouble = state.trouble(next(state.writes))
            if trouble is None:
                self._answer(*self._pass_on(path, body))
                return
            if trouble.passed_on:
                self._pass_on(path, body)
            pause.wait(trouble.wait_s)
            if trouble.status:
                self._answer(trouble.status, trouble.body, trouble.headers)
            else:
                self.close_connection = True

        def _pass_on(self, path: str, body: bytes) -> tuple[int, bytes, tuple[tuple[str, str], ...]]:
            netloc = urllib.parse.urlsplit(state.upstream).netloc
            link = http.client.HTTPConnection(netloc, timeout=20)
            wanted = ("Content-Encoding", "Content-Type")
            headers = {name: self.headers[name] for name in wanted if name in self.headers}
            try:
                link.request(self.command, path, body, headers)
                answer = link.getresponse()
                told = tuple(
                    (k, v) for k, v in answer.getheaders() if k in {"X-Influxdb-Version", "Content-Type"}
                )
                return answer.status, answer.read(), told
            except OSError as error:
                return 502, str(error).encode(), ()
            finally:
                link.close()

        def _answer(self, status: int, body: bytes, headers: tuple[tuple[str, str], ...] = ()) -> None:
            self.send_response(status)
            for name, text in (*headers, ("Content-Length", str(len(body)))):
                self.send_header(name, text)
            self.end_headers()
            try:
                self.wfile.write(body)
            except OSError:
                self.close_connection = True  # who asked did not wait

        def log_message(self, *args: object) -> None:
            pass

    class Quiet(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """A client that hangs up is what some tests are about."""

    server = Quiet(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        pause.set()
        server.shutdown()
        thread.join()
        server.server_close()
