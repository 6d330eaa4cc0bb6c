"""What dialects have in common: what a device says of itself when its family has no special words for that."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, Final, Literal, NamedTuple

import msgspec

from devices.codec import Push
from devices.simulator.dialects import Heard, Saying, Wire

BAD_JSON: Final = (
    b'{"v":1,"smoke":tru',
    b"\x00\xff\xfe\x80\x01",
    b"[" * 200 + b"]" * 200,
    b'"\xc3\x28"',
    b'{"v":1,"note":"' + b"x" * 70_000 + b'"}',
)
"""What no reader of JSON should take: cut, binary, 200 brackets deep, no UTF-8, 70 KB."""

encode: Final = msgspec.json.Encoder().encode


class Key(NamedTuple):
    """How a metric is written: its name, how many of our units one of theirs is, its decimals, its yes and its no."""

    name: str
    scale: float = 1.0
    decimals: int = 3
    on: Any = True
    off: Any = False


def write(keys: Mapping[str, Key], fields: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fields as the family writes them, and what that means; what it has no word for is left out."""
    written: dict[str, Any] = {}
    meant: dict[str, Any] = {}
    for metric, value in fields.items():
        key = keys.get(metric)
        if key is None:
            continue
        if isinstance(value, bool):
            written[key.name], meant[metric] = key.on if value else key.off, value
        elif key.scale == 1:
            written[key.name] = meant[metric] = value
        else:
            written[key.name] = round(value / key.scale, key.decimals)
            meant[metric] = written[key.name] * key.scale
    return written, meant


SENSORS: Final = (
    "smoke", "heat", "gas", "co", "call_point", "sos", "hydrant", "pressure", "water_level", "water_leak", "access",
    "meter",
)  # fmt: skip
"""Kinds that a maker of sensors has whose messages are objects of keys; panels and cameras speak otherwise."""

SPOKEN: Final[Mapping[str, Key]] = {
    **{
        metric: Key(metric)
        for metric in (
            "smoke", "gas", "co", "call_point", "sos", "hydrant_open", "pressure_low", "water_level_alarm",
            "water_leak", "door_open", "door_forced", "overcurrent", "tamper", "battery_low", "test", "muted",
            "smoke_obscuration", "temperature", "gas_lel", "co_ppm", "voltage", "supply_voltage", "battery", "rssi",
        )
    },
    "pressure": Key("pressure_kpa"),
    "flow": Key("flow_lpm"),
    "water_level": Key("water_level_mm"),
    "current": Key("current_ma"),
    "leakage_current": Key("leakage_current_ma"),
    "heat": Key("heat_alarm", on="alarm", off="normal"),
}  # fmt: skip
"""The words of a family that leaves its keys to makers, where those use the house's own and name their unit."""


class Plain(ABC):
    """Devices that come and go without a word, on a broker, and keep nothing. A dialect says what it has beyond.

    `kinds` are the kinds of hardware it has (None: all), `keys` the words of each metric it can say, `bad` its garbage.
    """

    stores = False
    stamps = False
    carrier: Literal["mqtt", "http", "tcp"] = "mqtt"
    kinds: ClassVar[Sequence[str] | None] = None
    keys: ClassVar[Mapping[str, Key]] = {}
    bad: ClassVar[Sequence[bytes]] = BAD_JSON

    def __init__(self, site: str, devices: Sequence[tuple[str, str]]) -> None:
        strange = sorted({kind for _, kind in devices} - set(self.kinds)) if self.kinds is not None else ()
        if strange:
            family = type(self).__module__.rpartition(".")[2]
            raise ValueError(
                f"no {family} devices of kind {', '.join(strange)}; there are {', '.join(self.kinds or ())}"
            )
        self.site = site
        self.kind = dict(devices)

    def can(self, kind: str, metric: str) -> bool:
        return metric in self.keys

    def native(self, name: str) -> str:
        return name

    def opening(self) -> Iterable[Wire]:
        return ()

    def status(self, name: str, online: bool) -> Sequence[Wire]:
        return ()

    @abstractmethod
    def report(self, saying: Saying) -> Sequence[Wire]:
        """A report of all it knows."""

    def event(self, saying: Saying) -> Sequence[Wire]:
        """A report in which the thing that happened is told as well."""
        return self.report(saying._replace(fields={**saying.fields, saying.metric: saying.active}))

    def batch(self, name: str, sayings: Sequence[Saying]) -> Wire:
        raise ValueError(f"{name} stores nothing")

    def kept(self, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        return {m: v for m, v in fields.items() if m in self.keys} if self.keys else fields

    def garbage(self, saying: Saying) -> Sequence[Wire]:
        topic = self.report(saying)[0].topic
        return [Wire(topic, payload, False, {}) for payload in self.bad]

    def severed(self, names: Sequence[str], mains: Sequence[str]) -> Iterable[tuple[str, Wire]]:
        # Devices on batteries hold no connection between two messages, so nobody misses them at once.
        return [(name, wire) for name in mains for wire in self.status(name, False)]

    def filters(self) -> Sequence[str]:
        return ()

    def hear(self, topic: str, payload: bytes) -> Heard | None:
        return None

    def result(self, heard: Heard, done: bool) -> Wire | None:
        return None

    def will(self, name: str) -> Wire | None:
        return next(iter(self.status(name, False)), None)

    def back(self, name: str) -> Wire | None:
        return next(iter(self.status(name, True)), None)

    def push(self, topic: str, payload: bytes, secret: str) -> Push:
        return Push("POST", topic, {}, {"content-type": "application/json"}, payload)

    def ticket(self, frame: bytes) -> bytes | None:
        return None

    def tickets(self, received: bytearray) -> list[bytes]:
        received.clear()
        return []


class Topics(Plain):
    """Devices that say each value under a topic of its own: what happens is told alone, with the number behind it."""

    @abstractmethod
    def one(self, saying: Saying, metric: str, value: Any) -> Wire | None:
        """One value; None where the family has no word for it."""

    def report(self, saying: Saying) -> Sequence[Wire]:
        told = [self.one(saying, metric, value) for metric, value in saying.fields.items()]
        return [wire for wire in told if wire is not None]

    def event(self, saying: Saying) -> Sequence[Wire]:
        told = [self.one(saying, saying.metric, saying.active)]
        if saying.number:
            told.append(self.one(saying, saying.number, saying.fields[saying.number]))
        return [wire for wire in told if wire is not None]


def digits(site: str, name: str, length: int) -> str:
    """A number of hex digits that stays the device's own: a MAC, a serial, an EUI."""
    return hashlib.blake2b(f"{site}/{name}".encode(), digest_size=(length + 1) // 2).hexdigest()[:length]


def iso(ms: int, timespec: str = "milliseconds") -> str:
    """RFC 3339 in UTC."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec=timespec).replace("+00:00", "Z")
