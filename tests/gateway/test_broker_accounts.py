"""Who may say and hear what at the embedded broker."""

import asyncio
import contextlib
import stat
from pathlib import Path

import aiomqtt
import pytest

from gateway.broker.accounts import Account, add_device, load_devices, remove_device
from tests.gateway.broker_helpers import KINDS, broker, cancelled, client
from tests.parts import async_until


@KINDS
async def test_nobody_comes_in_without_a_password(tmp_path: Path, kind: str) -> None:
    """No account, a wrong password and an unknown user are refused."""
    async with broker(tmp_path, kind) as one:
        for user, password in (
            (None, None),
            ("devices", "wrong"),
            ("somebody", one.device_credentials.password),
        ):
            with pytest.raises(aiomqtt.MqttError):
                async with aiomqtt.Client("127.0.0.1", one.port, username=user, password=password):
                    pass


@KINDS
async def test_what_devices_and_bridges_may(tmp_path: Path, kind: str) -> None:
    """Devices publish, but not as the gateway, and hear their own commands only (nats-server cannot tell clients of
    one account apart, there a device may ask for all commands); bridges also hear other programs. Nobody but the
    gateway reaches the broker's own controls.
    """
    async with broker(tmp_path, kind) as one, contextlib.AsyncExitStack() as stack:
        devices, bridges, ours = one.device_credentials, one.bridge_credentials, one.credentials
        heard: dict[str, list[str]] = {}
        tasks = asyncio.TaskGroup()
        await stack.enter_async_context(cancelled(tasks))

        async def listen(name: str, account: Account, *filters: str) -> None:
            ear = await stack.enter_async_context(client(one, account, name))
            for pattern in filters:
                with contextlib.suppress(aiomqtt.MqttError):  # nats-server refuses, mosquitto stays mute
                    await ear.subscribe(pattern, qos=1)
            heard[name] = []

            async def note() -> None:
                async for message in ear.messages:
                    heard[name].append(str(message.topic))

            tasks.create_task(note())

        await listen("gw", ours, "#")
        await listen("d1", devices, "community/s/d1/command")
        await listen("d2", devices, "#")
        await listen("d3", devices, "community/s/d1/telemetry")
        await listen("z2m", bridges, "#")

        async def say(name: str, account: Account, topic: str) -> None:
            with contextlib.suppress(aiomqtt.MqttError):  # a refused publish may cost the connection
                async with client(one, account, name) as mouth:
                    await mouth.publish(topic, b"{}", qos=1, timeout=2)

        await say("d1x", devices, "community/s/d1/telemetry")
        await say("d1x", devices, "gateway/incidents/s/1")
        await say("z2mx", bridges, "gateway/incidents/s/2")
        await say("z2mx", bridges, "community/s/d1/command")
        await say("d1x", devices, "$JS/API/STREAM/DELETE/$MQTT_msgs")
        await say("z2mx", bridges, "zigbee2mqtt/lamp")
        await say("gwx", ours, "community/s/d1/command")
        await say("gwx", ours, "gateway/incidents/s/3")
        await async_until(lambda: heard["gw"][-1:] == ["gateway/incidents/s/3"], "the last message")
        await async_until(lambda: heard["d1"], "the command")
    assert heard["gw"] == [
        "community/s/d1/telemetry",
        "zigbee2mqtt/lamp",
        "community/s/d1/command",
        "gateway/incidents/s/3",
    ]
    assert heard["d1"] == ["community/s/d1/command"]
    assert heard["d2"] == []
    assert heard["d3"] == []
    assert heard["z2m"] == ["community/s/d1/telemetry", "zigbee2mqtt/lamp"]


@KINDS
async def test_a_device_with_an_account_of_its_own(tmp_path: Path, kind: str) -> None:
    """It speaks as itself alone and hears its own commands alone, whatever client id it takes."""
    first, second = add_device(tmp_path, "s", "d.1"), add_device(tmp_path, "s", "d2")
    async with broker(tmp_path, kind, shared_account=False) as one, contextlib.AsyncExitStack() as stack:
        with pytest.raises(aiomqtt.MqttError):
            async with client(one, one.device_credentials, "anybody"):
                pass
        heard: dict[str, list[str]] = {}
        tasks = asyncio.TaskGroup()
        await stack.enter_async_context(cancelled(tasks))
        filters = [
            "#",
            "community/+/+/command",
            "community/s/d2/command",
            "community/s/d.1/command",
            "gateway/#",
        ]
        for name, account in (("gw", one.credentials), ("d2", first.account)):
            ear = await stack.enter_async_context(client(one, account, name))
            for pattern in filters[: 1 if name == "gw" else None]:
                with contextlib.suppress(aiomqtt.MqttError):
                    await ear.subscribe(pattern, qos=1)
            heard[name] = []

            async def note(ear: aiomqtt.Client = ear, name: str = name) -> None:
                async for message in ear.messages:
                    heard[name].append(str(message.topic))

            tasks.create_task(note())
        ends = ("telemetry", "event", "status", "result", "command", "telemetry/x")
        for account in (first.account, second.account):
            for topic in [f"community/s/d.1/{end}" for end in ends] + ["zigbee2mqtt/x", "gateway/x"]:
                with contextlib.suppress(aiomqtt.MqttError):  # a refused publish may cost the connection
                    async with client(one, account, "x1") as mouth:
                        await mouth.publish(topic, b"{}", qos=1, timeout=2)
        for device in ("d2", "d.1"):
            async with client(one, one.credentials, "gw2") as mouth:
                await mouth.publish(f"community/s/{device}/command", b"{}", qos=1)
        await async_until(lambda: heard["d2"], "the command")
    assert heard["d2"] == ["community/s/d.1/command"]
    spoken = [f"community/s/d.1/{end}" for end in ends[:4]]
    assert heard["gw"] == [*spoken, "community/s/d2/command", "community/s/d.1/command"]


@KINDS
async def test_accounts_of_devices_change_while_it_runs(tmp_path: Path, kind: str) -> None:
    """An account opens a moment after it was made, a new password replaces the old, and one taken away is shut."""

    async def enters(account: Account) -> bool | None:
        """None for an attempt that nobody answered: the broker was just reading its accounts anew."""
        try:
            async with asyncio.timeout(3), client(one, account, "d"):
                return True
        except aiomqtt.MqttError:
            return False
        except TimeoutError:
            return None

    async def until_enters(account: Account, wanted: bool) -> None:
        async with asyncio.timeout(30):
            while await enters(account) is not wanted:  # noqa: ASYNC110 - another process decides, no event of ours
                await asyncio.sleep(0.1)

    async with broker(tmp_path, kind) as one:
        before = add_device(tmp_path, "s", "d").account
        await until_enters(before, True)
        after = add_device(tmp_path, "s", "d").account
        assert after.password != before.password
        await until_enters(before, False)
        await until_enters(after, True)
        assert remove_device(tmp_path, "s", "d")
        await until_enters(after, False)
        assert not remove_device(tmp_path, "s", "d")
        assert await enters(one.device_credentials)


def test_accounts_of_devices_are_kept_private(tmp_path: Path) -> None:
    """The file is its owner's alone, and a name that would open other topics is refused."""
    made = add_device(tmp_path / "broker", "s", "d")
    assert load_devices(tmp_path / "broker") == (made,)
    assert stat.S_IMODE((tmp_path / "broker" / "devices.json").stat().st_mode) == 0o600
    for site, device in (
        ("s", "+"),
        ("s", "a/b"),
        ("#", "d"),
        ("s", ""),
        ("s", "a\nuser gateway"),
        ("s", "x" * 65),
    ):
        with pytest.raises(ValueError, match="no name"):
            add_device(tmp_path / "broker", site, device)
