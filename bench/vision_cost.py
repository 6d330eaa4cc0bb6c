"""What looking costs: processor time a frame for capture, view and each analytic, and the memory of one process."""

from __future__ import annotations

import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import cv2

from devices.discover import discover
from devices.picture.analytic import configured
from devices.picture.frame import Frame, fitted
from devices.picture.view import CLIP, Gate
from devices.simulator.scenes import Happening, Scene
from gateway.vision.source import Source

FPS: Final = 15
ANALYSED: Final = 5
SECONDS: Final = 16
CAMERAS: Final = 6


def measure_cost(say: Callable[[str], None]) -> None:
    """A clip of 640x360 at 15 frames a second with people, cars and a pushed camera, five frames a second analysed."""
    cv2.setNumThreads(1)
    happens = (Happening(kind="moved", start_s=12, end_s=99),)
    scene = Scene(seed=1, seconds=SECONDS, fps=FPS, width=640, people=4, cars=2, happenings=happens)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "clip.mp4"
        writer = cv2.VideoWriter(str(file), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"mp4v"), FPS, (640, 360))
        for _, picture in scene.frames():
            writer.write(picture)
        writer.release()
        before = time.process_time()
        source = Source(str(file))
        pictures = list(source.pictures(1000 // ANALYSED))
        source.close()
        spent = {"capture (15 frames decoded for 5)": time.process_time() - before}
    plugins = dict(discover("devices.vision").available())
    cameras = [
        (Gate(CLIP), {name: configured(p, {"zones": (scene.lane,)}) for name, p in plugins.items()})
        for _ in range(CAMERAS)
    ]
    for gate, runs in cameras:
        for at, picture in pictures:
            frame = Frame(at, fitted(picture))
            began = time.process_time()
            frame.view = gate.judge(frame)
            spent["view"] = spent.get("view", 0) + (time.process_time() - began) / CAMERAS
            for name, run in runs.items():
                began = time.process_time()
                run.feed(frame)
                spent[name] = spent.get(name, 0) + (time.process_time() - began) / CAMERAS
    say(f"\n### Cost at 640x360, {ANALYSED} pictures a second analysed\n\n| part | ms a picture |\n|---|---|")
    for name, seconds in spent.items():
        say(f"| {name} | {seconds * 1000 / len(pictures):.2f} |")
    share = sum(spent.values()) / SECONDS
    say(f"| all | {sum(spent.values()) * 1000 / len(pictures):.2f} |")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    say(f"\nBy this sum one core carries {1 / share:.0f} such cameras.")
    say(
        f"The peak of this process, which held {CAMERAS} of them and rendered the scenes above, was {peak:.0f} MB."
    )
