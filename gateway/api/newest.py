"""Answers of every point's latest value: columns encoded at once, kept until a value changes or becomes old."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

import msgspec

from devices.reading import METRICS
from gateway.api.problems import Problem
from gateway.api.shaping import NOT_LIVE, allowed_ms
from gateway.api.world import World
from gateway.latest import Latest

POINTS_MAX: Final = 200_000
"""Points of one answer, about 20 MB: a large district. A city is asked site by site."""

SEEN_MAX: Final = 4
"""Different answers kept, of those asked last: the console's, a platform's, and two more."""

FIELDS: Final = ("point", "value", "at_ms", "measured_at_ms", "flags", "stale")
UNITS: Final = {m.name: m.unit for m in METRICS.values() if m.unit is not None}

_json: Final = msgspec.json.Encoder().encode
_HEAD: Final = _json({"fields": FIELDS, "units": UNITS})[:-1] + b',"rows":'


class _Seen:
    """Who may see which points, and the last answer they got."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.looked = 0  # points that were looked at
        self.indexes: list[int] = []
        self.patience: list[int] = []  # ms until a point's value is old, beside `indexes`
        self.all = True
        self.changes = -1
        self.made_at = self.good_until = 0
        self.tag, self.answer = "", b""


class Newest:
    """Answers, each kept until a value changes or becomes old; safe from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: OrderedDict[object, _Seen] = OrderedDict()
        self._boot = secrets.token_hex(4)  # counts begin anew with each process
        self._made = 0

    def body(
        self, who: object, known: Latest, world: World, want: Callable[[str], bool], now: int
    ) -> tuple[str, bytes]:
        """The tag and the answer at `now` (UTC ms). Raises `too_many`."""
        with self._lock:
            seen = self._seen.pop(who, None)
            if seen is None or seen.world is not world:
                seen = _Seen(world)
            self._seen[who] = seen
            if len(self._seen) > SEEN_MAX:
                self._seen.popitem(last=False)
            if seen.changes != known.changes() or not seen.made_at <= now < seen.good_until:
                self._make(seen, known, want, now)
            return seen.tag, seen.answer

    def _make(self, seen: _Seen, known: Latest, want: Callable[[str], bool], now: int) -> None:
        columns = known.columns()
        names = columns.names
        self._look(seen, names, want)
        at, flags = columns.at, columns.flags
        values, measured = columns.values, columns.measured_at
        if not seen.all:
            i = seen.indexes
            names, values, at = [names[n] for n in i], [values[n] for n in i], [at[n] for n in i]
            measured, flags = [measured[n] for n in i], [flags[n] for n in i]
        until = [a + p if not f & NOT_LIVE else 0 for a, p, f in zip(at, seen.patience, flags, strict=True)]
        stale = [u < now for u in until]
        rows = zip(names, values, at, measured, flags, stale, strict=True)
        # A point that was erased has said nothing.
        told = list(rows) if 0 not in at else [row for row in rows if row[2]]
        seen.answer = _HEAD + _json(told) + b"}"
        seen.good_until = min((u for u in until if u >= now), default=2**62) + 1
        seen.changes, seen.made_at = columns.changes, now
        self._made += 1
        seen.tag = f'"{self._boot}-{self._made}"'

    def _look(self, seen: _Seen, names: list[str], want: Callable[[str], bool]) -> None:
        """Which of the points that came since may be seen. Names are never taken away."""
        devices = seen.world.catalogue.devices
        answers: dict[str, tuple[bool, int]] = {}
        for i in range(seen.looked, len(names)):
            device = names[i].rsplit("/", 2)[0]
            told = answers.get(device)
            if told is None:
                row = devices.get(device)
                told = (want(device), allowed_ms(row.report_period_s if row is not None else None))
                answers[device] = told
            if told[0]:
                if len(seen.indexes) >= POINTS_MAX:
                    raise Problem("too_many", f"more than {POINTS_MAX} points: ask with `site` or `place`")
                seen.indexes.append(i)
                seen.patience.append(told[1])
            else:
                seen.all = False
            seen.looked = i + 1
