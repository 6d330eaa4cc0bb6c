"""From a real stream to the picture on the desk: what is kept of whom, for which alarm, and who is not in it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import cv2
import httpx
import msgspec
import numpy as np
import pytest

from devices.picture.mask import BLOCKS, Pixels
from devices.simulator.scenes import Happening, Scene
from gateway.evidence.sealing import evidence_key, unseal
from gateway.registry import Registry
from gateway.registry.cameras import camera_of, put_camera
from tests.acceptance.mjpeg import FPS, Camera
from tests.acceptance.running import Running, found, furnish
from tests.parts import require

pytestmark = pytest.mark.acceptance

WIDTH, HEIGHT = 640, 360
TOP = 200  # of the zone, in pixels
STEPS = 2 * FPS  # pictures of a film
TALL, WIDE, HEAD = 120, 36, 17  # whoever walks by, in pixels
BLOCK = HEIGHT // BLOCKS
GATE, HALL = "cameras-home:home/gate", "cameras-home:home/hall"
RECORD: dict[str, Any] = {
    "purpose": "消防车通道占用", "sees": "北门车道", "notice": "北门立柱", "assessed_on": "2026-10-01",
    "zones": [{"name": "lane", "kind": "fire_lane",
               "points": [[0, TOP / HEIGHT], [1, TOP / HEIGHT], [1, 0.95], [0, 0.95]]}],
    "thresholds": {"dwell_s": 3, "learn_s": 3, "confirm_s": 1, "over_s": 1, "view_ready_s": 3, "view_learn_s": 4},
    "analytics": ["tamper", "occupation"],
}  # fmt: skip
PLACES = {
    "places": [
        {"id": "home", "level": "site", "name": "试验小区"},
        {"id": "b1", "level": "building", "name": "1号楼", "parent": "home"},
    ],
    "devices": [
        {"id": GATE, "place": "b1", "kind": "camera", "name": "北门"},
        {"id": HALL, "place": "b1", "kind": "camera", "name": "门厅"},
        {"id": "local:home/s1", "place": "b1", "kind": "smoke", "name": "门厅烟感"},
    ],
}


def _person(n: int) -> tuple[slice, slice]:
    """Rows and columns of whoever walks by, in the film's picture `n`."""
    left = 400 + n * 160 // STEPS
    return slice(212, 212 + TALL), slice(left, left + WIDE)


def _somebody(picture: Pixels, n: int) -> None:
    """A person with a face and a checked coat."""
    rows, columns = _person(n)
    x, y = columns.start + WIDE // 2, rows.start
    coat = np.indices((TALL - 2 * HEAD, WIDE)).sum(axis=0) // 4 % 2 * 150 + 40
    picture[y + 2 * HEAD : y + TALL, columns] = coat[:, :, None]
    cv2.circle(picture, (x, y + HEAD), HEAD, (150, 170, 220), -1)
    for eye in (-HEAD // 2, HEAD // 2):
        cv2.circle(picture, (x + eye, y + HEAD - 3), 3, (20, 20, 20), -1)
    cv2.ellipse(picture, (x, y + HEAD + HEAD // 2), (HEAD // 2, 3), 0, 0, 180, (40, 40, 120), 2)


def _films() -> tuple[dict[str, list[bytes]], list[Pixels]]:
    """A quiet yard, and one in which a car stands in the lane and somebody walks by; and the truth of that."""
    films: dict[str, list[bytes]] = {"quiet": [], "parked": []}
    truth: list[Pixels] = []
    for name, happenings in (("quiet", ()), ("parked", (Happening(kind="parked", start_s=0, end_s=99),))):
        scene = Scene(seed=3, seconds=2, fps=FPS, width=WIDTH, people=0, cars=0, happenings=happenings)
        for n, (_, picture) in enumerate(scene.frames()):
            if name == "parked":
                _somebody(picture, n)
                truth.append(picture)
            films[name].append(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes())
    return films, truth


@contextlib.asynccontextmanager
async def _scene(data: Path, gate: Camera, hall: Camera) -> AsyncIterator[tuple[Running, httpx.AsyncClient]]:
    furnish(data, PLACES)
    registry = Registry.open(data / "registry.sqlite")
    for device, shared in ((GATE, True), (HALL, False)):
        put_camera(registry.database, device, camera_of({**RECORD, "shared": shared}, 0), who="test", now=1)
    registry.close()
    config = f"data: {data}\ncameras:\n" + "".join(
        f"  - {{name: {name}, site: home, url: '{camera.url}'}}\n"
        for name, camera in (("gate", gate), ("hall", hall))
    )
    async with Running("run", data, config=config) as gateway, gateway.signed_in() as client:
        await gateway.listening()
        yield gateway, client


async def _events(
    client: httpx.AsyncClient, camera: str, kind: str, pictures: int = 0
) -> list[dict[str, Any]]:
    """The camera's events of that type that have so many pictures by now: the row comes first."""
    answer = await client.get("/api/v1/camera-events", params={"camera": camera})
    assert answer.status_code == 200, answer.text
    items = answer.json()["items"]
    return [event for event in items if event["type"] == kind and len(event["pictures"]) >= pictures]


async def _online(client: httpx.AsyncClient, camera: str) -> bool:
    answer = await client.get("/api/v1/points", params={"device": camera})
    points = {p["metric"]: p["value"] for p in answer.json()["items"]}
    return points.get("camera_online") is True


def _hidden(stored: Pixels, top: int, truth: list[Pixels]) -> None:
    """Of the person each block is one colour, give or take JPEG, in a picture cut at row `top`; in the truth, the
    picture of the film that fits best, it is full of detail."""
    low, high = top, top + stored.shape[0]
    n = min(range(len(truth)), key=lambda k: _apart(stored, truth[k][low:high]))
    rows, columns = _person(n)
    left, was = [], []
    for up in range(rows.start // BLOCK * BLOCK, rows.stop, BLOCK):
        for x in range(columns.start // BLOCK * BLOCK, columns.stop, BLOCK):
            block = np.s_[max(up, top) + 2 : up + BLOCK - 2, x + 2 : x + BLOCK - 2]
            was.append(float(truth[n][block].std(axis=(0, 1)).max()))
            inside = np.s_[block[0].start - top : block[0].stop - top, block[1]]
            left.append(float(stored[inside].std(axis=(0, 1)).max()))
    assert len(left) >= 10
    assert float(np.median(was)) > 30
    assert max(left) < 6, left


def _apart(one: Pixels, other: Pixels) -> float:
    """How far two pictures are apart where somebody walks, in grey levels of squares of a block."""
    small = [
        cv2.resize(p[:, 384:600], (9, 5), interpolation=cv2.INTER_AREA).astype(int) for p in (one, other)
    ]
    return float(np.abs(small[0] - small[1]).mean())


async def test_what_is_kept_of_a_blocked_lane_and_of_a_fire(tmp_path: Path) -> None:
    """A car parks in the fire lane: three masked pictures, seen through a link and in no file else; a fire in the
    building pulls pictures on its behalf, with originals nobody opens without the key. Of the camera that is not said
    to see shared space only, the same event is a row without a picture."""
    require("mosquitto")
    data = tmp_path / "data"
    films, truth = _films()
    async with Camera(films) as gate, Camera(films) as hall, _scene(data, gate, hall) as (gateway, client):
        await found(lambda: _online(client, GATE), "the camera is online")
        await found(lambda: _online(client, HALL), "the other camera is online")
        await asyncio.sleep(8)  # the view is learned from pictures, which take their time
        gate.shows = hall.shows = "parked"
        lane, *_ = await found(lambda: _events(client, GATE, "occupied", 3), "the lane is occupied")
        other, *_ = await found(lambda: _events(client, HALL, "occupied"), "the other camera's event")
        assert (lane["zone"], lane["priority"], lane["place"]["id"]) == ("lane", 3, "b1")
        assert other["pictures"] == []
        assert [(p["moment"], p["original"]) for p in lane["pictures"]] == [
            ("before", False), ("onset", False), ("now", False)
        ]  # fmt: skip
        newest = lane["pictures"][-1]
        asked = await client.post(f"/api/v1/evidence/{newest['id']}/link", json={"unit": "试验小区"})
        assert asked.status_code == 200, asked.text
        shown = (await client.get(asked.json()["url"])).content
        picture = np.asarray(cv2.imdecode(np.frombuffer(shown, np.uint8), cv2.IMREAD_COLOR), np.uint8)
        assert picture.shape[1] == WIDTH
        _hidden(picture, TOP, truth)

        async with gateway.device() as smoke:
            await smoke.publish("community/home/s1/telemetry", msgspec.json.encode({"v": 1, "smoke": True}))
        (pulled,) = await found(lambda: _events(client, GATE, "pulled", 2), "the fire pulls pictures")
        assert pulled["priority"] == 1
        fire = (await client.get("/api/v1/evidence", params={"incident": pulled["incident"]})).json()["items"]
        assert pulled["id"] in {event["id"] for event in fire}
        assert all(p["original"] for p in pulled["pictures"])
        masked = sorted((data / "evidence").rglob(f"{pulled['id']}-*.jpg"))
        sealed = sorted((data / "evidence").rglob(f"{pulled['id']}-*.sealed"))
        assert len(masked) == len(sealed) == len(pulled["pictures"]) > 0
        stored = cv2.imread(str(masked[-1]))
        assert stored is not None
        assert stored.shape == (HEIGHT, WIDTH, 3)
        _hidden(np.asarray(stored, np.uint8), 0, truth)
        original = unseal(evidence_key(data), sealed[-1].stem, sealed[-1].read_bytes())
        clear = cv2.imdecode(np.frombuffer(original, np.uint8), cv2.IMREAD_COLOR)
        assert clear is not None
        assert min(float(np.abs(clear.astype(int) - one).mean()) for one in truth) < 5
        assert await _events(client, HALL, "pulled") == []
        (refused,) = (await client.get(f"/api/v1/devices/{HALL}/commands")).json()["items"]
        assert (refused["state"], refused["detail"]) == ("failed", "not-taken: not-shared")
        names = {p.name.partition("-")[0] for p in (data / "evidence").rglob("*.jpg")}
        assert names == {lane["id"], pulled["id"]}, "no other picture was written"
