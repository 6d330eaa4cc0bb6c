"""zigbee2mqtt: learning, identity, a device's own exposes, and what stands between device and message."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from devices.codec import Decoded
from devices.codecs import zigbee2mqtt
from devices.codecs.zigbee2mqtt.bridge import DEVICES_MAX, EXPOSES_MAX
from devices.codecs.zigbee2mqtt.state import KEYS_MAX
from tests.devices.reading_rows import CLOCK_BAD, INVALID, NOW, RETAINED, code, flags, rows, said

IEEE, OTHER = "0x00158d0001a2b3c4", "0x00158d0001a2b3c5"


def expose(name: str, kind: str = "binary", access: int = 1, **more: Any) -> dict[str, Any]:
    """One generic expose as the documentation has it."""
    polarity = {"value_on": True, "value_off": False} if kind == "binary" else {}
    return {"type": kind, "name": name, "property": name, "access": access, **polarity, **more}


def device(address: str, name: str, *exposes: dict[str, Any], model: str = "M1") -> dict[str, Any]:
    """One element of the bridge's list."""
    definition = {"model": model, "vendor": "V", "exposes": list(exposes), "options": [{"type": "numeric"}]}
    return {
        "ieee_address": address,
        "type": "EndDevice",
        "friendly_name": name,
        "definition": definition,
        "endpoints": {},
    }


def tell(topic: str, body: Any, context: dict[str, Any] | None = None, **more: Any) -> Decoded:
    """One message of the bridge."""
    payload = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    return said(zigbee2mqtt, f"zigbee2mqtt/{topic}", payload, context, **more)


def learn(context: dict[str, Any], decoded: Decoded) -> dict[str, Any]:
    """The context after a message, as the journal would give it back."""
    for learned in decoded.learned:
        if learned.value is None:
            context.pop(learned.key)
        else:
            context[learned.key] = msgspec.msgpack.decode(msgspec.msgpack.encode(learned.value))
    return context


def known(*devices: dict[str, Any]) -> dict[str, Any]:
    """The context after a bridge told of its devices."""
    return learn({}, tell("bridge/devices", list(devices)))


def test_a_device_goes_by_its_address_once_it_is_known() -> None:
    """Renaming a device does not make a new one: its id is the address from the bridge's list."""
    context: dict[str, Any] = {}
    assert rows(tell("hall", {"smoke": True}, context)) == [("hall", "smoke", "", True)]
    learn(context, tell("bridge/devices", [device(IEEE, "hall", expose("smoke"))]))
    assert rows(tell("hall", {"smoke": True}, context)) == [(IEEE, "smoke", "", True)]
    assert rows(tell("hall/availability", {"state": "online"}, context)) == [
        (IEEE, "availability", "", "online")
    ]
    assert rows(tell("hall/smoke", b"false", context)) == [(IEEE, "smoke", "", False)]
    learn(context, tell("bridge/devices", [device(IEEE, "3号楼/hall", expose("smoke"))], context))
    assert list(context) == ["device:3号楼/hall"]
    assert rows(tell("3号楼/hall", {"smoke": True}, context)) == [(IEEE, "smoke", "", True)]


def test_only_changes_are_learned() -> None:
    """The list comes back with every restart; what is known already is not journalled again."""
    listed = [device(IEEE, "a", expose("smoke")), device(OTHER, "b", expose("gas"))]
    context = known(*listed)
    assert sorted(context) == ["device:a", "device:b"]
    assert tell("bridge/devices", listed, context).learned == []
    changed = tell("bridge/devices", [listed[0], device(OTHER, "b", expose("gas"), expose("test"))], context)
    assert [item.key for item in changed.learned] == ["device:b"]
    gone = tell("bridge/devices", listed[1:], context)
    assert [(item.key, item.value) for item in gone.learned] == [("device:a", None)]


def test_the_device_object_of_a_message_teaches_the_address() -> None:
    """With include_device_information a device is known by its address from its first message."""
    body = {"gas": True, "device": {"friendlyName": "k", "ieeeAddr": IEEE, "model": "G1"}}
    got = tell("k", body)
    assert rows(got) == [(IEEE, "gas", "", True)]
    context = learn({}, got)
    assert context == {"device:k": [IEEE, "G1", {}]}
    assert tell("k", body, context).learned == ()
    full = known(device(IEEE, "k", expose("gas")))
    assert tell("k", body, full).learned == (), "what the list said is more and stays"


def test_exposes_decide_over_guesses() -> None:
    """Endpoint, unit and the values that mean on and off come from the device's own description."""
    context = known(
        device(
            IEEE,
            "x",
            {
                "type": "switch",
                "endpoint": "l2",
                "features": [expose("state", access=7, property="state_l2", value_on="ON", value_off="OFF")],
            },
            expose("leak", property="channel_1_leak_detect", value_on="Leak", value_off="Dry"),
            expose("battery_low", value_on="Low", value_off="Normal"),
            expose("contact", value_on=False, value_off=True, property="contact_top", endpoint="top"),
            expose("voltage", "numeric", unit="mV"),
            expose("temperature", "numeric", unit="°F"),
            expose("gas", "numeric", unit="m³"),
            expose("pressure", "numeric", unit="bar"),
            expose("current_value", "numeric", unit="°C"),
            expose("smoke", property="detector"),
        )
    )
    body = {
        "state_l2": "ON",
        "channel_1_leak_detect": "Dry",
        "battery_low": "Low",
        "contact_top": False,
        "voltage": 950,
        "temperature": 32,
        "gas": 12.5,
        "pressure": 4,
        "current_value": 21,
        "detector": True,
    }
    assert sorted(rows(tell("x", body, context))) == sorted(
        [
            (IEEE, "switch_state", "l2", "ON"),
            (IEEE, "water_leak", "", False),
            (IEEE, "battery_low", "", True),
            (IEEE, "door_open", "top", True),
            (IEEE, "battery_voltage", "", 0.95),
            (IEEE, "temperature", "", 0.0),
            (IEEE, "volume", "", 12.5),
            (IEEE, "pressure", "", 400.0),
            (IEEE, "smoke", "", True),
        ]
    )


def test_what_can_be_set_is_no_alarm() -> None:
    """A siren's `alarm`, an enabling switch and a threshold are settings, whatever they are called."""
    context = known(
        device(
            IEEE,
            "siren",
            expose("smoke", access=3, value_on="ON", value_off="OFF"),
            expose("temperature_alarm", access=7),
            expose("high_temperature", "numeric", access=7, unit="°C"),
            expose("silence", access=3),
        )
    )
    body = {"smoke": "ON", "temperature_alarm": True, "high_temperature": 1, "silence": True}
    assert rows(tell("siren", body, context)) == [(IEEE, "muted", "", True)]


@pytest.mark.parametrize(
    ("body", "reading"),
    [
        ({"voltage": 3000}, ("battery_voltage", 3.0)),
        ({"voltage": 231}, ("voltage", 231)),
        ({"voltage": 3.1, "battery": 90}, ("battery_voltage", 3.1)),
        ({"voltage": 229.5, "battery": 90, "power": 3}, ("voltage", 229.5)),
        ({"pressure": 1013.2}, ("pressure", 101.32)),
        ({"pressure": 98.5}, ("pressure", 98.5)),
        ({"current": 0.5}, ("current", 500.0)),
        ({"flow": 0.6}, ("flow", 10.0)),
        ({"smoke_level": 0.1, "smoke_unit": "dB/m"}, ("smoke_obscuration", 0.1)),
        ({"illuminance": 7, "illuminance_lux": 9}, ("illuminance", 7)),
    ],
)
def test_numbers_without_exposes(body: dict[str, Any], reading: tuple[str, float]) -> None:
    """Where the device is not described, the converters' usual units hold and the neighbours decide."""
    assert [(m, v) for _, m, _, v in rows(tell("x", body)) if m not in {"battery", "power"}] == [reading]


@pytest.mark.parametrize(
    "body",
    [
        {"smoke_level": 3, "smoke_unit": "%ft OBS"},
        {"gas": None, "update": {"state": "idle"}},
        {"temperature": [1]},
    ],
)
def test_what_says_nothing(body: dict[str, Any]) -> None:
    """A number without its unit, an object and a list of numbers are no readings; null is no reading of a known key."""
    assert [v for *_, v in rows(tell("x", body)) if v is not None] == []


def test_an_alarm_outranks_a_second_property_of_the_same_meaning() -> None:
    """Two properties for one point: an active alarm wins, otherwise the first one counts."""
    assert rows(tell("x", {"gas_sensor_state": "normal", "gas": True})) == [("x", "gas", "", True)]
    assert rows(tell("x", {"gas": True, "gas_sensor_state": "normal"})) == [("x", "gas", "", True)]


@pytest.mark.parametrize(
    ("last_seen", "at", "flag"),
    [
        ("2025-11-21T21:19:58+00:00", NOW - 2500, 0),
        ("2025-11-22T05:19:58.000+08:00", NOW - 2500, 0),
        (NOW - 1, NOW - 1, 0),
        (NOW + 86_400_000, NOW + 86_400_000, CLOCK_BAD),
        ("2000-01-01T00:00:00Z", 946_684_800_000, CLOCK_BAD),
        ("yesterday", None, 0),
        ("2025-11-21T21:19:58", None, 0),  # no offset: not a moment
        (None, None, 0),
        ({}, None, 0),
    ],
)
def test_last_seen_is_when_it_was_measured(last_seen: Any, at: int | None, flag: int) -> None:
    """A bridge that restarts sends what it had cached; last_seen tells how old that is."""
    got = tell("x", {"smoke": True, "last_seen": last_seen})
    assert [(r.measured_at, r.flags) for r in got.readings] == [(at, flag)]


@pytest.mark.parametrize(
    "topic",
    [
        "x/set",
        "x/get",
        "x/set/state",
        "x/get/state",
        "3号楼/x/l1/set",
        "bridge/request/permit_join",
        "bridge/response/x",
        "bridge/logging",
        "bridge/info",
        "bridge/health",
        "bridge/groups",
        "bridge/definitions",
        "bridge/extensions",
    ],
)
def test_commands_and_the_bridges_own_business_say_nothing(topic: str) -> None:
    """Neither a command nor a log line raises an alarm, whatever words it holds."""
    assert tell(topic, {"smoke": True, "alarm": "fire"}) == Decoded()
    assert tell(topic, b"ON") == Decoded()


def test_a_device_may_be_called_like_a_command() -> None:
    """A friendly name that the bridge listed is that device, even if it ends in `set`."""
    context = known(device(IEEE, "light/set", expose("smoke")))
    assert rows(tell("light/set", {"smoke": True}, context)) == [(IEEE, "smoke", "", True)]


@pytest.mark.parametrize("body", [b"[1]", b"true", b"{", b"\xff\xfe", b'{"a":' + b"[" * 3000, b"\x00"])
def test_a_device_that_speaks_no_json_is_set_aside(body: bytes) -> None:
    """The state of a device is one JSON object; anything else on a device's own topic gives a reason."""
    got = tell("x", body)
    assert code(got) == "not-json"
    assert not got.readings


@pytest.mark.parametrize(("topic", "body"), [("x", b"true"), ("a/x", b"true")])
def test_a_bare_value_is_no_state_of_a_known_device(topic: str, body: bytes) -> None:
    """A listed device's own topic is not taken for a property of another."""
    assert code(tell(topic, body, known(device(IEEE, topic, expose("smoke"))))) == "not-json"


@pytest.mark.parametrize("topic", ["", "x" * 256])
def test_impossible_names(topic: str) -> None:
    """A name is at least one and at most 255 characters long."""
    assert code(tell(topic, {"smoke": True})) == "unknown-topic"


@pytest.mark.parametrize(
    ("event", "metric"),
    [
        ("device_joined", "device_joined"),
        ("device_leave", "device_left"),
        ("device_announce", "device_announce"),
    ],
)
def test_comings_and_goings(event: str, metric: str) -> None:
    """Devices that join, leave and announce themselves are readings of those devices."""
    assert rows(tell("bridge/event", {"type": event, "data": {"ieee_address": IEEE}})) == [
        (IEEE, metric, "", True)
    ]
    assert rows(tell("bridge/event", {"type": event, "data": {"friendly_name": "x"}})) == [
        ("x", metric, "", True)
    ]
    assert tell("bridge/event", {"type": event, "data": {}}).quarantine
    assert tell("bridge/event", {"type": event}).quarantine


@pytest.mark.parametrize("body", [[], 5, {"type": 5}, {}, b"{"])
def test_events_of_no_shape(body: Any) -> None:
    """An event without a type is set aside."""
    assert tell("bridge/event", body).quarantine


def test_an_interview_says_nothing() -> None:
    """Interviews are the bridge's own business."""
    assert tell("bridge/event", {"type": "device_interview", "data": {"status": "failed"}}) == Decoded()


@pytest.mark.parametrize("body", [b"{", [1], {"a": 1}, b"\xff", [{"definition": {}}] * (DEVICES_MAX + 1)])
def test_lists_of_no_shape(body: Any) -> None:
    """A list of devices that is none is set aside, and nothing known is forgotten."""
    got = tell("bridge/devices", body, {"device:x": [IEEE, "", {}]})
    assert got.quarantine
    assert not got.learned


def test_odd_devices_do_not_spoil_the_list() -> None:
    """Coordinators, nameless devices, wrong addresses and odd definitions are skipped or known by address alone."""
    odd = [
        {"ieee_address": IEEE, "type": "Coordinator", "friendly_name": "Coordinator"},
        {"ieee_address": "0x12", "friendly_name": "short"},
        {"ieee_address": IEEE, "friendly_name": ""},
        {"ieee_address": None, "friendly_name": 5},
        {"ieee_address": IEEE, "friendly_name": "unsupported", "definition": None},
        {"ieee_address": OTHER, "friendly_name": "odd", "definition": 5},
        {
            "ieee_address": OTHER,
            "friendly_name": "odder",
            "definition": {"model": 5, "exposes": [5, {}, {"features": 5}]},
        },
    ]
    got = tell("bridge/devices", odd)
    assert rows(got) == [("bridge", "inventory", "", len(odd))]
    assert {item.key: item.value for item in got.learned} == {
        "device:unsupported": [IEEE, "", {}],
        "device:odd": [OTHER, "", {}],
        "device:odder": [OTHER, "", {}],
    }


def test_what_is_remembered_of_a_device_is_bounded() -> None:
    """A made-up description of any size leaves a bounded entry, and any nesting is followed only so far."""
    nested: dict[str, Any] = expose("smoke")
    for _ in range(12):
        nested = {"type": "switch", "features": [nested]}
    many = [expose("temperature", "numeric", property=f"temperature_{n}") for n in range(3 * EXPOSES_MAX)]
    got = tell("bridge/devices", [device(IEEE, "x", *many, model="m" * 999), device(OTHER, "y", nested)])
    entries = {item.key: item.value for item in got.learned}
    assert len(entries["device:x"][2]) == EXPOSES_MAX
    assert len(entries["device:x"][1]) == 64
    assert entries["device:y"][2] == {}


def test_keys_of_a_state_are_bounded() -> None:
    """A state with too many keys is read up to the bound, and set aside as well."""
    got = tell("x", {"smoke": True, **{f"temperature_{n % 999}": n for n in range(KEYS_MAX)}})
    assert ("x", "smoke", "", True) in rows(got)
    assert len(got.readings) <= KEYS_MAX
    assert code(got) == "too-many"


def test_retained_and_invalid_are_flags_on_each_reading() -> None:
    """A retained message's readings say so, and a value that cannot be true says that beside it."""
    got = tell("x", {"smoke": True, "co": -1}, retained=True)
    assert flags(got) == {RETAINED, RETAINED | INVALID}
    assert flags(tell("bridge/state", {"state": "online"}, retained=True)) == {RETAINED}


@pytest.mark.parametrize("body", [b'"online"', b"online", {"state": "offline"}])
def test_availability_in_all_its_spellings(body: Any) -> None:
    """Bare, quoted and as an object."""
    assert len(tell("x/availability", body).readings) == 1


@pytest.mark.parametrize("body", [b"maybe", b"{", {"state": []}, {"state": 1}, b"[]", b"\xff"])
def test_other_words_are_no_availability(body: Any) -> None:
    """A state nobody knows is set aside."""
    assert tell("x/availability", body).quarantine
    assert tell("bridge/state", body).quarantine


def test_the_bridge_may_say_much() -> None:
    """The list of a whole network passes the door; other messages keep to the common limit."""
    assert zigbee2mqtt.LIMITS == {"zigbee2mqtt/bridge/+": 4 * 1024 * 1024}
