"""The demo's camera as the gateway knows it: its settings, its row of the catalogue, and its record in the register.

Its pictures are rendered by the simulator (`devices.simulator.lane_camera`); nobody is in them.
"""

from __future__ import annotations

from typing import Any, Final

from gateway.cameras.settings import CameraSettings
from gateway.demo_community import DEMO_SITE
from gateway.registry.cameras import CameraRecord, CameraZone, put_camera
from gateway.registry.database import Database
from gateway.registry.errors import VersionConflict

FPS: Final = 4.0
LANE: Final = ((0.08, 0.66), (0.62, 0.66), (0.70, 0.84), (0.02, 0.84))
"""The fire lane in the rendered scene, parts of the picture."""

RECORD: Final = CameraRecord(
    purpose="演示：消防车通道占用。画面由程序生成，不拍摄任何真实场所",
    sees="模拟的楼前消防车通道；没有真实的人、车和住户",
    notice="演示用的模拟画面，无需设置提示标识",
    assessed_on="2026-11-22",
    zones=(CameraZone("lane", "fire_lane", LANE),),
    analytics=("tamper", "occupation"),
    # A newcomer waits for minutes, not for hours.
    thresholds={"dwell_s": 20.0, "learn_s": 10.0, "view_ready_s": 10.0, "view_learn_s": 60.0},
    shared=True,
)
"""Whole, so that it starts; and it says that there is nothing real to tell anybody about."""


def demo_camera(url: str) -> CameraSettings:
    """The camera that shows what is streamed there; all it says is marked simulated."""
    return CameraSettings("lane", DEMO_SITE, url, fps=FPS, simulated=True)


def with_camera(document: dict[str, Any], camera: CameraSettings) -> dict[str, Any]:
    """The demo's catalogue with the camera in its place."""
    row = {
        "id": camera.device, "place": f"{DEMO_SITE}-lane", "kind": "camera", "name": "消防车通道摄像机（模拟画面）",
        "model": "DEMO-SCENE1", "report_period_s": 60, "mains": True,
    }  # fmt: skip
    return {**document, "devices": [*document["devices"], row]}


def register(database: Database, camera: CameraSettings, *, now: int) -> None:
    """Write its record, unless there is one: what a person changed in an earlier demo stays."""
    try:
        put_camera(database, camera.device, RECORD, who="demo", now=now, expected=0)
    except VersionConflict:
        return
