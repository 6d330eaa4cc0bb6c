"""What of a camera of our own is kept as evidence: by its rule, its register and its place, and never unmasked."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from devices.catalogue import Catalogue
from gateway.cameras.door import Whose
from gateway.cameras.handover import Taken
from gateway.cameras.keeping import AGAIN_MS, Keeping, priority_of
from gateway.cameras.pictures import Picture
from gateway.cameras.settings import CameraSettings
from gateway.config.rulefiles import merged
from gateway.evidence.keep import Keeper
from gateway.evidence.rows import PULLED, EventRow
from gateway.evidence.store import Evidence
from gateway.registry import Registry
from gateway.registry.cameras import CameraRecord, CameraZone
from rules.rule import Rule

NOW = 1_790_000_000_000
GATE, SHOW = "cameras-home:home/gate", "simulated-cameras-home:home/show"
CAMERAS = (
    CameraSettings("gate", "home", "rtsp://192.0.2.1/"),
    CameraSettings("show", "home", "film.mp4", simulated=True),
)
LANE = CameraZone("lane", "fire_lane", ((0.0, 0.5), (1.0, 0.5), (1.0, 1.0), (0.0, 1.0)))
RECORD = CameraRecord("p", "s", "n", "2026-10-01", zones=(LANE,), shared=True)
SHIPPED: tuple[Rule, ...] = merged(())


@pytest.fixture(autouse=True)
def _any_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine of a test may have little room."""
    monkeypatch.setattr(Keeper.__init__, "__kwdefaults__", {"free_min": 0})


def keeping(data: Path, **more: Any) -> Keeping:
    return Keeping(data, CAMERAS, SHIPPED, lambda: NOW, **({"bytes_max": 10_000_000} | more))


def taken(at: int = NOW, **more: Any) -> Taken:
    """A car in the lane, in pictures full of detail."""
    dice = np.random.default_rng(1)
    pictures = tuple(
        Picture(at + late, cv2.imencode(".jpg", dice.integers(0, 256, (90, 160, 3), np.uint8))[1].tobytes())
        for late in (-5_000, 0, 2_000)
    )
    facts: dict[str, Any] = {
        "device": GATE, "type": "occupied", "at": at, "pictures": pictures, "record": RECORD, "reference": None,
        "box": (0.2, 0.6, 0.3, 0.3), "zone": "lane", "score": 0.8, "point": f"{GATE}/obstruction/lane",
    }  # fmt: skip
    return Taken(**(facts | more))


def rows(data: Path) -> list[tuple[EventRow, int]]:
    """Every event with the number of its pictures."""
    evidence = Evidence(data / "evidence")
    found = [(event, len(evidence.pictures([event.id]))) for event in evidence.events()]
    evidence.close()
    return found


def test_an_event_has_its_cameras_place_its_rules_priority_and_its_zones_cut(tmp_path: Path) -> None:
    """Placed by the catalogue, P3 by the shipped rule, three pictures of the zone alone; told twice it is one."""
    registry = Registry.open(tmp_path / "registry.sqlite")
    registry.import_catalogue(
        {
            "places": [{"id": "home", "level": "site", "name": "家"},
                       {"id": "yard", "level": "zone", "name": "院", "parent": "home"}],
            "devices": [{"id": GATE, "place": "yard", "kind": "camera"}],
        }, who="u", now=1,
    )  # fmt: skip
    registry.close()
    keeps = keeping(tmp_path)
    keeps(taken())
    keeps(taken())
    ((event, pictures),) = rows(tmp_path)
    assert (event.place, event.site, event.zone, event.type, event.priority, event.score) == (
        "yard", "home", "lane", "occupied", 3, 0.8
    )  # fmt: skip
    assert (event.simulated, event.incident, pictures) == (False, None, 3)
    stored = cv2.imread(str(next((tmp_path / "evidence").rglob("*onset.jpg"))))
    assert stored is not None
    assert stored.shape == (45, 160, 3)
    assert list((tmp_path / "evidence").rglob("*.sealed")) == []


@pytest.mark.parametrize(
    ("more", "pictures", "sealed"),
    [
        ({}, 3, 0),
        ({"record": CameraRecord(zones=(LANE,))}, 0, 0),
        ({"record": CameraRecord(zones=(LANE,), shared=True, pictures=("possible_flame",))}, 0, 0),
        ({"type": "removed", "point": f"{GATE}/object_removed/"}, 0, 0),
        ({"type": "possible_flame", "point": f"{GATE}/possible_flame/", "zone": ""}, 3, 0),
        ({"type": PULLED, "point": "", "zone": "", "box": None, "whose": Whose("i1", 1)}, 3, 3),
        ({"type": PULLED, "point": "", "zone": "", "whose": Whose("i1", 2),
          "record": CameraRecord(shared=True, pictures=())}, 3, 0),
        ({"type": PULLED, "point": "", "zone": "", "whose": Whose()}, 3, 0),
        ({"type": PULLED, "point": "", "zone": "", "whose": Whose("i1", 4)}, 3, 0),
        ({"type": PULLED, "point": "", "zone": "", "record": CameraRecord()}, 0, 0),
    ],
)  # fmt: skip
def test_pictures_are_kept_where_rule_and_register_both_want_them(
    tmp_path: Path, more: dict[str, Any], pictures: int, sealed: int
) -> None:
    """Not of a camera that sees private rooms, not of what nobody ticked, not where no rule raises an alarm; what a P1
    pulls is kept with its originals, sealed; what a person asks for is kept masked."""
    keeping(tmp_path)(taken(**more))
    ((event, kept),) = rows(tmp_path)
    assert (kept, len(list((tmp_path / "evidence").rglob("*.sealed")))) == (pictures, sealed)
    assert event.place == "home", "a camera that was never placed stands at its site"
    assert event.incident == more.get("whose", Whose()).incident


def test_what_flickers_is_pictured_once_a_minute(tmp_path: Path) -> None:
    """Each time is an event; the scene is the same."""
    keeps = keeping(tmp_path)
    for late in (0, 20_000, AGAIN_MS):
        keeps(taken(NOW + late))
    assert [pictures for _, pictures in rows(tmp_path)] == [3, 0, 3]


def test_a_simulated_camera_keeps_simulated_events(tmp_path: Path) -> None:
    """Marked, as everything it says."""
    keeping(tmp_path)(taken(device=SHOW, point=f"{SHOW}/obstruction/lane"))
    assert rows(tmp_path)[0][0].simulated


def test_a_face_model_that_cannot_be_read_keeps_every_picture_back(tmp_path: Path) -> None:
    """The operator wanted faces hidden: without that nothing is stored, and the event stands."""
    (tmp_path / "faces.onnx").write_bytes(b"no model")
    keeping(tmp_path, faces=tmp_path / "faces.onnx")(taken())
    assert [pictures for _, pictures in rows(tmp_path)] == [0]


def test_a_key_that_cannot_be_read_costs_the_originals_only(tmp_path: Path) -> None:
    """What a P1 pulls is kept masked."""
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "evidence-key").write_bytes(b"too short")
    keeping(tmp_path)(taken(type=PULLED, point="", zone="", whose=Whose("i1", 1)))
    assert [pictures for _, pictures in rows(tmp_path)] == [3]
    assert list((tmp_path / "evidence").rglob("*.sealed")) == []


def test_evidence_that_does_not_open_is_tried_again(tmp_path: Path) -> None:
    """A file in the way is an answer; when it has gone the next event is kept."""
    (tmp_path / "evidence").write_text("in the way")
    keeps = keeping(tmp_path)
    with pytest.raises(OSError, match="exists"):
        keeps(taken())
    (tmp_path / "evidence").unlink()
    (tmp_path / "evidence").mkdir()
    (tmp_path / "evidence" / "evidence.sqlite").write_bytes(
        b"no database at all, but long enough to be looked at"
    )
    with pytest.raises(OSError, match="does not open"):
        keeps(taken())
    (tmp_path / "evidence" / "evidence.sqlite").unlink()
    keeps(taken())
    assert len(rows(tmp_path)) == 1


def test_a_register_that_cannot_be_read_costs_the_place_only(tmp_path: Path) -> None:
    """The event is kept at its site."""
    with sqlite3.connect(tmp_path / "registry.sqlite") as broken:
        broken.execute("CREATE TABLE edits(version)")
    keeping(tmp_path)(taken())
    assert [(event.place, pictures) for event, pictures in rows(tmp_path)] == [("home", 3)]


@pytest.mark.parametrize(
    ("metric", "priority"),
    [("obstruction/lane", 3), ("intrusion/", 3), ("possible_flame/", 3), ("motion/", None), ("smoke/", 1)],
)
def test_the_rules_say_how_urgent_a_point_is(metric: str, priority: int | None) -> None:
    """Only rules that raise an alarm of this point by itself: several cameras or sensors together are no such."""
    assert priority_of(SHIPPED, Catalogue(), f"{GATE}/{metric}") == priority
    assert priority_of((), Catalogue(), f"{GATE}/{metric}") is None
