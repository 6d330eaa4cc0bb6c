"""CTWing: who a device is, when it spoke, what its product's keys and bytes mean, and what is set aside."""

from __future__ import annotations

import base64
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.codec import Decoded, Push, Reply
from devices.codecs import ctwing
from devices.codecs.ctwing import IMEIS_MAX
from devices.profile import PROFILES, Profiles
from devices.profile_load import compile_profile, shipped_data, shipped_profiles
from tests.devices.reading_rows import CLOCK_BAD, INVALID, NOW, RETAINED, code, flags, rows, said

IMEI, HUB = "861050040000001", "8c1f2d0e4b6a47c69b3f5a7d1e2c3b4a"
AT = NOW - 500


def push(kind: str, **more: Any) -> dict[str, Any]:
    """The envelope of a message; None takes a key away."""
    body = {
        "messageType": kind, "timestamp": AT, "tenantId": "10461180", "protocol": "lwm2m", "productId": "10012345",
        "deviceId": HUB, "IMSI": "undefined", "IMEI": IMEI, "deviceType": "", "assocAssetId": "", **more,
    }  # fmt: skip
    return {k: v for k, v in body.items() if v is not None}


def tell(body: Any, context: dict[str, Any] | None = None, **more: Any) -> Decoded:
    """One push."""
    return said(ctwing, "ctwing", json.dumps(body, ensure_ascii=False), context, **more)


def data(payload: Any, context: dict[str, Any] | None = None, **more: Any) -> Decoded:
    """A data report of these keys or bytes."""
    return tell(push("dataReport", payload=payload, upDataSN=-1, upPacketSN=-1, **more), context)


def app(payload: bytes, context: dict[str, Any] | None = None, **more: Any) -> Decoded:
    """A data report in transparent mode."""
    return data({"APPdata": base64.b64encode(payload).decode()}, context, **more)


def test_only_a_post_is_taken_and_the_path_becomes_the_topic() -> None:
    """A push is taken as it was sent; a browser's look is answered and takes nothing."""
    assert ctwing.admit(Push("POST", "", body=b"{}"), "key") == ("ctwing", b"{}")
    assert ctwing.admit(Push("POST", "b3/smoke", body=b"{}"), "key") == ("ctwing/b3/smoke", b"{}")
    assert ctwing.admit(Push("GET", ""), "key") == Reply(200)
    assert ctwing.admit(Push("DELETE", ""), "key") == Reply(405)


@pytest.mark.parametrize(
    ("more", "device"),
    [
        ({}, IMEI),
        ({"IMEI": None, "imei": IMEI}, IMEI),
        ({"IMEI": int(IMEI)}, IMEI),
        ({"IMEI": "undefined"}, HUB),
        ({"IMEI": " "}, HUB),
        ({"IMEI": None}, HUB),
        ({"IMEI": ["x"]}, HUB),
    ],
)
def test_a_device_goes_by_its_imei(more: dict[str, Any], device: str) -> None:
    """The IMEI printed on it names a device, and only without one the platform's id."""
    assert rows(data({"SmokeAlarm": 1}, **more)) == [(device, "smoke", "", True)]


def test_the_imei_of_an_id_is_learned_once() -> None:
    """Reports without an IMEI belong to the device whose IMEI came with the same id; a change alone is journalled."""
    first = data({"SmokeAlarm": 0})
    assert [(x.key, x.value) for x in first.learned] == [(f"imei:{HUB}", IMEI)]
    context = {x.key: x.value for x in first.learned}
    assert data({"SmokeAlarm": 0}, context).learned == ()
    gone = tell(push("deviceOnlineOfflineReport", eventType=0, IMEI=None), context)
    assert rows(gone) == [(IMEI, "availability", "", "offline")]
    changed = data({"SmokeAlarm": 0}, context, IMEI="861050040000002")
    assert [(x.key, x.value) for x in changed.learned] == [(f"imei:{HUB}", "861050040000002")]


def test_what_is_learned_is_bounded() -> None:
    """A sender of invented ids cannot fill the memory: the last device is named, and not remembered."""
    full: dict[str, Any] = {f"imei:{n}": str(n) for n in range(IMEIS_MAX)}
    got = data({"SmokeAlarm": 1}, full)
    assert got.learned == ()
    assert rows(got) == [(IMEI, "smoke", "", True)]


def test_times_are_the_platforms_and_nonsense_is_marked() -> None:
    """`timestamp` is the time of measuring; years off it is kept and its clock marked."""
    (fine,) = data({"SmokeAlarm": 1}).readings
    assert (fine.measured_at, fine.flags) == (AT, 0)
    bad = data({"SmokeAlarm": 1}, timestamp=1000)
    assert flags(bad) == {CLOCK_BAD}
    none = data({"SmokeAlarm": 1}, timestamp=None)
    assert [r.measured_at for r in none.readings] == [None]
    assert none.sequence is None


def test_a_repetition_is_told_from_a_second_report() -> None:
    """The platform tries three times with the same bytes; another report of the same millisecond is another one."""
    one, again, other = (data({"SmokeAlarm": v}) for v in (1, 1, 0))
    assert one.sequence == again.sequence
    assert one.sequence != other.sequence
    assert one.sequence != data({"SmokeAlarm": 1}, deviceId="x", IMEI=None).sequence


def test_a_retained_message_is_marked() -> None:
    """What a bridge kept is no news."""
    assert flags(tell(push("dataReport", payload={"SmokeAlarm": 1}), retained=True)) == {RETAINED}


@pytest.mark.parametrize(
    ("payload", "wanted"),
    [
        ({"smoke_state": 1, "battery_value": 60, "rsrp": -900}, {"smoke": True, "battery": 60}),
        ({"烟雾报警状态": 1, "电量": 50}, {"smoke": True, "battery": 50}),
        ({"gas_alarm": 1, "gas_value": 12}, {"gas": True, "gas_lel": 12}),
        ({"co_alarm": 1}, {"co": True}),
        ({"co_alarm": 0, "co_value": 3}, {"co": False, "co_ppm": 3}),
        ({"heat_alarm": 1, "temperature": 71}, {"heat": True, "temperature": 71}),
        ({"water_leak_state": 1}, {"water_leak": True}),
        ({"sos_alarm": 1}, {"sos": True}),
        ({"door_state": 0}, {"door_open": False}),
        ({"motion_state": 1}, {"motion": True}),
        ({"tamper_alarm": 1, "battery_voltage": 3012}, {"tamper": True, "battery_voltage": 3.012}),
        ({"battery_state": 1}, {"battery_low": True}),
        ({"smoke_alarm_threshold": 1, "battery_value": 80}, {"battery": 80}),
        ({"smoke_state": None}, {"smoke": None}),
    ],
    ids=str,
)
def test_keys_of_public_product_models(payload: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Product models of devices nobody has a profile for are understood by their words."""
    got = data(payload)
    assert {m: v for _, m, _, v in rows(got)} == wanted
    assert got.quarantine is None


@pytest.mark.parametrize(
    ("payload", "wanted"),
    [
        ({"smoke_state": 2}, {"smoke": None}),
        ({"smoke_state": "wibble"}, {"smoke": None}),
        ({"co_alarm": 7}, {"co": None}),
        ({"FireAlarmCode": 3}, {}),
        ({"XYZ报警": 5}, {}),
        ({"danger_level": 3}, {}),
    ],
    ids=str,
)
def test_an_alarm_nobody_understands_never_reads_as_normal(
    payload: dict[str, Any], wanted: dict[str, Any]
) -> None:
    """A code of more than yes and no, a word nobody knows, a key that sounds like danger: set aside, and no "no"."""
    got = data({**payload, "battery_value": 80})
    assert code(got) == "no-profile"
    there = {m: v for _, m, _, v in rows(got)}
    assert there == {"battery": 80, **wanted}
    assert all(r.flags & INVALID for r in got.readings if r.value is None)


def test_a_list_of_services_keeps_the_alarm() -> None:
    """Of two services that speak of the same, the one in alarm counts."""
    parts = [{"serviceId": s, "serviceData": {"SmokeAlarm": v}} for s, v in (("a", 1), ("b", 0))]
    assert rows(data(parts)) == rows(data(parts[::-1])) == [(IMEI, "smoke", "", True)]


def test_a_profile_of_the_product_reads_its_bytes() -> None:
    """Transparent data are read as the product's profile says, and set aside with a living device without one."""
    mine = compile_profile({
        "name": "own", "match": {"codec": "ctwing", "product": 10012345},
        "fields": [{"at": 1, "metric": "smoke"}, {"at": [2, 2], "metric": "battery_voltage", "unit": "mV"}],
    })  # fmt: skip
    context = {PROFILES: Profiles(shipped_profiles(), [mine])}
    wanted = [(IMEI, "smoke", "", True), (IMEI, "battery_voltage", "", 3)]
    assert rows(app(bytes.fromhex("7e010bb8"), context)) == wanted
    stranger = app(bytes.fromhex("7e010bb8"), context, productId="other")
    assert rows(stranger) == [(IMEI, "heartbeat", "", True)]
    assert stranger.quarantine == "no-profile: 4 bytes 7e010bb8 of product other"


def test_a_published_packet_in_the_products_own_time() -> None:
    """A shipped profile takes the packet's own clock: seconds since 2018-09-10 in China."""
    got = app(base64.b64decode("UFUAMBAKLwgBAAMAGwL75SxogDAwcVR5BQgAAAAAAS9kdwJVcVJZAvmvgAL75SwAAAAAAA=="))
    assert got.quarantine is None
    assert {r.measured_at for r in got.readings} == {1_586_571_436_000}  # 2020-04-11 10:17:16 in China
    assert flags(got) <= {0, CLOCK_BAD}


def test_an_event_that_counts_the_other_way_round_needs_the_products_profile() -> None:
    """A warning that says 0 is unknown until the operator binds the product; then it is smoke."""
    event = push("eventReport", eventType=2, serviceId=1001, eventContent={"smoke_state": 0})
    doubtful = tell(event)
    assert (rows(doubtful), flags(doubtful)) == ([(IMEI, "smoke", "", None)], {INVALID})
    assert code(doubtful) == "no-profile"
    bound = compile_profile(
        {"name": "mine", "like": "siterwell-smoke", "match": {"codec": "ctwing", "product": "10012345"}},
        shipped_data(),
    )
    got = tell(event, {PROFILES: Profiles(shipped_profiles(), [bound])})
    assert (rows(got), got.quarantine) == ([(IMEI, "smoke", "", True)], None)


@pytest.mark.parametrize("kind", ["deviceMoved", "", "datareport"])
def test_a_kind_of_message_nobody_documented_is_set_aside_and_its_device_lives(kind: str) -> None:
    """The device is in the inbox whatever it said."""
    got = tell(push(kind, payload={"SmokeAlarm": 1}))
    assert rows(got) == [(IMEI, "heartbeat", "", True)]
    assert code(got) == "unknown-kind"


@pytest.mark.parametrize("payload", [None, [], {}, "", "hello", 5, True, [[]], [None], {"serviceData": None},
                                     {"APPdata": "not base64!"}, {"APPdata": ""}, {"serviceId": {}}])  # fmt: skip
def test_nothing_to_read_is_said_and_the_device_lives(payload: Any) -> None:
    """A report without content is never silently taken for one that says all is well."""
    got = data(payload)
    assert code(got) == "no-profile"
    assert rows(got) == [(IMEI, "heartbeat", "", True)]


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=8),
                    lambda x: st.lists(x, max_size=3) | st.dictionaries(
                        st.sampled_from(["serviceData", "APPdata", "serviceId", "smoke_state", "value", "报警"]), x)),
       st.sampled_from(["dataReport", "eventReport", "infoReport", "deviceOnlineOfflineReport"]))  # fmt: skip
def test_no_shape_of_content_raises_or_is_lost(content: Any, kind: str) -> None:
    """Whatever stands in an envelope, something is said of its device, and it can be journalled."""
    got = tell(push(kind, payload=content, eventContent=content, eventType=content))
    assert got.readings or got.quarantine
    msgspec.msgpack.encode(got)
