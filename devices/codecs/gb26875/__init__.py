"""GB/T 26875.3-2011: fire panels through their transmission devices (用户信息传输装置), over TCP or UDP.

Sources: the standard; public captures and test frames of three makers in the repositories shootingfans/
codec_gb26875_3_2011, dgiot/dgiot and ActorLancer/GB-T-26875.3.2011-rs. What is decided beside them:

- A message's payload is one frame, or several glued, as bytes; or as hex text (it begins `4040`). The topic says
  nothing: listeners and bridges put a frame under `gb26875/<source address>`.
- Devices: the transmission device is its source address, twelve hex digits (`000000000379`); a system in the building
  adds its type and address (`000000000379/1.1`), a component its address besides (`000000000379/1.1.0002000a`). Some
  makers leave the source address 0: then each device needs a source of its own, or two of them are one.
- Times are local without a zone: UTC+8. `measured_at` is the object's own time, else the frame's; six bytes that are
  no time give none. Impossible clocks are flagged.
- States (types 1, 2, 21) are sent whole, so a clear bit is a statement: the alarm, the fault is over. The meaning of
  each bit is in `parts`. A state answered on request is as live as one sent.
- Operations (types 4, 24) are things done. 手动报警 is a `call_point` alarm, 警情消除 and 复位 end it. Answered on
  request they are records of the past: historical.
- Every frame that brings data is a `heartbeat` of the transmission device, and the empty one (and the one-byte
  handshake 0x16) is nothing else. Confirms, denials, and commands of a centre say nothing.
- Types and units left to makers are set aside with the reason, and confirmed: what they say is kept, not lost.
- What a device is asked and told (`asking`) goes over its own connection: confirmed (3) or answered (5) with the same
  serial number it was taken, denied (6) it never will be. Ours are below 32 768; the remark about its clock is above.
- Serial numbers tell no duplicates: they start again at 0 with each connection. A frame sent twice brings the same
  times, and so the same readings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from devices.codec import Decoded, Frame, Message, Topic
from devices.codecs.gb26875.ask import Call, set_clock
from devices.codecs.gb26875.asking import command as command
from devices.codecs.gb26875.asking import tell as tell
from devices.codecs.gb26875.examples import EXAMPLES as EXAMPLES
from devices.codecs.gb26875.frame import (
    ANSWER,
    CONFIRM,
    CONTROL,
    DENY,
    REQUEST,
    SEND,
    SHAPE,
    Packet,
    parse,
    reply,
    to_ms,
    whole,
)
from devices.codecs.gb26875.meaning import Speaker, heartbeat, readings
from devices.codecs.gb26875.unit import read
from devices.framing import cut
from devices.reading import Flag, Reading

TOPICS: Sequence[Topic] = (Topic("gb26875/+"),)

HANDSHAKE: Final = b"\x16"
"""An application unit of one byte with which some devices register; they wait for 0x17 in the confirm (dgiot)."""

REGISTERED: Final = b"\x17"

_SILENT: Final = frozenset((CONFIRM, DENY, CONTROL, REQUEST))
_DATA: Final = frozenset((SEND, ANSWER))
_RETAINED: Final = int(Flag.RETAINED)
_MAKERS: Final = 128  # commands from here on are left to makers (table 2)
_RECORDS: Final = frozenset((4, 24))  # types whose answers are lists of what was done


def decode(context: Mapping[str, Any], message: Message) -> Decoded:
    """Readings of one frame, or of several glued; needs no context."""
    payload = message.payload
    if whole(payload):
        return Decoded(*_frame(message, parse(payload)))
    if payload.lstrip()[:4] == b"4040":
        try:
            payload = bytes.fromhex(payload.decode("ascii"))
        except ValueError:  # of either step
            return Decoded(quarantine="bad-frame: text that is not hex")
    found: list[Reading] = []
    problem: str | None = None
    taken = 0
    for piece in cut(bytearray(payload), SHAPE):
        if piece.sound:
            more, wrong = _frame(message, parse(piece.data))
            found += more
            problem = problem or wrong
            taken += len(piece.data)
    if taken != len(payload) or not payload:
        problem = problem or f"bad-frame: {len(payload) - taken} of {len(payload)} bytes are no sound frame"
    return Decoded(found, problem)


def _frame(message: Message, packet: Packet) -> tuple[list[Reading], str | None]:
    """What one frame says, and None or why not all of it is understood."""
    command = packet.command
    if command in _SILENT:
        return [], None
    flags = _RETAINED if message.retained else 0
    speaker = Speaker(message.source, packet.source, packet.sent, flags, message.now)
    alive = heartbeat(speaker)
    if command not in _DATA:
        return [alive], f"unknown-command: {command} with {len(packet.data)} bytes"
    if not packet.data or packet.data == HANDSHAKE:
        return [alive], None
    objects, wrong = read(packet.data)
    found, problem = readings(speaker, objects, records=command == ANSWER and packet.data[0] in _RECORDS)
    found.append(alive)
    return found, wrong or problem


CLOCK_OFF_MS: Final = 60_000
"""A frame's time further than this from ours is a clock to be set: 1.5 minutes of drift a month are usual."""


def _clock(packet: Packet, now: int) -> bytes | None:
    """The command that sets the sender's clock, where its frame says that it is wrong."""
    said = to_ms(packet.sent)
    if said is not None and abs(said - now) < CLOCK_OFF_MS:
        return None
    serial = now // 1000 & 0x7FFF | 0x8000  # the device gives it back in its confirm, which nobody waits for
    return set_clock(Call(packet.target, packet.source, serial, now, packet.main, packet.user))


def frames(buffer: bytearray, now: int) -> Iterator[Frame]:
    """The frames at the front of a connection's buffer, and what each is answered (6.2 to 6.5).

    Data, control and makers' commands are confirmed once taken; answers are taken and not confirmed; confirms and
    denials are taken note of. What fails a check (6.5.3: marks, length, check sum, a command nobody knows) is denied at
    once, as is a request, which no transmission device may make of a centre; damage in a row is denied once. A device
    whose frame is a minute or more off our time is told the time (type 90).
    """
    for piece in cut(buffer, SHAPE):
        packet = parse(piece.data)
        topic = f"gb26875/{packet.source:012x}"
        if not piece.sound:
            yield Frame(piece.data, refuse=reply(packet, DENY, now))
        elif packet.command in {CONTROL, SEND} or packet.command >= _MAKERS:
            data = REGISTERED if packet.data == HANDSHAKE else b""
            yield Frame(piece.data, topic, reply(packet, CONFIRM, now, data), remark=_clock(packet, now))
        elif packet.command == ANSWER:
            yield Frame(piece.data, topic, reply=(packet.serial, True))
        elif packet.command in {CONFIRM, DENY}:
            yield Frame(piece.data, reply=(packet.serial, packet.command == CONFIRM))
        else:
            yield Frame(piece.data, refuse=reply(packet, DENY, now))
