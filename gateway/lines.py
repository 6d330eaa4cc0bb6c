"""Readings as line protocol, which InfluxDB and its peers take, and the way back from a tag to a name.

One line a reading, in one measurement:

    reading,channel=C,device=D,metric=M,site=S value=21.5,measured_at=1i,seq=7i NANOSECONDS

A field costs the server about a microsecond, so what the others say is left out: `flags` of 0, `kind` where the value
tells it (`kind_of`), `n` below 1 000 and the arrival, which are in the time. Until November 2026 lines had all of them,
the arrival in `at`; they read the same.

Tags that are empty are left out. A number or level (0, 1) is in `value`, a text in `text` (line breaks as spaces); of a
reading flagged INVALID they are in `invalid` and `invalid_text` instead, so that no board, task or roll-up counts what
cannot be true. A reading of nothing, or of what is not a finite number, has none of them.

Such a server keeps one value for a series and time, so two readings of a point in one millisecond would become one. The
time is therefore `at` plus `(seq * 1000 + n) mod 1 000 000` nanoseconds: distinct as long as a millisecond brings fewer
than 1 000 messages and a message fewer than 1 000 readings, and the same whenever it is written again, so that writing
twice changes nothing. `arrival_of` and `place_of` take it apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from devices.reading import Flag, source_of, split_point
from gateway.series import Batch, Kind, SiteOf

MS: Final = 1_000_000
"""Nanoseconds in a millisecond: the readings of one `at` lie in [at * MS, (at + 1) * MS)."""

_PLACES: Final = 1_000  # of a message's readings that its time has room for

_POINTS_KEPT: Final = 1_000_000  # series names ready made, some 200 MB at worst; then they are made anew

# Line protocol: commas, spaces and equal signs of tags are escaped; it knows no way to write a line break there.
TAG: Final = str.maketrans({",": "\\,", " ": "\\ ", "=": "\\="})
BREAKS: Final = str.maketrans({"\n": "\\n", "\r": "\\r", "\t": "\\t"})
_TEXT: Final = str.maketrans({'"': '\\"', "\\": "\\\\", "\n": " ", "\r": " "})


class Lines:
    """Readings as lines. Costs about 1.3 us a reading."""

    def __init__(self, measurement: str, site_of: SiteOf) -> None:
        self._names = SeriesNames(measurement, site_of, lambda text: tag_of(text).translate(TAG))

    def of(self, batch: Batch) -> Iterator[str]:
        """One line for each reading, in order."""
        columns = zip(
            batch.point,
            batch.seq,
            batch.n,
            batch.at,
            batch.number,
            batch.text,
            batch.kind,
            batch.measured_at,
            batch.flags,
            strict=True,
        )
        ready, name_of, invalid = self._names.ready, self._names.name, int(Flag.INVALID)
        for point, seq, n, at, number, text, kind, measured_at, flags in columns:
            value, told = "", Kind.NONE
            if kind == Kind.TEXT:
                field = "invalid_text" if flags & invalid else "text"
                value, told = f'{field}="{(text or "").translate(_TEXT)}",', Kind.TEXT
            elif (
                number is not None and number - number == 0
            ):  # neither a NaN nor infinite: there is no word for them
                value = f"{'invalid' if flags & invalid else 'value'}={(number := float(number))!r},"
                told = Kind.INT if number.is_integer() else Kind.FLOAT
            rest = "" if measured_at is None else f"measured_at={measured_at}i,"
            if kind != told:
                rest += f"kind={kind}i,"
            if flags:
                rest += f"flags={flags}i,"
            if n >= _PLACES:
                rest += f"n={n}i,"
            series = ready.get(point) or name_of(point)
            yield f"{series} {value}{rest}seq={seq}i {at * MS + (seq * _PLACES + n) % MS}"


def kind_of(number: float | None, text: str | None) -> Kind:
    """What a reading is whose line does not say it."""
    if text is not None:
        return Kind.TEXT
    if number is None:
        return Kind.NONE
    return Kind.INT if float(number).is_integer() else Kind.FLOAT


def arrival_of(time_ns: int) -> int:
    """UTC ms of a line's time."""
    return time_ns // MS


def place_of(time_ns: int) -> int:
    """A reading's place in its message, of a line that does not say it."""
    return time_ns % _PLACES


class SeriesNames:
    """The measurement and tags of each point, made once; `ready` holds those that are. `escaped` writes one tag."""

    def __init__(self, measurement: str, site_of: SiteOf, escaped: Callable[[str], str]) -> None:
        self._measurement = measurement
        self._site_of = site_of
        self._escaped = escaped
        self.ready: dict[str, str] = {}

    def name(self, point: str) -> str:
        """Makes and keeps it."""
        device, metric, channel = split_point(point)
        site = self._site_of(source_of(device))
        # Sorted by name, which spares the server the sorting.
        tags = (("channel", channel), ("device", device), ("metric", metric), ("site", site))
        name = ",".join((self._measurement, *(f"{key}={self._escaped(text)}" for key, text in tags if text)))
        if len(self.ready) >= _POINTS_KEPT:
            self.ready.clear()
        self.ready[point] = name
        return name


def tag_of(text: str) -> str:
    """A name as the server keeps it in a tag: breaks spelt out, and a space behind a backslash at the end, which would
    else escape what follows the tag (the client library does the same)."""
    plain = text.translate(BREAKS)
    return plain + " " if plain.endswith("\\") else plain


def text_of(tag: str) -> str:
    """The name behind a tag. A break that was spelt out stays so: nobody can tell it from a backslash and a letter."""
    return tag[:-1] if tag.endswith("\\ ") else tag
