"""MEOKON frames: every type of the table, every alarm bit, records and their times, streams."""

from __future__ import annotations

import json
from struct import pack
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.codec import Decoded
from devices.codecs import meokon
from devices.codecs.meokon.frame import DATA, RECORDS_MAX, Packet, crc, encode, parse, taken
from devices.codecs.meokon.sensors import TYPES
from devices.decode import urgent
from devices.decode_lines import decode_lines
from devices.reading import METRICS, Flag, MetricClass
from tests.devices.reading_rows import CLOCK_BAD, NOW, RETAINED, code, rows, said

NUMBER = b"SHMK19060013"
DEVICE = NUMBER.decode()
SECONDS = NOW // 1000
HISTORICAL = int(Flag.HISTORICAL)
NOTE = (
    "a55a00003b53484d4b313930363030313334c8003c000a0102006401f4021a5d1966b6"
    "0219021a0216021802180213021e021c021d021d7e0355aa"
)
NOTE_2 = "A55A00002953485250323530393031323034D0000000010100000009C4025D68FFB887025D843E55AA"


def tell(payload: bytes | str, **more: Any) -> Decoded:
    """What a payload means."""
    return said(meokon, f"GIOT-GW/UL/{DEVICE}", payload, **more)


def sent(
    kind: int,
    *records: bytes,
    current: bytes | None = None,
    alarms: int = 0,
    battery: int = 0x34,
    interval: int = 60,
    at: int = SECONDS,
    settings: bytes = bytes(4),
    number: bytes = NUMBER,
) -> bytes:
    """A frame; its current values are its newest record unless given."""
    now = current if current is not None else records[-1]
    rest = settings + now + pack(">I", at) + b"".join(records)
    return encode(Packet(number, battery, -70, interval, len(records), kind, alarms, rest))


def blank(kind: int) -> bytes:
    """A record of zeros."""
    return bytes(TYPES[kind].layout.size)


def active(decoded: Decoded) -> list[tuple[str, str]]:
    """Metric and channel of everything that is true."""
    return [(m, c) for _, m, c, v in rows(decoded) if v is True]


@pytest.mark.parametrize("text", [NOTE, NOTE_2])
def test_the_notes_frames_come_back_byte_for_byte(text: str) -> None:
    """The maker's two frames are read and written again without a bit changed."""
    packet = parse(bytes.fromhex(text))
    assert packet is not None
    assert encode(packet).hex() == text.lower()


def test_records_have_their_own_times() -> None:
    """Records are history, a minute apart, the newest at the frame's time; the current value is live at that time."""
    got = tell(NOTE, now=1_561_945_790_000)
    values = [(r.value, r.measured_at, r.flags) for r in got.readings if "/pressure/" in r.point]
    newest = 1_561_945_782_000
    kpa = (537, 538, 534, 536, 536, 531, 542, 540, 541, 541)
    bad = CLOCK_BAD  # 2019 is before this house; the time is kept
    assert values[:10] == [(v, newest - (9 - i) * 60_000, HISTORICAL | bad) for i, v in enumerate(kpa)]
    assert values[10:] == [(538, newest, bad)]
    assert active(got) == [("equipment_alarm", "pressure_high")]


def test_a_record_that_repeats_the_current_value_is_one_reading() -> None:
    """The usual frame, one record equal to the current value, says it once and live."""
    got = tell(NOTE_2)
    assert [(r.value, r.flags) for r in got.readings if "/pressure/" in r.point] == [(605, 0)]


def test_records_without_an_interval_have_no_times() -> None:
    """Without an interval only the newest record's time is known."""
    got = tell(sent(34, b"\1\0", b"\1\1", current=b"\1\2", interval=0))
    times = [(r.value, r.measured_at) for r in got.readings if "/pressure/" in r.point]
    assert times == [(256, None), (257, SECONDS * 1000), (258, SECONDS * 1000)]


def test_kept_alarms_call_nobody_and_live_ones_do() -> None:
    """Only the frame's own alarm byte is live; what was recorded is history."""
    got = tell(sent(34, b"\0\0", b"\0\1", current=b"\1\2", alarms=0x80))
    assert urgent(got)
    assert {int(r.flags) for r in got.readings if r.value == 0} == {0, HISTORICAL}
    assert not urgent(tell(sent(34, b"\1\2", alarms=0x80), retained=True))
    assert {r.flags & RETAINED for r in tell(sent(34, b"\1\2"), retained=True).readings} == {RETAINED}


def test_records_are_bounded() -> None:
    """More records than a device can keep: the newest are read, and the frame is set aside as well."""
    got = tell(sent(34, *(pack(">h", n % 999) for n in range(RECORDS_MAX + 50))))
    assert code(got) == "too-many"
    assert len([r for r in got.readings if "/pressure/" in r.point]) <= RECORDS_MAX + 1


def test_every_type_is_read_or_set_aside() -> None:
    """A type of the table gives its states and no alarm; another gives battery, signal and the reason."""
    for kind in range(256):
        got = tell(sent(kind, blank(kind) if kind in TYPES else b"\0\0"))
        assert active(got) == []
        assert code(got) == (None if kind in TYPES else "unknown-type")
        found = {m for _, m, _, _ in rows(got)}
        assert {"battery", "rssi", "fault"} <= found
        assert found <= set(METRICS)
        if kind not in TYPES:
            assert active(tell(sent(kind, b"\0\0", alarms=0x02))) == [("equipment_alarm", "")]


@pytest.mark.parametrize("bit", range(8))
def test_every_alarm_bit_of_every_type(bit: int) -> None:
    """A bit that means something raises that one point; low battery and faults are never an alarm; others are told."""
    for kind, known in TYPES.items():
        got = tell(sent(kind, blank(kind), alarms=1 << bit))
        meant = dict(known.alarms).get(1 << bit)
        assert active(got) == ([meant] if meant else [])
        assert code(got) == (None if meant else "unknown-bits")
        if bit in {2, 3, 4}:
            assert meant is not None
            assert METRICS[meant[0]].klass is MetricClass.FAULT
            assert not urgent(got)


@pytest.mark.parametrize(
    ("kind", "alarms", "expected"),
    [
        (24, 0x80, ("hydrant_open", "")),
        (24, 0x40, ("hydrant_tilt", "")),
        (24, 0x20, ("hydrant_hit", "")),
        (24, 0x01, ("pressure_low", "")),
        (24, 0x02, ("equipment_alarm", "pressure_high")),
        (34, 0x80, ("hydrant_open", "")),
        (58, 0x80, ("hydrant_open", "")),
        (1, 0x01, ("pressure_low", "")),
        (8, 0x02, ("water_level_alarm", "high")),
        (11, 0x02, ("temperature_high", "")),
        (11, 0x01, ("temperature_alarm", "low")),
        (14, 0x02, ("overcurrent", "")),
        (13, 0x01, ("equipment_alarm", "humidity_low")),
        (23, 0x02, ("tilt", "")),
        (20, 0x02, ("water_leak", "")),
        (31, 0x01, ("gas", "")),
        (31, 0x02, ("gas", "")),
        (81, 0x02, ("gas", "")),
        (99, 0x02, ("gas", "")),
        (36, 0x40, ("cap_open", "")),
        (37, 0x02, ("cap_open", "")),
        (67, 0x40, ("tilt", "")),
        (105, 0x80, ("tamper", "")),
        (33, 0x20, ("pressure_low", "")),
        (90, 0x40, ("water_level_alarm", "2_high")),
        (0, 0x04, ("battery_low", "")),
        (0, 0x08, ("fault", "sensor")),
        (0, 0x10, ("fault", "hardware")),
    ],
)
def test_alarm_bits_by_name(kind: int, alarms: int, expected: tuple[str, str]) -> None:
    """What the tables and the notes under them call each bit."""
    assert active(tell(sent(kind, blank(kind), alarms=alarms))) == [expected]


@pytest.mark.parametrize(
    ("kind", "record", "expected"),
    [
        (0, pack(">h", 1423), [("pressure", "", 142.3)]),
        (1, pack(">h", 1563), [("pressure", "", 1563)]),
        (2, pack(">h", 35), [("pressure", "", 35)]),
        (3, pack(">h", 500), [("pressure", "", pytest.approx(344.737865))]),
        (6, pack(">h", 102), [("pressure", "", pytest.approx(100.02783))]),
        (9, pack(">h", 123), [("water_level", "", 123)]),
        (12, pack(">h", 320), [("temperature", "", 0.0)]),
        (15, pack(">h", 2203), [("voltage", "", 220.3)]),
        (16, pack(">hh", 500, 12), [("pressure", "", 500), ("pressure", "difference", 1.2)]),
        (18, pack(">hh", 455, 231), [("humidity", "", 45.5), ("temperature", "", 23.1)]),
        (22, pack(">h", 30), [("pressure", "", 0.3)]),
        (32, pack(">dd", 116.397, 39.908), [("longitude", "", 116.397), ("latitude", "", 39.908)]),
        (50, pack(">hhhhh", 1, 2, 3, 4, 6), [("pressure", "1", 1), ("pressure", "2", 2), ("temperature", "1", 0.3),
                                             ("temperature", "2", 0.4), ("flow", "", 1.0)]),
        (60, pack(">IHHHHHHHH", 12345, 2201, 2202, 2203, 150, 0, 1, 950, 999),
         [("energy", "", 123.45), ("voltage", "a", 220.1), ("voltage", "b", 220.2), ("voltage", "c", 220.3),
          ("current", "a", 1500), ("current", "b", 0), ("current", "c", 10), ("power", "", 950)]),
        (84, pack(">i", 4321), [("water_level", "", 4321)]),
        (96, pack(">hhhhhhhh", 215, 400, 1, 35, 2, 800, 12, 0),
         [("temperature", "", 21.5), ("humidity", "", 40.0), ("pm2_5", "", 35), ("co2_ppm", "", 800),
          ("co_ppm", "", 12)]),
        (101, pack(">hHH", 8, 0x81, 0x2), [*(("digital_input", str(n), n in {1, 8}) for n in range(1, 9)),
                                           *(("relay", str(n), n == 2) for n in range(1, 5))]),
        (102, pack(">h", 1), [("buzzer", "", True)]),
    ],
)  # fmt: skip
def test_values_in_canonical_units(kind: int, record: bytes, expected: list[tuple[str, str, Any]]) -> None:
    """Each quantity of a record comes out in its metric's unit, on its own channel where there are several."""
    states = {point for _, point in TYPES[kind].alarms} | {("battery", ""), ("rssi", "")}
    got = [(m, c, v) for _, m, c, v in rows(tell(sent(kind, record))) if (m, c) not in states]
    assert got == expected


@pytest.mark.parametrize(
    ("battery", "expected"),
    [
        (0x34, {"battery": 100}),
        (0x20, {"battery": 0}),
        (0x8A, {"battery": 50, "mains_power": True}),
        (0x0A, {"battery": 50, "mains_power": False}),
        (0xC0, {"mains_power": True}),
        (0x6A, {"battery": 50}),
    ],
)
def test_battery_and_mains(battery: int, expected: dict[str, Any]) -> None:
    """Five percent a step; a device on the mains alone has no battery, one with a battery alone no mains to lose."""
    got = tell(sent(34, b"\1\0", battery=battery))
    assert {m: v for _, m, _, v in rows(got) if m in {"battery", "mains_power"}} == expected
    assert tell(sent(34, b"\1\0", battery=0x3F)).readings[-2].flags & Flag.INVALID, "155 % cannot be true"


@pytest.mark.parametrize("at", [0, 946_684_800, SECONDS + 3600, 0xFFFFFFFF])
def test_a_wrong_clock_costs_only_the_order(at: int) -> None:
    """The device's time is the network's; where it cannot be right the alarm is live all the same."""
    got = tell(sent(34, b"\1\0", alarms=0x80, at=at))
    assert {r.flags for r in got.readings} == {CLOCK_BAD}
    assert urgent(got)


def test_a_float_that_is_none() -> None:
    """NaN from a flow meter is no reading, and kept as such."""
    got = tell(sent(27, pack(">ffII", float("nan"), float("inf"), 1, 2), settings=bytes(8)))
    assert [(r.value, r.flags) for r in got.readings if "/flow/" in r.point] == [(None, int(Flag.INVALID))]


@pytest.mark.parametrize("settings", [0, 4, 8, 16])
def test_settings_of_any_length(settings: int) -> None:
    """How many bytes of limits stand before the values follows from the frame's own length."""
    got = tell(sent(24, pack(">hh", 300, 5), settings=b"\x7f" * settings))
    assert [(m, v) for _, m, _, v in rows(got)][:2] == [("pressure", 300), ("angle", 5)]


@pytest.mark.parametrize("command", [0x01, 0x04, 0xFF])
def test_other_commands_say_nothing(command: int) -> None:
    """Answers of platforms and of devices to settings are no statements."""
    spoilt = bytearray(bytes.fromhex(NOTE))
    spoilt[2] = command
    spoilt[-4:-2] = crc(bytes(spoilt[:-4])).to_bytes(2, "big")
    assert tell(bytes(spoilt)) == Decoded([], None)
    (frame,) = meokon.frames(spoilt, NOW)
    assert frame.confirm is None


@pytest.mark.parametrize(
    "payload",
    [b"", b"a55a", b"hello", b"a5zz", NOTE[:-2].encode(), bytes.fromhex(NOTE)[:-1], b"\xa5\x5a" * 50],
)
def test_what_is_no_frame_is_set_aside(payload: bytes) -> None:
    """Anything but whole frames gives a reason and no reading."""
    got = tell(payload)
    assert code(got) == "bad-frame"
    assert not got.readings


@pytest.mark.parametrize(
    ("number", "name"),
    [
        (bytes(12), "00" * 12),
        (b"\xff" * 12, "ff" * 12),
        (b"SHORT\0\0\0\0\0\0\0", "SHORT"),
        (b"SHORT       ", "SHORT"),
        (b"with / slash", "with / slash"),
    ],
)
def test_odd_numbers_still_name_a_device(number: bytes, name: str) -> None:
    """A number that is no text names the device in hex; padding is cut off."""
    assert {d for d, *_ in rows(tell(sent(34, b"\1\0", number=number)))} == {name}


def test_a_connection_is_answered_once_the_frame_is_taken() -> None:
    """Over TCP a data frame is answered by its number and our time; frames may be glued, cut, and behind noise."""
    one, two = bytes.fromhex(NOTE), bytes.fromhex(NOTE_2)
    for at in range(len(one + two)):
        buffer = bytearray(b"\xa5noise" + (one + two)[:at])
        frames = list(meokon.frames(buffer, NOW))
        buffer += (one + two)[at:]
        frames += meokon.frames(buffer, NOW)
        assert [f.data for f in frames] == [one, two]
        assert not buffer
    assert frames[0].topic == f"GIOT-GW/UL/{DEVICE}"
    assert frames[0].confirm == taken(NUMBER, NOW)
    answer = taken(NUMBER, NOW)
    assert len(answer) == answer[4] == 27
    assert answer[2] != DATA
    assert answer[5:17] == NUMBER


@given(st.binary(max_size=80), st.data())
def test_mutated_frames(noise: bytes, data: st.DataObject) -> None:
    """Flipped bits never make an alarm of a frame that had none, and never cost the frame behind them."""
    spoilt = bytearray(noise + bytes.fromhex(NOTE_2))
    for _ in range(data.draw(st.integers(1, 3))):
        spoilt[data.draw(st.integers(0, len(spoilt) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    stream = bytes(spoilt) + sent(34, b"\1\0", alarms=0x80)
    got = tell(b"\xa5" + stream)
    assert active(got) == [("hydrant_open", "")]
    assert len(got.readings) <= len(stream)


def test_frames_in_csg_decode() -> None:
    """The hex text of a hydrant in trouble, as a line of `csg decode`."""
    payload = sent(24, pack(">hh", 312, 34), alarms=0xC1, settings=bytes(8)).hex()
    (line,) = decode_lines([json.dumps({"topic": f"GIOT-GW/UL/{DEVICE}", "payload": payload})])
    got = json.loads(line)
    assert got["format"] == "meokon"
    assert [r["metric"] for r in got["readings"] if r["alarm"]] == [
        "pressure_low",
        "hydrant_tilt",
        "hydrant_open",
    ]
