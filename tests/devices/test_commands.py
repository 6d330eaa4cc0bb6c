"""What each family is sent for a command: exact topics and bytes, and a refusal where nothing certain can be sent."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from devices.catalogue import Catalogue, Device
from devices.codec import COMMANDS, Ask, Message, number_of
from devices.codecs.sparkplug_b.wire import read
from devices.codecs.zigbee2mqtt.commands import doable
from devices.decode import CODECS, Decoder
from gateway.core.command import NAMES
from gateway.core.event import Measured
from gateway.core.plan import Plan
from gateway.inprocess import Gateway
from tests.core.community import estate

ID, EXPIRES = "c12.1", 1_795_276_860_000
IEEE = "0x00158d0001a2b3c4"

GAS_EXPOSES: Final = [
    {"type": "binary", "name": "gas", "property": "gas", "value_on": True, "value_off": False, "access": 1},
    {
        "type": "binary",
        "name": "self_test",
        "property": "self_test",
        "value_on": True,
        "value_off": False,
        "access": 3,
    },
    {
        "type": "enum",
        "name": "self_test_result",
        "property": "self_test_result",
        "values": ["checking"],
        "access": 1,
    },
    {
        "type": "binary",
        "name": "silence",
        "property": "silence",
        "value_on": "ON",
        "value_off": "OFF",
        "access": 3,
    },
]
SIREN_EXPOSES: Final = [
    {"type": "composite", "name": "warning", "property": "warning", "access": 2, "features": [
        {"type": "enum", "name": "mode", "property": "mode", "access": 2, "values": ["stop", "burglar", "fire"]},
        {"type": "enum", "name": "level", "property": "level", "access": 2, "values": ["low", "high", "very_high"]},
        {"type": "binary", "name": "strobe", "property": "strobe", "access": 2, "value_on": True, "value_off": False},
        {"type": "numeric", "name": "duration", "property": "duration", "access": 2, "unit": "s"},
    ]},
]  # fmt: skip
TUYA_SIREN: Final = [
    {
        "type": "binary",
        "name": "alarm",
        "property": "alarm",
        "value_on": True,
        "value_off": False,
        "access": 3,
    },
    {"type": "enum", "name": "melody", "property": "melody", "values": ["1", "2"], "access": 3},
]
SWITCH: Final = [
    {"type": "switch", "features": [
        {"type": "binary", "name": "state", "property": "state", "value_on": "ON", "value_off": "OFF", "access": 7}]},
]  # fmt: skip
AQARA_GAS: Final = [
    {"type": "enum", "name": "buzzer", "property": "buzzer", "values": ["mute", "alarm"], "access": 2},
    {"type": "enum", "name": "selftest", "property": "selftest", "values": ["selftest"], "access": 2},
]


def learn(codec: str, *messages: tuple[str, bytes]) -> dict[str, Any]:
    """What the codec remembers after these messages."""
    context: dict[str, Any] = {}
    for topic, payload in messages:
        for learned in CODECS[codec].decode(context, Message("s", topic, payload)).learned:
            context[learned.key] = learned.value
            if learned.value is None:
                del context[learned.key]
    return context


def z2m(exposes: Any, description: str = "") -> dict[str, Any]:
    """A bridge that has listed one device, called b3/hall."""
    listed = [{"ieee_address": IEEE, "type": "EndDevice", "friendly_name": "b3/hall",
               "definition": {"model": "M", "description": description, "exposes": exposes}}]  # fmt: skip
    return learn("zigbee2mqtt", ("zigbee2mqtt/bridge/devices", json.dumps(listed).encode()))


def ha(*configs: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    """A discovery that has told of one device, called dev1."""
    device = {"device": {"identifiers": ["dev1"], "name": "Dev"}}
    return learn(
        "ha_discovery",
        *(
            (f"homeassistant/{path}/config", json.dumps({**device, **body}).encode())
            for path, body in configs
        ),
    )


HOMIE5 = learn("homie", ("homie/5/valve-1/$description", json.dumps({
    "homie": "5.0", "version": 1, "name": "Valve", "nodes": {"gas": {"name": "Gas", "properties": {
        "valve": {"name": "Valve", "datatype": "boolean", "settable": True},
        "muted": {"name": "Muted", "datatype": "boolean", "settable": True},
        "alarm": {"name": "Alarm", "datatype": "boolean"},
    }}},
}).encode()))  # fmt: skip
HOMIE4 = learn("homie", ("homie/plug/relay/$type", b"switch"), ("homie/plug/relay/relay/$datatype", b"boolean"),
               ("homie/plug/relay/relay/$settable", b"true"))  # fmt: skip
ESPHOME = learn("esphome", ("hall/switch/siren/state", b"OFF"), ("hall/switch/relay/state", b"ON"),
                ("hall/valve/gas_valve/state", b"open"))  # fmt: skip
GEN2 = learn("shelly_gen2", ("b1/shed/events/rpc", (
    b'{"src":"shellyplus1-aabbcc","dst":"b1/shed/events",'
    b'"method":"NotifyStatus","params":{"ts":1763760000,"switch:0":{"id":0,"output":true}}}'
)))  # fmt: skip
TASMOTA = learn("tasmota", ("tasmota/discovery/AABBCC/config", b'{"t":"siren2","ft":"%topic%/%prefix%/"}'))
SWITCHED = ha(("switch/plug/relay", {"name": "Outlet", "cmd_t": "x/set", "stat_t": "x/state"}))

SENT: Final[Sequence[tuple[str, Mapping[str, Any], str, str, str, bytes]]] = [
    ("native", {}, "sun/b3-valve", "valve_close", "community/sun/b3-valve/command",
     b'{"id":"c12.1","name":"valve_close","args":{},"expires":1795276860000}'),
    ("zigbee2mqtt", z2m(GAS_EXPOSES), IEEE, "mute", "zigbee2mqtt/b3/hall/set", b'{"silence":"ON"}'),
    ("zigbee2mqtt", z2m(GAS_EXPOSES), "b3/hall", "self_test", "zigbee2mqtt/b3/hall/set", b'{"self_test":true}'),
    ("zigbee2mqtt", z2m(AQARA_GAS), IEEE, "mute", "zigbee2mqtt/b3/hall/set", b'{"buzzer":"mute"}'),
    ("zigbee2mqtt", z2m(AQARA_GAS), IEEE, "self_test", "zigbee2mqtt/b3/hall/set", b'{"selftest":"selftest"}'),
    ("zigbee2mqtt", z2m(SIREN_EXPOSES), IEEE, "siren_on", "zigbee2mqtt/b3/hall/set",
     b'{"warning":{"mode":"fire","level":"very_high","strobe":true,"duration":600}}'),
    ("zigbee2mqtt", z2m(SIREN_EXPOSES), IEEE, "siren_off", "zigbee2mqtt/b3/hall/set", b'{"warning":{"mode":"stop"}}'),
    ("zigbee2mqtt", z2m(TUYA_SIREN), IEEE, "siren_on", "zigbee2mqtt/b3/hall/set", b'{"alarm":true}'),
    ("zigbee2mqtt", z2m(SWITCH, "Smart plug"), IEEE, "relay_off", "zigbee2mqtt/b3/hall/set", b'{"state":"OFF"}'),
    ("zigbee2mqtt", z2m(SWITCH, "Zigbee gas valve"), IEEE, "valve_close", "zigbee2mqtt/b3/hall/set",
     b'{"state":"OFF"}'),
    ("tasmota", {}, "tasmota_49A3BC", "relay_off", "cmnd/tasmota_49A3BC/POWER", b"OFF"),
    ("tasmota", TASMOTA, "siren2", "siren_on", "siren2/cmnd/POWER", b"ON"),
    ("shelly_gen1", {}, "shellyplug-s-6A6374", "relay_off", "shellies/shellyplug-s-6A6374/relay/0/command", b"off"),
    ("shelly_gen1", {}, "shellygas-A4CF12", "valve_close", "shellies/shellygas-A4CF12/valve/0/command", b"close"),
    ("shelly_gen1", {}, "shellygas-A4CF12", "mute", "shellies/shellygas-A4CF12/sensor/mute", b"mute"),
    ("shelly_gen1", {}, "shellygas-A4CF12", "self_test", "shellies/shellygas-A4CF12/sensor/start_self_test", b"start"),
    ("shelly_gen2", GEN2, "shellyplus1-aabbcc", "relay_off", "b1/shed/rpc",
     b'{"id":"c12.1","src":"csg","method":"Switch.Set","params":{"id":0,"on":false}}'),
    ("shelly_gen2", {}, "shellyplussmoke-80646f", "mute", "shellyplussmoke-80646f/rpc",
     b'{"id":"c12.1","src":"csg","method":"Smoke.Mute","params":{"id":0}}'),
    ("esphome", ESPHOME, "hall", "siren_on", "hall/switch/siren/command", b"ON"),
    ("esphome", ESPHOME, "hall", "valve_close", "hall/valve/gas_valve/command", b"CLOSE"),
    ("esphome", ESPHOME, "hall", "relay_off", "hall/switch/relay/command", b"OFF"),
    ("homie", HOMIE5, "valve-1", "valve_close", "homie/5/valve-1/gas/valve/set", b"false"),
    ("homie", HOMIE5, "valve-1", "mute", "homie/5/valve-1/gas/muted/set", b"true"),
    ("homie", HOMIE4, "plug", "relay_off", "homie/plug/relay/relay/set", b"false"),
    ("ha_discovery", ha(("siren/s/1", {"name": "Siren", "command_topic": "s/set"})), "dev1", "siren_on", "s/set",
     b'{"state":"ON"}'),
    ("ha_discovery", ha(("valve/v/1", {"name": "Gas", "command_topic": "v/set"})), "dev1", "valve_close", "v/set",
     b"CLOSE"),
    ("ha_discovery", ha(("button/b/1", {"name": "Self test", "cmd_t": "b/press"})), "dev1", "self_test", "b/press",
     b"PRESS"),
    ("ha_discovery", ha(("lock/l/1", {"name": "Escape door", "cmd_t": "l/set", "pl_unlk": "OPEN"})), "dev1", "unlock",
     "l/set", b"OPEN"),
    ("ha_discovery", SWITCHED, "dev1", "relay_off", "x/set", b"OFF"),
    ("ha_discovery", SWITCHED, "dev1", "siren_on", "x/set", b"ON"),
    ("thingsboard", {}, "Siren 1", "siren_on", "v1/gateway/rpc",
     b'{"device":"Siren 1","data":{"id":756112812,"method":"siren_on","params":{}}}'),
]  # fmt: skip


@pytest.mark.parametrize(
    ("codec", "context", "native", "name", "topic", "payload"),
    SENT,
    ids=[f"{r[0]}-{r[3]}-{n}" for n, r in enumerate(SENT)],
)
def test_what_is_sent(
    codec: str, context: Mapping[str, Any], native: str, name: str, topic: str, payload: bytes
) -> None:
    """Topic and bytes as the family's own documentation has them."""
    assert CODECS[codec].command(context, native, name, ID, EXPIRES) == (Ask(topic, payload),)


@pytest.mark.parametrize(("codec", "context", "native", "name", "why"), [
    ("native", {}, "no-site", "siren_on", "unknown-device"),
    ("zigbee2mqtt", z2m(SWITCH, "Smart plug"), IEEE, "valve_close", "not-taken"),
    ("zigbee2mqtt", z2m(GAS_EXPOSES), "0x1111", "mute", "unknown-device"),
    ("zigbee2mqtt", z2m(SWITCH, "Gas valve"), IEEE, "siren_on", "not-taken"),
    ("tasmota", {}, "plug", "valve_close", "not-taken"),
    ("tasmota", {}, "plug", "unlock", "not-taken"),
    ("tasmota", {}, "bridge/0x8F20", "relay_off", "not-taken"),
    ("shelly_gen1", {}, "shellysmoke-1", "relay_off", "not-taken"),
    ("shelly_gen1", {}, "shellygas-1", "relay_off", "not-taken"),
    ("shelly_gen1", {}, "plug", "relay_off", "unknown-device"),
    ("shelly_gen2", {}, "plug", "relay_off", "unknown-device"),
    ("shelly_gen2", {}, "shellyplussmoke-1", "siren_on", "not-taken"),
    ("esphome", ESPHOME, "hall", "mute", "not-taken"),
    ("esphome", {}, "hall", "relay_off", "unknown-device"),
    ("homie", HOMIE5, "valve-1", "relay_off", "not-taken"),
    ("homie", {}, "valve-1", "valve_close", "unknown-device"),
    ("ha_discovery", SWITCHED, "dev1", "valve_close", "not-taken"),
    ("ha_discovery", ha(("switch/a/1", {"name": "A", "cmd_t": "a"}), ("switch/a/2", {"name": "B", "cmd_t": "b"})),
     "dev1", "relay_off", "not-taken"),
    ("ha_discovery", ha(("switch/a/1", {"name": "A", "cmd_t": "a", "cmd_tpl": "{{ value | upper }}"})), "dev1",
     "relay_off", "unknown-device"),
])  # fmt: skip
def test_what_is_not_sent(codec: str, context: Mapping[str, Any], native: str, name: str, why: str) -> None:
    """Nothing goes out on a guess: neither to a device nobody knows, nor to a relay that may open as well as close."""
    said = CODECS[codec].command(context, native, name, ID, EXPIRES)
    assert isinstance(said, str)
    assert said.startswith(why)


HALL = learn("esphome", ("hall/switch/mute/state", b"OFF"), ("hall/switch/self_test/state", b"OFF"))
SIREN = ha(("siren/s/1", {"name": "Siren", "command_topic": "s/set", "state_topic": "s/state"}))
VALVE = ha(("valve/v/1", {"name": "Gas", "command_topic": "v/set", "state_topic": "v/state"}))
MUTE = ha(("switch/m/1", {"name": "Mute", "command_topic": "m/set", "state_topic": "m/state"}))
RPC = {"src": "shellyplus1-aabbcc", "dst": "csg"}
CONFIRMED: Final[Sequence[tuple[str, Mapping[str, Any], str, tuple[str, str], str, Any]]] = [
    # codec, what it knows, device, (kind, command), and the message by which the family says that it was done
    ("zigbee2mqtt", z2m(GAS_EXPOSES), IEEE, ("gas", "mute"), "zigbee2mqtt/b3/hall", {"silence": "ON"}),
    ("zigbee2mqtt", z2m(GAS_EXPOSES), IEEE, ("gas", "self_test"), "zigbee2mqtt/b3/hall", {"self_test": True}),
    ("zigbee2mqtt", z2m(GAS_EXPOSES), IEEE, ("gas", "self_test"), "zigbee2mqtt/b3/hall",
     {"self_test_result": "checking"}),
    ("zigbee2mqtt", z2m(TUYA_SIREN), IEEE, ("siren", "siren_on"), "zigbee2mqtt/b3/hall", {"alarm": True}),
    ("zigbee2mqtt", z2m(SWITCH, "Smart plug"), IEEE, ("charger", "relay_off"), "zigbee2mqtt/b3/hall", {"state": "OFF"}),
    ("zigbee2mqtt", z2m(SWITCH, "Zigbee gas valve"), IEEE, ("valve", "valve_close"), "zigbee2mqtt/b3/hall",
     {"state": "OFF"}),
    ("tasmota", {}, "tasmota_49A3BC", ("charger", "relay_off"), "stat/tasmota_49A3BC/RESULT", {"POWER": "OFF"}),
    ("tasmota", TASMOTA, "siren2", ("siren", "siren_on"), "siren2/stat/POWER", b"ON"),
    ("shelly_gen1", {}, "shellyplug-s-6A6374", ("meter", "relay_off"), "shellies/shellyplug-s-6A6374/relay/0", b"off"),
    ("shelly_gen1", {}, "shellygas-A4CF12", ("valve", "valve_close"), "shellies/shellygas-A4CF12/valve/0/state",
     b"closed"),
    ("shelly_gen1", {}, "shellygas-A4CF12", ("gas", "self_test"), "shellies/shellygas-A4CF12/sensor/self_test",
     b"running"),
    ("shelly_gen2", GEN2, "shellyplus1-aabbcc", ("charger", "relay_off"), "b1/shed/events/rpc",
     {**RPC, "method": "NotifyStatus", "params": {"ts": 1763760000, "switch:0": {"id": 0, "output": False}}}),
    ("shelly_gen2", {}, "shellyplussmoke-80646f", ("smoke", "mute"), "csg/rpc",
     {"id": ID, "src": "shellyplussmoke-80646f", "dst": "csg", "result": None}),
    ("esphome", ESPHOME, "hall", ("siren", "siren_on"), "hall/switch/siren/state", b"ON"),
    ("esphome", ESPHOME, "hall", ("valve", "valve_close"), "hall/valve/gas_valve/state", b"closed"),
    ("esphome", HALL, "hall", ("smoke", "mute"), "hall/switch/mute/state", b"ON"),
    ("esphome", HALL, "hall", ("smoke", "self_test"), "hall/switch/self_test/state", b"ON"),
    ("homie", HOMIE5, "valve-1", ("valve", "valve_close"), "homie/5/valve-1/gas/valve", b"false"),
    ("homie", HOMIE5, "valve-1", ("gas", "mute"), "homie/5/valve-1/gas/muted", b"true"),
    ("homie", HOMIE4, "plug", ("charger", "relay_off"), "homie/plug/relay/relay", b"false"),
    ("ha_discovery", SIREN, "dev1", ("siren", "siren_off"), "s/state", b"OFF"),
    ("ha_discovery", VALVE, "dev1", ("valve", "valve_close"), "v/state", b"closed"),
    ("ha_discovery", MUTE, "dev1", ("smoke", "mute"), "m/state", b"ON"),
    ("ha_discovery", SWITCHED, "dev1", ("charger", "relay_off"), "x/state", b"OFF"),
    ("thingsboard", {}, "me", ("siren", "siren_on"), "v1/devices/me/rpc/response/756112812", {"success": True}),
    ("thingsboard", {}, "Siren 1", ("siren", "siren_on"), "v1/gateway/rpc",
     {"device": "Siren 1", "id": 756112812, "data": {"success": True}}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("codec", "context", "native", "order", "topic", "body"),
    CONFIRMED,
    ids=[f"{r[0]}-{r[3][1]}-{n}" for n, r in enumerate(CONFIRMED)],
)
def test_what_a_family_says_when_it_was_done_confirms_it(
    codec: str, context: Mapping[str, Any], native: str, order: tuple[str, str], topic: str, body: Any
) -> None:
    """It is sent to that very device, and what the family's documentation has it say afterwards is what counts."""
    assert not isinstance(CODECS[codec].command(context, native, order[1], ID, EXPIRES), str)
    payload = body if isinstance(body, bytes) else json.dumps(body).encode()
    home = Gateway(catalogued(f"sim:{native}", order[0]))
    device = home.engine.state.device(f"sim:{native}")
    device.seen = True
    for confirm in (False, True):
        home.docs.setdefault("", None)  # type: ignore[arg-type]  # an act without a target takes the newest incident
        home.act("root", "command", f"sim:{native}", name=order[1], anyway=True, confirm=confirm)
    (command,) = home.engine.state.commands.values()
    assert command.state == "sent"
    said = payload.replace(ID.encode(), command.id.encode()).replace(
        b"756112812", b"%d" % number_of(command.id)
    )
    topic = topic.replace("756112812", str(number_of(command.id)))
    decoded = CODECS[codec].decode(context, Message("sim", topic, said))
    home.engine.submit(Measured("sim", list(decoded.readings)))
    home.settle()
    assert command.state == "confirmed", decoded


@pytest.mark.parametrize(("codec", "topic", "body", "says"), [
    ("shelly_gen2", "csg/rpc", {"id": ID, **RPC, "error": {"code": -103, "message": "no such id"}},
     f"{ID} failed no such id"),
    ("shelly_gen2", "csg/rpc", {"id": 7, **RPC, "result": {}}, None),  # a question of ours, not a command
    ("shelly_gen2", "else/rpc", {"id": ID, **RPC, "dst": "else", "result": {}}, None),
    ("thingsboard", "v1/devices/me/rpc/response/5", {"success": False}, "#5 failed"),
    ("thingsboard", "v1/devices/me/rpc/response/5", {"error": "jammed"}, "#5 failed jammed"),
    ("thingsboard", "v1/devices/me/rpc/response/5", {"state": "closed"}, "#5 ok closed"),
    ("thingsboard", "v1/gateway/rpc", {"device": "d", "data": {"id": 5, "method": "mute"}}, None),
    ("thingsboard", "v1/gateway/rpc", {"device": "d", "id": 5, "data": False}, "#5 failed"),
])  # fmt: skip
def test_an_answer_says_what_became_of_it(codec: str, topic: str, body: Any, says: str | None) -> None:
    """Done, or why not; questions, and answers to others, are none."""
    decoded = CODECS[codec].decode({}, Message("s", topic, json.dumps(body).encode()))
    assert [r.value for r in decoded.readings if "/command_result/" in r.point] == ([says] if says else [])


def catalogued(device: str, kind: str) -> Plan:
    """The small estate with one more device, in a flat."""
    base = estate()
    devices = {device: Device(device, "h502", kind)}
    return replace(base, catalogue=Catalogue(base.catalogue.places, devices, base.catalogue.sources))


def test_a_forgotten_discovery_takes_nothing() -> None:
    """An empty config takes back what the device could be told."""
    context = ha(("switch/plug/relay", {"name": "Outlet", "cmd_t": "x/set"}))
    assert CODECS["ha_discovery"].command(context, "dev1", "relay_off", ID, EXPIRES) == (
        Ask("x/set", b"OFF"),
    )
    for learned in (
        CODECS["ha_discovery"]
        .decode(context, Message("s", "homeassistant/switch/plug/relay/config", b""))
        .learned
    ):
        context[learned.key] = learned.value
    assert isinstance(CODECS["ha_discovery"].command(context, "dev1", "relay_off", ID, EXPIRES), str)


@given(
    st.sampled_from(sorted({row[0] for row in SENT})),
    st.text(max_size=80),
    st.sampled_from((*NAMES, "", "open")),
)
def test_any_name_is_answered(codec: str, native: str, name: str) -> None:
    """Whatever a device is called and whatever is asked: a bounded answer, never an exception, never a wildcard."""
    for context in ({}, HOMIE5, ESPHOME, GEN2, SWITCHED):
        said = CODECS[codec].command(context, native, name, ID, EXPIRES)
        assert isinstance(said, str) or len(said) <= 2


def test_nothing_opens_a_valve() -> None:
    """The house knows no command that opens, and what it does not know is sent to nobody."""
    assert set(NAMES) == COMMANDS
    decoder = Decoder({})
    for name in ("valve_open", "open", "", "x" * 1000):
        assert isinstance(decoder.command("s", "sun/b3-valve", name, ID, EXPIRES), str)


def test_the_family_of_the_device_speaks() -> None:
    """A known family alone is asked, or discovery, which describes others' devices; else all who may mean it."""
    contexts = {("ha_discovery", "s"): SWITCHED, ("zigbee2mqtt", "s"): z2m(SWITCH, "Smart plug")}
    decoder = Decoder(contexts)
    told = decoder.command("s", "shellyplug-1", "relay_off", ID, EXPIRES, "shelly_gen1")
    assert told == [Ask("shellies/shellyplug-1/relay/0/command", b"off")]
    assert decoder.command("s", "dev1", "relay_off", ID, EXPIRES, "esphome") == [Ask("x/set", b"OFF")]
    assert isinstance(decoder.command("s", "x", "relay_off", ID, EXPIRES, "chirpstack"), str)
    everybody = decoder.command("s", IEEE, "relay_off", ID, EXPIRES)
    assert Ask("zigbee2mqtt/b3/hall/set", b'{"state":"OFF"}') in everybody


def test_a_source_of_one_family_says_why() -> None:
    """Where there is only one family its own reason is the answer."""
    decoder = Decoder({}, {"s": ("zigbee2mqtt",)})
    assert str(decoder.command("s", "x", "mute", ID, EXPIRES)).startswith("unknown-device")


def test_locks_that_say_which_way_they_turn_are_unlocked() -> None:
    """A lock of Zigbee or ESPHome; a relay never is."""
    exposes = [
        {
            "type": "lock",
            "features": [
                {
                    "type": "binary",
                    "name": "state",
                    "property": "state",
                    "access": 7,
                    "value_on": "LOCK",
                    "value_off": "UNLOCK",
                }
            ],
        }
    ]
    known = {"device:door": [IEEE, "lock", {}, doable(exposes, "Smart lock")]}
    assert CODECS["zigbee2mqtt"].command(known, IEEE, "unlock", ID, EXPIRES) == (
        Ask("zigbee2mqtt/door/set", b'{"state":"UNLOCK"}'),
    )
    assert not doable(
        [{"type": "lock", "features": [{"property": "state", "access": 1, "value_off": "UNLOCK"}]}], ""
    )
    known = learn("esphome", ("door/lock/front/state", b"LOCKED"))
    assert CODECS["esphome"].command(known, "door", "unlock", ID, EXPIRES) == (
        Ask("door/lock/front/command", b"UNLOCK"),
    )


def test_sparkplug_writes_the_one_boolean_that_means_it() -> None:
    """By name, typed and timed, on the device's own topic; two that could mean it are none."""
    rows = {
        "Siren/Buzzer": ["Siren/Buzzer", 11, "", ""],
        "#3": ["Siren/Buzzer", 11, "", ""],
        "Gas/Valve Open": ["Gas/Valve Open", 11, "", ""],
        "Temperature": ["Temperature", 9, "", ""],
    }
    codec = CODECS["sparkplug_b"]
    known = {
        "birth:plant/edge/dev": rows,
        "birth:plant/edge": {"A/Relay": ["A/Relay", 11, "", ""], "B/Relay": ["B/Relay", 11, "", ""]},
    }
    (ask,) = codec.command(known, "plant/edge/dev", "siren_on", ID, EXPIRES)
    assert ask.topic == "spBv1.0/plant/DCMD/edge/dev"
    (metric,) = read(ask.payload).metrics
    assert (metric.name, metric.type, metric.value, metric.at) == ("Siren/Buzzer", 11, 1, EXPIRES - 60_000)
    assert read(ask.payload).at == EXPIRES - 60_000
    (ask,) = codec.command(known, "plant/edge/dev", "valve_close", ID, EXPIRES)
    assert [(m.name, m.value) for m in read(ask.payload).metrics] == [("Gas/Valve Open", 0)]
    for native, name, why in (
        ("plant/edge", "relay_off", "not-taken: 2"),
        ("plant/edge/dev", "mute", "not-taken: 0"),
        ("plant/ghost", "siren_on", "unknown-device"),
    ):
        assert str(codec.command(known, native, name, ID, EXPIRES)).startswith(why)


@pytest.mark.parametrize(("payload", "says"), [
    ({"id": ID, "ok": True, "state": "closed"}, f"{ID} ok closed"), ({"id": ID, "ok": True}, f"{ID} ok"),
    ({"id": ID, "ok": False, "error": "jammed"}, f"{ID} failed jammed"), ({"ok": True}, None), ({"id": ID}, None),
    ([], None), ({"id": "x" * 65, "ok": True}, None),
    ({"id": ID, "ok": True, "state": "a\x01" * 300}, f"{ID} ok {'a ' * 300}"[:255].strip()),
])  # fmt: skip
def test_a_native_result_is_a_reading(payload: Any, says: str | None) -> None:
    """What became of a command, in the device's words; one without id and outcome is set aside."""
    message = Message("s", "community/est/dev/result", json.dumps(payload).encode())
    decoded = CODECS["native"].decode({}, message)
    assert [(r.point, r.value) for r in decoded.readings] == (
        [("s:est/dev/command_result/", says)] if says is not None else []
    )
    assert (decoded.quarantine is None) is (says is not None)


@pytest.mark.parametrize("kind", [["switch"], {"a": 1}, 7, None])
def test_exposes_of_no_kind_can_be_told_nothing(kind: Any) -> None:
    """Whatever a bridge lists as the kind of an expose, nothing raises."""
    assert doable([{"type": kind, "name": "smoke", "features": 5}], "") == {}
