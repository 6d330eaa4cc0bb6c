"""What every channel promises: its examples, its settings, simulated stays inside, real servers that misbehave."""

from __future__ import annotations

import importlib
import json
import pkgutil
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

import gateway.notify
from gateway.notice import (
    ChannelModule,
    Example,
    Notice,
    Sent,
    open_channel,
)
from gateway.notify import apprise_, mqtt, recording, webhook
from tests.gateway.mqtt_helpers import free_port
from tests.gateway.telling import (
    SECRET,
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

MODULES = {m.name: m.name for m in pkgutil.iter_modules(gateway.notify.__path__)}


def module(name: str) -> ChannelModule:
    return cast(ChannelModule, importlib.import_module(f"gateway.notify.{name}"))


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    """Every documented example is what the channel makes of that notice."""
    channel = module(name)
    assert channel.EXAMPLES
    for example in channel.EXAMPLES:
        assert isinstance(example, Example)
        assert json.loads(json.dumps(channel.example(example))) == json.loads(json.dumps(example.expect)), (
            example.title
        )


@pytest.mark.parametrize("name", MODULES)
def test_config(name: str) -> None:
    """Settings are told apart by `kind`, refuse unknown keys, and show no secret when printed."""
    config = module(name).Config
    assert config.__struct_config__.tag_field == "kind"
    assert config.__struct_config__.tag == name.rstrip("_")
    with pytest.raises(msgspec.ValidationError, match="unknown field"):
        msgspec.convert(
            {"kind": name.rstrip("_"), "url": "https://h/x", "secrets": [SECRET], "nonsense": 1}, config
        )
    shown = repr(webhook.Config("https://h/services/KEY", (SECRET,))) + repr(
        apprise_.Config("wecombot://KEY")
    )
    assert "KEY" not in shown
    assert SECRET not in shown


@pytest.mark.parametrize("name", MODULES)
async def test_simulated_is_never_sent(name: str, tmp_path: Path) -> None:
    """Every channel module that exists, opened from a configuration under any name, refuses what is simulated, before
    it touches the network; only the recording one keeps it.
    """

    def fail(*_: Any) -> bytes:
        raise AssertionError("something simulated was sent")

    async with http_server(fail) as (port, got):
        configs: dict[str, Any] = {
            "webhook": webhook.Config(
                f"http://127.0.0.1:{port}/x", (SECRET,), allow_private=True, allow_http=True
            ),
            "mqtt": mqtt.Config(f"mqtt://127.0.0.1:{port}"),
            "apprise_": apprise_.Config(url=f"json://127.0.0.1:{port}/x", schemas=("json",)),
            "recording": recording.Config(),
        }
        channel = open_channel("recording", configs[name], house(tmp_path))
        for notice in (told(f"json://127.0.0.1:{port}/x", mode="simulated"), machine(mode="simulated")):
            outcome = await attempt(channel, notice)
            assert outcome.result is (Sent.SENT if name == "recording" else Sent.REFUSED)
        await channel.client.close()
    assert got == []
    assert len(recording.recent(tmp_path)) == (2 if name == "recording" else 0)


HANG = "hang"


HTTP_ANSWERS: dict[str, tuple[Answer, bool]] = {
    "200": (lambda *_: reply(200, b"ok"), True),
    "204": (lambda *_: reply(204), True),
    "302": (lambda *_: reply(302, b"", "location: http://127.0.0.1:1/elsewhere"), False),
    "404": (lambda *_: reply(404, b"no"), False),
    "500": (lambda *_: reply(500, b"no"), False),
    "503": (lambda *_: reply(503, b"", "retry-after: 7"), False),
    "hang": (hang, False),
    "cut": (lambda *_: b"HTTP/1.", False),
    "garbage": (lambda *_: b"\x00\xff\x16SSH-2.0\r\n\r\n", False),
    "huge": (lambda *_: reply(200, b"x" * 8_000_000), True),
}


@pytest.mark.parametrize("answer", HTTP_ANSWERS)
@pytest.mark.parametrize("name", ["webhook", "apprise_"])
async def test_http_contract(name: str, answer: str, tmp_path: Path) -> None:
    """2xx is success, everything else may be tried again; no answer, no end of an answer and garbage included."""
    give, good = HTTP_ANSWERS[answer]
    async with http_server(give) as (port, got):
        if name == "webhook":
            config: Any = webhook.Config(
                f"http://127.0.0.1:{port}/hook", (SECRET,), allow_private=True, allow_http=True, heartbeat_s=0
            )
            notice = machine()
        else:
            config, notice = apprise_.Config(schemas=("json",)), told(f"json://127.0.0.1:{port}/hook")
        async with opened(open_channel("x", config, house(tmp_path))) as channel:
            outcome = await attempt(channel, notice, limit_s=0.5 if answer == HANG else 20)
    assert outcome.result is (Sent.SENT if good else Sent.RETRY), outcome
    assert len(got) == 1
    assert got[0][0].startswith("/hook")


@pytest.mark.parametrize("name", ["webhook", "apprise_", "mqtt"])
async def test_nobody_listens(name: str, tmp_path: Path) -> None:
    """A refused connection may be tried again and leaves nothing hanging."""
    port = free_port()
    configs: dict[str, tuple[Any, Notice]] = {
        "webhook": (
            webhook.Config(f"http://127.0.0.1:{port}/x", (SECRET,), True, True, heartbeat_s=0),
            machine(),
        ),
        "apprise_": (apprise_.Config(schemas=("json",)), told(f"json://127.0.0.1:{port}/x")),
        "mqtt": (mqtt.Config(f"mqtt://127.0.0.1:{port}"), machine()),
    }
    config, notice = configs[name]
    async with opened(open_channel("x", config, house(tmp_path))) as channel:
        assert (await attempt(channel, notice, limit_s=3)).result is Sent.RETRY
