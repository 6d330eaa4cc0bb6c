"""The demo's camera in the gateway: placed, registered once, marked simulated."""

from __future__ import annotations

from pathlib import Path

import msgspec

from gateway.config import SourceSettings, check
from gateway.config.cameras import with_cameras
from gateway.demo_camera import RECORD, demo_camera, register, with_camera
from gateway.demo_community import DEMO_SITE, DEMO_SOURCE, demo_community
from gateway.registry import Registry
from gateway.registry.cameras import camera, put_camera

NOW = 1_790_000_000_000
CAMERA = demo_camera("http://127.0.0.1:1/stream.mjpg")


def test_a_second_start_leaves_what_a_person_changed(tmp_path: Path) -> None:
    """The first demo registers it; the next finds a record and leaves it, and imports the same row again."""
    registry = Registry.open(tmp_path / "registry.sqlite")
    for _ in range(2):
        registry.import_catalogue(with_camera(demo_community(), CAMERA), who="demo", now=NOW)
        register(registry.database, CAMERA, now=NOW)
    record, version = camera(registry.database, CAMERA.device)
    assert record == RECORD
    mine = msgspec.structs.replace(record, purpose="我的")
    put_camera(registry.database, CAMERA.device, mine, who="u", now=NOW, expected=version)
    register(registry.database, CAMERA, now=NOW)
    assert camera(registry.database, CAMERA.device)[0] == mine
    assert registry.snapshot().catalogue.devices[CAMERA.device].place == f"{DEMO_SITE}-lane"
    registry.close()


def test_all_it_says_is_simulated() -> None:
    """It speaks through a source of its own that is marked so, and so reaches the recording channel only."""
    found = check(None).settings
    assert found is not None
    demo = SourceSettings(DEMO_SOURCE, DEMO_SITE, simulated=True)
    settings = with_cameras(msgspec.structs.replace(found, sources=(demo,), cameras=(CAMERA,)))
    assert {source.name: source.simulated for source in settings.sources} == {
        DEMO_SOURCE: True, f"simulated-cameras-{DEMO_SITE}": True,
    }  # fmt: skip
