"""Signed webhooks, Standard Webhooks 1.0.0: one POST an event, receivers tell repeats by `webhook-id`.

Body `{"type", "timestamp", "data"}` under 20 KB; `data` is incident/1 for `incident.*`. Sent to people (`notice.*`, for
bridges to SMS or voice) `data` also holds the text and the address. 2xx is success and everything else is not, also
redirects; 410 switches the receiver off until the next start; `Retry-After` of 429, 502, 503 and 504 is honoured.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import ipaddress
import re
import socket
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import msgspec

from gateway.notice import SENT, Client, Example, House, Notice, SendOutcome, Sent, hush

BODY_BYTES_MAX: Final = 20_000  # Standard Webhooks: payloads under 20 KB; more is fetched through links.self
HEARTBEAT: Final = "gateway.heartbeat"

_CONNECT_LIMIT_S: Final = 5.0
_ADDRESSES_MAX: Final = 3  # addresses of one name tried within one try
_DRAIN_BYTES_MAX: Final = 65_536  # of an answer's body, read only so that the connection can be used again
_DRAIN_LIMIT_S: Final = 0.5
_NOT_AN_ID: Final = re.compile(r"[^A-Za-z0-9-]")
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="webhook"):
    """One receiver. `secrets`: `whsec_` and base64 of 24 to 64 bytes; every one signs, so that keys can be rotated.

    `allow_private` lets it be inside our own network, `allow_http` unencrypted; both are refused unless said. `types`
    limits the event types, none meaning all. `heartbeat_s` 0 sends no heartbeats.
    """

    url: Annotated[
        str, msgspec.Meta(pattern=r"^https?://[^/@\s]+(/\S*)?$", description="an https:// address")
    ]
    secrets: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=5)]
    allow_private: bool = False
    allow_http: bool = False
    ca: str | None = None
    types: tuple[str, ...] = ()
    heartbeat_s: Annotated[int, msgspec.Meta(ge=0, le=3600)] = 60
    concurrency: Annotated[int, msgspec.Meta(ge=2, le=64)] = 8
    try_limit_ms: Annotated[int, msgspec.Meta(ge=1000, le=30_000)] = 15_000

    def __repr__(self) -> str:
        return f"webhook.Config({urlsplit(self.url).hostname})"  # paths of webhooks are often secrets too


class Refused(Exception):
    """We will not connect there: an address inside our network, or none at all. `reason` is a short word."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class WebhookClient:
    """One receiver with its kept connections."""

    def __init__(self, config: Config, house: House) -> None:
        import httpx

        self.config, self.house = config, house
        self.keys = [secret_bytes(s) for s in config.secrets]
        self.gone = False
        self._url = httpx.URL(config.url)
        if self._url.scheme == "http" and not config.allow_http:
            raise ValueError("a webhook without TLS needs allow_http: true")
        self._http = httpx.AsyncClient(
            verify=ssl.create_default_context(cafile=config.ca) if self._url.scheme == "https" else False,
            follow_redirects=False,
            trust_env=False,  # a proxy would make the check of the address worthless
            timeout=httpx.Timeout(config.try_limit_ms / 1000, connect=_CONNECT_LIMIT_S),
            limits=httpx.Limits(
                max_connections=config.concurrency, max_keepalive_connections=config.concurrency
            ),
        )

    async def post(self, message_id: str, body: bytes) -> SendOutcome:
        """One try, within the limit of the configuration."""
        import httpx

        if self.gone:
            return SendOutcome(Sent.REFUSED, "gone")
        headers = sign(self.keys, message_id, self.house.utc_ms() // 1000, body)
        try:
            async with asyncio.timeout(self.config.try_limit_ms / 1000):
                return await self._post(headers, body)
        except TimeoutError:
            return SendOutcome(Sent.RETRY, "time-limit")
        except Refused as refused:
            return SendOutcome(Sent.RETRY if refused.reason == "no-dns" else Sent.REFUSED, refused.reason)
        except (httpx.HTTPError, ValueError, OSError) as error:
            return SendOutcome(Sent.RETRY, type(error).__name__)

    async def _post(self, headers: Mapping[str, str], body: bytes) -> SendOutcome:
        import httpx

        url, host = self._url, self._url.host
        failure: Exception = Refused("no-dns")
        addresses = await resolve(host, url.port or (443 if url.scheme == "https" else 80))
        if not all(allowed(a, self.config.allow_private) for a in addresses):
            raise Refused("private-address")
        for address in addresses[:_ADDRESSES_MAX]:
            # We connect to the address we checked; Host and TLS still speak of the name.
            request = self._http.build_request(
                "POST", url.copy_with(host=str(address)), content=body,
                headers={**headers, "host": url.netloc.decode()}, extensions={"sni_hostname": host},
            )  # fmt: skip
            try:
                response = await self._http.send(request, stream=True)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failure = error
                continue
            try:
                await _drain(response.aiter_raw())
            finally:
                await response.aclose()
            return self._outcome(response.status_code, response.headers.get("retry-after"))
        raise failure

    def _outcome(self, status: int, retry_after: str | None) -> SendOutcome:
        if 200 <= status < 300:
            return SENT
        if status == 410:
            self.gone = True
            return SendOutcome(Sent.REFUSED, "http-410")
        after = after_ms(retry_after, self.house.utc_ms()) if status in (429, 502, 503, 504) else None
        return SendOutcome(Sent.RETRY, f"http-{status}", after)

    async def serve(self) -> None:
        """Heartbeats: a receiver that misses two knows that we, or the way to us, are gone."""
        config = self.config
        while config.heartbeat_s and not self.gone and (not config.types or HEARTBEAT in config.types):
            now = self.house.utc_ms()
            body = envelope(HEARTBEAT, now, {"gateway": self.house.gateway, **self.house.status()})
            await self.post(_message_id(self.house.gateway, f"heartbeat-{now}"), body)
            await asyncio.sleep(config.heartbeat_s)

    async def close(self) -> None:
        await self._http.aclose()


def open(config: Config, house: House) -> Client:  # noqa: A001 -- the name every channel module gives it
    """The client. Raises ValueError for a secret of the wrong form and for http:// that was not allowed."""
    hush("httpx", "httpcore")
    return WebhookClient(config, house)


async def send(client: WebhookClient, notice: Notice) -> SendOutcome:
    """One try to post a notice."""
    body = payload(notice)
    if len(body) >= BODY_BYTES_MAX:
        return SendOutcome(Sent.FAILED, "too-large")
    return await client.post(_message_id(client.house.gateway, notice.effect), body)


def payload(notice: Notice) -> bytes:
    """The body of a notice, the same on every try. Of too many alarms the least important are left out."""
    facts: dict[str, Any] = {"mode": notice.mode, "site": notice.site, **notice.data}
    incident = dict(notice.incident) if notice.incident is not None else None
    while True:
        data = facts if incident is None else incident
        if notice.person is not None:
            data = {
                "to": notice.address, "language": notice.language, "urgent": notice.urgent, "title": notice.title,
                "short": notice.short, "body": notice.body, "link": notice.link, "mode": notice.mode,
                "incident": incident,
            }  # fmt: skip
        body = envelope(notice.type, notice.at, data)
        if len(body) < BODY_BYTES_MAX or incident is None or len(incident.get("alarms", ())) <= 1:
            return body
        alarms = incident["alarms"]
        incident = {**incident, "alarms": alarms[: len(alarms) // 2], "alarms_total": _total(incident)}


def envelope(kind: str, at: int, data: Mapping[str, Any]) -> bytes:
    """`{"type", "timestamp", "data"}`; the timestamp is the event's, in UTC."""
    stamp = datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return msgspec.json.encode({"type": kind, "timestamp": stamp, "data": data})


def sign(keys: Sequence[bytes], message_id: str, seconds: int, body: bytes) -> dict[str, str]:
    """The three headers and the content type; `seconds` is the Unix time of this attempt."""
    signed = f"{message_id}.{seconds}.".encode() + body
    signatures = [base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode() for key in keys]
    return {
        "content-type": "application/json",
        "user-agent": "community-safety-gateway",
        "webhook-id": message_id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": " ".join(f"v1,{s}" for s in signatures),
    }


def secret_bytes(secret: str) -> bytes:
    """The key behind `whsec_...`. Raises ValueError, without the secret in it, unless it is 24 to 64 bytes."""
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except ValueError:
        key = b""
    if not secret.startswith("whsec_") or not 24 <= len(key) <= 64:
        raise ValueError("a webhook secret is whsec_ and the base64 of 24 to 64 random bytes")
    return key


async def resolve(host: str, port: int) -> list[Address]:
    """The addresses of a name, in the system's order. Raises Refused when it has none."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise Refused("no-dns") from None
    return [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]


def allowed(address: Address, private_too: bool) -> bool:
    """Whether we may connect: the public internet, or our own network where that was allowed.

    Link-local (169.254.169.254 hands out cloud credentials), multicast and unspecified addresses never. An IPv6
    address that carries an IPv4 one (mapped, 6to4, NAT64) counts as that.
    """
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
        if inner is not None:
            return allowed(inner, private_too)
    if address.is_link_local or address.is_multicast or address.is_unspecified:
        return False
    return private_too or address.is_global


def after_ms(value: str | None, now: int) -> int | None:
    """`Retry-After` (RFC 9110, 10.2.3: seconds or a date) as milliseconds from `now`; None when there is none."""
    if value is None:
        return None
    if value.isascii() and value.isdigit():
        return int(value[:6]) * 1000
    try:
        return max(round(parsedate_to_datetime(value).timestamp() * 1000) - now, 0)
    except (ValueError, OverflowError):
        return None


def example(example: Example) -> Mapping[str, Any]:
    """Headers (without the user agent) and decoded body of an example, sent at the notice's own time."""
    notice, body = example.notice, payload(example.notice)
    keys = [secret_bytes(s) for s in example.config.secrets]
    headers = sign(keys, _message_id("demo", notice.effect), notice.at // 1000, body)
    del headers["user-agent"]
    return {**headers, "body": msgspec.json.decode(body)}


def _message_id(gateway: str, effect: str) -> str:
    """Constant over retries and restarts, different for two gateways, without the dots a signature forbids."""
    return f"msg_{_NOT_AN_ID.sub('-', gateway)}_{effect.replace('.', '_')}"


def _total(incident: Mapping[str, Any]) -> int:
    return int(incident.get("alarms_total") or len(incident["alarms"]))


async def _drain(chunks: AsyncIterator[bytes]) -> None:
    """Read a little of the body, so that the connection can be kept; what it says does not matter."""
    read = 0
    try:
        async with asyncio.timeout(_DRAIN_LIMIT_S):
            async for chunk in chunks:
                read += len(chunk)
                if read > _DRAIN_BYTES_MAX:
                    return
    except TimeoutError:
        return


EXAMPLES: Final = (
    Example(
        "An opened incident, signed with the key of the Standard Webhooks test vector",
        Config("https://city.example.cn/hooks/csg", ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",)),
        Notice(
            "81234.1", "incident.opened", "live", "sunshine", 1, 1_795_115_527_125, "火警 待核实", "火警 待核实",
            "火警 待核实", "zh-CN", incident={"schema": "incident/1", "id": "20261121-0007", "rev": 1},
        ),
        {
            "content-type": "application/json",
            "webhook-id": "msg_demo_81234_1",
            "webhook-timestamp": "1795115527",
            "webhook-signature": "v1,sa1DfJU7qkJcKrDA0m0/MnGnpMkZAFJwJsFwqBxIcR0=",
            "body": {
                "type": "incident.opened",
                "timestamp": "2026-11-19T19:12:07.125Z",
                "data": {"schema": "incident/1", "id": "20261121-0007", "rev": 1},
            },
        },
    ),
)  # fmt: skip
