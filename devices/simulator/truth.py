"""What really happened: one label for every message a simulated site sends, so that tests can count exactly."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

import msgspec


class What(StrEnum):
    """What a message is, whatever it looks like."""

    STATUS = "status"  # online, said by the device
    WILL = "will"  # offline, said by the broker on its behalf
    BRIDGE = "bridge"  # said by what stands between device and broker
    REPORT = "report"  # a normal report
    ALARM = "alarm"  # the first word of an alarm; of a pulse, each one
    REPEAT = "repeat"  # a report that says again what is still so
    CLEAR = "clear"
    TEST = "test"
    HUSH = "hush"
    LOW_BATTERY = "low_battery"
    TAMPER = "tamper"
    DUPLICATE = "duplicate"  # the same bytes once more
    LATE = "late"  # stored by the device and sent when it could
    FLOOD = "flood"
    GARBAGE = "garbage"  # no device should send this


class Label(msgspec.Struct, frozen=True, gc=False):
    """One message: the n-th of its site, counted from 0.

    `at` is UTC ms of sending, `measured_at` what the device's own clock said (None: it said nothing). `verb` is why it
    was sent, empty for reports by the clock. `sequence` is the device's id of the message. `readings` is what a decoder
    must find in it, by metric; None for batches (`rows` then holds measured_at and readings of each) and garbage.
    `of` is the label number of the message a duplicate repeats.
    """

    n: int
    at: int
    device: str
    what: What
    verb: str
    topic: str
    sequence: str | None = None
    measured_at: int | None = None
    readings: Mapping[str, Any] | None = None
    rows: tuple[tuple[int | None, Mapping[str, Any]], ...] = ()
    of: int | None = None


class Truth:
    """All labels in the order of sending; with `keep` only the newest so many. The counts stay exact for ever."""

    def __init__(self, keep: int | None = None) -> None:
        self._labels: deque[Label] = deque(maxlen=keep)
        self.counts: Counter[What] = Counter()
        self.total = 0

    def add(self, label: Label) -> None:
        """Note one message as sent."""
        self._labels.append(label)
        self.counts[label.what] += 1
        self.total += 1

    def of(self, device: str | None = None, what: What | None = None, verb: str | None = None) -> list[Label]:
        """The kept labels that fit all that is given."""
        return [
            label
            for label in self._labels
            if (device is None or label.device == device)
            and (what is None or label.what is what)
            and (verb is None or label.verb == verb)
        ]

    def __iter__(self) -> Iterator[Label]:
        return iter(self._labels)

    def __len__(self) -> int:
        return len(self._labels)

    def __getitem__(self, index: int) -> Label:
        return self._labels[index]
