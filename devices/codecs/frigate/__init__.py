"""Frigate: `frigate/...`, the topics of its recorder and of every camera and zone.

Source: docs.frigate.video, "MQTT" (0.9 to 0.17).

- A camera and a zone are named as in Frigate's configuration; the recorder itself is the device `frigate` (the topic
  prefix). `available` is both its availability and that of everything behind it.
- Objects: person, vehicle and e-bike are seen or counted; `fire` and `smoke` (labels of custom models) are alarms,
  raised by an event and cleared by its end or by their count of zero. Every event also says its `object_class`,
  `confidence`, `zone` (the first it is in) and `event_phase`.
- Heard: `fire_alarm`, `smoke_detector` and the like are `audio_alarm`, all other sounds `audio_detected`.
- `<camera>/status/<role>` is `camera_online`; of the roles `detect` is the picture, the others stand under their name.
- Pictures are never read; topics that carry them say nothing. An event that has one says where the recorder gives it
  out, below its own address (`snapshot_ref`; docs.frigate.video, "HTTP API", `GET /api/events/:event_id/snapshot.jpg`).
  Transcribed speech and descriptions are not kept either.
- Nobody is recognised here: a face event leaves its score, never a name, and sub-labels of persons are not read.
  A number plate is kept of vehicles only.
- `.../set`, `restart` and `ptz` are commands, `.../state` are settings; of these only whether detection runs is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from devices.cameras.scene import COUNTS, SMOKE_AND_FIRE, seen
from devices.codec import Decoded, Message, Topic
from devices.codecs.frigate.events import event, review, tracked, trigger
from devices.codecs.frigate.examples import EXAMPLES as EXAMPLES
from devices.reading import Flag, Reading, Value, device_id, point_id
from devices.vocabulary import clean_channel, number_in, short

TOPICS: Sequence[Topic] = (Topic("frigate/#"),)

LIMITS: Final = {
    "frigate/stats": 1 << 20,
    "frigate/camera_activity": 1 << 20,
    "frigate/+/+/snapshot": 4 << 20,
}
"""What the recorder tells of all its cameras, about 1 KB each; and pictures, which are passed over unread."""

_NAME_MAX: Final = 128
_AVAILABLE: Final = {"online": "online", "offline": "offline", "stopped": "offline"}
_STATUS: Final = {"online": True, "offline": False, "disabled": False}
_SWITCH: Final = {"ON": True, "OFF": False}
_HEARD: Final = frozenset(
    ("fire_alarm", "smoke_detector", "smoke_alarm", "carbon_monoxide_detector", "carbon_monoxide_alarm")
)  # AudioSet's "Fire alarm" and "Smoke detector, smoke alarm", as Frigate's label map writes them
_OWN_BUSINESS: Final = frozenset(
    ("model_state", "job_state", "embeddings_reindex_progress", "birdseye_layout", "audio_detections")
)  # what the recorder's own pages are told, over the broker too
_REVIEWS: Final = frozenset(("none", "detection", "alert"))
_EVENTS: Final = {
    "events": event,
    "reviews": review,
    "tracked_object_update": tracked,
    "triggers": trigger,
}
_json: Final = msgspec.json.Decoder()


def decode(context: Mapping[str, Any], message: Message) -> Decoded:
    """Readings of one message of a recorder. Nothing is learned: every message stands for itself."""
    if message.topic.startswith("frigate/"):
        prefix, rest = "frigate", message.topic[8:]
    else:
        prefix, _, rest = message.topic.partition("/")
    parts = rest.split("/")
    if not prefix or not parts[0] or len(parts) > 4 or len(parts[0]) > _NAME_MAX or len(prefix) > _NAME_MAX:
        return Decoded(quarantine="unknown-topic: not <prefix>/<name> of at most four levels")
    if parts[-1] in ("set", "snapshot", "suspend", "restart", "ptz", "onConnect") or not message.payload:
        return Decoded()
    if len(parts) == 1:
        return _recorder(message, prefix, parts[0])
    if parts[0] in ("notifications", "enrichments"):
        return Decoded()
    try:
        text = message.payload.decode()
    except UnicodeDecodeError:
        return Decoded(quarantine="not-text: a camera's topics carry a word or a number")
    return _camera(message, parts, text.strip())


def _recorder(message: Message, prefix: str, topic: str) -> Decoded:
    """A topic of the recorder as a whole."""
    device = device_id(message.source, prefix)
    if topic == "available":
        said = _AVAILABLE.get(message.payload.strip().decode("utf-8", "replace"))
        if said is None:
            return Decoded(quarantine="wrong-value: available is online, offline or stopped")
        return Decoded([_reading(message, device, m, said) for m in ("gateway_availability", "availability")])
    if topic in _OWN_BUSINESS:
        return Decoded()
    if topic not in _EVENTS and topic not in ("stats", "camera_activity"):
        return Decoded(quarantine="unknown-topic: no topic of a Frigate recorder")
    try:
        body = _EVENTS[topic](message) if topic in _EVENTS else _json.decode(message.payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Decoded(quarantine=f"not-json: {short(str(error))}")
    if isinstance(body, Decoded):
        return body
    if not isinstance(body, dict):
        return Decoded(quarantine="wrong-type: an object is expected here")
    return _stats(message, device, body) if topic == "stats" else _activity(message, body)


def _stats(message: Message, device: str, body: Mapping[str, Any]) -> Decoded:
    service = body.get("service")
    if not isinstance(service, dict):
        return Decoded()
    readings: list[Reading] = []
    uptime, heat = service.get("uptime"), service.get("temperatures")
    if _is_number(uptime):
        readings.append(_reading(message, device, "uptime", uptime))
    for part, degrees in list(heat.items())[:16] if isinstance(heat, dict) else ():
        if _is_number(degrees) and -100 < degrees < 200:
            readings.append(_reading(message, device, "device_temperature", degrees, clean_channel(part)))
    return Decoded(readings)


def _activity(message: Message, body: Mapping[str, Any]) -> Decoded:
    """What every camera is doing, told to whoever connects: motion, whether it detects, smoke and fire in view."""
    readings: list[Reading] = []
    for camera, told in list(body.items())[:256]:
        if not isinstance(told, dict) or not 0 < len(camera) <= _NAME_MAX:
            continue
        device = device_id(message.source, camera)
        config, objects = told.get("config"), told.get("objects")
        if isinstance(told.get("motion"), bool):
            readings.append(_reading(message, device, "motion", told["motion"]))
        if isinstance(config, dict) and isinstance(config.get("detect"), bool):
            readings.append(_reading(message, device, "detection_enabled", config["detect"]))
        labels = [o.get("label") for o in objects if isinstance(o, dict)] if isinstance(objects, list) else []
        for metric in sorted({m for label in labels if isinstance(label, str) and (m := seen(label))}):
            if metric in SMOKE_AND_FIRE:
                readings.append(_reading(message, device, metric, True))
    return Decoded(readings)


def _camera(message: Message, parts: Sequence[str], text: str) -> Decoded:
    """A topic of one camera or zone: a bare word or number."""
    camera, what = parts[0], parts[1]
    device = device_id(message.source, camera)
    if len(parts) == 2:
        if what == "motion":
            return _switched(message, device, "motion", text)
        if what == "review_status":
            return _severity(message, device, text.casefold())
        return _count(message, device, what, text)
    if len(parts) > 3:
        return Decoded()
    if parts[2] == "active":
        return _active(message, device, what, text)
    if parts[2] == "state":
        return _switched(message, device, "detection_enabled", text) if what == "detect" else Decoded()
    if what == "audio":
        return _audio(message, device, parts[2], text)
    if what == "status":
        return _role(message, device, parts[2], text)
    if what == "classification":
        return Decoded((_reading(message, device, "classification", short(text), clean_channel(parts[2])),))
    return Decoded()  # what no metric of ours holds


def _severity(message: Message, device: str, severity: str) -> Decoded:
    if severity not in _REVIEWS:
        return Decoded(quarantine="wrong-value: review_status is NONE, DETECTION or ALERT")
    return Decoded((_reading(message, device, "review_severity", severity),))


def _role(message: Message, device: str, role: str, text: str) -> Decoded:
    if text not in _STATUS:
        return Decoded(quarantine="wrong-value: status is online, offline or disabled")
    channel = "" if role == "detect" else clean_channel(role)
    return Decoded((_reading(message, device, "camera_online", _STATUS[text], channel),))


def _active(message: Message, device: str, label: str, text: str) -> Decoded:
    """How many of the objects in view are moving."""
    kind = COUNTS.get(seen(label) or "")
    if label == "all":
        return _number(message, device, "object_count_active", "", text)
    return _number(message, device, kind, _channel(label, "active"), text) if kind else Decoded()


def _count(message: Message, device: str, label: str, text: str) -> Decoded:
    kind = seen(label)
    if kind is None:
        return Decoded()
    if kind in COUNTS:
        return _number(message, device, COUNTS[kind], _channel(label), text)
    count = number_in(text)
    if count is None or count < 0:
        return Decoded(quarantine="wrong-value: the number of objects in view is a whole number")
    return Decoded((_reading(message, device, kind, count > 0),))


def _channel(label: str, more: str = "") -> str:
    """Cars and trucks are both vehicles; all but the first of a kind say which."""
    return clean_channel("_".join(p for p in ("" if label in ("person", "car") else label, more) if p))


def _audio(message: Message, device: str, kind: str, text: str) -> Decoded:
    if kind == "dBFS":
        return _number(message, device, "audio_level", "", text)
    if kind == "rms":
        return _number(message, device, "audio_rms", "", text)
    if kind == "transcription":
        return Decoded()
    return _switched(message, device, "audio_alarm" if kind in _HEARD else "audio_detected", text)


def _switched(message: Message, device: str, metric: str, text: str) -> Decoded:
    if text not in _SWITCH:
        readings = (_reading(message, device, metric, None, flags=int(Flag.INVALID)),)
        return Decoded(readings, quarantine=f"unknown-word: {metric} says {short(text)[:64]}, not ON or OFF")
    return Decoded((_reading(message, device, metric, _SWITCH[text]),))


def _number(message: Message, device: str, metric: str, channel: str, text: str) -> Decoded:
    value = number_in(text)
    if value is None or not -1e15 < value < 1e15:
        return Decoded(quarantine=f"wrong-value: {metric} is a number")
    return Decoded((_reading(message, device, metric, value, channel),))


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and -1e15 < value < 1e15


def _reading(
    message: Message, device: str, metric: str, value: Value, channel: str = "", flags: int = 0
) -> Reading:
    if message.retained:
        flags |= int(Flag.RETAINED)
    return Reading(point_id(device, metric, channel), value, None, flags)
