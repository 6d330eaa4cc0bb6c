"""Which ONVIF topics say what: those of the standard, of Axis and of other makers' analytics.

Sources: onvif/specs, doc/Core.xml (Monitoring, HardwareFailure), Imaging, DeviceIo, Analytics (annexes), AccessControl,
DoorControl; Axis, "Event declarations" of VAPIX and of its applications. A topic is its levels without namespaces.

Faces are dropped. What nobody lists is read by its words, and where they tell of no alarm it is a `trigger` while its
state is on.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import msgspec

from devices.cameras.scene import by_words, faces


class Event(msgspec.Struct, frozen=True):
    """How a topic is read.

    - `state`: `metric` is whether the state item is on. `guess`: likewise; without such an item, being sent means yes.
    - `pulse`: being sent means yes (an empty list of objects means no).
    - `number`, `climate`: what was measured; `words`: an enumeration; `objects`, `scenario`: what is in view; `plate`.
    - `none`: says nothing to us. `trigger`: only its name is known.
    """

    how: str
    metric: str = ""


_NOTHING: Final = Event("none")

_STATES: Final = {
    "motion": (
        "RuleEngine/CellMotionDetector/Motion RuleEngine/MotionRegionDetector/Motion VideoSource/MotionAlarm"
        " VideoAnalytics/Motion VideoAnalytics/MotionDetection RuleEngine/VMD3 RuleEngine/VideoMotionDetection"
        " CameraApplicationPlatform/VMD CameraApplicationPlatform/MotionGuard Device/Sensor/PIR"
        " VideoMotionDetection RuleEngine/DeclarativeMotion"
    ),
    "intrusion": (
        "RuleEngine/FieldDetector/ObjectsInside VideoAnalytics/Field/Entered CameraApplicationPlatform/FenceGuard"
        " RuleEngine/FieldDetector/ObjectsInsideOrOutside IVA/EnterArea IVA/Intrusion"
    ),
    "loitering": "CameraApplicationPlatform/LoiteringGuard RuleEngine/FieldDetector/ObjectsLoitering",
    "camera_tamper": (
        "RuleEngine/TamperDetector/Tamper VideoSource/GlobalSceneChange VideoSource/Tampering"
        " VideoAnalytics/Tampering"
    ),
    "obstructed": "VideoSource/ImageTooBlurry VideoSource/ImageTooDark VideoSource/ImageTooBright",
    "video_loss": "VideoSource/SignalLoss VideoSource/SignalStandardMismatch MediaControl/VideoLoss",
    "digital_input": (
        "Device/Trigger/DigitalInput Device/IO/Port Device/IO/VirtualPort Device/IO/VirtualInput"
        " Device/IO/Digital_Input"
    ),
    "relay": "Device/Trigger/Relay Device/Trigger/DigitalRelay Device/Trigger/DigitalOutput Device/IO/OutputPort",
    "storage_fault": "Device/HardwareFailure/StorageFailure Storage/Disruption",
    "fault": "Device/HardwareFailure Storage/Alert Device/RingPowerLimitExceeded",
    "overtemp": "Device/HardwareFailure/TemperatureCritical Device/Status/Temperature/Above",
    "temperature_alarm": "Device/Status/Temperature/Below",
    "heat": "RuleEngine/Radiometry/TemperatureAlarm VideoSource/Thermometry/TemperatureDetection",
    "washer_liquid_low": "Monitoring/Washer/LiquidLow",
    "audio_detected": (
        "AudioAnalytics/Audio/DetectedSound AudioAnalytics/Audio/AudioAlarm AudioSource/TriggerLevel"
        " AudioSource/AudioDetection AudioClassification AdaptiveAudioDetection/Detected AudioDetection AudioAlarm"
        " SoundPressureLevel/AboveThresholdUpper"
    ),
    "tamper": "AccessPoint/State/Tampering Device/Casing/Open Device/IO/SupervisedPort",
    "battery_low": "Door/Status/BatteryAlarm",
    "vibration": "Device/ShockDetected IVA/ShockDetection Detector/ShockDetected",
}
_PULSES: Final = {
    "line_crossing": "RuleEngine/LineDetector/Crossed VideoAnalytics/Line/Crossed",
    "loitering": "RuleEngine/LoiteringDetector/ObjectIsLoitering",
    "access_granted": "AccessControl/AccessGranted",
    "access_denied": "AccessControl/Denied",
    "access_event": "AccessControl/AccessTaken AccessControl/AccessNotTaken AccessControl/Request",
    "sos": "AccessControl/Duress",
    "temperature_high": "Device/Sensor/Temperature/High",
    "temperature_alarm": "Device/Sensor/Temperature/Low",
}
_OTHERS: Final = {
    "climate": "AirQualityMonitor/Metadata Device/Sensor",
    "words": "Door/State",
    "objects": "RuleEngine/ObjectDetection/Object",
    "scenario": "CameraApplicationPlatform/ObjectAnalytics",
    "plate": "RuleEngine/Recognition/LicensePlate RuleEngine/PlateDetector IVA/LPR",
    "none": (
        "Media Configuration RecordingConfig RecordingHistory PTZController Monitoring Device UserAlarm Schedule"
        " Credential AccessRules AccessPoint Display Receiver Advancedsecurity LightControl VideoSource Storage"
        " VideoEncoder AudioControl MediaClip AudioSource MQTT AirQualityMonitor SoundPressureLevel RecordingSearch"
        " RuleEngine/Recognition RuleEngine/ObjectTrack RuleEngine/CountAggregation AccessControl Door"
        " RuleEngine/FieldDetector/ObjectsOutside VideoAnalytics/Field/Exited"
        " CameraApplicationPlatform/ObjectAnalytics/xinternal_data"
    ),
}
_NUMBERS: Final = {
    "person_count": "RuleEngine/CountAggregation/OccupancyCounter",
    "pulse_count": "RuleEngine/CountAggregation/Counter",
    "temperature": "Monitoring/EnvironmentalConditions/Temperature",
    "humidity": "Monitoring/EnvironmentalConditions/RelativeHumidity",
    "battery": "Monitoring/BatteryCapacity",
}
_TABLE: Final[dict[str, Event]] = {
    **{t: Event("state", metric) for metric, topics in _STATES.items() for t in topics.split()},
    **{t: Event("pulse", metric) for metric, topics in _PULSES.items() for t in topics.split()},
    **{t: Event("number", metric) for metric, topics in _NUMBERS.items() for t in topics.split()},
    **{t: Event(how) for how, topics in _OTHERS.items() for t in topics.split()},
}


@lru_cache(maxsize=4096)
def event_of(topic: str) -> Event:
    """How a topic without namespaces is read: by the longest beginning the table has, else by its words."""
    if faces(topic):
        return _NOTHING
    levels = topic.split("/")
    for length in range(len(levels), 0, -1):
        found = _TABLE.get("/".join(levels[:length]))
        if found is not None and (found is not _TABLE.get(levels[0]) or length == len(levels)):
            return found
    metric = by_words("_".join(levels))
    if metric is None:
        return _NOTHING
    if metric:
        return Event("guess", metric)
    return _TABLE.get(levels[0], Event("trigger"))
