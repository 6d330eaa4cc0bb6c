"""ONVIF events over MQTT: states and messages, deleted properties, makers' topics, and what is never kept."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.cameras.onvif import truth
from devices.cameras.onvif_topics import event_of
from devices.codec import Decoded
from devices.codecs import onvif_mqtt
from devices.codecs.onvif_mqtt.examples import told
from tests.devices.reading_rows import CLOCK_BAD, INVALID, NOW, RETAINED, code, flags, rows, said

RULE = {"VideoSource": "1", "Rule": "Gate"}


def tell(topic: str, data: Any, utc: Any = "2025-11-21T20:00:00Z", **more: Any) -> Decoded:
    """One event of a rule."""
    return said(onvif_mqtt, *told(topic, data, RULE, utc), **more)


def metrics(decoded: Decoded) -> dict[str, Any]:
    """The values by metric."""
    return {metric: value for _, metric, _, value in rows(decoded)}


@pytest.mark.parametrize(
    ("written", "meant"),
    [("true", True), ("1", True), (True, True), (1, True), ("Active", True), ("false", False), ("0", False),
     (False, False), (0, False), ("inactive", False), ("perhaps", None), (None, None), (2, None), ([], None)],
)  # fmt: skip
def test_every_way_of_writing_a_state(written: Any, meant: bool | None) -> None:
    """Texts, digits and JSON booleans are one; what is none of them is no reading, marked and set aside."""
    got = tell("VideoSource/GlobalSceneChange/ImagingService", {"State": written})
    assert metrics(got) == {"camera_tamper": meant}
    assert flags(got) == ({0} if meant is not None else {INVALID})
    assert (code(got) is None) == (meant is not None)
    assert truth(written) is meant


@pytest.mark.parametrize("prefix", ["x", "tns1:", "tnsaxis:", "tnshik:"])
def test_namespaces_do_not_count(prefix: str) -> None:
    """`tnsaxis:VideoSource` and `VideoSource` are one topic."""
    if prefix == "x":
        prefix = ""
    assert metrics(tell(f"{prefix}VideoSource/{prefix}MotionAlarm", {"State": "1"})) == {"motion": True}


@pytest.mark.parametrize("prefix", ["Cam", "a/b", "Estate/Building 3/Floor 2/Cam12"])
def test_prefixes_of_any_depth_name_the_device(prefix: str) -> None:
    """The free prefix is the device, with or without a source."""
    body = b'{"UtcTime":"2025-11-21T20:00:00Z","Data":{"IsLow":"true"}}'
    got = said(onvif_mqtt, f"{prefix}/onvif-ej/Monitoring/Washer/LiquidLow", body)
    assert rows(got) == [(prefix, "washer_liquid_low", "", True)]


def test_the_source_is_taken_from_the_payload_where_the_topic_lacks_it() -> None:
    """`SourceInTopic` can be switched off; the device keeps its name."""
    short = b'{"Source":{"Token":"w0"},"Data":{"IsLow":"true"}}'
    at = "Estate/Cam12/onvif-ej/Monitoring/Washer/LiquidLow"
    assert rows(said(onvif_mqtt, at, short)) == rows(said(onvif_mqtt, f"{at}/&w0", short))


@pytest.mark.parametrize(
    ("topic", "after"),
    [
        ("RuleEngine/LoiteringDetector/ObjectIsLoitering", {"loitering": False}),
        ("RuleEngine/FieldDetector/ObjectsInside", {"intrusion": None}),
        ("VideoSource/GlobalSceneChange/ImagingService", {"camera_tamper": None}),
        ("RuleEngine/LineDetector/Crossed", {}),
        ("AccessControl/AccessGranted/Credential", {}),
        ("Media/ProfileChanged", {}),
    ],
)
def test_a_deleted_property_is_never_normal_but_where_the_standard_says_so(
    topic: str, after: dict[str, Any]
) -> None:
    """An empty payload ends loitering; any other state is no longer known, and a message has none."""
    got = said(onvif_mqtt, f"Cam/onvif-ej/{topic}/&1", b"")
    assert metrics(got) == after
    assert code(got) is None


def test_times_and_stored_copies_are_marked() -> None:
    """UtcTime is UTC without saying so; a future one is marked; a retained copy is what the broker remembered."""
    for utc in ("2025-11-21T21:20:00Z", "2025-11-21T21:20:00", "2025-11-21T22:20:00+01:00"):
        assert {r.measured_at for r in tell("VideoSource/MotionAlarm", {"State": "1"}, utc).readings} == {
            1_763_760_000_000
        }
    assert flags(tell("VideoSource/MotionAlarm", {"State": "1"}, "2030-01-01T00:00:00Z")) == {CLOCK_BAD}
    assert flags(tell("VideoSource/MotionAlarm", {"State": "1"}, NOW)) == {0}
    assert flags(tell("RuleEngine/LineDetector/Crossed", {"ObjectId": 1}, retained=True)) == {RETAINED}


@pytest.mark.parametrize(
    ("topic", "data", "expected"),
    [
        ("tns1:RuleEngine/tnsdahua:IVA/SmokeDetection", {"State": "true"}, {"smoke_detected_visual": True}),
        ("RuleEngine/MyRuleDetector/PeopleDetect", {"State": "true"}, {"person_detected": True}),
        ("RuleEngine/MyRuleDetector/VehicleDetect", {"State": "false"}, {"vehicle_detected": False}),
        ("RuleEngine/MyRuleDetector/FaceDetect", {"State": "true"}, {}),
        ("RuleEngine/MyRuleDetector/EBikeDetect", {"State": "true"}, {"ebike_detected": True}),
        ("RuleEngine/TPSmartEventDetector/Intrusion", {"IsIntrusion": "true"}, {"intrusion": True}),
        ("RuleEngine/PeopleDetector/People", {"IsPeople": "true"}, {"person_detected": True}),
        ("RuleEngine/IVA/Loitering", {"IsLoitering": "false"}, {"loitering": False}),
        ("tnsx:Fire/Alarm", {}, {"fire_detected": True}),
        ("tnsx:Fire/Alarm", {"Burning": "false"}, {"fire_detected": False}),
        ("tnsx:FireTruck/Seen", {}, {}),
        ("tnsx:FireDetection/Configuration", {"Enabled": "true"}, {}),
        ("tnsx:Lift/Overload", {"State": "false"}, {}),
        ("VideoSource/SignalStandardMismatch", {"State": "1"}, {"video_loss": True}),
        ("Device/HardwareFailure/PowerSupplyFailure", {"Failed": "true"}, {"fault": True}),
        ("Monitoring/ProcessorUsage", {"Value": "87"}, {}),
        ("Monitoring/EnvironmentalConditions/Temperature", {"Temperature": "41.5"}, {"temperature": 41.5}),
        ("Monitoring/EnvironmentalConditions/RelativeHumidity", {"RelativeHumidity": 40}, {"humidity": 40}),
        ("AccessPoint/State/Enabled", {"State": "true"}, {}),
        ("AccessPoint/State/Tampering", {"Active": "true"}, {"tamper": True}),
        ("Door/State/DoorTamper", {"State": "TamperDetected"}, {"tamper": True}),
        ("Door/State/DoorPhysicalState", {"State": "Unknown"}, {"door_open": None}),
        ("Door/State/LockPhysicalState", {"State": "Locked"}, {}),
        ("UserAlarm/IVA/HumanShapeDetect", {"State": "true"}, {"person_detected": True}),
        ("RuleEngine/CountAggregation/Counter", {"Count": "45"}, {"pulse_count": 45}),
        ("RecordingConfig/TrackConfiguration", {"X": "true"}, {}),
    ],
)
def test_topics_of_other_makers_and_services(topic: str, data: Any, expected: dict[str, Any]) -> None:
    """A topic nobody lists is read by its words; settings, faces and recorders' own business say nothing."""
    got = tell(topic, data)
    assert metrics(got) == expected
    assert code(got) is None


def test_who_came_in_is_not_kept() -> None:
    """Neither credential nor name of the holder is in any reading."""
    got = tell("AccessControl/Denied/Credential", {"CredentialToken": "c-9", "CredentialHolderName": "John"})
    assert "John" not in repr(got)
    assert "c-9" not in repr(got)


def test_a_recognised_face_is_dropped_among_other_classes() -> None:
    """The class of a face is not kept either."""
    got = tell("RuleEngine/ObjectDetection/Object", {"ClassTypes": "Face Human"})
    assert "ace" not in str(metrics(got).get("object_class"))
    assert metrics(got)["person_detected"] is True


@given(st.text("abcdeFAIRS/_:", max_size=60))
def test_every_topic_has_a_reading(topic: str) -> None:
    """Whatever the topic, how it is read is one of the ways there are, and an alarm metric is never a trigger."""
    assert event_of(topic).how in {
        "state", "guess", "pulse", "number", "climate", "words", "objects", "scenario", "plate", "none", "trigger"
    }  # fmt: skip
