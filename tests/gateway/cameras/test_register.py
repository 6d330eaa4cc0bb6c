"""The register of cameras and the section `cameras` of the settings."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gateway.config import check_text
from gateway.registry import Invalid, NotFound, Registry, VersionConflict, migrate, prepare
from gateway.registry.cameras import PICTURED, CameraRecord, camera, camera_of, put_camera, read_cameras

NOW = 1_790_000_000_000
LANE = {"name": "lane", "kind": "fire_lane", "points": [[0, 0], [1, 0], [1, 1]]}
FULL = {
    "purpose": "消防车通道",
    "sees": "北门",
    "notice": "立柱",
    "assessed_on": "2026-10-01",
    "zones": [LANE],
}


def test_a_record_is_kept_versioned_and_journalled(tmp_path: Path) -> None:
    """What is written is read back by both readers; each edit is journalled with what was before; an editor who saw an
    older version is refused."""
    path = tmp_path / "registry.sqlite"
    assert read_cameras(path) == {}
    registry = Registry.open(path)
    try:
        with pytest.raises(NotFound):
            camera(registry.database, "cameras-home:home/gate")
        record = camera_of({**FULL, "shared": True, "pictures": ["occupied"]}, NOW)
        assert record.missing == ()
        first = put_camera(registry.database, "cameras-home:home/gate", record, who="u", now=NOW, expected=0)
        assert camera(registry.database, "cameras-home:home/gate") == (record, first)
        assert read_cameras(path) == {"cameras-home:home/gate": record}
        with pytest.raises(VersionConflict):
            put_camera(registry.database, "cameras-home:home/gate", record, who="u", now=NOW, expected=0)
        less = CameraRecord(purpose="x")
        put_camera(registry.database, "cameras-home:home/gate", less, who="u", now=NOW, expected=first)
        assert less.missing == ("sees", "notice", "assessed_on")
        edit = registry.edits(what="camera.put")[-1]
        assert edit.before is not None
        assert edit.before["purpose"] == "消防车通道"
    finally:
        registry.close()


def test_a_camera_of_before_keeps_no_picture_until_somebody_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A register of the release before is brought up with every camera in it, and nobody is taken to have said that it
    sees no private room."""
    path = tmp_path / "registry.sqlite"
    with monkeypatch.context() as older:
        older.setattr(migrate, "HEAD", "0004")
        prepare(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "INSERT INTO cameras VALUES ('c', 'p', 's', 'n', '2026-10-01', '[]', '[]', '{}', '[]', NULL, 1)"
        )
    prepare(path)
    old = CameraRecord("p", "s", "n", "2026-10-01", analytics=())
    assert read_cameras(path) == {"c": old}
    assert (old.shared, old.pictures) == (False, PICTURED)


@pytest.mark.parametrize(
    "wrong",
    [
        {"purpose": 5},
        {"colour": "red"},
        {"assessed_on": "yesterday"},
        {"zones": [{**LANE, "points": [[0, 0], [1, 0], [1, 1.5]]}]},
        {"zones": [{**LANE, "kind": "garden"}]},
        {"zones": [LANE, LANE]},
        {"thresholds": {"dwell_s": 0}},
        {"thresholds": {"magic": 1}},
        {"analytics": ["faces"]},
        {"shared": 1},
        {"pictures": ["faces"]},
        {"snoozed_until": NOW + 25 * 3_600_000},
    ],
)
def test_a_wrong_record_is_refused(wrong: dict[str, object]) -> None:
    """Everything that is no camera's record is Invalid: unknown words, zones outside the picture, endless snoozes."""
    with pytest.raises(Invalid):
        camera_of({**FULL, **wrong}, NOW)


def _check(tmp_path: Path, text: str, **environ: str) -> str:
    return check_text("csg.yaml", text.encode(), tmp_path, environ).text()


def test_cameras_bring_a_source_a_site(tmp_path: Path) -> None:
    """Cameras of one site speak through one source, simulated ones through another that is marked so."""
    (tmp_path / "film.mp4").write_bytes(b"x")
    report = check_text(
        "csg.yaml",
        b"cameras:\n  - {name: gate, site: home, url: 'rtsp://192.0.2.1/', username: u, password: '${CAM}'}\n"
        b"  - {name: lane, site: home, url: 'http://192.0.2.1/x'}\n"
        b"  - {name: show, site: home, url: film.mp4, simulated: true}\n",
        tmp_path, {"CAM": "secret"},
    )  # fmt: skip
    assert report.text() == ""
    assert report.settings is not None
    made = {s.name: s.simulated for s in report.settings.sources if s.listen}
    assert made == {"cameras-home": False, "simulated-cameras-home": True}
    assert report.settings.cameras[0].address == "rtsp://u:secret@192.0.2.1/"
    assert report.settings.cameras[2].url == str(tmp_path / "film.mp4")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("{name: a, site: home, url: 'rtsp://u:p@192.0.2.1/'}", "cameras[0].url"),
        ("{name: a, site: home, url: 'rtsp://192.0.2.1/user=u&password=u:p@1'}", "cameras[0].url"),
        ("{name: a, site: home, url: 'rtsp://192.0.2.1/', username: u, password: p}", "cameras[0].password"),
        ("{name: a, site: home, url: 'rtsp://192.0.2.1/', password: '${CAM}'}", "cameras[0].password"),
        ("{name: a, site: home, url: 'ftp://192.0.2.1/'}", "cameras[0].url"),
        ("{name: a, site: home, url: nothing.mp4}", "cameras[0].url"),
        ("{name: a/b, site: home, url: 'rtsp://192.0.2.1/'}", "cameras[0].name"),
        ("{name: a, site: home, url: 'rtsp://192.0.2.1/', fps: 99}", "cameras[0].fps"),
        ("{name: preview, site: home, url: 'rtsp://192.0.2.1/'}", "cameras[0].name"),
    ],
)
def test_a_wrong_row_is_named_and_no_password_is_repeated(tmp_path: Path, row: str, said: str) -> None:
    """Each wrong camera is told with its place; a password written in the file is an error and not shown."""
    text = _check(tmp_path, f"cameras:\n  - {row}\n", CAM="secret")
    assert said in text
    assert "u:p@" not in text
    assert "secret" not in text.replace("a secret", "")


def test_one_name_twice_and_a_listening_source_of_that_kind(tmp_path: Path) -> None:
    """A site's cameras have different names, and nobody writes `listen: cameras` by hand."""
    row = "  - {name: a, site: home, url: 'rtsp://192.0.2.1/'}\n"
    assert "cameras[1].name" in _check(tmp_path, f"cameras:\n{row}{row}")
    assert "listen" in _check(
        tmp_path, "sources:\n  - {name: x, site: home, listen: cameras, codecs: [native]}\n"
    )
