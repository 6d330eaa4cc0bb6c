"""Reads a site's own rule files and says what is wrong with them by file and line."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from gateway.config.document import BYTES_MAX, Problem, read
from rules import load as rules_load
from rules.load import Loaded
from rules.rule import Rule


def site_rules(paths: Iterable[Path]) -> tuple[list[Loaded], list[Problem]]:
    """What each file says, in order, and every problem of all of them. Unreadable files are problems too."""
    shipped = {rule.id: rule for rule in rules_load.shipped().rules}
    taken: dict[str, str] = {}
    loaded: list[Loaded] = []
    problems: list[Problem] = []
    for path in paths:
        text = file_bytes(path)
        if isinstance(text, Problem):
            problems.append(text)
            continue
        document, wrong = read(str(path), text)
        problems += wrong
        if document is None:
            continue
        found = rules_load.load(document.data, shipped=shipped, taken=taken)
        for p in found.problems:
            problems.append(
                document.problem(
                    p.path,
                    p.expected or "a rule that can be understood",
                    p.message,
                    p.nearest,
                    key=p.message.startswith("unknown key"),
                )
            )
        loaded.append(found)
        taken.update((rule.id, path.name) for rule in found.rules)
    return loaded, problems


def merged(loaded: Iterable[Loaded]) -> tuple[Rule, ...]:
    """The rules that apply: shipped, replaced and added to by the site's."""
    return rules_load.merge(rules_load.shipped().rules, loaded)


def file_bytes(path: Path) -> bytes | Problem:
    """The file's content, at most one byte over the limit so that the reader can refuse it, or why there is none."""
    try:
        with path.open("rb") as file:
            return file.read(BYTES_MAX + 1)
    except OSError as error:
        return Problem(
            str(path), 1, 1, "the file", "a file that can be read", error.strerror or "an unreadable one"
        )
