"""A Zigbee2MQTT bridge and its devices: `zigbee2mqtt/<friendly name>`, as the bridge's documentation describes it.

Sources: zigbee2mqtt.io, "MQTT topics and messages", "Exposes", "Device availability"; the bridge is configured with
`last_seen: ISO_8601`, so times come from its clock. Each message holds the device's whole state. Awkward on purpose, as
found in the wild: names with slashes, null for what was not measured yet, a contact that is false when the door is
open, units that are not ours (A, m3/h), a button's action followed by an empty one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import msgspec

from devices.simulator.dialects import Heard, Saying, Wire
from devices.simulator.dialects._plain import BAD_JSON, Plain
from devices.simulator.hardware import KINDS as ALL_KINDS

KINDS: Final[Sequence[str] | None] = (
    "smoke", "heat", "gas", "co", "sos", "hydrant", "pressure", "water_leak", "access", "meter",
    "siren", "valve",
)  # fmt: skip

DEVICES_MAX: Final = 1000  # more in one network nobody has; a gateway takes 1024 in one list

BASE: Final = "zigbee2mqtt/"


class Key(NamedTuple):
    """How a metric is written: its property, its unit there, and how many of ours one of theirs is."""

    name: str
    unit: str = ""
    scale: float = 1.0
    decimals: int = 3


_KEYS: Final[Mapping[str, Key]] = {
    "smoke_obscuration": Key("smoke_density_dbm", "dB/m"),
    "temperature": Key("temperature", "°C"),
    "gas_lel": Key("gas_value", "LEL"),
    "co": Key("carbon_monoxide"),
    "co_ppm": Key("co", "ppm"),
    "pressure": Key("pressure", "kPa"),
    "flow": Key("flow", "m³/h", 1000 / 60),
    "current": Key("current", "A", 1000),
    "voltage": Key("voltage", "V"),
    "leakage_current": Key("leakage_current", "mA"),
    "battery": Key("battery", "%"),
    "door_open": Key("contact"),
    "buzzer": Key("alarm"),
}
_IAS: Final = frozenset(("smoke", "heat", "gas", "co", "water_leak"))  # IAS zones always report these as well
_IAS_LEVELS: Final = ("tamper", "battery_low", "test")
_DETECTORS: Final = ("smoke", "heat", "gas", "co")
_COMMANDS: Final[Mapping[tuple[str, Any], str]] = {
    ("alarm", True): "siren_on",
    ("alarm", False): "siren_off",
    ("valve", "CLOSE"): "valve_close",
    ("state", "OFF"): "relay_off",
    ("silence", "ON"): "mute",
    ("self_test", True): "self_test",
}
"""What a property set to a value asks for."""

_encode = msgspec.json.Encoder().encode


class Spoken(Plain):
    """One bridge that speaks for all its devices. ValueError for kinds Zigbee has not, or more than it carries."""

    stamps = True
    kinds = KINDS
    bad = (*BAD_JSON, b'{"v":1,"temperature":NaN}')

    def __init__(self, site: str, devices: Sequence[tuple[str, str]]) -> None:
        super().__init__(site, devices)
        if len(devices) > DEVICES_MAX:
            raise ValueError(f"a Zigbee network of {len(devices)} devices; at most {DEVICES_MAX}")
        self._kinds = dict(devices)
        self._addresses = {
            name: f"0x{hashlib.blake2b(f'{site}/{name}'.encode(), digest_size=8).hexdigest()}"
            for name, _ in devices
        }
        self._named = {friendly(name): name for name, _ in devices}
        self._measured: set[str] = set()

    def native(self, name: str) -> str:
        return self._addresses[name]

    def opening(self) -> Iterable[Wire]:
        listed: list[dict[str, Any]] = [
            {"ieee_address": "0x00124b0000000000", "type": "Coordinator", "friendly_name": "Coordinator"}
        ]
        listed += [self._listed(name) for name in self._kinds]
        info = {"version": "2.1.1", "permit_join": False, "config": {"advanced": {"last_seen": "ISO_8601"}}}
        return (
            self.back(""),
            Wire(f"{BASE}bridge/info", _encode(info), True, {}),
            Wire(f"{BASE}bridge/devices", _encode(listed), True, {"inventory": len(listed)}),
            Wire(f"{BASE}bridge/groups", b"[]", True, {}),
        )

    def can(self, kind: str, metric: str) -> bool:
        return True

    def status(self, name: str, online: bool) -> Sequence[Wire]:
        said = "online" if online else "offline"
        topic = f"{BASE}{friendly(name)}/availability"
        return (Wire(topic, _encode({"state": said}), True, {"availability": said}),)

    def report(self, saying: Saying) -> Sequence[Wire]:
        state, found = self._state(saying)
        # Until the sensor's own cluster has reported once, the bridge has no temperature to show.
        if saying.name not in self._measured:
            self._measured.add(saying.name)
            if "temperature" in state:
                state["temperature"] = found["temperature"] = None
        return (Wire(f"{BASE}{friendly(saying.name)}", _encode(state), False, found),)

    def event(self, saying: Saying) -> Sequence[Wire]:
        topic = f"{BASE}{friendly(saying.name)}"
        state, found = self._state(saying)
        if saying.metric != "sos":
            self._put(saying.metric, saying.active, state, found)
            return (Wire(topic, _encode(state), False, found),)
        pressed = _encode({"action": "emergency", **state})
        released = _encode({"action": "", **state})
        return Wire(topic, pressed, False, {"sos": True, **found}), Wire(topic, released, False, found)

    def filters(self) -> Sequence[str]:
        return (f"{BASE}+/set", f"{BASE}+/+/set")

    def hear(self, topic: str, payload: bytes) -> Heard | None:
        name = self._named.get(topic.removeprefix(BASE).removesuffix("/set"))
        try:
            body = msgspec.json.decode(payload, type=dict[str, bool | str])
        except msgspec.MsgspecError:
            return None
        asked = [command for pair in body.items() if (command := _COMMANDS.get(pair)) is not None]
        return Heard(name, asked[0]) if name is not None and asked else None

    def severed(self, names: Sequence[str], mains: Sequence[str]) -> Iterable[tuple[str, Wire]]:
        if len(names) == len(self._kinds):
            return [("", self.will(""))]
        return super().severed(names, mains)

    def will(self, name: str) -> Wire:
        return Wire(f"{BASE}bridge/state", b'{"state":"offline"}', True, {"gateway_availability": "offline"})

    def back(self, name: str) -> Wire:
        return Wire(f"{BASE}bridge/state", b'{"state":"online"}', True, {"gateway_availability": "online"})

    def _state(self, saying: Saying) -> tuple[dict[str, Any], dict[str, Any]]:
        """The state as the bridge writes it, and what it means."""
        state: dict[str, Any] = {}
        found: dict[str, Any] = {}
        for metric, value in saying.fields.items():
            self._put(metric, value, state, found)
        if self._kinds[saying.name] in _IAS:
            for metric in _IAS_LEVELS:
                if metric not in state:
                    self._put(metric, False, state, found)
        if "linkquality" not in state:
            state["linkquality"] = found["linkquality"] = 160
        if saying.ts is not None:
            state["last_seen"] = _iso(saying.ts)
        return state, found

    def _put(self, metric: str, value: Any, state: dict[str, Any], found: dict[str, Any]) -> None:
        if metric == "rssi":
            state["linkquality"] = found["linkquality"] = min(255, max(0, 3 * (value + 110)))
        elif metric == "muted":
            state["silence"] = "ON" if value else "OFF"
            found[metric] = value
        elif metric == "valve_open":
            state["valve"] = "OPEN" if value else "CLOSE"
            found[metric] = value
        elif metric == "buzzer":
            state["alarm"] = found["alarm_flag"] = value
        elif metric == "relay":
            state["state"] = found["switch_state"] = "ON" if value else "OFF"
        elif metric == "door_open":
            state["contact"] = not value
            found[metric] = value
        else:
            key = _KEYS.get(metric, Key(metric))
            if key.scale != 1:
                state[key.name] = round(value / key.scale, key.decimals)
                found[metric] = state[key.name] * key.scale
            else:
                state[key.name] = found[metric] = value

    def _listed(self, name: str) -> dict[str, Any]:
        """One element of `bridge/devices`, shortened to what the bridge says of what a device can."""
        kind = ALL_KINDS[self._kinds[name]]
        levels = [*kind.levels, *(m for m in kind.onsets if m not in kind.levels and m != "sos")]
        if kind.name in _IAS:
            levels += _IAS_LEVELS
        exposes = [_binary(metric) for metric in levels]
        exposes += [_numeric(g.metric) for g in kind.gauges if g.metric != "rssi"]
        exposes += [_numeric("battery")] if not kind.mains else []
        exposes.append({**_numeric("linkquality"), "unit": "lqi"})
        if kind.name == "sos":
            exposes.append(_action("emergency"))
        exposes += _settable(kind.name)
        return {
            "ieee_address": self._addresses[name], "type": "Router" if kind.mains else "EndDevice",
            "friendly_name": friendly(name), "supported": True, "disabled": False, "interview_completed": True,
            "power_source": "Mains (single phase)" if kind.mains else "Battery",
            "definition": {"model": f"SIM-{kind.name.upper()}", "vendor": "Simulated", "exposes": exposes},
        }  # fmt: skip


def friendly(name: str) -> str:
    """The friendly name: people group devices with slashes."""
    return name.replace("-", "/", 1)


def _binary(metric: str) -> dict[str, Any]:
    if metric == "valve_open":
        both: dict[str, Any] = {"value_on": "OPEN", "value_off": "CLOSE"}
        return {"type": "binary", "name": "valve", "property": "valve", "access": 7, **both}
    name = _KEYS.get(metric, Key(metric)).name
    on = metric != "door_open"  # a contact is about being open, which it calls false
    return {
        "type": "binary",
        "name": name,
        "property": name,
        "access": 3 if metric == "buzzer" else 1,
        "value_on": on,
        "value_off": not on,
    }


def _settable(kind: str) -> list[dict[str, Any]]:
    """What can be set of a device: access 2 (set alone), 3 (also published), 7 (also asked for)."""
    if kind in _DETECTORS:
        silence: dict[str, Any] = {
            "name": "silence",
            "property": "silence",
            "value_on": "ON",
            "value_off": "OFF",
        }
        test: dict[str, Any] = {
            "name": "self_test",
            "property": "self_test",
            "value_on": True,
            "value_off": False,
        }
        return [{"type": "binary", "access": 3, **silence}, {"type": "binary", "access": 2, **test}]
    if kind == "meter":
        state = {"name": "state", "property": "state", "value_on": "ON", "value_off": "OFF"}
        return [{"type": "switch", "features": [{"type": "binary", "access": 7, **state}]}]
    return []


def _numeric(metric: str) -> dict[str, Any]:
    key = _KEYS.get(metric, Key(metric))
    return {"type": "numeric", "name": key.name, "property": key.name, "access": 1, "unit": key.unit}


def _action(*values: str) -> dict[str, Any]:
    return {"type": "enum", "name": "action", "property": "action", "access": 1, "values": values}


def _iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
