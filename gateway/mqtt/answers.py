"""What a broker answered, in one shape for both protocol versions."""

import msgspec


class Accepted(msgspec.Struct, frozen=True):
    """CONNACK with success."""

    session_present: bool
    keepalive_s: int | None = None  # MQTT 5 Server Keep Alive, to be used instead of ours (clause 3.2.2.3.14)
    session_expiry_s: int | None = None  # MQTT 5: what the broker keeps, if it is not what we asked


class Turned(msgspec.Struct, frozen=True):
    """CONNACK with a refusal: the code of the protocol in use and its meaning in English."""

    code: int
    text: str
    other_version: bool = False  # the broker does not speak this protocol version


class Granted(msgspec.Struct, frozen=True):
    """SUBACK: one code per filter in the order asked; 0, 1, 2 the granted QoS, 0x80 and above a refusal."""

    packet_id: int
    codes: tuple[int, ...]


class Dropped(msgspec.Struct, frozen=True):
    """DISCONNECT sent by an MQTT 5 broker."""

    code: int
    text: str
