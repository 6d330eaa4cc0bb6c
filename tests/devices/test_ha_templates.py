"""Discovery's templates: what is understood means what it means in Home Assistant, and all else is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.codecs.ha_discovery.calls import TEXT_MAX, Undefined
from devices.codecs.ha_discovery.nodes import ABSENT
from devices.codecs.ha_discovery.templates import TEMPLATE_MAX, compiled

NOTHING = object()


def made(template: str, payload: str) -> Any:
    """What a template makes of a payload; NOTHING where it says nothing."""
    try:
        body = json.loads(payload)
    except ValueError:
        body = ABSENT
    node = compiled(template)
    assert node is not None, template
    try:
        return node(payload, body)
    except Undefined:
        return NOTHING


@pytest.mark.parametrize(
    ("template", "payload", "value"),
    [
        ("{{ value }}", "12", "12"),
        ("{{value_json.x}}", '{"x":1}', 1),
        ("{{ value_json['x'].y }}", '{"x":{"y":2.5}}', 2.5),
        ('{{ value_json["a b"]["c"] }}', '{"a b":{"c":true}}', True),
        ("{{ value_json.list[0] }}", '{"list":[5]}', 5),
        ("{{ value_json.list.1 }}", '{"list":[5,6]}', 6),
        ("{{ value_json.get('x') }}", '{"x":null}', None),
        ("{{ value_json.params['smoke:0'].alarm }}", '{"params":{"smoke:0":{"alarm":true}}}', True),
        ("{{ value_json.x | float }}", '{"x":"2.5"}', 2.5),
        ("{{ value_json.x | int * 10 }}", '{"x":"2"}', 20),
        ("{{ (value | float / 3) | round(2) }}", "10", 3.33),
        ("{{ value | float | round }}", "2.6", 3),
        ("{{ value | round(1, 'floor') }}", "2.69", 2.6),
        ("{{ value_json.x | is_defined }}", '{"x":0}', 0),
        ("{{ 'ON' if value_json.x == 'alarm' else 'OFF' }}", '{"x":"alarm"}', "ON"),
        ("{{ value_json.x if value_json.ok }}", '{"x":4,"ok":0}', ""),
        ("{% if value == 'a' %}A{% elif value == 'b' %} B {% else %}C{% endif %}", "b", "B"),
        ("{%- if value_json.x -%}{{ value_json.x }} ppm{%- endif -%}", '{"x":7}', "7ppm"),
        ("{{ {'0': 'OFF', '1': 'ON'}[value] }}", "1", "ON"),
        ("{{ iif(value_json.x, 'ON', 'OFF') }}", '{"x":1}', "ON"),
        ("{{ value_json.x | iif('ON', 'OFF') }}", '{"x":false}', "OFF"),
        ("{{ value in ['1', 'on'] }}", "on", True),
        ("{{ value not in ['1', 'on'] }}", "on", False),
        ("{{ 'smoke' in value }}", "no smoke", True),
        ("{{ value.split(',')[1] | float }}", "a,2", 2.0),
        ("{{ value.upper() }}", "on", "ON"),
        ("{{ value | lower | trim }}", " ON ", "on"),
        ("{{ value | replace('x', '') }}", "x1", "1"),
        ("{{ value_json.x | bitwise_and(4) }}", '{"x":6}', 4),
        ("{{ value_json.x is defined }}", '{"x":0}', True),
        ("{{ value_json.x is not defined }}", "{}", True),
        ("{{ value_json.x is none }}", '{"x":null}', True),
        ("{{ value_json.x is number and value_json.x > 3 }}", '{"x":4}', True),
        ("{{ not value_json.x }}", '{"x":false}', True),
        ("{{ value_json.x | default(value_json.y) }}", '{"y":3}', 3),
        ("{{ value_json.a ~ '-' ~ value_json.b }}", '{"a":1,"b":"x"}', "1-x"),
        ("{{ -(value | int) + 5 % 3 }}", "2", 0),
        ("{{ value_json.a or value_json.b }}", '{"a":0,"b":2}', 2),
        ("{{ value_json.a and value_json.b }}", '{"a":1,"b":2}', 2),
        ("{# a remark #}{{ value }}", "1", "1"),
        ("{{ value | float(0) }}", "unavailable", None),
        ("{{ 7 // 2 }}", "", 3),
        ("{{ 1 / 0 }}", "", None),
        ("{{ value_json.on == true }}", '{"on":true}', True),
    ],
)
def test_usual_templates(template: str, payload: str, value: Any) -> None:
    """The forms that bridges and firmwares publish."""
    assert made(template, payload) == value
    assert type(made(template, payload)) is type(value)


@pytest.mark.parametrize(
    ("template", "payload"),
    [
        ("{{ value_json.x }}", "{}"),
        ("{{ value_json.x }}", "not json"),
        ("{{ value_json.x.y }}", '{"x":1}'),
        ("{{ value_json.x | default('OFF') }}", "{}"),
        ("{{ value_json.get('x', 0) }}", "{}"),
        ("{{ 'ON' if value_json.x else 'OFF' }}", "{}"),
        ("{{ 'ON' if value_json.x is defined and value_json.x else 'OFF' }}", "{}"),
        ("{% if 'x' in value_json %}{{ value_json.x }}{% else %}OFF{% endif %}", "{}"),
        ("{{ value_json.x * 2 }}", '{"x":"a"}'),
        ("{{ value_json.x > 2 }}", '{"x":null}'),
        ("{{ 'a' * 99999 }}", ""),
        ("{{ value_json.x * value_json.x }}", '{"x":1e300}'),
        ("{{ value_json.list[9] }}", '{"list":[1]}'),
        ("{{ {'0': 'OFF'}[value] }}", "7"),
        ("{{ value_json | first }}", "{}"),
    ],
)
def test_absence_and_nonsense_say_nothing(template: str, payload: str) -> None:
    """What needs something absent has no value, also where Jinja would take the else or a default."""
    assert made(template, payload) is NOTHING


@pytest.mark.parametrize(
    "template",
    [
        "ON", "", "{{ }}", "{{ states('sensor.x') }}", "{{ now() }}", "{{ value_json.x | join(',') }}", "{{ x }}",
        "{% for a in value_json %}{{ a }}{% endfor %}", "{% set x = 1 %}{{ x }}", "{% if value %}A", "{{ value",
        "{{ value_json.x.__class__ }}{% endif %}", "{{ value ! }}", "{{ (value }}", "{{ value.format(1) }}",
        "{{ value | float | unknown }}", "{{ if }}", "{{ 1 2 }}", "{% else %}", "{{ value is odd }}", "{{ a.b }}",
        "{{ " + "(" * 99 + "value" + ")" * 99 + " }}", "{{ " + "not " * 99 + "value }}", "{{ value }}" * TEMPLATE_MAX,
    ],
)  # fmt: skip
def test_all_else_is_refused(template: str) -> None:
    """Loops, states, times, unknown filters and broken templates are not guessed at."""
    assert compiled(template) is None


def test_nothing_of_python_can_be_reached() -> None:
    """Names after a point are keys of the message, never attributes of what holds them."""
    assert made("{{ value_json.__class__ }}", "{}") is NOTHING
    assert made("{{ value.__len__ }}", "x") is NOTHING
    assert made("{{ value_json.keys }}", '{"keys":3}') == 3


PARTS = [
    "value", "value_json", ".x", "['x']", "[0]", "|float", "|int", "|round(1)", "'ON'", " if ", " else ", "1", "(",
    ")", " == ", " + ", "*", " and ", "not ", " is defined", "|default(0)", "{{", "}}", "{% if ", "%}", "{% endif %}",
]  # fmt: skip


@given(
    st.lists(st.sampled_from(PARTS), max_size=14).map("".join),
    st.sampled_from(['{"x":1}', '{"x":{"x":[1]}}', "12", "", '{"x":"a"}', "[[1]]"]),
)
def test_any_template_is_refused_or_gives_a_bounded_value(text: str, payload: str) -> None:
    """No template raises anything but that it says nothing."""
    node = compiled("{{" + text + "}}")
    if node is None:
        return
    try:
        value = node(payload, json.loads(payload) if payload else ABSENT)
    except Undefined:
        return
    assert not isinstance(value, str) or len(value) <= TEXT_MAX
