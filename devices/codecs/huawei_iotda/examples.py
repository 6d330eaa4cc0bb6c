"""IoTDA's and OceanConnect's notifications and what they mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from devices.codec import Example

_T: Final = "huawei-iotda"
_NODE: Final = "863434047705329"
_ID: Final = "5fd6df9937f2a30303b55693_863434047705329"
_OLD: Final = "10c60373-7a77-4712-883b-b1aaa31d18cc"


def _push(resource: str, event: str, body: Any, *, beside: bool = False, **more: Any) -> bytes:
    """A notification of IoTDA; `beside` puts the body where some of its documents print it."""
    header = {
        "app_id": "e6c196d40df84846bacbd9573dabb685",
        "device_id": _ID,
        "node_id": _NODE,
        "product_id": "5fd6df9937f2a30303b55693",
        "gateway_id": _ID,
        "tags": [{"tag_value": "b3", "tag_key": "building"}],
    }
    push = {
        "resource": resource,
        "event": event,
        "event_time": "20251121T211959Z",
        "event_time_ms": "2025-11-21T21:19:59.800Z",
        "request_id": "3fe58d5e-8697-4849-a165-7db128f7e776",
        "notify_data": {"header": header} if beside else {"header": header, "body": body},
        **({"body": body} if beside else {}),
        **more,
    }
    return msgspec.json.encode(push)


def _services(*services: tuple[str, dict[str, Any]], **more: Any) -> bytes:
    listed = [{"service_id": s, "properties": p, "event_time": "20251121T211958Z"} for s, p in services]
    return _push("device.property", "report", {"services": listed}, **more)


def _old(service: str, data: dict[str, Any], kind: str = "deviceDataChanged", **more: Any) -> bytes:
    body = {"serviceId": service, "serviceType": service, "data": data, "eventTime": "20251121T211956Z"}
    push = {
        "notifyType": kind,
        "deviceId": _OLD,
        "gatewayId": _OLD,
        "requestId": None,
        "service": body,
        **more,
    }
    return msgspec.json.encode(push)


EXAMPLES: Sequence[Example] = (
    Example(
        "The platform's sample smoke detector",
        _T,
        _services(
            ("smokeDetector", {"alarm": 1, "smokeConcentration": 36.5, "temperature": 24.1, "humidity": 50})
        ),
        [
            (_NODE, "smoke", "", True),
            (_NODE, "smoke_concentration", "", 36.5),
            (_NODE, "temperature", "", 24.1),
            (_NODE, "humidity", "", 50),
        ],
    ),
    Example(
        "The same, all well",
        _T,
        _services(("smokeDetector", {"alarm": 0})),
        [(_NODE, "smoke", "", False)],
    ),
    Example(
        "A number in a service named for smoke is a measurement",
        _T,
        _services(("Smoke", {"Smoke_Value": 512})),
        [(_NODE, "smoke_density", "", 512)],
    ),
    Example(
        "Several services",
        _T,
        _services(
            ("Battery", {"batteryLevel": 77}), ("GasSensor", {"gasAlarm": True, "gas_concentration": 22})
        ),
        [
            (_NODE, "battery", "", 77),
            (_NODE, "gas", "", True),
            (_NODE, "gas_concentration", "", 22),
        ],
    ),
    Example(
        "A body printed beside the data",
        _T,
        _services(("WaterLeak", {"water_leak": True}), beside=True),
        [(_NODE, "water_leak", "", True)],
    ),
    Example(
        "SOS",
        _T,
        _services(("Button", {"sos": 1})),
        [(_NODE, "sos", "", True)],
    ),
    Example(
        "A low battery and an opened case are no fire",
        _T,
        _services(("Smoke", {"SmokeAlarm": False, "LowBattery": True, "TamperAlarm": True})),
        [(_NODE, "smoke", "", False), (_NODE, "battery_low", "", True), (_NODE, "tamper", "", True)],
    ),
    Example(
        "A word nobody knows is not normal",
        _T,
        _services(("Smoke", {"smoke_state": "wibble"})),
        [(_NODE, "smoke", "", None)],
        quarantine="no-profile",
    ),
    Example(
        "Nothing understood: the device waits for a profile",
        _T,
        _services(("VehicleSafety", {"perclos": 3, "yawn": 1})),
        [(_NODE, "heartbeat", "", True)],
        quarantine="no-profile",
    ),
    Example(
        "Online",
        _T,
        _push(
            "device.status", "update", {"status": "ONLINE", "status_update_time": "2025-11-21T21:19:59.815Z"}
        ),
        [(_NODE, "availability", "", "online")],
    ),
    Example(
        "Silent for longer than its time: offline",
        _T,
        _push("device.status", "update", {"status": "ABNORMAL"}, beside=True),
        [(_NODE, "availability", "", "offline")],
    ),
    Example("Registered and never seen", _T, _push("device.status", "update", {"status": "INACTIVE"}), []),
    Example(
        "A status nobody documented",
        _T,
        _push("device.status", "update", {"status": "SLEEPING"}),
        [],
        quarantine="wrong-value",
    ),
    Example(
        "A message of the device's own making",
        _T,
        _push(
            "device.message", "report", {"topic": "$oc/devices/x/user/up", "content": {"SmokeAlarm": True}}
        ),
        [(_NODE, "smoke", "", True)],
    ),
    Example(
        "A message that is text of JSON",
        _T,
        _push("device.message", "report", {"topic": "up", "content": '{"co_alarm":1,"co_value":220}'}),
        [(_NODE, "co", "", True), (_NODE, "co_ppm", "", 220)],
    ),
    Example(
        "A message of bytes in hexadecimal",
        _T,
        _push("device.message", "report", {"topic": "up", "content": "AA5501"}),
        [(_NODE, "heartbeat", "", True)],
        quarantine="no-profile",
    ),
    Example(
        "A device registered",
        _T,
        _push("device", "create", {"device_id": _ID, "node_id": _NODE, "status": "INACTIVE"}),
        [(_NODE, "device_joined", "", True)],
    ),
    Example(
        "A device deleted",
        _T,
        _push("device", "delete", {"device_id": _ID}),
        [(_NODE, "device_left", "", True)],
    ),
    Example(
        "What became of a message to it",
        _T,
        _push("device.message.status", "update", {"status": "DELIVERED"}),
        [],
    ),
    Example("A change of its model", _T, _push("product", "update", {"product_id": "p"}), []),
    Example(
        "OceanConnect: keys",
        _T,
        _old("Smoke", {"SmokeAlarm": 1, "batteryLevel": 90}),
        [(_OLD, "smoke", "", True), (_OLD, "battery", "", 90)],
    ),
    Example(
        "OceanConnect: text with fixed places, by its profile, named by the IMEI in it",
        _T,
        _old("WPS", {"Data": "N311V31I865815040244829H89861118280005212549X01T31U97S18"}),
        [
            ("865815040244829", "smoke", "", True),
            ("865815040244829", "temperature", "", 31),
            ("865815040244829", "battery", "", 97),
        ],
    ),
    Example(
        "OceanConnect: its self-test",
        _T,
        _old("WPS", {"Data": "N311V31I865815040244829H89861118280005212549X10T28U99S18"}),
        [
            ("865815040244829", "test", "", True),
            ("865815040244829", "temperature", "", 28),
            ("865815040244829", "battery", "", 99),
        ],
    ),
    Example(
        "OceanConnect: a pump",
        _T,
        _old("Pumper", {"Speed": 0, "WaterPressure": 0, "Power": 0}),
        [(_OLD, "pressure", "", 0), (_OLD, "power", "", 0)],
    ),
    Example(
        "OceanConnect: several services",
        _T,
        msgspec.json.encode(
            {
                "notifyType": "deviceDatasChanged",
                "requestId": None,
                "deviceId": _OLD,
                "services": [
                    {"serviceId": "Battery", "data": {"batteryLevel": 55}, "eventTime": "20251121T211956Z"},
                    {"serviceId": "Gas", "data": {"gas_alarm": 0}, "eventTime": "20251121T211956Z"},
                ],
            }
        ),
        [(_OLD, "battery", "", 55), (_OLD, "gas", "", False)],
    ),
    Example(
        "OceanConnect: offline",
        _T,
        b'{"notifyType":"deviceInfoChanged","deviceId":"d1","deviceInfo":{"nodeId":"863","status":"OFFLINE"}}',
        [("863", "availability", "", "offline")],
    ),
    Example(
        "OceanConnect: added",
        _T,
        b'{"notifyType":"deviceAdded","deviceId":"d1","deviceInfo":{"nodeId":"863"}}',
        [("863", "device_joined", "", True)],
    ),
    Example("OceanConnect: a command's answer", _T, b'{"notifyType":"commandRsp","header":{}}', []),
    Example("Not JSON", _T, b"<xml/>", [], quarantine="not-json"),
    Example("Somebody else's object", _T, b'{"smoke":true}', [], quarantine="unknown-kind"),
)
