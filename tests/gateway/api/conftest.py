"""The house of the API's tests."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.gateway.api.house import House, furnish


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A registry to copy, and the keys that open the API."""
    path = tmp_path_factory.mktemp("registry") / "registry.sqlite"
    return path, furnish(path)


@pytest_asyncio.fixture
async def house(tmp_path: Path, furnished: tuple[Path, dict[str, str]]) -> AsyncIterator[House]:
    """A gateway that runs."""
    registry, keys = furnished
    shutil.copy(registry, tmp_path / "registry.sqlite")
    made = House(tmp_path, keys)
    await made.start()
    yield made
    await made.stop()
