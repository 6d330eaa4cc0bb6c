"""Hikvision: XML and JSON in every wrapping, event types, controllers, panels, pushes with pictures, and bounds."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.cameras.multipart import parts
from devices.codec import Decoded, Push, Reply
from devices.codecs import hikvision_isapi
from devices.codecs.hikvision_isapi import TOPIC, admit, contact_id, documents
from devices.codecs.hikvision_isapi.documents import EVENTS_MAX, events_in
from devices.codecs.hikvision_isapi.events import metrics_of
from devices.codecs.hikvision_isapi.examples import access, js, panel, xml
from devices.reading import METRICS, Flag
from tests.devices.reading_rows import CLOCK_BAD, NOW, RETAINED, code, flags, rows, said

MAC = "44:47:cc:00:11:22"
HISTORICAL = int(Flag.HISTORICAL)


def tell(payload: bytes, **more: Any) -> Decoded:
    """One message of a device."""
    return said(hikvision_isapi, more.pop("topic", TOPIC), payload, **more)


def metrics(decoded: Decoded) -> dict[str, Any]:
    """The values by metric."""
    return {metric: value for _, metric, _, value in rows(decoded)}


@pytest.mark.parametrize(
    "namespace",
    ["", ' xmlns="http://www.hikvision.com/ver20/XMLSchema"', ' xmlns="http://www.isapi.org/ver20/XMLSchema"',
     ' version="1.0" xmlns="urn:psialliance-org"', ' xmlns="http://www.std-cgi.com/ver20/XMLSchema"'],
)  # fmt: skip
@pytest.mark.parametrize(
    "before", [b"", b'<?xml version="1.0" encoding="UTF-8"?>\r\n', b"\xef\xbb\xbf", b"\r\n "]
)
def test_namespaces_and_what_stands_before_do_not_count(namespace: str, before: bytes) -> None:
    """The same event in any namespace or none, with or without a declaration, is the same event."""
    assert metrics(tell(before + xml("linedetection", namespace=namespace))) == {"line_crossing": True}


def test_prefixed_elements_are_read() -> None:
    """A namespace may also be a prefix."""
    body = xml("VMD").replace(b"<", b"<h:").replace(b"<h:/", b"</h:")
    assert metrics(tell(body)) == {"motion": True}


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("IO", "alarm_input"), ("io", "alarm_input"), ("PIR", "motion"), ("vmd", "motion"), ("VMD", "motion"),
        ("tamperdetection", "camera_tamper"), ("diskerror", "storage_fault"), ("badvideo", "fault"),
        ("ipconflict", "fault"), ("illaccess", "fault"), ("recordingfailure", "storage_fault"),
        ("regionExiting", "motion"), ("audioexception", "audio_detected"), ("parking", "obstruction"),
        ("unattendedBaggage", "obstruction"), ("callHelp", "sos"), ("eBikeDetection", "ebike_detected"),
        ("ElectricBikeEntersLift", "ebike_detected"), ("fireTruckSeen", ""),
        ("smokeDetected2", "smoke_detected_visual"),
        ("humanIntrusionRule", "intrusion"), ("firePassageOccupied", "obstruction"), ("faceDetection", ""),
        ("facedetection", ""), ("alarmResult", ""), ("FaceTemperatureMeasurementEvent", ""),
        ("thermometry", ""), ("peopleCounting", ""), ("whatever", None),
    ],
)  # fmt: skip
def test_event_types(kind: str, expected: str | None) -> None:
    """Types are read whatever their case; of one nobody lists the words tell, and never a fire from a fire lane."""
    assert metrics_of(kind) == (None if expected is None else (expected,) if expected else ())


@given(st.text(max_size=64))
def test_every_type_gives_metrics_the_house_has(kind: str) -> None:
    """Whatever an event is called, what it becomes is in the metric table."""
    assert all(metric in METRICS for metric in metrics_of(kind) or ())


def test_what_ended_is_false_and_a_pulse_has_no_end() -> None:
    """`inactive` clears a state; of a call for help it says nothing."""
    assert metrics(tell(xml("smokeAndFireDetection", "inactive"))) == {
        "fire_detected": False,
        "smoke_detected_visual": False,
    }
    assert metrics(tell(xml("callHelp", "inactive"))) == {}
    assert metrics(tell(xml("strange", "inactive"))) == {}


def test_a_cold_alarm_is_no_heat() -> None:
    """A temperature alarm whose rule is `less` is a temperature out of its limits."""
    body = xml("TMA", more="<TMA><alarmRule>less</alarmRule><currTemperature>-30.5</currTemperature></TMA>")
    assert metrics(tell(body)) == {"temperature_alarm": True, "temperature": -30.5}


@pytest.mark.parametrize(
    ("event", "device"),
    [
        ({"macAddress": "44:47:CC:00:11:22", "channelID": 3}, f"{MAC}/3"),
        ({"macAddress": MAC, "channelID": "3"}, f"{MAC}/3"),
        ({"macAddress": MAC, "dynChannelID": 33}, f"{MAC}/33"),
        ({"macAddress": MAC, "channelID": 0}, MAC),
        ({"macAddress": MAC}, MAC),
        ({"macAddress": "00:00:00:00:00:00", "ipAddress": "192.0.2.9"}, "192.0.2.9"),
        ({"deviceSerial": "Q12", "ipAddress": "192.0.2.9", "channelID": 2}, "Q12/2"),
        ({"macAddress": 5, "ipAddress": ["x"], "channelID": [1]}, "gate"),
        ({}, "gate"),
    ],
)
def test_a_device_has_one_name(event: dict[str, Any], device: str) -> None:
    """The MAC address where there is one, whatever its case; else what else names it; else the topic."""
    got = tell(json.dumps({"eventType": "VMD", **event}).encode(), topic="gate")
    assert [name for name, _, _, _ in rows(got)] == [device]


@pytest.mark.parametrize("key", ["inputIOPortID", "dynInputIOPortID"])
def test_an_input_is_a_place_of_its_own(key: str) -> None:
    """An input of a recorder is told by its number, not by a channel."""
    got = tell(js("IO", **{key: 4, "channelID": 1}))
    assert rows(got) == [(f"{MAC}/input/4", "alarm_input", "", True)]


@pytest.mark.parametrize(
    ("written", "at"),
    [("2025-11-21T21:20:00+00:00", 1_763_760_000_000), ("2025-11-22T05:20:00+08:00", 1_763_760_000_000),
     ("2025-11-21T17:20:00-4:00", 1_763_760_000_000), ("2025-11-21T21:20:00Z", 1_763_760_000_000),
     ("2025-11-21T21:20:00", None), ("soon", None), (5, None), (None, None)],
)  # fmt: skip
def test_the_time_needs_an_offset(written: Any, at: int | None) -> None:
    """A time with its offset is the event's, also with one digit of hours; without one it is no time."""
    got = tell(js("VMD", dateTime=written))
    assert {r.measured_at for r in got.readings} == {at}


def test_what_is_no_news_is_marked() -> None:
    """Sent again after an outage, a stored copy, and a clock that is wrong: each has its mark."""
    assert flags(tell(js("VMD", isDataRetransmission=True, dateTime=None))) == {HISTORICAL}
    assert flags(tell(xml("VMD", more="<isDataRetransmission>true</isDataRetransmission>"))) == {HISTORICAL}
    assert flags(tell(access(5, 0x1B, currentEvent=False))) == {HISTORICAL}
    assert flags(tell(access(5, 0x1B, currentEvent=True))) == {0}
    assert flags(tell(js("VMD", dateTime=None), retained=True)) == {RETAINED}
    assert flags(tell(js("VMD", dateTime="1970-01-01T00:00:00+08:00"))) == {CLOCK_BAD}


def test_events_of_a_controller_can_be_told_apart() -> None:
    """The controller's own number and time are the message's id."""
    first, again, other = (
        tell(access(5, 1, serialNo=7)),
        tell(access(5, 1, serialNo=7)),
        tell(access(5, 1, serialNo=8)),
    )
    assert first.sequence == again.sequence
    assert first.sequence != other.sequence
    assert tell(access(5, 1)).sequence is None


@pytest.mark.parametrize(
    ("major", "minor", "expected"),
    [
        (5, 0x01, {"access_event": True, "access_granted": True}),
        (5, 0x4C, {"access_event": True, "access_denied": True}),
        (5, 0xFFF, {"access_event": True}),
        (5, 0x25, {"button": "doorbell"}),
        (5, 0x34, {"fire_detected": True}),
        (5, 0x35, {"fire_detected": False}),
        (1, 0x404, {"tamper": True}),
        (1, 0x405, {"tamper": False}),
        (1, 0x408, {"alarm_input": True}),
        (1, 0x409, {"alarm_input": False}),
        (1, 0x418, {"call_point": True}),
        (1, 0x41C, {"sos": True}),
        (1, 0x425, {"fire_detected": False}),
        (2, 0x403, {"battery_low": True}),
        (2, 0x406, {"mains_fault": False, "mains_power": True}),
        (2, 0xFFF, {}),
        (3, 0x50, {}),
        (9, 9, {}),
    ],
)
def test_numbers_of_access_controllers(major: int, minor: int, expected: dict[str, Any]) -> None:
    """Each documented pair says its own; operations and unknown trouble say nothing."""
    got = tell(access(major, minor))
    assert metrics(got) == expected
    assert code(got) is None


@pytest.mark.parametrize(
    "inner", [None, [], "x", {}, {"majorEventType": 5}, {"majorEventType": "a", "subEventType": 1}]
)
def test_an_access_event_without_numbers_is_set_aside(inner: Any) -> None:
    """What cannot be told is no entry."""
    got = tell(js("AccessControllerEvent", AccessControllerEvent=inner))
    assert (rows(got), code(got)) == ([], "missing")


def test_who_came_in_is_not_kept() -> None:
    """Neither name, card nor number of a person is in any reading."""
    got = tell(access(5, 75, name="张三", cardNo="998877", employeeNoString="00018", userType="normal"))
    for secret in ("张三", "998877", "00018"):
        assert secret not in repr(got)


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (1110, {"fire_detected": True}), (3110, {"fire_detected": False}), (6110, {"fire_detected": True}),
        (1111, {"smoke": True}), (1114, {"heat": True}), (1115, {"call_point": True}), (1120, {"sos": True}),
        (1130, {"intrusion": True}), (1134, {"intrusion": True}), (1144, {"tamper": True}), (1151, {"gas": True}),
        (1154, {"water_leak": True}), (1162, {"co": True}), (1199, {"alarm_input": True}),
        (1301, {"mains_fault": True}), (3301, {"mains_fault": False}), (1302, {"battery_low": True}),
        (1384, {"battery_low": True}), (1321, {"fault": True}), (1602, {"heartbeat": True}), (1601, {"test": True}),
        (3601, {}), (1401, {}), (1570, {}), (1750, {"intrusion": True}), (1781, {"prealarm": True}),
        (1999, {}), (110, {}), (0, {}), (9110, {}), (99999, {}),
    ],
)  # fmt: skip
def test_contact_id_codes(number: int, expected: dict[str, Any]) -> None:
    """New, restored and reported again; openings, bypasses and what is no code raise nothing."""
    got = tell(panel(code=number, zone=3))
    assert metrics(got) == expected


def test_a_standard_code_outranks_the_makers_own() -> None:
    """Where the panel gives both, the standard's meaning counts; and its own number is not read as standard."""
    assert metrics(tell(panel(code=1811, standardCIDcode=1301))) == {"mains_fault": True}
    assert contact_id.told(1811, standard=True) is None
    assert contact_id.told(1811, standard=False) == ("fire_detected", True)


@pytest.mark.parametrize("event", [{"zone": 1}, {"code": "x"}, {"code": []}])
def test_a_panel_event_without_a_code_is_set_aside(event: dict[str, Any]) -> None:
    """It is neither an alarm nor a heartbeat."""
    assert (rows(tell(panel(**event))), code(tell(panel(**event)))) == ([], "missing")


def test_carelessly_written_xml_is_read() -> None:
    """A bare ampersand, GB 18030 and stray control characters do not cost an alarm."""
    named = xml("fireDetection", more="<channelName>仓库 & 车棚\x07</channelName>")
    for body in (named, named.decode().encode("gb18030"), b'<?xml version="1.0" encoding="GB2312"?>' + named):
        assert metrics(tell(body)) == {"fire_detected": True}


@pytest.mark.parametrize(
    "body",
    [
        b'<!DOCTYPE a [<!ENTITY a "VMD">]>' + xml("&a;"),
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>',
        b"<a>" * 40 + b"</a>" * 40,
        b"<EventNotificationAlert>" + b"<b>" * 40 + b"</b>" * 40 + b"</EventNotificationAlert>",
        b"<EventNotificationAlert>" + b"<b/>" * 5000 + b"</EventNotificationAlert>",
        b"<EventNotificationAlert " * 4000,
        b"<EventNotificationAlert>" * 2700,
    ],
    ids=["entity", "external", "deep", "deep-event", "wide", "open-tags", "nested-tags"],
)
def test_hostile_xml_is_set_aside(body: bytes) -> None:
    """Entities are not followed and nothing grows: every such document is refused with a reason."""
    got = tell(body)
    assert rows(got) == []
    assert code(got) in {"not-xml", "too-deep", "wrong-type", "missing"}


def test_many_events_in_one_message() -> None:
    """Up to a bound all are read, one that cannot be understood beside the others."""
    body = xml("VMD", channel=1) + xml("", channel=2) + xml("IO", channel=0)
    got = tell(body)
    assert [r[1] for r in rows(got)] == ["motion", "alarm_input"]
    assert code(got) == "missing"
    assert len(events_in(xml("VMD") * 50)) == EVENTS_MAX


def test_a_stream_of_json_events_is_cut_by_its_boundary() -> None:
    """JSON parts between boundaries, pictures between them, and a boundary glued to the end."""
    head = b"--boundary\r\nContent-Type: application/json\r\n\r\n"
    picture = b"--boundary\r\nContent-Type: image/jpeg\r\n\r\n\xff\xd8\xff\xe0{}\r\n"
    body = (
        head
        + js("VMD", channelID=1)
        + b"\r\n"
        + picture
        + head
        + js("VMD", channelID=2)
        + b"\r\n--boundary--\r\n"
    )
    assert [r[0] for r in rows(tell(body))] == [f"{MAC}/1", f"{MAC}/2"]
    assert rows(tell(js("VMD") + b"\r\n--boundary")) == rows(tell(js("VMD")))
    wrapped = json.dumps({"EventNotificationAlert": json.loads(js("VMD"))}).encode()
    assert rows(tell(wrapped)) == rows(tell(js("VMD")))


def test_a_field_of_the_form_is_no_event() -> None:
    """Text beside the event part costs nothing; alone it is set aside."""
    head = b'--b\r\nContent-Disposition: form-data; name="n"\r\n\r\nok\r\n--b\r\n\r\n'
    assert metrics(tell(head + xml("VMD") + b"--b--\r\n")) == {"motion": True}
    assert code(tell(head + b"\r\n--b--")) == "not-json"


LEAVES = st.lists(
    st.tuples(
        st.sampled_from(("eventType", "macAddress", "channelID", "x", "X")),
        st.text("ab <>&;\x01\n楼/", max_size=6),
        st.sampled_from(("{}", "<y>{}</y>", "<![CDATA[{}]]>", "{}<!-- c -->", "&lt;{}")),
        st.sampled_from(("", "\n", " x ", "]]>", ">", "&", "\x01", "<z/>", "</x>")),
    ),
    max_size=6,
)


@given(LEAVES)
def test_the_short_way_reads_what_a_parser_reads(leaves: list[tuple[str, str, str, str]]) -> None:
    """Where a document is simple enough for the short way, an XML parser finds the very same in it."""
    inner = "".join(f"<{name}>{form.format(text)}</{name}>{layout}" for name, text, form, layout in leaves)
    body = f'<EventNotificationAlert version="2.0">{inner}</EventNotificationAlert>'.encode()
    flat = documents.flat_leaves(body)
    if flat is not None:
        assert flat == documents.parsed(body)


def push(body: bytes, kind: str = "", method: str = "POST") -> Reply | tuple[str, bytes]:
    """What is taken from a request."""
    return admit(Push(method, "", {}, {"content-type": kind} if kind else {}, body), "key")


def form(*pieces: tuple[str, bytes], mark: str = "MIME_boundary") -> bytes:
    """A multipart body of parts with their headers."""
    whole = b"".join(
        b"--" + mark.encode() + b"\r\n" + h.encode() + b"\r\n\r\n" + b + b"\r\n" for h, b in pieces
    )
    return whole + b"--" + mark.encode() + b"--\r\n"


XML_PART = 'Content-Disposition: form-data; name="anpr.xml"; filename="anpr.xml"\r\nContent-Type: text/xml'
PICTURE = 'Content-Disposition: form-data; name="p.jpg"; filename="p.jpg"\r\nContent-Type: image/jpeg'
JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 40


@pytest.mark.parametrize("mark", ["MIME_boundary", "boundary", "---------------------------7e13971310878"])
def test_a_push_is_taken_without_its_pictures(mark: str) -> None:
    """The event part alone is kept, whatever the boundary and the order of the parts."""
    for pieces in ([(XML_PART, xml("ANPR")), (PICTURE, JPEG)], [(PICTURE, JPEG), (XML_PART, xml("ANPR"))]):
        got = push(form(*pieces, mark=mark), f"multipart/form-data; boundary={mark}")
        assert isinstance(got, tuple)
        assert got[0] == TOPIC
        assert got[1].strip() == xml("ANPR").strip()
        assert metrics(tell(got[1])) == {"vehicle_detected": True}


def test_a_push_of_several_events_keeps_all() -> None:
    """XML after XML, and JSON beside JSON, are each one message."""
    xmls = push(
        form((XML_PART, xml("VMD")), (XML_PART, xml("IO"))), "multipart/form-data; boundary=MIME_boundary"
    )
    jsons = push(
        form(("Content-Type: application/json", js("VMD")), ("Content-Type: application/json", js("IO")))
    )
    for got in (xmls, jsons):
        assert isinstance(got, tuple)
        assert [r[1] for r in rows(tell(got[1]))] == ["motion", "alarm_input"]


def test_a_bare_push_is_taken_as_it_is() -> None:
    """XML or JSON as the whole body, with or without a content type."""
    for body, kind in ((xml("VMD"), "application/xml"), (js("VMD"), "application/json"), (xml("VMD"), "")):
        assert push(body, kind) == (TOPIC, body)


def test_requests_without_an_event_are_answered() -> None:
    """A test without a body and pictures alone are thanked; another method is not allowed."""
    assert push(b"") == Reply(200)
    assert push(form((PICTURE, JPEG)), "multipart/form-data; boundary=MIME_boundary") == Reply(200)
    assert push(xml("VMD"), method="GET") == Reply(405)


@given(st.binary(max_size=400), st.text(max_size=60))
def test_no_request_breaks_the_door(body: bytes, kind: str) -> None:
    """Whatever is pushed, there is an answer, and what is taken can be decoded."""
    for sent in (body, b"--x\r\n" + body, form((kind, body))):
        got = push(sent, kind)
        if isinstance(got, tuple):
            tell(got[1])
        assert len(parts(sent)) <= 32


def test_times_follow_now_only_for_judging_the_clock() -> None:
    """A device a minute ahead is believed."""
    got = tell(js("VMD", dateTime="2025-11-21T21:21:00+00:00"), now=NOW)
    assert flags(got) == {0}
