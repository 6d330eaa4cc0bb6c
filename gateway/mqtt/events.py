"""What a session tells its listener."""

from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

import msgspec

if TYPE_CHECKING:
    from gateway.mqtt.session import Session


class LostReason(StrEnum):
    """Why there is no connection."""

    UNREACHABLE = "unreachable"  # no TCP or TLS connection; also a name that does not resolve
    TIMED_OUT = "timed-out"  # connected, but no CONNACK or SUBACK within connect_timeout_s
    CLOSED = "closed"  # the broker or the network closed it
    SILENT = "silent"  # no answer to PINGREQ within 1.5 keepalives
    DISCONNECTED = "disconnected"  # MQTT 5 DISCONNECT, its reason in `detail`
    TAKEN_OVER = (
        "taken-over"  # another client uses our client id: said by MQTT 5, else suspected (session.py)
    )
    PROTOCOL = "protocol"  # we closed it after a ProtocolFault


class Connected(msgspec.Struct, frozen=True, tag="connected"):
    """CONNACK accepted; messages may follow at once.

    `session_present` False after an earlier connection means the broker forgot us: what it held is lost.
    `session_expiry_s` is what the broker keeps, where it told (MQTT 5).
    """

    session_present: bool
    protocol: int = 5
    session_expiry_s: int | None = None


class Lost(msgspec.Struct, frozen=True, tag="lost"):
    """The connection ended or an attempt failed; the session tries again by itself."""

    reason: LostReason
    detail: str = ""


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """The broker refused CONNECT: reason code of the protocol version in use, and its meaning in English."""

    reason_code: int
    text: str


class SubscriptionRefused(msgspec.Struct, frozen=True, tag="subscription-refused"):
    """A filter was not granted QoS 1: `code` is the SUBACK code, 0 where only QoS 0 was granted."""

    filter: str
    code: int


class FaultReason(StrEnum):
    """What was wrong with what the broker sent."""

    TOO_LARGE = "packet-too-large"  # skipped unread and acknowledged; the connection stays
    BAD_TOPIC = "bad-topic"  # no UTF-8, empty, or with a wildcard or NUL; skipped and acknowledged
    MALFORMED = "malformed-packet"  # framing lost; the connection is dropped


class ProtocolFault(msgspec.Struct, frozen=True, tag="protocol-fault"):
    """Bytes we could not take. `topic` as far as it is known (a broken one with its bad bytes escaped)."""

    reason: FaultReason
    topic: str | None = None
    detail: str = ""
    packet_size: int = 0


LinkEvent = Connected | Lost | Refused | SubscriptionRefused | ProtocolFault


class Listener(Protocol):
    """What the ingest part implements. Called from the event loop; no method may raise or block."""

    def received(
        self, session: "Session", topic: str, payload: bytes, packet_id: int, retain: bool, dup: bool, /
    ) -> None:
        """One PUBLISH, in order of arrival; `packet_id` is 0 for QoS 0, else for `Session.acknowledge`."""

    def drained(self, session: "Session", /) -> None:
        """The bytes that had arrived are used up; called once after one or more `received`."""

    def link(self, session: "Session", event: LinkEvent, /) -> None:
        """The connection changed, or something was wrong with what came over it."""
