"""Every way to get a profile wrong that we know of, and exactly what is said about it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from devices.profile_load import ProfileWrong, compile_profile

OK = {"at": "/a", "metric": "smoke"}
CASE = {"name": "c", "json": {"a": 1}, "readings": {"smoke": True}}
WRONG: list[tuple[dict[str, Any], str]] = [
    ({}, "fields: expected at least one field, or records, found none"),
    ({"fields": [{"at": "/a"}]}, "fields.0.metric: expected a metric, found none"),
    (
        {"fields": [{**OK, "metric": "smok"}]},
        "fields.0.metric: expected a metric of docs/reference/metrics.md, found 'smok'; nearest: smoke",
    ),
    (
        {"fields": [{**OK, "at": "a"}]},
        "fields.0.at: expected a JSON pointer, which starts with /, found 'a'; nearest: /a",
    ),
    ({"fields": [{**OK, "at": -1}]}, "fields.0.at: expected an offset from 0 to 65535, found -1"),
    (
        {"fields": [{**OK, "at": [0, 999]}]},
        "fields.0.at: expected [first, how many], 1 to 255 of them, found [0, 999]",
    ),
    (
        {"fields": [{**OK, "at": 0, "bit": 64}]},
        "fields.0.bit: expected a bit from 0 to 63, or [lowest, how many], found 64",
    ),
    (
        {"fields": [OK, {**OK, "at": 1}]},
        "fields.1.at: expected a pointer such as /state: the payload is read as json, found 1",
    ),
    (
        {"fields": [OK], "payload": {"as": "hex"}},
        "fields.0.at: expected an offset, or [first, how many]: the payload is read as hex, found '/a'",
    ),
    (
        {"fields": [{"at": "/a", "metric": "pressure", "unit": "zz"}]},
        "fields.0.unit: expected a unit such as kPa, mV, ppm, found 'zz'",
    ),
    (
        {"fields": [{"at": "/a", "metric": "pressure", "unit": "mV"}]},
        "fields.0.unit: expected a unit that measures what kPa does, found 'mV'",
    ),
    (
        {"fields": [{**OK, "scale": 2}]},
        "fields.0.scale: expected nothing: smoke is no measurement, found 2.0",
    ),
    (
        {"fields": [{**OK, "channel": "a/b"}]},
        "fields.0.channel: expected at most 64 characters without /, found 'a/b'",
    ),
    (
        {"fields": [{**OK, "values": {"1": 1}}]},
        "fields.0.values.1: expected true or false for smoke, or null for no reading, found 1",
    ),
    (
        {"fields": [{"at": "/a", "values": {"1": {"battery": True}}}]},
        "fields.0.values.1.battery: expected a number for battery, or null for no reading, found True",
    ),
    (
        {"fields": [{"at": "/a", "values": {"1": {"smok": True}}}]},
        "fields.0.values.1.smok: expected a metric of docs/reference/metrics.md, found 'smok'; nearest: smoke",
    ),
    (
        {"fields": [OK], "match": {"topic": "a/#/b"}},
        "match.topic: expected an MQTT topic filter such as factory/+/smoke, found 'a/#/b'",
    ),
    (
        {"fields": [OK], "match": {"starts": "7"}},
        "match.starts: expected hexadecimal digits, two a byte, found '7'",
    ),
    (
        {"fields": [OK], "match": {"where": [{"at": "x"}]}},
        "match.where.0.at: expected a JSON pointer, which starts with /, found 'x'; nearest: /x",
    ),
    (
        {"fields": [OK], "device": "sn"},
        "device: expected a JSON pointer, which starts with /, found 'sn'; nearest: /sn",
    ),
    (
        {"fields": [OK], "time": {"at": "/t", "since": "2018"}},
        "time.since: expected a date with its offset, as 2018-09-10T00:00:00+08:00, found '2018'",
    ),
    (
        {"fields": [OK], "time": {"at": "/t", "zone": "8"}},
        "time.zone: expected an offset such as +08:00, found '8'",
    ),
    (
        {"records": {"at": 1, "fields": [{**OK, "at": 0}]}},
        "records.size: expected the bytes of one record, found none",
    ),
    (
        {"fields": [OK], "cases": [{**CASE, "readings": {"smoke": False}}]},
        "cases.0.readings: expected {'smoke': True}, found {'smoke': False}",
    ),
    (
        {"fields": [OK], "cases": [{**CASE, "json": {"a": 5}, "readings": {"smoke": None}}]},
        "cases.0.aside: expected true, found unknown-value: /a says 5",
    ),
    (
        {"fields": [OK], "cases": [{**CASE, "aside": True}]},
        "cases.0.aside: expected false, found no problem",
    ),
    (
        {"fields": [OK], "cases": [{"name": "c", "hex": "0", "readings": {}}]},
        "cases.0: expected one of json, text, hex, base64, found none, or one that cannot be read",
    ),
    (
        {"fields": [OK], "match": {"where": [{"at": "/q"}]}, "cases": [CASE]},
        "cases.0: expected first a payload that `match` is for, found one that it is not for",
    ),
]


@pytest.mark.parametrize(("data", "said"), WRONG, ids=[said for _, said in WRONG])
def test_a_mistake_is_told_with_its_place(data: dict[str, Any], said: str) -> None:
    """Key, what would be right, what is there, and the nearest right word."""
    with pytest.raises(ProfileWrong) as wrong:
        compile_profile({"name": "p", **data})
    assert str(wrong.value) == said


def test_every_mistake_is_told_at_once() -> None:
    """A writer sees all that is wrong with a profile, not the first thing alone."""
    with pytest.raises(ProfileWrong) as wrong:
        compile_profile(
            {"name": "p", "fields": [{**OK, "metric": "x"}, {**OK, "at": "y"}], "match": {"starts": "z"}}
        )
    assert len(wrong.value.wrongs) == 3


@pytest.mark.parametrize(
    "data",
    [
        {"name": "P p"},
        {"name": "p", "feilds": []},
        {"name": "p", "fields": [{"metric": "smoke"}]},
        {"name": "p", "fields": [{"at": {"x": 1}, "metric": "smoke"}]},
        {"name": "p", "fields": [{**OK, "type": "bcd"}]},
        {},
        [],
        None,
    ],
    ids=str,
)
def test_a_wrong_shape_is_refused(data: Any) -> None:
    """Unknown and missing keys and wrong types do not become a profile."""
    with pytest.raises(msgspec.ValidationError):
        compile_profile(data)
