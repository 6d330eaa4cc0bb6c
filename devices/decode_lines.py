"""The engine of `csg decode`: one message a line in, what was understood of it a line out."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from devices.codec import Decoded, Message
from devices.decode import CODECS, Decoder
from devices.discover import PluginMissing, PluginUnknown
from devices.profile import Profiles
from devices.reading import METRICS, Flag, MetricClass, Reading, split_point
from devices.units import symbol

SOURCE: Final = "decode"
"""The source every line is taken to come from; it does not show in the output."""


def decode_lines(lines: Iterable[str | bytes], profiles: Profiles | None = None) -> Iterator[str]:
    """Decode JSON Lines of messages, each to one line of JSON.

    In: `{"topic", "payload"}` with optional `id`, `format` (a codec's name, else the topic decides; with it the topic
    may be absent), `encoding` ("base64" for bytes), `retained`, `now` (UTC ms of arrival). Out: `{"id", "format",
    "readings": [{"device", "metric", "value", "unit", "class", "alarm", "channel", "historical", "invalid",
    "measured_at"}], "quarantine"}`.
    `quarantine` is null or `code: words`, `measured_at` UTC milliseconds or null, `alarm` true or false for an
    alarm-class statement and null for all else. Empty lines are skipped; a line that is no such object becomes a
    quarantined line. What one line teaches a codec holds for the lines after it. `profiles` are a site's with the
    shipped ones; without them the shipped ones hold.
    """
    contexts: dict[tuple[str, str], dict[str, Any]] = {}
    decoders = {"": Decoder(contexts, profiles=profiles)}
    for line in lines:
        if not line.strip():
            continue
        try:
            record = msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            yield _line(None, None, Decoded(quarantine=f"bad-record: {error}"))
            continue
        yield _record(decoders, contexts, record, profiles)


def _record(
    decoders: dict[str, Decoder],
    contexts: dict[tuple[str, str], dict[str, Any]],
    record: Any,
    profiles: Profiles | None,
) -> str:
    if not isinstance(record, dict):
        return _line(None, None, Decoded(quarantine="bad-record: a line is an object"))
    given, name = _name(record.get("id")), _name(record.get("format"))
    message = _message(record)
    if isinstance(message, str):
        return _line(given, name, Decoded(quarantine=f"bad-record: {message}"))
    wanted = name.replace("-", "_") if isinstance(name, str) else ""
    if wanted not in decoders:
        try:
            CODECS[wanted]
        except (PluginUnknown, PluginMissing) as error:
            return _line(given, name, Decoded(quarantine=f"unknown-format: {error}"))
        decoders[wanted] = Decoder(contexts, {SOURCE: (wanted,)}, profiles=profiles)
    codec, decoded = decoders[wanted].answer(message)
    for learned in decoded.learned:
        known = contexts.setdefault((codec, SOURCE), {})
        if learned.value is None:
            known.pop(learned.key, None)
        else:
            known[learned.key] = learned.value
    return _line(given, name or codec.replace("_", "-") or None, decoded)


def _name(given: Any) -> str | int | None:
    """What a line calls itself: text, or a number small enough to be written back as one."""
    if given is None or isinstance(given, str) or (isinstance(given, int) and abs(given) < 1 << 53):
        return given
    return str(given)[:255]


def _message(record: dict[str, Any]) -> Message | str:
    # Frames and HTTP bodies have no topic; their `format` says who reads them.
    topic, payload, now = record.get("topic") or "", record.get("payload"), record.get("now", 0)
    if not isinstance(topic, str) or not isinstance(payload, str) or not (topic or record.get("format")):
        return "topic and payload are texts; only with a format may the topic be absent"
    if not isinstance(now, int):
        return "now is a number of milliseconds"
    data = payload.encode()
    if record.get("encoding") == "base64":
        try:
            data = b64decode(payload, validate=True)
        except (binascii.Error, ValueError):
            return "payload is not base64"
    elif record.get("encoding") is not None:
        return "encoding is base64 or absent"
    return Message(SOURCE, topic, data, record.get("retained") is True, now)


def _line(given: str | int | None, name: str | int | None, decoded: Decoded) -> str:
    readings = [shown(reading) for reading in decoded.readings]
    out = {"id": given, "format": name, "readings": readings, "quarantine": decoded.quarantine}
    return msgspec.json.encode(out).decode()


def shown(reading: Reading) -> dict[str, Any]:
    """A reading as a line shows it: a statement about the past is a status and raises nothing."""
    device, name, channel = split_point(reading.point)
    metric = METRICS.get(name)
    historical = bool(reading.flags & Flag.HISTORICAL)
    klass = metric.klass if metric is not None and not historical else MetricClass.STATUS
    active = reading.value if klass is MetricClass.ALARM and isinstance(reading.value, bool) else None
    return {
        "device": device.removeprefix(f"{SOURCE}:"),
        "metric": name,
        "value": reading.value,
        "unit": symbol(metric.unit) if metric is not None else None,
        "class": klass,
        "alarm": active,
        "channel": channel or None,
        "historical": historical,
        "invalid": bool(reading.flags & Flag.INVALID),
        "measured_at": reading.measured_at,
    }
