"""Worked examples of MEOKON frames: its tests and its reference page.

The two frames given in hex are those of the maker's note. The others follow its tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import pack
from typing import Any, Final

from devices.codec import Example
from devices.codecs.meokon.frame import Packet, encode, taken

_TOPIC: Final = "GIOT-GW/UL/SHRP24110007"
_DEVICE: Final = "SHRP24110007"
_AT: Final = 1_763_759_990  # seconds: ten before the time the other examples of the house were sent

Row = tuple[str, str, str, Any]


def sent(
    kind: int,
    layout: str,
    *values: float,
    alarms: int = 0,
    battery: int = 0x34,
    settings: int = 4,
    times: int = 1,
) -> bytes:
    """A frame with one record equal to its current values, in hex as MQTT carries it."""
    record = pack(">" + layout, *values)
    rest = bytes(settings) + record + pack(">I", _AT) + record * times
    packet = Packet(_DEVICE.encode(), battery, -71, 60, times, kind, alarms, rest)
    return encode(packet).hex().encode()


def _states(*on: tuple[str, str], limits: Sequence[tuple[str, str]], device: str = _DEVICE) -> list[Row]:
    """The states every frame brings: its type's alarm points and the three that all types share."""
    shared = (("battery_low", ""), ("fault", "sensor"), ("fault", "hardware"))
    return [(device, metric, channel, (metric, channel) in on) for metric, channel in (*limits, *shared)]


_POWER: Final[list[Row]] = [(_DEVICE, "battery", "", 100), (_DEVICE, "rssi", "", -71)]
_PRESSURE: Final = (("pressure_low", ""), ("equipment_alarm", "pressure_high"))
_TEMPERATURE: Final = (("temperature_alarm", "low"), ("temperature_high", ""))
_LEVEL: Final = (("water_level_alarm", "low"), ("water_level_alarm", "high"))
_HYDRANT: Final = (*_PRESSURE, ("hydrant_hit", ""), ("hydrant_tilt", ""), ("hydrant_open", ""))

EXAMPLES: Sequence[Example] = (
    Example(
        "Pressure gauge in MPa above its upper limit, ten records a minute apart (maker's note)",
        "GIOT-GW/UL/SHMK19060013",
        b"a55a00003b53484d4b313930363030313334c8003c000a0102006401f4021a5d1966b6"
        b"0219021a0216021802180213021e021c021d021d7e0355aa",
        [
            *(
                ("SHMK19060013", "pressure", "", kpa)
                for kpa in (537, 538, 534, 536, 536, 531, 542, 540, 541, 541, 538)
            ),
            *_states(("equipment_alarm", "pressure_high"), limits=_PRESSURE, device="SHMK19060013"),
            ("SHMK19060013", "battery", "", 100),
            ("SHMK19060013", "rssi", "", -56),
        ],
    ),
    Example(
        "Pressure gauge, its one record repeats the current value (maker's note)",
        "GIOT-GW/UL/SHRP25090120",
        b"A55A00002953485250323530393031323034D0000000010100000009C4025D68FFB887025D843E55AA",
        [
            ("SHRP25090120", "pressure", "", 605),
            *_states(limits=_PRESSURE, device="SHRP25090120"),
            ("SHRP25090120", "battery", "", 100),
            ("SHRP25090120", "rssi", "", -48),
        ],
    ),
    Example(
        "The same as bytes, as over TCP",
        "GIOT-GW/UL/SHRP25090120",
        bytes.fromhex("A55A00002953485250323530393031323034D0000000010100000009C4025D68FFB887025D843E55AA"),
        [
            ("SHRP25090120", "pressure", "", 605),
            *_states(limits=_PRESSURE, device="SHRP25090120"),
            ("SHRP25090120", "battery", "", 100),
            ("SHRP25090120", "rssi", "", -48),
        ],
    ),
    Example(
        "Hydrant with a tilt sensor: water is drawn, it was hit and leans",
        _TOPIC,
        sent(24, "hh", 312, 34, alarms=0xE0, settings=8),
        [
            (_DEVICE, "pressure", "", 312),
            (_DEVICE, "angle", "", 34),
            *_states(("hydrant_hit", ""), ("hydrant_tilt", ""), ("hydrant_open", ""), limits=_HYDRANT),
            *_POWER,
        ],
    ),
    Example(
        "Hydrant without pressure",
        _TOPIC,
        sent(24, "hh", 0, 2, alarms=0x01, settings=8),
        [
            (_DEVICE, "pressure", "", 0),
            (_DEVICE, "angle", "", 2),
            *_states(("pressure_low", ""), limits=_HYDRANT),
            *_POWER,
        ],
    ),
    Example(
        "Hydrant pressure, water is drawn",
        _TOPIC,
        sent(34, "h", 280, alarms=0x80),
        [
            (_DEVICE, "pressure", "", 280),
            *_states(("hydrant_open", ""), limits=(*_PRESSURE, ("hydrant_open", ""))),
            *_POWER,
        ],
    ),
    Example(
        "Hydrant with a flow meter",
        _TOPIC,
        sent(58, "hhhh", 150, 1, 250, 83, alarms=0x80),
        [
            (_DEVICE, "pressure", "", 150),
            (_DEVICE, "angle", "", 1),
            (_DEVICE, "flow", "", 150),
            (_DEVICE, "temperature", "", 8.3),
            *_states(("hydrant_open", ""), limits=_HYDRANT),
            *_POWER,
        ],
    ),
    Example(
        "A hydrant's cap was taken off",
        _TOPIC,
        sent(36, "hh", 12, 900, alarms=0x40, settings=8),
        [
            *_states(("cap_open", ""), limits=(("water_leak", ""), ("hydrant_hit", ""), ("cap_open", ""))),
            *_POWER,
        ],
    ),
    Example(
        "Low battery, faulty sensor: no alarm",
        _TOPIC,
        sent(0, "h", 1423, alarms=0x0C, battery=0x22),
        [
            (_DEVICE, "pressure", "", 142.3),
            *_states(("battery_low", ""), ("fault", "sensor"), limits=_PRESSURE),
            (_DEVICE, "battery", "", 10),
            (_DEVICE, "rssi", "", -71),
        ],
    ),
    Example(
        "Fire tank below its lower limit, on mains and battery",
        _TOPIC,
        sent(8, "h", 35, alarms=0x01, battery=0x94),
        [
            (_DEVICE, "water_level", "", 350),
            *_states(("water_level_alarm", "low"), limits=_LEVEL),
            *_POWER,
            (_DEVICE, "mains_power", "", True),
        ],
    ),
    Example(
        "On mains and battery, the mains are gone",
        _TOPIC,
        sent(63, "H", 4000, battery=0x14, settings=8),
        [
            (_DEVICE, "water_level", "", 4000),
            *_states(limits=_LEVEL),
            *_POWER,
            (_DEVICE, "mains_power", "", False),
        ],
    ),
    Example(
        "On the mains alone: its battery count means nothing",
        _TOPIC,
        sent(11, "h", -55, battery=0xC0),
        [
            (_DEVICE, "temperature", "", -5.5),
            *_states(limits=_TEMPERATURE),
            (_DEVICE, "mains_power", "", True),
            (_DEVICE, "rssi", "", -71),
        ],
    ),
    Example(
        "Temperature in degrees Fahrenheit, too hot",
        _TOPIC,
        sent(12, "h", 1760, alarms=0x02),
        [
            (_DEVICE, "temperature", "", 80.0),
            *_states(("temperature_high", ""), limits=_TEMPERATURE),
            *_POWER,
        ],
    ),
    Example(
        "Pressure and temperature, the second too low",
        _TOPIC,
        sent(17, "hh", 420, 15, alarms=0x20, settings=8),
        [
            (_DEVICE, "pressure", "", 420),
            (_DEVICE, "temperature", "", 1.5),
            *_states(("temperature_alarm", "low"), limits=(*_PRESSURE, *_TEMPERATURE)),
            *_POWER,
        ],
    ),
    Example(
        "Combustible gas at its first step",
        _TOPIC,
        sent(31, "H", 213, alarms=0x01),
        [(_DEVICE, "gas_lel", "", 21.3), *_states(("gas", ""), limits=(("gas", ""),)), *_POWER],
    ),
    Example(
        "Water on the floor",
        _TOPIC,
        sent(20, "h", 1, alarms=0x02),
        [*_states(("water_leak", ""), limits=(("water_leak", ""),)), *_POWER],
    ),
    Example(
        "Manhole cover open over a level sensor",
        _TOPIC,
        sent(40, "h", 120, alarms=0x82),
        [
            (_DEVICE, "water_level", "", 1200),
            *_states(("water_level_alarm", "high"), ("cap_open", ""), limits=(*_LEVEL, ("cap_open", ""))),
            *_POWER,
        ],
    ),
    Example(
        "Two temperatures, the first too high",
        _TOPIC,
        sent(25, "hh", 655, 214, alarms=0x02, settings=8),
        [
            (_DEVICE, "temperature", "1", 65.5),
            (_DEVICE, "temperature", "2", 21.4),
            *_states(
                ("temperature_high", "1"),
                limits=(
                    ("temperature_alarm", "1_low"),
                    ("temperature_high", "1"),
                    ("temperature_alarm", "2_low"),
                    ("temperature_high", "2"),
                ),
            ),
            *_POWER,
        ],
    ),
    Example(
        "Ultrasonic flow meter, no settings",
        _TOPIC,
        sent(27, "ffII", 12.5, 1.25, 1234, 1200, settings=8),
        [
            (_DEVICE, "flow", "", 208.333333),
            (_DEVICE, "volume", "forward", 1234),
            (_DEVICE, "volume", "net", 1200),
            *_states(limits=(("equipment_alarm", "flow_low"), ("equipment_alarm", "flow_high"))),
            *_POWER,
        ],
    ),
    Example(
        "A pressure that cannot be true",
        _TOPIC,
        sent(2, "h", -32768),
        [(_DEVICE, "pressure", "", -32768), *_states(limits=_PRESSURE), *_POWER],
    ),
    Example(
        "A type nobody knows, in alarm",
        _TOPIC,
        sent(200, "hhh", 1, 2, 3, alarms=0x82),
        [*_states(("equipment_alarm", ""), limits=(("equipment_alarm", ""),)), *_POWER],
        quarantine="unknown-type",
    ),
    Example(
        "More records said than sent: the alarm counts, the values do not",
        _TOPIC,
        encode(Packet(_DEVICE.encode(), 0x34, -71, 60, 9, 34, 0x80, bytes(12))).hex().encode(),
        [*_states(("hydrant_open", ""), limits=(*_PRESSURE, ("hydrant_open", ""))), *_POWER],
        quarantine="wrong-length",
    ),
    Example("A platform's answer says nothing", _TOPIC, taken(_DEVICE.encode(), _AT * 1000).hex().encode()),
    Example(
        "A wrong check sum: nothing of it is believed",
        _TOPIC,
        b"A55A00002953485250323530393031323034D0000000010101000009C4025D68FFB887025D843E55AA",
        quarantine="bad-frame",
    ),
    Example(
        "Another maker's LoRa gateway",
        "GIOT-GW/UL/1C497BF27096",
        b'[{"macAddr":"0000000099999999"}]',
        quarantine="unknown-topic",
    ),
)
