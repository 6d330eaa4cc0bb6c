"""What Dahua event codes mean, with what their data adds."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from devices.cameras.scene import by_words, faces, seen
from devices.codecs.dahua_event.blocks import Event
from devices.reading import METRICS, Condition
from devices.vocabulary import Meaning, number_in, quantity, sense, short, words_of

Metrics = tuple[str, ...]

# Codes, lower case. Sources: Dahua HTTP API (eventManager, "event codes"), rroller/dahua, DahuaVTO2MQTT.
_CODES: Final[Mapping[str, str]] = {
    "motion": "videomotion movedetection smartmotion rapidmove videomotiondetection",
    "person_detected": "smartmotionhuman humandetection pedestriandetection",
    "vehicle_detected": "smartmotionvehicle",
    "fire_detected": "firewarning firedetection firealarm",
    "smoke_detected_visual": "smokedetection",
    "fire_detected smoke_detected_visual": "firesmokedetection smokefiredetection",
    "heat": "heatimagingtemper hotspotwarning",
    "temperature_alarm": "coldspotwarning betweenruletempdiff",
    "video_loss": "videoloss",
    "storage_fault": (
        "storagefailure storagenotexist storagelowspace storageerror harddiskfailure raidfailure diskbroken"
        " recordabnormal"
    ),
    "camera_tamper": "videoblind videoabnormaldetection scenechange",
    "obstructed": "videounfocus",
    "line_crossing": "crosslinedetection tripwire",
    "intrusion": "crossregiondetection crossfencedetection climbdetection intrusiondetection enterregion",
    "loitering": "wanderdetection staydetection",
    "obstruction": "parkingdetection leftdetection",
    "audio_detected": "audiomutation audioanomaly audiodetection audiointensity",
    "alarm_input": "alarmlocal remotealarm remoteexternalalarm alarmin",
    "digital_input": "alarminputsourcesignal",
    "relay": "alarmoutput",
    "door_forced": "breakin forcedopen",
    "door_held_open": "doornotclosed dooropentimeout",
    "tamper": "chassisintruded antidismantle alarmboxtamper",
    "sos": "duress emergencycall rcemergencycall urgentcall panicalarm sosalarm callhelp",
    "access_denied": "maliciousaccesscontrol illegalcard repeatenter",
    "access_event": "fingerprintcheck accesssnap",
    "mains_fault": "powerfault acpowerlost powerabort",
    "battery_low": "batterylowpower lowbattery",
    "overtemp": "highcputemperature temperaturealarm chiptemperaturehigh",
    "fault": "ipconflict macconflict netabort networkabort fanfault sensorabnormal alarmboxoffline devicefault",
    "restart": "reboot",
    "heartbeat": "heartbeat keepalive",
    # understood and silent: what a device says of itself, of its files and its calls
    "": (
        "timechange ntpadjusttime newfile intelliframe mdresult firewarninginfo videomotioninfo rtspsessiondisconnect"
        " rtspsession infotip siprregisterresult sipregisterresult requestcallstate passivehangup hangupphone hangup"
        " ignoreinvite dgserrorreport updatefile sceneinfo lefunctionstatussync intervideoaccess networkchange"
        " useroperation loginfailure recordchange lensmaskopen lensmaskclose storagechange videotalk alarmtransmit"
        " doorcontrol doorcard numberstat mannumdetection crowddetection humantrait backkeylight backlighting"
        " citizenpicturecompare profilealarmtransmit configchange takenawaydetection rioterdetection upgrade"
    ),
}  # fmt: skip
_METRICS: Final[dict[str, Metrics]] = {
    code: tuple(metrics.split()) for metrics, codes in _CODES.items() for code in codes.split()
}
_CALLS: Final = frozenset(("invite", "callnoanswered", "phonecalldetect", "doorbell", "doorbellpressed"))
_ONCE: Final = frozenset(
    ("sos", "access_event", "access_denied", "heartbeat", "restart")
)  # an end is no news
_NEEDLESS: Final = frozenset(
    ("accesscontrol", "fingerprintcheck", "heartbeat")
)  # a word for the action, that is

# What hangs on an alarm input, where the panel knows: `SenseMethod` of its zone.
_SENSORS: Final = (
    ("smoke", frozenset(("smoke", "smoking"))),
    ("gas", frozenset(("gas", "combustible", "methane"))),
    ("co", frozenset(("co", "carbon"))),
    ("water_leak", frozenset(("water", "flood", "leak"))),
    ("sos", frozenset(("urgent", "urgency", "emergency", "panic", "call", "sos"))),
    ("heat", frozenset(("heat", "temperature", "thermal"))),
    ("call_point", frozenset(("fire", "manual"))),
)
_ON: Final = {"start": True, "pulse": True, "stop": False}
_DOOR: Final = {"open": True, "start": True, "close": False, "closed": False, "stop": False}
_SHUT: Final = ("door_open", "door_forced", "door_held_open")
_DEGREES: Final = {"1": "degF", "fahrenheit": "degF", "2": "K", "kelvin": "K"}
_NO_PLATE: Final = frozenset(("unknown", "none", "unlicensed"))


def told(event: Event) -> list[Meaning]:
    """Everything an event says. Raises ValueError, whose text is a quarantine reason, for half an event."""
    code, action = event.code.casefold(), event.action.casefold()
    if event.cut and action in _ON:
        raise ValueError("missing: the event says no index")
    if code in ("doorstatus", "dooropen", "doorclose", "doorclosed"):
        return _door(code, action, event.data)
    if action == "state":
        return []  # told again to whoever asks; nothing happened
    on = _ON.get(action)
    if on is None and not (code in _NEEDLESS and not action):
        raise ValueError(
            f"wrong-value: action is {short(event.action)[:32] or 'missing'}, not Start, Stop or Pulse"
        )
    on = on is not False
    if code == "accesscontrol":
        return _access(event.data) if on else []
    if code in _CALLS:
        return [Meaning("button", "", "call")] if on else []
    if code.startswith("traffic") or code in ("anpr", "lpr"):
        return _traffic(event.data) if on else []
    metrics = metrics_of(event.code)
    if metrics is None and (kind := _sensor(event.data)) != "alarm_input":
        metrics = (kind,)
    if metrics is None:
        return [Meaning("trigger", "", short(event.code))] if on else []
    if metrics == ("alarm_input",):
        metrics = (_sensor(event.data),)
    elif metrics == ("heat",) and _text(event.data, "AlarmContion", "AlarmCondition").casefold() in (
        "below",
        "1",
    ):
        metrics = ("temperature_alarm",)
    said = [Meaning(metric, "", on) for metric in metrics if on or metric not in _ONCE]
    return [*said, *_seen(metrics, event.data, on), *_degrees(metrics, event.data)]


@lru_cache(maxsize=1024)
def metrics_of(code: str) -> Metrics | None:
    """What a code is; empty where it says nothing, None where only its name is known."""
    if faces(code):  # who somebody is
        return ()
    known = _METRICS.get(code.casefold())
    if known is not None:
        return known
    metric = by_words(code)
    if metric == "" and (found := sense(code)) is not None and found.levels and found.term.level:
        metric = found.term.level if METRICS[found.term.level].condition is Condition.ALARM else ""
    return () if metric is None else (metric,) if metric else None


def _text(data: Mapping[str, Any], *keys: str) -> str:
    """The first of these that is there, as text."""
    for key in keys:
        value = data.get(key)
        if type(value) in (str, int, float):
            return str(value).strip()
    return ""


def _sensor(data: Mapping[str, Any]) -> str:
    words = frozenset(words_of(_text(data, "SenseMethod", "SensorType", "DevType")[:64]))
    return next((metric for metric, signs in _SENSORS if words & signs), "alarm_input")


def _door(code: str, action: str, data: Mapping[str, Any]) -> list[Meaning]:
    """A closed door is neither forced nor held open any longer."""
    word = _text(data, "Status", "State").casefold() if code == "doorstatus" else code.removeprefix("door")
    state = _DOOR.get(word, _DOOR.get(action) if not word else None)
    if state is None:
        return []
    return [Meaning("door_open", "", True)] if state else [Meaning(metric, "", False) for metric in _SHUT]


def _access(data: Mapping[str, Any]) -> list[Meaning]:
    """Somebody was let in or not; who it was is not read."""
    said = [Meaning("access_event", "", True)]
    status, error = _text(data, "Status"), _text(data, "ErrorCode")
    if status == "1" or (not status and error == "0"):
        said.append(Meaning("access_granted", "", True))
    elif status == "0" or error not in ("", "0"):
        said.append(Meaning("access_denied", "", True))
    return said


def _traffic(data: Mapping[str, Any]) -> list[Meaning]:
    """A vehicle, and its plate if it has one."""
    said = [Meaning("vehicle_detected", "", True)]
    car, thing = data.get("TrafficCar"), data.get("Object")
    plate = _text(car, "PlateNumber") if isinstance(car, dict) else ""
    if not plate and isinstance(thing, dict) and _text(thing, "ObjectType").casefold() == "plate":
        plate = _text(thing, "Text")
    if 0 < len(plate) <= 32 and plate.casefold() not in _NO_PLATE:
        said.append(Meaning("plate", "", short(plate)))
    return said


def _seen(metrics: Metrics, data: Mapping[str, Any], on: bool) -> list[Meaning]:
    """People and vehicles, where the analysis says what crossed."""
    if metrics not in (("line_crossing",), ("intrusion",), ("loitering",), ("obstruction",)):
        return []
    thing = data.get("Object")
    kind = seen(_text(thing, "ObjectType")) if isinstance(thing, dict) else None
    return [Meaning(kind, "", on)] if kind else []


def _degrees(metrics: Metrics, data: Mapping[str, Any]) -> list[Meaning]:
    if metrics not in (("heat",), ("temperature_alarm",)):
        return []
    number = number_in(_text(data, "TemperatureValue", "Temperature", "Temperatur"))
    unit = _DEGREES.get(_text(data, "TemperatureUnit", "Unit").casefold(), "degC")
    return [quantity("temperature", "", number, unit)] if number is not None else []
