"""The rules that come with the house, one YAML file a topic, each with its own cases."""

from __future__ import annotations

from pathlib import Path


def paths() -> tuple[Path, ...]:
    """The shipped packs in alphabetical order."""
    return tuple(sorted(Path(__file__).parent.glob("*.yaml")))
