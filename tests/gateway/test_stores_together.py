"""Several stores under one real view: each with its own place, one filled from the other, erased in both."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from gateway.copying import Place, Sums, summed
from gateway.store import duckdb_
from gateway.store.duckdb_.store import DuckStore
from tests.gateway.test_feed_filling import hours, swept
from tests.gateway.test_view_process import view
from tests.parts import until

FIRST = {"kind": "duckdb"}
SECOND = {"kind": "duckdb", "folder": "second"}

pytestmark = pytest.mark.skipif(
    not hasattr(DuckStore, "stored"), reason="the embedded store does not give back what it holds"
)


def figure(client: httpx.Client, name: str, store: str) -> float:
    """One store's figure in the metrics; -1 while there is none."""
    wanted = f'{name}{{store="{store}"}} '
    lines = client.get("/metrics").text.splitlines()
    return next((float(line.removeprefix(wanted)) for line in lines if line.startswith(wanted)), -1.0)


def held(data: Path, folder: str) -> Sums:
    """What a store holds, once nobody else has it open."""
    store = duckdb_.open(duckdb_.Config(folder=folder), data, "x", lambda _: "")
    try:
        return list(summed(store, Place(0, 2**60, after=66)))[-1]
    finally:
        store.close()


def test_a_store_added_later_is_filled_by_itself_and_an_erasure_reaches_both(tmp_path: Path) -> None:
    """The journal keeps its last hours only: what is older comes from the embedded store, by seq, and none is lost."""
    journal = hours(tmp_path)
    with view(tmp_path, history=FIRST) as client:
        until(
            lambda: figure(client, "csg_store_readings_total", "history") == 120, "the first store to follow"
        )
    swept(journal)
    journal.close()
    with view(tmp_path, history=FIRST, second=SECOND) as client:
        until(lambda: figure(client, "csg_store_readings_total", "second") == 120, "the second to be filled")
        assert figure(client, "csg_store_lost_events_total", "second") == 0
        token = (tmp_path / "secrets" / "first-sign-in").read_text().strip()
        signed = client.post("/api/v1/session", json={"token": token}).json()
        body = {"points": ["s:dev5/temperature/"], "reason": "request"}
        said = client.post("/api/v1/erasures", json=body, headers={"X-CSRF": signed["csrf"]}).json()
        assert [(s["store"], s["result"], s["rows"]) for s in said["stores"]] == [
            ("history", "deleted", 1), ("second", "deleted", 1),
        ]  # fmt: skip
        lines = client.get("/api/v1/deletions").json()
        assert [json.dumps(line["body"]["points"]) for line in lines["items"]] == [
            '["s:dev5/temperature/"]'
        ] * 2
    first, second = held(tmp_path, "history"), held(tmp_path, "second")
    assert first.rows == 119
    assert first == second
