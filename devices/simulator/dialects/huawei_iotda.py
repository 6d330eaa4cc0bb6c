"""Huawei Cloud IoTDA: NB-IoT detectors whose properties its data forwarding pushes over HTTP.

Awkward on purpose: times in basic ISO format to the second, a bare `alarm` in a service whose name says of what, the
body now inside `notify_data` and now beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, Final, Literal

from devices.simulator.dialects import Saying, Wire
from devices.simulator.dialects._plain import SPOKEN, Key, Plain, digits, encode, iso, write

KINDS: Final[Sequence[str] | None] = (
    "smoke", "heat", "gas", "co", "sos", "pressure", "water_level", "water_leak", "access", "hydrant",
)  # fmt: skip
_PRODUCT: Final = "5fd6df9937f2a30303b55693"
_SERVICES: Final = {"smoke": "smokeDetector", "gas": "GasSensor", "co": "CoSensor", "water_leak": "WaterLeak"}


class Spoken(Plain):
    """One product of the platform; it has the clock."""

    stamps = True
    carrier: Literal["mqtt", "http", "tcp"] = "http"
    kinds = KINDS
    keys: ClassVar[Mapping[str, Key]] = {
        **SPOKEN,
        "smoke": Key("alarm", on=1, off=0),
        "gas": Key("gasAlarm"),
        "co": Key("coAlarm"),
        "battery": Key("batteryLevel"),
        "tamper": Key("TamperAlarm"),
        "battery_low": Key("LowBattery"),
    }

    def __init__(self, site: str, devices: Sequence[tuple[str, str]]) -> None:
        super().__init__(site, devices)
        self._at = 0

    def native(self, name: str) -> str:
        return f"86{int(digits(self.site, name, 12), 16) % 10**13:013}"

    def status(self, name: str, online: bool) -> Sequence[Wire]:
        body = {"status": "ONLINE" if online else "OFFLINE"}
        said = {"availability": "online" if online else "offline"}
        return (Wire("", self._push(name, "device.status", "update", body), False, said, self._at or None),)

    def report(self, saying: Saying) -> Sequence[Wire]:
        self._at = (saying.ts or 0) // 1000 * 1000
        written, found = write(self.keys, saying.fields)
        service = {
            "service_id": _SERVICES.get(self.kind[saying.name], "Sensor"), "properties": written,
            "event_time": datetime.fromtimestamp(self._at / 1000, UTC).strftime("%Y%m%dT%H%M%SZ"),
        }  # fmt: skip
        body = {"services": [service]}
        payload = self._push(saying.name, "device.property", "report", body)
        return (Wire("", payload, False, found, self._at),)

    def _push(self, name: str, resource: str, event: str, body: dict[str, Any]) -> bytes:
        node = self.native(name)
        header = {
            "app_id": "e6c196d40df84846bacbd9573dabb685", "device_id": f"{_PRODUCT}_{node}", "node_id": node,
            "product_id": _PRODUCT, "gateway_id": f"{_PRODUCT}_{node}",
        }  # fmt: skip
        beside = int(node) % 2 == 1
        push: dict[str, Any] = {
            "resource": resource, "event": event,
            "notify_data": {"header": header} if beside else {"header": header, "body": body},
        }  # fmt: skip
        if self._at:
            push["event_time_ms"] = iso(self._at)
        return encode({**push, "body": body} if beside else push)
