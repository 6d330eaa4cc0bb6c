"""The `csg` command: run it, try it, check it, ask it. Every command has an example under --help."""

from __future__ import annotations

import asyncio
import fileinput
import importlib
import json
import socket
import sys
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from gateway.cli_cameras import cameras_app
from gateway.cli_catalogue import catalogue_app
from gateway.cli_channels import channels_app
from gateway.cli_devices import devices_app
from gateway.cli_settings import AsJson, ConfigFile, DataFolder, settings_of
from gateway.cli_store import store_app
from gateway.cli_vision import vision_app

app = typer.Typer(
    no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False,
    help="Community safety gateway: smoke, gas, hydrant and camera alarms in; somebody who certainly comes out.",
)  # fmt: skip
rules_app = typer.Typer(no_args_is_help=True, help="Judge rules by their own cases.")
users_app = typer.Typer(no_args_is_help=True, help="Who may sign in.")
GROUPS = {"rules": rules_app, "users": users_app, "devices": devices_app, "cameras": cameras_app,
          "channels": channels_app, "catalogue": catalogue_app, "store": store_app, "vision": vision_app}  # fmt: skip
for name, group in GROUPS.items():
    app.add_typer(group, name=name)


def main() -> None:
    """The console script."""
    app()


def say(text: str) -> None:
    """A line for the person at the terminal, at once."""
    print(text, flush=True)


def _first_link(settings: Any) -> str | None:
    """The one-time sign-in token the view has made while no administrator has a password, else None."""
    try:
        return (Path(settings.data) / "secrets" / "first-sign-in").read_text().strip() or None
    except OSError:
        return None


def _start(settings: Any, simulate: dict[str, Any] | None) -> None:
    import uvloop

    from gateway.app.child import configure_logs
    from gateway.app.folder import held
    from gateway.app.supervisor import supervise
    from gateway.broker import BrokerFailed, BrokerMissing
    from gateway.errors import OperatorFault

    configure_logs()

    def started(url: str) -> None:
        token = _first_link(settings)
        say("")
        if token is not None:
            say(f"  Console:  {url}/#/enter/{token}")
            say("  (The link signs you in once, as administrator. Choose a password there.)")
        else:
            say(f"  Console:  {url}")
        say("  Ctrl-C stops it; the next start goes on where it stopped.")
        say("")

    try:
        with held(Path(settings.data)):
            # A link is made anew for each start that still needs one: the last one may have been used.
            (Path(settings.data) / "secrets" / "first-sign-in").unlink(missing_ok=True)
            uvloop.run(supervise(settings, say, started, simulate))
    except (BrokerFailed, BrokerMissing, OperatorFault, OSError) as error:
        typer.echo(f"Cannot start: {error}", err=True)
        raise typer.Exit(1) from None


@app.command()
def run(
    config: ConfigFile = None,
    data: DataFolder = None,
    broker: Annotated[
        str | None, typer.Option(help="mqtt[s]://[user:password@]host[:port] instead of ours.")
    ] = None,
    port: Annotated[int | None, typer.Option(help="Web port; a busy one moves to the next free.")] = None,
) -> None:
    """Run the gateway for real devices: what brokers bring, and what is pushed to sources that listen.

    Example: csg run --config csg.yaml --broker mqtt://192.0.2.10:1883
    """
    from gateway.config import with_broker

    settings = settings_of(config, data)
    if broker is not None:
        try:
            settings = with_broker(settings, broker)
        except ValueError as error:
            typer.echo(f"--broker: {error}", err=True)
            raise typer.Exit(2) from None
    _start(_with_port(settings, port), None)


@app.command()
def demo(
    data: DataFolder = None,
    port: Annotated[int | None, typer.Option(help="Web port; a busy one moves to the next free.")] = None,
    scenario: Annotated[str, typer.Option(help="What happens in the simulated community.")] = "demo",
) -> None:
    """Run the gateway with a simulated community of about 150 devices and a camera. Nothing it says can leave this
    machine.

    Example: csg demo --data /tmp/try
    """
    from devices.simulator.scenarios import SCENARIOS
    from gateway.clock import SystemClock
    from gateway.config import SourceSettings
    from gateway.config.cameras import with_cameras
    from gateway.demo_camera import demo_camera, register, with_camera
    from gateway.demo_community import DEMO_SITE, DEMO_SOURCE, demo_community
    from gateway.registry import Registry

    if scenario not in SCENARIOS:
        typer.echo(f"no scenario {scenario!r}; there are {', '.join(SCENARIOS)}", err=True)
        raise typer.Exit(2)
    settings = settings_of(None, data or Path("data") / "demo")
    source = SourceSettings(DEMO_SOURCE, DEMO_SITE, simulated=True)
    # Taken here and passed on, so that nobody else gets the port before the simulator streams there.
    stream = socket.create_server(("127.0.0.1", 0))
    camera = demo_camera(f"http://127.0.0.1:{stream.getsockname()[1]}/stream.mjpg")
    settings = with_cameras(msgspec.structs.replace(settings, sources=(source,), cameras=(camera,)))
    Path(settings.data).mkdir(parents=True, exist_ok=True, mode=0o700)
    registry = Registry.open(Path(settings.data) / "registry.sqlite")
    try:
        now = SystemClock().utc_ms()
        registry.import_catalogue(with_camera(demo_community(), camera), who="demo", now=now)
        register(registry.database, camera, now=now)
    finally:
        registry.close()
    say("Everything here is simulated and marked so; it cannot reach a real channel.")
    _start(_with_port(settings, port), {"scenario": scenario, "camera_fd": stream.fileno()})


def _with_port(settings: Any, port: int | None) -> Any:
    if port is None:
        return settings
    return msgspec.structs.replace(settings, web=msgspec.structs.replace(settings.web, port=port))


@app.command()
def check(
    config: Annotated[Path | None, typer.Argument(help="csg.yaml")] = None, as_json: AsJson = False
) -> None:
    """Check a configuration without starting anything. Exit code 0: it would start; 2: it would not.

    Example: csg check csg.yaml
    """
    from gateway.config import check as check_config

    report = check_config(config)
    if as_json:
        rows = [{"error": True, **_problem(p)} for p in report.errors]
        rows += [{"error": False, **_problem(p)} for p in report.warnings]
        say(json.dumps({"ok": report.ok, "problems": rows}, ensure_ascii=False))
    else:
        say(report.text() or f"{report.file}: all is well")
    raise typer.Exit(0 if report.ok else 2)


def _problem(problem: Any) -> dict[str, Any]:
    built: dict[str, Any] = msgspec.to_builtins(problem)
    return {**built, "text": str(problem)}


@app.command()
def decode(
    files: Annotated[
        list[Path] | None, typer.Argument(help="JSONL files; none reads standard input.")
    ] = None,
    profile: Annotated[
        list[Path] | None, typer.Option(help="Profile files to try (docs/profiles.md).")
    ] = None,
) -> None:
    """Say what messages mean: JSON Lines of {"topic", "payload"} in, what was understood out.

    Example: echo '{"topic":"zigbee2mqtt/hall","payload":"{\\"smoke\\":true}"}' | csg decode
    """
    from devices.decode_lines import decode_lines
    from gateway.config.profilefiles import site_profiles

    profiles, problems = site_profiles(profile or ())
    if problems:
        typer.echo("\n".join(str(problem) for problem in problems), err=True)
        raise typer.Exit(2)

    try:
        with fileinput.input(files or ("-",), mode="rb") as lines:
            for line in decode_lines(lines, profiles):
                typer.echo(line)
    except OSError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None


@app.command()
def simulate(
    broker: Annotated[str, typer.Option(help="mqtt://user:password@host:port, http://..., tcp://...")],
    scenario: Annotated[str, typer.Option(help="Name of a scenario; 'calm' for reports only.")] = "calm",
    devices: Annotated[int, typer.Option(help="How many devices.")] = 120,
    dialect: Annotated[str, typer.Option(help="How the hardware speaks (docs/simulator.md).")] = "native",
    site: Annotated[str, typer.Option()] = "sim",
    seed: Annotated[int, typer.Option()] = 1,
    speed: Annotated[float, typer.Option(help="How many times faster than life.")] = 1.0,
) -> None:
    """Send a simulated community's real bytes: to a broker, or where its hardware would push them.

    Example: csg simulate --broker mqtt://devices:secret@127.0.0.1:1883 --scenario kitchen_fire --devices 1000
    """
    from devices.simulator import SimulatedSite, run_live

    async def live() -> None:
        async with SimulatedSite(seed, site=site, dialect=dialect, broker=broker, devices=devices) as world:
            await run_live(world, scenario, speed=speed, told=say)

    try:
        asyncio.run(live())
    except KeyboardInterrupt:
        raise typer.Exit(0) from None
    except (ValueError, KeyError) as error:
        typer.echo(f"cannot simulate: {error}", err=True)
        raise typer.Exit(2) from None


@rules_app.command("test")
def rules_test(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Rule files; none tests the shipped packs.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run every rule's own cases. Exit code 1 when one fails, 2 when a file is wrong.

    Example: csg rules test site-rules.yaml
    """
    from gateway.config.rulefiles import site_rules
    from rules.cases import run_cases
    from rules.load import shipped

    base = shipped()
    rules, cases = list(base.rules), list(base.cases)
    if files:
        loaded, problems = site_rules(files)
        if problems:
            typer.echo("\n".join(str(p) for p in problems), err=True)
            raise typer.Exit(2)
        cases = [case for one in loaded for case in one.cases]
        rules = [*(r for one in loaded for r in one.rules), *rules]
    results = run_cases(cases, list({r.id: r for r in reversed(rules)}.values()))
    failed = [r for r in results if not r.ok]
    if as_json:
        say(json.dumps({"ok": not failed, "results": msgspec.to_builtins(results)}, ensure_ascii=False))
    else:
        for result in failed:
            say(f"FAILED {result.rule}: {result.case}\n{result.diff}")
        say(f"{len(results) - len(failed)} cases passed, {len(failed)} failed")
    raise typer.Exit(1 if failed else 0)


@app.command()
def doctor(
    config: ConfigFile = None,
    data: DataFolder = None,
    mosquitto: Annotated[Path | None, typer.Option(help="A mosquitto.conf of yours to look at.")] = None,
    as_json: AsJson = False,
) -> None:
    """Look for what would lose or delay an alarm: broker settings, call chains that reach nobody, disk, clock.

    Example: csg doctor --mosquitto /etc/mosquitto/mosquitto.conf
    """
    from gateway.doctor import examine

    findings = examine(settings_of(config, data), mosquitto)
    if as_json:
        say(json.dumps(msgspec.to_builtins(findings), ensure_ascii=False))
    else:
        for finding in findings:
            say(f"[{finding.level}] {finding.part}: {finding.text}")
        if not findings:
            say("Nothing to mend.")
    raise typer.Exit(1 if any(f.level == "mend" for f in findings) else 0)


@users_app.command("add")
def users_add(
    name: str,
    role: Annotated[str, typer.Option(help="admin, operator, grid_staff or viewer")] = "operator",
    place: Annotated[str, typer.Option(help="Id of the place they may act on; empty is everywhere.")] = "",
    config: ConfigFile = None,
    data: DataFolder = None,
) -> None:
    """Add a user and print their one-time link.

    Example: csg users add wang --role operator --place sunshine
    """
    _with_auth(config, data, lambda auth, now: _added(auth, now, name, role, place))


@users_app.command("link")
def users_link(name: str, config: ConfigFile = None, data: DataFolder = None) -> None:
    """Print a fresh one-time sign-in token for a user.

    Example: csg users link wang
    """
    _with_auth(config, data, lambda auth, now: say(auth.make_token(auth.users.named(name).id, now=now)))


@users_app.command("list")
def users_list(config: ConfigFile = None, data: DataFolder = None, as_json: AsJson = False) -> None:
    """List users with their roles.

    Example: csg users list --json
    """

    def show(auth: Any, _now: int) -> None:
        users = auth.users.all()
        if as_json:
            say(json.dumps(msgspec.to_builtins(users), ensure_ascii=False))
        for user in users if not as_json else ():
            roles = ", ".join(f"{g[0]}@{g[1] or 'everywhere'}" for g in user.grants)
            say(f"{user.name}\t{roles}{' (disabled)' if user.disabled else ''}")

    _with_auth(config, data, show)


@users_app.command("key")
def users_key(
    name: str,
    role: Annotated[str, typer.Option(help="viewer for reading, operator for acts")] = "viewer",
    place: Annotated[str, typer.Option(help="Id of the place it covers; empty is everywhere.")] = "",
    config: ConfigFile = None,
    data: DataFolder = None,
) -> None:
    """Make an API key for a partner and print it; it is told this once and kept nowhere.

    Example: csg users key city-platform --role viewer --place sunshine
    """

    def make(auth: Any, now: int) -> None:
        _, text = auth.keys.add(name, [(role, place)], who="cli", now=now)
        say(text)

    _with_auth(config, data, make)


def _added(auth: Any, now: int, name: str, role: str, place: str) -> None:
    user = auth.users.add(name, [(role, place)], who="cli", now=now)
    say(f"{name} may sign in once with the token (at CONSOLE/#/enter/TOKEN):")
    say(auth.make_token(user.id, now=now))


def _with_auth(config: Path | None, data: Path | None, work: Any) -> None:
    from gateway.auth import Auth
    from gateway.clock import SystemClock
    from gateway.registry import Invalid, NotFound, Registry

    settings = settings_of(config, data)
    Path(settings.data).mkdir(parents=True, exist_ok=True, mode=0o700)
    registry = Registry.open(Path(settings.data) / "registry.sqlite")
    try:
        work(Auth(registry), SystemClock().utc_ms())
    except (Invalid, NotFound) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    finally:
        registry.close()


@app.command()
def bench(
    seconds: Annotated[float, typer.Option(help="How long each measurement runs.")] = 5.0,
    only: Annotated[str, typer.Option(help="Comma-separated parts; empty runs all.")] = "",
) -> None:
    """Measure this machine: what a message costs, how late an alarm is, beside mosquitto_sub and paho.

    Example: csg bench --seconds 5 (needs a checkout: the bench folder is not installed)
    """
    root = Path(__file__).parent.parent
    if not (root / "bench" / "run.py").exists():
        typer.echo("The bench folder is only in a checkout.", err=True)
        raise typer.Exit(2)
    sys.path.insert(0, str(root))
    importlib.import_module("bench.run").main(seconds, [p for p in only.split(",") if p])
