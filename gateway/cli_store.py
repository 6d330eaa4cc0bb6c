"""`csg store`: set stores up, look how they are, copy one into another, files in and out, and erase for good."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from gateway.cli_settings import AsJson, ConfigFile, DataFolder, settings_of

store_app = typer.Typer(no_args_is_help=True, help="Time-series stores: where history is kept.")

FAILED, DIFFERS, UNVERIFIED = 1, 3, 4
"""Exit codes: it could not be done; the copy is not the same; whether it is cannot be told. 2 is a wrong question."""

ALL_TIME: Final = 2**60
Name = Annotated[
    str | None, typer.Option("--store", help="Its name in csg.yaml; the embedded one if absent.")
]


@store_app.command("init")
def init(
    name: Annotated[str | None, typer.Argument(help="Its name in csg.yaml; all of them if absent.")] = None,
    config: ConfigFile = None, data: DataFolder = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Make on the stores' servers what is missing: databases, retention, roll-ups. Nothing there is taken away.

    Example: csg store init city --config csg.yaml
    """
    from gateway.app.stores import plugin_of
    from gateway.series import Keeping

    settings = settings_of(config, data)
    _known(settings, [name] if name else [])
    said: dict[str, list[str]] = {}
    with _told():
        for one in [name] if name else settings.stores:
            module, its = plugin_of(one, settings)
            keeping = Keeping(settings.retention.history_days, settings.retention.rollup_days)
            lines = (
                module.prepare(its, keeping) if hasattr(module, "prepare") else ("it needs no setting up",)
            )
            said[one] = []
            for line in lines:
                said[one].append(line)
                if not as_json:
                    typer.echo(f"{one}: {line}")
    if as_json:
        typer.echo(json.dumps({"ok": True, "stores": said}, ensure_ascii=False))


@store_app.command("status")
def status(config: ConfigFile = None, data: DataFolder = None, as_json: AsJson = False) -> None:
    """How each store is, how far it is behind, and what it lost. Exit code 1 when one is not well.

    Example: csg store status --json
    """
    rows = _done(settings_of(config, data), {"do": "status"})
    if as_json:
        typer.echo(json.dumps({"ok": all(r["ok"] for r in rows), "stores": rows}, ensure_ascii=False))
    for row in rows if not as_json else ():
        asked = " (answers history)" if row.get("history") else ""
        typer.echo(
            f"{row['store']}{asked}: {'ok' if row['ok'] else row.get('failing') or row.get('problems')}"
        )
        if "cursor" in row:
            typer.echo(f"  at event {row['cursor']}, {row['lag']} behind, {row['lost']} lost")
        for hole in row.get("holes", ()):
            typer.echo(
                f"  lost for good: events {hole['first']} to {hole['last']}, up to {_when(hole['until'])}"
            )
    raise typer.Exit(0 if all(r["ok"] for r in rows) else FAILED)


@store_app.command("copy")
def copy(
    *,
    source: Annotated[str, typer.Option("--from", help="A store of csg.yaml that can be asked.")],
    target: Annotated[str, typer.Option("--to", help="A store of csg.yaml, new or filled by this before.")],
    since: Annotated[str, typer.Option(help="2026-01-31 or RFC 3339; everything if absent.")] = "",
    until: Annotated[str, typer.Option(help="The same; what arrives then is not in it.")] = "",
    verify: Annotated[bool, typer.Option(help="Compare counts and checksums of each day in the end.")] = True,
    config: ConfigFile = None, data: DataFolder = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Copy a store into another while the gateway stands still; stopped midway it goes on where it was.

    A gateway that runs needs no copy: a store that is added to csg.yaml is filled from the others. Exit code 1: it
    failed, ask again; 3: the two are not the same; 4: the target cannot be read, so nobody knows.

    Example: csg store copy --from history --to city --since 2026-01-01
    """
    from gateway.app.stores import open_store
    from gateway.copying import load

    settings = settings_of(config, data)
    _known(settings, [source, target])
    window = (_ms(since) if since else 0, _ms(until) if until else ALL_TIME)
    if source == target or window[0] >= window[1]:
        raise typer.BadParameter("two stores, and a time that ends after it begins")
    opened: list[Any] = []
    with _told():
        try:
            folder = Path(settings.data)
            opened.append(open_store(source, settings, folder))
            opened.append(open_store(target, settings, folder))
            if not hasattr(opened[0], "stored"):
                raise typer.BadParameter(f"{source} can only be written to")
            file = folder / "copies" / f"{source}-{target}.json"
            found = _copied(opened[0], opened[1], load(file, *window), file, verify, as_json)
        finally:
            for store in opened:
                store.close()
    if as_json:
        typer.echo(json.dumps(found))
    else:
        days = ", ".join(found["differing"]) or "none"
        told = {True: "every day is the same", False: f"days that differ: {days}", None: "not verified"}
        typer.echo(f"{found['rows']} readings of {found['days']} days copied; {told[found['verified']]}")
    unsure = UNVERIFIED if verify and found["verified"] is None else 0
    raise typer.Exit(DIFFERS if found["verified"] is False else unsure)


@store_app.command("export")
def export(
    folder: Path, *, since: str = "", until: str = "",
    point: Annotated[list[str] | None, typer.Option(help="Repeat it for several; all if absent.")] = None,
    store: Name = None, config: ConfigFile = None, data: DataFolder = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Write stored readings as Parquet, a file a day; also while the gateway runs.

    Example: csg store export /tmp/january --since 2026-01-01 --until 2026-02-01
    """
    window = {"since": _ms(since) if since else 0, "until": _ms(until) if until else ALL_TIME}
    asked = {"do": "export", "folder": str(folder.resolve()), "points": point or [], "store": store, **window}
    _say(_done(settings_of(config, data), asked), as_json)


@store_app.command("import")
def import_(
    folder: Path,
    store: Name = None,
    config: ConfigFile = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Take in what `csg store export` wrote and is not there; also while the gateway runs.

    Example: csg store import /tmp/january
    """
    asked = {"do": "import", "folder": str(folder.resolve()), "store": store}
    _say(_done(settings_of(config, data), asked), as_json)


@store_app.command("backup")
def backup(
    folder: Path,
    store: Name = None,
    config: ConfigFile = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Make the folder a store that holds what this one holds now; also while the gateway runs.

    Example: csg store backup /backup/history
    """
    asked = {"do": "backup", "folder": str(folder.resolve()), "store": store}
    _say(_done(settings_of(config, data), asked), as_json)


@store_app.command("erase")
def erase(
    *,
    reason: Annotated[str, typer.Option(help="request, consent, moved_out, purpose_met, unlawful or wrong")],
    point: Annotated[list[str] | None, typer.Option(help="Repeat it for several.")] = None,
    device: Annotated[str | None, typer.Option(help="All of its points.")] = None,
    place: Annotated[str | None, typer.Option(help="All devices there and below; needs a running gateway.")] = None,
    case: Annotated[str, typer.Option(help="The number of the request, kept in the proof.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    config: ConfigFile = None, data: DataFolder = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Erase stored readings for good, in every store, each with a line of proof. Exit code 1 while a store owes it.

    Example: csg store erase --place sunshine-1-101 --reason moved_out --case 2026-17
    """
    settings = settings_of(config, data)
    if not (point or device or place):
        raise typer.BadParameter("name a --point, a --device or a --place")
    if not yes:
        typer.confirm("Erase these readings for good, in every store?", abort=True)
    asked = {
        "do": "erase",
        "points": point or [],
        "device": device,
        "place": place,
        "reason": reason,
        "case": case,
    }
    done = _done(settings, asked)
    if as_json:
        typer.echo(json.dumps(done))
    else:
        typer.echo(f"{done['points']} points")
        for one in done["stores"]:
            count = "" if one["rows"] is None else f", {one['rows']} readings"
            proof = "" if one["proof"] is None else f", proof {one['proof']}"
            typer.echo(f"{one['store']}: {one['result']}{count}{proof}")
    raise typer.Exit(0 if all(one["result"] == "deleted" for one in done["stores"]) else FAILED)


@store_app.command("proofs")
def proofs(
    after: Annotated[int, typer.Option(help="Lines behind this one.")] = 0,
    config: ConfigFile = None, data: DataFolder = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """The proof of every deletion, and whether their chain holds. Exit code 3 where it does not.

    Example: csg store proofs --json
    """
    found = _done(settings_of(config, data), {"do": "proofs", "after": after})
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
    for line in found["lines"] if not as_json else ():
        typer.echo(f"{line['seq']}\t{_when(line['utc'])}\t{line['kind']}\t{line['body']}")
    if found["broken_at"] is not None:
        typer.echo(f"the chain does not hold from line {found['broken_at']} on", err=True)
    raise typer.Exit(DIFFERS if found["broken_at"] is not None else 0)


# ------------------------------------------------------------------------------------------------------- helpers


def _done(settings: Any, asked: Mapping[str, Any]) -> Any:
    """Ask the running view; where none runs, do it here with the stores open for as long as it takes."""
    from gateway.app.storedoor import SOCKET, Work, ask
    from gateway.app.stores import Stores
    from gateway.clock import SystemClock

    data = Path(settings.data)
    with _told():
        try:
            return asyncio.run(ask(data / SOCKET, asked))["result"]
        except (FileNotFoundError, ConnectionRefusedError):
            data.mkdir(parents=True, exist_ok=True, mode=0o700)
        clock = SystemClock()
        stores = Stores(settings, data, clock)
        try:
            for name in settings.stores:
                stores.open(name)
            work = Work(
                stores, lambda *meant: _meant(stores, *meant),
                lambda points, why: stores.retention.erase(points, why, clock.utc_ms()),
            )  # fmt: skip
            return work.do(asked)
        finally:
            stores.close()


def _meant(stores: Any, points: list[str], device: str | None, place: str | None) -> list[str]:
    """Without a running gateway: the points named, and those of the device the store knows."""
    from gateway.app.storedoor import Refusal

    if place is not None:
        raise Refusal("--place needs a running gateway, which knows what stands where")
    near = stores.nearest()
    if device is not None and near is not None:
        points = [*points, *(point for point in near.latest() if point.rsplit("/", 2)[0] == device)]
    if not points:
        raise Refusal("no such point")
    return points


def _copied(source: Any, target: Any, place: Any, file: Path, verify: bool, quiet: bool) -> dict[str, Any]:
    """Copy with a bar, then compare; `verified` is None where it was not, or cannot be, told."""
    from gateway.copying import copied, differing, summed

    with _bar(quiet) as bar:
        begin, end = place.after, source.cursor()
        task = bar.add_task("copying", total=max(end - begin, 0))
        for done in copied(source, target, place, file):
            bar.update(task, completed=done.after - begin)
        wrong: list[int] = []
        verified: bool | None = None
        if verify and hasattr(target, "stored"):
            task = bar.add_task("comparing", total=place.sums.rows)
            sums = None
            for sums in summed(target, place):
                bar.update(task, completed=sums.rows)
            wrong = differing(place.sums, sums) if sums is not None else sorted(place.sums.days)
            verified = not wrong
    names = [datetime.fromtimestamp(day * 86_400, UTC).date().isoformat() for day in wrong]
    return {"rows": place.sums.rows, "days": len(place.sums.days), "verified": verified, "differing": names}


def _bar(quiet: bool) -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), disable=quiet)


@contextmanager
def _told() -> Iterator[None]:
    """What the world refuses is said in a line, with exit code 1."""
    from devices.discover import PluginMissing
    from gateway.app.storedoor import Refusal
    from gateway.errors import GatewayError

    try:
        yield
    except (Refusal, GatewayError, PluginMissing, OSError, sqlite3.Error, ValueError) as error:
        typer.echo(f"not done: {error}", err=True)
        raise typer.Exit(FAILED) from None


def _say(done: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"ok": True, **done}))
        return
    rows = "" if done.get("rows") is None else f", {done['rows']} readings"
    typer.echo(f"{done['files']} files{rows}, {done['size']} bytes, up to event {done['cursor']}")


def _known(settings: Any, names: Iterable[str]) -> None:
    for name in names:
        if name not in settings.stores:
            raise typer.BadParameter(f"{name}: csg.yaml has the stores {', '.join(settings.stores)}")


def _ms(text: str) -> int:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(
            f"{text}: expected a date like 2026-01-31, or with a time and its offset"
        ) from None
    return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)


def _when(at: int | None) -> str:
    return "?" if at is None else datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="seconds")
