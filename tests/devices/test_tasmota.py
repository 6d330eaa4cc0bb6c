"""Tasmota: topics in both orders, sensors nobody listed, inputs, and the Zigbee devices behind a bridge."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.codec import Decoded
from devices.codecs import tasmota
from devices.codecs.tasmota import LEARNED_MAX
from devices.codecs.tasmota.parts import READINGS_MAX
from tests.devices.reading_rows import CLOCK_BAD, INVALID, NOW, RETAINED, code, flags, rows, said

D = "tasmota_49A3BC"
IEEE = "0x00158D00036B50AE"


def tell(topic: str, body: Any, context: dict[str, Any] | None = None, **more: Any) -> Decoded:
    """One message of a device or a bridge."""
    payload = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    return said(tasmota, topic, payload, context, **more)


def sensor(body: Any, **more: Any) -> list[tuple[str, str, Any]]:
    """Metric, channel and value of everything a SENSOR message says."""
    return [(m, c, v) for _, m, c, v in rows(tell(f"tele/{D}/SENSOR", body, **more))]


def zigbee(values: dict[str, Any], context: dict[str, Any] | None = None) -> dict[str, Any]:
    """Metric (and channel) -> value of one Zigbee device's message."""
    got = tell("tele/zb/SENSOR", {"ZbReceived": {"0x4F2E": {"Device": "0x4F2E", **values}}}, context)
    return {f"{m}:{c}" if c else m: v for _, m, c, v in rows(got)}


def learn(context: dict[str, Any], decoded: Decoded) -> dict[str, Any]:
    """The context after a message, as the journal would give it back."""
    for item in decoded.learned:
        if item.value is None:
            context.pop(item.key)
        else:
            context[item.key] = msgspec.msgpack.decode(msgspec.msgpack.encode(item.value))
    return context


@pytest.mark.parametrize(
    ("topic", "device"),
    [
        ("tele/x/LWT", "x"),
        ("x/tele/LWT", "x"),
        ("tele/home/cellar/x/LWT", "home/cellar/x"),
        ("penthouse/bedroom1/x/tele/LWT", "penthouse/bedroom1/x"),
        ("3号楼/厨房/tele/LWT", "3号楼/厨房"),
    ],
)
def test_fulltopic_in_either_order(topic: str, device: str) -> None:
    """The prefix stands first or before the last level; all else names the device."""
    assert rows(tell(topic, b"Online")) == [(device, "availability", "", "online")]


@pytest.mark.parametrize("topic", ["tele/LWT", "tele//LWT", "x/y/LWT", "tele/" + "x" * 300 + "/LWT", "LWT"])
def test_other_topics_are_not_ours(topic: str) -> None:
    """Without a prefix in its place, or without a device, a topic is somebody else's."""
    assert code(tell(topic, b"Online")) == "unknown-topic"


@pytest.mark.parametrize(
    ("body", "said_"),
    [
        ({"SHT3X-0x44": {"Temperature": 20, "Humidity": 40}},
         [("temperature", "SHT3X-0x44", 20), ("humidity", "SHT3X-0x44", 40)]),
        ({"SCD30": {"CarbonDioxide": 512, "eCO2": 500, "Temperature": 21}},
         [("co2_ppm", "", 512), ("temperature", "", 21)]),
        ({"PMS5003": {"CF1": 3, "PM1": 3, "PM2.5": 5, "PM10": 6}}, [("pm2_5", "", 5)]),
        ({"BH1750": {"Illuminance": 120}}, [("illuminance", "", 120)]),
        ({"ANALOG": {"Temperature1": 1.2, "Temperature2": 3.4, "Illuminance3": 5.6}},
         [("temperature", "", 1.2), ("temperature", "2", 3.4), ("illuminance", "3", 5.6)]),
        ({"ANALOG": {"CTEnergy1": {"Energy": 0.5, "Power": 2300, "Voltage": 230, "Current": 10}}},
         [("energy", "", 0.5), ("power", "", 2300), ("voltage", "", 230), ("current", "", 10000.0)]),
        ({"ANALOG": {"A0": 1023, "Range": 40, "pH1": 7, "MQ3_1": 8, "MQ135_2": 9}}, []),
        ({"ANALOG": {"MQ9_0": 5.5}}, [("gas_ppm", "", 5.5)]),
        ({"INA219": {"Voltage": 12.1, "Current": 0.023, "Power": 0.28}},
         [("voltage", "", 12.1), ("current", "", 23.0), ("power", "", 0.28)]),
        ({"INA3221": {"Voltage": [5, 12]}}, [("voltage", "", 5), ("voltage", "2", 12)]),
        ({"LD2410": {"Distance": [125, 0, 125], "Energy": [60, 1, 2]}}, []),
        ({"TX23": {"Speed": {"Act": 14.8}, "Dir": {"Deg": 247}}, "SpeedUnit": "km/h"}, []),
        ({"BME680": {"Gas": 1, "Temperature": 21}}, [("temperature", "", 21)]),
        ({"ENERGY": {"Total": None, "Power": "12.5", "Voltage": "x"}}, [("energy", "", None), ("power", "", 12.5)]),
        ({"AM2301": {"Temperature": 20}, "BME280": {"Temperature": 21, "Humidity": 40}},
         [("temperature", "AM2301", 20), ("temperature", "BME280", 21), ("humidity", "", 40)]),
        ({"Door": "ON", "Switch1": "HOLD", "Test": 1}, [("door_open", "", True), ("test", "", True)]),
        ({"DS18B20": {"Id": "0119", "Temperature": -300}}, [("temperature", "", -300)]),
    ],
)  # fmt: skip
def test_sensors_by_what_their_drivers_write(body: dict[str, Any], said_: list[tuple[str, str, Any]]) -> None:
    """Keys and units are the firmware's; raw numbers, wind and the like say nothing the house keeps."""
    assert sorted(sensor(body), key=str) == sorted(said_, key=str)


def test_impossible_values_are_kept_and_flagged() -> None:
    """Absolute zero is a limit for thermometers too."""
    assert flags(tell(f"tele/{D}/SENSOR", {"DS18B20": {"Temperature": -300}})) == {INVALID}


@pytest.mark.parametrize(
    ("times", "at", "flag"),
    [
        ({"Time": "2025-11-21T21:19:58"}, None, 0),  # local time without its zone is no moment
        ({"Time": "2025-11-21T22:19:58+01:00"}, NOW - 2500, 0),
        ({"Time": "2025-11-21T21:19:58", "Epoch": 1763759998}, NOW - 2500, 0),
        ({"Time": 1763759998}, NOW - 2500, 0),
        ({"Epoch": 1}, 1000, CLOCK_BAD),
        ({"Time": 1e300}, None, 0),
        ({"Time": None}, None, 0),
    ],
)
def test_time_counts_where_it_is_a_moment(times: dict[str, Any], at: int | None, flag: int) -> None:
    """The usual local time is not used; with a zone or as an epoch it is when this was measured."""
    got = tell(f"tele/{D}/SENSOR", {**times, "DHT11": {"Temperature": 20}})
    assert [(r.measured_at, r.flags) for r in got.readings] == [(at, flag)]
    wrapped = tell(f"stat/{D}/STATUS10", {"StatusSNS": {**times, "DHT11": {"Temperature": 20}}})
    assert [r.measured_at for r in wrapped.readings] == [at]


@pytest.mark.parametrize(
    "body",
    [
        {"TempOffset": 1.5},
        {"PowerHigh": 3000},
        {"Temperature": 70},
        {"Smoke": "ON"},
        {"SetOption73": "ON"},
        {"Rule1": {"State": "ON", "Once": "OFF"}},
        {"Command": "Unknown"},
        {"POWERONSTATE": 3},
        {"IrReceived": {"Protocol": "NEC", "Bits": 32, "Data": "0x1"}},
        {"TuyaReceived": {"Data": "55AA", "Cmnd": 7, "1": {"DpId": 1, "DpIdData": "01"}}},
    ],
)
def test_echoes_of_settings_are_no_readings(body: dict[str, Any]) -> None:
    """What a command sets comes back in RESULT, thresholds and names of alarms too."""
    assert tell(f"stat/{D}/RESULT", body) == Decoded(learned=())


@pytest.mark.parametrize(
    ("key", "action", "reading"),
    [
        ("Button1", "SINGLE", ("button", "", "single")),
        ("Button3", "DOUBLE", ("button", "3", "double")),
        ("Switch1", "TOGGLE", ("button", "", "toggle")),
        ("Switch2", "OFF", ("digital_input", "2", False)),
        ("SOS", "ON", ("sos", "", True)),
        ("Smoke 2", "ON", ("smoke", "2", True)),
    ],
)
def test_buttons_and_detached_switches(key: str, action: str, reading: tuple[str, str, Any]) -> None:
    """SetOption73 and 114 report what was pressed; an input its owner named after an alarm is that alarm."""
    got = tell(f"stat/{D}/RESULT", {key: {"Action": action}})
    assert [(m, c, v) for _, m, c, v in rows(got)] == [reading]
    assert tell(f"cmnd/{D}/RESULT", {key: {"Action": action}}) == Decoded()


def test_words_of_a_localised_firmware_are_learned_once() -> None:
    """StateText and the language come with the device's description; the usual words are not worth a journal row."""
    config = {
        "t": D,
        "ft": "%topic%/%prefix%/",
        "mac": "00000049A3BC",
        "onln": "在线",
        "ofln": "离线",
        "state": ["关", "开"],
    }
    topic = "tasmota/discovery/00000049A3BC/config"
    first = tell(topic, config)
    context = learn({}, first)
    assert f"tasmota:{D}" in context
    assert tell(topic, config, context).learned == ()
    assert rows(tell(f"{D}/tele/LWT", "离线".encode(), context)) == [(D, "availability", "", "offline")]
    assert rows(tell(f"{D}/tele/SENSOR", {"水浸": "开"}, context)) == [(D, "water_leak", "", True)]
    assert rows(tell(f"{D}/stat/POWER1", "关".encode(), context)) == [(D, "switch_state", "", "OFF")]
    assert rows(tell(f"{D}/tele/LWT", b"Online", context)) == [(D, "availability", "", "online")]
    usual = {**config, "onln": "Online", "ofln": "Offline", "state": ["OFF", "ON", "TOGGLE", "HOLD"]}
    assert f"tasmota:{D}" not in learn({}, tell(topic, usual))
    assert f"tasmota:{D}" not in learn(context, tell(topic, usual, context))


@pytest.mark.parametrize("body", [b"{", b"[]", {}, {"t": 5}, {"t": "x" * 300}, {"t": "x", "ft": ""}])
def test_descriptions_of_no_shape(body: Any) -> None:
    """A description that names no topic is set aside and teaches nothing."""
    got = tell("tasmota/discovery/1/config", body)
    assert got.quarantine
    assert not got.learned


@pytest.mark.parametrize(
    ("attribute", "metric"),
    [
        ("Fire", "smoke"), ("Water", "water_leak"), ("CO", "co"), ("PersonalAlarm", "sos"), ("Panic", "sos"),
        ("Contact", "door_open"), ("Occupancy", "motion"), ("Movement", "vibration"), ("GlassBreak", "intrusion"),
        ("CIE", "alarm_flag"), ("Tamper", "tamper"), ("BatteryLow", "battery_low"),
    ],
)  # fmt: skip
def test_zones_say_what_they_guard(attribute: str, metric: str) -> None:
    """The bridge names the alarm bit after the zone's type; one is active, nought is explicitly normal."""
    assert zigbee({attribute: 1}) == {metric: True}
    assert zigbee({attribute: 0}) == {metric: False}
    assert zigbee({attribute: None}) == {metric: None}


def test_a_contact_is_open_when_its_bit_is_set() -> None:
    """Unlike zigbee2mqtt's, a Tasmota contact of 1 is open."""
    assert zigbee({"Contact": 1}) == {"door_open": True}


def test_the_other_bits_of_a_zone() -> None:
    """Tamper, battery, trouble, mains, test and battery defect are conditions of their own."""
    got = zigbee({"ZoneStatusChange": 0x3CC, "Fire": 0})
    assert got == {
        "smoke": False, "tamper": True, "battery_low": True, "fault": True, "mains_fault": True, "test": True,
        "battery_defect": True,
    }  # fmt: skip


def test_a_test_button_is_no_fire() -> None:
    """Xiaomi's smoke detectors set the second indicator alone when their button is pressed."""
    got = zigbee({"ZoneStatusChange": 2, "Fire": 0, "Fire2": 1})
    assert got["smoke"] is False
    assert got["test"] is True


def test_a_second_indicator_of_carbon_monoxide_is_the_gas_of_combined_detectors() -> None:
    """`CO2` beside `CO` is no carbon dioxide; without a zone it is."""
    assert zigbee({"ZoneStatusChange": 2, "CO": 0, "CO2": 1})["gas"] is True
    assert zigbee({"CO2": 612}) == {"co2_ppm": 612}


def test_a_device_without_a_name_goes_by_its_address_once_that_is_known() -> None:
    """Short addresses change when a device comes back; the bridge tells the factory's at joining, in ZbInfo too."""
    body = {"ZbReceived": {"0x8F20": {"Device": "0x8F20", "Water": 1}}}
    assert rows(tell("tele/zb/SENSOR", body)) == [("zb/0x8F20", "water_leak", "", True)]
    joined = tell("tele/zb/SENSOR", {"ZbState": {"Status": 30, "IEEEAddr": IEEE, "ShortAddr": "0x8F20"}})
    assert rows(joined) == [(IEEE, "device_joined", "", True)]
    context = learn({}, joined)
    assert rows(tell("tele/zb/SENSOR", body, context)) == [(IEEE, "water_leak", "", True)]
    assert rows(tell("tele/zb/8F20/SENSOR", body, context)) == [(IEEE, "water_leak", "", True)]
    named = {"ZbReceived": {"cellar": {"Device": "0x8F20", "Water": 1}}}
    assert rows(tell("tele/zb/SENSOR", named, context)) == [("zb/cellar", "water_leak", "", True)]
    assert rows(tell("tele/zb/cellar/SENSOR", named, context)) == [("zb/cellar", "water_leak", "", True)]
    info = {"ZbInfo": {"0x8F20": {"Device": "0x8F20", "IEEEAddr": IEEE, "Config": ["A01.3"], "Fire": 1}}}
    told = tell("stat/zb/RESULT", info, context)
    assert not told.readings, "what the bridge remembers is no news"
    raw = {"ZbReceived": {"0x8F20": {"0500!00": "010000FF0000"}}}
    assert (IEEE, "smoke", "", True) in rows(tell("tele/zb/SENSOR", raw, learn(context, told)))
    assert tell("stat/zb/RESULT", info, context).learned == ()


def test_an_alarm_bit_of_nobody_knows_what_is_no_alarm_and_set_aside() -> None:
    """Without the zone's type a first bit may be a door or a fire: it is recorded, and somebody must look."""
    got = tell("tele/zb/SENSOR", {"ZbReceived": {"0x1": {"Device": "0x0001", "ZoneStatusChange": 1}}})
    assert code(got) == "unknown-zone"
    assert ("zb/0x1", "alarm_flag", "", True) in rows(got)
    typed = zigbee({"ZoneType": 0x2A, "ZoneStatus": 1})
    assert typed["water_leak"] is True


@pytest.mark.parametrize(
    ("values", "said_"),
    [
        ({"Power": 1}, {"switch_state": "ON"}),
        ({"Power3": False}, {"switch_state:3": "OFF"}),
        ({"Power": 2}, {"button": "toggle"}),
        ({"Voltage": 2.995, "Battery": 98}, {"battery_voltage": 2.995, "battery": 98}),
        ({"Voltage": 230}, {"voltage": 230}),
        ({"Click": "double"}, {"button": "double"}),
        ({"AqaraVibrationMode": "tilt", "AqaraAngles": [1, 2, 3]}, {"tilt": True}),
        ({"DoorState": 3}, {"door_forced": True}),
        ({"FlowRate": 0.6}, {"flow": 10.0}),
        ({"SmokeDensity": 3, "GasDensity": 12}, {"smoke_density": 3, "gas_concentration": 12}),
        ({"smoke_state": "alarm", "battery": 80}, {"smoke": True, "battery": 80}),  # names of a Zigbee plug-in
        ({"Reachable": False}, {"availability": "offline"}),
        ({"EF00/0101": 1, "0006!01": "", "Dimmer": 102, "Status": 1}, {}),
    ],
)  # fmt: skip
def test_other_attributes(values: dict[str, Any], said_: dict[str, Any]) -> None:
    """By the firmware's attribute table, else by the vocabulary; raw attributes and lamps say nothing."""
    assert zigbee(values) == said_


def test_lorawan_nodes_behind_a_bridge() -> None:
    """The LoRaWAN bridge speaks in the same envelope."""
    got = tell(
        "tele/lora/SENSOR", {"LwReceived": {"door-7": {"Node": 1, "DoorOpen": 1, "BatteryVoltage": 2.9}}}
    )
    assert rows(got) == [("lora/door-7", "door_open", "", True), ("lora/door-7", "battery_voltage", "", 2.9)]


def test_what_is_remembered_and_said_is_bounded() -> None:
    """Made-up messages of any size leave a bounded number of readings and of things remembered."""
    many = {f"0x{n:04X}": {"Device": f"0x{n:04X}", "IEEEAddr": f"0x{n:016X}"} for n in range(300)}
    assert len(tell("stat/zb/RESULT", {"ZbInfo": many}).learned) <= 64
    full = {f"tasmota-zb:{n}": ["", ""] for n in range(LEARNED_MAX)}
    assert not tell("stat/zb/RESULT", {"ZbInfo": many}, full).learned
    assert (
        len(sensor({f"S{n}": {f"Temperature{m}": 1 for m in range(100)} for n in range(99)})) <= READINGS_MAX
    )


def test_retained_messages_say_so() -> None:
    """What the broker replays is recorded as that."""
    assert flags(tell(f"tele/{D}/SENSOR", {"Smoke": "ON"}, retained=True)) == {RETAINED}
    assert flags(tell(f"tele/{D}/LWT", b"Online", retained=True)) == {RETAINED}


@given(
    st.dictionaries(
        st.sampled_from(["Temperature", "MQ", "CO", "CH4", "Smoke", "Gas", "NH3"]), st.integers(-9, 9)
    )
)
def test_numbers_of_sensors_never_raise_a_gas_alarm(values: dict[str, int]) -> None:
    """Concentrations of 0 and 1 are concentrations; thresholds belong to rules."""
    found = {m for m, _, v in sensor({"MQ": {k: v for k, v in values.items() if k != "Smoke"}}) if v is True}
    assert not found & {"gas", "co"}


@pytest.mark.parametrize(("key", "heard"), [(4, 4), (0, 0), (10**30, None), (-1, None), ("None", None)])
def test_a_radio_key_is_a_small_number(key: Any, heard: int | None) -> None:
    """The bridge learns sixteen keys; what no journal can hold is none of them."""
    found = tell("tele/t/RESULT", {"RfReceived": {"Data": "3EE538", "RfKey": key}}).readings
    assert [r.value for r in found if "/button/" in r.point] == ([] if heard is None else [heard])
