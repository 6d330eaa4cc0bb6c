"""The engine asks a camera's process for pictures, and the pictures are handed to whoever keeps them."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from devices.codecs.native import commands
from devices.picture.analytic import Sight
from devices.vision import occupation
from gateway.cameras.door import Door, Messenger, Order, Refused, Whose, written
from gateway.cameras.lastwords import LastWords
from gateway.cameras.settings import CameraSettings
from gateway.cameras.slot import Slot
from gateway.control import frame
from gateway.core.effect import Command
from gateway.registry.cameras import CameraRecord

NOW = 1_790_000_000_000
CAMERA = "cameras-home:home/gate"


async def nothing(_: str) -> str:
    """No camera shows anything."""
    return "no-picture"


async def _ask(messenger: Messenger, native: str) -> None:
    asks = commands.command({}, native, "snapshot", "c1", NOW)
    assert not isinstance(asks, str)
    async with messenger as carrier:
        for ask in asks:
            await carrier.publish(ask.topic, ask.payload, qos=1)


async def test_a_command_reaches_the_process_of_its_camera(tmp_path: Path) -> None:
    """The native command arrives at the process that has the camera; a refusal, an unknown camera and a process that is
    gone are errors, which the core hears of."""
    heard: list[tuple[str, Order]] = []

    def asked(native: str, order: Order) -> str:
        heard.append((native, order))
        return {"home/gate": "", "home/lane": "no-picture"}.get(native, "unknown")

    door = Door(tmp_path / "cameras-1.sock", asked, nothing)
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
    assert [(native, order.name) for native, order in heard[:2]] == [
        ("home/gate", "snapshot"), ("home/lane", "snapshot")
    ]  # fmt: skip
    command = Command("9.1", "c9", CAMERA, "cameras-home", "snapshot", NOW + 60_000, "live", "home", "i7", 1)
    (ask,) = written(command)
    await messenger.publish(ask.topic, ask.payload, 1)
    assert heard[-1] == ("home/gate", Order("c9", "snapshot", NOW + 60_000, Whose("i7", 1)))
    assert heard[-1][1].at == NOW, "the time is that of the alarm, at every try"
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
    door = Door(tmp_path / "cameras-1.sock", lambda native, order: "", nothing)
    await door.open()
    messenger = Messenger(tmp_path, {"home/gate": "cameras-1"})
    async with messenger as carrier:
        with pytest.raises(OSError, match="bytes read"):
            await carrier.publish("community/home/gate/command", body, 1)
    await _ask(messenger, "home/gate")
    assert frame({}) == b"\x00\x00\x00\x01\x80"
    await door.close()


def test_what_is_handed_over_names_the_onset_and_the_place(tmp_path: Path) -> None:
    """Before, onset and now, with the box, zone and point of what was seen, or with whose alarm asked; nothing while
    there is no picture, and no view to mask by while none is learned."""
    camera = CameraSettings("gate", "home", "rtsp://192.0.2.1/")
    slot = Slot(camera, {}, lambda: NOW, lambda: None, LastWords(tmp_path, "cameras-1"))
    assert slot.pulled(NOW, Whose()) is None
    list(slot.registered(CameraRecord("p", "s", "n", "2026-10-01"), NOW))
    assert slot.pulled(NOW, Whose()) is None
    for n in range(20):
        slot.pictures.add(NOW + n * 1000, np.full((36, 64, 3), n, np.uint8))
    sight = Sight(
        "occupied", round(time.monotonic() * 1000), box=(0.1, 0.2, 0.3, 0.4), zone="lane", score=0.7
    )
    taken = slot.saw(occupation, sight, NOW + 12_000)
    assert taken is not None
    assert [p.at - NOW for p in taken.pictures] == [7_000, 12_000, 19_000]
    assert (taken.device, taken.type, taken.zone, taken.box, taken.score) == (
        CAMERA, "occupied", "lane", (0.1, 0.2, 0.3, 0.4), 0.7
    )  # fmt: skip
    assert (taken.point, taken.reference) == (f"{CAMERA}/obstruction/lane", None)
    pulled = slot.pulled(NOW + 12_000, Whose("i7", 1))
    assert pulled is not None
    assert (pulled.type, pulled.box, pulled.whose) == ("pulled", None, Whose("i7", 1))
