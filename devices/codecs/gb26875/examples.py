"""Worked examples of GB/T 26875.3 frames: its tests and its reference page.

The frames given in hex are public ones: of a maker's protocol note (ActorLancer/GB-T-26875.3.2011-rs), of a library's
tests (shootingfans/codec_gb26875_3_2011), captured from devices (dgiot/dgiot). The others follow the tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from devices.codec import Example
from devices.codecs.gb26875.frame import ANSWER, SEND, Packet, encode, to_bytes
from devices.codecs.gb26875.unit import (
    Analog,
    Clock,
    Configuration,
    Operation,
    PartConfiguration,
    PartState,
    Said,
    State,
    Version,
    write,
)

_TOPIC: Final = "gb26875/000000000379"
_DEVICE: Final = "000000000379"
_PANEL: Final = (1, 1)
_HYDRANTS: Final = (11, 1)
_AT: Final = 1_763_759_990_000  # ten seconds before the time the other examples of the house were sent

Row = tuple[str, str, str, Any]


def _hex(text: str) -> bytes:
    return bytes.fromhex(text)


def sent(*objects: Said, command: int = SEND, unit: bytes | None = None) -> bytes:
    """A frame of the transmission device 0x379 to the centre 0x15b38."""
    data = write(objects) if unit is None else unit
    return encode(Packet(7, 1, 1, to_bytes(_AT), 0x379, 0x15B38, command, data))


def _text(words: str) -> bytes:
    return words.encode("gb18030").ljust(31, b"\0")


def _part(kind: int, address: int, bits: int, words: str = "") -> PartState:
    return PartState(_PANEL, kind, address, bits, _text(words), to_bytes(_AT))


def _analog(kind: int, address: int, quantity: int, value: int) -> Analog:
    return Analog(_HYDRANTS, kind, address, quantity, value, to_bytes(_AT))


def _alive(device: str = _DEVICE) -> Row:
    return (device, "heartbeat", "", True)


_PART_METRICS: Final = (
    ("fault", ""), ("supervisory", "disabled"), ("supervisory", ""), ("relay", ""), ("relay", "feedback"),
    ("relay", "delay"), ("panel_power_fault", ""),
)  # fmt: skip
_SYSTEM_METRICS: Final = (
    *_PART_METRICS[:-1], ("mains_fault", ""), ("panel_power_fault", "backup"), ("fault", "bus"), ("manual_mode", ""),
    ("configuration_changed", ""), ("reset", ""),
)  # fmt: skip
_DEVICE_METRICS: Final = (
    ("fault", ""), ("mains_fault", ""), ("panel_power_fault", "backup"), ("fault", "link"), ("fault", "line"),
)  # fmt: skip


def _rows(
    device: str,
    alarm: str,
    metrics: Sequence[tuple[str, str]],
    *on: tuple[str, str],
    test: bool | None = None,
    fire: bool = False,
) -> list[Row]:
    """What a whole state says: each of its metrics false but those named."""
    said: list[Row] = [(device, alarm, "", fire)]
    if test is not None:
        said.append((device, "test", "", test))
    return said + [(device, metric, channel, (metric, channel) in on) for metric, channel in metrics]


EXAMPLES: Sequence[Example] = (
    Example(
        "Smoke detector, fire, its test bit clear as devices send it: a fire all the same (maker's note)",
        _TOPIC,
        _hex(
            "404001000101203A091A090C790300000000385B01000000300002"
            "02010101280A0002000200" + "20" * 30 + "00023A091A090C462323"
        ),
        [*_rows(f"{_DEVICE}/1.1.0002000a", "smoke", _PART_METRICS, fire=True), _alive()],
    ),
    Example(
        "Part of no stated kind, fire, where it hangs in GB 18030 (library test)",
        "gb26875/000000000000",
        _hex(
            "404000000101180D11160A1400000000000006050403020130000202010103"
            "00D90006000200A3C1C7F8A3B1B2E3DFC8B2B8D7DFC0C8" + "00" * 15 + "301213010814682323"
        ),
        [
            *_rows("000000000000/1.3.000600d9", "fire_detected", _PART_METRICS, fire=True),
            ("000000000000/1.3.000600d9", "description", "", "Ａ区１层呷哺走廊"),
            _alive("000000000000"),
        ],
    ),
    Example(
        "Photoelectric smoke detector, version 10 00, the rest of an older text behind a NUL (captured)",
        "gb26875/0000322c312c",
        _hex(
            "4040140010000509091b07152c312c320000784d07918e23300002020101012a0100010002"
            "0031bac5bdd3bfdab0e531bbd8c2b731bac500bac5d6f7bbfaf898cfa000000025110301060c472323"
        ),
        [
            *_rows("0000322c312c/1.1.00010001", "smoke", _PART_METRICS, fire=True),
            ("0000322c312c/1.1.00010001", "description", "", "1号接口板1回路1号"),
            _alive("0000322c312c"),
        ],
    ),
    Example(
        "Transmission device lost its mains (maker's note)",
        _TOPIC,
        _hex("404001000101203A091A090C790300000000385B01000000090002150108023A091A090C422323"),
        [*_rows(_DEVICE, "fire_detected", _DEVICE_METRICS, ("mains_fault", "")), _alive()],
    ),
    Example(
        "The same as the answer to a question (maker's note)",
        _TOPIC,
        _hex("404001000101203A091A090C790300000000385B01000000090005150108023A091A090C452323"),
        [*_rows(_DEVICE, "fire_detected", _DEVICE_METRICS, ("mains_fault", "")), _alive()],
    ),
    Example(
        "All bits of a transmission device clear: in test (captured)",
        "gb26875/000000000000",
        _hex("404001000102152A100C07160000000000006400000000000900021501000A2A100C07166E2323"),
        [*_rows("000000000000", "fire_detected", _DEVICE_METRICS, test=True), _alive("000000000000")],
    ),
    Example(
        "Somebody reset a transmission device (captured)",
        "gb26875/000000000000",
        _hex("404000000102152A100C07160000000000006400000000000A0002180101010A2A100C0716732323"),
        [
            ("000000000000", "reset", "", True),
            ("000000000000", "call_point", "", False),
            ("000000000000", "operator", "", 1),
            _alive("000000000000"),
        ],
    ),
    Example(
        "Somebody answered the duty check (maker's note)",
        _TOPIC,
        _hex("404001000101203A091A090C790300000000385B010000000A000218012001023A091A090C5F2323"),
        [(_DEVICE, "duty_answered", "", True), (_DEVICE, "operator", "", 1), _alive()],
    ),
    Example(
        "Software 1.1 (maker's note)",
        _TOPIC,
        _hex("404001000101203A091A090C790300000000385B0100000004000219010101C72323"),
        [(_DEVICE, "version", "", "1.1"), _alive()],
    ),
    Example(
        "The device's clock (maker's note)",
        _TOPIC,
        _hex("404001000101203A091A090C790300000000385B010000000800021C01023A091A090C402323"),
        [(_DEVICE, "device_time", "", "2012-09-26 09:58:02"), _alive()],
    ),
    Example(
        "Heartbeat: an empty application unit (captured)",
        "gb26875/000000000000",
        _hex("4040090001022A380A080716000000000000640000000000000002032323"),
        [_alive("000000000000")],
    ),
    Example(
        "Handshake of one byte, version 10 00 (captured)",
        "gb26875/000000000000",
        _hex("4040F8091000081E09030316000000000000C0A801046D1D010002166C2323"),
        [_alive("000000000000")],
    ),
    Example(
        "A centre's confirm says nothing (maker's note)",
        "gb26875/000000015b38",
        _hex("404001000101233A091A090C385B01000000790300000000000003AB2323"),
    ),
    Example(
        "A centre's question says nothing (maker's note)",
        "gb26875/000000015b38",
        _hex("404001000101203A091A090C385B01000000790300000000030004510100FE2323"),
    ),
    Example(
        "A centre's duty check says nothing (maker's note)",
        "gb26875/000000015b38",
        _hex("404001000101203A091A090C385B010000007903000000000300015B010A0F2323"),
    ),
    Example(
        "A frame as hex text",
        "gb26875/000000000000",
        b"4040 0900 0102 2a380a080716 000000000000 640000000000 0000 02 03 2323",
        [_alive("000000000000")],
    ),
    Example(
        "Two frames glued, and a third cut short",
        _TOPIC,
        sent(unit=b"") + sent(_part(23, 5, 0x0003)) + sent(unit=b"")[:20],
        [
            _alive(),
            *_rows(f"{_DEVICE}/1.1.00000005", "call_point", _PART_METRICS, test=False, fire=True),
            _alive(),
        ],
        quarantine="bad-frame",
    ),
    Example(
        "A wrong check sum: nothing of it is believed (library test)",
        _TOPIC,
        _hex(
            "404000000101180D11160A1400000000000000000000000030000202010103"
            "00D90006000200A3C1C7F8A3B1B2E3DFC8B2B8D7DFC0C8" + "00" * 15 + "301213010814432323"
        ),
        quarantine="bad-frame",
    ),
    Example(
        "Two heat detectors recovered: one is faulty, one is taken out of the watch",
        _TOPIC,
        sent(_part(31, 0x0001_0002, 0x0005), _part(34, 0x0001_0003, 0x0009)),
        [
            *_rows(f"{_DEVICE}/1.1.00010002", "heat", _PART_METRICS, ("fault", ""), test=False),
            *_rows(f"{_DEVICE}/1.1.00010003", "heat", _PART_METRICS, ("supervisory", "disabled"), test=False),
            _alive(),
        ],
    ),
    Example(
        "Combustible gas detector in alarm, a valve supervised, a pump that runs and says so",
        _TOPIC,
        sent(_part(11, 1, 0x0003, "3号楼锅炉房"), _part(97, 2, 0x0011), _part(91, 3, 0x0061)),
        [
            *_rows(f"{_DEVICE}/1.1.00000001", "gas", _PART_METRICS, test=False, fire=True),
            (f"{_DEVICE}/1.1.00000001", "description", "", "3号楼锅炉房"),
            *_rows(
                f"{_DEVICE}/1.1.00000002", "fire_detected", _PART_METRICS, ("supervisory", ""), test=False
            ),
            *_rows(
                f"{_DEVICE}/1.1.00000003",
                "fire_detected",
                _PART_METRICS,
                ("relay", ""),
                ("relay", "feedback"),
                test=False,
            ),
            _alive(),
        ],
    ),
    Example(
        "A fire alarm system with mains, battery and bus fault, under manual control, set up anew and reset",
        _TOPIC,
        sent(State(_PANEL, 0x3F01, to_bytes(_AT))),
        [
            *_rows(f"{_DEVICE}/1.1", "fire_detected", _SYSTEM_METRICS, *_SYSTEM_METRICS[6:], test=False),
            _alive(),
        ],
    ),
    Example(
        "Pressure of a hydrant main in kPa, a tank's level, a pump room's temperature, voltage and flow",
        _TOPIC,
        sent(
            _analog(99, 1, 5, 1423),
            _analog(92, 2, 2, 250),
            _analog(31, 3, 3, -55),
            _analog(82, 4, 8, 3801),
            _analog(96, 5, 10, 150),
        ),
        [
            (f"{_DEVICE}/11.1.00000001", "pressure", "", 142.3),
            (f"{_DEVICE}/11.1.00000002", "water_level", "", 2500),
            (f"{_DEVICE}/11.1.00000003", "temperature", "", -5.5),
            (f"{_DEVICE}/11.1.00000004", "voltage", "", 380.1),
            (f"{_DEVICE}/11.1.00000005", "flow", "", 900),
            _alive(),
        ],
    ),
    Example(
        "Gas, a current, a leaking current, pressure in MPa, counts",
        _TOPIC,
        sent(
            _analog(11, 1, 6, 125),
            _analog(0, 2, 9, 35),
            _analog(17, 3, 9, 3),
            _analog(0, 4, 4, 3),
            _analog(0, 5, 1, 17),
        ),
        [
            (f"{_DEVICE}/11.1.00000001", "gas_lel", "", 12.5),
            (f"{_DEVICE}/11.1.00000002", "current", "", 3500),
            (f"{_DEVICE}/11.1.00000003", "leakage_current", "", 300),
            (f"{_DEVICE}/11.1.00000004", "pressure", "", 300),
            (f"{_DEVICE}/11.1.00000005", "pulse_count", "", 17),
            _alive(),
        ],
    ),
    Example(
        "A maker's own analog type is set aside, its neighbour is read",
        _TOPIC,
        sent(_analog(0, 1, 200, 5), _analog(0, 1, 3, 215)),
        [(f"{_DEVICE}/11.1.00000001", "temperature", "", 21.5), _alive()],
        quarantine="unknown-unit",
    ),
    Example(
        "The alarm key of a transmission device pressed by hand",
        _TOPIC,
        sent(Operation(None, 0x04, 3, to_bytes(_AT))),
        [(_DEVICE, "call_point", "", True), (_DEVICE, "operator", "", 3), _alive()],
    ),
    Example(
        "At the panel: muted, self-test, test, acknowledged",
        _TOPIC,
        sent(Operation(_PANEL, 0x72, 2, to_bytes(_AT))),
        [
            *(
                (f"{_DEVICE}/1.1", metric, "", True)
                for metric in ("muted", "self_test", "test", "acknowledged")
            ),
            (f"{_DEVICE}/1.1", "operator", "", 2),
            _alive(),
        ],
    ),
    Example(
        "What was done last month, asked for: history",
        _TOPIC,
        sent(Operation(None, 0x04, 3, to_bytes(_AT - 30 * 86_400_000)), command=ANSWER),
        [(_DEVICE, "call_point", "", True), (_DEVICE, "operator", "", 3), _alive()],
    ),
    Example(
        "Names of components",
        _TOPIC,
        sent(PartConfiguration(_PANEL, 42, 1, _text("3号楼2单元5层电梯厅"))),
        [(f"{_DEVICE}/1.1.00000001", "description", "", "3号楼2单元5层电梯厅"), _alive()],
    ),
    Example(
        "How systems are set up",
        _TOPIC,
        sent(Configuration(_PANEL, "两总线制".encode("gb18030")), Configuration(_HYDRANTS, b"")),
        [(f"{_DEVICE}/1.1", "configuration", "", "两总线制"), _alive()],
    ),
    Example(
        "A panel's software",
        _TOPIC,
        sent(Version(_PANEL, 3, 12)),
        [(f"{_DEVICE}/1.1", "version", "", "3.12"), _alive()],
    ),
    Example(
        "A panel's clock that was never set",
        _TOPIC,
        sent(Clock(_PANEL, bytes(6))),
        [(f"{_DEVICE}/1.1", "device_time", "", "2000-00-00 00:00:00"), _alive()],
        quarantine="wrong-value",
    ),
    Example(
        "A maker's own type: set aside, and a sign of life",
        _TOPIC,
        sent(unit=b"\xc8\x01\x01\x02\x03"),
        [_alive()],
        quarantine="unknown-type",
    ),
)
