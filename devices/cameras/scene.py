"""What cameras see: the words for kinds of objects and detections, in the house's metrics."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import Final

from devices.vocabulary import words_of

_KINDS: Final[dict[str, str]] = {
    "person_detected": "person people human humans pedestrian man woman child body figure 人 人员 行人",
    "vehicle_detected": (
        "car vehicle vehicles truck bus van motorcycle motorbike motor_vehicle motorvehicle suv pickup lorry train"
        " forklift tractor vehicle_motor 车辆 机动车"
    ),
    "ebike_detected": (
        "ebike e_bike electric_bike electric_bicycle electric_scooter escooter e_scooter electric_vehicle_bike"
        " electro_mobile electromobile electric_moped battery_bike battery_car elevator_ebike 电动车 电动自行车 电瓶车"
    ),
    "fire_detected": "fire flame flames fire_point open_flame 火 火焰 明火 烟火 火点",
    "smoke_detected_visual": "smoke 烟 烟雾",
}
_METRIC: Final = {word: metric for metric, words in _KINDS.items() for word in words.split()}

COUNTS: Final = {"person_detected": "person_count", "vehicle_detected": "vehicle_count"}
"""The metric a number of such objects is; the other kinds are counted by nobody."""

SMOKE_AND_FIRE: Final = frozenset(("fire_detected", "smoke_detected_visual"))
"""Kinds whose presence is itself an alarm."""


@lru_cache(maxsize=1024)
def seen(label: str) -> str | None:
    """The metric that says an object of this label is seen; None for a dog, a package, a face.

    `person-verified` is a person; `Motor Vehicle`, `motorVehicle` and `MotorVehicle` are one.
    """
    if len(label) > 64:
        return None
    words = [word for word in words_of(label) if word != "verified"]
    return _METRIC.get("_".join(words)) or _METRIC.get("".join(words))


def faces(name: str) -> bool:
    """Whether a detection is about faces: those are dropped, wherever they come from, and nobody is recognised here."""
    plain = name.casefold().replace("interface", "").replace("surface", "")
    return "face" in plain or "人脸" in plain


# Of an event nobody lists the words tell; the graver meaning first.
_SIGNS: Final[tuple[tuple[str, str], ...]] = (
    (
        "obstruction",
        (
            "firelane fireescape fireexit firepassage firechannel fireaccess firecorridor"
            " passageoccupied passageblocked exitoccupied exitblocked laneoccupied corridoroccupied"
        ),
    ),
    ("fire_detected", "fire flame flames firedetection flamedetection"),
    ("smoke_detected_visual", "smoke smokedetection"),
    ("loitering", "loitering loiterer loiter"),
    (
        "line_crossing",
        "tripwire linecrossing linecrossed linecross crossline crossingline linedetector linedetection",
    ),
    ("intrusion", "intrusion intruder trespass trespassing fence climbing regionentrance fielddetection"),
    ("camera_tamper", "tamper tampering tampered covered"),
    ("ebike_detected", "ebike electromobile escooter electricbike electricbicycle electricscooter"),
    ("person_detected", "person people human pedestrian"),
    ("vehicle_detected", "vehicle car"),
    ("motion", "motion vmd pir"),
    ("audio_detected", "audio sound scream screaming shout gunshot"),
)
_SIGN_SETS: Final = tuple((metric, frozenset(words.split())) for metric, words in _SIGNS)
_NOTHING: Final = """
    test config configuration enabled disabled suppression
    firetruck fireengine firecontrol firedoor fireextinguisher fireextinguishers fireequipment firefacility firewall
"""
_UNSAID: Final = frozenset(_NOTHING.split())


def by_words(name: str) -> str | None:
    """The metric an event's name tells of; empty for one that tells of none, None for a setting or a test.

    `FireLaneOccupied` is an obstruction and `FireTruck` nothing; `FireDetected` is fire.
    """
    spelt = words_of(name)
    words = {*spelt, *(a + b for a, b in pairwise(spelt))}  # EBike is `e bike`
    if words & _UNSAID:
        return None
    return next((metric for metric, signs in _SIGN_SETS if words & signs), "")
