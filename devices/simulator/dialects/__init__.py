"""The dialects fake hardware speaks, one file each: what a device wants to say, as the bytes it really sends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from types import EllipsisType
from typing import Any, Final, Literal, NamedTuple, Protocol

from devices.codec import Push

DIALECTS: Final = (
    "native", "zigbee2mqtt", "axis_mqtt", "chirpstack", "ctwing", "dahua_event", "esphome", "frigate", "gb26875",
    "ha_discovery", "hikvision_isapi", "homie", "huawei_iotda", "meokon", "onenet", "onvif_mqtt", "rtl_433",
    "shelly_gen1", "shelly_gen2", "sparkplug_b", "tasmota", "theengs", "thingsboard", "ttn",
)  # fmt: skip


class Unspoken(ValueError):
    """The dialect has no words for what a verb makes a device say, or nothing that could be said again."""


class Wire(NamedTuple):
    """One message, and what a decoder must find in it.

    `topic` is the path of an HTTP request below the source's address, and empty for a frame over TCP. `measured_at` is
    the time a decoder must find (UTC ms, None: none), where it is not the device's own as it was said.
    """

    topic: str
    payload: bytes
    retained: bool
    readings: Mapping[str, Any]
    measured_at: int | EllipsisType | None = ...


class Saying(NamedTuple):
    """What a device says at one moment. `ts` is its own clock's UTC ms, None when it has none.

    `fields` is everything it knows now, by metric. An event is about one `metric` that became `active` (or not any
    more), with the `number` that made it so. `late` is what a device stored and only now says.
    """

    name: str
    sequence: str
    ts: int | None
    fields: Mapping[str, Any]
    metric: str = ""
    active: bool = True
    number: str = ""
    late: bool = False


class Heard(NamedTuple):
    """A command that came for a device; `identity` is what the sender calls it, empty where the dialect has none."""

    name: str
    command: str
    identity: str = ""


class Dialect(Protocol):
    """One way of speaking, built as `Spoken(site, [(name, kind), ...])`; it may raise ValueError for those.

    `stores` is whether devices keep what they could not send, `stamps` whether something with a clock speaks for those
    that have none. `carrier` is how messages travel: published to a broker, each as an HTTP request of its own, or as
    frames on one TCP connection.
    """

    stores: bool
    stamps: bool
    carrier: Literal["mqtt", "http", "tcp"]

    def can(self, kind: str, metric: str) -> bool:
        """Whether a device of that kind can say that."""
        ...

    def native(self, name: str) -> str:
        """The name by which a gateway will know the device."""
        ...

    def opening(self) -> Iterable[Wire]:
        """What is said for all devices when the site starts, and again when its uplink comes back."""
        ...

    def status(self, name: str, online: bool) -> Sequence[Wire]:
        """That a device is there, or is not; nothing where nobody says so."""
        ...

    def report(self, saying: Saying) -> Sequence[Wire]:
        """A report of all it knows."""
        ...

    def garbage(self, saying: Saying) -> Sequence[Wire]:
        """What no device should send; every one of them must be set aside."""
        ...

    def event(self, saying: Saying) -> Sequence[Wire]:
        """What a device says at once; the first message is the one that matters."""
        ...

    def batch(self, name: str, sayings: Sequence[Saying]) -> Wire:
        """Several stored reports in one message; only where `stores`."""
        ...

    def kept(self, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        """What of a stored report's fields a batch tells."""
        ...

    def severed(self, names: Sequence[str], mains: Sequence[str]) -> Iterable[tuple[str, Wire]]:
        """What is said on behalf of devices (those among them on mains) that are gone; an empty name is the bridge."""
        ...

    def filters(self) -> Sequence[str]:
        """MQTT topic filters of what devices are told; none where they take nothing."""
        ...

    def hear(self, topic: str, payload: bytes) -> Heard | None:
        """The command in a message to a device; None where there is none."""
        ...

    def result(self, heard: Heard, done: bool) -> Wire | None:
        """What a device answers at once, where the dialect knows such answers."""
        ...

    def will(self, name: str) -> Wire | None:
        """What the broker says when the whole connection breaks; `name` is the device that stands for the site."""
        ...

    def back(self, name: str) -> Wire | None:
        """What unsays the will."""
        ...

    def push(self, topic: str, payload: bytes, secret: str) -> Push:
        """A message as an HTTP request, `secret` being what the receiver knows the sender by; only over HTTP."""
        ...

    def ticket(self, frame: bytes) -> bytes | None:
        """What the answer to a frame will repeat of it; None where none is due. Only over TCP."""
        ...

    def tickets(self, received: bytearray) -> list[bytes]:
        """What the answers in a stream repeat; whole ones are taken from its front. Only over TCP."""
        ...


def dialect(name: str, site: str, devices: Sequence[tuple[str, str]]) -> Dialect:
    """The dialect of that name for these devices. Raises ValueError for an unknown one."""
    if name not in DIALECTS:
        raise ValueError(f"no dialect {name!r}; there are {', '.join(DIALECTS)}")
    made: Dialect = import_module(f"devices.simulator.dialects.{name}").Spoken(site, devices)
    return made


def kinds_of(name: str) -> Sequence[str] | None:
    """The kinds of devices a dialect has, None for all. Raises ValueError for an unknown dialect."""
    if name not in DIALECTS:
        raise ValueError(f"no dialect {name!r}; there are {', '.join(DIALECTS)}")
    found: Sequence[str] | None = import_module(f"devices.simulator.dialects.{name}").KINDS
    return found
