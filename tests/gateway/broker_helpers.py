"""A supervised embedded broker and clients for it, as tests of the broker use them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import aiomqtt
import pytest

from gateway.broker import EmbeddedBroker
from gateway.broker.accounts import Account
from gateway.broker.kind import Trouble
from tests.parts import require

KINDS = pytest.mark.parametrize("kind", ["mosquitto", "nats"])
PARTS = {"mosquitto": "mosquitto", "nats": "nats-server"}


@contextlib.asynccontextmanager
async def broker(
    folder: Path, kind: str, *, port: int = 0, shared_account: bool = True
) -> AsyncIterator[EmbeddedBroker]:
    """A started and supervised broker, its troubles in `told(broker)`."""
    require(PARTS[kind])
    troubles: list[Trouble] = []
    one = EmbeddedBroker(
        folder,
        port=port,
        prefer=kind,  # type: ignore[arg-type]  # parametrized
        shared_account=shared_account,
        on_trouble=lambda client, reason: troubles.append(Trouble(client, reason)),
    )
    TOLD[one] = troubles
    await one.start()
    task = asyncio.create_task(one.run())
    try:
        yield one
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await one.stop()
        del TOLD[one]


TOLD: dict[EmbeddedBroker, list[Trouble]] = {}


def client(
    one: EmbeddedBroker, account: Account, name: str = "device-1", **changes: object
) -> aiomqtt.Client:
    """A client as a device would be."""
    known: dict[str, object] = {"username": account.user, "password": account.password, "identifier": name}
    return aiomqtt.Client("127.0.0.1", one.port, **{**known, **changes})  # type: ignore[arg-type]  # as the test says


@contextlib.asynccontextmanager
async def cancelled(group: asyncio.TaskGroup) -> AsyncIterator[None]:
    """A task group whose tasks end with it."""

    class Over(Exception):
        """The way out."""

    with contextlib.suppress(BaseExceptionGroup):
        async with group:
            yield
            raise Over
