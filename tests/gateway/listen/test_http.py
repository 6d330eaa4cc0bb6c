"""Pushes over HTTP: answered once kept, refused without a hint, bounded in size, time and number."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway import patience
from gateway.listen import http, web
from gateway.listen.bounds import Bucket
from gateway.listen.family import Family
from gateway.patience import PatientProtocol
from tests.gateway.listen.rig import KEY, Line, family, signed
from tests.parts import async_until

HERE = f"/push/s/{KEY}"
FIRE = b'{"v":1,"id":"a1","type":"alarm","data":{"hazard":"fire"}}'


class House(Line):
    """A line with the HTTP server before it; `client` speaks to it."""

    def __init__(
        self, folder: Path, one: Family | None = None, body_s: float = 10.0, **settings: Any
    ) -> None:
        super().__init__(folder, **settings)
        self.family, self._body_s = one or family(), body_s

    async def __aenter__(self) -> House:
        await super().__aenter__()
        self.app = http.PushApp(
            {"s": self.family},
            self.uplink,
            self.figures,
            asyncio.get_running_loop().time,
            body_s=self._body_s,
        )
        self._held = socket.create_server(("127.0.0.1", 0))
        self.port = self._held.getsockname()[1]
        self._server = web.PushServer(self.app.app)
        self._serving = asyncio.create_task(self._server.run_on(self._held))
        await async_until(lambda: self._server.started, "the server listens")
        self.client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", timeout=20, trust_env=False)
        return self

    async def __aexit__(self, *gone: object) -> None:
        await self.client.aclose()
        self._server.should_exit = True
        await self._serving
        await super().__aexit__(*gone)

    @asynccontextmanager
    async def raw(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """A connection without a client's manners."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield reader, writer
        finally:
            writer.close()


async def test_a_post_is_answered_when_it_is_kept(tmp_path: Path) -> None:
    """200 means that the engine has it on disk: before that there is no answer."""
    async with House(tmp_path) as house:
        house.engine.holds = True
        posting = asyncio.create_task(house.client.post(f"{HERE}/community/home/d/event", content=FIRE))
        await async_until(lambda: house.engine.received, "the engine has it")
        assert house.engine.received == [("s", "community/home/d/event", FIRE)]
        assert not posting.done()
        house.engine.keep()
        answer = await posting
        assert (answer.status_code, answer.content) == (200, b"")
        assert house.figures.counts["s"]["taken"] == 1


async def test_a_wrong_key_looks_like_no_such_source(tmp_path: Path) -> None:
    """Whoever guesses learns nothing: a wrong key, an unknown source and a made-up address are answered alike."""
    async with House(tmp_path) as house:
        answers = [
            await house.client.post(path, content=b"{}")
            for path in ("/push/s/wrong-key/x", f"/push/t/{KEY}/x", "/push/s", f"/push/s/{KEY[:-1]}", "/x")
        ]
        assert {(a.status_code, a.content) for a in answers} == {(404, answers[0].content)}
        assert json.loads(answers[0].content)["type"] == "urn:csg:problem:not_found"
        assert answers[0].headers["content-type"] == "application/problem+json"
        assert house.engine.received == []
        assert house.figures.strangers == 4
        assert sum(house.figures.counts["s"].values()) == 0


async def test_no_key_is_ever_logged(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Whatever a request is, the log does not hold the address it came to."""
    async with House(tmp_path, family(signed)) as house:
        await house.client.post(f"{HERE}/x", content=b"burst")
        await house.client.request("BREW", f"{HERE}/x")
        async with house.raw() as (reader, writer):
            writer.write(f"POST {HERE}/x HTTP/1.1\r\nHost x\r\n\r\n".encode())
            assert b"400" in await reader.readline()
    said = capfd.readouterr()
    assert KEY not in said.out + said.err
    assert "codec raised" in said.out + said.err


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_over_the_limit_is_refused(tmp_path: Path, chunked: bool) -> None:
    """64 KiB are taken, a byte more is not, whether its length was declared or not; the connection stays usable."""

    async def pieces(size: int) -> AsyncIterator[bytes]:
        for start in range(0, size, 1000):
            yield b"x" * min(1000, size - start)

    async with House(tmp_path) as house:
        for size, status in ((65_537, 413), (65_536, 200), (200_000, 413), (3, 200)):
            body: Any = pieces(size) if chunked else b"x" * size
            answer = await house.client.post(f"{HERE}/t", content=body)
            assert answer.status_code == status
        assert [len(payload) for _, _, payload in house.engine.received] == [65_536, 3]


async def test_bodies_all_together_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many large bodies at once are turned away before they fill the memory, to be sent again."""
    monkeypatch.setattr(http, "BODIES_MAX", 1000)
    async with House(tmp_path) as house:
        answer = await house.client.post(f"{HERE}/t", content=b"x" * 1001)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
        assert (await house.client.post(f"{HERE}/t", content=b"x" * 1000)).status_code == 200


async def test_what_cannot_be_taken_is_said(tmp_path: Path) -> None:
    """Methods that bring nothing, our own output, endless queries: each is refused, none is kept."""
    async with House(tmp_path) as house:
        asked = [
            ("GET", f"{HERE}/t", 405), ("DELETE", f"{HERE}/t", 405), ("PUT", f"{HERE}/t", 200),
            ("POST", f"{HERE}/gateway/incidents/home/1", 404), ("POST", f"{HERE}/t?{'a=1&' * 65}", 400),
            ("POST", "/push/s/wrong/t?" + "a=1&" * 65, 404),
        ]  # fmt: skip
        for method, path, status in asked:
            answer = await house.client.request(method, path)
            assert answer.status_code == status, (method, path)
        assert [topic for _, topic, _ in house.engine.received] == ["t"]


async def test_a_codec_may_prove_the_sender(tmp_path: Path) -> None:
    """A signed push needs no key in its address: the codec checks it, answers address checks, and words the 200."""
    async with House(tmp_path, family(signed)) as house:
        right = {"signature": f"{KEY}:7", "nonce": "7", "msg": "proof"}
        answer = await house.client.get("/push/s", params=right)
        assert (answer.status_code, answer.text) == (200, "proof")
        assert (await house.client.get("/push/s", params={**right, "nonce": "8"})).status_code == 401
        assert (
            await house.client.post("/push/s/device", params={"nonce": "7"}, content=b"x")
        ).status_code == 401
        assert house.engine.received == []
        large = b"x" * 200_000  # what this codec says it takes
        answer = await house.client.post("/push/s/device", params=right, content=large)
        assert (answer.status_code, answer.json()) == (200, {"code": 0})
        assert answer.headers["content-type"] == "application/json"
        assert house.engine.received == [("s", "signed/device", large)]


async def test_a_codec_that_raises_ends_nothing(tmp_path: Path) -> None:
    """A bug in a codec's door is a 500 to be sent again, and the next push is taken."""
    async with House(tmp_path, family(signed)) as house:
        right = {"signature": f"{KEY}:", "nonce": ""}
        assert (await house.client.post("/push/s", params=right, content=b"burst")).status_code == 500
        assert (await house.client.post("/push/s", params=right, content=b"x")).status_code == 200


async def test_too_much_at_once_is_slowed_down_but_alarms(tmp_path: Path) -> None:
    """Past its rate a source hears 429 for measurements; a live alarm is taken all the same."""
    async with House(tmp_path) as house:
        house.app._buckets["s"] = Bucket(rate=0.0, burst=2.0)
        statuses = [
            (
                await house.client.post(
                    f"{HERE}/community/home/d/telemetry", content=b'{"v":1,"smoke":false}'
                )
            ).status_code
            for _ in range(3)
        ]
        assert statuses == [200, 200, 429]
        answer = await house.client.post(f"{HERE}/community/home/d/event", content=FIRE)
        assert answer.status_code == 200
        assert house.figures.counts["s"]["limited"] == 1


async def test_without_an_engine_the_sender_is_told_to_repeat(tmp_path: Path) -> None:
    """Gone, or silent: 503 with Retry-After, never 200; back, the next push is taken."""
    async with House(tmp_path, gone_s=0.05, patience_s=0.3) as house:
        house.engine.holds = True
        answer = await house.client.post(f"{HERE}/t", content=b"silent")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        await house.engine.stop()
        answer = await house.client.post(f"{HERE}/t", content=b"gone")
        assert (answer.status_code, answer.json()["code"]) == (503, "engine_gone")
        house.engine.holds = False
        house.engine.listening.clear()
        await house.engine.start()
        await async_until(lambda: house.engine.listening, "connected again")
        assert (await house.client.post(f"{HERE}/t", content=b"back")).status_code == 200
        assert house.engine.received[-1] == ("s", "t", b"back")


async def test_a_full_line_answers_503(tmp_path: Path) -> None:
    """Messages that wait for the disk are bounded; one too many is sent again later."""
    async with House(tmp_path, outstanding=1) as house:
        house.engine.holds = True
        first = asyncio.create_task(house.client.post(f"{HERE}/t", content=b"1"))
        await async_until(lambda: house.engine.received, "one waits")
        answer = await house.client.post(f"{HERE}/t", content=b"2")
        assert (answer.status_code, answer.json()["code"]) == (503, "busy")
        house.engine.keep()
        assert (await first).status_code == 200


async def test_a_body_that_dawdles_is_given_up(tmp_path: Path) -> None:
    """A sender that never finishes its body hears 408 and holds nothing."""
    async with House(tmp_path, body_s=0.1) as house, house.raw() as (reader, writer):
        writer.write(f"POST {HERE}/t HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345".encode())
        assert b"408" in await reader.readline()
        assert house.app._reading == 0


async def test_connections_that_dawdle_are_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody holds a connection by sending nothing, half a header, or a body without end after the answer."""
    monkeypatch.setattr(patience, "HEADERS_S", 0.2)
    async with House(tmp_path) as house:
        for begun in (
            b"",
            b"POST /push/s HTTP/1.1\r\nHost: ",
            b"POST /push/s/wrong HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nx",
            b"GET /push/s HTTP/1.1\r\nHost: x\r\n\r\nGET /pu",
        ):
            async with house.raw() as (reader, writer):
                writer.write(begun)
                try:
                    async with asyncio.timeout(10):
                        await reader.read()  # to its end: they close
                except ConnectionResetError:
                    pass
        assert (await house.client.post(f"{HERE}/t", content=b"x")).status_code == 200


async def test_connections_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One too many is closed at once; those that are there go on."""
    monkeypatch.setattr(PatientProtocol, "connections_max", 1)
    async with House(tmp_path) as house:
        assert (await house.client.post(f"{HERE}/t", content=b"1")).status_code == 200
        async with house.raw() as (reader, _):
            try:
                assert await reader.read() == b""
            except ConnectionResetError:
                pass
        assert (await house.client.post(f"{HERE}/t", content=b"2")).status_code == 200


async def test_who_dawdles_makes_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stranger who holds every place, silent or with half a request, shuts nobody out."""
    monkeypatch.setattr(PatientProtocol, "connections_max", 3)
    monkeypatch.setattr(patience, "DAWDLE_S", 0.0)
    async with House(tmp_path) as house, house.raw(), house.raw() as (_, half), house.raw() as (_, body):
        half.write(b"POST /push/s HTTP/1.1\r\nHost: ")
        body.write(f"POST {HERE}/t HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n1".encode())
        for _ in range(5):
            async with httpx.AsyncClient(base_url=house.client.base_url) as other:
                assert (await other.post(f"{HERE}/t", content=b"x")).status_code == 200


@pytest.mark.parametrize("rubbish", [
    b"\0" * 100, b"\x16\x03\x01\x02\x00\x01", b"GET\r\n\r\n", b"POST / HTTP/9.9\r\n\r\n", b"@@" + b"\xff" * 20_000,
    b"POST /push/s/" + KEY.encode() + b"/t HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
    b"POST /push/s/" + KEY.encode() + b"/t HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
])  # fmt: skip
async def test_rubbish_disturbs_nobody(tmp_path: Path, rubbish: bytes) -> None:
    """A stranger's bytes end their own connection and nothing else."""
    async with House(tmp_path, body_s=0.2) as house:
        async with house.raw() as (reader, writer):
            writer.write(rubbish)
            writer.write_eof()
            try:
                async with asyncio.timeout(15):
                    await reader.read()
            except ConnectionResetError:
                pass
        assert (await house.client.post(f"{HERE}/t", content=b"x")).status_code == 200
        assert [payload for _, _, payload in house.engine.received] == [b"x"]
