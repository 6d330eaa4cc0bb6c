"""A real InfluxDB keeps what every store promises; 1.6 from Debian, with a path rewrite in front of its write path."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.series import Store
from gateway.store import influxdb
from gateway.store.influxdb.store import InfluxStore
from tests.gateway.store.contract import Engine, StoreContract, folder
from tests.gateway.store.realservers import Server, influxd, proxy


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests here, each with databases of its own."""
    with influxd(tmp_path_factory.mktemp("influxd")) as running:
        yield running


@pytest.fixture(scope="module")
def url(server: Server) -> Iterator[str]:
    """Where its v2 write path is."""
    with proxy(server.url) as front:
        yield front.url


class TestInfluxStore(StoreContract):
    @pytest.fixture
    def engine(self, server: Server, url: str) -> Engine:
        """A database a folder."""
        count = itertools.count(1)
        databases: dict[Path, str] = {}

        @contextlib.contextmanager
        def fresh() -> Iterator[Path]:
            with folder() as where:
                databases[where] = f"d{id(databases)}-{next(count)}"
                server.ask("/query", q=f'CREATE DATABASE "{databases[where]}"')
                yield where
                server.ask("/query", q=f'DROP DATABASE "{databases[where]}"')

        def opened(where: Path) -> Store:
            store = influxdb.open(
                influxdb.Config(url, databases[where]), where, "city", lambda source: "幸福里"
            )
            assert isinstance(store, InfluxStore)
            return store

        return Engine(opened, fresh)
