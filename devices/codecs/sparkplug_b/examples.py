"""Worked examples of Sparkplug B messages, written field by field: its tests and its reference page."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from struct import pack
from typing import Any, Final

from devices.codec import Example

AT: Final = 1_763_760_000_000


def number(value: int) -> bytes:
    """A whole number as protobuf writes it (base 128, lowest first)."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes((*out, value))


def field(tag: int, value: int | float | bytes) -> bytes:
    """A field: wire type 0 a whole number, 5 a float, 1 a double, 2 bytes."""
    wire = tag & 7
    if isinstance(value, bytes):
        return number(tag) + number(len(value)) + value
    if wire == 0:
        return number(tag) + number(int(value))
    return number(tag) + pack("<f" if wire == 5 else "<d", value)


def metric(
    name: str = "", alias: int | None = None, kind: int = 0, tag: int = 0, value: Any = None, **more: Any
) -> bytes:
    """One metric. `tag` is the value's field; `more`: unit, quality, historical, null, at."""
    out = field(0x0A, name.encode()) if name else b""
    out += b"" if alias is None else field(0x10, alias)
    out += field(0x18, more["at"]) if "at" in more else b""
    out += field(0x20, kind) if kind else b""
    out += b"\x28\x01" if more.get("historical") else b""
    out += b"\x38\x01" if more.get("null") else b""
    if "unit" in more:
        out += field(0x4A, field(0x0A, b"engUnit") + field(0x12, field(0x42, more["unit"].encode())))
    if "quality" in more:
        out += field(0x4A, field(0x0A, b"Quality") + field(0x12, b"\x08\x03" + field(0x18, more["quality"])))
    return out + (b"" if value is None else field(tag, value))


def payload(seq: int | None, *metrics: bytes, at: int = AT) -> bytes:
    """A payload of some metrics; the death of a node has no number."""
    out = field(0x08, at) + b"".join(field(0x12, m) for m in metrics)
    return out if seq is None else out + field(0x18, seq)


INT, LONG, FLOAT, DOUBLE, BOOL, TEXT, TEMPLATE = 0x50, 0x58, 0x65, 0x69, 0x70, 0x7A, 0x92

_N: Final = "spBv1.0/Estate/{}/edge-01"
_D: Final = "spBv1.0/Estate/{}/edge-01/{}"
_HYDRANT: Final = "Estate/edge-01/hydrant-017"
_ROW: Final = ["Inputs/Pressure", 9, "bar", ""]
_BORN: Final[Mapping[str, Any]] = {
    "node:Estate/edge-01": [1, 3, 0],
    f"birth:{_HYDRANT}": {
        "Inputs/Pressure": _ROW,
        "#1": _ROW,
        "#2": ["Inputs/Cap Open", 11, "", ""],
        "#3": ["Inputs/Tilt", 2, "", ""],
        "#4": [],
        "#5": ["Smoke Alarm", 11, "", ""],
    },
}
_ONLINE: Final = [
    ("Estate/edge-01", "availability", "", "online"),
    ("Estate/edge-01", "gateway_availability", "", "online"),
]

EXAMPLES: Sequence[Example] = (
    Example(
        "The birth of a hydrant: names, types, unit and aliases",
        _D.format("DBIRTH", "hydrant-017"),
        payload(
            1,
            metric("Inputs/Pressure", 1, 9, FLOAT, 4.25, unit="bar"),
            metric("Inputs/Cap Open", 2, 11, BOOL, 0),
            metric("Inputs/Tilt", 3, 2, INT, 0xFFFFFFFD),
            metric("Properties/Hardware Make", 4, 12, TEXT, b"Keller"),
            metric("Inputs/Battery", 5, 3, INT, 97),
        ),
        [
            (_HYDRANT, "availability", "", "online"),
            (_HYDRANT, "pressure", "", 425.0),
            (_HYDRANT, "cap_open", "", False),
            (_HYDRANT, "angle", "", -3),
            (_HYDRANT, "battery", "", 97),
        ],
    ),
    Example(
        "Data that names a metric by its alias only takes name and unit from the birth",
        _D.format("DDATA", "hydrant-017"),
        payload(2, metric("", 1, 9, FLOAT, 1.5)),
        [(_HYDRANT, "pressure", "", 150.0)],
        context=_BORN,
    ),
    Example(
        "A value without a type is of the type its birth said",
        _D.format("DDATA", "hydrant-017"),
        payload(2, metric("", 3, 0, INT, 0xFFFFFFD1), metric("", 2, 0, BOOL, 1)),
        [(_HYDRANT, "angle", "", -47), (_HYDRANT, "cap_open", "", True)],
        context=_BORN,
    ),
    Example(
        "An alias nobody was told of: set aside, and the node is asked for its births",
        _D.format("DDATA", "hydrant-017"),
        payload(2, metric("", 77, 11, BOOL, 1)),
        quarantine="unknown-alias",
        context=_BORN,
    ),
    Example(
        "Data stored while the link was down is the past",
        _D.format("DDATA", "hydrant-017"),
        payload(2, metric("", 5, 11, BOOL, 1, historical=True, at=AT - 3_600_000)),
        [(_HYDRANT, "smoke", "", True)],
        context=_BORN,
    ),
    Example(
        "Null is no reading, never normal",
        _D.format("DDATA", "hydrant-017"),
        payload(2, metric("", 5, 11, null=True)),
        [(_HYDRANT, "smoke", "", None)],
        context=_BORN,
    ),
    Example(
        "A gap in the numbers: the value counts, and the births are asked for",
        _D.format("DDATA", "hydrant-017"),
        payload(9, metric("", 1, 9, FLOAT, 0.02)),
        [(_HYDRANT, "pressure", "", 2.0)],
        context=_BORN,
    ),
    Example(
        "Names without aliases need no birth",
        _D.format("DDATA", "kitchen"),
        payload(3, metric("Kitchen/Gas Leak", None, 11, BOOL, 1), metric("Kitchen/Gas/%LEL", None, 9, FLOAT, 22.5)),
        [("Estate/edge-01/kitchen", "gas", "", True), ("Estate/edge-01/kitchen", "gas_lel", "", 22.5)],
    ),
    Example(
        "Whether an alarm is enabled, and its set point, say nothing of the alarm",
        _D.format("DDATA", "kitchen"),
        payload(
            3,
            metric("Smoke Alarm Enabled", None, 11, BOOL, 1),
            metric("Enable Smoke Alarm", None, 11, BOOL, 1),
            metric("Setpoints/High Temperature", None, 9, FLOAT, 60.0),
            metric("Test Smoke Alarm", None, 11, BOOL, 1),
        ),
    ),
    Example(
        "A state in words",
        _D.format("DDATA", "hall"),
        payload(
            4, metric("Smoke/State", None, 12, TEXT, b"Alarm"), metric("Tamper", None, 12, TEXT, b"Normal")
        ),
        [("Estate/edge-01/hall", "smoke", "", True), ("Estate/edge-01/hall", "tamper", "", False)],
    ),
    Example(
        "A word nobody knows under an alarm is no reading, and set aside",
        _D.format("DDATA", "hall"),
        payload(4, metric("Smoke/State", None, 12, TEXT, b"Flibbert")),
        [("Estate/edge-01/hall", "smoke", "", None)],
        quarantine="unknown-word",
    ),
    Example(
        "A tank: units as the last part of the name, a counter beyond any double",
        _D.format("DDATA", "tank-1"),
        payload(
            12,
            metric("Level/mm", None, 3, INT, 1843),
            metric("Level/High Alarm", None, 11, BOOL, 0),
            metric("Flow/lpm", None, 10, DOUBLE, 12.75),
            metric("Pump/Starts", None, 8, LONG, 9223372036854775809),
        ),
        [
            ("Estate/edge-01/tank-1", "water_level", "", 1843),
            ("Estate/edge-01/tank-1", "water_level_alarm", "", False),
            ("Estate/edge-01/tank-1", "flow", "", 12.75),
        ],
    ),
    Example(
        "Two detectors on one device: the branch each stands in becomes its channel",
        _D.format("DBIRTH", "panel"),
        payload(
            2,
            metric("Hall/Smoke", 10, 11, BOOL, 0),
            metric("Kitchen/Smoke", 11, 11, BOOL, 1),
            metric("Battery Voltage", 12, 9, FLOAT, 13.5, unit="V"),
        ),
        [
            ("Estate/edge-01/panel", "availability", "", "online"),
            ("Estate/edge-01/panel", "smoke", "Hall", False),
            ("Estate/edge-01/panel", "smoke", "Kitchen", True),
            ("Estate/edge-01/panel", "battery_voltage", "", 13.5),
        ],
    ),
    Example(
        "A template's members are read one by one",
        _D.format("DDATA", "floor-3"),
        payload(
            5,
            metric(
                "Detector 7", None, 19, TEMPLATE,
                field(0x12, metric("Heat Alarm", None, 11, BOOL, 1))
                + field(0x12, metric("Temperature", None, 9, FLOAT, 71.5))
                + field(0x22, b"Detector"),
            ),
        ),
        [
            ("Estate/edge-01/floor-3", "heat", "7", True),
            ("Estate/edge-01/floor-3", "temperature", "7", 71.5),
        ],
    ),
    Example(
        "A template definition holds defaults, nothing measured",
        _N.format("NBIRTH"),
        payload(
            0,
            metric("bdSeq", None, 8, LONG, 4),
            metric("Node Control/Rebirth", None, 11, BOOL, 0),
            metric(
                "Detector", None, 19, TEMPLATE,
                field(0x12, metric("Heat Alarm", None, 11, BOOL, 1)) + b"\x28\x01",
            ),
        ),
        _ONLINE,
    ),
    Example(
        "An edge node is born: it and its link are up",
        _N.format("NBIRTH"),
        payload(
            0,
            metric("bdSeq", None, 8, LONG, 4),
            metric("Node Control/Rebirth", 1, 11, BOOL, 0),
            metric("Cabinet/Temperature", 2, 10, DOUBLE, 31.5, unit="degC"),
        ),
        [*_ONLINE, ("Estate/edge-01", "temperature", "", 31.5)],
    ),
    Example(
        "A node dies and takes every device it bore with it",
        _N.format("NDEATH"),
        payload(None, metric("bdSeq", None, 8, LONG, 3)),
        [
            ("Estate/edge-01", "gateway_availability", "", "offline"),
            ("Estate/edge-01", "availability", "", "offline"),
            (_HYDRANT, "availability", "", "offline"),
        ],
        context=_BORN,
    ),
    Example(
        "The will of an earlier session arrives late: the node is alive",
        _N.format("NDEATH"),
        payload(None, metric("bdSeq", None, 8, LONG, 2)),
        context=_BORN,
    ),
    Example(
        "A device dies",
        _D.format("DDEATH", "hydrant-017"),
        payload(2),
        [(_HYDRANT, "availability", "", "offline")],
        context=_BORN,
    ),
    Example(
        "A value of bad quality is kept and never judged",
        _D.format("DDATA", "hydrant-017"),
        payload(2, metric("", 1, 9, FLOAT, 0.0, quality=0)),
        [(_HYDRANT, "pressure", "", 0.0)],
        context=_BORN,
    ),
    Example(
        "A compressed payload",
        _D.format("DDATA", "hydrant-017"),
        field(0x08, AT)
        + field(0x12, metric("algorithm", None, 12, TEXT, b"DEFLATE"))
        + field(0x18, 2)
        + field(0x22, b"SPBV1.0_COMPRESSED")
        + field(0x2A, zlib.compress(payload(2, metric("", 1, 9, FLOAT, 4.0)))),
        [(_HYDRANT, "pressure", "", 400.0)],
        context=_BORN,
    ),
    Example(
        "A command to a device says nothing of the device",
        _D.format("DCMD", "hydrant-017"),
        payload(None, metric("Outputs/Siren", None, 11, BOOL, 1)),
    ),
    Example(
        "The host's own state",
        "spBv1.0/STATE/gateway-host",
        b'{"online":true,"timestamp":1735693200000}',
        retained=True,
    ),
    Example("The host's own state before version 3", "STATE/gateway-host", b"ONLINE", retained=True),
    Example(
        "Bytes that are no payload",
        _D.format("DDATA", "hydrant-017"),
        b'{"pressure":4.2}',
        quarantine="not-sparkplug",
    ),
    Example("A message type nobody knows", "spBv1.0/Estate/XDATA/edge-01", b"", quarantine="unknown-topic"),
)  # fmt: skip
