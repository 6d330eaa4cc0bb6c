"""Discovered entities: which topics of one say something, and the rows that read them.

Source: home-assistant.io, "MQTT" and the pages of its platforms.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from devices.codecs.ha_discovery.actuators import ACTUATORS
from devices.codecs.ha_discovery.called import called, text
from devices.codecs.ha_discovery.sensors import binary_sensor, sensor
from devices.codecs.ha_discovery.templates import TEMPLATE_MAX, compiled
from devices.vocabulary import clean_channel

Row = list[Any]
"""How one entity reads one topic: `[kind, device, subject, channel, unit, template, on, off]`; see `states`."""


COMPONENTS: Final = frozenset((
    "alarm_control_panel", "binary_sensor", "button", "camera", "climate", "cover", "date", "datetime",
    "device_automation", "device_tracker", "event", "fan", "humidifier", "image", "lawn_mower", "light", "lock",
    "notify", "number", "scene", "select", "sensor", "siren", "switch", "tag", "text", "time", "update", "vacuum",
    "valve", "water_heater",
))  # fmt: skip
"""What may be discovered (homeassistant.components.mqtt.const)."""


def entity_rows(
    component: str, config: Mapping[str, Any], device: str, device_name: str, named: str
) -> Iterator[tuple[str, Row]]:
    """`(topic, row)` of every topic whose messages say something. `named` is the object id in the topic."""
    topic = config.get("state_topic") or config.get("topic")
    template = text(config.get("value_template") or config.get("state_value_template"), TEMPLATE_MAX + 1)
    if component == "climate":
        for what in ("temperature", "humidity"):
            measured = config.get(f"current_{what}_topic")
            if isinstance(measured, str):
                own = text(config.get(f"current_{what}_template"), TEMPLATE_MAX + 1)
                unit = "°F" if what == "temperature" and config.get("temperature_unit") == "F" else ""
                yield measured, _checked(["number", device, what, "", unit, own, "", ""])
        return
    if not isinstance(topic, str) or not topic or config.get("entity_category") == "config":
        return
    reader = _READERS.get(component)
    row = reader(config, called(config, template, topic, device_name, named)) if reader else None
    if row is not None:
        kind, subject, channel, unit, on, off = row
        yield topic, _checked([kind, device, subject, clean_channel(channel), unit, template, on, off])


_READERS: Final = {**ACTUATORS, "binary_sensor": binary_sensor, "sensor": sensor}


def _checked(row: Row) -> Row:
    """The row, or the reason in its place if its template is not understood."""
    template = row[5]
    if template and compiled(template) is None:
        return ["opaque", row[1], row[2], row[3], "", template[:80], "", ""]
    return row
