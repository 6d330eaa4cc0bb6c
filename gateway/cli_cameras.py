"""`csg cameras`: what the register holds of the gateway's own cameras, and writing it from a file."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
import yaml

cameras_app = typer.Typer(no_args_is_help=True, help="The register of the gateway's own cameras.")

Data = Annotated[Path, typer.Option("--data", help="Where the gateway keeps everything.")]


@cameras_app.command("list")
def show(data: Data = Path("data"), as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """Show every registered camera; one that is not whole does not start.

    Example: csg cameras list
    """
    from gateway.registry.cameras import read_cameras

    known = read_cameras(data / "registry.sqlite")
    if as_json:
        typer.echo(json.dumps(msgspec.to_builtins(known), ensure_ascii=False))
        return
    for device, record in sorted(known.items()):
        state = f"does not start without {', '.join(record.missing)}" if record.missing else "registered"
        zones = ", ".join(zone.name for zone in record.zones) or "none"
        pictures = ", ".join(record.pictures) if record.shared else "none (not said to see shared space only)"
        typer.echo(f"{device}  {state}; zones: {zones}; pictures kept: {pictures}")


@cameras_app.command("register")
def register(
    file: Annotated[Path, typer.Argument(help="YAML or JSON: the camera's device id, then its record.")],
    data: Data = Path("data"),
) -> None:
    """Write the records of a file; a running gateway takes them on within seconds. Exit code 2: something is wrong.

    Example: csg cameras register gate.yaml
    """
    from gateway.clock import SystemClock
    from gateway.registry import Invalid, Registry
    from gateway.registry.cameras import camera_of, put_camera

    now = SystemClock().utc_ms()
    try:
        document = yaml.safe_load(file.read_bytes())
        if not isinstance(document, dict):
            raise ValueError("expected device ids, each with its record")
        records = {str(device): camera_of(_plain(row), now) for device, row in document.items()}
    except (OSError, ValueError, yaml.YAMLError, Invalid) as error:
        typer.echo(f"{file}: {error}", err=True)
        raise typer.Exit(2) from None
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    registry = Registry.open(data / "registry.sqlite")
    try:
        for device, record in records.items():
            put_camera(registry.database, device, record, who="cli", now=now)
            typer.echo(
                f"{device}: "
                + (f"does not start without {', '.join(record.missing)}" if record.missing else "registered")
            )
    finally:
        registry.close()


def _plain(row: Any) -> Any:
    """YAML reads a day as a date."""
    if isinstance(row, dict):
        return {k: v.isoformat() if isinstance(v, date) else v for k, v in row.items()}
    return row
