"""`csg vision`: what the analytics see in a clip or stream."""

from __future__ import annotations

import difflib
import json
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from gateway.cli_vision_calibrate import calibrate

ZONES_MAX: Final = 16


class _WatchUnlessNamed(TyperGroup):
    """`csg vision clip.mp4` is `csg vision watch clip.mp4`; a file that is called like a command is `./calibrate`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] != "--help":
            args = ["watch", *args]
        return super().parse_args(ctx, args)


vision_app = typer.Typer(
    cls=_WatchUnlessNamed,
    no_args_is_help=True,
    help="What cameras see. `csg vision FILE` is short for `csg vision watch FILE`.",
)


vision_app.command("calibrate")(calibrate)


@vision_app.command("watch")
def watch(
    source: Annotated[str, typer.Argument(metavar="FILE|URL", help="A clip, or an RTSP or HTTP stream.")],
    *,
    analytic: Annotated[
        list[str] | None, typer.Option(help="Only this one; may be repeated (default: all).")
    ] = None,
    zone: Annotated[
        list[str] | None,
        typer.Option(help="A polygon 'x,y x,y x,y ...' in parts of the picture; may be repeated."),
    ] = None,
    dwell: Annotated[
        float | None, typer.Option(help="Seconds after which what stays in a zone occupies it.")
    ] = None,
    learn: Annotated[
        float | None, typer.Option(help="Seconds that teach the normal view (clips: 5).")
    ] = None,
    fps: Annotated[float, typer.Option(help="Pictures analysed a second.")] = 5.0,
    seconds: Annotated[
        float, typer.Option("--for", help="Stop after so many seconds of it (0: at its end).")
    ] = 0.0,
    weights: Annotated[
        Path | None, typer.Option(help="Weights of possible flame, made by `csg vision calibrate`.")
    ] = None,
    overlay: Annotated[
        Path | None, typer.Option(help="Draw what is seen into this .webm, .mp4 or .avi.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Print what is seen with its times, in seconds of the clip; what still stands at its end ends there.

    Example: csg vision clip.mp4 --analytic occupation --zone "0.1,0.5 0.9,0.5 0.9,1 0.1,1" --dwell 10 --json
    """
    from gateway.vision.looking import looking
    from gateway.vision.orders import Ended, Opened, Orders, Told

    orders = Orders(
        _there(source), _analytics(analytic or []), _zones(zone or []), _positive("--dwell", dwell),
        _positive("--learn", learn), _positive("--fps", fps) or 5.0, max(seconds, 0.0), _drawable(overlay),
        _weights(weights),
    )  # fmt: skip
    standing: dict[tuple[str, str, int, str], Told] = {}
    opened = False
    try:
        for said in looking(orders):
            opened = opened or isinstance(said, Opened)
            if isinstance(said, Told):
                key = (said.analytic, said.sight.type, said.sight.start, said.sight.zone)
                if said.sight.end is None:
                    standing[key] = said
                else:
                    standing.pop(key, None)
                    _print(said, said.sight.end, as_json)
            elif isinstance(said, Ended):
                for told in standing.values():
                    _print(told, max(said.at, told.sight.start), as_json)
                _close(source, said, opened)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def _print(told: Any, end: int, as_json: bool) -> None:
    sight = told.sight
    row = {
        "analytic": told.analytic, "type": sight.type, "start_s": round(sight.start / 1000, 2),
        "end_s": round(end / 1000, 2), "score": sight.score, "box": list(sight.box),
    }  # fmt: skip
    if as_json:
        typer.echo(json.dumps(row))
        return
    where = f"  {sight.zone}" if sight.zone else ""
    typer.echo(
        f"{row['start_s']:8.2f} - {row['end_s']:8.2f} s  {told.analytic} {sight.type} {sight.score:.2f}{where}"
    )


def _close(source: str, ended: Any, opened: bool) -> None:
    """Say what went wrong; without a single picture that is an error, else a remark."""
    if ended.problem:
        typer.echo(f"{source}: {ended.problem}", err=True)
        if not opened:
            raise typer.Exit(2)


def _wrong(text: str) -> typer.Exit:
    typer.echo(text, err=True)
    return typer.Exit(2)


def _there(source: str) -> str:
    from gateway.vision.source import STREAMS

    if source.startswith(STREAMS):
        return source
    file = Path(source)
    try:
        if not file.exists():
            raise _wrong(f"{source}: there is no such file")
        if not file.is_file():
            raise _wrong(f"{source} is not a file")
        with file.open("rb") as opened:
            if not opened.read(1):
                raise _wrong(f"{source} is empty")
    except OSError as error:
        raise _wrong(f"{source} cannot be read: {error.strerror}") from None
    return str(file.resolve())  # `image2:...` and the like would mean something to the decoder


def _analytics(names: list[str]) -> tuple[str, ...]:
    from devices.discover import discover

    known = discover("devices.vision").names
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise _wrong(f"--analytic {name}: there are {', '.join(known)}{hint}")
    return tuple(n for n in known if not names or n in names)


def _zones(texts: list[str]) -> tuple[Any, ...]:
    from devices.picture.zone import zone_of

    if len(texts) > ZONES_MAX:
        raise _wrong(f"--zone: at most {ZONES_MAX}")
    try:
        return tuple(zone_of(t, f"zone{n}" if len(texts) > 1 else "") for n, t in enumerate(texts, 1))
    except ValueError as error:
        raise _wrong(f"--zone: {error}") from None


def _positive(option: str, value: float | None) -> float | None:
    if value is not None and not 0 < value < 1e6:
        raise _wrong(f"{option}: more than 0 is expected, not {value:g}")
    return value


def _weights(file: Path | None) -> Any:
    if file is None:
        return None
    from devices.picture.flicker import NAMES
    from gateway.vision.calibrating import CannotCalibrate, read_model

    try:
        model = read_model(file)
    except CannotCalibrate as error:
        raise _wrong(f"--weights {error}") from None
    if model.features != NAMES:
        raise _wrong(f"--weights {file}: of another version; run csg vision calibrate again")
    return model


def _drawable(file: Path | None) -> str:
    suffixes = (".webm", ".mp4", ".avi")
    if file is None:
        return ""
    if file.suffix not in suffixes:
        raise _wrong(f"--overlay {file}: the name ends in {', '.join(suffixes)}")
    if not file.resolve().parent.is_dir():
        raise _wrong(f"--overlay {file}: there is no folder {file.resolve().parent}")
    return str(file.resolve())
