"""The native contract: limits, types, clocks, batches and the memo of the hot path."""

from __future__ import annotations

import json
from typing import Any

import pytest

from devices.codec import Example, Message
from devices.codecs import native
from devices.codecs.native.events import HAZARDS, STATES, TYPES
from devices.codecs.native.telemetry import (
    _KEYS_KNOWN_MAX,
    _KEYS_OWN_MAX,
    BATCH_MAX,
    KEYS_MAX,
    _known,
    remembered,
    telemetry,
)
from devices.instants import AHEAD_MAX_MS, EARLIEST_MS
from devices.reading import METRICS, MetricClass
from tests.devices.reading_rows import CLOCK_BAD, INVALID, NOW, RETAINED, code, flags, rows, said

D = "yangguang/d-1"
T = f"community/{D}"


def tell(body: Any, kind: str = "telemetry", **more: Any) -> Any:
    """One message of the device."""
    return said(native, f"{T}/{kind}", json.dumps(body), **more)


@pytest.mark.parametrize(
    ("name", "metric"), [(n, m) for n, m in METRICS.items() if m.klass is not MetricClass.STATUS]
)
def test_every_metric_is_read_by_its_own_type(name: str, metric: Any) -> None:
    """A measurement takes a number and a condition takes true or false, each under its canonical name."""
    value = 1.5 if metric.klass is MetricClass.MEASUREMENT else True
    assert rows(tell({"v": 1, name: value})) == [(D, name, "", value)]


@pytest.mark.parametrize(
    ("value", "kept"),
    [(1, True), (0, False), ("true", True), ("OFF", False), ("报警", True), ("normal", False)],
)
def test_a_mistyped_level_is_raised_and_reported(value: Any, kept: bool) -> None:
    """An alarm in the wrong type is understood as far as it goes, and the maker is told."""
    got = tell({"v": 1, "smoke": value})
    assert rows(got) == [(D, "smoke", "", kept)]
    assert code(got) == "wrong-type"


@pytest.mark.parametrize(
    "body",
    [
        {"smoke": "wibble"},
        {"smoke": 7},
        {"smoke": []},
        {"temperature": True},
        {"temperature": "21"},
        {"temperature": {}},
    ],
)
def test_what_has_no_meaning_gives_no_reading(body: dict[str, Any]) -> None:
    """A value that cannot be read is set aside; it never becomes normal and never spoils its neighbours."""
    got = tell({"v": 1, **body, "battery": 50})
    assert rows(got) == [(D, "battery", "", 50)]
    assert code(got) == "wrong-type"


@pytest.mark.parametrize(
    ("value", "kept"), [(-300, -300), (10**30, None), (-1e300, None), (1e15, None), (3001, 3001)]
)
def test_impossible_numbers_are_flagged(value: Any, kept: Any) -> None:
    """What cannot be true is kept with the invalid flag; what cannot even be stored becomes no reading."""
    got = tell({"v": 1, "temperature": value})
    assert rows(got) == [(D, "temperature", "", kept)]
    assert flags(got) == {INVALID}


@pytest.mark.parametrize(
    ("ts", "flag"),
    [
        (NOW, 0),
        (NOW + AHEAD_MAX_MS, 0),
        (NOW + AHEAD_MAX_MS + 1, CLOCK_BAD),
        (NOW // 1000, CLOCK_BAD),  # seconds where milliseconds belong
        (946_684_800_000, CLOCK_BAD),  # 2000-01-01
        (EARLIEST_MS - 1, CLOCK_BAD),
        (EARLIEST_MS, 0),
        (NOW - 30 * 86_400_000, 0),  # late is not wrong
        (-1, CLOCK_BAD),
        (NOW + 0.5, 0),
    ],
)
def test_the_clock_is_judged_and_the_time_kept(ts: float, flag: int) -> None:
    """measured_at is the device's word whatever it says; a clock that cannot be right is flagged."""
    got = tell({"v": 1, "ts": ts, "smoke": True})
    assert [(r.measured_at, r.flags) for r in got.readings] == [(int(ts), flag)]
    assert got.quarantine is None


@pytest.mark.parametrize("ts", ["1763760000000", True, None, [], 10**20, 1e300])
def test_a_time_that_is_none_costs_only_the_time(ts: Any) -> None:
    """Our own time counts, the alarm is read, and the maker is told."""
    got = tell({"v": 1, "ts": ts, "smoke": True})
    assert [(r.value, r.measured_at) for r in got.readings] == [(True, None)]
    assert code(got) == "wrong-type"


def test_a_batch_keeps_order_time_and_ids() -> None:
    """An array is read in its order, each object at its own time; one bad element spoils only itself."""
    got = tell(
        [
            {"v": 1, "ts": NOW - 2, "id": 7, "pressure": 300},
            5,
            {"v": 1, "ts": NOW - 1, "id": "8", "pressure": 90},
        ]
    )
    assert [(r.value, r.measured_at) for r in got.readings] == [(300, NOW - 2), (90, NOW - 1)]
    assert code(got) == "wrong-type"
    assert got.sequence == "7..8"


def test_a_batch_is_bounded_and_keeps_the_newest() -> None:
    """Of too many objects the newest are read, and the message is set aside as well."""
    got = tell([{"v": 1, "pressure": n} for n in range(BATCH_MAX + 3)])
    assert [r.value for r in got.readings] == list(range(3, BATCH_MAX + 3))
    assert code(got) == "too-many"


def test_keys_are_bounded() -> None:
    """An object with too many keys is read up to the bound, and set aside as well."""
    got = tell({"smoke": True, **{f"k{n}": n for n in range(KEYS_MAX)}})
    assert len(got.readings) == KEYS_MAX
    assert (D, "smoke", "", True) in rows(got)
    assert code(got) == "too-many"


def test_the_memo_of_keys_is_bounded() -> None:
    """A device that makes up new keys all the time is forgotten in between, and still read, as are all others."""
    for start in range(0, 2 * _KEYS_KNOWN_MAX, 100):
        tell({f"made-up-{start + n}": n for n in range(100)})
        assert len(_known) <= _KEYS_KNOWN_MAX
    long = "made-up-" * 100
    assert rows(tell({long: 1}))[0][3] == 1
    assert long not in _known
    assert rows(tell({"smoke": True, "Smoke": True})) == [(D, "smoke", "", True)] * 2


@pytest.mark.parametrize("example", native.EXAMPLES, ids=lambda e: e.title)
def test_a_bound_topic_is_read_as_any_other(example: Example) -> None:
    """What is remembered of a device changes nothing, the first time or later."""
    message = Message("s", example.topic, example.payload, example.retained, NOW)
    read = native.bind("s", example.topic)
    assert read({}, message) == read({}, message) == native.decode({}, message)


def test_the_memory_of_a_device_is_bounded() -> None:
    """A bound device that makes up keys is remembered up to a bound, and read like any other."""
    device = remembered("s:yangguang/d-1")
    payload = json.dumps({**{f"made-up-{n}": n for n in range(KEYS_MAX)}, "smoke": True}).encode()
    for _ in range(2):
        found = telemetry(device, {}, Message("s", f"{T}/telemetry", payload)).readings
        assert found == native.decode({}, Message("s", f"{T}/telemetry", payload)).readings
        assert len(device.known) == _KEYS_OWN_MAX


@pytest.mark.parametrize(
    ("key", "metric", "channel"),
    [
        ("Smoke", "smoke", ""),
        ("battery-low", "battery_low", ""),
        ("firmware", "firmware", ""),
        ("Net.APN", "net_apn", "Net.APN"),
        ("a/b", "a_b", "a_b"),
        ("备注", "unknown", "备注"),
        ("", "unknown", ""),
        ("x" * 100, "x" * 64, "x" * 64),
    ],
)
def test_unknown_keys_become_points(key: str, metric: str, channel: str) -> None:
    """A key no metric has is a status under a clean name; one that only spells a metric differently is that metric."""
    got = tell({key: True})
    assert rows(got) == [(D, metric, channel, True)]
    assert got.quarantine is None


def test_texts_are_cut_and_cleaned() -> None:
    """A text reading has at most 255 characters and no control characters."""
    (reading,) = tell({"note": "a\x00b\n" + "字" * 400}).readings
    assert isinstance(reading.value, str)
    assert len(reading.value) == 255
    assert reading.value.startswith("a b 字")


@pytest.mark.parametrize(
    "payload", [b"", b"null", b"5", b'"x"', b"[]", b"{", b"\xff", b"NaN", b"[" * 2000, b'{"a":1e999}']
)
def test_what_is_no_telemetry_is_set_aside(payload: bytes) -> None:
    """Anything but an object or an array of objects gives a reason and no reading."""
    got = said(native, f"{T}/telemetry", payload)
    assert code(got) in {"not-json", "wrong-type"}
    assert not got.readings


@pytest.mark.parametrize(
    "topic",
    [
        "community/a/b",
        "community/a/b/telemetry/x",
        "community/a//telemetry",
        "community/a/b c/telemetry",
        "community/a/b/x",
        "community/楼/b/event",
        f"community/{'a' * 65}/b/event",
        "other/a/b/event",
        "community/a/b/telemetry\n",
    ],
)
def test_other_topics_are_not_ours(topic: str) -> None:
    """Only the five topics of the contract are read, with names of the contract's characters."""
    assert code(said(native, topic, b'{"v":1}')) == "unknown-topic"


def test_retained_messages_say_so() -> None:
    """Every reading of a retained message carries the flag."""
    assert flags(tell({"smoke": True}, retained=True)) == {RETAINED}
    assert flags(tell({"type": "alarm", "data": {"hazard": "gas", "value": 3}}, "event", retained=True)) == {
        RETAINED
    }
    assert flags(tell("online", "status", retained=True)) == {RETAINED}


@pytest.mark.parametrize("given", ["e1", 17, "x" * 80, "", None, True, 1.5, 10**40])
def test_ids_become_sequences(given: Any) -> None:
    """A text or whole number is the message's own id, at most 64 characters; anything else is none."""
    expected = str(given)[:64] if given and type(given) in {str, int} and given != 10**40 else None
    assert tell({"id": given, "smoke": True}).sequence == expected
    assert tell({"id": given, "type": "test"}, "event").sequence == expected


@pytest.mark.parametrize("kind", TYPES)
def test_every_event_type_of_the_contract_is_read(kind: str) -> None:
    """All twelve types give a reading of the condition they name, and none needs setting aside."""
    got = tell({"v": 1, "type": kind, "data": {"hazard": "fire"}}, "event")
    metric = {"alarm": "fire_detected", "alarm_clear": "fire_detected", "fault_clear": "fault", **STATES}[
        kind
    ]
    assert rows(got) == [(D, metric, "", not kind.endswith("clear"))]
    assert got.quarantine is None
    assert len(TYPES) == 12


@pytest.mark.parametrize(
    "hazard", [*HAZARDS, *(n for n, m in METRICS.items() if m.klass is MetricClass.ALARM)]
)
def test_every_hazard_raises_and_clears_an_alarm(hazard: str) -> None:
    """The words for hazards, and every alarm metric by its name, raise an alarm-class metric and end the same one."""
    begun = rows(tell({"type": "alarm", "data": {"hazard": hazard}}, "event"))
    ended = rows(tell({"type": "alarm_clear", "data": {"hazard": hazard}}, "event"))
    ((_, metric, _, value),) = begun
    assert METRICS[metric].klass is MetricClass.ALARM
    assert value is True
    assert ended == [(D, metric, "", False)]


@pytest.mark.parametrize(
    "data", [None, {}, {"hazard": None}, {"hazard": "lunch"}, {"hazard": 3}, {"hazard": "temperature"}, "x"]
)
def test_an_alarm_without_a_hazard_is_still_an_alarm(data: Any) -> None:
    """An alarm that does not say of what is raised as unspecified, which the house treats as a fire, and reported."""
    got = tell({"v": 1, "type": "alarm", "data": data}, "event")
    assert rows(got) == [(D, "alarm_unspecified", "", True)]
    assert got.quarantine
    assert METRICS["alarm_unspecified"].hazard == "fire"


@pytest.mark.parametrize(
    ("kind", "metric"), [("fire", "fire_detected"), ("SMOKE", "smoke"), ("triggered", "alarm_unspecified")]
)
def test_an_unknown_type_that_sounds_like_an_alarm_raises_one(kind: str, metric: str) -> None:
    """A maker who misread the contract still gets his fire through."""
    got = tell({"v": 1, "type": kind}, "event")
    assert rows(got) == [(D, metric, "", True)]
    assert code(got) == "unknown-event"


def test_an_alarm_is_not_taken_back_by_its_value() -> None:
    """`type` decides: an alarm whose value says false is an alarm."""
    assert rows(tell({"type": "alarm", "data": {"hazard": "fire", "value": False}}, "event")) == [
        (D, "fire_detected", "", True)
    ]


@pytest.mark.parametrize(
    ("hazard", "value", "unit", "reading"),
    [
        ("gas", 20, "%LEL", ("gas_lel", 20)),
        ("gas", 900, "ppm", ("gas_ppm", 900)),
        ("gas", 12, None, ("gas_lel", 12)),
        ("heat", 60, "°C", ("temperature", 60)),
        ("smoke", 0.2, "dB/m", ("smoke_obscuration", 0.2)),
        ("pressure_low", 0.5, "bar", ("pressure", 50.0)),
        ("hydrant_open", 30, "m3/h", ("flow", 500.0)),
        ("hydrant_tilt", 35, "°", ("angle", 35)),
    ],
)
def test_the_number_of_an_event_is_a_measurement(
    hazard: str, value: float, unit: str | None, reading: tuple[str, float]
) -> None:
    """A number beside an alarm is kept as what it measures, in the canonical unit."""
    data = {"hazard": hazard, "value": value} | ({"unit": unit} if unit else {})
    assert rows(tell({"type": "alarm", "data": data}, "event"))[1:] == [(D, reading[0], "", reading[1])]


@pytest.mark.parametrize(
    "data", [{"hazard": "gas", "value": 3, "unit": "furlong"}, {"hazard": "co", "value": 3, "unit": 5}]
)
def test_an_unreadable_number_never_costs_the_alarm(data: dict[str, Any]) -> None:
    """The alarm is raised, the number is set aside with the reason."""
    got = tell({"type": "alarm", "data": data}, "event")
    assert len(got.readings) == 1
    assert got.quarantine


@pytest.mark.parametrize("payload", [b"", b"[]", b"x", b'{"data":{}}', b'{"type":5}', b'{"type":""}'])
def test_what_is_no_event_is_set_aside(payload: bytes) -> None:
    """An event without a type it could have says nothing, and says why."""
    got = said(native, f"{T}/event", payload)
    assert not got.readings
    assert got.quarantine


@pytest.mark.parametrize(
    ("payload", "state"),
    [
        (b"online", "online"),
        (b" OFFLINE\n", "offline"),
        (b'"online"', "online"),
        (b'{"status":"offline"}', "offline"),
        (b"", None),
    ],
)
def test_status_in_all_its_spellings(payload: bytes, state: str | None) -> None:
    """Text and JSON are read alike; an empty message only forgets the retained one."""
    got = said(native, f"{T}/status", payload)
    assert [r[3] for r in rows(got)] == ([state] if state else [])
    assert got.quarantine is None


@pytest.mark.parametrize("payload", [b"asleep", b"{", b'{"state":1}', b"\xff", b"[" * 2000, b'["online"]'])
def test_other_words_are_no_status(payload: bytes) -> None:
    """A status nobody knows is set aside."""
    assert said(native, f"{T}/status", payload).quarantine


def test_a_newer_version_is_read_as_far_as_it_goes() -> None:
    """Fields are only ever added, so a message of version 2 is understood, and reported."""
    assert rows(tell({"v": 2, "smoke": True})) == [(D, "smoke", "", True)]
    assert code(tell({"v": 2, "smoke": True})) == "version"
    assert code(tell({"v": "x", "type": "test"}, "event")) == "version"
