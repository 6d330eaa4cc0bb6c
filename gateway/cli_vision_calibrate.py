"""`csg vision calibrate`: fits possible flame to a site's own labelled clips, and says honestly how well it does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer


def calibrate(
    clips: Annotated[Path, typer.Argument(metavar="FOLDER", help="Clips with a labels.json beside them.")],
    out: Annotated[Path | None, typer.Option(help="Write the weights here.")] = None,
    drawn: Annotated[
        int,
        typer.Option(min=0, max=50, help="Drawn clips of each kind that teach beside yours; 0: only yours."),
    ] = 3,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """Fit the weights of possible flame to labelled clips. Exit code 0: done; 2: something is wrong with the clips.

    Every figure is of clips judged by weights that were fitted without them, with its 95 % interval. Few clips give
    wide intervals: believe those, not the figure in the middle.

    Example: csg vision calibrate clips/ --out flame-weights.json
    """
    from rich.console import Console
    from rich.progress import Progress

    from gateway.vision.calibrating import (
        CannotCalibrate,
        calibrated,
        drawn_lessons,
        figures,
        kinds,
        labelled,
        studied_in_child,
    )  # fmt: skip

    try:
        labels = labelled(clips)
        real, lessons, skipped = [], [], []
        with Progress(console=Console(stderr=True), disable=as_json) as progress:
            task = progress.add_task("studying", total=len(labels.clips) + drawn * kinds())
            for clip in labels.clips:
                try:
                    real.append(studied_in_child(clips, clip))
                except CannotCalibrate as error:
                    skipped.append(str(error))
                progress.advance(task)
            for lesson in drawn_lessons(drawn):
                lessons.append(lesson)
                progress.advance(task)
            report = calibrated(
                real, lessons, lambda part: progress.update(task, description=f"judging {part}")
            )
        if out is not None:
            out.write_bytes(msgspec.json.format(msgspec.json.encode(report.model)) + b"\n")
    except CannotCalibrate as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    except OSError as error:
        typer.echo(f"{out}: {error.strerror}", err=True)
        raise typer.Exit(2) from None
    for line in skipped:
        typer.echo(f"not used: {line}", err=True)
    if as_json:
        rows = {
            "clips": figures(report.real),
            "drawn": figures(report.drawn),
            "weights": msgspec.to_builtins(report.model),
        }
        typer.echo(json.dumps({**rows, "not_used": skipped}, ensure_ascii=False))
        return
    for result in report.real:
        found = ", ".join("not found" if w is None else f"found after {w / 1000:.1f} s" for w in result.found)
        typer.echo(f"  {result.clip}: {found or 'no fire in it'}; {result.false} false")
    _say("your clips", figures(report.real))
    if lessons:
        _say("drawn clips", figures(report.drawn))
    typer.echo(f"weights: {out}" if out is not None else "(no weights written: --out FILE)")


def _say(what: str, row: dict[str, Any]) -> None:
    if row["fires"]:
        delay = "" if row["delay_s"] is None else f", half of them within {row['delay_s']} s"
        typer.echo(
            f"{what}: {row['found']} of {row['fires']} fires found"
            f" (95 %: {row['found_low']:.0%} to {row['found_high']:.0%}){delay}"
        )
    if row["hours"]:
        typer.echo(
            f"{what}: {row['false']} false in {row['hours']} h without fire"
            f" (95 %: {row['false_hour_low']} to {row['false_hour_high']} an hour)"
        )
