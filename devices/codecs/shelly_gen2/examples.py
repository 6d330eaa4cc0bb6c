"""Worked examples of messages of the second generation: its tests and its reference page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from devices.codec import Example

_SMOKE: Final = "shellyplussmoke-80646fd2a1b4"
_FLOOD: Final = "shellyfloodg4-a085e3bd0544"
_GATE: Final = "shellyblugwg3-34cdb0770c4c"
_PLUG: Final = "shellyplugsg3-8cbfeaa1b2c3"
_EM: Final = "shellypro3em-c8f09e8868ec"
_LEAK: Final = "38:39:8f:70:b2:1e"
_DOOR: Final = "60:ef:ab:42:ed:25"


def _frame(source: str, method: str, params: bytes, prefix: str = "") -> bytes:
    """A notification as the documentation shows it."""
    return b'{"src":"%s","dst":"%s/events","method":"%s","params":%s}' % (
        source.encode(), (prefix or source).encode(), method.encode(), params,
    )  # fmt: skip


_KNOWN: Final[dict[str, Any]] = {
    f"bthomedevice:200@{_GATE}": [_LEAK],
    f"bthomesensor:200@{_GATE}": [_LEAK, 0x20, 0],
    f"bthomesensor:201@{_GATE}": [_LEAK, 0x01, 0],
}

EXAMPLES: Sequence[Example] = (
    Example(
        "Smoke, muted at the device: an alarm all the same", f"{_SMOKE}/status/smoke:0",
        b'{"id":0,"alarm":true,"mute":true}',
        [(_SMOKE, "smoke", "", True), (_SMOKE, "muted", "", True), (_SMOKE, "fault", "", False)],
    ),
    Example(
        "What changed: an absent mute is unchanged", f"{_SMOKE}/events/rpc",
        _frame(_SMOKE, "NotifyStatus", b'{"ts":1763760000.21,"smoke:0":{"id":0,"alarm":false}}'),
        [(_SMOKE, "smoke", "", False)],
    ),
    Example(
        "The alarm as an event", f"{_SMOKE}/events/rpc",
        _frame(_SMOKE, "NotifyEvent",
               b'{"ts":1763760000.2,"events":[{"component":"smoke:0","id":0,"event":"alarm","ts":1763760000.2}]}'),
        [(_SMOKE, "smoke", "", True)],
    ),
    Example(
        "A test press", f"{_SMOKE}/events/rpc",
        _frame(_SMOKE, "NotifyEvent",
               b'{"ts":1763760000.2,"events":[{"component":"smoke:0","id":0,"event":"alarm_test","ts":1763760000.2},'
               b'{"component":"sys","event":"sleep","ts":1763760000.3}]}'),
        [(_SMOKE, "test", "", True)],
    ),
    Example(
        "A sleeping device wakes and tells all", f"{_SMOKE}/events/rpc",
        _frame(_SMOKE, "NotifyFullStatus",
               b'{"ts":1763760000.5,"ble":{},"cloud":{"connected":false},"mqtt":{"connected":true},'
               b'"devicepower:0":{"id":0,"battery":{"V":2.96,"percent":95},"external":{"present":false}},'
               b'"smoke:0":{"id":0,"alarm":false,"mute":false},"sys":{"mac":"80646FD2A1B4","unixtime":null,'
               b'"wakeup_reason":{"boot":"deepsleep_wake","cause":"periodic"}},"wifi":{"sta_ip":"10.0.0.9","rssi":-71}}'),
        [
            (_SMOKE, "battery", "", 95), (_SMOKE, "battery_voltage", "", 2.96), (_SMOKE, "mains_power", "", False),
            (_SMOKE, "smoke", "", False), (_SMOKE, "muted", "", False), (_SMOKE, "fault", "", False),
            (_SMOKE, "wakeup_reason", "", "periodic"), (_SMOKE, "rssi", "", -71),
        ],
    ),
    Example(
        "Water", f"{_FLOOD}/status/flood:0", b'{"id":0,"alarm":true,"mute":false}',
        [(_FLOOD, "water_leak", "", True), (_FLOOD, "muted", "", False), (_FLOOD, "fault", "", False)],
    ),
    Example(
        "Dry, for the probe is unplugged: a fault, and not normal", f"{_FLOOD}/status/flood:0",
        b'{"id":0,"alarm":false,"mute":false,"errors":["cable_unplugged"]}',
        [(_FLOOD, "water_leak", "", None), (_FLOOD, "muted", "", False), (_FLOOD, "fault", "", True)],
    ),
    Example(
        "A prefix of the owner's, not known yet", "building-a/stairwell/flood-3/status/flood:0",
        b'{"id":0,"alarm":false,"mute":false}',
        [
            ("building-a/stairwell/flood-3", "water_leak", "", False),
            ("building-a/stairwell/flood-3", "muted", "", False),
            ("building-a/stairwell/flood-3", "fault", "", False),
        ],
    ),
    Example(
        "The same once a frame has told who speaks there", "building-a/stairwell/flood-3/status/flood:0",
        b'{"id":0,"alarm":true}', [(_FLOOD, "water_leak", "", True), (_FLOOD, "fault", "", False)],
        context={"device:building-a/stairwell/flood-3": _FLOOD},
    ),
    Example(
        "An alarm that is neither yes nor no is set aside, and is not normal", f"{_FLOOD}/status/flood:0",
        b'{"id":0,"alarm":"yes"}', [(_FLOOD, "water_leak", "", None), (_FLOOD, "fault", "", False)],
        quarantine="unknown-word",
    ),
    Example(
        "A component newer than this codec: the word is the alarm", "shellygasg5-1/status/gas:0",
        b'{"id":0,"alarm":true}', [("shellygasg5-1", "gas", "", True)],
    ),
    Example(
        "A plug: errors of null are gone", f"{_PLUG}/events/rpc",
        _frame(_PLUG, "NotifyStatus", b'{"ts":1763760000,"switch:0":{"id":0,"output":true,"errors":null}}'),
        [
            (_PLUG, "relay", "", True), (_PLUG, "overtemp", "", False), (_PLUG, "overpower", "", False),
            (_PLUG, "overcurrent", "", False), (_PLUG, "fault", "", False),
        ],
    ),
    Example(
        "A plug too hot", f"{_PLUG}/status/switch:0",
        b'{"id":0,"source":"limit","output":false,"apower":0.0,"voltage":231.4,"current":0.25,"pf":0.0,'
        b'"aenergy":{"total":1234.5,"by_minute":[0,0,0],"minute_ts":1763759940},'
        b'"temperature":{"tC":96.1,"tF":205.0},"errors":["overtemp"]}',
        [
            (_PLUG, "relay", "", False), (_PLUG, "power", "", 0.0), (_PLUG, "voltage", "", 231.4),
            (_PLUG, "current", "", 250.0), (_PLUG, "energy", "", 1.2345), (_PLUG, "device_temperature", "", 96.1),
            (_PLUG, "overtemp", "", True), (_PLUG, "overpower", "", False), (_PLUG, "overcurrent", "", False),
            (_PLUG, "fault", "", False),
        ],
    ),
    Example(
        "Three phases and the neutral conductor", f"{_EM}/events/rpc",
        _frame(_EM, "NotifyStatus",
               b'{"ts":1763760000,"em:0":{"id":0,"a_current":4.027,"a_voltage":236.1,"a_act_power":951.2,"a_pf":1.0,'
               b'"b_current":0.5,"n_current":0.2,"total_current":4.5,"total_act_power":960.0}}'),
        [
            (_EM, "current", "a", 4027.0), (_EM, "voltage", "a", 236.1), (_EM, "power", "a", 951.2),
            (_EM, "current", "b", 500.0), (_EM, "neutral_current", "", 200.0), (_EM, "current", "", 4500.0),
            (_EM, "power", "", 960.0),
        ],
    ),
    Example(
        "A probe that cannot be read", "shellyplusuni-1/status/temperature:100",
        b'{"id":100,"tC":null,"tF":null,"errors":["read"]}',
        [("shellyplusuni-1", "temperature", "100", None), ("shellyplusuni-1", "fault", "temperature100", True)],
    ),
    Example(
        "A counter and an input", "shellyplusuni-1/events/rpc",
        _frame("shellyplusuni-1", "NotifyStatus",
               b'{"ts":1763760000,"input:0":{"id":0,"state":true},"input:2":{"id":2,"counts":{"total":17}}}'),
        [("shellyplusuni-1", "digital_input", "", True), ("shellyplusuni-1", "pulse_count", "2", 17)],
    ),
    Example(
        "A button", "shellyi4g3-1/events/rpc",
        _frame("shellyi4g3-1", "NotifyEvent",
               b'{"ts":1763760000,"events":[{"component":"input:1","id":1,"event":"long_push","ts":1763760000}]}'),
        [("shellyi4g3-1", "button", "1", "long_push")],
    ),
    Example(
        "A Bluetooth leak sensor behind a gateway, known by its configuration", f"{_GATE}/events/rpc",
        _frame(_GATE, "NotifyStatus",
               b'{"ts":1763760000.4,"bthomesensor:200":{"id":200,"value":true,"last_updated_ts":1763760000},'
               b'"bthomedevice:200":{"id":200,"rssi":-62,"battery":100,"packet_id":7}}'),
        [(_LEAK, "water_leak", "", True), (_LEAK, "rssi", "", -62), (_LEAK, "battery", "", 100)],
        context=_KNOWN,
    ),
    Example(
        "One whose configuration is not known: asked for", f"{_GATE}/status/bthomesensor:203",
        b'{"id":203,"value":true,"last_updated_ts":1763760000}', [], quarantine="unknown-component",
    ),
    Example(
        "All components with their configuration, as an answer", "csg/rpc",
        b'{"id":1,"src":"shellyblugwg3-34cdb0770c4c","dst":"csg","result":{"components":[{"key":"bthomesensor:204",'
        b'"status":{"id":204,"value":true,"last_updated_ts":1763759999},"config":{"id":204,"addr":"60:ef:ab:42:ed:25",'
        b'"name":null,"obj_id":45,"idx":0,"meta":null}}],"cfg_rev":3,"offset":0,"total":1}}',
        [(_DOOR, "door_open", "", True)],
    ),
    Example(
        "An advert passed on by a script", f"{_PLUG}/events/rpc",
        _frame(_PLUG, "NotifyEvent",
               b'{"ts":1763760000.1,"events":[{"component":"script:1","id":1,"event":"shelly-blu","data":{'
               b'"encryption":false,"BTHome_version":2,"pid":12,"battery":100,"illuminance":13,"window":1,"rotation":4,'
               b'"rssi":-55,"address":"60:ef:ab:42:ed:25"},"ts":1763760000.1}]}'),
        [
            (_DOOR, "battery", "", 100), (_DOOR, "illuminance", "", 13), (_DOOR, "door_open", "", True),
            (_DOOR, "angle", "", 4), (_DOOR, "rssi", "", -55),
        ],
    ),
    Example(
        "The same over the maker's other script", "shelly-blu/events/60:ef:ab:42:ed:25",
        b'{"encryption":false,"BTHome_version":2,"pid":3,"battery":98,"button":1,"rssi":-76}',
        [(_DOOR, "battery", "", 98), (_DOOR, "button", "", "single_push"), (_DOOR, "rssi", "", -76)],
    ),
    Example(
        "An answer names no component: the model says of what the alarm is", "house/desk/rpc",
        b'{"id":7,"src":"shellyplussmoke-80646fd2a1b4","dst":"house/desk","result":{"id":0,"alarm":false,"mute":false}}',
        [(_SMOKE, "smoke", "", False), (_SMOKE, "muted", "", False), (_SMOKE, "fault", "", False)],
    ),
    Example(
        "An error", "house/desk/rpc",
        b'{"id":8,"src":"shellyplussmoke-80646fd2a1b4","dst":"house/desk","error":{"code":404,"message":"No handler"}}',
        [],
    ),
    Example(
        "A question or command", f"{_PLUG}/rpc",
        b'{"id":9,"src":"house/desk","method":"Switch.Set","params":{"id":0,"on":true}}', [],
    ),
    Example("A command", f"{_PLUG}/command/switch:0", b"on", []),
    Example("Connected", f"{_SMOKE}/online", b"true", [(_SMOKE, "availability", "", "online")], retained=True),
    Example("The last will", f"{_SMOKE}/online", b"false", [(_SMOKE, "availability", "", "offline")]),
    Example("Somebody else's topic", "house/desk/lamp", b'{"on":true}', [], quarantine="unknown-topic"),
    Example("Cut short", f"{_SMOKE}/status/smoke:0", b'{"id":0,"alarm":tr', [], quarantine="not-json"),
)  # fmt: skip
