"""Devices that push: what they were answered is kept, whoever dies, and a bad neighbour disturbs nobody."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import socket
import sys
from base64 import b64encode
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from hashlib import md5
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from devices.codec import Example
from devices.codecs.gb26875.frame import CONFIRM, CONTROL, DENY, SEND, Packet, encode, parse, to_bytes
from devices.decode import CODECS
from gateway.app.child import Orders
from gateway.clock import SystemClock
from gateway.config import Settings, SourceSettings, check
from gateway.control import ControlClient
from gateway.core.effect import CommandChanged, IncidentChanged, Notify
from gateway.core.event import Acted, Delivered, Measured, Quarantined, Verb
from gateway.errors import EngineGone
from gateway.journal import JournalReader, Row
from tests.acceptance.plant import ROOT, reached
from tests.acceptance.running import Running, found, free_port, furnish

pytestmark = pytest.mark.acceptance

KEY = "correct-horse-16"
POSTS = 600
KILLS = 4
PEOPLE = {
    "places": [{"id": "home", "level": "site", "name": "试验小区", "parent": None}],
    "people": [{"id": "p1", "name": "值班员", "staff": True, "roles": [["duty_operator", "home"]],
                "addresses": [["recording", "p1"]]}],
}  # fmt: skip


class Children:
    """An engine and a listener as their supervisor starts them, without one: each may be killed and started again."""

    def __init__(self, data: Path, *sources: SourceSettings) -> None:
        self.data = data
        report = check(None)
        assert report.settings is not None
        self.settings: Settings = msgspec.structs.replace(report.settings, data=str(data), sources=sources)
        self.push = socket.create_server(("127.0.0.1", 0))
        self.control = ControlClient(data / "engine.sock")
        self.living: dict[str, asyncio.subprocess.Process] = {}
        self.boots = 0

    async def __aenter__(self) -> Children:
        furnish(self.data, PEOPLE)
        port = self.push.getsockname()[1]
        self.client = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}/push/web/{KEY}", timeout=30, trust_env=False
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        for name in list(self.living):
            await self.kill(name)
        await self.client.aclose()
        await self.control.close()
        self.push.close()

    async def start(self, *names: str) -> None:
        """Start them; returns when every way in is open, if both are there."""
        for name in names:
            self.boots += 1
            orders = msgspec.msgpack.encode(Orders(
                name, str(self.data), msgspec.msgpack.encode(self.settings), listen_fd=self.push.fileno(),
                broker_port=0, boot=f"boot{self.boots}",
            ))  # fmt: skip
            process = self.living[name] = await asyncio.create_subprocess_exec(
                sys.executable, "-m", f"gateway.app.{name}", cwd=ROOT, pass_fds=(self.push.fileno(),),
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL,
            )  # fmt: skip
            assert process.stdin is not None
            process.stdin.write(len(orders).to_bytes(4, "big") + orders)
        if len(self.living) == 2:
            await reached(self._open, "every way in is open", within_s=30)

    async def kill(self, name: str) -> None:
        """SIGKILL, as a power cut would."""
        process = self.living.pop(name)
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGKILL)
        await process.wait()

    async def _open(self) -> bool:
        try:
            links = (await self.control.status())["links"]
        except (EngineGone, KeyError):
            return False
        return bool(links) and all(state == "up" for state in links.values())

    async def post(self, device: str, kind: str, body: dict[str, Any]) -> httpx.Response:
        return await self.client.post(f"/community/home/{device}/{kind}", json={"v": 1, **body})

    def rows(self) -> list[Row]:
        """Everything the journal holds, in order."""
        reader = JournalReader(self.data / "journal")
        rows: list[Row] = []
        while more := reader.rows(rows[-1].first + len(rows[-1].events) - 1 if rows else 0):
            rows += more
        reader.close()
        return rows

    def results(self) -> list[Any]:
        return [item.result for row in self.rows() for item in row.happened]

    def stored(self, metric: str) -> Counter[int]:
        """How often the journal holds each value of a metric."""
        return Counter(
            int(reading.value or 0)
            for row in self.rows()
            for _, event in row.events
            if isinstance(event, Measured)
            for reading in event.readings
            if f"/{metric}/" in reading.point
        )


@pytest.mark.slow
async def test_killed_under_pushes_nothing_answered_is_lost(tmp_path: Path, seed: int) -> None:
    """SIGKILL the engine again and again under posts: every 200 is stored, and each alarm calls once."""
    rng = random.Random(seed)
    async with Children(
        tmp_path / "data", SourceSettings("web", "home", listen="http", codecs=("native",), key=KEY)
    ) as house:
        await house.start("engine", "listener")
        answered: set[int] = set()
        waiting = iter(range(POSTS))
        done = asyncio.Event()

        async def sender() -> None:
            """As a carrier does it: the same message again until the answer is 200."""
            for n in waiting:
                body: dict[str, Any] = {"id": f"t{n}", "pulse_count": n, "temperature": 20.5}
                what: tuple[str, str] = (f"d{n % 20}", "telemetry")
                if n % 60 == 0:
                    assert await kept(
                        f"alarm{n}", "event", {"id": f"a{n}", "type": "alarm", "data": {"hazard": "fire"}}
                    )
                if await kept(*what, body):
                    answered.add(n)

        async def kept(device: str, kind: str, body: dict[str, Any]) -> bool:
            while True:
                answer = await house.post(device, kind, body)
                if answer.status_code == 200:
                    return True
                assert answer.status_code == 503, answer.text
                assert int(answer.headers["retry-after"]) > 0
                await asyncio.sleep(0.05)

        async def all_sent() -> None:
            async with asyncio.TaskGroup() as group:
                for _ in range(8):
                    group.create_task(sender())
            done.set()

        load = asyncio.create_task(all_sent())
        for _ in range(KILLS):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(done.wait(), rng.uniform(0.1, 0.6))
            await house.kill("engine")
            await house.start("engine")
        await load
        assert answered == set(range(POSTS))
        assert set(house.stored("pulse_count")) >= answered
        results = house.results()
        last = {r.doc.id: r.doc for r in results if isinstance(r, IncidentChanged)}
        fire = [doc for doc in last.values() if doc.hazard == "fire"]
        assert len(fire) == 1
        assert {a.device for a in fire[0].alarms} == {f"web:home/alarm{n}" for n in range(0, POSTS, 60)}
        assert {a.count for a in fire[0].alarms} == {1}
        notices = [r.id for r in results if isinstance(r, Notify)]
        assert len(set(notices)) == len(notices)


async def test_without_an_engine_a_push_is_refused_until_it_is_back(tmp_path: Path) -> None:
    """No engine: 503 with Retry-After and nothing kept; the listener goes on, and with an engine it takes the next."""
    async with Children(
        tmp_path / "data", SourceSettings("web", "home", listen="http", codecs=("native",), key=KEY)
    ) as house:
        await house.start("listener")
        answer = await house.post("d1", "telemetry", {"pulse_count": 1})
        assert (answer.status_code, answer.json()["code"]) == (503, "engine_gone")
        assert int(answer.headers["retry-after"]) > 0
        await house.start("engine")
        assert (await house.post("d1", "telemetry", {"pulse_count": 2})).status_code == 200
        assert dict(house.stored("pulse_count")) == {2: 1}
        await house.kill("listener")  # and an engine without a listener hears of it at once
        await reached(lambda: _lost(house), "the engine knows", within_s=10)
        await house.start("listener")
        assert (await house.post("d1", "telemetry", {"pulse_count": 3})).status_code == 200


async def _lost(house: Children) -> bool:
    return "gone" in (await house.control.status())["links"]["web.http"]


def frame(serial: int, unit: bytes, command: int = SEND) -> bytes:
    """A frame of a transmission device with the address 0x379, sent now."""
    now = to_bytes(SystemClock().utc_ms())
    return encode(Packet(serial, 1, 1, now, 0x379, 0, command, unit))


def smoke(state: int) -> bytes:
    """Type 2: the state of the smoke detector 0002000a of system 1."""
    now = to_bytes(SystemClock().utc_ms())
    return (
        bytes((2, 1, 1, 1, 40)) + bytes.fromhex("0a000200") + state.to_bytes(2, "little") + b"\0" * 31 + now
    )


async def confirmed(reader: asyncio.StreamReader) -> Packet:
    """The next frame of the centre."""
    async with asyncio.timeout(20):
        head = await reader.readexactly(30)
    return parse(head)


async def repeated(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, data: bytes) -> Packet:
    """The answer to a frame that its panel repeats, as panels do, until there is one."""
    while True:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(3):
                return parse(await reader.readexactly(30))
        writer.write(data)


@contextlib.asynccontextmanager
async def connected(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A panel's connection, or a neighbour's."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


class Caller(asyncio.DatagramProtocol):
    """A panel that speaks UDP."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[bytes] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.heard.put_nowait(data)


@pytest.mark.slow
async def test_a_fire_panel_beside_bad_neighbours(tmp_path: Path) -> None:
    """A panel's fire is confirmed and calls somebody, its frames glued and cut, with rubbish on the same port."""
    port = free_port()
    panels = SourceSettings(
        "panels", "home", listen=(f"tcp://127.0.0.1:{port}", f"udp://127.0.0.1:{port}"), codecs=("gb26875",)
    )
    rubbish = (b"\xff@@\0" * 5000, b"GET / HTTP/1.1\r\n\r\n", frame(1, smoke(3))[:40], b"@@" * 9000)
    async with Children(tmp_path / "data", panels) as house, contextlib.AsyncExitStack() as stack:
        await house.start("engine", "listener")
        for n in range(20):
            _, bad = await stack.enter_async_context(connected(port))
            bad.write(rubbish[n % 4])
        reader, writer = await stack.enter_async_context(connected(port))
        stream = frame(1, b"") + frame(2, smoke(0)) + b"noise@@" + frame(3, smoke(2))
        for start in range(0, len(stream), 7):
            writer.write(stream[start : start + 7])
            await writer.drain()
        waited = {1, 2, 3}
        while waited:
            answer = await confirmed(reader)
            if answer.command == CONFIRM:
                waited.remove(answer.serial)

        async def told() -> bool:
            return any(isinstance(r, Notify) and r.person == "p1" and _fire(r) for r in house.results())

        await reached(told, "the person on duty is called", within_s=30)

        await house.kill("engine")
        reader, writer = await stack.enter_async_context(connected(port))
        fire = frame(9, smoke(3))
        writer.write(fire)
        await house.start("engine")
        answer = await repeated(reader, writer, fire)
        assert (answer.command, answer.serial) == (CONFIRM, 9)

        caller = Caller()
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: caller, remote_addr=("127.0.0.1", port)
        )
        try:
            transport.sendto(frame(12, b""))
            async with asyncio.timeout(20):
                assert parse(await caller.heard.get()).serial == 12
        finally:
            transport.close()


@pytest.mark.slow
async def test_a_duty_check_reaches_the_panels_line_and_its_key_answers(tmp_path: Path) -> None:
    """The frame goes over the device's connection, its confirm is heard, then somebody's key; and a denial."""
    port = free_port()
    panels = SourceSettings("panels", "home", listen=f"tcp://127.0.0.1:{port}", codecs=("gb26875",))
    async with Children(tmp_path / "data", panels) as house:
        furnish(tmp_path / "data", {**PEOPLE, "devices": [
            {"id": "panels:000000000379", "place": "home", "kind": "transmission"}
        ]})  # fmt: skip
        await house.start("engine", "listener")
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(frame(1, b""))
        assert (await confirmed(reader)).command == CONFIRM

        async def check(key: str) -> Packet:
            grants = (("operator", ""),)
            said = await house.control.act(
                Acted(key, "root", grants, Verb.COMMAND, "panels:000000000379", None, {"name": "duty_check"})
            )
            assert (said.ok, said.code) == (True, "ok")
            async with asyncio.timeout(20):
                return parse(await reader.readexactly(33))

        rung = await check("k1")
        assert (rung.command, rung.data) == (CONTROL, b"\x5b\x01\x00")
        writer.write(frame(rung.serial, b"", CONFIRM))
        await reached(lambda: _states(house, ["sent"]), "the device took it", within_s=20)
        key = b"\x18\x01\x20\x07" + to_bytes(SystemClock().utc_ms())
        writer.write(frame(2, key))
        await reached(lambda: _states(house, ["confirmed"]), "somebody was there", within_s=20)
        assert (house.stored("duty_answered"), house.stored("operator")) == ({1: 1}, {7: 1})
        rung = await check("k2")
        writer.write(frame(rung.serial, b"", DENY))
        await reached(lambda: _states(house, ["confirmed", "failed"]), "a refusal fails it", within_s=20)
        await house.kill("listener")
        writer.close()
        said = await house.control.act(
            Acted(
                "k3",
                "root",
                (("operator", ""),),
                Verb.COMMAND,
                "panels:000000000379",
                None,
                {"name": "set_clock"},
            )
        )
        assert said.ok
        await reached(lambda: _why(house, "unreachable"), "without a listener it says so", within_s=20)


async def _states(house: Children, wanted: list[str]) -> bool:
    docs = {r.doc.id: r.doc for r in house.results() if isinstance(r, CommandChanged)}
    return [doc.state for doc in docs.values()] == wanted


async def _why(house: Children, code: str) -> bool:
    """The reason why a message to a device was not delivered."""
    ends = [e for row in house.rows() for _, e in row.events if isinstance(e, Delivered)]
    return any(end.detail.startswith(code) for end in ends)


async def _gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def _fire(result: Notify) -> bool:
    return result.doc.hazard == "fire"


def example(codec: str) -> Example:
    """The first documented message of a family from which readings come."""
    examples: Sequence[Example] = CODECS[codec].EXAMPLES
    return next(e for e in examples if e.readings and e.quarantine is None)


@pytest.mark.slow
async def test_carriers_push_over_http(tmp_path: Path) -> None:
    """CTWing, OneNET and IoTDA each with their own address, check and proof: what was answered 200 is kept."""
    token = "a short token"
    sources = [
        SourceSettings("ct", "home", listen="http", codecs=("ctwing",), key=KEY),
        SourceSettings("hw", "home", listen="http", codecs=("huawei_iotda",), key=KEY),
        SourceSettings("cm", "home", listen="http", codecs=("onenet",), key=token),
    ]

    def signature(msg: str) -> str:
        return b64encode(md5(f"{token}n{msg}".encode(), usedforsecurity=False).digest()).decode()

    async with Children(tmp_path / "data", *sources) as house:
        await house.start("engine", "listener")
        base = str(house.client.base_url).partition("/push/")[0] + "/push"
        client = house.client
        for source, codec in (("ct", "ctwing"), ("hw", "huawei_iotda")):
            body = example(codec).payload
            assert (await client.post(f"{base}/{source}/{KEY}", content=body)).status_code == 200
            assert (await client.post(f"{base}/{source}/{KEY}x", content=body)).status_code == 404
        asked = {"msg": "proof", "nonce": "n", "signature": signature("proof")}
        answer = await client.get(f"{base}/cm", params=asked)
        assert (answer.status_code, answer.text) == (200, "proof")
        assert (await client.get(f"{base}/cm", params={**asked, "nonce": "m"})).status_code == 401
        msg = json.dumps(
            {"messageType": "lifeCycle", "productId": "p", "deviceName": "d", "timestamp": 1, "status": 1}
        )
        push = {"msg": msg, "nonce": "n", "signature": signature(msg), "time": 1, "id": "i1"}
        assert (await client.post(f"{base}/cm", json={**push, "nonce": "m"})).status_code == 401
        assert (await client.post(f"{base}/cm", json=push)).status_code == 200
        kept = {
            e.source for row in house.rows() for _, e in row.events if isinstance(e, Measured | Quarantined)
        }
        assert kept >= {"ct", "hw", "cm"}


@pytest.mark.slow
async def test_csg_run_with_a_device_that_speaks_http(tmp_path: Path) -> None:
    """As the README says it: one source in the file, one POST, somebody is called; killed, the listener comes back."""
    data = tmp_path / "data"
    furnish(data, PEOPLE)
    secret = tmp_path / "key"
    secret.write_text(KEY)
    secret.chmod(0o600)
    wanted = free_port()
    config = (
        f"listener: {{port: {wanted}}}\n"
        f"sources:\n  - {{name: web, site: home, listen: http, codecs: [native], key: 'file:{secret}'}}\n"
    )
    async with (
        Running("run", data, config=config) as gateway,
        httpx.AsyncClient(timeout=30, trust_env=False) as client,
    ):
        async with gateway.signed_in() as admin:
            await gateway.listening()
            base = f"http://127.0.0.1:{wanted}/push/web"
            assert f"Pushes to http://127.0.0.1:{wanted}/push/" in gateway.said()
            fire = {"v": 1, "id": "a1", "type": "alarm", "data": {"hazard": "fire"}}
            answer = await client.post(f"{base}/{KEY}/community/home/kitchen-1/event", json=fire)
            assert answer.status_code == 200

            async def told() -> bool:
                return any(r.person == "p1" and r.type == "notice.called" for r in gateway.recorded())

            await found(told, "the person on duty is called", 30)
            wrong = await client.post(f"{base}/{KEY[::-1]}/community/home/kitchen-1/event", json=fire)
            other = await client.post(f"{base}x/{KEY}/community/home/kitchen-1/event", json=fire)
            assert (wrong.status_code, wrong.content) == (404, other.content)
            large = await client.post(f"{base}/{KEY}/x", content=b"x" * 70_000)
            assert large.status_code == 413

            before = gateway.child("listener")
            assert before is not None
            os.kill(before, signal.SIGKILL)
            await reached(lambda: _gone(before), "the listener is dead", within_s=10)
            async with httpx.AsyncClient(timeout=30, trust_env=False) as fresh:
                answer = await fresh.post(f"{base}/{KEY}/community/home/kitchen-1/status", content=b"online")
            assert answer.status_code == 200  # the supervisor holds the port: the next listener takes it
            assert gateway.child("listener") not in (None, before)

            async def shown() -> bool:
                parts = (await admin.get("/api/v1/health")).json()["parts"]
                metrics = (await admin.get("/metrics")).text
                return (
                    any(part["name"] == "listen.web.http" and part["ok"] for part in parts)
                    and 'csg_listen_up{link="web.http"} 1.0' in metrics
                    and 'csg_listen_total{source="web",what="taken"} 1.0' in metrics
                )

            await found(shown, "health and metrics show it", 30)
        said = gateway.said() + data.with_name("data-0.err").read_text("utf-8", "replace")
        assert KEY not in said
        assert KEY not in json.dumps([msgspec.to_builtins(r) for r in gateway.recorded()])
        assert await gateway.interrupt() == 0
