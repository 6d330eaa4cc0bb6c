"""Publishes incident/1 over MQTT: `gateway/incidents/{site}/{incident}`, QoS 1, on one connection that stays open."""

from __future__ import annotations

import asyncio
import logging
import random
import re
import ssl
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import urlsplit

import msgspec

from gateway.notice import SENT, Broker, Client, Example, House, Notice, SendOutcome, Sent

if TYPE_CHECKING:
    import aiomqtt

CONNECT_AGAIN_S: Final = (
    0.2,
    10.0,
)  # first and longest pause before connecting again; doubles, with full jitter
PENDING_MAX: Final = 100  # publications waiting for their PUBACK at once

log = logging.getLogger(__name__)

_QUIET: Final = logging.getLogger(f"{__name__}.library")
_QUIET.setLevel(logging.ERROR)  # aiomqtt warns of every publication over ten that waits; that is no news here

_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]")


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="mqtt"):
    """`broker`: `embedded`, or `mqtt://host[:port]`, or `mqtts://host[:port]` (TLS; `ca` for an own authority).

    `types` limits the event types, none meaning all. `retain` leaves the last state of each incident at the broker.
    """

    broker: Annotated[
        str,
        msgspec.Meta(
            pattern=r"^(embedded|mqtts?://[^/@\s]+)$", description="embedded or mqtt(s)://host[:port]"
        ),
    ] = "embedded"
    username: str = ""
    password: str = ""
    ca: str | None = None
    retain: bool = False
    types: tuple[str, ...] = ()
    concurrency: Annotated[int, msgspec.Meta(ge=2, le=PENDING_MAX)] = 64
    try_limit_ms: Annotated[int, msgspec.Meta(ge=1000, le=30_000)] = 5_000


class MqttClient:
    """One connection, kept open by `serve`, which reconnects for ever. A try while it is down waits for it."""

    def __init__(self, config: Config, house: House) -> None:
        self._config, self._house = config, house
        self._address, self._tls = _address(config, house)
        self._connected: asyncio.Event = asyncio.Event()
        self._client: aiomqtt.Client | None = None

    async def serve(self) -> None:
        import aiomqtt

        pause = CONNECT_AGAIN_S[0]
        while True:
            try:
                async with self._new() as client:
                    self._client, pause = client, CONNECT_AGAIN_S[0]
                    self._connected.set()
                    async for (
                        _
                    ) in client.messages:  # we subscribe to nothing: this only ends, when the link does
                        pass
            except aiomqtt.MqttError as error:
                log.warning(
                    "mqtt output link lost", extra={"broker": str(self._address), "reason": str(error)}
                )
            finally:
                self._connected.clear()
                self._client = None
            await asyncio.sleep(random.uniform(0.1, pause))
            pause = min(pause * 2, CONNECT_AGAIN_S[1])

    def _new(self) -> aiomqtt.Client:
        import aiomqtt

        return aiomqtt.Client(
            self._address.host,
            self._address.port,
            username=self._address.username or None,
            password=self._address.password or None,
            identifier=f"csg-{self._house.gateway}-out-{random.getrandbits(32):08x}",
            tls_context=self._tls,
            timeout=self._config.try_limit_ms / 1000,
            keepalive=15,
            max_inflight_messages=PENDING_MAX,
            logger=_QUIET,
        )

    async def publish(self, topic: str, payload: bytes) -> SendOutcome:
        import aiomqtt

        await self._connected.wait()  # the deliverer's time limit ends it
        client = self._client
        if client is None:
            return SendOutcome(Sent.RETRY, "not-connected")
        try:
            await client.publish(topic, payload, qos=1, retain=self._config.retain)
        except aiomqtt.MqttError:
            return SendOutcome(Sent.RETRY, "not-acknowledged")
        return SENT

    async def close(self) -> None:
        return  # leaving `serve` disconnects


def open(config: Config, house: House) -> Client:  # noqa: A001 -- the name every channel module gives it
    """The client; `serve` connects. Raises ValueError where `embedded` is asked for and there is no such broker."""
    return MqttClient(config, house)


async def send(client: MqttClient, notice: Notice) -> SendOutcome:
    """Publish one notice; SENT means the broker acknowledged it."""
    topic, payload = message(notice)
    return await client.publish(topic, payload)


def message(notice: Notice) -> tuple[str, bytes]:
    """Topic and payload: incident/1 under its incident, everything else as `{type, at, data}` under its site."""
    site = _level(notice.site)
    if notice.incident is not None:
        return f"gateway/incidents/{site}/{_level(str(notice.incident['id']))}", msgspec.json.encode(
            notice.incident
        )
    body = {
        "type": notice.type,
        "at": notice.at,
        "mode": notice.mode,
        "title": notice.title,
        "data": notice.data,
    }
    return f"gateway/events/{site}/{_level(notice.type)}", msgspec.json.encode(body)


def example(example: Example) -> Mapping[str, Any]:
    """Topic and decoded payload of an example."""
    topic, payload = message(example.notice)
    return {"topic": topic, "payload": msgspec.json.decode(payload)}


def _address(config: Config, house: House) -> tuple[Broker, ssl.SSLContext | None]:
    if config.broker == "embedded":
        if house.broker is None:
            raise ValueError(
                "the mqtt channel asks for the embedded broker, and this gateway runs without one"
            )
        return house.broker, None
    url = urlsplit(config.broker)
    secure = url.scheme == "mqtts"
    context = ssl.create_default_context(cafile=config.ca) if secure else None
    port = url.port or (8883 if secure else 1883)
    return Broker(url.hostname or "localhost", port, config.username, config.password), context


def _level(text: str) -> str:
    """One topic level: what could end it or match as a wildcard becomes an underscore."""
    return _UNSAFE.sub("_", text) or "_"


EXAMPLES: Final = (
    Example(
        "An incident, under its own topic",
        Config(),
        Notice(
            "81234.1", "incident.opened", "live", "sunshine", 1, 1_795_115_527_000, "火警 待核实", "火警 待核实",
            "火警 待核实", "zh-CN", incident={"schema": "incident/1", "id": "20261121-0007", "rev": 1},
        ),
        {
            "topic": "gateway/incidents/sunshine/20261121-0007",
            "payload": {"schema": "incident/1", "id": "20261121-0007", "rev": 1},
        },
    ),
    Example(
        "A lost device, under its site",
        Config(),
        Notice(
            "81300.0", "device.lost", "live", "sunshine", 4, 1_795_115_527_000, "设备失联：local:sunshine/b3-gas",
            "", "", "zh-CN", data={"device": "local:sunshine/b3-gas"},
        ),
        {
            "topic": "gateway/events/sunshine/device.lost",
            "payload": {
                "type": "device.lost", "at": 1_795_115_527_000, "mode": "live",
                "title": "设备失联：local:sunshine/b3-gas", "data": {"device": "local:sunshine/b3-gas"},
            },
        },
    ),
)  # fmt: skip
