"""`csg devices`: accounts of single devices at the embedded broker, and the same as rules for a broker of your own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

devices_app = typer.Typer(no_args_is_help=True, help="Devices and what they may.")
credential_app = typer.Typer(no_args_is_help=True, help="MQTT accounts of single devices.")
devices_app.add_typer(credential_app, name="credential")

Data = Annotated[Path, typer.Option("--data", help="Where the gateway keeps everything.")]


@credential_app.command("add")
def add(
    site: str,
    device: str,
    data: Data = Path("data"),
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Give a native device an account of its own, or a new password. A running embedded broker takes it on at once.

    Example: csg devices credential add home kitchen-1
    """
    from gateway.broker.accounts import add_device

    try:
        made = add_device(data / "broker", site, device)
    except (ValueError, OSError, msgspec.DecodeError) as error:
        typer.echo(f"cannot add it: {error}", err=True)
        raise typer.Exit(2) from None
    if as_json:
        typer.echo(
            json.dumps(
                {
                    "user": made.account.user,
                    "password": made.password,
                    "publishes": made.speaks,
                    "reads": made.hears,
                }
            )
        )
        return
    typer.echo(f"user      {made.account.user}")
    typer.echo(f"password  {made.password}")
    typer.echo(f"publishes {', '.join(made.speaks)}")
    typer.echo(f"reads     {made.hears}")


@credential_app.command("list")
def show(data: Data = Path("data"), as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """List the devices that have an account of their own, without passwords.

    Example: csg devices credential list --json
    """
    rows = [{"site": one.site, "device": one.device, "user": one.account.user} for one in _load(data)]
    if as_json:
        typer.echo(json.dumps(rows))
    for row in rows if not as_json else ():
        typer.echo(row["user"])


@credential_app.command("revoke")
def revoke(site: str, device: str, data: Data = Path("data")) -> None:
    """Take a device's account away; the embedded broker throws it out at once.

    Example: csg devices credential revoke home kitchen-1
    """
    from gateway.broker.accounts import remove_device

    try:
        had = remove_device(data / "broker", site, device)
    except (OSError, msgspec.DecodeError) as error:
        typer.echo(f"cannot revoke it: {error}", err=True)
        raise typer.Exit(2) from None
    typer.echo("revoked" if had else "it had no account")
    raise typer.Exit(0 if had else 1)


@devices_app.command("acl")
def acl(
    broker: Annotated[str, typer.Option("--for", help="mosquitto or nats")] = "mosquitto",
    passwords: Annotated[
        bool, typer.Option(help="For mosquitto: the lines of its password file instead.")
    ] = False,
    data: Data = Path("data"),
) -> None:
    """Print the rules that let each device speak only as itself, for a broker of your own.

    Example: csg devices acl --for mosquitto >> /etc/mosquitto/devices.acl
    """
    from gateway.broker import mosquitto, nats
    from gateway.broker.accounts import mosquitto_password_line

    devices: Any = _load(data)
    if broker == "mosquitto":
        lines = [mosquitto_password_line(one.account) for one in devices]
        typer.echo("\n".join(lines) if passwords else mosquitto.device_rules(devices).strip())
    elif broker == "nats" and not passwords:
        typer.echo(json.dumps(nats.device_users(devices), indent=1))
    else:
        typer.echo("--for takes mosquitto or nats; passwords stand in the nats users themselves", err=True)
        raise typer.Exit(2)


@devices_app.command("periods")
def periods(
    adopt: Annotated[
        bool, typer.Option("--adopt", help="Write them into the catalogue where it names none.")
    ] = False,
    data: Data = Path("data"),
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """List the report periods that were learned and kept by their devices, beside those of the catalogue.

    With --adopt a device without a period is judged by its own from then on: its silence is noticed sooner.

    Example: csg devices periods --adopt
    """
    import sqlite3

    from gateway.clock import SystemClock
    from gateway.health_of.figures import period
    from gateway.health_of.file import read_only
    from gateway.registry import Invalid, Registry, RegistryError

    try:
        learned = {name: period(record.gaps) for name, record in read_only(data / "health.sqlite").items()}
        registry = Registry.open(data / "registry.sqlite")
    except (sqlite3.Error, msgspec.MsgspecError, RegistryError, OSError) as error:
        typer.echo(f"cannot read what was learned: {error}", err=True)
        raise typer.Exit(2) from None
    rows = []
    try:
        for device in registry.export(people=False)["devices"]:
            seconds, steady = learned.get(device["id"], (None, False))
            if seconds is None or not steady:
                continue
            known, found = device.get("report_period_s"), max(round(seconds), 1)
            taken = adopt and known is None
            if taken:
                row, version = registry.get("devices", device["id"])
                registry.put("devices", {**row, "report_period_s": found}, who="cli",
                             now=SystemClock().utc_ms(), expected=version)  # fmt: skip
            rows.append({"device": device["id"], "learned_s": found, "catalogue_s": known, "adopted": taken})
    except (Invalid, RegistryError) as error:
        typer.echo(f"not adopted: {error}", err=True)
        raise typer.Exit(2) from None
    finally:
        registry.close()
    if as_json:
        typer.echo(json.dumps(rows))
    for row in rows if not as_json else ():
        mark = " adopted" if row["adopted"] else ""
        typer.echo(
            f"{row['learned_s']:>8} s  catalogue {row['catalogue_s'] or '-':>8}  {row['device']}{mark}"
        )
    if any(row["adopted"] for row in rows) and not as_json:
        typer.echo("a running gateway takes them on at its next change of the catalogue or start")


def _load(data: Path) -> Any:
    from gateway.broker.accounts import load_devices

    try:
        return load_devices(data / "broker")
    except (OSError, msgspec.DecodeError) as error:
        typer.echo(f"cannot read the accounts: {error}", err=True)
        raise typer.Exit(2) from None
