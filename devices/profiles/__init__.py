"""The profiles that come with the house, one YAML file a maker, each with its cases and the source of its numbers."""

from __future__ import annotations

from pathlib import Path


def paths() -> tuple[Path, ...]:
    """The shipped files in alphabetical order."""
    return tuple(sorted(Path(__file__).parent.glob("*.yaml")))
