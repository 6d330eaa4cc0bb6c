"""`csg vision` prints what is in a clip, and survives whatever the file is."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import pytest

from devices.simulator.scenes import Happening, Scene
from devices.simulator.streaming import streamed
from gateway.vision.looking import looking
from gateway.vision.orders import Ended, Orders

FOOTAGE = Path(__file__).parents[4] / "shared" / "footage"
ENTRY = [sys.executable, "-c", "from gateway.cli import main; main()", "vision"]


def vision(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command as a person runs it."""
    return subprocess.run([*ENTRY, *arguments], capture_output=True, text=True, check=False, timeout=100)


def rows(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    """Its JSON lines."""
    return [json.loads(line) for line in done.stdout.splitlines()]


def filmed(file: Path, scene: Scene, code: str) -> Path:
    """The scene as a file."""
    writer: cv2.VideoWriter | None = None
    for _, picture in scene.frames():
        if writer is None:
            size = (picture.shape[1], picture.shape[0])
            writer = cv2.VideoWriter(
                str(file), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*code), scene.fps, size
            )
        writer.write(picture)
    assert writer is not None
    writer.release()
    return file


@pytest.fixture(scope="module")
def covered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip whose camera is covered from 7 s on, in a container that is readable from its beginning."""
    scene = Scene(seed=3, seconds=16, width=320, happenings=(Happening(kind="covered", start_s=7, end_s=99),))
    return filmed(tmp_path_factory.mktemp("clips") / "covered.avi", scene, "MJPG")


def test_events_are_json_lines(covered: Path, tmp_path: Path) -> None:
    """Each event is one line with the agreed keys; what still stands at the end ends there; the overlay is a film."""
    film = tmp_path / "out.webm"
    done = vision(str(covered), "--analytic", "tamper", "--json", "--overlay", str(film))
    assert (done.returncode, done.stderr) == (0, "")
    (row,) = rows(done)
    assert list(row) == ["analytic", "type", "start_s", "end_s", "score", "box"]
    assert (row["analytic"], row["type"]) == ("tamper", "covered")
    assert 6.8 <= row["start_s"] <= 7.6
    assert 15 <= row["end_s"] <= 16
    assert film.stat().st_size > 10_000
    assert cv2.VideoCapture(str(film)).read()[0]


def test_a_truncated_file_gives_what_can_be_read(covered: Path, tmp_path: Path) -> None:
    """A file without its end still tells of what it holds, and that the rest is missing."""
    half = tmp_path / "half.avi"
    whole = covered.read_bytes()
    half.write_bytes(whole[: len(whole) * 14 // 15])
    done = vision(str(half), "--json")
    assert done.returncode == 0
    assert [row["type"] for row in rows(done) if row["analytic"] == "tamper"] == ["covered"]
    assert "ends early" in done.stderr


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "no such file"), (b"", "is empty"), (b"\0\1 no film at all" * 99, "decoded")],
)
def test_a_file_that_is_no_film_is_refused_in_words(
    content: bytes | None, words: str, tmp_path: Path
) -> None:
    """A missing, empty or undecodable file ends with 2 and one plain line, and nothing on stdout."""
    file = tmp_path / "clip.mp4"
    if content is not None:
        file.write_bytes(content)
    done = vision(str(file), "--json")
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--analytic", "tampr"), "did you mean tamper"),
        (("--zone", "0.1,0.2 1.5,1 0,1"), "0 to 1"),
        (("--learn", "-3"), "more than 0"),
        (("--overlay", "out.txt"), ".webm"),
    ],
)
def test_wrong_options_are_refused_in_words(arguments: Sequence[str], words: str, covered: Path) -> None:
    """What cannot be meant ends with 2 and says what is expected."""
    done = vision(str(covered), *arguments)
    assert done.returncode == 2
    assert words in done.stderr


def test_a_decoder_that_dies_is_an_end_like_another(covered: Path) -> None:
    """The child's death by a signal ends the looking with its reason; the parent lives."""
    said = []
    for one in looking(Orders(str(covered), ("tamper",))):
        said.append(one)
        if len(said) == 1:
            children = Path(f"/proc/self/task/{os.getpid()}/children")
            if not children.exists():
                pytest.skip("this system does not list a process's children")
            os.kill(int(children.read_text().split()[-1]), signal.SIGABRT)
    assert isinstance(said[-1], Ended)
    assert "SIGABRT" in said[-1].problem


@pytest.mark.skipif(not FOOTAGE.is_dir(), reason="the labelled clips lie beside the project, not in it")
@pytest.mark.parametrize(
    ("clip", "wanted"),
    [("syn_spray_i_car", ["covered"]), ("syn_moved20_dvr", ["moved"]), ("syn_dim_dvr", [])],
)
def test_real_clips(clip: str, wanted: list[str]) -> None:
    """On filmed scenes tamper is told within five seconds of its label, and light and hands are not tamper."""
    done = vision(str(FOOTAGE / f"{clip}.mp4"), "--analytic", "tamper", "--json")
    seen = rows(done)
    assert [row["type"] for row in seen] == wanted
    assert all(7 < row["start_s"] < 13 for row in seen)


def test_a_stream_is_watched_until_it_hangs() -> None:
    """An HTTP camera is looked at in real time; when it brings nothing more, that is its end."""
    scene = Scene(seed=5, seconds=60, width=320, happenings=(Happening(kind="black", start_s=3, end_s=60),))
    with streamed(scene, stop_after_s=9) as address:
        done = vision(address, "--analytic", "tamper", "--learn", "2", "--json")
    assert done.returncode == 0
    (row,) = rows(done)
    assert row["type"] == "black"
    assert row["end_s"] > row["start_s"] + 4


def test_a_dead_host_is_refused_in_words() -> None:
    """Nobody there: exit code 2 and one line."""
    done = vision("http://127.0.0.1:9/stream", "--json")
    assert (done.returncode, done.stdout) == (2, "")
    assert "picture" in done.stderr
