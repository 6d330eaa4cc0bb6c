"""`csg cameras`: the register from a file."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.cli import app
from gateway.registry.cameras import read_cameras

GATE = """
cameras-home:home/gate:
  purpose: 消防车通道占用
  sees: 北门车道
  notice: 北门立柱
  assessed_on: 2026-10-01
  zones: [{name: lane, kind: fire_lane, points: [[0.1, 0.6], [0.9, 0.6], [0.9, 0.9]]}]
"""


def test_the_register_is_written_and_shown(tmp_path: Path) -> None:
    """A file's records are kept and listed; a camera that lacks something is said not to start."""
    file = tmp_path / "gate.yaml"
    lane = "cameras-home:home/lane: {purpose: x, shared: true, pictures: [occupied]}\n"
    file.write_text(GATE + lane, "utf-8")
    done = CliRunner().invoke(app, ["cameras", "register", str(file), "--data", str(tmp_path / "d")])
    assert done.exit_code == 0, done.output
    assert "cameras-home:home/lane: does not start without sees, notice, assessed_on" in done.output
    known = read_cameras(tmp_path / "d" / "registry.sqlite")
    assert known["cameras-home:home/gate"].assessed_on == "2026-10-01"
    listed = CliRunner().invoke(app, ["cameras", "list", "--data", str(tmp_path / "d")])
    assert "cameras-home:home/gate  registered; zones: lane; pictures kept: none" in listed.output
    assert "zones: none; pictures kept: occupied" in listed.output
    as_json = CliRunner().invoke(app, ["cameras", "list", "--json", "--data", str(tmp_path / "d")])
    assert "消防车通道占用" in as_json.output


@pytest.mark.parametrize("text", ["- 1", "x: {purpose: 5}", "x: [", "x: {zones: 3}"])
def test_a_wrong_file_writes_nothing(tmp_path: Path, text: str) -> None:
    """Exit code 2 and what is wrong; the register stays as it was."""
    file = tmp_path / "wrong.yaml"
    file.write_text(text, "utf-8")
    done = CliRunner().invoke(app, ["cameras", "register", str(file), "--data", str(tmp_path / "d")])
    assert done.exit_code == 2
    assert not (tmp_path / "d").exists()
