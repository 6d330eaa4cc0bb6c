"""Nobody is recognised: what cameras say of faces leaves no reading, and is counted."""

from __future__ import annotations

import json
from typing import Any

import pytest

from devices.codec import Message
from devices.codecs import axis_mqtt, dahua_event, hikvision_isapi, onvif_mqtt
from devices.codecs.dahua_event import TOPIC as DAHUA
from devices.codecs.hikvision_isapi import TOPIC as HIKVISION

ONVIF = "cam-7/onvif-ej/RuleEngine/"
FACE = {
    "UtcTime": "2025-11-22T08:00:00Z",
    "Source": {"VideoSource": "1"},
    "Data": {"Likelihood": 0.9, "Name": "x"},
}


def axis(topic: str) -> bytes:
    """One event of the bridge."""
    return json.dumps(
        {"serial": "B8A4", "topic": topic, "timestamp": 1, "message": {"data": {"active": "1"}}}
    ).encode()


@pytest.mark.parametrize(
    ("codec", "topic", "payload"),
    [
        (onvif_mqtt, f"{ONVIF}Recognition/Face", json.dumps(FACE).encode()),
        (onvif_mqtt, f"{ONVIF}tnsacme:FaceDetector/Detected", json.dumps(FACE).encode()),
        (axis_mqtt, "axis/B8A4/event/x", axis("tnsaxis:CameraApplicationPlatform/FaceDetector")),
        (hikvision_isapi, HIKVISION, b'{"eventType":"faceCapture","eventState":"active","faceCapture":[{}]}'),
        (dahua_event, DAHUA, b"Code=FaceRecognition;action=Pulse;index=0"),
    ],
)  # fmt: skip
def test_faces_are_dropped_and_counted(codec: Any, topic: str, payload: bytes) -> None:
    """Whatever family the camera is of: no reading, nothing set aside with a name in it, one counted."""
    said = codec.decode({}, Message("s", topic, payload, now=1_763_800_000_000))
    assert (list(said.readings), said.quarantine, said.faces) == ([], None, 1)


def test_other_events_count_no_face() -> None:
    """A surface or an interface is none."""
    for topic in ("CellMotionDetector/Motion", "Surface/Dirty", "Interface/Down"):
        said = onvif_mqtt.decode(
            {}, Message("s", ONVIF + topic, b'{"Data":{"IsMotion":true}}', now=1_763_800_000_000)
        )
        assert said.faces == 0
