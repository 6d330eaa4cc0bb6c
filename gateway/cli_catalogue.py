"""`csg catalogue`: places, devices and people as a workbook, to fill in, take in and give out."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

catalogue_app = typer.Typer(no_args_is_help=True, help="Places, devices and people, as a workbook or CSV.")

Data = Annotated[Path, typer.Option("--data", help="Where the gateway keeps everything.")]
Language = Annotated[str, typer.Option("--lang", help="zh-CN or en: the language of headings and words.")]


@catalogue_app.command("template")
def template(out: Path, lang: Language = "zh-CN") -> None:
    """Write an empty workbook with headings, examples and lists to choose from.

    Example: csg catalogue template estate.xlsx
    """
    from gateway.registry.sheets import workbook

    out.write_bytes(workbook({}, _known(lang), template=True))
    typer.echo(f"{out}: fill it in, then: csg catalogue import {out} --dry-run")


@catalogue_app.command("import")
def import_(
    file: Annotated[
        Path, typer.Argument(help=".xlsx, .zip of CSV files, one .csv, or .json as the API takes it")
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it would do and do nothing.")] = False,
    data: Data = Path("data"),
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Take a catalogue in: all of it or nothing. What it does not mention stays. Exit code 2: something in it is wrong.

    Example: csg catalogue import estate.xlsx --dry-run
    """
    from gateway.clock import SystemClock
    from gateway.registry import Invalid, Registry, RegistryError
    from gateway.registry.sheets import read

    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    registry = Registry.open(data / "registry.sqlite")
    try:
        places = {str(p["id"]): p for p in registry.export(people=False)["places"]}
        if file.suffix == ".json":
            document, book = msgspec.json.decode(file.read_bytes()), None
        else:
            book = read(file.read_bytes(), file.name, places)
            document = book.document
        try:
            done = registry.import_catalogue(document, who="cli", now=SystemClock().utc_ms(), dry_run=dry_run)
        except Invalid as error:
            raise Invalid(book.at_lines(error.problems)) if book is not None else error from None
    except Invalid as error:
        _refused(error, as_json)
    except (OSError, msgspec.DecodeError, RegistryError) as error:
        typer.echo(f"cannot import: {error}", err=True)
        raise typer.Exit(1) from None
    finally:
        registry.close()
    socket = data / "engine.sock"
    planned = not dry_run and socket.exists() and asyncio.run(_replan(socket))
    if as_json:
        typer.echo(json.dumps({"ok": True, "planned": planned, **msgspec.to_builtins(done)}))
        return
    for table in done.added:
        added, changed, same = done.added[table], done.changed[table], done.unchanged[table]
        typer.echo(f"{table}: {added} added, {changed} changed, {same} as before")
    typer.echo(
        "Nothing was written." if dry_run else "In force." if planned else "In force at the next start."
    )


@catalogue_app.command("export")
def export(
    file: Annotated[Path, typer.Argument(help="Ends in .xlsx, .zip (CSV) or .json")],
    people: Annotated[bool, typer.Option("--people", help="With names and numbers: keep it safe.")] = False,
    lang: Language = "zh-CN",
    data: Data = Path("data"),
) -> None:
    """Write the catalogue out; an import of it changes nothing.

    Example: csg catalogue export estate.xlsx
    """
    from gateway.registry import Registry, RegistryError
    from gateway.registry.sheets import csv_zip, workbook

    forms: dict[str, Any] = {".xlsx": workbook, ".zip": csv_zip}
    if file.suffix not in (*forms, ".json"):
        typer.echo("the name ends in .xlsx, .zip or .json", err=True)
        raise typer.Exit(2)
    try:
        registry = Registry.open(data / "registry.sqlite")
        try:
            document = registry.export(people=people)
        finally:
            registry.close()
        form = forms.get(file.suffix)
        made = (
            form(document, _known(lang))
            if form is not None
            else msgspec.json.format(msgspec.json.encode(document))
        )
        file.touch(mode=0o600)
        file.write_bytes(made)
    except (OSError, RegistryError) as error:
        typer.echo(f"cannot export: {error}", err=True)
        raise typer.Exit(1) from None
    typer.echo(", ".join(f"{len(rows)} {table}" for table, rows in document.items()))


def _refused(error: Any, as_json: bool) -> None:
    """Say every wrong cell and leave with 2."""
    if as_json:
        typer.echo(
            json.dumps({"ok": False, "problems": msgspec.to_builtins(error.problems)}, ensure_ascii=False)
        )
    else:
        for problem in error.problems:
            typer.echo(str(problem), err=True)
        typer.echo("Nothing was written.", err=True)
    raise typer.Exit(2)


def _known(language: str) -> str:
    from gateway.text import LANGUAGES

    if language not in LANGUAGES:
        typer.echo(f"--lang is one of {', '.join(LANGUAGES)}", err=True)
        raise typer.Exit(2)
    return language


async def _replan(socket: Path) -> bool:
    """Ask a running engine to take it on; whether one is running."""
    from gateway.control import ControlClient
    from gateway.errors import EngineGone

    control = ControlClient(socket)
    try:
        await control.replan()
    except EngineGone:
        return False
    finally:
        await control.close()
    return True
