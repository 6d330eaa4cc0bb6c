"""Cameras a core, memory and delay: one real process of six cameras with all analytics, its engine and the journal."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

import cv2
import msgspec

from bench.rig import ROOT, cpu_s, rss_mb, say, until
from devices.simulator.scenes import Scene
from gateway.app.child import Orders
from gateway.cameras.settings import SHARE, CameraSettings
from gateway.config import check
from gateway.config.cameras import with_cameras
from gateway.control import ControlClient
from gateway.core.event import Measured
from gateway.errors import EngineGone
from gateway.journal import JournalReader
from gateway.registry import Registry
from gateway.registry.cameras import camera_of, put_camera
from gateway.vision.quiet import QUIET

FPS: Final = 15
FILM_S: Final = 20
WARM_S: Final = 15.0
WAY: Final = [[0.4, 0.4], [0.55, 0.4], [0.55, 1], [0.4, 1]]  # people and cars pass: readings to time


async def measure_cameras(seconds: float) -> None:
    """Six films of 640x360 at 15 pictures a second, people and cars in them, five a second analysed by everything."""
    say("\n## cameras")
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        data.mkdir()
        film = _film(Path(folder) / "film.mp4")
        report = check(None)
        assert report.settings is not None
        cameras = tuple(CameraSettings(f"c{n}", "home", str(film)) for n in range(SHARE))
        settings = with_cameras(
            msgspec.structs.replace(report.settings, data=str(data), sources=(), cameras=cameras)
        )
        _register(data, cameras)
        living = [await _child(part, data, settings, cameras) for part in ("engine", "cameras-1")]
        control = ControlClient(data / "engine.sock")
        try:
            await until(lambda: _up(control), 60)
            await asyncio.sleep(WARM_S)
            worker = living[1].pid
            before, began = cpu_s(worker), asyncio.get_running_loop().time()
            pictures = await _pictures(control)
            await asyncio.sleep(seconds)
            took = asyncio.get_running_loop().time() - began
            used = cpu_s(worker) - before
            looked = await _pictures(control) - pictures
            say(
                f"{SHARE} cameras, {looked / took / SHARE:.1f} pictures a second each analysed (capture included): "
                f"{used / took:.2f} of a core, so {SHARE * took / used:.1f} cameras a core; "
                f"{used * 1000 / max(looked, 1):.1f} ms CPU a picture; worker {rss_mb(worker):.0f} MB"
            )
        finally:
            for process in living:
                process.kill()
                await process.wait()
            await control.close()
        _delays(data)


def _film(file: Path) -> Path:
    scene = Scene(seed=1, seconds=FILM_S, fps=FPS, width=640, people=1, cars=1)
    writer = cv2.VideoWriter(str(file), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"mp4v"), FPS, (640, 360))
    for _, picture in scene.frames():
        writer.write(picture)
    writer.release()
    return file


def _register(data: Path, cameras: tuple[CameraSettings, ...]) -> None:
    lane = [list(point) for point in Scene().lane.points]
    record = camera_of(
        {"purpose": "bench", "sees": "a yard", "notice": "here", "assessed_on": "2026-11-01",
         "zones": [{"name": "lane", "kind": "fire_lane", "points": lane},
                   {"name": "yard", "kind": "watch", "points": WAY}]},
        0,
    )  # fmt: skip
    registry = Registry.open(data / "registry.sqlite")
    for camera in cameras:
        put_camera(registry.database, camera.device, record, who="bench", now=1)
    registry.close()


async def _child(
    part: str, data: Path, settings: Any, cameras: tuple[CameraSettings, ...]
) -> asyncio.subprocess.Process:
    orders = msgspec.msgpack.encode(
        Orders(
            part,
            str(data),
            msgspec.msgpack.encode(settings),
            broker_port=0,
            share=tuple(c.device for c in cameras),
        )
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"gateway.app.{part.partition('-')[0]}", cwd=ROOT, env={**QUIET, **os.environ},
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdin is not None
    process.stdin.write(len(orders).to_bytes(4, "big") + orders)
    return process


async def _up(control: ControlClient) -> bool:
    return await _pictures(control) > 0


async def _pictures(control: ControlClient) -> int:
    try:
        status = await control.status()
    except EngineGone:
        return 0
    return sum(figures.get("pictures", 0) for figures in status["listener"].values())


def _delays(data: Path) -> None:
    """From the moment a picture was grabbed to the stamp of the reading it led to."""
    reader, delays, after = JournalReader(data / "journal"), [], 0
    while rows := reader.rows(after):
        after = rows[-1].first + len(rows[-1].events) - 1
        for row in rows:
            for at, event in row.events:
                if isinstance(event, Measured):
                    delays += [
                        at + row.offset_ms - r.measured_at
                        for r in event.readings
                        if r.measured_at is not None and "/motion/" in r.point
                    ]
    reader.close()
    if delays:
        delays.sort()
        say(f"{len(delays)} readings; delay from the picture p50 {delays[len(delays) // 2]} ms, "
            f"p95 {delays[len(delays) * 95 // 100]} ms")  # fmt: skip
