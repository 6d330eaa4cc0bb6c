"""Frigate: objects and their end, sounds, cameras, and what is never kept."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.cameras.scene import faces, seen
from devices.codec import Decoded
from devices.codecs import frigate
from devices.codecs.frigate.examples import event
from tests.devices.reading_rows import CLOCK_BAD, NOW, RETAINED, code, flags, rows, said


def tell(topic: str, body: Any, **more: Any) -> Decoded:
    """One message of the recorder."""
    payload = body if isinstance(body, bytes) else json.dumps(body).encode()
    return said(frigate, f"frigate/{topic}", payload, **more)


def metrics(decoded: Decoded) -> dict[str, Any]:
    """The values by metric."""
    return {metric: value for _, metric, _, value in rows(decoded)}


@pytest.mark.parametrize("phase", ["new", "update", "end"])
@pytest.mark.parametrize(("label", "metric"), [("fire", "fire_detected"), ("smoke", "smoke_detected_visual")])
def test_fire_in_the_picture_stands_until_its_event_ends(phase: str, label: str, metric: str) -> None:
    """An event raises the alarm while it lasts and clears it at its end."""
    assert metrics(tell("events", event(phase, "c", label)))[metric] is (phase != "end")


def test_a_false_positive_raises_nothing() -> None:
    """What Frigate itself does not believe is no alarm and no sighting."""
    got = metrics(tell("events", event("update", "c", "fire", false_positive=True)))
    assert "fire_detected" not in got
    assert got["object_class"] == "fire"


def test_no_name_of_a_person_is_ever_kept() -> None:
    """Sub-labels and face names are not read, in whatever message they come."""
    bodies = [
        tell(
            "events",
            event("update", "c", "person", sub_label=["John Smith", 0.9], recognized_license_plate="John"),
        ),
        tell(
            "tracked_object_update",
            {"type": "face", "name": "John", "score": 1, "camera": "c", "sub_label": "John"},
        ),
        tell("tracked_object_update", {"type": "lpr", "name": "John", "plate": "A1", "camera": "c"}),
        tell(
            "reviews",
            {"type": "new", "after": {"camera": "c", "data": {"sub_labels": ["John"], "objects": []}}},
        ),
        tell("c/audio/transcription", b"John"),
    ]
    for got in bodies:
        assert "John" not in repr(got.readings)


def test_the_time_is_that_of_the_picture() -> None:
    """Frigate's seconds become milliseconds; a clock ahead is kept and marked."""
    got = tell("events", event("new", "c", "person", frame_time=NOW / 1000))
    assert {r.measured_at for r in got.readings} == {NOW}
    assert flags(got) == {0}
    assert flags(tell("events", event("new", "c", "fire", frame_time=NOW / 1000 + 600))) == {CLOCK_BAD}
    for mad in (-1, 1e300, "now", None, True):
        assert {
            r.measured_at for r in tell("events", event("new", "c", "fire", frame_time=mad)).readings
        } == {None}


def test_a_stored_copy_is_marked() -> None:
    """A retained count or word is what the broker remembered."""
    assert flags(tell("c/fire", b"1", retained=True)) == {RETAINED}
    assert flags(tell("c/audio/fire_alarm", b"ON", retained=True)) == {RETAINED}


@pytest.mark.parametrize(
    ("topic", "body", "expected"),
    [
        ("c/person/active", b"1", [("c", "person_count", "active", 1)]),
        ("c/bus", b"2", [("c", "vehicle_count", "bus", 2)]),
        ("c/dog", b"1", []),
        ("c/all", b"3", []),
        ("c/smoke", b"2", [("c", "smoke_detected_visual", "", True)]),
        ("c/electric_bicycle", b"0", [("c", "ebike_detected", "", False)]),
        ("c/audio/all", b"OFF", [("c", "audio_detected", "", False)]),
        ("c/audio/speech", b"ON", [("c", "audio_detected", "", True)]),
        ("c/audio/rms", b"812.4", [("c", "audio_rms", "", 812.4)]),
        ("c/audio/state", b"ON", []),
        ("c/audio_transcription/state", b"ON", []),
        ("c/motion/state", b"ON", []),
        ("c/recordings/state", b"ON", []),
        ("c/motion_threshold/state", b"30", []),
        ("c/ptz_autotracker/active", b"ON", []),
        ("c/status/audio", b"online", [("c", "camera_online", "audio", True)]),
        ("c/status/detect", b"disabled", [("c", "camera_online", "", False)]),
        ("c/classification/door", b"open", [("c", "classification", "door", "open")]),
        ("notifications/state", b"ON", []),
        ("c/notifications/suspended", b"0", []),
        ("restart", b"", []),
        ("model_state", b"{}", []),
    ],
)  # fmt: skip
def test_every_topic_of_the_documentation(topic: str, body: bytes, expected: list[Any]) -> None:
    """Each says what it says and no more; switches are settings."""
    got = tell(topic, body)
    assert rows(got) == expected
    assert code(got) is None


def test_another_prefix_is_another_recorder() -> None:
    """`topic_prefix` is free; where a source is bound to this codec its first level is the recorder's name."""
    assert rows(said(frigate, "nvr-2/c/person", b"1")) == [("c", "person_count", "", 1)]
    assert rows(said(frigate, "nvr-2/available", b"online"))[0] == (
        "nvr-2",
        "gateway_availability",
        "",
        "online",
    )


@pytest.mark.parametrize(
    ("topic", "body", "reason"),
    [
        ("events", b"[]", "not-json"),
        ("events", b"{}", "wrong-type"),
        ("events", b'{"type":"new","after":{"camera":7}}', "wrong-type"),
        ("events", b'{"type":"gone","after":{"camera":"c"}}', "wrong-type"),
        ("reviews", b'{"type":"new"}', "wrong-type"),
        ("tracked_object_update", b'{"type":"face"}', "missing"),
        ("triggers", b"{}", "missing"),
        ("stats", b"[1]", "wrong-type"),
        ("stats", b"{", "not-json"),
        ("available", b"yes", "wrong-value"),
        ("c/person", b"many", "wrong-value"),
        ("c/person", b"1e300", "wrong-value"),
        ("c/fire", b"x", "wrong-value"),
        ("c/status/detect", b"x", "wrong-value"),
        ("c/review_status", b"x", "wrong-value"),
        ("c/motion", b"1", "unknown-word"),
        ("c/motion", b"\xff\xfe", "not-text"),
        ("a/b/c/d/e", b"1", "unknown-topic"),
    ],
)
def test_what_is_set_aside(topic: str, body: bytes, reason: str) -> None:
    """What no Frigate sends is set aside with its reason, and nothing in it is an alarm."""
    got = tell(topic, body)
    assert code(got) == reason
    assert all(value is None for _, _, _, value in rows(got))


def test_the_words_for_what_is_seen() -> None:
    """One thing has many names, and however it is written it is the same thing."""
    assert {seen(word) for word in ("person", "person-verified", "Human", "行人")} == {"person_detected"}
    assert {seen(word) for word in ("motorVehicle", "motor_vehicle", "Truck")} == {"vehicle_detected"}
    assert {seen(word) for word in ("e-bike", "electricBicycle", "电动自行车")} == {"ebike_detected"}
    assert {seen(word) for word in ("dog", "", "x" * 100, "firetruck", "fire_hydrant")} == {None}
    assert faces("faceSnap")
    assert faces("人脸抓拍")
    assert not faces("surveillance")


@given(st.text(max_size=20), st.text(max_size=20))
def test_no_label_makes_an_alarm_of_itself(label: str, zone: str) -> None:
    """Only the words for fire and smoke are alarms."""
    got = metrics(tell("events", event("new", "c", label, current_zones=[zone])))
    alarms = {"fire_detected", "smoke_detected_visual"} & got.keys()
    assert not alarms or seen(label) in alarms


@pytest.mark.parametrize("changed", [
    {"has_snapshot": False}, {"has_snapshot": "yes"}, {"id": "../../config"}, {"id": "a b"}, {"id": 7},
    {"id": "x" * 65},
])  # fmt: skip
def test_a_picture_is_told_by_the_recorders_own_id(changed: dict[str, Any]) -> None:
    """Only of an event that has one, and never under an id that could lead elsewhere."""
    said = tell("events", event("update", "gate", "car", **{"has_snapshot": True, **changed}))
    assert "snapshot_ref" not in metrics(said)
