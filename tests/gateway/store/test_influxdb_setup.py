"""Setting up InfluxDB 2 and 3 as their documentation describes them: neither can be had where these tests run."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from gateway.series import Keeping, Selection, StoreError
from gateway.store import influxdb
from gateway.store.influxdb.store import InfluxStore


class Documented:
    """The paths that set-up uses, and what was made through them. `major` is "2" or "3"."""

    def __init__(self, major: str) -> None:
        self.major = major
        self.made: dict[str, list[dict[str, Any]]] = {
            "buckets": [],
            "dbrps": [],
            "tasks": [],
            "databases": [],
        }
        self.headers: list[str | None] = []
        self.url = ""

    def answer(self, method: str, path: str, asked: dict[str, Any]) -> tuple[int, Any]:
        """Status and JSON."""
        kind = path.rsplit("/", 1)[1]
        if self.major == "3":
            if path == "/ping":
                return 200, {"version": "3.1.0", "revision": "x"}
            assert (method, path) == ("POST", "/api/v3/configure/database")
            if asked["db"] in [d["db"] for d in self.made["databases"]]:
                return 409, {"error": "exists"}
            self.made["databases"].append(asked)
            return 200, {}
        if path == "/ping":
            return 204, None
        if path == "/api/v2/orgs":
            return 200, {"orgs": [{"id": "o1", "name": "街道"}] if asked.get("org") == "街道" else []}
        if method == "POST":
            one = {**asked, "id": f"{kind}{len(self.made[kind])}"}
            self.made[kind].append(one)
            return 201, one
        found = self.made[kind]
        if kind == "dbrps":
            return 200, {"content": [d for d in found if d["bucketID"] == asked["bucketID"]]}
        if kind == "tasks":
            return 200, {"tasks": [t for t in found if json.dumps(asked["name"])[1:-1] in t["flux"]]}
        return 200, {"buckets": [b for b in found if b["name"] == asked["name"]]}


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[Documented]:
    """A running one of the version asked."""
    state = Documented(request.param)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._handle()

        def do_POST(self) -> None:
            self._handle()

        def _handle(self) -> None:
            url = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            asked = json.loads(body) if body else dict(parse_qsl(url.query))
            state.headers.append(self.headers["Authorization"])
            status, said = state.answer(self.command, url.path, asked)
            data = b"" if said is None else json.dumps(said).encode()
            self.send_response(status)
            if state.major == "2":
                self.send_header("X-Influxdb-Version", "v2.7.11")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args: object) -> None:
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{running.server_port}"
    thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield state
    running.shutdown()
    thread.join()
    running.server_close()


@pytest.mark.parametrize("server", ["2", "3"], indirect=True)
def test_what_is_missing_is_made_once(server: Documented) -> None:
    """Bucket, retention, mapping and tasks on 2, the database on 3; the second time all is found."""
    config = influxdb.Config(server.url, "community", org="街道", token="word")
    first = list(influxdb.prepare(config, Keeping(400)))
    second = list(influxdb.prepare(config, Keeping(400)))
    made = {kind: len(rows) for kind, rows in server.made.items()}
    assert set(server.headers) == {"Token word"}
    if server.major == "3":
        assert made == {"buckets": 0, "dbrps": 0, "tasks": 0, "databases": 1}
        assert server.made["databases"] == [{"db": "community", "retention_period": "400d"}]
        assert "made the database community, kept 400 days" in first
        assert any(line.startswith("found the database community") for line in second)
        assert any("no roll-ups" in line for line in first)
        return
    assert made == {"buckets": 2, "dbrps": 2, "tasks": 3, "databases": 0}
    assert [line.split()[0] for line in first[1:]] == [*["made"] * 2, *["mapped"] * 2, *["made"] * 3]
    assert {line.split()[0] for line in second[1:]} == {"found"}
    raw, rolled = server.made["buckets"]
    assert (raw["name"], raw["retentionRules"]) == (
        "community",
        [{"type": "expire", "everySeconds": 34_560_000}],
    )
    assert (rolled["name"], rolled["retentionRules"]) == ("community_rollup", [])
    mapping, second_mapping = server.made["dbrps"]
    assert (mapping["database"], mapping["retention_policy"], mapping["bucketID"]) == (
        "community",
        "autogen",
        raw["id"],
    )
    assert (second_mapping["database"], second_mapping["bucketID"]) == ("community_rollup", rolled["id"])
    flux = server.made["tasks"][0]["flux"]
    assert 'option task = {name: "csg community reading 1m", every: 5m, offset: 30s}' in flux
    assert flux.count("aggregateWindow(every: 1m") == 5
    assert 'r._field == "value"' in flux  # what is flagged invalid is in another
    other = list(influxdb.prepare(config, Keeping(30)))
    assert "found the bucket community kept 400 days and left it: the settings say 30 days" in other


@pytest.mark.parametrize("server", ["2"], indirect=True)
def test_an_organisation_that_is_not_there(server: Documented) -> None:
    """Said, not made."""
    with pytest.raises(StoreError, match="no organisation 区"):
        list(influxdb.prepare(influxdb.Config(server.url, "community", org="区"), Keeping(400)))


@pytest.mark.parametrize("server", ["3"], indirect=True)
def test_three_cannot_delete_and_says_so(server: Documented, tmp_path: Path) -> None:
    """An erasure that was not done is not reported as done."""
    store = influxdb.open(influxdb.Config(server.url, "community"), tmp_path, "city", str)
    assert isinstance(store, InfluxStore)
    with pytest.raises(StoreError, match="InfluxDB 3 deletes no single readings"):
        store.delete(Selection(2**60, ("home:a/x/",)))
    store.close()
