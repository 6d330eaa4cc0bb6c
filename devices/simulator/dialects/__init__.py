"""The dialects fake hardware speaks, one file each: what a device wants to say, as the bytes it really sends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from typing import Any, Final, NamedTuple, Protocol

DIALECTS: Final = ("native", "zigbee2mqtt")


class Wire(NamedTuple):
    """One MQTT message, and what a decoder must find in it."""

    topic: str
    payload: bytes
    retained: bool
    readings: Mapping[str, Any]


class Saying(NamedTuple):
    """What a device says at one moment. `ts` is its own clock's UTC ms, None when it has none.

    `fields` is everything it knows now, by metric. An event is about one `metric` that became `active` (or not any
    more), with the `number` that made it so.
    """

    name: str
    sequence: str
    ts: int | None
    fields: Mapping[str, Any]
    metric: str = ""
    active: bool = True
    number: str = ""


class Dialect(Protocol):
    """One way of speaking MQTT, built as `Spoken(site, [(name, kind), ...])`; it may raise ValueError for those.

    `stores` is whether devices keep what they could not send, `stamps` whether something with a clock speaks for those
    that have none.
    """

    stores: bool
    stamps: bool

    def native(self, name: str) -> str:
        """The name by which a gateway will know the device."""
        ...

    def opening(self) -> Iterable[Wire]:
        """What is said for all devices when the site starts, and again when its uplink comes back."""
        ...

    def status(self, name: str, online: bool) -> Wire:
        """That a device is there, or is not."""
        ...

    def report(self, saying: Saying) -> Wire:
        """A report of all it knows."""
        ...

    def event(self, saying: Saying) -> Sequence[Wire]:
        """What a device says at once; the first message is the one that matters."""
        ...

    def batch(self, name: str, sayings: Sequence[Saying]) -> Wire:
        """Several stored reports in one message; only where `stores`."""
        ...

    def severed(self, names: Sequence[str], mains: Sequence[str]) -> Iterable[tuple[str, Wire]]:
        """What is said on behalf of devices (those among them on mains) that are gone; an empty name is the bridge."""
        ...

    def will(self, name: str) -> Wire:
        """What the broker says when the whole connection breaks; `name` is the device that stands for the site."""
        ...

    def back(self, name: str) -> Wire:
        """What unsays the will."""
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
