"""Writes the boards that Grafana loads: `python -m dashboards.grafana.build`; a test compares."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from dashboards.grafana.boards import BOARDS
from dashboards.grafana.panels import STORES, dashboard

HERE: Final = Path(__file__).parent


def documents() -> Iterator[tuple[Path, str]]:
    """Every file with what must be in it."""
    for store in STORES:
        for board in BOARDS:
            made = json.dumps(dashboard(board, store), ensure_ascii=False, indent=1)
            yield HERE / store / "boards" / f"{board.name}.json", made + "\n"


if __name__ == "__main__":
    for path, made in documents():
        path.write_text(made, encoding="utf-8")
