"""apprise against real HTTP and mail servers, and the robots whose answers we read ourselves."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from gateway import robots
from gateway.clock import ManualClock
from gateway.notice import (
    ChannelInstance,
    SendOutcome,
    Sent,
    open_channel,
)
from gateway.notify import apprise_
from tests.gateway.telling import (
    OPENED,
    Answer,
    attempt,
    hang,
    house,
    http_server,
    machine,
    opened,
    reply,
    told,
)
from tests.parts import async_until


async def test_the_body_of_a_message(tmp_path: Path) -> None:
    """Title and body arrive as they were rendered, in plain text."""
    async with http_server(lambda *_: reply(200)) as (port, got):
        notice = told(f"json://127.0.0.1:{port}/x")
        async with opened(
            open_channel("chat", apprise_.Config(schemas=("json",)), house(tmp_path))
        ) as channel:
            assert (await attempt(channel, notice)).result is Sent.SENT
    sent = json.loads(got[0][2])
    assert (sent["title"], sent["message"].replace("\r\n", "\n"), sent["type"]) == (
        notice.title,
        notice.body,
        "failure",
    )


async def test_mail_over_a_real_socket(tmp_path: Path) -> None:
    """An e-mail reaches a mail server with subject and text."""
    mails: list[str] = []

    async def smtp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 test\r\n")
        async for raw in reader:
            line = raw.decode().rstrip("\r\n")
            if line.upper() == "DATA":
                writer.write(b"354 go\r\n")
                mails.append((await reader.readuntil(b"\r\n.\r\n")).decode())
                writer.write(b"250 ok\r\n")
            elif line.upper() == "QUIT":
                writer.write(b"221 bye\r\n")
                break
            else:
                writer.write(b"250 ok\r\n")
        writer.close()

    server = await asyncio.start_server(smtp, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        address = f"mailto://127.0.0.1:{port}?mode=insecure&from=gw@example.cn&to=grid@example.cn"
        async with opened(open_channel("mail", apprise_.Config(), house(tmp_path))) as channel:
            assert (await attempt(channel, told(address, mode="drill"))).result is Sent.SENT
    (mail,) = mails
    assert "grid@example.cn" in mail
    assert "subject:" in mail.lower()


@pytest.mark.parametrize(
    ("address", "detail"),
    [("", "no-address"), ("nonsense", "no-address"), ("json://127.0.0.1/x", "schema-not-allowed:json"),
     ("file:///etc/passwd", "schema-not-allowed:file"), ("mailto://", "bad-address"), ("dingtalk://", "bad-address")],
)  # fmt: skip
async def test_bad_addresses_fail_at_once(address: str, detail: str, tmp_path: Path) -> None:
    """What no try can reach is no reason to wait: the next channel is due."""
    async with opened(open_channel("chat", apprise_.Config(), house(tmp_path))) as channel:
        assert await attempt(channel, told(address)) == SendOutcome(Sent.FAILED, detail)


ROBOTS: dict[str, tuple[str, Callable[[dict[str, Any]], str]]] = {
    "wecombot": ("wecombot://abc-123", lambda sent: sent["text"]["content"]),
    "https": (
        "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=abc-123",
        lambda sent: sent["text"]["content"],
    ),
    "dingtalk": ("dingtalk://sec@abc123/13800000000", lambda sent: sent["text"]["content"]),
    "feishu": ("feishu://abc123", lambda sent: sent["content"]["text"]),
    "lark": ("lark://abc123", lambda sent: sent["content"]["text"]),
}


@asynccontextmanager
async def robot(
    tmp_path: Path, answer: Answer, **settings: Any
) -> AsyncIterator[tuple[ChannelInstance, list[Any]]]:
    """An apprise channel whose robots live on a server of ours."""
    async with http_server(answer) as (port, got):
        clock = ManualClock(OPENED)
        client = apprise_.AppriseClient(
            apprise_.Config(**settings),
            house(tmp_path, clock),
            {k: f"http://127.0.0.1:{port}/{k}/" for k in robots.URLS},
        )
        async with opened(ChannelInstance("robot", "apprise", client, apprise_.send)) as channel:
            yield channel, got


@pytest.mark.parametrize("kind", ROBOTS)
@pytest.mark.parametrize(
    ("status", "answer", "wanted"),
    [
        (200, b'{"errcode":0,"errmsg":"ok"}', SendOutcome(Sent.SENT)),
        (200, b'{"code":0,"msg":"success"}', SendOutcome(Sent.SENT)),
        (200, b'{"StatusCode":0,"StatusMessage":"success"}', SendOutcome(Sent.SENT)),
        (
            200,
            b'{"errcode":45009,"errmsg":"api freq out of limit"}',
            SendOutcome(Sent.RETRY, "errcode-45009"),
        ),
        (400, b'{"code":9499,"msg":"Bad Request"}', SendOutcome(Sent.RETRY, "errcode-9499")),
        (200, b"<html>please sign in to the wifi</html>", SendOutcome(Sent.RETRY, "http-200")),
        (200, b"[]", SendOutcome(Sent.RETRY, "http-200")),
        (502, b"", SendOutcome(Sent.RETRY, "http-502")),
        (200, b'{"errcode":0}' + b" " * 100_000, SendOutcome(Sent.RETRY, "answer-too-large")),
    ],
)
async def test_robots(kind: str, status: int, answer: bytes, wanted: SendOutcome, tmp_path: Path) -> None:
    """A robot has taken a message only when its answer says so: HTTP 200 alone means nothing."""
    address, said = ROBOTS[kind]
    async with robot(tmp_path, lambda *_: reply(status, answer)) as (channel, got):
        notice = told(address)
        assert await attempt(channel, notice) == wanted
    ((path, _, body),) = got
    assert said(json.loads(body)) == notice.body
    assert "abc" in path
    if kind == "dingtalk":
        assert json.loads(body)["at"]["atMobiles"] == ["13800000000"]
        assert f"timestamp={OPENED}" in path
        assert "sign=" in path


async def test_a_robots_limit_keeps_half_for_p1(tmp_path: Path) -> None:
    """Twenty a minute: ten for anything, twenty for P1, then a P1 fails its try so that the next channel is used."""
    async with robot(tmp_path, lambda *_: reply(200, b'{"errcode":0}')) as (channel, got):
        address = "wecombot://abc-123"
        low, high = told(address, priority=3), told(address)
        assert [(await attempt(channel, low)).result for _ in range(11)] == [Sent.SENT] * 10 + [Sent.LATER]
        assert [(await attempt(channel, high)).result for _ in range(11)] == [Sent.SENT] * 10 + [Sent.RETRY]
        assert (await attempt(channel, told("wecombot://another"))).result is Sent.SENT
        waiting = await attempt(channel, low)
        assert waiting.after_ms == 60_000
        cast(Any, channel.client)._house.monotonic_ms.__self__.advance(60_000)
        assert (await attempt(channel, low)).result is Sent.SENT
    assert len(got) == 22


async def test_p1_does_not_wait_for_hanging_threads(tmp_path: Path) -> None:
    """With every thread for the rest stuck in a dead server, a P1 to another one leaves at once."""
    async with (
        http_server(hang) as (dead, stuck),
        http_server(lambda *_: reply(200)) as (alive, got),
        opened(open_channel("chat", apprise_.Config(schemas=("json",)), house(tmp_path))) as channel,
    ):
        slow = [
            asyncio.create_task(channel.send(told(f"json://127.0.0.1:{dead}/x", priority=3)))
            for _ in range(9)
        ]
        await async_until(lambda: len(stuck) == 4, "four threads to be stuck")
        assert (await attempt(channel, told(f"json://127.0.0.1:{alive}/x"))).result is Sent.SENT
        for task in slow:
            task.cancel()
    assert len(got) == 1


async def test_a_group_as_a_machine_receiver(tmp_path: Path) -> None:
    """A target that is an apprise channel tells its configured group, and asks for few event types."""
    async with http_server(lambda *_: reply(200)) as (port, got):
        config = apprise_.Config(url=f"json://127.0.0.1:{port}/group", schemas=("json",))
        async with opened(open_channel("group", config, house(tmp_path))) as channel:
            assert channel.wants("incident.opened")
            assert not channel.wants("incident.updated")
            assert (await attempt(channel, machine())).result is Sent.SENT
    assert got[0][0].startswith("/group")


async def test_addresses_are_not_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Keys in addresses stay out of the log, also when sending fails."""
    with caplog.at_level(logging.DEBUG):
        async with robot(tmp_path, lambda *_: reply(500)) as (channel, _):
            await attempt(channel, told("wecombot://secretkey"))
            await attempt(channel, told("mailto://u:secretkey@127.0.0.1:1?to=a@b.cn"))
    ours = [r for r in caplog.records if r.name not in ("httpx", "httpcore")]
    assert not [r for r in ours if "secretkey" in r.getMessage()]
    assert not [r for r in caplog.records if r.levelno >= logging.INFO and "secretkey" in r.getMessage()]
