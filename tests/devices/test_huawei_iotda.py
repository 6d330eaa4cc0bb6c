"""IoTDA and OceanConnect: both envelopes, names, times, services, states, and what is set aside."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.codec import Decoded, Push, Reply
from devices.codecs import huawei_iotda
from devices.codecs.huawei_iotda import SERVICES_MAX
from devices.profile import PROFILES, Profiles
from devices.profile_load import compile_profile
from tests.devices.reading_rows import CLOCK_BAD, RETAINED, code, flags, rows, said

NODE, ID = "866123040000001", "5fd6df9937f2a30303b55693_866123040000001"
SERVICE_TIME, PUSH_TIME = 1_763_759_998_000, 1_763_759_999_800  # 21:19:58 and 21:19:59.800


def push(
    resource: str, event: str, body: Any, header: dict[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    """A notification of IoTDA; `header` adds to the header all share."""
    whole = {"device_id": ID, "node_id": NODE, "product_id": "5fd6df9937f2a30303b55693", **(header or {})}
    return {
        "resource": resource, "event": event, "event_time": "20251121T211959Z",
        "event_time_ms": "2025-11-21T21:19:59.800Z", "request_id": "r-1",
        "notify_data": {"header": whole, "body": body}, **more,
    }  # fmt: skip


def tell(body: Any, context: dict[str, Any] | None = None, **more: Any) -> Decoded:
    """One notification."""
    return said(huawei_iotda, "huawei-iotda", json.dumps(body, ensure_ascii=False), context, **more)


def service(name: str, properties: Any, time: Any = "20251121T211958Z") -> dict[str, Any]:
    """One service of a report."""
    return {"service_id": name, "properties": properties, "event_time": time}


def report(*services: dict[str, Any], context: dict[str, Any] | None = None, **more: Any) -> Decoded:
    """A report of properties."""
    return tell(push("device.property", "report", {"services": list(services)}, **more), context)


def old(properties: Any, context: dict[str, Any] | None = None, **more: Any) -> Decoded:
    """OceanConnect's notification of one service."""
    body = {"serviceId": "Smoke", "serviceType": "Smoke", "data": properties, "eventTime": "20251121T211958Z"}
    return tell({"notifyType": "deviceDataChanged", "deviceId": "d1", "service": body, **more}, context)


def test_only_a_post_is_taken() -> None:
    """The platform posts; a browser's look is answered and takes nothing."""
    assert huawei_iotda.admit(Push("POST", "b3", body=b"{}"), "key") == ("huawei-iotda/b3", b"{}")
    assert huawei_iotda.admit(Push("HEAD", ""), "key") == Reply(200)
    assert huawei_iotda.admit(Push("PUT", ""), "key") == Reply(405)


@pytest.mark.parametrize(
    ("header", "device"),
    [({}, NODE), ({"node_id": None}, ID), ({"node_id": " "}, ID), ({"node_id": 866}, "866")],
)
def test_a_device_goes_by_its_node_id(header: dict[str, Any], device: str) -> None:
    """What is printed on the device names it, the platform's id only without that."""
    assert rows(report(service("s", {"sos": 1}), header=header)) == [(device, "sos", "", True)]


def test_a_header_may_be_missing_and_a_body_may_stand_beside() -> None:
    """The documents print a notification in three ways; all are read."""
    inside = {"services": [service("s", {"sos": 1})]}
    beside = {**push("device.property", "report", None), "body": inside}
    del beside["notify_data"]["body"]
    flat = push("device.property", "report", None, notify_data={**inside, "node_id": NODE})
    assert rows(tell(beside)) == rows(tell(flat)) == [(NODE, "sos", "", True)]


def test_each_service_has_its_own_time_and_the_push_one_for_all_others() -> None:
    """Both ways of writing a time are understood; nonsense is left out, years off is marked."""
    got = report(
        service("a", {"sos": 1}), service("b", {"humidity": 1}, None), service("c", {"battery": 1}, "?")
    )
    assert [r.measured_at for r in got.readings] == [SERVICE_TIME, PUSH_TIME, PUSH_TIME]
    late = report(service("a", {"sos": 1}, "20991121T211958Z"))
    assert flags(late) == {CLOCK_BAD}
    assert old({"SmokeAlarm": 1}).readings[0].measured_at == SERVICE_TIME


def test_a_repetition_is_told_by_its_request() -> None:
    """The same request with the same bytes is the same message; OceanConnect tells no request."""
    one, again = (report(service("a", {"sos": 1})) for _ in range(2))
    assert one.sequence == again.sequence is not None
    assert report(service("a", {"sos": 0})).sequence != one.sequence
    assert old({"SmokeAlarm": 1}).sequence is None


@pytest.mark.parametrize(
    ("name", "properties", "wanted"),
    [
        ("smokeDetector", {"alarm": 1}, {"smoke": True}),
        ("smokeDetector", {"alarm": "1"}, {"smoke": True}),
        ("smokeDetector", {"status": 0}, {"smoke": False}),
        ("SmokeDetector", {"alarmStatus": True}, {"smoke": True}),
        ("GasDetector", {"alarm": 1, "battery": 90}, {"gas": True, "battery": 90}),
        ("WaterLeak", {"state": 1}, {"water_leak": True}),
        ("烟雾报警", {"报警状态": 1}, {"smoke": True}),
        ("DoorSensor", {"door_open": True}, {"door_open": True}),
        ("Battery", {"batteryLevel": 20, "LowBattery": 1}, {"battery": 20, "battery_low": True}),
        ("Meter", {"alarm": 1}, {"alarm_unspecified": True}),
        ("Meter", {"co_alarm": 1, "co_value": 120}, {"co": True, "co_ppm": 120}),
        ("Temp", {"temperature": 21.5, "humidity": 40}, {"temperature": 21.5, "humidity": 40}),
        ("Temp", {"reading": {"temperature": 21.5}}, {"temperature": 21.5}),
    ],
    ids=str,
)
def test_a_service_gives_its_keys_their_subject(
    name: str, properties: dict[str, Any], wanted: dict[str, Any]
) -> None:
    """`alarm` in a service of smoke is smoke; in one that names nothing it is an alarm without a kind."""
    got = report(service(name, properties))
    assert {m: v for _, m, _, v in rows(got)} == wanted
    assert got.quarantine is None
    legacy = old(None, service={"serviceId": name, "data": properties})
    assert {m: v for _, m, _, v in rows(legacy)} == wanted


@pytest.mark.parametrize(
    ("name", "properties"),
    [
        ("smokeDetector", {"alarm": 2}),
        ("smokeDetector", {"status": "wibble"}),
        ("Meter", {"alarm": 12}),
        ("Meter", {"dangerLevel": 3}),
        ("Meter", {"devStatus": 4}),
    ],
    ids=str,
)
def test_an_alarm_nobody_understands_never_reads_as_normal(name: str, properties: dict[str, Any]) -> None:
    """Codes of unknown makers are set aside, and nothing says "no" because of them."""
    got = report(service(name, {**properties, "battery": 50}))
    assert code(got) == "no-profile"
    assert "5fd6df9937f2a30303b55693" in str(got.quarantine)
    assert not [r for r in got.readings if r.value is False]
    assert (NODE, "battery", "", 50) in rows(got)


@pytest.mark.parametrize(
    ("status", "wanted"),
    [
        ("ONLINE", "online"),
        ("OFFLINE", "offline"),
        ("ABNORMAL", "offline"),
        ("INACTIVE", None),
        ("FROZEN", None),
    ],
)
def test_states_of_a_device(status: str, wanted: str | None) -> None:
    """Silent for its time counts as offline; never seen and frozen say nothing."""
    got = tell(push("device.status", "update", {"status": status}))
    assert rows(got) == ([(NODE, "availability", "", wanted)] if wanted else [])
    assert got.quarantine is None
    legacy = tell({"notifyType": "deviceInfoChanged", "deviceId": "d1", "deviceInfo": {"status": status}})
    assert rows(legacy) == ([("d1", "availability", "", wanted)] if wanted else [])


def test_the_time_of_a_state_is_its_own() -> None:
    """`status_update_time` says since when."""
    at = "2025-11-21T21:19:58.000Z"
    got = tell(push("device.status", "update", {"status": "ONLINE", "status_update_time": at}))
    assert [r.measured_at for r in got.readings] == [SERVICE_TIME]


@pytest.mark.parametrize(
    ("content", "wanted", "reason"),
    [
        ({"SmokeAlarm": 1}, {"smoke": True}, None),
        ('{"SmokeAlarm":1}', {"smoke": True}, None),
        ("7E01", {"heartbeat": True}, "no-profile"),
        (None, {"heartbeat": True}, "no-profile"),
        (7, {"heartbeat": True}, "no-profile"),
    ],
)
def test_a_message_of_the_devices_own_making(
    content: Any, wanted: dict[str, Any], reason: str | None
) -> None:
    """JSON in a message is understood; anything else waits for a profile."""
    got = tell(push("device.message", "report", {"topic": "up", "content": content}))
    assert {m: v for _, m, _, v in rows(got)} == wanted
    assert code(got) == reason


def test_a_profile_reads_a_message_by_its_product_and_its_topic() -> None:
    """The message's topic is what a profile calls its service."""
    mine = compile_profile({
        "name": "own", "match": {"codec": "huawei_iotda", "product": "5fd6df9937f2a30303b55693", "service": "up"},
        "payload": {"as": "hex"}, "fields": [{"at": 1, "metric": "smoke"}],
    })  # fmt: skip
    context: dict[str, Any] = {PROFILES: Profiles((), [mine])}
    for topic, wanted in (("up", "smoke"), ("other", "heartbeat")):
        got = tell(push("device.message", "report", {"topic": topic, "content": "7E01"}), context)
        assert rows(got) == [(NODE, wanted, "", True)]


def test_a_profile_may_name_the_device_from_inside_the_payload() -> None:
    """OceanConnect tells an id nobody has printed anywhere; a packet that carries its IMEI is named by that."""
    got = old({"Data": "N311V31I865815040244829H89861118280005212549X01T31U97S18"})
    assert {device for device, *_ in rows(got)} == {"865815040244829"}
    assert (rows(got)[0][1:], got.quarantine) == (("smoke", "", True), None)


@pytest.mark.parametrize(
    "body",
    [
        push("device.property", "report", {"services": []}),
        push("device.property", "report", {"services": None}),
        push("device.property", "report", None),
        push("device.future", "report", {"x": 1}),
        {"notifyType": "deviceFuture", "deviceId": NODE},
        {"notifyType": "deviceDataChanged", "deviceId": NODE, "service": None},
    ],
    ids=str,
)
def test_a_notification_without_content_is_set_aside_and_its_device_lives(body: dict[str, Any]) -> None:
    """What is not understood says at least who spoke."""
    got = tell(body)
    assert [r[:2] for r in rows(got)] == [(NODE, "heartbeat")]
    assert code(got) in {"unknown-kind", "no-profile"}


@pytest.mark.parametrize(("status", "says"), [
    ("SUCCESSFUL", "c-1 ok"), ("FAILED", "c-1 failed FAILED"), ("TIMEOUT", "c-1 failed TIMEOUT"),
    ("EXPIRED", "c-1 failed EXPIRED"), ("SENT", None), ("DELIVERED", None), ("PENDING", None), (7, None), ([], None),
])  # fmt: skip
def test_what_became_of_a_command_is_told_under_the_platforms_id(status: Any, says: str | None) -> None:
    """Done or not; that it is on its way, or arrived at the device, is neither."""
    body = {
        "resource": "device.command.status", "event": "update", "event_time": "20261121T160000Z",
        "notify_data": {"header": {"node_id": NODE, "device_id": "d"}, "body": {"command_id": "c-1", "status": status}},
    }  # fmt: skip
    got = tell(body)
    assert [(r[1], r[-1]) for r in rows(got)] == ([("command_result", says)] if says else [])
    assert got.quarantine is None


def test_the_platforms_own_affairs_say_nothing() -> None:
    """Products, tasks, and what became of messages are understood and no reading."""
    for resource in (
        "product",
        "batchtask",
        "device.message.status",
        "device.async",
    ):
        assert tell(push(resource, "update", {"status": "DONE"})) == Decoded()
    for kind in huawei_iotda._LEGACY_SILENT:
        assert tell({"notifyType": kind, "deviceId": "d"}) == Decoded()


def test_services_are_bounded() -> None:
    """A notification of thousands of services costs no more than one of the largest models."""
    got = report(*(service(f"s{n}", {f"temperature_{n}": n % 50}) for n in range(500)))
    assert 0 < len(got.readings) <= SERVICES_MAX


def test_of_two_services_the_alarm_counts_and_retained_is_marked() -> None:
    """In any order; and what a bridge kept is no news."""
    for values in ((1, 0), (0, 1)):
        got = tell(
            push(
                "device.property",
                "report",
                {"services": [service("smokeDetector", {"alarm": v}) for v in values]},
            ),
            retained=True,
        )
        assert rows(got) == [(NODE, "smoke", "", True)]
        assert flags(got) == {RETAINED}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda x: st.lists(x, max_size=3) | st.dictionaries(st.sampled_from(
        ["services", "service_id", "properties", "data", "content", "smoke", "status", "body", "node_id"]), x),
)  # fmt: skip


@given(JSON, JSON, st.sampled_from(["device.property", "device.status", "device.message", "device", "x"]))
def test_no_shape_of_notification_raises(body: Any, header: Any, resource: str) -> None:
    """Whatever stands where a service should, the answer can be journalled."""
    for more in ({}, {"notify_data": body}, {"notify_data": {"header": header, "body": body}}):
        msgspec.msgpack.encode(tell({**push(resource, "create", body), **more}))
    msgspec.msgpack.encode(tell({"notifyType": "deviceDatasChanged", "deviceId": "d", "services": body}))
    msgspec.msgpack.encode(tell({"notifyType": "deviceInfoChanged", "deviceInfo": header, "service": body}))
