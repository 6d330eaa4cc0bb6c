"""The components of a second-generation Shelly: what each says in its status, and in its events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

from devices.reading import METRICS, Flag, MetricClass
from devices.vocabulary import Meaning, quantity, sense, short

INVALID: Final = int(Flag.INVALID)
UNSPECIFIED: Final = "alarm_unspecified"


class Field(NamedTuple):
    """One value of a status: where it stands, what it means. A `unit` makes it a number, none a yes or no."""

    key: str
    metric: str
    unit: str = ""
    inner: str = ""  # the key inside, where the value is an object
    channel: str = ""  # a phase


_METER: Final = (
    Field("apower", "power", "W"),
    Field("act_power", "power", "W"),
    Field("voltage", "voltage", "V"),
    Field("current", "current", "A"),
    Field("aenergy", "energy", "Wh", "total"),
    Field("temperature", "device_temperature", "C", "tC"),
)
_PHASES: Final = tuple(
    Field(f"{phase}_{key}", metric, unit, channel=phase)
    for phase in "abc"
    for key, metric, unit in (
        ("act_power", "power", "W"), ("voltage", "voltage", "V"), ("current", "current", "A"),
        ("total_act_energy", "energy", "Wh"),
    )
)  # fmt: skip

FIELDS: Final[Mapping[str, tuple[Field, ...]]] = {
    "smoke": (Field("alarm", "smoke"), Field("mute", "muted")),
    "flood": (Field("alarm", "water_leak"), Field("mute", "muted")),
    "switch": (Field("output", "relay"), *_METER),
    **dict.fromkeys(("light", "rgb", "rgbw", "cct", "rgbcct", "cover", "pm1", "em1"), _METER),
    "em": (
        *_PHASES,
        Field("n_current", "neutral_current", "A"),
        Field("total_current", "current", "A"),
        Field("total_act_power", "power", "W"),
    ),
    "emdata": (*_PHASES, Field("total_act", "energy", "Wh")),
    "em1data": (Field("total_act_energy", "energy", "Wh"),),
    "voltmeter": (Field("voltage", "voltage", "V"),),
    "temperature": (Field("tC", "temperature", "C"),),
    "humidity": (Field("rh", "humidity", "%"),),
    "illuminance": (Field("lux", "illuminance", "lx"),),
    "devicepower": (
        Field("battery", "battery", "%", "percent"),
        Field("battery", "battery_voltage", "V", "V"),
        Field("external", "mains_power", "", "present"),
    ),
    "input": (Field("state", "digital_input"), Field("counts", "pulse_count", "1", "total")),
    "presence": (Field("num_objects", "person_count", "1"),),
    "presencezone": (Field("value", "presence"), Field("num_objects", "person_count", "1")),
    "camera": (Field("motion", "motion"), Field("arm", "detection_enabled")),
    "camerazone": (Field("motion", "motion"),),
    "thermostat": (Field("current_C", "temperature", "C"), Field("current_humidity", "humidity", "%")),
    "blutrv": (
        Field("current_C", "temperature", "C"),
        Field("battery", "battery", "%"),
        Field("rssi", "rssi", "dBm"),
    ),
    "sys": (),
    "wifi": (Field("rssi", "rssi", "dBm"),),
}

_SILENT: Final = """
    ble cloud mqtt ws eth modbus knx matter zigbee bthome bthomedevice bthomesensor script boolean number text enum
    group button object service schedule webhook ht_ui ui plugs_ui plusrgbwpm storage streamer serial dali cury media
    lora kvs powerstrip_ui wd_ui
"""
KNOWN: Final = frozenset((*FIELDS, *_SILENT.split()))
"""Components of the documentation. One that is not here is believed if it has a number, as `gas:0`."""

_BREAKERS: Final = {"overtemp": "overtemp", "overpower": "overpower", "overcurrent": "overcurrent"}
_MAIN: Final = frozenset(
    ("smoke", "flood", "switch", "light", "rgb", "rgbw", "cct", "cover", "em", "em1", "pm1")
)
_WITH_ERRORS: Final = _MAIN | {"temperature", "humidity", "voltmeter", "illuminance", "input"}
_METERED: Final = frozenset(("switch", "light", "rgb", "rgbw", "cct", "cover"))


@lru_cache(maxsize=1024)
def split(component: str) -> tuple[str, str]:
    """Kind and channel of `switch:0`: the first of several, and the only one, has none."""
    kind, _, number = component.partition(":")
    return kind, "" if not number or int(number) == 0 else number


def status(component: str, body: Mapping[str, Any], *, whole: bool) -> Iterator[Meaning]:
    """What a component's status says; `whole` says that what it leaves out is not so."""
    kind, channel = split(component)
    if "name" in body:
        return  # a configuration: only those have names
    if kind not in KNOWN:
        yield from _unknown(kind, channel, body)
        return
    unplugged = (
        kind == "flood" and isinstance(body.get("errors"), list) and "cable_unplugged" in body["errors"]
    )
    for field in FIELDS.get(kind, ()):
        if field.key in body:
            meant = _read(field, body[field.key], channel)
            if meant is None:
                continue
            if unplugged and meant.metric == "water_leak" and meant.value is False:
                meant = Meaning("water_leak", channel, None)  # dry, for there is no probe
            yield meant
    if kind in _WITH_ERRORS and ("errors" in body or whole):
        yield from _errors(kind, channel, body)
    if kind == "presence" and type(body.get("num_objects")) is int:
        yield Meaning("presence", channel, body["num_objects"] > 0)
    if kind == "sys" and isinstance(body.get("wakeup_reason"), dict):
        cause = body["wakeup_reason"].get("cause")
        if isinstance(cause, str) and cause and cause != "undefined":
            yield Meaning("wakeup_reason", "", short(cause))


def _read(field: Field, value: Any, channel: str) -> Meaning | None:
    if field.inner:
        if value is not None and not isinstance(value, dict):
            return None
        if value is not None and field.inner not in value:
            return None  # a part of the object that did not change
        value = value[field.inner] if value is not None else None
    channel = field.channel + channel
    if value is None:
        return Meaning(field.metric, channel, None)
    if not field.unit:
        return level(field.metric, channel, value)
    if type(value) is int or type(value) is float:
        return quantity(field.metric, channel, value, "" if field.unit == "1" else field.unit)
    return None


def level(metric: str, channel: str, value: Any) -> Meaning | None:
    """A yes or no. An alarm that is neither is not normal: no reading, marked invalid."""
    if type(value) is bool:
        return Meaning(metric, channel, value)
    alarm = METRICS[metric].klass is MetricClass.ALARM
    return Meaning(metric, channel, None, INVALID) if alarm else None


def _errors(kind: str, channel: str, body: Mapping[str, Any]) -> Iterator[Meaning]:
    given = body.get("errors")
    errors = {e for e in given if isinstance(e, str)} if isinstance(given, list) else set()
    if kind in _METERED and ("errors" in body or "apower" in body):
        for error, metric in _BREAKERS.items():
            yield Meaning(metric, channel, error in errors)
        errors -= _BREAKERS.keys()
    if kind == "cover":
        yield Meaning("obstructed", channel, "obstruction" in errors)
        errors.discard("obstruction")
    # Probes beside the main component have faults of their own.
    yield Meaning("fault", channel if kind in _MAIN else kind + channel, bool(errors))


def _unknown(kind: str, channel: str, body: Mapping[str, Any]) -> Iterator[Meaning]:
    """A component newer than this table: an alarm of its own name is that, of an unknown name an alarm all the same."""
    if "alarm" not in body:
        return
    metric = alarm_of(kind)
    meant = Meaning(metric, channel, None) if body["alarm"] is None else level(metric, channel, body["alarm"])
    if meant is not None:
        yield meant
    if type(body.get("mute")) is bool:
        yield Meaning("muted", channel, body["mute"])


@lru_cache(maxsize=256)
def alarm_of(kind: str) -> str:
    """The alarm a component raises: by its table, by the vocabulary's word for its name, or one without a word."""
    for field in FIELDS.get(kind, ()):
        if field.key == "alarm":
            return field.metric
    meant = sense(kind)
    metric = METRICS.get(meant.term.level) if meant is not None else None
    return metric.name if metric is not None and metric.klass is MetricClass.ALARM else UNSPECIFIED


_PUSHES: Final = frozenset((
    "single_push", "double_push", "triple_push", "long_push", "btn_down", "btn_up", "long_double_push",
    "long_triple_push", "hold_press",
))  # fmt: skip


def event(component: str, name: str, index: Any = None) -> Iterator[Meaning]:
    """What an event of a component says. Configurations, sleep and updates are the device's own business."""
    kind, channel = split(component)
    name = name.removeprefix(f"{kind}.")  # as webhooks call them: `flood.alarm`
    if name in {"alarm", "alarm_off"}:
        yield Meaning(alarm_of(kind), channel, name == "alarm")
    elif name == "alarm_test":
        yield Meaning("test", channel, True)
    elif name in {"cable_unplugged", "cable_plugged"}:
        yield Meaning("fault", channel, name == "cable_unplugged")
    elif name in _PUSHES:
        if type(index) is int and 0 < index < 100:
            channel = str(index)
        yield Meaning("button", channel, name)


_SIGNS: Final = (
    ("a_voltage", "em"), ("a_total_act_energy", "emdata"), ("brightness", "light"), ("current_pos", "cover"),
    ("output", "switch"), ("tC", "temperature"), ("rh", "humidity"), ("lux", "illuminance"),
    ("act_power", "em1"), ("apower", "pm1"), ("external", "devicepower"), ("ssid", "wifi"), ("mac", "sys"),
    ("wakeup_reason", "sys"),
)  # fmt: skip


def recognised(source: str, body: Mapping[str, Any]) -> str | None:
    """Which component an answer tells of, for an answer names none: by the keys it has, an alarm by the device's model.

    `shellyplussmoke-80646fd2a1b4` has one alarm, and its model says of what.
    """
    number = body.get("id")
    suffix = f":{number}" if type(number) is int and 0 <= number < 100_000 else ""
    if "alarm" in body:
        model = source.partition("-")[0]
        return next((k + suffix for k in ("smoke", "flood") if k in model), f"unknown{suffix}")
    return next((kind + suffix for key, kind in _SIGNS if key in body), None)
