"""The MQTT session on real brokers: nothing unacknowledged is lost, nothing acknowledged comes back."""

import asyncio
import datetime
import ipaddress
import os
import signal
import subprocess
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.broker import EmbeddedBroker
from gateway.mqtt import (
    Connected,
    FaultReason,
    Lost,
    LostReason,
    ProtocolFault,
    Refused,
    SubscriptionRefused,
    TlsSettings,
)
from tests.gateway.mqtt_helpers import Load, Mosquitto, Recorder, mosquitto, running, settings
from tests.parts import async_until, require

PROTOCOLS = pytest.mark.parametrize("protocol", [5, 311])


@PROTOCOLS
async def test_unacknowledged_messages_come_again(tmp_path: Path, protocol: int) -> None:
    """What was not acknowledged before the connection ended comes again in the next, marked DUP; the rest does not.
    What is published meanwhile waits (DUP or not: it may have been on its way when we left).
    """
    with mosquitto(tmp_path) as broker:
        wanted = settings(broker.port, protocol=protocol)
        ear = Recorder(acks=False)
        async with Load(broker.port) as load:
            async with running(wanted, ear) as session:
                await load.send([("t", b"%d" % number) for number in range(10)])
                await async_until(lambda: len(ear.messages) == 10, "ten messages")
                session.acknowledge(session.epoch, [message.packet_id for message in ear.messages[:4]])
                assert session.in_flight == 6
            await load.send([("t", b"meanwhile")])
        later = Recorder()
        async with running(wanted, later):
            await async_until(lambda: len(later.messages) >= 7, "the rest")
            await asyncio.sleep(0.1)
    assert later.payloads == [b"%d" % number for number in range(4, 10)] + [b"meanwhile"]
    assert all(message.dup for message in later.messages[:6])
    assert later.of(Connected) == [Connected(True, protocol, None)]


@PROTOCOLS
async def test_what_was_given_up_is_had_again(tmp_path: Path, protocol: int) -> None:
    """`reconnect` brings every unacknowledged message of the running session again, and nothing that was acknowledged;
    with nothing unacknowledged the connection stays.
    """
    with mosquitto(tmp_path) as broker:
        ear = Recorder(acks=False)
        async with (
            Load(broker.port) as load,
            running(settings(broker.port, protocol=protocol), ear) as session,
        ):
            session.reconnect()
            await load.send([("t", b"%d" % number) for number in range(10)])
            await async_until(lambda: len(ear.messages) == 10, "ten messages")
            assert session.epoch == 1
            session.acknowledge(1, [message.packet_id for message in ear.messages[:4]])
            session.reconnect()
            await async_until(lambda: len(ear.messages) == 16, "the rest")
            assert session.epoch == 2
            assert session.in_flight == 6
    assert sorted(ear.payloads[10:]) == [b"%d" % number for number in range(4, 10)]
    assert all(message.dup for message in ear.messages[10:])
    assert [event.reason for event in ear.of(Lost) if isinstance(event, Lost)] == [LostReason.CLOSED]


@PROTOCOLS
async def test_a_broker_restart_loses_nothing(tmp_path: Path, protocol: int) -> None:
    """A broker that is stopped and started has kept the session and what was unacknowledged; ours reconnects."""
    with mosquitto(tmp_path) as broker:
        ear = Recorder(acks=False)
        async with running(settings(broker.port, protocol=protocol), ear) as session:
            async with Load(broker.port) as load:
                await load.send([("t", b"%d" % number) for number in range(100)])
            await async_until(lambda: len(ear.messages) == 100, "all messages")
            session.acknowledge(1, [message.packet_id for message in ear.messages[:50]])
            await async_until(lambda: session.in_flight == 50, "the acknowledgements")
            await asyncio.sleep(0.2)
            broker.stop()
            await async_until(lambda: ear.of(Lost), "the loss to be seen")
            broker.start()
            await async_until(lambda: len(ear.messages) >= 150, "the redelivery")
            assert session.epoch == 2
            session.acknowledge(1, [message.packet_id for message in ear.messages[50:100]])
            assert session.in_flight == 50
    assert ear.payloads[100:] == [b"%d" % number for number in range(50, 100)]


async def test_kill_minus_9_loses_at_most_what_was_not_saved(tmp_path: Path) -> None:
    """Mosquitto acknowledges publishers before it writes its file. Killed, it comes back as it was at its last save:
    messages queued for us before that are kept; messages we acknowledged since then come again.
    """
    with mosquitto(tmp_path, "allow_anonymous true", "autosave_interval 1") as broker:
        wanted = settings(broker.port)
        async with running(wanted, Recorder()):
            pass  # the session exists, its owner is away
        async with Load(broker.port) as load:
            await load.send([("t", b"%d" % number) for number in range(500)])
        saved = tmp_path / "mosquitto.db"
        await async_until(lambda: saved.exists() and saved.stat().st_size > 5000, "a save")
        broker.kill()
        broker.start()
        ear = Recorder()
        async with running(wanted, ear):
            await async_until(lambda: len(ear.messages) >= 500, "what was queued")
            assert ear.events[0] == Connected(True, 5, None)
            broker.kill()
            broker.start()
            await async_until(lambda: len(ear.of(Connected)) == 2, "the reconnect")
            await async_until(lambda: len(ear.messages) >= 1000, "what was acknowledged since the last save")
    assert ear.payloads == [b"%d" % number for number in range(500)] * 2


@PROTOCOLS
async def test_twenty_thousand_messages_exactly_once(tmp_path: Path, protocol: int) -> None:
    """A flood acknowledged in batches gives every message once, and in order."""
    total = 20_000
    with mosquitto(tmp_path) as broker:
        ear = Recorder()
        async with (
            running(settings(broker.port, protocol=protocol), ear) as session,
            Load(broker.port) as load,
        ):
            messages = [
                (f"community/s/d{number % 1000}/telemetry", b"%d" % number) for number in range(total)
            ]
            await load.send(messages)
            await async_until(lambda: len(ear.messages) >= total, "the flood")
            await async_until(lambda: session.in_flight == 0, "the acknowledgements")
    assert [(message.topic, message.payload) for message in ear.messages] == messages
    assert not any(message.dup for message in ear.messages)


def test_a_flood_on_uvloop(tmp_path: Path) -> None:
    """The same on the loop that production uses."""
    uvloop.run(test_twenty_thousand_messages_exactly_once(tmp_path, 5))


async def test_nats_killed_under_load_loses_nothing_acknowledged(tmp_path: Path) -> None:
    """nats-server has each message on disk before its PUBACK: killed with -9 under load and started again by the
    supervisor, it delivers every message it acknowledged.
    """
    require("nats-server")
    embedded = EmbeddedBroker(tmp_path / "broker", port=0, prefer="nats")
    port = await embedded.start()
    supervisor = asyncio.create_task(embedded.run())
    try:
        account = embedded.credentials
        wanted = settings(port, username=account.user, password=account.password)
        ear = Recorder()
        async with running(wanted, ear):
            for _ in range(3):
                await _kill_under_load(embedded, ear)
    finally:
        supervisor.cancel()
        await asyncio.wait((supervisor,))
        await embedded.stop()


async def _kill_under_load(embedded: EmbeddedBroker, ear: Recorder) -> None:
    load = Load(embedded.port, user=embedded.credentials.user, password=embedded.credentials.password)
    before = len(ear.messages)

    async def publish() -> None:
        async with load:
            await load.send([("t", b"%d" % number) for number in range(100_000)])

    task = asyncio.create_task(publish())
    await async_until(lambda: len(ear.messages) >= before + 1000, "the load to flow")
    killed = embedded.pid
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await task
    expected = {b"%d" % number for number in range(load.acknowledged)}
    await async_until(lambda: expected <= set(ear.payloads[before:]), "all that was acknowledged")
    await async_until(lambda: embedded.pid not in (None, killed), "the restart")


@pytest.mark.parametrize("sudden", [False, True], ids=["stop", "kill"])
async def test_a_broker_restart_under_load_loses_nothing_acknowledged(tmp_path: Path, sudden: bool) -> None:
    """Messages published in a burst around a broker restart: each that the broker acknowledged and that we had not
    yet answered arrives. Killed instead of stopped, mosquitto may lose what it had not handed to us; that happens
    in the milliseconds between its PUBACK and our socket, or since its last save while we are away.
    """
    with mosquitto(tmp_path) as broker:
        ear = Recorder()
        async with running(settings(broker.port), ear):
            load = Load(broker.port)

            async def publish() -> None:
                async with load:
                    await load.send([("t", b"%d" % number) for number in range(200_000)])

            task = asyncio.create_task(publish())
            await async_until(lambda: len(ear.messages) >= 2000, "the load to flow")
            await asyncio.to_thread(broker.kill if sudden else broker.stop)
            with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                await task
            acknowledged = load.acknowledged
            assert acknowledged < 200_000
            await asyncio.to_thread(broker.start)
            async with Load(broker.port) as second:
                await async_until(lambda: len(ear.of(Connected)) == 2, "the reconnect")
                await second.send([("t", b"after")])
            await async_until(lambda: b"after" in ear.payloads, "the message after the restart")
    came = Counter(ear.payloads)
    missing = [number for number in range(acknowledged) if b"%d" % number not in came]
    if sudden:
        assert len(missing) <= 1000, "more than one window"
    else:
        assert missing == []


@PROTOCOLS
async def test_wrong_password(tmp_path: Path, protocol: int) -> None:
    """A refused account is told with the broker's code, again and again, and never taken for a lost line."""
    folder = tmp_path / "broker"
    require("mosquitto")
    embedded = EmbeddedBroker(folder, port=0, prefer="mosquitto")
    port = await embedded.start()
    try:
        ear = Recorder()
        wrong = settings(port, protocol=protocol, username="gateway", password="wrong")
        async with running(wrong, ear, ready=False):
            await async_until(lambda: len(ear.events) >= 2, "two refusals")
        assert ear.events[0] == Refused(0x87 if protocol == 5 else 5, "not authorized")
        assert ear.of(Lost) == []
    finally:
        await embedded.stop()


async def test_a_filter_refused_by_access_rules_is_told(tmp_path: Path) -> None:
    """nats-server refuses a filter its rules do not allow: we hear which one, and the other filter works.

    (Mosquitto with an acl_file grants every filter and then delivers nothing.)
    """
    require("nats-server")
    embedded = EmbeddedBroker(tmp_path / "broker", port=0, prefer="nats")
    port = await embedded.start()
    try:
        account = embedded.device_credentials
        ear = Recorder()
        wanted = settings(
            port,
            filters=("community/+/+/command", "community/+/+/telemetry"),
            username=account.user,
            password=account.password,
        )
        async with running(wanted, ear) as session:
            assert session.protocol == 311
            assert ear.of(SubscriptionRefused) == [SubscriptionRefused("community/+/+/telemetry", 0x80)]
            gateway = embedded.credentials
            async with Load(port, user=gateway.user, password=gateway.password) as load:
                await load.send([("community/s/d/command", b"{}")])
            await async_until(lambda: ear.messages, "a command")
    finally:
        await embedded.stop()


@PROTOCOLS
async def test_large_messages(tmp_path: Path, protocol: int) -> None:
    """10 MB are reported with their topic and do not stop what follows. Above what MQTT 5 announces the broker
    drops the message itself and tells nobody; 3.1.1 has no such limit, so there it is reported too.
    """
    with mosquitto(tmp_path) as broker:
        ear = Recorder()
        wanted = settings(broker.port, protocol=protocol)
        async with running(wanted, ear) as session, Load(broker.port) as load:
            await load.send([("big", b"x" * 10_000_000), ("huge", b"x" * 17_000_000), ("t", b"after")])
            await async_until(lambda: ear.messages, "the message behind them")
            assert ear.payloads == [b"after"]
            faults = [event for event in ear.events if isinstance(event, ProtocolFault)]
            assert {fault.reason for fault in faults} == {FaultReason.TOO_LARGE}
            assert [fault.topic for fault in faults] == (["big"] if protocol == 5 else ["big", "huge"])
            assert session.epoch == 1
        again = Recorder()
        async with running(wanted, again), Load(broker.port) as load:
            await load.send([("t", b"next")])
            await async_until(lambda: again.messages, "the next message")
    assert again.payloads == [b"next"], "a skipped message came again"


@PROTOCOLS
async def test_a_second_gateway_with_our_client_id(tmp_path: Path, protocol: int) -> None:
    """Two gateways with one client id throw each other out: one hears of it by its own reason, though mosquitto only
    closes, and both go on.
    """
    with mosquitto(tmp_path) as broker:
        ear, rival = Recorder(), Recorder()
        wanted = settings(broker.port, protocol=protocol)
        async with running(wanted, ear, ready=False), running(wanted, rival, ready=False):
            await async_until(lambda: len(ear.of(Lost) + rival.of(Lost)) >= 8, "the fight")
            assert broker.log.count("already connected, closing old connection") >= 8
    told = [event for event in ear.of(Lost) + rival.of(Lost) if isinstance(event, Lost)]
    assert {event.reason for event in told} == {LostReason.CLOSED, LostReason.TAKEN_OVER}
    assert "gateway-under-test" in next(
        event.detail for event in told if event.reason is LostReason.TAKEN_OVER
    )


async def test_broker_restarts_are_no_take_over(tmp_path: Path) -> None:
    """A broker that goes away and comes back several times is never taken for a second gateway."""
    with mosquitto(tmp_path) as broker:
        ear = Recorder()
        async with running(settings(broker.port), ear) as session:
            for epoch in range(2, 7):
                broker.stop()
                await async_until(lambda: _unreachable(ear.events[-1]), "an attempt in vain")
                broker.start()
                await async_until(lambda: not _unreachable(ear.events[-1]), "the return")
                assert session.epoch == epoch
                await async_until(session.ready.is_set, "the filters")
    assert {event.reason for event in ear.events if isinstance(event, Lost)} == {
        LostReason.CLOSED,
        LostReason.UNREACHABLE,
    }


def _unreachable(event: object) -> bool:
    return isinstance(event, Lost) and event.reason is LostReason.UNREACHABLE


@pytest.mark.parametrize("as_published", [True, False])
async def test_what_the_retain_flag_means(tmp_path: Path, as_published: bool) -> None:
    """A stored copy always carries the flag. A live message published with it carries it in MQTT 5 with Retain As
    Published only: with that option the flag does not tell a replay from a live alarm.
    """
    with mosquitto(tmp_path) as broker:
        async with Load(broker.port) as load:
            await load.send([("t", b"stored")], retain=True)
            ear = Recorder()
            async with running(settings(broker.port, retain_as_published=as_published), ear):
                await load.send([("t", b"live")], retain=True)
                await async_until(lambda: len(ear.messages) == 2, "both")
            old = Recorder()
            async with running(settings(broker.port, protocol=311, client_id="old"), old):
                await load.send([("t", b"live")], retain=True)
                await async_until(lambda: len(old.messages) == 2, "both")
    assert [(message.payload, message.retain) for message in ear.messages] == [
        (b"stored", True),
        (b"live", as_published),
    ]
    assert [message.retain for message in old.messages] == [True, False]


async def test_stored_copies_come_once(tmp_path: Path) -> None:
    """A reconnect to a kept session of MQTT 5 does not bring every retained message again."""
    with mosquitto(tmp_path) as broker:
        async with Load(broker.port) as load:
            await load.send([("t", b"stored")], retain=True)
        ear = Recorder()
        async with running(settings(broker.port), ear) as session:
            await async_until(lambda: ear.messages, "the stored copy")
            broker.stop()
            broker.start()
            await async_until(lambda: session.epoch == 2 and session.ready.is_set(), "the reconnect")
            async with Load(broker.port) as load:
                await load.send([("u", b"live")])
            await async_until(lambda: b"live" in ear.payloads, "the live message")
    assert ear.payloads == [b"stored", b"live"]


async def test_nats_grants_sixteen_filters(tmp_path: Path) -> None:
    """A session on the embedded nats-server may have sixteen filters that end with /#, and as many plain ones more
    as bring it to 32 subscriptions; a further one is refused and told.
    """
    require("nats-server")
    embedded = EmbeddedBroker(tmp_path / "broker", port=0, prefer="nats")
    port = await embedded.start()
    try:
        for count, refused in ((16, 0), (17, 1)):
            ear = Recorder()
            wanted = settings(
                port,
                client_id=f"with-{count}",
                protocol=embedded.protocol,
                filters=tuple(f"family{number}/#" for number in range(count)),
                username=embedded.credentials.user,
                password=embedded.credentials.password,
            )
            async with running(wanted, ear):
                assert len(ear.of(SubscriptionRefused)) == refused
    finally:
        await embedded.stop()


async def test_nats_repeats_what_is_not_acknowledged(tmp_path: Path) -> None:
    """nats-server repeats unacknowledged messages within the connection after ack_wait; we take each once, and one
    acknowledgement ends it. A new connection brings what is unacknowledged again.
    """
    require("nats-server")
    embedded = EmbeddedBroker(tmp_path / "broker", port=0, prefer="nats")
    port = await embedded.start()
    try:
        account = embedded.credentials
        wanted = settings(port, username=account.user, password=account.password)
        ear = Recorder(acks=False)
        async with running(wanted, ear) as session:
            async with Load(port, user=account.user, password=account.password) as load:
                await load.send([("t", b"%d" % number) for number in range(5)])
            await async_until(lambda: len(ear.messages) >= 5, "the messages")
            await asyncio.sleep(4.0)  # longer than ack_wait, the repetition under test
            assert len(ear.messages) == 5
            assert session.in_flight == 5
            session.acknowledge(session.epoch, [message.packet_id for message in ear.messages[:2]])
            assert session.in_flight == 3
        later = Recorder()
        async with running(wanted, later):
            await async_until(lambda: len(later.messages) >= 3, "the rest")
            await asyncio.sleep(4.0)
        assert sorted(set(later.payloads)) == [b"2", b"3", b"4"]
        assert later.of(Connected) == [Connected(True, 311, None)]
    finally:
        await embedded.stop()


# ------------------------------------------------------------------------------------------------------- TLS


class Pki(NamedTuple):
    """Paths of PEM files made for one test."""

    ca: str
    server: tuple[str, str]
    client: tuple[str, str]
    stranger: tuple[str, str]  # a client certificate of another authority


def make_pki(folder: Path) -> Pki:
    """Two authorities, a server certificate for 127.0.0.1 and two client certificates."""
    now = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)

    def make(
        name: str, issuer: tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None
    ) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        issuer_name, issuer_key = (issuer[0].subject, issuer[1]) if issuer else (subject, key)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer_name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now)
            .not_valid_after(now + datetime.timedelta(days=36_500))
            .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
            .add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
                critical=False,
            )
        )
        return builder.sign(issuer_key, hashes.SHA256()), key

    def save(name: str, pair: tuple[x509.Certificate, ec.EllipticCurvePrivateKey]) -> tuple[str, str]:
        paths = (folder / f"{name}.crt", folder / f"{name}.key")
        paths[0].write_bytes(pair[0].public_bytes(serialization.Encoding.PEM))
        paths[1].write_bytes(
            pair[1].private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return str(paths[0]), str(paths[1])

    authority, other = make("authority", None), make("other authority", None)
    return Pki(
        ca=save("ca", authority)[0],
        server=save("server", make("127.0.0.1", authority)),
        client=save("client", make("gateway", authority)),
        stranger=save("stranger", make("stranger", other)),
    )


def tls_options(pki: Pki, *, mutual: bool) -> tuple[str, ...]:
    return (
        f"cafile {pki.ca}",
        f"certfile {pki.server[0]}",
        f"keyfile {pki.server[1]}",
        *(
            ("require_certificate true", "use_identity_as_username true")
            if mutual
            else ("allow_anonymous true",)
        ),
    )


def pub_over_tls(broker: Mosquitto, pki: Pki) -> None:
    """Publish one message with mosquitto_pub."""
    program = require("mosquitto_sub").replace("mosquitto_sub", "mosquitto_pub")
    account = ("--cert", pki.client[0], "--key", pki.client[1])
    server = ("-h", "127.0.0.1", "-p", str(broker.port), "--cafile", pki.ca)
    subprocess.run(
        [program, *server, *account, "-q", "1", "-t", "t", "-m", "x"],
        check=True,
        timeout=20,
    )


@pytest.mark.parametrize("mutual", [False, True], ids=["server", "mutual"])
async def test_tls(tmp_path: Path, mutual: bool) -> None:
    """A message over TLS, with the server's certificate checked and, for mutual TLS, ours shown."""
    pki = make_pki(tmp_path)
    tls = TlsSettings(
        ca=pki.ca, cert=pki.client[0] if mutual else None, key=pki.client[1] if mutual else None
    )
    with mosquitto(tmp_path, *tls_options(pki, mutual=mutual)) as broker:
        ear = Recorder()
        async with running(settings(broker.port, tls=tls), ear) as session:
            session.pause()
            await asyncio.to_thread(pub_over_tls, broker, pki)
            session.resume()
            await async_until(lambda: ear.payloads == [b"x"], "the message")


async def test_tls_refuses_who_cannot_be_trusted(tmp_path: Path) -> None:
    """A server of an unknown authority, a server with another name, and a client certificate of a stranger: no
    connection, told with the reason; `insecure` must be said to accept the first two.
    """
    pki = make_pki(tmp_path)
    with mosquitto(tmp_path, *tls_options(pki, mutual=True)) as broker:
        cert, key = pki.client
        refused = (
            settings(broker.port, tls=TlsSettings(cert=cert, key=key)),
            settings(broker.port, host="localhost", tls=TlsSettings(ca=pki.ca, cert=cert, key=key)),
            settings(broker.port, tls=TlsSettings(ca=pki.ca, cert=pki.stranger[0], key=pki.stranger[1])),
            settings(broker.port, tls=TlsSettings(ca=pki.ca)),
            settings(broker.port, tls=TlsSettings(ca=str(tmp_path / "absent.crt"))),
            settings(broker.port),  # no TLS at all
        )
        for wanted in refused:
            ear = Recorder()
            async with running(wanted, ear, ready=False):
                await async_until(lambda told=ear: len(told.of(Lost)) >= 1, "the refusal")  # type: ignore[misc]  # bound now
            assert ear.of(Connected) == []
        insecure = settings(broker.port, tls=TlsSettings(insecure=True, cert=cert, key=key))
        async with running(insecure, Recorder()):
            pass
