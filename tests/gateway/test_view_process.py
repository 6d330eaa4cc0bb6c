"""The view as a process of its own: starts without an engine, answers, stops clean, starts again."""

from __future__ import annotations

import socket
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import msgspec

from gateway.app.child import Orders
from gateway.clock import SystemClock
from gateway.config.settings import Settings
from gateway.journal import Journal
from gateway.newcomers import WHO
from gateway.registry import Registry
from gateway.registry.placing import Placement
from tests.gateway.journals import row
from tests.parts import until


@contextmanager
def view(data: Path, **stores: Mapping[str, str]) -> Iterator[httpx.Client]:
    """A running view and a client for it; the end of its stdin ends it, with code 0. Without `stores`, the embedded."""
    settings = Settings(
        data=str(data), channels={"recording": {"kind": "recording"}},
        stores=stores or {"history": {"kind": "duckdb"}},
    )  # fmt: skip
    with socket.create_server(("127.0.0.1", 0)) as web:
        url = f"http://127.0.0.1:{web.getsockname()[1]}"
        orders = Orders("view", str(data), msgspec.msgpack.encode(settings), web_fd=web.fileno(), web_url=url)
        process = subprocess.Popen(
            [sys.executable, "-m", "gateway.app.view"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
            pass_fds=(web.fileno(),), cwd=Path(__file__).parents[2],
        )  # fmt: skip
        assert process.stdin is not None
        told = msgspec.msgpack.encode(orders)
        process.stdin.write(len(told).to_bytes(4, "big") + told)
        process.stdin.flush()
        try:
            with httpx.Client(base_url=url, timeout=30) as client:
                assert client.get("/healthz").status_code == 200
                yield client
        finally:
            process.stdin.close()
            code = process.wait(30)
        assert code == 0


def test_a_view_starts_without_an_engine_and_takes_up_where_it_was(tmp_path: Path) -> None:
    """First the one-time link in a file only we can read; the engine's absence is said; a second start goes on."""
    journal = Journal(tmp_path / "journal")
    journal.open()
    journal.append(row(1, 20))
    secret = tmp_path / "secrets" / "first-sign-in"
    with view(tmp_path) as client:
        assert stat.S_IMODE(secret.stat().st_mode) == 0o600
        signed = client.post("/api/v1/session", json={"token": secret.read_text().strip()})
        assert signed.status_code == 200
        health = client.get("/api/v1/health").json()
        assert health["ok"] is False
        assert [p["name"] for p in health["parts"] if not p["ok"]] == ["engine", "view"]
        until(lambda: client.get("/api/v1/health").json()["seq"] == 20, "the journal to be followed")
        points = client.get("/api/v1/points?limit=500").json()["items"]
        assert len(points) == 40
        point = {
            "point": points[0]["point"],
            "since": "2026-11-21T00:00:00Z",
            "until": "2026-11-22T00:00:00Z",
        }
        history = "/api/v1/history"
        until(
            lambda: client.get(history, params=point).json()["series"][0]["rows"], "the history to be written"
        )
        answer = client.put("/api/v1/session/password", json={"password": "a long pass phrase"},
                            headers={"X-CSRF": signed.json()["csrf"]})  # fmt: skip
        assert answer.status_code == 204
    journal.append(row(21, 20))
    with view(tmp_path) as client:
        assert not secret.exists()  # somebody has a password now
        body = {"name": "admin", "password": "a long pass phrase"}
        assert client.post("/api/v1/session", json=body).status_code == 200
        until(lambda: client.get("/api/v1/health").json()["seq"] == 40, "what came meanwhile")
        assert len(client.get("/api/v1/points?limit=500").json()["items"]) == 80
    journal.close()


def test_a_view_places_newcomers_by_the_saved_rules(tmp_path: Path) -> None:
    """By itself and while it runs: what fits and has a place is in the catalogue some seconds later."""
    registry = Registry.open(tmp_path / "registry.sqlite")
    site = {"id": "home", "level": "site", "name": "Home"}
    rooms = [{"id": f"room-{n}", "level": "household", "name": str(n), "parent": "home"} for n in (1, 3)]
    registry.import_catalogue({"places": [site, *rooms]}, who="test", now=1)
    registry.put_placement(Placement("dev{n}", "room-{n}", "temperature"), who="test", now=1)
    journal = Journal(tmp_path / "journal")
    journal.open()
    journal.append(row(1, 2, at=SystemClock().utc_ms()))
    with view(tmp_path):
        until(lambda: "s:dev1" in registry.snapshot().catalogue.devices, "the first to be placed")
        journal.append(row(3, 2, at=SystemClock().utc_ms()))
        until(lambda: "s:dev3" in registry.snapshot().catalogue.devices, "the next to be placed")
    assert {d.id: d.place for d in registry.snapshot().catalogue.devices.values()} == {
        "s:dev1": "room-1",
        "s:dev3": "room-3",
    }
    assert {edit.who for edit in registry.edits(what="device.put")} == {WHO}
    journal.close()
    registry.close()
