"""A look through a camera: masked in its process, once for all who look, and bounded."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from devices.picture.frame import Pixels
from gateway.cameras import door as doors
from gateway.cameras.door import Door, Refused, Shown
from gateway.cameras.lastwords import LastWords
from gateway.cameras.pictures import decoded
from gateway.cameras.preview import WAITING_MAX, Previewer
from gateway.cameras.roster import Roster
from gateway.cameras.settings import CameraSettings
from gateway.cameras.slot import Slot
from gateway.registry.cameras import CameraRecord, CameraZone

NOW = 1_790_000_000_000
CAMERA = CameraSettings("gate", "home", "rtsp://192.0.2.1/")
WHOLE = CameraRecord("p", "s", "n", "2026-10-01")
TILES = np.random.default_rng(5).integers(60, 200, (9, 16, 1), np.uint8)
ROOM: Pixels = TILES.repeat(40, 0).repeat(40, 1).repeat(3, 2)


class Looking(Slot):
    """A slot that shows what it is given, as if its camera ran."""

    def __init__(self, folder: Path, picture: Pixels, reference: Pixels | None) -> None:
        super().__init__(CAMERA, {}, lambda: NOW, lambda: None, LastWords(folder, "cameras-1"))
        self.record = WHOLE
        self.reference = reference
        self.pictures.add(NOW, picture)
        self.asked = 0

    def view(self) -> Any:
        self.asked += 1
        newest = self.pictures.newest()
        return None if newest is None else (newest, self.reference)


def visitor() -> Pixels:
    """Somebody with a fine pattern stands in the room."""
    picture = ROOM.copy()
    picture[120:300, 300:380] = np.indices((180, 80)).sum(axis=0)[..., None] % 2 * 255
    return picture


def sharp(picture: Pixels) -> float:
    """Mean change from pixel to pixel."""
    return float(np.abs(np.diff(picture.astype(np.int16), axis=1)).mean())


async def test_whoever_stands_there_is_hidden_and_the_rest_is_seen(tmp_path: Path) -> None:
    """By the empty view: blocks where somebody is, the room as it is elsewhere; nothing at all without a view."""
    previewer = Previewer(lambda: None)
    shown = await previewer.show(Looking(tmp_path, visitor(), ROOM))
    assert isinstance(shown, Shown)
    assert (shown.at, shown.learned) == (NOW, True)
    picture = decoded(shown.jpeg)
    assert picture is not None
    assert sharp(visitor()[130:290, 310:370]) > 200
    assert sharp(picture[130:290, 310:370]) < 8
    assert float(np.abs(picture[:, :240].astype(int) - ROOM[:, :240]).mean()) < 2, "the room is seen"
    blind = await Previewer(lambda: None).show(Looking(tmp_path, visitor(), None))
    assert isinstance(blind, Shown)
    assert not blind.learned
    hidden = decoded(blind.jpeg)
    assert hidden is not None
    assert sharp(hidden[130:290, 310:370]) < 8
    assert float(np.abs(hidden[:, :240].astype(int) - ROOM[:, :240]).mean()) > 4, "and so is nothing"


async def test_all_who_look_share_one_picture_until_something_changes(tmp_path: Path) -> None:
    """The same picture is masked once; a mask that was drawn since is black in it, and a face model hides more."""
    slot = Looking(tmp_path, visitor(), ROOM)
    faces: list[str] = []
    previewer = Previewer(lambda: faces.append("asked"))
    first = await previewer.show(slot)
    assert await previewer.show(slot) is first
    corner = CameraZone("windows", "mask", ((0, 0), (0.2, 0), (0.2, 0.2), (0, 0.2)))
    slot.record = CameraRecord("p", "s", "n", "2026-10-01", (corner,))
    second = await previewer.show(slot)
    assert isinstance(second, Shown)
    picture = decoded(second.jpeg)
    assert picture is not None
    assert picture[:60, :110].max() < 30
    assert faces == ["asked"]


async def test_what_cannot_be_masked_is_not_shown(tmp_path: Path) -> None:
    """A face model that is broken, and a camera without a picture."""

    def broken(_: Pixels) -> Any:
        raise cv2.error("no model")

    assert await Previewer(lambda: broken).show(Looking(tmp_path, visitor(), ROOM)) == "no-picture"
    slot = Slot(CAMERA, {}, lambda: NOW, lambda: None, LastWords(tmp_path, "cameras-1"))
    assert await Previewer(lambda: None).show(slot) == "no-picture"
    list(slot.registered(WHOLE, NOW))
    slot.pictures.add(NOW, ROOM)
    assert await Previewer(lambda: None).show(slot) == "no-picture", "a lost camera's last picture is not now"


async def test_no_more_than_a_few_wait(tmp_path: Path) -> None:
    """Whoever comes when enough wait is sent away at once."""
    slot = Looking(tmp_path, visitor(), ROOM)
    previewer = Previewer(lambda: None)
    said = await asyncio.gather(*(previewer.show(slot) for _ in range(WAITING_MAX + 3)))
    assert [s for s in said if isinstance(s, str)] == ["busy"] * 3


async def test_the_view_asks_the_process_that_has_the_camera(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bytes come over the socket; a refusal, a process that is gone and one that does not answer are told apart."""
    shown = Shown(NOW, b"\xff\xd8picture", True)

    async def show(native: str) -> Shown | str:
        if native == "home/slow":
            await asyncio.sleep(60)
        return shown if native == "home/gate" else "no-picture"

    cameras = (CAMERA, CameraSettings("lane", "home", "x"), CameraSettings("slow", "home", "x"))
    roster = Roster(cameras, tmp_path)
    with pytest.raises(OSError, match="No such file"):
        await roster.look(CAMERA.device)
    door = Door(tmp_path / "cameras-1.sock", lambda native, order: "", show)
    await door.open()
    assert await roster.look(CAMERA.device) == shown
    with pytest.raises(Refused, match="no-picture"):
        await roster.look("cameras-home:home/lane")
    with pytest.raises(Refused, match="unknown"):
        await roster.look("cameras-home:home/nobody")
    monkeypatch.setattr(doors, "ANSWER_S", 0.05)
    with pytest.raises(TimeoutError):
        await roster.look("cameras-home:home/slow")
    await door.close()
