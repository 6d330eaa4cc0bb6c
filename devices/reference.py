"""Writes the reference of what devices can say: metrics, codecs with their examples, and the native JSON Schemas.

`python -m devices.reference docs/reference` writes the files; a test fails when they are not what the code says.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from devices.codec import Example
from devices.codecs.native.events import HAZARDS, TYPES
from devices.codecs.native.telemetry import BATCH_MAX, VERSION
from devices.decode import CODECS
from devices.instants import EARLIEST_MS
from devices.reading import METRICS, TEXT_MAX, Metric, MetricClass
from devices.terms import RANGES
from devices.units import symbol

_MARK: Final = "Generated from the code by `python -m devices.reference docs/reference`; edit the code.\n"


def pages() -> dict[str, str]:
    """Every file of the reference this module owns, by its path below `docs/reference`."""
    files = {"metrics.md": _metrics(), "codecs.md": _index()}
    files |= {f"codecs/{name}.md": _codec(name) for name in CODECS}
    for name, schema in native_schemas().items():
        files[f"native/{name}.schema.json"] = _json(schema)
    for name, (good, bad) in NATIVE_EXAMPLES.items():
        files[f"native/{name}.good.json"], files[f"native/{name}.bad.json"] = _json(good), _json(bad)
    return files


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    def line(cells: Iterable[str]) -> str:
        return "| " + " | ".join(c.replace("|", "\\|").replace("\n", " ") for c in cells) + " |\n"

    head = list(head)
    return line(head) + line("---" for _ in head) + "".join(line(row) for row in rows)


def _metrics() -> str:
    def row(m: Metric) -> Iterable[str]:
        low, high = RANGES.get(m.name, (None, None))
        span = "" if low is None else f"{low:g} to {high:g}"
        about = [m.condition, m.hazard, f"{m.privacy} privacy", "every one is new" if m.pulse else None]
        return f"`{m.name}`", symbol(m.unit) or "", span, ", ".join(str(a) for a in about if a)

    text = f"# Metrics\n\n{_MARK}\nA number outside its range is kept and flagged invalid, never judged.\n"
    for klass in MetricClass:
        rows = [row(m) for m in METRICS.values() if m.klass is klass]
        text += f"\n## {str(klass).capitalize()}\n\n" + _table(("metric", "unit", "range", "about"), rows)
    return text


def _index() -> str:
    rows = []
    for name in CODECS:
        install = CODECS.install(name)
        about = (CODECS[name].__doc__ or "").split("\n\n")[0] if install is None else f"needs `{install}`"
        rows.append((f"[{name}](codecs/{name}.md)", about))
    return f"# Codecs\n\n{_MARK}\n" + _table(("codec", "what it reads"), rows)


def _codec(name: str) -> str:
    codec = CODECS[name]
    text = f"# {name}\n\n{_MARK}\n{(codec.__doc__ or '').strip()}\n\n## Topics\n\n"
    only = {True: "alarms only", False: ""}
    text += _table(("filter", ""), ((f"`{t.filter}`", only[t.alarm_only]) for t in codec.TOPICS))
    return text + "\n## Examples\n" + "".join(_example(e) for e in codec.EXAMPLES)


def _example(example: Example) -> str:
    try:
        payload = example.payload.decode().replace("\r\n", "\n")
    except UnicodeDecodeError:
        payload = f"(hex) {example.payload.hex(' ')}"
    text = f"\n### {example.title}\n\n`{example.topic}`{' (retained)' if example.retained else ''}"
    text += f"\n\n```\n{payload}\n```\n" if payload else ", empty\n"
    if example.readings:
        rows = ((f"`{d}`", f"`{m}`", c, json.dumps(v, ensure_ascii=False)) for d, m, c, v in example.readings)
        text += "\n" + _table(("device", "metric", "channel", "value"), rows)
    if example.quarantine:
        text += f"\nSet aside: `{example.quarantine}`.\n"
    elif not example.readings:
        text += "\nUnderstood, and no reading.\n"
    return text


_DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"
_SCALAR: Final = ["boolean", "number", "string", "null"]
_HEAD: Final[dict[str, Any]] = {
    "v": {"const": VERSION, "description": "Version of the contract."},
    "ts": {
        "type": "integer",
        "minimum": EARLIEST_MS,
        "description": "When it was measured, Unix milliseconds UTC. Without it the time of arrival counts.",
    },
    "id": {
        "type": ["string", "integer"],
        "maxLength": 64,
        "description": "The device's own id of the message, to tell a repetition from something new.",
    },
}


def _value_schema(metric: Metric) -> dict[str, Any]:
    about = f"{metric.klass}" + (f", {symbol(metric.unit)}" if metric.unit else "")
    if metric.klass is MetricClass.STATUS:
        return {"type": _SCALAR, "maxLength": TEXT_MAX, "description": about}
    if metric.klass is not MetricClass.MEASUREMENT:
        return {"type": ["boolean", "null"], "description": about}
    low, high = RANGES.get(metric.name, (None, None))
    bounds = {} if low is None else {"minimum": low, "maximum": high}
    return {"type": ["number", "null"], **bounds, "description": about}


def native_schemas() -> Mapping[str, dict[str, Any]]:
    """The JSON Schema (draft 2020-12) of each native message, by the last level of its topic."""
    metrics = {name: _value_schema(METRICS[name]) for name in sorted(METRICS)}
    one = {
        "type": "object",
        "required": ["v"],
        "properties": {**_HEAD, **metrics},
        "additionalProperties": True,
        "description": "Metrics by their canonical names and units; other keys are kept as status.",
    }
    hazards = sorted({*HAZARDS, *(n for n, m in METRICS.items() if m.klass is MetricClass.ALARM)})
    event = {
        "type": "object",
        "required": ["v", "type"],
        "properties": {
            **_HEAD,
            "type": {"enum": sorted(TYPES)},
            "data": {
                "type": "object",
                "properties": {
                    "hazard": {"enum": hazards},
                    "channel": {"type": "string", "maxLength": 64},
                    "value": {"type": ["number", "boolean"]},
                    "unit": {"type": "string", "maxLength": 16},
                },
            },
        },
        "if": {"properties": {"type": {"enum": ["alarm", "alarm_clear"]}}},
        "then": {"required": ["data"], "properties": {"data": {"required": ["hazard"]}}},
    }
    states = {"enum": ["online", "offline"]}
    schemas: dict[str, dict[str, Any]] = {
        "telemetry": {
            "oneOf": [{"$ref": "#/$defs/one"}, {"type": "array", "minItems": 1, "maxItems": BATCH_MAX,
                                                "items": {"$ref": "#/$defs/one"}}],
            "$defs": {"one": one},
        },
        "event": event,
        "status": {"anyOf": [states, {"type": "object", "required": ["state"], "properties": {"state": states}}]},
        "command": {
            "type": "object",
            "required": ["id", "name"],
            "properties": {
                "id": {"type": "string", "maxLength": 64},
                "name": {"type": "string", "maxLength": 64},
                "args": {"type": "object"},
                "expires": {"type": "integer", "description": "Unix milliseconds UTC; later it is not carried out."},
            },
        },
        "result": {
            "type": "object",
            "required": ["id", "ok"],
            "properties": {
                "id": {"type": "string", "maxLength": 64},
                "ok": {"type": "boolean"},
                "state": {"type": ["object", "null"]},
                "error": {"type": ["string", "null"]},
            },
        },
    }  # fmt: skip
    return {
        n: {"$schema": _DRAFT, "title": f"community/{{site}}/{{device}}/{n}", **s} for n, s in schemas.items()
    }


NATIVE_EXAMPLES: Final[Mapping[str, tuple[Any, Any]]] = {
    "telemetry": (
        {"v": 1, "ts": 1763760000000, "id": "a17", "smoke": False, "temperature": 23.4, "battery": 87},
        {"v": 1, "ts": "2025-11-21T21:20:00Z", "smoke": "no", "temperature": "23.4"},
    ),
    "event": (
        {
            "v": 1,
            "ts": 1763760000000,
            "id": "e1",
            "type": "alarm",
            "data": {"hazard": "gas", "channel": "kitchen", "value": 22, "unit": "%LEL"},
        },
        {"v": 1, "type": "alarm", "data": {"value": "high"}},
    ),
    "status": ("online", "asleep"),
    "command": (
        {"id": "c1", "name": "hush", "args": {"seconds": 60}, "expires": 1763760060000},
        {"name": "hush", "args": "60"},
    ),
    "result": ({"id": "c1", "ok": True, "state": {"muted": True}, "error": None}, {"id": "c1", "ok": "yes"}),
}
"""One good and one bad message of each kind, published beside the schemas."""


def main(folder: str) -> None:
    """Write all pages below a folder."""
    for name, text in pages().items():
        path = Path(folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
