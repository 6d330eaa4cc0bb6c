"""Commands through a carrier's platform: its signature and body as it documents them, and every command with an end."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs

import pytest
from msgspec.structs import replace

from devices.codec import Access, Ask
from devices.codecs.huawei_iotda.commands import authorization
from devices.decode import CODECS
from gateway.app import platforms
from gateway.app.platforms import Platform
from gateway.core.effect import Command
from gateway.core.event import Delivered, Outcome
from tests.parts import async_until

NOW = 1_795_276_800_000
IMEI, DEVICE = "861050040000001", "9f3c"
CTWING = Access(
    "10087620", "master", app="App", secret="secret of the application",
    commands={"mute": {"serviceIdentifier": "silence", "params": {"on": 1}}},
)  # fmt: skip
IOTDA = Access(
    "6f3a", "secret access key", app="ACCESS", project="p1", instance="i1", region="cn-north-4",
    commands={"mute": {"service_id": "Smoke", "command_name": "silence", "paras": {"on": 1}}},
)  # fmt: skip
ONENET = Access("pid", b64encode(b"key of the product").decode(), commands={"mute": {"silence": True}})
Said = tuple[str, dict[str, str], bytes]


@pytest.fixture(autouse=True)
def _directly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever proxy is set here: this platform is on this machine."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


class Server:
    """A platform: what it was sent, and what it answers next."""

    def __init__(self) -> None:
        self.said: list[Said] = []
        self.status, self.body = 200, b'{"code":0,"msg":"ok"}'
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.strip().split("\r\n")
            headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in lines)}
            self.said.append((first, headers, await reader.readexactly(int(headers["content-length"]))))
            answer = (
                f"HTTP/1.1 {self.status} X\r\ncontent-length: {len(self.body)}\r\nconnection: close\r\n\r\n"
            )
            writer.write(answer.encode() + self.body)
            await writer.drain()
        finally:
            writer.close()


@asynccontextmanager
async def platform(codec: str, access: Access) -> AsyncIterator[tuple[Server, Platform, list[Delivered]]]:
    """A platform of a family that listens on a port of this machine."""
    there, reports = Server(), list[Delivered]()
    server = await asyncio.start_server(there.serve, "127.0.0.1", 0)
    there.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    build: Callable[..., Any] = CODECS[codec].request
    way = Platform(replace(access, url=there.url), build, reports.append, lambda: NOW)
    try:
        yield there, way, reports
    finally:
        await way.close()
        server.close()


def command(number: int = 1, name: str = "mute", expires_at: int = NOW + 60_000) -> Command:
    return Command(f"{number}.0", f"c{number}", f"s:{IMEI}", "s", name, expires_at, "live", "home")


def asks(codec: str, native: str, context: dict[str, Any] | None = None, name: str = "mute") -> list[Ask]:
    said = CODECS[codec].command(context or {}, native, name, "c1", NOW + 60_000)
    assert not isinstance(said, str)
    return list(said)


async def test_ctwing_is_asked_with_its_signature() -> None:
    """HMAC-SHA1 over application, timestamp, MasterKey and body; the platform's own id of the device, not the IMEI."""
    async with platform("ctwing", CTWING) as (there, way, reports):
        way.order(command(), asks("ctwing", IMEI, {f"imei:{DEVICE}": IMEI}))
        await async_until(lambda: reports, "it is reported")
    assert reports == [Delivered("1.0", Outcome.SENT)]
    ((first, headers, body),) = there.said
    assert first == "POST /aep_device_command/command HTTP/1.1"
    text = f"application:App\ntimestamp:{headers['timestamp']}\nMasterKey:master\n{body.decode()}\n"
    wanted = hmac.new(b"secret of the application", text.encode(), "sha1").digest()
    assert b64decode(headers["signature"]) == wanted
    assert (headers["timestamp"], headers["version"], headers["masterkey"]) == (
        str(NOW),
        "20190712225145",
        "master",
    )
    assert json.loads(body) == {
        "content": {"serviceIdentifier": "silence", "params": {"on": 1}}, "deviceId": DEVICE, "level": 1,
        "operator": "gateway", "productId": 10087620, "ttl": 60,
    }  # fmt: skip


async def test_onenet_is_asked_with_its_token() -> None:
    """The product's token, good for a minute, and the property that its model calls so."""
    async with platform("onenet", ONENET) as (there, way, reports):
        way.order(command(), asks("onenet", "pid/kitchen"))
        await async_until(lambda: reports, "it is reported")
    assert reports == [Delivered("1.0", Outcome.SENT)]
    ((first, headers, body),) = there.said
    assert first == "POST /thingmodel/set-device-property HTTP/1.1"
    said = {k: v[0] for k, v in parse_qs(headers["authorization"]).items()}
    assert (said["version"], said["res"], said["method"]) == ("2018-10-31", "products/pid", "sha256")
    text = "\n".join((said["et"], said["method"], said["res"], said["version"]))
    assert b64decode(said["sign"]) == hmac.new(b"key of the product", text.encode(), "sha256").digest()
    assert int(said["et"]) == (NOW + 60_000) // 1000 + 1
    assert json.loads(body) == {"product_id": "pid", "device_name": "kitchen", "params": {"silence": True}}


def signed(first: str, headers: dict[str, str], body: bytes, key: str, scope: str) -> str:
    """What the documents make of a request: the canonical request, the text to sign, the signature."""
    method, path, _ = first.split()
    names = headers["authorization"].split("SignedHeaders=")[1].split(",")[0]
    said = "".join(f"{name}:{headers[name]}\n" for name in names.split(";"))
    canonical = f"{method}\n{path}/\n\n{said}\n{names}\n{hashlib.sha256(body).hexdigest()}"
    algorithm = headers["authorization"].split()[0]
    lines = [algorithm, headers["x-sdk-date"], *([scope] if scope else [])]
    text = "\n".join((*lines, hashlib.sha256(canonical.encode()).hexdigest()))
    return hmac.new(key.encode(), text.encode(), "sha256").hexdigest()


@pytest.mark.parametrize("region", ["cn-north-4", ""])
async def test_iotda_is_asked_with_the_signature_of_its_edition(region: str) -> None:
    """Basic: the secret access key signs. Standard and enterprise: a key derived for day, region and service does."""
    async with platform("huawei_iotda", replace(IOTDA, region=region)) as (there, way, reports):
        there.body = b'{"device_id":"6f3a_861050040000001","command_id":"c-1","status":"SENT"}'
        way.order(command(), asks("huawei_iotda", IMEI, {f"id:{IMEI}": f"6f3a_{IMEI}"}))
        await async_until(lambda: reports, "it is reported")
    assert reports == [Delivered("1.0", Outcome.SENT, "ticket:c-1")]
    ((first, headers, body),) = there.said
    assert first == f"POST /v5/iot/p1/devices/6f3a_{IMEI}/async-commands HTTP/1.1"
    assert (headers["instance-id"], headers["x-sdk-date"]) == ("i1", "20261121T160000Z")
    assert headers["host"] == there.url.removeprefix("http://")
    scope = f"20261121/{region}/iotdm" if region else ""
    root = hmac.digest(b"ACCESS", b"secret access key", "sha256")
    derived = hmac.digest(root, scope.encode() + b"\x01", "sha256").hex()
    sign = signed(first, headers, body, derived if region else "secret access key", scope)
    who = f"V11-HMAC-SHA256 Credential=ACCESS/{scope}" if region else "SDK-HMAC-SHA256 Access=ACCESS"
    names = "content-type;host;instance-id;x-sdk-date"
    assert headers["authorization"] == f"{who}, SignedHeaders={names}, Signature={sign}"
    assert json.loads(body) == {
        "send_strategy": "immediately", "service_id": "Smoke", "command_name": "silence", "paras": {"on": 1},
    }  # fmt: skip


@pytest.mark.parametrize(("method", "path", "body", "sign"), [
    ("GET", "shadow", "", "4a3e542368cc05be344f433613fd6aecdcb3d5fdc5b5df157bda33125569b990"),
    ("PUT", "properties", '{"services":[{"service_id":"Light","properties":{"Threshold":40}}]}',
     "74b411ff493db06059eebf45599b68693d8f19f7b584c556af353fd755a7f461"),
])  # fmt: skip
def test_the_derived_signature_is_the_one_iotda_took(method: str, path: str, body: str, sign: str) -> None:
    """Known answers of another program, which a real instance accepted."""
    host = "xxxx.st1.iotda-app.cn-south-1.myhuaweicloud.com"
    access = Access("p", "TESTSK456", app="TESTAK123", region="cn-south-1")
    headers = {"content-type": "application/json", "host": host, "x-sdk-date": "20260825T101530Z"}
    said = authorization(
        access, method, f"/v5/iot/test-project-id/devices/dev001/{path}", headers, body.encode()
    )
    assert said.endswith(
        f"TESTAK123/20260825/cn-south-1/iotdm, SignedHeaders={';'.join(headers)}, Signature={sign}"
    )


@pytest.mark.parametrize(("answer", "end"), [
    ({"result_code": 0, "response_name": "silence"}, Delivered("1.0", Outcome.SENT, "done")),
    ({"result_code": 1}, Delivered("1.0", Outcome.FAILED, "denied: the device answered 1")),
    ({}, Delivered("1.0", Outcome.SENT, "ticket:c-1")),
], ids=["done", "denied", "silent"])  # fmt: skip
async def test_a_device_over_mqtt_is_waited_for(answer: dict[str, Any], end: Delivered) -> None:
    """`synchronous` goes to the other address, and the device's own code is what became of it."""
    commands = {"mute": {**IOTDA.commands["mute"], "synchronous": True}}
    async with platform("huawei_iotda", replace(IOTDA, commands=commands)) as (there, way, reports):
        there.body = json.dumps({"command_id": "c-1", "response": answer}).encode()
        way.order(command(), asks("huawei_iotda", DEVICE))
        await async_until(lambda: reports, "it is reported")
    assert reports == [end]
    assert there.said[0][0] == f"POST /v5/iot/p1/devices/{DEVICE}/commands HTTP/1.1"
    assert json.loads(there.said[0][2]) == dict(IOTDA.commands["mute"])


async def test_iotda_that_takes_nothing_is_no_success() -> None:
    """A 200 without a command's id is no command; a device of no platform's name goes by its own."""
    async with platform("huawei_iotda", IOTDA) as (there, way, reports):
        way.order(command(), asks("huawei_iotda", DEVICE))
        await async_until(lambda: reports, "it is reported")
    assert reports == [Delivered("1.0", Outcome.FAILED, "refused: no command_id in the answer")]
    assert f"/devices/{DEVICE}/" in there.said[0][0]
    for bare in (replace(IOTDA, project=""), replace(IOTDA, commands={})):
        said = CODECS["huawei_iotda"].request(bare, DEVICE, "mute", NOW + 1000, NOW)
        assert str(said).startswith("not-taken")


@pytest.mark.parametrize(("status", "body", "why"), [
    (200, b'{"code":1404,"msg":"no such device"}', "refused: code 1404"), (200, b"<html>", "refused: code None"),
    (200, b'{"code":false}', "refused: code False"), (200, b"[" * 9000, "refused: code None"),
    (403, b'{"code":0}', "unreachable: the platform answered 403"),
    (302, b"", "unreachable: the platform answered 302"),
])  # fmt: skip
async def test_what_the_platform_does_not_take_is_reported(status: int, body: bytes, why: str) -> None:
    """Only a 200 with code 0 is taken; nothing it answers breaks anything."""
    async with platform("ctwing", CTWING) as (there, way, reports):
        there.status, there.body = status, body
        way.order(command(), asks("ctwing", IMEI))
        await async_until(lambda: reports, "it is reported")
    assert reports == [Delivered("1.0", Outcome.FAILED, why)]


async def test_what_is_not_sent_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """No name for it in the settings, another product, too late, nobody there, too many at once, a wrong family."""
    monkeypatch.setattr(platforms, "WAITING_MAX", 1)
    async with platform("onenet", ONENET) as (there, way, reports):
        for one, what in (
            (command(name="self_test"), asks("onenet", "pid/k", name="self_test")),
            (command(), asks("onenet", "other/k")),
            (command(expires_at=NOW), asks("onenet", "pid/k")),
        ):
            way.order(one, what)
            await async_until(lambda: len(reports) and not way._tasks, "it is reported")
        way.order(command(), [Ask("line:x", b"")])
        way.order(command(1), asks("onenet", "pid/k"))
        way.order(command(2), asks("onenet", "pid/k"))
        assert there.said == []
    codes = [r.detail.partition(":")[0] for r in reports]
    assert codes[:5] == ["not-taken", "not-taken", "expired", "not-taken", "busy"]
    lost: list[Delivered] = []
    nowhere = Platform(
        replace(ONENET, url="http://127.0.0.1:1"), CODECS["onenet"].request, lost.append, lambda: NOW
    )
    nowhere.order(command(), asks("onenet", "pid/k"))
    await async_until(lambda: lost, "it is reported")
    await nowhere.close()
    assert lost[0].detail.startswith("unreachable")


def test_secrets_never_show() -> None:
    """Neither access nor request prints a key."""
    for codec, access in (
        ("ctwing", CTWING),
        ("onenet", ONENET),
        ("huawei_iotda", replace(IOTDA, url="https://x")),
    ):
        request = CODECS[codec].request(access, "pid/k", "mute", NOW, NOW)
        assert "key" not in repr(request).lower()
        assert access.key not in repr(access)


@pytest.mark.parametrize(("codec", "native"), [("onenet", IMEI)])
def test_a_device_without_a_model_is_told_nothing(codec: str, native: str) -> None:
    """Of OneNET only devices of a thing model, which go by product and name."""
    assert str(CODECS[codec].command({}, native, "mute", "c1", NOW)).startswith("not-taken")
