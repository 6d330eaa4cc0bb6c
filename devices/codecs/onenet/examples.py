"""OneNET's pushes and what they mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from devices.codec import Example

_T: Final = "onenet"
_IMEI: Final = "861931046156398"
_DEVICE: Final = "C6z4Zk012B/b3-f05-smoke"
_AT: Final = 1_763_760_000_000


def _push(msg: Any, *, text: bool = True, **more: Any) -> bytes:
    """A push around a message: text of JSON, as OneNET Studio writes it, or the object itself."""
    inside = msgspec.json.encode(msg).decode() if text else msg
    body = {
        "msg": inside,
        "nonce": "abcdefgh",
        "signature": "bWVzc2FnZQ==",
        "time": _AT,
        "id": "3799902",
        **more,
    }
    return msgspec.json.encode(body)


def _point(stream: str, value: Any, **more: Any) -> dict[str, Any]:
    """A data point of the NB-IoT suite."""
    return {"at": _AT, "imei": _IMEI, "type": 1, "ds_id": stream, "value": value, "dev_id": 523444202, **more}


def _thing(params: dict[str, Any], kind: str = "property", **more: Any) -> dict[str, Any]:
    """A thing model's report."""
    return {
        "productId": "C6z4Zk012B",
        "deviceId": 1343759,
        "deviceName": "b3-f05-smoke",
        "messageType": "notify",
        "notifyType": kind,
        "data": {"id": "1631522002438", "version": "1.0", "params": params},
        **more,
    }


def _timed(value: Any, **more: Any) -> dict[str, Any]:
    return {"time": _AT, "value": value, **more}


EXAMPLES: Sequence[Example] = (
    Example(
        "Properties of a thing model: smoke",
        _T,
        _push(_thing({"smoke_alarm": _timed(True), "battery_level": _timed(80), "temperature": _timed(23.5)})),
        [
            (_DEVICE, "smoke", "", True),
            (_DEVICE, "battery", "", 80),
            (_DEVICE, "temperature", "", 23.5),
        ],
    ),
    Example(
        "All well",
        _T,
        _push(_thing({"SmokeState": _timed(0), "tamper": _timed(False)})),
        [(_DEVICE, "smoke", "", False), (_DEVICE, "tamper", "", False)],
    ),
    Example(
        "An alarm without a word of what",
        _T,
        _push(_thing({"alarm_state": _timed(1)})),
        [(_DEVICE, "alarm_unspecified", "", True)],
    ),
    Example(
        "A code nobody knows under an alarm's key is not normal",
        _T,
        _push(_thing({"gas_state": _timed(4)})),
        [(_DEVICE, "gas", "", None)],
        quarantine="no-profile",
    ),
    Example(
        "An event that is an alarm by its name",
        _T,
        _push(_thing({"smoke_alarm": _timed({"level": 3}, eventType="alert")}, "event")),
        [(_DEVICE, "smoke", "", True)],
    ),
    Example(
        "An event whose values say otherwise",
        _T,
        _push(_thing({"smoke_alarm": _timed({"state": 0}, eventType="alert")}, "event")),
        [(_DEVICE, "smoke", "", False)],
    ),
    Example(
        "An event of a fault",
        _T,
        _push(_thing({"low_battery": _timed({"battery_voltage": 2.4}, eventType="error")}, "event")),
        [(_DEVICE, "battery_low", "", True), (_DEVICE, "battery_voltage", "", 2.4)],
    ),
    Example(
        "An event that only informs raises nothing by its name",
        _T,
        _push(_thing({"smoke_alarm": _timed({"count": 3}, eventType="info")}, "event")),
        [(_DEVICE, "heartbeat", "", True)],
        quarantine="no-profile",
    ),
    Example(
        "Nothing understood: the device waits for a profile",
        _T,
        _push(_thing({"int32": _timed(12), "enum": _timed(2)})),
        [(_DEVICE, "heartbeat", "", True)],
        quarantine="no-profile",
    ),
    Example(
        "Online",
        _T,
        _push({
            "productId": "C6z4Zk012B", "deviceName": "b3-f05-smoke", "messageType": "lifeCycle",
            "data": {"status": "online", "time": _AT},
        }),
        [(_DEVICE, "availability", "", "online")],
    ),
    Example(
        "Offline, in small letters",
        _T,
        _push({
            "productId": "C6z4Zk012B", "deviceName": "b3-f05-smoke", "messageType": "lifecycle",
            "data": {"status": "offline", "time": _AT},
        }),
        [(_DEVICE, "availability", "", "offline")],
    ),
    Example(
        "NB-IoT suite: temperature by its LwM2M resource",
        _T,
        _push(_point("3303_0_5700", 21.5), text=False, id=None),
        [(_IMEI, "temperature", "", 21.5)],
    ),
    Example(
        "A second sensor of a kind is a channel",
        _T,
        _push(_point("3303_1_5700", 22.5), text=False),
        [(_IMEI, "temperature", "1", 22.5)],
    ),
    Example(
        "A resource that says nothing we keep",
        _T,
        _push(_point("3300_0_5700", -115), text=False),
        [(_IMEI, "heartbeat", "", True)],
    ),
    Example(
        "Battery status by its resource: low",
        _T,
        _push(_point("3_0_20", 4), text=False),
        [(_IMEI, "battery_low", "", True), (_IMEI, "battery_defect", "", False)],
    ),
    Example(
        "A device's own payload in hexadecimal, and no profile",
        _T,
        _push(_point("3200_0_5750", "0000350001350001"), text=False),
        [(_IMEI, "heartbeat", "", True)],
        quarantine="no-profile",
    ),
    Example(
        "A stream with a name of its own",
        _T,
        _push({"type": 1, "dev_id": 2016617, "ds_id": "smoke_alarm", "at": _AT, "value": 1}, text=False),
        [("2016617", "smoke", "", True)],
    ),
    Example(
        "Several messages packed into one push",
        _T,
        _push([_point("3303_0_5700", 21.5), _point("3_0_9", 64)], text=False),
        [(_IMEI, "temperature", "", 21.5), (_IMEI, "battery", "", 64)],
    ),
    Example(
        "NB-IoT suite: offline",
        _T,
        _push({"type": 2, "dev_id": 2016617, "status": 0, "login_type": 10, "at": _AT}, text=False),
        [("2016617", "availability", "", "offline")],
    ),
    Example("An answer to a command", _T, _push({"type": 7, "dev_id": 1, "cmd_id": "x"}, text=False), []),
    Example("A place told by radio masts", _T, _push(_thing({}, messageType="lbsAndWifi")), []),
    Example("A push in secure mode", _T, _push("M0dYk2FzZWQ=", text=False), [], quarantine="encrypted"),
    Example("The older secure mode", _T, b'{"enc_msg":"M0dYk2","nonce":"abcdefgh"}', [], quarantine="encrypted"),
    Example("A kind not documented", _T, _push(_thing({}, messageType="new")), [(_DEVICE, "heartbeat", "", True)],
            quarantine="unknown-kind"),
    Example("No device", _T, _push({"type": 1, "ds_id": "smoke", "value": 1}), [], quarantine="missing"),
    Example("Not JSON", _T, b"msg=1", [], quarantine="not-json"),
)  # fmt: skip
