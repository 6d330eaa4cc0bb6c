"""What is sent down to a Homie device: `.../<node>/<property>/set` of a property it says can be set.

Source: homieiot.github.io, "Specification" 4.0.0 and 5.0.0, "Property command topic".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from devices.codec import Ask
from devices.codecs.homie.description import entry_key
from devices.codecs.homie.properties import subject

_WANTED: Final[Mapping[str, tuple[tuple[str, ...], bytes]]] = {
    # command: what the property is about, the better first, and the value
    "siren_on": (("buzzer", "alarm_flag", "relay", "switch_state"), b"true"),
    "siren_off": (("buzzer", "alarm_flag", "relay", "switch_state"), b"false"),
    "valve_close": (("valve_open",), b"false"),
    "relay_off": (("relay", "switch_state"), b"false"),
    "mute": (("muted",), b"true"),
    "self_test": (("test", "self_test"), b"true"),
}


def command(
    context: Mapping[str, Any], native: str, name: str, identity: str, expires_at: int
) -> Sequence[Ask] | str:
    """A settable boolean that means what is asked for; where several would do, none is chosen."""
    root, _, rest = native.rpartition("/")
    topic = f"{root or 'homie'}/5/{rest}"
    entry = context.get(entry_key(root or "homie", 5, rest))
    if entry is None and not root:
        entry, topic = context.get(entry_key("homie", 4, native)), f"homie/{native}"
    if entry is None:
        return "unknown-device: it has not described itself"
    wanted, value = _WANTED.get(name, ((), b""))
    fitting: dict[str, list[str]] = {}
    for path, row in entry[1].items():
        node, _, prop = path.partition("/")
        meant = (
            subject(node, prop, entry[0].get(node, ""), row[3]) if row[2] and row[0] == "boolean" else None
        )
        if meant is not None and not meant.term.inverted:
            fitting.setdefault(meant.term.level or meant.term.text, []).append(path)
    paths = next((fitting[metric] for metric in wanted if metric in fitting), [])
    if not paths:
        return f"not-taken: no property that can be set means {name}"
    if len(paths) > 1:
        return f"not-taken: {len(paths)} properties mean {name}"
    return (Ask(f"{topic}/{paths[0]}/set", value),)
