"""MQTT 3.1.1 packets of a subscriber, apart from PUBLISH (inbound.py) and acknowledgements (wire.py).

Clauses are those of MQTT 3.1.1 (OASIS Standard, 29 October 2014). `packets5` offers the same functions.
"""

from gateway.mqtt.answers import Accepted, Dropped, Granted, Turned
from gateway.mqtt.settings import SessionSettings
from gateway.mqtt.wire import (
    CONNACK,
    CONNECT,
    SUBACK,
    SUBSCRIBE,
    MalformedPacket,
    read_length,
    write_length,
    write_string,
)

_USERNAME = 0x80  # connect flags, clause 3.1.2.3
_PASSWORD = 0x40
_UNSUPPORTED_LEVEL = 1

# Clause 3.2.2.3, table 3.1.
_REFUSALS = {
    1: "unacceptable protocol version",
    2: "client identifier rejected",
    3: "server unavailable",
    4: "bad user name or password",
    5: "not authorized",
}


def connect(settings: SessionSettings) -> bytes:
    """CONNECT that asks for the kept session (clean session 0), clause 3.1."""
    flags = 0
    payload = write_string(settings.client_id)
    if settings.username is not None:
        flags |= _USERNAME
        payload += write_string(settings.username)
        if settings.password is not None:
            flags |= _PASSWORD
            payload += write_string(settings.password)
    head = write_string("MQTT") + bytes((4, flags)) + settings.keepalive_s.to_bytes(2, "big")
    return _packet(CONNECT, head + payload)


def subscribe(packet_id: int, settings: SessionSettings) -> bytes:
    """SUBSCRIBE to all filters at QoS 1, clause 3.8; the flags 0010 are fixed."""
    body = packet_id.to_bytes(2, "big")
    for pattern in settings.filters:
        body += write_string(pattern) + b"\x01"
    return _packet(SUBSCRIBE | 0x02, body)


def read_connack(packet: bytes) -> Accepted | Turned:
    """CONNACK (clause 3.2); raises MalformedPacket unless it is exactly its four bytes."""
    if len(packet) != 4 or packet[0] != CONNACK or packet[1] != 2 or packet[2] > 1:
        raise MalformedPacket(f"CONNACK of {len(packet)} bytes, {packet[:8].hex()}")
    code = packet[3]
    if code == 0:
        return Accepted(session_present=packet[2] == 1)
    text = _REFUSALS.get(code, f"refused with code {code}")
    return Turned(code, text, other_version=code == _UNSUPPORTED_LEVEL)


def read_suback(packet: bytes) -> Granted:
    """SUBACK (clause 3.9); raises MalformedPacket unless it is whole and holds at least one code."""
    length = read_length(packet, 1, len(packet))
    if packet[:1] != bytes((SUBACK,)) or length is None or length[0] < 3 or sum(length) != len(packet):
        raise MalformedPacket(f"SUBACK of {len(packet)} bytes, {packet[:8].hex()}")
    body = length[1]
    return Granted(int.from_bytes(packet[body : body + 2], "big"), tuple(packet[body + 2 :]))


def read_disconnect(packet: bytes) -> Dropped:
    """No server may send DISCONNECT in 3.1.1 (clause 3.14): raises MalformedPacket always."""
    raise MalformedPacket(f"DISCONNECT from a 3.1.1 server, {len(packet)} bytes")


def _packet(first: int, body: bytes) -> bytes:
    return bytes((first,)) + write_length(len(body)) + body
