"""A listener that decodes what a simulated site sends with the house's codecs, and compares it with the truth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from devices.codec import Decoded, Message
from devices.decode import Decoder
from devices.reading import split_point
from devices.simulator import Label, Sent, SimulatedSite, What

SOURCE = "sim"


class Listener:
    """Decodes as an engine does: what codecs learn is kept and handed back."""

    def __init__(self) -> None:
        self._contexts: dict[tuple[str, str], dict[str, Any]] = {}
        self._decoder = Decoder(self._contexts)

    def hear(self, sent: Sent) -> Decoded:
        """What one message means at the moment it was sent."""
        codec, decoded = self._decoder.answer(Message(SOURCE, sent.topic, sent.payload, False, sent.at))
        context = self._contexts.setdefault((codec, SOURCE), {})
        for learned in decoded.learned:
            if learned.value is None:
                context.pop(learned.key, None)
            else:
                context[learned.key] = learned.value
        return decoded


def rows(decoded: Decoded) -> list[tuple[int | None, dict[str, Any]]]:
    """`(measured_at, metric -> value)` for each moment a message tells of, in its order."""
    found: list[tuple[int | None, dict[str, Any]]] = []
    for reading in decoded.readings:
        metric = split_point(reading.point)[1]
        if not found or found[-1][0] != reading.measured_at or metric in found[-1][1]:
            found.append((reading.measured_at, {}))
        found[-1][1][metric] = reading.value
    return found


def agree(site: SimulatedSite, messages: Iterable[Sent]) -> dict[What, int]:
    """Assert that every message means exactly what its label says; gives how many of what there were."""
    listener = Listener()
    counts: dict[What, int] = {}
    for label, sent in zip(site.truth, messages, strict=True):
        one(site, label, sent, listener.hear(sent))
        counts[label.what] = counts.get(label.what, 0) + 1
    return counts


def one(site: SimulatedSite, label: Label, sent: Sent, decoded: Decoded) -> None:
    """Assert that one message means what its label says."""
    assert (label.at, label.topic) == (sent.at, sent.topic)
    if label.what is What.GARBAGE:
        assert decoded.quarantine is not None, sent.payload[:100]
        return
    assert decoded.quarantine is None, (label, sent.payload, decoded.quarantine)
    if label.device:
        devices = {split_point(r.point)[0] for r in decoded.readings}
        assert devices <= {site.device_id(label.device, SOURCE)}, (devices, label)
    expected = list(label.rows) or ([(label.measured_at, label.readings)] if label.readings else [])
    if label.what in (What.STATUS, What.WILL, What.BRIDGE):
        expected = [(None, readings) for _, readings in expected]
    heard = rows(decoded)
    assert [at for at, _ in heard] == [at for at, _ in expected], (label, sent.payload)
    for (_, found), (_, wanted) in zip(heard, expected, strict=True):
        assert found == nears(wanted or {}), (label, sent.payload)
    if sent.topic.startswith("community/"):
        assert decoded.sequence == label.sequence


def nears(readings: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers may lose the last of twelve digits in a conversion of units."""
    return {k: near(v) for k, v in readings.items()}


def near(value: Any) -> Any:
    """The value, or one that is the same but for its last digits."""
    return pytest.approx(value) if type(value) is float else value
