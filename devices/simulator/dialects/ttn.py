"""The Things Stack v3: LoRaWAN sensors whose uplinks a payload formatter has decoded.

Awkward on purpose: addresses in capitals, times in nanoseconds, fields of their default value left out, joins.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from devices.simulator.dialects import Saying, Wire
from devices.simulator.dialects._plain import SENSORS, SPOKEN, Key, Plain, digits, encode, iso, write

KINDS: Final[Sequence[str] | None] = SENSORS


class Spoken(Plain):
    """One application of the server: it has a clock, and stores nothing."""

    stamps = True
    kinds = KINDS
    keys: ClassVar[Mapping[str, Key]] = {
        **{metric: key for metric, key in SPOKEN.items() if metric != "rssi"},
        "smoke": Key("smokeAlarm", on="Alarm", off="No Alarm"),
        "co": Key("COAlarm", on="Alarm", off="No Alarm"),
        "water_leak": Key("WaterLeak", on=1, off=0),
    }

    def __init__(self, site: str, devices: Sequence[tuple[str, str]]) -> None:
        super().__init__(site, devices)
        self._counts = dict.fromkeys(self.kind, -1)
        self._at = 0

    def native(self, name: str) -> str:
        return digits(self.site, name, 16)

    def status(self, name: str, online: bool) -> Sequence[Wire]:
        if not online or not self._at:
            return ()
        accepted = {"session_key_id": "AXA50tHUGUucuzS/bCGMNw==", "received_at": _nano(self._at)}
        return (self._wire(name, "join", {"device_joined": True}, join_accept=accepted),)

    def report(self, saying: Saying) -> Sequence[Wire]:
        name = saying.name
        self._at = saying.ts or 0
        self._counts[name] += 1
        written, found = write(self.keys, saying.fields)
        message: dict[str, Any] = {
            "session_key_id": "AXA50tHUGUucuzS/bCGMNw==", "f_port": 85, "frm_payload": "AQB1XA==",
            "decoded_payload": written, "received_at": _nano(self._at),
            "rx_metadata": [{"gateway_ids": {"gateway_id": "gw-1"}, "rssi": saying.fields.get("rssi", -90)}],
        }  # fmt: skip
        if self._counts[name]:
            message["f_cnt"] = self._counts[name]
        return (self._wire(name, "up", found, uplink_message=message),)

    def _wire(self, name: str, event: str, found: dict[str, Any], **more: Any) -> Wire:
        ids = {"device_id": name, "dev_eui": self.native(name).upper(), "dev_addr": "260B6EA6"}
        body = {"end_device_ids": ids, "received_at": _nano(self._at), **more}
        return Wire(f"v3/{self.site}@ttn/devices/{name}/{event}", encode(body), False, found, self._at)


def _nano(ms: int) -> str:
    return iso(ms).replace("Z", "000123Z")
