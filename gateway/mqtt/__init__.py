"""The MQTT client of the hot path: messages out of persistent sessions, acknowledged when told."""

from gateway.mqtt.events import (
    Connected,
    FaultReason,
    LinkEvent,
    Listener,
    Lost,
    LostReason,
    ProtocolFault,
    Refused,
    SubscriptionRefused,
)
from gateway.mqtt.session import Session
from gateway.mqtt.settings import BrokerAddress, SessionSettings, TlsSettings, parse_broker_url, tls_context

__all__ = [
    "BrokerAddress",
    "Connected",
    "FaultReason",
    "LinkEvent",
    "Listener",
    "Lost",
    "LostReason",
    "ProtocolFault",
    "Refused",
    "Session",
    "SessionSettings",
    "SubscriptionRefused",
    "TlsSettings",
    "parse_broker_url",
    "tls_context",
]
