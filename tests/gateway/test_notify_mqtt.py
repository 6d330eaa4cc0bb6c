"""MQTT out against a real broker, and against something that is none."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiomqtt
import msgspec
import pytest

from gateway.notice import (
    Broker,
    Sent,
    open_channel,
)
from gateway.notify import mqtt
from tests.gateway.mqtt_helpers import Mosquitto, mosquitto
from tests.gateway.telling import (
    OPENED,
    attempt,
    composer,
    house,
    http_server,
    machine,
    opened,
    publish,
    reply,
)
from tests.parts import require


@asynccontextmanager
async def broker(tmp_path: Path) -> AsyncIterator[Mosquitto]:
    require("mosquitto")
    with mosquitto(tmp_path) as running:
        yield running


async def test_incidents_over_a_real_broker(tmp_path: Path) -> None:
    """A subscriber gets incident/1 under `gateway/incidents/{site}/{incident}` at QoS 1, in order, not retained."""
    async with broker(tmp_path) as real:
        channel = open_channel("mqtt", mqtt.Config(f"mqtt://127.0.0.1:{real.port}"), house(tmp_path))
        async with aiomqtt.Client("127.0.0.1", real.port) as reader, opened(channel):
            await reader.subscribe("gateway/#", qos=1)
            for rev in range(1, 21):
                assert (await attempt(channel, machine(rev=rev))).result is Sent.SENT
            lost = msgspec.structs.replace(
                publish(topic="device.lost"), doc=None, site="a/b#", data={"device": "d"}
            )
            assert (await attempt(channel, composer().notice(lost, None, OPENED))).result is Sent.SENT
            got = [await anext(aiter(reader.messages)) for _ in range(21)]
    assert {str(m.topic) for m in got[:20]} == {"gateway/incidents/s/20261121-0007"}
    assert [json.loads(m.payload)["rev"] for m in got[:20]] == list(range(1, 21))
    assert {(m.qos, m.retain) for m in got} == {(1, False)}
    assert str(got[20].topic) == "gateway/events/a_b_/device.lost"


async def test_a_broker_that_comes_back(tmp_path: Path) -> None:
    """While the broker is away tries fail; once it is back the same client publishes again."""
    async with broker(tmp_path) as real:
        channel = open_channel("mqtt", mqtt.Config(f"mqtt://127.0.0.1:{real.port}"), house(tmp_path))
        async with opened(channel):
            assert (await attempt(channel, machine())).result is Sent.SENT
            real.stop()
            assert (await attempt(channel, machine(), limit_s=1)).result is Sent.RETRY
            real.start()
            assert (await attempt(channel, machine(), limit_s=20)).result is Sent.SENT


async def test_the_embedded_broker(tmp_path: Path) -> None:
    """`embedded` means the house's own broker with the gateway's account; without one it is an error at the start."""
    async with broker(tmp_path) as real:
        there = house(tmp_path, broker=Broker("127.0.0.1", real.port, "gateway", "secret"))
        async with opened(open_channel("mqtt", mqtt.Config(), there)) as channel:
            assert (await attempt(channel, machine())).result is Sent.SENT
    assert "secret" not in repr(there)
    with pytest.raises(ValueError, match="embedded broker"):
        open_channel("mqtt", mqtt.Config(), house(tmp_path))


async def test_a_server_that_never_speaks_mqtt(tmp_path: Path) -> None:
    """Something else on the port costs tries, not the gateway."""
    async with (
        http_server(lambda *_: reply(400)) as (port, _),
        opened(open_channel("mqtt", mqtt.Config(f"mqtt://127.0.0.1:{port}"), house(tmp_path))) as channel,
    ):
        assert (await attempt(channel, machine(), limit_s=1)).result is Sent.RETRY


@pytest.mark.parametrize("url", ["mqtt://user:pass@host", "http://host", "host:1883", "mqtt://"])
def test_broker_addresses(url: str) -> None:
    """An address with a password in it, or of another kind, is refused by the settings."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"kind": "mqtt", "broker": url}, mqtt.Config)
