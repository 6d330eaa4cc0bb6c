"""Shelly, second generation and later: RPC notifications on `<device>/events/rpc`, and Bluetooth contacts behind them.

Awkward on purpose: what did not change is left out, a full report when a sleeping device wakes, times in seconds with a
fraction, errors as a list that is missing when all is well, adverts passed on by a script.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from devices.simulator.dialects import Saying, Wire
from devices.simulator.dialects._plain import Plain, digits, encode

_MODELS: Final = {
    "smoke": "shellyplussmoke",
    "water_leak": "shellyfloodg4",
    "meter": "shellyplugsg3",
    "access": "",
}
KINDS: Final[Sequence[str] | None] = tuple(_MODELS)
_COMPONENTS: Final = {"smoke": "smoke:0", "water_leak": "flood:0"}


class Spoken(Plain):
    """Each device for itself, with a clock; contacts have none and speak through a script of a plug."""

    stamps = True
    kinds = KINDS

    def can(self, kind: str, metric: str) -> bool:
        if kind in _COMPONENTS:
            return metric in (kind, "muted") or (kind, metric) == ("smoke", "test")
        return (kind, metric) == ("meter", "overcurrent")

    def native(self, name: str) -> str:
        mac = digits(self.site, name, 12)
        if self.kind[name] == "access":
            return ":".join(mac[n : n + 2] for n in range(0, 12, 2))
        return f"{_MODELS[self.kind[name]]}-{mac}"

    def status(self, name: str, online: bool) -> Sequence[Wire]:
        if self.kind[name] == "access":
            return ()
        said = {"availability": "online" if online else "offline"}
        return (Wire(f"{self.native(name)}/online", b"true" if online else b"false", True, said, None),)

    def report(self, saying: Saying) -> Sequence[Wire]:
        kind, fields = self.kind[saying.name], saying.fields
        if kind == "access":
            return (self._advert(saying),)
        found: dict[str, Any] = {}
        params: dict[str, Any] = {}
        if kind == "meter":
            params["switch:0"] = self._meter(saying, found)
        else:
            found |= {kind: bool(fields.get(kind)), "muted": bool(fields.get("muted"))}
            params[_COMPONENTS[kind]] = {"id": 0, "alarm": found[kind], "mute": found["muted"]}
        if "battery" in fields:
            found |= {"battery": fields["battery"], "mains_power": False}
            volts = round(2 + fields["battery"] / 100, 2)
            params["devicepower:0"] = {
                "id": 0, "battery": {"V": volts, "percent": fields["battery"]}, "external": {"present": False},
            }  # fmt: skip
        if "rssi" in fields:
            found["rssi"] = fields["rssi"]
            params["wifi"] = {"sta_ip": "10.0.0.9", "rssi": fields["rssi"]}
        return (self._notify(saying, "NotifyFullStatus", params, found),)

    def event(self, saying: Saying) -> Sequence[Wire]:
        metric, active = saying.metric, saying.active
        if metric == "test":
            if not active:
                return ()  # that a test is over nobody says
            at = _seconds(saying)
            told = {"component": "smoke:0", "id": 0, "event": "alarm_test", "ts": at}
            return (self._notify(saying, "NotifyEvent", {"events": [told]}, {"test": True}),)
        if metric == "overcurrent":
            return super().event(saying)
        component = _COMPONENTS[self.kind[saying.name]]
        changed = {component: {"id": 0, "mute" if metric == "muted" else "alarm": active}}
        return (self._notify(saying, "NotifyStatus", changed, {metric: active}),)

    def _meter(self, saying: Saying, found: dict[str, Any]) -> dict[str, Any]:
        fields = saying.fields
        amperes = round(fields["current"] / 1000, 3)
        found |= {
            "current": amperes * 1000, "voltage": fields["voltage"], "device_temperature": fields["temperature"],
            "overcurrent": bool(fields.get("overcurrent")),
        }  # fmt: skip
        body = {
            "id": 0, "source": "init", "output": True, "apower": 0.0, "voltage": fields["voltage"],
            "current": amperes, "temperature": {"tC": fields["temperature"], "tF": 0.0},
        }  # fmt: skip
        return {**body, "errors": ["overcurrent"]} if found["overcurrent"] else body

    def _advert(self, saying: Saying) -> Wire:
        """A Bluetooth contact's advert, as the maker's own script passes it on."""
        opened = saying.fields["door_open"]
        body = {
            "encryption": False, "BTHome_version": 2, "pid": int(saying.sequence.rpartition("-")[2]) % 256,
            "window": int(opened), "rotation": 4, "rssi": -60, "address": self.native(saying.name),
        }  # fmt: skip
        topic = f"shelly-blu/events/{self.native(saying.name)}"
        return Wire(topic, encode(body), False, {"door_open": opened, "rssi": -60}, None)

    def _notify(self, saying: Saying, method: str, params: dict[str, Any], found: dict[str, Any]) -> Wire:
        name = self.native(saying.name)
        frame = {
            "src": name, "dst": f"{name}/events", "method": method, "params": {"ts": _seconds(saying), **params},
        }  # fmt: skip
        return Wire(f"{name}/events/rpc", encode(frame), False, found, (saying.ts or 0) // 10 * 10)


def _seconds(saying: Saying) -> float:
    """Its clock in seconds, to a hundredth."""
    return ((saying.ts or 0) // 10) / 100
