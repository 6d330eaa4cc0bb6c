"""`csg vision calibrate`: an operator's own clips become weights, with honest figures and plain errors."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import pytest
from typer.testing import CliRunner

from devices.picture.firelight import flame, scene
from devices.picture.flicker import NAMES
from devices.picture.lookalikes import LOOKALIKES
from gateway.cli import app
from gateway.vision.calibrating import read_model


def filmed(file: Path, maker: Any, seed: int, seconds: int = 7) -> None:
    """A short MPEG-4 clip of a drawn scene, five pictures a second."""
    paint: Callable[..., Any] = scene(maker, seed, width=320, height=180)
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*"mp4v"), 5, (320, 180))
    for index in range(seconds * 5):
        writer.write(paint(index / 5, None))
    writer.release()


def test_clips_become_weights(tmp_path: Path) -> None:
    """Labelled clips give weights that the analytic takes; a clip that is no clip is named and not used."""
    clips = []
    for seed in (903, 911):
        filmed(tmp_path / f"fire{seed}.mp4", flame, seed)
        clips.append({"file": f"fire{seed}.mp4", "events": [{"type": "fire", "start_s": 0, "end_s": 7}]})
        filmed(tmp_path / f"leaves{seed}.mp4", LOOKALIKES["leaves"], seed)
        clips.append({"file": f"leaves{seed}.mp4", "events": [], "note": "the hedge"})
    (tmp_path / "broken.mp4").write_bytes(b"no clip")
    clips.append({"file": "broken.mp4", "events": []})
    (tmp_path / "labels.json").write_text(json.dumps({"clips": clips}))
    weights = tmp_path / "weights.json"
    ran = CliRunner().invoke(
        app, ["vision", "calibrate", str(tmp_path), "--drawn", "0", "--json", "--out", str(weights)]
    )
    assert ran.exit_code == 0, ran.output
    told = json.loads(ran.stdout)
    assert told["clips"]["fires"] == 2
    assert told["clips"]["found_low"] <= told["clips"]["found"] / 2 <= told["clips"]["found_high"]
    assert told["clips"]["hours"] == pytest.approx(14 / 3600, abs=0.001)
    assert ["broken.mp4" in line for line in told["not_used"]] == [True]
    model = read_model(weights)
    assert model.features == NAMES
    assert set(model.sources) == {clip["file"] for clip in clips} - {"broken.mp4"}


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ("", "labels.json"),
        (
            '{"clips": [{"file": "a.mp4", "events": [{"type": "fires", "start_s": 1, "end_s": 2}]}]}',
            "did you mean fire",
        ),
        (
            '{"clips": [{"file": "a.mp4", "events": [{"type": "fire", "start_s": 2, "end_s": 1}]}]}',
            "before it starts",
        ),
        ('{"clips": [{"events": []}]}', "file"),
        ('{"clips": []}', "no clips"),
        ('{"clips": [{"file": "a.mp4", "events": []}]}', "fires and other things are needed"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, labels: str, said: str) -> None:
    """Missing, malformed, misspelt and one-sided labels each end with exit code 2 and a sentence."""
    if labels:
        (tmp_path / "labels.json").write_text(labels)
    ran = CliRunner().invoke(app, ["vision", "calibrate", str(tmp_path), "--drawn", "0"])
    assert ran.exit_code == 2
    assert said in ran.output
