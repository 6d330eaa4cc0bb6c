"""The options that commands share, and the settings they stand for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

ConfigFile = Annotated[
    Path | None, typer.Option("--config", "-c", help="csg.yaml; without it the defaults hold.")
]
DataFolder = Annotated[Path | None, typer.Option("--data", help="Where everything is kept (default ./data).")]
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]


def settings_of(config: Path | None, data: Path | None) -> Any:
    """The checked settings; prints every error and leaves with 2 when there are any."""
    from gateway.config import check

    if config is None and Path("csg.yaml").exists():
        config = Path("csg.yaml")
    report = check(config)
    if not report.ok or report.settings is None:
        typer.echo(report.text(), err=True)
        raise typer.Exit(2)
    if report.warnings:
        typer.echo(report.text(), err=True)
    settings = report.settings
    return msgspec.structs.replace(settings, data=str(data.resolve())) if data is not None else settings
