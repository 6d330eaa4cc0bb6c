"""What one MQTT session needs to know: where, who, what, and how much."""

import ssl
from typing import Literal
from urllib.parse import unquote, urlsplit

import msgspec

DEFAULT_PORTS = {"mqtt": 1883, "mqtts": 8883}  # IANA
SEVEN_DAYS_S = 7 * 24 * 3600


class TlsSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Paths of PEM files. `ca` absent means the system's authorities; `cert` and `key` make it mutual TLS."""

    ca: str | None = None
    cert: str | None = None
    key: str | None = None
    insecure: bool = False  # trust any certificate; for a bench, never by default


class SessionSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One persistent session. Secrets come in resolved. Raises ValueError for what no broker could accept."""

    host: str
    port: int = 1883
    tls: TlsSettings | None = None
    username: str | None = None
    password: str | None = None
    client_id: str  # made once per installation; the broker keeps the session under it
    filters: tuple[str, ...]
    source: str = ""
    role: Literal["alarm", "rest"] = "rest"
    protocol: Literal[5, 311, "auto"] = "auto"
    keepalive_s: int = 30
    session_expiry_s: int = SEVEN_DAYS_S  # MQTT 5; a 3.1.1 broker decides by itself
    receive_maximum: int = 1000  # MQTT 5; in 3.1.1 the broker's own in-flight limit rules
    maximum_packet_size: int = 1_048_576  # a larger PUBLISH is skipped unread, reported and acknowledged
    # MQTT 5 tells the broker this limit, above which it drops a message and tells nobody (clause 3.1.2.11.4).
    # It is larger than ours so that what a device sends in error is reported with its topic, and bounded so that
    # one message of 256 MB cannot hold up the alarms behind it.
    announced_packet_size: int = 16_777_216
    # MQTT 5: keep the publisher's retain flag on live messages too. With False the flag means "a stored copy,
    # sent because we subscribed", as it always does in 3.1.1 (clause 3.8.3.1 of MQTT 5, 3.3.1.3 of 3.1.1).
    retain_as_published: bool = False
    connect_timeout_s: float = 5.0  # from the name look-up to the answer to SUBSCRIBE

    def __post_init__(self) -> None:
        for name, low, high in _RANGES:
            value = getattr(self, name)
            if not low <= value <= high:
                raise ValueError(f"{name} is {value}; expected {low} to {high}")
        if self.announced_packet_size < self.maximum_packet_size:
            raise ValueError("announced_packet_size is below maximum_packet_size")
        if self.password is not None and self.username is None:
            raise ValueError("password without username: MQTT 3.1.1 forbids it (clause 3.1.2.9)")
        for name in ("host", "client_id"):
            if not getattr(self, name):
                raise ValueError(f"{name} is empty")
        if not self.filters:
            raise ValueError("filters is empty")
        for text in (self.client_id, self.username or "", self.password or "", *self.filters):
            if len(text.encode()) > 65_535 or "\0" in text:
                raise ValueError("a name, password or filter is over 65 535 bytes or holds a NUL")
        for pattern in self.filters:
            if not is_filter(pattern):
                raise ValueError(f"filter {pattern!r}: '#' stands alone at the end, '+' alone in its level")

    @property
    def name(self) -> str:
        """How logs and events call the session: source and role, or the client id where no source is set."""
        return f"{self.source}.{self.role}" if self.source else self.client_id


_RANGES = (
    ("port", 1, 65_535),
    ("keepalive_s", 1, 65_535),
    ("session_expiry_s", 0, 4_294_967_295),
    ("receive_maximum", 1, 65_535),
    ("maximum_packet_size", 128, 268_435_460),
    ("announced_packet_size", 128, 268_435_460),
    ("connect_timeout_s", 0.1, 60.0),
)


def is_filter(pattern: str) -> bool:
    """Whether `pattern` is a topic filter (clause 4.7.1 of both versions)."""
    levels = pattern.split("/")
    if not pattern or "#" in levels[:-1]:
        return False
    return all(level in ("+", "#") or not {"+", "#"} & set(level) for level in levels)


class BrokerAddress(msgspec.Struct, frozen=True):
    """A broker as its URL names it."""

    host: str
    port: int
    tls: bool
    username: str | None
    password: str | None


def parse_broker_url(url: str) -> BrokerAddress:
    """`mqtt://user:password@host:1883` or `mqtts://...` (TLS, 8883); user and password are percent-decoded.

    Raises ValueError with what was expected; the message never repeats a password.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"broker address: {error}; expected mqtt[s]://host[:port]") from None
    if parts.scheme not in DEFAULT_PORTS:
        raise ValueError(
            f"broker address starts with {parts.scheme or 'no scheme'!r}; expected mqtt:// or mqtts://"
        )
    if not parts.hostname:
        raise ValueError("broker address names no host; expected mqtt://host[:port]")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError("broker address has something after the port; filters are set in the source")
    return BrokerAddress(
        host=parts.hostname,
        port=DEFAULT_PORTS[parts.scheme] if port is None else port,
        tls=parts.scheme == "mqtts",
        username=None if parts.username is None else unquote(parts.username),
        password=None if parts.password is None else unquote(parts.password),
    )


def tls_context(tls: TlsSettings) -> ssl.SSLContext:
    """TLS 1.2 or newer, server verified unless `insecure`; raises OSError (ssl.SSLError too) on bad files."""
    context = ssl.create_default_context(cafile=tls.ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if tls.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if tls.cert is not None:
        context.load_cert_chain(tls.cert, tls.key)
    return context
