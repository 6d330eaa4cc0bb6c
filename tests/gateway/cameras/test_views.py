"""A camera's view on disk: written now and then, replaced whole, and learned anew where it does not hold."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from devices.picture.drawing import drawn
from devices.picture.frame import Frame, Pixels
from devices.picture.view import CLIP, Gate
from devices.vision import tamper
from gateway.cameras.capture import Newest
from gateway.cameras.lastwords import LastWords
from gateway.cameras.settings import CameraSettings
from gateway.cameras.slot import Slot
from gateway.cameras.views import EVERY_MS, KeptView
from gateway.registry.cameras import CameraRecord

DEVICE = "cameras-home:home/gate"
RECORD = CameraRecord(purpose="fire lane", sees="the gate, eastwards")


def learned() -> Gate:
    """A gate that knows the drawn yard."""
    gate = Gate(CLIP)
    for at, picture in drawn(5, lambda picture, t: None):
        gate.judge(Frame(at, picture))
    return gate


def knows(folder: Path, record: CameraRecord = RECORD) -> bool:
    """Whether a fresh gate finds its view in the folder."""
    gate = Gate(CLIP)
    KeptView(folder, DEVICE).onto(gate, record)
    return gate.saved() != b""


def test_a_view_outlives_its_process_and_is_written_every_five_minutes(tmp_path: Path) -> None:
    """The first good view is written at once, the next only when five minutes have passed, and no scraps are left."""
    assert not knows(tmp_path)
    view = KeptView(tmp_path, DEVICE)
    view.look(Gate(CLIP), RECORD, 0)
    view.write()
    assert list(tmp_path.iterdir()) == []
    for at, writes in ((0, True), (EVERY_MS - 1, False), (EVERY_MS, True)):
        view.look(learned(), RECORD, at)
        view.write()
        assert len(list(tmp_path.iterdir())) == writes
        for file in tmp_path.iterdir():
            assert knows(tmp_path)
            file.unlink()


def test_a_camera_that_was_moved_on_purpose_is_learned_anew(tmp_path: Path) -> None:
    """Another angle in the register, or a damaged file, is no view to compare with; another purpose changes nothing."""
    view = KeptView(tmp_path, DEVICE)
    view.look(learned(), RECORD, 0)
    view.write()
    assert knows(tmp_path, msgspec.structs.replace(RECORD, purpose="fire lane and bins"))
    assert not knows(tmp_path, msgspec.structs.replace(RECORD, sees="the gate, westwards"))
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:-7])
    assert not knows(tmp_path)
    file.write_bytes(b"")
    assert not knows(tmp_path)


def test_a_folder_that_cannot_be_written_costs_nothing_but_the_memory(tmp_path: Path) -> None:
    """The camera goes on looking; the next try is as good as the first."""
    view = KeptView(tmp_path / "gone", DEVICE)
    view.look(learned(), RECORD, 0)
    view.write()
    (tmp_path / "gone").mkdir()
    view.look(learned(), RECORD, EVERY_MS)
    view.write()
    assert knows(tmp_path / "gone")


class Shown:
    """A capture that shows a drawn clip, one picture each time."""

    def __init__(self, seconds: float, change: Callable[[Pixels, float], None]) -> None:
        self._pictures = drawn(seconds, change)

    def take(self) -> Newest | None:
        """The next picture; None at the end."""
        return next((Newest(at, at, picture) for at, picture in self._pictures), None)


def seen(
    folder: Path, record: CameraRecord, seconds: float, change: Callable[[Pixels, float], None]
) -> list[str]:
    """The types of sight that a camera's process tells from its start on."""
    camera = CameraSettings("gate", "home", "rtsp://192.0.2.1/")
    view = KeptView(folder, camera.device)
    plugins: Any = {"tamper": tamper}
    slot = Slot(camera, plugins, lambda: 0, lambda: None, LastWords(folder, "cameras-1"), view=view)
    list(slot.registered(record, 0))
    shown: Any = Shown(seconds, change)
    slot.capture = shown
    types = []
    while (looked := slot.analyse()) is not None:
        types += [sight.type for _, sight in looked.sights]
        view.write()
    return types


def test_a_lens_covered_while_the_process_restarts_is_told(tmp_path: Path) -> None:
    """A cloth before the lens at the start of the second process is a cover, and for a new angle only no view."""
    record = msgspec.structs.replace(
        RECORD,
        notice="at the gate",
        assessed_on="2026-10-01",
        analytics=("tamper",),
        thresholds={"view_ready_s": 3},
    )

    def cloth(picture: Pixels, t: float) -> None:
        picture[:] = (60, 80, 110)

    assert seen(tmp_path, record, 5, lambda picture, t: None) == []
    assert seen(tmp_path, record, 9, cloth) == ["covered"]
    assert seen(tmp_path, msgspec.structs.replace(record, sees="westwards"), 9, cloth) == ["unreliable"]
