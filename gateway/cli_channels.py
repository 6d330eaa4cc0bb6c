"""`csg channels`: whether what leaves the house arrives."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated

import msgspec
import typer

from gateway.cli_settings import AsJson, ConfigFile, DataFolder, settings_of

channels_app = typer.Typer(no_args_is_help=True, help="Ways out, to machines and to people.")


@channels_app.callback()
def _group() -> None:
    """Keeps `test` a command of its own while it is the only one."""


@channels_app.command("test")
def try_out(
    names: Annotated[list[str] | None, typer.Argument(help="Receivers; none tries all.")] = None,
    person: Annotated[
        str | None, typer.Option(help="A person's id: try the channels to them instead.")
    ] = None,
    config: ConfigFile = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Send one message marked as a test and say what the channel answered. Exit code 1 when one did not get through.

    Machines (webhook, mqtt) get the event `gateway.test`; names are those of `targets`, or of the channels. With
    --person names are the channels on which that person has an address.

    Example: csg channels test city --config csg.yaml
    Example: csg channels test --person wang
    """
    from gateway.errors import GatewayError
    from gateway.trial import try_targets

    settings = settings_of(config, data)
    try:
        tried = asyncio.run(try_targets(settings, names or (), person))
    except (GatewayError, ValueError, OSError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    if as_json:
        typer.echo(json.dumps(msgspec.to_builtins(tried), ensure_ascii=False))
    else:
        for one in tried:
            typer.echo(f"{one.target}: {one.result}{f' ({one.detail})' if one.detail else ''}")
        if not tried:
            typer.echo("There are no machine receivers: no channel of kind webhook or mqtt.")
    raise typer.Exit(0 if all(one.ok for one in tried) else 1)
