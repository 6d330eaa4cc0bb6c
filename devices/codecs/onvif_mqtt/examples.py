"""Documented messages of the ONVIF event broker: topics and items of the standards, and what makers add."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from devices.codec import Example

_P: Final = "Estate/Cam12/onvif-ej"
_UTC: Final = "2025-05-06T07:08:09.123Z"


def told(topic: str, data: Any, source: Any = None, utc: Any = _UTC) -> tuple[str, bytes]:
    """Topic and payload of an event; `source` as the payload has it, its values also end the topic."""
    named = source or {}
    tail = "/&" + "/".join(named.values()) if named else ""
    body = {"UtcTime": utc, "Source": named, "Data": data}
    return f"{_P}/{topic}{tail}", json.dumps(body, ensure_ascii=False).encode()


_RULE: Final = {"VideoSource": "1", "AnalyticsConfiguration": "2", "Rule": "Gate"}
_AT: Final = "Estate/Cam12/1/2/Gate"
_DOOR: Final = {"DoorToken": "d-7"}
_AP: Final = {"AccessPointToken": "ap-1"}

_D: Final = "Estate/Cam12/d-7"
_A: Final = "Estate/Cam12/ap-1"

EXAMPLES: Sequence[Example] = (
    Example(
        "Somebody loiters",
        *told("RuleEngine/LoiteringDetector/ObjectIsLoitering", {"ObjectId": "5 9 12"}, _RULE),
        [(_AT, "loitering", "", True)],
    ),
    Example(
        "The loiterers have left: the property is deleted",
        f"{_P}/RuleEngine/LoiteringDetector/ObjectIsLoitering/&1/2/Gate",
        b"",
        [(_AT, "loitering", "", False)],
    ),
    Example(
        "Nobody in the field",
        *told("RuleEngine/FieldDetector/ObjectsInside", {"IsInside": "false"}, _RULE),
        [(_AT, "intrusion", "", False)],
    ),
    Example(
        "A line crossed: a message, said once",
        *told("RuleEngine/LineDetector/Crossed", {"ObjectId": "15"}, _RULE),
        [(_AT, "line_crossing", "", True)],
    ),
    Example(
        "Motion as JSON booleans",
        *told("RuleEngine/CellMotionDetector/Motion", {"IsMotion": True}, _RULE),
        [(_AT, "motion", "", True)],
    ),
    Example(
        "Somebody turned the camera away",
        *told("RuleEngine/TamperDetector/Tamper", {"IsTamper": "true"}, _RULE),
        [(_AT, "camera_tamper", "", True)],
    ),
    Example(
        "The picture is too dark",
        *told("VideoSource/ImageTooDark/ImagingService", {"State": "1"}, {"Source": "0"}),
        [("Estate/Cam12/0", "obstructed", "", True)],
    ),
    Example(
        "No signal on a recorder's third input",
        *told("VideoSource/SignalLoss", {"State": True}, {"VideoSource": "3", "RuleName": "Loss"}),
        [("Estate/Cam12/3/Loss", "video_loss", "", True)],
    ),
    Example(
        "An input: what hangs on it no message tells",
        *told("Device/Trigger/DigitalInput", {"LogicalState": "true"}, {"InputToken": "smoke_loop_1"}),
        [("Estate/Cam12/smoke_loop_1", "digital_input", "", True)],
    ),
    Example(
        "A relay says its state in words",
        *told("Device/Trigger/Relay", {"LogicalState": "active"}, {"RelayToken": "r1"}),
        [("Estate/Cam12/r1", "relay", "", True)],
    ),
    Example(
        "A door forced",
        *told("Door/State/DoorAlarm", {"State": "DoorForcedOpen"}, _DOOR),
        [(_D, "door_forced", "", True), (_D, "door_held_open", "", False)],
    ),
    Example(
        "A door held open too long",
        *told("Door/State/DoorAlarm", {"State": "DoorOpenTooLong"}, _DOOR),
        [(_D, "door_held_open", "", True), (_D, "door_forced", "", False)],
    ),
    Example(
        "A door's own fault",
        *told("Door/State/DoorFault", {"State": "FaultDetected", "Reason": "battery"}, _DOOR),
        [(_D, "fault", "", True)],
    ),
    Example(
        "A door closed",
        *told("Door/State/DoorPhysicalState", {"State": "Closed"}, _DOOR),
        [(_D, "door_open", "", False)],
    ),
    Example(
        "A door state the standard does not have is never a normal one",
        *told("Door/State/DoorAlarm", {"State": "Ajar"}, _DOOR),
        [(_D, "door_forced", "", None), (_D, "door_held_open", "", None)],
        quarantine="unknown-word",
    ),
    Example(
        "Entry under duress",
        *told("AccessControl/Duress", {"CredentialToken": "c-9", "Reason": "code"}, _AP),
        [(_A, "sos", "", True)],
    ),
    Example(
        "Entry denied: neither card nor name is kept",
        *told(
            "AccessControl/Denied/Credential", {"CredentialHolderName": "住户", "Reason": "Expired"}, _AP
        ),
        [(_A, "access_denied", "", True)],
    ),
    Example(
        "Entry granted",
        *told("AccessControl/AccessGranted/Credential", {"CredentialToken": "c-991"}, _AP),
        [(_A, "access_granted", "", True)],
    ),
    Example(
        "Washer fluid is no water alarm",
        *told("Monitoring/Washer/LiquidLow", {"IsLow": "true"}, {"Token": "w0"}),
        [("Estate/Cam12/w0", "washer_liquid_low", "", True)],
    ),
    Example(
        "A disk failed",
        *told("Device/HardwareFailure/StorageFailure", {"Failed": "true"}, {"Token": "sd0"}),
        [("Estate/Cam12/sd0", "storage_fault", "", True)],
    ),
    Example(
        "A fan failed",
        *told("Device/HardwareFailure/FanFailure", {"Failed": "true"}, {"Token": "fan0"}),
        [("Estate/Cam12/fan0", "fault", "", True)],
    ),
    Example(
        "The camera itself is too hot",
        *told("Device/HardwareFailure/TemperatureCritical", {"Critical": "true"}, {"Token": "t0"}),
        [("Estate/Cam12/t0", "overtemp", "", True)],
    ),
    Example(
        "A thermal camera sees a hot spot",
        *told("RuleEngine/Radiometry/TemperatureAlarm", {"AlarmActive": "true"}, _RULE),
        [(_AT, "heat", "", True)],
    ),
    Example(
        "What the detector sees: people and cars",
        *told("RuleEngine/ObjectDetection/Object", {"ClassTypes": "Human Vehicle"}, _RULE),
        [
            (_AT, "person_detected", "", True),
            (_AT, "vehicle_detected", "", True),
            (_AT, "object_class", "", "Human Vehicle"),
        ],
    ),
    Example(
        "Nothing in view any more",
        *told("RuleEngine/ObjectDetection/Object", {"ClassTypes": ""}, _RULE),
        [(_AT, "person_detected", "", False), (_AT, "vehicle_detected", "", False)],
    ),
    Example(
        "A number plate",
        *told(
            "RuleEngine/Recognition/LicensePlate",
            {"LicensePlateInfo": {"PlateNumber": {"Likelihood": 0.9, "#text": "粤B12345"}}},
            _RULE,
        ),
        [(_AT, "plate", "", "粤B12345")],
    ),
    Example("Faces are dropped", *told("RuleEngine/Recognition/Face", {"Likelihood": 0.9, "Name": "x"}, _RULE)),
    Example(
        "People counted",
        *told("RuleEngine/CountAggregation/OccupancyCounter", {"Count": "12"}, _RULE),
        [(_AT, "person_count", "", 12)],
    ),
    Example(
        "Shouting heard",
        *told("AudioAnalytics/Audio/DetectedSound", {"IsSoundDetected": "true"}, {"Audio": "mic"}),
        [("Estate/Cam12/mic", "audio_detected", "", True)],
    ),
    Example(
        "A maker's own flame detector",
        *told("tnshik:RuleEngine/FlameDetector/Flame", {"State": "true"}, _RULE),
        [(_AT, "fire_detected", "", True)],
    ),
    Example(
        "A maker's own event, told by its name",
        *told("tnsacme:IVA/ElevatorOverload", {"State": "true"}, _RULE),
        [(_AT, "trigger", "", "ElevatorOverload")],
    ),
    Example("A recording job says nothing", *told("RecordingConfig/JobState", {"State": "Active"}, {"R": "1"})),
    Example(
        "The copy a broker kept",
        *told("VideoSource/GlobalSceneChange/ImagingService", {"State": "true"}, {"Source": "0"}),
        [("Estate/Cam12/0", "camera_tamper", "", True)],
        retained=True,
    ),
    Example(
        "No state where one belongs is no normal state",
        *told("RuleEngine/FieldDetector/ObjectsInside", {"IsInside": "perhaps"}, _RULE),
        [(_AT, "intrusion", "", None)],
        quarantine="unknown-word",
    ),
    Example("Not JSON", f"{_P}/VideoSource/SignalLoss/&3", b"<xml/>", quarantine="not-json"),
    Example("Not of this format", "Estate/Cam12/status", b"{}", quarantine="unknown-topic"),
)  # fmt: skip
