"""What is sent down by Sparkplug B: a boolean metric that a birth named is written by NCMD or DCMD.

Source: Eclipse Sparkplug Specification 3.0.0, 6.4.20 and 6.4.21 (NCMD, DCMD): metrics to be written, by name, each with
its time and type. A birth does not say which of its metrics take a write; one that takes none stays as it is, and the
device's own DATA is the word on it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from devices.codec import LIFE_MS, Ask
from devices.codecs.sparkplug_b.names import meant
from devices.codecs.sparkplug_b.wire import BOOLEAN, boolean

_WANTED: Final[Mapping[str, tuple[tuple[str, ...], bool]]] = {
    # command: what the metric is about, the better first, and the value
    "siren_on": (("buzzer", "alarm_flag", "relay", "switch_state"), True),
    "siren_off": (("buzzer", "alarm_flag", "relay", "switch_state"), False),
    "valve_close": (("valve_open",), False),
    "relay_off": (("relay", "switch_state"), False),
}


def command(
    context: Mapping[str, Any], native: str, name: str, identity: str, expires_at: int
) -> Sequence[Ask] | str:
    """The boolean of the device's birth that means what is asked for; where several would do, none is chosen."""
    table = context.get(f"birth:{native}")
    group, _, rest = native.partition("/")
    node, _, device = rest.partition("/")
    if not table or not node:
        return "unknown-device: no birth of it was seen"
    wanted, value = _WANTED.get(name, ((), False))
    fitting: dict[str, list[str]] = {}
    for key, row in table.items():
        found = meant(row[0], True) if row and not key.startswith("#") and row[1] == BOOLEAN else None
        if found is not None and not found[0].term.inverted:
            fitting.setdefault(found[0].term.level or found[0].term.text, []).append(row[0])
    names = next((fitting[metric] for metric in wanted if metric in fitting), [])
    if len(names) != 1:
        return f"not-taken: {len(names)} metrics of its birth mean {name}"
    topic = f"spBv1.0/{group}/DCMD/{node}/{device}" if device else f"spBv1.0/{group}/NCMD/{node}"
    return (Ask(topic, boolean(names[0], value, expires_at - LIFE_MS)),)
