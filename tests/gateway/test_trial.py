"""`csg channels test`: a receiver that hears us says so, one that does not is named with the reason."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aiomqtt
import msgspec
import pytest
from typer.testing import CliRunner

from gateway.cli import app
from gateway.config import Settings, check
from gateway.notify.recording import FILE
from gateway.registry import Registry
from gateway.trial import Tried, UnknownTarget, try_targets
from tests.gateway.mqtt_helpers import free_port, mosquitto
from tests.gateway.telling import http_server, reply
from tests.parts import require

ROBOT = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key="
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def settings(folder: Path, **channels: Any) -> Settings:
    known = check(None).settings
    assert known is not None
    return msgspec.structs.replace(known, data=str(folder), channels=channels)


def webhook(port: int, **more: Any) -> dict[str, Any]:
    url = f"http://127.0.0.1:{port}/hook"
    return {
        "kind": "webhook",
        "url": url,
        "secrets": [SECRET],
        "allow_private": True,
        "allow_http": True,
        **more,
    }


async def test_a_webhook_hears_one_marked_test_and_no_heartbeat(tmp_path: Path) -> None:
    """The receiver gets `gateway.test`, marked as a test, and nothing that looks like a running gateway."""
    async with http_server(lambda *_: reply(204)) as (port, seen):
        tried = await try_targets(settings(tmp_path, city=webhook(port)))
    assert tried == [Tried("city", "city", "sent")]
    ((_, _, raw),) = seen
    body = json.loads(raw)
    assert body["type"] == "gateway.test"
    assert body["data"]["mode"] == "test"


async def test_an_mqtt_receiver_hears_it(tmp_path: Path) -> None:
    """Over MQTT it is an event of its site."""
    require("mosquitto")
    with mosquitto(tmp_path) as broker:
        out = {"kind": "mqtt", "broker": f"mqtt://127.0.0.1:{broker.port}"}
        async with aiomqtt.Client("127.0.0.1", broker.port) as reader:
            await reader.subscribe("gateway/#", qos=1)
            assert [one.result for one in await try_targets(settings(tmp_path, out=out), ["out"])] == ["sent"]
            got = await anext(aiter(reader.messages))
    said = json.loads(got.payload)
    assert str(got.topic) == "gateway/events/home/gateway.test"
    assert said["title"].startswith("【测试】")


async def test_what_does_not_hear_is_named(tmp_path: Path) -> None:
    """A receiver that is gone and one that did not ask for tests do not pass; the others are tried all the same."""
    async with http_server(lambda *_: reply(200)) as (port, _):
        found = await try_targets(
            settings(
                tmp_path,
                away=webhook(free_port()),
                choosy=webhook(port, types=["incident.opened"]),
                well=webhook(port),
            )
        )
    assert [(one.target, one.ok) for one in found] == [("away", False), ("choosy", False), ("well", True)]
    assert found[1].result == "not-wanted"
    with pytest.raises(UnknownTarget, match="there are none"):
        await try_targets(settings(tmp_path), ["city"])


def recorded(folder: Path) -> Any:
    """The one line of the recording channel."""
    (line,) = (folder / FILE).read_text("utf-8").splitlines()
    return json.loads(line)


async def test_a_person_hears_it_over_each_of_their_channels(tmp_path: Path) -> None:
    """The message is marked, in the person's language, and goes to the address the directory has."""
    registry = Registry.open(tmp_path / "registry.sqlite")
    wang = {
        "id": "wang",
        "name": "Wang",
        "language": "en",
        "addresses": [["wecom", f"{ROBOT}abc"], ["paper", "w1"]],
    }
    registry.import_catalogue({"people": [wang]}, who="test", now=1)
    registry.close()
    known = settings(tmp_path, paper={"kind": "recording"})
    tried = await try_targets(known, person="wang")
    assert [(one.target, one.result, one.detail) for one in tried] == [
        ("wang over paper", "sent", ""),
        ("wang over wecom", "failed", "no-channel"),
    ]
    assert recorded(tmp_path)["title"].startswith("【测试】TEST Test message")
    with pytest.raises(UnknownTarget, match="'wang' has no address on 'sms'; there are paper, wecom"):
        await try_targets(known, ["sms"], "wang")
    with pytest.raises(UnknownTarget, match="'li' has no address"):
        await try_targets(known, person="li")


def test_the_command_says_what_became_of_each(tmp_path: Path) -> None:
    """Nothing to try is no failure; an unknown name leaves with 2 and the names there are."""
    config = tmp_path / "csg.yaml"
    config.write_text("channels: {}\n")
    more = ["--config", str(config), "--data", str(tmp_path / "data")]
    result = CliRunner().invoke(app, ["channels", "test", *more])
    assert (result.exit_code, result.output) == (
        0,
        "There are no machine receivers: no channel of kind webhook or mqtt.\n",
    )
    result = CliRunner().invoke(app, ["channels", "test", "city", *more])
    assert result.exit_code == 2
    assert "'city' is no machine receiver" in result.output
