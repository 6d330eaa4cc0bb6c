"""What is sent down to an ESPHome node: `<prefix>/<component>/<object>/command`, of objects that were heard.

Source: esphome.io, "MQTT Client Component", "Switch Component", "Valve Component", "Lock Component".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from devices.codec import Ask, Learned
from devices.names import meaning_of

OBJECTS_MAX: Final = 16
"""Objects remembered of one node: a board has so many outputs."""

NODES_MAX: Final = 4096
"""Nodes remembered of one source."""

_TAKING: Final = frozenset(("switch", "valve", "lock"))
_VALUES: Final = {"siren_on": b"ON", "siren_off": b"OFF", "relay_off": b"OFF"}
_SWITCHES: Final[Mapping[str, tuple[tuple[str, ...], bytes]]] = {
    "mute": (("muted",), b"ON"),
    "self_test": (("test", "self_test"), b"ON"),
}
_SIREN: Final = frozenset(("buzzer", "alarm_flag"))


def node_key(prefix: str) -> str:
    """The context key of the objects of a node that can be told something: `[component/object, ...]`."""
    return f"takes:{prefix}"


def learned(context: Mapping[str, Any], prefix: str, component: str, name: str) -> tuple[Learned, ...]:
    """That a node has this object, where it takes commands and that is new."""
    if component not in _TAKING:
        return ()
    known = context.get(node_key(prefix))
    path = f"{component}/{name[:120]}"
    if known is None:
        return (Learned(node_key(prefix), [path]),) if len(context) < NODES_MAX else ()
    if path in known or len(known) >= OBJECTS_MAX:
        return ()
    return (Learned(node_key(prefix), sorted([*known, path])),)


def command(
    context: Mapping[str, Any], native: str, name: str, identity: str, expires_at: int
) -> Sequence[Ask] | str:
    """The valve, the switch whose name says it, or the only switch; where several would do, none is chosen."""
    known = context.get(node_key(native))
    if not known:
        return "unknown-device: no switch or valve of such a node was heard"
    valves = [path for path in known if path.startswith("valve/")]
    switches = {path: _meant(path) for path in known if path.startswith("switch/")}
    if name == "valve_close":
        fitting, value = valves, b"CLOSE"
    elif name == "unlock":
        fitting, value = [path for path in known if path.startswith("lock/")], b"UNLOCK"
    elif name in _SWITCHES:
        metrics, value = _SWITCHES[name]
        fitting = [path for path, meant in switches.items() if meant in metrics]
    else:
        value = _VALUES.get(name, b"")
        plain = [path for path, meant in switches.items() if meant in {"", "relay", "switch_state"}]
        sirens = [path for path, meant in switches.items() if meant in _SIREN]
        fitting = (sirens or plain) if name.startswith("siren") else plain if value else []
    if len(fitting) != 1:
        return f"not-taken: {len(fitting)} of its objects mean {name}"
    return (Ask(f"{native}/{fitting[0]}/command", value),)


def _meant(path: str) -> str:
    """The metric that the name of an object means, empty for a name that says nothing."""
    words = path.partition("/")[2]
    found = meaning_of(words)
    if found is not None:
        return found.term.level or found.term.text
    return "buzzer" if {"siren", "alarm", "bell", "horn"} & set(words.split("_")) else ""
