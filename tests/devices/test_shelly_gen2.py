"""Shelly, second generation and after: frames, status topics, what is learned, and Bluetooth behind gateways."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.codec import Decoded
from devices.codecs import shelly_gen2
from devices.codecs.shelly_gen2.blu import OBJECTS
from devices.codecs.shelly_gen2.frames import COMPONENTS_MAX, EVENTS_MAX, LEARNED_MAX
from devices.reading import METRICS
from tests.devices.reading_rows import CLOCK_BAD, INVALID, NOW, RETAINED, code, flags, rows, said

D = "shellyplussmoke-80646fd2a1b4"
GATE = "shellyblugwg3-34cdb0770c4c"
MAC = "38:39:8f:70:b2:1e"


def tell(topic: str, body: Any, context: dict[str, Any] | None = None, **more: Any) -> Decoded:
    """One message."""
    payload = body if isinstance(body, bytes) else json.dumps(body).encode()
    return said(shelly_gen2, topic, payload, context, **more)


def notify(
    params: dict[str, Any], method: str = "NotifyStatus", source: str = D, prefix: str = "", **more: Any
) -> Decoded:
    """A notification of a device, on its topic."""
    frame = {"src": source, "dst": f"{prefix or source}/events", "method": method, "params": params}
    return tell(f"{prefix or source}/events/rpc", frame, **more)


def happen(*events: dict[str, Any], **more: Any) -> Decoded:
    """Events of a device."""
    return notify({"ts": NOW / 1000, "events": list(events)}, "NotifyEvent", **more)


def answer(result: Any, source: str = GATE, **more: Any) -> Decoded:
    """An answer to somebody's question."""
    return tell("csg/rpc", {"id": 1, "src": source, "dst": "csg", "result": result}, **more)


def learn(context: dict[str, Any], decoded: Decoded) -> dict[str, Any]:
    """The context after a message, as the journal would give it back."""
    for learned in decoded.learned:
        context[learned.key] = msgspec.msgpack.decode(msgspec.msgpack.encode(learned.value))
    return context


def values(decoded: Decoded) -> dict[str, Any]:
    """Values by metric and channel, without the device."""
    return {m + (f"/{c}" if c else ""): v for _, m, c, v in rows(decoded)}


@pytest.mark.parametrize(
    ("component", "body", "expected"),
    [
        ("smoke:0", {"alarm": True, "mute": False}, {"smoke": True, "muted": False, "fault": False}),
        ("smoke:0", {"alarm": None}, {"smoke": None, "fault": False}),
        ("flood:0", {"alarm": False, "mute": True}, {"water_leak": False, "muted": True, "fault": False}),
        ("flood:0", {"alarm": True, "errors": ["cable_unplugged"]}, {"water_leak": True, "fault": True}),
        ("flood:1", {"alarm": True}, {"water_leak/1": True, "fault/1": False}),
        ("temperature:0", {"tC": 21.4, "tF": 70.5}, {"temperature": 21.4, "fault/temperature": False}),
        ("humidity:100", {"rh": None, "errors": ["read"]}, {"humidity/100": None, "fault/humidity100": True}),
        ("devicepower:0", {"battery": {"V": 5.46, "percent": 73}, "external": {"present": True}},
         {"battery": 73, "battery_voltage": 5.46, "mains_power": True}),
        ("devicepower:0", {"battery": None, "external": None},
         {"battery": None, "battery_voltage": None, "mains_power": None}),
        ("illuminance:0", {"lux": 44, "illumination": "dark"}, {"illuminance": 44, "fault/illuminance": False}),
        ("voltmeter:100", {"voltage": 4.32}, {"voltage/100": 4.32, "fault/voltmeter100": False}),
        ("input:0", {"state": False}, {"digital_input": False, "fault/input": False}),
        ("input:2", {"counts": {"total": 5}, "freq": 0.5}, {"pulse_count/2": 5, "fault/input2": False}),
        ("pm1:0", {"voltage": 230, "current": 0.5, "apower": 100, "aenergy": {"total": 10}},
         {"voltage": 230, "current": 500.0, "power": 100, "energy": 0.01, "fault": False}),
        ("em1:1", {"act_power": -5.5, "voltage": 230, "current": 1},
         {"power/1": -5.5, "voltage/1": 230, "current/1": 1000, "fault/1": False}),
        ("emdata:0", {"a_total_act_energy": 1000, "total_act": 3000}, {"energy/a": 1.0, "energy": 3.0}),
        ("em1data:0", {"total_act_energy": 500}, {"energy": 0.5}),
        ("cover:0", {"state": "open", "apower": 0, "errors": ["obstruction"]},
         {"power": 0, "overtemp": False, "overpower": False, "overcurrent": False, "obstructed": True, "fault": False}),
        ("switch:1", {"output": True}, {"relay/1": True, "fault/1": False}),
        ("presencezone:200", {"value": True, "num_objects": 2}, {"presence/200": True, "person_count/200": 2}),
        ("presence", {"num_objects": 0}, {"person_count": 0, "presence": False}),
        ("camera:0", {"motion": True, "arm": True}, {"motion": True, "detection_enabled": True}),
        ("thermostat:0", {"current_C": 20.5}, {"temperature": 20.5}),
        ("blutrv:200", {"current_C": 19, "battery": 98, "rssi": -60},
         {"temperature/200": 19, "battery/200": 98, "rssi/200": -60}),
        ("sys", {"mac": "80646FD2A1B4", "wakeup_reason": {"boot": "poweron", "cause": "undefined"}}, {}),
        ("wifi", {"sta_ip": "10.0.0.2", "rssi": -47}, {"rssi": -47}),
        ("script:1", {"running": True, "errors": []}, {}),
        ("co:0", {"alarm": True, "mute": False}, {"co": True, "muted": False}),
        ("siren:0", {"alarm": True}, {"alarm_unspecified": True}),
    ],
)  # fmt: skip
def test_whole_statuses(component: str, body: dict[str, Any], expected: dict[str, Any]) -> None:
    """Each documented component, and one newer than the documentation; absent errors are no errors."""
    assert values(tell(f"{D}/status/{component}", body)) == expected


def test_a_partial_status_says_only_what_it_holds() -> None:
    """What a NotifyStatus leaves out is unchanged: neither normal nor free of errors."""
    assert values(notify({"ts": NOW / 1000, "smoke:0": {"id": 0, "mute": True}})) == {"muted": True}
    assert values(notify({"ts": NOW / 1000, "switch:0": {"id": 0, "apower": 5.0}})) == {"power": 5.0}
    assert values(notify({"ts": NOW / 1000, "devicepower:0": {"battery": {"percent": 5}}})) == {"battery": 5}


def test_errors_that_vanish() -> None:
    """A null says that what was there is gone: then, and only then, a partial status clears a fault."""
    got = values(notify({"ts": NOW / 1000, "switch:0": {"errors": ["overpower", "overvoltage"]}}))
    assert got == {"overtemp": False, "overpower": True, "overcurrent": False, "fault": True}
    gone = values(notify({"ts": NOW / 1000, "switch:0": {"errors": None}}))
    assert gone == {"overtemp": False, "overpower": False, "overcurrent": False, "fault": False}


@pytest.mark.parametrize("alarm", ["true", 1, [], {}, 0.5])
def test_an_alarm_that_is_neither_yes_nor_no(alarm: Any) -> None:
    """It is not normal: no reading, invalid, and set aside to be seen."""
    got = notify({"ts": NOW / 1000, "smoke:0": {"alarm": alarm}})
    assert values(got) == {"smoke": None}
    assert flags(got) == {INVALID}
    assert code(got) == "unknown-word"


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"component": "smoke:0", "event": "alarm"}, {"smoke": True}),
        ({"component": "flood:0", "event": "alarm_off"}, {"water_leak": False}),
        ({"component": "flood:0", "event": "alarm_test"}, {"test": True}),
        ({"component": "gas:0", "event": "alarm"}, {"gas": True}),
        ({"component": "input:3", "event": "double_push"}, {"button/3": "double_push"}),
        ({"component": "sys", "event": "sleep"}, {}),
        ({"component": "smoke:0", "event": "config_changed", "cfg_rev": 9}, {}),
        ({"component": "smoke:0"}, {}),
        ({"event": "alarm"}, {}),
    ],
)
def test_events(event: dict[str, Any], expected: dict[str, Any]) -> None:
    """Alarms, their end, tests and pushes are events; the device's own business says nothing."""
    assert values(happen(event)) == expected


def test_an_event_has_its_own_time() -> None:
    """Each event of a frame is dated by itself, and a clock never set is no time."""
    got = happen(
        {"component": "smoke:0", "event": "alarm", "ts": 1763759990.5},
        {"component": "input:0", "event": "btn_up"},
    )
    assert [r.measured_at for r in got.readings] == [1_763_759_990_500, NOW]
    young = notify({"ts": 12.5, "smoke:0": {"alarm": True}})
    assert (flags(young), rows(young)[0][3]) == ({CLOCK_BAD}, True)
    assert [r.measured_at for r in notify({"ts": None, "smoke:0": {"alarm": True}}).readings] == [None]


def test_who_speaks_under_a_prefix_is_learned_once() -> None:
    """A frame's src is the device; from then on status topics and the will are that device's."""
    context: dict[str, Any] = {}
    topic = "shellies/b3/hall/status/smoke:0"
    assert rows(tell(topic, {"id": 0, "alarm": True}, context))[0] == ("shellies/b3/hall", "smoke", "", True)
    first = notify(
        {"ts": NOW / 1000, "mqtt": {"connected": True}}, prefix="shellies/b3/hall", context=context
    )
    learn(context, first)
    assert context == {"device:shellies/b3/hall": D}
    assert rows(tell(topic, {"id": 0, "alarm": True}, context))[0] == (D, "smoke", "", True)
    assert rows(tell("shellies/b3/hall/online", b"false", context)) == [(D, "availability", "", "offline")]
    assert not notify({"ts": 1, "mqtt": {}}, prefix="shellies/b3/hall", context=context).learned
    assert not notify({"ts": 1, "mqtt": {}}, context=context).learned, "the prefix is the id"
    other = notify(
        {"ts": 1, "mqtt": {}}, source="shellyplussmoke-2", prefix="shellies/b3/hall", context=context
    )
    assert learn(context, other) == {"device:shellies/b3/hall": "shellyplussmoke-2"}, "replaced"


def test_what_is_learned_is_bounded() -> None:
    """Made-up prefixes and components fill no more than their share."""
    full = {f"device:{n}": "x" for n in range(LEARNED_MAX)}
    assert not notify({"ts": 1, "mqtt": {}}, prefix="new", context=full).learned
    many = {
        f"bthomesensor:{n}": {"id": n, "name": None, "addr": MAC, "obj_id": 1, "idx": 0} for n in range(2000)
    }
    assert len(answer(many).learned) <= COMPONENTS_MAX


COMPONENTS = [
    {"key": "bthomedevice:200", "status": {"id": 200, "rssi": -72, "battery": 100, "last_updated_ts": 1763759000},
     "config": {"id": 200, "addr": MAC.upper(), "name": None, "key": None, "meta": None}},
    {"key": "bthomesensor:200", "status": {"id": 200, "value": True, "last_updated_ts": 1763759000},
     "config": {"id": 200, "addr": MAC, "name": "Leak", "obj_id": 32, "idx": 0, "meta": None}},
    {"key": "bthomesensor:201", "status": {"id": 201, "value": 21.5, "last_updated_ts": 1763759000},
     "config": {"id": 201, "addr": MAC, "name": None, "obj_id": 69, "idx": 1, "meta": None}},
    {"key": "number:200", "status": {"value": 310}, "config": {"id": 200, "name": "x", "role": "water_pressure",
                                                               "meta": {"ui": {"unit": "kPa"}}}},
    {"key": "boolean:201", "status": {"value": True}, "config": {"id": 201, "name": "Smoke"}},
]  # fmt: skip


def test_bluetooth_devices_by_their_configuration() -> None:
    """A gateway's list of components tells what its sensors measure; values are the device's own, at their time."""
    got = answer({"components": COMPONENTS, "cfg_rev": 1, "offset": 0, "total": 5})
    assert sorted(rows(got)) == sorted([
        (MAC, "battery", "", 100), (MAC, "rssi", "", -72), (MAC, "water_leak", "", True),
        (MAC, "temperature", "1", 21.5), (GATE, "pressure", "", 310),
    ])  # fmt: skip
    assert {r.measured_at for r in got.readings} == {1_763_759_000_000, None}
    context = learn({}, got)
    assert context[f"bthomesensor:200@{GATE}"] == [MAC, 32, 0]
    assert not answer({"components": COMPONENTS}, context=context).learned, "only what changed"
    later = notify(
        {"ts": NOW / 1000, "bthomesensor:200": {"id": 200, "value": False}}, source=GATE, context=context
    )
    assert rows(later) == [(MAC, "water_leak", "", False)]
    pushed = happen(
        {"component": "bthomedevice:200", "event": "long_push", "idx": 1}, source=GATE, context=context
    )
    assert rows(pushed) == [(MAC, "button", "1", "long_push")]


def test_an_unknown_sensor_is_asked_for() -> None:
    """What a sensor measures stands in its configuration: the value is set aside, and the gateway asked once more."""
    got = tell("b3/gate/status/bthomesensor:207", {"id": 207, "value": True, "last_updated_ts": 1763759000})
    assert code(got) == "unknown-component"
    assert not got.readings
    assert [a.topic for a in got.asks] == ["b3/gate/rpc"]
    assert json.loads(got.asks[0].payload)["params"] == {"id": 207}
    told = answer({"id": 207, "name": None, "obj_id": 0x29, "idx": 0, "addr": MAC, "meta": None})
    context = learn({"device:b3/gate": GATE}, told)
    again = tell("b3/gate/status/bthomesensor:207", {"id": 207, "value": True}, context)
    assert (rows(again), again.quarantine) == ([(MAC, "smoke", "", True)], None)


def test_known_objects_teach_as_well() -> None:
    """`BTHomeDevice.GetKnownObjects` names components and objects; the device's address was learned before."""
    context = learn({}, answer({"id": 200, "addr": MAC, "name": None, "key": None}))
    assert context == {f"bthomedevice:200@{GATE}": [MAC]}
    listed = {
        "id": 200,
        "objects": [{"obj_id": 45, "idx": 0, "component": "bthomesensor:210"}, {"obj_id": 1}],
    }
    learn(context, answer(listed, context=context))
    assert context[f"bthomesensor:210@{GATE}"] == [MAC, 45, 0]
    assert not answer(listed).learned, "of whom, nobody said"


def test_rain_is_no_leak() -> None:
    """The wet of a weather station is its nature; of a device that measures no weather it is a leak."""
    wet = {"ts": NOW / 1000, "bthomesensor:200": {"id": 200, "value": True}}
    leak = {f"bthomesensor:200@{GATE}": [MAC, 0x20, 0]}
    assert rows(notify(wet, source=GATE, context=leak)) == [(MAC, "water_leak", "", True)]
    station = {**leak, f"bthomesensor:201@{GATE}": [MAC, 0x44, 0]}
    assert rows(notify(wet, source=GATE, context=station)) == []
    assert values(tell(f"shelly-blu/events/{MAC}", {"moisture": 1, "battery": 90, "wind_speed": 3})) == {
        "battery": 90
    }


def test_a_gateway_tells_of_devices_it_has_not_named() -> None:
    """Without its address a Bluetooth device is a channel of the gateway, and an error of it a fault."""
    got = tell(
        f"{GATE}/status/bthomedevice:203",
        {"id": 203, "rssi": -80, "battery": 9, "errors": ["key_missing_or_bad"]},
    )
    assert rows(got) == [
        (GATE, "battery", "bthomedevice:203", 9), (GATE, "rssi", "bthomedevice:203", -80),
        (GATE, "fault", "bthomedevice:203", True),
    ]  # fmt: skip


def test_adverts_passed_on_by_scripts() -> None:
    """The maker's scripts send whole adverts: named values, several of a kind as a list."""
    switch = {"battery": 100, "button": [0, 4, 0, 0], "address": MAC, "pid": 9}
    got = tell(f"shelly-blu/events/{MAC}", switch)
    assert rows(got) == [(MAC, "battery", "", 100), (MAC, "button", "1", "long_push")]
    locked = tell(f"shelly-blu/events/{MAC}", {"encryption": True, "BTHome_version": 2})
    assert code(locked) == "encrypted"
    assert code(happen({"component": "script:1", "event": "shelly-blu", "data": {"motion": 1}})) == "missing"


@pytest.mark.parametrize(
    ("source", "result", "expected"),
    [
        (D, {"id": 0, "alarm": True, "mute": False}, {"smoke": True, "muted": False, "fault": False}),
        ("shellyfloods-1", {"id": 0, "alarm": True}, {"water_leak": True, "fault": False}),
        ("shellynew-1", {"id": 0, "alarm": True}, {"alarm_unspecified": True}),
        ("shellyplusht-1", {"id": 0, "tC": 20.1, "tF": 68.2}, {"temperature": 20.1, "fault/temperature": False}),
        ("shellyplusht-1", {"id": 0, "rh": 57.0}, {"humidity": 57.0, "fault/humidity": False}),
        ("shellyplus1-1", {"id": 0, "name": None, "in_mode": "follow", "current_limit": 16}, {}),
        ("shellyplus1-1", {"was_on": False}, {}),
        ("shellyplus1-1", None, {}),
        (D, {"smoke:0": {"id": 0, "alarm": True}, "sys": {"mac": "80"}, "ble": {}}, {"smoke": True, "fault": False}),
        (D, {"smoke:0": {"id": 0, "name": "smoke"}, "sys": {"device": {"name": "x"}}}, {}),
    ],
)  # fmt: skip
def test_answers_to_questions(source: str, result: Any, expected: dict[str, Any]) -> None:
    """An answer does not name its component: its keys do, and for an alarm the device's model."""
    assert values(answer(result, source)) == expected


@pytest.mark.parametrize(
    ("topic", "body"),
    [
        ("a/b", {"smoke": True}),
        ("a/status/lamp", {"id": 0, "alarm": True}),
        ("a/status/smoke:0", {"id": 5, "alarm": True}),
        ("a/status/smoke:0", [1]),
        ("a/status/sys", {"uptime": 5}),
        ("a/status/wifi", {"rssi": -50}),
        ("a/online", b"yes"),
        ("a/online", b""),
        ("a/rpc", {"method": "x"}),
        ("a/rpc", {"src": "x"}),
        ("a/rpc", {"src": 5, "result": {}}),
        ("a/command", b"on"),
        ("shelly-blu/events/nobody", {"motion": 1}),
    ],
)
def test_what_is_not_certain_is_left_to_others(topic: str, body: Any) -> None:
    """Under a free prefix only what can be nothing else is claimed."""
    assert code(tell(topic, body)) == "unknown-topic"


def test_odd_frames() -> None:
    """Frames that are none give a reason, and too many components or events are read up to the bound."""
    assert code(tell(f"{D}/events/rpc", {"src": D, "method": "NotifyStatus"})) == "wrong-type"
    assert code(notify({"ts": 1, "events": {}}, "NotifyEvent")) == "wrong-type"
    assert code(tell(f"{D}/status/smoke:0", b'{"alarm":')) == "not-json"
    full = notify(
        {"smoke:0": {"alarm": True}, **{f"temperature:{n}": {"tC": 1} for n in range(COMPONENTS_MAX)}}
    )
    assert (code(full), rows(full)[0]) == ("too-many", (D, "smoke", "", True))
    assert code(happen(*[{"component": "smoke:0", "event": "alarm"}] * (EVENTS_MAX + 1))) == "too-many"


def test_retained_and_deleted() -> None:
    """What the broker replays says so; a retained message deleted says nothing."""
    assert flags(tell(f"{D}/status/smoke:0", {"alarm": True}, retained=True)) == {RETAINED}
    assert tell(f"{D}/status/smoke:0", b"") == Decoded()


@given(
    st.sampled_from(sorted(OBJECTS)),
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=9)),
)
def test_any_value_of_any_object(object_id: int, value: Any) -> None:
    """Whatever a sensor's value is, it becomes its own metric or nothing."""
    context = {f"bthomesensor:200@{GATE}": [MAC, object_id, 0]}
    got = notify({"ts": 1, "bthomesensor:200": {"id": 200, "value": value}}, source=GATE, context=context)
    assert all(m in METRICS for _, m, _, _ in rows(got))
    assert all(v is not True or value in (True, 1) for *_, v in rows(got))
