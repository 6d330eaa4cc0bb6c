"""Documented messages of Dahua cameras, recorders, door stations and alarm panels."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from devices.codec import Example

_T: Final = "nvr-1/cgi-bin/eventManager.cgi?action=attach"


def line(code: str, action: str = "Start", index: int = 0, data: Any = None) -> bytes:
    """An event as the stream has it."""
    tail = "" if data is None else ";data=" + (data if isinstance(data, str) else json.dumps(data, indent=3))
    return f"Code={code};action={action};index={index}{tail}\r\n".encode()


def js(code: str, action: str = "Start", index: int = 0, **data: Any) -> bytes:
    """An event as newer firmware pushes it."""
    event = {
        "Code": code,
        "Action": action,
        "Index": index,
        "Data": data,
        "PhysicalAddress": "3c:ef:8c:00:11:22",
    }
    return json.dumps({"Channel": index, "Events": [event]}, ensure_ascii=False).encode()


def flat(**leaves: str) -> bytes:
    """An event as access terminals push it; double underscores are dots."""
    return "".join(f"Events[0].{k.replace('__', '.')}={v}\r\n" for k, v in leaves.items()).encode()


_MAC: Final = "3c:ef:8c:00:11:22"
_STREAM: Final = (
    b"--myboundary\r\nContent-Type: text/plain\r\nContent-Length: 39\r\n\r\n"
    + line("VideoMotion", index=1)
    + b"\r\n--myboundary\r\nContent-Type: text/plain\r\nContent-Length:9\r\n\r\nHeartbeat\r\n"
    + b"\r\n--myboundary\r\nContent-Type: text/plain\r\nContent-Length:38\r\n\r\n"
    + line("VideoBlind", index=2)
    + b"\r\n--myboundary\r\n"
)

EXAMPLES: Sequence[Example] = (
    Example("Motion", _T, line("VideoMotion"), [("nvr-1", "motion", "", True)]),
    Example("Motion is over", _T, line("VideoMotion", "Stop"), [("nvr-1", "motion", "", False)]),
    Example(
        "Motion with data, of the fourth channel",
        _T,
        line("VideoMotion", index=3, data={"Id": [0], "RegionName": ["Region1"], "SmartMotionEnable": True}),
        [("nvr-1/3", "motion", "", True)],
    ),
    Example(
        "Data that is no JSON is no harm", _T, line("VideoMotion", data="key=value"), [("nvr-1", "motion", "", True)]
    ),
    Example("A person", _T, line("SmartMotionHuman"), [("nvr-1", "person_detected", "", True)]),
    Example("A thermal camera sees fire", _T, line("FireWarning", index=3), [("nvr-1/3", "fire_detected", "", True)]),
    Example("The fire is out", _T, line("FireWarning", "Stop", 3), [("nvr-1/3", "fire_detected", "", False)]),
    Example("Where exactly it burns says no more", _T, line("FireWarningInfo", data={"X": 1})),
    Example("Smoke in the picture", _T, line("SmokeDetection"), [("nvr-1", "smoke_detected_visual", "", True)]),
    Example(
        "Too hot",
        _T,
        line("HeatImagingTemper", index=1, data={"TemperatureValue": 212, "TemperatureUnit": 1}),
        [("nvr-1/1", "heat", "", True), ("nvr-1/1", "temperature", "", 100.0)],
    ),
    Example("No picture of a channel", _T, line("VideoLoss", index=1), [("nvr-1/1", "video_loss", "", True)]),
    Example("A disk failed", _T, line("StorageFailure"), [("nvr-1", "storage_fault", "", True)]),
    Example("The lens is covered", _T, line("VideoBlind"), [("nvr-1", "camera_tamper", "", True)]),
    Example("Out of focus", _T, line("VideoUnFocus"), [("nvr-1", "obstructed", "", True)]),
    Example(
        "A line crossed by a person",
        _T,
        line("CrossLineDetection", data={"Object": {"ObjectType": "Human"}, "RealUTC": 1763760000, "UTCMS": 250}),
        [("nvr-1", "line_crossing", "", True), ("nvr-1", "person_detected", "", True)],
    ),
    Example("Somebody entered a region", _T, line("CrossRegionDetection"), [("nvr-1", "intrusion", "", True)]),
    Example("Somebody loiters", _T, line("WanderDetection"), [("nvr-1", "loitering", "", True)]),
    Example("A car in the way", _T, line("ParkingDetection"), [("nvr-1", "obstruction", "", True)]),
    Example("An alarm input", _T, line("AlarmLocal", index=2), [("nvr-1/input/2", "alarm_input", "", True)]),
    Example(
        "An alarm input is well again", _T, line("AlarmLocal", "Stop", 2), [("nvr-1/input/2", "alarm_input", "", False)]
    ),
    Example(
        "A panel knows that a zone is a smoke detector",
        _T,
        js("AlarmLocal", index=4, SenseMethod="SmokeSensor"),
        [(f"{_MAC}/input/4", "smoke", "", True)],
    ),
    Example(
        "A door station: the door opened",
        _T,
        line("DoorStatus", "Pulse", data={"Status": "Open"}),
        [("nvr-1", "door_open", "", True)],
    ),
    Example(
        "A closed door is neither forced nor held open",
        _T,
        line("DoorStatus", "Pulse", data={"Status": "Close"}),
        [
            ("nvr-1", "door_open", "", False),
            ("nvr-1", "door_forced", "", False),
            ("nvr-1", "door_held_open", "", False),
        ],
    ),
    Example("A door broken open", _T, line("BreakIn"), [("nvr-1", "door_forced", "", True)]),
    Example("A door held open", _T, line("DoorNotClosed"), [("nvr-1", "door_held_open", "", True)]),
    Example("Entry under duress", _T, line("Duress", "Pulse"), [("nvr-1", "sos", "", True)]),
    Example("The case was opened", _T, line("ChassisIntruded"), [("nvr-1", "tamper", "", True)]),
    Example(
        "Entry by card: whose it was is not kept",
        _T,
        line("AccessControl", "Pulse", data={"CardNo": "998877", "Status": 1, "UserID": "8001", "Method": 1}),
        [("nvr-1", "access_event", "", True), ("nvr-1", "access_granted", "", True)],
    ),
    Example(
        "A terminal pushes lines: entry denied",
        _T,
        flat(EventBaseInfo__Action="Pulse", EventBaseInfo__Code="AccessControl", EventBaseInfo__Index="0", Status="0"),
        [("nvr-1", "access_event", "", True), ("nvr-1", "access_denied", "", True)],
    ),
    Example("Somebody rings", _T, line("Invite", "Pulse", data={"CallID": "1"}), [("nvr-1", "button", "", "call")]),
    Example(
        "A number plate",
        _T,
        js("TrafficJunction", "Pulse", TrafficCar={"PlateNumber": "粤B12345"}),
        [(_MAC, "vehicle_detected", "", True), (_MAC, "plate", "", "粤B12345")],
    ),
    Example("A face is not kept", _T, js("FaceRecognition", "Pulse", Candidates=[{"Person": {"Name": "x"}}])),
    Example("Time was set", _T, line("NTPAdjustTime", "Pulse", data={"Address": "time.example.net"})),
    Example("A code nobody lists, by its name", _T, line("LiftStuck"), [("nvr-1", "trigger", "", "LiftStuck")]),
    Example("A heartbeat", _T, b"Heartbeat", [("nvr-1", "heartbeat", "", True)]),
    Example(
        "A stretch of the stream",
        _T,
        _STREAM,
        [
            ("nvr-1/1", "motion", "", True),
            ("nvr-1", "heartbeat", "", True),
            ("nvr-1/2", "camera_tamper", "", True),
        ],
    ),
    Example("Half an event", _T, b"Code=FireWarning;action=Sta", quarantine="wrong-value"),
    Example("An event that does not say where", _T, b"Code=FireWarning;action=Start", quarantine="missing"),
    Example(
        "Broken data is set aside, the alarm is not",
        _T,
        line("FireWarning", data='{"X":'),
        [("nvr-1", "fire_detected", "", True)],
        quarantine="not-json",
    ),
    Example("Something else", _T, b"Error: Bad Request", quarantine="missing"),
    Example("No JSON", _T, b'{"Events":[{"Code":"Fire', quarantine="not-json"),
)  # fmt: skip
