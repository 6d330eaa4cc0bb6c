"""GB/T 26875.3: public frames byte for byte, every bit, every component, times, and what each frame is answered."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.codec import Decoded
from devices.codecs import gb26875
from devices.codecs.gb26875 import ask
from devices.codecs.gb26875.frame import (
    ANSWER,
    CONFIRM,
    CONTROL,
    DENY,
    REQUEST,
    SEND,
    UNIT_MAX,
    Packet,
    encode,
    parse,
    to_bytes,
    to_ms,
    whole,
)
from devices.codecs.gb26875.parts import QUANTITIES
from devices.codecs.gb26875.unit import (
    OBJECTS_MAX,
    Analog,
    Configuration,
    Operation,
    PartState,
    Said,
    State,
    Version,
    read,
    write,
)
from devices.decode import urgent
from devices.reading import Flag, split_point
from tests.devices.gb26875_frames import AT, BROKEN, FRAMES, HOME, frame, sent, streamed, tell
from tests.devices.reading_rows import CLOCK_BAD, INVALID, NOW, RETAINED, code, flags, rows

STANDARDS = Path(__file__).parents[3] / "shared" / "standards.md"


def part(bits: int, kind: int = 40, text: bytes = b"", time: bytes = AT) -> PartState:
    """A component's state."""
    return PartState((1, 1), kind, 7, bits, text.ljust(31, b"\0"), time)


def values(decoded: Decoded) -> dict[tuple[str, str], Any]:
    """Values by metric and channel."""
    return {(metric, channel): value for _, metric, channel, value in rows(decoded)}


# ------------------------------------------------------------------------------------------- bytes


@pytest.mark.parametrize("name", FRAMES)
def test_public_frames_come_back_byte_for_byte(name: str) -> None:
    """Every public frame, and the application unit in it, is read and written again without a bit changed."""
    data = bytes.fromhex(FRAMES[name])
    packet = parse(data)
    assert whole(data)
    assert encode(packet) == data
    if packet.command in {SEND, ANSWER} and len(packet.data) > 1:
        objects, problem = read(packet.data)
        assert problem is None
        assert write(objects) == packet.data
    got = tell(data)
    assert got.quarantine is None
    assert bool(got.readings) == (packet.command in {SEND, ANSWER})


@pytest.mark.skipif(not STANDARDS.exists(), reason="the standards are not beside the project (../shared)")
def test_the_frames_of_the_fact_sheet_come_back_byte_for_byte() -> None:
    """All frames printed in the fact sheet are read and written again; those it calls wrong are refused."""
    printed = re.findall(r"^\| ([FN]\d+) \| `([0-9A-F]+)`", STANDARDS.read_text("utf-8"), re.MULTILINE)
    assert len(printed) >= 18
    for name, text in printed:
        data = bytes.fromhex(text)
        assert whole(data) == name.startswith("F")
        assert not whole(data) or encode(parse(data)) == data
        assert (code(tell(data)) == "bad-frame") == name.startswith("N")


@pytest.mark.parametrize("name", BROKEN)
def test_a_wrong_check_sum_is_denied_and_not_believed(name: str) -> None:
    """A frame that fails its check gives no reading, only a reason, and the sender is told to send it again."""
    data = bytes.fromhex(BROKEN[name])
    got = tell(data)
    assert code(got) == "bad-frame"
    assert not got.readings
    (answer,) = streamed(data)
    assert (answer.topic, answer.confirm) == ("", None)
    assert answer.refuse is not None
    assert parse(answer.refuse).command == DENY
    assert parse(answer.refuse).serial == parse(data).serial


def test_confirm_and_denial_are_the_makers_own() -> None:
    """A centre's answers to the note's frame are those the note prints: serial, version, addresses, our time."""
    at = 1_348_624_715_000  # 2012-09-26 09:58:35 in China
    (taken,) = streamed(frame("F1"), now=at)
    assert (taken.data, taken.topic, taken.refuse) == (frame("F1"), f"gb26875/{HOME}", None)
    assert taken.confirm == frame("F2")
    spoilt = bytearray(frame("F1"))
    spoilt[30] ^= 1
    (denied,) = streamed(bytes(spoilt), now=at)
    assert denied.refuse == frame("F3")


def test_a_centres_questions_are_the_makers_own() -> None:
    """What a centre asks and orders is byte for byte what the note prints."""
    call = ask.Call(0x15B38, 0x379, 1, 1_348_624_712_000)  # 09:58:32
    moment = ask.Call(0x15B38, 0x379, 1, 1_348_624_682_000)  # 09:58:02
    assert ask.read_state(call) == frame("F8")
    assert ask.read_version(call) == frame("F10")
    assert ask.read_clock(call) == frame("F11")
    assert ask.initialise(call) == frame("F12")
    assert ask.duty_check(call, 10) == frame("F14")
    set_to = parse(frame("F13"))
    assert parse(ask.set_clock(moment)).data == set_to.data
    assert parse(ask.set_clock(moment)).command == set_to.command


def test_questions_about_systems_and_parts() -> None:
    """Systems and components are asked for by type and address, up to what the standard allows at once."""
    call = ask.Call(1, 2, 3, NOW)
    assert parse(ask.read_systems(call, 61, [(1, 1), (11, 2)])).data == bytes((61, 2, 1, 1, 11, 2))
    wanted = bytes((62, 1, 1, 1, 0x0A, 0, 2, 0))
    assert parse(ask.read_parts(call, 62, [(1, 1, 0x0002000A)])).data == wanted
    assert parse(ask.read_operations(call, 5, NOW)).data == bytes((84, 1, 5)) + AT
    assert parse(ask.read_operations(call, 5, NOW, (1, 1))).data == bytes((64, 1, 1, 1, 5)) + AT
    assert parse(ask.read_configuration(call)).data == bytes((86, 1, 0))
    wrong: list[Callable[[], bytes]] = [
        lambda: ask.read_systems(call, 62, [(1, 1)]),
        lambda: ask.read_systems(call, 66, [(1, 1)] * 4),
        lambda: ask.read_parts(call, 62, []),
        lambda: ask.read_parts(call, 63, [(1, 1, 1)] * 64),
        lambda: ask.read_operations(call, 103, NOW),
        lambda: call.frame(1, bytes(UNIT_MAX + 1)),
    ]
    for question in wrong:
        with pytest.raises(ValueError, match=r"\d"):
            question()
    longest = ask.read_parts(call, 63, [(1, 1, 1)] * 63)
    assert tell(longest) == Decoded([], None), "a question says nothing"


def test_units_are_of_one_type() -> None:
    """What no frame can say is not written."""
    wrong: list[list[Said]] = [[], [part(1), Version((1, 1), 1, 1)], [part(1)] * (OBJECTS_MAX[2] + 1)]
    for objects in wrong:
        with pytest.raises(ValueError, match="objects"):
            write(objects)


# --------------------------------------------------------------------------------- what states mean


@pytest.mark.parametrize("bits", [0x0002, 0x0003, 0x0102, 0xFFFF])
def test_a_fire_bit_is_always_an_alarm(bits: int) -> None:
    """Whatever the component and its other bits, its fire bit is a live alarm; the test bit takes nothing back."""
    kinds = {
        **dict.fromkeys(range(40, 45), "smoke"),
        **dict.fromkeys(range(30, 38), "heat"),
        **dict.fromkeys((23, 24), "call_point"),
        **dict.fromkeys((10, 11, 12, 13, 74), "gas"),
    }
    for kind in range(256):
        got = tell(sent(part(bits, kind)))
        assert values(got)[kinds.get(kind, "fire_detected"), ""] is True
        assert values(got).get(("test", "")) is not True
        assert urgent(got)


@pytest.mark.parametrize(
    ("bit", "point"),
    [
        (2, ("fault", "")),
        (3, ("supervisory", "disabled")),
        (4, ("supervisory", "")),
        (5, ("relay", "")),
        (6, ("relay", "feedback")),
        (7, ("relay", "delay")),
        (8, ("panel_power_fault", "")),
    ],
)
@pytest.mark.parametrize("normal", [0, 1])
def test_each_bit_of_a_component_is_its_own_condition(bit: int, point: tuple[str, str], normal: int) -> None:
    """A bit is one statement and no other; no bit but the fire's is an alarm."""
    got = values(tell(sent(part(1 << bit | normal))))
    assert {p for p, v in got.items() if v is True} == {point, ("heartbeat", "")}
    assert got["smoke", ""] is False
    assert got.get(("test", "")) is (False if normal else None)


def test_what_recovered_is_sent_with_its_bits_clear() -> None:
    """A component that is well again reads false for its alarm and its fault."""
    assert urgent(tell(sent(part(0x0007))))
    got = values(tell(sent(part(0x0001))))
    assert not any(v for p, v in got.items() if p != ("heartbeat", ""))
    assert got["smoke", ""] is got["fault", ""] is False


def test_test_mode_is_all_bits_clear() -> None:
    """A component or device with no bit set, not even that of normal running, is in test and in no alarm."""
    for said_ in (part(0), State(None, 0, AT), State((1, 1), 0, AT)):
        got = values(tell(sent(said_)))
        assert got["test", ""] is True
        assert [p for p, v in got.items() if v is True] == [("test", ""), ("heartbeat", "")]
    assert values(tell(sent(part(1))))["test", ""] is False


@pytest.mark.parametrize(
    ("bit", "point"),
    [
        (1, ("fire_detected", "")),
        (2, ("fault", "")),
        (8, ("mains_fault", "")),
        (9, ("panel_power_fault", "backup")),
        (10, ("fault", "bus")),
        (11, ("manual_mode", "")),
        (12, ("configuration_changed", "")),
        (13, ("reset", "")),
    ],
)
def test_each_bit_of_a_system(bit: int, point: tuple[str, str]) -> None:
    """The bits a system has beside a component's."""
    got = tell(sent(State((1, 3), 1 | 1 << bit, AT)))
    assert [(d, m, c) for d, m, c, v in rows(got) if v is True] == [
        (f"{HOME}/1.3", *point),
        (HOME, "heartbeat", ""),
    ]


@pytest.mark.parametrize(
    ("bit", "point"),
    [
        (1, ("fire_detected", "")),
        (2, ("fault", "")),
        (3, ("mains_fault", "")),
        (4, ("panel_power_fault", "backup")),
        (5, ("fault", "link")),
        (6, ("fault", "line")),
    ],
)
def test_each_bit_of_a_transmission_device(bit: int, point: tuple[str, str]) -> None:
    """The bits of the transmission device itself."""
    got = tell(sent(State(None, 1 | 1 << bit, AT)))
    assert [(d, m, c) for d, m, c, v in rows(got) if v is True] == [(HOME, *point), (HOME, "heartbeat", "")]


@pytest.mark.parametrize(
    "said_", [part(0x0201), State((1, 1), 0x4001, AT), State(None, 0x81, AT), Operation(None, 0x80, 0, AT)]
)
def test_reserved_bits_are_reported_and_mean_nothing(said_: Said) -> None:
    """A bit the standard reserves is set aside with the reason; what else the state says is read."""
    got = tell(sent(said_))
    assert code(got) == "unknown-bits"
    assert not urgent(got)
    assert len(got.readings) > 1


@given(st.integers(0, 255), st.integers(0, 0xFFFF))
def test_alarms_come_from_the_fire_bit_alone(kind: int, bits: int) -> None:
    """Of all 65 536 states of any component, exactly those with the fire bit are an alarm."""
    got = tell(sent(part(bits, kind)))
    assert urgent(got) == bool(bits & 2)


# ------------------------------------------------------------------------------------- measurements


@pytest.mark.parametrize(
    ("quantity", "count", "metric", "value"),
    [
        (1, 12, "pulse_count", 12),
        (2, 123, "water_level", 1230),
        (3, 215, "temperature", 21.5),
        (3, -405, "temperature", -40.5),
        (4, 7, "pressure", 700),
        (5, 1423, "pressure", 142.3),
        (6, 253, "gas_lel", 25.3),
        (7, 60, "seconds", 60),
        (8, 2203, "voltage", 220.3),
        (9, 25, "current", 2500),
        (10, 15, "flow", 90),
        (11, 125, "air_flow_m3_min", 12.5),
        (12, 3, "air_speed_m_s", 3),
    ],
)
def test_every_analog_type(quantity: int, count: int, metric: str, value: float) -> None:
    """Each row of table 6 comes out in the metric's canonical unit."""
    got = tell(sent(Analog((11, 1), 99, 7, quantity, count, AT)))
    assert rows(got)[0] == (f"{HOME}/11.1.00000007", metric, "", pytest.approx(value, rel=1e-12))
    assert flags(got) == {0}
    assert split_point(got.readings[0].point)[1] == metric


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_counts_outside_the_valid_range_are_flagged(quantity: int) -> None:
    """The ends of the range that table 6 gives are valid; what lies beyond is kept, never judged."""
    row = QUANTITIES[quantity]
    for count, flag in ((row.low, 0), (row.low - 1, INVALID), (row.high + 1, INVALID), (-32768, INVALID)):
        got = tell(sent(Analog((11, 1), 99, 7, quantity, count, AT)))
        assert got.readings[0].flags == flag
        assert got.readings[0].value is not None


def test_a_residual_current_leaks() -> None:
    """The ampere of an electrical fire detector are leaking ones."""
    for kind, metric in ((16, "leakage_current"), (17, "leakage_current"), (18, "current")):
        assert rows(tell(sent(Analog((1, 1), kind, 7, 9, 3, AT))))[0][1:] == (metric, "", 300)


@pytest.mark.parametrize("quantity", [0, 13, 127, 128, 255])
def test_analog_types_nobody_defined(quantity: int) -> None:
    """A count without a unit is no measurement; it is set aside, and the device is alive."""
    got = tell(sent(Analog((1, 1), 99, 7, quantity, 3, AT)))
    assert code(got) == "unknown-unit"
    assert rows(got) == [(HOME, "heartbeat", "", True)]


# --------------------------------------------------------------------------------------- operations


@pytest.mark.parametrize("who", [None, (1, 1)])
@pytest.mark.parametrize(
    ("bit", "said_"),
    [
        (0, {"reset": True, "call_point": False}),
        (1, {"muted": True}),
        (2, {"call_point": True}),
        (3, {"call_point": False}),
        (4, {"self_test": True}),
        (5, {}),
        (6, {"test": True}),
    ],
)
def test_each_operation(who: tuple[int, int] | None, bit: int, said_: dict[str, bool]) -> None:
    """Only the alarm raised by hand is an alarm; muting, tests and duty checks are none."""
    got = tell(sent(Operation(who, 1 << bit, 9, AT)))
    device = f"{HOME}/1.1" if who else HOME
    if bit == 5:
        said_ = {"acknowledged" if who else "duty_answered": True}
    found = {m: v for d, m, _, v in rows(got) if d == device and m != "heartbeat"}
    assert found == said_ | {"operator": 9}
    assert urgent(got) == (bit == 2)


def test_an_alarm_by_hand_outranks_a_reset_beside_it() -> None:
    """Set together, the alarm counts."""
    assert values(tell(sent(Operation(None, 0x0D, 1, AT))))["call_point", ""] is True


@pytest.mark.parametrize("who", [None, (1, 1)])
def test_records_asked_for_are_history(who: tuple[int, int] | None) -> None:
    """A manual alarm of last month, in the answer to a question, calls nobody out; a state answered is live."""
    got = tell(sent(Operation(who, 0x04, 9, AT), command=ANSWER))
    assert not urgent(got)
    assert {int(r.flags) for r in got.readings[:-1]} == {int(Flag.HISTORICAL)}
    assert urgent(tell(sent(part(2), command=ANSWER)))


# --------------------------------------------------------------------------------- times and texts


def test_times_are_chinas() -> None:
    """The six bytes are second first, local to China."""
    assert to_ms(bytes.fromhex("023A091A090C")) == 1_348_624_682_000
    (reading, *_) = tell(frame("F1")).readings
    assert (reading.measured_at, reading.flags) == (1_348_624_682_000, CLOCK_BAD)
    assert tell(sent(part(2))).readings[0].measured_at == NOW // 1000 * 1000


@given(st.integers(946_656_000, 4_102_415_999))  # 2000-01-01 to 2099-12-31 in China
def test_times_come_back(second: int) -> None:
    """Every second of the century is written and read back."""
    assert to_ms(to_bytes(second * 1000)) == second * 1000


@pytest.mark.parametrize(
    "stamp",
    [
        "000000000000",
        "3C0000010118",
        "003C00010118",
        "000018010118",
        "000000200118",
        "00000001000C",
        "0000001E0218",
        "000000010164",
        "FFFFFFFFFFFF",
    ],
)
def test_what_is_no_time_is_left_out(stamp: str) -> None:
    """Bytes that are no time leave the alarm its place in the order it came."""
    assert to_ms(bytes.fromhex(stamp)) is None
    got = tell(sent(part(2, time=bytes.fromhex(stamp))))
    assert [(r.value, r.measured_at, r.flags) for r in got.readings[:1]] == [(True, None, 0)]
    assert urgent(got)


def test_a_clock_ahead_is_flagged() -> None:
    """A state from the future is kept with its time and the flag."""
    got = tell(sent(part(2, time=to_bytes(NOW + 3_600_000))))
    assert got.readings[0].flags == CLOCK_BAD
    assert urgent(got)


def test_objects_without_times_get_the_frames() -> None:
    """Devices that leave the times away are read; then the time of sending counts."""
    system, device = State((1, 1), 2), State(None, 2)
    for one in (part(2, time=b""), system, device, Operation(None, 4, 1), Analog((1, 1), 1, 1, 3, 5)):
        got = tell(sent(*[one] * (1 if one is device else 2)))
        assert got.quarantine is None
        assert {r.measured_at for r in got.readings} == {NOW // 1000 * 1000}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("3号楼2单元".encode("gb18030"), "3号楼2单元"),
        (b"  hall  ", "hall"),
        (b"hall\0rest of an older text", "hall"),
        ("一二三四五六七八九十一二三四五六".encode("gb18030")[:31], "一二三四五六七八九十一二三四五"),
        (b"a\x07b\x1bc", "a b c"),
        (b"\xff\xfe\xfd", None),
        (b" " * 31, None),
        (b"", None),
    ],
)
def test_texts(text: bytes, words: str | None) -> None:
    """GB 18030 up to the first NUL; a character cut in half, spaces and control characters spoil nothing."""
    found = [v for _, m, _, v in rows(tell(sent(part(1, text=text)))) if m == "description"]
    if words is None:
        assert all("\ufffd" in v for v in found)
    else:
        assert found == [words]


# ----------------------------------------------------------------------------------- units and commands


@pytest.mark.parametrize("cut", [1, 5, 45, 47])
def test_a_unit_that_is_shorter_than_its_count(cut: int) -> None:
    """Objects that are there are read, and the unit is set aside with the reason."""
    unit = write([part(2), part(2, kind=31)])
    got = tell(sent(unit=unit[:-cut]))
    assert code(got) == "wrong-length"
    assert [m for _, m, _, v in rows(got) if v is True] == (
        ["smoke", "heartbeat"] if cut < 46 else ["heartbeat"]
    )


@pytest.mark.parametrize(
    ("unit", "aside"),
    [
        (b"", None),
        (b"\x16", None),
        (b"\x17", "wrong-length"),
        (b"\x02\x00", None),
        (b"\x02\x01", "wrong-length"),
        (b"\x06\x01\x01\x01\xff", "wrong-length"),
        (b"\x06\x01\x01\x01\x00tail", "wrong-length"),
        (b"\x1a\x01\x00", None),
        (b"\x1a\x01", "wrong-length"),
        (b"\x19\x01\x01\x01\x01", "wrong-length"),
        (b"\x00\x01", "unknown-type"),
        (b"\x09\x01x", "unknown-type"),
        (b"\x3d\x01\x01\x01", "unknown-type"),
        (b"\xfe\x01" + bytes(1022), "unknown-type"),
    ],
)
def test_units_of_every_kind_are_confirmed(unit: bytes, aside: str | None) -> None:
    """Whatever a device sends as data it gets its confirm and counts as alive; what is not understood is set aside."""
    got = tell(sent(unit=unit))
    assert code(got) == aside
    assert (HOME, "heartbeat", "", True) in rows(got)
    (taken,) = streamed(sent(unit=unit))
    assert taken.confirm is not None
    assert parse(taken.confirm).data == (b"\x17" if unit == b"\x16" else b"")


def test_every_command_has_its_answer() -> None:
    """Data, control and makers' commands are confirmed, answers taken, confirms and denials noted, the rest denied."""
    for command in range(256):
        data = sent(State(None, 3, AT), command=command)
        (taken,) = streamed(data)
        confirmed = command in {1, 2} or command >= 128
        denied = command in {0, 4} or 7 <= command < 128
        assert (taken.topic != "") == (confirmed or command == ANSWER)
        assert (taken.confirm and parse(taken.confirm).command) == (CONFIRM if confirmed else None)
        assert (taken.refuse and parse(taken.refuse).command) == (DENY if denied else None)
        got = tell(data)
        assert urgent(got) == (command in {SEND, ANSWER})
        assert (code(got) == "unknown-command") == (command == 0 or command >= 7)


@pytest.mark.parametrize("version", [(1, 1), (1, 2), (0, 1), (16, 0), (255, 255)])
def test_no_version_is_refused(version: tuple[int, int]) -> None:
    """Devices write what they like there; it is echoed."""
    data = encode(Packet(9, *version, AT, 1, 2, SEND, write([part(2)])))
    (taken,) = streamed(data)
    assert taken.confirm is not None
    assert (parse(taken.confirm).main, parse(taken.confirm).user) == version
    assert urgent(tell(data))


def test_retained_and_configured() -> None:
    """A frame a broker replays says so in every reading, and so calls nobody; configurations are texts."""
    got = tell(sent(part(2)), retained=True)
    assert {r.flags & RETAINED for r in got.readings} == {RETAINED}
    assert not urgent(got)
    assert values(tell(sent(Configuration(None, "主机".encode("gb18030")))))["configuration", ""] == "主机"


# -- what devices are told ------------------------------------------------------------------------------------

HEARD = ("000000000379", "000000000379/1.1", "000000000379/1.1.0002000a")


@pytest.mark.parametrize(("native", "name", "unit"), [
    (HEARD[0], "duty_check", "04 5b0100"), (HEARD[0], "set_clock", "04 5a01" + to_bytes(NOW).hex()),
    (HEARD[0], "initialise", "04 590100"),
    (HEARD[0], "read_state", "04 510100"), (HEARD[0], "read_version", "04 550100"),
    (HEARD[1], "read_state", "04 3d010101"), (HEARD[1], "read_clock", "04 44010101"),
    (HEARD[2], "read_state", "04 3e0101010a000200"),
])  # fmt: skip
def test_an_order_becomes_its_frame(native: str, name: str, unit: str) -> None:
    """To the address that spoke, from the one it spoke to, in its version; confirm or answer bring the serial back."""
    said = gb26875.command({}, native, name, "c1", 0)
    assert not isinstance(said, str)
    (order,) = said
    assert order.topic == "line:gb26875/000000000379"
    heard = encode(Packet(9, 1, 2, to_bytes(NOW), 0x379, 0x15B38, SEND, b"\x16"))
    packet = parse(gb26875.tell(order.payload, heard[:64], 77, NOW))
    assert (packet.serial, packet.main, packet.user, packet.source, packet.target) == (
        77,
        1,
        2,
        0x15B38,
        0x379,
    )
    assert packet.command in (CONTROL, REQUEST)
    assert packet.data == bytes.fromhex(unit[2:])
    for command, took in ((CONFIRM, True), (ANSWER, True), (DENY, False)):
        answer = encode(Packet(77, 1, 2, to_bytes(NOW), 0x379, 0x15B38, command, b""))
        (one,) = gb26875.frames(bytearray(answer), NOW)
        assert one.reply == (77, took)


@pytest.mark.parametrize(("native", "name", "why"), [
    ("0379", "duty_check", "unknown-device"), (f"{HEARD[0]}/300.1", "read_state", "unknown-device"),
    (HEARD[1], "duty_check", "not-taken"), (HEARD[2], "read_clock", "not-taken"), (HEARD[0], "siren_on", "not-taken"),
])  # fmt: skip
def test_what_the_standard_has_no_frame_for(native: str, name: str, why: str) -> None:
    """A panel is never told to do anything, and a detector has no clock."""
    said = gb26875.command({}, native, name, "c1", 0)
    assert isinstance(said, str)
    assert said.startswith(why)


def test_the_clock_remark_is_no_exchange() -> None:
    """Its serial number lies above ours, so that its confirm settles nothing that somebody waits for."""
    wrong = encode(Packet(9, 1, 1, to_bytes(NOW - 86_400_000), 0x379, 0, SEND, b""))
    (one,) = gb26875.frames(bytearray(wrong), NOW)
    assert one.remark is not None
    assert parse(one.remark).serial > 0x7FFF
