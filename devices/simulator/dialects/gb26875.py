"""A fire panel and its detectors behind a transmission device: frames of GB/T 26875.3-2011 on one TCP connection.

The site's transmission device has one address; panels are systems of type 1, everything else is a component of the
first. Awkward on purpose, as found in the field: several frames glued into one write, a version that is not the
standard's, places in GB 18030 with the rest of an older text behind a NUL, a fire with bit 0 clear.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal

from devices.codecs.gb26875.frame import CONFIRM, DENY, SEND, SHAPE, Packet, encode, parse, to_bytes
from devices.codecs.gb26875.unit import Analog, PartState, Said, State, write
from devices.framing import cut
from devices.simulator.dialects import Saying, Wire
from devices.simulator.dialects._plain import Plain, digits

KINDS: Final[Sequence[str] | None] = ("panel", "smoke", "heat", "gas", "call_point", "pressure", "meter")

_TYPES: Final = {"smoke": 41, "heat": 31, "gas": 11, "call_point": 23, "pressure": 95, "meter": 17}  # table 5
_ALARMS: Final = {
    "panel": "fire_detected", "smoke": "smoke", "heat": "heat", "gas": "gas", "call_point": "call_point",
}  # fmt: skip
_ANALOGS: Final[Mapping[str, tuple[int, float]]] = {  # table 6: its number, our units in one count
    "gas_lel": (6, 0.1), "pressure": (5, 0.1), "temperature": (3, 0.1), "leakage_current": (9, 100.0),
}  # fmt: skip
_NORMAL, _FIRE, _BACKUP_FAULT = 0x0001, 0x0002, 0x0200
_CENTRE: Final = 0x15B38
_SECOND_MS: Final = 1000


class Spoken(Plain):
    """One transmission device that speaks for all; nobody says that a component is there or gone."""

    stamps = True
    carrier: Literal["mqtt", "http", "tcp"] = "tcp"
    kinds = KINDS

    def __init__(self, site: str, devices: Sequence[tuple[str, str]]) -> None:
        super().__init__(site, devices)
        self._address = int(digits(site, "transmission device", 12), 16)
        self._version = (1, 1) if self._address % 2 else (16, 0)
        self._numbers = {name: n for n, (name, _) in enumerate(devices, 1)}
        self._panels = {
            name: n for n, name in enumerate((d for d, kind in devices if kind == "panel"), 1) if n < 256
        }
        self._serial = 0

    def can(self, kind: str, metric: str) -> bool:
        return metric in (_ALARMS.get(kind), "test")

    def native(self, name: str) -> str:
        if name in self._panels:
            return f"{self._address:012x}/1.{self._panels[name]}"
        return f"{self._address:012x}/1.1.{self._numbers[name]:08x}"

    def opening(self) -> Iterable[Wire]:
        return (Wire("", self._frame(b"", bytes(6)), False, {"heartbeat": True}, None),)

    def report(self, saying: Saying) -> Sequence[Wire]:
        at = (saying.ts or 0) // _SECOND_MS * _SECOND_MS
        stamp = to_bytes(at)
        objects, found = self._said(saying, stamp)
        frames = b"".join(self._frame(write([said]), stamp) for said in objects)
        return (Wire("", frames, False, found, at),)

    def garbage(self, saying: Saying) -> Sequence[Wire]:
        stamp = to_bytes(saying.ts or 0)
        whole = self._frame(write(self._said(saying, stamp)[0][:1]), stamp)
        spoilt = whole[:-3] + bytes((whole[-3] ^ 0xFF,)) + whole[-2:]
        return [
            Wire("", payload, False, {})
            for payload in (spoilt, whole[:20], b"\x00\xff" * 40, b"@@" + whole[9:])
        ]

    def ticket(self, frame: bytes) -> bytes | None:
        """The serial number of the last frame written."""
        last = None
        for piece in cut(bytearray(frame), SHAPE):
            if piece.sound:
                last = piece.data[2:4]
        return last

    def tickets(self, received: bytearray) -> list[bytes]:
        answers = [p.data for p in cut(received, SHAPE) if p.sound]
        return [a[2:4] for a in answers if parse(a).command in (CONFIRM, DENY)]

    def _said(self, saying: Saying, stamp: bytes) -> tuple[list[Said], dict[str, Any]]:
        """The objects that tell of a device, and what they mean."""
        kind, fields = self.kind[saying.name], saying.fields
        alarm = _ALARMS.get(kind, "fire_detected")
        fire, test = bool(fields.get(alarm)), bool(fields.get("test"))
        found: dict[str, Any] = {alarm: fire, "fault": False}
        bits = _FIRE if fire else 0 if test else _NORMAL
        if not fire:
            found["test"] = test
        if kind == "panel":
            if fields.get("panel_power_fault"):
                bits |= _BACKUP_FAULT
            return [State((1, self._panels[saying.name]), bits, stamp)], found
        who, number = (1, 1), self._numbers[saying.name]
        place = saying.name.encode("gb18030")[:20] + b"\0" + "旧".encode("gb18030")
        objects: list[Said] = [PartState(who, _TYPES[kind], number, bits, place.ljust(31, b"\0"), stamp)]
        for metric, (quantity, unit) in _ANALOGS.items():
            if metric in fields:
                count = round(fields[metric] / unit)
                found[metric] = count * unit
                objects.append(Analog(who, _TYPES[kind], number, quantity, count, stamp))
        return objects, found

    def _frame(self, unit: bytes, stamp: bytes) -> bytes:
        self._serial = (self._serial + 1) & 0xFFFF
        return encode(Packet(self._serial, *self._version, stamp, self._address, _CENTRE, SEND, unit))
