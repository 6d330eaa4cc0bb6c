"""Documented messages of the Axis MQTT event bridge."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from devices.codec import Example

_S: Final = "ACCC8E123456"


def told(topic: str, source: Any, data: Any, **more: Any) -> tuple[str, bytes]:
    """Topic and payload of an event; `more` is beside timestamp, topic and message."""
    tail = "".join(f"/$source/{k}/{v}" for k, v in source.items())
    levels = topic.replace("onvif:", "tns:onvif/").replace("axis:", "tns:axis/")
    message = {"source": source, "key": {}, "data": data}
    body = {"timestamp": 1590259472188, "topic": topic, "message": message, **more}
    return f"axis/{_S}/event/{levels}{tail}", json.dumps(body).encode()


def scenario(name: str, **data: Any) -> tuple[str, bytes]:
    """An event of a scenario of AXIS Object Analytics."""
    return told(f"axis:CameraApplicationPlatform/ObjectAnalytics/{name}", {}, data)


_APP: Final = "axis:CameraApplicationPlatform"

EXAMPLES: Sequence[Example] = (
    Example(
        "Passive infrared: motion",
        *told("onvif:Device/axis:Sensor/PIR", {"sensor": "0"}, {"state": "1"}),
        [(f"{_S}/0", "motion", "", True)],
    ),
    Example(
        "Passive infrared: still",
        *told("onvif:Device/axis:Sensor/PIR", {"sensor": "0"}, {"state": "0"}),
        [(f"{_S}/0", "motion", "", False)],
    ),
    Example(
        "Video motion detection, any profile",
        *told(f"{_APP}/VMD/Camera1ProfileANY", {}, {"active": "1"}),
        [(f"{_S}/Camera1ProfileANY", "motion", "", True)],
    ),
    Example(
        "Fence guard",
        *told(f"{_APP}/FenceGuard/Camera1Profile2", {}, {"active": "1"}),
        [(f"{_S}/Camera1Profile2", "intrusion", "", True)],
    ),
    Example(
        "Loitering guard ends",
        *told(f"{_APP}/LoiteringGuard/Camera1Profile1", {}, {"active": "0"}),
        [(f"{_S}/Camera1Profile1", "loitering", "", False)],
    ),
    Example(
        "Object analytics: somebody in the area",
        *scenario("Device1Scenario1", active="1", classTypes="human", objectId="7", scenarioType="ObjectInArea"),
        [
            (f"{_S}/Device1Scenario1", "intrusion", "", True),
            (f"{_S}/Device1Scenario1", "person_detected", "", True),
            (f"{_S}/Device1Scenario1", "object_class", "", "human"),
        ],
    ),
    Example(
        "Object analytics: somebody stays",
        *scenario("Device1Scenario2", active="1", scenarioType="TimeInArea"),
        [(f"{_S}/Device1Scenario2", "loitering", "", True)],
    ),
    Example(
        "Object analytics: what the scenario is about is not said",
        *scenario("Device1ScenarioANY", active="1"),
        [(f"{_S}/Device1ScenarioANY", "motion", "", True)],
    ),
    Example(
        "Tampering with the camera",
        *told("onvif:VideoSource/axis:Tampering", {"channel": "1"}, {"tampering": "1"}),
        [(_S, "camera_tamper", "", True)],
    ),
    Example(
        "An input",
        *told("onvif:Device/axis:IO/Port", {"port": "1"}, {"state": "1"}),
        [(f"{_S}/1", "digital_input", "", True)],
    ),
    Example(
        "A supervised input is cut",
        *told("onvif:Device/axis:IO/SupervisedPort", {"port": "2"}, {"tampered": "1"}),
        [(f"{_S}/2", "tamper", "", True)],
    ),
    Example(
        "The casing is open",
        *told("onvif:Device/axis:Casing/Open", {"Name": "Casing"}, {"Open": "1"}),
        [(f"{_S}/Casing", "tamper", "", True)],
    ),
    Example(
        "The memory card is gone",
        *told("axis:Storage/Disruption", {"disk_id": "SD_DISK"}, {"disruption": "1"}),
        [(f"{_S}/SD_DISK", "storage_fault", "", True)],
    ),
    Example(
        "Too hot to run",
        *told("onvif:Device/axis:Status/Temperature/Above", {}, {"sensor_level": "1"}),
        [(_S, "overtemp", "", True)],
    ),
    Example(
        "A fan stands still",
        *told("onvif:Device/axis:HardwareFailure/FanFailure", {"fan": "0"}, {"fan_failure": "1"}),
        [(f"{_S}/0", "fault", "", True)],
    ),
    Example(
        "It was loud",
        *told("onvif:AudioSource/axis:TriggerLevel", {"channel": "1"}, {"triggered": "1"}),
        [(_S, "audio_detected", "", True)],
    ),
    Example(
        "Somebody struck the camera",
        *told("onvif:Device/axis:ShockDetected", {}, {"Detected": "1"}, serial="B8A44F000001"),
        [("B8A44F000001", "vibration", "", True)],
    ),
    Example(
        "A door station: the door was forced",
        *told("onvif:Door/State/DoorAlarm", {"DoorToken": "Axis-1"}, {"State": "DoorForcedOpen"}),
        [
            (f"{_S}/Axis-1", "door_forced", "", True),
            (f"{_S}/Axis-1", "door_held_open", "", False),
        ],
    ),
    Example("Day and night say nothing", *told("onvif:VideoSource/axis:DayNightVision", {}, {"day": "1"})),
    Example(
        "A state nobody can read",
        *told(f"{_APP}/FenceGuard/Camera1Profile1", {}, {"active": "maybe"}),
        [(f"{_S}/Camera1Profile1", "intrusion", "", None)],
        quarantine="unknown-word",
    ),
    Example(
        "The camera connected", f"axis/{_S}/connection", b"Connected", [(_S, "availability", "", "online")]
    ),
    Example(
        "Its last will",
        f"axis/{_S}/connection",
        b"Connection Lost",
        [(_S, "availability", "", "offline")],
        retained=True,
    ),
    Example(
        "An event without a topic",
        f"axis/{_S}/event/unknown",
        b'{"message": {"source": {"sensor": "0"}, "data": {"state": "0"}}}',
        quarantine="missing",
    ),
    Example(
        "A message that is no object",
        f"axis/{_S}/event/tns:onvif/Device/tns:axis/Sensor/PIR",
        b'{"topic": "onvif:Device/axis:Sensor/PIR", "message": 123}',
        quarantine="missing",
    ),
    Example("Not JSON", f"axis/{_S}/event/x", b"state=1", quarantine="not-json"),
)  # fmt: skip
