"""The embedded store keeps what every store promises, with days open, closed and closing."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.series import Store
from gateway.store import duckdb_
from gateway.store.duckdb_.store import DuckStore
from tests.gateway.store.contract import Engine, StoreContract, folder

LONG = 30.0


def _settle(store: Store) -> None:
    assert isinstance(store, DuckStore)
    assert store.settled(LONG)


class TestDuckStore(StoreContract):
    @pytest.fixture(params=[0, 43_200], ids=["days closed", "days open"])
    def engine(self, request: pytest.FixtureRequest) -> Engine:
        """Days close at once, or half a day later."""

        def opened(where: Path) -> Store:
            return duckdb_.open(duckdb_.Config(close_after_s=request.param), where, "history", str)

        return Engine(opened, folder, _settle)
