"""Discovery configs: abbreviations, base topics, devices and components, and what of them has to be remembered."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from devices.codec import Learned
from devices.codecs.ha_discovery.commands import pseudo_topic, takes
from devices.codecs.ha_discovery.entities import COMPONENTS, Row, entity_rows
from devices.codecs.ha_discovery.templates import TEMPLATE_MAX, compiled

COMPONENTS_MAX: Final = 256
"""Components of one device's config."""

ROWS_MAX: Final = 128
"""Entities that may read one topic; the richest bridge describes some forty on a device's."""

LEARNED_MAX: Final = 16_000
"""Configs and topics remembered of one source; beyond it new ones are not."""

# homeassistant.components.mqtt.abbreviations, those that matter here.
_ABBREVIATIONS: Final = {
    "atype": "automation_type",
    "avty": "availability",
    "avty_mode": "availability_mode",
    "avty_t": "availability_topic",
    "avty_tpl": "availability_template",
    "cmd_t": "command_topic",
    "cmd_tpl": "command_template",
    "cmps": "components",
    "curr_hum_t": "current_humidity_topic",
    "curr_hum_tpl": "current_humidity_template",
    "curr_temp_t": "current_temperature_topic",
    "curr_temp_tpl": "current_temperature_template",
    "dev": "device",
    "dev_cla": "device_class",
    "ent_cat": "entity_category",
    "obj_id": "object_id",
    "p": "platform",
    "pl": "payload",
    "pl_avail": "payload_available",
    "pl_cls": "payload_close",
    "pl_not_avail": "payload_not_available",
    "pl_off": "payload_off",
    "pl_on": "payload_on",
    "pl_open": "payload_open",
    "pl_prs": "payload_press",
    "pl_unlk": "payload_unlock",
    "pos": "reports_position",
    "pos_clsd": "position_closed",
    "stat_closed": "state_closed",
    "stat_clsd": "state_closed",
    "stat_jam": "state_jammed",
    "stat_off": "state_off",
    "stat_on": "state_on",
    "stat_open": "state_open",
    "stat_t": "state_topic",
    "stat_tpl": "state_template",
    "stat_val_tpl": "state_value_template",
    "stype": "subtype",
    "t": "topic",
    "temp_unit": "temperature_unit",
    "unit_of_meas": "unit_of_measurement",
    "val_tpl": "value_template",
}
_DEVICE: Final = {"cns": "connections", "ids": "identifiers"}
_ESPHOME: Final = re.compile(r"([^/]+(?:/[^/]+)?)/(\w+)/[^/]+/(?:\w+/)?state")
_NATIVE_MAX: Final = 128
_json: Final = msgspec.json.Decoder()


class BadConfig(Exception):
    """A config that is none; its text is the reason, `code: words`."""


def topic_key(topic: str) -> str:
    """The context key of what is known of a topic: `{entity: row}`, empty for one that says nothing."""
    return f"discovery-topic:{topic}"


def config_key(name: str) -> str:
    """The context key of the topics that a config named."""
    return f"discovery-config:{name}"


def learned(context: Mapping[str, Any], name: str, topics: Mapping[str, Mapping[str, Row]]) -> list[Learned]:
    """What to remember of a config whose entities are called `name` or begin so; no topics forget it."""
    before = context.get(config_key(name)) or []
    changes: dict[str, Any] = {}
    for topic in dict.fromkeys([*before, *topics]):
        known = context.get(topic_key(topic))
        rows = {k: r for k, r in (known or {}).items() if k != name and not k.startswith(f"{name}/")}
        rows |= list_limited(topics.get(topic, {}), ROWS_MAX - len(rows))
        new = rows if rows or topic in topics else None
        if new != known:
            changes[topic_key(topic)] = new
    listed = list(topics) or None
    if listed != context.get(config_key(name)):
        changes[config_key(name)] = listed
    room = LEARNED_MAX - len(context)
    return [
        Learned(k, v)
        for k, v in changes.items()
        if k in context or (v is not None and (room := room - 1) >= 0)
    ]


def list_limited(rows: Mapping[str, Row], most: int) -> dict[str, Row]:
    """The first so many rows."""
    return dict(list(rows.items())[: max(0, most)])


def read(component: str, named: str, name: str, payload: bytes) -> tuple[str, dict[str, dict[str, Row]]]:
    """The device of a config and, by topic, the rows of its entities. Raises BadConfig."""
    try:
        config = _json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadConfig(f"not-json: {error}") from error
    if not isinstance(config, dict):
        raise BadConfig("wrong-type: a config is an object")
    config = _expanded(config)
    native, called = _device(config, named)
    topics: dict[str, dict[str, Row]] = {}
    if component != "device":
        one = _based(config, config.get("~"))
        native = _esphome(one, component) or native
        _entity(topics, component, one, (native, called), (name, named))
        return native, topics
    shared = {k: v for k, v in config.items() if k not in {"components", "device", "origin", "o"}}
    parts = config.get("components")
    for part, about in list(parts.items() if isinstance(parts, dict) else [])[:COMPONENTS_MAX]:
        if isinstance(about, dict):
            one = _based({**shared, **_expanded(about)}, about.get("~", config.get("~")))
            platform = one.get("platform")
            if isinstance(platform, str) and platform in COMPONENTS and len(about) > 1:
                native = _esphome(one, platform) or native
                _entity(topics, platform, one, (native, called), (f"{name}/{part[:64]}", part[:64]))
    return native, topics


def _entity(
    topics: dict[str, dict[str, Row]],
    component: str,
    config: Mapping[str, Any],
    device: tuple[str, str],
    name: tuple[str, str],
) -> None:
    """Put one entity's rows under their topics, and every other topic it names under nothing."""
    named = [v for k, v in config.items() if k == "topic" or k.endswith(("_topic", "_t"))]
    for topic in [*named, *(item.get("topic") for item in _listed(config))]:
        if _plain(topic):
            topics.setdefault(topic, {})
    for count, (topic, row) in enumerate(entity_rows(component, config, device[0], device[1], name[1])):
        if _plain(topic):
            topics.setdefault(topic, {})[name[0] if not count else f"{name[0]}/{count}"] = row
    if told := takes(component, config, name[1]):
        topics.setdefault(pseudo_topic(device[0]), {})[name[0]] = [list(entry) for entry in told]
    for topic, template, online, offline in _availability(config):
        row = ["availability", device[0], "availability", "", "", template, online, offline]
        topics.setdefault(topic, {})[f"availability:{device[0]}"] = row


def _availability(config: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    """Topic, template and words of a device's availability; of several that must all hold the last is its own."""
    told = _listed(config)
    if _plain(config.get("availability_topic")):
        template = config.get("availability_template")
        told = [{**config, "topic": config["availability_topic"], "value_template": template}]
    if config.get("availability_mode") == "all":
        told = told[-1:]
    for item in told:
        topic, template = item.get("topic"), item.get("value_template")
        words = [item.get("payload_available"), item.get("payload_not_available")]
        online, offline = (
            str(w)[:64] if w is not None else u for w, u in zip(words, ("online", "offline"), strict=True)
        )
        understood = template is None or (
            isinstance(template, str) and compiled(template[: TEMPLATE_MAX + 1])
        )
        if _plain(topic) and understood:
            yield str(topic), template or "", online, offline


def _listed(config: Mapping[str, Any]) -> list[dict[str, Any]]:
    listed = config.get("availability")
    items = [listed] if isinstance(listed, dict) else listed if isinstance(listed, list) else []
    return [_expanded(i) for i in items[:8] if isinstance(i, dict)]


def _expanded(config: Mapping[str, Any]) -> dict[str, Any]:
    return {_ABBREVIATIONS.get(key, key): value for key, value in config.items()}


def _based(config: Mapping[str, Any], base: Any) -> dict[str, Any]:
    """The config with `~` in its topics replaced by the base."""
    if not isinstance(base, str):
        return dict(config)

    def full(topic: Any) -> Any:
        if not isinstance(topic, str) or not topic:
            return topic
        topic = base + topic[1:] if topic[0] == "~" else topic
        return topic[:-1] + base if topic[-1:] == "~" else topic

    based = {k: full(v) if k.endswith(("topic", "_t")) else v for k, v in config.items() if k != "~"}
    if "availability" in based:
        based["availability"] = [{**i, "topic": full(i.get("topic"))} for i in _listed(based)]
    return based


def _device(config: Mapping[str, Any], named: str) -> tuple[str, str]:
    """The device's native name (its first identifier, its first connection, its name) and what it is called."""
    device = config.get("device")
    about = {_DEVICE.get(k, k): v for k, v in device.items()} if isinstance(device, dict) else {}
    ids, connections, called = about.get("identifiers"), about.get("connections"), about.get("name")
    first = ids[0] if isinstance(ids, list) and ids else ids
    if not isinstance(first, str | int) or not str(first):
        pair = connections[0] if isinstance(connections, list) and connections else None
        first = pair[1] if isinstance(pair, list) and len(pair) == 2 else None
    native = next((str(n) for n in (first, called, named) if isinstance(n, str | int) and str(n)), "device")
    return native[:_NATIVE_MAX], called[:_NATIVE_MAX] if isinstance(called, str) else ""


def _esphome(config: Mapping[str, Any], component: str) -> str:
    """An ESPHome node goes by its topic prefix, as it does in its own codec."""
    topic = config.get("state_topic")
    shape = _ESPHOME.fullmatch(topic) if isinstance(topic, str) else None
    if shape is None or shape[2] != component:
        return ""
    available = config.get("availability_topic")
    return shape[1][:_NATIVE_MAX] if available in (None, f"{shape[1]}/status") else ""


def _plain(topic: Any) -> bool:
    """Whether it is the name of one topic."""
    return isinstance(topic, str) and 0 < len(topic) <= 512 and "+" not in topic and "#" not in topic
