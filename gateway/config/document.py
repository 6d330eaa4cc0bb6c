"""Reads YAML into plain data and remembers where every key and value stands.

Why not `yaml.safe_load`: it forgets lines, lets the last of two equal keys win, reads `yes`, `on` and `22:00` as
something else (YAML 1.1), follows aliases into gigabytes and recurses as deep as a file asks. Here a scalar is read by
the core schema of YAML 1.2 (10.3.2): null, true, false, whole numbers, numbers, else text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec
import yaml

from gateway.shape import Path, found, written

BYTES_MAX: Final = 1_048_576  # a thousand times a usual file; more is a wrong file
DEPTH_MAX: Final = 24  # the deepest real key, a route in a route in a route, is at about 12
NODES_MAX: Final = 100_000

_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times faster where the wheel has it
_INTEGER: Final = re.compile(r"[-+]?[0-9]{1,18}")
_NUMBER: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NULLS: Final = ("", "~", "null", "Null", "NULL")
_TRUTHS: Final = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}


class Place(msgspec.Struct, frozen=True, gc=False):
    """Line and column, both from 1."""

    line: int
    column: int


class Problem(msgspec.Struct, frozen=True, order=True):
    """One thing wrong in one file: where, what was expected, what was found, and the nearest valid word.

    `key` is the key path (`sources[0].broker`). As text: `csg.yaml:12:5: sources[0].broker: expected ..., found ...`.
    """

    file: str
    line: int
    column: int
    key: str
    expected: str
    found: str
    nearest: str | None = None

    def __str__(self) -> str:
        near = f"; nearest: {self.nearest}" if self.nearest else ""
        return (
            f"{self.file}:{self.line}:{self.column}: {self.key}: "
            f"expected {self.expected}, found {self.found}{near}"
        )


class Document(msgspec.Struct, frozen=True):
    """One file: its plain data and the places of its keys and values by path."""

    file: str
    data: Any
    keys: dict[Path, Place]
    values: dict[Path, Place]

    def problem(
        self, path: Path, expected: str, found: str, nearest: str | None = None, *, key: bool = False
    ) -> Problem:
        """A problem at `path`: at the key itself if `key`, else at the value; of what is missing, at its parent."""
        short = path
        while True:
            place = self.keys.get(short) if key or short not in self.values else None
            place = place or self.values.get(short)
            if place is not None or not short:
                break
            short = short[:-1]
        place = place or Place(1, 1)
        return Problem(self.file, place.line, place.column, written(path), expected, found, nearest)


def read(file: str, text: bytes) -> tuple[Document | None, list[Problem]]:
    """The document in `text` (UTF-8), or None, and what is wrong with it as YAML. Never raises."""
    if len(text) > BYTES_MAX:
        return None, [_wrong(file, 1, 1, f"at most {BYTES_MAX} bytes", f"{len(text)} bytes")]
    try:
        source = text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        column = error.start - text.rfind(b"\n", 0, error.start)
        return None, [_wrong(file, line, column, "text in UTF-8", f"the byte 0x{text[error.start]:02x}")]
    reader = _Reader(file)
    try:
        data = reader.read(source)
    except _Stop as stop:
        return None, [*reader.problems, stop.problem]
    except yaml.MarkedYAMLError as error:
        return None, [*reader.problems, _syntax(file, source, error)]
    except yaml.YAMLError as error:  # a character YAML does not allow (a NUL, a lone control)
        return None, [*reader.problems, _wrong(file, 1, 1, "YAML", str(error).splitlines()[0])]
    return Document(file, data, reader.keys, reader.values), reader.problems


class _Stop(Exception):
    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


class _Reader:
    """Builds the data from the parser's events; its own depth is bounded by DEPTH_MAX."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.keys: dict[Path, Place] = {}
        self.values: dict[Path, Place] = {}
        self.problems: list[Problem] = []
        self.nodes = 0

    def read(self, source: str) -> Any:
        events = yaml.parse(source, Loader=_LOADER)
        data: Any = None
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self.stop(event, (), "one document in the file", "a second one after ---")
                data = self.node(next(events), events, ())
        return data

    def node(self, event: Any, events: Iterator[Any], path: Path) -> Any:
        place = _place(event)
        self.values[path] = place
        self.nodes += 1
        if self.nodes > NODES_MAX:
            self.stop(event, path, f"at most {NODES_MAX} values", "more")
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            name = ("*" if isinstance(event, yaml.AliasEvent) else "&") + str(event.anchor)
            self.stop(event, path, "the value written out", f"the alias or anchor {name}")
        if event.tag is not None:
            self.stop(event, path, "a plain value", f"the tag {event.tag}")
        if isinstance(event, yaml.ScalarEvent):
            return _scalar(event.value) if event.implicit[0] else event.value
        if len(path) >= DEPTH_MAX:
            self.stop(event, path, f"at most {DEPTH_MAX} levels", "more")
        if isinstance(event, yaml.SequenceStartEvent):
            return self.sequence(events, path)
        return self.mapping(events, path)

    def sequence(self, events: Iterator[Any], path: Path) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            items.append(self.node(event, events, (*path, len(items))))
        return items

    def mapping(self, events: Iterator[Any], path: Path) -> dict[str, Any]:
        items: dict[str, Any] = {}
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                self.stop(
                    event,
                    path,
                    "a word as a key",
                    "an alias" if isinstance(event, yaml.AliasEvent) else "a list or a mapping",
                )
            key = (*path, event.value)
            if event.anchor is not None or event.tag is not None:
                self.stop(event, key, "a plain key", "an anchor or a tag")
            if event.value in items:
                first = self.keys[key]
                self.problems.append(
                    _wrong(
                        self.file,
                        *_at(event),
                        "each key once",
                        f"{found(event.value)} again (first in line {first.line})",
                        written(key),
                    )
                )
                self.node(next(events), events, ("", *key))  # read and put aside; the first stands
                continue
            self.keys[key] = _place(event)
            items[event.value] = self.node(next(events), events, key)
        return items

    def stop(self, event: Any, path: Path, expected: str, what: str) -> None:
        raise _Stop(_wrong(self.file, *_at(event), expected, what, written(path)))


def _scalar(text: str) -> Any:
    if text in _NULLS:
        return None
    if text in _TRUTHS:
        return _TRUTHS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _NUMBER.fullmatch(text) and math.isfinite(number := float(text)):
        return number
    return text


def _at(event: Any) -> tuple[int, int]:
    return event.start_mark.line + 1, event.start_mark.column + 1


def _place(event: Any) -> Place:
    return Place(*_at(event))


def _wrong(file: str, line: int, column: int, expected: str, what: str, key: str = "the file") -> Problem:
    return Problem(file, line, column, key, expected, what)


_ADVICE: Final = (
    # What people really did when the parser says this. First match wins.
    ("mapping values are not allowed", "one `key: value` a line", "a second colon; put the value in quotes"),
    ("could not find expected ':'", "`key: value`", "a key without its colon"),
    ("did not find expected key", "`key: value` at the same depth as the line above", "something else"),
    ("did not find expected '-' indicator", "`- item` at the same depth as the line above", "something else"),
    ("did not find expected ',' or", "a comma or a closing bracket", "something else"),
    ("unexpected end of stream", "a closing quote or bracket", "the end of the file"),
    (
        "cannot start any token",
        "a value; one that starts with a special character needs quotes",
        "a special character",
    ),
)


def _syntax(file: str, source: str, error: yaml.MarkedYAMLError) -> Problem:
    problem = (error.problem or "something else").removeprefix("found ")
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
    lines = source.splitlines()
    before = lines[line - 1] if line <= len(lines) else ""
    if "\t" in before[: len(before) - len(before.lstrip())]:  # YAML 1.2, 6.1: indentation is spaces alone
        return _wrong(file, line, before.index("\t") + 1, "spaces before a key", "a tab")
    for sign, expected, what in _ADVICE:
        if sign in problem:
            return _wrong(file, line, column, expected, what)
    return _wrong(file, line, column, "YAML", problem)
