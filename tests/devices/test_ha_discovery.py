"""Home Assistant discovery: what configs teach, how states are read by them, and what is forgotten again."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from devices.codec import Decoded, Message
from devices.codecs import ha_discovery
from devices.codecs.ha_discovery.configs import LEARNED_MAX, ROWS_MAX
from devices.decode import Decoder
from tests.devices.reading_rows import INVALID, NOW, RETAINED, SOURCE, code, flags, row, rows, said

DEV = {"ids": ["dev-1"], "name": "Hall"}
Found = list[tuple[str, str, Any]]


def tell(topic: str, body: Any, context: dict[str, Any] | None = None, **more: Any) -> Decoded:
    """One message."""
    payload = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    return said(ha_discovery, topic, payload, context, **more)


def learn(context: dict[str, Any], decoded: Decoded) -> dict[str, Any]:
    """The context after a message, as the journal would give it back."""
    for item in decoded.learned:
        if item.value is None:
            context.pop(item.key)
        else:
            context[item.key] = msgspec.msgpack.decode(msgspec.msgpack.encode(item.value))
    return context


def known(component: str = "binary_sensor", **config: Any) -> dict[str, Any]:
    """The context after one entity was announced; its state topic is `t` unless the config says otherwise."""
    body = {"stat_t": "t", "dev": DEV, **config}
    return learn({}, tell(f"homeassistant/{component}/node/object/config", body, retained=True))


def states(context: dict[str, Any], payload: Any, topic: str = "t") -> Found:
    """Metric, channel and value of all that a state says."""
    return [(m, c, v) for _, m, c, v in rows(tell(topic, payload, context))]


@pytest.mark.parametrize(
    ("device_class", "metric"),
    [
        ("smoke", "smoke"), ("gas", "gas"), ("carbon_monoxide", "co"), ("moisture", "water_leak"), ("heat", "heat"),
        ("safety", "alarm_unspecified"), ("battery", "battery_low"), ("tamper", "tamper"), ("problem", "fault"),
        ("door", "door_open"), ("window", "door_open"), ("garage_door", "door_open"), ("opening", "door_open"),
        ("motion", "motion"), ("occupancy", "occupied"), ("presence", "presence"), ("vibration", "vibration"),
        ("power", "mains_power"), ("connectivity", "online"), ("sound", "audio_detected"),
    ],
)  # fmt: skip
def test_binary_sensors_by_their_class(device_class: str, metric: str) -> None:
    """On means what Home Assistant's documentation says it means, off explicitly not."""
    context = known(dev_cla=device_class, name="Zone 7 thing")
    assert [(m, v) for m, _, v in states(context, b"ON")] == [(metric, True)]
    assert [(m, v) for m, _, v in states(context, b"OFF")] == [(metric, False)]


@pytest.mark.parametrize(
    "device_class", ["light", "cold", "plug", "running", "update", "lock", "battery_charging"]
)
def test_comfort_says_nothing(device_class: str) -> None:
    """Its states are understood and not kept."""
    assert tell("t", b"ON", known(dev_cla=device_class)) == Decoded()


@pytest.mark.parametrize(
    ("config", "payload", "reading"),
    [
        ({"name": "Smoke"}, b"ON", ("smoke", "", True)),
        ({"name": "Hall Smoke"}, b"ON", ("smoke", "", True)),  # the device is called Hall
        ({"name": "Kitchen smoke", "dev_cla": "smoke"}, b"ON", ("smoke", "kitchen", True)),
        ({"name": "厨房烟雾", "dev_cla": "smoke"}, b"ON", ("smoke", "厨房", True)),
        ({"name": None, "dev_cla": "gas"}, b"OFF", ("gas", "", False)),
        ({"name": "SOS", "dev_cla": "safety"}, b"ON", ("sos", "", True)),
        ({"name": "Smoke test", "dev_cla": "smoke"}, b"ON", ("test", "smoke", True)),
        ({"name": "Anything", "val_tpl": "{{ value_json.water_leak }}", "pl_on": True, "pl_off": False},
         {"water_leak": True},
         ("water_leak", "", True)),
        ({"dev_cla": "door", "val_tpl": "{{ value_json.contact }}", "pl_on": False, "pl_off": True},
         {"contact": False},
         ("door_open", "", True)),
        ({"dev_cla": "smoke", "pl_on": 2, "pl_off": 0, "val_tpl": "{{ value_json.value }}"}, {"value": 2},
         ("smoke", "", True)),
        ({"dev_cla": "smoke", "pl_on": "报警", "pl_off": "正常"}, "报警".encode(), ("smoke", "", True)),
        ({"dev_cla": "battery", "val_tpl": "{{ 'ON' if value_json.bat < 20 else 'OFF' }}"}, {"bat": 9},
         ("battery_low", "", True)),
        ({"dev_cla": "smoke", "val_tpl": "{% if value_json.s %}ON{% else %}OFF{% endif %}"}, {"s": 0},
         ("smoke", "", False)),
        ({"name": "battery ok"}, b"ON", ("battery_low", "", False)),
        ({"name": "Back contact"}, b"ON", ("contact_state", "back", True)),
        ({"dev_cla": "smoke"}, b"unavailable", ("smoke", "", None)),
        ({"dev_cla": "smoke", "val_tpl": "{{ value_json.s }}"}, {"s": None}, ("smoke", "", None)),
    ],
)  # fmt: skip
def test_binary_sensors_by_name_template_and_payload(
    config: dict[str, Any], payload: Any, reading: tuple[str, str, Any]
) -> None:
    """The name adds its place, the template picks the value, and the payloads are compared as text."""
    assert states(known(**config), payload) == [reading]


@pytest.mark.parametrize(
    "template",
    ["{{ value_json.s }}", "{{ 'ON' if value_json.s else 'OFF' }}", "{{ value_json.s | default('OFF') }}",
     "{% if value_json.s is defined and value_json.s %}ON{% else %}OFF{% endif %}",
     "{{ 'ON' if 's' in value_json and value_json.s == 1 else 'OFF' }}", "{{ value_json.get('s', 'OFF') }}"],
)  # fmt: skip
def test_what_a_message_does_not_hold_is_never_normal(template: str) -> None:
    """A smoke detector whose value is missing said nothing, whatever the template puts in its place."""
    context = known(dev_cla="smoke", val_tpl=template)
    assert tell("t", {"battery": 9}, context) == Decoded()
    assert tell("t", b"no json", context) == Decoded()


@pytest.mark.parametrize("payload", [b"wibble", b"on", b"1", b"true"])
def test_another_word_is_no_state(payload: bytes) -> None:
    """Payloads count exactly; what is neither on nor off is set aside, and is not normal."""
    got = tell("t", payload, known(dev_cla="smoke"))
    assert code(got) == "unknown-word"
    assert [(r.value, r.flags) for r in got.readings] == [(None, INVALID)]
    quiet = tell("t", payload, known(dev_cla="door"))
    assert code(quiet) == "unknown-word"
    assert not quiet.readings


@pytest.mark.parametrize(
    ("config", "payload", "reading"),
    [
        ({"dev_cla": "temperature", "unit_of_meas": "°F"}, b"212", ("temperature", "", 100.0)),
        ({"dev_cla": "temperature", "name": "Device temperature", "unit_of_meas": "°C"}, b"41",
         ("device_temperature", "", 41)),
        ({"dev_cla": "humidity"}, b"40.5", ("humidity", "", 40.5)),
        ({"dev_cla": "battery", "unit_of_meas": "%"}, b"7", ("battery", "", 7)),
        ({"dev_cla": "voltage", "unit_of_meas": "mV", "ent_cat": "diagnostic"}, b"3005", ("battery_voltage", "",
         3.005)),
        ({"dev_cla": "voltage", "unit_of_meas": "V", "name": "Battery voltage"}, b"3.1", ("battery_voltage", "", 3.1)),
        ({"dev_cla": "voltage", "unit_of_meas": "V"}, b"231", ("voltage", "", 231)),
        ({"dev_cla": "current", "unit_of_meas": "A", "name": "Leakage current"}, b"0.02", ("leakage_current",
         "", 20.0)),
        ({"dev_cla": "pressure", "unit_of_meas": "bar", "name": "Hydrant pressure"}, b"4.2", ("pressure",
         "hydrant", 420.0)),
        ({"dev_cla": "pressure", "unit_of_meas": "MPa"}, b"0.31", ("pressure", "", 310.0)),
        ({"dev_cla": "atmospheric_pressure"}, b"1006.1", ("pressure", "", 100.61)),
        ({"dev_cla": "carbon_monoxide", "unit_of_meas": "ppm"}, b"1", ("co_ppm", "", 1)),
        ({"dev_cla": "carbon_dioxide", "unit_of_meas": "ppm"}, b"612", ("co2_ppm", "", 612)),
        ({"dev_cla": "gas", "unit_of_meas": "m³"}, b"812.5", ("volume", "", 812.5)),
        ({"dev_cla": "water", "unit_of_meas": "L"}, b"1500", ("volume", "", 1.5)),
        ({"dev_cla": "volume_flow_rate", "unit_of_meas": "m³/h"}, b"0.6", ("flow", "", 10.0)),
        ({"dev_cla": "signal_strength", "unit_of_meas": "dBm"}, b"-70", ("rssi", "", -70)),
        ({"dev_cla": "energy", "unit_of_meas": "Wh"}, b"1500", ("energy", "", 1.5)),
        ({"name": "Gas LEL", "unit_of_meas": "%LEL"}, b"12", ("gas_lel", "", 12)),
        ({"name": "Gas", "unit_of_meas": "ppm"}, b"1", ("gas_ppm", "", 1)),
        ({"name": "Smoke density", "unit_of_meas": "dB/m", "val_tpl": "{{ value_json.smoke_obscuration }}"},
         {"smoke_obscuration": 0.13}, ("smoke_obscuration", "", 0.13)),
        ({"name": "Linkquality", "unit_of_meas": "lqi", "val_tpl": "{{ value_json.linkquality }}",
         "ent_cat": "diagnostic"},
         {"linkquality": 87}, ("linkquality", "", 87)),
        ({"name": "Outside temperature", "dev_cla": "temperature"}, b"-5", ("temperature", "outside", -5)),
        ({"name": "Smoke state"}, b"test", ("test", "", True)),
        ({"name": "Action", "val_tpl": "{{ value_json.action }}"}, {"action": "emergency"}, ("sos", "", True)),
        ({"dev_cla": "temperature"}, b"unknown", ("temperature", "", None)),
        ({"dev_cla": "temperature", "val_tpl": "{{ value_json.t | float(0) }}"}, {"t": "NaN"}, ("temperature",
         "", None)),
        ({"dev_cla": "temperature", "val_tpl": "{{ (value_json.t | int) / 100 }}"}, {"t": 2150}, ("temperature",
         "", 21.5)),
    ],
)  # fmt: skip
def test_sensors_by_class_unit_and_name(
    config: dict[str, Any], payload: Any, reading: tuple[str, str, Any]
) -> None:
    """Numbers are measurements in the unit the config names; 1 ppm of gas is no alarm."""
    assert states(known("sensor", **config), payload) == [reading]


@pytest.mark.parametrize(
    "config",
    [
        {"dev_cla": "temperature", "name": "Max temperature"},
        {"dev_cla": "temperature", "name": "Alarm temperature"},
        {"dev_cla": "temperature", "val_tpl": "{{ value_json.target_temperature }}"},
        {"dev_cla": "energy", "name": "Energy today"},
        {"dev_cla": "temperature", "ent_cat": "config"},
        {"dev_cla": "timestamp"},
        {"dev_cla": "nitrogen_dioxide", "unit_of_meas": "µg/m³"},
        {"dev_cla": "gas"},
        {"name": "Uptime", "ent_cat": "diagnostic"},
    ],
)
def test_limits_statistics_and_paperwork_say_nothing(config: dict[str, Any]) -> None:
    """A threshold that is taken for a reading would raise an alarm of its own."""
    assert tell("t", b"71", known("sensor", **config)) == Decoded()


@pytest.mark.parametrize(
    ("component", "config", "payload", "reading"),
    [
        ("switch", {"name": "Relay"}, b"ON", ("switch_state", "", "ON")),
        ("switch", {"name": "Pump", "stat_on": "1", "stat_off": "0"}, b"0", ("switch_state", "pump", "OFF")),
        ("siren", {"name": "Siren"}, b"ON", ("buzzer", "", True)),
        ("siren", {"stat_val_tpl": "{{ value_json.alarm }}", "pl_on": "true"}, {"alarm": "true"}, ("buzzer", "",
         True)),
        ("valve", {"name": "Gas valve"}, b"closed", ("valve_open", "", False)),
        ("valve", {"name": "Valve", "reports_position": True}, b"0", ("valve_open", "", False)),
        ("valve", {"name": "Valve", "reports_position": True}, {"state": "opening", "position": 10},
         ("valve_open", "", True)),
        ("valve", {"stat_open": "AUF", "stat_clsd": "ZU"}, b"AUF", ("valve_open", "", True)),
        ("lock", {"name": "Lock"}, b"JAMMED", ("fault", "", True)),
        ("cover", {"dev_cla": "garage"}, b"open", ("door_open", "", True)),
        ("alarm_control_panel", {"name": "Alarm panel"}, b"triggered", ("intrusion", "", True)),
        ("event", {"dev_cla": "motion"}, {"event_type": "motion"}, ("motion", "", True)),
        ("event", {"name": "Button", "dev_cla": "button"}, {"event_type": "double"}, ("button", "", "double")),
    ],
)  # fmt: skip
def test_other_components(
    component: str, config: dict[str, Any], payload: Any, reading: tuple[str, str, Any]
) -> None:
    """Actuators report their state, events what happened."""
    assert states(known(component, **config), payload) == [reading]


@pytest.mark.parametrize(
    "component", ["button", "camera", "light", "number", "select", "scene", "text", "update", "fan"]
)
def test_components_without_meaning_are_known_and_silent(component: str) -> None:
    """Their topics are not unknown; nothing in them is kept, whatever they are called."""
    context = known(component, name="Smoke", cmd_t="c", json_attr_t="a")
    assert [tell(topic, b'{"smoke":true}', context) for topic in ("t", "c", "a")] == [Decoded()] * 3


def test_a_climate_is_read_for_what_it_measures() -> None:
    """Current temperature and humidity, not what it is set to."""
    context = known(
        "climate",
        stat_t=None,
        curr_temp_t="m",
        curr_temp_tpl="{{ value_json.t }}",
        temp_unit="F",
        temp_stat_t="s",
    )
    assert states(context, {"t": 50}, "m") == [("temperature", "", 10.0)]
    assert tell("s", b"90", context) == Decoded()


def test_device_triggers() -> None:
    """A trigger's own payload counts; an emergency is an SOS."""
    config = {"atype": "trigger", "t": "t", "type": "action", "stype": "emergency", "pl": "emergency"}
    context = known("device_automation", stat_t=None, **config)
    assert states(context, b"emergency") == [("sos", "", True)]
    assert states(context, b"single") == []
    short = known("device_automation", stat_t=None, t="t", type="button_short_press", stype="button_2")
    assert states(short, b"x") == [("button", "button_2", "button_short_press")]


def test_one_topic_may_serve_many_entities() -> None:
    """Each config adds its row, a config that changes replaces its own, and one that goes takes only its own."""
    context: dict[str, Any] = {}
    base = "homeassistant/binary_sensor/node"
    smoke = {
        "stat_t": "t",
        "dev": DEV,
        "dev_cla": "smoke",
        "val_tpl": "{{ value_json.smoke }}",
        "pl_on": True,
        "pl_off": False,
    }
    test = {**smoke, "dev_cla": None, "name": "Test", "val_tpl": "{{ value_json.test }}"}
    for name, config in (("smoke", smoke), ("test", test)):
        learn(context, tell(f"{base}/{name}/config", config, context))
        assert tell(f"{base}/{name}/config", config, context).learned == [], "known already"
    assert states(context, {"smoke": True, "test": False}) == [("smoke", "", True), ("test", "", False)]
    learn(context, tell(f"{base}/smoke/config", {**smoke, "stat_t": "u"}, context))
    assert states(context, {"smoke": True, "test": True}) == [("test", "", True)]
    assert states(context, {"smoke": True}, "u") == [("smoke", "", True)]
    learn(context, tell(f"{base}/smoke/config", b"", context))
    assert code(tell("u", {"smoke": True}, context)) == "unknown-topic"
    learn(context, tell(f"{base}/test/config", b"", context))
    assert context == {}


def test_a_device_in_one_message() -> None:
    """Shared topics and bases hold for each component; components that are gone are forgotten."""
    config: dict[str, Any] = {
        "dev": {"ids": "dev-1"}, "o": {"name": "x"}, "~": "base", "stat_t": "~/state", "avty": [{"t": "~/up"}],
        "cmps": {
            "s": {"p": "binary_sensor", "dev_cla": "smoke", "val_tpl": "{{ value_json.s }}"},
            "b": {"p": "sensor", "dev_cla": "battery", "stat_t": "~/battery"},
        },
    }  # fmt: skip
    context: dict[str, Any] = {}
    got = tell("homeassistant/device/d/config", config, context)
    assert rows(got) == [("dev-1", "discovery", "", "device")]
    learn(context, got)
    assert states(context, {"s": "ON"}, "base/state") == [("smoke", "", True)]
    assert states(context, b"9", "base/battery") == [("battery", "", 9)]
    assert states(context, b"offline", "base/up") == [("availability", "", "offline")]
    config["cmps"]["b"] = {"p": "sensor"}
    learn(context, tell("homeassistant/device/d/config", config, context))
    assert code(tell("base/battery", b"9", context)) == "unknown-topic"


@pytest.mark.parametrize(
    ("config", "payload", "state"),
    [
        ({"avty_t": "a"}, b"online", "online"),
        ({"avty_t": "a", "pl_not_avail": "gone"}, b"gone", "offline"),
        ({"avty": {"t": "a", "val_tpl": "{{ value_json.state }}"}}, {"state": "offline"}, "offline"),
        ({"avty": [{"topic": "bridge"}, {"topic": "a"}], "avty_mode": "all"}, b"online", "online"),
        ({"avty_t": "a", "avty_tpl": "{{ {'1': 'online', '0': 'offline'}[value] }}"}, b"0", "offline"),
    ],
)
def test_availability(config: dict[str, Any], payload: Any, state: str) -> None:
    """In the config's own words; of several topics that must all hold, the last is the device's own."""
    context = known(dev_cla="smoke", **config)
    assert states(context, payload, "a") == [("availability", "", state)]
    assert tell("a", b"perhaps", context) == Decoded()
    if "avty_mode" in config:
        assert tell("bridge", b"offline", context) == Decoded()


@pytest.mark.parametrize(
    ("device", "native"),
    [
        ({"identifiers": ["a", "b"]}, "a"), ({"ids": "c"}, "c"), ({"ids": [7]}, "7"),
        ({"cns": [["mac", "0a:1b"]]}, "0a:1b"), ({"name": "Hall"}, "Hall"), ({}, "object"), (None, "object"),
         ("x", "object"),
    ],
)  # fmt: skip
def test_what_a_device_goes_by(device: Any, native: str) -> None:
    """The first identifier, else the first connection, else the name, else the id in the topic."""
    got = tell("homeassistant/sensor/node/object/config", {"stat_t": "t", "dev": device})
    assert rows(got) == [(native, "discovery", "", "sensor")]


def test_an_esphome_node_goes_by_its_prefix_in_both_codecs() -> None:
    """What its own codec cannot name discovery can, and both mean the same device."""
    config: dict[str, Any] = {
        "name": "Zone 7B input", "dev_cla": "smoke", "stat_t": "b3-boiler/binary_sensor/zone_7b_input/state",
        "avty_t": "b3-boiler/status", "dev": {"ids": "a4cf12aabbcc", "name": "B3 boiler"},
    }  # fmt: skip
    contexts: dict[tuple[str, str], dict[str, Any]] = {("ha_discovery", SOURCE): {}}
    decoder = Decoder(contexts)
    topic = "homeassistant/binary_sensor/b3-boiler/zone_7b_input/config"
    name, got = decoder.answer(Message(SOURCE, topic, json.dumps(config).encode(), True, NOW))
    learn(contexts["ha_discovery", SOURCE], got)
    assert name == "ha_discovery"
    found = {}
    for topic, payload in ((config["stat_t"], b"ON"), ("b3-boiler/sensor/temperature/state", b"21")):
        name, got = decoder.answer(Message(SOURCE, str(topic), payload, False, NOW))
        found[name] = [row(r) for r in got.readings]
    assert found == {
        "ha_discovery": [("b3-boiler", "smoke", "zone_7_b_input", True)],
        "esphome": [("b3-boiler", "temperature", "", 21)],
    }


def test_a_template_beyond_us_sets_the_state_aside_and_nothing_else() -> None:
    """The other entities of the topic are read all the same."""
    context = known(dev_cla="smoke", val_tpl="{{ states('sensor.x') }}")
    body = {"stat_t": "t", "dev": DEV, "dev_cla": "battery", "val_tpl": "{{ value_json.b }}"}
    learn(context, tell("homeassistant/sensor/node/b/config", body, context))
    got = tell("t", {"b": 9}, context)
    assert code(got) == "template"
    assert rows(got) == [("dev-1", "battery", "", 9)]


def test_an_entity_that_says_nothing_of_itself_is_set_aside() -> None:
    """A detector that nobody gave a class or a telling name must be seen by somebody."""
    assert code(tell("t", b"ON", known(name="Beer"))) == "unknown-entity"
    assert code(tell("t", b"3", known("sensor", name="Beer"))) == "unknown-entity"


@pytest.mark.parametrize("body", [b"{", b"[]", b"5", b"\xff", b'"x"'])
def test_configs_of_no_shape(body: bytes) -> None:
    """They are set aside and teach nothing."""
    got = tell("homeassistant/sensor/node/object/config", body)
    assert got.quarantine
    assert not got.learned


@pytest.mark.parametrize("topic", ["home/+/x", "home/#", "", "x" * 600, 5, None])
def test_topics_that_are_none_are_not_remembered(topic: Any) -> None:
    """Only the name of one topic can be looked up."""
    got = tell("homeassistant/binary_sensor/n/o/config", {"stat_t": topic, "dev_cla": "smoke"})
    assert [item.key for item in got.learned] == []


def test_what_is_remembered_is_bounded() -> None:
    """Any number of made-up configs leaves a bounded memory, and no row grows with what it was given."""
    context: dict[str, Any] = {}
    for n in range(ROWS_MAX + 9):
        body = {
            "stat_t": "t",
            "dev_cla": "smoke",
            "name": "n" * 9999,
            "pl_on": "o" * 9999,
            "val_tpl": "{{ value }}" * 999,
        }
        learn(context, tell(f"homeassistant/binary_sensor/n{n}/o/config", body, context))
    entry = context["discovery-topic:t"]
    assert len(entry) == ROWS_MAX
    assert all(len(msgspec.msgpack.encode(r)) < 2000 for r in entry.values())
    full: dict[str, Any] = {f"discovery-topic:{n}": {} for n in range(LEARNED_MAX)}
    assert (
        tell("homeassistant/binary_sensor/x/o/config", {"stat_t": "new", "dev_cla": "smoke"}, full).learned
        == []
    )
    parts = {f"c{n}": {"p": "sensor", "stat_t": f"s{n}", "dev_cla": "battery"} for n in range(999)}
    assert len(tell("homeassistant/device/x/config", {"cmps": parts}).learned) <= 257


def test_flags() -> None:
    """What the broker replays says so; what cannot be true is kept and flagged."""
    context = known(dev_cla="smoke")
    assert flags(tell("t", b"ON", context, retained=True)) == {RETAINED}
    assert flags(tell("t", b"140", known("sensor", dev_cla="humidity"))) == {INVALID}
    assert flags(tell("homeassistant/sensor/x/config", {"stat_t": "t"}, retained=True)) == {RETAINED}
