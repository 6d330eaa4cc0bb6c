"""Hikvision: cameras, door controllers and the wired zones of an alarm panel, as they push over HTTP.

Awkward on purpose: XML of cameras as multipart with a picture behind it, JSON of controllers, Contact ID codes of
panels, a quiet camera whose `videoloss` `inactive` is its heartbeat.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final, Literal

from devices.codec import Push
from devices.simulator.dialects import Saying, Wire
from devices.simulator.dialects._plain import Plain, digits, encode

_SEEN: Final = {"obstruction": "fireEscapeDetection", "fire_detected": "fireDetection"}
_ZONES: Final = {
    "smoke": 111,
    "heat": 114,
    "call_point": 115,
    "gas": 151,
    "water_leak": 154,
    "co": 162,
    "sos": 120,
}
_DOOR_OPEN, _DOOR_CLOSED, _DOOR_FORCED = 0x19, 0x1A, 0x1B
KINDS: Final[Sequence[str] | None] = ("camera", "access", *_ZONES)

_CHINA: Final = timezone(timedelta(hours=8))
_BOUNDARY: Final = "7e13971310878"
_PICTURE: Final = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(64) + b"\xff\xd9"


class Spoken(Plain):
    """Cameras and controllers for themselves, one panel for all zones; nobody says that one is gone."""

    stamps = True
    carrier: Literal["mqtt", "http", "tcp"] = "http"
    kinds = KINDS
    bad = (b"<EventNotificationAlert><eventType>VMD</", b'{"eventType":"VMD"', b"<a/>", b'{"eventType":7}')

    def __init__(self, site: str, devices: Sequence[tuple[str, str]]) -> None:
        super().__init__(site, devices)
        self._zones = {name: n for n, (name, kind) in enumerate(devices, 1) if kind in _ZONES}

    def can(self, kind: str, metric: str) -> bool:
        if kind in _ZONES:
            return metric in (kind, "tamper")
        return metric in _SEEN if kind == "camera" else metric == "door_forced"

    def native(self, name: str) -> str:
        if name in self._zones:
            return f"{self._mac('panel')}/zone/{self._zones[name]}"
        return f"{self._mac(name)}/{'1' if self.kind[name] == 'camera' else 'door/1'}"

    def report(self, saying: Saying) -> Sequence[Wire]:
        kind, fields = self.kind[saying.name], saying.fields
        if kind == "camera":
            lost = not fields["camera_online"]
            found = {"video_loss": lost}
            wires = [self._camera(saying, "videoloss", lost, found)]
            return wires + [
                self._camera(saying, seen, True, {metric: True})
                for metric, seen in _SEEN.items()
                if fields.get(metric)
            ]
        if kind == "access":
            opened = bool(fields["door_open"] or fields.get("door_forced"))
            forced = bool(fields.get("door_forced"))
            minor = _DOOR_FORCED if forced else _DOOR_OPEN if opened else _DOOR_CLOSED
            return (self._door(saying, minor),)
        return (self._zone(saying, _ZONES[kind], bool(fields.get(kind)), kind),)

    def event(self, saying: Saying) -> Sequence[Wire]:
        kind = self.kind[saying.name]
        if kind == "camera":
            return (
                self._camera(saying, _SEEN[saying.metric], saying.active, {saying.metric: saying.active}),
            )
        if kind == "access":
            return (self._door(saying, _DOOR_FORCED if saying.active else _DOOR_CLOSED),)
        code = 144 if saying.metric == "tamper" else _ZONES[kind]
        return (self._zone(saying, code, saying.active, saying.metric),)

    def push(self, topic: str, payload: bytes, secret: str) -> Push:
        if not payload.startswith(b"<Event"):
            return Push("POST", topic, {}, {"content-type": "application/json"}, payload)
        edge = f"--{_BOUNDARY}".encode()
        body = (
            edge + b'\r\nContent-Disposition: form-data; name="event.xml"; filename="event.xml"\r\n'
            b"Content-Type: application/xml\r\n\r\n" + payload + b"\r\n" + edge
            + b'\r\nContent-Disposition: form-data; name="picture.jpg"; filename="picture.jpg"\r\n'
            b"Content-Type: image/jpeg\r\n\r\n" + _PICTURE + b"\r\n" + edge + b"--\r\n"
        )  # fmt: skip
        return Push("POST", topic, {}, {"content-type": f"multipart/form-data; boundary={_BOUNDARY}"}, body)

    def _mac(self, name: str) -> str:
        mac = digits(self.site, name, 12)
        return ":".join(mac[n : n + 2] for n in range(0, 12, 2))

    def _camera(self, saying: Saying, kind: str, active: bool, found: Mapping[str, Any]) -> Wire:
        at, text = _time(saying)
        xml = (
            '<EventNotificationAlert version="2.0" xmlns="http://www.hikvision.com/ver20/XMLSchema">\r\n'
            f"<ipAddress>192.0.2.64</ipAddress><macAddress>{self._mac(saying.name)}</macAddress>"
            f"<channelID>1</channelID><dateTime>{text}</dateTime><activePostCount>1</activePostCount>"
            f"<eventType>{kind}</eventType><eventState>{'active' if active else 'inactive'}</eventState>"
            f"<eventDescription>{kind} alarm</eventDescription></EventNotificationAlert>\r\n"
        )
        return Wire("", xml.encode(), False, found, at)

    def _door(self, saying: Saying, minor: int) -> Wire:
        found = {"door_open": minor != _DOOR_CLOSED}
        if minor != _DOOR_OPEN:
            found["door_forced"] = minor == _DOOR_FORCED
        event = {"majorEventType": 5, "subEventType": minor, "doorNo": 1}
        return self._json(saying, self._mac(saying.name), "AccessControllerEvent", event, found)

    def _zone(self, saying: Saying, code: int, active: bool, metric: str) -> Wire:
        event = {"code": (1000 if active else 3000) + code, "zone": self._zones[saying.name]}
        return self._json(saying, self._mac("panel"), "cidEvent", event, {metric: active})

    def _json(
        self, saying: Saying, mac: str, kind: str, event: dict[str, Any], found: dict[str, Any]
    ) -> Wire:
        at, text = _time(saying)
        body = {
            "ipAddress": "192.0.2.65", "macAddress": mac, "channelID": 1, "dateTime": text, "eventType": kind,
            "eventState": "active", "CIDEvent" if kind == "cidEvent" else kind: event,
        }  # fmt: skip
        return Wire("", encode(body), False, found, at)


def _time(saying: Saying) -> tuple[int, str]:
    """The second it is, and how that is written here."""
    at = (saying.ts or 0) // 1000 * 1000
    return at, datetime.fromtimestamp(at / 1000, UTC).astimezone(_CHINA).isoformat(timespec="seconds")
