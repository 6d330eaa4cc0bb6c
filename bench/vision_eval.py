"""What `make vision-eval` prints: the analytics on labelled clips, on rendered scenes and over a simulated day."""

from __future__ import annotations

import argparse
import json
import math
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from bench.vision_cost import measure_cost
from bench.vision_days import HOUR, STEP_S, day
from bench.vision_fires import ALIKE, FIRES, SECONDS, Hearth
from bench.vision_harmless import HARMLESS
from bench.vision_laid import BASES, Clip, made
from bench.vision_mischief import MISCHIEF
from bench.vision_stand import DWELL_S as STAND_DWELL_S
from bench.vision_stand import KINDS, LEARN_S, Stage
from bench.vision_stand import QUIET as STAND_QUIET
from bench.vision_stand import verdict as verdict_of_stand
from devices.discover import discover
from devices.picture.frame import Pixels
from devices.picture.logistic import poisson
from devices.picture.view import CLIP, ViewConfig
from devices.picture.watch import Watch
from devices.simulator.scenes import Happening, Scene
from devices.simulator.scenes.mischief import TAMPER
from gateway.vision.source import Source

FOOTAGE: Final = Path(__file__).parents[2] / "shared" / "footage"
BENIGN: Final = ("dimmed", "switched", "infrared", "headlights", "nothing")
QUIET: Final = (
    "motion",
    "unreliable",
)  # told of any passer-by, and of a view that is not usable: no claims to judge
DWELL_S: Final = 8.0


class Event(NamedTuple):
    """One sight of one run, in seconds; `end` is None where it stands."""

    analytic: str
    type: str
    start: float
    told: float
    end: float | None


def seen(
    frames: Iterator[tuple[int, Pixels]], view: ViewConfig, options: Mapping[str, Any], only: str = ""
) -> list[Event]:
    """All claims of all analytics, or of the `only` one, over these frames."""
    plugins = {n: p for n, p in discover("devices.vision").available() if only in ("", n)}
    watch = Watch(plugins, view, options)
    events: dict[tuple[str, str, int, str], Event] = {}
    for at, picture in frames:
        for name, sight in watch.feed(at, picture):
            key = (name, sight.type, sight.start, sight.zone)
            old = events.get(key)
            end = None if sight.end is None else sight.end / 1000
            told = at / 1000 if old is None else old.told
            events[key] = Event(name, sight.type, sight.start / 1000, told, end)
    return [e for e in events.values() if e.type not in QUIET]


def footage(folder: Path) -> None:
    """Each labelled clip through the command, as a person would."""
    wanted = {f"tamper_{kind}": kind for kind in TAMPER.values()}
    wanted |= {"parked": "occupied", "object_removed": "removed", "fire": "possible_flame"}
    say("\n### Labelled clips\n\n| clip | labelled | seen | besides |\n|---|---|---|---|")
    for clip in json.loads((folder / "labels.json").read_text())["clips"]:
        labels = [(wanted[e["type"]], e["start_s"]) for e in clip["events"] if e["type"] in wanted]
        boxes = [e["box_xywh_rel"] for e in clip["events"] if "box_xywh_rel" in e]
        zone = ["--zone", _around(boxes[0])] if boxes else []
        command = [sys.executable, "-c", "from gateway.cli import main; main()", "vision"]
        done = subprocess.run(
            [*command, str(folder / clip["file"]), "--json", "--dwell", f"{DWELL_S:g}", *zone],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        rows = [row for row in map(json.loads, done.stdout.splitlines()) if row["type"] not in QUIET]
        hits = [r for kind, at in labels for r in rows if r["type"] == kind and -1 < r["start_s"] - at < 30]
        other = [f"{r['type']} {r['start_s']:g}-{r['end_s']:g}" for r in rows if r not in hits]
        found = ", ".join(f"{r['type']} {r['start_s']:g}-{r['end_s']:g}" for r in hits)
        named = ", ".join(f"{kind} from {at:g}" for kind, at in labels)
        say(f"| {clip['file']} | {named} | {found} | {', '.join(other)} |")


def _around(box: Sequence[float]) -> str:
    x, y, w, h = box
    return f"{x:.3f},{y:.3f} {x + w:.3f},{y:.3f} {x + w:.3f},{min(1, y + h):.3f} {x:.3f},{min(1, y + h):.3f}"


class Verdict(NamedTuple):
    """What one laid clip gave: seconds until it was told as meant (None if it was not), and what else was told."""

    late: float | None
    other: str


def verdict(clip: Clip, events: Sequence[Event]) -> Verdict:
    """A hit begins at most 1.5 s before the onset and is told within 30 s after it, as a type that is right."""
    right = [
        e
        for e in events
        if e.type in clip.meant and -1.5 <= e.start - clip.onset <= e.told - clip.onset <= 30
    ]
    other = ", ".join(sorted({e.type for e in events if e not in right}))
    return Verdict(right[0].told - clip.onset if right else None, other)


def held_out(folder: Path, each: int, seed: int) -> None:
    """Tamper and harmless things laid over windows of the real clips; a seed is a set of dice nobody tuned to."""
    say(f"\n### Laid over real clips ({each} of each on each of {', '.join(BASES)}, seed {seed})\n")
    say("| laid over | told as it | after (median, most) | told as something else | where not |")
    say("|---|---|---|---|---|")
    sums = {True: [0, 0], False: [0, 0]}
    with tempfile.TemporaryDirectory() as made_in:
        for kind in (*MISCHIEF, *HARMLESS):
            found = []
            for base, number in product(BASES, range(each)):
                file = Path(made_in) / "laid.mp4"
                clip = made(
                    folder / f"{base}.mp4", kind, random.Random(f"{seed} {kind} {base} {number}"), file
                )
                view = msgspec.structs.replace(CLIP, learn_s=clip.learn_s, ready_s=clip.learn_s)
                found.append((base, verdict(clip, seen(_pictures(file), view, {}, "tamper"))))
            late = sorted(v.late for _, v in found if v.late is not None)
            missed = Counter(base for base, v in found if v.late is None and kind in MISCHIEF)
            wrong = Counter(v.other for _, v in found if v.other)
            hits = len(late) if kind in MISCHIEF else len(wrong)
            sums[kind in MISCHIEF][0] += hits
            sums[kind in MISCHIEF][1] += len(found)
            told = f"{late[len(late) // 2]:.1f} s, {late[-1]:.1f} s" if late else ""
            score = f"{hits} of {len(found)}" if kind in MISCHIEF else ""
            say(f"| {kind} | {score} | {told} | {_counted(wrong)} | {_counted(missed)} |")
    for harm, text in ((True, "tampers told"), (False, "harmless clips told as tamper")):
        count, of = sums[harm]
        low, high = wilson(count, of)
        say(f"\n{text}: {count} of {of} ({count / of:.1%}; 95 %: {low:.1%} to {high:.1%})")


def _pictures(file: Path) -> Iterator[tuple[int, Pixels]]:
    source = Source(str(file))
    yield from source.pictures(200)
    source.close()


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {what}" for what, count in counts.items())


def wilson(count: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927)."""
    z, share = 1.96, count / of
    middle, reach = share + z * z / (2 * of), z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return (middle - reach) / (1 + z * z / of), (middle + reach) / (1 + z * z / of)


def stood(folder: Path, each: int, seed: int) -> None:
    """Things left, taken, moved and passing in the real clips; hits are in time and of the right type."""
    say(f"\n### Things laid into real clips ({each} of each, seed {seed})\n")
    say("| what happens | told in time | over in time | clips with something besides |\n|---|---|---|---|")
    stage = Stage(folder)
    for kind in (*KINDS, *STAND_QUIET):
        verdicts = []
        for number in range(each):
            case = stage.case(kind, number, seed)
            options = {"zones": case.zones, "dwell_s": STAND_DWELL_S, "learn_s": LEARN_S}
            verdicts.append(verdict_of_stand(case, seen(iter(case.frames), CLIP, options, "occupation")))
        hits, over = sum(v.hit for v in verdicts), sum(v.over for v in verdicts)
        found = f"{hits} of {each} | {over} of {each}" if kind in KINDS else " | "
        say(f"| {kind} | {found} | {sum(bool(v.wrong) for v in verdicts)} |")


def burned(folder: Path, each: int, seed: int) -> None:
    """Fires and look-alikes laid over the real clips; found is a possible flame within 10 s."""
    say(f"\n### Fires and look-alikes laid over real clips ({each} of each, {SECONDS} s, seed {seed})\n")
    say("| what is there | possible flame told | of |\n|---|---|---|")
    hearth = Hearth(folder)
    for kind in (*FIRES, *ALIKE):
        told = 0
        for number in range(each):
            events = seen(iter(hearth.clip(kind, number, seed)), CLIP, {}, "flame")
            told += any(e.type == "possible_flame" and e.told <= 10 for e in events)
        say(f"| {kind} | {told} | {each} |")


def varied(dice: random.Random, kind: str) -> Scene:
    """A scene of 22 s in which this happens from about 8 s on, everything else as the dice fall."""
    start = dice.uniform(7, 9)
    long = 3.0 if kind == "headlights" else 11.0
    happens = () if kind == "nothing" else (Happening(kind=kind, start_s=start, end_s=start + long),)
    return Scene(
        seed=dice.randrange(1_000_000), seconds=24 if kind in ("parked", "removed") else 20,
        fps=dice.choice((3.0, 5.0, 8.0)), width=dice.choice((320, 400, 480)),
        light=dice.choice(("day", "dusk", "night", "infrared")), people=dice.choice((0, 2, 10)),
        cars=dice.choice((0, 1, 3)), rain=dice.choice((0, 0, 0.5, 1)), neon=dice.random() < 0.3,
        quality=dice.randint(35, 85), happenings=happens,
    )  # fmt: skip


def scenes(each: int, seed: int) -> None:
    """So many random scenes of each happening; one hit each is wanted and nothing besides."""
    say(f"\n### Rendered scenes ({each} of each, seed {seed})\n")
    say("| happening | found | told after (median, most) | besides |\n|---|---|---|---|")
    dice = random.Random(seed)
    analytics = discover("devices.vision").names
    for kind in (*TAMPER, "parked", "removed", *BENIGN):
        if kind in ("parked", "removed") and "occupation" not in analytics:
            continue
        found, late = 0, []
        besides: dict[str, int] = defaultdict(int)
        for _ in range(each):
            scene = varied(dice, kind)
            truth = scene.truth
            options = (
                {"zones": (scene.lane,), "dwell_s": DWELL_S} if kind != "removed" else {"dwell_s": DWELL_S}
            )
            events = seen(scene.frames(), CLIP, options)
            hits = [e for e in events for t in truth if e.type == t.type and -1 < e.start - t.start_s < 12]
            found += bool(hits)
            late += [e.told - t.start_s for e in hits[:1] for t in truth]
            for event in events:
                if event not in hits:
                    besides[event.type] += 1
        told = f"{sorted(late)[len(late) // 2]:.1f} s, {max(late):.1f} s" if late else ""
        score = f"{found} of {each}" if kind not in BENIGN else "-"
        say(f"| {kind} | {score} | {told} | {', '.join(f'{n} {k}' for k, n in besides.items())} |")


def days(count: int, seed: int) -> None:
    """Whole days with all analytics; a false event is any but motion, and but `occupied` while a car stays too long."""
    say(f"\n### Simulated camera-days ({count}, seed {seed})\n")
    say("| day | stood too long: told | false events | which |\n|---|---|---|---|")
    false = 0
    for number in range(count):
        one = day(number, seed)
        events = seen(one.frames(), ViewConfig(learn_s=3600.0), one.options())
        right = [e for e in events if e.type == "occupied" and any(_during(e, stood) for stood in one.parked)]
        told = sum(any(_during(e, stood) for e in right) for stood in one.parked)
        wrong = [e for e in events if e not in right]
        false += len(wrong)
        which = ", ".join(f"{e.type} at {(HOUR + e.start / 3600) % 24:.2f} h" for e in wrong)
        say(f"| {number + 1}, {one.weather} | {told} of {len(one.parked)} | {len(wrong)} | {which} |")
    low, high = poisson(false, count)
    say(f"\n{false} false events in {count} days: {false / count:.2g} a day (95 %: {low:.2g} to {high:.2g})")


def _during(event: Event, stood: tuple[float, float]) -> bool:
    return stood[0] - STEP_S <= event.start <= stood[1]


def say(text: str) -> None:
    """A line of the report."""
    print(text, flush=True)


def main() -> None:
    """Print the report as Markdown."""
    parser = argparse.ArgumentParser(prog="vision-eval", description=main.__doc__)
    parser.add_argument("--scenes", type=int, default=6, help="random scenes of each happening")
    parser.add_argument("--laid", type=int, default=1, help="clips of each kind laid over each real clip")
    parser.add_argument(
        "--stood", type=int, default=2, help="clips of each kind with things left, taken, moved"
    )
    parser.add_argument("--burned", type=int, default=4, help="clips of each kind of fire and of look-alike")
    parser.add_argument("--days", type=int, default=1, help="simulated camera-days")
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--footage", type=Path, default=FOOTAGE, help="a folder with labels.json")
    chosen = parser.parse_args()
    began = time.process_time()
    if (chosen.footage / "labels.json").is_file():
        footage(chosen.footage)
        if chosen.laid:
            held_out(chosen.footage, chosen.laid, chosen.seed)
        if chosen.stood:
            stood(chosen.footage, chosen.stood, chosen.seed)
        if chosen.burned:
            burned(chosen.footage, chosen.burned, chosen.seed)
    if chosen.scenes:
        scenes(chosen.scenes, chosen.seed)
    if chosen.days:
        days(chosen.days, chosen.seed)
    measure_cost(say)
    spent = time.process_time() - began + resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    say(f"\n({spent:.0f} s of processor time)")


if __name__ == "__main__":
    main()
