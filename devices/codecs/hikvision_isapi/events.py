"""What one Hikvision event says: by its type, its state and, of smart cameras, what they saw."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

import msgspec

from devices.cameras.scene import by_words, faces, seen
from devices.codecs.hikvision_isapi import access, contact_id
from devices.vocabulary import Meaning, number_in, quantity, short

Metrics = tuple[str, ...]

# Event types, lower case. Source: ISAPI developer guide, "Alarm types"; pyhik and hikvision_next, their tables.
_TYPES: Final[Mapping[str, str]] = {
    "motion": "vmd motiondetection vmdhumanvehicle pir motion regionexiting movedetection",
    "camera_tamper": "tamperdetection shelteralarm scenechangedetection",
    "obstructed": "defocus defocusdetection videodefocus",
    "video_loss": "videoloss",
    "storage_fault": (
        "diskerror diskfull raidfailure recordingfailure recordfailure storagedetection recordexception hdbadblock"
        " diskunformat smarterror hdfull hderror nodisk diskhealth diskrecorderror"
    ),
    "fault": (
        "nicbroken ipconflict illaccess badvideo videomismatch fanfailure fanexception poweroff poepowerexception"
        " deviceexception ipcdisconnect camerareconnect devicedisconnect spareexception hotspare networkexception"
        " videoexception illegallogin"
    ),
    "overtemp": "overheat temperatureexception hightemperature boardtemperature hdtemperature",
    "line_crossing": "linedetection crossline linecrossing",
    "intrusion": "fielddetection regionentrance regionentry intrusion perimeter",
    "loitering": "loitering",
    "alarm_input": "io localalarm alarmin alarminput virtualinput",
    "fire_detected": "firedetection flamedetection dynamicfiredetection",
    "smoke_detected_visual": "smokedetection",
    "fire_detected smoke_detected_visual": "smokeandfiredetection firesmokedetection fireandsmokedetection",
    "prealarm": "tmpa thermometrypre",
    "heat": "tma",
    "temperature_alarm": "tda temperaturediff",
    "audio_detected": "audioexception audiodetection audiodetect steepriseaudio steepdropaudio",
    "obstruction": (
        "parking parkingdetection illegalparking unattendedbaggage firelane fireescapedetection"
        " fireescape channeloccupied"
    ),
    "sos": "callhelp onekeyalarm keyalarm panicalarm emergencycall",
    "vehicle_detected": "anpr vehicledetection vehicle tfs",
    "ebike_detected": "ebikedetection electricbicycledetection elevatorebike",
    "access_event": "qrcodeevent idcardinfoevent remotecheck",
    "tamper": "dismantle dismantlealarm antidismantle",
    "heartbeat": "heartbeat",
    # understood and silent: people are not measured, and these tell of no state of a place
    "": (
        "facetemperaturemeasurementevent thermometry peoplecounting personqueuedetection framesPeopleCounting"
        " attendedbaggage timing gpsupload uploadgps deviceonline heatmap intersectionanalysis regionvehicle"
        " mixedtargetdetection humanattribute targetcapture humanrecognition peoplenumchange duration"
    ),
}  # fmt: skip
_METRICS: Final[dict[str, Metrics]] = {
    word.casefold(): tuple(metrics.split()) for metrics, words in _TYPES.items() for word in words.split()
}
_ONCE: Final = frozenset(("sos", "access_event", "heartbeat"))  # an end of these is no news
_OFF: Final = frozenset(("inactive", "stop", "stopped", "end", "false"))
_DEGREES: Final = {"celsius": "degC", "fahrenheit": "degF", "kelvin": "K"}
_HOTTEST: Final = frozenset(
    ("currTemperature", "fireMaxTemperature", "highestPointTemperature", "maxTemperature")
)
_WALK_MAX: Final = 256


class Told(msgspec.Struct, frozen=True):
    """What an event says. `part` names the input, zone or door it is about, empty for the device or its channel."""

    said: tuple[Meaning, ...] = ()
    part: str = ""
    sequence: str = ""


def told(event: Mapping[str, Any]) -> Told:
    """Everything an event says. Raises ValueError, whose text is a quarantine reason, where it has no type."""
    kind = event.get("eventType")
    if type(kind) is not str or not kind.strip():
        raise ValueError("missing: an event has an eventType")
    kind = kind.strip()[:64]
    name = kind.casefold()
    if name == "accesscontrollerevent":
        return _access(event)
    if name in ("cidevent", "cid", "alarmhostcid"):
        return _panel(event)
    on = str(event.get("eventState", "active")).strip().casefold() not in _OFF
    if name == "videoloss" and not on:
        # What the firmware sends when there is nothing to say, and when a picture is back.
        return Told((Meaning("video_loss", "", False), Meaning("heartbeat", "", True)))
    metrics = metrics_of(kind)
    if metrics is None:
        return Told((Meaning("trigger", "", short(kind)),) if on else ())
    said = [Meaning(m, "", on) for m in metrics if on or m not in _ONCE]
    if metrics == ("heat",) and _below(event):
        said = [Meaning("temperature_alarm", "", on)]
    if name == "anpr":
        said = _plate(event)
    said += _seen(event, on)
    if metrics and metrics[0] in ("heat", "prealarm", "temperature_alarm", "fire_detected"):
        said += _degrees(event)
    return Told(tuple(said), _input(event) if metrics == ("alarm_input",) else "")


@lru_cache(maxsize=1024)
def metrics_of(kind: str) -> Metrics | None:
    """What an event of this type is; empty where it says nothing, None where only its name is known."""
    if faces(kind) or kind.casefold() == "alarmresult":  # who somebody is
        return ()
    known = _METRICS.get(kind.casefold())
    if known is not None:
        return known
    metric = by_words(kind)
    return () if metric is None else (metric,) if metric else None


def whole(value: Any) -> int | None:
    """The number of a JSON number or an XML text; None for anything that is no whole number of at most nine digits."""
    if type(value) is str:
        value = number_in(value.strip())
    return value if type(value) is int and -(10**9) < value < 10**9 else None


def _input(event: Mapping[str, Any]) -> str:
    for key in ("inputIOPortID", "dynInputIOPortID", "alarmInputNo"):
        number = whole(event.get(key))
        if number is not None:
            return f"input/{number}"
    return ""


def _walk(event: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Every key with its value, the outer ones first, of a bounded number of parts."""
    todo: list[Any] = [event]
    for _ in range(_WALK_MAX):
        if not todo:
            return
        current = todo.pop(0)
        if isinstance(current, list):
            todo.extend(current[:_WALK_MAX])
        elif isinstance(current, dict):
            yield from current.items()
            todo.extend(value for value in current.values() if isinstance(value, dict | list))


def _seen(event: Mapping[str, Any], on: bool) -> list[Meaning]:
    """People and vehicles, where a smart camera says what it saw."""
    target = event.get("detectionTarget") or event.get("targetType")
    if target is None and "DetectionRegionList" in event:
        target = next((v for k, v in _walk(event) if k == "detectionTarget"), None)
    if type(target) is not str:
        return []
    kinds = {kind for word in target.split(",") if (kind := seen(word))}
    return [Meaning(kind, "", on) for kind in sorted(kinds)]


def _below(event: Mapping[str, Any]) -> bool:
    """Whether a temperature alarm is about cold."""
    rules = (v for k, v in _walk(event) if k in ("alarmRule", "rule", "alarmType") and type(v) is str)
    return any(sign in rule.casefold() for rule in rules for sign in ("less", "below", "lower", "smaller"))


def _degrees(event: Mapping[str, Any]) -> list[Meaning]:
    """The highest temperature the event tells of; everything in it is in one unit."""
    unit = "degC"
    found: list[float] = []
    for key, value in _walk(event):
        if key in ("thermometryUnit", "temperatureUnit"):
            unit = _DEGREES.get(str(value).casefold(), unit)
        elif key in _HOTTEST:
            number = number_in(value.strip()) if type(value) is str else value
            if isinstance(number, int | float) and not isinstance(number, bool):
                found.append(number)
    return [quantity("temperature", "", max(found), unit)] if found else []


def _plate(event: Mapping[str, Any]) -> list[Meaning]:
    """A vehicle at a barrier: its plate and how sure the camera is."""
    anpr = event.get("ANPR")
    said = [Meaning("vehicle_detected", "", True)]
    if not isinstance(anpr, dict):
        return said
    plate = anpr.get("licensePlate")
    if type(plate) is str and 0 < len(plate.strip()) <= 32 and plate.strip().casefold() not in _NO_PLATE:
        said.append(Meaning("plate", "", short(plate.strip())))
        sure = whole(anpr.get("confidenceLevel"))
        if sure is not None and 0 <= sure <= 100:
            said.append(Meaning("confidence", "", sure / 100))
    return said


_NO_PLATE: Final = frozenset(("unknown", "none", "无车牌", "noplate"))


def _access(event: Mapping[str, Any]) -> Told:
    """An event of an access controller or door station; cards, names and pictures are not read."""
    inner = event.get("AccessControllerEvent")
    if not isinstance(inner, dict):
        raise ValueError("missing: no AccessControllerEvent in the event")
    major, minor = whole(inner.get("majorEventType")), whole(inner.get("subEventType"))
    if major is None or minor is None:
        raise ValueError("missing: majorEventType and subEventType are numbers")
    said = tuple(Meaning(metric, "", value) for metric, value in access.told(major, minor))
    door = whole(inner.get("doorNo"))
    serial = whole(inner.get("serialNo"))
    sequence = f"acs-{serial}-{str(event.get('dateTime', ''))[:40]}" if serial is not None else ""
    return Told(said, f"door/{door}" if door is not None else "", sequence)


def _panel(event: Mapping[str, Any]) -> Told:
    """An event of an alarm panel; without a code it only says that the panel is there."""
    inner = event.get("CIDEvent") or event.get("CIDAlarm") or {}
    if not isinstance(inner, dict):
        raise ValueError("wrong-type: CIDEvent is an object")
    if not inner:
        return Told((Meaning("heartbeat", "", True),))
    standard = whole(inner.get("standardCIDcode") or inner.get("standardCIDCode"))
    own = whole(inner.get("code") or inner.get("CIDCode"))
    code = standard or own
    if code is None:
        raise ValueError("missing: a panel's event has a code")
    meant = contact_id.told(code, standard=bool(standard))
    zone = whole(inner.get("zone") if "zone" in inner else inner.get("zoneNo"))
    said = (Meaning(meant[0], "", meant[1]),) if meant else ()
    of_zone = zone is not None and zone >= 0 and code % 1000 < 200
    return Told(said, f"zone/{zone}" if of_zone else "")
