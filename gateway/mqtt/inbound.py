"""Bytes from a broker in, calls out: cuts the stream into packets and knows which messages are owed a PUBACK.

No socket, clock or task in here. PUBLISH is read here for both protocol versions rather than with the `mqtt5`
codec: the versions differ in one length, the topic is taken from a table of known topics, properties need no
look because we use none, and a topic that is no UTF-8 is an answer and not a panic (mqtt5 0.8, see packets5).
"""

from collections.abc import Callable, Sequence

from gateway.mqtt.events import FaultReason
from gateway.mqtt.wire import (
    PUBACK_WORD,
    PUBREC_WORD,
    MalformedPacket,
    read_length,
    write_words,
)

# Arguments: topic, payload, packet id, retain, dup.
Received = Callable[[str, bytes, int, bool, bool], None]
# Any other packet, whole.
Control = Callable[[bytes], None]
# Arguments: reason, topic, detail, size of the packet, acknowledgement to write.
Fault = Callable[[FaultReason, str, str, int, bytes], None]

# The table of known topics saves the decoding and gives the engine the same str (with its hash) each time.
# 65 536 topics of at most 256 bytes cost at most about 35 MB; what comes later pays 0.2 us a message.
KNOWN_TOPICS_MAX = 65_536
KNOWN_TOPIC_BYTES_MAX = 256

_EXACTLY_ONCE = 0x80  # mark beside the count of unacknowledged copies of a packet id
_PACKET_IDS = 65_536


class Inbound:
    """One connection's receiving half. Made anew for each connection, so nothing of an older one is owed."""

    __slots__ = (
        "_control", "_fault", "_known", "_need", "_open", "_parts", "_properties", "_received", "_size_max",
        "_skip", "_skipped", "_waiting", "delivered", "in_flight", "stopped",
    )  # fmt: skip

    def __init__(
        self, *, properties: bool, size_max: int, received: Received, control: Control, fault: Fault
    ) -> None:
        """`properties`: MQTT 5. `size_max`: bytes of a whole packet, above which a PUBLISH is skipped."""
        self._properties = properties
        self._size_max = size_max
        self._received = received
        self._control = control
        self._fault = fault
        self._known: dict[bytes, str] = {}
        self._parts: list[bytes] = []  # the beginning of a packet whose end has not arrived
        self._waiting = 0  # bytes in _parts
        self._need = 0  # bytes of that packet, as far as known
        self._skip = 0  # bytes of an oversized PUBLISH still to come
        self._skipped: tuple[str, int, bytes] = ("", 0, b"")  # its topic, size and acknowledgement
        self._open = bytearray(_PACKET_IDS)  # by packet id: copies delivered and not acknowledged
        self.delivered = 0  # calls of `received` so far
        self.in_flight = 0  # packet ids delivered and not acknowledged
        self.stopped = False  # set by the owner: what is left of the bytes is not for us any more

    def feed(self, data: bytes) -> None:
        """Take bytes as they arrive, in any cut; raises MalformedPacket when the stream cannot be read on."""
        if self._skip:
            gone = min(self._skip, len(data))
            self._skip -= gone
            if self._skip:
                return
            self._skip_ended()
            data = data[gone:]
        if self._parts:
            self._parts.append(data)
            self._waiting += len(data)
            if self._waiting < self._need:
                return
            data = b"".join(self._parts)
            self._parts.clear()
        rest = self._read(data)
        if rest < len(data) and not self.stopped:
            self._parts.append(data[rest:])
            self._waiting = len(data) - rest

    def settle(self, packet_ids: Sequence[int]) -> bytes:
        """The acknowledgements to write for these messages, in their order.

        An id that is not open is left out (the broker was answered already). An id with two open copies,
        which only a broker that uses an id again too early makes, is answered with the last of them.
        """
        opened = self._open
        words: list[int] = []
        for packet_id in packet_ids:
            state = opened[packet_id]
            if state == 1:
                opened[packet_id] = 0
                words.append(PUBACK_WORD | packet_id)
            elif state == _EXACTLY_ONCE | 1:
                opened[packet_id] = 0
                words.append(PUBREC_WORD | packet_id)
            elif state:
                opened[packet_id] = state - 1
        self.in_flight -= len(words)
        return write_words(words)

    # The hot path: one function without calls but those it must make, about 0.6 us a message of 85 bytes.
    def _read(self, data: bytes) -> int:  # noqa: PLR0912, PLR0915 - one loop on purpose, a call costs 0.1 us a message
        """Use up whole packets; gives the index of the first byte that was not used."""
        properties, size_max, known, opened = self._properties, self._size_max, self._known, self._open
        received = self._received
        at = 0
        end = len(data)
        while end - at >= 2:
            first = data[at]
            length = data[at + 1]
            body = at + 2
            if length > 127:
                read = read_length(data, at + 1, end)
                if read is None:
                    break
                length, body = read
            stop = body + length
            if stop - at > size_max:
                skipped = self._skip_large(data, at, body, stop)
                if skipped < 0:
                    return at
                at = skipped
                continue
            if stop > end:
                self._need = stop - at
                return at
            if first & 0xF0 != 0x30:
                self._control(data[at:stop])
                if self.stopped:
                    return end
                at = stop
                continue
            if length < 2:
                raise MalformedPacket(f"PUBLISH of {length} bytes")
            begin = body + 2
            body = begin + (data[body] << 8 | data[body + 1])
            raw = data[begin:body]
            packet_id = 0
            if first & 0x06:
                if first & 0x06 == 0x06 or body + 2 > stop:
                    raise MalformedPacket(f"PUBLISH with header {first:#04x} in {length} bytes")
                packet_id = data[body] << 8 | data[body + 1]
                if not packet_id:
                    raise MalformedPacket("PUBLISH with packet id 0")
                body += 2
            if properties:
                if body >= stop:
                    raise MalformedPacket("PUBLISH without property length")
                length = data[body]
                body += 1
                if length:
                    if length > 127:
                        read = read_length(data, body - 1, stop)
                        if read is None:
                            raise MalformedPacket("PUBLISH ends within its property length")
                        length, body = read
                    body += length
            if body > stop:
                raise MalformedPacket("PUBLISH ends within its topic, packet id or properties")
            topic = known.get(raw) or self._learn(raw)
            if not topic:
                self._bad_topic(first, raw, packet_id, stop - at)
                at = stop
                continue
            if packet_id:
                if not opened[packet_id]:
                    opened[packet_id] = 1 if first & 0x02 else _EXACTLY_ONCE | 1
                    self.in_flight += 1
                elif not self._open_again(first, packet_id):
                    at = stop
                    continue
            self.delivered += 1
            received(topic, data[body:stop], packet_id, first & 0x01 != 0, first & 0x08 != 0)
            at = stop
        self._need = end - at + 1
        return at

    def _learn(self, raw: bytes) -> str:
        """The topic name of these bytes, or "" where they are none (MQTT 5, 3.3.2.1 and 1.5.4)."""
        try:
            topic = raw.decode()
        except UnicodeDecodeError:
            return ""
        if "\0" in topic or "+" in topic or "#" in topic:
            return ""
        if len(self._known) < KNOWN_TOPICS_MAX and len(raw) <= KNOWN_TOPIC_BYTES_MAX:
            self._known[raw] = topic
        return topic

    def _open_again(self, first: int, packet_id: int) -> bool:
        """A packet id came again before its acknowledgement: whether to deliver the message.

        With DUP it is the same message (nats-server sends it again after ack_wait); one PUBACK will do.
        Without DUP it is another one, whose acknowledgement must wait for the older copy's.
        """
        if first & 0x08:
            return False
        if self._open[packet_id] & 0x7F == 0x7F:
            raise MalformedPacket(f"packet id {packet_id} used again and again without acknowledgement")
        self._open[packet_id] += 1
        return True

    def _bad_topic(self, first: int, raw: bytes, packet_id: int, size: int) -> None:
        """Report and acknowledge, and stay connected, though MQTT-1.5.4-1 asks to close.

        The framing is whole, and a closed connection would bring the same message back forever: one device
        with a broken topic behind a lenient broker would keep every alarm out.
        """
        answer = b"" if not packet_id or self._open[packet_id] else _acknowledge(first, packet_id)
        shown = raw[:KNOWN_TOPIC_BYTES_MAX].decode("utf-8", "backslashreplace")
        detail = f"topic of {len(raw)} bytes is empty, no UTF-8, or holds '+', '#' or NUL"
        self._fault(FaultReason.BAD_TOPIC, shown, detail, size, answer)

    def _skip_large(self, data: bytes, at: int, body: int, stop: int) -> int:
        """Skip a packet over the limit without keeping it: the index to go on at, -1 to wait for its topic.

        Only topic and packet id are read, so the memory held is about 65 KiB at most, whatever its size.
        """
        end = len(data)
        size = stop - at
        first = data[at]
        if first & 0xF0 != 0x30 or first & 0x06 == 0x06:
            raise MalformedPacket(f"packet {first:#04x} of {size} bytes; at most {self._size_max}")
        begin = body + 2
        if end < begin:
            self._need = begin - at
            return -1
        after = begin + (data[body] << 8 | data[body + 1])
        id_bytes = 2 if first & 0x06 else 0
        if after + id_bytes > stop:
            raise MalformedPacket("PUBLISH ends within its topic or packet id")
        if end < after + id_bytes:
            self._need = after + id_bytes - at
            return -1
        topic = data[begin:after].decode("utf-8", "backslashreplace")
        packet_id = int.from_bytes(data[after : after + id_bytes], "big")
        owed = packet_id and not self._open[packet_id]
        self._skipped = (topic, size, _acknowledge(first, packet_id) if owed else b"")
        if stop <= end:
            self._skip_ended()
            return stop
        self._skip = stop - end
        return end

    def _skip_ended(self) -> None:
        topic, size, answer = self._skipped
        detail = f"message of {size} bytes; at most {self._size_max}"
        self._fault(FaultReason.TOO_LARGE, topic, detail, size, answer)


def _acknowledge(first: int, packet_id: int) -> bytes:
    return write_words((packet_id | (PUBACK_WORD if first & 0x02 else PUBREC_WORD),))
