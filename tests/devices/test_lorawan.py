"""LoRaWAN objects of many vendors: words, units, groups, stored measurements, bounds."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.lorawan.brands import brand_of, meaning_of
from devices.lorawan.payload import ELEMENTS_MAX, KEYS_MAX, Uplink, readings
from devices.lorawan.vendors import BRANDS
from devices.reading import METRICS, Flag, MetricClass, Reading, split_point
from devices.terms import TERMS

AT, NOW = 1_763_760_000_000, 1_763_760_000_500
INVALID, HISTORICAL, CLOCK_BAD = int(Flag.INVALID), int(Flag.HISTORICAL), int(Flag.CLOCK_BAD)


def tell(
    brand: str, fields: dict[str, Any], port: int = 85, normalized: Any = None
) -> tuple[list[Reading], str | None]:
    """What an object says, and why it is set aside."""
    return readings(Uplink("s:d", brand, port, AT, 0, NOW), fields, normalized)


def short(given: list[Reading]) -> set[tuple[str, Any]]:
    """Readings as `metric/channel` and value."""
    return {("/".join(p for p in split_point(r.point)[1:] if p), r.value) for r in given}


VENDORS: list[tuple[str, int, dict[str, Any], set[tuple[str, Any]]]] = [
    ("netvox", 6, {"Device": "RA02A", "Volt": 3, "FireAlarm": "No Alarm", "HighTempAlarm": "Alarm", "Temp": 71.5},
     {("battery_voltage", 3), ("fire_detected", False), ("temperature_high", True), ("temperature", 71.5)}),
    ("netvox", 6, {"Device": "RA02G", "IncenseSmokeAlarm": "Alarm", "ShockTamperAlarm": "No Alarm",
                   "PowerOffAlarm": "Alarm", "HighSoundAlarm": "Alarm"},
     {("smoke", True), ("tamper", False), ("mains_power", False)}),
    ("netvox", 6, {"Device": "RB02I", "Volt": 3, "Alarm": 0}, {("sos", False), ("battery_voltage", 3)}),
    ("netvox", 6, {"Device": "R718DA", "status": 1}, {("vibration", True)}),
    ("netvox", 6, {"Device": "R718LB", "status": 0}, {("contact_state", 0)}),
    ("netvox", 6, {"Device": "RB11E", "Temp": 22.1, "Illuminance": 120, "Occupy": 1, "DisassembledAlarm": 1},
     {("temperature", 22.1), ("illuminance", 120), ("occupied", True), ("tamper", True)}),
    ("netvox", 6, {"Device": "R718N3", "Current1": 1000, "Current2": 20},
     {("current/Current1", 1000), ("current/Current2", 20)}),
    ("netvox", 6, {"Device": "R602A", "HeartBeatTime": 900, "WarningStatus": "Warning"}, {("buzzer", True)}),
    ("browan", 100, {"battery": 3.6, "count": 14986, "status": 1, "temperatureBoard": 21, "time": 0},
     {("battery_voltage", 3.6), ("door_open", True), ("device_temperature", 21)}),
    ("browan", 102, {"fPort": 102, "battery_volt": 3.6, "temperature": 3, "mot_motionst": 1, "mot_times": 9},
     {("battery_voltage", 3.6), ("temperature", 3), ("motion", True)}),
    ("browan", 103, {"status": 1, "temperature": 21, "humidity": 34}, {("temperature", 21), ("humidity", 34)}),
    ("milesight", 85, {"gas_status": "normal", "alarm": "device fault recovered"}, {("gas", False), ("fault", False)}),
    ("milesight", 85, {"alarm": "power off"}, {("mains_power", False)}),
    ("milesight", 85, {"battery": 98, "distance": 15, "occupancy": "vacant"},
     {("battery", 98), ("distance", 15), ("occupied", False)}),
    ("milesight", 85, {"magnet_status": "open", "tamper_status": "uninstalled"},
     {("door_open", True), ("tamper", True)}),
    ("milesight", 85, {"door": "close", "install": "no"}, {("door_open", False), ("mounted", False)}),
    ("milesight", 85, {"pir": "trigger", "light": "dark"}, {("motion", True)}),
    ("milesight", 85, {"position": "tilt", "distance": 2116, "temperature_alarm": "threshold_alarm_release"},
     {("tilt", True), ("distance", 2116), ("temperature_alarm", False)}),
    ("milesight", 85, {"temperature_alarm": "temperature threshold alarm"}, {("temperature_alarm", True)}),
    ("milesight", 85, {"button_event": {"status": "short press", "msgid": 5}}, {("button", "short press")}),
    ("milesight", 85, {"vaping_index": 12, "tamper_status_alarm": {"type": 33, "trigger": {}},
                       "temperature_alarm": {"type": 33, "burning_alarm_trigger": {}}},
     {("vaping_index", 12), ("tamper", True), ("fire_detected", True)}),
    ("milesight", 85, {"pressure": 250}, {("pressure", 250)}),
    ("milesight", 85, {"temperature_sensor_status": "read failed", "total_current": 120.5},
     {("fault/temperature", True)}),
    ("milesight", 85, {"voltage": 224.5, "active_power": 12, "current": 0.5, "power_consumption": 4500},
     {("voltage", 224.5), ("power", 12), ("current", 500.0), ("energy", 4.5)}),
    ("dragino", 2, {"BatV": 3.062, "Bat_status": 1, "Hum_SHT": 88.6, "TempC_DS": 27.81, "TempC_SHT": 28.29},
     {("battery_voltage", 3.062), ("battery_low", True), ("humidity", 88.6), ("temperature/ds", 27.81),
      ("temperature", 28.29)}),
    ("dragino", 2, {"WATER_LEAK_STATUS": "LEAK", "WATER_LEAK_TIMES": 10, "ALARM": "FALSE", "TDC": "NO"},
     {("water_leak", True), ("alarm_flag", False)}),
    ("dragino", 2, {"Bat": "3.35 V", "Distance": "1750 mm"}, {("battery_voltage", 3.35), ("distance", 1750.0)}),
    ("elsys", 5, {"temperature": 21, "vdd": 3600, "waterleak": 1, "occupancy": 2, "reed": 1, "pressure": 1006.7,
                  "externalTemperature": -2, "motion": 0, "light": 200},
     {("temperature", 21), ("battery_voltage", 3.6), ("water_leak", True), ("occupied", True), ("contact_state", 1),
      ("pressure", 100.67), ("temperature/external", -2), ("motion", False), ("illuminance", 200)}),
    ("mclimate", 2, {"flood": True, "battery": 3216}, {("water_leak", True), ("battery_voltage", 3.216)}),
    ("mclimate", 2, {"status": 1, "thermistorProperlyConnected": True}, {("door_open", True), ("sensor_valid", True)}),
    ("sensative", 1, {"tempAlarm": {"highAlarm": False, "lowAlarm": True}, "userSwitch1Alarm": {"value": False}},
     {("temperature_alarm", True)}),
    ("b-meters", 1, {"value": 12074, "reverseFlow": 134, "temperature": 20.5,
                     "alarm": {"waterLeak": True, "burst": True, "reverseFlow": False, "lowBattery": False}},
     {("volume_index", 12074), ("temperature", 20.5), ("water_leak", True), ("fault/burst", True),
      ("backflow", False), ("battery_low", False)}),
    ("keller", 1, {"P1": 1.5, "PBaro": 0.97, "TOB1": 21.8, "TBaro": 23.7, "Pd (P1-PBaro)": 0.5},
     {("pressure", 150.0), ("pressure_barometric", 97.0), ("temperature", 21.8)}),
    ("seeed", 2, {"err": 0, "messages": [[{"measurementValue": 22.1, "measurementId": "4097"}], [{"Battery(%)": 77}],
                                         [{"measurementValue": 99_800, "measurementId": 4101}]]},
     {("temperature", 22.1), ("battery", 77), ("pressure_barometric", 99.8)}),
    ("seeed", 5, {"messages": [[{"measurementId": "4200", "measurementValue": [{"eventName": "SOS event."}]}]]},
     {("sos", True)}),
    ("nexelec", 56, {"typeOfMessage": "Smoke Alarm", "smokeAlarm": "Remote smoke Alarm activated",
                     "smokeSensorActivation": "Smoke sensor desactivate"}, {("smoke", True)}),
    ("yobiiq", 1, {"channel1State": "ON", "channel2State": "OFF", "channel1Counter": 8},
     {("relay/1", True), ("relay/2", False)}),
    ("", 3, {"voltageL1": 230.1, "currentL1": 4.5, "maxCurrentL1": 9, "capacitorVoltage": 5},
     {("voltage/l1", 230.1), ("current/l1", 4500.0), ("current_max/l1", 9000.0)}),
    ("", 10, {"motion_event_state": 255, "reed_state": 0, "ambient_temperature": 29.4},
     {("motion", True), ("contact_state", 0), ("temperature", 29.4)}),
    ("", 1, {"temperature_1": 25.1, "digital_in_3": 0, "gps_1": {"latitude": 1.5, "longitude": 2.5}},
     {("temperature/1", 25.1), ("digital_input/3", False), ("latitude", 1.5), ("longitude", 2.5)}),
    ("", 1, {"fire_alarm": True, "heat_alarm": "alarm", "manual_call_point": 1, "panicButton": False},
     {("fire_detected", True), ("heat", True), ("call_point", True), ("sos", False)}),
    ("", 1, {"battery": {"voltage": 3.6, "percent": 90}, "smokeDetector": {"alarm": True}},
     {("battery_voltage", 3.6), ("battery", 90), ("smoke", True)}),
    ("", 1, {"leak1": 1, "leak2": 0, "valve1_status": "open"},
     {("water_leak/1", True), ("water_leak/2", False), ("valve_open/1", True)}),
    ("", 1, {"烟雾报警": "报警", "电池电量": 87}, {("smoke", True), ("battery", 87)}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("brand", "port", "fields", "wanted"),
    VENDORS,
    ids=[f"{b or 'any'}: {', '.join(f)}" for b, _, f, _ in VENDORS],
)
def test_vendors_words(brand: str, port: int, fields: dict[str, Any], wanted: set[tuple[str, Any]]) -> None:
    """An object says exactly what its vendor's codec means by it, in our metrics and units."""
    given_, problem = tell(brand, fields, port)
    assert short(given_) == wanted
    assert problem is None


@pytest.mark.parametrize(
    "fields",
    [
        {"report_interval": 600},
        {"temperature_alarm_config": {"threshold_max": 30, "smoke": True}},
        {"sensor_enable": {"smoke": "enable", "gas": 1}},
        {"alarm_settings": {"leak": True}},
        {"version": {"hardware_version": "v1", "smoke": 1}},
        {"downlink_response": {"smoke_alarm": True}},
        {"smoke_threshold": 1, "leak_enable": True, "alarm_interval": 5},
        {"SWver": 10, "HWver": 11, "Datecode": "20191112"},
    ],
)
def test_settings_are_no_statements(fields: dict[str, Any]) -> None:
    """Thresholds, switches of functions and answers to commands raise nothing."""
    assert tell("", fields)[0] == []


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({"alarm": "smoke"}, {("smoke", True)}),
        ({"alarm": "Smoke alarm cleared"}, {("smoke", False)}),
        ({"event": "water leak"}, {("water_leak", True)}),
        ({"event": "water"}, set()),
        ({"event": "water meter"}, set()),
        ({"alarm": "smoke test"}, set()),
        ({"alarms": ["gas", "tamper", "low_battery", "frob"]},
         {("gas", True), ("tamper", True), ("battery_low", True)}),
        ({"alarm": True}, {("alarm_flag", True)}),
        ({"type": "Smoke Alarm", "product": "gas leak detector"}, set()),
    ],
)  # fmt: skip
def test_texts_that_name_an_alarm(fields: dict[str, Any], wanted: set[tuple[str, Any]]) -> None:
    """The name of an alarm under `alarm` is that alarm; a product's name, a test or an input's name is none."""
    assert short(tell("", fields)[0]) == wanted


@pytest.mark.parametrize(
    ("text", "flag"), [("Purple", INVALID), ("unknown", 0), ("NoSensor", 0), ("detecting", 0)]
)
def test_no_reading_is_never_normal(text: str, flag: int) -> None:
    """A word that nobody knows, and one that says there is no reading, leave an alarm without value."""
    given_, problem = tell("", {"smokeAlarm": text})
    assert [(r.value, r.flags) for r in given_] == [(None, flag)]
    assert (problem or "").startswith("unknown-word") == (flag == INVALID)


@pytest.mark.parametrize(
    "word", ["test", "self test", "fault", "low battery", "muted", "prealarm", "end of life"]
)
def test_other_conditions_are_no_alarm(word: str) -> None:
    """A smoke key that speaks of a test, a fault or a battery raises no smoke alarm and clears none."""
    given_, _ = tell("", {"smokeAlarm": word})
    assert given_
    assert all(METRICS[split_point(r.point)[1]].klass is not MetricClass.ALARM for r in given_)


def test_stored_measurements_are_history() -> None:
    """What a device stored and sends late stands beside the present, with its own times, and raises nothing."""
    old = {"timestamp": AT // 1000 - 600, "leakage_status": "leak", "temperature": 25.5}
    given_, problem = tell(
        "milesight", {"history": [old, {**old, "timestamp": AT - 60_000}], "temperature": 22}
    )
    assert problem is None
    assert sorted((split_point(r.point)[1], r.value, r.measured_at, r.flags) for r in given_) == [
        ("temperature", 22, AT, 0),
        ("temperature", 25.5, AT - 600_000, HISTORICAL),
        ("temperature", 25.5, AT - 60_000, HISTORICAL),
        ("water_leak", True, AT - 600_000, HISTORICAL),
        ("water_leak", True, AT - 60_000, HISTORICAL),
    ]


@pytest.mark.parametrize(
    ("stamp", "at", "flag"),
    [
        ("2025-11-21T21:10:00+00:00", 1_763_759_400_000, 0),
        ("2025-11-21 21:10:00", None, 0),
        (None, None, 0),
        (True, None, 0),
        (5, 5000, CLOCK_BAD),
        (AT // 1000 + 86_400, AT + 86_400_000, CLOCK_BAD),
    ],
)
def test_clocks_of_stored_measurements(stamp: Any, at: int | None, flag: int) -> None:
    """A stored measurement keeps its own time, never the uplink's; a clock that cannot be right is marked."""
    given_, _ = tell("", {"datalog": [{"time": stamp, "smoke": 1}]})
    assert [(r.measured_at, r.flags) for r in given_] == [(at, HISTORICAL | flag)]


@pytest.mark.parametrize(
    ("fields", "reading"),
    [
        ({"battery": 3.6}, ("battery_voltage", 3.6)),
        ({"battery": 95.0}, ("battery", 95.0)),
        ({"battery": 3.0}, ("battery", 3.0)),
        ({"battery": 3600}, ("battery_voltage", 3.6)),
        ({"batteryVoltage": 3012}, ("battery_voltage", 3.012)),
        ({"voltage": 3.6}, ("battery_voltage", 3.6)),
        ({"voltage": 3300}, ("battery_voltage", 3.3)),
        ({"voltage": 229.9}, ("voltage", 229.9)),
        ({"pressure": 1013.2}, ("pressure", 101.32)),
        ({"pressure": 250}, ("pressure", 250)),
        ({"barometric_pressure": 1013.2}, ("pressure_barometric", 101.32)),
        ({"temperature": {"value": 212, "units": "F"}}, ("temperature", 100.0)),
        ({"Current_mA": 5}, ("current", 5)),
        ({"Water_pressure_MPa": 0.31}, ("pressure", 310.0)),
    ],
)
def test_units_that_nobody_names(fields: dict[str, Any], reading: tuple[str, float]) -> None:
    """Units stand in the key, beside the number, or follow from its size."""
    assert short(tell("", fields)[0]) == {reading}


@pytest.mark.parametrize(
    ("make", "profile", "eui", "brand"),
    [
        ("milesight-iot", "Netvox", "00137a0000000001", "milesight"),
        ("unheard-of", "Milesight", "24e124136b502a19", ""),
        ("", "Milesight EM300-SLD", "a840410000000001", "milesight"),
        ("", "EU868 OTAA", "a840410000000001", "dragino"),
        ("", "Tabs door", "", "browan"),
        ("", "", "ffffff0000000001", ""),
    ],
)
def test_whose_words_they_are(make: str, profile: str, eui: str, brand: str) -> None:
    """The server's word on the make counts, then the profile's name, then the number burnt into the device."""
    assert brand_of(make, profile, eui) == brand


def test_normalized_adds_and_never_contradicts() -> None:
    """The normalized payload fills in a metric that the vendor's own object did not give."""
    given_, _ = tell(
        "", {"temperature": 21}, 1, [{"air": {"temperature": 20, "co2": 500}, "water": {"leak": True}}]
    )
    assert short(given_) == {("temperature", 21), ("co2_ppm", 500), ("water_leak", True)}
    when = {
        "time": "2025-11-21T21:10:00Z",
        "action": {"motion": {"detected": True}, "contactState": "closed"},
    }
    given_, _ = tell("", {}, 1, when)
    assert short(given_) == {("motion", True), ("door_open", False)}
    assert {r.measured_at for r in given_} == {1_763_759_400_000}
    assert tell("", {}, 1, [5, {"air": 5}, None])[0] == []


@pytest.mark.parametrize("volt", [15.8, "3(low battery)"])
def test_a_low_battery_hidden_in_its_voltage(volt: Any) -> None:
    """The flag that a codec leaves in the battery byte is read; a voltage no cell can have is kept, never judged."""
    given_, _ = tell("netvox", {"Device": "R311W", "Volt": volt}, 6)
    rows = {split_point(r.point)[1]: (r.value, r.flags) for r in given_}
    assert rows["battery_low"] == (True, 0)
    assert rows["battery_voltage"] == ((15.8, INVALID) if volt == 15.8 else (3, 0))


def test_an_alarm_outranks_a_second_key() -> None:
    """Two keys of one meaning: the active one counts, in any order."""
    assert short(tell("", {"smoke": 0, "smoke_alarm": 1})[0]) == {("smoke", True)}
    assert short(tell("", {"smoke_alarm": 1, "smoke": 0})[0]) == {("smoke", True)}


def test_everything_is_bounded() -> None:
    """Too many keys, elements or levels are read up to the bound and set aside."""
    many = {f"temperature_{n}": n for n in range(2 * KEYS_MAX)}
    given_, problem = tell("", {"smoke": 1, **many})
    assert ("smoke", True) in short(given_)
    assert len(given_) <= KEYS_MAX
    assert problem == f"too-many: more than {KEYS_MAX} values"
    given_, problem = tell("", {"history": [{"timestamp": AT + n, "co": 5} for n in range(2 * ELEMENTS_MAX)]})
    assert len(given_) <= ELEMENTS_MAX
    assert (problem or "").startswith("too-many")
    deep: dict[str, Any] = {"smoke": 1}
    for _ in range(9):
        deep = {"data": deep}
    assert tell("", deep)[0] == []


KEYS = st.one_of(
    st.sampled_from(sorted({*TERMS, *(k for b in BRANDS.values() for k in b.terms)})),
    st.sampled_from(["Device", "Volt", "status", "Bat_status", "messages", "history", "alarm", "event", "type", "value",
                     "unit", "measurementId", "measurementValue", "Cmd", "temperature_alarm"]),
    st.text(max_size=80),
)  # fmt: skip
VALUES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=300), st.just("smoke alarm")
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(KEYS, inner, max_size=6)),
    max_leaves=20,
)


@given(
    st.sampled_from([*BRANDS, "seeed"]),
    st.integers(0, 255),
    st.dictionaries(KEYS, VALUES, max_size=8),
    VALUES,
)
def test_any_object_gives_readings_that_can_be_stored(
    brand: str, port: int, fields: dict[str, Any], normalized: Any
) -> None:
    """Whatever a vendor's codec makes of an uplink, nothing raises, and every value is one that we may keep."""
    given_, problem = tell(brand, fields, port, normalized)
    assert problem is None or len(problem) < 500
    for reading in given_:
        device, metric, channel = split_point(reading.point)
        assert (device, metric in METRICS, len(channel) <= 64) == ("s:d", True, True)
        assert type(reading.value) in {bool, int, float, str, type(None)}
        assert not isinstance(reading.value, int | float) or abs(reading.value) < 1e15


@given(st.sampled_from(list(BRANDS)), st.text(max_size=80), st.text(max_size=80))
def test_a_channel_never_breaks_a_point(brand: str, group: str, key: str) -> None:
    """What is left of a key as a channel holds no slash, and no more than a channel may."""
    found = meaning_of(brand, group, key)
    assert found is None or ("/" not in found.channel and len(found.channel) <= 64)
