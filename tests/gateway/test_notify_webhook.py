"""Signed webhooks against real HTTP and TLS servers."""

from __future__ import annotations

import base64
import ipaddress
import json
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.clock import ManualClock
from gateway.notice import (
    ChannelInstance,
    SendOutcome,
    Sent,
    open_channel,
)
from gateway.notify import webhook
from tests.gateway.telling import (
    ALARM,
    OPENED,
    SECRET,
    attempt,
    house,
    http_server,
    machine,
    opened,
    reply,
    told,
)
from tests.parts import async_until

NEW_SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()


def test_the_standard_webhooks_vector() -> None:
    """The signature of the specification's own example, to the letter."""
    headers = webhook.sign(
        [webhook.secret_bytes(SECRET)], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert headers["webhook-timestamp"] == "1614265330"


def local(port: int, tmp_path: Path, clock: ManualClock | None = None, **more: Any) -> ChannelInstance:
    """A webhook channel to a server on this machine."""
    config = webhook.Config(f"http://127.0.0.1:{port}/hook", more.pop("secrets", (SECRET,)), allow_private=True,
                            allow_http=True, heartbeat_s=more.pop("heartbeat_s", 0), **more)  # fmt: skip
    return open_channel("city", config, house(tmp_path, clock))


async def test_id_stays_and_timestamp_moves(tmp_path: Path) -> None:
    """Over retries the id and the body are the same, the timestamp is the attempt's, and every secret has signed."""
    clock, answers = ManualClock(OPENED), [reply(500), reply(200)]
    async with http_server(lambda *_: answers.pop(0)) as (port, got):
        channel = local(port, tmp_path, clock, secrets=(NEW_SECRET, SECRET))
        assert (await attempt(channel, machine())).result is Sent.RETRY
        clock.advance(2_000)
        assert (await attempt(channel, machine())).result is Sent.SENT
        await channel.client.close()
    (_, first, body), (_, second, again) = got
    assert first["webhook-id"] == second["webhook-id"] == "msg_test-gw_81234_1"
    assert body == again
    assert (first["webhook-timestamp"], second["webhook-timestamp"]) == ("1795201927", "1795201929")
    for headers in (first, second):
        signed = webhook.sign(
            [webhook.secret_bytes(NEW_SECRET), webhook.secret_bytes(SECRET)], headers["webhook-id"],
            int(headers["webhook-timestamp"]), body,
        )  # fmt: skip
        assert headers["webhook-signature"] == signed["webhook-signature"]
        assert headers["webhook-signature"].count("v1,") == 2
        assert headers["content-type"] == "application/json"
    sent = json.loads(body)
    assert (sent["type"], sent["timestamp"]) == ("incident.opened", "2026-11-20T19:12:07.125Z")
    assert sent["data"]["schema"] == "incident/1"


@pytest.mark.parametrize(
    ("status", "header", "after_ms"),
    [(503, "retry-after: 7", 7_000), (429, "Retry-After: Fri, 20 Nov 2026 19:12:37 GMT", 29_875),
     (500, "retry-after: 7", None),
     (429, "retry-after: soon", None), (429, "x: y", None)],
)  # fmt: skip
async def test_retry_after(status: int, header: str, after_ms: int | None, tmp_path: Path) -> None:
    """Seconds and dates are understood where the standard gives them a meaning."""
    async with http_server(lambda *_: reply(status, b"", header)) as (port, _):
        channel = local(port, tmp_path)
        assert await attempt(channel, machine()) == SendOutcome(Sent.RETRY, f"http-{status}", after_ms)
        await channel.client.close()


async def test_410_switches_the_receiver_off(tmp_path: Path) -> None:
    """A receiver that says it is gone is refused from then on, without asking it again."""
    async with http_server(lambda *_: reply(410)) as (port, got):
        channel = local(port, tmp_path)
        assert await attempt(channel, machine()) == SendOutcome(Sent.REFUSED, "http-410")
        assert await attempt(channel, machine()) == SendOutcome(Sent.REFUSED, "gone")
        await channel.client.close()
    assert len(got) == 1


async def test_heartbeat(tmp_path: Path) -> None:
    """A receiver hears from the gateway although nothing happens, signed like everything else."""
    async with http_server(lambda *_: reply(200)) as (port, got):
        channel = local(port, tmp_path, heartbeat_s=60)
        async with opened(channel):
            await async_until(lambda: got, "a heartbeat")
        off = local(port, tmp_path, heartbeat_s=60, types=("incident.opened",))
        await off.client.serve()  # returns: this receiver did not ask for heartbeats
        await off.client.close()
    ((_, headers, body),) = got
    assert headers["webhook-id"] == f"msg_test-gw_heartbeat-{OPENED}"
    assert json.loads(body) == {
        "type": "gateway.heartbeat", "timestamp": "2026-11-20T19:12:07.125Z", "data": {"gateway": "test-gw"},
    }  # fmt: skip


def test_bodies_stay_under_20_kb() -> None:
    """Of five hundred alarms as many are sent as fit, with the true number beside them."""
    alarms = [msgspec.structs.replace(ALARM, id=f"a{n}" + "长" * 60, device="设备" * 60) for n in range(500)]
    body = webhook.payload(machine(alarms=alarms))
    sent = json.loads(body)["data"]
    assert len(body) < webhook.BODY_BYTES_MAX
    assert 1 <= len(sent["alarms"]) < 50
    assert sent["alarms_total"] == 500


def test_what_a_bridge_gets_for_a_person() -> None:
    """A webhook may be a person's channel (a bridge to SMS or voice): it gets the text, the link and the address."""
    notice = told("+8613800000000")
    sent = json.loads(webhook.payload(notice))
    assert sent["type"] == "notice.called"
    assert (sent["data"]["to"], sent["data"]["short"]) == ("+8613800000000", notice.short)
    assert (sent["data"]["link"], sent["data"]["urgent"], sent["data"]["incident"]["rev"]) == (
        notice.link,
        True,
        4,
    )


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "whsec_abc", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_" + "A" * 100]
)
def test_weak_secrets_are_refused(secret: str) -> None:
    """A secret of the wrong form stops the start, and is not repeated in the message."""
    with pytest.raises(ValueError, match="24 to 64 random bytes") as raised:
        webhook.secret_bytes(secret)
    assert len(secret) < 7 or secret not in str(raised.value)


def test_http_must_be_allowed(tmp_path: Path) -> None:
    """Unencrypted only where the configuration says so."""
    with pytest.raises(ValueError, match="allow_http"):
        open_channel("x", webhook.Config("http://city.example.cn/x", (SECRET,)), house(tmp_path))


@pytest.mark.parametrize(
    ("address", "public", "private_too"),
    [
        ("8.8.8.8", True, True), ("2606:4700::1111", True, True),
        ("10.0.0.1", False, True), ("192.168.1.1", False, True), ("172.16.9.9", False, True),
        ("127.0.0.1", False, True),
        ("100.64.0.1", False, True), ("::1", False, True), ("fd00::1", False, True), ("::ffff:10.0.0.1", False, True),
        ("64:ff9b::a00:1", False, True), ("2002:a00:1::", False, True), ("::ffff:8.8.8.8", True, True),
        ("169.254.169.254", False, False), ("::ffff:169.254.169.254", False, False), ("fe80::1", False, False),
        ("224.0.0.1", False, False), ("ff02::1", False, False), ("::", False, False),
        ("0.0.0.0", False, False),  # noqa: S104  nobody binds to it here
    ],
)  # fmt: skip
def test_which_addresses_may_be_reached(address: str, public: bool, private_too: bool) -> None:
    """Inside addresses only when allowed; those that no receiver can have, never; IPv4 hidden in IPv6 counts."""
    parsed = ipaddress.ip_address(address)
    assert (webhook.allowed(parsed, False), webhook.allowed(parsed, True)) == (public, private_too)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1", "169.254.169.254"]
)
async def test_inside_addresses_are_not_reached(host: str, tmp_path: Path) -> None:
    """However an inside address is written, nothing is sent to it unless allowed."""
    async with http_server(lambda *_: reply(200)) as (port, got):
        config = webhook.Config(f"http://{host}:{port}/x", (SECRET,), allow_http=True, heartbeat_s=0)
        channel = open_channel("x", config, house(tmp_path))
        outcome = await attempt(channel, machine())
        await channel.client.close()
    assert outcome.result is not Sent.SENT
    assert outcome.detail in ("private-address", "no-dns")
    assert got == []


async def test_a_name_without_an_address_may_be_tried_again(tmp_path: Path) -> None:
    """DNS that fails today may work in two seconds."""
    channel = open_channel(
        "x", webhook.Config("https://nowhere.invalid/x", (SECRET,), heartbeat_s=0), house(tmp_path)
    )
    assert await attempt(channel, machine()) == SendOutcome(Sent.RETRY, "no-dns")
    await channel.client.close()


def _certificate(folder: Path, name: str) -> tuple[Path, ssl.SSLContext]:
    """A self-signed certificate for a name, and a server's context with it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    today = datetime(2026, 1, 1, tzinfo=UTC)
    made = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(today - timedelta(days=3650))
        .not_valid_after(today + timedelta(days=36500)).add_extension(x509.BasicConstraints(True, None), True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), False).sign(key, hashes.SHA256())
    )  # fmt: skip
    cert, private = folder / "cert.pem", folder / "key.pem"
    cert.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                          serialization.NoEncryption()))  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, private)
    return cert, context


@pytest.mark.parametrize(
    ("name", "trusted", "wanted"),
    [
        ("localhost", True, Sent.SENT),
        ("localhost", False, Sent.RETRY),
        ("other.example", True, Sent.RETRY),
    ],
)
async def test_tls_speaks_of_the_name(name: str, trusted: bool, wanted: Sent, tmp_path: Path) -> None:
    """We connect to the address we checked, and the certificate must still be the name's and trusted."""
    cert, context = _certificate(tmp_path, name)
    async with http_server(lambda *_: reply(200), context) as (port, got):
        config = webhook.Config(f"https://localhost:{port}/x", (SECRET,), allow_private=True, heartbeat_s=0,
                                ca=str(cert) if trusted else None)  # fmt: skip
        channel = open_channel("x", config, house(tmp_path))
        assert (await attempt(channel, machine())).result is wanted
        await channel.client.close()
    assert [h["host"] for _, h, _ in got] == ([f"localhost:{port}"] if wanted is Sent.SENT else [])
