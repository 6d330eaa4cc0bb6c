"""MQTT 5 packets of a subscriber through the `mqtt5` codec, apart from PUBLISH (inbound.py).

Clauses are those of MQTT 5.0 (OASIS Standard, 7 March 2019). `packets311` offers the same functions.
"""

import mqtt5

from gateway.mqtt import packets311
from gateway.mqtt.answers import Accepted, Dropped, Granted, Turned
from gateway.mqtt.settings import SessionSettings
from gateway.mqtt.wire import MalformedPacket

_CONNACK_311_BYTES = 4  # a 5 CONNACK has a property length and so at least five


def connect(settings: SessionSettings) -> bytes:
    """CONNECT that asks for the kept session (clean start 0), clause 3.1.

    Topic Alias Maximum stays 0: an alias would need the broker's earlier packets to understand this one.
    """
    return mqtt5.ConnectPacket(
        settings.client_id,
        username=settings.username,
        password=None if settings.password is None else settings.password.encode(),
        clean_start=False,
        keep_alive=settings.keepalive_s,
        session_expiry_interval=settings.session_expiry_s,
        receive_max=settings.receive_maximum,
        max_packet_size=settings.announced_packet_size,
    ).write()


def subscribe(packet_id: int, settings: SessionSettings) -> bytes:
    """SUBSCRIBE to all filters at QoS 1, retained messages only for a new subscription (clause 3.8.3.1)."""
    handling = mqtt5.RetainHandling.SEND_IF_SUBSCRIPTION_NOT_EXISTS
    filters = [
        mqtt5.TopicFilter(
            pattern,
            max_qos=mqtt5.QoS.AT_LEAST_ONCE,
            retain_as_published=settings.retain_as_published,
            retain_handling=handling,
        )
        for pattern in settings.filters
    ]
    return mqtt5.SubscribePacket(packet_id, filters).write()


def read_connack(packet: bytes) -> Accepted | Turned:
    """CONNACK (clause 3.2); a 3.1.1 server answers a version it does not know in its own, shorter form."""
    if len(packet) == _CONNACK_311_BYTES:
        answer = packets311.read_connack(packet)
        if isinstance(answer, Accepted):
            raise MalformedPacket("a 3.1.1 CONNACK accepted an MQTT 5 CONNECT")
        return answer
    answer5 = _read(packet)
    if not isinstance(answer5, mqtt5.ConnAckPacket):
        raise MalformedPacket(f"{type(answer5).__name__} in place of CONNACK")
    code = answer5.reason_code
    if code is mqtt5.ConnAckReasonCode.SUCCESS:
        return Accepted(answer5.session_present, answer5.server_keep_alive, answer5.session_expiry_interval)
    return Turned(
        int(code),
        _text(code.name, answer5.reason_str),
        other_version=code is mqtt5.ConnAckReasonCode.UNSUPPORTED_PROTOCOL_VERSION,
    )


def read_suback(packet: bytes) -> Granted:
    """SUBACK (clause 3.9)."""
    answer = _read(packet)
    if not isinstance(answer, mqtt5.SubAckPacket):
        raise MalformedPacket(f"{type(answer).__name__} in place of SUBACK")
    return Granted(answer.packet_id, tuple(int(code) for code in answer.reason_codes))


def read_disconnect(packet: bytes) -> Dropped:
    """DISCONNECT sent by the server (clause 3.14)."""
    answer = _read(packet)
    if not isinstance(answer, mqtt5.DisconnectPacket):
        raise MalformedPacket(f"{type(answer).__name__} in place of DISCONNECT")
    return Dropped(int(answer.reason_code), _text(answer.reason_code.name, answer.reason_str))


def _read(packet: bytes) -> mqtt5.Packet:
    try:
        answer, size = mqtt5.read(memoryview(packet))
    except (ValueError, IndexError) as error:
        raise MalformedPacket(f"{error} in {packet[:8].hex()}") from error
    except BaseException as error:
        # mqtt5 0.8 panics on a string that is no UTF-8: pyo3's PanicException derives from BaseException and
        # has no importable name. A broker's broken reason string must cost a reconnect, not the engine.
        if type(error).__name__ != "PanicException":
            raise
        raise MalformedPacket(f"string that is no UTF-8 in {packet[:8].hex()}") from error
    if size != len(packet):
        raise MalformedPacket(f"{size} of {len(packet)} bytes used in {packet[:8].hex()}")
    return answer


def _text(name: str, reason: str | None) -> str:
    words = name.lower().replace("_", " ")
    return f"{words}: {reason}" if reason else words
