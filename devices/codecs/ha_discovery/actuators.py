"""What the states of discovered valves, switches, sirens, doors, panels and buttons say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from devices.codecs.ha_discovery.called import Called, Read, payload, text
from devices.names import meaning_of
from devices.reading import METRICS, MetricClass

_DOORS: Final = frozenset(("door", "garage", "gate", "window"))


def _siren(config: Mapping[str, Any], called: Called) -> Read:
    on, off = payload(config, "on", "ON"), payload(config, "off", "OFF")
    return "level", "buzzer", called.channel("siren"), "", on, off


def _switch(config: Mapping[str, Any], called: Called) -> Read:
    on, off = payload(config, "on", "ON"), payload(config, "off", "OFF")
    _, meant = called.meaning(level=True)
    if meant is not None and meant.term.level in {"muted", "self_test"}:
        return "level", meant.term.level, meant.channel, "", on, off
    return "switch", "switch_state", called.channel("switch relay power outlet"), "", on, off


def _valve(config: Mapping[str, Any], called: Called) -> Read:
    channel = called.channel("valve gas water")
    if config.get("reports_position") is True:
        return "position", "valve_open", channel, "", "", str(config.get("position_closed", 0))[:16]
    opened, closed = payload(config, "open", "open"), payload(config, "closed", "closed")
    return "valve", "valve_open", channel, "", opened, closed


def _cover(config: Mapping[str, Any], called: Called) -> Read:
    """Doors and gates with a motor; shutters and blinds are comfort."""
    if config.get("device_class") not in _DOORS:
        return None
    opened, closed = payload(config, "open", "open"), payload(config, "closed", "closed")
    return "cover", "door_open", called.channel("door gate window garage"), "", opened, closed


def _lock(config: Mapping[str, Any], called: Called) -> Read:
    return "lock", "fault", called.channel("lock"), "", payload(config, "jammed", "JAMMED"), ""


def _panel(config: Mapping[str, Any], called: Called) -> Read:
    return "panel", "intrusion", called.channel("alarm panel"), "", "triggered", ""


def _event(config: Mapping[str, Any], called: Called) -> Read:
    subject = "motion" if config.get("device_class") == "motion" else "button"
    subject = "sos" if _alarm_of(called.all) == "sos" else subject
    return "event", subject, called.channel(f"{subject} button"), "", "", ""


def _trigger(config: Mapping[str, Any], called: Called) -> Read:
    kind, sub = text(config.get("type"), 64), text(config.get("subtype"), 64)
    said, channel = (sub, "") if kind in {"action", "click"} else (kind, sub)
    return "trigger", said or "press", channel, "", text(config.get("payload"), 64), ""


def _alarm_of(names: Iterable[str]) -> str:
    """The alarm metric that one of the names means."""
    for name in names:
        found = meaning_of(name)
        if found is not None and found.term.level and METRICS[found.term.level].klass is MetricClass.ALARM:
            return found.term.level
    return ""


ACTUATORS: Final[Mapping[str, Callable[[Mapping[str, Any], Called], Read]]] = {
    "alarm_control_panel": _panel,
    "cover": _cover,
    "device_automation": _trigger,
    "event": _event,
    "lock": _lock,
    "siren": _siren,
    "switch": _switch,
    "valve": _valve,
}
"""The components that do something, or to which something is done."""
