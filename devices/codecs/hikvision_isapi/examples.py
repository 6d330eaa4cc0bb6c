"""Documented messages of Hikvision cameras, recorders, access controllers and alarm panels."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from devices.codec import Example

_T: Final = "isapi/Event/notification/alertStream"
_MAC: Final = "44:47:cc:00:11:22"
_NS: Final = ' version="2.0" xmlns="http://www.hikvision.com/ver20/XMLSchema"'


def xml(kind: str, state: str = "active", channel: int = 1, more: str = "", namespace: str = _NS) -> bytes:
    """An event as a camera writes it."""
    return (
        f"<EventNotificationAlert{namespace}>\r\n<ipAddress>192.0.2.64</ipAddress><portNo>80</portNo>"
        f"<protocol>HTTP</protocol><macAddress>{_MAC}</macAddress><channelID>{channel}</channelID>"
        "<dateTime>2025-03-02T21:04:05+08:00</dateTime><activePostCount>1</activePostCount>"
        f"<eventType>{kind}</eventType><eventState>{state}</eventState>"
        f"<eventDescription>{kind} alarm</eventDescription>{more}</EventNotificationAlert>\r\n"
    ).encode()


def js(kind: str, **more: Any) -> bytes:
    """An event as an access controller or a panel writes it."""
    head = {
        "ipAddress": "192.0.2.65",
        "macAddress": _MAC,
        "channelID": 1,
        "dateTime": "2025-03-02T21:04:05+08:00",
    }
    return json.dumps(
        {**head, "eventType": kind, "eventState": "active", **more}, ensure_ascii=False
    ).encode()


def access(major: int, minor: int, **more: Any) -> bytes:
    """An event of an access controller."""
    return js(
        "AccessControllerEvent",
        AccessControllerEvent={"majorEventType": major, "subEventType": minor, **more},
    )


def panel(**event: Any) -> bytes:
    """An event of an alarm panel."""
    return js("cidEvent", CIDEvent=event)


_STREAM: Final = (
    b'--boundary\r\nContent-Type: application/xml; charset="UTF-8"\r\nContent-Length: 500\r\n\r\n'
    + xml("VMD", channel=2)
    + b'--boundary\r\nContent-Type: application/xml; charset="UTF-8"\r\nContent-Length: 500\r\n\r\n'
    + xml("tamperdetection", channel=3)
    + b"--boundary\r\n"
)
_FIRE: Final = (
    "<DetectionRegionList><DetectionRegionEntry><regionID>1</regionID><FireDetection><temperatureUnit>celsius"
    "</temperatureUnit><fireMaxTemperature>68</fireMaxTemperature></FireDetection></DetectionRegionEntry>"
    "<DetectionRegionEntry><regionID>2</regionID><FireDetection><temperatureUnit>celsius</temperatureUnit>"
    "<fireMaxTemperature>101</fireMaxTemperature></FireDetection></DetectionRegionEntry></DetectionRegionList>"
)
_HUMAN: Final = (
    "<DetectionRegionList><DetectionRegionEntry><regionID>1</regionID><detectionTarget>human</detectionTarget>"
    "</DetectionRegionEntry></DetectionRegionList>"
)
_C1: Final = f"{_MAC}/1"

EXAMPLES: Sequence[Example] = (
    Example(
        "Nothing to say: the heartbeat of a recorder",
        _T,
        xml("videoloss", "inactive", 0),
        [(_MAC, "video_loss", "", False), (_MAC, "heartbeat", "", True)],
    ),
    Example("No picture of channel 4", _T, xml("videoloss", channel=4), [(f"{_MAC}/4", "video_loss", "", True)]),
    Example("Motion", _T, xml("VMD"), [(_C1, "motion", "", True)]),
    Example("Motion is over", _T, xml("VMD", "inactive"), [(_C1, "motion", "", False)]),
    Example(
        "Motion of a person, without a namespace",
        _T,
        xml("VMD", more="<targetType>human</targetType>", namespace=""),
        [(_C1, "motion", "", True), (_C1, "person_detected", "", True)],
    ),
    Example(
        "Somebody entered, in the other namespace",
        _T,
        xml("fielddetection", more=_HUMAN, namespace=' xmlns="http://www.isapi.org/ver20/XMLSchema"'),
        [(_C1, "intrusion", "", True), (_C1, "person_detected", "", True)],
    ),
    Example("A line crossed", _T, xml("linedetection"), [(_C1, "line_crossing", "", True)]),
    Example("A region entered", _T, xml("regionEntrance"), [(_C1, "intrusion", "", True)]),
    Example("Somebody loiters", _T, xml("loitering"), [(_C1, "loitering", "", True)]),
    Example("The lens is covered", _T, xml("shelteralarm"), [(_C1, "camera_tamper", "", True)]),
    Example("The camera was turned", _T, xml("scenechangedetection"), [(_C1, "camera_tamper", "", True)]),
    Example("Out of focus", _T, xml("defocus"), [(_C1, "obstructed", "", True)]),
    Example(
        "A thermal camera sees fire: the hottest of its regions",
        _T,
        xml("fireDetection", more=_FIRE),
        [(_C1, "fire_detected", "", True), (_C1, "temperature", "", 101)],
    ),
    Example("Smoke in the picture", _T, xml("smokeDetection"), [(_C1, "smoke_detected_visual", "", True)]),
    Example(
        "A temperature alarm",
        _T,
        xml("TMA", more="<thermometryUnit>fahrenheit</thermometryUnit><currTemperature>212</currTemperature>"),
        [(_C1, "heat", "", True), (_C1, "temperature", "", 100.0)],
    ),
    Example("A temperature warning", _T, xml("TMPA"), [(_C1, "prealarm", "", True)]),
    Example(
        "An alarm input of a recorder",
        _T,
        xml("IO", channel=0, more="<inputIOPortID>2</inputIOPortID>"),
        [(f"{_MAC}/input/2", "alarm_input", "", True)],
    ),
    Example("A disk is full", _T, xml("diskfull"), [(_C1, "storage_fault", "", True)]),
    Example("The network is broken", _T, xml("nicbroken", channel=0), [(_MAC, "fault", "", True)]),
    Example("A vehicle in the fire lane", _T, xml("fireEscapeDetection"), [(_C1, "obstruction", "", True)]),
    Example(
        "A number plate",
        _T,
        xml("ANPR", more="<ANPR><licensePlate>粤B12345</licensePlate><confidenceLevel>97</confidenceLevel></ANPR>"),
        [
            (_C1, "vehicle_detected", "", True),
            (_C1, "plate", "", "粤B12345"),
            (_C1, "confidence", "", 0.97),
        ],
    ),
    Example("A face is not kept", _T, js("faceCapture", faceCapture=[{"faces": [{"age": 30}]}])),
    Example(
        "An event nobody lists, by its name", _T, xml("liftStuck"), [(_C1, "trigger", "", "liftStuck")]
    ),
    Example(
        "Two events of an alert stream",
        _T,
        _STREAM,
        [(f"{_MAC}/2", "motion", "", True), (f"{_MAC}/3", "camera_tamper", "", True)],
    ),
    Example(
        "Entry by face: who it was is not kept",
        _T,
        access(5, 75, cardReaderNo=1, employeeNoString="00018", name="张三", serialNo=7),
        [(_MAC, "access_event", "", True), (_MAC, "access_granted", "", True)],
    ),
    Example(
        "A card that has expired",
        _T,
        access(5, 0x08, doorNo=2, cardNo="123456"),
        [(f"{_MAC}/door/2", "access_event", "", True), (f"{_MAC}/door/2", "access_denied", "", True)],
    ),
    Example(
        "A door broken open",
        _T,
        access(5, 0x1B, doorNo=1),
        [(f"{_MAC}/door/1", "door_forced", "", True), (f"{_MAC}/door/1", "door_open", "", True)],
    ),
    Example(
        "A door held open",
        _T,
        access(5, 0x1C, doorNo=1),
        [(f"{_MAC}/door/1", "door_held_open", "", True), (f"{_MAC}/door/1", "door_open", "", True)],
    ),
    Example(
        "A door closed: neither forced nor held any longer",
        _T,
        access(5, 0x1A, doorNo=1),
        [
            (f"{_MAC}/door/1", "door_open", "", False),
            (f"{_MAC}/door/1", "door_forced", "", False),
            (f"{_MAC}/door/1", "door_held_open", "", False),
        ],
    ),
    Example("Entry under duress", _T, access(1, 0x40A), [(_MAC, "sos", "", True)]),
    Example("The fire input of a controller", _T, access(1, 0x424), [(_MAC, "fire_detected", "", True)]),
    Example(
        "Mains power of a controller is gone",
        _T,
        access(2, 0x405),
        [(_MAC, "mains_fault", "", True), (_MAC, "mains_power", "", False)],
    ),
    Example("Somebody opened a door from afar: an operation", _T, access(3, 0x400)),
    Example("A panel: fire in zone 3", _T, panel(code=1110, zone=3), [(f"{_MAC}/zone/3", "fire_detected", "", True)]),
    Example(
        "A panel: zone 3 is well again", _T, panel(code=3110, zone=3), [(f"{_MAC}/zone/3", "fire_detected", "", False)]
    ),
    Example("A panel: mains power failed", _T, panel(code=1301), [(_MAC, "mains_fault", "", True)]),
    Example("A panel is there", _T, js("cidEvent"), [(_MAC, "heartbeat", "", True)]),
    Example("A document type is refused", _T, b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', quarantine="not-xml"),
    Example("Half a document", _T, xml("VMD")[:200], quarantine="not-xml"),
    Example("No JSON", _T, b'{"eventType":"VMD"', quarantine="not-json"),
    Example("An event without a type", _T, b'{"macAddress":"44:47:cc:00:11:22"}', quarantine="missing"),
    Example("An answer to a request", _T, b"<ResponseStatus><id>1</id></ResponseStatus>", quarantine="wrong-type"),
)  # fmt: skip
