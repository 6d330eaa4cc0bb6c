"""The engine asks a camera's process for pictures, and the pictures are handed to whoever keeps them."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from devices.codecs.native.commands import command
from devices.picture.analytic import Sight
from gateway.cameras.door import Door, Messenger, Refused
from gateway.cameras.lastwords import LastWords
from gateway.cameras.settings import CameraSettings
from gateway.cameras.slot import Slot
from gateway.control import frame

NOW = 1_790_000_000_000


async def _ask(messenger: Messenger, native: str) -> None:
    asks = command({}, native, "snapshot", "c1", NOW)
    assert not isinstance(asks, str)
    async with messenger as carrier:
        for ask in asks:
            await carrier.publish(ask.topic, ask.payload, qos=1)


async def test_a_command_reaches_the_process_of_its_camera(tmp_path: Path) -> None:
    """The native command arrives at the process that has the camera; a refusal, an unknown camera and a process that is
    gone are errors, which the core hears of."""
    heard: list[tuple[str, str]] = []

    def asked(native: str, name: str) -> str:
        heard.append((native, name))
        return {"home/gate": "", "home/lane": "no-picture"}.get(native, "unknown")

    door = Door(tmp_path / "cameras-1.sock", asked)
    await door.open()
    messenger = Messenger(
        tmp_path,
        {
            "home/gate": "cameras-1",
            "home/lane": "cameras-1",
            "home/far": "cameras-2",
            "home/old": "cameras-1",
        },
    )
    await _ask(messenger, "home/gate")
    with pytest.raises(OSError, match="no-picture"):
        await _ask(messenger, "home/lane")
    with pytest.raises(Refused, match="unknown"):
        await _ask(messenger, "home/old")
    assert heard[:2] == [("home/gate", "snapshot"), ("home/lane", "snapshot")]
    with pytest.raises(OSError, match="no such camera"):
        await _ask(messenger, "home/nobody")
    with pytest.raises(OSError, match="No such file"):
        await _ask(messenger, "home/far")
    await door.close()
    with pytest.raises(OSError, match="No such file"):
        await _ask(messenger, "home/gate")


@pytest.mark.parametrize("body", [b"", b"[]", b"nonsense"])
async def test_nonsense_at_the_door_ends_its_own_connection_only(tmp_path: Path, body: bytes) -> None:
    """A message that makes no sense is answered by hanging up; the next one is served."""
    door = Door(tmp_path / "cameras-1.sock", lambda native, name: "")
    await door.open()
    messenger = Messenger(tmp_path, {"home/gate": "cameras-1"})
    async with messenger as carrier:
        with pytest.raises(OSError, match="bytes read"):
            await carrier.publish("community/home/gate/command", body, 1)
    await _ask(messenger, "home/gate")
    assert frame({}) == b"\x00\x00\x00\x01\x80"
    await door.close()


def test_what_is_handed_over_names_the_onset_and_the_place(tmp_path: Path) -> None:
    """Before, onset and now, with the box and zone of what was seen; nothing while there is no picture."""
    camera = CameraSettings("gate", "home", "rtsp://192.0.2.1/")
    slot = Slot(camera, {}, lambda: NOW, lambda: None, LastWords(tmp_path, "cameras-1"))
    assert slot.taken("snapshot", NOW) is None
    for n in range(20):
        slot.pictures.add(NOW + n * 1000, np.full((36, 64, 3), n, np.uint8))
    sight = Sight("occupied", round(time.monotonic() * 1000), box=(0.1, 0.2, 0.3, 0.4), zone="lane")
    taken = slot.taken("obstruction", NOW + 12_000, sight)
    assert taken is not None
    assert [p.at - NOW for p in taken.pictures] == [7_000, 12_000, 19_000]
    assert (taken.device, taken.zone, taken.box) == ("cameras-home:home/gate", "lane", (0.1, 0.2, 0.3, 0.4))
