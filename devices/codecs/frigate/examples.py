"""Worked examples of Frigate's messages: its tests and its reference page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from devices.codec import Example


def event(phase: str, camera: str, label: str, **more: Any) -> bytes:
    """An event as the documentation has it, shortened to one box; `more` changes fields of `after`."""
    tracked = {
        "id": "1763759999.475377-mxklsc",
        "camera": camera,
        "frame_time": 1763760000.082975,
        "snapshot": {
            "frame_time": 1763760000.0,
            "box": [415, 489, 528, 700],
            "score": 0.77,
            "attributes": [],
        },
        "label": label,
        "sub_label": ["John Smith", 0.79],
        "top_score": 0.96,
        "false_positive": False,
        "start_time": 1763759999.475377,
        "end_time": None,
        "score": 0.88,
        "box": [432, 496, 544, 854],
        "current_zones": ["fire_lane", "yard"],
        "entered_zones": ["fire_lane", "yard"],
        "has_snapshot": False,
        "recognized_license_plate": None,
    }
    return json.dumps({"type": phase, "before": tracked, "after": {**tracked, **more}}).encode()


EXAMPLES: Sequence[Example] = (
    Example(
        "A car with a picture: where the recorder gives it out, below its own address",
        "frigate/events",
        event("update", "gate", "car", has_snapshot=True),
        [
            ("gate", "event_phase", "", "update"),
            ("gate", "object_class", "", "car"),
            ("gate", "vehicle_detected", "", True),
            ("gate", "confidence", "", 0.88),
            ("gate", "zone", "", "fire_lane"),
            ("gate", "snapshot_ref", "", "api/events/1763759999.475377-mxklsc/snapshot.jpg"),
        ],
    ),
    Example(
        "A person in the fire lane; who it is, is not read",
        "frigate/events",
        event("new", "gate", "person"),
        [
            ("gate", "event_phase", "", "new"),
            ("gate", "object_class", "", "person"),
            ("gate", "person_detected", "", True),
            ("gate", "confidence", "", 0.88),
            ("gate", "zone", "", "fire_lane"),
        ],
    ),
    Example(
        "A custom model sees fire",
        "frigate/events",
        event("new", "stairwell_3", "fire", current_zones=[]),
        [
            ("stairwell_3", "event_phase", "", "new"),
            ("stairwell_3", "object_class", "", "fire"),
            ("stairwell_3", "fire_detected", "", True),
            ("stairwell_3", "confidence", "", 0.88),
        ],
    ),
    Example(
        "Smoke that has gone from the picture",
        "frigate/events",
        event("end", "stairwell_3", "smoke", current_zones=[], end_time=1763760000.0),
        [
            ("stairwell_3", "event_phase", "", "end"),
            ("stairwell_3", "object_class", "", "smoke"),
            ("stairwell_3", "smoke_detected_visual", "", False),
            ("stairwell_3", "confidence", "", 0.88),
        ],
    ),
    Example(
        "A vehicle and its plate",
        "frigate/events",
        event("update", "gate", "car", recognized_license_plate="粤B12345"),
        [
            ("gate", "event_phase", "", "update"),
            ("gate", "object_class", "", "car"),
            ("gate", "vehicle_detected", "", True),
            ("gate", "plate", "", "粤B12345"),
            ("gate", "confidence", "", 0.88),
            ("gate", "zone", "", "fire_lane"),
        ],
    ),
    Example(
        "A recognised face leaves its score and no name",
        "frigate/tracked_object_update",
        b'{"type":"face","id":"1763759999.4-mx","name":"John","score":0.95,"camera":"gate","timestamp":1763760000.1}',
        [("gate", "confidence", "", 0.95)],
    ),
    Example(
        "A plate that was read",
        "frigate/tracked_object_update",
        b'{"type":"lpr","id":"1","name":"John\'s Car","plate":"123ABC","score":0.9,"camera":"gate",'
        b'"timestamp":1763760000.1}',
        [("gate", "plate", "", "123ABC"), ("gate", "confidence", "", 0.9)],
    ),
    Example(
        "A class that was decided",
        "frigate/tracked_object_update",
        b'{"type":"classification","id":"1","camera":"gate","timestamp":1763760000.1,"model":"helmet_detector",'
        b'"attribute":"yes","score":0.92}',
        [("gate", "classification", "", "yes"), ("gate", "confidence", "", 0.92)],
    ),
    Example(
        "A description is not kept",
        "frigate/tracked_object_update",
        b'{"type":"description","id":"1","description":"A man in a red jacket walks away."}',
    ),
    Example(
        "A review that has become an alert",
        "frigate/reviews",
        b'{"type":"update","before":{"severity":"detection"},"after":{"id":"1","camera":"gate","start_time":1763760000.1,'
        b'"end_time":null,"severity":"alert","data":{"objects":["person-verified","car"],"sub_labels":["Bob"],'
        b'"zones":["fire_lane"],"audio":[]}}}',
        [
            ("gate", "event_phase", "", "update"),
            ("gate", "review_severity", "", "alert"),
            ("gate", "object_class", "", "person-verified"),
            ("gate", "zone", "", "fire_lane"),
        ],
    ),
    Example(
        "A trigger somebody set",
        "frigate/triggers",
        b'{"name":"car_trigger","camera":"driveway","event_id":"1-b","type":"thumbnail","score":0.85}',
        [("driveway", "trigger", "", "car_trigger"), ("driveway", "confidence", "", 0.85)],
    ),
    Example(
        "A microphone hears a fire alarm",
        "frigate/stairwell_3/audio/fire_alarm",
        b"ON",
        [("stairwell_3", "audio_alarm", "", True)],
    ),
    Example(
        "Any other sound is only heard",
        "frigate/stairwell_3/audio/bark",
        b"ON",
        [("stairwell_3", "audio_detected", "", True)],
    ),
    Example(
        "A word that is neither ON nor OFF is no silence",
        "frigate/stairwell_3/audio/smoke_detector",
        b"maybe",
        [("stairwell_3", "audio_alarm", "", None)],
        quarantine="unknown-word",
    ),
    Example("How loud it is", "frigate/gate/audio/dBFS", b"-38.52", [("gate", "audio_level", "", -38.52)]),
    Example("What was said is not kept", "frigate/gate/audio/transcription", "着火了 快跑".encode()),
    Example("Two persons at the gate", "frigate/gate/person", b"2", [("gate", "person_count", "", 2)]),
    Example(
        "Cars and trucks are both vehicles",
        "frigate/fire_lane/truck",
        b"1",
        [("fire_lane", "vehicle_count", "truck", 1)],
    ),
    Example(
        "Fires in view, none left",
        "frigate/stairwell_3/fire",
        b"0",
        [("stairwell_3", "fire_detected", "", False)],
    ),
    Example("An e-bike in the lift", "frigate/lift_2/ebike", b"1", [("lift_2", "ebike_detected", "", True)]),
    Example(
        "Objects that move",
        "frigate/fire_lane/all/active",
        b"1",
        [("fire_lane", "object_count_active", "", 1)],
    ),
    Example("Motion", "frigate/gate/motion", b"OFF", [("gate", "motion", "", False)]),
    Example(
        "How grave it is now",
        "frigate/gate/review_status",
        b"ALERT",
        [("gate", "review_severity", "", "alert")],
    ),
    Example(
        "Detection is switched off",
        "frigate/gate/detect/state",
        b"OFF",
        [("gate", "detection_enabled", "", False)],
    ),
    Example(
        "A camera's picture is gone",
        "frigate/gate/status/detect",
        b"offline",
        [("gate", "camera_online", "", False)],
    ),
    Example(
        "Only its recording has failed",
        "frigate/gate/status/record",
        b"offline",
        [("gate", "camera_online", "record", False)],
    ),
    Example(
        "The recorder, and all behind it",
        "frigate/available",
        b"stopped",
        [("frigate", "gateway_availability", "", "offline"), ("frigate", "availability", "", "offline")],
        retained=True,
    ),
    Example(
        "How the recorder is",
        "frigate/stats",
        b'{"cameras":{"gate":{"camera_fps":5.1}},"service":{"uptime":9100,"version":"0.16","temperatures":{"apex_0":51.5}}}',
        [("frigate", "uptime", "", 9100), ("frigate", "device_temperature", "apex_0", 51.5)],
    ),
    Example(
        "What all cameras are doing",
        "frigate/camera_activity",
        b'{"gate":{"config":{"detect":true,"enabled":true},"motion":false,"objects":[{"id":"1","label":"smoke"}]}}',
        [
            ("gate", "motion", "", False),
            ("gate", "detection_enabled", "", True),
            ("gate", "smoke_detected_visual", "", True),
        ],
    ),
    Example("A picture", "frigate/gate/person/snapshot", b"\xff\xd8\xff\xe0\x00\x10JFIF"),
    Example("A command", "frigate/gate/detect/set", b"ON"),
    Example("A topic nobody knows", "frigate/nonsense", b"1", quarantine="unknown-topic"),
)
