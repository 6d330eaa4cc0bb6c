"""Cameras as a community has them: covered, blocked, stalled, broken and dead; and an engine that goes on."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import cv2
import httpx
import msgspec
import numpy as np
import pytest

from devices.reading import Hazard, Reading
from devices.simulator.scenes import Happening
from gateway.app.child import Orders
from gateway.cameras.settings import CameraSettings
from gateway.config import Settings, check
from gateway.config.cameras import with_cameras
from gateway.control import ControlClient
from gateway.core.effect import IncidentChanged, IncidentDoc
from gateway.core.event import Measured
from gateway.errors import EngineGone
from gateway.journal import JournalReader, Row
from gateway.registry import Registry
from gateway.registry.cameras import camera_of, put_camera
from gateway.vision.quiet import QUIET
from tests.acceptance.mjpeg import GARBAGE, STALL, Camera, rendered
from tests.acceptance.plant import ROOT
from tests.acceptance.rtsp import RtspCamera
from tests.acceptance.running import Running, found, furnish, note
from tests.parts import require

pytestmark = pytest.mark.acceptance

LANE = [[0.0, 0.66], [1.0, 0.66], [1.0, 0.86], [0.0, 0.86]]
QUICK = {"dwell_s": 3, "learn_s": 3, "confirm_s": 1, "over_s": 1, "view_ready_s": 3, "view_learn_s": 4}
RECORD = {
    "purpose": "消防车通道", "sees": "北门", "notice": "北门立柱", "assessed_on": "2026-10-01",
    "zones": [{"name": "lane", "kind": "fire_lane", "points": LANE}], "thresholds": QUICK,
    "analytics": ["tamper", "occupation"],
}  # fmt: skip
PLACES = {"places": [{"id": "home", "level": "site", "name": "试验小区", "parent": None}]}


class Yard:
    """An engine and one process of cameras, without their supervisor."""

    def __init__(self, data: Path, **urls: str) -> None:
        self.data = data
        report = check(None)
        assert report.settings is not None
        cameras = tuple(CameraSettings(name, "home", url) for name, url in urls.items())
        self.settings: Settings = with_cameras(
            msgspec.structs.replace(report.settings, data=str(data), sources=(), cameras=cameras)
        )
        self.control = ControlClient(data / "engine.sock")
        self.living: dict[str, asyncio.subprocess.Process] = {}

    def register(self, name: str, record: dict[str, Any]) -> None:
        """As the console does it."""
        registry = Registry.open(self.data / "registry.sqlite")
        put_camera(registry.database, self.device(name), camera_of(record, 0), who="test", now=1)
        registry.close()

    def device(self, name: str) -> str:
        return next(c.device for c in self.settings.cameras if c.name == name)

    async def start(self, part: str) -> None:
        orders = msgspec.msgpack.encode(Orders(
            part, str(self.data), msgspec.msgpack.encode(self.settings), broker_port=0,
            share=tuple(c.device for c in self.settings.cameras),
        ))  # fmt: skip
        process = self.living[part] = await asyncio.create_subprocess_exec(
            sys.executable, "-m", f"gateway.app.{part.partition('-')[0]}", cwd=ROOT,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL, env={**QUIET, **os.environ},
        )  # fmt: skip
        assert process.stdin is not None
        process.stdin.write(len(orders).to_bytes(4, "big") + orders)
        if part == "engine":
            await found(self._answers, "the engine answers", 60)

    async def _answers(self) -> bool:
        try:
            return bool(await self.control.status())
        except EngineGone:
            return False

    async def kill(self, part: str) -> int:
        process = self.living.pop(part)
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGKILL)
        return await process.wait()

    def rows(self) -> list[Row]:
        """Everything the journal holds, in order."""
        reader = JournalReader(self.data / "journal")
        rows: list[Row] = []
        while more := reader.rows(rows[-1].first + len(rows[-1].events) - 1 if rows else 0):
            rows += more
        reader.close()
        return rows

    def said(self) -> list[tuple[int, Reading]]:
        """Every reading of a camera in the journal, with its time."""
        out = []
        for row in self.rows():
            for at, event in row.events:
                if isinstance(event, Measured) and "cameras" in event.source:
                    out += [(at, reading) for reading in event.readings]
        return out

    def incidents(self) -> list[IncidentDoc]:
        """Every word of the journal on any incident."""
        return [
            i.result.doc for row in self.rows() for i in row.happened if isinstance(i.result, IncidentChanged)
        ]

    def now(self) -> int:
        """The newest time in the journal."""
        return max((at for at, _ in self.said()), default=0)

    async def says(self, name: str, metric: str, value: Any, after: int = 0, within_s: float = 40.0) -> int:
        """When the camera first said so after that time (of the journal)."""
        point = f"{self.device(name)}/{metric}"

        async def look() -> int | None:
            return next(
                (at for at, r in self.said() if at > after and r.point == point and r.value is value), None
            )

        return await found(look, f"{point} {value}", within_s)


@contextlib.asynccontextmanager
async def yard(data: Path, **urls: str) -> AsyncIterator[Yard]:
    furnish(data, PLACES)
    made = Yard(data, **urls)
    try:
        yield made
    finally:
        for part in list(made.living):
            await made.kill(part)
        await made.control.close()


def sharpness(jpeg: bytes) -> float:
    """How much a picture changes from pixel to pixel, in grey levels."""
    grey = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert grey is not None
    return float(np.abs(np.diff(grey.astype(np.int16), axis=1)).mean())


def parked(_: Any = None) -> Happening:
    return Happening(kind="parked", start_s=0, end_s=99)


async def test_a_covered_lens_and_a_blocked_lane(tmp_path: Path) -> None:
    """A camera without a register entry does not start and says so; registered, it tells a car that parks in the fire
    lane and when it has gone, and a lens that is covered."""
    films = {
        "quiet": rendered(), "parked": rendered(parked()),
        "covered": rendered(Happening(kind="covered", start_s=0, end_s=99)),
    }  # fmt: skip
    async with Camera(films) as camera, yard(tmp_path / "d", gate=camera.url) as here:
        await here.start("engine")
        await here.start("cameras-1")
        await here.says("gate", "camera_registered/", False)
        assert camera.asked == 0
        here.register("gate", RECORD)
        on = await here.says("gate", "camera_online/", True)
        await asyncio.sleep(7)  # the view is learned from pictures, which take their time
        camera.shows = "parked"
        blocked = await here.says("gate", "obstruction/lane", True, on)
        camera.shows = "quiet"
        free = await here.says("gate", "obstruction/lane", False, blocked)
        camera.shows = "covered"
        covered = await here.says("gate", "camera_tamper/covered", True, free)
        camera.shows = "quiet"
        await here.says("gate", "camera_tamper/covered", False, covered)
        incidents = {(doc.hazard, doc.priority) for doc in here.incidents()}
        assert {(Hazard.OBSTRUCTION, 3), (Hazard.INTRUSION, 3)} <= incidents
        process = here.living["cameras-1"]
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0


async def test_sources_that_stall_break_and_die(tmp_path: Path) -> None:
    """Whatever a stream does is told of its camera alone: a stalled, a dead, a garbled and a never answering one are
    lost and, where they come back, back; a truncated film and corrupt H.264 end nothing; the good ones (HTTP, RTSP)
    stay online and the engine answers throughout."""
    films = {"quiet": rendered()}
    film = tmp_path / "film.avi"
    film.write_bytes(b"RIFF" + bytes(range(256)) * 40)
    broken = tmp_path / "broken.h264"
    broken.write_bytes(bytes.fromhex("00000001674d401e") + random.Random(4).randbytes(60_000))
    film_640 = rendered(seconds=1, width=640)
    with socket.create_server(("127.0.0.1", 0)) as mute:  # takes the connection and never says a word
        async with (
            Camera(films) as good, Camera(films) as stalls, Camera(films) as dies, Camera(films) as garbles,
            RtspCamera(film_640) as over_rtsp,
            yard(
                tmp_path / "d", good=good.url, stalls=stalls.url, dies=dies.url, garbles=garbles.url,
                rtsp=over_rtsp.url, film=str(film), h264=str(broken), mute=f"http://127.0.0.1:{mute.getsockname()[1]}/x",
            ) as here,
        ):  # fmt: skip
            for camera in here.settings.cameras:
                here.register(camera.name, RECORD)
            await here.start("engine")
            await here.start("cameras-1")
            for name in ("good", "rtsp", "stalls", "dies", "garbles"):
                await here.says(name, "camera_online/", True)
            began = here.now()
            stalls.shows, garbles.shows = STALL, GARBAGE
            await dies.off()
            for name in ("stalls", "dies", "garbles"):
                lost = await here.says(name, "camera_online/", False, began)
                note(f"{name}: lost after {(lost - began) / 1000:.1f} s of the journal's time")
            for name in ("film", "h264", "mute"):
                await here.says(name, "camera_online/", False)
            again = here.now()
            stalls.shows = garbles.shows = "quiet"
            await dies.on()
            for name in ("stalls", "dies", "garbles"):
                back = await here.says(name, "camera_online/", True, again, within_s=60)
                note(f"{name}: back after {(back - again) / 1000:.1f} s")
            for name in ("good", "rtsp"):
                point = f"{here.device(name)}/camera_online/"
                assert {r.value for _, r in here.said() if r.point == point} == {True}
            assert here.living["cameras-1"].returncode is None
            assert await here.control.status()


async def test_the_supervisor_keeps_cameras_going(tmp_path: Path) -> None:
    """`csg run` starts the cameras' process; a record written through the API starts its camera, which one may look
    through; killed, the process comes back by itself, the camera goes on, and all of it stops with Ctrl-C."""
    require("mosquitto")
    data = tmp_path / "d"
    async with Camera({"quiet": rendered()}) as camera:
        furnish(data, PLACES)
        here = Yard(data, gate=camera.url)
        path = f"/api/v1/cameras/{here.device('gate')}"
        config = f"data: {data}\ncameras:\n  - {{name: gate, site: home, url: '{camera.url}'}}\n"
        async with Running("run", data, config=config) as running:
            async with running.signed_in() as client:
                await here.says("gate", "camera_registered/", False)
                assert (await client.get(path)).json()["state"] == "unregistered"
                assert (await client.get(f"{path}/preview")).json()["code"] == "no-picture"
                assert camera.asked == 0
                (await client.put(path, json=RECORD, headers={"If-Match": '"0"'})).raise_for_status()

                async def looks(view: str) -> httpx.Response | None:
                    said = await client.get(f"{path}/preview")
                    return said if said.headers.get("CSG-View") == view else None

                hidden = await found(lambda: looks("learning"), "a look through the camera")
                shown = await found(lambda: looks("learned"), "a look by the view it has learned")
                assert sharpness(hidden.content) < 0.5 * sharpness(shown.content)
                assert (await client.get(path)).json()["state"] == "looking"
                log = (await client.get("/api/v1/looks")).json()["items"]
                assert [(line["kind"], line["body"]["camera"]) for line in log] == [
                    ("preview", here.device("gate"))
                ]
            on = here.now()
            first = running.child("cameras")
            assert first is not None
            os.kill(first, signal.SIGKILL)

            async def another() -> bool:
                return running.child("cameras") not in (None, first)

            await found(another, "the process of the cameras is started again")
            await here.says("gate", "camera_online/", True, on)
            assert await running.interrupt() == 0
        await here.control.close()
