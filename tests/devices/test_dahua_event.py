"""Dahua: every form an event comes in, codes and what their data adds, doors, names, pushes with pictures."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.codec import Decoded, Push, Reply
from devices.codecs import dahua_event
from devices.codecs.dahua_event import TOPIC, admit
from devices.codecs.dahua_event.codes import metrics_of
from devices.codecs.dahua_event.examples import flat, js, line
from devices.reading import METRICS
from tests.devices.reading_rows import CLOCK_BAD, NOW, RETAINED, code, flags, rows, said


def tell(payload: bytes, topic: str = f"cam/{TOPIC}", **more: Any) -> Decoded:
    """One message of a device."""
    return said(dahua_event, topic, payload, **more)


def metrics(decoded: Decoded) -> dict[str, Any]:
    """The values by metric."""
    return {metric: value for _, metric, _, value in rows(decoded)}


def test_every_form_is_one_event() -> None:
    """Text, text behind headers, flattened lines and three kinds of JSON say the same."""
    plain = line("FireWarning", index=3)
    base = {"Code": "FireWarning", "Action": "Start", "Index": 3}
    flattened = flat(
        EventBaseInfo__Code="FireWarning", EventBaseInfo__Action="Start", EventBaseInfo__Index="3", Name="x"
    )
    forms = [
        plain,
        b"  \r\n" + plain + b"\r\n\r\n",
        b"--myboundary\r\nContent-Type: text/plain\r\nContent-Length: 39\r\n\r\n" + plain + b"--myboundary",
        b"--myboundary\r\nContent-Length:37\r\n" + plain,
        b"Content-Type: text/plain\r\nContent-Length: 39\r\n\r\n" + plain,
        flattened,
        b"--b\r\nContent-Type: text/plain\r\n\r\n" + flattened + b"\r\n--b--",
        json.dumps(base).encode(),
        json.dumps([base]).encode(),
        json.dumps({"Events": [{**base, "Data": {}}]}).encode(),
        json.dumps({"Events": [{"EventBaseInfo": base}]}).encode(),
        json.dumps({"method": "client.notifyEventStream", "params": {"eventList": [base]}}).encode(),
        plain.replace(b"action", b"Action").replace(b"index", b" Index"),
    ]
    for form in forms:
        got = tell(form)
        assert rows(got) == [("cam/3", "fire_detected", "", True)], form
        assert code(got) is None, form


@pytest.mark.parametrize(
    "data",
    [
        "notjson",
        "key=value",
        "a;b;c=1;action=Stop",
        "[1,2]",
        '{"a;action=Stop;index=9":1}',
        '{\n "A" : "}"\n}',
        "",
    ],
)
def test_data_is_not_looked_for_an_action(data: str) -> None:
    """Whatever stands after `data=`, the action and the index are those before it."""
    got = tell(line("VideoMotion", index=2, data=data))
    assert rows(got) == [("cam/2", "motion", "", True)]
    assert code(got) is None


def test_data_that_broke_is_told_and_the_alarm_kept() -> None:
    """An object nobody can read sets the message aside; what the code says alone still counts."""
    got = tell(line("AlarmLocal", index=2, data='{"SenseMethod": "Smo'))
    assert rows(got) == [("cam/input/2", "alarm_input", "", True)]
    assert code(got) == "not-json"


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ("MoveDetection", "motion"), ("SmartMotionVehicle", "vehicle_detected"), ("FireDetection", "fire_detected"),
        ("HotSpotWarning", "heat"), ("ColdSpotWarning", "temperature_alarm"), ("StorageNotExist", "storage_fault"),
        ("StorageLowSpace", "storage_fault"), ("VideoAbnormalDetection", "camera_tamper"),
        ("StayDetection", "loitering"),
        ("CrossFenceDetection", "intrusion"), ("LeftDetection", "obstruction"), ("AudioMutation", "audio_detected"),
        ("AlarmOutput", "relay"), ("ChassisIntruded", "tamper"), ("IPConflict", "fault"), ("NetAbort", "fault"),
        ("PowerFault", "mains_fault"), ("AlarmInputSourceSignal", "digital_input"), ("videomotion", "motion"),
        ("FireLaneOccupied", "obstruction"), ("SmokingDetect", None), ("ElectromobileInLift", "ebike_detected"),
        ("FireExtinguisherMissing", ""), ("FaceDetection", ""), ("HumanTrait", ""), ("CitizenPictureCompare", ""),
        ("NewFile", ""), ("TimeChange", ""), ("MDResult", ""), ("FireWarningInfo", ""), ("WhoKnows", None),
    ],
)  # fmt: skip
def test_codes(event: str, expected: str | None) -> None:
    """Codes are read whatever their case; of one nobody lists the words tell, and never a fire from a fire lane."""
    assert metrics_of(event) == (None if expected is None else (expected,) if expected else ())


@given(st.text(max_size=64))
def test_every_code_gives_metrics_the_house_has(event: str) -> None:
    """Whatever an event is called, what it becomes is in the metric table."""
    assert all(metric in METRICS for metric in metrics_of(event) or ())


@pytest.mark.parametrize(
    ("action", "value"), [("Start", True), ("Pulse", True), ("start", True), ("Stop", False), ("State", None)]
)
def test_actions(action: str, value: bool | None) -> None:
    """Start and Pulse say yes, Stop no; a state told again is no event."""
    assert metrics(tell(line("CrossLineDetection", action))) == (
        {} if value is None else {"line_crossing": value}
    )
    assert code(tell(line("CrossLineDetection", action))) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [("Code=FireWarning", "wrong-value"), ("Code=FireWarning;action=", "wrong-value"),
     ("Code=FireWarning;action=Begin;index=0", "wrong-value"), ("Code=FireWarning;action=Start", "missing"),
     ("Code=FireWarning;action=Start;index=", "missing"), ("Code=", "missing"), ("Events[0].Name=x", "missing"),
     ("{}", "missing"), ("[]", "missing"), ('{"Events":5}', "wrong-type"), ("hello", "missing"), ("{", "not-json")],
)  # fmt: skip
def test_half_an_event_raises_nothing(text: str, reason: str) -> None:
    """What is not whole is set aside with its reason."""
    got = tell(text.encode())
    assert (rows(got), code(got)) == ([], reason)


def test_what_ended_once_is_no_news() -> None:
    """The end of a call for help, of a ring, of an unknown event and of an entry says nothing."""
    for event in ("Duress", "Invite", "WhoKnows", "AccessControl", "TrafficJunction"):
        assert rows(tell(line(event, "Stop"))) == []


SHUT = {"door_open": False, "door_forced": False, "door_held_open": False}


@pytest.mark.parametrize(
    ("event", "action", "data", "expected"),
    [
        ("DoorStatus", "Pulse", {"Status": "Open"}, {"door_open": True}),
        ("DoorStatus", "Pulse", {"Status": "Close"}, SHUT),
        ("DoorStatus", "Pulse", {"Status": "Break"}, {}),
        ("DoorStatus", "Pulse", None, {}),
        ("DoorStatus", "Start", None, {"door_open": True}),
        ("DoorStatus", "Close", None, SHUT),
        ("DoorOpen", "Pulse", None, {"door_open": True}),
        ("DoorClose", "Pulse", None, SHUT),
        ("BreakIn", "Pulse", None, {"door_forced": True}),
        ("DoorNotClosed", "Start", None, {"door_held_open": True}),
        ("DoorNotClosed", "Stop", None, {"door_held_open": False}),
        ("AccessControl", "Pulse", {"Status": 1}, {"access_event": True, "access_granted": True}),
        ("AccessControl", "Pulse", {"Status": 0}, {"access_event": True, "access_denied": True}),
        ("AccessControl", "Pulse", {"ErrorCode": 0}, {"access_event": True, "access_granted": True}),
        ("AccessControl", "Pulse", {"ErrorCode": 16}, {"access_event": True, "access_denied": True}),
        ("AccessControl", "Pulse", {}, {"access_event": True}),
    ],
)  # fmt: skip
def test_doors_and_entries(event: str, action: str, data: Any, expected: dict[str, Any]) -> None:
    """A pulse of a door says its state in its data; a door without a state says nothing, never closed."""
    assert metrics(tell(line(event, action, data=data))) == expected


@pytest.mark.parametrize(
    ("sensor", "metric"),
    [("SmokeSensor", "smoke"), ("GasSensor", "gas"), ("WaterSensor", "water_leak"), ("UrgencyButton", "sos"),
     ("CallButton", "sos"), ("HeatSensor", "heat"), ("PassiveInfrared", "alarm_input"),
     ("DoorMagnetism", "alarm_input"),
     ("", "alarm_input"), (5, "alarm_input"), (None, "alarm_input")],
)  # fmt: skip
def test_what_is_wired_to_an_input(sensor: Any, metric: str) -> None:
    """A panel that knows what a zone is says it; any other input is an alarm input."""
    for action, value in (("Start", True), ("Stop", False)):
        got = tell(line("AlarmLocal", action, 5, {"SenseMethod": sensor}))
        assert rows(got) == ([("cam/input/5", metric, "", value)] if metric != "sos" or value else [])


def test_temperatures_are_in_degrees_celsius_and_cold_is_no_heat() -> None:
    """The unit is said by a number or a word; an alarm below the limit is no fire alarm."""
    cold = line("HeatImagingTemper", data={"AlarmContion": "Below", "TemperatureValue": -30.5})
    assert metrics(tell(cold)) == {"temperature_alarm": True, "temperature": -30.5}
    hot = line("HeatImagingTemper", data={"Temperature": "212", "TemperatureUnit": "Fahrenheit"})
    assert metrics(tell(hot)) == {"heat": True, "temperature": 100.0}


def test_what_crossed_is_told() -> None:
    """People and vehicles besides the alarm; a face is not."""
    for kind, metric in (("Human", "person_detected"), ("Vehicle", "vehicle_detected"), ("Face", None)):
        got = metrics(tell(line("CrossRegionDetection", data={"Object": {"ObjectType": kind}})))
        assert got == {"intrusion": True} | ({metric: True} if metric else {})


@pytest.mark.parametrize(
    ("topic", "payload", "device"),
    [
        (TOPIC, line("VideoMotion"), "device"),
        (f"gate/7/{TOPIC}", line("VideoMotion"), "gate/7"),
        (f"gate/{TOPIC}", line("VideoMotion", index=4), "gate/4"),
        (f"gate/{TOPIC}", line("VideoMotion", index=-1), "gate"),
        (f"gate/{TOPIC}", js("VideoMotion"), "3c:ef:8c:00:11:22"),
        (TOPIC, json.dumps({"DeviceID": "N1", "Code": "VideoMotion", "Action": "Start"}).encode(), "N1"),
        (TOPIC, json.dumps({"SN": "", "Code": "VideoMotion", "Action": "Start"}).encode(), "device"),
    ],
)
def test_a_device_has_a_name(topic: str, payload: bytes, device: str) -> None:
    """The hardware's own name, else what stands before `cgi-bin`; channels beyond the first are places of their own."""
    assert [name for name, _, _, _ in rows(tell(payload, topic))] == [device]


@pytest.mark.parametrize(
    ("data", "at"),
    [({"RealUTC": 1763760000, "UTC": 1763788800, "UTCMS": 250}, 1_763_760_000_250),
     ({"UTC": 1763760000}, 1_763_760_000_000),
     ({"RealUTC": 1763760000.5}, 1_763_760_000_500), ({"CreateTime": "1763760000"}, 1_763_760_000_000),
     ({"UTC": "now", "UTCMS": 5}, None), ({"UTC": True}, None), ({"UTC": 0}, None), ({"UTC": 10**30}, None),
     ({}, None)],
)  # fmt: skip
def test_the_time_is_the_real_one(data: dict[str, Any], at: int | None) -> None:
    """`RealUTC` before `UTC`, with its milliseconds; what is no time is none."""
    assert {r.measured_at for r in tell(line("VideoMotion", data=data)).readings} == {at}


def test_clocks_and_stored_copies_are_marked() -> None:
    """A UTC that is the device's own time of day is ahead and marked; so is what the broker remembered."""
    ahead = line("VideoMotion", data={"UTC": NOW // 1000 + 8 * 3600})
    assert flags(tell(ahead)) == {CLOCK_BAD}
    assert flags(tell(line("VideoMotion"), retained=True)) == {RETAINED}


def test_many_events_of_a_stream() -> None:
    """All of them are read, and half a one beside them costs nothing."""
    stream = (
        line("VideoMotion", index=1)
        + b"Heartbeat\r\n"
        + b"Code=FireWarning;action=Sta\r\n"
        + line("VideoLoss")
    )
    got = tell(stream)
    assert sorted(m for _, m, _, _ in rows(got)) == ["heartbeat", "motion", "video_loss"]
    assert code(got) == "wrong-value"


def test_names_in_chinese_encodings_are_no_obstacle() -> None:
    """A rule named in GB 18030 does not cost the alarm."""
    body = 'Code=FireWarning;action=Start;index=0;data={"Name":"仓库"}'.encode("gb18030")
    assert metrics(tell(body)) == {"fire_detected": True}
    assert code(tell(body)) is None


def test_who_it_was_is_not_kept() -> None:
    """Neither name, card, room nor plate-less picture of a person is in any reading."""
    bodies = (
        line(
            "AccessControl",
            "Pulse",
            data={"CardNo": "998877", "UserID": "8001", "CardName": "John", "Status": 1},
        ),
        js("FaceRecognition", "Pulse", Candidates=[{"Person": {"Name": "John"}}]),
        line("Invite", "Pulse", data={"UserID": "8001"}),
    )
    for body in bodies:
        for secret in ("998877", "8001", "John"):
            assert secret not in repr(tell(body).readings)


def push(body: bytes, kind: str = "", path: str = "", method: str = "POST") -> Reply | tuple[str, bytes]:
    """What is taken from a request."""
    return admit(Push(method, path, {}, {"content-type": kind} if kind else {}, body), "key")


JPEG = b"--b\r\nContent-Type: image/jpeg\r\nContent-Length: 4\r\n\r\n\xff\xd8\xff\xe0{Code=\r\n"


def test_a_push_is_taken_without_its_pictures() -> None:
    """The text or JSON part alone is kept, under the path the device was told to push to."""
    text = b"--b\r\nContent-Type: text/plain\r\n\r\n" + line("FireWarning")
    for body in (text + JPEG + b"--b--\r\n", JPEG + text + b"--b--\r\n"):
        got = push(body, "multipart/x-mixed-replace; boundary=b", "gate-3")
        assert isinstance(got, tuple)
        assert b"\xff\xd8" not in got[1]
        assert rows(tell(got[1], got[0])) == [("gate-3", "fire_detected", "", True)]
    both = push(
        text + JPEG + b"--b\r\nContent-Type: application/json\r\n\r\n" + js("VideoLoss") + b"\r\n--b--", ""
    )
    assert isinstance(both, tuple)
    assert [m for _, m, _, _ in rows(tell(both[1], both[0]))] == ["fire_detected", "video_loss"]


@pytest.mark.parametrize(
    ("path", "topic"),
    [
        ("", TOPIC),
        ("gate", f"gate/{TOPIC}"),
        ("/b3/gate/", f"b3/gate/{TOPIC}"),
        ("cgi-bin/NotifyEvent", TOPIC),
    ],
)
def test_the_path_of_a_push_names_the_device(path: str, topic: str) -> None:
    """What follows the source's own address is the device's name."""
    assert push(js("VideoMotion"), "application/json", path) == (topic, js("VideoMotion"))


def test_requests_without_an_event_are_answered() -> None:
    """Nothing and pictures alone are thanked; another method is not allowed."""
    assert push(b"") == Reply(200)
    assert push(JPEG + b"--b--", "multipart/form-data; boundary=b") == Reply(200)
    assert push(js("VideoMotion"), method="GET") == Reply(405)


@given(st.binary(max_size=400), st.text(max_size=60), st.text(max_size=60))
def test_no_request_breaks_the_door(body: bytes, kind: str, path: str) -> None:
    """Whatever is pushed, there is an answer, and what is taken can be decoded."""
    for sent in (body, b"--x\r\n" + body, b"Code=" + body, b"Events[0]." + body):
        got = push(sent, kind, path)
        if isinstance(got, tuple):
            tell(got[1], got[0])
